"""Progress of a study on stderr; stdout stays clean for tables."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from gansim import escaping
from gansim.design.in_words.wording import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LINE_EVERY", "Progress", "bar_of", "duration", "in_notebook", "is_terminal"]

LINE_EVERY = 10.0
"""Seconds between progress lines where there is no terminal."""


class Progress:
    """A bar on a terminal or in a notebook, a line every ten seconds elsewhere, nothing if silent.

    In a notebook what is said goes to its output, where stderr would be red, and what is wrong to stderr.

    The unit is the GAN-step, one training step of one run: runs differ in length.

    Parameters
    ----------
    name : str
        Of the study.
    reps, steps : sequence of int
        Replicates, and training steps of a run, of every cell.
    silent : bool
        Say nothing but what is wrong.
    stream : file, optional
        Where to; by default stderr.
    """

    def __init__(
        self, name: str, reps: Sequence[int], steps: Sequence[int], silent: bool, stream: TextIO | None = None
    ) -> None:
        self.stream: TextIO | None = stream or sys.stderr  # Python has none where it was closed
        self.notebook = stream is None and in_notebook()
        self.silent = silent
        self.name = name
        self.n_runs = sum(reps)
        self.reps = tuple(reps)
        self.steps_of = np.array(steps)
        self.bar: Any = None

    def over(self, wanted: NDArray[np.bool_]) -> Progress:
        """Set what is to be done: these runs, the others are there."""
        per_run = np.repeat(self.steps_of, self.reps)
        self.todo, self.before = int(np.count_nonzero(wanted)), self.n_runs - int(np.count_nonzero(wanted))
        self.n_steps = int(per_run[wanted].sum())
        self.runs = self.steps = 0
        return self

    def say(self, text: str) -> None:
        """Say something, unless silent."""
        if not self.silent:
            self._write(text, sys.stdout if self.notebook else self.stream)

    def warn(self, text: str) -> None:
        """Say what is wrong, silent or not; a study does not end because nobody can hear it."""
        self._write(text, self.stream)

    def _write(self, text: str, stream: TextIO | None) -> None:
        try:
            if stream is not None:
                stream.write(escaping.line(f"{self.name}: {text}") + "\n")
                stream.flush()
        except (OSError, ValueError):  # nobody hears it, or the stream is closed
            self.stream = None

    def __enter__(self) -> None:
        self.started = self.last = time.perf_counter()
        if not self.silent and (self.notebook or is_terminal(self.stream)):
            self.bar = bar_of(self.notebook)(
                total=self.n_steps,
                desc=self.name,
                unit=" GAN-steps",
                unit_scale=True,
                file=sys.stdout if self.notebook else self.stream,
                dynamic_ncols=True,
            )

    def advance(self, cells: NDArray[np.integer[Any]]) -> None:
        """Count runs of these cells as done."""
        steps = int(self.steps_of[cells].sum())
        self.runs += len(cells)
        self.steps += steps
        if self.bar is not None:
            self.bar.update(steps)
        elif time.perf_counter() - self.last >= LINE_EVERY:
            self.last = time.perf_counter()
            self.say(self._line(self.last - self.started))

    def _line(self, elapsed: float) -> str:
        rate = self.steps / elapsed
        left = (self.n_steps - self.steps) / rate
        share = 100 * self.steps / self.n_steps
        runs = f"{self.before + self.runs:,} of {self.n_runs:,} runs"
        return f"{runs} ({share:.0f} %), {_rate(rate)}, {duration(left)} left"

    def __exit__(self, kind: object, *_: object) -> None:
        elapsed = max(time.perf_counter() - self.started, 1e-9)
        if self.bar is not None:
            self.bar.close()
        if kind is None:
            self.say(f"{count(self.todo, 'run')} in {duration(elapsed)}, {_rate(self.steps / elapsed)}")


def in_notebook() -> bool:
    """Whether this is a kernel that shows pages: Jupyter's, and not IPython in a terminal."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


def bar_of(notebook: bool) -> Any:
    """The class of the bar: a page's own where it can show widgets, else one of letters."""
    if notebook:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is something better than letters, if one installs it
            from tqdm.auto import tqdm as chosen
        return chosen
    from tqdm import tqdm

    return tqdm


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sees it as it is written; not if it is closed."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _rate(steps_per_second: float) -> str:
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if steps_per_second >= factor:
            return f"{steps_per_second / factor:.3g} {prefix} GAN-steps/s"
    return f"{steps_per_second:.3g} GAN-steps/s"


def duration(seconds: float) -> str:
    """Seconds in words, such as "3 min 20 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60) if seconds >= 3600 else int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min {int(seconds % 60)} s"
    return f"{minutes // 60} h {minutes % 60} min"
