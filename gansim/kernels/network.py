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

# --- the architecture is a type -----------------------------------------------------------------

# Activations. Piecewise linear: max(a, slope * a), with slope 0 for relu, s for leaky_relu, 1 for linear.
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
NONE = -1  # of a network without hidden layers


class Layer(NamedTuple):
    """Where a layer lies: sizes, first weight and bias row, first input and output unit."""

    n_in: int
    n_out: int
    weight: int
    bias: int
    x: int
    y: int


class Net:
    """An architecture: ``sizes`` from input to output, with or without biases, and the code of its activation."""

    def __init__(self, sizes: tuple[int, ...], bias: bool, activation: int) -> None:
        self.sizes, self.bias = tuple(int(n) for n in sizes), bool(bias)
        self.activation = int(activation) if len(self.sizes) > 2 else NONE

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

    @property
    def key(self) -> tuple[tuple[int, ...], bool, int]:
        """What tells architectures apart."""
        return self.sizes, self.bias, self.activation


class NetType(types.Type):
    """The Numba type of one architecture; it holds no data."""

    def __init__(self, net: Net) -> None:
        self.net = net
        super().__init__(f"Net{net.key}")


register_model(NetType)(models.OpaqueModel)


@typeof_impl.register(Net)
def _type_of_net(net: Net, context: Any) -> NetType:
    return NetType(net)


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
    the loss's derivatives with respect to them. settings : (N_SETTINGS, L). optimizer : its code.
    """

    theta: Rows
    grad: Rows
    moments: Rows
    h: Tiles
    d: Tiles
    settings: Rows
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
        p.optimizer,
    )


# --- activations: f(a), and f'(a) as a function of f(a) -----------------------------------------


@kernel
def activate(code: int, slope: Row, a: Tile) -> Tile:
    """``f(a)``; ``slope`` is that of the piecewise linear ones or elu's alpha. The code is known while compiling."""
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
    raise ValueError("unknown activation")


@kernel
def deactivate(code: int, slope: Row, d: Tile, f: Tile) -> Tile:
    """``d * f'(a)``, f' written in terms of ``f = f(a)``; d may be a row."""
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
    raise ValueError("unknown activation")


# --- one layer: sizes are constants, where it lies is data, so equal layers share code ----------


class Place(NamedTuple):
    """Where a layer and the one above it lie: first rows of weights and biases, first units."""

    w: int
    b: int
    x: int
    y: int
    up: int
    b_up: int
    z: int


# Loops go over pairs of units: two share each tile that is read (1.4 to 1.6 x; four would spill registers).


@cache
def _dense(n_in: int, n_out: int, bias: bool) -> Any:
    """The sums ``W h[x:] + b`` of one output, and of two."""

    @kernel
    def one(p: Player, at: Place, j: int) -> Tile:
        a = spread(p.theta[at.b + j] if bias else 0.0, p.h[at.x])
        for i in range(n_in):
            a = fma(p.theta[at.w + j * n_in + i], p.h[at.x + i], a)
        return a

    @kernel
    def two(p: Player, at: Place, j: int) -> tuple[Tile, Tile]:
        a0 = spread(p.theta[at.b + j] if bias else 0.0, p.h[at.x])
        a1 = spread(p.theta[at.b + j + 1] if bias else 0.0, p.h[at.x])
        for i in range(n_in):
            f = p.h[at.x + i]
            a0 = fma(p.theta[at.w + j * n_in + i], f, a0)
            a1 = fma(p.theta[at.w + (j + 1) * n_in + i], f, a1)
        return a0, a1

    return one, two


@cache
def _output_forward(n_in: int, n_out: int, bias: bool) -> Any:
    """``h[y:] = W h[x:] + b``."""
    one, two = _dense(n_in, n_out, bias)
    pairs = n_out - n_out % 2

    @kernel
    def run(p: Player, at: Place) -> None:
        for j in range(0, pairs, 2):
            p.h[at.y + j], p.h[at.y + j + 1] = two(p, at, j)
        for j in range(pairs, n_out):
            p.h[at.y + j] = one(p, at, j)

    return run


@cache
def _hidden_forward(n_in: int, n_units: int, bias: bool, code: int, readout: bool) -> Any:
    """``h[y:] = f(W h[x:] + b)`` and, for a readout, the single output ``h[at.z]`` above, summed up on the way."""
    one, two = _dense(n_in, n_units, bias)
    pairs = n_units - n_units % 2

    @kernel
    def run(p: Player, at: Place) -> None:
        slope = p.settings[SLOPE]
        out = spread(p.theta[at.b_up] if readout and bias else 0.0, p.h[at.x])
        for j in range(0, pairs, 2):
            a0, a1 = two(p, at, j)
            f0, f1 = activate(code, slope, a0), activate(code, slope, a1)
            p.h[at.y + j], p.h[at.y + j + 1] = f0, f1
            if readout:
                out = fma(p.theta[at.up + j + 1], f1, fma(p.theta[at.up + j], f0, out))
        for j in range(pairs, n_units):
            f = activate(code, slope, one(p, at, j))
            p.h[at.y + j] = f
            if readout:
                out = fma(p.theta[at.up + j], f, out)
        if readout:
            p.h[at.z] = out

    return run


@cache
def _derivatives(n_units: int, n_out: int, code: int) -> Any:
    """The derivatives ``W^T d[z:] * f'`` with respect to the sums of one unit, and of two; ``up`` leads to z."""

    @kernel
    def one(p: Player, at: Place, i: int) -> Tile:
        theta, d, slope, f = p.theta, p.d, p.settings[SLOPE], p.h[at.y + i]
        if n_out == 1:  # f' times the weight is one operation less
            return d[at.z] * deactivate(code, slope, theta[at.up + i], f)
        a = d[at.z] * theta[at.up + i]
        for j in range(1, n_out):
            a = fma(theta[at.up + j * n_units + i], d[at.z + j], a)
        return deactivate(code, slope, a, f)

    @kernel
    def two(p: Player, at: Place, i: int) -> tuple[Tile, Tile]:
        theta, d, slope, f0, f1 = p.theta, p.d, p.settings[SLOPE], p.h[at.y + i], p.h[at.y + i + 1]
        if n_out == 1:
            d0, d1 = deactivate(code, slope, theta[at.up + i], f0), deactivate(code, slope, theta[at.up + i + 1], f1)
            return d[at.z] * d0, d[at.z] * d1
        dz = d[at.z]
        a0, a1 = dz * theta[at.up + i], dz * theta[at.up + i + 1]
        for j in range(1, n_out):
            dz = d[at.z + j]
            a0 = fma(theta[at.up + j * n_units + i], dz, a0)
            a1 = fma(theta[at.up + j * n_units + i + 1], dz, a1)
        return deactivate(code, slope, a0, f0), deactivate(code, slope, a1, f1)

    return one, two


@cache
def _gradient(n_in: int, bias: bool) -> Any:
    """Grow the gradient of the weights and the bias of one unit, and of two, whose derivatives are in registers."""

    @kernel
    def one(p: Player, at: Place, j: int, d: Tile) -> None:
        if bias:
            p.grad[at.b + j] = p.grad[at.b + j] + fold(d)
        for i in range(n_in):
            p.grad[at.w + j * n_in + i] = dot(d, p.h[at.x + i], p.grad[at.w + j * n_in + i])

    @kernel
    def two(p: Player, at: Place, j: int, d0: Tile, d1: Tile) -> None:
        grad, w0, w1 = p.grad, at.w + j * n_in, at.w + (j + 1) * n_in
        if bias:
            grad[at.b + j], grad[at.b + j + 1] = grad[at.b + j] + fold(d0), grad[at.b + j + 1] + fold(d1)
        for i in range(n_in):
            f = p.h[at.x + i]
            g0, g1 = dot(d0, f, grad[w0 + i]), dot(d1, f, grad[w1 + i])
            grad[w0 + i], grad[w1 + i] = g0, g1

    return one, two


@cache
def _output_backward(n_in: int, n_out: int, bias: bool) -> Any:
    """Grow the gradient of the output layer."""
    one, _ = _gradient(n_in, bias)

    @kernel
    def run(p: Player, at: Place) -> None:
        for j in range(n_out):
            one(p, at, j, p.d[at.y + j])

    return run


@cache
def _hidden_backward(n_in: int, n_units: int, n_out: int, bias: bool, code: int, first: bool) -> Any:
    """Derivatives of a hidden layer and, while they are in registers, the gradient of its weights and biases.

    They are stored for the layer below, if there is one.
    """
    one, two = _derivatives(n_units, n_out, code)
    grow_one, grow_two = _gradient(n_in, bias)
    pairs = n_units - n_units % 2

    @kernel
    def run(p: Player, at: Place) -> None:
        for i in range(0, pairs, 2):
            d0, d1 = two(p, at, i)
            grow_two(p, at, i, d0, d1)
            if not first:
                p.d[at.y + i], p.d[at.y + i + 1] = d0, d1
        for i in range(pairs, n_units):
            d = one(p, at, i)
            grow_one(p, at, i, d)
            if not first:
                p.d[at.y + i] = d

    return run


@cache
def _hidden_input(n_units: int, n_out: int, code: int, single: bool) -> Any:
    """Derivatives of a hidden layer; if its single input x is the network's, that with respect to it instead."""
    one, two = _derivatives(n_units, n_out, code)
    pairs = n_units - n_units % 2

    @kernel
    def run(p: Player, at: Place) -> None:
        dx = spread(0.0, p.h[at.y])
        for i in range(0, pairs, 2):
            d0, d1 = two(p, at, i)
            if single:
                dx = fma(p.theta[at.w + i + 1], d1, fma(p.theta[at.w + i], d0, dx))
            else:
                p.d[at.y + i], p.d[at.y + i + 1] = d0, d1
        for i in range(pairs, n_units):
            d = one(p, at, i)
            if single:
                dx = fma(p.theta[at.w + i], d, dx)
            else:
                p.d[at.y + i] = d
        if single:
            p.d[at.x] = dx

    return run


@cache
def _input(n_in: int, n_out: int) -> Any:
    """``d[x:] = W^T d[y:]``, with respect to the network's inputs."""

    @kernel
    def run(p: Player, at: Place) -> None:
        for i in range(n_in):
            a = p.d[at.y] * p.theta[at.w + i]
            for j in range(1, n_out):
                a = fma(p.theta[at.w + j * n_in + i], p.d[at.y + j], a)
            p.d[at.x + i] = a

    return run


# --- the whole network: a chain of layers, unrolled while compiling -----------------------------


def _bound(run: Any, at: Place) -> Any:
    """``run`` at one place: a function of the player alone."""
    return kernel(lambda p: run(p, at))


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
    def chained(key: tuple[tuple[int, ...], bool, int]) -> Any:
        return _chain(build(Net(*key)))

    def function(net: Net, p: Player) -> None:
        chained(net.key)(p)

    @overload(function)
    def _compiled(net, p):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
        run = chained(net.net.key)
        return lambda net, p: run(p)

    function.__doc__ = doc
    return function


def _place(layer: Layer, above: Layer) -> Place:
    return Place(layer.weight, layer.bias, layer.x, layer.y, above.weight, above.bias, above.y)


def _hidden(net: Net) -> list[tuple[Layer, Layer]]:
    """Hidden layers, each with the one above it."""
    return list(zip(net.layers[:-1], net.layers[1:], strict=True))


def _forward_steps(net: Net) -> list[Any]:
    steps, last = [], net.layers[-1]
    fused = len(net.layers) > 1 and last.n_out == 1
    for layer, above in _hidden(net):
        readout = fused and above == last
        run = _hidden_forward(layer.n_in, layer.n_out, net.bias, net.activation, readout)
        steps.append(_bound(run, _place(layer, above)))
    if not fused:
        steps.append(_bound(_output_forward(last.n_in, last.n_out, net.bias), _place(last, last)))
    return steps


def _backward_steps(net: Net) -> list[Any]:
    last = net.layers[-1]
    steps = [_bound(_output_backward(last.n_in, last.n_out, net.bias), _place(last, last))]
    for layer, above in reversed(_hidden(net)):
        run = _hidden_backward(layer.n_in, layer.n_out, above.n_out, net.bias, net.activation, layer.x == 0)
        steps.append(_bound(run, _place(layer, above)))
    return steps


def _input_steps(net: Net) -> list[Any]:
    steps, first = [], net.layers[0]
    single = len(net.layers) > 1 and first.n_in == 1
    for layer, above in reversed(_hidden(net)):
        run = _hidden_input(layer.n_out, above.n_out, net.activation, single and layer == first)
        steps.append(_bound(run, _place(layer, above)))
    if not single:
        steps.append(_bound(_input(first.n_in, first.n_out), _place(first, first)))
    return steps


forward = _network(_forward_steps, "``h[0:]`` holds the inputs; fills every unit up to the outputs.")
backward = _network(
    _backward_steps,
    "``d`` of the outputs holds the loss's derivative; adds the derivative with respect to theta to ``grad``.",
)
backward_to_input = _network(
    _input_steps,
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
