"""Reads a ``uv.lock`` (version 1; uv 0.4 to 0.13). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks.model import Lock, NoLock, Package, indexes_of
from repoprio.audit.locks.reading import (
    Entry,
    LockText,
    entries,
    file_at,
    folder,
    hash_of,
    place_of,
    sole_hash,
    text_at,
    vcs,
)
from repoprio.redaction import redact_name

_KINDS = ("registry", "git", "url", "path", "directory", "editable", "virtual")


def read(document: Mapping[str, Any], text: LockText) -> Lock:
    """The packages of a ``uv.lock``, without the project itself; raises `NoLock` if it is not one."""
    version = document.get("version")
    if version != 1 or isinstance(version, bool):
        problem = "has no version" if version is None else f"its version is {redact_name(repr(version))}"
        raise NoLock(f"{text.file}: {problem}; repoprio knows only version 1 of uv.lock.    [usage]")
    all_packages = (_package(entry, text) for entry in entries(document, "package", text))
    packages = [package for package in all_packages if package is not None]
    return Lock(packages, indexes_of(packages))


def _package(entry: Entry, text: LockText) -> Package | None:
    """One package; None for the project itself, which is not installed from anywhere."""
    sdist = entry.table_at("sdist")
    tables = (*entry.tables("wheels"), *([sdist] if sdist else []))
    files = tuple(_file(table, entry, text) for table in tables)
    kind, value = _source(entry)
    line = text.line_in(entry.span)
    if kind == "registry":
        return Package(
            entry.name, entry.version, files, None, line, text.file, entry.version is not None, index_url=value
        )
    # A virtual package is never installed; the project itself is the folder of the lock.
    if not files and (kind == "virtual" or (kind == "editable" and value == ".")):
        return None
    if kind in ("url", "path"):
        return Package(entry.name, entry.version, (), place_of(value), line, text.file, hashes=sole_hash(files))
    shown = folder(value, editable=kind == "editable")
    if kind == "git":
        url, _, commit = value.partition("#")
        shown = vcs("git", url, commit)
    # Such a package should have no files; if it has some, they are judged too.
    return Package(entry.name, entry.version, files, shown, line, text.file)


def _file(table: Mapping[str, Any], entry: Entry, text: LockText) -> LockedFile:
    """One file. uv may fetch a copy with another compression instead, whose hash no owner states."""
    file, other = file_at(table, entry, text), table.get("zstd")
    if other is None:
        return file
    stated = text_at(other, "hash", entry.where) if isinstance(other, dict) else None
    if stated is None:
        raise entry.error("zstd has no hash")
    hashes = {f"zstd-{kind}": digest for kind, digest in hash_of(stated, entry.where).items()}
    return file._replace(hashes={**file.hashes, **hashes})


def _source(entry: Entry) -> tuple[str, str]:
    """The kind of a package's only source, and where that source is."""
    table = entry.table_at("source")
    if table is None:
        raise entry.error("it has no source")
    kinds = [kind for kind in _KINDS if kind in table]
    if len(kinds) != 1:
        stated = ", ".join(redact_name(str(key)) for key in table) or "nothing"
        raise entry.error(f"its source is none that repoprio knows: {stated}")
    value = text_at(table, kinds[0], f"{entry.where}: its source")
    if not value:
        raise entry.error(f"its source has an empty {kinds[0]}")
    return kinds[0], value
