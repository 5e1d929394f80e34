"""The well-known demos of GANs, on many seeds: how often do they find N(4, 1.25^2), and what if the mean is 400.

Six demos on one-dimensional normals by mean and spread of the data: devnag's of today and of 2017, AYLIEN/gan-intro,
ericjang/genadv_tutorial, hwalsuklee's, and that of the book at d2l.ai. A run succeeds if mean, spread and shape are
right (published/success.py). Settings are in published/one_dimensional.py, and what of each cannot be said as it was
published, with what stands in its place, in the table settings:

- devnag: D sees the batch, not its moments or squares; 64 samples at once for 500 or 100; of 2017 a third of the epochs
- AYLIEN, ericjang, hwalsuklee: noise drawn uniformly, not on a grid; no minibatch discrimination (AYLIEN's option)
- ericjang, hwalsuklee: D trained beforehand by its own losses, not on the density of the data
- ericjang: no tanh on G's output; hwalsuklee: batches that do not repeat; d2l.ai: one coordinate of two

Claims that such a setting may decide are "cannot be tried", with what was found: among them that devnag's finds a mean
of 4 and loses one of 400. Demos that cost much have a share of the replicates, at least 8. Beside them V of a D that is
trained against a frozen G, of which theory knows the value.

Writes tables, figures, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/demos/, with --quick to
<out>/demos-quick/.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import gansim as gs
from gansim.analysis.intervals import student
from gansim.analysis.shares import share_of
from gansim.analysis.theory import max_v
from gansim.command_line import cli
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.running.execution import Execution
from published.agreement import NAMES, RULE, Claim, table, within
from published.one_dimensional import CHANGED, DEMOS, settings
from published.success import MEANING, OUTCOMES, judged, maps, over_time
from published.users import AS_SET, MEAN, STD, WORDS, said_by_users, said_of_changes

# Steps: of each demo as many as published, but at most so many. Of the six, devnag's of 2017 alone has more.
FULL = cli.StudyOptions(reps=1000, steps=10_000)
QUICK = cli.StudyOptions(reps=16, steps=100)
AIMS = "How often do well-known demos find a normal law, and what do its mean, its spread and the seed change?"
RECORDS = 25
FIXED = gs.Given([([[1.0]], [0.0])])
FROZEN = {
    "on the data": {"standardise": True, "generator.init": FIXED},
    "one spread off": {"standardise": True, "generator.init": gs.Given([([[1.0]], [1.0])])},
    "as it begins": {},
}


def design(options: cli.StudyOptions) -> gs.Study:
    """Of each demo a grid, means far off, and what is blamed or stands for what cannot be said; frozen generators."""
    parts, records = [], min(RECORDS, options.steps)
    for demo in DEMOS:
        gan, reps = gs.replace(demo.of(options.steps), records=records), max(8, round(options.reps * demo.share))
        parts += [gs.Study(name, gan, factors, reps, options.seed) for name, factors in demo.designs().items()]
    frozen = gs.GAN(gs.Normal(500, 5), generator=(), g_steps=0, steps=min(5000, options.steps), records=records)
    parts.append(gs.Study("frozen", frozen, {"G": FROZEN}, options.reps, options.seed))
    name = "demos-quick" if options.quick else "demos"
    return gs.Study.of(name, [one for part in parts for one in part.designs], options.seed, AIMS)


def read(done: Execution) -> pd.DataFrame:
    """The runs of the demos with their outcomes, their demo, and what was changed in it."""
    runs, laws = judged(done), [cell.gan.target for cell in done.study.cells]
    demo = runs["design"].map({design: demo.name for demo in DEMOS for design in demo.designs()})
    where = {MEAN: [law.mean for law in laws], STD: [law.std for law in laws]}
    columns = {name: np.array(values)[runs["cell"]] for name, values in where.items()}
    return runs.assign(demo=demo, changed=runs[CHANGED].astype(object).fillna(AS_SET), **columns)[demo.notna()]


def shares(runs: pd.DataFrame) -> pd.DataFrame:
    """Success, right moments, right moments with another shape: by demo, mean, spread, and what was changed."""
    found = []
    for outcome, said in OUTCOMES.items():
        counted = gs.tabulate(runs, ["demo", MEAN, STD, "changed"], outcome).rename(columns={outcome: "outcome"})
        found.append(counted[counted["outcome"].astype(bool)].assign(outcome=said))
    return pd.concat(found, ignore_index=True)


def claims(done: Execution, runs: pd.DataFrame) -> Iterator[Claim]:
    """What was published of the demos, and what theory knows."""
    tried = max(cell.gan.steps for cell in done.study.cells) >= FULL.steps
    for said, expected, mine, outcome, sayable in said_by_users(runs):
        if mine.empty:  # of none with right moments the shape is unknown
            yield Claim(said, "{:g} to {:g}".format(*expected), np.nan, None, None, 0, None)
            continue
        found = share_of(mine, mine[outcome].to_numpy(bool))
        claim = within(said, *expected, found.share, (found.low, found.high), found.n)
        yield claim if tried and sayable else claim._replace(agrees=None)
    yield from (claim if tried else claim._replace(agrees=None) for claim in said_of_changes(runs))
    frozen = done.runs[done.runs["design"] == "frozen"]
    best = max_v(gs.Normal(), gs.Normal(1))
    for where, low, high in (("on the data", -1.3913, -1.3813), ("one spread off", 1.01 * best, 0.99 * best),
                             ("as it begins", -0.01, 0)):  # fmt: skip
        v = frozen.loc[frozen["G"] == where, "v"].to_numpy(float)
        half = student(len(v) - 1, 0.95) * v.std(ddof=1) / np.sqrt(len(v)) if len(v) > 1 else np.nan
        said = f"D against a frozen G {where}: V, mean"
        claim = within(said, low, high, float(v.mean()), (v.mean() - half, v.mean() + half), len(v))
        yield claim if tried and len(v) > 1 else claim._replace(agrees=None)


def write(done: Execution, folder: Path, options: cli.StudyOptions) -> None:
    """Tables and figures."""
    say, name, runs = cli.teller(done.study.name, options.quiet), done.study.name, read(done)
    caption = f"Demos of GANs on one-dimensional normals: what was published, and found. {RULE}"
    writing.save(table(claims(done, runs)), folder / "tables", "published", caption, WORDS, name, names=NAMES)
    caption = "How often demos find a normal law, by its mean and spread."
    writing.save(shares(runs), folder / "tables", "success", caption, MEANING, name)
    caption = "What of the demos is not written as it was published, and what stands in its place."
    writing.save(settings(), folder / "tables", "settings", caption, "", name)
    replace_figures(
        folder, ("success_maps", "success_over_time"), () if options.no_figures else figures(done, runs), say
    )


def figures(done: Execution, runs: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Success by mean and spread, and over training at what was published."""
    yield "success_maps", maps(runs[runs["changed"] == AS_SET], MEAN, STD)
    published = {demo.name: demo.gan.target for demo in DEMOS}
    rows = {name: runs.index[(runs["demo"] == name) & (runs["changed"] == AS_SET) & (runs[MEAN] == law.mean)
                             & (runs[STD] == law.std)] for name, law in published.items()}  # fmt: skip
    yield "success_over_time", over_time(done, rows)


if __name__ == "__main__":
    cli.run_design(design, write, FULL, QUICK)
