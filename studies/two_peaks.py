"""Own data: how reliably does a GAN learn 300 values with two peaks and a long tail, and what makes it more so.

The values are those that `gansim init observed` writes. Nine cells on one seed, updates of D a step x learning rate of
G, of 200 replicates of 10,000 steps on standardised data. docs/own-data.md reads the results.

Writes tables, a figure, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/two-peaks/, with --quick to
<out>/two-peaks-quick/. Ended early, it goes on where it was when it is called again.
"""

from importlib.resources import files
from pathlib import Path

import pandas as pd

import gansim as gs
from gansim.command_line import cli

# Why 10,000 steps: in a pilot of 48 replicates a cell, 4,000 left the better cells at half of their share.
FULL = cli.StudyOptions(reps=200, steps=10_000)
QUICK = cli.StudyOptions(reps=16, steps=1000)
AIMS = (
    "How often does a small GAN learn 300 observed values with two peaks and a long tail, and how does that change "
    "with the updates of D a step and the learning rate of G?"
)
VALUES = pd.read_csv(str(files("gansim.command_line") / "templates" / "observed.csv"))["value"]


def design(options: cli.StudyOptions) -> gs.Study:
    """One grid; what reliability was bought with is what most papers advise: a stronger D, a slower G."""
    gan = gs.GAN(gs.Observed(VALUES), generator=gs.MLP(16, "tanh"), standardise=True, steps=options.steps)
    factors = {"d_steps": [1, 3, 5], "optimizer_g.lr": [1e-4, 3e-4, 1e-3]}
    name = "two-peaks-quick" if options.quick else "two-peaks"
    return gs.Study(name, gan, factors, options.reps, options.seed, AIMS)


def main(options: cli.StudyOptions) -> None:
    """Simulate, tabulate, draw."""
    study = design(options)
    if cli.execute(study, options):
        print(Path(options.out) / study.name)


if __name__ == "__main__":
    cli.run_study(main, FULL, QUICK)
