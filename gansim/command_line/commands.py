"""The ``gansim`` command: its verbs, and what calls them."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gansim.command_line import looking, working
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
    """A verb: what it does, in the list of verbs; what it takes; what does it; an example; what more its help says."""

    told: str
    options: type[Any]
    action: Callable[[Any], int | None]
    example: str
    more: str = ""


_VERBS = {
    "run": _Verb(
        "run a study that a TOML file, or the metadata.json of a folder, describes",
        working.Run,
        working.run,
        "rates.toml --reps 200 --out results",
        "What is finished is saved; ended early, the same command goes on.",
    ),
    "show": _Verb(
        "print the tables of a results folder, or what computed it",
        looking.Show,
        looking.show_results,
        "results/regimes --table v_of_three",
        "Long tables are listed with their captions.",
    ),
    "verify": _Verb(
        "simulate stored runs again and compare every bit",
        working.Verify,
        working.verify,
        "results/regimes --runs 50",
        "Exit code 1 if something differs. A folder without its parquet files, as in a fresh clone, is compared by "
        "digest, with --all.",
    ),
    "replay": _Verb(
        "one run again: its whole trace, a figure, an animation",
        looking.Replay,
        looking.replay,
        "results/regimes --cell 17 --rep 3 --animate",
        "All is written to FOLDER/replay/CELL-REP/.",
    ),
    "relabel": _Verb(
        "label stored runs by other thresholds, simulating nothing",
        working.Relabel,
        working.relabel,
        "results/regimes --w1 0.3",
        "What is not given stays as it was. Results go to another folder.",
    ),
    "merge": _Verb(
        "put shards of a study together",
        working.Merge,
        working.merge,
        "results/rates.shard-*-of-50",
        "The shards' folders stay as they are. For a study that is a script: merge with --no-tables, then run the "
        "script, which finds all runs done and writes its own tables.",
    ),
    "plan": _Verb(
        "replicates for an error, an interval or a power", looking.Plan, looking.plan, "--mcse 0.005 --share 0.9"
    ),
    "versions": _Verb(
        "print the versions of everything that results depend on, and the machine",
        looking.Versions,
        looking.print_versions,
        "",
    ),
}


def _parser() -> argparse.ArgumentParser:
    known = parser(
        "gansim",
        "Simulation studies of GAN training.\nThe studies of this repository are scripts with the same options, see "
        "README.",
        "gansim COMMAND --help says more. Exit codes: 0; 1 when verify finds a difference or runs\ncould not be "
        "computed; 2 after a refusal; 130 after Ctrl-C, 143 after SIGTERM, 129 after\nSIGHUP; 141 when whoever read "
        "the output stopped.",
    )
    known.add_argument("--version", action="store_true", help="print gansim's version")
    verbs = known.add_subparsers(dest="command", metavar="COMMAND")
    for name, verb in _VERBS.items():
        described = f"{verb.told[0].upper()}{verb.told[1:]}. {verb.more}".strip()
        example = f"Example: gansim {name} {verb.example}".rstrip()
        own = verbs.add_parser(name, help=verb.told, description=textwrap.fill(described, 100), epilog=example)
        declare(own, verb.options)
    return known
