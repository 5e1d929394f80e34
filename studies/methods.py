"""The league table: which of the literature's remedies help, where and by how much, over 1,000 seeds.

Some forty methods (games, penalties, dynamics, optimisers, packing), each one change to the plain non-saturating game
with a number that papers use where they name one, on four targets: N(500, 5^2) raw and standardised, a mixture of two
normals, Student's t with 3 degrees of freedom. All share their replicates' random numbers, so that each is compared
with the plain game run by run. Methods that need another change beside (simultaneous updates, an optimiser that is not
Adam, more updates of D) are also compared with that change alone.

Every method has one setting, the same on all targets and tuned on none; league/cases.py says which are choices of this
study. Steps, targets and SGD's rate were chosen after pilots of the plain game and of SGD.

Writes tables, figures, summary.md, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/methods/, with
--quick to <out>/methods-quick/. The table of costs is timed when the tables are written, and so differs each time.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

import gansim as gs
from gansim.command_line import cli
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.running.execution import Execution
from gansim.storage import disk
from league import pictures, published, summary, tables
from league.cases import METHODS, TARGETS, methods

# Why 4,000 steps: plain runs on standardised data are settled by 2,000 (95 % of 128 pilot runs converged at 2,000, 92 %
# at 5,000), those on the mixture go round from 2,000 on (30 to 44 % of these until 5,000). --dry-run expects 15 minutes
# of two cores for 1,000 seeds.
FULL = cli.StudyOptions(reps=1000, steps=4000)
QUICK = cli.StudyOptions(reps=16, steps=400)
RECORDS = 40
AIMS = "Which of the remedies that the literature proposes make a small GAN converge more often, on which data?"
FIGURES = ("differences", "over_training", "costs")
MADE = "1-16-1 leaky ReLU, Adam unless the method is an optimiser, batches of 64"


def design(options: cli.StudyOptions) -> gs.Study:
    """All methods on all targets."""
    gan = gs.GAN(gs.Normal(500, 5), steps=options.steps, records=max(1, min(RECORDS, options.steps // 20)))
    factors = {"data": TARGETS, "method": methods(options.steps)}
    name = "methods-quick" if options.quick else "methods"
    return gs.Study(name, gan, factors, options.reps, options.seed, AIMS)


def captions(options: cli.StudyOptions) -> dict[str, str]:
    """What each table shows."""
    after = f"after {options.steps:,} steps ({MADE})"
    paired = "paired by replicate; p: McNemar's, exact, and Holm's of all comparisons of this table"
    return {
        "league": f"What became of the runs {after}. Left again: converged once and not at the end. Steps until half "
        "had begun to be converged, by Kaplan and Meier; none where fewer than half ever were.",
        "remedies": f"Share of runs that converged {after}, less that of the plain non-saturating game, {paired}. "
        "Could be seen: the smallest difference that would have been found in 80 % of such studies.",
        "beside": f"The same of methods that come with another change, less that of this change alone, {paired}.",
        "published": "What was published, and what was found: paired differences of shares, over the four targets "
        "together and on each in turn (raw, standardised, two normals, t(3); a star: Holm's p of all comparisons of "
        "the table at most 0.05). Left again: of pairs of runs that both were converged once. Brackets: "
        "95 %. Yes: as published on some target and on none the other way round; not less: on none "
        "less, and on none possibly by more than 5 points.",
        "costs": "Time of a training step as a multiple of the plain one, without records: median of ratios taken in "
        "turn, lowest and highest; of 16 GANs on one core.",
    }


def write(done: Execution, folder: Path, options: cli.StudyOptions) -> None:
    """Tables, the summary, figures."""
    say, runs = cli.teller(done.study.name, options.quiet), tables.judged(done.runs)
    runs = runs.assign(early_grad_g=done.traces["grad_g"][:, 0])
    found = {"league": tables.league(runs), "remedies": tables.remedies(runs), "beside": tables.beside(runs)}
    found["published"] = published.claims(runs, found["remedies"], options.steps >= FULL.steps)
    say(f"timing a step of {len(METHODS)} methods")
    found["costs"] = tables.costs(*((0.01, 1) if options.quick else (0.1, 9)))
    shown = {"league": tables.league_shown, "published": published.shown}
    names = tables.NAMES | published.NAMES
    for name, caption in captions(options).items():
        read = shown.get(name, tables.compared_shown)(found[name]) if name != "costs" else found[name]
        writing.save(found[name], folder / "tables", name, caption, "", done.study.name, read, names)
    disk.write_text(folder / "summary.md", summary.page(found["league"], found["remedies"], options.steps))
    replace_figures(folder, FIGURES, () if options.no_figures else figures(done, found), say)


def figures(done: Execution, found: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Figure]]:
    """What each method changes, the way there, what it costs."""
    yield "differences", pictures.differences(found["remedies"])
    yield "over_training", pictures.over_training(done)
    yield "costs", pictures.costs(found["costs"])


if __name__ == "__main__":
    cli.run_design(design, write, FULL, QUICK)
