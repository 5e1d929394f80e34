"""Outcomes of runs by name: a state such as "converged", a label such as "g_state", a measured number such as "w1"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gansim.analysis.estimates import estimate
from gansim.analysis.groups import levels_of, require_columns
from gansim.analysis.replicates import check_frame, columns_of
from gansim.analysis.shares import tabulate
from gansim.design.design import RESERVED
from gansim.design.in_words import words
from gansim.design.in_words.glossary import OF_VECTORS
from gansim.design.regimes import D_STATES, G_STATES, LABELS, REGIMES
from gansim.errors import ConfigError, shown
from gansim.traces import FIELDS

__all__ = ["STATES", "Outcome", "outcome_of", "summarise"]

STATES = {"g_state": G_STATES, "d_state": D_STATES, "regime": REGIMES}
"""The labels of a run's end, and the states of each."""


@dataclass(frozen=True)
class Outcome:
    """What is counted or averaged.

    Attributes
    ----------
    column : str
        A column of the runs.
    levels : tuple
        Those of its levels whose shares are asked for; empty for a column of numbers, whose mean is.
    """

    column: str
    levels: tuple[Any, ...] = ()

    @property
    def level(self) -> Any:
        """The only level of those that have one."""
        (one,) = self.levels
        return one

    @property
    def words(self) -> str:
        """The same in words: "G converged", "G off target and D idle", "left"."""
        return words.outcome(self.column, self.level)


def outcome_of(runs: pd.DataFrame, outcome: str | Sequence[str]) -> Outcome:
    """Say which column and levels an outcome is.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    outcome : str or sequence of str
        A state of G or D, or a regime, such as "converged"; several of one label; a column of labels or of yes and no,
        all of whose levels that occur are meant, of yes and no only yes; or a column of numbers.

    Raises
    ------
    ConfigError
        If it is none of these, or the states belong to different labels.

    Examples
    --------
    >>> runs = pd.DataFrame({"g_state": ["converged", "collapsed"], "left": [False, True], "w1": [0.1, 2.0]})
    >>> outcome_of(runs, "converged"), outcome_of(runs, "w1")
    (Outcome(column='g_state', levels=('converged',)), Outcome(column='w1', levels=()))
    """
    check_frame(runs)
    names = columns_of(outcome, "outcome")
    if len(names) == 1 and names[0] in runs:
        return _column(runs, names[0])
    labels = {name: states for name, states in STATES.items() if name in runs}
    for label, states in labels.items():
        if names and set(names) <= set(states):
            return Outcome(label, tuple(dict.fromkeys(names)))
    known = ", ".join(dict.fromkeys(state for states in labels.values() for state in states if "," not in state))
    what = f"states of one player ({known}), or a column of labels or numbers such as g_state or w1"
    raise ConfigError(f"outcome: value {shown(outcome)}: {what}")


def _column(runs: pd.DataFrame, name: str) -> Outcome:
    values = runs[name]
    if values.dtype == bool:
        return Outcome(name, (True,))
    if pd.api.types.is_numeric_dtype(values.dtype) and name not in _COUNTS:
        return Outcome(name)
    if name in ("design", "cell", "rep", "seed"):
        raise ConfigError(f"outcome: value {shown(name)}: an outcome of runs, and no number of them")
    levels, codes = levels_of(runs, name)
    return Outcome(name, tuple(levels[sorted(set(codes.tolist()))]))


_NUMBERS = {name for name in RESERVED if name.startswith(("g_", "sample_", "referee_"))}
_COUNTS = RESERVED - {*FIELDS, *OF_VECTORS, *LABELS, *_NUMBERS}


def summarise(runs: pd.DataFrame, by: Sequence[str], outcome: Outcome, level: float = 0.95) -> pd.DataFrame:
    """Tabulate an outcome, group by group: shares as `tabulate` gives them, or means as `estimate` does.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    by : sequence of str
        Columns whose combinations are the groups.
    outcome : Outcome
        What is counted or averaged.
    level : float, default 0.95
        Confidence level.

    Raises
    ------
    ConfigError
        As they do.
    """
    require_columns(runs, by, outcome.column)
    if not outcome.levels:
        return estimate(runs, by, [outcome.column], level)
    table = tabulate(runs, by, outcome.column, level)
    return table[table[outcome.column].isin(outcome.levels).to_numpy()].reset_index(drop=True)
