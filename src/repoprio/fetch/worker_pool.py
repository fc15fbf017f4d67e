"""A few long-lived threads that work for one that waits, at most so many at a time for one site."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable

Work = Callable[[], None]
# With that of the deciding thread eight connections to a site. More win nothing: each costs a handshake, which pip's
# TLS (truststore) makes one by one, and pip's sessions keep ten.
PER_SITE = 7
MOST = 32
# A thread with nothing to do ends after so many seconds.
_IDLE = 2.0


class WorkerPool:
    """Runs what is handed in, each in one of its threads. They are daemons: nobody waits for them at the end."""

    def __init__(self, *, most: int = MOST, per_site: int = PER_SITE) -> None:
        self._most = most
        self._per_site = per_site
        self._changed = threading.Condition()
        self._urgent: deque[Work] = deque()
        self._queued: dict[Hashable, deque[Work]] = {}
        self._busy: Counter[Hashable] = Counter()
        self._threads = 0
        self._idle = 0

    def submit(self, site: Hashable, work: Work) -> None:
        """Have `work` run as soon as a thread is free and `site` has not too many at work; it must not raise."""
        with self._changed:
            self._queued.setdefault(site, deque()).append(work)
            if self._busy[site] < self._per_site:
                self._call_one(self._most)

    def run_now(self, work: Work) -> None:
        """Have `work` run at once, however much is going on; it must not raise."""
        with self._changed:
            self._urgent.append(work)
            self._call_one(None)

    def drop(self) -> None:
        """Forget all that waits to be run."""
        with self._changed:
            self._queued.clear()

    def _call_one(self, most: int | None) -> None:
        """Wake an idle thread, or start one."""
        free = {site: max(0, self._per_site - self._busy[site]) for site in self._queued}
        ready = len(self._urgent) + sum(min(len(jobs), free[site]) for site, jobs in self._queued.items())
        if self._idle >= ready:
            self._changed.notify()
        elif most is None or self._threads < most:
            self._threads += 1
            threading.Thread(target=self._work, name="repoprio-page", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            site, work = job
            # Trouble of work done ahead is nobody's: least of all while Python shuts down, when imports fail.
            with contextlib.suppress(BaseException):
                work()
            # Nothing of it may outlive it in a thread that waits.
            del work, job
            if site is not None:
                with self._changed:
                    self._busy[site] -= 1

    def _next(self) -> tuple[Hashable, Work] | None:
        """The next job, with its site unless it is urgent; None once there was nothing to do for a while."""
        with self._changed:
            while (job := self._taken()) is None:
                self._idle += 1
                is_called = self._changed.wait(_IDLE)
                self._idle -= 1
                if not is_called:
                    # A job may have come as the wait ended: whoever brought it counts on this thread.
                    job = self._taken()
                    self._threads -= job is None
                    return job
            return job

    def _taken(self) -> tuple[Hashable, Work] | None:
        if self._urgent:
            return None, self._urgent.popleft()
        for site, jobs in self._queued.items():
            if jobs and self._busy[site] < self._per_site:
                self._busy[site] += 1
                return site, jobs.popleft()
        return None
