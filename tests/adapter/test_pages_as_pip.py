"""Our reader of pages, compared with pip's own parsers; each difference is listed with its reason.

The pages are those of listings/pages.toml and generated ones; the differences are listed in listings/differences.toml.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repoprio.names import normalize
from repoprio.simple_api import reader
from repoprio.simple_api.model import File
from repoprio.simple_api.response import Response, UnusableResponse
from support.conversation import Conversation
from support.env_store import EnvStore
from support.fuzzing import anything
from support.paths import DATA, SUPPORT
from support.premise import times

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LISTINGS = DATA / "listings"
WORKER = SUPPORT / "pip_pages.py"
PIPS = ["22.0.2", "24.0", "26.3"]
TYPES = {"json": "application/vnd.pypi.simple.v1+json", "html": "text/html"}
SUPPORTED = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")


class Page(NamedTuple):
    """A page as a server sends it."""

    body: bytes
    content_type: str
    url: str


class Apart(NamedTuple):
    """One difference between pip and our reader: `what` differs, and both values, as text."""

    what: str
    sides: str


def listed_pages() -> list[Page]:
    """The pages of listings/pages.toml."""
    return [_page(entry) for entry in tomllib.loads((LISTINGS / "pages.toml").read_text(encoding="utf-8"))["page"]]


def _page(entry: dict[str, Any]) -> Page:
    file = entry.get("file", "")
    kind = entry.get("type", file.rpartition(".")[2] or "html")
    text = entry.get("body", "") + entry.get("repeat", "") * entry.get("times", 0) + entry.get("end", "")
    body = (LISTINGS / file).read_bytes() if file else text.encode(entry.get("encoding", "utf-8"))
    return Page(body, TYPES.get(kind, kind), entry["url"])


class Pip:
    """A pip that parses pages, in a long-lived process."""

    def __init__(self, version: str, python: Path, environment: dict[str, str]) -> None:
        self.version = version
        self._process = Conversation([str(python), str(WORKER)], environment)

    @property
    def knows_json(self) -> bool:
        """Whether this pip reads JSON."""
        return self.version != "22.0.2"

    def read(self, page: Page) -> dict[str, Any]:
        """The files that pip reads from `page`."""
        body = base64.b64encode(page.body).decode()
        return self._process.ask(json.dumps({"body": body, "type": page.content_type, "url": page.url}))

    def close(self) -> None:
        """End the process."""
        self._process.close()


@pytest.fixture(scope="module", params=PIPS)
def pip(request: pytest.FixtureRequest, env_store: EnvStore) -> Iterator[Pip]:
    """One pip after the other."""
    env = env_store.env(request.param)
    running = Pip(request.param, env.python, env.environment())
    yield running
    running.close()


class Known:
    """The listed differences, and which of them occurred."""

    def __init__(self, pip: str) -> None:
        table = tomllib.loads((LISTINGS / "differences.toml").read_text(encoding="utf-8"))["difference"]
        assert all(entry["why"] for entry in table)
        self._entries = [entry for entry in table if pip in entry["pips"]]
        self.met: list[bool] = [False] * len(self._entries)

    def explains(self, page: Page, apart: Apart) -> bool:
        """Whether a listed difference explains `apart` on `page`."""
        text = page.body.decode("latin-1")
        for number, entry in enumerate(self._entries):
            says = entry["what"] == apart.what and re.search(entry.get("sides", ""), apart.sides, re.DOTALL)
            if says and re.search(entry.get("page", ""), text, re.DOTALL):
                self.met[number] = True
                return True
        return False

    def unmet(self) -> list[str]:
        """The entries that did not occur."""
        return [entry["why"] for entry, met in zip(self._entries, self.met, strict=True) if not met]


def read(page: Page) -> tuple[File, ...] | str:
    """The files that our reader reads from `page`, or why it is unusable."""
    try:
        return reader.parse(Response(page.url, page.body, page.content_type), _name(page)).files
    except UnusableResponse as error:
        return str(error)


def _name(page: Page) -> Any:
    return normalize(page.url.rstrip("/").rpartition("/")[2] or "acme") if "acme" in page.url else None


def apart(pip: Pip, page: Page) -> list[Apart]:
    """All differences between pip and our reader on `page`."""
    ours, theirs = read(page), pip.read(page)
    if isinstance(ours, str):
        return [] if "error" in theirs else [Apart("refused", ours)]
    if "error" in theirs:
        return [Apart("read", theirs["error"])]
    if len(ours) != len(theirs["files"]):
        return [Apart("files", json.dumps([[file.url for file in ours], [file["url"] for file in theirs["files"]]]))]
    found = []
    for file, pips in zip(ours, theirs["files"], strict=True):
        own = _facts(file)
        found += [
            Apart(key, f"{json.dumps(own[key])} {json.dumps(value)}")
            for key, value in pips.items()
            if own[key] != value
        ]
    return found


def _facts(file: File) -> dict[str, Any]:
    """The fields that pip has too; of a metadata file, pip keeps only hashes that it knows."""
    metadata = file.core_metadata
    return {
        "filename": file.filename,
        "url": file.url,
        "hashes": dict(file.hashes),
        "requires_python": file.requires_python,
        "yanked": file.yanked,
        "core_metadata": None if metadata is None else {k: v for k, v in metadata.items() if k in SUPPORTED},
        "upload_time": file.upload_time.isoformat() if file.upload_time else None,
    }


def test_listed_pages_are_read_as_pip_reads_them(pip: Pip) -> None:
    """On pages as servers write them, and on odd ones, pip and our reader agree; each listed difference occurs."""
    known = Known(pip.version)
    surprises = [
        (page, found)
        for page in listed_pages()
        if pip.knows_json or "json" not in page.content_type
        for found in apart(pip, page)
        if not known.explains(page, found)
    ]
    assert not surprises
    assert not known.unmet()


def test_what_servers_write_is_read_as_pip_reads_it(pip: Pip) -> None:
    """Pages as well-known servers write them are read without any difference."""
    pages = listed_pages()[:9]
    for page in pages:
        assert isinstance(read(page), tuple), page.url
        assert read(page)
        if pip.knows_json or "json" not in page.content_type:
            # Links to folders, as nginx writes them, have different names.
            assert [found for found in apart(pip, page) if found != Apart("filename", '"" "simple"')] == []


HREFS = st.lists(
    st.sampled_from(
        [
            *("/", "//", "../", "./", "..", ".", "a", "acme-1.zip", "%2B", "%2f", "%2F", "%", "+", "@", "~", ":", ";"),
            *("?x=1", "&amp;", "#", "#sha256=ab", "#egg=acme", "&sha1=ab", "https://h.example", "http://h.example/"),
            *("HTTP://H/", "file:///srv/", " ", "\\", "ä", "%C3%A4", "[", "(", "'", "\t", "&period;", "=", "-", "_"),
        ]
    ),
    max_size=6,
).map("".join)
URLS = st.sampled_from(
    [
        "https://corp.example/simple/acme/",
        "https://corp.example/simple/acme",
        "http://corp.example:8080/a/b/../c/acme/?x=1",
        "https://corp.example",
        "https://corp.example/a%2Fb/c d/acme/",
        "file:///srv/simple/acme/index.html",
    ]
)
ATTRIBUTES = st.lists(
    st.sampled_from(
        [
            *("data-yanked", 'data-yanked=""', 'data-yanked="&lt;x"', 'data-requires-python="&gt;=3"', "DATA-YANKED=y"),
            *('data-core-metadata="true"', 'data-core-metadata="sha256=a"', 'data-dist-info-metadata="x"', "/", "'"),
            *("rel=internal", 'href="b-2.zip"', "data-requires-python=''", "\n", "data-core-metadata"),
        ]
    ),
    max_size=3,
).map(" ".join)
SCRAPS = st.sampled_from(
    [
        "<br>",
        "text",
        "</a>",
        "<!-- ",
        " -->",
        "<base href='/x/'>",
        "<base href>",
        "<script>",
        "</script>",
        "<p",
        ">",
        "",
    ]
)


@st.composite
def html_pages(draw: st.DrawFn) -> Page:
    """Anchors with odd links and attributes, and other things between them."""
    anchors = draw(st.lists(st.tuples(SCRAPS, HREFS, ATTRIBUTES), max_size=4))
    links = "".join(f'{scrap}<a href="{href}" {more}>x</a>' for scrap, href, more in anchors)
    return Page(f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html", draw(URLS))


VALUES = st.sampled_from(
    [None, True, False, "", "x", 0, 7, [], [1], {}, {"sha256": "ab"}, {"md5": "cd", "x": "y"}, {"sha256": 1}, ">=3.8"]
)
KEYS = st.sampled_from(
    [*("yanked", "hashes", "requires-python", "core-metadata", "dist-info-metadata", "size", "x", "filename", "url")]
)
TIMES = st.sampled_from(
    ["2025-01-01T00:00:00Z", "2025-01-01T00:00:00.5+01:00", "2025-01-01", "2025-01-01T00:00:00", "soon", "", 7, None]
)


@st.composite
def json_pages(draw: st.DrawFn) -> Page:
    """Files with odd values, on a page with odd ones too."""
    files = [
        {"url": draw(HREFS), "filename": "acme-1.zip", **draw(st.dictionaries(KEYS, VALUES, max_size=3))}
        | draw(st.one_of(st.just({}), TIMES.map(lambda time: {"upload-time": time})))
        for _ in range(draw(st.integers(0, 3)))
    ]
    more = draw(st.dictionaries(st.sampled_from(["meta", "name", "versions", "files", "x"]), VALUES, max_size=1))
    document = {"meta": {"api-version": draw(st.sampled_from(["1.0", "1.9", "2.0"]))}, "files": files, **more}
    return Page(json.dumps(document).encode(), TYPES["json"], draw(URLS))


@settings(max_examples=times(250), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.one_of(html_pages(), json_pages()))
def test_generated_pages_are_read_as_pip_reads_them(page: Page, pip: Pip) -> None:
    """With any text in links, attributes and values, there are no differences but the listed ones."""
    _hold(pip, page)


@settings(max_examples=times(250), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=anything)
def test_hostile_pages_are_read_as_pip_reads_them(page: tuple[str, bytes], pip: Pip) -> None:
    """The same on pages that were cut, doubled and mangled, as in the fuzzer's corpus."""
    content_type, body = page
    _hold(pip, Page(body, content_type, "http://corp.example/simple/acme/"))


def _hold(pip: Pip, page: Page) -> None:
    # Before 22.2, pip reads pages without a doctype with html5lib, which guesses: only listed pages are compared.
    is_plain = page.body.lower().startswith(b"<!doctype html>") and "utf-16" not in page.content_type
    if pip.knows_json or (is_plain and "json" not in page.content_type):
        known = Known(pip.version)
        surprises = [found for found in apart(pip, page) if not known.explains(page, found)]
        assert not surprises
