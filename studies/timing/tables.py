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

YARDSTICKS = ("jax", "jax_tuned", "torch")


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
            found = dict.fromkeys(YARDSTICKS, np.full(rounds, np.nan)) | in_turn(rates, rounds)
        found["jax_tuned"] = found["jax_tuned"] * jobs
        found["torch"] = found["torch"] * jobs
        row = {**case.names, **{name: found[name].max() for name in ("gansim", *YARDSTICKS)}}
        for name in YARDSTICKS:
            each = found["gansim"] / found[name]
            best = {f"over_{name}": row["gansim"] / row[name]}
            row |= best | {f"over_{name}_low": each.min(), f"over_{name}_high": each.max()}
        rows.append({**row, "target_jax": case.over_jax, "target_torch": case.over_torch})
    return pd.DataFrame(rows).astype({"target_jax": float, "target_torch": float}), versions


def with_shares(ratios: pd.DataFrame, peak: pd.DataFrame) -> pd.DataFrame:
    """The ratios with the share of the peak beside them: they say how fast others are, too, and it does not."""
    return ratios.merge(peak[["networks", "activation", "share_of_peak"]], how="left")


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
        found, flops = in_turn(rates, rounds), speed.step_flops(case.gan)
        core, ceiling = found["core"].max(), found["peak"].max()
        each = flops * found["core"] / found["peak"]
        rows.append({**case.names, "flops_per_step": flops, "gan_steps_per_second": core})
        rows[-1] |= {
            "gflops": flops * core / 1e9,
            "peak_gflops": ceiling / 1e9,
            "share_of_peak": flops * core / ceiling,
            "share_of_peak_low": each.min(),
            "share_of_peak_high": each.max(),
        }
    return pd.DataFrame(rows)


def accounting(cases: Sequence[Case], seconds: float) -> pd.DataFrame:
    """Where the time of a step goes: its parts alone, and what is left."""
    rows = []
    for case in cases:
        costs = speed.bundle_costs(case.gan, 0.1 * seconds)
        counts = {"products": speed.step_flops(case.gan) // 2}
        counts |= speed.step_counts(case.gan)
        parameters = 4 * speed.BUNDLE * counts["updates"] / 1024
        touched = {"products": 2 * parameters, "updates": 4 * parameters}  # values, gradients; and two moments
        parts = {name: costs[name] for name in counts}
        parts |= {"left": costs["step"] - sum(parts.values()), "step": costs["step"]}
        parts |= {"records": costs["records"]} if "records" in costs else {}
        for name, cost in parts.items():
            rows.append({**case.names, "part": name, "count": speed.BUNDLE * counts[name] if name in counts else None})
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
    best, lowest = ([of(found[point]) for point in points] for of in (np.max, np.min))
    return rows.assign(gan_steps_per_second=best, lowest=lowest)


# --- start-up -----------------------------------------------------------------------------------

_FIRST_BUNDLE = """
import sys
import time
import gansim as gs
from gansim.engine.simulate import run_chunk
from gansim.engine.compile_ahead import compile_ahead
width = int(sys.argv[1])
net = gs.MLP(hidden=(width,))
gan = gs.GAN(target=gs.Normal(500, 5), generator=net, discriminator=net, steps=250, records=1)
start = time.perf_counter()
compile_ahead([gan])
print(time.perf_counter() - start)
run_chunk({0: gan}, [(0, rep) for rep in range(16)], 0)
"""


def startup(rounds: int) -> pd.DataFrame:
    """Seconds that compiling takes, on a new machine and of another shape, and until a process has a first bundle."""
    nothing, another, warm = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            nothing.append(first_bundle(folder)[0])
            another.append(first_bundle(folder, 17)[0])
            warm.append(first_bundle(folder)[1])
    rows = [
        ("compile one shape, nothing on disk", nothing, 2.5),
        ("compile one more shape, in another process", another, 1.5),
        ("start of a process to its first 16 trained GANs", warm, 1.5),
    ]
    return pd.DataFrame(
        [(what, min(found), max(found), target) for what, found, target in rows],
        columns=["what", "seconds", "highest", "target"],
    )


def first_bundle(cache: str, width: int = 16) -> tuple[float, float]:
    """Seconds to compile or load, and of the whole process: start, import, load, train and record 16 GANs 1-w-1."""
    start = time.perf_counter()
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", _FIRST_BUNDLE, str(width)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return float(done.stdout), time.perf_counter() - start
