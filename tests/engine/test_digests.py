"""The bits of twenty-five small studies, on whatever processor this is: tests/tools/digests.txt has what they are."""

import runpy
from pathlib import Path

import pytest
from numba import config

TOOLS = Path(__file__).resolve().parents[1] / "tools"
WANTED = dict(line.split("  ")[::-1] for line in (TOOLS / "digests.txt").read_text(encoding="utf-8").splitlines())

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.slow,
    pytest.mark.skipif(bool(config.DISABLE_JIT), reason="NumPy rounds an fma twice"),
]


@pytest.mark.parametrize("name", WANTED)
def test_a_small_study_has_the_bits_it_has_on_any_processor(name):
    tools = runpy.run_path(str(TOOLS / "digests.py"))
    assert tools["CASES"].keys() == WANTED.keys()
    assert tools["digest"](tools["CASES"][name]) == WANTED[name]
