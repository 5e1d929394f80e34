"""Running a design: runs grouped into packs, packs into chunks, chunks over joblib's workers, results into one frame.

Everything here may change the order in which runs are computed and never what they compute: a run is a pure function
of its cell's configuration, the seed and its replicate number, and every result is put in the row of its (cell, rep).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeAlias, get_args

import numpy as np
from joblib import Parallel, cpu_count, delayed

from gansim import provenance, store
from gansim.design import MAX_REPS, Cell, Design, Factors, check_integer, check_name, level_label, value_at
from gansim.folder import Folder, open_folder
from gansim.identity import Identity, identify
from gansim.packs import MAX_SEED, compile_key, pack_key
from gansim.parts import Collected
from gansim.simulate import Chunk, run_chunk, warm_up
from gansim.spec import GAN, ConfigError, moments
from gansim.store import ESTIMATES, Rows, StoreError
from gansim.traces import FIELDS

if TYPE_CHECKING:
    import os

    import pandas as pd
    from numpy.typing import NDArray

    from gansim.regimes import Thresholds
    from gansim.traces import Traces

__all__ = ["Backend", "Study", "simulate"]

Backend: TypeAlias = Literal["threads", "loky"]

_JOBLIB = {"threads": "threading", "loky": "loky"}
_MAX_JOBS = 4096

# A chunk is at most 128 runs and, so that progress moves and the last worker is not waited for long, about two
# seconds' work: 8e10 multiply-adds, counted as `_work` counts, at the 4e10 a second measured on one core.
_MAX_CHUNK = 128
_CHUNK_WORK = 8e10
_LINE_EVERY = 10.0  # seconds between progress lines where there is no terminal


def simulate(
    gan: GAN,
    reps: int = 1000,
    seed: int = 0,
    jobs: int = -1,
    backend: Backend = "threads",
    thresholds: Thresholds | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Train one configuration many times and label every run.

    Parameters
    ----------
    gan : GAN
        The configuration.
    reps : int, default 1000
        Number of runs, 1 to 10,000,000. The first 100 of 200 are the runs of ``reps=100``, bit for bit.
    seed : int, default 0
        Seed of the study, 0 to 2^64 - 1.
    jobs : int, default -1
        Workers; -1: one per core. Changes no result.
    backend : str, default "threads"
        "threads" or "loky" (processes). Changes no result.
    thresholds : Thresholds, optional
        Definitions of the labels.
    progress : bool, optional
        False: print nothing. Otherwise progress goes to stderr.

    Returns
    -------
    DataFrame
        One row per run, as `Study.run` returns.

    Raises
    ------
    ConfigError
        If an argument is refused.
    """
    study = Study("simulation", gan, reps=reps, seed=seed)
    return study.run(jobs=jobs, backend=backend, thresholds=thresholds, progress=progress)


class Study:
    """One or more designs, run together under one seed.

    Parameters
    ----------
    name : str
        Name of the study, of its results folder and of its design: letters, digits, "_", "-", ".".
    gan : GAN
        The base configuration.
    factors : mapping, optional
        What is varied: see `Design`.
    reps : int, default 1000
        Replicates per cell, 1 to 10,000,000.
    seed : int, default 0
        Seed, 0 to 2^64 - 1. Cells share their random numbers, so that any two can be compared replicate by replicate.

    Attributes
    ----------
    cells : tuple of Cell
        All cells, numbered through over the designs.
    reps : tuple of int
        Replicates of every cell.
    n_runs : int
        Number of runs.
    runs, traces : DataFrame and Traces, or None
        Results of the last `run`, row by row the same runs.
    seconds : dict
        How long the last `run` took: read, compile, simulate, label, write (wall clock), save, which is part of
        simulate, and work, the seconds of each phase summed over the workers. What did not happen is left out.
    metadata : dict
        What was, or would be, written to ``metadata.json``.

    Raises
    ------
    ConfigError
        If an argument or a cell is refused.

    Examples
    --------
    >>> from gansim.spec import Normal
    >>> games = Study("games", GAN(target=Normal()), {"game": ["minimax", "non-saturating"]}, reps=100)
    >>> rates = Study("rates", GAN(target=Normal()), {"optimizer_g.lr": [1e-3, 1e-2]}, reps=10)
    >>> (games + rates).n_runs
    220
    """

    def __init__(self, name: str, gan: GAN, factors: Factors | None = None, reps: int = 1000, seed: int = 0) -> None:
        self._set(name, (Design(name, gan, factors, reps),), seed)

    @classmethod
    def of(cls, name: str, designs: Sequence[Design], seed: int = 0) -> Study:
        """Make a study of several designs.

        Parameters
        ----------
        name : str
            Name of the study and of its results folder.
        designs : sequence of Design
            At least one; their names differ. All cells have the same number of records.
        seed : int, default 0
            Seed, 0 to 2^64 - 1.

        Returns
        -------
        Study
            The union.

        Raises
        ------
        ConfigError
            If an argument is refused.
        """
        study = cls.__new__(cls)
        study._set(name, tuple(designs), seed)
        return study

    def _set(self, name: str, designs: tuple[Design, ...], seed: int) -> None:
        self.name = check_name(name, "name")
        self.seed = check_integer(seed, "seed", 0, MAX_SEED)
        self.designs = designs
        names = [design.name for design in designs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not designs or twice:
            raise ConfigError(f"designs: {f'{twice[0]!r} given twice' if twice else 'none'}: one or more, each once")
        listed = [cell for design in designs for cell in design.cells]
        self.cells = tuple(replace(cell, index=index) for index, cell in enumerate(listed))
        records = sorted({cell.gan.records for cell in self.cells})
        if len(records) > 1:
            raise ConfigError(f"records: values {records}: one number for all cells of a study")
        self.reps: tuple[int, ...] = tuple(design.reps for design in designs for _ in design.cells)
        self.runs: pd.DataFrame | None = None
        self.traces: Traces | None = None
        self.seconds: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return sum(self.reps)

    def with_reps(self, reps: Sequence[int]) -> Study:
        """Return the same study with other numbers of replicates, cell by cell.

        Parameters
        ----------
        reps : sequence of int
            One number per cell, 1 to 10,000,000.

        Returns
        -------
        Study
            The designs keep their own numbers; metadata name the cells that have others.

        Raises
        ------
        ConfigError
            If there is not one number per cell, or one is refused.
        """
        if len(reps) != len(self.cells):
            raise ConfigError(f"reps: {len(reps)} numbers: one for each of {len(self.cells)} cells")
        study = Study.of(self.name, self.designs, self.seed)
        study.reps = tuple(check_integer(n, "reps", 1, MAX_REPS) for n in reps)
        return study

    @property
    def identity(self) -> Identity:
        """What stored runs must agree in to be this study's; the number of replicates does not count."""
        return identify(self.name, self.seed, self.cells)

    def __add__(self, other: Study) -> Study:
        if not isinstance(other, Study):
            return NotImplemented
        if self.seed != other.seed:
            raise ConfigError(f"seed: values {self.seed} and {other.seed}: the same for both studies")
        return Study.of(self.name, (*self.designs, *other.designs), self.seed)

    def __repr__(self) -> str:
        return f"Study({self.name!r}: {len(self.cells):,} cells, {self.n_runs:,} runs, seed {self.seed})"

    def run(
        self,
        out: str | os.PathLike[str] | None = None,
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
        force: bool = False,
    ) -> pd.DataFrame:
        """Simulate every run that is not stored yet, label all, and write the results.

        What is finished is saved every few seconds. Ended in whatever way and called again, with more replicates or
        not, it goes on from there, and the files are the same bytes as those of a run that nothing disturbed.

        Parameters
        ----------
        out : path, optional
            Where to make the folder ``<out>/<name>/`` with runs.parquet, traces.parquet and metadata.json. Runs of this
            study that are there already are kept. None: write nothing.
        jobs : int, default -1
            Workers; -1: one per core. Changes no result.
        backend : str, default "threads"
            "threads" or "loky" (processes). Changes no result.
        progress : bool, optional
            False: print nothing but what is wrong with a file. Otherwise progress goes to stderr: a bar on a terminal,
            else a line every ten seconds.
        thresholds : Thresholds, optional
            Definitions of the labels.
        force : bool, default False
            Start over, whatever the folder holds of an earlier study of that name: it is renamed to ``<name>.1`` or the
            next number that is free.

        Returns
        -------
        DataFrame
            One row per run, sorted by cell and replicate: design, cell, rep; a column per factor; game; the last record
            (see `gansim.traces.FIELDS`); the labels (see `gansim.regimes.label`); g_intercept and g_slope of an affine
            generator of one noise variable, in data units; sample_mean and sample_std, the maximum-likelihood estimates
            from the run's fixed sample; referee_accuracy, referee_auc, referee_v; seed. What does not apply is NaN.

        Raises
        ------
        ConfigError
            If an argument is refused, or the folder: because it cannot be used, holds anything else than results of
            this study, runs of another configuration, seed or source of the kernels, or more replicates than are asked
            for, or because another process has it open. Nothing has been simulated or written then. Also if the disk
            is full; what had arrived is saved then.
        """
        workers = _workers(jobs)
        if backend not in get_args(Backend):
            raise ConfigError(f"backend: value {backend!r:.60}: one of {', '.join(get_args(Backend))}")
        started = datetime.now(UTC).isoformat(timespec="seconds")
        facts: dict[str, Any] = {"started": started, "jobs": workers, "backend": backend}
        show = _Progress(self, silent=progress is False)
        results = self._empty()
        self.seconds = {}
        if out is None:
            self._simulate(results, results.missing, workers, backend, show, results.put)
            self._label(results, thresholds)
            assert self.runs is not None
            assert self.traces is not None
            digests = {"runs": store.digest(self.runs), "traces": store.digest_traces(self.traces)}
            self.metadata = self._describe({**facts, "status": "complete"}, thresholds, {"digest": digests})
        else:
            with self._open(out, results, show, force) as folder:
                missing = results.missing.copy()
                facts["sessions"] = self._sessions(folder, facts, bool(missing.any()), show)
                folder.start(self._describe({**facts, "status": "running"}, thresholds))
                if missing.any():
                    self._simulate(results, missing, workers, backend, show, folder.add)
                    folder.save()
                self._finish(folder, facts, thresholds)
        assert self.runs is not None
        return self.runs

    def finish(
        self,
        out: str | os.PathLike[str],
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
    ) -> pd.DataFrame:
        """Label and write what is stored, simulating nothing: `run`, for a folder that holds all runs.

        Parameters
        ----------
        out : path
            Where the folder ``<out>/<name>/`` is, with all runs of the study in its parts or its traces.parquet.
        progress : bool, optional
            False: print nothing but what is wrong with a file.
        thresholds : Thresholds, optional
            Definitions of the labels.

        Returns
        -------
        DataFrame
            As `run` returns.

        Raises
        ------
        ConfigError
            If runs are missing, and as `run` does.
        """
        show = _Progress(self, silent=progress is False)
        results, self.seconds = self._empty(), {}
        with self._open(out, results, show) as folder:
            if results.missing.any():
                raise StoreError(
                    f"{folder.path}: {len(results) - results.done:,} of {len(results):,} runs are missing: "
                    "run the study to simulate them"
                )
            facts: dict[str, Any] = {"started": datetime.now(UTC).isoformat(timespec="seconds")}
            facts |= {"sessions": self._sessions(folder, facts, False, show)}
            folder.start(self._describe({**facts, "status": "running"}, thresholds))
            self._finish(folder, facts, thresholds)
        assert self.runs is not None
        return self.runs

    def _empty(self) -> Collected:
        return Collected(self.reps, self.cells[0].gan.records)

    def _open(
        self, out: str | os.PathLike[str], into: Collected, show: _Progress, force: bool = False
    ) -> AbstractContextManager[Folder]:
        return open_folder(Path(out) / self.name, self.identity, self.cells, into, force, show.say, show.warn)

    def _simulate(
        self,
        results: Collected,
        wanted: NDArray[np.bool_],
        workers: int,
        backend: Backend,
        show: _Progress,
        keep: Callable[[Rows], object],
    ) -> None:
        """Simulate the wanted runs; `keep` gets them as they arrive."""
        tasks = _plan(self.cells, results, wanted, workers)
        started = time.perf_counter()
        gans = {task.key: task.gan for task in tasks}.values()
        shapes = _count(len({compile_key(gan) for gan in gans}), "network shape")
        todo = sum(len(task.runs) for task in tasks)
        show.say(f"{_count(todo, 'run')} in {_count(len(self.cells), 'cell')}; compiling {shapes} ...")
        warm_up(gans)
        compiled = time.perf_counter()
        show.say(f"ready after {compiled - started:.1f} s")
        work: dict[str, float] = {}
        pool = Parallel(workers, _JOBLIB[backend], return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        with show.over(wanted):
            for chunk in pool(delayed(run_chunk)(task.cells, task.runs, self.seed) for task in tasks):
                keep(_rows(chunk))
                for phase, seconds in chunk.seconds.items():
                    work[phase] = work.get(phase, 0.0) + seconds
                show.advance(chunk.cells)
        wall = time.perf_counter() - compiled
        self.seconds |= {"compile": compiled - started, "simulate": wall, "work": work}

    def _label(self, results: Collected, thresholds: Thresholds | None) -> None:
        from gansim.regimes import label  # here, because pandas is half of the time to import gansim

        started = time.perf_counter()
        traces = results.traces()
        sds = np.repeat([moments(cell.gan.target)[1] for cell in self.cells], self.reps)
        labels = label(traces, sds, thresholds)
        self.runs, self.traces = _frame(self, results, traces, labels), traces
        self.seconds["label"] = time.perf_counter() - started

    def _finish(self, folder: Folder, facts: dict[str, Any], thresholds: Thresholds | None) -> None:
        """Label and write, once all runs are there."""
        self._label(folder.collected, thresholds)
        assert self.runs is not None
        started = time.perf_counter()
        self.seconds |= {name: seconds for name, seconds in folder.seconds.items() if seconds}

        def describe(files: Mapping[str, Any]) -> dict[str, Any]:
            self.seconds["write"] = time.perf_counter() - started
            if "simulate" in self.seconds:
                facts["sessions"][-1]["seconds"] = _rounded(self.seconds)
            return self._describe({**facts, "status": "complete"}, thresholds, files)

        self.metadata = folder.finish(self.runs, describe)

    def _describe(
        self, facts: Mapping[str, Any], thresholds: Thresholds | None, files: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        from gansim.regimes import Thresholds

        extra = {**facts, "thresholds": asdict(thresholds or Thresholds()), "seconds": _rounded(self.seconds)}
        extra |= files or {}
        return provenance.provenance(self.name, self.seed, self.designs, self.cells, extra, self.reps)

    def _sessions(
        self, folder: Folder, facts: Mapping[str, Any], simulating: bool, show: _Progress
    ) -> list[dict[str, Any]]:
        """All calls that simulated something: who did it, and how many runs there were before."""
        earlier = folder.metadata.get("sessions") if folder.saved else None
        listed = list(earlier) if isinstance(earlier, list) else []
        if simulating:
            now = provenance.rounding_versions()
            before = listed[-1].get("versions", now) if listed else now
            if before != now:
                show.warn(f"stored runs were made with {_versions(before)}, further ones are with {_versions(now)}")
            source = {"command": provenance.command(), "source": provenance.source_digest(), "versions": now}
            listed.append({**facts, **source, "saved": folder.saved})
        return listed


def _workers(jobs: object) -> int:
    if jobs == -1 and not isinstance(jobs, (bool, float)):
        return max(1, int(cpu_count()))
    try:
        return check_integer(jobs, "jobs", 1, _MAX_JOBS)
    except ConfigError as error:
        raise ConfigError(f"{error}, or -1 for one per core") from None


def _rounded(seconds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _rounded(s) if isinstance(s, Mapping) else round(s, 3) for name, s in seconds.items()}


def _versions(packages: Mapping[str, str]) -> str:
    return " ".join(f"{name} {version}" for name, version in packages.items())


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


# --- planning -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    """What one worker does at a time: some runs of one pack key."""

    key: Any
    gan: GAN  # one of the cells', to compile for
    cells: dict[int, GAN]
    runs: list[tuple[int, int]]
    work: float


def _plan(cells: Sequence[Cell], results: Collected, wanted: NDArray[np.bool_], workers: int) -> list[_Task]:
    """Chunks of all wanted runs, the longest first: a long one started last would leave the other workers idle."""
    groups: dict[Any, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(pack_key(cell.gan), []).append(cell)
    tasks = [task for key, members in groups.items() for task in _chunks(key, members, results, wanted, workers)]
    return sorted(tasks, key=lambda task: -task.work)  # stable: equal ones keep the order of the cells


def _chunks(
    key: Any, members: Sequence[Cell], results: Collected, wanted: NDArray[np.bool_], workers: int
) -> Iterator[_Task]:
    """Cut the wanted runs of one pack key, of all its cells one after another, into chunks."""
    gan = members[0].gan
    gans = {cell.index: cell.gan for cell in members}
    first = results.first
    numbers = [np.flatnonzero(wanted[first[index] : first[index + 1]]) for index in gans]
    owners = np.repeat(list(gans), [len(reps) for reps in numbers])
    reps = np.concatenate(numbers)
    work = _work(gan)
    size = _chunk_size(gan, len(owners), work, workers)
    for start in range(0, len(owners), size):
        runs = list(zip(owners[start : start + size].tolist(), reps[start : start + size].tolist(), strict=True))
        present = {index: gans[index] for index, _ in runs}
        yield _Task(key, gan, present, runs, work * len(runs))


def _chunk_size(gan: GAN, runs: int, work: float, workers: int) -> int:
    """Runs per chunk, a multiple of the pack's lanes: few enough that every worker gets some."""
    lanes = 16 if gan.precision == "float32" else 8
    wanted = min(_MAX_CHUNK, _CHUNK_WORK / work, runs / (2 * workers))
    return max(1, round(wanted / lanes)) * lanes


def _work(gan: GAN) -> float:
    """Multiply-adds of one run, roughly; only ever used to order and to size chunks.

    An update of D is a forward pass of G and a forward and a backward pass of D on fakes and reals; an update of G is
    forward and backward through both. A backward pass costs two forward ones. An activation counts two: of 1-16-1 and
    1-64-64-1 networks, the second was measured to take about 80 times as long.
    """
    cost_g, cost_d = _forward(gan.generator_sizes), _forward(gan.discriminator_sizes)
    update_d = gan.batch * (cost_g + 6 * cost_d)
    update_g = gan.batch * (3 * cost_g + 3 * cost_d)
    training = gan.steps * (gan.d_steps * update_d + gan.g_steps * update_g)
    measuring = gan.records * gan.n_eval * (cost_g + 2 * cost_d)
    referee = 0.0
    if gan.referee is not None:
        cost_r = _forward((1, *gan.referee.hidden, 1))
        referee = gan.referee.steps * gan.referee.batch_size * (cost_g + 6 * cost_r)
    return float(training + measuring + referee)


def _forward(sizes: Sequence[int]) -> float:
    return sum(n_in * n_out for n_in, n_out in pairwise(sizes)) + 2.0 * sum(sizes)


# --- results ------------------------------------------------------------------------------------


def _rows(chunk: Chunk) -> Rows:
    """What is kept of a chunk; the estimates in the order of `ESTIMATES`."""
    estimates = np.hstack([chunk.affine, chunk.sample, chunk.referee])
    return Rows(chunk.cells.astype(np.int32), chunk.reps.astype(np.int32), chunk.traces, estimates)


def _frame(study: Study, results: Collected, traces: Traces, labels: pd.DataFrame) -> pd.DataFrame:
    """Put ids, factors, last records, labels and estimates side by side."""
    import pandas as pd

    of_cell, reps = results.ids
    columns: dict[str, Any] = {
        "design": _column([cell.design for cell in study.cells]).take(of_cell),
        "cell": of_cell,
        "rep": reps,
    }
    for name, levels in _factor_levels(study).items():
        columns[name] = _column(levels).take(of_cell)
    columns.setdefault("game", _column([cell.gan.game for cell in study.cells]).take(of_cell))
    last = {name: traces[name][:, -1].copy() for name in FIELDS}
    judged = {name: labels[name].array for name in labels.columns}
    estimates = {name: results.estimates[:, column].copy() for column, name in enumerate(ESTIMATES)}
    seed = np.full(study.n_runs, study.seed, dtype=np.uint64)
    return pd.DataFrame({**columns, **last, **judged, **estimates, "seed": seed})


def _factor_levels(study: Study) -> dict[str, list[Any]]:
    """Labels of every factor of any design, one per cell; None where a design does not have the factor.

    A factor that is simply a field of the configuration has a value in every cell, varied there or not.
    """
    names = dict.fromkeys(name for cell in study.cells for name in cell.levels)
    plain = {name for name in names if all(name in d.values for d in study.designs if name in d.cells[0].levels)}
    return {name: [_level(cell, name, name in plain) for cell in study.cells] for name in names}


def _level(cell: Cell, name: str, plain: bool) -> Any:
    if name in cell.levels or not plain:
        return cell.levels.get(name)
    try:
        return level_label(value_at(cell.gan, name))
    except KeyError:  # another kind of optimiser or target, without this field
        return None


def _column(values: Sequence[Any]) -> Any:
    """Array of integers, of floats, or of text; one number among texts makes all of them text."""
    import pandas as pd

    present = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in present):
        return pd.array([None if value is None else str(value) for value in values], dtype="str")
    if len(present) == len(values) and all(isinstance(value, int) for value in present):
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


# --- progress -----------------------------------------------------------------------------------


class _Progress:
    """Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere, nothing if silent.

    stdout stays clean for tables. The unit is the GAN-step, one training step of one run: runs differ in length.
    """

    def __init__(self, study: Study, silent: bool, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.silent = silent
        self.name = study.name
        self.n_runs = study.n_runs
        self.reps = study.reps
        self.steps_of = np.array([cell.gan.steps for cell in study.cells])
        self.bar: Any = None

    def over(self, wanted: NDArray[np.bool_]) -> _Progress:
        """Set what is to be done: these runs, the others are there."""
        per_run = np.repeat(self.steps_of, self.reps)
        self.todo, self.before = int(np.count_nonzero(wanted)), self.n_runs - int(np.count_nonzero(wanted))
        self.n_steps = int(per_run[wanted].sum())
        self.runs = self.steps = 0
        return self

    def say(self, text: str) -> None:
        if not self.silent:
            self.stream.write(f"{self.name}: {text}\n")
            self.stream.flush()

    def warn(self, text: str) -> None:
        """Say what is wrong, silent or not."""
        self.stream.write(f"{self.name}: {text}\n")
        self.stream.flush()

    def __enter__(self) -> None:
        self.started = self.last = time.perf_counter()
        if not self.silent and self.stream.isatty():
            from tqdm import tqdm

            self.bar = tqdm(
                total=self.n_steps,
                desc=self.name,
                unit=" GAN-steps",
                unit_scale=True,
                file=self.stream,
                dynamic_ncols=True,
            )

    def advance(self, cells: NDArray[np.integer[Any]]) -> None:
        """Count runs of these cells as done."""
        steps = int(self.steps_of[cells].sum())
        self.runs += len(cells)
        self.steps += steps
        if self.bar is not None:
            self.bar.update(steps)
        elif time.perf_counter() - self.last >= _LINE_EVERY:
            self.last = time.perf_counter()
            self.say(self._line(self.last - self.started))

    def _line(self, elapsed: float) -> str:
        rate = self.steps / elapsed
        left = (self.n_steps - self.steps) / rate
        share = 100 * self.steps / self.n_steps
        runs = f"{self.before + self.runs:,} of {self.n_runs:,} runs"
        return f"{runs} ({share:.0f} %), {_rate(rate)}, {_duration(left)} left"

    def __exit__(self, kind: object, *_: object) -> None:
        elapsed = max(time.perf_counter() - self.started, 1e-9)
        if self.bar is not None:
            self.bar.close()
        if kind is None:
            self.say(f"{_count(self.todo, 'run')} in {_duration(elapsed)}, {_rate(self.steps / elapsed)}")


def _rate(steps_per_second: float) -> str:
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if steps_per_second >= factor:
            return f"{steps_per_second / factor:.3g} {prefix} GAN-steps/s"
    return f"{steps_per_second:.3g} GAN-steps/s"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60) if seconds >= 3600 else int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min {int(seconds % 60)} s"
    return f"{minutes // 60} h {minutes % 60} min"
