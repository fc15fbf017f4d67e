"""One thread that decides, and waits: what happens to it meanwhile, and how much others ask for it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from repoprio.fetch.worker_pool import WorkerPool
from repoprio.lookup.events import FetchFailed
from repoprio.urls import Site

# Ctrl-C is noticed in between, on Windows too.
_SLICE = 0.5
# Whoever is told how far it is may want to tell it now.
_GLANCE = 0.1
# For so many seconds answers to others are waited for before a request that may have been one too many is repeated.
_CROWD = 30.0
Result = TypeVar("Result")


class Progress(Protocol):
    """What tells a person how far it is, while the deciding thread waits."""

    def show(self, done: int, under_way: int) -> None:
        """So many names were looked up, and so many are under way."""

    def hide(self) -> None:
        """Others write now."""


class TimeLimit(NamedTuple):
    """So many `seconds` of `clock`, which stands still while a person is asked."""

    seconds: float
    clock: Callable[[], float]


# Whether this thread works for the deciding one.
_THREAD = threading.local()
NO_LIMIT = TimeLimit(3600.0, lambda: 0.0)


class DecidingThread:
    """Waits for threads of a pool that work for it, and works for them where only it can.

    It knows how many requests they have made to each site: too many may be why one of its own goes wrong.
    """

    def __init__(self) -> None:
        self._pool = WorkerPool()
        self._changed = threading.Condition()
        self._is_news = False
        # How many requests to a site are under way ahead, and how many there have been.
        self._active: Counter[Site] = Counter()
        self._begun: Counter[Site] = Counter()
        # The sites that answered at all, well or not: of one that is down nobody expects more with time.
        self._answering: set[Site] = set()
        self._crowded: set[Site] = set()
        self._errands: deque[Callable[[], None]] = deque()
        # Who is told how far it is.
        self.progress: Progress | None = None
        # What the deciding thread does while it waits; it must not ask for a page.
        self.meanwhile: Callable[[], None] = lambda: None

    def not_crowded(self, at: Site, ask: Callable[[], Result], is_good: Callable[[Result], bool]) -> Result:
        """For the deciding thread: what `ask` makes of a request to `at`.

        Where that is not good, or raises, and others asked there meanwhile, they may be the cause: once these have
        their answers, and no more are sent, it is asked again.
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
        """Whether nobody else may ask a site now: the deciding thread repeats a request there."""
        return at in self._crowded

    def note_answer(self, at: Site) -> None:
        """Note that a site answered, well or not."""
        with self._changed:
            self._answering.add(at)

    def _close(self, at: Site) -> None:
        """Have a site asked no more ahead, until it has answered this thread well."""

    def in_time(self, work: Callable[[], Result], limit: TimeLimit) -> Result:
        """For the deciding thread: what `work` returns, or raises; `TimeoutError` where that takes too long.

        It runs in a thread of the pool: pip's time-out counts silence, not a drip of bytes, nor a page that takes for
        ever to be read. A thread that is late is left alone.
        """
        came: list[Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            _THREAD.is_worker = True
            try:
                came.append(work())
            except BaseException as error:  # noqa: BLE001 - it is raised again in the deciding thread
                errors.append(error)
            _THREAD.is_worker = False
            self._tell()

        self._pool.run_now(run)
        if not self.wait_for(lambda: bool(came or errors), limit):
            raise TimeoutError
        if errors:
            raise errors[0]
        return came[0]

    def in_deciding_thread(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, or raises: it speaks with a person, whose Ctrl-C reaches only the deciding thread."""
        if not getattr(_THREAD, "is_worker", False):
            return work()
        is_done = threading.Event()
        came: list[Result] = []
        errors: list[Exception] = []

        def errand() -> None:
            try:
                came.append(work())
            except Exception as error:  # noqa: BLE001 - it is raised again in the thread that asked for this
                errors.append(error)
            is_done.set()

        self._errands.append(errand)
        self._tell()
        is_done.wait()
        if errors:
            raise errors[0]
        return came[0]

    def wait_for(self, is_over: Callable[[], bool], limit: TimeLimit) -> bool:
        """For the deciding thread: whether it is over within `limit`."""
        end = limit.clock() + limit.seconds
        try:
            while not is_over():
                left = end - limit.clock()
                if left <= 0:
                    return False
                self._tell_progress()
                self._wait(is_over, left)
            return True
        finally:
            if self.progress:
                self.progress.hide()

    def _tell_progress(self) -> None:
        """Say how far it is, if anybody is told."""

    def _wait(self, is_over: Callable[[], bool], seconds: float) -> None:
        """Wait for some news, `seconds` at most."""
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
        """Note that a site is asked ahead."""
        with self._changed:
            self._active[at] += 1
            self._begun[at] += 1

    def _end(self, at: Site) -> None:
        with self._changed:
            self._active[at] -= 1

    def _tell(self) -> None:
        with self._changed:
            self._is_news = True
            self._changed.notify_all()
