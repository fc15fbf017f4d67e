"""A pool of threads that work for one waiting thread, with a limit for each site."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable

Work = Callable[[], None]
# The most connections to a site, that of the deciding thread included. Over TLS more are not faster: each needs a
# handshake, and pip's truststore makes one handshake at a time.
CONNECTIONS = 8
PLAIN_CONNECTIONS = 16
MOST = 48
# After this many seconds a thread without work ends.
_IDLE = 2.0
# `later`: what a thread of a pool does after its present work.
_THREAD = threading.local()


def afterwards(work: Work) -> None:
    """Run `work` in this thread once its present work is done, if it is one of a pool; else now."""
    later: deque[Work] | None = getattr(_THREAD, "later", None)
    if later is None:
        work()
    else:
        later.append(work)


def workers_for(site: Hashable) -> int:
    """How many workers may work for a `Site` at a time."""
    is_plain = getattr(site, "scheme", "") == "http"
    return (PLAIN_CONNECTIONS if is_plain else CONNECTIONS) - 1


class WorkerPool:
    """Runs functions in its threads. They are daemons: Python does not wait for them at exit.

    At most `per_site` of them work for a site at a time.
    """

    def __init__(self, *, most: int = MOST, per_site: Callable[[Hashable], int] = workers_for) -> None:
        self._most = most
        self._per_site = per_site
        self._changed = threading.Condition()
        self._urgent: deque[Work] = deque()
        self._queued: dict[Hashable, deque[Work]] = {}
        self._busy: Counter[Hashable] = Counter()
        self._threads = 0
        self._idle = 0

    def submit(self, site: Hashable, work: Work) -> None:
        """Run `work` as soon as a thread is free and `site` is below its limit; it must not raise."""
        with self._changed:
            self._queued.setdefault(site, deque()).append(work)
            if self._busy[site] < self._per_site(site):
                self._call_one(self._most)

    def run_now(self, work: Work) -> None:
        """Run `work` at once, in a new thread if all are busy; it must not raise."""
        with self._changed:
            self._urgent.append(work)
            self._call_one(None)

    def drop(self) -> None:
        """Forget all work that has not begun."""
        with self._changed:
            self._queued.clear()

    def _call_one(self, most: int | None) -> None:
        """Wake an idle thread, or start one."""
        free = {site: max(0, self._per_site(site) - self._busy[site]) for site in self._queued}
        ready = len(self._urgent) + sum(min(len(jobs), free[site]) for site, jobs in self._queued.items())
        if self._idle >= ready:
            self._changed.notify()
        elif most is None or self._threads < most:
            self._threads += 1
            threading.Thread(target=self._work, name="repoprio-page", daemon=True).start()

    def _work(self) -> None:
        _THREAD.later = later = deque[Work]()
        while (job := self._next()) is not None:
            site, work = job
            later.append(work)
            # While this thread waits, it must not keep the objects of its last job alive.
            del work, job
            while later:
                # Errors of work done ahead do not matter, and while Python shuts down imports may fail.
                with contextlib.suppress(BaseException):
                    later.popleft()()
            if site is not None:
                with self._changed:
                    self._busy[site] -= 1

    def _next(self) -> tuple[Hashable, Work] | None:
        """The next job with its site, or None as its site if it is urgent; None if there is no job for a while."""
        with self._changed:
            while (job := self._taken()) is None:
                self._idle += 1
                is_called = self._changed.wait(_IDLE)
                self._idle -= 1
                if not is_called:
                    # A job may have come just as the wait ended, and its sender counts on this thread.
                    job = self._taken()
                    self._threads -= job is None
                    return job
            return job

    def _taken(self) -> tuple[Hashable, Work] | None:
        if self._urgent:
            return None, self._urgent.popleft()
        for site, jobs in self._queued.items():
            if jobs and self._busy[site] < self._per_site(site):
                self._busy[site] += 1
                return site, jobs.popleft()
        return None
