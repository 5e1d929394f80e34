"""Evaluations: what records are measured with, how they are taken, and what of them is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.engine.samplers import n_components, own_rows, seen_rows, seen_unit, table_rows
from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.lanes import aligned, by_lane
from gansim.kernels.measure import Evaluation
from gansim.model.data.distributions import Mixture, Product, Univariate, evaluation_law, standardised
from gansim.model.data.laws import quantile
from gansim.model.data.modes import modes_of
from gansim.model.data.tabulated import Law, Observed, table_of
from gansim.model.games import level_of
from gansim.model.gan import GAN
from gansim.model.measurements import OF_MODES, measured
from gansim.traces import FIELDS

__all__ = ["as_stored", "build_evaluation", "has_modes", "n_modes"]

Array = NDArray[Any]
_FINITE = FIELDS.index("finite")


def n_modes(gan: GAN) -> int:
    """How many modes of the target can be told apart, 1 unless it is a mixture."""
    return modes_of(gan.target).n if isinstance(gan.target, Mixture) else 1


@lru_cache(maxsize=64)
@default_arithmetic
def _quantiles(law: Univariate, n: int) -> NDArray[np.float64]:
    """Quantiles of a law, in its own units, at the midpoints of n equal shares of probability.

    To 12 decimals: SciPy takes exponentials and logarithms from the C library, whose last bits (6 of 168,815 quantiles)
    are others on a processor without AVX2.
    """
    middles = (np.arange(n) + 0.5) / n
    if isinstance(law, (Observed, Law)):
        return table_of(law).quantile(middles)
    return np.round(quantile(standardised(law), middles), 12)


@lru_cache(maxsize=64)
def _mode_rows(target: Univariate | Product, n: int) -> NDArray[np.float64]:
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


def _level(gan: GAN) -> float | None:
    """What kernels/measure.py is told of the output above which D takes a sample for real."""
    level = level_of(gan.game)
    return math.nan if level is None else level or None


def build_evaluation(gans: Sequence[GAN], dtype: Any) -> Evaluation:
    """What a bundle's records are measured with; lane i is configured by ``gans[i]``."""
    lanes, gan = len(gans), gans[0]
    n, laws = gan.n_eval, [evaluation_law(g.target) for g in gans]
    modes = [_mode_rows(g.target, n).tolist() for g in gans]  # a single row unless the targets are mixtures
    quantiles = aligned((n if gan.data_dim == 1 else 1, lanes), dtype)
    if gan.data_dim == 1:
        for lane, law in enumerate(laws):
            quantiles[:, lane] = _quantiles(law, n)
    return Evaluation(
        _level(gan),
        by_lane([np.stack(seen_unit(g), axis=1).ravel().tolist() for g in gans], dtype),
        by_lane([seen_rows(g, law) for g, law in zip(gans, laws, strict=True)], dtype),
        by_lane([own_rows(law) for law in laws], dtype),
        quantiles,
        *table_rows(laws[0], dtype),
        by_lane(modes, dtype),
        aligned((gan.data_dim * n, lanes), dtype),
        aligned((2 * n // gan.packing, lanes), dtype),
        aligned((n_components(gan), lanes), dtype),
        aligned((n if len(modes[0]) > 1 else 1, lanes), dtype),
    )


def has_modes(evaluation: Evaluation) -> bool:
    """Whether modes are measured: where `build_evaluation` has made room for that."""
    return len(evaluation.modes) > 1


@lru_cache(maxsize=1024)
def _columns(gan: GAN) -> tuple[list[int], list[int]]:
    """Fields that a record lacks, and those that must be finite: all others but those of modes."""
    has = measured(gan)
    return (
        [column for column, name in enumerate(FIELDS) if name not in has],
        [column for column, name in enumerate(FIELDS) if name in has - OF_MODES],
    )


def as_stored(gan: GAN, record: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Records as they are kept, and which of them are finite in float32, whatever the precision.

    Parameters
    ----------
    gan : GAN
        The configuration of one of the runs: what they share.
    record : ndarray, shape (runs, len(FIELDS))
        What `gansim.engine.training.measure` gave.

    Returns
    -------
    record : ndarray of float32, shape (runs, len(FIELDS))
        A field that is not defined is NaN.
    finite : ndarray of bool, shape (runs,)
        Whether parameters and record are finite.
    """
    out = record.astype(np.float32)
    lacking, needed = _columns(gan)
    finite = (out[:, _FINITE] == 1) & np.isfinite(out[:, needed]).all(axis=1)
    out[:, lacking] = np.nan
    out[np.isnan(out)] = np.nan  # one kind of NaN: 0/0 has a sign on x86-64, and none on Arm
    return out, finite
