"""The results folder of a study that is running: locked, resumed, saved to, finished.

What lies in ``<out>/<study>/``, and when:

metadata.json    before anything is simulated (status "running"), and at the very end, when tables and figures are there
                 too ("complete", or "shard")
parts/           what is finished of unfinished work: see `gansim.parts`
traces.parquet   all runs, once they are complete; nothing else is needed to make the rest again
runs.parquet     one row per run with its labels, made from it
.lock            held while a process runs the study; the system frees it when the process ends in whatever way

A process that is killed leaves whole files only, so that the next one can go on from any moment: parts are removed
after traces.parquet has been written, read again and entered in the metadata, and a traces.parquet that a larger one is
to replace is a part before. Files that are not trusted are renamed, never deleted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gansim import parts, store
from gansim.design import Cell
from gansim.identity import Identity, differences, header_differences
from gansim.parts import Collected
from gansim.store import LOCK, METADATA, PARTS, RUNS, TRACES, Rows, StoreError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Folder", "hold_folder", "open_folder"]

# What is finished is saved every two seconds. In long sessions every fiftieth of the time that has passed, at most a
# minute: 10,000 parts a week, which take less than a minute to read, instead of 300,000.
_SAVE_EVERY = 2.0
_SAVE_SHARE = 0.02
_SAVE_AT_MOST = 60.0

_TRIES = 10  # to take a folder that others rename

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def hold_folder(
    path: str | os.PathLike[str],
    study: str,
    force: bool = False,
    say: Callable[[str], object] = lambda text: None,
) -> Iterator[bool]:
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
    bool
        Whether it holds earlier results.

    Raises
    ------
    StoreError
        If another process has it open, or it holds anything else than results. Nothing has been changed in it then.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        earlier = _take(path, study, stack)
        if force and earlier:
            say(f"the earlier results are kept in {_put_aside(path)}")
            earlier = _take(path, study, stack)
        yield earlier


@contextlib.contextmanager
def open_folder(
    path: str | os.PathLike[str],
    identity: Identity,
    cells: Sequence[Cell],
    collected: Collected,
    force: bool = False,
    say: Callable[[str], object] = lambda text: None,
    warn: Callable[[str], object] = lambda text: None,
    held: bool = False,
) -> Iterator[Folder]:
    """Take the results folder of a study, alone, with all runs that are stored in it.

    Parameters
    ----------
    path : path
        The study's own folder, for example ``results/regimes``; made if missing.
    identity : Identity
        Of the study.
    cells : sequence of Cell
        Its cells, to say what differs.
    collected : Collected
        Takes the runs that are stored.
    force : bool, default False
        Put an earlier folder aside, whatever study of that name it holds, and start over.
    say, warn : callable, optional
        Take a line for the user; `warn` that something is wrong with a file.
    held : bool, default False
        This process has it already, by `hold_folder`, which was told of `force`.

    Yields
    ------
    Folder
        To save further runs in, and to finish; whatever was added is saved on the way out.

    Raises
    ------
    StoreError
        If another process has it open, if it holds anything else than results of this study, or runs of another
        identity, or more replicates than are asked for. Nothing has been changed in it then.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        if held:
            earlier = store.check_owner(path, identity.study)
        else:
            earlier = stack.enter_context(hold_folder(path, identity.study, force, say))
        folder = Folder(path, identity, collected, force)
        folder.resume(cells, say if earlier else lambda text: None, warn)
        stack.enter_context(folder.saving())
        yield folder


def _take(folder: Path, study: str, stack: contextlib.ExitStack) -> bool:
    """Claim a folder and lock it until the stack is closed; whether it holds earlier results.

    Another process that starts over may rename the folder at any moment until the lock is ours. Then nothing lies
    there, or something else than what was locked, and we try again.
    """
    refusal: StoreError = _InUse(folder)
    for _ in range(_TRIES):
        with contextlib.ExitStack() as attempt:
            try:
                store.claim_folder(folder, study)
                before = _inode(folder)
                attempt.enter_context(_lock(folder))
                if before == _inode(folder):
                    stack.push(attempt.pop_all())
                    return store.check_owner(folder, study)  # what was there before it was locked may be gone
            except _InUse:
                raise
            except StoreError as error:
                refusal = error
    raise refusal


def _inode(folder: Path) -> tuple[int, int]:
    """What tells a folder from another of the same name; zeros if there is none."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino


class _InUse(StoreError):
    """Somebody else has the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: another process is running this study: wait until it ends, or choose another --out"
        )


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


def _put_aside(folder: Path) -> Path:
    """Rename a folder to the next free name."""
    number = 1
    while os.path.lexists(kept := folder.with_name(f"{folder.name}.{number}")):  # also a link that leads nowhere
        number += 1
    folder.rename(kept)
    return kept


class Folder:
    """A results folder that this process holds the lock of; made by `open_folder`.

    Attributes
    ----------
    path : Path
        The folder.
    collected : Collected
        The runs that are there.
    metadata : dict
        What an earlier session wrote, empty without one.
    saved : int
        Runs that are on the disk.
    seconds : dict
        Time spent on "read" and on "save".
    """

    def __init__(self, path: Path, identity: Identity, collected: Collected, forced: bool = False) -> None:
        self._again = "the same command again" + (", without --force" if forced else "")
        self.path = path
        self.identity = identity
        self.collected = collected
        self.metadata: dict[str, Any] = {}
        self.saved = 0
        self.seconds = {"read": 0.0, "save": 0.0}
        self._trusted: dict[Path, int] = {}
        self._waiting: list[Rows] = []
        self._opened = self._written = time.perf_counter()

    # --- what is there

    def resume(self, cells: Sequence[Cell], say: Callable[[str], object], warn: Callable[[str], object]) -> None:
        """Read what is stored, once it is known to be of this study; see `open_folder`."""
        started = time.perf_counter()
        for leftover in [*store.leftovers(self.path), *store.leftovers(self.path / PARTS)]:
            leftover.unlink(missing_ok=True)  # that of a process which is being refused just now goes by itself
        if (self.path / METADATA).exists():
            self.metadata = store.read_metadata(self.path)
        files = parts.stored_files(self.path)
        if files or (self.path / RUNS).exists():
            self._read(cells, warn)
        self.saved = self.collected.done
        if self.saved:
            say(f"{self.saved:,} of {len(self.collected):,} runs are saved in {self.path}")
        elif self.metadata.get("status", "complete") != "running":
            say(f"replacing the earlier results in {self.path}")
        self.seconds["read"] = time.perf_counter() - started

    def _read(self, cells: Sequence[Cell], warn: Callable[[str], object]) -> None:
        if self.metadata and (found := differences(self.metadata, self.identity, cells)):
            raise self._refusal(found)
        checksums = self.metadata.get("files") or {}
        self._trusted, bad = parts.collect(self.path, self.identity, self.collected, checksums)
        if not self.metadata and (foreign := [file.differs for file in bad if file.differs]):
            raise self._refusal(foreign[0])
        if not self.metadata and (self.path / RUNS).exists():
            try:
                header = store.read_header(self.path / RUNS)
            except StoreError:  # a damaged one is made again
                header = {"identity": self.identity.digest}
            if header.get("identity") != self.identity.digest:
                raise self._refusal(header_differences(header, self.identity))
        for file in bad:
            kept = store.bad_name(file.path)
            file.path.rename(kept)
            warn(f"{file.path}: {file.why}: kept as {kept.name}, its runs are simulated again")

    def _refusal(self, found: str) -> StoreError:
        former = self.metadata.get("command")
        repeat = f"repeat the former command ({former})" if former else "repeat the former options"
        return StoreError(
            f"{self.path}: holds other runs than are asked for ({found}): {repeat}, choose another --out, "
            "or start over with --force (the old folder is kept)"
        )

    @property
    def whole(self) -> bool:
        """Whether traces.parquet holds all runs."""
        return self._trusted.get(self.path / TRACES) == len(self.collected)

    # --- what comes in

    def add(self, rows: Rows) -> None:
        """Take finished runs; they reach the disk within the next seconds."""
        self.collected.put(rows)
        self._waiting.append(rows)
        now = time.perf_counter()
        wait = min(_SAVE_AT_MOST, max(_SAVE_EVERY, _SAVE_SHARE * (now - self._opened)))
        if now - self._written >= wait:
            self.save()

    def save(self) -> None:
        """Write what is waiting, as one part."""
        started = time.perf_counter()
        if self._waiting:
            rows = Rows.concat(self._waiting)
            with self.writing():
                path = parts.write_part(self.path, rows, self.identity)
            self._waiting.clear()
            self._trusted[path] = len(rows)
            self.saved = self.collected.done
        self._written = time.perf_counter()
        self.seconds["save"] += self._written - started

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Save on the way out, whatever the reason; a refusal or an interruption keeps its own message."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError, StoreError):
                self.save()
            raise
        self.save()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn a failure to write into one line that says what is safe."""
        try:
            yield
        except OSError as error:
            advice = "free some" if error.errno in _FULL else "mend that"
            raise StoreError(
                f"{self.path}: cannot write ({error.strerror or error}): {advice} and run {self._again}: "
                f"{self.saved:,} of {len(self.collected):,} runs are saved"
            ) from error

    # --- what is written around it

    def start(self, metadata: Mapping[str, Any]) -> None:
        """Write the metadata of a run that is not complete yet; before anything is simulated.

        If traces.parquet does not hold all runs that are asked for, it becomes a part first.
        """
        traces, files = self.path / TRACES, {}
        with self.writing():
            if self.whole:
                files = {TRACES: store.file_digest(traces)}
            elif traces in self._trusted:
                self._trusted[self._as_part(traces)] = self._trusted.pop(traces)
            facts = {"identity": self.identity.digest, "files": files}
            store.write_metadata(self.path / METADATA, {"status": "running", **metadata, **facts})

    def _as_part(self, traces: Path) -> Path:
        part = store.make_folder(self.path / PARTS) / parts.part_name(store.file_digest(traces))
        if not part.exists():
            try:
                os.link(traces, part)
            except OSError:  # a file system without links
                store.copy_whole(traces, part)
            store.sync_folder(part.parent)  # before traces.parquet is replaced
        return part

    def finish(
        self,
        runs: pd.DataFrame,
        describe: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        report: Callable[[Mapping[str, Any]], object] | None,
    ) -> dict[str, Any]:
        """Write the results, remove the parts that they replace, and call them complete once the report is there too.

        Parameters
        ----------
        runs : DataFrame
            All runs with their labels.
        describe : callable
            Takes facts about the files, digest and files, and gives the metadata.
        report : callable or None
            Takes the metadata and writes what else belongs to the results. None: more runs follow, the results are not
            complete yet.

        Returns
        -------
        dict
            The metadata as written.

        Raises
        ------
        RuntimeError
            If a run is missing, or the disk gives other bytes back than were written.
        StoreError
            If something cannot be written.
        """
        rows, traces = self.collected.rows(), self.path / TRACES
        with self.writing():
            if self.whole:
                checksum = store.file_digest(traces)
            else:
                checksum = store.write_rows(traces, rows, self.identity.header())
                if store.file_digest(traces) != checksum:
                    raise RuntimeError(f"{traces}: the disk gives other bytes back than were written")
            stamp = {"study": self.identity.study, "seed": self.identity.seed, "kernel": self.identity.kernel}
            digest, file = store.write_runs(self.path / RUNS, runs, {**stamp, "identity": self.identity.digest})
            facts = {
                "digest": {"runs": digest, "traces": store.digest_traces(rows.traces)},
                "files": {RUNS: file, TRACES: checksum},
            }
            told = {"status": "running", "identity": self.identity.digest}
            store.write_metadata(self.path / METADATA, metadata := {**describe(facts), **told})
        self._remove_parts(traces)
        if report is not None:
            with self.writing():
                told["status"] = "complete"
                report({**metadata, **told})
                store.write_metadata(self.path / METADATA, metadata := {**describe(facts), **told})
        return metadata

    def _remove_parts(self, traces: Path) -> None:
        for path in [path for path in self._trusted if path != traces]:
            path.unlink()
            del self._trusted[path]
        with contextlib.suppress(OSError):  # files that are not trusted stay, and with them the folder
            (self.path / PARTS).rmdir()
