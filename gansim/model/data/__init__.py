"""What is learned: targets and noise."""
