"""The table of methods: what a step of each takes beside the plain step, beside its flops, and beside JAX."""

import contextlib
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
RATIOS = [f"over_{name}{end}" for name in ("jax", "jax_tuned") for end in ("", "_low", "_high")]
BESIDE_JAX = ["gansim", "jax", "jax_tuned", *RATIOS]


def methods(
    chosen: Sequence[Method], jobs: int, seconds: float, rounds: int, peers: bool
) -> tuple[pd.DataFrame, dict[str, str]]:
    """A row per method, and the versions of what the yardstick is made of."""
    rows, versions = [], {}
    for method in chosen:
        row = {"method": method.name, **beside_plain(method, 0.05 * seconds, PAIRS * rounds)}
        found, of_peer = beside_jax(method, jobs, seconds, rounds) if peers and method.jax else ({}, {})
        versions |= of_peer
        rows.append({**row, **dict.fromkeys(BESIDE_JAX), **found, "target_jax": method.over_jax})
    return pd.DataFrame(rows).astype(dict.fromkeys([*BESIDE_JAX, "target_jax"], float)), versions


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
    rates, versions = {"gansim": lambda: speed.rate(method.gan, GANS, jobs, seconds, repeats=1)}, {}
    options = [*method.for_peers(GANS, seconds), "--cores", str(jobs)]
    with contextlib.ExitStack() as stack:
        for name, more in {"jax": [], **({"jax_tuned": ["--tuned"]} if method.tuned else {})}.items():
            peer = stack.enter_context(Peer("jax_methods", *options, *more))
            versions |= peer.ready()
            rates[name] = peer.rate
        found = in_turn(rates, rounds)
    row = {name: each.max() for name, each in found.items()}
    for name in list(rates)[1:]:
        each = found["gansim"] / found[name]
        row |= {f"over_{name}": row["gansim"] / row[name]}
        row |= {f"over_{name}_low": each.min(), f"over_{name}_high": each.max()}
    return row, versions
