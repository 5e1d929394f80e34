"""What somebody asks to see trained: up to three configurations, how many GANs, which seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.engine.players import network_shapes
from gansim.errors import ConfigError, Refused, shown
from gansim.model.fields import Integer, check_named
from gansim.model.gan import GAN
from gansim.model.paths import from_dict
from gansim.model.seeds import check_rep, check_seed

__all__ = ["MOST", "Request"]

MOST = 3
"""Configurations side by side."""

_GANS = Integer(1, 4096)
_OF_A_PAGE = Integer(16, 4096)  # of fewer an interval says little
_PARAMETERS = 2**25  # of all GANs together: with gradients and an optimiser's state 0.7 GiB in float32
_NUMBERS = 2**25  # in the records of all GANs together: 0.13 GiB


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Parameters
    ----------
    gans : tuple of GAN
        One to three configurations, on common random numbers.
    n : int
        GANs of each, 1 to 4,096.
    seed : int
        Seed of the study that they are runs of.
    first : int, default 0
        Replicate number of the first.
    stored : ndarray of float32, shape (n, records, fields), optional
        What of these runs is stored, to compare with in the end.

    Raises
    ------
    ConfigError
        If something is refused, or would not fit into memory.
    """

    gans: tuple[GAN, ...]
    n: int = 256
    seed: int = 0
    first: int = 0
    stored: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_named("gans", self.n, _GANS)
        check_seed(self.seed)
        check_rep(self.first + self.n - 1)
        if not 1 <= len(self.gans) <= MOST:
            raise ConfigError(f"configurations: {len(self.gans)}: from 1 to {MOST}")
        for gan in self.gans:
            if not isinstance(gan, GAN):
                raise ConfigError("gan: a game of two vectors has no networks to look at: a GAN")
            if gan.data_dim > 1:
                raise ConfigError(f"target: value {shown(gan.target)}: a law on the line")
            parameters = sum(net.n_params for net in network_shapes(gan))
            _check_room(self.n, parameters, _PARAMETERS // len(self.gans), "networks of this size", gan)
            _check_room(self.n, 23 * gan.records, _NUMBERS // len(self.gans), f"{gan.records:,} records", gan)

    @property
    def reps(self) -> range:
        """Replicate numbers."""
        return range(self.first, self.first + self.n)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Request:
        """What a page asks for: "configurations", a list of what `to_dict` gives; "n", 16 to 4,096; "seed".

        Raises
        ------
        ConfigError
            If something is refused; that of the second configuration says so.
        """
        listed = plain.get("configurations")
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            raise ConfigError(f"configurations: value {shown(listed)}: a list of configurations")
        gans: list[Any] = []
        for number, one in enumerate(listed[: MOST + 1]):
            try:
                gans.append(from_dict(one))
            except (ConfigError, Refused) as error:
                where = f"configuration {'ABC?'[number]}: " if len(listed) > 1 else ""
                raise ConfigError(f"{where}{error}") from None
        n = check_named("gans", plain.get("n", 256), _OF_A_PAGE)
        return cls(tuple(gans), n, plain.get("seed", 0))


def _check_room(n: int, each: int, room: int, what: str, gan: GAN) -> None:
    if n * each > room:
        fit = room // each
        allowed = f"at most {fit:,} for {what}" if fit >= _GANS.low else f"none: {what} do not fit into memory"
        raise ConfigError(f"gans: value {n:,}: {allowed}")
