"""A study cut into shards, for queues of a cluster that know of no scheduler.

Shard i of N holds every N-th block of 16 replicates of every cell: each is a study in small, of about the same work,
and its bundles stay full.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gansim.errors import ConfigError, shown

__all__ = ["Shard"]

_BLOCK = 16  # replicates, the lanes of a bundle in float32
_MOST = 100_000


@dataclass(frozen=True)
class Shard:
    """Shard `number` of `count`, from 1.

    Raises
    ------
    ConfigError
        If there is no such shard.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count <= _MOST:
            raise ConfigError(f"shard: value {self}: i/N, with i from 1 to N and N up to {_MOST:,}")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/N``; ConfigError if that is no shard.

        Examples
        --------
        >>> Shard.parse("2/8")
        Shard(number=2, count=8)
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if not found:
            raise ConfigError(f"shard: value {shown(text)}: i/N, such as 2/8")
        return cls(int(found[1]), int(found[2]))

    def folder(self, name: str) -> str:
        """Name of the folder of this shard of a study."""
        return f"{name}.shard-{self.number}-of-{self.count}"

    def holds(self, cells: NDArray[np.int32], reps: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which runs are of this shard."""
        return np.asarray((reps // _BLOCK + cells) % self.count == self.number - 1)
