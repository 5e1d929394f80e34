"""Progress of what is drawn or written piece by piece, on stderr: a bar in a notebook or on a terminal, else lines."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from gansim import escaping
from gansim.running import progress

__all__ = ["ticking"]

_T = TypeVar("_T")


def ticking(
    items: Iterable[_T], total: int, name: str, unit: str, silent: bool = False, stream: TextIO | None = None
) -> Iterator[_T]:
    """Yield the items, and tell how many are done.

    Parameters
    ----------
    items : iterable
        Whatever is to be done.
    total : int
        How many there are.
    name : str
        What it is for, such as a file's name.
    unit : str
        What an item is, in the plural.
    silent : bool, default False
        Say nothing.
    stream : file, optional
        Where to; by default stderr.

    Examples
    --------
    >>> list(ticking("abc", 3, "run.gif", "frames"))
    ['a', 'b', 'c']
    """
    notebook = stream is None and progress.in_notebook()
    where = stream or (sys.stdout if notebook else sys.stderr)  # a page shows stderr in red
    if silent or where is None:
        yield from items
    elif notebook or progress.is_terminal(where):
        bar = progress.bar_of(notebook)
        yield from bar(items, total=total, desc=escaping.line(name), unit=f" {unit}", file=where, leave=False)
    else:
        yield from _in_lines(items, total, name, unit, where)


def _in_lines(items: Iterable[_T], total: int, name: str, unit: str, stream: TextIO) -> Iterator[_T]:
    started = last = time.perf_counter()
    for done, item in enumerate(items):
        now = time.perf_counter()
        if done and now - last >= progress.LINE_EVERY:
            last, left = now, (now - started) * (total - done) / done
            with contextlib.suppress(OSError, ValueError):  # nobody hears it, or the stream is closed
                stream.write(
                    escaping.line(f"{name}: {done:,} of {total:,} {unit}, {progress.duration(left)} left") + "\n"
                )
                stream.flush()
        yield item
