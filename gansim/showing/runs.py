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
from gansim.engine.replay import Networks
from gansim.model.data import laws
from gansim.model.data.distributions import Univariate, evaluation_law
from gansim.model.games import is_probability
from gansim.model.gan import GAN

__all__ = ["FRAMES", "ShownRun", "Snapshot", "end_of", "judge", "noise_of", "spread_out", "watch"]

FRAMES = 81  # 80 equal stretches: seven seconds at 12 a second
_PACKS = 16  # packs of each point at which D is drawn
_FAKES = 4000  # fakes in a histogram: 17 a bin where there are most bins
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
        """D at points in data units, see `judge`."""
        return judge(self.history.networks(self.frame), x)


def judge(networks: Networks, x: Array) -> Array:
    """D at points in data units; of a D that is no probability its output there, from the least to the greatest.

    Of a D that sees packs the mean over some in which such a point is among samples of the target.

    Parameters
    ----------
    networks : Networks
        A run's networks at some moment.
    x : ndarray, shape (n,)
        The points.
    """
    gan = networks.gan
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
        z, run = noise_of(self.history.gan), self.history
        return [Snapshot(int(run.frames[frame]), run.networks(frame).generate(z), run, frame) for frame in chosen]


def noise_of(gan: GAN) -> Array:
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
