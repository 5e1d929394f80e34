"""Child processes: what they import, and that they end with their parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gansim import children
from helpers.processes import hostile_folder, importers

ROOT = Path(__file__).resolve().parents[1]


def test_a_child_finds_what_its_parent_finds_and_nothing_else(tmp_path: Path) -> None:
    environment = hostile_folder(tmp_path / "here")
    code = "import json, random, numpy, gansim; print(gansim.__file__)"

    def run(command: list[str]) -> str:
        done = subprocess.run(command, cwd=tmp_path / "here", env=environment, capture_output=True, text=True)
        return done.stdout

    assert run(children.python(code)) == f"{ROOT / 'gansim' / '__init__.py'}\n"
    assert importers(tmp_path / "here") == []
    run([sys.executable, "-c", code])  # the control
    assert importers(tmp_path / "here") != []


def test_a_folder_of_the_path_that_cannot_be_written_in_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", *sys.path, os.fsdecode(b"/tmp/\xff\xc3\xa9")])
    done = subprocess.run(children.python("print(ascii(sys.path))"), capture_output=True, text=True, check=True)
    assert done.stdout.count(r"'/tmp/\udcff\xe9'") == 1 and "''" not in done.stdout


@pytest.mark.parametrize("before", [None, "", "0"])
def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    with pytest.raises(ZeroDivisionError), children.safe_path():
        assert os.environ["PYTHONSAFEPATH"] == "1"
        raise ZeroDivisionError
    assert os.environ.get("PYTHONSAFEPATH") == before


@pytest.mark.parametrize("state", ["none", "closed", "open"])
def test_a_daemon_has_streams_meanwhile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str) -> None:
    stream = None if state == "none" else (tmp_path / "log").open("w")
    monkeypatch.setattr(sys, "stdout", stream)
    if stream is not None and state == "closed":
        stream.close()
    with children.open_streams():
        assert sys.stdout is not None and (sys.stdout is stream) == (state == "open")
        sys.stdout.flush()
    assert sys.stdout is stream
    if stream is not None:
        assert stream.closed == (state == "closed")
        stream.close()


WAITS = "import time; print('here', flush=True); time.sleep(600)"


@pytest.mark.skipif(os.name != "posix", reason="a parent's death cannot be seen")
@pytest.mark.parametrize("follows", [True, False])
def test_a_child_ends_with_its_parent(tmp_path: Path, follows: bool) -> None:
    """Also if it does nothing but wait, and says last what it has cleaned up; without it, it stays: the control."""
    clean = f"lambda: pathlib.Path({str(tmp_path / 'cleaned')!r}).touch()"
    watch = f"import os, pathlib; from gansim.children import end_with; end_with(int(sys.argv[1]), {clean}); "
    child = [*children.python(watch * follows + WAITS)]
    parent = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([*{child!r}, str(os.getpid())], stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + (30 if follows else 2)
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(pid) != follows
    assert (tmp_path / "cleaned").exists() == follows
    if not follows:
        os.kill(pid, 9)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return "(Z)" not in Path(f"/proc/{pid}/stat").read_text().replace(") Z", "(Z)")
    except OSError:
        return False
