"""The server: one page, its scripts, its line to the engine; on 127.0.0.1 alone."""

from __future__ import annotations

import contextlib
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gansim.errors import ConfigError
from gansim.explorer.guard import Guard, Keys
from gansim.explorer.results_view import ResultsView
from gansim.explorer.sockets import watch
from gansim.live.controls import controls
from gansim.live.engine import Engine
from gansim.live.frames import finite
from gansim.live.request import Request as Wanted
from gansim.pages import bundle

__all__ = ["Explorer", "serve"]

HOST = "127.0.0.1"
PORT = 8750
_LARGEST = 2**26  # bytes of a message from a page: four million observed values


class Explorer:
    """What is served, and to whom.

    Parameters
    ----------
    port : int
        Where.
    results : ResultsView, optional
        What is shown beside training.

    Attributes
    ----------
    app : Starlette
        The application.
    address : str
        What to open: it holds the token.
    engine : Engine
        Who trains.
    """

    def __init__(self, port: int, results: ResultsView | None = None) -> None:
        self.keys, self.engine, self._results = Keys(port), Engine(), results
        self.address = f"http://{HOST}:{port}/?token={self.keys.token}"
        routes = [
            Route("/", self._page),
            Route("/enter", self._enter),
            Route("/controls.json", self._controls),
            Route("/style.css", self._style),
            Route("/enter.css", self._style),
            *(Route(f"/{name}", self._script) for name in bundle.modules()),
            *(Route(f"/{name}.json", self._asked) for name in self._answers()),
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
            page = bundle.static("explore.html")
            return HTMLResponse(page if self._results is None else page.replace("<body", "<body data-results", 1))
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
        await watch(page, self.engine, self._request)

    def _request(self, asked: Mapping[str, Any]) -> Wanted:
        """What a page asks to see trained: a configuration of its own, or a stored run again."""
        if asked.get("replay") is not True:
            return Wanted.of(asked)
        if self._results is None:
            raise ConfigError("replay: no results are open: gansim explore FOLDER")
        return self._results.request(asked)

    def _answers(self) -> dict[str, Callable[[Mapping[str, str]], dict[str, Any]]]:
        """What may be asked of the results, by its name."""
        view = self._results
        if view is None:
            return {}
        return {"results": lambda _: view.about(), "results/cells": view.cells, "results/runs": view.runs}

    async def _asked(self, request: Request) -> Response:
        answer = self._answers()[request.url.path[1:].removesuffix(".json")]
        try:
            told = await run_in_threadpool(answer, dict(request.query_params))
        except ConfigError as error:
            return JSONResponse({"message": str(error)}, 400)
        return JSONResponse(finite(told))


class _Server(uvicorn.Server):
    """Ends in order when the terminal is closed, too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals; what was taken is raised again in the end, for whoever had them before."""
        with super().capture_signals():
            main = threading.current_thread() is threading.main_thread()  # no other may set handlers
            names = ["SIGHUP"] * (main and hasattr(signal, "SIGHUP"))  # Windows has none
            found = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
            before = {signum: handler for signum, handler in found.items() if handler is not signal.SIG_IGN}  # by nohup
            for signum in before:
                signal.signal(signum, self.handle_exit)
            try:
                yield
            finally:
                for signum, handler in before.items():
                    signal.signal(signum, handler)


def serve(
    folder: Path | None = None,
    port: int | None = None,
    browser: bool = True,
    say: Callable[[str], object] = lambda text: None,
) -> None:
    """Serve until Ctrl-C, which is raised again in the end.

    Parameters
    ----------
    folder : Path, optional
        A results folder to look at.
    port : int, optional
        Where; by default 8750, or another one if that is taken.
    browser : bool, default True
        Whether to open the page.
    say : callable
        Takes a line for the user: the address.

    Raises
    ------
    ConfigError
        If the port is taken, or the folder holds no results.
    KeyboardInterrupt
        After Ctrl-C, and whatever else a signal raises.
    """
    results = None if folder is None else ResultsView(folder)
    listening = _listen(port)
    explorer = Explorer(listening.getsockname()[1], results)
    how: dict[str, Any] = {"log_level": "warning", "ws": "websockets-sansio", "ws_max_size": _LARGEST}
    server = _Server(uvicorn.Config(explorer.app, timeout_graceful_shutdown=1, server_header=False, **how))
    say(explorer.address)
    say("open this address in a browser of this machine; Ctrl-C ends it")
    with listening, _door(explorer.address) as door:
        if browser:
            webbrowser.open(door.as_uri())
        server.run(sockets=[listening])  # raises KeyboardInterrupt after Ctrl-C, once everything has ended


@contextlib.contextmanager
def _door(address: str) -> Iterator[Path]:
    """A file that leads to an address, for this user's eyes: the words of a browser's command are there for others."""
    with tempfile.TemporaryDirectory(prefix="gansim-") as folder:  # made for its owner alone
        path = Path(folder) / "explore.html"
        path.write_text(f'<!doctype html><title>gansim</title><meta http-equiv="refresh" content="0; url={address}">')
        yield path


def _listen(port: int | None) -> socket.socket:
    """A socket that listens on 127.0.0.1; by default on the usual port or, if that is taken, on any."""
    for wanted in [PORT, 0] if port is None else [port]:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, wanted))
            listening.listen(128)  # now, so that nobody who is quick is turned away, and a port is really ours
        except OSError as error:
            listening.close()
            failed = error
            continue
        return listening
    raise ConfigError(f"--port: value {port}: cannot be used ({failed.strerror}): another one, or none for any")
