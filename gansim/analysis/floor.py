"""The sampling floor: what samples of the target itself measure, and so how near a perfect generator can come.

Distances between a target and n points of its own are not 0, and for some targets they are large: two modes of which
one is rare, more modes than points. A limit below the floor would call the truth unconverged. `Floor` gives, for one
target and one n_eval, the limit that the target's own samples exceed with a probability of at most
`gansim.model.data.modes.MISS`, for the median over a window of records.

=========  ==========================================================================================================
w1         simulated: a quantile, over samples of the target, of their mean distance to its quantiles, as it is measured
ks         exact (Simard and L'Ecuyer 2011), as for any continuous law, and more than that of observed values, of which
           samples have ties (Noether 1963); the same for places within modes
tv_modes   simulated: counts of the modes are multinomial
spread     simulated with w1: the standard deviation that samples fall below; of 999 zeros and a million most have none
auc        how far from 1/2 any D ranks two samples of one law: exact variance (Mann and Whitney 1947), normal records,
           whose mean distance has sub-Gaussian tails (Tsirelson, Ibragimov and Sudakov 1976); of a D that sees packs,
           two samples of packs, which are fewer
modes      the target's own samples capture fewer with that probability at most; modes are counted as if independent,
           which they nearly are (numbers in the cells of a multinomial are negatively associated: Joag-Dev and Proschan
           1983), and the true tail is the thinner one
=========  ==========================================================================================================

Simulations have a seed of their own and results have six digits, so that no processor decides a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv
from scipy.stats import kstwo

from gansim.model.data.distributions import Uniform, Univariate, components, evaluation_law, standardised
from gansim.model.data.laws import quantile
from gansim.model.data.modes import MISS, Modes, modes_of
from gansim.model.data.tabulated import Law, Observed, table_of

__all__ = ["Floor", "Limits", "floor_of"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 10_000  # samples that are simulated; their largest is exceeded by another one in 10,001
_BEYOND = 50  # as many of them lie beyond the limit if that needs fewer than `_MOST`: its probability is good to 14 %
_POINTS = 1024  # points of a simulated sample; of more, distances go as 1 / sqrt(n), or faster if a mode is rare
_BLOCK = 2**20  # points that are simulated at once
_DIGITS = 6
_RAISE = 1 + 2.0**-16


class Limits(NamedTuple):
    """What the target's own samples keep to, medians over a window unless said otherwise.

    At most; `modes` at least, and `spread` above, in standard deviations of the target: -1 where nothing is below.
    """

    w1: float
    ks: float
    ks_never: float  # that no record of the window exceeds
    tv_modes: float
    modes: float
    spread: float
    auc: float  # distance from 1/2, the mean over the window


@dataclass(frozen=True, eq=False)
class Floor:
    """What samples of n points from a target itself measure.

    Parameters
    ----------
    target : Normal, Uniform, Mixture, Observed or Law
        The distribution; a normal, a uniform or a mixture in its own units.
    n : int
        Points of a sample.
    packing : int, default 1
        Points that D sees at once: it ranks n / packing packs.
    """

    target: Univariate
    n: int
    packing: int = 1

    @property
    def modes(self) -> Modes:
        """The target's modes."""
        return modes_of(self.target)

    def limits(self, length: int) -> Limits:
        """Limits for the median over a window of `length` records, whose samples are independent."""
        return _limits(self.target, self.n, length)._replace(auc=_auc_off(self.n // self.packing, length))


@lru_cache(maxsize=4096)
def floor_of(target: Univariate, n: int, packing: int = 1) -> Floor:
    """The floor of what a target is judged by, in any units, for `n` points, of which D sees so many at once.

    Normals, uniforms and mixtures that differ in location and scale share it.
    """
    law = evaluation_law(target)
    return Floor(law if isinstance(law, (Observed, Law)) else standardised(law), n, packing)


def tail(length: int) -> float:
    """Probability that a single record may have so that the median of `length` exceeds a limit with `MISS`.

    The median of an odd number exceeds it only if (length + 1) / 2 records do, that of an even number, the mean of two,
    only if length / 2 do: the least p of Pr(Binomial(length, p) >= that) = MISS, an incomplete beta function.
    """
    many = (length + 1) // 2
    return float(np.round(betaincinv(many, length - many + 1, MISS), _DIGITS + 2))


@lru_cache(maxsize=4096)
def _limits(target: Univariate, n: int, length: int) -> Limits:
    p, modes = tail(length), modes_of(target)
    rng = np.random.Generator(np.random.PCG64(0))
    samples = min(_MOST, int(np.ceil(_BEYOND / p)))
    masses = modes.masses / modes.masses.sum()
    counts = rng.multinomial(n, masses, samples)
    distances, spreads = _distances_and_spreads(target, min(n, _POINTS), samples, rng)
    at_most = (
        _upper(distances, p) * np.sqrt(min(n, _POINTS) / n),
        float(kstwo.isf(p, n)),
        float(kstwo.isf(MISS / length, n)),
        _upper(0.5 * np.abs(counts / n - masses).sum(axis=1), p),
    )
    # Raised a little: counts are on a lattice, and a limit rounded below a point of it would lose all samples there.
    w1, ks, ks_never, tv_modes = (float(f"{value * _RAISE:.{_DIGITS}g}") for value in at_most)
    spread = _lower(spreads, p)
    spread = float(f"{min(spread, spread / _RAISE):.{_DIGITS}g}")
    return Limits(w1, ks, ks_never, tv_modes, _least_modes(modes.good, n, p), spread, _auc_off(n, length))


def _auc_off(n: int, length: int) -> float:
    """How far from 1/2 any D ranks two samples of n packs, or points, of one law, the mean over records."""
    auc = np.sqrt((2 * n + 1) / (12 * n * n)) * (np.sqrt(2 / np.pi) + np.sqrt(2 * np.log(1 / MISS) / length))
    return float(f"{auc:.{_DIGITS}g}")


def _upper(values: Floats, p: float) -> float:
    """Value that a further one, drawn like these, exceeds with probability `p`, or the largest if they are too few."""
    rank = max(1, int(p * (len(values) + 1)))
    return float(np.partition(values, len(values) - rank)[len(values) - rank])


def _lower(values: Floats, p: float) -> float:
    """Value that a further one, drawn like these, is at most with probability `p` or less; -1 if there is none."""
    rank = max(1, int(p * (len(values) + 1)))
    found = float(np.partition(values, rank - 1)[rank - 1])
    if np.count_nonzero(values <= found) > rank:  # many are the same
        found = float(values[values < found].max(initial=-1.0))
    return found


def _distances_and_spreads(target: Univariate, n: int, samples: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Wasserstein-1 and standard deviation of samples of n points, as records measure them."""
    middles = _own_quantile(target, (np.arange(n) + 0.5) / n)
    distances, spreads = np.empty(samples), np.empty(samples)
    rows = max(1, _BLOCK // n)
    for start in range(0, samples, rows):
        some = np.sort(_draw(target, (min(rows, samples - start), n), rng), axis=1)
        distances[start : start + rows] = np.abs(some - middles).mean(axis=1)
        spreads[start : start + rows] = some.std(axis=1)
    return distances, spreads


def _own_quantile(target: Univariate, u: Floats) -> Floats:
    """Quantiles of a target in its own units."""
    return table_of(target).quantile(u) if isinstance(target, (Observed, Law)) else quantile(target, u)


def _draw(target: Univariate, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Draws in its own units."""
    if isinstance(target, (Observed, Law)):
        return table_of(target).quantile(rng.random(shape))
    if isinstance(target, Uniform):
        return rng.uniform(target.low, target.high, shape)
    means, stds, weights = np.array(components(target))
    which = np.searchsorted(np.cumsum(weights)[:-1], rng.random(shape), side="right")
    return np.asarray(means[which] + stds[which] * rng.standard_normal(shape))


def _least_modes(good: Floats, n: int, p: float) -> int:
    """Largest number of modes that fewer than `p` of all samples of n points fail to capture."""
    chance = np.ones(1)  # of each number of modes captured
    for one in good[good > 0]:
        captured = -np.expm1(n * np.log1p(-min(one, 1 - 1e-16)))
        chance = np.append(chance * (1 - captured), 0) + np.append(0, chance * captured)
    return int(np.count_nonzero(np.cumsum(chance)[:-1] <= p))
