"""What of the founding study's tables is laid out for reading, and what its columns are called."""

import pandas as pd

from gansim.analysis.digits import MISSING, number_text, share_in_words

NAMES = {
    "how": "discriminator",
    "d_state": "state of D",
    "v_without_overlap": "V without overlap, nats",
    "range": "least to greatest",
    "overfit": "V on own points minus V on others, nats",
    "ever_converged": "ever converged",
    "step_of_25_percent": "steps until 25 %",
    "step_of_50_percent": "steps until 50 %",
    "step_of_75_percent": "steps until 75 %",
    "points": "points of either kind",
    "rmse": "root mean squared error",
    "expected_spread": "spread by theory",
    "accuracy": "accuracy [5 %, 95 % of runs]",
    "best_accuracy": "best accuracy",
    "found": "found of it [95 % interval]",
    "differ": "pairs that differ",
    "missing": "not finite",
}


def shown(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """What of a table is laid out for reading; all of it unless the table is one of these."""
    change = {
        "games_compared": _compared,
        "recovery_by_samples": _recovered,
        "v_of_three": _three,
        "referee_ceiling": _ceiling,
        "sensitivity": _moved,
    }
    return change[name](frame) if name in change else frame


def _compared(frame: pd.DataFrame) -> pd.DataFrame:
    """Without what other designs vary; discordant pairs as "22 : 21"."""
    pairs = [f"{a:,} : {b:,}" for a, b in zip(frame["only_a"], frame["only_b"], strict=True)]
    others = ["design", "optimizer_g.lr", "optimizer_d.lr", "samples", "only_a", "only_b", "gain"]
    return frame.assign(differ=pairs).drop(columns=others, errors="ignore")


def _recovered(frame: pd.DataFrame) -> pd.DataFrame:
    """A block per quantity and estimator, down which the error falls as samples grow."""
    by = ["quantity", "estimator"]
    rest = [column for column in frame.columns if column not in by]
    return frame[[*by, *rest]].sort_values(by, kind="stable")


def _three(frame: pd.DataFrame) -> pd.DataFrame:
    """The range of runs as one text; neither the quadrature's error nor quantiles."""
    ends = zip(frame["least_v"], frame["greatest_v"], strict=True)
    span = [f"{number_text(low)} to {number_text(high)}" if low == low else MISSING for low, high in ends]
    return frame[["d_state", "how", "n", "v", "v_without_overlap"]].assign(range=span)


def _ceiling(frame: pd.DataFrame) -> pd.DataFrame:
    """The accuracy with its quantiles, the share found with its interval."""
    ends = {"q05": "accuracy_low", "q95": "accuracy_high"}
    errors = 1.96 * frame["found_mcse"]
    parts = zip(
        frame["found"].clip(0, 1),
        (frame["found"] - errors).clip(0, 1),
        (frame["found"] + errors).clip(0, 1),
        strict=True,
    )
    found = [share_in_words(*part, None) if part[0] == part[0] else MISSING for part in parts]
    return frame.assign(found=found).rename(columns=ends).drop(columns=["median", "found_mcse"])


def _moved(frame: pd.DataFrame) -> pd.DataFrame:
    """Of each group the default, and the thresholds that give another label to some of its runs."""
    return frame[(frame["thresholds"] == "default") | (frame["relabelled"] > 0)].reset_index(drop=True)
