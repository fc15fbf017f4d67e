"""Pip's session, and the parts of requests and urllib3 below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Protocol

from repoprio.pip_adapter.protocols.links import Link


class HttpHeaders(Protocol):
    """Headers, in whatever case they are asked for."""

    def get(self, name: str, default: str, /) -> str:
        """The value of one."""

    def pop(self, name: str, default: None, /) -> str | None:
        """Take one out."""

    def __delitem__(self, name: str, /) -> None:
        """Take one out that is there."""


class HttpRequest(Protocol):
    """A request of requests."""

    url: str
    headers: HttpHeaders

    def prepare_auth(self, auth: tuple[str, str]) -> None:
        """Have it carry this login."""


class RawBody(Protocol):
    """An answer of urllib3."""

    def stream(self, amt: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body in parts."""

    def close(self) -> None:
        """Drop the connection."""


class HttpResponse(Protocol):
    """An answer of requests."""

    status_code: int
    url: str
    headers: HttpHeaders
    raw: RawBody
    request: HttpRequest
    _content: bytes | bool | None
    _content_consumed: bool

    def close(self) -> None:
        """Let the connection go."""


class SessionAuth(Protocol):
    """`MultiDomainBasicAuth`: logins, by host and port; since pip 23.1 `use_keyring` says whether keyring is asked."""

    prompting: bool
    index_urls: list[str] | None
    passwords: dict[str, tuple[str, str]]

    def _get_new_credentials(
        self, original_url: str, *, allow_netrc: bool = True, allow_keyring: bool = False
    ) -> tuple[str | None, str | None]:
        """A login that netrc or keyring knows."""


class PipSession(Protocol):
    """The session of requests that pip fetches everything with."""

    auth: SessionAuth
    adapters: Mapping[str, object]
    cookies: CookieJar
    max_redirects: int

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        allow_redirects: bool,
        stream: bool,
        hooks: Mapping[str, Sequence[Callable[..., None]]],
    ) -> HttpResponse:
        """The answer to a request."""

    def get_adapter(self, url: str) -> object:
        """What sends requests for `url`."""

    def is_secure_origin(self, location: Link) -> bool:
        """Whether it is https, this machine or a trusted host."""
