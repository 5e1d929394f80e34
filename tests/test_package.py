"""What is installed: a wheel holds all that gansim needs, and works without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def python(*arguments: object, cwd: Path, **environment: str) -> str:
    """What a Python of this environment says, away from the checkout."""
    command = [sys.executable, "-P", *map(str, arguments)]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=clean, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_wheel_alone_starts_runs_and_shows_a_study(tmp_path: Path) -> None:
    """Built from a copy, so that nothing of the build lies in the checkout; dependencies are those of the tests."""
    site, away = tmp_path / "site", tmp_path / "away"
    away.mkdir()
    python("-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT, cwd=away)
    [wheel] = tmp_path.glob("gansim-*.whl")
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gansim").rglob("*") if path.is_file()}
    ours = {name for name in ours if "__pycache__" not in name}
    assert "gansim/command_line/templates/observed.csv" in ours
    assert ours <= set(zipfile.ZipFile(wheel).namelist())
    python("-m", "pip", "install", "-q", "--no-deps", "--target", site, wheel, cwd=away)
    where = "import gansim; print(gansim.__file__)"
    assert Path(python("-c", where, cwd=away, PYTHONPATH=str(site)).strip()).is_relative_to(site)
    for words in (
        "init observed",
        "run my-observed.toml --reps 4 --quiet",
        "show results/my-observed --table generators",
        "replay results/my-observed --cell game=minimax,width=8 --rep 3 --frames 5",
        "verify results/my-observed --runs 4 --quiet",
    ):
        told = python("-m", "gansim", *words.split(), cwd=away, PYTHONPATH=str(site))
    assert told.startswith("4 of 16 runs simulated again, every bit compared: agree")
