"""What the founding study makes of its runs: tables, figures and the verdicts on the note's ten statements."""
