"""States over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gansim.analysis.floor import Floor
from gansim.analysis.groups import settings_of
from gansim.analysis.labels import combine, d_states, g_states
from gansim.analysis.outcomes import STATES, Outcome
from gansim.analysis.replicates import cells_of, columns_of, replicates_of
from gansim.analysis.shares import tabulate
from gansim.design.in_words import words
from gansim.design.in_words.setting import sentence
from gansim.design.regimes import Thresholds
from gansim.errors import ConfigError, shown
from gansim.plotting.asked import outcome_of, pooled_over, require
from gansim.plotting.bars import split
from gansim.plotting.look import (
    COLOURS,
    DASHES,
    SMALL,
    Labels,
    canvas,
    captioned,
    group_looks,
    name_,
    names_of,
    plain,
    refuse_unfit,
    runs_of,
    share_axis,
    styled,
    where_,
)
from gansim.plotting.scales import scale_of
from gansim.running.frame import floors_of
from gansim.traces import Traces

__all__ = ["over_time", "shares_over_time"]

_MOST_LINES = 10


@styled
def over_time(
    results: Any,
    hue: str | None = None,
    outcome: str = "g_state",
    level: Any = None,
    *,
    where: Mapping[str, Any] | None = None,
    ax: Axes | None = None,
    labels: Labels | None = None,
    title: str | None = None,
    note: str | None = None,
) -> Axes:
    """Draw shares of states over training steps, each record judged by itself, with 95 % intervals as bands.

    Parameters
    ----------
    results : Execution
        What `Study.execute` returns; or anything else that has a study, its runs and their traces.
    hue : str, optional
        The factor whose levels are the lines, of one outcome. By default the lines are the states that occur, of all
        runs together.
    outcome, level : str and object, default "g_state"
        One of g_state, d_state and regime, and with `hue` a level of it; or a state by itself, such as ``"collapsed"``.
    where : mapping, optional
        Factors and a level of each: only these runs are drawn.
    ax, labels, title, note
        As for `shares`.

    Returns
    -------
    Axes
        The numbers are those of `shares_over_time`.

    Raises
    ------
    ConfigError
        If there are no results or no runs, a column or level is missing, or there are more than ten lines.

    Examples
    --------
    >>> import gansim as gs
    >>> from matplotlib.figure import Figure
    >>> gan = gs.GAN(target=gs.Normal(), steps=8, records=4, n_eval=32)
    >>> done = gs.Study("games", gan, {"game": ["minimax", "non-saturating"]}, reps=8).execute(progress=False)
    >>> ax = gs.plot.over_time(done, where={"game": "minimax"}, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'training step'
    """
    runs, traces, floors, thresholds = _parts(results, where or {})
    single = hue is not None or level is not None or outcome not in STATES
    meant = outcome_of(runs, outcome, level) if single else Outcome(outcome)
    if hue is not None and len(scale_of(runs, require(runs, hue)).levels) > _MOST_LINES:
        raise ConfigError(f"hue: value {shown(hue)}: a column of at most {_MOST_LINES} levels")
    table = shares_over_time(traces, runs, floors, [hue] if hue else [], meant.column, thresholds)
    figure, axes = canvas(ax, (6.6, 3.7))
    lines = list(_lines(table, hue, meant, labels))
    for name, line, look in lines:
        line = line.sort_values("step")
        band = {"color": look["color"], "alpha": 0.25, "linewidth": 0, "label": "_interval"}
        axes.fill_between(line["step"], line["low"], line["high"], **band)
        axes.plot(line["step"], line["share"], label=name, **look)
    share_axis(axes.yaxis, "share of runs", ends=0.03)
    axes.set(xlabel="training step", xlim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.grid(True, axis="y")
    if len(lines) > 1 or hue is not None:
        handles = [Line2D([], [], label=name, **look) for name, _, look in lines]
        place: Any = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5), "borderaxespad": 0.0, "alignment": "left"}
        heading = names_of([hue], labels) if hue else None
        axes.legend(handles=handles, title=heading, title_fontsize=SMALL, handlelength=2.4, **place)
    if title is None:
        what = {"g_state": "What G did", "d_state": "What D did", "regime": "What G and D did"}[meant.column]
        title = f"{f'Share of runs with {meant.words}' if single else what} while training"
    if note is None:
        levels = (where or {}).items()
        held = ", ".join(f"{names_of([factor], labels)} {name_([value], labels)}" for factor, value in levels)
        first = (
            f"First record at step {int(traces.steps.min()):,}; each record judged by itself; bands: 95 % intervals."
        )
        said = [
            sentence(runs),
            f"{held}." if held else "",
            f"{runs_of(table)}.",
            pooled_over(settings_of(runs), [hue]),
            first,
        ]
        note = " ".join(filter(None, said))
    captioned(figure, ax, axes, title, note)
    return axes


def _parts(
    results: Any, where: Mapping[str, Any]
) -> tuple[pd.DataFrame, Traces, Floor | list[Floor], Thresholds | None]:
    """Runs, traces and floors of the runs that are asked for."""
    try:
        runs, traces, study = results.runs, results.traces, results.study
    except AttributeError:
        raise ConfigError(f"results: value {shown(results)}: what Study.execute returns") from None
    require(runs, "rep", *where)
    kept = np.ones(len(runs), dtype=bool)
    for name, value in where.items():
        kept &= (runs[name].isna() if pd.isna(value) else runs[name] == value).to_numpy(bool)
        if not kept.any():
            raise ConfigError(f"where: {name}: value {shown(value)}: no runs have it")
    rows = np.flatnonzero(kept)
    every = floors_of(study)
    floors = [every[row] for row in rows] if every else []  # games of two vectors have none
    same = bool(floors) and all(floor is floors[0] for floor in floors)
    chosen = traces if len(rows) == len(runs) else traces.take(rows)
    return runs.iloc[rows], chosen, floors[0] if same else floors, getattr(study, "thresholds", None)


def _lines(table: pd.DataFrame, hue: str | None, meant: Outcome, labels: Labels | None) -> Any:
    """Name, shares and look of every line."""
    if hue is not None:
        levels, mine = scale_of(table, hue).levels, table[table[meant.column] == meant.level]
        for level, look in zip(levels, group_looks(len(levels)), strict=True):
            line = {key: look[key] for key in ("color", "linestyle")}
            yield name_(["none" if level is None else level], labels), where_(mine, hue, level), line
        return
    for state in STATES[meant.column] if not meant.levels else meant.levels:
        mine = table[table[meant.column] == state]
        if mine["count"].any() or meant.levels:
            g, d = split(state)
            yield words.outcome(meant.column, state), mine, {"color": COLOURS[d], "linestyle": DASHES[g]}


def shares_over_time(
    traces: Traces,
    runs: pd.DataFrame,
    floors: Floor | Sequence[Floor],
    by: str | Sequence[str] = (),
    column: str = "d_state",
    thresholds: Thresholds | None = None,
) -> pd.DataFrame:
    """Tabulate the states at each record, each record taken by itself.

    Parameters
    ----------
    traces : Traces
        The records.
    runs : DataFrame
        One row per run, in the order of the traces.
    floors : Floor or sequence of Floor, shape (runs,)
        Of each run's target and n_eval, see `gansim.analysis.floor.floor_of`; one for all if they agree.
        Games of two vectors have none: ``[]``.
    by : str or sequence of str
        Columns of `runs` whose combinations are the groups; none for one group of all runs.
    column : {"g_state", "d_state", "regime"}, default "d_state"
        What to count.
    thresholds : Thresholds, optional
        The definitions' numbers.

    Returns
    -------
    DataFrame
        As `tabulate(..., [*by, "step"], column)`, every run once at each of its steps.

    Raises
    ------
    ConfigError
        If the traces and runs differ in number, a run occurs twice, or the column is not one of the three.
    """
    refuse_unfit(runs)
    by = columns_of(by)
    if len(traces) != len(runs):
        raise ConfigError(f"runs: {len(runs)} rows for {len(traces)} traces; expected one row per run")
    if column not in STATES:
        raise ConfigError(f"column: {column!r}; allowed: {', '.join(map(repr, STATES))}")
    if column == "d_state":
        codes = d_states(traces, floors, thresholds)
    else:
        codes = g_states(traces, floors, thresholds)
        codes = combine(codes, d_states(traces, floors, thresholds)) if column == "regime" else codes
    # Categories instead of texts: at 24,000 runs and 50 records, grouping takes 0.2 s instead of 1.1 s.
    rows = np.repeat(np.arange(len(runs)), traces.records)
    ids = {"rep": replicates_of(runs), "cell": cells_of(runs)}
    long = runs[by].astype("category").iloc[rows].assign(**{name: ids[name][rows] for name in ids if name not in by})
    counted = pd.Categorical.from_codes(codes.ravel(), categories=pd.Index(STATES[column]), ordered=True)
    table = tabulate(long.assign(step=traces.steps.ravel(), **{column: counted}), [*by, "step"], column)
    return table.astype({name: runs[name].dtype for name in by})
