"""Gradients adjusted by how they change: consensus, symplectic gradient adjustment, an unrolled D.

With xi = (grad_G L_G, grad_D L_D) both players' gradients, J its derivative by both players' parameters:

* consensus (Mescheder et al. 2017, eq. 12): xi + gamma J^T xi, exactly the gradient of gamma / 2 abs(xi)^2 added;
* symplectic (Balduzzi et al. 2018, algorithm 1): xi + lambda A^T xi with A = (J - J^T) / 2; aligned, lambda has the
  sign of <xi, J^T xi> <A^T xi, J^T xi> + 0.1 n, n the number of parameters;
* unrolled (Metz et al. 2017, eqs. 7 to 10): D takes K steps of gradient descent, theta_(k+1) = theta_k - eta grad_D
  L_D, on a batch each; G descends L_G(theta_G, theta_K), through these steps or, in first order, at their end; D goes
  back.

J^T xi is R along (grad_G L_G, 0) of both gradients of L_G plus R along (0, grad_D L_D) of both of L_D; J xi is R along
xi of G's gradient of L_G and of D's of L_D. Through the steps of D: lambda_K = grad_D L_G at theta_K and, down from K -
1, G's gradient -= eta R_(0, lambda) grad_G L_D, lambda -= eta R_(0, lambda) grad_D L_D.
"""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanes import Row, Rows, fma, rows, where_greater
from gansim.kernels.networks.player import BEFORE, RAW, Player, clear
from gansim.kernels.networks.spectral import use_raw
from gansim.kernels.sampler import Sampler
from gansim.kernels.training.field import Field, draw_for_d, draw_for_g, gradient_d, gradient_g, gradient_of_both
from gansim.kernels.training.turns import Turns, turn_gradients

CONSENSUS, SYMPLECTIC, UNROLLED = range(3)
CODES = {"consensus": CONSENSUS, "symplectic": SYMPLECTIC, "unrolled": UNROLLED}
_INNER = 256  # D's steps of an unrolled update draw batches from here on, 64 for each of G's updates


class Adjustment(NamedTuple):
    """Which, its number (gamma, lambda or eta), whether aligned or of second order; K; working memory.

    sum_g, sum_d : (n_params, L), J^T xi. path : (K * n_params of D, L), its parameters on the way. batches :
    K times the rows of one, which its steps saw: to draw them again for the way back would take 8 % of a step, K = 5.
    """

    kind: int
    strength: float
    flag: bool
    k: int
    turns: Turns
    sum_g: Any
    sum_d: Any
    path: Any
    batches: Any


@kernel
def _copy(source: Rows, first: int, target: Rows, start: int, n: int) -> None:
    for i in range(n):
        target[start + i] = source[first + i]


@kernel
def _add(source: Rows, share: Any, target: Rows, n: int) -> None:
    for i in range(n):
        target[i] = fma(source[i], share, target[i])


@kernel
def _dot(a: Rows, b: Rows, n: int, before: Row) -> Row:
    for i in range(n):
        before = fma(a[i], b[i], before)
    return before


@kernel
def _transposed(g: Player, d: Player, s: Sampler, field: Field, a: Adjustment, step: int) -> None:
    """J^T xi, into ``sum_g`` and ``sum_d``; gradients are in ``grad``, and G's batch lies where it was drawn."""
    t, n_g, n_d = a.turns, g.sizes.params, d.sizes.params
    _copy(g.grad, 0, rows(t.g.along), 0, n_g)
    clear(rows(t.d.along), n_d)
    turn_gradients(g, d, field, t, s.reals, s.noises, s.weights, True, False, True)
    _copy(rows(t.g.found), 0, rows(a.sum_g), 0, n_g)
    _copy(rows(t.d.found), 0, rows(a.sum_d), 0, n_d)
    draw_for_d(g, d, s, field, step, 0)
    _copy(d.grad, 0, rows(t.d.along), 0, n_d)
    turn_gradients(g, d, field, t, s.reals, s.noises, s.weights, False, True, True)
    _add(rows(t.g.found), 1.0, rows(a.sum_g), n_g)
    _add(rows(t.d.found), 1.0, rows(a.sum_d), n_d)


@kernel
def _symplectic(g: Player, d: Player, s: Sampler, field: Field, a: Adjustment, step: int) -> None:
    """``grad`` becomes xi + lambda A^T xi; D's batch lies where `_transposed` drew it."""
    t, n_g, n_d = a.turns, g.sizes.params, d.sizes.params
    of_g, of_d, found_g, found_d = rows(a.sum_g), rows(a.sum_d), rows(t.g.found), rows(t.d.found)
    zero = g.grad[0] * 0.0
    along = _dot(g.grad, of_g, n_g, _dot(d.grad, of_d, n_d, zero))
    square = _dot(of_g, of_g, n_g, _dot(of_d, of_d, n_d, zero))
    _copy(g.grad, 0, rows(t.g.along), 0, n_g)
    _copy(d.grad, 0, rows(t.d.along), 0, n_d)
    turn_gradients(g, d, field, t, s.reals, s.noises, s.weights, False, False, True)
    cross = _dot(found_d, of_d, n_d, zero)
    _add(found_d, -1.0, of_d, n_d)  # 2 A^T xi of D
    draw_for_g(g, d, s, field, step, 0)
    turn_gradients(g, d, field, t, s.reals, s.noises, s.weights, True, False, True)
    cross = _dot(found_g, of_g, n_g, cross)
    _add(found_g, -1.0, of_g, n_g)
    share = zero + 0.5 * a.strength
    if a.flag:
        sign = along * (square - cross) * 0.5 + 0.1 * (n_g + n_d)
        share = where_greater(0.0, sign, zero - 0.5 * a.strength, share)
    _add(of_g, share, g.grad, n_g)
    _add(of_d, share, d.grad, n_d)


@kernel
def adjusted_gradients(g: Player, d: Player, s: Sampler, field: Field, a: Adjustment, step: int) -> None:
    """Both players' gradients at their present parameters, adjusted, into ``grad``."""
    gradient_d(g, d, s, field, step, 0)
    gradient_g(g, d, s, field, step, 0)
    _transposed(g, d, s, field, a, step)
    if a.kind == CONSENSUS:
        _add(rows(a.sum_g), a.strength, g.grad, g.sizes.params)
        _add(rows(a.sum_d), a.strength, d.grad, d.sizes.params)
    else:
        _symplectic(g, d, s, field, a, step)


@kernel
def _descend(d: Player, layers: Any, rate: float) -> None:
    """A step of gradient descent of D, its weights normalised by the same u and v."""
    n = d.sizes.params
    if layers is not None:
        for i in range(n):
            d.kept[RAW * n + i] = fma(d.grad[i], -rate, d.kept[RAW * n + i])
        use_raw(d, layers)
    else:
        _add(d.grad, -rate, d.theta, n)


@kernel
def _keep_batch(s: Sampler, p: Any, a: Adjustment, j: int) -> None:
    """The batch that lies where it was drawn is kept for the way back."""
    n_x, n_z, first = s.reals.shape[0], s.noises.shape[0], j * (a.batches.shape[0] // a.k)
    _copy(rows(s.reals), 0, rows(a.batches), first, n_x)
    _copy(rows(s.noises), 0, rows(a.batches), first + n_x, n_z)
    if p is not None:
        _copy(rows(p.blurs), 0, rows(a.batches), first + n_x + n_z, p.blurs.shape[0])


@kernel
def _take_batch(s: Sampler, p: Any, a: Adjustment, j: int) -> None:
    """A batch that was kept lies where it was drawn."""
    n_x, n_z, first = s.reals.shape[0], s.noises.shape[0], j * (a.batches.shape[0] // a.k)
    _copy(rows(a.batches), first, rows(s.reals), 0, n_x)
    _copy(rows(a.batches), first + n_x, rows(s.noises), 0, n_z)
    if p is not None:
        _copy(rows(a.batches), first + n_x + n_z, rows(p.blurs), 0, p.blurs.shape[0])


@kernel
def unrolled_gradient_g(g: Player, d: Player, s: Sampler, field: Field, a: Adjustment, step: int, k: int) -> None:
    """``g.grad`` becomes G's gradient against the D that would come of K steps."""
    t, n_g, n_d, path = a.turns, g.sizes.params, d.sizes.params, rows(a.path)
    inner, raw = _INNER + 64 * k, field.layers is not None
    _copy(d.grad, 0, d.kept, BEFORE * n_d, n_d)  # the last that D has descended is the one to be recorded
    for j in range(a.k):
        if raw:
            _copy(d.kept, RAW * n_d, path, j * n_d, n_d)
        else:
            _copy(d.theta, 0, path, j * n_d, n_d)
        gradient_d(g, d, s, field, step, inner + j)
        _keep_batch(s, field.penalties, a, j)
        _descend(d, field.layers, a.strength)
    gradient_of_both(g, d, s, field, step, k)
    if a.flag:
        _copy(d.grad, 0, rows(t.d.along), 0, n_d)
        for back in range(a.k):
            j = a.k - 1 - back
            _copy(path, j * n_d, d.theta, 0, n_d)
            _take_batch(s, field.penalties, a, j)
            turn_gradients(g, d, field, t, s.reals, s.noises, s.weights, False, True, j > 0)
            _add(rows(t.g.found), -a.strength, g.grad, n_g)
            _add(rows(t.d.found), -a.strength, rows(t.d.along), n_d)
    if raw:
        _copy(path, 0, d.kept, RAW * n_d, n_d)
        use_raw(d, field.layers)
    else:
        _copy(path, 0, d.theta, 0, n_d)
    _copy(d.kept, BEFORE * n_d, d.grad, 0, n_d)
