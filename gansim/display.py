"""How objects show themselves: what differs from the default, as a line or a small HTML table; readable signatures."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable
from typing import Any, Literal, Union, get_args, get_origin

from numpy.typing import ArrayLike

from gansim import escaping

__all__ = ["DERIVED", "brief", "fields_table", "html_table", "readable", "signature", "told", "type_in_words"]

DERIVED = "derived"
"""Key of a field's metadata: the function that makes its default from the object."""

_FEW = 3  # fields that are all shown: of N(0, 1) one wants to read both numbers
_WIDTH = 100  # characters of a value's repr in a cell of HTML
_STYLE = "text-align:left;vertical-align:top"


# --- objects --------------------------------------------------------------------------------------


def _fields(item: Any) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(item) if field.repr]


def _is_default(item: Any, field: dataclasses.Field[Any]) -> bool:
    derived = field.metadata.get(DERIVED)
    value = getattr(item, field.name)
    return bool(value == (derived(item) if derived else field.default)) and field.default is not dataclasses.MISSING


def told(item: Any) -> dict[str, Any]:
    """Fields of a dataclass object that its call would name, with their values.

    Those that may be given by position, of more than three the first, and what is not default.

    Parameters
    ----------
    item : object
        Of a dataclass.
    """
    fields = _fields(item)
    placed = [field for field in fields if not field.kw_only]
    first = placed[: len(placed) if len(placed) <= _FEW else 1]
    shown = [field for field in fields if field in first or not _is_default(item, field)]
    return {field.name: getattr(item, field.name) for field in shown}


def brief(item: Any) -> str:
    """Text of a dataclass object: the call that makes it, with what is `told` of it.

    Parameters
    ----------
    item : object
        Of a dataclass.
    """
    return f"{type(item).__name__}({', '.join(f'{name}={value!r}' for name, value in told(item).items())})"


def fields_table(item: Any) -> str:
    """HTML of a dataclass object: what differs from the default, and the rest folded away.

    Parameters
    ----------
    item : object
        Of a dataclass.
    """
    rows = {field.name: (getattr(item, field.name), _is_default(item, field)) for field in _fields(item)}
    changed = html_table(type(item).__name__, [(name, value) for name, (value, same) in rows.items() if not same])
    defaults = [(name, value) for name, (value, same) in rows.items() if same]
    if not defaults:
        return changed
    folded = html_table("", defaults)
    return f"{changed}<details><summary>{len(defaults)} as by default</summary>{folded}</details>"


def html_table(title: str, rows: Iterable[tuple[object, ...]], head: Iterable[str] = ()) -> str:
    """A small HTML table; text is escaped.

    Parameters
    ----------
    title : str
        Its caption; none if empty.
    rows : iterable of tuple
        Cells, row by row; each is shown by its text.
    head : iterable of str, optional
        Names of the columns.

    Examples
    --------
    >>> html_table("", [("a", "<b>")])  # doctest: +ELLIPSIS
    '<table><tbody><tr><td style="text-align:left;vertical-align:top">a</td>...&lt;b&gt;</td></tr></tbody></table>'
    """
    caption = f"<caption><b>{escaping.html(title)}</b></caption>" if title else ""
    names = "".join(f'<th style="{_STYLE}">{escaping.html(name)}</th>' for name in head)
    top = f"<thead><tr>{names}</tr></thead>" if names else ""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>{caption}{top}<tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    if text is not value and len(text) > _WIDTH:
        text = f"{text[: _WIDTH - 3]}..."
    return f'<td style="{_STYLE}">{escaping.html(text)}</td>'


# --- signatures -----------------------------------------------------------------------------------


class _Words:
    """A type that is shown without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def signature(call: Callable[..., Any]) -> inspect.Signature:
    """Signature of a function with its types as they are written, without quotes.

    Parameters
    ----------
    call : callable
        A function, of a module with ``from __future__ import annotations``.
    """
    given = inspect.signature(call)
    named = [item.replace(annotation=_shown(item.annotation)) for item in given.parameters.values()]
    return given.replace(parameters=named, return_annotation=_shown(given.return_annotation))


def _shown(annotation: object) -> object:
    return _Words(annotation) if isinstance(annotation, str) else annotation


def readable(init: Callable[..., Any], hints: dict[str, Any]) -> inspect.Signature:
    """Signature of a dataclass's ``__init__`` with its types in words, and without `kind`.

    Parameters
    ----------
    init : callable
        The ``__init__``.
    hints : dict
        The type of each field; of ``Annotated[int, ...]`` int is shown.
    """
    given = inspect.signature(init)
    named = [
        item.replace(annotation=_Words(type_in_words(hints[item.name]))) if item.name in hints else item
        for item in given.parameters.values()
        if item.name != "kind"
    ]
    return given.replace(parameters=named, return_annotation=_Words("None"))


def type_in_words(hint: Any) -> str:
    """A type as one would write it: without modules, and without what checks it.

    Parameters
    ----------
    hint : object
        Any annotation that has been resolved.

    Examples
    --------
    >>> type_in_words(float | None), type_in_words(Literal["a", "b"]), type_in_words(tuple[int, ...])
    ('float | None', "'a' | 'b'", 'tuple[int, ...]')
    """
    if hasattr(hint, "__metadata__"):
        return type_in_words(hint.__origin__)
    if hint is type(None):
        return "None"
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(map(repr, parts))
    if origin in (Union, types.UnionType):
        arrays = [*get_args(ArrayLike)]  # a dozen types, which nobody would write out
        if all(part in parts for part in arrays):
            return " | ".join(["ArrayLike", *(type_in_words(part) for part in parts if part not in arrays)])
        return " | ".join(dict.fromkeys(map(type_in_words, parts)))
    name = getattr(origin or hint, "__name__", str(hint))
    if name == "ndarray":
        return name
    return f"{name}[{', '.join('...' if part is ... else type_in_words(part) for part in parts)}]" if parts else name
