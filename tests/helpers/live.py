"""A page as the engine sees it: what takes its messages apart and answers them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from threading import Condition
from typing import Any

import numpy as np

from gansim.live.engine import Engine
from gansim.live.request import Request
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP

PATIENCE = 300.0  # seconds: what is waited for takes milliseconds, or a compiler's time while others compile
GANS = GAN(Normal(2, 0.5), generator=MLP((4,)), discriminator=MLP((4,)), steps=40, records=8, n_eval=32)


def decoded(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Head and arrays of a message, taken apart by what gansim/live/frames.py says of it."""
    [length] = struct.unpack_from("<I", message)
    head = json.loads(message[4 : 4 + length])
    arrays, at = {}, 4 + length
    for name, kind, size in head["arrays"]:
        arrays[name] = np.frombuffer(message, {"float32": "<f4", "uint8": "u1"}[kind], size, at)
        at += -(-arrays[name].nbytes // 4) * 4
    assert at == len(message)
    return head, arrays


class Page:
    """A page that draws every frame at once, unless it is told to be slow."""

    def __init__(self, engine: Engine, draws: bool = True) -> None:
        self.draws, self.got = draws, Condition()
        self.heads: list[dict[str, Any]] = []
        self.arrays: list[dict[str, np.ndarray]] = []
        self.session = engine.session(self._take)

    def _take(self, message: bytes) -> None:
        head, arrays = decoded(message)
        with self.got:
            self.heads.append(head)
            self.arrays.append(arrays)
            self.got.notify_all()
        if head["kind"] == "frame" and self.draws:
            self.session.acknowledge()

    def ask(self, generation: int, *gans: GAN, n: int = 20, seed: int = 3, **how: Any) -> None:
        self.session.configure(Request(gans or (GANS,), n, seed), generation, **how)

    def frames(self, generation: int) -> list[dict[str, Any]]:
        return [head for head in self.heads if head["kind"] == "frame" and head["generation"] == generation]

    def wait(self, for_what: Callable[[], object]) -> None:
        """Wait until something is true of what has arrived."""
        with self.got:
            assert self.got.wait_for(for_what, PATIENCE), f"waited in vain; {[head['kind'] for head in self.heads]}"

    def wait_for_end(self, generation: int) -> dict[str, Any]:
        self.wait(lambda: any(frame["done"] for frame in self.frames(generation)))
        return next(frame for frame in self.frames(generation) if frame["done"])
