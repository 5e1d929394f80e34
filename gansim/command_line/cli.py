"""The command line of study scripts: what their options do, refusals in one line.

A study script hands `run_study` its main function and its default options::

    from gansim.command_line.cli import StudyOptions, run_study

    def main(options: StudyOptions) -> None: ...

    if __name__ == "__main__":
        run_study(main, StudyOptions(reps=1000, steps=5000), quick=StudyOptions(reps=64, steps=1000))

One that simulates a design and writes of it has no main function: it hands both to `run_design`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gansim.command_line.guard import guarded, show, show_page, teller
from gansim.command_line.options import (
    Executing,
    Help,
    Options,
    OptionsT,
    Quiet,
    Reporting,
    StudyOptions,
    parse_options,
    prog,
)
from gansim.design.stopping import StoppingRule
from gansim.errors import ConfigError
from gansim.running.execution import Execution, Report
from gansim.running.shard import Shard
from gansim.running.study import Study

if TYPE_CHECKING:
    from gansim.design.regimes import Thresholds

__all__ = [
    "Help",
    "Options",
    "StudyOptions",
    "execute",
    "guarded",
    "parse_options",
    "run_design",
    "run_study",
    "show",
    "show_page",
    "teller",
    "usual_report",
]


def run_study(
    main: Callable[[OptionsT], object],
    full: OptionsT,
    quick: OptionsT | None = None,
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Parse the options, run a study's main function, and exit.

    A bad option, an impossible configuration or a folder that cannot be used ends with one line on stderr and exit
    code 2; Ctrl-C with one line and exit code 130, SIGTERM with 143, a terminal that is closed (SIGHUP) with 129. Any
    other exception is a defect and keeps its traceback.

    Parameters
    ----------
    main : callable
        The study: takes the options. Its module's docstring becomes the description in ``--help``.
    full : Options
        The defaults.
    quick : Options, optional
        The defaults with ``--quick``.
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Raises
    ------
    SystemExit
        Always: 0 when the study ran to its end.
    """
    description = inspect.getdoc(inspect.getmodule(main)) or ""
    sys.exit(guarded(prog(), lambda: main(parse_options(full, quick, argv, description))))


def run_design(
    design: Callable[[StudyOptions], Study],
    write: Callable[[Execution, Path, StudyOptions], object],
    full: StudyOptions,
    quick: StudyOptions | None = None,
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """`run_study` of a study that is simulated as one design says, then written of; its folder is printed at the end.

    Parameters
    ----------
    design : callable
        The study, from the options. Its module's docstring becomes the description in ``--help``.
    write : callable
        Writes tables and figures: takes what has been run, the folder, and the options.
    full, quick, argv
        As for `run_study`.

    Raises
    ------
    SystemExit
        Always: 0 when the study ran to its end.
    """

    def main(options: StudyOptions) -> None:
        study = design(options)
        if execute(study, options, lambda done, folder: write(done, folder, options)):
            show(str(Path(options.out) / study.name))

    main.__module__ = design.__module__  # whose docstring is the description
    run_study(main, full, quick, argv)


def execute(
    study: Study, options: Executing, report: Report | bool = True, thresholds: Thresholds | None = None
) -> bool:
    """Run a study as the options say.

    Parameters
    ----------
    study : Study
        The study.
    options : Executing
        `StudyOptions`, for example. Where to, with which workers, all of it or a shard, or nothing at all.
    report : bool or callable, default True
        As for `Study.run`: what writes tables and figures. By default those of any study, without figures if the
        options say so. Not called after a dry run or a shard.
    thresholds : Thresholds, optional
        Definitions of the labels.

    Returns
    -------
    bool
        Whether the study is complete: not after a dry run or a shard.

    Raises
    ------
    ConfigError, RunsError
        As `Study.run` does; also if options contradict each other.
    """
    if options.shard is not None and options.target_mcse is not None:
        raise ConfigError("shard: not with target-mcse, which decides by all runs together")
    shard = None if options.shard is None else Shard.parse(options.shard)
    rule = None if options.target_mcse is None else StoppingRule(options.target_mcse, most_reps=options.most_reps)
    where = {"out": options.out, "jobs": options.jobs, "backend": options.backend, "scheduler": options.scheduler}
    how: dict[str, Any] = {**where, "progress": False if options.quiet else None, "force": options.force}
    if options.dry_run:
        from gansim.running import preview

        show(*preview.describe(study, options.jobs, shard))
        return False
    if shard is not None:
        show(study.run_shard(shard, thresholds=thresholds, **how))
        return False
    if report is True:
        report = usual_report(options)
    study.execute(thresholds=thresholds, report=report, stopping=rule, **how)
    return True


def usual_report(options: Quiet) -> Report:
    """What writes the tables and figures that any study can have, as the options say.

    Parameters
    ----------
    options : Quiet
        Those of a command; whether there are figures is asked of one that has `Reporting`, too.
    """
    from gansim.reporting.report import write_report

    draw = not (isinstance(options, Reporting) and options.no_figures)
    say = teller("gansim", options.quiet)

    def write(done: Execution, folder: Path) -> None:
        say("writing tables and figures" if draw else "writing tables")
        write_report(done, folder, draw, say)

    return write
