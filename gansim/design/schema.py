"""A study as plain data: read from TOML or JSON, described for the record.

One schema serves both ways. `describe_design` writes a design in full: the base configuration with every default, then
each cell with its labels and what differs from the base. That is what metadata.json holds, and reading it gives equal
cells, labels and columns. A person writes the short forms::

    name = "rates"
    seed = 0
    aims = "Which learning rate of D brings G to the target?"     # optional, for the ADEMP sheet

    [[designs]]
    name = "rates"
    reps = 100

    [designs.gan]
    target = { kind = "normal", mean = 500, std = 5 }
    standardise = true

    [designs.factors]                                          # a grid
    game = ["minimax", "non-saturating"]
    "optimizer_d.lr" = [1e-3, 1e-2]                            # a path with a dot stands in quotes
    samples = { fresh = "none", small = 64 }                   # labelled levels
    scale = { raw = {}, standardised = { standardise = true } }

Two fields at once, or one as a multiple of another, are factors under any name (`gansim.design.levels`):
``width = { tied = ["generator.hidden", "discriminator.hidden"], levels = [4, 16] }`` and
``ratio = { ratio = "optimizer_d.lr", to = "optimizer_g.lr", levels = [0.25, 1, 4] }``.

Instead of ``[designs.factors]``, cells one by one (``levels`` may be left out: then the columns are the paths set)::

    [[designs.cells]]
    levels = { case = "slow" }
    overrides = { "optimizer_d.lr" = 1e-4, game = "minimax" }
    reps = 500                                                 # if not those of the design

or a sample, alone or beside factors; beside factors the column ``point`` numbers its points::

    [designs.sample]
    method = "sobol"                                           # or "latin-hypercube"
    n = 64
    seed = 0
    [designs.sample.ranges]
    "optimizer_g.lr" = { kind = "log-uniform", low = 1e-4, high = 1e-1 }
    samples = { kind = "integers", low = 32, high = 4096, log = true }

and, for the labels, ``[thresholds]`` with any field of `gansim.design.regimes.Thresholds`.

Three rules beyond that. ``"none"`` is the value None (TOML has no null; JSON's null is None too). A table with
``kind`` is a whole object; one without it sets the fields it names and leaves the others, so that in overrides
``optimizer_d.lr = 1`` and ``"optimizer_d.lr" = 1`` mean the same. Every key and value is used or refused, never
ignored, except in a metadata.json, from which only the study is read.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from gansim.design.columns import read_kept, resolved
from gansim.design.description import Description
from gansim.design.design import Design, Listed
from gansim.design.levels import level_label, ratio, tied, value_at
from gansim.design.sampling import Integers, LatinHypercube, LogUniform, Range, Sample, Sobol
from gansim.design.stopping import StoppingRule
from gansim.errors import ConfigError, one_line, shown
from gansim.model import paths
from gansim.model.configurations import Configuration
from gansim.model.data.distributions import Noise, Target, Uniform
from gansim.model.dynamics import Adjustment
from gansim.model.fields import check_integer
from gansim.model.optimizers import Optimizer
from gansim.model.own.defined import tell
from gansim.model.paths import replace
from gansim.model.seeds import MAX_REPS

if TYPE_CHECKING:
    from gansim.design.regimes import Thresholds
from gansim.design.plain import (
    MAX_DEPTH,
    check_known,
    check_required,
    checked,
    did_you_mean,
    list_at,
    names_at,
    table_at,
    value_of,
)

__all__ = ["describe_design", "from_dict", "read", "read_design", "to_dict"]

# A person's TOML has some kB, and Python's parser takes seconds for a MB; metadata.json of 100,000 cells has 30 MB.
_MAX_BYTES = {".toml": 1 << 20, ".json": 64 << 20}
# Python's parser walks from the root for every part of a key: a key of 50,000 parts in 100 kB took it three minutes.
_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY = re.compile(rf"""(?<![\w"'-])(?:{_PART}\.[ \t]*+){{{MAX_DEPTH}}}""")
_STUDY = ("name", "seed", "aims", "thresholds", "designs")
_DESIGN = ("name", "reps", "gan", "factors", "values", "sample", "cells")
_CELL = ("cell", "levels", "overrides", "reps")
_SAMPLE = ("method", "n", "seed", "ranges")
_METHODS: dict[str, type[Sample]] = {"sobol": Sobol, "latin-hypercube": LatinHypercube}
_RANGES: dict[str, Any] = {"uniform": Uniform, "log-uniform": LogUniform, "integers": Integers}
_POINT = "point"
_KINDS: dict[str, list[str]] = {
    name: [cls.kind for cls in get_args(get_args(union)[0]) if cls is not type(None)]
    for name, union in (
        *(("target", Target), ("noise", Noise)),
        *(("optimizer_g", Optimizer), ("optimizer_d", Optimizer)),
        ("adjustment", Adjustment),
    )
}


def to_dict(study: Description) -> dict[str, Any]:
    """Describe a study in full, as JSON holds it.

    Parameters
    ----------
    study : Description
        The study.

    Returns
    -------
    dict
        Keys name, seed, aims and thresholds (where there are any) and designs; `from_dict` reads it back.
    """
    described, first = [], 0
    for design in study.designs:
        described.append(describe_design(design, first, study.reps[first : first + len(design.cells)]))
        first += len(design.cells)
    thresholds = {} if study.thresholds is None else {"thresholds": dataclasses.asdict(study.thresholds)}
    aims = {"aims": study.aims} if study.aims else {}
    return {"name": study.name, "seed": study.seed, **aims, **thresholds, "designs": described}


def describe_design(design: Design, first: int = 0, reps: Sequence[int] | None = None) -> dict[str, Any]:
    """Describe a design in full, as metadata.json holds it.

    Parameters
    ----------
    design : Design
        The design.
    first : int, default 0
        Number of its first cell in the study.
    reps : sequence of int, optional
        Replicates of every cell; by default those of the design.

    Returns
    -------
    dict
        JSON-able: name, reps, factors (the columns), values (those that hold values), sample (if the cells are one),
        gan (the base with every default) and cells: each its number, levels, overrides by dotted path, and reps where
        they are not those of the design.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> design = Design("games", GAN(target=Normal()), {"game": ["minimax", "as-written"]})
    >>> describe_design(design)["cells"][0]
    {'cell': 0, 'levels': {'game': 'minimax'}, 'overrides': {'game': 'minimax'}}
    """
    base = paths.to_dict(design.gan)
    sample = _sample_of(design)
    return {
        "name": design.name,
        "reps": design.reps,
        "factors": list(design.columns),
        "values": [name for name in design.columns if name in design.values],
        **({} if sample is None else {"sample": _describe_sample(sample)}),
        "gan": base,
        "cells": [
            {
                "cell": first + cell.index,
                "levels": dict(cell.levels),
                "overrides": {path: value for path, _, value in paths.differences(base, paths.to_dict(cell.gan))},
                **({} if n == design.reps else {"reps": n}),
            }
            for cell, n in zip(design.cells, reps or [design.reps] * len(design.cells), strict=True)
        ],
    }


def _sample_of(design: Design) -> Sample | None:
    """The sample behind a design, if there is exactly one."""
    if isinstance(design.factors, Sample):
        return design.factors
    if isinstance(design.factors, Listed):
        return design.factors.sample
    levels = design.factors.values() if isinstance(design.factors, Mapping) else ()
    samples = [given for given in levels if isinstance(given, Sample)]
    return samples[0] if len(samples) == 1 else None


def _describe_sample(sample: Sample) -> dict[str, Any]:
    ranges = {path: {"kind": over.kind, **dataclasses.asdict(over)} for path, over in sample.ranges.items()}
    return {"method": sample.method, "n": sample.n, "seed": sample.seed, "ranges": ranges}


def read(path: str | os.PathLike[str]) -> Description:
    """Read a study from a file.

    Parameters
    ----------
    path : path
        A .toml or .json file, a metadata.json among them.

    Returns
    -------
    Description
        The study; nothing has been run or written.

    Raises
    ------
    ConfigError
        If the file cannot be read, or anything in it is unknown or refused. One line: file, key, value, what is
        allowed.
    """
    path = Path(path)
    try:
        read_kept(path.parent)
        return from_dict(_parsed(path), path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: a .toml or .json file") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _parsed(path: Path) -> Any:
    """What a file holds: of a bounded size, and for TOML with keys of a bounded number of parts."""
    kind = path.suffix.lower()
    if path.is_dir():
        raise ConfigError("is a folder: a .toml or .json file, such as the metadata.json of a results folder")
    if kind not in _MAX_BYTES:
        raise ConfigError(f"value {path.suffix!r}: a file whose name ends in .toml or .json")
    text = _decoded(_content(path, _MAX_BYTES[kind]))
    try:
        if kind == ".toml":
            if long := _LONG_KEY.search(text):
                where = f"line {text.count(chr(10), 0, long.start()) + 1}"
                raise ConfigError(f"{where}: a key of more than {MAX_DEPTH} parts: at most {MAX_DEPTH}")
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=_once)
    except ConfigError:
        raise
    except RecursionError:
        raise ConfigError(f"nested too deep: at most {MAX_DEPTH}") from None
    except ValueError as error:
        raise ConfigError(f"not {kind[1:].upper()} ({one_line(error):.200}): a study in {kind[1:].upper()}") from None


def _content(path: Path, most: int) -> bytes:
    """Bytes of a file; a device or a pipe may have no end, or be waited for without end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ConfigError("is a device or a pipe: a .toml or .json file")
    with open(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ConfigError(f"more than {most >> 20} MiB: at most that much")
    return content


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        two = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        found = "is UTF-16" if two else f"byte {error.start + 1:,} is no UTF-8 (Latin-1?)"
        raise ConfigError(f"{found}: save it as UTF-8") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, each key of which stands there once; Python would take the last and forget the others."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ConfigError(f"{shown(name)}: given twice: each key once")
        found[name] = value
    return found


def from_dict(values: Mapping[str, Any], folder: Path = Path()) -> Description:
    """Build a study from plain data.

    Parameters
    ----------
    values : mapping
        Text, numbers, booleans, None, lists and mappings as the module describes them: what `to_dict` gives, a TOML
        file, or a metadata.json.
    folder : Path, default Path()
        What the names of files with observed values are relative to.

    Returns
    -------
    Description
        The study.

    Raises
    ------
    ConfigError
        If anything is unknown or refused. One line: key, value, what is allowed.
    """
    values = table_at(checked(values, "", 0), "study")
    recorded, stopping = "gansim" in values, None
    if recorded:  # a metadata.json: facts of its execution stand beside the study
        tell(values.get("own"))
        stopping = StoppingRule.of(table_at(values["stopping"], "stopping")) if values.get("stopping") else None
        found = {name: values[name] for name in _STUDY[1:] if name in values}
        values = {**found, **({"name": values["study"]} if "study" in values else {})}
    check_known(values, _STUDY, "")
    check_required(values, ("name", "designs"), "")
    designs: list[Design] = []
    reps: list[int] = []
    for number, given in enumerate(list_at(values["designs"], "designs")):
        designs.append(read_design(given, f"designs[{number}]", len(reps), folder))
        reps += _reps(given, designs[-1], f"designs[{number}]")
    return Description(
        values["name"],
        values.get("seed", 0),
        tuple(designs),
        _thresholds(values["thresholds"]) if "thresholds" in values else None,
        tuple(reps),
        values.get("aims", ""),
        recorded,
        stopping,
    )


def _reps(given: Mapping[str, Any], design: Design, where: str) -> list[int]:
    """Replicates of every cell of a design; a cell written out may have its own."""
    own = [cell.get("reps") for cell in given.get("cells") or [{}] * len(design.cells)]
    return [
        design.reps if n is None else check_integer(n, f"{where}.cells[{i}].reps", 1, MAX_REPS)
        for i, n in enumerate(own)
    ]


def read_design(values: Mapping[str, Any], where: str = "design", first: int = 0, folder: Path = Path()) -> Design:
    """Build a design from plain data.

    Parameters
    ----------
    values : mapping
        What `describe_design` gives, or one of the short forms.
    where : str, default "design"
        How a refusal calls it.
    first : int, default 0
        Number of its first cell in the study; cells that are numbered must count from there.
    folder : Path, default Path()
        What the names of files with observed values are relative to.

    Returns
    -------
    Design
        The design.

    Raises
    ------
    ConfigError
        If anything is unknown or refused. One line: key, value, what is allowed.
    """
    values = table_at(resolved(checked(values, where, 0), folder, where), where)
    check_known(values, _DESIGN, where)
    check_required(values, ("name", "gan"), where)
    name, reps = values["name"], values.get("reps", 1000)
    gan = _gan(values["gan"], f"{where}.gan")
    sample = _sample(values["sample"], f"{where}.sample") if "sample" in values else None
    try:
        if "cells" in values:
            return _listed(values, where, first, gan, sample)
        if "values" in values:
            raise ConfigError(f"values: value {shown(values['values'])}: only beside cells")
        return Design(name, gan, _grid(values.get("factors"), sample, gan), reps)
    except ConfigError as error:
        text = str(error)
        raise ConfigError(text if text.startswith(where) else f"{where}: {text}") from None


def _listed(values: Mapping[str, Any], where: str, first: int, gan: Configuration, sample: Sample | None) -> Design:
    """A design whose cells stand there one by one: a record, or a person's list."""
    name, reps, columns = values["name"], values.get("reps", 1000), values.get("factors")
    given = list_at(values["cells"], f"{where}.cells")
    cells = [_cell(cell, f"{where}.cells[{i}]", first + i, gan) for i, cell in enumerate(given)]
    labelled = [levels is not None for levels, _ in cells]
    if columns is None and not any(labelled):
        if sample is not None or "values" in values:
            raise ConfigError("cells: without levels, beside a sample or values: cells alone")
        return Design(name, gan, [overrides for _, overrides in cells], reps)
    if not all(labelled):
        raise ConfigError(f"cells[{labelled.index(False)}]: no levels: levels in every cell or in none")
    points = [(levels or {}, overrides) for levels, overrides in cells]
    used = list(dict.fromkeys(column for levels, _ in points for column in levels))
    columns = used if columns is None else names_at(columns, "factors", "the columns, where there are cells")
    for column in used:
        if column not in columns:
            raise ConfigError(f"cells: level {shown(column)}: {did_you_mean(column, columns)}")
    if "values" in values:
        plain: Iterable[str] = names_at(values["values"], "values", "columns")
        for column in plain:
            if column not in columns:
                raise ConfigError(f"values: value {shown(column)}: {did_you_mean(column, columns)}")
    else:
        plain = _values(Design(name, gan, Listed(points, columns), reps))
    return Design(name, gan, Listed(points, columns, plain, sample), reps)


def _cell(given: Any, where: str, number: int, gan: Configuration) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Levels, if given, and overrides of one cell."""
    cell = table_at(given, where)
    check_known(cell, _CELL, where)
    if "cell" in cell and (isinstance(cell["cell"], bool) or cell["cell"] != number):
        raise ConfigError(f"{where}.cell: value {shown(cell['cell'])}: {number}, as cells are numbered in order")
    levels = table_at(cell["levels"], f"{where}.levels") if "levels" in cell else None
    return levels, _flat(table_at(cell.get("overrides", {}), f"{where}.overrides"), gan)


def _values(design: Design) -> list[str]:
    """The columns whose labels are the values at the path of that name in every cell that has one."""
    found = []
    for name in design.columns:
        having = [cell for cell in design.cells if name in cell.levels]
        try:
            same = [cell.levels[name] == level_label(value_at(cell.gan, name)) for cell in having]
        except KeyError:
            continue
        if same and all(same):
            found.append(name)
    return found


def _grid(factors: Any, sample: Sample | None, gan: Configuration) -> Any:
    """Factors of `Design` from a table of levels, a sample, or both."""
    if factors is None:
        return sample
    if not isinstance(factors, Mapping):
        raise ConfigError(f"factors: value {shown(factors)}: a table of levels, or the columns beside cells")
    levels = {name: _levels(name, given, gan) for name, given in factors.items()}
    if sample is None:
        return levels
    if _POINT in levels:
        raise ConfigError(f"factors: {_POINT}: a factor beside a sample, whose points are numbered there: another name")
    return {**levels, _POINT: sample}


def _levels(name: str, given: Any, gan: Configuration) -> Any:
    if isinstance(given, list):
        return [_object(name, value_of(value), gan) for value in given]
    if not isinstance(given, Mapping):
        return given  # for Design to refuse
    if given.keys() == {"tied", "levels"}:
        first, second = _two_paths(name, given["tied"])
        return tied(first, second, value_of(given["levels"]))
    if given.keys() == {"ratio", "to", "levels"}:
        return ratio(given["ratio"], given["to"], value_of(given["levels"]))
    for label, value in given.items():
        if not isinstance(value, Mapping) and _exists(gan, f"{name}.{label}"):
            raise ConfigError(f'factors: {name}.{label}: a path in two parts: in quotes, "{name}.{label}" = ...')
    return {label: _level(name, value, gan) for label, value in given.items()}


def _two_paths(name: str, given: Any) -> tuple[str, str]:
    if not (isinstance(given, list) and len(given) == 2):
        raise ConfigError(f"factors: {name}.tied: value {shown(given)}: an array of two paths")
    return given[0], given[1]


def _level(name: str, value: Any, gan: Configuration) -> Any:
    """Value or overrides of a labelled level."""
    if not isinstance(value, Mapping):
        return value_of(value)
    return {name: value_of(value)} if "kind" in value else _flat(value, gan)


def _object(name: str, value: Any, gan: Configuration) -> Any:
    """An object written as a table, so that its label is that of the object; what is refused stays a table."""
    if isinstance(value, Mapping):
        try:
            return value_at(replace(gan, {name: value}), name)
        except (ConfigError, KeyError):
            return value
    return value


def _exists(gan: Configuration, path: str) -> bool:
    try:
        value_at(gan, path)
    except KeyError:
        return False
    return True


def _flat(overrides: Mapping[str, Any], gan: Configuration, prefix: str = "") -> dict[str, Any]:
    """Overrides by dotted path; a table without kind, where the base has an object, sets the fields it names."""
    found: dict[str, Any] = {}
    for name, value in overrides.items():
        path = prefix + name
        parts = isinstance(value, Mapping) and "kind" not in value and _is_object(gan, path)
        for key, part in (_flat(value, gan, f"{path}.") if parts else {path: value_of(value)}).items():
            if key in found:
                raise ConfigError(f"overrides: {key}: given twice: each path once")
            found[key] = part
    return found


def _is_object(gan: Configuration, path: str) -> bool:
    return _exists(gan, path) and dataclasses.is_dataclass(value_at(gan, path))


def _gan(given: Any, where: str) -> Configuration:
    values = {name: value_of(value) for name, value in table_at(given, where).items()}
    for name, kinds in _KINDS.items():
        table = values.get(name)
        if isinstance(table, Mapping) and table.get("kind") not in kinds:
            told = f"value {shown(table['kind'])}" if "kind" in table else "missing"
            raise ConfigError(f"{where}.{name}.kind: {told}: one of {', '.join(kinds)}")
    starts, networks = (
        [name for name in names if name in values]
        for names in (("start_g", "start_d"), ("target", "generator", "discriminator"))
    )
    if starts and networks:
        raise ConfigError(f"{where}: {starts[0]} is of games of two vectors, {networks[0]} of GANs: one of these")
    try:
        return paths.from_dict(values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {one_line(error)}") from None


def _sample(given: Any, where: str) -> Sample:
    values = table_at(given, where)
    check_known(values, _SAMPLE, where)
    check_required(values, ("method", "n", "ranges"), where)
    method = values["method"]
    if not isinstance(method, str) or method not in _METHODS:
        raise ConfigError(f"{where}.method: value {shown(method)}: one of {', '.join(_METHODS)}")
    ranges = _ranges(table_at(values["ranges"], f"{where}.ranges"), f"{where}.ranges")
    try:
        return _METHODS[method](ranges, values["n"], values.get("seed", 0))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _ranges(given: Mapping[str, Any], where: str, prefix: str = "") -> dict[str, Range]:
    """Ranges by dotted path; a table of tables is a path in parts."""
    found: dict[str, Range] = {}
    for name, value in given.items():
        over = table_at(value, f"{where}.{name}")
        parts = "kind" not in over and over and all(isinstance(part, Mapping) for part in over.values())
        path = prefix + name
        more = _ranges(over, f"{where}.{name}", f"{path}.") if parts else {path: _range(over, f"{where}.{name}")}
        for key in more:
            if key in found:
                raise ConfigError(f"{where}: {key}: given twice: each path once")
        found |= more
    return found


def _range(given: Mapping[str, Any], where: str) -> Range:
    check_required(given, ("kind", "low", "high"), where)
    kind = given["kind"]
    if not isinstance(kind, str) or kind not in _RANGES:
        raise ConfigError(f"{where}.kind: value {shown(kind)}: one of {', '.join(_RANGES)}")
    check_known(given, ("kind", "low", "high", *(("log",) if kind == "integers" else ())), where)
    try:
        over: Range = _RANGES[kind](**{name: value for name, value in given.items() if name != "kind"})
    except ConfigError as error:
        raise ConfigError(f"{where}: {one_line(error)}") from None
    return over


def _thresholds(given: Any) -> Thresholds:
    from gansim.design.regimes import Thresholds  # here, because pandas is half of the time to import gansim

    values = table_at(given, "thresholds")
    check_known(values, [field.name for field in dataclasses.fields(Thresholds)], "thresholds")
    try:
        return Thresholds(**values)
    except ConfigError as error:
        raise ConfigError.of([(f"thresholds.{name}", text) for name, text in error.parts]) from None
