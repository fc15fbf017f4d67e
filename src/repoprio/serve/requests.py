"""Parses requests: the path, the formats that the client accepts, and what it has already. Pure."""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote

from repoprio.names import NormalizedName, is_project_name, normalize

METHODS = ("GET", "HEAD")
_LONGEST_NAME, _LONGEST_QUERY = 200, 2000
_ONE_RANGE = re.compile(r"bytes=(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})", re.ASCII)


class Media(enum.Enum):
    """The formats of a page (PEP 691); the value is the content type."""

    HTML = "text/html; charset=utf-8"
    HTML_V1 = "application/vnd.pypi.simple.v1+html"
    JSON = "application/vnd.pypi.simple.v1+json"


# By the media types of Accept headers; of equally good formats the first one counts, so browsers get HTML.
_MEDIA = {
    "text/html": Media.HTML,
    "application/vnd.pypi.simple.v1+json": Media.JSON,
    "application/vnd.pypi.simple.latest+json": Media.JSON,
    "application/vnd.pypi.simple.v1+html": Media.HTML_V1,
    "application/vnd.pypi.simple.latest+html": Media.HTML_V1,
}


class Project(NamedTuple):
    """The page of a project."""

    name: NormalizedName


class ProjectList(NamedTuple):
    """The list of all projects."""


class FileOf(NamedTuple):
    """A file of a project that comes through the gateway; `path` is below ``/files/``."""

    name: NormalizedName
    path: str


class Search(NamedTuple):
    """The page with the search field; `is_below`: at ``/explain/``, where a submitted name leads to its explanation."""

    is_below: bool


class Explain(NamedTuple):
    """The explanation of a name."""

    name: NormalizedName


class Health(NamedTuple):
    """Whether the gateway runs; with `of_all`, also whether it can answer."""

    of_all: bool


class Ownership(NamedTuple):
    """The ownership memory, for clients that decide by themselves."""


class Elsewhere(NamedTuple):
    """A redirect to a URL that is relative to the requested one."""

    location: str


class Nothing(NamedTuple):
    """A path that does not exist."""


Target = Project | ProjectList | FileOf | Search | Explain | Health | Ownership | Elsewhere | Nothing
_FIXED: dict[str, Target] = {
    "/": Search(is_below=False),
    "/explain": Elsewhere("explain/"),
    "/explain/": Search(is_below=True),
    "/health/live": Health(of_all=False),
    "/health/ready": Health(of_all=True),
    "/ownership.json": Ownership(),
}


def target(path: str) -> Target:
    """The target of `path`, which is percent-encoded and has no query."""
    # Most paths are requested again and again; long ones are not worth the memory.
    return _known_target(path) if len(path) <= _LONGEST_NAME else _target(path)


@lru_cache(maxsize=4096)
def _known_target(path: str) -> Target:
    return _target(path)


def _target(path: str) -> Target:
    if path in _FIXED:
        return _FIXED[path]
    root, *segments = path.split("/")
    if not root and segments[:1] == ["files"]:
        return _file(segments[1:])
    if root or segments[:1] not in (["simple"], ["explain"]):
        return Nothing()
    if segments == ["simple"]:
        return Elsewhere("simple/")
    if segments == ["simple", ""]:
        return ProjectList()
    name = name_of(unquote(segments[1])) if len(segments) > 1 else None
    if name is None or segments[2:] not in ([], [""]):
        return Nothing()
    if segments[0] == "explain":
        is_there = segments[1:] == [name]
        return Explain(name) if is_there else Elsewhere(f"{'../' if segments[2:] else ''}{name}")
    if not segments[2:]:
        return Elsewhere(f"{name}/")
    return Project(name) if segments[1] == name else Elsewhere(f"../{name}/")


def name_of(written: str) -> NormalizedName | None:
    """The project that a text names; None if it is not a project name."""
    is_name = len(written) <= _LONGEST_NAME and is_project_name(written)
    return normalize(written) if is_name else None


def field(query: str, name: str) -> str:
    """A field of a query; "" if it is missing."""
    return parse_qs(query, max_num_fields=10).get(name, [""])[0].strip() if len(query) < _LONGEST_QUERY else ""


def wants_json(accept: str, query: str) -> bool:
    """Whether a client prefers JSON to an HTML page."""
    wanted = _qualities(accept)
    return field(query, "format") == "json" or wanted.get("application/json", 0.0) > wanted.get("text/html", 0.0)


def _file(segments: list[str]) -> Target:
    """A file, with its name in any encoding; the project's page says whether it exists."""
    name = name_of(segments[0]) if len(segments) == 3 else None
    if name is None or name != segments[0]:
        return Nothing()
    _, digest, filename = segments
    return FileOf(name, f"{name}/{digest}/{quote(unquote(filename))}")


def byte_range(header: str, if_range: str = "", *, is_fixed: bool = True) -> str | None:
    """A Range header for a single part, to pass on; None for anything else, which means the whole file.

    A client that has the first part (If-Range) gets the whole file, unless its content is fixed: it may have changed.
    """
    fits = _ONE_RANGE.fullmatch(header.strip()) and (is_fixed or not if_range)
    return header.strip() if fits else None


@lru_cache(maxsize=256)
def media(accept: str) -> Media | None:
    """The best format for an Accept header, HTML if all are equally good; None if the client accepts none."""
    wanted = _qualities(accept) or {"*/*": 1.0}
    best: tuple[float, Media] | None = None
    for kind, form in _MEDIA.items():
        group = f"{kind.partition('/')[0]}/*"
        quality = next((wanted[key] for key in (kind, group, "*/*") if key in wanted), 0.0)
        if quality > (best[0] if best else 0.0):
            best = (quality, form)
    return best[1] if best else None


@lru_cache(maxsize=256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    wanted = _qualities(accept_encoding)
    return wanted.get("gzip", wanted.get("*", 0.0)) > 0


def has_already(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names `etag` (RFC 9110, section 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags


def _qualities(header: str) -> dict[str, float]:
    """The items of a header, each with its quality; 0 if that is not a number."""
    qualities = {}
    for item in header.split(","):
        value, *parameters = (part.strip().lower() for part in item.split(";"))
        if value:
            texts = [text.partition("=")[2] for text in parameters if text.startswith("q=")]
            qualities[value] = _quality(texts[0]) if texts else 1.0
    return qualities


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
