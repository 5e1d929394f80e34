"""Numbers of a study in files: a column of somebody's CSV or parquet file, and those that a results folder keeps.

A results folder keeps every column of numbers that its configurations name by digest, in ``data/<digest>.csv``: a line
``value``, then the numbers in ascending order, one a line, in the fewest digits that give the same number again.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gansim.errors import ConfigError, Refused, one_line, shown
from gansim.hints import closest
from gansim.model.data.distributions import Univariate
from gansim.model.data.tabulated import Law, Observed
from gansim.model.data.values import Values, checked_values

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FOLDER", "columns_of", "file_name", "read_column", "read_kept", "resolved", "text_of"]

FOLDER = "data"
_HEADER = "value"
_NAME = re.compile(r"[0-9a-f]{32}\.csv")
_READ = frozenset(("kind", "file", "column", "evaluate"))


# --- somebody's files ---------------------------------------------------------------------------


def resolved(value: Any, folder: Path, where: str = "") -> Any:
    """Plain data with the columns that it names by file read.

    Parameters
    ----------
    value : object
        Mappings, lists and what stands in them. A table with ``kind = "observed"`` and a ``file`` names a column of a
        CSV or parquet file; its ``evaluate`` may be a table with ``file`` and ``column`` too.
    folder : Path
        What file names are relative to.
    where : str, default ""
        How a refusal calls the data.

    Raises
    ------
    ConfigError
        If a file or a column cannot be read, or is no column of numbers. One line.
    """
    if isinstance(value, list):
        return [resolved(part, folder, f"{where}[{number}]") for number, part in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if value.get("kind") == Observed.kind and "file" in value:
        return _observed(value, folder, where)
    return {name: resolved(part, folder, f"{where}.{name}" if where else name) for name, part in value.items()}


def _observed(table: Mapping[str, Any], folder: Path, where: str) -> dict[str, Any]:
    if unknown := [name for name in table if name not in _READ]:
        raise ConfigError(f"{where}.{unknown[0]}: value {shown(table[unknown[0]])}: kind, file, column or evaluate")
    found = {"kind": Observed.kind, "values": _column_at(table, folder, where)}
    evaluate = table.get("evaluate")
    if isinstance(evaluate, Mapping):
        found["evaluate"] = _column_at(evaluate, folder, f"{where}.evaluate")
    elif evaluate is not None:
        found["evaluate"] = evaluate
    return found


def _column_at(table: Mapping[str, Any], folder: Path, where: str) -> Values:
    file, column = table.get("file"), table.get("column")
    if not isinstance(file, str):
        raise ConfigError(f"{where}.file: value {shown(file)}: the name of a CSV or parquet file")
    if column is not None and not isinstance(column, str):
        raise ConfigError(f"{where}.column: value {shown(column)}: the name of a column")
    try:
        return read_column(folder / file, column)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def read_column(path: Path, column: str | None = None) -> Values:
    """Read a column of numbers.

    Parameters
    ----------
    path : Path
        A CSV file, columns apart by commas, semicolons or tabs, or a parquet file.
    column : str or None, default None
        Its name. None: the file has one column only; of a CSV file with or without a name.

    Returns
    -------
    Values
        The numbers.

    Raises
    ------
    ConfigError
        If it cannot be read, or is no column of numbers. One line: file, column, value, what is allowed.
    """
    try:
        frame = _frame(path, column)
    except ConfigError:
        raise
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or one_line(error)}: a CSV or parquet file") from None
    except Exception as error:
        raise ConfigError(f"{path}: no CSV or parquet file ({one_line(error):.100})") from None
    if column is None and len(frame.columns) == 1:
        column = str(frame.columns[0])
    names = [str(name) for name in frame.columns]
    if column is None:
        raise ConfigError(f"{path}: column: missing: one of {', '.join(map(shown, names[:8]))}")
    if column not in names:
        hint = f"did you mean {shown(closest(column, names))}?" if names else "the file has none"
        raise ConfigError(f"{path}: column: value {shown(column)}: no such column; {hint}")
    try:
        return checked_values(frame.iloc[:, names.index(column)])
    except Refused as refused:
        raise ConfigError(f"{path}: {column}{refused.place}: {refused.text()}") from None


def _frame(path: Path, column: str | None) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise ConfigError(f"{path}: {'is no file' if path.exists() else 'no such file'}: a CSV or parquet file")
    if path.suffix.lower() in (".parquet", ".pq"):
        return pd.read_parquet(path)
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        first = file.readline().strip()
    apart = max(",;\t", key=first.count)
    nameless = column is None and apart not in first and _is_number(first)
    # Without index_col=False pandas takes the first field of a row for its name where there is one field too many.
    read: Any = {"sep": apart, "header": None if nameless else "infer", "encoding": "utf-8-sig", "index_col": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(path, **read)
            if (
                apart == ";" and frame.select_dtypes(exclude="number").size
            ):  # where a semicolon parts, a comma may point
                frame = pd.read_csv(path, decimal=",", **read)
    except pd.errors.ParserWarning:
        allowed = "numbers with a point, or columns apart by ;"
        raise ConfigError(f"{path}: rows have more fields than the first line: {allowed}") from None
    return frame


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# --- kept by a results folder -------------------------------------------------------------------


def columns_of(target: Univariate) -> list[Values]:
    """The columns of numbers that a target is made of."""
    if isinstance(target, Observed):
        return [values for values in (target.values, target.evaluate) if values is not None]
    return [target.quantiles] if isinstance(target, Law) else []


def file_name(values: Values) -> str:
    """Name of the file that keeps them."""
    return f"{values.digest.partition(':')[2]}.csv"


def text_of(values: Values) -> str:
    """What that file holds."""
    return "\n".join([_HEADER, *map(repr, values.array.tolist())]) + "\n"


def read_kept(folder: Path) -> None:
    """Read the columns that a results folder keeps, so that configurations may name them by digest.

    Parameters
    ----------
    folder : Path
        The results folder; it need not keep any.

    Raises
    ------
    ConfigError
        If a file holds other numbers than its name says.
    """
    kept = folder / FOLDER
    if not kept.is_dir():
        return
    for path in sorted(kept.iterdir()):
        if _NAME.fullmatch(path.name) and path.is_file():
            try:
                _, *lines = path.read_text(encoding="utf-8").split()
                values = Values([float(line) for line in lines])
            except (OSError, ValueError) as error:
                raise ConfigError(f"{path}: cannot be read ({one_line(error):.100}): bring it back") from None
            if file_name(values) != path.name:
                raise ConfigError(f"{path}: altered since it was written (its digest does not match): bring it back")
