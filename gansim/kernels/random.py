"""Random numbers as a pure function of (study seed, replicate, stream, step, index).

A counter-based generator: nothing is carried from draw to draw, so a run's numbers depend neither on who shares its
bundle nor on how often something else was drawn. Threefry needs no multiplication (adds, rotations, xors only).

    key     = (seed, low 32 bits; seed, high 32 bits; replicate; stream)
    counter = (index // 4; step; part; update)

Word i of a block of four belongs to index ``4 * block + i``. ``part`` is the coordinate of a vector or the kind of a
parameter; ``update`` numbers the updates of one player within a step.
"""

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanemath import cos_sin_turns, log
from gansim.kernels.lanes import Row, Rows, Tile, fma, in_fours, scatter, sqrt, to_float

# Streams: two of them never share a number, so measuring more often, or another d_steps, changes no other draw.
WEIGHTS_G, WEIGHTS_D = 0, 1
DATA, DATA_COMPONENT = 2, 3  # fresh data for D's updates; which component of a mixture
NOISE_D, NOISE_G = 4, 5  # noise in D's updates, in G's updates
SAMPLE, SAMPLE_COMPONENT = 6, 7  # a run's fixed sample
BATCH = 8  # which points of the fixed sample make a minibatch
EVAL_DATA, EVAL_COMPONENT, EVAL_NOISE = 9, 10, 11  # held-out samples of a record
MIXED = 12  # how much of a real and of a fake there is in a point between them, where a penalty is taken
BLUR_REAL, BLUR_D, BLUR_G = 13, 14, 15  # noise on what D sees: reals, fakes in D's updates, fakes in G's
REFEREE = 16  # added to all of the above while the referee trains

DRAWN = 16  # numbers drawn at once, see `blocks`


@kernel
def _mix(a: Row, b: Row, n: int) -> tuple[Row, Row]:
    """Threefry's only operation: add, rotate by n, exclusive or."""
    a = a + b
    return a, ((b << n) | (b >> (32 - n))) ^ a


@kernel
def _even_rounds(x0: Row, x1: Row, x2: Row, x3: Row) -> tuple[Row, Row, Row, Row]:
    x0, x1 = _mix(x0, x1, 10)
    x2, x3 = _mix(x2, x3, 26)
    x0, x3 = _mix(x0, x3, 11)
    x2, x1 = _mix(x2, x1, 21)
    x0, x1 = _mix(x0, x1, 13)
    x2, x3 = _mix(x2, x3, 27)
    x0, x3 = _mix(x0, x3, 23)
    x2, x1 = _mix(x2, x1, 5)
    return x0, x1, x2, x3


@kernel
def _odd_rounds(x0: Row, x1: Row, x2: Row, x3: Row) -> tuple[Row, Row, Row, Row]:
    x0, x1 = _mix(x0, x1, 6)
    x2, x3 = _mix(x2, x3, 20)
    x0, x3 = _mix(x0, x3, 17)
    x2, x1 = _mix(x2, x1, 11)
    x0, x1 = _mix(x0, x1, 25)
    x2, x3 = _mix(x2, x3, 10)
    x0, x3 = _mix(x0, x3, 18)
    x2, x1 = _mix(x2, x1, 20)
    return x0, x1, x2, x3


@kernel
def threefry4x32(x0: Row, x1: Row, x2: Row, x3: Row, k0: Row, k1: Row, k2: Row, k3: Row) -> tuple[Row, Row, Row, Row]:
    """Threefry4x32-20 (Salmon et al. 2011, section 4.2): counter words and key words -> four random words."""
    k4 = k0 ^ k1 ^ k2 ^ k3 ^ 0x1BD11BDA
    x0, x1, x2, x3 = x0 + k0, x1 + k1, x2 + k2, x3 + k3
    x0, x1, x2, x3 = _even_rounds(x0, x1, x2, x3)
    x0, x1, x2, x3 = _odd_rounds(x0 + k1, x1 + k2, x2 + k3, x3 + k4 + 1)
    x0, x1, x2, x3 = _even_rounds(x0 + k2, x1 + k3, x2 + k4, x3 + k0 + 2)
    x0, x1, x2, x3 = _odd_rounds(x0 + k3, x1 + k4, x2 + k0, x3 + k1 + 3)
    x0, x1, x2, x3 = _even_rounds(x0 + k4, x1 + k0, x2 + k1, x3 + k2 + 4)
    return x0 + k0, x1 + k1, x2 + k2, x3 + k3 + 5


@kernel
def block(key: Rows, stream: int, index: int, step: int, part: int, update: int) -> tuple[Row, Row, Row, Row]:
    """The four random words of indices ``index`` ... ``index + 3``; ``index`` is a multiple of 4.

    ``key`` holds three rows: the two halves of the seed and the replicate.
    """
    zero = key[0] ^ key[0]
    return threefry4x32(
        zero + index // 4, zero + step, zero + part, zero + update, key[0], key[1], key[2], zero + stream
    )


@kernel
def uniform(word: Row, like: Row) -> Row:
    """A word as a number in (0, 1): the midpoints of 2^23 intervals, exact in float32, so neither 0 nor 1 occurs."""
    return fma(to_float(word >> 9, like), 2.0**-23, 2.0**-24)


@kernel
def normal_pair(a: Row, b: Row, like: Row) -> tuple[Row, Row]:
    """Two standard normals from two words (Box and Muller 1958); |x| < 5.77."""
    radius = sqrt(log(uniform(a, like)) * -2.0)
    cos, sin = cos_sin_turns(to_float(b >> 8, like) * 2.0**-24)
    return radius * cos, radius * sin


@kernel
def blocks(key: Rows, stream: int, index: int, step: int, part: int, update: int) -> tuple[Tile, Tile, Tile, Tile]:
    """The words of `block` for 16 indices at once; ``index`` is a multiple of 4. Row k of word c is index 4 k + c.

    Four blocks side by side hide each other's latencies: a row of normals takes 7 ns against 13 one block at a time.
    """
    zero = key[0] ^ key[0]
    return threefry4x32(
        in_fours(zero + index // 4), zero + step, zero + part, zero + update, key[0], key[1], key[2], zero + stream
    )


@kernel
def fill_uniforms(
    out: Rows, first: int, key: Rows, stream: int, index: int, step: int, part: int, update: int, low: Row, width: Row
) -> None:
    """Rows ``first`` ... ``first + 15`` of ``out``: ``low + width * uniform`` from ``index``, a multiple of 4."""
    words = blocks(key, stream, index, step, part, update)
    scatter(out, first, 4, fma(uniform(words[0], low), width, low))
    scatter(out, first + 1, 4, fma(uniform(words[1], low), width, low))
    scatter(out, first + 2, 4, fma(uniform(words[2], low), width, low))
    scatter(out, first + 3, 4, fma(uniform(words[3], low), width, low))


@kernel
def fill_normals(
    out: Rows, first: int, key: Rows, stream: int, index: int, step: int, part: int, update: int, mean: Row, std: Row
) -> None:
    """Rows ``first`` ... ``first + 15`` of ``out``: ``mean + std * normal`` from ``index``, a multiple of 4."""
    words = blocks(key, stream, index, step, part, update)
    a, b = normal_pair(words[0], words[1], mean)
    scatter(out, first, 4, fma(a, std, mean))
    scatter(out, first + 1, 4, fma(b, std, mean))
    a, b = normal_pair(words[2], words[3], mean)
    scatter(out, first + 2, 4, fma(a, std, mean))
    scatter(out, first + 3, 4, fma(b, std, mean))
