"""The oracle itself, against published answers, hand arithmetic, distributions and finite differences."""

from itertools import islice, product
from typing import get_args, get_type_hints

import numpy as np
import pytest
from scipy import stats

from gansim.model.data.distributions import Mixture, Noise, Normal, Target, Uniform, moments, standardised
from gansim.model.data.tabulated import Law, Observed
from gansim.model.games import GAMES as RULES
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Activation, Given, He, Init, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, Optimizer, RMSProp
from gansim.model.paths import replace
from helpers import reference as ref

# The variants, from the specification itself: one without an oracle fails below.
GAMES, ACTIVATIONS = (*RULES, "least-squares(-1, 1, 0.5)"), get_args(Activation)
ONE_BY_ONE = [name for name in GAMES if name not in ref.RELATIVISTIC]
UPDATES = get_args(get_type_hints(GAN)["updates"])
HIDDEN = {0: (), 1: (5,), 2: (3, 4), 3: (3, 3, 3)}
SLOPES = {"leaky_relu": 0.1, "elu": 0.7}  # not the defaults
STANDARD = Normal(0, 1)


def members(union):
    """Classes of one of the specification's unions."""
    return get_args(get_args(union)[0])


@pytest.mark.parametrize(
    ("table", "variants"),
    [
        ({**ref.GAMES, **ref.RELATIVISTIC}, RULES),
        (ref.ACTIVATIONS, ACTIVATIONS),
        (ref.UPDATES, UPDATES),
        (ref.OPTIMIZERS, members(Optimizer)),
        (ref.INITS, members(Init)),
        (ref.TARGETS, members(Target)),
    ],
    ids=["games", "activations", "updates", "optimizers", "inits", "targets"],
)
def test_every_variant_has_an_oracle_and_none_is_left_over(table, variants):
    assert set(table) == set(variants)
    assert set(members(Noise)) <= set(ref.TARGETS)


# --- random numbers -----------------------------------------------------------------------------

# Salmon et al. 2011, Random123's tests/kat_vectors, "threefry4x32 20": zeros, ones, digits of pi.
KNOWN_ANSWERS = {  # counter, key; output
    "zeros": ("00000000" * 4, "00000000" * 4, "9c6ca96ae17eae66fc10ecd45256a7d8"),
    "ones": ("ffffffff" * 4, "ffffffff" * 4, "2a88169657012287f6c7446ea16a6732"),
    "pi": ("243f6a8885a308d313198a2e03707344", "a4093822299f31d0082efa98ec4e6c89", "59cd1dbbb887957986b5d00cac8b6d84"),
}


def words(digits):
    return np.array([int(digits[start : start + 8], 16) for start in range(0, 32, 8)], np.uint32)


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN_ANSWERS.values(), ids=KNOWN_ANSWERS)
def test_threefry_gives_the_published_words(counter, key, output):
    together = np.stack([words(counter), words(counter) + np.uint32(1)], axis=1)
    found = ref.threefry4x32(words(key), together)
    np.testing.assert_array_equal(found[:, 0], words(output))
    assert (found[:, 1] != words(output)).all()


def test_stream_is_addressed_as_documented():
    stream = ref.Stream(seed=(7 << 32) + 5, rep=3, stream=ref.NOISE_G, step=11, part=2, update=1)
    for index in (0, 1, 6, 41):
        block = ref.threefry4x32(np.array([5, 7, 3, ref.NOISE_G]), np.array([[index // 4], [11], [2], [1]]))
        assert stream.words(42)[index] == block[index % 4, 0]


def test_streams_of_different_address_share_no_word():
    base = ref.Stream(seed=1, rep=0, stream=0)
    others = [base._replace(**{field: getattr(base, field) + 1}) for field in base._fields]
    others.append(base._replace(seed=base.seed + (1 << 32)))
    drawn = [set(stream.words(200).tolist()) for stream in [base, *others]]
    # 1,600 words of 32 bits: Pr(any two equal) is about 3e-4; the addresses are fixed, so this cannot flicker.
    assert len(set.union(*drawn)) == 200 * len(drawn)


def test_uniforms_lie_inside_the_unit_interval():
    ends = ref.unit(np.array([0, 511, 512, 2**32 - 1], np.uint32))
    np.testing.assert_array_equal(ends, [2.0**-24, 2.0**-24, 3 * 2.0**-24, 1 - 2.0**-24])


def test_uniforms_and_normals_follow_their_distributions_and_not_another():
    stream = ref.Stream(seed=2, rep=5, stream=ref.DATA)
    uniforms, normals = stream.uniforms(20_000), stream.normals(20_000)
    assert stats.kstest(uniforms, "uniform").pvalue > 0.01
    assert stats.kstest(normals, "norm").pvalue > 0.01
    # Negative control: 20,000 draws resolve a shift of 0.05 and a stretch of 5 %.
    assert stats.kstest(normals + 0.05, "norm").pvalue < 1e-6
    assert stats.kstest(normals * 1.05, "norm").pvalue < 1e-2
    pairs = np.corrcoef(normals[0::2], normals[1::2])[0, 1]
    assert abs(pairs) < 4 / np.sqrt(10_000)


def test_box_muller_by_hand():
    a, b, c, d = (int(word) for word in ref.Stream(4, 2, ref.NOISE_D, step=9).words(4))
    expected = []
    for first, second in ((a, b), (c, d)):
        radius = np.sqrt(-2 * np.log(((first >> 9) + 0.5) / 2**23))
        angle = 2 * np.pi * (second >> 8) / 2**24
        expected += [radius * np.cos(angle), radius * np.sin(angle)]
    np.testing.assert_allclose(ref.Stream(4, 2, ref.NOISE_D, step=9).normals(3), expected[:3], rtol=1e-15)


# --- targets and samples ------------------------------------------------------------------------

TARGETS = {
    Normal: Normal(500, 5),
    Uniform: Uniform(-1, 3),
    Mixture: Mixture((-3, 0, 4), (0.5, 1, 0.2), (1, 2, 3)),
    Observed: Observed(np.random.default_rng(0).normal(3, 2, 400)),
    Law: Law("t", {"df": 5, "loc": 1, "scale": 3}),
}


def distribution(target):
    """Distribution function of a target, by scipy."""
    if isinstance(target, Mixture):
        parts = list(zip(target.weights, target.means, target.stds, strict=True))
        return lambda x: sum(w * stats.norm.cdf(x, m, s) for w, m, s in parts)
    if isinstance(target, Uniform):
        return stats.uniform(target.low, target.high - target.low).cdf
    if isinstance(target, Observed):  # at the middles of its steps, so that SciPy's test may take it for continuous
        ordered = target.values.array
        return lambda x: (np.searchsorted(ordered, x) + 0.5) / len(ordered)
    if isinstance(target, Law):
        return getattr(stats, target.law)(**dict(target.parameters)).cdf
    return stats.norm(target.mean, target.std).cdf


@pytest.mark.parametrize("kind", members(Target))
def test_targets_follow_their_distribution(kind):
    target, n = TARGETS[kind], 20_000
    gan = GAN(target=target, n_eval=n - n % 32)
    x = ref.held_out(gan, rep=1, seed=3, step=0)[0][:, 0]
    assert stats.kstest(x, distribution(target)).pvalue > 0.01
    assert stats.kstest(x + 0.05 * x.std(), distribution(target)).pvalue < 1e-4
    np.testing.assert_allclose(ref.moments(target), moments(target), rtol=1e-12)
    np.testing.assert_allclose(x.mean(), ref.moments(target)[0], atol=4 * x.std() / np.sqrt(n))
    np.testing.assert_allclose(x.std(), ref.moments(target)[1], rtol=0.03)


@pytest.mark.parametrize("kind", members(Target))
def test_standardised_data_are_the_same_draws_shifted_and_scaled(kind):
    gan = GAN(target=TARGETS[kind], samples=40)
    mean, std = moments(TARGETS[kind])
    raw, scaled = (ref.fixed_sample(g, 0, 0) for g in (gan, replace(gan, {"standardise": True})))
    np.testing.assert_allclose(scaled * std + mean, raw, rtol=1e-13)
    if kind in (Observed, Law):
        return
    # The same numbers come from sampling the standardised target.
    direct = ref.fixed_sample(replace(gan, {"target": standardised(TARGETS[kind])}), 0, 0)
    np.testing.assert_allclose(scaled, direct, rtol=1e-11, atol=1e-12)


def test_minibatches_are_drawn_from_the_fixed_sample_with_replacement():
    gan = GAN(target=STANDARD, samples=10, batch_size=2000)
    sample = ref.fixed_sample(gan, 4, 9)
    batch = ref.real_batch(gan, 4, 9, step=0, update=0)
    assert set(batch[:, 0]) == set(sample[:, 0])
    counts = [(batch == value).sum() for value in sample]
    assert stats.chisquare(counts).pvalue > 0.01
    words = ref.Stream(9, 4, ref.BATCH).words(3)
    np.testing.assert_array_equal(batch[:3, 0], [sample[int(word) * 10 // 2**32, 0] for word in words])
    assert all((ref.real_batch(gan, 4, 9, *place) != batch).any() for place in ((1, 0), (0, 1)))
    full = replace(gan, {"batch_size": "full"})
    for step, update in ((0, 0), (3, 1)):
        np.testing.assert_array_equal(ref.real_batch(full, 4, 9, step, update), sample)


def test_noise_coordinates_updates_and_players_draw_apart():
    gan = GAN(target=STANDARD, noise=Uniform(-2, 5), noise_dim=3, d_steps=2)
    drawn = [
        ref.draw_noise(gan, ref.Stream(0, 0, stream, 6, 0, update), 50)
        for stream, update in ((ref.NOISE_D, 0), (ref.NOISE_D, 1), (ref.NOISE_G, 0))
    ]
    columns = np.concatenate(drawn, axis=1)
    assert columns.shape == (50, 9)
    assert len(np.unique(columns)) == columns.size
    assert columns.min() > -2
    assert columns.max() < 5


# --- initial parameters -------------------------------------------------------------------------

# Standard deviation of one weight with n_in inputs and n_out outputs, and the bound of its support.
SPREADS = {
    He: (He(), lambda n_in, n_out: np.sqrt(2 / n_in), None),
    Xavier: (Xavier(1.5), lambda n_in, n_out: 1.5 * np.sqrt(2 / (n_in + n_out)), 3**0.5),
    TorchDefault: (TorchDefault(), lambda n_in, n_out: 1 / np.sqrt(3 * n_in), 3**0.5),
    NormalInit: (NormalInit(0.3), lambda n_in, n_out: 0.3, None),
}


def draw_parameters(init, hidden, bias=True):
    net = MLP(hidden, init=init, bias=bias)
    return ref.initial_parameters(net, net.sizes(2, 1), ref.Stream(8, 1, ref.WEIGHTS_D))


@pytest.mark.parametrize("kind", [kind for kind in members(Init) if kind not in (Given, Orthogonal)])
def test_initial_weights_have_the_stated_variance(kind):
    init, spread, bound = SPREADS[kind]
    for weights, bias in draw_parameters(init, (100, 80))[:2]:
        n_out, n_in = weights.shape
        std, n = spread(n_in, n_out), weights.size
        np.testing.assert_allclose(weights.std(), std, rtol=4 / np.sqrt(2 * n))
        np.testing.assert_allclose(weights.mean(), 0, atol=4 * std / np.sqrt(n))
        if bound is None:
            assert stats.kstest(weights.ravel() / std, "norm").pvalue > 0.01
        else:
            assert stats.kstest(weights.ravel() / (bound * std), stats.uniform(-1, 2).cdf).pvalue > 0.01
        if kind is TorchDefault:
            assert stats.kstest(bias * np.sqrt(n_in), stats.uniform(-1, 2).cdf).pvalue > 0.01
            assert not np.isin(bias, weights).any()
        else:
            np.testing.assert_array_equal(bias, 0)


@pytest.mark.parametrize(("hidden", "layer"), [((5,), 0), ((5,), 1), ((7, 7), 1), ((7, 3), 1)])
def test_orthogonal_weights_are_orthonormal_along_their_short_side(hidden, layer):
    weights, bias = draw_parameters(Orthogonal(0.5), hidden)[layer]
    short = weights @ weights.T if weights.shape[0] <= weights.shape[1] else weights.T @ weights
    np.testing.assert_allclose(short, 0.25 * np.eye(len(short)), atol=1e-14)
    np.testing.assert_array_equal(bias, 0)


def test_layers_players_and_runs_start_apart():
    net, drawn = MLP((4, 4, 4), init="torch"), []
    for stream, rep in ((ref.WEIGHTS_D, 0), (ref.WEIGHTS_G, 0), (ref.WEIGHTS_D, 1)):
        drawn += [ref.flatten(ref.initial_parameters(net, net.sizes(4, 4), ref.Stream(0, rep, stream)))]
    assert len(np.unique(drawn)) == 3 * 4 * 20  # three networks of four layers of 16 weights and 4 biases


def test_orthonormal_is_gram_schmidt_in_order():
    a = ref.Stream(0, 0, 0).normals(15).reshape(3, 5)
    rows = []
    for row in a:
        rest = row - sum((row @ done) * done for done in rows)
        rows.append(rest / np.linalg.norm(rest))
    np.testing.assert_allclose(ref.orthonormal(a), rows, atol=1e-14)


def test_given_parameters_are_taken_as_they_are():
    layers = ((((1.0, 2.0),), (3.0,)),)
    net = MLP((), init=Given(layers))
    ((weights, bias),) = ref.initial_parameters(net, (2, 1), ref.Stream(0, 0, ref.WEIGHTS_G))
    np.testing.assert_array_equal(weights, [[1, 2]])
    np.testing.assert_array_equal(bias, [3])


def test_networks_without_bias_start_without_one():
    assert all((bias == 0).all() for _, bias in draw_parameters(TorchDefault(), (4,), bias=False))


# --- activations, games -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_activations_have_their_derivative(name, slope):
    value, derivative = ref.ACTIVATIONS[name]
    a, h = np.array([-30, -2, -0.5, -1e-3, 1e-3, 0.7, 3, 30]), ref.STEP
    found = (value(a + h, slope) - value(a - h, slope)) / (2 * h)
    # Values up to 30 round to 4e-15, which h divides: 30 eps / h = 1e-9.
    np.testing.assert_allclose(derivative(a, slope), found, atol=1e-8)


def test_activations_at_known_points():
    at = {name: value(np.array([-1.0, 2.0]), 0.25) for name, (value, _) in ref.ACTIVATIONS.items()}
    e = np.exp(1)
    expected = {
        "leaky_relu": [-0.25, 2],
        "relu": [0, 2],
        "tanh": [(1 - e**2) / (1 + e**2), (e**4 - 1) / (e**4 + 1)],
        "sigmoid": [1 / (1 + e), 1 / (1 + e**-2)],
        "softplus": [np.log(1 + 1 / e), np.log(1 + e**2)],
        "elu": [0.25 * (1 / e - 1), 2],
        "linear": [-1, 2],
    }
    assert at.keys() == expected.keys() == set(ACTIVATIONS)
    for name, values in expected.items():
        np.testing.assert_allclose(at[name], values, rtol=1e-14, err_msg=name)


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_games_have_their_derivatives(name):
    logit, h = np.array([-40, -5, -0.9, 0, 0.3, 4, 40]), ref.STEP
    game = ref.game_of(name)
    for loss, slope in (game[0:2], game[2:4], game[4:6]):
        found = (loss(logit + h) - loss(logit - h)) / (2 * h)
        np.testing.assert_allclose(slope(logit), found, atol=1e-8)


def test_games_say_what_they_are_called():
    real, fake = np.array([2.0]), np.array([-1.0])
    d_real, d_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    v = np.log(d_real) + np.log(1 - d_fake)
    expected = {
        "minimax": (-v, np.log(1 - d_fake)),
        "non-saturating": (-v, -np.log(d_fake)),
        "as-written": (v, np.log(1 - d_fake)),
        "wasserstein": (fake - real, -fake),
        "hinge": (np.maximum(0, 1 - real) + np.maximum(0, 1 + fake), -fake),
        "least-squares": ((real - 1) ** 2 / 2 + fake**2 / 2, (fake - 1) ** 2 / 2),
        "least-squares(-1, 1, 0.5)": ((real - 1) ** 2 / 2 + (fake + 1) ** 2 / 2, (fake - 0.5) ** 2 / 2),
    }
    assert expected.keys() == set(ONE_BY_ONE)
    for name, (loss_d, loss_g) in expected.items():
        game = ref.game_of(name)
        np.testing.assert_allclose(game.d_real(real) + game.d_fake(fake), loss_d, rtol=1e-14)
        np.testing.assert_allclose(game.g_fake(fake), loss_g, rtol=1e-14)


def test_a_sure_discriminator_keeps_its_gradient():
    # At logit -30 the form log(D + 1e-8) has slope 9e-6; the true one is 1 - 1e-13.
    far = np.array([-30.0, -700.0])
    np.testing.assert_allclose(ref.GAMES["non-saturating"].g_fake_slope(far), -1, rtol=1e-12)
    np.testing.assert_allclose(ref.GAMES["minimax"].g_fake_slope(far), -np.exp(far), rtol=1e-12)


# --- gradients ----------------------------------------------------------------------------------


def case(game, activation, depth, bias=True, noise_dim=1):
    """A GAN with two equal networks, and where to check its gradients."""
    net = MLP(HIDDEN[depth], activation, SLOPES.get(activation), bias)
    gan = GAN(target=STANDARD, noise_dim=noise_dim, generator=net, discriminator=net, game=game)
    return gan, *ref.gradient_problem(gan, n=23)


def checked_gradients(gan, theta_g, theta_d, x, z):
    """Pairs (analytic, numerical) of both players."""
    found = ref.gradients(gan, theta_g, theta_d, x, z)
    for_d = ref.numerical_gradient(lambda theta: ref.losses(gan, theta_g, theta, x, z).loss_d, theta_d)
    for_g = ref.numerical_gradient(lambda theta: ref.losses(gan, theta, theta_d, x, z).loss_g, theta_g)
    return (found.grad_d, for_d), (found.grad_g, for_g)


@pytest.mark.parametrize("depth", HIDDEN)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("game", GAMES)
def test_gradients_of_both_players_agree_with_central_differences(game, activation, depth):
    for analytic, numerical in checked_gradients(*case(game, activation, depth)):
        assert ref.gradient_error(analytic, numerical) < ref.TOLERANCE


@pytest.mark.parametrize("game", GAMES)
def test_gradients_of_either_loss_by_either_players_parameters(game):
    """What adjustments are made of; in a relativistic game G's loss depends on the reals."""
    gan, theta_g, theta_d, x, z = case(game, "tanh", 1)
    for loss in ("d", "g"):
        name = f"loss_{loss}"
        by_g, by_d = ref.gradients_of(gan, loss, theta_g, theta_d, x, z, 0.0)
        of_g = ref.numerical_gradient(
            lambda theta, of=name: getattr(ref.losses(gan, theta, theta_d, x, z), of), theta_g
        )
        of_d = ref.numerical_gradient(
            lambda theta, of=name: getattr(ref.losses(gan, theta_g, theta, x, z), of), theta_d
        )
        assert ref.gradient_error(by_g, of_g) < ref.TOLERANCE
        assert ref.gradient_error(by_d, of_d) < ref.TOLERANCE


@pytest.mark.parametrize("noise_dim", [2, 3])
def test_gradients_with_wider_noise(noise_dim):
    for analytic, numerical in checked_gradients(*case("minimax", "tanh", 2, noise_dim=noise_dim)):
        assert ref.gradient_error(analytic, numerical) < ref.TOLERANCE


def test_gradients_without_bias():
    gan, theta_g, theta_d, x, z = case("minimax", "tanh", 2, bias=False)
    for analytic, numerical in checked_gradients(gan, theta_g, theta_d, x, z):
        for (weights, bias), (expected, _) in zip(analytic, numerical, strict=True):
            np.testing.assert_allclose(weights, expected, atol=ref.TOLERANCE)
            np.testing.assert_array_equal(bias, 0)


def scaled_bias(gradient):
    return [*gradient[:-1], (gradient[-1][0], gradient[-1][1] * 1.0001)]


def forgotten_bias(gradient):
    return [(gradient[0][0], 0 * gradient[0][1]), *gradient[1:]]


def summed(gradient):
    return [(23 * weights, 23 * bias) for weights, bias in gradient]


def negated(gradient):
    return [(-weights, -bias) for weights, bias in gradient]


def one_entry(gradient):
    weights = gradient[0][0].copy()
    weights[0, 0] += 1e-6
    return [(weights, gradient[0][1]), *gradient[1:]]


@pytest.mark.parametrize("wrong", [scaled_bias, forgotten_bias, summed, negated, one_entry])
def test_the_checker_notices_a_wrong_gradient(wrong):
    for analytic, numerical in checked_gradients(*case("non-saturating", "leaky_relu", 2)):
        assert ref.gradient_error(analytic, numerical) < ref.TOLERANCE
        assert ref.gradient_error(wrong(analytic), numerical) > 10 * ref.TOLERANCE


def test_the_checker_notices_another_game_and_another_activation():
    gan, *rest = case("minimax", "leaky_relu", 2)
    (_, for_d), (_, for_g) = checked_gradients(gan, *rest)
    assert ref.gradient_error(ref.gradients(replace(gan, {"game": "non-saturating"}), *rest).grad_g, for_g) > 1e-3
    assert ref.gradient_error(ref.gradients(replace(gan, {"game": "as-written"}), *rest).grad_d, for_d) > 1e-3
    for path, which, expected in (("discriminator.slope", 3, for_d), ("generator.slope", 4, for_g)):
        other = replace(gan, {path: 0.10001})
        assert ref.gradient_error(ref.gradients(other, *rest)[which], expected) > 10 * ref.TOLERANCE


def test_a_kink_would_spoil_the_check():
    """Why samples are kept away from kinks: one sum at 0 makes a central difference of a relu wrong."""
    gan, theta_g, theta_d, x, z = case("minimax", "relu", 1)
    weights, bias = theta_d[0]
    x = x.copy()
    x[0] = -bias[0] / weights[0, 0]
    assert not ref.far_from_kinks(gan.discriminator, theta_d, x)[0]
    (analytic, numerical), _ = checked_gradients(gan, theta_g, theta_d, x, z)
    assert ref.gradient_error(analytic, numerical) > 100 * ref.TOLERANCE


def test_an_idle_discriminator_sees_minus_log_4_and_moves_no_generator():
    gan, theta_g, theta_d, x, z = case("minimax", "tanh", 2)
    idle = [*theta_d[:-1], (0 * theta_d[-1][0], 0 * theta_d[-1][1])]
    found = ref.gradients(gan, theta_g, idle, x, z)
    np.testing.assert_allclose([found.v, found.loss_d], [-np.log(4), np.log(4)], rtol=1e-15)
    np.testing.assert_array_equal(ref.flatten(found.grad_g), 0)


# --- optimisers ---------------------------------------------------------------------------------

# Two updates with gradients 0.5 then -0.25 from 0, worked by hand: what is subtracted, divided by lr.
FIRST_UPDATES = {
    SGD: (SGD(0.1), [0.5, -0.25]),
    # v1 = 0.5; v2 = 0.9 * 0.5 - 0.25 = 0.2
    Momentum: (Momentum(0.1, beta=0.9), [0.5, 0.2]),
    # v1 = 0.1 * 0.25 = 0.025; v2 = 0.9 * 0.025 + 0.1 * 0.0625 = 0.02875
    RMSProp: (RMSProp(0.1, rho=0.9, eps=0.01), [0.5 / (0.025**0.5 + 0.01), -0.25 / (0.02875**0.5 + 0.01)]),
    # m1 = 0.25, / (1 - 0.5) = 0.5; v1 = 0.05, / (1 - 0.8) = 0.25: 0.5 / (0.5 + 0.01)
    # m2 = 0.125 - 0.125 = 0: no step at all
    Adam: (Adam(0.1, beta1=0.5, beta2=0.8, eps=0.01), [0.5 / 0.51, 0.0]),
    # v1 = 0.5: 0.5 + 0.9 * 0.5; v2 = 0.9 * 0.5 - 0.25 = 0.2: -0.25 + 0.9 * 0.2
    Nesterov: (Nesterov(0.1, beta=0.9), [0.95, -0.07]),
    Optimistic: (Optimistic(0.1), [2 * 0.5 - 0.5, 2 * -0.25 - 0.5]),
    OptimisticAdam: (OptimisticAdam(0.1, beta1=0.5, beta2=0.8, eps=0.01), [2 * 0.5 / 0.51, 2 * 0.0 - 0.5 / 0.51]),
}


@pytest.mark.parametrize("kind", members(Optimizer))
def test_optimizers_first_updates_by_hand(kind):
    optimizer, steps = FIRST_UPDATES[kind]
    player = ref.Player(optimizer, [(np.array([[1.0]]), np.array([2.0]))])
    expected = np.array([1.0, 2.0])
    for gradient, step in zip((0.5, -0.25), steps, strict=True):
        player.update([(np.array([[gradient]]), np.array([gradient]))])
        expected = expected - 0.1 * step
        np.testing.assert_allclose(ref.flatten(player.theta), expected, rtol=1e-14)


def test_adams_second_moment_by_hand():
    # Gradients 1 then 2, beta1 = 0, beta2 = 0.5: v2 = 0.5 * 0.5 + 0.5 * 4 = 2.25, / (1 - 0.25) = 3.
    rule, optimizer = ref.OPTIMIZERS[Adam], Adam(1.0, beta1=0.0, beta2=0.5, eps=1e-30)
    _, memory = rule(optimizer, np.array([1.0]), (np.zeros(1), np.zeros(1)), 1)
    step, _ = rule(optimizer, np.array([2.0]), memory, 2)
    np.testing.assert_allclose(step, 2 / 3**0.5, rtol=1e-14)


# --- whole steps --------------------------------------------------------------------------------

AFFINE = GAN(
    target=Normal(1, 2),
    generator=MLP((), init=Given([([[1.5]], [0.5])])),
    discriminator=MLP((), init=Given([([[0.25]], [-0.125])])),
    game="minimax",
    optimizer_g=SGD(0.1),
    optimizer_d=SGD(0.2),
    batch_size=7,
)


def test_one_affine_step_by_hand():
    """G(z) = a z + b, D's logit c x + e: every derivative is a line of school algebra."""
    seed, rep = 5, 2
    x = 1 + 2 * ref.Stream(seed, rep, ref.DATA).normals(7)
    z_d, z_g = (ref.Stream(seed, rep, stream).normals(7) for stream in (ref.NOISE_D, ref.NOISE_G))

    def d(t):
        return 1 / (1 + np.exp(-t))

    a, b, c, e = 1.5, 0.5, 0.25, -0.125
    y = a * z_d + b
    up_c = np.mean((1 - d(c * x + e)) * x) - np.mean(d(c * y + e) * y)
    up_e = np.mean(1 - d(c * x + e)) - np.mean(d(c * y + e))
    new_c, new_e = c + 0.2 * up_c, e + 0.2 * up_e
    for updates, (c_seen, e_seen) in {"alternating": (new_c, new_e), "simultaneous": (c, e)}.items():
        judged = d(c_seen * (a * z_g + b) + e_seen)
        new_a, new_b = a + 0.1 * np.mean(judged * c_seen * z_g), b + 0.1 * np.mean(judged * c_seen)
        theta_g, theta_d = ref.train(replace(AFFINE, {"updates": updates}), rep, seed, steps=1)
        np.testing.assert_allclose(ref.flatten(theta_d), [new_c, new_e], rtol=1e-13)
        np.testing.assert_allclose(ref.flatten(theta_g), [new_a, new_b], rtol=1e-13)


def test_repeated_updates_are_counted_and_draw_fresh_samples():
    gan = replace(AFFINE, {"d_steps": 2, "g_steps": 2, "optimizer_d": Adam(0.1)})
    start, *_, end = islice(ref.trajectory(gan, 0, 0), 2)
    d, g = ref.Player(gan.optimizer_d, start.theta_d), ref.Player(gan.optimizer_g, start.theta_g)
    for update in range(2):
        x = 1 + 2 * ref.Stream(0, 0, ref.DATA, 0, 0, update).normals(7)
        z = ref.Stream(0, 0, ref.NOISE_D, 0, 0, update).normals(7)
        d.update(ref.gradient_d(gan, g.theta, d.theta, x, z))
    for update in range(2):
        g.update(ref.gradient_g(gan, g.theta, d.theta, x, ref.Stream(0, 0, ref.NOISE_G, 0, 0, update).normals(7)))
    for mine, expected in zip(end, (g.theta, d.theta, g.gradient, d.gradient), strict=True):
        np.testing.assert_array_equal(ref.flatten(mine), ref.flatten(expected))


@pytest.mark.parametrize("updates", UPDATES)
def test_a_run_depends_on_its_seed_and_replicate_alone(updates):
    gan = GAN(target=STANDARD, generator=MLP((3,)), updates=updates, batch_size=5)

    def weights(rep, seed):
        return np.concatenate([ref.flatten(theta) for theta in ref.train(gan, rep, seed, steps=3)])

    runs = [weights(*key) for key in product((0, 1), (0, 1))]
    np.testing.assert_array_equal(weights(1, 0), runs[2])
    for number, run in enumerate(runs):
        assert all((run != other).all() for other in runs[:number])


def test_the_learned_discriminator_tells_the_right_way_round():
    """High means real: trained against a frozen G below the data, D ends higher on data; as written, lower."""
    gan = replace(AFFINE, {"target": Normal(4, 1), "g_steps": 0, "batch_size": 64, "steps": 50})
    for game, sign in {"minimax": 1, "non-saturating": 1, "as-written": -1}.items():
        theta_g, theta_d = ref.train(replace(gan, {"game": game}), 0, 0)
        x, z = ref.held_out(gan, 0, 0, 50)
        real = ref.forward(gan.discriminator, theta_d, x).output.mean()
        fake = ref.forward(gan.discriminator, theta_d, ref.forward(gan.generator, theta_g, z).output).output.mean()
        assert sign * (real - fake) > 1
