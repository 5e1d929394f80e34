"""Runs that play: in a notebook, in a page of documentation, in a file of their own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from gansim.design.in_words.words import level_of
from gansim.design.regimes import Thresholds
from gansim.engine.history import History
from gansim.errors import ConfigError, shown
from gansim.model.fields import check_integer
from gansim.model.gan import GAN
from gansim.model.seeds import check_rep, check_seed
from gansim.pages import bundle
from gansim.pages.filling import render
from gansim.reporting.run_figure import check_one_dimension
from gansim.showing.recordings import record
from gansim.showing.runs import FRAMES, watch
from gansim.storage import disk

__all__ = ["Player", "player"]

_MOST = 12  # runs: some 50 kB each


def player(
    gan: GAN | History,
    reps: int | Iterable[int] = 1,
    seed: int = 0,
    *,
    frames: int = FRAMES,
    thresholds: Thresholds | None = None,
    title: str = "",
) -> Player:
    """Train runs again, and return them as something that plays in a browser.

    Parameters
    ----------
    gan : GAN or History
        The configuration, whose runs are trained again, bit for bit; or one run that
        `gansim.engine.history.history` gave.
    reps : int or iterable of int, default 1
        So many replicates from 0 on, or their numbers; 12 at most. Not read of a `History`, as `seed` and `frames` are
        not.
    seed : int, default 0
        Seed of the study.
    frames : int, default 81
        At how many steps each run is shown, 2 to 1,000: evenly, up to the end of training or to where it is no longer
        finite.
    thresholds : Thresholds, optional
        Definitions of the labels.
    title : str, optional
        Of the page that `Player.save` writes.

    Returns
    -------
    Player
        A notebook shows it, and keeps it where it is exported as HTML; ``save`` writes it as a page. Densities of
        target and fakes, D(x), V over training, and mean and spread of the fakes, with play, pause, a slider and keys.

    Raises
    ------
    ConfigError
        If an argument is refused, before anything is trained.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> gan = GAN(target=Normal(500, 5), standardise=True, steps=50, records=10)
    >>> player(gan, reps=2)
    Player(2 runs: G off target, D idle; G off target, D mixed)
    """
    check_one_dimension(gan)
    check_integer(frames, "frames", 2, 1000)
    if not (thresholds is None or isinstance(thresholds, Thresholds)):
        raise ConfigError(f"thresholds: value {shown(thresholds)}: a Thresholds, or None")
    if not isinstance(title, str):
        raise ConfigError(f"title: value {shown(title)}: a text")
    if isinstance(gan, History):
        return Player([record(gan, thresholds)], title)
    numbers, seed = _replicates(reps), check_seed(seed)
    return Player([record(watch(gan, rep, seed, frames), thresholds) for rep in numbers], title)


def _replicates(reps: object) -> list[int]:
    """Which replicates are meant."""
    allowed = f"a number of replicates from 1 to {_MOST}, or up to {_MOST} of their numbers"
    if isinstance(reps, (int, np.integer)):
        return list(range(check_integer(reps, "reps", 1, _MOST)))
    if isinstance(reps, (str, bytes)) or not isinstance(reps, Iterable):
        raise ConfigError(f"reps: value {shown(reps)}: {allowed}")
    found = list(reps)
    if not 1 <= len(found) <= _MOST:
        raise ConfigError(f"reps: {len(found)} of them: {allowed}")
    return [check_rep(one) for one in found]


class Player:
    """Recorded runs, as `player` makes them.

    Parameters
    ----------
    recordings : sequence of dict
        As `gansim.showing.recordings.record` makes them.
    title : str, optional
        What the page is called.

    Attributes
    ----------
    recordings : list of dict
        The same.
    """

    def __init__(self, recordings: Sequence[dict[str, Any]], title: str = "") -> None:
        self.recordings = list(recordings)
        self._title = title

    def __repr__(self) -> str:
        n = len(self.recordings)
        ended = "; ".join(level_of("regime", one["regime"]) for one in self.recordings)
        return f"Player({n} run{'' if n == 1 else 's'}: {ended})"

    def _repr_html_(self) -> str:
        return self.fragment()

    def fragment(self) -> str:
        """HTML to stand within another page, which needs nothing beside it: its style keeps to itself."""
        style, script = bundle.style("theme.css", "player.css"), bundle.script("playing.js")
        return (
            f'<div class="gansim"><style>{style}</style>{self._runs()}<script>(() => {{\n{script}}})();</script></div>'
        )

    def html(self) -> str:
        """A page of its own, which asks nothing of any network."""
        style, script = bundle.style("theme.css", "player.css"), f"\n{bundle.script('playing.js')}\n"
        title = self._title or ("A recorded run" if len(self.recordings) == 1 else "Recorded runs")
        return render(
            "player.html.jinja",
            policy=bundle.policy(script, style),
            title=title,
            style=Markup(style),
            script=Markup(script),
            runs=self._runs(),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page.

        Parameters
        ----------
        path : path
            A file, such as "run.html"; an earlier one is replaced.

        Returns
        -------
        Path
            The same.

        Raises
        ------
        ConfigError
            If it cannot be written.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise ConfigError(f"path: value {shown(path)}: a file, such as 'run.html'")
        try:
            disk.write_text(path, self.html())
        except (OSError, ValueError) as error:
            raise ConfigError(f"path: value {shown(str(path))}: cannot be written ({error}): choose another") from None
        return Path(path)

    def _runs(self) -> Markup:
        runs = [
            {
                "name": f"Replicate {one['which']['rep']}, seed {one['which']['seed']}: {one['words']}",
                "gan": one["which"]["gan"],
                "recording": Markup(bundle.json_text(one)),
            }
            for one in self.recordings
        ]
        return Markup(render("runs.html.jinja", runs=runs))
