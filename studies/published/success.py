"""Whether G found a normal law: mean, spread and shape, each by itself; and how that looks over training."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import ndtr

import gansim as gs
from gansim.analysis.floor import floor_of
from gansim.analysis.intervals import wilson
from gansim.plotting import look
from gansim.running.execution import Execution

__all__ = ["MEANING", "OUTCOMES", "between", "judged", "maps", "over_time", "success"]

SHIFT = 0.2  # |mean of the fakes - mean| / SD
SPREAD = 0.2  # |log(SD of the fakes / SD)|
SHAPE = 0.15  # Kolmogorov-Smirnov distance, as of the label "converged"
OUTCOMES = {"success": "success", "moments": "moments right", "misshapen": "moments right, shape not normal"}
MEANING = (
    f"Success: mean off by less than {SHIFT:g} SD, log of the spread by less than {SPREAD:g} (moments right), and "
    f"Kolmogorov-Smirnov distance below {SHAPE:g}; medians over the last fifth of the records. Shape not normal: "
    "farther from the target than the normal law of its own mean and spread, by more than samples are."
)
_GRID = np.linspace(-6, 6, 481)[:, None]  # twice as fine changes no distance by more than 1e-4


def between(shift: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Kolmogorov-Smirnov distance of N(shift, spread^2) from N(0, 1), of any shape.

    Examples
    --------
    >>> between(np.array([0.0, 0.2]), np.array([1.0, 1.0])).round(3).tolist()
    [0.0, 0.08]
    """
    z = (_GRID - shift.ravel()) / spread.ravel()
    return np.asarray(np.abs(ndtr(z) - ndtr(_GRID)).max(axis=0).reshape(shift.shape))


def success(shift: np.ndarray, spread: np.ndarray, ks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the moments are right, and whether the shape is, too; distances of any shape, NaN of what blew up."""
    with np.errstate(invalid="ignore", divide="ignore"):
        moments = (np.abs(shift) < SHIFT) & (np.abs(np.log(spread)) < SPREAD)
        return moments, moments & (ks < SHAPE)


def judged(done: Execution) -> pd.DataFrame:
    """The runs with their outcomes: medians of distances over the window of the labels, the last fifth of the records.

    The shape is not normal if the fakes are farther from the target than the normal law of their own mean and spread,
    by more than samples of the target are: by the triangle inequality, as much lies between the fakes and any normal.
    """
    length = gs.Thresholds().window_length(done.traces.records)
    shift, spread, ks = (done.traces[name][:, -length:].astype(float) for name in ("g_shift", "g_spread", "ks"))
    middle = [np.median(x, axis=1) for x in (np.abs(shift), np.exp(np.abs(np.log(np.maximum(spread, 1e-30)))), ks)]
    moments, right = success(*middle)
    excess = np.full(len(moments), np.nan)
    excess[moments] = np.median(ks[moments] - between(shift[moments], spread[moments]), axis=1)
    gans = [cell.gan for cell in done.study.cells]
    floors = np.array([floor_of(gan.target, gan.n_eval).limits(length).ks for gan in gans])
    return done.runs.assign(success=right, moments=moments, misshapen=excess > floors[done.runs["cell"].to_numpy()])


@look.styled
def maps(runs: pd.DataFrame, x: str, y: str) -> Figure:
    """Share of success over two factors, a panel for each demo."""
    demos = list(runs["demo"].unique())
    rows = -(-len(demos) // 3)
    figure = Figure(figsize=(look.WIDTH, 0.8 + 2.6 * rows), layout="constrained")
    each = ", ".join(f"{demo} {mine.groupby('cell').size().max():,}" for demo, mine in runs.groupby("demo", sort=False))
    look.head(figure, "How often demos find the mean, the spread and the shape of a normal law",
              f"Percent of runs that succeed. Runs a cell: {each}. White: not run.")  # fmt: skip
    for axes, demo in zip(figure.subplots(rows, 3).flat, demos, strict=False):
        mine = runs[runs["demo"] == demo]
        gs.plot.heatmap(mine, x, y, "success", True, ax=axes, title=demo, note="", cbar=False)
    return figure


@look.styled
def over_time(done: Execution, rows: Mapping[str, np.ndarray]) -> Figure:
    """Share of runs whose moments are right, and of those that succeed, at each record: a line for each demo.

    Parameters
    ----------
    done : Execution
        The study.
    rows : mapping of str to array of int
        Which runs are a demo's.
    """
    figure = Figure(figsize=(look.WIDTH, 3.6), layout="constrained")
    note = "At the published mean and spread, each record by itself; bands: 95 % intervals (Wilson's)."
    look.head(figure, "When demos find the moments of a normal law, and when its shape, too", note)
    fields = [done.traces[name].astype(float) for name in ("g_shift", "g_spread", "ks")]
    all_axes = figure.subplots(1, 2, sharey=True)
    for axes, title, found in zip(all_axes, ("moments right", "success"), success(*fields), strict=True):
        for (demo, mine), how in zip(rows.items(), look.group_looks(len(rows)), strict=True):
            count, n = found[mine].sum(axis=0), len(mine)
            trained = done.traces.steps[mine[0]] / done.traces.steps[mine[0], -1]
            low, high = wilson(count, n)
            axes.fill_between(trained, low, high, color=how["color"], alpha=0.15, linewidth=0)
            axes.plot(trained, count / n, label=f"{demo} (n = {n:,})", linewidth=1, markersize=3, **how)
        axes.set(title=title)
        look.share_axis(axes.xaxis, "share of training done", ends=0.03)
    look.share_axis(all_axes[0].yaxis, "share of runs", ends=0.03)
    handles, names = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure
