"""Optimisers: how a player's gradient becomes a step."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal, TypeAlias

from gansim.model.fields import Object, Real, described

__all__ = ["SGD", "Adam", "Momentum", "Optimizer", "OptimizerName", "RMSProp"]

_Rate = Annotated[float, Real(0.0, 1000.0)]
# The largest float32 below 1 is 1 - 6e-8: a decay closer to 1 would round to 1 and Adam's correction divide by 0.
_Decay = Annotated[float, Real(0.0, 0.999999)]
_Epsilon = Annotated[float, Real(1e-30, 1.0)]


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
    Adam(lr=0.001, beta1=0.9)
    """

    lr: _Rate = 1e-3
    beta1: _Decay = 0.5
    beta2: _Decay = 0.999
    eps: _Epsilon = 1e-8
    kind: Literal["adam"] = field(default="adam", kw_only=True, repr=False)


_OPTIMIZER = Object((SGD, Momentum, RMSProp, Adam), "an optimiser", by_name=True)
Optimizer: TypeAlias = Annotated[SGD | Momentum | RMSProp | Adam, _OPTIMIZER]
OptimizerName: TypeAlias = Literal["sgd", "momentum", "rmsprop", "adam"]
"""Names that stand for an optimiser with all defaults."""
