"""What a picture is asked to show: which outcome, and which of the frame's factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from gansim.analysis.groups import determines, levels_of, require_columns, varied
from gansim.analysis.outcomes import STATES, Outcome
from gansim.analysis.replicates import refuse_twice
from gansim.analysis.shares import tabulate
from gansim.errors import ConfigError, shown
from gansim.hints import hint
from gansim.plotting.look import names_of

__all__ = ["either_of", "outcome_of", "pooled_over", "shares_of", "states_of"]

_HIT = "has the outcome"  # no factor may have spaces in its name


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
    named = outcome in runs.columns  # a column of that name is what is asked for
    column = outcome if named else next((name for name, states in STATES.items() if outcome in states), outcome)
    if column is not outcome:
        if level is not None:
            raise ConfigError(f"level: value {shown(level)}: nothing, for {shown(outcome)} is a state already")
        return Outcome(require(runs, column), (outcome,))
    if column not in runs.columns and len(runs.columns):
        known = [*(state for name, states in STATES.items() if name in runs for state in states), *runs.columns]
        raise ConfigError(
            f"outcome: value {shown(outcome)}: a state or a column; {hint(str(outcome), map(str, known))}"
        )
    require(runs, column)
    levels = STATES.get(column) or _present(runs, column)
    if level is None:
        level = levels[0] if column in STATES else True if set(levels) <= {False, True} else None
    if level is None or level not in levels:
        told = "missing" if level is None else f"value {shown(level)}"
        raise ConfigError(f"level: {told}: a level of {column}: {', '.join(map(str, levels[:20]))}")
    return Outcome(column, (level,))


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
    return [Outcome(column, (level,)) for level in STATES.get(column) or _present(runs, column) if level in there]


def shares_of(runs: pd.DataFrame, by: Sequence[str], outcome: Outcome, confidence: float) -> pd.DataFrame:
    """Shares of one outcome, group by group, as `tabulate` gives them."""
    hit = (runs[outcome.column] == outcome.level).to_numpy(dtype=bool)  # two levels are faster to count than all
    table = tabulate(runs.assign(**{_HIT: hit}), list(by), _HIT, confidence)
    levels = table[_HIT].to_numpy(dtype=bool)
    shares: pd.DataFrame = table[levels].drop(columns=_HIT)
    return shares.reset_index(drop=True)


def slim(runs: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The columns that a picture needs, of runs each of which is there once."""
    refuse_twice(runs)
    ids = [name for name in ("study", "design", "cell", "rep", "seed") if name in runs.columns]
    kept = list(dict.fromkeys([*ids, *columns]))
    alike = {"cell", "rep"} <= set(ids) and runs.duplicated(ids).any()
    return runs if alike else runs[kept]  # frames of two configurations: other columns tell their runs apart


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
            f"{name}: missing: the runs vary {len(taken) - taken.count(None)} factors only; name a column, or take "
            "gs.plot.regimes or gs.table, which need none"
        )
    return left[0]


def pooled_over(settings: pd.DataFrame, drawn: Sequence[str | None]) -> str:
    """Say which varied factors a picture does not show; nothing if it shows all."""
    there = [name for name in drawn if name is not None and name in settings.columns]
    hidden = [name for name in varied(settings) if name not in there]
    hidden = [name for name in hidden if not any(determines(settings, one, name) for one in there)]
    return f"Pooled over {names_of(hidden)}." if hidden else ""
