"""Random numbers: the published words, the documented layout of streams, distributions, and independence.

Distributions and independence are judged on fixed streams, so nothing here flickers: a p-value below `ALARM` = 1e-5
among some two hundred looked at is a fault. Each judge is also shown a broken generator, and must notice it.
"""

from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gansim.kernels import random
from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.lanes import LANES, aligned, rows, words
from gansim.kernels.random import DRAWN, fill_normals, fill_uniforms, normal_pair, threefry4x32, uniform
from helpers import reference as ref

DTYPES = [np.float32, np.float64]
L = LANES[np.dtype(np.float32)]
ALARM = 1e-5


@entry_point
def cipher(counter, key, like, out):
    """Threefry of the columns of ``counter`` and ``key`` (4, L); ``like`` is any float array of the lanes' width."""
    view = rows(like)
    x, k, o = words(counter, view), words(key, view), words(out, view)
    o[0], o[1], o[2], o[3] = threefry4x32(x[0], x[1], x[2], x[3], k[0], k[1], k[2], k[3])


@entry_point
def convert(given, out):
    """Words ``given (2, L)`` as uniforms, rows 0 and 1 of ``out``, and as a pair of normals, rows 2 and 3."""
    o = rows(out)
    w = words(given, o)
    o[0], o[1] = uniform(w[0], o[0]), uniform(w[1], o[0])
    o[2], o[3] = normal_pair(w[0], w[1], o[0])


@entry_point
def fill(normal, out, first, last, key, scales, stream, index, step, part, update):
    """Rows ``first`` ... ``last - 1`` of ``out``, DRAWN at a time, from ``index``; ``scales``: location and scale."""
    o, s = rows(out), rows(scales)
    k = words(key, o)
    for row in range(first, last, DRAWN):
        if normal:
            fill_normals(o, row, k, stream, index + row - first, step, part, update, s[0], s[1])
        else:
            fill_uniforms(o, row, k, stream, index + row - first, step, part, update, s[0], s[1])


def keys(seed, reps):
    """What kernels know of seed and replicates: (3, L) words."""
    out = aligned((3, len(reps)), np.uint32)
    out[0], out[1], out[2] = seed & 0xFFFFFFFF, seed >> 32, reps
    return out


def draws(kind, n, *, dtype=np.float32, seed=0, reps=None, stream=0, index=0, step=0, part=0, update=0, scales=(0, 1)):
    """`n` draws of each replicate: (n, L)."""
    lanes = LANES[np.dtype(dtype)]
    padded = -(-n // DRAWN) * DRAWN
    out, block = aligned((padded, lanes), dtype), aligned((2, lanes), dtype)
    block[:] = np.reshape(scales, (2, -1))
    key = keys(seed, range(lanes) if reps is None else reps)
    fill(kind == "normal", out, 0, padded, key, block, stream, index, step, part, update)
    return out[:n]


# --- the cipher and the numbers made of it ------------------------------------------------------

# Salmon et al. 2011, Random123's tests/kat_vectors, "threefry4x32 20": zeros, ones, digits of pi.
KNOWN_ANSWERS = [  # counter, key, output
    ("00000000" * 4, "00000000" * 4, "9c6ca96ae17eae66fc10ecd45256a7d8"),
    ("ffffffff" * 4, "ffffffff" * 4, "2a88169657012287f6c7446ea16a6732"),
    ("243f6a8885a308d313198a2e03707344", "a4093822299f31d0082efa98ec4e6c89", "59cd1dbbb887957986b5d00cac8b6d84"),
]


def column(digits):
    return np.array([int(digits[start : start + 8], 16) for start in range(0, 32, 8)], np.uint32)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threefry_gives_the_published_words_in_every_lane(dtype):
    lanes = LANES[np.dtype(dtype)]
    for shift in range(lanes):
        order = [KNOWN_ANSWERS[(lane + shift) % 3] for lane in range(lanes)]
        counter, key, out = (aligned((4, lanes), np.uint32) for _ in range(3))
        counter[:], key[:] = (np.stack([column(answer[i]) for answer in order], axis=1) for i in (0, 1))
        cipher(counter, key, aligned((1, lanes), dtype), out)
        np.testing.assert_array_equal(out, np.stack([column(answer[2]) for answer in order], axis=1))


def test_threefry_is_the_oracles_on_any_words():
    rng = np.random.default_rng(0)
    lanes = LANES[np.dtype(np.float32)]
    for _ in range(20):
        counter, key, out = (aligned((4, lanes), np.uint32) for _ in range(3))
        counter[:], key[:] = rng.integers(0, 2**32, (2, 4, lanes))
        cipher(counter, key, aligned((1, lanes), np.float32), out)
        for lane in range(lanes):
            np.testing.assert_array_equal(out[:, lane], ref.threefry4x32(key[:, lane], counter[:, [lane]])[:, 0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_word_makes_a_0_a_1_or_an_infinity(dtype):
    lanes = LANES[np.dtype(dtype)]
    given, out = aligned((2, lanes), np.uint32), aligned((4, lanes), dtype)
    ends = [0, 1, 511, 512, 2**31 - 1, 2**31, 2**32 - 512, 2**32 - 1]
    for start in range(0, 8, min(lanes, 8)):
        some = slice(start, start + min(lanes, 8))
        given[0, : min(lanes, 8)], given[1, : min(lanes, 8)] = ends[some], ends[::-1][some]
        convert(given, out)
        np.testing.assert_array_equal(out[:2], ((given >> 9) + 0.5) / 2**23)  # exact in float32 as well
        assert out[:2].min() == 2.0**-24 and out[:2].max() == 1 - 2.0**-24
        assert np.isfinite(out).all() and np.abs(out[2:]).max() < 5.77
    for start in range(0, 16, lanes):
        given[0], given[1] = 0, np.arange(start, start + lanes) << 28  # the longest radius, all around
        convert(given, out)
        np.testing.assert_allclose(np.hypot(out[2], out[3]), np.sqrt(48 * np.log(2)), rtol=3e-7)


# --- where a number comes from ------------------------------------------------------------------

ADDRESSES = [
    {},
    {"seed": 1},
    {"seed": 2**32 + 7},
    {"seed": 2**64 - 1},
    {"stream": random.EVAL_NOISE + random.REFEREE},
    {"step": 12_345},
    {"part": 7},
    {"update": 99},
    {"seed": 3 << 40, "stream": random.NOISE_G, "step": 10**8, "part": 2, "update": 3},
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_streams_are_the_oracles(dtype, address):
    """The documented layout of key and counter, by an implementation of its own; replicates up to 2^32 - 1."""
    reps = np.random.default_rng(1).integers(0, 2**32, LANES[np.dtype(dtype)])
    reps[:3] = 0, 1, 2**32 - 1
    uniforms, normals = (draws(kind, 24, dtype=dtype, reps=reps, **address) for kind in ("uniform", "normal"))
    seed, number = address.get("seed", 0), address.get("stream", 0)
    counter = {name: address[name] for name in ("step", "part", "update") if name in address}
    for lane, rep in enumerate(reps.tolist()):
        stream = ref.Stream(seed, rep, number, **counter)
        np.testing.assert_array_equal(uniforms[:, lane], stream.uniforms(24))
        np.testing.assert_allclose(normals[:, lane], stream.normals(24), rtol=0, atol=8 * np.finfo(dtype).eps)


def test_an_index_has_its_number_wherever_a_call_starts():
    whole = {kind: draws(kind, 64) for kind in ("uniform", "normal")}
    for kind, index in (("uniform", 4), ("normal", 12), ("normal", 8)):
        np.testing.assert_array_equal(draws(kind, 16, index=index), whole[kind][index : index + 16])


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_location_and_scale_are_each_lanes_own(kind):
    lanes = LANES[np.dtype(np.float32)]
    scales = np.array([np.linspace(-3, 5, lanes), np.geomspace(0.1, 10, lanes)])
    standard = draws(kind, 16, dtype=np.float32).astype(float)
    found = draws(kind, 16, scales=scales.ravel())
    np.testing.assert_allclose(found, scales[0] + scales[1] * standard, rtol=1e-6, atol=1e-6)


def test_filling_writes_its_rows_and_no_other():
    lanes = LANES[np.dtype(np.float32)]
    out, scales = aligned((5 * DRAWN, lanes), np.float32), aligned((2, lanes), np.float32)
    out[:], scales[1] = np.nan, 1
    fill(True, out, 2 * DRAWN, 3 * DRAWN, keys(0, range(lanes)), scales, 0, 0, 0, 0, 0)
    written = ~np.isnan(out).any(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(written), np.arange(2 * DRAWN, 3 * DRAWN))


def test_no_two_streams_share_a_number():
    names = [name for name in vars(random) if name.isupper() and name not in ("DRAWN", "REFEREE")]
    numbers = [getattr(random, name) for name in names]
    assert len(names) == 16 and set(names) <= set(vars(ref))
    assert all(getattr(random, name) == getattr(ref, name) for name in names)
    assert len({number + shift for number in numbers for shift in (0, random.REFEREE)}) == 2 * len(numbers)
    # A mixture's components come from the stream after its data's.
    for values, component in (
        ("DATA", "DATA_COMPONENT"),
        ("SAMPLE", "SAMPLE_COMPONENT"),
        ("EVAL_DATA", "EVAL_COMPONENT"),
    ):
        assert getattr(random, component) == getattr(random, values) + 1


# --- distributions ------------------------------------------------------------------------------

N = 2**18 // L  # draws of each of the lanes: 262,144 in float32


@cache
def sample(dtype):
    """Uniforms and normals, flat."""
    return [draws(kind, N, dtype=dtype, seed=11).astype(float).ravel() for kind in ("uniform", "normal")]


def moments(x):
    """Two-sided p-values of the first four moments of what should be standard normals."""
    n = x.size
    # Var(x^k) of a standard normal: 1, 2, 15, 96.
    z = [(np.mean(x**k) - mean) / np.sqrt(var / n) for k, mean, var in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96))]
    return 2 * stats.norm.sf(np.abs(z))


def p_values(u, x):
    """Of uniforms: moments, Kolmogorov-Smirnov, chi-square over 1,024 cells; of normals the same; each flat."""
    n = u.size
    z = [(np.mean((u - 0.5) ** k) - m) / np.sqrt(v / n) for k, m, v in ((1, 0, 1 / 12), (2, 1 / 12, 1 / 180))]
    cells = stats.norm.ppf(np.arange(1, 1024) / 1024)
    return {
        "moments of uniforms": 2 * stats.norm.sf(np.abs(z)).min(),
        "distribution of uniforms": stats.kstest(u, "uniform").pvalue,
        "cells of uniforms": stats.chisquare(np.bincount((u * 1024).astype(int), minlength=1024)).pvalue,
        "moments of normals": moments(x).min(),
        "distribution of normals": stats.kstest(x, "norm").pvalue,
        "cells of normals": stats.chisquare(np.bincount(np.searchsorted(cells, x), minlength=1024)).pvalue,
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniforms_and_normals_are_distributed_as_they_should(dtype):
    u, x = sample(dtype)
    found = p_values(u, x)
    assert min(found.values()) > ALARM, found
    assert (u > 0).all() and (u < 1).all() and np.abs(x).max() > 4


WRONG_DISTRIBUTIONS = {
    "uniforms off by a hundredth": lambda u, x: (u * 0.99, x),
    "uniforms of nine bits": lambda u, x: (np.floor(u * 512) / 512, x),
    "normals too wide by a hundredth": lambda u, x: (u, x * 1.01),
    "normals off by a fiftieth": lambda u, x: (u, x + 0.02),
    "normals cut at 3": lambda u, x: (u, np.clip(x, -3, 3)),
    "sums of six uniforms": lambda u, x: (u, (np.random.default_rng(0).random((x.size, 6)).sum(axis=1) - 3) * 2**0.5),
}


@pytest.mark.parametrize("what", WRONG_DISTRIBUTIONS)
def test_a_wrong_distribution_is_noticed(what):
    u, x = sample(np.float32)
    assert min(p_values(*WRONG_DISTRIBUTIONS[what](u, x)).values()) < ALARM


# --- independence -------------------------------------------------------------------------------


def dependence(u, v):
    """Smallest p-value of three looks at pairs of uniforms: correlation, that of distances from 1/2, 16 x 16 cells."""
    u, v = np.ravel(u).astype(float), np.ravel(v).astype(float)
    cells = np.bincount((u * 16).astype(int) * 16 + (v * 16).astype(int), minlength=256)
    folded = np.abs(u - 0.5), np.abs(v - 0.5)
    return min(stats.pearsonr(u, v).pvalue, stats.pearsonr(*folded).pvalue, stats.chisquare(cells).pvalue)


# Streams that differ in one coordinate of their address, from what is drawn to what happens next to it.
NEIGHBOURS = {
    "replicates": [{"reps": range(start, start + L)} for start in (0, 2, 3 * L, 2**31)],
    "streams": [{"stream": stream} for stream in (*range(6), random.REFEREE)],
    "steps": [{"step": step} for step in (0, 1, 2, 255, 65_536)],
    "parts": [{"part": part} for part in (0, 1, 2, 7)],
    "updates": [{"update": update} for update in (0, 1, 2, 64)],
    "seeds": [{"seed": seed} for seed in (0, 1, 2, 2**31, 2**32)],
    "words of the counter": [{"step": 1}, {"part": 1}, {"update": 1}, {"index": 4}],
}


@pytest.mark.parametrize("what", NEIGHBOURS)
def test_streams_are_independent(what):
    streams = [draws("uniform", 2048, **address) for address in NEIGHBOURS[what]]
    assert min(dependence(u, v) for u, v in combinations(streams, 2)) > ALARM


def test_a_1_in_one_word_of_key_or_counter_is_not_a_1_in_another():
    """Replicate 0 but for the one whose replicate is 1; one lane, because the others would be the same run again."""
    first = [1, *range(101, 100 + L)]
    places = [{"seed": 1}, {"seed": 1 << 32}, {"reps": first}, {"stream": 1}, {"step": 1}, {"part": 1}, {"update": 1}]
    streams = [draws("uniform", 4096, **place)[:, 0] for place in places]
    assert min(dependence(u, v) for u, v in combinations(streams, 2)) > ALARM


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 5, 8, 16])
def test_a_stream_is_independent_of_itself_later(lag):
    u = draws("uniform", N, seed=5)
    assert dependence(u[:-lag], u[lag:]) > ALARM


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_lanes_are_independent(distance):
    u = draws("uniform", N, seed=6)
    assert dependence(u[:, :-distance], u[:, distance:]) > ALARM
    assert dependence(u[:-1, :-distance], u[1:, distance:]) > ALARM


def test_the_two_normals_of_a_pair_are_independent():
    """Also their sum's distribution and their squares: Box and Muller's cosine and sine share radius and turn."""
    x = draws("normal", N, seed=7).astype(float)
    for u, v in ((x[0::2], x[1::2]), (x[0::4], x[2::4]), (x[1::4], x[2::4])):
        assert dependence(stats.norm.cdf(u), stats.norm.cdf(v)) > ALARM
        assert stats.kstest((u + v).ravel() / np.sqrt(2), "norm").pvalue > ALARM
        assert stats.pearsonr((u**2).ravel(), (v**2).ravel()).pvalue > ALARM


# --- broken generators --------------------------------------------------------------------------


def wide_uniforms(old="", new=""):
    """The generator as plain NumPy with some text of its source replaced: a function of (stream, step, part, update).

    In NumPy a row has any width, so every replicate is a lane: 4 indices x 16,384 replicates.
    """
    source = Path(random.__file__).read_text(encoding="utf-8")
    assert old in source
    source = source.replace("from gansim.kernels.compiling.jit import kernel", "kernel = lambda function: function")
    namespace = {}
    exec(compile(source.replace(old, new), "broken random", "exec"), namespace)
    key, zero = keys(0, range(2**14)), np.zeros(2**14, np.float32)

    def uniforms(stream=0, step=0, part=0, update=0, index=0):
        four = namespace["block"](key, stream, index, step, part, update)
        return np.stack([namespace["uniform"](word, zero) for word in four])

    return uniforms


def test_the_plain_generator_is_the_compiled_one():
    found = wide_uniforms()(stream=3, step=2, part=1, update=4, index=8)
    np.testing.assert_array_equal(found[:, :L], draws("uniform", 8, stream=3, step=2, part=1, update=4, index=8)[:4])


# What is broken: the text, what it becomes, and two draws that then depend on each other.
BROKEN = {
    "the step is not counted": ("zero + step,", "zero,", {}, {"step": 1}),
    "updates reuse the next step's counters": (
        "zero + step, zero + part, zero + update",
        "zero + step + update, zero + part, zero",
        {"update": 1},
        {"step": 1},
    ),
    "the part is not counted": ("zero + part,", "zero,", {}, {"part": 1}),
    "the stream is not counted": ("zero + stream", "zero", {}, {"stream": 1}),
    "four rounds of twenty": (
        "    x0, x1, x2, x3 = _odd_rounds(x0 + k1, x1 + k2, x2 + k3, x3 + k4 + 1)\n",
        "    return x0, x1, x2, x3\n",
        {},
        {"step": 1},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_generator_is_noticed(what):
    old, new, one, other = BROKEN[what]
    sound, broken = wide_uniforms(), wide_uniforms(old, new)
    assert dependence(broken(**one), broken(**other)) < ALARM < dependence(sound(**one), sound(**other))


def test_dependence_between_replicates_is_noticed():
    """Replicates whose streams overlap by one index, as consecutive seeds of a weak generator might."""
    u = draws("uniform", N, seed=6)
    shifted = np.stack([np.roll(u[:, 0], lane) for lane in range(L)], axis=1)
    assert dependence(shifted[:, 0], shifted[:, 1]) > ALARM  # not at the same index ...
    assert dependence(shifted[:-1, :-1], shifted[1:, 1:]) < ALARM  # ... but at the next, where the test above looks
