"""Points between the levels of a grid: Sobol' and Latin-hypercube samples of continuous factors.

A sample says which fields of a configuration vary, over which range each, and how many points there are. Its points
are a pure function of the sample's own seed; the study's seed, which draws weights and data, has no part in them.

Numbers are rounded to nine significant digits: short enough to read in a table, and the last bits of a power, which
differ between C libraries, do not reach the design.

References
----------
Sobol' (1967), On the distribution of points in a cube and the approximate evaluation of integrals, USSR Comput. Math.
Math. Phys. 7(4), 86-112.
Owen (2020), On dropping the first Sobol' point, arXiv:2008.08051.
McKay, Beckman and Conover (1979), A comparison of three methods for selecting values of input variables in the analysis
of output from a computer code, Technometrics 21(2), 239-245.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim.errors import ConfigError, Refused, shown
from gansim.model.data.distributions import Uniform
from gansim.model.fields import Integer, Real, described

__all__ = ["Integers", "LatinHypercube", "LogUniform", "Range", "Sample", "Sobol"]

MAX_POINTS = 65_536
_MAX_RANGES = 64
_DIGITS = 9


_END = Real(1e-30, 1e30)
_WHOLE = Integer(-(10**9), 10**9)


@described
class LogUniform:
    """A range on whose logarithm points are spread evenly.

    Parameters
    ----------
    low, high : float
        Ends, 1e-30 to 1e30; low below high.

    Raises
    ------
    ConfigError
        If they are anything else.

    Examples
    --------
    >>> LogUniform(1e-4, 1e-1)
    LogUniform(low=0.0001, high=0.1)
    """

    low: Annotated[float, _END]
    high: Annotated[float, _END]
    kind: ClassVar[str] = "log-uniform"

    def __post_init__(self) -> None:
        if self.high <= self.low:
            raise Refused(self.high, f"a number above low = {self.low:g}, to 1e+30", "high")


@described
class Integers:
    """A range of integers, both ends included.

    Parameters
    ----------
    low, high : int
        Ends, -10^9 to 10^9, low below high; with `log` low is at least 1.
    log : bool, default False
        Spread evenly on the logarithm instead: as many points from 32 to 64 as from 64 to 128.

    Raises
    ------
    ConfigError
        If they are anything else.

    Examples
    --------
    >>> Integers(32, 4096, log=True)
    Integers(low=32, high=4096, log=True)
    """

    low: Annotated[int, _WHOLE]
    high: Annotated[int, _WHOLE]
    log: bool = False
    kind: ClassVar[str] = "integers"

    def __post_init__(self) -> None:
        if self.high <= self.low:
            raise Refused(self.high, f"an integer above low = {self.low:,}, to 1,000,000,000", "high")
        if self.log and self.low < 1:
            raise Refused(self.low, "at least 1 where log is True", "low")


Range: TypeAlias = Uniform | LogUniform | Integers


def _rounded(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.{_DIGITS}g}"), low), high)


def _scaled(u: float, over: Range) -> float | int:
    """Turn a number u of [0, 1) into one of a range."""
    if isinstance(over, Uniform):
        return _rounded(over.low + (over.high - over.low) * u, over.low, over.high)
    if isinstance(over, LogUniform):
        return _rounded(over.low * math.exp(math.log(over.high / over.low) * u), over.low, over.high)
    low, high = over.low - 0.5, over.high + 0.5  # so that the ends are as likely as the integers between them
    value = low * (high / low) ** u if over.log else low + (high - low) * u
    return min(max(math.floor(value + 0.5), over.low), over.high)


@described
class Sample(ABC):
    """Points spread over the ranges of some fields: `Sobol` or `LatinHypercube`.

    Parameters
    ----------
    ranges : mapping of str to range
        Dotted path of a field, such as "optimizer_g.lr", to `Uniform`, `LogUniform` or `Integers`: 1 to 64 of them.
        Their order matters: it says which coordinate of a point is whose.
    n : int
        Number of points, 1 to 65,536.
    seed : int, default 0
        Seed of the points alone, 0 to 2^64 - 1.

    Raises
    ------
    ConfigError
        If an argument is refused, or integer ranges hold so few values that a point repeats.
    """

    ranges: Mapping[str, Range]
    n: Annotated[int, Integer(1, MAX_POINTS)]
    seed: Annotated[int, Integer(0, 2**64 - 1)] = 0
    method: ClassVar[str]

    def __post_init__(self) -> None:
        if not isinstance(self.ranges, Mapping) or not 1 <= len(self.ranges) <= _MAX_RANGES:
            raise ConfigError(f"ranges: value {shown(self.ranges)}: a mapping of 1 to {_MAX_RANGES} paths to ranges")
        for path, over in self.ranges.items():
            if not isinstance(path, str) or not path:
                raise ConfigError(f"ranges: value {shown(path)}: a dotted path such as optimizer_g.lr")
            if not isinstance(over, (Uniform, LogUniform, Integers)):
                raise ConfigError(f"ranges: {path}: value {shown(over)}: one of Uniform, LogUniform, Integers")
        object.__setattr__(self, "ranges", dict(self.ranges))

    @abstractmethod
    def _cube(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Points of the unit cube, shape (n, ranges)."""

    def points(self) -> list[dict[str, float | int]]:
        """Return the points in order, each a mapping of path to value.

        Returns
        -------
        list of dict
            n of them; floats, or ints for `Integers`.

        Raises
        ------
        ConfigError
            If a point occurs twice, which only integer ranges can bring about: runs share their random numbers, so
            the two cells would be copies of each other.

        Examples
        --------
        >>> points = LatinHypercube({"optimizer_g.lr": LogUniform(1e-4, 1e-1)}, n=3).points()
        >>> sorted(int(np.log10(point["optimizer_g.lr"] / 1e-4)) for point in points)  # one in each decade
        [0, 1, 2]
        """
        cube = self._cube(np.random.default_rng(self.seed))
        spread = [(path, over, column) for (path, over), column in zip(self.ranges.items(), cube.T, strict=True)]
        found = [{path: _scaled(float(u[row]), over) for path, over, u in spread} for row in range(self.n)]
        first: dict[tuple[float | int, ...], int] = {}
        for number, point in enumerate(found):
            twin = first.setdefault(tuple(point.values()), number)
            if twin != number:
                text = ", ".join(f"{path} = {value}" for path, value in point.items())
                raise ConfigError(f"n: value {self.n}: points {twin} and {number} are the same ({text}): fewer points")
        return found


@described
class Sobol(Sample):
    """Scrambled Sobol' points, which fill space more evenly than random ones (Sobol' 1967).

    The first 64 of 128 points are the points of ``n=64``, so that a design can be extended. n is a power of two: the
    points are balanced in blocks of that size only, and SciPy warns of any other number (Owen 2020 has by how much an
    average over them is then worse). A design is made before anything runs, so it is refused. `LatinHypercube` takes
    any n.

    Parameters
    ----------
    ranges : mapping of str to range
        Dotted path of a field, such as "optimizer_g.lr", to `Uniform`, `LogUniform` or `Integers`: 1 to 64 of them.
    n : int
        Number of points, a power of two from 1 to 65,536.
    seed : int, default 0
        Seed of the scrambling alone, 0 to 2^64 - 1.

    Raises
    ------
    ConfigError
        If an argument is refused.

    Examples
    --------
    >>> len(Sobol({"optimizer_g.lr": LogUniform(1e-4, 1e-1), "optimizer_d.lr": LogUniform(1e-4, 1e-1)}, n=64).points())
    64
    """

    method: ClassVar[str] = "sobol"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n & (self.n - 1):
            below = 1 << (self.n.bit_length() - 1)
            raise ConfigError(f"n: value {self.n}: a power of two such as {below} or {2 * below}, or a LatinHypercube")

    def _cube(self, rng: np.random.Generator) -> NDArray[np.float64]:
        from scipy.stats import qmc

        engine: Any = qmc.Sobol(len(self.ranges), scramble=True, seed=rng)
        cube: NDArray[np.float64] = engine.random_base2(self.n.bit_length() - 1)
        return cube


@described
class LatinHypercube(Sample):
    """A Latin hypercube: in each range alone, one point in each of n equal parts (McKay, Beckman and Conover 1979).

    Parameters
    ----------
    ranges : mapping of str to range
        Dotted path of a field, such as "optimizer_g.lr", to `Uniform`, `LogUniform` or `Integers`: 1 to 64 of them.
    n : int
        Number of points, 1 to 65,536.
    seed : int, default 0
        Seed of the points alone, 0 to 2^64 - 1.

    Raises
    ------
    ConfigError
        If an argument is refused.

    Examples
    --------
    >>> sorted(point["samples"] for point in LatinHypercube({"samples": Integers(1, 3)}, n=3).points())
    [1, 2, 3]
    """

    method: ClassVar[str] = "latin-hypercube"

    def _cube(self, rng: np.random.Generator) -> NDArray[np.float64]:
        from scipy.stats import qmc

        engine: Any = qmc.LatinHypercube(len(self.ranges), seed=rng)
        cube: NDArray[np.float64] = engine.random(self.n)
        return cube
