"""Fields of one's own: what is refused, what they are known by, plain data."""

import json
import pickle

import numpy as np
import pytest

import gansim as gs
from gansim.lanes import exp, sigmoid, softplus
from gansim.model.own.defined import tell
from gansim.model.own.fields import OwnField
from gansim.model.paths import from_dict, to_dict


def turning(theta, phi):
    return (phi[0],), (-theta[0],)


def dirac(theta, phi):
    right = sigmoid(theta[0] * phi[0])
    return (-phi[0] * right,), (theta[0] * right,)


def cost_of_dirac(theta, phi):
    return softplus(theta[0] * phi[0])


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ({"gradients": lambda theta: theta}, "gradients: .*: a function of 2 or 3 arguments"),
        ({"gradients": lambda t, p: ((np.sin(p[0]),), (-t[0],))}, "gradients: .*; np is <module"),
        ({"gradients": lambda theta, phi: (phi[0],)}, "returns two tuples, of 1 and of 1"),
        ({"gradients": turning, "sizes": (2, 1)}, "returns two tuples, of 2 and of 1"),
        ({"gradients": turning, "sizes": (0, 1)}, r"sizes\[0\]: value 0: an integer from 1 to 64"),
        ({"gradients": turning, "drawn": 2}, "a function of three tuples, because drawn is 2"),
        ({"gradients": lambda theta, phi, e: ((phi[0],), (theta[0],))}, "a function of two tuples, because drawn is 0"),
        ({"gradients": lambda theta, phi: ((phi[0] ** 2,), (theta[0],))}, r"lanes have no \*\*: s \* s"),
        ({"gradients": lambda theta, phi: ((phi[0] > 0,), (theta[0],))}, "lanes have no comparison"),
        ({"gradients": lambda theta, phi: ((phi[0],), (theta,))}, "returns lanes or numbers"),
        ({"gradients": lambda theta, phi: ((phi[1],), (theta[0],))}, "a function of lanes by"),
        ({"gradients": turning, "solution_g": (0, 0)}, r"solution_g: value \(0.0, 0.0\): 1 of them, as sizes says"),
        ({"gradients": turning, "solution_d": "origin"}, "solution_d: value 'origin'"),
        ({"gradients": turning, "cost_g": lambda theta, phi: (theta[0],)}, "cost_g: .*returns lanes or numbers"),
        ({"gradients": turning, "cost_d": lambda theta: theta[0]}, "cost_d: .*a function of 2 arguments"),
    ],
)
def test_what_is_refused(field, allowed):
    with pytest.raises(gs.ConfigError, match=allowed) as refused:
        OwnField("refused", **field)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "dirac", "Bilinear", "1st", "a b", "none", 3])
def test_names_that_are_refused(name):
    with pytest.raises(gs.ConfigError, match="name: value"):
        OwnField(name, turning)


def test_gradients_that_are_no_gradients_are_refused_with_both_numbers():
    right = OwnField("right", dirac, cost_g=lambda theta, phi: -softplus(theta[0] * phi[0]), cost_d=cost_of_dirac)
    assert right.sizes == (1, 1)
    with pytest.raises(gs.ConfigError, match=r"gradient of cost_g: by theta\[0\] at .* it is -\d.*, and .* by \d"):
        OwnField("wrong", dirac, cost_g=cost_of_dirac)
    # 1 part in 1,000 is noticed.
    with pytest.raises(gs.ConfigError, match=r"gradient of cost_d: by phi\[0\]"):
        OwnField("wrong", lambda t, p: ((p[0],), (1.001 * t[0],)), cost_d=lambda t, p: t[0] * p[0])
    with pytest.raises(gs.ConfigError, match=r"cost_d: .*because samples are drawn"):
        OwnField("drawn", lambda t, p, e: ((p[0],), (t[0] + e[0],)), drawn=1, cost_d=cost_of_dirac)


def test_it_is_known_by_its_code_and_by_what_it_is_measured_by():
    one = OwnField("known", turning)

    def other_name(theta, phi):
        # neither names of functions nor comments count
        return (phi[0],), (-theta[0],)

    assert one == OwnField("known", other_name)
    others = [
        OwnField("other", turning),
        OwnField("known", lambda theta, phi: ((phi[0],), (-1.5 * theta[0],))),
        OwnField("known", turning, solution_g=(0,)),
        OwnField("known", turning, cost_g=lambda theta, phi: theta[0] * phi[0]),
        OwnField("known", lambda theta, phi, e: ((phi[0],), (e[0],)), drawn=1),
    ]
    assert len({one, *others}) == 6


def test_plain_data_name_it_and_are_found_again():
    own = OwnField("found", dirac, solution_g=(0,))
    game = gs.ParametricGame(own, 1, 1)
    plain = json.loads(json.dumps(to_dict(game)))
    assert plain["game"] == {
        "kind": "own",
        "name": "found",
        "digest": own.digest,
        "sizes": [1, 1],
        "drawn": 0,
        "solution_g": [0.0],
        "solution_d": None,
    }
    assert from_dict(plain) == game
    assert pickle.loads(pickle.dumps(game)) == game


def test_one_whose_code_is_not_at_hand_is_read_and_not_trained():
    plain = to_dict(gs.ParametricGame(OwnField("absent", dirac), 1, 1))
    plain["game"]["digest"] = "0" * 32
    game = from_dict(plain)
    with pytest.raises(gs.ConfigError, match="absent is defined here with other code"):
        gs.trace(game)
    plain["game"]["name"] = "nowhere"
    with pytest.raises(gs.ConfigError, match=r"nowhere is somebody's own and its code is not at hand.*gs.OwnField"):
        gs.trace(from_dict(plain))


def test_the_text_is_for_readers():
    own = OwnField("read", dirac, cost_d=cost_of_dirac)
    assert own.source["gradients"]["source"].startswith("def dirac(theta, phi):")
    assert own.source["cost_d"]["with"] == {"softplus": "gansim.lanes.softplus"}
    assert repr(own) == "OwnField('read', sizes=(1, 1))"
    assert OwnField("numbers", lambda theta, phi: ((exp(phi[0]),), (0.0,))).source["gradients"]["source"]


@pytest.mark.parametrize("told", [3, "text", {}, {"source": 3}, {"source": "x", "with": 3}])
def test_whatever_a_file_tells_of_its_code_is_no_code(told):
    plain = to_dict(gs.ParametricGame(OwnField("hostile", dirac), 1, 1))["game"] | {"digest": "1" * 32}
    tell([plain | {"gradients": told, "cost_g": {"source": "text", "with": {"a": 1}}}])
    game = from_dict({"game": plain, "start_g": [1], "start_d": [1]}).game
    assert game.source == {"cost_g": {"source": "text", "with": {"a": 1}}}
