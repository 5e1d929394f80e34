"""What is measured of a mixture's modes: captured, missed, their shares, and the fakes' places within them.

An entry point of its own: it is compiled for those who train on mixtures only, 2.4 s beside 3.0 s for the rest of the
measuring, on one core of an AMD EPYC without AVX-512.
"""

from typing import Any

from gansim.kernels import sampler
from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.lanemath import log
from gansim.kernels.lanes import Row, Rows, T, absolute, maximum, minimum, rows, tiles, where_greater
from gansim.kernels.measure import Evaluation, from_uniform, sort_rows
from gansim.kernels.sampler import Sampler, target_cdf
from gansim.traces import FIELDS, HIGH_QUALITY

_MODES, _MISSED, _HIGH_QUALITY, _REVERSE_KL, _TV_MODES, _KS_MODES = (
    FIELDS.index(name) for name in ("modes", "modes_missed", "high_quality", "reverse_kl", "tv_modes", "ks_modes")
)


@kernel
def _modes(s: Sampler, e: Evaluation, n: int, out: Rows) -> None:
    """Modes captured and missed, high-quality fakes, reverse KL (Srivastava et al. 2017; Lin et al. 2018, section 4).

    A fake belongs to the mode that is most responsible for it, and is of high quality within HIGH_QUALITY standard
    deviations of that component. A mode is captured if at least one such fake is its; the reverse KL compares the
    modes' shares of them with those of the target's own points.
    """
    k, fakes, counts, of = s.n_components, rows(e.fakes), rows(e.counts), rows(e.modes)
    for c in range(k):
        counts[c] = 0.0
    for i in range(n):
        z = (fakes[i] - s.target[k]) / s.target[2 * k]
        best, off, which = of[0] - 0.5 * z * z, absolute(z), of[k]
        for c in range(1, k):
            z = (fakes[i] - s.target[k + c]) / s.target[2 * k + c]
            responsible = of[c] - 0.5 * z * z
            off = where_greater(responsible, best, absolute(z), off)
            which = where_greater(responsible, best, of[k + c], which)
            best = maximum(best, responsible)
        near = where_greater(off, HIGH_QUALITY, 0.0, 1.0)
        for c in range(k):
            counts[c] = counts[c] + where_greater(absolute(which - float(c)), 0.5, 0.0, near)
    total, captured, missed, kl = out[_MODES] * 0.0, out[_MODES] * 0.0, out[_MODES] * 0.0, out[_MODES] * 0.0
    for c in range(k):
        total = total + counts[c]
    for c in range(k):
        share, here = counts[c] / maximum(total, 1.0), where_greater(counts[c], 0.0, 1.0, 0.0)
        captured, missed = captured + here, missed + of[4 * k + c] * (1.0 - here)
        own = maximum(of[2 * k + c], 1e-30)
        kl = kl + where_greater(share, 0.0, share * log(maximum(share, 1e-30) / own), 0.0)
    out[_MODES], out[_MISSED], out[_HIGH_QUALITY] = captured, missed, total / float(n)
    out[_REVERSE_KL] = where_greater(total, 0.0, kl, kl * 0.0 / (kl * 0.0))  # no fake near any mode: undefined


@kernel
def _off_shares(s: Sampler, e: Evaluation, n: int) -> Row:
    """Total variation distance between the sorted fakes' shares of the modes and the target's own."""
    k, fakes, counts, of = s.n_components, rows(e.fakes), rows(e.counts), rows(e.modes)
    for c in range(k):
        counts[c] = 0.0
    beyond, off = fakes[0] * 0.0 + float(n), fakes[0] * 0.0  # fakes in this stretch and after it
    for j in range(2 * k):
        after = beyond * 0.0
        if j + 1 < 2 * k:
            for i in range(n):
                after = after + where_greater(fakes[i], of[5 * k + j + 1], 1.0, 0.0)
        for c in range(k):
            counts[c] = counts[c] + where_greater(absolute(of[7 * k + j] - float(c)), 0.5, 0.0, beyond - after)
        beyond = after
    for c in range(k):
        off = off + absolute(counts[c] / float(n) - of[3 * k + c])
    return off * 0.5


@kernel
def _off_places(s: Sampler, e: Evaluation, n: int) -> Row:
    """Kolmogorov-Smirnov distance of the fakes' places within their modes to the uniform law.

    A place is the share of the ruling mode that lies below. Of the target's own points places are uniform, whatever the
    modes; of points in the middle of their modes all are 1/2.
    """
    k, fakes, places, of = s.n_components, tiles(e.fakes), tiles(e.places), rows(e.modes)
    for t in range(n // T):
        below, place = target_cdf(s, fakes[t]), fakes[t] * 0.0
        for j in range(2 * k):
            place = where_greater(fakes[t], of[5 * k + j], (below - of[9 * k + j]) * of[11 * k + j], place)
        places[t] = minimum(1.0, maximum(0.0, place))
    sort_rows(e.places, n)
    return from_uniform(rows(e.places), n)


@entry_point
def measure_modes(s: Sampler, e: Evaluation, record: Any) -> None:
    """The fields of a mixture's modes, between `measure_networks` and `measure_fakes`; sorts ``fakes``."""
    out, n = rows(record), e.fakes.shape[0]
    s = sampler.with_target(sampler.opened(s), e.target, e.table)
    sort_rows(e.fakes, n)
    _modes(s, e, n, out)
    out[_TV_MODES], out[_KS_MODES] = _off_shares(s, e, n), _off_places(s, e, n)
