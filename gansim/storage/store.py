"""Results on disk: parquet and JSON, written whole or not at all, each with a digest.

The only place that writes runs, traces and metadata. A file is written under a temporary name in its own folder,
flushed to the disk and renamed, so that a reader finds the old file or the new one, never half of one. What cannot be
trusted is refused (`StoreError`), and a file that gansim did not write is never touched. Which files a study's folder
needs, and when, is the business of `gansim.storage.folder`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np

from gansim.errors import DamagedError, StoreError, shown
from gansim.traces import FIELDS, Traces

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

__all__ = [
    "ADEMP",
    "ESTIMATES",
    "LOCK",
    "METADATA",
    "PARTS",
    "RUNS",
    "TRACES",
    "Rows",
    "bad_name",
    "check_owner",
    "claim_folder",
    "copy_whole",
    "digest",
    "digest_rows",
    "digest_traces",
    "file_digest",
    "leftovers",
    "make_folder",
    "read_header",
    "read_metadata",
    "read_rows",
    "read_runs",
    "read_traces",
    "sweep",
    "sync_folder",
    "write_metadata",
    "write_rows",
    "write_runs",
    "write_text",
]

RUNS = "runs.parquet"
TRACES = "traces.parquet"
METADATA = "metadata.json"
ADEMP = "ademp.md"
LOCK = ".lock"
PARTS = "parts"
_NAMED = 3  # folders that a refusal proposes

ESTIMATES: tuple[str, ...] = (
    "g_intercept",  # of an affine generator of one noise variable, data units
    "g_slope",
    "sample_mean",  # maximum-likelihood estimates from the run's fixed sample, data units
    "sample_std",
    "referee_accuracy",
    "referee_auc",
    "referee_v",
)
"""What is kept of a finished run beside its records, in the order of `Rows.estimates`."""

# What a results folder without metadata may hold and still be ours: what a study that was interrupted leaves.
_OWN = frozenset((RUNS, TRACES, METADATA, ADEMP, LOCK, PARTS, "tables", "figures", "claims.md", "replay", "relabelled"))
_BAD = re.compile(r"\.bad(\.\d+)?$")

_BATCH = 4096  # rows that are read at a time

_MOST_METADATA = 64 << 20  # of 100,000 cells they have 30 MB
_STAMP = "checksum"  # the key under which metadata.json holds the digest of all other keys


@dataclass(frozen=True, eq=False)
class Rows:
    """What simulating gave, some runs in any order.

    Attributes
    ----------
    cells, reps : ndarray of int32, shape (n,)
        Which runs these are.
    traces : Traces
        Their records.
    estimates : ndarray of float64, shape (n, 7)
        The columns of `ESTIMATES`; NaN where one does not apply.
    """

    cells: NDArray[np.int32]
    reps: NDArray[np.int32]
    traces: Traces
    estimates: NDArray[np.float64]

    def __post_init__(self) -> None:
        cells, reps = np.asarray(self.cells, dtype=np.int32), np.asarray(self.reps, dtype=np.int32)
        estimates = np.asarray(self.estimates, dtype=np.float64)
        n = len(self.traces)
        if cells.shape != (n,) or reps.shape != (n,) or estimates.shape != (n, len(ESTIMATES)):
            raise ValueError(f"rows: shapes {cells.shape}, {reps.shape}, {estimates.shape} for {n} traces")
        for name, values in (("cells", cells), ("reps", reps), ("estimates", estimates)):
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.traces)

    @classmethod
    def concat(cls, parts: Sequence[Rows]) -> Rows:
        """Stack runs, in order; ValueError if there is nothing to stack, or the numbers of records differ."""
        traces = Traces.concat([part.traces for part in parts])
        cells, reps, estimates = ([getattr(part, name) for part in parts] for name in ("cells", "reps", "estimates"))
        return cls(np.concatenate(cells), np.concatenate(reps), traces, np.concatenate(estimates))


# --- writing ------------------------------------------------------------------------------------


class _Digesting(io.RawIOBase):
    """A file that is written to from start to end, and the SHA-256 of all that was handed to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.total = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.total.update(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.file.tell()


def _write_whole(path: Path, write: Callable[[Any], object], named: Callable[[str], str] | None = None) -> str:
    """Write under a temporary name, flush to the disk, rename; return the SHA-256 of the bytes.

    `named` makes the final name from that digest. The digest is of what was handed to the file and not of what the
    file then holds: a disk that alters bytes is found out when they are read.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            stream = _Digesting(file)
            write(stream)
            file.flush()
            os.fsync(file.fileno())
        checksum = stream.total.hexdigest()
        os.replace(temporary, path if named is None else path.with_name(named(checksum)))
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return checksum


def sync_folder(folder: Path) -> None:
    """Wait until names that were added to a folder have reached the disk; OSError if they cannot."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def make_folder(folder: Path) -> Path:
    """Make a folder if there is none, and return it."""
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    return folder


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file whole or not at all, UTF-8, line ends as given.

    Parameters
    ----------
    path : path
        The file; its folder exists.
    text : str
        Its content.

    Raises
    ------
    OSError
        If it cannot be written; an earlier file of that name is then unchanged.
    """
    _write_whole(Path(path), lambda file: file.write(text.encode()))


def copy_whole(source: Path, path: Path) -> None:
    """Copy a file whole or not at all; OSError if it cannot be read or written."""

    def copy(to: BinaryIO) -> None:
        with open(source, "rb") as file:
            shutil.copyfileobj(file, to)

    _write_whole(path, copy)


def _write_table(
    path: Path, table: pa.Table, header: Mapping[str, Any], named: Callable[[str], str] | None = None, **options: Any
) -> str:
    import pyarrow.parquet as pq

    stamp = json.dumps(header, sort_keys=True).encode()
    stamped = table.replace_schema_metadata({**(table.schema.metadata or {}), b"gansim": stamp})
    return _write_whole(path, lambda file: pq.write_table(stamped, file, compression="zstd", **options), named)


def write_runs(
    path: str | os.PathLike[str], runs: pd.DataFrame, identity: Mapping[str, Any] | None = None
) -> tuple[str, str]:
    """Write the runs as parquet; the same runs give the same bytes.

    Parameters
    ----------
    path : path
        The file; its folder exists.
    runs : DataFrame
        One row per run.
    identity : mapping, optional
        Small JSON-able facts kept in the file beside the digest: study, seed.

    Returns
    -------
    digest : str
        Of the runs, see `digest`.
    file : str
        SHA-256 of the file.

    Raises
    ------
    OSError
        If it cannot be written; an earlier file of that name is then unchanged.
    """
    import pyarrow as pa

    checksum = digest(runs)
    table = pa.Table.from_pandas(runs, preserve_index=False)
    return checksum, _write_table(Path(path), table, {**(identity or {}), "digest": checksum})


def write_rows(
    path: str | os.PathLike[str],
    rows: Rows,
    header: Mapping[str, Any],
    named: Callable[[str], str] | None = None,
) -> str:
    """Write measured runs as parquet, one row per run: a part, or all of a study as its traces.parquet.

    Columns design, cell, rep, n_modes, those of `ESTIMATES`, and as lists, an entry per record, step and `FIELDS`.

    Parameters
    ----------
    path : path
        The file; its folder exists.
    rows : Rows
        The runs, in the order in which they are to stand.
    header : mapping
        JSON-able facts kept in the file beside the digest of the rows: the identity of the study, and under "cells",
        by the number of the cell as text, at least the "design" of every cell that occurs.
    named : callable, optional
        Makes the file's name from the SHA-256 of its bytes; by default it is that of `path`.

    Returns
    -------
    str
        SHA-256 of the file. The same rows give the same bytes.

    Raises
    ------
    OSError
        If it cannot be written; an earlier file of that name is then unchanged.
    """
    import pyarrow as pa

    present, which = np.unique(rows.cells, return_inverse=True)
    designs = np.array([header["cells"][str(cell)]["design"] for cell in present.tolist()], dtype=object)
    columns = {"design": pa.array(designs[which], pa.string())}
    columns |= {"cell": pa.array(rows.cells), "rep": pa.array(rows.reps), "n_modes": pa.array(rows.traces.n_modes)}
    for column, name in enumerate(ESTIMATES):
        columns[name] = pa.array(np.ascontiguousarray(rows.estimates[:, column]))
    for name, values in (("step", rows.traces.steps), *((field, rows.traces[field]) for field in FIELDS)):
        flat = pa.array(np.ascontiguousarray(values).ravel())
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, rows.traces.records)
    stamp = {**header, "digest": digest_rows(rows)}
    # Measurements hardly repeat: without dictionaries, bytes of equal weight side by side, it takes a seventh
    # of the time and the file is 40 % smaller (2,000 runs, 50 records: 0.018 s and 2.7 MB, against 0.136 s and 4.7 MB).
    return _write_table(
        Path(path), pa.table(columns), stamp, named, use_dictionary=["design"], use_byte_stream_split=True
    )


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
    for name in (PARTS, "tables", "figures"):
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


# --- reading ------------------------------------------------------------------------------------


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tell a file that is wrong, in whatever way its bytes make us fail, from one that we cannot read just now.

    A file is wrong only if its bytes were read: too many open files, a disk that does not answer, no memory or no
    permission say nothing of it, and whoever took it for damaged would compute again what is there.
    """
    try:
        yield
    except StoreError:
        raise
    except FileNotFoundError:
        raise StoreError(f"{path}: no such file: run the study first") from None
    except IsADirectoryError:
        raise StoreError(f"{path}: is a folder where a file is needed: move it away") from None
    except (MemoryError, ImportError) as error:  # what reads the file is loaded only now
        raise StoreError(_unreadable(path, str(error) or "not enough memory")) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # the system's, and not pyarrow's
            raise StoreError(_unreadable(path, error.strerror or str(error))) from error
        raise DamagedError(f"{path}: damaged, or no file of gansim's: run the study again") from error


def _unreadable(path: Path, why: str) -> str:
    return f"{path}: cannot be read ({' '.join(why.split())}): mend that and try again, nothing has been changed"


def _open_parquet(path: Path, checksum: str | None = None) -> tuple[pq.ParquetFile, dict[str, Any]]:
    """One of our parquet files, and its header; just those bytes that have this SHA-256, if it is given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_file(path) as opened:
        content = opened.read()  # pyarrow would look into a path for the scheme of a URL, or take a folder
    if checksum is not None and not hashlib.sha256(content).hexdigest().startswith(checksum):
        raise DamagedError(f"{path}: its bytes are not those that were written: run the study again")
    file = pq.ParquetFile(pa.BufferReader(content))
    return file, _header(path, file.schema_arrow)


def _header(path: Path, schema: pa.Schema) -> dict[str, Any]:
    stamp = (schema.metadata or {}).get(b"gansim")
    if stamp is None:
        raise DamagedError(f"{path}: not written by gansim: choose a results folder")
    header = json.loads(stamp)
    if not isinstance(header, dict):
        raise DamagedError(f"{path}: damaged, or no file of gansim's: run the study again")
    return header


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what one of our parquet files says of itself, and decode none of its columns.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        What was written beside the rows, with "digest", that of the rows.

    Raises
    ------
    StoreError
        If the file is missing or cannot be read; `DamagedError` if it is damaged, or not gansim's.
    """
    path = Path(path)
    with _reading(path):
        return _open_parquet(path)[1]


def read_runs(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read runs and check them against their digest.

    Parameters
    ----------
    path : path
        A results folder, or its ``runs.parquet``.

    Returns
    -------
    DataFrame
        As it was written, ordered categories included.

    Raises
    ------
    StoreError
        If the file is missing or cannot be read; `DamagedError` if it is damaged, altered, or not gansim's.
    """
    path = _file_in(path, RUNS)
    with _reading(path):
        file, header = _open_parquet(path)
        runs: pd.DataFrame = file.read().to_pandas()
        _check_digest(path, header["digest"], digest(runs))
    return runs


def read_traces(path: str | os.PathLike[str]) -> tuple[pd.DataFrame, Traces]:
    """Read traces and check them against their digest.

    Parameters
    ----------
    path : path
        A results folder, or its ``traces.parquet``.

    Returns
    -------
    ids : DataFrame
        Columns design, cell, rep, one row per run.
    traces : Traces
        The records of those runs.

    Raises
    ------
    StoreError
        If the file is missing or cannot be read; `DamagedError` if it is damaged, altered, or not gansim's.
    """
    import pandas as pd

    path = _file_in(path, TRACES)
    with _reading(path):
        rows, header = read_rows(path)
        present, which = np.unique(rows.cells, return_inverse=True)
        designs = pd.array([header["cells"][str(cell)]["design"] for cell in present.tolist()], dtype="str")
        ids = pd.DataFrame({"design": designs.take(which), "cell": rows.cells, "rep": rows.reps})
    return ids, rows.traces


def read_rows(path: str | os.PathLike[str], checksum: str | None = None) -> tuple[Rows, dict[str, Any]]:
    """Read measured runs and check them against their digest.

    Parameters
    ----------
    path : path
        A file of `write_rows`.
    checksum : str, optional
        First digits of the SHA-256 of its bytes. What was read is then held against that, and not against the digest
        of the rows, which takes a third of the time.

    Returns
    -------
    rows : Rows
        The runs, in the order of the file.
    header : dict
        What was written beside them, with "digest", that of the rows.

    Raises
    ------
    StoreError
        If the file is missing or cannot be read; `DamagedError` if it is damaged, altered, or not gansim's.
    """
    path = Path(path)
    with _reading(path):
        file, header = _open_parquet(path, checksum)
        rows = _rows_of(file)
        if checksum is None:
            _check_digest(path, header["digest"], digest_rows(rows))
    return rows, header


def _rows_of(file: pq.ParquetFile) -> Rows:
    """Read measured runs, some thousand at a time: what is decoded then fits into memory that is used again."""
    n, done = file.metadata.num_rows, 0
    numbers = {name: np.empty(n, dtype=np.int64) for name in ("cell", "rep", "n_modes")}
    estimates = np.empty((n, len(ESTIMATES)))
    steps = values = None
    for batch in file.iter_batches(_BATCH):
        here = slice(done, done + len(batch))
        done += len(batch)
        for name, column in numbers.items():
            column[here] = batch[name]
        for number, name in enumerate(ESTIMATES):
            estimates[here, number] = batch[name]
        if steps is None or values is None:
            records = batch["step"].type.list_size
            steps = np.empty((n, records), dtype=np.int32)
            values = np.empty((n, records, len(FIELDS)), dtype=np.float32)
        steps[here] = _matrix(batch["step"])
        for number, name in enumerate(FIELDS):
            values[here, :, number] = _matrix(batch[name])
    if done < n or steps is None or values is None:
        raise ValueError(f"{done} rows of {n}")
    return Rows(numbers["cell"], numbers["rep"], Traces(steps, values, numbers["n_modes"]), estimates)


def _file_in(path: str | os.PathLike[str], name: str) -> Path:
    path = Path(path)
    return path / name if path.is_dir() else path


def _matrix(column: Any) -> Any:
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)


def _check_digest(path: Path, expected: str, found: str) -> None:
    if expected != found:
        raise DamagedError(f"{path}: altered since it was written (its digest does not match): run the study again")


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the metadata of a results folder, and check them against their digest if they have one.

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
    path = _file_in(path, METADATA)
    if path.name != METADATA and path.is_file():
        raise StoreError(f"{path}: is a file: a results folder, or the {METADATA} in it")
    with _reading(path):
        if not path.exists():
            raise StoreError(f"{path}: {os.strerror(errno.ENOENT)}: {_choose(path.parent)}")
        content = _content(path)
    try:
        metadata = json.loads(content.decode(), parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise StoreError(f"{path}: no JSON: move it away or choose another folder") from None
    if not isinstance(metadata, dict) or "gansim" not in metadata or "study" not in metadata:
        raise StoreError(f"{path}: not written by gansim: move it away or choose another folder")
    stamp = metadata.pop(_STAMP, None)  # metadata of earlier versions have none
    if stamp is not None and stamp != _metadata_digest(metadata):
        raise StoreError(f"{path}: altered since it was written (its digest does not match): move it away")
    for name, holds in _SHAPES.items():
        if name in metadata and not holds(metadata[name]):
            raise StoreError(f"{path}: {name}: value {shown(metadata[name])}: not as gansim writes it: move it away")
    return metadata


def open_file(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file to read it; OSError if it cannot be, or is a device or a pipe.

    A pipe would be waited for, and a device may have no end: anybody may have put one there.
    """
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise OSError(errno.EINVAL, "is a device or a pipe", os.fspath(path))
    return open(path, "rb")


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


def _choose(folder: Path) -> str:
    """Which results folder may have been meant: those that lie in this one are named."""
    inside = sorted(path.parent for path in folder.glob(f"*/{METADATA}")) if folder.is_dir() else []
    more = " ..." if len(inside) > _NAMED else ""
    named = f", such as {', '.join(map(str, inside[:_NAMED]))}{more}" if inside else ""
    return f"choose the results folder of a study{named}"


# --- digests ------------------------------------------------------------------------------------


def digest(frame: pd.DataFrame) -> str:
    """SHA-256 of a frame: column names, types and values in order, nothing else.

    Equal numbers give equal digests on every platform: numbers count as little-endian bytes, every NaN as one and the
    same, text and categories as UTF-8. The index does not count.

    Parameters
    ----------
    frame : DataFrame
        Columns of numbers, booleans, text or categories.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    TypeError
        If a column holds something else.

    Examples
    --------
    >>> import pandas as pd
    >>> digest(pd.DataFrame({"rep": [0, 1]})) == digest(pd.DataFrame({"rep": [0, 2]}))
    False
    """
    import pandas as pd

    total = hashlib.sha256()
    for name, column in frame.items():
        _add_text(total, [str(name)])
        if isinstance(column.dtype, pd.CategoricalDtype):
            _add_text(total, ["ordered" if column.dtype.ordered else "unordered"])
            _add_text(total, [str(category) for category in column.dtype.categories])
            _add_numbers(total, column.cat.codes.to_numpy().astype(np.int64))
        elif pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
            _add_numbers(total, _plain_numbers(column))
        elif pd.api.types.is_string_dtype(column.dtype) or pd.api.types.is_object_dtype(column.dtype):
            _add_text(total, [None if missing else text for text, missing in zip(column, column.isna(), strict=True)])
        else:
            raise TypeError(f"{name}: cannot digest a column of type {column.dtype}")
    return total.hexdigest()


def _plain_numbers(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _add_text(total: Any, texts: Iterable[str | None]) -> None:
    """Add text with its length in front, so that ("ab", "c") and ("a", "bc") differ."""
    for text in texts:
        if text is None:
            total.update(b"\xff" * 8)
            continue
        if not isinstance(text, str):
            raise TypeError(f"cannot digest {shown(text)} in a column of text")
        encoded = text.encode()
        total.update(struct.pack("<q", len(encoded)) + encoded)
    total.update(b"\xfe" * 8)


def _add_numbers(total: Any, values: np.ndarray[Any, Any]) -> None:
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    if little.dtype.kind == "f":
        little = np.where(np.isnan(little), np.array(np.nan, dtype=little.dtype), little)
    _add_text(total, [f"{little.dtype.kind}{little.dtype.itemsize}", str(little.shape)])
    total.update(little.data)


def digest_traces(traces: Traces) -> str:
    """SHA-256 of traces: steps, values (every NaN the same) and numbers of modes.

    Parameters
    ----------
    traces : Traces
        The records.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    total = hashlib.sha256()
    _add_traces(total, traces)
    return total.hexdigest()


def _add_traces(total: Any, traces: Traces) -> None:
    _add_text(total, FIELDS)
    _add_numbers(total, traces.steps)
    for field in FIELDS:  # one field at a time: a copy of all values would double the memory
        _add_numbers(total, traces[field])
    _add_numbers(total, traces.n_modes)


def digest_rows(rows: Rows) -> str:
    """SHA-256 of measured runs: which they are, their records, their estimates; the order of the rows counts.

    Parameters
    ----------
    rows : Rows
        The runs.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    total = hashlib.sha256()
    _add_text(total, ESTIMATES)
    for values in (rows.cells, rows.reps, rows.estimates):
        _add_numbers(total, values)
    _add_traces(total, rows.traces)
    return total.hexdigest()


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
