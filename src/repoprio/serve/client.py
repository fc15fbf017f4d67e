"""Asks repositories over HTTP: one request at a time, without following redirects, within limits of time and size."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from netrc import netrc

import aiohttp
from yarl import URL

from repoprio.fetch import netrc_file
from repoprio.fetch.async_page_cache import AsyncPageCache
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    PageFound,
    RedirectReceived,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import ExpiringStore
from repoprio.lookup.reasons import REFUSED_LOGIN, Cause
from repoprio.policy.locations import variable_of
from repoprio.policy.model import Location, Policy, Repository
from repoprio.serve.bounded_store import BoundedStore
from repoprio.serve.pages.relayed import is_local as is_local_path
from repoprio.serve.pages.versions import PackagingVersions
from repoprio.serve.timing.clock import steady_seconds
from repoprio.serve.transport import folders, proxies
from repoprio.serve.transport.bodies import IncomingBody
from repoprio.serve.transport.replies import Reply, encoding_of, failed, failure, read, redirect
from repoprio.serve.transport.room import BUSY, SMALL, Part, Room, Share, Stage
from repoprio.serve.transport.validators import Kept, Key
from repoprio.simple_api import reader
from repoprio.simple_api.filenames import is_distribution
from repoprio.simple_api.model import ProjectPage
from repoprio.simple_api.project_list import read_project_list
from repoprio.simple_api.response import UnusableResponse
from repoprio.urls import filename, site

VERSIONS = PackagingVersions()
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
# Caches on the way must revalidate their answers.
_HEADERS = {"Accept": _ACCEPT, "Accept-Encoding": "gzip", "Cache-Control": "max-age=0", "User-Agent": "repoprio"}
_PASSING = frozenset({502, 503, 504})
_CONNECT_SECONDS, _IDLE_SECONDS, _RETRY_SECONDS = 3.0, 5.0, 0.2
_CHUNK = 64 * 1024
# The limit in bytes for an answer that is not a page.
_ENOUGH = 1024 * 1024
# The limit of concurrent page requests to a site; others wait, within their deadline.
_CONNECTIONS = 50
# The limit for kept pages of all repositories, as they were sent; a kept page is only revalidated.
_MOST_KEPT_BYTES = 16 * 2**20
# A page of at most this size with at most so many objects is parsed within three milliseconds, or twenty if it is made
# to take long. A thread would keep the interpreter for longer (`sys.getswitchinterval`), and takes time to start.
_QUICK, _QUICK_OBJECTS = 128 * 1024, 1200
# Each byte of HTML may take as long as ten of JSON.
_QUICK_HTML = 16 * 1024
# The limit of large pages that threads parse at the same time.
_READERS = 2
# For this many seconds, pages that several names need, such as a canary, are fetched only once.
_SHARED_SECONDS = 1.0


class Client:
    """Answers what lookups ask of the repositories of a policy."""

    def __init__(
        self,
        policy: Policy,
        trusted_hosts: Collection[str] = (),
        room: Room | None = None,
        logins: Callable[[], netrc | None] = netrc_file.logins,
    ) -> None:
        """`logins` returns those of netrc, for repositories without one in the policy."""
        self._policy = policy
        self.room = room or Room()
        self.trusted = frozenset(trusted_hosts)
        # Called for each answer, with its duration in seconds.
        self.watch: Callable[[Repository, float, FetchResult[ProjectPage]], None] = lambda *_: None
        self._netrc = logins()
        self._reading = asyncio.Semaphore(_READERS)
        self._pages: aiohttp.ClientSession | None = None
        self._files: aiohttp.ClientSession | None = None
        self._kept = BoundedStore[Key, Kept](_MOST_KEPT_BYTES, lambda kept: kept.size)
        self._shared = AsyncPageCache[ProjectPage](ExpiringStore(_SHARED_SECONDS, steady_seconds))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """A context in which connections are kept. Files have their own, because a slow client holds its connection."""
        async with _session(_CONNECTIONS) as self._pages, _session(0) as self._files:
            yield

    async def fetch(self, ask: FetchRequest, seconds: float, share: Share) -> FetchResult[ProjectPage]:
        """The answer to `ask` within the given time; any error becomes a `FetchFailed`. `share` is the lookup's."""
        if ask.kind is ResourceKind.PAGE:
            return await self._fetch(ask, seconds, share)
        return await self._shared.get_or_fetch(ask, lambda ask: self._fetch_for_all(ask, seconds))

    async def _fetch_for_all(self, ask: FetchRequest, seconds: float) -> FetchResult[ProjectPage]:
        """As `_fetch`; it waits for no room, because the lookup that has the room may wait for this answer."""
        with self.room.share(may_wait=False) as share:
            return await self._fetch(ask, seconds, share)

    async def _fetch(self, ask: FetchRequest, seconds: float, share: Share) -> FetchResult[ProjectPage]:
        limit = min(seconds, self._policy.page_timeout)
        late = FetchFailed(f"took more than {limit:.3g} s", Cause.TIME)
        if limit <= 0:
            return replace(late, reason="there was no time left to ask it")
        begun = time.monotonic()
        result = await self._within(ask, limit, late, share)
        self.watch(ask.repository, time.monotonic() - begun, result)
        return result

    async def _within(
        self, ask: FetchRequest, limit: float, late: FetchFailed, share: Share
    ) -> FetchResult[ProjectPage]:
        part = Part(share)
        try:
            return await asyncio.wait_for(self._settled(ask, part), limit)
        except asyncio.TimeoutError:
            return FetchFailed(BUSY, Cause.BUSY) if part.has_waited else late

    async def _settled(self, ask: FetchRequest, part: Part) -> FetchResult[ProjectPage]:
        """The answer, or why there is none: a task that raises keeps its traceback, and with it all that it read."""
        try:
            return await self._answer(ask, part)
        except UnusableResponse as error:
            return failed(error)
        except Exception as error:  # noqa: BLE001 - a server may cause any error in a parser; it is never an answer
            return FetchFailed(f"its answer cannot be understood ({type(error).__name__})")

    async def _answer(self, ask: FetchRequest, part: Part) -> FetchResult[ProjectPage]:
        url = ask.location.url
        if is_local_path(url):
            return await self._in_folder(ask, part)
        if ask.kind is ResourceKind.FILES and is_distribution(filename(url)):
            return reader.files_of(ask.name, (reader.file_at(url),), url, VERSIONS)
        location = self.with_login(ask.repository, ask.location)
        key = Key(ask.repository.name, ask.name, location)
        kept = self._kept.get(key)
        reply = await self.get(location, part, kept.validators.headers() if kept else {})
        if kept and reply.status == 304:
            part.share.is_large |= kept.size > SMALL
            return self._unchanged(key, kept, reply)
        if reply.redirect is not None:
            return RedirectReceived(reply.redirect)
        if reply.status != 200:
            return StatusReceived(reply.status, self._detail(ask, reply.status))
        result = await self._read_aside(ask, reply, part)
        # A page without files may mean absence, which is asked for each time.
        if ask.kind is ResourceKind.PAGE and isinstance(result, PageFound) and result.files:
            self._keep(key, Kept(result.page, reply.validators, len(reply.body)))
        return result

    async def _in_folder(self, ask: FetchRequest, part: Part) -> FetchResult[ProjectPage]:
        limit = self._policy.page_size_limit
        try:
            return await asyncio.to_thread(folders.fetch, ask, VERSIONS, min(limit, SMALL))
        except UnusableResponse as error:
            if error.cause is not Cause.SIZE or limit <= SMALL:
                raise
        await part.take(Stage.READ, limit)
        return await asyncio.to_thread(folders.fetch, ask, VERSIONS, limit)

    def _keep(self, key: Key, page: Kept) -> None:
        """Keep the page in place of the last one, if its server can say later whether it has changed."""
        if page.validators.headers():
            self._kept.keep(key, page)
        else:
            self._kept.forget(key)

    def _unchanged(self, key: Key, kept: Kept, reply: Reply) -> FetchResult[ProjectPage]:
        """The kept page, as of now: its server says that it has not changed."""
        if not kept.validators.fits(reply.validators):
            self._kept.forget(key)
            raise UnusableResponse("it says that its page has not changed, and means another one")
        page = replace(kept.page, clocks=reply.clocks)
        return PageFound(page, len(page.files))

    async def _read_aside(self, ask: FetchRequest, reply: Reply, part: Part) -> FetchResult[ProjectPage]:
        """What the page says; parsing one here that takes long would block all others."""
        if _is_quick(reply):
            return self._read(ask, reply)
        if len(reply.body) <= SMALL:
            return await asyncio.to_thread(self._read, ask, reply)
        await part.take(Stage.READ, len(reply.body))
        part.has_waited |= self._reading.locked()
        async with self._reading:
            return await asyncio.to_thread(self._read, ask, reply)

    def _read(self, ask: FetchRequest, reply: Reply) -> FetchResult[ProjectPage]:
        try:
            return self._parse(ask, reply)
        except UnusableResponse as error:
            # Not raised: tasks would keep the traceback, and with it the page, in memory for some time.
            return failed(error)

    def _parse(self, ask: FetchRequest, reply: Reply) -> FetchResult[ProjectPage]:
        response = reply.response
        if ask.kind is ResourceKind.LIST:
            return read_project_list(response)
        if ask.kind is ResourceKind.FILES:
            return reader.files_of(ask.name, reader.read_flat_page(response), ask.location.url, VERSIONS)
        return reader.read_project_page(ask.name, response, VERSIONS)

    def with_login(self, repository: Repository, location: Location) -> Location:
        """The location to ask, with the login of the repository at exactly that site, else that of netrc."""
        if location.user is not None:
            return location
        asked = site(location.url)
        with_login = (own for own in repository.locations if not own.unset and own.user is not None)
        known = next((own for own in with_login if site(own.url) == asked), None)
        if known:
            return replace(location, user=known.user, password=known.password)
        user, _, password = (self._netrc.authenticators(asked.host) if self._netrc else None) or (None, None, None)
        return replace(location, user=user, password=password or "") if user else location

    def _detail(self, ask: FetchRequest, status: int) -> str:
        if status == 407:
            return "; the proxy (HTTPS_PROXY) refuses, and may need another login"
        if status in (401, 403) and self.with_login(ask.repository, ask.location).user is None:
            return f"; no login was sent (set {variable_of(ask.repository.name)}_USERNAME and _PASSWORD)"
        return "; it refuses the login that was sent" if status in (401, 403) else ""

    async def get(self, location: Location, part: Part, headers: Mapping[str, str] | None = None) -> Reply:
        """The answer of one location; if none comes, or it says "later", it is asked once again."""
        try:
            reply = await self._get(location, part, headers)
            if reply.status not in _PASSING:
                return reply
        except UnusableResponse as error:
            if not error.lasting or error.cause is not Cause.CONNECTION:
                raise
        await asyncio.sleep(_RETRY_SECONDS)
        return await self._get(location, part, headers)

    async def _get(self, location: Location, part: Part, headers: Mapping[str, str] | None) -> Reply:
        try:
            async with self._request(self._pages, "GET", location, _IDLE_SECONDS, headers) as response:
                target = redirect(response, location)
                return read(response, b"", target) if target else read(response, await self._body(response, part))
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
        """One request; this many seconds of silence end it."""
        assert session is not None, "within open()"
        if not self.is_secure(location.url):
            raise UnusableResponse(f"{site(location.url)} is neither https nor a trusted host", Cause.INSECURE)
        return session.request(
            method,
            URL(location.url, encoded=True),
            headers={**(headers or {}), **_login(location)},
            proxy=proxies.proxy(location.url),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=idle),
        )

    def is_secure(self, url: str) -> bool:
        """Whether answers of that URL cannot be changed on the way, or the user allows that."""
        asked = site(url)
        return (
            asked.scheme == "https"
            or proxies.is_this_machine(asked.host)
            or bool({asked.host, f"{asked.host}:{asked.port}"} & self.trusted)
        )

    async def _body(self, response: aiohttp.ClientResponse, part: Part) -> bytes:
        """The whole body of a page; another answer is only read to its end: a cut-off one cannot mean absence."""
        if response.status in REFUSED_LOGIN or response.status >= 500:
            return b""
        chunks = response.content.iter_chunked(_CHUNK)
        if response.status == 200:
            content_type = response.headers.get("Content-Type", "")
            body = IncomingBody(encoding_of(response), content_type, self._policy.page_size_limit)
            room = SMALL
            async for chunk in chunks:
                for size in body.feed(chunk):
                    if size > room:
                        await part.take(Stage.RECEIVE, SMALL)
                        room += SMALL
            return body.end()
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > _ENOUGH:
                raise UnusableResponse(f"its answer ({response.status}) is larger than {_ENOUGH} bytes", Cause.SIZE)
        return b""


def _is_quick(reply: Reply) -> bool:
    """Whether parsing the page in `reply` takes a few milliseconds, even if it was made to be slow."""
    size = len(reply.body)
    if reader.is_json(reply.response):
        return size <= _QUICK and reply.body.count(b"{") <= _QUICK_OBJECTS
    return size <= _QUICK_HTML


def _session(connections: int) -> aiohttp.ClientSession:
    """A pool with a limit of connections to each site; 0 means no limit."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=connections, ttl_dns_cache=30),
        headers=_HEADERS,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _login(location: Location) -> dict[str, str]:
    """The header with the login of a location; empty if it has none."""
    if location.user is None:
        return {}
    pair = base64.b64encode(f"{location.user}:{location.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}
