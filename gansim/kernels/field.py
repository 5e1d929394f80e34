"""The field: both players' gradients at their present parameters, on a batch of this step.

What a game's losses, penalties and the networks make of a batch is here; what becomes of a gradient is the optimiser's
business (optimizers.py), who moves when that of the dynamics (dynamics.py).
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.games import Game, Numbers, call
from gansim.kernels.lanemath import softplus
from gansim.kernels.lanes import OCTET, Row, Rows, T, Tile, Tiles, fma, rows, tiles, total, where_greater
from gansim.kernels.networks.passes import backward, backward_to_input, forward
from gansim.kernels.networks.player import Player, clear, copy_units, opened, output_unit
from gansim.kernels.penalties import (
    R1,
    R2,
    WEIGHT,
    Penalties,
    blur_fakes,
    blur_reals,
    draw_fakes_blur,
    penalise,
    penalty,
)
from gansim.kernels.random import BLUR_D, BLUR_G, DRAWN, MIXED, NOISE_D, NOISE_G, fill_uniforms
from gansim.kernels.relativistic import differences, loss_of_differences, slopes_of_differences
from gansim.kernels.sampler import Sampler, draw_data, draw_noise

_OF_G = 128  # D's updates of a step are fewer


class Field(NamedTuple):
    """What the gradients of a bundle's runs have in common.

    slopes : of losses, see games.py. game, numbers : which of them. comparison : of a relativistic game, penalties : of
    D's gradient by its input, or None: then nothing of it is compiled. batch : samples in it. block : tiles in one.
    """

    slopes: Any
    game: Game
    numbers: Numbers
    comparison: Any
    penalties: Any
    batch: int
    block: int


# --- one block of tiles: what each player learns from it ----------------------------------------


@kernel
def _slopes(d: Player, field: Field, c: Any, loss: int, real: bool, weights: Tiles, first: int, n: int) -> None:
    """Derivatives of the batch's loss by D's outputs of tiles ``first`` ..., into ``d.d``."""
    if c is not None:
        made, start = tiles(c.made), first if real else first + c.made.shape[0] // (2 * T)
        for t in range(n):
            d.d[t * d.sizes.units + output_unit(d)] = made[start + t]
    else:
        call(field.slopes, loss, field.numbers, d.h, d.d, output_unit(d), d.sizes.units, weights, first, n)


@kernel
def learn_real(d: Player, field: Field, weights: Tiles, first: int, n: int) -> None:
    """D sees the reals in ``d.h``, tiles ``first`` ... of a batch: its gradient grows by their share."""
    forward(d, n)
    _slopes(d, field, field.comparison, field.game.real, True, weights, first, n)
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
def show_blurred(g: Player, d: Player, p: Any, first: int, n: int) -> None:
    """As `show_fakes`, with the noise that a penalty adds to tiles ``first`` ... of a batch."""
    if p is None:
        show_fakes(g, d, n)
    else:
        forward(g, n)
        for t in range(n):
            out = t * g.sizes.units + output_unit(g)
            copy_units(g.h, out, d.h, t * d.sizes.units, g.sizes.outputs)
        blur_fakes(d, p, first, n)
        forward(d, n)


@kernel
def learn_fake(g: Player, d: Player, field: Field, weights: Tiles, first: int, n: int) -> None:
    """D sees G's fakes: its gradient grows by their share."""
    show_blurred(g, d, field.penalties, first, n)
    _slopes(d, field, field.comparison, field.game.fake, False, weights, first, n)
    backward(d, n)


@kernel
def learn_generator(g: Player, d: Player, field: Field, weights: Tiles, first: int, n: int) -> None:
    """G learns through D: its gradient grows by the share of the noise in ``g.h``."""
    show_blurred(g, d, field.penalties, first, n)
    _slopes(d, field, field.comparison, field.game.generator, False, weights, first, n)
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
def tiles_of(batch: int) -> int:
    """Tiles of a batch that is filled up."""
    return (batch + OCTET - 1) // OCTET * (OCTET // T)


@kernel
def _compare(g: Player, d: Player, field: Field, c: Any, reals: Any, noises: Any, weights: Tiles, of_g: bool) -> None:
    """In a relativistic game: D's outputs on the whole batch, and differences of them."""
    if c is not None:
        outputs, tiles_ = tiles(c.outputs), c.outputs.shape[0] // (2 * T)
        for first in range(0, tiles_, field.block):
            n = min(field.block, tiles_ - first)
            take_inputs(reals, d.sizes.inputs, d.sizes.units, first, n, d.h)
            forward(d, n)
            for t in range(n):
                outputs[first + t] = d.h[t * d.sizes.units + output_unit(d)]
        for first in range(0, tiles_, field.block):
            n = min(field.block, tiles_ - first)
            take_inputs(noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
            show_blurred(g, d, field.penalties, first, n)
            for t in range(n):
                outputs[tiles_ + first + t] = d.h[t * d.sizes.units + output_unit(d)]
        differences(c, weights, of_g)


@kernel
def _judge(g: Player, d: Player, s: Sampler, field: Field, c: Any, of_g: bool) -> None:
    """In a relativistic game: the slopes of the whole batch that lies in ``reals`` and ``noises``."""
    if c is not None:
        _compare(g, d, field, c, s.reals, s.noises, s.weights, of_g)
        slopes_of_differences(field.slopes, field.game, field.numbers, c, s.weights, of_g)


@kernel
def _draw_reals_for_g(d: Player, s: Sampler, field: Field, c: Any, step: int, k: int) -> None:
    """In a relativistic game G's updates see reals, too, of numbers that none of D's (100 at most) has."""
    if c is not None:
        draw_data(s, d.sizes.inputs, field.batch, step, _OF_G + k)
        blur_reals(s, field.penalties, d.sizes.inputs, field.batch, step, _OF_G + k)


@kernel
def _penalise_batch(g: Player, d: Player, s: Sampler, field: Field, p: Any, step: int, k: int) -> None:
    """Add the penalties' gradient, on the batch in ``reals`` and ``noises``, to ``d.grad``."""
    if p is not None:
        grad, tiles_ = rows(p.grad), tiles_of(field.batch)
        clear(grad, d.sizes.params)
        if p.at_reals:
            for first in range(0, tiles_, field.block):
                n = min(field.block, tiles_ - first)
                take_inputs(s.reals, d.sizes.inputs, d.sizes.units, first, n, d.h)
                forward(d, n)
                penalise(d, p, R1, s.weights, first, n)
        if p.at_fakes:
            for first in range(0, tiles_, field.block):
                n = min(field.block, tiles_ - first)
                take_inputs(s.noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
                show_blurred(g, d, p, first, n)
                penalise(d, p, R2, s.weights, first, n)
        if p.between:
            _draw_mixed(s, p, field.batch, step, k)
            for first in range(0, tiles_, field.block):
                n = min(field.block, tiles_ - first)
                take_inputs(s.noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
                show_between(g, d, p, s.reals, first, n)
                penalise(d, p, WEIGHT, s.weights, first, n)
        for i in range(d.sizes.params):
            d.grad[i] = d.grad[i] + grad[i]


@kernel
def show_between(g: Player, d: Player, p: Penalties, x: Any, first: int, n: int) -> None:
    """D judges u x + (1 - u) G(z), of tiles ``first`` ... of the reals x and of the noise in ``g.h``."""
    u, reals, each = tiles(p.mixed), tiles(x), x.shape[0] // T // d.sizes.inputs
    forward(g, n)
    for t in range(n):
        copy_units(g.h, t * g.sizes.units + output_unit(g), d.h, t * d.sizes.units, g.sizes.outputs)
    blur_fakes(d, p, first, n)
    for t in range(n):
        for k in range(d.sizes.inputs):
            at = t * d.sizes.units + k
            d.h[at] = fma(u[first + t], reals[k * each + first + t] - d.h[at], d.h[at])
    forward(d, n)


@kernel
def _draw_mixed(s: Sampler, p: Any, batch: int, step: int, k: int) -> None:
    """A uniform for each pair of a real and a fake."""
    zero = s.target[0] * 0.0
    for index in range(0, batch, DRAWN):
        fill_uniforms(rows(p.mixed), index, s.key, MIXED + s.stream, index, step, 0, k, zero, zero + 1.0)


@kernel
def draw_for_d(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """D's k-th batch of this step: reals, noise for the fakes, and what D sees blurred."""
    draw_data(s, d.sizes.inputs, field.batch, step, k)
    draw_noise(s, g.sizes.inputs, s.noises.shape[0] // g.sizes.inputs, NOISE_D, 0, field.batch, step, k)
    blur_reals(s, field.penalties, d.sizes.inputs, field.batch, step, k)
    draw_fakes_blur(s, field.penalties, d.sizes.inputs, field.batch, BLUR_D, step, k)


@kernel
def draw_for_g(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """G's k-th batch of this step."""
    _draw_reals_for_g(d, s, field, field.comparison, step, k)
    draw_noise(s, g.sizes.inputs, s.noises.shape[0] // g.sizes.inputs, NOISE_G, 0, field.batch, step, k)
    draw_fakes_blur(s, field.penalties, d.sizes.inputs, field.batch, BLUR_G, step, k)


@kernel
def gradient_d(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """``d.grad`` becomes the gradient of D's loss on the k-th batch of this step.

    All reals, then all fakes: sums would depend on T and on the block if they took turns.
    """
    clear(d.grad, d.sizes.params)
    draw_for_d(g, d, s, field, step, k)
    _judge(g, d, s, field, field.comparison, False)
    tiles_ = tiles_of(field.batch)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_inputs(s.reals, d.sizes.inputs, d.sizes.units, first, n, d.h)
        learn_real(d, field, s.weights, first, n)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_inputs(s.noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
        learn_fake(g, d, field, s.weights, first, n)
    _penalise_batch(g, d, s, field, field.penalties, step, k)


@kernel
def gradient_g(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """``g.grad`` becomes the gradient of G's loss on its k-th batch of this step."""
    clear(g.grad, g.sizes.params)
    draw_for_g(g, d, s, field, step, k)
    _judge(g, d, s, field, field.comparison, True)
    tiles_ = tiles_of(field.batch)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_inputs(s.noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
        learn_generator(g, d, field, s.weights, first, n)


@kernel
def gradient_of_both(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """Of G's loss on its k-th batch of this step: by G's parameters, and by D's."""
    clear(g.grad, g.sizes.params)
    clear(d.grad, d.sizes.params)
    draw_for_g(g, d, s, field, step, k)
    _judge(g, d, s, field, field.comparison, True)
    n_tiles = tiles_of(field.batch)
    for first in range(0, n_tiles, field.block):
        n = min(field.block, n_tiles - first)
        take_inputs(s.noises, g.sizes.inputs, g.sizes.units, first, n, g.h)
        learn_generator(g, d, field, s.weights, first, n)
        backward(d, n)


# --- the same gradients on given samples, for whoever wants to check them -----------------------


@kernel
def _shared(values: Tile, share: Tile, before: Row) -> Row:
    """Add up values times shares; padding counts nothing even where the value is infinite."""
    return total(where_greater(share, 0.0, values * share, 0.0), before)


@kernel
def _penalise_samples(g: Player, d: Player, p: Any, x: Any, z: Any, shares: Tiles, out: Rows) -> None:
    """Add the penalties on given samples to D's loss, and their gradient to ``d.grad``; ``p.mixed`` is given."""
    if p is not None:
        clear(rows(p.grad), d.sizes.params)
        n_tiles = x.shape[0] // (T * d.sizes.inputs)
        if p.at_reals:
            for t in range(n_tiles):
                take_inputs(x, d.sizes.inputs, d.sizes.units, t, 1, d.h)
                forward(d, 1)
                out[1] = penalty(d, p, R1, shares, t, 1, out[1])
                penalise(d, p, R1, shares, t, 1)
        if p.at_fakes:
            for t in range(n_tiles):
                take_inputs(z, g.sizes.inputs, g.sizes.units, t, 1, g.h)
                show_fakes(g, d, 1)
                out[1] = penalty(d, p, R2, shares, t, 1, out[1])
                penalise(d, p, R2, shares, t, 1)
        if p.between:
            for t in range(n_tiles):
                take_inputs(z, g.sizes.inputs, g.sizes.units, t, 1, g.h)
                show_between(g, d, p, x, t, 1)
                out[1] = penalty(d, p, WEIGHT, shares, t, 1, out[1])
                penalise(d, p, WEIGHT, shares, t, 1)
        grad = rows(p.grad)
        for i in range(d.sizes.params):
            d.grad[i] = d.grad[i] + grad[i]


@kernel
def _losses(g: Player, d: Player, field: Field, c: Any, values: Any, x: Any, z: Any, shares: Tiles, out: Rows) -> None:
    """V, D's loss and G's loss."""
    unit, n_tiles = output_unit(d), x.shape[0] // (T * d.sizes.inputs)
    for t in range(n_tiles):
        take_inputs(x, d.sizes.inputs, d.sizes.units, t, 1, d.h)
        forward(d, 1)
        out[0] = _shared(-softplus(-d.h[unit]), shares[t], out[0])
        if c is None:
            call(values, field.game.real, field.numbers, d.h, d.d, unit, d.sizes.units, shares, t, 1)
            out[1] = total(d.d[unit], out[1])
    for t in range(n_tiles):
        take_inputs(z, g.sizes.inputs, g.sizes.units, t, 1, g.h)
        show_fakes(g, d, 1)
        out[0] = _shared(-softplus(d.h[unit]), shares[t], out[0])
        if c is None:
            call(values, field.game.fake, field.numbers, d.h, d.d, unit, d.sizes.units, shares, t, 1)
            out[1] = total(d.d[unit], out[1])
            call(values, field.game.generator, field.numbers, d.h, d.d, unit, d.sizes.units, shares, t, 1)
            out[2] = total(d.d[unit], out[2])
    if c is not None:
        _compare(g, d, field, c, x, z, shares, False)
        out[1] = loss_of_differences(values, field.game, field.numbers, c, shares, False)
        _compare(g, d, field, c, x, z, shares, True)
        out[2] = loss_of_differences(values, field.game, field.numbers, c, shares, True)


@kernel
def _gradients(g: Player, d: Player, field: Field, c: Any, x: Any, z: Any, shares: Tiles) -> None:
    """Of D's loss and of G's, added to ``grad``."""
    n_tiles = x.shape[0] // (T * d.sizes.inputs)
    if c is not None:
        _compare(g, d, field, c, x, z, shares, False)
        slopes_of_differences(field.slopes, field.game, field.numbers, c, shares, False)
    for t in range(n_tiles):
        take_inputs(x, d.sizes.inputs, d.sizes.units, t, 1, d.h)
        learn_real(d, field, shares, t, 1)
    for t in range(n_tiles):
        take_inputs(z, g.sizes.inputs, g.sizes.units, t, 1, g.h)
        learn_fake(g, d, field, shares, t, 1)
    if c is not None:
        _compare(g, d, field, c, x, z, shares, True)
        slopes_of_differences(field.slopes, field.game, field.numbers, c, shares, True)
    for t in range(n_tiles):
        take_inputs(z, g.sizes.inputs, g.sizes.units, t, 1, g.h)
        learn_generator(g, d, field, shares, t, 1)


@entry_point
def losses_and_gradients(
    g: Player, d: Player, field: Field, values: Any, x: Any, z: Any, weights: Any, losses: Any
) -> None:
    """Both players' gradients on samples ``x (n_x * n, L)`` and noises ``z (n_z * n, L)``, n a multiple of T.

    They lie coordinate by coordinate. ``losses`` receives V, D's loss and G's loss, a row each; ``values`` are those of
    the game.
    """
    g, d = opened(g), opened(d)
    clear(d.grad, d.sizes.params)
    clear(g.grad, g.sizes.params)
    clear(rows(losses), 3)
    _losses(g, d, field, field.comparison, values, x, z, tiles(weights), rows(losses))
    _gradients(g, d, field, field.comparison, x, z, tiles(weights))
    _penalise_samples(g, d, field.penalties, x, z, tiles(weights), rows(losses))
