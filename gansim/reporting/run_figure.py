"""One run to look at: a figure of its training.

Everything is drawn from a `gansim.engine.history.History`: the lines are its records, and target, fakes and D(x) come
from the networks it kept. A run that stops being finite is shown up to its last finite record, and the figure says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gansim.plotting import bars, look
from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says
from gansim.reporting.figures import single_runs, v_and_auc

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from gansim.analysis.floor import floor_of
from gansim.analysis.labels import label
from gansim.design import wording
from gansim.design.regimes import Thresholds
from gansim.engine.history import History
from gansim.model import laws
from gansim.model.distributions import Mixture, moments
from gansim.model.gan import GAN
from gansim.reporting import figures
from gansim.reporting.figures.single_runs import Example

__all__ = ["FRAMES", "replay_figure"]

FRAMES = 81  # 80 equal stretches: seven seconds at 12 a second, and a GIF of about 1 MB
_FAKES = 2000  # fakes in a histogram of 60 bins: 33 a bin
_SNAPSHOTS = 5
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ShownRun:
    """A history cut at its last finite record, with its label: what the figure and the animation share."""

    history: History
    title: str
    regime: str
    limit: float  # the Wasserstein-1 distance at which a run counts as converged
    records: Array  # which records are shown
    frames: list[int]  # which frames are shown

    @classmethod
    def of(cls, run: History, title: str, thresholds: Thresholds | None) -> ShownRun:
        thresholds, floor = thresholds or Thresholds(), floor_of(run.gan.target, run.gan.n_eval)
        regime = str(label(run.study_traces(), floor, thresholds)["regime"].iloc[0])
        limit = max(thresholds.w1, floor.limits(thresholds.window_length(run.gan.records)).w1)
        finite = run.traces["finite"][0] == 1
        frames = np.flatnonzero(np.isin(run.frames, run.traces.steps[0][finite])).tolist()
        title = title or f"Replicate {run.rep}, seed {run.seed}"
        return cls(run, title, regime, limit, np.flatnonzero(finite), frames)

    @property
    def steps(self) -> Array:
        return np.asarray(self.history.traces.steps[0][self.records])

    def field(self, name: str) -> Array:
        return self.history.frame()[name].to_numpy(np.float64)[self.records]

    def note(self) -> str:
        """Which run it is, how it ended, and what is not shown."""
        said = [f"n = 1 run: {self.regime}", wording.gan(self.history.gan)]
        if self.regime == "non-finite":
            until = f"shown up to step {int(self.steps[-1]):,}" if len(self.steps) else "nothing to show"
            said.insert(
                1, f"Not finite at the record of step {end_of(self.history):,} of {self.history.gan.steps:,}: {until}"
            )
        return ". ".join(said).replace("-", "\N{NON-BREAKING HYPHEN}") + "."

    def room(self) -> float:
        """Inches that title and note take."""
        return 0.34 + 0.14 * (1 + look.wrapped(self.note(), look.WIDTH).count("\n"))

    def examples(self, chosen: Sequence[int], one_axis: bool) -> list[Example]:
        """The frames as `figures` draws them, on an axis of their own each or on one for all."""
        gan = self.history.gan
        z = _noise(gan)
        nets = [self.history.networks(frame) for frame in chosen]
        fakes = [net.generate(z) for net in nets]
        common = _axis(gan, fakes) if one_axis and fakes else None
        v = self.field("v")
        found = []
        for frame, net, made in zip(chosen, nets, fakes, strict=True):
            x = _axis(gan, [made]) if common is None else common
            now = self.steps <= self.history.frames[frame]
            density = laws.pdf(gan.target, x)
            found.append(Example(self.regime, x, density, made, net.discriminate(x), self.steps[now], v[now]))
        return found


def end_of(run: History) -> int:
    """The end of training, or the step of the study's first record at which the run is not finite."""
    own = run.study_traces()
    dead = own.steps[0][own["finite"][0] == 0]
    return int(dead[0]) if len(dead) else run.gan.steps


def _noise(gan: GAN) -> Array:
    """The same noise at every frame, so that what moves is G: quantiles at midpoints, or draws in more dimensions."""
    if gan.noise_dim == 1:
        return laws.quantile(gan.noise, (np.arange(_FAKES) + 0.5) / _FAKES)
    return laws.quantile(gan.noise, np.random.default_rng(0).random((_FAKES, gan.noise_dim)))


def _axis(gan: GAN, fakes: Sequence[Array]) -> Array:
    """Points that cover the target and nearly all fakes.

    Where a fifth of the frames stray over 20 times as far as the others reach, and would squeeze these into a line,
    they leave the axis at that end, and are counted where they do.
    """
    low, high = laws.quantile(gan.target, [3e-5, 1 - 3e-5])  # 4 standard deviations of a normal
    ends = np.array([np.quantile(made, [0.005, 0.995]) for made in fakes])
    lows, highs = np.sort(ends[:, 0]), np.sort(ends[:, 1])[::-1]
    cut = min(-(-len(fakes) // 5), (len(fakes) - 1) // 2)
    left, right = min(low, float(lows[cut])), max(high, float(highs[cut]))
    reach = 20 * (right - left)
    if left - lows[0] <= reach:
        left = min(left, float(lows[0]))
    if highs[0] - right <= reach:
        right = max(right, float(highs[0]))
    margin = 0.03 * (right - left)
    detail = np.linspace(low - 0.05 * (high - low), high + 0.05 * (high - low), 401)  # the target may be narrow
    wide = np.linspace(left - margin, right + margin, 601)
    detail = np.append(detail, laws.quantile(gan.target, np.linspace(0.001, 0.999, 401)))  # and its modes narrower
    return np.unique(np.concatenate([wide, detail[(detail > wide[0]) & (detail < wide[-1])]]))


@look.styled
def replay_figure(run: History, title: str = "", thresholds: Thresholds | None = None) -> Figure:
    """Draw one run: six measurements over training and, below, target, fakes and D(x) at five of its frames.

    Parameters
    ----------
    run : History
        The run.
    title : str, optional
        Which run it is; by default its replicate number and seed.
    thresholds : Thresholds, optional
        Definitions of its label, and of the Wasserstein-1 distance that is marked.

    Returns
    -------
    Figure
        Every line is a column of ``run.frame()``, with its name as label.
    """
    shown = ShownRun.of(run, title, thresholds)
    figure = Figure(figsize=(look.WIDTH, 6.29 + shown.room()))
    place = look.Inches(figure)
    wide, tall, left, gap = 1.72, 1.1, 0.58, 0.56
    panels = (_v_panel, _distance_panel, _moments_panel, _d_panel, _gradient_panel, _last_panel)
    for number, panel in enumerate(panels):
        row, column = divmod(number, 3)
        axes = place.axes(left + column * (wide + gap), 4.83 - row * 1.8, wide, tall)
        panel(axes, shown)
        _over_training(axes, shown)
    place.text(left + 1.5 * wide + gap, 2.68, "training step", size=look.NORMAL, ha="center")
    chosen = spread_out(shown.frames, _SNAPSHOTS)
    wide, gap = (look.WIDTH - left - 0.14 - 0.17 * (_SNAPSHOTS - 1)) / _SNAPSHOTS, 0.17
    for number, (frame, example) in enumerate(zip(chosen, shown.examples(chosen, one_axis=False), strict=True)):
        at = left + number * (wide + gap)
        upper, lower = place.axes(at, 1.46, wide, 0.78), place.axes(at, 0.5, wide, 0.78)
        single_runs.densities(upper, example)
        single_runs.discriminator(lower, example)
        _room_for_ticks(lower, wide)
        upper.set_xticks(lower.get_xticks())
        upper.tick_params(axis="x", labelbottom=False)
        upper.set_title(f"step {int(run.frames[frame]):,}", size=look.SMALL, pad=4)
        if number:
            lower.tick_params(axis="y", labelleft=False)
        else:
            upper.set_ylabel("target (grey)\nand fakes", size=look.SMALL, labelpad=8)
            lower.set_ylabel("D(x)", size=look.SMALL, labelpad=2)
    axis_note = "x (data units; each column on its own axis, each density scaled to its own highest point)"
    place.text(left + 0.5 * (look.WIDTH - left - 0.14), 0.1, axis_note, size=look.NORMAL, ha="center")
    look.head(figure, shown.title, shown.note())
    return figure


def _room_for_ticks(axes: Axes, wide: float) -> None:
    """Fewer marks where the numbers are long: their labels take at most two thirds of the axis, so many inches wide."""
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    while len(ticks) > 1 and sum(look.inches(look.plain(t), look.SMALL) for t in ticks) > 0.67 * wide:
        ticks = ticks[::2] if len(ticks) > 2 else ticks[-1:]
    axes.set_xticks(ticks)
    axes.set_xlim(low, high)


def spread_out(items: Sequence[int], most: int) -> list[int]:
    """Up to so many of the items, evenly, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[k] for k in np.linspace(0, len(items) - 1, most).round().astype(int)]


def _colours(shown: ShownRun) -> tuple[str, str]:
    g, d = bars.split(shown.regime)
    return figures.COLOURS[g], figures.COLOURS[d]


def _over_training(axes: Axes, shown: ShownRun) -> None:
    """What the six panels share: the steps, and a legend above that hides no line."""
    axes.set_xlim(0, end_of(shown.history))
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(look.plain))
    axes.set_title(axes.get_title(loc="left"), loc="left", size=look.SMALL, weight="bold", pad=15)
    handles, names = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles,
            [_NAMES.get(name, name) for name in names],
            loc="lower left",
            bbox_to_anchor=(-0.03, 0.97),
            ncols=len(handles),
            fontsize=look.SMALL - 0.5,
            handlelength=1.5,
            handletextpad=0.4,
            columnspacing=0.8,
            borderaxespad=0.0,
            borderpad=0.2,
        )
    if not len(shown.steps):
        look.remark(axes, 0.5, 0.5, "no finite record", ha="center", va="center")


_NAMES = {
    "v": "V",
    "v_max": "max over D",
    "v_train": "own sample",
    "w1": "W1",
    "g_mean": "fakes",
    "d_real": "on real",
    "d_fake": "on fake",
    "grad_g": "of G",
    "grad_d": "of D",
    "auc": "AUC",
    "modes": "modes",
}


def _line(axes: Axes, shown: ShownRun, name: str, **look: Any) -> Array:
    """One column of the trace over the steps; a column that is not defined for this run draws nothing."""
    values = shown.field(name)
    if np.isfinite(values).any():
        few = {"marker": "o", "markersize": 3, "clip_on": False} if len(shown.steps) < 3 else {}  # a line of one point
        axes.plot(shown.steps, values, label=name, **{"linewidth": 1.0, **few, **look})
    return values


def _v_panel(axes: Axes, shown: ShownRun) -> None:
    _, colour = _colours(shown)
    drawn = [_line(axes, shown, "v", color=colour)]
    drawn.append(_line(axes, shown, "v_max", color=look.GREY, linestyle=look.GROUP_DASHES[1]))
    drawn.append(_line(axes, shown, "v_train", color=look.INK, linestyle=look.GROUP_DASHES[2]))
    v_and_auc.v_axis(axes, np.concatenate(drawn), most=3)
    below = "; log below −2" if axes.get_yscale() == "symlog" else ""
    axes.set_title(f"V(D, G) (nats{below})", loc="left")


def _distance_panel(axes: Axes, shown: ShownRun) -> None:
    values = _line(axes, shown, "w1", color=_colours(shown)[0])
    axes.axhline(shown.limit, color=look.GREY, linewidth=0.8, linestyle=look.GROUP_DASHES[1], label="converged")
    _log_if_wide(axes, np.append(values, shown.limit))
    axes.set_title("Wasserstein-1 (target's std)", loc="left")


def _moments_panel(axes: Axes, shown: ShownRun) -> None:
    colour, _ = _colours(shown)
    mean, std = moments(shown.history.gan.target)
    axes.axhspan(mean - std, mean + std, color=look.FAINT, linewidth=0, zorder=0)
    axes.axhline(mean, color=look.GREY, linewidth=0.8, label="target")
    g_mean, g_std = shown.field("g_mean"), shown.field("g_std")
    axes.fill_between(shown.steps, g_mean - g_std, g_mean + g_std, color=colour, alpha=0.35, linewidth=0)
    _line(axes, shown, "g_mean", color=colour)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(look.plain))
    axes.set_title("mean ± std (data units)", loc="left")


def _d_panel(axes: Axes, shown: ShownRun) -> None:
    colour, _ = _colours(shown)
    axes.axhline(0.5, color=look.FAINT, linewidth=0.8, zorder=0)
    _line(axes, shown, "d_real", color=look.GREY, linestyle=look.GROUP_DASHES[1])
    _line(axes, shown, "d_fake", color=colour)
    axes.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])
    axes.set_title("mean of D (0 to 1)", loc="left")


def _gradient_panel(axes: Axes, shown: ShownRun) -> None:
    g, d = _colours(shown)
    drawn = [_line(axes, shown, "grad_g", color=g), _line(axes, shown, "grad_d", color=d, linestyle=(0, (4, 1.5)))]
    _log_if_wide(axes, np.concatenate(drawn), always=True)
    axes.set_title("norm of the last gradient", loc="left")


def _last_panel(axes: Axes, shown: ShownRun) -> None:
    """AUC of D; of a mixture, the modes captured."""
    target = shown.history.gan.target
    if isinstance(target, Mixture):
        axes.axhline(len(target.means), color=look.FAINT, linewidth=0.8, zorder=0)
        _line(axes, shown, "modes", color=_colours(shown)[0])
        axes.set_ylim(-0.03 * len(target.means), 1.05 * len(target.means))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_title(f"modes captured, of {len(target.means)}", loc="left")
    else:
        axes.axhline(0.5, color=look.FAINT, linewidth=0.8, zorder=0)
        _line(axes, shown, "auc", color=_colours(shown)[1])
        axes.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])
        axes.set_title("real scored above fake (share)", loc="left")


def _log_if_wide(axes: Axes, values: Array, always: bool = False) -> None:
    """A logarithmic ordinate for numbers over more than a decade and a half; zeros are then counted, not drawn."""
    positive = values[np.isfinite(values) & (values > 0)]
    if len(positive) and (always or positive.max() > 30 * positive.min()):
        axes.set_yscale("log")
        low, high = float(positive.min()) / 1.5, float(positive.max()) * 1.5
        if high < 12 * low:  # less than a decade may hold no power of ten to label
            low, high = low / 3, high * 3
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_minor_formatter(NullFormatter())
        zeros = int(np.count_nonzero(values == 0))
        if zeros:
            look.remark(axes, 0.98, 0.05, f"{zeros:,} zeros not shown", ha="right")
    else:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(look.plain))
