"""GANs that are trained while somebody watches."""
