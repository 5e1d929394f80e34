"""A run as it is recorded: plain data that a page plays, without Python and without training again.

A recording is a dict that JSON can hold. Numbers over training are lists, None where there is no value; what has a
number for each point of an axis at each frame is bytes, see `packed`: 81 frames take 65 to 120 kB as text.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.design.in_words.wording import brief
from gansim.design.in_words.words import level_of
from gansim.design.regimes import Thresholds
from gansim.engine.history import History
from gansim.model.data import laws
from gansim.model.data.distributions import moments
from gansim.showing.runs import ShownRun, end_of
from gansim.showing.views import View, shared_view

__all__ = ["FORMAT", "packed", "record", "unpacked"]

FORMAT = 1
"""Raised when what is in a recording changes its meaning."""
_SERIES = ("v", "v_max", "w1", "g_mean", "g_std", "d_real", "d_fake", "auc")
_EVEN, _NEAR = 121, 61  # points at which D is kept: evenly over the axis, and where the target is
_STEPS = 2**16 - 2  # of heights and of D: with a byte's 254 a flat D is a staircase
Array = NDArray[Any]


def record(
    run: History, thresholds: Thresholds | None = None, which: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Record a run of data on the line.

    Parameters
    ----------
    run : History
        The run, as `gansim.showing.runs.watch` trains it.
    thresholds : Thresholds, optional
        Definitions of its label.
    which : mapping, optional
        What else tells which run it is, plain data: study, design, cell in words. Replicate, seed and configuration are
        told in any case.

    Returns
    -------
    dict
        - format, which: `FORMAT`; who it is
        - regime, g_state, d_state, words: its label
        - steps, ended, decided: training steps of the run; the last step at which it is finite and the step of the
          record at which it is not, or None; between which steps the records lie that decide the label, or None
        - probability, output: whether D is the probability that a sample is real; what it is called
        - frames: the steps that are shown
        - view: x and y of the target's outline, the fakes' bin edges, the points x of D, the target's peak and the top
          of the scale of density
        - heights, d: at each frame the density of the fakes in each bin, and D at each point, see `packed`
        - remarks: at each frame what a panel cannot show of the fakes, or ""
        - series: over the records: step, and each measurement that has a value
        - target: its mean and std; limit: of Wasserstein-1, in std, where a run counts as converged
    """
    shown = ShownRun.of(run, thresholds)
    gan, moments_of_target = run.gan, moments(shown.target)
    g_state, d_state = (shown.regime.split(", ") * 2)[:2]
    moving = shown.snapshots(shown.frames)
    fakes = [one.fakes for one in moving]
    view = shared_view(shown.target, fakes)
    top, points = view.top(fakes), _points(shown, view)
    heights = np.array([view.heights(each) for each in fakes]).reshape(len(fakes), len(view.edges) - 1)
    judged = np.array([one.judge(points) for one in moving]).reshape(len(fakes), len(points))
    last = int(shown.steps[-1]) if len(shown.steps) else 0
    series = {name: shown.field(name) for name in _SERIES}
    return {
        "format": FORMAT,
        "which": {**dict(which or {}), "rep": run.rep, "seed": run.seed, "gan": brief(gan)},
        "regime": shown.regime,
        "g_state": g_state,
        "d_state": d_state,
        "words": level_of("regime", shown.regime),
        "steps": gan.steps,
        "ended": [last, end_of(run)] if shown.regime == "non-finite" else None,
        "decided": shown.decided,
        "probability": shown.of_probability,
        "output": shown.output,
        "frames": [one.step for one in moving],
        "view": {
            "outline": [_numbers(side) for side in view.outline],
            "edges": _numbers(view.edges),
            "x": _numbers(points),
            "peak": view.peak,
            "top": top,
        },
        "heights": packed(heights, 0.0, float(heights.max(initial=0.0)) or 1.0, _STEPS),
        "d": packed(judged, 0.0, 1.0, _STEPS),
        "remarks": [view.remark(each, top) for each in fakes],
        "series": {
            "step": shown.steps.tolist(),
            **{name: _numbers(values) for name, values in series.items() if np.isfinite(values).any()},
        },
        "target": {"mean": moments_of_target[0], "std": moments_of_target[1]},
        "limit": shown.limit,
    }


def _points(shown: ShownRun, view: View) -> Array:
    """Where D is kept: evenly, and more closely where the target is, which may be narrow on the axis."""
    near = laws.quantile(shown.target, np.linspace(0.001, 0.999, _NEAR))
    low, high = view.ends
    return np.unique(np.concatenate([np.linspace(low, high, _EVEN), near[(near > low) & (near < high)]]))


def _numbers(values: Array) -> list[float | None]:
    """To seven digits, as float32 has; None where there is no number."""
    return [float(f"{x:.7g}") if np.isfinite(x) else None for x in np.asarray(values, np.float64)]


def packed(values: Array, low: float, high: float, steps: int) -> dict[str, Any]:
    """Numbers as bytes.

    Parameters
    ----------
    values : ndarray
        The numbers; those beyond an end are taken for it.
    low, high : float
        What the codes 0 and `steps` stand for, ``low < high``.
    steps : int
        At most 254 for a byte each, at most 65,534 for two. The code after it says that there is no number.

    Returns
    -------
    dict
        bytes (base64, row by row, two bytes with the low one first), bits (8 or 16), low, high, steps, shape.

    Examples
    --------
    >>> packed(np.array([0.0, 1.0, np.nan]), 0, 1, 254)["bytes"]
    'AP7/'
    """
    finite = np.isfinite(values)
    scaled = (np.where(finite, values, low) - low) * (steps / (high - low))
    codes = np.where(finite, np.clip(np.rint(scaled), 0, steps), steps + 1)
    kind = "<u1" if steps < 2**8 - 1 else "<u2"
    return {
        "bytes": base64.b64encode(codes.astype(kind).tobytes()).decode("ascii"),
        "bits": 8 * np.dtype(kind).itemsize,
        "low": low,
        "high": high,
        "steps": steps,
        "shape": list(values.shape),
    }


def unpacked(kept: Mapping[str, Any]) -> Array:
    """Return the numbers that `packed` was given, to the nearest step; NaN where there were none.

    Parameters
    ----------
    kept : mapping
        What it returned.
    """
    codes = np.frombuffer(base64.b64decode(kept["bytes"]), f"<u{kept['bits'] // 8}").reshape(kept["shape"])
    values = kept["low"] + codes * ((kept["high"] - kept["low"]) / kept["steps"])
    return np.where(codes > kept["steps"], np.nan, values)
