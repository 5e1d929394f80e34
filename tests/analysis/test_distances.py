"""Labels of games of two vectors: by how far each player is from where it ought to end, over the window."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gansim as gs
from gansim.analysis.labels import d_states, g_states, label
from gansim.analysis.sensitivity import sensitivity
from gansim.design.regimes import D_STATES, G_STATES, Thresholds, vary
from gansim.model.parametric import fields_of
from gansim.traces import Traces

DIRAC = gs.ParametricGame(gs.Dirac(), 1, -1)
FIELDS = fields_of(DIRAC)
STILL = {"optimizer_g": gs.SGD(0), "optimizer_d": gs.SGD(0), "steps": 10, "records": 10}


def traces(g_off, d_off, finite=None):
    """Records of runs with these distances, (runs, records)."""
    g_off, d_off = np.atleast_2d(g_off).astype(float), np.atleast_2d(d_off).astype(float)
    finite = np.ones(g_off.shape) if finite is None else np.atleast_2d(finite)
    values = np.stack([g_off, d_off, *[np.zeros(g_off.shape)] * 4, finite], axis=2)
    values[finite == 0, :-1] = np.nan
    return Traces(np.tile(np.arange(1, g_off.shape[1] + 1), (len(g_off), 1)), values, np.ones(len(g_off), int), FIELDS)


def states(*args, **kwargs):
    thresholds = kwargs.pop("thresholds", None)
    return label(traces(*args, **kwargs), [], thresholds)[["g_state", "d_state"]].astype(str).to_numpy().tolist()


GAMES = {
    "dirac": (gs.Dirac(r1=0.3), (0,), (0,)),
    "bilinear": (gs.Bilinear(3), (0, 0, 0), (0, 0, 0)),
    "linear": (gs.LinearWasserstein((3, 4)), (3, 4), (0, 0)),
    "two-normals": (gs.TwoNormals(), (-0.5, 0.5), (-1, 0, 1, 2)),
    "two-normals-other-order": (gs.TwoNormals(0.5, -0.5), (0.5, -0.5), (-1, 0, 1, 2)),
}


@pytest.mark.parametrize("name", GAMES)
def test_the_truth_converges_and_wrong_ones_do_not(name):
    game, theta, phi = GAMES[name]
    there = gs.ParametricGame(game, theta, phi, **STILL)
    frames = {"truth": there, "near": gs.replace(there, start_g=(theta[0] + 0.09, *theta[1:]))}
    frames["wrong"] = gs.replace(there, start_g=(theta[0] + 0.11, *theta[1:]))
    frames["far"] = gs.replace(there, start_g=(theta[0] + 1e5, *theta[1:]))
    frames["D off"] = gs.replace(there, start_d=(phi[0] + 0.11, *phi[1:]))
    runs = {of: gs.simulate(gan, reps=1, jobs=1, progress=False).iloc[0] for of, gan in frames.items()}
    assert [runs[of]["g_state"] for of in frames] == [
        *("converged", "converged", "off target", "off target", "converged")
    ]
    # of two normals it does not matter where D's intervals are
    idle = "mixed" if name.startswith("two-normals") else "idle"
    assert [runs[of]["d_state"] for of in frames] == [idle] * 4 + ["mixed"]
    assert runs["truth"]["g_off"] == 0 and runs["wrong"]["g_off"] == pytest.approx(0.11, rel=1e-5)
    assert np.isnan(runs["truth"]["d_off"]) == name.startswith("two-normals")


def test_means_of_two_normals_have_no_order():
    game = gs.ParametricGame(gs.TwoNormals(), (0.5, -0.5), (-1, 0, 1, 2), **STILL)
    both = pd.concat([gs.simulate(gs.replace(game, start_g=start), reps=1, jobs=1, progress=False)
                      for start in ((0.5, -0.5), (-0.5, 0.5), (0.5, 0.5))])  # fmt: skip
    assert both["g_off"].tolist() == [0, 0, 1] and both["theta_1"].tolist() == [0.5, -0.5, 0.5]


def test_known_dynamics_end_as_is_known():
    """Simultaneous steps leave a bilinear game and the unregularised Dirac-GAN; R1 and looking ahead do not."""
    common = {"updates": "simultaneous", "steps": 500}
    known = {
        "bilinear": (gs.ParametricGame(gs.Bilinear(), 1, -1, **common), "off target"),
        "extragradient": (gs.ParametricGame(gs.Bilinear(), 1, -1, updates="extragradient", steps=2000), "converged"),
        "dirac": (gs.ParametricGame(gs.Dirac(), 1, -1, **common), "off target"),
        "r1": (gs.ParametricGame(gs.Dirac(r1=0.3), 1, -1, **common), "converged"),
    }
    for name, (game, state) in known.items():
        assert gs.simulate(game, reps=1, jobs=1, progress=False)["g_state"].tolist() == [state], name


def test_the_window_is_the_last_fifth_medians_for_g_means_for_d():
    far, near = [1.0] * 8, [0.01] * 8
    assert states([*far, 0.01, 0.01], [*far, 0.01, 0.01]) == [["converged", "idle"]]
    assert states([*near, 1.0, 1.0], [*near, 1.0, 1.0]) == [["off target", "mixed"]]
    g = [1.0] * 12 + [0.01, 0.01, 5.0]  # a window of three: one bad record does not count for G
    assert states(g, g) == [["converged", "mixed"]]
    assert states(g, g, thresholds=Thresholds(window=1)) == [["off target", "mixed"]]


def test_at_the_limit_is_within_it():
    at = np.float32(0.1)
    beyond = np.nextafter(at, np.float32(1))
    assert states([at] * 5, [at] * 5) == [["converged", "idle"]]
    assert states([beyond] * 5, [beyond] * 5) == [["off target", "mixed"]]
    assert states([0.4] * 5, [0.4] * 5, thresholds=Thresholds(off=0.4)) == [["converged", "idle"]]
    assert states([0.0] * 5, [np.nan] * 5) == [["converged", "mixed"]]  # where it does not matter how D ends


def test_times_and_who_left():
    g = [[1, 1, 0.01, 0.01, 0.01, 0.01, 1, 1, 1, 1], [1] * 10, [0.01] * 10]
    found = label(traces(g, g), [])
    assert found["converged_step"].tolist()[::2] == [3, 1] and np.isnan(found["converged_step"][1])
    assert found["left"].tolist() == [True, False, False] and found["last_step"].tolist() == [9, 9, 9]
    np.testing.assert_allclose(found["share_idle"], [0.4, 0, 1])
    np.testing.assert_allclose(found["share_mixed"], [0.6, 1, 0])


def test_a_run_that_is_not_finite_is_so_from_there_on():
    finite = [1, 1, 1, 0, 0]
    found = label(traces([0.01] * 5, [0.01] * 5, finite), [])
    assert found["regime"].tolist() == ["non-finite"] and found["share_nonfinite"].tolist() == [0.4]
    codes = g_states(traces([0.01] * 5, [0.01] * 5, finite), []), d_states(traces([0.01] * 5, [0.01] * 5, finite), [])
    assert [G_STATES[code] for code in codes[0][0]] == ["converged"] * 3 + ["non-finite"] * 2
    assert [D_STATES[code] for code in codes[1][0]] == ["idle"] * 3 + ["non-finite"] * 2


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20), st.floats(0.01, 1))
def test_any_distances_are_labelled_by_their_definition(distances, limit):
    length = Thresholds().window_length(len(distances))
    last = np.array(distances, np.float32)[-length:]
    # at either side of the limit by more than rounding
    if min(abs(float(np.median(last)) - limit), abs(float(last.mean()) - limit)) > 1e-5:
        expected = [
            "converged" if np.median(last) <= limit else "off target",
            "idle" if last.mean() <= limit else "mixed",
        ]
        assert states(distances, distances, thresholds=Thresholds(off=limit)) == [expected]


def test_sensitivity_moves_the_limit():
    runs = pd.DataFrame({"cell": [0, 0, 1], "rep": [0, 1, 0]})
    table = sensitivity(traces([[0.05] * 5, [0.3] * 5, [0.3] * 5], [[0.05] * 5] * 3), [], runs, ["cell"],
                        vary(off=[0.01, 0.5]), "g_state")  # fmt: skip
    found = table[table["g_state"] == "converged"].groupby(["cell", "thresholds"])["count"].sum().to_dict()
    assert found == {
        **{(0, "default"): 1, (0, "off = 0.01"): 0, (0, "off = 0.5"): 2},
        **{(1, "default"): 0, (1, "off = 0.01"): 0, (1, "off = 0.5"): 1},
    }


def test_where_no_end_is_known_nothing_converges_and_nothing_is_lost():
    own = gs.OwnField("nowhere-known", lambda theta, phi: ((phi[0],), (-theta[0],)))
    found = gs.simulate(gs.ParametricGame(own, 0, 0, **STILL), reps=1, progress=False)
    assert found["regime"].tolist() == ["off target, mixed"]
    assert found["g_off"].isna().all() and found["finite"].all()
    gone = gs.ParametricGame(own, 1, 0, optimizer_g=gs.SGD(1000), optimizer_d=gs.SGD(1000), steps=40)
    assert gs.simulate(gone, reps=1, progress=False)["regime"].tolist() == ["non-finite"]
