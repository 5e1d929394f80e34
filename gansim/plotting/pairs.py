"""Paired differences between two levels of a factor, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gansim.analysis import comparisons
from gansim.analysis.digits import mean_in_words, points_in_words
from gansim.analysis.groups import settings_of, varied
from gansim.design.in_words.setting import sentence
from gansim.errors import ConfigError, shown
from gansim.plotting.asked import either_of, outcome_of, require
from gansim.plotting.bars import row_names
from gansim.plotting.lines import FEW
from gansim.plotting.look import GREY, INK, SMALL, Labels, canvas, captioned, n_in_words, names_of, plain, styled
from gansim.plotting.scales import scale_of

__all__ = ["compare"]

_MOST_ROWS = 60


@styled
def compare(
    runs: pd.DataFrame,
    factor: str | None = None,
    a: Any = None,
    b: Any = None,
    outcome: str = "g_state",
    level: Any = None,
    by: str | Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    labels: Labels | None = None,
    title: str | None = None,
    note: str | None = None,
    confidence: float = 0.95,
) -> Axes:
    """Draw how far an outcome differs between two levels of a factor, paired by replicate, stratum by stratum.

    Parameters
    ----------
    runs : DataFrame
        One row per run, with a column rep.
    factor : str, optional
        The factor; by default the first that varies.
    a, b : optional
        Two of its levels; may be left out if it has no others.
    outcome, level : str and object, default "g_state", "converged"
        A column and its level, or a state by itself; of a column of numbers, such as ``"w1"``, means are compared.
    by : str or sequence of str, optional
        The strata; by default all other factors, as in `gansim.compare`.
    ax, labels, title, note, confidence
        As for `shares`.

    Returns
    -------
    Axes
        A row per stratum: the difference a - b with the interval of `gansim.compare`, in percentage points (of means,
        in the column's unit), and in numbers at its right.

    Raises
    ------
    ConfigError
        If `gansim.compare` refuses, the levels have to be named, or there are more than 60 strata.

    Examples
    --------
    >>> import gansim as gs
    >>> from matplotlib.figure import Figure
    >>> gan = gs.GAN(target=gs.Normal(), steps=8, records=4, n_eval=32)
    >>> runs = gs.Study("games", gan, {"game": ["minimax", "non-saturating"]}, reps=8).run(progress=False)
    >>> ax = gs.plot.compare(runs, outcome="off target", ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'minimax − non-saturating (percentage points)'
    """
    factor = either_of(runs, varied(settings_of(runs)), factor, "factor", [])
    a, b = _levels(runs, factor, a, b)
    means = level is None and outcome in runs.columns and runs[outcome].dtype.kind in "iuf"
    if means:
        words, table = (
            f"Mean of {names_of([outcome])}",
            comparisons.compare(runs, factor, a, b, outcome, None, by, confidence),
        )
    else:
        meant = outcome_of(runs, outcome, level)
        words = f"Share of runs with {meant.words}"
        table = comparisons.compare(runs, factor, a, b, meant.column, meant.level, by, confidence)
    if len(table) > _MOST_ROWS:
        raise ConfigError(
            f"by: {len(table):,} strata: at most {_MOST_ROWS} rows; keep fewer runs, or name fewer columns"
        )
    strata = list(table.columns[: list(table.columns).index("a")])
    value, scale = ("mean_difference", 1.0) if means else ("difference", 100.0)
    figure, axes = canvas(ax, (6.6, 1.3 + 0.24 * len(table)))
    _rows(axes, table, value, scale, means)
    telling = [name for name in strata if name != "design" and table[name].nunique(dropna=False) > 1]
    names = row_names(table[telling], labels)
    axes.set_yticks(
        np.arange(len(table)), [_named(name, n, table["n"]) for name, n in zip(names, table["n"], strict=True)]
    )
    pair = f"{_word(factor, a, labels)} − {_word(factor, b, labels)}"
    unit = runs.attrs.get("units", {}).get(outcome, "") if means else "percentage points"
    axes.set_xlabel(f"{pair} ({unit})" if unit else pair)
    if title is None:
        title = f"{words}: {pair}"
    if note is None:
        pooled = f"{n_in_words(table['n'])} pairs a row, paired by replicate; {100 * confidence:g} % intervals."
        note = " ".join(filter(None, [sentence(runs), pooled]))
    captioned(figure, ax, axes, title, note)
    return axes


def _levels(runs: pd.DataFrame, factor: str, a: Any, b: Any) -> tuple[Any, Any]:
    if a is not None or b is not None:
        return a, b
    require(runs, factor)
    levels = scale_of(runs, factor).levels
    if len(levels) != 2:
        raise ConfigError(f"a, b: missing: two levels of {factor}: {', '.join(shown(level) for level in levels[:12])}")
    return levels[0], levels[1]


def _word(factor: str, level: Any, labels: Labels | None) -> str:
    return row_names(pd.DataFrame({factor: [level]}), labels)[0]


def _named(name: str, n: int, all_n: pd.Series[Any]) -> str:
    return name if all_n.nunique() == 1 else f"{name} (n = {n:,})"


def _rows(axes: Axes, table: pd.DataFrame, value: str, scale: float, means: bool) -> None:
    """Differences with intervals, a row each, and their numbers at the right."""
    y = np.arange(len(table))
    low, high, middle = (scale * table[name].to_numpy(np.float64) for name in ("low", "high", value))
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle=(0, (4, 1.5)), zorder=0)
    axes.hlines(y, low, high, color=INK, linewidth=1.4, label="interval")
    few = (table["n"] < FEW).to_numpy()
    for some, fill in ((few, "white"), (~few, INK)):
        if some.any():
            axes.plot(
                middle[some], y[some], "o", color=INK, markerfacecolor=fill, markersize=4.6, label=value, zorder=3
            )
    in_words = mean_in_words if means else points_in_words
    for at, row in zip(y, table[[value, "low", "high"]].to_numpy(np.float64), strict=True):
        text = in_words(row[0], row[1], row[2], None).replace("-", "−")
        axes.annotate(
            text, (1.02, at), xycoords=("axes fraction", "data"), va="center", size=SMALL, annotation_clip=False
        )
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.grid(True, axis="x")
