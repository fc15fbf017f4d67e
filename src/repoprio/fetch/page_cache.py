"""Answers, each fetched once: threads that ask for the same thing wait for the one that came first."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, RLock
from typing import Any, Generic
from weakref import WeakValueDictionary

from repoprio.lookup.events import FetchRequest, FetchResult, Page, ResourceKind
from repoprio.lookup.memory import RunStore, Store

Key = tuple[str, ResourceKind, str, str]


def key_of(ask: FetchRequest) -> Key:
    """What two asks with the same answer have in common."""
    return ask.repository.name, ask.what, "" if ask.what is ResourceKind.LIST else ask.name, ask.location.url


class PageCache(Generic[Page]):
    """Answers by what was asked, kept in `store`, or for ever; several threads may share it."""

    def __init__(self, store: Store[Key, FetchResult[Page]] | None = None) -> None:
        """Whoever hands in a store gives it a lock."""
        self._store: Store[Key, FetchResult[Page]] = store or RunStore(Lock())
        self._lock = Lock()
        # A lock goes once no thread holds it or waits for it.
        self._under_way: WeakValueDictionary[Key, Any] = WeakValueDictionary()

    def get(self, ask: FetchRequest) -> FetchResult[Page] | None:
        """The answer that is at hand; None where it is yet to be fetched."""
        return self._store.get(key_of(ask))

    def keep(self, ask: FetchRequest, answer: FetchResult[Page]) -> FetchResult[Page]:
        """Keep `answer`, unless there is one; returns the one that is kept."""
        return self._store.keep(key_of(ask), answer)

    def get_or_fetch(self, ask: FetchRequest, fetch: Callable[[FetchRequest], FetchResult[Page]]) -> FetchResult[Page]:
        """The answer at hand, or from `fetch`. If that raises, the next thread that waits fetches for itself."""
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
