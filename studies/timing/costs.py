"""The table of methods: what a step of each takes beside the plain step, beside its flops, and beside JAX."""

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from gansim.benchmarking import speed
from peers.contest import Peer, in_turn
from timing.flops import step_flops
from timing.methods import PLAIN, WITHIN, Method

GANS = 1024  # at once, beside JAX
PAIRS = 5  # of short timings for each round: a ratio of two neighbours is hardly disturbed, and their median less


def methods(
    chosen: Sequence[Method], jobs: int, seconds: float, rounds: int, peers: bool
) -> tuple[pd.DataFrame, dict[str, str]]:
    """A row per method, and the versions of what the yardstick is made of."""
    rows, versions = [], {}
    for method in chosen:
        row = {"method": method.name, **beside_plain(method, 0.05 * seconds, PAIRS * rounds)}
        found, of_peer = beside_jax(method, jobs, seconds, rounds) if peers and method.jax else ({}, {})
        versions |= of_peer
        rows.append({**row, **dict.fromkeys(("gansim", "jax", "over_jax", "over_jax_low", "over_jax_high")), **found})
        rows[-1] |= {"target_jax": method.over_jax}
    numbers = [name for name in rows[0] if name.endswith("jax") or name.startswith("over_jax") or name == "gansim"]
    return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float)), versions


def beside_plain(method: Method, seconds: float, pairs: int) -> dict[str, float | int | str]:
    """What a bundle-step takes of one core, as a multiple of the plain step, and of what its flops say."""

    def rate(gan) -> float:
        return speed.train_rate(gan, speed.BUNDLE, 1, seconds, repeats=1)

    rate(method.gan)  # compiles
    found = in_turn({"plain": functools.partial(rate, PLAIN), "method": functools.partial(rate, method.gan)}, pairs)
    ratios, flops = found["plain"] / found["method"], step_flops(method.gan) / step_flops(PLAIN)
    ratio = float(np.median(ratios))
    return {
        "pairs": pairs,
        "us": 1e6 * speed.BUNDLE / found["method"].max(),
        "ratio": ratio,
        "ratio_low": ratios.min(),
        "ratio_high": ratios.max(),
        "flops": flops,
        "over_flops": ratio / flops,
        "within": "yes" if ratio <= WITHIN * flops else "no",
    }


def beside_jax(method: Method, jobs: int, seconds: float, rounds: int) -> tuple[dict[str, float], dict[str, str]]:
    """GAN-steps a second of the whole engine and of JAX, on all cores, in turn; and the versions."""
    with Peer("jax_methods", *method.for_peers(GANS, seconds), "--cores", str(jobs)) as peer:
        versions = peer.ready()
        rates = {"gansim": lambda: speed.rate(method.gan, GANS, jobs, seconds, repeats=1), "jax": peer.rate}
        found = in_turn(rates, rounds)
    each = found["gansim"] / found["jax"]
    best = {name: rate.max() for name, rate in found.items()}
    best |= {"over_jax": best["gansim"] / best["jax"], "over_jax_low": each.min(), "over_jax_high": each.max()}
    return best, versions
