"""What is simulated: frozen, validated descriptions of a GAN and everything in it.

Nothing here computes anything but moments. Every class refuses what cannot be simulated as it is built, by a
`ConfigError` of one line that names the field, the value and what is allowed. The objects are hashable,
comparable and picklable, take positional or keyword arguments, and survive ``from_dict(to_dict(gan)) == gan`` exactly,
through JSON as well.

To add a target, an initialiser or an optimiser: write its class here, add it to its union (`Target`, `Init`,
`Optimizer`). To add a game: add its name to `Game`.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, dataclass_transform, get_args

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

__all__ = [
    "GAN",
    "MLP",
    "SGD",
    "Activation",
    "Adam",
    "ConfigError",
    "Game",
    "Given",
    "He",
    "Init",
    "Mixture",
    "Momentum",
    "Noise",
    "Normal",
    "NormalInit",
    "Optimizer",
    "Orthogonal",
    "RMSProp",
    "Referee",
    "Target",
    "TorchDefault",
    "Uniform",
    "Xavier",
    "check_gan",
    "components",
    "from_dict",
    "moments",
    "one_line",
    "replace",
    "standardised",
    "to_dict",
]

Activation: TypeAlias = Literal["leaky_relu", "relu", "tanh", "sigmoid", "softplus", "elu", "linear"]
Game: TypeAlias = Literal["minimax", "non-saturating", "as-written"]


class ConfigError(ValueError):
    """A configuration that cannot be simulated; the message is one line and says what is allowed.

    Parameters
    ----------
    message : str
        What is wrong; line breaks in it, from a value that is shown, become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


# --- checks -------------------------------------------------------------------------------------


def _show(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


@dataclasses.dataclass(frozen=True)
class _Real:
    """Validator of a finite real number in [low, high]; refuses text and booleans, takes NumPy scalars."""

    low: float
    high: float
    above: bool = False  # low itself is refused

    def __call__(self, value: object) -> float:
        plain = value.item() if isinstance(value, np.generic) else value
        number = isinstance(plain, (int, float)) and not isinstance(plain, bool)
        if number and self.low <= plain <= self.high and not (self.above and plain == self.low):  # type: ignore[operator]
            return float(plain) + 0.0  # type: ignore[arg-type] # not -0.0: it equals 0.0 and is another bit
        start = f"above {_show(self.low)} and up" if self.above else f"from {_show(self.low)}"
        raise ValueError(f"a number {start} to {_show(self.high)}")


@dataclasses.dataclass(frozen=True)
class _Integer:
    """Validator of an integer in [low, high]; refuses 2.0, text and booleans, takes NumPy integers."""

    low: int
    high: int
    multiple: int = 1

    def __call__(self, value: object) -> int:
        plain = value.item() if isinstance(value, np.generic) else value
        integer = isinstance(plain, int) and not isinstance(plain, bool)
        if integer and self.low <= plain <= self.high and plain % self.multiple == 0:  # type: ignore[operator]
            return plain  # type: ignore[return-value]
        kind = "an integer" if self.multiple == 1 else f"a multiple of {self.multiple}"
        raise ValueError(f"{kind} from {_show(self.low)} to {_show(self.high)}")


def _several(value: object) -> bool:
    """Whether a value is a sequence, or an array that is not a single number."""
    return isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _ordered(value: object) -> object:
    """Refuse a set, which pydantic would take for a tuple in any order."""
    if isinstance(value, (set, frozenset)):
        raise ValueError("numbers in order: a tuple or a list")
    return value


# Bounds keep every number well inside float32 (largest 3e38, smallest normal 1e-38, squares included).
_Location = Annotated[float, BeforeValidator(_Real(-1e6, 1e6))]
_Spread = Annotated[float, BeforeValidator(_Real(1e-9, 1e6))]
_Value = Annotated[float, BeforeValidator(_Real(-1e9, 1e9))]
_Gain = Annotated[float, BeforeValidator(_Real(0.0, 100.0))]
_Rate = Annotated[float, BeforeValidator(_Real(0.0, 1000.0))]
# The largest float32 below 1 is 1 - 6e-8: a decay closer to 1 would round to 1 and Adam's correction divide by 0.
_Decay = Annotated[float, BeforeValidator(_Real(0.0, 0.999999))]
_Epsilon = Annotated[float, BeforeValidator(_Real(1e-30, 1.0))]
_Width = Annotated[int, BeforeValidator(_Integer(1, 512))]
_Steps = Annotated[int, BeforeValidator(_Integer(1, 10**8))]
_Evaluation = Annotated[int, BeforeValidator(_Integer(32, 65536, multiple=32))]
_Repeats = Annotated[int, BeforeValidator(_Integer(0, 100))]
_Hidden = Annotated[tuple[_Width, ...], Field(max_length=4), BeforeValidator(_ordered)]

# The least ratio of a mixture's numbers to each other. What it holds for is rescaled and validated again: rounding must
# not refuse then what was taken before.
_MILLIONTH = 1e-6 * (1 - 1e-9)

# Defaults are validated too, because some checks compare two fields (records <= steps).
_CONFIG = ConfigDict(extra="forbid", validate_default=True)

_Class = TypeVar("_Class", bound=type[Any])


@dataclass_transform(frozen_default=True)
def _described(cls: _Class) -> _Class:
    """Make a class a frozen dataclass that refuses with a `ConfigError`, in gansim's words, as it is built."""
    described: _Class = _refusing(dataclass(frozen=True, config=_CONFIG)(cls))
    return described


@dataclass_transform(frozen_default=True, kw_only_default=True)
def _described_by_name(cls: _Class) -> _Class:
    """The same for a class whose fields are given by name alone."""
    described: _Class = _refusing(dataclass(frozen=True, kw_only=True, config=_CONFIG)(cls))
    return described


def _refusing(cls: Any) -> Any:
    build = cls.__init__

    @functools.wraps(build)
    def __init__(self: object, *args: object, **fields: object) -> None:
        try:
            build(self, *args, **fields)
        except ValidationError as error:
            raise ConfigError(one_line(error)) from None

    cls.__init__ = __init__
    return cls


# --- targets and noise --------------------------------------------------------------------------


@_described
class Normal:
    """Normal distribution, as a target or as noise.

    Parameters
    ----------
    mean : float, default 0
        Mean, in data units, -1e6 to 1e6.
    std : float, default 1
        Standard deviation, in data units, 1e-9 to 1e6.

    Examples
    --------
    >>> Normal(500, 5)
    Normal(mean=500.0, std=5.0)
    """

    mean: _Location = 0.0
    std: _Spread = 1.0
    kind: Literal["normal"] = Field(default="normal", kw_only=True, repr=False)


@_described
class Uniform:
    """Uniform distribution on [low, high], as a target or as noise.

    Parameters
    ----------
    low, high : float, default 0 and 1
        Ends of the interval, in data units, -1e6 to 1e6; high exceeds low by at least 1e-8.

    Examples
    --------
    >>> Uniform(-1, 1)
    Uniform(low=-1.0, high=1.0)
    """

    low: _Location = 0.0
    high: _Location = 1.0
    kind: Literal["uniform"] = Field(default="uniform", kw_only=True, repr=False)

    @field_validator("high")
    @classmethod
    def _above_low(cls, high: float, info: ValidationInfo) -> float:
        low = info.data.get("low")
        if low is not None and high - low < 1e-8:
            raise ValueError(f"a number above low = {_show(low)}")
        return high


@_described
class Mixture:
    """Mixture of normal distributions, as a target.

    Parameters
    ----------
    means : tuple of float
        Means of the 2 to 64 components, in data units.
    stds : float or tuple of float, default 1
        Standard deviations in data units: one for all, or one per component.
    weights : tuple of float or None, default None
        Probabilities of the components, positive; stored divided by their sum. None: all equal.

    Examples
    --------
    >>> Mixture((-2, 2), 0.5, (1, 3))
    Mixture(means=(-2.0, 2.0), stds=0.5, weights=(0.25, 0.75))
    """

    means: Annotated[tuple[_Location, ...], Field(min_length=2, max_length=64), BeforeValidator(_ordered)] = (-1.0, 1.0)
    stds: float | tuple[float, ...] = 0.5
    weights: tuple[float, ...] | None = None
    kind: Literal["mixture"] = Field(default="mixture", kw_only=True, repr=False)

    @field_validator("stds", mode="plain")
    @classmethod
    def _check_stds(cls, stds: object, info: ValidationInfo) -> float | tuple[float, ...]:
        means = info.data.get("means", ())
        check = _Real(1e-9, 1e6)
        several = _several(stds)
        values = tuple(check(std) for std in stds) if several else (check(stds),)  # type: ignore[attr-defined]
        if several and means and len(values) != len(means):
            raise ValueError(f"one number, or as many as there are means ({len(means)})")
        widest = max(*values, max(means) - min(means)) if means else 0.0
        if min(values) < _MILLIONTH * widest:
            raise ValueError(f"at least a millionth of the largest distance, {widest:g}")
        return values if several else values[0]

    @field_validator("weights", mode="plain")
    @classmethod
    def _check_weights(cls, weights: object, info: ValidationInfo) -> tuple[float, ...] | None:
        means = info.data.get("means")
        if weights is None:
            return None
        if not _several(weights) or (means is not None and len(weights) != len(means)):  # type: ignore[arg-type]
            raise ValueError(f"None, or as many numbers as there are means ({len(means) if means else '2 to 64'})")
        values = tuple(_Real(_MILLIONTH, 1e6)(weight) for weight in weights)  # type: ignore[attr-defined]
        total = math.fsum(values)
        if min(values) < _MILLIONTH * total:
            raise ValueError("numbers of which none is below a millionth of their sum")
        # Weights that already add up to 1 stay as they are, so that reading a stored configuration changes no bit.
        return values if abs(total - 1) < 1e-9 else tuple(value / total for value in values)


Target: TypeAlias = Annotated[Normal | Uniform | Mixture, Field(discriminator="kind")]
Noise: TypeAlias = Annotated[Normal | Uniform, Field(discriminator="kind")]


# --- networks -----------------------------------------------------------------------------------


@_described
class He:
    """Initial weights normal with standard deviation sqrt(2 / n_in), biases 0 (He et al. 2015, eq. 10).

    Examples
    --------
    >>> He()
    He()
    """

    kind: Literal["he"] = Field(default="he", kw_only=True, repr=False)


@_described
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
    kind: Literal["xavier"] = Field(default="xavier", kw_only=True, repr=False)


@_described
class TorchDefault:
    """Initial weights and biases uniform within 1 / sqrt(n_in): the default of PyTorch's linear layer.

    Examples
    --------
    >>> TorchDefault()
    TorchDefault()
    """

    kind: Literal["torch"] = Field(default="torch", kw_only=True, repr=False)


@_described
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
    kind: Literal["normal"] = Field(default="normal", kw_only=True, repr=False)


@_described
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
    kind: Literal["orthogonal"] = Field(default="orthogonal", kw_only=True, repr=False)


def _nested_tuples(value: object) -> object:
    """Turn arrays and lists into tuples, and a bias of None into ()."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return tuple(() if item is None else _nested_tuples(item) for item in value)
    return value


_Row: TypeAlias = tuple[_Value, ...]
_Layer: TypeAlias = tuple[tuple[_Row, ...], _Row]


@_described
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

    layers: Annotated[tuple[_Layer, ...], BeforeValidator(_nested_tuples), Field(min_length=1, max_length=5)]
    kind: Literal["given"] = Field(default="given", kw_only=True, repr=False)


Init: TypeAlias = Annotated[
    He | Xavier | TorchDefault | NormalInit | Orthogonal | Given,
    Field(discriminator="kind"),
]

_INIT_NAMES = {"he": He, "xavier": Xavier, "torch": TorchDefault, "orthogonal": Orthogonal}


def _named_init(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in _INIT_NAMES:
        raise ValueError(f"one of {_join(_INIT_NAMES)}, or an initialiser such as NormalInit(0.02)")
    return _INIT_NAMES[value]()


_SLOPES: dict[str, tuple[float, _Real]] = {
    "leaky_relu": (0.2, _Real(0.0, 1.0)),
    "elu": (1.0, _Real(0.0, 100.0, above=True)),
}


@_described
class MLP:
    """Multi-layer perceptron: generator or discriminator. Its output layer is linear.

    Parameters
    ----------
    hidden : tuple of int, default (16,)
        Widths of the 0 to 4 hidden layers, each 1 to 512. ``()`` is the affine network.
    activation : str, default "leaky_relu"
        After every hidden layer: leaky_relu, relu, tanh, sigmoid, softplus, elu or linear.
    slope : float or None, default None
        leaky_relu: the negative slope, 0 to 1 (None: 0.2). elu: its alpha, above 0 (None: 1). Refused elsewhere.
    bias : bool, default True
        Whether the layers have biases.
    init : initialiser or str, default "he"
        `He`, `Xavier`, `TorchDefault`, `NormalInit`, `Orthogonal`, `Given`, or "he", "xavier", "torch", "orthogonal".

    Examples
    --------
    >>> MLP((32, 32), "tanh", init="xavier")
    MLP(hidden=(32, 32), activation='tanh', slope=None, bias=True, init=Xavier(gain=1.0))
    """

    hidden: _Hidden = (16,)
    activation: Activation = "leaky_relu"
    slope: float | None = None
    bias: Annotated[bool, Field(strict=True)] = True
    init: Annotated[Init, BeforeValidator(_named_init)] = He()

    @field_validator("slope", mode="plain")
    @classmethod
    def _check_slope(cls, slope: object, info: ValidationInfo) -> float | None:
        activation = info.data.get("activation")
        if slope is None or activation is None:
            return None
        if activation not in _SLOPES:
            raise ValueError(f"None, because {activation} has no slope (leaky_relu and elu have)")
        return _SLOPES[activation][1](slope)

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


# --- optimisers ---------------------------------------------------------------------------------


@_described
class SGD:
    """Stochastic gradient descent: theta -= lr g.

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, 0 to 1000.

    Examples
    --------
    >>> SGD(0.1)
    SGD(lr=0.1)
    """

    lr: _Rate = 0.01
    kind: Literal["sgd"] = Field(default="sgd", kw_only=True, repr=False)


@_described
class Momentum:
    """Heavy-ball momentum: v = beta v + g; theta -= lr v (Polyak 1964).

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, 0 to 1000.
    beta : float, default 0.9
        Decay of the velocity, 0 to 0.999999.

    Examples
    --------
    >>> Momentum(0.01, beta=0.5)
    Momentum(lr=0.01, beta=0.5)
    """

    lr: _Rate = 0.01
    beta: _Decay = 0.9
    kind: Literal["momentum"] = Field(default="momentum", kw_only=True, repr=False)


@_described
class RMSProp:
    """RMSProp: v = rho v + (1 - rho) g^2; theta -= lr g / (sqrt(v) + eps) (Tieleman and Hinton 2012).

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate, 0 to 1000.
    rho : float, default 0.99
        Decay of the squared gradient, 0 to 0.999999.
    eps : float, default 1e-8
        Added to the root, 1e-30 to 1.

    Examples
    --------
    >>> RMSProp(5e-4)
    RMSProp(lr=0.0005, rho=0.99, eps=1e-08)
    """

    lr: _Rate = 1e-3
    rho: _Decay = 0.99
    eps: _Epsilon = 1e-8
    kind: Literal["rmsprop"] = Field(default="rmsprop", kw_only=True, repr=False)


@_described
class Adam:
    """Adam with bias correction (Kingma and Ba 2015, algorithm 1).

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate, 0 to 1000.
    beta1, beta2 : float, default 0.5 and 0.999
        Decays of the gradient and of its square, 0 to 0.999999 (0.5: Radford et al. 2016, section 4).
    eps : float, default 1e-8
        Added to the root, 1e-30 to 1.

    Examples
    --------
    >>> Adam(1e-3, beta1=0.9)
    Adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)
    """

    lr: _Rate = 1e-3
    beta1: _Decay = 0.5
    beta2: _Decay = 0.999
    eps: _Epsilon = 1e-8
    kind: Literal["adam"] = Field(default="adam", kw_only=True, repr=False)


Optimizer: TypeAlias = Annotated[SGD | Momentum | RMSProp | Adam, Field(discriminator="kind")]


@_described
class Referee:
    """A fresh discriminator trained against the frozen generator when training is over.

    With the defaults its accuracy against normal generators comes within 0.005 of the best possible one, 1/2 plus half
    the total variation (measured for N(500, 5^2) against seven normals from N(500, 5^2) itself to N(510, 5^2)).

    It sees data and fakes standardised by the target's mean and standard deviation, whatever the run's own saw.

    Parameters
    ----------
    hidden : tuple of int, default (64,)
        Widths of its 0 to 4 hidden layers (leaky ReLU, slope 0.2), each 1 to 512.
    steps : int, default 500
        Training steps (Adam, beta1 0.9, beta2 0.999), 1 to 1e8.
    lr : float, default 0.003
        Its learning rate, 0 to 1000.
    batch_size : int, default 64
        Real samples, and fakes, per step, 1 to 65,536.
    n_eval : int, default 4096
        Held-out real samples, and fakes, that accuracy, AUC and V are measured on; a multiple of 32 up to 65,536.

    Examples
    --------
    >>> Referee(steps=2000)
    Referee(hidden=(64,), steps=2000, lr=0.003, batch_size=64, n_eval=4096)
    """

    hidden: _Hidden = (64,)
    steps: _Steps = 500
    lr: _Rate = 3e-3
    batch_size: Annotated[int, BeforeValidator(_Integer(1, 65536))] = 64
    n_eval: _Evaluation = 4096


# --- the GAN ------------------------------------------------------------------------------------


@_described_by_name
class GAN:
    """One configuration of everything but the randomness. Keyword arguments only.

    Parameters
    ----------
    target : Normal, Uniform or Mixture
        Distribution of the data, in data units.
    samples : int or None, default None
        None: fresh draws every step. n: one fixed sample of n (1 to 2^20) per run, minibatches drawn with replacement.
    standardise : bool, default False
        Whether the networks see (x - mean) / std of the target; fakes are mapped back to data units.
    noise : Normal or Uniform, default Normal(0, 1)
        Distribution of each coordinate of the generator's input.
    noise_dim : int, default 1
        Number of those coordinates, 1 to 8.
    generator, discriminator : MLP, default MLP()
        The two networks, noise_dim -> 1 and 1 -> 1. The discriminator returns the logit; high means real.
    game : str, default "non-saturating"
        minimax: D descends -V, G descends mean log(1 - D(G(z))). non-saturating: G descends -mean log D(G(z)) instead.
        as-written: D descends V, G as in minimax.
    optimizer_g, optimizer_d : SGD, Momentum, RMSProp or Adam, default Adam()
        How each player updates its parameters.
    updates : str, default "alternating"
        alternating: d_steps updates of D, then g_steps of G. simultaneous: both gradients at the old parameters.
    d_steps, g_steps : int, default 1
        Updates of each player per training step, 0 to 100, not both 0; both 1 when simultaneous.
    batch_size : int or "full", default 64
        Real samples, and fakes, per update, 1 to 65,536. "full": the whole fixed sample, and as many fakes.
    steps : int, default 5000
        Training steps, 1 to 1e8.
    records : int, default 50
        How often a run is measured, evenly over the steps, 1 to steps.
    n_eval : int, default 1024
        Held-out real samples, and fakes, per record; a multiple of 32 up to 65,536.
    referee : Referee or None, default None
        Train a referee against the finished generator, or not.
    precision : str, default "float32"
        float32 or float64.

    Raises
    ------
    ConfigError
        If a field is refused; `one_line` says it in a sentence.

    Examples
    --------
    >>> gan = GAN(target=Normal(500, 5), generator=MLP(hidden=()), game="minimax", optimizer_g=SGD(0.1))
    >>> gan.generator_sizes, gan.discriminator_sizes, gan.batch
    ((1, 1), (1, 16, 1), 64)
    """

    target: Target
    samples: Annotated[int, BeforeValidator(_Integer(1, 2**20))] | None = None
    standardise: Annotated[bool, Field(strict=True)] = False
    noise: Noise = Normal()
    noise_dim: Annotated[int, BeforeValidator(_Integer(1, 8))] = 1
    generator: MLP = MLP()
    discriminator: MLP = MLP()
    game: Game = "non-saturating"
    optimizer_g: Optimizer = Adam()
    optimizer_d: Optimizer = Adam()
    updates: Literal["alternating", "simultaneous"] = "alternating"
    d_steps: _Repeats = 1
    g_steps: _Repeats = 1
    batch_size: int | Literal["full"] = 64
    steps: _Steps = 5000
    records: _Steps = 50
    n_eval: _Evaluation = 1024
    referee: Referee | None = None
    precision: Literal["float32", "float64"] = "float32"

    @field_validator("generator", "discriminator")
    @classmethod
    def _given_fits(cls, network: MLP, info: ValidationInfo) -> MLP:
        n_in = info.data.get("noise_dim", 1) if info.field_name == "generator" else 1
        if isinstance(network.init, Given):
            _check_given(network.init, network.sizes(n_in, 1), network.bias)
        return network

    @field_validator("d_steps", "g_steps")
    @classmethod
    def _repeats_fit(cls, repeats: int, info: ValidationInfo) -> int:
        if info.data.get("updates") == "simultaneous" and repeats != 1:
            raise ValueError("1, because simultaneous updates need d_steps = g_steps = 1")
        if info.field_name == "g_steps" and repeats == 0 and info.data.get("d_steps") == 0:
            raise ValueError("1 to 100, because d_steps = 0 too: nobody would move")
        return repeats

    @field_validator("batch_size", mode="plain")
    @classmethod
    def _check_batch(cls, batch: object, info: ValidationInfo) -> int | str:
        if not isinstance(batch, str):
            try:
                return _Integer(1, 65536)(batch)
            except ValueError as error:
                raise ValueError(f"{error}, or 'full'") from None
        if batch != "full":
            raise ValueError("an integer from 1 to 65,536, or 'full'")
        if info.data.get("samples", 1) is None:
            raise ValueError("an integer from 1 to 65,536, because 'full' needs a fixed sample (samples=n)")
        return batch

    @field_validator("records")
    @classmethod
    def _records_fit(cls, records: int, info: ValidationInfo) -> int:
        steps = info.data.get("steps")
        if steps is not None and records > steps:
            raise ValueError(f"an integer from 1 to steps = {_show(steps)}")
        return records

    @field_validator("precision")
    @classmethod
    def _resolvable(cls, precision: str, info: ValidationInfo) -> str:
        target = info.data.get("target")
        if target is None or info.data.get("standardise", True):
            return precision
        narrow = zip(*components(target)[:2], strict=True) if isinstance(target, Mixture) else ()
        for mean, std in (moments(target), *narrow):
            # Sixteen steps of the number format per standard deviation: below that the data are a staircase.
            if std < 16 * float(np.finfo(precision).epsneg) * abs(mean):
                raise ValueError(
                    f"one that resolves a standard deviation of {std:g} around {mean:g} (or set standardise=True)"
                )
        return precision

    @property
    def batch(self) -> int:
        """Real samples, and fakes, per update: batch_size, or samples when it is "full"."""
        return self.samples or 0 if self.batch_size == "full" else self.batch_size

    @property
    def generator_sizes(self) -> tuple[int, ...]:
        """Layer sizes of the generator, (noise_dim, *hidden, 1)."""
        return self.generator.sizes(self.noise_dim, 1)

    @property
    def discriminator_sizes(self) -> tuple[int, ...]:
        """Layer sizes of the discriminator, (1, *hidden, 1)."""
        return self.discriminator.sizes(1, 1)


def _check_given(given: Given, sizes: tuple[int, ...], bias: bool) -> None:
    if len(given.layers) != len(sizes) - 1:
        raise ValueError(f"an init with {len(sizes) - 1} layers, not {len(given.layers)}")
    for number, (weights, offsets) in enumerate(given.layers):
        n_in, n_out = sizes[number], sizes[number + 1]
        if len(weights) != n_out or any(len(row) != n_in for row in weights):
            raise ValueError(f"an init whose layer {number} has {n_out} rows of {n_in} weights")
        if len(offsets) != (n_out if bias else 0):
            raise ValueError(f"an init whose layer {number} has {n_out if bias else 'no'} bias values")


def check_gan(value: object) -> None:
    """Refuse what is no configuration.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if not isinstance(value, GAN):
        raise ConfigError(f"gan: value {value!r:.60}: a GAN")


# --- moments ------------------------------------------------------------------------------------


def _expand(
    means: tuple[float, ...], stds: float | tuple[float, ...], weights: tuple[float, ...] | None
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    n = len(means)
    return means, stds if isinstance(stds, tuple) else (stds,) * n, weights or (1 / n,) * n


def _mixture_moments(
    means: tuple[float, ...], stds: tuple[float, ...], weights: tuple[float, ...]
) -> tuple[float, float]:
    total = math.fsum(weights)
    mean = math.fsum(w * m for w, m in zip(weights, means, strict=True)) / total
    variance = math.fsum(w * (s * s + (m - mean) ** 2) for w, s, m in zip(weights, stds, means, strict=True)) / total
    return mean, math.sqrt(variance)


def components(target: Normal | Mixture) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Components of a normal or of a mixture of normals.

    Parameters
    ----------
    target : Normal or Mixture
        A normal counts as a mixture of one.

    Returns
    -------
    means, stds, weights : tuple of float
        Of equal length, in data units; the weights add up to 1.

    Examples
    --------
    >>> components(Mixture((0, 4), 0.5))
    ((0.0, 4.0), (0.5, 0.5), (0.5, 0.5))
    """
    if isinstance(target, Normal):
        return (target.mean,), (target.std,), (1.0,)
    return _expand(target.means, target.stds, target.weights)


def moments(target: Normal | Uniform | Mixture) -> tuple[float, float]:
    """Mean and standard deviation of a target or of noise.

    Parameters
    ----------
    target : Normal, Uniform or Mixture
        The distribution.

    Returns
    -------
    mean, std : float
        In data units.

    Examples
    --------
    >>> moments(Mixture((-3, 3), 4))
    (0.0, 5.0)
    """
    if isinstance(target, Normal):
        return target.mean, target.std
    if isinstance(target, Uniform):
        return (target.low + target.high) / 2, (target.high - target.low) / math.sqrt(12)
    return _mixture_moments(*components(target))


def standardised(target: Normal | Uniform | Mixture) -> Normal | Uniform | Mixture:
    """Shift and scale a target to mean 0 and standard deviation 1: what the networks see when ``standardise=True``.

    Parameters
    ----------
    target : Normal, Uniform or Mixture
        The distribution, in data units.

    Returns
    -------
    Normal, Uniform or Mixture
        Of the same kind.

    Examples
    --------
    >>> standardised(Normal(500, 5))
    Normal(mean=0.0, std=1.0)
    """
    if isinstance(target, Normal):
        return Normal(0.0, 1.0)
    if isinstance(target, Uniform):
        return Uniform(-math.sqrt(3), math.sqrt(3))
    mean, std = moments(target)
    stds = target.stds
    return Mixture(
        tuple((m - mean) / std for m in target.means),
        tuple(s / std for s in stds) if isinstance(stds, tuple) else stds / std,
        target.weights,
    )


# --- dictionaries and overrides -----------------------------------------------------------------


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def to_dict(gan: GAN) -> dict[str, Any]:
    """Plain dictionary of a configuration, every default written out; ``json.dumps`` takes it.

    Parameters
    ----------
    gan : GAN
        The configuration.

    Returns
    -------
    dict
        Of numbers, strings, lists, dictionaries, None. ``from_dict`` gives back an equal GAN, also after JSON.

    Examples
    --------
    >>> to_dict(GAN(target=Normal(500, 5)))["target"]
    {'mean': 500.0, 'std': 5.0, 'kind': 'normal'}
    """
    plain: dict[str, Any] = _plain(gan)
    return plain


def from_dict(values: Mapping[str, Any]) -> GAN:
    """Build a configuration from the dictionary that `to_dict` gives; fields left out take their defaults.

    Parameters
    ----------
    values : mapping
        Field names to values; objects such as targets as dictionaries with their ``kind``.

    Returns
    -------
    GAN
        The configuration.

    Raises
    ------
    ConfigError
        If a field is unknown or refused.

    Examples
    --------
    >>> from_dict({"target": {"kind": "normal", "mean": 500, "std": 5}}).target
    Normal(mean=500.0, std=5.0)
    """
    return GAN(**{str(name): value for name, value in values.items()})


def _field_names(item: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(item) if field.name != "kind"]


def _paths(item: object, prefix: str = "") -> Iterator[str]:
    """Every dotted path of a configuration."""
    for name in _field_names(item):
        yield prefix + name
        value = getattr(item, name)
        if dataclasses.is_dataclass(value):
            yield from _paths(value, f"{prefix}{name}.")


def replace(gan: GAN, overrides: Mapping[str, Any]) -> GAN:
    """Copy a configuration with some fields changed; the result is validated as a whole.

    Parameters
    ----------
    gan : GAN
        The configuration to start from.
    overrides : mapping
        Dotted paths to values, for example ``{"optimizer_g.lr": 1e-2, "game": "minimax"}``. A path into an object
        that is itself replaced refers to the new object.

    Returns
    -------
    GAN
        The changed copy.

    Raises
    ------
    ConfigError
        If a path does not exist; the message names the closest that does.
    ConfigError
        If the changed configuration is refused.

    Examples
    --------
    >>> gan = replace(GAN(target=Normal(500, 5)), {"optimizer_g": SGD(0.5), "generator.hidden": ()})
    >>> gan.optimizer_g, gan.generator.hidden
    (SGD(lr=0.5), ())
    """
    tree: dict[str, Any] = {field.name: getattr(gan, field.name) for field in dataclasses.fields(gan)}
    for path in overrides:
        if not isinstance(path, str):
            raise ConfigError(f"overrides: value {path!r:.60}: a dotted path such as optimizer_g.lr")
    for path in sorted(overrides, key=lambda path: path.count(".")):
        _assign(tree, path, overrides[path], gan)
    return GAN(**tree)


def _assign(tree: dict[str, Any], path: str, value: object, gan: GAN) -> None:
    """Set the value at a dotted path; objects on the way become dictionaries, which `GAN` validates again."""
    *parents, name = path.split(".")
    node = tree
    for depth, parent in enumerate(parents):
        child = node.get(parent)
        if isinstance(child, str) and parent == "init" and child in _INIT_NAMES:
            child = _INIT_NAMES[child]()
        if dataclasses.is_dataclass(child) and not isinstance(child, type):
            child = {field.name: getattr(child, field.name) for field in dataclasses.fields(child)}
        if child is None and parent in node:
            raise ConfigError(f"{path}: {'.'.join(parents[: depth + 1])} is None, so it has no field {name}")
        if not isinstance(child, dict):
            raise ConfigError(_unknown(path, gan))
        node[parent] = child
        node = child
    if name == "kind" or name not in node:
        raise ConfigError(_unknown(path, gan))
    node[name] = value


def _unknown(path: str, gan: GAN) -> str:
    return f"{path}: no such field; did you mean {_closest(path, list(_paths(gan)))}?"


def _closest(word: str, words: list[str]) -> str:
    return difflib.get_close_matches(word, words, n=1, cutoff=0.0)[0]


# --- errors, in a line --------------------------------------------------------------------------


def _join(words: Any) -> str:
    *others, last = [str(word) for word in words]
    return f"{', '.join(others)} or {last}" if others else last


def one_line(error: BaseException) -> str:
    """Say in one line what is wrong: ``field: value X: what is allowed``.

    Parameters
    ----------
    error : exception
        A refusal of a class of this module, or any other exception.

    Returns
    -------
    str
        Without line breaks; several refusals are joined by "; ".

    Examples
    --------
    >>> try:
    ...     Normal(500, -5)
    ... except ValueError as error:
    ...     print(one_line(error))
    std: value -5: a number from 1e-09 to 1e+06
    """
    if isinstance(error, ValidationError):
        text = "; ".join(_one_refusal(error.title, refusal) for refusal in error.errors(include_url=False))
    elif isinstance(error, OSError) and error.strerror:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        text = ": ".join([*names, error.strerror])
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())


_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(Normal, Uniform, Mixture, He, Xavier, TorchDefault, NormalInit, Orthogonal, Given),
        *(MLP, SGD, Momentum, RMSProp, Adam, Referee, GAN),
    )
}
_UNIONS: dict[str, tuple[Any, ...]] = {
    "target": get_args(get_args(Target)[0]),
    "noise": get_args(get_args(Noise)[0]),
    "init": get_args(get_args(Init)[0]),
    "optimizer_g": get_args(get_args(Optimizer)[0]),
    "optimizer_d": get_args(get_args(Optimizer)[0]),
}


def _one_refusal(title: str, refusal: Any) -> str:
    loc = list(refusal["loc"])
    owner = _CLASSES.get(title)
    if owner is not None and isinstance(loc[0], int) and loc[0] < len(_field_names(owner)):
        loc[0] = _field_names(owner)[loc[0]]  # a positional argument is located by its number
    path, last = _path(loc)
    value = " ".join(repr(refusal["input"]).split())
    value = value if len(value) <= 60 else value[:57] + "..."
    kind = refusal["type"]
    if kind == "missing":
        return f"{path}: missing: {_kinds(last) or 'a value is needed'}"
    if kind == "unexpected_positional_argument":
        return f"{title}: value {value}: {'keyword arguments only' if owner is GAN else 'one argument too many'}"
    if kind == "unexpected_keyword_argument":
        siblings = _field_names(_owner(owner, loc)) if _owner(owner, loc) is not None else []
        hint = f"; did you mean {_closest(path, siblings)}?" if siblings else ""
        return f"{path}: value {value}: no such field{hint}"
    return f"{path}: value {value}: {_allowed(kind, last, refusal)}"


def _path(loc: list[Any]) -> tuple[str, str]:
    """Dotted path of a refusal and the name of its last field; tags of unions are left out."""
    path, last, union = "", "", False
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not union:
            path += f".{part}" if path else str(part)
            last = str(part)
        union = not union and part in _UNIONS
    return path, last


def _owner(owner: Any, loc: list[Any]) -> Any:
    """Class whose field the last part of a location names."""
    union: tuple[Any, ...] = ()
    for part in loc[:-1]:
        if union:
            owner, union = next((cls for cls in union if cls().kind == part), None), ()
        elif part in _UNIONS:
            union = _UNIONS[part]
        elif part in ("generator", "discriminator"):
            owner = MLP
        elif part == "referee":
            owner = Referee
    return owner


def _kinds(field: str) -> str:
    return _join(cls.__name__ for cls in _UNIONS[field]) if field in _UNIONS else ""


def _allowed(kind: str, field: str, refusal: Any) -> str:
    """Say what would have been accepted, from the type of a refusal."""
    context = refusal.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"one of {context['expected']}"
    if kind == "too_long":
        return f"at most {context['max_length']} values"
    if kind == "too_short":
        return f"at least {context['min_length']} values"
    if kind == "bool_type":
        return "True or False"
    if kind in ("tuple_type", "iterable_type"):
        return "a tuple of numbers"
    if _kinds(field):
        return f"one of {_kinds(field)}"
    if kind in ("dataclass_type", "dataclass_exact_type"):
        return f"an object of class {context['class_name']}"
    message: str = refusal["msg"]
    return message[:1].lower() + message[1:]
