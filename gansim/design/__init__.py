"""What is compared: cells and replicates, as objects, as plain data and as a sheet."""
