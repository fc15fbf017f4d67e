"""The gateway as an ASGI application: requests in, pages out."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from repoprio.lookup.ownership import as_document
from repoprio.output import redact_secrets
from repoprio.render import explain_json
from repoprio.serve import problems, relay, requests
from repoprio.serve.answers import pages
from repoprio.serve.answers.pages import NO_SCRIPTS, NO_SNIFFING, VARY, Headers
from repoprio.serve.client import Client
from repoprio.serve.gateway import Gateway
from repoprio.serve.kept_pages import Page
from repoprio.serve.pages import union
from repoprio.serve.problems import Problem
from repoprio.serve.relay import Opened
from repoprio.serve.views import html, style

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LOG = logging.getLogger("repoprio.serve")
_NEVER_STORED = (b"cache-control", b"no-store")
# The path of a file changes with its content, if its page states a hash.
_FOR_EVER, _ASK_AGAIN = (b"cache-control", b"max-age=31536000, immutable"), (b"cache-control", b"no-cache")
_OF_FILES = (
    (b"content-type", b"application/octet-stream"),
    (b"accept-ranges", b"bytes"),
    NO_SNIFFING,
)
# Only the log has the reasons: everybody may read this answer.
_OUTDATED = b"ok, under the policy before: the one of the files cannot be served (see the log of the gateway)\n"


class App:
    """Answers HTTP requests under one policy; `client` must be open."""

    def __init__(self, gateway: Gateway, client: Client) -> None:
        self._gateway = gateway
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        try:
            target = requests.target(scope["raw_path"].decode("latin-1"))
            if scope["method"] not in requests.METHODS:
                status, headers, body = _problem(problems.wrong_method())
                headers.append((b"allow", b"GET, HEAD"))
            elif isinstance(target, requests.Project):
                status, headers, body = await self._project(target, scope)
            elif isinstance(target, requests.FileOf):
                await self._relay(target, scope, receive, send)
                return
            elif isinstance(target, requests.ProjectList):
                await self._list(scope, send)
                return
            else:
                status, headers, body = await self._answer(target, scope)
        except Exception:  # noqa: BLE001 - the client gets an error, and the log has the reason
            _LOG.exception("the gateway failed")
            status, headers, body = _problem(problems.broken())
        await _send(scope, send, status, headers, body)

    async def _list(self, scope: Scope, send: Send) -> None:
        """Send the list of all projects in parts, because it can have a million names."""
        media = requests.media(pages.relevant(scope["headers"]).get(b"accept", ""))
        names = problems.no_media() if media is None else await self._gateway.lists.names()
        if isinstance(names, Problem) or media is None:
            assert isinstance(names, Problem)
            await _send(scope, send, *_problem(names))
            return
        headers = [(b"content-type", media.value.encode()), (b"cache-control", b"max-age=60"), VARY, NO_SNIFFING]
        headers += [] if media is requests.Media.JSON else [NO_SCRIPTS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in union.write(names, media) if scope["method"] == "GET" else ():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _relay(self, target: requests.FileOf, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay a file that the project's owner lists now; an answer with unexpected content is cut off."""
        page = await self._gateway.page(target.name)
        source = page.sources.get(target.path) if isinstance(page, Page) else None
        async with AsyncExitStack() as stack:
            opened: Opened | Problem
            if source is None:
                opened = page if isinstance(page, Problem) else problems.no_file()
            else:
                sent, is_fixed = pages.relevant(scope["headers"]), bool(source.hashes)
                part = requests.byte_range(sent.get(b"range", ""), sent.get(b"if-range", ""), is_fixed=is_fixed)
                opened = await relay.open_file(self._client, stack, source, scope["method"], part)
            if isinstance(opened, Problem):
                await _send(scope, send, *_problem(opened))
                return
            headers = [(name.lower().encode(), text.encode("latin-1")) for name, text in opened.headers]
            caching = _FOR_EVER if source and source.hashes else _ASK_AGAIN
            headers += [_NEVER_STORED, NO_SNIFFING] if opened.status == 416 else [caching, *_OF_FILES]
            headers.append((b"x-repoprio-owner", opened.repository.encode()))
            await send({"type": "http.response.start", "status": opened.status, "headers": headers})
            # Parts for a client that went away are dropped silently, so the whole file would be fetched for nothing.
            gone = asyncio.ensure_future(_gone(receive))
            stack.callback(gone.cancel)
            try:
                if scope["method"] != "HEAD":
                    async for chunk in opened.chunks:
                        if gone.done():
                            return
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except (relay.WrongFile, aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
                fault = "is not what its page states" if isinstance(error, relay.WrongFile) else "broke off"
                _LOG.warning("a file of %s %s; its last part was not sent", target.name, fault)
                return
            await send({"type": "http.response.body", "body": b""})

    async def _answer(self, target: requests.Target, scope: Scope) -> tuple[int, Headers, bytes]:
        if isinstance(target, requests.Elsewhere):
            return 301, [(b"location", target.location.encode()), (b"cache-control", b"max-age=86400")], b""
        if isinstance(target, requests.Search):
            return self._search(target, scope)
        if isinstance(target, requests.Explain):
            return await self._explain(target, scope)
        if isinstance(target, requests.Health):
            return await self._health(target)
        if isinstance(target, requests.Ownership):
            return await self._records(scope)
        return _problem(problems.unknown_path())

    async def _project(self, target: requests.Project, scope: Scope) -> tuple[int, Headers, bytes]:
        wanted = pages.wanted(target.name, scope["headers"])
        if wanted is None:
            return _problem(problems.no_media())
        form = (wanted.media, wanted.takes_gzip)
        page = self._gateway.warm(target.name) or await self._gateway.page(target.name, form)
        if isinstance(page, Problem):
            return _problem(page)
        return pages.answer(page, wanted, self._gateway.clock())

    def _search(self, target: requests.Search, scope: Scope) -> tuple[int, Headers, bytes]:
        """The page with the search field, or a redirect to the explanation of a submitted name."""
        if not target.is_below:
            return _html(200, html.start(self._gateway.policy, redact_secrets))
        text = requests.field(_query(scope), "name")
        name = requests.name_of(text)
        if name:
            return 303, [(b"location", name.encode()), _NEVER_STORED], b""
        return _html(404 if text else 200, html.no_name(text))

    async def _explain(self, target: requests.Explain, scope: Scope) -> tuple[int, Headers, bytes]:
        explained = await self._gateway.explanation(target.name)
        wants_json = requests.wants_json(pages.relevant(scope["headers"]).get(b"accept", ""), _query(scope))
        if isinstance(explained, Problem):
            state = (b"x-repoprio-state", explained.code.encode())
            page = html.failed(target.name, explained, redact_secrets)
            return _problem(explained) if wants_json else _html(explained.status, page, state)
        if wants_json:
            body = redact_secrets(explain_json.document([explained.explanation])).encode() + b"\n"
            return 200, [(b"content-type", b"application/json"), _NEVER_STORED, (b"vary", b"Accept")], body
        return _html(200, html.explained(explained, self._gateway.policy.absence_ttl, redact_secrets))

    async def _health(self, target: requests.Health) -> tuple[int, Headers, bytes]:
        """Whether the gateway is ready: it must be able to read the ownership memory; repositories may be down."""
        trouble = await self._gateway.trouble() if target.of_all else None
        if trouble:
            return _problem(trouble)
        body = _OUTDATED if target.of_all and self._gateway.is_outdated else b"ok\n"
        return 200, [(b"content-type", b"text/plain; charset=utf-8"), _NEVER_STORED], body

    async def _records(self, scope: Scope) -> tuple[int, Headers, bytes]:
        """The ownership memory, as `ownership` of a policy reads it."""
        records = await self._gateway.records()
        if isinstance(records, Problem):
            return _problem(records)
        headers: Headers = [(b"content-type", b"application/json"), _NEVER_STORED, (b"vary", b"Accept-Encoding")]
        body = redact_secrets(json.dumps(as_document(records))).encode()
        if requests.takes_gzip(pages.relevant(scope["headers"]).get(b"accept-encoding", "")):
            return 200, [*headers, (b"content-encoding", b"gzip")], gzip.compress(body, 6, mtime=0)
        return 200, headers, body


async def _gone(receive: Receive) -> None:
    """End once the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _html(status: int, body: bytes, *more: tuple[bytes, bytes]) -> tuple[int, Headers, bytes]:
    headers: Headers = [
        (b"content-type", html.MEDIA_TYPE.encode()),
        (b"content-security-policy", style.POLICY.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"vary", b"Accept"),
        _NEVER_STORED,
        *more,
    ]
    return status, headers, body


def _query(scope: Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    return query.decode("latin-1")


async def _send(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    sent = pages.finish(scope["method"], status, headers, body)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sent})


def _problem(problem: Problem) -> tuple[int, Headers, bytes]:
    headers: Headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        _NEVER_STORED,
        (b"x-repoprio-state", problem.code.encode()),
    ]
    if problem.owners:
        headers.append((b"x-repoprio-owner", ", ".join(problem.owners).encode()))
    if problem.unavailable:
        headers.append((b"x-repoprio-unavailable", ", ".join(problem.unavailable).encode()))
    if problem.status == 503:
        headers.append((b"retry-after", b"1"))
    return problem.status, headers, problem.body
