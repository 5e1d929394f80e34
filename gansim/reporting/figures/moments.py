"""Where the fakes lie: mean and spread, run by run."""

from __future__ import annotations

import math

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from gansim.design.regimes import G_STATES
from gansim.errors import ConfigError
from gansim.plotting.look import (
    FAINT,
    INK,
    NORMAL,
    SMALL,
    WIDTH,
    Labels,
    facets,
    head,
    n_in_words,
    name_,
    plain,
    refuse_unfit,
    remark,
    styled,
    where_,
)
from gansim.reporting.figures.v_and_auc import legend_key, scatter

__all__ = ["moments_cloud"]


@styled
def moments_cloud(
    runs: pd.DataFrame,
    target: tuple[float, float] = (500.0, 5.0),
    columns: str | None = "game",
    rows: str | None = "scale",
    reach: float | None = None,
    labels: Labels | None = None,
    title: str | None = None,
) -> Figure:
    """Draw every run's mean and standard deviation of the fakes around those of the target, coloured by what G did.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with columns g_mean, g_std and g_state.
    target : (float, float), default (500, 5)
        Mean and standard deviation of the target, data units.
    columns, rows : str, optional
        Columns of the runs whose levels are the panels side by side, and below each other.
    reach : float, optional
        The panels reach this many standard deviations to both sides of the target's mean, and from 1/(100 `reach`)
        to `reach` standard deviations of spread. Runs beyond are counted in the panel. By default
        the least power of ten from 1,000 to 10^9 that leaves out at most 1 % of the runs of every panel.
    labels : mapping, optional
        What to write instead of a level.
    title : str, optional
        The title.

    Returns
    -------
    Figure
        One panel per combination of levels.

    Raises
    ------
    ConfigError
        If there are no runs, or `reach` is not above 10.
    """
    refuse_unfit(runs)
    if len(runs) and reach is None:
        reach = _reach(runs, target, [name for name in (rows, columns) if name])
    if not len(runs) or reach is None or not reach > 10:
        raise ConfigError(f"runs, reach: {len(runs)} rows, {reach}; expected at least one, and above 10")
    mean, sd = target
    across, down = facets(runs, columns), facets(runs, rows)
    figure = Figure(figsize=(WIDTH, 1.35 + 2.0 * len(down)), layout="constrained")
    grid = figure.subplots(len(down), len(across), squeeze=False, sharex=True, sharey=True)
    box = (mean - reach * sd, mean + reach * sd, sd / (100 * reach), sd * reach)
    for level, axes_row in zip(down, grid, strict=True):
        for axes, across_level in zip(axes_row, across, strict=True):
            part = where_(where_(runs, rows, level), columns, across_level)
            if not len(part):
                remark(axes, 0.5, 0.5, "no runs", ha="center")
            name = name_([v for v, given in ((level, rows), (across_level, columns)) if given], labels, " · ")
            _cloud(axes, part, target, box, "\n".join(filter(None, [name, n_in_words([len(part)])])))
    seen = [level for level in G_STATES if (runs["g_state"] == level).any()]
    handles = [legend_key(level, level if level == "non-finite" else f"G {level}") for level in seen]
    handles.append(Line2D([], [], color=INK, marker="+", linestyle="", markersize=9, label="target"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    for axes in grid[-1]:
        axes.set_xlabel("mean (data units)")
    figure.supylabel("standard deviation (data units)", size=NORMAL)
    note = f"Each point: one run, at its end. Means: linear near {mean:g}, logarithmic far away. Spreads: logarithmic."
    head(figure, title or f"Fakes' mean and standard deviation around ({mean:g}, {sd:g})", note)
    return figure


def _reach(runs: pd.DataFrame, target: tuple[float, float], panels: list[str]) -> float:
    """How far panels have to reach to leave out at most 1 % of the runs of each."""
    mean, sd = target
    off = ((runs["g_mean"] - mean).abs() / sd).to_numpy(np.float64)
    spread = (runs["g_std"] / sd).to_numpy(np.float64)
    needed = pd.Series(np.fmax(np.fmax(off, spread), 1 / (100 * np.fmax(spread, 1e-300))), index=runs.index)
    needed = needed.where(runs["g_mean"].notna(), np.inf)
    most = needed.groupby([runs[name] for name in panels], observed=True).quantile(0.99, "lower") if panels else needed
    worst = float(most.max() if panels else needed.quantile(0.99, "lower"))
    return float(10 ** np.clip(np.ceil(np.log10(max(worst, 1.0))), 3, 9)) if np.isfinite(worst) else 1e3


def _cloud(
    axes: Axes, runs: pd.DataFrame, target: tuple[float, float], box: tuple[float, float, float, float], name: str
) -> None:
    mean, sd = target
    x, y = runs["g_mean"].to_numpy(np.float64), runs["g_std"].to_numpy(np.float64)
    shown = (x >= box[0]) & (x <= box[1]) & (y >= box[2]) & (y <= box[3])
    scatter(axes, x, y, runs["g_state"].astype(str).to_numpy(), shown, G_STATES, "G ")
    axes.plot(mean, sd, "+", color=INK, markersize=24, markeredgewidth=0.9, zorder=5, label="target")
    # Linear within a standard deviation or so of the target's mean, logarithmic far from it.
    axes.set_xscale("function", functions=(lambda u: np.arcsinh((u - mean) / sd), lambda u: mean + sd * np.sinh(u)))
    axes.set(yscale="log", xlim=box[:2], ylim=box[2:])
    far = 10 ** (math.ceil(math.log10((box[1] - mean) / sd)) - 1)
    near = round(0.3 * math.sqrt(far))
    ticks = [mean + sd * side for side in (-far, -near, 0, near, far)]
    axes.set_xticks(ticks, [plain(tick) for tick in ticks])
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axvline(mean, color=FAINT, linewidth=0.8, zorder=0)
    axes.axhline(sd, color=FAINT, linewidth=0.8, zorder=0)
    off = int(np.count_nonzero(~shown))
    axes.set_title(f"{name}, {off:,} beyond the axes" if off else name, size=SMALL)
