"""Child processes: each imports what its parent would, nothing else from the current folder, and ends when it does."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["SAFE_PATH", "end_with", "open_streams", "python", "safe_path"]

SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""What keeps a Python process from looking for modules in the current folder, in its environment."""

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
def open_streams() -> Iterator[None]:
    """Have a stdout and a stderr, which loky flushes when it starts a process: a daemon may have closed them."""
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None or stream.closed:
                setattr(sys, name, stack.enter_context(open(os.devnull, "w", encoding="utf-8")))
                stack.callback(setattr, sys, name, stream)
        yield


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
