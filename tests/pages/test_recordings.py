"""Runs as they are recorded, and which stand for a study."""

import json

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.engine.history import history
from gansim.showing.recordings import packed, record, unpacked
from gansim.showing.runs import ShownRun, watch
from gansim.showing.typical import nearest_to_medians, typical_runs
from helpers.pages import GAN


@pytest.mark.parametrize("steps", [254, 2**16 - 2])
def test_packed_numbers_come_back_to_the_nearest_step(steps):
    values = np.random.default_rng(0).uniform(-3, 5, (7, 11))
    values[2, 3] = np.nan
    kept = json.loads(json.dumps(packed(values, -3, 5, steps)))
    back = unpacked(kept)
    assert kept["bits"] == (8 if steps < 255 else 16)
    assert np.array_equal(np.isnan(back), np.isnan(values))
    off = np.nanmax(np.abs(back - values))
    assert 0 < off <= 8 / steps / 2 * 1.000001


def test_what_is_beyond_an_end_is_taken_for_it_and_what_is_no_number_is_flagged():
    back = unpacked(packed(np.array([-1.0, 2.0, np.inf, -np.inf, np.nan, 0.5]), 0, 1, 254))
    assert back[:2].tolist() == [0, 1] and np.isnan(back[2:5]).all() and back[5] == 0.5


def test_a_recording_holds_what_is_shown_of_the_run():
    run = watch(GAN, 1, 3, 9)
    shown, kept = ShownRun.of(run), record(run, which={"study": "s"})
    text = json.dumps(kept, allow_nan=False)  # nothing that JSON has no word for
    assert json.loads(text)["which"] == {"study": "s", "rep": 1, "seed": 3, "gan": kept["which"]["gan"]}
    assert kept["frames"] == run.frames.tolist() and kept["regime"] == shown.regime
    assert (kept["g_state"], kept["d_state"]) == tuple(shown.regime.split(", "))
    assert kept["series"]["step"] == shown.steps.tolist()
    assert set(kept["frames"]) <= set(kept["series"]["step"])
    assert kept["series"]["w1"] == pytest.approx(shown.field("w1"), rel=1e-6)
    [moment] = shown.snapshots([4])
    edges = np.array(kept["view"]["edges"])
    heights = np.histogram(moment.fakes, edges)[0] / np.diff(edges) / len(moment.fakes)
    assert unpacked(kept["heights"])[4] == pytest.approx(heights, abs=kept["heights"]["high"] / 1e4)
    judged = moment.judge(np.array(kept["view"]["x"]))
    assert unpacked(kept["d"])[4] == pytest.approx(judged, abs=1e-4)
    assert kept["decided"] == shown.decided


def test_a_run_that_blows_up_is_recorded_up_to_its_last_finite_record():
    wild = gs.replace(GAN, {"game": "wasserstein", "optimizer_g": gs.SGD(1000), "optimizer_d": gs.SGD(1000)})
    kept = record(watch(wild, 0, 0, 9))
    assert kept["regime"] == "non-finite" and kept["decided"] is None
    assert kept["ended"][0] < kept["ended"][1] <= wild.steps
    json.dumps(kept, allow_nan=False)
    assert len(kept["remarks"]) == len(kept["frames"]) == kept["heights"]["shape"][0]


def test_a_d_that_is_no_probability_has_no_v_but_ranks():
    kept = record(history(gs.replace(GAN, {"game": "hinge"}), 0, 0, 5))
    assert not kept["probability"] and kept["output"] == "D's output"
    assert "v" not in kept["series"] and "auc" in kept["series"]


# --- which runs ---------------------------------------------------------------------------------


def frame(counts):
    """Made-up runs: a regime -> how many, all in one cell, V and W1 counting up."""
    rows = [(regime, k) for regime, n in counts.items() for k in range(n)]
    table = pd.DataFrame(rows, columns=["regime", "v"])
    return table.assign(rep=range(len(table)), cell=0, seed=0, w1=table["v"])


def test_the_typical_run_is_the_middle_one_of_the_most_frequent_cell():
    runs = frame({"converged, idle": 9}).assign(cell=[0, 0, 1, 1, 1, 1, 1, 1, 1])
    assert int(nearest_to_medians(runs)["rep"]) == 5
    assert int(nearest_to_medians(runs.assign(v=np.nan, w1=np.nan))["rep"]) == 2
    assert int(nearest_to_medians(runs.assign(v=np.nan))["rep"]) == 5


def test_frequent_regimes_and_every_state_of_g_that_is_seen_have_a_typical_run():
    runs = frame(
        {"converged, idle": 800, "converged, mixed": 90, "off target, idle": 60, "off target, mixed": 30,
         "collapsed, perfect": 12, "modes dropped, idle": 8}
    )  # fmt: skip
    found = [(one.regime, one.count) for one in typical_runs(runs)]
    assert found == [
        ("converged, idle", 800), ("converged, mixed", 90), ("off target, idle", 60), ("collapsed, perfect", 12)
    ]  # fmt: skip
    [first, *_] = typical_runs(runs)
    assert (first.n, first.share) == (1000, 0.8) and first.low < 0.8 < first.high
    assert json.loads(json.dumps(first.facts()))["rep"] == first.rep


def test_at_most_eight_are_chosen_and_no_state_of_g_is_lost_for_that():
    games = ("perfect", "idle", "inverted", "mixed")
    counts = {f"{g}, {d}": 100 - k for g in ("converged", "off target") for k, d in enumerate(games)}
    runs = frame({**counts, "collapsed, mixed": 60, "non-finite": 20})
    found = [one.regime for one in typical_runs(runs)]
    assert len(found) == 8 and {"collapsed, mixed", "non-finite"} <= set(found)
