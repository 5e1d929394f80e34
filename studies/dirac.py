"""Dirac-GAN: nine methods on three schedules, against the published rules.

Data at 0, G a point theta, D(x) = phi x (Mescheder, Geiger and Nowozin 2018). High is real, so phi starts at -1 where
the paper's psi starts at 1. Published are pictures; the numbers compared with follow from the published rules, and the
authors' code gives the same.

Writes tables, figures, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/dirac/, with --quick to
<out>/dirac-quick/.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gansim as gs
from gansim.command_line import cli
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.running.execution import Execution
from published.agreement import NAMES, Claim, exact, median, table, within
from published.orbits import decay, orbits

FULL = cli.StudyOptions(reps=400, steps=500)
QUICK = cli.StudyOptions(reps=40, steps=500)
RATE = gs.SGD(0.2)
AIMS = "Which methods bring Dirac-GAN to its equilibrium, under which order of updates, and how fast?"
METHODS = {
    "GAN": {"game": gs.Dirac()},
    "non-saturating": {"game": gs.Dirac("non-saturating")},
    "Wasserstein, clip 1": {"game": gs.Dirac("wasserstein"), "clip": 1},
    "Wasserstein, penalty 0.7 at 1": {"game": gs.Dirac("wasserstein", pull=0.7)},
    "R1 0.3": {"game": gs.Dirac(r1=0.3)},
    "R1 1 (critical)": {"game": gs.Dirac(r1=1)},
    "consensus 1, published code": {"game": gs.Dirac(consensus=1, share=0.5)},
    "consensus 1, gradient": {"game": gs.Dirac(consensus=1)},
    "non-saturating, R1 0.3": {"game": gs.Dirac("non-saturating", r1=0.3)},
}
SCHEDULES = {
    "simultaneous": {"updates": "simultaneous"},
    "alternating, 1 of D": {"updates": "alternating-g-first"},
    "alternating, 5 of D": {"updates": "alternating-g-first", "d_steps": 5},
}
# Distance from (0, 0) after 500 steps, least and greatest of the last 100: by method, on the first two schedules.
PUBLISHED = {
    "GAN": ("3.10 3.10 3.10", "1.42 1.34 1.42"),
    "non-saturating": ("0.640 0.626 0.644", "0.284 0.274 0.314"),
    "Wasserstein, clip 1": ("1.00 1.00 1.27", "1.02 0.949 1.05"),
    "Wasserstein, penalty 0.7 at 1": ("1.80 1.62 1.97", "1.22 1.14 1.44"),
    "R1 0.3": ("2.64e-6", "2.30e-7"),
    "R1 1 (critical)": ("9.53e-22", "7.48e-17"),
    "consensus 1, published code": ("2.08e-10", "1.33e-11"),
    "consensus 1, gradient": ("2.58e-10", "1.72e-11"),
}
WHAT = ("after 500 steps", "least of the last 100", "greatest of the last 100")
INVERTED = {("GAN", 0): "0.0725", ("Wasserstein, clip 1", 0): "0.4825", ("Wasserstein, clip 1", 1): "0.4725"}
CONTRACTION = {"GAN": "1.004988", "R1 1 (critical)": "0.900000"}


def design(options: cli.StudyOptions) -> gs.Study:
    """What nothing random is in once; noise as often as is asked for."""
    gan = gs.ParametricGame(
        gs.Dirac(), 1, -1, optimizer_g=RATE, optimizer_d=RATE, steps=options.steps, records=options.steps
    )
    exact_ = gs.Study("exact", gan, {"method": METHODS, "schedule": SCHEDULES}, 1, options.seed)
    noisy = gs.replace(gan, game=gs.Dirac(noise=0.7), batch_size=1000)
    noise = gs.Study("noise", noisy, {"schedule": SCHEDULES}, options.reps, options.seed)
    name = "dirac-quick" if options.quick else "dirac"
    return gs.Study.of(name, (*exact_.designs, *noise.designs), options.seed, AIMS)


def players(done: Execution) -> list[np.ndarray]:
    """Parameters of G and of D, of every run at every step."""
    return [done.traces[name].astype(float) for name in ("theta_1", "phi_1")]


def claims(done: Execution) -> Iterator[Claim]:
    """Every published number."""
    theta, phi = players(done)
    off, wrong, runs, schedules = np.hypot(theta, phi), theta * phi > 0, done.runs, list(SCHEDULES)
    row = {(run.method, run.schedule): run.Index for run in runs[runs["design"] == "exact"].itertuples()}
    for method, told in PUBLISHED.items():
        for schedule, numbers in zip(schedules, told, strict=False):
            last = off[row[method, schedule], -100:]
            for what, number, found in zip(WHAT, numbers.split(), (last[-1], last.min(), last.max()), strict=False):
                yield exact(f"{method}, {schedule}: distance, {what}", number, found)
    for (method, which), share in INVERTED.items():
        found = wrong[row[method, schedules[which]], 100:].mean()
        yield exact(f"{method}, {schedules[which]}: share of steps 101 to 500 with D inverted", share, found)
    for method, rate in CONTRACTION.items():
        yield exact(f"{method}: contraction of a simultaneous step near (0, 0)", rate, contraction(METHODS[method]))
    last = off[(runs["design"] == "noise") & (runs["schedule"] == schedules[0]), -1]
    said = "noise 0.7, simultaneous: median distance after 500 steps"
    yield within(said, 0.008, 0.02, *median(last), len(last))


def contraction(method: dict[str, object]) -> float:
    """Modulus of the eigenvalues of a step's derivative at (0, 0), where both have the same: the root of its det."""
    columns = []
    for start in ((1e-6, 0.0), (0.0, 1e-6)):
        rates = {"optimizer_g": RATE, "optimizer_d": RATE}
        gan = gs.ParametricGame(method["game"], *start, **rates, updates="simultaneous", steps=1)
        columns.append(gs.trace(gan)[["theta_1", "phi_1"]].to_numpy(float)[-1] / 1e-6)
    return float(np.sqrt(np.linalg.det(columns)))


def write(done: Execution, folder: Path, options: cli.StudyOptions) -> None:
    """Tables and figures."""
    say, name = cli.teller(done.study.name, options.quiet), done.study.name
    caption = "Dirac-GAN: what follows from the published rules (Mescheder et al. 2018), and what was found."
    writing.save(table(claims(done)), folder / "tables", "published", caption, "", name, names=NAMES)
    off, methods = np.hypot(*players(done)), done.runs["method"].astype(object).fillna("noise 0.7")
    ends = {"last": off[:, -1], "least": off[:, -100:].min(axis=1), "greatest": off[:, -100:].max(axis=1)}
    cells = done.runs.assign(method=methods, **ends).groupby(["method", "schedule"], sort=False, observed=True)
    medians = cells[list(ends)].median().assign(runs=cells.size()).reset_index()
    told = "Distance from (0, 0) after 500 steps, least and greatest of the last 100: medians over runs."
    writing.save(medians, folder / "tables", "distances", told, "", name)
    replace_figures(folder, ("orbits", "distances"), () if options.no_figures else figures(done), say)


def figures(done: Execution) -> Iterator[tuple[str, Figure]]:
    """Trajectories, and distances over steps; of noise the first replicate."""
    names, (theta, phi) = [*METHODS, "noise 0.7"], players(done)
    keys = zip(done.runs["method"].astype(object).fillna(names[-1]), done.runs["schedule"], strict=True)
    paths = {key: (theta[row], phi[row]) for row, key in enumerate(keys) if done.runs["rep"][row] == 0}
    note = "From theta = 1, phi = -1: the first 200 of 500 steps from light to dark, the last 41 black, the end."
    yield "orbits", orbits(paths, list(SCHEDULES), names, note)
    off = {key: np.hypot(*path) for key, path in paths.items()}
    yield "distances", decay(off, list(SCHEDULES), names, "How far from (0, 0) the players of Dirac-GAN are")


if __name__ == "__main__":
    cli.run_design(design, write, FULL, QUICK)
