"""D's loss at the best D, where data and fakes lie on two points each; and in runs."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

import gansim as gs
from gansim.analysis import theory
from gansim.model.data.laws import quantile
from gansim.running.execution import Execution
from published.agreement import Claim, exact

__all__ = ["ALL_ON_ONE", "KNOWS_NOTHING", "claims", "loss_at", "losses_again", "optimal", "optimal_against"]

# D's loss at the best D on data at 0 and 4 (Sun, Fang and Schwing 2020), by where the two fakes are.
PUBLISHED = {
    "none on data": ((8, 12), {"non-saturating": "0.0000", "relativistic": "0.0000"}),
    "one matched, one free": ((0, -4), {"non-saturating": "0.3466", "relativistic": "0.3466"}),
    "both on one": ((0, 0), {"non-saturating": "0.4774", "relativistic": "0.3466"}),
    "both matched": ((0, 4), {"non-saturating": "0.6931", "relativistic": "0.6931"}),
}
KNOWS_NOTHING = float(np.log(2))  # either game's loss where fakes and data are one law


def loss_at(game: str, real: np.ndarray, fake: np.ndarray) -> float:
    """D's loss from its outputs: of the relativistic game a mean over pairs, of others half the sum of both means."""
    if game == "relativistic":
        return float(np.logaddexp(0, fake - real).mean())
    return float((np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()) / 2)


def optimal(share: np.ndarray) -> np.ndarray:
    """Half of -V at the best D, if all fakes lie on a point that has a share of the data (Goodfellow et al. 2014).

    Examples
    --------
    >>> float(optimal(np.array(0.5)).round(4))
    0.4774
    """
    return (share * np.log1p(1 / share) + np.log1p(share)) / 2


ALL_ON_ONE = float(optimal(np.array(0.5)))


def optimal_against(game: str, fakes: tuple[float, float]) -> float:
    """D's loss at the best D on data at 0 and 4, half of the fakes on each of two points.

    Parameters
    ----------
    game : str
        Of the non-saturating game it is half of -V by quadrature, points being normals of a spread of 0.01; of the
        relativistic one what D reaches when it is trained alone against a frozen G, pairs in the order of the points.
    fakes : tuple of two float
        The points, such that the best D is monotone: one that has to turn, as between data at 0 and 4 with a fake at 2,
        was not found from some starts.
    """
    if game != "relativistic":
        return (0.0 - theory.max_v(gs.Mixture((0, 4), 0.01), gs.Mixture(fakes, 0.01))) / 2
    low, high = fakes
    step = gs.Given([([[1e4]], [0.0]), ([[(high - low) / 2]], [(high + low) / 2])])
    gan = gs.GAN(
        gs.Observed((0, 4)),
        noise=gs.Uniform(-1, 1),
        generator=gs.MLP(1, "tanh", init=step),
        discriminator=gs.MLP((10, 10), "sigmoid", init="torch"),
        game=game,
        g_steps=0,
        optimizer_d=gs.Adam(0.2),
        batch_size=128,
        steps=3000,
    )
    trained = gs.networks(gan)
    return loss_at(game, trained.logit((0, 4)), trained.logit(trained.generate((-1, 1))))


def claims() -> Iterator[Claim]:
    """The published losses of the best D, and what quadrature and training it alone find."""
    for fakes, (points, losses) in PUBLISHED.items():
        for game, loss in losses.items():
            yield exact(f"two points, fakes {fakes}, {game}: loss of the best D", loss, optimal_against(game, points))


def losses_again(done: Execution, runs: pd.DataFrame) -> pd.DataFrame:
    """D's loss at the end of some runs, trained again, because games without V do not record it.

    It is that on 400 points of each law, paired at random.

    Parameters
    ----------
    done : Execution
        The study that they are of.
    runs : DataFrame
        Some of its runs, judged by `published.clusters.judged`.
    """
    rows, share = [], (np.arange(400) + 0.5) / 400
    for cell, rep, end in runs[["cell", "rep", "end"]].itertuples(index=False):
        gan = done.study.cells[cell].gan
        again = gs.networks(gan, rep, done.study.seed)
        fakes = again.generate(np.random.default_rng(0).permutation(quantile(gan.noise, share)))
        rows.append((end, rep, loss_at(gan.game, again.logit(quantile(gan.target, share)), again.logit(fakes))))
    return pd.DataFrame(rows, columns=["end", "replicate", "d_loss"])
