"""exp, log, tanh, softplus ... on lanes, from +, -, *, /, fma and bit patterns alone.

Nothing here calls a libm (2.5 to 11 ns an element, and bits that depend on the platform) or a conversion whose
result is undefined for NaN. Every function but `log` returns NaN for NaN. Series are the textbook's (Abramowitz and
Stegun 1964, chapter 4), cut where the next term is below half a unit in the last place; in float32 the logarithm uses
the fitted polynomial of Cephes (Moshier 1989), which saves a division in the random normals, and tanh is a quotient of
polynomials in x^2, fitted by weighted least squares until the largest error fell no more.

Measured against float64 (float32) and 50-digit arithmetic (float64), see tests/kernels/test_lanemath.py: relative
errors of exp, log, log1p, tanh, sigmoid, softplus below 4e-7 and 2e-15; absolute errors of cos and sin below 2e-7 and
1e-15.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from gansim.kernels.compiling.jit import PART, kernel
from gansim.kernels.lanes import (
    Lanes,
    Row,
    Tile,
    absolute,
    bits,
    fma,
    from_bits,
    maximum,
    minimum,
    sqrt,
    to_float,
    where_greater,
)

# Adding 1.5 * 2^(mantissa bits) rounds to the nearest integer, ties to even, and leaves it in the low bits of the
# pattern: a rounding and a conversion for one addition, defined for NaN as well.
_ROUND_32, _ROUND_64 = 12582912.0, 6755399441055744.0


def by_precision(single: Callable[..., Any], double: Callable[..., Any], doc: str) -> Callable[..., Any]:
    """One function of one argument for both precisions, chosen by the lanes' type."""

    def choose(x: Tile) -> Tile:
        return single(x) if x.dtype == np.float32 else double(x)

    @overload(choose, jit_options=PART)
    def _choose(x):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
        if not isinstance(x, Lanes):
            return None
        chosen = (lambda x: single(x)) if x.dtype == types.float32 else (lambda x: double(x))
        chosen.__qualname__ = f"chosen-{single.__name__}"  # what machine code is known by, see compiling/plain.py
        return chosen

    choose.__doc__ = doc
    return choose


# --- exp and its relatives ----------------------------------------------------------------------


@kernel
def _expm1_parts_32(x: Tile) -> tuple[Tile, Tile]:
    """``p`` and ``2^n`` with ``exp(x) = 2^n (1 + p)``, |p| < 0.42."""
    t = fma(x, 1.44269504088896341, _ROUND_32)
    n = t - _ROUND_32
    r = fma(n, 2.12194440e-4, fma(n, -0.693359375, x))
    y = fma(r, 1.0 / 5040, 1.0 / 720)
    y = fma(y, r, 1.0 / 120)
    y = fma(y, r, 1.0 / 24)
    y = fma(y, r, 1.0 / 6)
    y = fma(y, r, 0.5)
    return fma(y, r * r, r), from_bits((bits(t) << 23) + 0x3F800000)


@kernel
def _expm1_parts_64(x: Tile) -> tuple[Tile, Tile]:
    """``p`` and ``2^n`` with ``exp(x) = 2^n (1 + p)``, |p| < 0.42."""
    t = fma(x, 1.44269504088896341, _ROUND_64)
    n = t - _ROUND_64
    r = fma(n, -1.42860682030941723212e-6, fma(n, -6.93145751953125e-1, x))
    y = fma(r, 1.0 / 6227020800, 1.0 / 479001600)
    y = fma(y, r, 1.0 / 39916800)
    y = fma(y, r, 1.0 / 3628800)
    y = fma(y, r, 1.0 / 362880)
    y = fma(y, r, 1.0 / 40320)
    y = fma(y, r, 1.0 / 5040)
    y = fma(y, r, 1.0 / 720)
    y = fma(y, r, 1.0 / 120)
    y = fma(y, r, 1.0 / 24)
    y = fma(y, r, 1.0 / 6)
    y = fma(y, r, 0.5)
    return fma(y, r * r, r), from_bits((bits(t) << 52) + 0x3FF0000000000000)


@kernel
def _exp_32(x: Tile) -> Tile:
    p, scale = _expm1_parts_32(minimum(88.0, maximum(-87.0, x)))
    return fma(p, scale, scale)


@kernel
def _exp_64(x: Tile) -> Tile:
    p, scale = _expm1_parts_64(minimum(709.0, maximum(-708.0, x)))
    return fma(p, scale, scale)


exp = by_precision(_exp_32, _exp_64, "e^x; the argument is clamped to [-87, 88] (float32) or [-708, 709] (float64).")


@kernel
def _expm1_32(x: Tile) -> Tile:
    p, scale = _expm1_parts_32(minimum(88.0, maximum(-87.0, x)))
    return fma(p, scale, scale - 1.0)


@kernel
def _expm1_64(x: Tile) -> Tile:
    p, scale = _expm1_parts_64(minimum(709.0, maximum(-708.0, x)))
    return fma(p, scale, scale - 1.0)


expm1 = by_precision(_expm1_32, _expm1_64, "e^x - 1, accurate near 0; the argument is clamped as in `exp`.")


@kernel
def _tanh_32(x: Tile) -> Tile:
    """By a quotient fitted on [0, 8.6] to a relative error of 1.3e-8: 15 operations instead of 18 by e^2x - 1.

    A row of eight takes 2.3 instead of 3.4 ns with AVX2; with AVX-512 either waits for ten multiply-adds.
    """
    x = minimum(9.0, maximum(-9.0, x))  # tanh(9) rounds to 1
    z = x * x
    p = fma(z, 1.408248e-8, 2.1122392e-5)
    p = fma(p, z, 3.5264024e-3)
    p = fma(p, z, 1.3406876e-1)
    p = fma(p, z, 1.0)
    q = fma(z, 8.0706417e-7, 3.3362713e-4)
    q = fma(q, z, 2.5993904e-2)
    q = fma(q, z, 4.6740198e-1)
    q = fma(q, z, 1.0)
    return minimum(1.0, maximum(-1.0, x * p / q))


@kernel
def _tanh_64(x: Tile) -> Tile:
    x = minimum(20.0, maximum(-20.0, x))
    p, scale = _expm1_parts_64(x + x)
    e = fma(p, scale, scale - 1.0)
    return e / (e + 2.0)


tanh = by_precision(
    _tanh_32,
    _tanh_64,
    "Hyperbolic tangent, to full relative accuracy near 0, where 1 - 2 / (e^2x + 1) loses all digits.",
)


@kernel
def _sigmoid_32(x: Tile) -> Tile:
    return where_greater(-87.0, x, 0.0, 1.0 / (exp(-x) + 1.0))


@kernel
def _sigmoid_64(x: Tile) -> Tile:
    return where_greater(-708.0, x, 0.0, 1.0 / (exp(-x) + 1.0))


# 0 rather than e^-87 or a denormal: a floor under D, times the large weights of a D that has blown up, would hand G a
# gradient where there is none.
sigmoid = by_precision(_sigmoid_32, _sigmoid_64, "1 / (1 + e^-x); 0 where e^x is below the smallest normal number.")


@kernel
def _log1p_32(u: Tile) -> Tile:
    s = u / (u + 2.0)
    z = s * s
    y = fma(z, 1.0 / 15, 1.0 / 13)
    y = fma(y, z, 1.0 / 11)
    y = fma(y, z, 1.0 / 9)
    y = fma(y, z, 1.0 / 7)
    y = fma(y, z, 1.0 / 5)
    y = fma(y, z, 1.0 / 3)
    return fma(y * z, s, s) * 2.0


@kernel
def _log1p_64(u: Tile) -> Tile:
    s = u / (u + 2.0)
    z = s * s
    y = fma(z, 1.0 / 33, 1.0 / 31)
    y = fma(y, z, 1.0 / 29)
    y = fma(y, z, 1.0 / 27)
    y = fma(y, z, 1.0 / 25)
    y = fma(y, z, 1.0 / 23)
    y = fma(y, z, 1.0 / 21)
    y = fma(y, z, 1.0 / 19)
    y = fma(y, z, 1.0 / 17)
    y = fma(y, z, 1.0 / 15)
    y = fma(y, z, 1.0 / 13)
    y = fma(y, z, 1.0 / 11)
    y = fma(y, z, 1.0 / 9)
    y = fma(y, z, 1.0 / 7)
    y = fma(y, z, 1.0 / 5)
    y = fma(y, z, 1.0 / 3)
    return fma(y * z, s, s) * 2.0


log1p = by_precision(_log1p_32, _log1p_64, "log(1 + u) for 0 <= u <= 1, by 2 artanh(u / (2 + u)).")


@kernel
def softplus(x: Tile) -> Tile:
    """``log(1 + e^x)``, to full relative accuracy on both sides: V of a perfect discriminator is all tail."""
    return maximum(0.0, x) + log1p(exp(-absolute(x)))


@kernel
def sigmoid_and_softplus(x: Tile) -> tuple[Tile, Tile]:
    """Both of one argument, from one exponential."""
    e = exp(-absolute(x))
    r = 1.0 / (e + 1.0)
    return where_greater(x, 0.0, r, e * r), maximum(0.0, x) + log1p(e)


@kernel
def logistic_density(x: Tile) -> Tile:
    """The derivative of `sigmoid`, to full relative accuracy on both sides."""
    e = exp(-absolute(x))
    r = 1.0 / (e + 1.0)
    return e * r * r


# --- the logarithm of a positive normal number --------------------------------------------------


@kernel
def _log_32(x: Tile) -> Tile:
    pattern = bits(x) + (0x3F800000 - 0x3F3504F3)  # so that the mantissa falls in [sqrt(1/2), sqrt(2))
    exponent = to_float(pattern >> 23, x) - 127.0
    f = from_bits((pattern & 0x007FFFFF) + 0x3F3504F3) - 1.0
    z = f * f
    y = fma(f, 7.0376836292e-2, -1.1514610310e-1)
    y = fma(y, f, 1.1676998740e-1)
    y = fma(y, f, -1.2420140846e-1)
    y = fma(y, f, 1.4249322787e-1)
    y = fma(y, f, -1.6668057665e-1)
    y = fma(y, f, 2.0000714765e-1)
    y = fma(y, f, -2.4999993993e-1)
    y = fma(y, f, 3.3333331174e-1)
    y = fma(exponent, -2.12194440e-4, y * f * z)
    return fma(exponent, 0.693359375, f + fma(z, -0.5, y))


@kernel
def _log_64(x: Tile) -> Tile:
    pattern = bits(x) + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
    exponent = to_float(pattern >> 52, x) - 1023.0
    f = from_bits((pattern & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD) - 1.0
    s = f / (f + 2.0)
    z = s * s
    y = fma(z, 1.0 / 23, 1.0 / 21)
    y = fma(y, z, 1.0 / 19)
    y = fma(y, z, 1.0 / 17)
    y = fma(y, z, 1.0 / 15)
    y = fma(y, z, 1.0 / 13)
    y = fma(y, z, 1.0 / 11)
    y = fma(y, z, 1.0 / 9)
    y = fma(y, z, 1.0 / 7)
    y = fma(y, z, 1.0 / 5)
    y = fma(y, z, 1.0 / 3)
    y = fma(y * z, s, s) * 2.0
    return fma(exponent, 6.93145751953125e-1, fma(exponent, 1.42860682030941723212e-6, y))


log = by_precision(_log_32, _log_64, "Natural logarithm of positive normal numbers.")


# --- cosine and sine of a turn ------------------------------------------------------------------


@kernel
def _cos_sin_32(v: Row) -> tuple[Row, Row]:
    t = fma(v, 4.0, _ROUND_32)
    r = fma(t - _ROUND_32, -0.25, v) * 6.283185307179586
    z = r * r
    s = fma(fma(fma(z, 1.0 / 362880, -1.0 / 5040), z, 1.0 / 120), z, -1.0 / 6)
    s = fma(s * z, r, r)
    c = fma(fma(fma(z, 1.0 / 40320, -1.0 / 720), z, 1.0 / 24), z, -0.5)
    c = fma(c, z, 1.0)
    quarter = bits(t)
    odd = to_float(quarter & 1, v)
    cos, sin = where_greater(odd, 0.5, s, c), where_greater(odd, 0.5, c, s)
    return from_bits(bits(cos) ^ (((quarter + 1) & 2) << 30)), from_bits(bits(sin) ^ ((quarter & 2) << 30))


@kernel
def _cos_sin_64(v: Row) -> tuple[Row, Row]:
    t = fma(v, 4.0, _ROUND_64)
    r = fma(t - _ROUND_64, -0.25, v) * 6.283185307179586
    z = r * r
    s = fma(fma(z, -1.0 / 1307674368000, 1.0 / 6227020800), z, -1.0 / 39916800)
    s = fma(fma(fma(fma(s, z, 1.0 / 362880), z, -1.0 / 5040), z, 1.0 / 120), z, -1.0 / 6)
    s = fma(s * z, r, r)
    c = fma(fma(z, 1.0 / 20922789888000, -1.0 / 87178291200), z, 1.0 / 479001600)
    c = fma(fma(fma(fma(c, z, -1.0 / 3628800), z, 1.0 / 40320), z, -1.0 / 720), z, 1.0 / 24)
    c = fma(fma(c, z, -0.5), z, 1.0)
    quarter = bits(t)
    odd = to_float(quarter & 1, v)
    cos, sin = where_greater(odd, 0.5, s, c), where_greater(odd, 0.5, c, s)
    return from_bits(bits(cos) ^ (((quarter + 1) & 2) << 62)), from_bits(bits(sin) ^ ((quarter & 2) << 62))


cos_sin_turns = by_precision(_cos_sin_32, _cos_sin_64, "cos and sin of 2 pi v, for v in [0, 1).")


@kernel
def normal_cdf(x: Tile) -> Tile:
    """Distribution function of N(0, 1), absolute error below 3e-7 (Abramowitz and Stegun 1964, eq. 7.1.26)."""
    y = absolute(x) * 0.7071067811865476
    t = 1.0 / fma(y, 0.3275911, 1.0)
    p = fma(fma(fma(fma(t, 1.061405429, -1.453152027), t, 1.421413741), t, -0.284496736), t, 0.254829592)
    tail = p * t * exp(-(y * y)) * 0.5
    return where_greater(x, 0.0, 1.0 - tail, tail)


# --- numbers too small to be kept ----------------------------------------------------------------


@kernel
def _without_tiny_32(x: Tile) -> Tile:
    return where_greater(1e-30, absolute(x), 0.0, x)


@kernel
def _without_tiny_64(x: Tile) -> Tile:
    return where_greater(1e-290, absolute(x), 0.0, x)


without_tiny = by_precision(
    _without_tiny_32,
    _without_tiny_64,
    "x; 0 where it is so small that a product with it may lie below all normal numbers.",
)


# --- what code of somebody's own may call: the functions of gansim.lanes --------------------------


@kernel
def _log_of_any(x: Tile) -> Tile:
    """`log`; -inf of 0, whatever its sign, and NaN below and of NaN."""
    return where_greater(x, 0.0, log(x), -1.0 / (sqrt(x) + 0.0))


ON_LANES: dict[str, Callable[..., Any]] = {
    "absolute": absolute,
    "exp": exp,
    "expm1": expm1,
    "log": _log_of_any,
    "maximum": maximum,
    "minimum": minimum,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "sqrt": sqrt,
    "tanh": tanh,
    "where_greater": where_greater,
}
