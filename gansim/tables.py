"""Tables: shares and means with their Monte-Carlo error, and the files they are written to.

Everything here reads arrays and data frames of finished runs. Three rules hold throughout. A share comes with n, its
Monte-Carlo standard error and an interval. Every run is counted: non-finite runs are rows like others, and counts add
up to n. What was drawn independently is the replicate, whose random numbers all cells share: an interval speaks of new
replicates, in the same cells, and its error is that of a mean over replicates, however many cells a group has. For one
run per replicate that is the textbook's error over runs. The mathematics are in `gansim.intervals`.

The Markdown and LaTeX tables are formatted from the frame that is written, as raw numbers, to the CSV.

References
----------
Bonett and Price (2012), Adjusted Wald confidence interval for a difference of binomial proportions based on paired
data, J. Educ. Behav. Stat. 37(4), 479-488.
Fagerland, Lydersen and Laake (2014), Recommended tests and confidence intervals for paired binomial proportions,
Stat. Med. 33(16), 2850-2875.
McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages,
Psychometrika 12(2), 153-157.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from gansim import escaping
from gansim.floor import Floor
from gansim.intervals import Interval, kaplan_meier, mcse, of_mean, of_share, two_sided, wilson
from gansim.refusals import ConfigError, shown
from gansim.regimes import D_STATES, G_STATES, LABELS, REGIMES, Thresholds, combine, final_states
from gansim.replicates import cells_of, check_frame, check_values, columns_of, refuse_twice, replicates_of
from gansim.traces import FIELDS, Traces

__all__ = [
    "Share",
    "compare",
    "estimate",
    "kaplan_meier",
    "latex",
    "markdown",
    "mcse",
    "save",
    "sensitivity",
    "share_of",
    "share_text",
    "shares_wide",
    "tabulate",
    "wilson",
]

Floats = NDArray[np.float64]

_QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
_TIDY = ("count", "n", "replicates", "share", "mcse", "low", "high")
_ESTIMATE = ("quantity", "n", "replicates", "missing", "mean", "sd", "mcse", "low", "high", *_QUANTILES)


# Shares -----------------------------------------------------------------------------------------------------------


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
        counts of a group add up to n. Errors and intervals are those of `gansim.intervals.of_share`: Wilson's where a
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


# Differences, means, thresholds, times ----------------------------------------------------------------------------


def compare(
    runs: pd.DataFrame,
    factor: str,
    a: Any,
    b: Any,
    column: str = "g_state",
    value: Any = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare two levels of a factor, or two cells, pairing runs by replicate.

    Runs with the same replicate share all their random numbers (common random numbers), so the difference is estimated
    from pairs, and its error from how the pairs disagree.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with a column `rep`; runs of several seeds are paired within their seed.
    factor : str
        The column whose levels are compared; "cell" for two cells by number.
    a, b
        Two of its levels; None or NaN for the level of missing values.
    column, value : default "g_state", "converged"
        The outcome: `column` equals `value`. Of a column of numbers without a value, such as "w1", means are compared.
    by : str or sequence of str, optional
        The strata: columns within which a replicate occurs once per level. By default all other factors, that is the
        columns before the first measurement, without `cell`, `rep` and `seed`, and without those that the factor
        determines, such as the game where the levels of a factor set it; none where cells are compared.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    DataFrame
        One row per stratum that has both levels.

        - the strata's columns, a, b
        - n: pairs; unpaired: runs without a partner
        - share_a, share_b, difference = share_a - share_b, mcse: its standard error over the pairs
        - low, high: interval for the difference (Bonett and Price 2012, recommended by Fagerland et al. 2014): with
          A = (only_a + 1) / (n + 2) and B likewise, A - B +- z sqrt((A + B - (A - B)^2) / (n + 2)). Unlike
          difference +- 1.96 mcse it does not shrink to a point when all pairs agree.
        - only_a, only_b: discordant pairs, those with the outcome under one level alone
        - mcnemar_p: exact two-sided test that both kinds are equally likely (McNemar 1947): of only_a + only_b fair
          coins, as far from half or farther
        - gain: how many times as many runs independent cells would need for the same error,
          (variance of a + variance of b) / variance of the pairs' difference; NaN where pairs do not vary

        Of a column of numbers: the strata's columns, a, b, quantity (the column), n (pairs with two finite numbers),
        missing (other pairs), unpaired, mean_a, mean_b, mean_difference, sd (of the differences), mcse = sd / sqrt(n),
        low, high (Student's interval for the mean of the differences), gain.

    Raises
    ------
    ConfigError
        If a column, level or outcome does not occur, `a` equals `b`, no stratum has both, a run or a replicate occurs
        twice, a column is named like one of the table, or the runs of `a` and of `b` have no seed in common.
    """
    two_sided(level)
    _require_columns(runs, [], factor, column, "rep")
    in_a, in_b = _equal_to(runs[factor], a, "a"), _equal_to(runs[factor], b, "b")
    if by is None:
        by = [] if factor == "cell" else _strata(runs, factor, in_a | in_b)
    by = _require_columns(runs, by, factor, column, "rep")
    refuse_twice(runs)
    outcome, means = _outcome(runs, column, value)
    if np.any(in_a & in_b):
        raise ConfigError(f"{factor}: {shown(a)} cannot be compared with itself")

    keys, outcome["stratum"] = _groups(runs, by)
    arms = [_by_replicate(outcome[chosen], factor, arm) for chosen, arm in ((in_a, a), (in_b, b))]
    pairs = pd.concat([arms[0].add_suffix("_a"), arms[1].add_suffix("_b")], axis=1, join="inner")
    if pairs.empty and not set(outcome["seed"][in_a]) & set(outcome["seed"][in_b]):
        raise ConfigError("seed: the runs of a pair have different seeds, so they share no random numbers; one study")
    if pairs.empty:
        raise ConfigError(
            f"{factor}: no stratum has runs of both {shown(a)} and {shown(b)}; strata: {', '.join(by) or 'none'}"
        )

    stratum = pairs.index.get_level_values("stratum").to_numpy()
    sizes = np.bincount(outcome["stratum"][in_a | in_b], minlength=len(keys))
    present = np.unique(stratum)
    values = pairs[["outcome_a", "outcome_b"]].to_numpy()
    row = _paired_means if means else _paired
    rows = [row(values[stratum == s], int(sizes[s]), level) for s in present]
    arms_of = {"a": a, "b": b, **({"quantity": column} if means else {})}
    _refuse_hidden(by, [*arms_of, *rows[0]])
    return pd.concat([keys.loc[present].reset_index(drop=True).assign(**arms_of), pd.DataFrame(rows)], axis=1)


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
        replicates (that have such a run), missing (the other runs of the group), mean and sd over runs, mcse, low, high
        (Student's interval for the mean over replicates, `gansim.intervals.of_mean`; of one run per replicate the error
        is sd / sqrt(n)), q05, q25, median, q75, q95 (over runs). What cannot be computed, a mean of none or a spread of
        one, is NaN.

    Raises
    ------
    ConfigError
        If there are no runs, a run occurs twice, or a column is missing, not of numbers, named twice or named like one
        of the table.
    """
    two_sided(level)
    columns = columns_of(columns, "columns")
    by = _require_columns(runs, by, *columns)
    _refuse_hidden(by, _ESTIMATE)
    refuse_twice(runs, by)
    numbers = {name: _numeric(runs[name]) for name in columns}
    keys, group = _groups(runs, by)
    replicate, rows = replicates_of(runs), []
    for stratum in range(len(keys)):
        mine = group == stratum
        rows += [{"quantity": name, **_moments(numbers[name][mine], replicate[mine], level)} for name in columns]
    repeated = keys.loc[np.repeat(np.arange(len(keys)), len(columns))].reset_index(drop=True)
    return pd.concat([repeated, pd.DataFrame(rows)], axis=1)


def sensitivity(
    traces: Traces,
    floors: Floor | Sequence[Floor],
    runs: pd.DataFrame,
    by: str | Sequence[str],
    grid: Thresholds | Sequence[Thresholds],
    column: str = "regime",
    level: float = 0.95,
) -> pd.DataFrame:
    """Tabulate the same runs under several thresholds.

    Parameters
    ----------
    traces : Traces
        The runs' records.
    floors : Floor or sequence of Floor, shape (runs,)
        Of each run's target and n_eval, see `gansim.floor.floor_of`; one for all if they agree.
    runs : DataFrame
        One row per run, in the order of the traces.
    by : str or sequence of str
        Columns whose combinations are the groups.
    grid : Thresholds or sequence of Thresholds
        The thresholds in turn; `regimes.vary` makes a list with one moved at a time.
    column : {"regime", "g_state", "d_state"}, default "regime"
        What to count.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    DataFrame
        `tabulate` for each group and entry of the grid, with two columns between those of `by` and `column`: thresholds
        (what differs from the defaults) and relabelled (runs of the group whose label differs from that under the
        grid's first entry).

    Raises
    ------
    ConfigError
        If the grid is empty, the traces and runs differ in number, or the column is not a label.
    """
    check_frame(runs)
    if len(traces) != len(runs):
        raise ConfigError(f"runs: {len(runs)} rows for {len(traces)} traces; expected one row per run")
    grid = [grid] if isinstance(grid, Thresholds) else grid
    if not grid or not all(isinstance(entry, Thresholds) for entry in grid):
        raise ConfigError(f"grid: value {shown(grid)}: Thresholds, at least one")
    by = _require_columns(runs, by)
    refuse_twice(runs)
    keys, group = _groups(runs, by)
    ids = [name for name in ("study", "design", "seed", "cell", "rep") if name in runs.columns and name not in by]
    base: NDArray[np.int8] | None = None
    parts = []
    for thresholds in grid:
        codes, levels = _relabel(traces, floors, thresholds, column)
        base = codes if base is None else base
        relabelled = np.bincount(group[codes != base], minlength=len(keys))
        labels = pd.Categorical.from_codes(codes, categories=pd.Index(levels), ordered=True)
        labelled = runs[[*by, *ids]].assign(
            thresholds=_describe(thresholds), relabelled=relabelled[group], **{column: labels}
        )
        parts.append(tabulate(labelled, [*by, "thresholds", "relabelled"], column, level))
    # From one table per entry of the grid to one block per group, so that a group's shares stand below each other.
    rows = np.arange(sum(map(len, parts))).reshape(len(parts), len(keys), -1).transpose(1, 0, 2).ravel()
    return pd.concat(parts, ignore_index=True).iloc[rows].reset_index(drop=True)


def _outcome(runs: pd.DataFrame, column: str, value: Any) -> tuple[pd.DataFrame, bool]:
    """Replicate, seed and outcome of every run, and whether outcomes are numbers to be averaged."""
    seed = runs["seed"].to_numpy() if "seed" in runs.columns else 0
    frame = pd.DataFrame({"rep": runs["rep"].to_numpy(), "seed": seed})
    if value is None and runs[column].dtype.kind in "iuf":
        return frame.assign(outcome=runs[column].to_numpy(np.float64)), True
    levels, codes = _levels(runs, column)
    value = {"g_state": "converged"}.get(column) if value is None else value
    if value not in levels:
        raise ConfigError(f"{column}: {shown(value)} does not occur; allowed: {', '.join(map(repr, levels))}")
    return frame.assign(outcome=codes == list(levels).index(value)), False


def _paired(hits: NDArray[np.bool_], runs: int, level: float) -> dict[str, Any]:
    """One row of `compare`, from the outcomes of n pairs, (n, 2), out of `runs` runs."""
    a, b = hits.T
    n, only_a, only_b = len(a), int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a))
    difference = (only_a - only_b) / n
    # Bonett and Price 2012: one pair of each discordant kind is added, which keeps the width above 0.
    more_a, more_b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = two_sided(level) * np.sqrt((more_a + more_b - (more_a - more_b) ** 2) / (n + 2))
    discordant = only_a + only_b
    variance = discordant / n - difference**2
    return {
        "n": n,
        "unpaired": runs - 2 * n,
        "share_a": float(a.mean()),
        "share_b": float(b.mean()),
        "difference": difference,
        "mcse": float(np.sqrt(variance / n)),
        "low": max(-1.0, float(more_a - more_b - half)),
        "high": min(1.0, float(more_a - more_b + half)),
        "only_a": only_a,
        "only_b": only_b,
        "mcnemar_p": float(stats.binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0,
        "gain": float((a.var() + b.var()) / variance) if variance > 0 else np.nan,
    }


def _paired_means(values: Floats, runs: int, level: float) -> dict[str, Any]:
    """One row of `compare`, from the numbers of n pairs, (n, 2), out of `runs` runs."""
    finite = values[np.isfinite(values).all(axis=1)]
    n, pairs = len(finite), len(values)
    moments = _moments(finite[:, 0] - finite[:, 1], np.arange(n), level)
    spread = finite.var(axis=0, ddof=1).sum() if n > 1 else np.nan
    return {
        "n": n,
        "missing": pairs - n,
        "unpaired": runs - 2 * pairs,
        "mean_a": float(finite[:, 0].mean()) if n else np.nan,
        "mean_b": float(finite[:, 1].mean()) if n else np.nan,
        "mean_difference": moments["mean"],
        **{name: moments[name] for name in ("sd", "mcse", "low", "high")},
        "gain": float(spread / moments["sd"] ** 2) if moments["sd"] > 0 else np.nan,
    }


def _equal_to(values: pd.Series[Any], level: Any, name: str) -> NDArray[np.bool_]:
    """Which values equal the level; refused if none does."""
    if not pd.api.types.is_scalar(level):
        raise ConfigError(f"{name}: value {shown(level)}: one level of {values.name}")
    equal = (values.isna() if pd.isna(level) else values == level).to_numpy(dtype=bool)
    if not equal.any():
        raise ConfigError(
            f"{values.name}: {shown(level)} does not occur; allowed: {', '.join(map(repr, values.unique()))}"
        )
    return equal


def _by_replicate(outcome: pd.DataFrame, factor: str, arm: Any) -> pd.DataFrame:
    """Outcomes of one level, indexed by stratum, seed and replicate; refused if that does not identify a run."""
    twice = outcome[outcome.duplicated(["stratum", "seed", "rep"])]
    if len(twice):
        raise ConfigError(
            f"{factor} = {shown(arm)}: replicate {twice['rep'].iloc[0]} occurs more than once in a stratum, so that "
            "pairs are ambiguous; name in `by` every other factor that varies"
        )
    return outcome.set_index(["stratum", "seed", "rep"])


def _strata(runs: pd.DataFrame, factor: str, compared: NDArray[np.bool_]) -> list[str]:
    """Return the factors of the runs that `factor` does not determine.

    A column with one value under each level of the factor, and not the same under all, cannot be held while the factor
    varies: it is part of what the levels stand for. The design always is a stratum: cells of two have nothing to do
    with each other.
    """
    known = runs[compared | runs[factor].notna().to_numpy()]
    names = _factors(runs, factor)
    values = known.groupby(factor, dropna=False, observed=True)[names].nunique(dropna=False)
    determined = [
        name
        for name in names
        if name not in ("study", "design") and (values[name] == 1).all() and known[name].nunique(dropna=False) > 1
    ]
    return [name for name in names if name not in determined]


def _factors(runs: pd.DataFrame, factor: str) -> list[str]:
    """Return the columns before the first measurement or label that can tell cells apart, without `factor`."""
    names = [str(name) for name in runs.columns]
    results = [position for position, name in enumerate(names) if name in FIELDS or name in LABELS]
    before = names[: min(results)] if results else names
    return [name for name in before if name not in (factor, "cell", "rep", "seed")]


def _numeric(values: pd.Series[Any]) -> Floats:
    """Return a column as numbers, or refuse one of something else."""
    number = values.dtype.kind in "iufb" or pd.api.types.is_numeric_dtype(values.dtype)
    if not number or values.dtype.kind == "c":
        raise ConfigError(f"{values.name}: values such as {shown(values.iloc[0])}: a column of numbers")
    return values.to_numpy(np.float64, na_value=np.nan)


def _moments(values: Floats, replicate: NDArray[np.int64], level: float) -> dict[str, Any]:
    """One row of `estimate`."""
    known = np.isfinite(values)
    finite = values[known]
    n = len(finite)
    row: dict[str, Any] = {"n": n, "replicates": len(np.unique(replicate[known])), "missing": len(values) - n}
    row |= {"mean": float(finite.mean()) if n else np.nan, "sd": float(finite.std(ddof=1)) if n > 1 else np.nan}
    row |= of_mean(finite, replicate[known], level)._asdict()
    return row | {name: float(np.quantile(finite, q)) if n else np.nan for name, q in _QUANTILES.items()}


def _relabel(
    traces: Traces, floors: Floor | Sequence[Floor], thresholds: Thresholds, column: str
) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    g, d = final_states(traces, floors, thresholds)
    if column == "regime":
        return combine(g, d), REGIMES
    if column == "g_state":
        return g, G_STATES
    if column == "d_state":
        return d, D_STATES
    raise ConfigError(f"column: {shown(column)}; allowed: 'regime', 'g_state', 'd_state'")


def _describe(thresholds: Thresholds) -> str:
    """Say what differs from the defaults, as in "w1 = 0.3"."""
    moved = [field.name for field in fields(thresholds) if getattr(thresholds, field.name) != field.default]
    return ", ".join(f"{name} = {getattr(thresholds, name):g}" for name in moved) or "default"


# What the functions above share -----------------------------------------------------------------------------------


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


# Files ------------------------------------------------------------------------------------------------------------


def shares_wide(tidy: pd.DataFrame) -> pd.DataFrame:
    """Lay out a table of shares for reading: one row per group, one column per level that occurs.

    Parameters
    ----------
    tidy : DataFrame
        As `tabulate` returns it: grouping columns, the counted column, then count, n, replicates, share, mcse, low,
        high.

    Returns
    -------
    DataFrame
        The grouping columns, n, replicates, and for each level that occurs in any group a column of texts such as
        "93.1 % [91.4, 94.6] ± 0.8": the share, its interval and its Monte-Carlo standard error, all in percent.

    Raises
    ------
    ConfigError
        If the columns are not those of `tabulate`.
    """
    check_frame(tidy, "tidy")
    names = [str(name) for name in tidy.columns]
    if not _is_tidy(tidy):
        raise ConfigError(f"tidy: columns {', '.join(names)}; expected those of tabulate, ending in {', '.join(_TIDY)}")
    split = names.index("count") - 1
    keys, group = _groups(tidy, names[:split])
    wide = keys.assign(**{name: tidy.groupby(group)[name].first().to_numpy() for name in ("n", "replicates")})
    shares = zip(tidy["share"], tidy["low"], tidy["high"], tidy["mcse"], strict=True)
    texts = pd.Series([_share_text(*share) for share in shares], index=tidy.index)
    for level in _occurring(tidy, names[split]):
        chosen = (tidy[names[split]] == level).to_numpy()
        wide[_heading(names[split], level, names[:split])] = texts[chosen].set_axis(group[chosen])
    return wide


def share_text(k: int, n: int, level: float = 0.95) -> str:
    """Write a share of independent runs, of a single cell, with its Wilson interval, in percent, as the tables do.

    Of runs of several cells, which share their replicates, `share_of` tells the share.

    Parameters
    ----------
    k, n : int
        Successes and trials.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    str
        As in "93.1 % [91.4, 94.6]"; "0 %" is none and "100 %" all of them, never a rounded value.

    Raises
    ------
    ConfigError
        Unless 0 <= k <= n, 0 < n and 0 < level < 1.

    Examples
    --------
    >>> share_text(0, 16_000), share_text(1, 16_000), share_text(931, 1000)
    ('0 % [0.00, 0.02]', '0.01 % [0.001, 0.04]', '93.1 % [91.4, 94.5]')
    """
    low, high = wilson(k, n, level)
    if n < 1:
        raise ConfigError(f"n: {n}; expected at least one trial")
    return _share_text(k / n, float(low), float(high), None)


def save(
    frame: pd.DataFrame, folder: str | Path, name: str, caption: str, notes: str | Sequence[str] = ()
) -> list[Path]:
    """Write a table three times: CSV with the numbers to twelve digits, Markdown and LaTeX for reading.

    Twelve significant digits are more than any of them means, and few enough to be the same on every processor: the
    last of a float64's seventeen depend on whose exp and log were used, and in which order sums were taken.

    Texts are escaped for each, see `gansim.escaping`: in CSV, one that a spreadsheet would take for a formula or pandas
    for a missing value has an apostrophe in front; an empty cell is a missing value.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is not written.
    folder : str or Path
        Where to; made if missing.
    name : str
        File name without suffix, also the LaTeX label: letters, digits, "_", "-", and "." but not first.
    caption : str
        What the table shows: first line of the Markdown, caption of the LaTeX.
    notes : str or sequence of str, optional
        Lines below the table, after those on how to read it: what a reader must know, such as
        `gansim.planner.stopping_note`.

    Returns
    -------
    list of Path
        The files written: name.csv, name.md, name.tex.

    Raises
    ------
    ConfigError
        If `name` is not a plain file name.
    """
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ConfigError(f"name: {shown(name)}; allowed: letters, digits, '_', '-', and '.' but not first")
    check_frame(frame, "frame")
    base, frame = Path(folder), _rounded(frame)
    base.mkdir(parents=True, exist_ok=True)
    texts = {
        "csv": _plain(frame).to_csv(index=False, lineterminator="\n"),
        "md": markdown(frame, caption, notes),
        "tex": latex(frame, caption, name, notes),
    }
    paths = []
    for suffix, text in texts.items():
        paths.append(base / f"{name}.{suffix}")
        paths[-1].write_text(text, encoding="utf-8", newline="\n")
    return paths


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Round floating-point columns to 12 significant digits, of float32 from the digits that tell its numbers apart."""
    names = [name for name in frame.columns if frame[name].dtype in (np.float32, np.float64)]
    return frame.assign(**{name: [float(f"{float(str(x)):.12g}") for x in frame[name].to_numpy()] for name in names})


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts, headings among them, no reader of CSV takes for something else."""

    def guarded(value: Any) -> Any:
        return escaping.csv(value) if isinstance(value, str) else value

    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    columns = {name: pd.Series([guarded(value) for value in frame[name]], frame.index, object) for name in texts}
    return frame.assign(**columns).rename(columns=guarded)


def markdown(frame: pd.DataFrame, caption: str, notes: str | Sequence[str] = ()) -> str:
    """Return a table as Markdown: the caption, the formatted table, notes on how to read it.

    Parameters
    ----------
    frame : DataFrame
        The table. One of `tabulate` is laid out by `shares_wide`; in others an estimate, its interval and its standard
        error share a column.
    caption : str
        First line.
    notes : str or sequence of str, optional
        Paragraphs after the notes on how to read the table.
    """
    layout = _layout(frame, notes)
    table = [list(map(escaping.markdown, row)) for row in (layout.headings, *layout.rows)]
    widths = [max(3, *(len(row[column]) for row in table)) for column in range(len(layout.headings))]
    rules = [
        ("-" * (width - 1) + ":") if right else "-" * width for width, right in zip(widths, layout.right, strict=True)
    ]
    lines = [
        "| " + " | ".join(_pad(*cell) for cell in zip(row, widths, layout.right, strict=True)) + " |"
        for row in (table[0], rules, *table[1:])
    ]
    above, *below = (escaping.markdown(text) for text in (_one_line(caption), *layout.notes))
    return "\n\n".join([above, "\n".join(lines), *below]) + "\n"


def latex(frame: pd.DataFrame, caption: str, label: str, notes: str | Sequence[str] = ()) -> str:
    """Return a table as a LaTeX float; the document needs the package booktabs.

    Parameters
    ----------
    frame : DataFrame
        The table, laid out as by `markdown`.
    caption : str
        The caption, plain text.
    label : str
        Its label, without the "tab:" put before it.
    notes : str or sequence of str, optional
        Lines after the notes on how to read the table.
    """
    layout = _layout(frame, notes)
    # A first cell that opens a bracket would be read as an argument of the line break before it.
    escaped = (" & ".join(map(escaping.latex, row)) for row in (layout.headings, *layout.rows))
    rows = [re.sub(r"^\[", "{}[", row) + r" \\" for row in escaped]
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}[htbp]",
        r"\centering\small",
        rf"\caption{{{escaping.latex(_one_line(caption))}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for right in layout.right)}}}",
        r"\toprule",
        rows[0],
        r"\midrule",
        *rows[1:],
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\smallskip {escaping.latex(note)}" for note in layout.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Layout:
    """A formatted table: texts, which columns are set right, and notes below."""

    headings: list[str]
    rows: list[list[str]]
    right: list[bool]
    notes: list[str]


def _layout(frame: pd.DataFrame, more: str | Sequence[str]) -> _Layout:
    check_frame(frame, "frame")
    more = [_one_line(note) for note in ([more] if isinstance(more, str) else more)]
    if not _is_tidy(frame):
        return _as_layout(*_merged(frame), more)
    names = [str(name) for name in frame.columns]
    column = names[names.index("count") - 1]
    occurring = _occurring(frame, column)
    keys = names[: names.index(column)]
    never = [_heading(column, level, keys) for level in frame[column].unique() if level not in occurring]
    notes = [
        "Each share: estimate [interval] ± Monte-Carlo standard error, in percent of n; 0 %: no run, 100 %: every run."
    ]
    if never:
        notes.append(f"In no row of this table: {'; '.join(never)}.")
    wide = shares_wide(frame)
    if (frame["n"] > frame["replicates"]).any():
        notes.append(_REPLICATES)
    first = len(wide.columns) - len(occurring)
    return _as_layout(wide, set(map(str, wide.columns[first:])), [*notes, *more])


def _as_layout(frame: pd.DataFrame, texts: set[str], notes: list[str]) -> _Layout:
    """Format every column; `texts` are the columns of formatted numbers, set right as they are."""
    names = [str(name) for name in frame.columns]
    columns = [[_cell(name, value) for value in frame[name]] for name in frame.columns]
    right = [name in texts or frame[name].dtype.kind in "iuf" for name in frame.columns]
    return _Layout(names, [list(row) for row in zip(*columns, strict=True)], right, notes)


def _is_tidy(frame: pd.DataFrame) -> bool:
    return tuple(frame.columns[-len(_TIDY) :]) == _TIDY and len(frame.columns) > len(_TIDY)


def _occurring(tidy: pd.DataFrame, column: str) -> list[Any]:
    """Return the levels that occur in any group."""
    return list(tidy.loc[tidy.groupby(column, observed=True)["count"].transform("max") > 0, column].unique())


def _heading(column: str, level: Any, keys: Iterable[str]) -> str:
    """Return the level, with its column where it is a number, or the name of another column of the table."""
    alone = isinstance(level, str) and level not in ("n", *keys)
    return level if alone else f"{column}: {_cell(column, level)}"


def _merged(frame: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Put an estimate, its interval and its standard error into one column of texts, if the frame has them."""
    whole = frame
    frame, texts = _resolved_columns(frame)
    writers = {"share": _share_text, "survival": _share_text, "difference": _points_text}
    writers |= {"mean": _mean_text, "mean_difference": _mean_text}
    estimates = [name for name in writers if name in frame.columns]
    if len(estimates) != 1 or not {"low", "high"} <= set(frame.columns):
        return frame, texts
    name = estimates[0]
    errors = whole["mcse"] if "mcse" in frame.columns else [None] * len(frame)
    parts = zip(whole[name], whole["low"], whole["high"], errors, strict=True)
    heading = name + (" in points" if name == "difference" else "") + " [interval]"
    heading += " ± MCSE" if "mcse" in frame.columns else ""
    merged = frame.assign(**{name: [writers[name](*part) for part in parts]}).rename(columns={name: heading})
    return merged.drop(columns=["low", "high", "mcse"], errors="ignore"), {heading, *texts}


def _resolved_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Write numbers whose error the frame has to the second digit of that error, and quantiles to the third of sd."""
    names = [name for name in frame.columns if isinstance(name, str)]
    errors = {name.removesuffix("_mcse"): frame[name] for name in names if name.endswith("_mcse")}
    errors |= {f"{name}_mcse": error for name, error in errors.items()}
    if "mcse" in names:
        errors |= dict.fromkeys(("mean_a", "mean_b"), frame["mcse"])
    if "sd" in names:
        errors |= dict.fromkeys(_QUANTILES, frame["sd"] / 10)
    known = {name: error for name, error in errors.items() if name in names and frame[name].dtype.kind == "f"}
    texts = {n: [_resolved(*pair) for pair in zip(frame[n], error, strict=True)] for n, error in known.items()}
    return frame.assign(**texts), set(texts)


# Cells ------------------------------------------------------------------------------------------------------------

_IDENTIFIERS = ("cell", "rep", "seed", "run", "record")
# Names of whole columns, and no beginnings or ends of names: a factor may be called share_price or step_p. None of
# these may be: `gansim.design.RESERVED` has them all. `share_of_peak` is of the study of speed.
_SHARES = ("share", "share_a", "share_b", "share_of_peak", *(name for name in LABELS if name.startswith("share_")))
_P_VALUES = ("mcnemar_p",)
_MISSING = "–"
_REPLICATES = (
    "Runs of one replicate in several cells share their random numbers: errors and intervals are those of means over "
    "replicates."
)


def _cell(name: str, value: Any) -> str:
    """Format one value of the column `name`."""
    if isinstance(value, str):
        return _one_line(value)
    if value is None or value is pd.NA or value != value:
        return _MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(value) if name in _IDENTIFIERS else f"{value:,}"
    if not isinstance(value, float | np.floating):
        return _one_line(str(value))
    if name in _SHARES:
        return _percent(float(value))
    if name in _P_VALUES:
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    return _number(float(value))


def _percent(share: float, decimals: int = 1) -> str:
    """Write a share; "0 %" is none of the runs and "100 %" all of them, never a rounded value."""
    least = 10.0**-decimals
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if 100 * share < least / 2:
        return f"<{least:.{decimals}f} %"
    return f">{100 - least:.{decimals}f} %" if 100 * (1 - share) <= least / 2 else f"{100 * share:.{decimals}f} %"


def _limit(x: float, decimals: int = 1) -> str:
    """Write a limit or an error of a share in percent, with more decimals if it would round to none or all."""
    off = 100 * min(x, 1 - x)
    return f"{100 * x:.{decimals if off == 0 or off >= 10.0**-decimals / 2 else int(-np.floor(np.log10(off)))}f}"


def _decimals(low: float, high: float) -> int:
    """Return the decimals of a percentage that its interval resolves, at least one: 2 for [33.33, 33.38]."""
    width = 100 * (high - low)
    return int(np.clip(np.ceil(-np.log10(width)), 1, 9)) if width > 0 else 1


def _number(x: float) -> str:
    """Write a number to four digits, whole numbers in full, with thousands separators."""
    if not np.isfinite(x):
        return _MISSING if np.isnan(x) else f"{x}"
    size = np.floor(np.log10(abs(x))) if x else 0.0
    if not -4 <= size < 15:
        return f"{x:.4g}"
    if x == round(x):
        return f"{x:,.0f}"
    return f"{x:,.{max(0, 3 - int(size))}f}".rstrip("0").rstrip(".") if size < 3 else f"{x:,.0f}"


def _share_text(share: float, low: float, high: float, error: float | None) -> str:
    decimals = _decimals(low, high)
    text = f"{_percent(share, decimals)} [{_limit(low, decimals)}, {_limit(high, decimals)}]"
    # "± 0.0" beside 0 % would claim too much
    return f"{text} ± {_limit(error, decimals)}" if error and np.isfinite(error) else text


def _points_text(difference: float, low: float, high: float, error: float | None) -> str:
    decimals = _decimals(low, high)
    text = f"{100 * difference:+.{decimals}f} [{100 * low:+.{decimals}f}, {100 * high:+.{decimals}f}]"
    return f"{text} ± {_limit(error, decimals)}" if error and np.isfinite(error) else text


def _mean_text(mean: float, low: float, high: float, error: float | None) -> str:
    """Write a mean to the second digit of its standard error."""
    text = f"{_resolved(mean, error)} [{_resolved(low, error)}, {_resolved(high, error)}]"
    return f"{text} ± {_resolved(error, error)}" if error and np.isfinite(error) else text


def _resolved(x: float, error: float | None) -> str:
    """Write a number to the second digit of its error; to nine digits if the error is 0, as four if none is known."""
    if error is None or not np.isfinite(error) or not np.isfinite(x):
        return _number(x)
    if error == 0:
        return f"{x:,.9g}"
    decimals = 1 - int(np.floor(np.log10(error)))
    if decimals > 9 and abs(x) < 1e-4:
        digits = int(np.floor(np.log10(abs(x)))) + decimals if x else 0
        return f"{x:.{min(max(digits, 0), 15)}e}"
    return f"{x:,.{max(decimals, 0)}f}" if abs(x) < 1e15 else f"{x:.3e}"


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _one_line(text: str) -> str:
    return " ".join(text.split())
