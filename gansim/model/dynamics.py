"""Dynamics: the order of updates, how many there are; slow weights, averages, rates that decay."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal, TypeAlias, get_args

from gansim.errors import Refused
from gansim.model.fields import Integer, Object, OrNone, Real, described

__all__ = [
    "RECORDS",
    "Adjustment",
    "AdjustmentName",
    "AnyAdjustment",
    "Average",
    "Consensus",
    "Decay",
    "Lookahead",
    "OptionalAverage",
    "OptionalDecay",
    "OptionalLookahead",
    "Records",
    "Repeats",
    "Steps",
    "Symplectic",
    "Unrolled",
    "Updates",
    "check_updates",
]

Updates: TypeAlias = Literal[
    "alternating", "alternating-g-first", "simultaneous", "extragradient", "past-extragradient"
]
Repeats: TypeAlias = Annotated[int, Integer(0, 100)]
Steps: TypeAlias = Annotated[int, Integer(1, 10**8)]
Records: TypeAlias = Annotated[int, OrNone(Integer(1, 10**8))]
RECORDS = 50
"""Records of a run, unless it has fewer steps."""


@described
class Lookahead:
    """Every `k` steps both players go back to a point between where they were `k` steps before and where they are.

    Slow weights += alpha (weights - slow weights), and the weights become these (Chavdarova et al. 2021, algorithm 1).

    Parameters
    ----------
    k : int, default 5
        Training steps, 1 to 1e6.
    alpha : float, default 0.5
        How far towards where they are, 0 to 1.

    Examples
    --------
    >>> Lookahead(k=10)
    Lookahead(k=10, alpha=0.5)
    """

    k: Annotated[int, Integer(1, 10**6)] = 5
    alpha: Annotated[float, Real(0.0, 1.0)] = 0.5
    kind: Literal["lookahead"] = field(default="lookahead", kw_only=True, repr=False)


@described
class Average:
    """What is measured is an average of the generator over its training steps; trained is the generator itself.

    Parameters
    ----------
    beta : float or None, default 0.999
        After each step average = beta average + (1 - beta) weights, 0 to 0.9999999, from the initial weights (Yazici et
        al. 2019, eq. 4). None: the mean of the weights after every step so far, the initial ones left out.

    Examples
    --------
    >>> Average(0.99)
    Average(beta=0.99)
    """

    beta: Annotated[float | None, OrNone(Real(0.0, 0.9999999))] = 0.999
    kind: Literal["average"] = field(default="average", kw_only=True, repr=False)


@described
class Decay:
    """Both players' learning rates go down over training, from all of them to a share `to` of them.

    With t the share of the training steps that are done: linear, 1 - (1 - to) t; exponential, to^t; cosine,
    to + (1 - to) (1 + cos(pi t)) / 2 (Loshchilov and Hutter 2017, eq. 5).

    Parameters
    ----------
    shape : {"linear", "exponential", "cosine"}, default "linear"
        How.
    to : float, default 0.01
        Share of the rates that would be left after the last step, 0 to 1; above 0 if exponential.

    Examples
    --------
    >>> Decay("cosine", to=0)
    Decay(shape='cosine', to=0.0)
    """

    shape: Literal["linear", "exponential", "cosine"] = "linear"
    to: Annotated[float, Real(0.0, 1.0)] = 0.01
    kind: Literal["decay"] = field(default="decay", kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if self.shape == "exponential" and self.to == 0:
            raise Refused(self.to, "above 0, because exponential decay never gets there", "to")


@described
class Consensus:
    """Consensus: both players also descend gamma / 2 times the squared norm of both gradients together.

    By the exact gradient of that (Mescheder et al. 2017, eq. 12). With simultaneous updates.

    Parameters
    ----------
    gamma : float, default 10
        0 to 1e6.

    Examples
    --------
    >>> Consensus(1)
    Consensus(gamma=1.0)
    """

    gamma: Annotated[float, Real(0.0, 1e6)] = 10.0
    kind: Literal["consensus"] = field(default="consensus", kw_only=True, repr=False)


@described
class Symplectic:
    """Symplectic gradient adjustment: gradients turned by the antisymmetric part of their derivative, and added.

    Balduzzi et al. 2018, algorithm 1. With simultaneous updates.

    Parameters
    ----------
    strength : float, default 1
        lambda, 0 to 1e6.
    align : bool, default False
        Whether its sign is chosen so that the adjustment does not lead away from a stable point.

    Examples
    --------
    >>> Symplectic(align=True)
    Symplectic(strength=1.0, align=True)
    """

    strength: Annotated[float, Real(0.0, 1e6)] = 1.0
    align: bool = False
    kind: Literal["symplectic"] = field(default="symplectic", kw_only=True, repr=False)


@described
class Unrolled:
    """G learns against the D that would come of `k` more steps of gradient descent (Metz et al. 2017, eqs. 7 to 10).

    Parameters
    ----------
    k : int, default 5
        Steps of D, on a batch each, 1 to 50. With updates that alternate.
    lr : float, default 0.01
        Rate of these steps, 0 to 1000.
    second_order : bool, default True
        Whether G's gradient goes through the steps, or holds D as it is after them.

    Examples
    --------
    >>> Unrolled(10)
    Unrolled(k=10, lr=0.01, second_order=True)
    """

    k: Annotated[int, Integer(1, 50)] = 5
    lr: Annotated[float, Real(0.0, 1000.0)] = 0.01
    second_order: bool = True
    kind: Literal["unrolled"] = field(default="unrolled", kw_only=True, repr=False)


AnyAdjustment: TypeAlias = Consensus | Symplectic | Unrolled
_ADJUSTMENT = Object(get_args(AnyAdjustment), "an adjustment", by_name=True)
Adjustment: TypeAlias = Annotated[AnyAdjustment | None, OrNone(_ADJUSTMENT)]
AdjustmentName: TypeAlias = Literal["consensus", "symplectic", "unrolled"]
"""Names that stand for an adjustment with all defaults."""
OptionalLookahead: TypeAlias = Annotated[Lookahead | None, OrNone(Object((Lookahead,), "a lookahead"))]
OptionalAverage: TypeAlias = Annotated[Average | None, OrNone(Object((Average,), "an average"))]
OptionalDecay: TypeAlias = Annotated[Decay | None, OrNone(Object((Decay,), "a decay"))]


def check_updates(of: Any) -> None:
    """Refuse orders of updates that cannot be, and what would do nothing beside them.

    Parameters
    ----------
    of : GAN or ParametricGame
        A configuration with updates, d_steps, g_steps, fresh, average and lookahead.
    """
    for name in ("d_steps", "g_steps"):
        if not of.updates.startswith("alternating") and getattr(of, name) != 1:
            allowed = f"1, because {of.updates} updates need d_steps = g_steps = 1"
            raise Refused(getattr(of, name), allowed, name)
    if of.d_steps == of.g_steps == 0:
        raise Refused(0, "1 to 100, because d_steps = 0 too: nobody would move", "g_steps")
    if not of.fresh and of.updates != "extragradient":
        raise Refused(of.fresh, f"True, because {of.updates} updates have no second batch", "fresh")
    for name, players in (("average", "g"), ("lookahead", "gd")):
        for player in players:
            if getattr(of, name) is not None and getattr(of, f"{player}_steps") == 0:
                allowed = f"None, because {player}_steps = 0: {player.upper()} is frozen"
                raise Refused(getattr(of, name), allowed, name)
