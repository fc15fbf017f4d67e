"""Lets work that no client waits for wait for a pause: it would delay the answers that clients wait for."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

# For this many seconds no client may wait.
_PAUSE = 0.02
# After this many seconds the work begins in any case: until then, it holds what it is about in memory.
_LONGEST = 0.5


class Pauses:
    """Knows when no client waits. For the tasks of one event loop."""

    def __init__(self) -> None:
        self._waiting = 0
        self._answered = time.monotonic()

    def waits(self, answer: asyncio.Future[Any]) -> None:
        """Note that a client waits for `answer`."""
        self._waiting += 1
        answer.add_done_callback(self._done)

    def _done(self, _: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        self._answered = time.monotonic()

    async def next(self, hurry: asyncio.Event) -> None:
        """Return in the next pause, once `hurry` is set, or when it has taken too long."""
        end = time.monotonic() + _LONGEST
        while not hurry.is_set() and time.monotonic() < end:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(hurry.wait(), _PAUSE)
            if not self._waiting and time.monotonic() - self._answered >= _PAUSE:
                return
