"""What was published of the relativistic game on two clusters (Sun, Fang and Schwing 2020), and what is found."""

from collections.abc import Iterator

import pandas as pd

import gansim as gs
from gansim.analysis.shares import share_of
from published import clusters, two_points
from published.agreement import Claim, median, within

__all__ = ["JS", "PAIRED", "claims", "compared", "of_runs"]

JS, PAIRED = "non-saturating", "relativistic"


def claims(runs: pd.DataFrame, again: pd.DataFrame, tried: bool) -> Iterator[Claim]:
    """Every published number; what is said of 5,000 steps is tried of 5,000."""
    yield from two_points.claims()
    for claim in of_runs(runs[runs["design"] == "games"], again):
        yield claim if tried and claim.runs else claim._replace(agrees=None)


def of_runs(games: pd.DataFrame, again: pd.DataFrame) -> Iterator[Claim]:
    """What is published of one seed, or follows from the losses."""
    plain = games[games["method"] == JS]
    stuck, free = (plain[plain["end"] == end]["d_loss"] for end in (clusters.ONE, clusters.BOTH))
    yield within(
        f"{JS}, ends near one cluster: median of D's loss (0.4774 on two points)", 0.45, 0.5, *median(stuck), len(stuck)
    )
    for method, some in ((JS, free), (PAIRED, again[again["end"] == clusters.BOTH]["d_loss"])):
        found, (low, high) = median(some)
        said = f"{method}, ends near both clusters: median of D's loss (0.6931 on two points)"
        yield Claim(said, "above 0.65", found, low, high, len(some), low > 0.65)
    seen = again[again["end"] == clusters.ONE]["d_loss"]
    yield within(
        f"{PAIRED}, ends near one cluster: median of D's loss (0.3466 on two points)",
        0.346,
        0.347,
        *median(seen),
        len(seen),
    )
    ends, steps = (compared(games, *what).iloc[0] for what in (("end", clusters.BOTH), ("steps_to_both",)))
    said = f"share of runs that end near both clusters, {PAIRED} less {JS}"
    yield Claim(said, "above 0", ends["difference"], ends["low"], ends["high"], int(ends["n"]), ends["low"] > 0)
    said = f"mean steps until they are near both, {PAIRED} less {JS}"
    numbers = (steps[name] for name in ("mean_difference", "low", "high"))
    yield Claim(said, "below 0", *numbers, int(steps["n"]), steps["high"] < 0)
    for method, good in ((JS, False), (PAIRED, True)):
        mine = games[games["method"] == method]
        one = share_of(mine, (mine["end"] == clusters.BOTH).to_numpy(bool) == good)
        said = f"{method}: most runs end {'' if good else 'not '}near both clusters; share"
        yield Claim(said, "yes, by one run (recalled)", one.share, one.low, one.high, one.n, one.high > 0.5)
    one = share_of(mine, (mine["end"] == clusters.ONE).to_numpy(bool))
    said = f"{PAIRED}: no basin near one cluster (proved of functions, not of small networks); share that ends there"
    yield Claim(said, "0", one.share, one.low, one.high, one.n, one.count == 0)


def compared(games: pd.DataFrame, *what: str) -> pd.DataFrame:
    """Both games, by replicate: a share, or a mean."""
    return gs.compare(games, "method", PAIRED, JS, *what).drop(columns="design")
