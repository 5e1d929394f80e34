"""What a page says, done: JSON in, an answer as bytes out; the same for every line between a page and the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from gansim.errors import ConfigError
from gansim.live.frames import encode
from gansim.live.request import Request
from gansim.live.session import Session
from gansim.live.texts import as_python, as_toml
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
        JSON: "do" is "configure" (with "generation", "configurations", "n", "seed"), "change" (with "playing", "pace",
        "steps", "rep"), "drawn", or "texts" (with what "configure" has).
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
    generation = said.get("generation", 0)
    try:
        check_named("generation", generation, _GENERATION)
        how = {name: check_named(name, said[name], check) for name, check in _HOW.items() if name in said}
        if said.get("do") == "change":
            session.change(**how)
            return None
        request = asks(said)
    except ConfigError as error:
        return encode({"kind": "refused", "generation": generation, "message": str(error)})
    if said.get("do") == "texts":
        return encode(
            {"kind": "texts", "generation": generation, "python": as_python(request), "toml": as_toml(request)}
        )
    session.configure(request, generation, **how)
    return encode({"kind": "accepted", "generation": generation})
