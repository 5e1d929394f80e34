"""What a referee finds, by regime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from gansim.analysis.estimates import estimate
from gansim.analysis.groups import in_order
from gansim.analysis.replicates import columns_of
from gansim.plotting.bars import split
from gansim.plotting.lines import FEW
from gansim.plotting.look import (
    COLOURS,
    GREY,
    INK,
    MARKERS,
    WIDTH,
    Labels,
    complete,
    head_or_title,
    n_in_words,
    name_,
    one,
    styled,
)

__all__ = ["referee"]


@styled
def referee(
    runs: pd.DataFrame,
    by: str | Sequence[str] = ("regime",),
    labels: Labels | None = None,
    title: str = "The referee: how well a fresh, larger D tells fakes from data",
    ax: Axes | None = None,
) -> Figure:
    """Draw the referee's accuracy by regime: the mean with its interval, and where the middle 90 % of the runs lie.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with the column referee_accuracy.
    by : str or sequence of str
        Columns whose combinations are the rows, those of a categorical in its order.
    labels : mapping, optional
        What to write instead of a level.
    title : str
        The title.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Figure
        Markers and thick lines: mean and 95 % t interval of `estimate`. Thin lines: 5 % and 95 % quantile. A single run
        has no interval.

    Raises
    ------
    ConfigError
        If there are no runs, or a column is missing.
    """
    by = columns_of(by)
    table = estimate(in_order(complete(runs, *by), by), by, ["referee_accuracy"])
    figure, axes = one(ax, (WIDTH, 1.65 + 0.26 * len(table)))
    y = np.arange(len(table), dtype=np.float64)
    names = [name_(row, labels) or "all runs" for row in table[list(by)].itertuples(index=False)]
    for at, row, name in zip(y, table.itertuples(index=False), names, strict=True):
        state = split(name)[1]
        colour = COLOURS.get(state, INK)
        axes.hlines(at, cast(float, row.q05), cast(float, row.q95), color=colour, linewidth=0.8, label="middle 90 %")
        axes.hlines(at, cast(float, row.low), cast(float, row.high), color=colour, linewidth=3.0, label="interval")
        fill = colour if cast(int, row.n) >= FEW else "white"
        mark: Any = {"color": colour, "markerfacecolor": fill, "markersize": 5}
        axes.plot(cast(float, row.mean), at, MARKERS.get(state, "o"), label=name, **mark)
    axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle=(0, (4, 1.5)), zorder=0)
    missing = [f", {count:,} missing" if count else "" for count in table["missing"]]
    counted = [f"{name}  ({n_in_words([n])}{off})" for name, n, off in zip(names, table["n"], missing, strict=True)]
    axes.set_yticks(y, counted)
    axes.set(ylim=(len(table) - 0.4, -0.6))
    axes.set_xlim(min(0.45, float(table["q05"].min()) - 0.02), 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %", decimals=0))
    axes.set_xlabel("accuracy on held-out samples (50 %: cannot tell; 100 %: always right)")
    axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], color=INK, marker="o", linewidth=3.0, markersize=5, label="mean, 95 % t interval"),
        Line2D([], [], color=INK, linewidth=0.8, label="middle 90 % of the runs"),
        Line2D([], [], color=INK, marker="o", markerfacecolor="white", linestyle="", label=f"fewer than {FEW} runs"),
    ]
    if ax is None:
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    else:
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    note = "Colours and marks: what D did. A single run has no interval."
    if (table["low"] < axes.get_xlim()[0]).any() or (table["high"] > axes.get_xlim()[1]).any():
        note += " Cut: intervals that reach beyond the axis."
    head_or_title(figure, ax, title, note)
    return figure
