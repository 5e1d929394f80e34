"""gansim: statistics of GAN training.

Train thousands of independent tiny GANs side by side, label how each ended, and report every share with its
Monte-Carlo error. Start with `GAN` and `simulate`; `Study` varies factors; `tabulate` and `compare` report.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gansim import source  # noqa: F401 - before all others: it reads what they are made of
from gansim._version import __version__ as __version__
from gansim.design.design import Design
from gansim.design.levels import ratio, tied
from gansim.design.sampling import Integers, LatinHypercube, LogUniform, Sobol
from gansim.engine.gradients import Gradients, gradients
from gansim.engine.replay import Networks, networks, trace
from gansim.errors import ConfigError
from gansim.model.data.distributions import Mixture, Normal, Uniform
from gansim.model.data.tabulated import Law, Observed
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.games import LeastSquares
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, Given, He, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, RMSProp
from gansim.model.own.fields import OwnField
from gansim.model.own.games import Loss, OwnGame
from gansim.model.parametric import Bilinear, Dirac, LinearWasserstein, ParametricGame, TwoNormals
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from gansim.running.execution import pages_by_default, report_by_default
from gansim.running.study import Study, simulate
from gansim.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gansim import plot
    from gansim.analysis.comparisons import compare
    from gansim.analysis.estimates import estimate
    from gansim.analysis.labels import label
    from gansim.analysis.shares import tabulate
    from gansim.design.in_words.glossary import columns
    from gansim.design.regimes import Thresholds
    from gansim.notebook.explore import explore
    from gansim.pages.player import player
    from gansim.reporting.loading import load
    from gansim.reporting.run_animation import animate
    from gansim.reporting.tables.shares import table
    from gansim.running.execution import Execution

__all__ = [
    "GAN",
    "MLP",
    "SGD",
    "Adam",
    "Average",
    "Bilinear",
    "ConfigError",
    "Consensus",
    "Decay",
    "Design",
    "Dirac",
    "Given",
    "Gradients",
    "He",
    "Integers",
    "LatinHypercube",
    "Law",
    "LeastSquares",
    "LinearWasserstein",
    "LogUniform",
    "Lookahead",
    "Loss",
    "Mixture",
    "Momentum",
    "Nesterov",
    "Networks",
    "Normal",
    "NormalInit",
    "Observed",
    "Optimistic",
    "OptimisticAdam",
    "Orthogonal",
    "OwnField",
    "OwnGame",
    "ParametricGame",
    "Penalties",
    "RMSProp",
    "Referee",
    "Sobol",
    "Study",
    "Symplectic",
    "Thresholds",
    "TorchDefault",
    "Traces",
    "TwoNormals",
    "Uniform",
    "Unrolled",
    "Xavier",
    "animate",
    "columns",
    "compare",
    "estimate",
    "explore",
    "gradients",
    "label",
    "load",
    "networks",
    "player",
    "plot",
    "ratio",
    "replace",
    "simulate",
    "table",
    "tabulate",
    "tied",
    "trace",
]

# pandas and scipy.stats are half of the time to import gansim, and a worker needs neither: these names come when asked.
_LATER = {
    "Thresholds": "design.regimes",
    "columns": "design.in_words.glossary",
    "label": "analysis.labels",
    "load": "reporting.loading",
    "compare": "analysis.comparisons",
    "estimate": "analysis.estimates",
    "table": "reporting.tables.shares",
    "tabulate": "analysis.shares",
    "animate": "reporting.run_animation",
    "explore": "notebook.explore",
    "player": "pages.player",
}


def __getattr__(name: str) -> Any:
    if name == "plot":
        return import_module("gansim.plot")
    if name not in _LATER:
        raise AttributeError(f"module 'gansim' has no attribute {name!r}")
    return getattr(import_module(f"gansim.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


def _write_report(done: "Execution", folder: "Path", say: "Callable[[str], object]") -> None:
    from gansim.reporting.report import write_report

    write_report(done, folder, say=say)


def _write_page(done: "Execution", draft: "Path", folder: "Path", say: "Callable[[str], object]") -> None:
    from gansim.pages.report import write_page

    write_page(done, draft, folder, say)


report_by_default(_write_report)  # here, where running, reporting and pages meet
pages_by_default(_write_page)
