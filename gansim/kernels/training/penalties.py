"""Penalties on D: on the gradient of its output by its input, on its parameters, and noise on what it sees.

With s D's output, abs the Euclidean norm, E a mean over the batch and u uniform for each pair:

| penalty | added | where | source |
|---|---|---|---|
| R1 | gamma / 2 E abs(grad s)^2 | reals | Mescheder et al. 2018, eq. 9 |
| R2 | the same | fakes | the same, eq. 10 |
| gradient penalty | weight E (abs(grad s) - target)^2 | between: u x + (1 - u) G(z) | Gulrajani et al. 2017, eq. 3 |
| one-sided | weight E max(0, abs(grad s) - target)^2 | between | Petzka et al. 2018, eq. 8 |

The derivative of each by D's parameters is that of v . grad s, v held constant: gamma grad s, or
2 weight (1 - target / abs(grad s)) grad s, which is 0 where the gradient is 0 or, one-sided, below the target.

Clipping cuts D's parameters after each of its updates (Arjovsky et al. 2017, algorithm 1). Noise is added to reals and
fakes before D sees them, whoever learns (Sonderby et al. 2017); penalties are taken at what D sees. Spectral
normalisation is in networks/spectral.py; penalties are then those of the normalised D.
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanes import Row, T, Tile, Tiles, fma, maximum, minimum, rows, sqrt, tiles, total, where_greater
from gansim.kernels.networks.directional import BACKWARD, FORWARD, Moving, call
from gansim.kernels.networks.packs import fewer, many, place, spread_out
from gansim.kernels.networks.passes import backward_to_input
from gansim.kernels.networks.player import Player, output_unit
from gansim.kernels.random import BLUR_REAL, DRAWN, fill_normals
from gansim.kernels.sampler import Sampler

R1, R2, WEIGHT, TARGET, ONE_SIDED = range(5)


class Clip(NamedTuple):
    """Nothing but the size that D's parameters are cut to."""

    clip: float


class Penalties(NamedTuple):
    """What D is penalised by, and working memory.

    at_reals, at_fakes, between : which of those on the gradient there are. numbers : theirs, by the places above.
    curvature : where the pass of D lies. grad : (n_params, L). t, a, q : units of a block, R h, R a and R p in
    directional.py. mixed : (padded batch, L), uniforms. clip : size of D's parameters, 0 for any. blur : standard
    deviation of the noise, and blur_steps in which it goes down to 0, 0 for never. blurs : (n_inputs * padded batch,
    L), the fakes' noise.
    """

    at_reals: bool
    at_fakes: bool
    between: bool
    numbers: tuple[float, float, float, float, float]
    curvature: Any
    grad: Any
    t: Any
    a: Any
    q: Any
    mixed: Any
    clip: float
    blur: float
    blur_steps: int
    blurs: Any


@kernel
def _squared_norm(d: Player, first: int) -> Tile:
    """Of the gradient by the inputs of one tile."""
    square = d.d[first] * d.d[first]
    for k in range(1, d.sizes.inputs):
        square = fma(d.d[first + k], d.d[first + k], square)
    return square


@kernel
def _pull(square: Tile, numbers: Any) -> Tile:
    """What the gradient is multiplied by to get v, for a gradient penalty."""
    norm = sqrt(square)
    pull = (1.0 - numbers[TARGET] / where_greater(norm, 0.0, norm, 1.0)) * (numbers[WEIGHT] * 2.0)
    least = numbers[TARGET] if numbers[ONE_SIDED] > 0.0 else 0.0
    return where_greater(norm, least, pull, 0.0)


@kernel
def gradients_by_input(d: Player, n: int) -> None:
    """D's output by its inputs, into ``d.d``, for n tiles whose units are in ``d.h``."""
    for t in range(n):
        d.d[t * d.sizes.units + output_unit(d)] = 1.0
    backward_to_input(d, n)


@kernel
def penalise(d: Player, p: Penalties, which: int, weights: Tiles, first: int, n: int) -> None:
    """Add to ``p.grad`` what tiles ``first`` ... of a batch, whose units are in ``d.h``, are penalised by."""
    gradients_by_input(d, n)
    numbers, v, r_d = p.numbers, tiles(p.t), tiles(p.q)
    for t in range(n):
        at = t * d.sizes.units
        if which == WEIGHT:
            pull = _pull(_squared_norm(d, at), numbers) * weights[first + t]
        else:
            pull = weights[first + t] * numbers[which]
        for k in range(d.sizes.inputs):
            v[at + k] = d.d[at + k] * pull
        out = at + output_unit(d)
        d.d[out], r_d[out] = 1.0, 0.0
    grad = rows(p.grad)
    moving = Moving(d.theta, d.theta, grad, d.h, d.d, v, tiles(p.a), r_d, d.settings)  # no parameter moves
    call(p.curvature, FORWARD, moving, n)
    call(p.curvature, BACKWARD, moving, n)


@kernel
def penalty(d: Player, p: Penalties, which: int, weights: Tiles, first: int, n: int, before: Row) -> Row:
    """Add the penalty itself of these tiles to ``before``."""
    gradients_by_input(d, n)
    numbers = p.numbers
    for t in range(n):
        square = _squared_norm(d, t * d.sizes.units)
        if which == WEIGHT:
            off = sqrt(square) - numbers[TARGET]
            if numbers[ONE_SIDED] > 0.0:
                off = maximum(off, 0.0)
            cost = off * off * numbers[WEIGHT]
        else:
            cost = square * numbers[which] * 0.5
        before = total(cost * weights[first + t], before)
    return before


@kernel
def clip(d: Player, p: Any) -> None:
    """Cut D's parameters to size."""
    if p is not None and p.clip > 0.0:
        for i in range(d.sizes.params):
            d.theta[i] = minimum(maximum(d.theta[i], -p.clip), p.clip)


@kernel
def draw_blur(s: Sampler, p: Penalties, inputs: int, batch: int, stream: int, step: int, update: int) -> None:
    """Noise for a batch, coordinate by coordinate, into ``blurs``."""
    zero, left = s.target[0] * 0.0, 1.0 if p.blur_steps == 0 else max(0.0, 1.0 - step / p.blur_steps)
    std = zero + p.blur * left
    padded = p.blurs.shape[0] // inputs
    for k in range(inputs):
        for index in range(0, batch, DRAWN):
            row = k * padded + index
            fill_normals(rows(p.blurs), row, s.key, stream + s.stream, index, step, k, update, zero, std)


@kernel
def blur_reals(s: Sampler, p: Any, inputs: int, batch: int, step: int, update: int) -> None:
    """Add noise to the reals of a batch."""
    if p is not None and p.blur > 0.0:
        draw_blur(s, p, inputs, batch, BLUR_REAL, step, update)
        reals, blurs = rows(s.reals), rows(p.blurs)
        for i in range(s.reals.shape[0]):
            reals[i] = reals[i] + blurs[i]


@kernel
def draw_fakes_blur(
    s: Sampler, p: Any, coordinates: int, packs: int, packing: Any, stream: int, step: int, update: int
) -> None:
    """Noise for the fakes of a batch."""
    if p is not None and p.blur > 0.0:
        draw_blur(s, p, coordinates, many(packs, packing), stream, step, update)
        spread_out(p.blurs, coordinates, packs, packing)


@kernel
def blur_fakes(d: Player, p: Any, first: int, n: int, packing: Any) -> None:
    """Add their noise to the fakes, tiles ``first`` ..., that stand in D's inputs."""
    if p is not None and p.blur > 0.0:
        coordinates = fewer(d.sizes.inputs, packing)
        blurs, each = tiles(p.blurs), p.blurs.shape[0] // T // coordinates
        for t in range(n):
            for i in range(d.sizes.inputs):
                at = t * d.sizes.units + i
                d.h[at] = d.h[at] + blurs[place(first, t, i, coordinates, each, packing)]


@kernel
def mix_with(d: Player, p: Penalties, x: Any, first: int, n: int, packing: Any) -> None:
    """The fakes y that stand in D's inputs become u x + (1 - u) y, x the reals of tiles ``first`` ..."""
    coordinates = fewer(d.sizes.inputs, packing)
    u, reals, each = tiles(p.mixed), tiles(x), x.shape[0] // T // coordinates
    for t in range(n):
        for i in range(d.sizes.inputs):
            at = t * d.sizes.units + i
            real = reals[place(first, t, i, coordinates, each, packing)]
            d.h[at] = fma(u[first + t], real - d.h[at], d.h[at])
