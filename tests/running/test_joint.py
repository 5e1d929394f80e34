"""Whole studies on workers that die, in processes that are killed or interrupted, and several at once on one folder."""

import contextlib
import multiprocessing
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
from typing import Any

import pytest

from gansim.command_line import cli
from gansim.engine.compile_ahead import run_chunk_compiled
from gansim.errors import StoreError
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.running import simulating
from gansim.running.merging import merge
from gansim.running.simulating import RunsError
from gansim.running.study import Study
from gansim.storage import places
from gansim.storage.folder import open_folder
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import RUNS, TRACES
from gansim.storage.parts import Collected
from helpers.clusters import both_there, cluster, kill_this_worker  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]
GAME = GAN(target=Normal(500, 5), generator=MLP((4,)), discriminator=MLP((4,)), steps=30, records=3, n_eval=64)


def make(reps: int = 160, seed: int = 3) -> Study:
    one = Study("joint", GAME, {"game": ["minimax", "non-saturating"]}, reps=reps, seed=seed)
    return one + Study("rates", GAME, {"optimizer_d.lr": [0.01, 0.1]}, reps=reps, seed=seed)


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (RUNS, TRACES)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What threads write that nothing disturbs."""
    out = tmp_path_factory.mktemp("undisturbed")
    make().run(out=out, jobs=2, progress=False)
    return content(out / "joint")


# --- workers that die ---------------------------------------------------------------------------


class Deadly:
    """`run_chunk_compiled`, but whoever gets one of the runs is killed, every time."""

    def __init__(self, run: tuple[int, int]) -> None:
        self.run = run

    def __call__(self, cells: Any, runs: list[tuple[int, int]], seed: int) -> Any:
        if self.run in runs:
            time.sleep(0.3)  # others are at work by now
            kill_this_worker()
        return run_chunk_compiled(cells, runs, seed)


def how(backend: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    if backend == "loky":
        return {"backend": "loky", "jobs": 2}
    return {"backend": "dask", "scheduler": both_there(request.getfixturevalue("cluster"))}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_a_task_that_always_kills_costs_its_own_runs_alone(
    backend: str,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(simulating, "run_chunk_compiled", Deadly((1, 40)))
    options = how(backend, request)
    lost: list[RunsError] = []

    def action() -> None:
        try:
            make().run(out=tmp_path, progress=False, **options)
        except RunsError as error:
            lost.append(error)
            raise

    assert cli.guarded("gansim", action) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    found = re.search(r"gansim: error: (\d+) of 640 runs could not be computed \((\d+) runs of design 'joint', ", line)
    assert found and found[1] == found[2]
    first, last = map(int, re.search(r"replicates (\d+) to (\d+): every worker that took it up died", line).groups())
    assert "cell 1 (game = non-saturating)" in line and first <= 40 <= last
    [failure] = lost[0].failures
    assert failure.detail
    whole = make()
    saved = Collected(whole.reps, whole.records)
    with open_folder(tmp_path / "joint", whole.identity, whole.cells, saved):
        assert saved.done == 640 - int(found[1])
        assert saved.missing[saved.first[1] + 40]
    assert read_metadata(tmp_path / "joint")["status"] == "running"
    monkeypatch.setattr(simulating, "run_chunk_compiled", run_chunk_compiled)
    make().run(out=tmp_path, progress=False, **options)
    assert content(tmp_path / "joint") == undisturbed


# --- processes that are killed ------------------------------------------------------------------

SCRIPT = """
import sys
import gansim.storage.folder
from gansim.command_line import cli
from gansim.running.shard import Shard
from gansim.model.paths import replace
from gansim.running.study import Study
from test_joint import GAME
gansim.storage.folder._SAVE_EVERY = 0.1


def make(reps=4000):
    return Study("joint", replace(GAME, {"steps": 1000}), {"game": ["minimax", "non-saturating"]}, reps=reps)


def act():
    kind, out = sys.argv[1], sys.argv[2]
    options = {"jobs": 2, "backend": sys.argv[3] if len(sys.argv) > 3 else "threads"}
    if kind in ("run", "run long"):
        make(4000 if kind == "run" else 100_000).run(out, **options)
    elif kind == "run_to":
        make(500).run_to(0.0085, out, batch=256, most_reps=4000, **options)
    else:
        make().run_shard(Shard(int(kind), 2), out, **options)


if __name__ == "__main__":
    sys.exit(cli.guarded("script", act))
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(script: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """What a command writes that nothing disturbs, made once: the folder of the study."""
    out = tmp_path_factory.mktemp("whole")

    def found(kind: str) -> Path:
        if not (out / kind).exists():
            assert end(start(script, kind, out / kind))[0] == 0
        return out / kind / "joint"

    return found


def start(script: Path, *argv: object, **environment: str) -> subprocess.Popen[str]:
    place = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/running")])
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, argv)],
        env=os.environ | {"PYTHONPATH": place} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=300)
    return process.returncode, err


def stop(process: subprocess.Popen[str], signal_: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal_)


def await_line(process: subprocess.Popen[str], line: str) -> None:
    """Wait for a line of progress."""
    assert process.stderr is not None
    for said in process.stderr:
        if line in said:
            return


def killed_until_it_ends(script: Path, seed: int, *argv: object) -> None:
    """Run a command again and again, each time killed at a random moment: the first time while it simulates."""
    rng = random.Random(seed)
    process = start(script, *argv)
    await_line(process, "ready after")
    time.sleep(rng.uniform(0, 0.3))
    assert process.poll() is None, "it ended before"
    stop(process, signal.SIGKILL)
    process.communicate()
    for kills in range(1, 100):
        process = start(script, *argv)
        try:
            process.wait(timeout=rng.uniform(1.2, 4) + kills / 4)
        except subprocess.TimeoutExpired:
            stop(process, signal.SIGKILL)
            process.communicate()
            continue
        _, err = process.communicate()
        assert process.returncode == 0, err
        return


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_replicates_are_added_the_same_after_kills(
    script: Path, whole: Callable[[str], Path], tmp_path: Path, seed: int
) -> None:
    killed_until_it_ends(script, seed, "run_to", tmp_path)
    assert content(tmp_path / "joint") == content(whole("run_to"))
    facts = [read_metadata(folder) for folder in (tmp_path / "joint", whole("run_to"))]
    assert facts[0]["stopping"] == facts[1]["stopping"] and facts[0]["runs"] == facts[1]["runs"] > 1000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_shards_side_by_side_with_kills_merge_to_the_same_bytes(
    script: Path, whole: Callable[[str], Path], tmp_path: Path, seed: int
) -> None:
    """One process runs the one shard while another is killed, again and again, at the other."""
    beside = start(script, 2, tmp_path)
    killed_until_it_ends(script, seed, 1, tmp_path)
    assert end(beside)[0] == 0
    shards = [tmp_path / f"joint.shard-{n}-of-2" for n in (1, 2)]
    assert {read_metadata(shard)["status"] for shard in shards} == {"shard"}
    merge(shards, tmp_path / "merged", progress=False)
    assert content(tmp_path / "merged/joint") == content(whole("run"))


# --- Ctrl-C -------------------------------------------------------------------------------------


def interrupted(process: subprocess.Popen[str], line: str, delay: float) -> tuple[int, list[str]]:
    """Ctrl-C for the whole group some time after a line of progress; what was said after it."""
    await_line(process, line)
    time.sleep(delay)
    assert process.poll() is None, "it ended before"
    stop(process, signal.SIGINT)
    code, err = end(process)
    return code, [text for text in err.splitlines() if not text.startswith("joint: ")]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threads", "loky"])
@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_an_interrupt_while_it_simulates_is_one_line(script: Path, tmp_path: Path, backend: str, delay: float) -> None:
    code, said = interrupted(start(script, "run long", tmp_path, backend), "ready after", delay)
    assert (code, said) == (130, ["script: interrupted"])


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2, 0.7, 1.5, 3.0])
def test_an_interrupt_while_it_compiles_is_one_line(script: Path, tmp_path: Path, delay: float) -> None:
    process = start(script, "run long", tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    code, said = interrupted(process, "compiling", delay)
    assert (code, said) == (130, ["script: interrupted"])


# --- several at once ----------------------------------------------------------------------------


def contend(number: int, out: str, force: bool, rounds: int, barrier: Any, won: Any) -> None:
    """Take one folder after the other at the same instant as others; note who got it."""
    whole = make()
    for turn in range(rounds):
        barrier.wait(60)
        with contextlib.ExitStack() as stack:
            try:
                folder, into = Path(out) / str(turn) / "joint", Collected(whole.reps, whole.records)
                stack.enter_context(open_folder(folder, whole.identity, whole.cells, into, force))
                won[turn * 3 + number] = 1
            except StoreError as error:
                won[turn * 3 + number] = 2 if "another process is running this study" in str(error) else 3
            barrier.wait(60)  # whoever has it keeps it until all have tried


@pytest.mark.slow
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("earlier", [False, True])
def test_of_processes_that_start_at_once_one_alone_gets_the_folder(tmp_path: Path, force: bool, earlier: bool) -> None:
    """20 times three processes."""
    rounds = 20
    if earlier:
        make(8).run(out=tmp_path / "first", jobs=1, progress=False)
        for turn in range(rounds):
            target = tmp_path / "out" / str(turn)
            shutil.copytree(tmp_path / "first/joint", target / "joint")
    context = multiprocessing.get_context("spawn")
    barrier, won = context.Barrier(3), context.Array("i", 3 * rounds)
    started = [
        context.Process(target=contend, args=(number, str(tmp_path / "out"), force, rounds, barrier, won))
        for number in range(3)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(240)
        assert process.exitcode == 0
    turns = [sorted(won[3 * turn : 3 * turn + 3]) for turn in range(rounds)]
    assert turns == [[1, 2, 2]] * rounds


def make_folders(number: int, out: str, rounds: int, barrier: Any, failed: Any) -> None:
    """Claim a folder of one's own in the same new folder as others, at the same instant."""
    for turn in range(rounds):
        barrier.wait(60)
        try:
            places.claim_folder(Path(out) / str(turn) / "deep" / f"study{number}", f"study{number}")
        except StoreError:
            failed.value += 1


@pytest.mark.slow
def test_studies_that_make_the_same_folder_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, failed = context.Barrier(3), context.Value("i", 0)
    started = [
        context.Process(target=make_folders, args=(number, str(tmp_path), 50, barrier, failed)) for number in range(3)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
        assert process.exitcode == 0
    assert failed.value == 0
