"""Code of somebody's own on numbers, as a kernel would take it: what lanes cannot do is refused here, in one line.

Kernels are compiled when they are first needed, minutes after a study was described, and what Numba then says of a
comparison or of ``s ** 2`` fills a screen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim import lanes
from gansim.errors import Refused, one_line
from gansim.model.own.code import Code

__all__ = ["evaluate", "scalar", "vectors"]

Floats: TypeAlias = NDArray[np.float64]


def _unknown(what: str) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        raise TypeError(f"lanes have no {what}")

    return refuse


class _Lane:
    """Numbers that can do what lanes can: +, -, *, / and the functions of `gansim.lanes`."""

    __slots__ = ("values",)
    __array_ufunc__ = None  # NumPy leaves what is done with its own numbers to the operators below
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Any) -> None:
        self.values = values

    def __add__(self, other: Any) -> _Lane:
        return _Lane(self.values + _bare(other))

    def __radd__(self, other: Any) -> _Lane:
        return _Lane(_bare(other) + self.values)

    def __sub__(self, other: Any) -> _Lane:
        return _Lane(self.values - _bare(other))

    def __rsub__(self, other: Any) -> _Lane:
        return _Lane(_bare(other) - self.values)

    def __mul__(self, other: Any) -> _Lane:
        return _Lane(self.values * _bare(other))

    def __rmul__(self, other: Any) -> _Lane:
        return _Lane(_bare(other) * self.values)

    def __truediv__(self, other: Any) -> _Lane:
        return _Lane(self.values / _bare(other))

    def __rtruediv__(self, other: Any) -> _Lane:
        return _Lane(_bare(other) / self.values)

    def __neg__(self) -> _Lane:
        return _Lane(-self.values)

    __pow__ = __rpow__ = _unknown("**: s * s")
    __pos__ = _unknown("unary +")
    __abs__ = _unknown("abs: absolute of gansim.lanes")
    __lt__ = __le__ = __gt__ = __ge__ = _unknown("comparison: where_greater of gansim.lanes")
    __eq__ = __ne__ = _unknown("comparison: where_greater of gansim.lanes")
    __bool__ = _unknown("truth: where_greater of gansim.lanes")
    __float__ = __int__ = __getitem__ = __iter__ = __len__ = _unknown("single numbers in them")


def _bare(value: Any) -> Any:
    if isinstance(value, _Lane):
        return value.values
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TypeError(f"lanes go with numbers, not with {type(value).__name__}")


def _on_lanes(name: str) -> Callable[..., _Lane]:
    function: Callable[..., Any] = getattr(lanes, name)

    def call(*given: Any) -> _Lane:
        if not any(isinstance(one, _Lane) for one in given):
            raise TypeError(f"{name} of gansim.lanes takes lanes, not numbers alone")
        return _Lane(np.asarray(function(*map(_bare, given)), np.float64))

    return call


_FUNCTIONS = {name: _on_lanes(name) for name in lanes.__all__}


def evaluate(code: Code, *arguments: Floats) -> Floats:
    """Value of a function in float64, element by element.

    Parameters
    ----------
    code : Code
        The function.
    *arguments : ndarray of float64
        Its arguments, all of one shape.

    Returns
    -------
    ndarray of float64
        Of the same shape; a function that returns a number has it everywhere.

    Raises
    ------
    Refused
        If it does what lanes cannot do, or returns anything but lanes or a finite number.
    """
    try:
        with np.errstate(all="ignore"):
            found = code.bind(_FUNCTIONS)(*map(_Lane, arguments))
    except Exception as error:  # whatever somebody's code may raise
        raise Refused(code, f"a function of lanes by +, -, *, / and gansim.lanes: {one_line(error):.200}") from None
    if isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found):
        return np.full(arguments[0].shape, float(found))
    if not isinstance(found, _Lane):
        raise Refused(code, f"a function that returns lanes or a number, not {type(found).__name__}")
    return np.broadcast_to(np.asarray(found.values, np.float64), arguments[0].shape)


def vectors(code: Code, sizes: tuple[int, int], drawn: int, at: Floats | None = None) -> tuple[Floats, Floats]:
    """What a function of two tuples of lanes returns, two tuples of the same lengths, in float64.

    Parameters
    ----------
    code : Code
        The function; of three tuples if anything is drawn.
    sizes : (int, int)
        Lengths of the tuples.
    drawn : int
        Length of the third.
    at : ndarray, shape (sum(sizes) + drawn, n), optional
        Where; by default at four points near 0.

    Returns
    -------
    first, second : ndarray, shapes (sizes[0], n) and (sizes[1], n)

    Raises
    ------
    Refused
        If it does what lanes cannot do, or returns anything else.
    """
    n_g, n_d = sizes
    if code.arguments != (3 if drawn else 2):
        raise Refused(code, f"a function of {'three' if drawn else 'two'} tuples, because drawn is {drawn}")
    given = np.linspace(-0.7, 0.9, 4 * (n_g + n_d + drawn)).reshape(-1, 4) if at is None else at
    found = _called(code, given, [n_g, n_d, drawn] if drawn else [n_g, n_d])
    shaped = isinstance(found, tuple) and len(found) == 2 and all(isinstance(part, tuple) for part in found)
    if not shaped or tuple(map(len, found)) != tuple(sizes):
        raise Refused(code, f"a function that returns two tuples, of {n_g} and of {n_d}")
    return _stacked(code, found[0], given), _stacked(code, found[1], given)


def scalar(code: Code, sizes: tuple[int, int], at: Floats) -> Floats:
    """What a function of two tuples of lanes returns, lanes, in float64.

    Parameters
    ----------
    code : Code
        The function.
    sizes : (int, int)
        Lengths of the tuples.
    at : ndarray, shape (sum(sizes), n)
        Where.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    Refused
        If it does what lanes cannot do, or returns anything else.
    """
    [found] = _stacked(code, (_called(code, at, list(sizes)),), at)
    return np.asarray(found)


def _called(code: Code, given: Floats, sizes: list[int]) -> Any:
    """What a function makes of tuples of these lengths."""
    parts = np.split(given, np.cumsum(sizes)[:-1])
    try:
        with np.errstate(all="ignore"):
            return code.bind(_FUNCTIONS)(*(tuple(map(_Lane, part)) for part in parts))
    except Exception as error:  # whatever somebody's code may raise
        raise Refused(code, f"a function of lanes by +, -, *, / and gansim.lanes: {one_line(error):.200}") from None


def _stacked(code: Code, part: tuple[Any, ...], given: Floats) -> Floats:
    try:
        return np.array([np.broadcast_to(np.asarray(_bare(one), np.float64), given.shape[1:]) for one in part])
    except TypeError as error:
        raise Refused(code, f"a function that returns lanes or numbers: {one_line(error):.200}") from None
