"""The results folder of a study that is running: locked, resumed, saved to, finished.

What lies in ``<out>/<study>/``, and when:

metadata.json    before anything is simulated (status "running"), and at the very end, when tables and figures are there
                 too ("complete", or "shard")
parts/           what is finished of unfinished work: see `gansim.storage.parts`
data/            columns of observed numbers and of quantiles that the configurations name by digest, before that
traces.parquet   all runs, once they are complete; nothing else is needed to make the rest again
runs.parquet     one row per run with its labels, made from it
.lock            held while a process runs the study, everything written by way of a draft: see `gansim.storage.holding`

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

from gansim.design import columns
from gansim.design.design import Cell
from gansim.design.in_words.wording import count
from gansim.errors import DamagedError, StoreError, call_word, option
from gansim.storage import disk, parts, places, reported
from gansim.storage.holding import Hold, hold_folder
from gansim.storage.identity import Identity, differences, header_differences
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.names import ADEMP, METADATA, PARTS, RUNS, TRACES
from gansim.storage.parquet import Rows, digest_traces, read_header, write_rows, write_runs
from gansim.storage.parts import Collected

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Folder", "open_folder"]

# What is finished is saved every two seconds. In long sessions every fiftieth of the time that has passed, at most a
# minute: 10,000 parts a week, which take less than a minute to read, instead of 300,000.
_SAVE_EVERY = 2.0
_SAVE_SHARE = 0.02
_SAVE_AT_MOST = 60.0

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def open_folder(
    path: str | os.PathLike[str],
    identity: Identity,
    cells: Sequence[Cell],
    collected: Collected,
    force: bool = False,
    say: Callable[[str], object] = lambda text: None,
    warn: Callable[[str], object] = lambda text: None,
    held: Hold | None = None,
) -> Iterator[Folder]:
    """Take the results folder of a study, alone, with all runs that are stored in it.

    Parameters
    ----------
    path : path
        The study's own folder, for example ``results/regimes``; made if missing.
    identity : Identity
        Of the study.
    cells : sequence of Cell
        Its cells, to say what differs, and whose numbers are kept.
    collected : Collected
        Takes the runs that are stored.
    force : bool, default False
        Put an earlier folder aside, whatever study of that name it holds, and start over.
    say, warn : callable, optional
        Take a line for the user; `warn` that something is wrong with a file.
    held : Hold, optional
        This process has it already, by `gansim.storage.holding.hold_folder`, which was told of `force`.

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
        hold = held or stack.enter_context(hold_folder(path, identity.study, force, say))
        earlier = places.check_owner(path, identity.study)
        folder = Folder(hold, identity, cells, collected, force)
        folder.resume(say if earlier else lambda text: None, warn)
        stack.enter_context(folder.saving())
        yield folder


class Folder:
    """A results folder that this process has alone; made by `open_folder`.

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

    def __init__(
        self, hold: Hold, identity: Identity, cells: Sequence[Cell], collected: Collected, forced: bool = False
    ) -> None:
        self._again = f"the same {call_word()} again" + (f", without {option('force', on=True)}" if forced else "")
        self._hold = hold
        self.path = hold.path
        self.identity = identity
        self.cells = cells
        self.collected = collected
        self.metadata: dict[str, Any] = {}
        self.saved = 0
        self.seconds = {"read": 0.0, "save": 0.0}
        self._trusted: dict[Path, int] = {}
        self._waiting: list[Rows] = []
        self._opened = self._written = time.perf_counter()

    # --- what is there

    def resume(self, say: Callable[[str], object], warn: Callable[[str], object]) -> None:
        """Read what is stored, once it is known to be of this study; see `open_folder`."""
        started = time.perf_counter()
        if (self.path / METADATA).exists():
            self.metadata = read_metadata(self.path)
            reported.check_places(self.path, self.metadata)
        files = parts.stored_files(self.path)
        if files or (self.path / RUNS).exists():
            self._read(warn)
        self.saved = self.collected.done
        if self.saved:
            say(f"{self.saved:,} of {len(self.collected):,} runs are saved in {self.path}")
        elif self.metadata.get("status", "complete") != "running":
            say(f"replacing the earlier results in {self.path}")
        self.seconds["read"] = time.perf_counter() - started

    def _read(self, warn: Callable[[str], object]) -> None:
        if self.metadata and (found := differences(self.metadata, self.identity, self.cells)):
            raise self._refusal(found)
        checksums = self.metadata.get("files") or {}
        self._trusted, bad = parts.collect(self.path, self.identity, self.collected, checksums)
        if not self.metadata and (foreign := [file.differs for file in bad if file.differs]):
            raise self._refusal(foreign[0])
        if not self.metadata and (self.path / RUNS).exists():
            try:
                header = read_header(self.path / RUNS)
            except DamagedError:  # it is made again
                header = {"identity": self.identity.digest}
            if header.get("identity") != self.identity.digest:
                raise self._refusal(header_differences(header, self.identity))
        for file in bad:
            kept = places.bad_name(file.path)
            self._hold.check()
            file.path.rename(kept)
            warn(f"{file.path}: {file.why}: kept as {kept.name}, its runs are simulated again")

    def _refusal(self, found: str) -> StoreError:
        former = self.metadata.get("command")
        repeat = f"repeat the former command ({former})" if former else "repeat the former options"
        if "sha256:" in found:  # the numbers of a target, which lie in the folder
            repeat = f"bring the former numbers back, or run {self.path / METADATA}, which has them"
        return StoreError(
            f"{self.path}: holds other runs than are asked for ({found}): {repeat}, choose another {option('out')}, "
            f"or start over with {option('force', on=True)} (the old folder is kept)"
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
        """Write what is waiting, as one part; all that there is, if somebody has removed what was written."""
        started = time.perf_counter()
        lost = [path for path in self._trusted if not path.exists()]
        if lost or self._waiting:
            rows = self.collected.rows(~self.collected.missing) if lost else Rows.concat(self._waiting)
            with self.writing() as draft:
                written = parts.write_part(draft, rows, self.identity).relative_to(draft)
            self._waiting.clear()
            self._trusted = {path: n for path, n in self._trusted.items() if path not in lost}
            self._trusted[self.path / written] = len(rows)
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
    def writing(self) -> Iterator[Path]:
        """Write by way of the draft; a failure becomes one line that says what is safe."""
        try:
            with self._hold.writing() as draft:
                yield draft
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
        with self.writing() as draft:
            if self.whole:
                files = {TRACES: disk.file_digest(traces)}
            elif traces in self._trusted:
                part = self._as_part(traces, draft)
                self._trusted[self.path / part.relative_to(draft)] = self._trusted.pop(traces)
        facts = {"identity": self.identity.digest, "files": files, **self._told_before}
        self._keep_columns()
        with self.writing() as draft:
            write_metadata(draft / METADATA, {"status": "running", **metadata, **facts})

    def _keep_columns(self) -> None:
        """Write the columns of numbers that the configurations name by digest."""
        targets = [cell.gan.target for cell in self.cells if cell.gan.target is not None]
        each = {values for target in targets for values in columns.columns_of(target)}
        missing = [values for values in each if not (self.path / columns.FOLDER / columns.file_name(values)).exists()]
        if missing:
            with self.writing() as draft:
                folder = disk.make_folder(draft / columns.FOLDER)
                for values in missing:
                    disk.write_text(folder / columns.file_name(values), columns.text_of(values))

    def _as_part(self, traces: Path, draft: Path) -> Path:
        part = disk.make_folder(draft / PARTS) / parts.part_name(disk.file_digest(traces))
        try:
            os.link(traces, part)
        except OSError:  # a file system without links
            disk.copy_whole(traces, part)
        return part

    @property
    def _told_before(self) -> dict[str, Any]:
        """The record of what was reported before, which stays until something else is."""
        return {name: self.metadata[name] for name in (reported.RECORD,) if name in self.metadata}

    def finish(
        self,
        runs: pd.DataFrame,
        describe: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        report: Callable[[Mapping[str, Any], Path], object] | None,
        say: Callable[[str], object] = lambda text: None,
    ) -> dict[str, Any]:
        """Write the results, remove the parts that they replace, and call them complete once the report is there too.

        Parameters
        ----------
        runs : DataFrame
            All runs with their labels.
        describe : callable
            Takes facts about the files, digest and files, and gives the metadata.
        report : callable or None
            Takes the metadata and a folder, and writes into that what else belongs to the results; it all takes its
            place at once. None: more runs follow, the results are not complete yet.
        say : callable, optional
            Takes a line for the user.

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
        with self.writing() as draft:
            if self.whole:
                checksum = disk.file_digest(traces)
            else:
                checksum = write_rows(draft / TRACES, rows, self.identity.header())
        if not self.whole and disk.file_digest(traces) != checksum:
            raise RuntimeError(f"{traces}: the disk gives other bytes back than were written")
        with self.writing() as draft:
            stamp = {"study": self.identity.study, "seed": self.identity.seed, "kernel": self.identity.kernel}
            digest, file = write_runs(draft / RUNS, runs, {**stamp, "identity": self.identity.digest})
        facts = {
            "digest": {"runs": digest, "traces": digest_traces(rows.traces)},
            "files": {RUNS: file, TRACES: checksum},
            **self._told_before,
        }
        told = {"status": "running", "identity": self.identity.digest}
        with self.writing() as draft:
            write_metadata(draft / METADATA, metadata := {**describe(facts), **told})
        self._remove_parts(traces)
        if report is not None:
            told["status"] = "complete"
            with self.writing() as draft:
                report({**metadata, **told}, draft)
                files = reported.digests(draft)
            facts["files"][ADEMP] = files.pop(ADEMP)
            if files:
                self._remove_stale(files, say)
                facts[reported.RECORD] = {"runs": digest, "command": metadata["command"], "files": files}
            with self.writing() as draft:
                write_metadata(draft / METADATA, metadata := {**describe(facts), **told})
        return metadata

    def _remove_parts(self, traces: Path) -> None:
        for path in [path for path in self._trusted if path != traces]:
            self._hold.remove(path)
            del self._trusted[path]
        with contextlib.suppress(OSError):  # files that are not trusted stay, and with them the folder
            (self.path / PARTS).rmdir()

    def _remove_stale(self, files: Mapping[str, str], say: Callable[[str], object]) -> None:
        """Remove what an earlier report wrote and this one did not, unless somebody has altered it since."""
        removed = 0
        for name, digest in reported.files(self.metadata).items():
            path = self.path / name
            if name in files or not path.is_file():
                continue
            if disk.file_digest(path) != digest:
                say(f"{path}: of an earlier run, and altered since: left as it is")
                continue
            self._hold.remove(path)
            removed += 1
            with contextlib.suppress(OSError):  # others lie there
                path.parent.rmdir()
        if removed:
            say(f"{self.path}: {count(removed, 'file')} of an earlier report removed")
