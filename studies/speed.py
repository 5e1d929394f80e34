"""How fast gansim trains, beside the same GANs in JAX and in PyTorch on the same cores, and beside what a core can do.

All are timed in turn: float32, batch 64, Adam for both players, one update of D and one of G a step, the best of five,
compile time apart. gansim is timed whole: random numbers, losses, optimisers, and a record every 250 steps. Yardsticks
that are not installed are skipped; to have them: pip install -e ".[bench]"

Writes tables, figures and metadata.json to <out>/speed/, with --quick to <out>/speed-quick/. Let nothing else run.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import joblib

from gansim.benchmarking import speed
from gansim.command_line import cli
from gansim.model.fields import Integer, Real
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.storage import places, provenance
from gansim.storage.metadata_json import write_metadata
from timing import pictures
from timing import tables as report
from timing.cases import ACCOUNTED, BATCHES, CASES, GANS, WIDTHS


@dataclass(frozen=True, kw_only=True)
class Options(cli.Options):
    """Options of this study."""

    seconds: Annotated[float, Real(0, 3600), "About how long each timing takes; 250 steps at least."] = 1.0
    rounds: Annotated[int, Integer(1, 1000), "Timings of each; the best counts, the others say how far it goes."] = 5
    cases: Annotated[int, Integer(1, len(CASES)), "Pairs of networks, from the smallest on."] = len(CASES)
    most_gans: Annotated[int, Integer(16, 1_000_000), "Trained at once where that is varied."] = 8192
    no_peers: Annotated[bool, "Leave the yardsticks out."] = False


FULL = Options()
QUICK = Options(seconds=0.2, rounds=1, cases=2, most_gans=1024)

CAPTIONS = {
    "ratios": "GAN-steps a second, the best round of each, and gansim's as multiples: of the best rounds, and the "
    "lowest and the highest of any round. JAX: one process, vmap over 1,024 GANs; JAX, tuned: the number of GANs at "
    "once that suits it, one process per core; PyTorch: eager, one GAN at a time, one process per core (these two are "
    "measured on one core and multiplied). The networks with data in two dimensions are trained only: no records. "
    "Targets were set before measuring, on a processor with AVX-512. Share of the peak: of what a core could multiply "
    "and add, by gansim.",
    "peak": "One core: flops of the matrix products alone over the time of everything, and the peak that a loop of "
    "multiply-adds in registers reaches in the same process; the best round of each, and the lowest and the "
    "highest share of any round.",
    "accounting": f"A step of a bundle ({speed.BUNDLE} GANs) on one core, microseconds. products: at the measured "
    "peak, which nothing can undercut; random numbers, activations (forward), updates: each by itself, as many as a "
    "step needs; left: what the step takes beyond their sum (loads and stores, losses, derivatives, products below the "
    "peak), less than 0 where parts overlap; records: on top, one every 250 steps. KiB: of parameters and gradients, "
    "for updates also their state.",
    "scaling": "GAN-steps a second of the whole engine, 1-w-1 networks with leaky ReLU, one thing varied at a time; "
    "all points in turn, the best round of each and the lowest.",
    "startup": "Seconds, the best of several and the highest. Compiling: by two processes if there are two cores. A "
    "process: start, import, load from disk, train 16 GANs for 250 steps, record.",
}


NAMES = {
    "jax": "JAX",
    "jax_tuned": "JAX, tuned",
    "torch": "PyTorch",
    "over_jax": "times JAX [lowest, highest]",
    "over_jax_tuned": "times JAX, tuned [lowest, highest]",
    "over_torch": "times PyTorch [lowest, highest]",
    "target_jax": "target, times JAX",
    "target_torch": "target, times PyTorch",
    "share_of_peak": "share of the peak",
    "flops_per_step": "flops a step",
    "gan_steps_per_second": "GAN-steps a second",
    "gflops": "Gflop/s",
    "peak_gflops": "peak, Gflop/s",
    "kib": "KiB",
    "us": "µs",
    "count": "how many",
}


def measure(options: Options, jobs: int) -> tuple[dict, dict[str, str]]:
    """All tables, and the versions of the yardsticks' packages."""
    began, cases = time.perf_counter(), CASES[: options.cases]

    def say(text: str) -> None:
        if not options.quiet:
            print(f"speed: {time.perf_counter() - began:4.0f} s  {text}", file=sys.stderr, flush=True)

    found = {}
    say(f"gansim and the yardsticks, {len(cases)} pairs of networks in turn ...")
    found["ratios"], versions = report.ratios(cases, jobs, options.seconds, options.rounds, not options.no_peers)
    say("the peak of a core ...")
    found["peak"] = report.peak(cases, options.seconds, options.rounds)
    found["ratios"] = report.with_shares(found["ratios"], found["peak"])
    say("the parts of a step ...")
    found["accounting"] = report.accounting([case for case in ACCOUNTED if case in cases], options.seconds)
    say("scaling ...")
    gans = [n for n in GANS if n <= options.most_gans]
    found["scaling"] = report.scaling(jobs, options.seconds, options.rounds, WIDTHS, BATCHES, gans)
    say("start-up ...")
    found["startup"] = report.startup(options.rounds)
    say("done")
    return found, versions


def confine(jobs: int) -> int:
    """How many cores are used, and no more of them by anybody, the yardsticks included."""
    cores = joblib.cpu_count()
    jobs = cores if jobs == -1 else min(jobs, cores)
    if jobs < cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:jobs])
    return jobs


def processor() -> str:
    """Its name, and how wide its vector registers are: some names tell no more than a maker's series."""
    return f"{provenance.machine()['processor']}, registers of {speed.REGISTER_BITS} bit"


def main(options: Options) -> None:
    """Measure, tabulate, draw."""
    study = "speed-quick" if options.quick else "speed"  # a folder each: a trial must not replace what was measured
    folder = Path(options.out) / study
    places.claim_folder(folder, study)
    jobs = confine(options.jobs)
    found, versions = measure(options, jobs)
    where = f"{processor()}, {jobs} core{'' if jobs == 1 else 's'}"
    for name, frame in found.items():
        writing.save(frame, folder / "tables", name, f"{where}. {CAPTIONS[name]}", study=study, names=NAMES)
    drawn = () if options.no_figures else pictures.all_figures(found["ratios"], found["scaling"], where)
    replace_figures(folder, pictures.FIGURES, drawn, cli.teller(study, options.quiet))
    settings = {name: getattr(options, name) for name in ("seconds", "rounds", "cases", "most_gans")}
    extra = {"jobs": jobs, **settings, "peak_gflops": round(found["peak"]["peak_gflops"].max(), 1), "peers": versions}
    facts = provenance.provenance(study, 0, (), extra)
    write_metadata(folder / "metadata.json", {k: v for k, v in facts.items() if k not in ("seed", "runs", "designs")})


if __name__ == "__main__":
    cli.run_study(main, FULL, QUICK)
