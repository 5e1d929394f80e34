"""Configurations as plain data, and copies of them with fields changed by dotted path."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from gansim.errors import ConfigError, Refused, named, shown
from gansim.hints import hint
from gansim.model.configurations import Configuration, check_configuration
from gansim.model.data.values import Values
from gansim.model.dynamics import _ADJUSTMENT, RECORDS
from gansim.model.fields import LATER, Check, Object, check_named
from gansim.model.gan import _NETWORK, GAN
from gansim.model.networks import _initialiser
from gansim.model.optimizers import _OPTIMIZER
from gansim.model.own.defined import KIND, Own
from gansim.model.parametric import ParametricGame

__all__ = ["differences", "dotted_paths", "from_dict", "known_by", "replace", "to_dict"]

_Kind = TypeVar("_Kind", bound=Configuration)

_SHORT: dict[str, Check] = {
    "init": _initialiser,
    **dict.fromkeys(("optimizer_g", "optimizer_d"), _OPTIMIZER),
    **dict.fromkeys(("generator", "discriminator"), _NETWORK),
    "adjustment": _ADJUSTMENT,
}
"""Fields whose objects may be given by a name or by a number."""
_OF_VECTORS = ("dirac", "bilinear", "linear-wasserstein", "two-normals")  # kinds of games that GANs do not play


def _plain(value: Any, later: bool = True) -> Any:
    if dataclasses.is_dataclass(value):
        parts = [(part, getattr(value, part.name)) for part in dataclasses.fields(value)]
        told = [(part, own) for part, own in parts if later or not (part.metadata == LATER and own == part.default)]
        return {part.name: _plain(own, later) for part, own in told}
    if isinstance(value, Values):
        return value.digest
    if isinstance(value, Own):
        return value.record()
    if isinstance(value, str):  # a game with numbers is a kind of text
        return str(value)
    return [_plain(item, later) for item in value] if isinstance(value, tuple) else value


def to_dict(gan: Configuration) -> dict[str, Any]:
    """Plain dictionary of a configuration, every default written out; ``json.dumps`` takes it.

    Parameters
    ----------
    gan : GAN
        The configuration.

    Returns
    -------
    dict
        Of numbers, strings, lists, dictionaries, None. ``from_dict`` gives back an equal GAN, also after JSON.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> to_dict(GAN(target=Normal(500, 5)))["target"]
    {'mean': 500.0, 'std': 5.0, 'kind': 'normal'}
    """
    plain: dict[str, Any] = _plain(gan)
    return plain


def known_by(gan: Configuration) -> dict[str, Any]:
    """What stored results know a configuration by: `to_dict`, without fields that came later and are as by default.

    Parameters
    ----------
    gan : GAN or ParametricGame
        The configuration.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> "penalties" in to_dict(GAN(target=Normal())), "penalties" in known_by(GAN(target=Normal()))
    (True, False)
    """
    plain: dict[str, Any] = _plain(gan, later=False)
    return plain


def from_dict(values: Mapping[str, Any]) -> Configuration:
    """Build a configuration from the dictionary that `to_dict` gives; fields left out take their defaults.

    Parameters
    ----------
    values : mapping
        Field names to values; objects such as targets as dictionaries with their ``kind``.

    Returns
    -------
    GAN
        The configuration.

    Raises
    ------
    ConfigError
        If a field is missing, unknown or refused.

    Examples
    --------
    >>> from_dict({"target": {"kind": "normal", "mean": 500, "std": 5}}).target
    Normal(mean=500.0, std=5.0)
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"gan: value {shown(values)}: a mapping of fields to values")
    game = values.get("game")
    played = game.get("kind") if isinstance(game, Mapping) else getattr(game, "kind", None)
    of_vectors = {"start_g", "start_d"} & values.keys() or played in _OF_VECTORS
    kind = ParametricGame if of_vectors else GAN
    gan: Configuration = check_named("gan", values, Object((kind,), "a GAN"))
    return gan


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Compare two configurations as `to_dict` gives them.

    Parameters
    ----------
    before, after : mapping
        The two.
    prefix : str, default ""
        Of every path.

    Yields
    ------
    (str, object, object)
        Dotted path and both values of what differs; of two kinds of an object, and of what is made of code, the whole.
    """
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping) and old.get("kind") == new.get("kind") != KIND:
            yield from differences(old, new, f"{prefix}{name}.")
        elif old != new:
            yield prefix + name, old, new


def _field_names(item: Any) -> list[str]:
    return [part.name for part in dataclasses.fields(item) if part.name != "kind"]


def dotted_paths(item: object, prefix: str = "") -> Iterator[str]:
    """Every dotted path of a configuration, such as "optimizer_g.lr"."""
    for name in _field_names(item):
        yield prefix + name
        value = getattr(item, name)
        if dataclasses.is_dataclass(value):
            yield from dotted_paths(value, f"{prefix}{name}.")


def replace(gan: _Kind, overrides: Mapping[str, Any] | None = None, /, **fields: Any) -> _Kind:
    """Copy a configuration with some fields changed; the result is validated as a whole.

    Parameters
    ----------
    gan : GAN
        The configuration to start from.
    overrides : mapping, optional
        Dotted paths to values, for example ``{"optimizer_g.lr": 1e-2, "game": "minimax"}``. A path into an object
        that is itself replaced refers to the new object.
    **fields
        Fields of the configuration by name, instead or as well.

    Returns
    -------
    GAN
        The changed copy.

    Raises
    ------
    ConfigError
        If a path does not exist, the message naming those that may be meant, or is given twice, or if the changed
        configuration is refused.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.optimizers import SGD
    >>> gan = replace(GAN(target=Normal(500, 5)), {"optimizer_g": SGD(0.5), "generator.hidden": ()})
    >>> gan.optimizer_g, gan.generator.hidden
    (SGD(lr=0.5), ())
    >>> replace(gan, game="minimax", steps=10).game
    'minimax'
    """
    check_configuration(gan)
    overrides = {} if overrides is None else overrides
    if not isinstance(overrides, Mapping):
        raise ConfigError(f"overrides: value {shown(overrides)}: a mapping of dotted paths to values")
    for path in overrides:
        if not isinstance(path, str):
            raise ConfigError(f"overrides: value {shown(path)}: a dotted path such as optimizer_g.lr")
        if path in fields:
            raise ConfigError(f"{path}: value {shown(fields[path])}: given in the mapping too: once")
    overrides = {**overrides, **fields}
    tree = _parts(gan)
    if gan.records == RECORDS:  # the default again: it is at most the number of steps
        tree["records"] = None
    for path in sorted(overrides, key=lambda path: path.count(".")):
        _assign(tree, path, overrides[path], gan)
    # Defaults need no check, and most fields are: a cell of a large design takes half of the time.
    kind = type(gan)
    return kind(**{name: value for name, value in tree.items() if value is not getattr(kind, name, ...)})


def _parts(item: Any) -> dict[str, Any]:
    return {part.name: getattr(item, part.name) for part in dataclasses.fields(item)}


def _assign(tree: dict[str, Any], path: str, value: object, gan: Configuration) -> None:
    """Set the value at a dotted path; objects on the way become dictionaries, which `GAN` validates again."""
    *parents, name = path.split(".")
    node, given = tree, False  # whether the object on the way was given as a mapping, which need not have every field
    for depth, parent in enumerate(parents):
        child = node.get(parent)
        if child is None and parent in node:
            none = ".".join(parents[: depth + 1])
            raise ConfigError(f"{named(path)}: {named(none)} is None, so it has no field {named(name)}")
        child = _meant(parent, child)
        given = isinstance(child, Mapping)
        if not given and (not dataclasses.is_dataclass(child) or isinstance(child, type)):
            raise ConfigError(_unknown(path, gan))
        node[parent] = dict(child) if isinstance(child, Mapping) else _parts(child)
        node = node[parent]
    if name == "kind" or not (given or name in node):
        raise ConfigError(_unknown(path, gan))
    node[name] = value


def _meant(name: str, value: object) -> object:
    """The object that a name or a number stands for, where a field takes one: its own fields may be set too."""
    short = isinstance(value, (str, int, tuple, list)) and name in _SHORT
    try:
        return _SHORT[name](value) if short else value
    except (Refused, ConfigError):  # it is refused with all the others
        return value


def _unknown(path: str, gan: Configuration) -> str:
    return f"{named(path)}: no such field; {hint(path, dotted_paths(gan))}"
