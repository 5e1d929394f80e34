"""One layer: sizes are constants, where it lies is data, so equal layers share code."""

from functools import cache
from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.compiling.registers import REGISTER
from gansim.kernels.lanes import T, Tile, dot, fma, spread, total
from gansim.kernels.networks.activations import ACTIVATE, DEACTIVATE
from gansim.kernels.networks.player import SLOPE, Player


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
# more than WIDE units are taken WIDE at a time, so that the tiles they share stay in the first-level cache: they take
# half of its usual 32 KiB (all of it costs 8 % of a step of 64 x 64). What is summed up so far waits in its unit's
# place; the terms keep their order.
WIDE = 16384 // (T * REGISTER)


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
def output_forward(n_in: int, n_out: int, bias: bool) -> Any:
    """``h[y:] = W h[x:] + b``."""
    one, _ = _dense(n_in)

    @kernel
    def run(p: Player, at: Place) -> None:
        for j in range(n_out):
            p.h[at.y + j] = one(p, at, j, spread(p.theta[at.b + j] if bias else 0.0, p.h[at.x]), 0, n_in)

    return run


@cache
def hidden_forward(n_in: int, n_units: int, bias: bool, code: int, readout: bool) -> Any:
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
            p.grad[at.b + j] = total(d, p.grad[at.b + j])
        for i in range(low, high):
            p.grad[at.w + j * n_in + i] = dot(d, p.h[at.x + i], p.grad[at.w + j * n_in + i])

    @kernel
    def two(p: Player, at: Place, j: int, d0: Tile, d1: Tile, low: int, high: int) -> None:
        grad, w0, w1 = p.grad, at.w + j * n_in, at.w + (j + 1) * n_in
        if bias and low == 0:
            grad[at.b + j], grad[at.b + j + 1] = total(d0, grad[at.b + j]), total(d1, grad[at.b + j + 1])
        for i in range(low, high):
            f = p.h[at.x + i]
            g0, g1 = dot(d0, f, grad[w0 + i]), dot(d1, f, grad[w1 + i])
            grad[w0 + i], grad[w1 + i] = g0, g1

    return one, two


@cache
def output_backward(n_in: int, n_out: int, bias: bool) -> Any:
    """Grow the gradient of the output layer."""
    one, _ = _gradient(n_in, bias)

    @kernel
    def run(p: Player, at: Place) -> None:
        for j in range(n_out):
            one(p, at, j, p.d[at.y + j], 0, n_in)

    return run


@cache
def hidden_backward(n_in: int, n_units: int, n_out: int, bias: bool, code: int, first: bool) -> Any:
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
def hidden_input(n_units: int, n_out: int, code: int, single: bool) -> Any:
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
def input_layer(n_in: int, n_out: int) -> Any:
    """``d[x:] = W^T d[y:]``, with respect to the network's inputs."""

    @kernel
    def run(p: Player, at: Place) -> None:
        for i in range(n_in):
            a = p.d[at.y] * p.theta[at.w + i]
            for j in range(1, n_out):
                a = fma(p.theta[at.w + j * n_in + i], p.d[at.y + j], a)
            p.d[at.x + i] = a

    return run
