"""Games of two vectors: both players' gradients as functions of their parameters, without networks.

A form is a function ``(theta, phi, c, e, g, d)`` of lanes: theta and phi are G's and D's parameters, c the game's
numbers, e what is drawn for one sample, standard normals. It writes what G descends into g and what D descends into d;
gradients are averages over a batch of samples, of one where nothing is drawn. High is real: where D has an output, it
goes up on reals.

A form is machine code of its own, called by its address. A new one is a function and its line in `FORMS` here, and its
class in ``model/parametric.py``.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types

from gansim.kernels.compiling.jit import COMPILES, by_address, kernel
from gansim.kernels.lanemath import exp, sigmoid
from gansim.kernels.lanes import (
    Rows,
    Tiles,
    View,
    absolute,
    at_address,
    maximum,
    register,
    sqrt,
    view_types,
    where_greater,
)

Form = Callable[[Rows, Rows, Rows, Tiles, Tiles, Tiles], None]


class Given(NamedTuple):
    """Of a game of two vectors: where its form lies, how many normals it draws; its numbers are `Sampler.target`."""

    where: Any
    drawn: int


# --- Dirac-GAN: data at 0, G at theta, D(x) = phi x ------------------------------------------------
# Mescheder et al. 2018, section 2, their psi with the other sign: there D's output is high on fakes.

R1, PULL, TARGET, BLUR, CONSENSUS, SHARE = range(6)  # its numbers


@kernel
def _norms(theta: Rows, phi: Rows, c: Rows, d: Tiles) -> None:
    """Add to D's gradient: R1's, and that of half `PULL` times the squared distance of abs(phi) from `TARGET`."""
    f = phi[0]
    d[0] = d[0] + c[R1] * f + c[PULL] * (absolute(f) - c[TARGET]) * where_greater(f, 0.0, 1.0, -1.0)


def _dirac(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
    """G: -softplus(phi theta). D: softplus(phi theta)."""
    t, f = theta[0], phi[0]
    right = sigmoid(t * f)
    g[0] = -f * right
    d[0] = t * right
    _norms(theta, phi, c, d)


def _dirac_consensus(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
    """As `_dirac`, plus the gradient of `CONSENSUS` / 2 times the squared norm of both gradients.

    That norm is (theta^2 + phi^2) s^2, s = sigmoid(theta phi); of its derivative's second part, by s, so much as
    `SHARE` says: all of it, or half as in the code published with Mescheder et al. 2018.
    """
    t, f = theta[0], phi[0]
    right = sigmoid(t * f)
    both = (t * t + f * f) * right * right * sigmoid(-t * f) * c[SHARE]
    g[0] = -f * right + c[CONSENSUS] * (t * right * right + both * f)
    d[0] = t * right + c[CONSENSUS] * (f * right * right + both * t)
    _norms(theta, phi, c, d)


def _dirac_non_saturating(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
    """G: softplus(-phi theta). D: softplus(phi theta)."""
    t, f = theta[0], phi[0]
    g[0] = -f * sigmoid(-t * f)
    d[0] = t * sigmoid(t * f)
    _norms(theta, phi, c, d)


def _dirac_wasserstein(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
    """G: -phi theta. D: phi theta."""
    g[0] = -phi[0]
    d[0] = theta[0]
    _norms(theta, phi, c, d)


def _dirac_blurred(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
    """As `_dirac`, reals and fakes with normal noise of standard deviation `BLUR`."""
    f, fake, real = phi[0], theta[0] + c[BLUR] * e[0], c[BLUR] * e[1]
    right = sigmoid(f * fake)
    g[0] = -f * right
    d[0] = fake * right - real * sigmoid(-f * real)
    _norms(theta, phi, c, d)


# --- bilinear games and the linear Wasserstein GAN -------------------------------------------------


def _bilinear(n: int) -> Form:
    def form(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
        """G: theta . phi. D: -theta . phi (Gidel et al. 2019, eq. 6)."""
        for i in range(n):
            g[i] = phi[i]
            d[i] = -theta[i]

    return form


def _linear(n: int) -> Form:
    def form(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
        """Data N(mean, I), G(z) = z + theta, D(x) = phi . x: G: -phi . theta. D: phi . (theta - mean).

        Its numbers: the weight of D's gradient penalty, (abs(phi) - 1)^2, then the mean (Daskalakis et al. 2018,
        section 2).
        """
        square = phi[0] * phi[0]
        for i in range(1, n):
            square = square + phi[i] * phi[i]
        pull = 2.0 * c[0] * (1.0 - 1.0 / maximum(sqrt(square), 1e-30))
        for i in range(n):
            g[i] = -phi[i]
            d[i] = theta[i] - c[1 + i] + pull * phi[i]

    return form


def _linear_drawn(n: int) -> Form:
    exact = kernel(_linear(n))

    def form(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
        """The same with reals and fakes that are drawn."""
        exact(theta, phi, c, e, g, d)
        for i in range(n):
            d[i] = d[i] + (e[n + i] - e[i])

    return form


# --- two normals, two intervals (Li et al. 2017) ---------------------------------------------------

_ROOT = 0.3989422804014327  # 1 / sqrt(2 pi)
_STEPS = 768  # of the line from -6 to 6 in which the intervals of the best D are sought


@kernel
def _density(x: Any) -> Any:
    return exp(x * x * -0.5) * _ROOT


def _two_normals(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
    """G: half N(theta_0, 1), half N(theta_1, 1); D: 1 in [phi_0, phi_1] and in [phi_2, phi_3], else 0.

    G descends, D ascends, E D(real) + E (1 - D(fake)), reals of half N(c_0, 1), half N(c_1, 1) (Li et al. 2017, section
    2): by an end of an interval that is the difference of the densities there, by a mean of G's the difference of its
    density at both ends.
    """
    for j in range(4):
        real = _density(phi[j] - c[0]) + _density(phi[j] - c[1])
        fake = _density(phi[j] - theta[0]) + _density(phi[j] - theta[1])
        d[j] = (real - fake) * (0.5 if j % 2 == 0 else -0.5)
    for i in range(2):
        m = theta[i]
        inside = _density(phi[0] - m) - _density(phi[1] - m) + _density(phi[2] - m) - _density(phi[3] - m)
        g[i] = -0.5 * inside


def _two_normals_best(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
    """The same against the best D: 1 where reals are denser than fakes.

    The ends of its intervals are where the densities' difference changes its sign: between points 1/64 apart it is
    taken for a straight line.
    """
    g[0] = theta[0] * 0.0
    g[1] = theta[0] * 0.0
    for j in range(4):
        d[j] = theta[0] * 0.0
    for step in range(_STEPS):
        a = theta[0] * 0.0 + (-6.0 + 12.0 / _STEPS * step)
        b = a + 12.0 / _STEPS
        at_a = _density(a - c[0]) + _density(a - c[1]) - _density(a - theta[0]) - _density(a - theta[1])
        at_b = _density(b - c[0]) + _density(b - c[1]) - _density(b - theta[0]) - _density(b - theta[1])
        apart = where_greater(absolute(at_b - at_a), 1e-30, at_b - at_a, 1e-30)
        end = a - at_a / apart * (b - a)
        begins = where_greater(0.0, at_a, 1.0, 0.0) * where_greater(0.0, at_b, 0.0, 1.0)
        ends = where_greater(0.0, at_a, 0.0, 1.0) * where_greater(0.0, at_b, 1.0, 0.0)
        for i in range(2):
            g[i] = g[i] - 0.5 * (begins - ends) * _density(end - theta[i])


# --- forms of somebody's own ---------------------------------------------------------------------


def _taken(n: int) -> Any:
    """The first n numbers of a view, as a tuple (recursion while compiling)."""
    if n == 0:
        return kernel(lambda view: ())
    last, before = n - 1, _taken(n - 1)

    @kernel
    def take(view: Any) -> Any:
        return before(view) + (view[last],)  # noqa: RUF005 - Numba adds tuples, and unpacks none

    return take


def _put(n: int) -> Any:
    """A tuple of n numbers, into a view."""
    last, before = n - 1, _put(n - 1) if n > 1 else None

    @kernel
    def put_last(values: Any, view: Any) -> None:
        view[last] = values[last]

    if before is None:
        return put_last

    @kernel
    def put(values: Any, view: Any) -> None:
        before(values, view)
        put_last(values, view)

    return put


def own_form(name: str, gradients: Callable[..., Any], sizes: tuple[int, int], drawn: int) -> str:
    """Let a function of tuples, of two or of three, be a form of this name, by which its code on disk is known."""
    if name in FORMS:
        return name
    of, take_g, take_d, take_e = kernel(gradients), _taken(sizes[0]), _taken(sizes[1]), _taken(drawn)
    put_g, put_d = _put(sizes[0]), _put(sizes[1])

    def fixed(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
        of_g, of_d = of(take_g(theta), take_d(phi))
        put_g(of_g, g)
        put_d(of_d, d)

    def random(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> None:
        of_g, of_d = of(take_g(theta), take_d(phi), take_e(e))
        put_g(of_g, g)
        put_d(of_d, d)

    FORMS[name] = lambda n: random if drawn else fixed
    return name


# --- machine code of forms, called by its address ------------------------------------------------

# By how many parameters G has.
FORMS: dict[str, Callable[[int], Form]] = {
    "dirac-minimax": lambda n: _dirac,
    "dirac-minimax-consensus": lambda n: _dirac_consensus,
    "dirac-minimax-blurred": lambda n: _dirac_blurred,
    "dirac-non-saturating": lambda n: _dirac_non_saturating,
    "dirac-wasserstein": lambda n: _dirac_wasserstein,
    "bilinear": _bilinear,
    "linear": _linear,
    "linear-drawn": _linear_drawn,
    "two-normals": lambda n: _two_normals,
    "two-normals-best": lambda n: _two_normals_best,
}


@cache
def _compiled(name: str, n: int, dtype: str) -> Any:
    form = kernel(FORMS[name](n))

    def fill(theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> int:
        form(theta, phi, c, e, g, d)
        return 0

    fill.__qualname__ = f"form-{name}-{n}"  # what machine code is known by, see compiling/plain.py
    row, tile = view_types(np.dtype(dtype))
    return by_address(fill, types.intp, [row, row, row, tile, tile, tile]) if COMPILES else fill


def form_of(name: str, n: int, dtype: Any) -> Any:
    """Where a form lies: an address, or under NumPy a function. Compiled, or loaded, the first time."""
    return _compiled(name, n, np.dtype(dtype).name)


def forget() -> None:
    """Let forms be loaded or compiled again when they are next asked for."""
    _compiled.cache_clear()


def call(where: Any, theta: Rows, phi: Rows, c: Rows, e: Tiles, g: Tiles, d: Tiles) -> int:
    """Call what `form_of` gave."""
    done: int = where(theta, phi, c, e, g, d)
    return done


register(
    call,
    lambda where, theta, phi, c, e, g, d: types.intp if isinstance(theta, View) else None,
    at_address,
)
