"""The server: one page, its scripts, its line to the engine; on 127.0.0.1 alone."""

from __future__ import annotations

import contextlib
import socket
import webbrowser
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gansim.errors import ConfigError
from gansim.explorer.guard import Guard, Keys
from gansim.explorer.sockets import watch
from gansim.live.controls import controls
from gansim.live.engine import Engine
from gansim.pages import bundle

__all__ = ["Explorer", "serve"]

HOST = "127.0.0.1"
PORT = 8750
_MODULES = ("address", "controls", "drawing", "elements", "enter", "explore", "frames", "panels", "train")
_LARGEST = 2**26  # bytes of a message from a page: four million observed values


class Explorer:
    """What is served, and to whom.

    Parameters
    ----------
    port : int
        Where.

    Attributes
    ----------
    app : Starlette
        The application.
    address : str
        What to open: it holds the token.
    engine : Engine
        Who trains.
    """

    def __init__(self, port: int) -> None:
        self.keys, self.engine = Keys(port), Engine()
        self.address = f"http://{HOST}:{port}/?token={self.keys.token}"
        routes = [
            Route("/", self._page),
            Route("/enter", self._enter),
            Route("/controls.json", self._controls),
            Route("/style.css", self._style),
            Route("/enter.css", self._style),
            *(Route(f"/{name}.js", self._script) for name in _MODULES),
            WebSocketRoute("/live", self._live),
        ]
        self.app = Starlette(
            routes=routes, middleware=[Middleware(Guard, keys=self.keys)], lifespan=self._until_the_end
        )

    @contextlib.asynccontextmanager
    async def _until_the_end(self, _: Starlette) -> AsyncIterator[None]:
        yield
        self.engine.close()

    async def _page(self, request: Request) -> Response:
        """The page; for the token the cookie; for whoever has neither, what sends them round once."""
        token = request.query_params.get("token")
        if token is not None and self.keys.opens(token):
            return RedirectResponse("/", 303, {"set-cookie": self.keys.cookie})
        if self.keys.holds(request.headers.get("cookie", "")):
            return HTMLResponse(bundle.static("explore.html"))
        return HTMLResponse(bundle.static("enter.html"), 403)

    async def _enter(self, _: Request) -> Response:
        return RedirectResponse("/", 303)

    async def _controls(self, _: Request) -> Response:
        return JSONResponse(controls())

    async def _style(self, _: Request) -> Response:
        return Response(bundle.style("theme.css", "explore.css"), media_type="text/css")

    async def _script(self, request: Request) -> Response:
        return Response(bundle.static(request.url.path[1:]), media_type="text/javascript")

    async def _live(self, page: WebSocket) -> None:
        await watch(page, self.engine)


def serve(port: int | None = None, browser: bool = True, say: Callable[[str], object] = lambda text: None) -> None:
    """Serve until Ctrl-C.

    Parameters
    ----------
    port : int, optional
        Where; by default 8750, or another one if that is taken.
    browser : bool, default True
        Whether to open the page.
    say : callable
        Takes a line for the user: the address.

    Raises
    ------
    ConfigError
        If the port is taken.
    """
    listening = _listen(port)
    explorer = Explorer(listening.getsockname()[1])
    how: dict[str, Any] = {"log_level": "warning", "ws": "websockets-sansio", "ws_max_size": _LARGEST}
    server = uvicorn.Server(uvicorn.Config(explorer.app, timeout_graceful_shutdown=1, server_header=False, **how))
    say(explorer.address)
    say("open this address in a browser of this machine; Ctrl-C ends it")
    if browser:
        webbrowser.open(explorer.address)
    with contextlib.suppress(KeyboardInterrupt), listening:  # the server has ended everything before it says so
        server.run(sockets=[listening])


def _listen(port: int | None) -> socket.socket:
    """A socket that listens on 127.0.0.1."""
    for wanted in [PORT, 0] if port is None else [port]:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, wanted))
        except OSError as error:
            listening.close()
            failed = error
            continue
        return listening
    raise ConfigError(f"--port: value {port}: cannot be used ({failed.strerror}): another one, or none for any")
