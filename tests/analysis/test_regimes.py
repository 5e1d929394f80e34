"""The labeller on hand-made traces: every state, every limit, every way to be fooled."""

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gansim.analysis import labels
from gansim.analysis.floor import floor_of
from gansim.analysis.labels import label
from gansim.design.regimes import D_STATES, G_STATES, LABELS, REGIMES, Thresholds, vary
from gansim.model.data.distributions import Mixture, Normal
from gansim.traces import FIELDS, Traces

RECORDS = 20  # the window is 4 records
FLOORS = {
    1: floor_of(Normal(500, 5), 1024),
    2: floor_of(Mixture((-2, 2), 0.5), 1024),
    8: floor_of(Mixture(tuple(range(8)), 0.05), 1024),
}  # by the number of modes

# What each state looks like at every record of a run.
G_LOOKS = {
    "converged": {"g_shift": 0, "g_spread": 0.9, "w1": 0.1, "ks": 0.05},
    "modes dropped": {"g_shift": 1, "g_spread": 0.5, "w1": 0.5, "ks": 0.4, "modes": 1, "modes_missed": 1},
    "off target": {"g_shift": -20, "g_spread": 0.9, "w1": 20, "ks": 1},
    "collapsed": {"g_shift": 0, "g_spread": 0.01, "w1": 0.8, "ks": 0.5},
    "non-finite": dict.fromkeys(FIELDS, np.nan) | {"finite": 0},
}
WITHIN = {"modes": 2, "modes_missed": 0, "tv_modes": 0.02, "ks_modes": 0.1}  # what a mixture of two has beside
D_LOOKS = {
    "perfect": {"d_real": 0.97, "d_fake": 0.03, "d_real_off": 0.47, "d_fake_off": 0.47},
    "idle": {"d_real": 0.51, "d_fake": 0.49, "d_real_off": 0.02, "d_fake_off": 0.02},
    "inverted": {"d_real": 0.03, "d_fake": 0.97, "d_real_off": 0.47, "d_fake_off": 0.47},
    "mixed": {"d_real": 0.7, "d_fake": 0.3, "d_real_off": 0.25, "d_fake_off": 0.25},
    "non-finite": dict.fromkeys(FIELDS, np.nan) | {"finite": 0},
}


def run(g="converged", d="idle", records=RECORDS, **fields):
    """Return the values of one run, (records, fields): a look for G and D, some fields replaced by other values."""
    values = np.full((records, len(FIELDS)), np.nan, dtype=np.float32)
    for name, value in ({"finite": 1} | WITHIN | D_LOOKS[d] | G_LOOKS[g] | fields).items():
        values[:, FIELDS.index(name)] = value
    return values


def traces_of(*runs, n_modes=2):
    values = np.stack(runs)
    steps = np.tile(100 * np.arange(1, values.shape[1] + 1), (len(runs), 1))
    return Traces(steps, values, np.full(len(runs), n_modes))


def label_one(values, thresholds=None, n_modes=2):
    return label(traces_of(values, n_modes=n_modes), FLOORS[n_modes], thresholds).squeeze()


def series(*pieces):
    """Join (value, times) pieces into the values of a run's records."""
    return np.concatenate([np.full(times, value, dtype=np.float64) for value, times in pieces])


def near(*pieces):
    """Distances of a run that is near the target, or not, for so many records each."""
    return {
        "w1": series(*((0.1 if one else 20, n) for one, n in pieces)),
        "ks": series(*((0.1 if one else 1, n) for one, n in pieces)),
    }


# Every state ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g, d", list(product(G_STATES[:-1], D_STATES[:-1])))
def test_every_pair_of_looks_gets_its_regime(g, d):
    verdict = label_one(run(g, d))
    assert (verdict["g_state"], verdict["d_state"], verdict["regime"]) == (g, d, f"{g}, {d}")


def test_non_finite_is_one_regime():
    verdict = label_one(run("non-finite", "non-finite"))
    assert verdict[["g_state", "d_state", "regime"]].tolist() == ["non-finite"] * 3
    assert verdict["share_nonfinite"] == 1


def test_levels_are_complete_and_ordered():
    frame = label(traces_of(run()), FLOORS[2])
    assert tuple(frame.columns) == LABELS
    for column, levels in (("g_state", G_STATES), ("d_state", D_STATES), ("regime", REGIMES)):
        assert frame[column].cat.ordered
        assert tuple(frame[column].cat.categories) == levels
    assert len(REGIMES) == len(set(REGIMES)) == 4 * 4 + 1


def test_runs_do_not_influence_each_other():
    looks = [run(g, d) for g, d in product(G_STATES, D_STATES)]
    together = label(traces_of(*looks), FLOORS[2])
    for row, values in enumerate(looks):
        assert together.iloc[row].equals(label_one(values).rename(row))


# D by ranking -----------------------------------------------------------------------------------------------------

UNKNOWN = dict.fromkeys(["d_real", "d_fake", "d_real_off", "d_fake_off"], np.nan)
RANKS = {"perfect": 0.995, "idle": 0.52, "inverted": 0.005, "mixed": 0.8}


@pytest.mark.parametrize("d", RANKS)
@pytest.mark.parametrize("g", G_STATES[:-1])
def test_a_d_that_is_no_probability_is_known_by_how_it_ranks(g, d):
    verdict = label_one(run(g, **UNKNOWN, auc=RANKS[d]))
    assert verdict["regime"] == f"{g}, {d}" and verdict[f"share_{d}"] == 1


@pytest.mark.parametrize(
    ("auc", "state"),
    [(0.99, "perfect"), (0.9899, "mixed"), (0.01, "inverted"), (0.0101, "mixed"), (0.55, "idle"), (0.45, "idle"),
     (0.5501, "mixed"), (0.4499, "mixed"), (0.5, "idle"), (1, "perfect"), (0, "inverted")],
)  # fmt: skip
def test_limits_of_the_ranking_belong_to_the_state(auc, state):
    assert label_one(run(**UNKNOWN, auc=auc))["d_state"] == state


def test_a_d_that_turns_over_and_over_is_not_idle_though_its_mean_is_a_half():
    turning = np.where(np.arange(RECORDS) % 2, 0.995, 0.005)
    verdict = label_one(run(**UNKNOWN, auc=turning))
    assert (verdict["d_state"], verdict["share_perfect"], verdict["share_inverted"]) == ("mixed", 0.5, 0.5)


def test_ranking_decides_nothing_where_d_is_a_probability_and_its_limits_move():
    assert label_one(run(d="perfect", auc=0.5))["d_state"] == "perfect"
    assert label_one(run(d="perfect", auc=np.nan))["d_state"] == "perfect"
    assert label_one(run(**UNKNOWN, auc=0.95), Thresholds(auc_perfect=0.95))["d_state"] == "perfect"
    assert label_one(run(**UNKNOWN, auc=0.05), Thresholds(auc_perfect=0.95))["d_state"] == "inverted"
    assert label_one(run(**UNKNOWN, auc=0.6), Thresholds(auc_idle=0.1))["d_state"] == "idle"


def test_a_ranking_that_is_missing_once_is_not_finite():
    auc = np.full(RECORDS, 0.5)
    auc[3] = np.nan
    assert label_one(run(**UNKNOWN, auc=auc))["regime"] == "non-finite"
    assert label_one(run(**UNKNOWN, auc=0.5, finite=series((1, 10), (0, 10))))["regime"] == "non-finite"


def test_runs_of_both_kinds_are_labelled_side_by_side():
    both = [run(d="mixed"), run(**UNKNOWN, auc=0.995), run(d="inverted"), run(**UNKNOWN, auc=0.5)]
    assert label(traces_of(*both), FLOORS[2])["d_state"].tolist() == ["mixed", "perfect", "inverted", "idle"]


# The checker itself -----------------------------------------------------------------------------------------------


def tells_all_looks_apart():
    return all(label_one(run(g)).g_state == g for g in G_STATES) and all(
        label_one(run("off target", d)).d_state == d for d in D_STATES[:-1]
    )


def test_the_checker_accepts_the_labeller():
    assert tells_all_looks_apart()


@pytest.mark.parametrize(
    "name, broken",
    [
        ("_CONVERGED", labels._COLLAPSED),  # converged runs come out as collapsed
        ("_COLLAPSED", labels._CONVERGED),  # and collapsed ones as converged
        ("_DROPPED", labels._OFF_TARGET),
        ("_G_NONFINITE", labels._OFF_TARGET),
        ("_INVERTED", labels._PERFECT),
        ("_median_at_most", lambda values, limit, length: np.ones((len(values), values.shape[1] - length + 1), bool)),
        ("_finite_so_far", lambda traces: np.ones(traces.steps.shape, bool)),
    ],
)
def test_the_checker_rejects_a_broken_labeller(monkeypatch, name, broken):
    monkeypatch.setattr(labels, name, broken)
    assert not tells_all_looks_apart()


@pytest.mark.parametrize("w1", [0.0, 0.1, 0.2])
def test_a_collapsed_run_is_not_converged_however_near(w1):
    assert label_one(run("collapsed", w1=w1))["g_state"] == "collapsed"
    assert label_one(run("collapsed", w1=w1, ks=0.1, g_spread=1))["g_state"] == "converged"


# The window -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "records, window, length",
    [(1, 0.2, 1), (2, 0.2, 1), (5, 0.2, 1), (8, 0.2, 2), (20, 0.2, 4), (50, 0.2, 10), (7, 1, 7)],
)
def test_window_length(records, window, length):
    assert Thresholds(window=window).window_length(records) == length


def test_only_the_window_decides():
    before = run(
        **near((False, 16), (True, 4)),
        **{k: series((v, 16), (D_LOOKS["idle"][k], 4)) for k, v in D_LOOKS["perfect"].items()},
    )
    assert label_one(before)["regime"] == "converged, idle"
    # One record less and the median over the window is off.
    late = run(**near((False, 18), (True, 2)))
    assert label_one(late)["g_state"] == "off target"


def test_one_record_only():
    for g in G_STATES:
        verdict = label_one(run(g, records=1))
        assert verdict["g_state"] == g
        assert verdict["last_step"] == 100
        assert not verdict["left"]
    assert label_one(run(records=1))["converged_step"] == 100
    assert np.isnan(label_one(run("off target", records=1))["converged_step"])


def test_a_spike_in_the_window_denies_convergence_only_above_the_limit():
    assert label_one(run(ks=series((0.1, 17), (0.29, 1), (0.1, 2))))["g_state"] == "converged"
    assert label_one(run(ks=series((0.1, 17), (0.31, 1), (0.1, 2))))["g_state"] == "off target"


def test_a_spike_before_the_window_is_forgiven():
    verdict = label_one(run(**near((True, 15), (False, 1), (True, 4))))
    assert (verdict["g_state"], verdict["converged_step"], verdict["left"]) == ("converged", 100, False)


def test_one_lucky_record_is_not_convergence():
    verdict = label_one(run("off target", w1=series((20, 19), (0.05, 1))))
    assert verdict["g_state"] == "off target"
    assert np.isnan(verdict["converged_step"])


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, np.inf]), min_size=1, max_size=12),
    st.integers(1, 12),
    st.sampled_from([0.1, 0.2, 0.25]),
)
@settings(deadline=None)
def test_median_by_counting_is_numpys_median(values, length, limit):
    length = min(length, len(values))
    row = np.array([values], dtype=np.float32)
    stretches = np.lib.stride_tricks.sliding_window_view(row, length, axis=1)
    expected = np.median(stretches, axis=-1) <= np.float32(limit)
    np.testing.assert_array_equal(labels._median_at_most(row, np.float32(limit), length), expected)


# Limits -----------------------------------------------------------------------------------------------------------

JUST_ABOVE = 1 + 1e-6


@pytest.mark.parametrize(
    "fields, at, beyond",
    [
        ({"w1": 0.2}, "converged", "off target"),
        ({"ks": 0.15}, "converged", "off target"),
        ({"ks": series((0.1, 19), (0.3, 1))}, "converged", "off target"),
        ({"tv_modes": 0.05}, "converged", "off target"),
        ({"ks_modes": 0.25}, "converged", "off target"),
        ({"w1": 0.8, "g_spread": 0.1 * FLOORS[2].modes.narrowest}, "collapsed", "off target"),
    ],
)
def test_g_at_a_limit_counts_as_within(fields, at, beyond):
    assert label_one(run(**fields))["g_state"] == at
    assert (
        label_one(run(**{name: JUST_ABOVE * np.asarray(value) for name, value in fields.items()}))["g_state"] == beyond
    )


@pytest.mark.parametrize("spread", [0.01, 0.1, 0.3, 0.7])
def test_the_spread_limit_is_that_of_the_narrowest_mode(spread):
    """Modes of 1 and of 0.25 data units: their spread, not that of the whole, tells a point from a mode."""
    target, thresholds = Mixture((0, 30), (1, 0.25)), Thresholds(spread=spread)
    limit = np.float32(spread * 0.25 / np.sqrt(15**2 + (1 + 0.25**2) / 2))
    found = [
        label(traces_of(run("off target", g_spread=value)), floor_of(target, 64), thresholds)["g_state"].item()
        for value in (limit, np.nextafter(limit, np.float32(1)))
    ]
    assert found == ["collapsed", "off target"]


@pytest.mark.parametrize(
    "fields, at, beyond",
    [
        ({"d_real": 0.9, "d_fake": 0.05}, "perfect", {"d_real": 0.899}),
        ({"d_real": 0.95, "d_fake": 0.1}, "perfect", {"d_fake": 0.101}),
        ({"d_real": 0.1, "d_fake": 0.95}, "inverted", {"d_real": 0.101}),
        ({"d_real": 0.05, "d_fake": 0.9}, "inverted", {"d_fake": 0.899}),
        ({"d_real_off": 0.1, "d_fake_off": 0.05}, "idle", {"d_real_off": 0.101}),
        ({"d_real_off": 0.05, "d_fake_off": 0.1}, "idle", {"d_fake_off": 0.101}),
    ],
)
@pytest.mark.parametrize("records", [1, 15, 35, 50])
def test_d_at_a_limit_counts_as_within(fields, at, beyond, records):
    assert label_one(run(d="mixed", records=records, **fields))["d_state"] == at
    assert label_one(run(d="mixed", records=records, **(fields | beyond)))["d_state"] == "mixed"


def test_a_d_that_swings_around_one_half_is_not_idle():
    swinging = {"d_real": 0.5, "d_fake": 0.5, "d_real_off": 0.4, "d_fake_off": 0.4}
    assert label_one(run(d="mixed", **swinging))["d_state"] == "mixed"


def test_d_is_averaged_over_the_window():
    mostly = {k: series((0, 15), (v, 3), (D_LOOKS["inverted"][k], 2)) for k, v in D_LOOKS["perfect"].items()}
    assert (
        label_one(run(**mostly))["d_state"] == "mixed"
    )  # the window: perfect 2 of 4; a median over 5 would say perfect
    once = {k: series((v, 19), (0.9 * v, 1)) for k, v in D_LOOKS["perfect"].items()}
    assert label_one(run(**once))["d_state"] == "perfect"


# Mixtures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "modes, missed, expected",
    [
        (8, 0, "converged"),
        (7, 1, "modes dropped"),
        (7, 0, "modes dropped"),
        (1, 7, "modes dropped"),
        (0, 8, "off target"),
    ],
)
def test_a_mixture_without_some_of_its_modes_has_dropped_them(modes, missed, expected):
    """Of eight equal modes 1,024 points show all. A run that captures none has not dropped some."""
    assert label_one(run(modes=modes, modes_missed=missed), n_modes=8)["g_state"] == expected


def test_modes_that_few_points_do_not_show_need_not_be_captured():
    """Of 64 modes, 32 points of the target itself capture 25 on average, and once in 10,000 samples fewer than 11."""
    floor = floor_of(Mixture(tuple(range(64)), 0.05), 32)
    found = {m: label(traces_of(run(modes=m, records=1), n_modes=64), floor)["g_state"].item() for m in (10, 11, 25)}
    assert found == {10: "modes dropped", 11: "converged", 25: "converged"}


def test_a_rare_mode_is_missed_only_if_its_points_would_show_it():
    """0.3 % of 1,024 points: one sample in 22 has none of them; of 4,096 one in 220,000."""
    rare = Mixture((0, 10), 1.0, (0.997, 0.003))
    assert floor_of(rare, 1024).limits(1).modes == 1 and not floor_of(rare, 1024).modes.shown(1024)[1]
    assert floor_of(rare, 4096).limits(1).modes == 2 and floor_of(rare, 4096).modes.shown(4096)[1]


def test_modes_are_judged_by_their_median_over_the_window():
    assert label_one(run(modes=series((8, 17), (1, 1), (8, 2))), n_modes=8)["g_state"] == "converged"
    assert label_one(run(modes=series((8, 16), (1, 3), (8, 1))), n_modes=8)["g_state"] == "modes dropped"


def test_a_mixture_collapses_to_a_point_whatever_it_captures():
    assert label_one(run("collapsed", g_spread=0, modes=8), n_modes=8)["g_state"] == "collapsed"


def test_what_is_measured_of_modes_means_nothing_to_a_target_with_one():
    values = run(modes=np.nan, modes_missed=np.nan, tv_modes=np.nan, ks_modes=np.nan)
    assert label_one(values, n_modes=1)["g_state"] == "converged"
    assert label_one(run(modes=0, tv_modes=1, ks_modes=1), n_modes=1)["g_state"] == "converged"


def test_a_mixture_that_lost_its_modes_again_has_left():
    verdict = label_one(run(modes=series((8, 10), (1, 10))), n_modes=8)
    assert (verdict["g_state"], verdict["left"], verdict["converged_step"]) == ("modes dropped", True, 100)


# Having left, time to convergence ---------------------------------------------------------------------------------


def test_left():
    stayed_away = label_one(run("off target"))
    assert (stayed_away["left"], np.isnan(stayed_away["converged_step"])) == (False, True)
    left = label_one(run(**near((False, 5), (True, 4), (False, 11))))
    assert (left["g_state"], left["left"], left["converged_step"]) == ("off target", True, 600)
    came_back = label_one(run(**near((False, 5), (True, 4), (False, 5), (True, 6))))
    assert (came_back["g_state"], came_back["left"], came_back["converged_step"]) == ("converged", False, 600)
    collapsed = label_one(run(w1=series((0.1, 10), (0.8, 10)), g_spread=series((1, 10), (0, 10))))
    assert (collapsed["g_state"], collapsed["left"]) == ("collapsed", True)


def test_a_stretch_shorter_than_the_window_does_not_count():
    # Three near records of the four: the median is near, but the far one is above 0.3.
    verdict = label_one(run(**near((False, 5), (True, 3), (False, 12))))
    assert (verdict["left"], np.isnan(verdict["converged_step"])) == (False, True)


def test_converged_step_is_the_first_record_of_the_stretch():
    for late in range(RECORDS - 4 + 1):
        verdict = label_one(run(**near((False, late), (True, RECORDS - late))))
        assert verdict["converged_step"] == 100 * (late + 1)
        assert verdict["converged_step"] <= verdict["last_step"]
    assert verdict["converged_step"] == verdict["last_step"] == 1700


def test_a_run_that_converged_and_blew_up_keeps_its_step_but_has_not_left():
    blown = run()
    blown[12:] = run("non-finite", "non-finite")[12:]
    verdict = label_one(blown)
    assert (verdict["regime"], verdict["left"], verdict["converged_step"]) == ("non-finite", False, 100)
    assert verdict["last_step"] == 1700
    assert (verdict["share_idle"], verdict["share_nonfinite"]) == (12 / 20, 8 / 20)


# Non-finite -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [0, 10, 19])
def test_a_run_is_non_finite_from_the_first_bad_record_on(when):
    values = run()
    values[when:] = run("non-finite", "non-finite")[when:]
    traces = traces_of(values)
    expected = np.arange(RECORDS) >= when
    np.testing.assert_array_equal(labels.g_states(traces, FLOORS[2])[0] == G_STATES.index("non-finite"), expected)
    np.testing.assert_array_equal(labels.d_states(traces, FLOORS[2])[0] == D_STATES.index("non-finite"), expected)
    assert label_one(values)["regime"] == "non-finite"


@pytest.mark.parametrize(
    "field", ["g_shift", "g_spread", "w1", "ks", "d_real", "d_fake", "d_real_off", "d_fake_off", "finite"]
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_missing_measurement_is_not_mistaken_for_a_state(field, bad):
    values = run()
    values[3, FIELDS.index(field)] = bad  # once, long before the window, and `finite` goes on saying 1
    assert label_one(values)["regime"] == "non-finite"


def test_measurements_that_decide_nothing_may_be_missing():
    assert label_one(run(v=np.nan, v_train=np.nan, reverse_kl=np.nan))["regime"] == "converged, idle"


# States at each record --------------------------------------------------------------------------------------------


def test_states_at_each_record():
    states = ("idle", "mixed", "inverted", "perfect", "non-finite")
    values = np.concatenate([run(g, d, records=1) for g, d in zip(G_STATES, states, strict=True)])
    traces = traces_of(values)
    assert [G_STATES[code] for code in labels.g_states(traces, FLOORS[2])[0]] == list(G_STATES)
    assert [D_STATES[code] for code in labels.d_states(traces, FLOORS[2])[0]] == list(states)


def test_shares_of_records_count_what_happened():
    values = np.concatenate(
        [
            run(d="perfect", records=10),
            run(d="idle", records=5),
            run(d="inverted", records=4),
            run(d="mixed", records=1),
        ]
    )
    verdict = label_one(values)
    assert verdict[list(LABELS[6:])].tolist() == [0.5, 0.25, 0.2, 0.05, 0]


def test_combine_covers_every_pair():
    for (g, g_word), (d, d_word) in product(enumerate(G_STATES), enumerate(D_STATES)):
        word = "non-finite" if "non-finite" in (g_word, d_word) else f"{g_word}, {d_word}"
        assert REGIMES[int(labels.combine(g, d))] == word


# Any trace at all -------------------------------------------------------------------------------------------------

numbers = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.5, 0.9, 0.95, 1.0, 30.0, np.nan, np.inf])


@given(st.integers(0, 4), st.integers(1, 12), st.data())
@settings(deadline=None, max_examples=60)
def test_every_run_gets_exactly_one_regime(runs, records, data):
    size = runs * records * len(FIELDS)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    pool = np.array(data.draw(st.lists(numbers, min_size=1, max_size=8)), dtype=np.float32)
    values = rng.choice(pool, size).reshape(runs, records, len(FIELDS))
    values[..., FIELDS.index("finite")] = rng.random((runs, records)) < 0.97
    traces = Traces(np.tile(np.arange(records), (runs, 1)), values, rng.integers(1, 4, runs))
    frame = label(traces, FLOORS[2])

    assert len(frame) == runs
    assert not frame[["g_state", "d_state", "regime"]].isna().any(axis=None)
    np.testing.assert_allclose(frame[list(LABELS[6:])].sum(axis=1), 1)
    expected = np.where(
        frame["g_state"] == "non-finite",
        "non-finite",
        frame["g_state"].astype(str) + ", " + frame["d_state"].astype(str),
    )
    assert frame["regime"].tolist() == expected.tolist()
    ended = frame["g_state"] == "converged"
    assert frame.loc[ended | frame["left"], "converged_step"].notna().all()
    assert not (ended & frame["left"]).any()
    assert (frame["converged_step"].fillna(0) <= frame["last_step"]).all()
    g, d = labels.final_states(traces, FLOORS[2])
    assert frame["g_state"].cat.codes.tolist() == g.tolist()
    assert frame["d_state"].cat.codes.tolist() == d.tolist()


# Thresholds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"window": 0},
        {"window": 1.1},
        {"w1": 0},
        {"w1": np.nan},
        {"ks": 0},
        {"ks": 1.1},
        {"ks_never": 0.1},
        {"ks_never": 2},
        {"tv_modes": np.inf},
        {"ks_modes": -1},
        {"spread": -0.1},
        {"spread": 1},
        {"perfect_hi": 0.5},
        {"perfect_lo": 0.5},
        {"idle": 0.6},
        {"idle": None},
        {"w1": True},
        {"w1": "0.3"},
        {"w1": np.array(0.3)},
        {"w1": 1e60},
    ],
)
def test_impossible_thresholds_are_refused_by_name(changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"^{name}: value {re.escape(repr(changes[name]))}: a number "):
        Thresholds(**changes)


def test_thresholds_move_the_labels():
    values = run("off target", "mixed", w1=0.3, ks=0.1)
    assert label_one(values)["regime"] == "off target, mixed"
    wide = Thresholds(w1=np.float64(0.3), perfect_hi=0.7, perfect_lo=np.float64(0.3))
    assert label_one(values, wide)["regime"] == "converged, perfect"


def test_vary_moves_one_at_a_time():
    grid = vary(w1=(0.1, 0.2, 0.3), idle=(0.05,))
    assert grid == [Thresholds(), Thresholds(w1=0.1), Thresholds(w1=0.3), Thresholds(idle=0.05)]
    assert vary(Thresholds(spread=0.2), w1=[0.1]) == [Thresholds(spread=0.2), Thresholds(w1=0.1, spread=0.2)]
    with pytest.raises(ValueError, match="width"):
        vary(width=(1, 2))


@pytest.mark.parametrize("floors", [[], [FLOORS[1]], [FLOORS[1]] * 3, 3, "no", [FLOORS[1], None]])
def test_other_than_one_floor_or_one_for_each_run_are_refused(floors):
    with pytest.raises(ValueError, match=r"^floors: "):
        label(traces_of(run(), run()), floors)


def test_floors_may_come_in_any_sequence():
    found = [label(traces_of(run(), run()), kind([FLOORS[1]] * 2)) for kind in (list, tuple, pd.Series)]
    assert all(one.equals(found[0]) for one in found)


def test_each_run_is_measured_against_its_own_target():
    """Wasserstein-1 of 0.3 standard deviations: below the floor of 32 points, above that of 1,024."""
    traces = traces_of(*[run(w1=0.3, records=1)] * 2)
    found = label(traces, [floor_of(Normal(500, 5), n) for n in (32, 1024)])["g_state"]
    assert found.tolist() == ["converged", "off target"]
