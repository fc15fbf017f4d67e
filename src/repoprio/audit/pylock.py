"""What a pylock.toml (PEP 751) says of files: read from its document, with the lines where it says so. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from repoprio.audit.lock_verdicts import LockedFile
from repoprio.errors import RepoprioError
from repoprio.redaction import redact_name, redact_text, redact_url
from repoprio.urls import filename

_NAME = re.compile(r"pylock(\.[^.]+)?\.toml")
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*packages[ \t]*\]\]", re.MULTILINE)
_SOURCES = ("vcs", "directory", "archive")


class NoLock(RepoprioError):
    """A file that is not what it should be."""


class Package(NamedTuple):
    """One project of a lock.

    `source` is where it comes from, where no repository has a say; `files` are what a repository would supply.
    `is_pinned`: it is one version. `line` counts from 1. `rivals` are the keys that name sources where PEP 751 allows
    one alone; `pins` the versions to which a requirement is pinned where they are several.
    """

    name: str
    version: str | None
    files: tuple[LockedFile, ...]
    source: str | None
    line: int | None
    file: str
    is_pinned: bool = True
    hashes: Mapping[str, str] = {}
    rivals: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()


def is_pylock(name: str) -> bool:
    """Whether a file of this name is a pylock.toml: ``pylock.toml``, ``pylock.NAME.toml``."""
    return _NAME.fullmatch(name) is not None


def packages(document: Mapping[str, Any], text: str, file: str) -> list[Package]:
    """The packages of a pylock.toml, whatever their markers; `NoLock` where it is none."""
    version = document.get("lock-version")
    if not isinstance(version, str):
        problem = (
            "has no lock-version" if version is None else f"states its lock-version as {redact_name(repr(version))}"
        )
        raise NoLock(f'{file} {problem}: it must be a string, "1.0".    [usage]')
    if version.split(".")[0] != "1":
        raise NoLock(f"{file}: its lock-version is {redact_name(repr(version))}; repoprio knows only 1.0.    [usage]")
    tables = document.get("packages", [])
    if not _are_tables(tables):
        raise NoLock(f"{file}: packages is not a list of tables.    [usage]")
    spans = _spans(text, len(tables))
    return [_package(table, span, text, file) for table, span in zip(tables, spans, strict=True)]


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _spans(text: str, count: int) -> Sequence[tuple[int, int] | None]:
    """Where in the text each package stands; None for all where that cannot be told (inline tables)."""
    begins = [match.start() for match in _HEADER.finditer(text)]
    if len(begins) != count:
        return [None] * count
    ends = [*begins[1:], len(text)]
    # A lock of nothing has no begin.
    return list(zip(begins, ends, strict=False))


def _package(table: Mapping[str, Any], span: tuple[int, int] | None, text: str, file: str) -> Package:
    line = _line(text, span[0]) if span else None
    where = f"{file}, line {line}" if line else file
    stated, stated_version = table.get("name"), table.get("version")
    if not isinstance(stated, str) or not isinstance(stated_version, str | None):
        raise NoLock(f"{where}: a package whose name or version is not a string.    [usage]")
    name, version = redact_name(stated), None if stated_version is None else redact_name(stated_version)
    wheels, sdist = table.get("wheels", []), table.get("sdist")
    tables = [*wheels, *([sdist] if sdist is not None else [])] if _are_tables(wheels) else None
    if tables is None or not _are_tables(tables):
        raise NoLock(f"{where}: wheels or sdist of {name} are not tables.    [usage]")
    files = tuple(_file(one, span, text, f"{where}: {name}") for one in tables)
    kinds = [kind for kind in _SOURCES if kind in table]
    if odd := next((kind for kind in kinds if not isinstance(table[kind], dict)), None):
        raise NoLock(f"{where}: {odd} of {name} is not a table.    [usage]")
    sources = " and ".join(_source(kind, table[kind]) for kind in kinds) or None
    # Of two sources nobody knows which one a hash is for.
    hashes = _hashes(table[kinds[0]].get("hashes", {}), f"{where}: {name}") if len(kinds) == 1 else {}
    named = [*kinds, *(kind for kind in ("sdist", "wheels") if kinds and table.get(kind))]
    rivals = tuple(named) if len(named) > 1 else ()
    return Package(name, version, files, sources, line, file, hashes=hashes, rivals=rivals)


def _file(table: Mapping[str, Any], span: tuple[int, int] | None, text: str, where: str) -> LockedFile:
    url, path, stated = table.get("url"), table.get("path"), table.get("name")
    texts = [one for one in (stated, url, path) if one is not None]
    if not texts or not all(isinstance(one, str) for one in texts):
        raise NoLock(f"{where}: a file that has neither name, url nor path.    [usage]")
    hashes = _hashes(table.get("hashes", {}), where)
    try:
        name = stated or (filename(url) if url else re.split(r"[/\\]", str(path))[-1])
    except ValueError:
        raise NoLock(f"{where}: {redact_name(str(url))} is not a URL.    [usage]") from None
    at = min((i for v in [*hashes.values(), name] if span and (i := text.find(v, *span)) >= 0), default=-1)
    return LockedFile(name, hashes, _line(text, at) if at >= 0 else (_line(text, span[0]) if span else None))


def _hashes(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(digest, str) for digest in value.values()):
        raise NoLock(f"{where}: hashes are not a table of strings.    [usage]")
    return {str(kind).lower(): digest for kind, digest in value.items()}


def _source(kind: str, table: Mapping[str, Any]) -> str:
    """What a person calls the place that a package comes from."""
    place = table.get("url") or table.get("path") or "?"
    at = redact_url(str(place)) if "://" in str(place) else redact_text(str(place))
    if kind == "vcs":
        return f"{redact_name(str(table.get('type', 'vcs')))} {at} at {str(table.get('commit-id', '?'))[:12]}"
    if kind == "directory":
        return f"the folder {at}" + (" (editable)" if table.get("editable") is True else "")
    return at


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
