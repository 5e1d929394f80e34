"""A player that never moves, and D trained alone before the first step: parameters and optimisers' state."""

import numpy as np
import pytest

from gansim.engine import bundles
from gansim.engine.bundles import build_bundles, measured_generator, training_plan
from gansim.engine.history import history
from gansim.engine.replay import train
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.kernels.training.train import train as train_bundle
from gansim.model.data.distributions import Normal
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam, Momentum
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from helpers import reference as ref

SEED, REP = 2**33 + 1, 4
BASE = GAN(
    Normal(1, 2),
    generator=MLP((4,)),
    discriminator=MLP((4,)),
    optimizer_g=Adam(0.02, weight_decay=0.1),
    optimizer_d=Adam(0.03, weight_decay=0.2),
    batch_size=9,
    steps=6,
    records=2,
    n_eval=32,
)


def state(player):
    """All that an update would change."""
    return player.theta.tobytes(), player.state.tobytes(), player.kept.tobytes()


def moved(gan, steps=6):
    """Whether G and whether D changed in training proper, parameters or state."""
    [bundle] = build_bundles([gan], [REP], SEED)
    plan = training_plan(gan)
    train_bundle(bundle.g, bundle.d, bundle.sampler, plan, -gan.pretrain, 0)
    before = state(bundle.g), state(bundle.d)
    train_bundle(bundle.g, bundle.d, bundle.sampler, plan, 0, steps)
    return before[0] != state(bundle.g), before[1] != state(bundle.d)


everything = Penalties(r1=0.1, r2=0.2, gradient=0.3, noise=0.4)
BESIDE_FROZEN_D = {
    "weight decay": {},
    "momentum": {"optimizer_d": Momentum(0.1)},
    "decay of rates": {"decay": Decay("cosine")},
    "an average of G": {"average": Average(0.9)},
    "the mean of G": {"average": Average(None), "updates": "alternating-g-first"},
    "an unrolled D": {"adjustment": Unrolled(2, 0.1)},
    "an unrolled D in first order": {"adjustment": Unrolled(2, 0.1, second_order=False), "game": "relativistic"},
    "pretraining": {"pretrain": 3},
    "penalties in pretraining": {"pretrain": 3, "penalties": everything},
    "clipping in pretraining": {"pretrain": 3, "penalties": Penalties(clip=0.2)},
    "normalised in pretraining": {"pretrain": 3, "penalties": Penalties(spectral=True)},
    "normalised and unrolled": {
        "pretrain": 3,
        "penalties": Penalties(spectral=True),
        "adjustment": Unrolled(2, 0.1, second_order=False),
    },
    "a relativistic game": {"game": "relativistic-average"},
}
BESIDE_FROZEN_G = {
    "weight decay": {},
    "momentum": {"optimizer_g": Momentum(0.1)},
    "decay of rates": {"decay": Decay("linear")},
    "pretraining": {"pretrain": 3},
    "penalties": {"penalties": everything},
    "clipping": {"penalties": Penalties(clip=0.2)},
    "normalised": {"penalties": Penalties(spectral=True)},
    "a relativistic game": {"game": "relativistic"},
}


@pytest.mark.parametrize("what", BESIDE_FROZEN_D)
def test_a_frozen_d_never_moves(what):
    changes = BESIDE_FROZEN_D[what]
    gan = replace(BASE, {**changes, "d_steps": 0})
    g, d = moved(gan)
    assert g
    if "adjustment" in changes:  # it takes D along and back, by way of the room that D has
        [bundle], [trained] = (build_bundles([gan], [REP], SEED) for _ in range(2))
        plan = training_plan(gan)
        for one, last in ((bundle, 0), (trained, 6)):
            train_bundle(one.g, one.d, one.sampler, plan, -gan.pretrain, last)
        assert bundle.d.theta.tobytes() == trained.d.theta.tobytes()
        assert bundle.d.state.tobytes() == trained.d.state.tobytes()
    else:
        assert not d
    assert moved(replace(gan, {"d_steps": 1})) == (True, True)  # negative control


@pytest.mark.parametrize("what", BESIDE_FROZEN_G)
def test_a_frozen_g_never_moves(what):
    gan = replace(BASE, {**BESIDE_FROZEN_G[what], "g_steps": 0})
    assert moved(gan) == (False, True)
    assert moved(replace(gan, {"g_steps": 1})) == (True, True)


@pytest.mark.parametrize("name", ["r1", "r2", "gradient", "clip", "noise", "smoothing", "spectral"])
def test_penalties_need_a_d_that_moves_once(name):
    given = {f"penalties.{name}": True if name == "spectral" else 0.5, "game": "minimax", "d_steps": 0}
    with pytest.raises(ConfigError, match=f"penalties.{name}: .*because d_steps = 0: D is frozen"):
        replace(BASE, given)
    assert replace(BASE, {**given, "pretrain": 1}).penalties == replace(BASE, {**given, "d_steps": 1}).penalties


# --- D trained alone ----------------------------------------------------------------------------


def test_pretraining_moves_d_alone_and_goes_on_with_its_optimiser():
    gan = replace(BASE, {"pretrain": 4})
    [bundle], [plain] = build_bundles([gan], [REP], SEED), build_bundles([BASE], [REP], SEED)
    train_bundle(bundle.g, bundle.d, bundle.sampler, training_plan(gan), -4, 0)
    np.testing.assert_array_equal(bundle.g.theta, plain.g.theta)
    np.testing.assert_array_equal(bundle.g.state, plain.g.state)
    beta1 = np.float32(BASE.optimizer_d.beta1)
    np.testing.assert_array_equal(bundle.d.state[-2], np.float32(beta1**4))  # a power of 1/2
    assert (bundle.d.theta != plain.d.theta).any()


def test_more_pretraining_begins_like_less():
    few, many = replace(BASE, {"pretrain": 2}), replace(BASE, {"pretrain": 5})
    [a], [b] = build_bundles([few], [REP], SEED), build_bundles([many], [REP], SEED)
    train_bundle(a.g, a.d, a.sampler, training_plan(few), -2, 0)
    train_bundle(b.g, b.d, b.sampler, training_plan(many), -5, -3)
    np.testing.assert_array_equal(a.d.theta, b.d.theta)


def test_training_draws_what_it_draws_without():
    """With a learning rate of 0 pretraining leaves D where it was, and training goes as if there had been none."""
    still = replace(BASE, {"optimizer_d": SGD(0.0)})
    for one, other in zip(train(still, REP, SEED), train(replace(still, {"pretrain": 3}), REP, SEED), strict=True):
        np.testing.assert_array_equal(ref.flatten(one), ref.flatten(other))


def test_its_batches_are_those_of_no_step():
    """Pretraining is no step that is done once more: its batches are others."""
    gan = replace(BASE, {"optimizer_g": SGD(0.0), "precision": "float64"})
    alone = ref.train(replace(gan, {"pretrain": 1, "d_steps": 0}), REP, SEED)[1]
    step = ref.train(gan, REP, SEED, steps=1)[1]
    assert np.abs(ref.flatten(alone) - ref.flatten(step)).max() > 1e-3


def test_steps_and_records_are_those_of_training_proper():
    gan = replace(BASE, {"pretrain": 50})
    traces = run_chunk({0: gan}, [(0, 0)], SEED).traces
    np.testing.assert_array_equal(traces.steps, [[3, 6]])
    first = history(gan, REP, SEED, frames=[0])
    [bundle] = build_bundles([gan], [REP], SEED)
    train_bundle(bundle.g, bundle.d, bundle.sampler, training_plan(gan), -50, 0)
    np.testing.assert_array_equal(first.theta_d[0], bundle.d.theta[:, 0])  # step 0 is after it
    np.testing.assert_array_equal(first.theta_d[-1], ref_like(train(gan, REP, SEED)[1]))


def ref_like(theta):
    return ref.flatten(theta).astype(np.float32)


@pytest.mark.parametrize("changes", [{}, {"penalties": Penalties(spectral=True)}], ids=["as they are", "normalised"])
def test_slow_weights_start_from_the_pretrained_d(changes):
    """With alpha 0 every k steps D is again what it was before the first."""
    gan = replace(BASE, {"pretrain": 4, "lookahead": Lookahead(6, 0.0), **changes})
    [bundle] = build_bundles([gan], [REP], SEED)
    plan = training_plan(gan)
    train_bundle(bundle.g, bundle.d, bundle.sampler, plan, -4, 0)
    before = bundle.d.theta.copy()
    train_bundle(bundle.g, bundle.d, bundle.sampler, plan, 0, 5)
    assert (bundle.d.theta != before).any()
    train_bundle(bundle.g, bundle.d, bundle.sampler, plan, 5, 6)
    np.testing.assert_allclose(bundle.d.theta, before, rtol=1e-6 if changes else 0)
    untrained = build_bundles([gan], [REP], SEED)[0].d.theta
    assert np.abs(bundle.d.theta - untrained).max() > 1e-3


@pytest.mark.parametrize("adjustment", [Consensus(0.5), Symplectic(0.5)])
def test_gradients_are_not_adjusted_before_g_moves(adjustment):
    plain = replace(BASE, {"pretrain": 5, "updates": "simultaneous"})
    found = []
    for gan in (plain, replace(plain, {"adjustment": adjustment})):
        [bundle] = build_bundles([gan], [REP], SEED)
        train_bundle(bundle.g, bundle.d, bundle.sampler, training_plan(gan), -5, 0)
        found.append(bundle.d.theta)
    np.testing.assert_array_equal(*found)


def test_the_average_of_g_knows_nothing_of_it():
    gan = replace(BASE, {"pretrain": 5, "average": Average(None)})
    [bundle] = build_bundles([gan], [REP], SEED)
    train_bundle(bundle.g, bundle.d, bundle.sampler, training_plan(gan), -5, 1)
    np.testing.assert_array_equal(measured_generator(bundle.g, gan).theta, bundle.g.theta)  # the mean over one step


def test_pretraining_needs_a_loop_of_its_own_and_its_absence_does_not():
    assert bundles.has_memory(replace(BASE, {"pretrain": 1})) and not bundles.has_memory(BASE)
