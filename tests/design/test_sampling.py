"""Samples of continuous factors: in range, even, a function of their seed alone; and refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gansim.design.sampling import Integers, LatinHypercube, LogUniform, Sobol
from gansim.errors import ConfigError
from gansim.model.data.distributions import Uniform

LOG = LogUniform(1e-4, 1e-1)
RANGES = {"a": LOG, "b": Uniform(-2, 6), "c": Integers(32, 4096, log=True), "d": Integers(-3, 4)}


@st.composite
def ranges(draw):
    kind = draw(st.sampled_from(["uniform", "log", "integers", "log integers"]))
    if kind == "uniform":
        low = draw(st.floats(-1e5, 1e5))
        return Uniform(low, low + draw(st.floats(1e-3, 1e5)))
    if kind == "log":
        low = draw(st.floats(1e-20, 1e3))
        return LogUniform(low, low * draw(st.floats(1.01, 1e6)))
    low = draw(st.integers(1, 1000) if kind == "log integers" else st.integers(-1000, 1000))
    return Integers(low, low + draw(st.integers(1, 1000)), kind == "log integers")


@given(
    st.dictionaries(st.text("xyz", min_size=1), ranges(), min_size=1, max_size=3), st.integers(0, 5), st.integers(0, 99)
)
@settings(deadline=None, max_examples=60)
def test_points_lie_in_their_ranges_and_survive_text(given_ranges, power, seed):
    given_ranges = {"more": LOG, **given_ranges}  # without a continuous range points may repeat
    for kind in (Sobol, LatinHypercube):
        points = kind(given_ranges, 2**power, seed).points()
        assert len(points) == 2**power
        for point in points:
            assert list(point) == list(given_ranges)
            for path, over in given_ranges.items():
                value = point[path]
                assert over.low <= value <= over.high
                assert type(value) is (int if isinstance(over, Integers) else float)
                assert float(repr(value)) == value
                assert value in (over.low, over.high) or float(f"{value:.9g}") == value


def scaled_back(points):
    """Points in the unit cube, up to rounding; an integer stands for the middle of its share."""
    cube = []
    for point in points:
        row = [math.log(point["a"] / 1e-4) / math.log(1e3), (point["b"] + 2) / 8]
        row.append((math.log(point["c"]) - math.log(31.5)) / math.log(4096.5 / 31.5))
        cube.append([*row, (point["d"] + 3.5) / 8])
    return np.array(cube)


@pytest.mark.parametrize("kind", [Sobol, LatinHypercube])
def test_every_range_is_filled_evenly(kind):
    cube = scaled_back(kind(RANGES, 64, seed=1).points())
    for column in cube.T[:2]:  # one point in each of 64 parts
        assert sorted(np.floor(64 * column).astype(int)) == list(range(64))
    assert np.bincount(np.floor(8 * cube[:, 3]).astype(int)).tolist() == [8] * 8  # each integer equally often
    assert np.bincount(np.floor(4 * cube[:, 2]).astype(int), minlength=4).tolist() == pytest.approx([16] * 4, abs=2)


@pytest.mark.parametrize("kind", [Sobol, LatinHypercube])
def test_points_are_a_function_of_the_seed(kind):
    np.random.seed(0)
    points = kind(RANGES, 16, seed=5).points()
    np.random.seed(1)
    assert kind(RANGES, 16, seed=5).points() == points
    assert kind(RANGES, 16, seed=6).points() != points


def test_more_sobol_points_go_on_where_fewer_end():
    assert Sobol(RANGES, 64, seed=2).points()[:16] == Sobol(RANGES, 16, seed=2).points()
    assert LatinHypercube(RANGES, 64, seed=2).points()[:16] != LatinHypercube(RANGES, 16, seed=2).points()


def test_points_that_are_known():
    """A change of these is a change of every stored design's source."""
    assert Sobol({"lr": LOG, "n": Integers(1, 9)}, 2, seed=0).points() == [
        {"lr": 0.00169765238, "n": 9},
        {"lr": 0.0146465379, "n": 1},
    ]


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Sobol(RANGES, 12), "n: value 12: a power of two such as 8 or 16, or a LatinHypercube"),
        (lambda: Sobol(RANGES, 0), "n: value 0: an integer from 1 to 65,536"),
        (lambda: LatinHypercube(RANGES, 2.0), "n: value 2.0: an integer"),
        (lambda: LatinHypercube(RANGES, True), "n: value True: an integer"),
        (lambda: LatinHypercube(RANGES, 2, seed=-1), "seed: value -1: an integer"),
        (lambda: LatinHypercube({}, 2), "ranges: value {}: a mapping of 1 to 64"),
        (lambda: LatinHypercube([1], 2), "ranges: value [1]: a mapping"),
        (lambda: LatinHypercube({"a": (0, 1)}, 2), "ranges: a: value (0, 1): one of Uniform, LogUniform, Integers"),
        (lambda: LatinHypercube({3: LOG}, 2), "ranges: value 3: a dotted path"),
        (lambda: Sobol(RANGES, 8, sed=1), "sed: value 1: no such field; did you mean seed?"),
        (lambda: LatinHypercube(RANGES), "n: missing: an integer from 1 to 65,536"),
        (lambda: LogUniform(0, 1), "low: value 0: a number from 1e-30 to 1e+30"),
        (lambda: LogUniform(1, 1), "high: value 1: a number above low = 1"),
        (lambda: LogUniform(1, math.nan), "high: value nan: a number from 1e-30"),
        (lambda: LogUniform("1", 2), "low: value '1': a number"),
        (lambda: LogUniform(1), "high: missing: a number from 1e-30 to 1e+30"),
        (lambda: Integers(1.0, 2), "low: value 1.0: an integer from -1,000,000,000 to 1,000,000,000"),
        (lambda: Integers(False, True), "low: value False: an integer"),
        (lambda: Integers(3, 2), "high: value 2: an integer above low = 3"),
        (lambda: Integers(0, 2, log=True), "low: value 0: at least 1 where log is True"),
        (lambda: Integers(0, 2, log=1), "log: value 1: True or False"),
        (lambda: LatinHypercube({"n": Integers(1, 2)}, 3).points(), "n: value 3: points "),
    ],
)
def test_refusals(make, line):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize("n", [3, 5, 6, 9, 10, 12, 1023])
def test_a_sobol_sample_of_no_power_of_two_is_refused(n: int) -> None:
    with pytest.raises(ConfigError, match=f"n: value {n}"):
        Sobol({"optimizer_g.lr": Uniform(0, 1)}, n=n)
