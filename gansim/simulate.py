"""One chunk of runs: cells and replicates in, traces out. The only caller of the kernels.

A chunk is a few packs of runs that share a `pack_key`. Between records, runs that are no longer finite are dropped and
the others moved together, so that they cost nothing once a whole pack can be saved. That changes no bit of any run:
lanes do not mix.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim import spec
from gansim.kernels import games, initial, network, optimizers, random, targets
from gansim.kernels.lanes import LANES, T, aligned
from gansim.kernels.measure import Ruler, judge, summarise
from gansim.kernels.network import Net, Player
from gansim.kernels.targets import Source
from gansim.kernels.train import Plan, losses_and_gradients
from gansim.kernels.train import train as train_pack
from gansim.spec import GAN, MLP, Adam, He, Referee
from gansim.theory import quantile
from gansim.traces import FIELDS, Traces

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Chunk",
    "Gradients",
    "Networks",
    "gradients",
    "networks",
    "pack_key",
    "run_chunk",
    "trace",
    "train",
    "warm_up",
]

Array = NDArray[Any]
Layers = list[tuple[Array, Array]]
_Arrays = TypeVar("_Arrays", bound=tuple[Any, ...])

_FINITE, _G_MEAN, _G_STD = FIELDS.index("finite"), FIELDS.index("g_mean"), FIELDS.index("g_std")
_V_TRAIN, _GRAD_G, _GRAD_D = FIELDS.index("v_train"), FIELDS.index("grad_g"), FIELDS.index("grad_d")
_MIXTURE_ONLY = [FIELDS.index(name) for name in ("modes", "high_quality", "reverse_kl")]


@dataclass(frozen=True)
class Chunk:
    """Results of the runs of one chunk, in the order they were asked for.

    Attributes
    ----------
    cells, reps : ndarray of int, shape (n,)
        Which runs these are.
    traces : Traces
        Their records.
    affine : ndarray of float64, shape (n, 2)
        Intercept and slope of an affine generator with one-dimensional noise, in data units; else NaN.
    sample : ndarray of float64, shape (n, 2)
        Mean and maximum-likelihood standard deviation of the run's fixed sample, in data units; NaN when fresh.
    referee : ndarray of float64, shape (n, 3)
        The referee's accuracy, AUC and V on held-out samples; NaN without a referee and for non-finite runs.
    seconds : dict
        Wall-clock seconds by phase: "train", "measure", "referee".
    """

    cells: NDArray[np.int64]
    reps: NDArray[np.int64]
    traces: Traces
    affine: NDArray[np.float64]
    sample: NDArray[np.float64]
    referee: NDArray[np.float64]
    seconds: dict[str, float]


# --- from a configuration to codes and rows -----------------------------------------------------


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


def _nets(gan: GAN) -> tuple[Net, Net]:
    return Net(gan.generator_sizes, gan.generator.bias), Net(gan.discriminator_sizes, gan.discriminator.bias)


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
        _n_components(gan),
        gan.noise.kind,
        gan.steps,
        gan.records,
        gan.n_eval,
        gan.precision,
        gan.referee,
    )


def _n_components(gan: GAN) -> int:
    return len(gan.target.means) if isinstance(gan.target, spec.Mixture) else 1


def _distribution_rows(target: spec.Target | spec.Noise) -> list[float]:
    """The numbers of a distribution in the order of kernels/targets.py."""
    if isinstance(target, spec.Normal):
        return [target.mean, target.std]
    if isinstance(target, spec.Uniform):
        return [target.low, target.high - target.low]
    means, stds, weights = spec.components(target)
    cumulative = [*np.cumsum(weights)[:-1].tolist(), 1.0]
    return [*cumulative, *means, *stds]


def _seen(gan: GAN) -> spec.Target:
    """The target in the networks' units."""
    return spec.standardised(gan.target) if gan.standardise else gan.target


def _unit(gan: GAN) -> tuple[float, float]:
    """Location and scale that turn the networks' units into the target's."""
    return (0.0, 1.0) if gan.standardise else spec.moments(gan.target)


def _settings(mlp: MLP, optimizer: spec.Optimizer) -> list[float]:
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


# --- a pack: its players, its source of numbers, its ruler --------------------------------------


class _Pack(NamedTuple):
    """L runs side by side. `lanes` holds each lane's row in the chunk; lanes beyond its length repeat the last run."""

    lanes: list[int]
    g: Player
    d: Player
    source: Source
    ruler: Ruler


def _key(seed: int, reps: Sequence[int]) -> Array:
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


def _initial_theta(net: Net, init: spec.Init, key: Array, purpose: int, dtype: Any) -> Array:
    """Initial parameters of every lane under one initialiser, (n_params, L)."""
    theta = aligned((net.n_params, key.shape[1]), dtype)
    if isinstance(init, spec.Given):
        theta[:] = network.to_rows(init.layers, net.bias)[:, None]
        return theta
    kind, scale = _INIT[init.kind]
    for number, (n_in, n_out, w, b, _, _) in enumerate(net.layers):
        bias = theta[b : b + n_out] if net.bias else aligned((n_out, key.shape[1]), dtype)
        bias_scale = float(scale(init, n_in, n_out)) if init.kind == "torch" else 0.0
        weights = theta[w : w + n_in * n_out]
        initial.fill_layer(kind, weights, bias, key, purpose, number, n_in, float(scale(init, n_in, n_out)), bias_scale)
    return theta


def _player(
    net: Net, mlps: Sequence[MLP], optimizers_: Sequence[spec.Optimizer], key: Array, purpose: int, dtype: Any
) -> Player:
    """A player whose lane i is configured by ``mlps[i]`` and ``optimizers_[i]``."""
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
        aligned((net.n_units, T, lanes), dtype),
        aligned((net.n_units, T, lanes), dtype),
        _rows([_settings(m, o) for m, o in zip(mlps, optimizers_, strict=True)], dtype),
        network.CODES[mlps[0].activation],
        optimizers.CODES[optimizers_[0].kind],
    )


def _weights(batch: int, lanes: int, dtype: Any) -> Array:
    """Each sample's share of a batch average, 0 beyond the batch."""
    out = aligned((-(-batch // T) * T, lanes), dtype)
    out[:batch] = 1 / batch
    return out


def _source(gans: Sequence[GAN], key: Array, purpose: int, dtype: Any) -> Source:
    lanes, gan = len(gans), gans[0]
    source = Source(
        key,
        purpose,
        _rows([_distribution_rows(_seen(g)) for g in gans], dtype),
        _DISTRIBUTION[gan.target.kind],
        _n_components(gan),
        _rows([_distribution_rows(g.noise) for g in gans], dtype),
        _DISTRIBUTION[gan.noise.kind],
        aligned((max(1, -(-(gan.samples or 0) // T) * T), lanes), dtype),
        gan.samples or 0,
        gan.batch_size == "full",
        _weights(gan.batch, lanes, dtype),
        aligned((T, lanes), np.uint32),
        aligned((T, lanes), dtype),
    )
    if gan.samples:
        targets.fill_sample(source)
    return source


@lru_cache(maxsize=64)
def _quantiles(target: spec.Target, n: int) -> NDArray[np.float64]:
    """Quantiles of the standardised target at the midpoints of n equal shares of probability."""
    return np.asarray(quantile(spec.standardised(target), (np.arange(n) + 0.5) / n), float)


def _ruler(gans: Sequence[GAN], n: int, dtype: Any) -> Ruler:
    lanes = len(gans)
    quantiles = aligned((n, lanes), dtype)
    for lane, gan in enumerate(gans):
        quantiles[:, lane] = _quantiles(gan.target, n)
    return Ruler(
        _rows([_unit(g) for g in gans], dtype),
        _rows([_distribution_rows(spec.standardised(g.target)) for g in gans], dtype),
        quantiles,
        aligned((n, lanes), dtype),
        aligned((2 * n, lanes), dtype),
        aligned((_n_components(gans[0]), lanes), dtype),
    )


def _packs(
    gans: Sequence[GAN],
    reps: Sequence[int],
    seed: int,
    purpose: int = 0,
    generators: Sequence[Array] | None = None,
) -> list[_Pack]:
    """Runs into packs; the last is filled up with copies of its last run. ``generators`` are given parameters."""
    dtype = np.dtype(gans[0].precision)
    lanes = LANES[dtype]
    net_g, net_d = _nets(gans[0])
    packs = []
    for start in range(0, len(gans), lanes):
        rows = list(range(start, min(start + lanes, len(gans))))
        padded = rows + rows[-1:] * (lanes - len(rows))
        mine, key = [gans[row] for row in padded], _key(seed, [reps[row] for row in padded])
        g = _player(net_g, [x.generator for x in mine], [x.optimizer_g for x in mine], key, random.WEIGHTS_G, dtype)
        d = _player(
            net_d,
            [x.discriminator for x in mine],
            [x.optimizer_d for x in mine],
            key,
            random.WEIGHTS_D + purpose,
            dtype,
        )
        if generators is not None:
            g.theta[:] = np.array([generators[row] for row in padded]).T
        packs.append(_Pack(rows, g, d, _source(mine, key, purpose, dtype), _ruler(mine, gans[0].n_eval, dtype)))
    return packs


def _plan(gan: GAN) -> Plan:
    simultaneous = gan.updates == "simultaneous"
    return Plan(games.CODES[gan.game], simultaneous, gan.d_steps, gan.g_steps, gan.batch)


# --- dropping runs that are no longer finite ----------------------------------------------------


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


def _drop(packs: list[_Pack], alive: Array) -> list[_Pack]:
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
    return [_Pack(rows[p * lanes : (p + 1) * lanes], *(part[p] for part in parts)) for p in range(n)]


# --- the chunk ----------------------------------------------------------------------------------


def _record_steps(gan: GAN) -> NDArray[np.int32]:
    """Training steps done at each record: ``records`` equal intervals, the last record at the last step."""
    return np.array([gan.steps * k // gan.records for k in range(1, gan.records + 1)], np.int32)


def run_chunk(cells: Mapping[int, GAN], runs: Sequence[tuple[int, int]], seed: int) -> Chunk:
    """Train, measure and referee some runs: a pure function, what a worker executes.

    Parameters
    ----------
    cells : mapping of int to GAN
        Configurations by cell number; those that occur in `runs` share one `pack_key`.
    runs : sequence of (cell, rep)
        The runs, in any number and order.
    seed : int
        Seed of the study, 0 to 2^64 - 1.

    Returns
    -------
    Chunk
        Their results. A run's bits depend on (seed, rep, configuration) only.
    """
    gans = [cells[cell] for cell, _ in runs]
    reps = [rep for _, rep in runs]
    seconds = {"train": 0.0, "measure": 0.0, "referee": 0.0}
    with np.errstate(all="ignore"):  # a run that blows up is a row, not a warning (uncompiled kernels would warn)
        packs = _packs(gans, reps, seed)
        sample = _sample_moments(gans, packs)
        values, final = _train_and_measure(gans, packs, seconds)
        referee = _referee(gans, reps, final, seed, values[:, -1, _FINITE] == 1, seconds)
    steps = np.tile(_record_steps(gans[0]), (len(runs), 1))
    traces = Traces(steps, values, np.full(len(runs), _n_components(gans[0])))
    return Chunk(
        np.array([cell for cell, _ in runs]), np.array(reps), traces, _affine(gans, final), sample, referee, seconds
    )


def _train_and_measure(gans: Sequence[GAN], packs: list[_Pack], seconds: dict[str, float]) -> tuple[Array, list[Any]]:
    """Records (n, records, fields) in data units and each run's final generator; NaN from where a run is not finite."""
    gan = gans[0]
    net_g, net_d = _nets(gan)
    plan, steps = _plan(gan), _record_steps(gan)
    units = np.array([spec.moments(g.target) for g in gans])
    values = np.full((len(gans), gan.records, len(FIELDS)), np.nan, np.float32)
    values[:, :, _FINITE] = 0
    alive = np.ones(len(gans), bool)
    record = aligned((len(FIELDS), LANES[np.dtype(gan.precision)]), gan.precision)
    for k, step in enumerate(steps):
        for pack in packs:
            start = time.perf_counter()
            train_pack(net_g, net_d, pack.g, pack.d, pack.source, plan, int(steps[k - 1]) if k else 0, int(step))
            trained = time.perf_counter()
            judge(net_g, net_d, pack.g, pack.d, pack.source, pack.ruler, int(step), record)
            summarise(pack.source, pack.ruler, record)
            rows = np.array(pack.lanes)
            columns, finite = _in_data_units(gan, units[rows], record[:, : len(rows)].T)
            alive[rows] &= finite
            values[rows[alive[rows]], k] = columns[alive[rows]]
            seconds["train"] += trained - start
            seconds["measure"] += time.perf_counter() - trained
        packs = _drop(packs, alive)
    final: list[Any] = [np.full(net_g.n_params, np.nan)] * len(gans)
    for pack in packs:
        for lane, row in enumerate(pack.lanes):
            if alive[row]:
                final[row] = pack.g.theta[:, lane].copy()
    return values, final


def _in_data_units(gan: GAN, units: Array, record: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Records (runs, fields) as they are kept, and which of them are finite in float32, whatever the precision.

    Means and spreads are mapped back to data units; a field that is not defined becomes NaN.
    """
    out = record.astype(float)
    out[:, _G_MEAN] = units[:, 0] + units[:, 1] * out[:, _G_MEAN]
    out[:, _G_STD] *= units[:, 1]
    out = out.astype(np.float32)
    finite = (out[:, _FINITE] == 1) & np.isfinite(np.delete(out, _MIXTURE_ONLY, axis=1)).all(axis=1)
    undefined = {
        _V_TRAIN: gan.samples is None,
        _GRAD_G: gan.g_steps == 0,
        _GRAD_D: gan.d_steps == 0,
        **dict.fromkeys(_MIXTURE_ONLY, _n_components(gan) == 1),
    }
    out[:, [field for field, nowhere in undefined.items() if nowhere]] = np.nan
    return out, finite


def _sample_moments(gans: Sequence[GAN], packs: Sequence[_Pack]) -> NDArray[np.float64]:
    out = np.full((len(gans), 2), np.nan)
    n = gans[0].samples
    if n is None:
        return out
    for pack in packs:
        sample = pack.source.sample[:n].astype(float)
        mean, std = sample.mean(axis=0), sample.std(axis=0)
        for lane, row in enumerate(pack.lanes):
            location, scale = spec.moments(gans[row].target) if gans[row].standardise else (0.0, 1.0)
            out[row] = location + scale * mean[lane], scale * std[lane]
    return out


def _affine(gans: Sequence[GAN], final: Sequence[Array]) -> NDArray[np.float64]:
    out = np.full((len(gans), 2), np.nan)
    if len(gans[0].generator_sizes) > 2 or gans[0].noise_dim > 1:
        return out
    for row, gan in enumerate(gans):
        [(weights, bias)] = network.from_rows(_nets(gan)[0], final[row].astype(float))
        location, scale = spec.moments(gan.target) if gan.standardise else (0.0, 1.0)
        out[row] = location + scale * bias[0], scale * weights[0, 0]
    return out


# --- the referee --------------------------------------------------------------------------------


def _referee_gan(gan: GAN, referee: Referee) -> GAN:
    """The referee's task as a GAN whose generator is frozen, on the standardised target whatever the run saw."""
    return replace(
        gan,
        samples=None,
        standardise=True,
        generator=replace(gan.generator, bias=True, init=He()),
        discriminator=MLP(referee.hidden),
        game="minimax",
        optimizer_d=Adam(referee.lr, beta1=0.9),
        updates="alternating",
        d_steps=1,
        g_steps=0,
        batch_size=referee.batch_size,
        steps=referee.steps,
        records=1,
        n_eval=referee.n_eval,
        referee=None,
    )


def _standardised_generator(gan: GAN, theta: Array) -> Array:
    """The parameters of the same generator followed by (x - location) / scale, with biases."""
    layers = network.from_rows(_nets(gan)[0], theta.astype(float))
    location, scale = _unit(gan)
    weights, bias = layers[-1]
    layers[-1] = weights / scale, (bias - location) / scale
    return network.to_rows(layers, True)


def _referee(
    gans: Sequence[GAN], reps: Sequence[int], final: Sequence[Array], seed: int, alive: Array, seconds: dict[str, float]
) -> NDArray[np.float64]:
    """Accuracy, AUC and V of a fresh, larger discriminator trained against each run's frozen generator."""
    out, rows = np.full((len(gans), 3), np.nan), np.flatnonzero(alive).tolist()
    referee = gans[0].referee
    if referee is None or not rows:
        return out
    start = time.perf_counter()
    tasks = [_referee_gan(gans[row], referee) for row in rows]
    generators = [_standardised_generator(gans[row], final[row]) for row in rows]
    packs = _packs(tasks, [reps[row] for row in rows], seed, random.REFEREE, generators)
    values, _ = _train_and_measure(tasks, packs, {"train": 0.0, "measure": 0.0})
    field = {name: values[:, 0, FIELDS.index(name)].astype(float) for name in ("acc_real", "acc_fake", "auc", "v")}
    out[rows] = np.stack([(field["acc_real"] + field["acc_fake"]) / 2, field["auc"], field["v"]], axis=1)
    seconds["referee"] += time.perf_counter() - start
    return out


# --- single runs --------------------------------------------------------------------------------


def trace(gan: GAN, rep: int = 0, seed: int = 0) -> pd.DataFrame:
    """One run again, bit for bit.

    Parameters
    ----------
    gan : GAN
        Its configuration.
    rep : int, default 0
        Its replicate number, from 0.
    seed : int, default 0
        Seed of the study.

    Returns
    -------
    DataFrame
        One row per record: ``step`` and the fields of gansim.traces.
    """
    traces = run_chunk({0: replace(gan, referee=None)}, [(0, rep)], seed).traces
    return traces.frame().drop(columns="run", errors="ignore")


def train(gan: GAN, rep: int = 0, seed: int = 0) -> tuple[Layers, Layers]:
    """Parameters of one run after its last training step, in the networks' own units.

    Returns
    -------
    theta_g, theta_d : list of (weights (n_out, n_in), bias (n_out,))
        Per layer; a network without biases has zeros. Not finite if the run blew up.
    """
    net_g, net_d = _nets(gan)
    with np.errstate(all="ignore"):
        [pack] = _packs([gan], [rep], seed)
        train_pack(net_g, net_d, pack.g, pack.d, pack.source, _plan(gan), 0, gan.steps)
    theta_g, theta_d = pack.g.theta[:, 0].astype(float), pack.d.theta[:, 0].astype(float)
    return network.from_rows(net_g, theta_g), network.from_rows(net_d, theta_d)


def _samples(values: ArrayLike, dimension: int, name: str) -> NDArray[np.float64]:
    """Samples as (n, dimension); one-dimensional ones may come as (n,)."""
    array = np.asarray(values, float)
    out = array[:, None] if array.ndim == 1 and dimension == 1 else array
    if out.ndim != 2 or out.shape[1] != dimension or not len(out):
        wanted = "(n,) or (n, 1)" if dimension == 1 else f"(n, {dimension})"
        raise ValueError(f"{name}: shape {array.shape}: {wanted}, n at least 1")
    return out


_ACTIVATION: dict[str, Callable[[Array, float], Array]] = {
    "leaky_relu": lambda a, slope: np.where(a > 0, a, a * slope),
    "relu": lambda a, _: np.maximum(a, 0),
    "tanh": lambda a, _: np.tanh(a),
    "sigmoid": lambda a, _: np.exp(-np.logaddexp(0, -a)),
    "softplus": lambda a, _: np.logaddexp(0, a),
    "elu": lambda a, alpha: np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0))),
    "linear": lambda a, _: a,
}


def _evaluate(mlp: MLP, layers: Layers, x: Array) -> Array:
    """The MLP on samples (n, n_in), in float64 NumPy: for looking at a trained network, not for training it."""
    for weights, bias in layers[:-1]:
        a = x @ weights.T + bias
        x = _ACTIVATION[mlp.activation](a, mlp.slope_value)
    weights, bias = layers[-1]
    return np.asarray(x @ weights.T + bias)


@dataclass(frozen=True, eq=False)
class Networks:
    """The two trained networks of a run, in data units.

    Attributes
    ----------
    gan : GAN
        The run's configuration.
    theta_g, theta_d : list of (weights, bias)
        Their parameters, in the networks' own units.
    """

    gan: GAN
    theta_g: Layers
    theta_d: Layers

    def generate(self, z: ArrayLike) -> NDArray[np.float64]:
        """Fakes in data units, shape (n,), for noise of shape (n,) or (n, noise_dim)."""
        noise = _samples(z, self.gan.noise_dim, "z")
        location, scale = spec.moments(self.gan.target) if self.gan.standardise else (0.0, 1.0)
        return location + scale * _evaluate(self.gan.generator, self.theta_g, noise)[:, 0]

    def logit(self, x: ArrayLike) -> NDArray[np.float64]:
        """D's logit, shape (n,), for samples in data units; high means real."""
        location, scale = spec.moments(self.gan.target) if self.gan.standardise else (0.0, 1.0)
        samples = (_samples(x, 1, "x") - location) / scale
        return _evaluate(self.gan.discriminator, self.theta_d, samples)[:, 0]

    def discriminate(self, x: ArrayLike) -> NDArray[np.float64]:
        """D, in [0, 1], shape (n,), for samples in data units."""
        return np.exp(-np.logaddexp(0, -self.logit(x)))


def networks(gan: GAN, rep: int = 0, seed: int = 0) -> Networks:
    """Train one run again, bit for bit, and return its networks.

    Parameters
    ----------
    gan : GAN
        Its configuration.
    rep : int, default 0
        Its replicate number, from 0.
    seed : int, default 0
        Seed of the study.
    """
    return Networks(gan, *train(gan, rep, seed))


# --- gradients, for whoever wants to check them -------------------------------------------------


class Gradients(NamedTuple):
    """V, both losses and their gradients, each a list of (weights, bias) per layer."""

    v: float
    loss_d: float
    loss_g: float
    grad_d: Layers
    grad_g: Layers


def gradients(gan: GAN, theta_g: Any, theta_d: Any, x: ArrayLike, z: ArrayLike) -> Gradients:
    """Losses and gradients on given samples, in float64, by the code that trains.

    Parameters
    ----------
    gan : GAN
        Networks' shapes and activations, game, noise dimension and, if ``standardise``, the target's moments are read.
    theta_g, theta_d : list of (weights (n_out, n_in), bias (n_out,))
        Parameters per layer, in the networks' own units.
    x : array_like, shape (n,) or (n, 1)
        Real samples, in data units.
    z : array_like, shape (n,) or (n, noise_dim)
        Noise, as many.

    Returns
    -------
    Gradients
        ``v``, ``loss_d``, ``loss_g``, ``grad_d`` (of loss_d) and ``grad_g`` (of loss_g).

    Raises
    ------
    ValueError
        If shapes do not fit, or a network is not finite.
    """
    net_g, net_d = _nets(gan)
    location, scale = spec.moments(gan.target) if gan.standardise else (0.0, 1.0)
    reals = (_samples(x, net_d.sizes[0], "x") - location) / scale
    noises = _samples(z, net_g.sizes[0], "z")
    if len(reals) != len(noises):
        raise ValueError(f"x, z: {len(reals)} and {len(noises)} samples: as many of both")
    dtype = np.dtype(np.float64)
    lanes = LANES[dtype]
    g, d = (
        _given_player(net, mlp, theta, name)
        for net, mlp, theta, name in (
            (net_g, gan.generator, theta_g, "theta_g"),
            (net_d, gan.discriminator, theta_d, "theta_d"),
        )
    )
    weights, losses = _weights(len(reals), lanes, dtype), aligned((3, lanes), dtype)
    with np.errstate(all="ignore"):
        losses_and_gradients(
            net_g, net_d, g, d, games.CODES[gan.game], _padded(reals), _padded(noises), weights, losses
        )
    v, loss_d, loss_g = (float(value) for value in losses[:, 0])
    return Gradients(
        v, loss_d, loss_g, network.from_rows(net_d, d.grad[:, 0].copy()), network.from_rows(net_g, g.grad[:, 0].copy())
    )


def _given_player(net: Net, mlp: MLP, theta: Any, name: str) -> Player:
    """A float64 player with the same given parameters in every lane."""
    wanted = [((n_out, n_in), (n_out,)) for n_in, n_out, *_ in net.layers]
    try:
        layers = [(np.asarray(weights, float), np.asarray(bias, float)) for weights, bias in theta]
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}: not a list of (weights, bias) per layer of numbers: expected shapes {wanted}"
        ) from None
    shapes = [(weights.shape, bias.shape) for weights, bias in layers]
    if shapes != wanted:
        raise ValueError(f"{name}: shapes {shapes}: expected {wanted}")
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ValueError(f"{name}: holds a number that is not finite: expected finite weights and biases")
    lanes = LANES[np.dtype(np.float64)]
    key = _key(0, [0] * lanes)
    player = _player(
        net, [replace(mlp, init=He())] * lanes, [Adam()] * lanes, key, random.WEIGHTS_G, np.dtype(np.float64)
    )
    player.theta[:] = network.to_rows(layers, net.bias)[:, None]
    return player


def _padded(samples: Array) -> Array:
    """Samples (n, k) -> (k, n rounded up to whole tiles, L), the same in every lane; the last sample fills up."""
    lanes, n = LANES[np.dtype(np.float64)], len(samples)
    out = aligned((samples.shape[1], -(-n // T) * T, lanes), np.float64)
    out[:, :n] = samples.T[:, :, None]
    out[:, n:] = samples[-1][:, None, None]
    return out


# --- compiling ahead ----------------------------------------------------------------------------


def warm_up(gans: Iterable[GAN]) -> int:
    """Compile, or load from the cache, everything these configurations need; return the number of network shapes.

    Called in the parent before workers start, so that no worker compiles and no two processes write the cache at once.
    """
    shapes: dict[Hashable, GAN] = {}
    for gan in gans:
        key = (*pack_key(gan)[:4], gan.precision, gan.referee and gan.referee.hidden)  # type: ignore[index]
        shapes.setdefault(key, gan)
    for gan in shapes.values():
        referee = gan.referee and replace(gan.referee, steps=1, n_eval=32)
        run_chunk(
            {0: replace(gan, samples=None, batch_size=8, steps=1, records=1, n_eval=32, referee=referee)}, [(0, 0)], 0
        )
    return len(shapes)
