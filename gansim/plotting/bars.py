"""Regimes as stacked bars: the colour tells what D did, the hatch what G did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from gansim.analysis.groups import in_order, settings_of, varied
from gansim.analysis.replicates import columns_of
from gansim.analysis.shares import tabulate
from gansim.design.in_words.setting import sentence
from gansim.design.regimes import REGIMES
from gansim.errors import ConfigError
from gansim.plotting.asked import outcome_of, pooled_over, require, slim
from gansim.plotting.look import (
    COLOURS,
    HATCHES,
    SMALL,
    Floats,
    Labels,
    canvas,
    captioned,
    name_,
    names_of,
    runs_of,
    share_axis,
    styled,
    typed,
)
from gansim.plotting.scales import scale_of

__all__ = ["occurring", "regime_look", "regimes", "row_names", "split", "stack"]

_MOST_ROWS = 60


@styled
def regimes(
    runs: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    labels: Labels | None = None,
    title: str | None = None,
    note: str | None = None,
) -> Axes:
    """Draw how often each regime occurs: a stacked bar for each combination of factors.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with the column regime.
    by : str or sequence of str, optional
        The factors; by default all that vary; an empty sequence for one bar of all runs.
    ax, labels, title, note
        As for `shares`.

    Returns
    -------
    Axes
        The widths are shares of ``tabulate(runs, by, "regime")``. Colours tell what D did, hatches what G did.

    Raises
    ------
    ConfigError
        If there are no runs, a column is missing, or there are more than 60 bars.

    Examples
    --------
    >>> import gansim as gs
    >>> from matplotlib.figure import Figure
    >>> gan = gs.GAN(target=gs.Normal(), steps=8, records=4, n_eval=32)
    >>> runs = gs.Study("rates", gan, {"optimizer_g.lr": [1e-3, 1e-2]}, reps=8).run(progress=False)
    >>> ax = gs.plot.regimes(runs, ax=Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['learning rate of G 0.001', 'learning rate of G 0.01']
    """
    require(runs, "regime")
    settings = settings_of(runs)
    by = varied(settings) if by is None else columns_of(by)
    if by:
        require(runs, *by)
    table = _in_levels(tabulate(typed(slim(runs, *by, "regime"), "regime"), by, "regime"), by)
    groups = table[by].iloc[:: len(REGIMES)]
    rows = len(table) // len(REGIMES)
    if rows > _MOST_ROWS:
        raise ConfigError(
            f"by: {rows:,} combinations of {', '.join(by)}: at most {_MOST_ROWS} bars; name fewer factors"
        )
    figure, axes = canvas(ax, (7.2, 1.7 + 0.2 * rows + 0.16 * ((len(occurring(table)) + 1) // 2)))
    y = np.arange(rows, dtype=np.float64)
    stack(axes, table, y, 0.74)
    share_axis(axes.xaxis, "share of runs")
    axes.set(ylim=(rows - 0.5, -0.5))
    axes.set_yticks(y, row_names(groups, labels))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    words = [(regime, outcome_of(runs, "regime", regime).words) for regime in occurring(table)]
    handles = [Patch(label=name, **regime_look(regime)) for regime, name in words]
    place: Any = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5), "borderaxespad": 0.0, "handleheight": 1.1}
    axes.legend(handles=handles, fontsize=SMALL, **place)
    if note is None:
        note = " ".join(filter(None, [sentence(runs), f"{runs_of(table)} a bar.", pooled_over(settings, by)]))
    captioned(figure, ax, axes, "How training ends" if title is None else title, note)
    return axes


def _in_levels(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Groups of a table of regimes in the order of the factors' levels."""
    if not by:
        return table
    known = {name: [level for level in scale_of(table, name).levels if level is not None] for name in by}
    keys = pd.DataFrame({name: pd.Categorical(table[name], levels) for name, levels in known.items()})
    return table.iloc[in_order(keys, by).index.to_numpy()].reset_index(drop=True)


def row_names(groups: pd.DataFrame, labels: Labels | None) -> list[str]:
    """Name rows by their levels; numbers say of what."""
    columns = [[_level(name, level, labels) for level in groups[name]] for name in groups.columns]
    return [", ".join(parts) for parts in zip(*columns, strict=True)] if columns else ["all runs"] * max(1, len(groups))


def _level(name: str, level: Any, labels: Labels | None) -> str:
    number = not isinstance(level, str) and (labels is None or level not in labels)
    return f"{names_of([name], labels)} {name_([level], labels)}" if number else name_([level], labels)


def occurring(table: pd.DataFrame) -> list[str]:
    """The regimes that occur in a table of them, in order."""
    counts = table.groupby("regime", observed=False)["count"].sum()
    return [regime for regime in REGIMES if counts.get(regime, 0)]


def stack(axes: Axes, table: pd.DataFrame, y: Floats, height: float) -> None:
    """One stacked bar per group of a table of regimes."""
    widths = table["share"].to_numpy().reshape(len(y), len(REGIMES))
    lefts = np.cumsum(widths, axis=1) - widths
    for code, regime in enumerate(REGIMES):
        here = widths[:, code] > 0
        if here.any():
            axes.barh(y[here], widths[here, code], height, lefts[here, code], **regime_look(regime))


def regime_look(regime: str) -> dict[str, Any]:
    """Colour by what D did, hatch by what G did; the hatch has the colour of the edge."""
    g, d = split(regime)
    return {"facecolor": COLOURS[d], "hatch": HATCHES[g], "edgecolor": "white", "linewidth": 0.7}


def split(regime: str) -> tuple[str, str]:
    """Return what G did and what D did."""
    g, _, d = regime.partition(", ")
    return g, d or g
