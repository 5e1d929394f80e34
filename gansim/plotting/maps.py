"""Shares of runs over two factors: the cells of a grid, or the points of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gansim.analysis.digits import percent
from gansim.analysis.groups import settings_of, varied
from gansim.analysis.outcomes import Outcome
from gansim.design.in_words.setting import sentence
from gansim.errors import ConfigError
from gansim.plotting.asked import either_of, outcome_of, pooled_over, shares_of, slim, states_of
from gansim.plotting.look import (
    COLOURS,
    INK,
    MARKERS,
    SMALL,
    Labels,
    canvas,
    captioned,
    names_of,
    number_on_axis,
    runs_of,
    styled,
    typed,
)
from gansim.plotting.scales import Scale, scale_of, slant

__all__ = ["heatmap", "surface"]

_COLOURS = "cividis"  # the same to everybody, and in grey
_MOST_WORDS = 12  # rows or columns of a map whose cells have room for a number
_WORD, _NUMBER = 0.42, 0.2  # inches that "100 %" and "100" take
_MOST_LEVELS = 200  # rows or columns that a picture has pixels for


@styled
def heatmap(
    runs: pd.DataFrame,
    x: str | None = None,
    y: str | None = None,
    outcome: str = "g_state",
    level: Any = None,
    *,
    ax: Axes | None = None,
    labels: Labels | None = None,
    title: str | None = None,
    note: str | None = None,
    confidence: float = 0.95,
    cbar: bool = True,
) -> Axes:
    """Draw the share of runs with an outcome over two factors, a rectangle for each combination of levels.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    x, y : str, optional
        The factors; by default the first two that vary. Levels stand in order at equal distances.
    outcome, level : str and object, default "g_state", "converged"
        A column and its level, or a state by itself: ``"collapsed"``.
    ax, labels, title, note, confidence
        As for `shares`.
    cbar : bool, default True
        Whether to draw the bar that tells the colours.

    Returns
    -------
    Axes
        Where there is room each rectangle holds its share, and n if that differs. Rectangles without runs are white.

    Raises
    ------
    ConfigError
        If there are no runs, a column or a level is missing, or fewer than two factors vary and none is named.

    Examples
    --------
    >>> import gansim as gs
    >>> from matplotlib.figure import Figure
    >>> gan = gs.GAN(target=gs.Normal(), steps=8, records=4, n_eval=32)
    >>> factors = {"optimizer_g.lr": [1e-3, 1e-2], "game": ["minimax", "non-saturating"]}
    >>> runs = gs.Study("rates", gan, factors, reps=8).run(progress=False)
    >>> ax = gs.plot.heatmap(runs, outcome="collapsed", ax=Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['0.001', '0.01']
    """
    settings = settings_of(runs)
    factors = varied(settings)
    x = either_of(runs, factors, x, "x", [y])
    y = either_of(runs, factors, y, "y", [x])
    meant = outcome_of(runs, outcome, level)
    across, up = _ordered(runs, x), _ordered(runs, y)
    table = shares_of(slim(runs, x, y, meant.column), [y, x], meant, confidence)
    at = (up.at(table[y]).astype(int), across.at(table[x]).astype(int))
    share, n = (
        np.full((len(up.levels), len(across.levels)), np.nan),
        np.zeros((len(up.levels), len(across.levels)), int),
    )
    share[at], n[at] = table["share"], table["n"]
    figure, axes = canvas(
        ax, (max(4.6, min(7.2, 2.6 + 0.62 * share.shape[1])), max(3.0, min(6.4, 1.9 + 0.42 * len(share))))
    )
    edges = [np.arange(size + 1) - 0.5 for size in share.shape[::-1]]
    mesh = axes.pcolormesh(*edges, share, cmap=_COLOURS, vmin=0, vmax=1, linewidth=0, label="share", rasterized=True)
    _write(axes, share, n, differ=bool(table["n"].nunique() > 1))
    for scale, which in ((across, "x"), (up, "y")):
        scale.dress(axes, which, labels)
        _thin_ticks(axes, which, scale)
    if cbar:
        _bar(figure, axes, mesh, meant)
    if title is None:
        title = _by(f"Share of runs with {meant.words}", x, y, labels)
    if note is None:
        white = "White: no runs." if np.isnan(share).any() else ""
        note = " ".join(filter(None, [_note(runs, settings, table, [x, y], "a cell", confidence), white]))
    captioned(figure, ax, axes, title, note)
    return axes


@styled
def surface(
    runs: pd.DataFrame,
    x: str | None = None,
    y: str | None = None,
    outcome: str = "g_state",
    level: Any = None,
    *,
    ax: Axes | None = None,
    labels: Labels | None = None,
    title: str | None = None,
    note: str | None = None,
    confidence: float = 0.95,
    cbar: bool = True,
) -> Axes:
    """Draw the points of a sampled design, coloured by the share of their runs with an outcome, or by their state.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    x, y : str, optional
        Two factors that are numbers; by default the first two that vary.
    outcome, level : str and object, default "g_state"
        A column and its level, or a state by itself. Without a level, points of one run each have the colour and the
        mark of their state; others have the share of the first level, converged.
    ax, labels, title, note, confidence
        As for `shares`.
    cbar : bool, default True
        Whether to draw the bar that tells the colours.

    Returns
    -------
    Axes
        Numbers that spread over factors have logarithmic axes.

    Raises
    ------
    ConfigError
        If there are no runs, a column or a level is missing or holds no numbers.

    Examples
    --------
    >>> import gansim as gs
    >>> from matplotlib.figure import Figure
    >>> gan = gs.GAN(target=gs.Normal(), steps=8, records=4, n_eval=32)
    >>> points = gs.Sobol({f"optimizer_{p}.lr": gs.LogUniform(1e-4, 1e-1) for p in "gd"}, n=16)
    >>> runs = gs.Study("rates", gan, points, reps=4).run(progress=False)
    >>> gs.plot.surface(runs, ax=Figure().add_subplot()).get_xscale()
    'log'
    """
    settings = settings_of(runs)
    factors = [name for name in varied(settings) if settings[name].dtype.kind in "iuf"]
    x = either_of(runs, factors, x, "x", [y])
    y = either_of(runs, factors, y, "y", [x])
    scales = [_numeric(runs, name) for name in (x, y)]
    states = level is None and outcome in ("g_state", "d_state") and not runs.duplicated([x, y]).any()
    meant = outcome_of(runs, outcome, level)
    figure, axes = canvas(ax, (6.2, 4.8))
    if states:
        words = {"g_state": "What G did", "d_state": "What D did"}[outcome]
        table = typed(slim(runs, x, y, outcome), outcome).assign(n=1, replicates=1)
        _points_by_state(axes, table, x, y, outcome)
    else:
        words = f"Share of runs with {meant.words}"
        table = shares_of(slim(runs, x, y, meant.column), [x, y], meant, confidence)
        _points_by_share(figure if cbar else None, axes, table, x, y, meant)
    for scale, which in zip(scales, ("x", "y"), strict=True):
        scale.dress(axes, which, labels)
    if title is None:
        title = _by(words, x, y, labels)
    if note is None:
        note = _note(runs, settings, table, [x, y], "a point", None if states else confidence)
    captioned(figure, ax, axes, title, note)
    return axes


def _by(words: str, x: str, y: str, labels: Labels | None) -> str:
    return f"{words} by {names_of([x], labels)} and {names_of([y], labels)}"


def _points_by_share(figure: Figure | None, axes: Axes, table: pd.DataFrame, x: str, y: str, meant: Outcome) -> None:
    look: Any = {
        "cmap": _COLOURS,
        "vmin": 0,
        "vmax": 1,
        "edgecolors": INK,
        "linewidths": 0.5 if len(table) < 3000 else 0,
    }
    size = float(np.clip(9000 / len(table), 2, 42))
    dots = axes.scatter(
        table[x], table[y], c=table["share"], s=size, label="share", rasterized=len(table) > 500, **look
    )
    if figure is not None:
        _bar(figure, axes, dots, meant)


def _points_by_state(axes: Axes, table: pd.DataFrame, x: str, y: str, column: str) -> None:
    size = float(np.clip(9000 / len(table), 3, 42))
    for state in states_of(table, column):
        mine = table[table[column] == state.level]
        name = f"{state.words} ({len(mine):,})"
        look: Any = {"color": COLOURS[state.level], "marker": MARKERS[state.level], "rasterized": len(table) > 500}
        axes.scatter(mine[x], mine[y], s=size, linewidths=0, label=name, **look)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), borderaxespad=0.0)


def _numeric(runs: pd.DataFrame, name: str) -> Scale:
    scale = scale_of(runs, name)
    if scale.kind == "category":
        raise ConfigError(f"{name}: a column of text or with missing values: numbers, one for every run")
    low, high = scale.levels[0], scale.levels[-1]
    # The gaps of a sample are chance: what tells is how the middle lies.
    if low > 0 and high / low >= 10:
        middle = float(np.median(scale.levels))
        kind = "log" if abs(np.log(middle / np.sqrt(low * high))) < np.log(high / low) / 4 else "linear"
        return Scale(name, scale.levels, kind)
    return Scale(name, scale.levels, "linear")


def _ordered(runs: pd.DataFrame, name: str) -> Scale:
    """The levels as places in a row, whatever they are."""
    scale = scale_of(runs, name)
    if len(scale.levels) > _MOST_LEVELS:
        raise ConfigError(
            f"{name}: {len(scale.levels):,} levels: at most {_MOST_LEVELS}; of a sample, draw the surface"
        )
    return Scale(name, scale.levels, "category")


def _thin_ticks(axes: Axes, which: str, scale: Scale) -> None:
    """Write numbers as on any axis, and of many levels only some."""
    every = max(1, -(-len(scale.levels) // (10 if which == "x" else 16)))
    if every == 1 and not all(isinstance(level, (int, float)) for level in scale.levels):
        return
    numbers = all(isinstance(level, (int, float)) for level in scale.levels)
    words = [number_on_axis(level) if numbers else str(level) for level in scale.levels[::every]]
    getattr(axes, f"{which}axis").set_ticks(np.arange(0, len(scale.levels), every), words)
    if which == "x":
        slant(axes, words)


def _write(axes: Axes, share: np.ndarray[Any, Any], n: np.ndarray[Any, Any], differ: bool) -> None:
    """The share in each rectangle, and n where it is not the same in all; as much of it as there is room for."""
    spec, whole = axes.get_subplotspec(), axes.figure.get_figure(root=True)
    across = spec.get_gridspec().ncols if spec else 1
    wide = 0.8 * float(whole.get_size_inches()[0]) / across / share.shape[1]  # a fifth is for what stands beside
    if max(share.shape) > _MOST_WORDS or wide < _NUMBER:
        return
    for row, column in zip(*np.nonzero(n), strict=True):
        number = percent(float(share[row, column]), 0)
        text = number + (f"\nn = {n[row, column]:,}" if differ else "") if wide >= _WORD else number.removesuffix(" %")
        dark = share[row, column] < 0.55
        axes.text(column, row, text, ha="center", va="center", size=SMALL - 0.5, color="white" if dark else INK)


def _bar(figure: Figure, axes: Axes, drawn: Any, meant: Outcome) -> None:
    bar = figure.colorbar(
        drawn, ax=axes, label=f"share of runs with {meant.words}", format=PercentFormatter(1, symbol=" %")
    )
    bar.outline.set_visible(False)


def _note(
    runs: pd.DataFrame,
    settings: pd.DataFrame,
    table: pd.DataFrame,
    drawn: Sequence[str],
    each: str,
    confidence: float | None,
) -> str:
    count = f"{runs_of(table)} {each}"
    if confidence is not None:
        widest = 100 * float((table["high"] - table["low"]).max())
        count += f"; widest {100 * confidence:g} % interval: {widest:.{0 if widest >= 2 else 1}f} points"
    return " ".join(filter(None, [sentence(runs), f"{count}.", pooled_over(settings, drawn)]))
