"""Verbs that compute or write results: run, verify, relabel, report, merge."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, fields, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from gansim.command_line.cli import execute, usual_report
from gansim.command_line.guard import show, show_page, teller
from gansim.command_line.looking import Folder
from gansim.command_line.options import Executing, Help, Place, Quiet, Reporting, Workers
from gansim.design.regimes import Thresholds
from gansim.errors import ConfigError, shown
from gansim.model.fields import Integer, checks_of
from gansim.storage.names import RELABELLED, RUNS

__all__ = ["Merge", "Relabel", "Report", "Run", "Verify", "merge", "relabel", "report", "run", "verify"]

_DIFFER = 1  # exit code of `gansim verify` when something does not agree


# --- run ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Run(Executing, Reporting):
    """What ``gansim run`` takes."""

    file: Annotated[
        Path, Help("A study in TOML, or a metadata.json (docs/harness.md has the schema).", "FILE", positional=True)
    ]
    reps: Annotated[int | None, Integer(1, 10_000_000), "Replicates per cell, instead of those in the file."] = None
    seed: Annotated[int | None, Integer(0, 2**64 - 1), "Seed of the study, instead of the one in the file."] = None


def run(options: Run) -> None:
    """Run the study that a file describes."""
    from gansim.design import schema
    from gansim.running.study import Study
    from gansim.storage.metadata_json import read_metadata

    if options.file.suffix == ".py":
        script = shlex.quote(str(options.file))
        told = f"file: value {shown(str(options.file))}: a .toml or .json file"
        raise ConfigError(f"{told}; a script runs by itself: python {script}")
    described = schema.read(options.file)
    if described.recorded:
        read_metadata(options.file)  # refused if it is damaged
    study = Study.from_description(described.changed(options.seed, options.reps))
    if execute(study, options):
        show(options.out / study.name)


# --- verify -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Verify(Folder, Workers, Quiet):
    """What ``gansim verify`` takes."""

    runs: Annotated[int | None, Integer(1, 2**40), "How many, drawn at random (100 if nothing is said)."] = None
    all: Annotated[bool, "All runs."] = False
    draw: Annotated[int, Integer(0, 2**32), "Seed of the draw."] = 0
    fresh: Annotated[bool, "Compile anew: machine code that was kept is not used."] = False


def verify(options: Verify) -> int:
    """Simulate stored runs again, compare every bit, and say what differs."""
    from gansim.running import verify as verifying

    if options.all and options.runs is not None:
        raise ConfigError("--runs: not with --all: one of the two")
    verdict = verifying.verify(
        options.folder,
        None if options.all else options.runs or 100,
        options.draw,
        options.jobs,
        options.backend,
        options.scheduler,
        False if options.quiet else None,
        options.fresh,
    )
    show(*verdict.lines())
    return 0 if verdict.passed else _DIFFER


# --- relabel ------------------------------------------------------------------------------------


_THRESHOLDS = {
    "window": "share of a run's records, from the end, over which its label is decided",
    "w1": "converged: largest median of Wasserstein-1, in the target's standard deviations",
    "ks": "converged: largest median of the Kolmogorov-Smirnov distance",
    "ks_never": "converged: Kolmogorov-Smirnov distance that no record of the window exceeds",
    "tv_modes": "converged, mixtures only: largest median of the total variation between the shares of the modes",
    "ks_modes": "converged, mixtures only: largest median of the Kolmogorov-Smirnov distance within modes",
    "spread": "collapsed: largest standard deviation of the fakes, in that of the target's narrowest mode",
    "perfect_hi": "perfect D: least mean of D on real; inverted D: on fake",
    "perfect_lo": "perfect D: largest mean of D on fake; inverted D: on real",
    "idle": "idle D: largest mean of |D - 1/2|, on real and on fake",
    "auc_perfect": "games whose D is no probability: perfect D: least mean AUC; inverted D: 1 minus that",
    "auc_idle": "games whose D is no probability: idle D: largest mean of |AUC - 1/2|",
    "off": "games of two vectors: converged, idle D: largest distance of G, of D from where it ought to end",
}


@dataclass(frozen=True, kw_only=True)
class _Relabelling(Folder, Reporting):
    """What ``gansim relabel`` takes, besides a number for every threshold."""

    out: Annotated[Path | None, "Folder to write to; by default FOLDER/relabelled."] = None


Relabel: Any = make_dataclass(
    "Relabel",
    [
        (one.name, Annotated[float | None, limits, Help(_THRESHOLDS[one.name], "X", unset=str(one.default))], None)
        for one, limits in zip(fields(Thresholds), checks_of(Thresholds).values(), strict=True)
    ],
    bases=(_Relabelling,),
    frozen=True,
    kw_only=True,
)


def relabel(options: Any) -> None:
    """Label stored runs by other thresholds, simulating nothing."""
    from gansim.analysis.shares import tabulate
    from gansim.reporting import writing
    from gansim.reporting.report import check_folder, write_report
    from gansim.running.execution import stored
    from gansim.running.frame import labelled_runs
    from gansim.running.results import open_results
    from gansim.storage.parquet import write_runs

    results = open_results(options.folder)
    given = {f.name: getattr(options, f.name) for f in fields(Thresholds) if getattr(options, f.name) is not None}
    try:
        thresholds = replace(results.thresholds, **given)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    out = options.out or results.folder / RELABELLED
    study, found = results.study, results.read()
    before_that = check_folder(out, study.name) or {}
    if changed_now := {name: x for name, x in before_that.items() if x != asdict(thresholds).get(name)}:
        teller("gansim", quiet=False)(f"{out}: labels under {_changes(changed_now)} are replaced")
    before = labelled_runs(study, found, results.thresholds)["regime"]
    done = stored(study, found, thresholds)  # its stopping rule held for the labels that were
    after = done.runs
    try:
        out.mkdir(parents=True, exist_ok=True)
        made_of = {"traces": results.metadata.get("digest", {}).get("traces")}
        write_runs(out / RUNS, after, {"study": study.name, "thresholds": asdict(thresholds), **made_of})
        write_report(done, out, not options.no_figures)
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot write ({error.strerror or error}): mend that, or choose another --out"
        ) from error
    changed = int((before.astype(str) != after["regime"].astype(str)).sum())
    show_page(writing.markdown(tabulate(after, ["design"], "regime"), f"{study.name} under {_changes(given)}"))
    show(f"{changed:,} of {len(after):,} runs have another regime than before", out)


def _changes(given: dict[str, float]) -> str:
    return (
        ", ".join(f"{name} = {str(value).removesuffix('.0')}" for name, value in given.items())
        or "the thresholds it had"
    )


# --- report -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Report(Folder, Reporting, Quiet):
    """What ``gansim report`` takes."""


def report(options: Report) -> None:
    """Write tables and figures of stored runs anew, simulating nothing."""
    from gansim.reporting.loading import load

    results = load(options.folder)
    results.write_report(not options.no_figures, False if options.quiet else None)
    show(results.folder)


# --- merge --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Merge(Place, Reporting, Quiet):
    """What ``gansim merge`` takes."""

    folders: Annotated[tuple[Path, ...], Help("Results folders of the shards.", "FOLDER", positional=True)]
    force: Annotated[bool, "Start that folder over; what it holds is kept in another."] = False
    no_tables: Annotated[bool, "Neither tables nor figures, for a study with its own."] = False


def merge(options: Merge) -> None:
    """Put shards of a study together."""
    from gansim.running import merging

    report = False if options.no_tables else usual_report(options)
    say = teller("gansim", options.quiet)
    done = merging.merge(options.folders, options.out, options.force, False, say, report)
    show(options.out / done.study.name)
