"""One run again as training goes on: its records, and its networks on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gansim.engine.bundles import build_bundles, measured_generator
from gansim.engine.evaluations import n_modes
from gansim.engine.players import network_shapes
from gansim.engine.replay import Networks, checked, with_data_units
from gansim.engine.training import record_steps, records
from gansim.errors import ConfigError, shown
from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.networks.architecture import from_rows
from gansim.model.fields import check_integer
from gansim.model.gan import GAN
from gansim.traces import FIELDS, Traces

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["History", "history"]

Array = NDArray[Any]

_FINITE = FIELDS.index("finite")
_GRADIENTS = [FIELDS.index(name) for name in ("grad_g", "grad_d")]
_MAX_KEPT = 2**28  # parameters kept over all frames: 1 GiB in float32; 81 frames of the largest networks are half of it


@dataclass(frozen=True, eq=False)
class History:
    """One run as it went: its records, and its networks at some steps.

    Attributes
    ----------
    gan : GAN
        The run's configuration.
    rep, seed : int
        Its replicate number and the study's seed.
    traces : Traces
        The records of this one run: the study's own, and one at every frame.
    stored : ndarray of bool, shape (records,)
        Which of them are the study's own.
    frames : ndarray of int, shape (frames,)
        The steps at which the networks were kept, increasing; the last is the end of training.
    theta_g, theta_d : ndarray, shape (frames, parameters)
        The parameters of both players there, in the run's precision; of the generator that is measured: its average,
        where the configuration has one. Not finite where the run blew up.
    """

    gan: GAN
    rep: int
    seed: int
    traces: Traces
    stored: NDArray[np.bool_]
    frames: NDArray[np.int32]
    theta_g: Array
    theta_d: Array

    def networks(self, frame: int = -1) -> Networks:
        """The two networks at one of the frames; by default those at the end of training."""
        rows = zip(network_shapes(self.gan), (self.theta_g[frame], self.theta_d[frame]), strict=True)
        theta_g, theta_d = (from_rows(net, theta.astype(float)) for net, theta in rows)
        return Networks(self.gan, theta_g, theta_d)

    def study_traces(self) -> Traces:
        """The study's own records alone, as `trace` gives them."""
        kept = self.stored
        return Traces(self.traces.steps[:, kept], self.traces.values[:, kept], self.traces.n_modes, self.traces.fields)

    def frame(self) -> pd.DataFrame:
        """One row per record: ``record``, ``step``, ``stored``, the fields of gansim.traces, ``g_mean``, ``g_std``."""
        table = with_data_units(self.traces, self.gan).drop(columns="run")
        table.insert(2, "stored", self.stored)
        return table


@default_arithmetic
def history(gan: GAN, rep: int = 0, seed: int = 0, frames: int | Iterable[int] | None = None) -> History:
    """Train one run again, bit for bit, and keep its records and its networks on the way.

    Measuring draws from streams of its own, and training in pieces is what a study does too: the study's records and
    the final parameters are those of `trace` and `train`, whatever the frames.

    Parameters
    ----------
    gan : GAN
        Its configuration.
    rep : int, default 0
        Its replicate number, from 0.
    seed : int, default 0
        Seed of the study.
    frames : int or iterable of int, optional
        When to keep the networks, and to take a record beside the study's own: at so many steps, evenly from 0 to the
        end; or at these steps, 0 to ``gan.steps``. The end is always among them. By default at the study's records.

    Returns
    -------
    History
        A study's run that is not finite at one of its records is so from there on. A record in between says how it was
        at that step. At step 0 there is no gradient yet: its norms are NaN.

    Raises
    ------
    ConfigError
        If `gan` is no GAN, or `rep`, `seed` or `frames` is refused.
    """
    rep, seed = checked(gan, rep, seed)
    own = record_steps(gan)
    kept = own if frames is None else _frame_steps(gan, frames)
    nets = network_shapes(gan)
    if len(kept) * sum(net.n_params for net in nets) > _MAX_KEPT:
        raise ConfigError(f"frames: {len(kept):,} of these networks do not fit into memory: fewer")
    steps = np.union1d(own, kept)
    stored = np.isin(steps, own)
    values = np.full((1, len(steps), len(FIELDS)), np.nan, np.float32)
    values[:, :, _FINITE] = 0
    theta_g, theta_d = (np.empty((len(kept), net.n_params), gan.precision) for net in nets)
    alive = True
    with np.errstate(all="ignore"):  # a run that blows up is shown, not warned of
        bundles = build_bundles([gan], [rep], seed)
        for k, (_, taken, finite) in enumerate(records(gan, bundles, steps.tolist(), {"train": 0.0, "measure": 0.0})):
            if alive and finite[0]:
                values[0, k] = taken[0]
            alive = alive and bool(finite[0] or not stored[k])
            here = kept == steps[k]  # at most one
            theta_g[here] = measured_generator(bundles[0].g, gan).theta[:, 0]
            theta_d[here] = bundles[0].d.theta[:, 0]
    if steps[0] == 0:
        values[0, 0, _GRADIENTS] = np.nan
    traces = Traces(steps[None], values, np.array([n_modes(gan)]))
    return History(gan, rep, seed, traces, stored, kept, theta_g, theta_d)


def _frame_steps(gan: GAN, frames: int | Iterable[int]) -> NDArray[np.int32]:
    """Steps at which the networks are kept, increasing, the last of training among them."""
    if isinstance(frames, (int, np.integer)):
        n = check_integer(frames, "frames", 1, 10_000)
        wanted = [gan.steps * k // max(1, n - 1) for k in range(n)] if n > 1 else []
    elif not isinstance(frames, Iterable):
        raise ConfigError(f"frames: value {shown(frames)}: a number of frames, or steps from 0 to {gan.steps:,}")
    else:
        wanted = [check_integer(step, "frames", 0, gan.steps) for step in frames]  # refuses letters too
    return np.unique([*wanted, gan.steps]).astype(np.int32)
