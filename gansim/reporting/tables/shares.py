"""One table of a study's runs for a paper: shares or means with intervals, factors as rows and columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from gansim.analysis.groups import groups_of, in_order, settings_of, varied
from gansim.analysis.outcomes import Outcome, outcome_of, summarise
from gansim.analysis.replicates import check_frame, columns_of
from gansim.design.in_words import setting, words
from gansim.errors import ConfigError, shown
from gansim.reporting.tables import latex, text
from gansim.reporting.tables.layout import (
    Cell,
    Column,
    Layout,
    cell_text,
    joined,
    key_columns,
    one_line,
    share_cell,
    units_of,
    without_constants,
    writer_of,
)
from gansim.reporting.writing import csv_text, write

__all__ = ["Table", "table"]


def table(
    runs: pd.DataFrame,
    rows: str | Sequence[str] | None = None,
    columns: str | Sequence[str] = (),
    outcome: str | Sequence[str] | None = None,
    level: float = 0.95,
) -> Table:
    """Lay out shares of runs, or means, with their intervals: factors as rows and columns of a table.

    Parameters
    ----------
    runs : DataFrame
        One row per run, as `Study.run` and `simulate` return them, or some of them.
    rows : str or sequence of str, optional
        Factors whose combinations are the rows; by default all that vary and are no columns.
    columns : str or sequence of str, optional
        Factors whose combinations are the columns, the first above the second.
    outcome : str or sequence of str, optional
        What is counted: a state of G or D, such as "converged" or "idle"; several of one player; a label, such as
        "g_state", all of whose states that occur get a column each; a column of yes and no, such as "left". Or a column
        of numbers, such as "w1", whose mean over runs is taken. By default "g_state", and "converged" where there are
        factors as columns.
    level : float, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    Table
        Prints in 80 columns; `latex`, `markdown`, `html`, `csv` and `save` write it. Its `frame` has the numbers.

    Raises
    ------
    ConfigError
        If a factor or the outcome does not occur, or a factor is a row and a column.

    Examples
    --------
    >>> runs = pd.DataFrame(
    ...     {
    ...         "rep": [0, 1, 2, 3] * 2,
    ...         "game": ["minimax"] * 4 + ["non-saturating"] * 4,
    ...         "g_state": ["converged", "collapsed", "converged", "converged"] + ["converged"] * 4,
    ...     }
    ... )
    >>> print(table(runs, "game", outcome="converged"))
    Share of runs that converged, by game. In every row: n 4.
    <BLANKLINE>
    game                      converged
    -----------------------------------
    minimax         75.0 % [30.1, 95.4]
    non-saturating  100 % [51.0, 100.0]
    <BLANKLINE>
    Each cell: percent of n runs [95 % interval, Wilson's].
    """
    check_frame(runs)
    if not len(runs):
        raise ConfigError("runs: no rows; there is nothing to tabulate")
    found = outcome_of(runs, outcome if outcome is not None else ("converged" if columns else "g_state"))
    across = columns_of(columns, "columns")
    down = (
        [name for name in varied(settings_of(runs)) if name not in across] if rows is None else columns_of(rows, "rows")
    )
    if twice := sorted(set(down) & set(across)):
        raise ConfigError(f"columns: value {shown(twice[0])}: a factor that is no row")
    by = [*down, *across]
    frame = in_order(summarise(runs, by, found, level), by).reset_index(drop=True)
    caption = f"{_title(found, down, across)} {setting.sentence(runs)}".strip()
    what = found.levels[0] if len(found.levels) == 1 and isinstance(found.levels[0], str) else found.column
    name = "-".join(re.sub(r"[^\w.-]+", "-", part) for part in (what, *down, *across))
    notes = [*_notes(found, frame, level), setting.definitions(runs, found.column, found.levels)]
    return Table(frame, _lay_out(frame, down, across, found, notes), caption, _label(setting.study_of(runs), name))


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """A table of shares or means; see `table`.

    Attributes
    ----------
    frame : DataFrame
        The numbers, one row per group and outcome, as `tabulate` or `estimate` return them.
    layout : Layout
        What is written where.
    caption : str
        In words: what is counted, of which target, after how many steps.
    label : str
        Of the LaTeX, without "tab:": the study and what is in the table.
    """

    frame: pd.DataFrame
    layout: Layout = field(repr=False)
    caption: str
    label: str

    def latex(self, label: str | None = None, caption: str | None = None) -> str:
        """Return the table as LaTeX no wider than the text of a standard article, with booktabs and longtable.

        Parameters
        ----------
        label : str, optional
            Its label, without "tab:".
        caption : str, optional
            Its caption, plain text.
        """
        return latex.latex(self.layout, self._said(caption), self.label if label is None else label)

    def markdown(self, caption: str | None = None) -> str:
        """Return the table as Markdown.

        Parameters
        ----------
        caption : str, optional
            The line above it.
        """
        return text.markdown(self.layout, self._said(caption))

    def html(self, caption: str | None = None) -> str:
        """Return the table as HTML.

        Parameters
        ----------
        caption : str, optional
            Its caption.
        """
        return text.html(self.layout, self._said(caption))

    def csv(self) -> str:
        """Return the numbers as CSV, to twelve digits, with the columns of `frame`."""
        return csv_text(self.frame)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the table to a file, in the form that its ending names.

        Parameters
        ----------
        path : path
            Ends in .tex, .md, .html, .csv or .txt; its folder is made if missing.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ConfigError
            If it ends in anything else, or cannot be written.
        """
        writers: dict[str, Callable[[], str]] = {
            ".tex": self.latex,
            ".md": self.markdown,
            ".html": self.html,
            ".csv": self.csv,
            ".txt": lambda: f"{self}\n",
        }
        file = Path(path)
        if file.suffix not in writers:
            raise ConfigError(f"path: value {shown(file.name)}: a file that ends in {', '.join(writers)}")
        content = writers[file.suffix]()
        try:
            return write(file, content)
        except OSError as error:
            raise ConfigError(f"path: value {shown(str(file))}: cannot be written ({error.strerror})") from None

    def _said(self, caption: str | None) -> str:
        return self.caption if caption is None else one_line(caption)

    def __repr__(self) -> str:
        return text.plain(self.layout, self.caption)

    def _repr_html_(self) -> str:
        return self.html()


# --- words --------------------------------------------------------------------------------------------


def _title(outcome: Outcome, down: Sequence[str], across: Sequence[str]) -> str:
    """Say what is in the cells, and by what."""
    if not outcome.levels:
        what = f"Mean of the {words.heading(outcome.column, unit=False)} at the end of training"
    elif len(outcome.levels) == 1:
        what = f"Share of runs that {_did(outcome.column, outcome.levels[0])}"
    else:
        what = f"Share of runs by {words.heading(outcome.column)}"
    by = [words.heading(name) for name in (*down, *across)]
    return f"{what}, by {', '.join(by[:-1])}{' and ' if by[:-1] else ''}{by[-1]}." if by else f"{what}."


def _did(column: str, state: Any) -> str:
    if column == "g_state":
        return {"modes dropped": "dropped modes", "off target": "ended off target"}.get(
            state, f"ended {state}" if state == "non-finite" else state
        )
    if column == "d_state":
        return f"end with {'a' if state[0] not in 'aeiou' else 'an'} {state} discriminator"
    return words.heading(column) if state is True else f"ended {words.level_of(column, state)}"


def _notes(outcome: Outcome, frame: pd.DataFrame, level: float) -> list[str]:
    """Say what a cell holds, and what its interval is."""
    percent = f"{100 * level:g} % interval"
    pooled = bool((frame["replicates"] < frame["n"]).any())
    if not outcome.levels:
        said = f"Each cell: mean over the runs with a finite value [{percent}, Student's]."
    else:
        said = f"Each cell: percent of n runs [{percent}{'' if pooled else ', Wilson' + chr(39) + 's'}]."
    more = "Runs of one replicate in several cells share their random numbers: intervals are those of means over "
    return [said, *([f"{more}replicates."] if pooled else [])]


def _label(study: str, name: str) -> str:
    return "-".join(part for part in (study, name) if part)


# --- layout -------------------------------------------------------------------------------------------


def _lay_out(
    frame: pd.DataFrame, down: Sequence[str], across: Sequence[str], outcome: Outcome, notes: Sequence[str]
) -> Layout:
    """Rows by the factors that go down; a column per combination of those that go across and of the outcomes."""
    row_keys, row = groups_of(frame, down)
    column_keys, column = groups_of(frame, across)
    cells = _cells(frame, outcome)
    levels = outcome.levels or (outcome.column,)
    which = frame[outcome.column if outcome.levels else "quantity"]
    placed = {place: cell for place, cell in zip(zip(row, column, which, strict=True), cells, strict=True)}
    known = key_columns(column_keys)
    body = []
    for number in range(len(column_keys)):
        for state in levels:
            heading, span = _heading(known, number, outcome, state)
            found = tuple(placed.get((r, number, state), Cell("–")) for r in range(len(row_keys)))
            body.append(Column(heading, found, right=True, span=span))
    counts, said = _counts(frame, row, bool(across))
    kept, common, empty = without_constants([*key_columns(row_keys), *counts])
    below = filter(None, (*notes, *empty, *units_of(body)))
    return Layout((*kept, *body), " ".join(filter(None, (common, said))), tuple(below))


def _cells(frame: pd.DataFrame, outcome: Outcome) -> list[Cell]:
    name, writer = ("share", share_cell) if outcome.levels else ("mean", writer_of(outcome.column))
    parts = zip(frame[name], frame["low"], frame["high"], frame["mcse"], strict=True)
    return [replace(writer(*part), error="") for part in parts]


def _heading(known: Sequence[Column], number: int, outcome: Outcome, state: Any) -> tuple[str, str]:
    """Heading of a column and what stands above it: the last of the factors and the states that vary is the heading."""
    own = _own(outcome, state)
    if not known:
        return own, ""
    if len(outcome.levels) > 1:
        return own, joined(known, number)
    inner, outer = known[-1], known[:-1]
    above = f"{joined(outer, number)}; {inner.heading}" if outer else inner.heading
    return inner.cells[number].line, above


def _own(outcome: Outcome, state: Any) -> str:
    if not outcome.levels or state is True:
        return words.heading(outcome.column)
    return words.level_of(outcome.column, state)


def _counts(frame: pd.DataFrame, row: Any, spread: bool) -> tuple[list[Column], str]:
    """How many runs there are: a column, or a sentence where factors go across."""
    if spread:
        low, high = int(frame["n"].min()), int(frame["n"].max())
        return [], f"n = {low:,} in every cell." if low == high else f"n = {low:,} to {high:,} a cell."
    texts = [cell_text("n", n) for n in frame.groupby(row)["n"].first()]
    return [Column("n", tuple(map(Cell, texts)), right=True)], ""
