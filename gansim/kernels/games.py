"""Games: who wants what, said at D's output.

Losses are minimised and averaged over the batch. s is D's output, high means real; where D is a probability it is the
logit, ``D = sigmoid(s)``.

| game | loss of D | loss of G | source |
|---|---|---|---|
| minimax | -V = E softplus(-s_real) + E softplus(s_fake) | E log(1 - D(G)) = -E softplus(s_fake) | 2014, eq. 1 |
| non-saturating | -V | -E log D(G) = E softplus(-s_fake) | 2014, section 3 |
| as-written | +V: D *descends* V | as minimax | the founding note's argmin, docs/note.md N5 |
| wasserstein | E s_fake - E s_real | -E s_fake | Arjovsky et al. 2017, algorithm 1 |
| hinge | E max(0, 1 - s_real) + E max(0, 1 + s_fake) | -E s_fake | Lim and Ye 2017; Miyato et al. 2018, eq. 16 |
| least-squares | E (s_real - b)^2 / 2 + E (s_fake - a)^2 / 2 | E (s_fake - c)^2 / 2 | Mao et al. 2017, eq. 2 |
| relativistic, -average | compared with other outputs, see relativistic.py | | |

2014: Goodfellow et al., Generative Adversarial Nets.

Losses are machine code of their own, which the training loop calls by its address once a block of samples: whoever adds
one compiles no loop anew. A new game is a line of `GAMES` here, with what it needs of `LOSSES`, its name and what it
says of D in ``model/games.py`` and its oracle in ``tests/helpers/reference.py``.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.core.errors import NumbaError, UnsupportedBytecodeError

from gansim.errors import ConfigError, one_line
from gansim.kernels.compiling.jit import COMPILES, by_address, kernel
from gansim.kernels.lanemath import logistic_density, sigmoid, softplus, without_tiny
from gansim.kernels.lanes import (
    Tile,
    Tiles,
    View,
    at_address,
    maximum,
    register,
    spread,
    view_types,
    where_greater,
)

# --- losses -------------------------------------------------------------------------------------

Numbers = tuple[float, float, float]  # of a game that has any
Term = Callable[[Tile, Numbers], Tile]


class Loss(NamedTuple):
    """What a sample costs, as a function of D's output and the game's numbers, and its derivatives by the output."""

    value: Term
    slope: Term
    bend: Term


def _loss(name: str, value: Term, slope: Term, bend: Term) -> Loss:
    for what, function in (("value", value), ("slope", slope), ("bend", bend)):
        function.__qualname__ = f"{name}-{what}"  # what machine code is known by, see compiling/plain.py
    return Loss(kernel(value), kernel(slope), kernel(bend))


def _off(which: int) -> Loss:
    """Half the square of the distance to one of the game's numbers."""
    return _loss(
        f"off-{which}",
        lambda s, a: (s - a[which]) * (s - a[which]) * 0.5,
        lambda s, a: s - a[which],
        lambda s, a: spread(1.0, s),
    )


# Losses by family: each is compiled when a game of it is first asked for (all eleven would take 1.2 s, these four 0.5).
# Logistic: -log D, -log(1 - D), and the same to be maximised.
NOT_REAL, NOT_FAKE, IS_REAL, IS_FAKE = range(4)
_LOGISTIC = (
    _loss("not_real", lambda s, _: softplus(-s), lambda s, _: -sigmoid(-s), lambda s, _: logistic_density(s)),
    _loss("not_fake", lambda s, _: softplus(s), lambda s, _: sigmoid(s), lambda s, _: logistic_density(s)),
    _loss("is_real", lambda s, _: -softplus(-s), lambda s, _: sigmoid(-s), lambda s, _: -logistic_density(s)),
    _loss("is_fake", lambda s, _: -softplus(s), lambda s, _: -sigmoid(s), lambda s, _: -logistic_density(s)),
)
# Scores: the output itself, and how far it is on the wrong side of 1 or of -1.
LOW, HIGH, BELOW, ABOVE = range(4)
_SCORES = (
    _loss("low", lambda s, _: -s, lambda s, _: spread(-1.0, s), lambda s, _: spread(0.0, s)),
    _loss("high", lambda s, _: s, lambda s, _: spread(1.0, s), lambda s, _: spread(0.0, s)),
    _loss(
        "below",
        lambda s, _: maximum(1.0 - s, 0.0),
        lambda s, _: where_greater(1.0, s, -1.0, 0.0),
        lambda s, _: spread(0.0, s),
    ),
    _loss(
        "above",
        lambda s, _: maximum(1.0 + s, 0.0),
        lambda s, _: where_greater(s, -1.0, 1.0, 0.0),
        lambda s, _: spread(0.0, s),
    ),
)
# Squares: how far the output is from the game's numbers.
OFF_A, OFF_B, OFF_C = range(3)
_SQUARES = tuple(map(_off, range(3)))
# Logistic, a share of every real counted as fake: number a.
_SMOOTHED = (
    _loss(
        "smoothed",
        lambda s, a: softplus(-s) * (1.0 - a[0]) + softplus(s) * a[0],
        lambda s, a: sigmoid(s) * a[0] - sigmoid(-s) * (1.0 - a[0]),
        lambda s, a: logistic_density(s),
    ),
    *_LOGISTIC,
)
LOSSES: dict[str, tuple[Loss, ...]] = {
    "smoothed": _SMOOTHED,
    "logistic": _LOGISTIC,
    "scores": _SCORES,
    "squares": _SQUARES,
}

OWN = "own-"  # begins the name of a family of somebody's own losses; its digest follows


def own_family(digest: str, losses: Sequence[Sequence[Callable[[Tile], Tile] | None]]) -> str:
    """Name of the family of somebody's own losses, by their digest: code on disk is known by it.

    ``losses`` has functions for value, slope and bend of each; of one without a bend that is not a number.
    """
    family = OWN + digest
    if family not in LOSSES:
        LOSSES[family] = tuple(
            _loss(f"{family}-{place}", *(_of_output(function) for function in loss))
            for place, loss in enumerate(losses)
        )
    return family


def _of_output(function: Callable[[Tile], Tile] | None) -> Term:
    """A function of D's output alone, as a term."""
    if function is None:
        return lambda s, _: spread(np.nan, s)
    of = kernel(function)
    return lambda s, _: of(s)


class Game(NamedTuple):
    """D's losses on a real and on a fake sample, and G's on a fake one: places in their family."""

    real: int
    fake: int
    generator: int


# Family and losses of every game; relativistic ones make them of differences.
GAMES = {
    "minimax": ("logistic", Game(NOT_REAL, NOT_FAKE, IS_FAKE)),
    "non-saturating": ("logistic", Game(NOT_REAL, NOT_FAKE, NOT_REAL)),
    "as-written": ("logistic", Game(IS_REAL, IS_FAKE, IS_FAKE)),
    "wasserstein": ("scores", Game(LOW, HIGH, LOW)),
    "hinge": ("scores", Game(BELOW, ABOVE, LOW)),
    "least-squares": ("squares", Game(OFF_B, OFF_A, OFF_C)),
    "relativistic": ("logistic", Game(NOT_REAL, NOT_FAKE, NOT_REAL)),
    "relativistic-average": ("logistic", Game(NOT_REAL, NOT_FAKE, NOT_REAL)),
}


def smoothed(game: Game) -> Game:
    """A logistic game whose reals count as fakes to some share, in the family of that name."""
    return Game(0, game.fake + 1, game.generator + 1)


# --- machine code of losses, called by its address ----------------------------------------------


@kernel
def _times(value: Tile, share: Tile) -> Tile:
    """A sample's share in the slope or bend of the batch's loss; 0 where it is tiny.

    Of a saturated D slopes are 1e-38 and less. They move no weight (Adam divides by 1e-8 or more), but what directional
    derivatives make of them lies below the smallest normal number, and on an Intel Xeon each such product costs some
    150 cycles: on raw N(500, 5^2) a step with an unrolled D took 670-1,600 us and takes 180-360, consensus 500 and 57,
    symplectic gradient adjustment 90-520 and 90-130, and the plain game 15.5 both times.
    """
    return without_tiny(value * share)


@kernel
def _counted(value: Tile, share: Tile) -> Tile:
    """Padding counts nothing even where the value is infinite."""
    return where_greater(share, 0.0, value * share, 0.0)


def _one_of(terms: list[Any], weigh: Any, place: int = 0) -> Any:
    """A function that fills d with what the term at a place makes of h (recursion while compiling)."""
    term = terms[0]

    @kernel
    def fill(
        which: int, h: Tiles, d: Tiles, shares: Tiles, numbers: Numbers, out: int, units: int, first: int, n: int
    ) -> None:
        for t in range(n):
            d[out + t * units] = weigh(term(h[out + t * units], numbers), shares[first + t])

    if len(terms) == 1:
        return fill
    others = _one_of(terms[1:], weigh, place + 1)

    @kernel
    def chosen(
        which: int, h: Tiles, d: Tiles, shares: Tiles, numbers: Numbers, out: int, units: int, first: int, n: int
    ) -> None:
        if which == place:
            fill(which, h, d, shares, numbers, out, units, first, n)
        else:
            others(which, h, d, shares, numbers, out, units, first, n)

    return chosen


@cache
def _compiled(family: str, kind: str, dtype: str) -> Any:
    chosen = _one_of([getattr(loss, kind) for loss in LOSSES[family]], _counted if kind == "value" else _times)

    def fill(
        which: int, h: Tiles, d: Tiles, shares: Tiles, a: float, b: float, c: float, out: int, units: int, first: int,
        n: int,
    ) -> int:  # fmt: skip
        chosen(which, h, d, shares, (a, b, c), out, units, first, n)
        return n

    fill.__qualname__ = f"{family}-{kind}"  # what machine code is known by
    _, tile = view_types(np.dtype(dtype))
    arguments = [types.intp, tile, tile, tile, *[types.float64] * 3, *[types.intp] * 4]
    if not COMPILES:
        return fill
    try:
        return by_address(fill, types.intp, arguments)
    except (NumbaError, UnsupportedBytecodeError) as error:
        if not family.startswith(OWN):
            raise
        told = one_line(error)
        raise ConfigError(
            f"game: a {kind} of its losses cannot be compiled for lanes ({told:.300}): simpler code"
        ) from None


def slopes(family: str, dtype: Any) -> Any:
    """Where the slopes of a family's losses lie: an address, or under NumPy a function. Compiled, or loaded, once."""
    return _compiled(family, "slope", np.dtype(dtype).name)


def values(family: str, dtype: Any) -> Any:
    """Where the losses of a family lie; as `slopes`."""
    return _compiled(family, "value", np.dtype(dtype).name)


def bends(family: str, dtype: Any) -> Any:
    """Where the second derivatives of a family's losses lie; as `slopes`."""
    return _compiled(family, "bend", np.dtype(dtype).name)


def forget() -> None:
    """Let losses be loaded or compiled again when they are next asked for."""
    _compiled.cache_clear()


def _call(
    where: Any, which: int, h: Tiles, d: Tiles, shares: Tiles, a: float, b: float, c: float, out: int, units: int,
    first: int, n: int,
) -> int:  # fmt: skip
    """Call what `slopes` or `values` gave."""
    done: int = where(which, h, d, shares, a, b, c, out, units, first, n)
    return done


register(
    _call,
    lambda where, which, h, d, shares, a, b, c, out, units, first, n: types.intp if isinstance(h, View) else None,
    at_address,
)


@kernel
def call(
    where: Any, loss: int, numbers: Numbers, h: Tiles, d: Tiles, out: int, units: int, shares: Tiles, first: int, n: int
) -> None:
    """Shares in the batch's loss, or in its derivative by D's outputs, of tiles ``first`` ... of the batch.

    The n outputs lie in h, from ``out`` on and ``units`` apart; the same places of d are filled.
    """
    a, b, c = numbers
    _call(where, loss, h, d, shares, a, b, c, out, units, first, n)
