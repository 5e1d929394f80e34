"""Games of one's own: what D's output costs either player on real and on fake samples, as functions on lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias, cast, get_args

from gansim.display import html_table
from gansim.errors import ConfigError, Refused
from gansim.model.fields import Check, Object, OrNone, Real, boolean, bound, described, plain
from gansim.model.games import GAMES, BuiltIn, GameName, LeastSquares, Rules
from gansim.model.own.code import Code, code_of, digest_of
from gansim.model.own.defined import KIND, Name, Own, checked_record, define, defined, is_code, named, told
from gansim.model.own.slopes import check_derivative

__all__ = ["Game", "Loss", "OwnGame", "has_bends"]

_Function: TypeAlias = Callable[..., Any] | Code


@described
class Loss:
    """What a sample costs, as a function of D's output s on it (high means real), and its derivatives by s.

    Each is a function of s alone, by ``def`` or ``lambda``, made of +, -, *, /, numbers and the functions of
    `gansim.lanes`. Numbers from outside are taken as they are at that moment. A function may return a number, which it
    then is everywhere.

    Parameters
    ----------
    cost : function
        What a sample costs; a player descends its mean over a batch.
    slope : function
        Its derivative by s. It is held against differences of `cost` at 127 points from -30 to 30; at a kink any slope
        between those to either side will do.
    bend : function or None, default None
        The second derivative, for the methods that need it: `Consensus`, `Symplectic`, `Unrolled` to second order.

    Raises
    ------
    ConfigError
        If a function cannot be taken, is not finite somewhere, or is not the derivative that it is said to be: which,
        where, and the two numbers.

    Examples
    --------
    >>> from gansim.lanes import sigmoid, softplus
    >>> Loss(lambda s: softplus(-s), slope=lambda s: -sigmoid(-s)).slope.source
    'lambda s: -sigmoid(-s)'
    >>> Loss(lambda s: s * s, slope=lambda s: s)
    Traceback (most recent call last):
    ...
    gansim.errors.ConfigError: slope: value lambda s: s: the derivative of cost: at s = 0.68 it is 0.679951, and cost changes by 1.3599
    """  # noqa: E501 - what it says

    cost: Annotated[Code, code_of]
    slope: Annotated[Code, code_of]
    bend: Annotated[Code | None, OrNone(code_of)] = None

    def __init__(self, cost: _Function, slope: _Function, bend: _Function | None = None) -> None: ...

    def __post_init__(self) -> None:
        try:
            check_derivative(self.cost, self.slope, "cost", "slope")
            if self.bend is not None:
                check_derivative(self.slope, self.bend, "slope", "bend")
        except Refused as refused:  # the text of the function says more than the function
            raise ConfigError.of([(refused.place, refused.text())]) from None

    @property
    def codes(self) -> tuple[Code, Code, Code | None]:
        """The three functions."""
        return self.cost, self.slope, self.bend


_LOSSES, _FUNCTIONS = ("real", "fake", "generator"), ("cost", "slope", "bend")
_LOSS = Object((Loss,), "a loss")
_LEVEL: Check = OrNone(Real(-1e6, 1e6))
_CHECKS: dict[str, Check] = {
    "name": Name(frozenset(GAMES)),
    **dict.fromkeys(_LOSSES, _LOSS),
    "probability": boolean,
    "level": _LEVEL,
}
_FACTS: dict[str, Check] = {"probability": boolean, "level": _LEVEL, "bends": boolean}


class OwnGame(Own):
    """A game of one's own, to stand in ``GAN(game=...)``.

    It is known by its name and by the digest of its functions: other code is another game, and so another study.

    Parameters
    ----------
    name : str
        1 to 40 letters, digits, "_", "-" and ".", a letter first; not that of a game of gansim's. It is the level of a
        factor `game`, and what tables say.
    real, fake : Loss
        What a real and a fake sample cost D.
    generator : Loss
        What a fake sample costs G.
    probability : bool, default False
        Whether the sigmoid of D's output is meant as the probability that a sample is real. Where it is not, V and
        all else that is measured of that probability is missing, and D is judged by how it ranks.
    level : float or None, default 0.0
        The output above which D takes a sample for real; None: half way between its means on reals and on fakes.

    Raises
    ------
    ConfigError
        If a field is refused, in one line.

    Examples
    --------
    >>> from gansim.lanes import exp
    >>> low, high = Loss(lambda s: exp(-s), slope=lambda s: -exp(-s)), Loss(lambda s: exp(s), slope=lambda s: exp(s))
    >>> OwnGame("exponential", real=low, fake=high, generator=low)
    OwnGame('exponential', probability=False, level=0.0)
    """

    noun, call = "game", "gs.OwnGame"
    real: Loss
    fake: Loss
    generator: Loss
    rules: Rules
    bends: bool

    def __init__(
        self,
        name: str,
        *,
        real: Loss,
        fake: Loss,
        generator: Loss,
        probability: bool = False,
        level: float | None = 0.0,
    ) -> None:
        losses = {"real": real, "fake": fake, "generator": generator}
        codes = [code and code.digest for loss in losses.values() for code in loss.codes]
        level = None if level is None else float(level)
        bends = all(loss.bend is not None for loss in losses.values())
        rules = Rules(probability, level=level)
        digest = digest_of(codes, probability, level)
        vars(self).update(losses, name=name, digest=digest, rules=rules, bends=bends)
        define(self)

    @classmethod
    def absent(cls, name: str, digest: str, facts: Mapping[str, Any]) -> OwnGame:
        """A game whose code is not at hand: stored runs of it can be looked at, and none can be trained."""
        game = cls.__new__(cls)
        rules = Rules(facts["probability"], level=facts["level"])
        vars(game).update(name=name, digest=digest, rules=rules, bends=facts["bends"])
        return game

    @property
    def facts(self) -> dict[str, Any]:
        """What is measured of it, and whether it has second derivatives."""
        return {"probability": self.rules.probability, "level": self.rules.level, "bends": self.bends}

    @property
    def source(self) -> dict[str, Any]:
        """The text of its functions, for readers, by loss; where its code is not at hand, as a file told it."""
        if "real" not in vars(self):
            return _readable(told(self))
        return {
            name: {what: code.record() for what, code in zip(_FUNCTIONS, loss.codes, strict=True) if code}
            for name, loss in zip(_LOSSES, (self.real, self.fake, self.generator), strict=True)
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled with its functions by value, and defined where it arrives."""
        return _restored, (dict(vars(self)),)

    def __repr__(self) -> str:
        return f"OwnGame({self.name!r}, probability={self.rules.probability}, level={self.rules.level})"

    def _repr_html_(self) -> str:
        rows = [(f"{loss}.{what}", of["source"]) for loss, codes in self.source.items() for what, of in codes.items()]
        return html_table(repr(self), rows)


OwnGame.__init__ = bound(OwnGame.__init__, _CHECKS)  # type: ignore[method-assign]


def _restored(state: dict[str, Any]) -> OwnGame:
    game = OwnGame.__new__(OwnGame)
    vars(game).update(state)
    if "real" in state and defined(OwnGame, game.name, game.digest) is None:
        define(game)  # in a worker; where it was made, it may have been made anew since
    return game


def _readable(text: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody's file tells of a game's functions, if it is what `OwnGame.source` gives."""
    found = {name: text[name] for name in _LOSSES if name in text}
    losses = [loss for loss in found.values() if isinstance(loss, Mapping) and {"cost", "slope"} <= loss.keys()]
    codes = [code for loss in losses for code in loss.values()]
    return found if all(map(is_code, codes)) and len(losses) == len(_LOSSES) else {}


def has_bends(game: str | OwnGame) -> bool:
    """Whether the second derivatives of a game's losses are known."""
    return isinstance(game, str) or game.bends


class _Game(BuiltIn):
    """The name of a game, or one of somebody's own: itself, its name, or what a results folder knows it by."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"{super().allowed}, or a gs.OwnGame"

    def __call__(self, value: object) -> Any:
        """Return the name or the game, or refuse."""
        if type(value) is OwnGame:
            return value
        if isinstance(value, Mapping):
            if value.get("kind") != KIND:
                raise Refused(value, self.allowed)
            name, digest, facts = checked_record(value, _FACTS)
            return defined(OwnGame, name, digest) or OwnGame.absent(name, digest, facts)
        word = plain(value)
        own = named(OwnGame, word) if isinstance(word, str) else None
        return super().__call__(value) if own is None else own


Game: TypeAlias = Annotated[GameName | LeastSquares | OwnGame, cast(Check, _Game(get_args(GameName)))]
