"""Losses and their gradients on given samples, for whoever wants to check them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim.engine.bundles import losses_of, training_field
from gansim.engine.players import Layers, build_player, network_shapes
from gansim.engine.replay import samples_of
from gansim.engine.samplers import batch_weights, data_unit, replicate_key, rows_of
from gansim.errors import ConfigError, shown
from gansim.kernels import games, random
from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.lanes import LANES, OCTET, T, aligned
from gansim.kernels.networks.architecture import Net, from_rows, to_rows
from gansim.kernels.networks.player import Player
from gansim.kernels.training.field import losses_and_gradients
from gansim.model.gan import GAN, check_gan
from gansim.model.networks import MLP, He
from gansim.model.optimizers import Adam

__all__ = ["Gradients", "gradients"]

Array = NDArray[Any]


class Gradients(NamedTuple):
    """V, both losses and their gradients, each a list of (weights, bias) per layer."""

    v: float
    loss_d: float
    loss_g: float
    grad_d: Layers
    grad_g: Layers


@default_arithmetic
def gradients(gan: GAN, theta_g: Any, theta_d: Any, x: ArrayLike, z: ArrayLike, u: ArrayLike = 0.5) -> Gradients:
    """Losses and gradients on given samples, in float64, by the code that trains.

    Parameters
    ----------
    gan : GAN
        Networks' shapes and activations, game, penalties on D's gradient, label smoothing, noise dimension and, if
        ``standardise``, the target's moments are read. Nothing is blurred, cut, looked ahead or adjusted.
    theta_g, theta_d : list of (weights (n_out, n_in), bias (n_out,))
        Parameters per layer, in the networks' own units, as the networks use them: where weights of D are normalised,
        after that, and its gradient is by these.
    x : array_like, shape (n,) or (n, 1)
        Real samples, in data units; n a multiple of ``packing``. Samples make packs as those of a batch do.
    z : array_like, shape (n,) or (n, noise_dim)
        Noise, as many.
    u : float or array_like, shape (n / packing,), default 0.5
        Of a gradient penalty: how much of the real pack there is in each point between it and the fake, 0 to 1.

    Returns
    -------
    Gradients
        ``v``, ``loss_d``, ``loss_g``, ``grad_d`` (of loss_d) and ``grad_g`` (of loss_g).

    Raises
    ------
    ValueError
        If `gan` is no GAN, shapes do not fit, a network is not finite, or a point of `u` is not between.
    """
    check_gan(gan)
    net_g, net_d = network_shapes(gan)
    location, scale = data_unit(gan)
    reals = (samples_of(x, gan.data_dim, "x") - location) / scale
    noises = samples_of(z, net_g.sizes[0], "z")
    if len(reals) != len(noises):
        raise ConfigError(f"x, z: {len(reals)} and {len(noises)} samples: as many of both")
    if len(reals) % gan.packing:
        raise ConfigError(f"x, z: {len(reals)} samples: a multiple of packing = {gan.packing}")
    dtype, packs = np.dtype(np.float64), len(reals) // gan.packing
    lanes = LANES[dtype]
    g, d = (
        _given_player(net, mlp, theta, name, samples * OCTET // T)
        for net, mlp, theta, name, samples in (
            (net_g, gan.generator, theta_g, "theta_g", gan.packing),
            (net_d, gan.discriminator, theta_d, "theta_d", 1),
        )
    )
    field, values = training_field(gan, dtype, len(reals)), games.values(losses_of(gan)[0], dtype)
    if field.penalties is not None:
        field.penalties.mixed[:packs] = _between(u, packs)[:, None]
    weights, losses = batch_weights(packs, lanes, dtype), aligned((3, lanes), dtype)
    x_rows, z_rows = (_padded(samples, rows_of(packs, gan.packing)) for samples in (reals, noises))
    with np.errstate(all="ignore"):
        losses_and_gradients(g, d, field, values, x_rows, z_rows, weights, losses)
    v, loss_d, loss_g = (float(value) for value in losses[:, 0])
    return Gradients(v, loss_d, loss_g, from_rows(net_d, d.grad[:, 0].copy()), from_rows(net_g, g.grad[:, 0].copy()))


def _between(u: ArrayLike, n: int) -> Array:
    """How much of the real sample there is in the points between, (n,)."""
    try:
        found = np.broadcast_to(np.asarray(u, float), (n,))
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if not ((found >= 0) & (found <= 1)).all():
        raise ConfigError(f"u: value {shown(u)}: a number from 0 to 1, or {n} of them")
    return found


def _given_player(net: Net, mlp: MLP, theta: Any, name: str, tiles: int) -> Player:
    """A float64 player with the same given parameters in every lane, and units for some tiles."""
    wanted = [((n_out, n_in), (n_out,)) for n_in, n_out, *_ in net.layers]
    try:
        layers = [(np.asarray(weights, float), np.asarray(bias, float)) for weights, bias in theta]
    except (TypeError, ValueError):
        raise ConfigError(
            f"{name}: not a list of (weights, bias) per layer of numbers: expected shapes {wanted}"
        ) from None
    shapes = [(weights.shape, bias.shape) for weights, bias in layers]
    if shapes != wanted:
        raise ConfigError(f"{name}: shapes {shapes}: expected {wanted}")
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ConfigError(f"{name}: holds a number that is not finite: expected finite weights and biases")
    if not net.bias and any(bias.any() for _, bias in layers):
        raise ConfigError(f"{name}: holds a bias other than 0: expected zeros for a network without biases")
    lanes = LANES[np.dtype(np.float64)]
    key = replicate_key(0, [0] * lanes)
    dtype, mlps = np.dtype(np.float64), [replace(mlp, init=He())] * lanes
    player = build_player(net, mlps, [Adam()] * lanes, key, random.WEIGHTS_G, dtype, tiles)
    player.theta[:] = to_rows(layers, net.bias)[:, None]
    return player


def _padded(samples: Array, padded: int) -> Array:
    """Samples (n, k) -> (k * padded, L); lanes are the same, the last sample fills up."""
    lanes, n, k = LANES[np.dtype(np.float64)], *samples.shape
    out = aligned((k * padded, lanes), np.float64)
    each = out.reshape(k, -1, lanes)
    each[:, :n] = samples.T[:, :, None]
    each[:, n:] = samples[-1][:, None, None]
    return out
