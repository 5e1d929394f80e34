"""One run again, bit for bit: its trace, its networks, and both as training goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim.engine.packs import MAX_REP, MAX_SEED, build_packs, data_unit, n_modes, network_shapes, training_plan
from gansim.engine.simulate import as_stored, measure, record_steps, run_chunk
from gansim.errors import ConfigError, shown
from gansim.kernels import network
from gansim.kernels.arithmetic import default_arithmetic
from gansim.kernels.lanes import LANES, aligned
from gansim.kernels.train import train as train_pack
from gansim.model.distributions import moments
from gansim.model.fields import check_integer
from gansim.model.gan import GAN, check_gan
from gansim.model.networks import MLP
from gansim.traces import DATA_UNITS, FIELDS, Traces, in_data_units

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["History", "Layers", "Networks", "history", "networks", "samples_of", "trace", "train"]

Array = NDArray[Any]
Layers = list[tuple[Array, Array]]

_FINITE = FIELDS.index("finite")
_GRADIENTS = [FIELDS.index(name) for name in ("grad_g", "grad_d")]
_MAX_KEPT = 2**28  # parameters kept over all frames: 1 GiB in float32; 81 frames of the largest networks are half of it


def trace(gan: GAN, rep: int = 0, seed: int = 0) -> pd.DataFrame:
    """One run again, bit for bit.

    Parameters
    ----------
    gan : GAN
        Its configuration.
    rep : int, default 0
        Its replicate number, from 0.
    seed : int, default 0
        Seed of the study.

    Returns
    -------
    DataFrame
        One row per record: ``step``, the fields of gansim.traces, and g_mean and g_std, mean and standard deviation of
        the fakes in data units.

    Raises
    ------
    ConfigError
        If `gan` is no GAN, `rep` not an integer from 0 to 2^32 - 1, or `seed` from 0 to 2^64 - 1.
    """
    rep, seed = _checked(gan, rep, seed)
    traces = run_chunk({0: replace(gan, referee=None)}, [(0, rep)], seed).traces
    return _with_data_units(traces, gan).drop(columns="run", errors="ignore")


def _with_data_units(traces: Traces, gan: GAN) -> pd.DataFrame:
    """The frame of one run's records, with where the fakes lie in data units."""
    table = traces.frame()
    where = in_data_units(table["g_shift"], table["g_spread"], *moments(gan.target))
    return table.assign(**dict(zip(DATA_UNITS, where, strict=True)))


def _checked(gan: GAN, rep: int, seed: int) -> tuple[int, int]:
    check_gan(gan)
    return check_integer(rep, "rep", 0, MAX_REP), check_integer(seed, "seed", 0, MAX_SEED)


@default_arithmetic
def train(gan: GAN, rep: int = 0, seed: int = 0) -> tuple[Layers, Layers]:
    """Parameters of one run after its last training step, in the networks' own units.

    Returns
    -------
    theta_g, theta_d : list of (weights (n_out, n_in), bias (n_out,))
        Per layer; a network without biases has zeros. Not finite if the run blew up.
    """
    rep, seed = _checked(gan, rep, seed)
    net_g, net_d = network_shapes(gan)
    with np.errstate(all="ignore"):
        [pack] = build_packs([gan], [rep], seed)
        train_pack(net_g, net_d, pack.g, pack.d, pack.source, training_plan(gan), 0, gan.steps)
    theta_g, theta_d = pack.g.theta[:, 0].astype(float), pack.d.theta[:, 0].astype(float)
    return network.from_rows(net_g, theta_g), network.from_rows(net_d, theta_d)


def samples_of(values: ArrayLike, dimension: int, name: str) -> NDArray[np.float64]:
    """Samples as (n, dimension); one-dimensional ones may come as (n,)."""
    try:
        array = np.asarray(values)
    except Exception:  # rows of unequal lengths, or objects that make no array
        raise ConfigError(f"{name}: value {shown(values)}: numbers") from None
    if array.dtype.kind not in "iuf":
        raise ConfigError(f"{name}: value {shown(values)}: numbers")
    array = array.astype(float)
    out = array[:, None] if array.ndim == 1 and dimension == 1 else array
    if out.ndim != 2 or out.shape[1] != dimension or not len(out):
        wanted = "(n,) or (n, 1)" if dimension == 1 else f"(n, {dimension})"
        raise ConfigError(f"{name}: shape {array.shape}: {wanted}, n at least 1")
    return out


_ACTIVATION: dict[str, Callable[[Array, float], Array]] = {
    "leaky_relu": lambda a, slope: np.where(a > 0, a, a * slope),
    "relu": lambda a, _: np.maximum(a, 0),
    "tanh": lambda a, _: np.tanh(a),
    "sigmoid": lambda a, _: np.exp(-np.logaddexp(0, -a)),
    "softplus": lambda a, _: np.logaddexp(0, a),
    "elu": lambda a, alpha: np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0))),
    "linear": lambda a, _: a,
}


def _evaluate(mlp: MLP, layers: Layers, x: Array) -> Array:
    """The MLP on samples (n, n_in), in float64 NumPy: for looking at a trained network, not for training it."""
    for weights, bias in layers[:-1]:
        a = x @ weights.T + bias
        x = _ACTIVATION[mlp.activation](a, mlp.slope_value)
    weights, bias = layers[-1]
    return np.asarray(x @ weights.T + bias)


@dataclass(frozen=True, eq=False)
class Networks:
    """The two trained networks of a run, in data units.

    Attributes
    ----------
    gan : GAN
        The run's configuration.
    theta_g, theta_d : list of (weights, bias)
        Their parameters, in the networks' own units.
    """

    gan: GAN
    theta_g: Layers
    theta_d: Layers

    def generate(self, z: ArrayLike) -> NDArray[np.float64]:
        """Fakes in data units, shape (n,), for noise of shape (n,) or (n, noise_dim)."""
        noise = samples_of(z, self.gan.noise_dim, "z")
        location, scale = data_unit(self.gan)
        with np.errstate(all="ignore"):  # a run that blew up
            return location + scale * _evaluate(self.gan.generator, self.theta_g, noise)[:, 0]

    def logit(self, x: ArrayLike) -> NDArray[np.float64]:
        """D's logit, shape (n,), for samples in data units; high means real."""
        location, scale = data_unit(self.gan)
        samples = (samples_of(x, 1, "x") - location) / scale
        with np.errstate(all="ignore"):
            return _evaluate(self.gan.discriminator, self.theta_d, samples)[:, 0]

    def discriminate(self, x: ArrayLike) -> NDArray[np.float64]:
        """D, in [0, 1], shape (n,), for samples in data units."""
        with np.errstate(all="ignore"):
            return np.exp(-np.logaddexp(0, -self.logit(x)))


def networks(gan: GAN, rep: int = 0, seed: int = 0) -> Networks:
    """Train one run again, bit for bit, and return its networks.

    Parameters
    ----------
    gan : GAN
        Its configuration.
    rep : int, default 0
        Its replicate number, from 0.
    seed : int, default 0
        Seed of the study.
    """
    return Networks(gan, *train(gan, rep, seed))


# --- as training goes on ------------------------------------------------------------------------


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
        The parameters of both players there, in the run's precision. Not finite where the run blew up.
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
        theta_g, theta_d = (network.from_rows(net, theta.astype(float)) for net, theta in rows)
        return Networks(self.gan, theta_g, theta_d)

    def study_traces(self) -> Traces:
        """The study's own records alone, as `trace` gives them."""
        kept = self.stored
        return Traces(self.traces.steps[:, kept], self.traces.values[:, kept], self.traces.n_modes)

    def frame(self) -> pd.DataFrame:
        """One row per record: ``record``, ``step``, ``stored``, the fields of gansim.traces, ``g_mean``, ``g_std``."""
        table = _with_data_units(self.traces, self.gan).drop(columns="run")
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
    rep, seed = _checked(gan, rep, seed)
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
    record = aligned((len(FIELDS), LANES[np.dtype(gan.precision)]), gan.precision)
    alive, done, plan = True, 0, training_plan(gan)
    with np.errstate(all="ignore"):  # a run that blows up is shown, not warned of
        [pack] = build_packs([gan], [rep], seed)
        for k, step in enumerate(steps.tolist()):
            train_pack(*nets, pack.g, pack.d, pack.source, plan, done, step)
            done = step
            row, finite = as_stored(gan, measure(nets, pack, step, record))
            if alive and finite[0]:
                values[0, k] = row[0]
            alive = alive and bool(finite[0] or not stored[k])
            here = kept == step  # at most one
            theta_g[here], theta_d[here] = pack.g.theta[:, 0], pack.d.theta[:, 0]
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
