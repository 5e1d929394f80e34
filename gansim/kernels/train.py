"""THE loop: the only place that knows the order of updates.

One training step, alternating: ``d_steps`` times {real and fake batch, D's gradient, D's update}, then ``g_steps``
times {fresh noise, G's gradient, G's update} (Goodfellow et al. 2014, algorithm 1). Simultaneous: both gradients at
the old parameters, then both updates.
"""

from typing import Any, NamedTuple

from gansim.kernels import network, targets
from gansim.kernels.games import loss_fake, loss_generator, loss_real, slope_fake, slope_generator, slope_real
from gansim.kernels.jit import entry_point, kernel
from gansim.kernels.lanemath import softplus
from gansim.kernels.lanes import Row, T, Tile, Tiles, fold, rows, tiles, where_greater
from gansim.kernels.network import (
    Net,
    Player,
    backward,
    backward_to_input,
    clear,
    copy_units,
    forward,
    n_inputs,
    n_outputs,
    n_params,
    n_units,
    output_unit,
)
from gansim.kernels.optimizers import update
from gansim.kernels.random import NOISE_D, NOISE_G
from gansim.kernels.targets import Source, draw_data, draw_noise


class Plan(NamedTuple):
    """What a pack's runs have in common besides their networks: codes and counts; ``block`` in tiles."""

    game: int
    simultaneous: bool
    d_steps: int
    g_steps: int
    batch: int
    block: int


# --- one block of tiles: what each player learns from it ----------------------------------------


@kernel
def learn_real(net_d: Net, d: Player, game: int, weights: Tiles, first: int, n: int) -> None:
    """D sees the reals in ``d.h``, tiles ``first`` ... of a batch: its gradient grows by their share."""
    forward(net_d, d, n)
    for t in range(n):
        out = t * n_units(net_d) + output_unit(net_d)
        d.d[out] = slope_real(game, d.h[out]) * weights[first + t]
    backward(net_d, d, n)


@kernel
def show_fakes(net_g: Net, net_d: Net, g: Player, d: Player, n: int) -> None:
    """G maps the noise in ``g.h``, D judges the result."""
    forward(net_g, g, n)
    for t in range(n):
        out = t * n_units(net_g) + output_unit(net_g)
        copy_units(g.h, out, d.h, t * n_units(net_d), n_outputs(net_g))
    forward(net_d, d, n)


@kernel
def learn_fake(net_g: Net, net_d: Net, g: Player, d: Player, game: int, weights: Tiles, first: int, n: int) -> None:
    """D sees G's fakes: its gradient grows by their share."""
    show_fakes(net_g, net_d, g, d, n)
    for t in range(n):
        out = t * n_units(net_d) + output_unit(net_d)
        d.d[out] = slope_fake(game, d.h[out]) * weights[first + t]
    backward(net_d, d, n)


@kernel
def learn_generator(
    net_g: Net, net_d: Net, g: Player, d: Player, game: int, weights: Tiles, first: int, n: int
) -> None:
    """G learns through D: its gradient grows by the share of the noise in ``g.h``."""
    show_fakes(net_g, net_d, g, d, n)
    for t in range(n):
        out = t * n_units(net_d) + output_unit(net_d)
        d.d[out] = slope_generator(game, d.h[out]) * weights[first + t]
    backward_to_input(net_d, d, n)
    for t in range(n):
        out = t * n_units(net_g) + output_unit(net_g)
        copy_units(d.d, t * n_units(net_d), g.d, out, n_outputs(net_g))
    backward(net_g, g, n)


# --- one batch: a player's gradient -------------------------------------------------------------


@kernel
def take_inputs(batch: Any, inputs: int, units: int, first: int, n: int, h: Tiles) -> None:
    """Tiles ``first`` ... ``first + n - 1`` of a batch, coordinate by coordinate, become the inputs of a network."""
    samples, each = tiles(batch), batch.shape[0] // T // inputs
    for t in range(n):
        for k in range(inputs):
            h[t * units + k] = samples[k * each + first + t]


@kernel
def gradient_d(net_g: Net, net_d: Net, g: Player, d: Player, s: Source, plan: Plan, step: int, k: int) -> None:
    """``d.grad`` becomes the gradient of D's loss on the k-th batch of this step."""
    clear(d.grad, n_params(net_d))
    draw_data(s, n_inputs(net_d), plan.batch, step, k)
    draw_noise(s, n_inputs(net_g), s.noises.shape[0] // n_inputs(net_g), NOISE_D, 0, plan.batch, step, k)
    tiles_ = (plan.batch + T - 1) // T
    for first in range(0, tiles_, plan.block):
        n = min(plan.block, tiles_ - first)
        take_inputs(s.reals, n_inputs(net_d), n_units(net_d), first, n, d.h)
        learn_real(net_d, d, plan.game, s.weights, first, n)
        take_inputs(s.noises, n_inputs(net_g), n_units(net_g), first, n, g.h)
        learn_fake(net_g, net_d, g, d, plan.game, s.weights, first, n)


@kernel
def gradient_g(net_g: Net, net_d: Net, g: Player, d: Player, s: Source, plan: Plan, step: int, k: int) -> None:
    """``g.grad`` becomes the gradient of G's loss on its k-th batch of this step."""
    clear(g.grad, n_params(net_g))
    draw_noise(s, n_inputs(net_g), s.noises.shape[0] // n_inputs(net_g), NOISE_G, 0, plan.batch, step, k)
    tiles_ = (plan.batch + T - 1) // T
    for first in range(0, tiles_, plan.block):
        n = min(plan.block, tiles_ - first)
        take_inputs(s.noises, n_inputs(net_g), n_units(net_g), first, n, g.h)
        learn_generator(net_g, net_d, g, d, plan.game, s.weights, first, n)


# --- the loop -----------------------------------------------------------------------------------


@entry_point
def train(net_g: Net, net_d: Net, g: Player, d: Player, s: Source, plan: Plan, first: int, last: int) -> None:
    """Train a pack from step ``first`` up to, not including, step ``last``; everything is updated in place."""
    g, d, s = network.opened(g), network.opened(d), targets.opened(s)
    for step in range(first, last):
        if plan.simultaneous:
            gradient_d(net_g, net_d, g, d, s, plan, step, 0)
            gradient_g(net_g, net_d, g, d, s, plan, step, 0)
            update(d, n_params(net_d))
            update(g, n_params(net_g))
        else:
            for k in range(plan.d_steps):
                gradient_d(net_g, net_d, g, d, s, plan, step, k)
                update(d, n_params(net_d))
            for k in range(plan.g_steps):
                gradient_g(net_g, net_d, g, d, s, plan, step, k)
                update(g, n_params(net_g))


# --- the same gradients on given samples, for whoever wants to check them -----------------------


@kernel
def _shared(values: Tile, share: Tile) -> Row:
    """Sum of values times shares; padding counts nothing even where the value is infinite."""
    return fold(where_greater(share, 0.0, values * share, 0.0))


@entry_point
def losses_and_gradients(
    net_g: Net, net_d: Net, g: Player, d: Player, game: int, x: Any, z: Any, weights: Any, losses: Any
) -> None:
    """Both players' gradients on samples ``x (n_x, n, L)`` and noises ``z (n_z, n, L)``, n a multiple of T.

    ``losses`` receives V, D's loss and G's loss, a row each.
    """
    g, d = network.opened(g), network.opened(d)
    clear(d.grad, n_params(net_d))
    clear(g.grad, n_params(net_g))
    out, reals, noises, shares, totals = output_unit(net_d), tiles(x), tiles(z), tiles(weights), rows(losses)
    clear(totals, 3)
    n_tiles = weights.shape[0] // T
    for t in range(n_tiles):
        for k in range(n_inputs(net_d)):
            d.h[k] = reals[k * n_tiles + t]
        learn_real(net_d, d, game, shares, t, 1)
        v, loss = -softplus(-d.h[out]), loss_real(game, d.h[out])
        for k in range(n_inputs(net_g)):
            g.h[k] = noises[k * n_tiles + t]
        learn_fake(net_g, net_d, g, d, game, shares, t, 1)
        v, loss = v - softplus(d.h[out]), loss + loss_fake(game, d.h[out])
        learn_generator(net_g, net_d, g, d, game, shares, t, 1)
        totals[0] = totals[0] + _shared(v, shares[t])
        totals[1] = totals[1] + _shared(loss, shares[t])
        totals[2] = totals[2] + _shared(loss_generator(game, d.h[out]), shares[t])
