"""What runs were made with, in words that travel with their frame: for captions of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gansim.design import wording
from gansim.model.distributions import Mixture

if TYPE_CHECKING:
    import pandas as pd

    from gansim.design.description import Description
    from gansim.design.regimes import Thresholds

__all__ = ["KEY", "definition", "facts", "sentence", "study_of"]

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
    from gansim.design.regimes import Thresholds

    designs = {}
    for design in study.designs:
        gans = [cell.gan for cell in design.cells]
        targets = list({id(gan.target): gan.target for gan in gans}.values())
        designs[design.name] = {
            "target": _few(wording.law(target) for target in targets),
            "data": wording.data(*gans),
            "steps": wording.either(gan.steps for gan in gans),
            "mixture": any(isinstance(target, Mixture) for target in targets),
        }
    return {"study": study.name, "thresholds": asdict(thresholds or Thresholds()), "designs": designs}


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
    return f"Target {target}; {data}; {steps} training steps."


def _designs(runs: pd.DataFrame) -> list[Mapping[str, Any]]:
    known: Mapping[str, Any] = runs.attrs.get(KEY, {}).get("designs", {})
    present = set(runs["design"].unique()) if "design" in runs else set(known)
    return [facts for name, facts in known.items() if name in present]


def definition(runs: pd.DataFrame, label: str, state: str) -> str:
    """Say what a state of G or of D means, by the thresholds that label these runs.

    Parameters
    ----------
    runs : DataFrame
        The runs.
    label : {"g_state", "d_state"}
        Whose state.
    state : str
        The state.

    Returns
    -------
    str
        A phrase, or nothing where the state or the thresholds are unknown.
    """
    limits = runs.attrs.get(KEY, {}).get("thresholds")
    if not limits:
        return ""
    mixture = any(design["mixture"] for design in _designs(runs))
    return (_g(limits, mixture) if label == "g_state" else _d(limits)).get(state, "")


def _g(limits: Mapping[str, float], mixture: bool) -> dict[str, str]:
    near = f"Wasserstein-1 distance at most {limits['w1']:g} of the target's standard deviation (SD)"
    near += f", Kolmogorov-Smirnov at most {limits['ks']:g}"
    if mixture:
        near += f", every mode captured, shares off by at most {limits['tv_modes']:g}"
        near += f" and places within modes by {limits['ks_modes']:g}"
    return {
        "converged": near,
        "modes dropped": "some modes captured, and fewer than the target's own samples capture",
        "collapsed": f"spread at most {limits['spread']:g} of that of the target{chr(39) + 's narrowest mode' if mixture else ''}",
        "off target": "finite and none of the others",
        "non-finite": "a parameter or a measurement is no longer finite",
    }


def _d(limits: Mapping[str, float]) -> dict[str, str]:
    high, low = f"{limits['perfect_hi']:g}", f"{limits['perfect_lo']:g}"
    return {
        "perfect": f"mean of D at least {high} on real and at most {low} on fake",
        "inverted": f"at most {low} on real and at least {high} on fake",
        "idle": f"within {limits['idle']:g} of 1/2 on average, on both",
        "mixed": "finite and none of the others",
        "non-finite": "a parameter or a measurement is no longer finite",
    }
