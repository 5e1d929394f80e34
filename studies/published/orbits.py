"""Pictures of games of two vectors: where the players go, and how far from where they ought to end."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gansim.plotting import look

__all__ = ["decay", "orbits"]

Path = tuple[np.ndarray, np.ndarray]  # of G and of D, at every step


@look.styled
def orbits(paths: Mapping[tuple[str, str], Path], rows: Sequence[str], columns: Sequence[str], note: str) -> Figure:
    """A panel for each method (column) and schedule (row): D's parameter over G's, from light to dark.

    Parameters
    ----------
    paths : mapping of (method, schedule) to two arrays, shape (steps,)
        Parameters of G and of D.
    rows, columns : sequence of str
        Schedules and methods.
    note : str
        What is shown.
    """
    wide = 0.6 + 1.05 * len(columns)
    figure = Figure(figsize=(wide, 1.15 + 1.05 * len(rows)))
    place, tall = look.Inches(figure), figure.get_figheight()
    look.head(figure, "Where the players of Dirac-GAN go", note)
    for j, method in enumerate(columns):
        lines = "\n".join(look.in_lines(method, look.SMALL, 1.0))
        place.text(0.95 + 1.05 * j, tall - 0.84, lines, size=look.SMALL, ha="center", va="center", linespacing=1.1)
        for i, schedule in enumerate(rows):
            axes = place.axes(0.5 + 1.05 * j, tall - 2.05 - 1.05 * i, 0.92, 0.92)
            theta, phi = paths[method, schedule]
            _orbit(axes, theta, phi)
    for i, schedule in enumerate(rows):
        y = tall - 1.59 - 1.05 * i
        place.text(0.2, y, "\n".join(look.in_lines(schedule, look.SMALL, 1.0)), size=look.SMALL, rotation=90,
                   ha="center", va="center")  # fmt: skip
    return figure


def _orbit(axes: Axes, theta: np.ndarray, phi: np.ndarray) -> None:
    n = len(theta)
    # Four shades, and some of the steps: a file of all of them has 400 kB, of the same curves.
    for start, end, shade in (
        (0, n // 8, 0.75),
        (n // 8, n // 4, 0.5),
        (n // 4, 2 * n // 5, 0.25),
        (n - n // 12, n, 0.0),
    ):
        axes.plot(theta[start : end + 1], phi[start : end + 1], color=(shade, shade, shade), linewidth=0.6)
    axes.plot(theta[-1], phi[-1], "o", color="#0072b2", markersize=3)
    axes.plot(0, 0, "+", color="#d55e00", markersize=5)
    most = min(3.6, max(1.25, float(np.abs(np.concatenate([theta, phi])).max()) * 1.08))
    axes.set(xlim=(-most, most), ylim=(-most, most))
    ends = (-1, 0, 1) if most < 2 else (-3, 0, 3)
    axes.set_xticks(ends)
    axes.set_yticks(ends)
    axes.tick_params(labelsize=5, pad=1, length=2)


@look.styled
def decay(
    off: Mapping[tuple[str, str], np.ndarray], panels: Sequence[str], methods: Sequence[str], title: str, note: str = ""
) -> Figure:
    """Distance from where the players ought to end over steps: a panel for each schedule, a line for each method.

    Parameters
    ----------
    off : mapping of (method, panel) to array, shape (steps,)
        The distances.
    panels, methods : sequence of str
        Panels, and lines.
    title, note : str
        What is shown.
    """
    figure = Figure(figsize=(look.WIDTH, 3.6), layout="constrained")
    look.head(figure, title, note)
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(all_axes, panels, strict=True):
        for method, how in zip(methods, look.group_looks(len(methods)), strict=True):
            path = off[method, panel]
            axes.plot(np.arange(1, len(path) + 1), path, label=method, linewidth=1, markersize=3,
                      markevery=(len(path) // 10, len(path) // 5), **how)  # fmt: skip
        axes.set(yscale="log", xlabel="step", title=panel)
        axes.set_ylim(bottom=max(1e-12, axes.get_ylim()[0]))
    all_axes[0].set_ylabel("distance")
    handles, names = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure
