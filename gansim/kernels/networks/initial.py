"""Initial weights, as the definitions of their authors have them.

| init | weights | biases |
|---|---|---|
| he | N(0, 2 / n_in) (He et al. 2015, eq. 10) | 0 |
| xavier | U(-a, a), a = gain sqrt(6 / (n_in + n_out)) (Glorot and Bengio 2010, eq. 16) | 0 |
| torch | U(-a, a), a = 1 / sqrt(n_in), the default of PyTorch's Linear | as the weights |
| normal | N(0, std^2) | 0 |
| orthogonal | gain times orthonormal rows or columns, whichever are fewer (Saxe et al. 2014) | 0 |
"""

from typing import Any

from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.lanes import Rows, fma, rows, sqrt, words
from gansim.kernels.random import block, normal_pair, uniform

NORMAL, UNIFORM, ORTHOGONAL = range(3)


@kernel
def _fill(kind: int, out: Rows, n: int, key: Rows, stream: int, layer: int, part: int, scale: float) -> None:
    """Rows 0 ... n - 1 become scale * normal, or uniform on (-scale, scale); the last block may be cut."""
    one = out[0] * 0.0 + 1.0
    for i in range(0, n, 4):
        four = block(key, stream, i, layer, part, 0)
        if kind == UNIFORM:
            a, b = fma(uniform(four[0], one), 2.0, -1.0), fma(uniform(four[1], one), 2.0, -1.0)
            c, d = fma(uniform(four[2], one), 2.0, -1.0), fma(uniform(four[3], one), 2.0, -1.0)
        else:
            a, b = normal_pair(four[0], four[1], one)
            c, d = normal_pair(four[2], four[3], one)
        out[i] = a * scale
        if i + 1 < n:
            out[i + 1] = b * scale
        if i + 2 < n:
            out[i + 2] = c * scale
        if i + 3 < n:
            out[i + 3] = d * scale


@kernel
def _orthonormalise(w: Rows, n: int, length: int, vector: int, element: int) -> None:
    """Modified Gram-Schmidt, in order, of n vectors; element e of vector v is row ``v * vector + e * element``."""
    for v in range(n):
        for u in range(v):
            product = w[0] * 0.0
            for e in range(length):
                product = fma(w[v * vector + e * element], w[u * vector + e * element], product)
            for e in range(length):
                w[v * vector + e * element] = fma(-product, w[u * vector + e * element], w[v * vector + e * element])
        square = w[0] * 0.0
        for e in range(length):
            square = fma(w[v * vector + e * element], w[v * vector + e * element], square)
        inverse = 1.0 / sqrt(square)
        for e in range(length):
            w[v * vector + e * element] = w[v * vector + e * element] * inverse


@entry_point
def fill_layer(
    kind: int, weights: Any, biases: Any, key: Any, stream: int, layer: int, n_in: int, scale: float, bias_scale: float
) -> None:
    """Initial ``weights (n_out * n_in, L)`` and ``biases (n_out, L)`` of one layer, for the keys of a bundle.

    ``scale`` is the standard deviation, the half width or the gain of the weights; ``bias_scale`` the half width of
    the biases, 0 for none.
    """
    w, b, n = rows(weights), rows(biases), weights.shape[0]
    n_out, keys = n // n_in, words(key, w)
    if kind == ORTHOGONAL:
        _fill(NORMAL, w, n, keys, stream, layer, 0, 1.0)
        if n_out <= n_in:
            _orthonormalise(w, n_out, n_in, n_in, 1)
        else:
            _orthonormalise(w, n_in, n_out, 1, n_in)
        for i in range(n):
            w[i] = w[i] * scale
    else:
        _fill(kind, w, n, keys, stream, layer, 0, scale)
    if bias_scale > 0.0:
        _fill(UNIFORM, b, biases.shape[0], keys, stream, layer, 1, bias_scale)
