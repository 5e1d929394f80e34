"""The execution loop: every task delivered once, whatever becomes of the workers; the same bits from all of them."""

import hashlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gansim.engine.compile_ahead import run_chunk_compiled
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.running import pool
from gansim.running.pool import Failure, Workers, _Lost, open_workers
from helpers import clusters
from helpers.clusters import both_there, kill_this_worker, start_cluster

ROOT = Path(__file__).resolve().parents[2]
cluster = clusters.cluster  # a fixture
LOCAL = [("threads", 1), ("threads", 2), ("loky", 1), ("loky", 2)]


# --- what workers do: functions of a module, found by other processes ----------------------------


def square(x, nap=0.0):
    time.sleep(nap)
    return x * x


def fragile(x):
    if x == 3:
        raise ValueError("three\nis not wanted")
    if x == 4:
        raise MemoryError
    if x == 5:
        sys.exit(7)
    return x


def whereabouts():
    return os.getpid()


def deadly(x, nap=0.1):
    """Kill the worker in task 1, every time."""
    time.sleep(nap)
    if x == 1:
        kill_this_worker()
    return x


def mark(folder, x):
    Path(folder, str(x)).touch()
    time.sleep(0.05)


def train(cells, runs, flag=None, _weight=None):
    """Train some runs; with a flag, the first try kills its worker when a while has passed."""
    if flag is not None and not Path(flag).exists():
        time.sleep(0.3)
        Path(flag).touch()
        kill_this_worker()
    return run_chunk_compiled(cells, runs, 7)


class KillsWhenRead:
    """An argument whose worker dies before it knows which task it has taken up."""

    def __reduce__(self):
        return os._exit, (1,)


# --- helpers ------------------------------------------------------------------------------------


def begun(folder):
    """How many tasks have left a `mark`, once half a second brings no more; all of them, if none are dropped."""
    before, now = -1, 0
    while before != now:
        before = now
        time.sleep(0.5)
        now = len(list(Path(folder).iterdir()))
    return now


def outcomes(workers, function, tasks):
    """Results by number, each of them delivered exactly once."""
    pairs = list(workers.execute(function, tasks))
    numbers = [number for number, _ in pairs]
    assert sorted(numbers) == list(range(len(tasks)))
    return dict(pairs)


def reasons(found):
    return {number: outcome.reason for number, outcome in found.items() if isinstance(outcome, Failure)}


def chunks(n=8):
    """Tasks of two cells' runs: cells, runs."""
    cells = {
        cell: GAN(target=Normal(2, std), generator=MLP((4,)), discriminator=MLP((4,)), steps=20, records=2, n_eval=32)
        for cell, std in enumerate((0.5, 1.0))
    }
    return [(cells, [(task % 2, 10 * task + k) for k in range(5)]) for task in range(n)]


def digest(found):
    """SHA-256 of all records, run by run in the order of (cell, rep), whoever brought them."""
    rows = {}
    for chunk in found.values():
        for row, run in enumerate(zip(chunk.cells.tolist(), chunk.reps.tolist(), strict=True)):
            rows[run] = chunk.traces.values[row].tobytes() + chunk.affine[row].tobytes()
    return hashlib.sha256(b"".join(rows[run] for run in sorted(rows))).hexdigest()


@pytest.fixture(scope="module")
def expected():
    return digest({number: run_chunk(*task, 7) for number, task in enumerate(chunks())})


# --- all workers --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=LOCAL, ids=lambda given: f"{given[0]}-{given[1]}")
def local(request):
    """Workers of this machine, started once; how many were asked for, whether they are other processes."""
    backend, jobs = request.param
    with open_workers(backend, jobs) as workers:
        yield workers, jobs, backend == "loky"


def test_every_task_is_delivered_once(local):
    workers, jobs, _ = local
    assert workers.count == jobs
    assert outcomes(workers, square, [(x,) for x in range(20)]) == {x: x * x for x in range(20)}
    assert outcomes(workers, square, []) == {}


def test_one_process_is_still_not_this_one(local):
    workers, _, elsewhere = local
    assert (os.getpid() not in outcomes(workers, whereabouts, [()] * 3).values()) == elsewhere


def test_an_exception_is_a_failure_of_its_task_alone(local):
    workers, _, _ = local
    found = outcomes(workers, fragile, [(x,) for x in range(8)])
    assert reasons(found) == {3: "ValueError: three is not wanted", 4: "MemoryError", 5: "SystemExit: 7"}
    assert [found[x] for x in (0, 1, 2, 6, 7)] == [0, 1, 2, 6, 7]
    assert found[3].task == 3
    assert "Traceback" in found[3].detail and "in fragile" in found[3].detail


def test_closed_early_it_hands_out_no_more(local, tmp_path):
    workers, _, _ = local
    results = workers.execute(mark, [(str(tmp_path), x) for x in range(500)])
    next(results)
    results.close()
    assert 1 <= begun(tmp_path) < 250
    assert outcomes(workers, square, [(2,)]) == {0: 4}  # and the workers can be used again


def test_the_digest_sees_a_changed_run(expected):
    found = {number: run_chunk(*task, 7) for number, task in enumerate(chunks())}
    found[3].traces.values[2, 1, 4] += 1
    assert digest(found) != expected


def test_results_come_as_they_finish():
    with open_workers("threads", 2) as workers:
        order = [number for number, _ in workers.execute(square, [(0, 0.6), (1, 0.0), (2, 0.0)])]
    assert order[-1] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dusk",), "backend: value 'dusk': one of threads, loky, dask"),
        (("threads", 2, "tcp://10.0.0.1:1"), "scheduler: value 'tcp://10.0.0.1:1': none, unless the backend is dask"),
        (("loky", 2, "tcp://10.0.0.1:1"), "scheduler: value 'tcp://10.0.0.1:1': none, unless the backend is dask"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ConfigError) as refusal:
        open_workers(*arguments)
    assert str(refusal.value) == message


# --- the loop, with made-up workers -------------------------------------------------------------


class Scripted(Workers):
    """Workers of which those that are at work with one of `deadly` die; two tasks are worked on at a time."""

    count = 2
    _patience = 2

    def __init__(self, deadly=(), absent=False):
        self.deadly, self.absent = set(deadly), absent
        self.rounds = []

    def _round(self, function, tasks):
        self.rounds.append(sorted(tasks))
        waiting = sorted(tasks)
        while waiting and not self.absent:
            pair, waiting = waiting[:2], waiting[2:]
            if self.deadly & set(pair):
                yield from ((number, _Lost("a worker died\nsomewhere", blamed=True)) for number in pair)
                break
            yield from ((number, function(*tasks[number])) for number in pair)
        yield from ((number, _Lost("nobody came\nat all")) for number in waiting)


def test_only_the_task_that_kills_alone_too_is_reported():
    workers = Scripted(deadly={2})
    found = outcomes(workers, square, [(x,) for x in range(7)])
    assert list(reasons(found)) == [2]
    assert found[2].detail == "a worker died\nsomewhere"
    assert [found[x] for x in (0, 1, 3, 4, 5, 6)] == [0, 1, 9, 16, 25, 36]  # 3 was at its side, twice
    assert workers.rounds == [list(range(7)), [2, 3, 4, 5, 6], [2], [2], [3], [4, 5, 6]]


def test_workers_that_never_come_end_the_tasks_and_not_the_study():
    workers = Scripted(absent=True)
    found = outcomes(workers, square, [(x,) for x in range(3)])
    assert len(workers.rounds) == 3
    assert reasons(found) == dict.fromkeys(range(3), "no worker could take it up: nobody came")


# --- processes that die -------------------------------------------------------------------------


def test_a_killed_process_costs_no_run(tmp_path, expected):
    tasks = [(*task, str(tmp_path / "flag") if number == 2 else None) for number, task in enumerate(chunks())]
    with open_workers("loky", 2) as workers:
        found = outcomes(workers, train, tasks)
    assert (tmp_path / "flag").exists()  # it was killed
    assert digest(found) == expected


@pytest.mark.slow
def test_a_task_that_always_kills_the_only_process_is_reported():
    with open_workers("loky", 1) as workers:
        found = outcomes(workers, deadly, [(x,) for x in range(6)])
    assert reasons(found) == {1: "every worker that took it up died, also with no other task beside it"}
    assert "terminated" in found[1].detail
    assert [found[x] for x in (0, 2, 3, 4, 5)] == [0, 2, 3, 4, 5]


@pytest.mark.slow
def test_processes_that_die_before_they_begin_are_not_started_for_ever():
    with open_workers("loky", 2) as workers:
        found = outcomes(workers, square, [(KillsWhenRead(),), (KillsWhenRead(),)])
    assert all(reason.startswith("no worker could take it up: ") for reason in reasons(found).values())
    assert len(reasons(found)) == 2


def test_processes_of_other_code_than_their_parent_decline(monkeypatch):
    """As if gansim's files had been edited since the parent imported them."""
    monkeypatch.setattr(pool, "_code", lambda: "another")
    with open_workers("loky", 2) as workers:
        found = outcomes(workers, square, [(1,), (2,)])
    assert set(reasons(found).values()) == {"a new process has other source or settings than its parent: start again"}
    assert set(reasons(found)) == {0, 1}


INTERRUPTED = """
import sys
from gansim.running.pool import open_workers
from test_pool import square
if __name__ == "__main__":
    try:
        with open_workers(sys.argv[1], 2, *sys.argv[2:]) as workers:
            print("begun", flush=True)
            for number, _ in workers.execute(square, [(x, 0.1) for x in range(300)]):
                print(number, flush=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
"""


def interrupt(tmp_path, lines, delay, *arguments):
    """Ctrl-C for a whole process group, `delay` seconds after so many lines: its exit code and what it said."""
    (tmp_path / "script.py").write_text(INTERRUPTED, encoding="utf-8")
    place = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/running")])
    started = subprocess.Popen(
        [sys.executable, "script.py", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": place},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with started:
        list(itertools.islice(started.stdout, lines))
        time.sleep(delay)
        os.killpg(started.pid, signal.SIGINT)
        _, said = started.communicate(timeout=60)
    return started.returncode, said


def test_an_interrupt_is_one_line(tmp_path):
    assert interrupt(tmp_path, 3, 0.0, "loky") == (130, "interrupted\n")


def test_an_interrupt_that_another_exception_hides_is_told():
    """As loky's: it is interrupted before it has a pipe, and then cannot close that."""

    def starting(first):
        def start(calls):
            try:
                raise first
            finally:
                raise UnboundLocalError("parent_r")

        return start

    ctrl_c = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as told:
        list(pool._stream(starting(ctrl_c), []))
    assert told.value is ctrl_c
    with pytest.raises(UnboundLocalError, match="parent_r"):
        list(pool._stream(starting(OSError()), []))
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:  # an earlier one, which somebody handles by running something else
        with pytest.raises(UnboundLocalError, match="parent_r"):
            list(pool._stream(starting(OSError()), []))


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.4, 0.8])
def test_an_interrupt_while_processes_start_is_one_line(delay, tmp_path):
    assert interrupt(tmp_path, 1, delay, "loky") == (130, "interrupted\n")


# --- a cluster ----------------------------------------------------------------------------------


def test_a_cluster_delivers_every_task_once(cluster):
    with open_workers("dask", scheduler=both_there(cluster)) as workers:
        assert workers.count == 2
        assert outcomes(workers, square, [(x,) for x in range(40)]) == {x: x * x for x in range(40)}
        assert set(reasons(outcomes(workers, fragile, [(x,) for x in range(8)]))) == {3, 4, 5}
        assert os.getpid() not in outcomes(workers, whereabouts, [()] * 4).values()


def test_a_cluster_with_a_worker_killed_changes_no_bit(cluster, expected, tmp_path):
    """The arrays are what dask would place on one worker, and lose with it."""
    tasks = [
        (*task, str(tmp_path / "flag") if number == 2 else None, np.arange(1000.0 + number))
        for number, task in enumerate(chunks())
    ]
    with open_workers("dask", scheduler=both_there(cluster)) as workers:
        found = outcomes(workers, train, tasks)
    assert (tmp_path / "flag").exists()  # it was killed
    assert digest(found) == expected


def test_a_cluster_drops_what_is_left_when_closed_early(cluster, tmp_path):
    with open_workers("dask", scheduler=both_there(cluster)) as workers:
        results = workers.execute(mark, [(str(tmp_path), x) for x in range(500)])
        next(results)
        results.close()
        assert 1 <= begun(tmp_path) < 250


def lie():
    """Make this worker one with another numba."""
    pool._honest = pool._identity
    pool._identity = lambda: {"numba": "0.1.0"}
    pool._WRONG_CODE_PAUSE = 0.1
    pool._code.cache_clear()


def tell_the_truth():
    pool._identity = pool._honest
    pool._code.cache_clear()


def test_a_cluster_with_other_code_is_refused_or_its_results_are(cluster):
    address = both_there(cluster)
    with open_workers("dask", scheduler=address) as workers:
        workers._client.run(lie)
        try:
            with pytest.raises(ConfigError, match=r"^scheduler: worker \S+: gansim none, here \S+: the same on all"):
                open_workers("dask", scheduler=address)
            found = outcomes(workers, square, [(1,)])  # as if they had joined when others had been looked over
        finally:
            workers._client.run(tell_the_truth)
        assert reasons(found) == {
            0: "no worker could take it up: a worker that joined late has other source or versions"
        }
        assert outcomes(workers, square, [(3,)]) == {0: 9}


def test_a_cluster_that_is_not_there_is_refused(monkeypatch):
    pytest.importorskip("distributed", reason="needs dask: the extra `dask`, part of `test`")
    monkeypatch.setattr(pool, "_ANSWER_WITHIN", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    refused = f"scheduler: value '{nobody}': a dask scheduler that answers within"
    with pytest.raises(ConfigError, match=refused):
        open_workers("dask", scheduler=nobody)
    with pytest.raises(ConfigError, match=r"scheduler: value 'nonsense': a dask scheduler .* missing port"):
        open_workers("dask", scheduler="nonsense")
    with pytest.raises(ConfigError, match="scheduler: value None: the address of a dask scheduler"):
        open_workers("dask")


def test_dask_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r'backend: value dask: needs dask, pip install "gansim\[dask\]"'):
        open_workers("dask", scheduler="tcp://127.0.0.1:1")


@pytest.mark.slow
def test_somebody_who_takes_the_call_and_says_nothing_is_refused(monkeypatch):
    pytest.importorskip("distributed", reason="needs dask: the extra `dask`, part of `test`")
    monkeypatch.setattr(pool, "_ANSWER_WITHIN", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConfigError, match="a dask scheduler that answers within"):
            open_workers("dask", scheduler=address)


@pytest.mark.slow
def test_a_task_that_always_kills_its_worker_is_reported_by_a_cluster(cluster):
    """Where joblib's own backend waits for ever."""
    with open_workers("dask", scheduler=both_there(cluster)) as workers:
        found = outcomes(workers, deadly, [(x, 0.3) for x in range(6)])
    assert reasons(found) == {1: "every worker that took it up died, also with no other task beside it"}
    assert "4 different workers" in found[1].detail
    assert [found[x] for x in (0, 2, 3, 4, 5)] == [0, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_cluster_of_one_core_does_not_work_here():
    with start_cluster(1) as one, open_workers("dask", scheduler=one.scheduler_address) as workers:
        assert workers.count == 1
        assert os.getpid() not in outcomes(workers, whereabouts, [()] * 3).values()


@pytest.mark.slow
def test_a_cluster_without_workers_is_refused_and_a_deserted_one_given_up(monkeypatch):
    monkeypatch.setattr(pool, "_WORKERS_WITHIN", 0.5)
    monkeypatch.setattr(pool, "_LOOK_EVERY", 0.2)
    monkeypatch.setattr(pool, "_DESERTED", 2.0)
    with start_cluster(1) as running:
        with open_workers("dask", scheduler=running.scheduler_address) as workers:
            running.scale(0)
            found = outcomes(workers, square, [(x, 0.1) for x in range(30)])
        assert set(reasons(found).values()) == {"no worker could take it up: the cluster has had no workers for 2 s"}
        with pytest.raises(ConfigError, match="it has no workers; start some first"):
            open_workers("dask", scheduler=running.scheduler_address)


SCHEDULER = """
import time
from helpers.clusters import start_cluster
if __name__ == "__main__":
    with start_cluster(1) as running:
        print(running.scheduler_address, flush=True)
        time.sleep(600)
"""


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_tasks_and_not_the_study(monkeypatch, tmp_path):
    pytest.importorskip("distributed", reason="needs dask: the extra `dask`, part of `test`")
    monkeypatch.setattr(pool, "_ANSWER_WITHIN", 1.0)
    monkeypatch.setattr(pool, "_LOOK_EVERY", 0.2)
    (tmp_path / "script.py").write_text(SCHEDULER, encoding="utf-8")
    place = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/running")])
    command = [sys.executable, "script.py"]
    environment = os.environ | {"PYTHONPATH": place}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as started:
        address = started.stdout.readline().strip()
        with open_workers("dask", scheduler=address) as workers:
            results = workers.execute(square, [(x, 0.1) for x in range(50)])
            found = dict(itertools.islice(results, 3))
            started.kill()
            found |= dict(results)
    assert len(found) == 50
    assert 0 < len(reasons(found)) < 48
    assert all(
        reason.startswith("no worker could take it up: the scheduler is gone") for reason in reasons(found).values()
    )


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_an_interrupt_of_a_cluster_is_one_line(cluster, delay, tmp_path):
    assert interrupt(tmp_path, 3, delay, "dask", both_there(cluster)) == (130, "interrupted\n")
