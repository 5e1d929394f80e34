"""Whether a function is another one's derivative: by differences, and from either side where there is a kink."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim.errors import Refused
from gansim.model.own.code import Code
from gansim.model.own.evaluating import evaluate, scalar, vectors

__all__ = ["check_derivative", "check_gradient"]

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
    size = np.maximum(np.abs(low), np.abs(high))
    room = _RELATIVE * np.maximum(size, min(1e-3, size.max())) + rounding  # of a tiny loss, less than 1e-3
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


_AT = 16  # points that a gradient of several numbers is held against differences at


def check_gradient(cost: Code, gradients: Code, sizes: tuple[int, int], player: int) -> None:
    """Refuse gradients of a player that are not those of its cost, a function of the same two tuples.

    Parameters
    ----------
    cost : Code
        What the player descends.
    gradients : Code
        Both players' gradients.
    sizes : (int, int)
        Parameters of both.
    player : {0, 1}
        G, or D.

    Raises
    ------
    Refused
        Its place is "gradients" or the cost's name; it names the parameter, the point, and both numbers.
    """
    n, first = sum(sizes), sizes[0] * player
    points = np.random.default_rng(0).uniform(-1.5, 1.5, (n, _AT))
    given = vectors(gradients, sizes, 0, points)[player]
    for i in range(sizes[player]):
        moved = np.zeros((n, 1))
        moved[first + i] = _STEP
        above, below = (_cost(cost, points + sign * moved, sizes, player) for sign in (1, -1))
        slope = (above - below) / (2 * _STEP)
        off = np.abs(slope - given[i]) > 1e-6 * np.maximum(np.abs(slope), 1.0) + 1e-9
        if off.any():
            k = int(np.flatnonzero(off)[0])
            where = ", ".join(f"{one:.3g}" for one in points[:, k])
            name = f"{('theta', 'phi')[player]}[{i}]"
            allowed = f"the gradient of cost_{'gd'[player]}: by {name} at {where} it is {given[i, k]:.6g}, "
            raise Refused(gradients, f"{allowed}and the cost changes by {slope[k]:.6g}", "gradients")


def _cost(code: Code, points: Floats, sizes: tuple[int, int], player: int) -> Floats:
    try:
        return scalar(code, sizes, points)
    except Refused as refused:
        raise Refused(refused.value, refused.allowed, f"cost_{'gd'[player]}") from None
