"""Whatever a repository says: no traceback, no hang, and no file but its own is a candidate.

Parsing is fuzzed in this process, with the pip that is beside the tests; whole look-ups through a real session, against
raw answers on the wire. `python tests/fuzz_pages.py` goes on with atheris for as long as one likes.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packaging.version import Version
from test_fault_matrix import Session, session

from support import pages as good_pages
from support import wire
from support.files import build, parse
from support.repository import RepositoryServer
from support.wire import WireFault, WireServer

__all__ = ["session"]

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"
FILES = [build("acme", parse(version)) for version in ("1.0", "2.0")]
PAGES = {
    JSON: good_pages.project_json("acme", FILES, "http://corp.example/files/").body,
    HTML: good_pages.project_html("acme", FILES, "http://corp.example/files/").body,
}
TOKENS = [
    "acme", "<a href=", "</html>", "<form>", '{"files":', "null", "file:///etc/x", "http://u:p@h/", "[" * 3000, "\x00",
    "<base href='//x'>", "%2f", "#sha256=", "javascript:", "\N{LATIN SMALL LETTER A WITH DIAERESIS}", '"',
    '"requires-python": 7', "9" * 400, "<!--", "-->", "&#x41;", "http://[", "http://h:99999/acme-1.zip", "\ud800",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A page of acme with pieces cut out, doubled, and put in; and the content type that goes with it, or another."""
    kind = draw(st.sampled_from(list(PAGES)))
    text = PAGES[kind]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        to = draw(st.integers(at, min(len(text), at + 60)))
        piece = draw(st.one_of(st.sampled_from([*TOKENS, text[at:to]]), st.text(max_size=8)))
        text = text[:at] + piece + text[draw(st.sampled_from([at, to])) :]
    stated = draw(st.sampled_from([kind, kind, kind, *PAGES, f"{HTML}; charset=utf-16", "text/plain", ""]))
    return stated, text.encode("utf-8", "surrogatepass")


anything = st.one_of(mutated(), st.tuples(st.sampled_from(list(PAGES)), st.binary(max_size=300)))


@settings(max_examples=400, deadline=None)
@given(anything)
@example((JSON, b'{"files": [{"url": "x", "filename": "acme-1.zip", "hashes": {}, "yanked": []}], "name": "acme"}'))
@example((HTML, b"<html><![-"))
@example((HTML, b"<a href='acme-1.zip' data-requires-python='>=&#0;'>"))
def test_pages_never_break_the_reader(page: tuple[str, bytes]) -> None:
    """A page is read or found unusable; what it offers is of its project, over HTTP, and carries no login."""
    check_page(*page)


def check_page(content_type: str, body: bytes) -> tuple[str, ...] | None:
    """Read one page as pip's adapter does, and hold what comes against the rules; the versions, None if unusable."""
    from repoprio.lookup.events import PageFound
    from repoprio.names import normalize
    from repoprio.pip_adapter import compat
    from repoprio.pip_adapter.index.links import PipPage
    from repoprio.simple_api import reader
    from repoprio.simple_api.response import Response, UnusableResponse

    response = Response("http://corp.example/simple/acme/", body, content_type)
    try:
        answer = reader.read_project_page(normalize("acme"), response, compat.VERSIONS)
    except UnusableResponse:
        return None
    assert isinstance(answer, PageFound)
    page = PipPage(answer.page)
    for link in map(page.link, page.files):
        assert link.scheme in ("http", "https")
        assert "@" not in link.netloc
        assert normalize(link.filename).startswith("acme")
        assert page.lists(link)
    versions = page.versions
    assert list(versions) == sorted(versions, key=Version, reverse=True)
    return versions


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """corp, which says what it is told to, above public."""
    folder = tmp_path_factory.mktemp("fuzz")
    corp, public = WireServer("acme", FILES), RepositoryServer("public")
    public.add("acme", "99.0")
    corp.fault = WireFault("fuzz", "", "", how="raw")
    policy = folder / "policy.toml"
    policy.write_text(
        "page-timeout = 2\npage-size-limit = 1048576\n"
        f'[repositories.corp]\nurl = "{corp.page_url}"\npriority = 10\n'
        f'[repositories.public]\nurl = "{public.page_url}"\npriority = 90\n'
    )
    yield {"corp": corp, "public": public, "policy": policy, "cache": folder / "cache"}
    corp.close()
    public.close()


@st.composite
def raw_answers(draw: st.DrawFn) -> bytes:
    """An HTTP answer with odd headers around a mutated page, cut anywhere."""
    stated, body = draw(anything)
    headers = {"Content-Type": stated} if stated else {}
    headers |= draw(
        st.dictionaries(
            st.sampled_from(["ETag", "Vary", "Cache-Control", "Last-Modified", "X", "Location", "Transfer-Encoding"]),
            st.sampled_from(["*", "max-age=9999999", "chunked", "a\tb", "\x80", "", "no-store", "/simple/acme/"]),
            max_size=2,
        )
    )
    if draw(st.booleans()):
        body = gzip.compress(body)
        headers["Content-Encoding"] = draw(st.sampled_from(["gzip", "deflate", "br", "gzip, gzip", "x-gzip"]))
    # 404 means what it says; everything else is drawn.
    status = draw(st.sampled_from([200, 200, 200, 200, 201, 203, 204, 226, 300, 302, 304, 399, 403, 500, 999]))
    length = draw(st.sampled_from([-1, -1, None, len(body) + 5, max(0, len(body) - 5)]))
    whole = wire.http(status, headers, body, length=length)
    return whole[: draw(st.sampled_from([len(whole), len(whole), draw(st.integers(0, len(whole)))]))]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=raw_answers(), warm=st.booleans())
def test_no_answer_opens_a_lower_repository(raw: bytes, warm: bool, session: Session, scene: dict[str, Any]) -> None:
    """Whatever bytes come, the candidates are corp's, public is not asked, and the look-up ends."""
    corp: WireServer = scene["corp"]
    env = {"REPOPRIO_CONFIG": str(scene["policy"])}
    options = ["--retries", "0", "--timeout", "1", "--trusted-host", "127.0.0.1"]
    options += ["--cache-dir", str(scene["cache"])] if warm else ["--no-cache-dir"]
    corp.raw = raw
    found = session.look_up(options, env)
    assert found["outcome"] in ("served", "no-match", "unavailable")
    if found["outcome"] == "unavailable":
        assert not found["candidates"]
        assert "corp (priority 10) is unavailable" in found["said"]
    assert "Traceback" not in found["said"]
    assert not scene["public"].asked("acme")
    assert not any(url.startswith(scene["public"].root_url) for url in found["candidates"])


def test_the_corpus_is_good() -> None:
    """What the mutations begin with are pages that are read."""
    for kind, text in PAGES.items():
        assert check_page(kind, text.encode()) == ("2.0", "1.0")
