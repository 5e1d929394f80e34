"""Progress of what is drawn or written piece by piece, on stderr: a bar in a notebook or on a terminal, else lines."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from gansim import escaping

__all__ = ["ticking"]

_T = TypeVar("_T")
_LINE_EVERY = 10.0  # seconds between lines where there is no terminal: what is done sooner says nothing


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
    stream = stream or sys.stderr
    notebook = "ipykernel" in sys.modules
    if silent or stream is None:
        yield from items
    elif notebook or _is_terminal(stream):
        with warnings.catch_warnings():  # a notebook without ipywidgets has a bar of text, and needs no advice
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
        where = None if notebook else stream
        yield from tqdm(items, total=total, desc=escaping.line(name), unit=f" {unit}", file=where, leave=False)
    else:
        yield from _in_lines(items, total, name, unit, stream)


def _in_lines(items: Iterable[_T], total: int, name: str, unit: str, stream: TextIO) -> Iterator[_T]:
    started = last = time.perf_counter()
    for done, item in enumerate(items):
        now = time.perf_counter()
        if done and now - last >= _LINE_EVERY:
            last, left = now, (now - started) * (total - done) / done
            with contextlib.suppress(OSError, ValueError):  # nobody hears it, or the stream is closed
                stream.write(escaping.line(f"{name}: {done:,} of {total:,} {unit}, {left:.0f} s left") + "\n")
                stream.flush()
        yield item


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False
