"""One run again, bit for bit: its trace, its networks, and both as training goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim.display import html_table
from gansim.engine.bundles import build_bundles, measured_generator, training_plan
from gansim.engine.players import Layers, network_shapes, unscaled
from gansim.engine.samplers import data_unit
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError, shown
from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.networks.architecture import from_rows
from gansim.kernels.training.train import train as train_bundle
from gansim.model.configurations import Configuration
from gansim.model.data.distributions import evaluation_law, moments
from gansim.model.gan import GAN, check_gan
from gansim.model.networks import MLP
from gansim.model.parametric import ParametricGame
from gansim.model.seeds import check_rep, check_seed
from gansim.traces import DATA_UNITS, Traces, in_data_units

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Networks", "checked", "networks", "samples_of", "trace", "train", "with_data_units"]

Array = NDArray[Any]


def trace(gan: Configuration, rep: int = 0, seed: int = 0) -> pd.DataFrame:
    """One run again, bit for bit.

    Parameters
    ----------
    gan : GAN or ParametricGame
        Its configuration.
    rep : int, default 0
        Its replicate number, from 0.
    seed : int, default 0
        Seed of the study.

    Returns
    -------
    DataFrame
        One row per record: ``step``, the fields of gansim.traces, and g_mean and g_std, mean and standard deviation of
        the fakes in data units; of a game of two vectors ``step`` and what is measured of it.

    Raises
    ------
    ConfigError
        If `gan` is no GAN, `rep` not an integer from 0 to 2^32 - 1, or `seed` from 0 to 2^64 - 1.
    """
    if isinstance(gan, ParametricGame):
        traces = run_chunk({0: gan}, [(0, check_rep(rep))], check_seed(seed)).traces
        return traces.frame().drop(columns="run")
    rep, seed = checked(gan, rep, seed)
    traces = run_chunk({0: replace(gan, referee=None)}, [(0, rep)], seed).traces
    return with_data_units(traces, gan).drop(columns="run", errors="ignore")


def with_data_units(traces: Traces, gan: GAN) -> pd.DataFrame:
    """The frame of one run's records, with where the fakes lie in data units."""
    table = traces.frame()
    if gan.data_dim > 1:
        return table
    where = in_data_units(table["g_shift"], table["g_spread"], *moments(evaluation_law(gan.target)))
    return table.assign(**dict(zip(DATA_UNITS, where, strict=True)))


def checked(gan: GAN, rep: int, seed: int) -> tuple[int, int]:
    """Replicate and seed, or a refusal of one of the three."""
    check_gan(gan)
    return check_rep(rep), check_seed(seed)


@default_arithmetic
def train(gan: GAN, rep: int = 0, seed: int = 0) -> tuple[Layers, Layers]:
    """Parameters of one run after its last training step, in the networks' own units.

    Returns
    -------
    theta_g, theta_d : list of (weights (n_out, n_in), bias (n_out,))
        Per layer; a network without biases has zeros. Not finite if the run blew up. Where the configuration has an
        average of the generator, theta_g is that: what is measured, not what is trained.
    """
    rep, seed = checked(gan, rep, seed)
    with np.errstate(all="ignore"):
        [bundle] = build_bundles([gan], [rep], seed)
        train_bundle(bundle.g, bundle.d, bundle.sampler, training_plan(gan), -gan.pretrain, gan.steps)
    players = measured_generator(bundle.g, gan), bundle.d
    theta_g, theta_d = (player.theta[:, 0].astype(float) for player in players)
    net_g, net_d = network_shapes(gan)
    return from_rows(net_g, theta_g), from_rows(net_d, theta_d)


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
    *hidden, (weights, bias) = unscaled(mlp, layers)
    for of_x, offset in hidden:
        x = _ACTIVATION[mlp.activation](x @ of_x.T + offset, mlp.slope_value)
    return np.asarray(x @ weights.T + bias)


@dataclass(frozen=True, eq=False, repr=False)
class Networks:
    """The two networks of a run as they are measured, in data units.

    Attributes
    ----------
    gan : GAN
        The run's configuration.
    theta_g, theta_d : list of (weights, bias)
        Their parameters, in the networks' own units; of a configuration with `average`, theta_g is the average.
    """

    gan: GAN
    theta_g: Layers
    theta_d: Layers

    def __repr__(self) -> str:
        return f"Networks({', '.join(f'{name} {sizes} {kind}' for name, sizes, kind, _ in self._players())})"

    def _repr_html_(self) -> str:
        return html_table("Networks", self._players(), ("player", "layer sizes", "activation", "parameters"))

    def _players(self) -> list[tuple[str, str, str, int]]:
        """Name, layer sizes, activation and number of parameters of both."""
        gan = self.gan
        both = (
            ("G", gan.generator, gan.generator_sizes, self.theta_g),
            ("D", gan.discriminator, gan.discriminator_sizes, self.theta_d),
        )
        return [
            (name, "-".join(map(str, sizes)), mlp.activation, sum(w.size + mlp.bias * b.size for w, b in theta))
            for name, mlp, sizes, theta in both
        ]

    def generate(self, z: ArrayLike) -> NDArray[np.float64]:
        """Fakes in data units, shape (n,), for noise of shape (n,) or (n, noise_dim); (n, data_dim) beyond the line."""
        noise = samples_of(z, self.gan.noise_dim, "z")
        location, scale = data_unit(self.gan)
        with np.errstate(all="ignore"):  # a run that blew up
            fakes = location + scale * _evaluate(self.gan.generator, self.theta_g, noise)
        return fakes[:, 0] if self.gan.data_dim == 1 else fakes

    def logit(self, x: ArrayLike) -> NDArray[np.float64]:
        """D's logit, shape (n,), for samples in data units; high means real.

        With packing for packs of them: (n, packing * data_dim), the coordinates of the first sample, then the second's.
        """
        (location, scale), packing = data_unit(self.gan), self.gan.packing
        packs = samples_of(x, packing * self.gan.data_dim, "x")
        samples = (packs - np.tile(location, packing)) / np.tile(scale, packing)
        with np.errstate(all="ignore"):
            return _evaluate(self.gan.discriminator, self.theta_d, samples)[:, 0]

    def discriminate(self, x: ArrayLike) -> NDArray[np.float64]:
        """D, in [0, 1], shape (n,), for samples, or packs of them as `logit` takes, in data units."""
        with np.errstate(all="ignore"):
            return np.exp(-np.logaddexp(0, -self.logit(x)))


def networks(gan: GAN, rep: int = 0, seed: int = 0) -> Networks:
    """Train one run again, bit for bit, and return its networks as the last record measured them.

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
    Networks
        Both networks at the end of training. Where the configuration has an `average`, the generator is that average;
        the generator that was trained is that of the same configuration without.

    Raises
    ------
    ConfigError
        As `trace` does.
    """
    return Networks(gan, *train(gan, rep, seed))
