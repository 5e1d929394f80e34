"""Grids of cells: order, labels, overrides, and refusals that name the factor or the cell."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.analysis.floor import floor_of
from gansim.analysis.labels import label
from gansim.design.design import RESERVED, Cell, Design, Listed
from gansim.design.levels import level_label, value_at
from gansim.design.sampling import Integers, LatinHypercube, LogUniform, Sobol
from gansim.errors import ConfigError, one_line
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam
from gansim.model.paths import replace
from gansim.traces import DATA_UNITS, FIELDS, Traces
from helpers.gans import GAN_500, gans

RATES = {"point": Sobol({"optimizer_g.lr": LogUniform(1e-4, 1e-1), "samples": Integers(32, 4096, log=True)}, n=4)}


def test_without_factors_there_is_one_cell() -> None:
    (cell,) = Design("one", GAN_500).cells
    assert (cell.index, dict(cell.levels), cell.gan, cell.design) == (0, {}, GAN_500, "one")


def test_the_first_factor_is_slowest() -> None:
    games, rates = ["minimax", "as-written"], [0.1, 0.2, 0.3]
    design = Design("grid", GAN_500, {"game": games, "optimizer_d.lr": rates}, reps=7)
    assert [cell.index for cell in design.cells] == list(range(6))
    assert [tuple(cell.levels.values()) for cell in design.cells] == list(itertools.product(games, rates))
    assert [(cell.gan.game, cell.gan.optimizer_d.lr) for cell in design.cells] == list(itertools.product(games, rates))
    assert design.values == {"game", "optimizer_d.lr"}
    assert design.reps == 7


def test_the_three_forms_of_a_factor() -> None:
    design = Design(
        "forms",
        GAN_500,
        {
            "generator.hidden": [(), (16,)],
            "samples": {"fresh": None, 64: 64},
            "scale": {"raw": {}, "standardised": {"standardise": True, "target.std": 2}},
        },
    )
    first, last = design.cells[0], design.cells[-1]
    assert dict(first.levels) == {"generator.hidden": "()", "samples": "fresh", "scale": "raw"}
    assert first.gan == replace(GAN_500, {"generator.hidden": ()})
    assert dict(last.levels) == {"generator.hidden": 16, "samples": 64, "scale": "standardised"}
    assert last.gan == replace(GAN_500, {"samples": 64, "standardise": True, "target.std": 2})
    assert design.values == {"generator.hidden"}


def test_objects_and_their_fields_as_factors() -> None:
    design = Design(
        "o", GAN_500, {"optimizer_g.lr": np.geomspace(0.1, 1, 2), "optimizer_g": {"sgd": SGD(), "adam": Adam()}}
    )
    assert [cell.gan.optimizer_g for cell in design.cells] == [SGD(0.1), Adam(0.1), SGD(1), Adam(1)]
    assert type(design.cells[0].levels["optimizer_g.lr"]) is float


def test_a_list_of_cells_shows_the_base_where_a_cell_sets_nothing() -> None:
    cells = [{}, {"game": "minimax"}, {"optimizer_g": SGD(0.5), "generator.hidden": [4]}, {"optimizer_g.beta1": 0.9}]
    design = Design("list", GAN_500, cells, reps=3)
    assert [cell.gan for cell in design.cells] == [replace(GAN_500, overrides) for overrides in cells]
    assert design.columns == ("game", "optimizer_g", "generator.hidden", "optimizer_g.beta1")
    assert design.values == set(design.columns)
    adam = "Adam(lr=0.001)"
    assert [tuple(cell.levels.values()) for cell in design.cells] == [
        ("non-saturating", adam, 16, 0.5),
        ("minimax", adam, 16, 0.5),
        ("non-saturating", "SGD(lr=0.5)", 4),  # SGD has no beta1
        ("non-saturating", "Adam(lr=0.001, beta1=0.9)", 16, 0.9),
    ]


@pytest.mark.parametrize("kind", [Sobol, LatinHypercube])
def test_a_sample_makes_a_cell_of_each_point(kind: type[Sobol]) -> None:
    sample = kind({"optimizer_g.lr": LogUniform(1e-4, 1e-1), "samples": Integers(32, 4096, log=True)}, n=8, seed=3)
    design = Design("sample", GAN_500, sample)
    assert design.columns == ("optimizer_g.lr", "samples")
    assert design.values == set(design.columns)
    assert [dict(cell.levels) for cell in design.cells] == sample.points()
    assert [(c.gan.optimizer_g.lr, c.gan.samples) for c in design.cells] == [tuple(p.values()) for p in sample.points()]


def test_a_sample_is_crossed_with_a_grid() -> None:
    design = Design("both", GAN_500, {"game": ["minimax", "as-written"], **RATES})
    points = RATES["point"].points()
    assert design.columns == ("game", "point", "optimizer_g.lr", "samples")
    assert design.values == {"game", "optimizer_g.lr", "samples"}
    assert [dict(cell.levels) for cell in design.cells] == [
        {"game": game, "point": number, **point}
        for game in ("minimax", "as-written")
        for number, point in enumerate(points)
    ]
    assert [cell.gan for cell in design.cells[4:]] == [replace(GAN_500, {"game": "as-written", **p}) for p in points]


def test_cells_can_be_listed_with_their_labels() -> None:
    listed = Listed([({"a": "x", "steps": 70}, {"steps": 70}), ({"a": 2.5}, {"game": "minimax"})], ["a", "steps"])
    design = Design("record", GAN_500, listed)
    assert [dict(cell.levels) for cell in design.cells] == [{"a": "x", "steps": 70}, {"a": 2.5}]
    assert [cell.gan for cell in design.cells] == [replace(GAN_500, overrides) for _, overrides in listed.cells]
    assert (design.columns, design.values) == (("a", "steps"), frozenset())


@given(gans(), st.lists(st.integers(64, 2**20), unique=True, min_size=1, max_size=4), st.integers(1, 10**7))
def test_any_gan_can_be_varied(gan: GAN, sizes: list[int], reps: int) -> None:
    design = Design("any", replace(gan, {"batch_size": gan.packing}), {"samples": sizes}, reps)
    assert (
        [value_at(cell.gan, "samples") for cell in design.cells]
        == [cell.levels["samples"] for cell in design.cells]
        == sizes
    )
    assert design.reps == reps


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            {"factors": {"optimizer_g.lrr": [1]}},
            "design 'x', cell 0 (optimizer_g.lrr = 1): optimizer_g.lrr: no such field",
        ),
        (
            {"factors": {"steps": [100, -3]}},
            "design 'x', cell 1 (steps = -3): steps: value -3: an integer from 1 to 100,000,000",
        ),
        ({"factors": {"scale": [1, 2]}}, "design 'x', cell 0 (scale = 1): scale: no such field; did you mean"),
        ({"factors": {"scale": {"raw": 3}}}, "design 'x', cell 0 (scale = raw): scale: no such field"),
        ({"factors": {"game": []}}, "factors: game: no levels"),
        (
            {"factors": {"lr": [1, 2]}},
            "design 'x', cell 0 (lr = 1): lr: no such field; did you mean optimizer_g.lr or optimizer_d.lr? "
            "Both at once: gs.tied('optimizer_g.lr', 'optimizer_d.lr', levels)",
        ),
        (
            {"factors": {"width": [4]}},
            "design 'x', cell 0 (width = 4): width: no such field; did you mean generator.hidden or discriminator.hid",
        ),
        ({"factors": {"epochs": [4]}}, "design 'x', cell 0 (epochs = 4): epochs: no such field; did you mean steps?"),
        ({"factors": {"game": "minimax"}}, "factors: game: value 'minimax': a sequence of values"),
        ({"factors": {"game": 3}}, "factors: game: value 3: a sequence of values"),
        ({"factors": {"game": ["minimax", "minimax"]}}, "factors: game: level minimax given twice"),
        ({"factors": {"samples": {1: 1, "1": 2}}}, "factors: samples: level 1 given twice"),
        ({"factors": {"game": {"mm": "minimax"}}}, "factors: game: labels other than the games"),
        ({"factors": {"samples": {math.nan: 1}}}, "factors: samples: label nan: text without control characters, or a"),
        ({"factors": {"samples": {None: 1}}}, "factors: samples: label None: text without control characters, or a"),
        ({"factors": {"w1": {"a": {}}}}, "factors: value 'w1': text that is no column of the runs"),
        ({"factors": {3: [1]}}, "factors: value 3: text that is no column"),
        *(
            ({"factors": {name: {"a": {}}}}, f"factors: value '{name}': text that is no column of the runs")
            for name in ("n", "count", "share", "mcse", "low", "q05", "median", "quantity", "gain", "mcnemar_p")
        ),
        ({"factors": {"bell\a": {"a": {}}}}, "factors: value 'bell\\x07': text that is no column"),
        ({"factors": {"a": {"\ufffe": {}}}}, "factors: a: label '\\ufffe': text without control characters"),
        ({"factors": {"a": {"b\n": {}}}}, "factors: a: label 'b\\n': text without control characters"),
        ({"factors": {"a": {2**63: {}}}}, "factors: a: level, an integer of 64 bits: from -2^63 to 2^63 - 1"),
        ({"factors": {"a": {10**5000: {}}}}, "factors: a: level, an integer of 16610 bits: from -2^63"),
        ({"factors": {"samples": [1, 1.0]}}, "factors: samples: level 1 given twice"),
        ({"factors": {"a": {2**53: {}, 2**53 + 1: {}}}}, "factors: a: level 9007199254740992 given twice"),
        ({"factors": {"": [1]}}, "factors: value '': text that is no column"),
        ({"factors": {"a": {"b": {3: 4}}}}, "design 'x', cell 0 (a = b): overrides: value 3: a dotted path"),
        ({"factors": [1]}, "factors: cell 0: value 1: a mapping of dotted paths to values"),
        ({"factors": []}, "factors: 0 cells: from 1 to 100,000"),
        ({"factors": 3}, "factors: value 3: a mapping of names to levels, a list of overrides or a sample"),
        ({"factors": [{}, {"w1": 3}]}, "factors: value 'w1': text that is no column"),
        ({"factors": [{}, {3: 4}]}, "factors: value 3: text that is no column"),
        ({"factors": [{}, {"steps": 0}]}, "design 'x', cell 1 (steps = 0): steps: value 0: an integer from 1"),
        ({"factors": [{}, {"stepz": 1}]}, "design 'x', cell 1 (stepz = 1): stepz: no such field; did you mean steps?"),
        (
            {"factors": [{"steps": 200}, {}, {"steps": 5000}]},
            "design 'x', cell 2 (steps = 5000): the same labels as cell 1",
        ),
        ({"factors": RATES | {"optimizer_g.lr": [1]}}, "factors: optimizer_g.lr: a factor, and a field of a sample"),
        ({"factors": Listed([({"a": 1}, {}), ({"a": "1"}, {})], ["a"])}, "design 'x', cell 1 (a = 1): the same labels"),
        (
            {"factors": Listed([({"a": 1}, {}), ({"a": 1.0}, {})], ["a"])},
            "design 'x', cell 1 (a = 1.0): the same labels as cell 0",
        ),
        (
            {"factors": [{"optimizer_g.lr": 1}, {"optimizer_g.lr": 1.0}]},
            "design 'x', cell 1 (optimizer_g.lr = 1.0): the same labels as cell 0",
        ),
        (
            {"factors": Listed([({"a": math.inf}, {})], ["a"])},
            "factors: a: label inf: text without control characters, or a",
        ),
        (
            {"factors": Listed([({"steps": 70}, {"steps": 80})], ["steps"], ["steps"])},
            "design 'x', cell 0 (steps = 70): steps: level 70, but the value is 80: choose another",
        ),
        (
            {"factors": Listed([({"game": "minimax"}, {})], ["game"])},
            "design 'x', cell 0 (game = minimax): game: level minimax, but the game is non-saturating",
        ),
        (
            {"factors": {"steps": [1, 2], "a": {"b": {"steps": 3}}}},
            "design 'x', cell 0 (steps = 1, a = b): steps: set by two",
        ),
        (
            {"factors": {f"f{i}": {key: {} for key in "abcdefghij"} for i in range(6)}},
            "factors: 1,000,000 cells: at most",
        ),
        ({"reps": 0}, "reps: value 0: an integer from 1 to 10,000,000"),
        ({"reps": 2.0}, "reps: value 2.0: an integer"),
        ({"reps": True}, "reps: value True: an integer"),
        ({"name": "a b"}, "name: value 'a b': 1 to 64 letters"),
        ({"name": "../x"}, "name: value '../x': 1 to 64 letters"),
        ({"name": ""}, "name: value '': 1 to 64 letters"),
        ({"name": "a."}, "name: value 'a.': 1 to 64 letters"),
        ({"name": "NUL"}, "name: value 'NUL': a name that Windows does not keep"),
        ({"name": "com1.x"}, "name: value 'com1.x': a name that Windows does not keep"),
        ({"gan": 3}, "gan: value 3: a GAN"),
    ],
)
def test_refusals_name_the_factor_or_the_cell(arguments: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Design(**{"name": "x", "gan": GAN_500, **arguments})
    assert one_line(caught.value).startswith(line)


levels = st.none() | st.integers() | st.floats() | st.text(max_size=4) | st.booleans()
factors = st.dictionaries(
    st.sampled_from(["steps", "game", "optimizer_g.lr", "scale", "target", "samples"]) | st.text(max_size=4),
    st.lists(levels, max_size=3)
    | st.dictionaries(levels, levels | st.dictionaries(levels, levels, max_size=2), max_size=3)
    | levels,
    max_size=3,
)


@given(factors)
def test_any_factors_make_cells_or_one_line(drawn: dict[str, object]) -> None:
    try:
        design = Design("x", GAN_500, drawn)
    except ConfigError as error:
        assert "\n" not in one_line(error)
    else:
        assert len(design.cells) == math.prod(len(given_levels) for given_levels in drawn.values())
        for cell in design.cells:
            assert list(cell.levels) == list(drawn)


def test_labels() -> None:
    assert level_label(np.float32(0.5)) == 0.5
    assert [level_label(value) for value in (True, None, (1, 2), "a", 3)] == ["True", "None", "(1, 2)", "a", 3]
    assert level_label(Normal(500, 5)) == "Normal(mean=500.0, std=5.0)"


def test_values_at_paths() -> None:
    assert value_at(GAN_500, "optimizer_g.beta1") == 0.5
    for path in ("optimizer_g.rho", "steps.x", "nothing", "optimizer_g.kind.x"):
        with pytest.raises(KeyError):
            value_at(GAN_500, path)


def test_cells_are_read_only_and_travel() -> None:
    cell = Design("x", GAN_500, {"game": ["minimax"]}).cells[0]
    with pytest.raises(TypeError):
        cell.levels["game"] = "as-written"  # type: ignore[index]
    copy = pickle.loads(pickle.dumps(cell))
    assert (copy.index, dict(copy.levels), copy.gan) == (cell.index, dict(cell.levels), cell.gan)
    assert isinstance(copy, Cell)


def test_reserved_names_are_the_columns_of_labels_and_records() -> None:
    traces = Traces(np.array([[1]]), np.ones((1, 1, len(FIELDS)), dtype=np.float32), np.array([1]))
    columns = set(label(traces, floor_of(Normal(), 32)).columns)
    assert columns
    assert columns <= RESERVED
    assert {*FIELDS, *DATA_UNITS} <= RESERVED
    assert "game" not in RESERVED


def test_networks_and_mixtures_as_levels() -> None:
    networks = {"small": {"generator": MLP((4,)), "discriminator": MLP((4,))}, "large": {"generator": MLP((64, 64))}}
    design = Design("n", GAN_500, {"size": networks, "target": {"two": Mixture((0, 4), 1), "one": Normal()}})
    assert [cell.gan.generator.hidden for cell in design.cells] == [(4,), (4,), (64, 64), (64, 64)]
    assert [cell.gan.target for cell in design.cells] == [Mixture((0, 4), 1), Normal()] * 2


@pytest.mark.parametrize("name", ["seed", "rep"])
def test_a_factor_of_seeds_is_told_what_makes_them(name):
    with pytest.raises(ConfigError, match=r"what differs from run to run is numbered by reps$"):
        Design("a", GAN(target=Normal()), {name: [0, 1]})
    with pytest.raises(ConfigError) as refused:
        Design("a", GAN(target=Normal()), {"w1": [0, 1]})
    assert "numbered by reps" not in str(refused.value)
