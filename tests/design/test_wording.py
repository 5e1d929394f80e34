"""Configurations in words: exact numbers, one line, nothing that cannot be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.design import wording
from gansim.model.distributions import Normal, Uniform
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Orthogonal
from gansim.model.optimizers import SGD, Adam, Momentum, RMSProp
from gansim.model.paths import replace
from helpers.gans import gans


@given(st.floats(-1e12, 1e12))
def test_a_number_is_that_number(x: float) -> None:
    text = wording.number(x)
    assert float(text.replace("−", "-").replace(",", "")) == x
    assert wording.number(x + max(1.0, abs(x) * 1e-3)) != text


@given(st.lists(gans(), min_size=1, max_size=3))
def test_any_configuration_is_one_line(many: list[GAN]) -> None:
    for text in (wording.gan(many[0]), wording.data(*many), wording.optimizer(*(gan.optimizer_d for gan in many))):
        assert text and "\n" not in text and "None" not in text
        assert len(text) < 1000


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
