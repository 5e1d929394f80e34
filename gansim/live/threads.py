"""Threads that work on bundles side by side: kernels let go of the interpreter, so each has a core to itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from joblib import cpu_count

from gansim.kernels.compiling.arithmetic import default_arithmetic

__all__ = ["Stop", "Threads"]

_Item = TypeVar("_Item")
Stop = Callable[[], bool]
"""Says whether what is being done is still wanted."""


class Threads:
    """As many threads as there are cores, kept until they are closed.

    Parameters
    ----------
    count : int, optional
        How many; by default as many as there are cores.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count: int = count or cpu_count()
        self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="gansim-live")

    def each(self, items: Sequence[_Item], work: Callable[[int, _Item], object], stop: Stop) -> bool:
        """Do something with every item, unless it is given up meanwhile.

        Parameters
        ----------
        items : sequence
            Shared out among the threads: the first to the first, the second to the second, and so on.
        work : callable
            Takes the thread's number, from 0, and an item.
        stop : callable
            Asked before each item.

        Returns
        -------
        bool
            Whether all is done.
        """

        @default_arithmetic
        def share(number: int) -> bool:
            with np.errstate(all="ignore"):  # a run that blows up is a state, not a warning
                for item in items[number :: self.count]:
                    if stop():
                        return False
                    work(number, item)
            return True

        try:
            shares = self._pool.map(share, range(min(self.count, len(items))))
        except RuntimeError:  # the process is ending: nobody looks any more
            return False
        return all(list(shares))

    def close(self) -> None:
        """End the threads once they are done with what they are doing."""
        self._pool.shutdown(wait=True)
