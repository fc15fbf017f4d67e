"""A store that notices if a record is gone although it was not released."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from repoprio.lookup.ownership import Record
from repoprio.names import NormalizedName
from repoprio.serve.stores.model import OwnershipStore, PageStore


class VigilantStore:
    """Another store (`repoprio.serve.stores.model.OwnershipStore`), watched by the one process that uses it.

    A record whose key was damaged is no longer found under its name, as if it had been released. So if a project that
    had a record has none any more, the whole store is checked, as at the start: a damaged record differs from its
    digest, and a damaged index from the records that it refers to.
    """

    def __init__(self, store: OwnershipStore) -> None:
        self._store = store
        self.place = store.place
        self._lock = threading.Lock()
        self._known: set[NormalizedName] = set()

    def pages(self) -> PageStore | None:
        """The store of pages for gateways that share this memory; None if they share no pages."""
        return self._store.pages()

    def prepare(self, *, may_begin: bool = True) -> bool:
        """Check the whole store before anything is served; returns whether it was created only now."""
        is_new = self._store.prepare(may_begin=may_begin)
        self._note(self._store.all())
        return is_new

    def begin(self, records: Iterable[Record] = ()) -> int:
        """Begin the memory with these records, or confirm what it holds; returns how many records it then has."""
        return self._store.begin(records)

    def all(self) -> tuple[Record, ...]:
        """All records, by project."""
        return self._store.all()

    def listed(self) -> tuple[Record, ...]:
        """All records; none if no memory was ever begun."""
        return self._store.listed()

    def of(self, project: NormalizedName) -> tuple[Record, ...]:
        """The records of one project."""
        records = self._store.of(project)
        if records:
            self._note(records)
        elif project in self._known:
            self._store.prepare(may_begin=False)
            with self._lock:
                self._known.discard(project)
        return records

    def replace(self, removed: Iterable[Record], added: Iterable[Record]) -> None:
        """Remove some records and add others, all or nothing."""
        new = tuple(added)
        self._store.replace(removed, new)
        self._note(new)

    def _note(self, records: Iterable[Record]) -> None:
        with self._lock:
            self._known.update(record.project for record in records)
