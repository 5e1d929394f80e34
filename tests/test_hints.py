"""What a name that nobody knows is taken to mean."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gansim as gs
from gansim.errors import ConfigError
from gansim.hints import _CALLED, _ELSEWHERE, hint, meant
from gansim.model.gan import Referee
from gansim.model.paths import dotted_paths, replace
from helpers.gans import GAN_500

PATHS = list(dotted_paths(GAN_500))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("lr", "optimizer_g.lr or optimizer_d.lr"),
        ("learning_rate", "optimizer_g.lr or optimizer_d.lr"),
        ("Learning-Rate", "optimizer_g.lr or optimizer_d.lr"),
        ("lr_d", "optimizer_d.lr"),
        ("optimizer_d.learning_rate", "optimizer_d.lr"),
        ("width", "generator.hidden or discriminator.hidden"),
        ("discriminator.width", "discriminator.hidden"),
        ("beta1", "optimizer_g.beta1 or optimizer_d.beta1"),
        ("batch", "batch_size"),
        ("epochs", "steps"),
        ("critic", "discriminator"),
        ("optimizer", "optimizer_g or optimizer_d"),
        ("n_critic", "d_steps"),
        ("loss", "game"),
        ("sigma", "target.std or noise.std"),
        ("activation", "generator.activation or discriminator.activation"),
        ("stpes", "steps"),
        ("gradient_penalty", "penalties.gradient"),
        ("wgan-gp", "penalties.gradient"),
        ("r1_gamma", "penalties.r1"),
        ("weight_clipping", "penalties.clip"),
        ("instance_noise", "penalties.noise"),
        ("label_smoothing", "penalties.smoothing"),
        ("regularization", "penalties"),
        ("ema", "average"),
        ("extra-gradient", "updates"),
        ("unroll", "adjustment"),
        ("lr_schedule", "decay"),
        ("weight_decay", "optimizer_g.weight_decay or optimizer_d.weight_decay"),
    ],
)
def test_meaning_goes_before_spelling(name, fields):
    assert hint(name, PATHS) == f"did you mean {fields}?"


def test_the_referee_is_meant_only_where_nothing_else_is():
    paths = list(dotted_paths(replace(GAN_500, {"referee": Referee()})))
    assert hint("width", paths) == "did you mean generator.hidden or discriminator.hidden?"
    assert meant("referee.width", paths) == ["referee.hidden"]
    assert meant("n", ["referee.reps"]) == ["referee.reps"]


def test_what_is_given_elsewhere_is_said():
    assert "gs.Study" in hint("reps", PATHS) and hint("seeds", PATHS) == hint("reps", PATHS)
    assert hint("seeds", ["name", "reps"]) == "did you mean reps?"


def test_fields_of_the_other_kind_of_configuration_are_said_to_be_that():
    game = gs.ParametricGame(gs.Bilinear(), 1, -1)
    mine, theirs = ({part.name for part in dataclasses.fields(of)} for of in (gs.GAN, gs.ParametricGame))
    for name in sorted(mine - theirs - {"noise"}):  # Dirac-GAN has noise of its own
        assert "of GANs, whose players are networks; a game of two" in hint(name, dotted_paths(game))
    with pytest.raises(ConfigError, match=r"^adjustment: value Consensus\(.*no such field; this is a field of GANs"):
        gs.ParametricGame(gs.Bilinear(), 1, -1, adjustment=gs.Consensus())
    with pytest.raises(ConfigError, match=r"^penalties\.r1: no such field; this is a field of GANs"):
        replace(game, {"penalties.r1": 1.0})
    for name in sorted(theirs - mine - {"clip"}):  # which penalties have
        assert "of games of two vectors" in hint(name, PATHS)
    assert hint("penalties", ["a", "b"]) == "did you mean a?"


def test_every_field_that_is_named_exists_and_no_word_has_two_meanings():
    paths = [*PATHS, *dotted_paths(replace(GAN_500, {"optimizer_g": "momentum"})), "target.low", "target.high"]
    for names in _CALLED:
        for name in names.split():
            assert meant(name, paths) or name in _ELSEWHERE, name
    words = [word for words in _CALLED.values() for word in words.split()]
    assert sorted(words) == sorted(set(words))


@given(st.text(max_size=80), st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_any_name_gets_a_hint(name, words):
    assert hint(name, words).startswith(("did you mean ", *_ELSEWHERE))
