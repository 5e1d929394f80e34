"""The yardsticks of studies/speed.py: the same GANs as others would train them, each a script of its own."""
