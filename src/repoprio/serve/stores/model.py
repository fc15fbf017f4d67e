"""What every store of the ownership memory does, and how it fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from repoprio.errors import RepoprioError
from repoprio.lookup.ownership import Record
from repoprio.names import NormalizedName


class NoStore(RepoprioError):
    """There is no memory where one is named."""


class NoAnswer(Exception):
    """The store of pages cannot be read or written now; all goes on without it."""


class Seen(NamedTuple):
    """What is in a store of pages, as of `now` in milliseconds of its own clock; `is_taken`: somebody has the turn."""

    epoch: str
    now: int
    value: bytes | None
    is_taken: bool


class PageStore(Protocol):
    """Signed pages by space and project, and turns to fetch them. Any thread may call it; it may raise `NoAnswer`."""

    @property
    def secret(self) -> bytes:
        """What only those know that may write there."""

    def look(self, space: str, name: str, most_bytes: int) -> Seen:
        """What is there now; of a value that is too large, as much as shows that it is."""

    def put(self, space: str, name: str, value: bytes, milliseconds: int) -> None:
        """Keep a value for so long."""

    def drop(self, space: str, name: str) -> None:
        """Delete a value."""

    def take_turn(self, space: str, name: str, token: str, milliseconds: int) -> bool:
        """Whether it is the caller's turn now, for so long at most."""

    def end_turn(self, space: str, name: str, token: str) -> None:
        """End the turn, if it is still that of the caller."""


class OwnershipStore(Protocol):
    """Records by project. Any thread may call it; whatever goes wrong is `UnsoundMemory`.

    A record is in the store before a method returns, whatever becomes of the process.
    """

    @property
    def place(self) -> str:
        """Where it is, without credentials."""

    def pages(self) -> PageStore | None:
        """Where those who share this memory share pages, too; None if they do not."""

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
