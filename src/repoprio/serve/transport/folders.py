"""Repositories in folders of this machine: their pages, and their files as responses to clients."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timezone
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit
from urllib.request import pathname2url, url2pathname

from repoprio.fetch import local_folders
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.events import FetchRequest, FetchResult, NotFound, ResourceKind
from repoprio.lookup.reasons import Cause
from repoprio.policy.model import Location, Repository
from repoprio.serve.pages.relayed import Source, is_local, root_of
from repoprio.simple_api import reader
from repoprio.simple_api.model import ProjectPage, Versions
from repoprio.simple_api.response import Response, UnusableResponse
from repoprio.urls import filename

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)", re.ASCII)


def fetch(ask: FetchRequest, versions: Versions, size_limit: int) -> FetchResult[ProjectPage]:
    """The answer of a folder to `ask`; raises `UnusableResponse` if a file of the project lies outside of it."""
    path = path_of(ask.location.url)
    try:
        if ask.kind is ResourceKind.FILES:
            files = local_folders.files_of_path(path, url_of, size_limit)
            result = reader.files_of(ask.name, files, ask.location.url, versions)
            if isinstance(result, NotFound):
                return NotFound(in_empty_root=not reader.lists_distributions(files))
        else:
            response = local_folders.page_in(path, ask.name, url_of, size_limit)
            if not isinstance(response, Response):
                return response
            now = Clocks(datetime.now(timezone.utc))
            result = reader.read_project_page(ask.name, replace(response, clocks=now), versions)
    except OSError as error:
        raise UnusableResponse(f"cannot be read: {error.strerror or error}", Cause.MISSING) from None
    _check_places(ask.repository, (file.url for file in result.page.files))
    return result


def _check_places(repository: Repository, urls: Iterable[str]) -> None:
    roots = [os.path.realpath(path_of(root_of(repository, location))) for location in _folders(repository)]
    for url in urls:
        if is_local(url) and not _is_below(path_of(url), roots):
            raise UnusableResponse(f"its file {filename(url)!r} lies outside of its folder", Cause.MISSING)


def _folders(repository: Repository) -> list[Location]:
    return [location for location in repository.locations if not location.unset and is_local(location.url)]


def _is_below(path: str, roots: Iterable[str]) -> bool:
    """Whether a path leads into one of the folders, links followed."""
    real = os.path.realpath(path)
    return any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def path_of(url: str) -> str:
    """The path that a file: URL means."""
    parts = urlsplit(url)
    host = f"\\\\{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
    return os.path.normpath(host + url2pathname(parts.path))


def url_of(path: str) -> str:
    """The file: URL of a path."""
    return urljoin("file:", pathname2url(os.path.abspath(path)))


class LocalFile:
    """A file of a folder, as the answer to a client: `status` is 200, 206 or 416."""

    def __init__(self, source: Source, byte_range: str | None) -> None:
        """Open it; raises `UnusableResponse` or `OSError`."""
        _check_places(source.repository, (source.url,))
        path = path_of(source.url)
        # Opening a pipe would wait forever.
        if not os.path.isfile(path):
            raise UnusableResponse("the file is not there any more", Cause.MISSING)
        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 - closed by `close`
        self.size = os.fstat(self._file.fileno()).st_size
        self._begin, self._end = 0, self.size
        self.status = 200
        part = _RANGE.fullmatch(byte_range or "")
        if part:
            self._narrow(*part.groups())

    def _narrow(self, first: str, last: str) -> None:
        self._begin = int(first) if first else max(self.size - int(last), 0)
        self._end = min(int(last) + 1, self.size) if first and last else self.size
        self.status = 206 if self._begin < self._end else 416

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers with the length."""
        if self.status == 416:
            return (("Content-Range", f"bytes */{self.size}"), ("Content-Length", "0"))
        length = ("Content-Length", str(self._end - self._begin))
        if self.status == 206:
            return (length, ("Content-Range", f"bytes {self._begin}-{self._end - 1}/{self.size}"))
        return (length,)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the file, or of the requested part."""
        left = self._end - self._begin if self.status != 416 else 0
        await asyncio.to_thread(self._file.seek, self._begin)
        while left > 0:
            chunk = await asyncio.to_thread(self._file.read, min(_CHUNK, left))
            if not chunk:
                raise OSError("the file became shorter")
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close it."""
        self._file.close()


async def open_file(stack: AsyncExitStack, source: Source, byte_range: str | None) -> LocalFile:
    """Open a file of a folder, which `stack` closes; raises `UnusableResponse` or `OSError`."""
    opened = await asyncio.to_thread(LocalFile, source, byte_range)
    stack.callback(opened.close)
    return opened
