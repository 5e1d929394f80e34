"""Numbers without runs: bars of ratios, lines by panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from gansim.analysis.replicates import columns_of
from gansim.errors import ConfigError
from gansim.plotting.look import (
    GREY,
    INK,
    SMALL,
    WIDTH,
    Labels,
    facets,
    group_looks,
    head,
    name_,
    names_of,
    plain,
    styled,
    where_,
)

__all__ = ["lines_by_panel", "ratio_bars"]


@styled
def ratio_bars(
    table: pd.DataFrame,
    rows: str | Sequence[str],
    columns: str | Sequence[str],
    labels: Labels | None = None,
    title: str = "Ratios",
    note: str = "",
    spread: Mapping[str, tuple[str, str]] | None = None,
) -> Figure:
    """Draw ratios as bars from 1 on a logarithmic axis, each with its number.

    Parameters
    ----------
    table : DataFrame
        One line per row of the figure.
    rows : str or sequence of str
        Columns whose combinations name the rows.
    columns : str or sequence of str
        The ratios, one bar each in every row; a missing one is said to be missing.
    labels : mapping, optional
        What to write instead of a level or a column name.
    title, note : str
        The title, and the line below it.
    spread : mapping, optional
        Columns of the lowest and the highest of each ratio, between which a line is drawn.

    Returns
    -------
    Figure
        The columns are told apart by colour and, below the bars, by a legend.

    Raises
    ------
    ConfigError
        If there is nothing to draw, or a ratio is not above 0.
    """
    rows, columns = columns_of(rows, "rows"), columns_of(columns, "columns")
    values = table[columns].to_numpy(np.float64)
    if not np.isfinite(values).any() or (values <= 0).any():
        raise ConfigError(f"{', '.join(columns)}: the axis is logarithmic; expected at least one number, all above 0")
    pitch, thick = 0.2 * len(columns) + 0.14, 0.2
    figure = Figure(figsize=(WIDTH, 1.35 + pitch * len(table)), layout="constrained")
    axes = figure.add_subplot()
    looks, nearest, furthest = group_looks(len(columns)), float(np.nanmin(values)), float(np.nanmax(values))
    for number, (column, look) in enumerate(zip(columns, looks, strict=True)):
        y = pitch * np.arange(len(table)) + thick * (number - 0.5 * (len(columns) - 1))
        known = np.isfinite(values[:, number])
        name = names_of([column], labels)
        axes.barh(y[known], values[known, number] - 1, 0.88 * thick, 1.0, color=look["color"], label=name)
        ends = values[:, number]
        if spread is not None:
            low, high = (table[name].to_numpy(np.float64) for name in spread[column])
            axes.hlines(y[known], low[known], high[known], color=INK, linewidth=1.2)
            ends = np.fmax(ends, high)
            furthest = max(furthest, float(np.nanmax(ends, initial=0)))
            nearest = min(nearest, float(np.nanmin(low, initial=np.inf)))
        for at, value, end in zip(y, values[:, number], ends, strict=True):
            text, x = (f"{plain(float(f'{value:.3g}'))} ×", max(end, 1.0)) if value == value else ("not measured", 1)
            axes.annotate(text, (x, at), (3, 0), textcoords="offset points", va="center", size=SMALL)
    names = [name_(row, labels) for row in table[list(rows)].itertuples(index=False)]
    axes.set_yticks(pitch * np.arange(len(table)), names)
    axes.set(xscale="log", ylim=(pitch * (len(table) - 0.5), -0.5 * pitch))
    axes.set_xlim(min(1.0, nearest / 1.3), furthest * 2.5)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.axvline(1, color=GREY, linewidth=0.8)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")
    figure.legend(loc="outside lower center", ncols=len(columns))
    head(figure, title, note)
    return figure


@styled
def lines_by_panel(
    table: pd.DataFrame,
    x: str,
    y: str,
    panel: str,
    labels: Labels | None = None,
    title: str = "",
    note: str = "",
    lowest: str | None = None,
) -> Figure:
    """Draw one number against another in panels side by side that share the vertical axis; both axes logarithmic.

    Parameters
    ----------
    table : DataFrame
        One line per point.
    x, y : str
        Columns of the two numbers.
    panel : str
        Column whose levels, in order of first appearance, are the panels; they name the horizontal axes.
    labels : mapping, optional
        What to write instead of a level or a column name.
    title, note : str
        The title, and the line below it.
    lowest : str, optional
        Column of the lowest of several measurements of y, to which a line leads from each point.

    Returns
    -------
    Figure
        Every value of x that occurs is a tick.

    Raises
    ------
    ConfigError
        If there is nothing to draw, or a number is not above 0.
    """
    if not len(table) or not (table[[x, y]].to_numpy(np.float64) > 0).all():
        raise ConfigError(f"{x}, {y}: the axes are logarithmic; expected at least one point, all numbers above 0")
    levels = facets(table, panel)
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    grid = figure.subplots(1, len(levels), squeeze=False, sharey=True)[0]
    for axes, level in zip(grid, levels, strict=True):
        points = where_(table, panel, level).sort_values(x)
        axes.plot(points[x], points[y], "o-", color=group_looks(1)[0]["color"], markersize=4, label=str(level))
        if lowest is not None:
            axes.vlines(points[x], points[lowest], points[y], color=INK, linewidth=1.2)
        ticks = points[x].unique()
        axes.set(xscale="log", yscale="log", xlabel=names_of([level], labels))
        axes.set_xlim(ticks[0] / 1.5, ticks[-1] * 1.5)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(ticks, [plain(tick) for tick in ticks])
        axes.grid(True, axis="y")
    low, high = float(table[lowest or y].min()), float(table[y].max())
    grid[0].set_ylim(low / 1.6, high * 1.6)
    grid[0].yaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
    grid[0].yaxis.set_minor_locator(NullLocator())
    grid[0].yaxis.set_major_formatter(FuncFormatter(plain))
    grid[0].set_ylabel(names_of([y], labels))
    head(figure, title, note)
    return figure
