"""The engine: one thread that trains for all sessions in turn. It is there as long as somebody watches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Condition, Thread

from gansim.errors import ConfigError
from gansim.live.session import NEVER, Session
from gansim.live.threads import Threads

__all__ = ["Engine"]

_MOST = 12  # sessions at once: each may hold a gigabyte


class Engine:
    """Trains for sessions, a slice of each in turn, so that three pages get a third each."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []
        self._wake = Condition()
        self._woken = False
        self._thread: Thread | None = None

    def session(self, deliver: Callable[[bytes], object]) -> Session:
        """Somebody begins to watch.

        Parameters
        ----------
        deliver : callable
            Takes messages for the page, from the engine's thread; it must not wait.

        Raises
        ------
        ConfigError
            If there are too many already.
        """
        session = Session(deliver, self._tell)
        with self._wake:
            if len(self._sessions) >= _MOST:
                raise ConfigError(f"pages: {_MOST} are open: close one")
            self._sessions.append(session)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="gansim-engine", daemon=True)
                self._thread.start()
        return session

    @property
    def sessions(self) -> int:
        """How many watch."""
        return len(self._sessions)

    def close(self) -> None:
        """End all sessions, and wait until nothing is trained any more."""
        with self._wake:
            thread = self._thread
            for session in self._sessions:
                session.closed = True
        self._tell()
        if thread is not None:
            thread.join()

    def _tell(self) -> None:
        with self._wake:
            self._woken = True
            self._wake.notify()

    def _run(self) -> None:
        threads = Threads()
        try:
            while ready := self._next():
                for session in ready:
                    self._turn(session, threads)
        finally:
            threads.close()

    def _turn(self, session: Session, threads: Threads) -> None:
        if session.closed:
            return
        try:
            session.turn(threads)
        except Exception as error:  # a defect, or no memory: the page is told, others go on
            logging.getLogger("gansim").exception("a session has failed")
            session.end()
            session.deliver_failure(error)

    def _next(self) -> list[Session]:
        """Wait until sessions want a turn, and return them; none once nobody watches."""
        while True:
            with self._wake:
                for session in [one for one in self._sessions if one.closed]:
                    session.end()
                    self._sessions.remove(session)
                if not self._sessions:
                    self._thread = None
                    return []
                self._woken = False
            dues = [(session.due(), session) for session in self._sessions]
            now = time.monotonic()
            if ready := [session for due, session in dues if due <= now]:
                return ready
            soonest = min(due for due, _ in dues)
            with self._wake:
                if not self._woken:
                    self._wake.wait(None if soonest == NEVER else max(0.0, soonest - now))
