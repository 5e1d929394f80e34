"""Yardstick: one GAN at a time in eager PyTorch, what most people write first. Needs torch.

    python studies/peers/torch_loop.py --generator 1-16-1 --discriminator 1-16-1

The same step as in jax_vmap.py, on one core: multiply by the cores that would each train a GAN of their own.
"""

from itertools import pairwise

import yardstick

try:
    import torch
    from torch import nn
    from torch.nn.functional import softplus
except ImportError as error:
    raise yardstick.missing(error) from None

options = yardstick.options(__doc__, steps=500)
activation = {"leaky_relu": lambda: nn.LeakyReLU(0.2), "relu": nn.ReLU, "tanh": nn.Tanh}[options.activation]
torch.set_num_threads(1)
torch.manual_seed(0)


def mlp(sizes):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


g, d = mlp(options.generator), mlp(options.discriminator)
opt_g, opt_d = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d))


def normals(dimensions):
    return torch.randn(options.batch, dimensions)


def step():
    data_dim, noise_dim = options.discriminator[0], options.generator[0]
    x, z = 500 + 5 * normals(data_dim), normals(noise_dim)
    opt_d.zero_grad()
    (softplus(-d(x)).mean() + softplus(d(g(z).detach())).mean()).backward()
    opt_d.step()
    opt_g.zero_grad()
    softplus(-d(g(normals(noise_dim)))).mean().backward()
    opt_g.step()


def train():
    for _ in range(options.steps):
        step()


yardstick.race(train, options.steps, options, {"torch": torch.__version__})
