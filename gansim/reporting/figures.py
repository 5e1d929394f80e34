"""Figures: the numbers of the tables, drawn.

Functions take runs, or frames that `gansim.analysis` made of them, and return a matplotlib Figure; `save` writes it as
PNG and SVG. Whatever is drawn as a share or a mean comes from `tabulate`, `estimate` or `kaplan_meier`, and brings its
interval. Runs that a figure cannot show, because a number is missing or off the scale, are counted in it.

A word has one colour everywhere. Within each player's states, any two colours differ by at least 10 in CIE lightness,
so that they survive greyscale, and by at least 25 in CIE Lab, also under simulated protanopia, deuteranopia and
tritanopia (Machado, Oliveira and Fernandes 2009). Markers, dashes and hatches repeat what colour says.

Nothing here uses pyplot: no figure stays open, no setting of matplotlib changes, and no display is needed.

References
----------
Douglas and Peucker (1973), Algorithms for the reduction of the number of points required to represent a digitized line
or its caricature, Cartographica 10(2), 112-122.
Machado, Oliveira and Fernandes (2009), A physiologically-based model for simulation of color vision deficiency, IEEE
Trans. Vis. Comput. Graph. 15(6), 1291-1298.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import math
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, cast

from gansim.reporting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextPath, text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter
from matplotlib.transforms import Affine2D, ScaledTranslation
from numpy.typing import ArrayLike, NDArray

from gansim.analysis import intervals, theory
from gansim.analysis.estimates import estimate
from gansim.analysis.floor import Floor
from gansim.analysis.labels import combine, d_states, g_states
from gansim.analysis.replicates import cells_of, check_frame, columns_of, refuse_twice, replicates_of
from gansim.analysis.shares import tabulate
from gansim.errors import ConfigError
from gansim.model.regimes import D_STATES, G_STATES, REGIMES, Thresholds
from gansim.traces import Traces

__all__ = [
    "COLOURS",
    "HATCHES",
    "MAIN_SHARES",
    "MARKERS",
    "Example",
    "convergence_time",
    "gallery",
    "lines_by_panel",
    "moments_cloud",
    "rate_map",
    "ratio_bars",
    "referee",
    "regime_shares",
    "regimes_over_time",
    "sample_size",
    "save",
    "shares_over_time",
    "v_against_auc",
]

Floats: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = Mapping[Any, str]
_P = ParamSpec("_P")

# --- the look ------------------------------------------------------------------------------------

COLOURS: dict[str, str] = {
    "converged": "#1b9e77",
    "modes dropped": "#d92626",
    "off target": "#f2b134",
    "collapsed": "#7a3b8f",
    "perfect": "#0b4f8a",
    "idle": "#6cb8e8",
    "inverted": "#c44e00",
    "mixed": "#919191",
    "non-finite": "#1a1a1a",
}
"""The colour of every state of G and of D. A regime has the colour of what D did, and a hatch for what G did."""

MARKERS: dict[str, str] = {
    "converged": "o",
    "modes dropped": "P",
    "off target": "^",
    "collapsed": "s",
    "perfect": "o",
    "idle": "s",
    "inverted": "v",
    "mixed": "D",
    "non-finite": "X",
}
"""The marker of every state."""

HATCHES: dict[str, str] = {
    "converged": "",
    "modes dropped": "....",
    "off target": "////",
    "collapsed": "xxxx",
    "non-finite": "",
}
"""The hatch of every state of G, in bars whose colour tells what D did."""

_DASHES: dict[str, Any] = {
    "converged": "-",
    "modes dropped": (0, (5, 1, 1, 1, 1, 1)),
    "off target": (0, (4, 1.5)),
    "collapsed": (0, (1, 1)),
    "perfect": "-",
    "idle": (0, (4, 1.5)),
    "inverted": (0, (1, 1)),
    "mixed": (0, (6, 1.5, 1, 1.5)),
    "non-finite": "-",
}
_GROUP_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)))
_GROUP_MARKERS = "osv^DPX*"

_LABELS: dict[Any, str] = {
    "leaky_relu": "leaky ReLU",
    "relu": "ReLU",
    "optimizer_d.lr": "learning rate of D",
    "optimizer_g.lr": "learning rate of G",
}
_LEVELS = {"g_state": G_STATES, "d_state": D_STATES, "regime": REGIMES}
_WIDTH = 7.2  # inches; 1,080 pixels at 150 dpi, shown at about 830 in a README, so that 7 points are 11 pixels there
_DPI = 150
_SMALL, _NORMAL, _TITLE = 7.0, 8.0, 9.5  # points
_FAINT, _GREY, _INK = "#d9d9d9", "#595959", "#1a1a1a"
_LOG4 = math.log(4.0)
_V_LINEAR = 2.0  # V is drawn linear down to -2, which shows both 0 and -log 4, and logarithmic below

_STYLE: Any = {
    **sns.axes_style("ticks"),
    "axes.axisbelow": True,
    "axes.edgecolor": _GREY,
    "axes.labelsize": _NORMAL,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": _NORMAL,
    "figure.dpi": 100,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that text has the same width everywhere
    "font.size": _NORMAL,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.8,
    "legend.fontsize": _SMALL,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "svg.fonttype": "path",  # the same picture on machines without the font
    "svg.hashsalt": "gansim",  # else the ids in an SVG are random
    "text.color": _INK,
    "xtick.color": _GREY,
    "xtick.labelcolor": _INK,
    "xtick.labelsize": _SMALL,
    "xtick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.color": _GREY,
    "ytick.labelcolor": _INK,
    "ytick.labelsize": _SMALL,
    "ytick.major.size": 3,
    "ytick.major.width": 0.6,
}


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Have the settings above and matplotlib's defaults, whatever a user's are, and put the user's back."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def _styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Run a function under the settings above."""

    @functools.wraps(draw)
    def inside(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return inside


def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Write a figure as PNG (150 dots an inch) and as SVG, the same bytes whenever the figure is the same.

    Parameters
    ----------
    figure : Figure
        The figure.
    folder : str or Path
        Where to; made if missing.
    name : str
        File name without suffix: letters, digits, "_", "-", and "." but not first.

    Returns
    -------
    list of Path
        The files written: name.png, name.svg.

    Raises
    ------
    ConfigError
        If `name` is not a plain file name.
    """
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ConfigError(f"name: {name!r}; allowed: letters, digits, '_', '-', and '.' but not first")
    base = Path(folder)
    base.mkdir(parents=True, exist_ok=True)
    options: dict[str, dict[str, Any]] = {
        "png": {"metadata": {"Software": None}},
        "svg": {"metadata": {"Date": None, "Creator": None}},
    }
    paths = []
    for suffix, more in options.items():
        stream = io.BytesIO()  # drawn before a file is opened: a figure that cannot be drawn leaves none behind
        with _style():
            figure.savefig(stream, format=suffix, dpi=_DPI, facecolor="white", **more)
        paths.append(base / f"{name}.{suffix}")
        paths[-1].write_bytes(stream.getvalue() if suffix == "png" else _smaller(stream.getvalue()))
    return paths


def _smaller(svg: bytes) -> bytes:
    """Cut the points of all paths to 1/100 point and drop the indentation: a third less to store, nothing to see."""
    svg = re.sub(rb"(?m)^[CLMQ] [-0-9. ]+$", lambda path: re.sub(rb"(\.\d\d)\d+", rb"\1", path[0]), svg)
    return re.sub(rb"(?m)^ +", b"", svg)


# --- shares of regimes --------------------------------------------------------------------------

MAIN_SHARES: tuple[tuple[str, str], ...] = (
    ("g_state", "converged"),
    ("g_state", "collapsed"),
    ("d_state", "perfect"),
    ("d_state", "idle"),
    ("d_state", "inverted"),
)
"""The shares that `regime_shares` draws with their intervals."""


@_styled
def regime_shares(
    runs: pd.DataFrame,
    rows: str | Sequence[str] = ("activation", "generator"),
    blocks: str | Sequence[str] = ("scale", "game"),
    main: Sequence[tuple[str, str]] = MAIN_SHARES,
    labels: Labels | None = None,
    title: str = "How training ends",
) -> Figure:
    """Draw how often each regime occurs: a stacked bar a row and, beside it, the main shares with their intervals.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with the columns of `regimes.label`.
    rows, blocks : str or sequence of str
        Columns whose combinations are the rows, and the headed blocks that the rows stand in; blocks may be none. Order
        of first appearance.
    main : sequence of (column, level)
        The shares drawn with 95 % intervals, one column of the figure each.
    labels : mapping, optional
        What to write instead of a level or a column name.
    title : str
        The title.

    Returns
    -------
    Figure
        The bars' widths and the lines are shares of `tabulate(runs, [*blocks, *rows], ...)`. Regimes that never occur
        are not in the legend.

    Raises
    ------
    ConfigError
        If there are no runs, or a column is missing.
    """
    rows, blocks = columns_of(rows, "rows"), columns_of(blocks, "blocks")
    runs, by = _complete(runs, "regime", *(column for column, _ in main)), [*blocks, *rows]
    shares = tabulate(runs, by, "regime")
    groups = shares[by].iloc[:: len(REGIMES)].reset_index(drop=True) if by else pd.DataFrame(index=[0])
    names = [_name(row[len(blocks) :], labels) or "all runs" for row in groups.itertuples(index=False)]
    heads = [_name(row[: len(blocks)], labels, " · ") for row in groups.itertuples(index=False)]
    starts = [i for i, head in enumerate(heads) if head and (i == 0 or head != heads[i - 1])]
    pitch, gap = 0.19, 0.30
    y = np.array([(i + 0.5) * pitch + gap * sum(start <= i for start in starts) for i in range(len(names))])
    tall = float(y[-1]) + 0.5 * pitch + 0.03

    left = 0.12 + max(_inches(name, _SMALL) for name in set(names)) + 0.08
    occurring = [regime for regime in REGIMES if shares.loc[shares["regime"] == regime, "count"].sum()]
    legend_tall = 0.17 * (2 + len({_split(regime)[0] for regime in occurring}))
    top, bottom = 0.68, 0.5 + legend_tall
    figure = Figure(figsize=(max(_WIDTH, left + 5.6), top + tall + bottom))
    place = _Inches(figure)
    _head(figure, title, f"Each row: {_runs_of(shares)}. Right: shares (lines) with 95 % intervals (bands).")
    space = figure.get_figwidth() - left - 0.15
    wide = 0.36 * space
    bars = place.axes(left, bottom, wide, tall)
    _stack(bars, shares, y, 0.72 * pitch)
    _share_axis(bars.xaxis, "")
    bars.set_xticks([0, 0.5, 1], ["0", "50", "100"])
    place.text(left + wide / 2, bottom - 0.4, "share of runs (%), by regime", size=_NORMAL, ha="center")
    bars.set(ylim=(tall, 0), yticks=y, yticklabels=names)
    bars.tick_params(axis="y", length=0, pad=3)
    bars.spines["left"].set_visible(False)
    for start in starts:
        place.text(0.12, bottom + tall - float(y[start]) + 0.5 * pitch + 0.05, heads[start], weight="bold", size=_SMALL)

    step = (space - wide) / max(1, len(main))
    for position, (column, level) in enumerate(main):
        axes = place.axes(left + wide + position * step + 0.2, bottom, step - 0.2, tall)
        _estimates(axes, _chosen(tabulate(runs, by, column), column, level), y, level)
        axes.set(ylim=(tall, 0), yticks=[])
        axes.set_title(f"{column[0].upper()} {_name([level], labels)}", size=_SMALL, pad=3)
    if main:
        note = "share of runs (%), 95 % interval"
        place.text(left + wide + 0.5 * (space - wide) + 0.1, bottom - 0.4, note, size=_NORMAL, ha="center")
    _regime_legend(place.axes(left, 0.02, 4.6, legend_tall - 0.05), occurring)
    return figure


def _stack(axes: Axes, shares: pd.DataFrame, y: Floats, height: float) -> None:
    """One stacked bar per group of a table of regimes."""
    widths = shares["share"].to_numpy().reshape(len(y), len(REGIMES))
    lefts = np.cumsum(widths, axis=1) - widths
    for code, regime in enumerate(REGIMES):
        here = widths[:, code] > 0
        if here.any():
            axes.barh(y[here], widths[here, code], height, lefts[here, code], **_regime_look(regime))


def _estimates(axes: Axes, shares: pd.DataFrame, y: Floats, level: str) -> None:
    """Estimates with intervals, one per row of a table of shares."""
    axes.hlines(y, 0, 1, color="#eeeeee", linewidth=0.6, zorder=0)
    # A dot would hide the interval of 1,000 runs, two pixels to either side; a line sticks out above and below it.
    look: Any = {"color": COLOURS.get(level, _INK), "clip_on": False}
    axes.hlines(y, shares["low"], shares["high"], linewidth=4, label="interval", **look)
    axes.plot(shares["share"], y, "|", markersize=8, markeredgewidth=0.9, label="share", **look)
    _share_axis(axes.xaxis, "")
    axes.set_xticks([0, 0.5, 1], ["0", "", "100"])
    first, _, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")  # centred, 100 and the next panel's 0 read as one number
    last.set_horizontalalignment("right")
    axes.grid(True, axis="x")
    axes.spines["left"].set_visible(False)


def _regime_look(regime: str) -> dict[str, Any]:
    """Colour by what D did, hatch by what G did; the hatch has the colour of the edge."""
    g, d = _split(regime)
    return {"facecolor": COLOURS[d], "hatch": HATCHES[g], "edgecolor": "white", "linewidth": 0.7}


def _regime_legend(axes: Axes, occurring: Sequence[str]) -> None:
    """Table of the regimes that occur: a line for what G did, a column for what D did."""
    axes.set_axis_off()
    pairs = [_split(regime) for regime in occurring]
    g_seen = [g for g in G_STATES if any(g == pair[0] for pair in pairs)]
    d_seen = [d for d in D_STATES if any(d == pair[1] for pair in pairs) and d != "non-finite"]
    axes.set(xlim=(0, 4.6), ylim=(len(g_seen) + 1, 0))
    for column, d in enumerate(d_seen):
        axes.text(1.15 + 0.85 * column, 0.5, f"D {d}", va="center", size=_SMALL)
    for line, g in enumerate(g_seen, start=1):
        axes.text(0, line + 0.5, g if g == "non-finite" else f"G {g}", va="center", size=_SMALL)
        for regime, pair in zip(occurring, pairs, strict=True):
            if pair[0] == g:
                x = 1.15 + 0.85 * (0 if g == "non-finite" else d_seen.index(pair[1]))
                axes.add_patch(Rectangle((x, line + 0.12), 0.5, 0.76, label=regime, **_regime_look(regime)))


def _split(regime: str) -> tuple[str, str]:
    """Return what G did and what D did."""
    g, _, d = regime.partition(", ")
    return g, d or g


# --- over training ------------------------------------------------------------------------------


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
    _refuse_unfit(runs)
    by = columns_of(by)
    if len(traces) != len(runs):
        raise ConfigError(f"runs: {len(runs)} rows for {len(traces)} traces; expected one row per run")
    if column not in _LEVELS:
        raise ConfigError(f"column: {column!r}; allowed: {', '.join(map(repr, _LEVELS))}")
    if column == "d_state":
        codes = d_states(traces, thresholds)
    else:
        codes = g_states(traces, floors, thresholds)
        codes = combine(codes, d_states(traces, thresholds)) if column == "regime" else codes
    # Categories instead of texts: at 24,000 runs and 50 records, grouping takes 0.2 s instead of 1.1 s.
    rows = np.repeat(np.arange(len(runs)), traces.records)
    ids = {"rep": replicates_of(runs), "cell": cells_of(runs)}
    long = runs[by].astype("category").iloc[rows].assign(**{name: ids[name][rows] for name in ids if name not in by})
    counted = pd.Categorical.from_codes(codes.ravel(), categories=pd.Index(_LEVELS[column]), ordered=True)
    table = tabulate(long.assign(step=traces.steps.ravel(), **{column: counted}), [*by, "step"], column)
    return table.astype({name: runs[name].dtype for name in by})


@_styled
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
    across = _facets(shares[0], columns)
    tables_and_names = list(zip(shares, counted, strict=True))
    lines = [(table, name, level) for level in _facets(shares[0], rows) for table, name in tables_and_names]
    seen = [_seen(_where(table, rows, level), name) for table, name, level in lines]
    heights = [max(1.12, 0.17 * (len(states) + 1.5)) for states in seen]  # a legend must fit
    figure = Figure(figsize=(_WIDTH, 0.95 + sum(heights)), layout="constrained")
    ratios = {"height_ratios": heights}
    grid = figure.subplots(len(lines), len(across), squeeze=False, sharex=True, sharey=True, gridspec_kw=ratios)
    for (table, name, level), states, axes_row in zip(lines, seen, grid, strict=True):
        for axes, across_level in zip(axes_row, across, strict=True):
            _over_time(axes, _where(_where(table, rows, level), columns, across_level), name)
        _legend_right(axes_row[-1], _player(name, rows, level, labels), states)
    for axes, level in zip(grid[0], across, strict=True):
        axes.set_title(_name([level], labels) if columns else "", size=_NORMAL)
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(4, integer=True))
    grid[0, 0].xaxis.set_major_formatter(FuncFormatter(_plain))
    figure.supxlabel("training step", size=_NORMAL)
    figure.supylabel("share of runs", size=_NORMAL)
    note = f"Each panel: {_runs_of(pd.concat(shares))}, judged record by record. Bands: 95 % intervals."
    _head(figure, title, note)
    return figure


def _counted(table: pd.DataFrame, by: Sequence[str]) -> str:
    """Return the name of the counted column, of a table by `by` and step."""
    names = [str(name) for name in table.columns]
    counted = [name for name in _LEVELS if name in names]
    if len(counted) != 1 or sorted(names[: names.index(counted[0])]) != sorted([*by, "step"]):
        raise ConfigError(f"shares: columns {', '.join(names)}; expected those of shares_over_time by {', '.join(by)}")
    return counted[0]


def _seen(table: pd.DataFrame, column: str) -> list[str]:
    """Return the levels that occur anywhere in a table of shares, in their order."""
    total = table.groupby(column, observed=False)["count"].sum()
    return [str(level) for level in total.index[total > 0]]


def _over_time(axes: Axes, table: pd.DataFrame, column: str) -> None:
    if not len(table):
        _remark(axes, 0.5, 0.5, "no runs", ha="center")
    for level in _seen(table, column):
        line = _chosen(table, column, level).sort_values("step")
        colour = COLOURS[_split(level)[1]]
        axes.fill_between(line["step"], line["low"], line["high"], color=colour, alpha=0.25, linewidth=0, label=level)
        axes.plot(line["step"], line["share"], color=colour, linestyle=_dash(level), label=level)
    _share_axis(axes.yaxis, "", ends=0.03)
    axes.grid(True, axis="y")


def _dash(level: str) -> Any:
    return _DASHES[_split(level)[0]]


def _player(column: str, rows: str | None, level: Any, labels: Labels | None) -> str:
    player = {"g_state": "G", "d_state": "D", "regime": "regime"}[column]
    return f"{_name([level], labels)}: {player}" if rows else player


def _legend_right(axes: Axes, title: str, levels: Sequence[str]) -> None:
    """Legend to the right of a panel."""
    handles = [Line2D([], [], color=COLOURS[_split(s)[1]], linestyle=_dash(s), label=s) for s in levels]
    place: Any = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5), "borderaxespad": 0.0, "alignment": "left"}
    legend = axes.legend(handles=handles, title=title, title_fontsize=_SMALL, handlelength=2.4, **place)
    legend.get_title().set_fontweight("bold")


# --- learning rates -----------------------------------------------------------------------------


@_styled
def rate_map(
    runs: pd.DataFrame,
    x: str = "optimizer_d.lr",
    y: str = "optimizer_g.lr",
    column: str = "g_state",
    value: str = "converged",
    labels: Labels | None = None,
    title: str | None = None,
    note: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw the share of one outcome over a grid of two positive numbers, with logarithmic axes.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    x, y : str
        The columns that span the grid.
    column, value : default "g_state", "converged"
        The outcome: `column` equals `value`.
    labels : mapping, optional
        What to write instead of the names of the columns.
    title, note : str, optional
        The title, and what else to say below it: what all runs have in common.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Figure
        A point of the grid without runs stays white. Black lines enclose the points the lower limit of whose
        interval exceeds one half.

    Raises
    ------
    ConfigError
        If there are no runs, a column is missing, the outcome is unknown, or a number is not positive.
    """
    shares = _chosen(tabulate(_complete(runs, column), [y, x], column), column, value)
    points = shares.set_index([y, x])
    share, low = (points[name].unstack(x).sort_index().sort_index(axis=1) for name in ("share", "low"))
    xs, ys = share.columns.to_numpy(np.float64), share.index.to_numpy(np.float64)
    if not (xs[0] > 0 and ys[0] > 0):
        raise ConfigError(f"{x}, {y}: the axes are logarithmic; expected numbers above 0")
    figure, axes = _one(ax, (5.6, 4.9))
    x_edges, y_edges = _edges(xs), _edges(ys)
    look: Any = {"cmap": "cividis", "vmin": 0, "vmax": 1, "linewidth": 0, "label": "share"}
    mesh = axes.pcolormesh(x_edges, y_edges, share.to_numpy(), **look)
    inside = np.pad(low.to_numpy() > 0.5, 1)
    axes.add_collection(LineCollection(_outline(inside, x_edges, y_edges), colors="black", linewidths=1.6, zorder=3))
    axes.set(xscale="log", yscale="log", xlabel=_name([x], labels), ylabel=_name([y], labels))
    axes.set(xlim=x_edges[[0, -1]], ylim=y_edges[[0, -1]])
    outcome = _name([value], None)
    bar = figure.colorbar(mesh, ax=axes, label=f"share of runs {outcome}", format=PercentFormatter(1, symbol=" %"))
    bar.outline.set_visible(False)
    widest = 100 * float((shares["high"] - shares["low"]).max())
    count = f"{_runs_of(shares)} a point; widest 95 % interval: {widest:.0f} points."
    line = "Black line: lower limit above 50 %." if inside.any() else "Nowhere is the lower limit above 50 %."
    line += " White: no runs." if share.isna().to_numpy().any() else ""
    _head_or_title(figure, ax, title or f"Pr({outcome}) by learning rate", f"{note} {count} {line}".strip())
    return figure


def _edges(centres: Floats) -> Floats:
    """Return edges half way, on a logarithmic axis, between neighbouring centres."""
    logs = np.log(centres)
    middle = 0.5 * (logs[1:] + logs[:-1])
    first, last = (2 * logs[0] - middle[0], 2 * logs[-1] - middle[-1]) if len(logs) > 1 else logs[0] + [-0.5, 0.5]
    return np.asarray(np.exp([first, *middle, last]))


def _outline(inside: NDArray[np.bool_], x: Floats, y: Floats) -> list[list[tuple[float, float]]]:
    """Return the borders between True and False, of a mask (rows + 2, columns + 2) padded with False."""
    rows, columns = np.nonzero(inside[1:, 1:-1] != inside[:-1, 1:-1])
    across = [[(x[j], y[i]), (x[j + 1], y[i])] for i, j in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(inside[1:-1, 1:] != inside[1:-1, :-1])
    return across + [[(x[j], y[i]), (x[j], y[i + 1])] for i, j in zip(rows, columns, strict=True)]


# --- single runs --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Example:
    """One run, as `gallery` draws it.

    Parameters
    ----------
    title : str
        Its regime.
    x : array, shape (n,)
        Points in data units, increasing; they should cover the target and the fakes.
    density : array, shape (n,)
        The target's density there.
    fakes : array, shape (any,)
        Fakes, data units.
    d : array, shape (n,)
        D at `x`, 0 to 1; NaN if the run is not finite.
    steps, v : array, shape (records,)
        The trace of V; NaN from the record on at which the run is not finite.
    caption : str, default ""
        Which run it is, and how frequent its regime.

    Raises
    ------
    ConfigError
        If shapes disagree, or `x` does not increase.
    """

    title: str
    x: NDArray[Any]
    density: NDArray[Any]
    fakes: NDArray[Any]
    d: NDArray[Any]
    steps: NDArray[Any]
    v: NDArray[Any]
    caption: str = ""

    def __post_init__(self) -> None:
        for name in ("x", "density", "fakes", "d", "steps", "v"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64).ravel())
        for name, like in (("density", "x"), ("d", "x"), ("v", "steps")):
            found, wanted = len(getattr(self, name)), len(getattr(self, like))
            if found != wanted:
                raise ConfigError(f"{name}: {found} values; expected {wanted}, as many as {like}")
        if len(self.x) < 2 or not np.all(np.diff(self.x) > 0):
            raise ConfigError("x: expected at least two points, increasing")


@_styled
def gallery(examples: Sequence[Example], title: str = "One typical run of each regime") -> Figure:
    """Draw runs below each other, each in three panels: target and fakes, D(x), the trace of V.

    Parameters
    ----------
    examples : sequence of Example
        The runs, up to about eight.
    title : str
        The title.

    Returns
    -------
    Figure
        All traces of V share one axis.

    Raises
    ------
    ConfigError
        If there are no examples.
    """
    if not examples:
        raise ConfigError("examples: none; expected at least one")
    pitch, top, bottom, left = 1.02, 0.62, 0.34, 1.62
    figure = Figure(figsize=(_WIDTH, top + bottom + pitch * len(examples)))
    place, wide, tall = _Inches(figure), 1.46, pitch - 0.34
    lefts = (left, left + wide + 0.36, left + 2 * wide + 0.96)
    all_v = np.concatenate([example.v for example in examples])
    last = max(float(np.max(example.steps)) for example in examples)
    heads = ("target and fakes", "D(x)", "V while training")
    for row, example in enumerate(examples):
        floor = bottom + pitch * (len(examples) - 1 - row) + 0.18
        panels = [place.axes(at, floor, wide, tall) for at in lefts]
        _densities(panels[0], example)
        _discriminator(panels[1], example)
        _v_trace(panels[2], example, all_v, last)
        panels[2].tick_params(axis="x", labelbottom=row == len(examples) - 1)
        place.text(0.12, floor + tall, textwrap.fill(example.title, 20), weight="bold", size=_SMALL, va="top")
        below = 0.14 * (1 + textwrap.fill(example.title, 20).count("\n"))
        caption = textwrap.fill("; ".join(filter(None, [example.caption, _beyond(example)])), 26)
        place.text(0.12, floor + tall - below, caption, size=_SMALL - 0.5, color=_GREY, va="top")
        if row == 0:
            for panel, head in zip(panels, heads, strict=True):
                panel.set_title(head, size=_NORMAL, pad=5)
    place.text(left + wide + 0.18, 0.1, "x (data units)", size=_NORMAL, ha="center")
    place.text(lefts[2] + wide / 2, 0.1, "training step", size=_NORMAL, ha="center")
    note = "n = 1 run a row. Grey: target; colour: fakes; each density scaled to its own highest point. V in nats"
    _head(figure, title, note + (", logarithmic below −2." if panels[2].get_yscale() == "symlog" else "."))
    return figure


def _within(example: Example) -> NDArray[np.bool_]:
    """Which fakes the axis shows; none that is not finite."""
    return np.asarray((example.fakes >= example.x[0]) & (example.fakes <= example.x[-1]))


def _beyond(example: Example) -> str:
    """Say how many fakes the axis does not show."""
    off = int(np.count_nonzero(~_within(example)))
    return f"{off:,} of {len(example.fakes):,} fakes not shown" if off else ""


def _densities(axes: Axes, example: Example) -> None:
    x, fakes = example.x, example.fakes
    colour = COLOURS.get(_split(example.title)[0], _INK)
    counts, edges = np.histogram(fakes[_within(example)], bins=60, range=(float(x[0]), float(x[-1])))
    thin_x, thin_density = _thin(x, example.density)
    axes.fill_between(thin_x, _to_peak(thin_density), color=_FAINT, linewidth=0)
    axes.plot(thin_x, _to_peak(thin_density), color=_GREY, linewidth=0.8, label="target")
    axes.stairs(_to_peak(counts.astype(np.float64)), edges, color=colour, linewidth=1.1, label="fakes")
    axes.set(xlim=(x[0], x[-1]), ylim=(0, 1.1), yticks=[])
    _few_ticks(axes)
    axes.spines["left"].set_visible(False)


def _discriminator(axes: Axes, example: Example) -> None:
    x, d = example.x, example.d
    thin_x, thin_density = _thin(x, example.density)
    axes.fill_between(thin_x, _to_peak(thin_density), color="#efefef", linewidth=0, zorder=0)
    axes.axhline(0.5, color=_FAINT, linewidth=0.8, zorder=0)
    axes.plot(*_thin(x, d), color=COLOURS.get(_split(example.title)[1], _INK), label="D")
    if not np.isfinite(d).any():
        _remark(axes, 0.5, 0.5, "D is not finite", ha="center", va="center")
    axes.set(xlim=(x[0], x[-1]), ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])
    _few_ticks(axes)


def _v_trace(axes: Axes, example: Example, all_v: Floats, last: float) -> None:
    steps, v = example.steps, example.v
    axes.plot(steps, v, color=COLOURS.get(_split(example.title)[1], _INK), linewidth=1.0, label="V")
    _v_axis(axes, all_v, most=3)
    axes.set_xlim(0, last)
    if not np.isfinite(v).all():
        first = int(steps[np.flatnonzero(~np.isfinite(v))[0]])
        _remark(axes, 0.98, 0.05, f"not finite from {first:,}", ha="right")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))


def _to_peak(values: Floats) -> Floats:
    peak = float(values.max(initial=0.0))
    return values / peak if peak > 0 else values


def _thin(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Keep the fewest points whose polygon stays within 1/300 of the range, half a pixel (Douglas and Peucker 1973).

    All points of eight runs would make an SVG of 1 MB.
    """
    limit, kept, open_ends = np.ptp(y) / 300, [0, len(x) - 1], [(0, len(x) - 1)]
    while open_ends and np.isfinite(limit):
        first, last = open_ends.pop()
        chord = np.interp(x[first : last + 1], x[[first, last]], y[[first, last]])
        off = np.abs(y[first : last + 1] - chord)
        if off.max() > limit:
            worst = first + int(off.argmax())
            kept.append(worst)
            open_ends += [(first, worst), (worst, last)]
    return (x[np.sort(kept)], y[np.sort(kept)]) if np.isfinite(limit) else (x, y)


# --- V and AUC ----------------------------------------------------------------------------------


@_styled
def v_against_auc(
    runs: pd.DataFrame,
    labels: Labels | None = None,
    title: str = "V against what D knows, at the end of each run",
    ax: Axes | None = None,
) -> Figure:
    """Draw every run's AUC and V, coloured by what D did, beside the curve of the optimal D and of its inverted twin.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with columns auc, v and d_state.
    labels : mapping, optional
        What to write instead of a state.
    title : str
        The title.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Figure
        The curves are those of two normals of equal spread (`theory.shift_curve`). Runs without a finite V are counted
        in the legend.

    Raises
    ------
    ConfigError
        If there are no runs.
    """
    _refuse_unfit(runs)
    if not len(runs):
        raise ConfigError("runs: no rows; there is nothing to draw")
    figure, axes = _one(ax, (_WIDTH, 4.6))
    auc, v = runs["auc"].to_numpy(np.float64), runs["v"].to_numpy(np.float64)
    finite = np.isfinite(auc) & np.isfinite(v)
    handles = _scatter(axes, auc, v, runs["d_state"].astype(str).to_numpy(), finite, D_STATES, "D ", labels)
    _v_axis(axes, v[finite])
    if axes.get_yscale() == "symlog":
        at: Any = {"xycoords": axes.get_yaxis_transform(), "size": _SMALL, "color": _GREY}
        axes.annotate("linear", (1.01, -_V_LINEAR), va="bottom", **at)
        axes.annotate("logarithmic", (1.01, -_V_LINEAR), va="top", **at)
    axes.set(xlim=(-0.03, 1.03), xlabel="AUC of D: Pr(logit of a real sample > logit of a fake)", ylabel=_v_label(axes))
    # Far apart, the inverted twin's V is -shift^2: reach below the lowest run, or what float64 bears.
    deepest = min(2 * math.sqrt(-float(np.min(v[finite], initial=-25.0))), 1e4)
    shift = np.concatenate([np.linspace(0, 5, 51), np.geomspace(5, deepest, 20)[1:]])
    for inverted, name in ((False, "optimal D"), (True, "its inverted twin")):
        look: Any = {"color": _INK, "linewidth": 1.0, "linestyle": _GROUP_DASHES[int(inverted)], "label": name}
        axes.plot(*theory.shift_curve(shift, inverted), zorder=3, **look)
        handles.append(Line2D([], [], **look))
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(1.01, 0), borderaxespad=0.0)
    note = f"{_runs([len(runs)])}. Lines: two normals of equal spread, further and further apart."
    _head_or_title(figure, ax, title, note)
    return figure


def _scatter(
    axes: Axes,
    x: Floats,
    y: Floats,
    state: NDArray[Any],
    shown: NDArray[np.bool_],
    levels: Sequence[str],
    prefix: str,
    labels: Labels | None = None,
) -> list[Line2D]:
    """Points by state, as pixels even in an SVG, where 24,000 of them would take 3 MB; handles for a legend."""
    handles = []
    seen = [level for level in levels if np.any(state == level)]
    if shown.any():
        # In the order of the runs the last cell would lie on top: 1,299 mixed D's hid 527 inverted ones at AUC 0. What
        # has a name lies above the rest.
        order = np.random.default_rng(0).permutation(np.flatnonzero(shown))
        order = order[np.argsort(state[order] != "mixed", kind="stable")]
        sns.scatterplot(
            x=x[order],
            y=y[order],
            hue=state[order],
            style=state[order],
            hue_order=seen,
            style_order=seen,
            palette={level: COLOURS[level] for level in seen},
            markers={level: MARKERS[level] for level in seen},
            s=11,
            alpha=0.5,
            linewidth=0,
            legend=False,
            rasterized=True,
            ax=axes,
        )
    for level in seen:
        name = f"{'' if level == 'non-finite' else prefix}{_name([level], labels)}"
        here = int(np.count_nonzero(state == level))
        off = int(np.count_nonzero((state == level) & ~shown))
        name += f" ({here:,})" if not off else f" ({here:,}, {'none' if off == here else f'{off:,} not'} shown)"
        handles.append(_key(level, name))
    return handles


def _key(level: str, name: str) -> Line2D:
    """Legend entry of a state's points."""
    return Line2D([], [], color=COLOURS[level], marker=MARKERS[level], linestyle="", markersize=4, label=name)


def _v_axis(axes: Axes, v: Floats, most: int = 5) -> None:
    """Give the ordinate the scale of V, with 0 and -log 4 marked."""
    lowest = float(np.min(v[np.isfinite(v)], initial=-_LOG4))
    ticks, names = [0.0, -_LOG4], ["0", "−log 4"]
    if lowest > -_V_LINEAR - 0.5:
        axes.set_ylim(min(lowest, -_LOG4) - 0.15, 0.12)
    else:
        decades = max(1, math.ceil(math.log10(-lowest)))
        every = math.ceil(decades / most)
        powers = range(every, decades + 1, every)
        ticks, names = ticks + [-(10.0**p) for p in powers], names + [_power(p) for p in powers]
        bottom = -(10.0**decades) * 1.3
        # About as much room above -2 as below, however deep V goes.
        axes.set_yscale("symlog", linthresh=_V_LINEAR, linscale=0.9 * math.log10(-bottom / _V_LINEAR))
        axes.set_ylim(bottom, 0.12)
        axes.axhspan(bottom, -_V_LINEAR, color="#f5f5f5", linewidth=0, zorder=-1)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(ticks, names)
    for mark in (0.0, -_LOG4):
        axes.axhline(mark, color=_FAINT, linewidth=0.8, zorder=0)


def _v_label(axes: Axes) -> str:
    return "V (nats)" if axes.get_yscale() == "linear" else "V (nats; shaded: logarithmic, below −2)"


def _power(exponent: int) -> str:
    """Write minus a power of ten."""
    return f"−{10**exponent:,}" if exponent < 4 else f"−10{_raised(exponent)}"


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


# --- moments ------------------------------------------------------------------------------------


@_styled
def moments_cloud(
    runs: pd.DataFrame,
    target: tuple[float, float] = (500.0, 5.0),
    columns: str | None = "game",
    rows: str | None = "scale",
    reach: float = 1000.0,
    labels: Labels | None = None,
    title: str | None = None,
) -> Figure:
    """Draw every run's mean and standard deviation of the fakes around those of the target, coloured by what G did.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with columns g_mean, g_std and g_state.
    target : (float, float), default (500, 5)
        Mean and standard deviation of the target, data units.
    columns, rows : str, optional
        Columns of the runs whose levels are the panels side by side, and below each other.
    reach : float, default 1000
        The panels reach this many standard deviations to both sides of the target's mean, and from 1/(100 `reach`)
        to `reach` standard deviations of spread. Runs beyond are counted in the panel.
    labels : mapping, optional
        What to write instead of a level.
    title : str, optional
        The title.

    Returns
    -------
    Figure
        One panel per combination of levels.

    Raises
    ------
    ConfigError
        If there are no runs, or `reach` is not above 10.
    """
    _refuse_unfit(runs)
    if not len(runs) or not reach > 10:
        raise ConfigError(f"runs, reach: {len(runs)} rows, {reach}; expected at least one, and above 10")
    mean, sd = target
    across, down = _facets(runs, columns), _facets(runs, rows)
    figure = Figure(figsize=(_WIDTH, 1.35 + 2.0 * len(down)), layout="constrained")
    grid = figure.subplots(len(down), len(across), squeeze=False, sharex=True, sharey=True)
    box = (mean - reach * sd, mean + reach * sd, sd / (100 * reach), sd * reach)
    for level, axes_row in zip(down, grid, strict=True):
        for axes, across_level in zip(axes_row, across, strict=True):
            part = _where(_where(runs, rows, level), columns, across_level)
            if not len(part):
                _remark(axes, 0.5, 0.5, "no runs", ha="center")
            name = _name([v for v, given in ((level, rows), (across_level, columns)) if given], labels, " · ")
            _cloud(axes, part, target, box, "\n".join(filter(None, [name, _n([len(part)])])))
    seen = [level for level in G_STATES if (runs["g_state"] == level).any()]
    handles = [_key(level, level if level == "non-finite" else f"G {level}") for level in seen]
    handles.append(Line2D([], [], color=_INK, marker="+", linestyle="", markersize=9, label="target"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    for axes in grid[-1]:
        axes.set_xlabel("mean (data units)")
    figure.supylabel("standard deviation (data units)", size=_NORMAL)
    note = f"Each point: one run, at its end. Means: linear near {mean:g}, logarithmic far away. Spreads: logarithmic."
    _head(figure, title or f"Fakes' mean and standard deviation around ({mean:g}, {sd:g})", note)
    return figure


def _cloud(
    axes: Axes, runs: pd.DataFrame, target: tuple[float, float], box: tuple[float, float, float, float], name: str
) -> None:
    mean, sd = target
    x, y = runs["g_mean"].to_numpy(np.float64), runs["g_std"].to_numpy(np.float64)
    shown = (x >= box[0]) & (x <= box[1]) & (y >= box[2]) & (y <= box[3])
    _scatter(axes, x, y, runs["g_state"].astype(str).to_numpy(), shown, G_STATES, "G ")
    axes.plot(mean, sd, "+", color=_INK, markersize=13, markeredgewidth=1.1, zorder=0.5, label="target")
    # Linear within a standard deviation or so of the target's mean, logarithmic far from it.
    axes.set_xscale("function", functions=(lambda u: np.arcsinh((u - mean) / sd), lambda u: mean + sd * np.sinh(u)))
    axes.set(yscale="log", xlim=box[:2], ylim=box[2:])
    far = 10 ** (math.ceil(math.log10((box[1] - mean) / sd)) - 1)
    near = round(0.3 * math.sqrt(far))
    ticks = [mean + sd * side for side in (-far, -near, 0, near, far)]
    axes.set_xticks(ticks, [_plain(tick) for tick in ticks])
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axvline(mean, color=_FAINT, linewidth=0.8, zorder=0)
    axes.axhline(sd, color=_FAINT, linewidth=0.8, zorder=0)
    off = int(np.count_nonzero(~shown))
    axes.set_title(f"{name}, {off:,} beyond the axes" if off else name, size=_SMALL)


# --- time to convergence ------------------------------------------------------------------------


@_styled
def convergence_time(
    runs: pd.DataFrame,
    by: str | Sequence[str] = ("activation", "generator"),
    columns: str | None = None,
    labels: Labels | None = None,
    title: str = "Time to convergence",
    note: str = "",
) -> Figure:
    """Draw the share of runs that have converged, over training steps, by Kaplan and Meier, with numbers at risk.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with the columns converged_step and last_step of `regimes.label`.
    by : str or sequence of str
        Columns whose combinations are the curves.
    columns : str, optional
        Column of the runs whose levels are the panels side by side.
    labels : mapping, optional
        What to write instead of a level.
    title, note : str
        The title, and what else to say below it: what all runs have in common.

    Returns
    -------
    Figure
        The curves are one minus `survival` of `intervals.kaplan_meier`, the bands its pointwise 95 % intervals. Below, for
        each curve, how many runs have not converged before a step and are watched until then.

    Raises
    ------
    ConfigError
        If there are no runs, or a run occurs twice.
    """
    _refuse_unfit(runs)
    if not len(runs):
        raise ConfigError("runs: no rows; there is nothing to draw")
    by = columns_of(by)
    across, groups = _facets(runs, columns), _combinations(runs, by)
    names = [_name(group, labels) or "all runs" for group in groups]
    last = float(runs["last_step"].max())
    figure = Figure(figsize=(_WIDTH, 2.9 + 0.15 * len(groups)), layout="constrained")
    [grid] = figure.subplots(1, len(across), squeeze=False, sharex=True, sharey=True)
    ns = []
    for position, (axes, level) in enumerate(zip(grid, across, strict=True)):
        part = _where(runs, columns, level)
        axes.set(xlim=(0, 1.07 * last), xlabel="training step")
        axes.xaxis.set_major_locator(MaxNLocator(4 if len(across) > 2 else 6, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(_plain))
        for number, (group, look) in enumerate(zip(groups, _group_looks(len(groups)), strict=True)):
            chosen = _all_where(part, by, group)
            if len(chosen):
                ns.append(len(chosen))
                _incidence(axes, chosen, names[number], look, last)
            _at_risk(axes, chosen, number, look, names[number] if position == 0 else "")
        axes.set_title(_name([level], labels) if columns else "", size=_NORMAL)
        _share_axis(axes.yaxis, "share that has converged" if position == 0 else "", ends=0.03)
        axes.grid(True, axis="y")
    cast(Any, figure.get_layout_engine()).set(wspace=0.06)  # so that numbers of neighbours stay apart
    curve = f"{note} {_runs(ns)} a curve (one minus Kaplan-Meier), whether convergence lasted or not"
    _head(figure, title, f"{curve.strip()}; bands: 95 % intervals. Below: runs at risk.")
    return figure


def _incidence(axes: Axes, runs: pd.DataFrame, name: str, look: Mapping[str, Any], last: float) -> None:
    """One curve with its band, level from the last event on."""
    table = intervals.kaplan_meier(*_waiting(runs), replicate=replicates_of(runs))
    line = {key: look[key] for key in ("color", "linestyle")}
    step, share = [*table["step"], last], 1 - table["survival"]
    low, high = 1 - table["high"], 1 - table["low"]
    if not table["events"].any():  # the limit at the end holds before it too; a band of no width would claim certainty
        high[:] = high.iloc[-1]
    axes.step(step, [*share, share.iloc[-1]], where="post", label=name, **line)
    band = {"step": "post", "color": look["color"], "alpha": 0.2, "linewidth": 0}
    axes.fill_between(step, [*low, low.iloc[-1]], [*high, high.iloc[-1]], label=name, **band)


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
        _below(axes, (0, 0), (-44, -24), "runs at risk", ha="right", color=_GREY)
    (low, high), last = axes.get_xlim(), runs["last_step"].max()
    times = _waiting(runs)[0]
    for tick in axes.xaxis.get_major_locator().tick_values(low, high):
        if len(runs) and low <= tick <= last:
            _below(axes, (tick, 0), (0, down), f"{np.count_nonzero(times >= tick):,}", ha="center")


def _below(axes: Axes, at: tuple[float, float], offset: tuple[float, float], text: str, **look: Any) -> None:
    """Write a text some points away from a place on the axis."""
    where: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    axes.annotate(text, at, offset, **where, annotation_clip=False, size=_SMALL - 0.5, va="center", **look)


# --- finite samples -----------------------------------------------------------------------------


@_styled
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
    _refuse_unfit(runs)
    by = columns_of(by)
    runs = runs.assign(**{x: _sizes(runs[x])}, overfit=runs["v_train"] - runs["v"])
    shares = _chosen(tabulate(_complete(runs, "g_state"), [*by, x], "g_state"), "g_state", "converged")
    overfit = estimate(runs, [*by, x], ["overfit"]).dropna(subset=["mean", x])
    figure = Figure(figsize=(_WIDTH, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    sizes = np.unique(runs[x].dropna().to_numpy(np.float64))
    fresh = float(sizes[-1]) * 4 if len(sizes) else 1.0
    groups, handles = _combinations(runs, by), []
    for number, (group, look) in enumerate(zip(groups, _group_looks(len(groups)), strict=True)):
        shift = 2 ** (0.09 * (number - 0.5 * (len(groups) - 1)))  # side by side, so that no interval hides another
        name = _name(group, labels) or "all runs"
        _with_intervals(above, _all_where(shares, by, group), x, "share", name, look, shift, fresh)
        handles.append(Line2D([], [], markersize=3.5, linewidth=1.0, label=name, **look))
        _with_intervals(below, _all_where(overfit, by, group), x, "mean", name, look, shift, fresh)
    _share_axis(above.yaxis, "share of runs converged", ends=0.03)
    below.axhline(0, color=_GREY, linewidth=0.8, zorder=0)
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
    count = f"{_runs_of(shares)} a point. 95 % intervals, Student's for the mean (below)."
    _head(figure, title, f"{note} {count}".strip())
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
    axes.plot(at, table[column], look["marker"], color=look["color"], markersize=3.5, label=name)


# --- the referee --------------------------------------------------------------------------------


@_styled
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
    table = estimate(_in_order(_complete(runs, *by), by), by, ["referee_accuracy"])
    figure, axes = _one(ax, (_WIDTH, 1.35 + 0.26 * len(table)))
    y = np.arange(len(table), dtype=np.float64)
    names = [_name(row, labels) or "all runs" for row in table[list(by)].itertuples(index=False)]
    for at, row, name in zip(y, table.itertuples(index=False), names, strict=True):
        state = _split(name)[1]
        colour = COLOURS.get(state, _INK)
        axes.hlines(at, cast(float, row.q05), cast(float, row.q95), color=colour, linewidth=0.8, label="middle 90 %")
        axes.hlines(at, cast(float, row.low), cast(float, row.high), color=colour, linewidth=3.0, label="interval")
        axes.plot(cast(float, row.mean), at, MARKERS.get(state, "o"), color=colour, markersize=5, label=name)
    axes.axvline(0.5, color=_GREY, linewidth=0.8, linestyle=(0, (4, 1.5)), zorder=0)
    missing = [f", {count:,} missing" if count else "" for count in table["missing"]]
    counted = [f"{name}  ({_n([n])}{off})" for name, n, off in zip(names, table["n"], missing, strict=True)]
    axes.set_yticks(y, counted)
    axes.set(ylim=(len(table) - 0.4, -0.6))
    axes.set_xlim(min(0.45, float(table["q05"].min()) - 0.02), 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %", decimals=0))
    axes.set_xlabel("accuracy on held-out samples (50 %: cannot tell; 100 %: always right)")
    axes.tick_params(axis="y", length=0)
    note = "Marker and thick line: mean over runs, 95 % t interval. Thin line: the middle 90 % of the runs."
    if (table["low"] < axes.get_xlim()[0]).any() or (table["high"] > axes.get_xlim()[1]).any():
        note += " Cut: intervals that reach beyond the axis."
    _head_or_title(figure, ax, title, note)
    return figure


# --- numbers without runs -----------------------------------------------------------------------


@_styled
def ratio_bars(
    table: pd.DataFrame,
    rows: str | Sequence[str],
    columns: str | Sequence[str],
    labels: Labels | None = None,
    title: str = "Ratios",
    note: str = "",
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
    figure = Figure(figsize=(_WIDTH, 1.35 + pitch * len(table)), layout="constrained")
    axes = figure.add_subplot()
    looks = _group_looks(len(columns))
    for number, (column, look) in enumerate(zip(columns, looks, strict=True)):
        y = pitch * np.arange(len(table)) + thick * (number - 0.5 * (len(columns) - 1))
        known = np.isfinite(values[:, number])
        axes.barh(
            y[known], values[known, number] - 1, 0.88 * thick, 1.0, color=look["color"], label=_name([column], labels)
        )
        for at, value in zip(y, values[:, number], strict=True):
            text, x = (f"{_plain(float(f'{value:.3g}'))} ×", max(value, 1.0)) if value == value else ("not measured", 1)
            axes.annotate(text, (x, at), (3, 0), textcoords="offset points", va="center", size=_SMALL)
    names = [_name(row, labels) for row in table[list(rows)].itertuples(index=False)]
    axes.set_yticks(pitch * np.arange(len(table)), names)
    axes.set(xscale="log", ylim=(pitch * (len(table) - 0.5), -0.5 * pitch))
    axes.set_xlim(min(1.0, float(np.nanmin(values)) / 1.3), float(np.nanmax(values)) * 2.5)
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.axvline(1, color=_GREY, linewidth=0.8)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")
    figure.legend(loc="outside lower center", ncols=len(columns))
    _head(figure, title, note)
    return figure


@_styled
def lines_by_panel(
    table: pd.DataFrame,
    x: str,
    y: str,
    panel: str,
    labels: Labels | None = None,
    title: str = "",
    note: str = "",
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
    levels = _facets(table, panel)
    figure = Figure(figsize=(_WIDTH, 2.9), layout="constrained")
    grid = figure.subplots(1, len(levels), squeeze=False, sharey=True)[0]
    for axes, level in zip(grid, levels, strict=True):
        points = _where(table, panel, level).sort_values(x)
        axes.plot(points[x], points[y], "o-", color=_group_looks(1)[0]["color"], markersize=4, label=str(level))
        ticks = points[x].unique()
        axes.set(xscale="log", yscale="log", xlabel=_name([level], labels))
        axes.set_xlim(ticks[0] / 1.5, ticks[-1] * 1.5)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(ticks, [_plain(tick) for tick in ticks])
        axes.grid(True, axis="y")
    low, high = float(table[y].min()), float(table[y].max())
    grid[0].set_ylim(low / 1.6, high * 1.6)
    grid[0].yaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
    grid[0].yaxis.set_minor_locator(NullLocator())
    grid[0].yaxis.set_major_formatter(FuncFormatter(_plain))
    grid[0].set_ylabel(_name([y], labels))
    _head(figure, title, note)
    return figure


# --- what the functions above share -------------------------------------------------------------


def _one(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return the figure and the axes to draw in, new ones unless axes are given."""
    if ax is None:
        figure = Figure(figsize=size, layout="constrained")
        return figure, figure.add_subplot()
    return cast(Figure, cast(Any, ax.figure).figure), ax  # of a subfigure, the figure around it


def _head(figure: Figure, title: str, note: str) -> None:
    """Put title and note at the top left, and keep an automatic layout below them."""
    place, tall = _Inches(figure), figure.get_figheight()
    note = _wrapped(note, figure.get_figwidth())
    place.text(0.12, tall - 0.09, title, size=_TITLE, weight="bold", va="top")
    place.text(0.12, tall - 0.29, note, size=_SMALL, color=_GREY, va="top", linespacing=1.3)
    engine: Any = figure.get_layout_engine()
    if engine is not None:
        used = 0.29 + 0.14 * (1 + note.count("\n")) + 0.06
        engine.set(rect=(0.004, 0.004, 0.992, 1 - used / tall - 0.004))


def _wrapped(note: str, wide: float) -> str:
    """Break a note into lines that fit a figure so many inches wide."""
    return textwrap.fill(note.replace(" %", "\N{NO-BREAK SPACE}%"), int((wide - 0.24) * 72 / (0.56 * _SMALL)))


def _head_or_title(figure: Figure, ax: Axes | None, title: str, note: str) -> None:
    """Put title and note at the top of a figure of our own, else above the given axes."""
    if ax is None:
        _head(figure, title, note)
    else:
        ax.set_title(f"{title}\n{note}", loc="left", size=_SMALL)


class _Inches:
    """Places axes and texts by inches from the lower left corner of a figure."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.size = np.array([figure.get_figwidth(), figure.get_figheight()])

    def axes(self, x: float, y: float, wide: float, tall: float) -> Axes:
        corner, extent = np.array([x, y]) / self.size, np.array([wide, tall]) / self.size
        return self.figure.add_axes((*corner.tolist(), *extent.tolist()))

    def text(self, x: float, y: float, text: str, **look: Any) -> None:
        self.figure.text(x / float(self.size[0]), y / float(self.size[1]), text, **look)


def _inches(text: str, size: float) -> float:
    """Width of a text; 0 if there is nothing to see in it, as in a space of no width (U+200B)."""
    seen, _ = text_to_path.get_text_path(FontProperties(size=size), text)
    return float(TextPath((0, 0), text, size=size).get_extents().width) / 72 if len(seen) else 0.0


def _share_axis(axis: Any, label: str, ends: float = 0.0) -> None:
    """Give an axis the scale of a share, with room for what sits on its ends."""
    axis.axes.set(**{f"{axis.axis_name}lim": (-ends, 1 + ends)})
    axis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axis.set_major_formatter(PercentFormatter(1, symbol=" %", decimals=0))
    axis.set_label_text(label)


def _remark(axes: Axes, x: float, y: float, text: str, ha: str = "left", va: str = "bottom") -> None:
    """Write a small text over what is drawn, at a place in fractions of the axes."""
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1}
    axes.text(x, y, text, transform=axes.transAxes, size=_SMALL - 0.5, ha=ha, va=va, bbox=box, zorder=4)


def _few_ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))


def _plain(value: float, position: int | None = None) -> str:
    """Write a number, thousands separated, millions as "1 M", from 10¹⁰ on powers of ten, a minus sign."""
    if abs(value) >= 1e10:
        mantissa, _, exponent = f"{value:.3g}".partition("e")  # .3g of so large a number has an exponent
        text = f"{mantissa}×10{_raised(int(exponent))}"
    elif abs(value) >= 1e6:
        text = f"{value / 1e6:,.4g} M"
    else:
        text = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
    return text.replace("-", "−")


def _n(counts: ArrayLike) -> str:
    """Say how many, as in "n = 1,000" or "n = 24 to 1,000"."""
    counts = np.asarray(counts)
    low, high = int(counts.min()), int(counts.max())
    return f"n = {low:,}" if low == high else f"n = {low:,} to {high:,}"


def _runs(counts: ArrayLike) -> str:
    """Say how many runs."""
    return f"{_n(counts)} run{'' if np.max(np.asarray(counts)) == 1 else 's'}"


def _runs_of(table: pd.DataFrame) -> str:
    """Say how many runs a group of a table has, and of how many replicates if these are fewer."""
    fewer = table["replicates"] < table["n"]
    return _runs(table["n"]) + (f" of {_n(table['replicates'])[4:]} replicates" if fewer.any() else "")


def _name(values: Iterable[Any], labels: Labels | None, joint: str = ", ") -> str:
    """Say which group, from its levels."""
    given = {**_LABELS, **(labels or {})}
    return joint.join(given.get(v, _word(v)) for v in values)


def _word(level: Any) -> str:
    """Write a level. Dollar signs are signs here, not mathematics: what a caller writes in `labels` may have some."""
    if pd.isna(level):
        return "–"
    return f"{level:g}" if isinstance(level, float) else str(level).replace("$", r"\$")


def _facets(frame: pd.DataFrame, column: str | None) -> list[Any]:
    """Return the levels of a column in order of first appearance, or None for a single panel."""
    return [None] if column is None else list(frame[column].unique())


def _combinations(frame: pd.DataFrame, by: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the combinations of levels in order of first appearance."""
    return list(frame[list(by)].drop_duplicates().itertuples(index=False, name=None)) if by else [()]


def _in_order(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Sort rows by the order of each column's levels: a categorical's own, else that of first appearance."""
    if not by:
        return frame
    ordered = [isinstance(frame[name].dtype, pd.CategoricalDtype) for name in by]
    codes = [frame[n].cat.codes if own else pd.factorize(frame[n])[0] for n, own in zip(by, ordered, strict=True)]
    return frame.iloc[np.lexsort(codes[::-1])]


def _where(frame: pd.DataFrame, column: str | None, level: Any) -> pd.DataFrame:
    if column is None:
        return frame
    return frame[frame[column].isna() if pd.isna(level) else frame[column] == level]


def _all_where(frame: pd.DataFrame, by: Sequence[str], levels: Sequence[Any]) -> pd.DataFrame:
    for column, level in zip(by, levels, strict=True):
        frame = _where(frame, column, level)
    return frame


def _refuse_unfit(runs: pd.DataFrame) -> None:
    """Refuse what is no frame of runs, or holds one twice."""
    check_frame(runs)
    refuse_twice(runs)


def _complete(runs: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Give columns of states all their levels in order, also where runs were read from a file of texts."""
    _refuse_unfit(runs)
    types = {name: pd.CategoricalDtype(pd.Index(levels), ordered=True) for name, levels in _LEVELS.items()}
    return runs.astype({name: types[name] for name in columns if name in types and name in runs})


def _chosen(table: pd.DataFrame, column: str, level: str) -> pd.DataFrame:
    """Rows of a table of shares that speak of one level, one per group."""
    if level not in set(table[column]):
        raise ConfigError(f"{column}: {level!r} does not occur; allowed: {', '.join(map(str, table[column].unique()))}")
    return table[(table[column] == level).to_numpy()].reset_index(drop=True)


def _group_looks(groups: int) -> list[dict[str, Any]]:
    """Colours, dashes and markers for groups that are not states, from dark to light."""
    colours = sns.color_palette("rocket", groups + 1)[:groups]
    dashes, markers = itertools.cycle(_GROUP_DASHES), itertools.cycle(_GROUP_MARKERS)
    looks = zip(colours, dashes, markers, strict=False)
    return [{"color": colour, "linestyle": dash, "marker": marker} for colour, dash, marker in looks]
