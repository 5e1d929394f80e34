"""How shares move with the thresholds of the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gansim.analysis.floor import Floor
from gansim.analysis.groups import groups_of, require_columns
from gansim.analysis.labels import combine, final_states
from gansim.analysis.replicates import check_frame, refuse_twice
from gansim.analysis.shares import tabulate
from gansim.design.regimes import D_STATES, G_STATES, REGIMES, Thresholds
from gansim.errors import ConfigError, shown
from gansim.traces import Traces

__all__ = ["sensitivity"]


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
        Of each run's target and n_eval, see `gansim.analysis.floor.floor_of`; one for all if they agree.
        Games of two vectors have none: ``[]``.
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
    by = require_columns(runs, by)
    refuse_twice(runs)
    keys, group = groups_of(runs, by)
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
