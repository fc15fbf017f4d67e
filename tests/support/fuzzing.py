"""Pages of acme, broken in many ways, and what must be true of everything that is read from them."""

from __future__ import annotations

from urllib.parse import urlsplit

from hypothesis import strategies as st
from packaging.version import Version

from . import pages as good_pages
from .files import build, parse

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
    """A page of acme with pieces cut out, doubled and inserted, with its content type or another one."""
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


def check_page(content_type: str, body: bytes) -> tuple[str, ...] | None:
    """Read one page as pip's adapter does, and check the rules for the result; the versions, None if unusable."""
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
    page = PipPage(answer.page)
    for link in map(page.link, page.files):
        url = urlsplit(link.url)
        assert url.scheme in ("http", "https")
        assert "@" not in url.netloc
        assert normalize(link.filename).startswith("acme")
        assert page.lists(link)
    versions = page.versions
    assert list(versions) == sorted(versions, key=Version, reverse=True)
    return versions
