"""Parts: measured runs in files that vouch for themselves, and the table that they fill.

A part may hold any runs of a study, in any number. Its name holds the digest of its bytes; inside stand the identity
of the study, the digest of every cell's configuration and that of its own rows. What does not agree with all of them is
not trusted, and its runs count as missing.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gansim.errors import ConfigError, DamagedError, StoreError, option
from gansim.storage import disk
from gansim.storage.identity import Identity, header_differences
from gansim.storage.names import PARTS, TRACES
from gansim.storage.parquet import ESTIMATES, Rows, read_rows, write_rows
from gansim.traces import FIELDS, Traces

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Bad",
    "Collected",
    "ForeignError",
    "collect",
    "part_name",
    "read_part",
    "stored_files",
    "stored_reps",
    "write_part",
]

_DIGITS = 32  # of the SHA-256 in a part's name: 128 bits
_NAME = re.compile(rf"part-([0-9a-f]{{{_DIGITS}}})\.parquet")


class ForeignError(StoreError):
    """An intact file of another study; the message says what differs."""


class Collected:
    """A row for every run of a study in the order of (cell, rep), filled from parts and chunks in any order.

    Parameters
    ----------
    reps : array_like of int, shape (cells,)
        Replicates of every cell.
    records : int
        Records of every run.
    fields : tuple of str, default `gansim.traces.FIELDS`
        Names of the measurements.

    Attributes
    ----------
    first : ndarray of int64, shape (cells + 1,)
        ``first[c]`` is the row of the first replicate of cell c, ``first[-1]`` the number of runs.
    missing : ndarray of bool, shape (runs,)
        Rows not filled yet.
    """

    def __init__(self, reps: ArrayLike, records: int, fields: tuple[str, ...] = FIELDS) -> None:
        self.first: NDArray[np.int64] = np.concatenate([[0], np.cumsum(reps, dtype=np.int64)])
        n = int(self.first[-1])
        self.fields = fields
        _check_memory(n, records, len(fields))
        self.missing: NDArray[np.bool_] = np.ones(n, dtype=bool)
        self.steps: NDArray[np.int32] = np.empty((n, records), dtype=np.int32)
        self.values: NDArray[np.float32] = np.empty((n, records, len(fields)), dtype=np.float32)
        self.n_modes: NDArray[np.int64] = np.empty(n, dtype=np.int64)
        self.estimates: NDArray[np.float64] = np.empty((n, len(ESTIMATES)))

    def __len__(self) -> int:
        """Return the number of runs, missing ones included."""
        return len(self.missing)

    @property
    def done(self) -> int:
        """Number of runs that are there."""
        return len(self.missing) - int(np.count_nonzero(self.missing))

    @property
    def reps(self) -> NDArray[np.int64]:
        """Replicates of every cell."""
        return np.diff(self.first)

    @property
    def ids(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Cell and replicate of every row."""
        cells = np.repeat(np.arange(len(self.reps), dtype=np.int32), self.reps)
        return cells, (np.arange(len(self)) - self.first[cells]).astype(np.int32)

    def where(self, rows: Rows) -> NDArray[np.int64]:
        """Row numbers of some runs, all of which the study has."""
        return self.first[rows.cells] + rows.reps

    def put(self, rows: Rows) -> None:
        """Fill in some runs."""
        where: Any = self.where(rows)
        if len(rows) and (where == np.arange(where[0], where[0] + len(rows))).all():
            where = slice(where[0], where[0] + len(rows))  # copied in half the time
        self.steps[where] = rows.traces.steps
        self.values[where] = rows.traces.values
        self.n_modes[where] = rows.traces.n_modes
        self.estimates[where] = rows.estimates
        self.missing[where] = False

    def take(self, rows: Rows) -> None:
        """Fill in all runs, in order, with the arrays themselves: nothing is copied, and nothing put in later."""
        if len(rows) != len(self) or (self.where(rows) != np.arange(len(self))).any():
            self.put(rows)
            return
        self.steps, self.values, self.n_modes = rows.traces.steps, rows.traces.values, rows.traces.n_modes
        self.estimates, self.missing = rows.estimates, np.zeros(len(self), dtype=bool)

    def agrees(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of some runs are missing here, or are here with the same bits (one NaN is as good as another)."""
        where = self.where(rows)
        same = (self.steps[where] == rows.traces.steps).all(axis=1) & (self.n_modes[where] == rows.traces.n_modes)
        for mine, other in ((self.values[where], rows.traces.values), (self.estimates[where], rows.estimates)):
            equal = (mine == other) | (np.isnan(mine) & np.isnan(other))
            same &= equal.reshape(len(rows), -1).all(axis=1)
        return np.asarray(same | self.missing[where])

    def traces(self) -> Traces:
        """Records of all runs, in order.

        Raises
        ------
        RuntimeError
            If a run is missing: better no result than rows of uninitialised memory.
        """
        if self.missing.any():
            raise RuntimeError(f"{int(self.missing.sum())} runs did not come back")
        return Traces(self.steps, self.values, self.n_modes, self.fields)

    @property
    def records(self) -> int:
        """Records of every run."""
        return int(self.steps.shape[1])

    def rows(self, wanted: NDArray[np.bool_] | None = None) -> Rows:
        """Some runs, by default all, in order; RuntimeError if one of them is missing."""
        cells, reps = self.ids
        if wanted is None:
            return Rows(cells, reps, self.traces(), self.estimates)
        if (self.missing & wanted).any():
            raise RuntimeError(f"{int((self.missing & wanted).sum())} runs did not come back")
        traces = Traces(self.steps[wanted], self.values[wanted], self.n_modes[wanted], self.fields)
        return Rows(cells[wanted], reps[wanted], traces, self.estimates[wanted])


def _check_memory(runs: int, records: int, fields: int) -> None:
    """Refuse a table that is larger than the memory of this machine, which would fail, or be killed, much later."""
    needed = runs * (records * 4 * (1 + fields) + 8 * (1 + len(ESTIMATES)) + 1)
    if hasattr(os, "sysconf") and needed > (memory := os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")):
        raise ConfigError(
            f"reps: {runs:,} runs with {records:,} records each take {needed / 2**30:,.0f} GiB, this machine has "
            f"{memory / 2**30:,.0f}: fewer replicates, cells or records, or several studies"
        )


# --- one part -----------------------------------------------------------------------------------


def part_name(checksum: str) -> str:
    """File name of a part whose bytes have this SHA-256."""
    return f"part-{checksum[:_DIGITS]}.parquet"


def write_part(folder: Path, rows: Rows, identity: Identity) -> Path:
    """Write runs of a study as a part into its results folder.

    Parameters
    ----------
    folder : Path
        The study's own folder; it exists.
    rows : Rows
        At least one run, each once.
    identity : Identity
        Of the study.

    Returns
    -------
    Path
        The part, ``<folder>/parts/part-<digest>.parquet``.

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind then.
    """
    parts = disk.make_folder(folder / PARTS)
    header = identity.header(np.unique(rows.cells).tolist())
    return parts / part_name(write_rows(parts / "part.parquet", rows, header, part_name))


def read_part(path: Path, identity: Identity, checksum: str | None) -> Rows:
    """Read a part and hold it against everything that it says of itself and that the study asks for.

    Parameters
    ----------
    path : Path
        A part, or a traces.parquet.
    identity : Identity
        Of the study.
    checksum : str or None
        First digits of the SHA-256 that the file must have; None if nobody noted them, as for a traces.parquet whose
        metadata are gone: the digest of its rows must do then.

    Returns
    -------
    Rows
        Its runs.

    Raises
    ------
    ForeignError
        If the file is intact and belongs to another study.
    DamagedError
        If it is damaged or altered. The message says why and does not name the file.
    StoreError
        If it cannot be read: that says nothing of what is in it.
    """
    try:
        rows, header = read_rows(path, checksum)
    except DamagedError as error:
        raise DamagedError(str(error).removeprefix(f"{path}: ").removesuffix(": run the study again")) from None
    other = header_differences(header, identity)
    if other:
        raise ForeignError(other)
    cells = {int(number) for number in header["cells"]}
    ids = rows.cells.astype(np.int64) << 32 | rows.reps
    if not cells.issuperset(np.unique(rows.cells).tolist()) or (rows.reps < 0).any() or len(np.unique(ids)) < len(ids):
        raise DamagedError("its runs are not those that it announces")
    return rows


# --- all parts of a folder ----------------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """A file that is not trusted.

    Attributes
    ----------
    path : Path
        The file.
    why : str
        The reason, without a full stop.
    differs : str
        What differs, if it is intact and of another study, else empty.
    """

    path: Path
    why: str
    differs: str = ""


def stored_files(folder: Path) -> list[Path]:
    """Files of a results folder that may hold measured runs: its traces.parquet and its parts, in order of name.

    Raises
    ------
    StoreError
        If they cannot be listed: runs that are not seen would be simulated again.
    """
    try:
        named = os.listdir(folder / PARTS) if (folder / PARTS).exists() else []
        found = sorted(folder / PARTS / name for name in named if fnmatch(name, "part-*.parquet"))
        return [path for path in [folder / TRACES, *found] if path.exists()]
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read ({error.strerror}): mend that and try again") from None


def stored_reps(folder: Path, identity: Identity) -> list[int]:
    """Replicates of every cell that the trusted files of a folder reach to, 0 where they hold none."""
    most = np.zeros(len(identity.cells), dtype=np.int64)
    for path in stored_files(folder):
        with contextlib.suppress(DamagedError, ForeignError):  # `collect` tells of it
            rows = read_part(path, identity, _expected(path, {}))
            np.maximum.at(most, rows.cells, rows.reps.astype(np.int64) + 1)
    return [int(n) for n in most]


def collect(
    folder: Path, identity: Identity, into: Collected, checksums: Mapping[str, str] | None = None
) -> tuple[dict[Path, int], list[Bad]]:
    """Read all stored runs of a study, with all checks. Changes no file.

    Parameters
    ----------
    folder : Path
        The study's own folder.
    identity : Identity
        Of the study.
    into : Collected
        Takes the runs; those that stay missing there are not stored, or in files that are not trusted.
    checksums : mapping, optional
        SHA-256 of files by name, from the metadata; for traces.parquet.

    Returns
    -------
    good : dict of Path to int
        The files that are trusted, with their numbers of runs.
    bad : list of Bad
        The others. Two files that give different numbers for the same run are both among them.

    Raises
    ------
    StoreError
        If runs are stored that `into` has no rows for: fewer replicates are asked for. Also if a file cannot be read,
        which is another thing than a file that is wrong.
    """
    good: dict[Path, int] = {}
    bad: list[Bad] = []
    paths: list[Path] = []
    owner = np.full(len(into), -1)  # by row, the number of the file it came from
    for path in stored_files(folder):
        try:
            rows = read_part(path, identity, _expected(path, checksums or {}))
        except ForeignError as error:
            bad.append(Bad(path, f"belongs to another study ({error})", str(error)))
            continue
        except DamagedError as error:
            bad.append(Bad(path, str(error)))
            continue
        _refuse_fewer(folder, identity, into, rows)
        where, agrees = into.where(rows), into.agrees(rows)
        paths.append(path)
        good[path] = len(rows)
        if agrees.all():
            owner[where[into.missing[where]]] = len(paths) - 1
            into.put(rows)
            continue
        for number in {len(paths) - 1, *owner[where[~agrees]].tolist()}:
            if good.pop(paths[number], None) is not None:
                bad.append(Bad(paths[number], "another file gives other numbers for the same runs"))
    into.missing |= np.isin(owner, [number for number, path in enumerate(paths) if path not in good])
    return good, bad


def _expected(path: Path, checksums: Mapping[str, str]) -> str | None:
    if path.name == TRACES:
        return checksums.get(TRACES)
    named = _NAME.fullmatch(path.name)
    return named[1] if named else "no digest in its name"


def _refuse_fewer(folder: Path, identity: Identity, into: Collected, rows: Rows) -> None:
    over = rows.reps >= into.reps[rows.cells]
    if not over.any():
        return
    cell = int(rows.cells[over][0])
    stored = int(rows.reps[rows.cells == cell].max()) + 1
    raise StoreError(
        f"{folder}: holds {stored:,} or more replicates of cell {cell} of design {identity.cells[cell]['design']!r}, "
        f"{int(into.reps[cell]):,} are asked for, and no run is thrown away: ask for as many replicates or more "
        f"({option('reps')}), choose another {option('out')}, or start over with {option('force', on=True)} "
        "(the old folder is kept)"
    )
