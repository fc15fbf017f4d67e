"""The threads that fetch, and time limits."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from repoprio.fetch.deciding_thread import TimeLimit
from repoprio.fetch.lookups_ahead import Ahead
from repoprio.fetch.page_cache import PageCache
from repoprio.fetch.worker_pool import WorkerPool, afterwards
from repoprio.lookup.events import FetchFailed, FetchRequest, FetchResult, PageFound, ResourceKind, StatusReceived
from repoprio.names import normalize
from repoprio.policy.model import Location, Repository

CORP = Repository("corp", (Location.of("https://corp.example/simple/"),), 10)


def page_of(name: str) -> FetchRequest:
    """The request for a page."""
    project = normalize(name)
    return FetchRequest(CORP, ResourceKind.PAGE, project, CORP.locations[0].page(project))


def test_what_waits_for_a_busy_site_starts_no_thread() -> None:
    """Many jobs for one site do not block others: idle threads run urgent jobs."""
    pool, seen, is_over = WorkerPool(most=8, per_site=lambda _: 2), set(), threading.Event()

    def wait() -> None:
        is_over.wait(20)

    for _ in range(50):
        pool.submit("site", wait)
    for _ in range(40):
        done = threading.Event()

        def urgent(done: threading.Event = done) -> None:
            seen.add(threading.get_ident())
            done.set()

        pool.run_now(urgent)
        assert done.wait(20)
        end = time.monotonic() + 20
        while not pool._idle and time.monotonic() < end:
            time.sleep(0.001)
    is_over.set()
    # As many as the burst of the first jobs may have started, and one.
    assert len(seen) <= 9


def test_a_job_that_comes_as_a_thread_gives_up_is_done() -> None:
    """A job that is submitted while the last idle thread stops waiting is run by that thread."""
    pool, waits = WorkerPool(), 0
    handed_in: list[int] = []
    done: list[int] = []

    class Late(threading.Condition):
        """Every other time the wait is over before the thread continues, somebody still finds it waiting."""

        def wait(self, timeout: float | None = None) -> bool:
            nonlocal waits
            waits += 1
            if waits % 2:
                handed_in.append(waits)
                pool.run_now(lambda: done.append(waits))
            return False

    pool._changed = Late()
    pool.run_now(lambda: None)
    end = time.monotonic() + 5
    while pool._threads and time.monotonic() < end:
        time.sleep(0.001)
    assert handed_in
    assert len(done) == len(handed_in)


def test_what_nobody_waits_for_is_done_afterwards() -> None:
    """In a thread of a pool it runs after all other work, and its errors end nothing; elsewhere it runs at once."""
    pool, done, is_over = WorkerPool(most=1), list[str](), threading.Event()

    def fail() -> None:
        raise ValueError

    def work() -> None:
        afterwards(lambda: done.append("first"))
        afterwards(fail)
        afterwards(lambda: done.append("second"))
        done.append("answer")

    may_begin = threading.Event()

    def wait() -> None:
        may_begin.wait(20)

    pool.submit("site", wait)
    pool.submit("site", work)
    pool.submit("site", lambda: done.append("another answer"))
    pool.submit("site", lambda: afterwards(is_over.set))
    may_begin.set()
    assert is_over.wait(20)
    assert done == ["answer", "another answer", "first", "second"]
    afterwards(done.clear)
    assert not done


def test_what_nobody_waits_for_does_not_fill_the_memory() -> None:
    """If too many bytes wait, a piece of work runs at once, with what it leaves itself; later there is room again."""
    pool, done, is_over = WorkerPool(most=1), list[str](), [threading.Event(), threading.Event()]
    half = 16 * 1024 * 1024

    def nested() -> None:
        afterwards(lambda: done.append("nested"))
        raise ValueError

    def work(event: threading.Event) -> None:
        afterwards(lambda: done.append("first"), half)
        afterwards(lambda: done.append("second"), half)
        afterwards(nested, half)
        done.append("answer")
        afterwards(event.set)

    for event in is_over:
        pool.submit("site", lambda event=event: work(event))  # type: ignore[misc]
        assert event.wait(20)
    assert done == ["nested", "answer", "first", "second"] * 2


def test_what_nobody_waits_for_is_done_before_python_exits() -> None:
    """A run that ends right after its last answer keeps that answer; one that hangs in a request still ends."""
    script = """
import os, threading, time
from repoprio.fetch.worker_pool import WorkerPool, afterwards
pool, is_answered = WorkerPool(most=2), threading.Event()
def work():
    for number in range(3):
        afterwards(lambda number=number: (time.sleep(0.05), os.write(1, b"%d\\n" % number)))
    is_answered.set()
pool.submit("site", work)
pool.submit("another site", threading.Event().wait)
is_answered.wait()
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert sorted(ended.stdout.split()) == ["0", "1", "2"]


def test_a_page_that_hangs_has_its_time_once() -> None:
    """A page that takes too long is given up, and is not waited for a second time."""
    is_over = threading.Event()
    is_slow = threading.Event()

    def fetch_ahead(ask: FetchRequest) -> FetchResult[str]:
        is_slow.set()
        is_over.wait(20)
        return PageFound("page", 1)

    ahead = Ahead[str](PageCache(), fetch_ahead, lambda _: True)
    now = TimeLimit(20.0, time.monotonic)
    late = FetchFailed("late")
    asked = []

    def own(ask: FetchRequest) -> FetchResult[str]:
        asked.append(ask.name)
        return PageFound("page", 1)

    ahead.fetch(page_of("first"), own, now, late)
    ahead._fly(page_of("slow"), lambda _: None)
    assert is_slow.wait(20)
    begin = time.monotonic()
    answer = ahead.fetch(page_of("slow"), own, TimeLimit(0.3, time.monotonic), late)
    is_over.set()
    assert answer == late
    assert asked == ["first"]
    assert time.monotonic() - begin < 10


DOWN, BUSY = FetchFailed("no answer"), StatusReceived(503)


@pytest.mark.parametrize(("answer", "own_answer", "times"), [(DOWN, DOWN, 1), (BUSY, DOWN, 2), (DOWN, BUSY, 2)])
def test_only_a_site_that_answers_may_be_crowded(
    answer: FetchResult[str], own_answer: FetchResult[str], times: int
) -> None:
    """A request that fails beside others is repeated alone, except to a site that is down."""
    both, is_over = threading.Barrier(2), threading.Event()

    def fetch_ahead(ask: FetchRequest) -> FetchResult[str]:
        both.wait(20)
        if ask.name == "slow":
            is_over.wait(20)
        return answer

    asked = []

    def own(ask: FetchRequest) -> FetchResult[str]:
        asked.append(ask.name)
        is_over.set()
        return own_answer

    first = threading.Event()
    ahead = Ahead[str](PageCache(), fetch_ahead, lambda _: True, lambda _: True)
    ahead._fly(page_of("slow"), lambda _: None)
    ahead._fly(page_of("first"), lambda _: first.set())
    assert first.wait(20)
    late = FetchFailed("late")
    assert ahead.fetch(page_of("own"), own, TimeLimit(20.0, time.monotonic), late) == own_answer
    assert asked == ["own"] * times


def test_progress_never_goes_back() -> None:
    """A name that continues with the next repository does not lower the number of finished ones."""
    shown = []

    class Noted:
        """Records what a person is shown."""

        def show(self, done: int, under_way: int) -> None:
            """Record it."""
            shown.append((done, under_way))

        def hide(self) -> None:
            """Nothing is shown."""

    ahead = Ahead[str](PageCache(), lambda _: PageFound("page", 1), lambda _: True)
    ahead.progress = Noted()
    now = TimeLimit(20.0, time.monotonic)
    for name in ("first", "second"):
        ahead.fetch(page_of(name), lambda _: PageFound("page", 1), now, FetchFailed("late"))
    ahead._show_progress()
    is_over = threading.Event()

    def wait(ask: FetchRequest) -> FetchResult[str]:
        is_over.wait(20)
        return PageFound("page", 1)

    ahead._fetch_ahead = wait
    lower = Repository("public", CORP.locations, 90)
    ahead._is_sound[("public", next(iter(ahead._is_sound))[1])] = True
    ahead._fly(FetchRequest(lower, ResourceKind.PAGE, normalize("first"), page_of("first").location), lambda _: None)
    ahead._show_progress()
    is_over.set()
    done = [one for one, _ in shown]
    assert done == sorted(done)
    assert shown[-1] == (2, 0)
