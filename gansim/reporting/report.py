"""The tables and figures that any study can have: shares of every regime, and estimates, by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from gansim.analysis.estimates import estimate
from gansim.analysis.shares import tabulate
from gansim.design.description import Description
from gansim.design.design import Design
from gansim.design.in_words.setting import sentence
from gansim.design.in_words.wording import count
from gansim.design.in_words.words import heading
from gansim.errors import ConfigError, StoreError
from gansim.model.games import is_probability
from gansim.model.gan import GAN
from gansim.model.measurements import measured as measured_of
from gansim.model.parametric import ParametricGame, fields_of
from gansim.reporting import figures, writing
from gansim.reporting.study_figure import design_figure
from gansim.storage import places, reported
from gansim.storage.names import RUNS
from gansim.storage.parquet import read_header
from gansim.traces import FIELDS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from gansim.running.execution import Execution

__all__ = ["check_folder", "check_replaceable", "replace_figures", "tables_of", "write_report"]

_COLUMNS = {"regimes": "regime", "generators": "g_state", "discriminators": "d_state"}
_ESTIMATED = ["w1", "ks", "v", "g_mean", "g_std", "d_real", "d_fake"]
_NOT_ESTIMATED = ("grad_g", "grad_d", "finite")  # of games of two vectors
_OF_RANKING = ["auc"]  # of games whose D is no probability
_OF_MIXTURES = ["modes", "high_quality", "reverse_kl"]


def _runs_of(done: Execution, design: Design) -> tuple[pd.DataFrame, list[str]]:
    """The runs of one design, and the columns that tell its cells apart."""
    runs = done.runs[done.runs["design"] == design.name]
    return runs.reset_index(drop=True), list(design.columns) or ["design"]


def tables_of(done: Execution) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Name, frame and caption of every table of a study.

    Parameters
    ----------
    done : Execution
        A study that has run.

    Yields
    ------
    (str, DataFrame, str)
        Per design: regimes, generators, discriminators (shares of runs) and estimates (means).
    """
    for design in done.study.designs:
        runs, by = _runs_of(done, design)
        prefix = "" if len(done.study.designs) == 1 else f"{design.name}_"
        for name, column in _COLUMNS.items():
            yield prefix + name, tabulate(runs, by, column), _caption(f"Shares of runs by {heading(column)}", runs, by)
        measured = [*_estimated(design), *(name for name in _OF_MIXTURES if name in runs and runs[name].notna().any())]
        caption = _caption("Means over runs of what was measured at the end of training", runs, by)
        yield prefix + "estimates", estimate(runs, by, measured), caption


def _estimated(design: Design) -> list[str]:
    """What is estimated of every design, unless no game of it has that; and how D ranks, where that is all it does."""
    if isinstance(design.gan, ParametricGame):
        return [name for name in fields_of(design.gan) if name not in _NOT_ESTIMATED]
    gans = [cell.gan for cell in design.cells if isinstance(cell.gan, GAN)]
    undefined = set(FIELDS).difference(*map(measured_of, gans))
    ranked = [] if all(is_probability(gan.game) for gan in gans) else _OF_RANKING
    return [name for name in (*_ESTIMATED, *ranked) if name not in undefined]


def _caption(what: str, runs: pd.DataFrame, by: list[str]) -> str:
    """Say what a table shows, by which factors, and what the runs were made with."""
    names = [heading(name) for name in by]
    return f"{what}, by {', '.join(names[:-1])}{' and ' if names[:-1] else ''}{names[-1]}. {sentence(runs)}".strip()


def check_replaceable(study: Description, metadata: Mapping[str, Any]) -> None:
    """Refuse to replace tables that a study's own script has written, and that these would not make again.

    Parameters
    ----------
    study : Description
        The study.
    metadata : mapping
        Of its results folder.

    Raises
    ------
    ConfigError
        If what was reported has other tables than `tables_of` makes.
    """
    one = len(study.designs) == 1
    usual = {("" if one else f"{d.name}_") + name for d in study.designs for name in (*_COLUMNS, "estimates")}
    tables = {PurePosixPath(name) for name in reported.files(metadata)}
    own = sorted(path.stem for path in tables if path.suffix == ".csv" and path.stem not in usual)
    if own:
        command = metadata.get(reported.RECORD, {}).get("command")
        raise ConfigError(
            f"report: would replace tables of the study's own ({own[0]}): its command writes them ({command})"
        )


def write_report(
    done: Execution, folder: Path, draw: bool = True, say: Callable[[str], object] = lambda text: None
) -> None:
    """Write the tables of a study, and for each design the figure that suits it.

    Parameters
    ----------
    done : Execution
        A study that has run.
    folder : Path
        Its results folder, or another.
    draw : bool, default True
        False: no figures, and none of another run either.
    say : callable, optional
        Takes a line for the user.
    """
    study = done.study
    for name, frame, caption in tables_of(done):
        writing.save(frame, folder / "tables", name, caption, study.stopping_note(), study.name)
    drawn = ((_figure_name(design), _figure(done, design, say)) for design in study.designs)
    replace_figures(folder, map(_figure_name, study.designs), drawn if draw else (), say)


def _figure_name(design: Design) -> str:
    return f"regimes_{design.name}"


def _figure(done: Execution, design: Design, say: Callable[[str], object]) -> Figure:
    figure, said = design_figure(_runs_of(done, design)[0], design)
    if said:
        say(f"figures/{_figure_name(design)}: {said}")
    return figure


def check_folder(folder: Path, study: str) -> dict[str, float] | None:
    """Refuse a folder for a report alone that holds anything else than an earlier one, under other thresholds.

    Parameters
    ----------
    folder : Path
        The folder; it need not exist.
    study : str
        Name of the study.

    Returns
    -------
    dict or None
        The thresholds of the earlier one.

    Raises
    ------
    StoreError
        If it holds other files, or runs of another study.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    leftover = {path.name for path in places.leftovers(folder)}
    names = sorted({path.name for path in folder.iterdir()} - {RUNS, "tables", "figures"} - leftover)
    runs = folder / RUNS
    if names or not runs.exists():
        raise StoreError(f"{folder}: holds files that are no relabelled runs{_first(names)}: choose another folder")
    header = read_header(runs)
    if "thresholds" not in header or header.get("study") != study:
        raise StoreError(f"{folder}: holds other runs than relabelled ones of study {study!r}: choose another folder")
    return dict(header["thresholds"])


def _first(names: list[str]) -> str:
    return f" ({names[0]})" if names else ""


def replace_figures(
    folder: Path,
    names: Iterable[str],
    drawn: Iterable[tuple[str, Figure]],
    say: Callable[[str], object] = lambda text: None,
) -> None:
    """Write figures in place of those that an earlier run has drawn: they must not lie beside tables of other numbers.

    Parameters
    ----------
    folder : Path
        A results folder; its ``figures/`` need not exist.
    names : iterable of str
        Every name that the report may give to a figure; pictures of other names are not its own, and are left alone.
    drawn : iterable of (str, Figure)
        Names and figures, of this run.
    say : callable, optional
        Takes a line for the user, if figures are removed and none put in their place.

    Raises
    ------
    ValueError
        If a figure has another name: nobody would remove it.
    """
    where, known = folder / "figures", tuple(names)
    former = {path for name in known for kind in ("png", "svg", "pdf") if (path := where / f"{name}.{kind}").is_file()}
    for name, figure in drawn:
        if name not in known:
            raise ValueError(f"drawn: {name!r}; allowed: the names of the report's figures, {', '.join(known)}")
        former.difference_update(figures.save(figure, where, name))
    for path in former:
        path.unlink()
    if where.is_dir() and not any(where.iterdir()):
        where.rmdir()
    if former:
        say(f"{where}: {count(len(former), 'file')} of an earlier run removed")
