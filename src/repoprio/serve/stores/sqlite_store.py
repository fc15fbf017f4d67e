"""The ownership memory on disk: one SQLite file, which several processes of one machine may share."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator

from repoprio.lookup.ownership import Record, UnsoundMemory, digest
from repoprio.names import NormalizedName

_SCHEMA = """
CREATE TABLE IF NOT EXISTS ownership (
    project TEXT NOT NULL, repository TEXT NOT NULL, url TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (project, repository)
) WITHOUT ROWID
"""
_VERSION = 1
_WAIT_SECONDS = 5.0
# SQLite's message when it cannot open a file; it does not say why.
_NOT_OPENED = "unable to open database file"


class SqliteStore:
    """Records by project. Every method opens the file anew, so that any thread may call it.

    A record is on the disk before a method returns, even if the process ends.
    """

    def __init__(self, path: str) -> None:
        self.path = self.place = path
        # Of the file that was prepared; None if none was.
        self._mark: int | None = None

    def pages(self) -> None:
        """Return None: gateways of one machine do not share pages."""

    def prepare(self, *, may_begin: bool = True) -> bool:
        """Check all of it, or create it if it `may_begin`; returns whether it was created. Raises `UnsoundMemory`."""
        with self._errors_as_unsound():
            if may_begin:
                os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        with self._open(is_there=not may_begin) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise UnsoundMemory(f"{self.path} is of another version of repoprio")
            # An empty file has lost its records.
            if not version and not may_begin:
                raise UnsoundMemory(f"{self.path} holds no ownership memory")
            database.execute("PRAGMA journal_mode = WAL")
            with _durable(database):
                database.execute(_SCHEMA)
                database.execute(f"PRAGMA user_version = {_VERSION}")
            self._mark = _marked(database)
            if (verdict := database.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                raise UnsoundMemory(f"{self.path} is damaged: {verdict}")
        self.all()
        return not version

    def begin(self, records: Iterable[Record] = ()) -> int:
        """Make the file where there is none, and put these records in; returns how many records it then has."""
        self.prepare()
        self.replace((), records)
        return len(self.all())

    def listed(self) -> tuple[Record, ...]:
        """All records; none if the gateway has never run."""
        return self.all() if os.path.exists(self.path) else ()

    def all(self) -> tuple[Record, ...]:
        """All records, by project."""
        return self._read("ORDER BY project, repository")

    def of(self, project: NormalizedName) -> tuple[Record, ...]:
        """The records of one project."""
        return self._read("WHERE project = ?", project)

    def _read(self, where: str, *values: str) -> tuple[Record, ...]:
        with self._open(is_there=True) as database:
            # `where` comes from this module and never contains values.
            rows = database.execute(f"SELECT project, repository, url, digest FROM ownership {where}", values)  # noqa: S608 - see above
            return tuple(self._record(*row) for row in rows)

    def _record(self, project: str, repository: str, url: str, mark: str) -> Record:
        record = Record(NormalizedName(project), repository, url)
        if mark != digest(record):
            raise UnsoundMemory(f"{self.path} is damaged: a record was changed")
        return record

    def replace(self, removed: Iterable[Record], added: Iterable[Record]) -> None:
        """Remove some records and add others, all or nothing."""
        with self._open(is_there=True) as database, _durable(database):
            database.executemany(
                "DELETE FROM ownership WHERE project = ? AND repository = ?", [record[:2] for record in removed]
            )
            database.executemany(
                "INSERT OR REPLACE INTO ownership VALUES (?, ?, ?, ?)",
                [(*record, digest(record)) for record in added],
            )

    @contextlib.contextmanager
    def _open(self, *, is_there: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection; with `is_there` the file must exist: without it, all records are lost."""
        with self._errors_as_unsound():
            if os.path.isdir(self.path):
                raise UnsoundMemory(f"{self.path} is a folder, not a file")
            if is_there and not os.path.isfile(self.path):
                raise UnsoundMemory(f"{self.path} does not exist")
            database = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
            try:
                if self._mark not in (None, _mark_of(database)):
                    raise UnsoundMemory(f"{self.path} is another file than at the start; restart the gateway to use it")
                yield database
            finally:
                database.close()

    @contextlib.contextmanager
    def _errors_as_unsound(self) -> Iterator[None]:
        """A context in which any error of the file becomes `UnsoundMemory`, which names it."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if reason == _NOT_OPENED:
                reason = self._why_not_opened()
            raise UnsoundMemory(f"{self.path}: {reason}") from error

    def _why_not_opened(self) -> str:
        """Why SQLite could not open the file, as far as that can be found out."""
        may_open = not os.path.exists(self.path) or os.access(self.path, os.R_OK | os.W_OK)
        if may_open and os.access(os.path.dirname(self.path), os.W_OK | os.X_OK):
            return "SQLite cannot open it and does not say why; perhaps this process has too many open files"
        return "this user must be able to read and write it, and to write in its folder"


def _durable(database: sqlite3.Connection) -> sqlite3.Connection:
    """The connection as a context: what is written in it is on the disk at its end."""
    database.execute("PRAGMA synchronous = FULL")
    return database


def _mark_of(database: sqlite3.Connection) -> int:
    mark: int = database.execute("PRAGMA application_id").fetchone()[0]
    return mark


def _marked(database: sqlite3.Connection) -> int:
    """A value that distinguishes this file from a new one in its place, which has lost the records."""
    with _durable(database):
        database.execute("BEGIN IMMEDIATE")
        if not _mark_of(database):
            database.execute(f"PRAGMA application_id = {secrets.randbelow(2**31 - 1) + 1}")
        return _mark_of(database)
