"""Fetches metadata files (PEP 658) ahead, and hands them to pip as responses to its own requests.

pip then treats them as usual: it checks their hashes, prints what it downloads, and reads them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from pip._internal.exceptions import InstallationError
from pip._internal.network.utils import HEADERS
from pip._vendor.urllib3.response import HTTPResponse

from repoprio.fetch.deciding_thread import NO_LIMIT
from repoprio.fetch.lookups_ahead import NOT_AHEAD, Ahead
from repoprio.pip_adapter.index import credentials, login_hooks
from repoprio.urls import Site, site

_CHUNK = 64 * 1024


class _File:
    """One metadata file: wanted, under way (`is_running`) or done; `response` is set until pip takes it."""

    def __init__(self) -> None:
        self.is_running = False
        self.is_done = False
        self.response: Any = None
        self.content: bytes | None = None


class MetadataAhead:
    """The metadata files that were fetched ahead for one session; each is kept until pip asks for it."""

    def __init__(
        self, session: Any, quiet: Any, ahead: Ahead[Any], may_begin: Callable[[str], bool], size_limit: int
    ) -> None:
        """`may_begin` says whether the site of a URL may be asked before it has answered pip."""
        self._session = session
        self._quiet = quiet
        self._ahead = ahead
        self._may_begin = may_begin
        self._size_limit = size_limit
        self._files: dict[str, _File] = {}
        self._lock = Lock()
        # The sites that have answered pip itself, and the sites that are not asked ahead any more.
        self._known: set[Site] = set()
        self._closed: set[Site] = set()

    def may_ask(self, url: str) -> bool:
        """Whether the file at `url` may be fetched ahead now: if there may be a login, pip must ask the site first."""
        at, refused = site(url), credentials.credential_policy(self._session.auth).refused
        is_known = at in self._known or self._may_begin(url)
        return is_known and at not in self._closed and at not in refused

    def open(self, at: Site) -> None:
        """Note that a site has answered pip."""
        self._known.add(at)

    def want(self, link: Any) -> None:
        """Start fetching the metadata file at pip's `link`."""
        url = link.url_without_fragment
        if url not in self._files:
            file = self._files[url] = _File()
            self._ahead.run(site(url), lambda: self._fetch(url, file))

    def content(self, link: Any) -> bytes | None:
        """The content of the file at `link`; None if it is not there yet, or its hashes are not those of the page."""
        file = self._files.get(link.url_without_fragment)
        content = file.content if file and file.is_done else None
        return content if content is not None and _has_hash(link, content) else None

    def answer(self, method: str, url: str, asked: Mapping[str, Any], request: Callable[[], Any]) -> Any:
        """The response to a request of pip: the one that was fetched ahead, if any, else the result of `request`."""
        is_metadata = url.startswith("http") and url.endswith(".metadata")
        if method.upper() != "GET" or not asked.get("stream") or not is_metadata:
            return request()
        self._ahead.meanwhile()
        file = self._files.setdefault(url, _File())
        # If it is still queued, pip fetches it itself.
        if not self._begin(file):
            self._ahead.wait_for(lambda: file.is_done, NO_LIMIT)
            response, file.response = file.response, None
            if response is not None:
                return response
        return self._ahead.not_crowded(
            site(url),
            lambda: self._ahead.in_time(lambda: self._asked(file, request), NO_LIMIT),
            lambda response: not _is_trouble(response),
        )

    def _asked(self, file: _File, request: Callable[[], Any]) -> Any:
        """The response to pip's own request; its content is kept for the scout too."""
        try:
            response = request()
            if _is_plain(response):
                try:
                    file.content = _buffer(response, None)
                except Exception:  # noqa: BLE001 - pip resumes a broken download, and reports errors
                    return request()
            return response
        finally:
            file.is_done = True

    def _fetch(self, url: str, file: _File) -> None:
        # If this does not fetch the file, pip does.
        if self._ahead.is_crowded(site(url)) or not self._begin(file):
            return
        if not self.may_ask(url):
            file.is_done = True
            return
        try:
            with login_hooks.asking_ahead():
                response = self._quiet.get(url, headers=HEADERS, stream=True)
            self._ahead.note_answer(site(url))
            if _is_plain(response):
                file.content = _buffer(response, self._size_limit)
                file.response = response
            elif _is_trouble(response):
                self._closed.add(site(response.url))
        except Exception:  # noqa: BLE001 - pip asks again, and reports the error
            self._closed.add(site(url))
        file.is_done = True

    def _begin(self, file: _File) -> bool:
        """Whether the calling thread should fetch the file: true only for the first."""
        with self._lock:
            is_first, file.is_running = not file.is_running, True
        return is_first


def _is_trouble(response: Any) -> bool:
    """Whether the response shows a problem of the site, or of too many requests to it."""
    return response.status_code in NOT_AHEAD or response.status_code >= 500


def _is_plain(response: Any) -> bool:
    return response.status_code == 200 and "Content-Encoding" not in response.headers


def _buffer(response: Any, size_limit: int | None) -> bytes:
    """The body of a response, which stays readable; raises `ValueError` if it is too long or cut short."""
    body = bytearray()
    raw = response.raw
    for chunk in raw.stream(_CHUNK, decode_content=False):
        body += chunk
        if size_limit is not None and len(body) > size_limit:
            raise ValueError
    announced = response.headers.get("Content-Length", "")
    if size_limit is not None and announced.isdigit() and len(body) != int(announced):
        raise ValueError
    response.raw = HTTPResponse(
        body=io.BytesIO(body), headers=raw.headers, status=raw.status, version=raw.version, reason=raw.reason,
        preload_content=False, decode_content=False, request_method="GET",
    )  # fmt: skip
    return bytes(body)


def _has_hash(link: Any, body: bytes) -> bool:
    hashes = link.as_hashes()
    if hashes:
        try:
            hashes.check_against_chunks([body])
        except InstallationError:
            return False
    return True
