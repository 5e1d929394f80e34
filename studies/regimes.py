"""The founding study: which discriminators maximise V(D, G), and how often does training reach each.

On the smallest real example: data N(500, 5^2), noise N(0, 1), a generator that could learn G(z) = 5 z + 500.
Three designs share one seed:
- games: raw and standardised data x three games x two activations x two generators, 24 cells
- rates: a 16 x 16 grid of learning rates where they matter, on standardised data in the non-saturating game; half the
  steps, 32 replicates where the others have 1,000
- samples: fixed samples of 32 to 4,096 points, and fresh draws; half the steps

Writes tables, figures, claims.md, ademp.md, runs.parquet, traces.parquet and metadata.json to <out>/regimes/, with
--quick to <out>/regimes-quick/. Ended early, it goes on where it was when it is called again.
"""

from pathlib import Path

import numpy as np

import gansim as gs
from gansim.command_line import cli
from gansim.reporting import writing
from gansim.reporting.report import replace_figures
from gansim.running.execution import Execution
from gansim.storage import disk
from note import claims, pictures, reading
from note import tables as report

# Why 10,000 steps: in a pilot of 64 replicates a cell, the shares on standardised data were settled at 2,500 steps
# (leaky ReLU: 91 % converged at 2,500, 94 % at 10,000) or nearly so (tanh: 44 %, 66 %), and on raw data the
# non-saturating game was still moving at 5,000 (D perfect in 55 % of the leaky ReLU cell, 27 % at 10,000, 23 % at
# 20,000). Twice as long would double the study's time for one cell that still moves.
FULL = cli.StudyOptions(reps=1000, steps=10_000)
QUICK = cli.StudyOptions(reps=32, steps=1000)
AIMS = (
    "Which discriminators maximise V(D, G): a perfect, an idle or an inverted one? How often does training reach each "
    "of them, how often does the generator reach the target, and how do scale of the data, game, activation, "
    "generator, learning rates and size of a fixed sample change that?"
)
# Why not the default referee (64 units, batches of 64): of the accuracy that 512 converged affine generators leave to
# find above 1/2 it finds 48 %, this one 64 %, in 0.8 of its time, and 0.2 points more of perceptrons with leaky ReLU
# (0.10 +- 0.09 points less with tanh). Batches of 256 at a rate of 0.002 find 77 %, in 1.5 to 2 times its time.
REFEREE = gs.Referee(hidden=(32,), batch_size=128)
RECORDS = 25  # every 400 steps: measuring takes a tenth as long as training

# Why not raw data for the rates: on raw N(500, 5^2) no pair of rates brings G to the target more than now and then
# (3 of 2,704 pilot runs converged); on standardised data the rates decide between 0 and 100 %.
RATES = np.geomspace(1e-4, 1, 16).round(6).tolist()
SIZES = [32, 64, 128, 256, 512, 1024, 2048, 4096]


def both(**settings: object) -> dict[str, object]:
    """The same settings for both networks."""
    return {f"{net}.{name}": value for net in ("generator", "discriminator") for name, value in settings.items()}


def design(options: cli.StudyOptions) -> gs.Study:
    """The three designs as one study."""
    gan = gs.GAN(target=report.TARGET, steps=options.steps, records=min(RECORDS, options.steps), referee=REFEREE)
    generators = {"affine": {"generator.hidden": ()}, "1-16-1": {"generator.hidden": (16,)}}
    games = gs.Study(
        "games",
        gan,
        {
            "scale": {"raw": {"standardise": False}, "standardised": {"standardise": True}},
            "game": ["minimax", "non-saturating", "as-written"],
            "activation": {name: both(activation=name) for name in ("leaky_relu", "tanh")},
            "generator": generators,
        },
        options.reps,
        options.seed,
    )
    half = max(options.steps // 2, gan.records)
    easy = gs.replace(gan, {"standardise": True, "steps": half, "referee": None})
    rates = gs.Study(
        "rates",
        easy,
        {"optimizer_g.lr": RATES, "optimizer_d.lr": RATES},
        max(2, options.reps * 32 // 1000),
        options.seed,
    )
    sizes = {**{str(n): {"samples": n} for n in SIZES}, "fresh": {"samples": None}}
    samples = gs.Study("samples", easy, {"generator": generators, "samples": sizes}, options.reps, options.seed)
    name = "regimes-quick" if options.quick else "regimes"  # a folder each: their runs are not of one study
    return gs.Study.of(name, (*games.designs, *rates.designs, *samples.designs), options.seed, AIMS)


def main(options: cli.StudyOptions) -> None:
    """Simulate, tabulate, draw, judge."""
    study = design(options)

    def write(done: Execution, folder: Path) -> None:
        results = report.all_tables(done)
        for name, (frame, caption) in results.items():
            read, note = reading.shown(name, frame), done.study.stopping_note()
            writing.save(frame, folder / "tables", name, caption, note, done.study.name, read, reading.NAMES)
        frames = {name: frame for name, (frame, _) in results.items()}
        disk.write_text(folder / "claims.md", claims.page(done, frames))
        drawn = () if options.no_figures else pictures.all_figures(done)
        replace_figures(folder, pictures.FIGURES, drawn, cli.teller(study.name, options.quiet))

    if cli.execute(study, options, write):
        print(Path(options.out) / study.name)


if __name__ == "__main__":
    cli.run_study(main, FULL, QUICK)
