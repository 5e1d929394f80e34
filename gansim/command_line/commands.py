"""The ``gansim`` command: run a study from a file, and look at, check, repeat and join results."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from gansim.command_line.cli import guarded, show, show_page, teller
from gansim.errors import ConfigError, shown
from gansim.storage.names import METADATA, RUNS

if TYPE_CHECKING:
    from gansim.running.execution import Report
    from gansim.running.results import Results

__all__ = ["main"]

_DIFFER = 1  # exit code of `gansim verify` when something does not agree
_MOST_ROWS = 60  # of all tables together, that are printed without being asked for


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals are one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message} (--help lists what is possible)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``gansim`` command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        Exit code: 0; 1 when `verify` finds a difference, or a study ends without some of its runs; 2 after a refusal;
        130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; 141 when the output is piped into a program that stops
        reading.

    Examples
    --------
    >>> main(["--nonsense"])  # says on stderr: gansim: error: ...
    2
    """
    return guarded("gansim", lambda: _command(argv))


def _command(argv: Sequence[str] | None) -> int | None:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        from gansim._version import __version__

        show(f"gansim {__version__}")
        return None
    if arguments.command is None:
        parser.print_help()
        return None
    action: Callable[[argparse.Namespace], int | None] = arguments.action
    return action(arguments)


# --- arguments ----------------------------------------------------------------------------------


def _parser() -> _Parser:
    parser = _Parser(
        prog="gansim",
        description="Simulation studies of GAN training. The studies of this repository are scripts that take the "
        "same options: see README.",
        epilog="gansim COMMAND --help says more. Exit codes: 0; 1 when verify finds a difference or runs could not be "
        "computed; 2 after a refusal; 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; 141 when whoever read the "
        "output stopped.",
    )
    parser.add_argument("--version", action="store_true", help="print gansim's version")
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, (text, declare, action) in _VERBS.items():
        description = f"{text[0].upper()}{text[1:]}.{_MORE.get(name, '')}"
        verb = verbs.add_parser(name, help=text, description=description)
        declare(verb)
        verb.set_defaults(action=action)
    return parser


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"value {shown(text)}: an integer from {low:,} to {high:,}")
        return value

    return read


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"value {shown(text)}: a number") from None


def _jobs(text: str) -> int:
    return -1 if text == "-1" else _whole(1, 4096)(text)


def _folder(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("folder", type=Path, help="a results folder, such as results/regimes")


def _workers(verb: argparse.ArgumentParser) -> None:
    from gansim.running.pool import Backend

    verb.add_argument(
        "--jobs", type=_jobs, default=-1, help="workers, -1 for one per core (default); changes no result"
    )
    verb.add_argument(
        "--backend", choices=get_args(Backend), default="threads", help="kind of workers; changes no result"
    )
    verb.add_argument("--scheduler", metavar="ADDRESS", help="of a dask cluster, for --backend dask")
    verb.add_argument("--quiet", action="store_true", help="show no progress")


def _execution(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "jobs": options.jobs,
        "backend": options.backend,
        "scheduler": options.scheduler,
        "progress": False if options.quiet else None,
    }


def _say(options: argparse.Namespace) -> Callable[[str], object]:
    return teller("gansim", getattr(options, "quiet", False))


# --- run ----------------------------------------------------------------------------------------


def _run_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", type=Path, help="a study in TOML, or a metadata.json (docs/harness.md has the schema)")
    verb.add_argument("--reps", type=_whole(1, 10_000_000), help="replicates per cell, instead of those in the file")
    verb.add_argument("--seed", type=_whole(0, 2**64 - 1), help="seed of the study, instead of the one in the file")
    verb.add_argument("--out", type=Path, default=Path("results"), help="where the study makes its folder (results)")
    verb.add_argument("--force", action="store_true", help="start over; earlier results are kept in another folder")
    verb.add_argument(
        "--shard", metavar="I/N", help="simulate this part of the runs only, such as 2/8; see gansim merge"
    )
    verb.add_argument("--dry-run", action="store_true", help="say what would be simulated, and how long it takes")
    text = "add replicates to cells until the Monte-Carlo error of every share is at most this, such as 0.01"
    verb.add_argument("--target-mcse", metavar="ERROR", type=_number, help=text)
    text = "with --target-mcse: replicates of a cell that are not exceeded (100000)"
    verb.add_argument("--most-reps", metavar="REPS", type=_whole(1, 10_000_000), default=100_000, help=text)
    verb.add_argument("--no-figures", action="store_true", help="write the tables only")
    _workers(verb)


def _run(options: argparse.Namespace) -> None:
    from gansim.command_line import cli
    from gansim.design import schema
    from gansim.running.study import Study
    from gansim.storage.metadata_json import read_metadata

    described = schema.read(options.file)
    if described.recorded:
        read_metadata(options.file)  # refused if it is damaged
    study = Study.from_description(described.changed(options.seed, options.reps))
    shared = {field.name for field in fields(cli.StudyOptions)} - {"reps", "seed"}
    chosen = cli.StudyOptions(**{name: value for name, value in vars(options).items() if name in shared})
    if cli.execute(study, chosen, _report(options)):
        show(options.out / study.name)


def _report(options: argparse.Namespace) -> Report:
    """What writes the tables and figures of a study."""
    from gansim.reporting.report import write_report

    return lambda done, folder: write_report(done, folder, not options.no_figures, _say(options))


# --- verify -------------------------------------------------------------------------------------


def _verify_arguments(verb: argparse.ArgumentParser) -> None:
    _folder(verb)
    which = verb.add_mutually_exclusive_group()
    which.add_argument("--runs", type=_whole(1, 2**40), default=100, help="how many, drawn at random (100)")
    which.add_argument("--all", action="store_true", help="all runs")
    verb.add_argument("--draw", type=_whole(0, 2**32), default=0, help="seed of the draw (0)")
    verb.add_argument("--fresh", action="store_true", help="compile anew: machine code that was kept is not used")
    _workers(verb)


def _verify(options: argparse.Namespace) -> int:
    from gansim.running.verify import verify

    runs = None if options.all else options.runs
    verdict = verify(options.folder, runs, options.draw, **_execution(options), fresh=options.fresh)
    show(*verdict.lines())
    return 0 if verdict.passed else _DIFFER


# --- replay -------------------------------------------------------------------------------------


def _replay_arguments(verb: argparse.ArgumentParser) -> None:
    _folder(verb)
    verb.add_argument(
        "--cell", required=True, help="its number, or levels that it alone has: samples=32,generator=affine"
    )
    verb.add_argument("--rep", required=True, type=_whole(0, 2**32 - 1), help="replicate number, from 0")
    verb.add_argument(
        "--animate",
        nargs="?",
        const="gif",
        choices=("gif", "mp4"),
        help="an animation too: gif (default), or mp4 (needs ffmpeg)",
    )
    verb.add_argument("--frames", type=_whole(2, 1000), default=81, help="moments at which the networks are shown (81)")
    verb.add_argument("--out", type=Path, help="where to make the folder replay/ (the results folder)")


def _replay(options: argparse.Namespace) -> None:
    from gansim.reporting import film
    from gansim.running.results import open_results

    results = open_results(options.folder)
    cell = find_cell(results, options.cell)
    stored, runs = None, results.read_runs()
    if runs is not None:
        mine = runs[(runs["cell"] == cell) & (runs["rep"] == options.rep)]
        stored = mine.iloc[0].to_dict() if len(mine) else None
    written = film.replay_to(
        options.out or results.folder,
        results.study.cells[cell].gan,
        options.rep,
        results.study.seed,
        cell=cell,
        study=results.study.name,
        animate_as=options.animate,
        frames=options.frames,
        thresholds=results.thresholds,
        stored=stored,
    )
    show(results.study.cells[cell].describe() + f", replicate {options.rep}")
    if stored is None:
        show("not among the stored runs: nothing to compare with")
    else:
        show(f"{stored['regime']}; its last record has the stored bits")
    show(*written)


def find_cell(results: Results, text: str) -> int:
    """Return the number of the cell that a user means.

    Parameters
    ----------
    results : Results
        The results folder.
    text : str
        Its number, or levels that one cell alone has: ``samples=32,generator=affine``; ``design=games`` may be among
        them.

    Raises
    ------
    ConfigError
        If no cell, or more than one, is meant.
    """
    cells = results.study.cells
    if text.strip().isdecimal():
        if len(text.strip()) < 10 and int(text) < len(cells):
            return int(text)
        raise ConfigError(f"cell: value {text:.60}: a number from 0 to {len(cells) - 1:,}")
    wanted = dict(part.partition("=")[::2] for part in text.split(","))
    named = {name.strip(): level.strip() for name, level in wanted.items()}
    known = {"design": None} | {name: None for cell in cells for name in cell.levels}
    if unknown := [name for name in named if name not in known]:
        raise ConfigError(
            f"cell: value {shown(text)}: {shown(unknown[0], 40)} is no factor; there are {', '.join(known)}"
        )
    found = [
        cell
        for cell in cells
        if all(str({**cell.levels, "design": cell.design}.get(name)) == level for name, level in named.items())
    ]
    if len(found) == 1:
        return found[0].index
    some = "; ".join(f"{cell.index}: {cell.describe()}" for cell in (found or cells)[:3])
    raise ConfigError(f"cell: value {shown(text)}: {len(found)} cells have these levels, one is needed ({some} ...)")


# --- show ---------------------------------------------------------------------------------------


def _show_arguments(verb: argparse.ArgumentParser) -> None:
    _folder(verb)
    verb.add_argument("--table", metavar="NAME", help="print this table, or all")
    verb.add_argument("--versions", action="store_true", help="print what computed the results, and on which machine")


def _show(options: argparse.Namespace) -> None:
    from gansim.storage import reported
    from gansim.storage.metadata_json import read_metadata

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
                f"table: value {shown(options.table)}: one of {', '.join(pages) or 'none: there are no tables'}"
            )
        remarks = _remarks(folder, metadata, [f"tables/{options.table}.md"])
        show_page(pages[options.table])
        for remark in remarks:
            _say(options)(remark)
        return
    complete = metadata.get("status", "complete") == "complete"
    remarks = _remarks(folder, metadata) if pages or reported.files(metadata) else []
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
        show(f"{folder / 'tables'}: no tables")


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
        return "complete" + (f", {runs:,} runs" if runs else "")
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
}


def _relabel_arguments(verb: argparse.ArgumentParser) -> None:
    from gansim.model.regimes import Thresholds

    _folder(verb)
    for field in fields(Thresholds):
        text = f"{_THRESHOLDS[field.name]} ({field.default})"
        verb.add_argument("--" + field.name.replace("_", "-"), metavar="X", type=_number, help=text)
    verb.add_argument("--out", type=Path, help="folder to write to (FOLDER/relabelled)")
    verb.add_argument("--no-figures", action="store_true", help="write the tables only")


def _relabel(options: argparse.Namespace) -> None:
    from gansim.analysis.shares import tabulate
    from gansim.model.regimes import Thresholds
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
    out = options.out or results.folder / "relabelled"
    study, found = results.study, results.read()
    before_that = check_folder(out, study.name) or {}
    if changed_now := {name: x for name, x in before_that.items() if x != asdict(thresholds).get(name)}:
        _say(options)(f"{out}: labels under {_changes(changed_now)} are replaced")
    before = labelled_runs(study, found, results.thresholds)["regime"]
    done = stored(study, found, thresholds)  # its stopping rule held for the labels that were
    after = done.runs
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_runs(out / RUNS, after, {"study": study.name, "thresholds": asdict(thresholds)})
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


# --- merge --------------------------------------------------------------------------------------


def _merge_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("folders", nargs="+", type=Path, help="results folders of the shards")
    verb.add_argument("--out", type=Path, default=Path("results"), help="where to make the study's folder (results)")
    verb.add_argument("--force", action="store_true", help="start that folder over; what it holds is kept in another")
    verb.add_argument("--no-figures", action="store_true", help="write the tables only")
    verb.add_argument("--no-tables", action="store_true", help="neither tables nor figures, for a study with its own")
    verb.add_argument("--quiet", action="store_true", help="say nothing of each folder")


def _merge(options: argparse.Namespace) -> None:
    from gansim.running.merging import merge

    report = None if options.no_tables else _report(options)
    done = merge(options.folders, options.out, options.force, False, _say(options), report)
    show(options.out / done.study.name)


# --- plan ---------------------------------------------------------------------------------------


def _plan_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--mcse", type=_number, help="Monte-Carlo standard error wanted of a share (0.01 if nothing else is asked for)"
    )
    verb.add_argument("--half-width", type=_number, help="half width wanted of a share's Wilson interval")
    verb.add_argument("--difference", type=_number, help="difference of two cells' shares that a test is to find")
    verb.add_argument("--share", type=_number, default=0.5, help="the share that is expected (0.5, the worst case)")
    verb.add_argument("--correlation", type=_number, default=0.0, help="of the outcomes of a pair (0)")
    verb.add_argument("--power", type=_number, default=0.8, help="of the test (0.8)")
    verb.add_argument("--level", type=_number, default=0.95, help="of the interval; the test's is 1 minus it (0.95)")
    verb.add_argument("--reps", type=_whole(1, 10_000_000), help="what this many replicates show, instead")


def _plan(options: argparse.Namespace) -> None:
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
    aims = {"half_width": options.half_width, "difference": options.difference}
    mcse = options.mcse if options.mcse is not None or any(value is not None for value in aims.values()) else 0.01
    rest = {name: getattr(options, name) for name in ("share", "correlation", "power", "level")}
    show_page(
        writing.markdown(
            planner.plan(mcse, **aims, **rest), "Replicates per cell. approximate: of the test, by Connor's formula."
        )
    )


# --- versions -----------------------------------------------------------------------------------


def _versions(options: argparse.Namespace) -> None:
    from gansim.storage import provenance

    _print_facts({**provenance.versions(), **provenance.machine()})


_Verb = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], "int | None"]]
_MORE = {
    "run": " What is finished is saved; ended early, the same command goes on.",
    "show": " Long tables are listed with their captions.",
    "verify": " Exit code 1 if something differs. A folder without its parquet files, as in a fresh clone, is compared "
    "by digest, with --all.",
    "replay": " All is written to FOLDER/replay/CELL-REP/.",
    "relabel": " What is not given stays as it was; in brackets: gansim's default. Results go to another folder.",
    "merge": " The shards' folders stay as they are. For a study that is a script: merge with --no-tables, then run "
    "the script, which finds all runs done and writes its own tables.",
}
_VERBS: dict[str, _Verb] = {
    "run": ("run a study that a TOML file, or the metadata.json of a folder, describes", _run_arguments, _run),
    "show": ("print the tables of a results folder, or what computed it", _show_arguments, _show),
    "verify": ("simulate stored runs again and compare every bit", _verify_arguments, _verify),
    "replay": ("one run again: its whole trace, a figure, an animation", _replay_arguments, _replay),
    "relabel": ("label stored runs by other thresholds, simulating nothing", _relabel_arguments, _relabel),
    "merge": ("put shards of a study together", _merge_arguments, _merge),
    "plan": ("replicates for an error, an interval or a power", _plan_arguments, _plan),
    "versions": (
        "print the versions of everything that results depend on, and the machine",
        lambda verb: None,
        _versions,
    ),
}
