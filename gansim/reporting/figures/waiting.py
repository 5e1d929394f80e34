"""Time to convergence, censored runs among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Affine2D, ScaledTranslation
from numpy.typing import NDArray

from gansim.analysis import intervals
from gansim.analysis.replicates import columns_of, replicates_of
from gansim.errors import ConfigError
from gansim.plotting.look import (
    GREY,
    NORMAL,
    SMALL,
    WIDTH,
    Floats,
    Labels,
    all_where,
    combinations,
    facets,
    group_looks,
    head,
    name_,
    plain,
    refuse_unfit,
    runs_in_words,
    share_axis,
    styled,
    where_,
)

__all__ = ["convergence_time"]


@styled
def convergence_time(
    runs: pd.DataFrame,
    by: str | Sequence[str] = ("activation", "generator"),
    columns: str | None = None,
    labels: Labels | None = None,
    title: str = "Time to convergence",
    note: str = "",
    event: str = "converged",
    clock: str = "training step",
) -> Figure:
    """Draw the share of runs that have converged, over training steps, by Kaplan and Meier, with numbers at risk.

    Of runs that wait for something else, converged_step is when that happened, and last_step until when they waited.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with the columns converged_step and last_step of `gansim.label`.
    by : str or sequence of str
        Columns whose combinations are the curves.
    columns : str, optional
        Column of the runs whose levels are the panels side by side.
    labels : mapping, optional
        What to write instead of a level.
    title, note : str
        The title, and what else to say below it: what all runs have in common.
    event : str, default "converged"
        What has happened to runs that wait no longer.
    clock : str, default "training step"
        What is counted along the axis.

    Returns
    -------
    Figure
        The curves are one minus `survival` of `intervals.kaplan_meier`, the bands its pointwise 95 % intervals. Below,
        for each curve, how many runs have not converged before a step and are watched until then.

    Raises
    ------
    ConfigError
        If there are no runs, or a run occurs twice.
    """
    refuse_unfit(runs)
    if not len(runs):
        raise ConfigError("runs: no rows; there is nothing to draw")
    by = columns_of(by)
    across, groups = facets(runs, columns), combinations(runs, by)
    names = [name_(group, labels) or "all runs" for group in groups]
    last = float(runs["last_step"].max())
    figure = Figure(figsize=(WIDTH, 2.9 + 0.15 * len(groups)), layout="constrained")
    [grid] = figure.subplots(1, len(across), squeeze=False, sharex=True, sharey=True)
    ns = []
    for position, (axes, level) in enumerate(zip(grid, across, strict=True)):
        part = where_(runs, columns, level)
        axes.set(xlim=(0, 1.07 * last), xlabel=clock)
        axes.xaxis.set_major_locator(MaxNLocator(4 if len(across) > 2 else 6, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(plain))
        for number, (group, look) in enumerate(zip(groups, group_looks(len(groups)), strict=True)):
            chosen = all_where(part, by, group)
            if len(chosen):
                ns.append(len(chosen))
                _incidence(axes, chosen, names[number], {**look, "linewidth": _width(number, len(groups))}, last)
            _at_risk(axes, chosen, number, look, names[number] if position == 0 else "")
        axes.set_title(name_([level], labels) if columns else "", size=NORMAL)
        share_axis(axes.yaxis, f"share that has {event}" if position == 0 else "", ends=0.03)
        axes.grid(True, axis="y")
    cast(Any, figure.get_layout_engine()).set(wspace=0.06)  # so that numbers of neighbours stay apart
    lasting = ", whether convergence lasted or not" if event == "converged" else ""
    curve = f"{note} {runs_in_words(ns)} a curve (one minus Kaplan-Meier){lasting}"
    head(figure, title, f"{curve.strip()}; bands: 95 % intervals. Below: runs at risk.")
    return figure


def _incidence(axes: Axes, runs: pd.DataFrame, name: str, look: Mapping[str, Any], last: float) -> None:
    """One curve with its band, level from the last event on."""
    table = intervals.kaplan_meier(*_waiting(runs), replicate=replicates_of(runs))
    line = {key: look[key] for key in ("color", "linestyle", "linewidth")}
    step, share = [*table["step"], last], 1 - table["survival"]
    low, high = 1 - table["high"], 1 - table["low"]
    if not table["events"].any():  # the limit at the end holds before it too; a band of no width would claim certainty
        high[:] = high.iloc[-1]
    axes.step(step, [*share, share.iloc[-1]], where="post", label=name, **line)
    band = {"step": "post", "color": look["color"], "alpha": 0.2, "linewidth": 0}
    axes.fill_between(step, [*low, low.iloc[-1]], [*high, high.iloc[-1]], label=name, **band)


def _width(number: int, of: int) -> float:
    """Later curves are thinner, so that one that coincides with an earlier one lies within it, and both are seen."""
    return 1.1 + 1.8 * (of - 1 - number) / max(1, of - 1) if of > 1 else 1.3


def _waiting(runs: pd.DataFrame) -> tuple[Floats, NDArray[np.bool_]]:
    """Times and whether the event happened, for `kaplan_meier`."""
    event = runs["converged_step"].notna().to_numpy()
    return np.where(event, runs["converged_step"], runs["last_step"]).astype(np.float64), event


def _at_risk(axes: Axes, runs: pd.DataFrame, line: int, look: Mapping[str, Any], name: str) -> None:
    """Numbers at risk in a line below the axis, with the curve's name and look at their left if there is a name."""
    down = -(38 + 10.5 * line)  # points; above are tick labels and the axis' label
    if name:
        _below(axes, (0, 0), (-44, down), name, ha="right")
        corner = ScaledTranslation(0, 0, cast(Any, axes.transAxes))
        points = Affine2D().scale(1 / 72) + axes.figure.dpi_scale_trans + corner
        key = {"color": look["color"], "linestyle": look["linestyle"], "transform": points, "clip_on": False}
        axes.add_line(Line2D([-40, -16], [down, down], label="_key", **key))
    if line == 0 and name:
        _below(axes, (0, 0), (-44, -24), "runs at risk", ha="right", color=GREY)
    (low, high), last = axes.get_xlim(), runs["last_step"].max()
    times = _waiting(runs)[0]
    for tick in axes.xaxis.get_major_locator().tick_values(low, high):
        if len(runs) and low <= tick <= last:
            _below(axes, (tick, 0), (0, down), f"{np.count_nonzero(times >= tick):,}", ha="center")


def _below(axes: Axes, at: tuple[float, float], offset: tuple[float, float], text: str, **look: Any) -> None:
    """Write a text some points away from a place on the axis."""
    where: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    axes.annotate(text, at, offset, **where, annotation_clip=False, size=SMALL - 0.5, va="center", **look)
