"""One run as it went, as an animation."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gansim.errors import ConfigError
from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says
from gansim.plotting import look
from gansim.reporting.figures import single_runs

# isort: split
import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gansim.design.regimes import Thresholds
from gansim.engine.history import History
from gansim.reporting.figures.single_runs import Example
from gansim.reporting.run_figure import ShownRun, end_of, spread_out

__all__ = ["animate", "check_animation"]

_PER_SECOND = 12
_DPI = 100  # of an animation: 720 x 330 pixels or so, even numbers, as MP4 asks for
SUFFIXES = (".gif", ".mp4")


def check_animation(path: str | os.PathLike[str]) -> Path:
    """Return the path of an animation that can be written here, or refuse it before anything is trained.

    Parameters
    ----------
    path : path
        Ends in .gif, or in .mp4 where the program ffmpeg is installed.

    Raises
    ------
    ConfigError
        If it ends in something else, or ffmpeg is missing.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"animate: value {path.name!r}: a file that ends in {' or '.join(SUFFIXES)}")
    if path.suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise ConfigError("animate: .mp4 needs the program ffmpeg, which is not on PATH: install it, or choose .gif")
    return path


def animate(
    run: History,
    path: str | os.PathLike[str],
    title: str = "",
    thresholds: Thresholds | None = None,
    most: int = 100,
) -> Path:
    """Write one run as an animation: target and fakes, D(x), and V up to now, frame by frame.

    Parameters
    ----------
    run : History
        The run, with the frames to show.
    path : path
        The file, .gif or .mp4; its folder exists. The same run gives the same bytes of a GIF. It is written whole or
        not at all.
    title : str, optional
        Which run it is; by default its replicate number and seed.
    thresholds : Thresholds, optional
        Definitions of its label.
    most : int, default 100
        Largest number of frames; of more, so many are shown, evenly.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the file cannot be of that kind (`check_animation`), or no frame of the run is finite.
    """
    path = check_animation(path)
    shown = ShownRun.of(run, title, thresholds)
    if not shown.frames:
        raise ConfigError("animate: no frame of this run is finite: nothing moves")
    chosen = spread_out(shown.frames, most)
    examples = shown.examples(chosen, one_axis=True)
    writer: AbstractMovieWriter = (PillowWriter if path.suffix == ".gif" else FFMpegWriter)(fps=_PER_SECOND)
    with look.style_(), _whole(path) as temporary:
        figure = Figure(figsize=(look.WIDTH, round(2.8 + shown.room(), 1)), facecolor="white")
        place = look.Inches(figure)
        left = [place.axes(0.58, floor, 2.9, 0.86) for floor in (1.62, 0.48)]
        panels = (left[0], left[1], place.axes(4.2, 0.48, 2.86, 2.0))
        place.text(2.03, 0.1, "x (data units)", size=look.NORMAL, ha="center")
        place.text(5.63, 0.1, "training step", size=look.NORMAL, ha="center")
        look.head(figure, shown.title, shown.note())
        with writer.saving(figure, str(temporary), _DPI):
            for frame, example in zip(chosen, examples, strict=True):
                _draw(panels, example, shown, int(run.frames[frame]))
                writer.grab_frame()
    return path


def _draw(panels: tuple[Axes, Axes, Axes], example: Example, shown: ShownRun, step: int) -> None:
    upper, lower, right = panels
    for axes in panels:
        axes.clear()
    single_runs.densities(upper, example)
    single_runs.discriminator(lower, example)
    upper.tick_params(axis="x", labelbottom=False)
    upper.set_title("target (grey) and fakes (each density to its highest point)", loc="left", size=look.SMALL)
    lower.set_title("D(x)", loc="left", size=look.SMALL)
    if np.mean(single_runs.within(example)) < 0.98:  # half a percent at either end is never shown
        look.remark(upper, 0.98, 0.9, single_runs.beyond(example), ha="right", va="top")
    single_runs.v_trace(right, example, shown.field("v"), float(end_of(shown.history)))
    right.plot(example.steps[-1:], example.v[-1:], "o", color=look.INK, markersize=4, clip_on=False)
    right.set_title("V (nats)" + ("; log below −2" if right.get_yscale() == "symlog" else ""), loc="left", size=7)
    right.set_title(f"step {step:,}", loc="right", size=look.NORMAL, weight="bold")


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder, with the same ending, that takes the file's place once it is complete."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
