"""Relays files from a repository to a client: it keeps none, and completes only a file with the hash of its page."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import aiohttp

from repoprio.dataclass import dataclass
from repoprio.lookup.redirects import MAX_REDIRECTS
from repoprio.policy.model import Location
from repoprio.serve import problems
from repoprio.serve.client import Client
from repoprio.serve.pages import relayed
from repoprio.serve.pages.relayed import Source
from repoprio.serve.problems import Problem
from repoprio.serve.transport import folders
from repoprio.serve.transport.replies import failure, redirect
from repoprio.simple_api.hrefs import best_hash
from repoprio.simple_api.response import UnusableResponse

_IDLE_SECONDS = 30.0
_CHUNK = 64 * 1024
# Without a Content-Encoding: the hash is that of the stored file.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
_RELAYED = ("Content-Length", "Content-Range", "Last-Modified")


class WrongFile(Exception):
    """The content is not that of the file on the page."""


@dataclass(frozen=True)
class Opened:
    """A file of a repository whose first bytes have come: its status (200, 206, 416), its headers and its bytes."""

    repository: str
    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: AsyncIterator[bytes]


async def open_file(
    client: Client, stack: AsyncExitStack, source: Source, method: str, byte_range: str | None
) -> Opened | Problem:
    """The response for a file; `stack` closes the connection."""
    if relayed.is_local(source.url):
        return await _open_local(stack, source, byte_range)
    wanted = {**_HEADERS, **({"Range": byte_range} if byte_range else {})}
    try:
        response = await _answer(client, stack, source, method, wanted)
    except UnusableResponse as error:
        return problems.bad_file(source.repository, str(error))
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
        return problems.bad_file(source.repository, str(failure(error)))
    if response.status not in (200, *((206, 416) if byte_range else ())):
        return problems.bad_file(source.repository, f"it answers {response.status} for the file")
    length = response.headers.get("Content-Length")
    if response.status == 200 and source.size is not None and length not in (None, str(source.size)):
        return problems.bad_file(source.repository, f"the file has {length} bytes, its page says {source.size}")
    headers = tuple((name, response.headers[name]) for name in _RELAYED if name in response.headers)
    # A part has no hash of its own: the client checks the whole file.
    stated = source.hashes if response.status == 200 and method == "GET" else {}
    return await _begun(source, response.status, headers, _checked(response.content.iter_chunked(_CHUNK), stated))


async def _open_local(stack: AsyncExitStack, source: Source, byte_range: str | None) -> Opened | Problem:
    try:
        file = await folders.open_file(stack, source, byte_range)
    except UnusableResponse as error:
        return problems.bad_file(source.repository, str(error))
    except OSError as error:
        return problems.bad_file(source.repository, f"cannot be read: {error.strerror or error}")
    stated = source.hashes if file.status == 200 else {}
    return await _begun(source, file.status, file.headers, _checked(file.chunks(), stated))


async def _begun(
    source: Source, status: int, headers: tuple[tuple[str, str], ...], chunks: AsyncIterator[bytes]
) -> Opened | Problem:
    """The file, once its first bytes have come; the hash of a small one is checked before the client gets an answer."""
    try:
        first = await anext(chunks)
    except WrongFile:
        return problems.bad_file(source.repository, "the file is not what the page states")
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return problems.bad_file(source.repository, str(failure(error)))
    except OSError as error:
        is_local = source.url.startswith("file:")
        reason = f"cannot be read: {error.strerror or error}" if is_local else str(failure(error))
        return problems.bad_file(source.repository, reason)
    return Opened(source.repository.name, status, headers, _joined(first, chunks))


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _answer(
    client: Client, stack: AsyncExitStack, source: Source, method: str, headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    """The repository's answer, after redirects within its own sites; raises `UnusableResponse` for other redirects."""
    url = source.url
    for _ in range(MAX_REDIRECTS):
        location = client.with_login(source.repository, Location.of(url))
        response = await stack.enter_async_context(client.file(method, location, _IDLE_SECONDS, headers))
        target = redirect(response, location)
        if target is None:
            return response
        if not relayed.is_own(source.repository, target):
            raise UnusableResponse("it redirects the file to another site, which its redirects do not name")
        url = target
    raise UnusableResponse(f"it redirects the file more than {MAX_REDIRECTS} times")


async def _checked(chunks: AsyncIterator[bytes], stated: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The bytes, each chunk delayed by one: the last chunk is sent only if the file has the hash of its page."""
    algorithm = best_hash(stated)
    digest = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None
    held = b""
    async for chunk in chunks:
        if held:
            yield held
        held = chunk
        if digest:
            digest.update(chunk)
    if digest and algorithm and digest.hexdigest() != stated[algorithm].lower():
        raise WrongFile
    yield held
