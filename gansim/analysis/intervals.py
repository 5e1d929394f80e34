"""Errors and intervals of shares, means and waiting times, from arrays; what was drawn independently is the replicate.

Cells of a study share their replicates' random numbers, so runs of one replicate in several cells are not independent.
Every function here takes the number of each run's replicate and counts replicates, not runs, as what repeats.

References
----------
Kaplan and Meier (1958), Nonparametric estimation from incomplete observations, J. Am. Stat. Assoc. 53(282), 457-481.
Kish (1965), Survey sampling, Wiley, chapter 11: the effective size of a sample with unequal weights.
Korn and Graubard (1998), Confidence intervals for proportions with small expected number of positive counts estimated
from survey data, Surv. Methodol. 24(2), 193-201.
Wilson (1927), Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22(158),
209-212.
Zou and Donner (2008), Construction of confidence limits about effect measures: a general approach, Stat. Med. 27(10),
1693-1702.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from gansim.errors import ConfigError, shown
from gansim.model.fields import Real, check_named

__all__ = ["Interval", "kaplan_meier", "mcse", "of_mean", "of_share", "student", "two_sided", "wilson"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]


class Interval(NamedTuple):
    """A Monte-Carlo standard error and two limits."""

    mcse: float
    low: float
    high: float


# What is taken ----------------------------------------------------------------------------------------------------


def two_sided(level: float) -> float:
    """Return the normal quantile that leaves (1 - level) / 2 on each side: 1.96 for 0.95.

    It is taken in the lower tail: (1 + level) / 2 rounds to 1 at the largest level below 1, and the quantile of 1 is
    infinite. 1 - level rounds to 1 below 1e-16, where the quantile would be 0.
    """
    return -float(special.ndtri((1 - _checked_level(level)) / 2))


def student(freedom: int, level: float) -> float:
    """Return Student's quantile that leaves (1 - level) / 2 on each side; infinite without degrees of freedom."""
    tail = (1 - _checked_level(level)) / 2
    return -float(special.stdtrit(freedom, tail)) if freedom > 0 else np.inf


_LEVEL = Real(1e-9, 1.0, above=True, below=True)


def _checked_level(level: float) -> float:
    checked: float = check_named("level", level, _LEVEL)
    return checked


def _checked_counts(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    successes, trials = np.broadcast_arrays(_counts(k, "k"), _counts(n, "n"))
    if not np.all(successes <= trials):
        worst = int(np.argmax(successes.ravel() > trials.ravel()))
        pair = f"{successes.ravel()[worst]:g} and {trials.ravel()[worst]:g}"
        raise ConfigError(f"k, n: values {pair}: counts with 0 <= k <= n")
    return successes, trials


def _counts(values: ArrayLike, name: str) -> Floats:
    """Return whole numbers from 0, or refuse the first that is none."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        first = array.ravel().tolist()[0] if array.size else values
        raise ConfigError(f"{name}: value {shown(first)}: counts, whole numbers from 0")
    wrong = ~(np.isfinite(array) & (array >= 0) & (array == np.floor(array)))
    if wrong.any():
        raise ConfigError(f"{name}: value {array[wrong].ravel()[0]:g}: counts, whole numbers from 0")
    return array.astype(np.float64)


def _booleans(values: ArrayLike, name: str) -> Bools:
    """Return booleans, given as such or as numbers 0 and 1, or refuse the first that is none."""
    array = np.asarray(values)
    if array.dtype == bool:
        return array
    wrong = [value for value in array.ravel().tolist() if isinstance(value, str | bytes) or value not in (0, 1)]
    if wrong:
        raise ConfigError(f"{name}: value {shown(wrong[0])}: booleans, or 0 and 1")
    return array.astype(bool)


def _numbers(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" and array.size:
        raise ConfigError(f"{name}: value {shown(array.ravel().tolist()[0])}: numbers")
    return array.astype(np.float64)


# Shares -----------------------------------------------------------------------------------------------------------


def wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Interval for a proportion of independent runs (Wilson 1927), which stays honest at 0 of n and n of n.

    Parameters
    ----------
    k, n : array_like of int
        Successes and trials; broadcast against each other.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    low, high : ndarray of float64
        The limits, exactly 0 where k = 0 and exactly 1 where k = n. Without trials, 0 and 1.

    Raises
    ------
    ConfigError
        Unless k and n are whole numbers, 0 <= k <= n and 1e-9 < level < 1.
    """
    return _wilson(*_checked_counts(k, n), two_sided(level))


def _wilson(k: ArrayLike, n: ArrayLike, z: float) -> tuple[Floats, Floats]:
    """Wilson's limits for k of n, which need not be whole numbers here."""
    successes, trials = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z2 = z**2
    centre = (successes + z2 / 2) / (trials + z2)
    spread = z2 / 4 + np.where(trials > 0, successes * (trials - successes) / np.where(trials > 0, trials, 1), 0)
    half = np.sqrt(z2 * spread) / (trials + z2)
    # Rounding would leave limits like 1e-19 where the formula gives exactly 0.
    low = np.where(successes == 0, 0.0, np.maximum(centre - half, 0))
    high = np.where(successes == trials, 1.0, np.minimum(centre + half, 1))
    return low[()], high[()]


def mcse(k: ArrayLike, n: ArrayLike) -> Floats:
    """Monte-Carlo standard error of the share k of n independent runs, sqrt(p (1 - p) / n).

    It is 0 at 0 of n and at n of n, where only an interval tells how little that means.

    Parameters
    ----------
    k, n : array_like of int
        Successes and trials; broadcast against each other.

    Returns
    -------
    ndarray of float64
        NaN without trials.

    Raises
    ------
    ConfigError
        Unless k and n are whole numbers and 0 <= k <= n.
    """
    successes, trials = _checked_counts(k, n)
    share = _ratio(successes, trials)
    return np.sqrt(_ratio(share * (1 - share), trials))[()]


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide; NaN, without a warning, where the divisor is 0."""
    quotient: Floats = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient


def of_share(hit: Bools, replicate: Codes, cell: Codes, level: float = 0.95) -> Interval:
    """Error and interval of the share of runs with an outcome, where a replicate may have several runs.

    The error is that of a mean over replicates: with the residual e_r = k_r - p m_r of a replicate in which k_r of m_r
    runs have the outcome, sqrt(sum e_r^2) / n. For one run per replicate that is sqrt(p (1 - p) / n), whose divisor is
    n and not n - 1. It is NaN for several runs of one replicate.

    The interval is Wilson's for n* runs, n* = p (1 - p) / error^2: the number of independent runs with the same error
    (Korn and Graubard 1998), reduced by (z / t)^2. The degrees of freedom of t are the replicates in which the outcome
    occurred: from few of them one learns little about how the runs of a replicate hang together. n* is at least what
    the replicates are worth if their runs all agree, and at most what independent runs of these cells would be. So one
    run per replicate has exactly Wilson's interval, and so have cells that always agree.

    Where some cells nearly always have the outcome and others hardly ever, the pooled p (1 - p) means nothing. Cells
    whose own interval lies above 1/2, if the share lies below (and the other way round), are therefore a part of their
    own, judged by their exceptions; two parts are put together by the method of Zou and Donner (2008), with their
    correlation over replicates.

    Parameters
    ----------
    hit : ndarray of bool, shape (runs,)
        Which runs have the outcome; at least one run.
    replicate, cell : ndarray of int, shape (runs,)
        Each run's replicate and cell, numbered from 0 without gaps.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    Interval
        Of the share, the mean of `hit`.

    Raises
    ------
    ConfigError
        Unless 1e-9 < level < 1.
    """
    n, k, z = len(hit), int(np.count_nonzero(hit)), two_sided(level)
    runs_of = np.bincount(replicate)
    residuals = np.bincount(replicate, hit) - k / n * runs_of
    unknown = len(runs_of) == 1 < n  # one replicate does not tell how far its cells, taken together, may be off
    error = float("nan") if unknown else float(np.sqrt(residuals @ residuals)) / n
    if len(runs_of) == n:
        low, high = map(float, _wilson(k, n, z))
    elif 2 * k > n:  # the share of runs without the outcome is below 1/2
        high, low = (1 - limit for limit in _below_half(~hit, replicate, cell, level))
    else:
        low, high = _below_half(hit, replicate, cell, level)
    return Interval(error, min(low, k / n), max(high, k / n))  # rounding must not leave the share outside


class _Part(NamedTuple):
    """A share of the runs of some cells, its limits, and the residuals by replicate."""

    share: float
    low: float
    high: float
    residuals: Floats


def _below_half(hit: Bools, replicate: Codes, cell: Codes, level: float) -> tuple[float, float]:
    """Limits of a share of at most 1/2, though some cells may have a larger one."""
    split = (_wilson(np.bincount(cell, hit), np.bincount(cell), two_sided(level))[0] > 0.5)[cell]
    if not split.any():
        return _part(hit, replicate, cell, level)[1:3]
    size = int(replicate.max()) + 1
    rare = _part(hit[~split], replicate[~split], cell[~split], level, size)
    lost = _part(~hit[split], replicate[split], cell[split], level, size)
    weight = float(np.mean(split))
    share = (1 - weight) * rare.share + weight * (1 - lost.share)
    norm = np.sqrt((rare.residuals @ rare.residuals) * (lost.residuals @ lost.residuals))
    correlation = rare.residuals @ lost.residuals / norm if norm > 0 else 0.0

    def reach(of_rare: float, of_lost: float) -> float:
        a, b = (1 - weight) * of_rare, weight * of_lost
        return float(np.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0)))

    low = share - reach(rare.share - rare.low, lost.high - lost.share)
    high = share + reach(rare.high - rare.share, lost.share - lost.low)
    return max(low, 0.0), min(high, 1.0)


def _part(hit: Bools, replicate: Codes, cell: Codes, level: float, size: int = 0) -> _Part:
    """A share and its limits by an effective number of runs; residuals for `size` replicates."""
    n, share, z = len(hit), float(np.mean(hit)), two_sided(level)
    runs_of, hits_of = np.bincount(replicate, minlength=size), np.bincount(replicate, hit, size)
    residuals = hits_of - share * runs_of
    replicates, events = int(np.count_nonzero(runs_of)), int(np.count_nonzero(hits_of))
    variance = residuals @ residuals / n**2 * replicates / max(replicates - 1, 1)
    pooled, within = share * (1 - share), _within_cells(hit, cell)
    least = n**2 / float(runs_of @ runs_of)  # runs of a replicate all alike (Kish 1965): the replicates, if balanced
    most = n * pooled / within if 0 < within < pooled else float(n)
    wanted = pooled / variance if variance > 0 else most if pooled > 0 else least
    freedom = min(events, replicates - 1)
    effective = min(max(float(wanted) * (z / student(freedom, level)) ** 2, least), most)
    low, high = _wilson(share * effective, effective, z)
    return _Part(share, float(low), float(high), residuals)


def _within_cells(hit: Bools, cell: Codes) -> float:
    """Variance of an outcome within cells, without bias, averaged over the runs; 1/4 if every cell has one run."""
    n, k = np.bincount(cell), np.bincount(cell, hit)
    many = n > 1
    return float(np.sum((k * (n - k))[many] / (n - 1)[many]) / n[many].sum()) if many.any() else 0.25


# Means ------------------------------------------------------------------------------------------------------------


def of_mean(values: Floats, replicate: Codes, level: float = 0.95) -> Interval:
    """Error and Student's interval of a mean over runs, where a replicate may have several runs.

    With the residual e_r of a replicate, the sum of its runs' deviations from the mean, the error is
    sqrt(R / (R - 1) sum e_r^2) / n, of R replicates with n runs: for one run per replicate, sd / sqrt(n). The interval
    has R - 1 degrees of freedom.

    Parameters
    ----------
    values : ndarray of float64, shape (runs,)
        Finite numbers.
    replicate : ndarray of int, shape (runs,)
        Each run's replicate.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    Interval
        NaN where there are fewer than two replicates.

    Raises
    ------
    ConfigError
        Unless 1e-9 < level < 1.
    """
    codes = np.unique(replicate, return_inverse=True)[1].ravel()
    replicates = int(codes.max()) + 1 if len(codes) else 0
    quantile = student(replicates - 1, level)
    if replicates < 2:
        return Interval(np.nan, np.nan, np.nan)
    mean = float(values.mean())
    residuals = np.bincount(codes, values - mean)
    error = float(np.sqrt(residuals @ residuals * replicates / (replicates - 1))) / len(values)
    return Interval(error, mean - quantile * error, mean + quantile * error)


# Waiting times ----------------------------------------------------------------------------------------------------


def kaplan_meier(
    time: ArrayLike, event: ArrayLike, level: float = 0.95, replicate: ArrayLike | None = None
) -> pd.DataFrame:
    """Estimate the share of runs still waiting for an event, from right-censored times (Kaplan and Meier 1958).

    Parameters
    ----------
    time : array_like of float, shape (runs,)
        When the event happened or, without one, until when the run was watched.
    event : array_like of bool, shape (runs,)
        Whether the event happened.
    level : float, default 0.95
        Confidence level.
    replicate : array_like of int, shape (runs,), optional
        Each run's replicate, where a replicate may have several runs; by default every run is one.

    Returns
    -------
    DataFrame
        One row per distinct time, with a row at 0 before them: step, survival (share still without the event just after
        the step), low, high, at_risk (runs watched until just before the step), events, censored (at the step).

        The interval is on the log(-log) scale, pointwise, from the influence of each replicate on the logarithm of the
        curve; for one run per replicate its variance is Greenwood's sum. That scale has none at survival 1 and 0.
        There, Wilson's limits for the replicates at risk stand in: at 1 the lower one for all of them; at 0 the upper
        one for none of them, or the limit of the row before, whichever is less.

    Raises
    ------
    ConfigError
        If there are no runs, the shapes differ, a time is negative or not finite, an event is neither true nor false,
        or not 1e-9 < level < 1.
    """
    times, happened = _numbers(time, "time"), _booleans(event, "event")
    if times.ndim != 1 or times.size == 0 or times.shape != happened.shape:
        raise ConfigError(
            f"time, event: shapes {times.shape} and {happened.shape}; expected the same (runs,), runs > 0"
        )
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise ConfigError("time: a time must be finite and at least 0; give a censored run the time it was watched")
    given = np.arange(len(times)) if replicate is None else np.asarray(replicate)
    if given.shape != times.shape:
        raise ConfigError(f"replicate: shape {given.shape}; expected {times.shape}, one for each run")
    of = np.unique(given, return_inverse=True)[1].ravel()
    z = two_sided(level)

    step, at = np.unique(times, return_inverse=True)
    ended = np.bincount(at)
    events = np.bincount(at, happened).astype(np.int64)
    at_risk = len(times) - np.concatenate([[0], np.cumsum(ended)[:-1]])
    survival = np.cumprod(1 - events / at_risk)
    low, high = _log_log(survival, np.sqrt(_variance_of_log(at, happened, events, at_risk, of)), z)
    waiting = np.array([len(np.unique(of[at >= row])) for row in range(len(step))])
    low = np.where(survival == 1, waiting / (waiting + z**2), low)
    if survival[-1] == 0:  # only the last row can be
        before = high[-2] if len(high) > 1 else 1.0
        low[-1], high[-1] = 0.0, min(before, z**2 / (waiting[-1] + z**2))
    columns = {"step": step, "survival": survival, "low": low, "high": high}
    table = pd.DataFrame({**columns, "at_risk": at_risk, "events": events, "censored": ended - events})
    if step[0] == 0:
        return table
    start = {"step": 0.0, "survival": 1.0, "low": 1.0, "high": 1.0, "at_risk": len(times), "events": 0, "censored": 0}
    return pd.concat([pd.DataFrame([start]), table], ignore_index=True)


def _variance_of_log(at: Codes, happened: Bools, events: Codes, at_risk: Codes, of: Codes) -> Floats:
    """Variance of log survival at each step, from the sum of squares of the replicates' influences.

    A run that has its event at step u changes log(1 - d / y), of y runs at risk, by -1 / (y - d), and every run at risk
    changes it by d / y / (y - d). For one run per replicate the squares sum up to Greenwood's d / (y (y - d)).
    """
    replicates = int(of.max()) + 1
    left = at_risk - events
    scale = np.where(left > 0, 1 / np.maximum(left, 1), 0.0)  # at survival 0 there is no such interval
    squares = np.empty(len(events))
    influence, watched = np.zeros(replicates), np.bincount(of, minlength=replicates).astype(np.float64)
    order = np.argsort(at, kind="stable")
    bounds = np.searchsorted(at[order], np.arange(len(events) + 1))
    for row, (first, last) in enumerate(pairwise(bounds)):
        here = order[first:last]
        hits = np.bincount(of[here], happened[here], replicates)
        influence += (hits - events[row] / at_risk[row] * watched) * scale[row]
        squares[row] = influence @ influence
        watched -= np.bincount(of[here], minlength=replicates)
    return squares


def _log_log(survival: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    """Limits of a survival curve from the error of its logarithm; 1 and 1, or 0 and 0, where it is 1 or 0."""
    inside = (survival > 0) & (survival < 1)
    log = np.log(np.where(inside, survival, 0.5))
    factor = np.exp(np.where(inside, z * error / np.abs(log), 0.0))
    return (
        np.where(inside, np.exp(log * factor), survival),
        np.where(inside, np.exp(log / factor), survival),
    )
