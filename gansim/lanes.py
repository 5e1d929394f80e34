"""Functions that a game of one's own is made of: on NumPy arrays here, and on the lanes of a kernel where runs train.

Import them by name, ``from gansim.lanes import exp, softplus``, and use them with +, -, *, / and numbers in the losses
of a `gansim.OwnGame`. A kernel has its own version of each (``kernels/lanemath.py``), with the same limits; here they
say what is computed, and are what a game's slopes are checked with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    *("absolute", "exp", "expm1", "log", "maximum", "minimum", "sigmoid"),
    *("softplus", "sqrt", "tanh", "where_greater"),
]

_LIMITS = {np.dtype(np.float32): (-87.0, 88.0), np.dtype(np.float64): (-708.0, 709.0)}


def _array(value: Any) -> NDArray[Any]:
    """An array of a precision that lanes have."""
    array = np.asarray(value)
    made: NDArray[Any] = array if array.dtype in _LIMITS else array.astype(np.float64)
    return made


def _within(x: Any) -> NDArray[Any]:
    array = _array(x)
    clipped: NDArray[Any] = np.clip(array, *_LIMITS[array.dtype])
    return clipped


def exp(x: Any) -> Any:
    """e^x; the argument is clamped to [-87, 88] (float32) or [-708, 709] (float64)."""
    return np.exp(_within(x))


def expm1(x: Any) -> Any:
    """e^x - 1, accurate near 0; the argument is clamped as in `exp`."""
    return np.expm1(_within(x))


def log(x: Any) -> Any:
    """Natural logarithm; -inf of 0, NaN below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(_array(x))


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return np.tanh(_array(x))


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x); 0 where e^x is below the smallest normal number."""
    array = _array(x)
    return np.where(array < _LIMITS[array.dtype][0], array.dtype.type(0.0), 1.0 / (exp(-array) + 1.0))


def softplus(x: Any) -> Any:
    """log(1 + e^x), accurate on both sides."""
    array = _array(x)
    return maximum(0.0, array) + np.log1p(exp(-np.abs(array)))


def sqrt(x: Any) -> Any:
    """Square root; NaN below 0."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(_array(x))


def absolute(x: Any) -> Any:
    """|x|."""
    return np.abs(_array(x))


def maximum(a: Any, b: Any) -> Any:
    """``a`` where ``a > b``, else ``b``: a NaN in either gives ``b``."""
    return np.where(np.asarray(a) > b, a, b)


def minimum(a: Any, b: Any) -> Any:
    """``a`` where ``a < b``, else ``b``: a NaN in either gives ``b``."""
    return np.where(np.asarray(a) < b, a, b)


def where_greater(a: Any, b: Any, x: Any, y: Any) -> Any:
    """``x`` where ``a > b``, else ``y`` (also where a or b is NaN)."""
    return np.where(np.asarray(a) > b, x, y)
