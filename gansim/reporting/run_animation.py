"""One run as it went, as an animation; or several side by side."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says
from gansim.plotting import look

# isort: split
import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from gansim.design.in_words import wording
from gansim.design.in_words.words import level_of
from gansim.design.regimes import Thresholds
from gansim.engine.history import History, history
from gansim.errors import ConfigError, shown
from gansim.model.fields import check_integer
from gansim.model.gan import GAN
from gansim.model.seeds import check_rep, check_seed
from gansim.reporting.film import Film, Stage, check_film, write
from gansim.reporting.run_figure import check_one_dimension
from gansim.reporting.run_panels import Moment, auc_scale, colours_of, distance_scale, over_training, remark, v_scale
from gansim.reporting.ticking import ticking
from gansim.showing.runs import FRAMES, ShownRun, Snapshot, end_of, spread_out
from gansim.showing.views import View, shared_view

__all__ = ["animate"]

Array = NDArray[Any]
_WIDE, _TALL, _DPI = 12.8, 7.2, 100  # 1,280 x 720 pixels, a projector's; even numbers, as MP4 asks for
_SMALL, _LARGE = 13.0, 16.0  # points: 18 and 22 pixels
_MOST = 4  # runs side by side: a fifth would have less than 250 pixels
_KEY = "target grey, fakes in colour (↑: cut off, × the target's height)"
_SHADED = "; shaded: what the label is decided by"
_TEXT: Any = {
    "font.size": _SMALL,
    "axes.titlesize": _SMALL,
    "axes.labelsize": _SMALL,
    "legend.fontsize": _SMALL,
    "xtick.labelsize": _SMALL,
    "ytick.labelsize": _SMALL,
    "axes.linewidth": 1.0,
    "lines.linewidth": 2.0,
}


def animate(
    gan: GAN | History | Mapping[str, GAN | History],
    rep: int | Sequence[int] = 0,
    seed: int = 0,
    path: str | os.PathLike[str] = "run.gif",
    *,
    frames: int = FRAMES,
    per_second: int = 12,
    thresholds: Thresholds | None = None,
    title: str = "",
    progress: bool = True,
) -> Film:
    """Write how a run went as an animation: target and fakes, D(x), and V up to now, frame by frame.

    Parameters
    ----------
    gan : GAN, History or mapping of str to GAN or History
        The configuration, whose run is trained again, bit for bit, or a run that `gansim.engine.history.history` gave.
        Several by their names are shown side by side.
    rep : int or sequence of int, default 0
        The replicate number; of several, the runs are shown side by side. Not read of a `History`, as `seed` is not.
        With several configurations, each has these replicates; at most four runs in all.
    seed : int, default 0
        Seed of the study.
    path : path, default "run.gif"
        The file, .gif, or .mp4 where the program ffmpeg is installed. It is written whole or not at all. The same runs
        give the same bytes of a GIF.
    frames : int, default 81
        How many, 2 to 1,000: evenly, up to the end of training or to where the last run is no longer finite.
    per_second : int, default 12
        Frames a second, 1 to 50.
    thresholds : Thresholds, optional
        Definitions of the labels.
    title : str, optional
        What is shown; by default the target.
    progress : bool, default True
        Tell on stderr how far it is.

    Returns
    -------
    Film
        The path of the file; in a notebook it is shown. 1,280 x 720 pixels.

    Raises
    ------
    ConfigError
        If an argument is refused or the file cannot be of that kind, before anything is trained; or if no frame of the
        runs is finite.

    Examples
    --------
    >>> import tempfile
    >>> from gansim.model.data.distributions import Normal
    >>> gan = GAN(target=Normal(500, 5), standardise=True, steps=50, records=10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     animate(gan, rep=[0, 1], path=f"{folder}/two.gif", frames=3).name
    'two.gif'
    """
    file = check_film(path)
    check_integer(frames, "frames", 2, 1000)
    pace = float(check_integer(per_second, "per_second", 1, 50))
    named = _named(gan, rep, check_seed(seed))
    runs = [(name, ShownRun.of(run, thresholds)) for name, run in _watch_together(named, frames)]
    if not any(run.frames for _, run in runs):
        raise ConfigError("animate: no frame of this run is finite: nothing moves")
    with look.style_(), mpl.rc_context(_TEXT):
        scene = _Scene.of(runs, frames, title)
        told = ticking(range(len(scene.steps)), len(scene.steps), file.name, "frames", silent=not progress)
        return write(file, scene.stage, scene.show, told, len(scene.steps), pace)


# --- which runs ---------------------------------------------------------------------------------

_Wanted = tuple[str, "GAN | History", int, int]  # name, configuration or run, replicate, seed


def _named(gan: Any, rep: Any, seed: int) -> list[_Wanted]:
    """Every run that is wanted, with its name."""
    reps = [rep] if not isinstance(rep, Iterable) or isinstance(rep, (str, bytes)) else list(rep)
    numbers = [check_rep(one) for one in reps]
    several = gan if isinstance(gan, Mapping) else {"": gan}
    for one in several.values():
        check_one_dimension(one)
    found: list[_Wanted] = []
    for name, one in several.items():
        for number in [one.rep] if isinstance(one, History) else numbers:
            own = f"replicate {number}" if len(numbers) > 1 or not name else ""
            found.append((", ".join(filter(None, [str(name), own])), one, number, seed))
    if not 1 <= len(found) <= _MOST:
        raise ConfigError(f"animate: {wording.count(len(found), 'run')} ({shown(rep)}): 1 to {_MOST} side by side")
    return found


def _watch_together(named: list[_Wanted], frames: int) -> list[tuple[str, History]]:
    """The runs, trained again where they are not there yet; frames lie before the end of the last that is finite."""

    def watch(one: GAN | History, rep: int, seed: int, when: Any) -> History:
        return one if isinstance(one, History) else history(one, rep, seed, when)

    found = [(name, watch(one, rep, seed, frames)) for name, one, rep, seed in named]
    end = max(end_of(run) for _, run in found)
    if end == max(run.gan.steps for _, run in found):
        return found
    again = sorted({end * k // (frames - 1) for k in range(frames)})
    return [
        (name, watch(one, rep, seed, [step for step in again if step <= run.gan.steps]))
        for (name, one, rep, seed), (_, run) in zip(named, found, strict=True)
    ]


# --- what is shown ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Column:
    """One run on the stage, with the artists that move."""

    run: ShownRun
    snapshots: list[Snapshot]
    moment: Moment
    lines: dict[str, tuple[Line2D, Line2D]]  # of each measurement the line up to now, and the point at its end
    over: Text

    @cached_property
    def measured(self) -> dict[str, Array]:
        return {name: self.run.field(name) for name in self.lines}

    def show(self, step: int) -> None:
        """Show the run as it was after so many steps, or at its last finite record before."""
        before = [snapshot for snapshot in self.snapshots if snapshot.step <= step]
        if before:
            self.moment.show(before[-1])
        now = self.run.steps <= step
        for name, (line, point) in self.lines.items():
            line.set_data(self.run.steps[now], self.measured[name][now])
            point.set_data(self.run.steps[now][-1:], self.measured[name][now][-1:])
        dead = self.run.regime == "non-finite" and now.all() and step not in self.run.steps
        self.over.set_text("no longer finite" if dead else "")

    @property
    def moving(self) -> list[Artist]:
        return [*self.moment.moving, *(artist for pair in self.lines.values() for artist in pair), self.over]


@dataclass(frozen=True, eq=False)
class _Scene:
    """The figure with all its columns, and the steps that its frames show."""

    stage: Stage
    columns: list[_Column]
    steps: list[int]
    clock: Text

    @classmethod
    def of(cls, runs: list[tuple[str, ShownRun]], most: int, title: str) -> _Scene:
        stage = Stage(figsize=(_WIDE, _TALL), dpi=_DPI, facecolor="white")
        place, shown = look.Inches(stage), [run for _, run in runs]
        laws = dict.fromkeys(wording.law(run.history.gan.target) for run in shown)
        in_words = wording.brief if title else wording.training
        trained = list(dict.fromkeys(in_words(run.history.gan) for run in shown))
        place.text(0.3, 7.06, title or f"Target: {'; '.join(laws)}", size=_LARGE, weight="bold", va="top")
        if len(trained) == 1:
            place.text(0.3, 6.68, textwrap.fill(trained[0], 112), va="top", linespacing=1.15)
        clock = stage.text(12.5 / _WIDE, 7.06 / _TALL, "", size=_LARGE, weight="bold", va="top", ha="right")
        columns = _beside_each_other(place, runs) if len(runs) > 1 else [_alone(place, *runs[0])]
        steps = {snapshot.step for column in columns for snapshot in column.snapshots}
        if any(run.regime == "non-finite" for run in shown):
            steps.add(max(end_of(run.history) for run in shown))
        stage.set_moving([clock, *(artist for column in columns for artist in column.moving)])
        return cls(stage, columns, spread_out(sorted(steps), most), clock)

    def show(self, number: int) -> None:
        """Show frame k."""
        step = self.steps[number]
        self.clock.set_text(f"step {step:,}")
        for column in self.columns:
            column.show(step)


def _alone(place: look.Inches, name: str, run: ShownRun) -> _Column:
    """One run: target, fakes and D(x) at the left, V and the distance over training at the right."""
    place.text(0.3, 5.9, f"{name}, seed {run.history.seed}: in the end {level_of('regime', run.regime)}", weight="bold")
    upper, lower = place.axes(1.05, 3.35, 5.6, 2.15), place.axes(1.05, 0.85, 5.6, 2.15)
    v, w1 = place.axes(7.75, 3.75, 4.75, 1.75), place.axes(7.75, 0.85, 4.75, 1.75)
    place.text(3.85, 0.12, "x (data units)", ha="center")
    place.text(10.1, 0.12, f"training step{_SHADED if run.decided else ''}", ha="center")
    upper.set_title(f"density: {_KEY}", loc="left")
    said = "1 says real, 0 says fake" if run.of_probability else "high for real, from the least here to the greatest"
    lower.set_title(f"{run.output}: {said}", loc="left")
    snapshots = run.snapshots(run.frames)
    fakes = [snapshot.fakes for snapshot in snapshots]
    view = shared_view(run.target, fakes)
    moment = Moment.draw(upper, lower, view, view.top(fakes), run)
    g, d = colours_of(run)
    of_d = _of_d([run])
    _scale_of(v, of_d, [run])
    distance_scale(w1, run.field("w1"), run.limit)
    w1.legend(loc="lower right", bbox_to_anchor=(1.02, 0.97), borderaxespad=0.0)
    over_training(v, run)
    over_training(w1, run)
    lines = {of_d: _line(v, d), "w1": _line(w1, g)}
    return _Column(run, snapshots, moment, lines, remark(v, 0.98, 0.06, "", ha="right"))


def _of_d(runs: Sequence[ShownRun]) -> str:
    """What is drawn of D over training: V or, unless every D is a probability, how it ranks."""
    return "v" if all(run.of_probability for run in runs) else "auc"


def _scale_of(axes: Axes, of_d: str, runs: Sequence[ShownRun]) -> None:
    if of_d == "v":
        v_scale(axes, np.concatenate([run.field("v") for run in runs]))
    else:
        auc_scale(axes)


def _beside_each_other(place: look.Inches, runs: list[tuple[str, ShownRun]]) -> list[_Column]:
    """A column a run: target and fakes, D(x), V over training; what can be compared has one scale."""
    shown = [run for _, run in runs]
    snapshots = [run.snapshots(run.frames) for run in shown]
    views = _views(shown, snapshots)
    tops = [view.top([s.fakes for s in taken]) for view, taken in zip(views, snapshots, strict=True)]
    of_d = _of_d(shown)
    last = max(end_of(run.history) for run in shown)
    gap = 0.35
    wide = (_WIDE - 1.15 - 0.3 - gap * (len(runs) - 1)) / len(runs)
    columns = []
    for number, (name, run) in enumerate(runs):
        at = 1.15 + number * (wide + gap)
        upper, lower, v = (place.axes(at, floor, wide, tall) for floor, tall in ((4.05, 1.5), (2.6, 1.3), (0.85, 1.0)))
        said, own = (
            textwrap.fill(text, int(100 * wide / pixels))
            for text, pixels in ((f"in the end: {level_of('regime', run.regime)}", 10.5), (name, 12))
        )
        place.text(at, 5.66, said, linespacing=1.15)
        place.text(at, 5.96 + 0.28 * said.count("\n"), own, weight="bold", linespacing=1.15)
        moment = Moment.draw(upper, lower, views[number], max(tops), run)
        _scale_of(v, of_d, shown)
        over_training(v, run, last)
        for axes, label in ((upper, "density"), (lower, run.output), (v, "V (nats)" if of_d == "v" else "AUC of D")):
            axes.set_title("", loc="left")
            if number:
                axes.tick_params(axis="y", labelleft=False)
            else:
                axes.set_ylabel(label)
                axes.yaxis.set_label_coords(-0.85 / wide, 0.5)
        lines = {of_d: _line(v, colours_of(run)[1])}
        columns.append(_Column(run, snapshots[number], moment, lines, remark(v, 0.98, 0.06, "", ha="right")))
    middle, decided = 1.15 + 0.5 * (_WIDE - 1.45), any(run.decided for run in shown)
    place.text(middle, 2.02, f"x (data units); {_KEY}", ha="center")
    place.text(middle, 0.12, f"training step{_SHADED if decided else ''}", ha="center")
    return columns


def _views(runs: list[ShownRun], snapshots: list[list[Snapshot]]) -> list[View]:
    """An axis for all runs on one target."""
    fakes: dict[Any, list[Array]] = {}
    for run, taken in zip(runs, snapshots, strict=True):
        fakes.setdefault(run.target, []).extend(snapshot.fakes for snapshot in taken)
    views = {target: shared_view(target, several) for target, several in fakes.items()}
    return [views[run.target] for run in runs]


def _line(axes: Axes, colour: str) -> tuple[Line2D, Line2D]:
    """A line over training that grows, and the point at its end."""
    [line], [point] = axes.plot([], [], color=colour), axes.plot([], [], "o", color=colour, markersize=9, clip_on=False)
    return line, point
