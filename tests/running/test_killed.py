"""Real processes of a real study, killed, crowded out and out of space: the same command ends with the same digest."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gansim.storage import disk
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import METADATA, PARTS, RUNS, TRACES

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")]

# Saved eight times as often as usual, so that a study this short has parts when it is killed.
SCRIPT = '''"""A study of a few seconds."""
from pathlib import Path

import gansim as gs
from gansim.reporting import writing
from gansim.command_line import cli
from gansim.running.execution import Execution
from gansim.storage import disk, places
from gansim.storage.metadata_json import read_metadata
from gansim.storage import folder

folder._SAVE_EVERY = 0.25


def main(options: cli.StudyOptions) -> None:
    mlp = gs.MLP((16,), activation="leaky_relu")
    gan = gs.GAN(target=gs.Normal(500, 5), generator=mlp, discriminator=mlp, steps=options.steps, records=10)
    study = gs.Study("small", gan, {"game": ["minimax", "non-saturating"]}, options.reps, options.seed)

    def report(done: Execution, folder: Path) -> None:
        shares = gs.tabulate(done.runs, by=["game"], column="g_state")
        writing.save(shares, folder / "tables", "regimes", "Shares")

    study.run(options.out, options.jobs, options.backend, force=options.force, report=report)


if __name__ == "__main__":
    cli.run_study(main, cli.StudyOptions(reps=1500, steps=1000, jobs=2))
'''


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "small.py"
    path.write_text(SCRIPT)
    return path


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def start(script: Path, *argv: object, **settings: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(script), *map(str, argv)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command,
        env=environment() | settings,
        stdout=pipe,
        stderr=pipe,
        text=True,
        cwd=script.parent,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and stderr of a process that is left alone; nothing of it stays behind."""
    _, err = process.communicate(timeout=300)
    return process.returncode, err


def children(pid: int) -> list[int]:
    """Processes that a process has started, not those that they have."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def workers(pid: int) -> list[int]:
    """Its loky workers: the children but the resource tracker."""
    found = []
    for child in children(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"resource_tracker" not in command and b"loky" in command:
            found.append(child)
    return found


def wait_for(condition: Callable[[], object]) -> None:
    """Look every hundredth of a second, for a minute."""
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def outputs(out: Path) -> dict[str, str]:
    """Digests of everything that must not depend on how the study got there."""
    folder = out / "small"
    files = [folder / RUNS, folder / TRACES, *sorted((folder / "tables").iterdir())]
    assert len(files) == 5
    return {path.name: disk.file_digest(path) for path in files}


@pytest.fixture(scope="module")
def finished(script: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Where a study lies that nothing disturbs, and how long it takes once everything is compiled."""
    out = tmp_path_factory.mktemp("finished")
    assert end(start(script, "--reps", 20, "--out", out / "warm"))[0] == 0
    started = time.perf_counter()
    assert end(start(script, "--out", out))[0] == 0
    return out, time.perf_counter() - started


@pytest.fixture(scope="module")
def undisturbed(finished: tuple[Path, float]) -> tuple[dict[str, str], float]:
    """What it writes, and how long it takes."""
    out, duration = finished
    return outputs(out), duration


def test_a_changed_byte_is_another_digest(
    finished: tuple[Path, float], undisturbed: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """The control of all that follows: outputs differ when they differ."""
    shutil.copytree(finished[0] / "small", tmp_path / "small")
    assert outputs(tmp_path) == undisturbed[0]
    for path in (tmp_path / "small" / RUNS, tmp_path / "small" / "tables" / "regimes.csv"):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert outputs(tmp_path) != undisturbed[0]
        path.write_bytes(content)
    assert outputs(tmp_path) == undisturbed[0]


STATES: list[tuple[str, bool]] = []  # what each kill found: status of the metadata, whether there were parts
HOW = [("threads", "parent")] * 6 + [("loky", "parent")] * 2 + [("loky", "worker")] * 2
HOW += [("threads", "parent with parts"), ("loky", "parent with parts")]  # which kills at random moments may miss


@pytest.mark.parametrize("number", range(len(HOW)))
def test_killed_at_a_random_moment_and_started_again(
    script: Path, undisturbed: tuple[dict[str, str], float], tmp_path: Path, number: int
) -> None:
    expected, duration = undisturbed
    backend, victim = HOW[number]
    rng = random.Random(number)
    process = start(script, "--out", tmp_path, "--backend", backend)
    orphans = []
    try:
        if victim.startswith("parent"):
            if victim == "parent":
                time.sleep(rng.uniform(0.2, 1) * duration)
            else:
                wait_for(lambda: any((tmp_path / "small" / PARTS).glob("part-*.parquet")))
            orphans = workers(process.pid)
            kill(process.pid)
        else:
            wait_for(lambda: workers(process.pid) or process.poll() is not None)
            time.sleep(rng.uniform(0, 0.7) * duration)
            orphans = workers(process.pid)
            for worker in orphans[:1]:
                kill(worker)
        end_after_kill(process)
        metadata, parts = tmp_path / "small" / METADATA, tmp_path / "small" / PARTS
        STATES.append((read_metadata(metadata)["status"] if metadata.exists() else "none", parts.exists()))
        code, err = end(start(script, "--out", tmp_path, "--backend", backend))
    finally:
        kill(process.pid)
        for orphan in orphans:
            kill(orphan)
    assert code == 0, err
    assert outputs(tmp_path) == expected
    assert read_metadata(tmp_path / "small")["status"] == "complete"
    assert not (tmp_path / "small" / PARTS).exists()


def test_the_kills_struck() -> None:
    """The control: some met a study that was not complete, and one with parts."""
    if len(STATES) < len(HOW):
        pytest.skip("some kills were left out")
    assert sum(status == "running" for status, _ in STATES) >= 2
    assert sum(parts for _, parts in STATES) >= 2


def end_after_kill(process: subprocess.Popen[str]) -> None:
    """Wait for the process alone: orphans may hold its pipes."""
    process.wait(timeout=120)
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()


def alive(pids: list[int]) -> list[int]:
    """Those that still run; a process that nobody has waited for does not."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found


ENDINGS = [(signal.SIGKILL, -9, ""), (signal.SIGTERM, 143, "SIGTERM"), (signal.SIGHUP, 129, "SIGHUP")]


@pytest.mark.parametrize(
    ("signum", "code", "name", "to_all"),
    [(*ending, False) for ending in ENDINGS[:2]] + [(*end, True) for end in ENDINGS[1:]],
)
def test_workers_end_with_their_parent(
    script: Path, tmp_path: Path, undisturbed: tuple, signum: signal.Signals, code: int, name: str, to_all: bool
) -> None:
    """Whether a signal comes to the parent alone or, as from a terminal, to all: what came is saved, nothing is left.

    Pipes are read to their end, which is there once nobody holds them any more.
    """
    (tmp_path / "temporary").mkdir()
    argv = ["--out", tmp_path, "--backend", "loky", "--reps", 100_000]
    process = start(script, *argv, TMPDIR=str(tmp_path / "temporary"))
    mine: list[int] = []
    try:
        wait_for(lambda: any((tmp_path / "small" / PARTS).glob("part-*.parquet")))
        mine = children(process.pid)
        assert len(workers(process.pid)) == 2 and any((tmp_path / "temporary").iterdir())
        (os.killpg if to_all else os.kill)(process.pid, signum)
        _, err = process.communicate(timeout=60)
        wait_for(lambda: not alive(mine) and not any((tmp_path / "temporary").iterdir()))
    finally:
        for pid in [process.pid, *mine]:
            kill(pid)
    assert process.returncode == code
    assert err.splitlines()[-1].endswith(f"small.py: ended by {name}" if name else err.splitlines()[-1])
    assert "Traceback" not in err
    assert alive(mine) == [] and list((tmp_path / "temporary").iterdir()) == []
    code, err = end(start(script, "--out", tmp_path, "--reps", 100, "--force"))
    assert code == 0, err


def test_a_signal_ends_a_study_like_control_c(script: Path, tmp_path: Path, undisturbed: tuple) -> None:
    """`test_cli.py` has the other signals."""
    process = start(script, "--out", tmp_path, "--reps", 100_000)
    wait_for(lambda: any((tmp_path / "small" / PARTS).glob("part-*.parquet")))
    process.send_signal(signal.SIGHUP)
    done, err = end(process)
    assert (done, err.splitlines()[-1]) == (129, "small.py: ended by SIGHUP")
    code, err = end(start(script, "--out", tmp_path, "--reps", 20))
    assert code == 2 and re.search("fewer replicates|holds other runs|asked", err)  # the runs that came are kept


def test_a_study_goes_on_without_its_terminal_if_it_is_told_to(
    script: Path, tmp_path: Path, undisturbed: tuple[dict[str, str], float]
) -> None:
    ignored = f"trap '' HUP; exec {sys.executable} {script} --out {tmp_path}"
    process = subprocess.Popen(["bash", "-c", ignored], env=environment(), stderr=subprocess.PIPE, text=True)
    wait_for(lambda: any((tmp_path / "small" / PARTS).glob("part-*.parquet")))
    process.send_signal(signal.SIGHUP)
    code, err = end(process)
    assert code == 0, err
    assert outputs(tmp_path) == undisturbed[0]


def test_stopped_while_its_folder_is_replaced(script: Path, tmp_path: Path, undisturbed: tuple) -> None:
    """SIGSTOP, another study takes the place, SIGCONT: it ends with one line, and its runs go on where they went."""
    first = start(script, "--out", tmp_path, "--reps", 100_000)
    try:
        wait_for(lambda: any((tmp_path / "small" / PARTS).glob("part-*.parquet")))
        os.kill(first.pid, signal.SIGSTOP)
        (tmp_path / "small").rename(tmp_path / "away")
        assert end(start(script, "--out", tmp_path, "--reps", 20, "--seed", 1))[0] == 0
        successor = {path: path.read_bytes() for path in (tmp_path / "small").rglob("*") if path.is_file()}
        os.kill(first.pid, signal.SIGCONT)
        code, err = end(first)
    finally:
        kill(first.pid)
    assert code == 2
    assert re.search(r"small\.py: error: \S+small: was renamed, removed or taken over [^\n]*\n$", err)
    assert {path: path.read_bytes() for path in (tmp_path / "small").rglob("*") if path.is_file()} == successor
    assert any((tmp_path / "away" / PARTS).glob("part-*.parquet"))


def test_a_limit_on_the_size_of_files(script: Path, tmp_path: Path, undisturbed: tuple[dict[str, str], float]) -> None:
    limited = f"ulimit -f 100; exec {sys.executable} {script} --out {tmp_path}"  # blocks of 1,024 bytes
    done = subprocess.run(["bash", "-c", limited], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(
        r"error: \S+ cannot write \(File too large\): free some and run the same command again: ", done.stderr
    )
    assert end(start(script, "--out", tmp_path))[0] == 0
    assert outputs(tmp_path) == undisturbed[0]


# The results take 1,068 kB, however fast the machine is and however many parts they came in.
FULL = """
mount -t tmpfs -o size=1000k tmpfs "$OUT" || exit 77
"$PYTHON" "$SCRIPT" --out "$OUT"
echo "code $?"
find "$OUT" -name "*.tmp"
mount -o remount,size=100m "$OUT" || exit 77
"$PYTHON" "$SCRIPT" --out "$OUT" || exit 1
cp -r "$OUT/small" "$COPY/small"
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a file system of its own")
def test_a_full_disk(script: Path, tmp_path: Path, undisturbed: tuple[dict[str, str], float]) -> None:
    (tmp_path / "disk").mkdir()
    facts = {"OUT": str(tmp_path / "disk"), "COPY": str(tmp_path), "PYTHON": sys.executable, "SCRIPT": str(script)}
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-c", FULL],
        env=environment() | facts, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no file system of its own to be had: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "code 2\n"  # and no temporary file is left
    [line] = [line for line in done.stderr.splitlines() if "error" in line]
    saved = re.search(r"cannot write \(No space left on device\): free some .*: ([\d,]+) of 3,000 runs are saved", line)
    assert saved
    assert f"{saved[1]} of 3,000 runs are saved in" in done.stderr.replace(line, "")
    assert outputs(tmp_path) == undisturbed[0]
