"""Files on their way from a repository to a client: never kept, and never whole unless they are what the page says."""

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
from repoprio.simple_api.hrefs import ALGORITHMS
from repoprio.simple_api.response import UnusableResponse

_IDLE_SECONDS = 30.0
_CHUNK = 64 * 1024
# As it is stored: what it is packed in is part of the file, and of its hash.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
_RELAYED = ("Content-Length", "Content-Range", "Last-Modified")


class WrongFile(Exception):
    """What came is not the file that the page states."""


@dataclass(frozen=True)
class Opened:
    """A file of a repository, whose first bytes are there: its status (200, 206, 416), headers, and all its bytes."""

    repository: str
    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: AsyncIterator[bytes]


async def open_file(
    client: Client, stack: AsyncExitStack, source: Source, method: str, byte_range: str | None
) -> Opened | Problem:
    """Ask for a file; `stack` holds the connection."""
    if relayed.is_local(source.url):
        return await _open_local(stack, source, byte_range)
    asked = {**_HEADERS, **({"Range": byte_range} if byte_range else {})}
    try:
        response = await _answer(client, stack, source, method, asked)
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
    # A part has no hash: the client holds the whole file against that of the page.
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
    """The file once its first bytes are there: a small one is known to be the right one before anything is said."""
    try:
        first = await anext(chunks)
    except WrongFile:
        return problems.bad_file(source.repository, "what came is not what the page states")
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
        return problems.bad_file(source.repository, str(failure(error)))
    return Opened(source.repository.name, status, headers, _joined(first, chunks))


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _answer(
    client: Client, stack: AsyncExitStack, source: Source, method: str, headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    """The answer of the repository, redirects within its own sites followed; `UnusableResponse` for any other."""
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
    """The bytes, each chunk one late: the last one only if all of them have the hash that the page states."""
    algorithm = next((name for name in ("sha256", *ALGORITHMS) if name in stated), None)
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
