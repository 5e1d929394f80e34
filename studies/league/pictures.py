"""Pictures of the league: how far each method is from the plain game, and the way there."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from gansim.analysis import labels
from gansim.analysis.floor import floor_of
from gansim.plotting import look
from gansim.running.execution import Execution
from league.cases import METHODS, PLAIN, TARGETS

PITCH = 0.152  # inches a row, of letters of 7 points
VERDICTS = {"helps": look.COLOURS["converged"], "harms": look.COLOURS["off target"], "no difference shown": "#8c8c8c"}


def _rows(axes: Axes, names: Sequence[str], first: bool) -> None:
    """A row for each method, named at the left of the first panel, and a line between families."""
    axes.set_yticks(np.arange(len(names)), names)
    axes.tick_params(axis="y", length=0, pad=2, labelleft=first)
    axes.set_ylim(len(names) - 0.5, -0.5)
    families = [METHODS[name].family for name in names]
    for row in range(1, len(names)):
        if families[row] != families[row - 1]:
            axes.axhline(row - 0.5, color=look.FAINT, linewidth=0.8, zorder=1)


def _panels(rows: int, title: str, note: str) -> tuple[Figure, list[Axes]]:
    """A panel for each target, side by side, below a head."""
    figure = Figure(figsize=(look.WIDTH, 1.5 + PITCH * rows), layout="constrained")
    look.head(figure, title, note)
    grid = list(figure.subplots(1, len(TARGETS)))
    for axes, data in zip(grid, TARGETS, strict=True):
        axes.set_title("\n".join(look.in_lines(data, look.SMALL, 1.1)), size=look.SMALL)
    return figure, grid


@look.styled
def differences(remedies: pd.DataFrame) -> Figure:
    """Share converged less the plain game's, with intervals: a row for each method, a panel for each target."""
    names = [name for name in METHODS if name != PLAIN]
    n, tests = look.n_in_words(remedies["n"]), len(remedies)
    note = (
        f"Share of runs that converged, less that of the plain non-saturating game: percentage points, {n} pairs each, "
        f"95 % intervals. Coloured: Holm's p of all {tests} comparisons at most 0.05; green helps, orange harms."
    )
    figure, grid = _panels(len(names), "What each method changes", note)
    for number, (axes, data) in enumerate(zip(grid, TARGETS, strict=True)):
        mine = remedies[remedies["data"] == data].set_index("method").loc[names]
        colours = [VERDICTS[verdict] for verdict in mine["verdict"]]
        axes.axvline(0, color=look.GREY, linewidth=0.7, zorder=0)
        rows = np.arange(len(names))
        axes.hlines(rows, 100 * mine["low"], 100 * mine["high"], colors=colours, linewidth=1.3)
        axes.scatter(100 * mine["difference"], rows, c=colours, s=11, zorder=3, linewidths=0)
        reach = max(5.0, 108 * float(mine[["low", "high"]].abs().to_numpy().max()))
        axes.set_xlim(-reach, reach)
        axes.xaxis.set_major_locator(MaxNLocator(3, symmetric=True))
        axes.xaxis.set_major_formatter(FuncFormatter(look.plain))
        axes.grid(True, axis="x")
        _rows(axes, names, number == 0)
    figure.supxlabel("percentage points", size=look.NORMAL)
    return figure


@look.styled
def over_training(done: Execution) -> Figure:
    """Share of runs that are converged at each record: a row for each method, time to the right."""
    names = list(METHODS)
    share, steps = converged_by_record(done)
    n = look.n_in_words(done.runs.groupby(["data", "method"], observed=True).size())
    note = f"Share of runs that are converged at a record, each record judged by itself. {n} runs a row."
    figure, grid = _panels(len(names), "The way there, and what is lost again", note)
    for number, (axes, data) in enumerate(zip(grid, TARGETS, strict=True)):
        edges = np.concatenate([[0], steps]), np.arange(len(names) + 1) - 0.5
        mesh = axes.pcolormesh(*edges, share[data], cmap="cividis", vmin=0, vmax=1, rasterized=True, linewidth=0)
        axes.xaxis.set_major_locator(MaxNLocator(2))
        axes.xaxis.set_major_formatter(FuncFormatter(look.plain))
        _rows(axes, names, number == 0)
        axes.set_xlabel("training step")
    bar = figure.colorbar(mesh, ax=grid, location="bottom", shrink=0.4, aspect=40, pad=0.01)
    bar.outline.set_visible(False)
    look.share_axis(bar.ax.xaxis, "share of runs converged")
    return figure


@look.styled
def costs(table: pd.DataFrame) -> Figure:
    """Time of a step over the plain one's: a row for each method."""
    note = f"Medians of {table['rounds'].iloc[0]} rounds in turn, without records; lines: lowest and highest."
    figure = Figure(figsize=(0.7 * look.WIDTH, 1.1 + PITCH * len(table)), layout="constrained")
    look.head(figure, "A training step, times the plain one", note)
    axes, rows = figure.add_subplot(), np.arange(len(table))
    axes.axvline(1, color=look.GREY, linewidth=0.7, zorder=0)
    axes.hlines(rows, table["cost_low"], table["cost_high"], colors=look.INK, linewidth=1.1)
    axes.scatter(table["cost"], rows, color=look.INK, s=11, zorder=3, linewidths=0)
    for row, cost in zip(rows, table["cost"], strict=True):
        axes.annotate(f"{cost:.2g}" if cost < 10 else f"{cost:.0f}", (1.02, row), xycoords=("axes fraction", "data"),
                      va="center", size=look.SMALL)  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([0.5, 1, 2, 5, 10, 20]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(look.plain))
    axes.grid(True, axis="x")
    _rows(axes, table["method"].tolist(), True)
    return figure


def converged_by_record(done: Execution) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """For each target the share converged, (methods, records), and the records' steps."""
    share = {}
    for data in TARGETS:
        rows = []
        for method in METHODS:
            mine = ((done.runs["data"] == data) & (done.runs["method"] == method)).to_numpy()
            gan = done.study.cells[done.runs["cell"].to_numpy()[mine][0]].gan
            states = labels.g_states(done.traces.take(mine), floor_of(gan.target, gan.n_eval))
            rows.append((states == 0).mean(axis=0))
        share[data] = np.array(rows)
    return share, done.traces.steps[0]
