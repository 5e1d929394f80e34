"""A study that can be run: a description, and the calls that execute it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gansim.design.description import Description
from gansim.design.design import Design, Factors
from gansim.design.stopping import StoppingRule
from gansim.errors import ConfigError, shown
from gansim.model.configurations import Configuration
from gansim.model.fields import bound
from gansim.running.execution import Call, Execution, Report, execute, execute_shard, execute_to
from gansim.running.pool import Backend
from gansim.running.shard import Shard
from gansim.storage.identity import Identity, identify

if TYPE_CHECKING:
    import pandas as pd

    from gansim.design.regimes import Thresholds

__all__ = ["Study", "check_study", "simulate"]


def simulate(
    gan: Configuration,
    reps: int = 1000,
    seed: int = 0,
    jobs: int = -1,
    backend: Backend = "threads",
    thresholds: Thresholds | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Train one configuration many times and label every run.

    Parameters
    ----------
    gan : GAN or ParametricGame
        The configuration.
    reps : int, default 1000
        Number of runs, 1 to 10,000,000. The first 100 of 200 are the runs of ``reps=100``, bit for bit.
    seed : int, default 0
        Seed of the study, 0 to 2^64 - 1.
    jobs : int, default -1
        Workers; -1: one per core. Changes no result.
    backend : str, default "threads"
        "threads" or "loky" (processes). Changes no result.
    thresholds : Thresholds, optional
        Definitions of the labels.
    progress : bool, optional
        False: print nothing. Otherwise progress goes to stderr, in a notebook to its output.

    Returns
    -------
    DataFrame
        One row per run, as `Study.run` returns.

    Raises
    ------
    ConfigError
        If an argument is refused.
    """
    study = Study("simulation", gan, reps=reps, seed=seed)
    return study.run(jobs=jobs, backend=backend, thresholds=thresholds, progress=progress)


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Study(Description):
    """One or more designs, run together under one seed.

    Parameters
    ----------
    name : str
        Name of the study, of its results folder and of its design: letters, digits, "_", "-", ".".
    gan : GAN or ParametricGame
        The base configuration.
    factors : mapping, list or sample, optional
        What is varied: a grid, a list of overrides, or a sample of continuous factors; see `Design`.
    reps : int, default 1000
        Replicates per cell, 1 to 10,000,000.
    seed : int, default 0
        Seed, 0 to 2^64 - 1. Cells share their random numbers, so that any two can be compared replicate by replicate.
    aims : str, optional
        What the study asks, in a sentence or a few: for its ADEMP sheet.

    Attributes
    ----------
    cells : tuple of Cell
        All cells, numbered through over the designs.
    reps : tuple of int
        Replicates of every cell.
    n_runs : int
        Number of runs.
    stopping : StoppingRule or None
        The rule that decided on the number of replicates, in what `run_to` has made of a study.

    Raises
    ------
    ConfigError
        If an argument or a cell is refused.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> games = Study("games", GAN(target=Normal()), {"game": ["minimax", "non-saturating"]}, reps=100)
    >>> rates = Study("rates", GAN(target=Normal()), {"optimizer_g.lr": [1e-3, 1e-2]}, reps=10)
    >>> (games + rates).n_runs
    220
    """

    @bound
    def __init__(
        self,
        name: str,
        gan: Configuration,
        factors: Factors | None = None,
        reps: int = 1000,
        seed: int = 0,
        aims: str = "",
    ) -> None:
        super().__init__(name, seed, (Design(name, gan, factors, reps),), aims=aims)

    @classmethod
    def of(cls, name: str, designs: Sequence[Design], seed: int = 0, aims: str = "") -> Study:
        """Make a study of several designs.

        Parameters
        ----------
        name : str
            Name of the study and of its results folder.
        designs : sequence of Design
            At least one; their names differ. All cells have the same number of records.
        seed : int, default 0
            Seed, 0 to 2^64 - 1.
        aims : str, optional
            What the study asks.

        Returns
        -------
        Study
            The union.

        Raises
        ------
        ConfigError
            If an argument is refused.
        """
        given: Any = designs  # whatever it is: the description says what is wrong with it
        return cls.from_description(Description(name, seed, given, aims=aims))

    @classmethod
    def from_description(cls, description: Description) -> Study:
        """The study that a file describes, with all that it says of it."""
        study = object.__new__(cls)
        for one in dataclasses.fields(description):
            object.__setattr__(study, one.name, getattr(description, one.name))
        return study

    @property
    def identity(self) -> Identity:
        """What stored runs must agree in to be this study's; the number of replicates does not count."""
        return identify(self.name, self.seed, self.cells)

    def execute(
        self,
        out: str | os.PathLike[str] | None = None,
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
        force: bool = False,
        scheduler: str | None = None,
        report: Report | bool = True,
        stopping: StoppingRule | None = None,
    ) -> Execution:
        """Run the study as `run` or `run_to` does, and return all that came of it: runs, traces, seconds, metadata.

        Parameters
        ----------
        out, jobs, backend, progress, thresholds, force, scheduler, report
            As for `run`.
        stopping : StoppingRule, optional
            Add replicates by this rule, as `run_to` does.

        Raises
        ------
        ConfigError, RunsError
            As `run` does.
        """
        if not (stopping is None or isinstance(stopping, StoppingRule)):
            raise ConfigError(f"stopping: value {shown(stopping)}: a StoppingRule, or None")
        chosen = self.thresholds if thresholds is None else thresholds
        call = Call(jobs, backend, scheduler, progress, chosen, force, report)
        return execute(self, out, call) if stopping is None else execute_to(self, stopping, out, call)

    def run(
        self,
        out: str | os.PathLike[str] | None = None,
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
        force: bool = False,
        scheduler: str | None = None,
        report: Report | bool = True,
    ) -> pd.DataFrame:
        """Simulate every run that is not stored yet, label all, and write the results.

        What is finished is saved every few seconds. Ended in whatever way and called again, with more replicates or
        not, it goes on from there, and the files are the same bytes as those of a run that nothing disturbed.

        Parameters
        ----------
        out : path, optional
            Where to make the folder ``<out>/<name>/`` with runs.parquet, traces.parquet, metadata.json, ademp.md,
            tables and figures; `gansim.load` opens it. Runs of this study that are there already are kept. None:
            write nothing.
        jobs : int, default -1
            Workers; -1: one per core. Changes no result.
        backend : str, default "threads"
            "threads", "loky" (processes) or "dask" (a cluster). Changes no result.
        progress : bool, optional
            False: print nothing but what is wrong with a file. Otherwise progress goes to stderr: a bar on a terminal,
            else a line every ten seconds; in a notebook, a bar below the cell.
        thresholds : Thresholds, optional
            Definitions of the labels; by default those that the folder has, or else gansim's.
        force : bool, default False
            Start over, whatever the folder holds of an earlier study of that name: it is renamed to ``<name>.1`` or the
            next number that is free.
        scheduler : str, optional
            Address of the cluster's scheduler, for "dask".
        report : bool or callable, default True
            True: write the tables and figures that any study can have, in place of those of fewer replicates or other
            thresholds. False: write none; those of an earlier call stay, and it is said that they are of other runs.
            Or what writes others: a function that takes an `Execution` (study, runs, traces) and a folder, and writes
            into that. It all takes its place in the results folder once it is there, and metadata.json records its
            digests; what an earlier report wrote and this one does not is removed. The results are not called complete
            before. Of what has been written, whatever wrote it, a page is made, report.html.

        Returns
        -------
        DataFrame
            One row per run, sorted by cell and replicate: design, cell, rep; a column per factor; game; the last record
            (see `gansim.traces.FIELDS`); the labels (see `gansim.analysis.labels.label`); g_intercept and g_slope of an
            affine generator of one noise variable, in data units; sample_mean and sample_std, the maximum-likelihood
            estimates from the run's fixed sample; referee_accuracy, referee_auc, referee_v; seed. What does not apply
            is NaN.

        Raises
        ------
        ConfigError
            If an argument is refused, or the folder: because it cannot be used, holds anything else than results of
            this study, runs of another configuration, seed or source of the kernels, or more replicates than are asked
            for, or because another process has it open. Nothing has been simulated or written then. Also if the disk
            is full; what had arrived is saved then.
        RunsError
            If some runs could not be computed. The others are saved, if there is a folder.
        """
        return self.execute(out, jobs, backend, progress, thresholds, force, scheduler, report).runs

    def run_to(
        self,
        target_mcse: float,
        out: str | os.PathLike[str] | None = None,
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        thresholds: Thresholds | None = None,
        force: bool = False,
        scheduler: str | None = None,
        batch: int = StoppingRule.batch,
        most_reps: int = StoppingRule.most_reps,
        report: Report | bool = True,
    ) -> pd.DataFrame:
        """Run, and add replicates to cells until every share is known to a Monte-Carlo standard error.

        Whole batches are added, cell by cell, as `gansim.analysis.stopping.further_replicates` decides from the runs
        alone; so the runs are the same for any number of workers, and after any interruption. That stopping depended on
        the data is said in the metadata and by `stopping_note`.

        Parameters
        ----------
        target_mcse : float
            The error wanted of every share of g_state and of d_state, above 0, below 1/2.
        batch : int, default 128
            Replicates that are added together.
        most_reps : int, default 100,000
            Replicates of a cell that are not exceeded.
        out, jobs, backend, progress, thresholds, force, scheduler, report
            As for `run`. Replicates that an earlier call added are kept.

        Returns
        -------
        DataFrame
            As `run` returns. What `execute` returns with the same rule has a study with the replicates of every cell.

        Raises
        ------
        ConfigError, RunsError
            As `run` does; also if more than `most_reps` replicates are asked for to begin with.
        """
        rule = StoppingRule(target_mcse, batch, most_reps)
        return self.execute(out, jobs, backend, progress, thresholds, force, scheduler, report, rule).runs

    def run_shard(
        self,
        shard: Shard,
        out: str | os.PathLike[str],
        jobs: int = -1,
        backend: Backend = "threads",
        progress: bool | None = None,
        force: bool = False,
        scheduler: str | None = None,
        thresholds: Thresholds | None = None,
    ) -> Path:
        """Simulate one shard of the runs, to be put together with the others by `gansim.running.merging.merge`.

        Parameters
        ----------
        shard : Shard
            Which part.
        out : path
            Where to make the folder ``<out>/<name>.shard-i-of-N/``.
        jobs, backend, progress, force, scheduler
            As for `run`.
        thresholds : Thresholds, optional
            Definitions of the labels that the runs of all shards together get; by default those that the folder has.

        Returns
        -------
        Path
            The folder: parts and metadata, no labels.

        Raises
        ------
        ConfigError, RunsError
            As `run` does.
        """
        chosen = self.thresholds if thresholds is None else thresholds
        return execute_shard(self, shard, out, Call(jobs, backend, scheduler, progress, chosen, force))


def check_study(value: object) -> None:
    """Refuse what is no study: ConfigError, in one line."""
    if not isinstance(value, Study):
        raise ConfigError(f"study: value {shown(value)}: a Study")
