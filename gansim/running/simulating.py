"""The runs of a study that are wanted, simulated by workers: cut into tasks, compiled for, told of, kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from gansim.design.description import Description
from gansim.design.in_words.wording import count, remark
from gansim.engine.bundles import compile_key
from gansim.engine.compile_ahead import compile_ahead, run_chunk_compiled
from gansim.engine.simulate import Chunk
from gansim.errors import call_word, option
from gansim.running.planning import Task, tasks_of
from gansim.running.pool import Failure, Workers
from gansim.running.progress import Progress
from gansim.storage.parquet import Rows
from gansim.storage.parts import Collected

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RunsError", "simulate_runs"]

_SHOWN = 3  # failures that a message tells of


class RunsError(RuntimeError):
    """Some runs could not be computed: their workers died, or a defect. All others are saved.

    Attributes
    ----------
    failures : tuple of Failure
        What happened.
    """

    def __init__(self, message: str, failures: Sequence[Failure]) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


def simulate_runs(
    study: Description,
    results: Collected,
    wanted: NDArray[np.bool_],
    workers: Workers,
    show: Progress,
    keep: Callable[[Rows], object],
) -> dict[str, Any]:
    """Simulate the wanted runs.

    Parameters
    ----------
    study : Description
        The study.
    results : Collected
        Where its runs are put, to tell how many there are.
    wanted : ndarray of bool, shape (runs,)
        Which ones, in the order of (cell, rep).
    workers : Workers
        Who computes them.
    show : Progress
        Whom it is told to.
    keep : callable
        Gets runs as they arrive.

    Returns
    -------
    dict
        Seconds: compile, simulate (wall clock) and work, those of each phase summed over the workers; empty if nothing
        is wanted.

    Raises
    ------
    RunsError
        If some runs could not be computed; `keep` has got all others.
    """
    if not wanted.any():
        return {}
    tasks = tasks_of(study.cells, results, wanted, workers.count)
    started = time.perf_counter()
    _compile(tasks, int(wanted.sum()), workers, show)
    compiled = time.perf_counter()
    show.say(f"ready after {compiled - started:.1f} s")
    work: dict[str, float] = {}
    failures: list[Failure] = []
    outcomes = workers.execute(run_chunk_compiled, [(t.cells, t.runs, study.seed) for t in tasks])
    with show.over(wanted), closing(outcomes):
        for number, outcome in outcomes:
            if isinstance(outcome, Failure):
                failures.append(outcome)
                show.warn(_told(study, outcome, tasks[number]))
                continue
            keep(_rows(outcome))
            for phase, seconds in outcome.seconds.items():
                work[phase] = work.get(phase, 0.0) + seconds
            show.advance(outcome.cells)
    if failures:
        raise _incomplete(study, failures, tasks, len(results))
    return {"compile": compiled - started, "simulate": time.perf_counter() - compiled, "work": work}


def _compile(tasks: Sequence[Task], runs: int, workers: Workers, show: Progress) -> None:
    """Compile everything that the tasks need, if this machine is where they run."""
    gans = {task.key: task.gan for task in tasks}.values()
    shapes = count(len({compile_key(gan) for gan in gans}), "network shape")
    cells = {index: gan for task in tasks for index, gan in task.cells.items()}
    if told := remark(*cells.values()):
        show.say(told)
    show.say(f"{count(runs, 'run')} in {count(len(cells), 'cell')}; compiling {shapes} ...")
    if workers.local:  # those of a cluster compile where they are
        compile_ahead(gans)


def _told(study: Description, failure: Failure, task: Task) -> str:
    """Which runs a failed task held, and why it failed."""
    cells = [study.cells[index].describe() for index in task.cells]
    where = cells[0] + (f" and {count(len(cells) - 1, 'cell')} more" if len(cells) > 1 else "")
    reps = [rep for _, rep in task.runs]
    return f"{count(len(task.runs), 'run')} of {where}, replicates {min(reps)} to {max(reps)}: {failure.reason}"


def _incomplete(study: Description, failures: Sequence[Failure], tasks: Sequence[Task], runs: int) -> RunsError:
    told = "; ".join(_told(study, failure, tasks[failure.task]) for failure in failures[:_SHOWN])
    more = f"; and {len(failures) - _SHOWN} tasks more" if len(failures) > _SHOWN else ""
    lost = sum(len(tasks[failure.task].runs) for failure in failures)
    return RunsError(
        f"{lost:,} of {runs:,} runs could not be computed ({told}{more}): all others are kept, "
        f"the same {call_word()}, without {option('force', on=True)}, tries these again",
        failures,
    )


def _rows(chunk: Chunk) -> Rows:
    """What is kept of a chunk; the estimates in the order of `gansim.storage.parquet.ESTIMATES`."""
    estimates = np.hstack([chunk.affine, chunk.sample, chunk.referee])
    return Rows(chunk.cells.astype(np.int32), chunk.reps.astype(np.int32), chunk.traces, estimates)
