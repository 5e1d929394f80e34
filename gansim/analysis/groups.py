"""Groups of runs: which rows belong together, the levels of a column, and frames that hold no runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gansim.analysis.replicates import check_frame, check_values, columns_of
from gansim.design.in_words.glossary import OF_VECTORS
from gansim.design.regimes import LABELS
from gansim.errors import ConfigError, shown
from gansim.hints import hint
from gansim.traces import FIELDS

Floats = NDArray[np.float64]


def groups_of(runs: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return each group's values of `by`, in order of first appearance, and the number of each run's group."""
    if len(runs) == 0:
        raise ConfigError("runs: no rows; there is nothing to tabulate")
    if not by:
        return pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(runs), dtype=np.int64)
    group = runs.groupby(list(by), sort=False, observed=True, dropna=False).ngroup().to_numpy().astype(np.int64)
    first = np.unique(group, return_index=True)[1]
    return runs[list(by)].iloc[first].reset_index(drop=True), group


def levels_of(runs: pd.DataFrame, column: str) -> tuple[pd.Index[Any], NDArray[np.int64]]:
    """Return a column's levels and each run's position among them."""
    values = runs[column]
    if values.isna().any():
        raise ConfigError(
            f"{column}: {int(values.isna().sum())} of {len(values)} values are missing; shares would not add up"
        )
    if not isinstance(values.dtype, pd.CategoricalDtype):
        levels = [False, True] if values.dtype == bool else sorted(values.unique())
        values = values.astype(pd.CategoricalDtype(levels))
    return values.cat.categories, values.cat.codes.to_numpy().astype(np.int64)


def factors_of(runs: pd.DataFrame) -> list[str]:
    """Return the columns that can tell cells apart: those before the first measurement or label, but for the ids."""
    names = [str(name) for name in runs.columns]
    measured = {*FIELDS, *OF_VECTORS, *LABELS}
    results = [position for position, name in enumerate(names) if name in measured]
    before = names[: min(results)] if results else names
    return [name for name in before if name not in ("cell", "rep", "seed")]


def settings_of(runs: pd.DataFrame) -> pd.DataFrame:
    """The combinations of factors' levels that occur, a row each: what a million runs are asked for once."""
    check_frame(runs)
    if not len(runs):
        raise ConfigError("runs: no rows; there is nothing to show")
    names = [name for name in factors_of(runs) if name not in ("study", "design")]
    return runs[names].drop_duplicates().reset_index(drop=True) if names else pd.DataFrame(index=[0])


def varied(settings: pd.DataFrame) -> list[str]:
    """The factors that vary, in the frame's order, without those that another one sets.

    What each label of another factor fixes is a part of what the label stands for, such as the game; a number that
    counts the points of a sample says nothing that the points do not; nor does a game whose numbers are factors.
    """
    names = [name for name in settings.columns if settings[name].nunique(dropna=False) > 1]
    numbers = [name for name in names if settings[name].dtype.kind in "iuf"]
    counts = {name for name in numbers if _counts(settings, name, numbers)}
    texts = [name for name in names if name not in numbers]
    fixed = {name for name in names for other in texts if other != name and _fixes(settings, names, other, name)}
    left = [name for name in names if name not in counts | fixed]
    return [name for name in left if not (name == "game" and _in_parts(settings, left))]


def _in_parts(cells: pd.DataFrame, names: Sequence[str]) -> bool:
    """Whether the game is told by its own numbers, and other factors."""
    others = [name for name in names if name != "game"]
    told = any(name.startswith("game.") for name in others)
    return told and len(cells[others].drop_duplicates()) == len(cells[list(names)].drop_duplicates())


def _counts(cells: pd.DataFrame, name: str, numbers: Sequence[str]) -> bool:
    levels = np.sort(cells[name].unique())
    numbered = len(levels) > 2 and cells[name].dtype.kind in "iu" and np.array_equal(levels, np.arange(len(levels)))
    return numbered and any(determines(cells, name, other) for other in numbers if other != name)


def _fixes(cells: pd.DataFrame, names: Sequence[str], name: str, other: str) -> bool:
    """Whether a factor sets another one; of two that set each other, the first sets the second."""
    later = names.index(name) > names.index(other)
    return determines(cells, name, other) and not (later and determines(cells, other, name))


def determines(cells: pd.DataFrame, name: str, other: str) -> bool:
    """Whether each level of one factor comes with one level of the other."""
    return len(cells[[name, other]].drop_duplicates()) == cells[name].nunique(dropna=False)


def in_order(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Sort rows by the order of each column's levels: a categorical's own, else that of first appearance."""
    if not by:
        return frame
    ordered = [isinstance(frame[name].dtype, pd.CategoricalDtype) for name in by]
    codes = [frame[n].cat.codes if own else pd.factorize(frame[n])[0] for n, own in zip(by, ordered, strict=True)]
    return frame.iloc[np.lexsort(codes[::-1])]


def tiled(levels: pd.Index[Any], times: int) -> Any:
    """Return the levels over and over, as an ordered categorical unless they are numbers or booleans."""
    if levels.dtype.kind in "biuf":
        return np.tile(levels.to_numpy(), times)
    return pd.Categorical.from_codes(np.tile(np.arange(len(levels)), times), categories=levels, ordered=True)


def require_columns(runs: pd.DataFrame, by: str | Sequence[str], *others: str) -> list[str]:
    """Return the names in `by`; refuse what is no frame of runs, or lacks one of the columns."""
    check_frame(runs)
    by = columns_of(by)
    names = [*by, *columns_of(others, "column")]
    for name in names:
        if name not in runs.columns:
            columns = [str(column) for column in runs.columns]
            raise ConfigError(
                f"{shown(name)}: no such column; {hint(str(name), columns) if columns else 'there is none'}"
            )
        if names.count(name) > 1:
            raise ConfigError(f"{shown(name)}: named twice")
    check_values(runs, names)
    return by


def refuse_hidden(by: Sequence[str], made: Sequence[str]) -> None:
    """Refuse columns of the runs that those of the table would overwrite."""
    hidden = [name for name in by if name in made]
    if hidden:
        raise ConfigError(
            f"{shown(hidden[0])}: a column of the table has this name; allowed: other than {', '.join(made)}"
        )


def numbers_of(values: pd.Series[Any]) -> Floats:
    """Return a column as numbers, or refuse one of something else."""
    number = values.dtype.kind in "iufb" or pd.api.types.is_numeric_dtype(values.dtype)
    if not number or values.dtype.kind == "c":
        raise ConfigError(f"{values.name}: values such as {shown(values.iloc[0])}: a column of numbers")
    return values.to_numpy(np.float64, na_value=np.nan)
