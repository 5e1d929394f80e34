"""Spectral normalisation: what is used, what is differentiated, and that power iterations get to the norm."""

import dataclasses

import numpy as np
import pytest

from gansim.engine.bundles import build_bundles, training_plan
from gansim.engine.gradients import gradients
from gansim.engine.players import network_shapes, normalised_layers
from gansim.engine.replay import train
from gansim.errors import ConfigError
from gansim.kernels.networks.architecture import from_rows
from gansim.kernels.networks.player import RAW
from gansim.kernels.training.train import train as train_bundle
from gansim.model.data.distributions import Normal
from gansim.model.dynamics import Consensus, Symplectic, Unrolled
from gansim.model.gan import GAN
from gansim.model.networks import MLP, NormalInit, Xavier
from gansim.model.optimizers import SGD
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from helpers import reference as ref

SEED, REP = 5, 1
BASE = GAN(
    Normal(1, 2),
    generator=MLP((5,), "tanh"),
    discriminator=MLP((4, 5), "tanh"),
    penalties=Penalties(spectral=True),
    optimizer_g=SGD(0.0),
    optimizer_d=SGD(0.0),
    batch_size=16,
    steps=400,
    records=1,
    n_eval=32,
    precision="float64",
)


def stepped(gan, steps):
    """D of the first lane after some steps: parameters that are used and that are moved, and (u, v, sigma) by layer."""
    [bundle] = build_bundles([gan], [REP], SEED)
    train_bundle(bundle.g, bundle.d, bundle.sampler, training_plan(gan), 0, steps)
    net, kept = network_shapes(gan)[1], bundle.d.kept[:, 0]
    own = from_rows(net, kept[RAW * net.n_params : (RAW + 1) * net.n_params])
    vectors = []
    for n_in, n_out, _, at in normalised_layers(net).tolist():
        u, v, sigma = np.split(kept[at : at + n_out + n_in + 1], [n_out, n_out + n_in])
        vectors.append((u.copy(), v.copy(), float(sigma[0])))
    return from_rows(net, bundle.d.theta[:, 0]), own, vectors


def norms(theta):
    return np.array([np.linalg.svd(weights)[1][0] for weights, _ in theta])


def test_power_iterations_get_to_the_largest_singular_value():
    used, own, vectors = stepped(BASE, 400)
    np.testing.assert_allclose([sigma for *_, sigma in vectors], norms(own), rtol=1e-12)
    np.testing.assert_allclose(norms(used), 1, rtol=1e-12)
    for (weights, bias), (raw, same), (u, v, sigma) in zip(used, own, vectors, strict=True):
        np.testing.assert_allclose(weights, raw / sigma, rtol=1e-14)
        np.testing.assert_array_equal(bias, same)
        np.testing.assert_allclose([u @ u, v @ v, u @ raw @ v], [1, 1, sigma], rtol=1e-14)
    # One iteration, before the first step, gets there only where a matrix has one row or one column.
    off = norms(stepped(BASE, 0)[0]) - 1
    assert off[1] > 1e-3 and np.abs(off[[0, 2]]).max() < 1e-14


def test_it_follows_weights_that_change():
    gan = replace(BASE, {"optimizer_g": SGD(0.01), "optimizer_d": SGD(0.05)})
    assert np.abs(norms(train(gan, REP, SEED)[1]) - 1).max() < 1e-3


def test_the_scale_of_weights_is_nothing_to_it():
    thetas = [train(replace(BASE, {"discriminator.init": Xavier(gain), "steps": 3}), 0, 0)[1] for gain in (0.25, 4.0)]
    np.testing.assert_array_equal(*map(ref.flatten, thetas))  # gains are powers of two


def test_weights_that_are_0_stay_where_they_are_and_learn():
    gan = replace(BASE, {"discriminator.init": NormalInit(0), "discriminator.hidden": (), "optimizer_d": SGD(0.1)})
    used, own, [(u, v, sigma)] = stepped(gan, 0)
    assert ref.flatten(used).any() == ref.flatten(own).any() == sigma == 0
    assert u == v == 1
    used, own, _ = stepped(gan, 1)
    assert np.isfinite(ref.flatten(own)).all() and own[0][0] != 0
    assert abs(used[0][0]) == 1


# --- what is differentiated ---------------------------------------------------------------------


def of_one_step(penalties):
    """What one step of plain gradient descent finds: D's gradient; and its loss on that batch, u and v constant."""
    gan = replace(BASE, {"optimizer_d": SGD(1.0), "penalties": dataclasses.replace(penalties, spectral=True)})
    _, before, vectors = stepped(gan, 0)
    _, after, _ = stepped(gan, 1)
    found = ref.unflatten(ref.flatten(before) - ref.flatten(after), before)
    theta_g = ref.initial_parameters(gan.generator, gan.generator_sizes, ref.Stream(SEED, REP, ref.WEIGHTS_G))
    x = ref.real_batch(gan, REP, SEED, 0, 0)
    z = ref.draw_noise(gan, ref.Stream(SEED, REP, ref.NOISE_D), gan.batch)
    between = ref.Stream(SEED, REP, ref.MIXED).uniforms(gan.batch)

    def used(own):
        return [(w / (u @ w @ v), bias) for (w, bias), (u, v, _) in zip(own, vectors, strict=True)]

    def loss(own):
        return gradients(gan, theta_g, used(own), x, z, between).loss_d

    by_used = gradients(gan, theta_g, used(before), x, z, between).grad_d
    return found, ref.numerical_gradient(loss, before), by_used, before, vectors


@pytest.mark.parametrize("penalties", [Penalties(), Penalties(r1=0.3, r2=0.2), Penalties(gradient=0.5)])
def test_the_gradient_is_that_of_normalised_weights(penalties):
    found, expected, by_used, own, vectors = of_one_step(penalties)
    assert ref.gradient_error(found, expected) < ref.TOLERANCE
    # Negative controls: sigma held constant, and another factor before u v^T.
    layers = list(zip(by_used, own, vectors, strict=True))
    constant = [(slope / sigma, bias) for (slope, bias), _, (_, _, sigma) in layers]
    other = [((slope - (u @ slope @ v) * np.outer(u, v)) / sigma, bias) for (slope, bias), _, (u, v, sigma) in layers]
    for wrong in (constant, other):
        assert ref.gradient_error(wrong, expected) > 1e5 * ref.TOLERANCE


# --- what it goes with --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adjustment": Consensus(1), "updates": "simultaneous"}, "adjustment: value Consensus"),
        ({"adjustment": Symplectic(1), "updates": "simultaneous"}, "adjustment: value Symplectic"),
        ({"adjustment": Unrolled(2)}, "adjustment: value Unrolled"),
        ({"d_steps": 0}, "penalties.spectral: value True: False, because d_steps = 0: D is frozen"),
        ({"penalties.clip": 0.1}, "penalties.clip: value 0.1: 0, because spectral normalisation"),
    ],
)
def test_what_it_does_not_go_with(changes, message):
    with pytest.raises(ConfigError, match=message):
        replace(BASE, changes)
