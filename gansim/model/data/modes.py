"""The modes of a mixture: which of its components a sample can tell apart, and where on the line each one rules.

A point belongs to the component of the largest responsibility, weight times density at the point (the E-step of
Dempster, Laird and Rubin 1977, made hard), so that a narrow mode within a wide one has the middle and the wide one both
flanks. Components that such a rule can hardly tell from each other are one mode.

Everything is in the target's own units and computed once per target, exactly: between two neighbouring roots of a
difference of two parabolas the ruling component does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim.model.data.distributions import Mixture, Normal, Uniform, components, standardised
from gansim.traces import HIGH_QUALITY

__all__ = ["MISS", "Modes", "modes_of"]

Floats: TypeAlias = NDArray[np.float64]

MISS = 1e-4
"""Probability with which a measurement of the target's own samples may lie beyond its limit."""

# Least gain over naming the heavier of two components every time. 0.1 makes one mode of two equal components closer
# than 0.25 standard deviations, and of N(0, 1) and N(0, 1.2^2); N(0, 1) and N(0, 4^2) gain 0.44 at weights 9 to 1.
_SKILL = 0.1
_DIGITS = 12  # SciPy's last bits depend on the processor


@dataclass(frozen=True, eq=False)
class Modes:
    """Modes of a target of k components, in its own units: a normal or uniform target has one.

    Attributes
    ----------
    heights : ndarray, shape (k,)
        log(weight / standard deviation): a component's responsibility at x is exp(height - z^2 / 2), z = (x - mean) /
        standard deviation, but for a factor they all share.
    leader : ndarray of int, shape (k,)
        First component of the mode that each component is part of.
    good : ndarray, shape (k,)
        Probability of a high-quality point of each mode, in its leader's place; 0 elsewhere.
    left, below : ndarray, shape (m,)
        Left end of each of the m stretches of the line that one mode rules, from -inf on, and the distribution function
        there.
    owner : ndarray of int, shape (m,)
        Leader of the mode that rules each stretch.
    narrowest : float
        Standard deviation of the narrowest mode.
    """

    heights: Floats
    leader: NDArray[np.int64]
    good: Floats
    left: Floats
    below: Floats
    owner: NDArray[np.int64]
    narrowest: float

    @property
    def n(self) -> int:
        """Number of modes that rule some stretch."""
        return len(np.unique(self.owner))

    @property
    def masses(self) -> Floats:
        """Probability of each mode's stretches together, shape (k,), in its leader's place; 0 elsewhere."""
        return np.asarray(np.bincount(self.owner, np.diff(self.below, append=1.0), minlength=len(self.leader)), float)

    def shown(self, n: int) -> NDArray[np.bool_]:
        """Modes, by leader, that `n` points of the target show: at most one such sample in 1 / MISS lacks any of them.

        The chance to miss a mode of probability p is (1 - p)^n; of k modes each may have its k-th part of `MISS`.
        """
        return np.asarray(self.good > -np.expm1(np.log(MISS / max(1, self.n)) / n))


@lru_cache(maxsize=1024)
def modes_of(target: Normal | Uniform | Mixture) -> Modes:
    """The modes of a target.

    Parameters
    ----------
    target : Normal, Uniform or Mixture
        The distribution, in any units.

    Returns
    -------
    Modes
        In the units in which it has mean 0 and standard deviation 1.
    """
    if not isinstance(target, Mixture):
        zero = np.zeros(1, dtype=np.int64)
        return Modes(np.zeros(1), zero, np.ones(1), np.full(1, -np.inf), np.zeros(1), zero, 1.0)
    own = standardised(target)
    assert isinstance(own, Mixture)  # for the type checker: kinds stay
    means, stds, weights = (np.array(row) for row in components(own))
    heights = np.round(np.log(weights / stds), _DIGITS)
    leader = _leaders(means, stds, weights, heights)
    x, ruling = _ruling(means, stds, heights)
    mass = np.diff(_cdf(means, stds, weights, x))
    middle = _middles(x)
    near = np.abs(middle - means[ruling]) <= HIGH_QUALITY * stds[ruling]
    good = np.bincount(leader[ruling], mass * near, minlength=len(means))
    first = np.flatnonzero(np.diff(leader[ruling], prepend=-1))  # where another mode begins to rule
    return Modes(
        heights,
        leader,
        np.round(good, _DIGITS),
        np.round(x[first], _DIGITS),
        np.round(_cdf(means, stds, weights, x[first]), _DIGITS),
        leader[ruling][first],
        min(_spread(means[leader == one], stds[leader == one], weights[leader == one]) for one in np.unique(leader)),
    )


def _cdf(means: Floats, stds: Floats, weights: Floats, x: Floats) -> Floats:
    from scipy.special import ndtr  # here, because it is a fifth of the time to import gansim

    return np.asarray((weights * ndtr((x[:, None] - means) / stds)).sum(axis=1))


def _spread(means: Floats, stds: Floats, weights: Floats) -> float:
    """Standard deviation of some of the components together."""
    share = weights / weights.sum()
    return float(np.sqrt((share * (stds**2 + (means - (share * means).sum()) ** 2)).sum()))


def _crossings(means: Floats, stds: Floats, heights: Floats, a: int, b: int) -> Floats:
    """Points at which two components are equally responsible: none, one or two."""
    if stds[a] > stds[b]:
        a, b = b, a
    ratio, apart = stds[a] / stds[b], (means[b] - means[a]) / stds[b]  # in y = (x - mean of a) / spread of a
    square, linear = (ratio * ratio - 1) / 2, -ratio * apart
    constant = apart * apart / 2 + heights[a] - heights[b]
    root = linear * linear - 4 * square * constant
    if root < 0:
        return np.empty(0)
    q = -(linear + np.copysign(np.sqrt(root), linear)) / 2  # no difference of nearly equal numbers
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        y = np.array([q / square, constant / q])
    return np.asarray(means[a] + stds[a] * y[np.isfinite(y)])


def _middles(x: Floats) -> Floats:
    """A point within each stretch; the outermost are infinite on one side."""
    return np.concatenate([[x[1] - 1], (x[1:-2] + x[2:-1]) / 2, [x[-2] + 1]])


def _ruling(means: Floats, stds: Floats, heights: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Ends of stretches, from -inf to inf, and the component of largest responsibility in each.

    Ends of high quality are among them, so that a stretch is of high quality as a whole or not at all.
    """
    pairs = combinations(range(len(means)), 2)
    crossings = [_crossings(means, stds, heights, a, b) for a, b in pairs]
    near = [means - HIGH_QUALITY * stds, means + HIGH_QUALITY * stds]
    x = np.concatenate([[-np.inf], np.unique(np.concatenate([*crossings, *near])), [np.inf]])
    z = (_middles(x)[:, None] - means) / stds
    return x, np.argmax(heights - z * z / 2, axis=1)


def _leaders(means: Floats, stds: Floats, weights: Floats, heights: Floats) -> NDArray[np.int64]:
    """First component of each one's mode: pairs that can hardly be told apart are of one mode, and chains of them."""
    leader = np.arange(len(means))
    for a, b in combinations(range(len(means)), 2):
        if leader[a] != leader[b] and _skill(*(x[[a, b]] for x in (means, stds, weights, heights))) < _SKILL:
            low, high = sorted((leader[a], leader[b]))
            leader[leader == high] = low
    return leader


def _skill(means: Floats, stds: Floats, weights: Floats, heights: Floats) -> float:
    """1 - error of the best rule / error of naming the heavier one, of the points of two components."""
    from scipy.special import ndtr

    x = np.sort(np.concatenate([[-np.inf], _crossings(means, stds, heights, 0, 1), [np.inf]]))
    each = np.diff(ndtr((x[:, None] - means) / stds), axis=0) * weights  # (stretches, 2)
    return float(1 - each.min(axis=1).sum() / weights.min())
