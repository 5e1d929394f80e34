"""Shares, differences, means and waiting times against scipy, hand computations and known truths; their files."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gansim.analysis import digits
from gansim.analysis.comparisons import compare, holm, paired
from gansim.analysis.estimates import estimate
from gansim.analysis.floor import floor_of
from gansim.analysis.intervals import kaplan_meier, of_share, wilson
from gansim.analysis.labels import label
from gansim.analysis.sensitivity import sensitivity
from gansim.analysis.shares import share_of, tabulate
from gansim.design.design import RESERVED
from gansim.design.regimes import G_STATES, REGIMES, Thresholds, vary
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal
from gansim.reporting import writing
from gansim.reporting.tables import layout
from gansim.reporting.writing import save
from gansim.traces import FIELDS, Traces

# tabulate ---------------------------------------------------------------------------------------------------------


FLOOR = floor_of(Normal(), 1024)


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
    columns = ["game", "samples", "g_state", "share", "mcse", "count", "replicates", "low", "high", "n"]
    assert list(table.columns) == columns
    assert (
        table["game"].tolist() == ["minimax"] * 5 + ["as-written"] * 5
    )  # order of first appearance, not of the alphabet
    assert table["samples"].isna().tolist() == [False] * 5 + [True] * 5
    assert table["g_state"].tolist() == 2 * list(G_STATES)
    assert table["g_state"].cat.ordered
    assert table["count"].tolist() == [2, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    assert table["n"].tolist() == table["replicates"].tolist() == [3] * 5 + [1] * 5
    np.testing.assert_allclose(table["share"][:5], [2 / 3, 0, 1 / 3, 0, 0])
    np.testing.assert_allclose(table["mcse"][:5], [np.sqrt(2 / 27), 0, np.sqrt(2 / 27), 0, 0])
    expected = stats.binomtest(2, 3).proportion_ci(method="wilson")
    np.testing.assert_allclose([table["low"][0], table["high"][0]], expected)


def test_tabulate_of_one_group_and_of_plain_columns():
    runs = four_runs().assign(left=[True, False, False, False])
    assert tabulate(runs, [], "g_state")["count"].tolist() == [2, 0, 1, 0, 1]
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
    runs["g_state"] = pd.Categorical.from_codes(rng.choice(5, len(runs), p=[0.5, 0.1, 0.3, 0.09, 0.01]), list(G_STATES))
    table = tabulate(runs, ["cell"], "g_state")
    thought = np.tile(truth, groups)
    return ((table["low"] <= thought) & (thought <= table["high"])).groupby(table["g_state"], observed=True).mean()


def test_known_proportions_are_recovered():
    # 300 groups: the share covered has standard error 0.013 around 0.95.
    assert covered([0.5, 0.1, 0.3, 0.09, 0.01]).between(0.91, 0.99).all()
    assert (covered([0.54, 0.13, 0.26, 0.11, 0.02]) < 0.6).all()  # wrong by a few points: the same check refuses


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((["games"], "g_state"), "'games': no such column"),
        ((["game"], "regime"), "'regime': no such column"),
        ((["game", "game"], "g_state"), "'game': named twice"),
        ((7, "g_state"), "by: value 7: the name of a column, or a sequence of names"),
        (([["game"]], "g_state"), r"by: value \['game'\]: the name of a column"),
        ((["game"], ["g_state"]), r"column: value \['g_state'\]: the name of a column"),
        ((["game"], None), "None: no such column"),
        ((["game"], "samples"), "samples: 1 of 4 values are missing"),
        ((["n"], "g_state"), "'n': a column of the table has this name; allowed: other than share, mcse, count, "),
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
        sensitivity(traces, FLOOR, labelled, ["game"], vary(w1=(0.1,)), "g_state"),
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
    page = writing.markdown(tabulate(runs, ["share_price", "step_p"], "g_state"), "c")
    assert "|         0.5 | 0.0001 |" in page


def test_a_level_called_like_a_column_has_a_heading_of_its_own():
    runs = pd.DataFrame({"game": ["minimax"] * 4, "choice": ["n", "n", "game", "other"]})
    wide = read(tabulate(runs, ["game"], "choice"))
    assert list(wide.columns) == ["game", "n", "choice: game", "choice: n", "other"]
    assert wide["n"].tolist() == ["4"]


def test_no_runs_no_table():
    with pytest.raises(ValueError, match=r"^runs: no rows"):
        tabulate(four_runs().iloc[:0], ["game"], "g_state")


# Runs of several cells ----------------------------------------------------------------------------------------------


def a_grid(replicates=40, cells=6, seed=0, shared=0.6):
    """Runs of cells that share part of their luck, in two games; shuffled."""
    rng = np.random.default_rng(seed)
    luck = np.where(
        rng.random((replicates, cells)) < shared, rng.random((replicates, 1)), rng.random((replicates, cells))
    )
    rep, cell = (axis.ravel() for axis in np.indices(luck.shape))
    runs = pd.DataFrame(
        {"design": "main", "cell": cell, "rep": rep, "game": np.where(cell % 2, "minimax", "as-written")}
    )
    runs = runs.assign(seed=0, v=luck.ravel(), g_state=states(np.where(luck.ravel() < 0.3, "converged", "off target")))
    return runs.sample(frac=1, random_state=seed).reset_index(drop=True)


def test_pooled_cells_have_the_error_of_the_mean_over_replicates():
    runs = a_grid(shared=0.95)
    table = tabulate(runs, "game", "g_state").query("g_state == 'converged'").set_index("game")
    for game, mine in runs.groupby("game"):
        means = (mine["g_state"] == "converged").groupby(mine["rep"]).mean()
        row = table.loc[game]
        assert (row["n"], row["replicates"], row["share"]) == (120, 40, pytest.approx(means.mean()))
        assert row["mcse"] == pytest.approx(means.std(ddof=0) / np.sqrt(40))
        expected = of_share(
            (mine["g_state"] == "converged").to_numpy(), mine["rep"].to_numpy(), (mine["cell"] // 2).to_numpy()
        )
        assert tuple(row[["mcse", "low", "high"]]) == pytest.approx(tuple(expected))
        assert row["high"] - row["low"] > 1.3 * np.subtract(*wilson(row["count"], 120)[::-1])
    by_cell = tabulate(runs, ["game", "cell"], "g_state")  # one run per replicate: Wilson's
    assert (by_cell["n"] == by_cell["replicates"]).all()
    np.testing.assert_array_equal(by_cell[["low", "high"]].T, wilson(by_cell["count"], by_cell["n"]))


def test_runs_of_several_seeds_are_replicates_of_their_own():
    both = pd.concat([a_grid(seed=1), a_grid(seed=2).assign(seed=1)])
    assert (tabulate(both, [], "g_state")["replicates"] == 80).all()
    assert (estimate(both, [], "v")["replicates"] == 80).all()
    assert (tabulate(both.drop(columns=["rep", "seed"]), [], "g_state")["replicates"] == 480).all()


def test_means_over_cells_are_means_over_replicates():
    runs = a_grid()
    row = estimate(runs, [], "v").squeeze()
    means = runs.groupby("rep")["v"].mean()
    interval = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (row["n"], row["replicates"], row["missing"]) == (240, 40, 0)
    assert row["sd"] == pytest.approx(runs["v"].std())
    assert (row["mean"], row["mcse"]) == pytest.approx((means.mean(), stats.sem(means)))
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    assert row["mcse"] > 1.5 * row["sd"] / np.sqrt(240)  # which took runs for independent


def test_groups_with_different_numbers_of_runs_per_replicate():
    runs = a_grid()
    runs = runs[(runs["cell"] < 3) | (runs["rep"] < 5)].assign(w1=lambda r: r["v"].where(r["v"] < 0.9))
    table = tabulate(runs, "g_state", "game")
    assert (table["share"] == table["count"] / table["n"]).all()
    np.testing.assert_allclose(table.groupby("g_state", observed=True)["share"].sum(), 1)
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()
    assert (table["replicates"] <= table["n"]).all()
    row = estimate(runs, [], "w1").squeeze()
    assert row["n"] + row["missing"] == len(runs)
    assert row["mean"] == pytest.approx(runs["w1"].mean())
    single = tabulate(runs[runs["rep"] == 7], [], "g_state")  # one replicate of three cells
    assert (single["replicates"] == 1).all()
    assert (single["high"] - single["low"] > 0.5).all()
    assert np.isnan(estimate(runs[runs["rep"] == 7], [], "v")["mcse"][0])


def test_a_share_in_words_and_numbers():
    runs = a_grid()
    chosen = runs["g_state"] == "converged"
    found, row = share_of(runs, chosen), tabulate(runs, [], "g_state").iloc[0]
    for name in ("share", "mcse", "low", "high", "count", "n", "replicates"):
        assert getattr(found, name) == row[name]
    assert str(found) == f"{100 * found.share:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    one = runs[runs["cell"] == 0]
    k = int((one["g_state"] == "converged").sum())
    assert str(share_of(one, one["g_state"] == "converged")) == writing.share_text(k, 40)
    for wrong in (chosen[:-1], chosen.astype(int), True):
        with pytest.raises(ValueError, match=r"^chosen: "):
            share_of(runs, wrong)


def test_a_share_that_is_known_well_is_written_so():
    assert digits.share_in_words(0.33354, 0.33330, 0.33380, 0.0001) == "33.35 % [33.33, 33.38] ± 0.01"
    assert digits.share_in_words(0.99996, 0.9999, 0.99998, None) == "99.996 % [99.990, 99.998]"
    assert digits.points_in_words(-0.00123, -0.00131, -0.00115, 4e-5) == "-0.12 [-0.13, -0.11] ± 0.004"


def test_sensitivity_counts_replicates_too():
    traces, runs = a_study()
    runs = runs.assign(cell=np.arange(60) % 3, rep=np.arange(60) // 3, seed=5)
    table = sensitivity(traces, FLOOR, runs, [], [Thresholds()], "g_state")
    assert (table["replicates"] == 20).all()
    pd.testing.assert_frame_equal(table.drop(columns=["thresholds", "relabelled"]), tabulate(runs, [], "g_state"))


def test_a_run_that_occurs_twice_is_refused_everywhere():
    traces, labelled = a_study()
    labelled = labelled.assign(cell=0, rep=np.arange(60), seed=5)
    twice, runs = pd.concat([a_grid(), a_grid().assign(regime="x")]), a_grid()
    labelled.loc[3, "rep"] = 2
    labelled.loc[3] = labelled.loc[2]
    calls = [
        lambda: tabulate(twice, ["game"], "g_state"),
        lambda: estimate(twice, ["game"], "v"),
        lambda: compare(twice, "game", "minimax", "as-written", by=["cell"]),
        lambda: share_of(twice, twice["g_state"] == "converged"),
        lambda: sensitivity(traces, FLOOR, labelled, [], [Thresholds()]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"^runs: .*rep \d+ occurs more than once: every run once$"):
            call()
    assert tabulate(runs, ["game"], "g_state")["count"].sum() == 240


@pytest.mark.parametrize(
    "call",
    [
        lambda runs: tabulate(runs, ["game"]),
        lambda runs: estimate(runs, ["game"], ["v"]),
        lambda runs: compare(runs, "game", "minimax", "as-written"),
        lambda runs: share_of(runs, [True]),
        lambda runs: sensitivity(a_study()[0], 1.0, runs, ["game"], [Thresholds()]),
        lambda frame: writing.markdown(frame, "c"),
        lambda frame: writing.latex(frame, "c", "l"),
        lambda frame: save(frame, "nowhere", "t", "c"),
    ],
)
@pytest.mark.parametrize("runs", [None, {"game": ["minimax"]}, "runs.parquet"])
def test_what_is_no_frame_is_refused_in_one_line(call, runs):
    with pytest.raises(ValueError, match=r"^(runs|frame|tidy): value .*: a pandas data frame$"):
        call(runs)


def test_one_name_may_stand_for_a_list():
    runs = a_grid()
    pd.testing.assert_frame_equal(tabulate(runs, "game", "g_state"), tabulate(runs, ["game"], "g_state"))
    pd.testing.assert_frame_equal(estimate(runs, "game", "v"), estimate(runs, ["game"], ["v"]))
    pairs = [compare(runs[runs["cell"] < 2], "game", "minimax", "as-written", by=by) for by in ("design", ["design"])]
    pd.testing.assert_frame_equal(*pairs)
    traces, labelled = a_study()
    tabled = [
        sensitivity(traces, FLOOR, labelled, *how) for how in (("game", Thresholds()), (["game"], [Thresholds()]))
    ]
    pd.testing.assert_frame_equal(*tabled)
    assert writing.markdown(runs[:1], "c", "One note.") == writing.markdown(runs[:1], "c", ["One note."])
    assert writing.latex(runs[:1], "c", "l", "One note.") == writing.latex(runs[:1], "c", "l", ["One note."])
    with pytest.raises(ValueError, match=r"^g_state: values such as 'off target'|^g_state: values such as 'converged'"):
        estimate(runs, "game", "g_state")


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
            row = paired(hits, 2 * n, 0.95)
            if row["low"] <= only_a - only_b + shift <= row["high"]:
                total += law.pmf([a, b, n - a - b])
    return total


def test_the_paired_interval_covers_and_the_check_can_tell():
    assert 0.94 < paired_coverage(25, 0.2, 0.1) < 0.99
    assert 0.94 < paired_coverage(25, 0.02, 0.02) <= 1
    assert paired_coverage(25, 0.2, 0.1, shift=0.4) < 0.5


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(deadline=None, max_examples=100)
def test_holm_refuses_what_his_steps_refuse(p):
    """From the smallest p on, the k-th of m against alpha / (m - k + 1), until one is not refused."""
    adjusted = holm(p)
    assert adjusted.shape == (len(p),)
    for alpha in (0.01, 0.05, 0.3):
        refused = set()
        for k, test in enumerate(np.argsort(p, kind="stable").tolist()):
            if not p[test] * (len(p) - k) <= alpha:
                break
            refused.add(test)
        assert set(np.flatnonzero(adjusted <= alpha).tolist()) == refused


@pytest.mark.parametrize("p", [[0.1, np.nan], [1.1], [-0.1], [[0.1]], ["0.1"], 0.1])
def test_holm_takes_probabilities_alone(p):
    with pytest.raises(ConfigError, match="p: value"):
        holm(p)


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
    with pytest.raises(ValueError, match=r"^runs: design main, cell 0, rep 0 occurs more than once"):
        compare(runs, "game", "minimax", "non-saturating")
    runs["lr"] = [0.1] * 20 + [0.2] * 20  # two configurations, and no stratum tells them apart
    with pytest.raises(ValueError, match=r"game = 'minimax': replicate 0 occurs more than once"):
        compare(runs, "game", "minimax", "non-saturating", by=[])
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


def test_what_a_factor_determines_is_no_stratum():
    """The levels of a labelled factor set the game; the activation is a factor of its own."""
    rng = np.random.default_rng(8)
    runs = pd.concat(
        [
            arms(rng.random(30) < 0.5, rng.random(30) < 0.8).assign(activation=activation, cell=np.repeat(at, 30))
            for activation, at in (("tanh", [0, 1]), ("relu", [2, 3]))
        ]
    )
    runs = runs.assign(setup=np.where(runs["game"] == "minimax", "as published", "mended"))
    runs = runs[["design", "cell", "rep", "setup", "game", "activation", "w1", "g_state"]]
    table = compare(runs, "setup", "as published", "mended")
    assert list(table.columns[:4]) == ["design", "activation", "a", "b"]
    assert table["n"].tolist() == [30, 30]
    expected = compare(runs.drop(columns="setup"), "game", "minimax", "non-saturating")
    pd.testing.assert_frame_equal(table.drop(columns=["a", "b"]), expected.drop(columns=["a", "b"]))
    extra = runs[runs["cell"] == 0].assign(cell=4, game="as-written")  # a level with two games does not determine it
    with pytest.raises(ValueError, match="no stratum has runs of both"):
        compare(pd.concat([runs, extra]), "setup", "as published", "mended")


def test_replicates_of_several_seeds_are_paired_within_their_seed():
    parts = [counted(1, 2, 3, 4).assign(seed=seed, w1=np.arange(20) / 7 + seed) for seed in (1, 2)]
    both = compare(pd.concat(parts), "game", "minimax", "non-saturating").squeeze()
    assert (both["n"], both["only_a"], both["only_b"]) == (20, 4, 6)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("game", ["minimax"], "non-saturating"), r"^a: value \['minimax'\]: one level of game$"),
        (("game", "minimax", {"x"}), r"^b: value \{'x'\}: one level of game$"),
        ((["game"], "minimax", "non-saturating"), r"^column: value \['game'\]: the name of a column$"),
    ],
)
def test_compare_takes_levels_one_at_a_time(arguments, line):
    with pytest.raises(ValueError, match=line):
        compare(counted(1, 2, 3, 4), *arguments)
    with pytest.raises(ValueError, match=r"^level: value '0.95'"):
        compare(counted(1, 2, 3, 4), "game", "minimax", "non-saturating", level="0.95")


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
    assert "In brackets: interval; behind ±: Monte-Carlo standard error." in writing.markdown(table, "x")


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
    with pytest.raises(ValueError, match=r"^cell: 7 does not occur; allowed: 0, 1, 2, 3$"):
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
    rng, trials, shifts = np.random.default_rng(n), 1000, np.array([0, 0.25])
    luck = rng.random((trials, 2, n))
    luck[:, 1] = np.where(rng.random((trials, n)) < shared, luck[:, 0], luck[:, 1])
    runs = pd.concat([arms(one[0] < share_a, one[1] < share_b) for one in luck])  # each trial a stratum of one call
    cells = np.repeat(range(2 * trials), n)
    runs = runs.assign(w1=(luck * [[2], [1]]).ravel(), trial=cells // 2, cell=cells)
    covered = np.zeros((2, 2), dtype=int)
    for row, column, truth in ((0, "g_state", share_a - share_b), (1, "w1", 0.5)):
        table = compare(runs, "game", "minimax", "non-saturating", column, by="trial")
        assert len(table) == trials
        covered[row] = [np.sum((table["low"] <= at) & (at <= table["high"])) for at in truth + shifts]
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
    values[..., FIELDS.index("ks")] = 0.1
    values[-1, 5:, FIELDS.index("finite")] = 0
    traces = Traces(np.tile(np.arange(records), (runs, 1)), values, np.ones(runs))
    frame = pd.DataFrame({"game": ["a", "b"] * (runs // 2)})
    return traces, pd.concat([frame, label(traces, FLOOR)], axis=1)


@pytest.mark.parametrize("column", ["regime", "g_state", "d_state"])
def test_sensitivity_at_the_defaults_is_the_table_itself(column):
    traces, runs = a_study()
    table = sensitivity(traces, FLOOR, runs, ["game"], [Thresholds()], column)
    assert table["thresholds"].unique().tolist() == ["default"]
    assert (table["relabelled"] == 0).all()
    plain = tabulate(runs, ["game"], column)
    pd.testing.assert_frame_equal(table.drop(columns=["thresholds", "relabelled"]), plain)


def test_sensitivity_follows_the_thresholds():
    traces, runs = a_study()
    grid = vary(w1=(0.05, 0.15, 0.3))
    table = sensitivity(traces, FLOOR, runs, ["game"], grid, "g_state")
    assert table["thresholds"].unique().tolist() == ["default", "w1 = 0.05", "w1 = 0.15", "w1 = 0.3"]
    assert table["game"].tolist() == ["a"] * 20 + ["b"] * 20
    converged = table[table["g_state"] == "converged"]
    counts = converged.groupby("thresholds")["count"].sum().to_dict()
    floor = FLOOR.limits(Thresholds().window_length(10)).w1  # below it a threshold is the floor
    at_the_floor = int((np.linspace(0, 0.4, 60) <= floor).sum())
    assert 0.05 < floor < 0.15
    assert counts == {"w1 = 0.05": at_the_floor, "w1 = 0.15": 23, "default": 30, "w1 = 0.3": 45}
    assert (table.groupby(["game", "thresholds"])["count"].sum() == 30).all()
    moved = table.drop_duplicates(["game", "thresholds"]).groupby("thresholds")["relabelled"].sum()
    assert moved.to_dict() == {"default": 0, "w1 = 0.05": 30 - at_the_floor, "w1 = 0.15": 7, "w1 = 0.3": 15}


def test_sensitivity_refuses():
    traces, runs = a_study()
    with pytest.raises(ValueError, match=r"^runs: 59 rows for 60 traces"):
        sensitivity(traces, FLOOR, runs[:-1], ["game"], [Thresholds()])
    for grid in ([], None, [0.2], "w1"):
        with pytest.raises(ValueError, match=r"^grid"):
            sensitivity(traces, FLOOR, runs, ["game"], grid)
    with pytest.raises(ValueError, match="'left'; allowed: 'regime'"):
        sensitivity(traces, FLOOR, runs, ["game"], [Thresholds()], "left")


# Files ------------------------------------------------------------------------------------------------------------


def a_table():
    words = ["converged"] * 931 + ["off target"] * 69 + ["off target"] * 1000 + ["converged"] * 4999 + ["collapsed"]
    games = ["minimax"] * 1000 + ["non-saturating"] * 1000 + ["as-written"] * 5000
    return tabulate(pd.DataFrame({"game": games, "g_state": states(words)}), ["game"], "g_state")


def read(table):
    """A table as it is laid out for reading, as texts by heading."""
    return pd.DataFrame({column.heading: column.lines for column in layout.lay_out(table).columns})


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_shares_at_a_glance():
    wide = read(a_table())
    assert list(wide.columns) == ["game", "n", "converged", "collapsed", "off target"]
    assert wide["n"].tolist() == ["1,000", "1,000", "5,000"]
    assert wide.iloc[0].tolist() == [
        "minimax", "1,000", "93.1 % [91.4, 94.5] ± 0.8", "0 % [0.0, 0.4]", "6.9 % [5.5, 8.6] ± 0.8",
    ]  # fmt: skip
    assert wide["off target"][1] == "100 % [99.6, 100.0]"
    assert wide["converged"][2] == ">99.9 % [99.9, 99.996] ± 0.02"
    assert wide["collapsed"][2] == "<0.1 % [0.004, 0.1] ± 0.02"


@given(n=st.integers(1, 100_000), data=st.data())
def test_a_limit_never_reads_as_none_or_all_unless_it_is(n, data):
    k = data.draw(st.integers(0, n))
    said = [float(x) / 100 for x in re.search(r"\[(.*), (.*)\]", writing.share_text(k, n)).groups()]
    for told, limit in zip(said, wilson(k, n), strict=True):
        assert (told == 0, told == 1) == (limit == 0, limit == 1)
        assert abs(told - limit) <= 0.00051
    assert writing.share_text(k, n).startswith("0 % ") == (k == 0)
    assert writing.share_text(k, n).startswith("100 % ") == (k == n)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n: 0; expected at least one trial"):
        writing.share_text(0, 0)


def test_a_layout_keeps_groups_and_levels_together():
    table = a_table()
    shuffled = read(table.sample(frac=1, random_state=2)).set_index("game")
    straight = read(table).set_index("game")
    pd.testing.assert_frame_equal(shuffled.loc[straight.index, straight.columns], straight)


def test_markdown_starts_with_its_caption_and_is_a_table():
    lines = writing.markdown(a_table(), "Where runs end,\nby game.").splitlines()
    assert lines[:2] == ["Where runs end, by game.", ""]
    head, rule, *rows = lines[2:7]
    assert cells(head) == ["game", "n", "converged", "collapsed", "off target"]
    assert [cell[-1] == ":" for cell in cells(rule)] == [False, True, True, True, True]
    assert [cells(row)[:2] for row in rows] == [
        ["minimax", "1,000"],
        ["non-saturating", "1,000"],
        ["as-written", "5,000"],
    ]
    assert len({len(line) for line in lines[2:7]}) == 1  # columns line up in the raw text too
    assert lines[-1] == "In no row of this table: modes dropped; non-finite."


def test_latex_is_escaped_and_complete():
    frame = pd.DataFrame(
        {"optimizer_g.lr": [0.001, 1e-5], "net": ["1-16-1 & 50 % {x}", "[a|b] ~ ^ \\ # $ <"], "v": [-1.386, 2]}
    )
    text = writing.latex(frame, "V_max at 5 % & more", "table_1")
    assert r"\caption{V\_max at 5~\% \& more}" in text
    assert r"\label{tab:table_1}" in text
    assert r"\begin{tabular}{@{}llr@{}}" in text or r"\begin{tabular}{@{}rlr@{}}" in text
    assert r"learning rate of G & net & V(D, G), nats \\" in text
    assert r"0.001 & 1-16-1 \& 50~\% \{x\} & $-$1.386 \\" in text
    assert r"[a$|$b] \textasciitilde{} \textasciicircum{} \textbackslash{} \# \$ $<$ & 2 \\" in text
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\(?:begin|end)\{(\w+)\}", text) == ["table", *["tabular"] * 2, *["minipage"] * 2, "table"]


def test_latex_does_not_take_a_cell_for_an_argument():
    assert "\n{}[a, b]" in writing.latex(pd.DataFrame({"x": ["[a, b]"]}), "c", "l")


def test_markdown_bars_do_not_split_cells():
    text = writing.markdown(pd.DataFrame({"E|D - 1/2|": ["a|b"]}), "c")
    assert text.count(r"\|") == 3


def test_save_writes_three_files_of_one_table(tmp_path):
    table = a_table()
    paths = save(table, tmp_path / "tables", "regimes", "Where runs end.")
    assert [path.name for path in paths] == ["regimes.csv", "regimes.md", "regimes.tex"]
    again = pd.read_csv(paths[0])
    expected = table.astype({"game": again["game"].dtype, "g_state": again["g_state"].dtype})
    pd.testing.assert_frame_equal(again, expected, rtol=1e-11)
    assert paths[1].read_text(encoding="utf-8") == writing.markdown(table, "Where runs end.")
    assert paths[2].read_text(encoding="utf-8") == writing.latex(table, "Where runs end.", "regimes")
    assert all(b"\r" not in path.read_bytes() for path in paths)


def test_a_name_may_hold_points(tmp_path):
    """As that of a design may, after which its tables are called."""
    assert [path.name for path in save(a_table(), tmp_path, "v1.2_regimes", "c")] == [
        f"v1.2_regimes.{kind}" for kind in ("csv", "md", "tex")
    ]


def test_notes_stand_below_the_table(tmp_path):
    save(counted(1, 2, 3, 4)[["game", "g_state"]], tmp_path, "noted", "A table.", ["More than 50 %\nof it."])
    assert (tmp_path / "noted.md").read_text(encoding="utf-8").endswith("\n\nMore than 50 % of it.\n")
    assert r"\par\smallskip More than 50~\% of it." in (tmp_path / "noted.tex").read_text(encoding="utf-8")


def test_numbers_in_files_have_twelve_digits(tmp_path):
    """The last digits of a float64 depend on the processor's exp and log; those that mean something do not."""
    frame = pd.DataFrame(
        {
            "x": [1 / 3, 1e-300 / 7, -2.5, np.nan, np.inf, 123_456_789.123456789],
            "single": np.array([0.1, 1 / 3, 2, np.nan, 1e-20, 16_777_217], dtype=np.float32),
            "count": np.arange(6),
        }
    )
    nudged = frame.assign(x=np.nextafter(frame["x"], 0).where(np.isfinite(frame["x"]), frame["x"]))
    assert (nudged["x"] != frame["x"])[:3].all()
    contents = [save(f, tmp_path / str(i), "t", "c") for i, f in enumerate((frame, nudged))]
    for one, other in zip(*contents, strict=True):
        assert one.read_bytes() == other.read_bytes()
    lines = contents[0][0].read_text(encoding="utf-8").splitlines()
    assert lines[1:4] == ["0.333333333333,0.1,0", "1.42857142857e-301,0.33333334,1", "-2.5,2.0,2"]
    assert lines[6] == "123456789.123,16777216.0,5"
    assert frame["x"][0] == 1 / 3  # the caller's frame is left alone


def test_numbers_are_written_as_far_as_their_error_tells():
    values = np.random.default_rng(0).normal(999_999.97, 2e-4, 900)
    table = estimate(pd.DataFrame({"game": "minimax", "g_mean": values}), "game", "g_mean")
    head, row = (cells(line) for line in writing.markdown(table, "c").splitlines()[2:5:2])
    told = dict(zip(head, row, strict=True))
    assert told["mean of fakes, data units"].startswith(f"{values.mean():,.7f} [")
    assert f" [{np.quantile(values, 0.05):,.6f}, " in told["median [5 %, 95 %] of runs"]  # to the third digit of sd
    frame = pd.DataFrame({"bias": [0.123456, -12.3456], "bias_mcse": [0.0123, 1.23], "rmse": [5.0, 5.0]})
    lines = writing.markdown(frame, "c").splitlines()
    assert [cells(line) for line in lines[4:6]] == [["0.123 ± 0.012"], ["-12.3 ± 1.2"]]
    assert r"$-$12.3 $\pm$ 1.2 \\" in writing.latex(frame, "c", "l")
    pairs = compare(paired_numbers(), "game", "minimax", "non-saturating", "w1")
    told = dict(zip(*(cells(line) for line in writing.markdown(pairs, "c").splitlines()[2:5:2]), strict=True))
    assert told["minimax"] == f"{pairs['mean_a'][0]:.3f}"  # their difference is known to 0.03


def test_a_table_of_several_cells_says_what_its_errors_are():
    pooled = writing.markdown(tabulate(a_grid(), "game", "g_state"), "c")
    assert "share their random numbers: errors and intervals are those of means over replicates." in pooled
    assert "share their random numbers" not in writing.markdown(tabulate(a_grid(), "cell", "g_state"), "c")


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
        "sensitivity": sensitivity(traces, FLOOR, runs, ["game"], vary(w1=(0.1,))),
        "km": kaplan_meier(runs["converged_step"].fillna(runs["last_step"]), runs["converged_step"].notna()),
    }
    for name, frame in kinds.items():
        for path in save(frame, tmp_path, name, f"A table by {name}."):
            assert path.stat().st_size > 100
    head, row = (tmp_path / "compare.md").read_text(encoding="utf-8").splitlines()[2:5:2]
    merged = dict(zip(cells(head), cells(row), strict=True))
    assert merged["difference, points"] == "-13.3 [-25.5, -0.4] ± 6.3"
    assert (merged["minimax"], merged["McNemar's p"]) == ("71.1 %", "0.061")


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
    assert layout.cell_text(name, value) == text


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((500.01234, 499.9, 500.1, 0.0512), "500.012 [499.900, 500.100] ± 0.051"),
        ((1234.5, 1200, 1300, 25.0), "1,234 [1,200, 1,300] ± 25"),
        ((2.0, np.nan, np.nan, np.nan), "2 [–, –]"),
        (
            (999_999.97, 999_999.969994, 999_999.970006, 3e-6),
            "999,999.9700000 [999,999.9699940, 999,999.9700060] ± 0.0000030",
        ),
        ((999_999.97, 999_999.97, 999_999.97, 0.0), "999,999.97 [999,999.97, 999,999.97]"),
        ((0.1 + 0.2, 0.3, 0.3, 0.0), "0.3 [0.3, 0.3]"),
        ((1.2345e-12, 1e-12, 1.5e-12, 1.3e-13), "1.23e-12 [1.00e-12, 1.50e-12] ± 1.3e-13"),
        (
            (0.5, 0.4999999999941, 0.5000000000059, 3e-12),
            "0.5000000000000 [0.4999999999941, 0.5000000000059] ± 3.0e-12",
        ),
        ((1.5e20, 1e20, 2e20, 2.5e19), "1.500e+20 [1.000e+20, 2.000e+20] ± 2.500e+19"),
        ((-8.724e-05, -9e-05, -8.4e-05, 1.6e-06), "-0.0000872 [-0.0000900, -0.0000840] ± 0.0000016"),
    ],
)
def test_a_mean_is_written_to_its_error(arguments, text):
    assert digits.mean_in_words(*arguments) == text


# What is no frame of runs -----------------------------------------------------------------------------------------


def odd_runs():
    return pd.DataFrame({"cell": [0, 0], "rep": [0, 1], "game": ["a", "b"], "regime": ["x", "y"], "w1": [0.1, 0.2]})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"game": [[1], [2]]}, r"'game': value \[1\]: text, numbers or other single values"),
        ({"regime": [{}, {}]}, r"'regime': value \{\}: text, numbers"),
        ({"rep": [0, None]}, "runs: column rep: a value is missing: every run has one"),
        ({"cell": [np.nan, np.nan]}, "runs: column cell: a value is missing"),
    ],
)
def test_columns_that_hold_no_values_are_refused(changes, line):
    runs = odd_runs().assign(**changes)
    with pytest.raises(ConfigError, match=f"^{line}"):
        tabulate(runs, "game", "regime")
    assert tabulate(odd_runs(), "game", "regime")["n"].tolist() == [1, 1, 1, 1]  # the control


def test_a_column_that_occurs_twice_is_refused():
    with pytest.raises(ConfigError, match=r"^runs: column 'game' twice: each once"):
        tabulate(pd.concat([odd_runs(), odd_runs()[["game"]]], axis=1), "game", "regime")


def test_complex_numbers_are_no_numbers_to_estimate():
    with pytest.raises(ConfigError, match=r"^w1: values such as .*1j.*: a column of numbers"):
        estimate(odd_runs().assign(w1=1j), "game", "w1")


def test_one_replicate_of_several_cells_is_written_without_an_error(tmp_path):
    runs = pd.DataFrame({"cell": [0, 1], "rep": [0, 0], "game": ["a", "a"], "regime": ["x", "y"]})
    table = tabulate(runs, "game", "regime")
    assert table["mcse"].isna().all()
    save(table, tmp_path, "one", "One replicate.")
    assert (tmp_path / "one.csv").read_text().splitlines()[1] == "a,x,0.5,,1,1,0.0546207555289,0.945379244471,2"
    for name in ("one.md", "one.tex"):
        text = (tmp_path / name).read_text()
        assert "[5.5, 94.5]" in text and "nan" not in text and "94.5] ±" not in text
    assert str(share_of(runs, runs["regime"] == "x")) == "50.0 % [5.5, 94.5]"
