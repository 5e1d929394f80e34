"""Laws of data and of noise, as a user names them, and their moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Any, Literal, TypeAlias, overload

from numpy.typing import NDArray

from gansim.errors import ConfigError, Refused, shown
from gansim.model.data.tabulated import Law, Observed, table_of
from gansim.model.fields import (
    Object,
    Real,
    Several,
    described,
    items_of,
)

__all__ = [
    "Mixture",
    "Noise",
    "Normal",
    "Parametric",
    "Product",
    "Target",
    "Uniform",
    "Univariate",
    "components",
    "data_dim",
    "evaluation_law",
    "marginals",
    "moments",
    "standardised",
]

# Bounds keep every number well inside float32 (largest 3e38, smallest normal 1e-38, squares included).
_Location = Annotated[float, Real(-1e6, 1e6)]
_Spread = Annotated[float, Real(1e-9, 1e6)]
# The least ratio of a mixture's numbers to each other. What it holds for is rescaled and validated again: rounding must
# not refuse then what was taken before.
_MILLIONTH = 1e-6 * (1 - 1e-9)


@described
class Normal:
    """Normal distribution, as a target or as noise.

    Parameters
    ----------
    mean : float, default 0
        Mean, in data units, -1e6 to 1e6.
    std : float, default 1
        Standard deviation, in data units, 1e-9 to 1e6.

    Examples
    --------
    >>> Normal(500, 5)
    Normal(mean=500.0, std=5.0)
    """

    mean: _Location = 0.0
    std: _Spread = 1.0
    kind: Literal["normal"] = field(default="normal", kw_only=True, repr=False)


@described
class Uniform:
    """Uniform distribution on [low, high], as a target or as noise.

    Parameters
    ----------
    low, high : float, default 0 and 1
        Ends of the interval, in data units, -1e6 to 1e6; high exceeds low by at least 1e-8.

    Examples
    --------
    >>> Uniform(-1, 1)
    Uniform(low=-1.0, high=1.0)
    """

    low: _Location = 0.0
    high: _Location = 1.0
    kind: Literal["uniform"] = field(default="uniform", kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if self.high - self.low < 1e-8:
            raise Refused(self.high, f"a number above low = {self.low:g}", "high")


_SPREAD = Real(1e-9, 1e6)
_Numbers: TypeAlias = Sequence[float] | NDArray[Any]


def _spreads(value: object) -> float | tuple[float, ...]:
    several = items_of(value, 64)
    return _SPREAD(value) if several is None else Several(_SPREAD, 0, 64, "numbers")(several)


def _weights(value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    several = items_of(value, 64)
    if several is None:
        raise Refused(value, "None, or as many numbers as there are means (2 to 64)")
    return Several(Real(_MILLIONTH, 1e6), 0, 64, "numbers, or None")(several)


@described
class Mixture:
    """Mixture of normal distributions, as a target.

    Parameters
    ----------
    means : tuple of float
        Means of the 2 to 64 components, in data units.
    stds : float or tuple of float, default 0.5
        Standard deviations in data units: one for all, or one per component.
    weights : tuple of float or None, default None
        Probabilities of the components, positive; stored divided by their sum. None: all equal.

    Examples
    --------
    >>> Mixture((-2, 2), 0.5, (1, 3))
    Mixture(means=(-2.0, 2.0), stds=0.5, weights=(0.25, 0.75))
    """

    means: Annotated[tuple[float, ...], Several(Real(-1e6, 1e6), 2, 64, "numbers, such as (-1, 1)")] = (-1.0, 1.0)
    stds: Annotated[float | tuple[float, ...], _spreads] = 0.5
    weights: Annotated[tuple[float, ...] | None, _weights] = None
    kind: Literal["mixture"] = field(default="mixture", kw_only=True, repr=False)

    def __init__(
        self, means: _Numbers = (-1.0, 1.0), stds: float | _Numbers = 0.5, weights: _Numbers | None = None
    ) -> None: ...

    def __post_init__(self) -> None:
        several = isinstance(self.stds, tuple)
        values = self.stds if isinstance(self.stds, tuple) else (self.stds,)
        if several and len(values) != len(self.means):
            raise Refused(self.stds, f"one number, or as many as there are means ({len(self.means)})", "stds")
        widest = max(*values, max(self.means) - min(self.means))
        if min(values) < _MILLIONTH * widest:
            raise Refused(self.stds, f"at least a millionth of the largest distance, {widest:g}", "stds")
        if self.weights is not None:
            object.__setattr__(self, "weights", self._shares(self.weights))

    def _shares(self, weights: tuple[float, ...]) -> tuple[float, ...]:
        if len(weights) != len(self.means):
            raise Refused(weights, f"None, or as many numbers as there are means ({len(self.means)})", "weights")
        total = math.fsum(weights)
        if min(weights) < _MILLIONTH * total:
            raise Refused(weights, "numbers of which none is below a millionth of their sum", "weights")
        # Weights that already add up to 1 stay as they are, so that reading a stored configuration changes no bit.
        return weights if abs(total - 1) < 1e-9 else tuple(value / total for value in weights)


@described
class Product:
    """Independent normal coordinates: a law of more than one dimension. A configuration takes it, a study not yet.

    Parameters
    ----------
    factors : tuple of Normal
        The coordinates' laws, 1 to 8.

    Examples
    --------
    >>> Product([Normal(1, 2), Normal()])
    Product(factors=(Normal(mean=1.0, std=2.0), Normal(mean=0.0, std=1.0)))
    """

    factors: Annotated[tuple[Normal, ...], Several(Object((Normal,), "a normal law"), 1, 8, "normal laws")]
    kind: Literal["product"] = field(default="product", kw_only=True, repr=False)


Parametric: TypeAlias = Normal | Uniform | Mixture
"""Laws on the line with a closed form."""

Univariate: TypeAlias = Parametric | Observed | Law
"""Laws on the line."""


class _Targets(Object):
    """Laws on the line, whatever way they are given; and one of more coordinates, which no file or study takes yet."""

    def __call__(self, value: object) -> Any:
        """Return the law, or refuse; of what looks like a column of numbers or its file, say what takes them."""
        if type(value) is Product:
            return value
        try:
            return super().__call__(value)
        except Refused as refused:
            if refused.place or not (isinstance(value, (str, list, tuple)) or hasattr(value, "__array__")):
                raise
            raise Refused(value, f"{refused.allowed}; of values of your own, gs.Observed(values)") from None


Target: TypeAlias = Annotated[
    Normal | Uniform | Mixture | Observed | Law, _Targets((Normal, Uniform, Mixture, Observed, Law), "a target")
]
Noise: TypeAlias = Annotated[Normal | Uniform, Object((Normal, Uniform), "noise")]


def _expand(
    means: tuple[float, ...], stds: float | tuple[float, ...], weights: tuple[float, ...] | None
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    n = len(means)
    return means, stds if isinstance(stds, tuple) else (stds,) * n, weights or (1 / n,) * n


def _mixture_moments(
    means: tuple[float, ...], stds: tuple[float, ...], weights: tuple[float, ...]
) -> tuple[float, float]:
    total = math.fsum(weights)
    mean = math.fsum(w * m for w, m in zip(weights, means, strict=True)) / total
    variance = math.fsum(w * (s * s + (m - mean) ** 2) for w, s, m in zip(weights, stds, means, strict=True)) / total
    return mean, math.sqrt(variance)


def components(target: Normal | Mixture) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Components of a normal or of a mixture of normals.

    Parameters
    ----------
    target : Normal or Mixture
        A normal counts as a mixture of one.

    Returns
    -------
    means, stds, weights : tuple of float
        Of equal length, in data units; the weights add up to 1.

    Examples
    --------
    >>> components(Mixture((0, 4), 0.5))
    ((0.0, 4.0), (0.5, 0.5), (0.5, 0.5))

    Raises
    ------
    ConfigError
        If it has no closed form.
    """
    if isinstance(target, Normal):
        return (target.mean,), (target.std,), (1.0,)
    if not isinstance(target, Mixture):
        raise ConfigError(f"law: value {shown(target)}: a normal or a mixture of normals, which have closed forms")
    return _expand(target.means, target.stds, target.weights)


def moments(target: Univariate) -> tuple[float, float]:
    """Mean and standard deviation of a target on the line or of noise.

    Parameters
    ----------
    target : Normal, Uniform, Mixture, Observed or Law
        The distribution; of `Observed` the law of its `values`.

    Returns
    -------
    mean, std : float
        In data units.

    Examples
    --------
    >>> moments(Mixture((-3, 3), 4))
    (0.0, 5.0)
    """
    if isinstance(target, Normal):
        return target.mean, target.std
    if isinstance(target, Uniform):
        return (target.low + target.high) / 2, (target.high - target.low) / math.sqrt(12)
    if isinstance(target, (Observed, Law)):
        table = table_of(target)
        return table.mean, table.std
    return _mixture_moments(*components(target))


@overload
def evaluation_law(target: Univariate) -> Univariate: ...
@overload
def evaluation_law(target: Univariate | Product) -> Univariate | Product: ...
def evaluation_law(target: Univariate | Product) -> Univariate | Product:
    """The law that runs are judged by: the target, or that of the values it is to be evaluated on.

    Examples
    --------
    >>> evaluation_law(Observed([1, 2, 3], evaluate=[1, 2, 4]))
    Observed(<3 values, 1 to 4, fec3b3f5>)
    """
    return Observed(target.evaluate) if isinstance(target, Observed) and target.evaluate is not None else target


def marginals(target: Univariate | Product) -> tuple[Univariate, ...]:
    """The laws of a target's coordinates, one after the other.

    Parameters
    ----------
    target : Normal, Uniform, Mixture or Product
        The distribution.

    Examples
    --------
    >>> marginals(Normal(500, 5))
    (Normal(mean=500.0, std=5.0),)
    """
    return target.factors if isinstance(target, Product) else (target,)


def data_dim(target: Univariate | Product) -> int:
    """How many coordinates a point of the target has."""
    return len(marginals(target))


@overload
def standardised(target: Parametric) -> Parametric: ...
@overload
def standardised(target: Parametric | Product) -> Parametric | Product: ...
def standardised(target: Parametric | Product) -> Parametric | Product:
    """Shift and scale a target, each coordinate to mean 0 and standard deviation 1: what ``standardise=True`` shows.

    Parameters
    ----------
    target : Normal, Uniform, Mixture or Product
        The distribution, in data units.

    Returns
    -------
    Normal, Uniform, Mixture or Product
        Of the same kind.

    Examples
    --------
    >>> standardised(Normal(500, 5))
    Normal(mean=0.0, std=1.0)
    """
    if isinstance(target, Product):
        return Product(tuple(Normal(0.0, 1.0) for _ in target.factors))
    if isinstance(target, Normal):
        return Normal(0.0, 1.0)
    if isinstance(target, Uniform):
        return Uniform(-math.sqrt(3), math.sqrt(3))
    mean, std = moments(target)
    stds = target.stds
    return Mixture(
        tuple((m - mean) / std for m in target.means),
        tuple(s / std for s in stds) if isinstance(stds, tuple) else stds / std,
        target.weights,
    )
