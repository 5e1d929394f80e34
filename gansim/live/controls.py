"""Controls for a configuration, as the model describes it: what each field takes, its name in words, what it is.

Nothing here knows a field by itself but two small tables: in which group it stands, and between which ends its slider
goes. What may stand in it, its bounds, its choices and its default are read from the classes.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from gansim.design.in_words.words import heading
from gansim.design.regimes import D_STATES, G_STATES, REGIMES
from gansim.display import DERIVED
from gansim.model.data.values import Values
from gansim.model.fields import Integer, Object, OneOf, OrNone, Real, Several, boolean
from gansim.model.gan import GAN
from gansim.model.paths import to_dict

__all__ = ["GROUPS", "RANGES", "RARE", "controls", "described_fields", "fields_told"]

GROUPS: dict[str, tuple[str, ...]] = {
    "Data": ("target", "samples", "standardise"),
    "Networks": ("generator", "discriminator", "noise", "noise_dim", "fixed_noise", "packing"),
    "Game": ("game", "penalties"),
    "Optimisers": ("optimizer_g", "optimizer_d", "decay"),
    "Updates": ("updates", "d_steps", "g_steps", "fresh", "pretrain", "lookahead", "average", "adjustment"),
    "Training": ("steps", "batch_size", "records", "n_eval", "precision"),
}
"""Fields of a configuration as a page groups them; the referee, who comes when training is over, has no control."""

RANGES: dict[str, tuple[float, float, bool]] = {
    "lr": (1e-5, 1.0, True),
    "beta1": (0.0, 0.99, False),
    "beta2": (0.0, 0.999, False),
    "momentum.beta": (-0.9, 0.99, False),
    "nesterov.beta": (0.0, 0.99, False),
    "rho": (0.0, 0.999, False),
    "r1": (0.0, 10.0, False),
    "r2": (0.0, 10.0, False),
    "gradient": (0.0, 20.0, False),
    "clip": (0.0, 1.0, False),
    "penalties.noise": (0.0, 2.0, False),
    "smoothing": (0.0, 0.5, False),
    "gamma": (0.0, 20.0, False),
    "strength": (0.0, 2.0, False),
    "alpha": (0.0, 1.0, False),
    "to": (0.001, 1.0, True),
    "average.beta": (0.9, 0.9999, False),
    "d_steps": (0, 10, False),
    "g_steps": (0, 10, False),
    "batch_size": (8, 512, True),
    "steps": (100, 20000, True),
    "std": (0.1, 50.0, True),
    "init.std": (0.001, 1.0, True),
}
"""Ends of a number's slider, and whether it is logarithmic: by its name, before which its field or kind may stand."""

_RARE = (
    "samples slope bias init input_scale output_scale noise noise_dim fixed_noise packing weights",
    "r2 clip penalties.target one_sided noise_steps smoothing",
    "beta1 beta2 eps weight_decay decay fresh pretrain lookahead average adjustment g_steps",
    "records n_eval precision",
)
RARE = frozenset(" ".join(_RARE).split())
"""Fields that few change: a page folds them away."""

_LEAVES = {int: "integer", float: "number", bool: "boolean", str: "text", Values: "values", Any: "json"}


def controls() -> dict[str, Any]:
    """All that a page needs to build the controls of a configuration, as plain data.

    Returns
    -------
    dict
        "groups": names and fields; "fields": of each its control; "default": `to_dict` of a configuration to start
        from; "states": of G, of D, and pairs of both. A control has a "type": number, integer, choice, boolean,
        several (numbers in order), values, text, pairs, json, or object, which has kinds, each with fields of its own;
        and as far as it has them "low", "high", "above", "below", "words", "nullable", "slider", "rare", "label",
        "help", "default".
    """
    start: Any = GAN(target={"kind": "normal", "mean": 500, "std": 5}, standardise=True)  # type: ignore[arg-type]
    return {
        "groups": [[name, list(fields)] for name, fields in GROUPS.items()],
        "fields": described_fields(GAN),
        "default": to_dict(start),
        "states": {"g": list(G_STATES), "d": list(D_STATES), "pairs": [regime.split(", ") for regime in REGIMES]},
    }


def described_fields(cls: type[Any], within: str = "") -> dict[str, Any]:
    """Controls of the fields of a class of the model, by name.

    Parameters
    ----------
    cls : type
        Made by `gansim.model.fields.described`.
    within : str, default ""
        The field that holds such an object, such as "optimizer_g".
    """
    hints, help_of = get_type_hints(cls, include_extras=True), fields_told(cls)
    kind = getattr(cls, "kind", within)
    found = {}
    for item in dataclasses.fields(cls):
        if item.name in ("kind", "referee"):
            continue
        control = _control(hints[item.name], item.name)
        label = heading(f"{within}.{item.name}" if within else item.name)
        control |= {"label": label[0].upper() + label[1:], "help": help_of.get(item.name, "")}
        if item.default is not dataclasses.MISSING and DERIVED not in item.metadata:
            control["default"] = _plain(item.default)
        if item.name in RARE or f"{within}.{item.name}" in RARE:
            control["rare"] = True
        keys = (f"{within}.{item.name}", f"{kind}.{item.name}", item.name)
        ends = next((RANGES[key] for key in keys if key in RANGES), None)
        if ends and control["type"] in ("number", "integer"):
            control["slider"] = list(ends)
        found[item.name] = control
    return found


def _plain(value: Any) -> Any:
    """A default as plain data."""
    if dataclasses.is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return list(value) if isinstance(value, tuple) else value


def _control(hint: Any, name: str) -> dict[str, Any]:
    """The control of a field, from its check if that is one of the kinds known, else from its type."""
    given = [one for one in getattr(hint, "__metadata__", ()) if callable(one)]
    if get_origin(hint) is Annotated:
        hint = hint.__origin__
    return (given and _checked(given[0], name)) or _typed(hint, name)


def _checked(check: Any, name: str) -> dict[str, Any] | None:
    """The control of what a check takes; None of a check that does not tell."""
    if check is boolean:
        return {"type": "boolean"}
    if isinstance(check, OrNone):
        inner = _checked(check.check, name)
        return inner and {**inner, "nullable": True}
    if isinstance(check, Real):
        return {"type": "number", "low": check.low, "high": check.high, "above": check.above, "below": check.below}
    if isinstance(check, Integer):
        return {"type": "integer", "low": check.low, "high": check.high, "multiple": check.multiple}
    if isinstance(check, OneOf):
        return {"type": "choice", "words": list(check.words)}
    if isinstance(check, Several):
        return {"type": "several", "of": _checked(check.check, name), "low": check.low, "high": check.high}
    if isinstance(check, Object):
        return _object(check.classes, name)
    return None


def _object(classes: Sequence[type[Any]], name: str) -> dict[str, Any]:
    kinds = {getattr(cls, "kind", ""): described_fields(cls, name) for cls in classes}
    return {"type": "object", "kinds": kinds}


def _typed(hint: Any, name: str) -> dict[str, Any]:
    """The control of what a type says, where a check is a function of its own."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        nullable = {"nullable": True} if type(None) in parts else {}
        real = [part for part in parts if part is not type(None)]
        classes: list[Any] = [part for part in real if dataclasses.is_dataclass(part)]
        if classes and classes == real:
            return {**_object(classes, name), **nullable}
        words = [word for part in real if get_origin(part) is Literal for word in get_args(part)]
        others = [part for part in real if get_origin(part) is not Literal]
        if any(get_origin(part) is tuple for part in others):
            return {"type": "several", "single": float in others, **nullable}
        return {**_typed(others[0], name), **nullable, **({"words": words} if words else {})}
    if origin is Literal:
        return {"type": "choice", "words": list(parts)}
    if origin is tuple:
        return {"type": "pairs" if "str" in str(parts) else "several" if float in parts else "json"}
    if dataclasses.is_dataclass(hint):
        cls: Any = hint
        return _object((cls,), name)
    return {"type": _LEAVES.get(hint, "json")}


def fields_told(cls: type[Any]) -> dict[str, str]:
    """What the docstring of a class says of each of its parameters, on one line.

    Parameters
    ----------
    cls : type
        With a docstring in numpy style.
    """
    page = inspect.getdoc(cls) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", page, re.MULTILINE | re.DOTALL)
    found = {}
    entry = r"^(\w[\w, ]*) :.*\n((?:[ ]+.*\n?|\n)*)"
    for names, text in re.findall(entry, section[1] if section else "", re.MULTILINE):
        told = re.sub(r"`+", "", " ".join(text.split()))
        found.update({name.strip(): told for name in names.split(",")})
    return found
