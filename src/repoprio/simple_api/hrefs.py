"""Turns the links of a page into absolute, quoted URLs, exactly as pip does. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

# A link that quoting does not change: plain segments, none of them "." or "..", and a plain fragment.
_SEGMENT = r"[A-Za-z0-9_~@-][A-Za-z0-9_.~@-]*"
_PLAIN = re.compile(
    rf"(?:(https?://[A-Za-z0-9.-]+(?::[0-9]+)?/)|(/)|((?:\.\./)*))(?:{_SEGMENT}/)*({_SEGMENT})(?:\#(?!egg=)[A-Za-z0-9=_.-]+)?",
    re.ASCII,
)
_PLAIN_FOLDER = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?::[0-9]+)?|file://)/(?:[A-Za-z0-9_.~@%-]+/)*", re.ASCII)
# Quoting leaves these unchanged: the `@` before a revision (PEP 440), and a quoted slash.
_KEPT = re.compile("(@|%2F)", re.IGNORECASE)
_DRIVE = re.compile(r"/+[A-Za-z]:(?=/)")
# The hashes that pip knows, the strongest first.
ALGORITHMS = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")
_HASH = re.compile(rf"[#&]({'|'.join(ALGORITHMS)})=([^&]*)")
_EGG = re.compile("[#&]egg=([^&]*)")
# As in pip: one character or more, without a dot, dash or underscore at either end (PEP 508).
_EGG_NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\n?", re.IGNORECASE)


# Where a link leads: its URL, and the last segment of that, percent-decoded. A named tuple takes longer to make.
Target: TypeAlias = tuple[str, str]


class Base:
    """The URL that the links of a page are relative to."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._folders: dict[str, str | None] = {}

    def target(self, href: str) -> Target:
        """The target of `href`; raises `ValueError` if it is not a URL."""
        plain = _PLAIN.fullmatch(href)
        if plain is None:
            return self._odd(href)
        site, root, up, filename = plain.groups()
        if site:
            return href, filename
        begin = self._folder(root or up)
        return self._odd(href) if begin is None else (begin + href[len(root or up) :], filename)

    def _folder(self, way: str) -> str | None:
        """The URL of the folder that ``/``, or a row of ``../``, leads to; None if the base URL is not plain."""
        if way not in self._folders:
            url, _ = self._odd(way or "./")
            self._folders[way] = url if _PLAIN_FOLDER.fullmatch(url) else None
        return self._folders[way]

    def _odd(self, href: str) -> Target:
        is_whole = href.startswith(("https://", "http://"))
        parts = urlsplit(href if is_whole else urljoin(self._url, href))
        path = _quoted(parts.path, is_local=not parts.netloc)
        # Joined as a file: URL, which keeps its two slashes even without a host (RFC 1738).
        url = parts.scheme + urlunsplit(("file", parts.netloc, path, parts.query, parts.fragment))[len("file") :]
        egg = _EGG.search(url)
        if egg and not _EGG_NAME.fullmatch(egg[1]):
            raise ValueError("its egg fragment is not a project name")
        return url, unquote(posixpath.basename(urlsplit(url).path))


def _quoted(path: str, *, is_local: bool) -> str:
    """`path` quoted exactly once, even if it was quoted already; on Windows a local one may begin with a drive."""
    drive = _DRIVE.match(path) if is_local else None
    begin = drive.group() if drive else ""
    pieces = _KEPT.split(path[len(begin) :])
    # Every second part is one that stays unchanged.
    return begin + "".join(
        piece.upper() if number % 2 else quote(unquote(piece)) for number, piece in enumerate(pieces)
    )


def best_hash(hashes: Mapping[str, str]) -> str | None:
    """The algorithm of the hash to use: sha256, which every client knows, else the strongest that pip knows."""
    return next((algorithm for algorithm in ("sha256", *ALGORITHMS) if algorithm in hashes), None)


def with_hash(url: str, algorithm: str, digest: str) -> str:
    """`url` with this hash in its fragment, the only place for it in HTML."""
    return f"{url}{'&' if '#' in url else '#'}{algorithm}={digest}"


def without_hash(url: str) -> str:
    """`url` without its fragment."""
    return url.partition("#")[0]


def hash_in(url: str) -> dict[str, str]:
    """The hash in the fragment of `url`, by its algorithm; empty if it has none."""
    match = _HASH.search(url) if "=" in url else None
    return {match[1]: match[2]} if match else {}
