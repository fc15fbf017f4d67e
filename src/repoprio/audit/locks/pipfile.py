"""Reads a ``Pipfile.lock`` (pipfile-spec 6). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks.model import Index, Lock, NoLock, Package
from repoprio.audit.locks.reading import LockText, are_tables, folder, hash_of, place_of, sole_hash, text_at, vcs
from repoprio.redaction import redact_name

_VCS = ("git", "hg", "svn", "bzr")
_SOURCES = (*_VCS, "file", "path")
_KEY = re.compile(r'^[ \t]*("(?:[^"\\\n]|\\.)*")[ \t]*:[ \t]*\{', re.MULTILINE)
_URL = re.compile(r'"url"[ \t]*:[ \t]*("(?:[^"\\\n]|\\.)*")')
_PINNED = re.compile(r"===?[ \t]*([^\s,*]+)")


def read(document: Mapping[str, Any], text: LockText) -> Lock:
    """The packages of all categories of a ``Pipfile.lock``; raises `NoLock` if it is not one."""
    meta = document.get("_meta")
    spec = meta.get("pipfile-spec") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or spec != 6 or isinstance(spec, bool):
        problem = "has no pipfile-spec" if spec is None else f"its pipfile-spec is {redact_name(repr(spec))}"
        raise NoLock(f"{text.file}: {problem}; repoprio knows only 6 of Pipfile.lock.    [usage]")
    sources = meta.get("sources", [])
    if not are_tables(sources):
        raise NoLock(f"{text.file}: the sources in _meta are not a list of tables.    [usage]")
    urls = {text_at(source, "name", text.file): text_at(source, "url", text.file) for source in sources}
    tables = [table for category in document if category != "_meta" for table in _category(document, category)]
    keys = _Keys(text)
    packages = [_package(name, table, keys.line(category, name), urls, text) for category, name, table in tables]
    return Lock(packages, tuple(_indexes(sources, packages, text)))


class _Keys:
    """The lines of the keys that have tables; asked for in the order of the document."""

    def __init__(self, text: LockText) -> None:
        self._keys = iter([(match[1], text.line(match.start(1))) for match in text.positions(_KEY)])
        self._category = ""

    def line(self, category: str, name: str) -> int | None:
        """The line of the next package, from 1; None if it is not found."""
        if category != self._category:
            self._category = category
            self._next(category)
        return self._next(name)

    def _next(self, name: str) -> int | None:
        wanted = json.dumps(name)
        return next((line for key, line in self._keys if key == wanted), None)


def _category(document: Mapping[str, Any], category: str) -> Iterator[tuple[str, str, Any]]:
    """The packages of a category: the category, the name and the table of each."""
    tables = document[category]
    if not isinstance(tables, dict):
        tables = {category: tables}
    return ((category, name, table) for name, table in tables.items())


def _indexes(sources: list[Mapping[str, Any]], packages: list[Package], text: LockText) -> Iterator[Index]:
    """The sources in their order, then the other repositories that packages name."""
    lines = {match[1]: text.line(match.start()) for match in reversed(text.positions(_URL))}
    known = set()
    for source in sources:
        if url := text_at(source, "url", text.file):
            known.add(url)
            yield Index(url, lines.get(json.dumps(url)), source.get("verify_ssl") is not False)
    for package in packages:
        if package.index_url is not None and package.index_url not in known:
            known.add(package.index_url)
            yield Index(package.index_url, package.line)


def _package(name: str, table: Any, line: int | None, urls: Mapping[str | None, str | None], text: LockText) -> Package:
    shown = redact_name(name)
    where = f"{text.file}, line {line}: {shown}" if line else f"{text.file}: {shown}"
    if not isinstance(table, dict):
        raise NoLock(f"{where} is not a table.    [usage]")
    version, index = text_at(table, "version", where), text_at(table, "index", where)
    hashes = table.get("hashes", [])
    if not isinstance(hashes, list) or not all(isinstance(stated, str) for stated in hashes):
        raise NoLock(f"{where}: hashes are not a list of strings.    [usage]")
    files = tuple(LockedFile(None, hash_of(stated, where), line) for stated in hashes)
    pinned = _PINNED.fullmatch(version.strip()) if version else None
    exact = redact_name(pinned[1]) if pinned else None
    kinds = {kind: value for kind in _SOURCES if (value := text_at(table, kind, where)) is not None}
    if len(kinds) > 1:
        raise NoLock(f"{where}: it has more than one source: {', '.join(kinds)}.    [usage]")
    if not kinds:
        # An unknown name stands for itself, so it is reported as unlisted. Without a name, a package comes from the
        # only source, if there is only one: pipenv sometimes leaves the name out.
        (only,) = urls.values() if len(urls) == 1 else (None,)
        at = urls.get(index) or index if index else only
        return Package(shown, exact, files, None, line, text.file, exact is not None, index_url=at)
    ((kind, value),) = kinds.items()
    if kind in _VCS:
        return Package(shown, exact, files, vcs(kind, value, text_at(table, "ref", where)), line, text.file)
    if kind == "path" and not files:
        return Package(shown, exact, (), folder(value, editable=table.get("editable") is True), line, text.file)
    return Package(shown, exact, (), place_of(value), line, text.file, hashes=sole_hash(files))
