"""What runs were made with, in words that travel with their frame: for captions of tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gansim.design.in_words import vectors as vectors_in_words
from gansim.design.in_words import wording
from gansim.design.in_words.words import level_of
from gansim.design.regimes import D_STATES, G_STATES, Thresholds
from gansim.model.data.distributions import Mixture
from gansim.model.games import is_probability
from gansim.model.gan import GAN
from gansim.model.parametric import ParametricGame

if TYPE_CHECKING:
    import pandas as pd

    from gansim.design.description import Description

__all__ = ["KEY", "definitions", "facts", "meanings", "sentence", "study_of"]

KEY = "gansim"
"""Where the facts lie in the `attrs` of a frame of runs."""


def facts(study: Description, thresholds: Thresholds | None = None) -> dict[str, Any]:
    """Return what a caption says of a study, as plain data: of each design the target, the data and the steps.

    Parameters
    ----------
    study : Description
        The study.
    thresholds : Thresholds, optional
        By which its runs are labelled.
    """
    designs = {}
    for design in study.designs:
        if of := [cell.gan for cell in design.cells if isinstance(cell.gan, ParametricGame)]:
            designs[design.name] = _of_vectors(of)
            continue
        gans = [cell.gan for cell in design.cells if isinstance(cell.gan, GAN)]
        targets = list({id(gan.target): gan.target for gan in gans}.values())
        designs[design.name] = {
            "target": _few(wording.law(target) for target in targets),
            "data": wording.data(*gans),
            "steps": wording.either(gan.steps for gan in gans),
            "mixture": any(isinstance(target, Mixture) for target in targets),
            "probability": sorted({is_probability(gan.game) for gan in gans}),
        }
    return {"study": study.name, "thresholds": asdict(thresholds or Thresholds()), "designs": designs}


def _of_vectors(games: Sequence[ParametricGame]) -> dict[str, Any]:
    drawn = any(map(vectors_in_words.is_random, games))
    told = _few(vectors_in_words.game(one.game) for one in games)
    return {
        "target": "",
        "data": told if drawn else f"{told}; nothing is drawn, so replicates are the same",
        "steps": wording.either(one.steps for one in games),
        "mixture": False,
        "probability": [],
    }


def _few(texts: Iterable[str]) -> str:
    """Up to three different texts; of more, how many."""
    found = list(dict.fromkeys(texts))
    return " or ".join(found) if len(found) <= 3 else f"one of {len(found):,}, such as {found[0]}"


def study_of(runs: pd.DataFrame) -> str:
    """Return the name of the study that runs are of, or nothing where the frame does not say."""
    return str(runs.attrs.get(KEY, {}).get("study", ""))


def sentence(runs: pd.DataFrame) -> str:
    """Say which target, data and steps runs were made with; nothing where the frame does not say.

    Parameters
    ----------
    runs : DataFrame
        The runs, or some of them.

    Examples
    --------
    >>> import pandas as pd
    >>> of = {"target": "N(500, 5²)", "data": "fresh draws, raw", "steps": "2,000", "mixture": False}
    >>> runs = pd.DataFrame({"design": ["rates"]})
    >>> runs.attrs[KEY] = {"study": "rates", "designs": {"rates": of}}
    >>> sentence(runs)
    'Target N(500, 5²); fresh draws, raw; 2,000 training steps.'
    """
    designs = _designs(runs)
    if not designs:
        return ""
    target, data, steps = (_few(str(design[name]) for design in designs) for name in ("target", "data", "steps"))
    return f"{f'Target {target}; ' if target else ''}{data}; {steps} training steps."


def _designs(runs: pd.DataFrame) -> list[Mapping[str, Any]]:
    known: Mapping[str, Any] = runs.attrs.get(KEY, {}).get("designs", {})
    present = set(runs["design"].unique()) if "design" in runs else set(known)
    return [facts for name, facts in known.items() if name in present]


def definitions(runs: pd.DataFrame, label: str, states: Iterable[Any]) -> str:
    """Say what states of G or D, or regimes, mean, by the thresholds that label these runs.

    Parameters
    ----------
    runs : DataFrame
        The runs, or a table made of them.
    label : {"g_state", "d_state", "regime"}
        Whose states.
    states : iterable of str
        The states.

    Returns
    -------
    str
        A sentence, or nothing where the label is another or the frame does not say by which thresholds.
    """
    limits = runs.attrs.get(KEY, {}).get("thresholds")
    if not limits or label not in ("g_state", "d_state", "regime"):
        return ""
    meant = meanings(limits, _designs(runs))
    pairs = list(_players(label, map(str, states)))
    known = [(of, state) for of, state in sorted(dict.fromkeys(pairs), key=_order) if state in meant[of]]
    phrases = [f"{level_of(of, state)}: {meant[of][state]}" for of, state in known]
    if not phrases:
        return ""
    said, players = "; ".join(phrases), {of for of, state in pairs if state != "non-finite"}
    how = [("g_state", "medians of G's distances"), ("d_state", "means of D's")]
    over = " and ".join(words for of, words in how if of in players)
    window = f" Judged by {over} over the last {100 * limits['window']:g} % of a run's records." if over else ""
    return f"{said[0].upper()}{said[1:]}.{window}"


def meanings(limits: Mapping[str, float], designs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Say what every state of G and of D means.

    Parameters
    ----------
    limits : mapping
        The thresholds.
    designs : iterable of mapping
        What `facts` says of the designs whose runs they label.

    Returns
    -------
    dict
        Under g_state and d_state the phrases by state.
    """
    known = list(designs)
    kinds = {kind for design in known for kind in design.get("probability", [True])}
    if not kinds:
        return _by_distance(limits)
    return {"g_state": _g(limits, any(design["mixture"] for design in known)), "d_state": _d(limits, kinds)}


def _by_distance(limits: Mapping[str, float]) -> dict[str, dict[str, str]]:
    """States of games of two vectors."""
    near = f"within {limits['off']:g} of where it ought to end"
    return {"g_state": {**_g(limits, False), "converged": near}, "d_state": {**_OF_BOTH, "idle": f"{near} on average"}}


def _players(label: str, states: Iterable[str]) -> Iterator[tuple[str, str]]:
    for state in states:
        if label != "regime":
            yield label, state
        else:
            yield from zip(("g_state", "d_state"), state.split(", "), strict=False)


def _order(pair: tuple[str, str]) -> tuple[bool, int]:
    of, state = pair
    return of == "d_state", (D_STATES if of == "d_state" else G_STATES).index(state)


def _g(limits: Mapping[str, float], mixture: bool) -> dict[str, str]:
    near = f"Wasserstein-1 distance at most {limits['w1']:g} of the target's standard deviation"
    near += f", Kolmogorov-Smirnov at most {limits['ks']:g}"
    if mixture:
        near += f", every mode captured, shares off by at most {limits['tv_modes']:g}"
        near += f" and places within modes by {limits['ks_modes']:g}"
    narrowest = "the target's narrowest mode" if mixture else "the target"
    return {
        "converged": near,
        "modes dropped": "some modes captured, and fewer than the target's own samples capture",
        "collapsed": f"spread at most {limits['spread']:g} of that of {narrowest}",
        "off target": "finite and none of the others",
        "non-finite": "a parameter or a measurement is no longer finite",
    }


def _d(limits: Mapping[str, float], kinds: Collection[bool]) -> dict[str, str]:
    """Of a D that is a probability, of one that is not, or of both."""
    if True not in kinds:
        return _d_by_ranking(limits)
    high, low = f"{limits['perfect_hi']:g}", f"{limits['perfect_lo']:g}"
    meant = {
        "perfect": f"mean of D at least {high} on real and at most {low} on fake",
        "inverted": f"at most {low} on real and at least {high} on fake",
        "idle": f"within {limits['idle']:g} of 1/2 on average, on both",
    }
    if False in kinds:
        ranked = _d_by_ranking(limits)
        meant = {state: f"{text}, or where D is no probability {ranked[state]}" for state, text in meant.items()}
    return {**meant, **_OF_BOTH}


def _d_by_ranking(limits: Mapping[str, float]) -> dict[str, str]:
    own = asdict(Thresholds()) | dict(limits)  # those of results from before these games have none
    return {
        "perfect": f"AUC at least {own['auc_perfect']:g}",
        "inverted": f"AUC at most {1 - own['auc_perfect']:g}",
        "idle": f"AUC within {own['auc_idle']:g} of 1/2 on average",
        **_OF_BOTH,
    }


_OF_BOTH = {
    "mixed": "finite and none of the others",
    "non-finite": "a parameter or a measurement is no longer finite",
}
