"""The figure that a design deserves: lines for one factor, maps for two, points for a sample, else bars or an overview.

Every state of either player that occurs is shown, a panel each; the pictures are those of `gansim.plot`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gansim.analysis.groups import settings_of, varied
from gansim.analysis.outcomes import Outcome
from gansim.design.design import Design, Listed
from gansim.design.in_words.setting import sentence
from gansim.design.sampling import Sample
from gansim.plotting.asked import states_of
from gansim.plotting.lines import shares
from gansim.plotting.look import WIDTH, head, n_in_words, names_of, styled
from gansim.plotting.maps import heatmap, surface
from gansim.plotting.scales import slant
from gansim.reporting.figures.shares import regime_shares

__all__ = ["design_figure"]

_MOST_ROWS = 40  # bars in a figure; more of them cannot be read
_MOST_PANELS = 24
_PLAYERS = ("g_state", "d_state")
Draw = Callable[[Outcome, Axes], object]


@styled
def design_figure(runs: pd.DataFrame, design: Design) -> tuple[Figure, str]:
    """Draw how the runs of a design ended.

    Parameters
    ----------
    runs : DataFrame
        Its runs.
    design : Design
        The design.

    Returns
    -------
    figure : Figure
        What suits its factors.
    said : str
        What a reader has to be told of factors that it pools over; nothing if it shows all.
    """
    factors = varied(settings_of(runs))
    numbers = [name for name in factors if runs[name].dtype.kind in "iuf"]
    title = f"How training ends: {design.name}"
    if _sampled(design) and len(numbers) >= 2:
        return _surfaces(runs, numbers, factors, title)
    if len(factors) == 1:
        return _lines(runs, factors[0], title), ""
    if len(factors) == 2 and _fits_a_map(runs, factors):
        return _maps(runs, factors, title), ""
    if len(design.cells) <= _MOST_ROWS:
        return regime_shares(runs, rows=factors or _columns(runs, design), blocks=(), main=None, title=title), ""
    return _overview(runs, factors, title)


def _columns(runs: pd.DataFrame, design: Design) -> list[str]:
    """What tells the cells apart where no factor varies: the design's own columns, or its name."""
    return list(design.columns) or ["design"]


def _sampled(design: Design) -> bool:
    given = design.factors
    if isinstance(given, Listed):
        return given.sample is not None
    levels = given.values() if isinstance(given, Mapping) else [given]
    return any(isinstance(one, Sample) for one in levels)


def _fits_a_map(runs: pd.DataFrame, factors: Sequence[str]) -> bool:
    return all(2 <= runs[name].nunique(dropna=False) <= 40 for name in factors)


def _lines(runs: pd.DataFrame, factor: str, title: str) -> Figure:
    """What G did and what D did, side by side."""
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    [grid] = figure.subplots(1, 2, squeeze=False, sharey=True)
    for axes, column in zip(grid, _PLAYERS, strict=True):
        panel = {"g_state": "What G did", "d_state": "What D did"}[column]
        shares(runs, factor, outcome=column, ax=axes, title=panel, note="")
        _legend_below(axes)
    grid[1].set_ylabel("")
    head(figure, title, _note(runs, [factor], "a point, 95 % intervals"))
    return figure


def _legend_below(axes: Axes) -> None:
    legend = axes.get_legend()
    if legend is not None:
        handles = legend.legend_handles
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, columnspacing=1.2)


def _maps(runs: pd.DataFrame, factors: Sequence[str], title: str) -> Figure:
    """A map per state; the factor with more levels along the page."""
    x, y = sorted(factors, key=lambda name: -runs[name].nunique())

    def draw(state: Outcome, axes: Axes) -> object:
        return heatmap(runs, x, y, state.column, state.level, ax=axes, title=state.words, note="", cbar=False)

    note = _note(runs, [x, y], "a cell")
    return _panels(draw, _states(runs), title, note, 0.95 + 0.2 * min(12, max(4, runs[y].nunique())))


def _surfaces(runs: pd.DataFrame, numbers: Sequence[str], factors: Sequence[str], title: str) -> tuple[Figure, str]:
    """The points of a sample in the plane of its first two numbers, a panel per state."""
    x, y = numbers[:2]

    def draw(state: Outcome, axes: Axes) -> object:
        return surface(runs, x, y, state.column, state.level, ax=axes, title=state.words, note="", cbar=False)

    others = [name for name in factors if name not in (x, y)]
    said = f"drawn by {names_of([x, y])}; not shown: {names_of(others)}" if others else ""
    note = _note(runs, [x, y, *others], "a point") + (f" Varied and not shown: {names_of(others)}." if others else "")
    return _panels(draw, _states(runs), title, note, 2.2), said


def _overview(runs: pd.DataFrame, factors: Sequence[str], title: str) -> tuple[Figure, str]:
    """Every factor by itself, pooled over all others: a row per factor, a column per player."""
    drawn = list(factors)[: _MOST_PANELS // 2]
    figure = Figure(figsize=(WIDTH, 0.9 + 2.3 * len(drawn)), layout="constrained")
    grid = figure.subplots(len(drawn), 2, squeeze=False, sharey=True)
    for factor, row in zip(drawn, grid, strict=True):
        for axes, column in zip(row, _PLAYERS, strict=True):
            for_each = runs if runs[factor].nunique() <= 60 else runs.assign(**{factor: _binned(runs[factor])})
            slice_ = for_each[[name for name in for_each.columns if name not in factors or name == factor]]
            panel = {"g_state": "What G did", "d_state": "What D did"}[column]
            shares(slice_, factor, outcome=column, ax=axes, title=panel if factor == drawn[0] else "", note="")
            if factor != drawn[0] and (legend := axes.get_legend()):
                legend.remove()
        row[1].set_ylabel("")
    left = [name for name in factors if name not in drawn]
    said = f"every factor by itself, pooled over the others{f'; not drawn: {names_of(left)}' if left else ''}"
    head(figure, title, _note(runs, [], "") + f" {said[0].upper()}{said[1:]}. 95 % intervals.")
    return figure, said


def _binned(values: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers of which there are many, as the medians of eight groups of equal size."""
    bins = pd.qcut(values, 8, duplicates="drop")
    return values.groupby(bins, observed=True).transform("median").astype(float)


def _states(runs: pd.DataFrame) -> list[Outcome]:
    """What either player did in any run; a run that is not finite is so for both."""
    found = [state for column in _PLAYERS for state in states_of(runs, column)]
    return [s for s in found if s.level != "non-finite" or s.column == "g_state"]


def _panels(draw: Draw, states: Sequence[Outcome], title: str, note: str, tall: float) -> Figure:
    """Small multiples, three across, without a colour bar each."""
    across = min(3, len(states))
    down = math.ceil(len(states) / across)
    figure = Figure(figsize=(WIDTH, 0.75 + (tall + 0.35) * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    panels = list(grid.flat)
    for state, axes in zip(states, panels, strict=False):
        draw(state, axes)
    drawn = panels[: len(states)]
    for place, axes in enumerate(panels):
        if place >= len(states):
            axes.remove()
            continue
        lowest = place + across >= len(states)
        axes.tick_params(axis="x", labelbottom=lowest)
        axes.set(**{} if lowest else {"xlabel": ""}, **{} if place % across == 0 else {"ylabel": ""})
        words = [text.get_text() for text in axes.get_xticklabels()]
        if lowest and any(words):  # a shared axis has forgotten that its names were turned
            slant(axes, words)
    of = PercentFormatter(1, symbol=" %")
    bar = figure.colorbar(drawn[0].collections[0], ax=drawn, label="share of runs", format=of)
    bar.outline.set_visible(False)
    numbers = " Numbers: percent of them." if any(axes.texts for axes in drawn) else ""
    head(figure, title, note + numbers)
    return figure


def _note(runs: pd.DataFrame, drawn: Sequence[str], each: str) -> str:
    if not drawn:
        return " ".join(filter(None, [sentence(runs), f"{n_in_words([len(runs)])} runs."]))
    counts = runs.groupby(list(drawn), observed=True, dropna=False).size()
    return " ".join(filter(None, [sentence(runs), f"{n_in_words(counts)} runs {each}."]))
