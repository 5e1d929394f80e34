"""Records on held-out samples: one row a measurement, the samples of all lanes sorted side by side.

Everything about the fakes is measured in the target's own units, ``u = (x - location) / scale``, where the target has
mean 0 and spread 1: that is where float32 has digits to spare. The caller maps means and spreads back.

Sorting is what a distance needs most, and a scalar sort of 1,024 numbers (40 us) would cost as much as 30 training
steps. Merge exchange compares rows, so all runs of a bundle are sorted at once, always by the same comparisons.
"""

from typing import Any, NamedTuple

from gansim.kernels import sampler
from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.lanemath import log, sigmoid_and_softplus, softplus
from gansim.kernels.lanes import (
    OCTET,
    Row,
    Rows,
    T,
    Tile,
    Tiles,
    absolute,
    as_rows,
    bits,
    fold,
    from_bits,
    maximum,
    minimum,
    octets,
    rows,
    spread,
    sqrt,
    tiles,
    to_float,
    where_greater,
)
from gansim.kernels.networks import player
from gansim.kernels.networks.packs import spread_out, take_inputs, take_noises, take_packs
from gansim.kernels.networks.passes import forward
from gansim.kernels.networks.player import Player, clear, output_unit
from gansim.kernels.random import DRAWN, EVAL_DATA, EVAL_NOISE
from gansim.kernels.sampler import CURVE, VALUES, Sampler, copy_sample, draw_noise, draw_target, target_cdf
from gansim.kernels.training.field import show_fakes
from gansim.traces import FIELDS

N_FIELDS = len(FIELDS)
BINS = 32  # intervals of equally many fakes on which `_v_max` lets D be constant

(
    _G_SHIFT,
    _G_SPREAD,
    _W1,
    _KS,
    _D_REAL,
    _D_FAKE,
    _D_REAL_OFF,
    _D_FAKE_OFF,
    _ACC_REAL,
    _ACC_FAKE,
    _AUC,
    _V,
    _V_MAX,
    _V_TRAIN,
    _GRAD_G,
    _GRAD_D,
    *_OF_MODES,
    _FINITE,
) = range(N_FIELDS)


class Evaluation(NamedTuple):
    """What a bundle's records are measured with, as arrays.

    level : the output above which D takes a sample for real; NaN: half way between its means on reals and on fakes;
    None: 0, and nothing of this is compiled.
    unit : (2 n_outputs, L), location and scale of each coordinate that turn what G returns into the target's units.
    held_out : a `Sampler` parameter block of the law that runs are judged by, in the networks' units. target : one in
    its own. quantiles : (n, L), its quantiles on the line at (i + 1/2) / n. table, edges, shares : of a law that is a
    table, see `gansim.model.data.tabulated`, shared by all lanes. modes : (13 k, L), a mixture's modes, see
    `gansim.model.data.modes`: for each of k components log(weight / spread), the first of its mode, and in its place
    the mode's share of good points, its probability, and whether n points show it; for each of 2 k stretches of the
    line its left end, whose it is, and what to take from F there and to multiply by for the share of its mode that lies
    below. fakes : (n_outputs n, L), coordinate by coordinate, logits : (2 n / m, L) of packs of m samples, counts : (k,
    L) and places : (n, L) of mixtures, scratch. n is a multiple of BINS, n / m of OCTET.
    """

    level: Any
    unit: Any
    held_out: Any
    target: Any
    quantiles: Any
    table: Any
    edges: Any
    shares: Any
    modes: Any
    fakes: Any
    logits: Any
    counts: Any
    places: Any


# --- sorting ------------------------------------------------------------------------------------


@kernel
def _exchange(x: Tiles, i: int, j: int) -> None:
    """The smaller to i, the larger to j, in each lane; a NaN goes to i or j, and nothing is lost.

    The smaller is what is left of both. Chosen by a comparison as the larger is, it would become a store under a mask,
    which a core with AVX2 took six times as long for: a record of 8 runs 490 us instead of 210.
    """
    a, b = x[i], x[j]
    larger = maximum(a, b)
    x[i], x[j] = from_bits(bits(a) ^ bits(b) ^ bits(larger)), larger


@kernel
def sort_rows(array: Any, n: int) -> None:
    """Sort each lane of the first n rows, smallest first; n is a multiple of T.

    Merge exchange (Batcher 1968; Knuth 1998, algorithm 5.2.2M): compare rows i and i + d for all i with i & p == r.
    They come in runs of p: for p >= T whole tiles are compared, below that the runs are written out (2.1 x together).
    """
    x, whole = rows(array), tiles(array)
    top = 1
    while top < n:
        top *= 2
    p = top // 2
    while p > 0:
        q, r, d = top // 2, 0, p
        while d > 0:
            if p >= T:
                for start in range(r, n - d, 2 * p):
                    for i in range(start, min(start + p, n - d), T):
                        _exchange(whole, i // T, (i + d) // T)
            elif p == 4:
                for i in range(r, n - d, 8):
                    _exchange(x, i, i + d)
                    _exchange(x, i + 1, i + d + 1)
                    _exchange(x, i + 2, i + d + 2)
                    _exchange(x, i + 3, i + d + 3)
            elif p == 2:
                for i in range(r, n - d, 4):
                    _exchange(x, i, i + d)
                    _exchange(x, i + 1, i + d + 1)
            else:
                for i in range(r, n - d, 2):
                    _exchange(x, i, i + d)
            d, q, r = q - p, q // 2, p
        p //= 2


@kernel
def _auc(array: Any, n: int) -> Row:
    """Pr(logit of a real > logit of a fake) + Pr(equal) / 2; rows 0 ... n - 1 are real, n ... 2 n - 1 fake.

    The lowest bit of a logit is given up to carry its kind through the sort, so that equal logits come fakes first.
    """
    logits, whole = rows(array), tiles(array)
    for t in range(2 * n // T):
        x = minimum(3e38, maximum(-3e38, whole[t]))  # an infinity with the bit set would be NaN
        x = where_greater(absolute(x), 1e-30, x, 0.0)  # no -0, no denormals: the bit is taken from them
        pattern = bits(x)
        negative = where_greater(0.0, x, 1.0, 0.0)
        real = 1.0 if t < n // T else 0.0
        odd = absolute(negative - real)  # a negative number with the bit set is the smaller one
        whole[t] = where_greater(odd, 0.5, from_bits(pattern | 1), from_bits((pattern | 1) ^ 1))
    sort_rows(array, 2 * n)
    wins, fakes, before, last = logits[0] * 0.0, logits[0] * 0.0, logits[0] * 0.0, logits[0] * 0.0
    excess = logits[0] * 0.0  # what rounding added to wins (Kahan 1965): without it float32 is off by up to 9e-4
    for i in range(2 * n):
        pattern = bits(logits[i])
        odd = to_float(pattern & 1, wins)
        real = where_greater(0.0, logits[i], 1.0 - odd, odd)
        x = from_bits((pattern | 1) ^ 1)
        before = where_greater(absolute(x - last), 0.0, fakes, before)  # fakes below this group of equals
        last = x
        won = real * (fakes + before) * 0.5 - excess
        total = wins + won
        wins, excess = total, (total - wins) - won
        fakes = fakes + (1.0 - real)
    return wins / float(n * n)


# --- the discriminator --------------------------------------------------------------------------


@kernel
def _level(logits: Tiles, n: int, level: float) -> Row:
    """``level`` or, if it is NaN, half way between the means of the first n octets of logits and the next n."""
    reals = spread(0.0, logits[0])
    if level == level:
        return fold(reals) + level
    fakes = reals
    for i in range(n):
        reals, fakes = reals + logits[i], fakes + logits[n + i]
    return (fold(reals) + fold(fakes)) / float(2 * OCTET * n)


@kernel
def _above(logit: Tile, level: Any) -> Tile:
    return logit if level is None else logit - level


@kernel
def _verdicts(
    logits: Tiles, level: Any, first: int, n: int, out: Rows, sign: float, wrong: int, off: int, right: int
) -> Row:
    """D's mean error, mean |D - 1/2| and accuracy over n octets of logits; returns the mean of V's terms.

    ``sign`` is 1 for real samples, whose logit should be above ``level``, and -1 for fakes.
    """
    errors = spread(0.0, logits[first])
    offs, rights, costs = errors, errors, errors
    for i in range(first, first + n):
        correct = _above(logits[i], level) * sign
        error, cost = sigmoid_and_softplus(-correct)  # 1 - D and -log D of a real, D and -log(1 - D) of a fake
        half = where_greater(correct, 0.0, 1.0, 0.0) - where_greater(0.0, correct, 1.0, 0.0)  # 0 is half right
        errors, offs = errors + error, offs + absolute(error - 0.5)
        rights, costs = rights + (half + 1.0) * 0.5, costs + cost
    samples = float(OCTET * n)
    out[wrong], out[off], out[right] = fold(errors) / samples, fold(offs) / samples, fold(rights) / samples
    return fold(costs) / -samples


@kernel
def _both_verdicts(logits: Tiles, n: int, out: Rows, level: Any) -> tuple[Row, Row]:
    """What D says of n octets of reals and n of fakes; the means of V's terms."""
    if level is None:
        on_real = _verdicts(logits, None, 0, n, out, 1.0, _D_REAL, _D_REAL_OFF, _ACC_REAL)
        on_fake = _verdicts(logits, None, n, n, out, -1.0, _D_FAKE, _D_FAKE_OFF, _ACC_FAKE)
    else:
        above = _level(logits, n, level)
        on_real = _verdicts(logits, above, 0, n, out, 1.0, _D_REAL, _D_REAL_OFF, _ACC_REAL)
        on_fake = _verdicts(logits, above, n, n, out, -1.0, _D_FAKE, _D_FAKE_OFF, _ACC_FAKE)
    return on_real, on_fake


@kernel
def _v_on_packs(d: Player, s: Sampler, n: int, packing: int) -> Row:
    """V's real part over packs of the first points of the run's fixed sample, as many whole ones as n points make."""
    judged, total, packs, coordinates = as_rows(d.d), s.target[0] * 0.0, n // packing, d.sizes.inputs // packing
    each, padded = s.reals.shape[0] // coordinates, s.sample.shape[0] // coordinates
    for first in range(0, packs, OCTET):
        some = min(OCTET, packs - first)
        for k in range(coordinates):
            for index in range(0, some * packing, DRAWN):
                copy_sample(s, rows(s.reals), k * each + index, k * padded, first * packing + index)
        spread_out(s.reals, coordinates, some, packing)
        take_packs(d, s.reals, 0, OCTET // T, packing)
        forward(d, OCTET // T)
        for t in range(OCTET // T):
            d.d[t] = -softplus(-d.h[t * d.sizes.units + output_unit(d)])
        for q in range(some):
            total = total + judged[q]
    return total / float(packs)


@kernel
def _v_on_sample(d: Player, s: Sampler, n: int) -> Row:
    """V's real part over the first n points of the run's fixed sample."""
    judged, total = as_rows(d.d), s.target[0] * 0.0
    for index in range(0, n, T):
        if index % DRAWN == 0:
            for k in range(d.sizes.inputs):
                copy_sample(s, rows(s.reals), k * DRAWN, k * (s.sample.shape[0] // d.sizes.inputs), index)
        take_inputs(s.reals[: DRAWN * d.sizes.inputs], d.sizes.inputs, 1, index % DRAWN // T, 1, d.h)
        forward(d, 1)
        d.d[0] = -softplus(-d.h[output_unit(d)])
        for q in range(min(T, n - index)):  # past the end of the sample stands its last point again
            total = total + judged[q]
    return total / float(n)


@kernel
def _norm(grad: Rows, n: int) -> Row:
    """Euclidean norm; squares of numbers beyond 1e15 or below 1e-15 are taken 2^96 times smaller or larger.

    Left alone they would be infinite or 0 in float32: a gradient of 1e-23 would be reported as none.
    """
    largest, total = grad[0] * 0.0, grad[0] * 0.0
    for i in range(n):
        largest = maximum(largest, absolute(grad[i]))
    scale = where_greater(largest, 1e15, 2.0**-96, where_greater(1e-15, largest, 2.0**96, 1.0))
    for i in range(n):
        scaled = grad[i] * scale
        total = total + scaled * scaled
    return sqrt(total) / scale


@kernel
def _add_zeros(total: Row, block: Rows, n: int) -> Row:
    """Add x * 0 for the first n rows: 0 for finite x, NaN for all others."""
    for i in range(n):
        total = total + block[i] * 0.0
    return total


@kernel
def _keep_fakes(g: Player, e: Evaluation, seen: int, t: int, n: int) -> None:
    """What G makes of its tile ``seen`` is tile t of n ``fakes``, in the target's units."""
    fakes, unit = tiles(e.fakes), rows(e.unit)
    for k in range(g.sizes.outputs):
        scale = 1.0 / unit[2 * k + 1]
        fakes[k * (n // T) + t] = (g.h[seen * g.sizes.units + output_unit(g) + k] - unit[2 * k]) * scale


@kernel
def _judge_samples(g: Player, d: Player, s: Sampler, held_out: Sampler, e: Evaluation, step: int) -> None:
    """D's outputs on n held-out samples and as many fakes, which are kept."""
    logits, n = tiles(e.logits), e.logits.shape[0] // 2
    for t in range(n // T):
        if t % (DRAWN // T) == 0:
            for k in range(d.sizes.inputs):
                draw_target(held_out, rows(s.reals), k * DRAWN, EVAL_DATA, t * T, step, k, 0)
            draw_noise(s, g.sizes.inputs, DRAWN, EVAL_NOISE, t * T, t * T + DRAWN, step, 0)
        take_inputs(s.reals[: DRAWN * d.sizes.inputs], d.sizes.inputs, 1, t % (DRAWN // T), 1, d.h)
        forward(d, 1)
        logits[t] = d.h[output_unit(d)]
        take_inputs(s.noises[: DRAWN * g.sizes.inputs], g.sizes.inputs, 1, t % (DRAWN // T), 1, g.h)
        show_fakes(g, d, 1, None)
        _keep_fakes(g, e, 0, t, n)
        logits[n // T + t] = d.h[output_unit(d)]


@kernel
def _judge_packs(g: Player, d: Player, s: Sampler, held_out: Sampler, e: Evaluation, step: int, packing: int) -> None:
    """D's outputs on packs of the same samples and of the same fakes, an octet of packs at a time."""
    logits, n_tiles, at_once, coordinates = tiles(e.logits), e.logits.shape[0] // (2 * T), OCTET // T, g.sizes.outputs
    for first in range(0, n_tiles, at_once):
        start, size = first * T * packing, OCTET * packing
        for k in range(coordinates):
            row = k * (s.reals.shape[0] // coordinates)
            for index in range(0, size, DRAWN):
                draw_target(held_out, rows(s.reals), row + index, EVAL_DATA, start + index, step, k, 0)
        each = s.noises.shape[0] // g.sizes.inputs
        draw_noise(s, g.sizes.inputs, each, EVAL_NOISE, start, start + size, step, 0)
        take_packs(d, s.reals, 0, at_once, packing)
        forward(d, at_once)
        for t in range(at_once):
            logits[first + t] = d.h[t * d.sizes.units + output_unit(d)]
        take_noises(g, s.noises, 0, at_once, packing)
        show_fakes(g, d, at_once, packing)
        for t in range(at_once):
            logits[n_tiles + first + t] = d.h[t * d.sizes.units + output_unit(d)]
        for t in range(size // T):
            _keep_fakes(g, e, t, start // T + t, n_tiles * T * packing)


@entry_point
def measure_networks(g: Player, d: Player, s: Sampler, e: Evaluation, packing: Any, step: int, record: Any) -> None:
    """First part of a record, what needs the networks: fills the discriminator's fields, ``fakes`` and ``logits``.

    ``packing`` is None where a pack is one sample. ``record`` (N_FIELDS, L) receives the fields of gansim/traces.py;
    `measure_modes` and `measure_fakes` complete it.
    """
    g, d, s, out, n = player.opened(g), player.opened(d), sampler.opened(s), rows(record), e.logits.shape[0] // 2
    clear(out, N_FIELDS)
    held_out = sampler.with_target(s, e.held_out, e.table)
    if packing is None:
        _judge_samples(g, d, s, held_out, e, step)
    else:
        _judge_packs(g, d, s, held_out, e, step, packing)
    on_real, on_fake = _both_verdicts(octets(e.logits), n // OCTET, out, e.level)
    out[_D_REAL], out[_V] = 1.0 - out[_D_REAL], on_real + on_fake
    if s.n_sample > 0:
        if packing is None:
            out[_V_TRAIN] = _v_on_sample(d, s, min(s.n_sample, n)) + on_fake
        else:
            out[_V_TRAIN] = _v_on_packs(d, s, min(s.n_sample, n * packing), packing) + on_fake
    out[_GRAD_G], out[_GRAD_D] = _norm(g.grad, g.sizes.params), _norm(d.grad, d.sizes.params)
    out[_FINITE] = _add_zeros(_add_zeros(out[_V] * 0.0, g.theta, g.sizes.params), d.theta, d.sizes.params)


# --- the fakes' distribution --------------------------------------------------------------------


@kernel
def _moments(fakes: Tiles, n: int, out: Rows) -> None:
    """Mean and standard deviation in the target's units, in two passes."""
    sums = spread(0.0, fakes[0])
    squares = sums
    for i in range(n // OCTET):
        sums = sums + fakes[i]
    mean = fold(sums) / float(n)
    for i in range(n // OCTET):
        off = fakes[i] - mean
        squares = squares + off * off
    out[_G_SHIFT], out[_G_SPREAD] = mean, sqrt(fold(squares) / float(n))


@kernel
def _cell(edges: Any, cell: int, x: float) -> int:
    """The last cell from ``cell`` on that begins at or below x, by steps that double and then halve.

    Fakes come sorted, so that few cells lie between one and the next.
    """
    step, last = 1, len(edges) - 2
    while cell + step <= last and edges[cell + step] <= x:
        cell, step = cell + step, 2 * step
    while step > 0:
        if cell + step <= last and edges[cell + step] <= x:
            cell += step
        step //= 2
    return cell


@kernel
def _shares_by_curve(e: Evaluation, n: int) -> None:
    """The sorted fakes become F(fakes); a curve's probability is spread evenly over a cell."""
    fakes, edges, shares = e.fakes, e.edges, e.shares
    for lane in range(fakes.shape[1]):
        cell = 0
        for i in range(n):
            x = fakes[i, lane]
            cell = _cell(edges, cell, x)
            if x >= edges[cell + 1]:
                fakes[i, lane] = shares[cell + 1]
            elif x > edges[cell]:
                along = (x - edges[cell]) / (edges[cell + 1] - edges[cell])
                fakes[i, lane] = shares[cell] + along * (shares[cell + 1] - shares[cell])
            else:  # before the first cell, or no number
                fakes[i, lane] = shares[cell]


@kernel
def _shares_by_values(e: Evaluation, n: int, record: Any) -> None:
    """The sorted fakes become F(fakes), and their Kolmogorov-Smirnov distance to the law of the values is entered.

    Each fake counts as the value that it is nearest to, so that no rounding takes it for another one; how far from it
    a fake lies is for the Wasserstein distance to say. Fakes of one value share its probability evenly: those of the
    law itself are spread over [0, 1] as those of any law are.
    """
    fakes, edges, shares = e.fakes, e.edges, e.shares
    for lane in range(fakes.shape[1]):
        cell, first, ks = 0, 0, 0.0
        while first < n:
            cell, end = _cell(edges, cell, fakes[first, lane]), first + 1
            while end < n and not fakes[end, lane] >= edges[cell + 1]:
                end += 1
            ks = max(ks, shares[cell] - first / n, end / n - shares[cell + 1])
            for i in range(first, end):
                along = (i - first + 0.5) / (end - first)
                fakes[i, lane] = shares[cell] + along * (shares[cell + 1] - shares[cell])
            first = end
        record[_KS, lane] = ks


@kernel
def _distances(s: Sampler, e: Evaluation, n: int, record: Any) -> None:
    """Wasserstein-1 and Kolmogorov-Smirnov distance of the sorted fakes to the target; ``fakes`` become F(fakes).

    W1 is the mean of |x_(i) - F^-1((i + 1/2) / n)|, the quantile form (Vallender 1974) by the midpoint rule.
    """
    fakes, quantiles, out = octets(e.fakes), octets(e.quantiles), rows(record)
    sums = spread(0.0, fakes[0])
    for i in range(n // OCTET):
        sums = sums + absolute(fakes[i] - quantiles[i])
    out[_W1] = fold(sums) / float(n)
    if s.target_code == VALUES:
        _shares_by_values(e, n, record)
        return
    if s.target_code == CURVE:
        _shares_by_curve(e, n)
    else:
        for i in range(n // OCTET):
            fakes[i] = target_cdf(s, fakes[i])
    out[_KS] = from_uniform(rows(e.fakes), n)


@kernel
def from_uniform(shares: Rows, n: int) -> Row:
    """Kolmogorov-Smirnov distance of n sorted numbers to the uniform law on [0, 1]."""
    ks = shares[0] * 0.0
    for i in range(n):
        ks = maximum(ks, maximum(shares[i] - float(i) / n, float(i + 1) / n - shares[i]))
    return ks


@kernel
def _v_max(cdf: Rows, n: int) -> Row:
    """max_D V over the discriminators that are constant on BINS intervals of n / BINS fakes each, and beyond them.

    With p_j and q_j the masses of target and fakes, V is the sum of p log(p / (p + q)) + q log(q / (p + q)); where the
    fakes have no mass it is 0. ``cdf`` holds the target's distribution function at the sorted fakes, so a collapsed G
    (all equal: p_j = 0) gets 0 whatever its scale. Bins lower the maximum (by up to 0.022 in normals tried), sampling
    raises it: at p_g = p_data by 0.009 with n = 1,024, 0.002 with 4,096.
    """
    each, q, v = n // BINS, 1.0 / BINS, cdf[0] * 0.0
    left = cdf[0]
    for j in range(BINS):
        right = cdf[n - 1] if j == BINS - 1 else (cdf[(j + 1) * each - 1] + cdf[(j + 1) * each]) * 0.5
        p = maximum(right - left, 1e-30)
        v = v - p * log((p + q) / p) - q * log((p + q) / q)
        left = right
    return v


# --- the last part of a record ----------------------------------------------------------------


@entry_point
def measure_fakes(s: Sampler, e: Evaluation, record: Any) -> None:
    """Last part of a record, the same code for every architecture: what follows from ``fakes`` and ``logits``.

    Where they lie and how far from the target is measured on the line. Fields that are not defined here stay 0;
    ``finite`` becomes 1 where every parameter and every field but those of mixtures is finite.
    """
    out, n = rows(record), e.quantiles.shape[0]  # beyond the line there are none, and one row
    s = sampler.with_target(sampler.opened(s), e.target, e.table)
    out[_AUC] = _auc(e.logits, e.logits.shape[0] // 2)
    if e.fakes.shape[0] == n:
        _moments(octets(e.fakes), n, out)
        sort_rows(e.fakes, n)
        _distances(s, e, n, record)
        out[_V_MAX] = _v_max(rows(e.fakes), n)
    else:
        out[_FINITE] = _add_zeros(out[_FINITE], rows(e.fakes), e.fakes.shape[0])
    out[_FINITE] = where_greater(1.0, _add_zeros(out[_FINITE], out, _GRAD_D + 1), 1.0, 0.0)
