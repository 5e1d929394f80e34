"""The figures of the founding study, from the same runs as its tables."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import gansim as gs
from gansim.design import regimes
from gansim.model.data import laws
from gansim.reporting import figures
from gansim.running.execution import Execution
from gansim.showing.typical import nearest_to_medians
from note.tables import CELL, TARGET, floor, part

NAMES = {
    "leaky_relu": "leaky ReLU",
    "affine": "affine G",
    "1-16-1": "1-16-1 G",
    "optimizer_g.lr": "learning rate of G",
    "optimizer_d.lr": "learning rate of D",
    "raw": "raw data",
    "standardised": "standardised data",
}
MOST = 9  # examples in the gallery
FIGURES = (
    "regime_shares",
    "regimes_over_time",
    "rate_map",
    "gallery",
    "v_against_auc",
    "moments_cloud",
    "convergence_time",
    "sample_size",
    "referee",
)


def example(done: Execution, runs: pd.DataFrame, regime: str) -> figures.Example:
    """One typical run of a regime, trained again."""
    mine = runs[runs["regime"] == regime]
    run = nearest_to_medians(mine)
    study = done.study
    gan = study.cells[run["cell"]].gan
    nets, trace = gs.networks(gan, run["rep"], study.seed), gs.trace(gan, run["rep"], study.seed)
    fakes = nets.generate(np.random.default_rng(study.seed).normal(size=4000))
    low, high = np.quantile(fakes, [0.005, 0.995])
    low, high = min(low, TARGET.mean - 4 * TARGET.std), max(high, TARGET.mean + 4 * TARGET.std)
    margin = 0.03 * (high - low)
    x = np.unique(np.concatenate([np.linspace(low - margin, high + margin, 600), np.linspace(480, 520, 201)]))
    cell = ", ".join(NAMES.get(str(run[name]), str(run[name])) for name in CELL)
    caption = f"{cell}; {len(mine):,} of {len(runs):,} runs"
    return figures.Example(
        regime, x, laws.pdf(TARGET, x), fakes, nets.discriminate(x), trace["step"], trace["v"], caption
    )


def easy(nets: str, traces: gs.Traces) -> str:
    """What the runs of the designs on learning rates and on sample sizes have in common."""
    return f"Standardised data, non-saturating, {nets}, leaky ReLU, {traces.steps.max():,} steps."


def all_figures(done: Execution) -> Iterator[tuple[str, Figure]]:
    """Every figure with its file name, one of FIGURES, one at a time."""
    games, traces = part(done, "games")
    rates, rate_traces = part(done, "rates")
    samples, sample_traces = part(done, "samples")
    sized = samples.assign(samples=pd.to_numeric(samples["samples"], errors="coerce"))
    counts = games["regime"].value_counts()
    seen = [regime for regime in regimes.REGIMES[:-1] if counts[regime]]
    kinds = sorted(seen, key=lambda regime: -counts[regime])[:MOST]
    title = f"One typical run of each {'regime' if len(kinds) == len(seen) else f'of the {MOST} most frequent regimes'}"
    over_time = [
        figures.shares_over_time(traces, games, floor(done), ["scale", "game"], column)
        for column in ("g_state", "d_state")
    ]
    good = games[(games["scale"] == "standardised") & (games["game"] != "as-written")]
    yield "regime_shares", figures.regime_shares(games, CELL[2:], CELL[:2], labels=NAMES)
    yield "regimes_over_time", figures.regimes_over_time(*over_time, columns="game", rows="scale", labels=NAMES)
    yield (
        "rate_map",
        figures.rate_map(
            rates, "optimizer_d.lr", "optimizer_g.lr", labels=NAMES, note=easy("1-16-1 G and D", rate_traces)
        ),
    )
    yield "gallery", figures.gallery([example(done, games, regime) for regime in kinds], title)
    yield "v_against_auc", figures.v_against_auc(games)
    yield "moments_cloud", figures.moments_cloud(games, columns="game", rows="scale", labels=NAMES)
    how = {"labels": NAMES, "note": f"Standardised data, first record at step {traces.steps.min():,}."}
    yield "convergence_time", figures.convergence_time(good, ["activation", "generator"], "game", **how)
    yield (
        "sample_size",
        figures.sample_size(sized, by=["generator"], labels=NAMES, note=easy("1-16-1 D", sample_traces)),
    )
    yield "referee", figures.referee(games, ["regime"])
