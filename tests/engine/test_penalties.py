"""Penalties on D in float64: against central differences of the engine's own losses, the oracle, and closed forms."""

from itertools import product
from typing import NamedTuple, get_args

import numpy as np
import pytest

from gansim.engine.gradients import gradients
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal, Product
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Activation
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from helpers import reference as ref

ACTIVATIONS = get_args(Activation)
HIDDEN = {0: (), 1: (5,), 2: (5, 4), 3: (3, 3, 3)}
SLOPES = {"leaky_relu": 0.1, "elu": 0.7}  # not the defaults
PENALTIES = {
    "r1": Penalties(r1=0.3),
    "r2": Penalties(r2=0.5),
    "two-sided": Penalties(gradient=0.4, target=0.3),
    "one-sided": Penalties(gradient=0.6, target=0.2, one_sided=True),
    "all": Penalties(r1=0.1, r2=0.2, gradient=0.3, target=0.6),
}
# A loss of four times 67 terms, added up one after the other, is wrong by 1e-14; steps of 6e-6 make 2e-9 of it.
TOLERANCE = 5e-9
PIECEWISE = {"linear", "relu", "leaky_relu"}
BENT = [name for name in ACTIVATIONS if name not in PIECEWISE]


def make_gan(activation, depth, penalties, bias=True, dimension=1, game="non-saturating"):
    """G is the same for all: one network less to compile for each."""
    target = Normal() if dimension == 1 else Product([Normal()] * dimension)
    d = MLP(HIDDEN[depth], activation, SLOPES.get(activation), bias)
    g = MLP((5,), "leaky_relu", 0.3)
    return GAN(target, noise_dim=2, generator=g, discriminator=d, game=game, penalties=penalties)


class Problem(NamedTuple):
    """Where a gradient can be checked; u is how much of the real there is in each point between."""

    theta_g: list
    theta_d: list
    x: np.ndarray
    z: np.ndarray
    u: np.ndarray


def norms(gan, theta, points):
    return np.sqrt((ref.input_gradients(gan.discriminator, theta, points) ** 2).sum(axis=1))


def penalty_problem(gan, n, seed=0):
    """Parameters and n samples, such that penalties and losses have second derivatives around there.

    No point is near a kink of D, and no gradient of D near 0 or the target, where norms have theirs. Redrawn until the
    penalties alone pull at the weights of every layer, which is what a check of them needs, and none is steep.
    """
    for attempt in range(1000):
        rng = np.random.default_rng([seed, attempt])
        theta_g = ref.random_parameters(gan.generator_sizes, True, rng)
        gain = rng.uniform(1, 5)  # sigmoids have slopes of 1/4
        drawn = ref.random_parameters(gan.discriminator_sizes, gan.discriminator.bias, rng)
        theta_d = [(gain * weights, bias) for weights, bias in drawn]
        x, z = rng.normal(size=(20 * n, gan.data_dim)), rng.normal(size=(20 * n, gan.noise_dim))
        u, fakes = rng.uniform(size=20 * n), ref.forward(gan.generator, theta_g, z).output
        clear = ref.far_from_kinks(gan.generator, theta_g, z)
        for points in (x, fakes, u[:, None] * x + (1 - u[:, None]) * fakes):
            norm = norms(gan, theta_d, points)
            clear &= ref.far_from_kinks(gan.discriminator, theta_d, points) & (norm > 0.05)
            clear &= np.abs(norm - gan.penalties.target) > 1e-3
        if clear.sum() < n:
            continue
        x, z, u = (values[clear][:n] for values in (x, z, u))
        problem = Problem(theta_g, theta_d, x, z, u)
        _, pulls = ref.penalties(gan, theta_d, x, ref.forward(gan.generator, theta_g, z).output, u[:, None])
        sizes = [np.abs(weights).max() for weights, _ in pulls]
        if min(sizes) > 1e-4 and max(*sizes, *np.abs(ref.flatten(ref.gradients(gan, *problem).grad_d))) < 1:
            return problem
    raise AssertionError(f"no parameters found at which every layer is pulled at: {gan}")


def numerical(gan, problem):
    """Central differences of the engine's own loss of D."""

    def loss(theta):
        if not gan.discriminator.bias:
            theta = [(weights, 0 * bias) for weights, bias in theta]
        return gradients(gan, **problem._replace(theta_d=theta)._asdict()).loss_d

    return ref.numerical_gradient(loss, problem.theta_d)


def assert_like_the_oracle(found, expected):
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-13, atol=1e-15)
    for mine, theirs in ((found.grad_d, expected.grad_d), (found.grad_g, expected.grad_g)):
        assert [(w.shape, b.shape) for w, b in mine] == [(w.shape, b.shape) for w, b in theirs]
        mine, theirs = ref.flatten(mine), ref.flatten(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13 * np.abs(theirs).max())


# Every penalty x activation x depth, on the line with biases and in the plane without; 3 and 67 samples fill no tile.
# Fast is one hidden layer on the line, any number of leaky ones, and a network of two layers in the plane.
CASES = list(product(PENALTIES, ACTIVATIONS, HIDDEN, (1, 2)))


def is_fast(penalty, activation, depth, dimension):
    if dimension == 1:
        return depth == 1 or activation == "leaky_relu"
    return depth == 2 and activation == "tanh"


@pytest.mark.parametrize(
    ("number", "penalty", "activation", "depth", "dimension"),
    [
        pytest.param(number, *case, marks=() if is_fast(*case) else pytest.mark.slow)
        for number, case in enumerate(CASES)
    ],
)
def test_gradients_with_penalties(number, penalty, activation, depth, dimension):
    game = ("non-saturating", "hinge")[number // 2 % 2]
    gan = make_gan(activation, depth, PENALTIES[penalty], dimension == 1, dimension, game)
    problem = penalty_problem(gan, (3, 8, 67)[number % 3], seed=number)
    found = gradients(gan, **problem._asdict())
    assert_like_the_oracle(found, ref.gradients(gan, *problem))
    assert ref.gradient_error(found.grad_d, numerical(gan, problem)) < TOLERANCE
    # G does not know of it, and D does.
    plain = gradients(replace(gan, {"penalties": Penalties()}), **problem._asdict())
    np.testing.assert_array_equal(ref.flatten(found.grad_g), ref.flatten(plain.grad_g))
    assert ref.gradient_error(found.grad_d, plain.grad_d) > 1e-5


# --- where norms have no derivative -----------------------------------------------------------------


def parts(gradient):
    return ref.flatten(gradient.grad_d), gradient.loss_d


@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.parametrize("one_sided", [False, True])
def test_a_gradient_of_zero_is_not_pulled_at(one_sided, dimension):
    """An output that hears nothing of the hidden units: the penalty is weight times target^2, or 0 if one-sided."""
    gan = make_gan("leaky_relu", 1, Penalties(gradient=0.7, target=0.5, one_sided=one_sided), dimension=dimension)
    problem = penalty_problem(gan, 11)
    deaf = [*problem.theta_d[:-1], (0 * problem.theta_d[-1][0], problem.theta_d[-1][1])]
    problem = problem._replace(theta_d=deaf)
    slope, loss = parts(gradients(gan, **problem._asdict()))
    expected, without = parts(gradients(replace(gan, {"penalties": Penalties()}), **problem._asdict()))
    np.testing.assert_array_equal(slope, expected)
    np.testing.assert_allclose(loss - without, 0 if one_sided else 0.7 * 0.25, rtol=1e-14, atol=1e-15)


def test_of_a_batch_those_whose_gradient_is_zero_are_not_pulled_at():
    """D's one hidden unit is dead below 0; of R1, R2 and the gradient penalty only points above it know."""
    gan = make_gan("relu", 1, Penalties(r1=0.2, r2=0.3, gradient=0.7, target=3.0))
    gan = replace(gan, {"discriminator.hidden": (1,)})
    w, c, n = 1.5, -0.8, 9
    theta_d = [(np.array([[w]]), np.array([0.0])), (np.array([[c]]), np.array([0.1]))]
    rng = np.random.default_rng(0)
    theta_g = ref.random_parameters(gan.generator_sizes, True, rng)
    x, z, u = rng.normal(size=(n, 1)), rng.normal(size=(n, 2)), rng.uniform(size=n)
    theta_g[-1][1][:] = 0  # fakes on both sides of 0
    fakes = ref.forward(gan.generator, theta_g, z).output
    between = u[:, None] * x + (1 - u[:, None]) * fakes
    slope, loss = parts(gradients(gan, theta_g, theta_d, x, z, u))
    expected, without = parts(gradients(replace(gan, {"penalties": Penalties()}), theta_g, theta_d, x, z, u))
    alive = [np.mean(points > 0) for points in (x, fakes, between)]
    assert all(0 < share < 1 for share in alive)
    s = w * c  # the gradient above 0, of size 1.2
    value = alive[0] * 0.1 * s**2 + alive[1] * 0.15 * s**2 + 0.7 * (alive[2] * (abs(s) - 3) ** 2 + (1 - alive[2]) * 9)
    np.testing.assert_allclose(loss - without, value, rtol=1e-13)
    pull = alive[0] * 0.2 * s + alive[1] * 0.3 * s + alive[2] * 1.4 * (abs(s) - 3) * np.sign(s)
    np.testing.assert_allclose(slope - expected, [pull * c, 0, pull * w, 0], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dimension", [1, 2])
def test_one_sided_leaves_gradients_below_the_target_alone(dimension):
    gan = make_gan("tanh", 2, Penalties(gradient=0.7, target=1e6, one_sided=True), False, dimension)
    problem = penalty_problem(replace(gan, {"penalties.target": 0.2}), 11)
    slope, loss = parts(gradients(gan, **problem._asdict()))
    expected, without = parts(gradients(replace(gan, {"penalties": Penalties()}), **problem._asdict()))
    np.testing.assert_array_equal(slope, expected)
    assert loss == without
    # Negative control: two-sided, the same is pulled at with all its might.
    slope, loss = parts(gradients(replace(gan, {"penalties.one_sided": False}), **problem._asdict()))
    assert np.abs(slope - expected).max() > 1e3 and loss > 1e11


def test_a_target_of_zero_is_twice_r1_taken_between():
    """With u = 1 the points between are the reals, with u = 0 the fakes."""
    gan = make_gan("tanh", 1, Penalties(r1=0.6))
    problem = penalty_problem(gan, 13)
    for u, other in ((1.0, gan), (0.0, replace(gan, {"penalties": Penalties(r2=0.6)}))):
        at_ends = gradients(other, **problem._asdict())
        between = replace(gan, {"penalties": Penalties(gradient=0.3, target=0)})
        found = gradients(between, **problem._replace(u=u)._asdict())
        np.testing.assert_allclose(found.loss_d, at_ends.loss_d, rtol=1e-14)
        np.testing.assert_allclose(ref.flatten(found.grad_d), ref.flatten(at_ends.grad_d), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("sign", [-1, 1])
def test_affine_players_by_school_algebra(sign):
    """D's output c x + e has the gradient c everywhere."""
    theta_d, n = [(np.array([[0.7 * sign]]), np.array([0.2]))], 7
    for penalties, value, pull in (
        (Penalties(r1=0.4), 0.2 * 0.49, 0.4 * 0.7),
        (Penalties(r2=0.4), 0.2 * 0.49, 0.4 * 0.7),
        (Penalties(gradient=3), 3 * 0.09, 6 * (0.7 - 1)),
        (Penalties(gradient=3, target=0.5, one_sided=True), 3 * 0.04, 6 * (0.7 - 0.5)),
        (Penalties(gradient=3, one_sided=True), 0, 0),
    ):
        gan = make_gan("leaky_relu", 0, penalties)
        rng = np.random.default_rng(1)
        theta_g = ref.random_parameters(gan.generator_sizes, True, rng)
        x, z, u = rng.normal(size=(n, 1)), rng.normal(size=(n, 2)), rng.uniform(size=n)
        slope, loss = parts(gradients(gan, theta_g, theta_d, x, z, u))
        expected, without = parts(gradients(replace(gan, {"penalties": Penalties()}), theta_g, theta_d, x, z, u))
        np.testing.assert_allclose(loss - without, value, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(slope - expected, [pull * sign, 0], rtol=1e-12, atol=1e-15)


# --- what penalties are not on the gradient ---------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("game", ["minimax", "non-saturating"])
def test_label_smoothing(game, share):
    gan = make_gan("tanh", 1, Penalties(smoothing=share), game=game)
    problem = penalty_problem(replace(gan, {"penalties.r1": 0.3}), 21)
    found = gradients(gan, **problem._asdict())
    assert_like_the_oracle(found, ref.gradients(gan, *problem))
    assert ref.gradient_error(found.grad_d, numerical(gan, problem)) < TOLERANCE
    plain = gradients(replace(gan, {"penalties": Penalties()}), **problem._asdict())
    assert ref.gradient_error(found.grad_d, plain.grad_d) > 1e-3
    np.testing.assert_array_equal(ref.flatten(found.grad_g), ref.flatten(plain.grad_g))  # one-sided: G's is as it was
    assert found.loss_g == plain.loss_g


def test_where_smoothed_labels_have_their_equilibrium():
    """With p_g = p_data the best D is (1 - a) / 2 everywhere: (1 - a) p of reals against a p + p of the rest."""
    share = 0.3
    gan = make_gan("leaky_relu", 2, Penalties(smoothing=share))
    theta_g, theta_d, _, z, u = penalty_problem(replace(gan, {"penalties.r1": 0.3}), 64)
    fakes = ref.forward(gan.generator, theta_g, z).output
    best = np.log((1 - share) / (1 + share))
    for level, at_rest in ((best, True), (0.0, False)):
        idle = [*theta_d[:-1], (0 * theta_d[-1][0], 0 * theta_d[-1][1] + level)]
        slope = ref.flatten(gradients(gan, theta_g, idle, fakes, z, u).grad_d)
        assert (np.abs(slope).max() < 1e-15) == at_rest


def test_clipping_and_noise_are_of_training_alone():
    gan = make_gan("leaky_relu", 2, Penalties(clip=0.01, noise=3))
    problem = penalty_problem(replace(gan, {"penalties.r1": 0.3}), 21)
    found, plain = (gradients(one, **problem._asdict()) for one in (gan, replace(gan, {"penalties": Penalties()})))
    assert found[:3] == plain[:3]
    for player in ("grad_d", "grad_g"):
        np.testing.assert_array_equal(ref.flatten(getattr(found, player)), ref.flatten(getattr(plain, player)))


@pytest.mark.parametrize("u", [-0.1, 1.5, np.nan, [0.5, 0.5], "half", [0.1] * 4 + [2]])
def test_what_lies_not_between_is_refused(u):
    gan = make_gan("leaky_relu", 1, PENALTIES["two-sided"])
    problem = penalty_problem(gan, 5)
    with pytest.raises(ConfigError, match="a number from 0 to 1, or 5 of them"):
        gradients(gan, **problem._replace(u=u)._asdict())


# --- negative controls ------------------------------------------------------------------------------


def without_bend(net, theta, x, v):
    """As `ref.along`, with f'' taken for 0: right where activations are piecewise linear."""
    done, (_, slope) = ref.forward(net, theta, x), ref.ACTIVATIONS[net.activation]
    slopes = [slope(sums, net.slope_value) for sums in done.sums[:-1]]
    moved, up, grad = [v], np.ones_like(done.output), []
    for (weights, _), of_f in zip(theta[:-1], slopes, strict=True):
        moved.append(moved[-1] @ weights.T * of_f)
    for layer in reversed(range(len(theta))):
        grad.insert(0, (up.T @ moved[layer], 0 * theta[layer][1]))
        up = (up @ theta[layer][0]) * slopes[layer - 1]
    return grad


@pytest.mark.parametrize("activation", ["leaky_relu", *BENT])
def test_a_bend_left_out_is_noticed(activation, monkeypatch):
    gan = make_gan(activation, 1, PENALTIES["all"])
    problem = penalty_problem(gan, 11, seed=3)
    right, found = numerical(gan, problem), gradients(gan, **problem._asdict())
    monkeypatch.setattr(ref, "along", without_bend)
    wrong = ref.gradients(gan, *problem)
    if activation == "leaky_relu":
        assert_like_the_oracle(found, wrong)
    else:
        assert ref.gradient_error(wrong.grad_d, right) > 1e4 * TOLERANCE
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            assert_like_the_oracle(found, wrong)


WRONG = {
    "r1": {"penalties.r1": 0.30003},
    "r2": {"penalties.r2": 0.50005},
    "two-sided": {"penalties.gradient": 0.40004},
    "one-sided": {"penalties.target": 0.20002},
    "all": {"penalties.target": 0.60006},
}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_factor_that_is_off_by_a_ten_thousandth_is_noticed(penalty):
    gan = make_gan("tanh", 1, PENALTIES[penalty])
    problem = penalty_problem(gan, 11, seed=4)
    wrong = gradients(replace(gan, WRONG[penalty]), **problem._asdict())
    assert ref.gradient_error(wrong.grad_d, numerical(gan, problem)) > 10 * TOLERANCE
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_like_the_oracle(wrong, ref.gradients(gan, *problem))


@pytest.mark.parametrize("swap", [("r1", "r2"), ("two-sided", "one-sided"), ("r1", "two-sided")])
def test_a_penalty_elsewhere_is_noticed(swap):
    gan, other = (make_gan("tanh", 1, PENALTIES[name]) for name in swap)
    problem = penalty_problem(gan, 11, seed=5)
    wrong = gradients(other, **problem._asdict())
    assert ref.gradient_error(wrong.grad_d, numerical(gan, problem)) > 1e3 * TOLERANCE


def test_the_other_end_of_the_line_between_is_noticed():
    gan = make_gan("tanh", 1, PENALTIES["two-sided"])
    problem = penalty_problem(gan, 11, seed=6)
    wrong = gradients(gan, **problem._replace(u=1 - problem.u)._asdict())
    assert ref.gradient_error(wrong.grad_d, numerical(gan, problem)) > 1e3 * TOLERANCE
