"""Ten whole training steps in float64 against the NumPy oracle, for every variant of the specification."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from gansim.engine.replay import train
from gansim.model.data.distributions import Mixture, Noise, Normal, Target, Uniform
from gansim.model.data.tabulated import Law, Observed
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.games import GAMES
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Activation, Given, He, Init, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, Optimizer, RMSProp
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from helpers import reference as ref

SEED, REP = 2026, 3

# One pair of architectures carries nearly every case, because each pair compiles for seconds; `architecture_cases` has
# 0, 2 and 3 hidden layers. Learning rates are large and the batch is small and odd, so that ten steps move every
# parameter and every sample counts.
BASE = GAN(
    target=Normal(1, 2),
    noise_dim=2,
    generator=MLP((5,), "tanh"),
    discriminator=MLP((4,), "leaky_relu", 0.3),
    game="minimax",
    optimizer_g=SGD(0.05),
    optimizer_d=SGD(0.1),
    batch_size=13,
    steps=10,
    records=1,
    n_eval=32,
    precision="float64",
)

# The two sides add up in different orders, and a sum is wrong by about 1e-16 of its largest term: ten steps of the
# variants below make at most 4e-15 of it. A learning rate off by 1e-6 makes 1e-7.
LIMIT = 1e-12


def members(union):
    """Classes of one of the specification's unions."""
    return get_args(get_args(union)[0])


def words(field):
    """Words that one of the GAN's fields allows."""
    return get_args(get_type_hints(GAN)[field])


# --- the variants: settings that are nobody's default; a class without an entry fails with a KeyError

OPTIMIZERS = {
    SGD: (SGD(0.2),),
    Momentum: (Momentum(0.05, beta=0.8), Momentum(0.1, beta=-0.3)),
    Nesterov: (Nesterov(0.05, beta=0.7),),
    Optimistic: (Optimistic(0.15),),
    OptimisticAdam: (OptimisticAdam(0.02, beta1=0.6, beta2=0.8, eps=1e-3),),
    RMSProp: (RMSProp(0.02, rho=0.7, eps=1e-3),),
    Adam: (Adam(0.02, beta1=0.6, beta2=0.8, eps=1e-3), Adam(0.02, beta1=0.0, beta2=0.99)),
}
TARGETS = {
    Normal: (Normal(3, 0.5),),
    Uniform: (Uniform(-1, 4),),
    Mixture: (Mixture((-2, 0, 3), (0.5, 1, 0.25), (1, 2, 5)), Mixture((-2, 0, 3, 4), 0.5)),
    Observed: (Observed([1.5, -2, 0.25, 7, 0.25]),),
    Law: (Law("gamma", {"a": 2, "loc": -1}), Law("t", {"df": 3})),
}
NOISES = {Normal: (Normal(-1, 0.5),), Uniform: (Uniform(-1, 2),)}


def given(sizes):
    return Given(ref.random_parameters(sizes, True, np.random.default_rng(sizes)))


INITS = {
    He: ("he", "he"),
    Xavier: (Xavier(1.5), Xavier(0.5)),
    TorchDefault: ("torch", "torch"),
    NormalInit: (NormalInit(0.7), NormalInit(1.1)),
    Orthogonal: (Orthogonal(1.2), Orthogonal(0.8)),
    Given: (given(BASE.generator_sizes), given(BASE.discriminator_sizes)),
}


def listed(table, classes):
    return [item for kind in classes for item in table[kind]]


def optimizer_cases():
    all_of_them = listed(OPTIMIZERS, members(Optimizer))
    for of_g, of_d, updates in product(all_of_them, all_of_them, words("updates")):
        changes = {"optimizer_g": of_g, "optimizer_d": of_d, "optimizer_d.lr": 0.7 * of_d.lr, "updates": updates}
        yield f"{of_g.kind}-{of_d.kind}-{updates}", changes


def loss_cases():
    for game, updates in product(tuple(GAMES), words("updates")):
        yield f"{game}-{updates}", {"game": game, "updates": updates}
    yield "least-squares-numbers", {"game": "least-squares(-1, 1, 0.5)"}
    for game in ("relativistic", "relativistic-average"):
        yield f"{game}-often", {"game": game, "d_steps": 2, "g_steps": 3}
        for name, data in {"minibatch": {"samples": 20}, "full": {"samples": 21, "batch_size": "full"}}.items():
            yield f"{game}-{name}", {"game": game, **data}
    # Beside a piecewise linear G, D is tanh, and beside a tanh D, G is leaky_relu: one pair to compile for four cases.
    for activation in get_args(Activation):
        slope = {"leaky_relu": 0.1, "elu": 0.6}.get(activation)
        for player in ("generator", "discriminator"):
            changes = {f"{player}.activation": activation, f"{player}.slope": slope}
            if player == "generator" and activation in ("leaky_relu", "relu", "linear"):
                changes |= {"discriminator.activation": "tanh", "discriminator.slope": None}
            if player == "discriminator" and activation == "tanh":
                changes |= {"generator.activation": "leaky_relu", "generator.slope": 0.2}
            yield f"{player}-{activation}", changes


def penalty_cases():
    several = {
        "r1": Penalties(r1=0.5),
        "r2": Penalties(r2=0.8),
        "gradient": Penalties(gradient=0.5, target=0.3),
        "one-sided": Penalties(gradient=2, target=0.2, one_sided=True),
        "all": Penalties(r1=0.1, r2=0.2, gradient=0.3, clip=0.4, noise=0.5),
        "clip": Penalties(clip=0.3),
        "noise": Penalties(noise=0.7),
        "noise-that-fades": Penalties(noise=2, noise_steps=7),
    }
    for game in ("minimax", "non-saturating"):
        yield f"smoothing-{game}", {"penalties": Penalties(smoothing=0.2), "game": game}
    yield "smoothing-and-more", {"penalties": Penalties(r1=0.3, noise=0.2, smoothing=0.1), "samples": 20}
    for name, penalties in several.items():
        for updates in words("updates"):
            yield f"{name}-{updates}", {"penalties": penalties, "updates": updates}
        yield f"{name}-relativistic", {"penalties": penalties, "game": "relativistic", "d_steps": 2}
        yield f"{name}-wasserstein-minibatch", {"penalties": penalties, "game": "wasserstein", "samples": 20}
    for activation in get_args(Activation):
        slope = {"leaky_relu": 0.1, "elu": 0.6}.get(activation)
        changes = {"discriminator.activation": activation, "discriminator.slope": slope}
        yield f"{activation}-all", changes | {"penalties": several["all"]}


def memory_cases():
    for updates in ("extragradient", "past-extragradient"):
        for fresh in (True, False) if updates == "extragradient" else (True,):
            yield f"{updates}-{fresh}", {"updates": updates, "fresh": fresh}
        yield f"{updates}-adam", {"updates": updates, "optimizer_g": Adam(0.02), "optimizer_d": Adam(0.03)}
        penalties = Penalties(r1=0.3, clip=0.5, noise=0.1)
        yield f"{updates}-penalties", {"updates": updates, "penalties": penalties, "game": "relativistic-average"}
        yield f"{updates}-lookahead", {"updates": updates, "lookahead": Lookahead(2, 0.3), "average": Average(0.7)}
    for updates in ("alternating", "alternating-g-first", "simultaneous"):
        yield f"lookahead-{updates}", {"lookahead": Lookahead(3, 0.6), "updates": updates}
        yield f"average-{updates}", {"average": Average(0.8), "updates": updates}
    for game in GAMES:
        yield f"consensus-{game}", {"adjustment": Consensus(0.2), "updates": "simultaneous", "game": game}
        yield f"symplectic-{game}", {"adjustment": Symplectic(0.7), "updates": "simultaneous", "game": game}
        yield f"unrolled-{game}", {"adjustment": Unrolled(3, 0.1), "game": game}
        blurred = {"penalties": Penalties(noise=0.3, clip=0.5), "game": game}
        yield f"consensus-{game}-noise", {"adjustment": Consensus(0.2), "updates": "simultaneous", **blurred}
    yield "symplectic-aligned", {"adjustment": Symplectic(0.7, True), "updates": "simultaneous"}
    for activation in get_args(Activation):
        slope = {"leaky_relu": 0.1, "elu": 0.6}.get(activation)
        changes = {"discriminator.activation": activation, "discriminator.slope": slope}
        yield f"unrolled-d-{activation}", changes | {"adjustment": Unrolled(2, 0.2)}
        changes = {"generator.activation": activation, "generator.slope": slope}
        yield f"consensus-g-{activation}", changes | {"adjustment": Consensus(0.3), "updates": "simultaneous"}
    for game, name in product(("relativistic", "relativistic-average"), ("samples", "full")):
        data = {"game": game, "samples": 20 + (name == "full"), "batch_size": 13 if name == "samples" else "full"}
        yield f"symplectic-{game}-{name}", {"adjustment": Symplectic(0.7, True), "updates": "simultaneous", **data}
        yield f"unrolled-{game}-{name}", {"adjustment": Unrolled(2, 0.1), **data, "g_steps": 2}
    more = {"penalties": Penalties(clip=0.6, noise=0.2, smoothing=0.1), "samples": 20, "g_steps": 2}
    yield "unrolled-and-more", {"adjustment": Unrolled(2, 0.1), **more, "updates": "alternating-g-first"}
    yield "unrolled-first-order", {"adjustment": Unrolled(4, 0.1, False), "penalties": Penalties(r1=0.3)}
    yield "mean", {"average": Average(None)}
    for shape in ("linear", "exponential", "cosine"):
        yield f"decay-{shape}", {"decay": Decay(shape, 0.2), "optimizer_g": Adam(0.03)}
        yield f"decay-{shape}-extragradient", {"decay": Decay(shape), "updates": "extragradient"}
    yield "weight-decay", {"optimizer_g": SGD(0.2, weight_decay=0.3), "optimizer_d": Adam(0.05, weight_decay=2)}
    yield "weight-decay-of-d", {"optimizer_d": Momentum(0.05, weight_decay=1), "decay": Decay("linear", 0)}
    yield "lookahead-mean", {"lookahead": Lookahead(4), "average": Average(None), "optimizer_g": Adam(0.02)}


def spectral_cases():
    """Weights of D divided by their norms: a hidden layer between two others is where power iterations matter."""
    alone = {"penalties": Penalties(spectral=True)}
    spectral = {**alone, "discriminator.hidden": (4, 5)}
    for updates in words("updates"):
        yield updates, {**spectral, "updates": updates}
        yield f"{updates}-adam", {**spectral, "updates": updates, "optimizer_d": Adam(0.03, weight_decay=0.1)}
    for game in ("wasserstein", "hinge", "relativistic-average"):
        yield game, {**spectral, "game": game, "d_steps": 2}
    others = dict(r1=0.2, r2=0.1, gradient=0.3, noise=0.4, smoothing=0.1)
    yield "penalties", {**spectral, "penalties": Penalties(**others, spectral=True), "samples": 20}
    yield "lookahead", {**spectral, "lookahead": Lookahead(3, 0.6), "average": Average(0.8), "g_steps": 2}
    yield "unrolled", {**spectral, "adjustment": Unrolled(3, 0.1, second_order=False), "decay": Decay("cosine")}
    yield "pretrained", {**spectral, "pretrain": 4, "lookahead": Lookahead(2)}
    yield "one-hidden-layer", alone
    yield "packed-and-scaled", {**spectral, **PACKS, **SCALES}
    yield "lookahead-extragradient", {**spectral, "updates": "extragradient", "lookahead": Lookahead(2, 0.4)}
    yield "affine", {**alone, "discriminator.hidden": ()}
    yield "no-bias", {**alone, "discriminator.bias": False, "discriminator.hidden": (3, 3, 3)}


def pretrain_cases():
    for updates in words("updates"):
        yield updates, {"pretrain": 5, "updates": updates}
    yield "often", {"pretrain": 3, "d_steps": 2, "g_steps": 2, "samples": 20, "optimizer_d": Adam(0.03)}
    yield "frozen-d", {"pretrain": 7, "d_steps": 0, "samples": 21, "batch_size": "full"}
    yield "frozen-g", {"pretrain": 7, "g_steps": 0}
    yield "penalties", {"pretrain": 4, "penalties": Penalties(r1=0.3, gradient=0.2, clip=0.5, noise=0.4, noise_steps=7)}
    yield "frozen-d-penalties", {"pretrain": 4, "d_steps": 0, "penalties": Penalties(r2=0.3, noise=0.1)}
    yield "relativistic", {"pretrain": 4, "game": "relativistic"}
    yield "lookahead", {"pretrain": 4, "lookahead": Lookahead(3), "average": Average(None), "decay": Decay("linear")}
    yield "unrolled", {"pretrain": 4, "adjustment": Unrolled(2, 0.1)}
    yield "unrolled-frozen-d", {"pretrain": 2, "adjustment": Unrolled(2, 0.1), "d_steps": 0}
    for adjustment in (Consensus(0.3), Symplectic(0.5, True)):
        yield adjustment.kind, {"pretrain": 4, "adjustment": adjustment, "updates": "simultaneous"}


def start_cases():
    for kind in members(Init):
        of_g, of_d = INITS[kind]
        yield f"init-{kind.__name__}", {"generator.init": of_g, "discriminator.init": of_d}


def data_cases():
    supplies = {
        "fresh": {},
        "standardised": {"standardise": True},
        "minibatch": {"samples": 20},
        "minibatch-standardised": {"samples": 20, "standardise": True},
        "full": {"samples": 21, "batch_size": "full"},
    }
    for number, target in enumerate(listed(TARGETS, members(Target))):
        for name, supply in supplies.items():
            yield f"{target.kind}{number}-{name}", {"target": target, **supply}
    for noise in listed(NOISES, members(Noise)):
        yield f"noise-{noise.kind}", {"noise": noise}
    for samples in (1, 8, 100, 1000):
        yield f"samples-{samples}", {"samples": samples}
        yield f"samples-{samples}-full", {"samples": samples, "batch_size": "full"}
    for batch in (1, 2, 7, 8, 9, 64, 67, 129):
        yield f"batch-{batch}", {"batch_size": batch}


def order_cases():
    for d_steps, g_steps in ((2, 1), (1, 2), (3, 2), (1, 0), (0, 1), (5, 1)):
        yield f"steps-{d_steps}-{g_steps}", {"d_steps": d_steps, "g_steps": g_steps}
    yield "minibatch-steps-3-2", {"d_steps": 3, "g_steps": 2, "samples": 20}
    yield "full-steps-2-2", {"d_steps": 2, "g_steps": 2, "samples": 20, "batch_size": "full"}
    yield "fixed-noise-steps-2-2", {"fixed_noise": True, "d_steps": 2, "g_steps": 2}
    yield "fixed-noise-penalised", {"fixed_noise": True, "penalties": Penalties(r2=0.5, gradient=1), "samples": 20}
    adam = {"optimizer_g": Adam(0.03), "optimizer_d": Adam(0.02)}
    yield "adam-steps-3-2", {"d_steps": 3, "g_steps": 2, **adam}


def architecture_cases():
    affine = {"generator.hidden": (), "discriminator.hidden": ()}
    yield "affine", {"noise_dim": 1, **affine}
    deep = {"generator.hidden": (3, 3, 3), "discriminator.hidden": (3,), "generator.init": "orthogonal"}
    no_bias = {"generator.bias": False, "discriminator.bias": False, "discriminator.init": "torch"}
    yield "deep-no-bias", {"noise_dim": 3, **deep, **no_bias, "game": "non-saturating"}
    wide = {"generator.hidden": (66, 65), "discriminator.hidden": (4, 4, 1), "batch_size": 41}
    yield "wide-deep", {**wide, "generator.init": "orthogonal"}  # four tiles at a time, and two left over


SCALES = {"generator.input_scale": 0.5, "generator.output_scale": -3.0}
SCALES |= {"discriminator.input_scale": 0.25, "discriminator.output_scale": 1.5}


def scale_cases():
    """Inputs and outputs of both players scaled, whatever passes through them."""
    yield "both", SCALES
    for name in SCALES:
        yield f"{name}-alone", {name: 0.7}
    yield "penalties", {**SCALES, "penalties": Penalties(r1=0.1, r2=0.2, gradient=0.3, noise=0.5)}
    yield "consensus", {**SCALES, "adjustment": Consensus(0.2), "updates": "simultaneous"}
    yield "symplectic", {**SCALES, "adjustment": Symplectic(0.7, True), "updates": "simultaneous"}
    yield "unrolled", {**SCALES, "adjustment": Unrolled(3, 0.1)}
    curved = {"discriminator.activation": "tanh", "discriminator.slope": None}
    yield "curved-penalties", {**SCALES, **curved, "penalties": Penalties(r1=0.1, r2=0.2, gradient=0.3)}
    yield "curved-unrolled", {**SCALES, **curved, "adjustment": Unrolled(3, 0.1)}
    deep = {"generator.hidden": (3, 3), "discriminator.hidden": (3, 2)}
    yield "deep", {**SCALES, **deep, "game": "relativistic", "penalties": Penalties(r1=0.5)}
    one = {"noise_dim": 1, "generator.hidden": (), "discriminator.hidden": ()}
    single = {**one, "generator.bias": False, "discriminator.bias": False}
    yield "affine", {**SCALES, **one}
    yield "single-parameters", {"noise": Normal(2, 1), **single}
    yield "single-parameters-scaled", {**SCALES, **single, "penalties": Penalties(r1=0.1, r2=0.2, gradient=0.3)}
    yield "single-parameters-unrolled", {**single, "adjustment": Unrolled(2, 0.1), "game": "wasserstein"}
    for kind in ("xavier", "torch", "orthogonal"):
        yield f"single-parameters-{kind}", {**single, "generator.init": kind, "discriminator.init": kind}
    given = {"generator.init": Given([([[0.7]], None)]), "discriminator.init": Given([([[-0.4]], None)])}
    yield "single-parameters-given", {**single, **given}


PACKS = {"packing": 3, "batch_size": 33, "n_eval": 96}  # eleven packs: an octet, and three left over


def packing_cases():
    yield "three", PACKS
    for packing, batch in ((2, 26), (2, 64), (5, 5), (7, 112), (64, 64)):
        yield f"{packing}-of-{batch}", {"packing": packing, "batch_size": batch, "n_eval": 32 * packing}
    yield "two-of-each", {**PACKS, "d_steps": 2, "g_steps": 3}
    yield "minibatch", {**PACKS, "samples": 20}
    yield "full", {**PACKS, "samples": 21, "batch_size": "full"}
    for updates in ("alternating-g-first", "simultaneous", "extragradient", "past-extragradient"):
        yield updates, {**PACKS, "updates": updates}
    for game in GAMES:
        yield game, {**PACKS, "game": game}
    several = Penalties(r1=0.1, r2=0.2, gradient=0.3, clip=0.4, noise=0.5)
    yield "penalties", {**PACKS, "penalties": several}
    yield "one-sided", {**PACKS, "penalties": Penalties(gradient=2, target=0.2, one_sided=True)}
    for game in ("relativistic", "relativistic-average"):
        yield f"penalties-{game}", {**PACKS, "penalties": several, "game": game, "d_steps": 2}
    yield "penalties-extragradient", {**PACKS, "penalties": several, "updates": "extragradient"}
    yield "penalties-curved", {**PACKS, "penalties": several, "discriminator.activation": "elu"}
    for adjustment in (Consensus(0.2), Symplectic(0.7, True)):
        yield adjustment.kind, {**PACKS, "adjustment": adjustment, "updates": "simultaneous"}
    for game in ("relativistic", "relativistic-average"):
        turned = {"adjustment": Symplectic(0.7, True), "updates": "simultaneous", "game": game}
        yield f"symplectic-{game}", {**PACKS, **SCALES, **turned}
        yield f"unrolled-{game}", {**PACKS, "adjustment": Unrolled(2, 0.1), "game": game}
    yield "spectral", {**PACKS, **SCALES, "penalties": Penalties(spectral=True, r1=0.2)}
    yield "fixed-noise", {**PACKS, "fixed_noise": True, "pretrain": 3}
    noisy = Penalties(noise=0.3, clip=0.5)
    yield "unrolled", {**PACKS, "adjustment": Unrolled(3, 0.1), "penalties": noisy, "g_steps": 2}
    yield "scaled", {**PACKS, **SCALES, "game": "non-saturating"}
    one = {"noise_dim": 1, "generator.hidden": (), "discriminator.hidden": ()}
    yield "affine", {**PACKS, **one, "generator.bias": False}
    wide = {"generator.hidden": (66, 65), "discriminator.hidden": (70, 69), "generator.init": "orthogonal"}
    yield "wide", {**PACKS, **wide, "discriminator.init": "orthogonal"}
    mixture = {"target": TARGETS[Mixture][0], "standardise": True, "noise": Uniform(-1, 2)}
    yield "mixture", {**PACKS, **mixture}


def everything():
    yield "everything", {
        "target": TARGETS[Mixture][0], "standardise": True, "samples": 50, "noise": Uniform(-1, 2),
        "generator.activation": "leaky_relu", "generator.slope": 0.6, "generator.init": "torch",
        "discriminator.activation": "tanh", "discriminator.slope": None, "discriminator.init": "xavier",
        "game": "non-saturating", "optimizer_g": Adam(0.02), "optimizer_d": RMSProp(0.02),
        "d_steps": 2, "g_steps": 2, "batch_size": 19,
    }  # fmt: skip


FAMILIES = (
    optimizer_cases,
    loss_cases,
    penalty_cases,
    memory_cases,
    spectral_cases,
    pretrain_cases,
    start_cases,
    data_cases,
    order_cases,
    architecture_cases,
    scale_cases,
    packing_cases,
    everything,
)
CASES = {f"{family.__name__}: {name}": changes for family in FAMILIES for name, changes in family()}


# --- the comparison -----------------------------------------------------------------------------


def as_vector(pair):
    return np.concatenate([ref.flatten(theta) for theta in pair])


def distance(found, expected):
    """Largest difference of two vectors of parameters, relative to those that exceed 1."""
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())


ORACLE_AT_BASE = as_vector(ref.train(BASE, REP, SEED))


# Each compiles for three seconds; tests/engine/test_gradients.py has these activations among the fast tests.
LONG = {
    f"loss_cases: {net}-{name}" for net in ("generator", "discriminator") for name in ("sigmoid", "softplus", "elu")
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in CASES]
)
def test_ten_steps_agree_with_the_oracle(name):
    gan = replace(BASE, CASES[name])
    found, expected = train(gan, REP, SEED), ref.train(gan, REP, SEED)
    for mine, theirs in zip(found, expected, strict=True):
        assert [(w.shape, b.shape) for w, b in mine] == [(w.shape, b.shape) for w, b in theirs]
    assert distance(as_vector(found), as_vector(expected)) < LIMIT
    # The case matters: what it changes moves the result a billion times further than the tolerance.
    if gan != BASE and as_vector(expected).shape == ORACLE_AT_BASE.shape:
        assert distance(as_vector(expected), ORACLE_AT_BASE) > 1e-3


@pytest.mark.parametrize(("rep", "seed"), [(0, 0), (1, 0), (0, 1), (12_345, 2**32 + 7), (2**31, 2**53 - 1)])
def test_any_replicate_of_any_seed(rep, seed):
    expected = as_vector(ref.train(BASE, rep, seed))
    assert distance(as_vector(train(BASE, rep, seed)), expected) < LIMIT
    assert distance(expected, ORACLE_AT_BASE) > 1e-3


@pytest.mark.parametrize("kind", members(Optimizer))
def test_float32_follows_float64(kind):
    """The default precision takes the same path, but for its own rounding: 2e-7 after these ten steps."""
    gan = replace(BASE, {"optimizer_g": OPTIMIZERS[kind][0], "optimizer_d": OPTIMIZERS[kind][0]})
    found = as_vector(train(replace(gan, {"precision": "float32"}), REP, SEED))
    expected = as_vector(ref.train(gan, REP, SEED))
    assert 1e-9 < distance(found, expected) < 1e-5


@pytest.mark.slow
def test_loaded_and_freshly_compiled_code_do_not_mix(tmp_path):
    """A process that loads one pair of architectures from the cache and compiles another gets both right.

    Two dense layers of different shape once had one linker symbol, numbered from 0 in every process: the second pair
    ran with layers of the first and was wrong by 0.02, or crashed.
    """
    script = "import sys, test_training as t; [t.test_ten_steps_agree_with_the_oracle(name) for name in sys.argv[1:]]"
    first, second = "loss_cases: minimax-alternating", "architecture_cases: deep-no-bias"
    for names in ([first], [first, second], [second, first]):
        paths = os.pathsep.join([str(Path(__file__).parents[up]) for up in (2, 1, 0)])
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": paths}
        done = subprocess.run([sys.executable, "-c", script, *names], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


WRONG = {
    "another seed": lambda: ref.train(BASE, REP, SEED + 1),
    "another replicate": lambda: ref.train(BASE, REP + 1, SEED),
    "a step less": lambda: ref.train(BASE, REP, SEED, steps=9),
    "a learning rate off by a millionth": lambda: ref.train(
        replace(BASE, {"optimizer_d.lr": 0.1 * (1 + 1e-6)}), REP, SEED
    ),
    "the other order": lambda: ref.train(replace(BASE, {"updates": "simultaneous"}), REP, SEED),
    "the other game": lambda: ref.train(replace(BASE, {"game": "as-written"}), REP, SEED),
    "a slope off by a millionth": lambda: ref.train(replace(BASE, {"discriminator.slope": 0.3 + 1e-6}), REP, SEED),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_comparison_notices_a_wrong_run(what):
    assert distance(as_vector(train(BASE, REP, SEED)), as_vector(WRONG[what]())) > 10 * LIMIT
