"""Decompresses answers within limits, for pip and for the gateway."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from repoprio.lookup.reasons import Cause
from repoprio.simple_api.response import UnusableResponse

PACKED = ("gzip", "x-gzip", "deflate")
_INFLATED = 1024 * 1024


def body(raw: Iterable[bytes], encoding: str, size_limit: int) -> bytes:
    """The whole body, decompressed; `encoding` is the Content-Encoding header.

    Raises `UnusableResponse` if the body has more than `size_limit` bytes, is cut short, or has another encoding.
    """
    inflater = inflater_for(encoding)
    content = bytearray()
    for chunk in raw:
        for piece in inflater.feed(chunk):
            content += piece
            if len(content) > size_limit:
                raise too_large(size_limit)
    inflater.end()
    return bytes(content)


def too_large(size_limit: int) -> UnusableResponse:
    """The error for a page of more than `size_limit` bytes."""
    return UnusableResponse(f"the page is larger than {size_limit} bytes", Cause.SIZE)


class Plain:
    """Passes on a body that is not compressed."""

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """The content of the next chunk, in pieces of limited size."""
        return (chunk,)

    def end(self) -> None:
        """Raise `UnusableResponse` if the body is cut short."""


class Inflater(Plain):
    """Decompresses all gzip members, or a zlib stream.

    repoprio does not ask for deflate, but pip may have cached such a page.
    """

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=47)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The content of the next chunk, in pieces of limited size."""
        pending = chunk
        while pending:
            if self._inflater.eof and not pending.strip(b"\0"):
                return  # padding, which gzip ignores too
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(wbits=47)
            yield self._inflater.decompress(pending, _INFLATED)
            pending = self._inflater.unconsumed_tail or self._inflater.unused_data

    def end(self) -> None:
        """Raise `UnusableResponse` if the body is cut short."""
        if not self._inflater.eof:
            raise UnusableResponse("the page was cut short", Cause.CUT_SHORT)


def inflater_for(encoding: str) -> Plain:
    """What decompresses a body; raises `UnusableResponse` for an encoding that repoprio does not ask for."""
    encoding = encoding.lower().strip()
    if encoding in ("identity", ""):
        return Plain()
    if encoding in PACKED:
        return Inflater()
    raise UnusableResponse(f"its answer is encoded as {encoding!r}, which was not requested", Cause.NOT_A_PAGE)
