"""Reads a ``poetry.lock`` (lock-version 1 and 2; Poetry 1.0 to 2.5). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repoprio.audit.locks.model import Lock, NoLock, Package, indexes_of
from repoprio.audit.locks.reading import (
    Entry,
    LockText,
    are_tables,
    entries,
    file_at,
    folder,
    place_of,
    sole_hash,
    text_at,
    vcs,
)
from repoprio.redaction import redact_name

_VCS = frozenset({"git", "hg", "svn", "bzr"})


def read(document: Mapping[str, Any], text: LockText) -> Lock:
    """The packages of a ``poetry.lock``; raises `NoLock` if it is not one."""
    metadata = document.get("metadata")
    stated = metadata.get("lock-version") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(stated, str) or stated.split(".")[0] not in ("1", "2"):
        problem = "has no lock-version" if stated is None else f"its lock-version is {redact_name(repr(stated))}"
        raise NoLock(f"{text.file}: {problem}; repoprio knows 1 and 2 of poetry.lock.    [usage]")
    packages = [_package(entry, metadata.get("files", {}), text) for entry in entries(document, "package", text)]
    return Lock(packages, indexes_of(packages))


def _package(entry: Entry, elsewhere: Any, text: LockText) -> Package:
    """One package; in lock-version 1, `elsewhere` has the files of all packages, by name."""
    tables = entry.tables("files")
    if not tables and isinstance(elsewhere, dict):
        tables = elsewhere.get(entry.name, [])
    if not are_tables(tables):
        raise entry.error("its files are not a list of tables")
    files = tuple(file_at(table, entry, text) for table in tables)
    line = text.line_in(entry.span)
    source = entry.table_at("source")
    is_pinned = entry.version is not None
    # Without a source it is from PyPI, or from the repository that replaces PyPI.
    if source is None:
        return Package(entry.name, entry.version, files, None, line, text.file, is_pinned)
    where = f"{entry.where}: its source"
    kind, url = text_at(source, "type", where), text_at(source, "url", where)
    if not url:
        raise entry.error("its source has no url")
    if kind == "legacy":
        return Package(entry.name, entry.version, files, None, line, text.file, is_pinned, index_url=url)
    if kind in _VCS:
        shown = vcs(kind, url, text_at(source, "resolved_reference", where))
    elif kind == "directory":
        shown = folder(url, editable=entry.table.get("develop") is True)
    elif kind in ("url", "file"):
        return Package(entry.name, entry.version, (), place_of(url), line, text.file, hashes=sole_hash(files))
    else:
        raise entry.error(f"its source is of a type that repoprio does not know: {redact_name(repr(kind))}")
    # Such a package should have no files; if it has some, they are judged too.
    return Package(entry.name, entry.version, files, shown, line, text.file)
