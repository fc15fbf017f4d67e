"""Validators of pages, with which a server can say that a page has not changed (RFC 9110, section 13). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple, Protocol

from repoprio.names import NormalizedName
from repoprio.policy.model import Location
from repoprio.simple_api.model import ProjectPage

_LONGEST = 1024
# A page may change twice within the second that a date tells (RFC 9110, 8.8.2.2).
_SETTLED = timedelta(seconds=60)


class Headers(Protocol):
    """The headers of an answer."""

    def get(self, name: str, default: str, /) -> str:
        """The value of a header, or `default`."""


class Validators(NamedTuple):
    """An entity tag, else a date; both are empty if the server states no usable one."""

    etag: str = ""
    modified: str = ""

    def headers(self) -> dict[str, str]:
        """The headers that request the page only if it has changed."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.modified} if self.modified else {}

    def fits(self, other: Validators) -> bool:
        """Whether an answer with the validators `other` can be about the same page; one without a tag can."""
        return not (self.etag and other.etag) or _weak(self.etag) == _weak(other.etag)


def validators(headers: Headers, now: datetime | None) -> Validators:
    """The validators of an answer; `now` is what time it is to its server, None if it does not say."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if etag and len(etag) <= _LONGEST and etag.isascii() and etag.isprintable():
        return Validators(etag=etag)
    return Validators(modified=modified) if now and _is_settled(modified, now) else Validators()


def _is_settled(modified: str, now: datetime) -> bool:
    try:
        date = parsedate_to_datetime(modified)
        return date.tzinfo is not None and now - date >= _SETTLED
    except (ValueError, TypeError, IndexError, OverflowError):
        return False


def _weak(etag: str) -> str:
    return etag.removeprefix("W/")


class Key(NamedTuple):
    """Whose page it is, of which project, and where and with which login it was asked for."""

    repository: str
    name: NormalizedName
    location: Location


class Kept(NamedTuple):
    """A page as it was read, with what its server calls it; its answer had `size` bytes."""

    page: ProjectPage
    validators: Validators
    size: int
