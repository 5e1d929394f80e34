"""The names of the regimes, and the numbers in their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Annotated

from gansim.errors import Refused
from gansim.model.fields import Real, described

__all__ = ["D_STATES", "G_STATES", "LABELS", "REGIMES", "Thresholds", "vary"]

G_STATES: tuple[str, ...] = ("converged", "modes dropped", "collapsed", "off target", "non-finite")
"""What G did; the position of a word is its code in `g_states`."""
D_STATES: tuple[str, ...] = ("perfect", "idle", "inverted", "mixed", "non-finite")
"""What D did; the position of a word is its code in `d_states`."""
REGIMES: tuple[str, ...] = (*(f"{g}, {d}" for g in G_STATES[:-1] for d in D_STATES[:-1]), "non-finite")
"""Every regime a run can end in: sixteen pairs "what G did, what D did", and non-finite."""
LABELS: tuple[str, ...] = (
    "g_state",
    "d_state",
    "regime",
    "left",
    "converged_step",
    "last_step",
    "share_perfect",
    "share_idle",
    "share_inverted",
    "share_mixed",
    "share_nonfinite",
)
"""Names of the columns that `label` returns, in order."""
_Share = Annotated[float, Real(0.0, 1.0, above=True)]


@described
class Thresholds:
    """The numbers in the definitions of the regimes.

    Parameters
    ----------
    window : float, default 0.2
        Share of a run's records, counted from the end, over which its label is decided; at least one record.
    w1 : float, default 0.2
        Converged: largest median over the window of Wasserstein-1, in standard deviations of the target. The sampling
        floor at 1,024 samples is 0.04.
    ks : float, default 0.15
        Converged: largest median of the Kolmogorov-Smirnov distance. No threshold on x then tells real from fake in
        more than 57.5 of 100 cases.
    ks_never : float, default 0.3
        Converged: Kolmogorov-Smirnov distance that no record of the window exceeds.
    tv_modes : float, default 0.05
        Converged, mixtures only: largest median of the total variation distance between the shares of the modes.
    ks_modes : float, default 0.25
        Converged, mixtures only: largest median of the Kolmogorov-Smirnov distance of the places within modes; modes of
        a third of their width have it.
    spread : float, default 0.1
        Collapsed: largest median of the fakes' standard deviation, in those of the target's narrowest mode.
    perfect_hi, perfect_lo : float, default 0.9, 0.1
        Perfect D: least mean of D on real, largest on fake; inverted D: the reverse.
    idle : float, default 0.1
        Idle D: largest mean of |D - 1/2|, on real and on fake.
    auc_perfect : float, default 0.99
        Games whose D is no probability. Perfect D: least mean AUC; inverted D: 1 minus that at most.
    auc_idle : float, default 0.05
        The same games. Idle D: largest mean of |AUC - 1/2|.
    off : float, default 0.1
        Games of two vectors. Converged: largest median distance of G's parameters from where they ought to end; idle D:
        largest mean distance of its own.

    Raises
    ------
    ConfigError
        If a value is no number or lies outside its range, `ks_never` < `ks`, or `perfect_lo` and `perfect_hi` do not
        enclose 1/2.
    """

    window: _Share = 0.2
    w1: Annotated[float, Real(0.0, 1e30, above=True)] = 0.2
    ks: _Share = 0.15
    ks_never: _Share = 0.3
    tv_modes: _Share = 0.05
    ks_modes: _Share = 0.25
    spread: Annotated[float, Real(0.0, 1.0, below=True)] = 0.1
    perfect_hi: Annotated[float, Real(0.5, 1.0, above=True)] = 0.9
    perfect_lo: Annotated[float, Real(0.0, 0.5, below=True)] = 0.1
    idle: Annotated[float, Real(0.0, 0.5)] = 0.1
    auc_perfect: Annotated[float, Real(0.5, 1.0, above=True)] = 0.99
    auc_idle: Annotated[float, Real(0.0, 0.5)] = 0.05
    off: Annotated[float, Real(0.0, 1e30, above=True)] = 0.1

    def __post_init__(self) -> None:
        if self.ks_never < self.ks:
            raise Refused(self.ks_never, f"a number from ks = {self.ks:g} to 1", "ks_never")

    def window_length(self, records: int) -> int:
        """Return the number of records in the window of a run with this many records: at least 1."""
        return max(1, int(self.window * records + 0.5))


def vary(base: Thresholds | None = None, **values: Sequence[float]) -> list[Thresholds]:
    """Return thresholds moved one at a time, for a sensitivity table.

    Parameters
    ----------
    base : Thresholds, optional
        Where to start from; by default `Thresholds()`. It is the first entry of the result.
    **values : sequence of float
        For each field to move, the values it takes in turn. Values equal to the base's are passed over.

    Raises
    ------
    ValueError
        If there is no such field, or a value lies outside its range.
    """
    base = base or Thresholds()
    known = [field.name for field in fields(base)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no such threshold; allowed: {', '.join(known)}")
    moved = [replace(base, **{name: value}) for name, sequence in values.items() for value in sequence]
    return [base, *(thresholds for thresholds in moved if thresholds != base)]
