"""The examples in docstrings: each gives what it says, with no name but those that it imports or its module has."""

import doctest
import importlib
from pathlib import Path

import pytest

import gansim

PACKAGE = Path(gansim.__file__).parent
MODULES = sorted(
    "gansim." + path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
    for path in PACKAGE.rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)


def test_there_are_examples() -> None:
    assert len(MODULES) >= 15


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed
