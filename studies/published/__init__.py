"""What was published, and what is found here: shared by the studies that compare the two."""
