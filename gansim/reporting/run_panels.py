"""The panels of which the figure and the animation of a run are made. Sizes of text are those of matplotlib's settings.

Colours tell how the run ended, as in all figures: the fakes have that of what G did, D that of what D did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gansim.plotting import bars, look
from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says
from gansim.reporting.figures import v_and_auc

# isort: split
import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from gansim.design.in_words import wording
from gansim.model.data.distributions import Mixture, moments
from gansim.showing.runs import ShownRun, Snapshot, end_of
from gansim.showing.views import View, thin

__all__ = [
    "OVER_TRAINING",
    "Moment",
    "colours_of",
    "distance_scale",
    "fit_numbers",
    "legend_above",
    "over_training",
    "remark",
    "v_scale",
]

Array = NDArray[Any]
_WINDOW = "#e3ebf6"  # paler than any state: every line stays readable on it


def colours_of(shown: ShownRun) -> tuple[str, str]:
    """The colours of what G did and of what D did."""
    g, d = bars.split(shown.regime)
    return look.COLOURS[g], look.COLOURS[d]


def remark(axes: Axes, x: float, y: float, text: str, **where: Any) -> Text:
    """A small text over what is drawn, at a place in fractions of the axes."""
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1}
    size = mpl.rcParams["legend.fontsize"]
    return axes.text(x, y, text, transform=axes.transAxes, size=size, bbox=box, zorder=4, **where)


# --- at one moment ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Moment:
    """Two panels, one above the other, that show a run at one moment: target and fakes, and D(x).

    Attributes
    ----------
    view : View
        The axis of both.
    top : float
        Upper end of the scale of density.
    bars, curve, said : artists
        What changes from moment to moment: the fakes, D, and what the panel cannot show of the fakes.
    """

    view: View
    top: float
    bars: StepPatch
    curve: Line2D
    said: Text

    @classmethod
    def draw(cls, upper: Axes, lower: Axes, view: View, top: float, run: ShownRun) -> Moment:
        """Draw what stays, and prepare what moves."""
        colours = colours_of(run)
        upper.fill_between(*view.outline, color=look.FAINT, linewidth=0)
        upper.plot(*view.outline, color=look.GREY, linewidth=0.8, label="target")
        bars = upper.stairs(
            np.zeros(len(view.edges) - 1),
            view.edges,
            color=colours[0],
            linewidth=mpl.rcParams["lines.linewidth"],
            label="fakes",
        )
        x, density = view.outline
        lower.fill_between(x, density * (1 / view.peak), color="#efefef", linewidth=0, zorder=0)
        if run.of_probability:
            lower.axhline(0.5, color=look.FAINT, linewidth=0.8, zorder=0)
        [curve] = lower.plot([], [], color=colours[1], label="D")
        upper.set(xlim=view.ends, ylim=(0, top))
        upper.tick_params(axis="x", labelbottom=False)
        ticks_of_d = {0.0: "0", 0.5: "½", 1.0: "1"} if run.of_probability else {0.0: "low", 1.0: "high"}
        lower.set(xlim=view.ends, ylim=(-0.05, 1.05), yticks=[*ticks_of_d], yticklabels=[*ticks_of_d.values()])
        for axes, ticks in ((upper, 3), (lower, 3)):
            axes.xaxis.set_major_locator(MaxNLocator(ticks))
            axes.xaxis.set_major_formatter(FuncFormatter(look.plain))
        upper.yaxis.set_major_locator(MaxNLocator(3))
        upper.yaxis.set_major_formatter(FuncFormatter(look.plain))
        return cls(view, top, bars, curve, remark(upper, 0.98, 0.97, "", ha="right", va="top", linespacing=1.1))

    def show(self, snapshot: Snapshot) -> None:
        """Show the run at this moment."""
        self.bars.set_data(self.view.heights(snapshot.fakes))
        self.curve.set_data(*thin(self.view.x, snapshot.judge(self.view.x)))
        self.said.set_text(self.view.remark(snapshot.fakes, self.top))

    @property
    def moving(self) -> Sequence[Artist]:
        """What `show` changes."""
        return self.bars, self.curve, self.said


# --- over training ------------------------------------------------------------------------------


def over_training(axes: Axes, shown: ShownRun, last: int | None = None) -> None:
    """Give a panel over training what all share: the steps, and the records that decide the label shaded.

    Parameters
    ----------
    axes : Axes
        The panel, drawn already, with its title at the left.
    shown : ShownRun
        The run.
    last : int, optional
        Right end of the axis; by default the run's.
    """
    axes.set_xlim(0, last or end_of(shown.history))
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(look.plain))
    if shown.decided:
        axes.axvspan(*shown.decided, color=_WINDOW, linewidth=0, zorder=-0.5)
    if not len(shown.steps):
        remark(axes, 0.5, 0.5, "no finite record", ha="center", va="center")


def legend_above(axes: Axes) -> None:
    """The legend between the panel and its title."""
    handles, names = axes.get_legend_handles_labels()
    small = mpl.rcParams["legend.fontsize"]
    axes.set_title(axes.get_title(loc="left"), loc="left", size=small, weight="bold", pad=2.1 * small)
    if handles:
        axes.legend(
            handles,
            [_NAMES.get(name, name) for name in names],
            loc="lower left",
            bbox_to_anchor=(-0.03, 0.97),
            ncols=len(handles),
            handlelength=1.5,
            handletextpad=0.4,
            columnspacing=0.8,
            borderaxespad=0.0,
            borderpad=0.2,
        )


_NAMES = {
    "v": "V",
    "v_max": "best D's",
    "v_train": "own sample",
    "w1": "fakes",
    "g_mean": "fakes",
    "d_real": "on real",
    "d_fake": "on fake",
    "acc_real": "on real",
    "acc_fake": "on fake",
    "ks": "fakes",
    "grad_g": "of G",
    "grad_d": "of D",
    "auc": "AUC",
    "modes": "fakes",
}


def fit_numbers(axes: Axes, room: float) -> None:
    """Write the numbers beside an axis so small that they keep to so many inches."""
    numbers = axes.yaxis.get_major_formatter().format_ticks(axes.yaxis.get_majorticklocs().tolist())
    wide = max((look.inches(number, look.SMALL) for number in numbers if "$" not in number), default=0.0)
    if wide > room:
        axes.tick_params(axis="y", labelsize=max(4.5, look.SMALL * room / wide))


def _line(axes: Axes, shown: ShownRun, name: str, **look: Any) -> Array:
    """One column of the trace over the steps; a column that is not defined for this run draws nothing."""
    values = shown.field(name)
    if np.isfinite(values).any():
        few = {"marker": "o", "markersize": 3, "clip_on": False} if len(shown.steps) < 3 else {}  # a line of one point
        axes.plot(shown.steps, values, label=name, **{"linewidth": 1.1, **few, **look})
    return values


def _v_panel(axes: Axes, shown: ShownRun) -> None:
    """V, beside that of the best D for the same fakes; of a D that is no probability how it ranks."""
    _, colour = colours_of(shown)
    if not shown.of_probability:
        _auc_panel(axes, shown)
        return
    drawn = [_line(axes, shown, "v_max", color=look.GREY, linestyle=look.GROUP_DASHES[1])]
    drawn.append(_line(axes, shown, "v_train", color=look.INK, linestyle=look.GROUP_DASHES[2]))
    drawn.append(_line(axes, shown, "v", color=colour))
    v_scale(axes, np.concatenate(drawn))


def v_scale(axes: Axes, v: Array) -> None:
    """Axis and title for these values of V."""
    v_and_auc.v_axis(axes, v, most=3)
    below = "; log below −2" if axes.get_yscale() == "symlog" else ""
    axes.set_title(f"V(D, G) (nats{below})", loc="left")


def _distance_panel(axes: Axes, shown: ShownRun) -> None:
    distance_scale(axes, _line(axes, shown, "w1", color=colours_of(shown)[0]), shown.limit)


def distance_scale(axes: Axes, w1: Array, limit: float) -> None:
    """Axis and title for these Wasserstein-1 distances, and how small one is where a run counts as converged."""
    axes.axhline(limit, color=look.GREY, linewidth=0.8, linestyle=look.GROUP_DASHES[1], label="converged below")
    _log_if_wide(axes, np.append(w1, limit))
    axes.set_title("Wasserstein-1 (target's std)", loc="left")


def _moments_panel(axes: Axes, shown: ShownRun) -> None:
    colour, _ = colours_of(shown)
    mean, std = moments(shown.target)
    for edge in (mean - std, mean + std):
        axes.axhline(edge, color=look.GREY, linewidth=0.6, linestyle=look.GROUP_DASHES[2])
    axes.axhline(mean, color=look.GREY, linewidth=0.9, linestyle=look.GROUP_DASHES[1], label="target")
    g_mean, g_std = shown.field("g_mean"), shown.field("g_std")
    axes.fill_between(shown.steps, g_mean - g_std, g_mean + g_std, color=colour, alpha=0.35, linewidth=0)
    _line(axes, shown, "g_mean", color=colour)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(look.plain))
    axes.set_title("mean ± std (data units)", loc="left")


def _d_panel(axes: Axes, shown: ShownRun) -> None:
    colour, _ = colours_of(shown)
    real, fake = ("d_real", "d_fake") if shown.of_probability else ("acc_real", "acc_fake")
    _line(axes, shown, real, color=look.GREY, linestyle=look.GROUP_DASHES[1])
    _line(axes, shown, fake, color=colour)
    _from_0_to_1(axes)
    axes.set_title("mean of D (1: says real)" if shown.of_probability else "D is right (share)", loc="left")


def _gradient_panel(axes: Axes, shown: ShownRun) -> None:
    g, d = colours_of(shown)
    drawn = [_line(axes, shown, "grad_g", color=g), _line(axes, shown, "grad_d", color=d, linestyle=(0, (4, 1.5)))]
    _log_if_wide(axes, np.concatenate(drawn), always=True)
    axes.set_title("norm of the last gradient", loc="left")


def _last_panel(axes: Axes, shown: ShownRun) -> None:
    """Of a mixture, the modes captured; else the AUC of D or, where that is shown already, the other distance."""
    target = shown.target
    if isinstance(target, Mixture):
        most = len(target.means)
        axes.axhline(most, color=look.GREY, linewidth=0.8, linestyle=look.GROUP_DASHES[1], label="target")
        _line(axes, shown, "modes", color=colours_of(shown)[0])
        axes.set_ylim(-0.03 * most, 1.05 * most)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_title(f"modes captured, of {most}", loc="left")
    elif shown.of_probability:
        _auc_panel(axes, shown)
    else:
        _line(axes, shown, "ks", color=colours_of(shown)[0])
        _from_0_to_1(axes)
        axes.set_title("Kolmogorov-Smirnov distance", loc="left")


def _auc_panel(axes: Axes, shown: ShownRun) -> None:
    _line(axes, shown, "auc", color=colours_of(shown)[1])
    auc_scale(axes)


def auc_scale(axes: Axes) -> None:
    """Axis and title for the AUC of D."""
    _from_0_to_1(axes)
    axes.set_title("real scored above fake (share)", loc="left")


def _from_0_to_1(axes: Axes) -> None:
    axes.axhline(0.5, color=look.FAINT, linewidth=0.8, zorder=0)
    axes.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])


OVER_TRAINING = (_v_panel, _distance_panel, _moments_panel, _d_panel, _gradient_panel, _last_panel)
"""The panels over training, in the order of the figure."""


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
            remark(axes, 0.98, 0.05, f"{wording.count(zeros, 'record')} of 0 not shown", ha="right")
    else:
        axes.set_ylim(0, 1.06 * float(positive.max(initial=0.0)) or 1.0)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(look.plain))
