"""What makes stored runs those of a study: name, seed, source of the kernels, and every cell's configuration.

Two files with the same identity may be put together, whatever machine or session wrote them. The number of replicates
is not part of it: a study may grow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gansim.design import schema
from gansim.design.design import Cell
from gansim.errors import ConfigError
from gansim.model import paths
from gansim.model.own.defined import KIND
from gansim.storage.provenance import config_digest, kernel_digest, kernel_modules

__all__ = ["Identity", "differences", "header_differences", "identify"]

_SHOWN = 4  # differences that a refusal lists; it is one line


@dataclass(frozen=True)
class Identity:
    """What stored runs must agree in.

    Attributes
    ----------
    study : str
        Name of the study.
    seed : int
        Its seed.
    kernel : str
        Digest of the source that decides the bits of a run.
    cells : tuple of dict
        By number: the design, the levels and the digest of the configuration of every cell.
    modules : dict
        What the kernel's digest is made of, to say what differs: see `gansim.storage.provenance.kernel_modules`.
    """

    study: str
    seed: int
    kernel: str
    cells: tuple[Mapping[str, Any], ...]
    modules: Mapping[str, str] = field(default_factory=dict)

    def header(self, cells: Iterable[int] | None = None) -> dict[str, Any]:
        """What a file with runs of these cells says of itself; by default of all."""
        numbers = range(len(self.cells)) if cells is None else sorted({int(cell) for cell in cells})
        listed = {str(number): dict(self.cells[number]) for number in numbers}
        facts = {"study": self.study, "seed": self.seed, "kernel": self.kernel, "modules": dict(self.modules)}
        return {**facts, "cells": listed}

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.header(), sort_keys=True).encode()).hexdigest()


def identify(study: str, seed: int, cells: Sequence[Cell]) -> Identity:
    """Identity of a study under the source that this process runs.

    Parameters
    ----------
    study : str
        Name of the study.
    seed : int
        Its seed.
    cells : sequence of Cell
        All its cells, by number.

    Returns
    -------
    Identity
        What its files carry.
    """
    listed = tuple(
        {"design": cell.design, "levels": dict(cell.levels), "digest": config_digest(cell.gan)} for cell in cells
    )
    return Identity(study, seed, kernel_digest(), listed, kernel_modules())


# --- what differs, in words ---------------------------------------------------------------------


def _line(found: Sequence[str]) -> str:
    more = len(found) - _SHOWN
    return "; ".join([*found[:_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def _facts(stored: Mapping[str, Any], identity: Identity) -> list[str]:
    """Differences of name, seed and kernel; `stored` is a header or the metadata."""
    found = []
    for name in ("study", "seed"):
        if stored.get(name) != getattr(identity, name):
            found.append(f"{name}: {stored.get(name)} stored, {getattr(identity, name)} asked")
    if stored.get("kernel") is None:
        found.append("kernel source: not recorded by the version of gansim that wrote it")
    elif stored["kernel"] != identity.kernel:
        found.append(f"kernel source: {_module_differences(stored.get('modules'), identity.modules)}")
    return found


def _module_differences(stored: object, asked: Mapping[str, str]) -> str:
    """Which modules differ; `stored` is what some file has of `Identity.modules`, or nothing."""
    if not isinstance(stored, Mapping):
        return "changed since, by another version of gansim, which did not record its modules"
    differ = [name for name in sorted({*stored, *asked}) if stored.get(name) != asked.get(name)]
    if differ == ["compiled"]:
        return "compiled in one, plain NumPy (NUMBA_DISABLE_JIT) in the other"
    names = [f"{name:.40}" for name in differ if name != "compiled" and name.isprintable()]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    verb = "differs" if len(names) == 1 else "differ"
    return f"{', '.join(names[:_SHOWN])}{more} {verb}" if names else "changed since"


def header_differences(header: Mapping[str, Any], identity: Identity) -> str:
    """What makes a file's header that of another study.

    Parameters
    ----------
    header : mapping
        What `Identity.header` gave when the file was written.
    identity : Identity
        What is asked for.

    Returns
    -------
    str
        One line, empty if the file is of this study.
    """
    found, cells = _facts(header, identity), header.get("cells")
    if not isinstance(cells, Mapping):
        return _line([*found, "cells: not recorded"])
    known = {str(number): cell for number, cell in enumerate(identity.cells)}
    for number, cell in cells.items():
        asked = known.get(number)
        if asked is None:
            found.append(f"cell {number:.20}: stored, not asked")
        elif cell != asked:
            found.append(f"cell {number} of design {asked['design']!r}: another configuration")
    return _line(found)


def differences(metadata: Mapping[str, Any], identity: Identity, cells: Sequence[Cell]) -> str:
    """What makes the metadata of a folder those of another study.

    Parameters
    ----------
    metadata : mapping
        Of the folder.
    identity : Identity
        What is asked for.
    cells : sequence of Cell
        The cells that are asked for.

    Returns
    -------
    str
        One line such as "steps: 10000 stored, 5000 asked", empty if nothing differs.
    """
    if metadata.get("identity") == identity.digest:
        return ""
    found = _facts(metadata, identity)
    try:
        stored = schema.from_dict({"name": "stored", "designs": metadata["designs"]}).cells
    except (ConfigError, KeyError):  # not even what can be compared
        return _line([*found, "cells: not recorded"])
    found += _cell_differences(stored, cells)
    return _line(found or ["identity: another"])


def _cell_differences(stored: Sequence[Cell], asked: Sequence[Cell]) -> list[str]:
    """Compare design by design: counts of cells first, and where those agree the configurations."""
    names = [list(dict.fromkeys(cell.design for cell in cells)) for cells in (stored, asked)]
    if names[0] != names[1]:
        return [f"designs: {', '.join(names[0])} stored, {', '.join(names[1])} asked"]
    found, pairs = [], []
    for name in names[0]:
        old, new = ([cell for cell in cells if cell.design == name] for cells in (stored, asked))
        if len(old) != len(new):
            where = "cells" if len(names[0]) == 1 else f"cells of design {name!r}"
            found.append(f"{where}: {len(old):,} stored, {len(new):,} asked")
        else:
            pairs += list(zip(old, new, strict=True))
    return found + _field_differences(pairs) + _level_differences(pairs)


def _field_differences(pairs: Sequence[tuple[Cell, Cell]]) -> list[str]:
    """Fields of the configurations that differ: once if they differ in the same way wherever they do."""
    changes: dict[str, list[tuple[int, str]]] = {}
    for old, new in pairs:
        for name, before, after in paths.differences(paths.to_dict(old.gan), paths.to_dict(new.gan)):
            changes.setdefault(name, []).append((new.index, f"{_brief(before)} stored, {_brief(after)} asked"))
    found = []
    for name, changed in changes.items():
        (cell, text), alike = changed[0], len({text for _, text in changed}) == 1
        where = f" in {len(changed):,} of {len(pairs):,} cells" if len(changed) < len(pairs) else ""
        found.append(f"{name}: {text}{where}" if alike else f"{name}: {text} in cell {cell}, other values elsewhere")
    return found


def _brief(value: object) -> str:
    if isinstance(value, Mapping) and value.get("kind") == KIND:
        return f"{value.get('name')!s:.40} ({value.get('digest')!s:.8})"
    return str(value.get("kind", "some")) if isinstance(value, Mapping) else f"{value!s:.40}"


def _level_differences(pairs: Sequence[tuple[Cell, Cell]]) -> list[str]:
    old, new = ([dict(cell.levels) for cell in cells] for cells in zip(*pairs, strict=True)) if pairs else ([], [])
    names = [list(dict.fromkeys(name for levels in side for name in levels)) for side in (old, new)]
    if names[0] != names[1]:
        return [f"factors: {', '.join(names[0]) or 'none'} stored, {', '.join(names[1]) or 'none'} asked"]
    changed = [name for name in names[0] if any(a.get(name) != b.get(name) for a, b in zip(old, new, strict=True))]
    return [f"labels of factor {name}: others stored than asked" for name in changed]
