"""gansim: statistics of GAN training.

Train thousands of independent tiny GANs side by side, label how each ended, and report every share with its
Monte-Carlo error. Start with `GAN` and `simulate`; `Study` varies factors; `tabulate` and `compare` report.
"""

from typing import TYPE_CHECKING, Any

from gansim import source  # noqa: F401 - before all others: it reads what they are made of
from gansim._version import __version__ as __version__
from gansim.design.sampling import Integers, LatinHypercube, LogUniform, Sobol
from gansim.engine.gradients import Gradients, gradients
from gansim.engine.replay import Networks, networks, trace
from gansim.errors import ConfigError
from gansim.model.distributions import Mixture, Normal, Uniform
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, Given, He, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, RMSProp
from gansim.model.paths import replace
from gansim.model.tabulated import Law, Observed
from gansim.running.study import Study, simulate
from gansim.traces import Traces

if TYPE_CHECKING:
    from gansim import plot
    from gansim.analysis.comparisons import compare
    from gansim.analysis.estimates import estimate
    from gansim.analysis.labels import label
    from gansim.analysis.shares import tabulate
    from gansim.design.regimes import Thresholds

__all__ = [
    "GAN",
    "MLP",
    "SGD",
    "Adam",
    "ConfigError",
    "Given",
    "Gradients",
    "He",
    "Integers",
    "LatinHypercube",
    "Law",
    "LogUniform",
    "Mixture",
    "Momentum",
    "Networks",
    "Normal",
    "NormalInit",
    "Observed",
    "Orthogonal",
    "RMSProp",
    "Referee",
    "Sobol",
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
    "plot",
    "replace",
    "simulate",
    "tabulate",
    "trace",
]

# pandas and scipy.stats are half of the time to import gansim, and a worker needs neither: these names come when asked.
_LATER = {
    "Thresholds": "design.regimes",
    "label": "analysis.labels",
    "compare": "analysis.comparisons",
    "estimate": "analysis.estimates",
    "tabulate": "analysis.shares",
}


def __getattr__(name: str) -> Any:
    if name not in (*_LATER, "plot"):
        raise AttributeError(f"module 'gansim' has no attribute {name!r}")
    from importlib import import_module

    if name == "plot":
        return import_module("gansim.plot")
    return getattr(import_module(f"gansim.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, "plot"})
