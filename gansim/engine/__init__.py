"""Training and measuring: configurations -> arrays in lanes -> traces."""
