"""How many replicates a study needs, what a number of them can show, and which cells need more.

Planning uses exact probabilities: the power of McNemar's test is a sum over all numbers of discordant pairs, as the
tables' test is. Normal approximations stand beside it for comparison only.

Adding replicates until an error is small enough (`further_replicates`) makes the number of runs depend on the data, and
pulls shares towards 0 and 1. Two things keep that bias small: no cell is judged before it has 3 / target replicates,
where a share is rare enough to be biased by more than a few per cent; and the error is guarded, so that a share of 0
does not stop a cell. A table of such runs must say what is left of it: `stopping_note`.

References
----------
Agresti and Coull (1998), Approximate is better than "exact" for interval estimation of binomial proportions, Am. Stat.
52(2), 119-126.
Connor (1987), Sample size for testing differences in proportions for the paired-sample design, Biometrics 43(1),
207-211.
McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages,
Psychometrika 12(2), 153-157.
Morris, White and Crowther (2019), Using simulation studies to evaluate statistical methods, Stat. Med. 38(11),
2074-2102.
Wilson (1927), Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22(158),
209-212.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from gansim.analysis.intervals import two_sided
from gansim.design.stopping import wilson_half_width
from gansim.errors import ConfigError
from gansim.model.fields import Real, check_integer, check_named
from gansim.model.seeds import MAX_REPS

__all__ = [
    "detectable_difference",
    "discordant",
    "mcnemar_power",
    "plan",
    "replicates_for_half_width",
    "replicates_for_mcse",
    "replicates_for_power",
    "seen",
]

_WINDOW = 64  # replicates over which the power must stay: longer than a tooth of the sign test's saw
_TAILS = 9.0  # standard deviations of the number of discordant pairs that are summed over; the rest weighs below 1e-15


def inside(value: object, name: str, low: float, high: float, ends: bool = False) -> float:
    """Return a number between two limits, or refuse it."""
    checked: float = check_named(name, value, Real(low, high, above=not ends, below=not ends))
    return checked


def normal_quantile(probability: float) -> float:
    return float(special.ndtri(probability))


def _ceiling(number: float, holds: Callable[[int], bool]) -> int:
    """Return the smallest integer near a number from which a condition holds: rounding must not cost or add a run."""
    if number > MAX_REPS:
        raise ConfigError(f"replicates: {number:.3g} are needed: at most {MAX_REPS:,}; ask for less")
    n = max(1, math.floor(number) - 1)
    while not holds(n):
        n += 1
    return n


def replicates_for_mcse(mcse: float, share: float = 0.5) -> int:
    """Replicates for a Monte-Carlo standard error of a share, p (1 - p) / mcse^2 (Morris et al. 2019, section 5.3).

    Parameters
    ----------
    mcse : float
        The error wanted, above 1e-9, below 1.
    share : float, default 0.5
        The share expected, 0 to 1; 0.5 is the worst case.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ConfigError
        If an argument is refused, or more than 10,000,000 are needed.

    Examples
    --------
    >>> replicates_for_mcse(0.01), replicates_for_mcse(0.005, share=0.95)
    (2500, 1900)
    """
    error = inside(mcse, "mcse", 1e-9, 1)
    p = inside(share, "share", 0, 1, ends=True)
    # 1e-12: 0.5 * 0.5 / 0.01^2 is a little more than 2,500 in floating point.
    return _ceiling(p * (1 - p) / error**2, lambda n: p * (1 - p) <= n * error**2 * (1 + 1e-12))


def replicates_for_half_width(half_width: float, share: float = 0.5, level: float = 0.95) -> int:
    """Replicates for half the width of the Wilson interval of a share (Wilson 1927).

    The half width with p = k/n is z / (n + z^2) sqrt(n p (1 - p) + z^2 / 4).

    Parameters
    ----------
    half_width : float
        Wanted, above 1e-9, below 0.5.
    share : float, default 0.5
        The share expected, 0 to 1; 0.5 is the worst case.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ConfigError
        If an argument is refused, or more than 10,000,000 are needed.

    Examples
    --------
    >>> replicates_for_half_width(0.02), replicates_for_half_width(0.02, share=0.05)
    (2398, 469)
    """
    h = inside(half_width, "half_width", 1e-9, 0.5)
    p = inside(share, "share", 0, 1, ends=True)
    z2 = two_sided(level) ** 2
    # Squared, the width is a quadratic in n: h^2 (n + z^2)^2 = z^2 (n p (1 - p) + z^2 / 4).
    middle, constant = 2 * h**2 * z2 - z2 * p * (1 - p), z2**2 * (h**2 - 0.25)
    root = (-middle + math.sqrt(middle**2 - 4 * h**2 * constant)) / (2 * h**2)
    return _ceiling(root, lambda n: wilson_half_width(p, n, z2) <= h * (1 + 1e-12))


def discordant(share_a: float, share_b: float, correlation: float = 0.0) -> tuple[float, float]:
    """Shares of discordant pairs, from two shares and the correlation of the outcomes within a pair.

    The share of pairs with both outcomes is p_a p_b + r sqrt(p_a (1 - p_a) p_b (1 - p_b)), by the definition of a
    correlation.

    Parameters
    ----------
    share_a, share_b : float
        Shares of the outcome, 0 to 1.
    correlation : float, default 0
        Between the outcomes of a pair: 0 for independent runs, above 0 where common random numbers help.

    Returns
    -------
    only_a, only_b : float
        Probabilities that a pair has the outcome under one level alone.

    Raises
    ------
    ConfigError
        If an argument is refused, or the two shares cannot be so correlated.

    Examples
    --------
    >>> only_a, only_b = discordant(0.5, 0.4, 0.6)
    >>> round(only_a, 4), round(only_b, 4)
    (0.153, 0.053)
    """
    a = inside(share_a, "share_a", 0, 1, ends=True)
    b = inside(share_b, "share_b", 0, 1, ends=True)
    r = inside(correlation, "correlation", -1, 1, ends=True)
    scale = math.sqrt(a * (1 - a) * b * (1 - b))
    both = a * b + r * scale
    least, most = max(0.0, a + b - 1), min(a, b)
    if not least - 1e-12 <= both <= most + 1e-12:
        low, high = ((least - a * b) / scale, (most - a * b) / scale)
        raise ConfigError(f"correlation: value {r:g}: from {low:.3f} to {high:.3f} for shares {a:g} and {b:g}")
    both = min(max(both, least), most)
    return a - both, b - both


def _critical(d: NDArray[np.int64], alpha: float) -> NDArray[np.int64]:
    """For each number of discordant pairs the largest count of the rarer kind that is significant; -1 for none."""
    # The largest k with P(K <= k) <= alpha / 2, K binomial (d, 1/2): the exact two-sided test doubles the smaller tail.
    k = stats.binom.ppf(alpha / 2, d, 0.5)
    k = np.where(stats.binom.cdf(k, d, 0.5) <= alpha / 2 * (1 + 1e-7), k, k - 1)
    return np.where(d == 0, -1, k).astype(np.int64)


def mcnemar_power(n: int, only_a: float, only_b: float, alpha: float = 0.05) -> float:
    """Exact power of the exact two-sided McNemar test, before the number of discordant pairs is known.

    A sum over that number, binomial (n, only_a + only_b), of the probability that the test of `gansim.compare` rejects,
    given it: no approximation.

    Parameters
    ----------
    n : int
        Pairs, 1 to 10,000,000.
    only_a, only_b : float
        Probabilities of the two kinds of discordant pairs; together at most 1. `discordant` makes them of shares.
    alpha : float, default 0.05
        Level of the test, above 0, below 0.5.

    Returns
    -------
    float
        Probability of p <= alpha; with only_a = only_b the size of the test.

    Raises
    ------
    ConfigError
        If an argument is refused.

    Examples
    --------
    >>> round(mcnemar_power(200, 0.15, 0.05), 3)
    0.875
    """
    n = check_integer(n, "n", 1, MAX_REPS)
    a, b, level = _kinds(only_a, only_b, alpha)
    both = a + b
    if both < 1e-12:  # two discordant pairs, the fewest that any test rejects, have probability 1e-10 at most
        return 0.0
    spread = _TAILS * math.sqrt(n * both * (1 - both)) + 40  # 40: the Poisson tail of a small expected number
    first, last = max(0, math.floor(n * both - spread)), min(n, math.ceil(n * both + spread))
    d = np.arange(first, last + 1)
    critical = _critical(d, level)
    lower = stats.binom.cdf(critical, d, a / both)
    upper = stats.binom.sf(d - critical - 1, d, a / both)
    power = np.sum(stats.binom.pmf(d, n, both) * np.where(critical >= 0, lower + upper, 0.0))
    return float(min(power, 1.0))


def _kinds(only_a: float, only_b: float, alpha: float) -> tuple[float, float, float]:
    a = inside(only_a, "only_a", 0, 1, ends=True)
    b = inside(only_b, "only_b", 0, 1, ends=True)
    if a + b > 1 + 1e-12:
        raise ConfigError(f"only_a, only_b: values {a:g} and {b:g}: at most 1 together")
    return a, min(b, 1 - a), inside(alpha, "alpha", 0, 0.5)


def replicates_for_power(only_a: float, only_b: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Pairs for a power of the exact two-sided McNemar test.

    Exact power does not rise with every pair: it falls a little where one more discordant pair does not yet raise the
    critical count. So this is the smallest n whose power, and that of the next 64, is reached.

    Parameters
    ----------
    only_a, only_b : float
        Probabilities of the two kinds of discordant pairs, unequal; together at most 1.
    power : float, default 0.8
        Wanted, above alpha.
    alpha : float, default 0.05
        Level of the test, above 0, below 0.5.

    Returns
    -------
    int
        Pairs: replicates of each of the two cells.

    Raises
    ------
    ConfigError
        If an argument is refused, or more than 10,000,000 are needed.

    Examples
    --------
    >>> replicates_for_power(0.15, 0.05)
    168
    """
    a, b, level = _kinds(only_a, only_b, alpha)
    wanted = inside(power, "power", level, 1)
    if a == b:
        raise ConfigError(f"only_a, only_b: both {a:g}: different, as there is nothing to find otherwise")
    high = 1
    while mcnemar_power(high, a, b, level) < wanted:
        if high == MAX_REPS:
            raise ConfigError(f"only_a, only_b: values {a:g} and {b:g}: more than {MAX_REPS:,} replicates are needed")
        high = min(2 * high, MAX_REPS)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mcnemar_power(middle, a, b, level) >= wanted else (middle, high)
    n = max(1, high - _WINDOW)  # the bisection may have landed beyond the first tooth
    failing = [m for m in range(n, high + _WINDOW + 1) if mcnemar_power(m, a, b, level) < wanted]
    return failing[-1] + 1 if failing else n


def _connor(only_a: float, only_b: float, power: float, alpha: float) -> int:
    """Normal approximation of the pairs needed (Connor 1987, p. 209)."""
    both, difference = only_a + only_b, only_a - only_b
    root = two_sided(1 - alpha) * math.sqrt(both) + normal_quantile(power) * math.sqrt(max(both - difference**2, 0.0))
    return math.ceil((root / difference) ** 2)


def detectable_difference(n: int, discordant_share: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest paired difference of shares that the exact McNemar test finds with a given power.

    Parameters
    ----------
    n : int
        Pairs.
    discordant_share : float
        Share of pairs that disagree, 1e-9 to 1. Two equal shares p whose outcomes correlate by r have
        2 p (1 - p) (1 - r).
    power : float, default 0.8
        Wanted, above alpha.
    alpha : float, default 0.05
        Level of the test, above 0, below 0.5.

    Returns
    -------
    float
        The difference, to 1e-6; NaN if even pairs that all disagree in one direction do not give that power.

    Raises
    ------
    ConfigError
        If an argument is refused.

    Examples
    --------
    >>> round(detectable_difference(1000, 0.2), 3)
    0.04
    """
    both = inside(discordant_share, "discordant_share", 1e-9, 1, ends=True)
    level = inside(alpha, "alpha", 0, 0.5)
    wanted = inside(power, "power", level, 1)

    def reached(difference: float) -> bool:
        return mcnemar_power(n, (both + difference) / 2, (both - difference) / 2, level) >= wanted

    if not reached(both):
        return math.nan
    low, high = 0.0, both
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def plan(
    mcse: float | None = 0.01,
    half_width: float | None = None,
    difference: float | None = None,
    share: float = 0.5,
    correlation: float = 0.0,
    power: float = 0.8,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tabulate the replicates per cell that each of several aims needs.

    Parameters
    ----------
    mcse : float, optional
        Monte-Carlo standard error of a share; None: not asked for.
    half_width : float, optional
        Half width of the Wilson interval of a share.
    difference : float, optional
        Difference between two cells' shares, `share` and `share` less the difference, that McNemar's test is to find.
    share : float, default 0.5
        The share expected; the worst case, 0.5, is planned for too.
    correlation : float, default 0
        Between the outcomes of a pair.
    power : float, default 0.8
        Of the test.
    level : float, default 0.95
        Confidence level of the interval; the test's level is 1 - level.

    Returns
    -------
    DataFrame
        Columns aim, share (assumed), replicates and approximate (Connor's for the test, else missing).

    Raises
    ------
    ConfigError
        If an argument is refused, or nothing is asked for.
    """
    rows: list[tuple[str, float, int, float]] = []
    two_sided(level)
    for p in dict.fromkeys((inside(share, "share", 0, 1, ends=True), 0.5)):
        if mcse is not None:
            n = replicates_for_mcse(mcse, p)
            rows.append((f"MCSE of a share at most {mcse:g}", p, n, math.nan))
        if half_width is not None:
            n = replicates_for_half_width(half_width, p, level)
            rows.append((f"{100 * level:g} % interval within {half_width:g}", p, n, math.nan))
    if difference is not None:
        delta = inside(difference, "difference", -1, 1)
        if delta == 0:
            raise ConfigError("difference: value 0: another number, as there is nothing to find otherwise")
        kinds = discordant(share, inside(share - delta, "share - difference", 0, 1, ends=True), correlation)
        n = replicates_for_power(*kinds, power, 1 - level)
        aim = f"difference {delta:g} found with power {power:g} (correlation {correlation:g})"
        rows.append((aim, share, n, _connor(*kinds, power, 1 - level)))
    if not rows:
        raise ConfigError("plan: nothing asked for: mcse, half_width or difference")
    return pd.DataFrame(rows, columns=["aim", "share", "replicates", "approximate"])


def seen(
    n: int,
    shares: float | Sequence[float] = (0.5, 0.1, 0.01),
    correlation: float = 0.0,
    power: float = 0.8,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tabulate what n replicates per cell show.

    Parameters
    ----------
    n : int
        Replicates, 1 to 10,000,000.
    shares : float or sequence of float, default (0.5, 0.1, 0.01)
        Shares to be told about.
    correlation : float, default 0
        Between the outcomes of a pair.
    power : float, default 0.8
        Of McNemar's test.
    level : float, default 0.95
        Confidence level of the interval; the test's level is 1 - level.

    Returns
    -------
    DataFrame
        One row per share: share, n, mcse, half_width (of the Wilson interval), detectable (the smallest difference to a
        cell of the same share of discordant pairs that the test finds; NaN where none is), zero_high (upper limit of
        the Wilson interval when no run of n has the outcome).

    Raises
    ------
    ConfigError
        If an argument is refused.
    """
    n = check_integer(n, "n", 1, MAX_REPS)
    z2 = two_sided(level) ** 2
    rows = []
    for share in np.atleast_1d(np.asarray(shares, dtype=object)).tolist():
        p = inside(share, "share", 0, 1, ends=True)
        both = sum(discordant(p, p, correlation))
        rows.append(
            {
                "share": p,
                "n": n,
                "mcse": math.sqrt(p * (1 - p) / n),
                "half_width": wilson_half_width(p, n, z2),
                "detectable": detectable_difference(n, both, power, 1 - level) if both > 1e-9 else math.nan,
                "zero_high": z2 / (n + z2),
            }
        )
    return pd.DataFrame(rows)
