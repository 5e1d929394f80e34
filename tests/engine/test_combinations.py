"""Ten whole steps against the NumPy oracle for every combination of game, penalty and dynamics that is accepted.

`FACTORS` names what is combined, the first level of each being the plain one. What `refused` says is refused is what
`GAN` refuses, and depends on two factors at a time; all other combinations are accepted. Fast are as many of them as it
takes for any two levels of any two factors to meet once (`covering`), about a seventh of a second each. Slow is the
whole product of games, penalties and dynamics, each with the other factors dealt round (`dealt`).

Single variants, and settings of their own numbers, are in test_training.py. Here D is tanh, so that every second
derivative counts: of penalties, of losses and of both networks.
"""

import random
from itertools import combinations, product

import numpy as np
import pytest

from gansim.engine.replay import train
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.games import GAMES
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, RMSProp
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from helpers import reference as ref

SEED, REP = 2026, 5
LIMIT = 1e-11  # a sum's rounding of 1e-16, ten steps, and optimisers that divide by small roots: found are up to 1e-12
BASE = GAN(
    target=Normal(1, 2),
    noise_dim=2,
    generator=MLP((5,), "leaky_relu", 0.2),
    discriminator=MLP((4,), "tanh"),
    optimizer_g=SGD(0.05),
    optimizer_d=SGD(0.1),
    batch_size=13,
    steps=10,
    records=1,
    n_eval=32,
    precision="float64",
)
TOGETHER = {"updates": "simultaneous"}
FACTORS = {
    "game": {name: {"game": name} for name in (*GAMES, "least-squares(-1, 1, 0.5)")},
    "penalties": {
        "none": {},
        "r1": {"penalties": Penalties(r1=0.3)},
        "r2": {"penalties": Penalties(r2=0.4)},
        "gradient": {"penalties": Penalties(gradient=0.5, target=0.3)},
        "one-sided": {"penalties": Penalties(gradient=2, target=0.2, one_sided=True)},
        "clip": {"penalties": Penalties(clip=0.2)},
        "noise": {"penalties": Penalties(noise=0.7)},
        "fading noise": {"penalties": Penalties(noise=2, noise_steps=7)},
        "smoothing": {"penalties": Penalties(smoothing=0.2)},
        "without gradient": {"penalties": Penalties(clip=0.6, noise=0.3)},
        "all but smoothing": {"penalties": Penalties(r1=0.1, r2=0.2, gradient=0.3, clip=0.7, noise=0.5)},
    },
    "dynamics": {
        "alternating": {},
        "g first": {"updates": "alternating-g-first"},
        "often": {"d_steps": 2, "g_steps": 3},
        "simultaneous": TOGETHER,
        "extragradient": {"updates": "extragradient"},
        "extragradient, one batch": {"updates": "extragradient", "fresh": False},
        "past-extragradient": {"updates": "past-extragradient"},
        "consensus": TOGETHER | {"adjustment": Consensus(0.2)},
        "symplectic": TOGETHER | {"adjustment": Symplectic(0.7)},
        "symplectic, aligned": TOGETHER | {"adjustment": Symplectic(0.7, align=True)},
        "unrolled": {"adjustment": Unrolled(3, 0.1)},
        "unrolled, g first, often": {
            "adjustment": Unrolled(2, 0.2),
            "updates": "alternating-g-first",
            "d_steps": 2,
            "g_steps": 2,
        },
        "unrolled, first order": {"adjustment": Unrolled(4, 0.1, second_order=False)},
    },
    "lookahead": {"none": {}, "lookahead": {"lookahead": Lookahead(3, 0.4)}},
    "average": {"none": {}, "average": {"average": Average(0.7)}, "mean": {"average": Average(None)}},
    "decay": {
        "none": {},
        "linear": {"decay": Decay("linear", 0.2)},
        "exponential": {"decay": Decay("exponential", 0.3)},
        "cosine": {"decay": Decay("cosine", 0.1)},
    },
    "optimisers": {
        "sgd": {},
        "adam": {"optimizer_g": Adam(0.02, eps=1e-3), "optimizer_d": Adam(0.03, eps=1e-3)},
        "momentum, rmsprop": {"optimizer_g": Momentum(0.03, 0.6), "optimizer_d": RMSProp(0.02, eps=1e-2)},
        "optimistic": {"optimizer_g": OptimisticAdam(0.02, eps=1e-3), "optimizer_d": Optimistic(0.08)},
        "nesterov, weights decay": {
            "optimizer_g": Nesterov(0.03, 0.5, weight_decay=0.2),
            "optimizer_d": SGD(0.1, weight_decay=0.5),
        },
    },
    "data": {"fresh": {}, "minibatch": {"samples": 20}, "full": {"samples": 21, "batch_size": "full"}},
}
NAMES = tuple(FACTORS)
_CURVED = ("r1", "r2", "gradient", "one-sided", "all but smoothing")
_SECOND = ("consensus", "symplectic", "symplectic, aligned", "unrolled", "unrolled, g first, often")


def refused(levels):
    """Whether a combination, levels by factor, is refused: some factors may be left out."""
    game, penalty, dynamics = (levels.get(name, "") for name in ("game", "penalties", "dynamics"))
    smoothed = penalty == "smoothing" and game not in ("", "minimax", "non-saturating")
    return smoothed or (dynamics in _SECOND and penalty in _CURVED)


def changes(levels):
    return {path: value for name, level in levels.items() for path, value in FACTORS[name][level].items()}


def pairs(levels):
    return {frozenset(pair) for pair in combinations(levels.items(), 2)}


ALL_PAIRS = {
    frozenset(pair)
    for one, two in combinations(NAMES, 2)
    for pair in product(((one, level) for level in FACTORS[one]), ((two, level) for level in FACTORS[two]))
    if not refused(dict(pair))
}


def covering():
    """Combinations in which all accepted pairs of levels occur, each chosen for how many new ones it has."""
    dice, missing = random.Random(0), set(ALL_PAIRS)
    ordered = sorted(missing, key=lambda pair: sorted(pair))
    for pair in ordered:
        if pair not in missing:
            continue
        candidates = [
            levels
            for _ in range(40)
            if not refused(levels := {name: dice.choice(list(FACTORS[name])) for name in NAMES} | dict(pair))
        ]
        best = max(candidates, key=lambda levels: len(pairs(levels) & missing))
        missing -= pairs(best)
        yield best


def dealt():
    """All games x penalties x dynamics that are accepted, with the other factors dealt round."""
    others = [list(FACTORS[name]) for name in NAMES[3:]]
    for number, three in enumerate(product(*(FACTORS[name] for name in NAMES[:3]))):
        levels = dict(zip(NAMES[:3], three, strict=True))
        if not refused(levels):
            turn = (number + number // 13 + number // 143 for _ in others)
            yield levels | {n: o[t % len(o)] for n, o, t in zip(NAMES[3:], others, turn, strict=True)}


def called(levels):
    return ", ".join(level for name, level in levels.items() if name == "game" or level != next(iter(FACTORS[name])))


CASES = [
    *(pytest.param(levels, id=called(levels)) for levels in covering()),
    *(pytest.param(levels, id=f"dealt: {called(levels)}", marks=pytest.mark.slow) for levels in dealt()),
]


def distance(found, expected):
    """Largest difference of two vectors of parameters, relative to those that exceed 1."""
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())


def as_vector(pair):
    return np.concatenate([ref.flatten(theta) for theta in pair])


@pytest.mark.parametrize("levels", CASES)
def test_ten_steps_agree_with_the_oracle(levels):
    gan = replace(BASE, changes(levels))
    found, expected = (as_vector(pair) for pair in (train(gan, REP, SEED), ref.train(gan, REP, SEED)))
    assert np.abs(expected).max() < 1e3  # nothing has run away, where rounding would decide
    assert distance(found, expected) < LIMIT


def test_every_accepted_pair_of_levels_is_among_the_fast():
    cases = list(covering())
    assert set().union(*map(pairs, cases)) == ALL_PAIRS
    assert len(cases) < 200 < len(list(dealt()))
    deals = list(dealt())
    assert {(case["game"], case["penalties"], case["dynamics"]) for case in deals} == {
        three
        for three in product(*(FACTORS[name] for name in NAMES[:3]))
        if not refused(dict(zip(NAMES[:3], three, strict=True)))
    }
    for name in NAMES:
        assert {case[name] for case in deals} == set(FACTORS[name])


def test_refused_is_what_a_configuration_refuses():
    """Two levels at a time, beside plain ones."""
    for one, two in combinations(NAMES, 2):
        for pair in product(FACTORS[one], FACTORS[two]):
            levels = dict(zip((one, two), pair, strict=True))
            if refused(levels):
                with pytest.raises(ConfigError):
                    replace(BASE, changes(levels))
            else:
                replace(BASE, changes(levels))


# --- negative controls ------------------------------------------------------------------------------

# An oracle that is wrong in one place, for each method: levels, and what is replaced in it by what.


def wrong_centre(factor):
    def centred(gamma, grad):
        return 0.0, np.full((len(grad), 1), gamma * factor)

    return centred


def wrong_around(of, grad):
    norm = np.sqrt((grad**2).sum(axis=1, keepdims=True))
    return 0.0, 2 * of.gradient * (norm - of.target)  # along v, not along its direction


def blind_to_sides(of, grad):
    return RIGHT["around"](replace_one_sided(of), grad)


def replace_one_sided(of):
    return Penalties(gradient=of.gradient, target=of.target, one_sided=not of.one_sided)


def other_points(gan, theta, real, fake, u):
    return RIGHT["penalties"](gan, theta, fake, real, u)


def other_end(gan, theta, real, fake, u):
    return RIGHT["penalties"](gan, theta, real, fake, 1 - u)


def biases_alone(gan, d):
    if size := gan.penalties.clip:
        d.own = [(weights, np.clip(bias, -size, size)) for weights, bias in d.own]


def one_stream(gan, rep, seed, stream, step, update):
    return RIGHT["blur"](gan, rep, seed, ref.BLUR_D if stream == ref.BLUR_G else stream, step, update)


def fading_from_one(gan, rep, seed, stream, step, update):
    left = max(0.0, 1 - (step + 1) / gan.penalties.noise_steps) / max(1e-9, 1 - step / gan.penalties.noise_steps)
    return left * RIGHT["blur"](gan, rep, seed, stream, step, update)


def two_sided_labels(game, share):
    one_sided = RIGHT["smoothed"](game, share)
    return one_sided._replace(d_fake_slope=lambda t: (1 - share) * game.d_fake_slope(t) + share * game.d_real_slope(t))


def never_back(gan, g, d, rep, seed, step):
    ref.move(gan, g, d, ref.gradients_of_both(gan, g, d, rep, seed, step, 0))
    ref.move(gan, g, d, ref.gradients_of_both(gan, g, d, rep, seed, step, int(gan.fresh)))


def other_batch(gan, g, d, rep, seed, step):
    RIGHT["UPDATES"]["extragradient"](replace(gan, {"fresh": not gan.fresh}), g, d, rep, seed, step)


def ahead_at_once(gan, g, d, rep, seed, step):
    RIGHT["UPDATES"]["past-extragradient"](gan, g, d, rep, seed, max(step, 1))


def scaled(method, **numbers):
    """The same method with other numbers."""

    def wrong(gan, *rest):
        return RIGHT[method](replace(gan, numbers), *rest)

    return wrong


def not_halved(gan, g, d, rep, seed, step):
    return RIGHT["adjusted"](replace(gan, {"adjustment.strength": 1.4}), g, d, rep, seed, step)


def still_d(gan, loss, theta_g, theta_d, batch, v_g, v_d):
    by_g, by_d = RIGHT["turned"](gan, loss, theta_g, theta_d, batch, v_g, v_d)
    return by_g, 0 * by_d


def done_already(gan, step):
    return RIGHT["share_of_rate"](gan, step + 1)


RIGHT = {name: getattr(ref, name) for name in vars(ref) if not name.startswith("__")}
UPDATES = {
    "never_back": RIGHT["UPDATES"] | {"extragradient": never_back},
    "other_batch": RIGHT["UPDATES"] | {"extragradient": other_batch},
    "at_once": RIGHT["UPDATES"] | {"past-extragradient": ahead_at_once},
}
WRONG = {
    "r1 without its half": ({"penalties": "r1"}, "centred", wrong_centre(2)),
    "r1 off by a millionth": ({"penalties": "r1"}, "centred", wrong_centre(1 + 1e-6)),
    "r2 of the wrong sign": ({"penalties": "r2"}, "centred", wrong_centre(-1)),
    "r2 at reals": ({"penalties": "r2"}, "penalties", other_points),
    "a gradient penalty of the wrong power": ({"penalties": "gradient"}, "around", wrong_around),
    "the other end": ({"penalties": "gradient"}, "penalties", other_end),
    "one-sided taken for two-sided": ({"penalties": "one-sided"}, "around", blind_to_sides),
    "clipped biases alone": ({"penalties": "clip"}, "clipped", biases_alone),
    "noise of one stream": ({"penalties": "noise"}, "blur", one_stream),
    "noise that fades a step early": ({"penalties": "fading noise"}, "blur", fading_from_one),
    "smoothing on both sides": ({"penalties": "smoothing"}, "smoothed", two_sided_labels),
    "extragradient that stays": ({"dynamics": "extragradient"}, "UPDATES", UPDATES["never_back"]),
    "extragradient of one batch": ({"dynamics": "extragradient"}, "UPDATES", UPDATES["other_batch"]),
    "extragradient of two": ({"dynamics": "extragradient, one batch"}, "UPDATES", UPDATES["other_batch"]),
    "past extragradient from an update of 0": (
        {"dynamics": "past-extragradient", "optimisers": "optimistic"}, "UPDATES", UPDATES["at_once"],
    ),
    "consensus of half gamma": ({"dynamics": "consensus"}, "adjusted", scaled("adjusted", **{"adjustment.gamma": 0.1})),
    "symplectic without its half": ({"dynamics": "symplectic"}, "adjusted", not_halved),
    "aligned or not": (
        {"dynamics": "symplectic, aligned", "game": "wasserstein"}, "adjusted",
        scaled("adjusted", **{"adjustment.align": False}),
    ),
    "unrolled in first order": (
        {"dynamics": "unrolled"}, "unrolled", scaled("unrolled", **{"adjustment.second_order": False}),
    ),
    "unrolled to second order": (
        {"dynamics": "unrolled, first order"}, "unrolled", scaled("unrolled", **{"adjustment.second_order": True}),
    ),
    "unrolled once less": ({"dynamics": "unrolled"}, "unrolled", scaled("unrolled", **{"adjustment.k": 2})),
    "an adjoint that stands still": ({"dynamics": "unrolled"}, "turned", still_d),
    "a decay a step ahead": ({"decay": "linear"}, "share_of_rate", done_already),
    "a cosine a step ahead": ({"decay": "cosine"}, "share_of_rate", done_already),
    "lookahead the rest of the way": (
        {"lookahead": "lookahead"}, "trajectory", scaled("trajectory", **{"lookahead.alpha": 0.6}),
    ),
    "lookahead a step late": ({"lookahead": "lookahead"}, "trajectory", scaled("trajectory", **{"lookahead.k": 4})),
    "an average of the other share": (
        {"average": "average"}, "trajectory", scaled("trajectory", **{"average.beta": 0.3}),
    ),
    "a mean that forgets": ({"average": "mean"}, "trajectory", scaled("trajectory", **{"average.beta": 0.9})),
    "weights that decay a millionth faster": (
        {"optimisers": "nesterov, weights decay"}, "trajectory",
        scaled("trajectory", **{"optimizer_g.weight_decay": 0.2 * (1 + 1e-6)}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_an_oracle_that_is_wrong_in_one_place_is_noticed(what, monkeypatch):
    levels, name, wrong = WRONG[what]
    gan = replace(BASE, changes(levels))
    found = as_vector(train(gan, REP, SEED))
    assert distance(found, as_vector(ref.train(gan, REP, SEED))) < LIMIT
    monkeypatch.setattr(ref, name, wrong)
    assert distance(found, as_vector(ref.train(gan, REP, SEED))) > 10 * LIMIT


def test_every_method_has_a_wrong_oracle():
    used = {(name, level) for levels, _, _ in WRONG.values() for name, level in levels.items()}
    of_several = {"without gradient", "all but smoothing"}  # several at once
    for name in ("penalties", "lookahead", "average"):
        assert {level for kind, level in used if kind == name} >= set(FACTORS[name]) - {"none"} - of_several
    own = {level for level, settings in FACTORS["dynamics"].items() if {"adjustment"} & settings.keys()}
    own |= {level for level in FACTORS["dynamics"] if "extragradient" in level}
    assert {level for kind, level in used if kind == "dynamics"} >= own - {"unrolled, g first, often"}
