"""Dynamics: the only place that knows the order of updates, and what is kept from step to step.

One step, alternating: ``d_steps`` times {D's gradient, D's update}, then ``g_steps`` times {G's gradient, G's update},
each on a batch of its own (Goodfellow et al. 2014, algorithm 1); or G's before D's, so that D sees the new G.
Simultaneous: both gradients at the old parameters, then both updates.

Extragradient (Korpelevich 1976; Gidel et al. 2019, algorithm 4): both players look ahead by an update, and the
gradients there move them from where they began. An optimiser's averages move on at both. Past extragradient (Popov
1980): they look ahead by the gradients of the look-ahead before, one gradient a step.

Lookahead (Chavdarova et al. 2021, algorithm 1) and averages of G (Yazici et al. 2019) come after the step.

A new order of updates is a code, a function and its branch here, and its name in ``model/gan.py``.
"""

from typing import Any, NamedTuple

from gansim.kernels.adjustments import UNROLLED, adjusted_gradients, unrolled_gradient_g
from gansim.kernels.compiling.jit import kernel
from gansim.kernels.field import Field, gradient_d, gradient_g
from gansim.kernels.lanemath import cos_sin_turns, exp, log
from gansim.kernels.lanes import fma
from gansim.kernels.networks.player import AVERAGE, BEFORE, BEGUN, FULL_LR, LR, SLOW, Player
from gansim.kernels.optimizers import update
from gansim.kernels.penalties import clip
from gansim.kernels.sampler import Sampler

ALTERNATING, SIMULTANEOUS, G_FIRST, EXTRAGRADIENT, PAST_EXTRAGRADIENT = range(5)
CONSTANT, LINEAR, EXPONENTIAL, COSINE = range(4)
SHAPES = {"linear": LINEAR, "exponential": EXPONENTIAL, "cosine": COSINE}
CODES = {
    "alternating": ALTERNATING,
    "simultaneous": SIMULTANEOUS,
    "alternating-g-first": G_FIRST,
    "extragradient": EXTRAGRADIENT,
    "past-extragradient": PAST_EXTRAGRADIENT,
}


class Memory(NamedTuple):
    """What is done with `Player.kept`, and beside the gradients.

    fresh : whether an extragradient's second gradients are on a batch of their own. every, towards : of lookahead, 0
    for none. decay : of G's average; 1: it is the mean over steps, above 1: there is none. shape, to, steps : how
    learning rates go down over so many steps. adjustment : of gradients, see adjustments.py, or None.
    """

    fresh: bool
    every: int
    towards: float
    decay: float
    shape: int
    to: float
    steps: int
    adjustment: Any


class Dynamics(NamedTuple):
    """The order of updates: its code, and how often each player moves in a step; what is kept, or None."""

    order: int
    d_steps: int
    g_steps: int
    memory: Any


@kernel
def _move(g: Player, d: Player, field: Field) -> None:
    update(d)
    clip(d, field.penalties)
    update(g)


@kernel
def _alternating(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, step: int) -> None:
    for turn in range(2):  # one copy of either player's code, whoever comes first
        if (turn == 0) == (dynamics.order == G_FIRST):
            for k in range(dynamics.g_steps):
                gradient_g(g, d, s, field, step, k)
                update(g)
        else:
            for k in range(dynamics.d_steps):
                gradient_d(g, d, s, field, step, k)
                update(d)
                clip(d, field.penalties)


@kernel
def _simultaneous(g: Player, d: Player, s: Sampler, field: Field, step: int) -> None:
    gradient_d(g, d, s, field, step, 0)
    gradient_g(g, d, s, field, step, 0)
    _move(g, d, field)


@kernel
def _keep(p: Player, block: int) -> None:
    """The parameters, into a block of ``kept``."""
    n = p.sizes.params
    for i in range(n):
        p.kept[block * n + i] = p.theta[i]


@kernel
def _back(p: Player) -> None:
    """The parameters are those that the step began with."""
    n = p.sizes.params
    for i in range(n):
        p.theta[i] = p.kept[BEGUN * n + i]


@kernel
def _extragradient(g: Player, d: Player, s: Sampler, field: Field, m: Memory, step: int) -> None:
    for turn in range(2):  # one copy of either player's code
        if turn == 0:
            _keep(g, BEGUN)
            _keep(d, BEGUN)
        k = turn if m.fresh else 0
        gradient_d(g, d, s, field, step, k)
        gradient_g(g, d, s, field, step, k)
        if turn == 1:
            _back(g)
            _back(d)
        _move(g, d, field)


@kernel
def _past_extragradient(g: Player, d: Player, s: Sampler, field: Field, step: int) -> None:
    n_g, n_d = g.sizes.params, d.sizes.params
    for turn in range(2):
        if turn == 0:
            _keep(g, BEGUN)
            _keep(d, BEGUN)
            for i in range(n_g):
                g.grad[i] = g.kept[BEFORE * n_g + i]
            for i in range(n_d):
                d.grad[i] = d.kept[BEFORE * n_d + i]
        else:
            gradient_d(g, d, s, field, step, 0)
            gradient_g(g, d, s, field, step, 0)
            _back(g)
            _back(d)
            for i in range(n_g):
                g.kept[BEFORE * n_g + i] = g.grad[i]
            for i in range(n_d):
                d.kept[BEFORE * n_d + i] = d.grad[i]
        if turn == 1 or step > 0:  # before the first step there is no gradient to look ahead by
            _move(g, d, field)


@kernel
def _set_rate(p: Player, m: Memory, step: int) -> None:
    """The learning rate of this step."""
    full, done = p.settings[FULL_LR], step / m.steps
    if m.shape == LINEAR:
        p.settings[LR] = full * (1.0 - (1.0 - m.to) * done)
    elif m.shape == EXPONENTIAL:
        p.settings[LR] = full * exp(log(full * 0.0 + m.to) * done)
    else:
        cos, _ = cos_sin_turns(full * 0.0 + 0.5 * done)
        p.settings[LR] = full * (m.to + (1.0 - m.to) * 0.5 * (1.0 + cos))


@kernel
def _look_back(p: Player, towards: float) -> None:
    """Slow weights go towards the weights, which go back to them."""
    n = p.sizes.params
    for i in range(n):
        slow = p.kept[SLOW * n + i]
        slow = fma(p.theta[i] - slow, towards, slow)
        p.kept[SLOW * n + i], p.theta[i] = slow, slow


@kernel
def _average(p: Player, decay: float, step: int) -> None:
    n, share = p.sizes.params, 1.0 / (step + 1) if decay == 1.0 else 1.0 - decay
    for i in range(n):
        average = p.kept[AVERAGE * n + i]
        p.kept[AVERAGE * n + i] = fma(p.theta[i] - average, share, average)


@kernel
def _in_order(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, step: int) -> None:
    if dynamics.order == ALTERNATING or dynamics.order == G_FIRST:
        _alternating(g, d, s, field, dynamics, step)
    elif dynamics.order == SIMULTANEOUS:
        _simultaneous(g, d, s, field, step)
    else:
        raise ValueError("unknown dynamics")


@kernel
def _adjusted(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, m: Memory, a: Any, step: int) -> None:
    if a is None:
        if dynamics.order == EXTRAGRADIENT:
            _extragradient(g, d, s, field, m, step)
        elif dynamics.order == PAST_EXTRAGRADIENT:
            _past_extragradient(g, d, s, field, step)
        else:
            _in_order(g, d, s, field, dynamics, step)
    elif a.kind == UNROLLED:
        for turn in range(2):
            if (turn == 0) == (dynamics.order == G_FIRST):
                for k in range(dynamics.g_steps):
                    unrolled_gradient_g(g, d, s, field, a, step, k)
                    update(g)
            else:
                for k in range(dynamics.d_steps):
                    gradient_d(g, d, s, field, step, k)
                    update(d)
                    clip(d, field.penalties)
    else:
        adjusted_gradients(g, d, s, field, a, step)
        _move(g, d, field)


@kernel
def advance(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, m: Any, step: int) -> None:
    """One training step: both players' parameters and optimisers' states move on."""
    if m is None:
        _in_order(g, d, s, field, dynamics, step)
    else:
        if m.shape != CONSTANT:
            _set_rate(g, m, step)
            _set_rate(d, m, step)
        _adjusted(g, d, s, field, dynamics, m, m.adjustment, step)
        if m.every > 0 and (step + 1) % m.every == 0:
            _look_back(g, m.towards)
            _look_back(d, m.towards)
        if m.decay <= 1.0:
            _average(g, m.decay, step)
