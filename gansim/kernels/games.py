"""Games: who wants what, said at D's logit.

``D = sigmoid(logit)``, high means real. Losses are minimised and averaged over the batch. With l a logit:

| game | loss of D | loss of G | source |
|---|---|---|---|
| minimax | -V = E softplus(-l_real) + E softplus(l_fake) | E log(1 - D(G)) = -E softplus(l_fake) | 2014, eq. 1 |
| non-saturating | -V | -E log D(G) = E softplus(-l_fake) | 2014, section 3 |
| as-written | +V: D *descends* V | as minimax | the founding note's argmin, docs/note.md N5 |

2014: Goodfellow et al., Generative Adversarial Nets.

A new game is a code here, a branch in each function below, its name and what it says of D in ``model/games.py`` and its
oracle in ``tests/helpers/reference.py``. The branches are taken once a tile (32 or 128 numbers): not measurable.
"""

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanemath import sigmoid, softplus
from gansim.kernels.lanes import Tile

MINIMAX, NON_SATURATING, AS_WRITTEN = 0, 1, 2
CODES = {"minimax": MINIMAX, "non-saturating": NON_SATURATING, "as-written": AS_WRITTEN}


@kernel
def loss_real(game: int, logit: Tile) -> Tile:
    """D's loss on a real sample."""
    if game == MINIMAX or game == NON_SATURATING:
        return softplus(-logit)
    if game == AS_WRITTEN:
        return -softplus(-logit)
    raise ValueError("unknown game")


@kernel
def real_derivative(game: int, logit: Tile) -> Tile:
    """Derivative of `loss_real` with respect to the logit."""
    if game == MINIMAX or game == NON_SATURATING:
        return -sigmoid(-logit)
    if game == AS_WRITTEN:
        return sigmoid(-logit)
    raise ValueError("unknown game")


@kernel
def loss_fake(game: int, logit: Tile) -> Tile:
    """D's loss on a fake sample."""
    if game == MINIMAX or game == NON_SATURATING:
        return softplus(logit)
    if game == AS_WRITTEN:
        return -softplus(logit)
    raise ValueError("unknown game")


@kernel
def fake_derivative(game: int, logit: Tile) -> Tile:
    """Derivative of `loss_fake` with respect to the logit."""
    if game == MINIMAX or game == NON_SATURATING:
        return sigmoid(logit)
    if game == AS_WRITTEN:
        return -sigmoid(logit)
    raise ValueError("unknown game")


@kernel
def loss_generator(game: int, logit: Tile) -> Tile:
    """G's loss on a fake sample."""
    if game == MINIMAX or game == AS_WRITTEN:
        return -softplus(logit)
    if game == NON_SATURATING:
        return softplus(-logit)
    raise ValueError("unknown game")


@kernel
def generator_derivative(game: int, logit: Tile) -> Tile:
    """Derivative of `loss_generator` with respect to the logit."""
    if game == MINIMAX or game == AS_WRITTEN:
        return -sigmoid(logit)
    if game == NON_SATURATING:
        return -sigmoid(-logit)
    raise ValueError("unknown game")
