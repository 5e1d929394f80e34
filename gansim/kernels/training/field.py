"""The field: both players' gradients at their present parameters, on a batch of this step.

What a game's losses, penalties and the networks make of a batch is here; what becomes of a gradient is the optimiser's
business (optimizers.py), who moves when that of the dynamics (dynamics.py).
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.games import Game, Numbers, call
from gansim.kernels.lanemath import softplus
from gansim.kernels.lanes import OCTET, Row, Rows, T, Tile, Tiles, rows, tiles, total, where_greater
from gansim.kernels.networks.packs import many, spread_out, take_inputs, take_noises, take_packs, to_inputs, to_outputs
from gansim.kernels.networks.passes import backward, backward_to_input, forward
from gansim.kernels.networks.player import Player, clear, opened, output_unit
from gansim.kernels.networks.spectral import pull_back
from gansim.kernels.parametric import Given
from gansim.kernels.parametric import call as call_form
from gansim.kernels.random import BLUR_D, BLUR_G, DRAWN, MIXED, NOISE_D, NOISE_G, fill_uniforms
from gansim.kernels.relativistic import differences, loss_of_differences, slopes_of_differences
from gansim.kernels.sampler import Sampler, draw_data, draw_noise
from gansim.kernels.training.penalties import (
    R1,
    R2,
    WEIGHT,
    Penalties,
    blur_fakes,
    blur_reals,
    draw_fakes_blur,
    mix_with,
    penalise,
    penalty,
)

_OF_G = 128  # D's updates of a step are fewer
_AT_ONCE = OCTET // T  # tiles of given samples


class Field(NamedTuple):
    """What the gradients of a bundle's runs have in common.

    slopes : of losses, see games.py. game, numbers : which of them. comparison : of a relativistic game, penalties : of
    D's gradient by its input, packing : samples in a pack, or None: then nothing of it is compiled. batch : packs in
    it. block : tiles of packs in one.
    given : a game of two vectors, see parametric.py, whose slopes are None; or None: then both players are networks.
    layers : of D where its weights are normalised, see networks/spectral.py, or None.
    """

    slopes: Any
    game: Game
    numbers: Numbers
    comparison: Any
    penalties: Any
    packing: Any
    batch: int
    block: int
    given: Any = None
    layers: Any = None


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
def show_fakes(g: Player, d: Player, n: int, packing: Any) -> None:
    """G maps the noise in ``g.h``, D judges the result, n tiles of packs."""
    forward(g, many(n, packing))
    to_inputs(g, d, g.h, d.h, n, packing)
    forward(d, n)


@kernel
def show_blurred(g: Player, d: Player, p: Any, first: int, n: int, packing: Any) -> None:
    """As `show_fakes`, with the noise that a penalty adds to tiles ``first`` ... of a batch."""
    if p is None:
        show_fakes(g, d, n, packing)
    else:
        forward(g, many(n, packing))
        to_inputs(g, d, g.h, d.h, n, packing)
        blur_fakes(d, p, first, n, packing)
        forward(d, n)


@kernel
def learn_fake(g: Player, d: Player, field: Field, weights: Tiles, first: int, n: int) -> None:
    """D sees G's fakes: its gradient grows by their share."""
    show_blurred(g, d, field.penalties, first, n, field.packing)
    _slopes(d, field, field.comparison, field.game.fake, False, weights, first, n)
    backward(d, n)


@kernel
def learn_generator(g: Player, d: Player, field: Field, weights: Tiles, first: int, n: int) -> None:
    """G learns through D: its gradient grows by the share of the noise in ``g.h``."""
    show_blurred(g, d, field.penalties, first, n, field.packing)
    _slopes(d, field, field.comparison, field.game.generator, False, weights, first, n)
    backward_to_input(d, n)
    to_outputs(g, d, d.d, g.d, n, field.packing)
    backward(g, many(n, field.packing))


# --- one batch: a player's gradient -------------------------------------------------------------


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
            take_packs(d, reals, first, n, field.packing)
            forward(d, n)
            for t in range(n):
                outputs[first + t] = d.h[t * d.sizes.units + output_unit(d)]
        for first in range(0, tiles_, field.block):
            n = min(field.block, tiles_ - first)
            take_noises(g, noises, first, n, field.packing)
            show_blurred(g, d, field.penalties, first, n, field.packing)
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
def _draw_reals(g: Player, s: Sampler, field: Field, step: int, update: int) -> None:
    """Reals of an update, blurred as D sees them."""
    n, samples = g.sizes.outputs, many(field.batch, field.packing)
    draw_data(s, n, samples, step, update)
    blur_reals(s, field.penalties, n, samples, step, update)
    spread_out(s.reals, n, field.batch, field.packing)


@kernel
def _draw_noises(g: Player, s: Sampler, field: Field, noise: int, blur: int, step: int, k: int) -> None:
    """Noise for the fakes of an update, and what D sees them blurred by, of two streams."""
    n, samples = g.sizes.inputs, many(field.batch, field.packing)
    if s.fixed_noise:  # the first batch of D's, for every update of either player
        noise, at, update = NOISE_D, 0, 0
    else:
        at, update = step, k
    draw_noise(s, n, s.noises.shape[0] // n, noise, 0, samples, at, update)
    spread_out(s.noises, n, field.batch, field.packing)
    draw_fakes_blur(s, field.penalties, g.sizes.outputs, field.batch, field.packing, blur, step, k)


@kernel
def _draw_reals_for_g(g: Player, s: Sampler, field: Field, c: Any, step: int, k: int) -> None:
    """In a relativistic game G's updates see reals, too, of numbers that none of D's (100 at most) has."""
    if c is not None:
        _draw_reals(g, s, field, step, _OF_G + k)


@kernel
def _no_penalty(d: Player, p: Any) -> None:
    """Nothing has been penalised yet."""
    if p is not None:
        clear(rows(p.grad), d.sizes.params)


@kernel
def _penalise_seen(d: Player, p: Any, which: int, weights: Tiles, first: int, n: int) -> None:
    """Penalise D on what it has just seen, reals by R1 and fakes by R2: their units are in ``d.h``."""
    if p is not None and (p.at_reals if which == R1 else p.at_fakes):
        penalise(d, p, which, weights, first, n)


@kernel
def _penalise_batch(g: Player, d: Player, s: Sampler, field: Field, p: Any, step: int, k: int) -> None:
    """Penalise D between the batch's reals and fakes, and add the gradient of all penalties to ``d.grad``."""
    if p is not None:
        if p.between:
            _draw_mixed(s, p, field.batch, step, k)
            tiles_ = tiles_of(field.batch)
            for first in range(0, tiles_, field.block):
                n = min(field.block, tiles_ - first)
                take_noises(g, s.noises, first, n, field.packing)
                show_between(g, d, p, s.reals, first, n, field.packing)
                penalise(d, p, WEIGHT, s.weights, first, n)
        grad = rows(p.grad)
        for i in range(d.sizes.params):
            d.grad[i] = d.grad[i] + grad[i]


@kernel
def show_between(g: Player, d: Player, p: Penalties, x: Any, first: int, n: int, packing: Any) -> None:
    """D judges u x + (1 - u) G(z), of tiles ``first`` ... of the reals x and of the noise in ``g.h``."""
    forward(g, many(n, packing))
    to_inputs(g, d, g.h, d.h, n, packing)
    blur_fakes(d, p, first, n, packing)
    mix_with(d, p, x, first, n, packing)
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
    _draw_reals(g, s, field, step, k)
    _draw_noises(g, s, field, NOISE_D, BLUR_D, step, k)


@kernel
def draw_for_g(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """G's k-th batch of this step."""
    _draw_reals_for_g(g, s, field, field.comparison, step, k)
    _draw_noises(g, s, field, NOISE_G, BLUR_G, step, k)


@kernel
def _given_gradient(
    g: Player,
    d: Player,
    s: Sampler,
    field: Field,
    given: Given,
    of: Player,
    made: Tiles,
    stream: int,
    step: int,
    k: int,
) -> None:
    """In a game of two vectors: a player's gradient, the average over a batch of what its form writes to ``made``."""
    clear(of.grad, of.sizes.params)
    each = s.noises.shape[0] // max(1, given.drawn)
    if given.drawn > 0:
        draw_noise(s, given.drawn, each, stream, 0, field.batch, step, k)
    for t in range(tiles_of(field.batch)):
        if given.drawn > 0:
            take_inputs(s.noises, given.drawn, given.drawn, t, 1, g.h)
        call_form(given.where, g.theta, d.theta, s.target, g.h, g.d, d.d)
        for i in range(of.sizes.params):
            of.grad[i] = total(made[i] * s.weights[t], of.grad[i])


@kernel
def gradient_d(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """``d.grad`` becomes the gradient of D's loss on the k-th batch of this step, by what its optimiser moves."""
    _gradient_d(g, d, s, field, field.slopes, field.given, step, k)


@kernel
def gradient_g(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """``g.grad`` becomes the gradient of G's loss on its k-th batch of this step."""
    _gradient_g(g, d, s, field, field.slopes, field.given, step, k)


@kernel
def _gradient_d(g: Player, d: Player, s: Sampler, field: Field, slopes: Any, given: Any, step: int, k: int) -> None:
    if slopes is not None:  # one of them is None, and Numba leaves out what is done with None
        _network_gradient_d(g, d, s, field, step, k)
    if given is not None:
        _given_gradient(g, d, s, field, given, d, d.d, NOISE_D, step, k)


@kernel
def _gradient_g(g: Player, d: Player, s: Sampler, field: Field, slopes: Any, given: Any, step: int, k: int) -> None:
    if slopes is not None:  # one of them is None, and Numba leaves out what is done with None
        _network_gradient_g(g, d, s, field, step, k)
    if given is not None:
        _given_gradient(g, d, s, field, given, g, g.d, NOISE_G, step, k)


@kernel
def _network_gradient_d(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """All reals, then all fakes: sums would depend on T and on the block if they took turns."""
    clear(d.grad, d.sizes.params)
    draw_for_d(g, d, s, field, step, k)
    _judge(g, d, s, field, field.comparison, False)
    _no_penalty(d, field.penalties)
    tiles_ = tiles_of(field.batch)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_packs(d, s.reals, first, n, field.packing)
        learn_real(d, field, s.weights, first, n)
        _penalise_seen(d, field.penalties, R1, s.weights, first, n)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_noises(g, s.noises, first, n, field.packing)
        learn_fake(g, d, field, s.weights, first, n)
        _penalise_seen(d, field.penalties, R2, s.weights, first, n)
    _penalise_batch(g, d, s, field, field.penalties, step, k)
    pull_back(d, field.layers)


@kernel
def _network_gradient_g(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    clear(g.grad, g.sizes.params)
    draw_for_g(g, d, s, field, step, k)
    _judge(g, d, s, field, field.comparison, True)
    tiles_ = tiles_of(field.batch)
    for first in range(0, tiles_, field.block):
        n = min(field.block, tiles_ - first)
        take_noises(g, s.noises, first, n, field.packing)
        learn_generator(g, d, field, s.weights, first, n)


@kernel
def _learn_real_of_g(d: Player, field: Field, c: Any, reals: Any, weights: Tiles, n_tiles: int) -> None:
    """In a relativistic game reals count in G's loss, too."""
    if c is not None:
        for first in range(0, n_tiles, field.block):
            n = min(field.block, n_tiles - first)
            take_packs(d, reals, first, n, field.packing)
            learn_real(d, field, weights, first, n)


@kernel
def gradient_of_both(g: Player, d: Player, s: Sampler, field: Field, step: int, k: int) -> None:
    """Of G's loss on its k-th batch of this step: by G's parameters, and by D's."""
    clear(g.grad, g.sizes.params)
    clear(d.grad, d.sizes.params)
    draw_for_g(g, d, s, field, step, k)
    _judge(g, d, s, field, field.comparison, True)
    n_tiles = tiles_of(field.batch)
    _learn_real_of_g(d, field, field.comparison, s.reals, s.weights, n_tiles)
    for first in range(0, n_tiles, field.block):
        n = min(field.block, n_tiles - first)
        take_noises(g, s.noises, first, n, field.packing)
        learn_generator(g, d, field, s.weights, first, n)
        backward(d, n)


# --- the same gradients on given samples, for whoever wants to check them -----------------------


@kernel
def _shared(values: Tile, share: Tile, before: Row) -> Row:
    """Add up values times shares; padding counts nothing even where the value is infinite."""
    return total(where_greater(share, 0.0, values * share, 0.0), before)


@kernel
def _penalise_samples(g: Player, d: Player, field: Field, p: Any, x: Any, z: Any, shares: Tiles, out: Rows) -> None:
    """Add the penalties on given samples to D's loss, and their gradient to ``d.grad``; ``p.mixed`` is given."""
    if p is not None:
        packing = field.packing
        clear(rows(p.grad), d.sizes.params)
        n_tiles = tiles_of(field.batch)
        if p.at_reals:
            for t in range(0, n_tiles, _AT_ONCE):
                take_packs(d, x, t, _AT_ONCE, packing)
                forward(d, _AT_ONCE)
                out[1] = penalty(d, p, R1, shares, t, _AT_ONCE, out[1])
                penalise(d, p, R1, shares, t, _AT_ONCE)
        if p.at_fakes:
            for t in range(0, n_tiles, _AT_ONCE):
                take_noises(g, z, t, _AT_ONCE, packing)
                show_fakes(g, d, _AT_ONCE, packing)
                out[1] = penalty(d, p, R2, shares, t, _AT_ONCE, out[1])
                penalise(d, p, R2, shares, t, _AT_ONCE)
        if p.between:
            for t in range(0, n_tiles, _AT_ONCE):
                take_noises(g, z, t, _AT_ONCE, packing)
                show_between(g, d, p, x, t, _AT_ONCE, packing)
                out[1] = penalty(d, p, WEIGHT, shares, t, _AT_ONCE, out[1])
                penalise(d, p, WEIGHT, shares, t, _AT_ONCE)
        grad = rows(p.grad)
        for i in range(d.sizes.params):
            d.grad[i] = d.grad[i] + grad[i]


@kernel
def _value(d: Player, field: Field, values: Any, loss: int, shares: Tiles, first: int, before: Row) -> Row:
    """Add the loss of an octet that D has seen."""
    unit, units = output_unit(d), d.sizes.units
    call(values, loss, field.numbers, d.h, d.d, unit, units, shares, first, _AT_ONCE)
    for t in range(_AT_ONCE):
        before = total(d.d[unit + t * units], before)
    return before


@kernel
def _v_of(d: Player, sign: float, shares: Tiles, first: int, before: Row) -> Row:
    """Add V's terms of an octet that D has seen: of reals with a sign of 1, of fakes with -1."""
    for t in range(_AT_ONCE):
        logit = d.h[output_unit(d) + t * d.sizes.units] * sign
        before = _shared(-softplus(-logit), shares[first + t], before)
    return before


@kernel
def _losses(g: Player, d: Player, field: Field, c: Any, values: Any, x: Any, z: Any, shares: Tiles, out: Rows) -> None:
    """V, D's loss and G's loss."""
    packing, n_tiles = field.packing, tiles_of(field.batch)
    for t in range(0, n_tiles, _AT_ONCE):
        take_packs(d, x, t, _AT_ONCE, packing)
        forward(d, _AT_ONCE)
        out[0] = _v_of(d, 1.0, shares, t, out[0])
        if c is None:
            out[1] = _value(d, field, values, field.game.real, shares, t, out[1])
    for t in range(0, n_tiles, _AT_ONCE):
        take_noises(g, z, t, _AT_ONCE, packing)
        show_fakes(g, d, _AT_ONCE, packing)
        out[0] = _v_of(d, -1.0, shares, t, out[0])
        if c is None:
            out[1] = _value(d, field, values, field.game.fake, shares, t, out[1])
            out[2] = _value(d, field, values, field.game.generator, shares, t, out[2])
    if c is not None:
        _compare(g, d, field, c, x, z, shares, False)
        out[1] = loss_of_differences(values, field.game, field.numbers, c, shares, False)
        _compare(g, d, field, c, x, z, shares, True)
        out[2] = loss_of_differences(values, field.game, field.numbers, c, shares, True)


@kernel
def _gradients(g: Player, d: Player, field: Field, c: Any, x: Any, z: Any, shares: Tiles) -> None:
    """Of D's loss and of G's, added to ``grad``."""
    packing, n_tiles = field.packing, tiles_of(field.batch)
    if c is not None:
        _compare(g, d, field, c, x, z, shares, False)
        slopes_of_differences(field.slopes, field.game, field.numbers, c, shares, False)
    for t in range(0, n_tiles, _AT_ONCE):
        take_packs(d, x, t, _AT_ONCE, packing)
        learn_real(d, field, shares, t, _AT_ONCE)
    for t in range(0, n_tiles, _AT_ONCE):
        take_noises(g, z, t, _AT_ONCE, packing)
        learn_fake(g, d, field, shares, t, _AT_ONCE)
    if c is not None:
        _compare(g, d, field, c, x, z, shares, True)
        slopes_of_differences(field.slopes, field.game, field.numbers, c, shares, True)
    for t in range(0, n_tiles, _AT_ONCE):
        take_noises(g, z, t, _AT_ONCE, packing)
        learn_generator(g, d, field, shares, t, _AT_ONCE)


@entry_point
def losses_and_gradients(
    g: Player, d: Player, field: Field, values: Any, x: Any, z: Any, weights: Any, losses: Any
) -> None:
    """Both players' gradients on samples ``x (n_x * n, L)`` and noises ``z (n_z * n, L)``, n whole octets of packs.

    They lie coordinate by coordinate, and are moved where packs want them. ``losses`` receives V, D's loss and G's
    loss, a row each; ``values`` are those of the game.
    """
    g, d = opened(g), opened(d)
    clear(d.grad, d.sizes.params)
    clear(g.grad, g.sizes.params)
    clear(rows(losses), 3)
    spread_out(x, g.sizes.outputs, field.batch, field.packing)
    spread_out(z, g.sizes.inputs, field.batch, field.packing)
    _losses(g, d, field, field.comparison, values, x, z, tiles(weights), rows(losses))
    _gradients(g, d, field, field.comparison, x, z, tiles(weights))
    _penalise_samples(g, d, field, field.penalties, x, z, tiles(weights), rows(losses))
