"""Words that a reader of a report may not know, and what they mean in this study."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gansim.design.in_words import setting
from gansim.design.in_words.glossary import COLUMNS
from gansim.design.regimes import D_STATES, G_STATES, Thresholds

if TYPE_CHECKING:
    from gansim.design.description import Description

__all__ = ["Term", "terms"]


@dataclass(frozen=True)
class Term:
    """A word and what it means.

    Attributes
    ----------
    key : str
        Its name for a machine: lower-case letters, digits and hyphens.
    name : str
        The word as a glossary has it.
    meaning : str
        A sentence or a few.
    spellings : tuple of str
        How a text has it; matched as whole words, upper and lower case alike unless it has both.
    """

    key: str
    name: str
    meaning: str
    spellings: tuple[str, ...]


def terms(study: Description, thresholds: Thresholds | None = None) -> list[Term]:
    """Return the words of a study's report: of statistics and simulation, what is measured, the states of G and D.

    Parameters
    ----------
    study : Description
        The study.
    thresholds : Thresholds, optional
        By which its runs are labelled.
    """
    facts = setting.facts(study, thresholds)
    limits, designs = facts["thresholds"], facts["designs"].values()
    states = setting.meanings(limits, designs)
    window = f"The last {100 * limits['window']:g} % of a run's records, over which its label is decided."
    found = [_term(name, meaning, *spellings) for name, meaning, *spellings in _GENERAL]
    found.append(_term("window", window))
    kinds = {kind for design in designs for kind in design["probability"]}
    if kinds:  # else nothing is measured on samples
        of_d = [_of_d(name, True in kinds) for name in ("v", "auc")]
        found += [_term(name, meaning, *spellings) for name, meaning, *spellings in (*_MEASURED, *filter(None, of_d))]
    names = {"g_state": G_STATES, "d_state": D_STATES}
    for label, player in (("g_state", "G"), ("d_state", "D")):
        for state in names[label]:
            if state in states[label] and (state != "non-finite" or label == "g_state"):
                found.append(_state(state, player, states[label][state]))
    return found


def _term(name: str, meaning: str, *spellings: str) -> Term:
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return Term(key, name, meaning, spellings or (name,))


_COMMON = ("mixed", "perfect")  # words that mean other things elsewhere


def _state(state: str, player: str, meaning: str) -> Term:
    if meaning.endswith("none of the others"):
        others = G_STATES if player == "G" else D_STATES
        meaning += f": not {', '.join(one for one in others if one not in (state, 'non-finite'))}"
    whose = "of a run" if state == "non-finite" else f"of {player}"
    told = f"{meaning[0].upper()}{meaning[1:]}."
    spellings = [f"{player} {state}", *([] if state in _COMMON else [state]), *(["collapse"] * (state == "collapsed"))]
    return Term(f"{player.lower()}-{state.replace(' ', '-')}", f"{state} ({whose})", told, tuple(spellings))


def _described(name: str, more: str = "") -> str:
    text = COLUMNS[name].description.removesuffix("; last record")
    return f"{text[0].upper()}{text[1:]}{more}."


_GENERAL: tuple[tuple[str, ...], ...] = (
    ("run", "One GAN, trained once from its own random numbers.", "run", "runs"),
    (
        "cell",
        "One configuration of everything but the randomness: a combination of the factors' levels.",
        "cell",
        "cells",
    ),
    (
        "replicate",
        f"{_described('rep')} So any two cells can be compared pair by pair.",
        "replicate",
        "replicates",
        "paired by replicate",
    ),
    ("n", "The number of runs that a number is taken over.", "n ="),
    (
        "95 % interval",
        "Where the true share or mean may lie: in brackets behind an estimate. Intervals made this way hold the true "
        "value in 95 of 100 studies. They count replicates, and never the records of a run.",
        "interval",
        "intervals",
    ),
    (
        "Monte-Carlo error",
        "The standard error of a number from the number of replicates: behind ±. Four times as many replicates halve "
        "it.",
        "Monte-Carlo error",
        "Monte-Carlo standard error",
        "MCSE",
    ),
    ("percentage points", "From 20 % to 25 % is 5 percentage points.", "percentage points"),
    ("G", "The generator: the network that makes fakes out of noise.", "generator", "generators"),
    ("D", "The discriminator: the network that is to tell real samples from fakes.", "discriminator", "discriminators"),
    (
        "regime",
        "How a run ended, in two words: what G did, then what D did. Runs that are no longer finite have one of their "
        "own.",
        "regime",
        "regimes",
    ),
    (
        "record",
        "One measurement of a run at one step of training, on held-out samples that were not trained on.",
        "record",
        "records",
    ),
    ("fakes", "What the generator makes.", "fakes", "fake"),
    ("target", "The distribution that the generator is to learn.", "target"),
)
_MEASURED: tuple[tuple[str, ...], ...] = (
    (
        "Wasserstein-1 distance",
        f"{_described('w1')[:-1]}: how far the mass of one has to be moved to make the other, on average. In standard "
        "deviations of the target; 0 if they agree.",
        "Wasserstein-1 distance",
        "Wasserstein-1",
        "W1",
    ),
    (
        "Kolmogorov-Smirnov distance",
        f"{_described('ks')[:-1]}: the largest difference of their distribution functions.",
        "Kolmogorov-Smirnov distance",
        "Kolmogorov-Smirnov",
    ),
)


def _of_d(name: str, probability: bool) -> tuple[str, ...]:
    if name == "auc":
        return ("AUC", f"{_described('auc')[:-1]}: 1/2 if it cannot tell them apart.", "AUC")
    if not probability:
        return ()
    v = "E log D(x) + E log(1 - D(G(z))): what D is to raise and G to lower, in nats. 0 is a perfect D, -log 4 one that"
    return ("V(D, G)", f"{v} says 1/2 of everything; an inverted D has less.", "V(D, G)", "V")
