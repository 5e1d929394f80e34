"""What is shown of runs, as numbers: nothing here draws."""
