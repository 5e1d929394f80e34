"""metadata.json: written with a digest of itself, read and checked."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from gansim.design.columns import read_kept
from gansim.errors import ConfigError, StoreError, shown
from gansim.storage.disk import file_in, open_file, reading, write_text
from gansim.storage.names import METADATA, choose

__all__ = ["read_metadata", "write_metadata"]

_MOST_METADATA = 64 << 20  # of 100,000 cells they have 30 MB
_STAMP = "checksum"  # the key under which metadata.json holds the digest of all other keys


def write_metadata(path: str | os.PathLike[str], metadata: Mapping[str, Any]) -> None:
    """Write metadata as JSON, in the order given, one line for whatever fits into one, and last their own digest.

    Parameters
    ----------
    path : path
        The file; its folder exists.
    metadata : mapping
        Anything JSON holds, with text for keys; numbers that are not finite are refused.

    Raises
    ------
    ValueError
        If a value is no JSON.
    OSError
        If it cannot be written; an earlier file of that name is then unchanged.
    """
    write_text(path, _indented({**metadata, _STAMP: _metadata_digest(metadata)}) + "\n")


def _metadata_digest(metadata: Mapping[str, Any]) -> str:
    """SHA-256 of what metadata say, however they are laid out."""
    plain = json.dumps(metadata, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def _indented(value: Any, margin: str = "") -> str:
    """JSON with one line for whatever fits into one: a study of 300 cells is then 300 lines, not 3,000."""
    line = json.dumps(value, allow_nan=False, ensure_ascii=False)
    if not value or not isinstance(value, (Mapping, list, tuple)) or len(margin) + len(line) <= 120:
        return line
    deeper = margin + "  "
    if isinstance(value, Mapping):
        items = [f"{json.dumps(str(name), ensure_ascii=False)}: {_indented(v, deeper)}" for name, v in value.items()]
    else:
        items = [_indented(item, deeper) for item in value]
    start, end = "{}" if isinstance(value, Mapping) else "[]"
    return f"{start}\n{deeper}" + f",\n{deeper}".join(items) + f"\n{margin}{end}"


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the metadata of a results folder, and check them against their digest if they have one.

    The columns of numbers that the folder keeps are read too, so that its configurations may name them by digest.

    Parameters
    ----------
    path : path
        A results folder, or its ``metadata.json``.

    Returns
    -------
    dict
        What `write_metadata` wrote; what every reader may rely on is of the right type, if it is there.

    Raises
    ------
    StoreError
        If the file is missing, no JSON, altered, or not gansim's.
    """
    path = file_in(path, METADATA)
    if path.name != METADATA and path.is_file():
        raise StoreError(f"{path}: is a file: a results folder, or the {METADATA} in it")
    with reading(path):
        if not path.exists():
            raise StoreError(f"{path}: {os.strerror(errno.ENOENT)}: {choose(path.parent)}")
        content = _content(path)
    try:
        metadata = json.loads(content.decode(), parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise StoreError(f"{path}: no JSON: move it away or choose another folder") from None
    if not isinstance(metadata, dict) or "gansim" not in metadata or "study" not in metadata:
        raise StoreError(f"{path}: not written by gansim: move it away or choose another folder")
    stamp = _taken_stamp(metadata)
    if stamp is not None and stamp != _metadata_digest(metadata):
        raise StoreError(f"{path}: altered since it was written (its digest does not match): move it away")
    for name, holds in _SHAPES.items():
        if name in metadata and not holds(metadata[name]):
            raise StoreError(f"{path}: {name}: value {shown(metadata[name])}: not as gansim writes it: move it away")
    try:
        read_kept(path.parent)
    except ConfigError as error:
        raise StoreError(str(error)) from None
    return metadata


def _taken_stamp(metadata: dict[str, Any]) -> Any:
    """The digest that metadata hold of themselves, taken out of them; None of metadata of earlier versions.

    It is written last, where theirs have the study's identity: a digest there under any other name is the stamp, its
    name damaged, and matches nothing.
    """
    if _STAMP in metadata:
        return metadata.pop(_STAMP)
    name, value = next(reversed(metadata.items()))
    return value if name != "identity" and re.fullmatch("[0-9a-f]{64}", str(value)) else None


def _content(path: Path) -> bytes:
    """Bytes of metadata, which have a bounded size."""
    with open_file(path) as file:
        content = file.read(_MOST_METADATA + 1)
    if len(content) > _MOST_METADATA:
        raise StoreError(f"{path}: more than {_MOST_METADATA >> 20} MiB: move it away or choose another folder")
    return content


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is Python's, and no JSON")


def _mapping_of(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(isinstance(part, kinds) for part in value.values())


def _is_sessions(value: Any) -> bool:
    calls = isinstance(value, list) and all(isinstance(call, dict) for call in value)
    return calls and all(_mapping_of(str)(call.get("versions", {})) for call in value)


# What readers take for granted of metadata, beside the designs, which `gansim.design.schema` checks.
_SHAPES: dict[str, Callable[[Any], bool]] = {
    "study": lambda value: isinstance(value, str),
    "status": lambda value: isinstance(value, str),
    "runs": lambda value: isinstance(value, int),
    "files": _mapping_of(str),
    "digest": _mapping_of(str),
    "report": lambda value: isinstance(value, dict) and _mapping_of(str)(value.get("files", {})),
    "versions": _mapping_of(str),
    "machine": _mapping_of(object),
    "stopping": lambda value: _mapping_of(int, float)(value) and {"target_mcse", "batch", "most_reps"} <= value.keys(),
    "sessions": _is_sessions,
}
