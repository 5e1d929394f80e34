"""Tables as text: CSV, Markdown and LaTeX, with the digits that their errors resolve."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gansim import escaping
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
from gansim.analysis.intervals import wilson
from gansim.analysis.replicates import check_frame
from gansim.analysis.shares import _TIDY
from gansim.design.regimes import LABELS
from gansim.errors import ConfigError, shown

__all__ = ["latex", "markdown", "save", "share_text"]


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
    frame: pd.DataFrame, folder: str | Path, name: str, caption: str, notes: str | Sequence[str] = ()
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
        File name without suffix, also the LaTeX label: letters, digits, "_", "-", and "." but not first.
    caption : str
        What the table shows: first line of the Markdown, caption of the LaTeX.
    notes : str or sequence of str, optional
        Lines below the table, after those on how to read it: what a reader must know, such as
        `gansim.analysis.planner.stopping_note`.

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
    base.mkdir(parents=True, exist_ok=True)
    texts = {
        "csv": _plain(frame).to_csv(index=False, lineterminator="\n"),
        "md": markdown(frame, caption, notes),
        "tex": latex(frame, caption, name, notes),
    }
    paths = []
    for suffix, text in texts.items():
        paths.append(base / f"{name}.{suffix}")
        paths[-1].write_text(text, encoding="utf-8", newline="\n")
    return paths


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


def markdown(frame: pd.DataFrame, caption: str, notes: str | Sequence[str] = ()) -> str:
    """Return a table as Markdown: the caption, the formatted table, notes on how to read it.

    Parameters
    ----------
    frame : DataFrame
        The table. One of `tabulate` is laid out by `shares_wide`; in others an estimate, its interval and its standard
        error share a column.
    caption : str
        First line.
    notes : str or sequence of str, optional
        Paragraphs after the notes on how to read the table.
    """
    layout = _layout(frame, notes)
    table = [list(map(escaping.markdown, row)) for row in (layout.headings, *layout.rows)]
    widths = [max(3, *(len(row[column]) for row in table)) for column in range(len(layout.headings))]
    rules = [
        ("-" * (width - 1) + ":") if right else "-" * width for width, right in zip(widths, layout.right, strict=True)
    ]
    lines = [
        "| " + " | ".join(_pad(*cell) for cell in zip(row, widths, layout.right, strict=True)) + " |"
        for row in (table[0], rules, *table[1:])
    ]
    above, *below = (escaping.markdown(text) for text in (_one_line(caption), *layout.notes))
    return "\n\n".join([above, "\n".join(lines), *below]) + "\n"


def latex(frame: pd.DataFrame, caption: str, label: str, notes: str | Sequence[str] = ()) -> str:
    """Return a table as a LaTeX float; the document needs the package booktabs.

    Parameters
    ----------
    frame : DataFrame
        The table, laid out as by `markdown`.
    caption : str
        The caption, plain text.
    label : str
        Its label, without the "tab:" put before it.
    notes : str or sequence of str, optional
        Lines after the notes on how to read the table.
    """
    layout = _layout(frame, notes)
    # A first cell that opens a bracket would be read as an argument of the line break before it.
    escaped = (" & ".join(map(escaping.latex, row)) for row in (layout.headings, *layout.rows))
    rows = [re.sub(r"^\[", "{}[", row) + r" \\" for row in escaped]
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}[htbp]",
        r"\centering\small",
        rf"\caption{{{escaping.latex(_one_line(caption))}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for right in layout.right)}}}",
        r"\toprule",
        rows[0],
        r"\midrule",
        *rows[1:],
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\smallskip {escaping.latex(note)}" for note in layout.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Layout:
    """A formatted table: texts, which columns are set right, and notes below."""

    headings: list[str]
    rows: list[list[str]]
    right: list[bool]
    notes: list[str]


def _layout(frame: pd.DataFrame, more: str | Sequence[str]) -> _Layout:
    check_frame(frame, "frame")
    more = [_one_line(note) for note in ([more] if isinstance(more, str) else more)]
    if not _is_tidy(frame):
        return _as_layout(*_merged(frame), more)
    names = [str(name) for name in frame.columns]
    column = names[-len(_TIDY) - 1]
    occurring = _occurring(frame, column)
    keys = names[: names.index(column)]
    never = [_heading(column, level, keys) for level in frame[column].unique() if level not in occurring]
    notes = [
        "Each share: estimate [interval] ± Monte-Carlo standard error, in percent of n; 0 %: no run, 100 %: every run."
    ]
    if never:
        notes.append(f"In no row of this table: {'; '.join(never)}.")
    wide = shares_wide(frame)
    if (frame["n"] > frame["replicates"]).any():
        notes.append(_REPLICATES)
    first = len(wide.columns) - len(occurring)
    return _as_layout(wide, set(map(str, wide.columns[first:])), [*notes, *more])


def _as_layout(frame: pd.DataFrame, texts: set[str], notes: list[str]) -> _Layout:
    """Format every column; `texts` are the columns of formatted numbers, set right as they are."""
    names = [str(name) for name in frame.columns]
    columns = [[_cell(name, value) for value in frame[name]] for name in frame.columns]
    right = [name in texts or frame[name].dtype.kind in "iuf" for name in frame.columns]
    return _Layout(names, [list(row) for row in zip(*columns, strict=True)], right, notes)


def _is_tidy(frame: pd.DataFrame) -> bool:
    return tuple(frame.columns[-len(_TIDY) :]) == _TIDY and len(frame.columns) > len(_TIDY)


def _occurring(tidy: pd.DataFrame, column: str) -> list[Any]:
    """Return the levels that occur in any group."""
    return list(tidy.loc[tidy.groupby(column, observed=True)["count"].transform("max") > 0, column].unique())


def _heading(column: str, level: Any, keys: Iterable[str]) -> str:
    """Return the level, with its column where it is a number, or the name of another column of the table."""
    alone = isinstance(level, str) and level not in ("n", *keys)
    return level if alone else f"{column}: {_cell(column, level)}"


def _merged(frame: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Put an estimate, its interval and its standard error into one column of texts, if the frame has them."""
    whole = frame
    frame, texts = _resolved_columns(frame)
    writers = {"share": share_in_words, "survival": share_in_words, "difference": points_in_words}
    writers |= {"mean": mean_in_words, "mean_difference": mean_in_words}
    estimates = [name for name in writers if name in frame.columns]
    if len(estimates) != 1 or not {"low", "high"} <= set(frame.columns):
        return frame, texts
    name = estimates[0]
    errors = whole["mcse"] if "mcse" in frame.columns else [None] * len(frame)
    parts = zip(whole[name], whole["low"], whole["high"], errors, strict=True)
    heading = name + (" in points" if name == "difference" else "") + " [interval]"
    heading += " ± MCSE" if "mcse" in frame.columns else ""
    merged = frame.assign(**{name: [writers[name](*part) for part in parts]}).rename(columns={name: heading})
    return merged.drop(columns=["low", "high", "mcse"], errors="ignore"), {heading, *texts}


def _resolved_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Write numbers whose error the frame has to the second digit of that error, and quantiles to the third of sd."""
    names = [name for name in frame.columns if isinstance(name, str)]
    errors = {name.removesuffix("_mcse"): frame[name] for name in names if name.endswith("_mcse")}
    errors |= {f"{name}_mcse": error for name, error in errors.items()}
    if "mcse" in names:
        errors |= dict.fromkeys(("mean_a", "mean_b"), frame["mcse"])
    if "sd" in names:
        errors |= dict.fromkeys(_QUANTILES, frame["sd"] / 10)
    known = {name: error for name, error in errors.items() if name in names and frame[name].dtype.kind == "f"}
    texts = {n: [resolved(*pair) for pair in zip(frame[n], error, strict=True)] for n, error in known.items()}
    return frame.assign(**texts), set(texts)


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
    *(name for name in LABELS if name.startswith("share_")),
)
_P_VALUES = ("mcnemar_p",)
_REPLICATES = (
    "Runs of one replicate in several cells share their random numbers: errors and intervals are those of means over "
    "replicates."
)


def _cell(name: str, value: Any) -> str:
    """Format one value of the column `name`."""
    if isinstance(value, str):
        return _one_line(value)
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(value) if name in _IDENTIFIERS else f"{value:,}"
    if not isinstance(value, float | np.floating):
        return _one_line(str(value))
    if name in _SHARES:
        return percent(float(value))
    if name in _P_VALUES:
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    return number_text(float(value))


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def shares_wide(tidy: pd.DataFrame) -> pd.DataFrame:
    """Lay out a table of shares for reading: one row per group, one column per level that occurs.

    Parameters
    ----------
    tidy : DataFrame
        As `tabulate` returns it: grouping columns, the counted column, then share, mcse, count, replicates, low, high,
        n.

    Returns
    -------
    DataFrame
        The grouping columns, n, replicates, and for each level that occurs in any group a column of texts such as
        "93.1 % [91.4, 94.6] ± 0.8": the share, its interval and its Monte-Carlo standard error, all in percent.

    Raises
    ------
    ConfigError
        If the columns are not those of `tabulate`.
    """
    check_frame(tidy, "tidy")
    names = [str(name) for name in tidy.columns]
    if not _is_tidy(tidy):
        raise ConfigError(f"tidy: columns {', '.join(names)}; expected those of tabulate, ending in {', '.join(_TIDY)}")
    split = len(names) - len(_TIDY) - 1
    keys, group = groups_of(tidy, names[:split])
    wide = keys.assign(**{name: tidy.groupby(group)[name].first().to_numpy() for name in ("n", "replicates")})
    shares = zip(tidy["share"], tidy["low"], tidy["high"], tidy["mcse"], strict=True)
    texts = pd.Series([share_in_words(*share) for share in shares], index=tidy.index)
    for level in _occurring(tidy, names[split]):
        chosen = (tidy[names[split]] == level).to_numpy()
        wide[_heading(names[split], level, names[:split])] = texts[chosen].set_axis(group[chosen])
    return wide
