"""States over training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gansim.reporting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gansim.analysis.floor import Floor
from gansim.analysis.labels import combine, d_states, g_states
from gansim.analysis.replicates import cells_of, columns_of, replicates_of
from gansim.analysis.shares import tabulate
from gansim.design.regimes import Thresholds
from gansim.errors import ConfigError
from gansim.reporting.figures.look import (
    COLOURS,
    DASHES,
    LEVELS,
    NORMAL,
    SMALL,
    WIDTH,
    Labels,
    chosen,
    facets,
    head,
    name_,
    plain,
    refuse_unfit,
    remark,
    runs_of,
    share_axis,
    styled,
    where_,
)
from gansim.reporting.figures.shares import split
from gansim.traces import Traces

__all__ = ["regimes_over_time", "shares_over_time"]


def shares_over_time(
    traces: Traces,
    runs: pd.DataFrame,
    floors: Floor | Sequence[Floor],
    by: str | Sequence[str] = (),
    column: str = "d_state",
    thresholds: Thresholds | None = None,
) -> pd.DataFrame:
    """Tabulate the states at each record, each record taken by itself.

    Parameters
    ----------
    traces : Traces
        The records.
    runs : DataFrame
        One row per run, in the order of the traces.
    floors : Floor or sequence of Floor, shape (runs,)
        Of each run's target and n_eval, see `gansim.analysis.floor.floor_of`; one for all if they agree.
    by : str or sequence of str
        Columns of `runs` whose combinations are the groups; none for one group of all runs.
    column : {"g_state", "d_state", "regime"}, default "d_state"
        What to count.
    thresholds : Thresholds, optional
        The definitions' numbers.

    Returns
    -------
    DataFrame
        As `tabulate(..., [*by, "step"], column)`, every run once at each of its steps.

    Raises
    ------
    ConfigError
        If the traces and runs differ in number, a run occurs twice, or the column is not one of the three.
    """
    refuse_unfit(runs)
    by = columns_of(by)
    if len(traces) != len(runs):
        raise ConfigError(f"runs: {len(runs)} rows for {len(traces)} traces; expected one row per run")
    if column not in LEVELS:
        raise ConfigError(f"column: {column!r}; allowed: {', '.join(map(repr, LEVELS))}")
    if column == "d_state":
        codes = d_states(traces, thresholds)
    else:
        codes = g_states(traces, floors, thresholds)
        codes = combine(codes, d_states(traces, thresholds)) if column == "regime" else codes
    # Categories instead of texts: at 24,000 runs and 50 records, grouping takes 0.2 s instead of 1.1 s.
    rows = np.repeat(np.arange(len(runs)), traces.records)
    ids = {"rep": replicates_of(runs), "cell": cells_of(runs)}
    long = runs[by].astype("category").iloc[rows].assign(**{name: ids[name][rows] for name in ids if name not in by})
    counted = pd.Categorical.from_codes(codes.ravel(), categories=pd.Index(LEVELS[column]), ordered=True)
    table = tabulate(long.assign(step=traces.steps.ravel(), **{column: counted}), [*by, "step"], column)
    return table.astype({name: runs[name].dtype for name in by})


@styled
def regimes_over_time(
    *shares: pd.DataFrame,
    columns: str | None = "game",
    rows: str | None = "scale",
    labels: Labels | None = None,
    title: str = "States of G and D while training",
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
    note = f"Each panel: {runs_of(pd.concat(shares))}, judged record by record. Bands: 95 % intervals."
    head(figure, title, note)
    return figure


def _counted(table: pd.DataFrame, by: Sequence[str]) -> str:
    """Return the name of the counted column, of a table by `by` and step."""
    names = [str(name) for name in table.columns]
    counted = [name for name in LEVELS if name in names]
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
