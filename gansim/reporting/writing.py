"""Tables as text: CSV, Markdown and LaTeX, with the digits that their errors resolve."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gansim import escaping
from gansim.analysis.digits import share_in_words
from gansim.analysis.intervals import wilson
from gansim.analysis.replicates import check_frame
from gansim.errors import ConfigError, shown
from gansim.reporting.tables import latex as in_print
from gansim.reporting.tables import text
from gansim.reporting.tables.layout import Names, lay_out, one_line

__all__ = ["csv_text", "latex", "markdown", "save", "share_text", "write"]


def share_text(k: int, n: int, level: float = 0.95) -> str:
    """Write a share of independent runs, of a single cell, with its Wilson interval, in percent, as the tables do.

    Of runs of several cells, which share their replicates, `share_of` tells the share.

    Parameters
    ----------
    k, n : int
        Successes and trials.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    str
        As in "93.1 % [91.4, 94.6]"; "0 %" is none and "100 %" all of them, never a rounded value.

    Raises
    ------
    ConfigError
        Unless 0 <= k <= n, 0 < n and 0 < level < 1.

    Examples
    --------
    >>> share_text(0, 16_000), share_text(1, 16_000), share_text(931, 1000)
    ('0 % [0.00, 0.02]', '0.01 % [0.001, 0.04]', '93.1 % [91.4, 94.5]')
    """
    low, high = wilson(k, n, level)
    if n < 1:
        raise ConfigError(f"n: {n}; expected at least one trial")
    return share_in_words(k / n, float(low), float(high), None)


def save(
    frame: pd.DataFrame,
    folder: str | Path,
    name: str,
    caption: str,
    notes: str | Sequence[str] = (),
    study: str = "",
    shown_as: pd.DataFrame | None = None,
    names: Names | None = None,
) -> list[Path]:
    """Write a table three times: CSV with the numbers to twelve digits, Markdown and LaTeX for reading.

    Twelve significant digits are more than any of them means, and few enough to be the same on every processor: the
    last of a float64's seventeen depend on whose exp and log were used, and in which order sums were taken.

    Texts are escaped for each, see `gansim.escaping`: in CSV, one that a spreadsheet would take for a formula or pandas
    for a missing value has an apostrophe in front; an empty cell is a missing value.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is not written.
    folder : str or Path
        Where to; made if missing.
    name : str
        File name without suffix: letters, digits, "_", "-", and "." but not first.
    caption : str
        What the table shows: first line of the Markdown, caption of the LaTeX.
    notes : str or sequence of str, optional
        Lines below the table, after those on how to read it: what a reader must know, such as
        `gansim.analysis.planner.stopping_note`.
    study : str, optional
        Name of the study, put before that of the table in the LaTeX label: a document may have tables of several.
    shown_as : DataFrame, optional
        What is laid out for reading where that is less than what the CSV has.
    names : mapping, optional
        Headings of columns that are the study's own.

    Returns
    -------
    list of Path
        The files written: name.csv, name.md, name.tex.

    Raises
    ------
    ConfigError
        If `name` is not a plain file name.
    """
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ConfigError(f"name: {shown(name)}; allowed: letters, digits, '_', '-', and '.' but not first")
    check_frame(frame, "frame")
    base, frame = Path(folder), _rounded(frame)
    read = frame if shown_as is None else _rounded(shown_as)
    texts = {
        "csv": _csv(frame),
        "md": markdown(read, caption, notes, names),
        "tex": latex(read, caption, f"{study}-{name}" if study else name, notes, names),
    }
    return [write(base / f"{name}.{suffix}", content) for suffix, content in texts.items()]


def write(path: Path, content: str) -> Path:
    """Write a text to a file, the same bytes on any system; its folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")
    return path


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV, see `save`."""
    return _csv(_rounded(frame))


def _csv(frame: pd.DataFrame) -> str:
    return _plain(frame).to_csv(index=False, lineterminator="\n")


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Round floating-point columns to 12 significant digits, of float32 from the digits that tell its numbers apart."""
    names = [name for name in frame.columns if frame[name].dtype in (np.float32, np.float64)]
    return frame.assign(**{name: [float(f"{float(str(x)):.12g}") for x in frame[name].to_numpy()] for name in names})


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts, headings among them, no reader of CSV takes for something else."""

    def guarded(value: Any) -> Any:
        return escaping.csv(value) if isinstance(value, str) else value

    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    columns = {name: pd.Series([guarded(value) for value in frame[name]], frame.index, object) for name in texts}
    return frame.assign(**columns).rename(columns=guarded)


def markdown(frame: pd.DataFrame, caption: str, notes: str | Sequence[str] = (), names: Names | None = None) -> str:
    """Return a table as Markdown: the caption, the table as `gansim.reporting.tables.layout.lay_out` has it, notes.

    Parameters
    ----------
    frame : DataFrame
        The table.
    caption : str
        First line; what is the same in every row is said behind it.
    notes : str or sequence of str, optional
        Paragraphs after the notes on how to read the table.
    names : mapping, optional
        Headings of columns that are the study's own.
    """
    return text.markdown(lay_out(frame, notes, names), one_line(caption))


def latex(
    frame: pd.DataFrame, caption: str, label: str, notes: str | Sequence[str] = (), names: Names | None = None
) -> str:
    """Return a table as LaTeX no wider than the text of a standard article, which needs booktabs and longtable.

    Parameters
    ----------
    frame : DataFrame
        The table, laid out as by `markdown`, and fitted: long headings are broken, leading columns become headings of
        groups of rows, intervals stand below their estimates, columns in several blocks. A table longer than a page is
        a longtable.
    caption : str
        The caption, plain text.
    label : str
        Its label, without the "tab:" put before it.
    notes : str or sequence of str, optional
        Lines after the notes on how to read the table.
    names : mapping, optional
        Headings of columns that are the study's own.
    """
    return in_print.latex(lay_out(frame, notes, names, errors=False), one_line(caption), label)
