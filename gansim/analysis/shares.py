"""Shares of runs with an outcome, by group, with runs, replicates, Monte-Carlo error and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gansim.analysis.intervals import Interval, mcse, of_share, wilson
from gansim.analysis.replicates import cells_of, check_frame, check_values, columns_of, refuse_twice, replicates_of
from gansim.errors import ConfigError, shown
from gansim.reporting.writing import _share_text

__all__ = ["Share", "share_of", "tabulate"]

Floats = NDArray[np.float64]
_TIDY = ("count", "n", "replicates", "share", "mcse", "low", "high")


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
        One row per group, in order of first appearance, and level: the columns of `by`, `column`, count, n (runs in the
        group), replicates (of the group), share = count / n, mcse (its Monte-Carlo standard error), low, high. The
        counts of a group add up to n. Errors and intervals are those of `gansim.analysis.intervals.of_share`: Wilson's where a
        group has one run per replicate.

    Raises
    ------
    ConfigError
        If there are no runs, a run occurs twice, a column is missing, named twice or named like one of the table, or
        `column` has missing values.
    """
    by = _require_columns(runs, by, column)
    _refuse_hidden([*by, column], _TIDY)
    refuse_twice(runs, by)
    levels, codes = _levels(runs, column)
    keys, group = _groups(runs, by)
    counts = np.zeros((len(keys), len(levels)), dtype=np.int64)
    np.add.at(counts, (group, codes), 1)

    table = keys.loc[np.repeat(np.arange(len(keys)), len(levels))].reset_index(drop=True)
    table[column] = _tiled(levels, len(keys))
    count, n = counts.ravel(), np.repeat(counts.sum(axis=1), len(levels))
    replicates, errors = _errors(runs, group, codes, counts, level)
    table = table.assign(count=count, n=n, replicates=np.repeat(replicates, len(levels)), share=count / n)
    return table.assign(**dict(zip(Interval._fields, errors.reshape(3, -1), strict=True)))


def _errors(
    runs: pd.DataFrame, group: NDArray[np.int64], codes: NDArray[np.int64], counts: NDArray[np.int64], level: float
) -> tuple[NDArray[np.int64], Floats]:
    """Replicates of each group, and error, low and high of each group's share of each level, (3, groups, levels)."""
    n = counts.sum(axis=1)
    replicate, cell = replicates_of(runs), cells_of(runs)
    replicates = np.bincount(np.unique(group * (int(replicate.max()) + 1) + replicate) // (int(replicate.max()) + 1))
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
        return _share_text(self.share, self.low, self.high, None)


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


def _groups(runs: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return each group's values of `by`, in order of first appearance, and the number of each run's group."""
    if len(runs) == 0:
        raise ConfigError("runs: no rows; there is nothing to tabulate")
    if not by:
        return pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(runs), dtype=np.int64)
    group = runs.groupby(list(by), sort=False, observed=True, dropna=False).ngroup().to_numpy().astype(np.int64)
    first = np.unique(group, return_index=True)[1]
    return runs[list(by)].iloc[first].reset_index(drop=True), group


def _levels(runs: pd.DataFrame, column: str) -> tuple[pd.Index[Any], NDArray[np.int64]]:
    """Return a column's levels and each run's position among them."""
    values = runs[column]
    if values.isna().any():
        raise ConfigError(
            f"{column}: {int(values.isna().sum())} of {len(values)} values are missing; shares would not add up"
        )
    if not isinstance(values.dtype, pd.CategoricalDtype):
        levels = [False, True] if values.dtype == bool else sorted(values.unique())
        values = values.astype(pd.CategoricalDtype(levels))
    return values.cat.categories, values.cat.codes.to_numpy().astype(np.int64)


def _tiled(levels: pd.Index[Any], times: int) -> Any:
    """Return the levels over and over, as an ordered categorical unless they are numbers or booleans."""
    if levels.dtype.kind in "biuf":
        return np.tile(levels.to_numpy(), times)
    return pd.Categorical.from_codes(np.tile(np.arange(len(levels)), times), categories=levels, ordered=True)


def _require_columns(runs: pd.DataFrame, by: str | Sequence[str], *others: str) -> list[str]:
    """Return the names in `by`; refuse what is no frame of runs, or lacks one of the columns."""
    check_frame(runs)
    by = columns_of(by)
    names = [*by, *columns_of(others, "column")]
    for name in names:
        if name not in runs.columns:
            raise ConfigError(f"{shown(name)}: no such column; allowed: {', '.join(map(str, runs.columns))}")
        if names.count(name) > 1:
            raise ConfigError(f"{shown(name)}: named twice")
    check_values(runs, names)
    return by


def _refuse_hidden(by: Sequence[str], made: Sequence[str]) -> None:
    """Refuse columns of the runs that those of the table would overwrite."""
    hidden = [name for name in by if name in made]
    if hidden:
        raise ConfigError(
            f"{shown(hidden[0])}: a column of the table has this name; allowed: other than {', '.join(made)}"
        )
