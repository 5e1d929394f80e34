"""The plain way to compile: what Numba documents, and nothing else. Slower than `internals.py`, and the same bits.

Every part becomes machine code of its own. Numba names it by the function and a number that each process counts up, and
where code from the cache meets other code of the same name, one is taken for the other. So a function built for certain
layer sizes has what it was built of in its name.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numba

from gansim.kernels.compiling import cache
from gansim.kernels.compiling.options import OPTIONS

_njit: Any = numba.njit  # takes options that it does not declare
_config: Any = numba.config  # has settings that it does not declare

F = TypeVar("F", bound=Callable[..., Any])

PART: Any = OPTIONS


def _built_of(value: Any) -> str:
    """A function's name and what it was built of, all the way down; any other value as it shows itself."""
    function = getattr(value, "py_func", value)
    if not callable(function) or not hasattr(function, "__code__"):
        return repr(value)
    cells = [_built_of(cell.cell_contents) for cell in function.__closure__ or ()]
    return repr((function.__module__, function.__code__.co_name, function.__code__.co_firstlineno, cells))


def kernel(function: F) -> F:
    """Compile ``function`` as a part of entry points."""
    if function.__closure__:
        function.__qualname__ += hashlib.sha256(_built_of(function).encode()).hexdigest()[:16]
    compiled: F = _njit(**OPTIONS)(function)
    return compiled


_wholes: list[Any] = []  # all entry points of this process


@contextmanager
def _kept() -> Iterator[bool]:
    """Within, Numba keeps code in the folder of this version of the source, if it can be kept at all."""
    before, folder = _config.CACHE_DIR, cache.folder_for_numba()
    if folder is not None:
        _config.CACHE_DIR = str(folder)
    try:
        yield folder is not None
    finally:
        _config.CACHE_DIR = before


def entry_point(function: F) -> F:
    """Compile ``function`` and keep the machine code on disk, with everything it calls."""
    with _kept() as kept:
        compiled: F = _njit(cache=kept, **OPTIONS)(function)
    _wholes.append(compiled)
    return compiled


def by_address(function: Callable[..., Any], returned: Any, arguments: Sequence[Any]) -> Any:
    """Compile ``function`` for arguments of these types, or load it: what has its ``address``, for kernels to call."""
    with _kept() as kept:
        return numba.cfunc(returned(*arguments), cache=kept, **OPTIONS)(function)


def forget() -> None:
    """Compile afresh whatever this process calls from now on; what Numba has kept of it is replaced."""
    for compiled in _wholes:
        compiled.recompile()
