"""Tables "published, found, agree?"."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom

NAMES = {
    "published": "published",
    "found": "found",
    "found_low": "from",
    "found_high": "to",
    "runs": "runs",
    "agrees": "agree?",
}

RULE = (
    "Agree: the 95 % interval of what was found meets the published number, or the range in which this study looks for "
    "it; few runs, whose intervals are wide, agree easily."
)


class Claim(NamedTuple):
    """One published number, and what was found.

    Attributes
    ----------
    claim : str
        What the number is of.
    published : str
        As it was published, to its digits; or a range, "from to to".
    found : float
        Here.
    low, high : float or None
        The interval of what was found, 95 %; None where nothing is random.
    runs : int
        Runs that it rests on.
    agrees : bool, str or None
        Whether the two agree; None where the claim cannot be tried, a word where neither yes nor no is right.
    """

    claim: str
    published: str
    found: float
    low: float | None
    high: float | None
    runs: int
    agrees: bool | str | None


def to_its_digits(published: str, found: float) -> bool:
    """Whether a number is the published one, to the last digit that was published.

    Examples
    --------
    >>> to_its_digits("3.10", 3.0968), to_its_digits("3.10", 3.106), to_its_digits("2.64e-6", 2.643e-6)
    (True, False, True)
    """
    digits, _, power = published.partition("e")
    last = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return abs(float(published) - found) <= 0.5000001 * last


def exact(claim: str, published: str, found: float) -> Claim:
    """A number that nothing random is in."""
    return Claim(claim, published, found, None, None, 1, to_its_digits(published, found))


def within(claim: str, low: float, high: float, found: float, interval: tuple[float, float], runs: int) -> Claim:
    """A number that agrees if its interval meets the published range."""
    return Claim(claim, f"{low:g} to {high:g}", found, *interval, runs, interval[0] <= high and low <= interval[1])


def median(values: ArrayLike) -> tuple[float, tuple[float, float]]:
    """The median of a sample, and the values that enclose the law's with 95 %: quantiles of Binomial(n, 1/2) are ranks.

    Of fewer than six values these are the least and the greatest, which enclose it less surely.

    Examples
    --------
    >>> median([5.0, 1.0, 4.0, 3.0, 2.0, 9.0, 8.0])
    (4.0, (1.0, 9.0))
    """
    ordered = np.sort(np.asarray(values, float))
    n = len(ordered)
    if n == 0:
        return np.nan, (np.nan, np.nan)
    low = max(int(binom.ppf(0.025, n, 0.5)) - 1, 0)
    return float(np.median(ordered)), (float(ordered[low]), float(ordered[n - 1 - low]))


def table(claims: Iterable[Claim]) -> pd.DataFrame:
    """All claims, one a row."""
    frame = pd.DataFrame(claims)
    said = {True: "yes", False: "no", None: "cannot be tried"}
    frame["agrees"] = [said.get(value, value) for value in frame["agrees"]]
    return frame.rename(columns={"low": "found_low", "high": "found_high"})
