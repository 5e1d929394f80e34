"""A results folder, opened: the study that it holds, as its metadata describe it, and its runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gansim.design import schema
from gansim.design.in_words import setting
from gansim.design.regimes import Thresholds
from gansim.errors import ConfigError, StoreError, shown
from gansim.running.shard import Shard
from gansim.running.study import Study
from gansim.storage import parquet, parts
from gansim.storage.identity import header_differences
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import METADATA, RUNS, TRACES
from gansim.storage.parquet import read_header, read_rows
from gansim.storage.parts import Collected

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Results", "open_results"]


@dataclass(frozen=True, eq=False)
class Results:
    """What a results folder says of itself.

    Attributes
    ----------
    folder : Path
        The folder.
    metadata : dict
        Its metadata.json.
    study : Study
        The study, with the replicates of every cell that were asked for last; its runs have not been read.
    thresholds : Thresholds
        Those that its labels were decided by.
    """

    folder: Path
    metadata: dict[str, Any]
    study: Study
    thresholds: Thresholds

    @property
    def complete(self) -> bool:
        """Whether all runs are stored: the study ran to its end, and its traces.parquet is still there."""
        return self.metadata.get("status") == "complete" and (self.folder / TRACES).exists()

    @property
    def lacking(self) -> str:
        """What is missing of the runs and what makes it, in a line; empty if all are there."""
        if self.complete:
            return ""
        command = self.metadata.get("command")
        if self.metadata.get("status") == "complete":
            return f"the runs are not here, as in a fresh clone: the same command makes them ({command})"
        if "shard" in self.metadata or self.metadata.get("merging"):
            return "a part of a study that has not run to its end: gansim merge puts the shards together"
        return f"has not run to its end: the same command goes on ({command})"

    def saved(self) -> tuple[int, int]:
        """How many runs are saved here, of how many: of a shard, of its own."""
        found = Collected(self.study.reps, self.study.records, self.study.fields)
        parts.collect(self.folder, self.study.identity, found, self.metadata.get("files") or {})
        shard = self.metadata.get("shard")
        mine = len(found) if shard is None else int(Shard.parse(str(shard)).holds(*found.ids).sum())
        return found.done, mine

    def read(self) -> Collected:
        """All stored runs, checked against their digests.

        Raises
        ------
        StoreError
            If the study has not run to its end, or a file is missing, damaged, altered, or of other runs.
        """
        if not self.complete:
            raise StoreError(f"{self.folder}: {self.lacking}")
        path, checksum = self.folder / TRACES, self.metadata.get("files", {}).get(TRACES)
        try:
            rows, header = read_rows(path, checksum)
        except StoreError:
            self.check_unchanged()
            raise
        identity = self.study.identity
        if header.get("kernel") == identity.kernel and (other := header_differences(header, identity)):
            self.check_unchanged()
            raise StoreError(f"{path}: holds other runs than {METADATA} says ({other}): run the study again")
        found = Collected(self.study.reps, self.study.records, self.study.fields)
        if (
            len(rows) != len(found)
            or (rows.cells >= len(found.reps)).any()
            or (rows.reps >= found.reps[rows.cells]).any()
        ):
            self.check_unchanged()
            raise StoreError(f"{path}: holds other runs than {METADATA} says: run the study again")
        found.take(rows)
        return found

    def read_runs(self) -> pd.DataFrame | None:
        """The runs with their labels, checked against their digests; None if there is no runs.parquet.

        Raises
        ------
        StoreError
            If the file is damaged, altered, or not the one that the metadata tell of.
        """
        path = self.folder / RUNS
        if not path.exists():
            return None
        runs, header = parquet.read_runs(path), read_header(path)
        runs.attrs[setting.KEY] = setting.facts(self.study, self.thresholds)
        told = {"digest": self.metadata.get("digest", {}).get("runs"), "identity": self.metadata.get("identity")}
        if any(value is not None and header.get(name, value) != value for name, value in told.items()):
            self.check_unchanged()
            raise StoreError(f"{path}: holds other runs than {METADATA} says: run the study again")
        return runs

    def find_cell(self, meant: int | str | Mapping[str, object]) -> int:
        """Return the number of the cell that a user means.

        Parameters
        ----------
        meant : int, str or mapping
            Its number, or levels that one cell alone has: ``{"samples": 32, "generator": "affine"}``, or as a text,
            ``"samples=32,generator=affine"``; the design may be among them.

        Raises
        ------
        ConfigError
            If no cell, or more than one, is meant.
        """
        cells, told = self.study.cells, f"cell: value {shown(meant)}"
        number: object = meant
        if isinstance(meant, str) and meant.strip().isdecimal():
            number = int(meant) if len(meant.strip()) < 10 else len(cells)  # nobody has so many
        if isinstance(number, (int, np.integer)) and not isinstance(number, bool):
            if 0 <= number < len(cells):
                return int(number)
            raise ConfigError(f"cell: value {meant!s:.60}: a number from 0 to {len(cells) - 1:,}")
        if isinstance(meant, str):
            meant = dict(part.partition("=")[::2] for part in meant.split(","))
        if not isinstance(meant, Mapping):
            raise ConfigError(f"{told}: a number from 0 to {len(cells) - 1:,}, or levels that one cell alone has")
        named = {str(name).strip(): str(level).strip() for name, level in meant.items()}
        known = {"design": None} | {name: None for cell in cells for name in cell.levels}
        if unknown := [name for name in named if name not in known]:
            raise ConfigError(f"{told}: {shown(unknown[0], 40)} is no factor; there are {', '.join(known)}")
        found = [
            cell
            for cell in cells
            if all(str({**cell.levels, "design": cell.design}.get(name)) == level for name, level in named.items())
        ]
        if len(found) == 1:
            return found[0].index
        some = "; ".join(f"{cell.index}: {cell.describe()}" for cell in (found or cells)[:3])
        raise ConfigError(f"{told}: {len(found)} cells have these levels, one is needed ({some} ...)")

    def check_unchanged(self) -> None:
        """Refuse to judge files that another process has begun to replace since the folder was opened.

        Metadata are the first that a study writes, so that they tell.

        Raises
        ------
        StoreError
            If the metadata are other ones by now.
        """
        if read_metadata(self.folder) != self.metadata:
            raise StoreError(f"{self.folder}: another process has written to it meanwhile: try again")


def open_results(folder: str | os.PathLike[str]) -> Results:
    """Open a results folder.

    Parameters
    ----------
    folder : path
        For example ``results/regimes``, or the metadata.json in it.

    Returns
    -------
    Results
        What it holds; nothing but metadata.json has been read.

    Raises
    ------
    StoreError
        If there is no metadata.json of gansim's in it, or it does not describe a study.
    """
    folder = Path(folder)
    if folder.name == METADATA and folder.is_file():
        folder = folder.parent
    metadata = read_metadata(folder)
    if not metadata.get("designs"):
        raise StoreError(f"{folder / METADATA}: describes no runs: choose the results folder of a study of runs")
    try:
        study = Study.from_description(schema.from_dict(metadata))
    except ConfigError as error:
        raise StoreError(f"{folder / METADATA}: {error}") from None
    return Results(folder, metadata, study, study.thresholds or Thresholds())
