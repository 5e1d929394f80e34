"""Games of two vectors in words, for captions and sheets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from gansim.design.in_words import wording
from gansim.model.data.distributions import Normal, Uniform
from gansim.model.own.defined import Own
from gansim.model.own.fields import OwnField
from gansim.model.parametric import ParametricGame, VectorGame

__all__ = ["ASPECTS", "estimands", "game", "mechanisms", "methods", "starts", "training"]

_NAMES = {
    "dirac": "Dirac-GAN",
    "bilinear": "bilinear game",
    "linear-wasserstein": "linear Wasserstein GAN",
    "two-normals": "two normals against two intervals",
}
_SAID = {"r1": "R1", "pull": "gradient penalty", "samples": "drawn samples", "best": "best D"}
_Said = Callable[[Callable[[ParametricGame], str]], str]


def game(of: VectorGame) -> str:
    """A game with those of its numbers that are not as by default.

    Examples
    --------
    >>> from gansim.model.parametric import Dirac, LinearWasserstein
    >>> game(Dirac("non-saturating", r1=0.3)), game(LinearWasserstein((3, 4), samples=True))
    ('Dirac-GAN (loss non-saturating, R1 0.3)', 'linear Wasserstein GAN (drawn samples)')
    """
    if isinstance(of, Own):
        return f"{of} (own)"
    own = {one.name: getattr(of, one.name) for one in dataclasses.fields(of) if getattr(of, one.name) != one.default}
    told = ", ".join(
        _SAID.get(name, name) + ("" if value is True else f" {_value(value)}") for name, value in own.items()
    )
    return f"{_NAMES[of.kind]} ({told})" if own else _NAMES[of.kind]


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))})"
    if isinstance(value, (Normal, Uniform)):
        return wording.law(value)
    return wording.number(value) if type(value) in (int, float) else str(value)  # type: ignore[arg-type]


def starts(of: ParametricGame) -> str:
    """Where both players begin."""
    return f"G from {_value(of.start_g)}, D from {_value(of.start_d)}{' in order' if of.ordered else ''}"


def training(of: ParametricGame) -> str:
    """How both players move."""
    g, d = wording.optimizer(of.optimizer_g), wording.optimizer(of.optimizer_d)
    clip = f", D cut to {wording.number(of.clip)}" if of.clip else ""
    more = f"; {told}" if (told := wording.dynamics(of)) else ""
    return f"{f'G and D by {g}' if g == d else f'G by {g}, D by {d}'}{clip}; {wording.updates(of)}{more}"


ASPECTS: tuple[Callable[[ParametricGame], str], ...] = (
    lambda of: game(of.game),
    starts,
    training,
    lambda of: f"batch {of.batch_size:,}",
    lambda of: wording.count(of.steps, "step"),
    lambda of: of.precision,
)
"""What one value may hold for in a design, and not in the whole study."""


def is_random(of: ParametricGame) -> bool:
    """Whether anything is drawn: starts, or samples."""
    return of.game.drawn > 0 or not all(isinstance(one, float) for one in (*of.start_g, *of.start_d))


def mechanisms(of: Sequence[ParametricGame], said: _Said) -> list[str]:
    """Bullets of an ADEMP sheet on how the numbers come about."""
    own = dict.fromkeys(one.game for one in of if isinstance(one.game, OwnField))
    return [
        f"- Game of two vectors, without networks: {said(lambda of: game(of.game))}.",
        f"- Starts: {said(starts)}.{'' if any(map(is_random, of)) else ' Nothing is drawn: replicates are the same.'}",
        *(_own(game) for game in own),
    ]


def _own(game: OwnField) -> str:
    """What somebody's own game is made of, if its code is at hand or was told."""
    made = wording.code(game.source["gradients"]) if "gradients" in game.source else "not at hand"
    return f"- {game} is the study's own game (code {game.digest[:8]}); its gradients: {made}."


def estimands(of: Sequence[ParametricGame], limit: float) -> list[str]:
    """Bullets on what is estimated."""
    lines = [
        "- Of each cell, the probability that a run ends converged: the median over the window of the distance of G's "
        f"parameters from where they ought to end is at most {wording.number(limit)}; D is idle if the mean of its own "
        "is. Else G is off target, and D mixed; or the run is non-finite.",
        "- Of each cell, the distribution over runs, at the end of training, of these distances and of the parameters.",
        "- The time to convergence, censored at the last step at which a stretch as long as the window could begin.",
    ]
    return [*lines, "- Of two cells, the difference of such a probability, or of a mean."] if len(of) > 1 else lines


def methods(of: Sequence[ParametricGame], said: _Said) -> list[str]:
    """Bullets on what is compared."""
    batch, steps, records = (wording.either(getattr(one, name) for one in of) for name in _COUNTED)
    return [
        f"- Training: {said(training)}.",
        f"- Batch: {batch}. Training steps: {steps}. Records: {records} a run.",
        f"- Precision: {said(lambda one: one.precision)}.",
    ]


_COUNTED = ("batch_size", "steps", "records")
