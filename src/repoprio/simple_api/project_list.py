"""Reads project lists: the names that a simple repository states, if its list is complete and valid. Pure.

A list may have a million names. Fast readers take lists in plain form, and leave all others to the slow readers; for
every list that a fast reader takes, the slow one gives the same result.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import cast
from urllib.parse import unquote, urlsplit

from repoprio.lookup.events import FetchFailed, ProjectListFound
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.simple_api.json_page import api_version
from repoprio.simple_api.reader import decoded, is_html, is_json
from repoprio.simple_api.response import Response

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
# Layout tags, which mean nothing. At most eight at a time: a longer run would be matched again from each of them.
_LAYOUT = r"(?:</?(?:br|hr|li|ul|ol|p|div|pre|span|table|tbody|tr|td)\s?/?>\s*){0,8}"
_MORE = r"""(?:\s+(?:class|rel|title|target|id)="[^"<>&]*")*"""
# Paths of plain segments: without escapes or a query, and without a host that could be taken for a name.
_ANCHOR = re.compile(
    rf"""{_LAYOUT}<a{_MORE}\s+href=(["'])(?:https?://[A-Za-z0-9.:-]+/|/)?(?:[A-Za-z0-9._~-]+/)*"""
    rf"""({_NAME})/?\1{_MORE}\s*>\s*({_NAME})\s*</a>\s*{_LAYOUT}""",
    re.ASCII,
)
_ATTRIBUTES = r"""(?:\s+[a-z:-]+="[^"<>&]*")*\s*/?"""
_HEAD = re.compile(
    rf"\s*(?:<!doctype html>\s*)?<html{_ATTRIBUTES}>\s*"
    rf"(?:<head{_ATTRIBUTES}>\s*(?:<meta{_ATTRIBUTES}>\s*|<title>[^<>&]*</title>\s*)*</head>\s*)?"
    rf"<body{_ATTRIBUTES}>\s*(?:<h1>[^<>&]*</h1>\s*)?",
    re.ASCII | re.IGNORECASE,
)
_TAIL = re.compile(r"\s*</body>\s*</html>\s*(?:<!--[A-Za-z0-9 ]*-->\s*)?", re.ASCII | re.IGNORECASE)
_VERSION = re.compile(r'<meta name="pypi:repository-version" content="([^"<>&]*)"\s*/?>', re.ASCII)
# JSON's own white space; private keys (PEP 691) with whole numbers, as _last-serial is.
_WS = r"[ \t\r\n]*"
_PRIVATE = rf'"_[a-z-]+"{_WS}:{_WS}(?:0|[1-9][0-9]{{0,17}}){_WS}'
_PROJECT = re.compile(
    rf'\{{{_WS}(?:{_PRIVATE},{_WS})*"name"{_WS}:{_WS}"({_NAME})"{_WS}(?:,{_WS}{_PRIVATE})*\}}{_WS},{_WS}'
)
_PROJECTS = re.compile(rf'"projects"{_WS}:{_WS}\[{_WS}(?=\{{)')


def read_project_list(response: Response) -> ProjectListFound | FetchFailed:
    """The project list in `response`; raises `UnusableResponse` if its text does not have the stated encoding."""
    text, _ = decoded(response)
    try:
        if is_json(response):
            return ProjectListFound(_names_in_json(text))
        if is_html(response):
            return ProjectListFound(_names_in_html(text))
    except (ValueError, RecursionError) as error:
        return FetchFailed(f"its project list cannot be used: {error}")
    return FetchFailed("its answer is not a project list")


def _names_in_json(text: str) -> frozenset[NormalizedName]:
    plain = from_plain_json(text)
    return plain[0] if plain and _is_version_1(api_version(plain[1])) else from_any_json(text)


def _names_in_html(text: str) -> frozenset[NormalizedName]:
    plain = from_plain_html(text)
    return plain[0] if plain and _is_version_1(plain[1]) else from_any_html(text)


def _is_version_1(version: str) -> bool:
    return version.split(".", maxsplit=1)[0] == "1"


def from_any_json(text: str) -> frozenset[NormalizedName]:
    """The names on a PEP 691 project list; raises `ValueError` if it is not one."""
    document = json.loads(text)
    projects = document.get("projects") if isinstance(document, dict) else None
    if not isinstance(projects, list):
        raise ValueError("it is JSON of an unexpected shape")  # noqa: TRY004 - a server's answer, and no argument of the caller's
    _check_version(api_version(document))
    if not projects and "meta" not in document:
        # Any JSON document can look like this.
        raise ValueError("it names no project, and does not say its API version")
    return frozenset(_name(project.get("name") if isinstance(project, dict) else None) for project in projects)


def from_any_html(text: str) -> frozenset[NormalizedName]:
    """The names on a PEP 503 project list; raises `ValueError` if it is not one, or is cut short.

    Each anchor's text must be the name that its link leads to: so a login page is not taken for a project list.
    """
    parser = _Anchors()
    try:
        # No close(), as in `html_page`: html.parser would search an unfinished rest again and again.
        parser.feed(text)
    except AssertionError:
        # html.parser (3.10 to 3.13) raises this for a broken declaration such as "<![-".
        raise ValueError("broken HTML") from None
    if not parser.has_end:
        raise ValueError("it has no </html> at its end, so it may be cut short")
    _check_version(parser.api_version)
    if not parser.anchors:
        # An empty list in JSON is valid; an HTML page without links may be anything.
        raise ValueError("it names no project")
    names = set()
    for href, texts in parser.anchors:
        shown = "".join(texts).strip()
        segments = [unquote(segment) for segment in urlsplit(href).path.split("/") if segment]
        if not segments or normalize(segments[-1]) != _name(shown):
            raise ValueError("it has a link that is not to a project")
        names.add(_name(shown))
    return frozenset(names)


def _check_version(version: str) -> None:
    if not _is_version_1(version):
        raise ValueError("it is of another API version")


def _name(value: object) -> NormalizedName:
    if not isinstance(value, str) or not is_project_name(value):
        raise ValueError(f"it has a name that is not a project name: {value!r}")
    return normalize(value)


class _Anchors(HTMLParser):
    """Collects links with their texts, the stated version, and whether the document's end is present."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[tuple[str, list[str]]] = []
        self.api_version = "1.0"
        self.has_end = False
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note anchors and the repository version."""
        attributes = dict(attrs)
        href = attributes.get("href")
        if tag == "a" and href:
            self.anchors.append((href, []))
            self._is_inside = True
        if tag == "meta" and attributes.get("name") == "pypi:repository-version":
            self.api_version = attributes.get("content") or "?"

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an anchor and of the document."""
        self._is_inside = self._is_inside and tag != "a"
        self.has_end = self.has_end or tag == "html"

    def handle_data(self, data: str) -> None:
        """Collect the text of an anchor."""
        if self._is_inside:
            self.anchors[-1][1].append(data)


def from_plain_json(text: str) -> tuple[frozenset[NormalizedName], dict[str, object]] | None:
    """The names of a plain PEP 691 list, and its document without them, in which the caller checks the version."""
    begin = _PROJECTS.search(text)
    end = text.find("]", begin.end()) if begin else -1
    if begin is None or end < 0:
        return None
    # Names and private keys contain no bracket; a comma at the end makes all entries alike.
    parts = _PROJECT.split(text[begin.end() : end] + ",")
    if any(parts[::2]):
        return None
    mark = f'"{len(text)}"'
    rest = f"{text[: begin.end()]}{mark}{text[end:]}"
    try:
        document = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    # The part that was cut out must be the value of "projects" itself, not of another or a repeated key.
    if not isinstance(document, dict) or document.get("projects") != [json.loads(mark)] or rest.count(mark) != 1:
        return None
    return frozenset(folded(parts[1::2])), document


def from_plain_html(text: str) -> tuple[frozenset[NormalizedName], str] | None:
    """The names of a plain, complete PEP 503 list, and the API version that it states ("1.0" if none)."""
    head = _HEAD.match(text)
    last = text.rfind("</body>") if head else -1
    if head is None or last < head.end() or not _TAIL.fullmatch(text, last):
        return None
    parts = _ANCHOR.split(text[head.end() : last])
    if len(parts) < 4 or any(parts[::4]):
        return None
    version = _version(head.group())
    links, shown = parts[2::4], parts[3::4]
    names = folded(shown)
    # Most lists are normalized already: then this is one comparison of two lists.
    if version is None or (links != shown and folded(links) != names):
        return None
    return frozenset(names), version


def _version(head: str) -> str | None:
    """The API version that the head states; None if it is not in plain form."""
    stated = _VERSION.findall(head)
    if "pypi:repository-version" in head.lower() and len(stated) != 1:
        return None
    return stated[0] if stated else "1.0"


def folded(names: list[str]) -> list[NormalizedName]:
    """The project names `names`, each normalized (PEP 503); all at once, as one text, which is fast."""
    text = "\n".join(names).lower().replace("_", "-").replace(".", "-")
    while "--" in text:
        text = text.replace("--", "-")
    return cast("list[NormalizedName]", text.split("\n"))
