"""Games of one's own: some that say again what games of gansim's are, and new ones with their oracles."""

import numpy as np

import gansim as gs
from gansim.lanes import exp, log, sigmoid, softplus, tanh
from helpers import reference as ref


def not_real(s):
    return softplus(-s)


def not_real_slope(s):
    return -sigmoid(-s)


def not_fake(s):
    return softplus(s)


def not_fake_slope(s):
    return sigmoid(s)


def logistic_bend(s):
    return sigmoid(s) * sigmoid(-s)


REAL = gs.Loss(not_real, slope=not_real_slope, bend=logistic_bend)
FAKE = gs.Loss(not_fake, slope=not_fake_slope, bend=logistic_bend)
AGAIN = gs.OwnGame("non-saturating-again", real=REAL, fake=FAKE, generator=REAL, probability=True)

# Half squares, as least-squares has them with its own numbers.
SQUARES = gs.OwnGame(
    "squares-again",
    real=gs.Loss(lambda s: (s - 1.0) * (s - 1.0) * 0.5, lambda s: s - 1.0, lambda s: 1.0),
    fake=gs.Loss(lambda s: s * s * 0.5, lambda s: s, lambda s: 1.0),
    generator=gs.Loss(lambda s: (s - 1.0) * (s - 1.0) * 0.5, lambda s: s - 1.0, lambda s: 1.0),
    level=0.5,
)


# --- new ones -----------------------------------------------------------------------------------

SHIFT = 1.0


def conjugate(s):
    return exp(s - SHIFT)


MINUS = gs.Loss(lambda s: -s, slope=lambda s: -1.0, bend=lambda s: 0)
# The Kullback-Leibler divergence of Nowozin, Cseke and Tomioka (2016), table 6, G ascending its own part of D's.
KL = gs.OwnGame(
    "kullback-leibler",
    real=MINUS,
    fake=gs.Loss(conjugate, slope=conjugate, bend=conjugate),
    generator=MINUS,
    level=1.0,
)


def cauchy(s):
    return log(1.0 + s * s * 0.25)


def cauchy_slope(s):
    return s * 0.5 / (1.0 + s * s * 0.25)


NO_BEND = gs.OwnGame(
    "bounded",
    real=gs.Loss(lambda s: -tanh(s), slope=lambda s: tanh(s) * tanh(s) - 1.0),
    fake=gs.Loss(cauchy, slope=cauchy_slope),
    generator=gs.Loss(lambda s: sigmoid(-s), slope=lambda s: -sigmoid(s) * sigmoid(-s)),
    level=None,
)

ref.OWN |= {
    "kullback-leibler": ref.Game(
        lambda t: -t, lambda t: -np.ones_like(t),
        lambda t: np.exp(t) / np.e, lambda t: np.exp(t) / np.e,
        lambda t: -t, lambda t: -np.ones_like(t),
    ),
    "bounded": ref.Game(
        lambda t: 1 - 2 / (1 + np.exp(-2 * t)), lambda t: -1 / np.cosh(t) ** 2,
        lambda t: np.log1p((t / 2) ** 2), lambda t: 2 * t / (4 + t**2),
        lambda t: 1 / (1 + np.exp(t)), lambda t: -1 / (2 + 2 * np.cosh(t)),
    ),
}  # fmt: skip
