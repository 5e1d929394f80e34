"""How fast it is, and how fast it could be: rates of the whole engine, the ceiling, and where a step's time goes.

A *GAN-step* is one update of D and one of G of one GAN; a *bundle-step* that of all GANs of a bundle, side by side on
one core. Times are the best of several: whatever disturbs a measurement makes it longer.

Compile time is never in a rate, nor in a cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed

from gansim.benchmarking import peak, step_parts
from gansim.engine.bundles import Bundle, build_bundles, training_plan
from gansim.engine.players import network_shapes
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError, shown
from gansim.kernels.compiling.registers import REGISTER
from gansim.kernels.lanes import LANES, aligned
from gansim.kernels.training.train import train
from gansim.model.data.distributions import Normal, Product
from gansim.model.gan import GAN
from gansim.running.study import Study

__all__ = [
    "BUNDLE",
    "RECORD_EVERY",
    "REGISTER_BITS",
    "bundle_costs",
    "in_dimensions",
    "peak_flops",
    "rate",
    "step_counts",
    "step_flops",
    "train_rate",
]

BUNDLE = LANES[np.dtype(np.float32)]  # GANs side by side in float32
REGISTER_BITS = 8 * REGISTER  # of the processor's vector registers
RECORD_EVERY = 250  # training steps between records: measuring 1-16-1 then costs a tenth of training, all others less

# --- the ceiling, and what a step asks for ------------------------------------------------------


def peak_flops(precision: str = "float32", seconds: float = 0.1) -> float:
    """Flops a second of one core in multiply-adds whose numbers never leave the registers.

    Parameters
    ----------
    precision : {"float32", "float64"}
        Of the numbers.
    seconds : float, default 0.1
        About how long each of five timings takes.

    Returns
    -------
    float
        The best; a multiply-add is two flops.
    """
    lanes = LANES[np.dtype(precision)]
    out = aligned((1, lanes), precision)
    return 2 * peak.CHAINS * lanes / _best(lambda n: peak.chains(out, 0.5, 1.0, n), seconds, 5)


def in_dimensions(gan: GAN, data_dim: int) -> GAN:
    """The same configuration for data of so many normal coordinates, which can be trained and timed, not measured yet.

    Parameters
    ----------
    gan : GAN
        The configuration; its target is a normal law.
    data_dim : int
        Coordinates, 1 to 8.
    """
    if not isinstance(gan.target, Normal):
        raise ConfigError(f"gan: target {shown(gan.target)}: a normal law")
    law: Any = Product((gan.target,) * data_dim)  # which a GAN takes, and its signature does not tell of yet
    return gan if data_dim == 1 else replace(gan, target=law)


def step_flops(gan: GAN) -> int:
    """Flops of the matrix products in one GAN-step.

    For every sample of a batch, D's update runs D forward and backward on a real, G forward, D forward and backward on
    the fake; G's update runs G and D forward, D backward to its input, G backward. Backward is a product for the
    gradient of every layer's weights and one for that of every layer's input but the first's, whose inputs nobody asks
    for; to D's input, it is one for every layer's input and none for weights.

    Parameters
    ----------
    gan : GAN
        The configuration; one update of each player is counted.

    Returns
    -------
    int
        Two for each multiply-add. Biases, activations, losses, random numbers and the optimiser are not counted.
    """
    both = gan.generator_sizes, gan.discriminator_sizes
    g, d = ([n_in * n_out for n_in, n_out in pairwise(sizes)] for sizes in both)
    learn_g, learn_d = (3 * sum(weights) - weights[0] for weights in (g, d))
    return 2 * gan.batch * (sum(g) + learn_g) + 4 * gan.packs * (learn_d + sum(d))


def step_counts(gan: GAN) -> dict[str, int]:
    """How many of each a GAN-step needs, besides the matrix products.

    Parameters
    ----------
    gan : GAN
        The configuration; one update of each player is counted.

    Returns
    -------
    dict
        "random numbers", "activations" and "updates" of a parameter, as `bundle_costs` times them.
    """
    hidden_g, hidden_d = sum(gan.generator.hidden), sum(gan.discriminator.hidden)
    return {
        "random numbers": gan.batch * (gan.data_dim + 2 * gan.noise_dim),
        "activations": 3 * gan.packs * hidden_d + 2 * gan.batch * hidden_g,
        "updates": sum(net.n_params for net in network_shapes(gan)),
    }


# --- rates --------------------------------------------------------------------------------------


def rate(gan: GAN, runs: int = 1024, jobs: int = -1, seconds: float = 1.0, repeats: int = 3) -> float:
    """GAN-steps a second of the whole engine: random numbers, losses, optimisers, records.

    Parameters
    ----------
    gan : GAN
        The configuration. Its steps and records are replaced: as many steps as fill the time, a record every 250.
    runs : int, default 1024
        GANs trained at once.
    jobs : int, default -1
        Workers; -1: one per core.
    seconds : float, default 1.0
        About how long each timing takes; at least the first 250 steps.
    repeats : int, default 3
        Timings after one to find the number of steps; the best counts.

    Returns
    -------
    float
        GAN-steps a second.

    Raises
    ------
    ConfigError
        If a run does not stay finite: it would stop costing time.
    """

    def once(records: int) -> float:
        study = Study("speed", replace(gan, steps=RECORD_EVERY * records, records=records), reps=runs)
        done = study.execute(jobs=jobs, progress=False)
        if (done.runs["g_state"] == "non-finite").any():
            raise ConfigError("gan: runs are no longer finite; a rate needs a configuration whose runs all last")
        return float(done.seconds["simulate"])

    records = max(1, round(seconds / once(1)))
    return runs * RECORD_EVERY * records / min(once(records) for _ in range(repeats))


def train_rate(gan: GAN, runs: int = 1024, jobs: int = -1, seconds: float = 1.0, repeats: int = 3) -> float:
    """GAN-steps a second of training alone, without records.

    Parameters
    ----------
    gan : GAN
        The configuration.
    runs, jobs, seconds, repeats
        As for `rate`.

    Returns
    -------
    float
        GAN-steps a second.

    Raises
    ------
    ConfigError
        If a run does not stay finite.
    """
    bundles = build_bundles([gan] * runs, list(range(runs)), 0)
    pool = Parallel(cpu_count() if jobs == -1 else jobs, "threading", batch_size=1)
    step = _best(lambda n: pool(delayed(_train)(gan, bundle, n) for bundle in bundles), seconds, repeats)
    if not all(np.isfinite(player.theta).all() for bundle in bundles for player in (bundle.g, bundle.d)):
        raise ConfigError("gan: runs are no longer finite; a rate needs a configuration whose runs all last")
    return runs / step


def _train(gan: GAN, bundle: Bundle, steps: int) -> None:
    train(bundle.g, bundle.d, bundle.sampler, training_plan(gan), 0, steps)


# --- where the time of a step goes --------------------------------------------------------------


def bundle_costs(gan: GAN, seconds: float = 0.1) -> dict[str, float]:
    """Seconds of one core that a bundle-step takes, and that its parts take.

    Parameters
    ----------
    gan : GAN
        The configuration.
    seconds : float, default 0.1
        About how long each of three timings of each part takes.

    Returns
    -------
    dict
        "step": all of training. "products": the matrix products at the peak of `peak_flops`. "random numbers",
        "activations", "updates": alone, as many as `step_counts` counts. "records": of the whole engine, a record every
        250 steps; only for one coordinate.
    """
    nets, lanes = network_shapes(gan), LANES[np.dtype(gan.precision)]
    [bundle] = build_bundles([gan] * lanes, list(range(lanes)), 0)
    g, d, batch = bundle.g, bundle.d, gan.batch
    parts: dict[str, Callable[[int], Any]] = {
        "step": lambda n: _train(gan, bundle, n),
        "random numbers": lambda n: step_parts.random_numbers(g, d, bundle.sampler, batch, n),
        "activations": lambda n: step_parts.activations(*nets, g, d, batch, gan.packs, n),
        "updates": lambda n: step_parts.updates(g, d, n),
    }
    costs = {"products": lanes * step_flops(gan) / peak_flops(gan.precision, seconds)}
    costs |= {name: _best(part, seconds, 3) for name, part in parts.items()}
    if gan.data_dim == 1:
        costs["records"] = min(_record(gan, lanes) for _ in range(3)) / RECORD_EVERY
    return costs


def _record(gan: GAN, lanes: int) -> float:
    """Seconds that one record of a bundle takes."""
    gan = replace(gan, steps=1, records=1, referee=None)
    return run_chunk({0: gan}, [(0, rep) for rep in range(lanes)], 0).seconds["measure"]


def _best(work: Callable[[int], Any], seconds: float, repeats: int) -> float:
    """Seconds that one repetition takes when ``work(n)`` does n of them: the best of several timings."""
    work(1)  # compiles
    n, took = 1, 0.0
    while True:
        start = time.perf_counter()
        work(n)
        took = time.perf_counter() - start
        if took >= 0.1 * seconds:
            break
        n *= 4
    n = max(1, round(n * seconds / took))

    def once() -> float:
        start = time.perf_counter()
        work(n)
        return time.perf_counter() - start

    return min(once() for _ in range(repeats)) / n
