"""A results folder as a page asks for it: what varies, shares and means by cell, the runs of a cell, one to replay."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gansim.analysis.estimates import estimate
from gansim.analysis.groups import settings_of, varied
from gansim.analysis.shares import tabulate
from gansim.design.in_words.words import heading, level_of
from gansim.design.regimes import D_STATES, G_STATES
from gansim.errors import ConfigError, StoreError, shown
from gansim.live.request import Request
from gansim.model.configurations import with_networks
from gansim.model.fields import Integer, check_named
from gansim.model.gan import GAN
from gansim.reporting.loading import StudyResults
from gansim.storage.names import TRACES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ResultsView"]

_MOST_LEVELS = 24  # of a factor, that are told apart: of a sample's, as many as it has points, classes are made
_CLASSES = 6
_MOST_RUNS = 500  # that are listed at once
_STATES = {"g_state": G_STATES, "d_state": D_STATES}
_MEASURED = ("w1", "ks", "v", "auc", "g_mean", "g_std", "modes", "high_quality", "g_off", "d_off")
_LISTED = ("cell", "rep", "regime", "w1", "v", "auc", "converged_step")
_COUNT = Integer(0, 2**31)


class ResultsView:
    """What a page shows of a results folder. Nothing outside the folder is read, and nothing written.

    Parameters
    ----------
    folder : Path
        The folder.

    Raises
    ------
    ConfigError
        If it is no results folder.
    """

    def __init__(self, folder: Path) -> None:
        self._results = StudyResults(folder)
        self._lock = Lock()  # frames are read once, whichever request comes first

    @cached_property
    def _runs(self) -> pd.DataFrame:
        return self._results.runs

    def about(self) -> dict[str, Any]:
        """Name, designs with their factors, outcomes that can be asked for; or why there are no runs to look at."""
        study = self._results.study
        told: dict[str, Any] = {"name": study.name, "folder": str(self._results.folder), "seed": study.seed}
        with self._lock:
            try:
                runs = self._runs
            except StoreError as error:
                return {**told, "missing": str(error)}
        designs = [self._design(design.name, runs) for design in study.designs]
        return {**told, "runs": len(runs), "designs": designs}

    def _design(self, name: str, runs: pd.DataFrame) -> dict[str, Any]:
        mine = runs[runs["design"] == name].reset_index(drop=True)
        factors = varied(settings_of(mine)) or ["design"]
        outcomes = [
            {"value": f"{column}:{state}", "label": f"share {_player(column)} {state}"}
            for column, states in _STATES.items()
            for state in states
            if column == "g_state" or state != "non-finite"
        ]
        outcomes += [
            {"value": column, "label": f"average {heading(column)}"}
            for column in _MEASURED
            if column in mine and mine[column].notna().any()
        ]
        return {
            "name": name,
            "runs": len(mine),
            "factors": [{"name": factor, "label": _first_large(heading(factor))} for factor in factors],
            "outcomes": outcomes,
        }

    # --- by cell --------------------------------------------------------------------------------

    def cells(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """An outcome by one factor, or by two.

        Parameters
        ----------
        asked : mapping
            "design", "x", "y" (or none), "outcome": "g_state:collapsed", or a measurement.

        Returns
        -------
        dict
            "x", "y": levels in words; "numbers": levels of x as numbers, if they are; "rows": x, y (positions), value,
            low, high, n, replicates, count.
        """
        with self._lock:
            runs, design = self._mine(asked)
            by = [self._factor(asked[axis], design, axis) for axis in ("x", "y") if asked.get(axis)]
            if len(by) == 2 and by[0] == by[1]:
                by = by[:1]
            frame, levels = self._classed(runs, by)
            outcome = asked.get("outcome", "")
            if outcome not in [one["value"] for one in design["outcomes"]]:
                raise ConfigError(f"outcome: value {shown(outcome)}: one of those that are offered")
            column, _, state = outcome.partition(":")
            rows = _shares(frame, column, state) if state else _means(frame, column)
            told = {axis: [text for text, _ in of] for axis, of in zip("xy", levels, strict=False)}
            numbers = [number for _, number in levels[0]]
            return {
                **told,
                "numbers": numbers if all(number is not None for number in numbers) else None,
                "share": bool(state),
                "label": next(one["label"] for one in design["outcomes"] if one["value"] == outcome),
                "by": [_first_large(heading(name)) for name in by],
                "rows": rows,
            }

    def _mine(self, asked: Mapping[str, str]) -> tuple[pd.DataFrame, dict[str, Any]]:
        """The runs of the design that is asked for, and what is known of it."""
        names = [design.name for design in self._results.study.designs]
        name = asked.get("design", names[0])
        if name not in names:
            raise ConfigError(f"design: value {shown(name)}: one of {', '.join(names)}")
        runs = self._runs
        return runs[runs["design"] == name].reset_index(drop=True), self._design(name, runs)

    @staticmethod
    def _factor(name: str, design: Mapping[str, Any], axis: str) -> str:
        known = [factor["name"] for factor in design["factors"]]
        if name not in known:
            raise ConfigError(f"{axis}: value {shown(name)}: one of {', '.join(known)}")
        return name

    def _classed(self, runs: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, list[list[tuple[str, float | None]]]]:
        """The runs with the position of each one's level of x and y; and the levels: in words, and as numbers."""
        frame, told = runs.assign(x=0, y=0), []
        for axis, name in zip("xy", by, strict=False):
            codes, levels = _levels(runs[name], name)
            frame[axis] = codes
            told.append(levels)
        return frame, told or [[("all", None)]]

    # --- runs -----------------------------------------------------------------------------------

    def runs(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """The runs of a cell of the picture, as many as are listed at once.

        Parameters
        ----------
        asked : mapping
            As for `cells`; "at_x", "at_y": positions of the levels; "state": such as "collapsed", or none.
        """
        with self._lock:
            mine, design = self._mine(asked)
            by = [self._factor(asked[axis], design, axis) for axis in ("x", "y") if asked.get(axis)]
            frame, _ = self._classed(mine, by)
            for axis in ("x", "y"):
                if asked.get(f"at_{axis}", "").isdecimal():
                    frame = frame[frame[axis] == int(asked[f"at_{axis}"])]
            every = frame["regime"].astype(str)
            regimes = every.value_counts().to_dict()
            if state := asked.get("state"):
                frame = frame[every == state]
            listed = frame.head(_MOST_RUNS)
            columns = [name for name in _LISTED if name in listed]
            gan = next(one.gan for one in self._results.study.designs if one.name == design["name"])
            return {
                "n": len(frame),
                "replay": isinstance(gan, GAN) and gan.data_dim == 1,
                "regimes": regimes,
                "columns": [_first_large(heading(name)) for name in columns],
                "names": columns,
                "rows": listed[columns].astype(object).where(listed[columns].notna(), None).to_numpy().tolist(),
            }

    def request(self, asked: Mapping[str, Any]) -> Request:
        """One stored run, to be trained again: "cell" and "rep".

        Raises
        ------
        ConfigError
            If there is no such run, or its players are no networks.
        """
        with self._lock:
            cell, rep = (check_named(name, asked.get(name), _COUNT) for name in ("cell", "rep"))
            study = self._results.study
            if cell >= len(study.cells):
                raise ConfigError(f"cell: value {cell:,}: a number from 0 to {len(study.cells) - 1:,}")
            gan = with_networks(study.cells[cell].gan)
            return Request((gan,), 1, study.seed, rep, self._stored(cell, rep))

    def _stored(self, cell: int, rep: int) -> NDArray[np.float32] | None:
        """All records of a run, if they are here."""
        if not (self._results.folder / TRACES).exists():
            return None
        runs = self._runs
        rows = np.flatnonzero((runs["cell"] == cell) & (runs["rep"] == rep))
        return self._traces.take(rows).values if len(rows) else None

    @cached_property
    def _traces(self) -> Any:
        return self._results.traces


def _levels(values: pd.Series[Any], name: str) -> tuple[NDArray[np.int64], list[tuple[str, float | None]]]:
    """Position of each value's level, and the levels; of very many numbers classes of about as many runs each."""
    number = values.dtype.kind in "iuf"
    if number and values.nunique() > _MOST_LEVELS:
        numbers = values.to_numpy(np.float64)
        edges = np.unique(np.quantile(numbers[np.isfinite(numbers)], np.linspace(0, 1, _CLASSES + 1)))
        codes = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
        return codes, [(f"{a:.3g} to {b:.3g}", float((a + b) / 2)) for a, b in pairwise(edges)]
    keys = values.astype(object).where(values.notna(), None)
    known = list(dict.fromkeys(keys))
    if number:
        known.sort(key=lambda level: (level is None, level))
    where = {level: position for position, level in enumerate(known)}
    told = [(_in_words(name, level), float(level) if number and level is not None else None) for level in known]
    return np.array([where[level] for level in keys], np.int64), told


def _in_words(name: str, level: object) -> str:
    if level in (None, "None"):  # beside texts None is one
        return "none"
    return f"{level:g}" if isinstance(level, float) else level_of(name, level)


def _shares(frame: pd.DataFrame, column: str, state: str) -> list[dict[str, Any]]:
    table = tabulate(frame.assign(hit=(frame[column] == state).to_numpy()), ["x", "y"], "hit")
    table = table[table["hit"]]
    return _rows(table.rename(columns={"share": "value"}), ("value", "low", "high", "n", "replicates", "count"))


def _means(frame: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    table = estimate(frame, ["x", "y"], column)
    return _rows(table.rename(columns={"mean": "value"}), ("value", "low", "high", "n", "replicates"))


def _rows(table: pd.DataFrame, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table[["x", "y", *names]].to_dict("records")]


def _player(column: str) -> str:
    return "G" if column == "g_state" else "D"


def _first_large(text: str) -> str:
    return text[:1].upper() + text[1:]
