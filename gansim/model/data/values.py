"""Numbers of a target that is given by numbers: what was observed, or a tabulated quantile function."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim.errors import Refused
from gansim.model.fields import plain

__all__ = ["Values", "checked_values"]

Floats: TypeAlias = NDArray[np.float64]

_MOST = 2**24
_LARGEST = 1e12  # its square and what a network makes of that lie well inside float32 (3e38)
_ALLOWED = f"a column of 2 to {_MOST:,} finite numbers, not all equal: an array, a Series or a list"
_DIGEST = "sha256:"

_known: dict[str, Values] = {}


class Values:
    """Some numbers in ascending order, which are equal to others if their digests are.

    Parameters
    ----------
    numbers : array_like of float
        One-dimensional, finite, in any order.

    Attributes
    ----------
    array : ndarray of float64, shape (n,)
        The numbers in ascending order; read-only.
    digest : str
        "sha256:" and 32 hexadecimal digits of their bytes: the same numbers in another order have the same.
    mean, std : float
        Their mean, and their standard deviation about it (of n, not n - 1).
    """

    __slots__ = ("array", "digest", "mean", "std")
    array: Floats
    digest: str
    mean: float
    std: float

    def __new__(cls, numbers: Any) -> Values:
        """Return the object that holds these numbers: one for all who ask in this process."""
        array = np.sort(np.asarray(numbers, np.float64)) + 0.0  # -0.0 equals 0.0 and is another bit
        digest = _DIGEST + hashlib.sha256(array.astype("<f8").tobytes()).hexdigest()[:32]
        if (known := _known.get(digest)) is not None:
            return known
        array.flags.writeable = False
        made = super().__new__(cls)
        made.array, made.digest = array, digest
        made.mean = math.fsum(array) / len(array)
        made.std = math.sqrt(math.fsum((array - made.mean) ** 2) / len(array))
        _known[digest] = made
        return made

    def __reduce__(self) -> tuple[type[Values], tuple[Floats]]:
        """Pickled as its numbers."""
        return type(self), (self.array,)

    def __len__(self) -> int:
        return len(self.array)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Values) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<{len(self):,} values, {self.array[0]:g} to {self.array[-1]:g}, {self.digest[len(_DIGEST) :][:8]}>"


def checked_values(value: object) -> Values:
    """Values from an array, a Series, a list or any other column of numbers, or from the digest of known ones.

    Parameters
    ----------
    value : object
        Anything; missing values, text, constants and what has no order or more than one dimension are refused.
    """
    if isinstance(value, Values):
        return value
    if isinstance(text := plain(value), str):
        if (known := _known.get(text)) is not None:
            return known
        raise Refused(text, f"{_ALLOWED}{', which is not at hand' if text.startswith(_DIGEST) else ''}")
    column = _column(value)
    if len(column) < 2 or len(column) > _MOST:
        raise Refused(_Column(len(column), *column[:1].tolist()), _ALLOWED)
    wrong = np.flatnonzero(~(np.abs(column) <= _LARGEST))
    if len(wrong):
        first = int(wrong[0])
        what = f"beyond {_LARGEST:g}" if np.isfinite(column[first]) else "missing or infinite"
        allowed = f"finite numbers up to {_LARGEST:g}; of {len(column):,} there are {len(wrong):,} {what}"
        raise Refused(column[first].item(), allowed, f"[{first}]")
    values = Values(column)
    if values.array[0] == values.array[-1]:
        raise Refused(values.array[0].item(), f"numbers of which some differ; all {len(values):,} are equal")
    return values


class _Column:
    """How a column is shown that is too short or too long."""

    def __init__(self, n: int, value: float = math.nan) -> None:
        self.text = f"{n:,} numbers" if n != 1 else f"1 number, {value!s:.20}"

    def __repr__(self) -> str:
        return self.text


def _column(value: object) -> Floats:
    """Any column of numbers as an array; what is missing is NaN."""
    if isinstance(value, (bytes, bytearray, memoryview, Mapping, set, frozenset)) or not isinstance(value, Iterable):
        raise Refused(value, _ALLOWED)
    if getattr(value, "ndim", 1) != 1:
        raise Refused(
            value, f"{_ALLOWED}; one column of it" if hasattr(value, "columns") else f"{_ALLOWED}, of one dimension"
        )
    if isinstance(value, np.ma.MaskedArray) and value.dtype.kind in "iuf":
        return np.asarray(np.ma.filled(value.astype(np.float64), np.nan))
    array = np.asarray(value if hasattr(value, "__array__") else list(value))
    if array.dtype.kind in "iuf" and array.ndim == 1:
        return array.astype(np.float64)
    items = list(value)
    texts = [place for place, item in enumerate(items) if isinstance(plain(item), str)]
    if texts:  # a column of a file is text as a whole if one value is: what is no number is to blame
        place = next((place for place in texts if not _is_number(str(items[place]))), texts[0])
        raise Refused(items[place], "a number", f"[{place}]")
    return np.array([_number(item, place) for place, item in enumerate(items)])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(item: object, place: int) -> float:
    """One number of a column of objects; None and what pandas has for a missing value are NaN."""
    number = plain(item)
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        return float(number)
    if number is None or type(number).__name__ in ("NAType", "NaTType"):
        return math.nan
    raise Refused(item, "a number", f"[{place}]")
