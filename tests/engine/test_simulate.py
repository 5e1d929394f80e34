"""One chunk of runs: what may share a bundle, what comes back, runs that blow up, single runs again, refusals."""

import dataclasses
import sys
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from gansim.engine import training
from gansim.engine.bundles import bundle_key
from gansim.engine.gradients import gradients
from gansim.engine.replay import networks, trace, train
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.kernels.lanes import LANES
from gansim.model.data.distributions import Mixture, Normal, Uniform, moments
from gansim.model.data.modes import modes_of
from gansim.model.dynamics import Average, Decay, Lookahead
from gansim.model.games import GAMES
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, Activation, Given, He, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, RMSProp
from gansim.model.paths import replace
from gansim.traces import DATA_UNITS, FIELDS, in_data_units
from helpers import reference as ref

SEED = 11

# One shape carries nearly everything here, because each compiles for seconds; the affine generator is the other.
BASE = GAN(
    target=Normal(2, 0.5),
    generator=MLP((4,)),
    discriminator=MLP((4,)),
    optimizer_g=Adam(1e-2),
    optimizer_d=Adam(1e-2),
    batch_size=13,
    steps=20,
    records=4,
    n_eval=32,
)
AFFINE = replace(BASE, {"generator": MLP(())})
OF_PROBABILITY = ("minimax", "non-saturating", "as-written")
OF_D = ("d_real", "d_fake", "d_real_off", "d_fake_off", "v", "v_max", "v_train")  # missing in other games
OPTIONAL = {"v_train", "modes", "modes_missed", "high_quality", "reverse_kl", "tv_modes", "ks_modes", "finite"}
ALWAYS = [FIELDS.index(name) for name in FIELDS if name not in OPTIONAL]
IF_UPDATED = {"grad_g": "g_steps", "grad_d": "d_steps"}  # gradients of players that are updated


def values_of(gan, rep=0, seed=SEED):
    return run_chunk({0: gan}, [(0, rep)], seed).traces.values[0]


# --- what may share a bundle --------------------------------------------------------------------

LANE_BY_LANE = {
    "target": {"target": Normal(500, 5)},
    "standardise": {"standardise": True},
    "noise": {"noise": Normal(1, 2)},
    "generator": {"generator.slope": 0.5, "generator.init": Xavier(0.5)},
    "discriminator": {"discriminator.activation": "relu", "discriminator.init": NormalInit(1)},
    "optimizer_g": {"optimizer_g": Adam(0.5, 0.1, 0.2, 0.3)},
    "optimizer_d": {"optimizer_d.lr": 7.0},
}
BUNDLE_BY_BUNDLE = {
    "target": {"target": Uniform(0, 1)},
    "samples": {"samples": 32},
    "noise": {"noise": Uniform(0, 1)},
    "noise_dim": {"noise_dim": 2},
    "generator": {"generator.hidden": (5,)},
    "discriminator": {"discriminator.bias": False},
    "fixed_noise": {"fixed_noise": True},
    "packing": {"packing": 2, "batch_size": 14},
    "game": {"game": "minimax"},
    "penalties": {"penalties.r1": 1},
    "fresh": {"fresh": False, "updates": "extragradient"},
    "lookahead": {"lookahead": Lookahead()},
    "average": {"average": Average()},
    "adjustment": {"adjustment": "unrolled"},
    "decay": {"decay": Decay()},
    "pretrain": {"pretrain": 3},
    "optimizer_g": {"optimizer_g": SGD()},
    "optimizer_d": {"optimizer_d": RMSProp()},
    "updates": {"updates": "simultaneous"},
    "d_steps": {"d_steps": 2},
    "g_steps": {"g_steps": 0},
    "batch_size": {"batch_size": 14},
    "steps": {"steps": 21},
    "records": {"records": 5},
    "n_eval": {"n_eval": 64},
    "referee": {"referee": Referee((4,))},
    "precision": {"precision": "float64"},
}


@pytest.mark.parametrize("field", LANE_BY_LANE)
def test_numbers_may_differ_within_a_bundle(field):
    changed = replace(BASE, LANE_BY_LANE[field])
    assert changed != BASE
    assert bundle_key(changed) == bundle_key(BASE)
    # What may differ from lane to lane does make a difference.
    assert (values_of(changed) != values_of(BASE)).any()


@pytest.mark.parametrize("field", BUNDLE_BY_BUNDLE)
def test_what_a_kernel_is_told_once_may_not(field):
    assert bundle_key(replace(BASE, BUNDLE_BY_BUNDLE[field])) != bundle_key(BASE)


def test_every_field_has_its_case():
    assert {field.name for field in dataclasses.fields(GAN)} == set(LANE_BY_LANE) | set(BUNDLE_BY_BUNDLE)


def test_mixtures_share_a_bundle_if_they_have_as_many_components():
    two, other, three = (replace(BASE, {"target": Mixture(means)}) for means in ((0, 1), (5, 7), (0, 1, 2)))
    assert bundle_key(two) == bundle_key(other) != bundle_key(three)


PIECEWISE = {"linear", "relu", "leaky_relu"}


@pytest.mark.parametrize("activation", get_args(Activation))
@pytest.mark.parametrize("other", get_args(Activation))
def test_activations_share_a_bundle_if_only_a_slope_tells_them_apart(activation, other):
    keys = [bundle_key(replace(BASE, {"generator": MLP((4,), name)})) for name in (activation, other)]
    assert (keys[0] == keys[1]) == (activation == other or {activation, other} <= PIECEWISE)


# --- mixed cells --------------------------------------------------------------------------------


def given_layers(sizes):
    return Given(ref.random_parameters(sizes, True, np.random.default_rng(sizes)))


NORMAL_CELLS = [
    {},
    {"optimizer_g.lr": 0.05, "optimizer_d.lr": 1e-4},
    {"optimizer_g.beta1": 0.9, "optimizer_d.beta2": 0.9, "optimizer_d.eps": 0.1},
    {"target": Normal(-30, 4)},
    {"target": Normal(500, 5), "standardise": True},
    {"noise": Normal(2, 0.1)},
    {"generator.slope": 0.7, "discriminator.slope": 0.0},
    {"generator.activation": "linear", "discriminator.activation": "relu"},
    {"generator.init": Xavier(2.0), "discriminator.init": TorchDefault()},
    {"generator.init": Orthogonal(0.5), "discriminator.init": NormalInit(0.5)},
    {"generator.init": given_layers((1, 4, 1)), "discriminator.init": given_layers((1, 4, 1))},
]
SAMPLED = {"samples": 9, "optimizer_g": Momentum(0.01), "optimizer_d": Momentum(0.01), "d_steps": 2}
MIXTURE_CELLS = [
    {**SAMPLED, "target": Mixture((0, 3)), "referee": Referee((4,), 5, batch_size=8, n_eval=32)},
    {"target": Mixture((-5, 5), (1, 3), (1, 9)), "standardise": True},
    {"optimizer_g.beta": 0.1, "optimizer_d.beta": 0.99},
    {"discriminator.init": "xavier", "noise": Normal(1, 3)},
]


def cells_of(changes, base=BASE):
    """Every cell on top of the first."""
    first = replace(base, changes[0])
    return {10 * number: replace(first, change) for number, change in enumerate([{}, *changes[1:]])}


CELLS = {
    "normal": cells_of(NORMAL_CELLS),
    "mixture": cells_of(MIXTURE_CELLS),
    "float64": cells_of(MIXTURE_CELLS, replace(BASE, {"precision": "float64"})),
    "affine": cells_of([{"target": Normal(3, 2)}, {"standardise": True}, {"noise": Normal(1, 1)}], AFFINE),
}


@pytest.mark.parametrize("name", CELLS)
def test_mixed_cells_in_ragged_bundles_equal_single_runs(name):
    cells = CELLS[name]
    assert len({bundle_key(gan) for gan in cells.values()}) == 1
    runs = [(cell, rep) for rep in (0, 3, 5) for cell in cells]
    runs = [runs[i] for i in np.random.default_rng(0).permutation(len(runs))]
    chunk = run_chunk(cells, runs, SEED)
    assert list(zip(chunk.cells.tolist(), chunk.reps.tolist(), strict=True)) == runs
    for row, (cell, rep) in enumerate(runs):
        alone = run_chunk({cell: cells[cell]}, [(cell, rep)], SEED)
        np.testing.assert_array_equal(chunk.traces.values[row], alone.traces.values[0])
        for mine, theirs in (
            (chunk.affine, alone.affine),
            (chunk.sample, alone.sample),
            (chunk.referee, alone.referee),
        ):
            np.testing.assert_array_equal(mine[row], theirs[0])
    last = chunk.traces.values[:, -1]
    assert len(np.unique(last[:, FIELDS.index("w1")])) == len(runs)  # every cell is different


def test_rows_of_a_chunk():
    chunk = run_chunk({3: BASE, 5: replace(BASE, {"optimizer_g.lr": 0.1})}, [(5, 2), (3, 7), (5, 0)], SEED)
    assert (chunk.cells.tolist(), chunk.reps.tolist()) == ([5, 3, 5], [2, 7, 0])
    assert len(chunk.traces) == 3
    np.testing.assert_array_equal(chunk.traces.steps, [[5, 10, 15, 20]] * 3)
    np.testing.assert_array_equal(chunk.traces.n_modes, 1)
    np.testing.assert_array_equal(chunk.traces["finite"], 1)
    assert np.isfinite(chunk.traces.values[:, :, ALWAYS]).all()
    for undefined in (chunk.affine, chunk.sample, chunk.referee, *(chunk.traces[f] for f in OPTIONAL - {"finite"})):
        assert np.isnan(undefined).all()
    assert set(chunk.seconds) == {"train", "measure", "referee"}


@pytest.mark.parametrize(("steps", "records", "expected"), [(7, 3, [2, 4, 7]), (5, 5, [1, 2, 3, 4, 5]), (9, 1, [9])])
def test_records_are_even_and_end_at_the_last_step(steps, records, expected):
    traces = run_chunk({0: replace(BASE, {"steps": steps, "records": records})}, [(0, 0)], SEED).traces
    assert traces.steps.tolist() == [expected]


# --- runs that blow up --------------------------------------------------------------------------

DOOMED = replace(BASE, {"optimizer_g": SGD(1000.0), "optimizer_d": SGD(1000.0), "steps": 100, "records": 20})
HEALTHY = replace(DOOMED, {"optimizer_g.lr": 0.01, "optimizer_d.lr": 0.01})


class Calls:
    """Counts the calls of a kernel by the step they end at."""

    def __init__(self, monkeypatch, name, position):
        self.steps, self.kernel, self.position = [], getattr(training, name), position
        monkeypatch.setattr(training, name, self)

    def __call__(self, *arguments):
        self.steps.append(arguments[self.position])
        self.kernel(*arguments)

    def per_record(self, steps):
        return [self.steps.count(step) for step in steps]


def check_rows_of_the_dead(traces, gan=BASE):
    """A run that is no longer finite stays so, and everything else in its records is NaN from then on."""
    finite = traces["finite"]
    assert set(np.unique(finite)) <= {0, 1}
    assert (np.diff(finite, axis=1) <= 0).all()
    rest = np.delete(traces.values, FIELDS.index("finite"), axis=2)
    assert np.isnan(rest[finite == 0]).all()
    for name in FIELDS:
        if name in OF_D and gan.game not in OF_PROBABILITY:
            assert np.isnan(traces[name]).all(), name
        elif name not in OPTIONAL:
            updated = getattr(gan, IF_UPDATED.get(name, "steps")) > 0
            assert (np.isfinite(traces[name][finite == 1]) == updated).all(), name
    return finite


def test_a_run_that_blows_up_is_a_row():
    referee = {"referee": Referee((4,), 5, batch_size=8, n_eval=32), "samples": 9}
    cells = {0: replace(HEALTHY, referee), 1: replace(DOOMED, referee)}
    runs = [(cell, rep) for rep in range(20) for cell in (0, 1)]
    chunk = run_chunk(cells, runs, SEED)
    finite = check_rows_of_the_dead(chunk.traces)
    assert (finite[chunk.cells == 0] == 1).all()
    assert (finite[chunk.cells == 1, -1] == 0).all()
    assert len(np.unique(finite[chunk.cells == 1].sum(axis=1))) > 1  # not all at once
    np.testing.assert_array_equal(np.isnan(chunk.referee).all(axis=1), chunk.cells == 1)
    assert np.isfinite(chunk.sample).all()  # the data are not to blame


def test_an_affine_generator_that_blows_up_has_no_coefficients():
    blow = {"optimizer_g": SGD(1000.0), "optimizer_d": SGD(1000.0), "game": "as-written", "steps": 100}
    cells = {0: replace(AFFINE, blow | {"optimizer_g.lr": 0.0, "optimizer_d.lr": 0.0}), 1: replace(AFFINE, blow)}
    chunk = run_chunk(cells, [(0, 0), *((1, rep) for rep in range(8))], SEED)
    dead = check_rows_of_the_dead(chunk.traces)[:, -1] == 0
    assert 0 < dead.sum() < 9
    np.testing.assert_array_equal(np.isnan(chunk.affine), np.stack([dead, dead], axis=1))


def test_the_dead_stop_costing_time(monkeypatch):
    """41 runs; as soon as the living fit into fewer bundles, fewer are trained."""
    trained, measured = Calls(monkeypatch, "train_bundle", 5), Calls(monkeypatch, "measure_networks", 5)
    lanes = LANES[np.dtype("float32")]
    runs = [(1, rep) for rep in range(20)] + [(0, 0)] + [(1, rep) for rep in range(20, 40)]
    chunk = run_chunk({0: HEALTHY, 1: DOOMED}, runs, SEED)
    alive = check_rows_of_the_dead(chunk.traces).sum(axis=0)
    assert alive[-1] == 1
    expected = [
        -(-41 // lanes),
        *np.ceil(alive[:-1] / lanes).astype(int).tolist(),
    ]  # what is needed after the record before
    assert trained.per_record(chunk.traces.steps[0]) == expected
    assert measured.per_record(chunk.traces.steps[0]) == expected
    assert 1 in expected


def test_a_chunk_whose_runs_all_blow_up(monkeypatch):
    trained = Calls(monkeypatch, "train_bundle", 5)
    referee = Referee((4,), 5, batch_size=8, n_eval=32)
    for runs in (17, 1):
        trained.steps.clear()
        chunk = run_chunk({0: replace(DOOMED, {"referee": referee})}, [(0, rep) for rep in range(runs)], SEED)
        alive = check_rows_of_the_dead(chunk.traces).sum(axis=0)
        assert alive[-1] == 0
        assert np.isnan(chunk.referee).all()
        assert len(trained.steps) < 20 * -(-runs // LANES[np.dtype("float32")])  # nobody left to train


def test_a_single_run_that_blows_up():
    frame = trace(DOOMED, rep=1, seed=SEED)
    assert len(frame) == 20
    assert frame["finite"].iloc[-1] == 0
    assert frame.loc[frame["finite"] == 0, "w1"].isna().all()
    assert np.isnan(networks(DOOMED, rep=1, seed=SEED).logit([0.0])).all()


# --- single runs --------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [0, 10, 30])
def test_trace_is_the_run_again(cell):
    cells = CELLS["mixture"]
    traces = run_chunk(cells, [(cell, rep) for rep in range(9)], SEED).traces
    frame = trace(cells[cell], rep=7, seed=SEED)
    assert list(frame.columns) == [*(["record"] if "record" in frame else []), "step", *FIELDS, *DATA_UNITS]
    np.testing.assert_array_equal(frame["step"], traces.steps[7])
    np.testing.assert_array_equal(frame[list(FIELDS)].to_numpy(np.float32), traces.values[7])
    assert not frame["w1"].equals(trace(cells[cell], rep=8, seed=SEED)["w1"])


@pytest.mark.parametrize("cell", CELLS["affine"])
def test_networks_are_those_of_the_run(cell):
    gan = CELLS["affine"][cell]
    chunk = run_chunk(CELLS["affine"], [(cell, rep) for rep in range(9)], SEED)
    intercept, slope = chunk.affine[7]
    nets = networks(gan, rep=7, seed=SEED)
    z = np.linspace(-2, 2, 5)
    np.testing.assert_allclose(nets.generate(z), intercept + slope * z, rtol=1e-12)
    theta_g, theta_d = train(gan, rep=7, seed=SEED)
    assert ref.flatten(nets.theta_g).tolist() == ref.flatten(theta_g).tolist()
    assert ref.flatten(nets.theta_d).tolist() == ref.flatten(theta_d).tolist()
    assert ref.flatten(theta_d).tolist() != ref.flatten(train(gan, rep=6, seed=SEED)[1]).tolist()


def test_networks_take_samples_of_every_shape():
    nets = networks(BASE, seed=SEED)
    assert nets.generate([0.5]).shape == nets.generate([[0.5]]).shape == (1,)
    assert nets.logit(np.zeros((5, 1))).shape == nets.discriminate(range(5)).shape == (5,)
    d = nets.discriminate([-1e6, 0, 1e6])
    np.testing.assert_allclose(d, expit(nets.logit([-1e6, 0, 1e6])), rtol=1e-12)
    with pytest.raises(ValueError, match="x: shape"):
        nets.logit(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="z: shape"):
        nets.generate(np.zeros((2, 5)))


def monte_carlo(values):
    """Mean and standard deviation of a sample, and the standard errors of both for one draw."""
    mean, std = values.mean(), values.std()
    return mean, std, std, np.sqrt(np.var((values - mean) ** 2)) / (2 * std)


N_RECORD, N_FRESH = 16384, 200_000
ROOT_N = np.sqrt(1 / N_RECORD + 1 / N_FRESH)


def record_errors(record, gan, nets, seed=0):
    """How many standard errors a record is off from a large fresh sample through the networks."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(gan.noise.mean, gan.noise.std, N_FRESH)
    fakes = nets.generate(noise)
    reals = rng.normal(gan.target.mean, gan.target.std, N_FRESH)
    mean, std, of_mean, of_std = monte_carlo(fakes)
    off = {"g_mean": (record["g_mean"] - mean) / of_mean, "g_std": (record["g_std"] - std) / of_std}
    for name, values in (
        ("d_real", nets.discriminate(reals)),
        ("d_fake", nets.discriminate(fakes)),
        ("acc_real", nets.logit(reals) > 0),
        ("acc_fake", nets.logit(fakes) < 0),
    ):
        off[name] = (record[name] - values.mean()) / max(values.std(), 1e-3)
    real, fake = -np.logaddexp(0, -nets.logit(reals)), -np.logaddexp(0, nets.logit(fakes))
    off["v"] = (record["v"] - real.mean() - fake.mean()) / np.hypot(real.std(), fake.std())
    return {name: abs(float(value)) / ROOT_N for name, value in off.items()}


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize(
    "activation",
    [pytest.param(name, marks=[] if name in PIECEWISE else [pytest.mark.slow]) for name in get_args(Activation)],
)
def test_networks_agree_with_the_last_record(activation, standardise):
    other = "tanh" if activation in PIECEWISE else activation  # a shape that tests/engine/test_bits.py compiles, too
    changes = {
        "target": Normal(3, 2),
        "standardise": standardise,
        "noise": Normal(0.5, 2),
        "generator": MLP((4,), activation),
        "discriminator": MLP((4,), other),
        "steps": 100,
        "records": 1,
        "n_eval": N_RECORD,
    }
    gan = replace(BASE, changes)
    record = trace(gan, rep=2, seed=SEED).iloc[-1]
    errors = record_errors(record, gan, networks(gan, rep=2, seed=SEED))
    assert max(errors.values()) < 4.5, errors
    # Negative control: another run's networks, and a step less, are told apart.
    assert max(record_errors(record, gan, networks(gan, rep=3, seed=SEED)).values()) > 20


# --- fixed samples ------------------------------------------------------------------------------

TARGETS = [Normal(500, 5), Uniform(-1, 3), Mixture((-2, 1), (0.5, 1), (1, 3))]


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
@pytest.mark.parametrize("samples", [1, 7, 32, 33])
def test_moments_of_the_fixed_sample(samples, target, standardise):
    gan = replace(BASE, {"target": target, "samples": samples, "standardise": standardise})
    chunk = run_chunk({0: gan}, [(0, rep) for rep in range(3)], SEED)
    mean, std = moments(target) if standardise else (0, 1)
    for rep, (found_mean, found_std) in enumerate(chunk.sample):
        sample = mean + std * ref.fixed_sample(gan, rep, SEED)[:, 0]
        # In float32 a sample around 500 has steps of 3e-5, and one of a single point no spread at all.
        assert found_mean == pytest.approx(sample.mean(), rel=1e-6, abs=1e-6)
        assert found_std == pytest.approx(sample.std(), abs=1e-6 * max(moments(target)))
        assert chunk.traces["v_train"][rep, -1] == pytest.approx(v_train(gan, rep), abs=1e-3)
        if samples > 7 and (standardise or target.kind != "normal"):  # around 500 this D is sure, and V the same
            assert abs(chunk.traces["v_train"][rep, -1] - chunk.traces["v"][rep, -1]) > 1e-6


def v_train(gan, rep):
    """V of the trained networks, reals from the run's own sample, fakes from the last record's held-out noise."""
    theta_g, theta_d = train(gan, rep, SEED)
    reals = ref.fixed_sample(gan, rep, SEED)[: gan.n_eval]
    _, z = ref.held_out(gan, rep, SEED, gan.steps)
    fakes = ref.forward(gan.generator, theta_g, z).output
    on_real, on_fake = (ref.forward(gan.discriminator, theta_d, x).output for x in (reals, fakes))
    return float(-ref.softplus(-on_real).mean() - ref.softplus(on_fake).mean())


@pytest.mark.parametrize("batch_size", ["full", 7, 40])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
def test_batches_come_from_the_fixed_sample(target, batch_size):
    """With learning rates of 0, the norm of D's last gradient is that on the last batch of the run's own sample."""
    gan = replace(
        BASE,
        {
            "target": target,
            "samples": 21,
            "batch_size": batch_size,
            "optimizer_g": SGD(0.0),
            "optimizer_d": SGD(0.0),
            "steps": 3,
            "records": 1,
            "precision": "float64",
            "standardise": True,
        },
    )
    found = run_chunk({0: gan}, [(0, rep) for rep in range(3)], SEED).traces["grad_d"][:, 0]
    for rep in range(3):
        theta_g, theta_d = train(gan, rep, SEED)
        x = ref.real_batch(gan, rep, SEED, 2, 0)
        z = ref.draw_noise(gan, ref.Stream(SEED, rep, ref.NOISE_D, 2), gan.batch)
        assert set(np.unique(x)) <= set(np.unique(ref.fixed_sample(gan, rep, SEED)))
        expected = np.linalg.norm(ref.flatten(ref.gradient_d(gan, theta_g, theta_d, x, z)))
        assert found[rep] == pytest.approx(expected, rel=1e-6)
        fresh = ref.real_batch(replace(gan, {"samples": None, "batch_size": gan.batch}), rep, SEED, 2, 0)
        wrong = np.linalg.norm(ref.flatten(ref.gradient_d(gan, theta_g, theta_d, fresh, z)))
        assert found[rep] != pytest.approx(wrong, rel=1e-4)


# --- scale and precision ------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [None, 21])
def test_standardised_runs_are_those_of_the_standard_target(samples):
    unit = replace(BASE, {"target": Normal(0, 1), "samples": samples})
    scaled = replace(unit, {"target": Normal(500, 5), "standardise": True})
    runs = [(0, rep) for rep in range(9)]
    one, other = run_chunk({0: unit}, runs, SEED), run_chunk({0: scaled}, runs, SEED)
    for name in FIELDS:
        np.testing.assert_array_equal(other.traces[name], one.traces[name], err_msg=name)
    np.testing.assert_allclose(other.sample, one.sample * 5 + [500, 0], rtol=1e-12)
    raw = run_chunk({0: replace(scaled, {"standardise": False})}, runs, SEED)
    assert (raw.traces["w1"] > 10 * one.traces["w1"]).all()  # 500 is far from what an untrained network makes


def test_affine_coefficients_in_data_units():
    cells = {0: replace(AFFINE, {"target": Normal(0, 1)})}
    cells[1] = replace(cells[0], {"target": Normal(500, 5), "standardise": True})
    chunk = run_chunk(cells, [(0, 4), (1, 4)], SEED)
    np.testing.assert_allclose(chunk.affine[1], chunk.affine[0] * 5 + [500, 0], rtol=1e-12)
    shift, spread = (chunk.traces[name][1, -1] for name in ("g_shift", "g_spread"))
    g_mean, g_std = in_data_units(shift, spread, 500, 5)
    _, z = ref.held_out(cells[1], 4, SEED, BASE.steps)
    intercept, slope = chunk.affine[1]
    assert g_mean == pytest.approx(intercept + slope * z.mean(), abs=1e-3)
    assert g_std == pytest.approx(abs(slope) * z.std(), rel=1e-4)


@pytest.mark.parametrize("cell", range(0, 40, 10))
def test_float64_and_float32_tell_the_same(cell):
    single, double = (
        run_chunk(CELLS[name], [(cell, rep) for rep in range(9)], SEED) for name in ("mixture", "float64")
    )
    assert single.traces.values.dtype == double.traces.values.dtype == np.float32
    np.testing.assert_allclose(single.traces.values, double.traces.values, rtol=2e-3, atol=2e-3)
    assert (single.traces["v"] != double.traces["v"]).any()
    np.testing.assert_allclose(single.sample, double.sample, rtol=1e-5, atol=1e-6)


# --- anything that is allowed -------------------------------------------------------------------

numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
spreads = st.floats(0.01, 50).map(lambda x: round(x, 3))
rates = st.sampled_from([0.0, 1e-4, 1e-2, 1.0, 1000.0])
decays = st.sampled_from([0.0, 0.5, 0.999999])
optimizers = st.one_of(
    st.builds(SGD, rates),
    st.builds(Momentum, rates, decays),
    st.builds(RMSProp, rates, decays, st.sampled_from([1e-30, 1e-8, 1.0])),
    st.builds(Adam, rates, decays, decays),
)
inits = st.sampled_from([Xavier(), Orthogonal(), TorchDefault(), NormalInit(100.0), NormalInit(0.0), He()])
# Others compile anew, seconds each; so does tanh in G or in float64, which tests/engine/test_training.py has.
few = {"float32": ["leaky_relu", "relu", "linear", "tanh"], "float64": ["leaky_relu", "relu", "linear"]}
mlps = {name: st.builds(MLP, st.just((4,)), st.sampled_from(few[name]), init=inits) for name in few}
uniforms = st.builds(lambda low, width: Uniform(low, low + width), numbers, spreads)
normals = st.builds(Normal, numbers, spreads)
mixtures = st.builds(Mixture, st.lists(numbers, min_size=2, max_size=5).map(tuple), spreads)


@st.composite
def chunks(draw):
    """Some cells of one bundle key on the shape that is compiled already, and some of their runs."""
    updates = draw(st.sampled_from(["alternating", "simultaneous"]))
    repeats = st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(any)
    d_steps, g_steps = draw(repeats) if updates == "alternating" else (1, 1)
    samples, steps = draw(st.none() | st.integers(1, 40)), draw(st.integers(1, 12))
    precision = draw(st.sampled_from(["float32", "float64"]))
    referee = Referee((4,), steps=3, batch_size=5, n_eval=32)
    gan = GAN(
        target=draw(normals | uniforms | mixtures),
        samples=samples,
        standardise=draw(st.booleans()),
        noise=draw(normals | uniforms),
        generator=draw(mlps["float64"]),
        discriminator=draw(mlps[precision]),
        game=draw(st.sampled_from(tuple(GAMES))),
        optimizer_g=draw(optimizers),
        optimizer_d=draw(optimizers),
        updates=updates,
        d_steps=d_steps,
        g_steps=g_steps,
        batch_size=draw(st.integers(1, 40) | (st.just("full") if samples else st.nothing())),
        steps=steps,
        records=draw(st.integers(1, steps)),
        n_eval=32 * draw(st.integers(1, 5)),
        referee=draw(st.none() | st.just(referee)),
        precision=precision,
    )
    cells = {0: gan, 1: replace(gan, {"optimizer_g.lr": draw(rates), "standardise": draw(st.booleans())})}
    runs = draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2**32 - 1)), min_size=1, max_size=20))
    return cells, runs, draw(st.integers(0, 2**64 - 1))


@settings(max_examples=15)
@given(chunks())
def test_any_configuration_gives_rows(drawn):
    cells, runs, seed = drawn
    chunk, gan = run_chunk(cells, runs, seed), cells[0]
    traces = chunk.traces
    assert traces.values.shape == (len(runs), gan.records, len(FIELDS))
    assert (traces.steps[:, -1] == gan.steps).all()
    finite = check_rows_of_the_dead(traces, gan) == 1
    assert (traces.n_modes == modes_of(gan.target).n).all()
    of_probability = gan.game in OF_PROBABILITY
    for name in ("acc_real", "acc_fake", "auc", "ks", *(("d_real", "d_fake") if of_probability else ())):
        assert ((traces[name][finite] >= 0) & (traces[name][finite] <= 1)).all(), name
    for name in ("d_real_off", "d_fake_off") if of_probability else ():
        assert ((traces[name][finite] >= 0) & (traces[name][finite] <= 0.5)).all(), name
    for name in ("w1", "g_spread", "grad_g", "grad_d"):
        assert not (traces[name][finite] < 0).any(), name
    if of_probability:
        assert (traces["v"][finite] <= 0).all()
        assert ((traces["v_max"][finite] <= 1e-5) & (traces["v_max"][finite] >= -np.log(4) - 1e-5)).all()
        assert (np.isnan(traces["v_train"][finite]) == (gan.samples is None)).all()
    assert (np.isnan(traces["modes"][finite]) != isinstance(gan.target, Mixture)).all()
    assert (np.isnan(chunk.sample) == (gan.samples is None)).all()
    judged = ~np.isnan(chunk.referee).any(axis=1)
    assert (judged == (finite[:, -1] & (gan.referee is not None))).all()
    # A run again, on its own.
    cell, rep = runs[-1]
    np.testing.assert_array_equal(run_chunk(cells, [(cell, rep)], seed).traces.values[0], traces.values[-1])


# --- gradients: what does not fit is refused ----------------------------------------------------

PROBLEM = ref.gradient_problem(BASE, 6)
WIDE = replace(BASE, {"noise_dim": 2, "generator.hidden": ()})
WIDE_PROBLEM = ref.gradient_problem(WIDE, 6)


def swapped(theta):
    return [(theta[0][0].T, theta[0][1]), *theta[1:]]


REFUSED = {
    "a layer too few": (BASE, {"theta_g": PROBLEM.theta_g[:1]}, "theta_g"),
    "a layer too many": (BASE, {"theta_d": [*PROBLEM.theta_d, PROBLEM.theta_d[-1]]}, "theta_d"),
    "weights transposed": (BASE, {"theta_d": swapped(PROBLEM.theta_d)}, "theta_d"),
    "no layers": (BASE, {"theta_g": []}, "theta_g"),
    "the other's parameters": (WIDE, {"theta_g": PROBLEM.theta_g}, "theta_g"),
    "fewer noises": (BASE, {"z": PROBLEM.z[:4]}, "6 and 4 samples"),
    "nothing": (BASE, {"x": [], "z": []}, "x: shape"),
    "two columns of samples": (BASE, {"x": np.zeros((6, 2)), "z": np.zeros(12)}, "x: shape"),
    "noises in a row": (WIDE, {"z": WIDE_PROBLEM.z.T}, "z: shape"),
    "noises in a line": (WIDE, {"z": WIDE_PROBLEM.z.ravel()}, "z: shape"),
    "a number": (BASE, {"x": 0.0, "z": 0.0}, "x: shape"),
    "weights without biases": (BASE, {"theta_g": [weights for weights, _ in PROBLEM.theta_g]}, "theta_g"),
    "ragged weights": (BASE, {"theta_d": [([[1], [2, 3], [4], [5]], np.zeros(4)), PROBLEM.theta_d[1]]}, "theta_d"),
    "a weight that is no number": (
        BASE,
        {"theta_d": [(np.full((4, 1), np.nan), np.zeros(4)), PROBLEM.theta_d[1]]},
        "theta_d",
    ),
}


def test_gradients_refuse_a_bias_where_there_is_none():
    with pytest.raises(ValueError, match="theta_g: holds a bias other than 0"):
        gradients(replace(BASE, {"generator.bias": False}), *PROBLEM)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rep": -1}, "rep: value -1: an integer from 0"),
        ({"rep": 2**32}, "rep: value 4294967296"),
        ({"rep": 1.5}, "rep: value 1.5"),
        ({"seed": -1}, "seed: value -1: an integer from 0"),
        ({"seed": 2**64}, "seed: value 18446744073709551616"),
    ],
)
@pytest.mark.parametrize("what", [trace, networks])
def test_a_run_that_cannot_be_is_refused(what, settings, words):
    with pytest.raises(ConfigError, match=words):
        what(BASE, **settings)


@pytest.mark.parametrize("runs", [[], [(0, 0), (1, 0)]])
def test_a_chunk_is_runs_of_one_bundle_key(runs):
    with pytest.raises(ValueError, match="one run or more, of one bundle key"):
        run_chunk({0: BASE, 1: replace(BASE, {"game": "as-written"})}, runs, SEED)


@pytest.mark.parametrize("case", REFUSED)
def test_gradients_refuse_what_does_not_fit(case):
    gan, change, words = REFUSED[case]
    problem = (PROBLEM if gan is BASE else WIDE_PROBLEM)._replace(**change)
    with pytest.raises(ValueError, match=words):
        gradients(gan, *problem)
    gradients(gan, *(PROBLEM if gan is BASE else WIDE_PROBLEM))  # and take what does


def test_a_run_that_was_not_finite_once_stays_so(monkeypatch):
    """Whatever its later records are: they follow from numbers that are none."""
    gan = dataclasses.replace(BASE, records=4)
    engine = sys.modules["gansim.engine.simulate"]  # `gansim.engine.simulate` may be the function of that name
    real = engine.records

    def broken(*arguments):
        for k, taken in enumerate(real(*arguments)):
            finite = taken.finite.copy()
            finite[0] &= k != 1
            yield taken._replace(finite=finite)

    monkeypatch.setattr(engine, "records", broken)
    found = run_chunk({0: gan}, [(0, 0), (0, 1)], SEED).traces
    assert found["finite"].tolist() == [[1, 0, 0, 0], [1, 1, 1, 1]]
    assert np.isnan(found["w1"][0, 1:]).all()
