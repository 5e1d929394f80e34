"""What happened in a study, in plain data: shares with intervals, from which cell to which, what each factor moved.

It is made when a report is, from the runs in memory, and kept with it: a page can be made again where the runs are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gansim.analysis.comparisons import compare
from gansim.analysis.digits import points_in_words, share_in_words
from gansim.analysis.estimates import moments_of
from gansim.analysis.groups import settings_of, varied
from gansim.analysis.shares import tabulate
from gansim.design.description import Description
from gansim.design.design import Design
from gansim.design.in_words import words
from gansim.design.in_words.setting import sentence
from gansim.design.in_words.wording import count
from gansim.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["summary_of"]

_MOST_LEVELS = 12  # that are listed one by one; of more, the first and the last
_NAMED = 2  # cells with the least or the most that are named; of more, their number
_REGIMES = 5  # most frequent ones that are named
_LABELS = ("g_state", "d_state")
_SETTLED = 0.005  # a factor that moves no state's share by this much, half a point, is said to move none


def summary_of(study: Description, runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Summarise every design of a study that has run.

    Parameters
    ----------
    study : Description
        The study.
    runs : DataFrame
        Its runs, labelled.

    Returns
    -------
    list of dict
        Per design

        - design, cells, reps, runs: its name and sizes; setting: target, data, steps, in a sentence
        - factors: name and levels, in words
        - states: per player its states that occur; of each its share over all cells, and in which cells it is least and
          most frequent; never: those that do not, with the share that the runs still allow
        - regimes: the most frequent ones, each with its share in words
        - moved: per factor a sentence, the largest effect first

        Texts hold whatever levels are called, and are to be escaped. Shares over cells take only replicates as
        independent, as `gansim.analysis.shares.tabulate` does.
    """
    return [_of_design(study, design, runs) for design in study.designs]


def _of_design(study: Description, design: Design, all_runs: pd.DataFrame) -> dict[str, Any]:
    runs = all_runs[all_runs["design"] == design.name].reset_index(drop=True)
    runs.attrs = dict(all_runs.attrs)
    reps = sorted(set(runs["cell"].value_counts().tolist()))
    cells = {cell.index: cell.levels for cell in study.cells if cell.design == design.name}
    factors = varied(settings_of(runs)) if len(cells) > 1 else []
    return {
        "design": design.name,
        "cells": len(cells),
        "reps": f"{reps[0]:,}" if len(reps) == 1 else f"{reps[0]:,} to {reps[-1]:,}",
        "runs": len(runs),
        "setting": sentence(runs),
        "factors": [{"name": words.heading(name), "levels": _levels(runs, name)} for name in factors],
        "states": {label: _states(runs, label, cells) for label in _LABELS},
        "never": {label: _never(runs, label) for label in _LABELS},
        "regimes": _regimes(runs),
        "moved": _moved(runs, factors),
    }


def _levels(runs: pd.DataFrame, name: str) -> list[str]:
    levels = [_level(name, level) for level in runs[name].drop_duplicates()]
    if len(levels) > _MOST_LEVELS:
        return [*levels[:2], "…", f"{levels[-1]} ({len(levels):,} levels)"]
    return levels


def _level(name: str, level: Any) -> str:
    if level is None or level != level:
        return "none"
    if isinstance(level, (float, np.floating)):
        return f"{level:.6g}"
    return words.level_of(name, level)


def _cell(levels: Any) -> str:
    return ", ".join(f"{words.heading(str(name))} {_level(str(name), level)}" for name, level in levels.items())


# --- shares -------------------------------------------------------------------------------------------


def _states(runs: pd.DataFrame, label: str, cells: dict[int, Any]) -> list[dict[str, Any]]:
    """Of each state that occurs the share over all cells, and the cells with least and most of it."""
    found = []
    overall = tabulate(runs, [], label)
    by_cell = tabulate(runs, ["cell"], label) if len(cells) > 1 else None
    for row in overall[overall["count"] > 0].to_dict("records"):
        state = str(row[label])
        told = {"state": state, "words": words.outcome(label, state), **_share(row)}
        if by_cell is not None:
            mine = by_cell[by_cell[label] == state]
            shares = mine["share"].to_numpy()
            for name, at in (("least", int(shares.argmin())), ("most", int(shares.argmax()))):
                one = mine.iloc[at].to_dict()
                alike = mine.loc[mine["share"] == one["share"], "cell"]
                named = [_cell(cells[int(cell)]) for cell in alike.head(_NAMED)]
                where = "; ".join(named) if len(alike) <= _NAMED else f"{count(len(alike), 'cell')}"
                told[name] = {**_share(one), "where": where}
        found.append(told)
    return sorted(found, key=lambda told: -told["share"])


def _never(runs: pd.DataFrame, label: str) -> list[dict[str, Any]]:
    """The states that no run ended in."""
    overall = tabulate(runs, [], label)
    rows = overall[overall["count"] == 0].to_dict("records")
    return [{"state": str(row[label]), "words": words.outcome(label, row[label]), **_share(row)} for row in rows]


def _share(row: dict[Any, Any]) -> dict[str, Any]:
    return {
        "share": float(row["share"]),
        "count": int(row["count"]),
        "n": int(row["n"]),
        "text": share_in_words(row["share"], row["low"], row["high"], None),
    }


def _regimes(runs: pd.DataFrame) -> list[dict[str, Any]]:
    table = tabulate(runs, [], "regime").sort_values("count", ascending=False, kind="stable")
    most = table[table["count"] > 0].head(_REGIMES).to_dict("records")
    return [
        {"regime": str(row["regime"]), "words": words.outcome("regime", row["regime"]), **_share(row)} for row in most
    ]


# --- what factors moved ---------------------------------------------------------------------------------


def _moved(runs: pd.DataFrame, factors: list[str]) -> list[str]:
    """A sentence for each factor, the largest difference first; of those that cannot be compared none."""
    found = [effect for name in factors if (effect := _effect(runs, name, factors))]
    return [text for _, text in sorted(found, key=lambda effect: -effect[0])]


def _effect(runs: pd.DataFrame, factor: str, factors: list[str]) -> tuple[float, str] | None:
    """How much a factor moves the state of G that it moves most: its size, and a sentence."""
    candidate = _furthest(runs, factor)
    if candidate is None:
        return None
    state, a, b = candidate
    others = [name for name in factors if name != factor]
    try:
        strata = compare(runs, factor, a, b, "g_state", state, by=others)
    except ConfigError:  # no other factors' levels have both, as in a sample of points
        return None
    mean = _mean_difference(runs, factor, a, b, state, others)
    if mean is None:
        return None
    difference, low, high = mean
    spread = (float(strata["difference"].min()), float(strata["difference"].max()))
    if difference < 0:  # where the levels' cells have unlike numbers of runs
        a, b, (difference, low, high) = b, a, (-difference, -high, -low)
        spread = (-spread[1], -spread[0])
    outcome, name = words.outcome("g_state", state), words.heading(factor)
    pair = f"{_level(factor, a)} than at {_level(factor, b)}"
    if abs(difference) < _SETTLED and low <= 0 <= high:
        return abs(difference), f"{_first(name)}: no state of G differs by half a point between any two levels."
    main, _, interval = points_in_words(difference, low, high, None).partition(" ")
    interval = interval.replace("+", "") if low > 0 else interval
    told = (
        f"{_first(name)}: “{outcome}” is {main.removeprefix('+')} percentage points {interval} more frequent at {pair}"
    )
    told += " (the levels that differ most)"
    if len(strata) > 1:
        told += f", on average over {count(len(strata), 'setting')} of the other factors"
        told += f"; {100 * spread[0]:+.1f} to {100 * spread[1]:+.1f} in single ones"
    return difference, f"{told}."


def _furthest(runs: pd.DataFrame, factor: str) -> tuple[str, Any, Any] | None:
    """The state of G and the two levels between which its share differs most; the level with more of it comes first."""
    table = tabulate(runs, [factor], "g_state")
    best: tuple[float, str, Any, Any] | None = None
    for state, mine in table.groupby("g_state", observed=True):
        shares, levels = mine["share"].to_numpy(), mine[factor].tolist()
        most, least = int(shares.argmax()), int(shares.argmin())
        gap = float(shares[most] - shares[least])
        if most != least and (best is None or gap > best[0]):
            best = gap, str(state), levels[most], levels[least]
    if best is None or best[0] == 0:
        levels = runs[factor].drop_duplicates().tolist()
        present = [str(state) for state in table.loc[table["count"] > 0, "g_state"]]
        return (present[0], levels[0], levels[1]) if len(levels) > 1 and present else None
    return best[1:]


def _mean_difference(
    runs: pd.DataFrame, factor: str, a: Any, b: Any, state: str, others: list[str]
) -> tuple[float, float, float] | None:
    """The difference over all settings that have both levels, replicate by replicate, with its interval."""
    keys = [*others, "rep"]
    arms = []
    for level in (a, b):
        values = runs[factor]
        mine = runs[(values.isna() if level is None or level != level else values == level).to_numpy()]
        hit = (mine["g_state"] == state).astype(float)
        arms.append(mine[keys].assign(hit=hit).groupby(keys, dropna=False, observed=True)["hit"].mean())
    pairs = (arms[0] - arms[1]).dropna()
    if pairs.empty:
        return None
    by_rep = pairs.groupby(level="rep").mean()
    if len(by_rep) < 2:
        return None
    found = moments_of(by_rep.to_numpy(), np.arange(len(by_rep)), 0.95)
    return found["mean"], max(-1.0, found["low"]), min(1.0, found["high"])


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]
