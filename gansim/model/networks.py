"""Networks: layers, activations and initial weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Any, Literal, TypeAlias, get_args

from gansim.errors import Refused
from gansim.model.fields import (
    LATER,
    Integer,
    Object,
    OneOf,
    Real,
    Several,
    below,
    described,
    items_of,
    join,
    plain,
)

__all__ = ["MLP", "Activation", "Given", "He", "Init", "InitName", "NormalInit", "Orthogonal", "TorchDefault", "Xavier"]

Activation: TypeAlias = Literal["leaky_relu", "relu", "tanh", "sigmoid", "softplus", "elu", "linear"]
_Gain = Annotated[float, Real(0.0, 100.0)]
_Hidden = Annotated[tuple[int, ...], Several(Integer(1, 512), 0, 4, "widths, such as (16, 16)", "a width")]


@described
class He:
    """Initial weights normal with standard deviation sqrt(2 / n_in), biases 0 (He et al. 2015, eq. 10).

    Examples
    --------
    >>> He()
    He()
    """

    kind: Literal["he"] = field(default="he", kw_only=True, repr=False)


@described
class Xavier:
    """Initial weights uniform within gain * sqrt(6 / (n_in + n_out)), biases 0 (Glorot and Bengio 2010, eq. 16).

    Parameters
    ----------
    gain : float, default 1
        Factor on the weights, 0 to 100.

    Examples
    --------
    >>> Xavier(gain=1.5)
    Xavier(gain=1.5)
    """

    gain: _Gain = 1.0
    kind: Literal["xavier"] = field(default="xavier", kw_only=True, repr=False)


@described
class TorchDefault:
    """Initial weights and biases uniform within 1 / sqrt(n_in): the default of PyTorch's linear layer.

    Examples
    --------
    >>> TorchDefault()
    TorchDefault()
    """

    kind: Literal["torch"] = field(default="torch", kw_only=True, repr=False)


@described
class NormalInit:
    """Initial weights normal with a fixed standard deviation, biases 0.

    Parameters
    ----------
    std : float, default 0.02
        Standard deviation of the weights, 0 to 100 (0.02: Radford et al. 2016, section 4).

    Examples
    --------
    >>> NormalInit(0.1)
    NormalInit(std=0.1)
    """

    std: _Gain = 0.02
    kind: Literal["normal"] = field(default="normal", kw_only=True, repr=False)


@described
class Orthogonal:
    """Initial weights with orthonormal rows (columns where n_out > n_in), biases 0 (Saxe et al. 2014).

    Parameters
    ----------
    gain : float, default 1
        Factor on the weights, 0 to 100.

    Examples
    --------
    >>> Orthogonal(gain=0.5)
    Orthogonal(gain=0.5)
    """

    gain: _Gain = 1.0
    kind: Literal["orthogonal"] = field(default="orthogonal", kw_only=True, repr=False)


_Layer: TypeAlias = tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]
_ROW = Several(Real(-1e9, 1e9), 0, 512, "numbers")
_ROWS = Several(_ROW, 0, 512, "rows of numbers")


def _layer(value: object) -> _Layer:
    """A pair (weights, bias) as tuples; no bias is ()."""
    pair = items_of(value, 2)
    if pair is None or len(pair) != 2:
        raise Refused(value, "a pair (weights, bias), such as ([[1.0]], [0.0])")
    weights, bias = pair
    return below("[0]", _ROWS, weights), below("[1]", _ROW, () if bias is None else bias)


@described
class Given:
    """Initial parameters given number by number, the same for every run.

    Parameters
    ----------
    layers : tuple of (weights, bias)
        One pair per layer, the output layer last: weights has n_out rows of n_in numbers, bias n_out numbers, or
        none where the network has no bias. Arrays and lists are taken too. The numbers are those of the network
        itself, so with ``standardise=True`` they act on standardised data.

    Examples
    --------
    >>> Given([([[5.0]], [500.0])])
    Given(layers=((((5.0,),), (500.0,)),))
    """

    layers: Annotated[tuple[_Layer, ...], Several(_layer, 1, 5, "pairs (weights, bias)")]
    kind: Literal["given"] = field(default="given", kw_only=True, repr=False)

    def __init__(self, layers: Sequence[tuple[Any, Any]]) -> None: ...


_INIT_NAMES = {"he": He, "xavier": Xavier, "torch": TorchDefault, "orthogonal": Orthogonal}
_INIT = Object((He, Xavier, TorchDefault, NormalInit, Orthogonal, Given), "an initialiser")


def _initialiser(value: object) -> Any:
    word = plain(value)
    if not isinstance(word, str):
        return _INIT(value)
    if word not in _INIT_NAMES:
        raise Refused(value, f"one of {join(_INIT_NAMES)}, or an initialiser such as gs.NormalInit(std)")
    return _INIT_NAMES[word]()


InitName: TypeAlias = Literal["he", "xavier", "torch", "orthogonal"]
"""Names that stand for an initialiser with all defaults."""
Init: TypeAlias = Annotated[He | Xavier | TorchDefault | NormalInit | Orthogonal | Given, _initialiser]
_NOT_FAR = Real(-1e6, 1e6)


def _scale(value: object) -> float:
    try:
        number = _NOT_FAR(value)
    except Refused:
        number = 0.0
    if number == 0.0:
        raise Refused(value, f"{_NOT_FAR.allowed}, but 0")
    return number


_Scale = Annotated[float, _scale]
_SLOPES: dict[str, tuple[float, Real]] = {
    "leaky_relu": (0.2, Real(0.0, 1.0)),
    "elu": (1.0, Real(0.0, 100.0, above=True)),
}


def _activation(value: object) -> str:
    if isinstance(plain(value), int):
        allowed = f"one of {join(map(repr, get_args(Activation)))}; widths of several layers are one tuple, as (16, 16)"
        raise Refused(value, allowed)
    return OneOf(get_args(Activation))(value)


@described
class MLP:
    """Multi-layer perceptron: generator or discriminator. Its output layer is linear.

    Parameters
    ----------
    hidden : int or tuple of int, default (16,)
        Widths of the 0 to 4 hidden layers, each 1 to 512; a number by itself is one layer. ``()`` is the affine
        network. Kept as a tuple.
    activation : str, default "leaky_relu"
        After every hidden layer: leaky_relu, relu, tanh, sigmoid, softplus, elu or linear.
    slope : float or None, default None
        leaky_relu: the negative slope, 0 to 1 (None: 0.2). elu: its alpha, above 0 (None: 1). Refused elsewhere.
    bias : bool, default True
        Whether the layers have biases.
    init : initialiser or str, default "he"
        `He`, `Xavier`, `TorchDefault`, `NormalInit`, `Orthogonal`, `Given`, or "he", "xavier", "torch", "orthogonal".
    input_scale, output_scale : float, default 1
        What inputs are multiplied by before the first layer, and outputs after the last; any number from -1e6 to 1e6
        but 0. They are no parameters: nobody trains them, and initial weights do not depend on them.

    Examples
    --------
    >>> MLP((32, 32), "tanh", init="xavier")
    MLP(hidden=(32, 32), activation='tanh', init=Xavier(gain=1.0))
    >>> MLP(64).hidden
    (64,)
    """

    hidden: _Hidden = (16,)
    activation: Annotated[Activation, _activation] = "leaky_relu"
    slope: float | None = None
    bias: bool = True
    init: Init = He()
    input_scale: _Scale = field(default=1.0, metadata=LATER)
    output_scale: _Scale = field(default=1.0, metadata=LATER)

    def __init__(
        self,
        hidden: int | Sequence[int] = (16,),
        activation: Activation = "leaky_relu",
        slope: float | None = None,
        bias: bool = True,
        init: He | Xavier | TorchDefault | NormalInit | Orthogonal | Given | InitName = He(),  # noqa: B008 - frozen
        input_scale: float = 1.0,
        output_scale: float = 1.0,
    ) -> None: ...

    def __post_init__(self) -> None:
        if self.slope is None:
            return
        if self.activation not in _SLOPES:
            raise Refused(
                self.slope, f"None, because {self.activation} has no slope (leaky_relu and elu have)", "slope"
            )
        object.__setattr__(self, "slope", below("slope", _SLOPES[self.activation][1], self.slope))

    @property
    def is_scaled(self) -> bool:
        """Whether inputs or outputs are multiplied by anything but 1."""
        return self.input_scale != 1 or self.output_scale != 1

    @property
    def slope_value(self) -> float:
        """The slope in force: `slope`, or the activation's default; 0 for an activation without one."""
        return _SLOPES[self.activation][0] if self.slope is None and self.activation in _SLOPES else self.slope or 0.0

    def sizes(self, n_in: int, n_out: int) -> tuple[int, ...]:
        """Layer sizes from input to output.

        Parameters
        ----------
        n_in, n_out : int
            Dimensions of input and output.

        Returns
        -------
        tuple of int
            ``(n_in, *hidden, n_out)``.
        """
        return (n_in, *self.hidden, n_out)
