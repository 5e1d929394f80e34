"""First-order dynamics: from which starts do two means find those of the data, and from which do they meet.

G is half N(theta_1, 1), half N(theta_2, 1), the data half N(-0.5, 1), half N(0.5, 1), D is 1 in two intervals (Li,
Madry, Peebles and Schmidt 2017). Steps of 0.1 by closed-form gradients, D from four uniforms on (-3, 3) in order; or
against the best D. Starts of G are the lower triangle of a grid of 10 x 10: the two means may be exchanged.

Published is that the best D always succeeds, and a map whose values nobody wrote down: shares to compare with follow
from the published rules. Each replicate has its own start of D, the same for all starts of G.

Writes tables, figures, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/first-order/, with --quick to
<out>/first-order-quick/.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import gansim as gs
from gansim.command_line import cli
from gansim.plotting import look
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.running.execution import Execution
from published.agreement import NAMES, Claim, table

FULL = cli.StudyOptions(reps=400, steps=3000)
QUICK = cli.StudyOptions(reps=20, steps=3000)
AIMS = "From which starts do first-order steps find both modes, and from which does the best D?"
GRID = np.linspace(-1, 1, 10).round(4).tolist()
STARTS = [(one, other) for one in GRID for other in GRID if one >= other]
ORDERS = ["alternating", "simultaneous"]
NEAR = 0.1  # of either mean, in any order
TOGETHER = 0.05  # means nearer than that have met
# Shares of all 55 starts: both means found, means met, and how far from them counts as agreement.
PUBLISHED = {
    "alternating": {"success": (0.061, 0.02), "means_met": (0.593, 0.05)},
    "simultaneous": {"success": (0.046, 0.02), "means_met": (0.671, 0.05)},
}


def design(options: cli.StudyOptions) -> gs.Study:
    """First-order steps from starts of D that are drawn; the best D has none."""
    first = gs.ParametricGame(
        gs.TwoNormals(), (1, 0), (gs.Uniform(-3, 3),) * 4, ordered=True, steps=options.steps, records=10
    )
    factors = {"updates": ORDERS, "start_g": STARTS}
    steps = gs.Study("first_order", first, factors, options.reps, options.seed)
    apart = [start for start in STARTS if start[0] != start[1]]  # equal means can never part
    best = gs.Study("best", gs.replace(first, {"game.best": True}), {"start_g": apart}, 1, options.seed)
    name = "first-order-quick" if options.quick else "first-order"
    return gs.Study.of(name, (*steps.designs, *best.designs), options.seed, AIMS)


def judged(done: Execution) -> pd.DataFrame:
    """The runs with where they began and how they ended."""
    starts = np.array([done.study.cells[cell].gan.start_g for cell in done.runs["cell"]])
    ends = np.sort(done.runs[["theta_1", "theta_2"]].to_numpy(float), axis=1)
    success = (np.abs(ends - [-0.5, 0.5]) < NEAR).all(axis=1)
    met = ends[:, 1] - ends[:, 0] < TOGETHER
    columns = {f"theta_{i + 1} at first": starts[:, i].round(2) for i in range(2)}
    return done.runs.assign(success=success, means_met=met, equal=starts[:, 0] == starts[:, 1], **columns)


def shares(runs: pd.DataFrame) -> pd.DataFrame:
    """Both means found, and means met, by order of updates, of all starts and of those that are not equal."""
    found = []
    for starts, mine in (("all 55", runs), ("the 45 of unequal means", runs[~runs["equal"]])):
        for outcome in ("success", "means_met"):
            counted = gs.tabulate(mine, ["updates"], outcome)
            yes = counted[counted[outcome].astype(str) == "True"].drop(columns=outcome)
            yes.insert(1, "outcome", outcome)
            yes.insert(1, "starts", starts)
            found.append(yes)
    return pd.concat(found, ignore_index=True)


def claims(runs: pd.DataFrame, told: pd.DataFrame) -> Iterator[Claim]:
    """Every published number."""
    best = runs[runs["design"] == "best"]["success"]
    said = "best D: share of the 45 starts of unequal means that succeed"
    yield Claim(said, "1", float(best.mean()), None, None, len(best), bool(best.all()))
    every = told[told["starts"] == "all 55"].set_index(["updates", "outcome"])
    for order, outcomes in PUBLISHED.items():
        for outcome, (share, off) in outcomes.items():
            row = every.loc[(order, outcome)]
            meets = row["low"] <= share + off and row["high"] >= share - off
            said = f"first-order, {order}: share of all 55 starts, {outcome}"
            yield Claim(said, f"{share:g} ± {off:g}", row["share"], row["low"], row["high"], int(row["n"]), meets)


@look.styled
def maps(runs: pd.DataFrame) -> Figure:
    """Both means found, and means met, by where G's means begin."""
    figure = Figure(figsize=(look.WIDTH, 7.4), layout="constrained")
    look.head(
        figure,
        "First-order steps: where they lead, by G's first means",
        f"Of {runs['rep'].nunique()} starts of D each.",
    )
    for row, order in zip(figure.subplots(2, 2), ORDERS, strict=True):
        for axes, outcome in zip(row, ("success", "means_met"), strict=True):
            mine = runs[runs["updates"] == order]
            gs.plot.heatmap(
                mine, "theta_1 at first", "theta_2 at first", outcome, ax=axes, title=f"{outcome}, {order}", note=""
            )
    return figure


def write(done: Execution, folder: Path, options: cli.StudyOptions) -> None:
    """Tables and figures."""
    say, name, runs = cli.teller(done.study.name, options.quiet), done.study.name, judged(done)
    first = runs[runs["design"] == "first_order"]
    told = shares(first)
    caption = "Two normals against two intervals: what was published or follows from it, and what was found."
    writing.save(table(claims(runs, told)), folder / "tables", "published", caption, "", name, names=NAMES)
    caption = "How first-order steps end: both means within 0.1 of the data's; or within 0.05 of each other."
    writing.save(told, folder / "tables", "first_order", caption, "", name)
    drawn = () if options.no_figures else [("success_map", maps(first))]
    replace_figures(folder, ("success_map",), drawn, say)


if __name__ == "__main__":
    cli.run_design(design, write, FULL, QUICK)
