"""Work that no client waits for: when it begins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from repoprio.serve.timing import pauses
from repoprio.serve.timing.pauses import Pauses


class Works:
    """Works that wait for a pause; `begun` has the names of those that have begun, in their order."""

    def __init__(self) -> None:
        self.pauses = Pauses()
        self.begun: list[str] = []
        self.ends = asyncio.Event()

    async def work(self, name: str, hurry: asyncio.Event | None = None) -> None:
        """Begin in a turn, and end when all may."""
        async with self.pauses.turn(hurry or asyncio.Event()):
            self.begun.append(name)
            await self.ends.wait()

    def client(self) -> asyncio.Future[None]:
        """The answer that a client waits for from now on."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pauses.waits(answer)
        return answer

    async def until(self, *begun: str) -> None:
        """Wait until exactly these works have begun."""
        while self.begun != list(begun):
            assert self.begun == list(begun)[: len(self.begun)]
            await asyncio.sleep(0.001)


def played(play: Callable[[], Awaitable[None]], patch: pytest.MonkeyPatch, pause: float, longest: float) -> None:
    """Run a play in which a pause and the longest wait take so many seconds."""
    patch.setattr(pauses, "_PAUSE", pause)
    patch.setattr(pauses, "_LONGEST", longest)

    async def run() -> None:
        await asyncio.wait_for(play(), 20)

    asyncio.run(run())


def test_work_begins_once_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while a client waits, and not at once after its answer, because others may follow."""

    async def play() -> None:
        works = Works()
        first = works.client()
        works.ends.set()
        work = asyncio.create_task(works.work("work"))
        await asyncio.sleep(0.02)
        first.set_result(None)
        await asyncio.sleep(0)
        second = works.client()
        await asyncio.sleep(0.02)
        assert not works.begun
        second.set_result(None)
        await asyncio.sleep(0)
        assert not works.begun
        await work

    played(play, monkeypatch, pause=0.01, longest=1000)


def test_work_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins although a client still waits."""

    async def play() -> None:
        works = Works()
        works.client()
        works.ends.set()
        await works.work("work")
        assert works.begun == ["work"]

    played(play, monkeypatch, pause=1000, longest=0.01)


def test_what_somebody_needs_begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although a client waits, and although another work is under way, in the pause and after it."""

    async def play() -> None:
        works, hurry, late = Works(), asyncio.Event(), asyncio.Event()
        first = works.client()
        tasks = [asyncio.create_task(works.work("hurried", hurry))]
        hurry.set()
        await works.until("hurried")
        first.set_result(None)
        tasks.append(asyncio.create_task(works.work("first")))
        await works.until("hurried", "first")
        tasks += [asyncio.create_task(works.work(name, event)) for name, event in (("next", None), ("late", late))]
        await asyncio.sleep(0.01)
        late.set()
        await works.until("hurried", "first", "late")
        works.ends.set()
        await asyncio.gather(*tasks)
        assert works.begun == ["hurried", "first", "late", "next"]

    played(play, monkeypatch, pause=0.001, longest=1000)


def test_a_work_that_is_ended_lets_the_next_one_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is ended while it waits for its turn."""

    async def play() -> None:
        works = Works()
        works.client().set_result(None)
        tasks = [asyncio.create_task(works.work(name)) for name in ("first", "second", "third")]
        await works.until("first")
        tasks[1].cancel()
        tasks[0].cancel()
        await works.until("first", "third")
        works.ends.set()
        await tasks[2]
        assert works.begun == ["first", "third"]

    played(play, monkeypatch, pause=0.001, longest=1000)
