"""The page's line to the engine: what it asks arrives as JSON, what it is shown goes out as bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from gansim.errors import ConfigError
from gansim.live.engine import Engine
from gansim.live.frames import encode
from gansim.live.request import Request
from gansim.live.session import Session
from gansim.live.texts import as_python, as_toml
from gansim.model.fields import Check, Integer, OrNone, Real, boolean, check_named

__all__ = ["Asks", "ask", "watch"]

_PACE = OrNone(Real(0.1, 3600.0))
_HOW: dict[str, Check] = {
    "playing": boolean,
    "pace": _PACE,
    "steps": Integer(0, 10**8),
    "rep": Integer(0, 4095),
}
_GENERATION = Integer(0, 2**53)

Asks = Callable[[Mapping[str, Any]], Request]
"""Makes a request of what a page asks for."""


async def watch(socket: WebSocket, engine: Engine, asks: Asks = Request.of) -> None:
    """Serve one page until it is closed.

    Parameters
    ----------
    socket : WebSocket
        Not accepted yet.
    engine : Engine
        Who trains.
    asks : callable
        Makes a request of what the page asks for.
    """
    await socket.accept()
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def deliver(message: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the page
            loop.call_soon_threadsafe(waiting.put_nowait, message)

    try:
        session = engine.session(deliver)
    except ConfigError as error:
        await socket.send_bytes(encode({"kind": "refused", "generation": 0, "message": str(error)}))
        await socket.close()
        return
    sender = asyncio.create_task(_send_all(socket, waiting))
    try:
        async for text in socket.iter_text():
            if answer := await run_in_threadpool(ask, session, text, asks):
                deliver(answer)
    except (WebSocketDisconnect, RuntimeError, KeyError):
        pass  # the page is closed, while something is on its way to it or not; or it sent bytes where text is expected
    finally:
        session.close()
        sender.cancel()


async def _send_all(socket: WebSocket, waiting: asyncio.Queue[bytes]) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it is closed while something is on its way
        while True:
            await socket.send_bytes(await waiting.get())


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
