"""A frame laid out for reading: which columns, what they are called, an estimate with its interval in one cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from gansim.analysis.digits import (
    MISSING,
    mean_in_words,
    number_text,
    percent,
    points_in_words,
    resolved,
    share_in_words,
)
from gansim.analysis.estimates import _QUANTILES
from gansim.analysis.groups import groups_of
from gansim.analysis.replicates import check_frame
from gansim.analysis.shares import _TIDY
from gansim.design.in_words import setting, words
from gansim.design.regimes import LABELS

__all__ = [
    "Cell",
    "Column",
    "Layout",
    "Names",
    "cell_text",
    "is_tidy",
    "joined",
    "key_columns",
    "lay_out",
    "one_line",
    "share_cell",
    "units_of",
    "without_constants",
    "writer_of",
]

Names: TypeAlias = Mapping[str, str]  # headings of a study's own columns


@dataclass(frozen=True)
class Cell:
    """A text; of an estimate, what it is, its interval and its Monte-Carlo error are apart."""

    text: str
    interval: str = ""
    error: str = ""

    @property
    def line(self) -> str:
        """All in one line, as in "93.1 % [91.4, 94.5] ± 0.8"."""
        return " ".join(part for part in (self.text, self.interval, self.error) if part)


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    heading : str
        In words; `span`, if there is one, stands above it and its neighbours with the same.
    cells : tuple of Cell
        One per row.
    right : bool
        Set right, as numbers are.
    key : bool
        Tells rows apart.
    """

    heading: str
    cells: tuple[Cell, ...]
    right: bool = False
    key: bool = False
    span: str = ""

    @property
    def lines(self) -> list[str]:
        """The cells, each in one line."""
        return [cell.line for cell in self.cells]


@dataclass(frozen=True)
class Layout:
    """A table for reading: columns, keys first; what all rows have in common; notes below."""

    columns: tuple[Column, ...]
    common: str = ""
    notes: tuple[str, ...] = ()


_SHARE_NOTE = "Each share: estimate [95 % interval]{}, in percent of n runs; 0 %: no run, 100 %: every run."
_MEAN_NOTE = "Each mean: estimate [95 % interval]{}, over the runs with a finite value."
_ERROR = " ± Monte-Carlo standard error"
_REPLICATES = (
    "Runs of one replicate in several cells share their random numbers: errors and intervals are those of means over "
    "replicates."
)


def lay_out(
    frame: pd.DataFrame, notes: str | Sequence[str] = (), names: Names | None = None, errors: bool = True
) -> Layout:
    """Lay out a table for reading.

    Shares as `tabulate` counts them stand in one row a group, a column a level that occurs; means as `estimate` makes
    them in one row a group, a column a quantity. In other tables an estimate, its interval and its error share a
    column. What is the same in every row is said once, see `Layout.common`.

    Parameters
    ----------
    frame : DataFrame
        The table.
    notes : str or sequence of str, optional
        Paragraphs after those on how to read it.
    names : mapping, optional
        Headings of columns that `gansim.design.in_words.words` does not know.
    errors : bool, default True
        False: no Monte-Carlo error beside an interval, which has it in it and is wide enough for a page.
    """
    check_frame(frame, "frame")
    more = [one_line(note) for note in ([notes] if isinstance(notes, str) else notes)]
    if is_tidy(frame):
        columns, said = _shares(frame)
    elif "quantity" in frame.columns and {"mean", "low", "high", "mcse", *_QUANTILES} <= set(frame.columns):
        columns, said = _estimates(frame)
    else:
        columns = _columns(frame, names or {})
        said = _marks(frame, columns, errors)
    columns, common, empty = without_constants(columns)
    said = [note.format(_ERROR if errors else "") for note in said]
    columns = columns if errors else list(map(_without_error, columns))
    return Layout(tuple(columns), common, (*said, *empty, *units_of(columns), *more))


def units_of(columns: Iterable[Column]) -> list[str]:
    """Say what the units in headings mean."""
    headings = [f"{column.span} {column.heading}" for column in columns]
    return [f"{text}." for unit, text in words.UNITS.items() if any(f", {unit}" in heading for heading in headings)]


def _marks(frame: pd.DataFrame, columns: Iterable[Column], errors: bool) -> list[str]:
    """Say what stands in brackets and behind a plus-minus."""
    cells = [cell for column in columns for cell in column.cells]
    said = ["in brackets: interval"] if {"low", "high"} <= set(frame.columns) else []
    if any(cell.error and (errors or not cell.interval) for cell in cells):
        said.append("behind ±: Monte-Carlo standard error")
    return [f"{'; '.join(said).capitalize().replace('monte-carlo', 'Monte-Carlo')}."] if said else []


def _without_error(column: Column) -> Column:
    return replace(column, cells=tuple(replace(c, error="") if c.interval else c for c in column.cells))


# --- shares and means: a row a group ----------------------------------------------------------------


def is_tidy(frame: pd.DataFrame) -> bool:
    """Whether a table is of shares, as `tabulate` makes them."""
    return tuple(frame.columns[-len(_TIDY) :]) == _TIDY and len(frame.columns) > len(_TIDY)


def _shares(tidy: pd.DataFrame) -> tuple[list[Column], list[str]]:
    names = [str(name) for name in tidy.columns]
    split = len(names) - len(_TIDY) - 1
    name, by = names[split], names[:split]
    keys, group = groups_of(tidy, by)
    counts = tidy.groupby(group)[["n", "replicates"]].first()
    columns = [*key_columns(keys), _numbers("n", counts["n"])]
    pooled = bool((tidy["n"] > tidy["replicates"]).any())
    if pooled:
        columns.append(_numbers("replicates", counts["replicates"]))
    cells = pd.Series([share_cell(*row) for row in _rows(tidy, "share", "low", "high", "mcse")], tidy.index, object)
    occurs = tidy.groupby(name, observed=True)["count"].transform("max") > 0
    never = [_said(name, value, by) for value in tidy.loc[~occurs, name].unique()]
    for value in tidy.loc[occurs, name].unique():
        mine = (tidy[name] == value).to_numpy()
        found = dict(zip(group[mine], cells[mine], strict=True))
        columns.append(Column(_said(name, value, by), tuple(found[row] for row in range(len(keys))), right=True))
    notes = [_SHARE_NOTE, *([f"In no row of this table: {'; '.join(never)}."] if never else [])]
    meant = setting.definitions(tidy, name, tidy.loc[occurs, name].unique())
    return columns, [*notes, *([_REPLICATES] if pooled else []), *([meant] if meant else [])]


def _estimates(frame: pd.DataFrame) -> tuple[list[Column], list[str]]:
    """One row a group; of a single quantity also the spread and the quantiles over runs."""
    by = [str(name) for name in frame.columns[: list(frame.columns).index("quantity")]]
    keys, group = groups_of(frame, by)
    quantities = list(frame["quantity"].unique())
    columns = key_columns(keys)
    for name in ("n", "missing"):
        of_group = frame.groupby(group)[name]
        low, high = of_group.min(), of_group.max()
        texts = [_either(name, *pair) for pair in zip(low, high, strict=True)]
        columns.append(Column(_COUNTS[name], tuple(map(Cell, texts)), right=True))
    pooled = bool((frame["n"] > frame["replicates"]).any())
    for quantity in quantities:
        mine = frame[(frame["quantity"] == quantity).to_numpy()]
        found = dict(zip(group[(frame["quantity"] == quantity).to_numpy()], _means(mine, quantity), strict=True))
        columns.append(
            Column(words.heading(quantity), tuple(found.get(row, Cell(MISSING)) for row in range(len(keys))), True)
        )
    if len(quantities) == 1:
        columns += _spread(frame)
    zero = [column.heading for column in columns[len(by) + 2 :] if set(column.lines) <= {"0", "0 %"}]
    if 0 < len(zero) < len(quantities):
        columns = [column for column in columns if column.heading not in zero]
    notes = [f"0 in every run: {'; '.join(zero)}."] if 0 < len(zero) < len(quantities) else []
    return columns, [_MEAN_NOTE, *notes, *([_REPLICATES] if pooled else [])]


_COUNTS = {"n": "n", "missing": "without a value"}


def _either(name: str, low: Any, high: Any) -> str:
    return cell_text(name, low) if low == high else f"{cell_text(name, low)} to {cell_text(name, high)}"


def _means(frame: pd.DataFrame, quantity: str) -> list[Cell]:
    writer = writer_of(quantity)
    return [writer(*row) for row in _rows(frame, "mean", "low", "high", "mcse")]


def _spread(frame: pd.DataFrame) -> list[Column]:
    """The spread over runs and the median with the quantiles beside it, to the third digit of the spread."""
    errors = frame["sd"] / 10
    texts = {name: [resolved(*pair) for pair in zip(frame[name], errors, strict=True)] for name in _QUANTILES}
    medians = [
        Cell(median) if low == median == high else Cell(median, f"[{low}, {high}]")
        for median, low, high in zip(texts["median"], texts["q05"], texts["q95"], strict=True)
    ]
    spread = Column(words.heading("sd"), tuple(Cell(number_text(x)) for x in frame["sd"]), right=True)
    return [spread, Column("median [5 %, 95 %] of runs", tuple(medians), right=True)]


# --- any other table ----------------------------------------------------------------------------------


def _columns(frame: pd.DataFrame, names: Names) -> list[Column]:
    """Each column; x, x_low, x_high and x_mcse are one, and so is an estimate with the table's low, high and mcse."""
    arms = _arms(frame)
    present = [str(name) for name in frame.columns if not (name in ("a", "b") and f"share_{name}" in arms)]
    cells, merged = _merged(frame, present)
    shown = [name for name in present if name not in merged]
    first = _first_measured(frame, shown, cells)
    columns = []
    for position, name in enumerate(shown):
        of = cells.get(name) or [Cell(cell_text(name, value)) for value in frame[name]]
        right = name in cells or frame[name].dtype.kind in "iuf"
        if position >= first and not right and all(_NUMERIC.match(cell.text) for cell in of):
            of, right = [_parted(cell.text) for cell in of], True
        text = names.get(name) or arms.get(name) or words.heading(name)
        columns.append(Column(text, tuple(of), right, key=position < first))
    return columns


def _arms(frame: pd.DataFrame) -> dict[str, str]:
    """Columns of a comparison that have a or b in their names are called by the levels compared."""
    said: dict[str, str] = {}
    for arm in ("a", "b"):
        if {"a", "b", "unpaired"} <= set(frame.columns) and frame[arm].nunique(dropna=False) == 1:
            level = cell_text(arm, frame[arm].iloc[0])
            said |= {f"share_{arm}": level, f"mean_{arm}": level, f"only_{arm}": f"only {level}"}
    return said


_ESTIMATES = ("share", "survival", "difference", "mean", "mean_difference")


def _merged(frame: pd.DataFrame, present: list[str]) -> tuple[dict[str, list[Cell]], set[str]]:
    """Cells of estimates that have an error or an interval in columns of their own, and the names of those columns."""
    cells: dict[str, list[Cell]] = {}
    merged: set[str] = set()
    for name in present:
        ends, error = (f"{name}_low", f"{name}_high"), f"{name}_mcse"
        if set(ends) <= set(present):
            texts = [[cell_text(name, x) for x in row] for row in _rows(frame, name, *ends)]
            cells[name] = [_parted(f"{x} [{low}, {high}]") for x, low, high in texts]
            merged |= set(ends)
        elif error in present:
            cells[name] = [error_cell(*row) for row in _rows(frame, name, error)]
            merged.add(error)
    estimates = [name for name in _ESTIMATES if name in present]
    if len(estimates) == 1 and {"low", "high"} <= set(present):
        name = estimates[0]
        writer = {"difference": points_cell}.get(name, mean_cell if name.startswith("mean") else share_cell)
        errors = frame["mcse"] if "mcse" in present else [None] * len(frame)
        rows = zip(frame[name], frame["low"], frame["high"], errors, strict=True)
        cells[name] = [writer(*row) for row in rows]
        merged |= {"low", "high", "mcse"} & set(present)
    if "mcse" in present:
        for arm in {"mean_a", "mean_b"} & set(present):
            cells[arm] = [Cell(resolved(*row)) for row in _rows(frame, arm, "mcse")]
    return cells, merged


_NUMERIC = re.compile(rf"[-+<>]?\d|{MISSING}$")  # a number in words, with or without an interval


def _first_measured(frame: pd.DataFrame, names: Sequence[str], merged: Iterable[str]) -> int:
    """Position of the first column that is no key: a count or an estimate, or else the first of numbers."""
    counted = [name in merged or _is_measured(frame, name) for name in names]
    found = counted if any(counted) else [frame[name].dtype.kind in "iuf" for name in names]
    return found.index(True) if any(found) else len(names)


_MEASURED = {"count", "n", "replicates", "missing", "unpaired", "mcse", "sd", "relabelled", *_QUANTILES}


def _is_measured(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column begins what rows hold: numbers that are counted or measured and not levels of a factor."""
    return name in _MEASURED or name in _SHARES or frame[name].dtype == np.float32


# --- cells --------------------------------------------------------------------------------------------


def _parted(text: str) -> Cell:
    """Take a text such as "93.1 % [91.4, 94.5] ± 0.8" apart; the same number three times is written once."""
    main, _, error = text.partition(" ± ")
    main, bracket, rest = main.partition(" [")
    if not bracket:
        return Cell(text)
    ends = rest.rstrip("]").split(", ")
    if MISSING in ends or all(end == main or f"{end} %" == main or end == "" for end in ends):
        return Cell(main)
    return Cell(main, f"[{rest}", f"± {error}" if error else "")


def share_cell(share: float, low: float, high: float, error: float | None) -> Cell:
    """Of a share, in percent."""
    if np.isnan(share):
        return Cell(MISSING)
    return Cell(percent(share)) if low == high == share else _parted(share_in_words(share, low, high, error))


def mean_share_cell(mean: float, low: float, high: float, error: float | None) -> Cell:
    """Of a mean of shares, whose interval, Student's, may go beyond 0 and 1; somebody's own numbers as they are."""
    if np.isnan(mean):
        return Cell(MISSING)
    if not 0 <= mean <= 1:
        return mean_cell(mean, low, high, error)
    if np.isnan(low):
        return Cell(percent(mean))
    return share_cell(mean, max(low, 0.0), min(high, 1.0), error)


def _mean_within_cell(mean: float, low: float, high: float, error: float | None) -> Cell:
    """Of a mean between 0 and 1, to at most four decimals: more of them say nothing that 1 less the mean would not."""
    if np.isnan(low) or error is None or not error < 1e-3:
        return mean_cell(mean, low, high, error)
    main, *ends = (_within(x) for x in (mean, max(low, 0.0), min(high, 1.0)))
    return Cell(main) if {main} == set(ends) else Cell(main, f"[{', '.join(ends)}]", f"± {_within(error)}")


def _within(x: float) -> str:
    """Four decimals, and 0 and 1 for nothing else."""
    if x in (0, 1):
        return f"{x:g}"
    return "<0.0001" if x < 5e-5 else ">0.9999" if x > 1 - 5e-5 else f"{x:.4f}"


def writer_of(quantity: str) -> Callable[[float, float, float, float | None], Cell]:
    """How means of a quantity are written: of shares in percent, of what lies between 0 and 1 to four decimals."""
    if quantity in _SHARES:
        return mean_share_cell
    return _mean_within_cell if quantity in _WITHIN else mean_cell


def mean_cell(mean: float, low: float, high: float, error: float | None) -> Cell:
    return _parted(mean_in_words(mean, low, high, error))


def points_cell(difference: float, low: float, high: float, error: float | None) -> Cell:
    return _parted(points_in_words(difference, low, high, error))


def error_cell(value: float, error: float) -> Cell:
    known = np.isfinite(error) and np.isfinite(value)
    return Cell(resolved(value, error), "", f"± {resolved(error, error)}" if known and error else "")


_IDENTIFIERS = ("cell", "rep", "seed", "run", "record")
# Names of whole columns, and no beginnings or ends of names: a factor may be called share_price or step_p. None of
# these may be: `gansim.design.design.RESERVED` has them all. Those of the peak are of the study of speed.
_SHARES = (
    "share",
    "share_a",
    "share_b",
    "share_of_peak",
    "share_of_peak_low",
    "share_of_peak_high",
    "acc_real",
    "acc_fake",
    "high_quality",
    "referee_accuracy",
    *(name for name in LABELS if name.startswith("share_")),
)
_WITHIN = ("ks", "d_real", "d_fake", "d_real_off", "d_fake_off", "auc", "referee_auc", "tv_modes", "ks_modes")
_P_VALUES = ("mcnemar_p",)


def cell_text(name: str, value: Any) -> str:
    """Format one value of the column `name`."""
    if isinstance(value, str):
        return one_line(words.level(value))
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(value) if name in _IDENTIFIERS else f"{value:,}"
    if not isinstance(value, float | np.floating):
        return one_line(str(value))
    if name in _SHARES:
        return percent(float(value))
    if name in _P_VALUES:
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    return number_text(float(value))


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


# --- columns ------------------------------------------------------------------------------------------


def key_columns(keys: pd.DataFrame) -> list[Column]:
    """Columns of the factors that tell rows apart."""

    def column(name: str) -> Column:
        texts = (words.level_of(name, x) if name in _SAID else cell_text(name, x) for x in keys[name])
        cells = tuple(map(Cell, texts))
        return Column(words.heading(name), cells, keys[name].dtype.kind in "iuf", key=True)

    return [column(str(name)) for name in keys.columns]


_SAID = ("regime", "thresholds")


def _numbers(name: str, values: Iterable[Any]) -> Column:
    return Column(words.heading(name), tuple(Cell(cell_text(name, value)) for value in values), right=True)


def _said(name: str, value: Any, keys: Sequence[str]) -> str:
    """Return the level in words, with its column where it is a number, or the name of another column of the table."""
    if isinstance(value, str) and value not in ("n", *keys):
        return words.level_of(name, value)
    return f"{words.heading(name)}: {cell_text(name, value)}"


def _rows(frame: pd.DataFrame, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(frame[name] for name in names), strict=True)


def joined(columns: Iterable[Column], row: int) -> str:
    """Name the levels of some columns in a row: words alone, numbers with what they are."""
    of = ((column.heading, column.cells[row].line) for column in columns)
    return ", ".join(f"{heading} {text}" if _is_bare(text) else text for heading, text in of)


def _is_bare(text: str) -> bool:
    """Whether a level says nothing by itself: a number, yes or no, nothing."""
    return text in ("yes", "no", MISSING) or not any(sign.isalpha() for sign in text)


def without_constants(columns: list[Column]) -> tuple[list[Column], str, list[str]]:
    """Drop what is the same in every row, and say it: estimates stay, they are what the table is about."""
    rows = len(columns[0].cells) if columns else 0
    fixed = [c for c in columns if len(set(c.lines)) == 1 and not any(cell.interval for cell in c.cells)]
    if rows < 2 or len(fixed) == len(columns):
        return columns, "", []
    kept = [column for column in columns if column not in fixed]
    said = [f"{c.heading} {c.lines[0]}" for c in fixed if c.lines[0] != MISSING]
    empty = [column.heading for column in fixed if column.lines[0] == MISSING]
    common = f"In every row: {'; '.join(said)}." if said else ""
    return kept, common, [f"Without a value: {'; '.join(empty)}."] if empty else []
