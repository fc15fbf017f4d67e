"""Lets work that no client waits for wait for a pause: it would delay the answers that clients wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

# For this many seconds no client may wait.
_PAUSE = 0.02
# After this many seconds the work begins in any case: until then, it holds what it is about in memory.
_LONGEST = 0.5


class Pauses:
    """Knows when no client waits. For the tasks of one event loop."""

    def __init__(self) -> None:
        self._waiting = 0
        self._pause = asyncio.Event()
        self._begins: asyncio.TimerHandle | None = None
        self._at_work = asyncio.Lock()

    def waits(self, answer: asyncio.Future[Any]) -> None:
        """Note that a client waits for `answer`."""
        self._waiting += 1
        self._pause.clear()
        if self._begins is not None:
            self._begins.cancel()
        answer.add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._begins = answer.get_loop().call_later(_PAUSE, self._pause.set)

    @asynccontextmanager
    async def turn(self, hurry: asyncio.Event) -> AsyncIterator[None]:
        """A context for work in a pause, one at a time; at once when `hurry` is set, and in any case after a while."""
        hurried, pause = asyncio.create_task(hurry.wait()), asyncio.create_task(self._pause.wait())
        turn = asyncio.create_task(self._turn_after(pause))
        try:
            await asyncio.wait((hurried, turn), return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                turn.cancel()
            yield
        finally:
            for task in (hurried, pause, turn):
                task.cancel()
            if turn.done() and not turn.cancelled():
                self._at_work.release()

    async def _turn_after(self, pause: asyncio.Task[Any]) -> None:
        await asyncio.wait({pause}, timeout=_LONGEST)
        await self._at_work.acquire()
