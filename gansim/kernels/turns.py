"""How both players' gradients change along a direction of both players' parameters, on a batch.

R of the gradients of one loss, D's or G's, see networks/directional.py. It is all that consensus, symplectic gradient
adjustment and an unrolled D need beside the gradients themselves.
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.field import Field, tiles_of
from gansim.kernels.games import call as call_losses
from gansim.kernels.lanes import Tiles, rows, tiles
from gansim.kernels.networks.directional import BACKWARD, FORWARD, TO_INPUT, Moving, call
from gansim.kernels.networks.packs import many, take_noises, take_packs, to_inputs, to_outputs
from gansim.kernels.networks.passes import forward
from gansim.kernels.networks.player import Player, clear, output_unit
from gansim.kernels.penalties import blur_fakes


class Turn(NamedTuple):
    """Of one player: the direction, what is found, working memory.

    along, found : (n_params, L). r_h, r_a, r_d : (units of a block, T, L). passes : where its directional passes lie.
    """

    along: Any
    found: Any
    r_h: Any
    r_a: Any
    r_d: Any
    passes: Any


class Turns(NamedTuple):
    """Both players', and where the second derivatives of losses lie."""

    g: Turn
    d: Turn
    bends: Any


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
def _still_inputs(p: Player, m: Moving, n: int) -> None:
    """Inputs do not move. Nothing is multiplied by 0: the memory may hold what a run left that blew up."""
    for t in range(n):
        for k in range(p.sizes.inputs):
            m.r_h[t * p.sizes.units + k] = 0.0


@kernel
def _at_output(d: Player, m: Moving, field: Field, bends: Any, loss: int, weights: Tiles, first: int, n: int) -> None:
    """The loss's derivative by D's outputs, and how it changes."""
    out, units = output_unit(d), d.sizes.units
    call_losses(field.slopes, loss, field.numbers, d.h, d.d, out, units, weights, first, n)
    call_losses(bends, loss, field.numbers, d.h, m.r_d, out, units, weights, first, n)
    for t in range(n):
        at = t * units + out
        m.r_d[at] = m.r_d[at] * m.r_h[at]


@kernel
def _turn_real(d: Player, m: Moving, passes: Any, field: Field, bends: Any, weights: Tiles, first: int, n: int) -> None:
    forward(d, n)
    _still_inputs(d, m, n)
    call(passes, FORWARD, m, n)
    _at_output(d, m, field, bends, field.game.real, weights, first, n)
    call(passes, BACKWARD, m, n)


@kernel
def _turn_fake(
    g: Player, d: Player, turns: Turns, of_g: Moving, of_d: Moving, field: Field, loss: int, weights: Tiles, first: int,
    n: int,
) -> None:  # fmt: skip
    packing, samples = field.packing, many(n, field.packing)
    forward(g, samples)
    _still_inputs(g, of_g, samples)
    call(turns.g.passes, FORWARD, of_g, samples)
    to_inputs(g, d, g.h, d.h, n, packing)
    to_inputs(g, d, of_g.r_h, of_d.r_h, n, packing)
    blur_fakes(d, field.penalties, first, n, packing)
    forward(d, n)
    call(turns.d.passes, FORWARD, of_d, n)
    _at_output(d, of_d, field, turns.bends, loss, weights, first, n)
    call(turns.d.passes, BACKWARD, of_d, n)
    call(turns.d.passes, TO_INPUT, of_d, n)
    to_outputs(g, d, d.d, g.d, n, packing)
    to_outputs(g, d, of_d.r_d, of_g.r_d, n, packing)
    call(turns.g.passes, BACKWARD, of_g, samples)


@kernel
def turn_gradients(
    g: Player, d: Player, field: Field, turns: Turns, reals: Any, noises: Any, weights: Tiles, of_g: bool
) -> None:
    """R of both gradients of D's loss, or of G's, on a batch, into ``found`` of both."""
    clear(rows(turns.g.found), g.sizes.params)
    clear(rows(turns.d.found), d.sizes.params)
    m_g, m_d = _moving(g, turns.g), _moving(d, turns.d)
    n_tiles = tiles_of(field.batch)
    if not of_g:
        for first in range(0, n_tiles, field.block):
            n = min(field.block, n_tiles - first)
            take_packs(d, reals, first, n, field.packing)
            _turn_real(d, m_d, turns.d.passes, field, turns.bends, weights, first, n)
    for first in range(0, n_tiles, field.block):
        n = min(field.block, n_tiles - first)
        take_noises(g, noises, first, n, field.packing)
        loss = field.game.generator if of_g else field.game.fake
        _turn_fake(g, d, turns, m_g, m_d, field, loss, weights, first, n)
