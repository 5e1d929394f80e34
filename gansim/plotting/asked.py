"""What a picture is asked to show: which outcome, and which of the frame's factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gansim.analysis.groups import factors_of, levels_of, require_columns
from gansim.analysis.replicates import refuse_twice
from gansim.analysis.shares import tabulate
from gansim.design.regimes import D_STATES, G_STATES, REGIMES
from gansim.errors import ConfigError, shown
from gansim.plotting.look import COLOURS, MARKERS, names_of

__all__ = ["Outcome", "either_of", "outcome_of", "pooled_over", "shares_of", "states_of", "varied"]

_STATES = {"g_state": G_STATES, "d_state": D_STATES, "regime": REGIMES}
_HIT = "has the outcome"  # no factor may have spaces in its name
_PLAYER = {"g_state": "G ", "d_state": "D "}


@dataclass(frozen=True)
class Outcome:
    """A column of the runs, and one of its levels.

    Parameters
    ----------
    column : str
        Such as "g_state".
    level : object
        Such as "converged".
    """

    column: str
    level: Any

    @property
    def words(self) -> str:
        """How a picture calls it: "G converged", "G off target and D idle", "left"."""
        if self.level == "non-finite" and self.column in _STATES:
            return "non-finite"
        if self.column == "regime":
            g, _, d = str(self.level).partition(", ")
            return f"G {g} and D {d}"
        if self.column in _PLAYER:
            return f"{_PLAYER[self.column]}{self.level}"
        if isinstance(self.level, (bool, np.bool_)):
            return self.column if self.level else f"not {self.column}"
        return f"{self.column} = {self.level}"

    @property
    def look(self) -> dict[str, Any]:
        """Colour and marker of a state; nothing for other outcomes."""
        state = str(self.level)
        return {"color": COLOURS[state], "marker": MARKERS[state]} if state in COLOURS else {}


def outcome_of(runs: pd.DataFrame, outcome: str, level: Any = None) -> Outcome:
    """Say which outcome is meant: a column and its level, or a state by itself.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    outcome : str
        A column, or a state such as "collapsed" or "idle", or a regime such as "converged, idle".
    level : object, optional
        A level of the column. By default the first state (converged, perfect), or True.

    Raises
    ------
    ConfigError
        If there is no such column or level, or it has to be said which.
    """
    column = next((name for name, states in _STATES.items() if outcome in states), outcome)
    if column is not outcome and outcome not in runs.columns:
        if level is not None:
            raise ConfigError(f"level: value {shown(level)}: nothing, for {shown(outcome)} is a state already")
        return Outcome(require(runs, column), outcome)
    require(runs, column)
    levels = _STATES.get(column) or _present(runs, column)
    if level is None:
        level = levels[0] if column in _STATES else True if set(levels) <= {False, True} else None
    if level is None or level not in levels:
        told = "missing" if level is None else f"value {shown(level)}"
        raise ConfigError(f"level: {told}: a level of {column}: {', '.join(map(str, levels[:20]))}")
    return Outcome(column, level)


def require(runs: pd.DataFrame, *columns: str) -> str:
    """Refuse frames that are none of runs, empty ones, and columns that are not there; return the first name."""
    require_columns(runs, [], *dict.fromkeys(columns))
    if not len(runs):
        raise ConfigError("runs: no rows; there is nothing to draw")
    return columns[0]


def _present(runs: pd.DataFrame, column: str) -> list[Any]:
    return list(levels_of(runs, column)[0])


def states_of(runs: pd.DataFrame, column: str) -> list[Outcome]:
    """The outcomes of a column that occur, in order."""
    there = set(runs[require(runs, column)].unique())
    return [Outcome(column, level) for level in _STATES.get(column) or _present(runs, column) if level in there]


def shares_of(runs: pd.DataFrame, by: Sequence[str], outcome: Outcome, confidence: float) -> pd.DataFrame:
    """Shares of one outcome, group by group, as `tabulate` gives them."""
    hit = (runs[outcome.column] == outcome.level).to_numpy(dtype=bool)  # two levels are faster to count than all
    table = tabulate(runs.assign(**{_HIT: hit}), list(by), _HIT, confidence)
    levels = table[_HIT].to_numpy(dtype=bool)
    shares: pd.DataFrame = table[levels].drop(columns=_HIT)
    return shares.reset_index(drop=True)


def settings_of(runs: pd.DataFrame) -> pd.DataFrame:
    """The combinations of factors' levels that occur, a row each: what a million runs are asked for once."""
    require_columns(runs, [])
    names = [name for name in factors_of(runs) if name not in ("study", "design")]
    return runs[names].drop_duplicates().reset_index(drop=True) if names else pd.DataFrame(index=[0])


def slim(runs: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The columns that a picture needs, of runs each of which is there once."""
    refuse_twice(runs)
    ids = [name for name in ("study", "design", "cell", "rep", "seed") if name in runs.columns]
    kept = list(dict.fromkeys([*ids, *columns]))
    alike = {"cell", "rep"} <= set(ids) and runs.duplicated(ids).any()
    return runs if alike else runs[kept]  # frames of two configurations: other columns tell their runs apart


def varied(settings: pd.DataFrame) -> list[str]:
    """The factors that vary, in the frame's order, without those that another one sets.

    What each label of another factor fixes is a part of what the label stands for, such as the game; a number that
    counts the points of a sample says nothing that the points do not.
    """
    names = [name for name in settings.columns if settings[name].nunique(dropna=False) > 1]
    numbers = [name for name in names if settings[name].dtype.kind in "iuf"]
    counts = {name for name in numbers if _counts(settings, name, numbers)}
    texts = [name for name in names if name not in numbers]
    fixed = {name for name in names for other in texts if other != name and _fixes(settings, names, other, name)}
    return [name for name in names if name not in counts | fixed]


def _counts(cells: pd.DataFrame, name: str, numbers: Sequence[str]) -> bool:
    levels = np.sort(cells[name].unique())
    numbered = len(levels) > 2 and cells[name].dtype.kind in "iu" and np.array_equal(levels, np.arange(len(levels)))
    return numbered and any(_sets(cells, name, other) for other in numbers if other != name)


def _fixes(cells: pd.DataFrame, names: Sequence[str], name: str, other: str) -> bool:
    """Whether a factor sets another one; of two that set each other, the first sets the second."""
    later = names.index(name) > names.index(other)
    return _sets(cells, name, other) and not (later and _sets(cells, other, name))


def _sets(cells: pd.DataFrame, name: str, other: str) -> bool:
    """Whether each level of one factor comes with one level of the other."""
    return len(cells[[name, other]].drop_duplicates()) == cells[name].nunique(dropna=False)


def either_of(
    runs: pd.DataFrame, factors: Sequence[str], given: str | None, name: str, taken: Sequence[str | None]
) -> str:
    """The factor that was named, or the first varied one that is not taken yet.

    Raises
    ------
    ConfigError
        If the frame has none.
    """
    if given is not None:
        return require(runs, given)
    left = [factor for factor in factors if factor not in taken]
    if not left:
        raise ConfigError(
            f"{name}: missing: the runs vary {len(taken) - taken.count(None)} factors only; name a column"
        )
    return left[0]


def pooled_over(settings: pd.DataFrame, drawn: Sequence[str | None]) -> str:
    """Say which varied factors a picture does not show; nothing if it shows all."""
    there = [name for name in drawn if name is not None and name in settings.columns]
    hidden = [name for name in varied(settings) if name not in there]
    hidden = [name for name in hidden if not any(_sets(settings, one, name) for one in there)]
    return f"Pooled over {names_of(hidden)}." if hidden else ""
