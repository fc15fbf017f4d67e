"""The gateway as an ASGI application: requests in, pages out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from repoprio.serve import problems, requests
from repoprio.serve.gateway import Gateway, Page
from repoprio.serve.problems import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_LOG = logging.getLogger("repoprio.serve")
_NEVER_STORED = (b"cache-control", b"no-store")
_VARY = (b"vary", b"Accept, Accept-Encoding")
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_NO_SCRIPTS = (b"content-security-policy", b"default-src 'none'")


class App:
    """Answers HTTP requests; `opened` holds what the gateway needs while it runs."""

    def __init__(self, gateway: Gateway, opened: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self._gateway = gateway
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from the server's start to its end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        try:
            status, headers, body = await self._answer(scope)
        except Exception:  # noqa: BLE001 - a client is told, and the log has the reason
            _LOG.exception("the gateway failed")
            status, headers, body = _problem(problems.broken())
        if status != 304:
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        headers = [*headers, _NO_SNIFFING]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._opened():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope) -> tuple[int, Headers, bytes]:
        if scope["method"] not in requests.METHODS:
            status, headers, body = _problem(problems.wrong_method())
            return status, [*headers, (b"allow", b"GET, HEAD")], body
        target = requests.target(scope["raw_path"].decode("latin-1"))
        if isinstance(target, requests.Elsewhere):
            return 301, [(b"location", target.location.encode()), (b"cache-control", b"max-age=86400")], b""
        if not isinstance(target, requests.Project):
            return _problem(problems.unknown_path())
        sent = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
        media = requests.media(sent.get(b"accept", ""))
        if media is None:
            return _problem(problems.no_media())
        found = await self._gateway.page(target.name)
        if isinstance(found, Problem):
            return _problem(found)
        return self._page(found, media, sent)

    def _page(self, page: Page, media: requests.Media, sent: dict[bytes, str]) -> tuple[int, Headers, bytes]:
        body = page.forms[media, requests.takes_gzip(sent.get(b"accept-encoding", ""))]
        now = self._gateway.clock()
        left = int(page.fresh_until - now)
        headers: Headers = [
            (b"content-type", media.value.encode()),
            (b"etag", body.etag),
            (b"cache-control", b"max-age=%d, must-revalidate" % max(left, 0)),
            (b"x-repoprio-owner", ", ".join(page.owners).encode()),
            (b"x-repoprio-state", b"fresh" if left >= 0 else b"stale"),
            _VARY,
        ]
        if left < 0:
            headers.append((b"age", b"%d" % (now - page.born)))
        if media is not requests.Media.JSON:
            headers.append(_NO_SCRIPTS)
        if body.is_packed:
            headers.append((b"content-encoding", b"gzip"))
        if requests.has_already(sent.get(b"if-none-match", ""), body.etag.decode()):
            return 304, headers, b""
        return 200, headers, body.content


_READ = frozenset({b"accept", b"accept-encoding", b"if-none-match"})


def _problem(problem: Problem) -> tuple[int, Headers, bytes]:
    headers: Headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        _NEVER_STORED,
        (b"x-repoprio-state", problem.code.encode()),
    ]
    if problem.owners:
        headers.append((b"x-repoprio-owner", ", ".join(problem.owners).encode()))
    if problem.status == 503:
        headers.append((b"retry-after", b"1"))
    return problem.status, headers, problem.body
