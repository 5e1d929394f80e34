"""The frame of runs: one row per run, with its factors, last record, labels and estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gansim.design.description import Description
from gansim.design.design import Cell, Design, has_text, stored_level
from gansim.design.in_words import setting
from gansim.design.in_words.glossary import described
from gansim.design.levels import level_label
from gansim.design.regimes import LABELS
from gansim.model.data.distributions import evaluation_law, moments
from gansim.model.gan import GAN
from gansim.storage.parquet import ESTIMATES
from gansim.storage.parts import Collected
from gansim.traces import DATA_UNITS, in_data_units

if TYPE_CHECKING:
    import pandas as pd

    from gansim.analysis.floor import Floor
    from gansim.design.regimes import Thresholds
    from gansim.traces import Traces

__all__ = ["floors_of", "labelled_runs", "runs_frame"]


def floors_of(study: Description) -> list[Floor]:
    """Sampling floor of each run's target, in the order of the runs; none of games of two vectors."""
    from gansim.analysis.floor import (
        floor_of,  # here, because SciPy's statistics take as long to import as all the rest
    )

    gans = (cell.gan for cell in study.cells)
    each = (floor_of(gan.target, gan.n_eval, gan.packing) for gan in gans if isinstance(gan, GAN))
    return [floor for floor, reps in zip(each, study.reps, strict=False) for _ in range(reps)]


def labelled_runs(study: Description, results: Collected, thresholds: Thresholds | None = None) -> pd.DataFrame:
    """Label all runs of a study.

    Parameters
    ----------
    study : Description
        The study.
    results : Collected
        All its runs.
    thresholds : Thresholds, optional
        Definitions of the labels.

    Returns
    -------
    DataFrame
        One row per run, see `gansim.running.study.Study.run`.
    """
    from gansim.analysis.labels import label  # here, because pandas is half of the time to import gansim

    runs = runs_frame(study, results, label(results.traces(), floors_of(study), thresholds))
    runs.attrs[setting.KEY] = setting.facts(study, thresholds)
    return runs


def runs_frame(study: Description, results: Collected, labels: pd.DataFrame) -> pd.DataFrame:
    """Put ids, factors, last records, labels and estimates side by side.

    Parameters
    ----------
    study : Description
        The study.
    results : Collected
        All its runs.
    labels : DataFrame
        Theirs, as `gansim.analysis.labels.label` gives them.

    Returns
    -------
    DataFrame
        One row per run, see `gansim.running.study.Study.run`.
    """
    import pandas as pd

    of_cell, reps, cells = *results.ids, study.cells
    traces: Traces = results.traces()
    columns: dict[str, Any] = {
        "design": _column([cell.design for cell in cells]).take(of_cell),
        "cell": of_cell,
        "rep": reps,
        "seed": np.full(len(results), study.seed, dtype=np.uint64),
    }
    for name, levels in _factor_levels(study.designs, cells).items():
        columns[name] = _levels(levels).take(of_cell)
    columns.setdefault("game", _column([level_label(cell.gan.game) for cell in cells]).take(of_cell))
    last = {name: traces[name][:, -1].copy() for name in traces.fields}
    # What each player did comes last: at 80 columns pandas prints the first names and the last ones.
    judged = {name: labels[name].array for name in (*LABELS[3:], *LABELS[:3])}
    estimates = {name: results.estimates[:, column].copy() for column, name in enumerate(ESTIMATES)}
    finite = {"finite": last["finite"] > 0}
    where = _in_data_units(cells, of_cell, last)
    return described(pd.DataFrame({**columns, **last, **finite, **where, **estimates, **judged}))


def _in_data_units(cells: Sequence[Cell], of_cell: Any, last: dict[str, Any]) -> dict[str, Any]:
    """Where the fakes lie, in data units; nothing of games of two vectors."""
    laws = [evaluation_law(cell.gan.target) for cell in cells if isinstance(cell.gan, GAN)]
    if not laws:
        return {}
    units = np.array([moments(law) for law in laws]).T.take(of_cell, axis=1)
    return dict(zip(DATA_UNITS, in_data_units(last["g_shift"], last["g_spread"], *units), strict=True))


def _factor_levels(designs: Sequence[Design], cells: Sequence[Cell]) -> dict[str, list[Any]]:
    """Labels of every factor of any design, one per cell; None where a design does not have the factor.

    A factor that is simply a field of the configuration has a value in every cell, varied there or not.
    """
    names = dict.fromkeys(name for design in designs for name in design.columns)
    plain = {name for name in names if all(name in d.values for d in designs if name in d.columns)}
    return {name: [stored_level(cell, name, name in plain) for cell in cells] for name in names}


def _levels(values: Sequence[Any]) -> Any:
    """Levels of a factor: numbers; or text as an ordered categorical, in the order of the design."""
    import pandas as pd

    column = _column(values)
    if not has_text([value for value in values if value is not None]):
        return column
    return pd.Categorical(column, categories=list(dict.fromkeys(column.dropna())), ordered=True)


def _column(values: Sequence[Any]) -> Any:
    """Array of integers, of floats, or of text; one number among texts makes all of them text."""
    import pandas as pd

    present = [value for value in values if value is not None]
    if has_text(present):
        return pd.array([None if value is None else str(value) for value in values], dtype="str")
    if len(present) == len(values) and all(isinstance(value, int) for value in present):
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
