"""The NumPy oracle for games of two vectors: what both players descend, written as potentials, and whole steps.

It takes from gansim the descriptions of `gansim.model` only. A player's gradient is the derivative, by a complex step,
of what it descends on a batch of draws e (batch, drawn); a vector is an array (n,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from gansim.model.data.distributions import Normal, Uniform
from gansim.model.parametric import Bilinear, Dirac, LinearWasserstein, ParametricGame, TwoNormals, VectorGame
from helpers import reference as ref

Array = NDArray[Any]
Descended = tuple[Callable[[Array, Array, Array], Any], Callable[[Array, Array, Array], Any]]  # by G, by D
TINY = 1e-30  # of a complex step


def size(x: Any) -> Any:
    """The absolute value as an analytic function on either side of 0."""
    return x if x.real > 0 else -x


def dirac(of: Dirac) -> Descended:
    """Data at 0, blurred or not, fakes at theta; D(x) = phi x, high on reals (Mescheder et al. 2018, section 2)."""

    def fakes(t: Array, e: Array) -> Array:
        return t[0] + of.noise * (e[:, 0] if of.noise else np.zeros(1))

    def reals(e: Array) -> Array:
        return of.noise * e[:, 1] if of.noise else np.zeros(1)

    def both_gradients(t: Array, f: Array) -> Any:
        s = ref.sigmoid(t[0] * f[0])  # both gradients of the minimax game are theta or phi times this
        fixed = s.real
        return of.consensus / 2 * (t[0] ** 2 + f[0] ** 2) * (fixed + of.share * (s - fixed)) ** 2

    def norms(f: Array) -> Any:
        return of.r1 / 2 * f[0] ** 2 + of.pull / 2 * (size(f[0]) - of.target) ** 2

    def by_g(t: Array, f: Array, e: Array) -> Any:
        logit = f[0] * fakes(t, e)
        losses = {"minimax": -ref.softplus(logit), "non-saturating": ref.softplus(-logit), "wasserstein": -logit}
        return losses[of.loss].mean() + both_gradients(t, f)

    def by_d(t: Array, f: Array, e: Array) -> Any:
        fake, real = f[0] * fakes(t, e), f[0] * reals(e)
        loss = fake - real if of.loss == "wasserstein" else ref.softplus(fake) + ref.softplus(-real)
        return loss.mean() + norms(f) + both_gradients(t, f)

    return by_g, by_d


def bilinear(of: Bilinear) -> Descended:
    """Gidel et al. 2019, eq. 6."""
    return lambda t, f, e: t @ f, lambda t, f, e: -(t @ f)


def linear(of: LinearWasserstein) -> Descended:
    """E phi (z + theta) against E phi x, x of N(mean, I) (Daskalakis et al. 2018, section 2)."""
    n = len(of.mean)

    def by_g(t: Array, f: Array, e: Array) -> Any:
        return -(f @ t)  # the noise in a fake moves it, and nothing that G could change

    def by_d(t: Array, f: Array, e: Array) -> Any:
        noise, data = (e[:, n:], e[:, :n]) if of.samples else (np.zeros((1, n)), np.zeros((1, n)))
        gap = ((noise + t) @ f - (data + np.array(of.mean)) @ f).mean()
        return gap + of.penalty * (np.sqrt(f @ f) - 1) ** 2

    return by_g, by_d


def two_normals(of: TwoNormals) -> Descended:
    """E D(real) + E (1 - D(fake)), G down and D up; D is 1 in two intervals (Li et al. 2017, section 2)."""

    def inside(ends: Array, means: Array) -> Any:
        return sum(ndtr(ends[k + 1] - m) - ndtr(ends[k] - m) for k in (0, 2) for m in means) / 2

    def value(t: Array, f: Array) -> Any:
        ends = best_ends(of, t.real) if of.best else f
        return inside(ends, np.array([of.mean, of.other])) + 1 - inside(ends, t)

    return lambda t, f, e: value(t, f), lambda t, f, e: 0 * f.sum() if of.best else -value(t, f)


def best_ends(of: TwoNormals, theta: Array) -> Array:
    """Ends of the intervals in which reals are denser than fakes, as many as four; others lie at infinity."""

    def difference(x: Any) -> Any:
        return sum(np.exp(-((x - m) ** 2) / 2) for m in (of.mean, of.other)) - sum(
            np.exp(-((x - m) ** 2) / 2) for m in theta
        )

    x = np.linspace(-12, 12, 24_001)
    up = difference(x) > 0
    ends = [brentq(difference, x[i], x[i + 1], xtol=1e-14) for i in np.flatnonzero(up[1:] != up[:-1])]
    ends = [*([-40.0] if up[0] else []), *ends, *([40.0] if up[-1] else [])]
    return np.array([*ends, 40.0, 40.0, 40.0, 40.0][:4])


DESCENDED: dict[type, Callable[[Any], Descended]] = {
    Dirac: dirac,
    Bilinear: bilinear,
    LinearWasserstein: linear,
    TwoNormals: two_normals,
}


def descended(game: VectorGame) -> Descended:
    """What G and D descend."""
    return DESCENDED[type(game)](game)


def draws(game: VectorGame, stream: ref.Stream, n: int) -> Array:
    """A batch of what a game draws, (n, drawn): column k is part k of the stream."""
    return np.array([stream._replace(part=k).normals(n) for k in range(game.drawn)]).reshape(game.drawn, n).T


def slopes(game: VectorGame, theta: Array, phi: Array, e: Array) -> tuple[Array, Array]:
    """Gradients of both."""
    by_g, by_d = descended(game)

    def steps(at: Array) -> list[Array]:
        return list(at + 1j * TINY * np.eye(len(at)))

    return (
        np.array([complex(by_g(t, phi + 0j, e)).imag for t in steps(theta)]) / TINY,
        np.array([complex(by_d(theta + 0j, f, e)).imag for f in steps(phi)]) / TINY,
    )


# --- whole steps --------------------------------------------------------------------------------


class Player:
    """Parameters with their optimiser's memory."""

    def __init__(self, optimizer: Any, theta: Array) -> None:
        self.optimizer, self.theta, self.updates = optimizer, theta, 0
        self.memory: Any = (np.zeros_like(theta), np.zeros_like(theta))
        self.gradient = np.zeros_like(theta)

    def update(self, gradient: Array) -> None:
        self.gradient, self.updates = gradient, self.updates + 1
        rule = ref.OPTIMIZERS[type(self.optimizer)]
        step, self.memory = rule(self.optimizer, gradient, self.memory, self.updates)
        self.theta = (1 - self.optimizer.lr * self.optimizer.weight_decay) * self.theta - step


def starts(of: ParametricGame, rep: int, seed: int, player: str) -> Array:
    """Where a player begins: parameter i is drawn by the first number of its stream's layer i."""
    values, drawn = [], []
    stream = ref.Stream(seed, rep, ref.WEIGHTS_G if player == "g" else ref.WEIGHTS_D)
    for i, law in enumerate(getattr(of, f"start_{player}")):
        if isinstance(law, Uniform):
            values.append(law.low + (law.high - law.low) * stream._replace(step=i).uniforms(1)[0])
        elif isinstance(law, Normal):
            values.append(law.mean + law.std * stream._replace(step=i).normals(1)[0])
        else:
            values.append(law)
            continue
        drawn.append(i)
    theta = np.array(values, float)
    if of.ordered and player == "d":
        theta[drawn] = np.sort(theta[drawn])
    return theta


class Run:
    """One run, step by step."""

    def __init__(self, of: ParametricGame, rep: int, seed: int) -> None:
        self.of, self.rep, self.seed, self.step = of, rep, seed, 0
        self.g, self.d = (Player(getattr(of, f"optimizer_{p}"), starts(of, rep, seed, p)) for p in "gd")
        self.slow, self.average = (self.g.theta, self.d.theta), self.g.theta

    def slope(self, player: str, update: int) -> Array:
        """A player's gradient on the batch of an update."""
        stream = ref.Stream(self.seed, self.rep, ref.NOISE_G if player == "g" else ref.NOISE_D, self.step, 0, update)
        e = draws(self.of.game, stream, self.of.batch_size)
        return slopes(self.of.game, self.g.theta, self.d.theta, e)[player == "d"]

    def turn(self, player: str) -> None:
        for update in range(getattr(self.of, f"{player}_steps")):
            self.move(**{player: self.slope(player, update)})

    def both(self, update: int) -> dict[str, Array]:
        return {"d": self.slope("d", update), "g": self.slope("g", update)}

    def move(self, d: Array | None = None, g: Array | None = None) -> None:
        if d is not None:
            self.d.update(d)
            if self.of.clip:
                self.d.theta = np.clip(self.d.theta, -self.of.clip, self.of.clip)
        if g is not None:
            self.g.update(g)

    def ahead(self, look: dict[str, Array] | None, update: int) -> None:
        """Look ahead by some gradients, and step from where both were by those that are there."""
        start = self.g.theta, self.d.theta
        if look is not None:
            self.move(**look)
        there = self.both(update)
        self.g.theta, self.d.theta = start
        self.move(**there)

    def advance(self) -> None:
        of = self.of
        for player in (self.g, self.d):
            whole = of.optimizer_g if player is self.g else of.optimizer_d
            player.optimizer = replace(whole, lr=whole.lr * ref.share_of_rate(of, self.step))
        if of.updates == "simultaneous":
            self.move(**self.both(0))
        elif of.updates == "extragradient":
            self.ahead(self.both(0), int(of.fresh))
        elif of.updates == "past-extragradient":
            self.ahead({"d": self.d.gradient, "g": self.g.gradient} if self.step else None, 0)
        else:
            for player in "gd" if of.updates == "alternating-g-first" else "dg":
                self.turn(player)
        self.step += 1
        if of.lookahead is not None and self.step % of.lookahead.k == 0:
            share, both = of.lookahead.alpha, (self.g, self.d)
            self.slow = tuple(s + share * (p.theta - s) for p, s in zip(both, self.slow, strict=True))
            self.g.theta, self.d.theta = self.slow
        if of.average is not None:
            share = 1 / self.step if of.average.beta is None else 1 - of.average.beta
            self.average = (1 - share) * self.average + share * self.g.theta

    @property
    def measured(self) -> tuple[Array, Array]:
        """The generator that is measured, and D."""
        return self.g.theta if self.of.average is None else self.average, self.d.theta


def train(of: ParametricGame, rep: int, seed: int) -> tuple[Array, Array]:
    """Both players as they are measured after all steps."""
    run = Run(of, rep, seed)
    for _ in range(of.steps):
        run.advance()
    return run.measured
