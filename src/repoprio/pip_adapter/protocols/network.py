"""Pip's session, and the parts of requests and urllib3 that it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Protocol

from repoprio.pip_adapter.protocols.links import Link


class HttpHeaders(Protocol):
    """The headers of a message; their names ignore case."""

    def get(self, name: str, default: str, /) -> str:
        """The value of a header, or `default`."""

    def pop(self, name: str, default: None, /) -> str | None:
        """Remove a header; returns its value, or `default`."""

    def __delitem__(self, name: str, /) -> None:
        """Remove an existing header."""


class HttpRequest(Protocol):
    """A request of the library requests."""

    url: str
    headers: HttpHeaders

    def prepare_auth(self, auth: tuple[str, str]) -> None:
        """Set the login of the request."""


class RawBody(Protocol):
    """A response of urllib3."""

    def stream(self, amt: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body in chunks of at most `amt` bytes."""

    def close(self) -> None:
        """Close the connection."""


class HttpResponse(Protocol):
    """A response of the library requests."""

    status_code: int
    url: str
    headers: HttpHeaders
    raw: RawBody
    request: HttpRequest
    _content: bytes | bool | None
    _content_consumed: bool

    def close(self) -> None:
        """Release the connection."""


class SessionAuth(Protocol):
    """`MultiDomainBasicAuth`: logins, by host and port; since pip 23.1 `use_keyring` says whether keyring is asked."""

    prompting: bool
    index_urls: list[str] | None
    passwords: dict[str, tuple[str, str]]

    def _get_new_credentials(
        self, original_url: str, *, allow_netrc: bool = True, allow_keyring: bool = False
    ) -> tuple[str | None, str | None]:
        """A login from netrc or keyring; None for each part that is not known."""


class PipSession(Protocol):
    """The session with which pip fetches everything."""

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
        """The response to a GET request."""

    def get_adapter(self, url: str) -> object:
        """The adapter that sends requests to `url`."""

    def is_secure_origin(self, location: Link) -> bool:
        """Whether `location` is https, on this machine, or on a trusted host."""
