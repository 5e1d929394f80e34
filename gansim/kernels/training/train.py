"""THE loop: steps, one after the other, of whatever dynamics."""

from typing import NamedTuple

from gansim.kernels import sampler
from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.networks import player
from gansim.kernels.networks.player import Player
from gansim.kernels.sampler import Sampler
from gansim.kernels.training.dynamics import Dynamics, advance
from gansim.kernels.training.field import Field


class Plan(NamedTuple):
    """What a bundle's runs have in common besides their networks, their optimisers and their data."""

    field: Field
    dynamics: Dynamics


@entry_point
def train(g: Player, d: Player, s: Sampler, plan: Plan, first: int, last: int) -> None:
    """Train a bundle from step ``first`` up to, not including, step ``last``; everything is updated in place.

    In steps below 0 D is trained alone.
    """
    g, d, s = player.opened(g), player.opened(d), sampler.opened(s)
    for step in range(first, last):
        advance(g, d, s, plan.field, plan.dynamics, plan.dynamics.memory, step)
