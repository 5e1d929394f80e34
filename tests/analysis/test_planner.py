"""Replicates for an error, a width, a power; what n can show; which cells get more runs."""

import dataclasses
import json
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from gansim.analysis import intervals, planner, stopping
from gansim.analysis.comparisons import compare
from gansim.analysis.planner import (
    detectable_difference,
    discordant,
    mcnemar_power,
    plan,
    replicates_for_half_width,
    replicates_for_mcse,
    replicates_for_power,
    seen,
)
from gansim.analysis.shares import tabulate
from gansim.analysis.stopping import further_replicates, guarded_mcse
from gansim.design.regimes import D_STATES, G_STATES
from gansim.design.stopping import StoppingRule, fewest_replicates, wilson_half_width
from gansim.errors import ConfigError
from gansim.reporting import writing

shares = st.floats(0, 1)


# --- one share ----------------------------------------------------------------------------------


@given(st.floats(0.001, 0.4), shares)
@settings(deadline=None)
def test_the_error_is_reached_and_not_with_a_run_less(error, share):
    n = replicates_for_mcse(error, share)
    assert math.sqrt(share * (1 - share) / n) <= error * (1 + 1e-9)
    assert n == 1 or math.sqrt(share * (1 - share) / (n - 1)) > error * (1 - 1e-9)


@given(st.floats(0.001, 0.4), shares, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_the_width_is_reached_and_not_with_a_run_less(half, share, level):
    n = replicates_for_half_width(half, share, level)
    z2 = stats.norm.ppf((1 + level) / 2) ** 2
    assert wilson_half_width(share, n, z2) <= half * (1 + 1e-9)
    assert n == 1 or wilson_half_width(share, n - 1, z2) > half * (1 - 1e-9)


def test_the_width_is_that_of_the_tables():
    low, high = intervals.wilson(30, 100)
    assert wilson_half_width(0.3, 100, stats.norm.ppf(0.975) ** 2) == pytest.approx((high - low) / 2)


def test_known_numbers_of_replicates():
    # Morris, White and Crowther 2019, section 5.3: coverage of 95 % to a standard error of 0.5 %: 1,900; worst case
    # 10,000.
    assert (replicates_for_mcse(0.005, 0.95), replicates_for_mcse(0.005)) == (1900, 10_000)
    assert (replicates_for_mcse(0.01, 0), replicates_for_mcse(0.01, 1)) == (1, 1)


# --- McNemar -------------------------------------------------------------------------------------


def power_by_enumeration(n, only_a, only_b, alpha):
    """Sum over every table of n pairs, each tested as the tables test it."""
    total = 0.0
    law = stats.multinomial(n, [only_a, only_b, 1 - only_a - only_b])
    for a in range(n + 1):
        for b in range(n + 1 - a):
            p = stats.binomtest(a, a + b, 0.5).pvalue if a + b else 1.0
            if p <= alpha:
                total += law.pmf([a, b, n - a - b])
    return total


@pytest.mark.parametrize("n", [1, 5, 12, 30])
@pytest.mark.parametrize("kinds", [(0.3, 0.1), (0.5, 0.5), (0.02, 0.01), (1.0, 0.0), (0.7, 0.1), (0.0, 0.2)])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_power_is_the_enumerated_one(n, kinds, alpha):
    assert mcnemar_power(n, *kinds, alpha) == pytest.approx(power_by_enumeration(n, *kinds, alpha), abs=1e-10)


def test_a_p_value_of_exactly_alpha_rejects():
    assert stats.binomtest(6, 6, 0.5).pvalue == 0.03125
    assert mcnemar_power(6, 1, 0, 0.03125) == 1
    assert mcnemar_power(6, 1, 0, 0.0312) == 0


def test_power_of_many_pairs_leaves_nothing_out():
    """The sum over a part of the discordant numbers against the sum over all of them."""
    n, a, b = 3000, 0.06, 0.04
    d = np.arange(n + 1)
    k = planner._critical(d, 0.05)
    inside = np.where(k >= 0, stats.binom.cdf(k, d, a / (a + b)) + stats.binom.sf(d - k - 1, d, a / (a + b)), 0)
    assert mcnemar_power(n, a, b) == pytest.approx(np.sum(stats.binom.pmf(d, n, a + b) * inside), abs=1e-12)


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.integers(1, 3000))
@example(2e-308, 5e-324, 6)
@example(1.1e-12, 0, 10_000_000)
@settings(deadline=None, max_examples=60)
def test_the_size_of_the_test_is_kept(kind, other, n):
    assert mcnemar_power(n, kind, kind) <= 0.05
    assert 0 <= mcnemar_power(n, kind, other) <= 1


def test_the_published_example():
    """Connor 1987's formula at 0.45, 0.05, alpha 0.05, power 0.8: 23 pairs; the exact test takes a little more."""
    assert planner._connor(0.45, 0.05, 0.8, 0.05) == 23
    assert replicates_for_power(0.45, 0.05) == 25


@pytest.mark.parametrize("kinds", [(0.15, 0.05), (0.45, 0.05), (1.0, 0.0), (0.8, 0.2), (0.02, 0.01), (0.03, 0.0)])
@pytest.mark.parametrize("power", [0.5, 0.9])
def test_the_power_is_reached_and_stays(kinds, power):
    n = replicates_for_power(*kinds, power)
    assert min(mcnemar_power(m, *kinds) for m in range(n, n + 64)) >= power
    assert n == 1 or mcnemar_power(n - 1, *kinds) < power
    assert replicates_for_power(kinds[1], kinds[0], power) == n
    assert 0.85 * planner._connor(*kinds, power, 0.05) < n < 1.5 * planner._connor(*kinds, power, 0.05) + 6


@given(shares, shares, st.floats(-1, 1))
def test_discordant_shares_are_those_of_the_correlation(a, b, r):
    try:
        only_a, only_b = discordant(a, b, r)
    except ConfigError as error:
        assert "correlation" in str(error)
        return
    assert only_a >= 0 <= only_b
    assert only_a - only_b == pytest.approx(a - b, abs=1e-9)
    both = a - only_a
    assert both - a * b == pytest.approx(r * math.sqrt(a * (1 - a) * b * (1 - b)), abs=1e-9)


def test_what_can_be_detected_is_what_has_the_power():
    for n, both in ((200, 0.3), (1000, 0.2), (50, 1.0)):
        found = detectable_difference(n, both)
        assert mcnemar_power(n, (both + found) / 2, (both - found) / 2) >= 0.8
        assert mcnemar_power(n, (both + found - 1e-3) / 2, (both - found + 1e-3) / 2) < 0.8
    assert math.isnan(detectable_difference(5, 1.0))  # of 5 pairs none is significant
    assert math.isnan(detectable_difference(100, 0.02))


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b", "r"), [(0.9, 0.8, 0.6), (0.5, 0.4, 0.0), (0.2, 0.1, 0.5)])
def test_power_in_simulation(a, b, r):
    """Pairs drawn, compared by gansim.compare, and the share of significant ones."""
    rng = np.random.default_rng(1)
    only_a, only_b = discordant(a, b, r)
    n = replicates_for_power(only_a, only_b)
    kinds, trials = np.array([a - only_a, only_a, only_b, 1 - a - only_b]), 1000
    drawn = rng.choice(4, size=(trials, n), p=kinds)
    hit = np.stack([drawn <= 1, drawn % 2 == 0], axis=1)
    trial, arm, rep = (axis.ravel() for axis in np.indices(hit.shape))  # each trial is a stratum of one call
    runs = pd.DataFrame(
        {"trial": trial, "arm": arm, "rep": rep, "g_state": np.where(hit, "converged", "off target").ravel()}
    )
    found = np.sum(compare(runs, "arm", 0, 1, by="trial")["mcnemar_p"] <= 0.05)
    power = mcnemar_power(n, only_a, only_b)
    assert found / trials == pytest.approx(power, abs=4 * math.sqrt(power * (1 - power) / trials))
    assert found / trials != pytest.approx(mcnemar_power(n // 2, only_a, only_b), abs=0.1)  # another n is told apart


# --- tables ---------------------------------------------------------------------------------------


def test_a_plan_is_a_table():
    table = plan(0.01, 0.02, 0.1, share=0.6, correlation=0.3)
    assert len(table) == 5
    assert table["replicates"][0] == replicates_for_mcse(0.01, 0.6)
    assert table["replicates"][2] == replicates_for_mcse(0.01)
    assert table["replicates"][4] == replicates_for_power(*discordant(0.6, 0.5, 0.3), 0.8, 1 - 0.95)
    assert writing.markdown(table, "Plan.").count("\n") > 6
    assert len(plan(0.01)) == 1


def test_what_n_shows():
    table = seen(1000, (0.5, 0.0), correlation=0.0)
    assert table["mcse"].tolist() == [pytest.approx(0.5 / math.sqrt(1000)), 0]
    assert table["half_width"][1] == pytest.approx(intervals.wilson(0, 1000)[1] / 2)
    assert table["zero_high"][0] == pytest.approx(intervals.wilson(0, 1000)[1])
    assert table["detectable"][0] == pytest.approx(detectable_difference(1000, 0.5), abs=1e-5)
    assert math.isnan(table["detectable"][1])
    assert seen(1000, (0.5,), correlation=0.8)["detectable"][0] < table["detectable"][0] / 2


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: replicates_for_mcse(0), "mcse: value 0: a number above 1e-09, below 1"),
        (lambda: replicates_for_mcse(1e-8), "replicates: 2.5e+15 are needed: at most 10,000,000"),
        (lambda: replicates_for_mcse("0.1"), "mcse: value '0.1': a number"),
        (lambda: replicates_for_mcse(0.1, 1.5), "share: value 1.5: a number from 0 to 1"),
        (lambda: replicates_for_half_width(0.5), "half_width: value 0.5: a number"),
        (lambda: replicates_for_half_width(0.1, level=95), "level: value 95: a number above 1e-09, below 1"),
        (lambda: replicates_for_half_width(0.1, level=1e-10), "level: value 1e-10: a number above 1e-09, below 1"),
        (
            lambda: replicates_for_power(0.1, 0.05, alpha=1 - 1e-10),
            "alpha: value 0.9999999999: a number above 0, below 0.5",
        ),
        (lambda: discordant(0.9, 0.1, 0.5), "correlation: value 0.5: from -1.000 to 0.111 for shares 0.9 and 0.1"),
        (lambda: mcnemar_power(0, 0.1, 0.1), "n: value 0: an integer from 1"),
        (lambda: mcnemar_power(5, 0.6, 0.6), "only_a, only_b: values 0.6 and 0.6: at most 1 together"),
        (lambda: replicates_for_power(0.1, 0.1), "only_a, only_b: both 0.1: different"),
        (lambda: replicates_for_power(0.1, 0.2, power=0.01), "power: value 0.01: a number above 0.05, below 1"),
        (lambda: replicates_for_power(0.3, 0.3001), "only_a, only_b: values 0.3 and 0.3001: more than 10,000,000"),
        (lambda: detectable_difference(10, 0), "discordant_share: value 0: a number from 1e-09 to 1"),
        (lambda: plan(None), "plan: nothing asked for"),
        (lambda: plan(None, difference=0.7), "share - difference: value -0.19999"),
        (lambda: seen(10, (2,)), "share: value 2"),
    ],
)
def test_refusals(call, line):
    with pytest.raises(ConfigError) as caught:
        call()
    assert str(caught.value).startswith(line)


# --- adding replicates -----------------------------------------------------------------------------


def cell(number, **counts):
    """Runs of one cell: so many of each state of G, with D perfect."""
    states = [state.replace("_", " ") for state, count in counts.items() for _ in range(count)]
    d_states = ["non-finite" if state == "non-finite" else "perfect" for state in states]
    frame = pd.DataFrame({"cell": number, "g_state": states, "d_state": d_states})
    for name, levels in (("g_state", G_STATES), ("d_state", D_STATES)):
        frame[name] = pd.Categorical(frame[name], categories=levels, ordered=True)
    return frame


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_guard_is_never_below_the_tables_error(k, more):
    n = k + more
    if n:
        assert guarded_mcse(np.array([k]), np.array([n]))[0] >= intervals.mcse(k, n) - 1e-15


def test_none_of_a_few_runs_does_not_stop_a_cell():
    row = further_replicates(cell(0, converged=16), StoppingRule(0.01, 16, 10_000)).iloc[0]
    assert (row["n"], row["mcse"], row["status"], row["add"]) == (16, 0, "more", 288)  # up to 300, in batches of 16
    assert further_replicates(cell(0, converged=300), StoppingRule(0.01, 16, 10_000))["status"][0] == "reached"
    assert further_replicates(cell(0, converged=299), StoppingRule(0.01, 16, 10_000))["add"][0] == 16
    assert guarded_mcse(np.array([0]), np.array([136]))[0] <= 0.01 < guarded_mcse(np.array([0]), np.array([135]))[0]


@pytest.mark.parametrize(("target", "fewest"), [(0.01, 300), (0.025, 120), (0.02, 150), (0.07, 43), (0.4, 8)])
def test_no_cell_is_judged_before_it_has_enough_replicates(target, fewest):
    assert fewest_replicates(target) == fewest
    for k in (0, 1, 2, 3):  # what has been seen so far must not decide who goes on
        runs = cell(0, converged=fewest - 4, collapsed=k, off_target=3 - k)
        assert further_replicates(runs, StoppingRule(target, 1, 10_000))["add"][0] == 1
    full = further_replicates(cell(0, converged=200), StoppingRule(0.01, 16, 210)).iloc[0]
    assert (full["add"], full["status"]) == (0, "reached")  # no batch fits, and the error is small enough


def test_cells_get_whole_batches_as_they_need_them():
    runs = pd.concat(
        [cell(3, converged=500, off_target=500), cell(1, converged=2500, collapsed=2500), cell(2, converged=300)]
    )
    rule = StoppingRule(0.01, 64, 4000)
    table = further_replicates(runs.sample(frac=1, random_state=0), rule)
    pd.testing.assert_frame_equal(table, further_replicates(runs, rule))  # order of rows is no data
    assert table["cell"].tolist() == [1, 2, 3]
    assert table["status"].tolist() == ["reached", "reached", "more"]
    assert table["add"].tolist() == [0, 0, 16 * 64]  # 1,500 are missing, 1,000 allowed: 16 batches
    assert (table["state"][2], table["share"][2]) == ("converged", 0.5)
    # one batch at least, and nothing beyond the most
    assert further_replicates(cell(0, converged=1240, collapsed=1240), rule)["add"][0] == 64
    assert further_replicates(cell(0, converged=500, collapsed=500), StoppingRule(0.01, 64, 1200))["add"][0] == 192
    full = further_replicates(cell(0, converged=500, collapsed=500), StoppingRule(0.01, 64, 1063)).iloc[0]
    assert (full["add"], full["status"]) == (0, "full")


def test_d_counts_as_well_as_g():
    runs = cell(0, converged=3000)
    assert further_replicates(runs, StoppingRule(0.009, 64, 9000))["status"][0] == "reached"
    runs.loc[:1499, "d_state"] = "idle"
    row = further_replicates(runs, StoppingRule(0.009, 64, 9000)).iloc[0]
    assert (row["column"], row["state"], row["status"]) == ("d_state", "perfect", "more")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [((0, 64, 100), "target_mcse"), ((0.01, 0, 100), "batch"), ((0.01, 64, 0), "most"), ((0.5, 64, 9), "target_mcse")],
)
def test_stopping_refuses(arguments, line):
    with pytest.raises(ConfigError, match=line):
        further_replicates(cell(0, converged=3), StoppingRule(*arguments))
    with pytest.raises(ValueError, match="'d_state': no such column"):
        further_replicates(cell(0, converged=3).drop(columns="d_state"), StoppingRule(0.01, 64, 100))


def test_a_table_says_that_the_runs_depended_on_the_data(tmp_path):
    runs = pd.concat([cell(0, converged=500, collapsed=500), cell(1, converged=500)])
    rule = StoppingRule(0.01, 64, 1000)
    judged = further_replicates(runs, rule)
    rule = dataclasses.replace(rule, missed=int((judged["status"] != "reached").sum()))
    note = rule.note(len(judged))
    assert note.endswith("Not reached in 1 of 2 cells.")
    writing.save(tabulate(runs, ["cell"], "g_state"), tmp_path, "shares", "Shares.", [note])
    for suffix in ("md", "tex"):
        assert "depended on the data" in (tmp_path / f"shares.{suffix}").read_text(encoding="utf-8")
    for missed in (0, None):  # none did; nobody has looked yet
        assert "Not reached" not in dataclasses.replace(rule, missed=missed).note(2)


def until_done(rng, share, target, batch):
    """Add replicates as the rule says; the share found, and the numbers of runs on the way."""
    hits, path = rng.random(batch) < share, [batch]
    while True:
        runs = cell(0, converged=int(hits.sum()), off_target=int((~hits).sum()))
        row = further_replicates(runs, StoppingRule(target, batch, 10**6)).iloc[0]
        if row["status"] == "reached":
            return hits, path
        hits = np.concatenate([hits, rng.random(row["add"]) < share])
        path.append(len(hits))


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5])
def test_the_target_is_reached_in_a_few_rounds(share):
    hits, path = until_done(np.random.default_rng(0), share, 0.02, 32)
    assert intervals.mcse(hits.sum(), len(hits)) <= 0.02
    assert path[1] == 160  # 3 / target, in whole batches
    assert all(later % 32 == 0 and later <= 2 * earlier for earlier, later in pairwise(path[1:]))
    assert len(path) <= 8
    assert len(hits) <= 1.3 * max(replicates_for_mcse(0.02, share), 160)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_intervals_after_stopping_still_cover(share):
    """What the note says is computed 'as if': coverage of the Wilson interval, 400 studies a share."""
    rng = np.random.default_rng(7)
    covered = wrong = 0
    for _ in range(400):
        hits, _ = until_done(rng, share, 0.025, 32)
        low, high = intervals.wilson(hits.sum(), len(hits))
        covered += low <= share <= high
        wrong += low <= share + 0.06 <= high
    assert covered >= 0.92 * 400
    assert wrong < 0.6 * 400


def mean_found(share, target, batch, further=stopping._further):
    """Exact expectation of the share found under a rule: a sum over all ways to have k of n runs when it stops."""
    rule = StoppingRule(target, batch, 10**6)
    live, mean = {batch: stats.binom.pmf(np.arange(batch + 1), batch, share)}, 0.0
    while live:
        n = min(live)
        here, k = live.pop(n), np.arange(n + 1)
        error = np.maximum(*(guarded_mcse(x, np.full(n + 1, n)) for x in (k, n - k)))
        add = np.array([further(n, float(e), rule) for e in error])
        mean += float(np.sum((here * k / n)[add == 0]))
        for more in np.unique(add[add > 0]):
            drawn = stats.binom.pmf(np.arange(more + 1), more, share)
            later = np.convolve(np.where(add == more, here, 0.0), drawn)
            live[n + more] = live.get(n + more, 0.0) + later
    return mean


def judged_at_once(n, error, rule):
    """The rule without a fewest number of replicates."""
    target, batch = rule.target_mcse, rule.batch
    return 0 if error <= target else max(1, math.ceil(min(n * (error / target) ** 2 - n, n) / batch)) * batch


@pytest.mark.parametrize(("target", "batch"), [(0.025, 32), (0.05, 8), (0.05, 61), (0.1, 1)])
def test_shares_are_biased_as_little_as_the_note_says(target, batch):
    for share in target * np.array([0.02, 0.2, 0.8, 1.5, 2.5, 3, 3.5, 4, 5, 8]):
        off = mean_found(share, target, batch) - share
        assert -0.2 * target < off < 1e-9
        assert off > -0.08 * share
        assert mean_found(1 - share, target, batch) - (1 - share) == pytest.approx(-off, abs=1e-9)
    assert abs(mean_found(0.5, target, batch) - 0.5) < 1e-9
    rare = 0.2 * target
    assert mean_found(rare, target, batch) > 0.998 * rare


def test_the_check_finds_the_bias_of_judging_at_once():
    assert mean_found(0.005, 0.025, 32, judged_at_once) == pytest.approx(0.752 * 0.005, abs=1e-5)
    assert mean_found(0.02, 0.025, 32, judged_at_once) == pytest.approx(0.868 * 0.02, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.005, 0.08])
def test_the_bias_in_simulation(share):
    """The rule as it is called, study by study, against the exact expectation and the note's limits."""
    rng = np.random.default_rng(11)
    found = np.array([until_done(rng, share, 0.025, 32)[0].mean() for _ in range(250)])
    error = found.std() / math.sqrt(len(found))
    assert found.mean() == pytest.approx(mean_found(share, 0.025, 32), abs=3.5 * error)
    assert found.mean() > share - max(0.2 * 0.025, 0.08 * share) - 3.5 * error


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda runs: None, "runs: value None: a pandas data frame"),
        (lambda runs: runs.assign(d_state=runs["d_state"].where(runs.index > 0)), "d_state: 1 of 3 values are missing"),
        (lambda runs: runs.assign(cell=[0.0, np.nan, 0.0]), "runs: column cell: a value is missing"),
        (lambda runs: runs.assign(rep=[0, 1, 0], seed=0), "runs: seed 0, cell 0, rep 0 occurs more than once"),
    ],
)
def test_runs_that_cannot_be_judged_are_refused(spoil, line):
    with pytest.raises(ValueError, match=line):
        further_replicates(spoil(cell(0, converged=3)), StoppingRule(0.01, 64, 100))


def test_one_share_may_be_asked_about():
    pd.testing.assert_frame_equal(seen(100, 0.3), seen(100, [0.3]))
    with pytest.raises(ConfigError, match=r"^share: value 'half'"):
        seen(100, "half")
    with pytest.raises(ConfigError, match=r"^mcse: value '0.1'"):
        plan("0.1")
    with pytest.raises(ConfigError, match=r"^level: value '0.95'"):
        plan(0.1, half_width=0.1, level="0.95")


def test_a_rule_is_read_back_from_its_facts():
    rule = StoppingRule(np.float64(0.01), np.int64(64), missed=3)
    assert rule.facts() == {"target_mcse": 0.01, "batch": 64, "most_reps": 100_000, "missed": 3}
    assert json.loads(json.dumps(rule.facts())) == rule.facts()  # NumPy's numbers are no JSON
    assert StoppingRule.of(rule.facts()) == rule and StoppingRule.of({}) is StoppingRule.of(None) is None
    assert "missed" not in StoppingRule(0.01).facts()
    assert rule.same_as(StoppingRule(0.01, 64)) and not rule.same_as(StoppingRule(0.01))
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.batch = 1


def test_the_note_tells_direction_and_size():
    note = StoppingRule(0.01, 64, 10_000).note(1)
    assert "from 300 up to 10,000" in note
    assert "too low on average, and shares above 1/2 too high: by at most 0.002, and by at most 8 %" in note
    assert "from 200 up to 200" in StoppingRule(0.01, 64, 200).note(1)
