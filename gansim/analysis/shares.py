"""Shares of runs with an outcome, by group, with runs, replicates, Monte-Carlo error and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gansim.analysis.digits import share_in_words
from gansim.analysis.groups import Floats, groups_of, levels_of, refuse_hidden, require_columns, tiled
from gansim.analysis.intervals import Interval, mcse, of_share, wilson
from gansim.analysis.replicates import cells_of, check_frame, refuse_twice, replicates_of
from gansim.errors import ConfigError

__all__ = ["Share", "share_of", "tabulate"]

# At 80 columns pandas leaves out those in the middle: a share, its interval and n stand at the ends.
_TIDY = ("share", "mcse", "count", "replicates", "low", "high", "n")


def tabulate(runs: pd.DataFrame, by: str | Sequence[str], column: str = "regime", level: float = 0.95) -> pd.DataFrame:
    """Count how often each level of a column occurs, group by group.

    Parameters
    ----------
    runs : DataFrame
        One row per run. Runs of one replicate (columns seed and rep) share their random numbers; without rep every run
        is a replicate.
    by : str or sequence of str
        Columns whose combinations are the groups; none for one group of all runs. Missing values are a level of their
        own (`samples` is missing where data are fresh).
    column : str, default "regime"
        What to count: a categorical, all of whose levels are listed, those that never occur too; or any other column,
        whose values are listed.
    level : float, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        One row per group, in order of first appearance, and level: the columns of `by`, `column`, share = count / n,
        mcse (its Monte-Carlo standard error), count, replicates (of the group), low, high, n (runs in the group). The
        counts of a group add up to n. Errors and intervals are those of `gansim.analysis.intervals.of_share`: Wilson's
        where a group has one run per replicate.

    Raises
    ------
    ConfigError
        If there are no runs, a run occurs twice, a column is missing, named twice or named like one of the table, or
        `column` has missing values.
    """
    by = require_columns(runs, by, column)
    refuse_hidden([*by, column], _TIDY)
    refuse_twice(runs, by)
    levels, codes = levels_of(runs, column)
    keys, group = groups_of(runs, by)
    counts = np.zeros((len(keys), len(levels)), dtype=np.int64)
    np.add.at(counts, (group, codes), 1)

    table = keys.loc[np.repeat(np.arange(len(keys)), len(levels))].reset_index(drop=True)
    table[column] = tiled(levels, len(keys))
    count, n = counts.ravel(), np.repeat(counts.sum(axis=1), len(levels))
    replicates, errors = _errors(runs, group, codes, counts, level)
    table = table.assign(count=count, n=n, replicates=np.repeat(replicates, len(levels)), share=count / n)
    table = table.assign(**dict(zip(Interval._fields, errors.reshape(3, -1), strict=True)))
    table = table[[*by, column, *_TIDY]]
    table.attrs = dict(runs.attrs)  # by which a table knows what its states mean
    return table


def _errors(
    runs: pd.DataFrame, group: NDArray[np.int64], codes: NDArray[np.int64], counts: NDArray[np.int64], level: float
) -> tuple[NDArray[np.int64], Floats]:
    """Replicates of each group, and error, low and high of each group's share of each level, (3, groups, levels)."""
    n = counts.sum(axis=1)
    replicate, cell = replicates_of(runs), cells_of(runs)
    width = int(replicate.max()) + 1
    replicates = np.bincount(pd.unique(group * width + replicate) // width)  # NumPy's takes 3 s for a million runs
    errors = np.stack([mcse(counts, n[:, None]), *wilson(counts, n[:, None], level)])
    pooled = np.flatnonzero(replicates < n)  # the others have one run per replicate
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(n)
    for stratum in pooled:
        rows = order[ends[stratum] - n[stratum] : ends[stratum]]
        ids = [np.unique(numbers[rows], return_inverse=True)[1].ravel() for numbers in (replicate, cell)]
        for position in range(counts.shape[1]):
            errors[:, stratum, position] = of_share(codes[rows] == position, ids[0], ids[1], level)
    return replicates, errors


@dataclass(frozen=True)
class Share:
    """A share of runs, in numbers and, by `str`, in words such as "33.4 % [33.2, 33.4]"."""

    share: float
    mcse: float
    low: float
    high: float
    count: int
    n: int
    replicates: int

    def __str__(self) -> str:
        return share_in_words(self.share, self.low, self.high, None)


def share_of(runs: pd.DataFrame, chosen: ArrayLike, level: float = 0.95) -> Share:
    """Say which share of the runs have an outcome, with the error and the interval that `tabulate` gives.

    Parameters
    ----------
    runs : DataFrame
        One row per run, at least one.
    chosen : array_like of bool, shape (runs,)
        Which of them have the outcome, such as ``runs["d_state"] == "idle"``.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    Share
        share, mcse, low, high, count, n (runs) and replicates.

    Raises
    ------
    ConfigError
        If there are no runs, a run occurs twice, or `chosen` is not one boolean per run.
    """
    check_frame(runs)
    hit = np.asarray(chosen)
    if hit.dtype != bool or hit.shape != (len(runs),):
        raise ConfigError(f"chosen: {hit.dtype} of shape {hit.shape}: booleans, one for each of {len(runs)} runs")
    table = tabulate(runs.assign(**{_CHOSEN: hit}), [], _CHOSEN, level)
    names = [field.name for field in fields(Share)]
    return Share(**{name: table[name].iloc[1].item() for name in names})


_CHOSEN = "chosen by the caller"  # no factor may have spaces in its name
