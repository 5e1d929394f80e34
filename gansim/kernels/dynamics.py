"""Dynamics: the only place that knows the order of updates.

One step, alternating: ``d_steps`` times {D's gradient, D's update}, then ``g_steps`` times {G's gradient, G's update},
each on a batch of its own (Goodfellow et al. 2014, algorithm 1); or G's before D's, so that D sees the new G.
Simultaneous: both gradients at the old parameters, then both updates.

A new order of updates is a code, a function and its branch in `advance` here, and its name in ``model/gan.py``.
"""

from typing import NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.field import Field, gradient_d, gradient_g
from gansim.kernels.networks.player import Player
from gansim.kernels.optimizers import update
from gansim.kernels.sampler import Sampler

ALTERNATING, SIMULTANEOUS, G_FIRST = range(3)
CODES = {"alternating": ALTERNATING, "simultaneous": SIMULTANEOUS, "alternating-g-first": G_FIRST}


class Dynamics(NamedTuple):
    """The order of updates: its code, and how often each player moves in a step."""

    order: int
    d_steps: int
    g_steps: int


@kernel
def _alternating(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, step: int) -> None:
    for turn in range(2):  # one copy of either player's code, whoever comes first
        if (turn == 0) == (dynamics.order == G_FIRST):
            for k in range(dynamics.g_steps):
                gradient_g(g, d, s, field, step, k)
                update(g)
        else:
            for k in range(dynamics.d_steps):
                gradient_d(g, d, s, field, step, k)
                update(d)


@kernel
def _simultaneous(g: Player, d: Player, s: Sampler, field: Field, step: int) -> None:
    gradient_d(g, d, s, field, step, 0)
    gradient_g(g, d, s, field, step, 0)
    update(d)
    update(g)


@kernel
def advance(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, step: int) -> None:
    """One training step: both players' parameters and optimisers' states move on."""
    if dynamics.order == ALTERNATING or dynamics.order == G_FIRST:
        _alternating(g, d, s, field, dynamics, step)
    elif dynamics.order == SIMULTANEOUS:
        _simultaneous(g, d, s, field, step)
    else:
        raise ValueError("unknown dynamics")
