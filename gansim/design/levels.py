"""Levels of factors: their labels, and levels that set two fields at once or one as a multiple of another."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gansim.errors import ConfigError, named, shown
from gansim.hints import hint
from gansim.model.configurations import Configuration
from gansim.model.fields import Real, check_named, items_of
from gansim.model.own.defined import Own
from gansim.model.paths import dotted_paths, replace

__all__ = ["Label", "Multiple", "configured", "level_label", "ratio", "tied", "value_at"]

Label: TypeAlias = str | int | float
_MOST = 100_000  # levels of a factor: more cells no design has
_DIGITS = 12  # 3 times 0.1 is 0.3, and no C library's last bit reaches the design


def tied(
    first: str, second: str, levels: Iterable[Any] | Mapping[Label, Any] | NDArray[Any]
) -> dict[Label, dict[str, Any]]:
    """Levels of a factor that sets two fields to the same value, such as the widths of both networks.

    Parameters
    ----------
    first, second : str
        Dotted paths of the two fields.
    levels : iterable, or mapping of label to value
        The values; or the values by label, for those that are no numbers or text.

    Returns
    -------
    dict
        Labelled sets of overrides, to stand in `factors` under any name.

    Raises
    ------
    ConfigError
        If a path is no text, there are no levels, or one is given twice.

    Examples
    --------
    >>> from gansim.design.design import Design
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> widths = tied("generator.hidden", "discriminator.hidden", [4, 16])
    >>> [cell.gan.generator.hidden for cell in Design("widths", GAN(Normal()), {"width": widths}).cells]
    [(4,), (16,)]
    """
    for name, path in (("first", first), ("second", second)):
        _check_path(name, path)
    given = dict(levels) if isinstance(levels, Mapping) else _labelled(levels)
    return {label: {first: value, second: value} for label, value in given.items()}


def ratio(path: str, to: str, levels: Iterable[float] | NDArray[Any]) -> dict[Label, dict[str, Any]]:
    """Levels of a factor that sets a field to multiples of another one, such as D's learning rate to those of G's.

    Parameters
    ----------
    path : str
        Dotted path of the field that is set.
    to : str
        Dotted path of the field that it is a multiple of, which stays as it is or is set by another factor.
    levels : iterable of float
        The ratios, 1e-30 to 1e30.

    Returns
    -------
    dict
        Labelled sets of overrides, to stand in `factors` under any name.

    Raises
    ------
    ConfigError
        If a path is no text, there are no levels, one is given twice, or none such number.

    Examples
    --------
    >>> from gansim.design.design import Design
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> rates = {"optimizer_g.lr": [0.001, 0.01], "ratio": ratio("optimizer_d.lr", "optimizer_g.lr", [0.25, 4])}
    >>> [cell.gan.optimizer_d.lr for cell in Design("rates", GAN(Normal()), rates).cells]
    [0.00025, 0.004, 0.0025, 0.04]
    """
    for name, value in (("path", path), ("to", to)):
        _check_path(name, value)
    labelled = _labelled(levels)
    factors = {label: check_named("levels", value, Real(1e-30, 1e30)) for label, value in labelled.items()}
    return {label: {path: Multiple(to, factor)} for label, factor in factors.items()}


def _check_path(name: str, path: object) -> None:
    if not isinstance(path, str) or not path:
        raise ConfigError(f"{name}: value {shown(path)}: a dotted path such as optimizer_g.lr")


def _labelled(levels: object) -> dict[Label, Any]:
    """Values by their labels, each once."""
    items = items_of(levels, _MOST)
    if not items:
        raise ConfigError(f"levels: value {shown(levels)}: at least one value, such as [4, 16]")
    found: dict[Label, Any] = {}
    for value in items:
        label = level_label(value)
        if label in found:
            raise ConfigError(f"levels: level {shown(label)} given twice: each once")
        found[label] = value
    return found


@dataclass(frozen=True)
class Multiple:
    """In place of a value: so many times the value of another field; see `ratio`.

    Parameters
    ----------
    of : str
        Dotted path of the other field.
    factor : float
        How many times.
    """

    of: str
    factor: float

    def within(self, gan: Configuration) -> float | int:
        """Return the value in a configuration; a whole multiple of an integer is one, too."""
        try:
            value = value_at(gan, self.of)
        except KeyError:
            raise ConfigError(f"{named(self.of)}: no such field; {hint(self.of, dotted_paths(gan))}") from None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"{self.of}: value {shown(value)}: a number, to take multiples of")
        product = float(f"{self.factor * value:.{_DIGITS}g}")
        return int(product) if isinstance(value, int) and product.is_integer() else product


def configured(gan: Configuration, overrides: Mapping[str, Any]) -> Configuration:
    """Configuration with some fields changed, multiples among them; see `gansim.model.paths.replace`.

    Parameters
    ----------
    gan : GAN or ParametricGame
        The configuration to start from.
    overrides : mapping
        Dotted paths to values or to `Multiple`.

    Raises
    ------
    ConfigError
        As `replace` does; also if a multiple is one of a multiple, or of what is no number.
    """
    multiples = {path: value for path, value in overrides.items() if isinstance(value, Multiple)}
    if not multiples:
        return replace(gan, overrides)
    plain = {path: value for path, value in overrides.items() if path not in multiples}
    for path, multiple in multiples.items():
        if multiple.of in multiples:
            raise ConfigError(f"{path}: a multiple of {multiple.of}, itself one: of a field with a value of its own")
    others = replace(gan, plain)
    return replace(gan, {**plain, **{path: multiple.within(others) for path, multiple in multiples.items()}})


def level_label(value: object) -> Label:
    """Label of a value: numbers and text as they are, what is alone in a tuple as itself, what is of code by its name.

    Anything else is labelled by its text.

    Parameters
    ----------
    value : object
        A value of a field of a configuration.

    Returns
    -------
    str, int or float
        The label.

    Examples
    --------
    >>> level_label(0.5), level_label((16,)), level_label((16, 16)), level_label(None)
    (0.5, 16, '(16, 16)', 'None')
    """
    if isinstance(value, Own):
        return value.name
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, (list, np.ndarray)):  # one level, however it is written
        plain = tuple(plain.tolist() if isinstance(plain, np.ndarray) else plain)
    if isinstance(plain, tuple) and len(plain) == 1 and not isinstance(plain[0], (tuple, str)):
        return level_label(plain[0])
    if isinstance(plain, str):  # a game with numbers is a kind of text
        return str(plain)
    if isinstance(plain, (int, float)) and not isinstance(plain, bool):
        return plain
    try:
        return " ".join(repr(plain).split())
    except Exception:
        raise ConfigError(f"level {shown(plain)}: a value that can be written") from None


def value_at(gan: Configuration, path: str) -> Any:
    """Value of a configuration at a dotted path.

    Parameters
    ----------
    gan : GAN or ParametricGame
        The configuration.
    path : str
        For example "optimizer_g.lr".

    Returns
    -------
    object
        The value.

    Raises
    ------
    KeyError
        If this configuration has no such field.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> value_at(GAN(target=Normal(500, 5)), "target.std")
    5.0
    """
    value: Any = gan
    for name in path.split("."):
        if not dataclasses.is_dataclass(value) or name not in {item.name for item in dataclasses.fields(value)}:
            raise KeyError(path)
        value = getattr(value, name)
    return value
