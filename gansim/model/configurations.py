"""What can be trained: GANs, and games of two vectors."""

from __future__ import annotations

from typing import TypeAlias

from gansim.errors import ConfigError, shown
from gansim.model.gan import GAN
from gansim.model.parametric import ParametricGame
from gansim.model.parametric import fields_of as fields_of_game
from gansim.traces import FIELDS

__all__ = ["Configuration", "check_configuration", "fields_of", "with_networks"]

Configuration: TypeAlias = GAN | ParametricGame


def check_configuration(value: object) -> None:
    """Refuse what is no configuration.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if not isinstance(value, (GAN, ParametricGame)):
        raise ConfigError(f"gan: value {shown(value)}: a GAN, or a ParametricGame")


def fields_of(gan: Configuration) -> tuple[str, ...]:
    """Names of the measurements in a configuration's records, in order."""
    return fields_of_game(gan) if isinstance(gan, ParametricGame) else FIELDS


def with_networks(gan: Configuration) -> GAN:
    """The configuration, if its players are networks.

    Raises
    ------
    ConfigError
        If it is a game of two vectors.
    """
    if isinstance(gan, ParametricGame):
        raise ConfigError("gan: a game of two vectors has no networks: gs.trace(gan, rep, seed) has its parameters")
    return gan
