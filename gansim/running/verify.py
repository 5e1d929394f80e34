"""Are stored runs what this source computes? Runs simulated again and compared, bit for bit."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gansim.engine.compile_ahead import compiled_afresh
from gansim.errors import ConfigError, DamagedError, StoreError, call_word, option, shown
from gansim.running.execution import Call, simulate
from gansim.running.frame import labelled_runs
from gansim.running.pool import Backend
from gansim.running.results import Results, open_results
from gansim.storage import disk, reported
from gansim.storage.names import METADATA, RUNS
from gansim.storage.parquet import digest, digest_traces, read_runs
from gansim.storage.parts import Collected
from gansim.storage.provenance import kernel_digest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Verdict", "verify"]

_SHOWN = 5  # runs that a refusal lists


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes
    ----------
    checked : int
        Runs that were simulated again.
    stored : int
        Runs of the study.
    differ : tuple of (cell, rep)
        Those whose stored bits are others.
    faults : tuple of str
        What else does not agree: files, labels, digests. One line each.
    notes : tuple of str
        What may explain it, and what could not be compared.
    """

    checked: int
    stored: int
    differ: tuple[tuple[int, int], ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything agrees."""
        return not self.differ and not self.faults

    def lines(self) -> list[str]:
        """The verdict in words."""
        word = "agree" if not self.differ else f"{len(self.differ):,} differ"
        shown = ", ".join(f"cell {cell} rep {rep}" for cell, rep in self.differ[:_SHOWN])
        more = f" and {len(self.differ) - _SHOWN:,} more" if len(self.differ) > _SHOWN else ""
        out = [f"{self.checked:,} of {self.stored:,} runs simulated again, every bit compared: {word}"]
        out += [f"differ: {shown}{more}"] if self.differ else []
        return [*out, *self.faults, *self.notes]


def verify(
    folder: str | os.PathLike[str],
    runs: int | None = 100,
    seed: int = 0,
    jobs: int = -1,
    backend: Backend = "threads",
    scheduler: str | None = None,
    progress: bool | None = None,
    fresh: bool = False,
) -> Verdict:
    """Simulate stored runs again and compare every bit of them.

    Also compared, of all runs: the bytes of the files with the digests in metadata.json, tables and figures among them,
    and runs.parquet with what follows from traces.parquet. Of a folder without parquet files, such as one from a
    repository, the digests in metadata.json can be compared, if all runs are simulated. Writes nothing.

    Parameters
    ----------
    folder : path
        A results folder.
    runs : int, optional
        How many runs, drawn at random without replacement; None: all.
    seed : int, default 0
        Which ones: of the draw, not of the study.
    jobs, backend, scheduler, progress
        As for `Study.run`.
    fresh : bool, default False
        Compile everything anew: machine code that was kept, and what may be wrong with it, is not used. Threads alone.

    Returns
    -------
    Verdict
        What agrees and what does not.

    Raises
    ------
    StoreError
        If the folder cannot be read, or holds no runs to compare with and `runs` is not None.
    ConfigError
        If `fresh` is asked of other workers than threads, whose code is not this process's to throw away.
    """
    if fresh and backend != "threads":
        raise ConfigError(f"fresh: value True with the backend {shown(backend)}: threads alone")
    results = open_results(folder)
    study, notes = results.study, _notes(results)
    if not results.complete and not results.metadata.get("digest"):
        raise StoreError(f"{results.folder}: not complete: run the study to its end, or merge its shards, then verify")
    if not results.complete and runs is not None:
        every = option("all") if call_word() == "command" else "runs=None"
        raise StoreError(f"{results.folder}: {results.lacking}; or verify all runs, by digest ({every})")
    stored = results.read() if results.complete else None
    wanted = np.ones(study.n_runs, bool) if runs is None else _drawn(study.n_runs, runs, seed)
    with compiled_afresh() if fresh else nullcontext():
        again = simulate(study, Call(jobs, backend, scheduler, progress), wanted)
    faults = _by_digest(results, again) if stored is None else _labelled_file(results, stored)
    differ = () if stored is None else _compared(stored, again, wanted)
    if results.metadata.get("status") == "complete":
        faults += reported.faults(results.folder, results.metadata)
    if differ or faults:
        results.check_unchanged()
    return Verdict(int(wanted.sum()), study.n_runs, differ, tuple(faults), tuple(notes))


def _drawn(total: int, runs: int, seed: int) -> NDArray[np.bool_]:
    wanted = np.zeros(total, bool)
    wanted[np.random.default_rng(seed).choice(total, min(runs, total), replace=False)] = True
    return wanted


def _compared(stored: Collected, again: Collected, wanted: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    rows = again.rows(wanted)
    differ = ~stored.agrees(rows)
    return tuple(zip(rows.cells[differ].tolist(), rows.reps[differ].tolist(), strict=True))


def _notes(results: Results) -> list[str]:
    """What makes a difference likely, although nobody has altered a file."""
    kernel = results.metadata.get("kernel")
    return [] if kernel == kernel_digest() else ["the source that computes runs has changed since they were stored"]


def _labelled_file(results: Results, runs: Collected) -> list[str]:
    """Faults of runs.parquet: its bytes, and what follows from the traces."""
    path = results.folder / RUNS
    if not path.exists():
        return [f"{path}: missing"]
    faults = []
    if results.metadata.get("files", {}).get(RUNS, disk.file_digest(path)) != disk.file_digest(path):
        faults.append(f"{path}: its bytes are not those that were written")
    try:
        found = digest(read_runs(path))
    except DamagedError as error:
        return [*faults, str(error)]
    if found != digest(_labelled(results, runs)):
        faults.append(f"{path}: is not what follows from the traces and thresholds")
    return faults


def _by_digest(results: Results, again: Collected) -> list[str]:
    digests = results.metadata["digest"]
    found = {"runs": digest(_labelled(results, again)), "traces": digest_traces(again.traces())}
    faults = [f"{name}: another digest than in {METADATA}" for name in found if found[name] != digests.get(name)]
    return faults + (_labelled_file(results, again) if (results.folder / RUNS).exists() else [])


def _labelled(results: Results, runs: Collected) -> pd.DataFrame:
    return labelled_runs(results.study, runs, results.thresholds)
