"""A results folder that one process has alone: locked, and written to by way of a draft.

Everything is written into the draft first, a folder with a name of its own inside the results folder, and takes its
place by being renamed. So the draft tells whose folder it is: one that is renamed or removed takes its draft along, and
whoever takes a folder over, because somebody has removed the lock, sweeps the draft away. A process that was stopped
meanwhile then finds no draft where it looks for one; it can write nothing into what lies there by now, and ends.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from gansim.errors import StoreError, option
from gansim.storage import disk, places
from gansim.storage.names import LOCK, PARTS

__all__ = ["Hold", "TakenError", "hold_folder"]

_TRIES = 10  # to take a folder that others rename


class TakenError(StoreError):
    """The folder is no longer the one that this process has begun to write to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: was renamed, removed or taken over by another process while this one wrote to it: what was "
            "saved until then lies where it went, nothing here was touched; give the command again to go on here"
        )


class _InUse(StoreError):
    """Somebody else has the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: another process is running this study: wait until it ends, or choose another {option('out')}"
        )


class Hold:
    """A results folder, while this process alone may write to it; made by `hold_folder`.

    Attributes
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # A name that no other process has, on no other machine that shares the disk; and a mark that nobody makes anew
        # who makes folders for what he writes.
        self._draft = path / f".draft.{os.getpid()}.{secrets.token_hex(4)}.tmp"
        self._mark, self._new = self._draft / "mark", self._draft / "new"
        self._draft.mkdir()
        self._mark.touch()

    def check(self) -> None:
        """Refuse to go on if the folder is no longer ours.

        Raises
        ------
        TakenError
            If the draft does not lie where it was made.
        """
        if not self._mark.exists():
            raise TakenError(self.path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """Write files: yields a folder to write to, from which they take their places in the end, all or none.

        Raises
        ------
        TakenError
            If the folder is no longer ours; nothing has been written then.
        StoreError
            If a folder lies where a file is to be, or a file where a folder is.
        OSError
            If something cannot be written.
        """
        self.check()
        try:
            self._new.mkdir()
            yield self._new
            self._publish()
        except OSError:
            self.check()  # "no such file" would not tell why
            raise
        finally:
            shutil.rmtree(self._new, ignore_errors=True)

    def _publish(self) -> None:
        self.check()  # whoever has written may have made the folder anew, in another one of this name
        made = sorted(path for path in self._new.rglob("*") if path.is_file())
        places = [self.path / path.relative_to(self._new) for path in made]
        folders = sorted({folder for place in places for folder in place.parents if self.path in folder.parents})
        for folder in folders:
            if os.path.lexists(folder) and not folder.is_dir():
                raise StoreError(f"{folder}: is no folder, where one is needed: move it away")
        for place in places:
            if place.is_dir():
                raise StoreError(f"{place}: is a folder where a file is needed: move it away")
        for folder in folders:
            disk.make_folder(folder)
        for path, place in zip(made, places, strict=True):
            os.replace(path, place)
        for folder in {place.parent for place in places}:
            disk.sync_folder(folder)

    def remove(self, path: Path) -> None:
        """Remove a file of this folder, and never one of that name in another; it may be gone already.

        Raises
        ------
        TakenError
            If the folder is no longer ours.
        """
        aside = self._draft / path.name
        with contextlib.suppress(FileNotFoundError):
            os.rename(path, aside)
        self.check()
        aside.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the draft."""
        shutil.rmtree(self._draft, ignore_errors=True)


@contextlib.contextmanager
def hold_folder(
    path: str | os.PathLike[str],
    study: str,
    force: bool = False,
    say: Callable[[str], object] = lambda text: None,
) -> Iterator[Hold]:
    """Have the results folder of a study alone.

    Parameters
    ----------
    path : path
        The study's own folder; made if missing.
    study : str
        Its name.
    force : bool, default False
        Put an earlier folder aside, whatever study of that name it holds, and start over.
    say : callable, optional
        Takes a line for the user.

    Yields
    ------
    Hold
        To write to it.

    Raises
    ------
    StoreError
        If another process has it open, or it holds anything else than results. Nothing has been changed in it then.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        hold = _take(path, study, stack)
        if force and places.check_owner(path, study):
            say(f"the earlier results are kept in {_put_aside(hold)}")
            hold = _take(path, study, stack)
        yield hold


def _take(folder: Path, study: str, stack: contextlib.ExitStack) -> Hold:
    """Claim a folder and lock it until the stack is closed.

    Another process that starts over may rename the folder at any moment until the lock is ours. Then nothing lies
    there, or something else than what was locked, and we try again.
    """
    refusal: StoreError = _InUse(folder)
    for _ in range(_TRIES):
        with contextlib.ExitStack() as attempt:
            try:
                places.claim_folder(folder, study)
                before = _inode(folder)
                attempt.enter_context(_lock(folder))
                if before == _inode(folder):
                    places.check_owner(folder, study)  # what was there before it was locked may be gone
                    hold = attempt.enter_context(_drafted(folder))
                    if before == _inode(folder):  # else the draft lies in another folder than the lock
                        stack.push(attempt.pop_all())
                        return hold
            except _InUse:
                raise
            except StoreError as error:
                refusal = error
    raise refusal


@contextlib.contextmanager
def _drafted(folder: Path) -> Iterator[Hold]:
    """Sweep away what earlier processes have left, their drafts above all, and make a draft of our own."""
    try:
        places.sweep(folder)
        places.sweep(folder / PARTS)
        hold = Hold(folder)
    except OSError as error:
        raise StoreError(f"{folder}: cannot hold results ({error.strerror}): choose another folder") from None
    try:
        yield hold
    finally:
        hold.close()


def _inode(folder: Path) -> tuple[int, int]:
    """What tells a folder from another of the same name; zeros if there is none."""
    try:
        found = folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return 0, 0
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Not inherited by workers: they are started by exec, which closes it."""
    import filelock

    lock = filelock.FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise _InUse(folder) from None
    except OSError as error:
        raise StoreError(f"{folder}: cannot be locked ({error.strerror}): choose another folder") from None
    try:
        yield
    finally:
        lock.release()


def _put_aside(hold: Hold) -> Path:
    """Rename a folder to the next free name, without its draft."""
    hold.close()
    folder, number = hold.path, 1
    while os.path.lexists(kept := folder.with_name(f"{folder.name}.{number}")):  # also a link that leads nowhere
        number += 1
    folder.rename(kept)
    return kept
