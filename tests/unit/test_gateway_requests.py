"""Requests to the gateway: their paths and headers; and which policies it serves. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoprio.policy.model import Location, Mode, Pin, Policy
from repoprio.policy.patterns import Pattern
from repoprio.serve import limits, requests
from repoprio.serve.requests import Elsewhere, Explain, FileOf, Health, Media, Nothing, Project, ProjectList, Search
from support.gateway_parts import (
    ACME,
    CORP,
    PUBLIC,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/simple/acme/", Project(ACME)),
        ("/simple/acme", Elsewhere("acme/")),
        ("/simple/Ac.Me", Elsewhere("ac-me/")),
        ("/simple/Ac__Me/", Elsewhere("../ac-me/")),
        ("/simple/ac%6De/", Elsewhere("../acme/")),
        ("/simple/", ProjectList()),
        ("/simple", Elsewhere("simple/")),
        ("/files/acme/ab/acme-1.0%2B1.whl", FileOf(ACME, "acme/ab/acme-1.0%2B1.whl")),
        ("/files/acme/ab/acme-1.0+1.whl", FileOf(ACME, "acme/ab/acme-1.0%2B1.whl")),
        ("/", Search(is_below=False)),
        ("/explain", Elsewhere("explain/")),
        ("/explain/", Search(is_below=True)),
        ("/explain/acme", Explain(ACME)),
        ("/explain/Acme", Elsewhere("acme")),
        ("/explain/acme/", Elsewhere("../acme")),
        ("/explain/-a", Nothing()),
        ("/health/live", Health(of_all=False)),
        ("/health/ready", Health(of_all=True)),
        *((f"/files/{rest}", Nothing()) for rest in ("", "acme", "acme/ab", "Acme/ab/x", "../ab/x", "acme/ab/x/y")),
        *((path, Nothing()) for path in ("", "/other/", "simple/acme/", "//simple/acme/")),
        *((f"/simple/{name}/", Nothing()) for name in ("..", "%2e%2e", "a%2fb", "a%0d%0ab", "a b", "-a", "a" * 201)),
        *((f"/simple/{rest}", Nothing()) for rest in ("acme//", "acme/x", "acme/../corp/", "%00", "\xe9")),
    ],
)
def test_a_path_is_one_project_or_none(path: str, found: requests.Target) -> None:
    """Another spelling of a name is redirected; a path that is not a name is not found, however it is written."""
    assert requests.target(path) == found


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", Media.HTML),
        ("*/*", Media.HTML),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Media.HTML),
        ("application/vnd.pypi.simple.v1+json", Media.JSON),
        ("application/vnd.pypi.simple.latest+json, text/html;q=0.5", Media.JSON),
        ("application/vnd.pypi.simple.v1+json;q=0.2, application/vnd.pypi.simple.v1+html", Media.HTML_V1),
        ("application/*", Media.JSON),
        ("application/vnd.pypi.simple.v1+json;q=0, */*;q=0.1", Media.HTML),
        ("text/html;q=x", None),
        ("text/html;q=7", None),
        ("image/png", None),
        (",", Media.HTML),
    ],
)
def test_the_client_chooses_the_form_of_a_page(accept: str, media: Media | None) -> None:
    """As in PEP 691: by quality, HTML if all are equal, and none if none is acceptable."""
    assert requests.media(accept) is media


def test_encodings_and_tags() -> None:
    """Gzip is used if the client accepts it; a tag matches whether or not it is weak."""
    assert requests.takes_gzip("gzip, deflate")
    assert requests.takes_gzip("*")
    assert not requests.takes_gzip("")
    assert not requests.takes_gzip("gzip;q=0, *")
    assert requests.has_already('W/"a", "b"', '"a"')
    assert requests.has_already("*", '"a"')
    assert requests.byte_range(" bytes=0-99") == "bytes=0-99"
    assert requests.byte_range("bytes=-5") == "bytes=-5"
    assert requests.byte_range("bytes=5-", '"tag"') == requests.byte_range("bytes=5-", is_fixed=False) == "bytes=5-"
    assert requests.byte_range("bytes=5-", '"tag"', is_fixed=False) is None
    assert [requests.byte_range(text) for text in ("", "bytes=-", "bytes=0-1,5-6", "lines=1-2")] == [None] * 4
    assert not requests.has_already('"ab"', '"a"')


def test_a_client_prefers_documents_or_pages() -> None:
    """By its Accept header, or by the query; a query that is too long asks for nothing."""
    assert requests.wants_json("application/json", "")
    assert requests.wants_json("text/html", "format=json")
    assert not requests.wants_json("text/html,*/*;q=0.8", "")
    assert requests.field("name=+Acme+&x=1", "name") == "Acme"
    assert requests.field(f"name=acme&x={'a' * 3000}", "name") == ""


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Policy((CORP, PUBLIC), mode=Mode.FLEXIBLE), 'mode = "flexible" (default)'),
        (Policy((CORP, PUBLIC), mode=Mode.OBSERVE), "lets pip choose"),
        (Policy((CORP,), (Pin("f", (Pattern("acme"),), mode=Mode.FLEXIBLE),)), "pins.f.mode"),
    ],
)
def test_a_policy_that_an_index_cannot_obey_is_refused(policy: Policy, says: str) -> None:
    """Each reason is named before anything is served."""
    with pytest.raises(limits.CannotServe) as refused:
        limits.check(policy)
    assert says in str(refused.value)
    assert refused.value.status == 2


def test_a_strict_policy_is_served() -> None:
    """Repositories may be folders, and pins may merge."""
    pins = (Pin("v", (Pattern("acme"),), versions="<3"), Pin("m", (Pattern("acme"),), mode=Mode.MERGE))
    limits.check(Policy(pins=pins, repositories=(CORP, replace(PUBLIC, locations=(Location.of("file:///srv/x"),)))))


def test_long_paths_are_not_kept() -> None:
    """The meaning of paths is cached; a client cannot fill memory with long ones."""
    before = requests._known_target.cache_info().currsize
    assert requests.target(f"/simple/{'a' * 300}/") == requests.Nothing()
    assert requests._known_target.cache_info().currsize == before
    assert requests.target("/simple/acme/") is requests.target("/simple/acme/")
