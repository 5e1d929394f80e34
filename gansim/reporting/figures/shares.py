"""Shares of the regimes as stacked bars, with the intervals of the main ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gansim.analysis.digits import limit_text
from gansim.analysis.outcomes import STATES
from gansim.analysis.replicates import columns_of
from gansim.analysis.shares import tabulate
from gansim.design.in_words.setting import sentence
from gansim.design.regimes import D_STATES, G_STATES, REGIMES
from gansim.plotting.asked import states_of
from gansim.plotting.bars import regime_look, row_names, split, stack
from gansim.plotting.look import (
    COLOURS,
    GREY,
    INK,
    NORMAL,
    SMALL,
    WIDTH,
    Floats,
    Inches,
    Labels,
    chosen,
    complete,
    head,
    inches,
    name_,
    runs_of,
    share_axis,
    styled,
    wrapped,
)

__all__ = ["MAIN_SHARES", "regime_shares"]

MAIN_SHARES: tuple[tuple[str, str], ...] = (
    ("g_state", "converged"),
    ("g_state", "collapsed"),
    ("d_state", "perfect"),
    ("d_state", "idle"),
    ("d_state", "inverted"),
)
"""The shares that `regime_shares` draws with their intervals."""
_NARROW = 0.03  # of the axis: two pixels
_MOST_SHARES = 6


@styled
def regime_shares(
    runs: pd.DataFrame,
    rows: str | Sequence[str] = ("activation", "generator"),
    blocks: str | Sequence[str] = ("scale", "game"),
    main: Sequence[tuple[str, str]] | None = MAIN_SHARES,
    labels: Labels | None = None,
    title: str = "How training ends",
    note: str = "",
) -> Figure:
    """Draw how often each regime occurs: a stacked bar a row and, beside it, the main shares with their intervals.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with the columns of `gansim.label`.
    rows, blocks : str or sequence of str
        Columns whose combinations are the rows, and the headed blocks that the rows stand in; blocks may be none. Order
        of first appearance.
    main : sequence of (column, level), optional
        The shares drawn with 95 % intervals, one column of the figure each. None: the six states of either player whose
        shares differ most between rows.
    labels : mapping, optional
        What to write instead of a level or a column name.
    title : str
        The title.
    note : str, optional
        What all runs have in common; by default what the frame says of target, data and steps.

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
    runs, by = complete(runs, *STATES), [*blocks, *rows]
    main = _most_telling(runs, by) if main is None else main
    shares = tabulate(runs, by, "regime")
    groups = shares[by].iloc[:: len(REGIMES)].reset_index(drop=True) if by else pd.DataFrame(index=[0])
    names = row_names(groups[rows], labels) if rows else ["all runs"] * len(groups)
    heads = [name_(row[: len(blocks)], labels, " · ") for row in groups.itertuples(index=False)]
    starts = [i for i, head in enumerate(heads) if head and (i == 0 or head != heads[i - 1])]
    pitch, gap = 0.19, 0.30
    y = np.array([(i + 0.5) * pitch + gap * sum(start <= i for start in starts) for i in range(len(names))])
    tall = float(y[-1]) + 0.5 * pitch + 0.03

    left = 0.12 + max(inches(name, SMALL) for name in set(names)) + 0.08
    occurring = [regime for regime in REGIMES if shares.loc[shares["regime"] == regime, "count"].sum()]
    legend_tall = 0.17 * (2 + len({split(regime)[0] for regime in occurring}))
    how = "Right: shares (lines) with 95 % intervals (bands; in numbers where they are too narrow to be seen)."
    told = f"{note or sentence(runs)} Each row: {runs_of(shares)}. {how}".strip()
    wide_all = max(WIDTH, left + 5.6)
    top, bottom = 0.72 + 0.14 * wrapped(told, wide_all).count("\n"), 0.5 + legend_tall
    figure = Figure(figsize=(wide_all, top + tall + bottom))
    place = Inches(figure)
    head(figure, title, told)
    space = figure.get_figwidth() - left - 0.15
    wide = (0.36 if len(main) < 6 else 0.28) * space
    bars = place.axes(left, bottom, wide, tall)
    stack(bars, shares, y, 0.72 * pitch)
    share_axis(bars.xaxis, "")
    bars.set_xticks([0, 0.5, 1], ["0", "50", "100"])
    place.text(left + wide / 2, bottom - 0.4, "share of runs (%), by regime", size=NORMAL, ha="center")
    bars.set(ylim=(tall, 0), yticks=y, yticklabels=names)
    bars.tick_params(axis="y", length=0, pad=3)
    bars.spines["left"].set_visible(False)
    for start in starts:
        place.text(0.12, bottom + tall - float(y[start]) + 0.5 * pitch + 0.05, heads[start], weight="bold", size=SMALL)

    step = (space - wide) / max(1, len(main))
    for position, (column, level) in enumerate(main):
        axes = place.axes(left + wide + position * step + 0.2, bottom, step - 0.2, tall)
        _estimates(axes, chosen(tabulate(runs, by, column), column, level), y, level)
        axes.set(ylim=(tall, 0), yticks=[])
        player = "" if level == "non-finite" else f"{column[0].upper()} "
        axes.set_title(_two_lines(f"{player}{name_([level], labels)}", step - 0.05), size=SMALL, pad=3)
    if main:
        note = "share of runs (%), 95 % interval"
        place.text(left + wide + 0.5 * (space - wide) + 0.1, bottom - 0.4, note, size=NORMAL, ha="center")
    _regime_legend(place.axes(left, 0.02, 4.6, legend_tall - 0.05), occurring)
    return figure


def _estimates(axes: Axes, shares: pd.DataFrame, y: Floats, level: str) -> None:
    """Estimates with intervals, one per row of a table of shares."""
    axes.hlines(y, 0, 1, color="#eeeeee", linewidth=0.6, zorder=0)
    # A dot would hide the interval of 1,000 runs, two pixels to either side; a line sticks out above and below it.
    look: Any = {"color": COLOURS.get(level, INK), "clip_on": False}
    axes.hlines(y, shares["low"], shares["high"], linewidth=4, label="interval", **look)
    axes.plot(shares["share"], y, "|", markersize=8, markeredgewidth=0.9, label="share", **look)
    sure: Any = {"size": SMALL - 1.5, "color": GREY, "va": "center", "textcoords": "offset points"}
    for at, share, low, high in zip(y, shares["share"], shares["low"], shares["high"], strict=True):
        if share in (0, 1) and high - low < _NARROW:  # a band that nobody would see: its far limit, in numbers
            text = f"≤ {limit_text(high)}" if share == 0 else f"≥ {limit_text(low)}"
            side: Any = {"ha": "left", "xytext": (4, 0)} if share == 0 else {"ha": "right", "xytext": (-4, 0)}
            axes.annotate(text, (share, at), **sure, **side)
    share_axis(axes.xaxis, "")
    axes.set_xticks([0, 0.5, 1], ["0", "", "100"])
    first, _, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")  # centred, 100 and the next panel's 0 read as one number
    last.set_horizontalalignment("right")
    axes.grid(True, axis="x")
    axes.spines["left"].set_visible(False)


def _most_telling(runs: pd.DataFrame, by: Sequence[str]) -> list[tuple[str, str]]:
    """The states whose shares differ most between groups, in their order; of a single group, the most frequent."""
    found = {}
    for column in ("g_state", "d_state"):
        table = tabulate(runs, by, column)
        for state in states_of(runs, column):
            share = table["share"][(table[column] == state.level).to_numpy()]
            if (column, state.level) != ("d_state", "non-finite"):  # D shares this label with G
                found[column, str(state.level)] = (float(np.ptp(share)), float(share.max()))
    kept = sorted(found, key=lambda state: found[state], reverse=True)[:_MOST_SHARES]
    return [state for state in found if state in kept]


def _two_lines(text: str, wide: float) -> str:
    """Break a heading that is wider than its panel before its last word."""
    return "\n".join(text.rsplit(" ", 1)) if inches(text, SMALL) > wide else text


def _regime_legend(axes: Axes, occurring: Sequence[str]) -> None:
    """Table of the regimes that occur: a line for what G did, a column for what D did."""
    axes.set_axis_off()
    pairs = [split(regime) for regime in occurring]
    g_seen = [g for g in G_STATES if any(g == pair[0] for pair in pairs)]
    d_seen = [d for d in D_STATES if any(d == pair[1] for pair in pairs) and d != "non-finite"]
    axes.set(xlim=(0, 4.6), ylim=(len(g_seen) + 1, 0))
    for column, d in enumerate(d_seen):
        axes.text(1.15 + 0.85 * column, 0.5, f"D {d}", va="center", size=SMALL)
    for line, g in enumerate(g_seen, start=1):
        axes.text(0, line + 0.5, g if g == "non-finite" else f"G {g}", va="center", size=SMALL)
        for regime, pair in zip(occurring, pairs, strict=True):
            if pair[0] == g:
                x = 1.15 + 0.85 * (0 if g == "non-finite" else d_seen.index(pair[1]))
                axes.add_patch(Rectangle((x, line + 0.12), 0.5, 0.76, label=regime, **regime_look(regime)))
