"""The fast and the slow reader of project lists give the same result."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repoprio.names import NormalizedName, normalize
from repoprio.simple_api import json_page, project_list
from support.premise import times

NAMES = st.lists(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True), min_size=1, max_size=6)
SCRAPS = [
    *("<", ">", '"', "'", "</a>", "<!--", "-->", "<script>", "<title>", "</html>", "<br/>", "\n", " ", "&amp;", "//"),
    *("/", "?x", "#y", "%2e", "..", "http:", "a", "<a href=", "\x00", "]", "[", "{", "}", ",", ":", "\\", "1", "null"),
    *("<li>", "</ul>", "<pre>", ' class="x"', ' href="b"', "<div title='>'>", "<p"),
    *('"name"', '"projects":[', '"_last-serial":07', "\u0130", "\u017f", '<body x="'),
    '<meta name="pypi:repository-version" content="2.0">',
]


def html_list(names: list[str], *, base: str, between: str, close: str) -> str:
    """A plain list, as servers write it."""
    links = between.join(f'<a href="{base}{name}/">{name}</a>' for name in names)
    head = '<meta name="pypi:repository-version" content="1.1">\n<title>Simple index</title>'
    return f"<!DOCTYPE html>\n<html>\n<head>\n{head}</head>\n<body>\n{links}{close}</body>\n</html>\n"


@st.composite
def html_texts(draw: st.DrawFn) -> str:
    """A plain list with pieces cut out, inserted and doubled."""
    base = draw(st.sampled_from(["/simple/", "", "../", "https://h.example:80/simple/", "//h.example/", "http://"]))
    between = draw(st.sampled_from(["\n", "<br/>\n", "<br />", " ", "x"]))
    text = html_list(draw(NAMES), base=base, between=between, close=draw(st.sampled_from(["", "<br>\n"])))
    return draw(st.one_of(st.just(text), mangled(text)))


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    """A plain list of PEP 691, mangled."""
    projects = [{"_last-serial": n, "name": name} if n % 2 else {"name": name} for n, name in enumerate(draw(NAMES))]
    meta = draw(st.sampled_from([{"api-version": "1.4"}, {"api-version": "2.0"}, {"_x": "]"}]))
    document = {"meta": meta, "projects": projects, **draw(st.sampled_from([{}, {"x": {"projects": [{}]}}]))}
    text = json.dumps(document, indent=draw(st.sampled_from([None, 1])))
    return draw(st.one_of(st.just(text), mangled(text)))


@st.composite
def mangled(draw: st.DrawFn, text: str) -> str:
    """`text` with pieces cut out, doubled, and put in."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        to = draw(st.integers(at, min(len(text), at + 30)))
        piece = draw(st.sampled_from([*SCRAPS, text[at:to]]))
        text = text[:at] + piece + text[draw(st.sampled_from([at, to])) :]
    return text


def slowly(read_list: Any, text: str) -> frozenset[NormalizedName] | None:
    """The result of the slow reader; None if it rejects the list."""
    try:
        found: frozenset[NormalizedName] = read_list(text)
    except (ValueError, RecursionError):
        return None
    return found


@settings(max_examples=times(1500), deadline=None)
@given(html_texts())
@example("<html><body><a href='/simple/a/'>a</a></body></html>")
@example('<html><body x="<a href="/a/">a</a></body></html>')
@example('<html><body><a href="http://a/">a</a></body></html>')
@example('<html><body><a href="//a/">a</a></body></html>')
@example(
    '<html><head><meta name="pypi:repository-version" content="1" name="x"></head><body><a href="a">a</a></body></html>'
)
@example('<html><head><title>pypi:repository-version</title></head><body><a href="a/">A</a></body></html>')
@example('<html><body><a href="a/">A</a></body><a href="b">b</a></body></html>')
@example('<html><body><a href="a.b/">A--B</a></body></html>')
@example("<html><body></body></html>")
def test_fast_html_lists_are_read_as_slow_ones(text: str) -> None:
    """A list that the fast reader takes gives the same names and version in the slow one, never an error there."""
    fast, slow = project_list.from_plain_html(text), slowly(project_list.from_any_html, text)
    if fast is not None:
        assert (fast[0] if fast[1].split(".")[0] == "1" else None) == slow


@settings(max_examples=times(1500), deadline=None)
@given(json_texts())
@example('{"x": {"projects": [{"name": "a"}]}, "projects": [{"name": "b"}]}')
@example('{"projects": [{"name": "a"}], "projects": [{"name": "b"}]}')
@example('{"projects": [{"name": "b"}], "x": {"projects": [{"name": "a"}]}}')
@example('{"projects": [{"name": "a", "name": 7}]}')
@example('{"projects": [{"name": "a"}]')
@example('{"projects": [{"name": "a"}')
@example('["projects", {"projects": [{"name": "a"}]}]')
@example('{"projects": [{"name": "a"}], "x": "29", "y": "29", "z": "43"}')
@example('{"projects": [{"name": "a"},]}')
def test_fast_json_lists_are_read_as_slow_ones(text: str) -> None:
    """The same for JSON."""
    fast, slow = project_list.from_plain_json(text), slowly(project_list.from_any_json, text)
    if fast is not None:
        assert (fast[0] if json_page.api_version(fast[1]).split(".")[0] == "1" else None) == slow


def test_plain_lists_are_read_fast() -> None:
    """What PyPI, devpi and others write is plain: the fast reader reads it."""
    names = ["acme", "Foo.Bar", "a__b", "0", "zope.interface"]
    expected = {"acme", "foo-bar", "a-b", "0", "zope-interface"}
    for base, between in (("/simple/", "<br/>\n"), ("", "\n    "), ("https://h.example/simple/", " ")):
        found = project_list.from_plain_html(html_list(names, base=base, between=between, close="\n"))
        assert (found and set(found[0]), found and found[1]) == (expected, "1.1")
    bare = "<html><body><ul><li><a class=\"y\" href='x'>x</a></li></ul></body></html>"
    assert project_list.from_plain_html(bare) == (frozenset({normalize("x")}), "1.0")
    projects = [{"_last-serial": n, "name": name} for n, name in enumerate(names)]
    for indent in (None, 2):
        text = json.dumps({"meta": {}, "projects": projects}, indent=indent)
        read_back = project_list.from_plain_json(text)
        assert read_back is not None
        assert (set(read_back[0]), read_back[1]["meta"]) == (expected, {})


@pytest.mark.parametrize(
    "piece",
    [
        "<br>",
        "<br> ",
        " ",
        "<a ",
        '<a href="',
        "a/",
        "a",
        "a.",
        '<a href="a">a',
        '<li><a class="x"',
        "<!--",
        "\n\t",
        "-",
    ],
)
def test_a_hostile_list_takes_no_longer_than_its_length(piece: str) -> None:
    """A malicious list is read in linear time: a backtracking expression would block the process."""
    body = piece * (400_000 // len(piece))
    for text in (f"<html><body>{body}</body></html>", f'<html><body><a href="{body}</body></html>', f"<html>{body}"):
        begun = time.process_time()
        assert project_list.from_plain_html(text) is None
        assert time.process_time() - begun < 3
    for text in (f'{{"projects": [{{"name": "{body}"}}]}}', f'{{"projects": [{{{body}]}}', f'"projects"{body}[{{'):
        begun = time.process_time()
        project_list.from_plain_json(text)
        assert time.process_time() - begun < 3
