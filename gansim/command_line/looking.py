"""Verbs that look at results, or compute without any: show, replay, plan, versions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from gansim.command_line.guard import show, show_page, teller
from gansim.command_line.options import Help
from gansim.errors import ConfigError, shown
from gansim.model.fields import Integer, OneOf, Real
from gansim.storage.names import METADATA, TRACES

__all__ = [
    "Folder",
    "Plan",
    "Replay",
    "Show",
    "Versions",
    "plan",
    "print_versions",
    "replay",
    "show_results",
]

_MOST_ROWS = 60  # of all tables together, that are printed without being asked for


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Which results."""

    folder: Annotated[Path, Help("A results folder, such as results/regimes.", "FOLDER", positional=True)]


# --- show ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Show(Folder):
    """What ``gansim show`` takes."""

    table: Annotated[str | None, Help("Print this table, or all.", "NAME")] = None
    versions: Annotated[bool, "Print what computed the results, and on which machine."] = False
    html: Annotated[bool, "Open the report in a browser, made anew where it is missing or altered."] = False
    out: Annotated[
        Path | None,
        Help("With --html: make the report anew, as this file; what has to be made goes to a temporary one else."),
    ] = None


def show_results(options: Show) -> None:
    """Print tables of a results folder, or what computed it."""
    from gansim.storage import reported
    from gansim.storage.metadata_json import read_metadata

    if options.html:
        _open_page(options)
        return
    if options.out is not None:
        raise ConfigError("--out: only with --html, which may have a page to make")
    folder = options.folder.parent if options.folder.name == METADATA else options.folder
    metadata = read_metadata(folder)
    if options.versions:
        _print_facts({**metadata.get("versions", {}), **metadata.get("machine", {})})
        facts = {name: metadata.get(name) for name in ("kernel", "source", "git", "command", "seed")}
        facts |= {name: metadata[name] for name in ("mixed_versions",) if name in metadata}
        _print_facts(facts | {"git": _commit(metadata.get("git"))})
        return
    texts = {path.stem: path for path in sorted((folder / "tables").glob("*.md"))}
    pages = {name: _text(path) for name, path in texts.items()}
    if options.table not in (None, "all"):
        if options.table not in pages:
            raise ConfigError(
                f"table: value {shown(options.table)}: "
                + (f"one of {', '.join(pages)}" if pages else "there are no tables: gansim report writes them")
            )
        remarks = _remarks(folder, metadata, [f"tables/{options.table}.md"])
        show_page(pages[options.table])
        for remark in remarks:
            teller("gansim", quiet=False)(remark)
        return
    complete = metadata.get("status", "complete") == "complete"
    remarks = _remarks(folder, metadata) if pages or reported.files(metadata) else []
    remarks += filter(None, [reported.relabelled_remark(folder, metadata) if complete else ""])
    show(f"study {metadata['study']}: {_status(folder, metadata)}", *remarks)
    rows = {name: max(0, sum(line.startswith("|") for line in page.splitlines()) - 2) for name, page in pages.items()}
    if options.table is None and sum(rows.values()) > _MOST_ROWS:
        wide = max(map(len, pages))
        show("", *(f"{name:<{wide}}  {rows[name]:4,} rows  {_caption(pages[name])}" for name in pages))
        show("", "print one with --table NAME, or all with --table all")
        return
    for name, page in pages.items():
        show("", f"## {name}", "")
        show_page(page.strip())
    if not pages and complete:
        show(f"{folder / 'tables'}: no tables: gansim report {shlex.quote(str(folder))} writes them")


def _open_page(options: Show) -> None:
    """Show a report in a browser: the one that was written, or one that is made of what lies in the folder."""
    import tempfile
    import webbrowser

    from gansim.pages.report import page_again, page_of_tables
    from gansim.running.results import open_results
    from gansim.storage import disk, reported
    from gansim.storage.metadata_json import read_metadata
    from gansim.storage.names import PAGE

    if options.out is not None and options.out.exists():
        raise ConfigError(f"out: value {shown(str(options.out))}: exists: choose another file")
    folder = options.folder.parent if options.folder.name == METADATA else options.folder
    metadata = read_metadata(folder)
    page = folder / PAGE
    written = PAGE in reported.files(metadata) and page.is_file() and not reported.faults(folder, metadata, [PAGE])
    if options.out is not None or not written or metadata.get("status") != "complete":
        if metadata.get("designs"):
            teller("gansim", quiet=False)("making the report: its typical runs are trained again")
            text = page_again(open_results(folder))
        else:
            text = page_of_tables(folder, metadata)
        page = options.out or Path(tempfile.mkdtemp(prefix="gansim-")) / PAGE
        try:
            disk.write_text(page, text)
        except OSError as error:
            raise ConfigError(f"{page}: cannot write ({error.strerror or error}): choose another --out") from error
    show(page)
    if not webbrowser.open(page.resolve().as_uri()):
        teller("gansim", quiet=False)("no browser was found: open that file in one")


def _remarks(folder: Path, metadata: Mapping[str, Any], names: Sequence[str] | None = None) -> list[str]:
    """What a reader must know of files that were reported, by default of all: altered, missing, of other runs."""
    from gansim.storage import reported

    if metadata.get("status", "complete") != "complete":
        return ["the tables here are those of earlier results, or not all are written"]
    if reported.RECORD not in metadata and "digest" in metadata:
        return ["the tables here were written apart from these results, and may be those of earlier ones"]
    return reported.faults(folder, metadata, names)


def _status(folder: Path, metadata: Mapping[str, Any]) -> str:
    """How much of a study a folder holds, and how to go on."""
    from gansim.running.results import open_results

    runs = metadata.get("runs")
    if metadata.get("status", "complete") == "complete":
        lacking = "" if not runs or (folder / TRACES).exists() else f"; {open_results(folder).lacking}"
        return "complete" + (f", {runs:,} runs" if runs else "") + lacking
    saved, wanted = open_results(folder).saved()
    if metadata.get("merging"):
        return f"not complete, {saved:,} of {wanted:,} runs merged: merge the other shards, too"
    if "shard" not in metadata:
        return f"not complete, {saved:,} of {wanted:,} runs saved: the same command goes on ({metadata.get('command')})"
    return f"shard {metadata['shard']}, {saved:,} of its {wanted:,} runs saved: see gansim merge"


def _caption(page: str) -> str:
    return next((line.strip() for line in page.splitlines() if line.strip()), "")


def _commit(git: object) -> str:
    """The commit of the source in words, from the metadata."""
    if not isinstance(git, Mapping) or not git.get("commit"):
        return "unknown: not computed in a checkout"
    return f"{git['commit']}{' with changes that are not committed' if git.get('dirty') else ''}"


def _text(path: Path) -> str:
    if not path.is_file():  # a pipe would be waited for
        raise ConfigError(f"{path}: no file: run the study again")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: no text in UTF-8: run the study again") from None


def _print_facts(facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        show(f"{name:<12} {value}")


# --- replay -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Replay(Folder):
    """What ``gansim replay`` takes."""

    cell: Annotated[str, "Its number, or levels that it alone has: samples=32,generator=affine."]
    rep: Annotated[int, Integer(0, 2**32 - 1), "Replicate number."]
    animate: Annotated[
        Literal["gif", "mp4"] | None,
        OneOf(("gif", "mp4")),
        Help("An animation too: gif, or mp4 (needs ffmpeg).", bare="gif"),
    ] = None
    frames: Annotated[int, Integer(2, 1000), "Moments at which the networks are shown."] = 81
    out: Annotated[Path | None, "Where to make the folder replay/; by default in the results folder."] = None


def replay(options: Replay) -> None:
    """One run again: its trace, a figure, an animation."""
    from gansim.model.configurations import with_networks
    from gansim.reporting.run_folder import replay_to
    from gansim.running.results import open_results

    results = open_results(options.folder)
    cell = results.find_cell(options.cell)
    stored: dict[str, Any] | None = None
    runs = results.read_runs()
    if runs is not None:
        mine = runs[(runs["cell"] == cell) & (runs["rep"] == options.rep)]
        stored = {str(name): value for name, value in mine.iloc[0].to_dict().items()} if len(mine) else None
    written = replay_to(
        options.out or results.folder,
        with_networks(results.study.cells[cell].gan),
        options.rep,
        results.study.seed,
        cell=cell,
        study=results.study.name,
        animate_as=options.animate,
        frames=options.frames,
        thresholds=results.thresholds,
        stored=stored,
        progress=True,
    )
    show(results.study.cells[cell].describe() + f", replicate {options.rep}")
    if stored is None:
        show("not among the stored runs: nothing to compare with")
    else:
        show(f"{stored['regime']}; its last record has the stored bits")
    show(*written)


# --- plan, versions -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What ``gansim plan`` takes, within the limits of `gansim.analysis.planner`, which may be narrower together."""

    mcse: Annotated[
        float | None,
        Real(1e-9, 1.0, above=True, below=True),
        "Monte-Carlo standard error wanted of a share; 0.01 if nothing else is asked for.",
    ] = None
    half_width: Annotated[
        float | None, Real(1e-9, 0.5, above=True, below=True), "Half width wanted of a share's Wilson interval."
    ] = None
    difference: Annotated[
        float | None,
        Real(-1.0, 1.0, above=True, below=True),
        "Difference of two cells' shares that a test is to find.",
    ] = None
    share: Annotated[float, Real(0.0, 1.0), "The share that is expected; 0.5 is the worst case."] = 0.5
    correlation: Annotated[float, Real(-1.0, 1.0), "Of the outcomes of a pair."] = 0.0
    power: Annotated[float, Real(0.0, 1.0, above=True, below=True), "Of the test."] = 0.8
    level: Annotated[float, Real(1e-9, 1.0, above=True, below=True), "Of the interval; the test's is 1 minus it."] = (
        0.95
    )
    reps: Annotated[int | None, Integer(1, 10_000_000), "What this many replicates show, instead."] = None


def plan(options: Plan) -> None:
    """Replicates for an error, an interval or a power."""
    from gansim.analysis import planner
    from gansim.reporting import writing

    if options.reps is not None:
        found = planner.seen(options.reps, (0.5, 0.1, 0.01), options.correlation, options.power, options.level)
        caption = (
            f"What {options.reps:,} replicates per cell show. detectable: difference of two cells that a test finds "
            f"with power {options.power:g}; zero_high: largest share that none of {options.reps:,} runs still allows."
        )
        show_page(writing.markdown(found, caption))
        return
    aims: dict[str, Any] = {"half_width": options.half_width, "difference": options.difference}
    mcse = options.mcse if options.mcse is not None or any(value is not None for value in aims.values()) else 0.01
    rest: dict[str, Any] = {name: getattr(options, name) for name in ("share", "correlation", "power", "level")}
    show_page(
        writing.markdown(
            planner.plan(mcse, **aims, **rest), "Replicates per cell. approximate: of the test, by Connor's formula."
        )
    )


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What ``gansim versions`` takes: nothing."""


def print_versions(_: Versions) -> None:
    """Print the versions of everything that results depend on, and the machine."""
    from gansim.storage import provenance

    _print_facts({**provenance.versions(), **provenance.machine()})
