"""Fetches each answer once: threads with the same request wait for the first."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, RLock
from typing import Any, Generic
from weakref import WeakValueDictionary

from repoprio.lookup.events import FetchRequest, FetchResult, Page, ResourceKind
from repoprio.lookup.memory import RunStore, Store

Key = tuple[str, ResourceKind, str, str]


def key_of(ask: FetchRequest) -> Key:
    """The key of a request; requests with the same key have the same answer."""
    return ask.repository.name, ask.kind, "" if ask.kind is ResourceKind.LIST else ask.name, ask.location.url


class PageCache(Generic[Page]):
    """Answers by their requests, kept in `store`, or forever; several threads may share it."""

    def __init__(self, store: Store[Key, FetchResult[Page]] | None = None) -> None:
        """The `store` must be safe to use from several threads."""
        self._store: Store[Key, FetchResult[Page]] = store or RunStore(Lock())
        self._lock = Lock()
        # A lock is freed when no thread holds it or waits for it.
        self._under_way: WeakValueDictionary[Key, Any] = WeakValueDictionary()

    def get(self, ask: FetchRequest) -> FetchResult[Page] | None:
        """The kept answer; None if there is none yet."""
        return self._store.get(key_of(ask))

    def keep(self, ask: FetchRequest, answer: FetchResult[Page]) -> FetchResult[Page]:
        """Keep `answer`, unless one is kept already; returns the kept one."""
        return self._store.keep(key_of(ask), answer)

    def get_or_fetch(self, ask: FetchRequest, fetch: Callable[[FetchRequest], FetchResult[Page]]) -> FetchResult[Page]:
        """The kept answer, or the one from `fetch`. If `fetch` raises, the next waiting thread calls its own."""
        answer = self.get(ask)
        if answer is None:
            with self._turn(key_of(ask)):
                answer = self.get(ask)
                if answer is None:
                    answer = self.keep(ask, fetch(ask))
        return answer

    def _turn(self, key: Key) -> Any:
        with self._lock:
            return self._under_way.setdefault(key, RLock())
