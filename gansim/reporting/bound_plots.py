"""Plots of a results folder: the functions of `gansim.plot`, given its runs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gansim.running.results import Results
from gansim.traces import Traces

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Plots"]


class Plots:
    """The functions of `gansim.plot`, which take their runs from a results folder.

    The first argument is the folder's, runs or `results`, and so is what a function calls `traces`, `seed` and
    `thresholds`. One that takes a `gan` first takes a cell instead, as `StudyResults.replay` does:
    ``results.plot.run(17, rep=3)``.

    Parameters
    ----------
    results : Results
        The folder.
    whole : object
        What has a study, its runs and their traces, for functions that take `results`.
    runs, traces : callable
        Give its runs and its traces, when a function needs them.
    """

    def __init__(
        self, results: Results, whole: object, runs: Callable[[], pd.DataFrame], traces: Callable[[], Traces]
    ) -> None:
        self._results, self._whole, self._runs = results, whole, runs
        self._own: dict[str, Callable[[], Any]] = {
            "traces": traces,
            "seed": lambda: results.study.seed,
            "thresholds": lambda: results.thresholds,
        }

    def __dir__(self) -> list[str]:
        return list(getattr(_plot(), "__all__", []))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._bound(getattr(_plot(), name))

    def _bound(self, function: Callable[..., Any]) -> Callable[..., Any]:
        first, *others = inspect.signature(function).parameters

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            what: Any = self._whole if first == "results" else None
            rest = list(arguments)
            if first == "gan":
                cell = rest.pop(0) if rest else named.pop("cell", 0)
                what = self._results.study.cells[self._results.find_cell(cell)].gan
            elif what is None:
                what = self._runs()
            left = [name for name in others[len(rest) :] if name in self._own and name not in named]
            return function(what, *rest, **{name: self._own[name]() for name in left}, **named)

        return call


def _plot() -> Any:
    """The module of plots, by the name that users know."""
    return import_module("gansim").plot
