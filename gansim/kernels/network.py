"""Multi-layer perceptrons on lanes: the architecture as a type; forward, backward, backward of the input gradient.

Layer sizes travel in a Numba type, so loops have constant bounds (1.6 to 2.4 x over run-time sizes on a 1-16-1
network) and the disk cache is keyed by them. Which activation is run-time data, a branch once a tile.

Parameters lie flat, a row each: per layer the weights ``(n_out, n_in)`` row by row, then the bias ``(n_out,)``. Units
lie flat too, a tile each: the inputs, then every layer's outputs. Gradients have the layout of what they are the
gradient of. ``backward`` accumulates; zeroing is a separate step.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import NativeValue, models, overload, register_model, typeof_impl, unbox

from gansim.kernels.jit import kernel
from gansim.kernels.lanemath import expm1, sigmoid, softplus, tanh
from gansim.kernels.lanes import Row, Rows, Tile, Tiles, dot, fma, fold, maximum, rows, spread, tiles, where_greater

# --- the architecture is a type ------------------------------------------------------------------


class Layer(NamedTuple):
    """Where a layer lies: sizes, first weight and bias row, first input and output unit."""

    n_in: int
    n_out: int
    weight: int
    bias: int
    x: int
    y: int


class Net:
    """An architecture: ``sizes`` from input to output, with or without biases."""

    def __init__(self, sizes: tuple[int, ...], bias: bool) -> None:
        self.sizes, self.bias = tuple(int(n) for n in sizes), bool(bias)

    @property
    def layers(self) -> list[Layer]:
        """Every layer's place in the flat parameters and units."""
        out, row, unit = [], 0, 0
        for n_in, n_out in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            out.append(Layer(n_in, n_out, row, row + n_in * n_out, unit, unit + n_in))
            row, unit = row + n_in * n_out + n_out * self.bias, unit + n_in
        return out

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return sum(n_in * n_out + n_out * self.bias for n_in, n_out, *_ in self.layers)

    @property
    def n_units(self) -> int:
        """Number of units, inputs and outputs included."""
        return sum(self.sizes)


class NetType(types.Type):
    """The Numba type of one architecture; it holds no data."""

    def __init__(self, sizes: tuple[int, ...], bias: bool) -> None:
        self.net = Net(sizes, bias)
        super().__init__(f"Net({sizes}, bias={bias})")


register_model(NetType)(models.OpaqueModel)


@typeof_impl.register(Net)
def _type_of_net(net: Net, context: Any) -> NetType:
    return NetType(net.sizes, net.bias)


@unbox(NetType)  # type: ignore[untyped-decorator]
def _unbox_net(ty: NetType, obj: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


def _constant(value: Callable[[Net], int]) -> Callable[..., int]:
    """A function of a net that compiles to a constant."""

    def constant(net: Net) -> int:
        return value(net)

    @overload(constant)
    def _compiled(net):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
        number = value(net.net)
        return lambda net: number

    return constant


n_params = _constant(lambda net: net.n_params)
n_inputs = _constant(lambda net: net.sizes[0])
n_outputs = _constant(lambda net: net.sizes[-1])
output_unit = _constant(lambda net: net.n_units - net.sizes[-1])


# --- a player: a network with what it needs to learn --------------------------------------------

# Rows of `Player.settings`, the numbers that may differ from lane to lane.
SLOPE, LR, BETA1, BETA2, EPS = range(5)
N_SETTINGS = 5


class Player(NamedTuple):
    """One network of a pack, as arrays (outside the kernels) or as views (inside, see `opened`).

    theta, grad : (n_params, L). moments : (2 n_params + 2, L), see optimizers.py. h, d : (n_units, T, L), units and
    the loss's derivatives with respect to them. settings : (N_SETTINGS, L). activation, optimizer : codes.
    """

    theta: Rows
    grad: Rows
    moments: Rows
    h: Tiles
    d: Tiles
    settings: Rows
    activation: int
    optimizer: int


@kernel
def opened(p: Player) -> Player:
    """The player with its arrays seen as rows and tiles."""
    return Player(
        rows(p.theta),
        rows(p.grad),
        rows(p.moments),
        tiles(p.h),
        tiles(p.d),
        rows(p.settings),
        p.activation,
        p.optimizer,
    )


# --- activations: f(a), and f'(a) as a function of f(a) -----------------------------------------

# Piecewise linear: max(a, slope * a), with slope 0 for relu, s for leaky_relu, 1 for linear.
PIECEWISE, TANH, SIGMOID, SOFTPLUS, ELU = range(5)
CODES = {
    "linear": PIECEWISE,
    "relu": PIECEWISE,
    "leaky_relu": PIECEWISE,
    "tanh": TANH,
    "sigmoid": SIGMOID,
    "softplus": SOFTPLUS,
    "elu": ELU,
}
NONE = -1  # the output layer's


@kernel
def activate(code: int, slope: Row, a: Tile) -> Tile:
    """``f(a)``; ``slope`` is that of the piecewise linear ones or elu's alpha.

    The branch is taken once a tile, inside the loop over units: a second pass over the layer would cost a load and a
    store a unit and hide less latency (tanh: 25 against 18 us a step of a 1-16-1 GAN).
    """
    if code == PIECEWISE:
        return maximum(a, a * slope)
    if code == TANH:
        return tanh(a)
    if code == SIGMOID:
        return sigmoid(a)
    if code == SOFTPLUS:
        return softplus(a)
    if code == ELU:
        return where_greater(a, 0.0, a, expm1(a) * slope)
    if code == NONE:
        return a
    raise ValueError("unknown activation")


@kernel
def deactivate(code: int, slope: Row, d: Tile, f: Tile) -> Tile:
    """``d * f'(a)``, f' written in terms of ``f = f(a)``."""
    if code == PIECEWISE:
        return where_greater(f, 0.0, d, d * slope)
    if code == TANH:
        return d * fma(-f, f, 1.0)
    if code == SIGMOID:
        return d * (f * (1.0 - f))
    if code == SOFTPLUS:
        return d * -expm1(-f)
    if code == ELU:
        return where_greater(f, 0.0, d, d * (f + slope))
    if code == NONE:
        return d
    raise ValueError("unknown activation")


# --- one dense layer: sizes are constants, where it lies is data, so equal layers share code ----


@cache
def _dense_forward(n_in: int, n_out: int, bias: bool) -> Any:
    """``h[y:] = f(W h[x:] + b)``.

    Two outputs at a time share each input tile (1.6 x on 16 x 16 layers).
    """
    pairs = n_out - n_out % 2

    @kernel
    def run(theta: Rows, h: Tiles, code: int, slope: Row, w: int, b: int, x: int, y: int) -> None:
        for j in range(0, pairs, 2):
            a0, a1 = spread(theta[b + j] if bias else 0.0, h[x]), spread(theta[b + j + 1] if bias else 0.0, h[x])
            for i in range(n_in):
                a0 = fma(theta[w + j * n_in + i], h[x + i], a0)
                a1 = fma(theta[w + (j + 1) * n_in + i], h[x + i], a1)
            h[y + j] = activate(code, slope, a0)
            h[y + j + 1] = activate(code, slope, a1)
        for j in range(pairs, n_out):
            a = spread(theta[b + j] if bias else 0.0, h[x])
            for i in range(n_in):
                a = fma(theta[w + j * n_in + i], h[x + i], a)
            h[y + j] = activate(code, slope, a)

    return run


@cache
def _dense_parameters(n_in: int, n_out: int, bias: bool) -> Any:
    """``grad += d[y:] h[x:]^T`` and, for the bias, ``grad += d[y:]``."""

    @kernel
    def run(grad: Rows, h: Tiles, d: Tiles, w: int, b: int, x: int, y: int) -> None:
        for j in range(n_out):
            dy = d[y + j]
            if bias:
                grad[b + j] = grad[b + j] + fold(dy)
            for i in range(n_in):
                grad[w + j * n_in + i] = dot(dy, h[x + i], grad[w + j * n_in + i])

    return run


@cache
def _dense_input(n_in: int, n_out: int) -> Any:
    """``d[x:] = W^T d[y:] * f'``, f' that of the units it leads to."""

    @kernel
    def run(theta: Rows, h: Tiles, d: Tiles, code: int, slope: Row, w: int, x: int, y: int) -> None:
        for i in range(n_in):
            a = d[y] * theta[w + i]
            for j in range(1, n_out):
                a = fma(theta[w + j * n_in + i], d[y + j], a)
            d[x + i] = deactivate(code, slope, a, h[x + i])

    return run


# --- the whole network: a chain of layers, unrolled while compiling -----------------------------


def _layer_forward(net: Net, layer: Layer) -> Any:
    n_in, n_out, w, b, x, y = layer
    last = layer == net.layers[-1]
    dense = _dense_forward(n_in, n_out, net.bias)

    @kernel
    def run(p: Player) -> None:
        dense(p.theta, p.h, NONE if last else p.activation, p.settings[SLOPE], w, b, x, y)

    return run


def _layer_parameters(net: Net, layer: Layer) -> Any:
    n_in, n_out, w, b, x, y = layer
    dense = _dense_parameters(n_in, n_out, net.bias)

    @kernel
    def run(p: Player) -> None:
        dense(p.grad, p.h, p.d, w, b, x, y)

    return run


def _layer_input(net: Net, layer: Layer) -> Any:
    n_in, n_out, w, _, x, y = layer
    first = x == 0
    dense = _dense_input(n_in, n_out)

    @kernel
    def run(p: Player) -> None:
        dense(p.theta, p.h, p.d, NONE if first else p.activation, p.settings[SLOPE], w, x, y)

    return run


def _chain(steps: list[Any]) -> Any:
    """One function that calls each step in turn (recursion while compiling, so any depth)."""
    head = steps[0]
    if len(steps) == 1:
        return head
    tail = _chain(steps[1:])

    @kernel
    def run(p: Player) -> None:
        head(p)
        tail(p)

    return run


def _network(build: Callable[[Net], list[Any]], doc: str) -> Callable[[Net, Player], None]:
    """A function of (net, player) whose steps are chosen by the architecture."""

    @cache
    def chained(sizes: tuple[int, ...], bias: bool) -> Any:
        return _chain(build(Net(sizes, bias)))

    def function(net: Net, p: Player) -> None:
        chained(net.sizes, net.bias)(p)

    @overload(function)
    def _compiled(net, p):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
        run = chained(net.net.sizes, net.net.bias)
        return lambda net, p: run(p)

    function.__doc__ = doc
    return function


def _backward_steps(net: Net) -> list[Any]:
    steps = []
    for layer in net.layers[::-1]:
        steps.append(_layer_parameters(net, layer))
        if layer.x:
            steps.append(_layer_input(net, layer))
    return steps


forward = _network(
    lambda net: [_layer_forward(net, layer) for layer in net.layers],
    "``h[0:]`` holds the inputs; fills every unit up to the outputs.",
)
backward = _network(
    _backward_steps,
    "``d`` of the outputs holds the loss's derivative; adds the derivative with respect to theta to ``grad``.",
)
backward_to_input = _network(
    lambda net: [_layer_input(net, layer) for layer in net.layers[::-1]],
    "``d`` of the outputs holds the loss's derivative; fills ``d[0:]`` with that with respect to the inputs.",
)


@kernel
def copy_units(source: Tiles, start: int, target: Tiles, first: int, n: int) -> None:
    """Units ``start`` ... ``start + n - 1`` of one network become units ``first`` ... of another."""
    for k in range(n):
        target[first + k] = source[start + k]


@kernel
def clear(block: Rows, n: int) -> None:
    """The first n rows become 0."""
    for i in range(n):
        block[i] = 0.0


def to_rows(layers: Any, bias: bool) -> np.ndarray[Any, Any]:
    """Flatten ``[(weights (n_out, n_in), bias (n_out,)), ...]`` into the order of the parameter rows, (n_params,)."""
    parts = []
    for weights, biases in layers:
        parts.append(np.asarray(weights, float).ravel())
        if bias:
            parts.append(np.asarray(biases, float).ravel())
    return np.concatenate(parts)


def from_rows(net: Net, theta: np.ndarray[Any, Any]) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """The inverse of `to_rows` for one run; a net without biases gets zeros."""
    out = []
    for n_in, n_out, w, b, *_ in net.layers:
        bias = theta[b : b + n_out] if net.bias else np.zeros(n_out)
        out.append((theta[w : w + n_in * n_out].reshape(n_out, n_in).copy(), bias.copy()))
    return out
