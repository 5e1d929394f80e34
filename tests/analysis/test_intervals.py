"""Intervals against scipy, hand computations and known truths: what repeats is the replicate, not the run."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from gansim.analysis.intervals import kaplan_meier, mcse, of_mean, of_share, student, two_sided, wilson
from gansim.errors import ConfigError

# Wilson and the Monte-Carlo error ---------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 7, 100, 1000])
def test_wilson_is_scipys(n, level):
    ks = np.unique(np.linspace(0, n, 9).astype(int))
    low, high = wilson(ks, n, level)
    expected = [stats.binomtest(int(k), n).proportion_ci(level, method="wilson") for k in ks]
    np.testing.assert_allclose(low, [e.low for e in expected], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(high, [e.high for e in expected], rtol=1e-12)


@pytest.mark.parametrize("n", [1, 10, 1000, 40_000])
def test_wilson_at_none_and_all(n):
    z2 = stats.norm.ppf(0.975) ** 2
    low, high = wilson([0, n], n)
    assert (low[0], high[1]) == (0, 1)  # exactly, not to rounding
    np.testing.assert_allclose([high[0], low[1]], [z2 / (n + z2), n / (n + z2)])


def test_wilson_without_trials_knows_nothing():
    assert wilson(0, 0) == (0, 1)
    assert np.isnan(mcse(0, 0))


def test_wilson_takes_any_shape():
    low, high = wilson(np.arange(6).reshape(2, 3), [[5], [10]])
    assert low.shape == high.shape == (2, 3)
    assert wilson(37, 200) == (pytest.approx(0.1373, abs=1e-4), pytest.approx(0.2446, abs=1e-4))


@given(st.integers(0, 10_000), st.data())
@settings(deadline=None)
def test_wilson_surrounds_the_share(n, data):
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert 0 <= low <= high <= 1
    assert n == 0 or low <= k / n <= high


def coverage(interval, n, p):
    """Exact probability that an interval for k of n covers p."""
    k = np.arange(n + 1)
    low, high = interval(k, n)
    return stats.binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum()


def wald(k, n):
    half = 1.96 * mcse(k, n)
    return k / n - half, k / n + half


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.9])
def test_wilson_covers_and_the_check_can_tell(p):
    assert 0.92 < coverage(wilson, 100, p) < 0.98
    if p == 0.02:
        assert coverage(wald, 100, p) < 0.9  # the usual p ± 1.96 se fails the same check


@pytest.mark.parametrize(
    ("k", "n", "line"),
    [
        (-1, 5, "k: value -1: counts, whole numbers from 0"),
        (2.5, 3, "k: value 2.5: counts"),
        ([1, 0.5], 3, "k: value 0.5: counts"),
        (np.nan, 5, "k: value nan: counts"),
        (1, np.inf, "n: value inf: counts"),
        (True, 5, "k: value True: counts"),
        ("1", 5, "k: value '1': counts"),
        (None, 5, "k: value None: counts"),
        (6, 5, "k, n: values 6 and 5: counts with 0 <= k <= n"),
        ([1, 4], [2, 3], "k, n: values 4 and 3: counts"),
    ],
)
def test_what_is_no_count_is_refused(k, n, line):
    for function in (wilson, mcse):
        with pytest.raises(ConfigError) as caught:
            function(k, n)
        assert str(caught.value).startswith(line)


def test_whole_numbers_in_floats_are_counts():
    assert wilson(3.0, np.float32(5)) == wilson(3, 5)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, np.nan, np.inf, "0.95", None, True, [0.95], 1e-10])
def test_an_impossible_level_is_refused(level):
    for function in (two_sided, lambda level: wilson(1, 2, level), lambda level: kaplan_meier([1.0], [True], level)):
        with pytest.raises(ConfigError, match=r"^level: value .*: a number above 1e-09, below 1$"):
            function(level)


def test_the_largest_level_below_one_has_an_interval():
    """Its upper tail would be taken at 1, where the normal quantile is infinite and the limits not a number."""
    almost = np.nextafter(1, 0)
    low, high = wilson(0, 1000, almost)
    assert (low, high) == (0, pytest.approx(stats.norm.isf((1 - almost) / 2) ** 2 / (1000 + two_sided(almost) ** 2)))
    assert student(4, almost) == pytest.approx(-stats.t.ppf((1 - almost) / 2, 4))


def test_mcse_is_the_spread_of_the_share():
    shares = np.random.default_rng(0).binomial(400, 0.3, 20_000) / 400
    assert mcse(120, 400) == pytest.approx(np.sqrt(0.3 * 0.7 / 400))
    assert shares.std() == pytest.approx(mcse(120, 400), rel=0.03)  # 0.5 % is the error of 20,000 draws


# Shares of runs of several cells ----------------------------------------------------------------------------------


def together(hits, level=0.95):
    """`of_share` of outcomes, (replicates, cells)."""
    replicate, cell = np.indices(hits.shape)
    return of_share(hits.ravel(), replicate.ravel(), cell.ravel(), level)


@given(st.integers(1, 400), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
@settings(deadline=None)
def test_one_run_per_replicate_has_wilsons_interval(n, data, level):
    k = data.draw(st.integers(0, n))
    hit = np.arange(n) < k
    expected = (mcse(k, n), *wilson(k, n, level))
    np.testing.assert_allclose(together(hit[:, None], level), expected, rtol=1e-12, atol=1e-15)
    spread = np.arange(n) % 3 % max(1, min(3, n))  # of several cells, none of which shares a replicate with another
    cell = np.unique(spread, return_inverse=True)[1]
    np.testing.assert_allclose(of_share(hit, np.arange(n), cell, level), expected, rtol=1e-12, atol=1e-15)


@given(st.integers(2, 300), st.data(), st.integers(2, 24))
@settings(deadline=None)
def test_cells_that_always_agree_tell_no_more_than_one(n, data, cells):
    k = data.draw(st.integers(0, n))
    hits = np.repeat((np.arange(n) < k)[:, None], cells, axis=1)
    np.testing.assert_allclose(together(hits), (mcse(k, n), *wilson(k, n)), rtol=1e-9, atol=1e-12)


@given(st.integers(1, 30), st.integers(1, 6), st.integers(0, 2**31), st.floats(0, 1))
@settings(deadline=None, max_examples=200)
def test_the_interval_holds_the_share_and_turns_round_with_it(replicates, cells, seed, p):
    rng = np.random.default_rng(seed)
    present = rng.random((replicates, cells)) < 0.7  # replicates with few runs, cells with few, any of them missing
    present[0, 0] = True
    replicate, cell = (np.unique(x, return_inverse=True)[1] for x in np.nonzero(present))
    hit = rng.random(len(cell)) < p
    found, turned = (of_share(h, replicate, cell) for h in (hit, ~hit))
    assert 0 <= found.low <= hit.mean() <= found.high <= 1
    assert found.mcse >= 0 or (np.isnan(found.mcse) and replicate.max() == 0)
    if 2 * hit.sum() != len(hit):  # at one half, which side is called the outcome may decide
        np.testing.assert_allclose(found, (turned.mcse, 1 - turned.high, 1 - turned.low), atol=1e-12)


def test_the_error_is_that_of_the_mean_over_replicates():
    rng = np.random.default_rng(4)
    hits = rng.random((50, 1)) < rng.random((1, 7)) * 0.5 + rng.random((50, 7)) * 0.5
    assert together(hits).mcse == pytest.approx(hits.mean(axis=1).std() / np.sqrt(50))


def test_exceptions_and_not_cells_decide_where_cells_are_nearly_certain():
    """8 of 24 cells always, 16 never, but for six runs: the spread is that of the exceptions."""
    hits = np.zeros((1000, 24), dtype=bool)
    hits[:, :8] = True
    hits[[3, 500, 777], [0, 4, 7]] = False
    hits[[20, 300, 900], [9, 15, 23]] = True
    found = together(hits)
    assert hits.mean() == pytest.approx(1 / 3)
    assert found.mcse == pytest.approx(np.sqrt(6) / 24_000, rel=0.01)
    assert 1 / 3 - 0.0008 < found.low < 1 / 3 - 1.9 * found.mcse
    assert 1 / 3 + 1.9 * found.mcse < found.high < 1 / 3 + 0.0008
    low, high = wilson(hits.sum(), hits.size)
    assert high - low > 8 * (found.high - found.low)  # pooled runs
    none = np.zeros((1000, 24), dtype=bool)
    none[:, :8] = True
    certain = together(none)  # no exception in 1,000 replicates: what they can rule out, and not a point
    assert certain.mcse == 0
    assert certain.low == pytest.approx(1 / 3 - wilson(0, 1000)[1] / 3)
    assert certain.high == pytest.approx(1 / 3 + 2 / 3 * wilson(0, 1000)[1])


def independent(rng, size, p):
    return rng.random((*size, len(p))) < p


def equal(rng, size, p):
    return rng.random((*size, 1)) < p


def correlated(rng, size, p):
    shared, own = rng.normal(size=(*size, 1)), rng.normal(size=(*size, len(p)))
    return special.ndtr(np.sqrt(0.5) * shared + np.sqrt(0.5) * own) < p


def pooled_wilson(hits):
    return 0.0, *wilson(hits.sum(), hits.size)


MIXTURE = np.r_[np.full(8, 0.998), np.full(16, 0.002)]  # 8 of 24 cells nearly always, 16 hardly ever
SPREAD = np.linspace(0, 1, 24)


def study(interval, draw, p, replicates, trials, seed=0):
    """Coverage of the true share by the intervals of so many studies, and their mean width in that of a normal law."""
    rng = np.random.default_rng(seed)
    hits = draw(rng, (trials, replicates), p)
    limits = np.array([interval(one)[1:] for one in hits])
    truth, spread = float(np.mean(p)), hits.mean(axis=(1, 2)).std()
    covered = np.mean((limits[:, 0] <= truth + 1e-12) & (truth - 1e-12 <= limits[:, 1]))
    return covered, np.mean(limits[:, 1] - limits[:, 0]) / (2 * 1.96 * spread)


# How outcomes are drawn, the cells' shares, replicates, and the widest interval in widths of a normal law's.
CASES = [
    (independent, np.full(24, 0.5), 30, 1.2),
    (independent, np.full(24, 0.02), 100, 1.3),
    (independent, np.full(2, 0.95), 200, 1.2),
    (independent, SPREAD, 100, 1.2),
    (equal, np.full(24, 0.5), 30, 1.1),
    (equal, np.full(3, 0.1), 100, 1.2),
    (equal, SPREAD, 100, 1.2),
    (correlated, np.full(2, 0.8), 100, 1.2),
    (correlated, np.full(24, 0.05), 300, 1.2),
    (correlated, SPREAD, 30, 1.25),
    (correlated, np.array([0.7, 0.95]), 8, 1.5),
    (independent, MIXTURE, 1000, 1.3),
    (correlated, MIXTURE, 1000, 1.3),
]


@pytest.mark.parametrize(("draw", "p", "replicates", "widest"), CASES)
def test_intervals_of_several_cells_cover_and_are_not_wasteful(draw, p, replicates, widest):
    covered, width = study(together, draw, p, replicates, 200)
    assert covered > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)
    assert width < widest


def test_wilsons_interval_of_pooled_runs_fails_the_same_check():
    for draw, p, replicates, widest in (CASES[4], CASES[8], CASES[11]):
        covered, width = study(pooled_wilson, draw, p, replicates, 200)
        assert covered < 0.8 or width > 3 * widest


@pytest.mark.slow
@pytest.mark.parametrize("draw", [independent, equal, correlated])
@pytest.mark.parametrize("replicates", [8, 30, 200, 1000])
@pytest.mark.parametrize("p", [0.5, 0.02, 0.95, "mixture", "spread"])
def test_coverage_of_intervals_of_several_cells(draw, replicates, p):
    shares = MIXTURE if p == "mixture" else SPREAD if p == "spread" else np.full(12, p)
    trials = 500 if replicates < 500 else 200
    covered, _ = study(together, draw, shares, replicates, trials, seed=replicates)
    least = 0.92 if replicates < 100 else 0.935
    if draw is equal and p != "mixture" and p != "spread":  # few shares can occur: no worse than Wilson's own interval
        least = min(least, coverage(wilson, replicates, p))
    assert covered > least - 3 * np.sqrt(0.95 * 0.05 / trials)


# Means ------------------------------------------------------------------------------------------------------------


def test_a_mean_of_one_run_per_replicate_has_students_interval():
    values = np.random.default_rng(0).normal(500, 5, 40)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    np.testing.assert_allclose(of_mean(values, np.arange(40), 0.9), (stats.sem(values), *expected), rtol=1e-12)


def test_a_mean_over_cells_has_students_interval_over_replicates():
    values = np.random.default_rng(1).normal(size=(30, 1)) + np.random.default_rng(2).normal(size=(30, 5))
    of = np.repeat(np.arange(30), 5)
    expected = stats.ttest_1samp(values.mean(axis=1), 0).confidence_interval(0.95)
    found = of_mean(values.ravel(), of)
    np.testing.assert_allclose(found, (stats.sem(values.mean(axis=1)), *expected), rtol=1e-12)
    as_if_independent = of_mean(values.ravel(), np.arange(150))
    assert as_if_independent.mcse < 0.7 * found.mcse
    assert all(np.isnan(of_mean(np.ones(5), np.zeros(5, dtype=np.int64))))
    assert all(np.isnan(of_mean(np.ones(0), np.zeros(0, dtype=np.int64))))


# Kaplan-Meier -----------------------------------------------------------------------------------------------------


def test_kaplan_meier_by_hand():
    time = [1, 2, 2, 3, 4, 5, 5, 5]
    event = [True, True, False, False, True, True, False, False]
    table = kaplan_meier(time, event)
    # (1 - 1/8), then (1 - 1/7); one censored at 2 and one at 3; (1 - 1/4), (1 - 1/3).
    assert table["step"].tolist() == [0, 1, 2, 3, 4, 5]
    assert table["at_risk"].tolist() == [8, 8, 7, 5, 4, 3]
    assert table["events"].tolist() == [0, 1, 1, 0, 1, 1]
    assert table["censored"].tolist() == [0, 0, 1, 1, 0, 2]
    survival = np.array([7 / 8, 6 / 8, 6 / 8, 9 / 16, 3 / 8])
    np.testing.assert_allclose(table["survival"], [1, *survival])
    # Greenwood's sum, by hand, on the scale log(-log S).
    greenwood = np.array(
        [1 / 56, 1 / 56 + 1 / 42, 1 / 56 + 1 / 42, 1 / 56 + 1 / 42 + 1 / 12, 1 / 56 + 1 / 42 + 1 / 12 + 1 / 6]
    )
    width = 1.959964 * np.sqrt(greenwood) / np.abs(np.log(survival))
    np.testing.assert_allclose(table["low"][1:], survival ** np.exp(width), rtol=1e-6)
    np.testing.assert_allclose(table["high"][1:], survival ** np.exp(-width), rtol=1e-6)


def test_nobody_converged():
    table = kaplan_meier(np.full(1000, 4000.0), np.zeros(1000))
    assert table["survival"].tolist() == [1, 1]
    assert table["high"].tolist() == [1, 1]
    assert table["low"].iloc[-1] == pytest.approx(wilson(1000, 1000)[0])  # not 1: a thousand runs cannot prove "never"
    assert table["censored"].sum() == 1000


def test_everybody_converged():
    table = kaplan_meier([1, 2, 3, 4], [True] * 4)
    np.testing.assert_allclose(table["survival"], [1, 0.75, 0.5, 0.25, 0])
    assert table["low"].iloc[-1] == 0
    assert 0 < table["high"].iloc[-1] <= table["high"].iloc[-2]
    at_once = kaplan_meier(np.full(1000, 100.0), np.ones(1000)).iloc[-1]
    assert (at_once["survival"], at_once["high"]) == (0, pytest.approx(wilson(0, 1000)[1]))


def test_an_event_at_step_zero_has_no_row_before_it():
    assert kaplan_meier([0, 0, 5], [True, False, False])["step"].tolist() == [0, 5]


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
@settings(deadline=None, max_examples=80)
def test_kaplan_meier_accounts_for_every_run(rows):
    time, event = np.array([t for t, _ in rows], dtype=float), np.array([e for _, e in rows])
    table = kaplan_meier(time, event)
    assert table[["events", "censored"]].to_numpy().sum() == len(rows)
    assert not table.isna().any(axis=None)
    assert ((table["low"] >= 0) & (table["low"] <= table["survival"])).all()
    assert ((table["survival"] <= table["high"]) & (table["high"] <= 1)).all()
    assert all(before >= after for before, after in pairwise(table["survival"]))
    if event.all():  # without censoring the curve is the share still waiting
        np.testing.assert_allclose(table["survival"], [(time > t).mean() for t in table["step"]], atol=1e-12)


def test_runs_that_cannot_converge_stay_at_risk():
    # Ten runs: four converge at 2, four blow up at 1. Kept at risk, the curve says 6 of 10; dropped, it would say 1/3.
    time, event = np.array([2.0] * 4 + [9] * 6), np.array([True] * 4 + [False] * 6)
    assert kaplan_meier(time, event)["survival"].iloc[-1] == pytest.approx(0.6)
    gone = np.where(np.arange(10) >= 6, 1.0, time)
    assert kaplan_meier(gone, event)["survival"].iloc[-1] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "time, event",
    [
        ([], []),
        ([1, 2], [True]),
        ([[1]], [[True]]),
        ([1, np.nan], [True, False]),
        ([-1, 1], [True, True]),
        (["1", "2"], [True, True]),
        ([True, True], [True, True]),
    ],
)
def test_kaplan_meier_refuses(time, event):
    with pytest.raises(ValueError, match=r"^time"):
        kaplan_meier(time, event)


@pytest.mark.parametrize(
    ("event", "value"),
    [([1.0, np.nan], "nan"), (["False", "False"], "'False'"), ([1, 2], "2"), ([0.5, 1], "0.5"), ([None, True], "None")],
)
def test_what_is_neither_true_nor_false_is_no_event(event, value):
    with pytest.raises(ConfigError, match=r"^event: value .*: booleans, or 0 and 1$") as caught:
        kaplan_meier([3.0, 4.0], event)
    assert value in str(caught.value)


def test_events_may_be_given_as_numbers():
    expected = kaplan_meier([3.0, 4.0], [True, False])
    for event in ([1, 0], [1.0, 0.0], np.array([True, False], dtype=object)):
        pd.testing.assert_frame_equal(kaplan_meier([3.0, 4.0], event), expected)


def test_equal_runs_of_a_replicate_tell_no_more_than_one():
    rng = np.random.default_rng(2)
    time, event = rng.integers(1, 9, 300).astype(float), rng.random(300) < 0.7
    event[time == 8] = False  # to stay off survival 0
    alone = kaplan_meier(time, event)
    five = kaplan_meier(np.tile(time, 5), np.tile(event, 5), replicate=np.tile(np.arange(300), 5))
    for name in ("survival", "low", "high"):
        np.testing.assert_allclose(five[name], alone[name], rtol=1e-12)
    taken_for_more = kaplan_meier(np.tile(time, 5), np.tile(event, 5))  # without replicates: too narrow
    width, wrong = (table["high"] - table["low"] for table in (five, taken_for_more))
    assert np.median(wrong[1:] / width[1:]) == pytest.approx(1 / np.sqrt(5), rel=0.05)
    with pytest.raises(ConfigError, match=r"^replicate: shape \(2,\)"):
        kaplan_meier(time, event, replicate=[0, 1])
    never = kaplan_meier(np.full(40, 9.0), np.zeros(40), replicate=np.tile(np.arange(10), 4))
    assert never["low"].iloc[-1] == pytest.approx(wilson(10, 10)[0])


@pytest.mark.slow
@pytest.mark.parametrize("censored", [False, True])
def test_waiting_times_of_several_cells_cover(censored):
    """Cells that share their luck: pointwise coverage of the true survival, and what ignoring replicates gives."""
    rng = np.random.default_rng(int(censored))
    covered, trials, at = np.zeros(2), 300, 6.0
    for _ in range(trials):
        luck = stats.norm.cdf(np.sqrt(0.6) * rng.normal(size=(60, 1)) + np.sqrt(0.4) * rng.normal(size=(60, 6)))
        time = np.ceil(-8 * np.log(1 - luck))
        until = rng.integers(3, 20, time.shape) if censored else np.full(time.shape, 20)
        event, time = (time <= until).ravel(), np.minimum(time, until).ravel().astype(float)
        for number, of in enumerate((np.repeat(np.arange(60), 6), None)):
            row = kaplan_meier(time, event, replicate=of).query("step <= @at").iloc[-1]
            covered[number] += row["low"] <= np.exp(-at / 8) <= row["high"]
    assert 0.91 * trials < covered[0] < 0.99 * trials  # 0.95 less three standard errors of 300 trials
    assert covered[1] < 0.8 * trials


def test_one_replicate_of_several_cells_has_no_error():
    """Its cells may all be off together; an error of 0 would say that they are not. One run has the plain error."""
    hit, replicate = np.array([True, False]), np.zeros(2, dtype=int)
    several = of_share(hit, replicate, np.array([0, 1]))
    assert np.isnan(several.mcse) and several.low < 0.1 and several.high > 0.9
    assert of_share(hit[:1], replicate[:1], replicate[:1]).mcse == 0
