"""Dynamics: the only place that knows the order of updates, and what is kept from step to step.

One step, alternating: ``d_steps`` times {D's gradient, D's update}, then ``g_steps`` times {G's gradient, G's update},
each on a batch of its own (Goodfellow et al. 2014, algorithm 1); or G's before D's, so that D sees the new G.
Simultaneous: both gradients at the old parameters, then both updates.

Extragradient (Korpelevich 1976; Gidel et al. 2019, algorithm 4): both players look ahead by an update, and the
gradients there move them from where they began. An optimiser's averages move on at both. Past extragradient (Popov
1980): they look ahead by the gradients of the look-ahead before, one gradient a step.

Lookahead (Chavdarova et al. 2021, algorithm 1) and averages of G (Yazici et al. 2019) come after the step.

D trained alone before G first moves: steps below 0, one update each, on batches that are updates 65,536 and on of step
0, at the rates and with the noise of step 0. Training itself draws what it would draw without.

A new order of updates is a code, a function and its branch here, and its name in ``model/gan.py``.
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanemath import cos_sin_turns, exp, log
from gansim.kernels.lanes import fma
from gansim.kernels.networks.player import AVERAGE, BEFORE, BEGUN, FULL_LR, LR, RAW, SLOW, Player
from gansim.kernels.networks.spectral import put_raw, take_raw
from gansim.kernels.sampler import Sampler
from gansim.kernels.training.adjustments import UNROLLED, adjusted_gradients, unrolled_gradient_g
from gansim.kernels.training.field import Field, gradient_d, gradient_g
from gansim.kernels.training.optimizers import update
from gansim.kernels.training.penalties import clip

ALTERNATING, SIMULTANEOUS, G_FIRST, EXTRAGRADIENT, PAST_EXTRAGRADIENT = range(5)
CONSTANT, LINEAR, EXPONENTIAL, COSINE = range(4)
_ALONE = 2**16  # D's updates before the first step are updates of that step from here on
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
    learning rates go down over so many steps. pretrain : updates of D alone before step 0. adjustment : of gradients,
    see adjustments.py, or None.
    """

    fresh: bool
    every: int
    towards: float
    decay: float
    shape: int
    to: float
    steps: int
    pretrain: int
    adjustment: Any


class Dynamics(NamedTuple):
    """The order of updates: its code, and how often each player moves in a step; what is kept, or None."""

    order: int
    d_steps: int
    g_steps: int
    memory: Any


@kernel
def _update_d(d: Player, field: Field) -> None:
    """D's update, and what its parameters are held to."""
    take_raw(d, field.layers)
    update(d)
    put_raw(d, field.layers)
    clip(d, field.penalties)


@kernel
def _move(g: Player, d: Player, field: Field) -> None:
    _update_d(d, field)
    update(g)


@kernel
def _alternating(
    g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, unrolled: Any, step: int, first: int
) -> None:
    """``unrolled``: the adjustment by which G sees a D that is ahead, or None."""
    for turn in range(2):  # one copy of either player's code, whoever comes first
        if (turn == 0) == (dynamics.order == G_FIRST):
            for k in range(dynamics.g_steps):
                if unrolled is not None:
                    unrolled_gradient_g(g, d, s, field, unrolled, step, k)
                else:
                    gradient_g(g, d, s, field, step, k)
                update(g)
        else:
            for k in range(first, first + dynamics.d_steps):
                gradient_d(g, d, s, field, step, k)
                _update_d(d, field)


@kernel
def _simultaneous(g: Player, d: Player, s: Sampler, field: Field, step: int) -> None:
    gradient_d(g, d, s, field, step, 0)
    gradient_g(g, d, s, field, step, 0)
    _move(g, d, field)


@kernel
def _keep(p: Player, raw: bool, block: int) -> None:
    """The parameters, into a block of ``kept``; those that an optimiser moves, where others are used (``raw``)."""
    n = p.sizes.params
    for i in range(n):
        p.kept[block * n + i] = p.kept[RAW * n + i] if raw else p.theta[i]


@kernel
def _back(p: Player, raw: bool) -> None:
    """The parameters are those that the step began with; of D's used ones that is so after its update."""
    n = p.sizes.params
    for i in range(n):
        if raw:
            p.kept[RAW * n + i] = p.kept[BEGUN * n + i]
        else:
            p.theta[i] = p.kept[BEGUN * n + i]


@kernel
def _extragradient(g: Player, d: Player, s: Sampler, field: Field, m: Memory, step: int) -> None:
    raw = field.layers is not None
    for turn in range(2):  # one copy of either player's code
        if turn == 0:
            _keep(g, False, BEGUN)
            _keep(d, raw, BEGUN)
        k = turn if m.fresh else 0
        gradient_d(g, d, s, field, step, k)
        gradient_g(g, d, s, field, step, k)
        if turn == 1:
            _back(g, False)
            _back(d, raw)
        _move(g, d, field)


@kernel
def _past_extragradient(g: Player, d: Player, s: Sampler, field: Field, step: int) -> None:
    n_g, n_d, raw = g.sizes.params, d.sizes.params, field.layers is not None
    for turn in range(2):
        if turn == 0:
            _keep(g, False, BEGUN)
            _keep(d, raw, BEGUN)
            for i in range(n_g):
                g.grad[i] = g.kept[BEFORE * n_g + i]
            for i in range(n_d):
                d.grad[i] = d.kept[BEFORE * n_d + i]
        else:
            gradient_d(g, d, s, field, step, 0)
            gradient_g(g, d, s, field, step, 0)
            _back(g, False)
            _back(d, raw)
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
def _in_order(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, step: int, first: int) -> None:
    if dynamics.order == ALTERNATING or dynamics.order == G_FIRST:
        _alternating(g, d, s, field, dynamics, None, step, first)
    elif dynamics.order == SIMULTANEOUS:
        _simultaneous(g, d, s, field, step)
    else:
        raise ValueError("unknown dynamics")


@kernel
def _adjusted(
    g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, m: Memory, a: Any, step: int, first: int
) -> None:
    if a is None:
        if dynamics.order == EXTRAGRADIENT:
            _extragradient(g, d, s, field, m, step)
        elif dynamics.order == PAST_EXTRAGRADIENT:
            _past_extragradient(g, d, s, field, step)
        else:
            _in_order(g, d, s, field, dynamics, step, first)
    elif a.kind == UNROLLED or dynamics.g_steps == 0:  # of those that are no unrolled D, D alone
        _alternating(g, d, s, field, dynamics, a, step, first)
    else:
        adjusted_gradients(g, d, s, field, a, step)
        _move(g, d, field)


@kernel
def _after(g: Player, d: Player, field: Field, m: Memory, step: int) -> None:
    """What comes after a step."""
    if step == -1:
        _keep(d, field.layers is not None, SLOW)
    if step >= 0 and m.every > 0 and (step + 1) % m.every == 0:
        _look_back(g, m.towards)
        take_raw(d, field.layers)
        _look_back(d, m.towards)
        put_raw(d, field.layers)
    if step >= 0 and m.decay <= 1.0:
        _average(g, m.decay, step)


@kernel
def advance(g: Player, d: Player, s: Sampler, field: Field, dynamics: Dynamics, m: Any, step: int) -> None:
    """One training step: both players' parameters and optimisers' states move on."""
    if m is None:
        _in_order(g, d, s, field, dynamics, step, 0)
    else:
        now, first, order, d_steps, g_steps = step, 0, dynamics.order, dynamics.d_steps, dynamics.g_steps
        if step < 0:
            now, first, order, d_steps, g_steps = 0, _ALONE + m.pretrain + step, ALTERNATING, 1, 0
        if m.shape != CONSTANT:
            _set_rate(g, m, now)
            _set_rate(d, m, now)
        _adjusted(g, d, s, field, Dynamics(order, d_steps, g_steps, None), m, m.adjustment, now, first)
        _after(g, d, field, m, step)
