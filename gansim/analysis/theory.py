"""What theory says of laws on the line, before anything is simulated.

Throughout, `p` is the law of the data, `q` that of the fakes, D = sigmoid(logit), high means real, logarithms are
natural, and V = E_p log D(x) + E_q log(1 - D(x)) is computed from the logit through softplus, never from a rounded D.

Expectations are adaptive quadratures in each component's own standard units, split at the landmarks of both laws, so a
law a thousand times narrower than the other, or 40 standard deviations away, is neither stepped over nor rounded away.
They reach as far as a double holds the density: where D is right of nearly everything, V is made of tails alone. A
logit is called with points of shape (n,) in data units and returns as many values; its kinks and jumps are found and
refined, unless they are much finer than every component. Relative errors are near 1e-12, with kinks near 1e-11, and
every number found says its own (`Quadrature.error`). Values are the same bits on any processor (`elementary`), those
of `cdf` and `quantile` aside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, poch

from gansim.model.data.distributions import Normal, Parametric, Uniform, components
from gansim.model.data.laws import Floats, bisect, cdf, log_pdf, quantile
from gansim.model.elementary import exp, expm1, log1p, softplus

__all__ = [
    "V_LIMITS",
    "DState",
    "Logit",
    "Quadrature",
    "auc_of",
    "best_accuracy",
    "constructed_logit",
    "jensen_shannon",
    "kullback_leibler",
    "least_error",
    "max_v",
    "ml_standard_errors",
    "ml_std_bias",
    "optimal_logit",
    "sd_of_sample_v",
    "shift_curve",
    "total_variation",
    "v_of",
    "w1_floor",
]

Logit: TypeAlias = Callable[[Floats], Floats]
DState: TypeAlias = Literal["perfect", "idle", "inverted"]
V_LIMITS: dict[DState, float] = {"perfect": 0.0, "idle": -math.log(4.0), "inverted": -math.inf}
"""V of the three constructed discriminators on laws without overlap, as their confidence grows.

With any overlap the perfect one's is a supremum that it misses: `constructed_logit` says where its V turns.
"""


class Quadrature(float):
    """A number found by quadrature: a float that says how far off it may be.

    Attributes
    ----------
    error : float
        Estimate of the absolute error: by how much halving the panels changed the integral for the last time, which
        overstates it, plus what rounding can do.
    """

    error: float

    def __new__(cls, value: float, error: float = 0.0) -> Quadrature:
        """Return `value`, which may be off by `error`."""
        found = super().__new__(cls, value)
        found.error = error
        return found

    def rounded(self) -> float:
        """Return the value without the digits that its error leaves open; 0 if that is all of them."""
        return round(self, int(f"{self.error:e}".split("e")[1]) * -1) if self.error > 0 else float(self)


# Gauss-Lobatto's 16 nodes: Gauss-Legendre's leave 0.3 % at either end unseen, and a kink there cost 1e-7 unnoticed.
# By Newton from Chebyshev's: eigenvalues, as `roots` takes them, have other last bits on another processor.
_P15 = np.polynomial.legendre.Legendre.basis(15)
_NODES = np.round(np.cos(np.pi * np.arange(15, -1, -1) / 15), 2)
for _ in range(6):
    _NODES[1:-1] -= _P15.deriv()(_NODES[1:-1]) / _P15.deriv(2)(_NODES[1:-1])
_WEIGHTS = 2 / (16 * 15 * _P15(_NODES) ** 2)
_NODES[[0, -1]] *= 1 - 1e-11  # an edge is often a jump: the end nodes must fall on their own side of it when rounded
_REACH = 38.5  # the density there is 1e-322, nearly the smallest double; at 10, what was lost could be all there was
_BUDGET = 2**14  # panels: smooth integrands need under 500, a jump 40 more; rounding noise would ask for ever
_EPS = float(np.finfo(np.float64).eps)


def _panels(f: Logit, low: Floats, high: Floats) -> Floats:
    """Gauss-Lobatto integral of `f` over each [low, high], shape (panels,)."""
    half = 0.5 * (high - low)
    x = 0.5 * (high + low)[:, None] + half[:, None] * _NODES
    return np.asarray(half * (f(x.ravel()).reshape(x.shape) * _WEIGHTS).sum(axis=1))  # BLAS: see `cdf`


def _integrate(f: Logit, edges: Floats) -> Quadrature:
    """Integral of `f` between the outer edges, maybe infinite; panels are halved for as long as that changes it."""
    edges = edges[np.diff(edges, prepend=-np.inf) > 4 * np.spacing(np.abs(edges))]  # the same landmark, rounded twice
    low, high = edges[:-1], edges[1:]
    whole = _panels(f, low, high)
    total, size, change, spent = 0.0, 0.0, 0.0, 0
    worth = ~(np.abs(whole) <= 1e-16 * np.abs(whole[np.isfinite(whole)]).sum())  # most of a tail is not
    low, high, whole = low[worth], high[worth], whole[worth]
    while low.size:
        middle = 0.5 * (low + high)
        halves = _panels(f, np.concatenate([low, middle]), np.concatenate([middle, high]))
        left, right = np.split(halves, 2)
        spent, both = spent + halves.size, left + right
        finite = np.isfinite(both)
        changes = np.full_like(both, np.inf)
        changes[finite] = np.abs(both[finite] - whole[finite])
        split = finite & (changes > 1e-12 * (size + float(np.abs(both).sum()))) & (spent < _BUDGET)
        total += float(both[~split].sum())
        size += float(np.abs(both[~split]).sum())
        change += float(changes[~split].sum())
        low, middle, high = low[split], middle[split], high[split]
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        whole = np.concatenate([left[split], right[split]])
    return Quadrature(total, change + 16 * _EPS * size)


def _landmarks(law: Parametric, z: ArrayLike = (-10, -3, -1, 0, 1, 3, 10)) -> Floats:
    """Give a uniform law's ends; else the points `z` standard deviations from the mean of each component."""
    if isinstance(law, Uniform):
        return np.array([law.low, law.high])
    means, stds, _ = np.array(components(law))
    return np.asarray(means + stds * np.asarray(z, dtype=np.float64)[:, None]).ravel()


def _expect(f: Logit, law: Parametric, other: Parametric) -> Quadrature:
    """E f(X) for X from `law`; `other` is a law whose features `f` may share."""
    points = np.concatenate([_landmarks(law), _landmarks(other)])
    if isinstance(law, Uniform):
        starts, scales, weights = np.array([law.low]), np.array([law.high - law.low]), np.ones(1)
        edges, height, rate, ends = np.array([0.0, 1.0]), 1.0, 0.0, (law.low, law.high)
    else:
        starts, scales, weights = np.array(components(law))
        edges, height, rate = np.arange(-_REACH, _REACH + 0.5), 1 / math.sqrt(2 * math.pi), -0.5
        ends = (-math.inf, math.inf)
    total = error = 0.0
    for start, scale, weight in zip(starts, scales, weights, strict=True):
        inner = (points - start) / scale
        inner = inner[(inner > edges[0]) & (inner < edges[-1])]

        def integrand(z: Floats, start: float = start, scale: float = scale) -> Floats:
            return height * exp(rate * z * z) * f(np.clip(start + scale * z, *ends))

        found = _integrate(integrand, np.union1d(edges, inner))
        total, error = total + float(weight) * found, error + float(weight) * found.error
    return Quadrature(total, error)


def optimal_logit(p: Parametric, q: Parametric) -> Logit:
    """Logit of the optimal discriminator, log p(x)/q(x) (Goodfellow et al. 2014, proposition 1).

    For p = N(mu, sigma^2) and q = N(m, s^2) it is log(s/sigma) + (x - m)^2 / (2 s^2) - (x - mu)^2 / (2 sigma^2).
    It is +inf (-inf) where only p (only q) has density, and 0, that is D = 1/2, where neither has.
    """

    def logit(x: Floats) -> Floats:
        log_p, log_q = log_pdf(p, x), log_pdf(q, x)
        nowhere = np.isneginf(log_p) & np.isneginf(log_q)
        return np.where(nowhere, 0.0, log_p - np.where(nowhere, 0.0, log_q))

    return logit


def constructed_logit(state: DState, p: Parametric, q: Parametric, confidence: float) -> Logit:
    """Logit of a perfect, idle or inverted discriminator: +c, 0, -c where p is denser than q; -c, 0, +c elsewhere.

    As the confidence c grows, V tends to `V_LIMITS[state]` if p and q do not overlap. If they do, even the perfect
    one's V falls without bound: it errs with probability e = `least_error`, and each error costs c. Its V is
    -2 (1 - e) softplus(-c) - 2 e softplus(c), greatest at c = log((1 - e) / e): at 53 for normals 20 spreads apart.

    Raises
    ------
    ValueError
        If `state` is none of "perfect", "idle", "inverted".
    """
    if state not in V_LIMITS:
        raise ValueError(f"state = {state!r}: one of {', '.join(V_LIMITS)}")
    height = {"perfect": confidence, "idle": 0.0, "inverted": -confidence}[state]
    optimal = optimal_logit(p, q)
    return lambda x: height * np.sign(optimal(x))


def v_of(logit: Logit, p: Parametric, q: Parametric) -> Quadrature:
    """V of any discriminator (Goodfellow et al. 2014, equation 1), -E_p softplus(-logit) - E_q softplus(logit)."""
    real = _expect(lambda x: softplus(-logit(x)), p, q)
    fake = _expect(lambda x: softplus(logit(x)), q, p)
    return Quadrature(0.0 - real - fake, real.error + fake.error)  # 0 - 0 is 0, and -0 another text


def auc_of(logit: Logit, p: Parametric, q: Parametric, cells: int = 8192) -> Quadrature:
    """Pr(logit(X) > logit(Y)) + Pr(equal)/2 for X from p, Y from q.

    The line is cut into 2 `cells` pieces holding at most about 1/`cells` of either law, and wherever the logit changes
    its sign; each piece has its exact masses and one score. The error is of order cells^-2 (1e-8) for a smooth logit,
    and estimated by what half as many cells give.
    """
    fine, coarse = _auc(logit, p, q, cells), _auc(logit, p, q, cells // 2)
    return Quadrature(fine, abs(fine - coarse) + 32 * _EPS * fine)  # 17 units were seen near 1


def _auc(logit: Logit, p: Parametric, q: Parametric, cells: int) -> float:
    middles = (np.arange(cells) + 0.5) / cells
    x = np.unique(np.concatenate([quantile(p, middles), quantile(q, middles)]))
    score = logit(x)
    edges, side = 0.5 * (x[:-1] + x[1:]), np.sign(score)
    jump = np.flatnonzero(side[:-1] != side[1:])
    edges[jump] = bisect(lambda t: np.sign(logit(t)) == side[jump], x[jump], x[jump + 1])
    rank = np.unique(score, return_inverse=True)[1]
    mass_p, mass_q = (np.bincount(rank, _masses(law, edges)) for law in (p, q))
    return min(1.0, float((mass_p * (np.cumsum(mass_q) - 0.5 * mass_q)).sum()))


def _masses(law: Parametric, edges: Floats) -> Floats:
    """Probability below the first edge, between edges, and above the last, each accurate also where it is small."""
    below = np.concatenate([[0.0], cdf(law, edges), [1.0]])
    above = np.concatenate([[1.0], cdf(law, edges, upper=True), [0.0]])
    return np.where(below[1:] < 0.5, np.diff(below), -np.diff(above))


def shift_curve(shift: ArrayLike, inverted: bool = False) -> tuple[Floats, Floats]:
    """AUC and V of the optimal discriminator between normals of equal spread, means `shift` spreads apart (any shape).

    AUC = Phi(shift / sqrt 2) (Green and Swets 1966). The inverted twin, the logit negated, has AUC 1 - that and V from
    -log 4 down without bound. Under either law the logit in favour of the truth is N(shift^2/2, shift^2).
    """
    shift, sign, unit = np.abs(np.asarray(shift, dtype=np.float64)), -1.0 if inverted else 1.0, Normal()

    def v(d: float) -> float:
        return -2 * _expect(lambda z: softplus(-sign * d * (0.5 * d + z)), unit, unit)

    return np.asarray(ndtr(sign * shift / math.sqrt(2))), np.reshape([v(d) for d in shift.flat], shift.shape)


def kullback_leibler(p: Parametric, q: Parametric) -> Quadrature:
    """KL(p || q) = E_p log p/q (Kullback and Leibler 1951); infinite where p has mass that q lacks."""
    return _expect(optimal_logit(p, q), p, q)


def jensen_shannon(p: Parametric, q: Parametric) -> Quadrature:
    """Jensen-Shannon divergence with equal weights (Lin 1991, IEEE Trans. Inf. Theory 37, 145), between 0 and log 2.

    Computed as what a fair coin shares with a draw from p (heads) or q (tails), E KL(optimal D || 1/2): log 2 less the
    entropy of D >= 0, by two formulas of which one is accurate however small it is. How much it lacks to log 2, where
    that is below 1e-16, `max_v` tells.
    """
    logit = optimal_logit(p, q)

    def information(x: Floats) -> Floats:
        a = np.minimum(np.abs(logit(x)), 800.0)  # e^-800 is 0
        e = exp(-a)
        t = -expm1(-a) / (1 + e)  # tanh(a / 2) = 2 D - 1
        return np.where(a < 1, 0.5 * (t * a + log1p(-t * t)), math.log(2.0) - log1p(e) - a * e / (1 + e))

    real, fake = _expect(information, p, q), _expect(information, q, p)
    return Quadrature(0.5 * (real + fake), 0.5 * (real.error + fake.error))


def total_variation(p: Parametric, q: Parametric) -> Quadrature:
    """Total variation distance, half the integral of |p - q| = E_p max(0, 1 - q/p), between 0 and 1."""
    logit = optimal_logit(p, q)
    return _expect(lambda x: -expm1(-np.maximum(logit(x), 0.0)), p, q)


def max_v(p: Parametric, q: Parametric) -> Quadrature:
    """Max over D of V(D, G), 2 JSD(p, q) - log 4 (Goodfellow et al. 2014, theorem 1).

    Near 0, where that difference would keep no digit, it is the V of the optimal discriminator.
    """
    jsd = jensen_shannon(p, q)
    if jsd > 0.35:
        return v_of(optimal_logit(p, q), p, q)
    return Quadrature(2 * jsd - math.log(4.0), 2 * jsd.error + _EPS)


def best_accuracy(p: Parametric, q: Parametric) -> Quadrature:
    """Best accuracy of any discriminator, a referee's ceiling: 1/2 + TV/2 (Devroye et al. 1996)."""
    distance = total_variation(p, q)
    return Quadrature(0.5 + 0.5 * distance, 0.5 * distance.error + _EPS)


def least_error(p: Parametric, q: Parametric) -> Quadrature:
    """Least error rate of any discriminator, 1 - `best_accuracy` = E_p min(1, q/p) / 2, accurate also where tiny."""
    logit = optimal_logit(p, q)
    found = _expect(lambda x: exp(-np.maximum(logit(x), 0.0)), p, q)
    return Quadrature(0.5 * found, 0.5 * found.error)


def sd_of_sample_v(logit: Logit, p: Parametric, q: Parametric, n: ArrayLike) -> Floats:
    """Root of (Var_p softplus(-logit) + Var_q softplus(logit)) / n: how far V over `n` + `n` points strays from V.

    Exact for any `n` (any shape) if the points are independent of each other and of the discriminator.
    """

    def variance(f: Logit, law: Parametric, other: Parametric) -> float:
        mean = _expect(f, law, other)
        return _expect(lambda x: (f(x) - mean) ** 2, law, other)

    both = variance(lambda x: softplus(-logit(x)), p, q) + variance(lambda x: softplus(logit(x)), q, p)
    return np.sqrt(both / np.asarray(n, dtype=np.float64))


def ml_standard_errors(std: float, n: ArrayLike) -> tuple[Floats, Floats]:
    """Give std/sqrt(n) and std/sqrt(2n): standard errors of the maximum-likelihood mean and std from `n` normal draws.

    The first is exact, the second the limit for large n, both from the Fisher information n/std^2 and 2n/std^2.
    """
    n = np.asarray(n, dtype=np.float64)
    return std / np.sqrt(n), std / np.sqrt(2 * n)


def ml_std_bias(std: float, n: ArrayLike) -> Floats:
    """Bias of the maximum-likelihood std from `n` normal draws, std (sqrt(2/n) Gamma(n/2) / Gamma((n-1)/2) - 1).

    A chi variable's mean with n - 1 degrees of freedom over sqrt(n); about -3 std / (4n). `poch` is the ratio of the
    gammas: at n = 1e7 a difference of `gammaln` is already 10 % off.
    """
    n = np.asarray(n, dtype=np.float64)
    return np.asarray(std * (np.sqrt(2 / n) * poch(0.5 * (n - 1), 0.5) - 1), dtype=np.float64)


def w1_floor(law: Parametric, n: ArrayLike, m: ArrayLike = np.inf) -> Floats:
    """Mean Wasserstein-1 distance of `n` draws to their own law, in data units: what a perfect generator measures.

    sqrt(2/pi) sqrt(1/n + 1/m) times the integral of sqrt(F(1 - F)), exact in the limit (del Barrio et al. 1999, Ann.
    Probab. 27, 1009); with a finite `m`, the distance to a second sample of `m`. A normal's is 1.29 std / sqrt(n).
    """
    edges = np.unique(_landmarks(law, np.arange(-16.0, 17.0)))  # the integrand falls as exp(-z^2/4): 1e-28 at 16
    spread = _integrate(lambda x: np.sqrt(cdf(law, x) * cdf(law, x, upper=True)), edges)
    return np.asarray(spread * np.sqrt((1 / np.asarray(n) + 1 / np.asarray(m)) * (2 / math.pi)), dtype=np.float64)
