"""Fields of one's own: both players' gradients in a game of two vectors, as a function on lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

from gansim.errors import ConfigError, Refused
from gansim.model.fields import Check, Integer, OrNone, Real, Several, bound
from gansim.model.own.code import Code, code_of, digest_of
from gansim.model.own.defined import Name, Own, checked_record, define, defined, is_code, told
from gansim.model.own.evaluating import vectors
from gansim.model.own.slopes import check_gradient

__all__ = ["OwnField", "own_field"]

_MOST = 64  # parameters of a player, and normals of a sample
_Function: TypeAlias = Callable[..., Any] | Code
_NUMBERS = Several(Real(-1e6, 1e6), 1, _MOST, "numbers, such as (0, 0)")
_SIZES = Several(Integer(1, _MOST), 2, 2, "numbers of parameters, of G and of D, such as (1, 1)")


def _code(value: object) -> Code:
    """A function of both players' parameters, and of what is drawn for a sample."""
    return code_of(value, 2, 3)


_CHECKS: dict[str, Check] = {
    "name": Name(frozenset(("dirac", "bilinear", "linear-wasserstein", "two-normals"))),
    "gradients": _code,
    "sizes": _SIZES,
    "drawn": Integer(0, _MOST),
    "solution_g": OrNone(_NUMBERS),
    "solution_d": OrNone(_NUMBERS),
    "cost_g": OrNone(lambda value: code_of(value, 2)),
    "cost_d": OrNone(lambda value: code_of(value, 2)),
}
_FACTS: dict[str, Check] = {name: _CHECKS[name] for name in ("sizes", "drawn", "solution_g", "solution_d")}
_FUNCTIONS = ("gradients", "cost_g", "cost_d")


class OwnField(Own):
    """A game of two vectors of one's own, to stand in ``ParametricGame(game=...)``.

    It is known by its name and by the digest of its functions: other code is another game, and so another study.

    Parameters
    ----------
    name : str
        1 to 40 letters, digits, "_", "-" and ".", a letter first; not that of a game of gansim's.
    gradients : function
        Of two tuples, G's parameters and D's, made of +, -, *, /, numbers and the functions of `gansim.lanes`. Returns
        two tuples, what G descends and what D descends. If anything is drawn, it takes a third tuple: `drawn` standard
        normals for one sample; what it returns is averaged over a batch of them.
    sizes : (int, int), default (1, 1)
        Parameters of G and of D, 1 to 64 each.
    drawn : int, default 0
        Standard normals that a sample takes, 0 to 64.
    solution_g, solution_d : tuple of float or None, default None
        Where each ought to end, from which distances are measured; None: it does not matter, and none are.
    cost_g, cost_d : function or None, default None
        What each descends, of the same two tuples: the gradients are then held against its differences at 16 points.
        Not where anything is drawn.

    Raises
    ------
    ConfigError
        If a field is refused, or a gradient is not that of its cost: which, where, and the two numbers.

    Examples
    --------
    >>> turning = OwnField("turning", lambda theta, phi: ((phi[0],), (-theta[0],)), solution_g=(0,), solution_d=(0,))
    >>> turning
    OwnField('turning', sizes=(1, 1))
    """

    noun, call = "game", "gs.OwnField"
    kind: ClassVar[str] = "own"
    numbers: ClassVar[tuple[float, ...]] = (0.0,)
    any_order: ClassVar[bool] = False
    gradients: Code
    sizes: tuple[int, int]
    drawn: int
    solution_g: tuple[float, ...] | None
    solution_d: tuple[float, ...] | None
    cost_g: Code | None
    cost_d: Code | None

    def __init__(
        self,
        name: str,
        gradients: _Function,
        sizes: tuple[int, int] = (1, 1),
        drawn: int = 0,
        solution_g: Sequence[float] | None = None,
        solution_d: Sequence[float] | None = None,
        cost_g: _Function | None = None,
        cost_d: _Function | None = None,
    ) -> None:
        codes = {"gradients": gradients, "cost_g": cost_g, "cost_d": cost_d}
        facts = {"sizes": sizes, "drawn": drawn, "solution_g": solution_g, "solution_d": solution_d}
        digest = digest_of([code and code.digest for code in codes.values()], sorted(facts.items()))  # type: ignore[union-attr]
        vars(self).update(codes, **facts, name=name, digest=digest)
        self._check()
        define(self)

    def _check(self) -> None:
        for which, size in zip(("solution_g", "solution_d"), self.sizes, strict=True):
            given = getattr(self, which)
            if given is not None and len(given) != size:
                raise ConfigError.of([(which, Refused(given, f"{size} of them, as sizes says").text())])
        try:
            vectors(self.gradients, self.sizes, self.drawn)
            for player, which in enumerate(("cost_g", "cost_d")):
                cost = getattr(self, which)
                if cost is not None and self.drawn:
                    raise Refused(cost, "None, because samples are drawn (drawn above 0)", which)
                if cost is not None:
                    check_gradient(cost, self.gradients, self.sizes, player)
        except Refused as refused:
            raise ConfigError.of([(refused.place or "gradients", refused.text())]) from None

    @classmethod
    def absent(cls, name: str, digest: str, facts: Mapping[str, Any]) -> OwnField:
        """A game whose code is not at hand: stored runs of it can be looked at, and none can be trained."""
        game = cls.__new__(cls)
        vars(game).update(facts, name=name, digest=digest)
        return game

    @property
    def form(self) -> str:
        """Name of its form."""
        return f"own-{self.digest}"

    @property
    def solution(self) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """Where G and D ought to end; NaN: it does not matter."""
        return self.solution_g or (float(np.nan),) * self.sizes[0], self.solution_d

    @property
    def facts(self) -> dict[str, Any]:
        """What must be known of it where its code is not at hand, as plain data."""
        listed = {name: getattr(self, name) for name in _FACTS}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in listed.items()}

    @property
    def source(self) -> dict[str, Any]:
        """The text of its functions, for readers; where its code is not at hand, as a file told it."""
        if "gradients" not in vars(self):
            text = told(self)
            return {name: text[name] for name in _FUNCTIONS if is_code(text.get(name))}
        codes = {name: getattr(self, name) for name in _FUNCTIONS}
        return {name: code.record() for name, code in codes.items() if code is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled with its functions by value, and defined where it arrives."""
        return _restored, (dict(vars(self)),)

    def __repr__(self) -> str:
        return f"OwnField({self.name!r}, sizes={self.sizes})"


OwnField.__init__ = bound(OwnField.__init__, _CHECKS)  # type: ignore[method-assign]


def _restored(state: dict[str, Any]) -> OwnField:
    game = OwnField.__new__(OwnField)
    vars(game).update(state)
    if "gradients" in state and defined(OwnField, game.name, game.digest) is None:
        define(game)
    return game


def own_field(value: object) -> OwnField | None:
    """A field of somebody's own: itself, or what a results folder knows it by; None if it is something else."""
    if type(value) is OwnField:
        return value
    if isinstance(value, Mapping) and value.get("kind") == "own":
        name, digest, facts = checked_record(value, _FACTS)
        found: OwnField | None = defined(OwnField, name, digest)
        return found or OwnField.absent(name, digest, facts)
    return None
