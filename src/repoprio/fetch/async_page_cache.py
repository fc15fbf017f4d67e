"""Fetches each answer once for the tasks of an event loop; a separate module, because pip does not load asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic
from weakref import WeakValueDictionary

from repoprio.fetch.page_cache import Key, key_of
from repoprio.lookup.events import FetchRequest, FetchResult, Page
from repoprio.lookup.memory import RunStore, Store

Fetch = Callable[[FetchRequest], Awaitable[FetchResult[Page]]]


class AsyncPageCache(Generic[Page]):
    """Answers by their requests, kept in `store`, or forever; tasks with the same request wait for the first."""

    def __init__(self, store: Store[Key, FetchResult[Page]] | None = None) -> None:
        self._store: Store[Key, FetchResult[Page]] = store or RunStore()
        # A lock is freed when no task holds it or waits for it.
        self._under_way: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def get_or_fetch(self, ask: FetchRequest, fetch: Fetch[Page]) -> FetchResult[Page]:
        """The kept answer, or the one from `fetch`. If `fetch` raises, the next waiting task calls its own."""
        key = key_of(ask)
        answer = self._store.get(key)
        if answer is None:
            async with self._under_way.setdefault(key, asyncio.Lock()):
                answer = self._store.get(key)
                if answer is None:
                    answer = self._store.keep(key, await fetch(ask))
        return answer
