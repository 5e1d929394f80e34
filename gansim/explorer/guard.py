"""Who may connect: this machine's own pages, opened by whoever has the token, and nobody else.

A page of another name that is mapped to 127.0.0.1 has another Host, another site's script another Origin; another user
of this machine has no token. The token is in the address that is printed once; the page exchanges it for a cookie that
scripts cannot read and other sites do not send.
"""

from __future__ import annotations

import hmac
import secrets

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "Keys"]

# Open to anybody: what sends a visitor who comes from elsewhere round again, so that the browser sends the cookie.
_OPEN = ("/enter.js", "/enter.css")


class Keys:
    """What is known to the owner of a server alone.

    Parameters
    ----------
    port : int
        Where it listens: cookies of all ports of a host are sent to all of them, so that their names must differ.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = secrets.token_urlsafe(24)
        self._value = secrets.token_urlsafe(24)
        self._name = f"gansim-{port}"

    @property
    def cookie(self) -> str:
        """What the page is given for the token."""
        return f"{self._name}={self._value}; HttpOnly; SameSite=Strict; Path=/"

    def opens(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def holds(self, cookies: str) -> bool:
        """Whether the right cookie is among these."""
        pairs = (pair.strip().partition("=") for pair in cookies.split(";"))
        return any(
            name == self._name and hmac.compare_digest(value.encode(), self._value.encode()) for name, _, value in pairs
        )


class Guard:
    """Refuses every request that is not of this server's own page, and gives every answer a strict policy.

    Parameters
    ----------
    app : ASGI application
        What it stands before.
    keys : Keys
        Of the server.
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys
        hosts = (f"127.0.0.1:{keys.port}", f"localhost:{keys.port}")
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in hosts)
        sockets = " ".join(f"ws://{host}" for host in hosts)
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            f"connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            await self._app(scope, receive, self._strict(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the answer is 403
        else:
            await refused(scope, receive, self._strict(send))

    def _refusal(self, scope: Scope) -> Response | None:
        """Why nobody answers, or None."""
        headers = Headers(scope=scope)
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("another host's name\n", 403)
        origin = headers.get("origin")
        if origin not in self._origins and not (origin is None and scope["type"] == "http"):
            return PlainTextResponse("another site's page\n", 403)
        if scope["path"] in ("/", *_OPEN) or self._keys.holds(headers.get("cookie", "")):
            return None
        return PlainTextResponse("open the address that gansim explore printed\n", 403)

    def _strict(self, send: Send) -> Send:
        policy = {
            b"content-security-policy": self._policy.encode(),
            b"cross-origin-opener-policy": b"same-origin",
            b"cross-origin-resource-policy": b"same-origin",
            b"referrer-policy": b"no-referrer",
            b"x-content-type-options": b"nosniff",
            b"cache-control": b"no-store",
        }

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *policy.items()]
            await send(message)

        return answer
