"""How the shares of a study moved from one version of gansim to another, paired by replicate.

    python tests/tools/moved.py OLD/results/regimes NEW/results/regimes

Both folders hold runs.parquet of the same design. For every cell and every state of G and D: the runs that left the
state and those that entered it, out of pairs with the same replicate; exact McNemar tests of all of them; the smallest
p-value times their number (Bonferroni). Exit code 1 if that is below 0.05: then a share moved beyond its error; 2 if
the folders cannot be compared.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

KEYS = ["design", "cell", "rep"]
STATES = ["g_state", "d_state"]


class Incomparable(Exception):
    """Why two folders cannot be compared, in one line."""


def read(folder: str) -> pd.DataFrame:
    """Keys and states of a folder's runs."""
    path = Path(folder, "runs.parquet")
    try:
        runs = pd.read_parquet(path, columns=[*KEYS, *STATES])
    except Exception as error:
        raise Incomparable(f"{path}: no runs of gansim ({' '.join(str(error).split()):.100})") from None
    if runs.empty or runs.duplicated(KEYS).any():
        raise Incomparable(f"{path}: {'no runs' if runs.empty else 'the same run twice'}")
    return runs


def moved(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """A row for each cell and state that some run is in: runs, in it before and after, left, entered, p."""
    both = old.merge(new, on=KEYS, suffixes=("_old", "_new"), validate="1:1")
    if len(both) != len(old) or len(both) != len(new):
        raise Incomparable(f"not the same runs: {len(old):,} and {len(new):,}, of which {len(both):,} are in both")
    rows = []
    for column in STATES:
        before, after = both[f"{column}_old"].astype(str), both[f"{column}_new"].astype(str)
        for state in sorted({*before, *after}):
            was, is_ = before == state, after == state
            counts = pd.DataFrame({"was": was, "is": is_, "left": was & ~is_, "entered": is_ & ~was})
            by_cell = counts.groupby([both["design"], both["cell"]], observed=True).agg("sum").assign(state=state)
            rows.append(by_cell.assign(runs=both.groupby(["design", "cell"], observed=True).size()).reset_index())
    table = pd.concat(rows, ignore_index=True)
    table = table[(table["was"] > 0) | (table["is"] > 0)]
    discordant = table["left"] + table["entered"]
    smaller = np.minimum(table["left"], table["entered"])
    p = np.where(discordant > 0, 2 * stats.binom.cdf(smaller, np.maximum(discordant, 1), 0.5), 1.0)
    return table.assign(p=np.minimum(1, p))


def main() -> int:
    """Print what moved; the exit code."""
    parser = argparse.ArgumentParser(description="How the shares of a study moved, paired by replicate.")
    parser.add_argument("folders", nargs=2, metavar="FOLDER", help="results of the same design, the older first")
    try:
        frames = [read(folder) for folder in parser.parse_args().folders]
        table = moved(*frames)
    except Incomparable as error:
        print(f"moved: {error}", file=sys.stderr)
        return 2
    smallest = float(min(1, table["p"].min() * len(table)))
    off = (table["left"] - table["entered"]).abs() / table["runs"]
    print(f"{len(frames[0]):,} runs, {len(table):,} shares of states in cells")
    print(f"changed state: {table['left'].sum() / 2 / len(frames[0]):.2%} of the runs, on average over G and D")
    print(f"p below 0.05: {(table['p'] < 0.05).sum()}; smallest p {table['p'].min():.2g}, times all {smallest:.2g}")
    print(f"largest difference of a share: {off.max():.3f}")
    print(table.nsmallest(5, "p").to_string(index=False))
    return int(smallest < 0.05)


if __name__ == "__main__":
    sys.exit(main())
