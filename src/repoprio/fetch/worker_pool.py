"""A pool of threads that work for one waiting thread, with a limit for each site."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
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
# At most so many threads do work that nobody waits for: others would have to start for what is waited for.
_AT_LEISURE = 2
# At most so many bytes wait for such work.
_MOST_WAITING = 32 * 1024 * 1024
# How many seconds Python waits at exit for what was left for later.
_PATIENCE = 2.0
# `leisure`: where a thread of a pool leaves work for later; None while it does such work.
_THREAD = threading.local()


def afterwards(work: Work, size: int = 0) -> None:
    """Run `work` once a thread of this pool has nothing else to do; in a thread of no pool now.

    It keeps `size` bytes in memory. If too many wait already, it runs now.
    """
    leisure: _Leisure | None = getattr(_THREAD, "leisure", None)
    if leisure is None:
        work()
    elif not leisure.add(work, size):
        # What `work` leaves for afterwards is done now, too.
        _THREAD.leisure = None
        _do(work)
        _THREAD.leisure = leisure


class _Leisure:
    """Work that nobody waits for."""

    def __init__(self) -> None:
        self._work: deque[tuple[Work, int]] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._under_way = 0

    def add(self, work: Work, size: int) -> bool:
        """Leave `work`, which keeps `size` bytes, for later; False if it has to be done now."""
        with self._changed:
            has_room = not size or self._waiting + size <= _MOST_WAITING
            if has_room:
                self._waiting += size
                self._work.append((work, size))
            return has_room

    def do_one(self) -> bool:
        """Do a piece of work in this thread; False if there is none, or other threads do it."""
        with self._changed:
            if not self._work or self._under_way >= _AT_LEISURE:
                return False
            work, size = self._work.popleft()
            self._under_way += 1
        _do(work)
        del work
        with self._changed:
            self._waiting -= size
            self._under_way -= 1
            self._changed.notify_all()
        return True

    def finish(self) -> None:
        """Do what is left, and wait for what is under way in other threads, for a short time."""
        end = time.monotonic() + _PATIENCE
        while (left := end - time.monotonic()) > 0:
            if not self.do_one():
                with self._changed:
                    if not self._work and not self._under_way:
                        return
                    self._changed.wait(left)


def _do(work: Work) -> None:
    # Errors of work done ahead do not matter, and while Python shuts down imports may fail.
    with contextlib.suppress(BaseException):
        work()


def workers_for(site: Hashable) -> int:
    """How many workers may work for a `Site` at a time."""
    is_plain = getattr(site, "scheme", "") == "http"
    return (PLAIN_CONNECTIONS if is_plain else CONNECTIONS) - 1


class WorkerPool:
    """Runs functions in its threads. They are daemons: at exit Python waits only for what was left for later.

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
        self._leisure = _Leisure()
        weakref.finalize(self, self._leisure.finish)

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
        while (job := self._next()) is not None:
            site, work = job
            _THREAD.leisure = self._leisure
            _do(work)
            _THREAD.leisure = None
            # While this thread waits, it must not keep the objects of its last job alive.
            del work, job
            if site is not None:
                with self._changed:
                    self._busy[site] -= 1

    def _next(self) -> tuple[Hashable, Work] | None:
        """The next job with its site, or None as its site if it is urgent; None if there is no job for a while."""
        while True:
            with self._changed:
                job = self._taken()
            # A page that is waited for comes first.
            if job is not None or not self._leisure.do_one():
                break
        return job or self._waited_for()

    def _waited_for(self) -> tuple[Hashable, Work] | None:
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
