"""The ``gansim`` command: its verbs, and what calls them."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gansim.command_line import exploring, looking, starting, working
from gansim.command_line.guard import guarded, show
from gansim.command_line.options import declare, parser, read

__all__ = ["main"]


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
    known = _parser()
    arguments = known.parse_args(argv)
    if arguments.version:
        from gansim._version import __version__

        show(f"gansim {__version__}")
        return None
    if arguments.command is None:
        known.print_help()
        return None
    verb = _VERBS[arguments.command]
    return verb.action(read(arguments, verb.options))


class _Verb(NamedTuple):
    """A verb: what it does, in the list of verbs; what it takes; what does it; examples; what more its help says."""

    told: str
    options: type[Any]
    action: Callable[[Any], int | None]
    examples: tuple[tuple[str, str], ...]  # what is typed after the verb, what that does
    more: str = ""


_VERBS = {
    "init": _Verb(
        "write a commented file of a study that runs as it is",
        starting.Init,
        starting.init,
        (
            ("", "my-regimes.toml: a grid of games and scales of the data"),
            ("rates --out thesis.toml", "learning rates; the study is called thesis"),
            ("observed", "my-observed.toml and the values it learns, my-observed.csv"),
        ),
        "Nothing is overwritten.",
    ),
    "run": _Verb(
        "run a study that a TOML file, or the metadata.json of a folder, describes",
        working.Run,
        working.run,
        (
            ("rates.toml --dry-run", "says what would run, and for how long"),
            ("rates.toml", "writes results/rates/: runs, tables, figures"),
            ("rates.toml --reps 200 --out results", "more replicates: those that are there are kept"),
            ("rates.toml --target-mcse 0.02", "replicates until every share is known so well"),
        ),
        "What is finished is saved; ended early, the same command goes on. gansim init writes a file to start from.",
    ),
    "show": _Verb(
        "print the tables of a results folder, or what computed it",
        looking.Show,
        looking.show_results,
        (
            ("results/rates", "all tables, or a list if they are long"),
            ("results/regimes --table v_of_three", "one of them"),
            ("results/regimes --versions", "software, processor, commit, command"),
            ("results/rates --html", "the report in a browser: what happened, runs that play, figures, tables"),
        ),
        "Long tables are listed with their captions.",
    ),
    "report": _Verb(
        "write the tables and figures of a results folder anew, simulating nothing",
        working.Report,
        working.report,
        (("results/rates", "in place of those that are there"), ("results/rates --no-figures", "tables alone")),
        "A study whose script writes tables of its own is given that script's command instead.",
    ),
    "explore": _Verb(
        "train GANs in a page, and look at results",
        exploring.Explore,
        exploring.explore,
        (("", "opens a page on this machine; Ctrl-C ends it"), ("results/regimes", "and these results beside it")),
        'Needs packages of its own: pip install "gansim[explore]". Only this machine and this user may connect.',
    ),
    "verify": _Verb(
        "simulate stored runs again and compare every bit",
        working.Verify,
        working.verify,
        (
            ("results/regimes --runs 50", "50 runs, drawn at random"),
            ("results/regimes --all", "all, also where the parquet files are not there"),
        ),
        "Exit code 1 if something differs. A folder without its parquet files, as in a fresh clone, is compared by "
        "digest, with --all.",
    ),
    "replay": _Verb(
        "one run again: its whole trace, a figure, an animation",
        looking.Replay,
        looking.replay,
        (
            ("results/regimes --cell 17 --rep 3 --animate", "a GIF beside trace and figure"),
            ("results/regimes --cell samples=32,generator=affine --rep 0", "a cell by its levels"),
        ),
        "All is written to FOLDER/replay/CELL-REP/.",
    ),
    "relabel": _Verb(
        "label stored runs by other thresholds, simulating nothing",
        working.Relabel,
        working.relabel,
        (("results/regimes --w1 0.3", "converged: Wasserstein-1 of up to 0.3 standard deviations"),),
        "What is not given stays as it was. Results go to another folder.",
    ),
    "merge": _Verb(
        "put shards of a study together",
        working.Merge,
        working.merge,
        (
            ("results/rates.shard-*-of-50", "those of gansim run rates.toml --shard 1/50 to 50/50"),
            ("results/regimes.shard-* --no-tables", "of a script, which is run once more"),
        ),
        "The shards' folders stay as they are. For a study that is a script: merge with --no-tables, then run the "
        "script, which finds all runs done and writes its own tables.",
    ),
    "plan": _Verb(
        "replicates for an error, an interval or a power",
        looking.Plan,
        looking.plan,
        (
            ("--mcse 0.005 --share 0.9", "a standard error of half a point, of a share near 90 %"),
            ("--difference 0.1", "so that a test finds a difference of ten points"),
            ("--reps 100", "what 100 replicates show"),
        ),
    ),
    "versions": _Verb(
        "print the versions of everything that results depend on, and the machine",
        looking.Versions,
        looking.print_versions,
        (("", "for a report of a problem"),),
    ),
}


def _parser() -> argparse.ArgumentParser:
    known = parser(
        "gansim",
        "Simulation studies of GAN training.\nThe studies of this repository are scripts with the same options, see "
        "README.",
        "to start:\n  gansim init\n  gansim run my-regimes.toml\n  gansim show results/my-regimes\n\n"
        "gansim COMMAND --help says more. Exit codes: 0; 1 when verify finds a difference or runs\ncould not be "
        "computed; 2 after a refusal; 130 after Ctrl-C, 143 after SIGTERM, 129 after\nSIGHUP; 141 when whoever read "
        "the output stopped.",
    )
    known.add_argument("--version", action="store_true", help="print gansim's version")
    verbs = known.add_subparsers(dest="command", metavar="COMMAND")
    for name, verb in _VERBS.items():
        described = f"{verb.told[0].upper()}{verb.told[1:]}. {verb.more}".strip()
        lines = [f"  # {does}\n  gansim {name} {typed}".rstrip() for typed, does in verb.examples]
        own = verbs.add_parser(
            name,
            help=verb.told,
            description=textwrap.fill(described, 80),
            epilog="\n".join(["examples:", *lines]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        declare(own, verb.options)
    return known
