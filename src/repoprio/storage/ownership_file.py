"""Reads a gateway's file of records, without changing it; only the standard library."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from repoprio.lookup.ownership import Record, UnsoundMemory, digest
from repoprio.names import NormalizedName

# What `repoprio.serve.stores.sqlite_store` writes.
VERSION = 1
_WAIT_SECONDS = 5.0


def read(path: str) -> tuple[Record, ...]:
    """All records; raises `UnsoundMemory`."""
    try:
        import sqlite3
    except ImportError:
        raise UnsoundMemory("this Python has no sqlite3: name the URL of a gateway instead") from None
    if not os.path.isfile(path):
        raise UnsoundMemory("there is no such file")
    try:
        database = sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True, timeout=_WAIT_SECONDS)
        with contextlib.closing(database):
            if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise UnsoundMemory("it holds no ownership memory of this version of repoprio")
            if (verdict := database.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                raise UnsoundMemory(f"it is damaged: {verdict}")
            rows = database.execute("SELECT project, repository, url, digest FROM ownership").fetchall()
    except (sqlite3.Error, OSError, ValueError) as error:
        raise UnsoundMemory(str(error)) from None
    return tuple(_record(*row) for row in rows)


def trouble(path: str) -> str | None:
    """Why the records cannot be read; None if they can."""
    try:
        read(path)
    except UnsoundMemory as error:
        return str(error)
    return None


def _record(project: object, repository: object, url: object, mark: object) -> Record:
    texts = [text for text in (project, repository, url) if isinstance(text, str)]
    record = Record(NormalizedName(texts[0]), texts[1], texts[2]) if len(texts) == 3 else None
    if record is None or mark != digest(record):
        raise UnsoundMemory("it is damaged: a record was changed")
    return record
