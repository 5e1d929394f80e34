"""Derivatives of outputs and of gradients along a direction (Pearlmutter 1994): one mechanism for all that needs them.

R stands for the derivative along a direction of the inputs, R x, and of the parameters, theta' = R theta. Forward,
with a_l the sums and h_l = f(a_l) of layer l,

    R a_l = W_l R h_(l-1) + W'_l h_(l-1) + b'_l,  R h_l = f'_l R a_l

and backward, with p_l the derivative of a loss by a_l and u_l by h_l,

    R u_(l-1) = W_l^T R p_l + W'_l^T p_l,  R p_l = f'_l R u_l + f''_l R a_l u_l
    R dW_l = R p_l h_(l-1)^T + p_l (R h_(l-1))^T,  R db_l = R p_l

Terms with what does not move are left out; and where f'' is 0 and no parameter moves, so is all that follows from it.
A penalty on the gradient of D's output by its input is the case of R x = v, of parameters that do not move and of the
output as the loss: R dW is the derivative of v . grad_x. Where parameters move, h and R h are found in one pass: both
sums of a unit share the tiles that they read, as two units do in layers.py.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numba import types

from gansim.kernels.compiling.jit import COMPILES, by_address, kernel
from gansim.kernels.lanes import Rows, Tile, Tiles, View, dot, dot_two, fma, register, spread, total, view_types
from gansim.kernels.networks.activations import ACTIVATE, CURVE, DEACTIVATE
from gansim.kernels.networks.architecture import Key, Layer, Net, NetType
from gansim.kernels.networks.layers import Place
from gansim.kernels.networks.passes import _bound, _chain, _hidden, _with_net, at_inputs, at_outputs, by_architecture
from gansim.kernels.networks.player import SLOPE

INPUTS, PARAMETERS, BOTH = range(3)  # what moves
KINDS = {"inputs": INPUTS, "parameters": PARAMETERS, "both": BOTH}


class Moving(NamedTuple):
    """What the passes work on.

    theta, h, d, settings : as in `Player`; d holds p. along : theta', (n_params, L). grad : R of the gradient grows
    here. r_h, r_a, r_d : units of R h, R a and R p.
    """

    theta: Rows
    along: Rows
    grad: Rows
    h: Tiles
    d: Tiles
    r_h: Tiles
    r_a: Tiles
    r_d: Tiles
    settings: Rows


# --- one layer: ``moves`` says whether its parameters move, ``follows`` whether its inputs do --------


@cache
def _sum(n_in: int) -> Any:
    """R a of unit j, whose parameters do not move."""

    @kernel
    def run(p: Moving, at: Place, j: int) -> Tile:
        a = p.r_h[at.x] * p.theta[at.w + j * n_in]
        for i in range(1, n_in):
            a = fma(p.theta[at.w + j * n_in + i], p.r_h[at.x + i], a)
        return a

    return run


@cache
def _sums(n_in: int, bias: bool, follows: bool) -> Any:
    """A and R a of unit j, whose parameters move."""

    @kernel
    def run(p: Moving, at: Place, j: int) -> tuple[Tile, Tile]:
        a = spread(p.theta[at.b + j] if bias else 0.0, p.h[at.x])
        r_a = spread(p.along[at.b + j] if bias else 0.0, p.h[at.x])
        for i in range(n_in):
            w, f = p.theta[at.w + j * n_in + i], p.h[at.x + i]
            a, r_a = fma(w, f, a), fma(p.along[at.w + j * n_in + i], f, r_a)
            if follows:
                r_a = fma(w, p.r_h[at.x + i], r_a)
        return a, r_a

    return run


@cache
def _still_hidden(n_in: int, n_units: int, code: int) -> Any:
    """R h, of units whose h is there."""
    sum_, deactivate = _sum(n_in), DEACTIVATE[code]

    @kernel
    def run(p: Moving, at: Place) -> None:
        slope = p.settings[SLOPE]
        for j in range(n_units):
            a = sum_(p, at, j)
            p.r_a[at.y + j], p.r_h[at.y + j] = a, deactivate(a, p.h[at.y + j], slope)

    return run


@cache
def _moving_hidden(n_in: int, n_units: int, bias: bool, code: int, follows: bool) -> Any:
    """H and R h."""
    sums, activate, deactivate, curved = _sums(n_in, bias, follows), ACTIVATE[code], DEACTIVATE[code], code in CURVE

    @kernel
    def run(p: Moving, at: Place) -> None:
        slope = p.settings[SLOPE]
        for j in range(n_units):
            a, r_a = sums(p, at, j)
            f = activate(a, slope)
            if curved:
                p.r_a[at.y + j] = r_a
            p.h[at.y + j], p.r_h[at.y + j] = f, deactivate(r_a, f, slope)

    return run


@cache
def _still_output(n_in: int, n_out: int) -> Any:
    sum_ = _sum(n_in)

    @kernel
    def run(p: Moving, at: Place) -> None:
        for j in range(n_out):
            p.r_h[at.y + j] = sum_(p, at, j)

    return run


@cache
def _moving_output(n_in: int, n_out: int, bias: bool, follows: bool) -> Any:
    sums = _sums(n_in, bias, follows)

    @kernel
    def run(p: Moving, at: Place) -> None:
        for j in range(n_out):
            p.h[at.y + j], p.r_h[at.y + j] = sums(p, at, j)

    return run


@cache
def _down(n_units: int, n_out: int) -> Any:
    """``W^T values`` for unit i of the layer below: weights from row ``w`` on, values from unit ``z`` on."""

    @kernel
    def run(weights: Rows, values: Tiles, w: int, z: int, i: int) -> Tile:
        a = values[z] * weights[w + i]
        for j in range(1, n_out):
            a = fma(weights[w + j * n_units + i], values[z + j], a)
        return a

    return run


@cache
def _derivatives(n_units: int, n_out: int, moves: bool) -> Any:
    """U and R u of unit i, from the layer above."""
    down = _down(n_units, n_out)

    @kernel
    def run(p: Moving, at: Place, i: int) -> tuple[Tile, Tile]:
        u, r_u = down(p.theta, p.d, at.up, at.z, i), down(p.theta, p.r_d, at.up, at.z, i)
        if moves:
            for j in range(n_out):
                r_u = fma(p.along[at.up + j * n_units + i], p.d[at.z + j], r_u)
        return u, r_u

    return run


@cache
def _grow(n_in: int, bias: bool, flat: bool, follows: bool) -> Any:
    """R of the gradient of unit i's weights and bias; sample by sample, or sums would depend on T."""

    @kernel
    def run(p: Moving, at: Place, i: int, d: Tile, r_d: Tile) -> None:
        if bias and not flat:
            p.grad[at.b + i] = total(r_d, p.grad[at.b + i])
        for k in range(n_in):
            row = at.w + i * n_in + k
            if flat:
                p.grad[row] = dot(d, p.r_h[at.x + k], p.grad[row])
            elif follows:
                p.grad[row] = dot_two(d, p.r_h[at.x + k], r_d, p.h[at.x + k], p.grad[row])
            else:
                p.grad[row] = dot(r_d, p.h[at.x + k], p.grad[row])

    return run


@cache
def _flat_hidden(n_in: int, n_units: int, n_out: int, code: int, stored: bool) -> Any:
    """Backward where every R p is 0: no parameter moves, and f'' is 0. ``stored`` : for the layer below."""
    deactivate, down, grow = DEACTIVATE[code], _down(n_units, n_out), _grow(n_in, False, True, True)

    @kernel
    def run(p: Moving, at: Place) -> None:
        slope = p.settings[SLOPE]
        for i in range(n_units):
            d = deactivate(down(p.theta, p.d, at.up, at.z, i), p.h[at.y + i], slope)
            if stored:
                p.d[at.y + i] = d
            grow(p, at, i, d, d)

    return run


@cache
def _backward_hidden(
    n_in: int, n_units: int, n_out: int, bias: bool, code: int, moves: bool, follows: bool, stored: bool, through: bool
) -> Any:
    """P and R p, stored for whoever needs them; ``through`` to a single input x of the network, that is summed up."""
    deactivate, second, curved = DEACTIVATE[code], CURVE.get(code, DEACTIVATE[code]), code in CURVE
    derivatives, grow = _derivatives(n_units, n_out, moves), _grow(n_in, bias, False, follows)

    @kernel
    def run(p: Moving, at: Place) -> None:
        slope = p.settings[SLOPE]
        dx, r_dx = spread(0.0, p.h[at.y]), spread(0.0, p.h[at.y])
        for i in range(n_units):
            f = p.h[at.y + i]
            u, r_u = derivatives(p, at, i)
            d, r_d = deactivate(u, f, slope), deactivate(r_u, f, slope)
            if curved:
                r_d = fma(second(u, f, slope), p.r_a[at.y + i], r_d)
            if stored:
                p.d[at.y + i], p.r_d[at.y + i] = d, r_d
            grow(p, at, i, d, r_d)
            if through:
                w = p.theta[at.w + i]
                dx, r_dx = fma(w, d, dx), fma(p.along[at.w + i], d, fma(w, r_d, r_dx))
        if through:
            p.d[at.x], p.r_d[at.x] = dx, r_dx

    return run


@cache
def _backward_output(n_in: int, n_out: int, bias: bool, flat: bool, follows: bool) -> Any:
    grow = _grow(n_in, bias, flat, follows)

    @kernel
    def run(p: Moving, at: Place) -> None:
        for j in range(n_out):
            grow(p, at, j, p.d[at.y + j], p.r_d[at.y + j])

    return run


@cache
def _to_inputs(n_in: int, n_out: int) -> Any:
    """Derivatives by the inputs, and R of them."""
    down = _down(n_in, n_out)

    @kernel
    def run(p: Moving, at: Place) -> None:
        for i in range(n_in):
            r_d = down(p.theta, p.r_d, at.w, at.y, i)
            for j in range(n_out):
                r_d = fma(p.along[at.w + j * n_in + i], p.d[at.y + j], r_d)
            p.d[at.x + i], p.r_d[at.x + i] = down(p.theta, p.d, at.w, at.y, i), r_d

    return run


@cache
def _scale(which: int, n_units: int, moves: bool) -> Any:
    """At the ends of a scaled network: R of units x ... times a scale is that of units y ...; as for the units."""

    @kernel
    def run(p: Moving, at: Place) -> None:
        for i in range(n_units):
            p.r_h[at.y + i] = p.r_h[at.x + i] * p.settings[which]
            if moves:
                p.h[at.y + i] = p.h[at.x + i] * p.settings[which]

    return run


@cache
def _scale_back(which: int, n_units: int) -> Any:
    """Derivatives by units y ... and their R become those by units x ..."""

    @kernel
    def run(p: Moving, at: Place) -> None:
        for i in range(n_units):
            p.d[at.x + i] = p.d[at.y + i] * p.settings[which]
            p.r_d[at.x + i] = p.r_d[at.y + i] * p.settings[which]

    return run


# --- the whole network ----------------------------------------------------------------------------


def _follows(net: Net, layer: Layer, kind: int) -> bool:
    """Whether the inputs of a layer move."""
    return kind != PARAMETERS or layer != net.layers[0]


def _forward_steps(net: Net, kind: int) -> Any:
    moves, last, steps = kind != INPUTS, net.layers[-1], []
    for layer, above in _hidden(net):
        n_in, n_out, follows = layer.n_in, layer.n_out, _follows(net, layer, kind)
        hidden = _moving_hidden(n_in, n_out, net.bias, net.activation, follows) if moves else None
        steps.append(_bound(hidden or _still_hidden(n_in, n_out, net.activation), net, layer, above))
    output = _moving_output(last.n_in, last.n_out, net.bias, _follows(net, last, kind)) if moves else None
    steps.append(_bound(output or _still_output(last.n_in, last.n_out), net, last, last))
    scale = partial(_scale, moves=moves)
    return _chain([*at_inputs(net, scale), *steps, *at_outputs(net, scale)])


def _backward_steps(net: Net, kind: int, through: bool = False) -> Any:
    """Backward, and ``through`` to the inputs."""
    moves, first, last = kind != INPUTS, net.layers[0], net.layers[-1]
    flat, single = not moves and net.activation not in CURVE, first.n_in == 1 and first != last
    steps = [
        _bound(_backward_output(last.n_in, last.n_out, net.bias, flat, _follows(net, last, kind)), net, last, last)
    ]
    for layer, above in reversed(_hidden(net)):
        sizes = layer.n_in, layer.n_out, above.n_out
        if flat:
            run = _flat_hidden(*sizes, net.activation, layer != first)
        else:
            stored, ends = layer != first or (through and not single), through and single and layer == first
            follows = _follows(net, layer, kind)
            run = _backward_hidden(*sizes, net.bias, net.activation, moves, follows, stored, ends)
        steps.append(_bound(run, net, layer, above))
    if through and not single:
        steps.append(_bound(_to_inputs(first.n_in, first.n_out), net, first, first))
    return _chain([*at_outputs(net, _scale_back), *steps, *(at_inputs(net, _scale_back) if through else [])])


def _through_steps(net: Net, kind: int) -> Any:
    return _backward_steps(net, kind, True)


def _of_architecture(build: Any, kind: int, name: str) -> Any:
    def steps(net: Net) -> Any:
        return build(net, kind)

    steps.__name__ = f"{name}-{kind}"  # what machine code is known by
    return by_architecture(steps, f"{name} of a network.")


_forward_of_inputs = _of_architecture(_forward_steps, INPUTS, "forward")
_backward_of_inputs = _of_architecture(_backward_steps, INPUTS, "backward")
_forward_of_parameters = _of_architecture(_forward_steps, PARAMETERS, "forward")
_backward_of_parameters = _of_architecture(_backward_steps, PARAMETERS, "backward")
_through_parameters = _of_architecture(_through_steps, PARAMETERS, "through")
_forward_of_both = _of_architecture(_forward_steps, BOTH, "forward")
_backward_of_both = _of_architecture(_backward_steps, BOTH, "backward")
_through_both = _of_architecture(_through_steps, BOTH, "through")
FORWARD, BACKWARD, THROUGH = range(3)  # the last: backward, and on to the inputs


# Names of the module and no variables of a function around them: by those `plain.py` would have to keep the code.
def _inputs(
    net: Net, what: int, theta: Rows, along: Rows, grad: Rows, h: Tiles, d: Tiles, r_h: Tiles, r_a: Tiles,
    r_d: Tiles, settings: Rows, n: int,
) -> int:  # fmt: skip
    """Inputs move, parameters do not, and h is there."""
    p = Moving(theta, along, grad, h, d, r_h, r_a, r_d, settings)
    if what == FORWARD:
        _forward_of_inputs(net, p, n)
    else:
        _backward_of_inputs(net, p, n)
    return n


def _parameters(
    net: Net, what: int, theta: Rows, along: Rows, grad: Rows, h: Tiles, d: Tiles, r_h: Tiles, r_a: Tiles,
    r_d: Tiles, settings: Rows, n: int,
) -> int:  # fmt: skip
    """Parameters move, inputs do not."""
    p = Moving(theta, along, grad, h, d, r_h, r_a, r_d, settings)
    if what == FORWARD:
        _forward_of_parameters(net, p, n)
    elif what == BACKWARD:
        _backward_of_parameters(net, p, n)
    else:
        _through_parameters(net, p, n)
    return n


def _both(
    net: Net, what: int, theta: Rows, along: Rows, grad: Rows, h: Tiles, d: Tiles, r_h: Tiles, r_a: Tiles,
    r_d: Tiles, settings: Rows, n: int,
) -> int:  # fmt: skip
    """Both move."""
    p = Moving(theta, along, grad, h, d, r_h, r_a, r_d, settings)
    if what == FORWARD:
        _forward_of_both(net, p, n)
    elif what == BACKWARD:
        _backward_of_both(net, p, n)
    else:
        _through_both(net, p, n)
    return n


_RUN = {INPUTS: _inputs, PARAMETERS: _parameters, BOTH: _both}


@cache
def _compiled(key: Key, kind: int, dtype: str) -> Any:
    net, (row, tile) = Net(*key), view_types(np.dtype(dtype))
    arguments = [NetType(net), types.intp, row, row, row, *[tile] * 5, row, types.intp]
    return by_address(_RUN[kind], types.intp, arguments) if COMPILES else partial(_RUN[kind], net)


def directional_of(net: Net, kind: int, dtype: Any) -> Any:
    """Where the passes of a network lie, by what moves: an address, or under NumPy a function.

    Compiled, or loaded, the first time.
    """
    return _compiled(net.key, kind, np.dtype(dtype).name)


def forget() -> None:
    """Let passes be loaded or compiled again when they are next asked for."""
    _compiled.cache_clear()


def _call(
    where: Any, what: int, theta: Rows, along: Rows, grad: Rows, h: Tiles, d: Tiles, r_h: Tiles, r_a: Tiles,
    r_d: Tiles, settings: Rows, n: int,
) -> int:  # fmt: skip
    """Call what `directional_of` gave."""
    out: int = where(what, theta, along, grad, h, d, r_h, r_a, r_d, settings, n)
    return out


register(
    _call,
    lambda where, what, theta, along, grad, h, d, r_h, r_a, r_d, settings, n: (
        types.intp if isinstance(theta, View) else None
    ),
    _with_net,
)


@kernel
def call(where: Any, what: int, p: Moving, n: int) -> None:
    """One of the passes through n tiles."""
    _call(where, what, p.theta, p.along, p.grad, p.h, p.d, p.r_h, p.r_a, p.r_d, p.settings, n)
