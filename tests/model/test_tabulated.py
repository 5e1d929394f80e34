"""Observed values and laws by a table: what is taken, what is refused, how far a table is from its law."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gansim.errors import ConfigError
from gansim.model import paths
from gansim.model.data import laws
from gansim.model.data.distributions import Normal, evaluation_law, moments
from gansim.model.data.tabulated import Law, Observed, table_of
from gansim.model.data.values import Values
from gansim.model.gan import GAN

HEIGHTS = [172.5, 168.0, 181.25, 168.0]


# --- observed values ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        HEIGHTS,
        tuple(HEIGHTS),
        np.array(HEIGHTS),
        np.array(HEIGHTS, np.float32),
        pd.Series(HEIGHTS, name="cm", index=list("abcd")),
        pd.Series(HEIGHTS, dtype="Float64"),
        (x for x in HEIGHTS),
        HEIGHTS[::-1],
        [172.5, 168, np.float32(181.25), np.int64(168)],
    ],
)
def test_a_column_of_any_kind_is_the_same_law(given):
    target = Observed(given)
    assert target == Observed(HEIGHTS) and hash(target) == hash(Observed(HEIGHTS))
    np.testing.assert_array_equal(target.values.array, sorted(HEIGHTS))
    assert moments(target) == pytest.approx((np.mean(HEIGHTS), np.std(HEIGHTS)), rel=1e-15)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ([1.0], "values: value 1 number, 1.0: a column of 2 to 16,777,216 finite numbers, not all equal"),
        ([], "values: value 0 numbers: a column of 2 to"),
        (7, "values: value 7: a column of"),
        ([3, 3.0, 3], "values: value 3.0: numbers of which some differ; all 3 are equal"),
        (
            [1, np.nan, 2, None],
            "values[1]: value nan: finite numbers up to 1e+12; of 4 there are 2 missing or infinite",
        ),
        (pd.Series([1, None, 2], dtype="Int64"), "values[1]: value nan: finite numbers"),
        ([1, 2, np.inf], "values[2]: value inf: finite numbers"),
        ([1, 2e12], "values[1]: value 2000000000000.0: finite numbers up to 1e+12; of 2 there are 1 beyond 1e+12"),
        ([1, "2"], "values[1]: value '2': a number"),
        (["a", "b"], "values[0]: value 'a': a number"),
        ([True, False], "values[0]: value True: a number"),
        ("heights.csv", "values: value 'heights.csv': a column of"),
        ("sha256:00000000000000000000000000000000", "which is not at hand"),
        (np.ones((2, 2)), "of one dimension"),
        (pd.DataFrame({"a": [1, 2]}), "a list; one column of it"),
        ({"a": 1}, "values: value {'a': 1}: a column of"),
        ([1, 1 + 1e-12], "values: value [1, 1.000000000001]: numbers with a standard deviation of at least 1e-9"),
    ],
)
def test_what_is_no_column_of_numbers_is_refused_in_one_line(given, line):
    with pytest.raises(ConfigError) as refused:
        Observed(given)
    assert line in str(refused.value) and "\n" not in str(refused.value)


def test_values_travel_and_are_written_by_their_digest():
    target = Observed(HEIGHTS, evaluate=[1, 2, 3])
    gan = GAN(target=target)
    assert pickle.loads(pickle.dumps(gan)) == gan
    plain = paths.to_dict(gan)
    assert plain["target"]["values"] == Values(HEIGHTS).digest == "sha256:" + target.values.digest[7:]
    assert paths.from_dict(plain) == gan
    assert target != Observed(HEIGHTS) != Observed([*HEIGHTS, 168])
    assert not target.values.array.flags.writeable
    assert repr(target) == f"Observed({target.values}, evaluate={target.evaluate})"
    assert evaluation_law(target) == Observed([3, 2, 1]) and evaluation_law(Observed(HEIGHTS)) == Observed(HEIGHTS)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
@settings(deadline=None)
def test_the_law_of_values_is_the_empirical_one(values):
    if np.std(values) < 1e-6:
        return
    target, ordered = Observed(values), np.sort(values)
    u = (np.arange(3 * len(values)) + 0.5) / (3 * len(values))
    near = 1e-9 * np.std(values) + 1e-9 * np.abs(ordered).max()
    np.testing.assert_allclose(laws.quantile(target, u), np.repeat(ordered, 3), rtol=0, atol=near)
    table = table_of(target)
    assert table.shares[0] == 0 and table.shares[-1] == 1 and (np.diff(table.shares) > 0).all()
    drawn = np.searchsorted(table.edges, table.drawn, side="right") - 1  # in which cell each value lies
    np.testing.assert_allclose(np.bincount(drawn, minlength=len(table.edges) - 1) / len(values), np.diff(table.shares))
    x = np.linspace(ordered[0] - 1, ordered[-1] + 1, 2001)
    area = laws.pdf(target, x).sum() * (x[1] - x[0])
    assert area == pytest.approx(1, abs=0.1) or len(values) < 10 or np.ptp(values) < 0.1


# --- laws by a table ----------------------------------------------------------------------------

FROZEN = {
    "t": stats.t(3),
    "gamma": stats.gamma(2, scale=3),
    "lognorm": stats.lognorm(s=1, loc=5),
    "beta": stats.beta(0.5, 0.5),
    "norm": stats.norm(500, 5),
    "uniform": stats.uniform(-1, 3),
    "skewnorm": stats.skewnorm(4),
    "laplace": stats.laplace(),
}


@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_law_and_its_name_are_the_same(name):
    target = Law(FROZEN[name])
    assert target == Law(name, dict(target.parameters)) == Law(name, list(target.parameters))
    assert target == paths.from_dict(paths.to_dict(GAN(target=target))).target
    assert pickle.loads(pickle.dumps(target)) == target


@pytest.mark.parametrize("name", FROZEN)
def test_a_table_is_near_its_law(name):
    """Within 2e-4 of a standard deviation over the middle 99.8 %; moments within 1e-5, of heavy tails within 1e-3."""
    frozen, target = FROZEN[name], Law(FROZEN[name])
    u = np.linspace(0.001, 0.999, 5001)
    off = np.abs(laws.quantile(target, u) - frozen.ppf(u)) / frozen.std()
    assert off.max() < 2e-4
    tail = np.array([1e-8, 1e-6, 1 - 1e-6, 1 - 1e-8])
    np.testing.assert_allclose(laws.quantile(target, tail), frozen.ppf(tail), rtol=1e-4, atol=1e-9)
    mean, std = moments(target)
    assert mean == pytest.approx(frozen.mean(), abs=1e-5 * frozen.std())
    assert std == pytest.approx(frozen.std(), rel=1e-3 if name == "t" else 1e-5)
    x = frozen.ppf([0.1, 0.5, 0.8])
    np.testing.assert_allclose(laws.cdf(target, x), [0.1, 0.5, 0.8], atol=1e-4)
    np.testing.assert_allclose(laws.cdf(target, x, upper=True), [0.9, 0.5, 0.2], atol=1e-4)
    np.testing.assert_allclose(laws.pdf(target, x), frozen.pdf(x), rtol=0.02)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((stats.cauchy(),), "law.parameters: value {}: parameters for which"),
        ((stats.cauchy(),), "cauchy has a finite variance: distances are in standard deviations"),
        (("t", {"df": 2}), "parameters: value {'df': 2}: parameters for which t has a finite variance"),
        (("t", {}), "t needs a number for df"),
        (("t", {"df": 3, "mean": 1}), "no parameter 'mean'; those of t are df, loc or scale"),
        (("t", {"df": 3, "scale": 0}), "parameters.scale: value 0.0: a number from 1e-09"),
        (("t", {"df": "3"}), "parameters.df: value '3': a number from"),
        (("poisson", {"mu": 3}), "law: value 'poisson': a continuous law that scipy.stats has by name"),
        (("students", {"df": 3}), "a continuous law that scipy.stats has by name"),
        ((stats.poisson(3),), "a continuous law that scipy.stats has by name"),
        ((stats.t,), "law: value <scipy.stats"),
        ((3,), "law: value 3: a frozen continuous law of scipy.stats, such as scipy.stats.t(3), or its name"),
        ((stats.t([3, 4]),), "law.df: value [3, 4]: a number from"),
        (("t", {"df": 3}, [1, 2]), "quantiles: value [1, 2]: a table of 4,097 quantiles"),
    ],
)
def test_what_is_no_law_is_refused_in_one_line(given, line):
    with pytest.raises(ConfigError) as refused:
        Law(*given)
    assert line in str(refused.value) and "\n" not in str(refused.value)


def test_a_table_that_is_given_needs_no_scipy():
    """As a results folder has it: whatever a later SciPy says, the law is the one that was simulated."""
    own = Law("t", {"df": 3})
    shifted = own.quantiles.array * 1.01
    given = Law("t", {"df": 3, "loc": 0, "scale": 1}, shifted)
    assert given != own and moments(given)[1] == pytest.approx(1.01 * moments(own)[1])


def test_the_same_units_as_any_target():
    assert moments(Law(stats.norm(500, 5))) == pytest.approx((500, 5), rel=1e-5)
    with pytest.raises(ConfigError, match="precision: default 'float32': one that resolves a standard deviation"):
        GAN(target=Observed([1e6, 1e6 + 1e-3]))
    GAN(target=Observed([1e6, 1e6 + 1e-3]), standardise=True)
    assert repr(Law(stats.t(3))) == "Law('t', {'df': 3.0})" and repr(Law(stats.norm())) == "Law('norm')"
    assert Normal() != Law(stats.norm())


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        ([1, 2], [1 / 2, 1 / 2]),
        (1e9 + np.arange(5), [1 / 5] * 5),
        ([0, 0, 0, 1, 1, 3], [1 / 2, 1 / 3, 0, 1 / 6]),
        ([0.1, 0.2, 0.2, 0.3], [1 / 4, 1 / 2, 1 / 4]),
    ],
)
def test_bars_of_few_values_are_the_values(values, shares):
    edges, heights = table_of(Observed(values)).bars
    np.testing.assert_allclose(heights * np.diff(edges), shares, atol=1e-9)
    step = np.diff(np.unique(values)).min()
    np.testing.assert_allclose(np.diff(edges), step, rtol=1e-6)
    assert edges[0] == pytest.approx(min(values) - step / 2, abs=1e-6 * step)


@given(st.integers(0, 2**32 - 1), st.sampled_from([30, 300, 5000]), st.sampled_from([1.0, 0.01, 1e-6, 3e5]))
@settings(deadline=None, max_examples=30)
def test_every_bar_of_a_lattice_holds_as_many_of_its_points(seed, n, gap):
    """Whole numbers that are equally frequent look so, whatever the bars: a gap or a spike is none of theirs."""
    span = int(np.random.default_rng(seed).integers(3, 400))
    edges, heights = table_of(Observed(gap * np.repeat(np.arange(span), max(2, n // span)))).bars
    assert len(heights) <= 200
    np.testing.assert_allclose(heights[:-1], heights[0], rtol=1e-6)  # the last one may reach beyond the last value
    assert (heights * np.diff(edges)).sum() == pytest.approx(1)


def test_a_column_of_text_blames_what_is_no_number():
    with pytest.raises(ConfigError, match=r"^values\[2\]: value 'tall': a number$"):
        Observed(["179.5", "168", "tall", "181"])


def test_masked_values_are_missing():
    with pytest.raises(ConfigError, match=r"^values\[1\]: value nan: finite numbers .* 1 missing or infinite"):
        Observed(np.ma.array([1, -999, 3], mask=[0, 1, 0]))
    assert Observed(np.ma.array([1.0, 2.0, 3.0], mask=False)) == Observed([1, 2, 3])


def test_a_frame_is_asked_for_one_column_and_a_single_number_is_shown():
    with pytest.raises(ConfigError, match=r"one column of it$"):
        Observed(pd.DataFrame({"cm": [1.0, 2.0]}))
    with pytest.raises(ConfigError, match=r"^values: value 1 number, 3\.5: a column of 2 to "):
        Observed(pd.Series([3.5], name="x"))


def test_parameters_that_a_law_does_not_take_are_called_so():
    with pytest.raises(ConfigError, match=r"parameters that gamma takes$"):
        Law("gamma", {"a": -1})
    with pytest.raises(ConfigError, match="finite variance"):
        Law("t", {"df": 2})
