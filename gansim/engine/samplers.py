"""Samplers: distributions of a configuration as the rows the kernels draw from, and the units of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.kernels import random, sampler
from gansim.kernels.lanes import OCTET, aligned, by_lane
from gansim.kernels.sampler import MIXTURE, NORMAL, UNIFORM, Sampler
from gansim.model.distributions import (
    Law,
    Mixture,
    Normal,
    Product,
    Uniform,
    components,
    marginals,
    moments,
    standardised,
)
from gansim.model.gan import GAN

__all__ = [
    "batch_weights",
    "build_sampler",
    "data_unit",
    "distribution_rows",
    "n_components",
    "replicate_key",
    "seen_unit",
]

Array = NDArray[Any]
Floats = NDArray[np.float64]

_CODES = {Normal: NORMAL, Uniform: UNIFORM, Mixture: MIXTURE, Product: NORMAL}


# --- units --------------------------------------------------------------------------------------


def _moments(target: Law | Product) -> tuple[Floats, Floats]:
    """Means and standard deviations, coordinate by coordinate."""
    means, stds = np.array([moments(law) for law in marginals(target)]).T
    return means, stds


def seen_unit(gan: GAN) -> tuple[Floats, Floats]:
    """Means and standard deviations of the target's coordinates in the networks' units, (data_dim,) each."""
    return _moments(_seen(gan))


def data_unit(gan: GAN) -> tuple[Floats, Floats]:
    """Locations and scales, (data_dim,) each, that turn the networks' units into the data's."""
    return _moments(gan.target) if gan.standardise else (np.zeros(gan.data_dim), np.ones(gan.data_dim))


def _seen(gan: GAN) -> Law | Product:
    """The target in the networks' units."""
    return standardised(gan.target) if gan.standardise else gan.target


# --- rows ---------------------------------------------------------------------------------------


def n_components(gan: GAN) -> int:
    """How many components a mixture has, 1 for any other target."""
    return len(gan.target.means) if isinstance(gan.target, Mixture) else 1


def distribution_rows(law: Law | Product) -> list[float]:
    """The numbers of a distribution in the order of kernels/sampler.py."""
    if isinstance(law, Mixture):
        means, stds, weights = components(law)
        return [*np.cumsum(weights)[:-1].tolist(), 1.0, *means, *stds]
    return [number for one in marginals(law) for number in _numbers(one)]


def _numbers(law: Law) -> tuple[float, float]:
    return (law.low, law.high - law.low) if isinstance(law, Uniform) else moments(law)


def replicate_key(seed: int, reps: Sequence[int]) -> Array:
    """Each lane's words of the random numbers' key, (3, L): seed low, seed high, replicate."""
    out = aligned((3, len(reps)), np.uint32)
    out[0], out[1], out[2] = seed & 0xFFFFFFFF, seed >> 32, reps
    return out


def batch_weights(batch: int, lanes: int, dtype: Any) -> Array:
    """Each sample's share of a batch average, 0 beyond the batch."""
    out = aligned((-(-batch // OCTET) * OCTET, lanes), dtype)
    out[:batch] = 1 / batch
    return out


def _padded(n: int) -> int:
    """As many rows as n numbers take, drawn some at once."""
    return -(-n // random.DRAWN) * random.DRAWN


def build_sampler(gans: Sequence[GAN], key: Array, stream: int, dtype: Any) -> Sampler:
    """The numbers of a bundle whose lane i is configured by ``gans[i]``; fixed samples are drawn here."""
    lanes, gan = len(gans), gans[0]
    built = Sampler(
        key,
        stream,
        by_lane([distribution_rows(_seen(g)) for g in gans], dtype),
        _CODES[type(gan.target)],
        n_components(gan),
        by_lane([distribution_rows(g.noise) for g in gans], dtype),
        _CODES[type(gan.noise)],
        aligned((gan.data_dim * max(1, _padded(gan.samples or 0)), lanes), dtype),
        gan.samples or 0,
        gan.batch_size == "full",
        batch_weights(gan.batch, lanes, dtype),
        aligned((gan.data_dim * _padded(gan.batch), lanes), dtype),
        aligned((gan.noise_dim * _padded(gan.batch), lanes), dtype),
        aligned((random.DRAWN, lanes), np.uint32),
        aligned((random.DRAWN, lanes), dtype),
    )
    if gan.samples:
        sampler.fill_sample(built, gan.data_dim)
    return built
