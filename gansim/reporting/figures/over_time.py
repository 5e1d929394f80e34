"""States over training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gansim.analysis.outcomes import STATES
from gansim.errors import ConfigError
from gansim.plotting.bars import split
from gansim.plotting.look import (
    COLOURS,
    DASHES,
    NORMAL,
    SMALL,
    WIDTH,
    Labels,
    chosen,
    facets,
    head,
    name_,
    plain,
    remark,
    runs_of,
    share_axis,
    styled,
    where_,
)

__all__ = ["regimes_over_time"]


@styled
def regimes_over_time(
    *shares: pd.DataFrame,
    columns: str | None = "game",
    rows: str | None = "scale",
    labels: Labels | None = None,
    title: str = "States of G and D while training",
    note: str = "",
) -> Figure:
    """Draw shares of states over training steps, with 95 % intervals as bands.

    Parameters
    ----------
    *shares : DataFrame
        Tables of `shares_over_time`, by `rows` and `columns`; each is drawn in panels of its own, one below the other.
    columns, rows : str, optional
        Columns of the tables whose levels are the panels side by side, and below each other.
    labels : mapping, optional
        What to write instead of a level or a column name.
    title : str
        The title.
    note : str, optional
        What else to say below it: what all runs have in common.

    Returns
    -------
    Figure
        States that never occur are not drawn.

    Raises
    ------
    ConfigError
        If there is no table, or a table does not count states by `step`, `rows` and `columns` alone.
    """
    counted = [_counted(table, [name for name in (rows, columns) if name]) for table in shares]
    if not shares:
        raise ConfigError("shares: no tables; expected at least one of shares_over_time")
    across = facets(shares[0], columns)
    tables_and_names = list(zip(shares, counted, strict=True))
    lines = [(table, name, level) for level in facets(shares[0], rows) for table, name in tables_and_names]
    seen = [_seen(where_(table, rows, level), name) for table, name, level in lines]
    heights = [max(1.12, 0.17 * (len(states) + 1.5)) for states in seen]  # a legend must fit
    figure = Figure(figsize=(WIDTH, 0.95 + sum(heights)), layout="constrained")
    ratios = {"height_ratios": heights}
    grid = figure.subplots(len(lines), len(across), squeeze=False, sharex=True, sharey=True, gridspec_kw=ratios)
    for (table, name, level), states, axes_row in zip(lines, seen, grid, strict=True):
        for axes, across_level in zip(axes_row, across, strict=True):
            _over_time(axes, where_(where_(table, rows, level), columns, across_level), name)
        _legend_right(axes_row[-1], _player(name, rows, level, labels), states)
    for axes, level in zip(grid[0], across, strict=True):
        axes.set_title(name_([level], labels) if columns else "", size=NORMAL)
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(4, integer=True))
    grid[0, 0].xaxis.set_major_formatter(FuncFormatter(plain))
    figure.supxlabel("training step", size=NORMAL)
    figure.supylabel("share of runs", size=NORMAL)
    every = pd.concat(shares)
    cells = int((every["n"] / every["replicates"]).max())
    pooled = f", pooled over {cells} cells" if cells > 1 else ""
    first = f"First record: step {plain(every['step'].min())}."
    how = f"Each panel: {runs_of(every)}{pooled}, judged record by record. Bands: 95 % intervals. {first}"
    head(figure, title, f"{note} {how}".strip())
    return figure


def _counted(table: pd.DataFrame, by: Sequence[str]) -> str:
    """Return the name of the counted column, of a table by `by` and step."""
    names = [str(name) for name in table.columns]
    counted = [name for name in STATES if name in names]
    if len(counted) != 1 or sorted(names[: names.index(counted[0])]) != sorted([*by, "step"]):
        raise ConfigError(f"shares: columns {', '.join(names)}; expected those of shares_over_time by {', '.join(by)}")
    return counted[0]


def _seen(table: pd.DataFrame, column: str) -> list[str]:
    """Return the levels that occur anywhere in a table of shares, in their order."""
    total = table.groupby(column, observed=False)["count"].sum()
    return [str(level) for level in total.index[total > 0]]


def _over_time(axes: Axes, table: pd.DataFrame, column: str) -> None:
    if not len(table):
        remark(axes, 0.5, 0.5, "no runs", ha="center")
    for level in _seen(table, column):
        line = chosen(table, column, level).sort_values("step")
        colour = COLOURS[split(level)[1]]
        axes.fill_between(line["step"], line["low"], line["high"], color=colour, alpha=0.25, linewidth=0, label=level)
        axes.plot(line["step"], line["share"], color=colour, linestyle=_dash(level), label=level)
    share_axis(axes.yaxis, "", ends=0.03)
    axes.grid(True, axis="y")


def _dash(level: str) -> Any:
    return DASHES[split(level)[0]]


def _player(column: str, rows: str | None, level: Any, labels: Labels | None) -> str:
    player = {"g_state": "G", "d_state": "D", "regime": "regime"}[column]
    return f"{name_([level], labels)}: {player}" if rows else player


def _legend_right(axes: Axes, title: str, levels: Sequence[str]) -> None:
    """Legend to the right of a panel."""
    handles = [Line2D([], [], color=COLOURS[split(s)[1]], linestyle=_dash(s), label=s) for s in levels]
    place: Any = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5), "borderaxespad": 0.0, "alignment": "left"}
    legend = axes.legend(handles=handles, title=title, title_fontsize=SMALL, handlelength=2.4, **place)
    legend.get_title().set_fontweight("bold")
