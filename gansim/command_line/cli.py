"""The command line of studies: the options they share, what they do, refusals in one line.

A study script hands `run_study` its main function and its default options::

    from gansim.command_line.cli import StudyOptions, run_study

    def main(options: StudyOptions) -> None: ...

    if __name__ == "__main__":
        run_study(main, StudyOptions(reps=1000, steps=5000), quick=StudyOptions(reps=64, steps=1000))
"""

from __future__ import annotations

import _thread
import contextlib
import dataclasses
import difflib
import inspect
import io
import os
import re
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TextIO, TypeVar

from gansim import escaping
from gansim.children import have_streams
from gansim.errors import ConfigError, Refused, one_line
from gansim.model.fields import Integer, Real, checks_of
from gansim.model.stopping import StoppingRule
from gansim.running.execution import Report
from gansim.running.shard import Shard
from gansim.running.simulating import RunsError
from gansim.running.study import Study

if TYPE_CHECKING:
    from gansim.model.regimes import Thresholds

__all__ = ["Options", "StudyOptions", "execute", "guarded", "parse_options", "run_study", "show", "show_page", "teller"]

_INCOMPLETE = 1  # exit code when some runs could not be computed
_REFUSED = 2  # exit code of a bad option or an impossible configuration
_BY_SIGNAL = 128  # and the number of the signal: exit code of what a signal ended, as shells report it
_AGAIN = 0.02  # seconds after which an interrupt that was lost is sent again
_UNREAD = 141  # exit code when whoever reads the output, such as head, has had enough, as shells report it


def _error(value: object) -> float | None:
    return None if value is None else Real(0.0, 0.5, above=True, below=True)(value)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be set on the command line of every script under studies/, whether it simulates a design or not.

    Subclass it to add a script's own options: the text under a field is its help. `run_study` checks the ranges.
    """

    quick: bool = False
    """A smaller, shorter study, to try things out; every other option still applies."""

    jobs: Annotated[int, Integer(1, 4096, also=(-1,), what=", or -1 for one per core")] = -1
    """Workers, -1 for one per core; changes no run."""

    out: Path = Path("results")
    """Folder, in the current one if it is no whole path, in which the study makes its own, named after it."""

    no_figures: bool = False
    """Write the tables only."""

    quiet: bool = False
    """Show no progress."""


@dataclass(frozen=True, kw_only=True)
class StudyOptions(Options):
    """What can be set on the command line of every study of runs, with the defaults.

    Examples
    --------
    >>> StudyOptions(reps=200).reps
    200
    """

    reps: Annotated[int, Integer(1, 10_000_000)] = 1000
    """Replicates per cell, 1 to 10,000,000."""

    steps: Annotated[int, Integer(1, 10**8)] = 5000
    """Training steps per run, 1 to 100,000,000."""

    seed: Annotated[int, Integer(0, 2**64 - 1)] = 0
    """Seed of the study, 0 to 2^64 - 1."""

    backend: Literal["threads", "loky", "dask"] = "threads"
    """Kind of workers: threads, processes (loky), a cluster (dask); changes no result."""

    scheduler: str | None = None
    """Address of the cluster's scheduler, such as tcp://10.0.0.1:8786, for --backend dask."""

    force: bool = False
    """Start over: earlier results of the study are kept in another folder, next to it."""

    dry_run: bool = False
    """Say what would be simulated and about how long it takes, and do nothing."""

    shard: str | None = None
    """Part i/N, such as 2/8: simulate these runs only, into a folder of their own; `gansim merge` joins the parts."""

    target_mcse: Annotated[float | None, _error] = None
    """Add replicates to cells until the Monte-Carlo error of every share is at most this, above 0, below 0.5."""

    most_reps: Annotated[int, Integer(1, 10_000_000)] = 100_000
    """With --target-mcse: replicates of a cell that are not exceeded, 1 to 10,000,000."""


OptionsT = TypeVar("OptionsT", bound=Options)


# --- options ------------------------------------------------------------------------------------


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
    arguments = list(sys.argv[1:] if argv is None else argv)
    short = dataclasses.replace(quick or full, quick=False)
    default = short if "--quick" in arguments else full
    if quick is not None:
        changed = [name for name in _names(full) if name != "quick" and getattr(quick, name) != getattr(full, name)]
        settings = ", ".join(f"{_flag(name)} {getattr(quick, name)}" for name in changed)
        description += f"\n\nWith --quick the defaults are {settings}." if changed else ""
    options, rest = _parse(default, arguments, description.strip())
    if rest:
        if not rest[0].startswith("-"):
            raise ConfigError(f"{rest[0]}: an argument too many (--help lists the options)")
        known = [_flag(name) for name in _names(full)] + ["--help"]
        close = difflib.get_close_matches(rest[0].partition("=")[0], known, n=1, cutoff=0.0)[0]
        raise ConfigError(f"{rest[0]}: no such option; did you mean {close}? (--help lists them)")
    return _checked(options)


def _names(options: Options) -> list[str]:
    return [field.name for field in dataclasses.fields(options)]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _checked(options: OptionsT) -> OptionsT:
    """Validate every field, those of subclasses too; text that was meant to be a number is refused here."""
    checked: dict[str, Any] = {}
    refusals: list[tuple[str, str]] = []
    for name, check in checks_of(type(options)).items():
        try:
            checked[name] = check(getattr(options, name))
        except Refused as refused:
            refusals.append((_flag(name), refused.text()))
    if refusals:
        raise ConfigError.of(refusals)
    return dataclasses.replace(options, **checked)


def _parse(default: OptionsT, arguments: list[str], description: str) -> tuple[OptionsT, list[str]]:
    """Parse with tyro, whose refusals are boxes of many lines; here they become one."""
    import tyro

    registry = tyro.constructors.ConstructorRegistry()
    registry.primitive_rule(_integer_rule)
    registry.primitive_rule(_optional_rule)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            return tyro.cli(
                type(default),
                prog=_prog(),
                default=default,
                args=arguments,
                description=description,
                return_unknown_args=True,
                config=(tyro.conf.FlagCreatePairsOff,),
                registry=registry,
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise ConfigError(_unboxed(printed.getvalue())) from None


def _integer_rule(type_info: Any) -> Any:
    """Rule for tyro: text that is no integer passes, so that the range check refuses it with what is allowed."""
    import tyro

    if type_info.type is not int:
        return None

    def parse(texts: list[str]) -> Any:
        try:
            return int(texts[0])
        except ValueError:
            return texts[0]

    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="INT",
        instance_from_str=parse,
        is_instance=lambda value: isinstance(value, int),
        str_from_instance=lambda value: [str(value)],
    )


def _optional_rule(type_info: Any) -> Any:
    """Rule for tyro: an option that may be left out shows what it takes, and not the name of a Python type."""
    import tyro

    kinds: dict[Any, tuple[Callable[[str], Any], str]] = {
        float | None: (_number_or_text, "NUMBER"),
        str | None: (str, "TEXT"),
    }
    if type_info.type not in kinds:
        return None
    read, metavar = kinds[type_info.type]
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda texts: read(texts[0]),
        is_instance=lambda value: value is None or isinstance(value, (str, float, int)),
        str_from_instance=lambda value: ["none" if value is None else str(value)],
    )


def _number_or_text(text: str) -> Any:
    """A number; other text passes, so that the range check refuses it with what is allowed."""
    try:
        return float(text)
    except ValueError:
        return text


def _unboxed(text: str) -> str:
    """Message of one of tyro's boxes: the lines after the title, up to the next rule."""
    lines = [line.strip("│╭╮╰╯ ") for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]
    words: list[str] = []
    for line in [line for line in lines if line][1:]:
        if not line.strip("─- "):
            if words:
                break
            continue
        words.append(line)
    return " ".join(words) or "the options cannot be read (--help lists them)"


# --- running a study ----------------------------------------------------------------------------


def run_study(
    main: Callable[[OptionsT], object],
    full: OptionsT,
    quick: OptionsT | None = None,
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Parse the options, run a study's main function, and exit.

    A bad option, an impossible configuration or a folder that cannot be used ends with one line on stderr and exit
    code 2; Ctrl-C with one line and exit code 130, SIGTERM with 143, a terminal that is closed (SIGHUP) with 129. Any
    other exception is a defect and keeps its traceback.

    Parameters
    ----------
    main : callable
        The study: takes the options. Its module's docstring becomes the description in ``--help``.
    full : Options
        The defaults.
    quick : Options, optional
        The defaults with ``--quick``.
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Raises
    ------
    SystemExit
        Always: 0 when the study ran to its end.
    """
    description = inspect.getdoc(inspect.getmodule(main)) or ""
    sys.exit(guarded(_prog(), lambda: main(parse_options(full, quick, argv, description))))


def _prog() -> str:
    return Path(sys.argv[0]).name or "study"


def guarded(prog: str, action: Callable[[], int | object]) -> int:
    """Run something; turn refusals, failed tasks, Ctrl-C, SIGTERM and SIGHUP into one line on stderr and an exit code.

    The two signals are taken while it runs, if this is the main thread and nobody else has taken them: a program that
    has handlers of its own keeps them, and what is started by nohup goes on when its terminal is closed.

    Parameters
    ----------
    prog : str
        How the program is called.
    action : callable
        What to do; an integer that it returns is the exit code.

    Returns
    -------
    int
        0, or what `action` returned; 1 if some runs could not be computed, or memory does not suffice; 2 after a
        refusal; 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; 141 if the output is a pipe that nobody reads
        any more.
    """
    have_streams()  # or a file of ours would get the number of one that is closed
    code = _guarded(prog, action)
    _let_go_of(sys.stderr)
    return code


def _guarded(prog: str, action: Callable[[], int | object]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a label may hold what the terminal has no letter for
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _ended_by_signals(), _felt():
            try:
                code = action()
            except SystemExit:  # after --help
                sys.stdout.flush()
                raise
            sys.stdout.flush()
    except RunsError as error:
        details = {failure.detail for failure in error.failures if failure.detail}
        _tell("\n".join([*sorted(details), f"{prog}: error: {one_line(error)}"]))
        return _INCOMPLETE
    except (ConfigError, OSError) as error:
        if isinstance(error, OSError) and _let_go_of(sys.stdout) and isinstance(error, BrokenPipeError):
            return _UNREAD
        _tell(f"{prog}: error: {one_line(error)}")
        return _REFUSED
    except KeyboardInterrupt as error:
        signum = _signal_of(error)
        _tell(f"{prog}: {'interrupted' if signum == signal.SIGINT else f'ended by {signum.name}'}")
        return _BY_SIGNAL + signum
    except MemoryError as error:
        _tell(f"{prog}: error: not enough memory ({one_line(error)}): fewer runs or records")
        return _INCOMPLETE
    return code if isinstance(code, int) else 0


class _Ended(KeyboardInterrupt):
    """SIGTERM or SIGHUP: whatever is prepared for Ctrl-C is prepared for it."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.signum = signum


def _signal_of(error: BaseException | None) -> signal.Signals:
    return signal.Signals(getattr(error, "signum", signal.SIGINT))


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise, where they would end the process at once."""

    def end(signum: int, _: object) -> None:
        raise _Ended(signum)

    named = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    main = threading.current_thread() is threading.main_thread()  # no other may set handlers
    taken = [signum for signum in named if main and signal.getsignal(signum) is signal.SIG_DFL]
    for signum in taken:
        signal.signal(signum, end)
    try:
        yield
    finally:
        for signum in taken:
            signal.signal(signum, signal.SIG_DFL)


def _send(signum: signal.Signals) -> None:
    """Press Ctrl-C, or its like, for this process alone."""
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, signum)  # wakes it if it sleeps
    else:
        _thread.interrupt_main(signum)


@contextlib.contextmanager
def _felt() -> Iterator[None]:
    """Let no Ctrl-C get lost: one that comes while an object is being freed is only printed; it is sent again."""
    lost: list[threading.Timer] = []
    heard: list[BaseException | None] = []
    former = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            former(unraisable)
            return
        heard.append(unraisable.exc_value)
        lost.append(threading.Timer(_AGAIN, _send, [_signal_of(unraisable.exc_value)]))
        lost[-1].daemon = True
        lost[-1].start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = former
        for timer in lost:
            timer.cancel()
    if heard:
        raise heard[-1] or KeyboardInterrupt


def show(*lines: object) -> None:
    """Print lines on stdout, with whatever a terminal would obey shown as text: names and files may be anybody's.

    Parameters
    ----------
    lines : object
        Each becomes one line, whatever it holds.
    """
    show_page("\n".join(map(escaping.line, lines)))


def show_page(text: str) -> None:
    """Print a text of several lines on stdout, as `show` does.

    Parameters
    ----------
    text : str
        Its line breaks are kept.
    """
    print(escaping.page(text))


def teller(name: str, quiet: bool) -> Callable[[str], object]:
    """Return what says a line on stderr, and never fails.

    Parameters
    ----------
    name : str
        Who says it.
    quiet : bool
        Say nothing.
    """
    return lambda text: None if quiet else _tell(f"{name}: {text}")


def _tell(text: str) -> None:
    """Say something on stderr, if somebody hears it."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
        print(escaping.page(text), file=sys.stderr, flush=True)


def _let_go_of(stream: TextIO) -> bool:
    """Whether a stream is no file; one that takes nothing is left, or Python says so in several lines as it ends."""
    try:
        piped = not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        stream.flush()
    except io.UnsupportedOperation:  # a stream of a program that calls this one
        return False
    except OSError:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
    return piped


def execute(
    study: Study, options: StudyOptions, report: Report | None = None, thresholds: Thresholds | None = None
) -> bool:
    """Run a study as the options say.

    Parameters
    ----------
    study : Study
        The study.
    options : StudyOptions
        Where to, with which workers, all of it or a shard, or nothing at all.
    report : callable, optional
        As for `Study.run`: writes tables and figures. Not called after a dry run or a shard.
    thresholds : Thresholds, optional
        Definitions of the labels.

    Returns
    -------
    bool
        Whether the study is complete: not after a dry run or a shard.

    Raises
    ------
    ConfigError, RunsError
        As `Study.run` does; also if options contradict each other.
    """
    if options.shard is not None and options.target_mcse is not None:
        raise ConfigError("shard: not with target-mcse, which decides by all runs together")
    shard = None if options.shard is None else Shard.parse(options.shard)
    rule = None if options.target_mcse is None else StoppingRule(options.target_mcse, most_reps=options.most_reps)
    where = {"out": options.out, "jobs": options.jobs, "backend": options.backend, "scheduler": options.scheduler}
    how: dict[str, Any] = {**where, "progress": False if options.quiet else None, "force": options.force}
    if options.dry_run:
        from gansim.running import preview

        show(*preview.describe(study, options.jobs, shard))
        return False
    if shard is not None:
        show(study.run_shard(shard, thresholds=thresholds, **how))
        return False
    study.execute(thresholds=thresholds, report=report, stopping=rule, **how)
    return True
