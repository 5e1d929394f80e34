"""The folder of one run's replay: its trace, its figure, an animation."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gansim.errors import ConfigError, option
from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np

from gansim.design.regimes import Thresholds
from gansim.engine.history import History
from gansim.model.gan import GAN
from gansim.reporting import figures
from gansim.reporting.film import SUFFIXES, check_film
from gansim.reporting.run_animation import animate
from gansim.reporting.run_figure import run_figure
from gansim.showing.runs import FRAMES, watch
from gansim.storage.parquet import write_runs
from gansim.traces import FIELDS

__all__ = ["check_stored", "replay_to"]


def replay_to(
    out: str | os.PathLike[str],
    gan: GAN,
    rep: int = 0,
    seed: int = 0,
    *,
    cell: int = 0,
    study: str = "",
    animate_as: str | None = None,
    frames: int | Sequence[int] = FRAMES,
    thresholds: Thresholds | None = None,
    stored: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> list[Path]:
    """Train one run again and write ``<out>/replay/<cell>-<rep>/``: its trace, a figure and, if asked, an animation.

    Parameters
    ----------
    out : path
        The results folder.
    gan : GAN
        The configuration of the cell.
    rep : int, default 0
        The replicate number.
    seed : int, default 0
        Seed of the study.
    cell : int, default 0
        Number of the cell, for names and titles.
    study : str, optional
        Name of the study, for the title.
    animate_as : {"gif", "mp4"}, optional
        Which animation to write.
    frames : int or sequence of int, default 81
        When to measure, and to keep the networks, beside the study's own records: see `replay.history`. A number of
        frames is spread over the steps up to the record at which a run is no longer finite.
    thresholds : Thresholds, optional
        Definitions of the run's label.
    stored : mapping, optional
        The run's row in ``runs.parquet``: its fields of `gansim.traces` must be those of the last record, bit for bit.
    progress : bool, default False
        Tell on stderr how far an animation is.

    Returns
    -------
    list of Path
        trace.parquet, run.png, run.pdf, run.svg and, if asked, run.gif or run.mp4. Each is written whole; all are drawn
        before the first is put in its place.

    Raises
    ------
    ConfigError
        If an argument is refused, before anything is trained; or if the run is not the stored one.
    """
    suffix = "" if animate_as is None else f".{animate_as}"
    if suffix:
        check_film(f"run{suffix}")
    folder = Path(out) / "replay" / f"{cell}-{rep}"
    title = f"{study + ': ' if study else ''}cell {cell}, replicate {rep}, seed {seed}"
    identity = {"study": study, "seed": seed, "cell": cell, "rep": rep}
    with _draft_of(folder) as draft:
        run = watch(gan, rep, seed, frames)
        if stored is not None:
            check_stored(run, stored, cell)
        write_runs(draft / "trace.parquet", run.frame(), identity)
        names = [
            "trace.parquet",
            *(path.name for path in figures.save(run_figure(run, thresholds=thresholds, title=title), draft, "run")),
        ]
        if suffix:
            moving = draft / f"run{suffix}"
            n = min(1000, max(2, len(run.frames)))
            animate(run, path=moving, frames=n, thresholds=thresholds, title=title, progress=progress)
            names.append(moving.name)
        folder.mkdir(exist_ok=True)
        for name in names:
            os.replace(draft / name, folder / name)
    for ending in SUFFIXES:  # an animation of an earlier replay may show another run by now
        if f"run{ending}" not in names:
            (folder / f"run{ending}").unlink(missing_ok=True)
    return [folder / name for name in names]


@contextlib.contextmanager
def _draft_of(folder: Path) -> Iterator[Path]:
    """A folder beside one that is to be written, made before anything is trained; gone in the end."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    made = [path for path in (folder.parent, *folder.parent.parents) if not path.exists()]
    try:
        draft.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder.parent}: cannot be written to ({error.strerror}): choose another {option('out')}"
        ) from None
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with contextlib.suppress(OSError):  # what holds something stays
            for path in made:
                path.rmdir()


def check_stored(run: History, stored: Mapping[str, Any], cell: int) -> None:
    """Refuse a run whose last record is not the stored one, bit for bit; any NaN is the same.

    Parameters
    ----------
    run : History
        The run, trained again.
    stored : mapping
        Its row in ``runs.parquet``.
    cell : int
        Number of its cell, for the refusal.

    Raises
    ------
    ConfigError
        If they differ.
    """
    last = run.traces.values[0, -1]
    kept = np.array([stored[name] for name in FIELDS], dtype=np.float32)
    differ = [name for name, a, b in zip(FIELDS, last, kept, strict=True) if not np.array_equal(a, b, equal_nan=True)]
    if differ:
        raise ConfigError(
            f"cell {cell}, replicate {run.rep}: the run does not repeat the stored one ({', '.join(differ)} differ): "
            "replay with the version of gansim in metadata.json, or run the study again"
        )
