"""Reads the body of a page piece by piece, and refuses it as soon as it cannot be a page. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from repoprio.fetch.inflating import inflater_for, too_large
from repoprio.lookup.reasons import Cause
from repoprio.simple_api.response import UnusableResponse

# Pages have hashes, which compress badly: at best to a tenth.
_MOST_RATIO, _FREE_BYTES = 200, 2**20
# No tag, no text between tags and no text of JSON is longer.
_LONGEST_RUN = 256 * 1024


class IncomingBody:
    """Takes a body chunk by chunk; each step raises `UnusableResponse` if it is too large or cannot be a page."""

    def __init__(self, encoding: str, content_type: str, size_limit: int) -> None:
        self._inflater = inflater_for(encoding)
        self._mark = b'"' if "json" in content_type.lower() else b"<"
        self._size_limit = size_limit
        self._content = bytearray()
        self._received = 0
        self._last_mark = 0

    def feed(self, chunk: bytes) -> Iterator[int]:
        """Take the next chunk, as it was sent, piece by piece; yields the size of the content after each piece."""
        self._received += len(chunk)
        for piece in self._inflater.feed(chunk):
            self._add(piece)
            yield len(self._content)

    def _add(self, piece: bytes) -> None:
        first, last, begin = piece.find(self._mark), piece.rfind(self._mark), len(self._content)
        # Marks inside a piece may be far apart too: that does no harm, because pieces are short.
        if (begin + (len(piece) if first < 0 else first)) - self._last_mark > _LONGEST_RUN:
            raise UnusableResponse("its page has an endless element", Cause.SIZE)
        if last >= 0:
            self._last_mark = begin + last
        self._content += piece
        size = len(self._content)
        if size > self._size_limit:
            raise too_large(self._size_limit)
        if size > max(_FREE_BYTES, self._received * _MOST_RATIO):
            raise UnusableResponse(f"its page unpacks to more than {_MOST_RATIO} times its size", Cause.SIZE)

    def end(self) -> bytes:
        """The whole body, after the last chunk."""
        self._inflater.end()
        return bytes(self._content)
