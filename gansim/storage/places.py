"""A results folder's names: what is ours in it, whose it is, what was left behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from gansim.design.columns import FOLDER as DATA
from gansim.errors import StoreError
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP, LOCK, METADATA, PAGE, PAGE_FACTS, PARTS, RELABELLED, RUNS, TRACES

__all__ = ["bad_name", "check_owner", "claim_folder", "leftovers", "sweep"]

# What a results folder without metadata may hold and still be ours: what a study that was interrupted leaves.
_OWN = frozenset(
    (
        RUNS,
        TRACES,
        METADATA,
        ADEMP,
        LOCK,
        PARTS,
        DATA,
        "tables",
        "figures",
        "claims.md",
        "replay",
        RELABELLED,
        PAGE,
        PAGE_FACTS,
    )
)
_BAD = re.compile(r"\.bad(\.\d+)?$")


def claim_folder(folder: str | os.PathLike[str], study: str) -> bool:
    """Make sure, before anything is simulated, that a study can write its results to a folder.

    Creates the folder if there is none. A folder with the results of the same study is taken again, its files to be
    replaced one by one; anything else in it is refused, and nothing is ever deleted.

    Parameters
    ----------
    folder : path
        The study's own folder, for example ``results/regimes``.
    study : str
        Name of the study.

    Returns
    -------
    bool
        Whether the folder holds earlier results of this study.

    Raises
    ------
    StoreError
        If the folder cannot be created or written to, or holds something else than results of this study. Nothing
        has been written then.
    """
    folder = Path(folder)
    created: list[Path] = []
    try:
        earlier = check_owner(folder, study)
        for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            with contextlib.suppress(FileExistsError):  # another study has just made it
                missing.mkdir()
                created.append(missing)
        probe = folder / f".probe.{os.getpid()}.tmp"  # a name of a temporary file: swept up if we are killed here
        try:
            probe.write_bytes(b"\0")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        for path in reversed(created):
            with contextlib.suppress(OSError):
                path.rmdir()
        raise StoreError(f"{folder}: cannot hold results ({error.strerror}): choose another folder") from None
    return earlier


def check_owner(folder: Path, study: str) -> bool:
    """Whether a folder holds results of a study of that name; refuse anybody else's. Writes nothing.

    Parameters
    ----------
    folder : Path
        The study's own folder; it need not exist.
    study : str
        Name of the study.

    Returns
    -------
    bool
        Whether there is anything of an earlier run.

    Raises
    ------
    StoreError
        If it holds something else than results of this study, or cannot be a folder.
    """
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path}: is a file where a folder is needed: choose another folder")
    if not folder.exists():
        return False
    for name in (METADATA, RUNS, TRACES, ADEMP):
        if (folder / name).is_dir():
            raise StoreError(f"{folder / name}: is a folder where a file is needed: move it away")
    for name in (PARTS, DATA, "tables", "figures"):
        if os.path.lexists(folder / name) and not (folder / name).is_dir():  # also a link that leads nowhere
            raise StoreError(f"{folder / name}: is no folder, where one is needed: move it away")
    if (folder / METADATA).exists():
        owner = read_metadata(folder).get("study")
        if owner != study:
            raise StoreError(f"{folder}: holds the results of study {owner!r}, not {study!r}: choose another folder")
        return True
    names = {path.name for path in folder.iterdir()}
    foreign = sorted(name for name in names if name not in _OWN and not _leftover(name) and not _BAD.search(name))
    if foreign:
        raise StoreError(f"{folder}: holds files that are no results of gansim ({foreign[0]}): choose another folder")
    return any(name != LOCK and not _leftover(name) for name in names)  # another process may be probing the folder


def _leftover(name: str) -> bool:
    """Whether a name is that of a temporary file of an interrupted writer."""
    return name.startswith(".") and name.endswith(".tmp")


def leftovers(folder: Path) -> list[Path]:
    """Temporary files that interrupted writers have left in a folder; none if there is no such folder."""
    return sorted(path for path in folder.iterdir() if _leftover(path.name)) if folder.is_dir() else []


def sweep(folder: Path) -> None:
    """Remove what `leftovers` finds; OSError if that fails."""
    for path in leftovers(folder):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # that of a process which is being refused just now goes by itself


def bad_name(path: Path) -> Path:
    """Return a free name for a file that cannot be trusted, beside it: its own and ``.bad``."""
    number, free = 0, path.with_name(f"{path.name}.bad")
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}.bad.{number}")
    return free
