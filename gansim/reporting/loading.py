"""A results folder to look at: one call opens it, and what lies in it has a name."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gansim import escaping
from gansim.design.in_words.wording import count
from gansim.design.regimes import Thresholds
from gansim.display import html_table
from gansim.engine.history import History, history
from gansim.errors import ConfigError, StoreError, shown
from gansim.model.configurations import with_networks
from gansim.model.fields import check_integer
from gansim.reporting.bound_plots import Plots
from gansim.reporting.stored_tables import Tables
from gansim.running.execution import Call, Report, finish
from gansim.running.frame import labelled_runs
from gansim.running.results import open_results
from gansim.running.study import Study
from gansim.storage.parts import Collected
from gansim.traces import Traces

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StudyResults", "load"]


def load(folder: str | os.PathLike[str]) -> StudyResults:
    """Open a results folder.

    Parameters
    ----------
    folder : path
        As `Study.run` or ``gansim run`` made it, such as ``results/rates``, or the metadata.json in it.

    Returns
    -------
    StudyResults
        Its runs, traces, study and tables, plots of them, single runs again, more replicates. Each is read when it is
        asked for, and checked against its digest.

    Raises
    ------
    ConfigError
        If it is no results folder. One line.

    Examples
    --------
    >>> import tempfile
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> from gansim.model.networks import MLP
    >>> games = {"game": ["minimax", "non-saturating"]}
    >>> gan = GAN(target=Normal(), generator=MLP(()), steps=10, records=2, n_eval=32)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     runs = Study("games", gan, games, reps=8).run(out, progress=False)
    ...     results = load(f"{out}/games")
    ...     print(len(results.runs), list(results.tables))
    16 ['discriminators', 'estimates', 'generators', 'regimes']
    """
    return StudyResults(folder)


class StudyResults:
    """What a results folder holds; `load` makes it.

    Attributes
    ----------
    folder : Path
        The folder.
    metadata : dict
        Its metadata.json: the design, command, versions, machine, digests, seconds.
    study : Study
        The study, with the replicates of every cell that were asked for last.
    thresholds : Thresholds
        Those that its labels were decided by.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise ConfigError(f"folder: value {shown(folder)}: the path of a results folder, such as 'results/rates'")
        self._open(Path(folder))

    def _open(self, folder: Path) -> None:
        """Read the metadata; forget what was read before."""
        self._results = open_results(folder)
        self.folder: Path = self._results.folder
        self.metadata: dict[str, Any] = self._results.metadata
        self.study: Study = self._results.study
        self.thresholds: Thresholds = self._results.thresholds
        for name in ("runs", "_runs_written", "_collected", "tables"):
            self.__dict__.pop(name, None)

    @functools.cached_property
    def _collected(self) -> Collected:
        return self._results.read()

    @functools.cached_property
    def _runs_written(self) -> pd.DataFrame | None:
        """The frame in runs.parquet; without traces.parquet, too: somebody may have been sent no more."""
        return self._results.read_runs() if self.metadata.get("status") == "complete" else None

    @functools.cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run, see `Study.run`; `StoreError` with the command that makes them if they are not there."""
        if self._runs_written is not None:
            return self._runs_written
        return labelled_runs(self.study, self._collected, self.thresholds)

    @property
    def traces(self) -> Traces:
        """All records of the runs, row by row those of `runs`; `StoreError` if they are not there."""
        return self._collected.traces()

    @functools.cached_property
    def tables(self) -> Tables:
        """Tables by name: those in ``tables/``; what is missing there, or is of other runs, is made of the runs."""
        return Tables(self._results, lambda: self._collected)

    @property
    def figures(self) -> dict[str, Path]:
        """Pictures in ``figures/`` by name: a PNG each."""
        return {path.stem: path for path in sorted((self.folder / "figures").glob("*.png"))}

    @property
    def plot(self) -> Plots:
        """The functions of `gansim.plot`, of these runs: ``results.plot.shares(x="game")``."""
        return Plots(self._results, self, lambda: self.runs, lambda: self.traces)

    def replay(self, cell: int | str | Mapping[str, object], rep: int = 0, frames: int | None = None) -> History:
        """Train one run again, bit for bit, and keep its records and its networks on the way.

        Parameters
        ----------
        cell : int, str or mapping
            Its number, or levels that one cell alone has: ``{"game": "minimax", "optimizer_d.lr": 0.01}``, or as a
            text, ``"game=minimax,optimizer_d.lr=0.01"``.
        rep : int, default 0
            Replicate number; one that is not stored is trained all the same.
        frames : int, optional
            Steps at which networks are kept beside the study's records; by default at those records.

        Returns
        -------
        History
            ``.frame()`` has its records, ``.networks()`` what it came to. If the run is stored, its last record has
            the stored bits.

        Raises
        ------
        ConfigError
            If an argument is refused, or the run does not repeat the stored one.
        """
        from gansim.reporting.run_folder import check_stored

        index = self._results.find_cell(cell)
        run = history(with_networks(self.study.cells[index].gan), rep, self.study.seed, frames)
        if not self._results.lacking or self._runs_written is not None:
            mine = self.runs[(self.runs["cell"] == index) & (self.runs["rep"] == rep)]
            for row in mine.to_dict("records"):
                check_stored(run, {str(name): value for name, value in row.items()}, index)
        return run

    def extend(
        self,
        reps: int | Mapping[str, int],
        jobs: int = -1,
        progress: bool | None = None,
        report: Report | bool = True,
    ) -> StudyResults:
        """Add replicates, in the folder, and write tables and figures of all anew.

        Parameters
        ----------
        reps : int or mapping
            Replicates of every cell in the end, those that are stored included; or by the name of the design,
            ``{"rates": 64}``, where others stay as they are.
        jobs : int, default -1
            Workers; -1: one per core. Changes no result.
        progress : bool, optional
            False: print nothing.
        report : bool or callable, default True
            As for `Study.run`.

        Returns
        -------
        StudyResults
            These results, which hold the new runs too.

        Raises
        ------
        ConfigError, RunsError
            As `Study.run` does; if a cell has more replicates; and if tables of the study's own would be replaced.
        """
        study = self.study.with_reps(self._reps_wanted(reps))
        study.run(self._place(report), jobs=jobs, progress=progress, report=report)
        self._open(self.folder)
        return self

    def write_report(self, draw: bool = True, progress: bool | None = None) -> StudyResults:
        """Write tables and figures anew, of the runs that are stored; nothing is simulated.

        Parameters
        ----------
        draw : bool, default True
            False: tables alone; figures of an earlier report are removed.
        progress : bool, optional
            False: print nothing.

        Returns
        -------
        StudyResults
            These results.

        Raises
        ------
        ConfigError
            If runs are missing, or tables of the study's own would be replaced.
        """
        from gansim.reporting.report import write_report

        if self._results.lacking:
            raise StoreError(f"{self.folder}: {self._results.lacking}")
        report = functools.partial(write_report, draw=draw)
        finish(self.study, self._place(True), Call(progress=progress, report=report))
        self._open(self.folder)
        return self

    def _reps_wanted(self, reps: int | Mapping[str, int]) -> list[int]:
        """Replicates of every cell in the end."""
        names = [design.name for design in self.study.designs]
        by_design: dict[str, Any] = dict(reps) if isinstance(reps, Mapping) else dict.fromkeys(names, reps)
        if unknown := [name for name in by_design if name not in names]:
            raise ConfigError(f"reps: value {shown(unknown[0])}: no design; there are {', '.join(names)}")
        wanted = []
        for cell, n in zip(self.study.cells, self.study.reps, strict=True):
            asked = check_integer(by_design.get(cell.design, n), "reps", 1, 10_000_000)
            if asked < n:
                some = "" if len(names) == 1 else f'; or by design, such as {{"{names[0]}": {n}}}'
                raise ConfigError(f"reps: value {asked:,}: at least the {n:,} of {cell.describe()}{some}")
            wanted.append(asked)
        return wanted

    def _place(self, report: Report | bool) -> Path:
        """Where `Study.run` finds this folder, if it may write to it."""
        from gansim.reporting.report import check_replaceable

        folder = self.folder if self.folder.name == self.study.name else self.folder.resolve()  # as it is called by
        if folder.name != self.study.name:
            raise ConfigError(f"{self.folder}: is not named as its study: rename it to {self.study.name}")
        if report is True:
            check_replaceable(self.study, self.metadata)
        return folder.parent

    def _told(self) -> list[tuple[str, str]]:
        """What there is, in words."""
        reps = sorted(set(self.study.reps))
        many = f"{reps[0]:,}" if len(reps) == 1 else f"{reps[0]:,} to {reps[-1]:,}"
        cells = f"{count(len(self.study.cells), 'cell')} of {many} replicates, {self.study.n_runs:,} runs"
        factors = [f"{name} ({len(levels)})" for name, levels in self._levels().items()]
        return [
            ("study", f"{self.study.name}, seed {self.study.seed}"),
            ("runs", cells + (f"; {self._results.lacking}" if self._results.lacking else "")),
            ("factors", ", ".join(factors) or "none"),
            ("tables", ", ".join(self.tables.on_disk) or "none yet: made when asked for, or by write_report()"),
            ("figures", ", ".join(self.figures) or "none"),
        ]

    def _levels(self) -> dict[str, set[object]]:
        found: dict[str, set[object]] = {}
        for cell in self.study.cells:
            for name, level in cell.levels.items():
                found.setdefault(name, set()).add(level)
        return found

    def __repr__(self) -> str:
        lines = [f"StudyResults({str(self.folder)!r})", *(f"  {name:<8} {text}" for name, text in self._told())]
        return "\n".join(map(escaping.line, lines))

    def _repr_html_(self) -> str:
        return html_table(str(self.folder), self._told())
