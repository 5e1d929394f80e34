"""Axes on which a target, fakes and D are drawn: which stretch of the line, how fine, how high."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.model.data import laws
from gansim.model.data.distributions import Mixture, Univariate, moments
from gansim.model.data.tabulated import Observed, table_of

__all__ = ["View", "shared_view", "target_range", "thin"]

_BINS = (60, 240)  # fewest and most bins of a histogram: two pixels each in the narrowest panel of a figure
_HIGHEST = 2.0  # highest fakes that a panel shows whole, in peaks of the target: higher ones would flatten it
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class View:
    """A stretch of the line on which target, fakes and D are drawn, and one scale of density for all of them.

    Attributes
    ----------
    x : ndarray, shape (n,)
        Points in data units, increasing.
    outline : tuple of two ndarray
        Corners of the target's density, or of its histogram: x and y.
    edges : ndarray, shape (bins + 1,)
        Of the fakes' histogram; its ends are those of the axis.
    peak : float
        The target's highest density as far as bins resolve it.
    """

    x: Array
    outline: tuple[Array, Array]
    edges: Array
    peak: float

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the axis."""
        return float(self.edges[0]), float(self.edges[-1])

    def heights(self, fakes: Array) -> Array:
        """Density of the fakes in each bin; those beyond the axis count, so that the area shown is their share."""
        return np.asarray(np.histogram(fakes, self.edges)[0] / (np.diff(self.edges) * max(1, len(fakes))))

    def off(self, fakes: Array) -> int:
        """How many fakes the axis does not show."""
        return int(np.count_nonzero(~((fakes >= self.edges[0]) & (fakes <= self.edges[-1]))))

    def top(self, several: Iterable[Array]) -> float:
        """Upper end of the scale of density, for these sets of fakes."""
        highest = max((float(self.heights(fakes).max()) for fakes in several), default=0.0)
        return 1.2 * min(max(self.peak, highest), _HIGHEST * self.peak)

    def remark(self, fakes: Array, top: float) -> str:
        """What a panel cannot show of these fakes: how high they are, how many lie beyond its ends."""
        highest, off = float(self.heights(fakes).max()), self.off(fakes)
        spike = f"↑ {_times(highest / self.peak)}" if highest > top else ""
        beyond = f"{_share(off / len(fakes))} off axis" if off > 0.02 * len(fakes) else ""
        return "\n".join(filter(None, [spike, beyond]))


def _times(ratio: float) -> str:
    return f"{ratio:.2g} ×" if ratio < 10 else f"{ratio:,.0f} ×"


def _share(share: float) -> str:
    return "all" if share == 1 else f"{min(99.0, 100 * share):.0f} %"


def shared_view(target: Univariate, several: Sequence[Array]) -> View:
    """Return the view of the target and of these sets of fakes.

    The target fills at least half of the axis, if at least half of each set of fakes, but for a fifth of the sets, lies
    on it then. Otherwise the axis shows nearly all fakes; but where a fifth of the sets stray over 20 times as far as
    the others reach, and would squeeze these into a line, they leave it at that end.
    """
    low, high = target_range(target)
    room = 0.5 * (high - low)
    near = [float(np.mean((fakes >= low - room) & (fakes <= high + room))) for fakes in several]
    left, right = _reach(low, high, several)
    if np.quantile(near or [1.0], 0.2) >= 0.5:
        left, right = max(left, low - room), min(right, high + room)
    margin = 0.03 * (right - left)
    return _view(target, left - margin, right + margin)


def _reach(low: float, high: float, several: Sequence[Array]) -> tuple[float, float]:
    """Ends of an axis that holds this stretch and nearly all fakes."""
    ends = np.array([np.quantile(fakes, [0.005, 0.995]) for fakes in several]).reshape(-1, 2)
    left, right = low, high
    if len(ends):
        lows, highs = np.sort(ends[:, 0]), np.sort(ends[:, 1])[::-1]
        cut = min(-(-len(ends) // 5), (len(ends) - 1) // 2)
        left, right = min(low, float(lows[cut])), max(high, float(highs[cut]))
        reach = 20 * (right - left)
        left = min(left, float(lows[0])) if left - lows[0] <= reach else left
        right = max(right, float(highs[0])) if highs[0] - right <= reach else right
    return left, right


def target_range(target: Univariate) -> tuple[float, float]:
    """Return where a target is drawn: a normal law within 4 standard deviations of its mean, a bounded one whole.

    Tails reach at most 1.75 times as far from the median as the outer hundredths: all of Student's would squeeze its
    middle into a line.
    """
    low, first, middle, last, high = laws.quantile(target, [3e-5, 0.01, 0.5, 0.99, 1 - 3e-5]).tolist()
    if isinstance(target, Observed):
        return low, high
    return max(low, middle - 1.75 * (middle - first)), min(high, middle + 1.75 * (last - middle))


def _view(target: Univariate, left: float, right: float) -> View:
    edges = np.linspace(left, right, 1 + _bins(target, right - left))
    if not isinstance(target, Observed):
        x = _points(target, left, right)
        density = laws.pdf(target, x)
        # A density without bound, as a gamma law's at 0 can be, has the peak that bins see.
        seen = float((np.diff(laws.cdf(target, edges)) / np.diff(edges)).max())
        peak = float(np.clip(density.max(), seen, 3 * seen))
        return View(x, thin(x, np.minimum(density, 4 * peak)), edges, peak)
    bars, heights = table_of(target).bars
    wide = float(bars[1] - bars[0])
    before, after = (int(max(0.0, gap) // wide) + 1 for gap in (bars[0] - left, right - bars[-1]))
    if before + len(heights) + after <= 4 * _BINS[1]:  # the fakes in the bins of the values, so that heights compare
        edges = np.concatenate(
            [bars[0] - wide * np.arange(before, 0, -1), bars, bars[-1] + wide * np.arange(1, after + 1)]
        )
    x = _points(target, float(edges[0]), float(edges[-1]))
    corners = np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
    return View(x, (np.repeat(bars, 2), corners), edges, float(heights.max()))


def _bins(target: Univariate, wide: float) -> int:
    """So many bins that half of the narrowest part's standard deviation fills one, within limits."""
    narrow = float(np.min(target.stds)) if isinstance(target, Mixture) else moments(target)[1]
    return int(np.clip(np.ceil(wide / (0.4 * narrow)), *_BINS))


def _points(target: Univariate, left: float, right: float) -> Array:
    """Points at which a density is drawn: evenly, and where the target is, which may be narrow, its modes more so."""
    low, high = target_range(target)
    gap = 0.05 * (high - low)
    detail = np.concatenate(
        [np.linspace(low - gap, high + gap, 401), laws.quantile(target, np.linspace(0.001, 0.999, 401))]
    )
    detail = detail[(detail > left) & (detail < right)]
    return np.unique(np.concatenate([np.linspace(left, right, 601), detail]))


def thin(x: Array, y: Array) -> tuple[Array, Array]:
    """Keep the fewest points whose polygon stays within 1/300 of the range, half a pixel (Douglas and Peucker 1973).

    All points of eight runs would make an SVG of 1 MB.
    """
    limit, kept, open_ends = np.ptp(y) / 300, [0, len(x) - 1], [(0, len(x) - 1)]
    while open_ends and np.isfinite(limit):
        first, last = open_ends.pop()
        chord = np.interp(x[first : last + 1], x[[first, last]], y[[first, last]])
        off = np.abs(y[first : last + 1] - chord)
        if off.max() > limit:
            worst = first + int(off.argmax())
            kept.append(worst)
            open_ends += [(first, worst), (worst, last)]
    return (x[np.sort(kept)], y[np.sort(kept)]) if np.isfinite(limit) else (x, y)
