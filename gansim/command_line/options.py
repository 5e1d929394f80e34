"""Options as fields of a dataclass: declared to argparse, checked, and refused in one line.

A field is an option; ``Annotated`` holds its help, and its check from `gansim.model.fields`, whose range is told with
it. `Help` says what is unusual. What several commands share is a class here that they inherit from.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from gansim.errors import ConfigError, Refused, shown
from gansim.model.fields import Integer, Real, checks_of

__all__ = [
    "Executing",
    "Help",
    "Options",
    "Place",
    "Quiet",
    "Reporting",
    "Running",
    "StudyOptions",
    "Workers",
    "declare",
    "parse_options",
    "parser",
    "read",
]


@dataclass(frozen=True)
class Help:
    """What is told of an option, and what is unusual about it.

    Parameters
    ----------
    text : str
        What it does.
    metavar : str, optional
        What its value is called; by default after its type.
    positional : bool, default False
        It has no name: the first such field is the first argument.
    bare : str, optional
        Its value where it is given without one.
    unset : str, optional
        What holds where it is not given and nothing else was said before.
    """

    text: str
    metavar: str | None = None
    positional: bool = False
    bare: str | None = None
    unset: str | None = None


# --- what commands share --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """Whether anything is said on the way."""

    quiet: Annotated[bool, "Show no progress."] = False


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """How many workers."""

    jobs: Annotated[
        int, Integer(1, 4096, also=(-1,), what=", or -1 for one per core"), "Workers; changes no result."
    ] = -1


@dataclass(frozen=True, kw_only=True)
class Workers(Jobs):
    """Which workers."""

    backend: Annotated[
        Literal["threads", "loky", "dask"],
        "Kind of workers: threads, processes (loky), a cluster (dask); changes no result.",
    ] = "threads"
    scheduler: Annotated[
        str | None, "Address of the cluster's scheduler, such as tcp://10.0.0.1:8786, for --backend dask."
    ] = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where results go."""

    out: Annotated[
        Path, "Folder, in the current one if it is no whole path, in which the study makes its own, named after it."
    ] = Path("results")


@dataclass(frozen=True, kw_only=True)
class Reporting:
    """What is written."""

    no_figures: Annotated[bool, "Write the tables only."] = False


@dataclass(frozen=True, kw_only=True)
class Running:
    """What of a study is run, and what becomes of earlier results."""

    force: Annotated[bool, "Start over: earlier results are kept in another folder, next to it."] = False
    dry_run: Annotated[bool, "Say what would be simulated and about how long it takes, and do nothing."] = False
    shard: Annotated[
        str | None,
        Help(
            "Part of the runs, such as 2/8: simulate these only, into a folder of their own; gansim merge joins them.",
            "I/N",
        ),
    ] = None
    target_mcse: Annotated[
        float | None,
        Real(0.0, 0.5, above=True, below=True),
        "Add replicates to cells until the Monte-Carlo error of every share is at most this, such as 0.01.",
    ] = None
    most_reps: Annotated[
        int, Integer(1, 10_000_000), "With --target-mcse: replicates of a cell that are not exceeded."
    ] = 100_000


@dataclass(frozen=True, kw_only=True)
class Options(Place, Jobs, Reporting, Quiet):
    """What can be set on the command line of every script under studies/, whether it simulates a design or not.

    Subclass it to add a script's own options, as `StudyOptions` does. `gansim.command_line.cli.run_study` checks the
    ranges.
    """

    quick: Annotated[bool, "A smaller, shorter study, to try things out; every other option still applies."] = False


@dataclass(frozen=True, kw_only=True)
class Executing(Place, Workers, Running, Quiet):
    """What every command that runs a study takes; `gansim.command_line.cli.execute` does it."""


@dataclass(frozen=True, kw_only=True)
class StudyOptions(Options, Executing):
    """What can be set on the command line of every study of runs, with the defaults.

    Examples
    --------
    >>> StudyOptions(reps=200).reps
    200
    """

    reps: Annotated[int, Integer(1, 10_000_000), "Replicates per cell."] = 1000
    steps: Annotated[int, Integer(1, 10**8), "Training steps per run."] = 5000
    seed: Annotated[int, Integer(0, 2**64 - 1), "Seed of the study."] = 0


OptionsT = TypeVar("OptionsT", bound=Options)
_AnyOptions = TypeVar("_AnyOptions")


# --- a dataclass -> argparse ----------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals are one line."""

    def error(self, message: str) -> NoReturn:
        lacking = re.fullmatch(r"argument (--[\w-]+)(?:/\S+)?: expected one argument", message)
        told = f"{lacking[1]}: nothing given: a value" if lacking else message
        raise ConfigError(f"{told} (--help lists what is possible)")


def parser(prog: str, description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """A parser whose refusals are a `ConfigError` of one line."""
    return _Parser(
        prog=prog, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def declare(into: argparse.ArgumentParser, kind: type[Any], default: Any = None) -> None:
    """Declare every field of a dataclass as an option.

    Parameters
    ----------
    into : ArgumentParser
        Takes them; what is not given is not set, so that `read` knows.
    kind : type
        The dataclass.
    default : object, optional
        One of it, for the defaults that the help tells; by default those of the fields.
    """
    hints = get_type_hints(kind, include_extras=True)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    own_first = [name for cls in kind.__mro__ for name in vars(cls).get("__annotations__", {}) if name in fields]
    for field in map(fields.__getitem__, own_first):
        hint = hints[field.name]
        told = _help(hint)
        value = getattr(default, field.name, field.default)
        text = _told(told, hint, value).replace("%", "%%")
        how: dict[str, Any] = {"default": argparse.SUPPRESS, "help": text}
        plain = hint.__origin__ if get_origin(hint) is Annotated else hint
        if plain is bool:
            into.add_argument(_flag(field.name), action="store_true", **how)
            continue
        many = get_origin(plain) is tuple
        how |= {"metavar": told.metavar or _metavar(plain), "type": _reader(plain)}
        how |= {"nargs": "+"} if many else {"nargs": "?", "const": told.bare} if told.bare else {}
        if told.positional:
            if not many and value is not dataclasses.MISSING:
                how |= {"nargs": "?", "type": _unless_left_out(how["type"])}
            into.add_argument(field.name, **how)
        else:
            into.add_argument(_flag(field.name), required=value is dataclasses.MISSING, **how)


def read(given: argparse.Namespace, kind: type[_AnyOptions], default: _AnyOptions | None = None) -> _AnyOptions:
    """The options of a dataclass from what was parsed.

    Parameters
    ----------
    given : Namespace
        Of a parser that `declare` told of the class.
    kind : type
        The dataclass.
    default : object, optional
        One of it, for what was not given; by default the defaults of its fields.

    Raises
    ------
    ConfigError
        If a value is refused; of several, all are told.
    """
    fields: tuple[Any, ...] = dataclasses.fields(kind)  # type: ignore[arg-type]
    values = {} if default is None else {one.name: getattr(default, one.name) for one in fields}
    values |= {one.name: getattr(given, one.name) for one in fields if hasattr(given, one.name)}
    refusals: list[tuple[str, str]] = []
    hints = get_type_hints(kind, include_extras=True)
    for name, check in checks_of(kind).items():
        try:
            if values.get(name) is not None:  # None is a default, and nobody can type it
                values[name] = check(values[name])
        except Refused as refused:
            refusals.append((name if _help(hints[name]).positional else _flag(name), refused.text()))
    if refusals:
        raise ConfigError.of(refusals)
    return kind(**values)


def parse_options(
    full: OptionsT, quick: OptionsT | None = None, argv: Sequence[str] | None = None, description: str = ""
) -> OptionsT:
    """Read the command line of a study.

    Parameters
    ----------
    full : Options
        The defaults.
    quick : Options, optional
        The defaults with ``--quick``; the same class. By default those of `full`.
    argv : sequence of str, optional
        The arguments; by default those of the process.
    description : str, optional
        First lines of ``--help``.

    Returns
    -------
    Options
        Of the class of `full`, every range checked.

    Raises
    ------
    ConfigError
        If an option is unknown or refused; the message is one line and names it.
    SystemExit
        After ``--help``.
    """
    names = [field.name for field in dataclasses.fields(full)]
    if quick is not None:
        changed = [name for name in names if name != "quick" and getattr(quick, name) != getattr(full, name)]
        settings = ", ".join(f"{_flag(name)} {getattr(quick, name)}" for name in changed)
        description += f"\n\nWith --quick the defaults are {settings}." if changed else ""
    known = parser(prog(), description.strip())
    declare(known, type(full), full)
    given, rest = known.parse_known_args(sys.argv[1:] if argv is None else list(argv))
    if rest:
        raise ConfigError(_unknown(rest[0], map(_flag, names)))
    return read(given, type(full), dataclasses.replace(quick or full, quick=False) if hasattr(given, "quick") else full)


def prog() -> str:
    """How this process's script is called."""
    return Path(sys.argv[0]).name or "study"


def _unknown(argument: str, flags: Iterable[str]) -> str:
    if not argument.startswith("-"):
        return f"{shown(argument, 60)[1:-1]}: an argument too many (--help lists the options)"
    close = difflib.get_close_matches(argument.partition("=")[0], [*flags, "--help"], n=1, cutoff=0.0)[0]
    return f"{argument}: no such option; did you mean {close}? (--help lists them)"


def _unless_left_out(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader of an argument that may be left out: argparse would have it read what stands for nothing."""
    return lambda text: text if text is argparse.SUPPRESS else read(text)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _help(hint: Any) -> Help:
    """What an annotation says of its option."""
    for one in getattr(hint, "__metadata__", ()):
        if isinstance(one, Help):
            return one
        if isinstance(one, str):
            return Help(one)
    return Help("")


def _told(told: Help, hint: Any, value: object) -> str:
    """Help, the range that the annotation states, the default."""
    allowed = [one.allowed for one in getattr(hint, "__metadata__", ()) if isinstance(one, (Integer, Real))]
    default = (
        []
        if told.positional or any(value is one for one in (None, False, dataclasses.MISSING))
        else [f"default: {value}"]
    )
    default += [f"gansim's own: {told.unset}"] if told.unset else []
    return f"{told.text} ({'; '.join([*allowed, *default])})" if allowed or default else told.text


def _kind(plain: Any) -> Any:
    """The type of one value: that of the items of a tuple, or of what may be None."""
    if get_origin(plain) is Literal:
        return plain
    return next(kind for kind in get_args(plain) or (plain,) if kind not in (NoneType, Ellipsis))


def _metavar(plain: Any) -> str:
    kind = _kind(plain)
    if get_origin(kind) is Literal:
        return "{" + ",".join(get_args(kind)) + "}"
    return {int: "INT", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def _reader(plain: Any) -> Callable[[str], Any]:
    """From text to the field's type; what is no number stays text, for the check to refuse it with what is allowed."""
    kind = _kind(plain)

    def number(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return number if kind in (int, float) else Path if kind is Path else str
