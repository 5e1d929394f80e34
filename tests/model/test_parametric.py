"""Games of two vectors as descriptions: what is refused and in which words; dictionaries, JSON, paths, files."""

import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given

import gansim as gs
from gansim.design.description import Description
from gansim.design.design import RESERVED, Design
from gansim.design.schema import describe_design, from_dict, read, to_dict
from gansim.errors import ConfigError, one_line
from gansim.model import paths
from gansim.model.configurations import fields_of
from gansim.model.parametric import MOST_PARAMETERS, ParametricGame
from gansim.running.study import Study
from helpers.gans import parametric_games

DIRAC = gs.ParametricGame(gs.Dirac(r1=0.3), 1, -1)


# --- any of them --------------------------------------------------------------------------------


@given(parametric_games())
def test_dictionaries_json_pickle_and_repr_give_back_an_equal_game(game: ParametricGame) -> None:
    plain = json.loads(json.dumps(paths.to_dict(game), allow_nan=False))
    names = {name: getattr(gs, name) for name in gs.__all__ if name[0].isupper()}
    again = [paths.from_dict(paths.to_dict(game)), paths.from_dict(plain), pickle.loads(pickle.dumps(game))]
    for other in (*again, gs.replace(game, {}), eval(repr(game), names)):
        assert other == game and hash(other) == hash(game)
        assert paths.to_dict(other) == paths.to_dict(game)


@given(parametric_games())
def test_a_design_gives_back_its_game_after_json(game: ParametricGame) -> None:
    study = Description("s", 0, (Design("d", game, reps=2),))
    again = from_dict(json.loads(json.dumps(to_dict(study), allow_nan=False)))
    assert [cell.gan for cell in again.cells] == [game] and again.fields == fields_of(game)


# --- what is said of one ------------------------------------------------------------------------


def test_a_game_shows_what_differs_from_the_defaults() -> None:
    assert repr(DIRAC) == "ParametricGame(game=Dirac(loss='minimax', r1=0.3), start_g=(1.0,), start_d=(-1.0,))"
    assert repr(gs.Dirac("wasserstein", pull=0.7)) == "Dirac(loss='wasserstein', pull=0.7)"
    assert repr(gs.TwoNormals(best=True)) == "TwoNormals(mean=-0.5, other=0.5, best=True)"
    few = gs.ParametricGame(gs.Bilinear(2), (1, gs.Normal(0, 2)), [0, 0], steps=30)
    assert few.records == 30 and "records" not in repr(few) and "Normal(mean=0.0, std=2.0)" in repr(few)


def test_a_start_by_itself_is_all_there_is_of_a_player() -> None:
    law = {"kind": "uniform", "low": -1, "high": 1}
    for value, start in ((3, 3.0), (np.int64(3), 3.0), (np.float32(3), 3.0), (gs.Normal(), gs.Normal()),
                         (law, gs.Uniform(-1, 1)), ([law], gs.Uniform(-1, 1)), (np.array([3]), 3.0)):  # fmt: skip
        assert gs.ParametricGame(gs.Dirac(), value, 0).start_g == (start,)


@pytest.mark.parametrize(
    ("game", "fields"),
    [
        (DIRAC, ("g_off", "d_off", "theta_1", "phi_1", "grad_g", "grad_d", "finite")),
        (
            gs.ParametricGame(gs.TwoNormals(), (1, 0), (-1, 0, 1, 2)),
            (
                *("g_off", "d_off", "theta_1", "theta_2", "phi_1", "phi_2", "phi_3", "phi_4"),
                "grad_g",
                "grad_d",
                "finite",
            ),
        ),
    ],
)
def test_what_is_measured(game: ParametricGame, fields: tuple[str, ...]) -> None:
    assert fields_of(game) == fields and set(fields) <= RESERVED


def test_columns_of_the_largest_game_are_no_names_of_factors() -> None:
    many = [0] * MOST_PARAMETERS
    assert set(fields_of(gs.ParametricGame(gs.Bilinear(MOST_PARAMETERS), many, many))) <= RESERVED
    for name in ("g_off", "d_off", "theta_1", f"phi_{MOST_PARAMETERS}"):
        with pytest.raises(ConfigError, match=f"factors: value '{name}': text that is no column of the runs"):
            Design("d", DIRAC, {name: {"a": {}, "b": {"steps": 10}}})
    assert Design("d", DIRAC, {"theta": {"a": {}, "b": {"steps": 100}}}).columns == ("theta",)


# --- refusals -----------------------------------------------------------------------------------

REFUSALS = [
    (lambda: gs.Dirac("hinge"), "loss: value 'hinge': one of 'minimax', 'non-saturating' or 'wasserstein'"),
    (lambda: gs.Dirac(r1=-1), "r1: value -1: a number from 0 to 1e+06"),
    (lambda: gs.Dirac(r1="x"), "r1: value 'x': a number from 0 to 1e+06"),
    (lambda: gs.Dirac(share=2), "share: value 2: a number from 0 to 1"),
    (lambda: gs.Dirac(gamma=1), "gamma: value 1: no such field; did you mean"),
    (lambda: gs.Dirac("wasserstein", noise=1), "noise: value 1: 0, because the loss is wasserstein, not minimax"),
    (lambda: gs.Dirac("non-saturating", consensus=1), "consensus: value 1: 0, because the loss is non-saturating"),
    (lambda: gs.Dirac(noise=1, consensus=1), "noise: value 1: 0, because consensus is above 0"),
    (lambda: gs.Dirac("wasserstein", target=0.5), "target: value 0.5: 1, because pull is 0"),
    (lambda: gs.Dirac(r1=1, share=0.5), "share: value 0.5: 1, because consensus is 0"),
    (lambda: gs.Bilinear(0), "n: value 0: an integer from 1 to 64"),
    (lambda: gs.Bilinear(65), "n: value 65: an integer from 1 to 64"),
    (lambda: gs.Bilinear(True), "n: value True: an integer from 1 to 64"),
    (lambda: gs.LinearWasserstein(()), "mean: value (): a tuple of 1 to 64 numbers, such as (3, 4)"),
    (lambda: gs.LinearWasserstein((1, "a")), "mean[1]: value 'a': a number from -1e+06 to 1e+06"),
    (lambda: gs.LinearWasserstein(samples=1), "samples: value 1: True or False"),
    (lambda: gs.LinearWasserstein(drawn=True), "drawn: value True: no such field"),
    (lambda: gs.TwoNormals(6), "mean: value 6: a number from -5 to 5"),
    (lambda: gs.TwoNormals(0, 3, best=True), "other: value 3: -2 to 2, because D is the best one"),
    (lambda: gs.ParametricGame(gs.Dirac(), 1), "start_d: missing: a value is needed"),
    (lambda: gs.ParametricGame("dirac", 1, -1), "game: value 'dirac': a game such as gs.Dirac(loss)"),
    (lambda: gs.ParametricGame({"kind": "drac"}, 1, -1), "game.kind: value 'drac': one of dirac, bilinear"),
    (lambda: gs.ParametricGame({"r1": 1}, 1, -1), "game.kind: missing: one of dirac, bilinear"),
    (lambda: gs.ParametricGame({"kind": "dirac", "r2": 1}, 1, -1), "game.r2: value 1: no such field; did you mean r1?"),
    (lambda: gs.ParametricGame(gs.Dirac, 1, -1), "game: value <class 'gansim.model.parametric.Dirac'>: a game"),
    (
        lambda: gs.ParametricGame(gs.GAN(gs.Normal()), 1, -1),
        "game: value GAN(target=Normal(mean=0.0, std=1.0)): a game",
    ),
    (
        lambda: gs.ParametricGame(gs.Dirac(), (1, 2), 0),
        "start_g: value (1, 2): 1 number or law, because the game is dirac",
    ),
    (
        lambda: gs.ParametricGame(gs.TwoNormals(), (1, 2), 0),
        "start_d: value 0: 4 numbers or laws, because the game",
    ),
    (lambda: gs.ParametricGame(gs.Dirac(), None, 0), "start_g: value None: a tuple of 1 to 64 numbers or laws"),
    (lambda: gs.ParametricGame(gs.Dirac(), True, 0), "start_g: value True: a tuple of 1 to 64 numbers or laws"),
    (
        lambda: gs.ParametricGame(gs.Dirac(), [True], 0),
        "start_g[0]: value True: a number from -1e+06 to 1e+06, or gs.Un",
    ),
    (
        lambda: gs.ParametricGame(gs.Dirac(), np.nan, 0),
        "start_g: value nan: a number from -1e+06 to 1e+06, or gs.Uniform",
    ),
    (lambda: gs.ParametricGame(gs.Dirac(), 0, 1e7), "start_d: value 10000000.0: a number from -1e+06 to 1e+06, or gs."),
    (lambda: gs.ParametricGame(gs.Dirac(), [gs.Mixture((0, 1), 1)], 0), "start_g[0]: value Mixture("),
    (lambda: gs.replace(DIRAC, clip=-1), "clip: value -1: a number from 0 to 1e+06"),
    (lambda: gs.replace(DIRAC, clip=1, d_steps=0), "clip: value 1: 0, because d_steps = 0: D is frozen"),
    (lambda: gs.replace(DIRAC, ordered=1), "ordered: value 1: True or False"),
    (lambda: gs.replace(DIRAC, batch_size=2), "batch_size: value 2: 1, because the game draws no samples"),
    (lambda: gs.replace(DIRAC, steps=3, records=4), "records: value 4: an integer from 1 to steps = 3"),
    (lambda: gs.replace(DIRAC, precision="float16"), "precision: value 'float16': one of 'float64' or 'float32'"),
    (lambda: gs.replace(DIRAC, updates="both"), "updates: value 'both': one of 'alternating'"),
    (lambda: gs.replace(DIRAC, updates="simultaneous", d_steps=2), "d_steps: value 2: 1, because simultaneous updates"),
    (lambda: gs.replace(DIRAC, d_steps=0, g_steps=0), "g_steps: value 0: 1 to 100, because d_steps = 0 too"),
    (
        lambda: gs.replace(DIRAC, fresh=False),
        "fresh: value False: True, because alternating updates have no second batch",
    ),
    (
        lambda: gs.replace(DIRAC, average=gs.Average(), g_steps=0),
        "average: value Average(beta=0.999): None, because g_st",
    ),
    (
        lambda: gs.replace(DIRAC, lookahead=gs.Lookahead(), d_steps=0),
        "lookahead: value Lookahead(k=5, alpha=0.5): None",
    ),
    (lambda: gs.replace(DIRAC, optimizer_g="adamw"), "optimizer_g: value 'adamw': an optimiser: SGD"),
    (lambda: gs.replace(DIRAC, {"game.gamma": 1}), "game.gamma: no such field; did you mean"),
    (lambda: gs.replace(DIRAC, {"r1": 1}), "r1: no such field; did you mean game.r1?"),
    (lambda: gs.replace(DIRAC, {"target": 1}), "target: no such field; did you mean game.target?"),
    (
        lambda: gs.replace(DIRAC, {"learning_rate": 1}),
        "learning_rate: no such field; did you mean optimizer_g.lr or opt",
    ),
    (
        lambda: gs.replace(DIRAC, {"game": gs.Bilinear(2)}),
        "start_g: value (1.0,): 2 numbers or laws, because the game is",
    ),
    (lambda: gs.replace(DIRAC, {"game.kind": "bilinear"}), "game.kind: no such field"),
    (lambda: gs.replace(DIRAC, {"lookahead.k": 3}), "lookahead.k: lookahead is None, so it has no field k"),
    (lambda: gs.networks(DIRAC), "gan: value ParametricGame("),
    (lambda: gs.gradients(DIRAC, [], [], [0.0], [0.0]), "gan: value ParametricGame("),
    (lambda: gs.animate(DIRAC), "gan: value ParametricGame("),
    (lambda: gs.plot.run(DIRAC), "gan: value ParametricGame("),
    (lambda: gs.trace(DIRAC, -1), "rep: value -1: an integer from 0 to"),
    (lambda: paths.from_dict({"game": {"kind": "dirac"}, "start_d": 0}), "start_g: missing: a value is needed"),
    (lambda: paths.from_dict({"game": {"kind": "dirac"}}), "start_g: missing: a value is needed"),
    (lambda: paths.from_dict({"start_g": 0}), "game: missing: a game: Dirac, Bilinear"),
]


@pytest.mark.parametrize(("make", "words"), REFUSALS, ids=[words for _, words in REFUSALS])
def test_a_refusal_is_one_line_with_field_value_and_what_is_allowed(make: object, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make()
    assert one_line(refused.value) == str(refused.value) and str(refused.value).startswith(words)


def test_fields_by_path() -> None:
    changes = {"game.r1": 2, "optimizer_g.lr": 0.5, "optimizer_d": "adam", "optimizer_d.beta1": 0.2, "start_g": 3}
    game = gs.replace(DIRAC, changes)
    assert game.game == gs.Dirac(r1=2) and game.start_g == (3.0,) and game.optimizer_g == gs.SGD(0.5)
    assert game.optimizer_d == gs.Adam(beta1=0.2)
    other = gs.replace(DIRAC, game=gs.Bilinear(2), start_g=(1, 2), start_d=(3, gs.Uniform()), steps=20)
    assert other.game.sizes == (2, 2) and other.records == 20


# --- designs and files --------------------------------------------------------------------------

TOML = """
name = "vectors"

[[designs]]
name = "all"
reps = 3

[designs.gan]
game = { kind = "dirac", r1 = 0.5 }
start_g = { kind = "uniform", low = -1, high = 1 }
start_d = [-1]
steps = 40
optimizer_g = { kind = "adam", lr = 0.01 }
optimizer_d = { kind = "optimistic", lr = 0.02 }
lookahead = { kind = "lookahead", k = 3 }

[designs.factors]
"game.r1" = [0, 1]
start_g = [2, [3], { kind = "normal", mean = 0, std = 2 }]
optimizer_g = ["sgd", { kind = "adam", lr = 0.1 }]
method = { clipped = { clip = 1 }, penalised = { game = { r1 = 4 } }, other = { game = { kind = "bilinear" } } }
"""


def test_a_study_in_toml(tmp_path) -> None:
    text = TOML.replace("method = {", "#").replace("start_g = [2, [3],", "start_g = [2, 3,")
    (tmp_path / "vectors.toml").write_text(text)
    study = read(tmp_path / "vectors.toml")
    first, last = study.cells[0].gan, study.cells[-1].gan
    assert len(study.cells) == 2 * 3 * 2 and first.lookahead == gs.Lookahead(3)
    assert (first.game, first.start_g, first.optimizer_g) == (gs.Dirac(r1=0), (2.0,), gs.SGD(0.01))
    assert (last.game, last.start_g, last.optimizer_g) == (gs.Dirac(r1=1), (gs.Normal(0, 2),), gs.Adam(0.1))
    assert study.designs[0].values == {"game.r1", "start_g", "optimizer_g"}
    again = from_dict(json.loads(json.dumps(to_dict(study))))
    assert [(c.gan, c.levels) for c in again.cells] == [(c.gan, c.levels) for c in study.cells]
    (tmp_path / "vectors.toml").write_text(re.sub('"game.r1" = .*|start_g = \\[2.*|optimizer_g = \\[.*', "", TOML))
    study = read(tmp_path / "vectors.toml")
    assert [cell.gan.game for cell in study.cells] == [gs.Dirac(r1=0.5), gs.Dirac(r1=4), gs.Bilinear(1)]
    assert study.cells[0].gan.clip == 1 and study.cells[1].gan.clip == 0


def test_factors_over_games_starts_and_optimisers() -> None:
    games = [gs.Dirac(), gs.Dirac("wasserstein", pull=1), gs.Bilinear()]
    rows = {
        "game": games,
        "start_g": [1, gs.Uniform(0, 1)],
        "optimizer_g": ["sgd", gs.Optimistic(0.1)],
    }
    design = Design("d", DIRAC, rows, 2)
    assert len(design.cells) == 12 and {cell.gan.game for cell in design.cells} == set(games)
    assert {cell.levels["game"] for cell in design.cells} == set(map(repr, games))
    assert {cell.levels["start_g"] for cell in design.cells} == {1, "Uniform(low=0.0, high=1.0)"}
    described = json.loads(json.dumps(describe_design(design)))
    study = from_dict({"name": "s", "designs": [described]})
    assert [(c.gan, dict(c.levels)) for c in study.cells] == [(c.gan, dict(c.levels)) for c in design.cells]
    listed = Design("d", DIRAC, [{"start_g": gs.Uniform(0, 1)}, {}])  # whose labels are read from configurations
    assert [cell.levels["start_g"] for cell in listed.cells] == ["Uniform(low=0.0, high=1.0)", 1]
    labelled = Design("d", DIRAC, {"method": {str(game.kind) + game.form: {"game": game} for game in games}})
    assert [cell.gan.game for cell in labelled.cells] == games
    with pytest.raises(ConfigError, match="factors: game: labels other than the games"):
        Design("d", DIRAC, {"game": {"a": gs.Dirac(), "b": gs.Bilinear()}})


REFUSED_DESIGNS = [
    ({"game": [gs.Dirac(), gs.Bilinear(2)]}, "start_g: value (1.0,): 2 numbers or laws, because the game is bilinear"),
    ({"game": [gs.Dirac(), "minimax"]}, "game: value 'minimax': a game: Dirac, Bilinear"),
    ({"optimizer_g": ["sgd", "adamw"]}, "optimizer_g: value 'adamw': an optimiser"),
    ({"start_g": [1, (1, 2)]}, "start_g: value (1, 2): 1 number or law"),
    ({"target": [gs.Normal()]}, "target: no such field; did you mean game.target?"),
    ({"lr": [1, 2]}, "lr: no such field; did you mean optimizer_g.lr or optimizer_d.lr?"),
    ({"batch_size": [1, 2]}, "batch_size: value 2: 1, because the game draws no samples"),
]


@pytest.mark.parametrize(("factors", "words"), REFUSED_DESIGNS, ids=[words for _, words in REFUSED_DESIGNS])
def test_a_cell_that_is_refused_is_named(factors: object, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Design("d", DIRAC, factors)
    text = str(refused.value)
    assert one_line(refused.value) == text and words in text and "cell" in text


def test_gans_and_games_of_other_sizes_are_studies_of_their_own() -> None:
    gan = gs.GAN(gs.Normal())
    two = gs.ParametricGame(gs.Bilinear(2), (1, 1), (1, 1))
    for other, odd in ((gan, "g_shift"), (two, "theta_2")):
        with pytest.raises(ConfigError) as refused:
            Study("a", DIRAC, reps=1) + Study("b", other, reps=1)
        text = f"designs: {odd} is measured in some cells, not in others: studies of their own"
        assert str(refused.value) == text
    with pytest.raises(ConfigError, match="theta_2 is measured in some cells"):
        Study("a", DIRAC, {"m": {"one": {}, "two": {"game": gs.Bilinear(2), "start_g": (1, 1), "start_d": (1, 1)}}})
    both = Study("a", DIRAC, reps=1) + Study("b", gs.replace(DIRAC, game=gs.Bilinear()), reps=1)
    assert len(both.cells) == 2
