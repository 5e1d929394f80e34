"""Shares, differences, means and waiting times against scipy, hand computations and known truths; their files."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gansim import tables
from gansim.design import RESERVED
from gansim.regimes import G_STATES, REGIMES, Thresholds, label, vary
from gansim.tables import compare, estimate, kaplan_meier, save, sensitivity, share_of, shares_wide, tabulate, wilson
from gansim.traces import FIELDS, Traces

# tabulate ---------------------------------------------------------------------------------------------------------


def states(words, levels=G_STATES):
    return pd.Categorical(words, categories=list(levels), ordered=True)


def four_runs():
    return pd.DataFrame(
        {
            "game": ["minimax", "minimax", "as-written", "minimax"],
            "samples": [32, 32, np.nan, 32],
            "rep": [0, 1, 0, 2],
            "g_state": states(["converged", "collapsed", "non-finite", "converged"]),
        }
    )


def test_tabulate_by_hand():
    table = tabulate(four_runs(), ["game", "samples"], "g_state")
    assert list(table.columns) == ["game", "samples", "g_state", "count", "n", "share", "mcse", "low", "high"]
    assert (
        table["game"].tolist() == ["minimax"] * 4 + ["as-written"] * 4
    )  # order of first appearance, not of the alphabet
    assert table["samples"].isna().tolist() == [False] * 4 + [True] * 4
    assert table["g_state"].tolist() == 2 * list(G_STATES)
    assert table["g_state"].cat.ordered
    assert table["count"].tolist() == [2, 0, 1, 0, 0, 0, 0, 1]
    assert table["n"].tolist() == [3] * 4 + [1] * 4
    np.testing.assert_allclose(table["share"][:4], [2 / 3, 0, 1 / 3, 0])
    np.testing.assert_allclose(table["mcse"][:4], [np.sqrt(2 / 27), 0, np.sqrt(2 / 27), 0])
    expected = stats.binomtest(2, 3).proportion_ci(method="wilson")
    np.testing.assert_allclose([table["low"][0], table["high"][0]], expected)


def test_tabulate_of_one_group_and_of_plain_columns():
    runs = four_runs().assign(left=[True, False, False, False])
    assert tabulate(runs, [], "g_state")["count"].tolist() == [2, 0, 1, 1]
    assert tabulate(runs, [], "left")[["left", "count"]].to_numpy().tolist() == [[False, 3], [True, 1]]
    assert tabulate(runs, ["game"], "rep")["rep"].tolist() == [0, 1, 2, 0, 1, 2]
    assert tabulate(runs.assign(left=False), [], "left")["count"].tolist() == [4, 0]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([1.0, 2.0, np.nan]), st.sampled_from(REGIMES)), min_size=1
    )
)
@settings(deadline=None, max_examples=50)
def test_every_run_is_counted(rows):
    runs = pd.DataFrame(rows, columns=["game", "samples", "word"])
    runs["regime"] = states(runs.pop("word"), REGIMES)
    table = tabulate(runs, ["game", "samples"])
    by_group = table.groupby(["game", "samples"], dropna=False)
    assert (by_group["count"].sum() == by_group["n"].first()).all()
    assert (by_group.size() == len(REGIMES)).all()
    assert table["count"].sum() == len(runs)
    np.testing.assert_allclose(by_group["share"].sum(), 1)
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()


def covered(truth, n=2000, groups=300):
    """Share of groups whose interval covers each of the proportions thought true, from runs drawn with known ones."""
    rng = np.random.default_rng(1)
    runs = pd.DataFrame({"cell": np.repeat(np.arange(groups), n)})
    runs["g_state"] = pd.Categorical.from_codes(rng.choice(4, len(runs), p=[0.6, 0.3, 0.09, 0.01]), list(G_STATES))
    table = tabulate(runs, ["cell"], "g_state")
    thought = np.tile(truth, groups)
    return ((table["low"] <= thought) & (thought <= table["high"])).groupby(table["g_state"], observed=True).mean()


def test_known_proportions_are_recovered():
    # 300 groups: the share covered has standard error 0.013 around 0.95.
    assert covered([0.6, 0.3, 0.09, 0.01]).between(0.91, 0.99).all()
    assert (covered([0.64, 0.26, 0.11, 0.02]) < 0.6).all()  # wrong by a few points: the same check refuses


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((["games"], "g_state"), "'games': no such column"),
        ((["game"], "regime"), "'regime': no such column"),
        ((["game", "game"], "g_state"), "'game': named twice"),
        (("game", "g_state"), "one name"),
        ((["game"], "samples"), "samples: 1 of 4 values are missing"),
        ((["n"], "g_state"), "'n': a column of the table has this name; allowed: other than count, n, share, "),
        ((["game"], "share"), "'share': a column of the table has this name"),
    ],
)
def test_tabulate_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        tabulate(four_runs().assign(n=1, share="x"), *arguments)


def test_every_column_of_a_table_is_known_to_be_one():
    """What a factor may not be called: else one column of a table would hide the other."""
    runs = counted(50, 9, 20, 4).assign(v=0.5, converged_step=1.0)
    traces, labelled = a_study()
    made = [
        sensitivity(traces, 1.0, labelled, ["game"], vary(w1=(0.1,)), "g_state"),
        kaplan_meier([1.0, 2.0], [True, False]),
        tabulate(runs, ["game"], "g_state"),
        compare(runs, "game", "minimax", "non-saturating"),
        compare(runs, "game", "minimax", "non-saturating", "v"),
        estimate(runs, ["game"], ["v"]),
    ]
    columns = {name for table in made for name in table.columns} - {"game", "g_state"}
    assert len(columns) > 25
    assert columns - RESERVED == {"a", "b"}  # refused where they are made, see below
    for name in ("a", "b", "difference", "n"):
        with pytest.raises(ValueError, match=f"^'{name}': a column of the table has this name"):
            compare(runs.assign(**{name: 1}), "game", "minimax", "non-saturating", by=[name])
    with pytest.raises(ValueError, match=r"^'missing': a column of the table has this name"):
        estimate(runs.assign(missing=1), ["missing"], ["v"])


def test_columns_of_the_runs_that_sound_like_those_of_tables_are_written_as_they_are():
    runs = four_runs().assign(share_price=0.5, step_p=0.0001)
    page = tables.markdown(tabulate(runs, ["share_price", "step_p"], "g_state"), "c")
    assert "|         0.5 | 0.0001 |" in page


def test_a_level_called_like_a_column_has_a_heading_of_its_own():
    runs = pd.DataFrame({"game": ["minimax"] * 4, "choice": ["n", "n", "game", "other"]})
    wide = shares_wide(tabulate(runs, ["game"], "choice"))
    assert list(wide.columns) == ["game", "n", "choice: game", "choice: n", "other"]
    assert wide["n"].tolist() == [4]


def test_no_runs_no_table():
    with pytest.raises(ValueError, match=r"^runs: no rows"):
        tabulate(four_runs().iloc[:0], ["game"], "g_state")


# compare ----------------------------------------------------------------------------------------------------------


def arms(a, b, **columns):
    """Runs of two games with outcomes a and b (booleans by replicate)."""
    games = ["minimax"] * len(a) + ["non-saturating"] * len(b)
    words = ["converged" if hit else "off target" for hit in (*a, *b)]
    reps = [*range(len(a)), *range(len(b))]
    runs = pd.DataFrame({"design": "main", "cell": 0, "rep": reps, "game": games, **columns})
    return runs.assign(w1=0.5, g_state=states(words))


def counted(both, only_a, only_b, neither):
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return arms(a, b)


def test_compare_by_hand():
    # 2/23 - 8/23 -+ 1.96 sqrt((10/23 - 36/529) / 23)
    row = compare(counted(1, 1, 7, 12), "game", "minimax", "non-saturating").squeeze()
    assert (row["n"], row["unpaired"], row["only_a"], row["only_b"]) == (21, 0, 1, 7)
    assert (row["share_a"], row["share_b"], row["difference"]) == (2 / 21, 8 / 21, pytest.approx(-6 / 21))
    assert row["mcse"] == pytest.approx(np.sqrt((8 / 21 - (6 / 21) ** 2) / 21))
    assert (row["low"], row["high"]) == (pytest.approx(-0.5084, abs=1e-4), pytest.approx(-0.0134, abs=1e-4))
    assert row["mcnemar_p"] == pytest.approx(2 * (1 + 8) / 2**8)


def test_compare_the_other_way_round_changes_the_sign():
    runs = counted(5, 9, 2, 4)
    there = compare(runs, "game", "minimax", "non-saturating").squeeze()
    back = compare(runs, "game", "non-saturating", "minimax").squeeze()
    assert there["difference"] == pytest.approx(-back["difference"])
    assert (there["low"], there["high"]) == (pytest.approx(-back["high"]), pytest.approx(-back["low"]))
    assert there["mcnemar_p"] == back["mcnemar_p"]


def test_pairs_that_all_agree_leave_some_doubt():
    row = compare(counted(30, 0, 0, 20), "game", "minimax", "non-saturating").squeeze()
    assert (row["difference"], row["mcse"], row["mcnemar_p"]) == (0, 0, 1)
    assert -0.1 < row["low"] < 0 < row["high"] < 0.1


@given(st.tuples(*[st.integers(0, 40)] * 4).filter(any))
@settings(deadline=None, max_examples=60)
def test_the_interval_surrounds_the_difference(counts):
    row = compare(counted(*counts), "game", "minimax", "non-saturating").squeeze()
    assert -1 <= row["low"] <= row["difference"] <= row["high"] <= 1
    assert row["difference"] == pytest.approx(row["share_a"] - row["share_b"])
    assert row["low"] < row["high"]


def paired_coverage(n, only_a, only_b, shift=0.0):
    """Exact probability that the interval covers the true difference (plus a shift)."""
    law = stats.multinomial(n, [only_a, only_b, 1 - only_a - only_b])
    total = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            hits = np.zeros((n, 2), dtype=bool)
            hits[:a, 0], hits[a : a + b, 1] = True, True
            row = tables._paired(hits, 2 * n, 0.95)
            if row["low"] <= only_a - only_b + shift <= row["high"]:
                total += law.pmf([a, b, n - a - b])
    return total


def test_the_paired_interval_covers_and_the_check_can_tell():
    assert 0.94 < paired_coverage(25, 0.2, 0.1) < 0.99
    assert 0.94 < paired_coverage(25, 0.02, 0.02) <= 1
    assert paired_coverage(25, 0.2, 0.1, shift=0.4) < 0.5


def test_common_random_numbers_pay():
    rng = np.random.default_rng(0)
    luck = rng.random(500)
    shared = compare(arms(luck < 0.5, luck < 0.6), "game", "minimax", "non-saturating").squeeze()
    apart = compare(arms(luck < 0.5, rng.random(500) < 0.6), "game", "minimax", "non-saturating").squeeze()
    assert shared["mcse"] < 0.6 * apart["mcse"]
    assert apart["mcse"] == pytest.approx(np.sqrt(0.25 / 500 + 0.24 / 500), rel=0.1)  # as two independent samples


def test_pairing_is_by_replicate_and_not_by_row():
    rng = np.random.default_rng(3)
    luck = rng.random(40)
    runs = arms(luck < 0.5, luck < 0.7)
    straight = compare(runs, "game", "minimax", "non-saturating")
    shuffled = compare(runs.sample(frac=1, random_state=1), "game", "minimax", "non-saturating")
    pd.testing.assert_frame_equal(straight, shuffled)
    wrong = runs.assign(rep=np.concatenate([np.arange(40), rng.permutation(40)]))
    assert straight["only_a"][0] == 0
    assert compare(wrong, "game", "minimax", "non-saturating")["only_a"][0] > 0


def test_strata_are_the_other_factors():
    parts = [
        counted(5, 5, 0, 0).assign(cell=0, activation="tanh", lr=0.1),
        counted(5, 0, 5, 0).assign(cell=2, activation="tanh", lr=np.nan),
        counted(1, 2, 3, 4).assign(cell=4, activation="relu", lr=0.1)[:13],  # three runs lack a partner
        counted(1, 2, 3, 4)[:10].assign(cell=6, activation="elu", lr=0.1),  # minimax only: no pairs, left out
    ]
    runs = pd.concat(parts, ignore_index=True)[["design", "cell", "rep", "game", "activation", "lr", "w1", "g_state"]]
    table = compare(runs, "game", "minimax", "non-saturating")
    assert list(table.columns[:5]) == ["design", "activation", "lr", "a", "b"]
    assert table["activation"].tolist() == ["tanh", "tanh", "relu"]
    assert table["difference"].tolist() == [0.5, -0.5, pytest.approx(2 / 3)]
    assert table["n"].tolist() == [10, 10, 3]
    assert table["unpaired"].tolist() == [0, 0, 7]
    pd.testing.assert_frame_equal(
        compare(runs, "game", "minimax", "non-saturating", by=["design", "activation", "lr"]), table
    )


def test_a_level_of_missing_values_can_be_compared():
    runs = counted(3, 2, 1, 4).rename(columns={"game": "samples"}).replace({"samples": {"minimax": np.nan}})
    assert compare(runs, "samples", None, "non-saturating")["difference"][0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("game", "minimax", "hinge"), "game: 'hinge' does not occur; allowed: 'minimax', 'non-saturating'"),
        (("game", "minimax", "minimax"), "compared with itself"),
        (("activation", "tanh", "relu"), "'activation': no such column"),
        (("game", "minimax", "non-saturating", "g_state", "Converged"), "'Converged' does not occur"),
    ],
)
def test_compare_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare(counted(1, 2, 3, 4), *arguments)


def test_ambiguous_pairs_are_refused():
    runs = pd.concat([counted(1, 2, 3, 4), counted(1, 2, 3, 4)], ignore_index=True)
    with pytest.raises(ValueError, match=r"game = 'minimax': replicate 0 occurs more than once"):
        compare(runs, "game", "minimax", "non-saturating")
    runs["design"] = ["main"] * 20 + ["again"] * 20  # told apart by a factor, they are not ambiguous
    assert compare(runs, "game", "minimax", "non-saturating")["n"].tolist() == [10, 10]


def test_without_a_common_stratum_there_is_nothing_to_compare():
    runs = counted(1, 2, 3, 4)
    with pytest.raises(ValueError, match="no stratum has runs of both"):
        compare(runs.assign(design=runs["game"]), "game", "minimax", "non-saturating")


def paired_numbers(n=200, correlation=0.9, seed=5):
    """Two arms of correlated normal numbers: means 1 and 0.7, variances 1."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=n), rng.normal(size=(2, n))
    a, b = (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own[arm] for arm in (0, 1))
    return arms(a > 0, b > 0).assign(w1=np.concatenate([a + 1, b + 0.7]))


def test_numbers_are_compared_by_their_means():
    runs = paired_numbers()
    table = compare(runs, "game", "minimax", "non-saturating", "w1")
    row = table.iloc[0]
    a, b = runs["w1"].to_numpy().reshape(2, -1)
    test = stats.ttest_rel(a, b)
    interval = test.confidence_interval(0.95)
    assert (row["quantity"], row["n"], row["missing"], row["unpaired"]) == ("w1", 200, 0, 0)
    assert row["mean_difference"] == pytest.approx(row["mean_a"] - row["mean_b"])
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    assert row["mcse"] == pytest.approx((a - b).std(ddof=1) / np.sqrt(200))
    assert row["gain"] == pytest.approx((a.var(ddof=1) + b.var(ddof=1)) / (a - b).var(ddof=1))
    assert 7 < row["gain"] < 14  # 1 / (1 - correlation)
    assert "mean_difference [interval] ± MCSE" in tables.markdown(table, "x")


def test_pairs_of_which_one_is_missing_are_counted():
    runs = paired_numbers(10)
    runs.loc[[3, 14], "w1"] = np.nan
    row = compare(runs.drop(index=19), "game", "minimax", "non-saturating", "w1").squeeze()
    assert (row["n"], row["missing"], row["unpaired"]) == (7, 2, 1)
    nothing = compare(runs.assign(w1=np.nan), "game", "minimax", "non-saturating", "w1").squeeze()
    assert (nothing["n"], nothing["missing"]) == (0, 10)
    assert nothing[["mean_difference", "sd", "mcse", "low", "high", "gain"]].isna().all()


def test_a_column_of_words_needs_a_value():
    runs = paired_numbers(10).assign(left=[True, False] * 10, word="x")
    with pytest.raises(ValueError, match="word: None does not occur; allowed: 'x'"):
        compare(runs, "game", "minimax", "non-saturating", "word")
    assert compare(runs, "game", "minimax", "non-saturating", "left", True)["difference"][0] == 0


def test_two_cells_are_compared_by_number():
    runs = pd.concat(
        [counted(5, 3, 1, 1).assign(cell=np.repeat([0, 1], 10)), counted(2, 2, 2, 4).assign(cell=np.repeat([2, 3], 10))]
    ).assign(activation=["tanh"] * 20 + ["relu"] * 20)
    row = compare(runs, "cell", 0, 3).squeeze()  # they differ in two factors: neither is a stratum
    assert (row["a"], row["b"], row["n"], row["share_a"], row["share_b"]) == (0, 3, 10, 0.8, 0.4)
    with pytest.raises(ValueError, match="cell: 7 does not occur"):
        compare(runs, "cell", 0, 7)


def test_runs_of_different_seeds_are_no_pairs():
    runs = counted(1, 2, 3, 4).assign(seed=np.repeat(np.array([1, 2], dtype=np.uint64), 10))
    with pytest.raises(ValueError, match="different seeds"):
        compare(runs, "game", "minimax", "non-saturating")
    assert compare(runs.assign(seed=1), "game", "minimax", "non-saturating")["n"][0] == 10


def test_gain_is_what_independent_cells_would_cost():
    row = compare(counted(40, 5, 0, 55), "game", "minimax", "non-saturating").squeeze()
    independent = (row["share_a"] * (1 - row["share_a"]) + row["share_b"] * (1 - row["share_b"])) / 100
    assert row["gain"] == pytest.approx(independent / row["mcse"] ** 2)
    assert row["gain"] > 5
    assert np.isnan(compare(counted(5, 0, 0, 5), "game", "minimax", "non-saturating")["gain"][0])
    none = compare(arms(*np.random.default_rng(1).random((2, 20_000)) < 0.5), "game", "minimax", "non-saturating")
    assert none["gain"][0] == pytest.approx(1, abs=0.05)  # nothing shared, nothing gained


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "share_a", "share_b", "shared"), [(64, 0.9, 0.8, 0.8), (200, 0.5, 0.4, 0.5), (30, 0.2, 0.1, 0)]
)
def test_paired_intervals_cover_in_simulation(n, share_a, share_b, shared):
    """Runs whose luck is one common number with probability `shared` and two numbers otherwise."""
    rng = np.random.default_rng(n)
    covered, trials = np.zeros((2, 2), dtype=int), 1000
    for _ in range(trials):
        luck = rng.random((2, n))
        luck[1] = np.where(rng.random(n) < shared, luck[0], luck[1])
        runs = arms(luck[0] < share_a, luck[1] < share_b).assign(w1=luck.ravel() * np.repeat([2, 1], n))
        table = compare(runs, "game", "minimax", "non-saturating").iloc[0]
        means = compare(runs, "game", "minimax", "non-saturating", "w1").iloc[0]
        covered[0] += [table["low"] <= share_a - share_b + shift <= table["high"] for shift in (0, 0.25)]
        covered[1] += [means["low"] <= 0.5 + shift <= means["high"] for shift in (0, 0.25)]
    assert np.all(covered[:, 0] > 0.929 * trials)  # 0.95 less three standard errors of 1,000 trials
    assert np.all(covered[:, 1] < 0.92 * trials)  # a wrong difference is found to be wrong


# estimate ---------------------------------------------------------------------------------------------------------


def test_estimate_is_students_interval():
    values = np.random.default_rng(0).normal(500, 5, 40)
    runs = pd.DataFrame({"game": "minimax", "g_mean": values, "g_std": values / 100})
    row = estimate(runs, ["game"], ["g_mean", "g_std"]).iloc[0]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (row["quantity"], row["n"], row["missing"]) == ("g_mean", 40, 0)
    np.testing.assert_allclose([row["low"], row["high"]], expected)
    np.testing.assert_allclose([row["mean"], row["sd"]], [values.mean(), values.std(ddof=1)])
    assert row["mcse"] == pytest.approx(stats.sem(values))
    np.testing.assert_allclose(row[["q05", "median", "q95"]].astype(float), np.quantile(values, [0.05, 0.5, 0.95]))


def test_estimate_accounts_for_missing_values():
    runs = pd.DataFrame({"game": list("aaabbc"), "v": [1.0, np.nan, 3.0, np.inf, 2.0, np.nan]})
    table = estimate(runs, ["game"], ["v"]).set_index("game")
    assert (table["n"] + table["missing"]).tolist() == [3, 2, 1]
    assert table["n"].tolist() == [2, 1, 0]
    assert table["mean"].tolist()[:2] == [2, 2]
    assert table[["mcse", "low", "high"]].isna().all(axis=1).tolist() == [False, True, True]
    assert table.loc["c", ["mean", "median"]].isna().all()


# sensitivity ------------------------------------------------------------------------------------------------------


def a_study(runs=60, records=10):
    """Traces at different distances from the target, and the runs they belong to."""
    values = np.full((runs, records, len(FIELDS)), 0.5, dtype=np.float32)
    values[..., FIELDS.index("finite")] = 1
    values[..., FIELDS.index("w1")] = np.linspace(0, 0.4, runs)[:, None]
    values[-1, 5:, FIELDS.index("finite")] = 0
    traces = Traces(np.tile(np.arange(records), (runs, 1)), values, np.ones(runs))
    frame = pd.DataFrame({"game": ["a", "b"] * (runs // 2)})
    return traces, pd.concat([frame, label(traces, 1.0)], axis=1)


@pytest.mark.parametrize("column", ["regime", "g_state", "d_state"])
def test_sensitivity_at_the_defaults_is_the_table_itself(column):
    traces, runs = a_study()
    table = sensitivity(traces, 1.0, runs, ["game"], [Thresholds()], column)
    assert table["thresholds"].unique().tolist() == ["default"]
    assert (table["relabelled"] == 0).all()
    plain = tabulate(runs, ["game"], column)
    pd.testing.assert_frame_equal(table.drop(columns=["thresholds", "relabelled"]), plain)


def test_sensitivity_follows_the_thresholds():
    traces, runs = a_study()
    grid = vary(w1=(0.1, 0.3))
    table = sensitivity(traces, 1.0, runs, ["game"], grid, "g_state")
    assert table["thresholds"].unique().tolist() == ["default", "w1 = 0.1", "w1 = 0.3"]
    assert table["game"].tolist() == ["a"] * 12 + ["b"] * 12
    converged = table[table["g_state"] == "converged"]
    assert (
        converged.groupby("thresholds")["count"].sum().loc[["w1 = 0.1", "default", "w1 = 0.3"]] == [15, 30, 45]
    ).all()
    assert (table.groupby(["game", "thresholds"])["count"].sum() == 30).all()
    moved = table.drop_duplicates(["game", "thresholds"]).groupby("thresholds")["relabelled"].sum()
    assert moved.to_dict() == {"default": 0, "w1 = 0.1": 15, "w1 = 0.3": 15}


def test_sensitivity_refuses():
    traces, runs = a_study()
    with pytest.raises(ValueError, match=r"^runs: 59 rows for 60 traces"):
        sensitivity(traces, 1.0, runs[:-1], ["game"], [Thresholds()])
    with pytest.raises(ValueError, match=r"^grid"):
        sensitivity(traces, 1.0, runs, ["game"], [])
    with pytest.raises(ValueError, match="'left'; allowed: 'regime'"):
        sensitivity(traces, 1.0, runs, ["game"], [Thresholds()], "left")


# Files ------------------------------------------------------------------------------------------------------------


def a_table():
    words = ["converged"] * 931 + ["off target"] * 69 + ["off target"] * 1000 + ["converged"] * 4999 + ["collapsed"]
    games = ["minimax"] * 1000 + ["non-saturating"] * 1000 + ["as-written"] * 5000
    return tabulate(pd.DataFrame({"game": games, "g_state": states(words)}), ["game"], "g_state")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_shares_at_a_glance():
    wide = shares_wide(a_table())
    assert list(wide.columns) == ["game", "n", "converged", "off target", "collapsed"]
    assert wide["n"].tolist() == [1000, 1000, 5000]
    assert wide.iloc[0].tolist() == [
        "minimax", 1000, "93.1 % [91.4, 94.5] ± 0.8", "6.9 % [5.5, 8.6] ± 0.8", "0 % [0.0, 0.4]",
    ]  # fmt: skip
    assert wide["off target"][1] == "100 % [99.6, 100.0]"
    assert wide["converged"][2] == ">99.9 % [99.9, 99.996] ± 0.02"
    assert wide["collapsed"][2] == "<0.1 % [0.004, 0.1] ± 0.02"


@given(n=st.integers(1, 100_000), data=st.data())
def test_a_limit_never_reads_as_none_or_all_unless_it_is(n, data):
    k = data.draw(st.integers(0, n))
    said = [float(x) / 100 for x in re.search(r"\[(.*), (.*)\]", tables.share_text(k, n)).groups()]
    for told, limit in zip(said, wilson(k, n), strict=True):
        assert (told == 0, told == 1) == (limit == 0, limit == 1)
        assert abs(told - limit) <= 0.00051
    assert tables.share_text(k, n).startswith("0 % ") == (k == 0)
    assert tables.share_text(k, n).startswith("100 % ") == (k == n)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n: 0; expected at least one trial"):
        tables.share_text(0, 0)


def test_shares_wide_keeps_groups_and_levels_together():
    table = a_table()
    shuffled = shares_wide(table.sample(frac=1, random_state=2)).set_index("game")
    straight = shares_wide(table).set_index("game")
    pd.testing.assert_frame_equal(shuffled.loc[straight.index, straight.columns], straight)
    with pytest.raises(ValueError, match=r"^tidy"):
        shares_wide(table.drop(columns="mcse"))


def test_markdown_starts_with_its_caption_and_is_a_table():
    lines = tables.markdown(a_table(), "Where runs end,\nby game.").splitlines()
    assert lines[:2] == ["Where runs end, by game.", ""]
    head, rule, *rows = lines[2:7]
    assert cells(head) == ["game", "n", "converged", "off target", "collapsed"]
    assert [cell[-1] == ":" for cell in cells(rule)] == [False, True, True, True, True]
    assert [cells(row)[:2] for row in rows] == [
        ["minimax", "1,000"],
        ["non-saturating", "1,000"],
        ["as-written", "5,000"],
    ]
    assert len({len(line) for line in lines[2:7]}) == 1  # columns line up in the raw text too
    assert lines[-1] == "In no row of this table: non-finite."


def test_latex_is_escaped_and_complete():
    frame = pd.DataFrame(
        {"optimizer_g.lr": [0.001, 1e-5], "net": ["1-16-1 & 50 % {x}", "[a|b] ~ ^ \\ # $ <"], "v": [-1.386, 2]}
    )
    text = tables.latex(frame, "V_max at 5 % & more", "table_1")
    assert r"\caption{V\_max at 5 \% \& more}" in text
    assert r"\label{tab:table_1}" in text
    assert r"\begin{tabular}{rlr}" in text
    assert r"optimizer\_g.lr & net & v \\" in text
    assert r"0.001 & 1-16-1 \& 50 \% \{x\} & $-$1.386 \\" in text
    assert r"[a$|$b] \textasciitilde{} \textasciicircum{} \textbackslash{} \# \$ $<$ & 2 \\" in text
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\(?:begin|end)\{(\w+)\}", text) == ["table", "tabular", "tabular", "table"]


def test_latex_does_not_take_a_cell_for_an_argument():
    assert "\n{}[a, b]" in tables.latex(pd.DataFrame({"x": ["[a, b]"]}), "c", "l")


def test_markdown_bars_do_not_split_cells():
    text = tables.markdown(pd.DataFrame({"E|D - 1/2|": ["a|b"]}), "c")
    assert text.count(r"\|") == 3


def test_save_writes_three_files_of_one_table(tmp_path):
    table = a_table()
    paths = save(table, tmp_path / "tables", "regimes", "Where runs end.")
    assert [path.name for path in paths] == ["regimes.csv", "regimes.md", "regimes.tex"]
    again = pd.read_csv(paths[0])
    pd.testing.assert_frame_equal(
        again, table.astype({"game": again["game"].dtype, "g_state": again["g_state"].dtype}), check_exact=True
    )
    assert paths[1].read_text(encoding="utf-8") == tables.markdown(table, "Where runs end.")
    assert paths[2].read_text(encoding="utf-8") == tables.latex(table, "Where runs end.", "regimes")
    assert all(b"\r" not in path.read_bytes() for path in paths)


def test_a_name_may_hold_points(tmp_path):
    """As that of a design may, after which its tables are called."""
    assert [path.name for path in save(a_table(), tmp_path, "v1.2_regimes", "c")] == [
        f"v1.2_regimes.{kind}" for kind in ("csv", "md", "tex")
    ]


def test_notes_stand_below_the_table(tmp_path):
    save(counted(1, 2, 3, 4)[["game", "g_state"]], tmp_path, "noted", "A table.", ["More than 50 %\nof it."])
    assert (tmp_path / "noted.md").read_text(encoding="utf-8").endswith("\n\nMore than 50 % of it.\n")
    assert r"\par\smallskip More than 50 \% of it." in (tmp_path / "noted.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", ".x"])
def test_save_refuses_names_that_are_not_file_names(tmp_path, name):
    with pytest.raises(ValueError, match=r"^name"):
        save(a_table(), tmp_path, name, "")
    assert not list(tmp_path.iterdir())


def test_every_kind_of_table_can_be_written(tmp_path):
    traces, runs = a_study()
    kinds = {
        "tabulate": tabulate(runs, ["game"]),
        "compare": compare(counted(50, 9, 20, 4), "game", "minimax", "non-saturating"),
        "estimate": estimate(runs.assign(v=np.arange(60) / 7), ["game"], ["v", "converged_step"]),
        "sensitivity": sensitivity(traces, 1.0, runs, ["game"], vary(w1=(0.1,))),
        "km": kaplan_meier(runs["converged_step"].fillna(runs["last_step"]), runs["converged_step"].notna()),
    }
    for name, frame in kinds.items():
        for path in save(frame, tmp_path, name, f"A table by {name}."):
            assert path.stat().st_size > 100
    head, row = (tmp_path / "compare.md").read_text(encoding="utf-8").splitlines()[2:5:2]
    merged = dict(zip(cells(head), cells(row), strict=True))
    assert merged["difference in points [interval] ± MCSE"] == "-13.3 [-25.5, -0.4] ± 6.3"
    assert (merged["share_a"], merged["mcnemar_p"]) == ("71.1 %", "0.061")


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("n", 24_000, "24,000"),
        ("n", np.int64(1), "1"),
        ("seed", 2**53, "9007199254740992"),
        ("rep", 1234, "1234"),
        ("step", 5000.0, "5,000"),
        ("optimizer_g.lr", 1e-3, "0.001"),
        ("optimizer_g.lr", 3.1622776601683795e-05, "3.162e-05"),
        ("v", -1.3862943611198906, "-1.386"),
        ("v", np.float32(12345.678), "12,346"),
        ("v", -np.inf, "-inf"),
        ("v", np.nan, "–"),
        ("v", 0.0, "0"),
        ("v", 0.99999, "1"),
        ("g_std", 4.99996, "5"),
        ("left", np.True_, "yes"),
        ("samples", None, "–"),
        ("share_idle", 0.12345, "12.3 %"),
        ("share_idle", 1.0, "100 %"),
        ("mcnemar_p", 1e-9, "<0.001"),
        ("mcnemar_p", 0.0314, "0.031"),
        ("net", "two\nlines", "two lines"),
    ],
)
def test_cells(name, value, text):
    assert tables._cell(name, value) == text


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((500.01234, 499.9, 500.1, 0.0512), "500.012 [499.900, 500.100] ± 0.051"),
        ((1234.5, 1200, 1300, 25.0), "1,234 [1,200, 1,300] ± 25"),
        ((2.0, np.nan, np.nan, np.nan), "2 [–, –]"),
    ],
)
def test_a_mean_is_written_to_its_error(arguments, text):
    assert tables._mean_text(*arguments) == text
