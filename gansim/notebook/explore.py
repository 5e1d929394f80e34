"""The explorer's training view in a notebook: the same page, another line to the engine."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from gansim.errors import ConfigError
from gansim.live.asking import ask
from gansim.live.controls import controls
from gansim.live.engine import Engine
from gansim.live.request import Request
from gansim.model.fields import Integer, OrNone, Real, check_named
from gansim.model.gan import GAN
from gansim.model.paths import to_dict
from gansim.pages import bundle

if TYPE_CHECKING:
    from anywidget import AnyWidget

__all__ = ["explore"]

_PACE = OrNone(Real(0.1, 3600.0))
_SEED = Integer(0, 2**53 - 1)  # a page's numbers are float64
_ENGINE = Engine()  # one a process: cells of a notebook take turns


def explore(*gans: GAN, n: int = 256, seed: int = 0, pace: float | None = 15) -> AnyWidget:
    """Train GANs in a notebook while you look: shares with intervals, every GAN as a point, one of them closely.

    Parameters
    ----------
    *gans : GAN
        One to three configurations, side by side on common random numbers; without any a normal target.
    n : int, default 256
        GANs of each, 16 to 4,096.
    seed : int, default 0
        Seed, 0 to 2^53 - 1: with the same one a study has the same runs, bit for bit.
    pace : float or None, default 15
        Seconds in which all of training is shown, 0.1 to 3,600; None: as fast as it goes. It can be changed there.

    Returns
    -------
    widget
        For the end of a cell; its controls change what is trained. It is alive as long as the kernel: what is exported
        as HTML holds nothing of it (`gansim.player` does).

    Raises
    ------
    ConfigError
        If something is refused, or what widgets are made of is not installed: the extra "notebook".
    """
    try:
        from anywidget import AnyWidget  # noqa: F401 - asked for before anything is checked that would be for nothing
    except ModuleNotFoundError as error:
        wanted = f'{error.name} is not installed: pip install "gansim[notebook]"; gansim explore needs no notebook'
        raise ConfigError(f"explore: {wanted}") from None
    check_named("seed", seed, _SEED)
    Request(gans or (GAN(target={"kind": "normal"}),), n, seed)  # type: ignore[arg-type]
    start: dict[str, Any] = {"n": n, "seed": seed, "pace": check_named("pace", pace, _PACE)}
    if gans:
        start["configurations"] = [to_dict(gan) for gan in gans]
    return _widget(start, gans)


def _widget(start: dict[str, Any], gans: tuple[GAN, ...]) -> AnyWidget:
    from anywidget import AnyWidget
    from traitlets import Unicode

    class Explorer(AnyWidget):
        """The widget: JSON from its page, bytes to it."""

        _esm = bundle.script("widget.js") + "\nexport default { render };\n"
        _css = bundle.style("theme.css", "explore.css")
        about = Unicode(bundle.json_text({**controls(), "start": start})).tag(sync=True)

        def __init__(self) -> None:
            super().__init__()
            self.gans = gans  # observed values and games of one's own are known as long as somebody holds them
            self._session: Any = None
            self._turn = threading.Lock()
            self.on_msg(self._hear)

        def _hear(self, _: object, said: dict[str, Any], buffers: object) -> None:
            if said.get("do") == "leave":
                self._leave()
                return
            with self._turn:
                if self._session is None:
                    self._session = _ENGINE.session(self._deliver)
            if answer := ask(self._session, json.dumps(said)):
                self._deliver(answer)

        def _deliver(self, message: bytes) -> None:
            self.send({}, buffers=[message])

        def _leave(self) -> None:
            with self._turn:
                session, self._session = self._session, None
            if session is not None:
                session.close()

        def close(self) -> None:
            """Nobody looks any more."""
            self._leave()
            super().close()

    return Explorer()
