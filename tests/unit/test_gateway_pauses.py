"""Work that no client waits for: when it begins."""

from __future__ import annotations

import asyncio
import time

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
    await known.next(hurry)
    return time.monotonic() - begun


def test_work_begins_once_nobody_waits() -> None:
    """Not while a client waits, and not at once after its answer."""

    async def run() -> None:
        known, answer = Pauses(), asyncio.get_running_loop().create_future()
        known.waits(answer)
        work = asyncio.create_task(known.next(asyncio.Event()))
        await asyncio.sleep(0.03)
        assert not work.done()
        answer.set_result(None)
        answered = time.monotonic()
        await work
        assert time.monotonic() - answered >= 0.009

    asyncio.run(run())


def test_work_does_not_wait_for_ever() -> None:
    """It begins although a client still waits; and at once if somebody needs it."""

    async def run() -> None:
        known, hurry = Pauses(), asyncio.Event()
        known.waits(asyncio.get_running_loop().create_future())
        assert await waited(known, hurry) >= 0.1
        hurry.set()
        assert await waited(known, hurry) < 0.01

    asyncio.run(run())
