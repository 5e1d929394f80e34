"""summary.md: which methods help, where and by how much, which do nothing; all of it from the tables."""

from collections.abc import Iterator

import pandas as pd

from gansim.analysis.digits import percent, points_in_words
from league.cases import METHODS, PLAIN, TARGETS
from league.tables import ALPHA, POWER


def page(league: pd.DataFrame, remedies: pd.DataFrame, steps: int) -> str:
    """The page."""
    lines = [
        "# Which remedies help",
        "",
        f"{len(METHODS) - 1} methods, each one change to the plain non-saturating game, some with what they need "
        f"beside (1-16-1 leaky ReLU, Adam, {steps:,} steps), on {len(TARGETS)} targets; "
        "share of runs that converged, paired by replicate. A method "
        f"helps or harms where Holm's p of all {len(remedies)} comparisons is at most {ALPHA:g}; points are percentage "
        "points with 95 % intervals, of one comparison each.",
    ]
    for data in TARGETS:
        lines += ["", f"## {data}", "", *_target(data, league, remedies)]
    return "\n".join([*lines, "", "## Over the targets", "", *_overall(remedies), ""])


def _target(data: str, league: pd.DataFrame, remedies: pd.DataFrame) -> Iterator[str]:
    """What was found on one target."""
    mine, of = remedies[remedies["data"] == data], league[league["data"] == data].set_index("method")
    plain, seen = of.loc[PLAIN], 100 * mine["detectable"]
    ends = dict.fromkeys(f"{end:.1f}" for end in (seen.min(), seen.max()))
    yield (
        f"Plain: {percent(plain['converged'])} converged, {percent(plain['collapsed'])} collapsed "
        f"(n = {plain['n']:,}). A difference of {' to '.join(ends)} points, by method, would have "
        f"been seen in {100 * POWER:.0f} % of such studies."
    )
    if not of["converged"].any():
        yield from _without(of)
        return
    yield ""
    for verdict, rising in (("helps", False), ("harms", True)):
        rows = mine[mine["verdict"] == verdict].sort_values("difference", ascending=rising, kind="stable")
        yield f"- {verdict} ({len(rows)}): {'; '.join(map(_row, rows.itertuples())) or 'none'}"
    none = mine[mine["verdict"] == "no difference shown"]
    yield f"- no difference shown ({len(none)}): {'; '.join(none['method']) or 'none'}"


def _without(of: pd.DataFrame) -> Iterator[str]:
    """Where nothing converges: how far from the target methods end, and how often they collapse."""
    high = of["converged_high"].max()
    yield f"No run of any method converged (each at most {percent(high)}, the upper limit of 0 of n)."
    yield ""
    for name, words, form in (
        ("median_w1", "median Wasserstein-1 distance, standard deviations of the target", "{:.1f}".format),
        ("collapsed", "collapsed", percent),
        ("nonfinite", "no longer finite", percent),
    ):
        values = of[name].dropna()
        least, most = (f"{form(end)} ({_of(values.index[values == end])})" for end in (values.min(), values.max()))
        ends = f"from {least} to {most}"
        yield f"- {words}: plain {form(of.loc[PLAIN, name])}; {ends}"


def _of(methods: pd.Index) -> str:
    """The first of some methods, and how many others there are."""
    others = len(methods) - 1
    return f"{methods[0]}{f' and {others} others' * (others > 1)}{' and another' * (others == 1)}"


def _row(row: object) -> str:
    return f"{row.method} {points_in_words(row.difference, row.low, row.high, None)}"


def _overall(remedies: pd.DataFrame) -> Iterator[str]:
    """Methods by what they do on all targets together."""
    verdicts = remedies.pivot(index="method", columns="data", values="verdict").loc[[m for m in METHODS if m != PLAIN]]
    helps, harms = ((verdicts == word).sum(axis=1) for word in ("helps", "harms"))
    groups = {
        "help somewhere and harm nowhere": (helps > 0) & (harms == 0),
        "help somewhere and harm elsewhere": (helps > 0) & (harms > 0),
        "harm somewhere and help nowhere": (helps == 0) & (harms > 0),
        "make no difference that could be shown": (helps == 0) & (harms == 0),
    }
    for words, chosen in groups.items():
        names = [
            f"{name} ({_counts(helps[name], harms[name])})" if helps[name] + harms[name] else name
            for name in verdicts.index[chosen]
        ]
        yield f"- {words} ({len(names)}): {'; '.join(names) or 'none'}"


def _counts(helps: int, harms: int) -> str:
    return ", ".join(f"{word} on {n}" for word, n in (("helps", helps), ("harms", harms)) if n)
