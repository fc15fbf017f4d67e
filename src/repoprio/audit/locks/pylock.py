"""Reads a pylock.toml (PEP 751), with the lines of its text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks.model import Lock, NoLock, Package
from repoprio.audit.locks.reading import Entry, LockText, are_tables, entries, folder, name_in_url, place_of, vcs
from repoprio.redaction import redact_name

_SOURCES = ("vcs", "directory", "archive")


def read(document: Mapping[str, Any], text: LockText) -> Lock:
    """The packages of a pylock.toml, with any markers; raises `NoLock` if it is not one."""
    file = text.file
    version = document.get("lock-version")
    if not isinstance(version, str):
        problem = (
            "has no lock-version" if version is None else f"states its lock-version as {redact_name(repr(version))}"
        )
        raise NoLock(f'{file} {problem}: it must be a string, "1.0".    [usage]')
    if version.split(".")[0] != "1":
        raise NoLock(f"{file}: its lock-version is {redact_name(repr(version))}; repoprio knows only 1.0.    [usage]")
    return Lock([_package(entry, text) for entry in entries(document, "packages", text)])


def _package(entry: Entry, text: LockText) -> Package:
    table, where = entry.table, entry.where
    wheels, sdist = table.get("wheels", []), table.get("sdist")
    tables = [*wheels, *([sdist] if sdist is not None else [])] if are_tables(wheels) else None
    if tables is None or not are_tables(tables):
        raise entry.error("wheels or sdist are not tables")
    files = tuple(_file(file, entry, text) for file in tables)
    kinds = [kind for kind in _SOURCES if kind in table]
    if odd := next((kind for kind in kinds if not isinstance(table[kind], dict)), None):
        raise entry.error(f"{odd} is not a table")
    sources = " and ".join(_source(kind, table[kind]) for kind in kinds) or None
    # With two sources, it is not known which of them a hash is for.
    hashes = _hashes(table[kinds[0]].get("hashes", {}), where) if len(kinds) == 1 else {}
    named = [*kinds, *(kind for kind in ("sdist", "wheels") if kinds and table.get(kind))]
    rivals = tuple(named) if len(named) > 1 else ()
    line = text.line_in(entry.span)
    return Package(entry.name, entry.version, files, sources, line, text.file, hashes=hashes, rivals=rivals)


def _file(table: Mapping[str, Any], entry: Entry, text: LockText) -> LockedFile:
    url, path, stated = table.get("url"), table.get("path"), table.get("name")
    texts = [value for value in (stated, url, path) if value is not None]
    if not texts or not all(isinstance(value, str) for value in texts):
        raise entry.error("a file that has neither name, url nor path")
    hashes = _hashes(table.get("hashes", {}), entry.where)
    name = stated or (name_in_url(url, entry.where) if url else re.split(r"[/\\]", str(path))[-1])
    return LockedFile(name, hashes, text.line_in(entry.span, [*hashes.values(), name]))


def _hashes(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(digest, str) for digest in value.values()):
        raise NoLock(f"{where}: hashes are not a table of strings.    [usage]")
    return {str(kind).lower(): digest for kind, digest in value.items()}


def _source(kind: str, table: Mapping[str, Any]) -> str:
    """The source of a package, as messages name it."""
    place = str(table.get("url") or table.get("path") or "?")
    if kind == "vcs":
        return vcs(redact_name(str(table.get("type", "vcs"))), place, str(table.get("commit-id", "?")))
    if kind == "directory":
        return folder(place, editable=table.get("editable") is True)
    return place_of(place)
