"""Tables: shares and means with their Monte-Carlo error, and the files they are written to.

Everything here reads arrays and data frames of finished runs. Three rules hold throughout. A share comes with n, its
Monte-Carlo standard error and an interval. Every run is counted: non-finite runs are rows like others, and counts add
up to n. The unit of replication is the run: an interval over the runs of a cell speaks of new seeds, not of new cells.

The Markdown and LaTeX tables are formatted from the frame that is written, as raw numbers, to the CSV.

References
----------
Bonett and Price (2012), Adjusted Wald confidence interval for a difference of binomial proportions based on paired
data, J. Educ. Behav. Stat. 37(4), 479-488.
Fagerland, Lydersen and Laake (2014), Recommended tests and confidence intervals for paired binomial proportions,
Stat. Med. 33(16), 2850-2875.
Kaplan and Meier (1958), Nonparametric estimation from incomplete observations, J. Am. Stat. Assoc. 53(282), 457-481.
McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages,
Psychometrika 12(2), 153-157.
Wilson (1927), Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22(158),
209-212.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from gansim import escaping
from gansim.regimes import D_STATES, G_STATES, LABELS, REGIMES, Thresholds, combine, final_states
from gansim.traces import FIELDS, Traces

__all__ = [
    "compare",
    "estimate",
    "kaplan_meier",
    "latex",
    "markdown",
    "mcse",
    "save",
    "sensitivity",
    "share_text",
    "shares_wide",
    "tabulate",
    "wilson",
]

Floats = NDArray[np.float64]

_QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
_TIDY = ("count", "n", "share", "mcse", "low", "high")
_ESTIMATE = ("quantity", "n", "missing", "mean", "sd", "mcse", "low", "high", *_QUANTILES)


# Shares -----------------------------------------------------------------------------------------------------------


def wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Interval for a proportion (Wilson 1927), which stays honest at 0 of n and n of n.

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
    ValueError
        Unless 0 <= k <= n and 0 < level < 1.
    """
    successes, trials = _checked_counts(k, n)
    z2 = _two_sided(level) ** 2
    centre = (successes + z2 / 2) / (trials + z2)
    spread = z2 / 4 + np.where(trials > 0, successes * (trials - successes) / np.maximum(trials, 1), 0)
    half = np.sqrt(z2 * spread) / (trials + z2)
    # Rounding would leave limits like 1e-19 where the formula gives exactly 0.
    low = np.where(successes == 0, 0.0, np.maximum(centre - half, 0))
    high = np.where(successes == trials, 1.0, np.minimum(centre + half, 1))
    return low[()], high[()]


def mcse(k: ArrayLike, n: ArrayLike) -> Floats:
    """Monte-Carlo standard error of the share k of n, sqrt(p (1 - p) / n).

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
    ValueError
        Unless 0 <= k <= n.
    """
    successes, trials = _checked_counts(k, n)
    share = _ratio(successes, trials)
    return np.sqrt(_ratio(share * (1 - share), trials))[()]


def tabulate(runs: pd.DataFrame, by: Sequence[str], column: str = "regime", level: float = 0.95) -> pd.DataFrame:
    """Count how often each level of a column occurs, group by group.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    by : sequence of str
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
        group), share = count / n, mcse (its Monte-Carlo standard error), low, high (Wilson interval). The counts of a
        group add up to n.

    Raises
    ------
    ValueError
        If there are no runs, a column is missing, named twice or named like one of the table, or `column` has missing
        values.
    """
    _require_columns(runs, by, column)
    _refuse_hidden([*by, column], _TIDY)
    levels, codes = _levels(runs, column)
    keys, group = _groups(runs, by)
    counts = np.zeros((len(keys), len(levels)), dtype=np.int64)
    np.add.at(counts, (group, codes), 1)

    table = keys.loc[np.repeat(np.arange(len(keys)), len(levels))].reset_index(drop=True)
    table[column] = _tiled(levels, len(keys))
    count, n = counts.ravel(), np.repeat(counts.sum(axis=1), len(levels))
    low, high = wilson(count, n, level)
    return table.assign(count=count, n=n, share=count / n, mcse=mcse(count, n), low=low, high=high)


# Differences, means, thresholds, times ----------------------------------------------------------------------------


def compare(
    runs: pd.DataFrame,
    factor: str,
    a: Any,
    b: Any,
    column: str = "g_state",
    value: Any = None,
    by: Sequence[str] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare two levels of a factor, or two cells, pairing runs by replicate.

    Runs with the same replicate share all their random numbers (common random numbers), so the difference is estimated
    from pairs, and its error from how the pairs disagree.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with a column `rep`.
    factor : str
        The column whose levels are compared; "cell" for two cells by number.
    a, b
        Two of its levels; None or NaN for the level of missing values.
    column, value : default "g_state", "converged"
        The outcome: `column` equals `value`. Of a column of numbers without a value, such as "w1", means are compared.
    by : sequence of str, optional
        The strata: columns within which a replicate occurs once per level. By default all other factors, that is the
        columns before the first measurement, without `cell`, `rep` and `seed`; none where cells are compared.
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
    ValueError
        If a column, level or outcome does not occur, `a` equals `b`, no stratum has both, a replicate occurs twice, a
        column is named like one of the table, or the runs of a pair are of studies with different seeds.
    """
    by = ([] if factor == "cell" else _factors(runs, factor)) if by is None else list(by)
    _require_columns(runs, by, factor, column, "rep")
    outcome, means = _outcome(runs, column, value)
    in_a, in_b = _equal_to(runs[factor], a), _equal_to(runs[factor], b)
    if np.any(in_a & in_b):
        raise ValueError(f"{factor}: {a!r} cannot be compared with itself")

    keys, outcome["stratum"] = _groups(runs, by)
    arms = [_by_replicate(outcome[chosen], factor, arm) for chosen, arm in ((in_a, a), (in_b, b))]
    pairs = pd.concat([arms[0].add_suffix("_a"), arms[1].add_suffix("_b")], axis=1, join="inner")
    if pairs.empty:
        raise ValueError(f"{factor}: no stratum has runs of both {a!r} and {b!r}; strata: {', '.join(by) or 'none'}")
    if (pairs["seed_a"] != pairs["seed_b"]).any():
        raise ValueError("seed: the runs of a pair have different seeds, so they share no random numbers; one study")

    stratum = pairs.index.get_level_values("stratum").to_numpy()
    sizes = np.bincount(outcome["stratum"][in_a | in_b], minlength=len(keys))
    present = np.unique(stratum)
    values = pairs[["outcome_a", "outcome_b"]].to_numpy()
    row = _paired_means if means else _paired
    rows = [row(values[stratum == s], int(sizes[s]), level) for s in present]
    arms_of = {"a": a, "b": b, **({"quantity": column} if means else {})}
    _refuse_hidden(by, [*arms_of, *rows[0]])
    return pd.concat([keys.loc[present].reset_index(drop=True).assign(**arms_of), pd.DataFrame(rows)], axis=1)


def estimate(runs: pd.DataFrame, by: Sequence[str], columns: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """Estimate means of numeric columns, group by group, with their Monte-Carlo error.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    by : sequence of str
        Columns whose combinations are the groups; none for one group of all runs.
    columns : sequence of str
        The numeric columns.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    DataFrame
        One row per group and column: the columns of `by`, quantity (the column's name), n (runs with a finite value),
        missing (the other runs of the group), mean, sd, mcse = sd / sqrt(n), low, high (Student's interval for the
        mean), q05, q25, median, q75, q95. What cannot be computed, a mean of none or a spread of one, is NaN.

    Raises
    ------
    ValueError
        If there are no runs, or a column is missing, named twice or named like one of the table.
    """
    _require_columns(runs, by, *columns)
    _refuse_hidden(by, _ESTIMATE)
    keys, group = _groups(runs, by)
    rows = []
    for stratum in range(len(keys)):
        chosen = runs[group == stratum]
        rows += [{"quantity": name, **_moments(chosen[name].to_numpy(np.float64), level)} for name in columns]
    repeated = keys.loc[np.repeat(np.arange(len(keys)), len(columns))].reset_index(drop=True)
    return pd.concat([repeated, pd.DataFrame(rows)], axis=1)


def sensitivity(
    traces: Traces,
    sd: ArrayLike,
    runs: pd.DataFrame,
    by: Sequence[str],
    grid: Sequence[Thresholds],
    column: str = "regime",
    level: float = 0.95,
) -> pd.DataFrame:
    """Tabulate the same runs under several thresholds.

    Parameters
    ----------
    traces : Traces
        The runs' records.
    sd : float or array_like, shape (runs,)
        Standard deviation of each run's target, data units.
    runs : DataFrame
        One row per run, in the order of the traces.
    by : sequence of str
        Columns whose combinations are the groups.
    grid : sequence of Thresholds
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
    ValueError
        If the grid is empty, the traces and runs differ in number, or the column is not a label.
    """
    if len(traces) != len(runs):
        raise ValueError(f"runs: {len(runs)} rows for {len(traces)} traces; expected one row per run")
    if not grid:
        raise ValueError("grid: no thresholds; expected at least one")
    _require_columns(runs, by)
    keys, group = _groups(runs, by)
    base: NDArray[np.int8] | None = None
    parts = []
    for thresholds in grid:
        codes, levels = _relabel(traces, sd, thresholds, column)
        base = codes if base is None else base
        relabelled = np.bincount(group[codes != base], minlength=len(keys))
        labels = pd.Categorical.from_codes(codes, categories=pd.Index(levels), ordered=True)
        labelled = runs[list(by)].assign(
            thresholds=_describe(thresholds), relabelled=relabelled[group], **{column: labels}
        )
        parts.append(tabulate(labelled, [*by, "thresholds", "relabelled"], column, level))
    # From one table per entry of the grid to one block per group, so that a group's shares stand below each other.
    rows = np.arange(sum(map(len, parts))).reshape(len(parts), len(keys), -1).transpose(1, 0, 2).ravel()
    return pd.concat(parts, ignore_index=True).iloc[rows].reset_index(drop=True)


def kaplan_meier(time: ArrayLike, event: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """Estimate the share of runs still waiting for an event, from right-censored times (Kaplan and Meier 1958).

    Parameters
    ----------
    time : array_like of float, shape (runs,)
        When the event happened or, without one, until when the run was watched.
    event : array_like of bool, shape (runs,)
        Whether the event happened.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    DataFrame
        One row per distinct time, with a row at 0 before them: step, survival (share still without the event just after
        the step), low, high, at_risk (runs watched until just before the step), events, censored (at the step).

        The interval is on the log(-log) scale (`scipy.stats.ecdf`), pointwise. That scale has none at survival 1 and 0.
        There, Wilson's limits for the runs at risk stand in: at 1 the lower one for all of them; at 0 the upper one for
        none of them, or the limit of the row before, whichever is less.

    Raises
    ------
    ValueError
        If there are no runs, the shapes differ, a time is negative or not finite, or not 0 < level < 1.
    """
    times, happened = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    if times.ndim != 1 or times.size == 0 or times.shape != happened.shape:
        raise ValueError(f"time, event: shapes {times.shape} and {happened.shape}; expected the same (runs,), runs > 0")
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise ValueError("time: a time must be finite and at least 0; give a censored run the time it was watched")
    z2 = _two_sided(level) ** 2

    curve = stats.ecdf(stats.CensoredData(uncensored=times[happened], right=times[~happened])).sf
    with warnings.catch_warnings():  # undefined where survival is 1 or 0; filled in below
        warnings.filterwarnings("ignore", message="The confidence interval is undefined", category=RuntimeWarning)
        interval: Any = curve.confidence_interval(level, method="log-log")
    step, survival = np.asarray(curve.quantiles), np.asarray(curve.probabilities)
    at_risk = np.array([np.count_nonzero(times >= t) for t in step], dtype=np.int64)
    events = np.array([np.count_nonzero(times[happened] == t) for t in step], dtype=np.int64)
    censored = np.array([np.count_nonzero(times[~happened] == t) for t in step], dtype=np.int64)

    low = np.where(survival == 1, at_risk / (at_risk + z2), interval.low.probabilities)
    high = np.where(survival == 1, 1.0, interval.high.probabilities)
    if survival[-1] == 0:  # only the last row can be
        before = high[-2] if len(high) > 1 else 1.0
        low[-1], high[-1] = 0.0, min(before, z2 / (at_risk[-1] + z2))
    table = pd.DataFrame({"step": step, "survival": survival, "low": low, "high": high})
    table = table.assign(at_risk=at_risk, events=events, censored=censored)
    if step[0] == 0:
        return table
    n = len(times)
    start = pd.DataFrame([{"step": 0.0, "survival": 1.0, "low": 1.0, "high": 1.0}])
    return pd.concat([start.assign(at_risk=n, events=0, censored=0), table], ignore_index=True)


def _outcome(runs: pd.DataFrame, column: str, value: Any) -> tuple[pd.DataFrame, bool]:
    """Replicate, seed and outcome of every run, and whether outcomes are numbers to be averaged."""
    seed = runs["seed"].to_numpy() if "seed" in runs.columns else 0
    frame = pd.DataFrame({"rep": runs["rep"].to_numpy(), "seed": seed})
    if value is None and runs[column].dtype.kind in "iuf":
        return frame.assign(outcome=runs[column].to_numpy(np.float64)), True
    levels, codes = _levels(runs, column)
    value = {"g_state": "converged"}.get(column) if value is None else value
    if value not in levels:
        raise ValueError(f"{column}: {value!r} does not occur; allowed: {', '.join(map(repr, levels))}")
    return frame.assign(outcome=codes == list(levels).index(value)), False


def _paired(hits: NDArray[np.bool_], runs: int, level: float) -> dict[str, Any]:
    """One row of `compare`, from the outcomes of n pairs, (n, 2), out of `runs` runs."""
    a, b = hits.T
    n, only_a, only_b = len(a), int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a))
    difference = (only_a - only_b) / n
    # Bonett and Price 2012: one pair of each discordant kind is added, which keeps the width above 0.
    more_a, more_b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = _two_sided(level) * np.sqrt((more_a + more_b - (more_a - more_b) ** 2) / (n + 2))
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
    moments = _moments(finite[:, 0] - finite[:, 1], level)
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


def _equal_to(values: pd.Series[Any], level: Any) -> NDArray[np.bool_]:
    """Which values equal the level; refused if none does."""
    equal = (values.isna() if pd.isna(level) else values == level).to_numpy(dtype=bool)
    if not equal.any():
        raise ValueError(f"{values.name}: {level!r} does not occur; allowed: {', '.join(map(repr, values.unique()))}")
    return equal


def _by_replicate(outcome: pd.DataFrame, factor: str, arm: Any) -> pd.DataFrame:
    """Outcomes and seeds of one level, indexed by stratum and replicate; refused if that does not identify a run."""
    twice = outcome[outcome.duplicated(["stratum", "rep"])]
    if len(twice):
        raise ValueError(
            f"{factor} = {arm!r}: replicate {twice['rep'].iloc[0]} occurs more than once in a stratum, so that pairs "
            "are ambiguous; name in `by` every other factor that varies"
        )
    return outcome.set_index(["stratum", "rep"])


def _factors(runs: pd.DataFrame, factor: str) -> list[str]:
    """Return the columns before the first measurement or label that can tell cells apart, without `factor`."""
    names = [str(name) for name in runs.columns]
    results = [position for position, name in enumerate(names) if name in FIELDS or name in LABELS]
    before = names[: min(results)] if results else names
    return [name for name in before if name not in (factor, "cell", "rep", "seed")]


def _moments(values: Floats, level: float) -> dict[str, Any]:
    """One row of `estimate`."""
    finite = values[np.isfinite(values)]
    n = len(finite)
    mean = float(finite.mean()) if n else np.nan
    sd = float(finite.std(ddof=1)) if n > 1 else np.nan
    error = sd / np.sqrt(n) if n > 1 else np.nan
    half = float(special.stdtrit(n - 1, (1 + _checked_level(level)) / 2)) * error if n > 1 else np.nan
    row: dict[str, Any] = {"n": n, "missing": len(values) - n, "mean": mean, "sd": sd, "mcse": error}
    row |= {"low": mean - half, "high": mean + half}
    return row | {name: float(np.quantile(finite, q)) if n else np.nan for name, q in _QUANTILES.items()}


def _relabel(
    traces: Traces, sd: ArrayLike, thresholds: Thresholds, column: str
) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    g, d = final_states(traces, sd, thresholds)
    if column == "regime":
        return combine(g, d), REGIMES
    if column == "g_state":
        return g, G_STATES
    if column == "d_state":
        return d, D_STATES
    raise ValueError(f"column: {column!r}; allowed: 'regime', 'g_state', 'd_state'")


def _describe(thresholds: Thresholds) -> str:
    """Say what differs from the defaults, as in "w1 = 0.3"."""
    moved = [field.name for field in fields(thresholds) if getattr(thresholds, field.name) != field.default]
    return ", ".join(f"{name} = {getattr(thresholds, name):g}" for name in moved) or "default"


# What the functions above share -----------------------------------------------------------------------------------


def _groups(runs: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return each group's values of `by`, in order of first appearance, and the number of each run's group."""
    if len(runs) == 0:
        raise ValueError("runs: no rows; there is nothing to tabulate")
    if not by:
        return pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(runs), dtype=np.int64)
    group = runs.groupby(list(by), sort=False, observed=True, dropna=False).ngroup().to_numpy().astype(np.int64)
    first = np.unique(group, return_index=True)[1]
    return runs[list(by)].iloc[first].reset_index(drop=True), group


def _levels(runs: pd.DataFrame, column: str) -> tuple[pd.Index[Any], NDArray[np.int64]]:
    """Return a column's levels and each run's position among them."""
    values = runs[column]
    if values.isna().any():
        raise ValueError(
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


def _require_columns(runs: pd.DataFrame, by: Sequence[str], *others: str) -> None:
    if isinstance(by, str):
        raise ValueError(f"by: {by!r} is one name; expected a sequence of names")
    names = [*by, *others]
    for name in names:
        if name not in runs.columns:
            raise ValueError(f"{name!r}: no such column; allowed: {', '.join(map(str, runs.columns))}")
        if names.count(name) > 1:
            raise ValueError(f"{name!r}: named twice")


def _refuse_hidden(by: Sequence[str], made: Sequence[str]) -> None:
    """Refuse columns of the runs that those of the table would overwrite."""
    hidden = [name for name in by if name in made]
    if hidden:
        raise ValueError(f"{hidden[0]!r}: a column of the table has this name; allowed: other than {', '.join(made)}")


def _checked_counts(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    successes, trials = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if not np.all((successes >= 0) & (successes <= trials)):
        raise ValueError("k, n: counts must satisfy 0 <= k <= n")
    return successes, trials


def _checked_level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level: {level}; allowed: above 0, below 1")
    return level


def _two_sided(level: float) -> float:
    """Return the normal quantile that leaves (1 - level) / 2 on each side: 1.96 for 0.95."""
    return float(special.ndtri((1 + _checked_level(level)) / 2))


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide; NaN, without a warning, where the divisor is 0."""
    quotient: Floats = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient


# Files ------------------------------------------------------------------------------------------------------------


def shares_wide(tidy: pd.DataFrame) -> pd.DataFrame:
    """Lay out a table of shares for reading: one row per group, one column per level that occurs.

    Parameters
    ----------
    tidy : DataFrame
        As `tabulate` returns it: grouping columns, the counted column, then count, n, share, mcse, low, high.

    Returns
    -------
    DataFrame
        The grouping columns, n, and for each level that occurs in any group a column of texts such as
        "93.1 % [91.4, 94.6] ± 0.8": the share, its interval and its Monte-Carlo standard error, all in percent.

    Raises
    ------
    ValueError
        If the columns are not those of `tabulate`.
    """
    names = [str(name) for name in tidy.columns]
    if not _is_tidy(tidy):
        raise ValueError(f"tidy: columns {', '.join(names)}; expected those of tabulate, ending in {', '.join(_TIDY)}")
    split = names.index("count") - 1
    keys, group = _groups(tidy, names[:split])
    wide = keys.assign(n=tidy.groupby(group)["n"].first().to_numpy())
    shares = zip(tidy["share"], tidy["low"], tidy["high"], tidy["mcse"], strict=True)
    texts = pd.Series([_share_text(*share) for share in shares], index=tidy.index)
    for level in _occurring(tidy, names[split]):
        chosen = (tidy[names[split]] == level).to_numpy()
        wide[_heading(names[split], level, names[:split])] = texts[chosen].set_axis(group[chosen])
    return wide


def share_text(k: int, n: int, level: float = 0.95) -> str:
    """Write a share with its Wilson interval, in percent, as the tables do.

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
    ValueError
        Unless 0 <= k <= n, 0 < n and 0 < level < 1.

    Examples
    --------
    >>> share_text(0, 16_000), share_text(1, 16_000), share_text(931, 1000)
    ('0 % [0.0, 0.02]', '<0.1 % [0.001, 0.04]', '93.1 % [91.4, 94.5]')
    """
    if n < 1:
        raise ValueError(f"n: {n}; expected at least one trial")
    low, high = wilson(k, n, level)
    return _share_text(k / n, float(low), float(high), None)


def save(frame: pd.DataFrame, folder: str | Path, name: str, caption: str, notes: Sequence[str] = ()) -> list[Path]:
    """Write a table three times: CSV with the raw numbers, Markdown and LaTeX for reading.

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
    notes : sequence of str, optional
        Lines below the table, after those on how to read it: what a reader must know, such as
        `gansim.planner.stopping_note`.

    Returns
    -------
    list of Path
        The files written: name.csv, name.md, name.tex.

    Raises
    ------
    ValueError
        If `name` is not a plain file name.
    """
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ValueError(f"name: {name!r}; allowed: letters, digits, '_', '-', and '.' but not first")
    base = Path(folder)
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


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts, headings among them, no reader of CSV takes for something else."""

    def guarded(value: Any) -> Any:
        return escaping.csv(value) if isinstance(value, str) else value

    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    columns = {name: pd.Series([guarded(value) for value in frame[name]], frame.index, object) for name in texts}
    return frame.assign(**columns).rename(columns=guarded)


def markdown(frame: pd.DataFrame, caption: str, notes: Sequence[str] = ()) -> str:
    """Return a table as Markdown: the caption, the formatted table, notes on how to read it.

    Parameters
    ----------
    frame : DataFrame
        The table. One of `tabulate` is laid out by `shares_wide`; in others an estimate, its interval and its standard
        error share a column.
    caption : str
        First line.
    notes : sequence of str, optional
        Paragraphs after the notes on how to read the table.
    """
    layout = _layout(frame)
    table = [list(map(escaping.markdown, row)) for row in (layout.headings, *layout.rows)]
    widths = [max(3, *(len(row[column]) for row in table)) for column in range(len(layout.headings))]
    rules = [
        ("-" * (width - 1) + ":") if right else "-" * width for width, right in zip(widths, layout.right, strict=True)
    ]
    lines = [
        "| " + " | ".join(_pad(*cell) for cell in zip(row, widths, layout.right, strict=True)) + " |"
        for row in (table[0], rules, *table[1:])
    ]
    above, *below = (escaping.markdown(_one_line(text)) for text in (caption, *layout.notes, *notes))
    return "\n\n".join([above, "\n".join(lines), *below]) + "\n"


def latex(frame: pd.DataFrame, caption: str, label: str, notes: Sequence[str] = ()) -> str:
    """Return a table as a LaTeX float; the document needs the package booktabs.

    Parameters
    ----------
    frame : DataFrame
        The table, laid out as by `markdown`.
    caption : str
        The caption, plain text.
    label : str
        Its label, without the "tab:" put before it.
    notes : sequence of str, optional
        Lines after the notes on how to read the table.
    """
    layout = _layout(frame)
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
        *(rf"\par\smallskip {escaping.latex(note)}" for note in (*layout.notes, *map(_one_line, notes))),
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


def _layout(frame: pd.DataFrame) -> _Layout:
    if not _is_tidy(frame):
        return _as_layout(*_merged(frame), [])
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
    first = len(wide.columns) - len(occurring)
    return _as_layout(wide, set(map(str, wide.columns[first:])), notes)


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
    writers = {"share": _share_text, "survival": _share_text, "difference": _points_text}
    writers |= {"mean": _mean_text, "mean_difference": _mean_text}
    estimates = [name for name in writers if name in frame.columns]
    if len(estimates) != 1 or not {"low", "high"} <= set(frame.columns):
        return frame, set()
    name = estimates[0]
    errors = frame["mcse"] if "mcse" in frame.columns else [None] * len(frame)
    parts = zip(frame[name], frame["low"], frame["high"], errors, strict=True)
    heading = name + (" in points" if name == "difference" else "") + " [interval]"
    heading += " ± MCSE" if "mcse" in frame.columns else ""
    merged = frame.assign(**{name: [writers[name](*part) for part in parts]}).rename(columns={name: heading})
    return merged.drop(columns=["low", "high", "mcse"], errors="ignore"), {heading}


# Cells ------------------------------------------------------------------------------------------------------------

_IDENTIFIERS = ("cell", "rep", "seed", "run", "record")
# Names of whole columns, and no beginnings or ends of names: a factor may be called share_price or step_p. None of
# these may be: `gansim.design.RESERVED` has them all. `share_of_peak` is of the study of speed.
_SHARES = ("share", "share_a", "share_b", "share_of_peak", *(name for name in LABELS if name.startswith("share_")))
_P_VALUES = ("mcnemar_p",)
_MISSING = "–"


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


def _percent(share: float) -> str:
    """Write a share with one decimal; "0 %" is none of the runs and "100 %" all of them, never a rounded value."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"


def _limit(x: float) -> str:
    """Write a limit or an error of a share in percent: one decimal, or more if that would round it to none or all."""
    off = min(x, 1 - x)
    return f"{100 * x:.{1 if off == 0 or off >= 0.0005 else int(-np.floor(np.log10(100 * off)))}f}"


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
    text = f"{_percent(share)} [{_limit(low)}, {_limit(high)}]"
    return f"{text} ± {_limit(error)}" if error else text  # "± 0.0" beside 0 % would claim what the interval denies


def _points_text(difference: float, low: float, high: float, error: float | None) -> str:
    text = f"{100 * difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{text} ± {100 * error:.1f}" if error else text


def _mean_text(mean: float, low: float, high: float, error: float | None) -> str:
    """Write a mean to the second digit of its standard error."""
    if not error or not np.isfinite(error):
        return f"{_number(mean)} [{_number(low)}, {_number(high)}]"
    decimals = int(np.clip(1 - np.floor(np.log10(error)), 0, 8))
    return f"{mean:,.{decimals}f} [{low:,.{decimals}f}, {high:,.{decimals}f}] ± {error:,.{decimals}f}"


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _one_line(text: str) -> str:
    return " ".join(text.split())
