"""What was published of the methods, as strongly as it was said, and what 1,000 seeds say."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from gansim.analysis.digits import points_in_words, share_in_words
from gansim.analysis.intervals import of_mean
from gansim.analysis.shares import share_of
from league.cases import METHODS, MIXTURE, PLAIN, RAW, SGD, SIMULTANEOUS, TARGETS
from league.tables import ALPHA, OUTCOMES, compared, counted
from published.agreement import NAMES as AGREEMENT
from published.agreement import Claim, table

CLIPPED, PENALISED = "Wasserstein, clip 0.01, 5 of D", "Wasserstein, penalty 0.1, 5 of D"
IMAGES = "images, convolutional networks"
MIXED = "mixture of normals, images"
MARGIN = 0.05  # what "not less" may be less by
NAMES = AGREEMENT | {"by_target": "points by target", "theirs": "their setting"}


class Said(NamedTuple):
    """A published direction: under `method` an outcome is more frequent than under `other`, or less, or not less.

    `on`: targets of which it was said. What leaves again is counted among pairs of runs that both were converged once.
    """

    who: str
    what: str
    theirs: str
    method: str
    other: str
    outcome: str = "converged"
    direction: str = "more"
    on: tuple[str, ...] = tuple(TARGETS)


SAID = (
    Said("Radford et al. 2016", "beta1 0.5 stabilises, 0.9 oscillates", IMAGES, PLAIN, "Adam, beta1 0.9"),
    Said("Salimans et al. 2016", "label smoothing, to encourage convergence", IMAGES, "label smoothing 0.1", PLAIN),
    Said(
        "Metz et al. 2017",
        "an unrolled D solves collapse",
        "ring of 8 normals, Adam unrolled",
        "unrolled 5",
        PLAIN,
        "lost",
        "less",
        (MIXTURE,),
    ),
    Said("Metz et al. 2017", "an unrolled D stabilises", "ring of 8 normals, images", "unrolled 5", PLAIN),
    Said("Gulrajani et al. 2017", "a penalty does better than clipping", IMAGES, PENALISED, CLIPPED),
    Said("Fedus et al. 2018", "a gradient penalty helps the plain game too", IMAGES, "gradient penalty 10", PLAIN),
    Said(
        "Petzka et al. 2018",
        "one-sided is preferable",
        "Wasserstein; data in the plane, images",
        "one-sided penalty 10",
        "gradient penalty 10",
    ),
    Said("Mao et al. 2017", "least squares are more stable", IMAGES, "least squares", PLAIN),
    Said("Mescheder et al. 2018", "R1 converges, locally", "theory; images with 10", "R1 0.3", PLAIN),
    Said("Mescheder et al. 2018", "R1 converges, locally", "theory; images with 10", "R1 10", PLAIN),
    Said("Mescheder et al. 2018", "R1 converges: it stays", "theory", "R1 0.3", PLAIN, "left", "less"),
    Said("Mescheder et al. 2018", "noise converges, locally", "theory, Dirac-GAN", "noise 0.7", PLAIN),
    Said("Mescheder et al. 2018", "noise converges: it stays", "theory", "noise 0.7", PLAIN, "left", "less"),
    Said("Sonderby et al. 2017", "annealed noise stabilises", IMAGES, "noise 0.7 to 0", PLAIN),
    Said(
        "Miyato et al. 2018",
        "spectral normalisation is better than or as good as a gradient penalty",
        IMAGES,
        "spectral normalisation",
        "gradient penalty 10",
        direction="not less",
    ),
    Said(
        "Miyato et al. 2018",
        "spectral normalisation is better than or as good as clipping",
        IMAGES,
        "spectral normalisation",
        "clip 0.01",
        direction="not less",
    ),
    Said("Jolicoeur-Martineau 2018", "relativistic games are more stable", IMAGES, "relativistic", PLAIN),
    Said("Jolicoeur-Martineau 2018", "relativistic games are more stable", IMAGES, "relativistic average", PLAIN),
    Said(
        "Lin et al. 2018",
        "packing reduces collapse",
        "ring, grid, images",
        "packing 4",
        PLAIN,
        "lost",
        "less",
        (MIXTURE,),
    ),
    Said("Gidel et al. 2019a", "extrapolation fixes oscillation", "bilinear, images", "extragradient", SIMULTANEOUS),
    Said(
        "Gidel et al. 2019a",
        "extrapolation from the past fixes oscillation",
        "bilinear, images",
        "past extragradient",
        SIMULTANEOUS,
    ),
    Said("Gidel et al. 2019b", "alternating is more stable than simultaneous", "bilinear games", PLAIN, SIMULTANEOUS),
    Said("Gidel et al. 2019b", "negative momentum converges", "minimax; toy, images", "negative momentum", SGD),
    Said("Daskalakis et al. 2018", "optimistic Adam improves Adam", "Wasserstein; images", "optimistic Adam", PLAIN),
    Said("Yazici et al. 2019", "a moving average is strikingly effective", MIXED, "moving average of G", PLAIN),
    Said("Yazici et al. 2019", "a uniform average is, too", MIXED, "uniform average of G", PLAIN),
    Said("Chavdarova et al. 2021", "lookahead improves Adam", IMAGES, "lookahead 5", PLAIN),
    Said("Mescheder et al. 2017", "consensus converges better", "ring, images", "consensus 10", SIMULTANEOUS),
    Said(
        "Balduzzi et al. 2018", "symplectic adjustment finds fixed points", "16 normals", "symplectic 1", SIMULTANEOUS
    ),
)


def claims(runs: pd.DataFrame, remedies: pd.DataFrame, tried: bool) -> pd.DataFrame:
    """Every claim: a row each, with the difference on each target and on their mean; not `tried` by fewer steps."""
    rows = [*_gradients(runs), *_directions(runs), *_shares(runs), *_lucic(runs, remedies)]
    frame = table(claim if tried else claim._replace(agrees=None) for claim, _, _ in rows)
    return frame.assign(by_target=[points for _, points, _ in rows], theirs=[theirs for _, _, theirs in rows])


def _gradients(runs: pd.DataFrame) -> Iterator[tuple[Claim, str, str]]:
    """G's gradient at the first record, under the plain game and under minimax, by replicate."""
    at = runs[runs["method"].isin([PLAIN, "minimax"])].set_index(["data", "rep", "method"])["early_grad_g"].unstack()
    larger = (at[PLAIN] > at["minimax"]).astype(float)
    error = of_mean(larger.to_numpy(), larger.index.get_level_values("rep").to_numpy())
    text = "Goodfellow et al. 2014: stronger gradients for G than in minimax, early on (share of pairs, first record)"
    low, high = np.clip((error.low, error.high), 0, 1)  # of few replicates Student's limits are beyond
    mean, by_target = float(larger.mean()), larger.groupby("data", sort=False, observed=True).mean()
    points = ", ".join(f"{100 * by_target[data]:.1f}" for data in TARGETS if data in by_target)
    agrees = True if low > 0.5 else False if high < 0.5 else "not shown"
    yield Claim(text, "above 50 %", mean, float(low), float(high), len(larger), agrees), points, IMAGES


def _directions(runs: pd.DataFrame) -> Iterator[tuple[Claim, str, str]]:
    found = compared(runs, [(said.method, said.other, said.outcome) for said in SAID])
    for said in SAID:
        names = ("method", "beside", "outcome")
        mine = found[(found[list(names)] == [said.method, said.other, said.outcome]).all(axis=1)]
        mine = mine[mine["data"].isin(said.on)]
        sure = mine["holm_p"] <= ALPHA
        marked = {
            data: f"{100 * x:+.1f}{'*' if star else ''}"
            for data, x, star in zip(mine["data"], mine["difference"], sure, strict=True)
        }
        points = ", ".join(marked.get(data, "–") for data in TARGETS)
        up, down = (bool((sure & (mine["difference"] * sign > 0)).any()) for sign in (1, -1))
        agrees = agreement(said.direction, up, down, float(mine["low"].min()))
        middle, (low, high) = _over_targets(runs, said)
        text = f"{said.who}: {said.what} ({said.method} against {said.other}, share {said.outcome})"
        yield Claim(text, said.direction, middle, low, high, int(mine["n"].sum()), agrees), points, said.theirs


def agreement(direction: str, up: bool, down: bool, worst: float) -> bool | str:
    """Whether what is more frequent on some target (`up`), and less on some, is what was said.

    "Not less" needs also that the lowest limit of any target's interval, `worst`, is above -5 points.

    Examples
    --------
    >>> agreement("more", True, False, 0.1), agreement("less", True, False, 0.1)
    (True, False)
    >>> agreement("more", True, True, -0.3), agreement("more", False, False, -0.01)
    ('in part', 'not shown')
    >>> agreement("not less", False, False, -0.01), agreement("not less", False, False, -0.1)
    (True, 'not shown')
    """
    as_said, against = (down, up) if direction == "less" else (up, down)
    if against:
        return "in part" if as_said else False
    enough = as_said or (direction == "not less" and worst > -MARGIN)
    return True if enough else "not shown"


def _over_targets(runs: pd.DataFrame, said: Said) -> tuple[float, tuple[float, float]]:
    """The paired difference, a mean over the targets; replicates are what is independent."""
    column, level = OUTCOMES[said.outcome]
    runs = counted(runs, said.outcome)
    hits = [
        mine[mine["data"].isin(said.on)]
        .assign(hit=mine[column] == level)
        .set_index(["data", "rep"])["hit"]
        .astype(float)
        for mine in (runs[runs["method"] == name] for name in (said.method, said.other))
    ]
    pairs = (hits[0] - hits[1]).dropna()
    error = of_mean(pairs.to_numpy(), pairs.index.get_level_values("rep").to_numpy())
    return float(pairs.mean()), (error.low, error.high)


def _shares(runs: pd.DataFrame) -> Iterator[tuple[Claim, str, str]]:
    """What is said to be never."""
    for method in ("Wasserstein, clip 0.01", CLIPPED):
        mine = runs[runs["method"] == method]
        found = share_of(mine, mine["lost"])
        text = f"Arjovsky et al. 2017: no evidence of mode collapse ({method}: share collapsed or with modes dropped)"
        yield (
            # Off the raw target the plain game loses next to nothing either: a yes would be nearly certain.
            Claim(text, "0", found.share, found.low, found.high, found.n, False if found.count else None),
            _each(mine, "lost"),
            IMAGES,
        )


def _each(runs: pd.DataFrame, column: str) -> str:
    shares = runs.groupby("data", sort=False)[column].mean()
    return ", ".join(f"{100 * shares[data]:.1f}" if data in shares else "–" for data in TARGETS)


def _lucic(runs: pd.DataFrame, remedies: pd.DataFrame) -> Iterator[tuple[Claim, str, str]]:
    games = [name for name, method in METHODS.items() if method.family == "game" and name != PLAIN]
    mine = remedies[remedies["method"].isin(games) & (remedies["data"] != RAW)]
    helps = (mine["verdict"] == "helps").groupby(mine["method"]).all()
    text = f"Lucic et al. 2018: no game outperforms the plain one consistently (of {len(games)}, on every standardised"
    theirs = f"{IMAGES}; every game tuned, here none is, and the plain one is hard to beat where nearly all converge"
    agrees = False if helps.any() else None  # a yes would be nearly certain
    yield Claim(f"{text} target)", "0", int(helps.sum()), None, None, int(mine["n"].sum()), agrees), "", theirs
    text = "Lucic et al. 2018: most games reach similar scores, if tuned and started again often enough"
    yield Claim(text, "similar", np.nan, None, None, 0, None), "", f"{IMAGES}; nothing is tuned here"


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The same for reading: differences in points, shares in percent, the targets in the order of the other tables."""
    words = []
    for row in frame.itertuples(index=False):
        ends = (row.found, row.found_low, row.found_high, None)
        directed = row.published in ("more", "less", "not less")
        known = bool(pd.notna([row.found, row.found_low, row.found_high]).all())
        words.append((points_in_words if directed else share_in_words)(*ends) if known else f"{row.found:g}")
    shown = frame.assign(found=["–" if word == "nan" else word for word in words])
    return shown[["claim", "published", "found", "by_target", "runs", "agrees", "theirs"]]
