"""How much of a study's time goes into saving and into telling how far it is. Run python tests/tools/overhead.py.

Runs a study of about so many seconds with a results folder and adds up the time that the process which drives the
workers spends outside of simulating: opening, saving parts, progress, labels, the final files. Prints shares of the
whole; the limit is 3 % on two cores. Let nothing else run meanwhile.
"""

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import gansim as gs
from gansim.running import progress, simulating
from gansim.storage import folder

LIMIT = 3.0  # percent


def make(reps: int, steps: int) -> gs.Study:
    gan = gs.GAN(target=gs.Normal(500, 5), standardise=True, steps=steps, records=25)
    return gs.Study("overhead", gan, {"game": ["minimax", "non-saturating"]}, reps=reps)


def timed(totals: dict[str, float], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its wall-clock time added to a total."""

    def call(*args: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            totals[name] = totals.get(name, 0.0) + time.perf_counter() - started

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--steps", type=int, default=10_000, help="training steps per run: fewer, and there is more to save"
    )
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    trial = make(256, options.steps)
    took = trial.execute(jobs=options.jobs, progress=False).seconds["simulate"]
    reps = max(1, round(256 * options.seconds / took))

    totals: dict[str, float] = {}
    folder.Folder.add = timed(totals, "saving", folder.Folder.add)
    progress.Progress.advance = timed(totals, "progress", progress.Progress.advance)
    simulating._rows = timed(totals, "saving", simulating._rows)
    for name in ("resume", "start", "finish"):
        setattr(folder.Folder, name, timed(totals, name, getattr(folder.Folder, name)))
    whole = make(reps, options.steps)
    with tempfile.TemporaryDirectory() as out:
        # a terminal, so that the bar is drawn, which costs more than lines do
        terminal = io.StringIO()
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        stderr, sys.stderr = sys.stderr, terminal
        try:
            started = time.perf_counter()
            done = whole.execute(out=out, jobs=options.jobs)
            wall = time.perf_counter() - started
        finally:
            sys.stderr = stderr
        size = sum(path.stat().st_size for path in Path(out).rglob("*.parquet"))
    totals["label"] = done.seconds["label"]
    print(f"{whole.n_runs:,} runs in {wall:.1f} s, {size / 1e6:.1f} MB")
    for name, seconds in totals.items():
        print(f"{name:<10} {seconds:8.3f} s {100 * seconds / wall:6.2f} %")
    share = 100 * sum(totals.values()) / wall
    print(f"{'together':<10} {sum(totals.values()):8.3f} s {share:6.2f} %  (limit {LIMIT} %)")


if __name__ == "__main__":
    main()
