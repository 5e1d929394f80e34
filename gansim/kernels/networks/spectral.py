"""Spectral normalisation (Miyato et al. 2018): each weight matrix W of D is used as W / sigma.

sigma = u^T W v estimates W's largest singular value, with unit vectors u and v that are kept. Each time that W has
changed, and at the start, one power iteration, v = W^T u / |W^T u| and then u = W v / |W v|, brings them closer (the
same, algorithm 1). The first u is normal. Biases are used as they are.

``theta`` holds the parameters as they are used, so that whoever judges, measures or shows D needs to know nothing of
this; those that an optimiser moves, W itself, lie in a block of ``kept``, u, v and sigma behind the blocks. What is
differentiated is W / (u^T W v) with u and v constant (the same, eq. 12): of a loss whose gradient by W / sigma is D,

    gradient by W = (D - <D, W / sigma> u v^T) / sigma,  <., .> the sum of the products of all entries.

Where sigma is 0, W is used as it is; a vector that would vanish starts again from equal parts.
"""

from typing import Any

from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.lanes import Row, Rows, absolute, fma, sqrt, where_greater
from gansim.kernels.networks.player import RAW, Player, opened

# Columns of ``layers``, a row of integers for each layer: its sizes, its first weight in theta, and its u in ``kept``,
# behind which lie v and sigma. It is None where weights are used as they are: then nothing of this is compiled.
N_IN, N_OUT, WEIGHT, AT = range(4)


@kernel
def _scale(vector: Rows, first: int, n: int, square: Row) -> None:
    """Divide n rows by the root of their summed squares."""
    norm = sqrt(square)
    share, equal = 1.0 / where_greater(norm, 0.0, norm, 1.0), norm * 0.0 + 1.0 / n**0.5
    for i in range(n):
        vector[first + i] = where_greater(norm, 0.0, vector[first + i] * share, equal)


@kernel
def _iterate(d: Player, n_in: int, n_out: int, raw: int, u: int, v: int) -> None:
    """One power iteration for the matrix whose first row in ``kept`` is ``raw``."""
    kept, zero = d.kept, d.kept[u] * 0.0
    square = zero
    for i in range(n_in):
        a = kept[raw + i] * kept[u]
        for j in range(1, n_out):
            a = fma(kept[raw + j * n_in + i], kept[u + j], a)
        kept[v + i] = a
        square = fma(a, a, square)
    _scale(kept, v, n_in, square)
    square = zero
    for j in range(n_out):
        a = kept[raw + j * n_in] * kept[v]
        for i in range(1, n_in):
            a = fma(kept[raw + j * n_in + i], kept[v + i], a)
        kept[u + j] = a
        square = fma(a, a, square)
    _scale(kept, u, n_out, square)


@kernel
def _along(d: Player, n_in: int, n_out: int, raw: int, u: int, v: int) -> Row:
    """u^T W v."""
    kept = d.kept
    sigma = kept[u] * 0.0
    for j in range(n_out):
        a = kept[raw + j * n_in] * kept[v]
        for i in range(1, n_in):
            a = fma(kept[raw + j * n_in + i], kept[v + i], a)
        sigma = fma(a, kept[u + j], sigma)
    return sigma


@kernel
def _share(sigma: Row) -> Row:
    """What W is multiplied by."""
    return 1.0 / where_greater(absolute(sigma), 0.0, sigma, 1.0)


@kernel
def normalise(d: Player, layers: Any, iterates: bool) -> None:
    """``theta`` becomes what the kept parameters are used as, after a power iteration or not."""
    n = d.sizes.params
    for i in range(n):
        d.theta[i] = d.kept[RAW * n + i]
    for layer in range(layers.shape[0]):
        n_in, n_out, w, u = layers[layer, N_IN], layers[layer, N_OUT], layers[layer, WEIGHT], layers[layer, AT]
        raw, v = RAW * n + w, u + n_out
        if iterates:
            _iterate(d, n_in, n_out, raw, u, v)
        sigma = _along(d, n_in, n_out, raw, u, v)
        d.kept[v + n_in] = sigma
        share = _share(sigma)
        for i in range(n_in * n_out):
            d.theta[w + i] = d.kept[raw + i] * share


@kernel
def pull_back(d: Player, layers: Any) -> None:
    """``grad``, by the parameters as they are used, becomes the gradient by those that an optimiser moves."""
    if layers is not None:
        for layer in range(layers.shape[0]):
            n_in, n_out, w, u = layers[layer, N_IN], layers[layer, N_OUT], layers[layer, WEIGHT], layers[layer, AT]
            v = u + n_out
            share, along = _share(d.kept[v + n_in]), d.kept[u] * 0.0
            for i in range(n_in * n_out):
                along = fma(d.grad[w + i], d.theta[w + i], along)
            for j in range(n_out):
                part = along * d.kept[u + j]
                for i in range(n_in):
                    at = w + j * n_in + i
                    d.grad[at] = fma(-part, d.kept[v + i], d.grad[at]) * share


@kernel
def take_raw(d: Player, layers: Any) -> None:
    """Before an update: ``theta`` is what an optimiser moves."""
    if layers is not None:
        n = d.sizes.params
        for i in range(n):
            d.theta[i] = d.kept[RAW * n + i]


@kernel
def put_raw(d: Player, layers: Any) -> None:
    """After an update: ``theta`` is what the networks use."""
    if layers is not None:
        n = d.sizes.params
        for i in range(n):
            d.kept[RAW * n + i] = d.theta[i]
        normalise(d, layers, True)


@kernel
def use_raw(d: Player, layers: Any) -> None:
    """After the kept parameters have changed in between: ``theta`` is what they are used as, by the same u and v."""
    if layers is not None:
        normalise(d, layers, False)


@entry_point
def normalise_player(d: Player, layers: Any) -> None:
    """What D's kept parameters are used as before the first step, after a power iteration from u of any length."""
    normalise(opened(d), layers, True)
