"""A request as text: Python that simulates it, and TOML that ``gansim run`` takes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from gansim.display import told
from gansim.live.request import Request
from gansim.model.data.distributions import Normal
from gansim.model.data.tabulated import Observed
from gansim.model.games import LeastSquares
from gansim.model.gan import GAN
from gansim.model.own.games import OwnGame
from gansim.model.paths import differences, to_dict

__all__ = ["as_python", "as_toml"]

_NAMES = "ABC"
_FILE = "values.csv"
_VALUES = "values"  # what observed values are called, which are not written out


def as_python(request: Request) -> str:
    """Python that simulates what is asked for, and compares configurations if there are several.

    Observed values and games of one's own are names for the reader to fill in: they have no short text.

    Parameters
    ----------
    request : Request
        What is asked for.
    """
    first, *others = request.gans
    lines = ["import gansim as gs", ""]
    if any(isinstance(gan.target, Observed) for gan in request.gans):
        lines += [f"{_VALUES} = [...]  # your own numbers", ""]
    lines.append(f"gan = {_call(first)}")
    if not others:
        lines.append(f"runs = gs.simulate(gan, reps={request.n}, seed={request.seed})")
        return "\n".join([*lines, "print(gs.table(runs))", ""])
    cells = {name: _overrides(first, gan) for name, gan in zip(_NAMES, request.gans, strict=False)}
    told = (
        f'    "{name}": {{{", ".join(f"{path!r}: {_call(v)}" for path, v in cells[name].items())}}},' for name in cells
    )
    lines += [
        "levels = {",
        *told,
        "}",
        f'study = gs.Study("explored", gan, {{"configuration": levels}}, reps={request.n}, seed={request.seed})',
        "runs = study.run()",
        'print(gs.table(runs, rows="configuration"))',
        'told = ["n", "share_a", "share_b", "difference", "low", "high"]',
        *(f'print(gs.compare(runs, "configuration", "{_NAMES[k + 1]}", "A")[told])' for k in range(len(others))),
    ]
    return "\n".join([*lines, ""])


def _overrides(first: GAN, other: GAN) -> dict[str, Any]:
    """What differs, by dotted path."""
    paths = [path for path, _, _ in differences(to_dict(first), to_dict(other))]
    return {path: functools.reduce(getattr, path.split("."), other) for path in paths}


def _call(value: Any) -> str:
    """The call that makes a value, of gansim imported as gs."""
    if isinstance(value, Observed):
        return f"gs.Observed({_VALUES})"
    if isinstance(value, OwnGame):
        return value.name
    if isinstance(value, LeastSquares) and value != "least-squares":
        return f"gs.{value!r}"
    if dataclasses.is_dataclass(value):
        return f"gs.{type(value).__name__}({', '.join(f'{name}={_call(item)}' for name, item in told(value).items())})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_call, value))}{',' if len(value) == 1 else ''})"
    return repr(str(value) if isinstance(value, str) else value)


def as_toml(request: Request) -> str:
    """A study as TOML, of the same runs: a list of cells that differ from the first.

    Parameters
    ----------
    request : Request
        What is asked for. Observed values are named by the file that the reader keeps them in.
    """
    import tomli_w  # of the extra "explore"

    first = request.gans[0]
    # Of another target: this one may need what is not default, such as standardise.
    base = {**_without_defaults(to_dict(first), to_dict(GAN(target=Normal()))), "target": _target(first)}
    design: dict[str, Any] = {"name": "explored", "reps": request.n, "gan": base}
    if len(request.gans) > 1:
        known = to_dict(first)
        design["cells"] = [
            {"levels": {"configuration": name}, "overrides": _changed(known, gan)}
            for name, gan in zip(_NAMES, request.gans, strict=False)
        ]
    observed = any(isinstance(gan.target, Observed) for gan in request.gans)
    note = f"# {_FILE}: your values, one a line, beside this file\n" if observed else ""
    return note + tomli_w.dumps({"name": "explored", "seed": request.seed, "designs": [design]})


def _changed(known: Mapping[str, Any], gan: GAN) -> dict[str, Any]:
    found = {path: _told(new) for path, _, new in differences(known, to_dict(gan))}
    return found | ({"target": _target(gan)} if "target" in found else {})


def _told(value: Any) -> Any:
    """Plain data as TOML has it, which knows no null."""
    if isinstance(value, Mapping):
        return {name: _told(item) for name, item in value.items()}
    return "none" if value is None else value


def _target(gan: GAN) -> dict[str, Any]:
    if isinstance(gan.target, Observed):
        return {"kind": "observed", "values": _FILE}
    plain: dict[str, Any] = _told(to_dict(gan)["target"])
    return plain


def _without_defaults(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the defaults, nested as it is; an object of several kinds as a whole."""
    found = {}
    for name, value in values.items():
        usual = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(usual, Mapping) and "kind" not in value:
            if inner := _without_defaults(value, usual):
                found[name] = inner
        elif value != usual:
            found[name] = _told(value)
    return found
