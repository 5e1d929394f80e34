"""The engine's gradients in float64: against central differences of its own losses, the oracle, and closed forms."""

from itertools import product
from typing import get_args

import numpy as np
import pytest

from gansim.engine.gradients import gradients
from gansim.model.data.distributions import Normal
from gansim.model.games import GAMES as RULES
from gansim.model.games import level_of
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Activation
from gansim.model.paths import replace
from helpers import reference as ref

GAMES, ACTIVATIONS = (*RULES, "least-squares(-1, 1, 0.5)"), get_args(Activation)
# Each pair of architectures compiles for seconds, so depth and noise dimension vary together: odd, even, equal widths.
ARCHITECTURES = {0: ((), 1), 1: ((5,), 2), 2: ((5, 4), 1), 3: ((3, 3, 3), 3)}
SLOPES = {"leaky_relu": 0.1, "elu": 0.7}  # not the defaults
BATCHES = (1, 5, 64, 67)
STANDARD = Normal(0, 1)

# With one hidden layer the players differ in activation: each is once G's and once D's in five compiled pairs, of which
# linear, relu and leaky_relu are one. Among the fast tests each is met once, in three pairs, and deeper players are
# piecewise linear: every activation through every pass is in tests/kernels/test_network.py. The rest is slow.
OF_D = {
    "linear": "tanh", "relu": "tanh", "leaky_relu": "tanh",
    "tanh": "sigmoid", "sigmoid": "softplus", "softplus": "elu", "elu": "leaky_relu",
}  # fmt: skip
PIECEWISE = {"linear", "relu", "leaky_relu"}
FAST = {0: set(ACTIVATIONS), 1: PIECEWISE | {"sigmoid", "elu"}, 2: PIECEWISE, 3: PIECEWISE}


def make_mlp(hidden, activation, bias=True):
    return MLP(hidden, activation, SLOPES.get(activation), bias)


def make_gan(game, activation, depth):
    hidden, noise_dim = ARCHITECTURES[depth]
    g, d = make_mlp(hidden, activation), make_mlp(hidden, OF_D[activation] if depth == 1 else activation)
    return GAN(target=STANDARD, noise_dim=noise_dim, generator=g, discriminator=d, game=game)


def numerical(gan, theta_g, theta_d, x, z):
    """Central differences of the engine's own losses: D's gradient, then G's."""

    def allowed(mlp, theta):
        return theta if mlp.bias else [(weights, np.zeros_like(bias)) for weights, bias in theta]

    def loss_d(theta):
        return gradients(gan, theta_g, allowed(gan.discriminator, theta), x, z).loss_d

    def loss_g(theta):
        return gradients(gan, allowed(gan.generator, theta), theta_d, x, z).loss_g

    return ref.numerical_gradient(loss_d, theta_d), ref.numerical_gradient(loss_g, theta_g)


def assert_like_the_oracle(found, expected):
    """Losses and gradients to rounding: found are 4e-15 of the largest entry."""
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-13, atol=1e-15)  # means of both signs
    for mine, theirs in ((found.grad_d, expected.grad_d), (found.grad_g, expected.grad_g)):
        assert [(w.shape, b.shape) for w, b in mine] == [(w.shape, b.shape) for w, b in theirs]
        mine, theirs = ref.flatten(mine), ref.flatten(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13 * np.abs(theirs).max())


CASES = list(product(GAMES, ACTIVATIONS, ARCHITECTURES))
SLOW = [() if activation in FAST[depth] else (pytest.mark.slow,) for _, activation, depth in CASES]


@pytest.mark.parametrize(
    ("number", "game", "activation", "depth"),
    [pytest.param(n, *case, marks=marks) for n, (case, marks) in enumerate(zip(CASES, SLOW, strict=True))],
)
def test_gradients_of_both_players(number, game, activation, depth):
    gan = make_gan(game, activation, depth)
    # Games x activations x depths, with the batch sizes dealt round so that each meets each depth and activation.
    problem = ref.gradient_problem(gan, BATCHES[(number + number // 4) % 4], seed=number)
    found = gradients(gan, *problem)
    assert_like_the_oracle(found, ref.gradients(gan, *problem))
    for_d, for_g = numerical(gan, *problem)
    assert ref.gradient_error(found.grad_d, for_d) < ref.TOLERANCE
    assert ref.gradient_error(found.grad_g, for_g) < ref.TOLERANCE


@pytest.mark.parametrize("n", [*BATCHES, 8, 129, 1000])
@pytest.mark.parametrize("depth", ARCHITECTURES)
def test_any_batch_size(depth, n):
    gan = make_gan("non-saturating", "leaky_relu", depth)
    problem = ref.gradient_problem(gan, n, seed=n)
    assert_like_the_oracle(gradients(gan, *problem), ref.gradients(gan, *problem))


@pytest.mark.parametrize(("of_g", "of_d"), [((), (5, 4)), pytest.param((5, 4), (), marks=pytest.mark.slow)])
def test_without_bias(of_g, of_d):
    g, d = make_mlp(of_g, "leaky_relu", bias=False), make_mlp(of_d, "tanh", bias=False)
    gan = GAN(target=STANDARD, generator=g, discriminator=d, game="minimax")
    problem = ref.gradient_problem(gan, 23)
    found = gradients(gan, *problem)
    assert_like_the_oracle(found, ref.gradients(gan, *problem))
    for mine, expected in zip((found.grad_d, found.grad_g), numerical(gan, *problem), strict=True):
        for (weights, bias), (slopes, _) in zip(mine, expected, strict=True):
            np.testing.assert_allclose(weights, slopes, atol=ref.TOLERANCE)
            np.testing.assert_array_equal(bias, 0)


@pytest.mark.parametrize(
    ("of_g", "depth", "changes"),
    [
        ("leaky_relu", 2, {"generator.slope": 0.0, "discriminator.slope": 0.0}),
        ("leaky_relu", 2, {"generator.slope": 1.0, "discriminator.slope": 1.0}),
        ("elu", 1, {"generator.slope": 2.5, "discriminator.slope": 0.0}),
        pytest.param("softplus", 1, {"discriminator.slope": 2.5}, marks=pytest.mark.slow),  # D's activation is elu
    ],
)
def test_extreme_slopes(of_g, depth, changes):
    gan = replace(make_gan("minimax", of_g, depth), changes)
    problem = ref.gradient_problem(gan, 23)
    assert_like_the_oracle(gradients(gan, *problem), ref.gradients(gan, *problem))


@pytest.mark.parametrize(
    ("logit", "slope"),
    [
        (0.0, -0.5),
        (60.0, -8.756510762696521e-27),
        (660.0, -2.3208225941796008e-287),
        (670.0, 0.0),
        (-75.0, -1.0),
        (1e300, 0.0),
    ],
)
def test_slopes_below_1e_290_are_0(logit, slope):
    """Of a sure D of a single weight; of float32 it is 1e-30, see tests/kernels/test_lanemath.py."""
    gan = make_gan("non-saturating", "linear", 0)
    identity = [(np.ones((1, 1)), np.zeros(1))]
    found = gradients(gan, identity, identity, [logit], [-800.0])
    assert found.grad_d[0][1].item() == pytest.approx(slope, rel=1e-12, abs=0)
    found = gradients(gan, identity, identity, [0.0], [logit])
    assert found.grad_g[0][1].item() == pytest.approx(slope, rel=1e-12, abs=0)


@pytest.mark.slow
@pytest.mark.parametrize(("of_g", "of_d"), list(zip(ACTIVATIONS, np.roll(ACTIVATIONS, 1).tolist(), strict=True)))
def test_deep_players_may_differ_in_activation(of_g, of_d):
    gan = make_gan("non-saturating", "linear", 2)
    gan = replace(gan, {"generator.activation": of_g, "discriminator.activation": of_d})
    problem = ref.gradient_problem(gan, 23)
    assert_like_the_oracle(gradients(gan, *problem), ref.gradients(gan, *problem))


def test_each_activation_is_once_of_each_player():
    assert OF_D.keys() == set(ACTIVATIONS)
    assert set(OF_D.values()) == set(ACTIVATIONS) - {"linear", "relu"}  # which are leaky_relu with slopes of 1 and 0


def test_samples_are_in_data_units_and_any_array_will_do():
    gan = make_gan("minimax", "tanh", 0)
    problem = ref.gradient_problem(gan, 5)
    expected = ref.gradients(gan, *problem)
    scaled = replace(gan, {"target": Normal(500, 5), "standardise": True})
    assert_like_the_oracle(gradients(scaled, *problem._replace(x=500 + 5 * problem.x)), expected)
    flat = problem._replace(x=problem.x[:, 0].tolist(), z=problem.z[:, 0])
    assert_like_the_oracle(gradients(gan, *flat), expected)


def test_arguments_that_do_not_fit_are_refused():
    gan = make_gan("minimax", "tanh", 1)
    theta_g, theta_d, x, z = ref.gradient_problem(gan, 5)
    with pytest.raises(ValueError, match="5 and 4 samples"):
        gradients(gan, theta_g, theta_d, x, z[:4])
    with pytest.raises(ValueError, match="n at least 1"):
        gradients(gan, theta_g, theta_d, x[:0], z[:0])
    with pytest.raises(ValueError, match="z: shape"):
        gradients(gan, theta_g, theta_d, x, z.T)
    with pytest.raises(ValueError, match="theta_d"):
        gradients(gan, theta_g, theta_g, x, z)


# --- closed forms -------------------------------------------------------------------------------


@pytest.mark.parametrize("game", GAMES)
def test_at_equilibrium_nobody_moves(game):
    """p_g = p_data, the very same numbers, and an idle D whose hidden units are alive; V is -log 4 at a logit of 0."""
    gan = make_gan(game, "leaky_relu", 2)
    theta_g, theta_d, _, z = ref.gradient_problem(gan, 64)
    level = level_of(game) or 0.0
    idle = [*theta_d[:-1], (0 * theta_d[-1][0], 0 * theta_d[-1][1] + level)]
    v = -np.log(2 + np.exp(level) + np.exp(-level))  # of a probability: -log 4
    fakes = ref.forward(gan.generator, theta_g, z).output
    found = gradients(gan, theta_g, idle, fakes, z)
    np.testing.assert_allclose(found.v, v, rtol=1e-14)
    np.testing.assert_array_equal(ref.flatten(found.grad_g), 0)
    np.testing.assert_allclose(ref.flatten(found.grad_d), 0, atol=1e-15)
    # Negative control: fakes half a unit off the data leave V alone, but D sees which way to go.
    away = gradients(gan, theta_g, idle, fakes + 0.5, z)
    np.testing.assert_allclose(away.v, v, rtol=1e-14)
    assert np.abs(ref.flatten(away.grad_d)).max() > 1e-2


def affine(a, b):
    return [(np.array([[a]]), np.array([b]))]


@pytest.mark.parametrize("game", ["minimax", "non-saturating", "as-written"])
def test_affine_players_by_school_algebra(game):
    """G(z) = a z + b, D's logit c x + e: every derivative is one line."""
    gan = make_gan(game, "linear", 0)
    a, b, c, e = 1.5, 0.5, -0.7, 0.3
    rng = np.random.default_rng(0)
    x, z = rng.normal(1, 2, (9, 1)), rng.normal(size=(9, 1))
    y = a * z + b
    d_x, d_y = (1 / (1 + np.exp(-(c * t + e))) for t in (x, y))
    v = np.mean(np.log(d_x)) + np.mean(np.log(1 - d_y))
    v_slope = np.array([np.mean((1 - d_x) * x) - np.mean(d_y * y), np.mean(1 - d_x) - np.mean(d_y)])
    d_sign = 1 if game == "as-written" else -1
    loss_g, pull = (np.mean(-np.log(d_y)), 1 - d_y) if game == "non-saturating" else (np.mean(np.log(1 - d_y)), d_y)
    found = gradients(gan, affine(a, b), affine(c, e), x, z)
    np.testing.assert_allclose(found[:3], [v, d_sign * v, loss_g], rtol=1e-14)
    np.testing.assert_allclose(ref.flatten(found.grad_d), d_sign * v_slope, rtol=1e-13)
    np.testing.assert_allclose(ref.flatten(found.grad_g), [-np.mean(pull * c * z), -np.mean(pull * c)], rtol=1e-13)


def by_score(game, s, t):
    """Of scores s of reals and t of fakes: D's loss and n times its derivatives, G's loss and n times its slope."""
    if game == "wasserstein":
        return np.mean(t - s), -1 + 0 * s, 1 + 0 * t, -np.mean(t), -1 + 0 * t
    if game == "hinge":
        cost = np.mean(np.where(s < 1, 1 - s, 0) + np.where(t > -1, 1 + t, 0))
        return cost, np.where(s < 1, -1, 0), np.where(t > -1, 1, 0), -np.mean(t), -1 + 0 * t
    a, b, c = {"least-squares": (0, 1, 1)}.get(game, (-1, 1, 0.5))
    return np.mean((s - b) ** 2 + (t - a) ** 2) / 2, s - b, t - a, np.mean((t - c) ** 2) / 2, t - c


@pytest.mark.parametrize("game", ["wasserstein", "hinge", "least-squares", "least-squares(-1, 1, 0.5)"])
def test_affine_players_whose_d_is_no_probability(game):
    gan = make_gan(game, "linear", 0)
    a, b, c, e = 1.5, 0.5, -0.7, 0.3
    rng = np.random.default_rng(0)
    x, z = rng.normal(1, 2, (9, 1)), rng.normal(size=(9, 1))
    y = a * z + b
    loss_d, of_real, of_fake, loss_g, of_g = by_score(game, c * x + e, c * y + e)
    found = gradients(gan, affine(a, b), affine(c, e), x, z)
    np.testing.assert_allclose(found[1:3], [loss_d, loss_g], rtol=1e-14)
    expected = [np.mean(of_real * x + of_fake * y), np.mean(of_real + of_fake)]
    np.testing.assert_allclose(ref.flatten(found.grad_d), expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(ref.flatten(found.grad_g), [np.mean(of_g * c * z), np.mean(of_g * c)], rtol=1e-13)


def test_affine_players_whose_outputs_are_compared():
    """Only differences count, so D's bias has no gradient."""
    a, b, c, e = 1.5, 0.5, -0.7, 0.3
    rng = np.random.default_rng(0)
    x, z = rng.normal(1, 2, (9, 1)), rng.normal(size=(9, 1))
    y = a * z + b
    one = gradients(make_gan("relativistic", "linear", 0), affine(a, b), affine(c, e), x, z)
    wrong = 1 / (1 + np.exp(c * (x - y)))  # how far D is from sure that the real one is real
    np.testing.assert_allclose(one[1:3], [-np.mean(np.log(1 - wrong)), -np.mean(np.log(wrong))], rtol=1e-13)
    np.testing.assert_allclose(ref.flatten(one.grad_d), [-np.mean(wrong * (x - y)), 0], rtol=1e-13, atol=1e-15)
    pull = -c * (1 - wrong)
    np.testing.assert_allclose(ref.flatten(one.grad_g), [np.mean(pull * z), np.mean(pull)], rtol=1e-13)
    mean = gradients(make_gan("relativistic-average", "linear", 0), affine(a, b), affine(c, e), x, z)
    low, high = 1 / (1 + np.exp(c * (x - y.mean()))), 1 / (1 + np.exp(-c * (y - x.mean())))
    loss_d, loss_g = -np.mean(np.log(1 - low) + np.log(1 - high)), -np.mean(np.log(low) + np.log(high))
    np.testing.assert_allclose(mean[1:3], [loss_d, loss_g], rtol=1e-13)
    slope = np.mean(-low * (x - y.mean()) + high * (y - x.mean()))
    np.testing.assert_allclose(ref.flatten(mean.grad_d), [slope, 0], rtol=1e-13, atol=1e-15)
    pull = -c * (1 - high) - c * np.mean(1 - low)
    np.testing.assert_allclose(ref.flatten(mean.grad_g), [np.mean(pull * z), np.mean(pull)], rtol=1e-13)


def test_v_of_the_perfect_and_of_the_inverted_discriminator():
    """Reals at 1, fakes at -1, logit c x: V rises to 0 with c, and falls as 2 c without a floor when c is negative."""
    gan = make_gan("non-saturating", "linear", 0)
    x, z = np.ones((5, 1)), np.zeros((5, 1))
    for c in (1.0, 30.0, 600.0):
        perfect = gradients(gan, affine(1.0, -1.0), affine(c, 0.0), x, z)
        inverted = gradients(gan, affine(1.0, -1.0), affine(-c, 0.0), x, z)
        np.testing.assert_allclose(perfect.v, -2 * np.log1p(np.exp(-c)), rtol=1e-13)
        np.testing.assert_allclose(inverted.v, -2 * c - 2 * np.log1p(np.exp(-c)), rtol=1e-13)
        # G against the perfect D: its loss -log D(-1) still has slope -D(1) at the logit; log(1 - D(-1)) has -D(-1).
        np.testing.assert_allclose(perfect.grad_g[0][1], -c / (1 + np.exp(-c)), rtol=1e-13)
        saturating = gradients(make_gan("minimax", "linear", 0), affine(1.0, -1.0), affine(c, 0.0), x, z)
        np.testing.assert_allclose(saturating.grad_g[0][1], -c * np.exp(-c) / (1 + np.exp(-c)), rtol=1e-13)


# --- negative controls --------------------------------------------------------------------------


def scaled_bias(gradient):
    return [*gradient[:-1], (gradient[-1][0], gradient[-1][1] * 1.0001)]


def forgotten_bias(gradient):
    return [(gradient[0][0], 0 * gradient[0][1]), *gradient[1:]]


def summed(gradient):
    return [(64 * weights, 64 * bias) for weights, bias in gradient]


def negated(gradient):
    return [(-weights, -bias) for weights, bias in gradient]


def one_entry(gradient):
    weights = gradient[0][0].copy()
    weights[0, 0] += 1e-7
    return [(weights, gradient[0][1]), *gradient[1:]]


@pytest.mark.parametrize("wrong", [scaled_bias, forgotten_bias, summed, negated, one_entry])
def test_both_checks_notice_a_wrong_gradient(wrong):
    gan = make_gan("non-saturating", "leaky_relu", 2)
    problem = ref.gradient_problem(gan, 64)
    found = gradients(gan, *problem)
    expected = ref.gradients(gan, *problem)
    for player, slopes in zip(("grad_d", "grad_g"), numerical(gan, *problem), strict=True):
        spoilt = wrong(getattr(found, player))
        assert ref.gradient_error(getattr(found, player), slopes) < ref.TOLERANCE
        assert ref.gradient_error(spoilt, slopes) > 10 * ref.TOLERANCE
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            assert_like_the_oracle(expected._replace(**{player: spoilt}), expected)


def test_the_checks_notice_another_game_activation_or_slope():
    gan = make_gan("minimax", "leaky_relu", 2)
    problem = ref.gradient_problem(gan, 64)
    expected = ref.gradients(gan, *problem)
    for path, value in {
        "game": "non-saturating",
        "generator.slope": 0.10001,
        "discriminator.slope": 0.10001,
    }.items():
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            assert_like_the_oracle(gradients(replace(gan, {path: value}), *problem), expected)
