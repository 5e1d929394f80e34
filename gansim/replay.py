"""One run again, bit for bit: its trace, its networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim.design import check_integer
from gansim.kernels import network
from gansim.kernels.train import train as train_pack
from gansim.packs import MAX_REP, MAX_SEED, build_packs, data_unit, network_shapes, training_plan
from gansim.simulate import run_chunk
from gansim.spec import GAN, MLP

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Layers", "Networks", "networks", "samples_of", "trace", "train"]

Array = NDArray[Any]
Layers = list[tuple[Array, Array]]


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
        One row per record: ``step`` and the fields of gansim.traces.

    Raises
    ------
    ConfigError
        If `rep` is not an integer from 0 to 2^32 - 1, or `seed` from 0 to 2^64 - 1.
    """
    rep, seed = _checked(rep, seed)
    traces = run_chunk({0: replace(gan, referee=None)}, [(0, rep)], seed).traces
    return traces.frame().drop(columns="run", errors="ignore")


def _checked(rep: int, seed: int) -> tuple[int, int]:
    return check_integer(rep, "rep", 0, MAX_REP), check_integer(seed, "seed", 0, MAX_SEED)


def train(gan: GAN, rep: int = 0, seed: int = 0) -> tuple[Layers, Layers]:
    """Parameters of one run after its last training step, in the networks' own units.

    Returns
    -------
    theta_g, theta_d : list of (weights (n_out, n_in), bias (n_out,))
        Per layer; a network without biases has zeros. Not finite if the run blew up.
    """
    rep, seed = _checked(rep, seed)
    net_g, net_d = network_shapes(gan)
    with np.errstate(all="ignore"):
        [pack] = build_packs([gan], [rep], seed)
        train_pack(net_g, net_d, pack.g, pack.d, pack.source, training_plan(gan), 0, gan.steps)
    theta_g, theta_d = pack.g.theta[:, 0].astype(float), pack.d.theta[:, 0].astype(float)
    return network.from_rows(net_g, theta_g), network.from_rows(net_d, theta_d)


def samples_of(values: ArrayLike, dimension: int, name: str) -> NDArray[np.float64]:
    """Samples as (n, dimension); one-dimensional ones may come as (n,)."""
    array = np.asarray(values, float)
    out = array[:, None] if array.ndim == 1 and dimension == 1 else array
    if out.ndim != 2 or out.shape[1] != dimension or not len(out):
        wanted = "(n,) or (n, 1)" if dimension == 1 else f"(n, {dimension})"
        raise ValueError(f"{name}: shape {array.shape}: {wanted}, n at least 1")
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
        return location + scale * _evaluate(self.gan.generator, self.theta_g, noise)[:, 0]

    def logit(self, x: ArrayLike) -> NDArray[np.float64]:
        """D's logit, shape (n,), for samples in data units; high means real."""
        location, scale = data_unit(self.gan)
        samples = (samples_of(x, 1, "x") - location) / scale
        return _evaluate(self.gan.discriminator, self.theta_d, samples)[:, 0]

    def discriminate(self, x: ArrayLike) -> NDArray[np.float64]:
        """D, in [0, 1], shape (n,), for samples in data units."""
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
