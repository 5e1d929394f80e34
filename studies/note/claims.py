"""claims.md: the note's ten statements, each with the evidence of this run and a verdict that follows from it.

What a verdict says of runs it says of every cell (or names the cells): shares and means over cells that were chosen by
hand would hang on the choice. Where a label and a number come from the same logits, the page says so.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

import gansim as gs
from gansim.analysis import theory
from gansim.analysis.comparisons import compare
from gansim.analysis.estimates import estimate
from gansim.analysis.shares import share_of
from gansim.model import elementary
from gansim.running.execution import Execution
from note.tables import CELL, FAR, NEAR, TARGET, part

LOG4 = -theory.V_LIMITS["idle"]
SIGNED = {"intercept": "intercept", "slope": "|slope|"}
RATE = gs.Adam().lr
HARDLY, EASILY = 0.55, 0.75  # the referee's mean accuracy: hardly better than guessing; told apart

Claim = tuple[str, str, list[str]]  # statement, verdict, evidence


@dataclass(frozen=True)
class Evidence:
    """The runs of the three designs, the training steps of the first, and the tables made of them."""

    games: pd.DataFrame
    rates: pd.DataFrame
    samples: pd.DataFrame
    steps: int
    tables: dict[str, pd.DataFrame]

    @property
    def usual(self) -> pd.DataFrame:
        """The runs of the games in which D ascends V."""
        return self.games[self.games["game"] != "as-written"]

    @property
    def written(self) -> pd.DataFrame:
        """The runs of the game as the note writes it, in which D descends V."""
        return self.games[self.games["game"] == "as-written"]


# --- numbers in words ---------------------------------------------------------------------------


def share(runs: pd.DataFrame, mask: pd.Series) -> str:
    """The share of the runs that a mask chooses, with its interval and n."""
    if runs.empty:
        return "no runs"
    found = share_of(runs, mask)
    return f"{found} ({_counted(found.n, found.replicates)})"


def mean(runs: pd.DataFrame, column: str) -> str:
    """The mean of a column, with its 95 % interval and n."""
    if runs.empty:
        return "no runs"
    row = estimate(runs.assign(**{column: runs[column].astype(float)}), [], [column]).iloc[0]
    return f"{row['mean']:.4g} [{row['low']:.4g}, {row['high']:.4g}] ({_counted(row['n'], row['replicates'])})"


def _counted(n: int, replicates: int) -> str:
    """The number of runs, and of replicates where runs of several cells share theirs."""
    return f"n = {n:,}" if n == replicates else f"n = {n:,} in {replicates:,} replicates"


def by_cell(runs: pd.DataFrame, by: Iterable[str] = CELL) -> Iterator[tuple[str, pd.DataFrame]]:
    """The runs of each cell that has any, with its name."""
    for levels, mine in runs.groupby(list(by), sort=False, observed=True):
        yield ", ".join(map(str, levels)), mine


def over_cells(runs: pd.DataFrame, value: Callable[[pd.DataFrame], float]) -> dict[str, float]:
    """A number for each cell that has runs."""
    return {name: float(value(mine)) for name, mine in by_cell(runs)}


def extremes(values: dict[str, float], form: Callable[[float], str] = lambda x: f"{x:.4g}") -> str:
    """The least and the greatest of the cells' numbers, with the names of their cells."""
    if not values:
        return "no cell has such runs"
    least, greatest = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if form(values[least]) == form(values[greatest]):
        return f"{form(values[least])} in each of {len(values)} cells" if len(values) > 1 else form(values[least])
    return f"from {form(values[least])} ({least}) to {form(values[greatest])} ({greatest}) over {len(values)} cells"


def percent(x: float) -> str:
    """A share of the runs of one cell; "0 %" is none of them and "100 %" all."""
    return f"{100 * x:.0f} %" if x in (0, 1) else f"{min(max(100 * x, 0.1), 99.9):.1f} %"


def pick(runs: pd.DataFrame, **levels: str) -> pd.DataFrame:
    """Runs with these factor levels."""
    for name, level in levels.items():
        runs = runs[runs[name] == level]
    return runs


# --- the ten statements -------------------------------------------------------------------------


def n1(of: Evidence) -> Claim:
    """One fixed sample."""
    lines, fewer = [], []
    for generator in ("affine", "1-16-1"):
        mine = pick(of.samples, generator=generator)
        for n in ("32", "256", "4096", "fresh"):
            runs = pick(mine, samples=n)
            lines.append(f"{generator}, {n} points: converged {share(runs, runs['g_state'] == 'converged')}")
        row = compare(mine, "samples", "32", "fresh", by=["generator"]).iloc[0]
        fewer += [generator] if row["high"] < 0 else []
    seen = f"a setting; with 32 points fewer runs converge than on fresh ones ({' and '.join(fewer)} generator)"
    return (
        "The data are one fixed sample of n draws from N(500, 5^2).",
        seen if fewer else "a setting; no effect of 32 points on convergence seen here",
        lines,
    )


def n2(_: Evidence) -> Claim:
    """The density's factor."""
    x, dx = np.linspace(400, 600, 20_001, retstep=True)
    kernel = elementary.exp(-((x - 500) ** 2) / (2 * 5**2))
    printed, right = (
        dx * float(np.sum(kernel)) / factor for factor in (np.sqrt(5 * 2 * np.pi), 5 * np.sqrt(2 * np.pi))
    )
    return (
        "The density is 1/sqrt(5 x 2 pi) exp(-(x - 500)^2 / (2 x 5^2)).",
        "erratum: the factor is 1/(5 sqrt(2 pi))" if abs(right - 1) < 1e-6 < 1e-3 < abs(printed - 1) else "right",
        [f"integral as printed: {printed:.4f}; with 1/(5 sqrt(2 pi)): {right:.4f}"],
    )


def n3(of: Evidence) -> Claim:
    """theta_g = (500, 5)."""
    affine = pick(of.usual, generator="affine")
    good, raw = pick(affine, scale="standardised"), pick(affine, scale="raw")
    lines, off, negative = [], {}, {}
    for name, runs in (("standardised", good), ("raw", raw)):
        off[name] = over_cells(runs, lambda mine: (mine["g_intercept"] - TARGET.mean).abs().median())
        lines.append(f"{name}, minimax and non-saturating: median |intercept - 500| {extremes(off[name])}")
        slope = over_cells(runs, lambda mine: (mine["g_slope"].abs() - TARGET.std).abs().median())
        lines.append(f"{name}, minimax and non-saturating: median ||slope| - 5| {extremes(slope)}")
    won = good[good["g_state"] == "converged"]
    negative = over_cells(won, lambda mine: (mine["g_slope"] < 0).mean())
    lines.append(f"standardised, of the converged: slope negative in {extremes(negative, percent)}")
    rows = pick(of.tables["recovery_by_cell"], game="non-saturating", activation="leaky_relu", estimator="generator")
    for row in rows.itertuples():
        lines.append(
            f"{row.scale}, non-saturating, leaky_relu, {SIGNED[row.quantity]}: bias {row.bias:.4g} ± "
            f"{row.bias_mcse:.2g}, RMSE {row.rmse:.4g} ± {row.rmse_mcse:.2g} (n = {row.n:,})"
        )
    for row in pick(of.tables["recovery_by_samples"], samples="256").itertuples():
        lines.append(f"256 points, {row.estimator}, {SIGNED[row.quantity]}: RMSE {row.rmse:.4g} ± {row.rmse_mcse:.2g}")
    lines.append(
        f"raw: greatest intercept of any run {raw['g_intercept'].max():.4g}; {of.steps:,} steps of Adam with rate "
        f"{RATE:g} move a weight by about {of.steps * RATE:g} of the 500 that are needed: a budget, no limit of GANs"
    )
    near, far = (all(x < 1 for x in off[name].values()) for name in ("standardised", "raw"))
    both_signs = bool(negative) and all(0.05 < x < 0.95 for x in negative.values())
    verdict = "true" if near else "not recovered in every cell even on standardised data"
    verdict += " up to the sign of the slope, on standardised data" if near and both_signs else ""
    verdict += "" if far else f"; not reached on raw data within {of.steps:,} steps of rate {RATE:g}"
    return "Learned well, G(z) = 5 z + 500, so theta_g = (500, 5).", verdict, lines


def n4(of: Evidence) -> Claim:
    """D = 1 on real, 0 on fake."""
    won = of.usual[of.usual["g_state"] == "converged"]
    sure = of.usual[of.usual["d_state"] == "perfect"]
    idle = over_cells(won, lambda mine: (mine["d_state"] == "idle").mean())
    level = {name: over_cells(won, lambda mine, name=name: mine[name].mean()) for name in ("d_real", "d_fake")}
    lines = [
        f"converged G, minimax and non-saturating: D idle in {share(won, won['d_state'] == 'idle')}; by cell "
        f"{extremes(idle, percent)}",
        f"there, mean D on real {extremes(level['d_real'])}; on fake {extremes(level['d_fake'])}",
        f"perfect D, minimax and non-saturating: converged G in {share(sure, sure['g_state'] == 'converged')}",
    ]
    foreign = of.written[of.written["g_state"] == "converged"]
    lines.append(
        f"as-written, not among these: {len(foreign):,} runs converged; D idle in "
        f"{share(foreign, foreign['d_state'] == 'idle')}, mean D on real {mean(foreign, 'd_real')}"
    )
    half = [abs(x - 0.5) for values in level.values() for x in values.values()]
    if not idle:
        verdict = "true of D alone; no G converged here that D could be seen with"
    elif min(idle.values()) > 0.9 and max(half) < 0.05:
        verdict = (
            f"true of D alone; where G converged, D gives 1/2 on both, to {max(half):.1g}, on average in each of "
            f"{len(idle)} cells"
        )
    else:
        verdict = "true of D alone; D is not near 1/2 in every cell where G converged"
    return "D should give 1 on real and 0 on fake.", verdict, lines


def n5(of: Evidence) -> Claim:
    """The note's argmin for D."""
    lines, keys = [], ["scale", "activation", "generator"]
    inverted = {name: (mine["d_state"] == "inverted").mean() for name, mine in by_cell(of.written, keys)}
    below = {name: (mine["v"] < -LOG4).mean() for name, mine in by_cell(of.written, keys)}
    for name, mine in by_cell(of.written, keys):
        lines.append(f"as-written, {name}: inverted in {share(mine, mine['d_state'] == 'inverted')}")
    lines.append(f"minimax and non-saturating: inverted in {share(of.usual, of.usual['d_state'] == 'inverted')}")
    lines.append(f"as-written: V below -log 4, worse than guessing, in {extremes(below, percent)}")
    most = [name for name, x in inverted.items() if x > 0.5]
    none = not (of.usual["d_state"] == "inverted").any()
    if not (below and min(below.values()) > 0.99 and none):
        verdict = "must be argmax; not borne out in every cell of these runs"
    elif len(most) == len(inverted):
        verdict = "must be argmax: read literally, D inverts in every cell"
    else:
        verdict = (
            "must be argmax: read literally, D gets worse than guessing in every cell, and inverts in most runs of "
            f"{len(most)} of {len(inverted)}"
        )
    return "D minimises (1/n) sum [log D(x) + log(1 - D(G(z)))].", verdict, lines


def n6(of: Evidence) -> Claim:
    """The saturating loss of G."""
    lines, apart, alike, none = [], [], 0, 0
    for row in of.tables["games_compared"].itertuples():
        cell = f"{row.scale}, {row.activation}, {row.generator}"
        if not (row.share_a or row.share_b):
            none += 1
            continue
        lines.append(
            f"{cell}: Pr(converged) minimax minus non-saturating {100 * row.difference:+.1f} points "
            f"[{100 * row.low:+.1f}, {100 * row.high:+.1f}] (n = {row.n:,} pairs, {row.only_a + row.only_b} discordant)"
        )
        differs = row.low > 0 or row.high < 0
        apart += [cell] if differs else []
        alike += not differs
    if none:
        lines.append(f"in {none} cells no run of either game converged within {of.steps:,} steps")
    verdict = "a slip of the subscript; this is the minimax loss of G"
    if apart:
        verdict += f", and converges more or less often than the non-saturating one in {'; '.join(apart)}"
    elif alike:
        verdict += f", and no difference of convergence to the non-saturating one is seen in {alike} cells"
    return "G minimises (1/n) sum log(1 - D(G(z))) over theta_d.", verdict, lines


def n7(of: Evidence) -> Claim:
    """The referee."""
    lines, accuracy, found = [], {}, {}
    for row in of.tables["referee_ceiling"].itertuples():
        cell = f"{row.scale}, {row.game}, {row.generator}, {row.g_state}"
        accuracy[cell] = row.accuracy
        line = f"{cell}: mean accuracy {row.accuracy:.4f}, middle 90 % {row.q05:.3f} to {row.q95:.3f} (n = {row.n:,})"
        if row.best_accuracy == row.best_accuracy:
            line += f"; the best possible {row.best_accuracy:.4f}"
        if row.found == row.found:
            line += f", of whose excess over 1/2 the referee finds {100 * row.found:.0f} ± {100 * row.found_mcse:.0f} %"
            usual = row.game != "as-written"
            found |= {cell: row.found} if usual and row.g_state == "converged" else {}
        lines.append(line)
    won = of.games[of.games["g_state"] == "converged"]
    for name, runs in by_cell(won, ["scale", "game", "generator"]):
        lines.append(f"{name}, converged: accuracy above {HARDLY} in {share(runs, runs['referee_accuracy'] > HARDLY)}")
    mine = {cell: x for cell, x in accuracy.items() if cell.endswith(", converged")}
    others = {cell: x for cell, x in accuracy.items() if cell not in mine}
    doubtful = [f"{cell} ({x:.3f})" for cell, x in others.items() if x < EASILY]
    if not mine:
        verdict = "no generator converged here"
    elif max(mine.values()) >= HARDLY:
        far = [cell for cell, x in mine.items() if x >= HARDLY]
        verdict = f"not met by all generators labelled converged: {'; '.join(far)}"
    else:
        verdict = (
            f"met by the generators labelled converged, in each of {len(mine)} groups (accuracy on average at most "
            f"{max(mine.values()):.3f})"
        )
    verdict += f"; others are hard to tell too: {'; '.join(doubtful)}" if doubtful else "; by no others on average"
    if found:
        low, high = (f"{100 * f(found.values()):.0f}" for f in (min, max))
        finds = low if low == high else f"{low} to {high}"
        verdict += f"; of what affine generators leave to find this referee finds {finds} %"
    return (
        "Wanted: a generator whose fakes even a very good discriminator can hardly tell apart.",
        verdict,
        lines,
    )


def n8(of: Evidence) -> Claim:
    """The value of min max V."""
    affine = pick(of.usual, generator="affine", g_state="converged")
    laws = [gs.Normal(b, abs(a)) for b, a in affine[["g_intercept", "g_slope"]].to_numpy()]
    affine = affine.assign(known=[theory.max_v(TARGET, law).rounded() for law in laws])
    affine = affine.assign(off=affine["v_max"] - affine["known"], short=affine["known"] - affine["v"])
    won = affine[affine["d_state"] == "idle"]
    least = over_cells(affine, lambda mine: mine["known"].min())
    lines = [
        f"converged, affine: least max_D V in closed form {extremes(least, '{:.6f}'.format)}; -log 4 = {-LOG4:.6f}",
        f"converged, affine: max_D V in closed form {mean(affine, 'known')}",
        f"the estimate from held-out samples minus the closed form: {mean(affine, 'off')}",
        f"converged, affine, D idle: V of the trained D {mean(won, 'v')}, below max_D V by {mean(won, 'short')}",
    ]
    floor = all(x >= -LOG4 for x in least.values())
    verdict = "true; the minimum is -log 4, at p_g = p_data"
    return "G* = argmin_G max_D V(D, G).", verdict if floor else "not borne out: max_D V below -log 4", lines


def n9(of: Evidence) -> Claim:
    """Sample versions."""
    frozen = of.tables["sample_v_frozen"]
    x, y = (elementary.log(frozen[name]) for name in ("points", "spread"))
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    off = (frozen["spread"] - frozen["expected_spread"]).abs() / frozen["spread_mcse"]
    bias = frozen["bias"].abs() / frozen["bias_mcse"]
    lines = [
        f"fixed pair: spread of sample V falls as n^{slope:.3f} over n = 32 ... 4,096 (theory: n^-0.5)",
        f"fixed pair: at most {off.max():.1f} Monte-Carlo errors from the spread in closed form, {bias.max():.1f} from "
        "no bias",
    ]
    high = []
    for row in of.tables["sample_v_trained"].itertuples():
        if row.samples in ("32", "256", "4096"):
            lines.append(
                f"trained on n = {row.samples}, {row.generator}: own V minus held-out V {row.mean:.4f} "
                f"[{row.low:.4f}, {row.high:.4f}] (n = {row.n:,} runs)"
            )
        high += [row.generator] if row.samples == "32" and row.low > 0 else []
    right = abs(slope + 0.5) < 0.05 and off.max() < 4 and bias.max() < 4
    verdict = "true: error of order 1/sqrt(n)" if right else "not borne out: error of another order than 1/sqrt(n)"
    verdict += f"; a D trained on the same 32 points is optimistic ({' and '.join(high)} generator)" if high else ""
    return "The averages over n points are sample versions of the expectations.", verdict, lines


def n10(of: Evidence) -> Claim:
    """The open question."""
    lines, medians, built = [], {}, {}
    for state, limit in theory.V_LIMITS.items():
        mine = of.games[of.games["d_state"] == state]
        built[state] = theory.v_of(theory.constructed_logit(state, TARGET, FAR, 20.0), TARGET, FAR)
        medians[state] = over_cells(mine, lambda runs: runs["v"].median())
        lines.append(f"{state} D, constructed with logits of size 20: V = {built[state]:.4g}; limit {limit:.4g}")
        ended = over_cells(of.games, lambda runs, state=state: (runs["d_state"] == state).mean())
        lines.append(f"{state} D: ended in by {len(mine):,} of {len(of.games):,} runs, {extremes(ended, percent)}")
        if len(mine):
            v = mine["v"]
            lines.append(
                f"{state} D, ended in: V least {v.min():.4g}, median {v.median():.4g}, greatest {v.max():.4g}; median "
                f"by cell {extremes(medians[state])}; AUC {mean(mine, 'auc')}"
            )
    lines.append(
        "label and V come from the same logits, so the label bounds V beforehand: inverted at most 2 log 0.1 = -4.61, "
        "idle at most 2 log 0.6 = -1.02, perfect below 0; constructed ones carry no label"
    )
    lines += endings(of)
    best = theory.max_v(TARGET, NEAR)
    lines.append(f"where real and fake overlap (G = N(502, 6^2)) no D exceeds max_D V = {best:.4f}")
    if not built["perfect"] > built["idle"] > built["inverted"]:
        return SUPREMUM, "not refuted by the constructed discriminators", lines
    verdict = (
        "false: V of a perfect D goes to 0, its supremum, of an idle one is -log 4, of an inverted one falls without "
        "bound"
    )
    seen = [medians[state] for state in ("perfect", "idle", "inverted") if medians[state]]
    ordered = all(min(a.values()) > max(b.values()) for a, b in pairwise(seen))
    if len(seen) > 1:
        verdict += "; medians of trained ones are in this order " + (
            "between all cells" if ordered else "in some cells only"
        )
    return SUPREMUM, verdict, lines


SUPREMUM = "V(D, G) is at its maximum when D is perfect and when D is perfectly inverted."


def endings(of: Evidence) -> list[str]:
    """Which runs end with an inverted D, and which only pass through one."""
    lines = []
    designs = {
        "as-written": of.written,
        "minimax and non-saturating": of.usual,
        "rates": of.rates,
        "samples": of.samples,
    }
    for name, runs in designs.items():
        ends, passes = runs["d_state"] == "inverted", runs["share_inverted"] > 0
        lines.append(
            f"inverted D, {name}: {int(ends.sum()):,} of {len(runs):,} runs end so, {int((passes & ~ends).sum()):,} "
            "more pass through it"
        )
    return lines


CLAIMS = (n1, n2, n3, n4, n5, n6, n7, n8, n9, n10)


def page(done: Execution, found: dict[str, pd.DataFrame]) -> str:
    """The whole of claims.md."""
    (games, traces), (rates, _), (samples, _) = (part(done, name) for name in ("games", "rates", "samples"))
    evidence = Evidence(games, rates, samples, int(traces.steps.max()), found)
    results = [claim(evidence) for claim in CLAIMS]
    steps = ", ".join(f"{steps:,}" for steps in sorted(set(done.traces.steps[:, -1].tolist())))
    out = [
        "# The note's ten statements and what the runs say",
        f"Generated from {done.study.n_runs:,} runs of {len(done.study.cells)} cells (training steps: {steps}; seed "
        f"{done.study.seed}). Intervals are 95 % and count replicates, as cells share random numbers. A cell is named "
        "by data scale, game, activation and generator; what a verdict says of cells holds in each, and what runs did "
        "not do, they did not do within their steps. The statements are told in docs/note.md.",
        "| | statement | verdict |\n|---|---|---|\n"
        + "\n".join(f"| N{i} | {said} | {judged} |" for i, (said, judged, _) in enumerate(results, 1)),
    ]
    for i, (said, judged, lines) in enumerate(results, 1):
        out.append(
            f"## N{i}\n\n*{said}* **{judged[0].upper() + judged[1:]}.**\n\n" + "\n".join(f"* {x}" for x in lines)
        )
    return "\n\n".join(out) + "\n"
