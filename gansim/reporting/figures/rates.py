"""Maps of learning rates."""

from __future__ import annotations

from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from gansim.analysis.shares import tabulate
from gansim.errors import ConfigError
from gansim.plotting.look import Floats, Labels, chosen, complete, head_or_title, name_, names_of, one, runs_of, styled

__all__ = ["rate_map"]


@styled
def rate_map(
    runs: pd.DataFrame,
    x: str = "optimizer_d.lr",
    y: str = "optimizer_g.lr",
    column: str = "g_state",
    value: str = "converged",
    labels: Labels | None = None,
    title: str | None = None,
    note: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw the share of one outcome over a grid of two positive numbers, with logarithmic axes.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    x, y : str
        The columns that span the grid.
    column, value : default "g_state", "converged"
        The outcome: `column` equals `value`.
    labels : mapping, optional
        What to write instead of the names of the columns.
    title, note : str, optional
        The title, and what else to say below it: what all runs have in common.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Figure
        A point of the grid without runs stays white. Black lines enclose the points the lower limit of whose
        interval exceeds one half.

    Raises
    ------
    ConfigError
        If there are no runs, a column is missing, the outcome is unknown, or a number is not positive.
    """
    shares = chosen(tabulate(complete(runs, column), [y, x], column), column, value)
    points = shares.set_index([y, x])
    share, low = (points[name].unstack(x).sort_index().sort_index(axis=1) for name in ("share", "low"))
    xs, ys = share.columns.to_numpy(np.float64), share.index.to_numpy(np.float64)
    if not (xs[0] > 0 and ys[0] > 0):
        raise ConfigError(f"{x}, {y}: the axes are logarithmic; expected numbers above 0")
    figure, axes = one(ax, (5.6, 4.9))
    x_edges, y_edges = _edges(xs), _edges(ys)
    look: Any = {"cmap": "cividis", "vmin": 0, "vmax": 1, "linewidth": 0, "label": "share"}
    mesh = axes.pcolormesh(x_edges, y_edges, share.to_numpy(), **look)
    inside = np.pad(low.to_numpy() > 0.5, 1)
    axes.add_collection(LineCollection(_outline(inside, x_edges, y_edges), colors="black", linewidths=1.6, zorder=3))
    axes.set(xscale="log", yscale="log", xlabel=names_of([x], labels), ylabel=names_of([y], labels))
    axes.set(xlim=x_edges[[0, -1]], ylim=y_edges[[0, -1]])
    outcome = name_([value], None)
    bar = figure.colorbar(mesh, ax=axes, label=f"share of runs {outcome}", format=PercentFormatter(1, symbol=" %"))
    bar.outline.set_visible(False)
    widest = 100 * float((shares["high"] - shares["low"]).max())
    count = f"{runs_of(shares)} a point; widest 95 % interval: {widest:.0f} points."
    line = "Black line: lower limit above 50 %." if inside.any() else "Nowhere is the lower limit above 50 %."
    line += " White: no runs." if share.isna().to_numpy().any() else ""
    head_or_title(figure, ax, title or f"Pr({outcome}) by learning rate", f"{note} {count} {line}".strip())
    return figure


def _edges(centres: Floats) -> Floats:
    """Return edges half way, on a logarithmic axis, between neighbouring centres."""
    logs = np.log(centres)
    middle = 0.5 * (logs[1:] + logs[:-1])
    first, last = (2 * logs[0] - middle[0], 2 * logs[-1] - middle[-1]) if len(logs) > 1 else logs[0] + [-0.5, 0.5]
    return np.asarray(np.exp([first, *middle, last]))


def _outline(inside: NDArray[np.bool_], x: Floats, y: Floats) -> list[list[tuple[float, float]]]:
    """Return the borders between True and False, of a mask (rows + 2, columns + 2) padded with False."""
    rows, columns = np.nonzero(inside[1:, 1:-1] != inside[:-1, 1:-1])
    across = [[(x[j], y[i]), (x[j + 1], y[i])] for i, j in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(inside[1:-1, 1:] != inside[1:-1, :-1])
    return across + [[(x[j], y[i]), (x[j], y[i + 1])] for i, j in zip(rows, columns, strict=True)]
