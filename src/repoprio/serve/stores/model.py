"""The interfaces of stores, and their errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from repoprio.errors import RepoprioError
from repoprio.lookup.ownership import Record
from repoprio.names import NormalizedName


class NoStore(RepoprioError):
    """The named store does not exist."""


class NoAnswer(Exception):
    """The store of pages cannot be read or written now; the gateway continues without it."""


class StoredPage(NamedTuple):
    """What a store of pages has of a project, at `now` in milliseconds of its own clock.

    `value` is None if there is no page; `is_taken`: a gateway has the turn.
    """

    epoch: str
    now: int
    value: bytes | None
    is_taken: bool


class PageStore(Protocol):
    """Signed pages by space and project, and turns to fetch them. Any thread may call it; it may raise `NoAnswer`."""

    @property
    def secret(self) -> bytes:
        """A secret that only writers of the store know."""

    def look(self, space: str, name: str, most_bytes: int) -> StoredPage:
        """The current state; a value that is too large is cut off behind the limit."""

    def drop(self, space: str, name: str) -> None:
        """Delete a value."""

    def take_turn(self, space: str, name: str, token: str, milliseconds: int) -> bool:
        """Take the turn for at most the given time; returns whether the caller got it."""

    def end_turn(self, space: str, name: str, token: str, value: bytes = b"", milliseconds: int = 0) -> None:
        """End the turn, if the caller still has it; a value, if there is one, is kept for the given time."""


class OwnershipStore(Protocol):
    """Records by project. Any thread may call it; any error is raised as `UnsoundMemory`.

    A record is in the store before a method returns, even if the process ends.
    """

    @property
    def place(self) -> str:
        """The place of the store, without credentials."""

    def pages(self) -> PageStore | None:
        """The store of pages for gateways that share this memory; None if they share no pages."""

    def prepare(self, *, may_begin: bool = True) -> bool:
        """Check the whole store before anything is served; returns whether it was created only now."""

    def begin(self, records: Iterable[Record] = ()) -> int:
        """Create the memory with these records, or confirm its content; returns the number of its records."""

    def all(self) -> tuple[Record, ...]:
        """All records, by project."""

    def listed(self) -> tuple[Record, ...]:
        """All records; none if the memory was never created."""

    def of(self, project: NormalizedName) -> tuple[Record, ...]:
        """The records of one project."""

    def replace(self, removed: Iterable[Record], added: Iterable[Record]) -> None:
        """Remove some records and add others, all or nothing."""
