"""Players: networks of a configuration, their initial weights and optimisers, as the arrays the kernels work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.kernels.compiling.registers import REGISTER
from gansim.kernels.lanes import OCTET, T, aligned, by_lane
from gansim.kernels.networks import initial, spectral
from gansim.kernels.networks.architecture import CODES, Net, to_rows
from gansim.kernels.networks.passes import passes_of
from gansim.kernels.networks.player import (
    AVERAGE,
    BETA1,
    BETA2,
    EPS,
    FULL_LR,
    INPUT_SCALE,
    KEPT,
    LR,
    N_SETTINGS,
    OUTPUT_SCALE,
    RAW,
    SLOPE,
    SLOW,
    WEIGHT_DECAY,
    Player,
    Sizes,
)
from gansim.kernels.training import optimizers
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Given, Init
from gansim.model.optimizers import Optimizer

__all__ = [
    "Layers",
    "block",
    "build_player",
    "build_vector",
    "network_shapes",
    "normalise",
    "normalised_layers",
    "unscaled",
]

Array = NDArray[Any]
Layers = list[tuple[Array, Array]]

# The numbers of each optimiser, and the rows of `Player.settings` where they lie.
_SETTINGS = {
    "sgd": {"lr": LR},
    "momentum": {"lr": LR, "beta": BETA1},
    "rmsprop": {"lr": LR, "rho": BETA2, "eps": EPS},
    "adam": {"lr": LR, "beta1": BETA1, "beta2": BETA2, "eps": EPS},
    "nesterov": {"lr": LR, "beta": BETA1},
    "optimistic": {"lr": LR},
    "optimistic-adam": {"lr": LR, "beta1": BETA1, "beta2": BETA2, "eps": EPS},
}


def network_shapes(gan: GAN) -> tuple[Net, Net]:
    """The architectures of the generator and the discriminator."""
    players = ((gan.generator_sizes, gan.generator), (gan.discriminator_sizes, gan.discriminator))
    net_g, net_d = (Net(sizes, mlp.bias, CODES[mlp.activation], mlp.is_scaled) for sizes, mlp in players)
    return net_g, net_d


def block(gan: GAN) -> int:
    """Tiles of packs that go through a layer before the next layer's turn. Bits do not depend on it.

    As many as make 8 samples: calling passes for each tile of four costs 4 % of a step of 1-16-1. Four times as many
    where a layer's weights would fill a second-level cache of 1 MiB (128 x 128 in bundles of 16): 8 % of a step there;
    not of packs, whose samples go through G together.
    """
    most = max(n_in * n_out for net in network_shapes(gan) for n_in, n_out, *_ in net.layers)
    return OCTET // T * (4 if most * REGISTER > 2**19 and gan.packing == 1 else 1)


def unscaled(mlp: MLP, layers: Layers) -> Layers:
    """The same function as layers of a network of scale 1: scales are taken into the first and the last."""
    out = [(weights.copy(), bias.copy()) for weights, bias in layers]
    out[0] = out[0][0] * mlp.input_scale, out[0][1]
    out[-1] = out[-1][0] * mlp.output_scale, out[-1][1] * mlp.output_scale
    return out


def _settings(mlp: MLP, optimizer: Optimizer) -> list[float]:
    values = _numbers(optimizer)
    values[SLOPE] = 1.0 if mlp.activation == "linear" else mlp.slope_value
    values[INPUT_SCALE], values[OUTPUT_SCALE] = mlp.input_scale, mlp.output_scale
    return values


def _numbers(optimizer: Optimizer) -> list[float]:
    values = [0.0] * N_SETTINGS
    for name, row in _SETTINGS[optimizer.kind].items():
        values[row] = getattr(optimizer, name)
    values[FULL_LR], values[WEIGHT_DECAY] = optimizer.lr, optimizer.weight_decay
    return values


_INIT: dict[str, tuple[int, Callable[[Any, int, int], float]]] = {
    "he": (initial.NORMAL, lambda init, n_in, n_out: np.sqrt(2 / n_in)),
    "xavier": (initial.UNIFORM, lambda init, n_in, n_out: init.gain * np.sqrt(6 / (n_in + n_out))),
    "torch": (initial.UNIFORM, lambda init, n_in, n_out: 1 / np.sqrt(n_in)),
    "normal": (initial.NORMAL, lambda init, n_in, n_out: init.std),
    "orthogonal": (initial.ORTHOGONAL, lambda init, n_in, n_out: init.gain),
}


def _initial_theta(net: Net, init: Init, key: Array, stream: int, dtype: Any) -> Array:
    """Initial parameters of every lane under one initialiser, (n_params, L)."""
    theta = aligned((net.n_params, key.shape[1]), dtype)
    if isinstance(init, Given):
        theta[:] = to_rows(init.layers, net.bias)[:, None]
        return theta
    kind, scale = _INIT[init.kind]
    for number, (n_in, n_out, w, b, _, _) in enumerate(net.layers):
        bias = theta[b : b + n_out] if net.bias else aligned((n_out, key.shape[1]), dtype)
        bias_scale = float(scale(init, n_in, n_out)) if init.kind == "torch" else 0.0
        weights = theta[w : w + n_in * n_out]
        initial.fill_layer(kind, weights, bias, key, stream, number, n_in, float(scale(init, n_in, n_out)), bias_scale)
    return theta


def build_player(
    net: Net,
    mlps: Sequence[MLP],
    optimizers_: Sequence[Optimizer],
    key: Array,
    stream: int,
    dtype: Any,
    tiles: int = 1,
    compiled: bool = True,
    keeps: bool = False,
    normalised: bool = False,
) -> Player:
    """A player whose lane i is configured by ``mlps[i]`` and ``optimizers_[i]``, with units for some tiles.

    Its passes and its optimiser are compiled or loaded, unless nobody is going to call them. ``keeps``: with room for
    what dynamics keep from step to step; ``normalised``: with room for what `normalise` keeps, too.
    """
    lanes, n = len(mlps), net.n_params
    theta = aligned((n, lanes), dtype)
    for init in dict.fromkeys(mlp.init for mlp in mlps):
        mine = [mlp.init == init for mlp in mlps]
        theta[:, mine] = _initial_theta(net, init, key, stream, dtype)[:, mine]
    return _learning(
        theta,
        optimizers_,
        [_settings(m, o) for m, o in zip(mlps, optimizers_, strict=True)],
        tiles * net.n_units,
        Sizes(net.sizes[0], net.sizes[-1], net.n_units, n),
        passes_of(net, dtype) if compiled else 0,
        compiled,
        keeps or normalised,
        _rows_of_norms(net) if normalised else 0,
    )


def build_vector(theta: Array, optimizers_: Sequence[Optimizer], keeps: bool, tiles: int) -> Player:
    """A player that is given parameters (n, L), without a network; ``tiles`` for what is drawn for a sample."""
    settings, n = [_numbers(optimizer) for optimizer in optimizers_], len(theta)
    return _learning(theta, optimizers_, settings, max(tiles, n), Sizes(0, 0, 1, n), 0, True, keeps)


def _learning(
    theta: Array,
    optimizers_: Sequence[Optimizer],
    settings: list[list[float]],
    units: int,
    sizes: Sizes,
    passes: Any,
    compiled: bool,
    keeps: bool,
    more: int = 0,
) -> Player:
    """A player at these parameters, with the state of its optimiser, before any update; ``more`` rows of ``kept``."""
    (n, lanes), dtype, optimizer = theta.shape, theta.dtype, optimizers_[0].kind
    (averages, powers), _ = optimizers.OPTIMIZERS[optimizer]
    state = aligned((max(1, averages * n + powers), lanes), dtype)
    state[averages * n :] = 1
    kept = aligned((KEPT * n + more if keeps else 1, lanes), dtype)
    if keeps:
        for block_ in (SLOW, AVERAGE):
            kept[block_ * n : (block_ + 1) * n] = theta
    return Player(
        theta,
        aligned((n, lanes), dtype),
        state,
        aligned((units, T, lanes), dtype),
        aligned((units, T, lanes), dtype),
        by_lane(settings, dtype),
        kept,
        optimizers.update_of(optimizer, dtype) if compiled else 0,
        optimizers_[0].weight_decay > 0,
        sizes,
        passes,
    )


# --- weights that are used divided by their spectral norm ---------------------------------------

_FIRST_U = 64  # drawn as weights are, of layers from this on: a network has fewer


def _rows_of_norms(net: Net) -> int:
    """How many rows the vectors and norms of its layers take."""
    return sum(n_in + n_out + 1 for n_in, n_out, *_ in net.layers)


def normalised_layers(net: Net) -> Array:
    """Where kernels/networks/spectral.py finds what it keeps of each layer, (layers, 4)."""
    at, out = KEPT * net.n_params, []
    for n_in, n_out, w, *_ in net.layers:
        out.append((n_in, n_out, w, at))
        at += n_in + n_out + 1
    return np.array(out, np.int64)


def normalise(player: Player, net: Net, key: Array, stream: int) -> None:
    """Normalise the initial weights of a player; the first vectors are of its own stream."""
    layers, none = normalised_layers(net), aligned((1, key.shape[1]), player.theta.dtype)
    for number, (_, n_out, _, at) in enumerate(layers.tolist()):
        first = player.kept[at : at + n_out]
        initial.fill_layer(initial.NORMAL, first, none, key, stream, _FIRST_U + number, 1, 1.0, 0.0)
    player.kept[RAW * net.n_params :][: net.n_params] = player.theta
    spectral.normalise_player(player, layers)
