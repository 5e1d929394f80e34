"""gansim and the yardsticks, timed in turn, so that a clock that drifts is the same for all of them."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from peers.yardstick import MISSING


class Peer:
    """A yardstick in a process of its own, which runs when told to."""

    def __init__(self, script: str, *options: str) -> None:
        self.name = script
        command = [sys.executable, str(Path(__file__).with_name(f"{script}.py")), "--on-demand", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ready(self) -> dict[str, str]:
        """Wait until it has compiled and warmed up; the versions of its packages, none if one is missing."""
        return (self._line() or {}).get("versions", {})

    @property
    def skipped(self) -> bool:
        """Whether a package is missing; the yardstick has said so on stderr."""
        return self.process.poll() == MISSING

    def rate(self) -> float:
        """GAN-steps a second of one timed run; NaN if skipped."""
        if self.skipped:
            return math.nan
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self._line()["gan_steps_per_second"])

    def _line(self) -> dict | None:
        """The next line of JSON; None where a package is missing."""
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        if self.skipped:
            return None
        raise OSError(f"{self.name}.py ended with exit code {self.process.returncode}")

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, where: TracebackType | None) -> None:
        """Let the process end."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def in_turn(rates: Mapping[Any, Callable[[], float]], rounds: int) -> dict[Any, np.ndarray]:
    """The rates of each, (rounds,), all of them measured in every round; NaN where there is none."""
    found = [{name: rate() for name, rate in rates.items()} for _ in range(rounds)]
    return {name: np.array([each[name] for each in found]) for name in rates}
