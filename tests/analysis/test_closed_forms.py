"""Training against what theory says it must find: the optimal D, its V, equilibrium, and the referee's verdicts."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

from gansim.analysis import theory
from gansim.analysis.intervals import wilson
from gansim.engine.replay import networks
from gansim.engine.simulate import run_chunk
from gansim.model.data import laws
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, Given
from gansim.model.optimizers import SGD, Adam
from gansim.model.paths import replace

SEED = 5
LOG_4 = math.log(4)

# An affine generator that is never updated makes fakes of a law that is known exactly. One shape carries nearly all.
FROZEN = GAN(
    target=Normal(500, 5),
    standardise=True,
    generator=MLP(()),
    discriminator=MLP((32,)),
    game="minimax",
    optimizer_d=Adam(3e-3, beta1=0.9),
    g_steps=0,
    batch_size=512,
    steps=4000,
    records=1,
    n_eval=16384,
)
STILL = {"optimizer_g": SGD(0.0), "optimizer_d": SGD(0.0), "g_steps": 1, "batch_size": 8, "steps": 1, "n_eval": 1024}


def fakes(shift, spread, base=FROZEN):
    """A frozen generator `shift` standard deviations off, its spread `spread` times the target's; and its law."""
    mean, std = base.target.mean + base.target.std * shift, base.target.std * spread
    slope, intercept = (spread, shift) if base.standardise else (std, mean)
    return replace(base, {"generator.init": Given([([[slope]], [intercept])])}), Normal(mean, std)


# --- the optimal discriminator ------------------------------------------------------------------

SCALES = {"standardised": FROZEN, "raw": replace(FROZEN, {"target": Normal(0.5, 1.2), "standardise": False})}
SHAPES = [(0.0, 1.0), (1.0, 1.0), (0.0, 2.0), (0.5, 0.5), (-1.0, 1.5)]


def optimal_logit(p, q, x):
    """log(s/sigma) + (x - m)^2 / (2 s^2) - (x - mu)^2 / (2 sigma^2) for p = N(mu, sigma^2), q = N(m, s^2)."""
    return math.log(q.std / p.std) + (x - q.mean) ** 2 / (2 * q.std**2) - (x - p.mean) ** 2 / (2 * p.std**2)


def bulk(p, q):
    """A hundred points in the middle 90 % of both laws, where D has seen plenty of either."""
    low, high = (laws.quantile(law, [0.05, 0.95]) for law in (p, q))
    return np.linspace(max(low[0], high[0]), min(low[1], high[1]), 100)


LOGIT_LIMIT, V_LIMIT = 0.25, 0.005  # found: 0.16 and 0.0022


def near_optimum(logit, p, q):
    """Whether a discriminator is the optimal one on the bulk of the data, to `LOGIT_LIMIT`, and in V, to `V_LIMIT`."""
    x = bulk(p, q)
    gap = theory.max_v(p, q) - theory.v_of(logit, p, q)
    assert gap > -1e-9  # nobody is better than the best
    return np.abs(logit(x) - optimal_logit(p, q, x)).max() < LOGIT_LIMIT, gap < V_LIMIT


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_trained_discriminator_is_the_optimal_one(shape, scale):
    gan, q = fakes(*shape, SCALES[scale])
    p = gan.target
    rep = SHAPES.index(shape)
    v = run_chunk({0: gan}, [(0, rep)], SEED).traces["v"][0, -1]
    logit = networks(gan, rep, SEED).logit
    assert near_optimum(logit, p, q) == (True, True)
    # The record is this V, but for the error of its sample.
    error = (v - theory.v_of(logit, p, q)) / theory.sd_of_sample_v(logit, p, q, gan.n_eval)
    assert abs(error) < 4.5
    if shape != (0.0, 1.0):
        # Negative controls: the other sign; and the right answer to another question.
        assert near_optimum(lambda x: -logit(x), p, q) == (False, False)
        assert near_optimum(logit, p, Normal(q.mean + q.std, q.std)) == (False, False)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_an_untrained_discriminator_is_not(shape):
    gan, q = fakes(*shape)
    untrained = networks(replace(gan, {"optimizer_d.lr": 0.0, "steps": 1}), 0, SEED)
    assert near_optimum(untrained.logit, gan.target, q) == (False, False)


def test_a_discriminator_that_descends_v_runs_away_from_it():
    gan, q = fakes(1.0, 1.0, replace(FROZEN, {"game": "as-written", "steps": 300}))
    nets = networks(gan, 0, SEED)
    assert near_optimum(nets.logit, gan.target, q) == (False, False)
    assert run_chunk({0: gan}, [(0, 0)], SEED).traces["v"][0, -1] < -2 * LOG_4
    x = bulk(gan.target, q)
    assert np.corrcoef(nets.logit(x), optimal_logit(gan.target, q, x))[0, 1] < -0.9


def test_max_v_is_two_jensen_shannon_minus_log_4():
    """The bound that V is held against, by a plain sum instead of the quadrature."""
    for shape in SHAPES:
        gan, q = fakes(*shape)
        p, x = gan.target, np.linspace(400, 600, 200_001)
        log_p, log_q = (
            -0.5 * ((x - law.mean) / law.std) ** 2 - math.log(law.std * math.sqrt(2 * math.pi)) for law in (p, q)
        )
        log_d, log_not_d = (-np.logaddexp(0, sign * optimal_logit(p, q, x)) for sign in (-1, 1))
        v = np.sum(np.exp(log_p) * log_d + np.exp(log_q) * log_not_d) * (x[1] - x[0])
        assert theory.max_v(p, q) == pytest.approx(v, abs=1e-9)
        middle = np.logaddexp(log_p, log_q) - math.log(2)
        jsd = 0.5 * np.sum(np.exp(log_p) * (log_p - middle) + np.exp(log_q) * (log_q - middle)) * (x[1] - x[0])
        assert theory.max_v(p, q) == pytest.approx(2 * jsd - LOG_4, abs=1e-9)


# --- equilibrium --------------------------------------------------------------------------------


def constant(logit):
    """Parameters of a discriminator with live hidden units and the same logit everywhere."""
    rng = np.random.default_rng(0)
    return Given([(rng.normal(size=(32, 1)), rng.normal(size=32)), (np.zeros((1, 32)), [logit])])


def test_an_idle_discriminator_has_v_minus_log_4_and_moves_nobody():
    gan, _ = fakes(0.0, 1.0, replace(FROZEN, STILL | {"discriminator.init": constant(0.0)}))
    traces = run_chunk({0: gan}, [(0, rep) for rep in range(20)], SEED).traces
    np.testing.assert_allclose(traces["v"], -LOG_4, rtol=1e-5)  # 1,024 terms added up in float32
    np.testing.assert_array_equal(traces["grad_g"], 0)
    for field in ("d_real", "d_fake", "auc", "acc_real", "acc_fake"):
        np.testing.assert_array_equal(traces[field], 0.5)


@pytest.mark.parametrize("logit", [-3.0, 0.0, 2.0])
@pytest.mark.parametrize("game", ["minimax", "as-written", "non-saturating"])
def test_a_constant_discriminator_teaches_nothing_wherever_g_is(game, logit):
    learning = {"game": game, "d_steps": 0, "g_steps": 1, "optimizer_g": SGD(1.0), "batch_size": 64, "steps": 50}
    base = replace(FROZEN, learning | {"discriminator.init": constant(logit), "n_eval": 1024})
    gan, q = fakes(2.0, 0.5, base)
    chunk = run_chunk({0: gan}, [(0, 0)], SEED)
    np.testing.assert_array_equal(chunk.traces["grad_g"], 0)
    np.testing.assert_allclose(chunk.affine, [[q.mean, q.std]])
    v = -math.log1p(math.exp(-logit)) - math.log1p(math.exp(logit))
    assert chunk.traces["v"][0, -1] == pytest.approx(v, rel=1e-5)
    # Negative control: a D that is not constant does move this G.
    moved = run_chunk({0: replace(gan, {"discriminator.init": "he"})}, [(0, 0)], SEED)
    assert moved.traces["grad_g"][0, -1] > 1e-3
    assert abs(moved.affine[0, 0] - q.mean) > 0.1


def test_the_best_discriminator_of_a_perfect_generator_is_idle():
    """V stays below -log 4 but for sampling error, and G is pulled far less than by a D that has something to say."""
    pull = {}
    for shape in ((0.0, 1.0), (1.0, 1.0)):
        gan, _ = fakes(*shape, replace(FROZEN, {"g_steps": 1, "optimizer_g": SGD(0.0)}))
        traces = run_chunk({0: gan}, [(0, rep) for rep in range(16)], SEED).traces
        pull[shape] = float(np.median(traces["grad_g"][:, -1]))
        v, auc = traces["v"][:, -1], traces["auc"][:, -1]
        if shape == (0.0, 1.0):
            np.testing.assert_allclose(v, -LOG_4, atol=V_LIMIT)
            assert v.mean() < -LOG_4 + 1e-4
            assert abs(auc.mean() - 0.5) < 4.5 / np.sqrt(6 * gan.n_eval * len(auc))  # Mann and Whitney 1947
            assert (traces["d_real_off"][:, -1] < 0.1).all()
        else:
            assert (v > -LOG_4 + 0.2).all()
            assert (auc > 0.74).all()
    assert pull[0.0, 1.0] < 0.15 * pull[1.0, 1.0]


# --- the referee --------------------------------------------------------------------------------

REFEREE = Referee((32,), steps=1000, lr=3e-3)
RUNS = 24
# Shift, spread of a generator: perfect, off target in several ways, collapsed to a spike.
VERDICTS = [
    (0.0, 1.0),
    (1.0, 1.0),
    (0.0, 2.0),
    (0.5, 0.5),
    (-1.0, 1.5),
    (4.0, 1.0),
    (0.0, 0.05),
    (2.0, 0.05),
    (0.0, 1e-3),
]


def refereed(base, shapes=VERDICTS, runs=RUNS):
    """The referee's (accuracy, AUC, V) on `runs` runs of every generator, which nobody moves."""
    gans = [fakes(*shape, replace(base, STILL | {"referee": REFEREE}))[0] for shape in shapes]
    chunk = run_chunk(dict(enumerate(gans)), [(i, rep) for i in range(len(shapes)) for rep in range(runs)], SEED)
    return dict(zip(shapes, chunk.referee.reshape(len(shapes), runs, 3), strict=True))


@pytest.fixture(scope="module")
def verdicts():
    return refereed(FROZEN)


def right_answers(accuracy):
    """Right answers and questions asked: every run judges n_eval real samples and n_eval fakes."""
    asked = 2 * REFEREE.n_eval * len(accuracy)
    return round(float(accuracy.mean()) * asked), asked


def covers(accuracy, expected, level=0.99):
    low, high = wilson(*right_answers(accuracy), level)
    return bool(low <= expected <= high)


def test_the_referee_cannot_tell_a_perfect_generator(verdicts):
    """Whatever a referee answers, real and fake are one law, so half of its answers are right."""
    accuracy, auc, v = verdicts[0.0, 1.0].T
    assert covers(accuracy, 0.5)
    assert abs(accuracy.mean() - 0.5) < 3 * accuracy.std(ddof=1) / np.sqrt(RUNS)
    assert (np.abs(accuracy - 0.5) < 4.5 * 0.5 / np.sqrt(2 * REFEREE.n_eval)).all()
    assert abs(auc.mean() - 0.5) < 0.003
    np.testing.assert_allclose(v, -LOG_4, atol=0.02)
    # Negative controls: the interval is narrow enough to exclude one answer in a hundred, and every other generator.
    assert not covers(accuracy, 0.51)
    assert not any(covers(other[:, 0], 0.5) for shape, other in verdicts.items() if shape != (0.0, 1.0))


@pytest.mark.parametrize("shape", VERDICTS)
def test_the_referee_comes_near_its_ceiling_and_never_beyond(shape, verdicts):
    gan, q = fakes(*shape)
    p, (accuracy, auc, v) = gan.target, verdicts[shape].T
    best, best_auc, best_v = (
        theory.best_accuracy(p, q),
        theory.auc_of(theory.optimal_logit(p, q), p, q),
        theory.max_v(p, q),
    )
    # One run's accuracy is a mean over 8,192 answers: its standard error is at most 0.0055.
    error = np.sqrt(best * (1 - best) / (2 * REFEREE.n_eval))
    assert (accuracy < best + 4.5 * error + 1e-3).all()
    assert accuracy.mean() < best + 4.5 * error / np.sqrt(RUNS)
    assert v.mean() < best_v + 4.5 * v.std(ddof=1) / np.sqrt(RUNS)
    if shape[1] > 0.1:  # a spike is too sharp for 32 units to be cut out exactly
        assert accuracy.mean() > best - 0.01
        assert auc.mean() == pytest.approx(best_auc, abs=0.01)
        assert v.mean() == pytest.approx(best_v, abs=0.02)
    else:
        assert accuracy.mean() > 0.93
        assert auc.mean() > best_auc - 0.03


def test_a_collapsed_or_distant_generator_is_found_out(verdicts):
    for shape in ((4.0, 1.0), (0.0, 1e-3), (2.0, 0.05)):
        accuracy = verdicts[shape][:, 0]
        assert (accuracy > 0.93).all()
        assert wilson(*right_answers(accuracy))[0] > 0.93
        gan, q = fakes(*shape)
        assert theory.best_accuracy(gan.target, q) > 0.97


def test_v_against_auc_follows_the_curve_of_shifted_normals():
    shifts = np.array([0.5, 1.0, 2.0, 3.0])
    found = refereed(FROZEN, [(shift, 1.0) for shift in shifts], 16)
    curve_auc, curve_v = theory.shift_curve(shifts)
    np.testing.assert_allclose(curve_auc, ndtr(shifts / math.sqrt(2)), rtol=1e-12)
    for shift, auc, v in zip(shifts, curve_auc, curve_v, strict=True):
        mean = found[shift, 1.0].mean(axis=0)
        np.testing.assert_allclose(mean[1:], [auc, v], atol=0.015)


def test_raw_and_standardised_generators_get_the_same_verdict():
    """The referee sees standardised samples whatever the run saw; the two generators differ in rounding only."""
    shapes = [(0.0, 1.0), (1.0, 1.0), (0.5, 0.5), (0.0, 0.05)]
    one = refereed(FROZEN, shapes, 16)
    for target in (Normal(500, 5), Normal(-0.3, 0.01)):
        other = refereed(replace(FROZEN, {"target": target, "standardise": False}), shapes, 16)
        for shape in shapes:
            np.testing.assert_allclose(other[shape][:, :2], one[shape][:, :2], atol=0.01)
            np.testing.assert_allclose(other[shape][:, 2], one[shape][:, 2], atol=0.03)
            np.testing.assert_allclose(other[shape].mean(axis=0), one[shape].mean(axis=0), atol=0.003)


def test_a_generator_without_biases_is_refereed_as_with_biases_of_zero():
    small = {"generator.hidden": (4,), "discriminator.hidden": (4,), "referee": Referee((4,), steps=200, n_eval=1024)}
    rng = np.random.default_rng(3)
    layers = [(rng.normal(size=(4, 1)), np.zeros(4)), (rng.normal(size=(1, 4)), np.zeros(1))]
    base = replace(FROZEN, STILL | small | {"target": Normal(1, 2), "standardise": False})
    with_biases = replace(base, {"generator.init": Given(layers)})
    without = replace(
        base, {"generator.bias": False, "generator.init": Given([(weights, None) for weights, _ in layers])}
    )
    runs = [(0, rep) for rep in range(5)]
    one, other = run_chunk({0: with_biases}, runs, SEED), run_chunk({0: without}, runs, SEED)
    np.testing.assert_array_equal(other.referee, one.referee)
    assert np.isfinite(one.referee).all()
    # And it is this generator that is judged: another one gets another verdict.
    moved = replace(with_biases, {"generator.init": Given([layers[0], (layers[1][0], [0.5])])})
    assert (run_chunk({0: moved}, runs, SEED).referee != one.referee).all()


def test_the_verdict_is_a_fresh_discriminators_on_fresh_samples():
    """Neither the run's own discriminator nor its records enter it."""
    gan, _ = fakes(1.0, 1.0, replace(FROZEN, STILL | {"referee": REFEREE}))
    runs = [(0, rep) for rep in range(4)]
    one = run_chunk({0: gan}, runs, SEED).referee
    for change in ({"discriminator.init": constant(7.0)}, {"records": 1, "n_eval": 32}, {"game": "as-written"}):
        np.testing.assert_array_equal(run_chunk({0: replace(gan, change)}, runs, SEED).referee, one)
    assert (run_chunk({0: gan}, runs, SEED + 1).referee != one).all()
    assert len(np.unique(one[:, 2])) == len(runs)
