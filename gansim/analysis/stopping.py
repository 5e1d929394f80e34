"""Replicates added until every share is known to a Monte-Carlo error, and what that does to shares."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gansim.analysis.planner import normal_quantile
from gansim.analysis.replicates import check_frame, refuse_twice
from gansim.design.regimes import D_STATES, G_STATES
from gansim.design.stopping import StoppingRule, fewest_replicates

__all__ = ["further_replicates", "guarded_mcse"]


def guarded_mcse(k: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Monte-Carlo standard error of a share at the centre of its Wilson interval, not at the share itself.

    sqrt(p (1 - p) / n) with p = (k + z^2/2) / (n + z^2), z = 1.96 (the centre of Agresti and Coull 1998). The tables'
    error is 0 for 0 of 16; this one is 0.074 there, and below 0.01 from 0 of 136 on. It is never below the tables'
    error, since p lies nearer to 1/2 than k/n does.

    Parameters
    ----------
    k, n : ndarray of int
        Runs with the outcome, and runs; n at least 1.

    Returns
    -------
    ndarray of float64
        The error.
    """
    z2 = normal_quantile(0.975) ** 2
    p = (k + z2 / 2) / (n + z2)
    error: NDArray[np.float64] = np.sqrt(p * (1 - p) / n)
    return error


def further_replicates(runs: pd.DataFrame, rule: StoppingRule) -> pd.DataFrame:
    """Which cells have a share whose Monte-Carlo error is still too large, and how many replicates to add to each.

    Every cell first gets the replicates of `fewest_replicates`, in whole batches. It is done when the guarded error
    (see `guarded_mcse`) of every share of g_state and of d_state is at most the target; the tables' error is then at
    most the target too. Otherwise it gets as many whole batches as its largest error suggests, at least one, and at
    most as many runs as it has, because the guess after few runs is far off. A cell has one run per replicate, so that
    its errors are those of independent runs.

    Parameters
    ----------
    runs : DataFrame
        One row per run: columns cell, g_state, d_state. Only what they hold decides, not their order.
    rule : StoppingRule
        The error wanted, replicates that are added together, and replicates of a cell that are not exceeded.

    Returns
    -------
    DataFrame
        One row per cell, sorted: cell, n, column and state (of the largest error), share (of that state), mcse (the
        tables' error), guarded, add (replicates to add, 0 where it is done or full) and status: "reached", "more", or
        "full" (not reached, and no whole batch fits).

    Raises
    ------
    ConfigError
        If an argument is refused.
    ValueError
        If a column is missing or has missing values, or a run occurs twice.
    """
    check_frame(runs)
    needed = ("cell", "g_state", "d_state")
    missing = [name for name in needed if name not in runs.columns]
    if missing:
        raise ValueError(f"{missing[0]!r}: no such column; allowed: {', '.join(map(str, runs.columns))}")
    unknown = [name for name in needed if runs[name].isna().any()]
    if unknown:
        raise ValueError(f"{unknown[0]}: {int(runs[unknown[0]].isna().sum())} of {len(runs)} values are missing")
    refuse_twice(runs)
    cells = runs["cell"].to_numpy()
    rows = [_judge(int(cell), runs[cells == cell], rule) for cell in np.unique(cells)]
    names = ["cell", "n", "column", "state", "share", "mcse", "guarded", "add", "status"]
    return pd.DataFrame(rows, columns=names)


def _judge(cell: int, runs: pd.DataFrame, rule: StoppingRule) -> dict[str, object]:
    """One row of `further_replicates`."""
    n = len(runs)
    states = [("g_state", state) for state in G_STATES] + [("d_state", state) for state in D_STATES]
    k = np.array([np.count_nonzero((runs[column] == state).to_numpy()) for column, state in states])
    error = guarded_mcse(k, np.full(len(k), n))
    worst = int(np.argmax(error))
    p = k[worst] / n
    row: dict[str, object] = {"cell": cell, "n": n, "column": states[worst][0], "state": states[worst][1], "share": p}
    row |= {"mcse": math.sqrt(p * (1 - p) / n), "guarded": float(error[worst])}
    add = _further(n, float(error[worst]), rule)
    done = error[worst] <= rule.target_mcse and not add
    return {**row, "add": add, "status": "reached" if done else "more" if add else "full"}


def _further(n: int, error: float, rule: StoppingRule) -> int:
    """Replicates to add to a cell of n whose largest guarded error is known: whole batches that fit."""
    target, batch, fewest = rule.target_mcse, rule.batch, fewest_replicates(rule.target_mcse)
    if n >= fewest and error <= target:
        return 0
    wanted = fewest - n if n < fewest else min(n * (error / target) ** 2 - n, n)
    return min(max(1, math.ceil(wanted / batch)), max(0, (rule.most_reps - n) // batch)) * batch
