"""Optimisers: how a player's gradient becomes a step, one flat loop each over its parameters.

Each declares its rows of state, see `STATE`. Adam's powers ``beta1^t`` and ``beta2^t`` are rows because betas may
differ from lane to lane, and are multiplied up in the run's own precision so that ``1 - beta^t`` cancels against the
``(1 - beta)`` of the first update exactly.

A new optimiser is a code, its rows of state, a function and its branch in `update` here, its class in
``model/optimizers.py``, and the rows of its numbers in ``engine/players.py``.
"""

from typing import NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanes import fma, sqrt
from gansim.kernels.networks.player import BETA1, BETA2, EPS, LR, Player

SGD, MOMENTUM, RMSPROP, ADAM = range(4)
CODES = {"sgd": SGD, "momentum": MOMENTUM, "rmsprop": RMSPROP, "adam": ADAM}


class State(NamedTuple):
    """Rows that an optimiser keeps: so many averages for every parameter, from 0 on, then powers, from 1 on."""

    averages: int
    powers: int


STATE = {SGD: State(0, 0), MOMENTUM: State(1, 0), RMSPROP: State(1, 0), ADAM: State(2, 2)}


@kernel
def _sgd(p: Player) -> None:
    """``theta -= lr g``."""
    lr = p.settings[LR]
    for i in range(p.sizes.params):
        p.theta[i] = fma(-lr, p.grad[i], p.theta[i])


@kernel
def _momentum(p: Player) -> None:
    """``m = beta m + g; theta -= lr m`` (heavy ball, Polyak 1964)."""
    lr, beta = p.settings[LR], p.settings[BETA1]
    for i in range(p.sizes.params):
        m = fma(p.state[i], beta, p.grad[i])
        p.state[i] = m
        p.theta[i] = fma(-lr, m, p.theta[i])


@kernel
def _rmsprop(p: Player) -> None:
    """``v = rho v + (1 - rho) g^2; theta -= lr g / (sqrt(v) + eps)`` (Tieleman and Hinton 2012, lecture 6.5)."""
    lr, rho, eps = p.settings[LR], p.settings[BETA2], p.settings[EPS]
    for i in range(p.sizes.params):
        g = p.grad[i]
        v = fma(p.state[i], rho, (1.0 - rho) * (g * g))
        p.state[i] = v
        p.theta[i] = p.theta[i] - lr * g / (sqrt(v) + eps)


@kernel
def _adam(p: Player) -> None:
    """Adam with bias correction (Kingma and Ba 2015, algorithm 1): averages of g, averages of g^2, two powers."""
    n, beta1, beta2, eps = p.sizes.params, p.settings[BETA1], p.settings[BETA2], p.settings[EPS]
    power1, power2 = p.state[2 * n] * beta1, p.state[2 * n + 1] * beta2
    p.state[2 * n], p.state[2 * n + 1] = power1, power2
    step, scale = p.settings[LR] / (1.0 - power1), 1.0 / (1.0 - power2)
    rest1, rest2 = 1.0 - beta1, 1.0 - beta2
    for i in range(n):
        g = p.grad[i]
        m = fma(p.state[i], beta1, g * rest1)
        v = fma(p.state[n + i], beta2, g * g * rest2)
        p.state[i], p.state[n + i] = m, v
        p.theta[i] = p.theta[i] - step * m / (sqrt(v * scale) + eps)


@kernel
def update(p: Player) -> None:
    """One update of the player's parameters by the gradient in ``grad``."""
    if p.optimizer == ADAM:
        _adam(p)
    elif p.optimizer == SGD:
        _sgd(p)
    elif p.optimizer == MOMENTUM:
        _momentum(p)
    elif p.optimizer == RMSPROP:
        _rmsprop(p)
    else:
        raise ValueError("unknown optimizer")
