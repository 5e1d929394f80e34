"""Only this machine's own page, opened by whoever has the token: every other host, origin and visitor is refused."""

import asyncio
import json
import socket
from contextlib import contextmanager
from threading import Thread

import pytest
import uvicorn

from gansim.errors import ConfigError
from gansim.explorer.guard import Keys
from gansim.explorer.server import Explorer, _listen

FOREIGN = ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "[::1]:{port}", "", None]
ORIGINS = ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://127.0.0.1:{port}.x"]


@contextmanager
def serving(explorer: Explorer, listening: socket.socket):
    config = uvicorn.Config(explorer.app, log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def server():
    listening = _listen(None)
    explorer = Explorer(listening.getsockname()[1])
    with serving(explorer, listening):
        yield explorer


def ask(explorer: Explorer, path: str, **headers: str | None) -> tuple[int, dict[str, str], bytes]:
    """One HTTP request by a plain socket, so that nothing adds or mends a header: status, headers, body."""
    port = explorer.keys.port
    sent = {"Host": f"127.0.0.1:{port}", "Connection": "close", **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = [
        f"GET {path} HTTP/1.1",
        *(f"{name}: {value.format(port=port)}" for name, value in sent.items() if value is not None),
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while part := line.recv(65536):
            answer += part
            if b"101 Switching" in answer:
                break
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *rest = head.decode().split("\r\n")
    return int(status.split()[1]), {k.lower(): v for k, v in (one.split(": ", 1) for one in rest)}, body


SOCKET = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


def cookie_of(explorer: Explorer) -> str:
    return explorer.keys.cookie.split(";")[0]


def test_the_owner_gets_in(server):
    status, headers, _ = ask(server, f"/?token={server.keys.token}")
    assert status == 303 and headers["location"] == "/"
    given = headers["set-cookie"]
    assert "HttpOnly" in given and "SameSite=Strict" in given
    for path in ("/", "/controls.json", "/train.js", "/style.css"):
        status, headers, body = ask(server, path, Cookie=given.split(";")[0])
        assert status == 200 and body
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    origin = "http://127.0.0.1:{port}"
    assert ask(server, "/live", Cookie=given.split(";")[0], Origin=origin, **SOCKET)[0] == 101


@pytest.mark.parametrize("path", ["/controls.json", "/train.js", "/style.css", "/live", "/results.json"])
@pytest.mark.parametrize("cookie", [None, "", "gansim=x", "gansim-{port}=", "gansim-{port}=wrong"])
def test_without_the_cookie_nothing_is_told(server, path, cookie):
    assert ask(server, path, Cookie=cookie)[0] == 403
    assert ask(server, path, Cookie=cookie, Origin="http://127.0.0.1:{port}", **SOCKET)[0] == 403


def test_the_page_without_the_cookie_is_another_one(server):
    status, headers, body = ask(server, "/")
    assert status == 403 and b"explore.js" not in body and b"enter.js" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert ask(server, "/enter.js")[0] == 200
    assert ask(server, "/?token=wrong")[0] == 403 and "set-cookie" not in ask(server, "/?token=wrong")[1]


@pytest.mark.parametrize("host", FOREIGN)
def test_another_host_is_refused_whatever_it_has(server, host):
    for path in ("/", f"/?token={server.keys.token}", "/controls.json", "/enter.js"):
        assert ask(server, path, Host=host, Cookie=cookie_of(server))[0] in (400, 403)
    told = ask(server, "/live", Host=host, Cookie=cookie_of(server), Origin="http://127.0.0.1:{port}", **SOCKET)
    assert told[0] in (400, 403)


@pytest.mark.parametrize("origin", ORIGINS)
def test_another_origin_is_refused_whatever_it_has(server, origin):
    assert ask(server, "/controls.json", Cookie=cookie_of(server), Origin=origin)[0] == 403
    assert ask(server, "/live", Cookie=cookie_of(server), Origin=origin, **SOCKET)[0] == 403


def test_a_socket_needs_an_origin(server):
    assert ask(server, "/live", Cookie=cookie_of(server), **SOCKET)[0] == 403


@pytest.mark.parametrize(
    "path", ["/../README.md", "/static/train.js", "/%2e%2e/x", "/explore.html", "/train.js/", "/etc/passwd"]
)
def test_no_file_is_served_but_ours(server, path):
    assert ask(server, path, Cookie=cookie_of(server))[0] in (307, 404)


def test_ports_have_keys_of_their_own():
    one, other = Keys(1), Keys(2)
    assert one.token != other.token and one.cookie.split("=")[0] != other.cookie.split("=")[0]
    assert one.opens(one.token) and not one.opens(other.token) and not one.opens("")
    assert one.holds(f"a=b; {one.cookie.split(';')[0]}") and not one.holds(other.cookie.split(";")[0])


def test_it_listens_on_this_machine_alone():
    first, second = _listen(None), _listen(None)
    with first, second:
        assert {line.getsockname()[0] for line in (first, second)} == {"127.0.0.1"}
        taken = first.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port: value {taken}: cannot be used"):
            _listen(taken)


def test_messages_that_are_none_are_refused():
    from gansim.live.asking import ask as answer
    from helpers.live import decoded

    class Nobody:
        def __getattr__(self, name):
            raise AssertionError(f"{name} was called")

    broken, _ = decoded(answer(Nobody(), json.dumps({"do": "keep", "values": [1, 2]})))
    assert broken["kind"] == "failed"  # Nobody keeps nothing: a defect is told, and raises nothing
    for text in ("", "no", "[]", "1", json.dumps({"do": "configure"}), json.dumps({"do": "change", "pace": -1})):
        head, _ = decoded(answer(Nobody(), text))
        assert head["kind"] == "refused" and "\n" not in head["message"]
    for field, value in {"playing": 1, "pace": 0, "steps": 1.5, "rep": 5000, "generation": -1}.items():
        head, _ = decoded(answer(Nobody(), json.dumps({"do": "change", field: value})))
        assert head["message"].startswith(f"{field}: value")
