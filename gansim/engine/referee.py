"""The referee: a fresh discriminator trained against each run's frozen generator, a classifier two-sample test.

Its accuracy on held-out samples is the test's statistic (Lopez-Paz and Oquab 2017, section 3).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.engine.bundles import build_bundles
from gansim.engine.players import network_shapes, unscaled
from gansim.engine.samplers import seen_unit
from gansim.engine.training import records
from gansim.kernels import random
from gansim.kernels.networks.architecture import from_rows, to_rows
from gansim.model.data.distributions import evaluation_law
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP
from gansim.model.optimizers import Adam
from gansim.traces import FIELDS

__all__ = ["referee_gan", "verdicts"]

Array = NDArray[Any]
_SAID = ("acc_real", "acc_fake", "auc", "v")


def referee_gan(gan: GAN, referee: Referee) -> GAN:
    """The referee's task as a GAN whose generator is frozen, on the standardised target whatever the run saw.

    Built from nothing: what a run does to its own discriminator is not the referee's.
    """
    return GAN(
        target=evaluation_law(gan.target),
        standardise=True,
        noise=gan.noise,
        noise_dim=gan.noise_dim,
        generator=MLP(gan.generator.hidden, gan.generator.activation, gan.generator.slope),
        discriminator=MLP(referee.hidden),
        game="minimax",
        optimizer_d=Adam(referee.lr, beta1=0.9),
        d_steps=1,
        g_steps=0,
        batch_size=referee.batch_size,
        steps=referee.steps,
        records=1,
        n_eval=referee.n_eval,
        precision=gan.precision,
    )


def _standardised_generator(gan: GAN, theta: Array) -> Array:
    """The parameters of the same generator followed by (x - location) / scale, with biases and of scale 1."""
    layers = unscaled(gan.generator, from_rows(network_shapes(gan)[0], theta.astype(float)))
    location, scale = seen_unit(gan)
    weights, bias = layers[-1]
    layers[-1] = weights / scale[:, None], (bias - location) / scale
    return to_rows(layers, True)


def verdicts(
    gans: Sequence[GAN], reps: Sequence[int], final: Sequence[Array], seed: int, alive: Array, seconds: dict[str, float]
) -> NDArray[np.float64]:
    """Accuracy, AUC and V of a referee for each run.

    Parameters
    ----------
    gans, reps : sequence of GAN, of int
        The runs; they share a bundle key.
    final : sequence of ndarray
        Their generators' parameters.
    seed : int
        Seed of the study.
    alive : ndarray of bool, shape (n,)
        Which of them are finite; the others have no verdict.
    seconds : dict
        Wall-clock seconds are added to "referee".

    Returns
    -------
    ndarray of float64, shape (n, 3)
        NaN where there is no referee, no finite generator, or the referee itself is not finite.
    """
    out, rows = np.full((len(gans), 3), np.nan), np.flatnonzero(alive).tolist()
    referee = gans[0].referee
    if referee is None or not rows:
        return out
    start = time.perf_counter()
    tasks = [referee_gan(gans[row], referee) for row in rows]
    generators = [_standardised_generator(gans[row], final[row]) for row in rows]
    bundles = build_bundles(tasks, [reps[row] for row in rows], seed, random.REFEREE, generators)
    [(places, values, finite)] = records(tasks[0], bundles, [referee.steps], {"train": 0.0, "measure": 0.0})
    real, fake, auc, v = (values[finite, FIELDS.index(name)].astype(float) for name in _SAID)
    out[np.array(rows)[places[finite]]] = np.stack([(real + fake) / 2, auc, v], axis=1)
    seconds["referee"] += time.perf_counter() - start
    return out
