"""Which runs stand for a study: of each frequent regime the run nearest to the medians of its kind."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gansim.analysis.shares import share_of
from gansim.design.regimes import G_STATES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FREQUENT", "Typical", "nearest_to_medians", "typical_runs"]

FREQUENT = 0.05
"""A regime of at least this share of a study's runs is frequent: whoever trains twenty GANs of the study meets one."""
_SEEN = 0.01  # a state of G of at least this share of the runs is shown by its most frequent regime, if by no other
_FEW, _MOST = 3, 8  # regimes: at least, if so many occur; at most, since a page holds some 50 kB for each
_MEDIANS = ("v", "w1")


@dataclass(frozen=True)
class Typical:
    """A run that stands for its regime.

    Attributes
    ----------
    regime : str
        The regime.
    cell, rep : int
        The run.
    count, n : int
        Runs of the regime, and of the study.
    share, low, high : float
        Their share of all runs, with its 95 % interval.
    """

    regime: str
    cell: int
    rep: int
    count: int
    n: int
    share: float
    low: float
    high: float

    def facts(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def nearest_to_medians(runs: pd.DataFrame) -> pd.Series[Any]:
    """Return the run nearest to the medians of V and Wasserstein-1, by rank, in the most frequent cell among the runs.

    Parameters
    ----------
    runs : DataFrame
        Runs, of one regime; at least one.

    Returns
    -------
    Series
        Its row. What has no value in any run of that cell is left out; the first run if nothing has.
    """
    mine = runs[runs["cell"] == runs["cell"].mode()[0]]
    measured = [name for name in _MEDIANS if name in mine and mine[name].notna().any()]
    if not measured:
        return _row(mine, 0)
    off = sum(np.abs(mine[name].rank(pct=True).to_numpy(np.float64) - 0.5) for name in measured)
    return _row(mine, int(np.nanargmin(off)))


def _row(runs: pd.DataFrame, place: int) -> pd.Series[Any]:
    row: pd.Series[Any] = runs.iloc[place]
    return row


def typical_runs(runs: pd.DataFrame) -> list[Typical]:
    """Choose a typical run of each frequent regime.

    Parameters
    ----------
    runs : DataFrame
        All runs of a study.

    Returns
    -------
    list of Typical
        The most frequent regime first. Those of at least `FREQUENT` of the runs, or the three most frequent; of a state
        of G that at least 1 % of the runs ended in, its most frequent regime in any case; eight at most.
    """
    counts = runs["regime"].astype(str).value_counts()
    seen = [str(regime) for regime in counts.index if counts[regime]]
    chosen = [regime for place, regime in enumerate(seen) if place < _FEW or counts[regime] >= FREQUENT * len(runs)]
    for state in G_STATES:
        mine = [regime for regime in seen if regime.split(", ")[0] == state]
        common = sum(int(counts[regime]) for regime in mine) >= _SEEN * len(runs)
        if mine and common and not set(mine) & set(chosen):
            chosen.append(mine[0])
    frequent_first = sorted(chosen, key=seen.index)
    while len(frequent_first) > _MOST:  # the least frequent whose state of G another one shows
        states = [regime.split(", ")[0] for regime in frequent_first]
        spare = [place for place, state in enumerate(states) if states.count(state) > 1]
        del frequent_first[spare[-1] if spare else -1]
    return [_typical(runs, regime) for regime in frequent_first]


def _typical(runs: pd.DataFrame, regime: str) -> Typical:
    mine = (runs["regime"].astype(str) == regime).to_numpy()
    run, share = nearest_to_medians(runs[mine]), share_of(runs, mine)
    return Typical(regime, int(run["cell"]), int(run["rep"]), share.count, share.n, share.share, share.low, share.high)
