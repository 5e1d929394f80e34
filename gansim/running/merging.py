"""Shards of a study, put together again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gansim.design.regimes import Thresholds
from gansim.errors import StoreError
from gansim.running.execution import Call, Execution, Report, describe, finish
from gansim.running.results import Results, open_results
from gansim.running.sessions import mixed_versions, thresholds_for
from gansim.running.shard import Shard
from gansim.storage import parts
from gansim.storage.folder import open_folder
from gansim.storage.holding import hold_folder
from gansim.storage.identity import Identity, differences
from gansim.storage.parts import Collected

__all__ = ["merge"]


def merge(
    folders: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    force: bool = False,
    progress: bool | None = None,
    say: Callable[[str], object] = lambda text: None,
    report: Report | bool = True,
) -> Execution:
    """Put the runs of several folders of one study together, and finish the study.

    Parameters
    ----------
    folders : sequence of path
        Results folders, of shards or not, in any order; runs that several hold must agree. They are left as they are.
    out : path
        Where to make the folder ``<out>/<study>/``, as `Study.run` would.
    force : bool, default False
        Start that folder over, as `Study.run` would.
    progress : bool, optional
        False: print nothing.
    say : callable, optional
        Takes a line for the user.
    report : bool or callable, default True
        As for `Study.run`.

    Returns
    -------
    Execution
        The complete study, and its runs.

    Raises
    ------
    StoreError
        If the folders are not of one study, a file in them is not to be trusted, or runs are missing; those that are
        there are kept in ``<out>/<study>/`` in the last case, and nothing is written in the others.
    """
    opened = [open_results(folder) for folder in folders]
    if not opened:
        raise StoreError("folders: none: the results folders of the shards")
    study = opened[0].study
    identity = study.identity
    for results in opened:
        if found := differences(results.metadata, identity, study.cells):
            raise StoreError(
                f"{results.folder}: not of the same study as {opened[0].folder} ({found}): merge like with like"
            )
        if results.thresholds != opened[0].thresholds:
            raise StoreError(
                f"{results.folder}: other thresholds than {opened[0].folder} ({_thresholds(opened[0], results)}): run "
                "one of them again under those of the other, which simulates nothing, then merge"
            )
    study = study.with_reps(np.max([results.study.reps for results in opened], axis=0).tolist())
    study = study.with_stopping(next((r.study.stopping for r in opened if r.study.stopping), None))
    everything = Collected(study.reps, study.records, study.fields)
    for results in opened:
        _take(results, identity, everything, say)
    merged = Collected(study.reps, everything.records, everything.fields)
    asked = None if opened[0].thresholds == Thresholds() else opened[0].thresholds  # shards tell the default as well
    sessions = [call for results in opened for call in _sessions(results)]
    if mixed := mixed_versions(sessions):
        say(f"runs were made with different versions: {_listed(mixed)}")
    with hold_folder(Path(out) / study.name, study.name, force, say) as held:
        with open_folder(held.path, identity, study.cells, merged, force, held=held) as folder:
            thresholds = thresholds_for(folder, asked, say)
            earlier = folder.metadata.get("sessions", []) if folder.saved else []
            facts = {"merging": True, "sessions": earlier + [call for call in sessions if call not in earlier]}
            folder.start(describe(study, {"status": "running", **facts}, thresholds))
            rows = everything.rows(~everything.missing & merged.missing)
            if len(rows):
                folder.add(rows)
        if merged.missing.any():
            raise StoreError(_missing(opened, merged))
        return finish(study, out, Call(progress=progress, thresholds=thresholds, report=report), held)


def _thresholds(one: Results, other: Results) -> str:
    """What differs between the thresholds of two folders."""
    pairs = zip(asdict(one.thresholds).items(), asdict(other.thresholds).values(), strict=True)
    return ", ".join(f"{name}: {mine!r} and {others!r}" for (name, mine), others in pairs if mine != others)


def _sessions(results: Results) -> list[dict[str, Any]]:
    """Who computed the runs of a folder, told with its name."""
    return [{"folder": results.folder.resolve().name, **call} for call in results.metadata.get("sessions", [])]


def _listed(mixed: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{package} {' and '.join(versions)}" for package, versions in mixed.items())


def _take(results: Results, identity: Identity, into: Collected, say: Callable[[str], object]) -> None:
    before = into.done
    _, bad = parts.collect(results.folder, identity, into, results.metadata.get("files") or {})
    if bad:
        results.check_unchanged()
        raise StoreError(f"{bad[0].path}: {bad[0].why}: run the command of that folder again to mend it, then merge")
    say(f"{results.folder}: {into.done - before:,} runs")


def _missing(opened: Sequence[Results], found: Collected) -> str:
    """Which shards are not complete, if that is all; else how many runs are missing."""
    cells, reps = found.ids
    shards = [Shard.parse(str(results.metadata["shard"])) for results in opened if results.metadata.get("shard")]
    counts = {shard.count for shard in shards}
    where = ""
    if len(counts) == 1 and len(shards) == len(opened):
        [count] = counts
        lacking = [n for n in range(1, count + 1) if found.missing[Shard(n, count).holds(cells, reps)].any()]
        where = f", of shards {', '.join(f'{n}/{count}' for n in lacking[:10])}{' ...' if len(lacking) > 10 else ''}"
    missing = int(found.missing.sum())
    return f"{missing:,} of {len(found):,} runs are missing{where}: run those, then merge again"
