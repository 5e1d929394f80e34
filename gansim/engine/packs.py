"""Packs: runs, side by side, as the arrays the kernels work on.

A pack holds as many runs as a row has lanes. Its runs share a `pack_key`; everything else may differ from lane to lane.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gansim.kernels import games, initial, network, optimizers, random, targets
from gansim.kernels.arithmetic import default_arithmetic
from gansim.kernels.lanes import LANES, T, aligned
from gansim.kernels.measure import Ruler
from gansim.kernels.network import Net, Player
from gansim.kernels.targets import Source
from gansim.kernels.train import Plan
from gansim.model import distributions
from gansim.model.distributions import Mixture, Noise, Normal, Target, Uniform, components, standardised
from gansim.model.gan import GAN
from gansim.model.laws import quantile
from gansim.model.modes import modes_of
from gansim.model.networks import MLP, Given, Init
from gansim.model.optimizers import Optimizer

__all__ = [
    "MAX_REP",
    "MAX_SEED",
    "Pack",
    "batch_weights",
    "build_packs",
    "build_player",
    "compile_key",
    "data_unit",
    "drop_dead",
    "n_components",
    "n_modes",
    "network_shapes",
    "pack_key",
    "replicate_key",
    "seen_moments",
    "training_plan",
]

Array = NDArray[Any]
_Arrays = TypeVar("_Arrays", bound=tuple[Any, ...])

MAX_SEED = 2**64 - 1  # a seed is two words of the random numbers' key
MAX_REP = 2**32 - 1  # a replicate is one

# --- from a configuration to codes and rows -------------------------------------------------------

_OPTIMIZER = {
    "sgd": ("lr",),
    "momentum": ("lr", "beta"),
    "rmsprop": ("lr", "rho", "eps"),
    "adam": ("lr", "beta1", "beta2", "eps"),
}
_SETTING = {
    "lr": network.LR,
    "beta": network.BETA1,
    "beta1": network.BETA1,
    "rho": network.BETA2,
    "beta2": network.BETA2,
    "eps": network.EPS,
}
_DISTRIBUTION = {"normal": targets.NORMAL, "uniform": targets.UNIFORM, "mixture": targets.MIXTURE}


def network_shapes(gan: GAN) -> tuple[Net, Net]:
    """The architectures of the generator and the discriminator."""
    players = ((gan.generator_sizes, gan.generator), (gan.discriminator_sizes, gan.discriminator))
    net_g, net_d = (Net(sizes, mlp.bias, network.CODES[mlp.activation]) for sizes, mlp in players)
    return net_g, net_d


def pack_key(gan: GAN) -> Hashable:
    """Everything that must agree among the runs of a pack: what a kernel is told once, not lane by lane.

    Learning rates and other optimiser settings, slopes, initial weights, the target's and the noise's numbers and
    ``standardise`` may differ from lane to lane.
    """
    return (
        gan.generator_sizes,
        gan.generator.bias,
        gan.discriminator_sizes,
        gan.discriminator.bias,
        network.CODES[gan.generator.activation],
        network.CODES[gan.discriminator.activation],
        gan.game,
        gan.optimizer_g.kind,
        gan.optimizer_d.kind,
        gan.updates,
        gan.d_steps,
        gan.g_steps,
        gan.batch_size,
        gan.samples,
        gan.target.kind,
        n_components(gan),
        gan.noise.kind,
        gan.steps,
        gan.records,
        gan.n_eval,
        gan.precision,
        gan.referee,
    )


def compile_key(gan: GAN) -> Hashable:
    """What is compiled for, beyond the code that all configurations share: networks, precision, the referee."""
    return (*(net.key for net in network_shapes(gan)), gan.precision, gan.referee and gan.referee.hidden)


def n_components(gan: GAN) -> int:
    """How many components a mixture has, 1 for any other target."""
    return len(gan.target.means) if isinstance(gan.target, Mixture) else 1


def n_modes(gan: GAN) -> int:
    """How many modes of the target can be told apart, 1 unless it is a mixture."""
    return modes_of(gan.target).n


def _distribution_rows(target: Target | Noise) -> list[float]:
    """The numbers of a distribution in the order of kernels/targets.py."""
    if isinstance(target, Normal):
        return [target.mean, target.std]
    if isinstance(target, Uniform):
        return [target.low, target.high - target.low]
    means, stds, weights = components(target)
    cumulative = [*np.cumsum(weights)[:-1].tolist(), 1.0]
    return [*cumulative, *means, *stds]


def _seen(gan: GAN) -> Target:
    """The target in the networks' units."""
    return standardised(gan.target) if gan.standardise else gan.target


def seen_moments(gan: GAN) -> tuple[float, float]:
    """Mean and spread of the target in the networks' units."""
    return (0.0, 1.0) if gan.standardise else distributions.moments(gan.target)


def data_unit(gan: GAN) -> tuple[float, float]:
    """Location and scale that turn the networks' units into the data's."""
    return distributions.moments(gan.target) if gan.standardise else (0.0, 1.0)


def _settings(mlp: MLP, optimizer: Optimizer) -> list[float]:
    values = [0.0] * network.N_SETTINGS
    values[network.SLOPE] = 1.0 if mlp.activation == "linear" else mlp.slope_value
    for name in _OPTIMIZER[optimizer.kind]:
        values[_SETTING[name]] = getattr(optimizer, name)
    return values


def _rows(columns: Sequence[Sequence[float]], dtype: Any) -> Array:
    """One column per lane -> (n, L)."""
    out = aligned((len(columns[0]), len(columns)), dtype)
    out[:] = np.asarray(columns, float).T
    return out


# --- a pack: its players, its source of numbers, its ruler ----------------------------------------


class Pack(NamedTuple):
    """L runs side by side. `lanes` holds each lane's row in the chunk; lanes beyond its length repeat the last run."""

    lanes: list[int]
    g: Player
    d: Player
    source: Source
    ruler: Ruler


def replicate_key(seed: int, reps: Sequence[int]) -> Array:
    """Each lane's words of the random numbers' key, (3, L): seed low, seed high, replicate."""
    out = aligned((3, len(reps)), np.uint32)
    out[0], out[1], out[2] = seed & 0xFFFFFFFF, seed >> 32, reps
    return out


_INIT: dict[str, tuple[int, Callable[[Any, int, int], float]]] = {
    "he": (initial.NORMAL, lambda init, n_in, n_out: np.sqrt(2 / n_in)),
    "xavier": (initial.UNIFORM, lambda init, n_in, n_out: init.gain * np.sqrt(6 / (n_in + n_out))),
    "torch": (initial.UNIFORM, lambda init, n_in, n_out: 1 / np.sqrt(n_in)),
    "normal": (initial.NORMAL, lambda init, n_in, n_out: init.std),
    "orthogonal": (initial.ORTHOGONAL, lambda init, n_in, n_out: init.gain),
}


def _initial_theta(net: Net, init: Init, key: Array, purpose: int, dtype: Any) -> Array:
    """Initial parameters of every lane under one initialiser, (n_params, L)."""
    theta = aligned((net.n_params, key.shape[1]), dtype)
    if isinstance(init, Given):
        theta[:] = network.to_rows(init.layers, net.bias)[:, None]
        return theta
    kind, scale = _INIT[init.kind]
    for number, (n_in, n_out, w, b, _, _) in enumerate(net.layers):
        bias = theta[b : b + n_out] if net.bias else aligned((n_out, key.shape[1]), dtype)
        bias_scale = float(scale(init, n_in, n_out)) if init.kind == "torch" else 0.0
        weights = theta[w : w + n_in * n_out]
        initial.fill_layer(kind, weights, bias, key, purpose, number, n_in, float(scale(init, n_in, n_out)), bias_scale)
    return theta


def block(gan: GAN) -> int:
    """Tiles that go through a layer before the next layer's turn.

    Four where a layer's weights fill the second-level cache (128 x 128: 1 MiB), so that they come in once for four
    tiles: 8 % of a step. One elsewhere: on 64 x 64 four cost 5 %, on 1-16-1 8 %.
    """
    return 4 if max(n_in * n_out for net in network_shapes(gan) for n_in, n_out, *_ in net.layers) > 64 * 64 else 1


def build_player(
    net: Net,
    mlps: Sequence[MLP],
    optimizers_: Sequence[Optimizer],
    key: Array,
    purpose: int,
    dtype: Any,
    tiles: int = 1,
) -> Player:
    """A player whose lane i is configured by ``mlps[i]`` and ``optimizers_[i]``, with units for some tiles."""
    lanes, n = len(mlps), net.n_params
    theta = aligned((n, lanes), dtype)
    for init in dict.fromkeys(mlp.init for mlp in mlps):
        mine = [mlp.init == init for mlp in mlps]
        theta[:, mine] = _initial_theta(net, init, key, purpose, dtype)[:, mine]
    moments = aligned((2 * n + 2, lanes), dtype)
    moments[2 * n :] = 1
    return Player(
        theta,
        aligned((n, lanes), dtype),
        moments,
        aligned((tiles * net.n_units, T, lanes), dtype),
        aligned((tiles * net.n_units, T, lanes), dtype),
        _rows([_settings(m, o) for m, o in zip(mlps, optimizers_, strict=True)], dtype),
        optimizers.CODES[optimizers_[0].kind],
    )


def batch_weights(batch: int, lanes: int, dtype: Any) -> Array:
    """Each sample's share of a batch average, 0 beyond the batch."""
    out = aligned((-(-batch // T) * T, lanes), dtype)
    out[:batch] = 1 / batch
    return out


def _padded(n: int) -> int:
    """As many rows as n numbers take, drawn some at once."""
    return -(-n // random.DRAWN) * random.DRAWN


def _source(gans: Sequence[GAN], key: Array, purpose: int, dtype: Any) -> Source:
    lanes, gan = len(gans), gans[0]
    source = Source(
        key,
        purpose,
        _rows([_distribution_rows(_seen(g)) for g in gans], dtype),
        _DISTRIBUTION[gan.target.kind],
        n_components(gan),
        _rows([_distribution_rows(g.noise) for g in gans], dtype),
        _DISTRIBUTION[gan.noise.kind],
        aligned((max(1, _padded(gan.samples or 0)), lanes), dtype),
        gan.samples or 0,
        gan.batch_size == "full",
        batch_weights(gan.batch, lanes, dtype),
        aligned((gan.discriminator_sizes[0] * _padded(gan.batch), lanes), dtype),
        aligned((gan.generator_sizes[0] * _padded(gan.batch), lanes), dtype),
        aligned((random.DRAWN, lanes), np.uint32),
        aligned((random.DRAWN, lanes), dtype),
    )
    if gan.samples:
        targets.fill_sample(source)
    return source


@lru_cache(maxsize=64)
@default_arithmetic
def _quantiles(target: Target, n: int) -> NDArray[np.float64]:
    """Quantiles of the standardised target at the midpoints of n equal shares of probability.

    To 12 decimals: SciPy takes exponentials and logarithms from the C library, whose last bits (6 of 168,815 quantiles)
    are others on a processor without AVX2.
    """
    return np.round(quantile(standardised(target), (np.arange(n) + 0.5) / n), 12)


@lru_cache(maxsize=64)
def _mode_rows(target: Target, n: int) -> NDArray[np.float64]:
    """What kernels/measure.py knows of the modes of a target and of n points; none if it is no mixture."""
    if not isinstance(target, Mixture):
        return np.zeros(1)
    modes = modes_of(target)
    k, m = len(modes.leader), len(modes.owner)
    left, owner = np.full(2 * k, np.inf), np.full(2 * k, -1)  # k parabolas have at most 2 k - 1 stretches
    start, scale = np.zeros(2 * k), np.zeros(2 * k)
    left[:m], owner[:m] = modes.left, modes.owner
    width = np.diff(modes.below, append=1.0)
    for j, one in enumerate(modes.owner):
        start[j] = modes.below[j] - width[:j][modes.owner[:j] == one].sum()
        scale[j] = 1 / modes.masses[one]
    good = modes.good / modes.good.sum()
    return np.concatenate([modes.heights, modes.leader, good, modes.masses, modes.shown(n), left, owner, start, scale])


def _ruler(gans: Sequence[GAN], n: int, dtype: Any) -> Ruler:
    lanes = len(gans)
    quantiles = aligned((n, lanes), dtype)
    for lane, gan in enumerate(gans):
        quantiles[:, lane] = _quantiles(gan.target, n)
    return Ruler(
        _rows([seen_moments(g) for g in gans], dtype),
        _rows([_distribution_rows(standardised(g.target)) for g in gans], dtype),
        quantiles,
        _rows([_mode_rows(g.target, n).tolist() for g in gans], dtype),
        aligned((n, lanes), dtype),
        aligned((2 * n, lanes), dtype),
        aligned((n_components(gans[0]), lanes), dtype),
        aligned((n if isinstance(gans[0].target, Mixture) else 1, lanes), dtype),
    )


def build_packs(
    gans: Sequence[GAN],
    reps: Sequence[int],
    seed: int,
    purpose: int = 0,
    generators: Sequence[Array] | None = None,
) -> list[Pack]:
    """Runs into packs; the last is filled up with copies of its last run. ``generators`` are given parameters."""
    dtype = np.dtype(gans[0].precision)
    lanes = LANES[dtype]
    net_g, net_d = network_shapes(gans[0])
    packs = []
    for start in range(0, len(gans), lanes):
        rows = list(range(start, min(start + lanes, len(gans))))
        padded = rows + rows[-1:] * (lanes - len(rows))
        mine, key = [gans[row] for row in padded], replicate_key(seed, [reps[row] for row in padded])
        g = build_player(
            net_g,
            [x.generator for x in mine],
            [x.optimizer_g for x in mine],
            key,
            random.WEIGHTS_G,
            dtype,
            block(gans[0]),
        )
        d = build_player(
            net_d,
            [x.discriminator for x in mine],
            [x.optimizer_d for x in mine],
            key,
            random.WEIGHTS_D + purpose,
            dtype,
            block(gans[0]),
        )
        if generators is not None:
            g.theta[:] = np.array([generators[row] for row in padded]).T
        packs.append(Pack(rows, g, d, _source(mine, key, purpose, dtype), _ruler(mine, gans[0].n_eval, dtype)))
    return packs


def training_plan(gan: GAN) -> Plan:
    """What the training loop is told once for a pack."""
    simultaneous = gan.updates == "simultaneous"
    return Plan(games.CODES[gan.game], simultaneous, gan.d_steps, gan.g_steps, gan.batch, block(gan))


# --- dropping runs that are no longer finite ------------------------------------------------------


def _take(parts: Sequence[_Arrays], chosen: Array) -> list[_Arrays]:
    """Lanes ``chosen`` of several packs, regrouped into packs; every array of ``parts`` has the lanes last."""
    lanes = next(x for x in parts[0] if isinstance(x, np.ndarray)).shape[-1]
    columns = []
    for values in zip(*parts, strict=True):
        if not isinstance(values[0], np.ndarray):
            columns.append([values[0]] * (len(chosen) // lanes))
            continue
        every = np.concatenate(values, axis=-1)
        split = []
        for start in range(0, len(chosen), lanes):
            out = aligned(values[0].shape, values[0].dtype)
            out[:] = every[..., chosen[start : start + lanes]]
            split.append(out)
        columns.append(split)
    kind: Any = type(parts[0])
    return [kind(*values) for values in zip(*columns, strict=True)]


def drop_dead(packs: list[Pack], alive: Array) -> list[Pack]:
    """The packs without dead runs, if that needs fewer packs; ``alive`` is indexed by the runs' rows in the chunk."""
    if not packs:
        return packs
    lanes = packs[0].g.theta.shape[-1]
    living = [
        (row, p * lanes + lane) for p, pack in enumerate(packs) for lane, row in enumerate(pack.lanes) if alive[row]
    ]
    n = -(-len(living) // lanes)
    if n == len(packs):
        return packs
    if n == 0:
        return []
    rows = [row for row, _ in living]
    chosen = np.array([where for _, where in living] + [living[-1][1]] * (n * lanes - len(living)))
    parts: list[list[Any]] = [_take([pack[field] for pack in packs], chosen) for field in range(1, 5)]
    return [Pack(rows[p * lanes : (p + 1) * lanes], *(part[p] for part in parts)) for p in range(n)]
