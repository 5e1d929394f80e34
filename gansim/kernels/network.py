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

from gansim.kernels.jit import PART, kernel
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
        if activation not in CODES.values():
            raise ValueError(f"unknown activation: code {activation}")
        self.activation = int(activation) if len(self.sizes) > 2 else PIECEWISE  # nothing to activate

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

    @overload(constant, jit_options=PART)
    def _compiled(net):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
        number = value(net.net)
        return lambda net: number

    return constant


n_params = _constant(lambda net: net.n_params)
n_units = _constant(lambda net: net.n_units)
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
def _piecewise(a: Tile, slope: Row) -> Tile:
    return maximum(a, a * slope)


@kernel
def _piecewise_slope(d: Tile, f: Tile, slope: Row) -> Tile:
    return where_greater(f, 0.0, d, d * slope)


@kernel
def _tanh(a: Tile, slope: Row) -> Tile:
    return tanh(a)


@kernel
def _tanh_slope(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * fma(-f, f, 1.0)


@kernel
def _sigmoid(a: Tile, slope: Row) -> Tile:
    return sigmoid(a)


@kernel
def _sigmoid_slope(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * (f * (1.0 - f))


@kernel
def _softplus(a: Tile, slope: Row) -> Tile:
    return softplus(a)


@kernel
def _softplus_slope(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * -expm1(-f)


@kernel
def _elu(a: Tile, slope: Row) -> Tile:
    return where_greater(a, 0.0, a, expm1(a) * slope)


@kernel
def _elu_slope(d: Tile, f: Tile, slope: Row) -> Tile:
    return where_greater(f, 0.0, d, d * (f + slope))


# By code: f(a), and d * f'(a) in terms of f = f(a), where d may be a row. ``slope`` is that of the piecewise linear
# ones or elu's alpha. Which one is known while compiling: a branch among the loops over units costs registers.
ACTIVATE = {PIECEWISE: _piecewise, TANH: _tanh, SIGMOID: _sigmoid, SOFTPLUS: _softplus, ELU: _elu}
DEACTIVATE = {
    PIECEWISE: _piecewise_slope,
    TANH: _tanh_slope,
    SIGMOID: _sigmoid_slope,
    SOFTPLUS: _softplus_slope,
    ELU: _elu_slope,
}


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


# Loops go over pairs of units: two share each tile that is read (1.4 to 1.6 x; four would spill registers). Sums over
# more than WIDE units are taken WIDE at a time, so that the tiles they share stay in the first-level cache (64 tiles
# are 32 KiB; 1.7 x on 128 x 128). What is summed up so far waits in its unit's place; the terms keep their order.
WIDE = 64


@cache
def _dense(n_in: int) -> Any:
    """Add ``W h[x + low : x + high]`` to the sum of one unit, and of two."""

    @kernel
    def one(p: Player, at: Place, j: int, a: Tile, low: int, high: int) -> Tile:
        for i in range(low, high):
            a = fma(p.theta[at.w + j * n_in + i], p.h[at.x + i], a)
        return a

    @kernel
    def two(p: Player, at: Place, j: int, a0: Tile, a1: Tile, low: int, high: int) -> tuple[Tile, Tile]:
        for i in range(low, high):
            f = p.h[at.x + i]
            a0 = fma(p.theta[at.w + j * n_in + i], f, a0)
            a1 = fma(p.theta[at.w + (j + 1) * n_in + i], f, a1)
        return a0, a1

    return one, two


@cache
def _output_forward(n_in: int, n_out: int, bias: bool) -> Any:
    """``h[y:] = W h[x:] + b``."""
    one, _ = _dense(n_in)

    @kernel
    def run(p: Player, at: Place) -> None:
        for j in range(n_out):
            p.h[at.y + j] = one(p, at, j, spread(p.theta[at.b + j] if bias else 0.0, p.h[at.x]), 0, n_in)

    return run


@cache
def _hidden_forward(n_in: int, n_units: int, bias: bool, code: int, readout: bool) -> Any:
    """``h[y:] = f(W h[x:] + b)`` and, for a readout, the single output ``h[at.z]`` above, summed up on the way."""
    one, two = _dense(n_in)
    activate = ACTIVATE[code]
    pairs = n_units - n_units % 2

    @kernel
    def start(p: Player, at: Place, j: int, low: int) -> Tile:
        if low == 0:
            return spread(p.theta[at.b + j] if bias else 0.0, p.h[at.x])
        return p.h[at.y + j]

    @kernel
    def run(p: Player, at: Place) -> None:
        slope = p.settings[SLOPE]
        out = spread(p.theta[at.b_up] if readout and bias else 0.0, p.h[at.x])
        for low in range(0, n_in, WIDE):
            high = min(low + WIDE, n_in)
            for j in range(0, pairs, 2):
                f0, f1 = two(p, at, j, start(p, at, j, low), start(p, at, j + 1, low), low, high)
                if high == n_in:
                    f0, f1 = activate(f0, slope), activate(f1, slope)
                    if readout:
                        out = fma(p.theta[at.up + j + 1], f1, fma(p.theta[at.up + j], f0, out))
                p.h[at.y + j], p.h[at.y + j + 1] = f0, f1
            for j in range(pairs, n_units):
                f = one(p, at, j, start(p, at, j, low), low, high)
                if high == n_in:
                    f = activate(f, slope)
                    if readout:
                        out = fma(p.theta[at.up + j], f, out)
                p.h[at.y + j] = f
        if readout:
            p.h[at.z] = out

    return run


@cache
def _derivatives(n_units: int, n_out: int, code: int) -> Any:
    """Derivatives ``W^T d[z:] * f'`` with respect to the sums of one unit, and of two; ``up`` leads to z.

    Units ``low`` ... ``high - 1`` above are taken up; a sum that is not complete has not met f' yet.
    """
    deactivate = DEACTIVATE[code]

    @kernel
    def one(p: Player, at: Place, i: int, low: int, high: int) -> Tile:
        theta, d, slope, f = p.theta, p.d, p.settings[SLOPE], p.h[at.y + i]
        if n_out == 1:  # f' times the weight is one operation less
            return d[at.z] * deactivate(theta[at.up + i], f, slope)
        a = spread(0.0, f) if low == 0 else d[at.y + i]
        for j in range(low, high):
            a = fma(theta[at.up + j * n_units + i], d[at.z + j], a)
        return deactivate(a, f, slope) if high == n_out else a

    @kernel
    def two(p: Player, at: Place, i: int, low: int, high: int) -> tuple[Tile, Tile]:
        theta, d, slope, f0, f1 = p.theta, p.d, p.settings[SLOPE], p.h[at.y + i], p.h[at.y + i + 1]
        if n_out == 1:
            d0, d1 = deactivate(theta[at.up + i], f0, slope), deactivate(theta[at.up + i + 1], f1, slope)
            return d[at.z] * d0, d[at.z] * d1
        a0 = spread(0.0, f0) if low == 0 else d[at.y + i]
        a1 = spread(0.0, f1) if low == 0 else d[at.y + i + 1]
        for j in range(low, high):
            dz = d[at.z + j]
            a0 = fma(theta[at.up + j * n_units + i], dz, a0)
            a1 = fma(theta[at.up + j * n_units + i + 1], dz, a1)
        if high == n_out:
            a0, a1 = deactivate(a0, f0, slope), deactivate(a1, f1, slope)
        return a0, a1

    return one, two


@cache
def _gradient(n_in: int, bias: bool) -> Any:
    """Grow the gradient of one unit's, and of two units', weights from inputs ``low`` ... and, with 0, of the bias."""

    @kernel
    def one(p: Player, at: Place, j: int, d: Tile, low: int, high: int) -> None:
        if bias and low == 0:
            p.grad[at.b + j] = p.grad[at.b + j] + fold(d)
        for i in range(low, high):
            p.grad[at.w + j * n_in + i] = dot(d, p.h[at.x + i], p.grad[at.w + j * n_in + i])

    @kernel
    def two(p: Player, at: Place, j: int, d0: Tile, d1: Tile, low: int, high: int) -> None:
        grad, w0, w1 = p.grad, at.w + j * n_in, at.w + (j + 1) * n_in
        if bias and low == 0:
            grad[at.b + j], grad[at.b + j + 1] = grad[at.b + j] + fold(d0), grad[at.b + j + 1] + fold(d1)
        for i in range(low, high):
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
            one(p, at, j, p.d[at.y + j], 0, n_in)

    return run


@cache
def _hidden_backward(n_in: int, n_units: int, n_out: int, bias: bool, code: int, first: bool) -> Any:
    """Derivatives of a hidden layer and, while they are in registers, the gradient of its weights and biases.

    They are stored for the layer below, if there is one. Wide layers go through their inputs afterwards.
    """
    one, two = _derivatives(n_units, n_out, code)
    grow_one, grow_two = _gradient(n_in, bias)
    pairs, at_once = n_units - n_units % 2, n_in <= WIDE and n_out <= WIDE

    @kernel
    def run(p: Player, at: Place) -> None:
        for low in range(0, n_out, WIDE):
            high = min(low + WIDE, n_out)
            for i in range(0, pairs, 2):
                d0, d1 = two(p, at, i, low, high)
                if at_once:
                    grow_two(p, at, i, d0, d1, 0, n_in)
                if not (at_once and first):
                    p.d[at.y + i], p.d[at.y + i + 1] = d0, d1
            for i in range(pairs, n_units):
                d = one(p, at, i, low, high)
                if at_once:
                    grow_one(p, at, i, d, 0, n_in)
                if not (at_once and first):
                    p.d[at.y + i] = d
        if not at_once:
            for low in range(0, n_in, WIDE):
                for i in range(0, pairs, 2):
                    grow_two(p, at, i, p.d[at.y + i], p.d[at.y + i + 1], low, min(low + WIDE, n_in))
                for i in range(pairs, n_units):
                    grow_one(p, at, i, p.d[at.y + i], low, min(low + WIDE, n_in))

    return run


@cache
def _hidden_input(n_units: int, n_out: int, code: int, single: bool) -> Any:
    """Derivatives of a hidden layer; if its single input x is the network's, that with respect to it instead."""
    one, two = _derivatives(n_units, n_out, code)
    pairs = n_units - n_units % 2

    @kernel
    def run(p: Player, at: Place) -> None:
        dx = spread(0.0, p.h[at.y])
        for low in range(0, n_out, WIDE):
            high = min(low + WIDE, n_out)
            for i in range(0, pairs, 2):
                d0, d1 = two(p, at, i, low, high)
                if single and high == n_out:
                    dx = fma(p.theta[at.w + i + 1], d1, fma(p.theta[at.w + i], d0, dx))
                else:
                    p.d[at.y + i], p.d[at.y + i + 1] = d0, d1
            for i in range(pairs, n_units):
                d = one(p, at, i, low, high)
                if single and high == n_out:
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


def _network(build: Callable[[Net], list[Any]], doc: str) -> Callable[[Net, Player, int], None]:
    """A function of (net, player, tiles) whose steps are chosen by the architecture."""

    @cache
    def chained(key: tuple[tuple[int, ...], bool, int]) -> Any:
        return _chain(build(Net(*key)))

    def function(net: Net, p: Player, n: int) -> None:
        chained(net.key)(p, n)

    @overload(function, jit_options=PART)
    def _compiled(net, p, n):  # type: ignore[no-untyped-def] # Numba compares signatures, annotations included
        run = chained(net.net.key)
        return lambda net, p, n: run(p, n)

    function.__doc__ = doc
    return function


def _hidden(net: Net) -> list[tuple[Layer, Layer]]:
    """Hidden layers, each with the one above it."""
    return list(zip(net.layers[:-1], net.layers[1:], strict=True))


def _forward_steps(net: Net) -> list[Any]:
    steps, last = [], net.layers[-1]
    fused = len(net.layers) > 1 and last.n_out == 1
    for layer, above in _hidden(net):
        readout = fused and above == last
        run = _hidden_forward(layer.n_in, layer.n_out, net.bias, net.activation, readout)
        steps.append(_bound(run, net, layer, above))
    if not fused:
        steps.append(_bound(_output_forward(last.n_in, last.n_out, net.bias), net, last, last))
    return steps


def _backward_steps(net: Net) -> list[Any]:
    last = net.layers[-1]
    steps = [_bound(_output_backward(last.n_in, last.n_out, net.bias), net, last, last)]
    for layer, above in reversed(_hidden(net)):
        run = _hidden_backward(layer.n_in, layer.n_out, above.n_out, net.bias, net.activation, layer.x == 0)
        steps.append(_bound(run, net, layer, above))
    return steps


def _input_steps(net: Net) -> list[Any]:
    steps, first = [], net.layers[0]
    single = len(net.layers) > 1 and first.n_in == 1
    for layer, above in reversed(_hidden(net)):
        run = _hidden_input(layer.n_out, above.n_out, net.activation, single and layer == first)
        steps.append(_bound(run, net, layer, above))
    if not single:
        steps.append(_bound(_input(first.n_in, first.n_out), net, first, first))
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
