"""The tables of the founding study, each a frame and a caption. Numbers only: verdicts are in claims.py."""

import numpy as np
import pandas as pd

import gansim as gs
from gansim.analysis import intervals, labels, replicates, theory
from gansim.analysis.comparisons import compare
from gansim.analysis.estimates import estimate
from gansim.analysis.floor import Floor, floor_of
from gansim.analysis.sensitivity import sensitivity
from gansim.analysis.shares import tabulate
from gansim.design import regimes
from gansim.model import elementary
from gansim.running.execution import Execution

CELL = ["scale", "game", "activation", "generator"]
MADE = "GANs on N(500, 5²)"
RUN = ["cell", "rep", "seed"]  # by which tables know that runs of several cells share their replicates
TARGET = gs.Normal(500, 5)
TRUTH = {"intercept": TARGET.mean, "slope": TARGET.std}  # G(z) = 5 z + 500; the slope's sign is not identified
FAR = gs.Normal(400, 5)  # a generator that a perfect discriminator can tell from the target for certain
NEAR = gs.Normal(502, 6)  # one that none can
CEILING = ["best_accuracy", "found", "found_mcse"]


def part(done: Execution, design: str) -> tuple[pd.DataFrame, gs.Traces]:
    """Runs and traces of one design."""
    mine = (done.runs["design"] == design).to_numpy()
    return done.runs[mine].reset_index(drop=True), done.traces.take(mine)


def floor(done: Execution) -> Floor:
    """What samples of the target measure; all cells have the same n_eval."""
    return floor_of(TARGET, done.study.cells[0].gan.n_eval)


def d_states_over_training(runs: pd.DataFrame, traces: gs.Traces, floor: Floor) -> pd.DataFrame:
    """D's state at five moments of training."""
    codes, frames = labels.d_states(traces, floor), []
    for record in np.linspace(0, traces.records - 1, 5).astype(int):
        state = pd.Categorical.from_codes(codes[:, record], regimes.D_STATES, ordered=True)
        frames.append(runs[[*CELL[:3], *RUN]].assign(step=traces.steps[:, record], d_state=state))
    states = pd.concat(frames).sort_values("cell", kind="stable")  # the moments of a cell below each other
    return tabulate(states, [*CELL[:3], "step"], "d_state")


def recovery(runs: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Bias, spread and RMSE of theta_g in affine generators, the slope without its sign, and of maximum likelihood."""
    rows: list[dict[str, object]] = []
    for group, mine in runs.groupby(by, sort=False, dropna=False):
        for quantity, truth in TRUTH.items():
            found = {"generator": mine[f"g_{quantity}"], "maximum likelihood": _likelihood(mine, quantity)}
            for estimator, values in found.items():
                errors = ((values.abs() if quantity == "slope" else values) - truth).dropna().to_numpy()
                if len(errors) > 1:
                    rows.append({**dict(zip(by, group, strict=True)), "quantity": quantity, "estimator": estimator})
                    rows[-1] |= {"n": len(errors), "missing": len(mine) - len(errors), **_errors(errors)}
    return pd.DataFrame(rows, columns=[*by, "quantity", "estimator", "n", "missing", *_errors(np.ones(2))])


def _likelihood(runs: pd.DataFrame, quantity: str) -> pd.Series:
    return runs["sample_mean" if quantity == "intercept" else "sample_std"]


def _errors(errors: np.ndarray) -> dict[str, float]:
    """Performance measures with their Monte-Carlo errors (Morris, White and Crowther 2019, table 6)."""
    n, rmse = len(errors), np.sqrt(np.mean(errors**2))
    sd = errors.std(ddof=1)
    return {
        "bias": errors.mean(),
        "bias_mcse": sd / np.sqrt(n),
        "spread": sd,
        "spread_mcse": sd / np.sqrt(2 * (n - 1)),
        "rmse": rmse,
        "rmse_mcse": np.std(errors**2, ddof=1) / np.sqrt(n) / (2 * rmse) if rmse else 0.0,
    }


def v_of_three(runs: pd.DataFrame) -> pd.DataFrame:
    """V in perfect, idle and inverted discriminators: constructed, with the quadrature's error, and in runs."""
    rows: list[dict[str, object]] = []
    for state in theory.V_LIMITS:
        for confidence in (1.0, 5.0, 20.0, 50.0, 100.0) if state != "idle" else (0.0,):
            v = theory.v_of(theory.constructed_logit(state, TARGET, FAR, confidence), TARGET, FAR)
            how = f"constructed, logit ± {confidence:g}" if confidence else "constructed, logit 0"
            apart = -2 * float(elementary.softplus(confidence if state == "inverted" else -confidence))
            rows.append({"d_state": state, "how": how, "v": v.rounded(), "error": float(f"{v.error:.0e}")})
            rows[-1] |= {"v_without_overlap": apart}
        v = runs.loc[runs["d_state"] == state, "v"].to_numpy()
        if len(v):
            least, low, median, high, greatest = np.quantile(v, [0, 0.05, 0.5, 0.95, 1]).tolist()
            rows.append({"d_state": state, "how": "runs that end so", "n": len(v), "v": median})
            rows[-1] |= {"least_v": least, "q05_v": low, "q95_v": high, "greatest_v": greatest}
    order = ["d_state", "how", "n", "v", "error", "v_without_overlap", "least_v", "q05_v", "q95_v", "greatest_v"]
    return pd.DataFrame(rows, columns=order).astype({"n": "Int64"})


def normals(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Standard normals by Marsaglia and Bray's polar method (1964), the same bits on any processor.

    NumPy's own take exp and log1p from the C library where they are rare, once in a few hundred draws.
    """
    n = shape[0] * shape[1]
    found = np.empty(0)
    while len(found) < n:  # pi/4 of the points lie in the circle, and each gives two
        x, y = 2 * rng.random((2, max(64, int(0.65 * (n - len(found)))))) - 1
        s = x * x + y * y
        inside = (s > 0) & (s < 1)
        x, y, s = x[inside], y[inside], s[inside]
        found = np.concatenate([found, np.concatenate([x, y]) * np.tile(np.sqrt(-2 * elementary.log(s) / s), 2)])
    return found[:n].reshape(shape)


def sample_v_frozen(seed: int, reps: int) -> pd.DataFrame:
    """Sample V minus population V of a fixed pair (D optimal for a fixed G) over n, with the law 1 / sqrt(n)."""
    logit, rng = theory.optimal_logit(TARGET, NEAR), np.random.default_rng(seed)
    population, rows = theory.v_of(logit, TARGET, NEAR), []

    def sample_v(n: int) -> float:  # a replicate at a time stays in the processor's cache: 3 times as fast
        real, fake = (law.mean + law.std * z for law, z in zip((TARGET, NEAR), normals(rng, (2, n)), strict=True))
        return float(-elementary.softplus(-logit(real)).mean() - elementary.softplus(logit(fake)).mean())

    for n in (2 ** np.arange(5, 13)).tolist():
        errors = np.array([sample_v(n) for _ in range(reps)]) - population
        expected, sd = float(theory.sd_of_sample_v(logit, TARGET, NEAR, n)), errors.std(ddof=1)
        rows.append({"points": n, "n": reps, "bias": errors.mean(), "bias_mcse": sd / np.sqrt(reps)})
        rows[-1] |= {"spread": sd, "spread_mcse": sd / np.sqrt(2 * (reps - 1)), "expected_spread": expected}
    return pd.DataFrame(rows)


def ceilings(runs: pd.DataFrame) -> pd.Series:
    """The best accuracy that any discriminator can have against each finite affine generator; NaN for other runs."""
    known = {}
    for row in runs[(runs["generator"] == "affine") & runs["g_slope"].notna()].itertuples():
        law = gs.Normal(row.g_intercept, max(abs(row.g_slope), 1e-9 * TARGET.std))  # a spike, were it a single point
        known[row.Index] = theory.best_accuracy(TARGET, law).rounded()
    return pd.Series(known, index=runs.index, dtype=float)


def referee_ceiling(runs: pd.DataFrame) -> pd.DataFrame:
    """The referee's accuracy beside the best possible one, by what G did, and which share of the excess it finds."""
    rows, by = [], ["scale", "game", "generator", "g_state"]
    for group, mine in runs.dropna(subset=["referee_accuracy"]).groupby(by, sort=False, observed=True):
        accuracy, ceiling = mine["referee_accuracy"], mine["ceiling"]
        low, median, high = accuracy.quantile([0.05, 0.5, 0.95])
        row = {**dict(zip(by, group, strict=True)), "n": len(mine), "accuracy": accuracy.mean(), "q05": low}
        row |= {"median": median, "q95": high, "best_accuracy": ceiling.mean()}
        if ceiling.notna().all() and len(mine) > 1:
            found = (accuracy - 0.5).sum() / (ceiling - 0.5).sum()
            off = ((accuracy - 0.5) - found * (ceiling - 0.5)).groupby(mine["rep"]).sum()  # replicates are independent
            row |= {"found": found, "found_mcse": np.sqrt((off**2).sum()) / (ceiling - 0.5).sum()}
        rows.append(row)
    return pd.DataFrame(rows, columns=[*by, "n", "accuracy", "q05", "median", "q95", *CEILING])


def sample_v_trained(runs: pd.DataFrame) -> pd.DataFrame:
    """V on the run's own sample minus held-out V of the same D: what D has learned by heart."""
    own = runs[runs["samples"] != "fresh"].assign(overfit=lambda r: (r["v_train"] - r["v"]).astype(float))
    return estimate(own, ["generator", "samples"], ["overfit"])


def convergence_times(runs: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Kaplan-Meier quartiles of the step at which convergence first began; runs that never converged are censored."""
    rows = []
    for group, mine in runs.groupby(groups, sort=False):
        event = mine["converged_step"].notna()
        times = mine["converged_step"].fillna(mine["last_step"])
        curve = intervals.kaplan_meier(times, event, replicate=replicates.replicates_of(mine))
        row = {**dict(zip(groups, group, strict=True)), "n": len(mine), "ever_converged": int(event.sum())}
        for share in (0.25, 0.5, 0.75):
            reached = curve.loc[curve["survival"] <= 1 - share, "step"]
            row[f"step_of_{100 * share:.0f}_percent"] = reached.iloc[0] if len(reached) else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def all_tables(done: Execution) -> dict[str, tuple[pd.DataFrame, str]]:
    """Every table by file name, with its caption."""
    games, traces = part(done, "games")
    rates, rate_traces = part(done, "rates")
    samples, sample_traces = part(done, "samples")
    games = games.assign(ceiling=ceilings(games))
    affine = games["generator"] == "affine"
    states = [f"share_{state}" for state in ("perfect", "idle", "inverted", "mixed", "nonfinite")]
    grid = regimes.vary(
        w1=(0.1, 0.15, 0.3), ks=(0.1, 0.2), spread=(0.05, 0.2), perfect_hi=(0.8, 0.95), idle=(0.05, 0.2)
    )
    last, last_rates, last_samples = (
        f"after {these.steps.max():,} steps" for these in (traces, rate_traces, sample_traces)
    )
    return {
        "regimes_by_cell": (tabulate(games, CELL), f"What G and D did in training of {MADE}, by cell, {last}."),
        "generators_by_cell": (tabulate(games, CELL, "g_state"), f"What G did in training of {MADE}, by cell, {last}."),
        "discriminators_by_cell": (
            tabulate(games, CELL, "d_state"),
            f"What D did in training of {MADE}, by cell, {last}.",
        ),
        "d_states_over_training": (
            d_states_over_training(games, traces, floor(done)),
            f"What D did at five moments of training of {MADE}.",
        ),
        "d_time_shares": (
            estimate(games, CELL, states),
            f"Share of the records of a run that D spent in each state, {MADE}, {last}.",
        ),
        "games_compared": (
            compare(games, "game", "minimax", "non-saturating"),
            f"Share of runs that converged ({MADE}, {last}) in the minimax and the non-saturating game, and the "
            "difference, paired by replicate on common random numbers; pairs that differ: those in which the one game "
            "alone converged, and the other alone.",
        ),
        "recovery_by_cell": (
            recovery(games[affine], CELL[:3]),
            "How far affine generators are from G(z) = 5 z + 500, by cell; the slope without its sign.",
        ),
        "recovery_by_samples": (
            recovery(samples[samples["generator"] == "affine"], ["samples"]),
            "How far affine generators are from G(z) = 5 z + 500 (the slope without its sign), and maximum likelihood "
            "from the same points.",
        ),
        "v_of_three": (
            v_of_three(games),
            "V in perfect, idle and inverted discriminators: constructed, between N(500, 5²) and N(400, 5²) (the "
            "quadrature's error is below 1e-12 of it); and of the runs that end so the median, with least and "
            "greatest. As logits grow, V without overlap goes to 0 (perfect) and -infinity (inverted), and is -log 4 "
            "(idle). These two laws overlap by 8e-24: there V of the perfect one is greatest at a logit of 53, and "
            "falls beyond.",
        ),
        "sample_v_frozen": (
            sample_v_frozen(done.study.seed, 2000),
            "V over n + n points minus its expectation, for the optimal D against a fixed G = N(502, 6²).",
        ),
        "sample_v_trained": (
            sample_v_trained(samples),
            "V on the run's own n points (of more than 1,024 the first 1,024) minus V on held-out points.",
        ),
        "regimes_by_samples": (
            tabulate(samples, ["generator", "samples"]),
            f"What G and D did by size of a fixed sample of N(500, 5²), {last_samples}.",
        ),
        "referee_by_regime": (
            estimate(games, ["regime"], ["referee_accuracy", "referee_auc", "referee_v"]),
            "The referee: a fresh, larger D trained against the frozen G; held-out accuracy, AUC and V.",
        ),
        "referee_ceiling": (
            referee_ceiling(games),
            "The referee by what G did: mean accuracy; for affine generators the best accuracy that any discriminator "
            "can have, 1/2 + TV/2, and the share of its excess over 1/2 that the referee finds.",
        ),
        "convergence_times": (
            convergence_times(games, CELL),
            "Steps until convergence first began (Kaplan-Meier); ever converged counts runs that left again too.",
        ),
        "rates": (
            tabulate(rates, ["optimizer_g.lr", "optimizer_d.lr"], "g_state"),
            f"What G did over learning rates, {last_rates} (standardised, non-saturating, 1-16-1, leaky ReLU).",
        ),
        "sensitivity": (
            sensitivity(traces, floor(done), games, ["scale", "game"], grid),
            "What G and D did when one threshold at a time is moved; of each game the thresholds that give another "
            "label to some runs.",
        ),
    }
