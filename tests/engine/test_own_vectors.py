"""Fields of one's own are trained as those of gansim's: the same bits where they say the same."""

import numpy as np
import pytest

import gansim as gs
from gansim.design.in_words import ademp
from gansim.lanes import sigmoid
from gansim.model.own.fields import OwnField


def dirac(theta, phi):
    t, f = theta[0], phi[0]
    right = sigmoid(t * f)
    return (-f * right,), (t * right + (0.25 * f + 0.0 * f),)


def linear(theta, phi, e):
    return (-phi[0], -phi[1]), (theta[0] - 3.0 + (e[2] - e[0]), theta[1] - 4.0 + (e[3] - e[1]))


STEPS = {"steps": 20, "records": 5, "optimizer_g": gs.SGD(0.2), "optimizer_d": gs.SGD(0.1)}
CHANGES = [
    {},
    {"updates": "simultaneous"},
    {"updates": "extragradient", "precision": "float32"},
    {"updates": "past-extragradient"},
    {"optimizer_d": gs.Adam(0.1), "d_steps": 2, "average": gs.Average(0.9)},
    {"optimizer_g": gs.Optimistic(0.1), "lookahead": gs.Lookahead(3), "decay": gs.Decay()},
    {"clip": 0.5},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_a_form_that_is_said_again(changes):
    own = OwnField("dirac-again", dirac, solution_g=(0,), solution_d=(0,))
    mine, known = (
        gs.trace(gs.ParametricGame(game, 1, -1, **{**STEPS, **changes})) for game in (own, gs.Dirac(r1=0.25))
    )
    # Both are finite sums of the same terms but for the penalty's, which has no slope to be pulled to here.
    assert mine.columns.equals(known.columns)
    limit = 1e-6 if changes.get("precision") == "float32" else 1e-7  # of records in float32
    assert np.allclose(mine, known, rtol=limit, atol=limit)
    other = gs.trace(gs.ParametricGame(gs.Dirac(r1=0.2501), 1, -1, **{**STEPS, **changes}))
    assert not np.allclose(mine, other, rtol=limit, atol=limit)


def test_samples_are_those_that_gansim_draws():
    own = OwnField("linear-again", linear, (2, 2), 4, (3, 4), (0, 0))
    starts = ((1.7, 1.7), (1.4, 1.4))
    mine, known = (
        gs.trace(gs.ParametricGame(game, *starts, batch_size=13, **STEPS), rep=2, seed=5)
        for game in (own, gs.LinearWasserstein(samples=True))
    )
    assert np.allclose(mine, known, rtol=1e-6, atol=1e-6)
    assert not np.allclose(mine, gs.trace(gs.ParametricGame(own, *starts, batch_size=13, **STEPS), rep=3, seed=5))


@pytest.mark.parametrize("backend", ["threads", "loky"])
def test_a_study_of_it(backend, tmp_path):
    own = OwnField("studied", dirac, solution_g=(0,), solution_d=(0,))
    game = gs.ParametricGame(own, gs.Uniform(-1, 1), -1, **STEPS)
    runs = gs.Study("own-field", game, {"updates": ["simultaneous", "extragradient"]}, reps=20).run(
        tmp_path, jobs=2, backend=backend, progress=False
    )
    assert runs["game"].unique().tolist() == ["studied"]
    assert runs["theta_1"].nunique() == 40
    again = gs.Study("own-field", game, {"updates": ["simultaneous", "extragradient"]}, reps=22)
    assert len(again.run(tmp_path, progress=False, report=False)) == 44
    changed = OwnField("studied", lambda theta, phi: ((phi[0],), (-theta[0],)), solution_g=(0,), solution_d=(0,))
    other = gs.ParametricGame(changed, gs.Uniform(-1, 1), -1, **STEPS)
    with pytest.raises(gs.ConfigError, match="game"):
        gs.Study("own-field", other, {"updates": ["simultaneous", "extragradient"]}, reps=22).run(
            tmp_path, progress=False
        )
    text = (tmp_path / "own-field" / "metadata.json").read_text(encoding="utf-8")
    assert "right = sigmoid(t * f)" in text


def test_the_sheet_has_its_code():
    own = OwnField("told", dirac, solution_g=(0,))
    sheet = ademp.sheet(gs.Study("own", gs.ParametricGame(own, 1, 1), reps=1))
    assert f"told is the study's own game (code {own.digest[:8]}); its gradients: `def dirac(theta, phi):" in sheet
    assert "own game" not in ademp.sheet(gs.Study("own", gs.ParametricGame(gs.Dirac(), 1, 1), reps=1))
