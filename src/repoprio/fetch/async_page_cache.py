"""Answers, each fetched once, for the tasks of one event loop; a module of its own, as pip loads no asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic
from weakref import WeakValueDictionary

from repoprio.fetch.page_cache import Key, key_of
from repoprio.lookup.events import FetchRequest, FetchResult, Page
from repoprio.lookup.memory import RunStore, Store

Fetch = Callable[[FetchRequest], Awaitable[FetchResult[Page]]]


class AsyncPageCache(Generic[Page]):
    """Answers by what was asked, kept in `store`, or for ever; tasks that ask for the same thing wait for the first."""

    def __init__(self, store: Store[Key, FetchResult[Page]] | None = None) -> None:
        self._store: Store[Key, FetchResult[Page]] = store or RunStore()
        # A lock goes once no task holds it or waits for it.
        self._under_way: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def get_or_fetch(self, ask: FetchRequest, fetch: Fetch[Page]) -> FetchResult[Page]:
        """The answer at hand, or from `fetch`. If that raises, the next task that waits fetches for itself."""
        key = key_of(ask)
        answer = self._store.get(key)
        if answer is None:
            async with self._under_way.setdefault(key, asyncio.Lock()):
                answer = self._store.get(key)
                if answer is None:
                    answer = self._store.keep(key, await fetch(ask))
        return answer

    async def get_or_fetch_all(self, asks: Sequence[FetchRequest], fetch: Fetch[Page]) -> Sequence[FetchResult[Page]]:
        """The answers to all `asks`, in their order, fetched side by side."""
        return await asyncio.gather(*(self.get_or_fetch(ask, fetch) for ask in asks))
