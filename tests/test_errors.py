"""Messages: one line without control characters and of bounded length, whatever the value is."""

import pickle
import reprlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.errors import MISSING, ConfigError, Refused, named, one_line, said, shown


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


class Liar:
    """Is called like a container, and is none."""

    def __len__(self) -> int:
        raise OSError("no length")


Liar.__name__ = "dict"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        ("a", "'a'"),
        (np.float32(0.5), "np.float32(0.5)"),
        (Mute(), "<Mute>"),
        ([1, Mute()], "[1, <Mute>]"),
        (Liar(), "<dict>"),
        (10**5000, "an integer of 16610 bits"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("x" * 100, "'" + "x" * 56 + "..."),
        (list(range(1000)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16..."),
    ],
    ids=lambda part: part if isinstance(part, str) and part.isprintable() and len(part) < 60 else "",
)
def test_a_value_is_shown(value: object, text: str) -> None:
    assert shown(value) == text


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=50))
def test_any_value_is_shown_in_one_line_that_ends(value: object) -> None:
    text = shown(value)
    assert len(text) <= 60 and text.isprintable()
    assert len(shown(value, 30)) <= 30


def test_a_large_value_is_not_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the bound: what repr alone would do."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(shown(deep)) <= 60
    with pytest.raises(RecursionError):
        repr(deep)
    assert reprlib.Repr().maxlist < 20  # the library's own bounds would show six values of a tuple of widths


def test_names_and_messages() -> None:
    assert named("optimizer_g.lr") == "optimizer_g.lr"
    assert named("") == "''" and named("a\nb") == r"'a\nb'" and len(named("x" * 1000)) == 60
    assert said("a\n  b\x07") == r"a b\x07"
    long = said("start " + "x" * 5000 + " end")
    assert len(long) <= 600 and long.startswith("start x") and long.endswith("x end") and " ... " in long


def test_refusals_carry_their_parts() -> None:
    error = ConfigError.of([(f"f{i}", Refused(i, "a word").text()) for i in range(5)])
    assert str(error) == "f0: value 0: a word; f1: value 1: a word; f2: value 2: a word; and more"
    assert len(error.parts) == 5
    assert Refused(MISSING, "a word").text() == "missing: a word"
    again = pickle.loads(pickle.dumps(ConfigError("a: b")))
    assert isinstance(again, ValueError) and str(again) == "a: b"


def test_what_an_exception_says() -> None:
    assert one_line(ValueError("two\nlines")) == "two lines"
    assert one_line(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert one_line(FileNotFoundError(2, "No such file", "a", None, "b")) == "a: b: No such file"
