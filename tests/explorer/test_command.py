"""gansim explore as a user starts and ends it: an address, a refusal in one line, an exit code, nothing left behind."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from helpers.serving import ROOT, explored


def told(*words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    start = f"{code}; from gansim.command_line.commands import main; raise SystemExit(main())" if code else None
    how = ["-c", start] if start else ["-m", "gansim"]
    return subprocess.run(
        [sys.executable, *how, "explore", *words], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


class Jar(urllib.request.HTTPRedirectHandler):
    """Does not follow: the answer itself is looked at."""

    def redirect_request(self, *_):
        return None


def test_the_address_opens_and_ctrl_c_ends_it():
    opener = urllib.request.build_opener(Jar)
    with explored() as served:
        with pytest.raises(urllib.error.HTTPError) as answer:
            opener.open(served.address)
        answer.value.close()
        assert answer.value.code == 303
        request = urllib.request.Request(
            served.origin, headers={"Cookie": answer.value.headers["set-cookie"].split(";")[0]}
        )
        with opener.open(request) as page:
            assert b"explore.js" in page.read()
    assert served.process.returncode == 0


def test_other_signals_have_their_codes():
    for signum, code in ((signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        process = subprocess.Popen(
            [sys.executable, "-m", "gansim", "explore", "--no-browser", "--port", "0"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert "token=" in process.stdout.readline()
        process.stdout.readline()
        time.sleep(0.5)  # until the server takes signals
        process.send_signal(signum)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == code, said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: No such file or directory"),
        (["docs"], "docs"),
        (["--port", "70000"], "--port: value 70000"),
        (["--port", "x"], "--port"),
    ],
)
def test_it_is_refused_in_a_line(words, said):
    done = told(*words, "--no-browser")
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_without_its_packages_it_says_what_to_install():
    done = told(code="import sys; sys.modules['uvicorn'] = None; sys.argv[1:1] = []")
    assert done.returncode == 2
    assert done.stderr.strip() == 'gansim: error: explore: uvicorn is not installed: pip install "gansim[explore]"'


def test_importing_gansim_does_not_notice():
    names = "starlette uvicorn websockets anywidget jinja2 markdown_it tomli_w gansim.live gansim.pages gansim.explorer"
    code = f"import sys, gansim; print([name for name in {names.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done


def test_the_browser_is_told_no_token_in_its_command(monkeypatch):
    """Other users see the words of a command: what opens the page is a file that its owner alone can read."""
    from gansim.explorer import server

    opened = []
    monkeypatch.setattr(server.webbrowser, "open", lambda address: opened.append(address) or True)
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda self, sockets: check(opened))

    def check(opened):
        [address] = opened
        assert address.startswith("file://") and "token" not in address
        path = Path(address.removeprefix("file://"))
        assert "?token=" in path.read_text() and path.parent.stat().st_mode & 0o077 == 0
        opened.append(path)

    server.serve(port=0)
    assert not opened[1].exists()
