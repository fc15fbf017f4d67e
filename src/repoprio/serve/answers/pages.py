"""The status, the headers and the body of a page, for what a client wants of it."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from repoprio.names import NormalizedName
from repoprio.serve import requests
from repoprio.serve.kept_pages import Page

Headers = list[tuple[bytes, bytes]]
VARY = (b"vary", b"Accept, Accept-Encoding")
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
NO_SCRIPTS = (b"content-security-policy", b"default-src 'none'")
_READ = frozenset({b"accept", b"accept-encoding", b"if-none-match", b"if-range", b"range"})


def relevant(headers: Collection[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """The headers of a request that may change its answer."""
    return {name: value.decode("latin-1") for name, value in headers if name in _READ}


class Wanted(NamedTuple):
    """A page as a client wants it; `has` names the ones that the client has already."""

    name: NormalizedName
    media: requests.Media
    takes_gzip: bool
    has: str


def wanted(name: NormalizedName, headers: Collection[tuple[bytes, bytes]]) -> Wanted | None:
    """What a request for the page of `name` wants; None if the client accepts no form of a page."""
    sent = relevant(headers)
    media = requests.media(sent.get(b"accept", ""))
    if media is None:
        return None
    takes_gzip = requests.takes_gzip(sent.get(b"accept-encoding", ""))
    return Wanted(name, media, takes_gzip, sent.get(b"if-none-match", ""))


def max_age(page: Page, now: float) -> int:
    """For how many seconds a client may keep `page`."""
    return int(max(page.fresh_until - now, 0.0))


def answer(page: Page, wanted: Wanted, now: float) -> tuple[int, Headers, bytes]:
    """The answer to a client at `now` of the gateway's clock."""
    body = page.forms[wanted.media, wanted.takes_gzip]
    headers: Headers = [
        *_of_page(wanted.media, page.owners, is_packed=body.is_packed),
        (b"etag", body.etag),
        (b"cache-control", b"max-age=%d, must-revalidate" % max_age(page, now)),
        (b"x-repoprio-state", b"stale" if page.stands_in else b"fresh"),
    ]
    if page.stands_in:
        headers.append((b"age", b"%d" % (now - page.born)))
    if requests.has_already(wanted.has, body.etag.decode()):
        return 304, headers, b""
    return 200, headers, body.content


@lru_cache(maxsize=1024)
def _of_page(media: requests.Media, owners: tuple[str, ...], *, is_packed: bool) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that all pages of these owners have in one form."""
    headers = [(b"content-type", media.value.encode()), (b"x-repoprio-owner", ", ".join(owners).encode()), VARY]
    headers += [] if media is requests.Media.JSON else [NO_SCRIPTS]
    headers += [(b"content-encoding", b"gzip")] if is_packed else []
    return tuple(headers)


def finish(method: str, status: int, headers: Headers, body: bytes) -> bytes:
    """Add the headers that all answers have; returns the part of the body that is sent."""
    headers.append(NO_SNIFFING)
    if status != 304:
        headers.append((b"content-length", b"%d" % len(body)))
    return b"" if method == "HEAD" else body
