"""Relativistic games: D's outputs on reals and on fakes are compared, one with one or each with the others' mean.

With E a mean over the batch and sp = softplus (Jolicoeur-Martineau 2018, eqs. 5, 6 and 13; the first for pairs, as in
Sun et al. 2020, eq. 2):

| game | loss of D | loss of G |
|---|---|---|
| relativistic, the i-th real with the i-th fake | E sp(-(s_real - s_fake)) | E sp(-(s_fake - s_real)) |
| relativistic-average | E sp(-(s_real - E s_fake)) + E sp(s_fake - E s_real) | real and fake exchanged |

The slopes follow from the whole batch: outputs first, then differences, then what a game that sees one output at a
time, in games.py, makes of each.
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.games import Game, Numbers, call
from gansim.kernels.lanes import Row, T, Tiles, as_rows, tiles, total

PAIRED, AVERAGE = range(2)
CODES = {"relativistic": PAIRED, "relativistic-average": AVERAGE}


class Comparison(NamedTuple):
    """How outputs are compared, and working memory for a batch of n samples, padded as batches are.

    outputs : (2 n, L), D's on the reals, then on the fakes; later their differences. made : (2 n, L), what a game made
    of the differences; in the end the derivatives of the batch's loss by the outputs.
    """

    kind: int
    outputs: Any
    made: Any


@kernel
def _sum(shares: Tiles, first: int, n: int) -> Row:
    """Sum over the batch of n tiles from ``first`` on."""
    found = as_rows(shares)[0] * 0.0
    for t in range(n):
        found = total(shares[first + t], found)
    return found


@kernel
def _mean(values: Tiles, weights: Tiles, first: int, n: int) -> Row:
    """Mean over the batch of n tiles from ``first`` on."""
    found = as_rows(weights)[0] * 0.0
    for t in range(n):
        found = total(values[first + t] * weights[t], found)
    return found


@kernel
def differences(c: Comparison, weights: Tiles, of_g: bool) -> None:
    """D's outputs become differences; those of pairs stand in the first half, for G fake minus real."""
    x, n = tiles(c.outputs), c.outputs.shape[0] // (2 * T)
    if c.kind == PAIRED:
        for t in range(n):
            x[t] = x[n + t] - x[t] if of_g else x[t] - x[n + t]
    else:
        real, fake = _mean(x, weights, 0, n), _mean(x, weights, n, n)
        for t in range(n):
            x[t], x[n + t] = x[t] - fake, x[n + t] - real


@kernel
def _make(where: Any, game: Game, numbers: Numbers, c: Comparison, weights: Tiles, of_g: bool) -> None:
    """Call what a game has for each difference. Of averages G wants for its fakes what D wants for the reals."""
    x, y, n = tiles(c.outputs), tiles(c.made), c.made.shape[0] // (2 * T)
    if c.kind == PAIRED:
        call(where, game.generator if of_g else game.real, numbers, x, y, 0, 1, weights, 0, n)
    else:
        call(where, game.fake if of_g else game.real, numbers, x, y, 0, 1, weights, 0, n)
        call(where, game.real if of_g else game.fake, numbers, x, y, n, 1, weights, 0, n)


@kernel
def slopes_of_differences(where: Any, game: Game, numbers: Numbers, c: Comparison, weights: Tiles, of_g: bool) -> None:
    """Derivatives of the batch's loss by D's outputs, into ``made``."""
    _make(where, game, numbers, c, weights, of_g)
    _by_outputs(c, weights, of_g)


@kernel
def turn_slopes(
    bends: Any, game: Game, numbers: Numbers, c: Comparison, turned: Comparison, weights: Tiles, of_g: bool
) -> None:
    """How these derivatives change as the outputs change by those of ``turned``, into its ``made``.

    Before `slopes_of_differences` is called: differences are linear, and so is what a slope by them gives each output.
    """
    _make(bends, game, numbers, c, weights, of_g)
    x, y = tiles(turned.outputs), tiles(c.made)
    made = tiles(turned.made)
    for t in range(c.made.shape[0] // T):
        made[t] = y[t] * x[t]
    _by_outputs(turned, weights, of_g)


@kernel
def _by_outputs(c: Comparison, weights: Tiles, of_g: bool) -> None:
    """From derivatives by differences, in ``made``, to those by outputs."""
    y, n = tiles(c.made), c.made.shape[0] // (2 * T)
    if c.kind == PAIRED:
        for t in range(n):
            y[n + t] = -y[t]
            if of_g:
                y[t], y[n + t] = y[n + t], -y[n + t]
    else:
        real, fake = _sum(y, 0, n), _sum(y, n, n)
        for t in range(n):
            y[t], y[n + t] = y[t] - fake * weights[t], y[n + t] - real * weights[t]


@kernel
def loss_of_differences(where: Any, game: Game, numbers: Numbers, c: Comparison, weights: Tiles, of_g: bool) -> Row:
    """The batch's loss; it uses ``made``."""
    _make(where, game, numbers, c, weights, of_g)
    y, n = tiles(c.made), c.made.shape[0] // (2 * T)
    loss = _sum(y, 0, n)
    return loss if c.kind == PAIRED else loss + _sum(y, n, n)
