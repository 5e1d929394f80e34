"""What the study of speed measures: the cases, its tables and its figures."""
