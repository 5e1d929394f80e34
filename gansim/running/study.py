"""Running a design: runs grouped into packs, packs into chunks, chunks over workers, results into one frame.

Everything here may change the order in which runs are computed and never what they compute: a run is a pure function
of its cell's configuration, the seed and its replicate number, and every result is put in the row of its (cell, rep).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from joblib import cpu_count

from gansim.design import ademp, schema
from gansim.design.design import MAX_REPS, Design, Factors, check_name, is_text
from gansim.engine.bundles import compile_key
from gansim.engine.compile_ahead import compile_ahead, run_chunk_compiled
from gansim.engine.samplers import MAX_SEED
from gansim.engine.simulate import Chunk
from gansim.errors import ConfigError, StoreError, shown
from gansim.model.fields import OrNone, boolean, bound, check_integer, check_named
from gansim.model.gan import GAN
from gansim.model.wording import count
from gansim.running.frame import runs_frame
from gansim.running.planning import Task, tasks_of
from gansim.running.pool import Backend, Failure, Workers, open_workers
from gansim.running.progress import Progress
from gansim.running.shard import Shard
from gansim.storage import disk, provenance, reported
from gansim.storage.folder import Folder, open_folder
from gansim.storage.holding import Hold, hold_folder
from gansim.storage.identity import Identity, differences, identify
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP, METADATA
from gansim.storage.parquet import Rows, digest, digest_traces
from gansim.storage.parts import Collected, stored_reps

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gansim.analysis.floor import Floor
    from gansim.model.regimes import Thresholds
    from gansim.traces import Traces

__all__ = [
    "Backend",
    "Report",
    "RunsError",
    "Study",
    "check_study",
    "mixed_versions",
    "simulate",
    "thresholds_for",
    "workers_for",
]

Report: TypeAlias = Callable[["Study", Path], object]  # writes what else belongs to a study's results into a folder

_MAX_JOBS = 4096
_BATCH = 128  # replicates that are added together, a chunk of eight packs
_MOST_REPS = 100_000
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
    factors : mapping, list or sample, optional
        What is varied: a grid, a list of overrides, or a sample of continuous factors; see `Design`.
    reps : int, default 1000
        Replicates per cell, 1 to 10,000,000.
    seed : int, default 0
        Seed, 0 to 2^64 - 1. Cells share their random numbers, so that any two can be compared replicate by replicate.
    aims : str, optional
        What the study asks, in a sentence or a few: for its ADEMP sheet.

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
        How long the last `run` took: read, compile, simulate, label, write, report (wall clock), save, which is part of
        simulate, and work, the seconds of each phase summed over the workers. What did not happen is left out.
    metadata : dict
        What was, or would be, written to ``metadata.json``.
    stopping : dict
        What decided on the number of replicates, if `run_to` did: target_mcse, batch, most_reps, missed (cells that
        did not reach the target).

    Raises
    ------
    ConfigError
        If an argument or a cell is refused.

    Examples
    --------
    >>> from gansim.model.distributions import Normal
    >>> games = Study("games", GAN(target=Normal()), {"game": ["minimax", "non-saturating"]}, reps=100)
    >>> rates = Study("rates", GAN(target=Normal()), {"optimizer_g.lr": [1e-3, 1e-2]}, reps=10)
    >>> (games + rates).n_runs
    220
    """

    @bound
    def __init__(
        self,
        name: str,
        gan: GAN,
        factors: Factors | None = None,
        reps: int = 1000,
        seed: int = 0,
        aims: str = "",
    ) -> None:
        self._set(name, (Design(name, gan, factors, reps),), seed, aims)

    @classmethod
    def of(cls, name: str, designs: Sequence[Design], seed: int = 0, aims: str = "") -> Study:
        """Make a study of several designs.

        Parameters
        ----------
        name : str
            Name of the study and of its results folder.
        designs : sequence of Design
            At least one; their names differ. All cells have the same number of records.
        seed : int, default 0
            Seed, 0 to 2^64 - 1.
        aims : str, optional
            What the study asks.

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
        if not np.iterable(designs):
            raise ConfigError(f"designs: value {shown(designs)}: one or more, each once")
        study._set(name, tuple(designs), seed, aims)
        return study

    def _set(self, name: str, designs: tuple[Design, ...], seed: int, aims: str) -> None:
        self.name = check_name(name, "name")
        self.seed = check_integer(seed, "seed", 0, MAX_SEED)
        if not isinstance(aims, str) or not is_text(aims):
            raise ConfigError(f"aims: value {shown(aims)}: text")
        if other := [design for design in designs if not isinstance(design, Design)]:
            raise ConfigError(f"designs: value {shown(other[0])}: a Design")
        self.aims = aims
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
        self.stopping: dict[str, Any] = {}

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
            The designs keep their own numbers; metadata name the cells that have others. What decided on the number
            of replicates so far, `stopping`, is kept too: it goes on being true of the runs that there are.

        Raises
        ------
        ConfigError
            If there is not one number per cell, or one is refused.
        """
        if not np.iterable(reps):
            raise ConfigError(f"reps: value {shown(reps)}: a number for each of {len(self.cells)} cells")
        if len(reps) != len(self.cells):
            raise ConfigError(f"reps: {len(reps)} numbers: one for each of {len(self.cells)} cells")
        study = Study.of(self.name, self.designs, self.seed, self.aims)
        study.reps = tuple(check_integer(n, "reps", 1, MAX_REPS) for n in reps)
        study.stopping = dict(self.stopping)
        return study

    @property
    def floors(self) -> list[Floor]:
        """Sampling floor of each run's target, in the order of the runs."""
        from gansim.analysis.floor import (
            floor_of,  # here, because SciPy's statistics take as long to import as all the rest
        )

        each = (floor_of(cell.gan.target, cell.gan.n_eval) for cell in self.cells)
        return [floor for floor, reps in zip(each, self.reps, strict=True) for _ in range(reps)]

    @property
    def identity(self) -> Identity:
        """What stored runs must agree in to be this study's; the number of replicates does not count."""
        return identify(self.name, self.seed, self.cells)

    def __add__(self, other: Study) -> Study:
        if not isinstance(other, Study):
            return NotImplemented
        if self.seed != other.seed:
            raise ConfigError(f"seed: values {self.seed} and {other.seed}: the same for both studies")
        aims = " ".join(dict.fromkeys(text for text in (self.aims, other.aims) if text))
        study = Study.of(self.name, (*self.designs, *other.designs), self.seed, aims)
        study.reps = self.reps + other.reps
        study.stopping = _joined_rule(self.stopping, other.stopping)
        return study

    def __repr__(self) -> str:
        return f"Study({self.name!r}: {len(self.cells):,} cells, {self.n_runs:,} runs, seed {self.seed})"

    # --- running it

    def run(
        self,
        out: str | os.PathLike[str] | None = None,
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
        force: bool = False,
        scheduler: str | None = None,
        report: Report | None = None,
    ) -> pd.DataFrame:
        """Simulate every run that is not stored yet, label all, and write the results.

        What is finished is saved every few seconds. Ended in whatever way and called again, with more replicates or
        not, it goes on from there, and the files are the same bytes as those of a run that nothing disturbed.

        Parameters
        ----------
        out : path, optional
            Where to make the folder ``<out>/<name>/`` with runs.parquet, traces.parquet, metadata.json and ademp.md.
            Runs of this study that are there already are kept. None: write nothing.
        jobs : int, default -1
            Workers; -1: one per core. Changes no result.
        backend : str, default "threads"
            "threads", "loky" (processes) or "dask" (a cluster). Changes no result.
        progress : bool, optional
            False: print nothing but what is wrong with a file. Otherwise progress goes to stderr: a bar on a terminal,
            else a line every ten seconds.
        thresholds : Thresholds, optional
            Definitions of the labels; by default those that the folder has, or else gansim's.
        force : bool, default False
            Start over, whatever the folder holds of an earlier study of that name: it is renamed to ``<name>.1`` or the
            next number that is free.
        scheduler : str, optional
            Address of the cluster's scheduler, for "dask".
        report : callable, optional
            Takes the study and a folder, and writes into that what else belongs to the results, such as tables. It all
            takes its place in the results folder once it is there, and metadata.json records its digests; what an
            earlier report wrote and this one does not is removed. The results are not called complete before.

        Returns
        -------
        DataFrame
            One row per run, sorted by cell and replicate: design, cell, rep; a column per factor; game; the last record
            (see `gansim.traces.FIELDS`); the labels (see `gansim.analysis.labels.label`); g_intercept and g_slope of an
            affine generator of one noise variable, in data units; sample_mean and sample_std, the maximum-likelihood
            estimates from the run's fixed sample; referee_accuracy, referee_auc, referee_v; seed. What does not apply
            is NaN.

        Raises
        ------
        ConfigError
            If an argument is refused, or the folder: because it cannot be used, holds anything else than results of
            this study, runs of another configuration, seed or source of the kernels, or more replicates than are asked
            for, or because another process has it open. Nothing has been simulated or written then. Also if the disk
            is full; what had arrived is saved then.
        RunsError
            If some runs could not be computed. The others are saved, if there is a folder.
        """
        _check_call(thresholds, progress, force, report)
        with open_workers(backend, workers_for(jobs), scheduler) as workers:
            show = Progress(self.name, self.reps, self._steps, progress is False)
            return self._run(out, _Session(workers, backend, show, thresholds, report, force))

    def run_to(
        self,
        target_mcse: float,
        out: str | os.PathLike[str] | None = None,
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
        force: bool = False,
        scheduler: str | None = None,
        batch: int = _BATCH,
        most_reps: int = _MOST_REPS,
        report: Report | None = None,
    ) -> pd.DataFrame:
        """Run, and add replicates to cells until every share is known to a Monte-Carlo standard error.

        Whole batches are added, cell by cell, as `gansim.analysis.stopping.further_replicates` decides from the runs
        alone; so the runs are the same for any number of workers, and after any interruption. That stopping depended on
        the data is said in the metadata and by `stopping_note`.

        Parameters
        ----------
        target_mcse : float
            The error wanted of every share of g_state and of d_state, above 0, below 1/2.
        batch : int, default 128
            Replicates that are added together.
        most_reps : int, default 100,000
            Replicates of a cell that are not exceeded.
        out, jobs, backend, progress, thresholds, force, scheduler, report
            As for `run`. Replicates that an earlier call added are kept.

        Returns
        -------
        DataFrame
            As `run` returns; `reps` holds the replicates of every cell.

        Raises
        ------
        ConfigError, RunsError
            As `run` does; also if more than `most_reps` replicates are asked for to begin with.
        """
        from gansim.analysis import stopping

        stopping.check_stopping(target_mcse, batch, most_reps)
        _check_call(thresholds, progress, force, report)
        target, batch, most_reps = float(target_mcse), int(batch), int(most_reps)  # NumPy's are no JSON
        _check_most(self.reps, most_reps, "asked for")
        with ExitStack() as stack:
            workers = stack.enter_context(open_workers(backend, workers_for(jobs), scheduler))
            show = Progress(self.name, self.reps, self._steps, progress is False)
            held = None
            if out is not None:  # for all rounds: in between, nobody else may have it
                held = stack.enter_context(hold_folder(_folder(out, self.name), self.name, force, show.say))
                reps = self._with_stored(_folder(out, self.name), batch, most_reps)
                _check_most(reps, most_reps, "stored")
                self.reps = reps
            self.stopping = {"target_mcse": target, "batch": batch, "most_reps": most_reps}
            while True:
                show = Progress(self.name, self.reps, self._steps, progress is False)
                runs = self._run(out, _Session(workers, backend, show, thresholds, report, force, held, adding=True))
                more = self.judge(runs)["add"].to_numpy()
                if not more.any():
                    return runs
                show.say(f"{count(int((more > 0).sum()), 'cell')} above {target:g}: {more.sum():,} runs more")
                self.reps = tuple(n + int(m) for n, m in zip(self.reps, more, strict=True))

    def judge(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Which cells need more replicates under the rule of `run_to`; `stopping_note` tells of those that do.

        Parameters
        ----------
        runs : DataFrame
            All runs of the study, labelled; the study has been run by that rule.

        Returns
        -------
        DataFrame
            As `gansim.analysis.planner.further_replicates` returns.
        """
        from gansim.analysis import stopping

        target, batch, most = (self.stopping[name] for name in ("target_mcse", "batch", "most_reps"))
        judged = stopping.further_replicates(runs, target, batch, most)
        self.stopping["missed"] = int((judged["status"] != "reached").sum())
        return judged

    def run_shard(
        self,
        shard: Shard,
        out: str | os.PathLike[str],
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        force: bool = False,
        scheduler: str | None = None,
        thresholds: Thresholds | None = None,
    ) -> Path:
        """Simulate one shard of the runs, to be put together with the others by `gansim.running.merging.merge`.

        Parameters
        ----------
        shard : Shard
            Which part.
        out : path
            Where to make the folder ``<out>/<name>.shard-i-of-N/``.
        jobs, backend, progress, force, scheduler
            As for `run`.
        thresholds : Thresholds, optional
            Definitions of the labels that the runs of all shards together get; by default those that the folder has.

        Returns
        -------
        Path
            The folder: parts and metadata, no labels.

        Raises
        ------
        ConfigError, RunsError
            As `run` does.
        """
        if not isinstance(shard, Shard):
            raise ConfigError(f"shard: value {shown(shard)}: a Shard, such as Shard(2, 8)")
        _check_call(thresholds, progress, force)
        with open_workers(backend, workers_for(jobs), scheduler) as workers:
            show = Progress(self.name, self.reps, self._steps, progress is False)
            results, self.seconds = self._empty(), {}
            mine = shard.holds(*results.ids)
            path = _folder(out, shard.folder(self.name))
            with self._open(path, results, show, force) as folder:
                chosen = thresholds_for(folder, thresholds, show.say)
                facts = {**_facts(workers, backend), "shard": str(shard)}
                wanted = results.missing & mine
                facts["sessions"] = self._sessions(folder, facts, bool(wanted.any()), show)
                folder.start(self.describe({**facts, "status": "running"}, chosen))
                self._simulate(results, wanted, workers, show, folder.add)
                folder.save()
                if "simulate" in self.seconds:
                    self.seconds |= {name: seconds for name, seconds in folder.seconds.items() if seconds}
                    facts["sessions"][-1]["seconds"] = _rounded(self.seconds)
                folder.start(self.describe({**facts, "status": "shard"}, chosen))
        return path

    def simulate(
        self,
        wanted: NDArray[np.bool_] | None = None,
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        scheduler: str | None = None,
    ) -> Collected:
        """Simulate some runs, and keep and label nothing.

        Parameters
        ----------
        wanted : ndarray of bool, shape (runs,), optional
            Which ones, in the order of (cell, rep); by default all.
        jobs, backend, progress, scheduler
            As for `run`.

        Returns
        -------
        Collected
            Those runs; the others are missing.

        Raises
        ------
        ConfigError, RunsError
            As `run` does.
        """
        _check_call(None, progress)
        with open_workers(backend, workers_for(jobs), scheduler) as workers:
            results = self._empty()
            chosen = results.missing.copy() if wanted is None else np.asarray(wanted, bool)
            show = Progress(self.name, self.reps, self._steps, progress is False)
            self._simulate(results, chosen, workers, show, results.put)
        return results

    def finish(
        self,
        out: str | os.PathLike[str],
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
        report: Report | None = None,
        held: Hold | None = None,
    ) -> pd.DataFrame:
        """Label and write what is stored, simulating nothing: `run`, for a folder that holds all runs.

        Parameters
        ----------
        out : path
            Where the folder ``<out>/<name>/`` is, with all runs of the study in its parts or its traces.parquet.
        progress : bool, optional
            False: print nothing but what is wrong with a file.
        thresholds : Thresholds, optional
            Definitions of the labels; by default those that the folder has.
        report : callable, optional
            As for `run`.
        held : Hold, optional
            This process has the folder already, by `gansim.storage.holding.hold_folder`.

        Returns
        -------
        DataFrame
            As `run` returns.

        Raises
        ------
        ConfigError
            If runs are missing, and as `run` does.
        """
        _check_call(thresholds, progress, report=report)
        show = Progress(self.name, self.reps, self._steps, progress is False)
        results, self.seconds = self._empty(), {}
        with self._open(_folder(out, self.name), results, show, held=held) as folder:
            if results.missing.any():
                raise StoreError(
                    f"{folder.path}: {len(results) - results.done:,} of {len(results):,} runs are missing: "
                    "run the study to simulate them"
                )
            chosen = thresholds_for(folder, thresholds, show.say)
            facts: dict[str, Any] = {"started": datetime.now(UTC).isoformat(timespec="seconds")}
            facts |= {"sessions": self._sessions(folder, facts, False, show)}
            folder.start(self.describe({**facts, "status": "running"}, chosen))
            return self._finish(folder, facts, chosen, show, report)

    def label(self, results: Collected, thresholds: Thresholds | None = None) -> pd.DataFrame:
        """Label runs; they become the study's `runs` and `traces`.

        Parameters
        ----------
        results : Collected
            All runs of the study.
        thresholds : Thresholds, optional
            Definitions of the labels.

        Returns
        -------
        DataFrame
            As `run` returns.
        """
        from gansim.analysis.labels import label  # here, because pandas is half of the time to import gansim

        traces = results.traces()
        labels = label(traces, self.floors, thresholds)
        self.runs, self.traces = runs_frame(self.designs, self.cells, self.seed, results, labels), traces
        return self.runs

    def stopping_note(self) -> tuple[str, ...]:
        """Return what tables must say if the number of runs depended on the data: a note, or none."""
        if not self.stopping:
            return ()
        from gansim.analysis.stopping import stopping_note

        told = {name: self.stopping[name] for name in ("target_mcse", "batch", "most_reps")}
        missed = self.stopping.get("missed", 0)
        more = f" Not reached in {missed:,} of {len(self.cells):,} cells." if missed else ""
        return (stopping_note(told["target_mcse"], told["batch"], told["most_reps"]) + more,)

    def describe(
        self,
        facts: Mapping[str, Any],
        thresholds: Thresholds | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Metadata of this study: see `gansim.storage.provenance.provenance`.

        Parameters
        ----------
        facts : mapping
            Facts of the execution.
        thresholds : Thresholds, optional
            Definitions of the labels.
        files : mapping, optional
            Facts of the files.
        """
        from gansim.model.regimes import Thresholds

        told: dict[str, Any] = {"aims": self.aims, "stopping": self.stopping}
        extra = {
            **facts,
            **{name: value for name, value in told.items() if value},
            "thresholds": asdict(thresholds or Thresholds()),
            "seconds": _rounded(self.seconds),
        }
        if mixed := mixed_versions(facts.get("sessions") or []):
            extra["mixed_versions"] = mixed
        extra |= files or {}
        return provenance.provenance(self.name, self.seed, self.designs, extra, self.reps)

    # --- the steps

    @property
    def _steps(self) -> list[int]:
        return [cell.gan.steps for cell in self.cells]

    def _run(self, out: str | os.PathLike[str] | None, session: _Session) -> pd.DataFrame:
        thresholds = session.thresholds
        facts, show = _facts(session.workers, session.backend), session.show
        results, self.seconds = self._empty(), {}
        if out is None:
            self._simulate(results, results.missing.copy(), session.workers, show, results.put)
            runs = self.label(results, thresholds)
            if self.stopping:
                self.judge(runs)
            assert self.traces is not None
            digests = {"runs": digest(runs), "traces": digest_traces(self.traces)}
            self.metadata = self.describe({**facts, "status": "complete"}, thresholds, {"digest": digests})
            return runs
        with self._open(_folder(out, self.name), results, show, session.force, session.held) as folder:
            chosen = thresholds_for(folder, thresholds, show.say)
            missing = results.missing.copy()
            if not self.stopping and not missing.any():  # labelled again, or only completed: the rule still holds
                self.stopping = dict(folder.metadata.get("stopping", {}))
            facts["sessions"] = self._sessions(folder, facts, bool(missing.any()), show)
            folder.start(self.describe({**facts, "status": "running"}, chosen))
            self._simulate(results, missing, session.workers, show, folder.add)
            folder.save()
            return self._finish(folder, facts, chosen, show, session.report, session.adding)

    def _empty(self) -> Collected:
        return Collected(self.reps, self.cells[0].gan.records)

    def _open(
        self, path: Path, into: Collected, show: Progress, force: bool = False, held: Hold | None = None
    ) -> AbstractContextManager[Folder]:
        return open_folder(path, self.identity, self.cells, into, force, show.say, show.warn, held)

    def _with_stored(self, folder: Path, batch: int, most: int) -> tuple[int, ...]:
        """Replicates of every cell, those included that a folder of this study asked for last."""
        if not (folder / METADATA).exists():  # lost, but the runs tell: whole batches on top of what was asked for
            stored = stored_reps(folder, self.identity)
            return tuple(
                max(n, min(most, n + batch * -(-(there - n) // batch)), there)
                for n, there in zip(self.reps, stored, strict=True)
            )
        metadata = read_metadata(folder)
        if differences(metadata, self.identity, self.cells):
            return self.reps  # to be refused where it is opened
        return tuple(max(pair) for pair in zip(self.reps, schema.from_dict(metadata).reps, strict=True))

    def _simulate(
        self,
        results: Collected,
        wanted: NDArray[np.bool_],
        workers: Workers,
        show: Progress,
        keep: Callable[[Rows], object],
    ) -> None:
        """Simulate the wanted runs; `keep` gets them as they arrive."""
        if not wanted.any():
            return
        tasks = tasks_of(self.cells, results, wanted, workers.count)
        started = time.perf_counter()
        gans = {task.key: task.gan for task in tasks}.values()
        shapes = count(len({compile_key(gan) for gan in gans}), "network shape")
        cells = count(len({index for task in tasks for index in task.cells}), "cell")
        show.say(f"{count(int(wanted.sum()), 'run')} in {cells}; compiling {shapes} ...")
        if workers.local:  # those of a cluster compile where they are
            compile_ahead(gans)
        compiled = time.perf_counter()
        show.say(f"ready after {compiled - started:.1f} s")
        work: dict[str, float] = {}
        failures: list[Failure] = []
        outcomes = workers.execute(run_chunk_compiled, [(t.cells, t.runs, self.seed) for t in tasks])
        with show.over(wanted), closing(outcomes):
            for number, outcome in outcomes:
                if isinstance(outcome, Failure):
                    failures.append(outcome)
                    show.warn(self._told(outcome, tasks[number]))
                    continue
                keep(_rows(outcome))
                for phase, seconds in outcome.seconds.items():
                    work[phase] = work.get(phase, 0.0) + seconds
                show.advance(outcome.cells)
        self.seconds |= {"compile": compiled - started, "simulate": time.perf_counter() - compiled, "work": work}
        if failures:
            raise self._incomplete(failures, tasks, results)

    def _told(self, failure: Failure, task: Task) -> str:
        """Which runs a failed task held, and why it failed."""
        cells = [self.cells[index].describe() for index in task.cells]
        where = cells[0] + (f" and {count(len(cells) - 1, 'cell')} more" if len(cells) > 1 else "")
        reps = [rep for _, rep in task.runs]
        return f"{count(len(task.runs), 'run')} of {where}, replicates {min(reps)} to {max(reps)}: {failure.reason}"

    def _incomplete(self, failures: Sequence[Failure], tasks: Sequence[Task], results: Collected) -> RunsError:
        told = "; ".join(self._told(failure, tasks[failure.task]) for failure in failures[:_SHOWN])
        more = f"; and {len(failures) - _SHOWN} tasks more" if len(failures) > _SHOWN else ""
        lost = sum(len(tasks[failure.task].runs) for failure in failures)
        return RunsError(
            f"{lost:,} of {len(results):,} runs could not be computed ({told}{more}): all others are kept, "
            "the same command, without --force, tries these again",
            failures,
        )

    def _finish(
        self,
        folder: Folder,
        facts: dict[str, Any],
        thresholds: Thresholds,
        show: Progress,
        report: Report | None = None,
        adding: bool = False,
    ) -> pd.DataFrame:
        """Label and write, once all runs are there; `adding`: unless the rule of `run_to` asks for more."""
        started = time.perf_counter()
        runs = self.label(folder.collected, thresholds)
        follow = bool(self.stopping) and self.judge(runs)["add"].to_numpy().any() and adding
        labelled = time.perf_counter()
        self.seconds |= {"label": labelled - started}
        self.seconds |= {name: seconds for name, seconds in folder.seconds.items() if seconds}

        def describe(files: Mapping[str, Any]) -> dict[str, Any]:
            if "report" not in self.seconds:
                self.seconds["write"] = time.perf_counter() - labelled
            if "simulate" in self.seconds:
                facts["sessions"][-1]["seconds"] = _rounded(self.seconds)
            return self.describe(facts, thresholds, files)

        def write_rest(metadata: Mapping[str, Any], draft: Path) -> None:
            written = time.perf_counter()
            disk.write_text(draft / ADEMP, ademp.sheet(metadata, runs))
            if report is not None:
                report(self, draft)
            self.seconds["report"] = time.perf_counter() - written

        self.metadata = folder.finish(runs, describe, None if follow else write_rest, show.say)
        if not follow and (told := reported.remark(folder.path, self.metadata)):
            show.say(told)
        return runs

    def _sessions(
        self, folder: Folder, facts: Mapping[str, Any], simulating: bool, show: Progress
    ) -> list[dict[str, Any]]:
        """All calls that simulated something: who did it, and how many runs there were before."""
        earlier = folder.metadata.get("sessions") if folder.saved else None
        listed = list(earlier) if isinstance(earlier, list) else []
        if simulating:
            now = provenance.rounding_versions()
            before = listed[-1].get("versions", now) if listed else now
            if before != now:
                show.warn(f"stored runs were made with {_versions(before)}, further ones are with {_versions(now)}")
            source: dict[str, Any] = {"command": provenance.command(), "source": provenance.source_digest()}
            source |= {"machine": provenance.machine(), "versions": now}
            listed.append({**facts, **source, "saved": folder.saved})
        return listed


@dataclass(frozen=True)
class _Session:
    """One call that runs a study: with which workers, what becomes of the folder, what else is written."""

    workers: Workers
    backend: Backend
    show: Progress
    thresholds: Thresholds | None
    report: Report | None
    force: bool = False
    held: Hold | None = None
    adding: bool = False


def _facts(workers: Workers, backend: Backend) -> dict[str, Any]:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return {"started": started, "jobs": workers.count, "backend": backend}


def check_study(value: object) -> None:
    """Refuse what is no study: ConfigError, in one line."""
    if not isinstance(value, Study):
        raise ConfigError(f"study: value {shown(value)}: a Study")


def workers_for(jobs: object) -> int:
    """Return the number of workers that is meant, or refuse it.

    Parameters
    ----------
    jobs : int
        1 to 4,096; -1: one per core.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if isinstance(jobs, (int, np.integer)) and jobs == -1:
        return max(1, int(cpu_count()))
    try:
        return check_integer(jobs, "jobs", 1, _MAX_JOBS)
    except ConfigError as error:
        raise ConfigError(f"{error}, or -1 for one per core") from None


def _folder(out: str | os.PathLike[str], name: str) -> Path:
    try:
        path = Path(out) / name
        os.fsencode(path)
    except (TypeError, UnicodeEncodeError):
        raise ConfigError(f"out: value {shown(out)}: a path") from None
    if "\0" in str(path):
        raise ConfigError(f"out: value {shown(out)}: a path without a zero byte")
    return path


def _check_most(reps: Sequence[int], most_reps: int, whose: str) -> None:
    if max(reps) > most_reps:
        raise ConfigError(f"most_reps: value {most_reps:,}: at least the replicates of a cell {whose}, {max(reps):,}")


def _check_call(thresholds: object, progress: object = None, force: object = False, report: object = None) -> None:
    """Refuse what could not be used once everything is simulated, or would put results aside that were not meant."""
    from gansim.model.regimes import Thresholds

    if not (thresholds is None or isinstance(thresholds, Thresholds)):
        raise ConfigError(f"thresholds: value {shown(thresholds)}: a Thresholds, or None")
    check_named("progress", progress, OrNone(boolean))
    check_named("force", force, boolean)
    if not (report is None or callable(report)):
        raise ConfigError(f"report: value {shown(report)}: a function of the study and a folder, or None")


def thresholds_for(folder: Folder, asked: Thresholds | None, say: Callable[[str], object]) -> Thresholds:
    """Definitions of the labels of a folder: those asked for, or else its own, or else gansim's.

    Parameters
    ----------
    folder : Folder
        The results folder, with the metadata of an earlier call or none.
    asked : Thresholds, optional
        Those that somebody gave.
    say : callable
        Takes a line for the user, if labels are to change, or follow others than gansim's without being told to.
    """
    from gansim.model.regimes import Thresholds

    default = Thresholds()
    known = folder.metadata.get("thresholds")
    if known is None or folder.metadata.get("identity") != folder.identity.digest:  # nothing, or of other runs
        return asked or default
    try:
        stored = Thresholds(**known)
    except (TypeError, ValueError):
        say("thresholds: those stored are of another version: labels follow those " + ("asked" if asked else "of this"))
        return asked or default
    if asked is None:
        if stored != default:
            say(f"thresholds: {_differing(stored, default, 'stored', 'by default')}: labels follow those stored")
        return stored
    if asked != stored:
        say(f"thresholds: {_differing(stored, asked, 'stored', 'asked')}: labels follow the new ones")
    return asked


def _differing(one: Thresholds, other: Thresholds, whose: str, others: str) -> str:
    pairs = zip(asdict(one).items(), asdict(other).values(), strict=True)
    return ", ".join(f"{name} {a:.9g} {whose}, {b:.9g} {others}" for (name, a), b in pairs if a != b)


def mixed_versions(sessions: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Packages of which the calls that simulated runs had different versions, with those, in the order of use.

    Parameters
    ----------
    sessions : sequence of mapping
        As metadata.json lists them.
    """
    found: dict[str, dict[str, None]] = {}
    for session in sessions:
        for package, version in session.get("versions", {}).items():
            found.setdefault(package, {})[version] = None
    return {package: list(versions) for package, versions in found.items() if len(versions) > 1}


def _joined_rule(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The stopping rule of two studies together: they have the same, or only one of them has any."""
    rules = [{name: value for name, value in rule.items() if name != "missed"} for rule in (one, other) if rule]
    if len(rules) == 2 and rules[0] != rules[1]:
        raise ConfigError(f"stopping: {rules[0]} and {rules[1]}: the same rule for both studies, or for one of them")
    missed = [rule["missed"] for rule in (one, other) if "missed" in rule]
    return {**rules[0], **({"missed": sum(missed)} if missed else {})} if rules else {}


def _rounded(seconds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _rounded(s) if isinstance(s, Mapping) else round(s, 3) for name, s in seconds.items()}


def _versions(packages: Mapping[str, str]) -> str:
    return " ".join(f"{name} {version}" for name, version in packages.items())


def _rows(chunk: Chunk) -> Rows:
    """What is kept of a chunk; the estimates in the order of `gansim.storage.parquet.ESTIMATES`."""
    estimates = np.hstack([chunk.affine, chunk.sample, chunk.referee])
    return Rows(chunk.cells.astype(np.int32), chunk.reps.astype(np.int32), chunk.traces, estimates)
