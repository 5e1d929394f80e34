"""What the size of a fixed sample does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from gansim.analysis.estimates import estimate
from gansim.analysis.replicates import columns_of
from gansim.analysis.shares import tabulate
from gansim.errors import ConfigError
from gansim.plotting.look import (
    GREY,
    WIDTH,
    Labels,
    all_where,
    chosen,
    combinations,
    complete,
    group_looks,
    head,
    name_,
    refuse_unfit,
    runs_of,
    share_axis,
    styled,
)

__all__ = ["sample_size"]


@styled
def sample_size(
    runs: pd.DataFrame,
    x: str = "samples",
    by: str | Sequence[str] = (),
    labels: Labels | None = None,
    title: str = "Learning from a fixed sample",
    note: str = "",
) -> Figure:
    """Draw the share of converged runs over the sample size, and how much better V looks on the run's own sample.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with columns g_state, v and v_train.
    x : str, default "samples"
        Column of the sample sizes: numbers, or texts of numbers; missing, or "fresh", where data are fresh each step.
    by : str or sequence of str
        Columns whose combinations are the lines.
    labels : mapping, optional
        What to write instead of a level.
    title, note : str
        The title, and what else to say below it: what all runs have in common.

    Returns
    -------
    Figure
        Above, shares with 95 % intervals. Below, means of v_train - v with 95 % t intervals, over the runs that
        have both.

    Raises
    ------
    ConfigError
        If there are no runs, a column is missing, or a size is not a number.
    """
    refuse_unfit(runs)
    by = columns_of(by)
    runs = runs.assign(**{x: _sizes(runs[x])}, overfit=runs["v_train"] - runs["v"])
    shares = chosen(tabulate(complete(runs, "g_state"), [*by, x], "g_state"), "g_state", "converged")
    overfit = estimate(runs, [*by, x], ["overfit"]).dropna(subset=["mean", x])
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    sizes = np.unique(runs[x].dropna().to_numpy(np.float64))
    fresh = float(sizes[-1]) * 4 if len(sizes) else 1.0
    groups, handles = combinations(runs, by), []
    for number, (group, look) in enumerate(zip(groups, group_looks(len(groups)), strict=True)):
        shift = 2 ** (0.09 * (number - 0.5 * (len(groups) - 1)))  # side by side, so that no interval hides another
        name = name_(group, labels) or "all runs"
        _with_intervals(above, all_where(shares, by, group), x, "share", name, look, shift, fresh)
        handles.append(Line2D([], [], markersize=3.5, linewidth=1.0, label=name, **look))
        _with_intervals(below, all_where(overfit, by, group), x, "mean", name, look, shift, fresh)
    share_axis(above.yaxis, "share of runs converged", ends=0.03)
    below.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    below.set(xscale="log", xlabel="size of the sample a run learns from")
    below.set_ylabel("V on own sample\n− V held out (nats)")
    ticks = [*sizes, *([fresh] if runs[x].isna().any() else [])]
    below.xaxis.set_minor_locator(NullLocator())
    below.set_xlim(ticks[0] / 1.6, ticks[-1] * 1.6)
    below.set_xticks(ticks, [*(f"{size:,.0f}" for size in sizes), *(["fresh"] if len(ticks) > len(sizes) else [])])
    for axes in (above, below):
        axes.grid(True, axis="y")
    if len(groups) > 1 or by:
        above.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), borderaxespad=0.0)
    count = f"{runs_of(shares)} a point. 95 % intervals, Student's for the mean (below)."
    head(figure, title, f"{note} {count}".strip())
    return figure


def _sizes(values: pd.Series[Any]) -> pd.Series[Any]:
    """Sample sizes as numbers, missing for fresh data."""
    sizes = pd.to_numeric(values, errors="coerce")
    unknown = values[sizes.isna() & values.notna() & (values != "fresh")]
    if len(unknown):
        raise ConfigError(
            f"{values.name}: {unknown.iloc[0]!r}; expected numbers, and 'fresh' or nothing for fresh data"
        )
    return sizes


def _with_intervals(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    column: str,
    name: str,
    look: Mapping[str, Any],
    shift: float,
    fresh: float,
) -> None:
    """Points with intervals over x, joined by a line but for the one of fresh data, which has no x of its own."""
    table = table.sort_values(x, na_position="last")
    at = table[x].fillna(fresh).to_numpy(np.float64) * shift
    sized = table[x].notna().to_numpy()
    line = {key: look[key] for key in ("color", "linestyle")}
    axes.plot(at[sized], table[column][sized], linewidth=1.0, **line)
    axes.vlines(at, table["low"], table["high"], color=look["color"], linewidth=1.2, label="_interval")
    for side in ("low", "high"):  # caps stick out of the marks, which would hide short intervals
        axes.plot(
            at, table[side], "_", color=look["color"], markersize=7, markeredgewidth=1.1, label="_cap", clip_on=False
        )
    axes.plot(at, table[column], look["marker"], color=look["color"], markersize=3.5, label=name)
