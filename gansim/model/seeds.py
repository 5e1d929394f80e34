"""Seed and replicate: what a run's random numbers are keyed by, whatever its configuration."""

from __future__ import annotations

from gansim.model.fields import check_integer

__all__ = ["MAX_REPS", "check_rep", "check_seed"]

MAX_REPS = 10_000_000
"""Replicates of a cell that nobody may ask for more of."""

_MAX_SEED = 2**64 - 1  # a seed is two words of the random numbers' key
_MAX_REP = 2**32 - 1  # a replicate is one


def check_seed(value: object) -> int:
    """Return a study's seed, an integer from 0 to 2^64 - 1, or refuse it: ConfigError, in one line."""
    return check_integer(value, "seed", 0, _MAX_SEED)


def check_rep(value: object) -> int:
    """Return a replicate's number, an integer from 0 to 2^32 - 1, or refuse it: ConfigError, in one line."""
    return check_integer(value, "rep", 0, _MAX_REP)
