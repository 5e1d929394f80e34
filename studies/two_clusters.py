"""Two clusters: does the relativistic game bring G from one of them to both, where the non-saturating one does not.

Half of the data lies around 0.15, half around 4.15 (Sun, Fang and Schwing 2020). Networks, initial weights, fixed noise
and full batches, updates, momentum and rates are those of the published script, which halves D's loss in the
non-saturating game, and not G's: half of D's rate here. A small design halves both. Published are D's loss at the best
D on two points, and curves of one seed, on which the non-saturating G stays on one cluster.

Said otherwise than there: clusters are normal, with means and spreads of the uniform ones on [0, 0.3] and [4, 4.3],
because shares near each mode are recorded of mixtures of normals; another small design has uniform ones, as 400 values.
Every run has 100 values of its own, each from either cluster by chance, where the script has one set of 50 and 50. The
script counts, in the end, fakes within 0.36 of 0 and of 4, and has no limit for the count; here fakes are counted at
every record, within 3 standard deviations of a mode, which is 0.26.

Writes tables, figures, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/two-clusters/, with --quick to
<out>/two-clusters-quick/.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import gansim as gs
from gansim.command_line import cli
from gansim.reporting import figures as general
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.running.execution import Execution
from published import clusters, escape, fingerprints, two_points
from published.agreement import NAMES, RULE, table
from published.relativistic import JS, PAIRED, claims, compared

FULL = cli.StudyOptions(reps=400, steps=5000)
QUICK = cli.StudyOptions(reps=24, steps=500)
AIMS = "How often, and how soon, does G come from one of two clusters to both, and does D's loss tell where it is?"
HALVED = "non-saturating, G halved"
RATES = {JS: (1e-2, 5e-3), PAIRED: (1e-2, 1e-2), HALVED: (5e-3, 5e-3)}  # of G and of D
MEANS, WIDTH = (0.15, 4.15), 0.3
UNIFORM = np.add.outer(MEANS, ((np.arange(200) + 0.5) / 200 - 0.5) * WIDTH).ravel()
FAR = 0.5  # Wasserstein-1, standard deviations: a quarter of the fakes moved from one cluster to the other
AFTER = (250, 500, 1000, 2000, 4000)  # steps from the first record near one cluster
SEEN = 6  # relativistic runs whose networks are trained again, 11 s each
LAWS = {"games": "normal", "uniform": "uniform"}
HEADINGS = {"end": "fakes near", "d_loss": "D's loss", "law": "clusters", "far": "off"}
NOTE = "Runs have 100 values of their own from normal clusters; the published ones share 50 and 50 from uniform ones."
WAIT = (
    "From near one cluster, at the first such record, to near both: Kaplan-Meier shares with 95 % intervals. "
    "Fewer relativistic runs are ever near one alone, and the test takes the runs of both games for independent."
)


def design(options: cli.StudyOptions) -> gs.Study:
    """Both games; and, of fewer replicates, both losses of the non-saturating one halved, and uniform clusters."""
    gan = gs.GAN(
        gs.Mixture(MEANS, WIDTH / 12**0.5),
        generator=gs.MLP((5, 5), "tanh", init="torch"),
        discriminator=gs.MLP((10, 10), "sigmoid", init="torch"),
        samples=100,
        batch_size="full",
        noise=gs.Uniform(-5, 5),
        fixed_noise=True,
        optimizer_g=gs.Momentum(1e-2, 0.9),
        optimizer_d=gs.Momentum(1e-2, 0.9),
        d_steps=10,
        g_steps=10,
        steps=options.steps,
        records=min(100, options.steps),
    )
    levels = {
        name: {"game": PAIRED if name == PAIRED else JS, "optimizer_g.lr": g, "optimizer_d.lr": d}
        for name, (g, d) in RATES.items()
    }
    two, few = {name: levels[name] for name in (JS, PAIRED)}, max(1, options.reps // 4)
    parts = (
        gs.Study("games", gan, {"method": two}, options.reps, options.seed),
        gs.Study("halved", gan, {"method": {HALVED: levels[HALVED]}}, few, options.seed),
        gs.Study("uniform", gs.replace(gan, target=gs.Observed(UNIFORM)), {"method": two}, few, options.seed),
    )
    name = "two-clusters-quick" if options.quick else "two-clusters"
    return gs.Study.of(name, [one for part in parts for one in part.designs], options.seed, AIMS)


def write(done: Execution, folder: Path, options: cli.StudyOptions) -> None:
    """Tables and figures."""
    say, runs = cli.teller(done.study.name, options.quiet), clusters.judged(done, MEANS)
    normal, games = runs[runs["design"] != "uniform"], runs[runs["design"] == "games"]
    paired = games[(games["method"] == PAIRED) & (games["end"] != clusters.NEITHER)]
    again = two_points.losses_again(done, paired.groupby("end", observed=True).head(SEEN))
    ends = [compared(games, "end", end).assign(end=end) for end in clusters.ENDS if (games["end"] == end).any()]
    steps = [compared(games, what) for what in ("steps_to_both", "steps_to_keep")]
    laws = runs[runs["design"] != "halved"].assign(law=runs["design"].map(LAWS), far=runs["w1"] > FAR)
    tried = all(cell.gan.steps >= FULL.steps for cell in done.study.cells)
    tables = {
        "published": (table(claims(runs, again, tried)), f"Two clusters: what was published, and found. {RULE} {NOTE}"),
        "ends": (gs.tabulate(normal, "method", "end"), "Where the fakes are after the last step."),
        "differences": (pd.concat(ends), "Where the fakes are after the last step, compared by replicate."),
        "steps": (pd.concat(steps), "Mean steps until fakes are near both clusters, and stay; all of them if never."),
        "losses": (gs.estimate(normal[normal["game"] == JS], ["method", "end"], "d_loss"), "D's loss at the end."),
        "losses_again": (
            again,
            f"D's loss at the end of the first {SEEN} relativistic runs of an end, on 400 points paired at random.",
        ),
        "escapes": (escape.escapes(games[games["fell"]], AFTER, (PAIRED, JS)), WAIT),
        "laws": (gs.tabulate(laws, ["law", "method"], "far"), f"Fakes more than {FAR} SD of the data off, at the end."),
    }
    for name, (frame, caption) in tables.items():
        writing.save(frame, folder / "tables", name, caption, "", done.study.name, names=NAMES | HEADINGS)
    drawn = () if options.no_figures else figures(done, runs)
    replace_figures(folder, ("over_time", "escape", "losses"), drawn, say)


def figures(done: Execution, runs: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """What G has reached over training, the wait for both clusters, and D's loss."""
    mine = (runs["design"] == "games").to_numpy()
    yield "over_time", fingerprints.over_time(done.traces.take(mine), runs["method"][mine])
    fell = runs[(runs["design"] == "games") & runs["fell"]]
    wait = fell.assign(converged_step=fell["waited"].where(fell["escaped"]), last_step=fell["waited"])
    told = {
        "title": "From one cluster to both",
        "note": "Runs with 0.9 of their fakes near one cluster at some record.",
    }
    clock = "training steps since the first such record"
    if len(wait):
        yield "escape", general.convergence_time(wait, "method", **told, event="escaped", clock=clock)
    plain = ((runs["method"] == JS) & (runs["design"] == "games")).to_numpy()
    yield "losses", fingerprints.portraits(done.traces.take(plain), runs[plain])


if __name__ == "__main__":
    cli.run_design(design, write, FULL, QUICK)
