"""Reads a ``pdm.lock`` (lock_version 4; PDM 2), which names no repository for a package. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repoprio.audit.locks.model import Lock, NoLock, Package
from repoprio.audit.locks.reading import (
    Entry,
    LockText,
    are_tables,
    entries,
    file_at,
    folder,
    place_of,
    sole_hash,
    vcs,
)
from repoprio.redaction import redact_name

_VCS = ("git", "hg", "svn", "bzr")
_SOURCES = (*_VCS, "url", "path")


def read(document: Mapping[str, Any], text: LockText) -> Lock:
    """The packages of a ``pdm.lock``; raises `NoLock` if it is not one."""
    metadata = document.get("metadata")
    stated = metadata.get("lock_version") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(stated, str) or stated.split(".")[0] != "4":
        problem = "has no lock_version" if stated is None else f"its lock_version is {redact_name(repr(stated))}"
        raise NoLock(f"{text.file}: {problem}; repoprio knows only 4 of pdm.lock.    [usage]")
    elsewhere = metadata.get("files", {})
    return Lock([_package(entry, elsewhere, text) for entry in entries(document, "package", text)])


def _package(entry: Entry, elsewhere: Any, text: LockText) -> Package:
    """One package; before lock_version 4.2, `elsewhere` has the files of all packages, by name and version."""
    tables = entry.tables("files")
    if not tables and isinstance(elsewhere, dict):
        tables = elsewhere.get(f"{entry.name} {entry.version}", [])
    if not are_tables(tables):
        raise entry.error("its files are not a list of tables")
    files = tuple(file_at(table, entry, text) for table in tables)
    line = text.line_in(entry.span)
    sources = {key: value for key in _SOURCES if (value := entry.text(key)) is not None}
    if len(sources) > 1:
        raise entry.error(f"it has more than one source: {', '.join(sources)}")
    if not sources:
        return Package(entry.name, entry.version, files, None, line, text.file, entry.version is not None)
    ((kind, value),) = sources.items()
    if kind == "url":
        return Package(entry.name, entry.version, (), place_of(value), line, text.file, hashes=sole_hash(files))
    if kind in _VCS:
        shown = vcs(kind, value, entry.text("revision"))
    else:
        shown = folder(value, editable=entry.table.get("editable") is True)
    if kind == "path" and files:
        # A file on disk: the hash is that of this file.
        return Package(entry.name, entry.version, (), place_of(value), line, text.file, hashes=sole_hash(files))
    # Such a package should have no files; if it has some, they are judged too.
    return Package(entry.name, entry.version, files, shown, line, text.file)
