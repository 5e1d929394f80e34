"""Penalties: what keeps D from changing too fast along its input, or from being too sure."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated

from gansim.errors import Refused
from gansim.model.fields import Integer, OrNone, Real, described

__all__ = ["Penalties"]

_Strength = Annotated[float, Real(0.0, 1e6)]


@described
class Penalties:
    """Penalties on D, each by name; 0 is none. All may be had at once.

    Parameters
    ----------
    r1, r2 : float, default 0
        Added to D's loss: this half times the mean squared norm of the gradient of D's output by its input, at reals,
        and at fakes, 0 to 1e6 (Mescheder et al. 2018, eqs. 9 and 10).
    gradient : float, default 0
        Added to D's loss: this weight times the mean squared distance of that norm from `target`, at points between a
        real and a fake of the batch, pair by pair, 0 to 1e6 (Gulrajani et al. 2017, eq. 3).
    target : float, default 1
        The norm that `gradient` asks for, 0 to 1e6; without that penalty 1.
    one_sided : bool, default False
        Whether `gradient` leaves norms below `target` alone (Petzka et al. 2018, eq. 8); without that penalty False.
    clip : float, default 0
        After every update D's parameters are cut to this size, 0 to 1e6 (Arjovsky et al. 2017, algorithm 1).
    noise : float, default 0
        Standard deviation of normal noise on all that D sees in training, reals and fakes, in its own updates and in
        G's, in the networks' units, 0 to 1e6 (Sonderby et al. 2017, section 3.3). Records are without.
    noise_steps : int or None, default None
        Training steps in which `noise` goes down to 0 on a straight line, 1 to 1e8. None: it stays, or there is none.
    smoothing : float, default 0
        How much of a real sample counts as fake in D's loss, 0 to 0.5: one-sided label smoothing (Salimans et al. 2016,
        section 3.4). In the games minimax and non-saturating.
    spectral : bool, default False
        Whether each of D's weight matrices is used divided by its largest singular value, as one power iteration after
        each change of D estimates it, and the other penalties are those of that D (Miyato et al. 2018, eqs. 8 and 12,
        algorithm 1). Not with `clip`.

    Examples
    --------
    >>> Penalties(r1=0.3)
    Penalties(r1=0.3)
    >>> Penalties(gradient=10, one_sided=True)
    Penalties(gradient=10.0, one_sided=True)
    """

    _: KW_ONLY
    r1: _Strength = 0.0
    r2: _Strength = 0.0
    gradient: _Strength = 0.0
    target: _Strength = 1.0
    one_sided: bool = False
    clip: _Strength = 0.0
    noise: _Strength = 0.0
    noise_steps: Annotated[int | None, OrNone(Integer(1, 10**8))] = None
    smoothing: Annotated[float, Real(0.0, 0.5)] = 0.0
    spectral: bool = False

    def __post_init__(self) -> None:
        for name, only in (("target", 1), ("one_sided", False)):
            if self.gradient == 0 and getattr(self, name) != only:
                raise Refused(getattr(self, name), f"{only}, because gradient = 0: no norm is asked for", name)
        if self.noise == 0 and self.noise_steps is not None:
            raise Refused(self.noise_steps, "None, because noise = 0: there is none to go down", "noise_steps")
        if self.spectral and self.clip:
            raise Refused(self.clip, "0, because spectral normalisation changes what would be cut", "clip")

    @property
    def bounds_slope(self) -> bool:
        """Whether D's slope is held down: it is cut to size or normalised, or penalised for its gradient."""
        return self.spectral or max(self.r1, self.r2, self.gradient, self.clip) > 0
