"""Regimes: from the trace of a run to the words for how it ended.

A regime is what the generator G did and what the discriminator D did. Both are decided over a window, the last fifth
of a run's records, and never inside the training loop: stored traces can be labelled again under other `Thresholds`
without simulating.

What G did, first rule that holds; medians are over the window:

=============  ====================================================================================================
non-finite     a parameter or a record of the run is not finite
collapsed      to a point: the fakes' standard deviation is at most 0.1 of that of the target's narrowest mode; but not
               if all of *converged* holds and the target's own samples are as narrow
converged      Wasserstein-1 to the target, in units of its standard deviation, is at most 0.2, the Kolmogorov-Smirnov
               distance at most 0.15 and never above 0.3. For a mixture also: no mode is missing that n_eval points of
               the target show, the shares of the modes are off by at most 0.05 (total variation), and the places of
               the fakes within their modes by at most 0.25 (Kolmogorov-Smirnov)
modes dropped  some modes are captured, and fewer than the target's own samples of that size capture
off target     the rest
=============  ====================================================================================================

*The truth converges.* Every limit of *converged* is raised to what the target's own samples of n_eval points keep to,
all but one in 10,000 (`gansim.analysis.floor`), so that a generator of the target's law has that label in at least 99.9
% of runs, whatever the target and n_eval. It is not *collapsed*: 32 points that lie within 0.1 of the narrowest spread
do not happen, or, where they do, as of 999 zeros and a million, the run is near the target, too.

*Wrong laws do not.* Wasserstein-1 alone forgives points in the middle of narrow modes (two points at +-2 for N(+-2,
0.5^2): 0.19), other shares of them (0.6 and 0.4 for halves: 0.19) and the loss of a rare one (0.97 of the probability
made, 0.03 not: 0.18). The first has a distance of 1/2 within the modes, the second 0.1 between the shares, the third a
mode missing.

What D did, first rule that holds:

============  =====================================================================================================
non-finite    as above; G and D of such a run share this label
perfect       mean D at least 0.9 on real and at most 0.1 on fake
inverted      mean D at most 0.1 on real and at least 0.9 on fake
idle          mean |D - 1/2| at most 0.1 on real and on fake
mixed         the rest
============  =====================================================================================================

Of a game whose D is no probability, D's state is how it ranks held-out samples: by its AUC, the share of pairs of a
real sample and a fake whose real one has the higher output. Perfect: mean at least 0.99 over the window. Inverted: at
most 0.01. Idle: mean |AUC - 1/2| at most 0.05, or what two samples of one law keep to, all but one in 10,000; a D that
turns from perfect to inverted and back is mixed, though its mean is 1/2.

Games of two vectors have no samples: G converged if the median of its distance from where it ought to end is at most
0.1 over the window, and is off target otherwise; D is idle if the mean of its own is, and mixed otherwise.

Over the window, D's four numbers are averaged over the records, so they are means over all samples of the window. The
median was rejected: it would call a D perfect that is inverted in 4 records out of 10. With the mean, by Markov's
inequality, a perfect D has its mean on the wrong side of 1/2 in at most a fifth of the window's records, on real and
on fake alike. G's rules use the median, as one bad record among good ones is no reason to deny convergence, and guard
it by the limit of 0.3 that no record's Kolmogorov-Smirnov distance may exceed.

Comparisons are made in float32, the precision of the traces, so that a value stored at a limit counts as at the limit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gansim.analysis.floor import Floor
from gansim.design.regimes import D_STATES, G_STATES, LABELS, REGIMES, Thresholds
from gansim.errors import ConfigError, shown
from gansim.traces import Traces

__all__ = ["combine", "d_states", "final_states", "g_states", "label"]

_CONVERGED, _DROPPED, _COLLAPSED, _OFF_TARGET, _G_NONFINITE = range(5)
_PERFECT, _IDLE, _INVERTED, _MIXED, _D_NONFINITE = range(5)
# What a verdict rests on: a record with one of these missing is not finite, whatever its `finite` field says.
_ESSENTIAL = ("g_shift", "g_spread", "w1", "ks")
_OF_D = ("d_real", "d_fake", "d_real_off", "d_fake_off")  # or, in games whose D is no probability, the AUC
_LIMITED = (
    "w1",
    "ks",
    "ks_never",
    "modes",
    "modes_missed",
    "tv_modes",
    "ks_modes",
    "g_spread",
    "own_spread",
    "auc_idle",
)
Codes = NDArray[np.int8]
Measured = NDArray[np.float32]
Mask = NDArray[np.bool_]


def label(traces: Traces, floors: Floor | Sequence[Floor], thresholds: Thresholds | None = None) -> pd.DataFrame:
    """Label every run: one row per run, exactly one regime each.

    Parameters
    ----------
    traces : Traces
        The records.
    floors : Floor or sequence of Floor, shape (runs,)
        Of each run's target and n_eval, see `gansim.analysis.floor.floor_of`; one for all if they agree.
        Games of two vectors have none: ``[]``.
    thresholds : Thresholds, optional
        The definitions' numbers; by default `Thresholds()`.

    Returns
    -------
    DataFrame
        In the order of the runs, with these columns.

        - g_state, d_state, regime: ordered categoricals with the levels `G_STATES`, `D_STATES` and `REGIMES`.
        - left: whether the run is finite and not converged at the end though an earlier stretch of records, as long as
          the window, satisfied "converged". (A run that converged and then blew up is non-finite and has a
          `converged_step`.)
        - converged_step: training step of the first record of the earliest stretch, as long as the window, that
          satisfies "converged"; NaN if there is none.
        - last_step: training step at which the last such stretch could have begun, the first record of the window. A
          run without `converged_step` is right-censored here. So are non-finite runs, however early they end: they
          stay at risk without ever converging, so that one minus the survival curve is the share of *all* runs that
          converged in time. (Censoring them when they end would estimate that share as if they might still have
          converged.)
        - share_perfect, share_idle, share_inverted, share_mixed, share_nonfinite: share of all the run's records that
          D spent in each state; they add up to 1.

    Raises
    ------
    ConfigError
        If there is not one floor, or one for each run.
    """
    thresholds = thresholds or Thresholds()
    length = thresholds.window_length(traces.records)
    g_windows = _g_codes(traces, floors, thresholds, length)
    g_end, d_end = g_windows[:, -1], _d_at_end(traces, floors, thresholds)

    converged = g_windows == _CONVERGED
    ever, first = converged.any(axis=1), converged.argmax(axis=1)
    row = np.arange(len(traces))
    converged_step = np.where(ever, traces.steps[row, first].astype(np.float64), np.nan)
    left = ever & (g_end != _CONVERGED) & (g_end != _G_NONFINITE)

    by_record = d_states(traces, floors, thresholds)
    shares = {name: (by_record == code).mean(axis=1) for code, name in enumerate(LABELS[6:])}
    columns = {
        "g_state": _categorical(g_end, G_STATES),
        "d_state": _categorical(d_end, D_STATES),
        "regime": _categorical(combine(g_end, d_end), REGIMES),
        "left": left,
        "converged_step": converged_step,
        "last_step": traces.steps[:, -length].astype(np.int64),
    }
    return pd.DataFrame({**columns, **shares})


def final_states(
    traces: Traces, floors: Floor | Sequence[Floor], thresholds: Thresholds | None = None
) -> tuple[Codes, Codes]:
    """Return the codes of G's and D's states over the window, without the rest of `label`.

    Much faster than `label`, which must look at every stretch of a run to tell when it converged.

    Parameters
    ----------
    traces, floors, thresholds
        As in `label`.

    Returns
    -------
    g, d : ndarray of int8, shape (runs,)
        Positions in `G_STATES` and `D_STATES`.
    """
    thresholds = thresholds or Thresholds()
    length = thresholds.window_length(traces.records)
    return _g_codes(traces, floors, thresholds, length, last_only=True)[:, 0], _d_at_end(traces, floors, thresholds)


def g_states(traces: Traces, floors: Floor | Sequence[Floor], thresholds: Thresholds | None = None) -> Codes:
    """Return what G does at each record, taken by itself: the rules of `label` with a window of one record.

    Parameters
    ----------
    traces, floors, thresholds
        As in `label`.

    Returns
    -------
    ndarray of int8, shape (runs, records)
        Positions in `G_STATES`. Non-finite from a run's first record that is not finite.
    """
    return _g_codes(traces, floors, thresholds or Thresholds(), 1)


def d_states(traces: Traces, floors: Floor | Sequence[Floor], thresholds: Thresholds | None = None) -> Codes:
    """Return what D does at each record, taken by itself.

    Parameters
    ----------
    traces, floors, thresholds
        As in `label`.

    Returns
    -------
    ndarray of int8, shape (runs, records)
        Positions in `D_STATES`. Non-finite from a run's first record that is not finite.
    """
    if _is_of_vectors(traces):
        return _d_by_distance(traces["d_off"], _finite_so_far(traces), thresholds or Thresholds())
    fields = {name: traces[name] for name in (*_OF_D, "auc")} | {"auc_off": _auc_off(traces)}
    return _d_codes(traces, fields, ~_finite_so_far(traces), floors, thresholds or Thresholds(), 1)


def combine(g: ArrayLike, d: ArrayLike) -> Codes:
    """Return the codes of the regimes, from the codes of G's and D's states.

    Parameters
    ----------
    g, d : array_like of int, same shape
        Positions in `G_STATES` and `D_STATES`.

    Returns
    -------
    ndarray of int8, same shape
        Positions in `REGIMES`; non-finite where either is.
    """
    g_code, d_code = np.asarray(g), np.asarray(d)
    pairs = g_code * (len(D_STATES) - 1) + d_code
    nonfinite = (g_code == _G_NONFINITE) | (d_code == _D_NONFINITE)
    return np.where(nonfinite, len(REGIMES) - 1, pairs).astype(np.int8)


def _g_codes(
    traces: Traces, floors: Floor | Sequence[Floor], thresholds: Thresholds, length: int, last_only: bool = False
) -> Codes:
    """States of G over every stretch of `length` records, (runs, records - length + 1), or over the last, (runs, 1)."""
    start = traces.records - length if last_only else 0
    finite = _finite_so_far(traces)[:, start:]
    if _is_of_vectors(traces):
        off = np.where(finite, traces["g_off"][:, start:], np.inf)
        near = _median_at_most(off, np.float32(thresholds.off), length)
        code = np.where(near, np.int8(_CONVERGED), np.int8(_OFF_TARGET))
        code[~finite[:, length - 1 :]] = _G_NONFINITE
        return code
    limits = _limits(floors, thresholds, length, len(traces))

    def kept(field: str, runs: NDArray[np.intp] | slice = slice(None), sign: int = 1, limit: str = "") -> Mask:
        """Whether the median of a field keeps to its limit, or another one; with a sign of -1, from above."""
        values = np.where(finite[runs], sign * traces[field][runs, start:], np.inf)
        return _median_at_most(values, _as_limits(sign * limits[limit or field][runs]), length)

    ks = np.where(finite, traces["ks"][:, start:], np.inf)
    converged = kept("w1") & kept("ks") & (_count_at_most(ks, _as_limits(limits["ks_never"]), length) == length)
    dropped = np.zeros_like(converged)
    mixtures = np.flatnonzero(traces.n_modes > 1)
    if mixtures.size:
        enough = kept("modes_missed", mixtures) & kept("modes", mixtures, -1)
        converged[mixtures] &= enough & kept("tv_modes", mixtures) & kept("ks_modes", mixtures)
        none = np.where(finite[mixtures], traces["modes"][mixtures, start:], np.inf)
        dropped[mixtures] = ~enough & ~_median_at_most(none, np.float32(0), length)

    code = np.where(dropped, np.int8(_DROPPED), np.int8(_OFF_TARGET))
    code[converged] = _CONVERGED
    narrow = kept("g_spread")
    both = np.flatnonzero((narrow & converged).any(axis=1))
    if both.size:
        narrow[both] &= ~converged[both] | kept("g_spread", both, limit="own_spread")
    code[narrow] = _COLLAPSED
    code[~finite[:, length - 1 :]] = _G_NONFINITE  # once not finite, never again: the stretch's last record tells
    return code


def _limits(
    floors: Floor | Sequence[Floor], thresholds: Thresholds, length: int, runs: int
) -> dict[str, NDArray[np.float64]]:
    """Limit of each field for every run: the threshold, or the target's own floor where that is farther out."""
    if not isinstance(floors, Floor) and not np.iterable(floors):
        raise ConfigError(f"floors: value {shown(floors)}: a Floor, or one for each of the {runs} runs")
    listed = [floors] * runs if isinstance(floors, Floor) else list(floors)
    if len(listed) != runs:
        raise ConfigError(f"floors: {len(listed)}: one, or one for each of the {runs} runs")
    if other := [floor for floor in listed if not isinstance(floor, Floor)]:
        raise ConfigError(f"floors: value {shown(other[0])}: a Floor, which floor_of gives")
    rows = {floor: _limits_of(floor, thresholds, length) for floor in dict.fromkeys(listed)}
    return {name: np.array([rows[floor][name] for floor in listed], dtype=np.float64) for name in _LIMITED}


def _limits_of(floor: Floor, thresholds: Thresholds, length: int) -> dict[str, float]:
    own = floor.limits(length)
    return {
        "w1": max(thresholds.w1, own.w1),
        "ks": max(thresholds.ks, own.ks),
        "ks_never": max(thresholds.ks_never, own.ks_never),
        "modes": own.modes,
        "modes_missed": 0.0,
        "tv_modes": max(thresholds.tv_modes, own.tv_modes),
        "ks_modes": max(thresholds.ks_modes, own.ks),
        "g_spread": thresholds.spread * floor.modes.narrowest,
        "own_spread": own.spread,
        "auc_idle": max(thresholds.auc_idle, own.auc),
    }


def _d_at_end(traces: Traces, floors: Floor | Sequence[Floor], thresholds: Thresholds) -> Codes:
    """States of D over the window, (runs,)."""
    length = thresholds.window_length(traces.records)

    def mean(values: Measured) -> Measured:
        # In float64 the sum of equal float32 numbers is exact, so the mean of values at a limit is at the limit.
        exact: NDArray[np.float64] = np.mean(values[:, -length:], axis=1, dtype=np.float64)
        return exact.astype(np.float32)[:, None]

    finite = _finite_so_far(traces)[:, -1:]
    if _is_of_vectors(traces):
        return _d_by_distance(mean(traces["d_off"]), finite, thresholds)[:, 0]
    fields = {name: mean(traces[name]) for name in (*_OF_D, "auc")} | {"auc_off": mean(_auc_off(traces))}
    return _d_codes(traces, fields, ~finite, floors, thresholds, length)[:, 0]


def _d_codes(
    traces: Traces,
    fields: dict[str, Measured],
    nonfinite: Mask,
    floors: Floor | Sequence[Floor],
    thresholds: Thresholds,
    length: int,
) -> Codes:
    """States of D from what is measured of it, means over `length` records, all of one shape (runs, anything)."""
    real, fake, real_off, fake_off, auc, auc_off = fields.values()
    high, low = np.float32(thresholds.perfect_hi), np.float32(thresholds.perfect_lo)
    idle = (real_off <= np.float32(thresholds.idle)) & (fake_off <= np.float32(thresholds.idle))
    code = np.where(idle, np.int8(_IDLE), np.int8(_MIXED))
    code[(real <= low) & (fake >= high)] = _INVERTED
    code[(real >= high) & (fake <= low)] = _PERFECT
    ranked = np.flatnonzero(_is_ranked(traces))
    if ranked.size:
        limits = _limits(floors, thresholds, length, len(traces))["auc_idle"][ranked]
        code[ranked] = _d_by_ranking(auc[ranked], auc_off[ranked] <= _as_limits(limits), thresholds)
    code[nonfinite] = _D_NONFINITE
    return code


def _auc_off(traces: Traces) -> Measured:
    """How far each record's AUC is from 1/2; of what is stored as 0.55 that is 0.05, and not 1e-8 more."""
    return np.round(np.abs(traces["auc"].astype(np.float64) - 0.5), 6).astype(np.float32)


def _d_by_ranking(auc: Measured, idle: Mask, thresholds: Thresholds) -> Codes:
    """States of a D that is no probability."""
    code = np.where(idle, np.int8(_IDLE), np.int8(_MIXED))
    code[auc <= np.float32(1 - thresholds.auc_perfect)] = _INVERTED
    code[auc >= np.float32(thresholds.auc_perfect)] = _PERFECT
    return code


def _is_of_vectors(traces: Traces) -> bool:
    """Whether the runs are games of two vectors, which are known by how far they are from where they ought to end."""
    return "g_off" in traces.fields


def _d_by_distance(off: Measured, finite: Mask, thresholds: Thresholds) -> Codes:
    """States of a D that has parameters and no samples."""
    code = np.where(off <= np.float32(thresholds.off), np.int8(_IDLE), np.int8(_MIXED))
    code[~finite] = _D_NONFINITE
    return code


def _is_ranked(traces: Traces) -> Mask:
    """Of which runs D is no probability, (runs,): nothing is ever measured of one."""
    return np.asarray(np.isnan([traces[name] for name in _OF_D]).all(axis=(0, 2)))


def _finite_so_far(traces: Traces) -> Mask:
    """Whether each record and all before it are finite, (runs, records)."""
    if _is_of_vectors(traces):
        return np.logical_and.accumulate(traces["finite"] == 1, axis=1)  # where no end is known, nothing is off
    finite, known = traces["finite"] == 1, np.isfinite(traces["auc"]) & _is_ranked(traces)[:, None]
    for name in _ESSENTIAL:
        finite &= np.isfinite(traces[name])
    for name in _OF_D:
        finite &= np.isfinite(traces[name]) | known
    return np.logical_and.accumulate(finite, axis=1)


def _as_limits(limits: NDArray[np.floating]) -> Measured:
    """Round limits to the precision of the traces only once they are computed: float32(0.1) * 9 is not float32(0.9)."""
    return limits.astype(np.float32)[:, None]


def _count_at_most(values: Measured, limit: Measured | np.float32, length: int) -> NDArray[np.int32]:
    """How many of each stretch of `length` neighbours along the last axis are at most `limit`."""
    running = np.cumsum(values <= limit, axis=1, dtype=np.int32)
    counts = running[:, length - 1 :].copy()
    counts[:, 1:] -= running[:, :-length]
    return counts


def _median_at_most(values: Measured, limit: Measured | np.float32, length: int) -> Mask:
    """Whether the median of each stretch of `length` neighbours is at most `limit`, (runs, records - length + 1).

    Counting the members within the limit decides all but the even stretches split into halves, whose median is the
    mean of the largest member within and the smallest beyond. Over all stretches of 10 in 40,000 x 50 records this
    takes 0.10 s; `numpy.median` of the overlapping stretches takes 0.39 s, and a copy of them all, 10 times the
    memory.
    """
    within = _count_at_most(values, limit, length)
    at_most = within > length // 2
    split_run, split_start = np.nonzero(2 * within == length)
    if split_run.size:
        members = values[split_run[:, None], split_start[:, None] + np.arange(length)]
        limits = np.broadcast_to(limit, values.shape)[split_run, :1]
        below = np.where(members <= limits, members, -np.inf).max(axis=1)
        above = np.where(members > limits, members, np.inf).min(axis=1)
        with np.errstate(invalid="ignore"):  # the mean of -inf and inf is no number, and not at most anything
            at_most[split_run, split_start] = (below + above) / 2 <= limits[:, 0]
    return at_most


def _categorical(codes: Codes, levels: Sequence[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes, categories=pd.Index(levels), ordered=True)
