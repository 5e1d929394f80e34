"""Which measurements a configuration has: chosen by its kind of target, its game and how it trains.

With packing D's are of packs of held-out samples; ``v_max``, the maximum of V over all D that see one sample at a time,
is no bound for those that see packs, and missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from gansim.model.data.distributions import Mixture
from gansim.model.games import is_probability
from gansim.model.gan import GAN
from gansim.traces import FIELDS

__all__ = ["OF_D", "OF_MODES", "ON_THE_LINE", "measured"]

ON_THE_LINE = frozenset({"g_shift", "g_spread", "w1", "ks", "v_max"})
"""Where the fakes lie and how far from the target: of targets of one dimension."""

OF_D = frozenset({"d_real", "d_fake", "d_real_off", "d_fake_off", "v", "v_max", "v_train"})
"""What is said of D as a probability."""

OF_MODES = frozenset({"modes", "modes_missed", "high_quality", "reverse_kl", "tv_modes", "ks_modes"})
"""What is said of a mixture's modes."""


@lru_cache(maxsize=1024)
def measured(gan: GAN) -> frozenset[str]:
    """Names of the measurements that are defined for a configuration; the others are missing in its records.

    Parameters
    ----------
    gan : GAN
        The configuration.

    Returns
    -------
    frozenset of str
        Some of `gansim.traces.FIELDS`; ``auc`` and ``finite`` are among them always.
    """
    return frozenset(FIELDS).difference(*_undefined(gan))


def _undefined(gan: GAN) -> Iterator[frozenset[str]]:
    if gan.data_dim > 1:
        yield ON_THE_LINE
    if not is_probability(gan.game):
        yield OF_D
    if not isinstance(gan.target, Mixture):
        yield OF_MODES
    if gan.packing > 1:  # what a D that sees packs may reach is more than the bound for one that sees single samples
        yield frozenset({"v_max"})
    if gan.samples is None:
        yield frozenset({"v_train"})
    for name, steps in (("grad_g", gan.g_steps), ("grad_d", gan.d_steps)):
        if not steps:
            yield frozenset({name})
