"""The page's line to the engine: what it asks arrives as JSON, what it is shown goes out as bytes."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from gansim.errors import ConfigError
from gansim.live.asking import Asks, ask
from gansim.live.engine import Engine
from gansim.live.frames import encode
from gansim.live.request import Request

__all__ = ["watch"]


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
        await socket.send_bytes(encode({"kind": "failed", "generation": 0, "message": str(error)}))
        await socket.close(1013)  # "try again later": the page does not, by itself
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
