"""Axes for factors: which positions their levels have, linear or logarithmic, and ticks that can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from gansim.plotting.look import SMALL, Floats, Labels, inches, name_, names_of, number_on_axis

__all__ = ["Scale", "scale_of", "slant"]

_MOST_TICKS = 9


@dataclass(frozen=True)
class Scale:
    """The levels of a factor on an axis.

    Parameters
    ----------
    name : str
        The factor.
    levels : list
        Its levels in order; None among them where it is missing.
    kind : {"linear", "log", "category"}
        Numbers lie where they are, categories one after the other.
    """

    name: str
    levels: list[Any]
    kind: str

    def at(self, values: pd.Series[Any]) -> Floats:
        """Positions of values."""
        if self.kind != "category":
            return values.to_numpy(np.float64)
        places = {level: float(place) for place, level in enumerate(self.levels)}
        return np.array([places[None if pd.isna(value) else value] for value in values], dtype=np.float64)

    def shifted(self, at: Floats, number: int, of: int) -> Floats:
        """Positions moved so that the marks of so many lines stand side by side, and no interval hides another."""
        places = np.arange(len(self.levels), dtype=float) if self.kind == "category" else np.array(self.levels, float)
        places = np.log(places) if self.kind == "log" else places
        apart, wide = (float(np.diff(places).min()), float(np.ptp(places))) if len(places) > 1 else (1.0, 1.0)
        step = min(0.6 * apart / max(1, of - 1), 0.02 * max(wide, apart) if self.kind != "category" else 0.14)
        moved = step * (number - 0.5 * (of - 1))
        return at * np.exp(moved) if self.kind == "log" else at + moved

    def dress(self, axes: Axes, which: str, labels: Labels | None) -> None:
        """Give the axis its scale, its limits, ticks and name."""
        axis: Any = getattr(axes, f"{which}axis")
        axis.set_label_text(names_of([self.name], labels))
        if self.kind == "category":
            words = [name_(["none" if level is None else level], labels) for level in self.levels]
            axis.set_ticks(np.arange(len(words)), words)
            axes.set(**{f"{which}lim": (-0.5, len(words) - 0.5)})
            if which == "x":
                slant(axes, words)
            return
        numbers = np.array(self.levels, float)
        room = 0.1 if len(numbers) > 1 else 0.5
        if self.kind == "log":
            axes.set(**{f"{which}scale": "log"})
            factor = (numbers[-1] / numbers[0]) ** room if len(numbers) > 1 else 2.0
            axes.set(**{f"{which}lim": (numbers[0] / factor, numbers[-1] * factor)})
        else:
            reach = room * float(numbers[-1] - numbers[0]) or 0.5
            axes.set(**{f"{which}lim": (numbers[0] - reach, numbers[-1] + reach)})
        ticks = _apart(np.log(numbers) if self.kind == "log" else numbers, numbers)
        if (len(numbers) <= _MOST_TICKS + 3 and len(ticks) > 1) or len(numbers) == 1:
            axis.set_minor_locator(NullLocator())
            axis.set_ticks(ticks, [number_on_axis(tick) for tick in ticks])
        else:
            axis.set_major_locator(LogLocator(numticks=6) if self.kind == "log" else MaxNLocator(6))
            axis.set_major_formatter(FuncFormatter(number_on_axis))


def scale_of(runs: pd.DataFrame, name: str) -> Scale:
    """Find the levels of a factor and how they lie: numbers that grow by factors on a logarithmic axis.

    Parameters
    ----------
    runs : DataFrame
        One row per run, or a table of them.
    name : str
        A column. Categories keep their order, numbers are sorted, text stands in order of first appearance.
    """
    values = runs[name]
    missing = [None] if values.isna().any() else []
    if isinstance(values.dtype, pd.CategoricalDtype):
        there = set(values.unique())
        return Scale(name, [level for level in values.cat.categories if level in there] + missing, "category")
    if values.dtype.kind not in "iuf":
        return Scale(name, [level for level in values.unique() if not pd.isna(level)] + missing, "category")
    numbers = np.sort(values.dropna().unique())
    levels = numbers.tolist() + missing
    if missing or not np.isfinite(numbers).all():
        return Scale(name, levels, "category")
    return Scale(name, levels, "log" if _geometric(numbers.astype(np.float64)) else "linear")


def _geometric(numbers: Floats) -> bool:
    """Whether numbers grow by factors rather than by steps."""
    if len(numbers) < 2 or not numbers[0] > 0:
        return False
    if len(numbers) == 2:
        return bool(numbers[1] / numbers[0] >= 10)
    steps, factors = np.diff(numbers), np.diff(np.log(numbers))
    return bool(np.std(factors) / np.mean(factors) < np.std(steps) / np.mean(steps) and numbers[-1] / numbers[0] >= 3)


def _apart(places: Floats, numbers: Floats) -> NDArray[np.float64]:
    """Numbers that are far enough from each other to bear a tick each."""
    kept = [0]
    for position in range(1, len(places)):
        if places[position] - places[kept[-1]] >= (places[-1] - places[0]) / _MOST_TICKS:
            kept.append(position)
    return numbers[kept]


def slant(axes: Axes, words: list[str]) -> None:
    """Turn names below an axis that would run into each other, and no others."""
    figure: Any = axes.figure
    room = axes.get_position().width * figure.get_figwidth() / max(1, len(words))
    crowded = max(inches(word, SMALL) for word in words) > 0.9 * room
    look = {"rotation": 30, "ha": "right"} if crowded else {"rotation": 0, "ha": "center"}
    for tick in axes.get_xticklabels():
        tick.set(rotation_mode="anchor" if crowded else "default", **look)
