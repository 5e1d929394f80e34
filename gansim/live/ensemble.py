"""Many GANs of one configuration, trained slice by slice: the same runs as in a study of it, looked at on the way."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gansim.analysis.floor import Floor, floor_of
from gansim.analysis.labels import d_states, final_states, g_states
from gansim.engine.bundles import Bundle, build_bundles, measured_generator, training_plan
from gansim.engine.evaluations import as_stored, build_evaluation, n_modes
from gansim.engine.players import network_shapes
from gansim.engine.replay import Networks
from gansim.engine.training import measure, record_steps
from gansim.kernels.lanes import LANES, aligned
from gansim.kernels.measure import Evaluation
from gansim.kernels.networks.architecture import from_rows
from gansim.kernels.training.train import Plan
from gansim.kernels.training.train import train as train_bundle
from gansim.live.threads import Stop, Threads
from gansim.model.data.distributions import evaluation_law, moments
from gansim.model.gan import GAN
from gansim.traces import FIELDS, Traces, in_data_units

__all__ = ["Ensemble"]

Array = NDArray[Any]

_FINITE = FIELDS.index("finite")
_WHERE = [FIELDS.index(name) for name in ("g_shift", "g_spread")]
_LOOK = 256  # fakes by which a GAN's place is told between records: 9 ms for 1,024 GANs, with 1,024 fakes 33 ms
_MOST_LOOKED_AT = 512  # GANs a look, in turn: 4 ms; all of 1,024 take 9, of 4,096 21 ms, which training would lack
_AT_ONCE = 16  # bundles that are built before somebody may stop it: 256 GANs take 35 ms


class _Tools(NamedTuple):
    """What a thread works with, and shares with no other."""

    plan: Plan
    record: Array
    look: Evaluation


class Ensemble:
    """GANs of one configuration: replicates of a seed.

    One thread at a time may call it. Its runs have the bits that a study of the configuration gives them, whatever the
    slices.

    Parameters
    ----------
    gan : GAN
        The configuration, of one dimension; it is compiled for already. A referee is left out.
    reps : range
        Their replicate numbers; below they are counted from 0.
    seed : int
        Seed of the study that they are runs of.
    threads : Threads
        Who trains them.

    Attributes
    ----------
    step : int
        Training steps done.
    taken : int
        Records taken.
    traces : Traces
        What was measured, (n, records, fields); not yet beyond `taken`.
    """

    def __init__(self, gan: GAN, reps: range, seed: int, threads: Threads) -> None:
        self.gan = replace(gan, referee=None)
        self.reps, self.n, self.seed = reps, len(reps), seed
        n = self.n
        self.step, self.taken = -gan.pretrain, 0
        self.records = record_steps(gan)
        self.floor: Floor = floor_of(gan.target, gan.n_eval, gan.packing)
        self.bundles: list[Bundle] = []
        self._threads = threads
        self._alive = np.ones(n, bool)
        self._seconds = np.zeros((threads.count, 2))
        values = np.full((n, gan.records, len(FIELDS)), np.nan, np.float32)
        values[:, :, _FINITE] = 0
        steps = np.broadcast_to(self.records, (n, gan.records))
        self.traces = Traces(steps, values, np.full(n, n_modes(gan)))
        few = replace(self.gan, n_eval=min(gan.n_eval, _LOOK * gan.packing))
        dtype = np.dtype(gan.precision)
        self._lanes = lanes = LANES[dtype]
        self._tools = [
            _Tools(
                training_plan(self.gan),
                aligned((len(FIELDS), lanes), dtype),
                build_evaluation([few] * lanes, dtype),
            )
            for _ in range(threads.count)
        ]
        self._place = np.full((n, 2), np.nan)
        self._placed: int | None = None
        self._looks = 0

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Seconds so far, of a thread on average: of training, and of it with its records; looks are in neither."""
        return np.asarray(self._seconds.mean(axis=0))

    @property
    def just_measured(self) -> bool:
        """Whether it is known where all GANs are now."""
        return self._placed == self.step

    # --- training -----------------------------------------------------------------------------

    def build(self, stop: Stop) -> bool:
        """Draw initial weights; False if it is given up meanwhile."""
        at_once = _AT_ONCE * self._lanes
        while (first := len(self.bundles) * self._lanes) < self.n:
            if stop():
                return False
            reps = self.reps[first : first + at_once]
            for bundle in build_bundles([self.gan] * len(reps), reps, self.seed):
                self.bundles.append(bundle._replace(lanes=[first + row for row in bundle.lanes]))
        return True

    @property
    def done(self) -> bool:
        """Whether training has come to its end."""
        return self.step >= self.gan.steps

    @property
    def next_record(self) -> int:
        """Training steps done when the next record is due; at the end the last one's."""
        return int(self.records[min(self.taken, len(self.records) - 1)])

    def train(self, step: int, stop: Stop) -> bool:
        """Train all to a step, and take the record that is due there.

        Parameters
        ----------
        step : int
            Training steps done then; at most `next_record`.
        stop : callable
            If it says so, all is given up: the GANs must not be used any more.

        Returns
        -------
        bool
            Whether they have got there.
        """
        done, due = self.step, step == self.next_record and not self.done
        raw = np.empty((self.n, len(FIELDS)), self.gan.precision)

        def work(number: int, bundle: Bundle) -> None:
            tools, began = self._tools[number], time.perf_counter()
            train_bundle(bundle.g, bundle.d, bundle.sampler, tools.plan, done, step)
            trained = time.perf_counter()
            if due:
                raw[bundle.lanes] = measure(self._judged(bundle), step, tools.record)
            self._seconds[number] += trained - began, time.perf_counter() - began

        if not self._threads.each(self.bundles, work, stop):
            return False
        self.step = step
        if due:
            self._keep(raw)
        return True

    def _keep(self, raw: Array) -> None:
        """Keep a record as a study does: a run that is not finite at one of them is so from there on."""
        values, finite = as_stored(self.gan, raw)
        self._alive &= finite
        self.traces.values[self._alive, self.taken] = values[self._alive]
        self.taken += 1
        self._place[:] = self._in_data_units(self.traces.values[:, self.taken - 1, _WHERE])
        self._placed = self.step

    def _judged(self, bundle: Bundle) -> Bundle:
        return bundle._replace(g=measured_generator(bundle.g, self.gan))

    def _in_data_units(self, where: Array) -> NDArray[np.float64]:
        law = evaluation_law(self.gan.target)
        return np.stack(in_data_units(where[:, 0], where[:, 1], *moments(law)), axis=1)

    # --- looking ------------------------------------------------------------------------------

    def places(self, stop: Stop) -> NDArray[np.float64]:
        """Mean and standard deviation of every GAN's fakes, data units, (n, 2): of few fakes between records.

        Of very many GANs, half are where they were when this was asked before.
        """
        if self._placed != self.step:
            most = _MOST_LOOKED_AT // self._lanes
            parts = -(-len(self.bundles) // most)
            looked_at = self.bundles[self._looks % parts :: parts] if self._placed is not None else self.bundles
            raw = np.full((self.n, 2), np.nan)

            def work(number: int, bundle: Bundle) -> None:
                tools = self._tools[number]
                seen = self._judged(bundle)._replace(evaluation=tools.look)
                raw[bundle.lanes] = measure(seen, max(0, self.step), tools.record)[:, _WHERE]

            if self._threads.each(looked_at, work, stop):
                rows = np.concatenate([bundle.lanes for bundle in looked_at])
                self._place[rows] = self._in_data_units(raw[rows])
                self._place[~self._alive] = np.nan
                self._placed, self._looks = self.step, self._looks + 1
        return self._place

    def networks(self, row: int) -> Networks:
        """Both networks of one of the GANs as they are now, the generator as it is measured."""
        bundle, lane = self.bundles[row // self._lanes], row % self._lanes
        both = zip(network_shapes(self.gan), (measured_generator(bundle.g, self.gan), bundle.d), strict=True)
        theta_g, theta_d = (from_rows(net, player.theta[:, lane].astype(float)) for net, player in both)
        return Networks(self.gan, theta_g, theta_d)

    def states(self, record: int) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """What G and D of every GAN did at a record, taken by itself: positions in G_STATES and D_STATES."""
        one = slice(record, record + 1)
        traces = Traces(self.traces.steps[:, one], self.traces.values[:, one], self.traces.n_modes)
        return g_states(traces, self.floor)[:, 0], d_states(traces, self.floor)[:, 0]

    def labels(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """How all ended, over the window of the last records, as a study labels them; once training is done."""
        return final_states(self.traces, self.floor)
