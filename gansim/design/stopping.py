"""The rule by which replicates are added until every share is known, and what must be said of its results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gansim.errors import ConfigError
from gansim.model.fields import Real, check_integer, check_named
from gansim.model.seeds import MAX_REPS

__all__ = ["StoppingRule", "check_target", "fewest_replicates", "wilson_half_width"]

_TARGET = Real(0.0, 0.5, above=True, below=True)


def check_target(target_mcse: object) -> float:
    """Return a Monte-Carlo error that can be aimed at, or refuse it: ConfigError, in one line."""
    checked: float = check_named("target_mcse", target_mcse, _TARGET)
    return checked


def wilson_half_width(share: float, n: float, z2: float) -> float:
    """Half the width of the Wilson interval at a share of n, whose count is not rounded (Wilson 1927).

    Parameters
    ----------
    share : float
        0 to 1.
    n : float
        Runs.
    z2 : float
        Square of the normal quantile.
    """
    return math.sqrt(z2 * (share * (1 - share) * n + z2 / 4)) / (n + z2)


def fewest_replicates(target_mcse: float) -> int:
    """Replicates of a cell before it is judged, 3 / target_mcse.

    Judged from the first batch on, cells with a rare outcome stop when it has not occurred, and go on, and dilute it,
    when it has: of a share of 0.005 with a target of 0.025, the mean found was a quarter too low. After n replicates
    such a cell goes on if it has seen the outcome more than about (n target)^2 - 2 times, 7 at this number, which is
    seldom where the outcome is rare. Where it is not, the bias is that of any sequential estimate of a share, about
    -(1 - 2 p) / n.

    Parameters
    ----------
    target_mcse : float
        The error wanted, above 0, below 0.5.

    Returns
    -------
    int
        At least 7.

    Raises
    ------
    ConfigError
        If the target is refused.
    """
    return math.ceil(3 / check_target(target_mcse) - 1e-9)


@dataclass(frozen=True)
class StoppingRule:
    """Replicates are added to a cell, batch by batch, until no share of its states has a larger error than the target.

    See `gansim.analysis.stopping.further_replicates`.

    Parameters
    ----------
    target_mcse : float
        Monte-Carlo standard error wanted of every share of g_state and of d_state, above 0, below 1/2.
    batch : int, default 128
        Replicates that are added together.
    most_reps : int, default 100,000
        Replicates of a cell that are not exceeded, up to 10,000,000.
    missed : int or None, default None
        Cells that did not reach the target; None: nobody has looked yet.

    Raises
    ------
    ConfigError
        If one of them is refused.
    """

    target_mcse: float
    batch: int = 128
    most_reps: int = 100_000
    missed: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_mcse", check_target(self.target_mcse))
        object.__setattr__(self, "batch", check_integer(self.batch, "batch", 1, MAX_REPS))
        object.__setattr__(self, "most_reps", check_integer(self.most_reps, "most_reps", 1, MAX_REPS))

    @classmethod
    def of(cls, facts: Mapping[str, Any] | None) -> StoppingRule | None:
        """The rule that metadata.json tells of, or none; what else stands there, of another version, is left out."""
        if not facts:
            return None
        known = {one.name for one in fields(cls)} & facts.keys()
        if missing := {"target_mcse", "batch", "most_reps"} - known:
            raise ConfigError(f"stopping: {sorted(missing)[0]} is missing: target_mcse, batch and most_reps")
        return cls(**{name: facts[name] for name in known})

    def facts(self) -> dict[str, Any]:
        """What metadata.json tells of it; `of` reads it back."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def same_as(self, other: StoppingRule) -> bool:
        """Whether the rule is the same, whatever it led to."""
        return (self.target_mcse, self.batch, self.most_reps) == (other.target_mcse, other.batch, other.most_reps)

    def note(self, cells: int) -> str:
        """Say that the number of runs depended on the data, and what that does: a note for tables.

        Under the rule expectations are at most 0.195 of the target and 7.3 % of the share away from it, for targets of
        0.005 to 0.2, any share, and batches from 1 replicate to more than a cell has; in batches of a sixth of
        3 / target, 0.17 and 5 %. Both happen at shares of two to five times the target. (Exact: sums over the paths of
        the rule.)

        Parameters
        ----------
        cells : int
            Cells that were run, to tell of how many the target was missed in.

        Returns
        -------
        str
            One paragraph.

        Examples
        --------
        >>> StoppingRule(0.01, 64, 10_000).note(1)[:58]
        'The number of runs depended on the data: replicates were a'
        """
        target, fewest = self.target_mcse, min(fewest_replicates(self.target_mcse), self.most_reps)
        text = (
            f"The number of runs depended on the data: replicates were added to a cell in batches of {self.batch:,}, "
            f"from {fewest:,} up to {self.most_reps:,}, until no share of g_state or d_state had a Monte-Carlo "
            f"standard error above {target:g}, judged at the centre of its 95 % Wilson interval. That makes shares "
            f"below 1/2 come out too low on average, and shares above 1/2 too high: by at most {0.2 * target:.2g}, and "
            "by at most 8 % of the share of the rarer side. Intervals and errors are computed as if the number had "
            "been fixed."
        )
        return text + (f" Not reached in {self.missed:,} of {cells:,} cells." if self.missed else "")
