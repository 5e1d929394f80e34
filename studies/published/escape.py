"""How long runs wait, from one state to another: Kaplan-Meier shares, median, log-rank test."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from gansim.analysis.intervals import kaplan_meier

__all__ = ["Waiting", "escapes", "first", "lasting", "logrank", "waiting"]


class Waiting(NamedTuple):
    """Runs that have begun to wait, for how many steps they were watched, and whether it happened at their end."""

    begun: np.ndarray
    steps: np.ndarray
    happened: np.ndarray


def lasting(holds: np.ndarray) -> np.ndarray:
    """Whether something holds at a record and at all later ones, by run and record.

    Examples
    --------
    >>> lasting(np.array([[True, False, True, True]])).tolist()
    [[False, False, True, True]]
    """
    return np.logical_and.accumulate(holds[:, ::-1], axis=1)[:, ::-1]


def first(steps: np.ndarray, holds: np.ndarray) -> np.ndarray:
    """Steps at the first record at which something holds, or at the last one of all, by run.

    Examples
    --------
    >>> first(np.array([[10, 20, 30]] * 2), np.array([[False, True, True], [False, False, False]])).tolist()
    [20.0, 30.0]
    """
    record = np.where(holds.any(axis=1), holds.argmax(axis=1), -1)
    return steps[np.arange(len(steps)), record].astype(float)


def waiting(steps: np.ndarray, begin: np.ndarray, end: np.ndarray) -> Waiting:
    """How long runs wait, from the first record at which `begin` holds to the next at which `end` does.

    Parameters
    ----------
    steps : ndarray, shape (runs, records)
        Steps done at each record.
    begin, end : ndarray of bool, shape (runs, records)
        What they wait from, and for.

    Examples
    --------
    >>> begin = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]], bool)
    >>> end = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1]], bool)
    >>> [part.tolist() for part in waiting(np.array([[10, 20, 30]] * 3), begin, end)]
    [[True, True, False], [20, 10, 20], [True, False, False]]
    """
    runs, begun, first = np.arange(len(steps)), begin.any(axis=1), begin.argmax(axis=1)
    later = end & (np.arange(steps.shape[1]) > first[:, None])
    happened = later.any(axis=1) & begun
    last = np.where(happened, later.argmax(axis=1), steps.shape[1] - 1)
    return Waiting(begun, steps[runs, last] - steps[runs, first], happened)


def escapes(runs: pd.DataFrame, after: tuple[int, ...], pair: tuple[str, str]) -> pd.DataFrame:
    """Shares that have escaped so many steps after they began to wait, and the median wait, by method.

    Parameters
    ----------
    runs : DataFrame
        Runs that have begun to wait, with columns method, rep, waited and escaped.
    after : tuple of int
        Numbers of steps; those beyond the last that anybody was watched are left out.
    pair : tuple of two str
        Methods whose curves are compared by the log-rank test.
    """
    rows = []
    for method, mine in runs.groupby("method", observed=True, sort=False):
        curve = kaplan_meier(mine["waited"], mine["escaped"], replicate=mine["rep"])
        for steps in (steps for steps in after if steps <= curve["step"].max()):
            left, low, high = curve.loc[curve["step"] <= steps, ["survival", "low", "high"]].iloc[-1]
            rows.append((method, f"share escaped within {steps:,} steps", 1 - left, 1 - high, 1 - low, len(mine)))
        # The median's interval: where the curve's own limits pass 1/2 (Brookmeyer and Crowley 1982).
        at = [curve.loc[curve[limit] <= 0.5, "step"].min() for limit in ("survival", "low", "high")]
        rows.append((method, "median steps to escape", *at, len(mine)))
    both = runs[runs["method"].isin(pair)]
    rows.append((" and ".join(pair), "log-rank test, p", logrank(both, *pair), np.nan, np.nan, len(both)))
    return pd.DataFrame(rows, columns=["method", "what", "found", "found_low", "found_high", "runs"])


def logrank(runs: pd.DataFrame, a: str, b: str) -> float:
    """The p of the log-rank test of one curve for two methods (Mantel 1966); NaN if a side is empty or none escaped.

    Runs are taken as independent: where methods share replicates, and these wait alike, the test is cautious.
    """
    sides = [runs[runs["method"] == method] for method in (a, b)]
    if min(map(len, sides)) == 0 or not any(side["escaped"].any() for side in sides):
        return np.nan
    times = [stats.CensoredData.right_censored(side["waited"], ~side["escaped"].to_numpy(bool)) for side in sides]
    return float(stats.logrank(*times).pvalue)
