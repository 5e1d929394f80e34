"""How fast gansim trains, beside the same GANs in JAX and in PyTorch on the same cores, and beside what a core can do.

All are timed in turn: float32, batch 64, Adam for both players, one update of D and one of G a step, the best of five,
compile time apart. gansim is timed whole: random numbers, losses, optimisers, and a record every 250 steps. Penalties,
dynamics and games are timed beside the plain step, too, and beside JAX where it was written. --jobs is how many cores
are used, by all, and the rates are of so many. Yardsticks that are not
installed are skipped; to have them: pip install -e ".[bench]"

Writes tables, figures, report.html and metadata.json to <out>/speed/, with --quick to <out>/speed-quick/. Let nothing
else run.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import joblib

from gansim.benchmarking import speed
from gansim.command_line import cli
from gansim.model.fields import Integer, Real
from gansim.pages.report import page_of_tables
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.storage import disk, places, provenance
from gansim.storage.metadata_json import write_metadata
from gansim.storage.names import PAGE
from timing import costs, pictures
from timing import tables as report
from timing.captions import CAPTIONS, NAMES
from timing.cases import ACCOUNTED, BATCHES, CASES, GANS, WIDTHS
from timing.methods import METHODS


@dataclass(frozen=True, kw_only=True)
class Options(cli.Options):
    """Options of this study."""

    seconds: Annotated[float, Real(0.01, 3600), "About how long each timing takes; 250 steps at least."] = 1.0
    rounds: Annotated[int, Integer(1, 1000), "Timings of each; the best counts, the others say how far it goes."] = 5
    cases: Annotated[int, Integer(1, len(CASES)), "Pairs of networks, from the smallest on."] = len(CASES)
    methods: Annotated[int, Integer(1, len(METHODS)), "Of those beside the plain step, the first."] = len(METHODS)
    most_gans: Annotated[int, Integer(16, 1_000_000), "Trained at once where that is varied."] = 8192
    only: Annotated[
        Literal["all", "ratios", "peak", "accounting", "methods", "scaling", "startup"],
        "The table that is measured, into a folder of its own, such as <out>/speed-methods/.",
    ] = "all"
    no_peers: Annotated[bool, "Leave the yardsticks out."] = False


FULL = Options()
QUICK = Options(seconds=0.2, rounds=1, cases=2, methods=2, most_gans=1024)


def measure(options: Options, jobs: int) -> tuple[dict, dict[str, str]]:
    """All tables, or the one that is asked for, and the versions of the yardsticks' packages."""
    began, seconds, rounds, peers = time.perf_counter(), options.seconds, options.rounds, not options.no_peers
    cases, chosen = CASES[: options.cases], METHODS[: options.methods]
    accounted, gans = [case for case in ACCOUNTED if case in cases], [n for n in GANS if n <= options.most_gans]

    def say(text: str) -> None:
        if not options.quiet:
            print(f"speed: {time.perf_counter() - began:4.0f} s  {text}", file=sys.stderr, flush=True)

    parts = {
        "ratios": (
            f"gansim and the yardsticks, {len(cases)} pairs of networks in turn",
            lambda: report.ratios(cases, jobs, seconds, rounds, peers),
        ),
        "peak": ("the peak of a core", lambda: (report.peak(cases, seconds, rounds), {})),
        "accounting": ("the parts of a step", lambda: (report.accounting(accounted, seconds), {})),
        "methods": (f"{len(chosen)} methods", lambda: costs.methods(chosen, jobs, seconds, rounds, peers)),
        "scaling": ("scaling", lambda: (report.scaling(jobs, seconds, rounds, WIDTHS, BATCHES, gans), {})),
        "startup": ("start-up", lambda: (report.startup(rounds), {})),
    }
    found, versions = {}, {}
    for name, (text, part) in parts.items():
        if options.only in ("all", name):
            say(f"{text} ...")
            found[name], of_peers = part()
            versions |= of_peers
    if {"ratios", "peak"} <= found.keys():
        found["ratios"] = report.with_shares(found["ratios"], found["peak"])
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
    # A folder each: a trial, or a part, must not replace what was measured.
    study = "speed" + "-quick" * options.quick + f"-{options.only}" * (options.only != "all")
    folder = Path(options.out) / study
    places.claim_folder(folder, study)
    jobs = confine(options.jobs)
    found, versions = measure(options, jobs)
    where = f"{processor()}, {jobs} core{'' if jobs == 1 else 's'}"
    for name, frame in found.items():
        writing.save(frame, folder / "tables", name, f"{where}. {CAPTIONS[name]}", study=study, names=NAMES)
    drawn = () if options.no_figures else pictures.all_figures(found, where)
    replace_figures(folder, pictures.FIGURES, drawn, cli.teller(study, options.quiet))
    settings = {name: getattr(options, name) for name in ("seconds", "rounds", "cases", "methods", "most_gans")}
    peak = {"peak_gflops": round(found["peak"]["peak_gflops"].max(), 1)} if "peak" in found else {}
    facts = provenance.provenance(study, 0, (), {"jobs": jobs, **settings, **peak, "peers": versions})
    facts = {name: value for name, value in facts.items() if name not in ("seed", "runs", "designs")}
    write_metadata(folder / "metadata.json", facts)
    disk.write_text(folder / PAGE, page_of_tables(folder, facts))


if __name__ == "__main__":
    cli.run_study(main, FULL, QUICK)
