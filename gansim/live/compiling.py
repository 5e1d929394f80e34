"""Compiling for whoever watches, in another process: in this one it would hold up every page for half a second."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from threading import Thread

from gansim.children import end_with, python
from gansim.engine import compile_ahead as ahead
from gansim.kernels.compiling import cache, jit
from gansim.model.gan import GAN
from gansim.model.own.games import OwnGame

__all__ = ["Compiling", "compile_given", "is_compiled", "load"]


def is_compiled(gans: Sequence[GAN]) -> bool:
    """Whether all that these configurations need is on disk already, or nothing is compiled at all.

    Losses of somebody's own count as there: no other process knows them, so they are compiled where they are.
    """
    new = [gan for gan in _unknown(gans) if not isinstance(gan.game, OwnGame)]
    return not new or not jit.COMPILES or not ahead._missing(new)


def load(gans: Sequence[GAN]) -> None:
    """Load what these configurations need from disk, or compile it here; nothing is done twice."""
    if new := _unknown(gans):
        ahead.compile_ahead(new)


def _unknown(gans: Sequence[GAN]) -> list[GAN]:
    """Those that need what this process has not loaded yet: asking the disk and a short run take 5 ms."""
    return [gan for gan in gans if ahead._shape(gan) not in ahead._ready]


class Compiling:
    """A process that compiles what some configurations need, into the cache that this one reads.

    Parameters
    ----------
    gans : sequence of GAN
        The configurations.
    """

    def __init__(self, gans: Sequence[GAN]) -> None:
        self._process = subprocess.Popen(
            python(f"from gansim.live.compiling import compile_given; compile_given({os.getpid()})"),
            env=os.environ | cache.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # In a thread: a pipe holds 64 kB, and observed values may be millions.
        Thread(target=self._tell, args=(pickle.dumps(list(gans)),), daemon=True).start()

    def _tell(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as stream:
                stream.write(data)
        except OSError:  # it has failed already; then this process finds nothing in the cache, and compiles
            pass

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def compile_given(parent: int) -> None:
    """What the other process does, as long as its parent is there: read configurations, and compile what they need."""
    end_with(parent)
    ahead.compile_ahead(pickle.load(sys.stdin.buffer))
