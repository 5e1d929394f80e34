"""The cache of compiled code on disk: what is read is what was written, or it is compiled again.

Code lies in files, one for each entry point and signature, in a folder for this version of the source. A file begins
with the digest of its name and of all that follows: one that is damaged, cut, empty or of another function is not
unpickled, and written over. No error of the disk ends a run: another place is taken, or none.
"""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import llvmlite
import numba
from filelock import FileLock
from llvmlite import binding

from gansim.kernels.compiling.registers import REGISTER
from gansim.source import compiled_digest

__all__ = ["empty_cache", "environment", "folder_for_numba", "is_noted", "lock", "note", "read", "versions", "write"]

_config: Any = numba.config  # has settings that it does not declare

_OURS = "gansim-cache"  # the folder, in a place that others use too, where all of this lies
_VERSION = re.compile(r"lanes-[0-9a-f]{12}")
_TAG = "CACHEDIR.TAG"  # what backups know caches by; here also the sign that gansim made the folder
_TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# Compiled code of gansim, removed a week after its use.\n"
_FILES = ("*.nbc", "*.nbi", "*.done", "*.lock", "*.tmp", _TAG)  # all that gansim puts there, and Numba for it
_UNUSED = 7 * 24 * 3600  # seconds after which the code of another version of the source is removed
_ROOM = 16 * 2**20  # bytes that a place must have left; the code of one shape takes half a megabyte

_SEAL = 32  # bytes of the digest before a file's content

_failed: dict[Path, str] = {}  # folders in which this process could not write, and why
_said: list[str] = []  # what it has said of that
_only: list[Path] = []  # the last is the only place, if there is one


# --- places -------------------------------------------------------------------------------------


def _places() -> list[Path]:
    """Where the cache may lie: where Numba is told to or beside the source, in the user's cache, in a temporary one."""
    if _only:
        return _only[-1:]
    places = [Path(_config.CACHE_DIR) if _config.CACHE_DIR else Path(__file__).parent / "__pycache__"]
    with suppress(RuntimeError):  # a user without a home folder, as in a container
        places.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"))
    with suppress(FileNotFoundError):  # no folder for temporary files, as in a container that is read only
        places.append(Path(tempfile.gettempdir()) / f"gansim-{os.getuid() if hasattr(os, 'getuid') else 'cache'}")
    return places


def _folder_in(place: Path) -> Path:
    """The folder for this version of the source: after an edit of any kernel, no old code is loaded."""
    return place / _OURS / f"lanes-{compiled_digest()[:12]}"


def _refusal(place: Path) -> str:
    """Why code cannot be kept in a place; empty if it can."""
    folder = _folder_in(place)
    try:
        if _is_shared(place):
            place.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return "this user may not read and write there"
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return _reason(error)
    return _failed.get(folder, "") or (f"{free / 2**20:.0f} MiB are free there" if free < _ROOM else "")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _is_shared(place: Path) -> bool:
    """Whether it stands among everybody's temporary files, where somebody else may have put code."""
    try:
        return place.parent == Path(tempfile.gettempdir())
    except FileNotFoundError:
        return False


def _is_trusted(place: Path) -> bool:
    if not (_is_shared(place) and hasattr(os, "getuid")):
        return True
    try:
        return place.stat().st_uid == os.getuid()
    except OSError:
        return True  # nothing there to be loaded


def folders() -> Iterator[tuple[Path, str]]:
    """Folders in which code may lie and why none can be put there, up to the first where it can."""
    for place in _places():
        if _is_trusted(place):
            folder, why = _folder_in(place), _refusal(place)
            yield folder, why
            if not why and folder not in _failed:
                return


@contextmanager
def empty_cache() -> Iterator[None]:
    """Within, an empty cache and no other place; afterwards the former ones, and this one is gone."""
    with tempfile.TemporaryDirectory(prefix="gansim-", ignore_cleanup_errors=True) as place:
        _only.append(Path(place))
        try:
            yield
        finally:
            _only.pop()


def environment() -> dict[str, str]:
    """What tells a process that is to compile for this one where."""
    return {"NUMBA_CACHE_DIR": str(_only[-1])} if _only else {}


# --- files --------------------------------------------------------------------------------------


def _seal(name: str, content: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + content).digest()


def read(name: str) -> bytes | None:
    """What was kept under a name; None if nothing was, or what is there now is something else."""
    for folder, _ in folders():
        with suppress(OSError):
            sealed = (folder / name).read_bytes()
            seal, content = sealed[:_SEAL], sealed[_SEAL:]
            if seal == _seal(name, content):
                _used(folder)
                return content
    return None


def write(name: str, content: bytes) -> None:
    """Keep something where there is room for it, and say so once if that is not where it was to be."""

    def put(folder: Path) -> None:
        _put(folder / name, _seal(name, content) + content)

    _keep(put)


def folder_for_numba() -> Path | None:
    """Where Numba may keep what it compiles by itself; None if there is no place, which is said once."""
    return _keep(lambda folder: None)


def _keep(put: Callable[[Path], None]) -> Path | None:
    """Put something into the first folder that takes it."""
    refused, kept = [], None
    for folder, why in folders():
        if not why:
            try:
                put(folder)
            except OSError as error:
                why = _failed[folder] = _reason(error)
            else:
                kept = folder
                _used(folder)
                _sweep(folder.parent)
                break
        refused.append(f"{folder} ({why})")
    if kept is None or (refused and (_failed or _config.CACHE_DIR)):
        where = f"is kept in {kept}" if kept else "is compiled again by every process"
        _say(f"compiled code cannot be kept in {refused[0] if refused else 'any folder'} and {where}")
    return kept


def _put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. It is not flushed: what a power cut leaves of it is no more than a miss."""
    temporary = path.with_name(f"{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _say(text: str) -> None:
    """One line on stderr, and no second one."""
    if not _said:
        _said.append(text)
        with suppress(OSError, ValueError, AttributeError):  # closed, or none
            sys.stderr.write(f"gansim: {text}: NUMBA_CACHE_DIR names another folder\n")


# --- sweeping -----------------------------------------------------------------------------------


def _used(folder: Path) -> None:
    """Note that a folder is in use, and that it is gansim's."""
    with suppress(OSError):
        if not _is_ours(folder):
            _put(folder / _TAG, _TAG_TEXT)
        os.utime(folder / _TAG)


def _is_ours(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and (folder / _TAG).read_bytes() == _TAG_TEXT
    except OSError:
        return False


def _sweep(ours: Path) -> None:
    """Remove what other versions of the source have left and nobody has used for a week.

    Only files that gansim makes, in folders that it made: one that holds anything else stays. Others may sweep at the
    same time.
    """
    with suppress(OSError):
        for folder in list(ours.iterdir()):
            if _VERSION.fullmatch(folder.name) and folder.name != _folder_in(ours).name and _is_ours(folder):
                _remove_unused(folder)


def _remove_unused(folder: Path) -> None:
    with suppress(OSError):
        if time.time() - (folder / _TAG).stat().st_mtime > _UNUSED:
            for pattern in _FILES:
                for file in folder.rglob(pattern):
                    file.unlink(missing_ok=True)
            for inner in folder.iterdir():  # Numba's own, a folder for each of ours
                inner.rmdir()
            folder.rmdir()


def versions() -> tuple[str, ...]:
    """What compiles, and how much a bundle and a tile hold."""
    return numba.__version__, llvmlite.__version__, sys.version, str(REGISTER)


# --- who compiles what --------------------------------------------------------------------------


def _note(key: Hashable) -> str:
    cpu = binding.get_host_cpu_name(), _config.CPU_NAME, _config.CPU_FEATURES, _config.ENABLE_AVX
    return f"{hashlib.sha256(repr((key, cpu, versions())).encode()).hexdigest()[:16]}.done"


def is_noted(key: Hashable) -> bool:
    """Whether `key` has been compiled into the cache before. Only ever used to decide who compiles."""
    return read(_note(key)) is not None


def note(key: Hashable) -> None:
    """Remember that `key` has been compiled into the cache, for this processor and by these versions."""
    write(_note(key), b"")


@contextmanager
def lock(name: str) -> Iterator[None]:
    """A lock that the processes of this machine share; where nothing can be written, nobody waits."""
    with ExitStack() as stack:
        for folder, why in folders():
            with suppress(OSError, NotImplementedError):  # another's file, a file system without locks
                if not why:
                    stack.enter_context(FileLock(folder / f"{name}.lock"))
                    break
        yield
