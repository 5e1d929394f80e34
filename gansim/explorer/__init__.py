"""The explorer: a page on this machine in which GANs are trained and results looked at."""
