"""Files: what is written, what vouches for it, and whose it is."""
