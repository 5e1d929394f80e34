"""exp, log and their kin against 50 decimals, at the ends, and to the bit."""

import os
import subprocess
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_features__

from gansim.model import elementary
from helpers.processes import OLD_LIBRARIES

RNG = np.random.default_rng(5)
BOTH = RNG.choice([-1.0, 1.0], 100)
WIDE, NEAR_0, NARROW = RNG.uniform(-100, 100, 200), BOTH * 10 ** RNG.uniform(-20, 0, 100), RNG.normal(size=200)
POSITIVE = np.concatenate([10 ** RNG.uniform(-300, 300, 200), RNG.uniform(0.4, 2.5, 400), 1 + np.abs(NEAR_0)])
ABOVE_MINUS_1 = np.concatenate([10 ** RNG.uniform(-30, 3, 200), -(10 ** RNG.uniform(-30, -0.01, 200)), NEAR_0 / 2])
NAN, INF = np.nan, np.inf
CASES = {
    "exp": (np.concatenate([7 * WIDE, NARROW, NEAR_0]), lambda x: x.exp()),
    "expm1": (np.concatenate([WIDE, NARROW, NEAR_0]), lambda x: x.exp() - 1),
    "log": (POSITIVE, lambda x: x.ln()),
    "log1p": (ABOVE_MINUS_1, lambda x: (1 + x).ln()),
    "softplus": (np.concatenate([WIDE, NARROW, NEAR_0]), lambda x: (1 + x.exp()).ln()),
}
ENDS = {
    "exp": [(-INF, 0), (-800, 0), (-0.0, 1), (0, 1), (709, 8.218407461554972e307), (711, INF), (INF, INF)],
    "expm1": [(-INF, -1), (-800, -1), (0, 0), (5e-324, 5e-324), (711, INF), (INF, INF)],
    "log": [(-INF, NAN), (-1, NAN), (0, -INF), (5e-324, -744.4400719213812), (1, 0), (INF, INF)],
    "log1p": [(-2, NAN), (-1, -INF), (0, 0), (5e-324, 5e-324), (1e308, 709.1962086421661), (INF, INF)],
    "softplus": [(-INF, 0), (-800, 0), (0, np.log(2.0)), (1e308, 1e308), (INF, INF)],
}


def units_off(found, exact):
    """The greatest error in units of the last place."""
    pairs = zip(found.tolist(), exact, strict=True)
    return max(float(abs(Decimal(f) - v) / Decimal(float(np.spacing(abs(float(v)))))) for f, v in pairs)


@pytest.mark.parametrize("name", CASES)
def test_errors_are_below_three_units_in_the_last_place(name):
    x, of = CASES[name]
    found = getattr(elementary, name)(x)
    with localcontext() as context:
        context.prec = 80  # 50 decimals, and 30 that may cancel
        exact = [of(Decimal(v)) for v in x.tolist()]
    assert units_off(found, exact) < 3
    assert units_off(found * (1 + 1e-15), exact) > 3  # negative control: a factor of 1e-15 is noticed


@pytest.mark.parametrize("name", ENDS)
def test_ends(name):
    x, expected = np.array([*ENDS[name], (NAN, NAN)]).T
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(getattr(elementary, name)(x), expected, rtol=1e-15)
        assert getattr(elementary, name)(x.reshape(1, -1)).shape == (1, len(x))


# --- on other processors ------------------------------------------------------------------------

SCRIPT = """
import hashlib, numpy as np
from gansim.model import elementary
x = np.random.default_rng(6).uniform(1e-3, 30, 200_000)
for module, names in (elementary, ("exp", "expm1", "log", "log1p", "softplus")), (np, ("exp", "expm1", "log", "log1p")):
    print(hashlib.sha256(b"".join(getattr(module, name)(x).tobytes() for name in names)).hexdigest())
"""


def digests(**settings):
    """Of the values found here, and of NumPy's, in a process of its own."""
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.slow
def test_the_bits_do_not_know_what_the_libraries_run_on():
    (ours, numpys), (ours_there, numpys_there) = digests(), digests(**OLD_LIBRARIES)
    assert ours_there == ours
    if __cpu_features__["FMA3"]:  # negative control: the C library's exp and log take it where it is, and differ
        assert numpys_there != numpys
