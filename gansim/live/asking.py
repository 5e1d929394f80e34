"""What a page says, done: JSON in, an answer as bytes out; the same for every line between a page and the engine."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from gansim.errors import ConfigError
from gansim.live.frames import encode
from gansim.live.request import Request
from gansim.live.session import Session
from gansim.live.texts import as_python, as_toml
from gansim.model.data.values import checked_values
from gansim.model.fields import Check, Integer, OrNone, Real, boolean, check_named

__all__ = ["Asks", "ask"]

_HOW: dict[str, Check] = {
    "playing": boolean,
    "pace": OrNone(Real(0.1, 3600.0)),
    "steps": Integer(0, 10**8),
    "rep": Integer(0, 4095),
}
_GENERATION = Integer(0, 2**53)

Asks = Callable[[Mapping[str, Any]], Request]
"""Makes a request of what a page asks for."""


def ask(session: Session, text: str, asks: Asks = Request.of) -> bytes | None:
    """Do what a page says.

    Parameters
    ----------
    session : Session
        The page's.
    text : str
        JSON: "do" is "keep" (with "values": numbers that are named by their digest from then on), "configure" (with
        "generation", "configurations", "n", "seed"), "change" (with "playing", "pace", "steps", "rep"), "drawn", or
        "texts" (with what "configure" has).
    asks : callable
        Makes a request of what the page asks for.

    Returns
    -------
    bytes or None
        An answer: "accepted", or "refused" with one line; "texts", the request as Python and as TOML.
    """
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return encode({"kind": "refused", "generation": 0, "message": "message: no JSON object"})
    if said.get("do") == "drawn":
        session.acknowledge()
        return None
    try:
        return _done(session, said, asks)
    except ConfigError as error:
        told = {"of": said.get("do"), "generation": said.get("generation", 0), "message": str(error)}
        return encode({"kind": "refused", **told})
    except Exception as error:  # a defect: the page is told, and goes on
        logging.getLogger("gansim").exception("a message could not be answered")
        return encode({"kind": "failed", "generation": 0, "message": f"{type(error).__name__}: {error}"})


def _done(session: Session, said: Mapping[str, Any], asks: Asks) -> bytes | None:
    """Do what a message asks for, and answer it.

    Raises
    ------
    ConfigError
        If it is refused.
    """
    generation = check_named("generation", said.get("generation", 0), _GENERATION)
    if said.get("do") == "keep":
        values = check_named("values", said.get("values"), checked_values)
        session.keep(values)
        return (
            None if said.get("again") else encode({"kind": "kept", "generation": generation, "digest": values.digest})
        )
    how = {name: check_named(name, said[name], check) for name, check in _HOW.items() if name in said}
    if said.get("do") == "change":
        session.change(**how)
        return None
    request = asks(said)
    if said.get("do") == "texts":
        texts = {"python": as_python(request), "toml": as_toml(request)}
        return encode({"kind": "texts", "generation": generation, **texts})
    session.configure(request, generation, **how)
    return encode({"kind": "accepted", "generation": generation})
