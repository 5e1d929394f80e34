"""Pictures of one's own runs, one call each, in seaborn's manner: every function draws on one axes and returns it.

``ax=`` says where; without it there is a new figure of matplotlib's, shown by a notebook or by ``plt.show()``. Factors
are taken from the frame unless they are named. Shares, errors and intervals are those of `gansim.tabulate`,
differences those of `gansim.compare`.
"""

from gansim.plotting.bars import regimes
from gansim.plotting.lines import shares
from gansim.plotting.maps import heatmap, surface
from gansim.plotting.pairs import compare
from gansim.plotting.training import over_time
from gansim.reporting.run_figure import run_figure as run

__all__ = ["compare", "heatmap", "over_time", "regimes", "run", "shares", "surface"]
