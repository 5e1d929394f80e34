"""Plots, one call each: what `gansim.plot` is."""

from gansim.reporting.run_figure import run_figure as run

__all__ = ["run"]
