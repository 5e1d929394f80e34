"""The study of two clusters: how runs are judged, how their waits are counted, what its pictures show."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.analysis import theory
from gansim.reporting import figures
from gansim.running.execution import Execution
from helpers.pictures import all_texts, written
from test_layout import ROOT

sys.path.insert(0, str(ROOT / "studies"))
from published import clusters, escape, fingerprints, two_points
from published.agreement import exact, median

MEANS, STD = (0.15, 4.15), 0.3 / 12**0.5


def frozen(low: float, high: float, share: float = 0.5, reps: int = 4) -> Execution:
    """Runs whose G puts a share of its fakes at the higher point, the others at the lower one, and never moves."""
    step = gs.Given([([[1e4]], [-1e4 * (1 - 2 * share)]), ([[(high - low) / 2]], [(high + low) / 2])])
    gan = gs.GAN(
        gs.Mixture(MEANS, STD),
        samples=100,
        batch_size="full",
        noise=gs.Uniform(-1, 1),
        generator=gs.MLP(1, "tanh", init=step),
        discriminator=gs.MLP((10, 10), "sigmoid", init="torch"),
        g_steps=0,
        steps=40,
        records=2,
    )
    return gs.Study("frozen", gan, {"method": {"frozen": {}}}, reps).execute(progress=False)


@pytest.mark.parametrize(
    ("points", "end"),
    [
        (MEANS, clusters.BOTH),
        ((0.15, 0.15), clusters.ONE),
        ((4.15, 4.15), clusters.ONE),
        ((0.15, 2.0), clusters.NEITHER),
        ((2.0, 2.0), clusters.NEITHER),
        ((0.15, 4.15 + 2.9 * STD), clusters.BOTH),
        ((0.15, 4.15 + 3.1 * STD), clusters.NEITHER),
    ],
)
def test_fakes_known_to_be_somewhere_are_found_there(points: tuple[float, float], end: str) -> None:
    done = frozen(*points)
    runs = clusters.judged(done, MEANS)
    assert (runs["end"] == end).all()
    assert (runs["fell"] == (end == clusters.ONE)).all()  # not what is in one place where no cluster is
    assert not runs["escaped"].any()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
def test_shares_near_each_cluster_are_those_of_the_fakes(share: float) -> None:
    emptier, fuller = clusters.near(frozen(*MEANS, share).traces)
    less = min(share, 1 - share)
    error = 4.5 * np.sqrt(less * (1 - less) / 1024) + 1e-3
    np.testing.assert_allclose(emptier, less, atol=error)
    np.testing.assert_allclose(emptier + fuller, 1, atol=3 / 1024)  # now and then one is drawn on the step itself


def test_the_share_of_the_own_data_and_the_steps_to_both_are_those_of_the_runs() -> None:
    both, one = (clusters.judged(frozen(*points), MEANS) for points in (MEANS, (4.15, 4.15)))
    np.testing.assert_allclose(one["share"], (one["sample_mean"] - 0.15) / 4)
    assert (np.abs(one["share"] - 0.5) < 0.25).all() and one["share"].nunique() > 1
    for name in ("steps_to_both", "steps_to_keep"):
        assert (both[name] == 20).all() and (one[name] == 40).all()
    np.testing.assert_array_equal(both["d_loss"], -both["v_train"] / 2)


def test_what_lasts_holds_from_there_to_the_end() -> None:
    holds = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0]], bool)
    assert escape.lasting(holds).tolist() == [[True] * 3, [False, False, True], [False] * 3, [False] * 3]
    steps = np.tile([10, 20, 30], (4, 1))
    assert escape.first(steps, holds).tolist() == [10, 10, 10, 30]
    assert escape.first(steps, escape.lasting(holds)).tolist() == [10, 30, 30, 30]


def waits(method: str, times: list[int], escaped: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {"method": method, "rep": range(len(times)), "waited": times, "escaped": np.array(escaped, bool)}
    )


def test_escapes_are_those_of_the_product_limit() -> None:
    slow, fast = waits("slow", [10, 20, 30, 40], [1, 0, 1, 0]), waits("fast", [5, 10, 10, 15], [1, 1, 1, 1])
    found = escape.escapes(pd.concat([slow, fast], ignore_index=True), (10, 30, 99), ("slow", "fast"))
    of = found.set_index(["method", "what"])["found"]
    assert of["slow", "share escaped within 10 steps"] == pytest.approx(1 / 4)
    assert of["slow", "share escaped within 30 steps"] == pytest.approx(1 - 3 / 4 / 2)
    assert of["slow", "median steps to escape"] == 30 and of["fast", "median steps to escape"] == 10
    assert not found["what"].str.contains("99").any() and (found["runs"][:-1] == 4).all()
    inside = found.dropna()
    assert ((inside["found_low"] <= inside["found"]) & (inside["found"] <= inside["found_high"])).all()


def test_the_log_rank_test_knows_one_curve_from_two() -> None:
    rng = np.random.default_rng(0)
    times = {name: rng.exponential(scale, 200) for name, scale in (("a", 1.0), ("same", 1.0), ("slower", 2.0))}
    runs = pd.concat([waits(name, list(x), [1] * 200) for name, x in times.items()], ignore_index=True)
    assert escape.logrank(runs, "a", "same") > 0.01 and escape.logrank(runs, "a", "slower") < 1e-6
    assert np.isnan(escape.logrank(runs, "a", "nobody"))


def test_the_best_d_against_one_cluster_is_that_of_the_theory() -> None:
    near = 0.01  # as good as points: half of -V by quadrature
    for share in (0.2, 0.5, 0.7):
        law = gs.Mixture(MEANS, near, (share, 1 - share))
        assert two_points.optimal(np.array(share)) == pytest.approx(-theory.max_v(law, gs.Normal(0.15, near)) / 2)
    assert pytest.approx(-theory.max_v(law, law) / 2) == two_points.KNOWS_NOTHING


def test_the_published_losses_are_found_and_others_are_not() -> None:
    claims = {claim.claim: claim for claim in two_points.claims()}
    assert len(claims) == 8 and all(claim.agrees for claim in claims.values())
    one = claims["two points, fakes both on one, non-saturating: loss of the best D"]
    assert one.found == pytest.approx(two_points.ALL_ON_ONE, abs=1e-4)
    for game, published in (("non-saturating", "0.4774"), ("relativistic", "0.3466")):
        assert not exact("c", published, two_points.optimal_against(game, (0.0, 4.0))).agrees


def test_losses_of_runs_trained_again_are_those_that_are_recorded() -> None:
    """Of a game that has V: twice the loss is -V on held-out samples, but for these being drawn."""
    done = frozen(0.15, 0.15)
    again = two_points.losses_again(done, clusters.judged(done, MEANS))
    np.testing.assert_allclose(again["d_loss"], -done.runs["v"] / 2, atol=0.02)
    assert (again["end"] == clusters.ONE).all() and again["replicate"].tolist() == [0, 1, 2, 3]


def test_a_median_lies_in_its_interval_which_covers() -> None:
    found, (low, high) = median(range(101))
    assert (found, low, high) == (50, 40, 60)
    assert median([3.0]) == (3.0, (3.0, 3.0)) and np.isnan(median([])[0])
    rng = np.random.default_rng(1)
    ends = np.array([median(rng.normal(size=20))[1] for _ in range(2000)])
    assert 0.94 < ((ends[:, 0] < 0) & (ends[:, 1] > 0)).mean() < 0.99


def test_pictures_show_the_runs(tmp_path: Path) -> None:
    done = frozen(0.15, 0.15, reps=8)
    runs = clusters.judged(done, MEANS)
    drawn = {
        "over_time": fingerprints.over_time(done.traces, runs["method"]),
        "portraits": fingerprints.portraits(done.traces, runs),
        "escape": figures.convergence_time(
            runs.assign(converged_step=np.where(runs["rep"] < 4, 20, np.nan)),
            "method",
            title="t",
            event="escaped",
            clock="steps",
        ),
    }
    for name, figure in drawn.items():
        assert written(figure, tmp_path / name)[1] == []
    assert "frozen, n = 8" in all_texts(drawn["over_time"])
    both, one = (axes.lines[0].get_ydata() for axes in drawn["over_time"].axes)
    assert (both == 0).all() and (one == 1).all()
    [points] = [line for line in drawn["portraits"].axes[1].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points.get_xydata(), runs[["share", "d_loss"]])
    assert drawn["escape"].axes[0].get_ylabel() == "share that has escaped"
    assert drawn["escape"].axes[0].get_xlabel() == "steps"
    assert not any("convergence" in text for text in all_texts(drawn["escape"]))
