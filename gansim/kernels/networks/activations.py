"""Activations: f(a), and f'(a) and f''(a) as functions of f(a).

Which one a network has is known while compiling: a branch among the loops over units costs registers.
"""

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanemath import expm1, sigmoid, softplus, tanh
from gansim.kernels.lanes import Row, Tile, fma, maximum, where_greater
from gansim.kernels.networks.architecture import ELU, PIECEWISE, SIGMOID, SOFTPLUS, TANH


@kernel
def _piecewise(a: Tile, slope: Row) -> Tile:
    return maximum(a, a * slope)


@kernel
def _piecewise_derivative(d: Tile, f: Tile, slope: Row) -> Tile:
    return where_greater(f, 0.0, d, d * slope)


@kernel
def _tanh(a: Tile, slope: Row) -> Tile:
    return tanh(a)


@kernel
def _tanh_derivative(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * fma(-f, f, 1.0)


@kernel
def _sigmoid(a: Tile, slope: Row) -> Tile:
    return sigmoid(a)


@kernel
def _sigmoid_derivative(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * (f * (1.0 - f))


@kernel
def _softplus(a: Tile, slope: Row) -> Tile:
    return softplus(a)


@kernel
def _softplus_derivative(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * -expm1(-f)


@kernel
def _elu(a: Tile, slope: Row) -> Tile:
    return where_greater(a, 0.0, a, expm1(a) * slope)


@kernel
def _elu_derivative(d: Tile, f: Tile, slope: Row) -> Tile:
    return where_greater(f, 0.0, d, d * (f + slope))


@kernel
def _tanh_second(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * (f * fma(f, f, -1.0)) * 2.0


@kernel
def _sigmoid_second(d: Tile, f: Tile, slope: Row) -> Tile:
    return d * (f * (1.0 - f)) * fma(f, -2.0, 1.0)


@kernel
def _softplus_second(d: Tile, f: Tile, slope: Row) -> Tile:
    first = -expm1(-f)
    return d * (first * (1.0 - first))


@kernel
def _elu_second(d: Tile, f: Tile, slope: Row) -> Tile:
    return where_greater(f, 0.0, 0.0, d * (f + slope))


# By code: f(a), and d * f'(a) in terms of f = f(a), where d may be a row. ``slope`` is that of the piecewise linear
# ones or elu's alpha. Which one is known while compiling: a branch among the loops over units costs registers.
ACTIVATE = {PIECEWISE: _piecewise, TANH: _tanh, SIGMOID: _sigmoid, SOFTPLUS: _softplus, ELU: _elu}
DEACTIVATE = {
    PIECEWISE: _piecewise_derivative,
    TANH: _tanh_derivative,
    SIGMOID: _sigmoid_derivative,
    SOFTPLUS: _softplus_derivative,
    ELU: _elu_derivative,
}
# By code: d * f''(a) in terms of f(a), of the activations that have a second derivative other than 0.
CURVE = {TANH: _tanh_second, SIGMOID: _sigmoid_second, SOFTPLUS: _softplus_second, ELU: _elu_second}
