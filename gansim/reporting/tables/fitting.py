"""A table fitted to a width: estimates over their intervals, leading keys as headings, columns in several blocks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gansim.reporting.tables.layout import Cell, Column, Layout, joined

__all__ = ["Block", "Page", "Row", "fit", "latex_width"]


@dataclass(frozen=True)
class Page:
    """How much room there is: a width, the gap between columns, and how wide a text is, all in the same unit."""

    width: float
    gap: float
    measure: Callable[[str], float]

    def wrapped(self, text: str, width: float) -> list[str]:
        """Break a text at spaces, and at hyphens between letters, into lines of at most this width, or of one word."""
        lines = [""]
        for word in _words(text):
            if lines[-1] and self.measure((lines[-1] + word).rstrip()) > width:
                lines.append("")
            lines[-1] += word
        return [line.rstrip() for line in lines]

    def least(self, text: str) -> float:
        """Return the width that a text has at least, however it is broken."""
        return max(self.measure(word.rstrip()) for word in _words(text))


def _words(text: str) -> list[str]:
    return re.split(r"(?<= )(?=\S)|(?<=[a-z]-)(?=[a-z])", text)


@dataclass(frozen=True)
class Row:
    """A row: the lines of each of its cells; or, if there is one, a heading above the rows that follow."""

    cells: tuple[tuple[str, ...], ...] = ()
    heading: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Lines that it takes."""
        return max((len(cell) for cell in self.cells), default=0) + len(self.heading)


@dataclass(frozen=True)
class Block:
    """Some columns of a table, with the keys in front: headings, rows, widths; what is right-aligned; spans."""

    headings: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    right: tuple[bool, ...]
    widths: tuple[float, ...]
    spans: tuple[tuple[str, int, int], ...] = ()  # text, first column, columns

    @property
    def height(self) -> int:
        """Lines that it takes, headings included."""
        return sum(row.height for row in self.rows) + max(map(len, self.headings), default=0) + bool(self.spans)


@dataclass(frozen=True)
class _Form:
    """One way to set a table: how wide a text may be, whether intervals stand below, how many keys are headings."""

    widest: float
    stacked: bool
    lifted: int


def fit(layout: Layout, page: Page) -> list[Block]:
    """Set a table in blocks that are no wider than the page, one if that is possible.

    The first of these that fits: as it is; long texts in several lines; leading keys as headings above their rows;
    intervals below their estimates; both; and then as many blocks as it takes.

    Parameters
    ----------
    layout : Layout
        The table.
    page : Page
        The room.
    """
    forms = list(_forms(layout, page))
    for form in forms:
        columns = layout.columns[form.lifted :]
        if _total(columns, [_width(column, form, page) for column in columns], page) <= page.width:
            return [_block(layout, columns, form, page)]
    cut = [(form, _parts(layout, form, page)) for form in forms]
    form, parts = min(cut, key=lambda one: len(one[1]))
    return [_block(layout, part, form, page) for part in parts]


def _forms(layout: Layout, page: Page) -> Iterator[_Form]:
    yield _Form(math.inf, False, 0)
    keys = sum(column.key for column in layout.columns)
    for stacked in (False, True):
        for lifted in range(max(keys, 1)):
            if _is_worth(layout, lifted):
                yield _Form(0.3 * page.width, stacked, lifted)


def _is_worth(layout: Layout, lifted: int) -> bool:
    """Whether the headings that so many keys make are few: at least two rows stand below each, on average."""
    rows = len(layout.columns[0].cells)
    return lifted == 0 or 2 * len(_groups(layout, lifted)) <= rows


def _groups(layout: Layout, lifted: int) -> list[int]:
    """The rows at which the first keys change."""
    keys = [[column.cells[row].line for column in layout.columns[:lifted]] for row in range(_rows(layout))]
    return [row for row, key in enumerate(keys) if row == 0 or key != keys[row - 1]]


def _rows(layout: Layout) -> int:
    return len(layout.columns[0].cells) if layout.columns else 0


# --- widths -----------------------------------------------------------------------------------------


def _cell(cell: Cell, form: _Form, page: Page) -> tuple[str, ...]:
    if form.stacked and cell.interval:
        return (f"{cell.text} {cell.error}".strip(), cell.interval)
    if page.measure(cell.line) <= form.widest or cell.interval:
        return (cell.line,)
    return tuple(page.wrapped(cell.line, form.widest))


def _width(column: Column, form: _Form, page: Page) -> float:
    inner = max((page.measure(line) for cell in column.cells for line in _cell(cell, form, page)), default=0)
    return max(inner, page.least(column.heading) if form.widest < math.inf else page.measure(column.heading))


def _total(columns: Sequence[Column], widths: Sequence[float], page: Page) -> float:
    spare = sum(extra for _, _, extra in _spans(columns, widths, page))
    return sum(widths) + spare + page.gap * (len(columns) - 1)


def _spans(columns: Sequence[Column], widths: Sequence[float], page: Page) -> list[tuple[int, int, float]]:
    """First column and number of columns of each span, and by how much its text is wider than they are."""
    found: list[tuple[int, int, float]] = []
    first = 0
    while first < len(columns):
        after = first
        while after < len(columns) and columns[after].span == columns[first].span:
            after += 1
        if columns[first].span:
            room = sum(widths[first:after]) + page.gap * (after - first - 1)
            found.append((first, after - first, max(0.0, page.measure(columns[first].span) - room)))
        first = after
    return found


def _parts(layout: Layout, form: _Form, page: Page) -> list[list[Column]]:
    """The columns in blocks, the keys before each; blocks of about the same number of columns."""
    keys = [column for column in layout.columns[form.lifted :] if column.key]
    values = [column for column in layout.columns if not column.key]
    wide = [[_width(column, form, page) for column in columns] for columns in (keys, values)]
    for size in dict.fromkeys(math.ceil(len(values) / blocks) for blocks in range(1, len(values) + 1)):
        cuts = [slice(first, first + size) for first in range(0, len(values), size)]
        parts = [[*keys, *values[cut]] for cut in cuts]
        if all(_total(part, wide[0] + wide[1][cut], page) <= page.width for part, cut in zip(parts, cuts, strict=True)):
            return parts
    return [[*keys, value] for value in values] or [keys]


# --- blocks -----------------------------------------------------------------------------------------


def _block(layout: Layout, columns: Sequence[Column], form: _Form, page: Page) -> Block:
    widths = [_width(column, form, page) for column in columns]
    spans = _spans(columns, widths, page)
    for first, count, extra in spans:
        widths[first + count - 1] += extra
    starts = set(_groups(layout, form.lifted)) if form.lifted else set()
    rows: list[Row] = []
    for row in range(_rows(layout)):
        if row in starts:
            text = joined(layout.columns[: form.lifted], row)
            rows.append(Row(heading=tuple(page.wrapped(text, page.width))))
        rows.append(Row(tuple(_cell(column.cells[row], form, page) for column in columns)))
    headings = [tuple(page.wrapped(c.heading, width)) for c, width in zip(columns, widths, strict=True)]
    return Block(
        tuple(headings),
        tuple(rows),
        tuple(column.right for column in columns),
        tuple(widths),
        tuple((columns[first].span, first, count) for first, count, _ in spans),
    )


# --- how wide a text is in print ----------------------------------------------------------------------

# Computer Modern at 9 points, \small of a standard article: widths of its characters in points, rounded up.
_WIDTHS = {
    2.6: "ijl.,:;!'| ",
    2.9: "f",
    3.2: "-I",
    3.7: "rst()",
    4.2: "cez",
    4.7: "0123456789agokvxyqJ/?$[]",
    5.2: "bdhnpuSL",
    6.2: "EFPRZ",
    7.3: "ABCDGHKNOQTUVXY&+=<>w±×−–",
    7.8: "m%#@",
    9.6: "MW",
}
_MINUS = re.compile(r"(?<![\w.-])-(?=\d)")  # as `gansim.escaping.latex` takes it
_POINTS = {sign: width for width, signs in _WIDTHS.items() for sign in signs}


def latex_width(text: str) -> float:
    r"""Return about how many points wide a text is in \small of a standard article, never much too few.

    Parameters
    ----------
    text : str
        Plain text, before it is escaped.

    Examples
    --------
    >>> 60 < latex_width("non-saturating") < 66
    True
    """
    return sum(_POINTS.get(sign, 7.3) for sign in _MINUS.sub("−", text))
