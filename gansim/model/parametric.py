"""Games of two vectors: players whose parameters and gradients are given, without networks and without data.

What can be said of training with a pencil is said of these: Dirac-GAN, bilinear games, the linear Wasserstein GAN, two
normals against two intervals. They run as GANs do, by the same loop, dynamics, optimisers and streams. Their forms are
in ``kernels/parametric.py``.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import KW_ONLY, field
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from gansim.display import DERIVED
from gansim.errors import Refused
from gansim.model.data.distributions import Normal, Uniform
from gansim.model.dynamics import (
    RECORDS,
    Average,
    Decay,
    Lookahead,
    OptionalAverage,
    OptionalDecay,
    OptionalLookahead,
    Records,
    Repeats,
    Steps,
    Updates,
    check_updates,
)
from gansim.model.fields import Integer, Object, Real, Several, described
from gansim.model.optimizers import SGD, AnyOptimizer, Optimizer, OptimizerName
from gansim.model.own.fields import OwnField, own_field

__all__ = [
    "MOST_PARAMETERS",
    "Bilinear",
    "Dirac",
    "LinearWasserstein",
    "ParametricGame",
    "TwoNormals",
    "VectorGame",
    "fields_of",
]

_Number = Annotated[float, Real(-1e6, 1e6)]
_Strength = Annotated[float, Real(0.0, 1e6)]
MOST_PARAMETERS = 64
"""Parameters that a player may have."""
# Means that the best D can tell from wherever G is: its intervals are sought up to 6, see kernels/parametric.py. With
# means of 5 and fakes at 7.5 one ends at 6.25, and G's gradient was 0 instead of 0.09; with means of 2 what is lost
# is below 1e-4.
_NEAR = 2.0
_Mean = Annotated[tuple[float, ...], Several(Real(-1e6, 1e6), 1, MOST_PARAMETERS, "numbers, such as (3, 4)")]


@described
class Dirac:
    """Dirac-GAN: all data at 0, the generator a point theta, the discriminator phi x (Mescheder et al. 2018).

    High is real, so phi has the other sign than in the paper, whose discriminator is high on fakes. Where phi theta is
    above 0, D takes the fake for real.

    Parameters
    ----------
    loss : {"minimax", "non-saturating", "wasserstein"}, default "minimax"
        What both descend, as in the games of that name.
    r1 : float, default 0
        Adds r1 / 2 phi^2 to D's loss, 0 to 1e6.
    pull : float, default 0
        Adds pull / 2 (abs(phi) - target)^2 to D's loss, a gradient penalty, 0 to 1e6.
    target : float, default 1
        The slope that `pull` asks for, 0 to 1e6.
    noise : float, default 0
        Standard deviation of normal noise on reals and fakes, 0 to 1e6; gradients are averages over a batch of them.
        In the minimax game.
    consensus : float, default 0
        Both also descend consensus / 2 times the squared norm of both gradients, 0 to 1e6. In the minimax game.
    share : float, default 1
        Of that norm's derivative, the part that comes through the loss's slope counts so much: 1 is the gradient, 0.5
        what the code published with the paper computes. 0 to 1.

    Examples
    --------
    >>> Dirac(r1=0.3)
    Dirac(loss='minimax', r1=0.3)
    """

    loss: Literal["minimax", "non-saturating", "wasserstein"] = "minimax"
    _: KW_ONLY
    r1: _Strength = 0.0
    pull: _Strength = 0.0
    target: _Strength = 1.0
    noise: _Strength = 0.0
    consensus: _Strength = 0.0
    share: Annotated[float, Real(0.0, 1.0)] = 1.0
    kind: Literal["dirac"] = field(default="dirac", kw_only=True, repr=False)
    any_order: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("noise", "consensus"):
            if getattr(self, name) and self.loss != "minimax":
                raise Refused(getattr(self, name), f"0, because the loss is {self.loss}, not minimax", name)
        if self.noise and self.consensus:
            raise Refused(self.noise, "0, because consensus is above 0", "noise")
        for name, default, of in (("target", 1.0, "pull"), ("share", 1.0, "consensus")):
            if getattr(self, name) != default and not getattr(self, of):
                raise Refused(getattr(self, name), f"{default:g}, because {of} is 0", name)

    @property
    def form(self) -> str:
        """Name of its form."""
        other = "-consensus" if self.consensus else "-blurred" if self.noise else ""
        return f"dirac-{self.loss}{other}"

    @property
    def drawn(self) -> int:
        """Standard normals that a sample takes."""
        return 2 if self.noise else 0

    @property
    def sizes(self) -> tuple[int, int]:
        """Parameters of G and of D."""
        return 1, 1

    @property
    def numbers(self) -> tuple[float, ...]:
        """Numbers of its form."""
        return self.r1, self.pull, self.target, self.noise, self.consensus, self.share

    @property
    def solution(self) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """Where G and D ought to end; None: it does not matter."""
        return (0.0,), (0.0,)


@described
class Bilinear:
    """G descends theta . phi, D ascends it (Gidel et al. 2019, eq. 6).

    Parameters
    ----------
    n : int, default 1
        Parameters of each, 1 to 64.

    Examples
    --------
    >>> Bilinear(3)
    Bilinear(n=3)
    """

    n: Annotated[int, Integer(1, MOST_PARAMETERS)] = 1
    kind: Literal["bilinear"] = field(default="bilinear", kw_only=True, repr=False)
    any_order: ClassVar[bool] = False
    form: ClassVar[str] = "bilinear"
    drawn: ClassVar[int] = 0
    numbers: ClassVar[tuple[float, ...]] = (0.0,)

    @property
    def sizes(self) -> tuple[int, int]:
        """Parameters of G and of D."""
        return self.n, self.n

    @property
    def solution(self) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """Where G and D ought to end."""
        return (0.0,) * self.n, (0.0,) * self.n


@described
class LinearWasserstein:
    """Data N(mean, I), fakes z + theta, D(x) = phi . x, the Wasserstein game (Daskalakis et al. 2018, section 2).

    Parameters
    ----------
    mean : tuple of float, default (3, 4)
        Of the data, 1 to 64 numbers, -1e6 to 1e6.
    penalty : float, default 0
        Adds penalty (norm of phi - 1)^2 to D's loss, 0 to 1e6.
    samples : bool, default False
        Whether D sees batches of reals and fakes; else their expectations.

    Examples
    --------
    >>> LinearWasserstein(penalty=0.1)
    LinearWasserstein(mean=(3.0, 4.0), penalty=0.1, samples=False)
    """

    mean: _Mean = (3.0, 4.0)
    penalty: _Strength = 0.0
    samples: bool = False
    kind: Literal["linear-wasserstein"] = field(default="linear-wasserstein", kw_only=True, repr=False)
    any_order: ClassVar[bool] = False

    @property
    def form(self) -> str:
        """Name of its form."""
        return "linear-drawn" if self.samples else "linear"

    @property
    def drawn(self) -> int:
        """Standard normals that a sample takes."""
        return 2 * len(self.mean) if self.samples else 0

    @property
    def sizes(self) -> tuple[int, int]:
        """Parameters of G and of D."""
        return len(self.mean), len(self.mean)

    @property
    def numbers(self) -> tuple[float, ...]:
        """Numbers of its form."""
        return self.penalty, *self.mean

    @property
    def solution(self) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """Where G and D ought to end."""
        return self.mean, (0.0,) * len(self.mean)


@described
class TwoNormals:
    """Half N(theta_0, 1) and half N(theta_1, 1) against D = 1 in two intervals, else 0 (Li et al. 2017, section 2).

    D's parameters are the ends of its intervals, left, right, left, right.

    Parameters
    ----------
    mean, other : float, default -0.5 and 0.5
        Means of the data's two halves, -5 to 5; -2 to 2 against the best D, whose intervals are sought from -6 to 6.
    best : bool, default False
        Whether G always meets the best D, whose own parameters then stay where they are; else D takes steps.

    Examples
    --------
    >>> TwoNormals(best=True)
    TwoNormals(mean=-0.5, other=0.5, best=True)
    """

    mean: Annotated[float, Real(-5.0, 5.0)] = -0.5
    other: Annotated[float, Real(-5.0, 5.0)] = 0.5
    best: bool = False
    kind: Literal["two-normals"] = field(default="two-normals", kw_only=True, repr=False)
    any_order: ClassVar[bool] = True
    drawn: ClassVar[int] = 0

    def __post_init__(self) -> None:
        for name in ("mean", "other"):
            if self.best and abs(getattr(self, name)) > _NEAR:
                raise Refused(getattr(self, name), f"-{_NEAR:g} to {_NEAR:g}, because D is the best one", name)

    @property
    def form(self) -> str:
        """Name of its form."""
        return "two-normals-best" if self.best else "two-normals"

    @property
    def sizes(self) -> tuple[int, int]:
        """Parameters of G and of D."""
        return 2, 4

    @property
    def numbers(self) -> tuple[float, ...]:
        """Numbers of its form."""
        return self.mean, self.other

    @property
    def solution(self) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """Where G ought to end, in any order."""
        return tuple(sorted((self.mean, self.other))), None


VectorGame: TypeAlias = Dirac | Bilinear | LinearWasserstein | TwoNormals | OwnField
_GAMES = (Dirac, Bilinear, LinearWasserstein, TwoNormals)
_LAWS = Object((Uniform, Normal), "a law")


class _VectorGames(Object):
    """A game of gansim's, or one of somebody's own."""

    def __call__(self, value: Any) -> Any:
        """Return the game, or refuse."""
        own = own_field(value)
        return super().__call__(value) if own is None else own


def _start(value: object) -> float | Uniform | Normal:
    """A number, or what it is drawn from."""
    if isinstance(value, (Uniform, Normal, dict)):
        return _LAWS(value)  # type: ignore[no-any-return]
    try:
        return Real(-1e6, 1e6)(value)
    except Refused as refused:
        raise Refused(refused.value, f"{refused.allowed}, or gs.Uniform or gs.Normal to draw it from") from None


def _starts(value: object) -> tuple[float | Uniform | Normal, ...]:
    """Of a player: one by itself is taken for all there is."""
    if type(value) is not bool and isinstance(value, (numbers.Real, Uniform, Normal, dict)):
        return (_start(value),)
    return Several(_start, 1, MOST_PARAMETERS, "numbers or laws, such as (1, -1)")(value)


_Starts = Annotated[tuple[float | Uniform | Normal, ...], _starts]


@described
class ParametricGame:
    """One configuration of a game of two vectors. All but the game and the starts is given by name.

    Parameters
    ----------
    game : Dirac, Bilinear, LinearWasserstein, TwoNormals or OwnField
        Both players' gradients.
    start_g, start_d : tuple of float, Uniform or Normal
        Where their parameters begin, numbers or laws that each replicate draws from; one of each by itself.
    ordered : bool, default False
        Whether the starts of D that are drawn are put in ascending order.
    clip : float, default 0
        After every update D's parameters are cut to this size, 0 to 1e6; 0: they are not.
    optimizer_g, optimizer_d : as those of a `GAN`, default SGD(0.1)
        How each player updates its parameters.
    updates, fresh, lookahead, average, decay, d_steps, g_steps
        As those of a `GAN`.
    batch_size : int, default 1
        Samples that a gradient is an average over where the game draws any, 1 to 65,536.
    steps : int, default 1000
        Training steps, 1 to 1e8.
    records : int, default 50, or steps if fewer
        Records of a run, evenly spaced.
    precision : {"float64", "float32"}, default "float64"
        Of the arithmetic. Traces are kept in float32.

    Examples
    --------
    >>> ParametricGame(Dirac(r1=0.3), 1, -1, steps=500)
    ParametricGame(game=Dirac(loss='minimax', r1=0.3), start_g=(1.0,), start_d=(-1.0,), steps=500)
    """

    game: Annotated[VectorGame, _VectorGames(_GAMES, "a game")]
    start_g: _Starts
    start_d: _Starts
    _: KW_ONLY
    ordered: bool = False
    clip: _Strength = 0.0
    optimizer_g: Optimizer = SGD(0.1)
    optimizer_d: Optimizer = SGD(0.1)
    updates: Updates = "alternating"
    fresh: bool = True
    lookahead: OptionalLookahead = None
    average: OptionalAverage = None
    decay: OptionalDecay = None
    d_steps: Repeats = 1
    g_steps: Repeats = 1
    batch_size: Annotated[int, Integer(1, 65536)] = 1
    steps: Steps = 1000
    records: Records = field(  # type: ignore[assignment]
        default=None, metadata={DERIVED: lambda game: min(RECORDS, game.steps)}
    )
    precision: Literal["float64", "float32"] = "float64"
    target: ClassVar[None] = None
    referee: ClassVar[None] = None

    def __init__(
        self,
        game: VectorGame,
        start_g: float | Uniform | Normal | Sequence[float | Uniform | Normal],
        start_d: float | Uniform | Normal | Sequence[float | Uniform | Normal],
        *,
        ordered: bool = False,
        clip: float = 0.0,
        optimizer_g: AnyOptimizer | OptimizerName = SGD(0.1),  # noqa: B008
        optimizer_d: AnyOptimizer | OptimizerName = SGD(0.1),  # noqa: B008
        updates: Updates = "alternating",
        fresh: bool = True,
        lookahead: Lookahead | None = None,
        average: Average | None = None,
        decay: Decay | None = None,
        d_steps: int = 1,
        g_steps: int = 1,
        batch_size: int = 1,
        steps: int = 1000,
        records: int | None = None,
        precision: Literal["float64", "float32"] = "float64",
    ) -> None: ...

    def __post_init__(self) -> None:
        if self.records is None:
            object.__setattr__(self, "records", min(RECORDS, self.steps))  # type: ignore[unreachable]
        for name, size in zip(("start_g", "start_d"), self.game.sizes, strict=True):
            if len(getattr(self, name)) != size:
                many = f"{size} number or law" if size == 1 else f"{size} numbers or laws"
                raise Refused(getattr(self, name), f"{many}, because the game is {self.game.kind}", name)
        check_updates(self)
        if self.clip and self.d_steps == 0:
            raise Refused(self.clip, "0, because d_steps = 0: D is frozen", "clip")
        if self.batch_size > 1 and not self.game.drawn:
            raise Refused(self.batch_size, "1, because the game draws no samples", "batch_size")
        if self.records > self.steps:
            raise Refused(self.records, f"an integer from 1 to steps = {self.steps:,}", "records")


@lru_cache(maxsize=1024)
def fields_of(game: ParametricGame) -> tuple[str, ...]:
    """Names of what is measured of a game of two vectors: distances, parameters, norms of gradients.

    Examples
    --------
    >>> fields_of(ParametricGame(Dirac(), 1, -1))
    ('g_off', 'd_off', 'theta_1', 'phi_1', 'grad_g', 'grad_d', 'finite')
    """
    n_g, n_d = game.game.sizes
    parameters = (*(f"theta_{i + 1}" for i in range(n_g)), *(f"phi_{i + 1}" for i in range(n_d)))
    return ("g_off", "d_off", *parameters, "grad_g", "grad_d", "finite")
