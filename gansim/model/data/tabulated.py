"""Targets that are given by numbers: observed values, and laws by a table of their quantiles.

The law of a target of this kind *is* its table. Observed values have the empirical law: each has the same probability.
Any other law is linear between its quantiles at 4,097 probabilities: 2^-33, and then 64 steps to each doubling up to
1/2, and the same from the other end. Between them the quantile function of a normal law is off by at most 1.3e-5
standard deviations, that of Student's with 3 degrees of freedom by 1.8e-5 of the quantile; its standard deviation, for
which the outermost 2^-33 count, is 0.05 % less.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim.errors import Refused
from gansim.model.data.values import Values, checked_values
from gansim.model.fields import OrNone, Real, below, described, join, plain

__all__ = ["Law", "Observed", "Table", "table_of"]

Floats: TypeAlias = NDArray[np.float64]

OCTAVE_BITS = 6
_OCTAVES = 32
_DIGITS = 12  # SciPy's last bits depend on the processor

# Probabilities of a curve's lower half, from 2^-33 to 1/2: exact in float64.
_TAIL = np.append(
    np.ldexp(1 + np.arange(1 << OCTAVE_BITS) / (1 << OCTAVE_BITS), np.arange(-33, -33 + _OCTAVES)[:, None]).ravel(), 0.5
)


@described
class Observed:
    """Numbers of one's own, as a target: its law gives each of them the same probability.

    Parameters
    ----------
    values : array_like of float
        2 to 16,777,216 finite numbers, not all equal, in any order: an array, a Series or a list.
    evaluate : array_like of float or None, default None
        Other numbers, whose law a run is judged by: held-out samples, distances and labels. None: `values`.

    Examples
    --------
    >>> Observed([172.5, 168.0, 181.2])
    Observed(<3 values, 168 to 181.2, f898e529>)
    """

    values: Annotated[Values, checked_values]
    evaluate: Annotated[Values | None, OrNone(checked_values)] = None
    kind: Literal["observed"] = field(default="observed", kw_only=True, repr=False)

    def __init__(self, values: ArrayLike | Values, evaluate: ArrayLike | Values | None = None) -> None: ...

    def __repr__(self) -> str:
        other = "" if self.evaluate is None else f", evaluate={self.evaluate}"
        return f"Observed({self.values}{other})"

    def __post_init__(self) -> None:
        for name in ("values", "evaluate"):
            values: Values | None = getattr(self, name)
            if values is not None and values.std < 1e-9:
                raise Refused(values, "numbers with a standard deviation of at least 1e-9", name)


def _named_law(value: object) -> object:
    """A law by its name, or a frozen one, of which `Law` takes name and parameters."""
    text = plain(value)
    if isinstance(text, str) or (hasattr(value, "dist") and hasattr(value, "kwds")):
        return text
    raise Refused(value, "a frozen continuous law of scipy.stats, such as scipy.stats.t(3), or its name")


def _parameters(value: object) -> tuple[tuple[str, float], ...]:
    """Names and numbers, from a mapping or from pairs."""
    pairs: Any = value.items() if isinstance(value, Mapping) else value
    allowed = "names and numbers, such as {'df': 3}"
    if not isinstance(pairs, Iterable) or isinstance(pairs, (str, bytes)):
        raise Refused(value, allowed)
    found = {}
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], str)):
            raise Refused(value, allowed)
        found[pair[0]] = below(f".{pair[0]}", Real(-1e9, 1e9), pair[1])
    return tuple(found.items())


@described
class Law:
    """A continuous law of `scipy.stats`, as a target: heavy tails, skew, bounds.

    Parameters
    ----------
    law : frozen law or str
        Such as ``scipy.stats.t(3)``, or its name, "t". It needs finite quantiles and a finite variance. What is drawn
        ends at the quantiles of 2^-33 and 1 - 2^-33, and mean and standard deviation are of that: below SciPy's by 0.05
        % for t(3), 1 % for pareto(2.5), a fifth for t(2.1) and lognorm(3), most of it for pareto(2.01).
    parameters : mapping of str to float, default ()
        With a name: its shape parameters, ``loc`` and ``scale``, such as ``{"df": 3}``.
    quantiles : array_like of float or None, default None
        The table of its quantiles at loc 0 and scale 1, as a results folder keeps it. None: SciPy's.

    Examples
    --------
    >>> Law("gamma", {"a": 2, "scale": 3})
    Law('gamma', {'a': 2.0, 'scale': 3.0})
    """

    law: Annotated[str, _named_law]
    parameters: Annotated[tuple[tuple[str, float], ...], _parameters] = ()
    quantiles: Annotated[Values, OrNone(checked_values)] = field(default=None, repr=False)  # type: ignore[assignment]
    kind: Literal["law"] = field(default="law", kw_only=True, repr=False)

    def __init__(
        self,
        law: Any,  # SciPy's stubs have no public name for a frozen law
        parameters: Mapping[str, float] | Sequence[tuple[str, float]] = (),
        quantiles: ArrayLike | None = None,
    ) -> None: ...

    def __repr__(self) -> str:
        plain = {"loc": 0.0, "scale": 1.0}
        told = {name: value for name, value in self.parameters if plain.get(name) != value}
        return f"Law({self.law!r}, {told})" if told else f"Law({self.law!r})"

    def __post_init__(self) -> None:
        given: Any = self.law
        where = "parameters" if isinstance(given, str) else "law.parameters"
        if not isinstance(given, str):
            name, parameters = _thawed(given)
            object.__setattr__(self, "law", name)
            object.__setattr__(self, "parameters", parameters)
        elif self.quantiles is None or [name for name, _ in self.parameters[-2:]] != ["loc", "scale"]:
            object.__setattr__(self, "parameters", _completed(self.law, dict(self.parameters)))
        below(f"{where}.scale", Real(1e-9, 1e9), self.loc_and_scale[1])
        if self.quantiles is None:
            table = below(where, lambda shapes: _quantiles(self.law, shapes), self.parameters[:-2])  # type: ignore[unreachable]
            object.__setattr__(self, "quantiles", table)
        elif len(self.quantiles) != 2 * len(_TAIL) - 1:
            raise Refused(self.quantiles, f"a table of {2 * len(_TAIL) - 1:,} quantiles", "quantiles")

    @property
    def loc_and_scale(self) -> tuple[float, float]:
        """What a number of the table is multiplied by, and then shifted."""
        (_, loc), (_, scale) = self.parameters[-2:]
        return loc, scale


def _thawed(frozen: Any) -> tuple[str, tuple[tuple[str, float], ...]]:
    """Name and parameters of a frozen law."""
    from scipy import stats

    name = getattr(frozen.dist, "name", None)
    known = getattr(stats, str(name), None)
    if not isinstance(known, stats.rv_continuous) or type(known) is not type(frozen.dist):
        raise Refused(frozen, "a continuous law that scipy.stats has by name", "law")
    try:
        dist: Any = frozen.dist
        shapes, loc, scale = dist._parse_args(*frozen.args, **frozen.kwds)
        numbers = {**dict(zip(_shape_names(frozen.dist), shapes, strict=True)), "loc": loc, "scale": scale}
        parameters = {key: plain(number) for key, number in numbers.items()}
    except (TypeError, ValueError) as error:
        raise Refused(frozen, f"parameters that it takes ({error})", "law") from None
    return str(name), below("law", _parameters, parameters)


def _shape_names(dist: Any) -> list[str]:
    return [name.strip() for name in dist.shapes.split(",")] if dist.shapes else []


def _completed(name: str, given: dict[str, float]) -> tuple[tuple[str, float], ...]:
    """All parameters of a law in SciPy's order, loc and scale last."""
    from scipy import stats

    dist = getattr(stats, name, None)
    if not isinstance(dist, stats.rv_continuous):
        raise Refused(name, "a continuous law that scipy.stats has by name, such as 't'", "law")
    shapes = _shape_names(dist)
    names = [*shapes, "loc", "scale"]
    if unknown := [key for key in given if key not in names]:
        raise Refused(given, f"no parameter {unknown[0]!r}; those of {name} are {join(names)}", "parameters")
    if missing := [key for key in shapes if key not in given]:
        raise Refused(given, f"{name} needs a number for {join(missing)}", "parameters")
    return tuple((key, ({"loc": 0.0, "scale": 1.0} | given)[key]) for key in names)


@lru_cache(maxsize=64)
def _quantiles(name: str, shapes: tuple[tuple[str, float], ...]) -> Values:
    """The table of a law with loc 0 and scale 1."""
    from scipy import stats

    frozen = getattr(stats, name)(*(number for _, number in shapes))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of digits that are lost where a quantile is nearly 0
        table = np.concatenate([frozen.ppf(_TAIL), frozen.isf(_TAIL[-2::-1])])
        spread = float(frozen.std())
    finite = np.isfinite(table).all() and np.isfinite(spread) and spread > 0
    if np.isnan(table).all():
        raise Refused(dict(shapes), f"parameters that {name} takes")
    if not finite:
        allowed = f"parameters for which {name} has a finite variance: distances are in standard deviations"
        raise Refused(dict(shapes), allowed)
    return Values([float(f"{number:.{_DIGITS}g}") for number in table])


# --- tables -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Table:
    """A quantile function and its inverse, in units in which the law has mean 0 and standard deviation 1.

    Attributes
    ----------
    mean, std : float
        Of the law, in data units.
    drawn : ndarray, shape (n,)
        What draws are looked up in, see `gansim.kernels.sampler`: the values in ascending order; or the lower half of a
        curve, from its end to the median, and the upper half, from its end to the median, each followed by the median
        again.
    edges, shares : ndarray, shape (k + 1,)
        Ends of k cells, and the probability below each. Values: a cell is what lies nearer to a value than to any
        other. Curve: the stretch between two quantiles, over which probability is spread evenly.
    steps : bool
        Whether these are values.
    """

    mean: float
    std: float
    drawn: Floats
    edges: Floats
    shares: Floats
    steps: bool

    def quantile(self, u: Floats) -> Floats:
        """Smallest x with Pr(X <= x) >= u, for u in [0, 1]; x in the law's own units."""
        if self.steps:
            places = np.ceil(u * len(self.drawn)).astype(np.int64) - 1
            return np.asarray(self.drawn[np.clip(places, 0, len(self.drawn) - 1)])
        return np.interp(u, self.shares, self.edges)

    def cdf(self, x: Floats) -> Floats:
        """Pr(X <= x), x in data units."""
        own = (x - self.mean) / self.std
        if self.steps:
            return np.asarray(np.searchsorted(self.drawn, np.round(own, _DIGITS), side="right") / len(self.drawn))
        return np.interp(own, self.edges, self.shares)

    def density(self, x: Floats) -> Floats:
        """Density in data units; of values that of their histogram."""
        edges, heights = self.bars
        places = np.searchsorted(edges, x, side="right") - 1
        inside = (places >= 0) & (places < len(heights))
        return np.where(inside, heights[np.clip(places, 0, len(heights) - 1)], 0.0)

    @cached_property
    def bars(self) -> tuple[Floats, Floats]:
        """Edges (k + 1,) and heights (k,) of a histogram of density 1 in data units.

        Of values about as many bars as NumPy advises, at most 200, of whole multiples of the gap where values lie on a
        lattice, as whole numbers do; of a curve its cells, as far as they have a width.
        """
        if self.steps:
            shares, edges = np.histogram(self.drawn, _bar_edges(self.drawn))
            widths = np.diff(edges)
            return self.mean + self.std * edges, shares / shares.sum() / widths / self.std
        edges, places = np.unique(self.edges, return_index=True)
        shares = np.diff(np.append(self.shares[places[:-1]], self.shares[-1]))
        return self.mean + self.std * edges, shares / np.diff(edges) / self.std


def _bar_edges(values: Floats) -> Floats:
    """Edges of bars of one width; of values on a lattice they lie half way between its points, so that none is empty.

    With edges anywhere else some bars would hold one point of the lattice more than others: gaps and spikes.
    """
    bars = min(200, max(1, len(np.histogram_bin_edges(values, "auto")) - 1))
    different = np.unique(values)
    gap, wide = float(np.diff(different).min()), float(values[-1] - values[0])
    steps = (different - values[0]) / gap
    if wide / gap > 1e5 or np.abs(steps - np.round(steps)).max() > 1e-3:
        return np.linspace(values[0], values[-1], bars + 1)
    width = gap * max(1, round(wide / bars / gap), math.ceil((wide / gap + 1) / 200))
    return np.asarray(values[0] - gap / 2 + width * np.arange(math.ceil((wide + gap) / width * (1 - 1e-9)) + 1))


@lru_cache(maxsize=256)
def table_of(target: Observed | Law) -> Table:
    """The table of a target, in its own units.

    Parameters
    ----------
    target : Observed or Law
        The distribution; of `Observed` the law of its `values`.

    Returns
    -------
    Table
        To 12 decimals.
    """
    return _of_values(target.values) if isinstance(target, Observed) else _of_curve(target)


def _of_values(values: Values) -> Table:
    drawn: Floats = np.round((values.array - values.mean) / values.std, _DIGITS)
    different, counts = np.unique(drawn, return_counts=True)
    edges = np.concatenate([[-np.inf], (different[1:] + different[:-1]) / 2, [np.inf]])
    shares = np.append(0.0, np.cumsum(counts) / len(drawn))
    return Table(values.mean, values.std, drawn, edges, shares, steps=True)


def _of_curve(law: Law) -> Table:
    nodes = law.quantiles.array
    shares = np.concatenate([_TAIL, 1 - _TAIL[-2::-1]])
    mean, std = _curve_moments(nodes, shares)
    edges = np.round((nodes - mean) / std, _DIGITS)
    half = len(_TAIL)
    drawn = np.concatenate([edges[:half], edges[half - 1 : half], edges[: half - 2 : -1], edges[half - 1 : half]])
    loc, scale = law.loc_and_scale
    return Table(loc + scale * mean, scale * std, drawn, edges, shares, steps=False)


def _curve_moments(nodes: Floats, shares: Floats) -> tuple[float, float]:
    """Mean and standard deviation of a law that is uniform between each two quantiles."""
    weight, low, high = np.diff(shares), nodes[:-1], nodes[1:]
    total = math.fsum(weight)
    mean = math.fsum(weight * (low + high)) / (2 * total)
    a, b = low - mean, high - mean
    return mean, math.sqrt(math.fsum(weight * (a * a + a * b + b * b)) / (3 * total))
