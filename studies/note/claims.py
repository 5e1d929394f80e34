"""claims.md: the note's ten statements, each with the evidence of this run and a verdict that follows from it."""

import numpy as np
import pandas as pd

import gansim as gs
from gansim import tables, theory
from note.tables import FAR, NEAR, TARGET, part

LOG4 = np.log(4)
SIGNED = {"intercept": "intercept", "slope": "|slope|"}


def share(mask: pd.Series) -> str:
    """A share with its Wilson interval and n."""
    n = len(mask)
    return f"{tables.share_text(int(mask.sum()), n)} (n = {n:,})" if n else "no runs"


def mean(values: pd.Series) -> str:
    """A mean with its 95 % interval and n."""
    if values.empty:
        return "no runs"
    row = tables.estimate(pd.DataFrame({"all": "all", "x": values.astype(float)}), ["all"], ["x"]).iloc[0]
    return f"{row['mean']:.4g} [{row['low']:.4g}, {row['high']:.4g}] (n = {row['n']:,})"


def pick(runs: pd.DataFrame, **levels: str) -> pd.DataFrame:
    """Runs with these factor levels."""
    for name, level in levels.items():
        runs = runs[runs[name] == level]
    return runs


def verdict(holds: bool, yes: str, no: str = "not borne out by these runs") -> str:
    """The verdict that follows from a condition on the data."""
    return yes if holds else no


def n1(games: pd.DataFrame, samples: pd.DataFrame, _: dict[str, pd.DataFrame]) -> tuple[str, str, list[str]]:
    """One fixed sample."""
    lines = []
    for n in ("32", "256", "4096", "fresh"):
        mine = pick(samples, generator="1-16-1", samples=n)
        lines.append(f"1-16-1, {n} points: converged {share(mine['g_state'] == 'converged')}")
    fixed, fresh = (pick(samples, generator="1-16-1", samples=n)["g_state"] == "converged" for n in ("32", "fresh"))
    return (
        "The data are one fixed sample of n draws from N(500, 5^2).",
        verdict(fixed.mean() < fresh.mean(), "a setting; it matters at small n", "a setting; no effect seen here"),
        lines,
    )


def n2(*_: object) -> tuple[str, str, list[str]]:
    """The density's factor."""
    x, dx = np.linspace(400, 600, 20_001, retstep=True)
    kernel = np.exp(-((x - 500) ** 2) / (2 * 5**2))
    printed, right = (
        dx * float(np.sum(kernel)) / factor for factor in (np.sqrt(5 * 2 * np.pi), 5 * np.sqrt(2 * np.pi))
    )
    return (
        "The density is 1/sqrt(5 x 2 pi) exp(-(x - 500)^2 / (2 x 5^2)).",
        verdict(abs(printed - 1) > 1e-3 and abs(right - 1) < 1e-6, "erratum: the factor is 1/(5 sqrt(2 pi))"),
        [f"integral as printed: {printed:.4f}; with 1/(5 sqrt(2 pi)): {right:.4f}"],
    )


def n3(games: pd.DataFrame, samples: pd.DataFrame, found: dict[str, pd.DataFrame]) -> tuple[str, str, list[str]]:
    """theta_g = (500, 5)."""
    affine = pick(games, generator="affine", game="non-saturating", activation="leaky_relu")
    good, raw = pick(affine, scale="standardised"), pick(affine, scale="raw")
    negative = good.loc[good["g_state"] == "converged", "g_slope"] < 0
    rows = found["recovery_by_cell"]
    lines = [f"standardised, of the converged: slope negative in {share(negative)}"]
    for scale in ("standardised", "raw"):
        for row in pick(rows, game="non-saturating", activation="leaky_relu", scale=scale).itertuples():
            lines.append(
                f"{scale}, {SIGNED[row.quantity]}: bias {row.bias:.4g} ± {row.bias_mcse:.2g}, RMSE {row.rmse:.4g} ± "
                f"{row.rmse_mcse:.2g} (n = {row.n:,})"
            )
    for row in pick(found["recovery_by_samples"], samples="256").itertuples():
        lines.append(f"256 points, {row.estimator}, {SIGNED[row.quantity]}: RMSE {row.rmse:.4g} ± {row.rmse_mcse:.2g}")
    near, far = ((r["g_intercept"] - 500).abs().median() < 1 for r in (good, raw))
    text = "true up to the sign of the slope, on standardised data" + ("" if far else "; not reached on raw data")
    return "Learned well, G(z) = 5 z + 500, so theta_g = (500, 5).", verdict(near, text), lines


def n4(games: pd.DataFrame, *_: object) -> tuple[str, str, list[str]]:
    """D = 1 on real, 0 on fake."""
    won, sure = games[games["g_state"] == "converged"], games[games["d_state"] == "perfect"]
    idle = won["d_state"] == "idle"
    lines = [
        f"converged G: mean D on real {mean(won['d_real'])}, on fake {mean(won['d_fake'])}; D idle in {share(idle)}",
        f"perfect D: converged G in {share(sure['g_state'] == 'converged')}",
    ]
    return (
        "D should give 1 on real and 0 on fake.",
        verdict(idle.mean() > 0.9, "true of D alone; where G converged, D gives 1/2 on both"),
        lines,
    )


def n5(games: pd.DataFrame, *_: object) -> tuple[str, str, list[str]]:
    """The note's argmin for D."""
    inverted = games["d_state"] == "inverted"
    written = games["game"] == "as-written"
    lines = [f"as-written: inverted in {share(inverted[written])}; other games: {share(inverted[~written])}"]
    for (scale, activation), mine in games[written].groupby(["scale", "activation"], sort=False):
        lines.append(f"as-written, {scale}, {activation}: inverted in {share(mine['d_state'] == 'inverted')}")
    below = games.loc[written, "v"] < -LOG4
    lines.append(f"as-written: V below -log 4 in {share(below)}")
    return (
        "D minimises (1/n) sum [log D(x) + log(1 - D(G(z)))].",
        verdict(inverted[written].mean() > inverted[~written].mean(), "must be argmax: read literally, D inverts"),
        lines,
    )


def n6(games: pd.DataFrame, _: object, found: dict[str, pd.DataFrame]) -> tuple[str, str, list[str]]:
    """The saturating loss of G."""
    lines = []
    for row in found["games_compared"].itertuples():
        if row.share_a or row.share_b:
            lines.append(
                f"{row.scale}, {row.activation}, {row.generator}: Pr(converged) minimax minus non-saturating "
                f"{100 * row.difference:+.1f} points [{100 * row.low:+.1f}, {100 * row.high:+.1f}] "
                f"(n = {row.n:,} pairs, {row.only_a + row.only_b} discordant)"
            )
    text = "a slip of the subscript; this is the minimax loss of G"
    return "G minimises (1/n) sum log(1 - D(G(z))) over theta_d.", text, lines


def n7(games: pd.DataFrame, *_: object) -> tuple[str, str, list[str]]:
    """The referee."""
    lines, accuracy = [], {}
    for state in gs.regimes.G_STATES[:-1]:
        mine = games.loc[games["g_state"] == state, "referee_accuracy"]
        accuracy[state] = mine.mean()
        lines.append(f"{state}: referee's held-out accuracy {mean(mine)}" if len(mine) else f"{state}: no runs")
    close = accuracy["converged"] < 0.55 and all(a > 0.75 for state, a in accuracy.items() if state != "converged")
    return (
        "Wanted: a generator whose fakes even a very good discriminator can hardly tell apart.",
        verdict(close, "met by the generators labelled converged, on average by no others"),
        lines,
    )


def n8(games: pd.DataFrame, *_: object) -> tuple[str, str, list[str]]:
    """The value of min max V."""
    affine = games[(games["generator"] == "affine") & (games["g_state"] == "converged")]
    known = [theory.max_v(TARGET, gs.Normal(b, abs(a))) for b, a in affine[["g_intercept", "g_slope"]].to_numpy()]
    off = affine["v_max"].astype(float) - np.array(known)
    won = affine[affine["d_state"] == "idle"]
    short = pd.Series(known, index=affine.index)[won.index] - won["v"]
    lines = [
        f"converged, affine: max_D V in closed form {mean(pd.Series(known))}; -log 4 = {-LOG4:.4f}",
        f"the estimate from 1,024 fakes minus the closed form: {mean(off)}",
        f"converged, affine, D idle: V of the trained D {mean(won['v'])}, below max_D V by {mean(short)}",
    ]
    floor = len(known) > 0 and min(known) >= -LOG4 - 1e-9
    return "G* = argmin_G max_D V(D, G).", verdict(floor, "true; the minimum is -log 4, at p_g = p_data"), lines


def n9(_: object, samples: pd.DataFrame, found: dict[str, pd.DataFrame]) -> tuple[str, str, list[str]]:
    """Sample versions."""
    frozen = found["sample_v_frozen"]
    slope = np.polyfit(np.log(frozen["points"]), np.log(frozen["spread"]), 1)[0]
    lines = [f"fixed pair: spread of sample V falls as n^{slope:.3f} over n = 32 ... 4,096 (theory: n^-0.5)"]
    for row in found["sample_v_trained"].itertuples():
        if row.samples in ("32", "256", "4096"):
            lines.append(
                f"trained on n = {row.samples}, {row.generator}: own V minus held-out V {row.mean:.4f} "
                f"[{row.low:.4f}, {row.high:.4f}] (n = {row.n:,} runs)"
            )
    return (
        "The averages over n points are sample versions of the expectations.",
        verdict(
            abs(slope + 0.5) < 0.05, "true: error of order 1/sqrt(n); a D trained on the same points is optimistic"
        ),
        lines,
    )


def n10(games: pd.DataFrame, _: object, found: dict[str, pd.DataFrame]) -> tuple[str, str, list[str]]:
    """The open question."""
    lines, medians = [], {}
    for state, limit in theory.V_LIMITS.items():
        mine = games[games["d_state"] == state]
        medians[state] = mine["v"].median()
        v = theory.v_of(theory.constructed_logit(state, TARGET, FAR, 20.0), TARGET, FAR)
        values = f"median V {medians[state]:.4g}, greatest {mine['v'].max():.4g}, AUC {mean(mine['auc'])}"
        lines.append(f"{state} D: reached in {share(games['d_state'] == state)}" + (f"; {values}" if len(mine) else ""))
        lines.append(f"{state} D, constructed with logits of size 20: V = {v:.4g}; limit {limit:.4g}")
    order = medians["perfect"] > medians["idle"] > medians["inverted"]
    best = theory.v_of(theory.optimal_logit(TARGET, NEAR), TARGET, NEAR)
    lines.append(f"where real and fake overlap (G = N(502, 6^2)) no D exceeds max_D V = {best:.4f}")
    return (
        "V(D, G) is at its maximum when D is perfect and when D is perfectly inverted.",
        verdict(
            order, "false: perfect D has V near 0, its supremum; idle -log 4; inverted has V falling without bound"
        ),
        lines,
    )


def page(study: gs.Study, found: dict[str, pd.DataFrame]) -> str:
    """The whole of claims.md."""
    (games, _), (samples, _) = part(study, "games"), part(study, "samples")
    results = [claim(games, samples, found) for claim in (n1, n2, n3, n4, n5, n6, n7, n8, n9, n10)]
    steps = ", ".join(f"{steps:,}" for steps in sorted(set(study.traces.steps[:, -1].tolist())))
    out = [
        "# The note's ten statements and what the runs say",
        f"Generated from {study.n_runs:,} runs of {len(study.cells)} cells (training steps: {steps}; seed "
        f"{study.seed}). Intervals are 95 %: Wilson for shares, Student's t for means. "
        "The statements are told in docs/note.md.",
        "| | statement | verdict |\n|---|---|---|\n"
        + "\n".join(f"| N{i} | {said} | {judged} |" for i, (said, judged, _) in enumerate(results, 1)),
    ]
    for i, (said, judged, lines) in enumerate(results, 1):
        out.append(
            f"## N{i}\n\n*{said}* **{judged[0].upper() + judged[1:]}.**\n\n" + "\n".join(f"* {x}" for x in lines)
        )
    return "\n\n".join(out) + "\n"
