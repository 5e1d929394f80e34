"""Columns and levels in words: what tables and captions call what a frame names by a field."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from gansim.design.in_words.glossary import DATA, STD, column_of

__all__ = ["UNITS", "heading", "level", "level_of", "outcome"]

# Words, and the unit where there is one. SD: of the target.
# Columns of tables and fields of configurations; those of the runs are in the glossary.
_OTHERS = {
    "mcse": "Monte-Carlo error",
    "sd": "SD of runs",
    "unpaired": "without a partner",
    "difference": "difference, points",
    "mean_difference": "difference",
    "mcnemar_p": "McNemar's p",
    "q05": "5 % of runs below",
    "q25": "25 % of runs below",
    "q75": "75 % of runs below",
    "q95": "95 % of runs below",
    "samples": "sample size",
    "standardise": "standardised",
    "lr": "learning rate",
    "steps": "training steps",
    "n_eval": "held-out samples",
    "d_steps": "updates of D a step",
    "g_steps": "updates of G a step",
    "noise_dim": "dimensions of noise",
    "fixed_noise": "fixed noise",
    "packing": "samples in a pack",
    "input_scale": "scale of inputs",
    "output_scale": "scale of outputs",
    "hidden": "hidden layers",
    "init": "initial weights",
    "std": "standard deviation",
    "beta": "momentum",
    "weight_decay": "weight decay",
    "penalties": "penalties on D",
    "penalties.r1": "R1 penalty",
    "penalties.r2": "R2 penalty",
    "penalties.gradient": "gradient penalty",
    "penalties.target": "norm that the gradient penalty asks for",
    "penalties.one_sided": "gradient penalty one-sided",
    "penalties.clip": "size that D's parameters are cut to",
    "penalties.noise": "noise on what D sees, in its units",
    "penalties.noise_steps": "training steps until the noise on what D sees is gone",
    "penalties.smoothing": "share of a real that counts as fake",
    "penalties.spectral": "D's weights normalised",
    "pretrain": "updates of D alone beforehand",
    "fresh": "fresh batch after looking ahead",
    "lookahead": "lookahead",
    "lookahead.k": "training steps between looking back",
    "lookahead.alpha": "share of the way kept on looking back",
    "average": "average of G",
    "average.beta": "decay of G's average",
    "adjustment": "adjustment of gradients",
    "adjustment.gamma": "weight of consensus",
    "adjustment.strength": "weight of the symplectic adjustment",
    "adjustment.align": "symplectic adjustment aligned",
    "adjustment.k": "unrolled steps of D",
    "adjustment.lr": "learning rate of D's unrolled steps",
    "adjustment.second_order": "gradient through D's unrolled steps",
    "decay": "decay of learning rates",
    "decay.shape": "decay of learning rates",
    "decay.to": "share of learning rates left at the end",
    "start_g": "start of G",
    "start_d": "start of D",
    "ordered": "starts of D in order",
    "clip": "size that D's parameters are cut to",
    "game.loss": "losses",
    "game.r1": "R1 penalty",
    "game.pull": "gradient penalty",
    "game.target": "slope that the gradient penalty asks for",
    "game.noise": "noise on what D sees",
    "game.consensus": "weight of consensus",
    "game.share": "share of consensus through the slope",
    "game.n": "parameters of a player",
    "game.mean": "mean of the data",
    "game.other": "mean of the data's other half",
    "game.penalty": "gradient penalty",
    "game.samples": "drawn samples",
    "game.best": "best D",
}
_UNITS = {STD: "SD", DATA: "data units", "nats": "nats", "steps": "steps"}  # others are in the words
UNITS = {"SD": "SD: standard deviations of the target", "nats": "nats: of the natural logarithm"}
"""What the units that need it mean."""
_LEVELS = {"leaky_relu": "leaky ReLU", "relu": "ReLU", "elu": "ELU", "sgd": "SGD", "rmsprop": "RMSProp", "adam": "Adam"}
_LEVELS |= {"nesterov": "Nesterov", "optimistic-adam": "optimistic Adam", "symplectic": "symplectic adjustment"}
_LEVELS |= {"unrolled": "unrolled D"}
_THRESHOLDS = {
    "w1": "Wasserstein-1",
    "ks": "Kolmogorov-Smirnov",
    "ks_never": "Kolmogorov-Smirnov never above",
    "tv_modes": "modes' shares off by",
    "ks_modes": "places within modes off by",
    "perfect_hi": "perfect D, high",
    "perfect_lo": "perfect D, low",
    "idle": "idle D",
    "auc_perfect": "perfect D, AUC",
    "auc_idle": "idle D, AUC",
    "off": "distance from where a player ought to end",
}
_OWNERS = {
    "optimizer_g": "of G",
    "optimizer_d": "of D",
    "generator": "of G",
    "discriminator": "of D",
    "target": "of the target",
    "noise": "of the noise",
    "referee": "of the referee",
}
_WHOLE = {"optimizer_g": "optimiser of G", "optimizer_d": "optimiser of D"}


def heading(name: str, unit: bool = True) -> str:
    """Return a column's name in words, with its unit.

    Parameters
    ----------
    name : str
        A column of a frame of runs or of a table, a path of a configuration, or a factor of the caller's.
    unit : bool, default True
        Whether its unit is said.

    Examples
    --------
    >>> heading("w1"), heading("optimizer_g.lr"), heading("width_ratio")
    ('Wasserstein-1 distance, SD', 'learning rate of G', 'width ratio')
    """
    if (column := column_of(name)) is not None:
        return f"{column.heading}, {_UNITS[column.unit]}" if unit and column.unit in _UNITS else column.heading
    if name in _OTHERS:
        return _OTHERS[name]
    if name in _WHOLE:
        return _WHOLE[name]
    owner, _, field = name.partition(".")
    if field and owner in _OWNERS:
        more = "'s optimiser" if owner in _WHOLE and field != "lr" else ""
        return f"{heading(field, unit)} {_OWNERS[owner]}{more}"
    return re.sub("[_.]+", " ", name).strip() or name


def level(value: str) -> str:
    """Return a level that is text in words: a name of gansim's as it is written in print, any other as it is.

    Parameters
    ----------
    value : str
        The level.

    Examples
    --------
    >>> level("leaky_relu"), level("non-saturating")
    ('leaky ReLU', 'non-saturating')
    """
    return _LEVELS.get(value, value)


def level_of(name: str, value: Any) -> str:
    """Return a level of a label, saying of which player where the level alone does not; moved thresholds in words.

    Parameters
    ----------
    name : str
        The label: g_state, d_state, regime, thresholds or another column.
    value : object
        Its level.

    Examples
    --------
    >>> level_of("regime", "converged, idle"), level_of("d_state", "idle"), level_of("g_state", "collapsed")
    ('G converged, D idle', 'D idle', 'collapsed')
    """
    text = level(str(value))
    if name == "regime" and ", " in text:
        g, d = text.split(", ", 1)
        return f"G {g}, D {d}"
    if name == "thresholds":
        moved = (one.partition(" = ") for one in text.split(", "))
        return ", ".join(f"{_THRESHOLDS.get(field, field)}{sign}{limit}" for field, sign, limit in moved)
    return f"D {text}" if name == "d_state" and text != "non-finite" else text


def outcome(name: str, value: Any) -> str:
    """Return what became of a run: a level of a label, with its player, of yes and no, or of any other column.

    Parameters
    ----------
    name : str
        The column.
    value : object
        Its level.

    Examples
    --------
    >>> outcome("regime", "off target, idle"), outcome("g_state", "converged"), outcome("left", False)
    ('G off target and D idle', 'G converged', 'not left')
    """
    if name in ("g_state", "d_state", "regime") and value == "non-finite":
        return "non-finite"
    if name in ("regime", "d_state"):
        return level_of(name, value).replace(", ", " and ")
    if name == "g_state":
        return f"G {value}"
    if isinstance(value, (bool, np.bool_)):
        return name if value else f"not {name}"
    return f"{name} = {value}"
