"""Samplers of data and noise, and the target's distribution function.

A distribution is a code and a block of rows whose meaning depends on it (the numbers may differ from lane to lane):

| code | rows |
|---|---|
| NORMAL | for each coordinate its mean and standard deviation |
| UNIFORM | for each coordinate its low end and width |
| MIXTURE of k normals | k cumulative weights, then for each coordinate k means and k standard deviations |
| VALUES, CURVE | mean and standard deviation; the quantile function in these units is the table, see `_of_table` |

Coordinates are independent given a mixture's component, which a point's coordinates share. Batches lie coordinate by
coordinate; a coordinate's number is its ``part`` of the random numbers' counter.
"""

from typing import Any, NamedTuple

import numpy as np

from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.lanemath import normal_cdf
from gansim.kernels.lanes import (
    Rows,
    Tile,
    Tiles,
    below,
    bits,
    fma,
    from_bits,
    look_up,
    maximum,
    minimum,
    rows,
    scatter,
    tiles,
    to_float,
    where_greater,
    words,
)
from gansim.kernels.random import BATCH, DATA, DRAWN, SAMPLE, block, blocks, fill_normals, fill_uniforms

NORMAL, UNIFORM, MIXTURE, VALUES, CURVE = range(5)

# A curve's half: 32 octaves of probability, 2^-33 to 1/2, each cut into 2^OCTAVE_BITS cells, and two ends.
OCTAVE_BITS = 6
HALF = (32 << OCTAVE_BITS) + 2
_ALONG = 2.0 ** (OCTAVE_BITS - 23)  # a number outside the kernel: inside, Numba multiplies and divides at every call


class Sampler(NamedTuple):
    """Where a bundle's numbers come from, as arrays (outside the kernels) or, where marked *, as views (see `opened`).

    key* : (3, L) uint32, see random.py. stream : added to every stream (0, or REFEREE). target*, noise* : parameter
    rows, with their codes; n_components of a mixture. table : the quantile function of a target that has one, shared by
    all lanes, in the order of `gansim.model.data.tabulated`. sample : (n_inputs * n, L), every run's fixed sample of
    n_sample points, coordinate by coordinate, n padded to a multiple of DRAWN; n_sample is 0 when every draw is fresh.
    full_batch : whether a batch is the whole sample. weights* : (batch, L), every sample's share of the batch average,
    padded with zeros to whole tiles. reals, noises : (n_inputs * n, L), one batch for each player, coordinate by
    coordinate, n the batch padded to a multiple of DRAWN. words, numbers : scratch, (DRAWN, L), uint32 and float.
    fixed_noise : whether every update sees the same batch of noise.
    """

    key: Rows
    stream: int
    target: Rows
    target_code: int
    n_components: int
    table: Any
    noise: Rows
    noise_code: int
    sample: Any
    n_sample: int
    full_batch: bool
    weights: Tiles
    reals: Any
    noises: Any
    words: Any
    numbers: Any
    fixed_noise: bool = False


@kernel
def opened(s: Sampler) -> Sampler:
    """The sampler with its arrays seen as rows and tiles; those that are read lane by lane stay arrays."""
    target = rows(s.target)
    return Sampler(
        words(s.key, target),
        s.stream,
        target,
        s.target_code,
        s.n_components,
        s.table,
        rows(s.noise),
        s.noise_code,
        s.sample,
        s.n_sample,
        s.full_batch,
        tiles(s.weights),
        s.reals,
        s.noises,
        s.words,
        s.numbers,
        s.fixed_noise,
    )


@kernel
def with_target(s: Sampler, target: Any, table: Any) -> Sampler:
    """An opened sampler with another target of the same kind, or the same one in other units."""
    return Sampler(
        s.key,
        s.stream,
        rows(target),
        s.target_code,
        s.n_components,
        table,
        s.noise,
        s.noise_code,
        s.sample,
        s.n_sample,
        s.full_batch,
        s.weights,
        s.reals,
        s.noises,
        s.words,
        s.numbers,
        s.fixed_noise,
    )


@kernel
def _pick_components(s: Sampler, out: Rows, first: int, part: int) -> None:
    """Turn uniforms in ``numbers`` and standard normals in ``out`` into draws of the mixture."""
    k, uniforms = s.n_components, rows(s.numbers)
    means, stds = k + 2 * k * part, 2 * k + 2 * k * part
    for q in range(DRAWN):
        u, mean, std = uniforms[q], s.target[means], s.target[stds]
        for c in range(1, k):
            mean = where_greater(s.target[c - 1], u, mean, s.target[means + c])
            std = where_greater(s.target[c - 1], u, std, s.target[stds + c])
        out[first + q] = fma(out[first + q], std, mean)


@kernel
def _of_table(s: Sampler, word: Tile) -> Tile:
    """Draws in the table's units.

    VALUES: one of them. CURVE: the probability beyond a draw, on its side of the median, is a number k + 1/2 of 2^-32
    in float32; its exponent and leading digits say in which cell it lies, the rest how far along the chord. Cells get
    finer towards the ends as the probability does, and no logarithm is taken.
    """
    if s.target_code == VALUES:
        return look_up(s.table, below(s.table.shape[0], word))
    pattern = bits(to_float(word & 0x7FFFFFFF, from_bits(word)) + 0.5)
    cell = (pattern >> (23 - OCTAVE_BITS)) - (126 << OCTAVE_BITS) + (word >> 31) * HALF
    start = look_up(s.table, cell)
    along = to_float(pattern & ((1 << (23 - OCTAVE_BITS)) - 1), start) * _ALONG
    return fma(look_up(s.table, cell + 1) - start, along, start)


@kernel
def _fill_from_table(s: Sampler, out: Rows, first: int, stream: int, index: int, step: int, update: int) -> None:
    mean, std = s.target[0], s.target[1]
    four = blocks(s.key, stream, index, step, 0, update)
    scatter(out, first, 4, fma(_of_table(s, four[0]), std, mean))
    scatter(out, first + 1, 4, fma(_of_table(s, four[1]), std, mean))
    scatter(out, first + 2, 4, fma(_of_table(s, four[2]), std, mean))
    scatter(out, first + 3, 4, fma(_of_table(s, four[3]), std, mean))


@kernel
def draw_target(s: Sampler, out: Rows, first: int, stream: int, index: int, step: int, part: int, update: int) -> None:
    """DRAWN fresh draws of coordinate ``part`` to rows ``first`` ...; a mixture's components are of ``stream + 1``."""
    zero, a = s.target[0] * 0.0, 2 * part
    if s.target_code == NORMAL:
        fill_normals(out, first, s.key, stream + s.stream, index, step, part, update, s.target[a], s.target[a + 1])
    elif s.target_code == UNIFORM:
        fill_uniforms(out, first, s.key, stream + s.stream, index, step, part, update, s.target[a], s.target[a + 1])
    elif s.target_code == MIXTURE:
        fill_normals(out, first, s.key, stream + s.stream, index, step, part, update, zero, zero + 1.0)
        fill_uniforms(rows(s.numbers), 0, s.key, stream + 1 + s.stream, index, step, 0, update, zero, zero + 1.0)
        _pick_components(s, out, first, part)
    elif s.target_code == VALUES or s.target_code == CURVE:
        _fill_from_table(s, out, first, stream + s.stream, index, step, update)
    else:
        raise ValueError("unknown target")


@kernel
def _draw_points(s: Sampler, out: Rows, first: int, place: int, index: int, step: int, update: int) -> None:
    """DRAWN points of each run's fixed sample, with replacement: index = word * n / 2^32 (bias below n / 2^32).

    Each lane has its own. ``place`` is the row of ``sample`` where the coordinate begins.
    """
    numbers, drawn = rows(s.numbers), words(s.words, s.target)
    for q in range(0, DRAWN, 4):
        four = block(s.key, BATCH + s.stream, index + q, step, 0, update)
        drawn[q], drawn[q + 1], drawn[q + 2], drawn[q + 3] = four[0], four[1], four[2], four[3]
    for q in range(DRAWN):
        for lane in range(s.numbers.shape[1]):
            s.numbers[q, lane] = s.sample[place + ((np.int64(s.words[q, lane]) * s.n_sample) >> 32), lane]
        out[first + q] = numbers[q]


@kernel
def copy_sample(s: Sampler, out: Rows, first: int, place: int, index: int) -> None:
    """DRAWN points of the fixed sample from ``index`` on; past its end, its last point (its weight is 0)."""
    sample = rows(s.sample)
    for q in range(DRAWN):
        out[first + q] = sample[place + min(index + q, s.n_sample - 1)]


@entry_point
def fill_sample(s: Sampler, n: int) -> None:
    """Draw every run's fixed sample, of n coordinates, into ``sample``."""
    s = opened(s)
    padded = s.sample.shape[0] // n
    for k in range(n):
        for index in range(0, s.n_sample, DRAWN):
            draw_target(s, rows(s.sample), k * padded + index, SAMPLE, index, 0, k, 0)


@kernel
def draw_data(s: Sampler, n: int, batch: int, step: int, update: int) -> None:
    """One batch of real samples of n coordinates into ``reals``: fresh, or from the run's fixed sample."""
    out = rows(s.reals)
    padded, each = s.reals.shape[0] // n, s.sample.shape[0] // n
    for k in range(n):
        for index in range(0, batch, DRAWN):
            if s.n_sample == 0:
                draw_target(s, out, k * padded + index, DATA, index, step, k, update)
            elif s.full_batch:
                copy_sample(s, out, k * padded + index, k * each, index)
            else:
                _draw_points(s, out, k * padded + index, k * each, index, step, update)


@kernel
def draw_noise(s: Sampler, n: int, padded: int, stream: int, first: int, last: int, step: int, update: int) -> None:
    """Noise vectors ``first`` ... ``last - 1`` of n coordinates, those ``padded`` rows apart, into ``noises``."""
    out = rows(s.noises)
    for k in range(n):
        for index in range(first, last, DRAWN):
            row = k * padded + index - first
            if s.noise_code == NORMAL:
                fill_normals(out, row, s.key, stream + s.stream, index, step, k, update, s.noise[0], s.noise[1])
            elif s.noise_code == UNIFORM:
                fill_uniforms(out, row, s.key, stream + s.stream, index, step, k, update, s.noise[0], s.noise[1])
            else:
                raise ValueError("unknown noise")


@kernel
def target_cdf(s: Sampler, x: Tile) -> Tile:
    """Distribution function at x of a target on the line."""
    if s.target_code == NORMAL:
        return normal_cdf((x - s.target[0]) / s.target[1])
    if s.target_code == UNIFORM:
        return minimum(1.0, maximum(0.0, (x - s.target[0]) / s.target[1]))
    if s.target_code == MIXTURE:
        k = s.n_components
        total, before = x * 0.0, s.target[0] * 0.0
        for c in range(k):
            total = fma(s.target[c] - before, normal_cdf((x - s.target[k + c]) / s.target[2 * k + c]), total)
            before = s.target[c]
        return total
    raise ValueError("unknown target")
