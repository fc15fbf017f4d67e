"""Project lists of a million names, read fast where they are plain. Pure.

What is not plain to the letter is None, for the slow readers to judge: what is read here they read alike.
"""

from __future__ import annotations

import json
import re
from typing import cast

from repoprio.names import NormalizedName

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
# Tags that lay a page out, and say nothing. A few at a time: more would be tried again from each of them.
_LAYOUT = r"(?:</?(?:br|hr|li|ul|ol|p|div|pre|span|table|tbody|tr|td)\s?/?>\s*){0,8}"
_MORE = r"""(?:\s+(?:class|rel|title|target|id)="[^"<>&]*")*"""
# Paths of plain segments: nothing that is escaped, that has a query, or in which a host could pass for a name.
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


def from_json(text: str) -> tuple[frozenset[NormalizedName], dict[str, object]] | None:
    """The names of a plain PEP 691 list, and its document without them, for its version to be judged."""
    begin = _PROJECTS.search(text)
    end = text.find("]", begin.end()) if begin else -1
    if begin is None or end < 0:
        return None
    # Names and private keys hold no bracket; a last comma makes all entries alike.
    parts = _PROJECT.split(text[begin.end() : end] + ",")
    if any(parts[::2]):
        return None
    mark = f'"{len(text)}"'
    rest = f"{text[: begin.end()]}{mark}{text[end:]}"
    try:
        document = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    # That of another place, or of a key that comes again, is not what was cut out.
    if not isinstance(document, dict) or document.get("projects") != [json.loads(mark)] or rest.count(mark) != 1:
        return None
    return frozenset(folded(parts[1::2])), document


def from_html(text: str) -> tuple[frozenset[NormalizedName], str] | None:
    """The names of a plain, whole PEP 503 list, and the API version that it states ("1.0" where none)."""
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
    # Most lists are folded already: then this is one comparison of two lists.
    if version is None or (links != shown and folded(links) != names):
        return None
    return frozenset(names), version


def _version(head: str) -> str | None:
    """The API version that the head states; None where that is not plain."""
    stated = _VERSION.findall(head)
    if "pypi:repository-version" in head.lower() and len(stated) != 1:
        return None
    return stated[0] if stated else "1.0"


def folded(names: list[str]) -> list[NormalizedName]:
    """`names`, which are project names, each as PEP 503 folds it; all at once, as one text."""
    text = "\n".join(names).lower().replace("_", "-").replace(".", "-")
    while "--" in text:
        text = text.replace("--", "-")
    return cast("list[NormalizedName]", text.split("\n"))
