"""Figures: the numbers of the tables, drawn.

Functions take runs, or frames that `gansim.analysis` made of them, and return a matplotlib Figure; `save` writes it as
PNG and SVG. Whatever is drawn as a share or a mean comes from `tabulate`, `estimate` or `kaplan_meier`, and brings its
interval. Runs that a figure cannot show, because a number is missing or off the scale, are counted in it.

A word has one colour everywhere. Within each player's states, any two colours differ by at least 10 in CIE lightness,
so that they survive greyscale, and by at least 25 in CIE Lab, also under simulated protanopia, deuteranopia and
tritanopia (Machado, Oliveira and Fernandes 2009). Markers, dashes and hatches repeat what colour says.

Nothing here uses pyplot: no figure stays open, no setting of matplotlib changes, and no display is needed.

References
----------
Douglas and Peucker (1973), Algorithms for the reduction of the number of points required to represent a digitized line
or its caricature, Cartographica 10(2), 112-122.
Machado, Oliveira and Fernandes (2009), A physiologically-based model for simulation of color vision deficiency, IEEE
Trans. Vis. Comput. Graph. 15(6), 1291-1298.
"""

from gansim.plotting.look import COLOURS, HATCHES, MARKERS, save
from gansim.plotting.training import shares_over_time
from gansim.reporting.figures.moments import moments_cloud
from gansim.reporting.figures.numbers import lines_by_panel, ratio_bars
from gansim.reporting.figures.over_time import regimes_over_time
from gansim.reporting.figures.rates import rate_map
from gansim.reporting.figures.referee_accuracy import referee
from gansim.reporting.figures.samples import sample_size
from gansim.reporting.figures.shares import MAIN_SHARES, regime_shares
from gansim.reporting.figures.single_runs import Example, gallery
from gansim.reporting.figures.v_and_auc import v_against_auc
from gansim.reporting.figures.waiting import convergence_time

__all__ = [
    "COLOURS",
    "HATCHES",
    "MAIN_SHARES",
    "MARKERS",
    "Example",
    "convergence_time",
    "gallery",
    "lines_by_panel",
    "moments_cloud",
    "rate_map",
    "ratio_bars",
    "referee",
    "regime_shares",
    "regimes_over_time",
    "sample_size",
    "save",
    "shares_over_time",
    "v_against_auc",
]
