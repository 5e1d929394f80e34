"""Traces: what was measured, run by run and record by record.

The engine fills these arrays and everything that judges, tabulates or draws reads them. They hold measurements only;
no verdict is stored in them, so that stored traces can be labelled again under other definitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DATA_UNITS", "FIELDS", "HIGH_QUALITY", "Traces", "in_data_units"]

FIELDS: tuple[str, ...] = (
    "g_shift",  # mean of the fakes minus that of the target, in units of the target's standard deviation
    "g_spread",  # standard deviation of the fakes, in the same units
    "w1",  # Wasserstein-1 distance from fakes to the target, in units of the target's standard deviation
    "ks",  # Kolmogorov-Smirnov distance from fakes to the target, 0 to 1
    "d_real",  # mean of D on held-out real samples
    "d_fake",  # mean of D on fakes
    "d_real_off",  # mean of |D - 1/2| on held-out real samples
    "d_fake_off",  # mean of |D - 1/2| on fakes
    "acc_real",  # share of real samples that D takes for real: D > 1/2, see gansim.model.games
    "acc_fake",  # share of fakes that it takes for fakes
    "auc",  # Pr(logit of a real sample > logit of a fake), ties count one half
    "v",  # V(D, G) on held-out samples, natural logarithm
    "v_max",  # estimate of max over D of V(D, G) for this G; NaN with packing, where what is said of D is of packs
    "v_train",  # V with the real part over the run's own fixed sample, its first n_eval points; NaN when data are fresh
    "grad_g",  # Euclidean norm of the generator's last gradient
    "grad_d",  # Euclidean norm of the discriminator's last gradient
    "modes",  # number of the mixture's modes captured; NaN unless the target is a mixture, as for those that follow
    "modes_missed",  # number of modes that n_eval points of the target show, and the fakes do not
    "high_quality",  # share of fakes near a mode
    "reverse_kl",  # KL(fakes' shares of the modes || the target's own), of those near a mode
    "tv_modes",  # total variation distance between the fakes' shares of the modes and the target's own, 0 to 1
    "ks_modes",  # Kolmogorov-Smirnov distance of the fakes' places within their modes to the target's, 0 to 1
    "finite",  # 1 while every parameter and record is finite, else 0
)
"""Names of the measurements, in the order of the last axis of `Traces.values`.

Where the fakes lie is measured in the target's units, in which float32 has digits to spare whatever the target's mean:
`in_data_units` turns the two into data units, in float64.
"""

HIGH_QUALITY = 3.0
"""Standard deviations from a mode within which a fake is near it (Srivastava et al. 2017)."""

DATA_UNITS: tuple[str, str] = ("g_mean", "g_std")
"""Names of what `in_data_units` returns: mean and standard deviation of the fakes."""


def in_data_units(
    shift: ArrayLike, spread: ArrayLike, mean: ArrayLike, std: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the fakes in data units, from `g_shift` and `g_spread`.

    Parameters
    ----------
    shift, spread : array_like of float
        The two fields.
    mean, std : array_like of float
        Mean and standard deviation of the target, data units; broadcast against the fields.

    Returns
    -------
    g_mean, g_std : ndarray of float64
        Good to 6e-8 of the target's standard deviation, or of the shift if that is larger.
    """
    location, scale, off, wide = (np.asarray(x, dtype=np.float64) for x in (mean, std, shift, spread))
    return location + scale * off, scale * wide


@dataclass(frozen=True, eq=False)
class Traces:
    """Records of many runs, all with the same number of records.

    From the first record on at which a run is no longer finite, its `finite` is 0 and every other field is NaN.

    Parameters
    ----------
    steps : array_like of int, shape (runs, records)
        Training steps done when each record was taken; strictly increasing along a run.
    values : array_like of float, shape (runs, records, len(fields))
        The measurements, in the order of `fields`. Kept as float32.
    n_modes : array_like of int, shape (runs,)
        Modes of each run's target, see `gansim.model.data.modes`; 1 unless it is a mixture.
    fields : tuple of str, default `FIELDS`
        Names of the measurements; games of two vectors have others, see `gansim.model.parametric`.

    Raises
    ------
    ValueError
        If a shape disagrees, there is no record, the steps do not increase, or a target has fewer than 1 mode.
    """

    steps: NDArray[np.int32]
    values: NDArray[np.float32]
    n_modes: NDArray[np.int64]
    fields: tuple[str, ...] = FIELDS

    def __post_init__(self) -> None:
        steps = np.asarray(self.steps, dtype=np.int32)
        values = np.asarray(self.values, dtype=np.float32)
        n_modes = np.asarray(self.n_modes, dtype=np.int64)
        if steps.ndim != 2 or steps.shape[1] < 1:
            raise ValueError(f"steps: shape {steps.shape}; expected (runs, records) with at least one record")
        expected = (*steps.shape, len(self.fields))
        if values.shape != expected:
            raise ValueError(f"values: shape {values.shape}; expected {expected} to agree with steps and fields")
        if n_modes.shape != steps.shape[:1]:
            raise ValueError(f"n_modes: shape {n_modes.shape}; expected {steps.shape[:1]} to agree with steps")
        if np.any(steps[:, 1:] <= steps[:, :-1]):
            raise ValueError("steps: the steps of a run must increase from record to record")
        if np.any(n_modes < 1):
            raise ValueError(f"n_modes: {int(n_modes.min())}; every target has at least 1 mode")
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "n_modes", n_modes)

    def __repr__(self) -> str:
        steps = f"steps {self.steps.min():,} to {self.steps.max():,}" if len(self) else "no steps"
        return f"Traces({len(self):,} runs, {self.records:,} records each, {steps})"

    def __len__(self) -> int:
        """Return the number of runs."""
        return int(self.steps.shape[0])

    def __getitem__(self, field: str) -> NDArray[np.float32]:
        """Return one measurement of every run at every record.

        Parameters
        ----------
        field : str
            A name in `fields`.

        Returns
        -------
        ndarray of float32, shape (runs, records)
            A view into `values`.

        Raises
        ------
        KeyError
            If there is no such field.
        """
        if field not in self.fields:
            raise KeyError(f"{field!r} is not a recorded field; allowed: {', '.join(self.fields)}")
        return self.values[:, :, self.fields.index(field)]

    @property
    def records(self) -> int:
        """Number of records of each run."""
        return int(self.steps.shape[1])

    def take(self, rows: ArrayLike) -> Traces:
        """Return some of the runs, in the order asked for.

        Parameters
        ----------
        rows : array_like of int or of bool
            Row numbers, or a mask with one entry per run.
        """
        chosen = np.asarray(rows)
        if chosen.size == 0:  # an empty list arrives as float64, which cannot index
            chosen = chosen.astype(np.int64)
        return Traces(self.steps[chosen], self.values[chosen], self.n_modes[chosen], self.fields)

    @classmethod
    def concat(cls, parts: Sequence[Traces]) -> Traces:
        """Stack the runs of several traces, in order.

        Raises
        ------
        ValueError
            If there is nothing to stack, or the parts differ in their number of records.
        """
        records = {part.records for part in parts}
        if len(records) != 1:
            raise ValueError(f"parts: expected traces with one common number of records, found {sorted(records)}")
        return cls(
            np.concatenate([part.steps for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.n_modes for part in parts]),
            parts[0].fields,
        )

    def frame(self, ids: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return one row per run and record, for figures and for the curious.

        Parameters
        ----------
        ids : DataFrame, optional
            One row per run, in the order of the runs; its columns are repeated over the records and come first. By
            default the only identifier is `run`, the row number.

        Returns
        -------
        DataFrame
            The columns of `ids` (or `run`), `record` (from 0), `step`, then one column per entry of `fields`.

        Raises
        ------
        ValueError
            If `ids` does not have one row per run, or one of its columns has the name of a measurement.
        """
        import pandas as pd  # here, so that the engine can use traces without loading pandas

        runs, records = self.steps.shape
        if ids is None:
            ids = pd.DataFrame({"run": np.arange(runs)})
        if len(ids) != runs:
            raise ValueError(f"ids: {len(ids)} rows for {runs} runs; expected one row per run")
        taken = {"record", "step", *self.fields}.intersection(ids.columns)
        if taken:
            raise ValueError(f"ids: columns {sorted(taken)} have the names of measurements; rename or drop them")
        repeated = ids.iloc[np.repeat(np.arange(runs), records)].reset_index(drop=True)
        measured: dict[str, Any] = {"record": np.tile(np.arange(records), runs), "step": self.steps.ravel()}
        measured.update((name, self[name].ravel()) for name in self.fields)
        return pd.concat([repeated, pd.DataFrame(measured)], axis=1)
