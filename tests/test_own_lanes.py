"""`gansim.lanes` on arrays says what a kernel computes on lanes: the same functions, limits and strange numbers."""

import numpy as np
import pytest

from gansim import lanes
from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.lanemath import ON_LANES
from gansim.kernels.lanes import LANES, T, aligned, tiles

ONE = ("absolute", "exp", "expm1", "log", "sigmoid", "softplus", "sqrt", "tanh")
absolute, exp, expm1, log, sigmoid, softplus, sqrt, tanh = (ON_LANES[name] for name in ONE)
maximum, minimum, where_greater = (ON_LANES[name] for name in ("maximum", "minimum", "where_greater"))
STRANGE = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1000.0, -1000.0, 87.5, -87.5, 1e-30, -1e-30]


@entry_point
def evaluate(code, x, out):
    """Function number ``code`` of every tile of ``x``; then those of two and of four."""
    x, y = tiles(x), tiles(out)
    for i in range(out.shape[0] // T):
        if code == 0:
            y[i] = absolute(x[i])
        elif code == 1:
            y[i] = exp(x[i])
        elif code == 2:
            y[i] = expm1(x[i])
        elif code == 3:
            y[i] = log(x[i])
        elif code == 4:
            y[i] = sigmoid(x[i])
        elif code == 5:
            y[i] = softplus(x[i])
        elif code == 6:
            y[i] = sqrt(x[i])
        elif code == 7:
            y[i] = tanh(x[i])
        elif code == 8:
            y[i] = maximum(x[i], 0.5)
        elif code == 9:
            y[i] = minimum(0.5, x[i])
        elif code == 10:
            y[i] = where_greater(x[i], 0.5, x[i] * 2.0, -1.0)


def on_lanes(code, x):
    shape = (-(-len(x) // (T * LANES[x.dtype])) * T, LANES[x.dtype])
    given, out = (aligned(shape, x.dtype) for _ in range(2))
    given.ravel()[: len(x)] = x
    with np.errstate(all="ignore"):
        evaluate(code, given, out)
    return out.ravel()[: len(x)]


def test_a_kernel_has_a_version_of_each():
    assert set(ON_LANES) == set(lanes.__all__) == {*ONE, "maximum", "minimum", "where_greater"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*ONE, "maximum", "minimum", "where_greater"])
def test_both_agree(name, dtype):
    rng = np.random.default_rng(1)
    x = np.concatenate([STRANGE, rng.normal(size=99), 40 * rng.normal(size=99)]).astype(dtype)
    if name == "log":
        x = x[x != np.inf]  # of numbers
    calls = {
        "maximum": (8, lambda: lanes.maximum(x, 0.5)),
        "minimum": (9, lambda: lanes.minimum(0.5, x)),
        "where_greater": (10, lambda: lanes.where_greater(x, 0.5, x * 2.0, -1.0)),
    }
    code, call = calls.get(name, (ONE.index(name) if name in ONE else -1, lambda: getattr(lanes, name)(x)))
    with np.errstate(all="ignore"):
        found, expected = on_lanes(code, x), call()
    assert expected.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol={np.float32: 5e-7, np.float64: 4e-15}[dtype], atol=0)


def test_other_numbers_are_taken_as_float64():
    assert lanes.exp(1) == np.exp(1.0) and lanes.softplus([0, 1]).dtype == np.float64
    assert lanes.log(0) == -np.inf and np.isnan(lanes.log(-1)) and np.isnan(lanes.sqrt(-1.0))
