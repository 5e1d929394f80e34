"""Typical single runs: densities, the discriminator, V."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from gansim.design.in_words.words import level_of
from gansim.errors import ConfigError
from gansim.plotting.bars import split
from gansim.plotting.look import (
    COLOURS,
    FAINT,
    GREY,
    INK,
    LOG4,
    NORMAL,
    SMALL,
    WIDTH,
    Floats,
    Inches,
    few_ticks,
    head,
    plain,
    remark,
    styled,
)
from gansim.reporting.figures.v_and_auc import v_axis
from gansim.showing.views import thin

__all__ = ["Example", "gallery"]


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


@styled
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
        Every trace of V has a linear axis of its own, which reaches up to 0 at least.

    Raises
    ------
    ConfigError
        If there are no examples.
    """
    if not examples:
        raise ConfigError("examples: none; expected at least one")
    pitch, top, bottom, left = 1.02, 0.62, 0.34, 1.62
    figure = Figure(figsize=(WIDTH, top + bottom + pitch * len(examples)))
    place, wide, tall = Inches(figure), 1.46, pitch - 0.34
    lefts = (left, left + wide + 0.36, left + 2 * wide + 0.96)
    last = max(float(np.max(example.steps)) for example in examples)
    heads = ("target and fakes", "D(x)", "V while training")
    for row, example in enumerate(examples):
        floor = bottom + pitch * (len(examples) - 1 - row) + 0.18
        panels = [place.axes(at, floor, wide, tall) for at in lefts]
        densities(panels[0], example)
        discriminator(panels[1], example)
        _v_line(panels[2], example, last)
        _v_axis(panels[2], example.v)
        panels[2].tick_params(axis="x", labelbottom=row == len(examples) - 1)
        name = textwrap.fill(level_of("regime", example.title), 23)
        place.text(0.12, floor + tall, name, weight="bold", size=SMALL, va="top")
        below = 0.14 * (1 + name.count("\n"))
        caption = textwrap.fill("; ".join(filter(None, [example.caption, beyond(example)])), 26)
        place.text(0.12, floor + tall - below, caption, size=SMALL - 0.5, color=GREY, va="top")
        if row == 0:
            for panel, heading in zip(panels, heads, strict=True):
                panel.set_title(heading, size=NORMAL, pad=5)
    place.text(left + wide + 0.18, 0.1, "x (data units)", size=NORMAL, ha="center")
    place.text(lefts[2] + wide / 2, 0.1, "training step", size=NORMAL, ha="center")
    note = (
        "n = 1 run a row. Grey: target; colour: fakes; each density scaled to its own highest point. V in nats, linear,"
    )
    head(figure, title, f"{note} each row on its own axis.")
    return figure


def within(example: Example) -> NDArray[np.bool_]:
    """Which fakes the axis shows; none that is not finite."""
    return np.asarray((example.fakes >= example.x[0]) & (example.fakes <= example.x[-1]))


def beyond(example: Example) -> str:
    """Say how many fakes the axis does not show."""
    off = int(np.count_nonzero(~within(example)))
    return f"{off:,} of {len(example.fakes):,} fakes not shown" if off else ""


def densities(axes: Axes, example: Example) -> None:
    x, fakes = example.x, example.fakes
    colour = COLOURS.get(split(example.title)[0], INK)
    counts, edges = np.histogram(fakes[within(example)], bins=60, range=(float(x[0]), float(x[-1])))
    thin_x, thin_density = thin(x, example.density)
    axes.fill_between(thin_x, _to_peak(thin_density), color=FAINT, linewidth=0)
    axes.plot(thin_x, _to_peak(thin_density), color=GREY, linewidth=0.8, label="target")
    axes.stairs(_to_peak(counts.astype(np.float64)), edges, color=colour, linewidth=1.1, label="fakes")
    axes.set(xlim=(x[0], x[-1]), ylim=(0, 1.1), yticks=[])
    few_ticks(axes)
    axes.spines["left"].set_visible(False)


def discriminator(axes: Axes, example: Example) -> None:
    x, d = example.x, example.d
    thin_x, thin_density = thin(x, example.density)
    axes.fill_between(thin_x, _to_peak(thin_density), color="#efefef", linewidth=0, zorder=0)
    axes.axhline(0.5, color=FAINT, linewidth=0.8, zorder=0)
    axes.plot(*thin(x, d), color=COLOURS.get(split(example.title)[1], INK), label="D")
    if not np.isfinite(d).any():
        remark(axes, 0.5, 0.5, "D is not finite", ha="center", va="center")
    axes.set(xlim=(x[0], x[-1]), ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])
    few_ticks(axes)


def v_trace(axes: Axes, example: Example, all_v: Floats, last: float) -> None:
    """The trace on the axis of V that suits all values."""
    _v_line(axes, example, last)
    v_axis(axes, all_v, most=3)


def _v_line(axes: Axes, example: Example, last: float) -> None:
    steps, v = example.steps, example.v
    axes.plot(steps, v, color=COLOURS.get(split(example.title)[1], INK), linewidth=1.0, label="V")
    axes.set_xlim(0, last)
    if not np.isfinite(v).all():
        first = int(steps[np.flatnonzero(~np.isfinite(v))[0]])
        remark(axes, 0.98, 0.05, f"not finite from {first:,}", ha="right")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))


def _v_axis(axes: Axes, v: Floats) -> None:
    """A linear axis with 0 and -log 4 marked, where both can be told apart, and the lowest value."""
    lowest = min(float(np.min(v[np.isfinite(v)], initial=-LOG4)), -LOG4)
    top = max(0.0, float(np.max(v[np.isfinite(v)], initial=0.0)))
    reach = top - lowest
    axes.set_ylim(lowest - 0.08 * reach, top + 0.08 * reach)
    marks = {0.0: "0", -LOG4: "−log 4"} if reach < 5 * LOG4 else {0.0: "0", lowest: plain(float(f"{lowest:.2g}"))}
    axes.set_yticks(list(marks), list(marks.values()))
    for mark in (0.0, -LOG4):
        axes.axhline(mark, color=FAINT, linewidth=0.8, zorder=0)


def _to_peak(values: Floats) -> Floats:
    peak = float(values.max(initial=0.0))
    return values / peak if peak > 0 else values
