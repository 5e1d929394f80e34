"""Columns and levels in words: what tables and captions call what a frame names by a field."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["UNITS", "heading", "level", "level_of"]

# Words, and the unit where there is one. SD: of the target.
_COLUMNS: dict[str, tuple[str, str]] = {
    "g_shift": ("mean of fakes minus the target's", "SD"),
    "g_spread": ("standard deviation of fakes", "SD"),
    "w1": ("Wasserstein-1 distance", "SD"),
    "ks": ("Kolmogorov-Smirnov distance", ""),
    "d_real": ("mean D on real", ""),
    "d_fake": ("mean D on fake", ""),
    "d_real_off": ("mean |D - 1/2| on real", ""),
    "d_fake_off": ("mean |D - 1/2| on fake", ""),
    "acc_real": ("accuracy of D on real", ""),
    "acc_fake": ("accuracy of D on fake", ""),
    "auc": ("AUC of D", ""),
    "v": ("V(D, G)", "nats"),
    "v_max": ("greatest V of any D", "nats"),
    "v_train": ("V on the run's own sample", "nats"),
    "grad_g": ("norm of G's gradient", ""),
    "grad_d": ("norm of D's gradient", ""),
    "modes": ("modes captured", ""),
    "modes_missed": ("modes missed", ""),
    "high_quality": ("fakes near a mode", ""),
    "reverse_kl": ("reverse KL of the modes' shares", "nats"),
    "tv_modes": ("total variation of the modes' shares", ""),
    "ks_modes": ("Kolmogorov-Smirnov within modes", ""),
    "finite": ("finite", ""),
    "g_mean": ("mean of fakes", "data units"),
    "g_std": ("standard deviation of fakes", "data units"),
    "g_intercept": ("intercept of G", "data units"),
    "g_slope": ("slope of G", "data units"),
    "sample_mean": ("mean of the sample", "data units"),
    "sample_std": ("standard deviation of the sample", "data units"),
    "referee_accuracy": ("accuracy of the referee", ""),
    "referee_auc": ("AUC of the referee", ""),
    "referee_v": ("V of the referee", "nats"),
    "rep": ("replicate", ""),
    "g_state": ("what G did", ""),
    "d_state": ("what D did", ""),
    "regime": ("what G and D did", ""),
    "left": ("had converged and left", ""),
    "converged_step": ("start of convergence", "steps"),
    "last_step": ("last step at which convergence could begin", "steps"),
    "share_perfect": ("perfect", ""),
    "share_idle": ("idle", ""),
    "share_inverted": ("inverted", ""),
    "share_mixed": ("mixed", ""),
    "share_nonfinite": ("non-finite", ""),
    "mcse": ("Monte-Carlo error", ""),
    "sd": ("SD of runs", ""),
    "unpaired": ("without a partner", ""),
    "difference": ("difference", "points"),
    "mean_difference": ("difference", ""),
    "mcnemar_p": ("McNemar's p", ""),
    "q05": ("5 % of runs below", ""),
    "q25": ("25 % of runs below", ""),
    "q75": ("75 % of runs below", ""),
    "q95": ("95 % of runs below", ""),
    "samples": ("sample size", ""),
    "standardise": ("standardised", ""),
    "lr": ("learning rate", ""),
    "steps": ("training steps", ""),
    "n_eval": ("held-out samples", ""),
    "d_steps": ("updates of D a step", ""),
    "g_steps": ("updates of G a step", ""),
    "noise_dim": ("dimensions of noise", ""),
    "hidden": ("hidden layers", ""),
    "init": ("initial weights", ""),
    "std": ("standard deviation", ""),
    "beta": ("momentum", ""),
}
UNITS = {"SD": "SD: standard deviations of the target", "nats": "nats: of the natural logarithm"}
"""What the units that need it mean."""
_LEVELS = {"leaky_relu": "leaky ReLU", "relu": "ReLU", "elu": "ELU", "sgd": "SGD", "rmsprop": "RMSProp", "adam": "Adam"}
_THRESHOLDS = {
    "w1": "Wasserstein-1",
    "ks": "Kolmogorov-Smirnov",
    "ks_never": "Kolmogorov-Smirnov never above",
    "tv_modes": "modes' shares off by",
    "ks_modes": "places within modes off by",
    "perfect_hi": "perfect D, high",
    "perfect_lo": "perfect D, low",
    "idle": "idle D",
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
    if name in _COLUMNS:
        words, of = _COLUMNS[name]
        return f"{words}, {of}" if of and unit else words
    if name in _WHOLE:
        return _WHOLE[name]
    owner, _, field = name.partition(".")
    if field and owner in _OWNERS:
        return f"{heading(field, unit)} {_OWNERS[owner]}"
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
    ('converged, D idle', 'D idle', 'collapsed')
    """
    text = level(str(value))
    if name == "regime" and ", " in text:
        g, d = text.split(", ", 1)
        return f"{g}, D {d}"
    if name == "thresholds":
        moved = (one.partition(" = ") for one in text.split(", "))
        return ", ".join(f"{_THRESHOLDS.get(field, field)}{sign}{limit}" for field, sign, limit in moved)
    return f"D {text}" if name == "d_state" and text != "non-finite" else text
