"""Games of one's own as part of a configuration: what is refused, what they are known by, what is said of them."""

import copy
import dataclasses
import json
import pickle

import pytest

import gansim as gs
from gansim.design import schema
from gansim.design.design import Design
from gansim.design.in_words import ademp, wording
from gansim.errors import ConfigError
from gansim.lanes import exp, sigmoid, softplus
from gansim.model import paths
from gansim.model.games import game_name, game_numbers, is_probability, level_of
from gansim.model.own.defined import named
from gansim.model.own.games import OwnGame
from gansim.storage.provenance import config_digest, provenance
from helpers.own import AGAIN, FAKE, KL, NO_BEND, REAL

GAN = gs.GAN(gs.Normal(500, 5), standardise=True)


def made(share, name="made", **rules):
    loss = gs.Loss(lambda s: softplus(-s) * share, slope=lambda s: -sigmoid(-s) * share)
    return OwnGame(name, real=loss, fake=FAKE, generator=loss, **rules)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: gs.Loss(lambda s: s * s, lambda s: s), r"^slope: value lambda s: s: the derivative of cost: at s = "),
        (lambda: gs.Loss(lambda s: s * s, lambda s: 2 * s, lambda s: 2 * s), "^bend: value lambda s: 2 . s: the deri"),
        (
            lambda: gs.Loss(lambda s: 1 / s, lambda s: -1 / (s * s)),
            "^cost: .* finite from -30 to 30; at s = 0 it is inf",
        ),
        (lambda: gs.Loss(lambda s: s), "^slope: missing"),
        (lambda: gs.Loss(lambda s: s, 1.0), "^slope: value 1.0: a function that is defined by def or lambda"),
        (lambda: gs.Loss(lambda s: nothing * s, lambda s: 1.0), "^cost: .*nothing is not defined"),  # noqa: F821
        (lambda: gs.OwnGame("hinge", real=REAL, fake=FAKE, generator=REAL), "^name: value 'hinge': a name that is not"),
        (lambda: gs.OwnGame("a(b)", real=REAL, fake=FAKE, generator=REAL), r"^name: value 'a\(b\)': 1 to 40 letters"),
        (lambda: gs.OwnGame("x", real=REAL, fake=FAKE), "^generator: missing"),
        (
            lambda: gs.OwnGame("x", real=lambda s: s, fake=FAKE, generator=REAL),
            r"^real: .*a loss such as gs.Loss\(cost",
        ),
        (lambda: gs.OwnGame("x", real=REAL, fake=FAKE, generator=REAL, level="0"), "^level: value '0'"),
        (lambda: gs.OwnGame("x", real=REAL, fake=FAKE, generator=REAL, probability=1), "^probability: value 1"),
        (lambda: gs.OwnGame("x", real=REAL, fake=FAKE, generator=REAL, v=1), "^v: value 1: no such field"),
        (lambda: gs.replace(GAN, game=REAL), "^game: .*or a gs.OwnGame"),
        (lambda: gs.replace(GAN, game="nobodys"), "^game: value 'nobodys': one of 'minimax'.*or a gs.OwnGame"),
        (lambda: gs.replace(GAN, {"game": {"kind": "normal"}}), "^game: "),
        (lambda: gs.replace(GAN, {"game.level": 1.0}), "game.level: no such field"),
        (lambda: gs.replace(GAN, {"game": KL, "penalties.smoothing": 0.1}), "^penalties.smoothing: .*kullback-leibler"),
    ],
)
def test_refusals_are_one_line(build, says):
    with pytest.raises(ConfigError, match=says) as refused:
        build()
    assert "\n" not in str(refused.value)


# --- what it is known by ------------------------------------------------------------------------


def test_equal_are_those_of_one_name_and_digest():
    half = made(0.5)
    assert half == made(0.5) and hash(half) == hash(made(0.5))
    different = [made(0.25), made(0.5, "other"), made(0.5, probability=True), made(0.5, level=None), "made", None]
    assert all(half != other for other in different)
    with pytest.raises(dataclasses.FrozenInstanceError):
        half.name = "another"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del half.real


def test_pickled_and_copied():
    for again in (pickle.loads(pickle.dumps(KL)), copy.deepcopy(KL)):
        assert again == KL and again.source == KL.source and again.rules == KL.rules and again.bends
    gan = gs.replace(GAN, game=KL)
    assert pickle.loads(pickle.dumps(gan)) == gan and hash(gan) == hash(pickle.loads(pickle.dumps(gan)))


def test_what_it_says_of_d():
    assert (game_name(KL), is_probability(KL), level_of(KL), game_numbers(KL)) == (
        "kullback-leibler", False, 1.0, (0.0, 0.0, 0.0)
    )  # fmt: skip
    assert is_probability(AGAIN) and level_of(AGAIN) == 0.0 and level_of(NO_BEND) is None
    assert KL.bends and AGAIN.bends and not NO_BEND.bends


def test_as_plain_data_and_back():
    gan = gs.replace(GAN, game=KL)
    plain = json.loads(json.dumps(paths.to_dict(gan)))
    assert plain["game"] == {
        "kind": "own",
        "name": "kullback-leibler",
        "digest": KL.digest,
        "probability": False,
        "level": 1.0,
        "bends": True,
    }
    assert paths.from_dict(plain) == gan and paths.from_dict(plain).game is named(OwnGame, "kullback-leibler")
    assert config_digest(gan) != config_digest(gs.replace(GAN, game=made(0.5)))
    assert gs.replace(GAN, game="kullback-leibler") == gan  # by name, once it has been defined


def test_plain_data_of_code_that_is_not_at_hand():
    record = KL.record() | {"name": "elsewhere", "level": None}
    gan = paths.from_dict(paths.to_dict(GAN) | {"game": record})
    assert gan.game == OwnGame.absent("elsewhere", KL.digest, KL.facts)
    assert level_of(gan.game) is None and gan.game.source == {}
    assert paths.to_dict(gan)["game"] == record
    assert pickle.loads(pickle.dumps(gan)) == gan and named(OwnGame, "elsewhere") is None
    for wrong in ({"probability": 1}, {"level": "high"}, {"bends": None}, {"digest": "0"}, {"more": 1}):
        with pytest.raises(ConfigError, match=r"^game"):
            paths.from_dict(paths.to_dict(GAN) | {"game": record | wrong})


def test_code_in_a_file_is_never_run():
    """Nor is anything that stands where its text should."""
    evil = {"source": "lambda s: __import__('os').abort()"}
    record = KL.record() | {"name": "evil", "digest": "e" * 32}
    described = {"gansim": "0", "study": "s", "own": [record | dict.fromkeys(("real", "fake", "generator"), evil)]}
    design = {"name": "d", "gan": paths.to_dict(GAN) | {"game": record}}
    study = schema.from_dict(described | {"designs": [design]})
    assert study.cells[0].gan.game.source == {}  # not what is written there
    loss = {"cost": evil, "slope": evil}
    described["own"] = [record | dict.fromkeys(("real", "fake", "generator"), loss)]
    study = schema.from_dict(described | {"designs": [design]})
    assert "abort" in ademp.sheet(study)
    with pytest.raises(ConfigError, match=r"define gs\.OwnGame"):
        study.cells[0].gan.game.at_hand()


# --- designs and words --------------------------------------------------------------------------


def test_a_factor_of_games():
    design = Design("games", GAN, {"game": ["minimax", KL, NO_BEND]}, 10)
    assert [cell.levels["game"] for cell in design.cells] == ["minimax", "kullback-leibler", "bounded"]
    again = schema.read_design(json.loads(json.dumps(schema.describe_design(design))))
    assert again.cells == design.cells and again.columns == design.columns
    with pytest.raises(ConfigError, match="level made given twice"):
        Design("games", GAN, {"game": [made(0.5), made(0.25)]})
    with pytest.raises(ConfigError, match="labels other than the games"):
        Design("games", GAN, {"game": {"mine": {"game": KL}}})
    labelled = Design("games", GAN, {"weight": {"half": {"game": made(0.5)}, "quarter": {"game": made(0.25)}}})
    again = schema.read_design(json.loads(json.dumps(schema.describe_design(labelled))))
    assert again.cells == labelled.cells


def test_one_game_in_place_of_another_is_one_override():
    base = gs.replace(GAN, game=made(0.5))
    design = Design("games", base, {"weight": {"half": {}, "quarter": {"game": made(0.25)}}})
    described = schema.describe_design(design)
    assert [*described["cells"][1]["overrides"]] == ["game"]
    assert schema.read_design(json.loads(json.dumps(described))).cells == design.cells


def test_in_toml_by_its_name_where_it_is_defined():
    study = {"name": "s", "designs": [{"name": "d", "gan": {"target": {"kind": "normal"}, "game": KL.name}}]}
    assert schema.from_dict(study).cells[0].gan.game == KL
    study["designs"][0]["gan"]["game"] = "not-defined"
    with pytest.raises(ConfigError, match=r"or a gs\.OwnGame"):
        schema.from_dict(study)


def test_words_say_whose_it_is():
    gan = gs.replace(GAN, game=KL)
    assert "; kullback-leibler (own); " in wording.gan(gan) and "; non-saturating; " in wording.gan(GAN)
    sheet = ademp.sheet(gs.Study("s", gan, reps=8))
    assert "- Game: kullback-leibler (own).\n" in sheet
    told = "a fake one `def conjugate(s): return exp(s - SHIFT) where SHIFT = 1.0`, slope `def"
    assert told in sheet and "its D is no probability" in sheet
    assert "(own)" not in ademp.sheet(gs.Study("s", GAN, reps=8))


def test_metadata_hold_the_text():
    facts = json.loads(json.dumps(provenance("s", 0, gs.Study("s", gs.replace(GAN, game=KL), reps=8).designs, {})))
    [own] = facts["own"]
    assert own["digest"] == KL.digest and own["generator"]["slope"] == {"source": "lambda s: -1.0"}
    assert own["fake"]["cost"]["with"] == {"exp": "gansim.lanes.exp", "SHIFT": 1.0}
    assert "own" not in provenance("s", 0, gs.Study("s", GAN, reps=8).designs, {})


def test_it_shows_itself():
    assert repr(KL) == "OwnGame('kullback-leibler', probability=False, level=1.0)" and str(KL) == "kullback-leibler"
    assert "return exp(s - SHIFT)" in KL._repr_html_()
    assert (
        repr(gs.Loss(lambda s: exp(s), lambda s: exp(s)))
        == "Loss(cost=lambda s: exp(s), slope=lambda s: exp(s), bend=None)"
    )
