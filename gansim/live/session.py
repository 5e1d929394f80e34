"""A session: what one page asks to see, and what it has been shown.

Any thread may ask; only the engine's thread trains, a slice at a time, so that nothing is read while it moves. Whoever
asks anew raises the generation: what belongs to an earlier one is given up silently, and the newest wins.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gansim.analysis.comparisons import paired
from gansim.design.regimes import D_STATES, G_STATES
from gansim.live.compiling import Compiling, is_compiled, load
from gansim.live.ensemble import Ensemble
from gansim.live.frames import encode
from gansim.live.request import Request
from gansim.live.threads import Threads
from gansim.live.watched import Watched
from gansim.showing.views import View

__all__ = ["Session"]

_FRAME = 1 / 20  # seconds from frame to frame, at least
_SLICE = (0.055, 0.1)  # seconds of training in a turn: to be worth the looking, and so that others need not wait
_WORTH = 4.5  # times as long as a look takes: with what records take, two thirds of the time are training's
_POLL = 0.05  # seconds between looks at whether something is compiled
_CREDIT = 2  # frames that a page may have before it says that it has drawn one
NEVER = math.inf


@dataclass
class _Asked:
    """What a page wants, as it said last."""

    generation: int = 0
    request: Request | None = None
    playing: bool = True
    pace: float | None = None  # seconds for all of training; None: as fast as it goes
    steps: int = 0  # training steps to do although it is paused
    rep: int = 0


class Session:
    """What one page asks to see; `gansim.live.engine.Engine` makes it.

    Parameters
    ----------
    deliver : callable
        Takes a message for the page, from the engine's thread. It must not wait.
    wake : callable
        Tells the engine that there is something to do.
    """

    def __init__(self, deliver: Callable[[bytes], object], wake: Callable[[], object]) -> None:
        self._deliver, self._wake = deliver, wake
        self._lock = Lock()
        self._asked = _Asked()
        self._credit = _CREDIT
        self._kept: list[object] = []
        self.closed = False
        # What follows is the engine's thread's alone.
        self._built = 0  # generation of what is being trained
        self._watched: list[Watched] = []
        self._compiling: Compiling | None = None
        self._due = 0.0
        self._told: list[int] = []  # records that the page has, by configuration
        self._views: list[View | None] = []
        self._rep = -1
        self._unsent = False
        self._compared = -1
        self._differences: list[dict[str, Any]] = []
        self._per_step = 1e-4
        self._looking = 0.0
        self._owed, self._last, self._busy = 0.0, 0.0, 0.0

    # --- asking: any thread -------------------------------------------------------------------

    def configure(self, request: Request, generation: int, **how: Any) -> None:
        """Train something else from now on.

        Parameters
        ----------
        request : Request
            What.
        generation : int
            Higher than any before.
        **how
            `playing`, `pace` and `rep`, as for `change`.
        """
        with self._lock:
            if generation > self._asked.generation:
                self._asked = _Asked(generation, request, self._asked.playing, self._asked.pace, 0, self._asked.rep)
                vars(self._asked).update(how)
        self._wake()

    def change(self, **how: Any) -> None:
        """Change how it is watched: `playing`, `pace` (seconds for all of training, or None), `steps`, `rep`."""
        with self._lock:
            vars(self._asked).update(how)
        self._wake()

    def keep(self, values: object) -> None:
        """Hold a column of numbers, which is known by its digest as long as somebody does."""
        self._kept.append(values)

    def acknowledge(self) -> None:
        """The page has drawn a frame."""
        with self._lock:
            self._credit = min(self._credit + 1, _CREDIT)
        self._wake()

    def close(self) -> None:
        """Nobody looks any more."""
        self.closed = True
        self._wake()

    # --- training: the engine's thread ----------------------------------------------------------

    def due(self) -> float:
        """When it wants its next turn: a time of `time.monotonic`, 0 for at once, `NEVER` if there is nothing to do."""
        asked = self._asked
        if asked.generation != self._built:
            return 0.0
        if self._compiling is not None:
            return self._due
        if not self._watched:
            return NEVER
        if self._credit and (self._unsent or self._rep != asked.rep):
            return 0.0
        moving = asked.playing or asked.steps
        return self._due if moving and not self._done else NEVER

    def turn(self, threads: Threads) -> None:
        """Do what is due for at most about 0.1 s: build, or train a slice and show it."""
        began = time.perf_counter()
        try:
            self._turn(threads)
        finally:
            self._busy += time.perf_counter() - began

    def _turn(self, threads: Threads) -> None:
        with self._lock:
            asked = _Asked(**vars(self._asked))
        if asked.generation != self._built:
            self._begin(asked)
        if self._compiling is not None:
            if not self._compiling.done:
                self._due = time.monotonic() + _POLL
                return
            self._compiling = None
        if self._watched:
            self._advance(asked)
        elif asked.request is not None and not self._build(asked, threads):
            return
        self._show(asked)  # what has just been built as it is: a slice before would be waited for

    def end(self) -> None:
        """Give up whatever is going on."""
        if self._compiling is not None:
            self._compiling.stop()
            self._compiling = None
        self._watched = []

    def deliver_failure(self, error: Exception) -> None:
        """Tell the page that something went wrong which should not have."""
        self._deliver(
            encode({"kind": "failed", "generation": self._built, "message": f"{type(error).__name__}: {error}"})
        )

    def _begin(self, asked: _Asked) -> None:
        """Give up what was before, and see whether something must be compiled first."""
        self.end()
        self._built = asked.generation
        gans = asked.request.gans if asked.request else ()
        if not is_compiled(gans):
            self._say(asked, "compiling", shapes=sorted({_shape(gan) for gan in gans}))
            self._compiling = Compiling(gans)

    def _stale(self, asked: _Asked) -> Callable[[], bool]:
        return lambda: self.closed or self._asked.generation != asked.generation

    def _build(self, asked: _Asked, threads: Threads) -> bool:
        request, stop = asked.request, self._stale(asked)
        assert request is not None
        load(request.gans)
        ensembles = [Ensemble(gan, request.reps, request.seed, threads) for gan in request.gans]
        if not all(ensemble.build(stop) for ensemble in ensembles):
            return False
        self._watched = [Watched(ensemble, request.stored) for ensemble in ensembles]
        self._told, self._views = [0] * len(ensembles), [None] * len(ensembles)
        self._compared, self._differences = -1, []
        self._owed, self._last, self._unsent, self._busy = 0.0, time.monotonic(), True, 0.0
        self._say(asked, "ready", about=[one.about() for one in self._watched], n=request.n, seed=request.seed)
        return True

    @property
    def _done(self) -> bool:
        return all(one.ensemble.done for one in self._watched)

    def _advance(self, asked: _Asked) -> None:
        """Train a slice: as many steps as the pace says, or as fit in."""
        now = time.monotonic()
        if self._done or not (asked.playing or asked.steps) or (self._unsent and now < self._due):
            self._last = now
            return
        steps = self._wanted(asked, now)
        budget = min(max(_SLICE[0], _WORTH * self._looking), _SLICE[1])
        end = now + budget
        done = 0
        while done < steps and not self._done and (left := end - time.monotonic()) > 0:
            fit = max(1, int(left / self._per_step))
            moved = self._train(min(steps - done, fit), self._stale(asked))
            if not moved:
                return
            done += moved
            self._unsent = True
            if self._at_record and left < 0.6 * budget:
                break  # a record tells where all GANs are: a frame now needs no look
        self._owed = max(0.0, self._owed - done) if asked.pace is not None and not asked.steps else 0.0
        if asked.steps:
            with self._lock:
                self._asked.steps = max(0, self._asked.steps - done)
        self._due = now + _FRAME if asked.pace is not None else 0.0

    def _wanted(self, asked: _Asked, now: float) -> int:
        """Training steps that are asked for, or due by the pace since the last slice."""
        until = max(one.ensemble.gan.steps for one in self._watched)
        passed, self._last = now - self._last, now
        if asked.steps:
            return asked.steps
        if asked.pace is None:
            return until
        # What was not trained in a quarter of a second, because others were at it, is not made up for.
        self._owed += until / asked.pace * min(0.25, passed)
        return int(self._owed)

    @property
    def _at_record(self) -> bool:
        """Whether all have just been measured."""
        return all(one.ensemble.just_measured for one in self._watched)

    def _train(self, steps: int, stop: Callable[[], bool]) -> int:
        """Train all configurations by so many steps, or to the next record of one of them; how many that were."""
        moving = [one.ensemble for one in self._watched if not one.ensemble.done]
        k = max(1, min(steps, *(one.next_record - one.step for one in moving)))
        began = time.perf_counter()
        if not all(one.train(one.step + k, stop) for one in moving):
            return 0
        self._per_step += 0.3 * ((time.perf_counter() - began) / k - self._per_step)
        for one in self._watched:
            one.catch_up()
        return k

    # --- showing --------------------------------------------------------------------------------

    def _say(self, asked: _Asked, kind: str, **more: Any) -> None:
        self._deliver(encode({"kind": kind, "generation": asked.generation, **more}))

    def _show(self, asked: _Asked) -> None:
        """Send a frame, if the page has drawn those before and there is something new."""
        if not self._credit or not self._watched or not (self._unsent or self._rep != asked.rep):
            return
        began, stop = time.monotonic(), self._stale(asked)
        rep = min(asked.rep, self._watched[0].ensemble.n - 1)
        if self._rep != asked.rep:
            for one in self._watched:
                one.look_anew()
        heads: list[dict[str, Any]] = []
        arrays: dict[str, ArrayLike] = {}
        for number, one in enumerate(self._watched):
            places = one.ensemble.places(stop)
            head, more, self._views[number] = one.closely(rep, self._views[number])
            own: dict[str, ArrayLike] = {
                "mean": places[:, 0],
                "std": places[:, 1],
                "g": one.g.astype(np.uint8),
                "d": one.d.astype(np.uint8),
                **more,
            }
            arrays |= {f"{number}.{name}": values for name, values in own.items()}
            heads.append(self._head(number, one, head))
        if stop():
            return
        self._looking += 0.3 * (time.monotonic() - began - self._looking)
        self._rep, self._unsent = asked.rep, False
        with self._lock:
            self._credit -= 1
        trained = sum(one.ensemble.seconds for one in self._watched)  # share of the time, alone and with its records
        frame = {"kind": "frame", "generation": asked.generation, "configurations": heads, "done": self._done}
        frame["training"] = trained / self._busy if self._busy else None
        self._deliver(encode({**frame, "differences": self._differ()}, arrays))

    def _head(self, number: int, one: Watched, chosen: Mapping[str, Any]) -> dict[str, Any]:
        new, self._told[number] = one.shares[self._told[number] :], len(one.shares)
        return {
            "step": max(0, one.ensemble.step),
            "shares": new,
            "ended": one.ended,
            "bits": one.bits,
            "chosen": chosen,
        }

    def _differ(self) -> list[dict[str, Any]]:
        """Paired differences between configurations, at the last record that they have in common or at their ends."""
        if len(self._watched) < 2:
            return []
        steps = {one.shares[-1]["step"] if one.shares else 0 for one in self._watched}
        if (len(steps) == 1 or self._done) and (now := sum(one.ensemble.taken for one in self._watched)):
            ended = self._done
            if self._compared != (key := 2 * now + ended):
                self._compared = key
                pairs = combinations(range(len(self._watched)), 2)
                self._differences = [self._difference(a, b, max(steps), ended) for a, b in pairs]
        return self._differences

    def _difference(self, a: int, b: int, step: int, ended: bool) -> dict[str, Any]:
        """How shares differ, replicate by replicate: b - a, its interval, pairs of b's alone, pairs of a's alone."""
        told: dict[str, Any] = {"a": a, "b": b, "step": step, "ended": ended}
        one, other = self._watched[a], self._watched[b]
        for player, levels in (("g", G_STATES), ("d", D_STATES)):
            first, second = getattr(other, player), getattr(one, player)
            rows = [paired(np.stack([first == k, second == k], axis=1), 2 * len(first)) for k in range(len(levels))]
            told[player] = [[row["difference"], row["low"], row["high"], row["only_a"], row["only_b"]] for row in rows]
        return told


def _shape(gan: Any) -> str:
    """Both networks in a line: "1-16-1 / 1-16-1"."""
    return " / ".join("-".join(map(str, sizes)) for sizes in (gan.generator_sizes, gan.discriminator_sizes))
