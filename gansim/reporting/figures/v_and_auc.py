"""V against AUC, run by run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says
from gansim.plotting.look import raised

# isort: split
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from gansim.analysis import theory
from gansim.design.regimes import D_STATES
from gansim.errors import ConfigError
from gansim.plotting.look import (
    COLOURS,
    FAINT,
    GREY,
    GROUP_DASHES,
    INK,
    LOG4,
    MARKERS,
    SMALL,
    V_LINEAR,
    WIDTH,
    Floats,
    Labels,
    head_or_title,
    name_,
    one,
    refuse_unfit,
    runs_in_words,
    styled,
)

__all__ = ["v_against_auc"]


@styled
def v_against_auc(
    runs: pd.DataFrame,
    labels: Labels | None = None,
    title: str = "Is a low V a D that cannot tell, or one that is wrong? V against AUC, at the end of each run",
    ax: Axes | None = None,
) -> Figure:
    """Draw every run's AUC and V, coloured by what D did, beside the curve of the optimal D and of its inverted twin.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with columns auc, v and d_state.
    labels : mapping, optional
        What to write instead of a state.
    title : str
        The title.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Figure
        The curves are those of two normals of equal spread (`theory.shift_curve`). Runs without a finite V are counted
        in the legend.

    Raises
    ------
    ConfigError
        If there are no runs.
    """
    refuse_unfit(runs)
    if not len(runs):
        raise ConfigError("runs: no rows; there is nothing to draw")
    figure, axes = one(ax, (WIDTH, 4.6))
    auc, v = runs["auc"].to_numpy(np.float64), runs["v"].to_numpy(np.float64)
    finite = np.isfinite(auc) & np.isfinite(v)
    handles = scatter(axes, auc, v, runs["d_state"].astype(str).to_numpy(), finite, D_STATES, "D ", labels)
    v_axis(axes, v[finite])
    if axes.get_yscale() == "symlog":
        at: Any = {"xycoords": axes.get_yaxis_transform(), "size": SMALL, "color": GREY}
        axes.annotate("linear", (1.01, -V_LINEAR), va="bottom", **at)
        axes.annotate("logarithmic", (1.01, -V_LINEAR), va="top", **at)
    axes.set(xlim=(-0.03, 1.03), xlabel="AUC of D: Pr(logit of a real sample > logit of a fake)", ylabel=_v_label(axes))
    # Far apart, the inverted twin's V is -shift^2: reach below the lowest run, or what float64 bears.
    deepest = min(2 * math.sqrt(-float(np.min(v[finite], initial=-25.0))), 1e4)
    shift = np.concatenate([np.linspace(0, 5, 51), np.geomspace(5, deepest, 20)[1:]])
    for inverted, name in ((False, "optimal D"), (True, "its inverted twin")):
        look: Any = {"color": INK, "linewidth": 1.0, "linestyle": GROUP_DASHES[int(inverted)], "label": name}
        axes.plot(*theory.shift_curve(shift, inverted), zorder=3, **look)
        handles.append(Line2D([], [], **look))
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(1.01, 0), borderaxespad=0.0)
    note = (
        f"{runs_in_words([len(runs)])}, a point each. Lines: two normals of equal spread, further and further apart. "
        "On the solid line V is as high as G allows; far below it D is sure and wrong, on most points or on few."
    )
    head_or_title(figure, ax, title, note)
    return figure


def scatter(
    axes: Axes,
    x: Floats,
    y: Floats,
    state: NDArray[Any],
    shown: NDArray[np.bool_],
    levels: Sequence[str],
    prefix: str,
    labels: Labels | None = None,
) -> list[Line2D]:
    """Points by state, as pixels even in an SVG, where 24,000 of them would take 3 MB; handles for a legend."""
    handles = []
    seen = [level for level in levels if np.any(state == level)]
    if shown.any():
        # In the order of the runs the last cell would lie on top: 1,299 mixed D's hid 527 inverted ones at AUC 0. What
        # has a name lies above the rest.
        order = np.random.default_rng(0).permutation(np.flatnonzero(shown))
        order = order[np.argsort(state[order] != "mixed", kind="stable")]
        sns.scatterplot(
            x=x[order],
            y=y[order],
            hue=state[order],
            style=state[order],
            hue_order=seen,
            style_order=seen,
            palette={level: COLOURS[level] for level in seen},
            markers={level: MARKERS[level] for level in seen},
            s=11,
            alpha=0.5,
            linewidth=0,
            legend=False,
            rasterized=True,
            ax=axes,
        )
    for level in seen:
        name = f"{'' if level == 'non-finite' else prefix}{name_([level], labels)}"
        here = int(np.count_nonzero(state == level))
        off = int(np.count_nonzero((state == level) & ~shown))
        name += f" ({here:,})" if not off else f" ({here:,}, {'none' if off == here else f'{off:,} not'} shown)"
        handles.append(legend_key(level, name))
    return handles


def legend_key(level: str, name: str) -> Line2D:
    """Legend entry of a state's points."""
    return Line2D([], [], color=COLOURS[level], marker=MARKERS[level], linestyle="", markersize=4, label=name)


def v_axis(axes: Axes, v: Floats, most: int = 5) -> None:
    """Give the ordinate the scale of V, with 0 and -log 4 marked."""
    lowest = float(np.min(v[np.isfinite(v)], initial=-LOG4))
    ticks, names = [0.0, -LOG4], ["0", "−log 4"]
    if lowest > -V_LINEAR - 0.5:
        axes.set_ylim(min(lowest, -LOG4) - 0.15, 0.12)
    else:
        decades = max(1, math.ceil(math.log10(-lowest)))
        every = math.ceil(decades / most)
        powers = range(every, decades + 1, every)
        ticks, names = ticks + [-(10.0**p) for p in powers], names + [_power(p) for p in powers]
        bottom = -(10.0**decades) * 1.3
        # About as much room above -2 as below, however deep V goes.
        axes.set_yscale("symlog", linthresh=V_LINEAR, linscale=0.9 * math.log10(-bottom / V_LINEAR))
        axes.set_ylim(bottom, 0.12)
        axes.axhspan(bottom, -V_LINEAR, color="#f5f5f5", linewidth=0, zorder=-1)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(ticks, names)
    for mark in (0.0, -LOG4):
        axes.axhline(mark, color=FAINT, linewidth=0.8, zorder=0)


def _v_label(axes: Axes) -> str:
    return "V (nats)" if axes.get_yscale() == "linear" else "V (nats; shaded: logarithmic, below −2)"


def _power(exponent: int) -> str:
    """Write minus a power of ten."""
    return f"−{10**exponent:,}" if exponent < 4 else f"−10{raised(exponent)}"
