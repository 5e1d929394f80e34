"""What is simulated: frozen, validated descriptions of a GAN and everything in it.

Nothing here computes anything but moments. Every class refuses what cannot be simulated as it is built, by a
`ConfigError` that names the field, the value and what is allowed. The objects are hashable, comparable and picklable,
take positional or keyword arguments, and survive ``from_dict(to_dict(gan)) == gan`` exactly, through JSON as well.

To add a target, an initialiser or an optimiser: write its class here, add it to its union (`Target`, `Init`,
`Optimizer`). To add a game: add its name to `Game`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np

from gansim.errors import ConfigError, Refused, named, one_line, shown
from gansim.model.fields import (
    Integer,
    Object,
    OrNone,
    Real,
    Several,
    below,
    check_named,
    closest,
    described,
    items_of,
    join,
    plain,
)

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


# --- checks -------------------------------------------------------------------------------------

# Bounds keep every number well inside float32 (largest 3e38, smallest normal 1e-38, squares included).
_Location = Annotated[float, Real(-1e6, 1e6)]
_Spread = Annotated[float, Real(1e-9, 1e6)]
_Gain = Annotated[float, Real(0.0, 100.0)]
_Rate = Annotated[float, Real(0.0, 1000.0)]
# The largest float32 below 1 is 1 - 6e-8: a decay closer to 1 would round to 1 and Adam's correction divide by 0.
_Decay = Annotated[float, Real(0.0, 0.999999)]
_Epsilon = Annotated[float, Real(1e-30, 1.0)]
_Steps = Annotated[int, Integer(1, 10**8)]
_Evaluation = Annotated[int, Integer(32, 65536, multiple=32)]
_Repeats = Annotated[int, Integer(0, 100)]
_Hidden = Annotated[tuple[int, ...], Several(Integer(1, 512), 0, 4, "widths, such as (16,)")]

# The least ratio of a mixture's numbers to each other. What it holds for is rescaled and validated again: rounding must
# not refuse then what was taken before.
_MILLIONTH = 1e-6 * (1 - 1e-9)

# --- targets and noise --------------------------------------------------------------------------


@described
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
    kind: Literal["normal"] = field(default="normal", kw_only=True, repr=False)


@described
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
    kind: Literal["uniform"] = field(default="uniform", kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if self.high - self.low < 1e-8:
            raise Refused(self.high, f"a number above low = {self.low:g}", "high")


_SPREAD = Real(1e-9, 1e6)


def _spreads(value: object) -> float | tuple[float, ...]:
    several = items_of(value, 64)
    return _SPREAD(value) if several is None else Several(_SPREAD, 0, 64, "numbers")(several)


def _weights(value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    several = items_of(value, 64)
    if several is None:
        raise Refused(value, "None, or as many numbers as there are means (2 to 64)")
    return Several(Real(_MILLIONTH, 1e6), 0, 64, "numbers, or None")(several)


@described
class Mixture:
    """Mixture of normal distributions, as a target.

    Parameters
    ----------
    means : tuple of float
        Means of the 2 to 64 components, in data units.
    stds : float or tuple of float, default 0.5
        Standard deviations in data units: one for all, or one per component.
    weights : tuple of float or None, default None
        Probabilities of the components, positive; stored divided by their sum. None: all equal.

    Examples
    --------
    >>> Mixture((-2, 2), 0.5, (1, 3))
    Mixture(means=(-2.0, 2.0), stds=0.5, weights=(0.25, 0.75))
    """

    means: Annotated[tuple[float, ...], Several(Real(-1e6, 1e6), 2, 64, "numbers, such as (-1, 1)")] = (-1.0, 1.0)
    stds: Annotated[float | tuple[float, ...], _spreads] = 0.5
    weights: Annotated[tuple[float, ...] | None, _weights] = None
    kind: Literal["mixture"] = field(default="mixture", kw_only=True, repr=False)

    def __post_init__(self) -> None:
        several = isinstance(self.stds, tuple)
        values = self.stds if isinstance(self.stds, tuple) else (self.stds,)
        if several and len(values) != len(self.means):
            raise Refused(self.stds, f"one number, or as many as there are means ({len(self.means)})", "stds")
        widest = max(*values, max(self.means) - min(self.means))
        if min(values) < _MILLIONTH * widest:
            raise Refused(self.stds, f"at least a millionth of the largest distance, {widest:g}", "stds")
        if self.weights is not None:
            object.__setattr__(self, "weights", self._shares(self.weights))

    def _shares(self, weights: tuple[float, ...]) -> tuple[float, ...]:
        if len(weights) != len(self.means):
            raise Refused(weights, f"None, or as many numbers as there are means ({len(self.means)})", "weights")
        total = math.fsum(weights)
        if min(weights) < _MILLIONTH * total:
            raise Refused(weights, "numbers of which none is below a millionth of their sum", "weights")
        # Weights that already add up to 1 stay as they are, so that reading a stored configuration changes no bit.
        return weights if abs(total - 1) < 1e-9 else tuple(value / total for value in weights)


Target: TypeAlias = Annotated[Normal | Uniform | Mixture, Object((Normal, Uniform, Mixture), "a target")]
Noise: TypeAlias = Annotated[Normal | Uniform, Object((Normal, Uniform), "noise")]


# --- networks -----------------------------------------------------------------------------------


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


_INIT_NAMES = {"he": He, "xavier": Xavier, "torch": TorchDefault, "orthogonal": Orthogonal}


_INIT = Object((He, Xavier, TorchDefault, NormalInit, Orthogonal, Given), "an initialiser")


def _initialiser(value: object) -> Any:
    word = plain(value)
    if not isinstance(word, str):
        return _INIT(value)
    if word not in _INIT_NAMES:
        raise Refused(value, f"one of {join(_INIT_NAMES)}, or an initialiser such as gs.NormalInit(std)")
    return _INIT_NAMES[word]()


Init: TypeAlias = Annotated[He | Xavier | TorchDefault | NormalInit | Orthogonal | Given, _initialiser]

_SLOPES: dict[str, tuple[float, Real]] = {
    "leaky_relu": (0.2, Real(0.0, 1.0)),
    "elu": (1.0, Real(0.0, 100.0, above=True)),
}


@described
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
    bias: bool = True
    init: Init = He()

    def __post_init__(self) -> None:
        if self.slope is None:
            return
        if self.activation not in _SLOPES:
            raise Refused(
                self.slope, f"None, because {self.activation} has no slope (leaky_relu and elu have)", "slope"
            )
        object.__setattr__(self, "slope", below("slope", _SLOPES[self.activation][1], self.slope))

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


@described
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
    kind: Literal["sgd"] = field(default="sgd", kw_only=True, repr=False)


@described
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
    kind: Literal["momentum"] = field(default="momentum", kw_only=True, repr=False)


@described
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
    kind: Literal["rmsprop"] = field(default="rmsprop", kw_only=True, repr=False)


@described
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
    kind: Literal["adam"] = field(default="adam", kw_only=True, repr=False)


Optimizer: TypeAlias = Annotated[
    SGD | Momentum | RMSProp | Adam, Object((SGD, Momentum, RMSProp, Adam), "an optimiser")
]


@described
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
    batch_size: Annotated[int, Integer(1, 65536)] = 64
    n_eval: _Evaluation = 4096


# --- the GAN ------------------------------------------------------------------------------------


_Network = Annotated[MLP, Object((MLP,), "a network")]
_RECORDS = 50  # of a run, unless it has fewer steps


def _batch_size(value: object) -> int | str:
    word = plain(value)
    if isinstance(word, str) and word == "full":
        return "full"
    return Integer(1, 65536, what=", or 'full'")(value)


@described
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
    records : int or None, default None
        How often a run is measured, evenly over the steps, 1 to steps. None: 50, or `steps` if that is fewer.
    n_eval : int, default 1024
        Held-out real samples, and fakes, per record; a multiple of 32 up to 65,536.
    referee : Referee or None, default None
        Train a referee against the finished generator, or not.
    precision : str, default "float32"
        float32 or float64.

    Raises
    ------
    ConfigError
        If a field is missing, unknown or refused: in one line which, its value, and what is allowed. Every class of
        this module does so.

    Examples
    --------
    >>> gan = GAN(target=Normal(500, 5), generator=MLP(hidden=()), game="minimax", optimizer_g=SGD(0.1))
    >>> gan.generator_sizes, gan.discriminator_sizes, gan.batch
    ((1, 1), (1, 16, 1), 64)
    """

    _: KW_ONLY
    target: Target
    samples: Annotated[int | None, OrNone(Integer(1, 2**20))] = None
    standardise: bool = False
    noise: Noise = Normal()
    noise_dim: Annotated[int, Integer(1, 8)] = 1
    generator: _Network = MLP()
    discriminator: _Network = MLP()
    game: Game = "non-saturating"
    optimizer_g: Optimizer = Adam()
    optimizer_d: Optimizer = Adam()
    updates: Literal["alternating", "simultaneous"] = "alternating"
    d_steps: _Repeats = 1
    g_steps: _Repeats = 1
    batch_size: Annotated[int | Literal["full"], _batch_size] = 64
    steps: _Steps = 5000
    records: Annotated[int, OrNone(Integer(1, 10**8))] = field(default=None)  # type: ignore[assignment]
    n_eval: _Evaluation = 1024
    referee: Annotated[Referee | None, OrNone(Object((Referee,), "a referee"))] = None
    precision: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        if self.records is None:
            object.__setattr__(self, "records", min(_RECORDS, self.steps))  # type: ignore[unreachable]
        for name, sizes in (("generator", self.generator_sizes), ("discriminator", self.discriminator_sizes)):
            _check_given(getattr(self, name), sizes, name)
        self._check_updates()
        if self.batch_size == "full" and self.samples is None:
            allowed = "an integer from 1 to 65,536, because 'full' needs a fixed sample (samples=n)"
            raise Refused(self.batch_size, allowed, "batch_size")
        if self.records > self.steps:
            raise Refused(self.records, f"an integer from 1 to steps = {self.steps:,}", "records")
        if not self.standardise:
            self._check_precision()

    def _check_updates(self) -> None:
        for name in ("d_steps", "g_steps"):
            if self.updates == "simultaneous" and getattr(self, name) != 1:
                allowed = "1, because simultaneous updates need d_steps = g_steps = 1"
                raise Refused(getattr(self, name), allowed, name)
        if self.d_steps == self.g_steps == 0:
            raise Refused(0, "1 to 100, because d_steps = 0 too: nobody would move", "g_steps")

    def _check_precision(self) -> None:
        target = self.target
        narrow = zip(*components(target)[:2], strict=True) if isinstance(target, Mixture) else ()
        for mean, std in (moments(target), *narrow):
            # Sixteen steps of the number format per standard deviation: below that the data are a staircase.
            if std < 16 * float(np.finfo(self.precision).epsneg) * abs(mean):
                allowed = f"one that resolves a standard deviation of {std:g} around {mean:g} (or set standardise=True)"
                raise Refused(self.precision, allowed, "precision")

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


def _check_given(network: MLP, sizes: tuple[int, ...], name: str) -> None:
    """Refuse a network whose given parameters are those of another one."""
    if not isinstance(network.init, Given):
        return
    layers = network.init.layers
    if len(layers) != len(sizes) - 1:
        raise Refused(network, f"an init with {len(sizes) - 1} layers, not {len(layers)}", name)
    for number, (weights, offsets) in enumerate(layers):
        n_in, n_out = sizes[number], sizes[number + 1]
        if len(weights) != n_out or any(len(row) != n_in for row in weights):
            raise Refused(network, f"an init whose layer {number} has {n_out} rows of {n_in} weights", name)
        if len(offsets) != (n_out if network.bias else 0):
            raise Refused(
                network, f"an init whose layer {number} has {n_out if network.bias else 'no'} bias values", name
            )


def check_gan(value: object) -> None:
    """Refuse what is no configuration.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if not isinstance(value, GAN):
        raise ConfigError(f"gan: value {shown(value)}: a GAN")


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
        return {part.name: _plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
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
        If a field is missing, unknown or refused.

    Examples
    --------
    >>> from_dict({"target": {"kind": "normal", "mean": 500, "std": 5}}).target
    Normal(mean=500.0, std=5.0)
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"gan: value {shown(values)}: a mapping of fields to values")
    gan: GAN = check_named("gan", values, Object((GAN,), "a GAN"))
    return gan


def _field_names(item: Any) -> list[str]:
    return [part.name for part in dataclasses.fields(item) if part.name != "kind"]


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
        If a path does not exist, the message naming the closest that does, or if the changed configuration is refused.

    Examples
    --------
    >>> gan = replace(GAN(target=Normal(500, 5)), {"optimizer_g": SGD(0.5), "generator.hidden": ()})
    >>> gan.optimizer_g, gan.generator.hidden
    (SGD(lr=0.5), ())
    """
    check_gan(gan)
    if not isinstance(overrides, Mapping):
        raise ConfigError(f"overrides: value {shown(overrides)}: a mapping of dotted paths to values")
    for path in overrides:
        if not isinstance(path, str):
            raise ConfigError(f"overrides: value {shown(path)}: a dotted path such as optimizer_g.lr")
    tree = _parts(gan)
    if gan.records == _RECORDS:  # the default again: it is at most the number of steps
        tree["records"] = None
    for path in sorted(overrides, key=lambda path: path.count(".")):
        _assign(tree, path, overrides[path], gan)
    # Defaults need no check, and most fields are: a cell of a large design takes half of the time.
    return GAN(**{name: value for name, value in tree.items() if value is not getattr(GAN, name, ...)})


def _parts(item: Any) -> dict[str, Any]:
    return {part.name: getattr(item, part.name) for part in dataclasses.fields(item)}


def _assign(tree: dict[str, Any], path: str, value: object, gan: GAN) -> None:
    """Set the value at a dotted path; objects on the way become dictionaries, which `GAN` validates again."""
    *parents, name = path.split(".")
    node, given = tree, False  # whether the object on the way was given as a mapping, which need not have every field
    for depth, parent in enumerate(parents):
        child = node.get(parent)
        if child is None and parent in node:
            none = ".".join(parents[: depth + 1])
            raise ConfigError(f"{named(path)}: {named(none)} is None, so it has no field {named(name)}")
        if parent == "init" and isinstance(child, str) and child in _INIT_NAMES:
            child = _INIT_NAMES[child]()
        given = isinstance(child, Mapping)
        if not given and (not dataclasses.is_dataclass(child) or isinstance(child, type)):
            raise ConfigError(_unknown(path, gan))
        node[parent] = dict(child) if isinstance(child, Mapping) else _parts(child)
        node = node[parent]
    if name == "kind" or not (given or name in node):
        raise ConfigError(_unknown(path, gan))
    node[name] = value


def _unknown(path: str, gan: GAN) -> str:
    return f"{named(path)}: no such field; did you mean {closest(path, _paths(gan))}?"
