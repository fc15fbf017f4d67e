"""Work that no client waits for: when it begins."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from repoprio.serve.timing import pauses
from repoprio.serve.timing.pauses import Pauses


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause is 10 ms, and the longest wait 100 ms."""
    monkeypatch.setattr(pauses, "_PAUSE", 0.01)
    monkeypatch.setattr(pauses, "_LONGEST", 0.1)


async def waited(known: Pauses, hurry: asyncio.Event) -> float:
    """The seconds until the work begins."""
    begun = time.monotonic()
    async with known.turn(hurry):
        return time.monotonic() - begun


def test_work_begins_once_nobody_waits() -> None:
    """Not while a client waits, and not at once after its answer: others may follow."""

    async def run() -> None:
        known, loop = Pauses(), asyncio.get_running_loop()
        answers = [loop.create_future() for _ in range(3)]
        known.waits(answers[0])
        work = asyncio.create_task(waited(known, asyncio.Event()))
        for answer, following in pairwise(answers):
            await asyncio.sleep(0.02)
            answer.set_result(None)
            await asyncio.sleep(0)
            known.waits(following)
        assert not work.done()
        answers[2].set_result(None)
        answered = time.monotonic()
        await work
        assert time.monotonic() - answered >= 0.009

    asyncio.run(run())


def test_work_does_not_wait_for_ever() -> None:
    """It begins although a client still waits; and at once if somebody needs it."""

    async def run() -> None:
        known, hurry = Pauses(), asyncio.Event()
        known.waits(asyncio.get_running_loop().create_future())
        assert await waited(known, hurry) >= 0.09
        hurry.set()
        assert await waited(known, hurry) < 0.05

    asyncio.run(run())


def test_works_begin_one_after_the_other() -> None:
    """They share the interpreter with the clients' answers; what is in a hurry does not wait for them."""

    async def run() -> None:
        known, hurry = Pauses(), asyncio.Event()
        answer = asyncio.get_running_loop().create_future()
        known.waits(answer)
        answer.set_result(None)
        async with known.turn(asyncio.Event()):
            second = asyncio.create_task(waited(known, asyncio.Event()))
            await asyncio.sleep(0.02)
            assert not second.done()
            hurry.set()
            assert await waited(known, hurry) < 0.05
        assert await second >= 0.02

    asyncio.run(run())
