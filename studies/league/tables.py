"""The tables of the league, each a frame: what became of the runs, what each method changed, what it costs."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

import gansim as gs
from gansim.analysis import planner
from gansim.analysis.comparisons import compare, holm
from gansim.analysis.digits import MISSING, number_text, points_in_words, share_in_words
from gansim.analysis.intervals import kaplan_meier, wilson
from gansim.benchmarking import speed
from league.cases import METHODS, PLAIN, TARGETS, methods
from peers.contest import in_turn

ALPHA, POWER = 0.05, 0.8
SHARES = {
    "converged": ("g_state", "converged"),
    "left": ("left", True),
    "collapsed": ("g_state", "collapsed"),
    "dropped": ("g_state", "modes dropped"),
    "nonfinite": ("g_state", "non-finite"),
    "d_perfect": ("d_state", "perfect"),
    "d_idle": ("d_state", "idle"),
    "d_inverted": ("d_state", "inverted"),
}
OUTCOMES = SHARES | {"lost": ("lost", True)}
NAMES = {
    "data": "target",
    "converged": "converged",
    "left": "left again",
    "collapsed": "collapsed",
    "dropped": "modes dropped",
    "nonfinite": "not finite",
    "d_perfect": "D perfect",
    "d_idle": "D idle",
    "d_inverted": "D inverted",
    "median_w1": "median Wasserstein-1, SD",
    "median_step": "steps until half had converged",
    "beside": "beside",
    "share_a": "converged",
    "share_b": "converged beside",
    "differ": "pairs that differ",
    "difference": "difference, points",
    "mcnemar_p": "McNemar's p",
    "holm_p": "p, all comparisons",
    "detectable": "could be seen, points",
    "cost": "times the plain step",
}


# --- what became of the runs ------------------------------------------------------------------------


def judged(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs, and whether they lost a part of the target: collapsed, or dropped modes."""
    return runs.assign(lost=runs["g_state"].isin(["collapsed", "modes dropped"]))


def league(runs: pd.DataFrame) -> pd.DataFrame:
    """Shares of runs by what they did, and how long convergence took, of every method on every target."""
    rows = []
    for (data, method), mine in runs.groupby(["data", "method"], sort=False, observed=True):
        row = {"data": data, "method": method, "n": len(mine)}
        for name, (column, level) in SHARES.items():
            k = int((mine[column] == level).sum())
            low, high = wilson(k, len(mine))
            row |= {name: k / len(mine), f"{name}_low": float(low), f"{name}_high": float(high)}
        rows.append({**row, "median_w1": float(mine["w1"].median()), **_median_step(mine)})
    return pd.DataFrame(rows)


def _median_step(runs: pd.DataFrame) -> dict[str, float]:
    """The step by which half of the runs had begun to be converged, by Kaplan and Meier; NaN if it never came."""
    event = runs["converged_step"].notna()
    curve = kaplan_meier(runs["converged_step"].fillna(runs["last_step"]), event)
    found = {}
    for name, column in (("", "survival"), ("_low", "low"), ("_high", "high")):
        reached = curve.loc[curve[column] <= 0.5, "step"]
        found[f"median_step{name}"] = float(reached.iloc[0]) if len(reached) else np.nan
    return found


def league_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The same for reading: shares and steps as texts."""
    texts = {name: _texts(frame, name, lambda *x: share_in_words(*x, None)) for name in SHARES}
    texts["median_step"] = _texts(frame, "median_step", _steps)
    return frame[["data", "method", "n", *SHARES, "median_w1", "median_step"]].assign(**texts)


def _texts(frame: pd.DataFrame, name: str, word: Callable[[float, float, float], str]) -> list[str]:
    rows = frame[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False)
    return [MISSING if np.isnan(row[0]) else word(*row) for row in rows]


def _steps(middle: float, low: float, high: float) -> str:
    return f"{number_text(middle)} [{number_text(low)}, {number_text(high)}]"


# --- what each method changed -----------------------------------------------------------------------


def remedies(runs: pd.DataFrame) -> pd.DataFrame:
    """How far each method's share of converged runs is from the plain game's, pair by pair, target by target."""
    return compared(runs, [(name, PLAIN, "converged") for name in METHODS if name != PLAIN])


def beside(runs: pd.DataFrame) -> pd.DataFrame:
    """The same of methods that change something else too, against what they differ from by themselves alone."""
    return compared(runs, [(name, method.beside, "converged") for name, method in METHODS.items() if method.beside])


def counted(runs: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Those that can have an outcome: only what was converged once can leave again."""
    return runs[runs["converged_step"].notna()] if outcome == "left" else runs


def compared(runs: pd.DataFrame, pairs: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Paired differences of shares with Holm's p of all of them, and the smallest difference that could be seen.

    Parameters
    ----------
    runs : DataFrame
        All runs.
    pairs : sequence of (str, str, str)
        A method, another one, and an outcome: a name of `OUTCOMES`.
    """
    found = []
    for method, other, outcome in pairs:
        column, level = OUTCOMES[outcome]
        pair = counted(runs, outcome)
        mine = pair.loc[pair["method"].isin([method, other]), ["data", "method", "cell", "rep", "seed", column]]
        if mine["method"].nunique() < 2:  # nothing that could leave
            continue
        table = compare(mine, "method", method, other, column, level, by=["data"])
        found.append(table.assign(method=method, beside=other, outcome=outcome))
    table = pd.concat(found, ignore_index=True)
    order = {data: place for place, data in enumerate(TARGETS)}
    table = table.sort_values("data", key=lambda data: data.map(order), kind="stable", ignore_index=True)
    table["holm_p"] = holm(table["mcnemar_p"])
    level = ALPHA / len(table)  # the strictest of Holm's steps
    table["detectable"] = [could_be_seen(n, a + b, level) for n, a, b in table[["n", "only_a", "only_b"]].to_numpy()]
    table["verdict"] = np.where(
        table["holm_p"] > ALPHA, "no difference shown", np.where(table["difference"] > 0, "helps", "harms")
    )
    return table


def could_be_seen(n: int, differ: int, alpha: float) -> float:
    """Smallest difference that McNemar's test finds with a power of 80 % where so many of n pairs differ.

    Where hardly any pair differs no difference is large enough: then the smallest that is, were all in one direction.
    """
    seen = planner.detectable_difference(n, max(differ / n, 1e-9), POWER, alpha)
    low, high = 0, n  # pairs that differ, all in one direction
    while np.isnan(seen) and high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if planner.mcnemar_power(n, middle / n, 0, alpha) >= POWER else (middle, high)
    return high / n if np.isnan(seen) else seen


def compared_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The same for reading: what each has, how far apart, how sure."""
    pairs = [f"{a:,} : {b:,}" for a, b in zip(frame["only_a"], frame["only_b"], strict=True)]
    words = [points_in_words(*row, None) for row in frame[["difference", "low", "high"]].itertuples(index=False)]
    names = ["data", "method", "beside", "n", "share_a", "share_b", "differ", "difference", "mcnemar_p", "holm_p"]
    shown = frame.assign(differ=pairs, difference=words, detectable=[f"{100 * x:.1f}" for x in frame["detectable"]])
    shown = shown[[*names, "verdict", "detectable"]]
    for name in ("mcnemar_p", "holm_p"):
        shown[name] = ["<0.001" if p < 0.001 else f"{p:.3f}" for p in frame[name]]
    return shown


# --- what it costs ------------------------------------------------------------------------------------


def costs(seconds: float, rounds: int) -> pd.DataFrame:
    """Time of a training step as a multiple of the plain one's: all in turn on one core, medians over the rounds.

    Of 16 GANs side by side, without records; what D is trained beforehand is not counted.
    """
    plain = gs.GAN(**TARGETS["N(500, 5²), standardised"])
    gans = {name: gs.replace(plain, {**changes, "pretrain": 0}) for name, changes in methods(plain.steps).items()}
    found = in_turn(
        {name: lambda gan=gan: speed.train_rate(gan, 16, 1, seconds, 1) for name, gan in gans.items()}, rounds
    )
    ratios = {name: found[PLAIN] / rates for name, rates in found.items()}
    rows = [(name, rounds, np.median(x), x.min(), x.max()) for name, x in ratios.items()]
    return pd.DataFrame(rows, columns=["method", "rounds", "cost", "cost_low", "cost_high"])
