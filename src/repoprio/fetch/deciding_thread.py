"""The deciding thread: it waits for workers, and counts their requests."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from repoprio.fetch.worker_pool import WorkerPool
from repoprio.lookup.events import FetchFailed
from repoprio.urls import Site

# The longest wait in seconds: Ctrl-C is noticed between two waits, on Windows too.
_SLICE = 0.5
# The longest wait in seconds if progress is shown.
_GLANCE = 0.1
# How many seconds to wait for the requests of workers before a request that may have been one too many is repeated.
_CROWD = 30.0
Result = TypeVar("Result")


class Progress(Protocol):
    """Shows progress while the deciding thread waits."""

    def show(self, done: int, under_way: int) -> None:
        """Show how many names were looked up, and how many are under way."""

    def hide(self) -> None:
        """Clear the terminal line, because something else is written."""


class TimeLimit(NamedTuple):
    """`seconds` of `clock`, which stops while a person is asked for a login."""

    seconds: float
    clock: Callable[[], float]


# `is_worker`: whether this thread works for the deciding thread.
_THREAD = threading.local()
NO_LIMIT = TimeLimit(3600.0, lambda: 0.0)


class DecidingThread:
    """Waits for the workers of a pool, and does what only this thread can do, such as asking a person.

    It counts the workers' requests to each site: if there were too many, one of its own requests may fail.
    """

    def __init__(self) -> None:
        self._pool = WorkerPool()
        self._changed = threading.Condition()
        self._is_news = False
        # For each site: the requests of workers that are under way, and all that were made.
        self._active: Counter[Site] = Counter()
        self._begun: Counter[Site] = Counter()
        # The sites that gave any answer. If a site gave none, it is down, and repeating a request does not help.
        self._answering: set[Site] = set()
        self._crowded: set[Site] = set()
        self._errands: deque[Callable[[], None]] = deque()
        self.progress: Progress | None = None
        # Called while the deciding thread waits; it must not ask for a page.
        self.meanwhile: Callable[[], None] = lambda: None

    def not_crowded(self, at: Site, ask: Callable[[], Result], is_good: Callable[[Result], bool]) -> Result:
        """For the deciding thread: the result of `ask`, which makes a request to `at`.

        If the result is not good, or `ask` raises, requests of workers may be the cause. Then it waits for those that
        are under way, lets no others begin, and calls `ask` again.
        """
        with self._changed:
            is_crowded, begun = self._active[at] > 0, self._begun[at]
        try:
            result = ask()
        except Exception:
            if at not in self._answering or (not is_crowded and self._begun[at] == begun):
                raise
        else:
            is_down = at not in self._answering and isinstance(result, FetchFailed)
            if is_good(result) or is_down or (not is_crowded and self._begun[at] == begun):
                return result
        with self._changed:
            self._crowded.add(at)
            self._close(at)
        try:
            self.wait_for(lambda: not self._active[at], TimeLimit(_CROWD, time.monotonic))
            return ask()
        finally:
            self._crowded.discard(at)

    def is_crowded(self, at: Site) -> bool:
        """Whether workers may not ask a site now, because the deciding thread repeats a request there."""
        return at in self._crowded

    def note_answer(self, at: Site) -> None:
        """Note that a site gave an answer, good or bad."""
        with self._changed:
            self._answering.add(at)

    def _close(self, at: Site) -> None:
        """Stop workers from asking a site until it has given this thread a good answer."""

    def in_time(self, work: Callable[[], Result], limit: TimeLimit) -> Result:
        """For the deciding thread: what `work` returns or raises; raises `TimeoutError` after `limit`.

        `work` runs in a worker: pip's timeout ends silence, but neither an answer that drips byte by byte nor a page
        that takes too long to parse. A worker that is late is abandoned.
        """
        results: list[Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            _THREAD.is_worker = True
            try:
                results.append(work())
            except BaseException as error:  # noqa: BLE001 - it is raised again in the deciding thread
                errors.append(error)
            _THREAD.is_worker = False
            self._notify()

        self._pool.run_now(run)
        if not self.wait_for(lambda: bool(results or errors), limit):
            raise TimeoutError
        if errors:
            raise errors[0]
        return results[0]

    def in_deciding_thread(self, work: Callable[[], Result]) -> Result:
        """What `work` returns or raises, run in the deciding thread: it asks a person, and Ctrl-C reaches only that."""
        if not getattr(_THREAD, "is_worker", False):
            return work()
        is_done = threading.Event()
        results: list[Result] = []
        errors: list[Exception] = []

        def errand() -> None:
            try:
                results.append(work())
            except Exception as error:  # noqa: BLE001 - it is raised again in the thread that asked for this
                errors.append(error)
            is_done.set()

        self._errands.append(errand)
        self._notify()
        is_done.wait()
        if errors:
            raise errors[0]
        return results[0]

    def wait_for(self, is_over: Callable[[], bool], limit: TimeLimit) -> bool:
        """For the deciding thread: wait until `is_over` returns true; False if that takes longer than `limit`."""
        end = limit.clock() + limit.seconds
        try:
            while not is_over():
                left = end - limit.clock()
                if left <= 0:
                    return False
                self._show_progress()
                self._wait(is_over, left)
            return True
        finally:
            if self.progress:
                self.progress.hide()

    def _show_progress(self) -> None:
        """Show the progress, if there is anything to show."""

    def _wait(self, is_over: Callable[[], bool], seconds: float) -> None:
        """Run errands, then wait for a notification, at most for `seconds`."""
        while self._errands:
            if self.progress:
                self.progress.hide()
            self._errands.popleft()()
        self.meanwhile()
        with self._changed:
            if not is_over() and not self._is_news:
                self._changed.wait(min(seconds, _GLANCE if self.progress else _SLICE))
            self._is_news = False

    def _begin(self, at: Site) -> None:
        """Note that a worker begins a request to a site."""
        with self._changed:
            self._active[at] += 1
            self._begun[at] += 1

    def _end(self, at: Site) -> None:
        with self._changed:
            self._active[at] -= 1

    def _notify(self) -> None:
        with self._changed:
            self._is_news = True
            self._changed.notify_all()
