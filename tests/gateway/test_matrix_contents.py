"""Block C of the fault matrix: contents of a page that clients, or the gateway, must not act on.

Each content of `cases/gateway/contents.toml`, from a repository that answers in JSON and from one that answers in HTML.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from support.faults import Fault
from support.gateway_matrix import Content, contents
from support.gateways import Answer
from support.invariant import LURE, assert_nothing_from_below
from support.pages import HTML_TYPE, JSON_TYPE
from support.repository import RepositoryServer
from support.tiered_gateway import TieredGateway, tiered

_TAGS = {"html", "head", "meta", "title", "body", "h1", "a", "br"}
_ATTRIBUTES = {
    *("href", "name", "content", "data-requires-python", "data-yanked"),
    *("data-core-metadata", "data-dist-info-metadata", "data-provenance"),
}


class World(TieredGateway[RepositoryServer]):
    """Team owns each project, and its files come through the gateway."""

    def project(self) -> str:
        """A new project of team, for which public and the stranger have a lure."""
        name = f"{self.new_name()}x"
        self.servers["public"].add(name, LURE)
        self.servers["elsewhere"].add(name, LURE)
        return name

    def page(self, name: str, **headers: str) -> Answer:
        """The page, under the law."""
        answer = self.served.page(name, **headers)
        assert_nothing_from_below(answer, name, [self.servers["public"]])
        # The gateway sends no request to hosts that a page names.
        assert not self.servers["elsewhere"].requests
        return answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all contents: each test has a project of its own in it."""
    with tiered(tmp_path_factory.mktemp("store"), RepositoryServer, team='files = "proxy"') as made:
        yield World(*made)


class Texts:
    """The replacements in the texts of a row."""

    def __init__(self, world: World, name: str) -> None:
        self._places = {
            "name": name,
            "NAME": name.replace("-", "_").upper(),
            "owner": world.servers["team"].root_url,
            "elsewhere": world.servers["elsewhere"].root_url,
            "elsewhere_host": world.servers["elsewhere"].host,
            "sha256": hashlib.sha256(b"").hexdigest(),
            "long": "9" * 700,
            "surrogate": "\ud800",
        }
        self.own = f"{name}-1.0.tar.gz"

    def fill(self, value: Any) -> Any:
        """A value of a row, with all its texts filled."""
        if isinstance(value, Mapping):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.fill(item) for item in value]
        if isinstance(value, str):
            for key, text in self._places.items():
                value = value.replace(f"{{{key}}}", text)
        return value

    def files(self, content: Content) -> list[dict[str, Any]]:
        """The files of the page, the good one first."""
        good = {"url": "{owner}files/" + self.own, "hashes": {"sha256": hashlib.sha256(self.own.encode()).hexdigest()}}
        found = self.fill([good, *content.files])
        return [{"filename": unquote(file["url"].rpartition("/")[2]), "hashes": {}, **file} for file in found]


def as_json(content: Content, name: str, texts: Texts) -> Fault:
    """The page in JSON."""
    document = {"meta": {"api-version": "1.0"}, "name": name, "files": texts.files(content), **texts.fill(content.page)}
    return Fault(
        body=json.dumps(document), content_type=JSON_TYPE + (content.charset and f"; charset={content.charset}")
    )


def as_html(content: Content, name: str, texts: Texts) -> Fault:
    """The page in HTML."""
    anchors = [_anchor(file) for file in texts.files(content)]
    body = "\n".join([f"<title>{name}</title></head><body>", *anchors, texts.fill(content.html), "</body></html>\n"])
    content_type = f"text/html; charset={content.charset}" if content.charset else HTML_TYPE
    return Fault(body=f"<!DOCTYPE html>\n<html><head>{body}", content_type=content_type)


def _anchor(file: Mapping[str, Any]) -> str:
    sha256 = file["hashes"].get("sha256")
    url = file["url"] if sha256 is None or "#" in file["url"] else f"{file['url']}#sha256={sha256}"
    facts = {key: file[key] for key in ("requires-python", "yanked", "provenance") if key in file}
    if "core-metadata" in file:
        facts["core-metadata"] = f"sha256={file['core-metadata']['sha256']}"
    said = "".join(f' data-{key}="{_reference(text)}"' for key, text in facts.items())
    return f'<a href="{escape(url)}"{said}>{escape(file["filename"])}</a>'


def _reference(text: str) -> str:
    """A text as an attribute has it, even with characters that UTF-8 cannot encode."""
    return escape(text).encode("ascii", "xmlcharrefreplace").decode()


@pytest.mark.parametrize(
    ("content", "form"), [pytest.param(*case, id=f"{case[0].id}-{case[1]}") for case in contents()]
)
def test_what_a_page_holds_does_no_harm(content: Content, form: str, world: World) -> None:
    """Files of other projects are left out; the rest is relayed as text.

    The gateway requests nothing of it.
    """
    name = world.project()
    texts = Texts(world, name)
    page = as_json(content, name, texts) if form == "json" else as_html(content, name, texts)
    world.servers["team"].answer(name, page)
    answer = world.page(name)
    if form in content.refused:
        assert (answer.status, answer.state) == (503, "unavailable"), answer.body
        return
    assert answer.status == 200, answer.body
    assert answer.document.get("project-status") == _status(content, form)
    assert set(answer.document["versions"]) <= {"1.0", "1.1", "99"}
    kept = texts.fill(content.kept)
    assert list(answer.files) == [texts.own, *kept]
    assert answer.files[texts.own].startswith(f"../../files/{name}/")
    for filename in kept:
        there = answer.files[filename]
        assert urlsplit(there).scheme == "http" if content.direct else there.startswith(f"../../files/{name}/")
        path = f"/files/{name}/{texts.fill('{sha256}')}/{filename}"
        assert not content.direct or world.served.get(path).status == 404
    _check_html(world.page(name, accept="text/html"), [texts.own, *kept])


def _status(content: Content, form: str) -> object:
    """The project's status (PEP 792), as the page states it."""
    said = content.page.get("project-status")
    return said if form == "json" or not said else {"status": said["status"]}


class _Seen(HTMLParser):
    """What a browser sees in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.hrefs: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {key for key, _ in attrs}
        self.hrefs += [value or "" for key, value in attrs if key == "href"]


def _check_html(answer: Answer, filenames: list[str]) -> None:
    """The page for browsers has the same files, and no markup but the gateway's own."""
    seen = _Seen(answer.body.decode())
    assert seen.tags <= _TAGS
    assert seen.attributes <= _ATTRIBUTES
    names = [unquote(urlsplit(href).path.rpartition("/")[2]) for href in seen.hrefs]
    assert names == filenames
    assert {urlsplit(href).scheme for href in seen.hrefs} <= {"", "http"}
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert not [text for text in answer.headers.values() if "\n" in text or "\r" in text]
