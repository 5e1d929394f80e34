"""Which rows of a frame of runs are one replicate, which are one cell, and which are the same run twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gansim.design.regimes import LABELS
from gansim.errors import ConfigError, shown

__all__ = ["cells_of", "check_frame", "check_values", "columns_of", "refuse_twice", "replicates_of"]

Codes = NDArray[np.int64]
_IDS = ("design", "seed", "cell", "rep")  # what tells runs apart


def check_frame(frame: object, name: str = "runs") -> None:
    """Refuse what is no data frame, has a column twice, or runs without a number: ConfigError, in one line."""
    if not isinstance(frame, pd.DataFrame):
        raise ConfigError(f"{name}: value {shown(frame)}: a pandas data frame")
    if not frame.columns.is_unique:
        raise ConfigError(f"{name}: column {shown(frame.columns[frame.columns.duplicated()][0])} twice: each once")
    for column in _IDS:
        if column in frame.columns and frame[column].isna().any():
            raise ConfigError(f"{name}: column {column}: a value is missing: every run has one")


def check_values(frame: pd.DataFrame, columns: Iterable[Any]) -> None:
    """Refuse columns that hold what cannot be told apart, such as lists: ConfigError, in one line."""
    for column in columns:
        values = frame[column]
        if values.dtype == object:
            for value in values:
                if not pd.api.types.is_hashable(value):
                    raise ConfigError(f"{shown(column)}: value {shown(value)}: text, numbers or other single values")


def columns_of(names: object, what: str = "by") -> list[Any]:
    """Return names of columns, of which one may be given by itself, as a list.

    Parameters
    ----------
    names : str or sequence of str
        A name, or several.
    what : str
        How to call them in a refusal.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if isinstance(names, str):
        return [names]
    if not isinstance(names, Iterable) or isinstance(names, bytes | dict):
        raise ConfigError(f"{what}: value {shown(names)}: the name of a column, or a sequence of names")
    listed = list(names)
    for name in listed:
        if not pd.api.types.is_hashable(name):
            raise ConfigError(f"{what}: value {shown(name)}: the name of a column")
    return listed


def replicates_of(runs: pd.DataFrame) -> Codes:
    """Number the replicates of a frame of runs.

    Runs with the same seed and the same number of replicate have the same random numbers, whatever their cell.

    Parameters
    ----------
    runs : DataFrame
        One row per run. Without a column rep every row is a replicate of its own; without seed there is one seed.

    Returns
    -------
    ndarray of int64, shape (rows,)
        From 0, without gaps.
    """
    return _numbered(runs, ("seed", "rep")) if "rep" in runs.columns else np.arange(len(runs), dtype=np.int64)


def cells_of(runs: pd.DataFrame) -> Codes:
    """Number the cells of a frame of runs, by its columns study, design and cell; one cell if it lacks cell.

    Parameters
    ----------
    runs : DataFrame
        One row per run.

    Returns
    -------
    ndarray of int64, shape (rows,)
        From 0, without gaps.
    """
    one = np.zeros(len(runs), dtype=np.int64)
    return _numbered(runs, ("study", "design", "cell")) if "cell" in runs.columns else one


def _numbered(runs: pd.DataFrame, names: Sequence[str]) -> Codes:
    """Number the combinations of those columns that the frame has."""
    codes = np.zeros(len(runs), dtype=np.int64)
    for name in names:
        if name in runs.columns:
            own, levels = pd.factorize(runs[name], use_na_sentinel=False)
            codes = np.unique(codes * max(1, len(levels)) + own, return_inverse=True)[1].ravel().astype(np.int64)
    return codes


def refuse_twice(runs: pd.DataFrame, by: Sequence[Any] = ()) -> None:
    """Refuse a frame that holds a run twice: it would count twice, and errors would come out too small.

    Two rows are one run if they have the same cell, replicate and seed, the same values of `by`, and agree in every
    other column but the labels, which other thresholds change. So frames of two configurations put one below the other
    are two runs each, even where both call their cell 0. Frames without cell or rep are not checked.

    Parameters
    ----------
    runs : DataFrame
        One row per run, or per run and value of `by`.
    by : sequence of str
        Columns whose combinations a run may occur under, once each.

    Raises
    ------
    ConfigError
        Naming the first run that occurs twice.
    """
    if not {"cell", "rep"} <= set(runs.columns):
        return
    ids = [name for name in ("study", "design", "seed", "cell", "rep") if name in runs.columns]
    names = list(dict.fromkeys([*ids, *by]))
    alike = runs.duplicated(names, keep=False)
    if not alike.any():
        return
    suspects = runs[alike]
    others = [name for name in runs.columns if name not in LABELS or name in by]
    twice = suspects[suspects.duplicated(others)]
    if len(twice):
        run = ", ".join(f"{name} {twice[name].iloc[0]}" for name in ids)
        raise ConfigError(f"runs: {run} occurs more than once: every run once")
