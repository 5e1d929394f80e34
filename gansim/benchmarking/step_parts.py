"""What surrounds the matrix products of a training step, each part by itself, as often as a step needs it: to be timed.

A step is one update of D and one of G, on a batch each. What these compute is of no use to anybody.
"""

from typing import Any

from gansim.kernels import sampler
from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.lanes import T
from gansim.kernels.networks import player
from gansim.kernels.networks.activations import ACTIVATE
from gansim.kernels.networks.architecture import Net
from gansim.kernels.networks.passes import by_architecture
from gansim.kernels.networks.player import SLOPE, Player
from gansim.kernels.random import NOISE_D, NOISE_G
from gansim.kernels.sampler import Sampler, draw_data, draw_noise
from gansim.kernels.training.optimizers import update


@entry_point
def random_numbers(g: Player, d: Player, s: Sampler, batch: int, steps: int) -> None:
    """Real data for D, noise for D's update and for G's."""
    s, n = sampler.opened(s), g.sizes.inputs
    padded = s.noises.shape[0] // n
    for step in range(steps):
        draw_data(s, g.sizes.outputs, batch, step, 0)
        draw_noise(s, n, padded, NOISE_D, 0, batch, step, 0)
        draw_noise(s, n, padded, NOISE_G, 0, batch, step, 0)


def _hidden_activations(net: Net) -> Any:
    activate, first, last = ACTIVATE[net.activation], net.layers[0].y, net.layers[-1].y

    @kernel
    def run(p: Player, n: int) -> None:
        for i in range(first, last):
            p.d[i] = activate(p.h[i], p.settings[SLOPE])

    return run


_activate_hidden = by_architecture(
    _hidden_activations,
    "Every hidden unit's activation, into the place of its derivative so that the next pass finds the same sums.",
)


@entry_point
def activations(net_g: Net, net_d: Net, g: Player, d: Player, batch: int, packs: int, steps: int) -> None:
    """D runs forward three times (on reals, on fakes twice), G twice."""
    g, d = player.opened(g), player.opened(d)
    for _ in range(steps):
        for _ in range(0, packs, T):
            for _ in range(3):
                _activate_hidden(net_d, d, 1)
        for _ in range(0, batch, T):
            for _ in range(2):
                _activate_hidden(net_g, g, 1)


@entry_point
def updates(g: Player, d: Player, steps: int) -> None:
    """Both players' optimisers, on whatever is in their gradients."""
    g, d = player.opened(g), player.opened(d)
    for _ in range(steps):
        update(d)
        update(g)
