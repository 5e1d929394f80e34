"""Strange environments, streams, folders and signals: never a traceback, and always the same runs.

A case is what a shell does before it starts a command. Many cases share a process where nothing but cheap commands run.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gansim.storage.metadata_json import read_metadata
from helpers.processes import hostile_folder, importers

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")

STUDY = """name = "tiny"
[[designs]]
name = "games"
reps = 3
[designs.gan]
target = { kind = "normal", mean = 2, std = 0.5 }
generator = { hidden = [4] }
discriminator = { hidden = [4] }
steps = 6
records = 2
batch_size = 8
n_eval = 32
[designs.factors]
game = ["minimax", "as-written"]
"""
SCRIPT = '''"""A study of milliseconds."""
from gansim.command_line import cli
from gansim.design import schema
from gansim.running.study import Study


def main(options):
    found = schema.read("study.toml")
    cli.execute(Study.of(found.name, found.designs), options)


if __name__ == "__main__":
    cli.run_study(main, cli.StudyOptions())
'''
GANSIM = (
    f"{shlex.quote(sys.executable)} -P -c 'from gansim.command_line.commands import main; raise SystemExit(main())'"
)
RUN = f"{GANSIM} run study.toml --jobs 2 --no-figures --out out"

# Each is harmless or nonsense; none of them may matter.
VARIABLES = [
    *("MPLBACKEND=module://nowhere.backend", "MPLBACKEND=nonsense", "MPLBACKEND=", "MPLCONFIGDIR=/proc/none"),
    *("MATPLOTLIBRC=/proc", "NUMBA_NUM_THREADS=1", "NUMBA_THREADING_LAYER=nonsense"),
    *("PYTHONHASHSEED=7", "PYTHONUTF8=0", "PYTHONIOENCODING=ascii", "PYTHONIOENCODING=utf-16", "PYTHONUNBUFFERED=1"),
    *("PYTHONOPTIMIZE=2", "PYTHONDONTWRITEBYTECODE=1", "PYTHONSAFEPATH=", "PYTHONNOUSERSITE=1", "PYTHONDEVMODE=0"),
    *("COLUMNS=0", "COLUMNS=-5", "COLUMNS=x", "COLUMNS=1", "LINES=0", "TERM=", "TERM=nonsense", "NO_COLOR=1"),
    *("FORCE_COLOR=1", "LANG=C", "LC_ALL=C", "LC_ALL=nonsense", "LANG=tr_TR.UTF-8", "TZ=nonsense", "TZ=:/etc/passwd"),
    *("TMPDIR=/proc/none", "TMPDIR=/proc", "HOME=/proc/none", "HOME=", "XDG_CACHE_HOME=/proc/none", "USER=", "SHELL="),
    *("PATH=", "PATH=/proc/none", "PATH=.", "OMP_NUM_THREADS=0", "OMP_NUM_THREADS=x", "OMP_NUM_THREADS=100000"),
    *("MKL_NUM_THREADS=-1", "GIT_DIR=/proc/none", "JOBLIB_TEMP_FOLDER=/proc/none", "JOBLIB_MULTIPROCESSING=0"),
    *("LOKY_MAX_CPU_COUNT=1", "PYDANTIC_DISABLE_PLUGINS=x", "TQDM_DISABLE=1", "TQDM_MININTERVAL=x"),
]


def together(variables: list[str]) -> list[dict[str, str]]:
    """Environments of at most eight variables, each of which stands in one of them once."""
    found: list[dict[str, str]] = []
    for name, _, value in (variable.partition("=") for variable in variables):
        free = next((environment for environment in found if name not in environment and len(environment) < 8), None)
        if free is None:
            found.append(free := {})
        free[name] = value
    return found


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.run(
        [shutil.which("bash") or "bash", "-c", line],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )


def digest(folder: Path) -> dict[str, str]:
    found: dict[str, str] = read_metadata(folder / "out" / "tiny")["digest"]
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("expected")
    (folder / "study.toml").write_text(STUDY)
    done = shell(RUN, folder)
    assert (done.returncode, done.stdout) == (0, "out/tiny\n"), done.stderr
    return digest(folder)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "study.py").write_text(SCRIPT)
    return tmp_path


def ends_well(done: subprocess.CompletedProcess[str], *codes: int) -> None:
    assert done.returncode in codes, done.stderr
    assert not re.search("Traceback|Exception ignored|Warning|Error:", done.stderr + done.stdout), done.stderr


def test_the_checker_finds_a_traceback(here: Path) -> None:
    """The control."""
    with pytest.raises(AssertionError):
        ends_well(shell(f"{shlex.quote(sys.executable)} -c 'import nowhere'", here), 1)


# --- cheap commands -----------------------------------------------------------------------------

STUDY_PY = f"{shlex.quote(sys.executable)} study.py"
CHEAP = [  # whoever prints help swallows that nobody reads it, if it is not buffered
    (f"{GANSIM} --version", ">/dev/full", (2,)),
    (f"{GANSIM} --help", "> >(exit)", (0, 141)),
    (f"{STUDY_PY} --nonsense", "2>/dev/full", (2,)),
]
MORE = [
    (f"{GANSIM} --version", ">&-", (0,)),
    (f"{GANSIM} show none", "2>&- <&-", (2,)),
    (f"{GANSIM} run study.toml --dry-run", "<&-", (0,)),
    (f"{GANSIM} run study.toml --dry-run", "> >(exit)", (141,)),
    (f"{STUDY_PY} --help", "> >(exit)", (0, 141)),
]


@pytest.mark.parametrize("commands", [CHEAP, pytest.param(MORE, marks=pytest.mark.slow)], ids=["cheap", "more"])
def test_commands_whose_streams_are_closed_full_or_unread(
    here: Path, commands: list[tuple[str, str, tuple[int, ...]]]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        lines = [f"{{ sleep 0.3; exec {command}; }} {closing}" for command, closing, _ in commands]
        for (_, _, codes), done in zip(commands, pool.map(lambda line: shell(line, here), lines), strict=True):
            ends_well(done, *codes)


# --- real runs ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(together(VARIABLES))))
def test_the_environment_decides_nothing(here: Path, expected: dict[str, str], number: int) -> None:
    environment = together(VARIABLES)[number]
    done = shell(f"exec {RUN}", here, **environment)
    ends_well(done, 0)
    assert digest(here) == expected


@pytest.mark.slow
@pytest.mark.parametrize("closing", ["2>&-", "2>/dev/full", "<&- >&- 2>&-", "</dev/zero"])
def test_streams_decide_nothing(here: Path, expected: dict[str, str], closing: str) -> None:
    done = shell(f"exec {RUN} --backend loky {closing}", here)
    ends_well(done, 0)
    assert digest(here) == expected


@pytest.mark.slow
def test_a_folder_that_is_gone(here: Path, expected: dict[str, str]) -> None:
    (here / "gone").mkdir()
    done = shell(f"cd gone; rmdir ../gone; exec {RUN.replace('study.toml', '../study.toml')}", here)
    ends_well(done, 2)  # where a folder should be made that would be there
    whole = RUN.replace("study.toml", str(here / "study.toml")).replace("--out out", f"--out {here / 'out'}")
    (here / "gone").mkdir()
    ends_well(shell(f"cd gone; rmdir ../gone; exec {whole}", here), 0)
    assert digest(here) == expected


DAEMON = """
import os, sys
import gansim as gs
from gansim.design import schema
from gansim.storage.metadata_json import read_metadata
how, backend = sys.argv[1:]
if how == "none":
    sys.stdin = sys.stdout = sys.stderr = None
elif how == "closed":
    sys.stdin.close(), sys.stdout.close(), sys.stderr.close()
else:
    os.close(0), os.close(1), os.close(2)
if __name__ == "__main__":
    found = schema.read("study.toml")
    gs.Study.of(found.name, found.designs).run("out", 2, backend)
    raise SystemExit(5)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "backend"),
    [(how, backend) for how in ("none", "closed", "numbers") for backend in ("threads", "loky")],
)
def test_a_study_of_a_daemon(here: Path, expected: dict[str, str], how: str, backend: str) -> None:
    """From Python, without the command's care: streams that are None, closed, or whose numbers are."""
    (here / "daemon.py").write_text(DAEMON)
    done = shell(f"exec {shlex.quote(sys.executable)} daemon.py {how} {backend}", here)
    ends_well(done, 5)
    assert digest(here) == expected


@pytest.mark.slow
def test_modules_in_the_current_folder_are_never_imported(here: Path, expected: dict[str, str]) -> None:
    """Neither by processes that compile, nor by workers and their helpers, nor for a script elsewhere."""
    environment = hostile_folder(here / "work") | {"NUMBA_CACHE_DIR": str(here / "cache")}
    (here / "study.toml").rename(here / "work" / "study.toml")
    script = f"{shlex.quote(sys.executable)} ../study.py --jobs 2 --quiet"
    lines = [
        f"{RUN}",
        f"{RUN} --force --backend loky",
        f"{script} --out out",
        f"{script} --force --backend loky --out out",
    ]
    for line in lines:
        ends_well(shell(f"exec {line}", here / "work", **environment), 0)
        assert digest(here / "work") == expected
        assert importers(here / "work") == []
    shell(f"exec {RUN}", here / "work", **environment | {"PYTHONPATH": "."})  # the control
    assert importers(here / "work") != []
