"""What of a run is shown: its records up to the last finite one, its label in words, and its fakes beside the target.

The figure and the animation of a run take from here what they draw, so that both show the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.analysis.floor import floor_of
from gansim.analysis.labels import label
from gansim.design.regimes import Thresholds
from gansim.engine.history import History, history
from gansim.model.data import laws
from gansim.model.data.distributions import Mixture, Univariate, evaluation_law, moments
from gansim.model.data.tabulated import Observed, table_of
from gansim.model.games import is_probability
from gansim.model.gan import GAN
from gansim.reporting.figures.single_runs import thin

__all__ = ["FRAMES", "ShownRun", "Snapshot", "View", "end_of", "shared_view", "spread_out", "watch"]

FRAMES = 81  # 80 equal stretches: seven seconds at 12 a second
_PACKS = 16  # packs of each point at which D is drawn
_FAKES = 4000  # fakes in a histogram: 17 a bin where there are most bins
_BINS = (60, 240)  # fewest and most bins of a histogram: two pixels each in the narrowest panel of a figure
_HIGHEST = 2.0  # highest fakes that a panel shows whole, in peaks of the target: higher ones would flatten it
Array = NDArray[Any]


def watch(gan: GAN, rep: int = 0, seed: int = 0, frames: int | Iterable[int] = FRAMES) -> History:
    """Train a run again, as `history` does; a number of frames is spread over the steps at which there is something.

    Parameters
    ----------
    gan : GAN
        Its configuration.
    rep, seed : int, default 0
        Its replicate number and the study's seed.
    frames : int or iterable of int, default 81
        When to measure and to keep the networks: so many times evenly up to the end, or up to the record at which the
        run is no longer finite; or at these steps.
    """
    run = history(gan, rep, seed, frames)
    end = end_of(run)
    if not isinstance(frames, (int, np.integer)) or end == gan.steps:
        return run
    return history(gan, rep, seed, sorted({end * k // max(1, frames - 1) for k in range(frames)}))


def end_of(run: History) -> int:
    """The end of training, or the step of the study's first record at which the run is not finite."""
    own = run.study_traces()
    dead = own.steps[0][own["finite"][0] == 0]
    return int(dead[0]) if len(dead) else run.gan.steps


def spread_out(items: Sequence[int], most: int) -> list[int]:
    """Up to so many of the items, evenly, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[k] for k in np.linspace(0, len(items) - 1, most).round().astype(int)]


# --- a run --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The fakes of the same noise at one moment of a run, with the discriminator."""

    step: int
    fakes: Array
    history: History
    frame: int

    def judge(self, x: Array) -> Array:
        """D at points in data units; of a D that is no probability its output there, from the least to the greatest.

        Of a D that sees packs the mean over some in which such a point is among samples of the target.
        """
        networks, gan = self.history.networks(self.frame), self.history.gan
        if is_probability(gan.game):
            return _over_packs(gan, networks.discriminate, x)
        output = _over_packs(gan, networks.logit, x)
        low, high = float(output.min()), float(output.max())
        return (output - low) / (high - low) if high > low else np.full_like(output, 0.5)


@dataclass(frozen=True, eq=False)
class ShownRun:
    """A history cut at its last finite record, with its label.

    Attributes
    ----------
    history : History
        The run.
    regime : str
        Its label.
    limit : float
        The Wasserstein-1 distance at which a run counts as converged, in standard deviations of the target.
    window : int
        Number of the study's own records, from the end, that decide the label.
    records : ndarray of int
        Which records are finite, and shown.
    frames : list of int
        Which frames are.
    """

    history: History
    regime: str
    limit: float
    window: int
    records: Array
    frames: list[int]

    @classmethod
    def of(cls, run: History, thresholds: Thresholds | None = None) -> ShownRun:
        """Judge a run, and find what of it is finite."""
        thresholds, gan = thresholds or Thresholds(), run.gan
        floor = floor_of(gan.target, gan.n_eval, gan.packing)
        regime = str(label(run.study_traces(), floor, thresholds)["regime"].iloc[0])
        window = thresholds.window_length(run.gan.records)
        limit = max(thresholds.w1, floor.limits(window).w1)
        finite = run.traces["finite"][0] == 1
        frames = np.flatnonzero(np.isin(run.frames, run.traces.steps[0][finite])).tolist()
        return cls(run, regime, limit, window, np.flatnonzero(finite), frames)

    @property
    def of_probability(self) -> bool:
        """Whether D is the probability that a sample is real."""
        return is_probability(self.history.gan.game)

    @property
    def output(self) -> str:
        """What D says of a point, as panels call it."""
        if not self.of_probability:
            return "D's output"
        return "D(x)" if self.history.gan.packing == 1 else "D(x, others)"

    @property
    def target(self) -> Univariate:
        """The law that it is judged by, which is drawn beside its fakes."""
        return evaluation_law(self.history.gan.target)

    @property
    def steps(self) -> Array:
        """Training steps of the records shown."""
        return np.asarray(self.history.traces.steps[0][self.records])

    def field(self, name: str) -> Array:
        """A measurement at the records shown."""
        return self.history.frame()[name].to_numpy(np.float64)[self.records]

    @property
    def decided(self) -> tuple[int, int] | None:
        """Between which steps the records lie that decided the label; None if the run's end did."""
        if self.regime == "non-finite":
            return None
        own = np.append(0, self.history.study_traces().steps[0])
        return int(own[-self.window - 1]), int(own[-1])

    def snapshots(self, chosen: Iterable[int]) -> list[Snapshot]:
        """The run at some of its frames."""
        z, run = _noise(self.history.gan), self.history
        return [Snapshot(int(run.frames[frame]), run.networks(frame).generate(z), run, frame) for frame in chosen]


def _noise(gan: GAN) -> Array:
    """The same noise at every frame, so that what moves is G: quantiles at midpoints, or draws in more dimensions."""
    if gan.noise_dim == 1:
        return laws.quantile(gan.noise, (np.arange(_FAKES) + 0.5) / _FAKES)
    return laws.quantile(gan.noise, np.random.default_rng(0).random((_FAKES, gan.noise_dim)))


def _over_packs(gan: GAN, judge: Callable[[Array], Array], x: Array) -> Array:
    """What D says of each point: of packs, the mean over the same companions from the target, at each place in turn."""
    if gan.packing == 1:
        return judge(x)
    others = laws.quantile(gan.target, np.random.default_rng(0).random((_PACKS, gan.packing - 1)))
    packs = np.empty((_PACKS, len(x), gan.packing))
    for number, companions in enumerate(others):
        packs[number] = np.insert(np.tile(companions, (len(x), 1)), number % gan.packing, x, axis=1)
    return np.asarray(judge(packs.reshape(-1, gan.packing)).reshape(_PACKS, -1).mean(axis=0))


# --- an axis ------------------------------------------------------------------------------------


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
