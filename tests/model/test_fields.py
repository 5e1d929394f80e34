"""Checks of values, and classes that refuse as they are built."""

import dataclasses
import math
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.errors import ConfigError, Refused
from gansim.model.fields import (
    Integer,
    Object,
    OneOf,
    OrNone,
    Real,
    Several,
    below,
    boolean,
    bound,
    check_named,
    checks_of,
    described,
    items_of,
    plain,
)


class Sub(int):
    pass


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        *((1, 1), (True, True), ("a", "a"), (np.int8(3), 3), (np.float32(0.5), 0.5), (np.bool_(True), True)),
        *((np.str_("a"), "a"), (Sub(3), 3), (np.float64("inf"), math.inf)),
    ],
)
def test_plain_values(value: object, kept: object) -> None:
    assert plain(value) == kept
    assert type(plain(value)) is type(kept)


@pytest.mark.parametrize("value", [np.timedelta64(3, "ns"), np.datetime64(3, "s"), np.array(3), 1j, None, object])
def test_what_is_no_plain_value_stays(value: object) -> None:
    assert plain(value) is value


@given(st.floats(0, 1))
def test_a_real_is_kept_as_a_float(x: float) -> None:
    assert Real(0, 1)(x) == x
    assert Real(0, 1)(np.float64(x)) == x


@pytest.mark.parametrize(
    ("check", "taken", "refused", "words"),
    [
        (Real(0, 1), [0, 1, -0.0], [-1e-300, 1.1, math.nan, True, "1", None, 10**400], "a number from 0 to 1"),
        (Real(0, 1, above=True), [1], [0, -0.0], "a number above 0 and up to 1"),
        (Real(0, 1, below=True), [0], [1], "a number from 0 to below 1"),
        (Real(0, 1, above=True, below=True), [0.5], [0, 1], "a number above 0, below 1"),
        (Integer(1, 4096), [1, 4096, np.uint8(3)], [0, 4097, 1.0, True, "1"], "an integer from 1 to 4,096"),
        (Integer(32, 64, multiple=32), [32, 64], [33], "a multiple of 32 from 32 to 64"),
        (Integer(1, 2, also=(-1,), what=", or -1"), [-1, 2], [0, 3], "an integer from 1 to 2, or -1"),
        (OneOf(("a", "b")), ["a", np.str_("b")], ["c", None, 1, ["a"]], "one of 'a' or 'b'"),
        (boolean, [True, np.bool_(False)], [0, 1, "yes", None], "True or False"),
        (OrNone(Integer(1, 2)), [None, 1], [0], "an integer from 1 to 2, or None"),
        (
            Several(Integer(0, 9), 1, 2, "digits"),
            [(1,), [1, 2], np.array([3])],
            [(), (1, 2, 3), 1, "1", {1}],
            "a tuple of 1 to 2",
        ),
    ],
)
def test_checks(check, taken: list, refused: list, words: str) -> None:
    for value in taken:
        kept = check(value)
        assert kept is None or type(kept) in (int, float, str, bool, tuple)
        assert not isinstance(kept, float) or math.copysign(1, kept) == 1 or kept != 0
    for value in refused:
        with pytest.raises(Refused) as caught:
            check(value)
        assert caught.value.allowed.startswith(words)


def test_items_have_an_order_and_an_end() -> None:
    assert items_of(iter(range(10**12)), 3) == [0, 1, 2, 3]
    assert items_of({1: 2}, 3) is items_of({1}, 3) is items_of("ab", 3) is items_of(b"ab", 3) is None
    assert items_of(np.array(3.0), 3) is None

    def failing():
        yield 1
        raise OSError

    assert items_of(failing(), 3) is None


def test_a_place_is_said() -> None:
    with pytest.raises(ConfigError, match=r"^rows\[1\]\[0\]: value 'x': an integer from 0 to 9$"):
        check_named("rows", [[1], ["x"]], Several(Several(Integer(0, 9), 1, 2, "digits"), 1, 3, "rows"))
    with pytest.raises(Refused) as caught:
        below("[3]", Integer(0, 1), 2)
    assert caught.value.place == "[3]"


@described
class Wheel:
    size: Annotated[float, Real(0, 10)] = 1.0
    kind: Literal["wheel"] = field(default="wheel", kw_only=True, repr=False)


@described
class Cart:
    wheel: Annotated[Wheel, Object((Wheel,), "a wheel")]
    _: KW_ONLY
    load: Annotated[int, Integer(0, 9)] = 0
    covered: bool = False

    def __post_init__(self) -> None:
        if self.load > self.wheel.size:
            raise Refused(self.load, f"at most the size, {self.wheel.size:g}", "load")


def test_a_described_class_is_a_frozen_dataclass() -> None:
    cart = Cart(Wheel(3), load=np.int64(2))
    assert cart == Cart({"size": 3, "kind": "wheel"}, load=2) == dataclasses.replace(cart, load=2)
    assert type(cart.load) is int and type(cart.wheel.size) is float
    with pytest.raises(dataclasses.FrozenInstanceError):
        cart.load = 3
    assert list(checks_of(Cart)) == ["wheel", "load", "covered"]


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Cart(), "wheel: missing: a wheel such as gs.Wheel(size)"),
        (lambda: Cart(Wheel), "wheel: value <class 'test_fields.Wheel'>: a wheel such as gs.Wheel(size)"),
        (lambda: Cart(Wheel(), 1), "Cart: value 1: one argument too many"),
        (lambda: Cart(Wheel(), wheel=Wheel()), "wheel: value Wheel(size=1.0): given by position too: once"),
        (lambda: Cart(Wheel(), lode=1), "lode: value 1: no such field; did you mean load?"),
        (lambda: Cart(Wheel(), load=3), "load: value 3: at most the size, 1"),
        (lambda: Cart({"size": 11}), "wheel.size: value 11: a number from 0 to 10"),
        (
            lambda: Cart({"size": 11}, load="x"),
            "wheel.size: value 11: a number from 0 to 10; load: value 'x': an integer",
        ),
        (lambda: Cart({3: 4}), "wheel: value 3: the name of a field of a wheel"),
        (lambda: Cart(**{"wheel": Wheel(), "a\nb": 1}), r"'a\nb': value 1: no such field"),
    ],
)
def test_a_described_class_refuses_in_one_line(make, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value).startswith(line)


def test_a_default_that_does_not_fit_is_called_one() -> None:
    @described
    class Pair:
        low: Annotated[int, Integer(0, 9)] = 0
        high: Annotated[int, Integer(0, 9)] = 5

        def __post_init__(self) -> None:
            if self.high <= self.low:
                raise Refused(self.high, f"above low = {self.low}", "high")

    with pytest.raises(ConfigError, match=r"^high: default 5: above low = 7$"):
        Pair(7)
    with pytest.raises(ConfigError, match=r"^high: value 6: above low = 7$"):
        Pair(7, 6)


def test_other_exceptions_are_not_swallowed() -> None:
    """The control: a defect is no refusal."""

    def broken(value: object) -> object:
        raise ZeroDivisionError

    @dataclass
    class Plain:
        value: int

    Plain.__init__ = bound(Plain.__init__, {"value": broken})
    with pytest.raises(ZeroDivisionError):
        Plain(1)
