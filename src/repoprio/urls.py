"""Compares, splits and joins URLs. Pure: opens none.

A *site* is scheme, host and port. A *place* is a URL without the parts that do not distinguish repositories:
credentials, a default port, the case of scheme and host, a trailing slash, query and fragment.
"""

from __future__ import annotations

import functools
import itertools
import ntpath
import posixpath
import re
import sys
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from repoprio.names import NormalizedName, normalize

_IS_WINDOWS = sys.platform == "win32"
_DRIVE = re.compile(r"\A/+([A-Za-z]):(?=[/\\]|$)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# The beginning of most URLs, which states their site.
_PLAIN_ROOT = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?/", re.ASCII)
# A folder that does not exist: a pip without the hook finds nothing there, without delay, and names it in its error.
FUSE = "file:///repoprio-is-not-loaded/"
# The host of an earlier fuse; pip took 8 s to look it up in vain.
_OLD_FUSE_HOST = "repoprio.invalid"
_PAGE_FILES = ("index.html", "index.htm", "index.json")


class Site(NamedTuple):
    """Scheme, host and port of a URL; `port` is None if the URL states none and the scheme has no default."""

    scheme: str
    host: str
    port: int | None

    def is_own(self, other: Site) -> bool:
        """Whether `other` is the same site, or its https twin: the same host, on the same port or 443 for 80."""
        upgraded = (self.scheme, other.scheme, other.host) == ("http", "https", self.host)
        return other == self or (upgraded and (self.port == other.port or (self.port, other.port) == (80, 443)))

    def shares_logins(self, other: Site) -> bool:
        """Whether a login for `other` may be used for this site: pip stores logins by host and port as written."""
        defaults = _DEFAULT_PORTS.values()
        return self.host == other.host and (
            self.port == other.port or (self.port in defaults and other.port in defaults)
        )

    def __str__(self) -> str:
        port = "" if self.port in (None, _DEFAULT_PORTS.get(self.scheme)) else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


# Cached: each request asks for the site of its URL many times.
@functools.lru_cache(maxsize=2**12)
def site(url: str) -> Site:
    """The site of `url`; raises `ValueError` if its port or host is invalid."""
    plain = _PLAIN_ROOT.match(url)
    return _site(plain.group() if plain else url)


@functools.lru_cache(maxsize=2**8)
def _site(url: str) -> Site:
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), _host(parts.hostname or "")
    # RFC 8089, 2: both are this machine.
    host = "" if (scheme, host) == ("file", "localhost") else host
    return Site(scheme, host, parts.port or _DEFAULT_PORTS.get(scheme))


def _host(written: str) -> str:
    """A host without percent-encoding (RFC 3986, 3.2.2), unless decoding it would change the parts of the URL."""
    plain = unquote(written).lower()
    return written if set(plain) & set(":/?#@[]\\") else plain


def place(url: str) -> str:
    """The place of `url` as text: for two URLs with equal places, a server answers the same.

    Spellings that only some servers treat as equal (`//`, `%2F`, `%2B`) are different places.
    """
    parts, where = urlsplit(url), site(url)
    if where.scheme != "file":
        return f"{where}{_sent_path(parts.path)}"
    if not where.host and parts.path.startswith("//") and _IS_WINDOWS:
        # Before 3.14, Python writes the server of a share into the path (RFC 8089, E.3.2).
        return place(f"file://{parts.path.lstrip('/')}")
    # Windows does not tell c: from C:.
    drive = _DRIVE.match(parts.path)
    return f"{where}{_plain_path(f'/{drive[1].upper()}:{parts.path[drive.end() :]}' if drive else parts.path)}"


def place_or_text(url: str) -> str:
    """The place of `url`, by which two spellings of it are equal; a text that is not a URL is returned unchanged."""
    try:
        return place(url)
    except ValueError:
        return url


def is_same_place(url: str, other: str) -> bool:
    """Whether two URLs have equal places; False for a text that is not a URL."""
    try:
        return place(url) == place(other)
    except ValueError:
        return False


def may_be_one_place(url: str, other: str) -> bool:
    """Whether some server may treat two http: or https: URLs as the same place."""
    is_file = "file" in (site(url).scheme, site(other).scheme)
    return not is_file and any(is_within(url, other, read) and is_within(other, url, read) for read in READINGS)


def is_within(url: str, base: str, read: Callable[[str], str] | None = None) -> bool:
    """Whether `url` lies at or below `base`; http and https of a host count as the same, on any port.

    A host with a dot at its end is the same host (RFC 1034, 3.1).

    `read` is one of `READINGS`; without it, paths are decoded and normalized.
    """
    read = read or _plain_path
    there, here = (address._replace(host=address.host.removesuffix(".")) for address in (site(url), site(base)))
    if {there.scheme, here.scheme} == {"http", "https"} and there.host == here.host:
        there = here
    above, below = read(urlsplit(base).path), read(urlsplit(url).path)
    return there == here and f"{below}/".startswith(f"{above}/")


def has_path_of(url: str, other: str) -> bool:
    """Whether both URLs have the same path in every reading; their sites do not matter."""
    path, other_path = urlsplit(url).path, urlsplit(other).path
    return all(read(path) == read(other_path) for read in READINGS)


def _plain_path(path: str) -> str:
    # Resolve `..` and `//`: `/corp/../public/` lies in public, not in corp.
    plain = posixpath.normpath("/" + unquote(path, errors="surrogateescape").lstrip("/"))
    return quote("" if plain == "/" else plain, errors="surrogateescape")


def _sent_path(path: str) -> str:
    """A path as pip sends it, with encoded dots decoded and dot segments resolved, but without a slash at its end."""
    return _rfc_path(_without_dots(_ENCODED_DOT.sub(".", path))).removesuffix("/")


def _rfc_path(path: str) -> str:
    """A path in the canonical spelling of those that RFC 3986 (6.2.2) calls equivalent; dot segments stay."""
    return quote(_ESCAPE.sub(_unescaped, path), safe="/%!$&'()*+,;=:@\\")


def _unescaped(escape: re.Match[str]) -> str:
    plain = chr(int(escape[1], 16))
    return plain if plain in _UNRESERVED else escape[0].upper()


def _decoded(path: str) -> str:
    """The path with all escapes decoded, repeatedly, and with slashes for backslashes."""
    while (plain := unquote(path)) != path:
        path = plain
    return path.replace("\\", "/")


def _without_parameters(path: str) -> str:
    return "/".join(segment.partition(";")[0] for segment in path.split("/"))


def _without_empty_segments(path: str) -> str:
    return re.sub("//+", "/", path)


def _without_dots(path: str) -> str:
    """The path with dot segments resolved (RFC 3986, 5.2.4)."""
    resolved: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del resolved[max(len(resolved) - 1, 1) :]
        elif segment != ".":
            resolved.append(segment)
    return "/".join(resolved)


def _readings() -> tuple[Callable[[str], str], ...]:
    """All ways in which a server may read a path; urllib3 resolves plain dot segments, and sends the rest unchanged."""
    tidying = (_decoded, _without_parameters, _without_empty_segments, str.casefold)
    chosen = itertools.product(*((step, None) for step in tidying))
    return tuple(functools.partial(_read, tuple(filter(None, steps))) for steps in chosen)


def _read(steps: tuple[Callable[[str], str], ...], path: str) -> str:
    path = _rfc_path(_without_dots(path))
    for step in steps:
        path = step(path)
    # A single slash at the end does not distinguish places.
    return _without_dots(path).removesuffix("/")


_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_ENCODED_DOT = re.compile("%2[Ee]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~")
READINGS = _readings()


def path_of(url: str) -> str:
    """The path that a file: URL means, as this platform writes it: on Windows with its drive or server (RFC 8089)."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if not _IS_WINDOWS:
        return path
    server = parts.hostname if parts.hostname != "localhost" else None
    return ntpath.normpath(f"//{server}{path}" if server else _DRIVE.sub(r"\1:", path, count=1))


def page_url(base: str, name: NormalizedName) -> str:
    """The URL of `name`'s project page below a simple repository's `base` (PEP 503)."""
    return f"{base.rstrip('/')}/{quote(name)}/"


def explanation_url(index: str, name: NormalizedName) -> str:
    """The URL at which the gateway with this `index` explains `name`: its other pages are beside the index."""
    return urljoin(f"{index.rstrip('/')}/", f"../explain/{quote(name)}")


def gateway_index_problem(url: str) -> str | None:
    """Why `url` is hardly the index of a gateway; None if it may be."""
    return None if url.rstrip("/").endswith("/simple") else "does not end in /simple/, where a gateway serves its index"


def is_page_of(url: str, name: NormalizedName) -> bool:
    """Whether `url` is a page of `name`: its last segment, apart from `index.html`, normalizes to that name."""
    segments = [unquote(part) for part in urlsplit(url).path.split("/") if part]
    if segments and segments[-1] in _PAGE_FILES:
        segments.pop()
    return bool(segments) and normalize(segments[-1]) == name


def is_fuse(url: str) -> bool:
    """Whether `url` is the fuse, an index at which a pip without the hook finds nothing."""
    try:
        return site(url).host == _OLD_FUSE_HOST or is_within(url, FUSE)
    except ValueError:
        return False


def without_credentials(url: str) -> str:
    """`url` without ``user:password@``; a text that is not a URL is returned unchanged."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def credentials(url: str) -> tuple[str, str] | None:
    """User name and password in `url`, percent-decoded; None if it has none."""
    userinfo, at, _ = urlsplit(url).netloc.rpartition("@")
    if not at:
        return None
    user, _, password = userinfo.partition(":")
    return unquote(user), unquote(password)


def with_credentials(url: str, user: str, password: str) -> str:
    """`url` with these credentials, percent-encoded, in place of any that it had."""
    parts = urlsplit(without_credentials(url))
    userinfo = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))


# Cached: a page may have thousands of files, and is read several times.
@functools.lru_cache(maxsize=2**14)
def filename(url: str) -> str:
    """The last segment of the URL's path, percent-decoded."""
    return unquote(posixpath.basename(urlsplit(url).path))
