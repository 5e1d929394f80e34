"""Running a study: what is stored is read, the rest simulated, all labelled and written.

Everything here may change the order in which runs are computed and never what they compute: a run is a pure function
of its cell's configuration, the seed and its replicate number, and every result is put in the row of its (cell, rep).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gansim.design import schema
from gansim.design.description import Description
from gansim.design.in_words import ademp
from gansim.design.in_words.wording import count
from gansim.design.in_words.words import level_of
from gansim.design.stopping import StoppingRule
from gansim.display import html_table
from gansim.errors import ConfigError, StoreError, shown
from gansim.model.fields import OrNone, boolean, check_named
from gansim.model.own.defined import Own
from gansim.running.frame import labelled_runs
from gansim.running.pool import Backend, Workers, open_workers, workers_for
from gansim.running.progress import Progress
from gansim.running.sessions import mixed_versions, rounded, sessions_of, started_now, thresholds_for
from gansim.running.shard import Shard
from gansim.running.simulating import simulate_runs
from gansim.storage import disk, provenance, reported
from gansim.storage.folder import Folder, open_folder
from gansim.storage.holding import Hold, hold_folder
from gansim.storage.identity import differences, identify
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP, METADATA
from gansim.storage.parquet import digest, digest_traces
from gansim.storage.parts import Collected, stored_reps

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gansim.design.regimes import Thresholds
    from gansim.traces import Traces

__all__ = [
    "Call",
    "Execution",
    "Report",
    "describe",
    "execute",
    "execute_shard",
    "execute_to",
    "finish",
    "judged",
    "pages_by_default",
    "report_by_default",
    "simulate",
    "stored",
]


@dataclass(frozen=True, eq=False, repr=False)
class Execution:
    """A study that has been run.

    Attributes
    ----------
    study : Study
        The study, with the replicates that there are and what became of its stopping rule.
    runs : DataFrame
        One row per run, see `Study.run`.
    traces : Traces
        Their records, row by row the same runs.
    seconds : dict
        How long it took: read, compile, simulate, label, write, report (wall clock), save, which is part of simulate,
        and work, the seconds of each phase summed over the workers. What did not happen is left out.
    metadata : dict
        What was, or would be, written to ``metadata.json``.
    """

    study: Description
    runs: pd.DataFrame
    traces: Traces
    seconds: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        spent = sum(part for name, part in self.seconds.items() if isinstance(part, float) and name != "save")
        records = f"{self.traces.records} records each"
        return f"Execution({self.study.name!r}: {len(self.runs):,} runs, {records}, {spent:.3g} s)"

    def _repr_html_(self) -> str:
        counts = self.runs["regime"].value_counts()
        rows = [(level_of("regime", regime), f"{n:,}") for regime, n in counts.items() if n]
        return html_table(repr(self), rows, ("regime", "runs"))


Report: TypeAlias = Callable[[Execution, Path], object]  # writes what else belongs to a study's results into a folder
_Default: TypeAlias = Callable[[Execution, Path, Callable[[str], object]], object]  # also takes what tells the user
_Page: TypeAlias = Callable[[Execution, Path, Path, Callable[[str], object]], object]
_default: _Default | None = None
_page: _Page | None = None


def report_by_default(report: _Default | None) -> None:
    """Say what writes the report of whoever asks for none in particular.

    Reports are made above this room, which must not know them; whoever knows both, which is the package as a whole,
    brings them together.

    Parameters
    ----------
    report : callable or None
        Takes an `Execution`, a folder, and a function that tells the user a line. None: there is no such report.
    """
    global _default
    _default = report


def pages_by_default(page: _Page | None) -> None:
    """Say what makes a page of every report, whatever function wrote it.

    Parameters
    ----------
    page : callable or None
        Takes an `Execution`, the folder that holds what was written and takes the page, the results folder that it is
        for, and a function that tells the user a line. None: there are no pages.
    """
    global _page
    _page = page


@dataclass(frozen=True)
class Call:
    """How a study is run: by which workers, what becomes of its folder, what else is written; see `Study.run`.

    Raises
    ------
    ConfigError
        If something in it could not be used once everything is simulated, or would put results aside that were not
        meant.
    """

    jobs: int = -1
    backend: Backend = "threads"
    scheduler: str | None = None
    progress: bool | None = None
    thresholds: Thresholds | None = None
    force: bool = False
    report: Report | bool = True

    def __post_init__(self) -> None:
        from gansim.design.regimes import Thresholds

        if not (self.thresholds is None or isinstance(self.thresholds, Thresholds)):
            raise ConfigError(f"thresholds: value {shown(self.thresholds)}: a Thresholds, or None")
        check_named("progress", self.progress, OrNone(boolean))
        check_named("force", self.force, boolean)
        given: object = self.report
        if not (isinstance(given, bool) or callable(given)):
            raise ConfigError(f"report: value {shown(given)}: True, False, or a function of an execution and a folder")

    def show(self, study: Description) -> Progress:
        """Where progress goes."""
        steps = [cell.gan.steps for cell in study.cells]
        return Progress(study.name, study.reps, steps, self.progress is False)

    def write_report(self, done: Execution, folder: Path, say: Callable[[str], object]) -> None:
        """Write what else belongs to a study's results, if anything does."""
        if self.report is True and _default is not None:
            say("writing tables and figures")
            _default(done, folder, say)
        elif callable(self.report):
            self.report(done, folder)

    def write_page(self, done: Execution, draft: Path, folder: Path, say: Callable[[str], object]) -> None:
        """Make a page of what has been written, if anything has."""
        if _page is not None and any(path.name != ADEMP for path in draft.iterdir()):
            _page(done, draft, folder, say)

    @contextmanager
    def workers(self) -> Iterator[Workers]:
        """The workers, and nothing left of them afterwards."""
        with open_workers(self.backend, workers_for(self.jobs), self.scheduler) as workers:
            yield workers


# --- one call after the other -----------------------------------------------------------------------


def execute(study: Description, out: str | os.PathLike[str] | None, call: Call) -> Execution:
    """Simulate every run that is not stored yet, label all, and write the results; see `Study.run`."""
    with call.workers() as workers:
        return _once(study, out, call, workers)


def execute_to(study: Description, rule: StoppingRule, out: str | os.PathLike[str] | None, call: Call) -> Execution:
    """Run, and add replicates to cells until every share is known to an error; see `Study.run_to`."""
    _check_most(study.reps, rule, "asked for")
    with ExitStack() as stack:
        workers = stack.enter_context(call.workers())
        held = None
        if out is not None:  # for all rounds: in between, nobody else may have it
            path = _folder(out, study.name)
            held = stack.enter_context(hold_folder(path, study.name, call.force, call.show(study).say))
            study = study.with_reps(_with_stored(study, path, rule))
            _check_most(study.reps, rule, "stored")
        study = study.with_stopping(replace(rule, missed=None))
        while True:
            done = _once(study, out, call, workers, held, adding=True)
            more = judged(done.study, done.runs)[1]["add"].to_numpy()
            if not more.any():
                return done
            told = f"{count(int((more > 0).sum()), 'cell')} above {rule.target_mcse:g}: {more.sum():,} runs more"
            call.show(study).say(told)
            study = study.with_reps([n + int(m) for n, m in zip(study.reps, more, strict=True)])


def execute_shard(study: Description, shard: Shard, out: str | os.PathLike[str], call: Call) -> Path:
    """Simulate one shard of the runs; see `Study.run_shard`."""
    if not isinstance(shard, Shard):
        raise ConfigError(f"shard: value {shown(shard)}: a Shard, such as Shard(2, 8)")
    with call.workers() as workers:
        show, results = call.show(study), _empty(study)
        path = _folder(out, shard.folder(study.name))
        with _open(study, path, results, show, call.force) as folder:
            chosen = thresholds_for(folder, call.thresholds, show.say)
            facts = {**_facts(workers, call), "shard": str(shard)}
            wanted = results.missing & shard.holds(*results.ids)
            _check_code(study, wanted)
            facts["sessions"] = sessions_of(folder, facts, bool(wanted.any()), show.warn)
            folder.start(describe(study, {**facts, "status": "running"}, chosen))
            seconds = simulate_runs(study, results, wanted, workers, show, folder.add)
            folder.save()
            if seconds:
                seconds |= {name: spent for name, spent in folder.seconds.items() if spent}
                facts["sessions"][-1]["seconds"] = rounded(seconds)
            folder.start(describe(study, {**facts, "status": "shard"}, chosen, seconds))
    return path


def simulate(study: Description, call: Call, wanted: NDArray[np.bool_] | None = None) -> Collected:
    """Simulate some runs, and keep and label nothing.

    Parameters
    ----------
    study : Description
        The study.
    call : Call
        By which workers.
    wanted : ndarray of bool, shape (runs,), optional
        Which runs, in the order of (cell, rep); by default all.

    Returns
    -------
    Collected
        Those runs; the others are missing.

    Raises
    ------
    ConfigError, RunsError
        As `Study.run` does.
    """
    with call.workers() as workers:
        results = _empty(study)
        chosen = results.missing.copy() if wanted is None else np.asarray(wanted, bool)
        _check_code(study, chosen)
        simulate_runs(study, results, chosen, workers, call.show(study), results.put)
    return results


def finish(study: Description, out: str | os.PathLike[str], call: Call, held: Hold | None = None) -> Execution:
    """Label and write what is stored, simulating nothing: `execute`, for a folder that holds all runs.

    Parameters
    ----------
    study : Description
        The study.
    out : path
        Where the folder ``<out>/<name>/`` is, with all runs of the study in its parts or its traces.parquet.
    call : Call
        Of which no workers are asked.
    held : Hold, optional
        This process has the folder already, by `gansim.storage.holding.hold_folder`.

    Raises
    ------
    ConfigError
        If runs are missing, and as `Study.run` does.
    """
    show, results = call.show(study), _empty(study)
    with _open(study, _folder(out, study.name), results, show, held=held) as folder:
        if results.missing.any():
            raise StoreError(
                f"{folder.path}: {len(results) - results.done:,} of {len(results):,} runs are missing: "
                "run the study to simulate them"
            )
        chosen = thresholds_for(folder, call.thresholds, show.say)
        facts = started_now()
        facts |= {"sessions": sessions_of(folder, facts, False, show.warn)}
        folder.start(describe(study, {**facts, "status": "running"}, chosen))
        return _finish(study, folder, facts, chosen, call, show, {})


def _check_code(study: Description, wanted: NDArray[np.bool_]) -> None:
    """Refuse, before anything is written or compiled, runs of code that is not at hand."""
    if wanted.any():
        for game in dict.fromkeys(cell.gan.game for cell in study.cells):
            if isinstance(game, Own):
                game.at_hand()


# --- one round --------------------------------------------------------------------------------------


def _once(
    study: Description,
    out: str | os.PathLike[str] | None,
    call: Call,
    workers: Workers,
    held: Hold | None = None,
    adding: bool = False,
) -> Execution:
    """All runs that are asked for now, simulated and written; `adding`: unless the stopping rule asks for more."""
    facts, show, results = _facts(workers, call), call.show(study), _empty(study)
    if out is None:
        seconds = simulate_runs(study, results, results.missing.copy(), workers, show, results.put)
        return _labelled(study, results, facts, call.thresholds, seconds)
    with _open(study, _folder(out, study.name), results, show, call.force, held) as folder:
        chosen = thresholds_for(folder, call.thresholds, show.say)
        missing = results.missing.copy()
        if study.stopping is None and not missing.any():  # labelled again, or only completed: the rule still holds
            study = study.with_stopping(_stored_rule(folder))
        _check_code(study, missing)
        facts["sessions"] = sessions_of(folder, facts, bool(missing.any()), show.warn)
        folder.start(describe(study, {**facts, "status": "running"}, chosen))
        seconds = simulate_runs(study, results, missing, workers, show, folder.add)
        folder.save()
        return _finish(study, folder, facts, chosen, call, show, seconds, adding)


def _labelled(
    study: Description,
    results: Collected,
    facts: Mapping[str, Any],
    thresholds: Thresholds | None,
    seconds: dict[str, Any],
) -> Execution:
    """The execution of a study that is written nowhere."""
    runs, traces = labelled_runs(study, results, thresholds), results.traces()
    study = judged(study, runs)[0]
    files = {"digest": {"runs": digest(runs), "traces": digest_traces(traces)}}
    told = describe(study, {**facts, "status": "complete"}, thresholds, seconds, files)
    return Execution(study, runs, traces, seconds, told)


def _finish(
    study: Description,
    folder: Folder,
    facts: dict[str, Any],
    thresholds: Thresholds,
    call: Call,
    show: Progress,
    seconds: dict[str, Any],
    adding: bool = False,
) -> Execution:
    """Label and write, once all runs are there; `adding`: unless the stopping rule asks for more."""
    started = time.perf_counter()
    runs = labelled_runs(study, folder.collected, thresholds)
    study, further = judged(study, runs)
    follow = adding and bool(further["add"].to_numpy().any())
    labelled = time.perf_counter()
    seconds |= {"label": labelled - started} | {name: spent for name, spent in folder.seconds.items() if spent}
    done = Execution(study, runs, folder.collected.traces(), seconds)

    def told(files: Mapping[str, Any]) -> dict[str, Any]:
        if "report" not in seconds:
            seconds["write"] = time.perf_counter() - labelled
        if "simulate" in seconds:
            facts["sessions"][-1]["seconds"] = rounded(seconds)
        return describe(study, facts, thresholds, seconds, files)

    def write_rest(metadata: Mapping[str, Any], draft: Path) -> None:
        written = time.perf_counter()
        disk.write_text(draft / ADEMP, ademp.sheet(metadata, runs))
        call.write_report(done, draft, show.say)
        call.write_page(replace(done, metadata=dict(metadata)), draft, folder.path, show.say)
        seconds["report"] = time.perf_counter() - written

    metadata = folder.finish(runs, told, None if follow else write_rest, show.say)
    remarks = () if follow else (reported.remark, reported.relabelled_remark)
    for told_of in filter(None, (remark(folder.path, metadata) for remark in remarks)):
        show.say(told_of)
    return replace(done, metadata=metadata)


# --- what is asked for, what is stored, what is told ------------------------------------------------


def judged(study: Description, runs: pd.DataFrame) -> tuple[Description, pd.DataFrame]:
    """Which cells need more replicates under the study's stopping rule, and the study with what became of the rule.

    Parameters
    ----------
    study : Description
        The study.
    runs : DataFrame
        All its runs, labelled.

    Returns
    -------
    study : Description
        It tells of cells that missed the target; as it was if it has no rule.
    further : DataFrame
        As `gansim.analysis.stopping.further_replicates` returns; without rows if there is no rule.
    """
    import pandas as pd

    if study.stopping is None:
        return study, pd.DataFrame({"add": []})
    from gansim.analysis.stopping import further_replicates

    further = further_replicates(runs, study.stopping)
    missed = int((further["status"] != "reached").sum())
    return study.with_stopping(replace(study.stopping, missed=missed)), further


def stored(study: Description, results: Collected, thresholds: Thresholds) -> Execution:
    """The execution of a study whose runs have been read: labelled, and written nowhere."""
    runs = labelled_runs(study, results, thresholds)
    return Execution(judged(study, runs)[0], runs, results.traces())


def describe(
    study: Description,
    facts: Mapping[str, Any],
    thresholds: Thresholds | None = None,
    seconds: Mapping[str, Any] | None = None,
    files: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Metadata of a study: see `gansim.storage.provenance.provenance`.

    Parameters
    ----------
    study : Description
        The study.
    facts : mapping
        Facts of the execution.
    thresholds : Thresholds, optional
        Definitions of the labels.
    seconds : mapping, optional
        How long it took so far.
    files : mapping, optional
        Facts of the files.
    """
    from gansim.design.regimes import Thresholds

    rule = None if study.stopping is None else study.stopping.facts()
    extra = {
        **facts,
        **{name: value for name, value in {"aims": study.aims, "stopping": rule}.items() if value},
        "thresholds": asdict(thresholds or Thresholds()),
        "seconds": rounded(seconds or {}),
    }
    if mixed := mixed_versions(facts.get("sessions") or []):
        extra["mixed_versions"] = mixed
    return provenance.provenance(study.name, study.seed, study.designs, {**extra, **(files or {})}, study.reps)


def _facts(workers: Workers, call: Call) -> dict[str, Any]:
    return {**started_now(), "jobs": workers.count, "backend": call.backend}


def _empty(study: Description) -> Collected:
    return Collected(study.reps, study.records, study.fields)


def _open(
    study: Description, path: Path, into: Collected, show: Progress, force: bool = False, held: Hold | None = None
) -> AbstractContextManager[Folder]:
    identity = identify(study.name, study.seed, study.cells)
    return open_folder(path, identity, study.cells, into, force, show.say, show.warn, held)


def _with_stored(study: Description, folder: Path, rule: StoppingRule) -> tuple[int, ...]:
    """Replicates of every cell, those included that a folder of this study asked for last."""
    identity, batch, most = identify(study.name, study.seed, study.cells), rule.batch, rule.most_reps
    if not (folder / METADATA).exists():  # lost, but the runs tell: whole batches on top of what was asked for
        there = stored_reps(folder, identity)
        return tuple(
            max(n, min(most, n + batch * -(-(found - n) // batch)), found)
            for n, found in zip(study.reps, there, strict=True)
        )
    metadata = read_metadata(folder)
    if differences(metadata, identity, study.cells):
        return study.reps  # to be refused where it is opened
    return tuple(max(pair) for pair in zip(study.reps, schema.from_dict(metadata).reps, strict=True))


def _folder(out: str | os.PathLike[str], name: str) -> Path:
    try:
        path = Path(out) / name
        os.fsencode(path)
    except (TypeError, UnicodeEncodeError):
        raise ConfigError(f"out: value {shown(out)}: a path") from None
    if "\0" in str(path):
        raise ConfigError(f"out: value {shown(out)}: a path without a zero byte")
    return path


def _stored_rule(folder: Folder) -> StoppingRule | None:
    """The rule by which the runs of a folder came to be."""
    try:
        return StoppingRule.of(folder.metadata.get("stopping"))
    except ConfigError as error:
        raise StoreError(f"{folder.path / METADATA}: {error}") from None


def _check_most(reps: Sequence[int], rule: StoppingRule, whose: str) -> None:
    if max(reps) > rule.most_reps:
        raise ConfigError(
            f"most_reps: value {rule.most_reps:,}: at least the replicates of a cell {whose}, {max(reps):,}"
        )
