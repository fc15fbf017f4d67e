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
    encoding = encoding.lower().strip()
    if encoding in ("identity", ""):
        chunks = raw
    elif encoding in PACKED:
        chunks = _inflated(raw)
    else:
        raise UnusableResponse(f"its answer is encoded as {encoding!r}, which was not requested", Cause.NOT_A_PAGE)
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > size_limit:
            raise UnusableResponse(f"the page is larger than {size_limit} bytes", Cause.SIZE)
    return bytes(content)


def _inflated(raw: Iterable[bytes]) -> Iterator[bytes]:
    """The content of all gzip members, or of a zlib stream, in pieces of limited size.

    repoprio does not ask for deflate, but pip may have cached such a page.
    """
    inflater = zlib.decompressobj(wbits=47)
    for chunk in raw:
        pending = chunk
        while pending:
            if inflater.eof and not pending.strip(b"\0"):
                break  # padding, which gzip ignores too
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=47)
            yield inflater.decompress(pending, _INFLATED)
            pending = inflater.unconsumed_tail or inflater.unused_data
    if not inflater.eof:
        raise UnusableResponse("the page was cut short", Cause.CUT_SHORT)
