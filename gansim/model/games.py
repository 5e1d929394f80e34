"""Games: their names, and what each says of its discriminator. Their losses are in ``kernels/games.py``.

A game is known by its name; one of somebody's own is an object, ``own/games.py``, that has the same rules.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, Protocol, TypeAlias, get_args

from gansim.errors import ConfigError, Refused
from gansim.model.fields import OneOf, Real, check_named, plain

__all__ = [
    "GAMES",
    "AnyGame",
    "BuiltIn",
    "GameName",
    "LeastSquares",
    "Rules",
    "game_name",
    "game_numbers",
    "is_probability",
    "level_of",
    "spelled",
]

GameName: TypeAlias = Literal[
    "minimax",
    "non-saturating",
    "as-written",
    "wasserstein",
    "hinge",
    "least-squares",
    "relativistic",
    "relativistic-average",
]
"""Names of the games."""


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


class _Ruled(Protocol):
    """What a game of somebody's own has."""

    name: str
    rules: Rules


AnyGame: TypeAlias = str | _Ruled

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
_SQUARES = re.compile(r"least-squares *\(([^,]*),([^,]*),([^,]*)\)")


class LeastSquares(str):
    """The game least-squares with numbers of its own (Mao et al. 2017, eq. 2); it is text: "least-squares(a, b, c)".

    With s D's output: D descends half the mean of (s - b)^2 on reals and half that of (s - a)^2 on fakes, G half the
    mean of (s - c)^2 on fakes. With the numbers by default it is "least-squares".

    Parameters
    ----------
    a, b, c : float, default 0, 1 and 1
        D's aim on fakes, D's aim on reals, G's aim on fakes, -1e6 to 1e6.

    Raises
    ------
    ConfigError
        If one is no such number.

    Examples
    --------
    >>> LeastSquares(-1, 1, 0), LeastSquares(-1, 1, 0) == "least-squares(-1, 1, 0)", str(LeastSquares())
    (LeastSquares(-1, 1, 0), True, 'least-squares')
    """

    __slots__ = ()

    def __new__(cls, a: float = 0.0, b: float = 1.0, c: float = 1.0) -> LeastSquares:
        """Write the numbers out, each once checked."""
        given = {"a": a, "b": b, "c": c}
        numbers = tuple(check_named(name, number, _NUMBER) for name, number in given.items())
        own = numbers == GAMES["least-squares"].numbers
        return super().__new__(cls, "least-squares" if own else f"least-squares({', '.join(map(_shortest, numbers))})")

    def __getnewargs__(self) -> tuple[float, float, float]:  # type: ignore[override]  # for pickle: the text's is text
        return game_numbers(self)

    def __repr__(self) -> str:
        return f"LeastSquares({', '.join(map(_shortest, game_numbers(self)))})"


class BuiltIn(OneOf):
    """A game's name, or that of least squares with other numbers than its own."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"{super().allowed}, or 'least-squares(a, b, c)' with {_NUMBER.allowed.replace('a number', 'numbers')}"

    def __call__(self, value: object) -> str:
        """Return the name, with its numbers if they are not those by default, or refuse."""
        word = plain(value)
        found = _SQUARES.fullmatch(word) if isinstance(word, str) else None
        if found is None:
            return super().__call__(value)
        try:
            game = LeastSquares(*map(float, found.groups()))
        except (ConfigError, ValueError):
            raise Refused(value, self.allowed) from None
        return str(game) if game == "least-squares" else game  # what is equal also shows itself alike


def _shortest(number: float) -> str:
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


_GAME = BuiltIn(get_args(GameName))


def spelled(game: object) -> object:
    """A game in its one spelling; anything else as it is.

    Examples
    --------
    >>> spelled("least-squares(-1.0,1,0)"), spelled("wgan")
    (LeastSquares(-1, 1, 0), 'wgan')
    """
    try:
        return _GAME(game)
    except Refused:
        return game


def game_name(game: AnyGame) -> str:
    """The name of a game without its numbers.

    Examples
    --------
    >>> game_name("least-squares(-1, 1, 0)")
    'least-squares'
    """
    return game.partition("(")[0] if isinstance(game, str) else game.name


def _rules(game: AnyGame) -> Rules:
    return GAMES[game_name(game)] if isinstance(game, str) else game.rules


def is_probability(game: AnyGame) -> bool:
    """Whether D of a game is the probability that a sample is real.

    Examples
    --------
    >>> is_probability("minimax"), is_probability("least-squares(-1, 1, 0)")
    (True, False)
    """
    return _rules(game).probability


def game_numbers(game: AnyGame) -> tuple[float, float, float]:
    """The numbers in a game's losses; zeros of a game that has none.

    Examples
    --------
    >>> game_numbers("least-squares"), game_numbers("least-squares(-1, 1, 0)"), game_numbers("hinge")
    ((0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (0.0, 0.0, 0.0))
    """
    if not isinstance(game, str):
        return 0.0, 0.0, 0.0
    _, _, given = game.rstrip(")").partition("(")
    if not given:
        return GAMES[game].numbers or (0.0, 0.0, 0.0)
    a, b, c = map(float, given.split(","))
    return a, b, c


def level_of(game: AnyGame) -> float | None:
    """The output above which D takes a sample for real; None: half way between its means on reals and on fakes.

    Examples
    --------
    >>> level_of("minimax"), level_of("least-squares"), level_of("wasserstein")
    (0.0, 0.5, None)
    """
    rules = _rules(game)
    if rules.numbers is not None:
        a, b, _ = game_numbers(game)
        return (a + b) / 2
    return rules.level
