"""Fields: what may stand in them, and classes that refuse anything else as they are built.

A check takes any value whatever and returns the one that is kept, a plain Python object, or raises `Refused`. A class
says its checks with its types, ``lr: Annotated[float, Real(0, 1000)]``, and is made a frozen dataclass by `described`;
what concerns two fields at once stands in its ``__post_init__``.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, ParamSpec, TypeAlias, TypeVar, dataclass_transform, get_args, get_origin
from typing import get_type_hints as _hints

import numpy as np

from gansim import display
from gansim.errors import MISSING, ConfigError, Refused, named, shown
from gansim.hints import hint

__all__ = [
    "LATER",
    "Check",
    "Integer",
    "Object",
    "OneOf",
    "OrNone",
    "Real",
    "Several",
    "below",
    "boolean",
    "bound",
    "check_named",
    "checks_of",
    "described",
    "items_of",
    "join",
    "plain",
]

Check: TypeAlias = Callable[[Any], Any]
_Class = TypeVar("_Class", bound=type[Any])
_Arguments = ParamSpec("_Arguments")

LATER = {"later": True}
"""Metadata of a field that came after results had been stored: by default it changes nothing, and those had none."""

_MANY = 4  # unknown names that are looked at: one more than a message tells
_PLAIN = frozenset((bool, int, float, str, type(None)))
_BUILTIN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
)


# --- values -------------------------------------------------------------------------------------


def plain(value: object) -> object:
    """Python's own number, text or boolean for one of NumPy's or of a subclass; anything else as it is.

    Parameters
    ----------
    value : object
        Any value.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":  # a duration of nanoseconds would become an int
        value = value.item()
    for kind, own in _BUILTIN:
        if isinstance(value, kind) and not isinstance(value, bool):
            return own(value)
    return value


def items_of(value: object, most: int) -> list[Any] | None:
    """Items of a tuple, list, array or any other iterable with an order, one more than `most` if there are so many.

    Parameters
    ----------
    value : object
        Any value.
    most : int
        How many are of interest: an iterable may have no end.

    Returns
    -------
    list or None
        None for what has no items in order: a single number, text, a mapping, a set.
    """
    if isinstance(value, (str, bytes, bytearray, memoryview, Mapping, set, frozenset)):
        return None
    if not isinstance(value, Iterable) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return None
    try:
        return list(itertools.islice(value, most + 1))
    except Exception:  # an iterable that cannot be read is as good as none
        return None


def join(words: Iterable[str]) -> str:
    """Words as a list in a sentence: "a, b or c"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _number(number: float) -> str:
    if isinstance(number, int):
        return f"{number:,}"
    short = f"{number:g}"
    near = abs(float(short) - number) <= 1e-8 * abs(number)
    return short if near else repr(number)  # 0.9999999 is not 1


# --- checks -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Real:
    """A finite real number from `low` to `high`, kept as a float; booleans and text are refused.

    Parameters
    ----------
    low, high : float
        Bounds, both included.
    above, below : bool, default False
        `low` itself is refused; `high` itself is.
    """

    low: float
    high: float
    above: bool = False
    below: bool = False

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        low, high = _number(self.low), _number(self.high)
        if self.above:
            return f"a number above {low}{f', below {high}' if self.below else f' and up to {high}'}"
        return f"a number from {low} to {'below ' if self.below else ''}{high}"

    def __call__(self, value: object) -> float:
        """Return the number, or refuse."""
        number = plain(value)
        if isinstance(number, (int, float)) and not isinstance(number, bool) and self._holds(number):
            return float(number) + 0.0  # not -0.0: it equals 0.0 and is another bit
        raise Refused(value, self.allowed)

    def _holds(self, number: float) -> bool:
        inside = self.low <= number <= self.high
        return inside and not (self.above and number == self.low) and not (self.below and number == self.high)


@dataclass(frozen=True)
class Integer:
    """An integer from `low` to `high`; 2.0, booleans and text are refused.

    Parameters
    ----------
    low, high : int
        Bounds, both included.
    multiple : int, default 1
        What it must be a multiple of.
    also : tuple of int, default ()
        Other integers that are taken.
    what : str, default ""
        How they are called in the refusal, such as ", or -1 for one per core".
    """

    low: int
    high: int
    multiple: int = 1
    also: tuple[int, ...] = ()
    what: str = ""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        kind = "an integer" if self.multiple == 1 else f"a multiple of {self.multiple}"
        return f"{kind} from {_number(self.low)} to {_number(self.high)}{self.what}"

    def __call__(self, value: object) -> int:
        """Return the integer, or refuse."""
        number = plain(value)
        if isinstance(number, int) and not isinstance(number, bool) and self._holds(number):
            return number
        raise Refused(value, self.allowed)

    def _holds(self, number: int) -> bool:
        return (self.low <= number <= self.high and number % self.multiple == 0) or number in self.also


@dataclass(frozen=True)
class OneOf:
    """One of some words.

    Parameters
    ----------
    words : tuple of str
        The words.
    """

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"{'one of ' if len(self.words) > 1 else ''}{join(map(repr, self.words))}"

    def __call__(self, value: object) -> str:
        """Return the word, or refuse."""
        word = plain(value)
        if isinstance(word, str) and word in self.words:
            return word
        raise Refused(value, self.allowed)


def boolean(value: object) -> bool:
    """Return True or False, Python's or NumPy's, or refuse: 1 and "yes" are neither."""
    truth = plain(value)
    if isinstance(truth, bool):
        return truth
    raise Refused(value, "True or False")


@dataclass(frozen=True)
class OrNone:
    """None, or what another check takes.

    Parameters
    ----------
    check : callable
        The other check.
    """

    check: Check

    def __call__(self, value: object) -> Any:
        """Return the value, or refuse."""
        if value is None:
            return None
        try:
            return self.check(value)
        except Refused as refused:
            raise Refused(refused.value, f"{refused.allowed}, or None", refused.place) from None


@dataclass(frozen=True)
class Several:
    """From `low` to `high` values in order, kept as a tuple; see `items_of` for what is taken.

    Parameters
    ----------
    check : callable
        Check of each.
    low, high : int
        How many.
    what : str
        What they are, and an example: "numbers, such as (-1, 1)".
    single : str, default ""
        Where one integer by itself is taken for a tuple of one: how it is called in the refusal, such as "a width".
    """

    check: Check
    low: int
    high: int
    what: str
    single: str = ""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"{f'{self.single}, or ' if self.single else ''}a tuple of {self.low} to {self.high} {self.what}"

    def __call__(self, value: object) -> tuple[Any, ...]:
        """Return the tuple, or refuse the first value that is none."""
        if self.single and type(number := plain(value)) is int:
            return (self.check(number),)
        items = items_of(value, self.high)
        if items is None or not self.low <= len(items) <= self.high:
            raise Refused(value, self.allowed)
        return tuple(below(f"[{number}]", self.check, item) for number, item in enumerate(items))


@dataclass(frozen=True)
class Object:
    """An object of one of some described classes itself, or a mapping of its fields, `kind` saying which class.

    An object of a subclass is refused: it would not survive being written down.

    Parameters
    ----------
    classes : tuple of type
        The classes.
    noun : str
        What such an object is called, with its article.
    by_name : bool, default False
        The name of a class, such as "adam", is taken for one of its objects with all defaults.
    """

    classes: tuple[type[Any], ...]
    noun: str
    by_name: bool = False

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        several = f": {join(cls.__name__ for cls in self.classes)}," if len(self.classes) > 1 else ""
        named = f", or {join(repr(cls.kind) for cls in self.classes)}" if self.by_name else ""
        return f"{self.noun}{several} such as {_call(self.classes[0])}{named}"

    def __call__(self, value: Any) -> Any:
        """Return the object, or refuse."""
        if type(value) in self.classes:
            return value
        if isinstance(value, Mapping):
            for name in value:
                if not isinstance(name, str):
                    raise Refused(name, f"the name of a field of {self.noun}")
            return self._chosen(value)(**value)
        meant = [cls for cls in self.classes if value is cls or _is_name_of(cls, value)]
        if self.by_name and meant and meant[0] is not value:
            return meant[0]()
        raise Refused(value, f"{self.noun} such as {_call(meant[0])}" if meant else self.allowed)

    def _chosen(self, fields: Mapping[str, Any]) -> type[Any]:
        if len(self.classes) == 1:
            return self.classes[0]
        kinds = {cls.kind: cls for cls in self.classes}
        kind = plain(fields.get("kind", MISSING))
        if isinstance(kind, str) and kind in kinds:
            return kinds[kind]
        raise Refused(kind, f"one of {join(kinds)}", ".kind")


def _call(cls: type[Any]) -> str:
    """How an object of a class is made."""
    fields = dataclasses.fields(cls)
    placed = [item.name for item in fields if not item.kw_only]
    return f"gs.{cls.__name__}({', '.join(placed) or f'{fields[0].name}=...'})"


def _is_name_of(cls: type[Any], value: object) -> bool:
    word = plain(value)
    return isinstance(word, str) and word.lower() in (cls.__name__.lower(), getattr(cls, "kind", None))


def below(place: str, check: Check, value: object) -> Any:
    """Return what a check makes of a part of a value, or refuse it saying which part.

    Parameters
    ----------
    place : str
        The part, such as "[0]"; in ``__post_init__`` the name of a field.
    check : callable
        The check.
    value : object
        The part.
    """
    try:
        return check(value)
    except Refused as refused:
        raise Refused(refused.value, refused.allowed, f"{place}{refused.place}") from None


def check_named(name: str, value: object, check: Check) -> Any:
    """Return what a check makes of a value, or refuse it under a name.

    Parameters
    ----------
    name : str
        How to call it in the refusal.
    value : object
        The value.
    check : callable
        The check.

    Raises
    ------
    ConfigError
        If the check refuses it.
    """
    try:
        return check(value)
    except Refused as refused:
        raise ConfigError.of([(f"{name}{refused.place}", refused.text())]) from None


_OWN: dict[Any, Check] = {bool: boolean, int: Integer(-(2**63), 2**63 - 1), float: Real(-1e300, 1e300)}


# --- classes ------------------------------------------------------------------------------------


def checks_of(cls: type[Any]) -> dict[str, Check]:
    """The checks that a dataclass says with its types, by field.

    Parameters
    ----------
    cls : type
        A dataclass. ``Annotated[..., check]`` has that check, the first of its metadata that can be called; a
        `Literal`, a `bool`, an `int` and a `float` have their own; other types have none.
    """
    hints = _hints(cls, include_extras=True)
    found: dict[str, Check] = {}
    for item in dataclasses.fields(cls):
        hint = hints[item.name]
        given = [one for one in getattr(hint, "__metadata__", ()) if callable(one)]
        if get_origin(hint) is Annotated:
            hint = hint.__origin__
        if given:
            found[item.name] = given[0]
        elif get_origin(hint) is Literal:
            found[item.name] = OneOf(get_args(hint))
        elif hint in _OWN:
            found[item.name] = _OWN[hint]
    return found


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def described(cls: _Class) -> _Class:
    """Make a class a frozen dataclass whose values are checked, and whose every refusal is a `ConfigError`.

    Values that are given are checked one by one and all refusals told; then ``__post_init__`` may compare them, and
    raise `Refused` with the name of a field for its place. Defaults are taken as they stand.

    Parameters
    ----------
    cls : type
        As for `dataclasses.dataclass`. The types of its fields are those that are kept; where more is taken, an
        ``__init__`` without a body says what, for readers and type checkers. Its names and defaults are the fields'.
    """
    declared = cls.__dict__.get("__init__")
    if declared is not None:
        delattr(cls, "__init__")
    made: Any = dataclass(frozen=True, repr=False)(cls)
    if "__repr__" not in cls.__dict__:
        made.__repr__ = display.brief
    made._repr_html_ = display.fields_table
    taken = declared or made.__init__
    own = display.readable(taken, _hints(declared or made))
    made.__init__ = bound(made.__init__, checks_of(made))
    made.__init__.__signature__ = own
    made.__signature__ = own.replace(parameters=list(own.parameters.values())[1:], return_annotation=own.empty)
    return made  # type: ignore[no-any-return]


def bound(
    init: Callable[_Arguments, None], checks: Mapping[str, Check] = MappingProxyType({})
) -> Callable[_Arguments, None]:
    """Wrap an ``__init__`` so that arguments that are missing, unknown, too many or refused make a `ConfigError`.

    Parameters
    ----------
    init : callable
        The ``__init__``, with no variable arguments of its own.
    checks : mapping of str to callable, optional
        Checks by argument.
    """
    own = inspect.signature(init)
    _, *parameters = own.parameters.values()
    names = dict.fromkeys(item.name for item in parameters)
    positional = [item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD]
    needed = {
        item.name: getattr(checks.get(item.name), "allowed", "a value is needed")
        for item in parameters
        if item.default is item.empty
    }

    @functools.wraps(init)
    def refusing(self: Any, /, *args: Any, **by_name: Any) -> None:
        if len(args) > len(positional):
            raise ConfigError(_too_many(type(self).__name__, args[len(positional)], positional, names))
        values = dict(zip(positional, args, strict=False))
        parts = [
            (name, f"value {shown(by_name[name])}: given by position too: once") for name in values if name in by_name
        ]
        values |= by_name
        unknown = [name for name in values if name not in names]
        parts += [(named(name), _unknown(name, values[name], own)) for name in unknown[:_MANY]]
        parts += [(name, f"missing: {needed[name]}") for name in needed if name not in values]
        checked = values | _kept(values, checks, parts)
        if parts:
            raise ConfigError.of(parts)
        try:
            init(self, **checked)
        except Refused as refused:  # by __post_init__; what is shown is the value as it was given
            given = re.split(r"[.\[]", refused.place)[0] in values
            again = Refused(values.get(refused.place, refused.value), refused.allowed)
            raise ConfigError.of([(refused.place, again.text("value" if given else "default"))]) from None

    refusing.__doc__ = init.__doc__ or "Take the parameters that the class describes; others are refused in one line."
    refusing.__signature__ = display.signature(init)  # type: ignore[attr-defined]
    return refusing  # type: ignore[return-value]


def _kept(values: Mapping[str, Any], checks: Mapping[str, Check], parts: list[tuple[str, str]]) -> dict[str, Any]:
    """What the checks make of the values; refusals are added to `parts`."""
    kept: dict[str, Any] = {}
    for name, check in checks.items():
        if name in values:
            try:
                kept[name] = check(values[name])
            except Refused as refused:
                parts.append((f"{name}{refused.place}", refused.text()))
            except ConfigError as error:  # of an object that was given as a mapping
                parts += [(f"{name}.{place}", text) for place, text in error.parts]
    return kept


def _too_many(title: str, value: object, positional: list[str], names: Iterable[str]) -> str:
    by_name = f"keyword arguments only, such as {title}({next(iter(names))}=...)"
    return f"{title}: value {shown(value)}: {'one argument too many' if positional else by_name}"


def _unknown(name: str, value: object, init: inspect.Signature) -> str:
    fields = [known for known in init.parameters if known not in ("self", "kind")]
    within = [path for known in fields for path in _fields_of(known, init.parameters[known].default)]
    meant = f"; {hint(name, [*fields, *within])}" if fields else ""
    return f"value {shown(value)}: no such field{meant}"


def _fields_of(name: str, default: Any) -> list[str]:
    """Dotted paths of the fields of an argument that is an object by default."""
    if isinstance(default, type) or not dataclasses.is_dataclass(default):
        return []
    return [f"{name}.{field.name}" for field in dataclasses.fields(default) if field.name != "kind"]


def check_integer(value: object, name: str, low: int, high: int) -> int:
    """Return an integer within bounds, or refuse it.

    Parameters
    ----------
    value : int
        A Python or NumPy integer; 2.0, True and "2" are refused.
    name : str
        How to call it in the refusal.
    low, high : int
        Bounds, both included.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    checked: int = check_named(name, value, Integer(low, high))
    return checked
