"""The tables of the study of speed, each a frame."""

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

import gansim as gs
from gansim.benchmarking import speed
from peers.contest import Peer, in_turn
from timing.cases import SMALLEST, Case

LANES = 16  # GANs of a bundle in float32


def engine(case: Case, gans: int, jobs: int, seconds: float) -> float:
    """GAN-steps a second of gansim, one timing."""
    if case.gan.data_dim == 1:  # of more, training alone is timed: what is measured is on the line
        return speed.rate(case.gan, gans, jobs, seconds, repeats=1)
    return speed.train_rate(case.gan, gans, jobs, seconds, repeats=1)


# --- beside the yardsticks ----------------------------------------------------------------------


def ratios(
    cases: Sequence[Case], jobs: int, seconds: float, rounds: int, peers: bool
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rates of gansim and the yardsticks, timed in turn; and the versions of what the yardsticks are made of."""
    rows, versions = [], {}
    for case in cases:
        rates = {"gansim": lambda case=case: engine(case, case.gans, jobs, seconds)}
        with contextlib.ExitStack() as stack:
            started = {
                name: stack.enter_context(Peer(script, *case.for_peers, *options))
                for name, script, options in (yardsticks(case, jobs, seconds) if peers else ())
            }
            for name, peer in started.items():
                versions |= peer.ready()
                rates[name] = peer.rate
            found = {"jax": np.nan, "jax_tuned": np.nan, "torch": np.nan} | in_turn(rates, rounds)
        found["jax_tuned"] *= jobs
        found["torch"] *= jobs
        over = {f"over_{name}": found["gansim"] / found[name] for name in ("jax", "jax_tuned", "torch")}
        columns = ("gansim", "jax", "jax_tuned", "torch")
        targets = {"target_jax": case.over_jax, "target_torch": case.over_torch}
        rows.append({**case.names, **{name: found[name] for name in columns}, **over, **targets})
    return pd.DataFrame(rows).astype({"target_jax": float, "target_torch": float}), versions


def yardsticks(case: Case, jobs: int, seconds: float) -> list[tuple[str, str, list[str]]]:
    """Column, script and options of each yardstick."""

    def jax(gans: int, steps: int, cores: int) -> list[str]:
        return ["--gans", str(gans), "--steps", str(max(1, round(steps * seconds))), "--cores", str(cores)]

    loop = ["--steps", str(max(1, round(1000 * seconds))), "--cores", "1"]
    return [
        ("jax", "jax_vmap", jax(*case.jax, jobs)),
        ("jax_tuned", "jax_vmap", jax(*case.tuned, 1)),
        ("torch", "torch_loop", loop),
    ]


# --- the ceiling --------------------------------------------------------------------------------


def peak(cases: Sequence[Case], seconds: float, rounds: int) -> pd.DataFrame:
    """How much of a core's peak the matrix products reach, everything else included in the time."""
    rows = []
    for case in cases:
        rates = {
            "peak": lambda: speed.peak_flops(seconds=0.03 * seconds),
            "core": lambda case=case: engine(case, case.gans // 2, 1, seconds),
        }
        best, flops = in_turn(rates, rounds), speed.step_flops(case.gan)
        rows.append({**case.names, "flops_per_step": flops, "gan_steps_per_second": best["core"]})
        reached = flops * best["core"]
        rows[-1] |= {
            "gflops": reached / 1e9,
            "peak_gflops": best["peak"] / 1e9,
            "share_of_peak": reached / best["peak"],
        }
    return pd.DataFrame(rows)


def accounting(cases: Sequence[Case], seconds: float) -> pd.DataFrame:
    """Where the time of a step goes: its parts alone, and what is left."""
    rows = []
    for case in cases:
        costs = speed.bundle_costs(case.gan, 0.1 * seconds)
        counts = {"products": speed.step_flops(case.gan) // 2}
        counts |= speed.step_counts(case.gan)
        parameters = 4 * LANES * counts["updates"] / 1024
        touched = {"products": 2 * parameters, "updates": 4 * parameters}  # values, gradients; and two moments
        parts = {name: costs[name] for name in counts}
        parts |= {"left": costs["step"] - sum(parts.values()), "step": costs["step"]}
        parts |= {"records": costs["records"]} if "records" in costs else {}
        for name, cost in parts.items():
            rows.append({**case.names, "part": name, "count": LANES * counts[name] if name in counts else None})
            rows[-1] |= {"kib": touched.get(name), "us": 1e6 * cost, "share": cost / costs["step"]}
    return pd.DataFrame(rows).astype({"count": "Int64", "kib": float})


# --- how it scales ------------------------------------------------------------------------------


def scaling(
    jobs: int, seconds: float, rounds: int, widths: Sequence[int], batches: Sequence[int], gans: Sequence[int]
) -> pd.DataFrame:
    """GAN-steps a second of 1-w-1 networks with leaky ReLU, one thing varied at a time.

    A point of several curves is measured once, and all of them in turn: one after the other, the same point differed by
    up to 27 % on a shared host.
    """
    usual = {"width": 16, "batch": 64, "gans": min(SMALLEST.gans, max(gans)), "jobs": jobs}
    workers = sorted({1, jobs, *(2**k for k in range(12) if 2**k < jobs)})
    varied = {"width": widths, "batch": batches, "gans": gans, "jobs": workers}
    rows = pd.DataFrame(
        [{"varied": name, "value": value, **usual, name: value} for name, values in varied.items() for value in values]
    )

    def rate(width: int, batch: int, gans: int, jobs: int) -> float:
        w = (width,)
        gan = gs.replace(SMALLEST.gan, {"generator.hidden": w, "discriminator.hidden": w, "batch_size": batch})
        return speed.rate(gan, gans, jobs, 0.5 * seconds, repeats=1)

    points = [tuple(map(int, point)) for point in rows[list(usual)].itertuples(index=False)]
    found = in_turn({point: functools.partial(rate, *point) for point in points}, rounds)
    return rows.assign(gan_steps_per_second=[found[point] for point in points])


# --- start-up -----------------------------------------------------------------------------------

_FIRST_BUNDLE = """
import time
import gansim as gs
from gansim.engine.simulate import run_chunk
from gansim.engine.compile_ahead import compile_ahead
gan = gs.GAN(target=gs.Normal(500, 5), steps=250, records=1)
start = time.perf_counter()
compile_ahead([gan])
print(time.perf_counter() - start)
run_chunk({0: gan}, [(0, rep) for rep in range(16)], 0)
"""


def startup(rounds: int) -> pd.DataFrame:
    """Seconds until a process has compiled one shape, and until one that finds it on disk has a first bundle."""
    with tempfile.TemporaryDirectory() as folder:
        cold, _ = first_bundle(folder)
        warm = min(first_bundle(folder)[1] for _ in range(rounds))
    rows = [
        ("compile one shape, nothing on disk", cold, 4.0),
        ("start of a process to its first trained bundle", warm, 1.5),
    ]
    return pd.DataFrame(rows, columns=["what", "seconds", "target"])


def first_bundle(cache: str) -> tuple[float, float]:
    """Seconds to compile or load, and of the whole process: start, import, load, train and record a bundle."""
    start = time.perf_counter()
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    done = subprocess.run([sys.executable, "-c", _FIRST_BUNDLE], env=environment, stdout=subprocess.PIPE, check=True)
    return float(done.stdout), time.perf_counter() - start
