"""The floating-point state of a thread: rounding to the nearest number, and none taken for zero.

Which way a processor rounds, and whether it takes numbers below the smallest normal one for zero, stands in a register
of each thread (MXCSR, FPCR). A library linked with ``-ffast-math`` sets it as it is loaded, PyTorch has a function for
it, a new thread inherits it, and LLVM folds constants under it. Of 12 configurations 5 ended with other bits where
small numbers were zero, and all of them where numbers were rounded toward zero.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

__all__ = ["default_arithmetic"]

F = TypeVar("F", bound=Callable[..., Any])

_Environment = ctypes.c_uint64 * 16  # a fenv_t, of 32 bytes at most on any system, and room


def _c_library() -> tuple[Any, Any, Any]:
    """C's fegetenv and fesetenv, and its default environment; where there are none, the register is left alone."""
    try:
        library = ctypes.PyDLL(None)  # of this process; the GIL is kept, as there is nothing to wait for
        get, set_, default = library.fegetenv, library.fesetenv, ctypes.c_void_p(-1)  # glibc's and musl's FE_DFL_ENV
        if hasattr(library, "_FE_DFL_ENV"):  # macOS
            default = ctypes.c_void_p(ctypes.addressof(_Environment.in_dll(library, "_FE_DFL_ENV")))
    except (TypeError, OSError, AttributeError):  # Windows

        def nothing(_: object) -> None:
            """Leave it as it is."""

        return nothing, nothing, None
    return get, set_, default


_get, _set, _DEFAULT = _c_library()


def default_arithmetic(function: F) -> F:
    """Let a function compute in the default state, whatever its caller's, which it finds again: 1 us a call."""

    @wraps(function)
    def computed(*args: Any, **kwargs: Any) -> Any:
        before = _Environment()
        _get(before)
        _set(_DEFAULT)
        try:
            return function(*args, **kwargs)
        finally:
            _set(before)

    return cast(F, computed)
