"""The execution loop: tasks over joblib's workers, and what becomes of a task whose worker dies.

Three kinds of workers: threads of this process, processes of this machine (loky), a cluster (dask). All of them deliver
every task once, as its result or as a `Failure`, in any order. What the tasks compute is not known here.

A worker that dies takes its task along; the task is handed out again. One that was at work whenever workers died runs
alone, with no other task beside it. If its worker dies then too, the task is what kills: it is reported, and the others
go on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback
import uuid
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from joblib.parallel import LokyBackend, ParallelBackendBase

from gansim.children import SAFE_PATH, end_with, have_streams, open_streams, safe_path, signals_held_back
from gansim.errors import ConfigError, one_line, shown
from gansim.model.fields import check_integer
from gansim.storage.provenance import running_source, versions

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Backend", "Failure", "Workers", "open_workers", "workers_for"]

Backend: TypeAlias = Literal["threads", "loky", "dask"]

# Rounds in a row that bring nothing and blame nothing, after which their tasks are given up: workers that cannot even
# start (no memory, no gansim) would otherwise be started for ever.
_FRUITLESS = 3

_MAX_JOBS = 4096
_ANSWER_WITHIN = 5.0  # seconds for a scheduler to answer
_WORKERS_WITHIN = 30.0  # seconds for a cluster to show its first worker
_DESERTED = 300.0  # seconds without any worker after which a cluster is given up
_LOOK_EVERY = 5.0  # seconds between looks at whether there are workers
_WRONG_CODE_PAUSE = 1.0  # seconds a worker with other code keeps a task, or it would run through the whole queue

_GONE = "the scheduler is gone"


@dataclass(frozen=True)
class Failure:
    """A task that has no result.

    Attributes
    ----------
    task : int
        Its number in the sequence that was given.
    reason : str
        What happened, in one line.
    detail : str
        The traceback of an exception, or what is known of a worker's death; several lines.
    """

    task: int
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class _Lost:
    """What became of a task in a round that ended without an outcome for it."""

    reason: str
    blamed: bool = False  # it was at work when its worker died


def workers_for(jobs: object) -> int:
    """Return the number of workers that is meant, or refuse it.

    Parameters
    ----------
    jobs : int
        1 to 4,096; -1: one per core.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if isinstance(jobs, (int, np.integer)) and jobs == -1:
        return max(1, int(cpu_count()))
    try:
        return check_integer(jobs, "jobs", 1, _MAX_JOBS)
    except ConfigError as error:
        raise ConfigError(f"{error}, or -1 for one per core") from None


def open_workers(backend: Backend = "threads", jobs: int = 1, scheduler: str | None = None) -> Workers:
    """Get workers ready; a cluster is connected to and looked over here, before anything is simulated.

    Parameters
    ----------
    backend : str, default "threads"
        "threads" of this process; "loky", processes of this machine; "dask", the workers of a cluster.
    jobs : int, default 1
        Number of threads or processes, 1 or more. A cluster has the workers that it has.
    scheduler : str, optional
        Address of the cluster's scheduler, such as "tcp://10.0.0.1:8786": needed for "dask", refused elsewhere.

    Returns
    -------
    Workers
        A context manager.

    Raises
    ------
    ConfigError
        If an argument is refused; if dask is not installed, no scheduler answers, it has no workers, or a worker's
        source of gansim or version of numba, llvmlite, numpy or scipy is not the one here: bits could then differ.

    Examples
    --------
    >>> with open_workers("threads", jobs=2) as workers:
    ...     sorted(workers.execute(pow, [(2, 5), (2, 6)]))
    [(0, 32), (1, 64)]
    """
    if backend not in get_args(Backend):
        raise ConfigError(f"backend: value {shown(backend)}: one of {', '.join(get_args(Backend))}")
    if backend == "dask":
        return _Cluster(scheduler)
    if scheduler is not None:
        raise ConfigError(f"scheduler: value {shown(scheduler)}: none, unless the backend is dask")
    return _Threads(jobs) if backend == "threads" else _Processes(jobs)


# --- the loop -----------------------------------------------------------------------------------


class Workers(ABC):
    """Workers of one kind.

    Attributes
    ----------
    count : int
        How many tasks they work on at once.
    local : bool
        Whether they are on this machine, and find here what this process has compiled.
    """

    count: int
    local = True
    _patience: int  # deaths of its workers after which a task runs alone; as many again, and it is given up

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - joblib keeps threads and processes for later
        """Let go of the workers."""

    def execute(
        self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]
    ) -> Generator[tuple[int, Any], None, None]:
        """Call a function with the arguments of every task.

        Parameters
        ----------
        function : callable
            A function of a module, where other processes find it, and a pure one: a task may be worked on twice.
        tasks : iterable of tuple
            The arguments of each call. Small ones: they are sent to processes and clusters.

        Yields
        ------
        (int, Any)
            The number of a task and its result, or its `Failure`: each task once, as they finish. An exception in a
            task is a failure of that task alone. Closed early, the generator hands out no further task.
        """
        left = dict(enumerate(tasks))
        deaths: Counter[int] = Counter()
        fruitless = 0
        while left:
            suspect = next((number for number in left if deaths[number] >= self._patience), None)
            chosen = dict(left) if suspect is None else {suspect: left[suspect]}
            progress, reason = False, ""
            with contextlib.closing(self._round(function, chosen)) as outcomes:
                for number, outcome in outcomes:
                    if isinstance(outcome, _Lost):
                        reason = outcome.reason
                        deaths[number] += outcome.blamed
                        progress = progress or outcome.blamed
                        if deaths[number] < 2 * self._patience:
                            continue
                        outcome = Failure(
                            number, "every worker that took it up died, also with no other task beside it", reason
                        )
                    progress = True
                    del left[number]
                    yield number, outcome
            fruitless = 0 if progress else fruitless + 1
            if fruitless == _FRUITLESS:
                fruitless = 0
                for number in chosen:
                    del left[number]
                    yield number, Failure(number, f"no worker could take it up: {_first_line(reason)}", reason)

    @abstractmethod
    def _round(
        self, function: Callable[..., Any], tasks: Mapping[int, tuple[Any, ...]]
    ) -> Generator[tuple[int, Any], None, None]:
        """Try each of these tasks once, and yield its number with its result, a `Failure` or a `_Lost`."""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _attempt(number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[int, Any]:
    """Do one task, in a worker."""
    try:
        return number, function(*arguments)
    except (Exception, SystemExit) as error:  # a SystemExit would end a thread, and its task would never come back
        kind, text = type(error).__name__, one_line(error)
        return number, Failure(number, kind if text == kind else f"{kind}: {text}", traceback.format_exc())


def _stream(pool: Parallel[Any], calls: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
    """Results of joblib's workers as they come; when closed early, tasks that wait are dropped, without a warning."""
    results: Any = None
    try:
        with signals_held_back(), _interrupts_told():
            results = pool(calls)
        for result in results:  # noqa: UP028 - `yield from` would close them before the block below
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "[0-9]+ tasks", UserWarning)  # joblib's word on results nobody asked for
            if results is not None:
                results.close()


@contextlib.contextmanager
def _interrupts_told() -> Iterator[None]:
    """Raise the Ctrl-C that lies behind another exception: loky's cleaning up stumbles over what it left undone."""
    outside = sys.exception()  # handled by whoever calls, and no news
    try:
        yield
    except Exception as error:
        behind: BaseException | None = error
        while behind not in (None, outside) and not isinstance(behind, KeyboardInterrupt):
            behind = behind.__context__
        if behind in (None, outside):
            raise
        raise behind from None


# --- threads ------------------------------------------------------------------------------------


class _Threads(Workers):
    _patience = 1  # never asked for: what kills a thread kills this process

    def __init__(self, jobs: int) -> None:
        self.count = jobs

    def _round(
        self, function: Callable[..., Any], tasks: Mapping[int, tuple[Any, ...]]
    ) -> Generator[tuple[int, Any], None, None]:
        pool = Parallel(
            self.count, "threading", return_as="generator_unordered", batch_size=1, pre_dispatch="2 * n_jobs"
        )
        yield from _stream(pool, [delayed(_attempt)(n, function, arguments) for n, arguments in tasks.items()])


# --- processes ----------------------------------------------------------------------------------


class _Loky(LokyBackend):
    """joblib's, whose processes look for modules where this one does, whenever they are started."""

    def _prepare_worker_env(self, n_jobs: int) -> dict[str, str]:
        return {**super()._prepare_worker_env(n_jobs), **SAFE_PATH}  # type: ignore[misc]


class _Processes(Workers):
    """loky: when one process dies, the pool is broken, and everything that was not delivered is to be done again."""

    _patience = 2  # twice in company: one killed worker makes suspects of all that were at work, and alone takes long

    def __init__(self, jobs: int) -> None:
        self.count = jobs

    def _round(
        self, function: Callable[..., Any], tasks: Mapping[int, tuple[Any, ...]]
    ) -> Generator[tuple[int, Any], None, None]:
        missing = set(tasks)
        # Never one worker: joblib would then run the tasks in this process, which a task that kills would take along.
        # And no more tasks at once than loky's queue takes (2 a worker and 1): stopped with more, it prints a KeyError.
        pool = Parallel(
            max(2, self.count),
            _Loky(nesting_level=0),
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch=2 * self.count if self.count > 1 else 1,
            initializer=_begin,
            initargs=(os.getpid(),),
        )
        _start_helpers()
        desks = tempfile.TemporaryDirectory(prefix="gansim-", ignore_cleanup_errors=True)
        with open_streams(), desks as desk:
            code = _code()
            calls = [delayed(_attempt_noted)(desk, n, function, arguments, code) for n, arguments in tasks.items()]
            try:
                for number, outcome in _stream(pool, calls):
                    missing.discard(number)
                    yield number, outcome
            except BrokenProcessPool as error:
                taken_up = _taken_up(desk)
                for number in sorted(missing):
                    yield number, _Lost(str(error), blamed=number in taken_up)


def _start_helpers() -> None:
    """Start the processes that clean up after loky's, each ``python -c``, where the environment can be seen to.

    Before the others: up to Python 3.12 one of them lets Ctrl-C in again as it starts.
    """
    with signals_held_back(), safe_path():
        resource_tracker.ensure_running()
        loky_tracker.ensure_running()


_desks: set[str] = set()  # folders of notes that this process has seen, to be removed with the parent


def _begin(parent: int) -> None:
    """What a process does first: have streams, without which loky cannot go on, and end with the parent."""
    have_streams()
    end_with(parent, _clear_desks)


def _clear_desks() -> None:
    for desk in _desks:
        shutil.rmtree(desk, ignore_errors=True)


def _attempt_noted(
    desk: str, number: int, function: Callable[..., Any], arguments: tuple[Any, ...], code: str
) -> tuple[int, Any]:
    """Do one task in a process, after a note of what this process does now: a broken pool does not tell."""
    _desks.add(desk)
    Path(desk, str(os.getpid())).write_text(str(number), encoding="utf-8")
    if _code() != code:  # it has read gansim's files later than its parent, and somebody has edited them
        return number, Failure(number, "a new process has other source or settings than its parent: start again")
    return _attempt(number, function, arguments)


def _taken_up(desk: str) -> set[int]:
    """The last task of every process."""
    notes = [note.read_text(encoding="utf-8") for note in Path(desk).iterdir()]
    return {int(note) for note in notes if note}  # an empty one: killed while it wrote


# --- a cluster ----------------------------------------------------------------------------------


class _Cluster(Workers):
    """The workers of a dask cluster, through a backend of joblib of our own.

    joblib's own backend waits for ever for a task that its scheduler has given up, runs the tasks in this process if
    the cluster has one core, and gives every worker a client of its own.
    """

    local = False
    _patience = 1  # the scheduler itself hands a task out to four workers before it gives up

    def __init__(self, scheduler: str | None) -> None:
        self._client = _connect(scheduler)
        try:
            _refuse_other_code(self._client, str(scheduler))
        except BaseException:
            self._client.close()
            raise
        self.count = max(1, sum(self._client.nthreads().values()))
        self._backend = _DaskBackend(self._client)
        self._deserted = ""  # why, once the cluster is given up
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="gansim-cluster", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        log = logging.getLogger("distributed.batched")
        level = log.level
        log.setLevel(logging.WARNING)  # or it tells, with a traceback, that a message was on its way
        try:
            self._client.close()
        finally:
            log.setLevel(level)

    def _round(
        self, function: Callable[..., Any], tasks: Mapping[int, tuple[Any, ...]]
    ) -> Generator[tuple[int, Any], None, None]:
        if self._deserted:
            yield from ((number, _Lost(self._deserted)) for number in tasks)
            return
        self._backend = _DaskBackend(self._client)
        # All at once: workers that join later then find work, and the scheduler spreads it.
        pool = Parallel(2, self._backend, return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        code = _code()
        calls = [delayed(_attempt_checked)(n, function, arguments, code) for n, arguments in tasks.items()]
        yield from _stream(pool, calls)

    def _watch(self) -> None:
        """Give the cluster up when its scheduler is gone, or its workers for long: tasks would wait without end."""
        seen = time.monotonic()
        while not self._closed.wait(_LOOK_EVERY):
            if self._client.status == "closed":  # dask's client closes itself when it cannot connect again
                self._deserted = _GONE
            with contextlib.suppress(Exception):  # no answer: for us, no workers
                if not self._deserted and self._client.nthreads():
                    seen = time.monotonic()
            if time.monotonic() - seen > _DESERTED:
                self._deserted = f"the cluster has had no workers for {_DESERTED:.0f} s"
            if self._deserted:
                self._backend.give_up(self._deserted)


class _DaskBackend(ParallelBackendBase):
    """A backend of joblib that calls back for every task, whatever its end."""

    supports_retrieve_callback = True

    def __init__(self, client: Client) -> None:
        super().__init__(nesting_level=0)
        self._client: Any = client
        # Tasks without an outcome: number, future, whom to call. dask forgets a task whose future nobody holds.
        self._waiting: dict[str, tuple[int, Any, Callable[[Any], object]]] = {}

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Two, always: with one joblib would run the tasks in this process; the scheduler knows how many there are."""
        return 2

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:  # type: ignore[override]
        """Remember who asks, as every backend of joblib does."""
        self.parallel = parallel
        return self.effective_n_jobs(n_jobs)

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Hand a batch of one task to the scheduler, whole: dask looks into no argument of it, and scatters none."""
        [(_, (number, *_), _)] = func.items
        key = f"gansim-{uuid.uuid4().hex}"
        self._waiting[key] = number, None, callback
        try:
            future = self._client.submit(func, key=key, pure=False)
            self._waiting[key] = number, future, callback
            self._client.loop.add_callback(self._follow, key, future)
        except Exception as error:  # the client has closed, because it could not connect again
            self._deliver(key, _Lost(f"{_GONE} ({one_line(error)})"))
            return None
        return future

    async def _follow(self, key: str, future: Any) -> None:
        """Wait for a task's end and fetch its result, in the client's event loop: a thread would outlive the client."""
        from distributed import KilledWorker

        outcome: Any
        try:
            [[(_, outcome)]] = await self._client.gather([future], asynchronous=True)
        except KilledWorker as error:
            outcome = _Lost(str(error), blamed=True)
        except BaseException as error:  # the cluster's, CancelledError among them: `_attempt` lets no task raise
            outcome = _Lost(f"{type(error).__name__}: {one_line(error)}")
        self._deliver(key, outcome)

    def _deliver(self, key: str, outcome: Any) -> None:
        number, _, callback = self._waiting.pop(key, (0, None, None))
        if callback is not None:
            callback([(number, outcome)])

    def give_up(self, reason: str) -> None:
        """Let every task that has no outcome be lost."""
        for key in list(self._waiting):
            self._deliver(key, _Lost(reason))

    def retrieve_result_callback(self, out: Any) -> Any:
        """Results of a batch of one task: as they were delivered."""
        return out

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Drop what has not begun."""
        futures = [future for _, future, _ in self._waiting.values()]
        self._waiting.clear()
        with contextlib.suppress(Exception):  # the scheduler may be gone, and then has dropped it
            self._client.cancel(futures)


def _attempt_checked(
    number: int, function: Callable[..., Any], arguments: tuple[Any, ...], code: str
) -> tuple[int, Any]:
    """Do one task in a worker that may have joined since the cluster was looked over."""
    if _code() != code:
        time.sleep(_WRONG_CODE_PAUSE)
        return number, _Lost("a worker that joined late has other source or versions")
    return _attempt(number, function, arguments)


def _connect(address: str | None) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError('backend: value dask: needs dask, pip install "gansim[dask]"') from None
    if address is None:
        raise ConfigError("scheduler: value None: the address of a dask scheduler, such as tcp://10.0.0.1:8786")
    found: list[Any] = []

    def knock() -> None:
        try:
            found.append(Client(address, timeout=_ANSWER_WITHIN, set_as_default=False))
        except Exception as error:  # an address that cannot be read, a protocol that is not there, nobody at home
            found.append(error)

    # In a thread of its own: whoever takes the call and says nothing is waited for without end, timeout or not.
    caller = threading.Thread(target=knock, daemon=True)
    caller.start()
    caller.join(_ANSWER_WITHIN + 2)
    if found and isinstance(found[0], Client):
        return found[0]
    why = f" ({type(found[0]).__name__}: {one_line(found[0])})" if found else ""
    raise ConfigError(
        f"scheduler: value {shown(address)}: a dask scheduler that answers within {_ANSWER_WITHIN:.0f} s{why}"
    )


# --- whose bits may differ ----------------------------------------------------------------------


def _refuse_other_code(client: Client, address: str) -> None:
    """Refuse a cluster without workers, or with one whose source or versions are not those here."""
    try:
        client.wait_for_workers(1, timeout=_WORKERS_WITHIN)
    except TimeoutError:
        raise ConfigError(f"scheduler: value {shown(address)}: it has no workers; start some first") from None
    ours = _identity()
    for worker, theirs in sorted(client.run(_identity, on_error="return").items()):
        where = f"scheduler: worker {worker}"
        if not isinstance(theirs, dict):
            raise ConfigError(f"{where}: cannot run gansim ({type(theirs).__name__}: {one_line(theirs)})")
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                there, here = (str(which.get(name, "none"))[:12] for which in (theirs, ours))
                raise ConfigError(f"{where}: {name} {there}, here {here}: the same on all, or bits could differ")


@lru_cache(maxsize=1)
def _identity() -> dict[str, str]:
    """What bits may depend on: gansim's source, and versions of what compiles and of what computes."""
    present = versions()
    deciding = ("gansim", "numba", "llvmlite", "numpy", "scipy")
    return {name: present[name] for name in deciding if name in present} | running_source()


@lru_cache(maxsize=1)
def _code() -> str:
    """`_identity` in sixteen characters, to be sent with every task."""
    return hashlib.sha256(json.dumps(_identity(), sort_keys=True).encode()).hexdigest()[:16]
