"""What every store of the ownership memory does, and how it fails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol

from repoprio.errors import RepoprioError
from repoprio.names import NormalizedName
from repoprio.serve.ownership import Record


class UnsoundMemory(Exception):
    """The memory cannot be read or written; the text says why."""


class NoStore(RepoprioError):
    """There is no memory where one is named."""


class OwnershipStore(Protocol):
    """Records by project. Any thread may call it; whatever goes wrong is `UnsoundMemory`.

    A record is in the store before a method returns, whatever becomes of the process.
    """

    @property
    def place(self) -> str:
        """Where it is, without credentials."""

    def prepare(self, *, may_begin: bool = True) -> bool:
        """Look through all of it before anything is served; returns whether it was begun only now."""

    def begin(self, records: Iterable[Record] = ()) -> int:
        """Begin the memory with these records, or confirm what it holds; returns how many records it then has."""

    def all(self) -> tuple[Record, ...]:
        """All records, by project."""

    def listed(self) -> tuple[Record, ...]:
        """All records; none where no memory was ever begun."""

    def of(self, project: NormalizedName) -> tuple[Record, ...]:
        """The records of one project."""

    def replace(self, removed: Iterable[Record], added: Iterable[Record]) -> None:
        """Take out some records and put in others, all or nothing."""


def digest(record: Record) -> str:
    """What tells whether a record is as it was written."""
    return hashlib.sha256("\0".join(record).encode()).hexdigest()[:16]
