"""One chunk of runs: cells and replicates in, traces out.

A chunk is a few packs of runs that share a `pack_key`. Between records, runs that are no longer finite are dropped and
the others moved together, so that they cost nothing once a whole pack can be saved. That changes no bit of any run:
lanes do not mix.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from gansim import spec
from gansim.kernels import jit, network, random
from gansim.kernels.lanes import LANES, aligned
from gansim.kernels.measure import judge, summarise
from gansim.kernels.train import train as train_pack
from gansim.packs import (
    Pack,
    build_packs,
    compile_key,
    data_unit,
    drop_dead,
    n_components,
    network_shapes,
    pack_key,
    seen_moments,
    training_plan,
)
from gansim.spec import GAN, MLP, Adam, He, Referee
from gansim.traces import FIELDS, Traces

__all__ = ["Chunk", "run_chunk", "run_chunk_cold", "warm_up"]

Array = NDArray[Any]

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


# --- the chunk ------------------------------------------------------------------------------------


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

    Raises
    ------
    ValueError
        If there are no runs, or their `pack_key` differ.
    """
    keys = len({pack_key(cells[cell]) for cell in {cell for cell, _ in runs}})
    if keys != 1:
        raise ValueError(f"runs: {len(runs)} with {keys} pack keys: one run or more, of one pack key")
    gans = [cells[cell] for cell, _ in runs]
    reps = [rep for _, rep in runs]
    seconds = {"train": 0.0, "measure": 0.0, "referee": 0.0}
    with np.errstate(all="ignore"):  # a run that blows up is a row, not a warning (uncompiled kernels would warn)
        packs = build_packs(gans, reps, seed)
        sample = _sample_moments(gans, packs)
        values, final = _train_and_measure(gans, packs, seconds)
        referee = _referee(gans, reps, final, seed, values[:, -1, _FINITE] == 1, seconds)
    steps = np.tile(_record_steps(gans[0]), (len(runs), 1))
    traces = Traces(steps, values, np.full(len(runs), n_components(gans[0])))
    return Chunk(
        np.array([cell for cell, _ in runs]), np.array(reps), traces, _affine(gans, final), sample, referee, seconds
    )


def _train_and_measure(gans: Sequence[GAN], packs: list[Pack], seconds: dict[str, float]) -> tuple[Array, list[Any]]:
    """Records (n, records, fields) in data units and each run's final generator; NaN from where a run is not finite."""
    gan = gans[0]
    net_g, net_d = network_shapes(gan)
    plan, steps = training_plan(gan), _record_steps(gan)
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
        packs = drop_dead(packs, alive)
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
        **dict.fromkeys(_MIXTURE_ONLY, n_components(gan) == 1),
    }
    out[:, [field for field, nowhere in undefined.items() if nowhere]] = np.nan
    return out, finite


def _sample_moments(gans: Sequence[GAN], packs: Sequence[Pack]) -> NDArray[np.float64]:
    out = np.full((len(gans), 2), np.nan)
    n = gans[0].samples
    if n is None:
        return out
    for pack in packs:
        sample = pack.source.sample[:n].astype(float)
        mean, std = sample.mean(axis=0), sample.std(axis=0)
        for lane, row in enumerate(pack.lanes):
            location, scale = data_unit(gans[row])
            out[row] = location + scale * mean[lane], scale * std[lane]
    return out


def _affine(gans: Sequence[GAN], final: Sequence[Array]) -> NDArray[np.float64]:
    out = np.full((len(gans), 2), np.nan)
    if len(gans[0].generator_sizes) > 2 or gans[0].noise_dim > 1:
        return out
    for row, gan in enumerate(gans):
        [(weights, bias)] = network.from_rows(network_shapes(gan)[0], final[row].astype(float))
        location, scale = data_unit(gan)
        out[row] = location + scale * bias[0], scale * weights[0, 0]
    return out


# --- the referee ----------------------------------------------------------------------------------


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
    layers = network.from_rows(network_shapes(gan)[0], theta.astype(float))
    location, scale = seen_moments(gan)
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
    packs = build_packs(tasks, [reps[row] for row in rows], seed, random.REFEREE, generators)
    values, _ = _train_and_measure(tasks, packs, {"train": 0.0, "measure": 0.0})
    field = {name: values[:, 0, FIELDS.index(name)].astype(float) for name in ("acc_real", "acc_fake", "auc", "v")}
    out[rows] = np.stack([(field["acc_real"] + field["acc_fake"]) / 2, field["auc"], field["v"]], axis=1)
    seconds["referee"] += time.perf_counter() - start
    return out


# --- compiling ahead ------------------------------------------------------------------------------


_Shape = tuple[Hashable, bool]

_WARM: set[_Shape] = set()  # what this process has compiled or loaded


def _shape(gan: GAN) -> _Shape:
    return compile_key(gan), gan.samples is None


def warm_up(gans: Iterable[GAN]) -> int:
    """Compile, or load from the cache, everything these configurations need; return the number of network shapes.

    Called in the parent before workers start, so that no worker compiles. Two processes that compile for one cache at
    once can leave a broken one (Numba reads its index, changes it and writes it without a lock), so a file beside the
    cache is locked meanwhile: the second one waits, and then loads what the first has compiled.
    """
    shapes: dict[_Shape, GAN] = {}
    for gan in gans:
        shapes.setdefault(_shape(gan), gan)
    cache = Path(jit._CACHE_FOLDER)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "warm-up.lock"):
        for gan in shapes.values():
            _run_briefly(gan)
    _WARM.update(shapes)
    return len({key for key, _ in shapes})


def _run_briefly(gan: GAN) -> None:
    """One step of one run, with every kernel that the configuration needs."""
    referee = gan.referee and replace(gan.referee, steps=1, n_eval=32)
    brief = replace(gan, samples=gan.samples and 8, batch_size=8, steps=1, records=1, n_eval=32, referee=referee)
    run_chunk({0: brief}, [(0, 0)], 0)


def run_chunk_cold(cells: Mapping[int, GAN], runs: Sequence[tuple[int, int]], seed: int) -> Chunk:
    """Do the same as `run_chunk`, in a process that nobody warmed up: a worker of a cluster.

    The first chunk of a shape calls `warm_up`: on every machine one process compiles, the others wait and load.

    Parameters
    ----------
    cells : mapping of int to GAN
        Configurations by cell number.
    runs : sequence of (cell, rep)
        The runs.
    seed : int
        Seed of the study.

    Returns
    -------
    Chunk
        Their results.

    Raises
    ------
    ValueError
        As `run_chunk` does.
    """
    for gan in {_shape(cells[cell]): cells[cell] for cell, _ in runs if _shape(cells[cell]) not in _WARM}.values():
        warm_up([gan])
    return run_chunk(cells, runs, seed)
