"""Optimisers: how a player's gradient becomes a step, one flat loop each over its parameters.

Each declares its rows of state, see `OPTIMIZERS`. Adam's powers ``beta1^t`` and ``beta2^t`` are rows because betas may
differ from lane to lane, and are multiplied up in the run's own precision so that ``1 - beta^t`` cancels against the
``(1 - beta)`` of the first update exactly.

An optimiser is machine code of its own, which the training loop calls by its address once an update. A new one is its
rows of state, a function and its line in `OPTIMIZERS` here, its class in ``model/optimizers.py``, and the rows of its
numbers in ``engine/players.py``.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types

from gansim.kernels.compiling.jit import COMPILES, by_address, kernel
from gansim.kernels.lanes import Rows, View, at_address, fma, register, sqrt, view_types, where_greater
from gansim.kernels.networks.player import BETA1, BETA2, EPS, LR, WEIGHT_DECAY, Player


class State(NamedTuple):
    """Rows that an optimiser keeps: so many averages for every parameter, from 0 on, then powers, from 1 on."""

    averages: int
    powers: int


def _sgd(theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """``theta -= lr g``."""
    lr = settings[LR]
    for i in range(n):
        theta[i] = fma(-lr, grad[i], theta[i])
    return n


def _momentum(theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """``m = beta m + g; theta -= lr m`` (heavy ball, Polyak 1964)."""
    lr, beta = settings[LR], settings[BETA1]
    for i in range(n):
        m = fma(state[i], beta, grad[i])
        state[i] = m
        theta[i] = fma(-lr, m, theta[i])
    return n


def _rmsprop(theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """``v = rho v + (1 - rho) g^2; theta -= lr g / (sqrt(v) + eps)`` (Tieleman and Hinton 2012, lecture 6.5)."""
    lr, rho, eps = settings[LR], settings[BETA2], settings[EPS]
    for i in range(n):
        g = grad[i]
        v = fma(state[i], rho, (1.0 - rho) * (g * g))
        state[i] = v
        theta[i] = theta[i] - lr * g / (sqrt(v) + eps)
    return n


def _adam(theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """Adam with bias correction (Kingma and Ba 2015, algorithm 1): averages of g, averages of g^2, two powers."""
    beta1, beta2, eps = settings[BETA1], settings[BETA2], settings[EPS]
    power1, power2 = state[2 * n] * beta1, state[2 * n + 1] * beta2
    state[2 * n], state[2 * n + 1] = power1, power2
    step, scale = settings[LR] / (1.0 - power1), 1.0 / (1.0 - power2)
    rest1, rest2 = 1.0 - beta1, 1.0 - beta2
    for i in range(n):
        g = grad[i]
        m = fma(state[i], beta1, g * rest1)
        v = fma(state[n + i], beta2, g * g * rest2)
        state[i], state[n + i] = m, v
        theta[i] = theta[i] - step * m / (sqrt(v * scale) + eps)
    return n


def _nesterov(theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """``m = beta m + g; theta -= lr (g + beta m)`` (Nesterov 1983, in the form of Bengio et al. 2013, eq. 7)."""
    lr, beta = settings[LR], settings[BETA1]
    for i in range(n):
        m = fma(state[i], beta, grad[i])
        state[i] = m
        theta[i] = fma(-lr, fma(beta, m, grad[i]), theta[i])
    return n


def _optimistic(theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """``theta -= lr (2 g - g of the update before)`` (Daskalakis et al. 2018, eq. 4); before the first it was the same.

    Row n of the state is 1 until the first update is done.
    """
    lr, first = settings[LR], state[n]
    for i in range(n):
        before = where_greater(first, 0.5, grad[i], state[i])
        state[i] = grad[i]
        theta[i] = fma(-lr, 2.0 * grad[i] - before, theta[i])
    state[n] = 0.0
    return n


def _optimistic_adam(theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """``theta -= 2 s - s of the update before``, s the step of Adam (Daskalakis et al. 2018, algorithm 1)."""
    beta1, beta2, eps = settings[BETA1], settings[BETA2], settings[EPS]
    power1, power2 = state[3 * n] * beta1, state[3 * n + 1] * beta2
    state[3 * n], state[3 * n + 1] = power1, power2
    step, scale = settings[LR] / (1.0 - power1), 1.0 / (1.0 - power2)
    rest1, rest2 = 1.0 - beta1, 1.0 - beta2
    for i in range(n):
        g = grad[i]
        m = fma(state[i], beta1, g * rest1)
        v = fma(state[n + i], beta2, g * g * rest2)
        now = step * m / (sqrt(v * scale) + eps)
        theta[i] = theta[i] - (2.0 * now - state[2 * n + i])
        state[i], state[n + i], state[2 * n + i] = m, v, now
    return n


Update = Callable[..., int]
OPTIMIZERS: dict[str, tuple[State, Update]] = {
    "sgd": (State(0, 0), _sgd),
    "momentum": (State(1, 0), _momentum),
    "rmsprop": (State(1, 0), _rmsprop),
    "adam": (State(2, 2), _adam),
    "nesterov": (State(1, 0), _nesterov),
    "optimistic": (State(1, 1), _optimistic),
    "optimistic-adam": (State(3, 2), _optimistic_adam),
}


@cache
def _compiled(name: str, dtype: str) -> Any:
    row, _ = view_types(np.dtype(dtype))
    _, step = OPTIMIZERS[name]
    return by_address(step, types.intp, [row, row, row, row, types.intp]) if COMPILES else step


def update_of(name: str, dtype: Any) -> Any:
    """Where an optimiser's update lies: an address, or under NumPy a function. Compiled, or loaded, the first time."""
    return _compiled(name, np.dtype(dtype).name)


def forget() -> None:
    """Let optimisers be loaded or compiled again when they are next asked for."""
    _compiled.cache_clear()


def _call(where: Any, theta: Rows, grad: Rows, state: Rows, settings: Rows, n: int) -> int:
    """Call what `update_of` gave."""
    done: int = where(theta, grad, state, settings, n)
    return done


register(
    _call,
    lambda where, theta, grad, state, settings, n: types.intp if isinstance(theta, View) else None,
    at_address,
)


@kernel
def update(p: Player) -> None:
    """One update of the player's parameters by the gradient in ``grad``.

    Decay of the weights is apart from the gradient (Loshchilov and Hutter 2019, eq. 4): ``theta -= lr decay theta``.
    """
    if p.decays:
        shrink = -p.settings[LR] * p.settings[WEIGHT_DECAY]
        for i in range(p.sizes.params):
            p.theta[i] = fma(shrink, p.theta[i], p.theta[i])
    _call(p.update, p.theta, p.grad, p.state, p.settings, p.sizes.params)
