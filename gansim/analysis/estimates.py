"""Means, spreads and quantiles of measured numbers, by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gansim.analysis.groups import Floats, groups_of, numbers_of, refuse_hidden, require_columns
from gansim.analysis.intervals import of_mean, two_sided
from gansim.analysis.replicates import columns_of, refuse_twice, replicates_of

__all__ = ["estimate"]

_QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
# The mean and its interval last: at 80 columns pandas prints the first names and the last ones.
_ESTIMATE = ("quantity", "n", "replicates", "missing", "sd", *_QUANTILES, "mcse", "mean", "low", "high")


def estimate(
    runs: pd.DataFrame, by: str | Sequence[str], columns: str | Sequence[str], level: float = 0.95
) -> pd.DataFrame:
    """Estimate means of numeric columns, group by group, with their Monte-Carlo error.

    Parameters
    ----------
    runs : DataFrame
        One row per run. Runs of one replicate (columns seed and rep) share their random numbers; without rep every run
        is a replicate.
    by : str or sequence of str
        Columns whose combinations are the groups; none for one group of all runs.
    columns : str or sequence of str
        The numeric columns.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    DataFrame
        One row per group and column: the columns of `by`, quantity (the column's name), n (runs with a finite value),
        replicates (that have such a run), missing (the other runs of the group), sd, q05, q25, median, q75, q95 (over
        runs), mcse, mean, low, high (Student's interval for the mean over replicates,
        `gansim.analysis.intervals.of_mean`; of one run per replicate the error is sd / sqrt(n)). What cannot be
        computed, a mean of none or a spread of one, is NaN.

    Raises
    ------
    ConfigError
        If there are no runs, a run occurs twice, or a column is missing, not of numbers, named twice or named like one
        of the table.
    """
    two_sided(level)
    columns = columns_of(columns, "columns")
    by = require_columns(runs, by, *columns)
    refuse_hidden(by, _ESTIMATE)
    refuse_twice(runs, by)
    numbers = {name: numbers_of(runs[name]) for name in columns}
    keys, group = groups_of(runs, by)
    replicate, rows = replicates_of(runs), []
    for stratum in range(len(keys)):
        mine = group == stratum
        rows += [{"quantity": name, **moments_of(numbers[name][mine], replicate[mine], level)} for name in columns]
    repeated = keys.loc[np.repeat(np.arange(len(keys)), len(columns))].reset_index(drop=True)
    return pd.concat([repeated, pd.DataFrame(rows)], axis=1)


def moments_of(values: Floats, replicate: NDArray[np.int64], level: float) -> dict[str, Any]:
    """One row of `estimate`."""
    known = np.isfinite(values)
    finite = values[known]
    n = len(finite)
    row: dict[str, Any] = {"n": n, "replicates": len(np.unique(replicate[known])), "missing": len(values) - n}
    row |= {"mean": float(finite.mean()) if n else np.nan, "sd": float(finite.std(ddof=1)) if n > 1 else np.nan}
    row |= of_mean(finite, replicate[known], level)._asdict()
    row |= {name: float(np.quantile(finite, q)) if n else np.nan for name, q in _QUANTILES.items()}
    return {name: row[name] for name in _ESTIMATE[1:]}
