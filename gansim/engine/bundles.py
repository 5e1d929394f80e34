"""Bundles: runs, side by side, as the arrays the kernels work on.

A bundle holds as many runs as a row has lanes. Its runs share a `bundle_key`; everything else may differ from lane to
lane.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from gansim.engine.evaluations import build_evaluation
from gansim.engine.players import block, build_player, network_shapes, normalise, normalised_layers
from gansim.engine.samplers import batch_weights, build_sampler, replicate_key, rows_of
from gansim.kernels import games, random, relativistic
from gansim.kernels.lanemath import ON_LANES
from gansim.kernels.lanes import LANES, T, aligned
from gansim.kernels.measure import Evaluation
from gansim.kernels.networks.architecture import CODES, Net
from gansim.kernels.networks.directional import BOTH, INPUTS, PARAMETERS, directional_of
from gansim.kernels.networks.player import AVERAGE, Player
from gansim.kernels.relativistic import Comparison
from gansim.kernels.sampler import Sampler
from gansim.kernels.training import adjustments, dynamics
from gansim.kernels.training.adjustments import Adjustment
from gansim.kernels.training.dynamics import Dynamics, Memory
from gansim.kernels.training.field import Field
from gansim.kernels.training.penalties import Penalties
from gansim.kernels.training.train import Plan
from gansim.kernels.training.turns import Turn, Turns
from gansim.model.data.distributions import Mixture, Normal, Uniform
from gansim.model.dynamics import AnyAdjustment, Unrolled
from gansim.model.games import game_name, game_numbers
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import Optimizer
from gansim.model.own.games import OwnGame, has_bends
from gansim.model.parametric import Dirac, LinearWasserstein, ParametricGame, TwoNormals

__all__ = [
    "Bundle",
    "build_bundles",
    "bundle_key",
    "compile_key",
    "drop_dead",
    "has_memory",
    "is_adjusted",
    "is_compared",
    "is_curved",
    "is_packed",
    "is_penalised",
    "losses_of",
    "measured_generator",
    "memory_of",
    "rows_by_bundle",
    "training_field",
    "training_plan",
]

Array = NDArray[Any]
_Arrays = TypeVar("_Arrays", bound=tuple[Any, ...])

# --- what the runs of a bundle share ----------------------------------------------------------------


def _nothing(_: object) -> None:
    """Nothing of it is shared."""


def _whether_any(value: float) -> bool:
    return value > 0


def _whether_other(scale: float) -> bool:
    return scale != 1


# Fields that may differ from lane to lane, and what of each the lanes share even so: all that a kernel is told lane by
# lane. Every other field of a configuration must agree; a new one does, until it is entered here.
_PER_LANE: dict[tuple[type, str], Callable[[Any], Hashable]] = {
    (GAN, "standardise"): _nothing,
    (MLP, "activation"): lambda name: CODES[name],  # the piecewise linear ones differ in their slope alone
    (MLP, "slope"): _nothing,
    (MLP, "init"): _nothing,
    (MLP, "input_scale"): _whether_other,
    (MLP, "output_scale"): _whether_other,
    (Normal, "mean"): _nothing,
    (Normal, "std"): _nothing,
    (Uniform, "low"): _nothing,
    (Uniform, "high"): _nothing,
    (Mixture, "means"): len,
    (Mixture, "stds"): _nothing,
    (Mixture, "weights"): _nothing,
    (ParametricGame, "start_g"): len,
    (ParametricGame, "start_d"): len,
    **{
        (kind, field.name): _whether_any if field.name in ("noise", "consensus") else _nothing
        for kind in (Dirac, LinearWasserstein, TwoNormals)
        for field in dataclasses.fields(kind)
        if field.name in ("r1", "pull", "target", "noise", "consensus", "share", "mean", "other", "penalty")
    },
    **{
        (kind, field.name): _whether_any if field.name == "weight_decay" else _nothing
        for kind in get_args(get_args(Optimizer)[0])
        for field in dataclasses.fields(kind)
        if field.name != "kind"
    },
}


def _shared(value: Any) -> Hashable:
    """What all lanes of a bundle have in common with a configuration, or with a part of one."""
    if isinstance(value, tuple):
        return tuple(_shared(item) for item in value)
    if not dataclasses.is_dataclass(value):
        return value  # type: ignore[no-any-return]
    kind = type(value)
    fields = (field.name for field in dataclasses.fields(value))
    return (kind, *(_PER_LANE.get((kind, name), _shared)(getattr(value, name)) for name in fields))


@lru_cache(maxsize=4096)
def bundle_key(gan: GAN | ParametricGame) -> Hashable:
    """Everything that must agree among the runs of a bundle: all of a configuration but what may differ by lane."""
    return _shared(gan)


def compile_key(gan: GAN | ParametricGame) -> Hashable:
    """What is compiled for, beyond the code that all configurations share: networks, precision, the referee."""
    if isinstance(gan, ParametricGame):
        return gan.game.form, gan.game.sizes, gan.precision, gan.clip > 0
    return (*(net.key for net in network_shapes(gan)), gan.precision, gan.referee and gan.referee.hidden)


def losses_of(gan: GAN) -> tuple[str, games.Game]:
    """The family of a configuration's losses, and which of them its game has.

    Raises
    ------
    ConfigError
        If its game is somebody's own and its code is not at hand.
    """
    if isinstance(gan.game, OwnGame):
        return _own_losses(gan.game)
    family, losses = games.GAMES[game_name(gan.game)]
    return ("smoothed", games.smoothed(losses)) if gan.penalties.smoothing else (family, losses)


@cache
def _own_losses(game: OwnGame) -> tuple[str, games.Game]:
    known: OwnGame = game.at_hand()
    losses = [
        [None if code is None else code.bind(ON_LANES) for code in loss.codes]
        for loss in (known.real, known.fake, known.generator)
    ]
    return games.own_family(game.digest, losses), games.Game(0, 1, 2)


def _numbers(gan: GAN) -> tuple[float, float, float]:
    return (gan.penalties.smoothing, 0.0, 0.0) if gan.penalties.smoothing else game_numbers(gan.game)


def is_compared(gan: GAN) -> bool:
    """Whether its game is relativistic, for which the training loop is compiled apart."""
    return game_name(gan.game) in relativistic.CODES


def training_field(gan: GAN, dtype: Any, batch: int, compiled: bool = True) -> Field:
    """What the players' gradients on so many samples follow from. Unless ``compiled``, its code is not there."""
    family, losses = losses_of(gan)
    slopes, packs = games.slopes(family, dtype) if compiled else 0, batch // gan.packing
    comparison, penalties = _comparison(gan, dtype, packs), _penalties(gan, dtype, packs, compiled)
    packing = gan.packing if is_packed(gan) else None
    layers = normalised_layers(network_shapes(gan)[1]) if gan.penalties.spectral else None
    return Field(slopes, losses, _numbers(gan), comparison, penalties, packing, packs, block(gan), layers=layers)


def _comparison(gan: GAN, dtype: Any, packs: int) -> Comparison | None:
    """How outputs are compared, with working memory."""
    if not is_compared(gan):
        return None
    lanes = LANES[np.dtype(dtype)]
    rows = 2 * len(batch_weights(packs, lanes, dtype))
    code = relativistic.CODES[game_name(gan.game)]
    return Comparison(code, aligned((rows, lanes), dtype), aligned((rows, lanes), dtype))


def is_packed(gan: GAN) -> bool:
    """Whether D sees several samples at once, for which the training loop is compiled apart."""
    return gan.packing > 1


def is_penalised(gan: GAN) -> bool:
    """Whether D is penalised by more than label smoothing, for which the training loop is compiled apart."""
    return is_curved(gan) or gan.penalties.clip > 0 or gan.penalties.noise > 0


def is_curved(gan: GAN) -> bool:
    """Whether D's gradient by its input is penalised, which needs a pass of D's own."""
    return max(gan.penalties.r1, gan.penalties.r2, gan.penalties.gradient) > 0


def _penalties(gan: GAN, dtype: Any, packs: int, compiled: bool) -> Penalties | None:
    """What the kernels are told of them, with working memory."""
    if not is_penalised(gan):
        return None
    of, lanes, net = gan.penalties, LANES[np.dtype(dtype)], network_shapes(gan)[1]
    t, a, q = (aligned((block(gan) * net.n_units, T, lanes), dtype) for _ in range(3))
    return Penalties(
        of.r1 > 0,
        of.r2 > 0,
        of.gradient > 0,
        (of.r1, of.r2, of.gradient, of.target, float(of.one_sided)),
        directional_of(net, INPUTS, dtype) if compiled and is_curved(gan) else 0,
        aligned((net.n_params, lanes), dtype),
        t,
        a,
        q,
        aligned((rows_of(packs), lanes), dtype),
        of.clip,
        of.noise,
        of.noise_steps or 0,
        aligned((gan.data_dim * rows_of(packs, gan.packing), lanes), dtype),
    )


def adjustment_of(gan: GAN | ParametricGame) -> AnyAdjustment | None:
    """How gradients are adjusted: those of a GAN may be."""
    return gan.adjustment if isinstance(gan, GAN) else None


def pretrain_of(gan: GAN | ParametricGame) -> int:
    """How often D is updated before the first step: that of a GAN may be."""
    return gan.pretrain if isinstance(gan, GAN) else 0


def has_memory(gan: GAN | ParametricGame) -> bool:
    """Whether its dynamics keep something from step to step, for which the training loop is compiled apart."""
    looks_ahead = gan.updates in ("extragradient", "past-extragradient")
    methods = (gan.lookahead, gan.average, gan.decay, adjustment_of(gan))
    return looks_ahead or pretrain_of(gan) > 0 or any(one is not None for one in methods)


def is_adjusted(gan: GAN) -> bool:
    """Whether gradients are adjusted by how they change, which needs passes and losses of its own."""
    return gan.adjustment is not None


def turning(gan: GAN) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which directional passes its adjustment needs, of G and of D, by what moves."""
    of = gan.adjustment
    if of is None or (isinstance(of, Unrolled) and not of.second_order):
        return (), ()
    return ((), (PARAMETERS,)) if isinstance(of, Unrolled) else ((PARAMETERS,), (PARAMETERS, BOTH))


def _turn(net: Net, tiles: int, dtype: Any, kinds: Sequence[int]) -> Turn:
    """Working memory for directional derivatives of one player, and the passes that are needed."""
    along, found = (aligned((net.n_params, LANES[dtype]), dtype) for _ in range(2))
    r_h, r_a, r_d = (aligned((tiles * net.n_units, T, LANES[dtype]), dtype) for _ in range(3))
    of_parameters, of_both = (directional_of(net, kind, dtype) if kind in kinds else 0 for kind in (PARAMETERS, BOTH))
    return Turn(along, found, r_h, r_a, r_d, of_parameters, of_both)


def _adjustment(gan: GAN, compiled: bool) -> Adjustment | None:
    """What the kernels are told of it, with working memory."""
    of, dtype = gan.adjustment, np.dtype(gan.precision)
    if of is None:
        return None
    lanes, (net_g, net_d) = LANES[dtype], network_shapes(gan)
    numbers = {"consensus": ("gamma", None, None), "symplectic": ("strength", "align", None)}
    strength, flag, k = numbers.get(of.kind, ("lr", "second_order", "k"))
    of_g, of_d = turning(gan) if compiled else ((), ())
    turn_g = _turn(net_g, gan.packing * block(gan), dtype, of_g)
    turn_d = _turn(net_d, block(gan), dtype, of_d)
    bends = games.bends(losses_of(gan)[0], dtype) if of_d and has_bends(gan.game) else 0
    steps = getattr(of, k) if k else 0
    return Adjustment(
        adjustments.CODES[of.kind],
        getattr(of, strength),
        bool(getattr(of, flag)) if flag else False,
        steps,
        Turns(turn_g, turn_d, bends, _comparison(gan, dtype, gan.batch // gan.packing)),
        aligned((net_g.n_params, lanes), dtype),
        aligned((net_d.n_params, lanes), dtype),
        aligned((steps * net_d.n_params, lanes), dtype),
        aligned((steps * _rows_of_batch(gan), lanes), dtype),
    )


def _rows_of_batch(gan: GAN) -> int:
    """Rows of the reals, the noise and what blurs the fakes, of one update of D."""
    return (2 * gan.data_dim + gan.noise_dim) * rows_of(gan.packs, gan.packing)


def memory_of(gan: GAN | ParametricGame, compiled: bool = True) -> Memory | None:
    """What the kernels are told of what dynamics keep from step to step; None if that is nothing."""
    if not has_memory(gan):
        return None
    every, towards = (gan.lookahead.k, gan.lookahead.alpha) if gan.lookahead else (0, 1.0)
    decay = 2.0 if gan.average is None else 1.0 if gan.average.beta is None else gan.average.beta
    shape, to = (dynamics.SHAPES[gan.decay.shape], gan.decay.to) if gan.decay else (dynamics.CONSTANT, 1.0)
    adjusted = _adjustment(gan, compiled) if isinstance(gan, GAN) else None
    return Memory(gan.fresh, every, towards, decay, shape, to, gan.steps, pretrain_of(gan), adjusted)


def training_plan(gan: GAN, compiled: bool = True) -> Plan:
    """What the training loop is told once for a bundle."""
    return Plan(
        training_field(gan, gan.precision, gan.batch, compiled),
        Dynamics(dynamics.CODES[gan.updates], gan.d_steps, gan.g_steps, memory_of(gan, compiled)),
    )


# --- a bundle: its players, its samplers, what it is measured with -----------------------------------


class Bundle(NamedTuple):
    """L runs side by side. `lanes` holds each lane's row in the chunk; lanes beyond its length repeat the last run."""

    lanes: list[int]
    g: Player
    d: Player
    sampler: Sampler
    evaluation: Evaluation


def measured_generator(g: Player, gan: GAN | ParametricGame) -> Player:
    """The generator that is measured: the average, if there is one."""
    if gan.average is None:
        return g
    n = g.sizes.params
    return g._replace(theta=g.kept[AVERAGE * n : (AVERAGE + 1) * n])


def rows_by_bundle(runs: int, precision: str) -> Iterator[tuple[list[int], list[int]]]:
    """Rows of so many runs, bundle by bundle; and those of each lane, the last bundle filled up with its last run."""
    lanes = LANES[np.dtype(precision)]
    for start in range(0, runs, lanes):
        rows = list(range(start, min(start + lanes, runs)))
        yield rows, rows + rows[-1:] * (lanes - len(rows))


def build_bundles(
    gans: Sequence[GAN],
    reps: Sequence[int],
    seed: int,
    stream: int = 0,
    generators: Sequence[Array] | None = None,
    compiled: bool = True,
) -> list[Bundle]:
    """Runs into bundles; the last is filled up with copies of its last run.

    ``generators`` are given parameters. Unless ``compiled``, the bundles cannot be trained.
    """
    bundles = []
    for rows, padded in rows_by_bundle(len(gans), gans[0].precision):
        key = replicate_key(seed, [reps[row] for row in padded])
        bundle = _bundle(rows, [gans[row] for row in padded], key, stream, compiled)
        if generators is not None:
            bundle.g.theta[:] = np.array([generators[row] for row in padded]).T
        bundles.append(bundle)
    return bundles


def _bundle(rows: list[int], gans: Sequence[GAN], key: Array, stream: int, compiled: bool) -> Bundle:
    """One bundle whose lane i is configured by ``gans[i]``."""
    dtype, tiles = np.dtype(gans[0].precision), block(gans[0])
    net_g, net_d = network_shapes(gans[0])
    mlps, optimizers = [x.generator for x in gans], [x.optimizer_g for x in gans]
    keeps, of_samples = has_memory(gans[0]), gans[0].packing * tiles
    g = build_player(net_g, mlps, optimizers, key, random.WEIGHTS_G, dtype, of_samples, compiled, keeps)
    mlps, optimizers = [x.discriminator for x in gans], [x.optimizer_d for x in gans]
    of_d, normalised = random.WEIGHTS_D + stream, gans[0].penalties.spectral
    d = build_player(net_d, mlps, optimizers, key, of_d, dtype, tiles, compiled, keeps, normalised)
    if normalised:
        normalise(d, net_d, key, of_d)
    return Bundle(rows, g, d, build_sampler(gans, key, stream, dtype), build_evaluation(gans, dtype))


# --- dropping runs that are no longer finite ------------------------------------------------------


def _take(parts: Sequence[_Arrays], chosen: Array) -> list[_Arrays]:
    """Lanes ``chosen`` of several bundles, regrouped into bundles; arrays have the lanes last, or are shared by all."""
    lanes = next(x for x in parts[0] if isinstance(x, np.ndarray)).shape[-1]
    columns = []
    for values in zip(*parts, strict=True):
        if not isinstance(values[0], np.ndarray) or values[0].ndim == 1:
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


def drop_dead(bundles: list[Bundle], alive: Array) -> list[Bundle]:
    """The bundles without dead runs, if that needs fewer; ``alive`` is indexed by the runs' rows in the chunk."""
    if not bundles:
        return bundles
    lanes = bundles[0].g.theta.shape[-1]
    living = [
        (row, p * lanes + lane)
        for p, bundle in enumerate(bundles)
        for lane, row in enumerate(bundle.lanes)
        if alive[row]
    ]
    n = -(-len(living) // lanes)
    if n == len(bundles):
        return bundles
    if n == 0:
        return []
    rows = [row for row, _ in living]
    chosen = np.array([where for _, where in living] + [living[-1][1]] * (n * lanes - len(living)))
    parts: list[list[Any]] = [_take([bundle[field] for bundle in bundles], chosen) for field in range(1, 5)]
    return [Bundle(rows[p * lanes : (p + 1) * lanes], *(part[p] for part in parts)) for p in range(n)]
