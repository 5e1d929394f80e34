"""One run to look at: a figure of its training.

Everything is drawn from a `gansim.engine.history.History`: the lines are its records, and target, fakes and D(x) come
from the networks it kept. A run that stops being finite is shown up to its last finite record, and the figure says so.
"""

from __future__ import annotations

import io

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says
from gansim.plotting import look

# isort: split
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gansim.design.in_words import wording
from gansim.design.in_words.words import level_of
from gansim.design.regimes import Thresholds
from gansim.engine.history import History
from gansim.errors import ConfigError, shown
from gansim.model.fields import check_integer
from gansim.model.gan import GAN
from gansim.reporting.run_panels import OVER_TRAINING, Moment, fit_numbers, legend_above, over_training
from gansim.showing.runs import FRAMES, ShownRun, Snapshot, end_of, spread_out, watch
from gansim.showing.views import View, shared_view, target_range

__all__ = ["RunFigure", "check_one_dimension", "headline", "run_figure"]

_NARROWEST = 1 / 8  # of an axis, that the target must fill for all moments to share it
_LEFT, _RIGHT = 0.62, 0.14  # inches


class RunFigure(Figure):
    """A figure that a notebook shows, whether or not pyplot has been imported there."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png")
        return stream.getvalue()


def run_figure(
    gan: GAN | History,
    rep: int = 0,
    seed: int = 0,
    *,
    frames: int = FRAMES,
    snapshots: int = 5,
    thresholds: Thresholds | None = None,
    title: str = "",
) -> Figure:
    """Draw one run: six measurements over training and, below, target, fakes and D(x) at some moments.

    Parameters
    ----------
    gan : GAN or History
        The configuration, whose run is trained again, bit for bit; or a run that `gansim.engine.history.history` gave.
    rep : int, default 0
        The replicate number. Not read of a `History`, as `seed` and `frames` are not.
    seed : int, default 0
        Seed of the study.
    frames : int, default 81
        How often to measure beside the study's own records, 2 to 1,000: evenly, up to the end of training or to where
        the run is no longer finite.
    snapshots : int, default 5
        How many moments to show, 1 to 6.
    thresholds : Thresholds, optional
        Definitions of its label, and of the Wasserstein-1 distance that is marked.
    title : str, optional
        Which run it is; by default its replicate number and seed.

    Returns
    -------
    Figure
        For ``savefig``, or for a notebook to show. Every line over training is a column of the run's trace, with its
        name as label; the records that decide the label are shaded. Densities have one scale, in 1 / data units.

    Raises
    ------
    ConfigError
        If an argument is refused, before anything is trained.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> gan = GAN(target=Normal(500, 5), standardise=True, steps=50, records=10)
    >>> figure = run_figure(gan, rep=3)
    >>> len(figure.axes)  # six panels over training; five moments, two panels each
    16
    """
    check_one_dimension(gan)
    check_integer(frames, "frames", 2, 1000)
    check_integer(snapshots, "snapshots", 1, 6)
    run = gan if isinstance(gan, History) else watch(gan, rep, seed, frames)
    with look.style_():
        return _draw(ShownRun.of(run, thresholds), snapshots, title)


def check_one_dimension(gan: object) -> None:
    """Refuse what is no run of data on the line.

    Raises
    ------
    ConfigError
        If it is neither `GAN` nor `History`, or its target has more than one coordinate.
    """
    described = gan.gan if isinstance(gan, History) else gan
    if not isinstance(described, GAN):
        raise ConfigError(f"gan: value {shown(gan)}: a GAN, such as gs.GAN(target=gs.Normal(500, 5))")
    if described.data_dim > 1:
        raise ConfigError(f"gan.target: {described.data_dim} coordinates: one run can be drawn for data on the line")


def headline(run: ShownRun, title: str = "") -> str:
    """Which run it is, and how it ended."""
    return f"{title or f'Replicate {run.history.rep}, seed {run.history.seed}'}: {level_of('regime', run.regime)}"


def _note(run: ShownRun) -> str:
    """What was trained, what is shaded, what is not shown."""
    said = [f"One run of: {wording.brief(run.history.gan)}"]
    if run.decided:
        said.append(f"Shaded: the last {run.window:,} of {run.history.gan.records:,} records, which decide the label")
    else:
        until = f"shown up to step {int(run.steps[-1]):,}" if len(run.steps) else "nothing to show"
        said.append(f"Not finite at the record of step {end_of(run.history):,} of {run.history.gan.steps:,}: {until}")
    return ". ".join(said).replace("-", "\N{NON-BREAKING HYPHEN}") + "."


def _draw(run: ShownRun, snapshots: int, title: str) -> Figure:
    note = _note(run)
    room = 0.34 + 0.14 * (1 + look.wrapped(note, look.WIDTH).count("\n"))
    figure = RunFigure(figsize=(look.WIDTH, 6.52 + room), dpi=150)
    place = look.Inches(figure)
    wide, gap = 1.72, 0.54
    for number, panel in enumerate(OVER_TRAINING):
        row, column = divmod(number, 3)
        axes = place.axes(_LEFT + column * (wide + gap), 5.06 - row * 1.8, wide, 1.1)
        panel(axes, run)
        over_training(axes, run)
        legend_above(axes)
        fit_numbers(axes, (gap if column else _LEFT) - 0.1)
    place.text(_LEFT + 1.5 * wide + gap, 2.91, "training step", size=look.NORMAL, ha="center")
    _draw_moments(place, run, run.snapshots(spread_out(run.frames, snapshots)), snapshots)
    look.head(figure, headline(run, title), note)
    return figure


def _draw_moments(place: look.Inches, run: ShownRun, moments: list[Snapshot], columns: int) -> None:
    """Target, fakes and D(x), a column a moment."""
    views, alike = _views(run, moments)
    top = max((view.top([moment.fakes]) for view, moment in zip(views, moments, strict=True)), default=1.0)
    gap = 0.14 if alike else 0.2
    wide = (look.WIDTH - _LEFT - _RIGHT - gap * (columns - 1)) / columns
    for number, (view, moment) in enumerate(zip(views, moments, strict=True)):
        upper, lower = (place.axes(_LEFT + number * (wide + gap), floor, wide, 0.82) for floor in (1.44, 0.48))
        shown = Moment.draw(upper, lower, view, top, run)
        shown.show(moment)
        _room_for_ticks(lower, wide, gap)
        upper.set_xticks(lower.get_xticks())
        upper.set_title(f"step {moment.step:,}", size=look.SMALL, pad=4)
        for axes, label in ((upper, "density"), (lower, run.output)):
            if number:
                axes.tick_params(axis="y", labelleft=False)
            else:
                axes.set_ylabel(label, size=look.SMALL, labelpad=2)
                fit_numbers(axes, _LEFT - 0.26)
    middle = _LEFT + 0.5 * (look.WIDTH - _LEFT - _RIGHT)
    if moments:
        heading = "target (grey) and fakes on one scale (↑: cut off, so many times as high as the target); below, "
        place.text(_LEFT, 2.53, heading + run.output, size=look.SMALL, weight="bold")
    place.text(middle, 0.1, f"x (data units{'' if alike else '; each column has its own axis'})", size=8, ha="center")


def _views(run: ShownRun, moments: list[Snapshot]) -> tuple[list[View], bool]:
    """The axis of each moment, and whether it is one for all: unless the target would be a line on it."""
    target = run.target
    low, high = target_range(target)
    fakes = [moment.fakes for moment in moments]
    common, own = shared_view(target, fakes), [shared_view(target, [each]) for each in fakes]
    alike = all(_wide(common) <= 1.25 * _wide(view) for view in own)
    if alike or high - low >= _NARROWEST * _wide(common):
        return [common] * len(moments), True
    return own, False


def _wide(view: View) -> float:
    return view.ends[1] - view.ends[0]


def _room_for_ticks(axes: Axes, wide: float, gap: float) -> None:
    """Fewer marks where the numbers are long: on an axis so many inches wide, with such a gap to the next.

    No label reaches into the neighbour's half of the gap, and together they take at most two thirds of the axis.
    """
    low, high = axes.get_xlim()

    def clear(tick: float) -> bool:
        beside = min(tick - low, high - tick) / (high - low) * wide
        return beside >= 0 and beside + 0.45 * gap >= 0.5 * look.inches(look.plain(tick), look.SMALL)

    ticks = [float(tick) for tick in axes.get_xticks() if clear(float(tick))]
    while len(ticks) > 1 and sum(look.inches(look.plain(t), look.SMALL) for t in ticks) > 0.67 * wide:
        ticks = ticks[::2] if len(ticks) > 2 else ticks[-1:]
    axes.set_xticks(ticks)
    axes.set_xlim(low, high)
