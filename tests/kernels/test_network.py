"""Networks on lanes: forward, backward and backward to the input, against the NumPy oracle in every lane.

Each shape compiles for a second or two, so a handful of shapes covers 0 to 4 hidden layers, widths 1, 2, 3 and 17,
inputs and outputs from 1 to 8, with and without biases. One shape meets every activation, the others one each (the deep
ones those that compile in half the time), and every lane has parameters, a slope and samples of its own.
"""

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.lanes import LANES, T, aligned, rows, tiles
from gansim.kernels.networks.architecture import (
    CODES,
    PIECEWISE,
    TANH,
    Layer,
    Net,
    from_rows,
    to_rows,
)
from gansim.kernels.networks.layers import WIDE
from gansim.kernels.networks.passes import backward, backward_to_input, forward, passes_of
from gansim.kernels.networks.player import (
    INPUT_SCALE,
    N_SETTINGS,
    OUTPUT_SCALE,
    SLOPE,
    Player,
    Sizes,
    clear,
    copy_units,
    opened,
    output_unit,
)
from gansim.model.networks import MLP, Activation
from helpers import reference as ref

ACTIVATIONS = get_args(Activation)
SHAPES = [
    ((1, 1), True),
    ((8, 2), False),
    ((2, 17, 1), True),
    ((3, 2, 1, 8), False),
    ((4, 3, 2, 1, 6), True),
    ((1, 2, 17, 3, 1, 5), True),
    ((2, WIDE + 5, WIDE + 2, 1), True),  # sums in two parts; units in pairs and one left over
]
WITH = ["leaky_relu", "relu", "linear", "sigmoid", "tanh", "leaky_relu", "linear"]
MAIN = ((2, 17, 1), True)


@entry_point
def through(player, n):
    """Go forward, backward and backward to the input with n tiles; return the first output among the units."""
    p = opened(player)
    forward(p, n)
    backward(p, n)
    backward_to_input(p, n)
    return output_unit(p)


def passes(net, player, n=1):
    """From inputs in ``h`` and the outputs' derivatives in ``d``: units, what ``grad`` grows by, the inputs' ``d``."""
    sizes = Sizes(net.sizes[0], net.sizes[-1], net.n_units, net.n_params)
    return through(player._replace(sizes=sizes, passes=passes_of(net, player.theta.dtype)), n)


@entry_point
def move(source, start, target, first, n, block, cleared):
    """`copy_units`, then `clear`."""
    copy_units(tiles(source), start, tiles(target), first, n)
    clear(rows(block), cleared)


# --- a problem, and the oracle's answer ---------------------------------------------------------


def lane_mlps(sizes, bias, activation, lanes):
    """One MLP a lane: the same activation, with slopes from end to end of what is allowed."""
    slopes = {"leaky_relu": np.linspace(0, 1, lanes), "elu": np.geomspace(0.1, 3, lanes)}.get(
        activation, [None] * lanes
    )
    return [MLP(sizes[1:-1], activation, slope, bias) for slope in slopes]


def make_player(sizes, bias, activation, dtype=np.float64, seed=0, spread=1.0, scaled=False):
    """A player with random parameters, samples and output derivatives, and the oracle's description of each lane."""
    net, rng = Net(sizes, bias, CODES[activation], scaled), np.random.default_rng(seed)
    lanes = LANES[np.dtype(dtype)]
    mlps = lane_mlps(sizes, bias, activation, lanes)
    if scaled:
        mlps = [replace(mlp, input_scale=0.5 + i, output_scale=i - 2.5) for i, mlp in enumerate(mlps)]
    thetas = [ref.random_parameters(sizes, bias, rng) for _ in range(lanes)]
    player = Player(
        aligned((net.n_params, lanes), dtype),
        aligned((net.n_params, lanes), dtype),
        aligned((1, lanes), dtype),
        aligned((net.n_units, T, lanes), dtype),
        aligned((net.n_units, T, lanes), dtype),
        aligned((N_SETTINGS, lanes), dtype),
        aligned((1, lanes), dtype),
        0,
        False,
        None,
        None,
    )
    player.theta[:] = np.stack([to_rows(theta, bias) for theta in thetas], axis=1)
    player.h[: sizes[0]] = rng.normal(size=(sizes[0], T, lanes)) * spread
    player.d[-sizes[-1] :] = rng.normal(size=(sizes[-1], T, lanes))
    player.settings[INPUT_SCALE] = [mlp.input_scale for mlp in mlps]
    player.settings[OUTPUT_SCALE] = [mlp.output_scale for mlp in mlps]
    player.settings[SLOPE] = [float(activation == "linear") or mlp.slope_value for mlp in mlps]
    return net, player, mlps


def oracle(net, player, mlps, lane):
    """Outputs (T, n_out), flat parameter gradient, input gradient (T, n_in) of one lane, in float64."""
    theta = from_rows(net, player.theta[:, lane].astype(float))
    x, d = (units[..., lane].T.astype(float) for units in (player.h[: net.sizes[0]], player.d[-net.sizes[-1] :]))
    done = ref.forward(mlps[lane], theta, x)
    grad, d_x = ref.backward(mlps[lane], theta, done, d)
    return done.output, to_rows(grad, net.bias), d_x


def worst(net, player, mlps, start=0.0):
    """Largest differences from the oracle over all lanes, relative to the largest number of each kind."""
    answers = [oracle(net, player, mlps, lane) for lane in range(len(mlps))]
    passes(net, player)
    found = [0.0, 0.0, 0.0]
    for lane, (output, grad, d_x) in enumerate(answers):
        mine = (
            player.h[-net.sizes[-1] :, :, lane].T,
            player.grad[:, lane] - start,
            player.d[: net.sizes[0], :, lane].T,
        )
        for kind, (value, expected) in enumerate(zip(mine, (output, grad, d_x), strict=True)):
            off = np.abs(value - expected).max() / max(1, np.abs(expected).max())
            found[kind] = max(found[kind], float(off))
    return found


@pytest.mark.parametrize(
    ("sizes", "bias", "activation"),
    [(*MAIN, activation) for activation in ACTIVATIONS]
    + [(*shape, activation) for shape, activation in zip(SHAPES, WITH, strict=True)],
)
def test_passes_agree_with_the_oracle(sizes, bias, activation):
    """Found are 2e-15, and 2e-14 deep in the activations' tails, where the terms of a sum are 30 times its size."""
    for seed, spread, limit in ((0, 1.0, 1e-14), (1, 30.0, 1e-13)):
        assert max(worst(*make_player(sizes, bias, activation, seed=seed, spread=spread))) < limit


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_scaled_network_agrees_with_the_oracle(number):
    """Without a hidden layer, with one, with two; a single input and several, one output and several."""
    net, player, mlps = make_player(*SHAPES[number], WITH[number], scaled=True)
    assert max(worst(net, player, mlps)) < 1e-13
    net, player, mlps = make_player(*SHAPES[number], WITH[number], scaled=True)
    player.settings[[INPUT_SCALE, OUTPUT_SCALE]] *= 1 + 1e-9  # negative control
    assert max(worst(net, player, mlps)) > 1e-10


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_agrees_to_its_own_rounding(activation):
    found = worst(*make_player(*MAIN, activation, np.float32))
    assert 1e-9 < max(found) < 3e-6


@pytest.mark.slow
def test_the_widest_layers():
    for activation in ("leaky_relu", "tanh"):
        assert max(worst(*make_player((2, 512, 512, 3), True, activation))) < 1e-12


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_accumulate(activation):
    """What is in ``grad`` stays in it."""
    net, player, mlps = make_player(*MAIN, activation)
    player.grad[:] = 1.5
    assert max(worst(net, player, mlps, start=1.5)) < 1e-13


@pytest.mark.parametrize("number", [2, 3])
def test_a_block_is_its_tiles_in_turn(number):
    """With one hidden layer and biases, and with two and without."""
    player = (*SHAPES[number], WITH[number])
    net, one, _ = make_player(*player)
    tiles_ = [make_player(*player, seed=seed)[1]._replace(theta=one.theta) for seed in range(3)]
    stacked = {name: np.concatenate([getattr(tile, name) for tile in tiles_]) for name in ("h", "d")}
    block = one._replace(
        grad=np.zeros_like(one.grad), **{name: aligned(x.shape, x.dtype) for name, x in stacked.items()}
    )
    block.h[:], block.d[:] = stacked["h"], stacked["d"]
    passes(net, block, 3)
    for tile in tiles_:
        tile.grad[:] = 0
        passes(net, tile)
    np.testing.assert_allclose(block.grad, sum(tile.grad for tile in tiles_), rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(block.h, np.concatenate([tile.h for tile in tiles_]))
    np.testing.assert_array_equal(block.d, np.concatenate([tile.d for tile in tiles_]))


@pytest.mark.parametrize("activation", ["leaky_relu", "relu"])
def test_at_a_kink_the_slope_is_that_from_the_left(activation):
    """Weights and inputs for which the sums of all hidden units are 0."""
    net, player, mlps = make_player(*MAIN, activation)
    player.theta[:51] = 0  # of the hidden layer
    expected = [oracle(net, player, mlps, lane) for lane in range(len(mlps))]
    passes(net, player)
    for lane, (_, grad, _) in enumerate(expected):
        np.testing.assert_allclose(player.grad[:, lane], grad, rtol=1e-13, atol=1e-14)
    # The hidden biases' gradients are the slopes times what arrives: 0 in the lane with slope 0.
    arrives = player.d[-1].sum(axis=0) * player.theta[51:68]
    np.testing.assert_allclose(player.grad[34:51], arrives * player.settings[SLOPE], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_nan_stays_in_its_lane(activation):
    """And is not swallowed by a maximum."""
    net, clean, _ = make_player(*MAIN, activation)
    _, spoilt, _ = make_player(*MAIN, activation)
    spoilt.theta[0, 3] = np.nan
    passes(net, clean)
    with np.errstate(invalid="ignore"):
        passes(net, spoilt)
    assert np.isnan(spoilt.h[-1, :, 3]).all()
    for mine, theirs in ((spoilt.h, clean.h), (spoilt.grad, clean.grad), (spoilt.d, clean.d)):
        assert np.delete(mine, 3, -1).tobytes() == np.delete(theirs, 3, -1).tobytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda net, p: (net, p._replace(theta=p.theta * (1 + 1e-9))),
        lambda net, p: (net, p._replace(settings=p.settings + 1e-9)),
        lambda net, p: (net, p._replace(h=np.roll(p.h, 1, axis=1))),
        lambda net, p: (net, p._replace(d=np.roll(p.d, 1, axis=2))),
        lambda net, p: (Net(net.sizes, net.bias, TANH), p),
        lambda net, p: (net, p._replace(grad=p.grad + 1e-9)),
    ],
)
def test_the_comparison_notices(spoil):
    """Parameters or slopes off by a billionth, samples or lanes in another order, another activation, a forgotten 0."""
    net, player, mlps = make_player(*MAIN, "leaky_relu")
    answers = [oracle(net, player, mlps, lane) for lane in range(len(mlps))]
    other, wrong = spoil(net, player)
    passes(other, wrong)
    off = [np.abs(wrong.grad[:, lane] - grad).max() for lane, (_, grad, _) in enumerate(answers)]
    assert max(off) > 1e-10


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="unknown activation"):
        Net(*MAIN, 99)


# --- layout -------------------------------------------------------------------------------------


def test_where_layers_lie():
    with_bias, without = Net((2, 3, 1), True, TANH), Net((2, 3, 1), False, TANH)
    assert with_bias.layers == [Layer(2, 3, 0, 6, 0, 2), Layer(3, 1, 9, 12, 2, 5)]
    assert without.layers == [Layer(2, 3, 0, 6, 0, 2), Layer(3, 1, 6, 9, 2, 5)]
    assert (with_bias.n_params, without.n_params) == (13, 9)
    assert with_bias.n_units == without.n_units == 6


@pytest.mark.parametrize(("sizes", "bias"), SHAPES)
def test_layers_fill_parameters_and_units_without_gap_or_overlap(sizes, bias):
    net = Net(sizes, bias, TANH)
    params, units = np.zeros(net.n_params, int), np.zeros(net.n_units, int)
    units[: sizes[0]] += 1
    for n_in, n_out, weight, offset, x, y in net.layers:
        params[weight : weight + n_in * n_out] += 1
        params[offset : offset + n_out * bias] += 1
        units[y : y + n_out] += 1
        assert y == x + n_in
    assert (params == 1).all() and (units == 1).all()
    assert [(layer.n_in, layer.n_out) for layer in net.layers] == list(pairwise(sizes))


def test_the_first_output_is_told():
    for sizes, bias in SHAPES[:2]:
        net, player, _ = make_player(sizes, bias, "tanh")
        assert passes(net, player) == net.n_units - sizes[-1]


def test_passes_lie_where_they_lay():
    """Machine code is held: an address that has been given stays good; another network or precision has another."""
    net = Net(*MAIN, TANH)
    there = [passes_of(net, "float64"), passes_of(net, "float32"), passes_of(Net(*MAIN, PIECEWISE), "float64")]
    assert len(set(there)) == 3
    assert passes_of(Net(*MAIN, TANH), np.dtype(np.float64)) == there[0]


def test_parameters_lie_flat_row_by_row_bias_after_weights():
    layers = [([[1, 2], [3, 4], [5, 6]], [7, 8, 9]), ([[10, 11, 12]], [13])]
    np.testing.assert_array_equal(to_rows(layers, True), np.arange(1, 14))
    np.testing.assert_array_equal(to_rows(layers, False), [1, 2, 3, 4, 5, 6, 10, 11, 12])


@pytest.mark.parametrize(("sizes", "bias"), SHAPES)
def test_to_rows_and_back(sizes, bias):
    theta = ref.random_parameters(sizes, bias, np.random.default_rng(0))
    net, flat = Net(sizes, bias, TANH), to_rows(theta, bias)
    assert flat.shape == (net.n_params,)
    back = from_rows(net, flat)
    for (weights, offsets), (expected, expected_offsets) in zip(back, theta, strict=True):
        np.testing.assert_array_equal(weights, expected)
        np.testing.assert_array_equal(offsets, expected_offsets)
    np.testing.assert_array_equal(to_rows(back, bias), flat)
    flat[:] = 0  # what came back is a copy
    assert all(weights.any() for weights, _ in back)


def test_copy_units_and_clear_touch_what_they_are_told():
    lanes = LANES[np.dtype(np.float64)]
    source, target, block = (
        aligned((5, T, lanes), np.float64),
        aligned((6, T, lanes), np.float64),
        aligned((4, lanes), np.float64),
    )
    source[:], target[:], block[:] = np.random.default_rng(0).normal(size=source.shape), -1, 7
    move(source, 1, target, 2, 3, block, 3)
    np.testing.assert_array_equal(target[2:5], source[1:4])
    assert (target[[0, 1, 5]] == -1).all()
    np.testing.assert_array_equal(block, [[0.0] * lanes] * 3 + [[7.0] * lanes])


def test_every_activation_has_a_code():
    assert set(CODES) == set(ACTIVATIONS)
    smooth = [code for code in CODES.values() if code != PIECEWISE]
    assert len(set(smooth)) == len(smooth) == 4
