"""How much memory a large study takes, and how fast it opens. Run python tests/tools/large.py.

Simulates half of 100,000 short runs with the records of long ones into a temporary folder, then extends it to all, each
in a process of its own, and opens the result in another. Limits: 3 GiB, 2 s to open.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_SECONDS, MOST_MEMORY = 2.0, 3.0
sys.path.insert(0, str(ROOT))


def simulate(out: str, runs: int, records: int) -> None:
    import gansim as gs

    gan = gs.GAN(target=gs.Normal(500, 5), standardise=True, steps=records, records=records, n_eval=32)
    factors = {"game": ["minimax", "non-saturating"], "optimizer_d.lr": [1e-3, 1e-2]}
    gs.Study("large", gan, factors, reps=runs // 4).run(out=out, jobs=2, progress=False, report=False)


def read(out: str) -> None:
    from gansim.running import results
    from gansim.storage.parquet import read_runs, read_traces

    def whole(folder: Path) -> object:
        return results.open_results(folder).read()

    for function in (read_runs, read_traces, whole):
        started = time.perf_counter()
        function(Path(out) / "large")
        seconds = time.perf_counter() - started
        print(f"{function.__name__}: {seconds:.2f} s (limit {MOST_SECONDS:g} s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=25)
    parser.add_argument("--step", choices=["simulate", "read"])
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.step == "simulate":
        simulate(options.out, options.runs, options.records)
    elif options.step == "read":
        read(options.out)
    if options.step:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"peak memory: {peak:.2f} GiB (limit {MOST_MEMORY:g} GiB)")
        return
    with tempfile.TemporaryDirectory() as out:
        for step, runs in (("simulate", options.runs // 2), ("simulate", options.runs), ("read", options.runs)):
            started = time.perf_counter()
            print(f"{step} {runs:,} runs, {options.records} records each", flush=True)
            settings = ["--runs", str(runs), "--records", str(options.records), "--step", step, "--out", out]
            subprocess.run([sys.executable, __file__, *settings], check=True)
            print(f"process: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
