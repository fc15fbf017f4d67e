"""Answers over HTTP, and descriptions of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import urljoin

import aiohttp

from repoprio.fetch import inflating
from repoprio.fetch.server_time import time_of
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.events import FetchFailed
from repoprio.lookup.reasons import REFUSED_LOGIN, Cause
from repoprio.policy.model import Location
from repoprio.serve.transport.validators import Validators, validators
from repoprio.simple_api.response import Response, UnusableResponse
from repoprio.urls import without_credentials

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Reply(NamedTuple):
    """An answer; `body` is decompressed, and empty unless the status is 200."""

    status: int
    url: str
    body: bytes
    content_type: str
    redirect: str | None
    is_delimited: bool
    clocks: Clocks
    validators: Validators

    @property
    def response(self) -> Response:
        """The answer for the readers of pages."""
        return Response(self.url, self.body, self.content_type, self.is_delimited, self.clocks)


def redirect(response: aiohttp.ClientResponse, location: Location) -> str | None:
    """The URL to which the answer of `location` redirects; None if it does not."""
    target = response.headers.get("Location") if response.status in _REDIRECTS else None
    return without_credentials(urljoin(location.url, target)) if target else None


def encoding_of(response: aiohttp.ClientResponse) -> str:
    """The encoding of its body, in lower case."""
    return response.headers.get("Content-Encoding", "identity").strip().lower()


def read(response: aiohttp.ClientResponse, body: bytes, redirect: str | None = None) -> Reply:
    """An answer whose body was read."""
    headers = response.headers
    is_delimited = (
        "Content-Length" in headers
        or headers.get("Transfer-Encoding", "").strip().lower() == "chunked"
        or encoding_of(response) in inflating.PACKED
    )
    content_type = headers.get("Content-Type", "")
    clocks = Clocks(datetime.now(timezone.utc), time_of(headers))
    stated = validators(headers, clocks.server)
    return Reply(response.status, str(response.url), body, content_type, redirect, is_delimited, clocks, stated)


_Test = Callable[[BaseException], bool]


def _is(*kinds: type[BaseException]) -> _Test:
    return lambda error: isinstance(error, kinds)


# The first one that fits counts; the texts of errors may contain URLs, and are not passed on.
_KINDS: tuple[tuple[_Test, str, Cause, bool], ...] = (
    (_is(aiohttp.ClientConnectorCertificateError), "its TLS certificate is not trusted", Cause.TLS, True),
    (_is(aiohttp.ClientSSLError), "the TLS connection failed", Cause.TLS, True),
    (_is(aiohttp.ConnectionTimeoutError), "no connection in time", Cause.TIME, True),
    (_is(asyncio.TimeoutError), "no answer in time", Cause.TIME, True),
    (_is(aiohttp.ClientProxyConnectionError), "the proxy could not be reached", Cause.PROXY, True),
    (_is(aiohttp.ClientHttpProxyError), "the proxy refuses", Cause.PROXY, True),
    (_is(aiohttp.ClientConnectorDNSError), "its host name is unknown", Cause.CONNECTION, True),
    (_is(aiohttp.ClientConnectorError), "the connection was refused", Cause.CONNECTION, True),
    (_is(aiohttp.ClientPayloadError), "the connection broke before the answer was whole", Cause.CUT_SHORT, False),
    (_is(aiohttp.ServerDisconnectedError), "the connection was closed", Cause.CONNECTION, True),
    (_is(aiohttp.ClientOSError, OSError), "the connection was reset", Cause.CONNECTION, True),
)


def failed(error: UnusableResponse) -> FetchFailed:
    """The answer of a lookup for an error."""
    return FetchFailed(str(error), error.cause, lasting=error.lasting, asks=error.asks)


def failure(error: BaseException) -> UnusableResponse:
    """The description of an error, without any text of the request or the answer."""
    if isinstance(error, aiohttp.ClientHttpProxyError) and error.status in REFUSED_LOGIN:
        text = "the proxy (HTTPS_PROXY) refuses, and may need another login"
        return UnusableResponse(text, Cause.PROXY, lasting=True, asks=True)
    known = ((text, cause, lasting) for fits, text, cause, lasting in _KINDS if fits(error))
    unknown = (f"its answer cannot be read ({type(error).__name__})", Cause.BROKEN, False)
    text, cause, lasting = next(known, unknown)
    return UnusableResponse(text, cause, lasting=lasting)
