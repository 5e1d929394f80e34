"""The costs of methods: flops are counted right, the yardstick computes what gansim does, the table says what it found.

No clock decides a test.
"""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import gansim as gs
from gansim.benchmarking import speed
from helpers import reference as ref
from test_layout import ROOT

sys.path.insert(0, str(ROOT / "studies"))
from timing import costs
from timing.flops import step_flops
from timing.methods import METHODS, PLAIN

with_jax = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("jax", "optax"))), reason="JAX, the yardstick, is not installed"
)
COMPARED = [method for method in METHODS if method.jax]
BY_NAME = {method.name: method for method in METHODS}

# --- flops ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (3,), (3, 5), (4, 2, 6)])
def test_flops_of_the_plain_step_are_those_of_the_whole_study(hidden):
    gan = gs.replace(PLAIN, {"generator.hidden": (7,), "discriminator.hidden": hidden, "noise_dim": 2})
    assert step_flops(gan) == speed.step_flops(gan)
    packed = gs.replace(gan, packing=4)
    assert step_flops(packed) == speed.step_flops(packed) <= step_flops(gan)


# Multiply-adds a sample of 1-16-1: 32 with both matrices of a network, 16 with one; the plain step 336, D's half 192.
BY_HAND = {
    "plain": 336,
    "R1": 336 + 32 + 16 + 32,  # D's gradient by its input; R of the hidden units; R of the gradient
    "R2": 336 + 32 + 16 + 32,
    "gradient penalty": 336 + 16 + 32 + 16 + 32,  # the hidden units between reals and fakes
    "spectral normalisation": 336 + 4 * 32 / 64,  # once for all 64 samples
    "packing 2": (32 + 80) + (2 * (3 * 48 - 32) + 2 * 48) / 2,  # D is 2-16-1, and judges half as many
    "extragradient": 2 * 336,
    "relativistic": 336 + 32,  # D sees the reals in G's update
    "unrolled D, 5 steps, first order": 336 + 5 * 192,
    # Back through a step: D on fakes, R forward 48 and to the input 64, G 16 + 32; of all but the first, R of D's
    # gradient 48 and of all that D does on reals 48 + 32 + 48. And D's gradient at the end.
    "unrolled D, 5 steps": 336 + 5 * 192 + 5 * (48 + 64 + 48) + 4 * (48 + 128) + 32,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_flops_by_hand(name):
    assert step_flops(BY_NAME[name].gan) == 2 * 64 * BY_HAND[name]


def test_methods_that_multiply_no_matrices_have_the_flops_of_the_plain_step():
    same = {method.name for method in METHODS if step_flops(method.gan) == step_flops(PLAIN)}
    assert same == {
        *("plain", "instance noise", "past extragradient", "optimistic Adam", "lookahead", "average of G"),
        *("wasserstein", "hinge", "least-squares"),
    }


def small(method, activation="leaky_relu", g=(3,), d=(4,)):
    """The method with networks, a batch and numbers of which a test sees every one."""
    shapes = {"generator": gs.MLP(g, activation), "discriminator": gs.MLP(d, activation)}
    return gs.replace(method.gan, {**shapes, "batch_size": 8, "steps": 3, "records": 1, "precision": "float64"})


@cache
def steps_of_jax(method, gan, *more):
    """What the yardstick makes of three steps from gansim's first parameters, on gansim's batches."""
    theta_g, theta_d = ref.train(gan, REP, SEED, steps=0)
    given = {"g": as_lists(theta_g), "d": as_lists(theta_d), "steps": [draws(gan, step) for step in range(gan.steps)]}
    options = [*replace(method, gan=gan).for_peers(1, 0), *more]
    command = [sys.executable, str(ROOT / "tests/helpers/jax_step.py"), *options]
    environment = os.environ | {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, input=json.dumps(given), env=environment, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    return json.loads(done.stdout)


SHAPES = [("leaky_relu", (3,), (4,)), ("tanh", (3,), (4,)), ("leaky_relu", (3, 2), (4, 5)), ("tanh", (2,), (4, 5, 3))]


@with_jax
@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("method", COMPARED, ids=lambda method: method.name)
def test_flops_are_the_products_of_automatic_differentiation(method, shape):
    gan = small(method, *shape)
    told = steps_of_jax(method, gan, "--tuned")  # one by one, products with a sample are no matrix products
    assert told["flops"] == step_flops(gan) and furthest(gan, told) < 1e-9
    if method.name == "plain":
        for kind in ("consensus", "symplectic"):
            adjusted = gs.replace(gan, updates="simultaneous", adjustment=kind)
            assert told[kind] == step_flops(adjusted) > told["flops"]


# --- the yardstick --------------------------------------------------------------------------------

SEED, REP = 11, 3


def as_lists(theta):
    """Layers as JAX has them: a unit's weights are a column."""
    return [[array(weights.T), array(bias)] for weights, bias in theta]


def array(values):
    return {"array": values.ravel().tolist(), "shape": values.shape}


def draws(gan, step):
    """D's batches of reals, noises and places between, and G's noises, in the order of the yardstick."""
    ahead = gan.updates == "extragradient"
    unrolled = range(256, 256 + gan.adjustment.k) if gan.adjustment else ()

    def noise(stream, update):
        return array(ref.draw_noise(gan, ref.Stream(SEED, REP, stream, step, 0, update), gan.batch))

    batches = []
    for update in (*range(1 + ahead), *unrolled):
        between = ref.Stream(SEED, REP, ref.MIXED, step, 0, update).uniforms(gan.batch)[:, None]
        reals = ref.real_batch(gan, REP, SEED, step, update)
        batches.append([array(reals), noise(ref.NOISE_D, update), array(between)])
    return batches, [noise(ref.NOISE_G, update) for update in range(1 + ahead)]


def furthest(gan, told):
    """The largest difference between any parameter after the steps and the yardstick's."""
    nets = gs.networks(gan, REP, SEED)
    pairs = [(told["g"], nets.theta_g), (told["d"], nets.theta_d)]
    return max(
        np.abs(np.array(found) - expected).max()
        for layers, theta in pairs
        for (w, b), (weights, bias) in zip(layers, theta, strict=True)
        for found, expected in ((w, weights.T), (b, bias))
    )


@with_jax
@pytest.mark.parametrize("method", COMPARED, ids=lambda method: method.name)
def test_the_yardstick_computes_what_gansim_does(method):
    """Three steps in float64; 1e-12 below a root is all that differs, in one of them."""
    gan = small(method)
    told = steps_of_jax(method, gan)
    assert furthest(gan, told) < 1e-9
    # The control: parameters move by 1e-3 a step; another method's are elsewhere.
    other = next(one for one in COMPARED[1:] if one is not method)
    assert furthest(small(other), told) > 1e-6


def test_a_peer_is_told_the_method_and_the_networks():
    told = BY_NAME["unrolled D, 5 steps"].for_peers(1024, 0.5)
    assert told[:6] == ["--method", "unrolled-5", "--generator", "1-16-1", "--discriminator", "1-16-1"]
    assert told[-4:] == ["--gans", "1024", "--steps", "10"]


# --- the table ------------------------------------------------------------------------------------


def test_methods_are_told_apart_and_the_first_is_the_plain_step():
    assert METHODS[0].gan == PLAIN and len(BY_NAME) == len({method.gan for method in METHODS}) == len(METHODS)
    assert {method.name: method.over_jax for method in METHODS if method.over_jax} == {
        "R1": 15, "gradient penalty": 15, "extragradient": 9, "unrolled D, 5 steps": 10,
    }  # fmt: skip


def test_a_cost_is_the_median_of_ratios_taken_in_turn(monkeypatch):
    """Three pairs: the plain step 8, 8 and 6 a second, R1's 4, 2 and 4; gansim 90 and 60, JAX 10 and 5, 10 and 20."""
    pairs = {"plain": [8.0, 8.0, 6.0], "method": [4.0, 2.0, 4.0]}
    pairs |= {"gansim": [90.0, 60.0], "jax": [10.0, 5.0], "jax_tuned": [10.0, 20.0]}
    monkeypatch.setattr(costs, "in_turn", lambda rates, n: {name: np.array(pairs[name]) for name in rates})
    monkeypatch.setattr(speed, "train_rate", lambda *_, **__: 1.0)
    monkeypatch.setattr(costs, "Peer", Ready)
    table, versions = costs.methods([BY_NAME["R1"], BY_NAME["hinge"]], 2, 0, 1, True)
    first, second = table.to_dict("records")
    assert (first["ratio"], first["ratio_low"], first["ratio_high"], first["pairs"]) == (2, 1.5, 4, 5)
    assert first["us"] == pytest.approx(1e6 * speed.BUNDLE / 4)
    assert first["over_flops"] == pytest.approx(2 * 336 / 416) and first["within"] == "no"
    assert (first["over_jax"], first["over_jax_low"], first["over_jax_high"]) == (9, 9, 12)
    assert (first["over_jax_tuned"], first["over_jax_tuned_low"], first["over_jax_tuned_high"]) == (4.5, 3, 9)
    assert first["target_jax"] == 15 and versions == {"jax": "1"}
    assert np.isnan([second[name] for name in ("gansim", "jax", "over_jax_tuned", "target_jax")]).all()


class Ready:
    """A yardstick that is there and never asked."""

    rate = None

    def __init__(self, *_):
        """Whatever the options."""

    def ready(self):
        return {"jax": "1"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing to end."""
