"""Configurations in words: exact numbers, one line, nothing that cannot be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.design.in_words import wording
from gansim.design.in_words.words import heading, level
from gansim.model.data.distributions import Normal, Uniform
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Orthogonal
from gansim.model.optimizers import SGD, Adam, Momentum, RMSProp
from gansim.model.paths import dotted_paths, replace
from gansim.model.penalties import Penalties
from helpers.gans import gans


@given(st.floats(-1e12, 1e12))
def test_a_number_is_that_number(x: float) -> None:
    text = wording.number(x)
    assert float(text.replace("−", "-").replace(",", "")) == x
    assert wording.number(x + max(1.0, abs(x) * 1e-3)) != text


@given(st.lists(gans(), min_size=1, max_size=3))
def test_any_configuration_is_one_line(many: list[GAN]) -> None:
    optimizers = wording.optimizer(*(gan.optimizer_d for gan in many))
    for text in (wording.gan(many[0]), wording.brief(many[0]), wording.data(*many), optimizers):
        assert text and "\n" not in text and "None" not in text
        assert len(text) < 1500


@given(gans())
def test_penalties_and_dynamics_are_said_where_there_are_any(gan: GAN) -> None:
    beside = (gan.lookahead, gan.average, gan.adjustment, gan.decay)
    assert bool(wording.penalties(gan)) == (gan.penalties != Penalties())
    assert bool(wording.dynamics(gan)) == (gan.pretrain > 0 or any(one is not None for one in beside))
    whole = wording.gan(gan)
    assert wording.penalties(gan) in whole and wording.dynamics(gan) in whole and wording.updates(gan) in whole


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (wording.law(Uniform(-1, 2.5)), "U(−1, 2.5)"),
        (wording.network(MLP((8, 4), "elu", slope=2, init=Orthogonal(1.5)), 3), "3-8-4-1 ELU 2, orthogonal gain 1.5"),
        (wording.network(MLP(()), 1), "1-1 affine, He"),
        (
            wording.network(MLP((), bias=False, input_scale=0.25, output_scale=-5), 2),
            "2-1 affine without biases, inputs times 0.25, outputs times −5, He",
        ),
        (
            wording.optimizer(Adam(0.1), Momentum(0.2, 0.5), Adam(1e-3), RMSProp()),
            "Adam(lr 0.001 or 0.1, beta1 0.5, beta2 0.999, eps 1e−08); momentum(lr 0.2, beta 0.5); "
            "RMSProp(lr 0.001, rho 0.99, eps 1e−08)",
        ),
        (
            wording.gan(GAN(target=Normal(), optimizer_g=SGD(1), optimizer_d=SGD(1), d_steps=5, samples=64)),
            "Target N(0, 1²), one fixed sample of 64 a run, raw; non-saturating; G and D 1-16-1 leaky ReLU 0.2, He, "
            "SGD(lr 1); 5 updates of D, then 1 update of G a step, batch 64",
        ),
    ],
)
def test_words(text: str, words: str) -> None:
    assert text == words


ALL = Penalties(r1=0.3, r2=1, gradient=10, target=0, one_sided=True, clip=2, noise=0.1, noise_steps=1000, smoothing=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ""),
        (
            {"penalties": ALL},
            "R1 penalty 0.3, R2 penalty 1, gradient penalty 10 to norm at most 0, D's parameters cut to 2, noise of "
            "standard deviation 0.1 on what D sees, gone after 1,000 steps, 0.1 of each real counted as fake",
        ),
        (
            {"penalties.spectral": True, "pretrain": 1},
            "; D's weights normalised by their spectral norms; 1 update of D be",
        ),
        ({"updates": "extragradient"}, "; extragradient updates"),
        ({"updates": "extragradient", "fresh": False}, "; extragradient updates, both gradients on one batch"),
        ({"updates": "past-extragradient"}, "; past-extragradient updates"),
        ({"adjustment": Consensus(5), "updates": "simultaneous"}, "; simultaneous updates; consensus 5"),
        ({"adjustment": Symplectic(2, True), "updates": "simultaneous"}, "; aligned symplectic adjustment 2"),
        ({"adjustment": Unrolled(1, 0.1, False)}, "; G against D unrolled by 1 step of rate 0.1, in first order"),
        ({"lookahead": Lookahead(10, 0.3)}, "; lookahead 0.3 every 10 steps"),
        (
            {"average": Average(None), "decay": Decay("cosine", 0)},
            "; measured is the mean of G over its steps, learning rates going down to 0 of themselves, cosine; 5,000",
        ),
    ],
)
def test_remedies_in_words(change: dict[str, object], words: str) -> None:
    assert words in wording.brief(replace(GAN(target=Normal()), change))


def test_a_slope_that_nothing_holds_down_is_told() -> None:
    gan = GAN(target=Normal(), game="wasserstein")
    line = "nothing holds down D's slope in the game wasserstein: penalties clip, gradient, r1, r2 or spectral would"
    assert wording.remark(gan) == wording.remark(gan, gan) == line
    held = [replace(gan, {f"penalties.{name}": 0.1}) for name in ("clip", "gradient", "r1", "r2")]
    assert wording.remark(replace(gan, {"penalties.spectral": True})) == ""
    assert wording.remark(replace(gan, d_steps=0, pretrain=9)) == line
    others = [replace(gan, {"game": game}) for game in ("hinge", "relativistic", "minimax")]
    assert wording.remark(*held, *others, replace(gan, d_steps=0)) == ""
    assert "wasserstein in 1 of 5 cells: " in wording.remark(gan, *held)
    for change in ({"penalties.noise": 1}, {"optimizer_d.weight_decay": 0.1}):  # neither holds down a slope
        assert wording.remark(replace(gan, change)) == line


def test_every_field_of_penalties_and_dynamics_has_a_heading_of_its_own() -> None:
    base = GAN(target=Normal(), lookahead=Lookahead(), average=Average(), decay=Decay())
    turned = [replace(base, updates="simultaneous", adjustment=by) for by in ("consensus", "symplectic")]
    found = {path for gan in (base, *turned, replace(base, adjustment="unrolled")) for path in dotted_paths(gan)}
    rooms = ("penalties", "lookahead", "average", "adjustment", "decay", "fresh", "pretrain")
    own = {path: heading(path) for path in found if path.split(".")[0] in rooms}
    assert len(own) == 28 and all("." not in text and "_" not in text for text in own.values())
    assert len(set(own.values())) == len(own) - 1  # a decay is known by its shape
    assert heading("optimizer_d.weight_decay") == "weight decay of D's optimiser"
    assert heading("optimizer_g.beta") == "momentum of G's optimiser"
    assert level("unrolled") == "unrolled D"


def test_packs_are_named_where_d_sees_several_samples() -> None:
    gan = GAN(Normal(), packing=2)
    assert wording.gan(gan).endswith("D 2-16-1 leaky ReLU 0.2, He, Adam(lr 0.001, beta1 0.5, beta2 0.999, eps 1e−08); "
                                     "1 update of D, then 1 update of G a step, batch 64 in packs of 2")  # fmt: skip
    assert "; D 2-16-1 leaky ReLU, Adam 0.001; packs of 2; 5,000 steps" in wording.brief(gan)
    assert "pack" not in wording.gan(GAN(Normal())) + wording.brief(GAN(Normal()))


def test_the_head_of_a_picture_names_updates_that_are_not_one_of_each():
    gan = GAN(target=Normal(500, 5))
    assert "update" not in wording.brief(gan)
    assert "; 3 updates of D, then 1 update of G a step; " in wording.brief(replace(gan, {"d_steps": 3}))
    assert "; simultaneous updates; " in wording.brief(replace(gan, {"updates": "simultaneous"}))
