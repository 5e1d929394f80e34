"""Optimisers: how a player's gradient becomes a step.

All take ``weight_decay`` by name, by default 0, up to 1e6: before each step theta -= lr weight_decay theta, apart from
the gradient (Loshchilov and Hutter 2019, eq. 4), biases included.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal, TypeAlias, get_args

from gansim.model.fields import LATER, Object, Real, described

__all__ = [
    "SGD",
    "Adam",
    "AnyOptimizer",
    "Momentum",
    "Nesterov",
    "Optimistic",
    "OptimisticAdam",
    "Optimizer",
    "OptimizerName",
    "RMSProp",
]

_Rate = Annotated[float, Real(0.0, 1000.0)]
# The largest float32 below 1 is 1 - 6e-8: a decay closer to 1 would round to 1 and Adam's correction divide by 0.
_Decay = Annotated[float, Real(0.0, 0.999999)]
_WeightDecay = Annotated[float, Real(0.0, 1e6)]
_Epsilon = Annotated[float, Real(1e-30, 1.0)]


@described
class SGD:
    """Stochastic gradient descent: theta -= lr g.

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, 0 to 1000.
    weight_decay : float, default 0
        How fast weights shrink beside the gradient's steps, 0 to 1e6, by name.

    Examples
    --------
    >>> SGD(0.1)
    SGD(lr=0.1)
    """

    lr: _Rate = 0.01
    weight_decay: _WeightDecay = field(default=0.0, kw_only=True, metadata=LATER)
    kind: Literal["sgd"] = field(default="sgd", kw_only=True, repr=False)


@described
class Momentum:
    """Heavy-ball momentum: v = beta v + g; theta -= lr v (Polyak 1964).

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, 0 to 1000.
    beta : float, default 0.9
        Decay of the velocity, -0.999999 to 0.999999; below 0 it is negative momentum (Gidel et al. 2019).
    weight_decay : float, default 0
        How fast weights shrink beside the gradient's steps, 0 to 1e6, by name.

    Examples
    --------
    >>> Momentum(0.01, beta=0.5)
    Momentum(lr=0.01, beta=0.5)
    """

    lr: _Rate = 0.01
    beta: Annotated[float, Real(-0.999999, 0.999999)] = 0.9
    weight_decay: _WeightDecay = field(default=0.0, kw_only=True, metadata=LATER)
    kind: Literal["momentum"] = field(default="momentum", kw_only=True, repr=False)


@described
class Nesterov:
    """Nesterov's momentum: v = beta v + g; theta -= lr (g + beta v) (Nesterov 1983; Bengio et al. 2013, eq. 7).

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, 0 to 1000.
    beta : float, default 0.9
        Decay of the velocity, 0 to 0.999999.
    weight_decay : float, default 0
        How fast weights shrink beside the gradient's steps, 0 to 1e6, by name.

    Examples
    --------
    >>> Nesterov(0.1, beta=0.5)
    Nesterov(lr=0.1, beta=0.5)
    """

    lr: _Rate = 0.01
    beta: _Decay = 0.9
    weight_decay: _WeightDecay = field(default=0.0, kw_only=True, metadata=LATER)
    kind: Literal["nesterov"] = field(default="nesterov", kw_only=True, repr=False)


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
    weight_decay : float, default 0
        How fast weights shrink beside the gradient's steps, 0 to 1e6, by name.

    Examples
    --------
    >>> RMSProp(5e-4)
    RMSProp(lr=0.0005, rho=0.99, eps=1e-08)
    """

    lr: _Rate = 1e-3
    rho: _Decay = 0.99
    eps: _Epsilon = 1e-8
    weight_decay: _WeightDecay = field(default=0.0, kw_only=True, metadata=LATER)
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
    weight_decay : float, default 0
        How fast weights shrink beside the gradient's steps, 0 to 1e6, by name.

    Examples
    --------
    >>> Adam(1e-3, beta1=0.9)
    Adam(lr=0.001, beta1=0.9)
    """

    lr: _Rate = 1e-3
    beta1: _Decay = 0.5
    beta2: _Decay = 0.999
    eps: _Epsilon = 1e-8
    weight_decay: _WeightDecay = field(default=0.0, kw_only=True, metadata=LATER)
    kind: Literal["adam"] = field(default="adam", kw_only=True, repr=False)


@described
class Optimistic:
    """Optimistic gradient descent: theta -= lr (2 g - g of the update before) (Daskalakis et al. 2018, eq. 4).

    At the first update the gradient before is taken to be the same.

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, 0 to 1000.
    weight_decay : float, default 0
        How fast weights shrink beside the gradient's steps, 0 to 1e6, by name.

    Examples
    --------
    >>> Optimistic(0.1)
    Optimistic(lr=0.1)
    """

    lr: _Rate = 0.01
    weight_decay: _WeightDecay = field(default=0.0, kw_only=True, metadata=LATER)
    kind: Literal["optimistic"] = field(default="optimistic", kw_only=True, repr=False)


@described
class OptimisticAdam:
    """Optimistic Adam: theta -= 2 s - s of the update before, s the step of Adam (Daskalakis et al. 2018, algorithm 1).

    Before the first update s is 0.

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate, 0 to 1000.
    beta1, beta2 : float, default 0.5 and 0.999
        Decays of the gradient and of its square, 0 to 0.999999.
    eps : float, default 1e-8
        Added to the root, 1e-30 to 1.
    weight_decay : float, default 0
        How fast weights shrink beside the gradient's steps, 0 to 1e6, by name.

    Examples
    --------
    >>> OptimisticAdam(1e-4)
    OptimisticAdam(lr=0.0001)
    """

    lr: _Rate = 1e-3
    beta1: _Decay = 0.5
    beta2: _Decay = 0.999
    eps: _Epsilon = 1e-8
    weight_decay: _WeightDecay = field(default=0.0, kw_only=True, metadata=LATER)
    kind: Literal["optimistic-adam"] = field(default="optimistic-adam", kw_only=True, repr=False)


AnyOptimizer: TypeAlias = SGD | Momentum | RMSProp | Adam | Nesterov | Optimistic | OptimisticAdam
_OPTIMIZER = Object(get_args(AnyOptimizer), "an optimiser", by_name=True)
Optimizer: TypeAlias = Annotated[AnyOptimizer, _OPTIMIZER]
OptimizerName: TypeAlias = Literal["sgd", "momentum", "rmsprop", "adam", "nesterov", "optimistic", "optimistic-adam"]
"""Names that stand for an optimiser with all defaults."""
