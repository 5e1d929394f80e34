"""What is compared: factors with levels, crossed into cells; or cells listed one by one; or points of a sample.

A `Design` turns one base configuration and some factors into a list of cells, each a complete, validated `GAN`. It
knows nothing of the runs' randomness, bundles or files. The cells of a grid are the product of its factors, the first
factor slowest.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias, get_args

import numpy as np

from gansim.design.in_words.glossary import OF_VECTORS
from gansim.design.levels import Label, configured, level_label, value_at
from gansim.design.sampling import Sample
from gansim.display import fields_table, html_table
from gansim.errors import ConfigError, one_line, shown
from gansim.hints import meant
from gansim.model.configurations import Configuration, check_configuration
from gansim.model.data.distributions import Univariate
from gansim.model.fields import check_integer
from gansim.model.games import spelled
from gansim.model.gan import GAN
from gansim.model.paths import dotted_paths, replace
from gansim.model.seeds import MAX_REPS
from gansim.traces import DATA_UNITS, FIELDS

__all__ = ["RESERVED", "Cell", "Design", "Factors", "Listed"]

_Point: TypeAlias = tuple[Mapping[str, Label], Mapping[str, Any]]  # labels by column, overrides by dotted path

# Columns that every frame of runs has, and those that the functions of `gansim.analysis` put beside the factors; a
# factor of the same name would hide one. "game" is not among them: as a factor it holds the same values as the column.
# Nor are "a" and "b", which `gansim.analysis.comparisons.compare` alone refuses: one letter is too good a name.
RESERVED: frozenset[str] = frozenset(
    (
        *("design", "cell", "rep", "seed", "run", "record", "step", *FIELDS, *OF_VECTORS, *DATA_UNITS),
        *("g_state", "d_state", "regime", "left", "converged_step", "last_step"),
        *("share_perfect", "share_idle", "share_inverted", "share_mixed", "share_nonfinite"),
        *("g_intercept", "g_slope", "sample_mean", "sample_std", "referee_accuracy", "referee_auc", "referee_v"),
        *("count", "n", "replicates", "share", "mcse", "low", "high", "thresholds", "relabelled"),
        *("quantity", "missing", "mean", "sd", "q05", "q25", "median", "q75", "q95"),
        *("unpaired", "share_a", "share_b", "difference", "only_a", "only_b", "mcnemar_p", "gain"),
        *("mean_a", "mean_b", "mean_difference"),
        *("survival", "at_risk", "events", "censored", "share_of_peak", "share_of_peak_low", "share_of_peak_high"),
    )
)

_MAX_CELLS = 100_000  # a frame of cells stays far below a second and 1 GB to build
_SHOWN = 20  # cells of a design in a notebook
_LABELS = range(-(2**63), 2**63)  # integers that a column of the runs can hold
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?")
_TAKEN = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices, on Windows, with any ending


def check_name(name: object, what: str) -> str:
    """Return a name that can be part of a file name, or refuse it.

    Parameters
    ----------
    name : str
        1 to 64 letters, digits, "_", "-" and ".", starting with a letter or digit and not ending in "."; not one that
        Windows keeps for a device, such as "con" or "nul": results go from machine to machine.
    what : str
        How to call it in the refusal.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        signs = "1 to 64 letters, digits, '_', '-', '.', a letter or digit first, '.' not last"
        raise ConfigError(f"{what}: value {shown(name)}: {signs}")
    if _TAKEN.fullmatch(name):
        raise ConfigError(f"{what}: value {shown(name)}: a name that Windows does not keep for a device")
    return name


@dataclass(frozen=True)
class Cell:
    """One point of a design.

    Parameters
    ----------
    index : int
        Number of the cell, from 0: within its design, or within the whole study where a `Study` lists them.
    levels : mapping of str to str, int or float
        The label of each factor.
    gan : GAN or ParametricGame
        The complete configuration.
    design : str
        Name of the design.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> Design("games", GAN(target=Normal()), {"game": ["minimax", "as-written"]}).cells[1].levels["game"]
    'as-written'
    """

    index: int
    levels: Mapping[str, Label]
    gan: Configuration
    design: str = "design"

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", MappingProxyType(dict(self.levels)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Cell, (self.index, dict(self.levels), self.gan, self.design)

    def describe(self) -> str:
        """Return the cell in words, for messages.

        Examples
        --------
        >>> from gansim.model.data.distributions import Normal
        >>> Cell(3, {"game": "minimax"}, GAN(target=Normal()), "games").describe()
        "design 'games', cell 3 (game = minimax)"
        """
        levels = ", ".join(f"{name} = {label}" for name, label in self.levels.items())
        return f"design {self.design!r}, cell {self.index}" + (f" ({levels})" if levels else "")


@dataclass(frozen=True)
class Listed:
    """Cells written out in full, each with its labels: what the record of a design holds (see `gansim.design.schema`).

    Parameters
    ----------
    cells : sequence of (levels, overrides)
        For each cell its labels by column, and what differs from the base configuration by dotted path. Columns may be
        missing from some cells.
    columns : sequence of str
        The columns in order.
    values : collection of str
        Those whose labels are the values themselves.
    sample : Sample, optional
        Where the cells come from; kept for the record and not drawn again.
    """

    cells: Sequence[_Point]
    columns: Sequence[str]
    values: Iterable[str] = ()
    sample: Sample | None = None


Factors: TypeAlias = (
    Mapping[str, Sequence[Any] | Mapping[Any, Any] | Sample] | Sequence[Mapping[str, Any]] | Sample | Listed
)


@dataclass(frozen=True, repr=False)
class Design:
    """A list of configurations and the number of replicates of each.

    Parameters
    ----------
    name : str
        Name of the design, a column of the runs: letters, digits, "_", "-", ".".
    gan : GAN or ParametricGame
        The base configuration.
    factors : mapping, sequence of mappings, or sample, optional
        A grid: column name to levels, in forms that may be mixed:

        - a dotted path and a sequence of values: ``{"optimizer_d.lr": [1e-4, 1e-3]}``; the values are the labels;
        - a dotted path and a mapping of label to value: ``{"samples": {"fresh": None, "n = 64": 64}}``;
        - any name and a mapping of label to overrides, each a mapping of dotted paths to values:
          ``{"scale": {"raw": {}, "standardised": {"standardise": True}}}``; `tied` and `ratio` make such mappings:
          ``{"width": tied("generator.hidden", "discriminator.hidden", [4, 16])}``;
        - any name and a sample: ``{"point": Sobol({"optimizer_g.lr": LogUniform(1e-4, 1e-1)}, n=64)}``; the column
          holds the number of the point, and each field of the sample is a column too.

        A list of cells: for each a mapping of dotted paths to values, ``[{}, {"game": "minimax", "steps": 100}]``. The
        columns are all paths that some cell sets, and hold each cell's value, set there or not; a cell that has no such
        field (the ``beta1`` of SGD) lacks the column.

        A sample, `Sobol` or `LatinHypercube`: one cell per point.

        Labels are text or finite numbers; other values (objects, tuples, None, booleans) are labelled by their text.
    reps : int, default 1000
        Replicates per cell, 1 to 10,000,000.

    Attributes
    ----------
    cells : tuple of Cell
        In order: of a grid the first factor is slowest.
    columns : tuple of str
        The names of the labels in order.
    values : frozenset of str
        The columns whose labels are the values themselves: dotted paths.

    Raises
    ------
    ConfigError
        If a factor or one of the cells is refused: the message names the factor or the cell, the field, the value and
        what is allowed.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> design = Design("rates", GAN(target=Normal()), {"optimizer_g.lr": [0.1, 0.2], "optimizer_d.lr": [1, 2]}, reps=8)
    >>> [dict(cell.levels) for cell in design.cells][2]
    {'optimizer_g.lr': 0.2, 'optimizer_d.lr': 1}
    """

    name: str
    gan: Configuration
    factors: Factors | None = None
    reps: int = 1000
    cells: tuple[Cell, ...] = field(init=False, repr=False)
    columns: tuple[str, ...] = field(init=False, repr=False)
    values: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name, "name")
        check_configuration(self.gan)
        object.__setattr__(self, "reps", check_integer(self.reps, "reps", 1, MAX_REPS))
        plan = _expanded(self.factors)
        object.__setattr__(self, "factors", _kept(self.factors))
        object.__setattr__(self, "columns", plan.columns)
        object.__setattr__(self, "values", plan.values)
        object.__setattr__(self, "cells", tuple(self._build(plan)))
        if not plan.distinct:
            self._refuse_twins()

    def with_reps(self, reps: int) -> Design:
        """Return the same cells with another number of replicates.

        Parameters
        ----------
        reps : int
            Replicates per cell, 1 to 10,000,000.

        Raises
        ------
        ConfigError
            If it is anything else.
        """
        other = copy.copy(self)
        object.__setattr__(other, "reps", check_integer(reps, "reps", 1, MAX_REPS))
        return other

    def __repr__(self) -> str:
        varied = f" of {', '.join(self.columns)}" if self.columns else ""
        return f"Design({self.name!r}: {len(self.cells):,} cells{varied}, {self.reps:,} replicates each)"

    def _repr_html_(self) -> str:
        rows = [(cell.index, *(cell.levels.get(name, "") for name in self.columns)) for cell in self.cells[:_SHOWN]]
        more = [(f"and {len(self.cells) - _SHOWN:,} more",)] if len(self.cells) > _SHOWN else []
        return html_table(repr(self), [*rows, *more], ("cell", *self.columns)) + fields_table(self.gan)

    def _build(self, plan: _Plan) -> Iterable[Cell]:
        for index, (labels, parts) in enumerate(plan.points):
            cell = Cell(index, labels, self.gan, self.name)
            try:
                gan = configured(self.gan, _merge(parts))
                # what a configuration takes beside these, a study does not
                if isinstance(gan, GAN) and type(gan.target) not in get_args(Univariate):
                    raise ConfigError(f"target: {shown(gan.target)}: a law on the line")
                levels = _values(gan, plan.columns) if plan.read_back else labels
                _check_levels(levels, plan.values, gan)
            except ConfigError as error:
                raise ConfigError(f"{cell.describe()}: {one_line(error)}{self._tied(plan)}") from None
            yield dataclasses.replace(cell, gan=gan, levels=levels)

    def _tied(self, plan: _Plan) -> str:
        """How to vary both of two fields that the name of a factor may mean."""
        for name in plan.columns:
            if name in plan.values and len(both := meant(name, dotted_paths(self.gan))) == 2:
                return f" Both at once: gs.tied({both[0]!r}, {both[1]!r}, levels)"
        return ""

    def _refuse_twins(self) -> None:
        """Two cells of a list with the same labels could not be told apart in the runs."""
        first: dict[tuple[Label | None, ...], Cell] = {}
        levels = [[stored_level(cell, name, name in self.values) for cell in self.cells] for name in self.columns]
        stored = zip(*map(_as_stored, levels), strict=True) if levels else [()] * len(self.cells)
        for cell, labels in zip(self.cells, stored, strict=True):
            twin = first.setdefault(labels, cell)
            if twin is not cell:
                raise ConfigError(f"{cell.describe()}: the same labels as cell {twin.index}: each cell once")


# --- from factors to points -------------------------------------------------------------------------


def _kept(given: Any) -> Any:
    """Factors for the record, in containers that nobody else holds: those handed in may change, a design does not."""
    if isinstance(given, Mapping):
        return {name: _kept(one) for name, one in given.items()}
    if isinstance(given, list):
        return [_kept(one) for one in given]
    if isinstance(given, Sample):
        return dataclasses.replace(given)  # which copies its ranges
    return given.copy() if isinstance(given, np.ndarray) else given


@dataclass(frozen=True)
class _Plan:
    """What the factors ask for: per cell its labels, and per factor the overrides of the chosen level."""

    columns: tuple[str, ...]
    values: frozenset[str]
    points: Iterable[tuple[Mapping[str, Label], Mapping[str, Mapping[str, Any]]]]
    distinct: bool  # by construction
    read_back: bool = False  # labels are to be read from the finished configurations


def _expanded(factors: object) -> _Plan:
    if factors is None or isinstance(factors, Mapping):
        return _grid(factors or {})
    if isinstance(factors, Sample):
        points = factors.points()
        columns = tuple(_column(path) for path in factors.ranges)
        return _Plan(columns, frozenset(columns), (({**p}, {"factors": p}) for p in points), distinct=True)
    if isinstance(factors, Listed):
        columns = tuple(_column(name) for name in factors.columns)
        cells = [({n: _given_label(n, x) for n, x in levels.items()}, {"cell": o}) for levels, o in factors.cells]
        return _Plan(columns, frozenset(factors.values), _counted(cells), distinct=False)
    if isinstance(factors, Sequence) and not isinstance(factors, (str, bytes)):
        return _list(factors)
    raise ConfigError(f"factors: value {shown(factors)}: a mapping of names to levels, a list of overrides or a sample")


def _list(cells: Sequence[object]) -> _Plan:
    """Cells given one by one."""
    points = []
    for number, overrides in enumerate(cells):
        if not isinstance(overrides, Mapping):
            raise ConfigError(f"factors: cell {number}: value {shown(overrides)}: a mapping of dotted paths to values")
        labels = {_column(path): _value_label(path, value) for path, value in overrides.items()}
        points.append((labels, {"cell": overrides}))
    columns = tuple(dict.fromkeys(path for labels, _ in points for path in labels))
    return _Plan(columns, frozenset(columns), _counted(points), distinct=False, read_back=True)


def _counted(points: Sequence[Any]) -> Sequence[Any]:
    if not 1 <= len(points) <= _MAX_CELLS:
        raise ConfigError(f"factors: {len(points):,} cells: from 1 to {_MAX_CELLS:,}")
    return points


def _grid(factors: Mapping[Any, Any]) -> _Plan:
    """The product of all factors, the first slowest."""
    levels = {_column(name): _levels(name, given) for name, given in factors.items()}
    count = int(np.prod([len(pairs) for pairs in levels.values()], dtype=float))
    if count > _MAX_CELLS:
        raise ConfigError(f"factors: {count:,} cells: at most {_MAX_CELLS:,}")
    columns = [name for pairs in levels.values() for name in pairs[0][0]]
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise ConfigError(f"factors: {twice[0]}: a factor, and a field of a sample: one of them")
    sampled = {path for given in factors.values() if isinstance(given, Sample) for path in given.ranges}
    values = frozenset(n for n, given in factors.items() if not isinstance(given, (Mapping, Sample))) | sampled
    return _Plan(tuple(columns), values, _product(levels), distinct=True)


def _product(levels: Mapping[str, Sequence[_Point]]) -> Iterable[tuple[dict[str, Label], dict[str, Mapping[str, Any]]]]:
    for chosen in itertools.product(*levels.values()):
        labels = {name: label for point, _ in chosen for name, label in point.items()}
        yield labels, {name: overrides for name, (_, overrides) in zip(levels, chosen, strict=True)}


def _values(gan: Configuration, paths: Iterable[str]) -> dict[str, Label]:
    """The values at those paths that a configuration has, as labels."""
    found: dict[str, Label] = {}
    for path in paths:
        with contextlib.suppress(KeyError):
            found[path] = level_label(value_at(gan, path))
    return found


def _check_levels(levels: Mapping[str, Label], values: Iterable[str], gan: Configuration) -> None:
    """Refuse a label that is said to be a value and is another one; only a list written by hand can hold it."""
    own = level_label(gan.game)
    if (game := levels.get("game", own)) != own:
        raise ConfigError(f"game: level {game}, but the game is {own}: choose another column name")
    for path in values:
        if path in levels:
            try:
                value = value_at(gan, path)
            except KeyError:
                raise ConfigError(f"{path}: level {levels[path]}, but there is no such field here") from None
            plain = level_label(value)
            number = isinstance(levels[path], (int, float)) or isinstance(plain, (int, float))
            if (number or isinstance(value, str)) and levels[path] != plain and not _says(levels[path], path, gan):
                raise ConfigError(f"{path}: level {levels[path]}, but the value is {plain}: choose another column name")


def _says(label: Label, path: str, gan: Configuration) -> bool:
    """Whether a label is a value otherwise written: 16 for a network, "(16,)" in records of earlier versions."""
    if label == repr(value_at(gan, path)):
        return True
    try:
        return replace(gan, {path: label}) == gan
    except ConfigError:
        return False


def _column(name: object) -> str:
    """Return the name of a column of labels, or refuse it."""
    if not isinstance(name, str) or not name or name in RESERVED or not _is_line(name):
        columns = "no column of the runs (such as cell, w1 or regime) or of a table of them (such as n or share)"
        seeds = "; what differs from run to run is numbered by reps" if name in ("seed", "rep") else ""
        raise ConfigError(f"factors: value {shown(name)}: text that is {columns}, without control characters{seeds}")
    return name


def is_text(text: str) -> bool:
    """Whether a text can be written to a file: half of a surrogate pair, as JSON can hold it, cannot.

    Parameters
    ----------
    text : str
        Any text.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_line(text: str) -> bool:
    """Whether a text can be written, printed and drawn: SVG cannot hold control characters, nor U+FFFE and U+FFFF."""
    return is_text(text) and not any(unicodedata.category(sign) == "Cc" or sign in "\ufffe\uffff" for sign in text)


def _levels(name: str, given: object) -> list[_Point]:
    """Levels of a factor: the labels, by column, and the overrides."""
    if isinstance(given, Sample):
        for path in given.ranges:
            _column(path)
        return [({name: number, **point}, point) for number, point in enumerate(given.points())]
    if isinstance(given, Mapping):
        pairs = [(_given_label(name, label), _overrides(name, value)) for label, value in given.items()]
    elif isinstance(given, (Sequence, np.ndarray)) and not isinstance(given, str):
        values = map(spelled, given) if name == "game" else given
        pairs = [(_value_label(name, value), {name: value}) for value in values]
    else:
        raise ConfigError(f"factors: {name}: value {shown(given)}: a sequence of values, or a mapping of labels")
    if not pairs:
        raise ConfigError(f"factors: {name}: no levels: at least one")
    _refuse_repeats(name, [label for label, _ in pairs])
    if name == "game" and any(
        {path: level_label(v) for path, v in of.items()} != {"game": label} for label, of in pairs
    ):
        raise ConfigError("factors: game: labels other than the games: choose another column name, or plain games")
    return [({name: label}, overrides) for label, overrides in pairs]


def _refuse_repeats(name: str, labels: Sequence[Label]) -> None:
    """Refuse levels that are one in a column of text, as 1 and "1" are, or in one of numbers, as 1 and 1.0 are."""
    texts = Counter(map(str, labels))
    numbers = Counter(float(label) for label in labels if not isinstance(label, str))
    for label in labels:
        if texts[str(label)] > 1 or (not isinstance(label, str) and numbers[float(label)] > 1):
            raise ConfigError(f"factors: {name}: level {label} given twice: each once")


def _given_label(name: str, label: object) -> Label:
    plain = label.item() if isinstance(label, np.generic) else label
    number = isinstance(plain, (int, float)) and not isinstance(plain, bool) and abs(plain) < float("inf")
    if number or (isinstance(plain, str) and _is_line(plain)):
        return _held(name, plain)  # type: ignore[arg-type]
    raise ConfigError(f"factors: {name}: label {shown(label)}: text without control characters, or a finite number")


def _value_label(name: str, value: object) -> Label:
    try:
        label = level_label(value)
    except ConfigError as error:
        raise ConfigError(f"factors: {name}: {error}") from None
    return _held(name, label)


def _held(name: str, label: Label) -> Label:
    """Return a label that a column can hold. Of an integer that it cannot, Python may refuse to write the digits."""
    if isinstance(label, int) and label not in _LABELS:
        bits = f"an integer of {label.bit_length()} bits"
        raise ConfigError(f"factors: {name}: level, {bits}: from -2^63 to 2^63 - 1, a number with a point, or text")
    return label


def _overrides(name: str, value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {name: value}


def _merge(chosen: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Overrides of one cell, of all factors together; two factors that set the same path contradict each other."""
    merged: dict[str, Any] = {}
    owner: dict[str, str] = {}
    for name, overrides in chosen.items():
        for path, value in overrides.items():
            if path in merged:
                raise ConfigError(f"{path}: set by two factors, {owner[path]} and {name}: by one")
            merged[path], owner[path] = value, name
    return merged


def stored_level(cell: Cell, name: str, plain: bool) -> Label | None:
    """Label of a cell in a column of the runs.

    Parameters
    ----------
    cell : Cell
        The cell.
    name : str
        The column.
    plain : bool
        Whether its labels are simply the values of that field, which a cell has whether the field is varied or not.

    Returns
    -------
    str, int, float or None
        The label; None if the cell has none.
    """
    if name in cell.levels or not plain:
        return cell.levels.get(name)
    try:
        return level_label(value_at(cell.gan, name))
    except KeyError:  # another kind of optimiser or target, without this field
        return None


def has_text(labels: Iterable[Label | None]) -> bool:
    """Whether a column is stored as text: one text among numbers makes all of them text.

    Parameters
    ----------
    labels : iterable of str, int, float or None
        The labels of a column.
    """
    return any(isinstance(label, str) for label in labels)


def _as_stored(labels: Sequence[Label | None]) -> list[Label | None]:
    """Labels as they compare in a column of the runs: 1 and 1.0 are one number, and two texts.

    Numbers compare as floats even if all are integers: beside a design without the column they are stored as floats,
    and 2^53 + 1 becomes 2^53.
    """
    kind = str if has_text(labels) else float
    return [None if label is None else kind(label) for label in labels]
