"""One chunk of runs: cells and replicates in, traces out.

A chunk is a few bundles of runs that share a `bundle_key`. Between records, runs that are no longer finite are dropped
and the others moved together, so that they cost nothing once a whole bundle can be saved. That changes no bit of any
run: lanes do not mix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim.engine.bundles import Bundle, build_bundles, bundle_key, drop_dead, measured_generator
from gansim.engine.evaluations import n_modes
from gansim.engine.parametric import build_vector_bundles, train_and_record
from gansim.engine.players import network_shapes, unscaled
from gansim.engine.referee import verdicts
from gansim.engine.samplers import data_unit
from gansim.engine.training import record_steps, records
from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.networks.architecture import from_rows
from gansim.model.configurations import Configuration
from gansim.model.gan import GAN
from gansim.model.parametric import ParametricGame, fields_of
from gansim.traces import FIELDS, Traces

__all__ = ["Chunk", "run_chunk"]

Array = NDArray[Any]

_FINITE = FIELDS.index("finite")


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
        Intercept and slope of an affine generator of one noise variable and one coordinate, in data units; else NaN.
    sample : ndarray of float64, shape (n, 2)
        Mean and maximum-likelihood standard deviation of the run's fixed sample, in data units; NaN when fresh, and of
        more than one coordinate.
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


@default_arithmetic
def run_chunk(cells: Mapping[int, Configuration], runs: Sequence[tuple[int, int]], seed: int) -> Chunk:
    """Train, measure and referee some runs: a pure function, what a worker executes.

    Parameters
    ----------
    cells : mapping of int to GAN or ParametricGame
        Configurations by cell number; those that occur in `runs` share one `bundle_key`.
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
        If there are no runs, or their `bundle_key` differ.
    """
    keys = len({bundle_key(cells[cell]) for cell in {cell for cell, _ in runs}})
    if keys != 1:
        raise ValueError(f"runs: {len(runs)} with {keys} bundle keys: one run or more, of one bundle key")
    gans = [cells[cell] for cell, _ in runs]
    reps = [rep for _, rep in runs]
    with np.errstate(all="ignore"):  # a run that blows up is a row, not a warning (uncompiled kernels would warn)
        chunk = _vector_chunk if isinstance(gans[0], ParametricGame) else _network_chunk
        return Chunk(np.array([cell for cell, _ in runs]), np.array(reps), *chunk(gans, reps, seed))


_Simulated: TypeAlias = tuple[Traces, Array, Array, Array, dict[str, float]]


def _network_chunk(gans: Sequence[Any], reps: Sequence[int], seed: int) -> _Simulated:
    """Runs of GANs: all but their numbers."""
    seconds = {"train": 0.0, "measure": 0.0, "referee": 0.0}
    bundles = build_bundles(gans, reps, seed)
    sample = _sample_moments(gans, bundles)
    values, final = _train_and_measure(gans, bundles, seconds)
    referee = verdicts(gans, reps, final, seed, values[:, -1, _FINITE] == 1, seconds)
    steps = np.tile(record_steps(gans[0]), (len(reps), 1))
    traces = Traces(steps, values, np.array([n_modes(gan) for gan in gans]))
    return traces, _affine(gans, final), sample, referee, seconds


def _vector_chunk(games: Sequence[Any], reps: Sequence[int], seed: int) -> _Simulated:
    """Runs of games of two vectors: all but their numbers."""
    seconds = {"train": 0.0, "measure": 0.0, "referee": 0.0}
    values, steps = train_and_record(games, build_vector_bundles(games, reps, seed), seconds)
    traces = Traces(np.tile(steps, (len(reps), 1)), values, np.ones(len(reps), int), fields_of(games[0]))
    affine, sample, referee = (np.full((len(reps), n), np.nan) for n in (2, 2, 3))
    return traces, affine, sample, referee, seconds


def _train_and_measure(
    gans: Sequence[GAN], bundles: list[Bundle], seconds: dict[str, float]
) -> tuple[Array, list[Array]]:
    """Records (n, records, fields) and each run's final generator; NaN from where a run is not finite."""
    gan = gans[0]
    values = np.full((len(gans), gan.records, len(FIELDS)), np.nan, np.float32)
    values[:, :, _FINITE] = 0
    alive = np.ones(len(gans), bool)
    for k, (rows, taken, finite) in enumerate(records(gan, bundles, record_steps(gan).tolist(), seconds)):
        alive[rows] &= finite
        here = alive[rows]
        values[rows[here], k] = taken[here]
        bundles[:] = drop_dead(bundles, alive)
    final = [np.full(network_shapes(gan)[0].n_params, np.nan)] * len(gans)
    for bundle in bundles:
        for lane, row in enumerate(bundle.lanes):
            if alive[row]:
                final[row] = measured_generator(bundle.g, gan).theta[:, lane].copy()
    return values, final


def _sample_moments(gans: Sequence[GAN], bundles: Sequence[Bundle]) -> NDArray[np.float64]:
    out = np.full((len(gans), 2), np.nan)
    n = gans[0].samples
    if n is None or gans[0].data_dim > 1:
        return out
    for bundle in bundles:
        sample = bundle.sampler.sample[:n].astype(float)
        mean, std = sample.mean(axis=0), sample.std(axis=0)
        for lane, row in enumerate(bundle.lanes):
            [location], [scale] = data_unit(gans[row])
            out[row] = location + scale * mean[lane], scale * std[lane]
    return out


def _affine(gans: Sequence[GAN], final: Sequence[Array]) -> NDArray[np.float64]:
    out = np.full((len(gans), 2), np.nan)
    if gans[0].generator_sizes != (1, 1):
        return out
    for row, gan in enumerate(gans):
        [(weights, bias)] = unscaled(gan.generator, from_rows(network_shapes(gan)[0], final[row].astype(float)))
        [location], [scale] = data_unit(gan)
        out[row] = location + scale * bias[0], scale * weights[0, 0]
    return out
