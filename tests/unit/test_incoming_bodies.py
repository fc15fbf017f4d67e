"""The body of a page while it is received: a body that cannot be a page is not read to its end."""

from __future__ import annotations

import gzip
import json
import random
import zlib

import pytest

from repoprio.lookup.reasons import Cause
from repoprio.serve.transport.bodies import IncomingBody
from repoprio.simple_api.response import UnusableResponse

HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+json"
MB = 2**20


def read(content: bytes, content_type: str, encoding: str = "identity", limit: int = 64 * MB) -> tuple[bytes, int]:
    """The result of reading a body, and how many bytes of it were taken; an error ends it."""
    body, taken = IncomingBody(encoding, content_type, limit), 0
    for begin in range(0, len(content), 65536):
        chunk = content[begin : begin + 65536]
        taken += len(chunk)
        try:
            for _ in body.feed(chunk):
                pass
        except UnusableResponse as error:
            return (b"", taken) if error.cause is Cause.SIZE else (b"another cause", taken)
    return body.end(), taken


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<html><a " + b"x" * 8 * MB, HTML),
        (b"<html><a href='" + b"&amp;" * 2 * MB, HTML),
        (b"<html>" + b" " * 8 * MB, HTML),
        (b'{"files": [' + b"0, " * 3 * MB, JSON),
    ],
    ids=["tag", "attribute", "text", "numbers"],
)
def test_an_endless_element_is_not_read(content: bytes, content_type: str) -> None:
    """Packed or not, no more is read than an element of a page can be long."""
    found, taken = read(content, content_type)
    assert (found, taken < MB) == (b"", True)
    found, _ = read(gzip.compress(content), content_type, "gzip")
    assert found == b""


def test_what_unpacks_beyond_measure_is_no_page() -> None:
    """Tags that compress extremely well: not all of them are unpacked."""
    bomb = gzip.compress(b"<a>" * 20 * MB)
    body = IncomingBody("gzip", HTML, 64 * MB)
    with pytest.raises(UnusableResponse, match="unpacks to more than 200 times"):
        list(body.feed(bomb))
    assert len(body._content) <= 200 * len(bomb) + MB < 20 * MB


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_a_large_page_comes_whole(encoding: str) -> None:
    """It may come in any pieces: hashes hardly compress."""
    chance = random.Random(1)
    files = [{"filename": f"acme-{n}.tar.gz", "hashes": {"sha256": chance.randbytes(32).hex()}} for n in range(20_000)]
    page = json.dumps({"files": files}).encode()
    packed = {"identity": page, "gzip": gzip.compress(page), "deflate": zlib.compress(page)}[encoding]
    assert read(packed, JSON, encoding)[0] == page


def test_the_policy_limits_the_size() -> None:
    """`page-size-limit` counts unpacked bytes."""
    assert read(b"<a>" * 1000, HTML, limit=2999)[0] == b""
    assert len(read(b"<a>" * 1000, HTML, limit=3000)[0]) == 3000


def test_a_body_that_is_cut_short_is_an_error() -> None:
    """A compressed body has an end mark of its own."""
    body = IncomingBody("gzip", HTML, MB)
    list(body.feed(gzip.compress(b"<a>" * 100)[:-8]))
    with pytest.raises(UnusableResponse, match="cut short"):
        body.end()
