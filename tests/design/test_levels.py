"""Levels that set two fields at once or one as a multiple of another, their labels, and what files make of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.design import schema
from gansim.design.design import Design, Listed
from gansim.design.levels import Multiple, level_label, ratio, tied
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal
from gansim.model.games import LeastSquares
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from helpers.gans import GAN_500

WIDTHS = ("generator.hidden", "discriminator.hidden")
RATES = ("optimizer_d.lr", "optimizer_g.lr")


def cells(**factors):
    return Design("x", GAN_500, factors).cells


def test_tied_levels_set_both_fields_and_are_labelled_by_the_value():
    found = cells(width=tied(*WIDTHS, [4, np.int64(16), (64,), (8, 8)]))
    assert [cell.levels["width"] for cell in found] == [4, 16, 64, "(8, 8)"]
    assert [cell.gan.generator.hidden for cell in found] == [(4,), (16,), (64,), (8, 8)]
    assert all(cell.gan.generator == cell.gan.discriminator for cell in found)
    named = cells(size=tied("generator", "discriminator", {"small": MLP(4), "large": 64}))
    assert [(cell.levels["size"], cell.gan.discriminator.hidden) for cell in named] == [
        ("small", (4,)),
        ("large", (64,)),
    ]


@given(st.floats(1e-6, 1.0), st.lists(st.floats(0.01, 100), min_size=1, max_size=4, unique=True))
def test_ratios_are_of_the_field_as_the_cell_has_it(rate, ratios):
    found = Design("x", GAN_500, {"ratio": ratio(*RATES, ratios), "optimizer_g.lr": [rate, rate / 2]}).cells
    assert [cell.levels["ratio"] for cell in found] == [r for r in ratios for _ in range(2)]
    for cell in found:
        assert cell.gan.optimizer_d.lr == pytest.approx(cell.levels["ratio"] * cell.gan.optimizer_g.lr, rel=1e-11)


def test_ratios_of_whole_numbers_stay_whole_and_have_no_stray_digits():
    found = cells(batches=ratio("samples", "batch_size", [1, 4, 0.5]))
    assert [cell.gan.samples for cell in found] == [64, 256, 32]
    assert cells(r=ratio("optimizer_d.lr", "target.std", [0.1]))[0].gan.optimizer_d.lr == 0.5
    assert Multiple("optimizer_g.lr", 3).within(replace(GAN_500, {"optimizer_g.lr": 0.1})) == 0.3


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: tied(3, "b", [1]), "first: value 3: a dotted path"),
        (lambda: tied("a", "", [1]), "second: value '': a dotted path"),
        (lambda: tied("a", "b", []), "levels: value []: at least one value"),
        (lambda: tied("a", "b", 3), "levels: value 3: at least one value"),
        (lambda: tied("a", "b", [4, (4,)]), "levels: level 4 given twice: each once"),
        (lambda: ratio("a", "b", [1, 0]), "levels: value 0: a number from 1e-30 to 1e+30"),
        (lambda: ratio("a", "b", ["1"]), "levels: value '1': a number"),
        (
            lambda: cells(r=ratio("optimizer_d.lr", "lr", [2])),
            "design 'x', cell 0 (r = 2): lr: no such field; did you me",
        ),
        (
            lambda: cells(r=ratio("optimizer_d.lr", "game", [2])),
            "design 'x', cell 0 (r = 2): game: value 'non-saturating'",
        ),
        (
            lambda: cells(r=ratio("steps", "optimizer_g.lr", [2])),
            "design 'x', cell 0 (r = 2): steps: value 0.002: an int",
        ),
        (
            lambda: cells(r=ratio(*RATES, [2]), s=ratio(RATES[1], RATES[0], [2])),
            "design 'x', cell 0 (r = 2, s = 2): optimizer_d.lr: a multiple of optimizer_g.lr, itself one",
        ),
        (
            lambda: cells(r=ratio("steps", "steps", [2])),
            "design 'x', cell 0 (r = 2): steps: a multiple of steps, itself",
        ),
    ],
)
def test_refusals_are_one_line(make, line):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value).startswith(line)


def test_files_have_both_and_the_record_gives_back_the_cells():
    study = {
        "name": "x",
        "designs": [
            {
                "name": "x",
                "gan": {"target": {"kind": "normal"}},
                "factors": {
                    "width": {"tied": list(WIDTHS), "levels": [4, [8, 8]]},
                    "ratio": {"ratio": RATES[0], "to": RATES[1], "levels": [0.25, 4]},
                },
            }
        ],
    }
    read = schema.from_dict(study)
    assert [dict(cell.levels) for cell in read.cells] == [
        {"width": width, "ratio": r} for width in (4, "(8, 8)") for r in (0.25, 4)
    ]
    again = schema.from_dict(json.loads(json.dumps(schema.to_dict(read))))
    assert again.cells == read.cells
    for wrong in ({"tied": ["a"], "levels": [1]}, {"tied": "ab", "levels": [1]}):
        study["designs"][0]["factors"]["width"] = wrong
        with pytest.raises(ConfigError, match=r"width\.tied: value .*: an array of two paths"):
            schema.from_dict(study)


def test_short_forms_as_levels_survive_the_record():
    study = {"name": "x", "designs": [{"name": "x", "gan": {"target": {"kind": "normal"}}}]}
    study["designs"][0]["factors"] = {"generator": [4, 16], "optimizer_d": ["adam", "sgd"], "discriminator.hidden": [8]}
    read = schema.from_dict(study)
    assert dict(read.cells[3].levels) == {"generator": 16, "optimizer_d": "sgd", "discriminator.hidden": 8}
    assert schema.from_dict(json.loads(json.dumps(schema.to_dict(read)))).cells == read.cells


def test_remedies_as_levels_are_labelled_and_survive_the_record():
    study = {"name": "x", "designs": [{"name": "x", "gan": {"target": {"kind": "normal"}}}]}
    study["designs"][0]["factors"] = {
        "penalties.r1": [0, 0.3],
        "average": ["none", {"kind": "average"}, {"kind": "average", "beta": "none"}],
        "penalty": {"none": {}, "gradient": {"penalties": {"gradient": 10, "target": 0}}},
        "adjustment": ["none", "unrolled"],
        "decay": {"constant": "none", "cosine": {"kind": "decay", "shape": "cosine"}},
    }
    with pytest.raises(ConfigError, match="adjustment: value 'unrolled': None, because penalties on D's gradient"):
        schema.from_dict(study)
    study["designs"][0]["factors"]["adjustment"] = ["none", {"kind": "unrolled", "second_order": False}]
    read = schema.from_dict(study)
    last = read.cells[-1]
    assert dict(last.levels) == {
        "penalties.r1": 0.3,
        "average": "Average(beta=None)",
        "penalty": "gradient",
        "adjustment": "Unrolled(k=5, lr=0.01, second_order=False)",
        "decay": "cosine",
    }
    assert read.cells[0].levels["average"] == "None" and read.cells[0].gan == GAN(Normal())
    assert last.gan.penalties == Penalties(r1=0.3, gradient=10, target=0)
    assert schema.from_dict(json.loads(json.dumps(schema.to_dict(read)))).cells == read.cells


def test_objects_are_labelled_by_what_differs():
    by = [Penalties(), Penalties(gradient=10), SGD(0.5), SGD(0.5, weight_decay=0.1), LeastSquares(-1, 1, 0)]
    assert [level_label(one) for one in by] == [
        *("Penalties()", "Penalties(gradient=10.0)", "SGD(lr=0.5)", "SGD(lr=0.5, weight_decay=0.1)"),
        "least-squares(-1, 1, 0)",
    ]
    assert type(level_label(by[-1])) is str
    found = cells(game=["hinge", LeastSquares(-1, 1, 0), "least-squares(0,1,2.0)"])
    assert [cell.levels["game"] for cell in found] == ["hinge", "least-squares(-1, 1, 0)", "least-squares(0, 1, 2)"]


def test_a_record_of_an_earlier_version_is_read_and_a_wrong_one_is_not():
    for label in ("(16,)", 16):
        listed = Listed([({"generator.hidden": label}, {})], ["generator.hidden"], ["generator.hidden"])
        assert Design("x", GAN_500, listed).cells[0].levels["generator.hidden"] == label
    listed = Listed([({"generator.hidden": "(4,)"}, {})], ["generator.hidden"], ["generator.hidden"])
    with pytest.raises(ConfigError, match="level \\(4,\\), but the value is 16"):
        Design("x", GAN_500, listed)


def test_labels_of_tuples():
    numbers = [level_label(value) for value in ((16,), [8], np.array([4]), (0.5,))]
    texts = [level_label(value) for value in ((8, 8), [8, 8], np.array([8, 8]), (), ((1,),))]
    assert numbers == [16, 8, 4, 0.5] and texts == ["(8, 8)", "(8, 8)", "(8, 8)", "()", "((1,),)"]
