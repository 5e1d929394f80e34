"""Files that are whole or not there: written beside their place, flushed, then renamed; and their digests."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gansim.errors import DamagedError, StoreError

__all__ = ["copy_whole", "file_digest", "make_folder", "sync_folder", "write_text"]


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


def write_whole(path: Path, write: Callable[[Any], object], named: Callable[[str], str] | None = None) -> str:
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
    write_whole(Path(path), lambda file: file.write(text.encode()))


def copy_whole(source: Path, path: Path) -> None:
    """Copy a file whole or not at all; OSError if it cannot be read or written."""

    def copy(to: BinaryIO) -> None:
        with open(source, "rb") as file:
            shutil.copyfileobj(file, to)

    write_whole(path, copy)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
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


def file_in(path: str | os.PathLike[str], name: str) -> Path:
    path = Path(path)
    return path / name if path.is_dir() else path


def open_file(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file to read it; OSError if it cannot be, or is a device or a pipe.

    A pipe would be waited for, and a device may have no end: anybody may have put one there.
    """
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise OSError(errno.EINVAL, "is a device or a pipe", os.fspath(path))
    return open(path, "rb")


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
