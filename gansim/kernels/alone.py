"""What surrounds the matrix products of a training step, each part alone, as often as a step needs it: to be timed.

A step is one update of D and one of G, on a batch each. What these compute is of no use to anybody.
"""

from numba.extending import overload

from gansim.kernels import network, targets
from gansim.kernels.jit import PART, entry_point
from gansim.kernels.lanes import T
from gansim.kernels.network import ACTIVATE, SLOPE, Net, Player, n_inputs, n_params, output_unit
from gansim.kernels.optimizers import update
from gansim.kernels.random import NOISE_D, NOISE_G
from gansim.kernels.targets import Source, draw_data, draw_noise


@entry_point
def random_numbers(net_g: Net, net_d: Net, s: Source, batch: int, steps: int) -> None:
    """Real data for D, noise for D's update and for G's."""
    s, n = targets.opened(s), n_inputs(net_g)
    padded = s.noises.shape[0] // n
    for step in range(steps):
        draw_data(s, n_inputs(net_d), batch, step, 0)
        draw_noise(s, n, padded, NOISE_D, 0, batch, step, 0)
        draw_noise(s, n, padded, NOISE_G, 0, batch, step, 0)


def _activate_hidden(net: Net, p: Player) -> None:
    """Every hidden unit's activation, into the place of its derivative so that the next pass finds the same sums."""
    for i in range(n_inputs(net), output_unit(net)):
        p.d[i] = ACTIVATE[net.activation](p.h[i], p.settings[SLOPE])


@overload(_activate_hidden, jit_options=PART)
def _compiled(net, p):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
    activate = ACTIVATE[net.net.activation]

    def run(net, p):  # type: ignore[no-untyped-def]
        for i in range(n_inputs(net), output_unit(net)):
            p.d[i] = activate(p.h[i], p.settings[SLOPE])

    return run


@entry_point
def activations(net_g: Net, net_d: Net, g: Player, d: Player, batch: int, steps: int) -> None:
    """D runs forward three times (on reals, on fakes twice), G twice."""
    g, d = network.opened(g), network.opened(d)
    for _ in range(steps):
        for _ in range(0, batch, T):
            for _ in range(3):
                _activate_hidden(net_d, d)
            for _ in range(2):
                _activate_hidden(net_g, g)


@entry_point
def updates(net_g: Net, net_d: Net, g: Player, d: Player, steps: int) -> None:
    """Both players' optimisers, on whatever is in their gradients."""
    g, d = network.opened(g), network.opened(d)
    for _ in range(steps):
        update(d, n_params(net_d))
        update(g, n_params(net_g))
