"""What is seen of an ensemble: shares with intervals at every record, and one of its GANs more closely."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansim.analysis.intervals import wilson
from gansim.analysis.labels import combine
from gansim.design.in_words.setting import meanings
from gansim.design.regimes import D_STATES, G_STATES, REGIMES, Thresholds
from gansim.live.ensemble import Ensemble
from gansim.model.data.distributions import Mixture, evaluation_law, moments
from gansim.model.games import is_probability
from gansim.showing.runs import judge, noise_of
from gansim.showing.views import View, shared_view

__all__ = ["Watched"]

Array = NDArray[Any]

_NEW_VIEW = 0.15  # share of an axis by which its ends must have moved to be drawn anew: else it would tremble
_LOOK_ANEW = 5  # frames between looks at whether they have


class Watched:
    """An ensemble and what a page has been told of it.

    Parameters
    ----------
    ensemble : Ensemble
        The GANs, built.
    stored : ndarray of float32, shape (n, records, fields), optional
        What of these runs is stored, to compare with.

    Attributes
    ----------
    g, d : ndarray of int8, shape (n,)
        What both players of every GAN did at the last record; after the last one, how they ended.
    shares : list of dict
        Of every record so far: step, and for G's states, D's and their pairs the number of GANs and its interval.
    ended : dict or None
        The same of how they ended, once they have.
    bits : bool or None
        Whether all records have the stored bits, once training is done and if some are stored.
    """

    def __init__(self, ensemble: Ensemble, stored: Array | None = None) -> None:
        self.ensemble = ensemble
        n, gan = ensemble.n, ensemble.gan
        self.g = np.full(n, G_STATES.index("off target"), np.int8)
        self.d = np.full(n, D_STATES.index("mixed"), np.int8)
        self.shares: list[dict[str, Any]] = []
        self.ended: dict[str, Any] | None = None
        self.bits: bool | None = None
        self._stored = stored
        self._noise = noise_of(gan)
        self._law = evaluation_law(gan.target)
        self._view: View | None = None
        self._viewed = 0

    def catch_up(self) -> None:
        """Judge the records taken since the last call."""
        whole = self.ensemble
        for record in range(len(self.shares), whole.taken):
            self.g, self.d = whole.states(record)
            self.shares.append({"step": int(whole.records[record]), **_counted(self.g, self.d)})
        if whole.done and self.ended is None:
            self.g, self.d = whole.labels()
            self.ended = {"step": whole.gan.steps, **_counted(self.g, self.d)}
            if self._stored is not None:
                ours, theirs = (np.ascontiguousarray(one, np.float32) for one in (whole.traces.values, self._stored))
                self.bits = ours.shape == theirs.shape and ours.tobytes() == theirs.tobytes()

    def about(self) -> dict[str, Any]:
        """What does not change while it is trained."""
        gan = self.ensemble.gan
        mean, std = moments(self._law)
        window = Thresholds().window_length(gan.records)
        first = self.ensemble.records[-window - 1] if window < gan.records else 0
        return {
            "until": gan.steps,
            "target": [mean, std],
            "probability": is_probability(gan.game),
            "packing": gan.packing,
            "decided": [int(first), gan.steps],
            "meanings": self._meanings(),
            "window": window,
        }

    def _meanings(self) -> dict[str, dict[str, str]]:
        """What every state of G and of D means here."""
        gan = self.ensemble.gan
        kind = {"mixture": isinstance(gan.target, Mixture), "probability": [is_probability(gan.game)]}
        told = meanings(asdict(Thresholds()), [kind])
        return {"g": told["g_state"], "d": told["d_state"]}

    def closely(self, row: int, told: View | None) -> tuple[dict[str, Any], dict[str, Array], View]:
        """One of the GANs: densities, D, and its records so far.

        Parameters
        ----------
        row : int
            Which, counted from 0.
        told : View or None
            The axis that the page has: it is sent again where it changes.

        Returns
        -------
        head : dict
            Numbers and words, for the head of a frame.
        arrays : dict
            The heights of its fakes' histogram, D over the axis, and its records.
        view : View
            The axis of both.
        """
        whole = self.ensemble
        networks = whole.networks(row)
        fakes = networks.generate(self._noise)
        seen = bool(np.isfinite(fakes).all())
        view = self._axis(fakes if seen else None)
        judged = judge(networks, view.x)
        top = view.top([fakes] if seen else [])
        mean, std = (float(fakes.mean()), float(fakes.std())) if seen else (np.nan, np.nan)
        trace = whole.traces.values[row, : whole.taken]
        field = dict(zip(whole.traces.fields, trace.T, strict=True))
        head: dict[str, Any] = {
            "rep": whole.reps[row],
            "g": G_STATES[self.g[row]],
            "d": D_STATES[self.d[row]],
            "place": [mean, std],
            "top": top,
            "note": view.remark(fakes, top) if seen else "not finite",
            **{name: field[name][-1] for name in ("w1", "v", "auc") if len(trace)},
        }
        if view is not told:
            head["view"] = _rounded(view)
        arrays: dict[str, Array] = {
            "heights": view.heights(fakes) if seen else np.full(len(view.edges) - 1, np.nan),
            "judged": judged,
            "steps": whole.records[: whole.taken],
            **{name: field[name] for name in ("v", "v_max", "auc", "w1")},
        }
        return head, arrays, view

    def _axis(self, fakes: Array | None) -> View:
        """The axis for these fakes: that of before, unless its ends would move a good deal."""
        self._viewed += 1
        if self._view is None or self._viewed % _LOOK_ANEW == 0:
            new = shared_view(self._law, [] if fakes is None else [fakes])
            if self._view is None or _moved(self._view, new):
                self._view = new
        return self._view

    def look_anew(self) -> None:
        """Forget the axis: another GAN is looked at."""
        self._view = None


def _rounded(view: View) -> dict[str, Any]:
    """An axis as plain data: its numbers to a 100,000th of its width and height, in half as many bytes."""
    (x, y), wide = view.outline, view.ends[1] - view.ends[0]
    places, heights = (5 - int(np.floor(np.log10(size))) for size in (wide, view.peak))
    across = {"x": view.x, "edges": view.edges}
    told: dict[str, Any] = {name: np.round(values, places) for name, values in across.items()}
    return {**told, "outline": [np.round(x, places), np.round(y, heights)], "peak": view.peak}


def _moved(old: View, new: View) -> bool:
    wide = old.ends[1] - old.ends[0]
    return any(abs(before - after) > _NEW_VIEW * wide for before, after in zip(old.ends, new.ends, strict=True))


def _counted(g: NDArray[np.int8], d: NDArray[np.int8]) -> dict[str, Any]:
    """How many GANs are in each state of G, of D and of both, each with its share and 95 % interval (Wilson 1927)."""
    told = {}
    for name, codes, levels in (("g", g, G_STATES), ("d", d, D_STATES), ("pairs", combine(g, d), REGIMES)):
        counts = np.bincount(codes, minlength=len(levels))
        low, high = wilson(counts, len(codes))
        told[name] = [[int(k), k / len(codes), a, b] for k, a, b in zip(counts, low, high, strict=True)]
    return told
