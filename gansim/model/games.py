"""Games: their names, and what each says of its discriminator. Their losses are in ``kernels/games.py``."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, TypeAlias

from gansim.errors import Refused
from gansim.model.fields import OneOf, Real, below, plain

__all__ = ["GAMES", "Game", "Rules", "game_name", "game_numbers", "is_probability", "level_of"]


class Rules(NamedTuple):
    """What a game says of itself.

    Attributes
    ----------
    probability : bool
        Whether the sigmoid of D's output is meant as the probability that a sample is real. Where it is not, what is
        measured of that probability is missing, and V with it; which of two samples D ranks higher is measured always.
    numbers : tuple of three float, or None
        The numbers in its losses, as they are by default, if there are any.
    level : float or None
        The output above which D takes a sample for real; None: half way between its means on reals and on fakes. Of a
        game with numbers a, b, c that is half way between a, its aim on fakes, and b.
    """

    probability: bool
    numbers: tuple[float, float, float] | None = None
    level: float | None = 0.0


GAMES: dict[str, Rules] = {
    "minimax": Rules(probability=True),
    "non-saturating": Rules(probability=True),
    "as-written": Rules(probability=True),
    "wasserstein": Rules(probability=False, level=None),
    "hinge": Rules(probability=False),
    "least-squares": Rules(probability=False, numbers=(0.0, 1.0, 1.0)),
    "relativistic": Rules(probability=False, level=None),
    "relativistic-average": Rules(probability=False, level=None),
}

_NUMBER = Real(-1e6, 1e6)
_WITH_NUMBERS = re.compile(r"([a-z-]+) *\((.*)\)")


class _Games(OneOf):
    """A game's name, with other numbers than its own in brackets: "least-squares(-1, 1, 0)"."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"{super().allowed}, or 'least-squares(a, b, c)' with numbers"

    def __call__(self, value: object) -> str:
        """Return the name, with its numbers if they are not those by default, or refuse."""
        word = plain(value)
        found = _WITH_NUMBERS.fullmatch(word) if isinstance(word, str) else None
        if found is None:
            return super().__call__(value)
        name, given = found[1], [part.strip() for part in found[2].split(",")]
        own = GAMES[name].numbers if name in GAMES else None
        if own is None or len(given) != len(own):
            raise Refused(value, self.allowed)
        try:
            numbers = [below("", _NUMBER, float(part)) for part in given]
        except (Refused, ValueError):
            raise Refused(value, f"{self.allowed} of {_NUMBER.allowed}") from None
        return name if tuple(numbers) == own else f"{name}({', '.join(map(_shortest, numbers))})"


def _shortest(number: float) -> str:
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


Game: TypeAlias = Annotated[str, _Games(tuple(GAMES))]


def game_name(game: str) -> str:
    """The name of a game without its numbers.

    Examples
    --------
    >>> game_name("least-squares(-1, 1, 0)")
    'least-squares'
    """
    return game.partition("(")[0]


def is_probability(game: str) -> bool:
    """Whether D of a game is the probability that a sample is real.

    Examples
    --------
    >>> is_probability("minimax"), is_probability("least-squares(-1, 1, 0)")
    (True, False)
    """
    return GAMES[game_name(game)].probability


def game_numbers(game: str) -> tuple[float, float, float]:
    """The numbers in a game's losses; zeros of a game that has none.

    Examples
    --------
    >>> game_numbers("least-squares"), game_numbers("least-squares(-1, 1, 0)"), game_numbers("hinge")
    ((0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (0.0, 0.0, 0.0))
    """
    _, _, given = game.rstrip(")").partition("(")
    if not given:
        return GAMES[game].numbers or (0.0, 0.0, 0.0)
    a, b, c = map(float, given.split(","))
    return a, b, c


def level_of(game: str) -> float | None:
    """The output above which D takes a sample for real; None: half way between its means on reals and on fakes.

    Examples
    --------
    >>> level_of("minimax"), level_of("least-squares"), level_of("wasserstein")
    (0.0, 0.5, None)
    """
    rules = GAMES[game_name(game)]
    if rules.numbers is not None:
        a, b, _ = game_numbers(game)
        return (a + b) / 2
    return rules.level
