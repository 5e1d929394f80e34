"""How figures look: colours, marks and hatches, text that fits, files that are the same bytes each time."""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import math
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from gansim.analysis.outcomes import STATES
from gansim.analysis.replicates import check_frame, refuse_twice
from gansim.design.in_words import words
from gansim.design.regimes import REGIMES
from gansim.errors import ConfigError, shown
from gansim.showing.colours import COLOURS

__all__ = ["COLOURS", "HATCHES", "MARKERS", "save"]

Floats: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = Mapping[Any, str]
_P = ParamSpec("_P")
_Drawn = TypeVar("_Drawn")
MARKERS: dict[str, str] = {
    "converged": "o",
    "modes dropped": "P",
    "off target": "^",
    "collapsed": "s",
    "perfect": "o",
    "idle": "s",
    "inverted": "v",
    "mixed": "D",
    "non-finite": "X",
}
"""The marker of every state."""
HATCHES: dict[str, str] = {
    "converged": "",
    "modes dropped": "||||",  # dots would make every SVG of them 180 kB longer
    "off target": "////",
    "collapsed": "xxxx",
    "non-finite": "",
}
"""The hatch of every state of G, in bars whose colour tells what D did."""
DASHES: dict[str, Any] = {
    "converged": "-",
    "modes dropped": (0, (5, 1, 1, 1, 1, 1)),
    "off target": (0, (4, 1.5)),
    "collapsed": (0, (1, 1)),
    "perfect": "-",
    "idle": (0, (4, 1.5)),
    "inverted": (0, (1, 1)),
    "mixed": (0, (6, 1.5, 1, 1.5)),
    "non-finite": "-",
}
GROUP_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)))
_GROUP_MARKERS = "osv^DPX*"
WIDTH = 7.2  # inches; 1,080 pixels at 150 dpi, shown at about 830 in a README, so that 7 points are 11 pixels there
_DPI = 150
SMALL, NORMAL, _TITLE = 7.0, 8.0, 9.5  # points
FAINT, GREY, INK = "#d9d9d9", "#595959", "#1a1a1a"
LOG4 = math.log(4.0)
V_LINEAR = 2.0  # V is drawn linear down to -2, which shows both 0 and -log 4, and logarithmic below
_STYLE: Any = {
    **sns.axes_style("ticks"),
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelsize": NORMAL,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": NORMAL,
    "figure.dpi": 100,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that text has the same width everywhere
    "font.size": NORMAL,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.8,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "pdf.fonttype": 42,  # TrueType, embedded: journals refuse Type 3
    "svg.fonttype": "path",  # the same picture on machines without the font
    "svg.hashsalt": "gansim",  # else the ids in an SVG are random
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
    "ytick.major.size": 3,
    "ytick.major.width": 0.6,
}


@contextlib.contextmanager
def style_() -> Iterator[None]:
    """Have the settings above and matplotlib's defaults, whatever a user's are, and put the user's back.

    But for "interactive", which a backend sets that is first asked for meanwhile: a notebook's shows no figure without.
    """
    interactive = mpl.rcParams["interactive"]
    try:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_STYLE)
            try:
                yield
            finally:
                interactive = mpl.rcParams["interactive"]
    finally:
        mpl.rcParams["interactive"] = interactive


def styled(draw: Callable[_P, _Drawn]) -> Callable[_P, _Drawn]:
    """Run a function under the settings above."""

    @functools.wraps(draw)
    def inside(*args: _P.args, **kwargs: _P.kwargs) -> _Drawn:
        with style_():
            return draw(*args, **kwargs)

    return inside


def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Write a figure as PNG (150 dots an inch), PDF and SVG, the same bytes whenever the figure is the same.

    Parameters
    ----------
    figure : Figure
        The figure.
    folder : str or Path
        Where to; made if missing.
    name : str
        File name without suffix: letters, digits, "_", "-", and "." but not first.

    Returns
    -------
    list of Path
        The files written: name.png, name.pdf, name.svg.

    Raises
    ------
    ConfigError
        If `name` is not a plain file name.
    """
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ConfigError(f"name: {name!r}; allowed: letters, digits, '_', '-', and '.' but not first")
    base = Path(folder)
    base.mkdir(parents=True, exist_ok=True)
    options: dict[str, dict[str, Any]] = {
        "png": {"metadata": {"Software": None}},
        "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
        "svg": {"metadata": {"Date": None, "Creator": None}},
    }
    paths = []
    for suffix, more in options.items():
        stream = io.BytesIO()  # drawn before a file is opened: a figure that cannot be drawn leaves none behind
        with style_():
            figure.savefig(stream, format=suffix, dpi=_DPI, facecolor="white", **more)
        paths.append(base / f"{name}.{suffix}")
        paths[-1].write_bytes(_smaller(stream.getvalue()) if suffix == "svg" else stream.getvalue())
    return paths


def _smaller(svg: bytes) -> bytes:
    """Cut the points of all paths to 1/100 point and drop the indentation: a third less to store, nothing to see."""
    svg = re.sub(rb"(?m)^[CLMQ] [-0-9. ]+$", lambda path: re.sub(rb"(\.\d\d)\d+", rb"\1", path[0]), svg)
    return re.sub(rb"(?m)^ +", b"", svg)


def one(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return the figure and the axes to draw in, new ones unless axes are given."""
    if ax is None:
        figure = Figure(figsize=size, layout="constrained")
        return figure, figure.add_subplot()
    return cast(Figure, cast(Any, ax.figure).figure), ax  # of a subfigure, the figure around it


def canvas(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return the figure and the axes to draw in; without axes those of a figure that a notebook or pyplot shows."""
    if ax is not None:
        if not isinstance(ax, Axes):
            raise ConfigError(f"ax: value {shown(ax)}: Axes of matplotlib, or None")
        return one(ax, size)
    from matplotlib import pyplot  # here, because it looks for a display

    figure = pyplot.figure(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def captioned(figure: Figure, ax: Axes | None, axes: Axes, title: str, note: str) -> None:
    """Say what is seen: at the top of a figure of our own, else above the given axes, as wide as these are."""
    if ax is None:
        head(figure, title, note)
        return
    wide = axes.get_position().width * figure.get_figwidth() + 0.24
    note = wrapped(note, wide) if note else ""
    lines = 1 + note.count("\n") if note else 0
    title = "\n".join(in_lines(title, NORMAL, wide)) if title else ""
    axes.set_title(title, loc="left", size=NORMAL, weight="bold", pad=5 + 9.5 * lines)
    if note:
        at: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(note, (0, 1), (0, 4), va="bottom", size=SMALL, color=GREY, linespacing=1.3, **at)


def head(figure: Figure, title: str, note: str) -> None:
    """Put title and note at the top left, and keep an automatic layout below them."""
    place, tall = Inches(figure), figure.get_figheight()
    note = wrapped(note, figure.get_figwidth())
    lines = in_lines(title, _TITLE, figure.get_figwidth() - 0.24)
    start = 0.14 + 0.15 * len(lines)
    place.text(0.12, tall - 0.09, "\n".join(lines), size=_TITLE, weight="bold", va="top", linespacing=1.1)
    place.text(0.12, tall - start, note, size=SMALL, color=GREY, va="top", linespacing=1.3)
    engine: Any = figure.get_layout_engine()
    if engine is not None:
        used = start + 0.14 * (1 + note.count("\n")) + 0.06
        engine.set(rect=(0.004, 0.004, 0.992, 1 - used / tall - 0.004))


def in_lines(text: str, size: float, wide: float) -> list[str]:
    """Break a bold text into lines that fit so many inches."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if not lines[-1] or 1.12 * inches(longer, size) <= wide else [*lines, word]
    return lines


def wrapped(note: str, wide: float) -> str:
    """Break a note into lines that fit a figure so many inches wide."""
    return textwrap.fill(note.replace(" %", "\N{NO-BREAK SPACE}%"), int((wide - 0.24) * 72 / (0.56 * SMALL)))


def head_or_title(figure: Figure, ax: Axes | None, title: str, note: str) -> None:
    """Put title and note at the top of a figure of our own, else above the given axes."""
    if ax is None:
        head(figure, title, note)
    else:
        ax.set_title(f"{title}\n{note}", loc="left", size=SMALL)


class Inches:
    """Places axes and texts by inches from the lower left corner of a figure."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.size = np.array([figure.get_figwidth(), figure.get_figheight()])

    def axes(self, x: float, y: float, wide: float, tall: float) -> Axes:
        corner, extent = np.array([x, y]) / self.size, np.array([wide, tall]) / self.size
        return self.figure.add_axes((*corner.tolist(), *extent.tolist()))

    def text(self, x: float, y: float, text: str, **look: Any) -> None:
        self.figure.text(x / float(self.size[0]), y / float(self.size[1]), text, **look)


def inches(text: str, size: float) -> float:
    """Width of a text; 0 if there is nothing to see in it, as in a space of no width (U+200B)."""
    font = FontProperties(family=_STYLE["font.family"], size=size)
    if not len(text_to_path.get_text_path(font, text)[0]):
        return 0.0
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def share_axis(axis: Any, label: str, ends: float = 0.0) -> None:
    """Give an axis the scale of a share, with room for what sits on its ends."""
    axis.axes.set(**{f"{axis.axis_name}lim": (-ends, 1 + ends)})
    axis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axis.set_major_formatter(PercentFormatter(1, symbol=" %", decimals=0))
    axis.set_label_text(label)


def remark(axes: Axes, x: float, y: float, text: str, ha: str = "left", va: str = "bottom") -> None:
    """Write a small text over what is drawn, at a place in fractions of the axes."""
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1}
    axes.text(x, y, text, transform=axes.transAxes, size=SMALL - 0.5, ha=ha, va=va, bbox=box, zorder=4)


def few_ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))


def plain(value: float, position: int | None = None) -> str:
    """Write a number, thousands separated, millions as "1 M", from 10¹⁰ on powers of ten, a minus sign."""
    if abs(value) >= 1e10:
        mantissa, _, exponent = f"{value:.3g}".partition("e")  # .3g of so large a number has an exponent
        text = f"{mantissa}×10{raised(int(exponent))}"
    elif abs(value) >= 1e6:
        text = f"{value / 1e6:,.4g} M"
    else:
        text = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
    return text.replace("-", "−")


def number_on_axis(value: float, position: int | None = None) -> str:
    """Write a level: powers of ten where there are many zeros, a minus sign.

    Examples
    --------
    >>> [number_on_axis(x) for x in (0.25, 1e-4, 3e-5, 2000, -1.5)]
    ['0.25', '10⁻⁴', '3×10⁻⁵', '2,000', '−1.5']
    """
    size = abs(value)
    if size and not 1e-3 <= size < 1e6:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        power = f"10{raised(int(exponent))}"
        digits = f"{float(mantissa):g}"
        return (power if digits == "1" else f"{digits}×{power}").replace("-", "−")
    return (f"{value:,.0f}" if size >= 1000 and value == int(value) else f"{value:.6g}").replace("-", "−")


def n_in_words(counts: ArrayLike) -> str:
    """Say how many, as in "n = 1,000" or "n = 24 to 1,000"."""
    counts = np.asarray(counts)
    low, high = int(counts.min()), int(counts.max())
    return f"n = {low:,}" if low == high else f"n = {low:,} to {high:,}"


def runs_in_words(counts: ArrayLike) -> str:
    """Say how many runs."""
    return f"{n_in_words(counts)} run{'' if np.max(np.asarray(counts)) == 1 else 's'}"


def runs_of(table: pd.DataFrame) -> str:
    """Say how many runs a group of a table has, and of how many replicates if these are fewer."""
    fewer = table["replicates"] < table["n"]
    return runs_in_words(table["n"]) + (f" of {n_in_words(table['replicates'])[4:]} replicates" if fewer.any() else "")


def name_(values: Iterable[Any], labels: Labels | None, joint: str = ", ") -> str:
    """Say which group, from its levels."""
    given = labels or {}
    return joint.join(given.get(v, _word(v)) for v in values)


def _word(level: Any) -> str:
    if pd.isna(level):
        return "–"
    if isinstance(level, float):
        return number_on_axis(level)
    return _letters(words.level_of("regime" if level in REGIMES else "", level))


def names_of(factors: Iterable[str], labels: Labels | None = None) -> str:
    """Say which factors, by what they are called in words."""
    given = labels or {}
    return ", ".join(given.get(factor, _letters(words.heading(factor, unit=False))) for factor in factors)


def _letters(text: str) -> str:
    """Dollar signs are signs here, not mathematics: what a caller writes in `labels` may have some.

    A mark of byte order has no width either, and matplotlib's PDF cannot be written with one.
    """
    return text.replace("$", r"\$").replace("\ufeff", "\u200b")


def facets(frame: pd.DataFrame, column: str | None) -> list[Any]:
    """Return the levels of a column in order of first appearance, or None for a single panel."""
    return [None] if column is None else list(frame[column].unique())


def combinations(frame: pd.DataFrame, by: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the combinations of levels in order of first appearance."""
    return list(frame[list(by)].drop_duplicates().itertuples(index=False, name=None)) if by else [()]


def where_(frame: pd.DataFrame, column: str | None, level: Any) -> pd.DataFrame:
    if column is None:
        return frame
    return frame[frame[column].isna() if pd.isna(level) else frame[column] == level]


def all_where(frame: pd.DataFrame, by: Sequence[str], levels: Sequence[Any]) -> pd.DataFrame:
    for column, level in zip(by, levels, strict=True):
        frame = where_(frame, column, level)
    return frame


def refuse_unfit(runs: pd.DataFrame) -> None:
    """Refuse what is no frame of runs, or holds one twice."""
    check_frame(runs)
    refuse_twice(runs)


def complete(runs: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Give columns of states all their levels in order, also where runs were read from a file of texts."""
    refuse_unfit(runs)
    return typed(runs, *columns)


def typed(runs: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Give columns of states all their levels in order."""
    types = {name: pd.CategoricalDtype(pd.Index(levels), ordered=True) for name, levels in STATES.items()}
    there = [name for name in columns if name in types and name in runs]
    wanted = {name: types[name] for name in there if runs[name].dtype != types[name]}
    return runs.astype(wanted) if wanted else runs


def chosen(table: pd.DataFrame, column: str, level: str) -> pd.DataFrame:
    """Rows of a table of shares that speak of one level, one per group."""
    if level not in set(table[column]):
        raise ConfigError(f"{column}: {level!r} does not occur; allowed: {', '.join(map(str, table[column].unique()))}")
    return table[(table[column] == level).to_numpy()].reset_index(drop=True)


def state_look(state: object) -> dict[str, Any]:
    """Colour and marker of a state; nothing for other levels."""
    known = str(state)
    return {"color": COLOURS[known], "marker": MARKERS[known]} if known in COLOURS else {}


def group_looks(groups: int) -> list[dict[str, Any]]:
    """Colours, dashes and markers for groups that are not states, from dark to light."""
    # From 0.7 on rocket has less than 3:1 on white.
    colours = [
        tuple(colour[:3]) for colour in sns.color_palette("rocket", as_cmap=True)(np.linspace(0.1, 0.68, groups))
    ]
    dashes, markers = itertools.cycle(GROUP_DASHES), itertools.cycle(_GROUP_MARKERS)
    looks = zip(colours, dashes, markers, strict=False)
    return [{"color": colour, "linestyle": dash, "marker": marker} for colour, dash, marker in looks]


def raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
