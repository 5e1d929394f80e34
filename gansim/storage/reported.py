"""The record of what was reported: which tables, figures and pages, of which runs, with which bytes.

It stands in metadata.json under "report": the digest of the runs, the command that wrote the files, and the SHA-256 of
each by its name. So a reader learns that a table was altered, is missing, or belongs to other runs than those beside
it. The page, ``report.html``, may be missing: it is made of the others, and no repository keeps it. The ADEMP sheet is
written with all results and stands under "files". A file that is not named there is not ours, and nobody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from gansim.errors import StoreError
from gansim.storage import disk
from gansim.storage.names import ADEMP, PAGE, RELABELLED, RUNS
from gansim.storage.parquet import read_header

__all__ = ["RECORD", "check_places", "digests", "faults", "files", "relabelled_remark", "remark"]

RECORD = "report"
"""The key of metadata.json under which the record stands."""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all files under a folder, by their names relative to it, sorted; OSError if one cannot be read."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): disk.file_digest(path) for path in found}


def files(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Name to SHA-256 of what was reported, from the metadata of a results folder; empty without a record.

    Names that lead out of the folder, which gansim does not write, are left out.
    """
    record = metadata.get(RECORD, {})
    return {name: digest for name, digest in record.get("files", {}).items() if _is_inside(name)}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name


def check_places(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Refuse, before anything runs, a folder in which a folder lies where a file was reported, and will be again.

    Raises
    ------
    StoreError
        If there is one.
    """
    for name in files(metadata):
        if (folder / name).is_dir():
            raise StoreError(f"{folder / name}: is a folder where a file is needed: move it away")


def faults(folder: Path, metadata: Mapping[str, Any], names: Iterable[str] | None = None) -> list[str]:
    """What is missing, altered or of other runs among the files that were reported, one line each.

    Parameters
    ----------
    folder : Path
        The results folder.
    metadata : mapping
        Its metadata.
    names : iterable of str, optional
        Look at these files only; what is not in the record is passed over.

    Raises
    ------
    StoreError
        If a file cannot be read.
    """
    known = files(metadata)
    if ADEMP in metadata.get("files", {}):
        known[ADEMP] = metadata["files"][ADEMP]
    found = []
    for name, digest in known.items() if names is None else [(n, known[n]) for n in names if n in known]:
        path = folder / name
        if name == PAGE and not path.exists():
            continue
        if not path.is_file():
            found.append(f"{path}: {'missing' if not path.exists() else 'no file'}")
        elif _digest(path) != digest:
            found.append(f"{path}: altered since it was written")
    told = remark(folder, metadata)
    return [*found, told] if told else found


def _digest(path: Path) -> str:
    try:
        return disk.file_digest(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}): mend that and try again") from None


def remark(folder: Path, metadata: Mapping[str, Any]) -> str:
    """Say that what was reported is of other runs than a folder holds; empty if it is not, or without a record.

    Parameters
    ----------
    folder : Path
        The results folder.
    metadata : mapping
        Its metadata, of a study that has run to its end.
    """
    record = metadata.get(RECORD)
    if record is None or record.get("runs") == metadata.get("digest", {}).get("runs"):
        return ""
    return (
        f"{folder}: tables and figures are of earlier runs: what wrote them writes them anew ({record.get('command')})"
    )


def relabelled_remark(folder: Path, metadata: Mapping[str, Any]) -> str:
    """Say that labels under other thresholds are of other runs than a folder holds; empty if not, or without any.

    Parameters
    ----------
    folder : Path
        The results folder.
    metadata : mapping
        Its metadata, of a study that has run to its end.
    """
    path = folder / RELABELLED / RUNS
    try:
        made_of = read_header(path).get("traces") if path.is_file() else None
    except StoreError:
        return f"{path}: cannot be read: gansim relabel writes it anew"
    if made_of is None or made_of == metadata.get("digest", {}).get("traces"):
        return ""
    return f"{path.parent}: labels of earlier runs: gansim relabel writes them anew"
