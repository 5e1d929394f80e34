"""Training from record to record: the one loop over bundles that chunks, referees and replays share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gansim.engine.bundles import Bundle, measured_generator, training_plan
from gansim.engine.evaluations import as_stored, has_modes
from gansim.kernels.lanes import LANES, aligned
from gansim.kernels.measure import measure_fakes, measure_networks
from gansim.kernels.modes import measure_modes
from gansim.kernels.training.train import train as train_bundle
from gansim.model.configurations import Configuration
from gansim.model.gan import GAN
from gansim.traces import FIELDS

__all__ = ["Records", "measure", "record_steps", "records"]

Array = NDArray[Any]


class Records(NamedTuple):
    """One record of each run that is still trained.

    Attributes
    ----------
    rows : ndarray of int, shape (runs,)
        The runs' rows in the chunk.
    values : ndarray of float32, shape (runs, len(FIELDS))
        What was measured, as it is kept.
    finite : ndarray of bool, shape (runs,)
        Whether parameters and record are finite.
    """

    rows: NDArray[np.int64]
    values: Array
    finite: NDArray[np.bool_]


def record_steps(gan: Configuration) -> NDArray[np.int32]:
    """Training steps done at each record: ``records`` equal intervals, the last record at the last step."""
    return np.array([gan.steps * k // gan.records for k in range(1, gan.records + 1)], np.int32)


def records(gan: GAN, bundles: list[Bundle], steps: Sequence[int], seconds: dict[str, float]) -> Iterator[Records]:
    """Train and measure: one item for each of the steps.

    Parameters
    ----------
    gan : GAN
        The configuration of one of the runs: what they share is read.
    bundles : list of Bundle
        The runs. Between items it may be shortened, in place.
    steps : sequence of int
        Training steps done at each record, increasing, from 0 on.
    seconds : dict
        Wall-clock seconds are added to "train" and "measure".

    Yields
    ------
    Records
        A record of every run of `bundles`.
    """
    plan, done = training_plan(gan), -gan.pretrain  # steps below 0 are D's alone
    record = aligned((len(FIELDS), LANES[np.dtype(gan.precision)]), gan.precision)
    for step in steps:
        raw = []
        for bundle in bundles:
            start = time.perf_counter()
            train_bundle(bundle.g, bundle.d, bundle.sampler, plan, done, int(step))
            trained = time.perf_counter()
            judged = bundle._replace(g=measured_generator(bundle.g, gan))
            raw.append(measure(judged, int(step), record).copy())
            seconds["train"] += trained - start
            seconds["measure"] += time.perf_counter() - trained
        done, start = int(step), time.perf_counter()
        # All bundles at once: 25 us, as much as one of them; a record of a bundle takes 200 in the kernels.
        rows = np.array([row for bundle in bundles for row in bundle.lanes], int)
        taken = Records(rows, *as_stored(gan, np.concatenate(raw) if raw else np.empty((0, len(FIELDS)))))
        seconds["measure"] += time.perf_counter() - start
        yield taken


def measure(bundle: Bundle, step: int, record: Array) -> Array:
    """One record of a bundle's runs, in the networks' units. It changes nothing that training reads.

    Parameters
    ----------
    bundle : Bundle
        The runs, after some steps.
    step : int
        Training steps done.
    record : ndarray, shape (len(FIELDS), L)
        Working memory.

    Returns
    -------
    ndarray, shape (runs, len(FIELDS))
        The measurements, a view of `record`.
    """
    packing = bundle.d.sizes.inputs // bundle.g.sizes.outputs
    of_packs = packing if packing > 1 else None
    measure_networks(bundle.g, bundle.d, bundle.sampler, bundle.evaluation, of_packs, step, record)
    if has_modes(bundle.evaluation):
        measure_modes(bundle.sampler, bundle.evaluation, record)
    measure_fakes(bundle.sampler, bundle.evaluation, record)
    return record[:, : len(bundle.lanes)].T
