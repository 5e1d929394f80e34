"""A request as text is that request again: Python that makes its configurations, TOML that describes the same study."""

import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gansim as gs
from gansim.design import schema
from gansim.errors import ConfigError
from gansim.live.request import Request
from gansim.live.texts import as_python, as_toml
from gansim.model.paths import replace
from helpers.gans import gans, targets
from helpers.live import GANS


def made_by(text: str) -> dict[str, object]:
    """What the Python defines, without what it simulates."""
    before = text.split("runs = ")[0]
    names: dict[str, object] = {"values": [1.0, 2.0, 4.0]}
    exec(before.replace("values = [...]", "values = [1.0, 2.0, 4.0]"), names)
    return names


@settings(max_examples=60)
@given(gan=gans(), seed=st.integers(0, 2**64 - 1))
def test_any_configuration_comes_back(gan, seed):
    gan = replace(gan, {"referee": None, "generator.init": "he", "discriminator.init": "xavier"})
    try:
        request = Request((gan,), 16, seed)
    except ConfigError:  # too large for a page
        return
    text = as_python(request)
    assert made_by(text)["gan"] == gan and f"reps=16, seed={seed})" in text
    described = schema.from_dict(tomllib.loads(as_toml(request)))
    assert [cell.gan for cell in described.cells] == [gan] and described.seed == seed and described.reps == (16,)


@settings(max_examples=30)
@given(target=targets, rate=st.floats(0, 1000), game=st.sampled_from(["minimax", "hinge", "least-squares"]))
def test_several_come_back_as_cells_of_one_study(target, rate, game):
    others = replace(GANS, {"optimizer_d.lr": rate, "game": game}), replace(GANS, target=target, standardise=True)
    request = Request((GANS, *others), 32, 5)
    names = made_by(as_python(request))
    assert [cell.gan for cell in names["study"].cells] == list(request.gans)
    assert [cell.gan for cell in schema.from_dict(tomllib.loads(as_toml(request))).cells] == list(request.gans)


def test_observed_values_are_the_reader_s_to_fill_in():
    request = Request((replace(GANS, target=gs.Observed([1.0, 2.0, 4.0])),))
    assert "values = [...]  # your own numbers" in as_python(request)
    assert made_by(as_python(request))["gan"] == request.gans[0]
    assert tomllib.loads(as_toml(request))["designs"][0]["gan"]["target"] == {
        "kind": "observed",
        "values": "values.csv",
    }


@pytest.mark.slow
def test_the_python_runs(capsys):
    """All of it, to the last line."""
    one, two = Request((GANS,), 16, 3), Request((GANS, replace(GANS, {"optimizer_d.lr": 0.1})), 16, 3)
    for request, says in ((one, "Share of runs by what G did"), (two, "share_a  share_b  difference")):
        names: dict[str, object] = {}
        exec(as_python(request), names)
        assert says in capsys.readouterr().out
        assert len(names["runs"]) == 16 * len(request.gans) and np.isfinite(names["runs"]["w1"]).all()
    assert set(names["runs"]["configuration"]) == {"A", "B"}


@pytest.mark.parametrize("target", [gs.Normal(1e6, 0.01), gs.Observed([1e9, 1e9 + 0.001, 1e9 + 0.003])])
def test_targets_that_need_to_be_standardised_have_texts(target):
    request = Request((replace(GANS, target=target, standardise=True),), 16, 3)
    assert made_by(as_python(request).replace("[...]", "[1e9, 1e9 + 0.001, 1e9 + 0.003]"))["gan"].standardise
    assert tomllib.loads(as_toml(request))["designs"][0]["gan"]["standardise"] is True
