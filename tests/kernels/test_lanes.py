"""Rows and tiles: every operation compiled against its NumPy meaning, to the bit, and no lane sees another.

`on_floats` and `on_words` run all operations of `gansim.kernels.lanes` and store what comes out. Compiled, an operation
is an LLVM instruction; the ``py_func`` of the same function runs the operations as the plain NumPy they also are.
Under ``NUMBA_DISABLE_JIT=1`` the two are one, and the comparison with what NumPy says of whole arrays is left.
"""

import platform
from fractions import Fraction

import numba
import numpy as np
import pytest

from gansim.kernels.compiling import registers
from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.compiling.registers import REGISTER
from gansim.kernels.lanes import (
    LANES,
    OCTET,
    Lanes,
    T,
    View,
    absolute,
    aligned,
    as_rows,
    below,
    bits,
    dot,
    fma,
    from_bits,
    in_fours,
    look_up,
    maximum,
    minimum,
    rows,
    scatter,
    spread,
    sqrt,
    tiles,
    to_float,
    total,
    where_greater,
    words,
)
from gansim.kernels.random import DRAWN

COMPILED = not numba.config.DISABLE_JIT
DTYPES = [np.float32, np.float64]
N_TILES, N_ROWS = 46, 16


@entry_point
def on_floats(given, number, out, short):
    """All operations on floats: ``given`` three tiles and a tile of rows; ``out`` tiles, ``short`` rows of results."""
    x, y, z = tiles(given)[0], tiles(given)[1], tiles(given)[2]
    r, s = rows(given)[3 * T], rows(given)[3 * T + 1]
    o, p = tiles(out), rows(short)
    # Two tiles; tile and row, both ways; tile and scalar, both ways.
    o[0], o[1], o[2], o[3], o[4] = x + y, x + r, r + x, x + number, number + x
    o[5], o[6], o[7], o[8], o[9] = x - y, x - r, r - x, x - 0.1, 0.1 - x
    o[10], o[11], o[12], o[13], o[14] = x * y, x * r, r * x, x * 3, 3 * x
    o[15], o[16], o[17], o[18], o[19] = x / y, x / r, r / x, x / number, number / x
    o[20], o[21], o[22] = -x, sqrt(x), absolute(x)
    o[23], o[24], o[25] = maximum(x, y), maximum(r, x), maximum(x, 0.5)
    o[26], o[27], o[28] = minimum(x, y), minimum(r, x), minimum(0.5, x)
    o[29], o[30], o[31] = where_greater(x, y, y, z), where_greater(x, 0.0, 1.0, z), where_greater(r, x, z, s)
    o[32], o[33] = where_greater(x, number, 0.25, 0.0), where_greater(r, s, x, y)
    o[34], o[35], o[36] = spread(number, x), spread(r, x), spread(z, x)
    o[37] = from_bits(bits(x))
    # What is stored is broadcast as well.
    o[38], o[39], o[40] = 2, r, number
    # Rounded once when compiled, twice by NumPy.
    o[41], o[42], o[43], o[44], o[45] = fma(x, y, z), fma(x, r, z), fma(x, y, s), fma(x, number, -1.0), fma(r, s, x)
    # The same on rows.
    p[0], p[1], p[2], p[3] = r + s, r - 0.1, 3 * r, r / s
    p[4], p[5], p[6], p[7] = -r, maximum(r, s), minimum(s, number), where_greater(r, s, s, 0.5)
    p[8], p[9], p[10], p[11] = sqrt(absolute(r)), from_bits(bits(s)), spread(number, r), total(x, r)
    p[12], p[13], p[14] = fma(r, s, s), dot(x, y, r), dot(x, z, s)
    p[15] = as_rows(tiles(given))[T + 3]


FUSED_TILES, FUSED_ROWS = range(41, 46), range(12, 15)  # where the two meanings round differently
SPREAD_TILES, SPREAD_ROWS = range(34, 37), range(10, 11)  # which NumPy adds to 0: -0 becomes 0


def run(function, given, number=0.7):
    out = aligned((N_TILES * T, given.shape[1]), given.dtype)
    short = aligned((N_ROWS, given.shape[1]), given.dtype)
    with np.errstate(all="ignore"):
        function(given, number, out, short)
    return out.reshape(N_TILES, T, -1), short


def plain(function):
    """The NumPy meaning of an entry point whose operations are all those of lanes.py."""
    return getattr(function, "py_func", function)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.7, np.inf, -np.inf, np.nan, 1e-310, -3e-42, 1e-45, 3e38]


def operands(dtype, seed=0, special=False):
    """Four tiles, the last for its rows: ordinary numbers, or also those that rules are made for."""
    rng, lanes = np.random.default_rng(seed), LANES[np.dtype(dtype)]
    given = aligned((4 * T, lanes), dtype)
    given[:] = rng.normal(size=given.shape) * 2.0 ** rng.integers(-8, 9, given.shape)
    if special:
        given[:] = np.where(rng.random(given.shape) < 0.7, rng.choice(SPECIAL, given.shape), given)
    return given


def assert_same_bits(found, expected):
    """Equal to the last bit, the sign of 0 included; which of the many NaNs it is does not count."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), nan)
    unsigned = f"u{found.itemsize}"
    np.testing.assert_array_equal(found[~nan].view(unsigned), expected[~nan].view(unsigned))


# --- compiled and NumPy -------------------------------------------------------------------------


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_operation_compiled_is_its_numpy_meaning(dtype, special):
    for seed in range(20):
        given = operands(dtype, seed, special)
        (out, short), (expected, expected_short) = run(on_floats, given), run(plain(on_floats), given)
        for tile_set, row_set in ((out, short), (expected, expected_short)):
            tile_set[SPREAD_TILES] += 0.0
            row_set[SPREAD_ROWS] += 0.0
        assert_same_bits(np.delete(out, FUSED_TILES, 0), np.delete(expected, FUSED_TILES, 0))
        assert_same_bits(np.delete(short, FUSED_ROWS, 0), np.delete(expected_short, FUSED_ROWS, 0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_are_those_of_numpy_arrays(dtype):
    """The NumPy meaning itself, against expressions that do not go through lanes.py."""
    given, number = operands(dtype, 1), dtype(0.7)
    x, y, z = given[: 3 * T].reshape(3, T, -1)
    r, s = given[3 * T : 3 * T + 2]
    out, short = run(on_floats, given)
    tenth = dtype(0.1)
    expected = [
        x + y, x + r, r + x, x + number, number + x, x - y, x - r, r - x, x - tenth, tenth - x,
        x * y, x * r, r * x, x * dtype(3), dtype(3) * x, x / y, x / r, r / x, x / number, number / x,
        -x, np.sqrt(np.abs(x)), np.abs(x), np.fmax(x, y), np.fmax(r, x), np.fmax(x, dtype(0.5)),
        np.fmin(x, y), np.fmin(r, x), np.fmin(dtype(0.5), x),
    ]  # fmt: skip
    for index, value in enumerate(expected):
        positive = x > 0 if index == 21 else np.ones_like(x, bool)
        assert_same_bits(out[index][positive], value[positive])
    full = np.ones_like(x)
    assert_same_bits(out[31], np.where(r > x, z, s))
    assert_same_bits(out[33], np.where(r > s, x, y))
    assert_same_bits(out[34:40], np.stack([number * full, r * full, z, x, 2 * full, r * full]))
    assert_same_bits(short[15], y[3])
    added_up = r  # in order, the first sample first
    for sample in x:
        added_up = added_up + sample
    assert_same_bits(short[11], added_up)


@pytest.mark.skipif(not COMPILED, reason="NumPy rounds an fma twice")
@pytest.mark.parametrize("dtype", DTYPES)
def test_fma_rounds_once(dtype):
    given = operands(dtype, 2)
    x, y, z = given[: 3 * T].reshape(3, T, -1)
    z[:] = -(x * y)  # so that only what the product's rounding dropped is left
    operand = [[Fraction(value) for value in tile.ravel().tolist()] for tile in (x, y, z)]
    exact = [a * b + c for a, b, c in zip(*operand, strict=True)]
    found = run(on_floats, given)[0][41].ravel().tolist()
    assert [Fraction(value) for value in found] == exact  # the rest of a product always fits
    # Negative control: rounding twice leaves nothing at all, and so is wrong nearly everywhere.
    twice = run(plain(on_floats), given)[0][41]
    assert (twice == 0).all() and np.mean([truth != 0 for truth in exact]) > 0.9


@pytest.mark.parametrize("dtype", DTYPES)
def test_fma_and_dot_agree_with_numpy_to_rounding(dtype):
    given, eps = operands(dtype, 3), np.finfo(dtype).eps
    x, y, z = given[: 3 * T].reshape(3, T, -1).astype(np.longdouble)
    r, s = given[3 * T : 3 * T + 2].astype(np.longdouble)
    number = np.longdouble(dtype(0.7))
    out, short = run(on_floats, given)
    sums = [(x * y, z), (x * r, z), (x * y, s), (x * number, -1.0), (r * s, x)]
    for index, (product, addend) in zip(FUSED_TILES, sums, strict=True):
        assert (np.abs(out[index] - (product + addend)) <= eps * (np.abs(product) + np.abs(addend))).all()
    assert (np.abs(short[12] - (r * s + s)) <= eps * (np.abs(r * s) + np.abs(s))).all()
    for index, other, start in ((13, y, r), (14, z, s)):
        terms = np.concatenate([start[None], x * other])  # nine terms, eight roundings of a partial sum each
        assert (np.abs(short[index] - terms.sum(axis=0)) <= T * eps * np.abs(terms).sum(axis=0)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_dot_adds_the_first_sample_first(dtype):
    """1e30 - 1e30 + 1, in that order, is 1; in nearly any other it is 0."""
    given = operands(dtype)
    x, y, _ = given[: 3 * T].reshape(3, T, -1)
    x[:], y[:], given[3 * T] = 0, 1, 1e30
    x[0], x[1] = -1e30, 1
    assert (run(on_floats, given)[1][13] == 1).all()
    x[0], x[1] = 1, -1e30
    assert (run(on_floats, given)[1][13] == 0).all()


# --- rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_rules_for_nan_and_for_signed_zeros(dtype):
    """Maximum and minimum give their second operand unless the first wins; where_greater then gives its last."""
    given = operands(dtype)
    x, y, z = given[: 3 * T].reshape(3, T, -1)
    x[:], y[:], z[:], given[3 * T :] = np.nan, 2, 3, np.nan
    out, short = run(on_floats, given)
    assert (out[23] == 2).all() and (out[26] == 2).all()  # maximum(x, y), minimum(x, y)
    assert (out[25] == dtype(0.5)).all()  # maximum(x, 0.5)
    assert np.isnan(out[[24, 27, 28]]).all()  # maximum(r, x), minimum(r, x), minimum(0.5, x)
    assert (out[29] == 3).all() and (out[30] == 3).all()  # where_greater(x, ...)
    assert np.isnan(short[5]).all() and (short[6] == dtype(0.7)).all() and (short[7] == dtype(0.5)).all()
    x[:], y[:] = 2, np.nan
    out, _ = run(on_floats, given)
    assert np.isnan(out[[23, 26]]).all() and (out[29] == 3).all() and np.isnan(out[[0, 5, 10, 15, 41]]).all()
    x[:], y[:], given[3 * T] = 0.0, -0.0, -0.0
    out, _ = run(on_floats, given)
    assert np.signbit(out[[23, 26, 20]]).all()  # of equals the second; -0
    assert not np.signbit(out[[24, 27]]).any()
    assert np.isnan(out[[15, 16, 17]]).all()  # 0 / 0, without an exception
    x[:] = -1
    out, _ = run(on_floats, given)
    assert np.isnan(out[21]).all() and np.isposinf(out[15]).all()  # sqrt(-1), -1 / -0


def mixing_lanes(function, dtype, seed):
    """Lanes whose new numbers change a bit in any other lane."""
    given, found = operands(dtype, seed), []
    before = run(function, given)
    for lane in range(given.shape[1]):
        for special in (False, True):
            other = aligned(given.shape, dtype)
            other[:] = given
            other[:, lane] = operands(dtype, seed + 100, special)[:, lane]
            for now, then in zip(run(function, other), before, strict=True):
                assert (now[..., lane] != then[..., lane]).any()
                if np.delete(now, lane, -1).tobytes() != np.delete(then, lane, -1).tobytes():
                    found.append(lane)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_do_not_mix(dtype):
    """Whatever happens in one lane, the others keep their bits."""
    for seed in range(3):
        assert mixing_lanes(on_floats, dtype, seed) == []


def test_the_check_notices_lanes_that_mix():
    def leaking(given, number, out, short):
        plain(on_floats)(given, number, out, short)
        short[0, 3] += given[0, 5] * 1e-3  # one number of one row sees one other lane

    assert set(mixing_lanes(leaking, np.float32, 0)) == {5}


@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_are_interchangeable(dtype):
    """A run's bits do not depend on its lane."""
    given, lanes = operands(dtype, 5, special=True), LANES[np.dtype(dtype)]
    order = np.random.default_rng(0).permutation(lanes)
    moved = aligned(given.shape, dtype)
    moved[:] = given[:, order]
    for found, expected in zip(run(on_floats, moved), run(on_floats, given), strict=True):
        assert_same_bits(found, np.ascontiguousarray(expected[..., order]))


# --- bits and unsigned words --------------------------------------------------------------------


@entry_point
def on_words(x, w, out, floats):
    """Operations on unsigned lanes: bit patterns of ``x``, and the uint32 rows ``w``, into ``out`` and ``floats``."""
    view, f = rows(x), rows(floats)
    u, o = words(w, view), words(out, view)
    a, b = u[0], u[1]
    o[0], o[1], o[2], o[3] = a + b, a - b, a & b, a | b
    o[4], o[5], o[6], o[7] = a ^ b, a << 13, a >> 19, (a << 10) | (a >> 22)
    o[8], o[9], o[10], o[11] = a + 7, a ^ 0x1BD11BDA, 0xFFFF & a, a
    o[12], o[13], o[14] = a * b, below(1, a), below(1000, a)
    f[0], f[1] = to_float(a >> 1, view[0]), to_float(b & 1, view[0])
    pattern = bits(tiles(x)[0])
    t = tiles(floats)
    t[1] = from_bits(pattern ^ bits(tiles(x)[1]))
    t[2] = from_bits(pattern + 1)
    t[3] = from_bits((pattern | 1) ^ 1)
    t[4] = to_float(pattern >> (33 if x.itemsize == 8 else 1), tiles(x)[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_words_are_unsigned_and_wrap(dtype):
    lanes, unsigned = LANES[np.dtype(dtype)], np.dtype(f"u{np.dtype(dtype).itemsize}").type
    rng = np.random.default_rng(0)
    x, floats = aligned((2 * T, lanes), dtype), aligned((5 * T, lanes), dtype)
    w, out = aligned((2, lanes), np.uint32), aligned((15, lanes), np.uint32)
    x[:] = rng.normal(size=x.shape)
    w[:] = rng.integers(0, 2**32, w.shape)
    w[:, 0], w[:, 1], w[:, 2] = (0, 1), (2**32 - 1, 1), (2**31, 2**32 - 1)
    on_words(x, w, out, floats)
    a, b = w.astype(np.uint64)
    rotated = (a << np.uint64(10)) | (a >> np.uint64(22))
    expected = [
        a + b, a - b, a & b, a | b, a ^ b, a << np.uint64(13), a >> np.uint64(19), rotated,
        a + np.uint64(7), a ^ np.uint64(0x1BD11BDA), a & np.uint64(0xFFFF), a,
        a * b, np.uint64(0) * a, a * np.uint64(1000) // np.uint64(2**32),
    ]  # fmt: skip
    np.testing.assert_array_equal(out, np.stack(expected).astype(np.uint32))
    np.testing.assert_array_equal(floats[:2], np.stack([a >> np.uint64(1), b & np.uint64(1)]).astype(dtype))
    first, second = x.reshape(2, T, lanes)
    found = floats.reshape(5, T, lanes)
    np.testing.assert_array_equal(found[1].view(unsigned), first.view(unsigned) ^ second.view(unsigned))
    np.testing.assert_array_equal(found[2], np.nextafter(first, np.inf * first))
    np.testing.assert_array_equal(found[3].view(unsigned), first.view(unsigned) & ~unsigned(1))
    shift = unsigned(33 if dtype is np.float64 else 1)
    np.testing.assert_array_equal(found[4], (first.view(unsigned) >> shift).astype(dtype))


@entry_point
def on_tables(x, w, table, out):
    """What stands at places: ``w`` holds uint32 rows, ``table`` numbers; a row and a tile of places."""
    places, found = words(w, rows(x)), rows(out)
    found[0] = look_up(table, places[0])
    scatter(found, 1, 1, look_up(table, in_fours(places[1])))


@pytest.mark.parametrize("dtype", DTYPES)
def test_tables_are_looked_up_lane_by_lane(dtype):
    lanes, rng = LANES[np.dtype(dtype)], np.random.default_rng(0)
    table, x = rng.normal(size=1000).astype(dtype), aligned((T, lanes), dtype)
    w, out = aligned((2, lanes), np.uint32), aligned((5, lanes), dtype)
    w[:] = rng.integers(0, 997, w.shape)
    w[0, 0], w[0, 1] = 0, 999
    on_tables(x, w, table, out)
    np.testing.assert_array_equal(out[0], table[w[0]])
    np.testing.assert_array_equal(out[1:], table[w[1] + np.arange(4)[:, None]])


# --- memory -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint32])
@pytest.mark.parametrize("shape", [(1, 16), (3, 8), (5, T, 16), (7, 3)])
def test_aligned_arrays_start_a_cache_line(shape, dtype):
    for _ in range(20):
        array = aligned(shape, dtype)
        assert array.ctypes.data % 64 == 0
        assert array.shape == shape and array.dtype == dtype and array.flags.c_contiguous and array.flags.writeable
        assert not array.any()
    array[:] = 1  # and it owns all of its memory
    assert array.sum() == np.prod(shape)


def test_a_row_fills_a_register_and_two_tiles_half_of_them():
    assert {dtype.name: lanes * dtype.itemsize for dtype, lanes in LANES.items()} == dict.fromkeys(
        ("float32", "float64"), REGISTER
    )
    assert {64: 32, 32: 16}[REGISTER] // 2 == 2 * T
    assert OCTET % T == 0 and DRAWN % T == 0  # batches and draws are whole tiles


class Features(dict):
    """What LLVM says of a processor."""

    def flatten(self):
        return ",".join(f"{'+' if has else '-'}{name}" for name, has in self.items())


ZEN_3 = Features({"64bit": True, "sse2": True, "avx": True, "avx2": True, "avx512f": False})
ZEN_4 = Features(ZEN_3 | {"avx512f": True})


@pytest.mark.parametrize(
    ("host", "cpu", "features", "avx", "wide"),
    [
        (ZEN_4, None, None, 1, True),
        (ZEN_4, None, None, 0, False),
        (ZEN_3, None, None, 1, False),
        (ZEN_3, "x86-64-v4", "", 1, True),
        (ZEN_3, "znver4", "", 1, True),
        (ZEN_4, "x86-64-v3", "", 1, False),
        (ZEN_4, "generic", "", 1, False),
        (ZEN_3, "generic", "+avx512f", 1, True),
        (ZEN_4, None, "-avx512f", 1, False),
        (ZEN_3, "znver4", None, 1, False),  # the name alone changes no feature: Numba adds those of the host
        (ZEN_4, "haswell", None, 1, True),
        (ZEN_4, "znver4", None, 0, False),
        (ZEN_3, "nobody's", None, 1, False),
    ],
)
@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86-64 processors")
def test_registers_are_those_that_numba_compiles_for(host, cpu, features, avx, wide, monkeypatch):
    for name, value in {"CPU_NAME": cpu, "CPU_FEATURES": features, "ENABLE_AVX": avx}.items():
        monkeypatch.setattr(registers._config, name, value)
    monkeypatch.setattr(registers.binding, "get_host_cpu_name", lambda: "generic")
    monkeypatch.setattr(registers.binding, "get_host_cpu_features", lambda: Features(host))
    assert registers._are_wide() is wide


@pytest.mark.skipif(not COMPILED, reason="plain NumPy needs no types")
def test_what_cannot_be_seen_as_lanes_is_refused():
    """No bare pointer is made of an array that is strided, or of another type than the two precisions."""
    n = LANES[np.dtype("f4")]
    row, tile = Lanes(numba.float32, 1, n), Lanes(numba.float32, T, n)
    assert (row.count, tile.count, View(tile).item) == (n, T * n, tile)
    given, out, short = operands(np.float32), aligned((N_TILES * T, n), "f4"), aligned((N_ROWS, n), "f4")
    for wrong in (np.asfortranarray(given), given[:, ::2], given.astype(np.int32), given.astype(np.float16)):
        with pytest.raises(numba.TypingError):
            on_floats(wrong, 0.7, out, short)
