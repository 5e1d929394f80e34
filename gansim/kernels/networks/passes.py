"""The whole network: forward, backward, backward of the input gradient. A chain of layers, unrolled while compiling.

Gradients have the layout of what they are the gradient of. ``backward`` accumulates; zeroing is a separate step.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import overload

from gansim.kernels.compiling.jit import COMPILES, PART, by_address, kernel
from gansim.kernels.lanes import Rows, Tiles, View, at_address, register, view_types
from gansim.kernels.networks.architecture import Key, Layer, Net, NetType
from gansim.kernels.networks.layers import (
    Place,
    hidden_backward,
    hidden_forward,
    hidden_input,
    input_layer,
    output_backward,
    output_forward,
)
from gansim.kernels.networks.player import INPUT_SCALE, OUTPUT_SCALE, Player, Sizes


def _bound(run: Any, net: Net, layer: Layer, above: Layer) -> Any:
    """``run`` at one place, for the first n tiles of a block in turn: a function of the player and n."""
    units = net.n_units
    w, b, x, y = layer.weight, layer.bias, layer.x, layer.y
    up, b_up, z = above.weight, above.bias, above.y

    @kernel
    def step(p: Player, n: int) -> None:
        for t in range(n):
            first = t * units
            run(p, Place(w, b, x + first, y + first, up, b_up, z + first))

    return step


def _chain(steps: list[Any]) -> Any:
    """One function that calls each step in turn (recursion while compiling, so any depth)."""
    head = steps[0]
    if len(steps) == 1:
        return head
    tail = _chain(steps[1:])

    @kernel
    def run(p: Player, n: int) -> None:
        head(p, n)
        tail(p, n)

    return run


def by_architecture(build: Callable[[Net], Any], doc: str) -> Callable[[Net, Any, int], None]:
    """A function of (net, player or the like, tiles) that is built for each architecture while compiling."""

    @cache
    def built(key: Key) -> Any:
        return build(Net(*key))

    def function(net: Net, p: Any, n: int) -> None:
        built(net.key)(p, n)

    @overload(function, jit_options=PART)
    def _compiled(net, p, n):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
        run = built(net.net.key)
        chosen = lambda net, p, n: run(p, n)  # noqa: E731 - a name of its own follows
        chosen.__qualname__ = f"chosen-{build.__name__}"  # what machine code is known by, see compiling/plain.py
        return chosen

    function.__doc__ = doc
    return function


@cache
def _scale(which: int, n_units: int) -> Any:
    """Units x ... times a scale become units y ..."""

    @kernel
    def run(p: Player, at: Place) -> None:
        for i in range(n_units):
            p.h[at.y + i] = p.h[at.x + i] * p.settings[which]

    return run


@cache
def _scale_back(which: int, n_units: int) -> Any:
    """Of derivatives by units y ... those by units x ..."""

    @kernel
    def run(p: Player, at: Place) -> None:
        for i in range(n_units):
            p.d[at.x + i] = p.d[at.y + i] * p.settings[which]

    return run


def at_inputs(net: Net, scale: Callable[[int, int], Any]) -> list[Any]:
    """The step of a scaled network from its inputs to what its first layer sees, or back; none of any other."""
    n = net.sizes[0]
    ends = Layer(n, n, 0, 0, 0, n)
    return [_bound(scale(INPUT_SCALE, n), net, ends, ends)] if net.scaled else []


def at_outputs(net: Net, scale: Callable[[int, int], Any]) -> list[Any]:
    """The same for what its last layer gives and its outputs."""
    n, y = net.sizes[-1], net.layers[-1].y
    ends = Layer(n, n, 0, 0, y, y + n)
    return [_bound(scale(OUTPUT_SCALE, n), net, ends, ends)] if net.scaled else []


def _hidden(net: Net) -> list[tuple[Layer, Layer]]:
    """Hidden layers, each with the one above it."""
    return list(zip(net.layers[:-1], net.layers[1:], strict=True))


def _forward_steps(net: Net) -> Any:
    steps, last = [], net.layers[-1]
    fused = len(net.layers) > 1 and last.n_out == 1
    for layer, above in _hidden(net):
        readout = fused and above == last
        run = hidden_forward(layer.n_in, layer.n_out, net.bias, net.activation, readout)
        steps.append(_bound(run, net, layer, above))
    if not fused:
        steps.append(_bound(output_forward(last.n_in, last.n_out, net.bias), net, last, last))
    return _chain([*at_inputs(net, _scale), *steps, *at_outputs(net, _scale)])


def _backward_steps(net: Net) -> Any:
    last = net.layers[-1]
    steps = [_bound(output_backward(last.n_in, last.n_out, net.bias), net, last, last)]
    for layer, above in reversed(_hidden(net)):
        run = hidden_backward(layer.n_in, layer.n_out, above.n_out, net.bias, net.activation, layer == net.layers[0])
        steps.append(_bound(run, net, layer, above))
    return _chain([*at_outputs(net, _scale_back), *steps])


def _input_steps(net: Net) -> Any:
    steps, first = [], net.layers[0]
    single = len(net.layers) > 1 and first.n_in == 1
    for layer, above in reversed(_hidden(net)):
        run = hidden_input(layer.n_out, above.n_out, net.activation, single and layer == first)
        steps.append(_bound(run, net, layer, above))
    if not single:
        steps.append(_bound(input_layer(first.n_in, first.n_out), net, first, first))
    return _chain([*at_outputs(net, _scale_back), *steps, *at_inputs(net, _scale_back)])


_forward = by_architecture(_forward_steps, "See `forward`.")
_backward = by_architecture(_backward_steps, "See `backward`.")
_backward_to_input = by_architecture(_input_steps, "See `backward_to_input`.")

# --- machine code for each architecture, called by its address ----------------------------------

FORWARD, BACKWARD, TO_INPUT = range(3)


def _run(net: Net, what: int, theta: Rows, grad: Rows, h: Tiles, d: Tiles, settings: Rows, n: int) -> int:
    """One of the passes through the first n tiles of a block."""
    p = Player(theta, grad, theta, h, d, settings, theta, 0, False, Sizes(0, 0, 0, 0), 0)  # nothing else is looked at
    if what == FORWARD:
        _forward(net, p, n)
    elif what == BACKWARD:
        _backward(net, p, n)
    elif what == TO_INPUT:
        _backward_to_input(net, p, n)
    else:
        raise ValueError("unknown pass")
    return n


def _types(dtype: Any) -> list[Any]:
    """Of what a pass is given, after the network."""
    row, tile = view_types(dtype)
    return [types.intp, row, row, tile, tile, row, types.intp]


@cache
def _compiled(key: Key, dtype: str) -> Any:
    net = Net(*key)
    return by_address(_run, types.intp, [NetType(net), *_types(np.dtype(dtype))]) if COMPILES else partial(_run, net)


def passes_of(net: Net, dtype: Any) -> Any:
    """Where the passes of a network lie: an address, or under NumPy a function. Compiled, or loaded, the first time."""
    return _compiled(net.key, np.dtype(dtype).name)


def forget() -> None:
    """Let passes be loaded or compiled again when they are next asked for."""
    _compiled.cache_clear()


def _call(passes: Any, what: int, theta: Rows, grad: Rows, h: Tiles, d: Tiles, settings: Rows, n: int) -> int:
    """Call what `passes_of` gave."""
    out: int = passes(what, theta, grad, h, d, settings, n)
    return out


def _with_net(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    address, *given = args
    net = ir.Constant(ir.IntType(8).as_pointer(), None)  # an architecture is a type: as a value it is nothing
    return at_address(context, builder, sig, [address, net, *given])


register(
    _call,
    lambda passes, what, theta, grad, h, d, settings, n: types.intp if isinstance(theta, View) else None,
    _with_net,
)


@kernel
def forward(p: Player, n: int) -> None:
    """``h[0:]`` holds the inputs of n tiles; fills every unit up to the outputs."""
    _call(p.passes, FORWARD, p.theta, p.grad, p.h, p.d, p.settings, n)


@kernel
def backward(p: Player, n: int) -> None:
    """``d`` of the outputs holds the loss's derivative; adds the derivative with respect to theta to ``grad``."""
    _call(p.passes, BACKWARD, p.theta, p.grad, p.h, p.d, p.settings, n)


@kernel
def backward_from(p: Player, d: Tiles, grad: Rows, n: int) -> None:
    """As `backward`, with derivatives in ``d`` instead of the player's, added to ``grad``."""
    _call(p.passes, BACKWARD, p.theta, grad, p.h, d, p.settings, n)


@kernel
def backward_to_input(p: Player, n: int) -> None:
    """``d`` of the outputs holds the loss's derivative; fills ``d[0:]`` with that with respect to the inputs."""
    _call(p.passes, TO_INPUT, p.theta, p.grad, p.h, p.d, p.settings, n)
