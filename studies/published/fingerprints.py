"""Pictures of two clusters: what G has reached over training, and what D's loss tells of it."""

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

import gansim as gs
from gansim.analysis.intervals import wilson
from gansim.plotting import look
from published.clusters import NEARLY_ALL, ONE, SOME, states
from published.two_points import ALL_ON_ONE, KNOWS_NOTHING, optimal

__all__ = ["over_time", "portraits"]

_THEORY = "#d55e00"


@look.styled
def over_time(traces: gs.Traces, methods: pd.Series) -> Figure:
    """Shares of runs whose fakes are near both clusters, and near one, by record: a line a method, bands of 95 %.

    Parameters
    ----------
    traces : Traces
        Records at the same steps.
    methods : Series, shape (runs,)
        The method of each run.
    """
    figure = Figure(figsize=(look.WIDTH, 3.1), layout="constrained")
    note = f"Near both: at least {SOME} of the fakes near each. Near one: at least {NEARLY_ALL} of them near it."
    look.head(figure, "What G has reached, by training step", f"{note} Bands: 95 %.")
    reached = dict(zip(("near both clusters", "near one cluster"), states(traces), strict=True))
    names, panels = list(methods.unique()), figure.subplots(1, 2, sharey=True)
    for axes, (title, holds) in zip(panels, reached.items(), strict=True):
        for name, how in zip(names, look.group_looks(len(names)), strict=True):
            mine = holds[(methods == name).to_numpy()]
            count, n, steps = mine.sum(axis=0), len(mine), traces.steps[0]
            axes.fill_between(steps, *wilson(count, n), color=how["color"], alpha=0.25, linewidth=0)
            axes.plot(steps, count / n, label=f"{name}, n = {n:,}", color=how["color"], linestyle=how["linestyle"])
        axes.set(xlabel="training step", title=title, xlim=(0, None))
        axes.xaxis.set_major_formatter(FuncFormatter(look.plain))
        look.share_axis(axes.yaxis, "share of runs" if axes is panels[0] else "", ends=0.03)
        axes.grid(True, axis="y")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    return figure


@look.styled
def portraits(traces: gs.Traces, runs: pd.DataFrame) -> Figure:
    """D's loss over how far the fakes are off, at all records; and where runs end near one cluster, over its share.

    Parameters
    ----------
    traces : Traces
        Records of runs of a game that has V.
    runs : DataFrame
        These runs, judged by `published.clusters.judged`.
    """
    figure = Figure(figsize=(look.WIDTH, 3.5), layout="constrained")
    w1, loss, stuck = traces["w1"], traces["v_train"] / -2, runs[runs["end"] == ONE]
    known = np.isfinite(w1) & np.isfinite(loss)
    far, least, most = 1.6, 0.3, 0.9
    seen = (w1[known] <= far) & (loss[known] >= least) & (loss[known] <= most)
    told = f"n = {len(runs):,} runs: left {100 * seen.mean():.1f} % of their records, the others lie beyond the axes, "
    told += "right the ends of those that end near one cluster"
    if len(stuck):
        above = (stuck["d_loss"] - optimal(stuck["share"])).abs().median()
        told += f"; the median of their distances to the best D is {above:.4f}"
    look.head(figure, "What D's loss tells of the fakes, non-saturating", f"{told}.")
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
    how = {"gridsize": (48, 22), "extent": (0, far, least, most), "norm": LogNorm(), "mincnt": 1, "cmap": "Greys"}
    cells = left.hexbin(w1[known], loss[known], rasterized=True, linewidths=0.2, **how)
    figure.colorbar(cells, ax=left, label="records", pad=0.01)
    for level, dash, text in ((KNOWS_NOTHING, "--", "one law"), (ALL_ON_ONE, ":", "all on one of two points")):
        left.axhline(level, color=_THEORY, linewidth=1, linestyle=dash, label=f"{text}: {level:.4f}")
    left.legend(loc="lower left", title="best D", alignment="left", title_fontsize=look.SMALL)
    left.set(xlabel="Wasserstein-1 distance, SD", ylabel="D's loss", xlim=(0, far), ylim=(least, most))
    line = np.linspace(0.3, 0.7, 81)
    right.plot(line, optimal(line), color=_THEORY, linewidth=0.8, linestyle="--", label="best D")
    points = {"color": look.INK, "markersize": 3, "alpha": 0.6, "label": f"at the end, n = {len(stuck)}"}
    right.plot(stuck["share"], stuck["d_loss"], "o", **points)
    right.set(xlabel="share of a run's data in the cluster", ylabel="D's loss", xlim=(0.3, 0.7), ylim=(0.35, 0.6))
    right.legend(loc="upper left")
    return figure
