"""The architecture of a network is a Numba type.

Layer sizes travel in it, so loops have constant bounds (1.6 to 2.4 x over run-time sizes on a 1-16-1 network) and the
disk cache is keyed by them. Parameters lie flat, a row each: per layer the weights ``(n_out, n_in)`` row by row, then
the bias ``(n_out,)``. Units lie flat too, a tile each: the inputs, then every layer's outputs. Of a scaled network the
inputs times its scale follow the inputs, and the outputs times the other follow the last layer's outputs.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import types
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox

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


Key: TypeAlias = tuple[Any, ...]  # sizes, bias, activation and, of a scaled network, True


class Net:
    """An architecture: ``sizes`` from input to output, biases or none, the code of its activation, scaled or not."""

    def __init__(self, sizes: tuple[int, ...], bias: bool, activation: int, scaled: bool = False) -> None:
        self.sizes, self.bias, self.scaled = tuple(int(n) for n in sizes), bool(bias), bool(scaled)
        if activation not in CODES.values():
            raise ValueError(f"unknown activation: code {activation}")
        self.activation = int(activation) if len(self.sizes) > 2 else PIECEWISE  # nothing to activate

    @property
    def layers(self) -> list[Layer]:
        """Every layer's place in the flat parameters and units."""
        out, row, unit = [], 0, self.sizes[0] * self.scaled
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
        return sum(self.sizes) + (self.sizes[0] + self.sizes[-1]) * self.scaled

    @property
    def key(self) -> Key:
        """What tells architectures apart."""
        return self.sizes, self.bias, self.activation, *([True] if self.scaled else [])


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
