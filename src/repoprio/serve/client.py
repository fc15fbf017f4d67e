"""Asking repositories over HTTP: one request at a time, no redirect followed, within bounds of time and size."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import netrc
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timezone
from typing import NamedTuple
from urllib import request
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from repoprio.fetch import inflating
from repoprio.fetch.async_page_cache import AsyncPageCache
from repoprio.fetch.server_time import time_of
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    RedirectReceived,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import ExpiringStore
from repoprio.lookup.reasons import REFUSED_LOGIN, Cause
from repoprio.policy.locations import variable_of
from repoprio.policy.model import Location, Policy, Repository
from repoprio.serve.pages.versions import PackagingVersions
from repoprio.simple_api import reader
from repoprio.simple_api.filenames import is_distribution
from repoprio.simple_api.model import ProjectPage
from repoprio.simple_api.project_list import read_project_list
from repoprio.simple_api.response import Response, UnusableResponse
from repoprio.urls import filename, site, without_credentials

VERSIONS = PackagingVersions()
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
# Never content with what a cache between says of the past.
_HEADERS = {"Accept": _ACCEPT, "Accept-Encoding": "gzip", "Cache-Control": "max-age=0", "User-Agent": "repoprio"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({502, 503, 504})
_CONNECT_SECONDS, _IDLE_SECONDS, _RETRY_SECONDS = 3.0, 5.0, 0.2
_CHUNK = 64 * 1024
# More of an answer that is no page is not looked at.
_ENOUGH = 1024 * 1024
# Pages of one site that are asked for at the same time; the others wait, within their deadline.
_CONNECTIONS = 50
# Large pages that are read at the same time: each may take some hundred megabytes for a moment.
_READERS = 2
# For so many seconds what several names need, such as a canary, is fetched once.
_SHARED_SECONDS = 1.0


class Reply(NamedTuple):
    """An answer as it came; `body` is as it was sent, maybe compressed, and empty unless the status is 200."""

    status: int
    url: str
    body: bytes
    content_type: str
    encoding: str
    redirect: str | None
    is_delimited: bool
    clocks: Clocks


class Client:
    """Answers what lookups ask of the repositories of a policy."""

    def __init__(self, policy: Policy, trusted_hosts: Collection[str] = ()) -> None:
        self._policy = policy
        self.trusted = frozenset(trusted_hosts)
        # Is told of each answer, with the seconds that it took.
        self.watch: Callable[[Repository, float, FetchResult[ProjectPage]], None] = lambda *_: None
        self._netrc = _netrc()
        self._reading = asyncio.Semaphore(_READERS)
        self._pages: aiohttp.ClientSession | None = None
        self._files: aiohttp.ClientSession | None = None
        self._shared = AsyncPageCache[ProjectPage](ExpiringStore(_SHARED_SECONDS, time.monotonic))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connections are kept meanwhile. A slow client holds the one of its file, so pages have their own."""
        async with _session(_CONNECTIONS) as self._pages, _session(0) as self._files:
            yield

    async def fetch(self, ask: FetchRequest, seconds: float) -> FetchResult[ProjectPage]:
        """The answer to `ask`, which may take so long; whatever goes wrong is an answer too."""
        if ask.what is ResourceKind.PAGE:
            return await self._fetch(ask, seconds)
        return await self._shared.get_or_fetch(ask, lambda ask: self._fetch(ask, seconds))

    async def _fetch(self, ask: FetchRequest, seconds: float) -> FetchResult[ProjectPage]:
        limit = min(seconds, self._policy.page_timeout)
        late = FetchFailed(f"took more than {limit:.3g} s", Cause.TIME)
        if limit <= 0:
            return replace(late, reason="there was no time left to ask it")
        begun = time.monotonic()
        found = await self._within(ask, limit, late)
        self.watch(ask.repository, time.monotonic() - begun, found)
        return found

    async def _within(self, ask: FetchRequest, limit: float, late: FetchFailed) -> FetchResult[ProjectPage]:
        try:
            return await asyncio.wait_for(self._answer(ask), limit)
        except asyncio.TimeoutError:
            return late
        except UnusableResponse as error:
            return _failed(error)
        except Exception as error:  # noqa: BLE001 - whatever a server can make a parser do, it was no answer
            return FetchFailed(f"its answer cannot be understood ({type(error).__name__})")

    async def _answer(self, ask: FetchRequest) -> FetchResult[ProjectPage]:
        url = ask.location.url
        if ask.what is ResourceKind.FILES and is_distribution(filename(url)):
            return reader.files_of(ask.name, (reader.file_at(url),), url, VERSIONS)
        reply = await self.get(self.with_login(ask.repository, ask.location))
        if reply.redirect is not None:
            return RedirectReceived(reply.redirect)
        if reply.status != 200:
            return StatusReceived(reply.status, self._detail(ask, reply.status))
        # Large pages would hold up all others.
        async with self._reading:
            return await asyncio.to_thread(self._read, ask, reply)

    def _read(self, ask: FetchRequest, reply: Reply) -> FetchResult[ProjectPage]:
        try:
            return self._found(ask, reply)
        except UnusableResponse as error:
            # Not raised any further: tasks would keep the traceback, and with it the page, for some time.
            return _failed(error)

    def _found(self, ask: FetchRequest, reply: Reply) -> FetchResult[ProjectPage]:
        response = self.response(reply)
        if ask.what is ResourceKind.LIST:
            return read_project_list(response)
        if ask.what is ResourceKind.FILES:
            return reader.files_of(ask.name, reader.read_flat_page(response), ask.location.url, VERSIONS)
        return reader.read_project_page(ask.name, response, VERSIONS)

    def response(self, reply: Reply) -> Response:
        """A reply, decompressed; raises `UnusableResponse`."""
        body = inflating.body([reply.body], reply.encoding, self._policy.page_size_limit)
        return Response(reply.url, body, reply.content_type, reply.is_delimited, reply.clocks)

    def with_login(self, repository: Repository, location: Location) -> Location:
        """What is asked, with the login of a location of the repository at that very site, else that of netrc."""
        if location.user is not None:
            return location
        here = site(location.url)
        own = (one for one in repository.locations if not one.unset and one.user is not None)
        known = next((one for one in own if site(one.url) == here), None)
        if known:
            return replace(location, user=known.user, password=known.password)
        user, _, password = (self._netrc.authenticators(here.host) if self._netrc else None) or (None, None, None)
        return replace(location, user=user, password=password or "") if user else location

    def _detail(self, ask: FetchRequest, status: int) -> str:
        if status == 407:
            return "; the proxy (HTTPS_PROXY) refuses, and may need another login"
        if status in (401, 403) and self.with_login(ask.repository, ask.location).user is None:
            return f"; no login was sent (set {variable_of(ask.repository.name)}_USERNAME and _PASSWORD)"
        return "; it refuses the login that was sent" if status in (401, 403) else ""

    async def get(self, location: Location) -> Reply:
        """The answer of one location; one that does not come, or says "later", is asked for once more."""
        try:
            reply = await self._get(location)
            if reply.status not in _PASSING:
                return reply
        except UnusableResponse as error:
            if not error.lasting or error.cause is not Cause.CONNECTION:
                raise
        await asyncio.sleep(_RETRY_SECONDS)
        return await self._get(location)

    async def _get(self, location: Location) -> Reply:
        try:
            async with self._request(self._pages, "GET", location, _IDLE_SECONDS) as response:
                target = redirect(response, location)
                return _reply(response, b"", target) if target else _reply(response, await self._body(response))
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise failure(error) from None

    def file(
        self, method: str, location: Location, idle: float, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """One request for a file, with the login of `location`; no redirect is followed; `idle` is in seconds."""
        return self._request(self._files, method, location, idle, headers)

    def _request(
        self,
        session: aiohttp.ClientSession | None,
        method: str,
        location: Location,
        idle: float,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """One request; so many seconds of silence end it."""
        assert session is not None, "within open()"
        if not self.is_secure(location.url):
            raise UnusableResponse(f"{site(location.url)} is neither https nor a trusted host", Cause.INSECURE)
        return session.request(
            method,
            URL(location.url, encoded=True),
            headers={**(headers or {}), **_login(location)},
            proxy=_proxy(location.url),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=idle),
        )

    def is_secure(self, url: str) -> bool:
        """Whether nobody between can change what comes from there, or the user said that this is all right."""
        here = site(url)
        return (
            here.scheme == "https"
            or is_local(here.host)
            or bool({here.host, f"{here.host}:{here.port}"} & self.trusted)
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """All that was sent; of an answer that is no page it only must end: what breaks off is no word of absence."""
        if response.status in REFUSED_LOGIN or response.status >= 500:
            return b""
        limit = self._policy.page_size_limit if response.status == 200 else _ENOUGH
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > limit:
                raise UnusableResponse(f"its answer ({response.status}) is larger than {limit} bytes", Cause.SIZE)
        return bytes(body) if response.status == 200 else b""


def is_local(host: str) -> bool:
    """Whether `host` is this machine; 127.evil.example is not."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _session(connections: int) -> aiohttp.ClientSession:
    """A pool of so many connections to each site; 0 is for as many as are asked for."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=connections, ttl_dns_cache=30),
        headers=_HEADERS,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def redirect(response: aiohttp.ClientResponse, location: Location) -> str | None:
    """Where the answer of `location` sends the asker, if it does."""
    target = response.headers.get("Location") if response.status in _REDIRECTS else None
    return without_credentials(urljoin(location.url, target)) if target else None


def _login(location: Location) -> dict[str, str]:
    """The header that carries the login of a location, if it has one."""
    if location.user is None:
        return {}
    pair = base64.b64encode(f"{location.user}:{location.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _netrc() -> netrc.netrc | None:
    """The logins of netrc, where pip finds them; None where there is none that can be read."""
    for file in [os.environ["NETRC"]] if os.environ.get("NETRC") else ["~/.netrc", "~/_netrc"]:
        with contextlib.suppress(OSError, netrc.NetrcParseError, UnicodeError):
            return netrc.netrc(os.path.expanduser(file))
    return None


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for `url`, if any."""
    here = site(url)
    if request.proxy_bypass(f"{here.host}:{here.port}"):
        return None
    return request.getproxies().get(here.scheme)


def _reply(response: aiohttp.ClientResponse, body: bytes, redirect: str | None = None) -> Reply:
    headers = response.headers
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    is_delimited = (
        "Content-Length" in headers
        or headers.get("Transfer-Encoding", "").strip().lower() == "chunked"
        or encoding in inflating.PACKED
    )
    content_type = headers.get("Content-Type", "")
    clocks = Clocks(datetime.now(timezone.utc), time_of(headers))
    return Reply(response.status, str(response.url), body, content_type, encoding, redirect, is_delimited, clocks)


_Test = Callable[[BaseException], bool]


def _is(*kinds: type[BaseException]) -> _Test:
    return lambda error: isinstance(error, kinds)


# The first that fits; texts of errors may have URLs in them, and are not passed on.
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


def _failed(error: UnusableResponse) -> FetchFailed:
    return FetchFailed(str(error), error.cause, lasting=error.lasting, asks=error.asks)


def failure(error: BaseException) -> UnusableResponse:
    """What went wrong, in words that hold nothing of the request or the answer."""
    found = ((text, cause, lasting) for fits, text, cause, lasting in _KINDS if fits(error))
    unknown = (f"its answer cannot be read ({type(error).__name__})", Cause.BROKEN, False)
    text, cause, lasting = next(found, unknown)
    return UnusableResponse(text, cause, lasting=lasting)
