"""What goes to a page at once: a head as JSON, then arrays as they lie in memory, without a copy for each number.

uint32 length of the head, little-endian; the head, filled up with spaces to a multiple of 4; the arrays one after the
other, each filled up likewise. The head's "arrays" says of each its name, its kind ("float32" or "uint8") and length.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["encode", "finite"]

_KINDS = ("float32", "uint8")


def encode(head: Mapping[str, Any], arrays: Mapping[str, ArrayLike] | None = None) -> bytes:
    """Put a head and arrays into one message.

    Parameters
    ----------
    head : mapping
        Of numbers, texts, lists, mappings, None; a number that is not finite becomes null.
    arrays : mapping of str to array_like, optional
        Kept as uint8 if they are, else as float32, NaN included.
    """
    told, parts = [], []
    for name, values in (arrays or {}).items():
        array = np.asarray(values)
        array = array if array.dtype == np.uint8 else array.astype("<f4")
        told.append([name, _KINDS[array.dtype == np.uint8], array.size])
        parts.append(_filled(array.tobytes(), b"\0"))
    text = _filled(json.dumps(finite({**head, "arrays": told}), allow_nan=False).encode(), b" ")
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def _filled(data: bytes, by: bytes) -> bytes:
    return data + by * (-len(data) % 4)


def finite(value: Any) -> Any:
    """The same data with None for every number that is not finite, and Python's own numbers for NumPy's."""
    if isinstance(value, Mapping):
        return {str(name): finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
