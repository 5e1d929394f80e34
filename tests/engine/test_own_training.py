"""Games of one's own as they train: the bits of games that they say again, the oracle of new ones, kept code."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gansim as gs
from gansim.engine import compile_ahead as ahead
from gansim.engine.bundles import losses_of
from gansim.engine.compile_ahead import compiled_afresh
from gansim.engine.replay import train
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.kernels import games
from gansim.kernels.compiling import cache, jit
from gansim.lanes import exp
from gansim.model.dynamics import Average, Consensus, Lookahead, Symplectic, Unrolled
from gansim.model.optimizers import SGD, Adam
from gansim.model.own.games import OwnGame
from gansim.model.penalties import Penalties
from gansim.traces import FIELDS
from helpers import reference as ref
from helpers.own import AGAIN, KL, NO_BEND, SQUARES

SEED, REP, LIMIT = 2026, 3, 1e-12  # as tests/engine/test_training.py has it, and the networks, which are compiled once
BASE = gs.GAN(
    gs.Normal(1, 2),
    noise_dim=2,
    generator=gs.MLP((5,), "tanh"),
    discriminator=gs.MLP((4,), "leaky_relu", 0.3),
    optimizer_g=SGD(0.05),
    optimizer_d=SGD(0.1),
    batch_size=13,
    steps=10,
    records=2,
    n_eval=32,
    precision="float64",
)
METHODS = {
    "plain": {},
    "simultaneous-adam": {"updates": "simultaneous", "optimizer_g": Adam(0.02)},
    "often": {"d_steps": 2, "g_steps": 3, "samples": 20},
    "extragradient": {"updates": "extragradient", "average": Average(0.8)},
    "penalties": {"penalties": Penalties(r1=0.3, gradient=0.2, clip=0.5, noise=0.1), "lookahead": Lookahead(3)},
    "unrolled-first-order": {"adjustment": Unrolled(2, 0.1, False)},
}
BENT = {
    "consensus": {"adjustment": Consensus(0.2), "updates": "simultaneous"},
    "symplectic": {"adjustment": Symplectic(0.7), "updates": "simultaneous"},
    "unrolled": {"adjustment": Unrolled(3, 0.1)},
}
compiled_only = pytest.mark.skipif(not jit.COMPILES, reason="looks at what is compiled")


def records(gan, runs=3):
    return run_chunk({0: gan}, [(0, rep) for rep in range(runs)], 7).traces.values


def as_vector(pair):
    return np.concatenate([ref.flatten(theta) for theta in pair])


def distance(found, expected):
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())


# --- said again ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS | BENT)
def test_a_game_said_again_has_its_bits(method):
    gan = gs.replace(BASE, (METHODS | BENT)[method])
    np.testing.assert_array_equal(records(gs.replace(gan, game=AGAIN)), records(gs.replace(gan, game="non-saturating")))


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_squares_said_again(precision):
    """Also what is measured: no probability, and the level half way between the aims."""
    gan = gs.replace(BASE, precision=precision)
    found, expected = (records(gs.replace(gan, game=game)) for game in (SQUARES, "least-squares"))
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found[..., FIELDS.index("v")]).all()
    other = OwnGame("squares-at-0", real=SQUARES.real, fake=SQUARES.fake, generator=SQUARES.generator)
    moved = records(gs.replace(gan, game=other))
    assert {FIELDS[k] for k in np.flatnonzero((moved != expected).any((0, 1)) & ~np.isnan(expected).any((0, 1)))} == {
        "acc_real",
        "acc_fake",
    }


# --- new ones -----------------------------------------------------------------------------------


CASES = [*((game, name) for game in (KL, NO_BEND) for name in METHODS), *((KL, name) for name in BENT)]


@pytest.mark.parametrize(("game", "method"), CASES, ids=lambda case: str(case))
def test_ten_steps_agree_with_the_oracle(game, method):
    gan = gs.replace(BASE, {**(METHODS | BENT)[method], "game": game})
    expected = as_vector(ref.train(gan, REP, SEED))
    assert distance(as_vector(train(gan, REP, SEED)), expected) < LIMIT
    assert distance(expected, as_vector(ref.train(gs.replace(gan, game="minimax"), REP, SEED))) > 1e-3


def test_the_comparison_notices_another_number(monkeypatch):
    gan = gs.replace(BASE, game=KL)
    shifted = ref.OWN["kullback-leibler"]._replace(d_fake_slope=lambda t: np.exp(t) / np.e * (1 + 1e-6))
    monkeypatch.setitem(ref.OWN, "kullback-leibler", shifted)
    assert distance(as_vector(train(gan, REP, SEED)), as_vector(ref.train(gan, REP, SEED))) > 10 * LIMIT


def test_float32_follows_float64():
    gan = gs.replace(BASE, game=NO_BEND)
    found = as_vector(train(gs.replace(gan, precision="float32"), REP, SEED))
    assert 1e-9 < distance(found, as_vector(ref.train(gan, REP, SEED))) < 1e-5


@pytest.mark.parametrize("game", [KL, NO_BEND], ids=str)
def test_losses_and_gradients(game):
    rng = np.random.default_rng(5)
    gan = gs.replace(BASE, game=game)
    theta_g, theta_d = (
        ref.random_parameters(sizes, True, rng) for sizes in (gan.generator_sizes, gan.discriminator_sizes)
    )
    x, z = rng.normal(size=21), rng.normal(size=(21, 2))
    found, expected = gs.gradients(gan, theta_g, theta_d, x, z), ref.gradients(gan, theta_g, theta_d, x, z)
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-13)
    for mine, theirs in ((found.grad_d, expected.grad_d), (found.grad_g, expected.grad_g)):
        np.testing.assert_allclose(ref.flatten(mine), ref.flatten(theirs), rtol=1e-11, atol=1e-14)


# --- kept by its code ---------------------------------------------------------------------------


def test_without_a_bend_there_is_no_second_derivative():
    for of in BENT.values():
        with pytest.raises(ConfigError, match="all have a bend; bounded has not"):
            gs.replace(BASE, {**of, "game": NO_BEND})
    family = losses_of(gs.replace(BASE, game=NO_BEND))[0]
    [term] = {loss.bend for loss in games.LOSSES[family][:1]}
    if not jit.COMPILES:  # whoever uses it all the same finds no number
        assert np.isnan(term(np.ones((2, 2)), (0, 0, 0))).all()


def test_code_that_is_not_at_hand_trains_nothing():
    gan = gs.replace(BASE, game=OwnGame.absent("elsewhere", "0" * 32, KL.facts))
    with pytest.raises(ConfigError, match=r"define gs.OwnGame\('elsewhere', ...\) in Python first"):
        records(gan)


def kept():
    """Files of losses in the cache of this process, and when they were written."""
    found = [path for folder, _ in cache.folders() for path in folder.glob("*games.own-*.nbc")]
    return {path.name: path.stat().st_mtime_ns for path in found}


@compiled_only
@pytest.mark.compiler
def test_machine_code_is_kept_by_the_digest_of_the_source():
    def made(share):
        loss = gs.Loss(lambda s: exp(s) * share, slope=lambda s: exp(s) * share)
        return OwnGame("kept", real=loss, fake=loss, generator=loss)

    def compile_losses(game):
        games.slopes(losses_of(gs.replace(BASE, game=game))[0], "float32")

    with compiled_afresh():
        first, other = made(0.125), made(0.25)
        compile_losses(first)
        one = kept()
        assert [first.digest in name for name in one] == [True]
        games.forget()
        compile_losses(pickle.loads(pickle.dumps(first)))
        compile_losses(made(0.125))
        assert kept() == one
        compile_losses(other)
        assert one.items() < kept().items() and any(other.digest in name for name in kept())
    games.forget()


@compiled_only
@pytest.mark.compiler
def test_only_the_process_that_has_the_code_compiles_it():
    pieces = ahead._pieces(gs.replace(BASE, game=KL))
    shares = ahead._shares(sorted(pieces, key=lambda piece: piece.part == "losses"), 4)
    own = [number for number, share in enumerate(shares) for piece in share if piece.part == "losses"]
    assert own == [0]
    assert all(share for share in shares[:3])


@compiled_only
@pytest.mark.compiler
def test_what_numba_does_not_take_is_refused_in_a_line():
    def odd(s):
        return (f"{SEED:.3f}", s)[1]

    loss = gs.Loss(odd, slope=lambda s: 1.0)
    gan = gs.replace(BASE, game=OwnGame("odd", real=loss, fake=loss, generator=loss))
    with pytest.raises(ConfigError, match="game: a value of its losses cannot be compiled for lanes") as refused:
        games.values(losses_of(gan)[0], "float64")
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600


def test_losses_of_others_are_left_alone():
    before = {name: losses for name, losses in games.LOSSES.items() if not name.startswith(games.OWN)}
    losses_of(gs.replace(BASE, game=KL))
    assert set(before) == {"smoothed", "logistic", "scores", "squares"}
    assert losses_of(gs.replace(BASE, game="hinge"))[0] == "scores"


def test_a_script_that_is_nobodys_module(tmp_path):
    """Without compiled code, for speed: pickled by value from ``python -c``, whose source nobody finds."""
    script = (
        "import json, sys\nimport gansim as gs\nfrom gansim.lanes import tanh\n"
        "up = gs.Loss(lambda s: -tanh(s), slope=lambda s: tanh(s) * tanh(s) - 1.0)\n"
        "down = gs.Loss(lambda s: tanh(s), slope=lambda s: 1.0 - tanh(s) * tanh(s))\n"
        "game = gs.OwnGame('tanh', real=up, fake=down, generator=up)\n"
        "gan = gs.GAN(gs.Normal(), game=game, steps=2, records=1, n_eval=32, batch_size=8)\n"
        "runs = [gs.Study('s', gan, reps=4).run(backend=b, jobs=2, progress=False) for b in ('threads', 'loky')]\n"
        "assert runs[0].equals(runs[1])\n"
        "print(json.dumps([str(runs[0].game[0]), float(runs[0].w1.sum())]))\n"
    )
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    name, w1 = json.loads(done.stdout)
    assert name == "tanh" and np.isfinite(w1)
