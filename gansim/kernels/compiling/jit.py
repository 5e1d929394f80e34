"""How kernels are compiled: parts, entry points, and functions that are called by their address.

A *kernel* is a part of whoever calls it. An *entry point* is a whole: called from Python, compiled to machine code and
kept on disk with everything it calls. What is compiled *by address* is a whole, too, called from kernels: the passes of
a network, so that all that does not depend on layer sizes is compiled once for all of them.

Two ways lead there: `internals.py`, and `plain.py` where Numba is not the one that the former was written for.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numba

from gansim.kernels.compiling.options import COMPILES

try:
    from gansim.kernels.compiling import internals as way
except (ImportError, AttributeError):
    from gansim.kernels.compiling import plain as way  # type: ignore[no-redef]

__all__ = ["COMPILES", "PART", "by_address", "entry_point", "forget", "kernel", "settings"]

_config: Any = numba.config  # has settings that it does not declare

F = TypeVar("F", bound=Callable[..., Any])

PART: Any = way.PART  # what Numba is told of a part; also for `numba.extending.overload`, whose choices are parts too
forget: Callable[[], None] = way.forget
_held: list[Any] = []  # machine code stays where it is as long as somebody holds it


def settings() -> dict[str, str]:
    """Numba's settings that decide what runs, by their names in the environment, where they are not the default."""
    told = {"NUMBA_CPU_NAME": _config.CPU_NAME, "NUMBA_DISABLE_JIT": "" if COMPILES else "1"}
    return {name: str(value) for name, value in told.items() if value}


def kernel(function: F) -> F:
    """Compile ``function`` as a part of entry points."""
    return way.kernel(function) if COMPILES else function


def entry_point(function: F) -> F:
    """Compile ``function`` and keep the machine code on disk, with everything it calls."""
    return way.entry_point(function) if COMPILES else function


def by_address(function: Callable[..., Any], returned: Any, arguments: Sequence[Any]) -> int:
    """Compile ``function`` for arguments of these types, or load it; where it lies, for kernels to call it there."""
    whole = way.by_address(function, returned, arguments)
    _held.append(whole)
    return int(whole.address)
