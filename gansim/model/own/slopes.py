"""Whether a function is another one's derivative: by differences, and from either side where there is a kink."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim.errors import Refused
from gansim.model.own.code import Code
from gansim.model.own.evaluating import evaluate

__all__ = ["check_derivative"]

Floats: TypeAlias = NDArray[np.float64]

# From -30 to 30, where a loss that is not clipped has its values: dense near 0, at no round numbers, and at the round
# ones where kinks are.
_UNEVEN = np.sinh(np.linspace(0.0137, 4.0943, 60))
_POINTS = np.sort(np.concatenate([-_UNEVEN, _UNEVEN, [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]]))
_STEP = 2.0**-17  # its square is what a difference leaves out, 1e-16 over it what rounding adds
_RELATIVE = 1e-4
_ULPS = 64.0


def check_derivative(value: Code, slope: Code, of: str, by: str) -> None:
    """Refuse a function that is not the derivative of another, or either if it is not finite somewhere.

    At 127 points from -30 to 30 the slope must lie between the differences to either side, but for one part in 10,000:
    where the function is smooth they are its derivative, and at a kink any slope between the two will do.

    Parameters
    ----------
    value, slope : Code
        The function and what is said to be its derivative, both of one number.
    of, by : str
        What each is called.

    Raises
    ------
    Refused
        Its place is `of` or `by`; it names the point, and both numbers.
    """
    s = _POINTS
    here, above, below = (_finite(value, s + step, of) for step in (0.0, _STEP, -_STEP))
    given = _finite(slope, s, by)
    right, left = (above - here) / _STEP, (here - below) / _STEP
    low, high = np.minimum(left, right), np.maximum(left, right)
    rounding = _ULPS * np.finfo(np.float64).eps * np.abs(here) / _STEP
    room = _RELATIVE * np.maximum(np.maximum(np.abs(low), np.abs(high)), 1e-3) + rounding
    wrong = np.flatnonzero((given < low - room) | (given > high + room))
    if len(wrong):
        k = wrong[np.argmin(np.abs(s[wrong] - 0.7))]  # somewhere ordinary
        slope_there = (above[k] - below[k]) / (2 * _STEP)
        allowed = (
            f"the derivative of {of}: at s = {s[k]:.4g} it is {given[k]:.6g}, and {of} changes by {slope_there:.6g}"
        )
        raise Refused(slope, allowed, by)


def _finite(code: Code, s: Floats, name: str) -> Floats:
    try:
        found = evaluate(code, s)
    except Refused as refused:
        raise Refused(refused.value, refused.allowed, name) from None
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        k = wrong[np.argmin(np.abs(s[wrong]))]
        raise Refused(code, f"finite from -30 to 30; at s = {s[k]:.4g} it is {found[k]}", name)
    return found
