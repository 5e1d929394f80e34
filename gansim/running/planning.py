"""Tasks: the runs of a study cut into chunks for workers.

Everything here changes the order in which runs are computed, and never what they compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gansim.design.design import Cell
from gansim.engine.bundles import bundle_key
from gansim.kernels.lanes import LANES, OCTET
from gansim.model.configurations import Configuration
from gansim.model.dynamics import Symplectic, Unrolled
from gansim.model.gan import GAN
from gansim.model.parametric import ParametricGame
from gansim.storage.parts import Collected

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Task", "tasks_of", "work"]

# A chunk is at most 128 runs and, so that progress moves and the last worker is not waited for long, about two
# seconds' work: 8e10 multiply-adds, counted as `work` counts, at the 4e10 a second measured on one core.
_MAX_CHUNK = 128
_CHUNK_WORK = 8e10


@dataclass(frozen=True)
class Task:
    """What one worker does at a time: some runs of one bundle key."""

    key: Any
    gan: Configuration  # one of the cells', to compile for
    cells: dict[int, Configuration]
    runs: list[tuple[int, int]]
    work: float


def tasks_of(cells: Sequence[Cell], results: Collected, wanted: NDArray[np.bool_], workers: int) -> list[Task]:
    """Chunks of all wanted runs, the longest first: a long one started last would leave the other workers idle."""
    groups: dict[Any, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(bundle_key(cell.gan), []).append(cell)
    tasks = [task for key, members in groups.items() for task in _chunks(key, members, results, wanted, workers)]
    return sorted(tasks, key=lambda task: -task.work)  # stable: equal ones keep the order of the cells


def _chunks(
    key: Any, members: Sequence[Cell], results: Collected, wanted: NDArray[np.bool_], workers: int
) -> Iterator[Task]:
    """Cut the wanted runs of one bundle key, of all its cells one after another, into chunks."""
    gan = members[0].gan
    gans = {cell.index: cell.gan for cell in members}
    first = results.first
    numbers = [np.flatnonzero(wanted[first[index] : first[index + 1]]) for index in gans]
    owners = np.repeat(list(gans), [len(reps) for reps in numbers])
    reps = np.concatenate(numbers)
    each = work(gan)
    size = _chunk_size(gan, len(owners), each, workers)
    for start in range(0, len(owners), size):
        runs = list(zip(owners[start : start + size].tolist(), reps[start : start + size].tolist(), strict=True))
        present = {index: gans[index] for index, _ in runs}
        yield Task(key, gan, present, runs, each * len(runs))


def _chunk_size(gan: Configuration, runs: int, each: float, workers: int) -> int:
    """Runs per chunk, a multiple of the lanes of a bundle: few enough that every worker gets some."""
    lanes = LANES[np.dtype(gan.precision)]
    wanted = min(_MAX_CHUNK, _CHUNK_WORK / each, runs / (2 * workers))
    return max(1, round(wanted / lanes)) * lanes


def work(gan: Configuration) -> float:
    """Multiply-adds of one run, roughly; only ever used to order and to size chunks.

    An update of D is a forward pass of G and a forward and a backward pass of D on fakes and reals; an update of G is
    forward and backward through both. A backward pass costs two forward ones. An activation counts two: of 1-16-1 and
    1-64-64-1 networks, the second was measured to take about 80 times as long. D's part is that of a sample's share in
    its pack. Batches are filled up to whole octets: one pack of 64 samples costs as much as eight.

    A penalty on D's gradient takes five forward passes of D at its points: one, one back to the input, and along the
    gradient forward and backward. How gradients change along a direction takes some seven of each network and batch,
    less where nothing moves: consensus, symplectic adjustment and unrolled steps are within 5 % of results/speed.
    """
    if isinstance(gan, ParametricGame):  # a gradient takes some 50 operations a parameter and sample; a record, 10,000
        each = 50.0 * sum(gan.game.sizes) * max(8, gan.batch_size) * (100 if gan.game.form == "two-normals-best" else 1)
        return gan.steps * (gan.d_steps + gan.g_steps) * each + gan.records * 1e4
    packs = gan.batch // gan.packing
    filled = -(-packs // OCTET) * OCTET / packs
    cost_g, cost_d = _forward(gan.generator_sizes) * filled, _forward(gan.discriminator_sizes) * filled / gan.packing
    penalties = gan.penalties
    update_d = cost_g + 6 * cost_d + (penalties.r1 > 0) * 5 * cost_d
    update_d += ((penalties.r2 > 0) + (penalties.gradient > 0)) * (cost_g + 5 * cost_d)
    update_g = 3 * cost_g + 3 * cost_d
    step = gan.d_steps * update_d + gan.g_steps * update_g + _adjusting(gan, cost_g, cost_d, update_d)
    training = gan.steps * gan.batch * step * (2 if gan.updates == "extragradient" else 1)
    training += gan.pretrain * gan.batch * update_d
    measuring = gan.records * gan.n_eval * (cost_g + 2 * cost_d)
    referee = 0.0
    if gan.referee is not None:
        cost_r = _forward((gan.data_dim, *gan.referee.hidden, 1))
        referee = gan.referee.steps * gan.referee.batch_size * (cost_g + 6 * cost_r)
    return float(training + measuring + referee)


def _adjusting(gan: GAN, cost_g: float, cost_d: float, update_d: float) -> float:
    """What an adjustment of gradients takes beside them, per sample of a step."""
    of, turn = gan.adjustment, 12 * cost_d  # of D's gradient where G stays
    if of is None:
        return 0.0
    if isinstance(of, Unrolled):
        return gan.g_steps * (of.k * (update_d + of.second_order * turn) + 3 * cost_d)
    return (turn + 11 * cost_g + 7 * cost_d) * (2 if isinstance(of, Symplectic) else 1)


def _forward(sizes: Sequence[int]) -> float:
    return sum(n_in * n_out for n_in, n_out in pairwise(sizes)) + 2.0 * sum(sizes)
