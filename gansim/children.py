"""Child processes: each imports what its parent would, nothing else from the current folder, and ends when it does.

A Ctrl-C is the parent's to act on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

__all__ = ["SAFE_PATH", "end_with", "have_streams", "open_streams", "python", "safe_path", "signals_held_back"]

SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""What keeps a Python process from looking for modules in the current folder, in its environment."""

# What ends a study, by name: Windows has no SIGHUP.
_ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
_LOOK_EVERY = 0.5  # seconds between looks at whether the parent is still there


def python(code: str) -> list[str]:
    """Command line of a Python process that finds modules where this one does.

    ``python -c`` alone would search the current folder before the standard library, where a file of a user's may be
    called random.py or json.py.

    Parameters
    ----------
    code : str
        What it runs.

    Returns
    -------
    list of str
        The words of the command.
    """
    above = str(Path(__file__).parents[1])
    here = [path for path in sys.path if path]  # an empty one is the current folder, of an interactive session
    return [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {[*here, above]!a}; {code}"]


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """Give `SAFE_PATH` to processes that others start meanwhile, such as joblib's, and put the environment back."""
    before = {name: os.environ.get(name) for name in SAFE_PATH}
    os.environ.update(SAFE_PATH)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Keep Ctrl-C and its like from threads and processes that are started here: the parent acts on it, and stops them.

    A terminal sends it to all of them, and one that is just importing NumPy answers with a traceback. Processes and
    threads inherit what is held back.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def have_streams() -> None:
    """Have a stdout and a stderr from now on, which take all and keep nothing where somebody has closed them."""
    for name in ("stdout", "stderr"):
        if not _is_open(getattr(sys, name)):
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


@contextlib.contextmanager
def open_streams() -> Iterator[None]:
    """Have a stdout and a stderr meanwhile, and their numbers and that of stdin taken: a daemon may have closed them.

    loky flushes both when it starts a process. A pipe to one that got the number of stderr would be its stderr.
    """
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as stack:
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest that is free
            os.set_inheritable(number, True)
            stack.callback(os.close, number)
        os.close(number)
        for name, stream in zip(("stdout", "stderr"), before, strict=True):
            if not _is_open(stream):
                setattr(sys, name, stack.enter_context(open(os.devnull, "w", encoding="utf-8")))
                stack.callback(setattr, sys, name, stream)
        yield


def _is_open(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed


def end_with(parent: int, clean_up: Callable[[], object] = lambda: None) -> None:
    """End this process at once when its parent is gone, whatever has become of that.

    A worker waits at a queue whose other end it holds itself, so that it would never see the end of it. A thread looks,
    since what Linux can send at a parent's death is sent at the death of the thread that started the child. Nothing
    where the number of the parent does not change when it dies, as on Windows.

    Parameters
    ----------
    parent : int
        The process that is to be there.
    clean_up : callable, optional
        What to do before.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY)
        try:
            clean_up()
        finally:
            os._exit(1)  # the main thread may be in compiled code, or wait for ever

    if os.name == "posix":
        threading.Thread(target=watch, name="gansim-parent", daemon=True).start()
