"""Tables of a results folder for a page: texts as its Markdown has them, sorted by the numbers of its CSV."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gansim.analysis.groups import groups_of
from gansim.pages.markup import Table, blocks

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PageCell", "PageColumn", "PageTable", "tables_in"]

_NUMBER = re.compile(r"^([<>]?)\s*([-+−]?[\d,]*\.?\d+(?:e[-+−]?\d+)?)(?=$|[\s%])", re.IGNORECASE)
_ESTIMATE = re.compile(r"^(.*?)(?: (\[[^\]]*\]))?(?: (± \S+))?$")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PageCell:
    """A text; of an estimate its interval and its error apart; what the cell is sorted by, "" for its text."""

    text: str
    interval: str = ""
    error: str = ""
    value: str = ""


@dataclass(frozen=True)
class PageColumn:
    """A heading; whether the column is of numbers."""

    heading: str
    number: bool


@dataclass(frozen=True)
class PageTable:
    """A table of a report.

    Attributes
    ----------
    name : str
        Of its files.
    caption : str
        What it shows, and what all its rows have in common.
    columns : tuple of PageColumn
        Its columns.
    rows : tuple of tuple of PageCell
        Its cells.
    notes : tuple of str
        Paragraphs below.
    """

    name: str
    caption: str
    columns: tuple[PageColumn, ...]
    rows: tuple[tuple[PageCell, ...], ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its name in words."""
        text = re.sub(r"[_.]+", " ", self.name)
        return text[:1].upper() + text[1:]


def tables_in(folder: Path) -> Iterator[PageTable]:
    """Read the tables of a results folder.

    Parameters
    ----------
    folder : Path
        With ``tables/``, in which each table is a .md file, and its numbers a .csv file.

    Yields
    ------
    PageTable
        In the order of their names.
    """
    for path in sorted((folder / "tables").glob("*.md")):
        before, table, after = blocks(path.read_text(encoding="utf-8"))
        if table is not None:
            numbers = path.with_suffix(".csv")
            text = numbers.read_text(encoding="utf-8") if numbers.is_file() else ""
            yield _page_table(path.stem, " ".join(before), table, after, text)


def _page_table(name: str, caption: str, table: Table, notes: Sequence[str], csv: str) -> PageTable:
    known = _numbers_of(csv, len(table.rows))
    columns, sides = [], []
    for heading, right, texts in zip(table.headings, table.right, zip(*table.rows, strict=True), strict=False):
        found = _sorted_by(texts, known)
        columns.append(PageColumn(heading, right or found is not None))
        sides.append([_cell(text, found[place] if found else "") for place, text in enumerate(texts)])
    if not table.rows:
        columns = [PageColumn(*one) for one in zip(table.headings, table.right, strict=True)]
    return PageTable(name, caption, tuple(columns), tuple(zip(*sides, strict=True)), tuple(notes))


def _cell(text: str, value: str) -> PageCell:
    parts = _ESTIMATE.match(text)
    assert parts is not None  # its first group takes anything
    return PageCell(parts[1], parts[2] or "", parts[3] or "", value)


# --- numbers ------------------------------------------------------------------------------------------


def _numbers_of(csv: str, rows: int) -> list[Floats]:
    """Columns of numbers of a CSV that may be columns of a table of so many rows: its own, or one for each level."""
    import pandas as pd

    if not csv:
        return []
    try:
        frame = pd.read_csv(io.StringIO(csv))
    except ValueError:  # empty
        return []
    if len(frame) == rows:
        return _columns(frame)
    return [column for part in _levels_of(frame) if len(part) == rows for column in _columns(part)]


def _levels_of(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each level or quantity, a row a group, of a frame as `tabulate` or `estimate` makes it."""
    names = [str(name) for name in frame.columns]
    split = names.index("quantity") if "quantity" in names else names.index("share") - 1 if "share" in names else -1
    if split < 1:
        return
    _, group = groups_of(frame, names[:split])
    for _, part in frame.assign(**{_GROUP: group}).groupby(names[split], sort=False, observed=True):
        yield part.sort_values(_GROUP, kind="stable").drop(columns=_GROUP)


_GROUP = "group of the page"  # no factor may have spaces in its name


def _columns(frame: pd.DataFrame) -> list[Floats]:
    return [frame[name].to_numpy(np.float64) for name in frame.columns if frame[name].dtype.kind in "iuf"]


def _sorted_by(texts: Sequence[str], known: Sequence[Floats]) -> list[str] | None:
    """What a column is sorted by: the numbers that round to its texts, else those they begin with; None: no numbers.

    A number that is shown as "<0.1 %" keeps its place among others so.
    """
    shown = [_shown(text) for text in texts]
    if not any(one is not None for one in shown) or any(
        one is None and text not in _NONE for one, text in zip(shown, texts, strict=True)
    ):
        return None
    low = np.array([np.nan if one is None else one[0] for one in shown])
    high = np.array([np.nan if one is None else one[1] for one in shown])
    percent = any("%" in text.split("[")[0] for text in texts)
    missing = np.isnan(low)
    for values in known:
        scaled = values * 100 if percent else values
        with np.errstate(invalid="ignore"):
            if ((scaled >= low) & (scaled <= high) | missing).all():
                return ["" if gone or np.isnan(x) else f"{x:.9g}" for x, gone in zip(scaled, missing, strict=True)]
    return ["" if gone else f"{x:.9g}" for x, gone in zip((low + high) / 2, missing, strict=True)]


_NONE = ("–", "")


def _shown(text: str) -> tuple[float, float] | None:
    """Between which numbers one lies that is shown so; None if it is none."""
    match = _NUMBER.match(text.strip())
    if match is None:
        return None
    sign, digits = match[1], match[2].replace(",", "").replace("−", "-")
    value = float(digits)
    mantissa, _, exponent = digits.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    half = 0.5000001 * 10.0**-decimals
    if sign == "<":
        return 0.0 if value > 0 else -np.inf, value
    if sign == ">":
        return value, np.inf
    return value - half, value + half
