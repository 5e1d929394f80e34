"""Games: their names, and what each says of its discriminator. Their losses are in ``kernels/games.py``."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

__all__ = ["GAMES", "Game", "Rules"]

Game: TypeAlias = Literal["minimax", "non-saturating", "as-written"]


class Rules(NamedTuple):
    """What a game says of itself.

    Attributes
    ----------
    probability : bool
        Whether the sigmoid of D's output is meant as the probability that a sample is real. Where it is not, what is
        measured of that probability is missing, and V with it; which of two samples D ranks higher is measured always.
    """

    probability: bool


GAMES: dict[Game, Rules] = {
    "minimax": Rules(probability=True),
    "non-saturating": Rules(probability=True),
    "as-written": Rules(probability=True),
}
