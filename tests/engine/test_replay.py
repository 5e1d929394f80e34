"""A run's history: its records are the study's, its networks the run's, and looking at it changes nothing."""

import hashlib

import numpy as np
import pytest

from gansim.engine import replay, training
from gansim.engine.gradients import gradients
from gansim.engine.history import history
from gansim.engine.replay import networks, trace, train
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.dynamics import Average
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam, Momentum
from gansim.model.paths import replace
from gansim.traces import DATA_UNITS, FIELDS

SEED = 11
# One shape carries everything here, the one of test_simulate.
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
CASES = {
    "normal": {},
    "fixed sample": {"samples": 9, "batch_size": "full"},
    "mixture": {"target": Mixture((-1, 1, 3)), "updates": "simultaneous", "game": "minimax"},
    "several updates": {"d_steps": 3, "g_steps": 2, "optimizer_d": Momentum(0.1)},
    "frozen generator": {"g_steps": 0},
    "non-finite": {"optimizer_g": SGD(1000.0), "optimizer_d": SGD(1000.0), "steps": 100, "records": 20},
}
FRAMES = {
    "the study's": None,
    "none but the end": 1,
    "every step": 1000,
    "some": [0, 3, 5, 17],
    "from an array": np.r_[1:9],
}


def digest(layers) -> str:
    """Digest of parameters as `train` and `networks` give them; any NaN counts as the same."""
    flat = np.concatenate([part.ravel() for layer in layers for part in layer])
    return hashlib.sha256(np.where(np.isnan(flat), np.nan, flat).tobytes()).hexdigest()


@pytest.mark.parametrize("frames", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("case", CASES)
def test_the_history_ends_where_the_run_ends(case, frames):
    gan = replace(BASE, CASES[case])
    found = history(gan, 7, SEED, frames)
    nets = found.networks()
    theta_g, theta_d = train(gan, 7, SEED)
    assert (digest(nets.theta_g), digest(nets.theta_d)) == (digest(theta_g), digest(theta_d))
    stored = run_chunk({3: gan}, [(3, rep) for rep in range(9)], SEED).traces
    np.testing.assert_array_equal(found.study_traces().steps[0], stored.steps[7])
    np.testing.assert_array_equal(found.study_traces().values[0], stored.values[7])
    assert found.frames[-1] == gan.steps
    assert set(found.frames) <= set(found.traces.steps[0].tolist())


def test_another_run_has_another_digest():
    one, other = (history(BASE, rep, SEED).networks() for rep in (7, 8))
    assert digest(one.theta_g) != digest(other.theta_g)
    assert digest(history(BASE, 7, SEED, [5, 20]).networks(0).theta_d) != digest(one.theta_d)


def test_networks_at_a_frame_are_those_of_a_run_of_so_many_steps():
    found = history(BASE, 2, SEED, [0, 6, 13])
    assert found.frames.tolist() == [0, 6, 13, 20]
    for frame, steps in [(1, 6), (2, 13)]:
        short = networks(replace(BASE, {"steps": steps}), 2, SEED)
        np.testing.assert_array_equal(found.networks(frame).logit([1.0, 2.0]), short.logit([1.0, 2.0]))
    still = networks(replace(BASE, {"optimizer_g.lr": 0.0, "optimizer_d.lr": 0.0}), 2, SEED)
    np.testing.assert_array_equal(found.networks(0).generate([0.0, 1.0]), still.generate([0.0, 1.0]))


def test_records_in_between_are_those_of_a_study_that_takes_them():
    found, often = history(BASE, 2, SEED, 21), trace(replace(BASE, {"records": 20}), 2, SEED)
    frame = found.frame()
    assert list(frame.columns) == ["record", "step", "stored", *FIELDS, *DATA_UNITS]
    assert frame.loc[frame["stored"], "step"].tolist() == [5, 10, 15, 20]
    assert frame["step"].tolist() == list(range(21))
    np.testing.assert_array_equal(frame.loc[1:, list(FIELDS)], often[list(FIELDS)])
    assert frame.loc[0, ["grad_g", "grad_d"]].isna().all() and frame.loc[0, "finite"] == 1
    assert np.isfinite(frame.loc[0, ["w1", "v", "d_real"]].to_numpy(float)).all()


def test_a_run_that_blows_up_stays_dead_from_the_record_on_at_which_the_study_saw_it():
    found = history(replace(BASE, CASES["non-finite"]), 1, SEED, 101)
    frame = found.frame()
    dead = frame.loc[frame["stored"] & (frame["finite"] == 0), "step"].min()
    assert 0 < dead < 100
    rows = frame[frame["step"] >= dead]
    assert (rows["finite"] == 0).all() and rows[[name for name in FIELDS if name != "finite"]].isna().all(axis=None)
    assert frame.loc[0, "finite"] == 1 and np.isfinite(found.networks(0).logit([2.0])).all()


def test_a_record_in_between_that_overflows_kills_no_run(monkeypatch):
    real = training.measure

    def overflowing(bundle, step, record):
        raw = real(bundle, step, record).copy()
        raw[:, FIELDS.index("finite")] *= step != 7
        return raw

    monkeypatch.setattr(training, "measure", overflowing)
    frame = history(BASE, 2, SEED, [7]).frame()
    assert frame["step"].tolist() == [5, 7, 10, 15, 20]
    assert frame["finite"].tolist() == [1, 0, 1, 1, 1] and np.isnan(frame.loc[1, "w1"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rep": -1}, "rep: value -1"),
        ({"seed": 1.5}, "seed: value 1.5"),
        ({"frames": 0}, "frames: value 0: an integer from 1"),
        ({"frames": [3, 21]}, "frames: value 21: an integer from 0 to 20"),
        ({"frames": "12"}, "frames: value '1'"),
        ({"frames": 2.5}, r"frames: value 2.5: a number of frames, or steps from 0 to 20"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words):
    with pytest.raises(ConfigError, match=words):
        history(BASE, **arguments)


@pytest.mark.parametrize("call", [trace, train, networks, history, lambda gan: gradients(gan, [], [], [], [])])
def test_what_is_no_configuration_is_refused(call):
    with pytest.raises(ConfigError, match="gan: value 'abc': a GAN"):
        call("abc")


def test_networks_that_blew_up_can_be_looked_at():
    """Warnings are errors here."""
    wild = {"target": Normal(0, 1e6), "game": "as-written", "optimizer_g": SGD(1000), "optimizer_d": SGD(1000)}
    nets = networks(replace(BASE, wild), 7, SEED)
    assert not np.isfinite(nets.generate([0.0, 1.0])).any() and not np.isfinite(nets.discriminate([0.0, 1.0])).any()


def test_more_networks_than_fit_are_refused_before_training():
    wide = MLP((512, 512, 512, 512))
    gan = replace(BASE, {"generator": wide, "discriminator": wide, "steps": 1000})
    with pytest.raises(ConfigError, match="frames: 1,000 of these networks do not fit"):
        history(gan, frames=range(1, 1001))


@pytest.mark.parametrize("values", ["x", ["1"], [True], [1j], [None], [[1], [2, 3]], object()])
def test_what_is_no_number_is_refused_by_name(values: object) -> None:
    nets = replay.networks(replace(GAN(target=Normal()), {"steps": 1, "n_eval": 32}))
    for call, name in ((nets.generate, "z"), (nets.logit, "x"), (nets.discriminate, "x")):
        with pytest.raises(ConfigError, match=f"^{name}: value .*: numbers$"):
            call(values)


def test_d_is_the_sigmoid_of_its_logit():
    x = np.linspace(-3, 7, 41)
    nets = networks(BASE, 3, SEED)
    assert np.ptp(nets.logit(x)) > 0.1
    np.testing.assert_allclose(nets.discriminate(x), 1 / (1 + np.exp(-nets.logit(x))), rtol=1e-12)


@pytest.mark.parametrize("beta", [0.5, None])
def test_what_is_shown_of_an_averaged_generator_is_what_is_measured(beta):
    """The average over its steps; D, and what is trained, are those of the run without."""
    plain, gan = BASE, replace(BASE, {"average": Average(beta)})
    steps, shown = history(plain, 3, SEED, range(plain.steps + 1)), history(gan, 3, SEED, range(plain.steps + 1))
    assert np.array_equal(steps.theta_d, shown.theta_d) and np.array_equal(steps.theta_g[0], shown.theta_g[0])
    average = steps.theta_g[0].astype(float)
    for step, theta in enumerate(steps.theta_g[1:].astype(float)):
        average += (1 / (step + 1) if beta is None else 1 - beta) * (theta - average)
        np.testing.assert_allclose(shown.theta_g[step + 1], average, rtol=1e-4, atol=1e-6)
    assert digest(networks(gan, 3, SEED).theta_g) == digest(shown.networks().theta_g)
    assert digest(networks(gan, 3, SEED).theta_d) == digest(networks(plain, 3, SEED).theta_d)
    fakes = networks(gan, 3, SEED).generate(np.random.default_rng(0).standard_normal(100_000))
    last = trace(gan, 3, SEED).iloc[-1]
    assert last["g_mean"] == pytest.approx(fakes.mean(), abs=4 * fakes.std() / np.sqrt(gan.n_eval))
    assert trace(plain, 3, SEED).iloc[-1]["g_shift"] != last["g_shift"]
