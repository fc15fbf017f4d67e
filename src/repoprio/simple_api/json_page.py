"""Parses project pages in JSON (PEP 691, 700, 714, 740, 792). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from functools import partial
from itertools import chain, repeat
from types import NoneType
from typing import Any

from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName, normalize
from repoprio.simple_api.hrefs import Base, hash_in
from repoprio.simple_api.model import File, ParsedPage, Status, api_of
from repoprio.simple_api.response import UnusableResponse

# The largest pages of PyPI have about ten thousand.
MAX_FILES = 250_000
_OTHER_SHAPE = "its page is JSON of an unexpected shape"
_NO_HASHES: dict[str, str] = {}
_METADATA = ("core-metadata", "dist-info-metadata")
_LESS_NEEDED = ("size", "upload-time", "provenance")
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
# Python 3.10 reads only times with three or six digits after the second, and without "Z".
_TIME = re.compile(r"(:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)$", re.ASCII)


def parse(text: str, url: str, name: NormalizedName | None) -> ParsedPage:
    """The page `text` that came from `url`; raises `UnusableResponse` if it is not API 1.x, or not of `name`."""
    document = _document(text)
    entries: list[dict[str, Any]] = document["files"]
    if len(entries) > MAX_FILES:
        raise UnusableResponse(f"its page lists more than {MAX_FILES} files", Cause.SIZE)
    version = api_version(document)
    if version.split(".")[0] != "1":
        raise UnusableResponse("its page is of another API version", Cause.API_VERSION)
    stated = document.get("name", name)
    if name is not None and (not isinstance(stated, str) or normalize(stated) != name):
        raise UnusableResponse("its page is that of another project", Cause.OTHER_PROJECT)
    try:
        files = tuple(_files(entries, Base(url), url))
    except ValueError as error:
        raise UnusableResponse(f"its page is broken ({type(error).__name__})") from None
    return ParsedPage(
        url,
        api_of("JSON", version),
        files,
        status=_status(document.get("project-status")),
        stated_versions=_texts(document.get("versions")),
        is_empty=not files,
    )


def api_version(document: Mapping[str, object]) -> str:
    """The API version of a JSON page; "1.0" if it states none, "?" if it states something else."""
    meta = document.get("meta", {})
    version = meta.get("api-version", "1.0") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else "?"


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableResponse("its page is broken JSON") from None
    entries = document.get("files") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not _are_files(entries):
        raise UnusableResponse(_OTHER_SHAPE)
    return dict(document)


def _are_files(entries: list[Any]) -> bool:
    """Whether all entries have the shape of files; checked key by key, which is fast for thousands of entries."""
    if not _types(entries) <= {dict}:
        return False
    column = partial(_column, entries)
    hashes = list(map(dict.get, entries, repeat("hashes"), repeat(_NO_HASHES)))
    with_digests = (value for value in chain(hashes, *map(column, _METADATA)) if type(value) is dict)
    return (
        _types(column("url")) | _types(column("filename")) <= {str}
        and _types(column("requires-python")) <= {str, NoneType}
        and _types(hashes) <= {dict}
        and _types(chain.from_iterable(map(dict.values, with_digests))) <= {str}
    )


def _types(values: Iterable[object]) -> set[type]:
    return set(map(type, values))


def _column(entries: list[dict[str, Any]], key: str) -> list[Any]:
    return list(map(dict.get, entries, repeat(key)))


def _files(entries: list[dict[str, Any]], base: Base, page_url: str) -> Iterator[File]:
    columns = (_column(entries, key) for key in ("hashes", "requires-python", "yanked", *_METADATA, *_LESS_NEEDED))
    for entry, hashes, python, yanked, core, older, size, uploaded, provenance in zip(entries, *columns, strict=True):
        url, filename = base.target(entry["url"])
        metadata = older if core is None else core
        yield File(
            filename,
            url,
            {**(hashes or {}), **hash_in(url)} if "#" in url or "&" in url else hashes or {},
            python or None,
            None if not yanked else yanked if type(yanked) is str else "",
            metadata if type(metadata) is dict else {} if metadata else None,
            size if type(size) is int and size >= 0 else None,
            None if uploaded is None else _moment(uploaded),
            provenance if type(provenance) is str else None,
            page_url,
        )


def _moment(value: object) -> datetime:
    """A time with its offset from UTC (PEP 700); raises `UnusableResponse` or `ValueError` for anything else."""
    # Look only at the end: searching the whole text would take longer than reading the time.
    if not isinstance(value, str) or not (value.endswith("Z") or _OFFSET.search(value[-len("+00:00\n") :])):
        raise UnusableResponse(_OTHER_SHAPE)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = moment_spelled_out(value)
    if moment.tzinfo is None or not (1 < moment.year < 9999 or _is_in_range(moment)):
        raise UnusableResponse(_OTHER_SHAPE)
    return moment


def _is_in_range(moment: datetime) -> bool:
    """Whether Python can tell the time in UTC: at both ends of its calendar an offset may lead out of it."""
    try:
        moment.astimezone(timezone.utc)
    except OverflowError:
        return False
    return True


def moment_spelled_out(text: str) -> datetime:
    """The time `text`, rewritten for Python 3.10: with six digits after the second, and a colon in the offset."""
    return datetime.fromisoformat(_TIME.sub(_spelled_out, text))


def _spelled_out(time: re.Match[str]) -> str:
    offset = "+00:00" if time[3] == "Z" else time[3]
    return f"{time[1]}.{(time[2] or '')[:6]:0<6}{offset[:3]}:{offset[-2:]}"


def _status(value: object) -> Status | None:
    stated = value if isinstance(value, dict) else {}
    status, reason = stated.get("status"), stated.get("reason")
    return Status(status, reason if isinstance(reason, str) else None) if isinstance(status, str) else None


def _texts(value: object) -> tuple[str, ...] | None:
    """A list of texts; None for anything else."""
    return tuple(value) if isinstance(value, list) and all(isinstance(text, str) for text in value) else None
