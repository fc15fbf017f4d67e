"""Helpers for readers of locks: checked access to a document, and the lines of its text. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.audit.locks.model import NoLock
from repoprio.redaction import redact_name, redact_text, redact_url
from repoprio.urls import filename


class Span(NamedTuple):
    """The part of the text that describes one package: from `begin` up to, not including, `end`."""

    begin: int
    end: int


class LockText:
    """The text of a lock, in which lines are found; `file` is the name that the user gave."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self.file = text, file
        self._line_ends = [match.start() for match in re.finditer("\n", text)]

    def line(self, position: int) -> int:
        """The line of a position, counted from 1."""
        return bisect_left(self._line_ends, position) + 1

    def positions(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """All matches of `pattern`, in order."""
        return list(pattern.finditer(self._text))

    def spans(self, key: str, count: int) -> Sequence[Span | None]:
        """The spans of the `count` tables of a TOML array; None for each if they are not found (inline tables)."""
        header = re.compile(rf"^[ \t]*\[\[[ \t]*{key}[ \t]*\]\]", re.MULTILINE)
        begins = [match.start() for match in self.positions(header)]
        if len(begins) != count:
            return [None] * count
        ends = [*begins[1:], len(self._text)]
        # An empty lock has no begins.
        return [Span(*pair) for pair in zip(begins, ends, strict=False)]

    def line_in(self, span: Span | None, texts: Iterable[str] = ()) -> int | None:
        """The line of the earliest of `texts` in `span`, else the first line of `span`; None without a span."""
        if span is None:
            return None
        positions = (self._text.find(text, *span) for text in texts)
        return self.line(min((position for position in positions if position >= 0), default=span.begin))


class Entry(NamedTuple):
    """The table of one package; `name` and `version` are safe to print, and errors begin with `where`."""

    table: Mapping[str, Any]
    name: str
    version: str | None
    span: Span | None
    where: str

    def text(self, key: str) -> str | None:
        """The text at `key`; None if the key is missing. Raises `NoLock` for anything else."""
        return text_at(self.table, key, self.where)

    def table_at(self, key: str) -> Mapping[str, Any] | None:
        """The table at `key`; None if the key is missing. Raises `NoLock` for anything else."""
        value = self.table.get(key)
        if value is not None and not isinstance(value, dict):
            raise self.error(f"{key} is not a table")
        return value

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        """The list of tables at `key`; empty if the key is missing. Raises `NoLock` for anything else."""
        tables: list[Mapping[str, Any]] = self.table.get(key, [])
        if not are_tables(tables):
            raise self.error(f"{key} is not a list of tables")
        return tables

    def error(self, problem: str) -> NoLock:
        """The error that says where the package is, and then `problem`."""
        return NoLock(f"{self.where}: {problem}.    [usage]")


def entries(document: Mapping[str, Any], key: str, text: LockText) -> list[Entry]:
    """The packages of a TOML lock: one for each table of the array `key`."""
    tables = document.get(key, [])
    if not are_tables(tables):
        raise NoLock(f"{text.file}: {key} is not a list of tables.    [usage]")
    return [_entry(table, span, text) for table, span in zip(tables, text.spans(key, len(tables)), strict=True)]


def _entry(table: Mapping[str, Any], span: Span | None, text: LockText) -> Entry:
    line = text.line_in(span)
    where = f"{text.file}, line {line}" if line else text.file
    name, version = table.get("name"), table.get("version")
    if not isinstance(name, str) or not isinstance(version, str | None):
        raise NoLock(f"{where}: a package whose name or version is not a string.    [usage]")
    shown = redact_name(name)
    return Entry(table, shown, None if version is None else redact_name(version), span, f"{where}: {shown}")


def are_tables(value: object) -> bool:
    """Whether `value` is a list that contains only tables."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def text_at(table: Mapping[str, Any], key: str, where: str) -> str | None:
    """The text at `key`; None if the key is missing. Raises `NoLock` for anything else."""
    value = table.get(key)
    if not isinstance(value, str | None):
        raise NoLock(f"{where}: {key} is not a string.    [usage]")
    return value


def file_at(table: Mapping[str, Any], entry: Entry, text: LockText) -> LockedFile:
    """A file written as ``{url or path or file or filename, hash = "sha256:…"}``; each key may be missing."""
    name = text_at(table, "file", entry.where) or text_at(table, "filename", entry.where)
    url, path = text_at(table, "url", entry.where), text_at(table, "path", entry.where)
    stated = text_at(table, "hash", entry.where)
    hashes = hash_of(stated, entry.where) if stated is not None else {}
    name = name or (name_in_url(url, entry.where) if url else path and re.split(r"[/\\]", path)[-1]) or None
    seen = [*hashes.values(), *([name] if name else [])]
    return LockedFile(name, hashes, text.line_in(entry.span, seen))


def name_in_url(url: str, where: str) -> str:
    """The last segment of `url`; raises `NoLock` if it is not a URL."""
    try:
        return filename(url)
    except ValueError:
        raise NoLock(f"{where}: {redact_name(url)} is not a URL.    [usage]") from None


def hash_of(stated: str, where: str) -> dict[str, str]:
    """The hash that is written as ``sha256:…``, by algorithm; raises `NoLock` for anything else."""
    kind, colon, digest = stated.partition(":")
    if not (kind and colon and digest):
        raise NoLock(f"{where}: {redact_name(repr(stated))} is not a hash (KIND:DIGEST).    [usage]")
    return {kind.lower(): digest}


def sole_hash(files: Sequence[LockedFile]) -> Mapping[str, str]:
    """The hashes of the only file; none if there are several, because it is not known which of them is meant."""
    return files[0].hashes if len(files) == 1 else {}


def vcs(kind: str, url: str, commit: str | None) -> str:
    """A repository of a version control system, as messages name it."""
    at = f" at {commit[:12]}" if commit else ""
    return f"{kind} {place_of(url)}{redact_name(at)}"


def place_of(url: str) -> str:
    """A URL or path as messages show it: without anything that may be a login."""
    return redact_url(url) if "://" in url else redact_text(url)


def folder(path: str, *, editable: bool) -> str:
    """A folder, as messages name it."""
    return f"the folder {place_of(path)}" + (" (editable)" if editable else "")
