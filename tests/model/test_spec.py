"""What is accepted, what is refused and in which words, and that descriptions survive dictionaries, JSON and pickle."""

import copy
import dataclasses
import hashlib
import json
import math
import pickle
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gansim.errors import ConfigError, one_line
from gansim.model.data.distributions import Mixture, Normal, Uniform, components, moments, standardised
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.games import GAMES, GameName, LeastSquares, game_numbers
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, Given, He, NormalInit, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, RMSProp
from gansim.model.parametric import Dirac, ParametricGame
from gansim.model.paths import dotted_paths, from_dict, known_by, replace, to_dict
from gansim.model.penalties import Penalties
from helpers.gans import GAN_500, gans, mixtures

# --- valid configurations, drawn at random -------------------------------------------------------


@given(gans())
def test_dictionaries_json_and_pickle_give_back_an_equal_gan(gan: GAN) -> None:
    plain = json.loads(json.dumps(to_dict(gan), allow_nan=False))
    for again in (from_dict(to_dict(gan)), from_dict(plain), pickle.loads(pickle.dumps(gan)), replace(gan, {})):
        assert again == gan
        assert hash(again) == hash(gan)
        assert to_dict(again) == to_dict(gan)


@given(gans(), gans())
def test_equal_means_equal_dictionaries(one: GAN, other: GAN) -> None:
    assert (one == other) == (to_dict(one) == to_dict(other))


@given(gans())
def test_every_valid_configuration_can_be_standardised_and_sized(gan: GAN) -> None:
    mean, std = moments(standardised(gan.target))
    assert mean == pytest.approx(0, abs=1e-9)
    assert std == pytest.approx(1, abs=1e-9)
    assert type(standardised(gan.target)) is type(gan.target)
    assert gan.generator_sizes == (gan.noise_dim, *gan.generator.hidden, 1)
    assert gan.discriminator_sizes == (gan.packing, *gan.discriminator.hidden, 1)
    assert gan.packs * gan.packing == gan.batch
    assert gan.batch == (gan.samples if gan.batch_size == "full" else gan.batch_size)
    assert type(gan.batch) is int


# --- refusals -----------------------------------------------------------------------------------

MIX = Mixture((0, 1), 0.5)
TURNED = {"updates": "simultaneous", "adjustment": Consensus()}
# path: (base, [bad values]); every path of every class is here, which a test below checks
BAD: dict[str, tuple[dict[str, object], list[object]]] = {
    "target": ({}, [3, None, "normal", SGD(), Normal]),
    "target.mean": ({}, ["x", math.nan, math.inf, -math.inf, 2e6, None, True, 1j]),
    "target.std": ({}, [0, -5, math.nan, math.inf, 1e-10, "5", np.nan]),
    "target.low": ({"target": Uniform()}, [math.nan, "0", -2e6]),
    "target.high": ({"target": Uniform()}, [0.0, -1, math.inf]),
    "target.means": ({"target": MIX}, [(1,), (), 3, tuple(range(65)), ("a", "b"), (0, math.nan), None]),
    "target.stds": ({"target": MIX}, [0, (1,), (1, -1), (1, math.nan), "x", None, (1, 1, 1), (1e-9, 1.0)]),
    "target.weights": ({"target": MIX}, [(1,), (1, 0), (1, -1), 3, "ab", (1, math.nan), (1e-6, 1e6)]),
    "samples": ({}, [0, -1, 2**20 + 1, 2.0, "64", True, math.nan]),
    "standardise": ({}, [1, "yes", None]),
    "noise": ({}, [MIX, 1, "normal"]),
    "noise.mean": ({}, [math.nan, "a"]),
    "noise.std": ({}, [0, -1]),
    "noise.low": ({"noise": Uniform()}, [None]),
    "noise.high": ({"noise": Uniform()}, [-2]),
    "noise_dim": ({}, [0, 9, 1.0, True, None]),
    "fixed_noise": ({}, [1, None, "yes"]),
    "generator": ({}, [None, "mlp", SGD(), True]),
    "generator.hidden": ({}, [513, "16", 3.0, (1, 1, 1, 1, 1), (0,), (513,), (1.5,), (True,), None]),
    "generator.activation": ({}, ["gelu", None, 16, "Tanh"]),
    "generator.slope": ({}, [-0.1, 1.1, math.nan, "x", True]),
    "generator.bias": ({}, [1, None, "yes"]),
    "generator.init": ({}, ["kaiming", 3, None, SGD()]),
    "generator.init.gain": ({"generator": MLP(init="xavier")}, [-1, 101, math.nan]),
    "generator.init.std": ({"generator": MLP(init=NormalInit())}, [-1, 101, "x"]),
    "generator.init.layers": (
        {"generator": MLP(hidden=(), init=Given([([[1.0]], [0.0])]))},
        [(), 3, [1], [([[1.0]],)], [([[math.nan]], [0.0])], [([[1.0]], ["a"])], [([[1e10]], [0.0])]],
    ),
    "generator.input_scale": ({}, [0, -0.0, math.nan, math.inf, 1e7, -2e6, "1", None, True]),
    "generator.output_scale": ({}, [0, 0.0, math.nan, -math.inf, 1.1e6, "x", None, False]),
    "packing": ({}, [0, -1, 65, 2.0, True, None, "2"]),
    "game": (
        {},
        ["wgan", None, 1, "Minimax", "least-squares(nan, 1, 1)", "least-squares(1, 2)", "hinge(0, 1, 1)"],
    ),
    "penalties": ({}, [None, 3, "r1", Adam(), Penalties]),
    "penalties.r1": ({}, [-1, 2e6, math.nan, "x", None, True]),
    "penalties.r2": ({}, [-1, math.inf, None]),
    "penalties.gradient": ({}, [-1, math.nan, "10"]),
    "penalties.target": ({"penalties": Penalties(gradient=1)}, [-1, math.nan, None]),
    "penalties.one_sided": ({"penalties": Penalties(gradient=1)}, [1, None, "yes"]),
    "penalties.clip": ({}, [-0.01, math.nan, None]),
    "penalties.noise": ({}, [-1, math.nan, Normal()]),
    "penalties.noise_steps": ({"penalties": Penalties(noise=1)}, [0, 1.0, 10**8 + 1, True]),
    "penalties.smoothing": ({}, [-0.1, 0.51, math.nan]),
    "penalties.spectral": ({}, [1, None, "yes"]),
    "optimizer_g": ({}, [3, "adamw", None, MLP(), Adam]),
    "optimizer_g.lr": ({}, [-1e-3, 1001, math.nan, math.inf, "x", None, True]),
    "optimizer_g.beta1": ({}, [-0.1, 1, math.nan]),
    "optimizer_g.beta2": ({}, [-0.1, 1, 0.9999999, math.nan]),
    "optimizer_g.eps": ({}, [0, -1, 2, math.nan]),
    "optimizer_g.beta": ({"optimizer_g": Momentum()}, [1, -1]),
    "optimizer_g.rho": ({"optimizer_g": RMSProp()}, [1, -1]),
    "optimizer_g.weight_decay": ({}, [-1, 2e6, math.nan, None]),
    "updates": ({}, ["both", None, "extra-gradient"]),
    "fresh": ({"updates": "extragradient"}, [1, None, "yes"]),
    "lookahead": ({}, [5, True, "lookahead", Average()]),
    "lookahead.k": ({"lookahead": Lookahead()}, [0, 5.0, 10**6 + 1, None]),
    "lookahead.alpha": ({"lookahead": Lookahead()}, [-0.1, 1.1, math.nan]),
    "average": ({}, [0.999, True, "ema", Decay()]),
    "average.beta": ({"average": Average()}, [-0.1, 1, 0.99999995, "none"]),
    "adjustment": ({}, ["extragradient", 3, Consensus, SGD()]),
    "adjustment.gamma": (TURNED, [-1, math.nan, None]),
    "adjustment.strength": ({**TURNED, "adjustment": Symplectic()}, [-1, 2e6]),
    "adjustment.align": ({**TURNED, "adjustment": Symplectic()}, [1, None]),
    "adjustment.k": ({"adjustment": Unrolled()}, [0, 51, 5.0]),
    "adjustment.lr": ({"adjustment": Unrolled()}, [-1, 1001]),
    "adjustment.second_order": ({"adjustment": Unrolled()}, [1, None]),
    "decay": ({}, [0.5, True, "linear", Average()]),
    "decay.shape": ({"decay": Decay()}, ["step", None, 1]),
    "decay.to": ({"decay": Decay()}, [-0.1, 1.1, math.nan]),
    "d_steps": ({}, [-1, 101, 1.0, None]),
    "g_steps": ({}, [-1, 101, 1.0, None]),
    "pretrain": ({}, [-1, 10**6 + 1, 1.0, None, True]),
    "batch_size": ({}, [0, 65537, "half", "full", 64.0, None, True, math.nan]),
    "steps": ({}, [0, 10**8 + 1, 5000.0, "5000", None, True]),
    "records": ({}, [0, 5001, 50.0, "none"]),
    "n_eval": ({}, [0, 31, 1000, 65568, 1024.0]),
    "referee": ({}, [True, 3, "yes", SGD()]),
    "referee.hidden": ({"referee": Referee()}, [0, (0,), (1,) * 5]),
    "referee.steps": ({"referee": Referee()}, [0, 1.0]),
    "referee.lr": ({"referee": Referee()}, [-1, math.nan]),
    "referee.batch_size": ({"referee": Referee()}, [0, 65537, "full"]),
    "referee.n_eval": ({"referee": Referee()}, [100, 0]),
    "precision": ({}, ["float16", None, 32]),
}
CASES = [(path, bad) for path, (_, values) in BAD.items() for bad in values]


@pytest.mark.parametrize(("path", "bad"), CASES, ids=[f"{path}-{bad!r:.20}" for path, bad in CASES])
def test_a_refusal_is_one_line_with_field_value_and_what_is_allowed(path: str, bad: object) -> None:
    base = replace(GAN_500, BAD[path][0])
    with pytest.raises(ConfigError) as caught:
        replace(base, {path: bad})
    line = one_line(caught.value)
    assert "\n" not in line
    assert line.startswith(path)
    field, value, allowed = line.split(": ", 2)
    assert field.removeprefix(path).replace("[", "").replace("]", "").replace("0", "").replace("1", "") == ""
    assert value.startswith("value ") or (value == "missing" and "[" in field)
    assert len(allowed) > 5


def test_every_field_has_a_refusal_test() -> None:
    known = {path.replace("_d.", "_g.").replace("discriminator", "generator") for path in BAD}
    seen = set()
    for changes, _ in BAD.values():
        seen |= set(dotted_paths(replace(GAN_500, changes)))
    alike = {path.replace("optimizer_d", "optimizer_g").replace("discriminator", "generator") for path in seen}
    alike = {path.replace("noise.means", "target.means") for path in alike}
    assert alike - known == set()


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (lambda: Normal(500, -5), "std: value -5: a number from 1e-09 to 1e+06"),
        (lambda: Normal(1, 2, 3), "Normal: value 3: one argument too many"),
        (lambda: Normal(sdt=5), "sdt: value 5: no such field; did you mean std?"),
        (
            lambda: GAN(Normal(), "minimax"),
            "GAN: value 'minimax': one argument too many",
        ),
        (lambda: GAN(target=Normal(), gme="minimax"), "gme: value 'minimax': no such field; did you mean game?"),
        (
            lambda: GAN(target=Normal(), batch_size="full"),
            "batch_size: value 'full': an integer from 1 to 65,536, because",
        ),
        (lambda: GAN(target=Normal(), steps=10, records=11), "records: value 11: an integer from 1 to steps = 10"),
        (lambda: GAN(target=Normal(), updates="simultaneous", d_steps=2), "d_steps: value 2: 1, because simultaneous"),
        (lambda: GAN(target=Normal(), updates="simultaneous", g_steps=0), "g_steps: value 0: 1, because simultaneous"),
        (lambda: GAN(target=Normal(), d_steps=0, g_steps=0), "g_steps: value 0: 1 to 100, because d_steps = 0"),
        (lambda: GAN(Normal(), fresh=False), "fresh: value False: True, because alternating updates have no second"),
        (lambda: Penalties(0.3), "Penalties: value 0.3: keyword arguments only, such as Penalties(r1=...)"),
        (lambda: Penalties(target=0), "target: value 0: 1, because gradient = 0: no norm is asked for"),
        (lambda: Penalties(one_sided=True), "one_sided: value True: False, because gradient = 0"),
        (lambda: Penalties(noise_steps=9), "noise_steps: value 9: None, because noise = 0"),
        (
            lambda: replace(GAN_500, {"penalties.target": 2}),
            "penalties.target: value 2: 1, because gradient = 0: no norm is asked for",
        ),
        *(
            (
                lambda name=name: GAN(Normal(), d_steps=0, penalties={name: 0.5}),
                f"penalties.{name}: value 0.5: 0, because d_steps = 0: D is frozen",
            )
            for name in ("r1", "r2", "gradient", "clip", "noise", "smoothing")
        ),
        *(
            (
                lambda game=game: GAN(Normal(), game=game, penalties=Penalties(smoothing=0.1)),
                f"penalties.smoothing: value 0.1: 0, because D of the game {game} has no share of reals to give away",
            )
            for game in (*GAMES, "least-squares(-1, 1, 0)")
            if game not in ("minimax", "non-saturating")
        ),
        *(
            (
                lambda updates=updates, by=by: GAN(Normal(), updates=updates, adjustment=by),
                f"adjustment: value {by!r}: None, or updates='simultaneous': {by.kind} is of both gradients at once",
            )
            for updates in ("alternating", "alternating-g-first", "extragradient", "past-extragradient")
            for by in (Consensus(1), Symplectic())
        ),
        *(
            (
                lambda updates=updates: GAN(Normal(), updates=updates, adjustment="unrolled"),
                f"adjustment: value 'unrolled': None, or updates that alternate: {updates} ones do not see G alone",
            )
            for updates in ("simultaneous", "extragradient", "past-extragradient")
        ),
        *(
            (
                lambda name=name, by=by: GAN(Normal(), penalties={name: 1}, **by),
                f"adjustment: value {by['adjustment']!r}: None, because penalties on D's gradient would need third",
            )
            for name in ("r1", "r2", "gradient")
            for by in (TURNED, {**TURNED, "adjustment": Symplectic()}, {"adjustment": Unrolled()})
        ),
        *(
            (
                lambda by=by: GAN(Normal(), penalties={"spectral": True}, **by),
                f"adjustment: value {by['adjustment']!r}: None, because with penalties.spectral it would need deriv",
            )
            for by in (TURNED, {**TURNED, "adjustment": Symplectic()}, {"adjustment": Unrolled()})
        ),
        (
            lambda: GAN(Normal(), d_steps=0, penalties={"spectral": True}),
            "penalties.spectral: value True: False, because d_steps = 0: D is frozen",
        ),
        (lambda: Penalties(spectral=True, clip=0.5), "clip: value 0.5: 0, because spectral normalisation changes what"),
        (
            lambda: GAN(Normal(), g_steps=0, adjustment="unrolled"),
            "adjustment: value 'unrolled': None, because g_steps = 0: G is frozen",
        ),
        (
            lambda: GAN(Normal(), g_steps=0, average=Average()),
            "average: value Average(beta=0.999): None, because g_steps = 0: G is frozen",
        ),
        *(
            (
                lambda player=player: GAN(Normal(), lookahead=Lookahead(), **{f"{player}_steps": 0}),
                f"lookahead: value Lookahead(k=5, alpha=0.5): None, because {player}_steps = 0: {player.upper()} is fr",
            )
            for player in "dg"
        ),
        (lambda: Decay("exponential", 0), "to: value 0: above 0, because exponential decay never gets there"),
        (
            lambda: replace(GAN_500, {"adjustment": {"gamma": 1}}),
            "adjustment.kind: missing: one of consensus, symplectic or unrolled",
        ),
        (
            lambda: GAN(Normal(), adjustment="unroll"),
            "adjustment: value 'unroll': an adjustment: Consensus, Symplectic or Unrolled, such as gs.Consensus(gamma),"
            " or 'consensus', 'symplectic' or 'unrolled', or None",
        ),
        (lambda: GAN(Normal(), ema=0.9), "ema: value 0.9: no such field; did you mean average?"),
        (lambda: GAN(Normal(), gradient_penalty=10), "gradient_penalty: value 10: no such field; did you mean penalt"),
        (lambda: LeastSquares(math.nan), "a: value nan: a number from -1e+06 to 1e+06"),
        (lambda: LeastSquares(c="1"), "c: value '1': a number from"),
        (
            lambda: GAN(Normal(), game="least-squares(nan, 1, 1)"),
            "game: value 'least-squares(nan, 1, 1)': one of 'minimax', 'non-saturating', 'as-written', 'wasserstein', "
            "'hinge', 'least-squares', 'relativistic' or 'relativistic-average', or 'least-squares(a, b, c)' with "
            "numbers from -1e+06 to 1e+06",
        ),
        (lambda: GAN(Normal(), packing=3), "batch_size: default 64: a multiple of packing = 3, or another packing"),
        (
            lambda: GAN(Normal(), packing=3, batch_size="full", samples=100),
            "samples: value 100: a multiple of packing = 3, or another packing",
        ),
        (
            lambda: GAN(Normal(), packing=8, samples=7),
            "samples: value 7: an integer from packing = 8 on, or another packing",
        ),
        (
            lambda: GAN(Normal(), packing=3, batch_size=6),
            "n_eval: default 1024: a multiple of 8 x packing = 24, or another packing: packs are measured eight at a",
        ),
        (
            lambda: GAN(Normal(), packing=2, discriminator=MLP((), init=Given([([[1.0]], [0.0])]))),
            "discriminator: value MLP(",
        ),
        (lambda: MLP(output_scale=0), "output_scale: value 0: a number from -1e+06 to 1e+06, but 0"),
        (lambda: GAN(target=Normal(1e6, 0.01)), "precision: default 'float32': one that resolves"),
        (lambda: GAN(target=Mixture((1000, 1001), 1e-5)), "precision: default 'float32': one that resolves a standard"),
        (lambda: Mixture((-1, 1), np.array(0.5)), "stds: value array(0.5): a number from"),
        (lambda: Mixture((-1, 1), weights=np.array(0.5)), "weights: value array(0.5): None, or as many numbers as"),
        (lambda: Mixture({-1, 1}), "means: value {-1, 1}: a tuple of 2 to 64 numbers, such as (-1, 1)"),
        (
            lambda: MLP(frozenset([3])),
            "hidden: value frozenset({3}): a width, or a tuple of 0 to 4 widths, such as (16, 16)",
        ),
        (lambda: Mixture((0, 1), 0.9e-6), "stds: value 9e-07: at least a millionth of the largest distance, 1"),
        (lambda: Mixture((0, 1), 1, (1, 2e6)), "weights[1]: value 2000000.0: a number from 1e-06 to 1e+06"),
        (lambda: MLP((0,)), "hidden[0]: value 0: an integer from 1 to 512"),
        (
            lambda: MLP(16, 16),
            "activation: value 16: one of 'leaky_relu', 'relu', 'tanh', 'sigmoid', 'softplus', 'elu'",
        ),
        (lambda: GAN(Normal(), lr=3), "lr: value 3: no such field; did you mean optimizer_g.lr or optimizer_d.lr?"),
        (lambda: GAN(Normal(), width=3), "width: value 3: no such field; did you mean generator.hidden or discri"),
        (lambda: GAN(Normal(), reps=3), "reps: value 3: no such field; reps, how many runs, is an argument of gs.sim"),
        (lambda: GAN(Normal(), optimizer_g="adamw"), "optimizer_g: value 'adamw': an optimiser: SGD, Momentum, RMSPr"),
        (lambda: replace(GAN_500, lr=3), "lr: no such field; did you mean optimizer_g.lr or optimizer_d.lr?"),
        (lambda: replace(GAN_500, {"steps": 3}, steps=4), "steps: value 4: given in the mapping too: once"),
        (lambda: MLP(activation="tanh", slope=0.2), "slope: value 0.2: None, because tanh has no slope"),
        (lambda: MLP(activation="elu", slope=0), "slope: value 0: a number above 0 and up to 100"),
        (
            lambda: MLP(init="kaiming"),
            "init: value 'kaiming': one of he, xavier, torch or orthogonal, or an initialiser",
        ),
        (lambda: Uniform(3, 2), "high: value 2: a number above low = 3"),
        (lambda: Mixture((0, 1), (1, 2, 3)), "stds: value (1, 2, 3): one number, or as many as there are means (2)"),
        (
            lambda: from_dict({"target": {"kind": "normal", "sd": 1}}),
            "target.sd: value 1: no such field; did you mean std?",
        ),
        (
            lambda: from_dict({}),
            "target: missing: a target: Normal, Uniform, Mixture, Observed or Law, such as gs.Normal(mean, std)",
        ),
        (
            lambda: from_dict({"target": {"kind": "gamma"}}),
            "target.kind: value 'gamma': one of normal, uniform, mixture, observed or law",
        ),
        (
            lambda: replace(GAN_500, {"generator.init": {"kind": "x"}}),
            "generator.init.kind: value 'x': one of he, xavier",
        ),
        (
            lambda: replace(GAN_500, {"target": {"mean": 3}}),
            "target.kind: missing: one of normal, uniform, mixture, observed or law",
        ),
    ],
)
def test_the_words_of_refusals(build, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build()
    assert one_line(caught.value).startswith(line)


@pytest.mark.parametrize(
    "target",
    [
        Mixture((0, 1), (1e-6, 1e-6), (1, 3)),
        Mixture((-1.19, 9.09), 1.0279999999999998e-05),
        Mixture((0, 1, 2), 1, (1e-06, 0.40687638395415476, 0.5931226160458454)),
        Mixture((0, 1, 2), 1, (1, 3, 999_996)),
    ],
)
def test_a_mixture_at_the_limit_is_not_refused_later(target) -> None:
    """Rescaling and dividing by a sum round: what was just allowed may be just below afterwards."""
    gan = GAN(target=target, precision="float64")
    assert from_dict(json.loads(json.dumps(to_dict(gan)))) == gan
    assert replace(gan, {"target.stds": 1.0}).target.weights == target.weights
    assert moments(standardised(target)) == pytest.approx((0, 1), abs=1e-9)


def test_what_can_be_combined_is_taken() -> None:
    """The other side of the refusals above."""
    everything = Penalties(
        r1=1, r2=1, gradient=10, target=0, one_sided=True, clip=1, noise=1, noise_steps=9, smoothing=0.1
    )
    beside = {"lookahead": Lookahead(), "average": Average(None), "decay": Decay("cosine", 0)}
    for updates in ("alternating", "alternating-g-first", "simultaneous", "extragradient", "past-extragradient"):
        assert GAN(Normal(), updates=updates, penalties=everything, **beside).penalties == everything
    assert GAN(Normal(), updates="extragradient", fresh=False).fresh is False
    assert GAN(Normal(), adjustment=Unrolled(second_order=False), penalties=everything, d_steps=2, g_steps=3)
    for by in (TURNED, {**TURNED, "adjustment": "symplectic"}, {"adjustment": "unrolled"}):
        assert GAN(Normal(), penalties=Penalties(clip=1, noise=1, smoothing=0.1), **by, **beside).adjustment
    assert GAN(Normal(), d_steps=0, adjustment="unrolled", average=Average(), decay=Decay())


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"fresh": False}, "fresh: value False: True, because alternating updates have no second batch"),
        (
            {"g_steps": 0, "average": Average()},
            "average: value Average(beta=0.999): None, because g_steps = 0: G is fr",
        ),
        ({"d_steps": 0, "lookahead": Lookahead()}, "lookahead: value Lookahead(k=5, alpha=0.5): None, because d_steps"),
    ],
)
def test_games_of_two_vectors_refuse_the_same(change: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ParametricGame(Dirac(), 1, -1, **change)
    assert one_line(caught.value).startswith(line)


def test_least_squares_is_text_with_one_spelling() -> None:
    assert set(get_args(GameName)) == set(GAMES)
    typed = [GAN(Normal(), game=game) for game in (LeastSquares(-1, 1, 0), " least-squares (-1.0,1,-0.0)".strip())]
    assert typed[0] == typed[1] and repr(typed[0]) == repr(typed[1]) and "LeastSquares(-1, 1, 0)" in repr(typed[0])
    assert [gan.game for gan in typed] == ["least-squares(-1, 1, 0)"] * 2
    assert {type(gan.game) for gan in typed} == {LeastSquares} and type(to_dict(typed[0])["game"]) is str
    usual = [GAN(Normal(), game=game) for game in (LeastSquares(), "least-squares", "least-squares(-0.0, 1, 1)")]
    assert {repr(gan) for gan in usual} == {repr(GAN(Normal(), game="least-squares"))} and len(set(usual)) == 1
    assert str(LeastSquares(-0.0, 1e-7, 1e6)) == "least-squares(0, 1e-07, 1e+06)"
    with pytest.raises(AttributeError):
        LeastSquares(-1, 1, 0).a = 3


@given(*[st.floats(-1e6, 1e6)] * 3)
def test_least_squares_keeps_its_numbers(a: float, b: float, c: float) -> None:
    game = LeastSquares(a, b, c)
    assert game_numbers(game) == (a, b, c)
    assert pickle.loads(pickle.dumps(game)) == copy.deepcopy(game) == game
    assert type(copy.copy(game)) is LeastSquares and eval(repr(game)) == game
    assert GAN(Normal(), game=str(game)).game == game and hash(game) == hash(str(game))


def test_zero_has_no_sign() -> None:
    """-0.0 equals 0.0: two configurations that are equal must not differ in a bit."""
    assert math.copysign(1, Given([([[-0.0]], [0.0])]).layers[0][0][0][0]) == 1
    assert math.copysign(1, Normal(-0.0).mean) == 1


def test_several_refusals_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        GAN(target=Normal(), steps=0, game="x", optimizer_d={"kind": "sgd", "lr": -1})
    parts = one_line(caught.value).split("; ")
    assert [part.split(":")[0] for part in parts] == ["game", "optimizer_d.lr", "steps"]


@pytest.mark.parametrize(
    ("hidden", "layers", "allowed"),
    [
        ((), [([[1.0, 2.0]], [0.0])], "layer 0 has 1 rows of 1 weights"),
        ((), [([[1.0]], [])], "layer 0 has 1 bias values"),
        ((2,), [([[1.0], [2.0]], [0.0, 0.0])], "2 layers, not 1"),
        ((2,), [([[1.0], [2.0]], [0.0, 0.0]), ([[1.0]], [0.0])], "layer 1 has 1 rows of 2 weights"),
    ],
)
def test_given_parameters_must_fit_the_network(hidden, layers, allowed: str) -> None:
    for network in ("generator", "discriminator"):
        with pytest.raises(ConfigError) as caught:
            GAN(target=Normal(), **{network: MLP(hidden=hidden, init=Given(layers))})
        assert one_line(caught.value).startswith(f"{network}: value MLP(")
        assert one_line(caught.value).endswith(allowed)


def test_given_parameters_of_a_network_without_bias_and_of_two_noises() -> None:
    given_2 = Given([(np.array([[1.0, -2.0]]), None)])
    gan = GAN(target=Normal(), noise_dim=2, generator=MLP(hidden=(), bias=False, init=given_2))
    assert gan.generator.init.layers == ((((1.0, -2.0),), ()),)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.just("kind"), inner, max_size=3)
    ),
    max_leaves=6,
)
paths = st.sampled_from(sorted({p for changes, _ in BAD.values() for p in dotted_paths(replace(GAN_500, changes))}))


@given(st.dictionaries(paths | st.text(max_size=10), junk, max_size=4))
def test_junk_is_refused_in_one_line_or_is_valid(overrides: dict[str, object]) -> None:
    try:
        gan = replace(GAN_500, overrides)
    except ConfigError as error:
        assert "\n" not in one_line(error)
        assert one_line(error)
    else:
        assert from_dict(json.loads(json.dumps(to_dict(gan), allow_nan=False))) == gan


@given(st.dictionaries(st.sampled_from([field.name for field in dataclasses.fields(GAN)]) | st.text(max_size=6), junk))
def test_junk_dictionaries_are_refused_in_one_line_or_are_valid(values: dict[str, object]) -> None:
    try:
        gan = from_dict(values)
    except ConfigError as error:
        assert "\n" not in one_line(error)
    else:
        assert from_dict(to_dict(gan)) == gan


NUMBERS = [
    path
    for path in BAD
    if path != "average.beta"  # which None is for, too
    and path.rpartition(".")[2]
    in {*("mean", "std", "low", "high", "lr", "beta", "beta1", "beta2", "rho", "eps", "gain", "noise_dim")}
    | {
        *(
            "d_steps",
            "g_steps",
            "steps",
            "n_eval",
            "batch_size",
            "k",
            "alpha",
            "gamma",
            "strength",
            "to",
            "weight_decay",
        )
    }
    | {*("r1", "r2", "gradient", "clip", "smoothing", "weight_decay")}
]


@given(st.sampled_from(NUMBERS), st.sampled_from([math.nan, math.inf, -math.inf, True, "1", None, 1j, [1], -1e12]))
def test_no_number_is_anything_else(path: str, bad: object) -> None:
    base = replace(GAN_500, BAD[path][0])
    with pytest.raises(ConfigError) as caught:
        replace(base, {path: bad})
    assert one_line(caught.value).startswith(f"{path}: value ")


# --- overrides ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "closest"),
    [
        ("optimizer_g.learning_rate", "optimizer_g.lr"),
        ("optimiser_d.lr", "optimizer_d.lr"),
        ("batchsize", "batch_size"),
        ("steps.x", "steps"),
        ("penalties.gp", "penalties.gradient"),
        ("penalties.weight_clipping", "penalties.clip"),
        ("ema", "average"),
        ("extra_gradient", "updates"),
        ("consensus", "adjustment"),
        ("l2", "optimizer_g.weight_decay or optimizer_d.weight_decay"),
        ("generator.init.gian", "generator.init"),
        ("target.kind", "target.std"),
    ],
)
def test_an_unknown_path_is_refused_naming_the_closest(path: str, closest: str) -> None:
    with pytest.raises(ConfigError, match=f"no such field; did you mean {closest}\\?"):
        replace(GAN_500, {path: 1})


def test_a_path_into_none_says_so() -> None:
    for path in ("referee.steps", "average.beta", "lookahead.k", "adjustment.k", "decay.to"):
        name = path.partition(".")[0]
        with pytest.raises(ConfigError, match=rf"^{path}: {name} is None"):
            replace(GAN_500, {path: 3})


def test_a_path_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="a dotted path"):
        replace(GAN_500, {3: 1})


def test_overrides_apply_together_and_objects_before_their_fields() -> None:
    gan = replace(GAN_500, {"optimizer_g.lr": 0.5, "optimizer_g": SGD(), "records": 10, "steps": 10})
    assert gan == GAN(target=Normal(500, 5), optimizer_g=SGD(0.5), steps=10, records=10)
    named = replace(GAN_500, {"generator.init.gain": 2, "generator.init": "xavier"})
    assert named.generator.init == Xavier(2)
    short = replace(
        GAN_500, {"optimizer_d": "sgd", "optimizer_d.lr": 2, "generator": 8, "generator.activation": "tanh"}
    )
    assert (short.optimizer_d, short.generator) == (SGD(2), MLP(8, "tanh"))
    unrolled = replace(GAN_500, {"adjustment.k": 3, "adjustment": "unrolled", "penalties": {"clip": 1}})
    assert (unrolled.adjustment, unrolled.penalties) == (Unrolled(3), Penalties(clip=1))
    assert GAN(target=Normal(500, 5)) == GAN_500


@given(gans(), st.data())
def test_replacing_a_field_by_that_of_another_gan_changes_only_it(gan: GAN, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([field.name for field in dataclasses.fields(GAN)]))
    other = data.draw(gans())
    try:
        changed = replace(gan, {name: getattr(other, name)})
    except ConfigError:
        assume(False)
    for field in dataclasses.fields(GAN):
        assert getattr(changed, field.name) == getattr(other if field.name == name else gan, field.name)


# --- values -------------------------------------------------------------------------------------


@given(mixtures())
def test_moments_of_a_mixture_agree_with_a_sum_over_its_components(target: Mixture) -> None:
    means, stds, weights = (np.array(part) for part in components(target))
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    mean = (weights * means).sum()
    second = (weights * (stds**2 + means**2)).sum()
    assert moments(target)[0] == pytest.approx(mean, abs=1e-9)
    assert moments(target)[1] == pytest.approx(math.sqrt(second - mean**2), rel=1e-3)


def test_moments_of_normal_and_uniform() -> None:
    assert moments(Normal(500, 5)) == (500, 5)
    draws = np.linspace(-2, 6, 1_000_001)
    assert moments(Uniform(-2, 6)) == pytest.approx((draws.mean(), draws.std()), rel=1e-5)
    assert components(Normal(500, 5)) == ((500,), (5,), (1,))


def test_weights_are_stored_divided_by_their_sum() -> None:
    assert Mixture((0, 1), 0.5, (1, 3)).weights == (0.25, 0.75)
    assert Mixture((0, 1), 0.5, (1, 3)) == Mixture((0, 1), 0.5, (0.25, 0.75))


def test_slopes() -> None:
    assert MLP().slope_value == 0.2
    assert MLP(slope=0).slope_value == 0
    assert MLP(activation="elu").slope_value == 1
    assert MLP(activation="elu", slope=0.5).slope_value == 0.5
    assert MLP(activation="relu").slope_value == MLP(activation="tanh").slope_value == 0


def test_short_forms_are_the_long_ones() -> None:
    short = GAN(Normal(500, 5), generator=8, discriminator=[4, np.int64(4)], optimizer_g="sgd", optimizer_d="Adam")
    long = GAN(target=Normal(500, 5), generator=MLP((8,)), discriminator=MLP((4, 4)), optimizer_g=SGD())
    assert short == long and to_dict(short) == to_dict(long) and short != GAN_500
    assert MLP(16) == MLP((16,)) and Referee(8) == Referee((8,)) and GAN(Normal(), generator=()).generator == MLP(())
    assert replace(short, steps=10, game="minimax") == replace(short, {"steps": 10, "game": "minimax"})
    assert [GAN(Normal(), steps=steps).records for steps in (1, 10, 50, 60)] == [1, 10, 50, 50]


def test_positional_arguments_numpy_numbers_and_equality() -> None:
    assert Normal(np.float64(500), np.int64(5)) == Normal(mean=500.0, std=5.0) == Normal(500, 5)
    assert hash(Normal(500, 5)) == hash(Normal(500.0, 5.0))
    assert type(Normal(500, 5).mean) is float
    assert Adam(1e-3, beta1=0.9) == Adam(0.001, 0.9)
    assert MLP(hidden=[16], init="he") == MLP((16,), init=He())
    assert GAN(target=Normal(), samples=np.int64(64)).samples == 64


@pytest.mark.parametrize("item", [Normal(), MLP(), Adam(), GAN_500, Referee()])
def test_frozen(item: object) -> None:
    name = dataclasses.fields(item)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(item, name, getattr(item, name))


def test_a_config_error_is_one_line() -> None:
    assert str(ConfigError("a value 'x\n y'")) == "a value 'x y'"
    assert str(pickle.loads(pickle.dumps(ConfigError("a")))) == "a"


def test_one_line_of_other_errors() -> None:
    with pytest.raises(OSError) as caught:
        Path("/no/such/file").read_bytes()
    assert one_line(caught.value) == "/no/such/file: No such file or directory"
    assert one_line(ValueError("two\nlines")) == "two lines"
    assert one_line(KeyboardInterrupt()) == "KeyboardInterrupt"


# --- identity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gan", "digest"),
    [
        (GAN_500, "3f045f9a269b226c"),
        (
            GAN(
                target=Mixture((-2, 2), 0.5, (1, 3)), standardise=True, samples=64, batch_size="full",
                referee=Referee(), generator=MLP((8, 8), "elu", 0.5, init="orthogonal"), optimizer_g=Momentum(),
                optimizer_d=RMSProp(),
            ),
            "2bf18f239d4cc50a",
        ),
        (
            GAN(
                target=Uniform(-1, 1), noise=Uniform(), noise_dim=3, game="as-written", updates="simultaneous",
                precision="float64", steps=50, discriminator=MLP((), bias=False, init=Given([([[1.0]], None)])),
                optimizer_g=SGD(0.5),
            ),
            "7319acb2e08b4f90",
        ),
    ],
)  # fmt: skip
def test_a_configuration_is_written_as_ever(gan: GAN, digest: str) -> None:
    """Stored results are known by it: another name, order of numbers or default would make strangers of them."""
    text = json.dumps(known_by(gan), sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


def test_fields_that_came_later_count_where_they_change_something() -> None:
    changes = {"penalties": {"r1": 1}, "optimizer_d.weight_decay": 0.1, "average": {}}
    known = known_by(replace(GAN_500, changes))
    assert known["penalties"] == dataclasses.asdict(Penalties(r1=1)) and known["optimizer_d"]["weight_decay"] == 0.1
    assert known["average"] == {"beta": 0.999, "kind": "average"} and "weight_decay" not in known["optimizer_g"]
    assert not {"lookahead", "adjustment", "decay", "fresh"} & set(known)


@given(gans())
def test_what_a_configuration_is_known_by_gives_it_back(gan: GAN) -> None:
    assert from_dict(json.loads(json.dumps(known_by(gan)))) == gan


@given(st.integers(1, 10**8))
def test_a_run_is_measured_50_times_or_at_every_step(steps: int) -> None:
    gan = GAN(target=Normal(), steps=steps)
    assert gan.records == min(50, steps)
    assert replace(GAN_500, {"steps": steps}).records == min(50, steps)
    assert from_dict(to_dict(gan)) == gan


def test_sixteen_steps_of_the_number_format_resolve_a_target() -> None:
    """At a mean of 1e6, where float32 has steps of 2^-24 of it below: 0.954 are sixteen of them, 0.894 fifteen."""
    assert GAN(target=Normal(1e6, 0.96)).precision == "float32"
    with pytest.raises(ConfigError, match="precision: default 'float32': one that resolves"):
        GAN(target=Normal(1e6, 0.93))
    assert GAN(target=Normal(1e6, 0.93), precision="float64").precision == "float64"


@pytest.mark.parametrize("value", [[1, 2, 3], (1.0, 2.0), np.arange(3), "heights.csv"])
def test_values_as_a_target_are_told_what_takes_them(value):
    with pytest.raises(ConfigError, match=r"of values of your own, gs\.Observed\(values\)$"):
        GAN(value)
    with pytest.raises(ConfigError) as refused:
        GAN(3)
    assert "Observed(values)" not in str(refused.value)
