"""How both players' gradients change along a direction of both players' parameters, on a batch.

R of the gradients of one loss, D's or G's, see networks/directional.py. It is all that consensus, symplectic gradient
adjustment and an unrolled D need beside the gradients themselves. Where G's parameters stay, so do its fakes, and R of
its gradient is an ordinary one, of R of what D tells it. Where a game compares outputs, the whole batch goes forward
first: R of a difference is the difference of the R, and R of a slope by it the second derivative times that.
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.games import call as call_losses
from gansim.kernels.lanes import T, Tiles, rows, tiles
from gansim.kernels.networks.directional import BACKWARD, FORWARD, THROUGH, Moving, call
from gansim.kernels.networks.packs import many, take_noises, take_packs, to_inputs, to_outputs
from gansim.kernels.networks.passes import backward_from, forward
from gansim.kernels.networks.player import Player, clear, output_unit
from gansim.kernels.relativistic import Comparison, differences, slopes_of_differences, turn_slopes
from gansim.kernels.training.field import Field, tiles_of
from gansim.kernels.training.penalties import blur_fakes


class Turn(NamedTuple):
    """Of one player: the direction, what is found, working memory.

    along, found : (n_params, L). r_h, r_a, r_d : (units of a block, T, L). of_parameters, of_both : where directional
    passes lie, by what moves: its parameters, or its inputs, too; 0 for those that nobody needs.
    """

    along: Any
    found: Any
    r_h: Any
    r_a: Any
    r_d: Any
    of_parameters: Any
    of_both: Any


class Turns(NamedTuple):
    """Both players', and where the second derivatives of losses lie; R of outputs that are compared, or None."""

    g: Turn
    d: Turn
    bends: Any
    compared: Any


@kernel
def _moving(p: Player, turn: Turn) -> Moving:
    return Moving(
        p.theta,
        rows(turn.along),
        rows(turn.found),
        p.h,
        p.d,
        tiles(turn.r_h),
        tiles(turn.r_a),
        tiles(turn.r_d),
        p.settings,
    )


@kernel
def _at_output(
    d: Player, m: Moving, field: Field, c: Any, turns: Turns, loss: int, real: bool, weights: Tiles, first: int, n: int
) -> None:
    """The loss's derivative by D's outputs, and how it changes."""
    out, units = output_unit(d), d.sizes.units
    if c is not None:
        made, turned, start = tiles(c.made), tiles(turns.compared.made), first if real else first + _half(c)
        for t in range(n):
            d.d[t * units + out], m.r_d[t * units + out] = made[start + t], turned[start + t]
    else:
        call_losses(field.slopes, loss, field.numbers, d.h, d.d, out, units, weights, first, n)
        call_losses(turns.bends, loss, field.numbers, d.h, m.r_d, out, units, weights, first, n)
        for t in range(n):
            at = t * units + out
            m.r_d[at] = m.r_d[at] * m.r_h[at]


@kernel
def _show_real(d: Player, m: Moving, passes: Any, reals: Any, first: int, n: int, packing: Any) -> None:
    """D's outputs on tiles ``first`` ... of the reals, and R of them."""
    take_packs(d, reals, first, n, packing)
    call(passes, FORWARD, m, n)


@kernel
def _show_fake(
    g: Player, d: Player, turns: Turns, of_g: Moving, of_d: Moving, field: Field, noises: Any, first: int, n: int,
    stays: bool,
) -> None:  # fmt: skip
    """D's outputs on G's fakes, of tiles ``first`` ... of the noises, and R of them."""
    packing, samples = field.packing, many(n, field.packing)
    take_noises(g, noises, first, n, packing)
    if stays:
        forward(g, samples)
    else:
        call(turns.g.of_parameters, FORWARD, of_g, samples)
        to_inputs(g, d, of_g.r_h, of_d.r_h, n, packing)
    to_inputs(g, d, g.h, d.h, n, packing)
    blur_fakes(d, field.penalties, first, n, packing)
    call(turns.d.of_parameters if stays else turns.d.of_both, FORWARD, of_d, n)


@kernel
def _half(c: Comparison) -> int:
    """Tiles of a batch."""
    n: int = c.outputs.shape[0] // (2 * T)
    return n


@kernel
def _compare(
    g: Player, d: Player, field: Field, c: Any, turns: Turns, m_g: Moving, m_d: Moving, reals: Any, noises: Any,
    weights: Tiles, of_g: bool, stays: bool,
) -> None:  # fmt: skip
    """In a relativistic game: the slopes of the whole batch, and how they change."""
    if c is not None:
        outputs, turned, n_tiles = tiles(c.outputs), tiles(turns.compared.outputs), _half(c)
        for first in range(0, n_tiles, field.block):
            n = min(field.block, n_tiles - first)
            _show_real(d, m_d, turns.d.of_parameters, reals, first, n, field.packing)
            for t in range(n):
                at = t * d.sizes.units + output_unit(d)
                outputs[first + t], turned[first + t] = d.h[at], m_d.r_h[at]
        for first in range(0, n_tiles, field.block):
            n = min(field.block, n_tiles - first)
            _show_fake(g, d, turns, m_g, m_d, field, noises, first, n, stays)
            for t in range(n):
                at = t * d.sizes.units + output_unit(d)
                outputs[n_tiles + first + t], turned[n_tiles + first + t] = d.h[at], m_d.r_h[at]
        differences(c, weights, of_g)
        differences(turns.compared, weights, of_g)
        turn_slopes(turns.bends, field.game, field.numbers, c, turns.compared, weights, of_g)
        slopes_of_differences(field.slopes, field.game, field.numbers, c, weights, of_g)


@kernel
def turn_gradients(
    g: Player, d: Player, field: Field, turns: Turns, reals: Any, noises: Any, weights: Tiles, of_g: bool, stays: bool,
    by_d: bool,
) -> None:  # fmt: skip
    """R of both gradients of D's loss, or of G's, on a batch, into ``found`` of both.

    ``stays`` : G's parameters do; then their direction is not looked at. ``by_d`` : D's is wanted, too; else what
    reals would add to it is left out.
    """
    _turn(g, d, field, field.comparison, turns, reals, noises, weights, of_g, stays, by_d)


@kernel
def _turn(
    g: Player, d: Player, field: Field, c: Any, turns: Turns, reals: Any, noises: Any, weights: Tiles, of_g: bool,
    stays: bool, by_d: bool,
) -> None:  # fmt: skip
    clear(rows(turns.g.found), g.sizes.params)
    clear(rows(turns.d.found), d.sizes.params)
    m_g, m_d = _moving(g, turns.g), _moving(d, turns.d)
    n_tiles = tiles_of(field.batch)
    _compare(g, d, field, c, turns, m_g, m_d, reals, noises, weights, of_g, stays)
    if by_d and (c is not None or not of_g):
        for first in range(0, n_tiles, field.block):
            n = min(field.block, n_tiles - first)
            _show_real(d, m_d, turns.d.of_parameters, reals, first, n, field.packing)
            _at_output(d, m_d, field, c, turns, field.game.real, True, weights, first, n)
            call(turns.d.of_parameters, BACKWARD, m_d, n)
    for first in range(0, n_tiles, field.block):
        n = min(field.block, n_tiles - first)
        _show_fake(g, d, turns, m_g, m_d, field, noises, first, n, stays)
        loss = field.game.generator if of_g else field.game.fake
        _at_output(d, m_d, field, c, turns, loss, False, weights, first, n)
        _learn_fake(g, d, turns, m_g, m_d, n, field.packing, stays)


@kernel
def _learn_fake(
    g: Player, d: Player, turns: Turns, of_g: Moving, of_d: Moving, n: int, packing: Any, stays: bool
) -> None:
    """Backward through D and G, from what `_at_output` found."""
    call(turns.d.of_parameters if stays else turns.d.of_both, THROUGH, of_d, n)
    to_outputs(g, d, of_d.r_d, of_g.r_d, n, packing)
    if stays:
        backward_from(g, of_g.r_d, of_g.grad, many(n, packing))
    else:
        to_outputs(g, d, d.d, g.d, n, packing)
        call(turns.g.of_parameters, BACKWARD, of_g, many(n, packing))
