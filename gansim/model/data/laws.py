"""Density, distribution function and quantiles of a law on the line."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim.model.data.distributions import Mixture, Normal, Uniform, Univariate, components
from gansim.model.data.tabulated import Law, Observed, table_of
from gansim.model.elementary import exp, log

Floats: TypeAlias = NDArray[np.float64]


def log_pdf(law: Univariate, x: ArrayLike) -> Floats:
    """Logarithm of the density at `x`, any shape; -inf where that is 0, as outside a uniform law's closed interval."""
    x = np.asarray(x, dtype=np.float64)
    if isinstance(law, (Observed, Law)):
        return log(table_of(law).density(x))
    if isinstance(law, Uniform):
        return np.where((law.low <= x) & (x <= law.high), -math.log(law.high - law.low), -np.inf)
    means, stds, heights = _bells(law)
    z = (x[..., None] - means) / stds
    log_terms = heights - 0.5 * z * z
    if len(means) == 1:
        return np.asarray(log_terms[..., 0])
    most = log_terms.max(axis=-1)
    return np.asarray(most + log(exp(log_terms - most[..., None]).sum(axis=-1)))


@lru_cache(maxsize=64)
def _bells(law: Normal | Mixture) -> tuple[Floats, Floats, Floats]:
    """Means and standard deviations of the components, and the logarithms of their densities' greatest values."""
    means, stds, weights = np.array(components(law))
    return means, stds, log(weights / (stds * math.sqrt(2 * math.pi)))


def pdf(law: Univariate, x: ArrayLike) -> Floats:
    """Density at `x`, any shape; of observed values that of their histogram."""
    return exp(log_pdf(law, x))


def cdf(law: Univariate, x: ArrayLike, upper: bool = False) -> Floats:
    """Distribution function Pr(X <= x) at `x`, any shape, or Pr(X > x) if `upper`; accurate also where it is small."""
    from scipy.special import ndtr  # here, because it is a fifth of the time to import gansim

    x, sign = np.asarray(x, dtype=np.float64), -1.0 if upper else 1.0
    if isinstance(law, (Observed, Law)):
        below = table_of(law).cdf(x)
        return 1 - below if upper else below
    if isinstance(law, Uniform):
        return np.clip(sign * (x - (law.high if upper else law.low)) / (law.high - law.low), 0.0, 1.0)
    total = np.zeros_like(x)
    for mean, std, weight in zip(*components(law), strict=True):  # one by one: BLAS adds in another order elsewhere
        total += weight * ndtr(sign * (x - mean) / std)
    return total


def bisect(is_left: Callable[[Floats], NDArray[np.bool_]], low: Floats, high: Floats) -> Floats:
    """Right end of each bracket, halved 60 times (to 1e-18 of its width) towards the first point not `is_left`."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        left = is_left(middle)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return high


def quantile(law: Univariate, u: ArrayLike) -> Floats:
    """Smallest x with Pr(X <= x) >= `u`, any shape; NaN where `u` is outside [0, 1].

    A mixture's quantile lies between the smallest and the largest of its components' and is bisected to rounding error.
    """
    from scipy.special import ndtri

    u = np.asarray(u, dtype=np.float64)
    if isinstance(law, (Observed, Law)):
        table = table_of(law)
        return np.where((u >= 0) & (u <= 1), table.mean + table.std * table.quantile(u), np.nan)
    if isinstance(law, Uniform):
        return np.where((u >= 0) & (u <= 1), law.low + u * (law.high - law.low), np.nan)
    means, stds, _ = np.array(components(law))
    each = means + stds * ndtri(u[..., None])
    if len(means) == 1:
        return np.asarray(each[..., 0])
    return bisect(lambda x: cdf(law, x) < u, each.min(axis=-1), each.max(axis=-1))
