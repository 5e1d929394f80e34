"""The field: both players' gradients at their present parameters, on a batch of this step.

What a game's losses, penalties and the networks make of a batch is here; what becomes of a gradient is the optimiser's
business (optimizers.py), who moves when that of the dynamics (dynamics.py).
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.games import (
    fake_derivative,
    generator_derivative,
    loss_fake,
    loss_generator,
    loss_real,
    real_derivative,
)
from gansim.kernels.lanemath import softplus
from gansim.kernels.lanes import OCTET, Row, T, Tile, Tiles, rows, tiles, total, where_greater
from gansim.kernels.networks.passes import backward, backward_to_input, forward
from gansim.kernels.networks.player import Player, clear, copy_units, opened, output_unit
from gansim.kernels.random import NOISE_D, NOISE_G
from gansim.kernels.sampler import Sampler, draw_data, draw_noise


class Field(NamedTuple):
    """What the gradients of a bundle's runs have in common: the game's code, samples in a batch, tiles in a block."""

    game: int
    batch: int
    block: int


# --- one block of tiles: what each player learns from it ----------------------------------------


@kernel
def learn_real(d: Player, game: int, weights: Tiles, first: int, n: int) -> None:
    """D sees the reals in ``d.h``, tiles ``first`` ... of a batch: its gradient grows by their share."""
    forward(d, n)
    for t in range(n):
        out = t * d.sizes.units + output_unit(d)
        d.d[out] = real_derivative(game, d.h[out]) * weights[first + t]
    backward(d, n)


@kernel
def show_fakes(g: Player, d: Player, n: int) -> None:
    """G maps the noise in ``g.h``, D judges the result."""
    forward(g, n)
    for t in range(n):
        out = t * g.sizes.units + output_unit(g)
        copy_units(g.h, out, d.h, t * d.sizes.units, g.sizes.outputs)
    forward(d, n)


@kernel
def learn_fake(g: Player, d: Player, game: int, weights: Tiles, first: int, n: int) -> None:
    """D sees G's fakes: its gradient grows by their share."""
    show_fakes(g, d, n)
    for t in range(n):
        out = t * d.sizes.units + output_unit(d)
        d.d[out] = fake_derivative(game, d.h[out]) * weights[first + t]
    backward(d, n)


@kernel
def learn_generator(g: Player, d: Player, game: int, weights: Tiles, first: int, n: int) -> None:
    """G learns through D: its gradient grows by the share of the noise in ``g.h``."""
    show_fakes(g, d, n)
    for t in range(n):
        out = t * d.sizes.units + output_unit(d)
        d.d[out] = generator_derivative(game, d.h[out]) * weights[first + t]
    backward_to_input(d, n)
    for t in range(n):
        out = t * g.sizes.units + output_unit(g)
        copy_units(d.d, t * d.sizes.units, g.d, out, g.sizes.outputs)
    backward(g, n)


# --- one batch: a player's gradient -------------------------------------------------------------


@kernel
def take_inputs(batch: Any, inputs: int, units: int, first: int, n: int, h: Tiles) -> None:
    """Tiles ``first`` ... ``first + n - 1`` of a batch, coordinate by coordinate, become the inputs of a network."""
    samples, each = tiles(batch), batch.shape[0] // T // inputs
    for t in range(n):
        for k in range(inputs):
            h[t * units + k] = samples[k * each + first + t]


@kernel
def _tiles(batch: int) -> int:
    """Tiles of a batch that is filled up."""
    return (batch + OCTET - 1) // OCTET * (OCTET // T)


@kernel
def gradient_d(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """``d.grad`` becomes the gradient of D's loss on the k-th batch of this step.

    All reals, then all fakes: sums would depend on T and on the block if they took turns.
    """
    clear(d.grad, d.sizes.params)
    draw_data(s, d.sizes.inputs, field.batch, step, k)
    draw_noise(s, g.sizes.inputs, s.noises.shape[0] // g.sizes.inputs, NOISE_D, 0, field.batch, step, k)
    tiles_ = _tiles(field.batch)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_inputs(s.reals, d.sizes.inputs, d.sizes.units, first, n, d.h)
        learn_real(d, field.game, s.weights, first, n)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_inputs(s.noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
        learn_fake(g, d, field.game, s.weights, first, n)


@kernel
def gradient_g(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """``g.grad`` becomes the gradient of G's loss on its k-th batch of this step."""
    clear(g.grad, g.sizes.params)
    draw_noise(s, g.sizes.inputs, s.noises.shape[0] // g.sizes.inputs, NOISE_G, 0, field.batch, step, k)
    tiles_ = _tiles(field.batch)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_inputs(s.noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
        learn_generator(g, d, field.game, s.weights, first, n)


# --- the same gradients on given samples, for whoever wants to check them -----------------------


@kernel
def _shared(values: Tile, share: Tile, before: Row) -> Row:
    """Add up values times shares; padding counts nothing even where the value is infinite."""
    return total(where_greater(share, 0.0, values * share, 0.0), before)


@entry_point
def losses_and_gradients(g: Player, d: Player, game: int, x: Any, z: Any, weights: Any, losses: Any) -> None:
    """Both players' gradients on samples ``x (n_x, n, L)`` and noises ``z (n_z, n, L)``, n a multiple of T.

    ``losses`` receives V, D's loss and G's loss, a row each.
    """
    g, d = opened(g), opened(d)
    clear(d.grad, d.sizes.params)
    clear(g.grad, g.sizes.params)
    out, reals, noises, shares, totals = output_unit(d), tiles(x), tiles(z), tiles(weights), rows(losses)
    clear(totals, 3)
    n_tiles = weights.shape[0] // T
    for t in range(n_tiles):
        for k in range(d.sizes.inputs):
            d.h[k] = reals[k * n_tiles + t]
        learn_real(d, game, shares, t, 1)
        totals[0] = _shared(-softplus(-d.h[out]), shares[t], totals[0])
        totals[1] = _shared(loss_real(game, d.h[out]), shares[t], totals[1])
    for t in range(n_tiles):
        for k in range(g.sizes.inputs):
            g.h[k] = noises[k * n_tiles + t]
        learn_fake(g, d, game, shares, t, 1)
        totals[0] = _shared(-softplus(d.h[out]), shares[t], totals[0])
        totals[1] = _shared(loss_fake(game, d.h[out]), shares[t], totals[1])
        learn_generator(g, d, game, shares, t, 1)
        totals[2] = _shared(loss_generator(game, d.h[out]), shares[t], totals[2])
