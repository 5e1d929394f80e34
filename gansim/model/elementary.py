"""exp, log and what is made of them, in float64, the same bits on any processor.

NumPy and the C library choose their exp and log by the processor, and the last digits differ: tables of closed forms
were other bytes where there is no AVX-512 or no fused multiply-add. Here is nothing but +, -, *, /, rounding to whole
numbers and powers of two, one array operation each, which IEEE 754 fixes to the bit. `kernels/lanemath.py` has the
same for lanes of compiled code.

Series are the textbook's (Abramowitz and Stegun 1964, 4.2.1 and 4.1.27), cut where the next term is below half a unit
in the last place. Errors measured against 50 decimals (tests/model/test_elementary.py): below 3 such units.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

_LN2_HIGH, _LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6  # n times the first is exact for |n| < 2^37
_EXP = [1 / math.factorial(k) for k in range(13, 1, -1)]
_LOG = [1 / k for k in range(23, 1, -2)]


def _horner(coefficients: list[float], x: Floats) -> Floats:
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


def _parts(x: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """`p` and `n` with exp(x) = 2^n (1 + p), |p| < 0.42; beyond [-746, 710], where exp is 0 or inf, as at its ends."""
    x = np.fmin(np.fmax(x, -746.0), 710.0)
    n = np.rint(x * 1.44269504088896341)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    return _horner(_EXP, r) * (r * r) + r, n.astype(np.int32)


def exp(x: ArrayLike) -> Floats:
    """e^x, any shape; inf above 709.78, 0 below -745.14, NaN for NaN."""
    x = np.asarray(x, dtype=np.float64)
    p, n = _parts(x)
    with np.errstate(over="ignore", under="ignore"):
        return np.where(np.isnan(x), x, np.ldexp(1 + p, n))


def expm1(x: ArrayLike) -> Floats:
    """e^x - 1, accurate near 0, any shape; NaN for NaN."""
    x = np.asarray(x, dtype=np.float64)
    p, n = _parts(x)
    with np.errstate(over="ignore", under="ignore"):
        return np.where(np.isnan(x), x, np.ldexp(p, n) + (np.ldexp(1.0, n) - 1))


def log(x: ArrayLike) -> Floats:
    """Natural logarithm, any shape; -inf at 0, inf at inf, NaN below 0 and for NaN."""
    x = np.asarray(x, dtype=np.float64)
    m, e = np.frexp(np.where((x > 0) & (x < np.inf), x, 1.0))
    low = m < math.sqrt(0.5)
    f, n = np.where(low, 2 * m, m) - 1, np.where(low, e - 1, e).astype(np.float64)
    s = f / (2 + f)  # log(1 + f) = 2 artanh(s), |s| < 0.172
    z = s * s
    found = n * _LN2_HIGH + (2 * s + (2 * s * z * _horner(_LOG, z) + n * _LN2_LOW))
    return np.where((x > 0) & (x < np.inf), found, np.where(x == 0, -np.inf, np.where(x > 0, x, np.nan)))


def log1p(x: ArrayLike) -> Floats:
    """log(1 + x), accurate near 0, any shape; -inf at -1, NaN below."""
    x = np.asarray(x, dtype=np.float64)
    y = 1 + x
    inside = (y > 0) & (y < np.inf)
    rounded = np.where(inside, y, 1.0)  # the logarithm's slope puts back what 1 + x lost
    return log(y) + np.where(inside, x - (rounded - 1), 0.0) / rounded


def softplus(x: ArrayLike) -> Floats:
    """log(1 + e^x), any shape, without overflow: e^x far below 0, x far above."""
    x = np.asarray(x, dtype=np.float64)
    return np.asarray(np.maximum(x, 0.0) + log1p(exp(-np.abs(x))))
