"""What the yardsticks share: their options, the clock, and what they print."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence

MISSING = 3  # exit code where a package is not installed
INSTALL = 'pip install -e ".[bench]"'


def missing(error: ImportError) -> SystemExit:
    """Say on stderr, in one line, what to install; the exception to raise."""
    print(f"{os.path.basename(sys.argv[0])}: skipped ({error}); to have it measured: {INSTALL}", file=sys.stderr)
    return SystemExit(MISSING)


def options(description: str, steps: int, gans: int | None = None, methods: Sequence[str] = ()) -> argparse.Namespace:
    """Read the command line; ``gans`` is the default of an option that a loop over GANs has no use for."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=sizes, default="1-16-1", metavar="SIZES", help="widths, inputs first")
    parser.add_argument("--discriminator", type=sizes, default="1-16-1", metavar="SIZES", help="the same for D")
    parser.add_argument("--activation", default="leaky_relu", choices=["leaky_relu", "relu", "tanh"])
    parser.add_argument("--batch", type=int, default=64, help="real samples, and fakes, per update (64)")
    parser.add_argument("--steps", type=int, default=steps, help=f"of each GAN in one timed run ({steps})")
    parser.add_argument("--cores", type=int, help="how many of the cores may be used (all)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, of which the best is printed (3)")
    parser.add_argument("--on-demand", action="store_true", help="one timed run for each line on stdin, each printed")
    if gans is not None:
        parser.add_argument("--gans", type=int, default=gans, help=f"how many are trained at once ({gans})")
    if methods:
        parser.add_argument("--method", default=methods[0], choices=methods, help=f"what is trained by ({methods[0]})")
        parser.add_argument("--tuned", action="store_true", help="written for speed, where there is another way")
    chosen = parser.parse_args()
    if chosen.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.cores])
    return chosen


def sizes(text: str) -> list[int]:
    """``1-16-1`` as numbers."""
    return [int(number) for number in text.split("-")]


def race(run: Callable[[], object], gan_steps: int, chosen: argparse.Namespace, versions: dict[str, str]) -> None:
    """Run once to warm up, then timed, and print lines of JSON: first the versions, then GAN-steps a second."""

    def rate() -> float:
        start = time.perf_counter()
        run()
        return gan_steps / (time.perf_counter() - start)

    run()
    print(json.dumps({"versions": versions}), flush=True)
    if chosen.on_demand:
        for _ in sys.stdin:
            print(json.dumps({"gan_steps_per_second": rate()}), flush=True)
    else:
        print(json.dumps({"gan_steps_per_second": max(rate() for _ in range(chosen.repeats))}))
