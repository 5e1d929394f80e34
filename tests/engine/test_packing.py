"""Packs and scales beyond ten steps of training: what is measured and labelled, gradients, the referee, pictures."""

import numpy as np
import pytest
from scipy.special import expit, log_expit

from gansim.analysis.floor import floor_of
from gansim.analysis.labels import label
from gansim.engine.bundles import bundle_key, compile_key
from gansim.engine.gradients import gradients
from gansim.engine.history import history
from gansim.engine.players import network_shapes
from gansim.engine.replay import networks, trace
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal
from gansim.model.data.laws import quantile
from gansim.model.gan import GAN, Referee
from gansim.model.measurements import measured
from gansim.model.networks import MLP, Given
from gansim.model.optimizers import SGD
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from gansim.showing.runs import ShownRun
from gansim.traces import FIELDS
from helpers import reference as ref

SEED, REP = 2026, 3
BASE = GAN(
    target=Normal(1, 2),
    generator=MLP((5,), "tanh"),
    discriminator=MLP((4,)),
    optimizer_g=SGD(0.05),
    optimizer_d=SGD(0.1),
    packing=3,
    batch_size=33,
    steps=6,
    records=2,
    n_eval=96,
    precision="float64",
)
SCALES = {"generator.input_scale": 0.5, "generator.output_scale": -3.0}
SCALES |= {"discriminator.input_scale": 0.25, "discriminator.output_scale": 1.5}


# --- what is measured ---------------------------------------------------------------------------


def by_hand(gan, step):
    """D's measurements on packs of held-out samples, from the networks after all steps."""
    nets = networks(gan, REP, SEED)
    reals, noises = ref.held_out(gan, REP, SEED, step)
    fakes = nets.generate(noises)[:, None]
    real, fake = (nets.logit(ref.packed(gan, samples)) for samples in (reals, fakes))
    found = {
        "d_real": expit(real).mean(),
        "d_fake": expit(fake).mean(),
        "d_real_off": np.abs(expit(real) - 0.5).mean(),
        "d_fake_off": np.abs(expit(fake) - 0.5).mean(),
        "acc_real": (real > 0).mean(),
        "acc_fake": (fake < 0).mean(),
        "auc": (real[:, None] > fake).mean(),
        "v": log_expit(real).mean() + log_expit(-fake).mean(),
    }
    if gan.samples:
        seen = ref.fixed_sample(gan, REP, SEED)[: min(gan.samples, gan.n_eval) // gan.packing * gan.packing]
        found["v_train"] = log_expit(nets.logit(ref.packed(gan, seen))).mean() + log_expit(-fake).mean()
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"samples": 50},  # sixteen packs, and two points left out
        {"samples": 35, **SCALES},  # an octet of packs, and three more
        {"packing": 1, **SCALES},
    ],
)
def test_d_is_measured_on_packs_of_held_out_samples(changes):
    gan = replace(BASE, changes)
    record = trace(gan, REP, SEED).iloc[-1]
    for name, value in by_hand(gan, gan.steps).items():
        np.testing.assert_allclose(record[name], value, rtol=1e-6, err_msg=name)
    assert np.isnan(record["v_max"]) == (gan.packing > 1)
    missing = set(FIELDS) - measured(gan)
    assert ("v_max" in missing) == (gan.packing > 1) and record[list(missing)].isna().all()
    # Other packs of the same samples measure something else: the comparison would notice.
    if gan.packing > 1:
        nets, (reals, _) = networks(gan, REP, SEED), ref.held_out(gan, REP, SEED, gan.steps)
        assert abs(expit(nets.logit(reals.reshape(-1, 3))).mean() / record["d_real"] - 1) > 1e-4


def test_what_is_measured_of_g_does_not_depend_on_packing():
    gan = replace(BASE, {"g_steps": 0, "batch_size": 48, "precision": "float32"})
    of_g = [FIELDS.index(name) for name in ("g_shift", "g_spread", "w1", "ks")]
    records = [run_chunk({0: replace(gan, {"packing": m})}, [(0, 0)], SEED).traces.values[0, :, of_g] for m in (1, 3)]
    np.testing.assert_array_equal(*records)


def test_a_d_that_cannot_rank_packs_is_idle():
    """G makes the target's law, D is as it was drawn: 8 packs a record vary more than 128 samples would."""
    same = MLP((), init=Given([([[2.0]], [1.0])]))
    frozen = {"generator": same, "discriminator": MLP((4,)), "d_steps": 0, "game": "wasserstein"}
    gan = replace(BASE, {**frozen, "optimizer_g": SGD(0.0), "packing": 16, "batch_size": 16, "n_eval": 128})
    gan = replace(gan, {"precision": "float32", "steps": 10, "records": 10})
    traces = run_chunk({0: gan}, [(0, rep) for rep in range(400)], SEED).traces
    of_packs, of_samples = (label(traces, floor_of(gan.target, gan.n_eval, m))["d_state"] for m in (gan.packing, 1))
    assert (of_packs == "idle").all()
    assert (of_samples == "mixed").mean() > 0.3
    assert floor_of(gan.target, 128, 16).limits(2)._replace(auc=0) == floor_of(gan.target, 128).limits(2)._replace(
        auc=0
    )
    assert floor_of(gan.target, 128, 16).limits(2).auc == floor_of(gan.target, 8).limits(2).auc


# --- gradients ----------------------------------------------------------------------------------


def central(gan, theta_g, theta_d, x, z, u):
    """Central differences of the engine's own losses: D's gradient, then G's."""

    def allowed(mlp, theta):
        return theta if mlp.bias else [(weights, np.zeros_like(bias)) for weights, bias in theta]

    def loss_d(theta):
        return gradients(gan, theta_g, allowed(gan.discriminator, theta), x, z, u).loss_d

    def loss_g(theta):
        return gradients(gan, allowed(gan.generator, theta), theta_d, x, z, u).loss_g

    return ref.numerical_gradient(loss_d, theta_d), ref.numerical_gradient(loss_g, theta_g)


PENALTIES = Penalties(r1=0.5, r2=0.3, gradient=0.7, target=0.4)
SINGLE = {"generator": MLP((), bias=False), "discriminator": MLP((), bias=False)}


@pytest.mark.parametrize(
    ("n", "changes"),
    [
        (24, {}),
        (33, {"penalties": PENALTIES, **SCALES}),
        (33, {"game": "relativistic", "penalties": PENALTIES, **SCALES}),
        (33, {**SINGLE, "penalties": PENALTIES}),
        (13, {"packing": 1, "penalties": PENALTIES, **SCALES}),
        (13, {"packing": 1, **SINGLE, **SCALES}),
    ],
)
def test_gradients_of_packs_and_of_scaled_networks(n, changes):
    gan = replace(BASE, changes)
    problem, u = ref.gradient_problem(gan, n, seed=n), np.linspace(0.1, 0.9, n // gan.packing)
    found, expected = gradients(gan, *problem, u), ref.gradients(gan, *problem, u)
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-12)
    for mine, theirs, slopes in zip(found[3:], expected[3:], central(gan, *problem, u), strict=True):
        np.testing.assert_allclose(ref.flatten(mine), ref.flatten(theirs), rtol=1e-11, atol=1e-13)
        assert ref.gradient_error(mine, slopes) < 10 * ref.TOLERANCE


def test_penalties_are_of_the_gradient_of_a_whole_pack():
    """Of a linear D its gradient is its weights, wherever a pack lies."""
    gan = replace(BASE, {"discriminator": MLP(()), "generator": MLP(()), "penalties": Penalties(r1=0.5)})
    w = np.array([[0.3, -0.5, 0.7]])
    x, z = np.random.default_rng(0).normal(size=(2, 12))
    of_g = [(np.array([[1.0]]), np.array([0.0]))]
    with_, without = (
        gradients(one, of_g, [(w, np.zeros(1))], x, z) for one in (gan, replace(gan, {"penalties": Penalties()}))
    )
    np.testing.assert_allclose(with_.loss_d - without.loss_d, 0.25 * (w**2).sum(), rtol=1e-12)
    np.testing.assert_allclose(with_.grad_d[0][0] - without.grad_d[0][0], 0.5 * w, rtol=1e-12)


def test_samples_that_make_no_packs_are_refused():
    problem = ref.gradient_problem(BASE, 33)
    with pytest.raises(ConfigError, match="x, z: 32 samples: a multiple of packing = 3"):
        gradients(BASE, problem.theta_g, problem.theta_d, problem.x[:32], problem.z[:32])
    with pytest.raises(ConfigError, match=r"x: shape .*: \(n, 3\)"):
        networks(BASE).logit(np.zeros((5, 2)))


# --- scales -------------------------------------------------------------------------------------


def test_networks_of_scale_1_are_compiled_as_without():
    gan = replace(BASE, {"generator.output_scale": 1.0})
    assert bundle_key(gan) == bundle_key(BASE) and compile_key(gan) == compile_key(BASE)
    five, ten = (replace(BASE, {"generator.output_scale": scale}) for scale in (5, 10))
    assert bundle_key(five) == bundle_key(ten) != bundle_key(BASE)
    assert network_shapes(five)[0].n_units == network_shapes(BASE)[0].n_units + 2
    assert network_shapes(five)[1].key == network_shapes(BASE)[1].key


def test_scales_may_differ_from_lane_to_lane():
    cells = {n: replace(BASE, SCALES | {"generator.output_scale": n - 4.5}) for n in range(9)}
    runs = [(cell, 7) for cell in cells]
    together = run_chunk(cells, runs, SEED).traces.values
    for row, run in enumerate(runs):
        np.testing.assert_array_equal(together[row], run_chunk(cells, [run], SEED).traces.values[0])
    assert len({values.tobytes() for values in together}) == 9


def test_a_scaled_generator_is_the_affine_one_of_its_product():
    """Scales that are powers of two cost no rounding: coefficients and the referee's verdict agree to the bit."""
    still = {"g_steps": 0, "referee": Referee((4,), 20, batch_size=8, n_eval=32), "precision": "float32"}
    one = MLP((), init=Given([([[3.0]], [0.5])]), input_scale=0.25, output_scale=4)
    other = MLP((), init=Given([([[3.0]], [2.0])]))
    chunks = [
        run_chunk({0: replace(BASE, still | {"generator": mlp})}, [(0, rep) for rep in range(3)], SEED)
        for mlp in (one, other)
    ]
    for chunk in chunks:
        np.testing.assert_array_equal(chunk.affine, [[2.0, 3.0]] * 3)
    np.testing.assert_array_equal(chunks[0].traces.values, chunks[1].traces.values)
    np.testing.assert_array_equal(chunks[0].referee, chunks[1].referee)
    assert np.isfinite(chunks[0].referee).all()


def test_single_parameters_have_a_slope_and_no_intercept():
    gan = replace(BASE, {**SINGLE, "packing": 1, "noise": Normal(1, 1), "generator.output_scale": 2.0})
    chunk = run_chunk({0: gan}, [(0, rep) for rep in range(4)], SEED)
    [(weights, bias)] = networks(gan, 2, SEED).theta_g
    np.testing.assert_array_equal(bias, 0)
    np.testing.assert_allclose(chunk.affine[2], [0.0, 2 * weights[0, 0]], rtol=1e-12)
    np.testing.assert_allclose(networks(gan, 2, SEED).generate([0.0, 1.0]), [0.0, 2 * weights[0, 0]], rtol=1e-12)
    assert network_shapes(gan)[0].n_params == network_shapes(gan)[1].n_params == 1


# --- pictures -----------------------------------------------------------------------------------


def test_d_is_drawn_with_its_points_among_samples_of_the_target():
    found = ShownRun.of(history(BASE, REP, SEED))
    [snapshot], x = found.snapshots([len(found.history.frames) - 1]), np.linspace(-5, 7, 11)
    assert found.output == "D(x, others)"
    others = quantile(BASE.target, np.random.default_rng(0).random((16, 2)))
    sums = np.zeros(11)
    for number, pair in enumerate(others):
        columns = [np.full(11, value) for value in pair]
        columns.insert(number % 3, x)
        sums += networks(BASE, REP, SEED).discriminate(np.stack(columns, axis=1))
    np.testing.assert_allclose(snapshot.judge(x), sums / 16, rtol=1e-12)
