"""One chunk of runs: cells and replicates in, traces out.

A chunk is a few packs of runs that share a `pack_key`. Between records, runs that are no longer finite are dropped and
the others moved together, so that they cost nothing once a whole pack can be saved. That changes no bit of any run:
lanes do not mix.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.engine.packs import (
    Pack,
    build_packs,
    data_unit,
    drop_dead,
    n_modes,
    network_shapes,
    pack_key,
    seen_moments,
    training_plan,
)
from gansim.kernels import network, random
from gansim.kernels.arithmetic import default_arithmetic
from gansim.kernels.lanes import LANES, aligned
from gansim.kernels.measure import judge, summarise
from gansim.kernels.modes import count_modes
from gansim.kernels.network import Net
from gansim.kernels.targets import MIXTURE
from gansim.kernels.train import train as train_pack
from gansim.model.distributions import Mixture
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, He
from gansim.model.optimizers import Adam
from gansim.traces import FIELDS, Traces

__all__ = ["Chunk", "as_stored", "measure", "record_steps", "referee_gan", "run_chunk"]

Array = NDArray[Any]

_FINITE = FIELDS.index("finite")
_V_TRAIN, _GRAD_G, _GRAD_D = FIELDS.index("v_train"), FIELDS.index("grad_g"), FIELDS.index("grad_d")
_MIXTURE_ONLY = slice(FIELDS.index("modes"), FIELDS.index("ks_modes") + 1)


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
        The referee's accuracy, AUC and V on held-out samples; NaN without a referee, for non-finite runs, and
        where the referee itself is not finite.
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


def record_steps(gan: GAN) -> NDArray[np.int32]:
    """Training steps done at each record: ``records`` equal intervals, the last record at the last step."""
    return np.array([gan.steps * k // gan.records for k in range(1, gan.records + 1)], np.int32)


@default_arithmetic
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
    steps = np.tile(record_steps(gans[0]), (len(runs), 1))
    traces = Traces(steps, values, np.array([n_modes(gan) for gan in gans]))
    return Chunk(
        np.array([cell for cell, _ in runs]), np.array(reps), traces, _affine(gans, final), sample, referee, seconds
    )


def _train_and_measure(gans: Sequence[GAN], packs: list[Pack], seconds: dict[str, float]) -> tuple[Array, list[Any]]:
    """Records (n, records, fields) and each run's final generator; NaN from where a run is not finite."""
    gan = gans[0]
    net_g, net_d = network_shapes(gan)
    plan, steps = training_plan(gan), record_steps(gan)
    values = np.full((len(gans), gan.records, len(FIELDS)), np.nan, np.float32)
    values[:, :, _FINITE] = 0
    alive = np.ones(len(gans), bool)
    record = aligned((len(FIELDS), LANES[np.dtype(gan.precision)]), gan.precision)
    raw = np.empty((len(gans), len(FIELDS)), gan.precision)
    for k, step in enumerate(steps):
        for pack in packs:
            start = time.perf_counter()
            train_pack(net_g, net_d, pack.g, pack.d, pack.source, plan, int(steps[k - 1]) if k else 0, int(step))
            trained = time.perf_counter()
            raw[pack.lanes] = measure((net_g, net_d), pack, int(step), record)
            seconds["train"] += trained - start
            seconds["measure"] += time.perf_counter() - trained
        start = time.perf_counter()
        # All packs at once: 25 us, as much as one of them; a record of a pack takes 200 in the kernels.
        rows = np.array([row for pack in packs for row in pack.lanes], int)
        columns, finite = as_stored(gan, raw[rows])
        alive[rows] &= finite
        values[rows[alive[rows]], k] = columns[alive[rows]]
        packs = drop_dead(packs, alive)
        seconds["measure"] += time.perf_counter() - start
    final: list[Any] = [np.full(net_g.n_params, np.nan)] * len(gans)
    for pack in packs:
        for lane, row in enumerate(pack.lanes):
            if alive[row]:
                final[row] = pack.g.theta[:, lane].copy()
    return values, final


def measure(nets: tuple[Net, Net], pack: Pack, step: int, record: Array) -> Array:
    """One record of a pack's runs, in the networks' units. It changes nothing that training reads.

    Parameters
    ----------
    nets : tuple of Net
        Architectures of the generator and the discriminator.
    pack : Pack
        The runs, after some steps.
    step : int
        Training steps done.
    record : ndarray, shape (len(FIELDS), L)
        Working memory.

    Returns
    -------
    ndarray, shape (runs, len(FIELDS))
        The measurements, a view of `record`.
    """
    judge(*nets, pack.g, pack.d, pack.source, pack.ruler, step, record)
    if pack.source.target_code == MIXTURE:
        count_modes(pack.source, pack.ruler, record)
    summarise(pack.source, pack.ruler, record)
    return record[:, : len(pack.lanes)].T


def as_stored(gan: GAN, record: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Records as they are kept, and which of them are finite in float32, whatever the precision.

    Parameters
    ----------
    gan : GAN
        The configuration of one of the runs: what they share.
    record : ndarray, shape (runs, len(FIELDS))
        What `measure` gave.

    Returns
    -------
    record : ndarray of float32, shape (runs, len(FIELDS))
        A field that is not defined is NaN.
    finite : ndarray of bool, shape (runs,)
        Whether parameters and record are finite.
    """
    out = record.astype(np.float32)
    finite = (out[:, _FINITE] == 1) & np.isfinite(np.delete(out, _MIXTURE_ONLY, axis=1)).all(axis=1)
    undefined = {_V_TRAIN: gan.samples is None, _GRAD_G: gan.g_steps == 0, _GRAD_D: gan.d_steps == 0}
    out[:, [field for field, nowhere in undefined.items() if nowhere]] = np.nan
    if not isinstance(gan.target, Mixture):
        out[:, _MIXTURE_ONLY] = np.nan
    out[np.isnan(out)] = np.nan  # one kind of NaN: 0/0 has a sign on x86-64, and none on Arm
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


def referee_gan(gan: GAN, referee: Referee) -> GAN:
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
    tasks = [referee_gan(gans[row], referee) for row in rows]
    generators = [_standardised_generator(gans[row], final[row]) for row in rows]
    packs = build_packs(tasks, [reps[row] for row in rows], seed, random.REFEREE, generators)
    values, _ = _train_and_measure(tasks, packs, {"train": 0.0, "measure": 0.0})
    field = {name: values[:, 0, FIELDS.index(name)].astype(float) for name in ("acc_real", "acc_fake", "auc", "v")}
    out[rows] = np.stack([(field["acc_real"] + field["acc_fake"]) / 2, field["auc"], field["v"]], axis=1)
    seconds["referee"] += time.perf_counter() - start
    return out
