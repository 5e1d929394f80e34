"""Replicates added until every share is known to a Monte-Carlo error, and what that does to shares."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gansim.analysis.planner import MOST, inside, normal_quantile
from gansim.analysis.replicates import check_frame, refuse_twice
from gansim.model.fields import check_integer
from gansim.model.regimes import D_STATES, G_STATES

__all__ = ["further_replicates", "stopping_note"]


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


def check_target(target_mcse: float) -> float:
    """Return a Monte-Carlo error that can be aimed at, or refuse it: ConfigError, in one line."""
    return inside(target_mcse, "target_mcse", 0, 0.5)


def check_stopping(target_mcse: float, batch: int, most: int) -> None:
    """Refuse what `further_replicates` would refuse: ConfigError, in one line."""
    check_target(target_mcse)
    check_integer(batch, "batch", 1, MOST)
    check_integer(most, "most_reps", 1, MOST)


def fewest_replicates(target_mcse: float) -> int:
    """Replicates of a cell before it is judged, 3 / target_mcse.

    Judged from the first batch on, cells with a rare outcome stop when it has not occurred, and go on, and dilute it,
    when it has: of a share of 0.005 with a target of 0.025, the mean found was a quarter too low. After n replicates
    such a cell goes on if it has seen the outcome more than about (n target)^2 - 2 times, 7 at this number, which is
    seldom where the outcome is rare. Where it is not, the bias is that of any sequential estimate of a share, about
    -(1 - 2 p) / n.

    Parameters
    ----------
    target_mcse : float
        The error wanted, above 0, below 0.5.

    Returns
    -------
    int
        At least 7.

    Raises
    ------
    ConfigError
        If the target is refused.
    """
    return math.ceil(3 / check_target(target_mcse) - 1e-9)


def further_replicates(runs: pd.DataFrame, target_mcse: float, batch: int, most: int) -> pd.DataFrame:
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
    target_mcse : float
        The error wanted, above 0, below 0.5.
    batch : int
        Replicates that are added together.
    most : int
        Replicates of a cell that are not exceeded.

    Returns
    -------
    DataFrame
        One row per cell, sorted: cell, n, column and state (of the largest error), share (of that state), mcse (the
        tables' error), guarded, add (replicates to add, 0 where it is done or full) and status: "reached", "more", or
        "full" (not reached, and no whole batch fits below `most`).

    Raises
    ------
    ConfigError
        If an argument is refused.
    ValueError
        If a column is missing or has missing values, or a run occurs twice.
    """
    target = check_target(target_mcse)
    batch, most = check_integer(batch, "batch", 1, MOST), check_integer(most, "most", 1, MOST)
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
    rows = [_judge(int(cell), runs[cells == cell], target, batch, most) for cell in np.unique(cells)]
    names = ["cell", "n", "column", "state", "share", "mcse", "guarded", "add", "status"]
    return pd.DataFrame(rows, columns=names)


def _judge(cell: int, runs: pd.DataFrame, target: float, batch: int, most: int) -> dict[str, object]:
    """One row of `further_replicates`."""
    n = len(runs)
    states = [("g_state", state) for state in G_STATES] + [("d_state", state) for state in D_STATES]
    k = np.array([np.count_nonzero((runs[column] == state).to_numpy()) for column, state in states])
    error = guarded_mcse(k, np.full(len(k), n))
    worst = int(np.argmax(error))
    p = k[worst] / n
    row: dict[str, object] = {"cell": cell, "n": n, "column": states[worst][0], "state": states[worst][1], "share": p}
    row |= {"mcse": math.sqrt(p * (1 - p) / n), "guarded": float(error[worst])}
    add = _further(n, float(error[worst]), target, batch, most)
    done = error[worst] <= target and not add
    return {**row, "add": add, "status": "reached" if done else "more" if add else "full"}


def _further(n: int, error: float, target: float, batch: int, most: int) -> int:
    """Replicates to add to a cell of n whose largest guarded error is known: whole batches that fit below `most`."""
    fewest = fewest_replicates(target)
    if n >= fewest and error <= target:
        return 0
    wanted = fewest - n if n < fewest else min(n * (error / target) ** 2 - n, n)
    return min(max(1, math.ceil(wanted / batch)), max(0, (most - n) // batch)) * batch


def stopping_note(target_mcse: float, batch: int, most: int, judged: pd.DataFrame | None = None) -> str:
    """Say that the number of runs depended on the data, and what that does: a note for `gansim.reporting.writing.save`.

    Under the rule expectations are at most 0.195 of the target and 7.3 % of the share away from it, for targets of
    0.005 to 0.2, any share, and batches from 1 replicate to more than a cell has; in batches of a sixth of 3 / target,
    0.17 and 5 %. Both happen at shares of two to five times the target. (Exact: sums over the paths of the rule.)

    Parameters
    ----------
    target_mcse : float
        The error that was wanted.
    batch : int
        Replicates that were added together.
    most : int
        Replicates that no cell exceeds.
    judged : DataFrame, optional
        The last result of `further_replicates`: cells that did not reach the target are counted.

    Returns
    -------
    str
        One paragraph.

    Examples
    --------
    >>> stopping_note(0.01, 64, 10_000)[:58]
    'The number of runs depended on the data: replicates were a'
    """
    fewest = min(fewest_replicates(target_mcse), most)
    text = (
        f"The number of runs depended on the data: replicates were added to a cell in batches of {batch:,}, from "
        f"{fewest:,} up to {most:,}, until no share of g_state or d_state had a Monte-Carlo standard error above "
        f"{target_mcse:g}, judged at the centre of its 95 % Wilson interval. That makes shares below 1/2 come out too "
        f"low on average, and shares above 1/2 too high: by at most {0.2 * target_mcse:.2g}, and by at most 8 % of the "
        "share of the rarer side. Intervals and errors are computed as if the number had been fixed."
    )
    missed = 0 if judged is None else int((judged["status"] != "reached").sum())
    return text + (f" Not reached in {missed:,} of {len(judged):,} cells." if missed and judged is not None else "")
