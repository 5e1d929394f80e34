"""Derivatives of outputs and of gradients along a direction (Pearlmutter 1994): one mechanism for all that needs them.

R stands for the derivative along a direction of the inputs, R x, and of the parameters, theta' = R theta. Forward,
with a_l the sums and h_l = f(a_l) of layer l,

    R a_l = W_l R h_(l-1) + W'_l h_(l-1) + b'_l,  R h_l = f'_l R a_l

and backward, with p_l the derivative of a loss by a_l and u_l by h_l,

    R u_(l-1) = W_l^T R p_l + W'_l^T p_l,  R p_l = f'_l R u_l + f''_l R a_l u_l
    R dW_l = R p_l h_(l-1)^T + p_l (R h_(l-1))^T,  R db_l = R p_l

Unless the parameters move, terms with theta' are left out; and where f'' is 0, so is all that follows from it. A
penalty on the gradient of D's output by its input is the case of R x = v, of parameters that do not move and of the
output as the loss: R dW is the derivative of v . grad_x.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numba import types

from gansim.kernels.compiling.jit import COMPILES, by_address, kernel
from gansim.kernels.lanes import Rows, Tile, Tiles, View, fma, register, total, view_types
from gansim.kernels.networks.activations import CURVE, DEACTIVATE
from gansim.kernels.networks.architecture import Key, Net, NetType
from gansim.kernels.networks.layers import Place
from gansim.kernels.networks.passes import _bound, _chain, _hidden, _with_net, at_inputs, at_outputs, by_architecture
from gansim.kernels.networks.player import SLOPE


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


@cache
def _sum(n_in: int, bias: bool, moves: bool) -> Any:
    """R a of unit j."""

    @kernel
    def still(p: Moving, at: Place, j: int) -> Tile:
        a = p.r_h[at.x] * p.theta[at.w + j * n_in]
        for i in range(1, n_in):
            a = fma(p.theta[at.w + j * n_in + i], p.r_h[at.x + i], a)
        return a

    if not moves:
        return still

    @kernel
    def moving(p: Moving, at: Place, j: int) -> Tile:
        a = still(p, at, j)
        for i in range(n_in):
            a = fma(p.along[at.w + j * n_in + i], p.h[at.x + i], a)
        return a + p.along[at.b + j] if bias else a

    return moving


@cache
def _forward_hidden(n_in: int, n_units: int, bias: bool, code: int, moves: bool) -> Any:
    sum_, deactivate = _sum(n_in, bias, moves), DEACTIVATE[code]

    @kernel
    def run(p: Moving, at: Place) -> None:
        slope = p.settings[SLOPE]
        for j in range(n_units):
            a = sum_(p, at, j)
            p.r_a[at.y + j], p.r_h[at.y + j] = a, deactivate(a, p.h[at.y + j], slope)

    return run


@cache
def _forward_output(n_in: int, n_out: int, bias: bool, moves: bool) -> Any:
    sum_ = _sum(n_in, bias, moves)

    @kernel
    def run(p: Moving, at: Place) -> None:
        for j in range(n_out):
            p.r_h[at.y + j] = sum_(p, at, j)

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
def _grow(n_in: int, bias: bool, flat: bool) -> Any:
    """R of the gradient of unit i's weights and bias; sample by sample, or sums would depend on T."""

    @kernel
    def run(p: Moving, at: Place, i: int, d: Tile, r_d: Tile) -> None:
        if bias and not flat:
            p.grad[at.b + i] = total(r_d, p.grad[at.b + i])
        for k in range(n_in):
            share = d * p.r_h[at.x + k] if flat else fma(d, p.r_h[at.x + k], r_d * p.h[at.x + k])
            p.grad[at.w + i * n_in + k] = total(share, p.grad[at.w + i * n_in + k])

    return run


@cache
def _backward_hidden(n_in: int, n_units: int, n_out: int, bias: bool, code: int, moves: bool) -> Any:
    flat = not moves and code not in CURVE
    deactivate, second, down = DEACTIVATE[code], CURVE.get(code, DEACTIVATE[code]), _down(n_units, n_out)
    grow, curved = _grow(n_in, bias, flat), code in CURVE

    @kernel
    def run(p: Moving, at: Place) -> None:
        slope = p.settings[SLOPE]
        for i in range(n_units):
            f, u = p.h[at.y + i], down(p.theta, p.d, at.up, at.z, i)
            d, r_d = deactivate(u, f, slope), u * 0.0
            if not flat:
                r_u = down(p.theta, p.r_d, at.up, at.z, i)
                if moves:
                    r_u = r_u + down(p.along, p.d, at.up, at.z, i)
                r_d = deactivate(r_u, f, slope)
                if curved:
                    r_d = fma(second(u, f, slope), p.r_a[at.y + i], r_d)
                p.r_d[at.y + i] = r_d
            p.d[at.y + i] = d
            grow(p, at, i, d, r_d)

    return run


@cache
def _backward_output(n_in: int, n_out: int, bias: bool, flat: bool) -> Any:
    grow = _grow(n_in, bias, flat)

    @kernel
    def run(p: Moving, at: Place) -> None:
        for j in range(n_out):
            grow(p, at, j, p.d[at.y + j], p.r_d[at.y + j])

    return run


@cache
def _to_input(n_in: int, n_out: int, moves: bool) -> Any:
    down = _down(n_in, n_out)

    @kernel
    def run(p: Moving, at: Place) -> None:
        for i in range(n_in):
            p.d[at.x + i] = down(p.theta, p.d, at.w, at.y, i)
            r_d = down(p.theta, p.r_d, at.w, at.y, i)
            p.r_d[at.x + i] = r_d + down(p.along, p.d, at.w, at.y, i) if moves else r_d

    return run


@cache
def _scale(which: int, n_units: int) -> Any:
    """At the ends of a scaled network: R of units x ... times a scale is that of units y ..."""

    @kernel
    def run(p: Moving, at: Place) -> None:
        for i in range(n_units):
            p.r_h[at.y + i] = p.r_h[at.x + i] * p.settings[which]

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


def _forward_steps(net: Net, moves: bool) -> Any:
    last = net.layers[-1]
    steps = [
        _bound(_forward_hidden(layer.n_in, layer.n_out, net.bias, net.activation, moves), net, layer, above)
        for layer, above in _hidden(net)
    ]
    steps.append(_bound(_forward_output(last.n_in, last.n_out, net.bias, moves), net, last, last))
    return _chain([*at_inputs(net, _scale), *steps, *at_outputs(net, _scale)])


def _backward_steps(net: Net, moves: bool) -> Any:
    last, flat = net.layers[-1], not moves and net.activation not in CURVE
    steps = [_bound(_backward_output(last.n_in, last.n_out, net.bias, flat), net, last, last)]
    for layer, above in reversed(_hidden(net)):
        run = _backward_hidden(layer.n_in, layer.n_out, above.n_out, net.bias, net.activation, moves)
        steps.append(_bound(run, net, layer, above))
    return _chain([*at_outputs(net, _scale_back), *steps])


def _input_steps(net: Net, moves: bool) -> Any:
    first = net.layers[0]
    step = _bound(_to_input(first.n_in, first.n_out, moves), net, first, first)
    return _chain([step, *at_inputs(net, _scale_back)])


def _of_architecture(build: Any, moves: bool, name: str) -> Any:
    def steps(net: Net) -> Any:
        return build(net, moves)

    steps.__name__ = f"{name}-{'moving' if moves else 'still'}"  # what machine code is known by
    return by_architecture(steps, f"{name} of a network.")


_BUILDS = (_forward_steps, _backward_steps, _input_steps)
_still_forward, _still_backward, _still_to_input = (_of_architecture(build, False, build.__name__) for build in _BUILDS)
_forward, _backward, _to_input_ = (_of_architecture(build, True, build.__name__) for build in _BUILDS)
FORWARD, BACKWARD, TO_INPUT = range(3)


# Names of the module and no variables of a function around them: by those `plain.py` would have to keep the code.
def _still(
    net: Net, what: int, theta: Rows, along: Rows, grad: Rows, h: Tiles, d: Tiles, r_h: Tiles, r_a: Tiles,
    r_d: Tiles, settings: Rows, n: int,
) -> int:  # fmt: skip
    """Inputs move, parameters do not."""
    p = Moving(theta, along, grad, h, d, r_h, r_a, r_d, settings)
    if what == FORWARD:
        _still_forward(net, p, n)
    elif what == BACKWARD:
        _still_backward(net, p, n)
    else:
        _still_to_input(net, p, n)
    return n


def _moving(
    net: Net, what: int, theta: Rows, along: Rows, grad: Rows, h: Tiles, d: Tiles, r_h: Tiles, r_a: Tiles,
    r_d: Tiles, settings: Rows, n: int,
) -> int:  # fmt: skip
    """Both move."""
    p = Moving(theta, along, grad, h, d, r_h, r_a, r_d, settings)
    if what == FORWARD:
        _forward(net, p, n)
    elif what == BACKWARD:
        _backward(net, p, n)
    else:
        _to_input_(net, p, n)
    return n


_RUN = {False: _still, True: _moving}


@cache
def _compiled(key: Key, moves: bool, dtype: str) -> Any:
    net, (row, tile) = Net(*key), view_types(np.dtype(dtype))
    arguments = [NetType(net), types.intp, row, row, row, *[tile] * 5, row, types.intp]
    return by_address(_RUN[moves], types.intp, arguments) if COMPILES else partial(_RUN[moves], net)


def directional_of(net: Net, moves: bool, dtype: Any) -> Any:
    """Where the passes of a network lie, whose parameters move or not: an address, or under NumPy a function.

    Compiled, or loaded, the first time.
    """
    return _compiled(net.key, moves, np.dtype(dtype).name)


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
