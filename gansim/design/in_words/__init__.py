"""What is asked, in words."""
