"""Decompression of answers within bounds; pip and the gateway read theirs alike."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from repoprio.lookup.reasons import Cause
from repoprio.simple_api.response import UnusableResponse

PACKED = ("gzip", "x-gzip", "deflate")
_INFLATED = 1024 * 1024


def body(raw: Iterable[bytes], encoding: str, size_limit: int) -> bytes:
    """The whole body, of `encoding` as its header has it; `UnusableResponse` beyond `size_limit` bytes."""
    encoding = encoding.lower().strip()
    if encoding in ("identity", ""):
        chunks = raw
    elif encoding in PACKED:
        chunks = _inflated(raw)
    else:
        raise UnusableResponse(f"its answer is encoded as {encoding!r}, which was not requested", Cause.NOT_A_PAGE)
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > size_limit:
            raise UnusableResponse(f"the page is larger than {size_limit} bytes", Cause.SIZE)
    return bytes(found)


def _inflated(raw: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip members (or a zlib stream) one after the other, each to its end, in pieces of bounded size.

    Deflate is not asked for, but a page that pip itself once cached may have come so.
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
