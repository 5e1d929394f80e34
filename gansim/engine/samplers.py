"""Samplers: distributions of a configuration as the rows the kernels draw from, and the units of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.kernels import random, sampler
from gansim.kernels.lanes import OCTET, aligned, by_lane
from gansim.kernels.sampler import CURVE, MIXTURE, NORMAL, UNIFORM, VALUES, Sampler
from gansim.model.data.distributions import (
    Mixture,
    Normal,
    Parametric,
    Product,
    Uniform,
    Univariate,
    components,
    evaluation_law,
    marginals,
    moments,
    standardised,
)
from gansim.model.data.tabulated import Law, Observed, table_of
from gansim.model.gan import GAN

__all__ = [
    "batch_weights",
    "build_sampler",
    "data_unit",
    "n_components",
    "own_rows",
    "replicate_key",
    "rows_of",
    "seen_rows",
    "seen_unit",
    "table_rows",
]

Array = NDArray[Any]
Floats = NDArray[np.float64]

_CODES = {Normal: NORMAL, Uniform: UNIFORM, Mixture: MIXTURE, Product: NORMAL, Observed: VALUES, Law: CURVE}


# --- units --------------------------------------------------------------------------------------


def _moments(target: Univariate | Product) -> tuple[Floats, Floats]:
    """Means and standard deviations, coordinate by coordinate."""
    means, stds = np.array([moments(law) for law in marginals(target)]).T
    return means, stds


def seen_unit(gan: GAN) -> tuple[Floats, Floats]:
    """Means and standard deviations of what runs are judged by, in the networks' units, (data_dim,) each."""
    law = evaluation_law(gan.target)
    if isinstance(law, (Observed, Law)):
        mean, std = seen_rows(gan, law)
        return np.array([mean]), np.array([std])
    return _moments(standardised(law) if gan.standardise else law)


def data_unit(gan: GAN) -> tuple[Floats, Floats]:
    """Locations and scales, (data_dim,) each, that turn the networks' units into the data's."""
    return _moments(gan.target) if gan.standardise else (np.zeros(gan.data_dim), np.ones(gan.data_dim))


# --- rows ---------------------------------------------------------------------------------------


def n_components(gan: GAN) -> int:
    """How many components a mixture has, 1 for any other target."""
    return len(gan.target.means) if isinstance(gan.target, Mixture) else 1


def own_rows(law: Univariate | Product) -> list[float]:
    """Numbers of a law in its own units, in the order of kernels/sampler.py."""
    return [0.0, 1.0] if isinstance(law, (Observed, Law)) else _rows(standardised(law))


def seen_rows(gan: GAN, law: Univariate | Product) -> list[float]:
    """Numbers of a law in the networks' units."""
    if isinstance(law, (Observed, Law)):
        (start,), (scale,) = data_unit(gan)
        mean, std = moments(law)
        return [float((mean - start) / scale), float(std / scale)]
    return _rows(standardised(law) if gan.standardise else law)


def _rows(law: Parametric | Product) -> list[float]:
    if isinstance(law, Mixture):
        means, stds, weights = components(law)
        return [*np.cumsum(weights)[:-1].tolist(), 1.0, *means, *stds]
    return [number for one in marginals(law) for number in _numbers(one)]


def _numbers(law: Univariate) -> tuple[float, float]:
    return (law.low, law.high - law.low) if isinstance(law, Uniform) else moments(law)


@lru_cache(maxsize=64)
def table_rows(law: Univariate | Product, dtype: Any) -> tuple[Array, Array, Array]:
    """What is drawn from a law that is a table, its cells' edges and the shares below them; of others nothing."""
    if not isinstance(law, (Observed, Law)):
        nothing = np.zeros(1, dtype)
        return nothing, nothing, nothing
    table = table_of(law)
    return table.drawn.astype(dtype), table.edges.astype(dtype), table.shares.astype(dtype)


def replicate_key(seed: int, reps: Sequence[int]) -> Array:
    """Each lane's words of the random numbers' key, (3, L): seed low, seed high, replicate."""
    out = aligned((3, len(reps)), np.uint32)
    out[0], out[1], out[2] = seed & 0xFFFFFFFF, seed >> 32, reps
    return out


def batch_weights(batch: int, lanes: int, dtype: Any) -> Array:
    """The share of each of so many packs, or samples, of a batch in its average, 0 beyond the batch."""
    out = aligned((-(-batch // OCTET) * OCTET, lanes), dtype)
    out[:batch] = 1 / batch
    return out


def rows_of(packs: int, packing: int = 1) -> int:
    """As many rows as the samples of so many packs take, in whole octets of packs and drawn some at once."""
    n = -(-packs // OCTET) * OCTET * packing
    return -(-n // random.DRAWN) * random.DRAWN


def build_sampler(gans: Sequence[GAN], key: Array, stream: int, dtype: Any) -> Sampler:
    """The numbers of a bundle whose lane i is configured by ``gans[i]``; fixed samples are drawn here."""
    lanes, gan = len(gans), gans[0]
    built = Sampler(
        key,
        stream,
        by_lane([seen_rows(g, g.target) for g in gans], dtype),
        _CODES[type(gan.target)],
        n_components(gan),
        table_rows(gan.target, dtype)[0],
        by_lane([_rows(g.noise) for g in gans], dtype),
        _CODES[type(gan.noise)],
        aligned((gan.data_dim * max(1, rows_of(gan.samples or 0)), lanes), dtype),
        gan.samples or 0,
        gan.batch_size == "full",
        batch_weights(gan.packs, lanes, dtype),
        aligned((gan.data_dim * rows_of(gan.packs, gan.packing), lanes), dtype),
        aligned((gan.noise_dim * rows_of(gan.packs, gan.packing), lanes), dtype),
        aligned((random.DRAWN, lanes), np.uint32),
        aligned((random.DRAWN, lanes), dtype),
        gan.fixed_noise,
    )
    if gan.samples:
        sampler.fill_sample(built, gan.data_dim)
    return built
