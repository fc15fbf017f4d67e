"""Where the links of a page lead, as absolute, quoted URLs: to the letter what pip makes of them. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

# A link that quoting leaves as it is: plain segments, none of which is "." or "..", and a plain fragment.
_SEGMENT = r"[A-Za-z0-9_~@-][A-Za-z0-9_.~@-]*"
_PLAIN = re.compile(
    rf"(?:(https?://[A-Za-z0-9.-]+(?::[0-9]+)?/)|(/)|((?:\.\./)*))(?:{_SEGMENT}/)*({_SEGMENT})(?:\#(?!egg=)[A-Za-z0-9=_.-]+)?",
    re.ASCII,
)
_PLAIN_FOLDER = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?::[0-9]+)?|file://)/(?:[A-Za-z0-9_.~@%-]+/)*", re.ASCII)
# What is kept as it is, so that a revision (PEP 440's `@`) and a quoted slash stay what they are.
_KEPT = re.compile("(@|%2F)", re.IGNORECASE)
_DRIVE = re.compile(r"/+[A-Za-z]:(?=/)")
# Those that pip knows, the best first.
ALGORITHMS = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")
_HASH = re.compile(rf"[#&]({'|'.join(ALGORITHMS)})=([^&]*)")
_EGG = re.compile("[#&]egg=([^&]*)")
# As pip's: of one character or more, with no dot, dash or underscore at its ends (PEP 508).
_EGG_NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\n?", re.IGNORECASE)


class Target(NamedTuple):
    """Where a link leads: `filename` is the last segment of `url`, percent-decoded."""

    url: str
    filename: str


class Base:
    """The URL that the links of a page are relative to."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._folders: dict[str, str | None] = {}

    def target(self, href: str) -> Target:
        """Where `href` leads; `ValueError` where that is no URL."""
        plain = _PLAIN.fullmatch(href)
        if plain is None:
            return self._odd(href)
        site, root, up, filename = plain.groups()
        if site:
            return Target(href, filename)
        begin = self._folder(root or up)
        return self._odd(href) if begin is None else Target(begin + href[len(root or up) :], filename)

    def _folder(self, way: str) -> str | None:
        """The URL of the folder that ``/``, or so many ``../``, lead to; None where it is not plain."""
        if way not in self._folders:
            found = self._odd(way or "./").url
            self._folders[way] = found if _PLAIN_FOLDER.fullmatch(found) else None
        return self._folders[way]

    def _odd(self, href: str) -> Target:
        is_whole = href.startswith(("https://", "http://"))
        parts = urlsplit(href if is_whole else urljoin(self._url, href))
        path = _quoted(parts.path, is_local=not parts.netloc)
        # Written as a file: URL, which has its two slashes even where there is no host (RFC 1738).
        url = parts.scheme + urlunsplit(("file", parts.netloc, path, parts.query, parts.fragment))[len("file") :]
        egg = _EGG.search(url)
        if egg and not _EGG_NAME.fullmatch(egg[1]):
            raise ValueError("its egg fragment is not a project name")
        return Target(url, unquote(posixpath.basename(urlsplit(url).path)))


def _quoted(path: str, *, is_local: bool) -> str:
    """`path` quoted once, whether or not it was; on Windows a local one may begin with a drive."""
    drive = _DRIVE.match(path) if is_local else None
    begin = drive.group() if drive else ""
    pieces = _KEPT.split(path[len(begin) :])
    # Those that are kept stand at every second place.
    return begin + "".join(
        piece.upper() if number % 2 else quote(unquote(piece)) for number, piece in enumerate(pieces)
    )


def hash_in(url: str) -> dict[str, str]:
    """The hash in the fragment of `url`, by its algorithm; none where there is no such."""
    found = _HASH.search(url) if "=" in url else None
    return {found[1]: found[2]} if found else {}
