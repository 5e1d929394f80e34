"""Paired differences: two levels of a factor, or two cells, on common random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from gansim.analysis.estimates import moments_of
from gansim.analysis.groups import Floats, factors_of, groups_of, levels_of, refuse_hidden, require_columns
from gansim.analysis.intervals import two_sided
from gansim.analysis.replicates import refuse_twice
from gansim.design.levels import level_label
from gansim.errors import ConfigError, shown

__all__ = ["compare", "holm", "paired"]


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
        Two of its levels, as the column has them or as they were given to the design, such as (16,); None or NaN for
        the level of missing values.
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
        - share_a, share_b
        - only_a, only_b: discordant pairs, those with the outcome under one level alone
        - mcnemar_p: exact two-sided test that both kinds are equally likely (McNemar 1947): of only_a + only_b fair
          coins, as far from half or farther
        - gain: how many times as many runs independent cells would need for the same error,
          (variance of a + variance of b) / variance of the pairs' difference; NaN where pairs do not vary
        - difference = share_a - share_b, after mcse, its standard error over the pairs
        - low, high: interval for the difference (Bonett and Price 2012, recommended by Fagerland et al. 2014): with
          A = (only_a + 1) / (n + 2) and B likewise, A - B +- z sqrt((A + B - (A - B)^2) / (n + 2)). Unlike
          difference +- 1.96 mcse it does not shrink to a point when all pairs agree.

        Of a column of numbers: the strata's columns, a, b, quantity (the column), n (pairs with two finite numbers),
        missing (other pairs), unpaired, mean_a, mean_b, gain, sd (of the differences), mcse = sd / sqrt(n),
        mean_difference, low, high (Student's interval for the mean of the differences).

    Raises
    ------
    ConfigError
        If a column, level or outcome does not occur, `a` equals `b`, no stratum has both, a run or a replicate occurs
        twice, a column is named like one of the table, or the runs of `a` and of `b` have no seed in common.
    """
    two_sided(level)
    require_columns(runs, [], factor, column, "rep")
    a, b = (level_label(one) if _is_widths(one) else one for one in (a, b))
    in_a, in_b = _equal_to(runs[factor], a, "a"), _equal_to(runs[factor], b, "b")
    if by is None:
        by = [] if factor == "cell" else _strata(runs, factor, in_a | in_b)
    by = require_columns(runs, by, factor, column, "rep")
    refuse_twice(runs)
    outcome, means = _outcome(runs, column, value)
    if np.any(in_a & in_b):
        raise ConfigError(f"{factor}: {shown(a)} cannot be compared with itself")

    keys, outcome["stratum"] = groups_of(runs, by)
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
    row = _paired_means if means else paired
    rows = [row(values[stratum == s], int(sizes[s]), level) for s in present]
    arms_of = {"a": a, "b": b, **({"quantity": column} if means else {})}
    refuse_hidden(by, [*arms_of, *rows[0]])
    return pd.concat([keys.loc[present].reset_index(drop=True).assign(**arms_of), pd.DataFrame(rows)], axis=1)


def _is_widths(level: Any) -> bool:
    """Whether this is a level of numbers, as it was given to a design: widths of layers."""
    return isinstance(level, (tuple, list)) and all(isinstance(number, (int, float)) for number in level)


def holm(p: ArrayLike) -> Floats:
    """Adjust p-values of several tests for their number (Holm 1979, Scand. J. Stat. 6(2), 65-70).

    The k-th smallest of m is multiplied by m - k + 1, is at least the one before, and at most 1.

    Parameters
    ----------
    p : array_like of float, shape (tests,)
        Of every test that is made, 0 to 1, such as `mcnemar_p` of all rows of several tables.

    Returns
    -------
    ndarray of float64, shape (tests,)
        In the same order. Those at most alpha are refused; the probability that any of these is true is at most alpha.

    Raises
    ------
    ConfigError
        If they are no numbers from 0 to 1, one after the other.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p)
    if values.dtype.kind not in "iuf" or values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ConfigError(f"p: value {shown(p)}: numbers from 0 to 1, one after the other")
    order = np.argsort(values, kind="stable")
    scaled = np.arange(len(values), 0, -1) * values[order]
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted


def _outcome(runs: pd.DataFrame, column: str, value: Any) -> tuple[pd.DataFrame, bool]:
    """Replicate, seed and outcome of every run, and whether outcomes are numbers to be averaged."""
    seed = runs["seed"].to_numpy() if "seed" in runs.columns else 0
    frame = pd.DataFrame({"rep": runs["rep"].to_numpy(), "seed": seed})
    if value is None and runs[column].dtype.kind in "iuf":
        return frame.assign(outcome=runs[column].to_numpy(np.float64)), True
    levels, codes = levels_of(runs, column)
    value = {"g_state": "converged"}.get(column) if value is None else value
    if value not in levels:
        raise ConfigError(f"{column}: {shown(value)} does not occur; allowed: {', '.join(map(repr, levels.tolist()))}")
    return frame.assign(outcome=codes == list(levels).index(value)), False


def paired(hits: NDArray[np.bool_], runs: int, level: float = 0.95) -> dict[str, Any]:
    """One row of `compare`, without its stratum and levels, from the outcomes of pairs.

    Parameters
    ----------
    hits : ndarray of bool, shape (n, 2)
        Whether each of a pair has the outcome.
    runs : int
        How many runs there are, those without a partner included.
    level : float, default 0.95
        Confidence level.
    """
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
        "only_a": only_a,
        "only_b": only_b,
        "mcnemar_p": float(stats.binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0,
        "gain": float((a.var() + b.var()) / variance) if variance > 0 else np.nan,
        "mcse": float(np.sqrt(variance / n)),
        "difference": difference,
        "low": max(-1.0, float(more_a - more_b - half)),
        "high": min(1.0, float(more_a - more_b + half)),
    }


def _paired_means(values: Floats, runs: int, level: float) -> dict[str, Any]:
    """One row of `compare`, from the numbers of n pairs, (n, 2), out of `runs` runs."""
    finite = values[np.isfinite(values).all(axis=1)]
    n, pairs = len(finite), len(values)
    moments = moments_of(finite[:, 0] - finite[:, 1], np.arange(n), level)
    spread = finite.var(axis=0, ddof=1).sum() if n > 1 else np.nan
    return {
        "n": n,
        "missing": pairs - n,
        "unpaired": runs - 2 * pairs,
        "mean_a": float(finite[:, 0].mean()) if n else np.nan,
        "mean_b": float(finite[:, 1].mean()) if n else np.nan,
        "gain": float(spread / moments["sd"] ** 2) if moments["sd"] > 0 else np.nan,
        "sd": moments["sd"],
        "mcse": moments["mcse"],
        "mean_difference": moments["mean"],
        "low": moments["low"],
        "high": moments["high"],
    }


def _equal_to(values: pd.Series[Any], level: Any, name: str) -> NDArray[np.bool_]:
    """Which values equal the level, or are its text in a column of text; refused if none does."""
    if not pd.api.types.is_scalar(level):
        raise ConfigError(f"{name}: value {shown(level)}: one level of {values.name}")
    equal = (values.isna() if pd.isna(level) else values == level).to_numpy(dtype=bool)
    if not equal.any() and not pd.api.types.is_numeric_dtype(values.dtype):  # one text makes all levels text
        equal = (values.astype(object) == str(level)).to_numpy(dtype=bool)
    if not equal.any():
        there = ", ".join(map(repr, values.unique().tolist()))
        raise ConfigError(f"{values.name}: {shown(level)} does not occur; allowed: {there}")
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
    names = [name for name in factors_of(runs) if name != factor]
    values = known.groupby(factor, dropna=False, observed=True)[names].nunique(dropna=False)
    determined = [
        name
        for name in names
        if name not in ("study", "design") and (values[name] == 1).all() and known[name].nunique(dropna=False) > 1
    ]
    return [name for name in names if name not in determined]
