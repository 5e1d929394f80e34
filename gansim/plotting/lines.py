"""Shares of runs against a factor, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gansim.analysis.groups import settings_of, varied
from gansim.analysis.outcomes import Outcome
from gansim.analysis.shares import tabulate
from gansim.design.in_words.setting import sentence
from gansim.errors import ConfigError, shown
from gansim.plotting.asked import either_of, outcome_of, pooled_over, shares_of, slim, states_of
from gansim.plotting.look import (
    DASHES,
    SMALL,
    Labels,
    canvas,
    captioned,
    chosen,
    group_looks,
    name_,
    names_of,
    runs_of,
    share_axis,
    state_look,
    styled,
    typed,
    where_,
)
from gansim.plotting.scales import Scale, scale_of

__all__ = ["FEW", "shares"]

FEW = 30  # runs: below that a share is drawn hollow, for its interval says more than it does
_MOST_LINES = 10
_MOST_LEVELS = 200
_JOINED = 24  # levels of a number: points of more lie too close for a line to tell anything but noise


@styled
def shares(
    runs: pd.DataFrame,
    x: str | None = None,
    hue: str | None = None,
    outcome: str = "g_state",
    level: Any = None,
    *,
    ax: Axes | None = None,
    labels: Labels | None = None,
    title: str | None = None,
    note: str | None = None,
    confidence: float = 0.95,
) -> Axes:
    """Draw the share of runs with an outcome against a factor, with intervals: lines over numbers, else points.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    x : str, optional
        The factor along the axis; by default the first that varies. Numbers that grow by factors have a logarithmic
        axis, text keeps its order.
    hue : str, optional
        The factor whose levels have a colour, a dash and a mark each, ten at most. By default the second that varies,
        if there are two.
    outcome, level : str and object
        A column and its level, or a state by itself: ``"collapsed"``. By default, with `hue` or a second factor,
        g_state and converged; else every state of G that occurs, in its colour.
    ax : Axes, optional
        Where to draw; by default a new figure.
    labels : mapping, optional
        What to write instead of a level or a column name.
    title, note : str, optional
        Instead of those that tell the outcome, target, steps, n and pooled factors.
    confidence : float, default 0.95
        Confidence level of the intervals, which are those of `gansim.tabulate`.

    Returns
    -------
    Axes
        Marks of groups of fewer than 30 runs are hollow.

    Raises
    ------
    ConfigError
        If there are no runs, a column or a level is missing, or there are more than ten lines.

    Examples
    --------
    >>> import gansim as gs
    >>> from matplotlib.figure import Figure
    >>> gan = gs.GAN(target=gs.Normal(), steps=8, records=4, n_eval=32)
    >>> study = gs.Study("rates", gan, {"optimizer_d.lr": [1e-3, 1e-2]}, reps=8)
    >>> ax = gs.plot.shares(study.run(progress=False), outcome="off target", ax=Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('learning rate of D', 'share of runs')
    """
    settings = settings_of(runs)
    factors = varied(settings)
    x = either_of(runs, factors, x, "x", [hue])
    if len(scale_of(runs, x).levels) > _MOST_LEVELS:
        raise ConfigError(
            f"x: value {shown(x)}: a column of at most {_MOST_LEVELS} levels; of a sample, draw the surface"
        )
    others = [name for name in factors if name != x]
    single = level is not None or outcome not in runs.columns
    by_state = hue is None and not single and outcome in ("g_state", "d_state", "regime") and not others
    if by_state:
        lines = _by_state(slim(runs, x, outcome), x, outcome, confidence)
    else:
        hue = either_of(runs, factors, hue, "hue", [x]) if hue is not None or len(others) == 1 else None
        meant = outcome_of(runs, outcome, level)
        lines = _by_level(slim(runs, x, *filter(None, [hue]), meant.column), x, hue, meant, labels, confidence)
    if len(lines) > _MOST_LINES:
        raise ConfigError(f"hue: value {shown(hue)}: a column of at most {_MOST_LINES} levels, not {len(lines)}")
    scale, (figure, axes) = scale_of(runs, x), canvas(ax, (6.4, 3.9))
    for number, (name, table, look) in enumerate(lines):
        _draw(axes, table, scale, (number, len(lines)), name, look)
    scale.dress(axes, "x", labels)
    share_axis(axes.yaxis, "share of runs", ends=0.04)
    axes.grid(True, axis="y")
    every = pd.concat([table for _, table, _ in lines])
    words = {"g_state": "What G did", "d_state": "What D did", "regime": "How training ended"}
    said = words[outcome] if by_state else f"Share of runs with {outcome_of(runs, outcome, level).words}"
    if len(lines) > 1 or hue is not None:
        _legend(axes, lines, names_of([hue], labels) if hue is not None else None)
    if title is None:
        title = f"{said} by {names_of([x], labels)}" + (f" and {names_of([hue], labels)}" if hue is not None else "")
    if note is None:
        note = " ".join(filter(None, [sentence(runs), _counts(every, confidence), pooled_over(settings, [x, hue])]))
    captioned(figure, ax, axes, title, note)
    return axes


def _by_state(runs: pd.DataFrame, x: str, column: str, confidence: float) -> list[tuple[str, pd.DataFrame, Any]]:
    """A line per state that occurs."""
    table = tabulate(typed(runs, column), [x], column, confidence)
    found = []
    for state in states_of(runs, column):
        parts = str(state.level).partition(", ")
        look = state_look(parts[2] or parts[0]) | {"linestyle": DASHES[parts[0]]}
        found.append((state.words, chosen(table, column, state.level), look))
    return found


def _by_level(
    runs: pd.DataFrame, x: str, hue: str | None, outcome: Outcome, labels: Labels | None, confidence: float
) -> list[tuple[str, pd.DataFrame, Any]]:
    """A line per level of a factor, of one outcome."""
    if hue is None:
        look = {"color": "#1a1a1a", "marker": "o", **state_look(outcome.level), "linestyle": "-"}
        return [(outcome.words, shares_of(runs, [x], outcome, confidence), look)]
    levels = scale_of(runs, hue).levels
    if len(levels) > _MOST_LINES:
        raise ConfigError(f"hue: value {shown(hue)}: a column of at most {_MOST_LINES} levels, not {len(levels)}")
    table, looks = shares_of(runs, [hue, x], outcome, confidence), group_looks(len(levels))
    words = [name_(["none" if level is None else level], labels) for level in levels]
    parts = [where_(table, hue, level) for level in levels]
    return list(zip(words, parts, looks, strict=True))


def _draw(
    axes: Axes, table: pd.DataFrame, scale: Scale, place: tuple[int, int], name: str, look: Mapping[str, Any]
) -> None:
    at = scale.at(table[scale.name])
    order = np.argsort(at, kind="stable")
    table, at = table.iloc[order], scale.shifted(at[order], *place)
    if scale.kind != "category" and len(scale.levels) <= _JOINED:
        axes.plot(at, table["share"], color=look["color"], linestyle=look["linestyle"], linewidth=1.1, label="_line")
    # Caps are wider than the marks, so that an interval of half a point, at 0 or 100 %, still shows at both sides.
    ends = np.abs(table[["low", "high"]].to_numpy().T - table["share"].to_numpy())
    bars = axes.errorbar(at, table["share"], ends, fmt="none", ecolor=look["color"], elinewidth=1.1, capsize=4.2)
    for artist in (*bars[1], *bars[2]):
        artist.set(clip_on=False)
    bars.set_label("_interval")
    for few in (False, True):
        some = ((table["n"] < FEW) == few).to_numpy()
        fill = "white" if few else look["color"]
        mark = {"color": look["color"], "marker": look["marker"], "markerfacecolor": fill, "markersize": 4.6}
        if some.any():
            axes.plot(at[some], table["share"][some], linestyle="", clip_on=False, label=name, zorder=3, **mark)


def _legend(axes: Axes, lines: list[tuple[str, pd.DataFrame, Any]], title: str | None) -> None:
    keys = ("color", "linestyle", "marker")
    handles = [Line2D([], [], markersize=4.6, label=name, **{k: look[k] for k in keys}) for name, _, look in lines]
    place: Any = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5), "borderaxespad": 0.0, "alignment": "left"}
    axes.legend(handles=handles, title=title, title_fontsize=SMALL, handlelength=2.4, **place)


def _counts(table: pd.DataFrame, confidence: float) -> str:
    few = " Hollow: fewer than 30 runs." if (table["n"] < FEW).any() and (table["n"] >= FEW).any() else ""
    return f"{runs_of(table)} a point, {100 * confidence:g} % intervals.{few}"
