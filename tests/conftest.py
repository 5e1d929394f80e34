"""What every test runs under: no display, property tests that are repeatable where it matters, long files first."""

import os

import pytest
from hypothesis import settings

from helpers.browser import browser, visit  # noqa: F401 - fixtures of tests that look at pages

# Set before anything imports matplotlib; subprocesses started by tests inherit it.
os.environ["MPLBACKEND"] = "Agg"

# No deadline: the first call of a kernel compiles for seconds. Derandomised in CI: the same commit, the same examples.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A file goes to one process, so that its tests share what they compile, and the files that take longest go first: else
# one core would be left with one of them at the end. Neighbours compile different shapes.
FIRST = (
    "killed", "pages", "bits", "training", "simulate", "gradients", "network", "layout", "closed_forms", "figures",
    "folder", "run_figure", "commands", "speed", "pool", "measure", "compile_ahead", "cli", "regimes", "schema", "jit",
    "parts", "report_page", "report",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {f"test_{name}.py": number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))
