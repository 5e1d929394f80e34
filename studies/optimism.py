"""Optimism: the linear Wasserstein GAN and a bilinear game, by gradient descent, optimistic and extragradient steps.

Data N((3, 4), I), fakes z + theta, D(x) = phi x, both from the published starts (Daskalakis et al. 2018); and
min over theta, max over phi of theta phi from (2, 0.5), phi within [-1, 1] (Gidel et al. 2019). Published are pictures;
the numbers compared with follow from the published rules.

Writes tables, figures, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/optimism/, with --quick to
<out>/optimism-quick/.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gansim as gs
from gansim.analysis.intervals import student
from gansim.command_line import cli
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.running.execution import Execution
from published.agreement import NAMES, Claim, exact, table, within
from published.orbits import decay

FULL = cli.StudyOptions(reps=64, steps=99_900)
QUICK = cli.StudyOptions(reps=8, steps=9_990)
AIMS = "Which dynamics bring a bilinear game to rest, and a generator to the mean of its data?"


def both(optimizer: gs.SGD | gs.Momentum | gs.Nesterov | gs.Optimistic) -> dict[str, object]:
    """The same optimiser for both players."""
    return {"optimizer_g": optimizer, "optimizer_d": optimizer}


EXPECTED = {
    "gradient descent, clip 1": {"clip": 1},
    "gradient descent": {},
    "gradient descent, penalty 0.1": {"game.penalty": 0.1},
    "gradient descent, penalty 1": {"game.penalty": 1},
    "optimistic": both(gs.Optimistic(0.1)),
    "extragradient": {"updates": "extragradient"},
    "past extragradient": {"updates": "past-extragradient"},
}
BILINEAR = {
    "gradient descent": {},
    "gradient descent, alternating": {"updates": "alternating"},
    "momentum 0.1": both(gs.Momentum(0.1, 0.1)),
    "momentum -0.1": both(gs.Momentum(0.1, -0.1)),
    "Nesterov 0.1": both(gs.Nesterov(0.1, 0.1)),
    "average of G": {"average": gs.Average(None)},
    "lookahead 5": {"lookahead": gs.Lookahead(5)},
    "optimistic": both(gs.Optimistic(0.1)),
    "extragradient": {"updates": "extragradient"},
    "past extragradient": {"updates": "past-extragradient"},
}
# Distance of theta from (3, 4), the last and the least and greatest of the last 200.
PUBLISHED = {
    "gradient descent, clip 1": "1.18 0.699 1.34",
    "gradient descent": "447",
    "gradient descent, penalty 0.1": "2.12 1.76 2.19",
    "gradient descent, penalty 1": "1.0526 1.0526 1.0526",
    "optimistic": "0.0175 0.0032 0.0556",
}
WHAT = ("last", "least of the last 200", "greatest of the last 200")
RECORDS = 999  # of every run: at every step where gradients are exact, every hundredth where they are drawn
DRAWN = {
    "gradient descent, clip 1, batch 200": {"clip": 1, "batch_size": 200},
    "optimistic, batch 2,000": {**both(gs.Optimistic(0.01)), "batch_size": 2000},
}
AROUND = {"gradient descent, clip 1, batch 200": 1.004, "optimistic, batch 2,000": 0.037}


def design(options: cli.StudyOptions) -> gs.Study:
    """Exact gradients once; drawn ones as often as is asked for."""
    name = "optimism-quick" if options.quick else "optimism"
    common = {"updates": "simultaneous", "steps": RECORDS, "records": RECORDS}
    linear = gs.ParametricGame(gs.LinearWasserstein(), (1.7, 1.7), (1.4, 1.4), **common)
    # Of two parameters each, as those of the other game, but the second ones begin at rest and stay there.
    bilinear = gs.ParametricGame(gs.Bilinear(2), (2, 0), (0.5, 0), clip=1, **common)
    slow = {**both(gs.SGD(0.01)), "steps": max(options.steps, RECORDS)}
    drawn = gs.replace(linear, {"game.samples": True, "precision": "float32", **slow})
    parts = (
        gs.Study("expected", linear, {"method": EXPECTED}, 1, options.seed),
        gs.Study("bilinear", bilinear, {"method": BILINEAR}, 1, options.seed),
        gs.Study("drawn", drawn, {"method": DRAWN}, options.reps, options.seed),
    )
    return gs.Study.of(name, [one for part in parts for one in part.designs], options.seed, AIMS)


def off(done: Execution, design: str) -> tuple[list[str], np.ndarray]:
    """Methods of the runs of a design, and how far G, or both players, are from where they ought to end, by record."""
    mine = (done.runs["design"] == design).to_numpy()
    g, d = (done.traces[name][mine].astype(float) for name in ("g_off", "d_off"))
    return done.runs["method"][mine].tolist(), np.hypot(g, d) if design == "bilinear" else g


def claims(done: Execution) -> Iterator[Claim]:
    """Every published number."""
    distances = dict(zip(*off(done, "expected"), strict=True))
    for method, numbers in PUBLISHED.items():
        # 1,000 states are 999 steps, and 998 of optimistic ones, whose first two states are the start.
        path = distances[method][: -1 if method == "optimistic" else None]
        found = (path[-1], path[-200:].min(), path[-200:].max())
        for what, number, value in zip(WHAT, numbers.split(), found, strict=False):
            yield exact(f"linear Wasserstein GAN, {method}: distance from the mean, {what}", number, value)
    methods, paths = off(done, "drawn")
    tried = all(cell.gan.steps == FULL.steps for cell in done.study.cells if cell.design == "drawn")
    for method, around in AROUND.items():
        mine = np.sqrt((paths[np.array(methods) == method][:, -50:] ** 2).mean(axis=1))
        half = student(len(mine) - 1, 0.95) * mine.std(ddof=1) / np.sqrt(len(mine))
        found = float(mine.mean()), (float(mine.mean() - half), float(mine.mean() + half))
        said = f"linear Wasserstein GAN, {method}: root mean square distance, last 5,000 steps"
        claim = within(said, 0.7 * around, 1.3 * around, *found, len(mine))
        yield claim if tried else claim._replace(agrees=None)
    bilinear = dict(zip(*off(done, "bilinear"), strict=True))
    for method, shrinks in (("gradient descent", False), ("extragradient", True), ("past extragradient", True)):
        found = float(bilinear[method][-1])
        said = f"bilinear game, {method}: distance of both after 999 steps"
        yield Claim(said, "to 0" if shrinks else "not to 0", found, None, None, 1, (found < 0.1) == shrinks)


def write(done: Execution, folder: Path, options: cli.StudyOptions) -> None:
    """Tables and figures."""
    say, name = cli.teller(done.study.name, options.quiet), done.study.name
    caption = "Linear games: what follows from the published rules, and what was found."
    writing.save(table(claims(done)), folder / "tables", "published", caption, "", name, names=NAMES)
    replace_figures(folder, ("expected", "bilinear"), () if options.no_figures else figures(done), say)


def figures(done: Execution) -> Iterator[tuple[str, Figure]]:
    """Distances over steps."""
    for design, title in (("expected", "Linear Wasserstein GAN, exact gradients"), ("bilinear", "Bilinear game")):
        methods, paths = off(done, design)
        off_ = {(method, ""): path for method, path in zip(methods, paths, strict=True)}
        yield design, decay(off_, [""], methods, title)


if __name__ == "__main__":
    cli.run_design(design, write, FULL, QUICK)
