"""What runs under a command: refusals, failures and signals as one line and an exit code; what is said, and to whom."""

from __future__ import annotations

import _thread
import contextlib
import io
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from gansim import escaping
from gansim.children import have_streams
from gansim.errors import ConfigError, one_line, told_to_command_line
from gansim.running.simulating import RunsError

__all__ = ["guarded", "show", "show_page", "teller"]

_INCOMPLETE = 1  # exit code when some runs could not be computed
_REFUSED = 2  # exit code of a bad option or an impossible configuration
_BY_SIGNAL = 128  # and the number of the signal: exit code of what a signal ended, as shells report it
_AGAIN = 0.02  # seconds after which an interrupt that was lost is sent again
_UNREAD = 141  # exit code when whoever reads the output, such as head, has had enough, as shells report it


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
        with _ended_by_signals(), _felt(), told_to_command_line():
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
