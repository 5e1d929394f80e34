"""Matplotlib's environment decides nothing: figures are drawn whatever it says, and what a user chose stays chosen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DRAWS = """
import os, sys
from gansim.plotting import drawing
before = dict(os.environ)
drawing.load_matplotlib()
import matplotlib
print(matplotlib.rcParams["lines.linewidth"], dict(os.environ) == before)
"""


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("M")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=settings | environment, capture_output=True, text=True)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken"
    path.write_bytes(b"lines.linewidth: 7\n\xff: 1\n")
    return path


def test_a_backend_that_is_not_there_and_settings_that_cannot_be_read(tmp_path: Path, broken: Path) -> None:
    environment = {"MPLBACKEND": "module://nowhere.backend_inline", "MATPLOTLIBRC": str(broken)}
    done = run(DRAWS, tmp_path, **environment)
    assert (done.returncode, done.stdout) == (0, "1.5 True\n"), done.stderr
    for name in environment:  # the control: alone, matplotlib cannot be imported, or has no figure
        only = {name: environment[name]}
        assert run("import matplotlib.pyplot as plt; plt.figure()", tmp_path, **only).returncode == 1


def test_what_a_user_has_chosen_stays(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("lines.linewidth: 7\n")
    code = DRAWS + "print(matplotlib.get_backend())"
    done = run(code, tmp_path, MPLBACKEND="svg", MATPLOTLIBRC=str(tmp_path / "own"))
    assert (done.returncode, done.stdout) == (0, "7.0 True\nsvg\n"), done.stderr


@pytest.mark.slow
def test_settings_of_the_folder_that_cannot_be_read_are_named(tmp_path: Path, broken: Path) -> None:
    broken.rename(tmp_path / "matplotlibrc")
    code = "from gansim.command_line.commands import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", f"import sys; {code}", "merge", "here"]
    settings = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert done.returncode == 2
    assert "gansim: error: matplotlibrc: cannot be read (" in done.stderr and "Traceback" not in done.stderr
