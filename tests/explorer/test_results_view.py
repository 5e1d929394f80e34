"""What a page is told of a results folder is what the tables say; a stored run is trained again to its stored bits."""

import json

import numpy as np
import pytest

import gansim as gs
from gansim.analysis.shares import tabulate
from gansim.errors import ConfigError
from gansim.explorer.results_view import ResultsView
from gansim.live.engine import Engine
from gansim.live.frames import finite
from gansim.model.parametric import Dirac, ParametricGame
from gansim.storage.names import RUNS, TRACES
from helpers.live import GANS, Page

RATES = [0.001, 0.01, 0.1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    factors = {"optimizer_d.lr": RATES, "game": ["minimax", "hinge"], "samples": [16, None]}
    gs.Study("small", GANS, factors, reps=6).run(out, progress=False, report=False)
    return out / "small"


@pytest.fixture(scope="module")
def view(folder):
    return ResultsView(folder)


def test_it_says_what_varies(view):
    about = view.about()
    assert about["runs"] == 72 and about["name"] == "small"
    [design] = about["designs"]
    assert [factor["name"] for factor in design["factors"]] == ["optimizer_d.lr", "game", "samples"]
    assert design["factors"][0]["label"] == "Learning rate of D"
    offered = [one["value"] for one in design["outcomes"]]
    assert {"g_state:collapsed", "d_state:idle", "w1", "v"} <= set(offered)
    json.dumps(finite(about), allow_nan=False)


def test_shares_are_those_of_the_tables(view):
    runs = view._runs
    for x, y in (("optimizer_d.lr", "game"), ("game", ""), ("samples", "optimizer_d.lr")):
        told = view.cells({"x": x, "y": y, "outcome": "g_state:off target"})
        by = [name for name in (x, y) if name]
        expected = tabulate(runs, by, "g_state")
        expected = expected[expected["g_state"] == "off target"]
        assert len(told["rows"]) == len(expected)
        assert sorted(row["value"] for row in told["rows"]) == sorted(expected["share"])
        assert sorted((row["low"], row["high"]) for row in told["rows"]) == sorted(
            zip(expected["low"], expected["high"], strict=True)
        )
    told = view.cells({"x": "optimizer_d.lr", "y": "", "outcome": "g_state:off target"})
    assert told["numbers"] == RATES and told["x"] == ["0.001", "0.01", "0.1"]
    assert view.cells({"x": "samples", "outcome": "w1"})["x"] == ["16", "none"]


def test_means_are_those_of_the_runs(view):
    told = view.cells({"x": "game", "outcome": "w1"})
    means = view._runs.groupby("game", observed=True)["w1"].mean()
    for row in told["rows"]:
        assert row["value"] == pytest.approx(means[told["x"][row["x"]]])
    v = view.cells({"x": "game", "outcome": "v"})  # hinge has none
    [hinge] = [row for row in v["rows"] if v["x"][row["x"]] == "hinge"]
    assert hinge["n"] == 0 and np.isnan(hinge["value"])
    assert finite(v)["rows"][hinge["x"]]["value"] is None


def test_runs_of_a_cell(view):
    asked = {"x": "game", "y": "samples"}
    told = view.runs({**asked, "at_x": "1", "at_y": "0"})
    frame = view._runs
    mine = frame[(frame["game"] == "hinge") & (frame["samples"] == "16")]
    assert told["n"] == len(mine) == 18 and sum(told["regimes"].values()) == 18
    assert [row[:2] for row in told["rows"]] == mine[["cell", "rep"]].to_numpy().tolist()
    state = next(regime for regime, count in told["regimes"].items() if count)
    assert view.runs({**asked, "at_x": "1", "at_y": "0", "state": state})["n"] == told["regimes"][state]
    assert view.runs({"x": "game"})["n"] == 72 and view.runs({"x": "game"})["replay"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"x": "lr", "outcome": "w1"}, "x: value 'lr'"),
        ({"x": "__class__", "outcome": "w1"}, "x: value '__class__'"),
        ({"x": "game", "y": "rep", "outcome": "w1"}, "y: value 'rep'"),
        ({"x": "game", "outcome": "cell"}, "outcome: value 'cell'"),
        ({"x": "game", "outcome": ""}, "outcome"),
        ({"x": "game", "outcome": "w1", "design": "other"}, "design: value 'other'"),
    ],
)
def test_what_is_not_offered_is_refused(view, asked, said):
    with pytest.raises(ConfigError, match=said):
        view.cells(asked)


@pytest.mark.parametrize(
    "asked", [{}, {"cell": 0}, {"cell": 12, "rep": 0}, {"cell": -1, "rep": 0}, {"cell": "0", "rep": 0}]
)
def test_a_run_that_cannot_be(view, asked):
    with pytest.raises(ConfigError):
        view.request(asked)


def test_a_stored_run_is_trained_to_its_stored_bits(view):
    engine = Engine()
    page = Page(engine)
    for generation, (rep, same) in enumerate([(4, True), (5, True), (600, None)], 1):
        page.session.configure(view.request({"cell": 7, "rep": rep}), generation, pace=None, rep=0)
        last = page.wait_for_end(generation)
        [one] = last["configurations"]
        assert one["bits"] is same and one["chosen"]["rep"] == rep
    request = view.request({"cell": 7, "rep": 4})
    wrong = type(request)(request.gans, 1, request.seed, 4, request.stored + np.float32(1e-6))
    page.session.configure(wrong, 9, pace=None)
    assert page.wait_for_end(9)["configurations"][0]["bits"] is False
    engine.close()


def test_classes_are_made_of_a_sample_s_points(tmp_path):
    points = gs.LatinHypercube({"optimizer_d.lr": gs.LogUniform(1e-3, 1e-1)}, n=40, seed=1)
    gs.Study("points", GANS, points, reps=2).run(tmp_path, progress=False, report=False)
    told = ResultsView(tmp_path / "points").cells({"x": "optimizer_d.lr", "outcome": "w1"})
    assert len(told["x"]) == 6 and sum(row["n"] for row in told["rows"]) == 80
    assert all(" to " in text for text in told["x"]) and told["numbers"] == sorted(told["numbers"])


def test_games_of_two_vectors_can_be_looked_at_and_not_replayed(tmp_path):
    game = ParametricGame(Dirac(), start_g=1, start_d=1, steps=20, records=2)
    gs.Study("dirac", game, {"optimizer_d.lr": RATES}, reps=2).run(tmp_path, progress=False, report=False)
    view = ResultsView(tmp_path / "dirac")
    assert len(view.cells({"x": "optimizer_d.lr", "outcome": "g_off"})["rows"]) == 3
    assert not view.runs({"x": "optimizer_d.lr"})["replay"]
    with pytest.raises(ConfigError, match="a game of two vectors has no networks"):
        view.request({"cell": 0, "rep": 0})


def test_a_fresh_clone_says_what_makes_the_runs(folder, tmp_path):
    clone = tmp_path / "small"
    clone.mkdir()
    for path in folder.iterdir():
        if path.is_file() and path.name not in (RUNS, TRACES):
            (clone / path.name).write_bytes(path.read_bytes())
    about = ResultsView(clone).about()
    assert "the runs are not here" in about["missing"] and "designs" not in about
    with pytest.raises(ConfigError):
        ResultsView(tmp_path)
