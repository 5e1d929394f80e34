"""gansim: statistics of GAN training.

Train thousands of independent tiny GANs side by side, label how each ended, and report every share with its
Monte-Carlo error. Start with `GAN` and `simulate`; `Study` varies factors; `tabulate` and `compare` report.
"""

from gansim.regimes import Thresholds, label
from gansim.simulate import Gradients, Networks, gradients, networks, trace
from gansim.spec import (
    GAN,
    MLP,
    SGD,
    Adam,
    ConfigError,
    Given,
    He,
    Mixture,
    Momentum,
    Normal,
    NormalInit,
    Orthogonal,
    Referee,
    RMSProp,
    TorchDefault,
    Uniform,
    Xavier,
    replace,
)
from gansim.study import Study, simulate
from gansim.tables import compare, estimate, tabulate
from gansim.traces import Traces

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "MLP",
    "SGD",
    "Adam",
    "ConfigError",
    "Given",
    "Gradients",
    "He",
    "Mixture",
    "Momentum",
    "Networks",
    "Normal",
    "NormalInit",
    "Orthogonal",
    "RMSProp",
    "Referee",
    "Study",
    "Thresholds",
    "TorchDefault",
    "Traces",
    "Uniform",
    "Xavier",
    "compare",
    "estimate",
    "gradients",
    "label",
    "networks",
    "replace",
    "simulate",
    "tabulate",
    "trace",
]
