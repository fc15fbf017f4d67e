"""When a page that was read before may be used again: its validators, and the policy under which it was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from repoprio.names import normalize
from repoprio.policy.model import Location, Policy
from repoprio.serve.freshness import survives
from repoprio.serve.transport.validators import Key, Validators, validators
from support.policy_files import parsed_policy

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
# A minute before it.
SETTLED = "Sat, 21 Nov 2026 23:59:00 GMT"
TAG = Validators('"a"')
FROM_PUBLIC = '[pins.acme]\nprojects = ["acme"]\nrepositories = ["public"]\n'
BASE = """
[repositories.corp]
url = "https://corp.example/simple/"
priority = 10
[repositories.public]
url = "https://public.example/simple/"
priority = 90
"""


def policy(text: str) -> Policy:
    """A policy."""
    return parsed_policy(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (BASE, {"acme", "ledger"}),
        (BASE + FROM_PUBLIC, {"ledger"}),
        (BASE + '[pins.x]\nprojects = ["a*"]\nversions = "<2"\n', {"ledger"}),
        (BASE + '[pins.x]\nprojects = ["other"]\nblock = "no"\n', {"acme", "ledger"}),
        ("absence-ttl = 5\n" + BASE, set()),
        (BASE.replace("priority = 90", "priority = 91"), set()),
        (BASE + '[repositories.more]\nurl = "https://more.example/"\npriority = 95\n', set()),
    ],
)
def test_pages_survive_only_a_policy_that_would_make_them_again(text: str, kept: set[str]) -> None:
    """A lower repository that is added makes records of ownership necessary, so it counts as well."""
    alike = survives(policy(BASE), policy(text))
    assert {name for name in ("acme", "ledger") if alike(normalize(name))} == kept


def test_the_file_of_a_policy_does_not_affect_pages() -> None:
    """The same policy from another file gives the same pages."""
    old = policy(BASE)
    moved = replace(old, origins={**old.origins, "absence-ttl": "other.toml"})
    assert survives(old, moved)(normalize("acme"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ETag": '"a"', "Last-Modified": format_datetime(NOW - timedelta(days=1))}, {"If-None-Match": '"a"'}),
        ({"ETag": 'W/"a"'}, {"If-None-Match": 'W/"a"'}),
        ({"ETag": "x" * 1024}, {"If-None-Match": "x" * 1024}),
        ({"ETag": "x" * 1025}, {}),
        ({"ETag": '"\xe9"'}, {}),
        ({"ETag": "x" * 1025, "Last-Modified": SETTLED}, {"If-Modified-Since": SETTLED}),
        ({"ETag": '"\x01"'}, {}),
        ({"Last-Modified": SETTLED}, {"If-Modified-Since": SETTLED}),
        ({"Last-Modified": "Sat, 21 Nov 2026 23:59:01 GMT"}, {}),
        ({"Last-Modified": "Sun, 22 Nov 2026 01:00:00 GMT"}, {}),
        ({"Last-Modified": "Sat, 21 Nov 2026 23:00:00 -0000"}, {}),
        ({"Last-Modified": "yesterday"}, {}),
        ({}, {}),
    ],
)
def test_a_tag_or_a_date_that_is_settled(headers: dict[str, str], expected: dict[str, str]) -> None:
    """A usable tag comes first; a date counts only with its time zone, and only if it is a minute old."""
    assert validators(headers, NOW).headers() == expected


def test_without_the_servers_clock_a_date_tells_nothing() -> None:
    """Without it, nobody knows whether the page may still change."""
    assert validators({"Last-Modified": SETTLED}, None).headers() == {}


def test_an_answer_fits_by_its_tag() -> None:
    """A 304 with another tag is about another page; a weak tag is the same one, and an answer may have none."""
    assert TAG.fits(Validators('W/"a"'))
    assert Validators('W/"a"').fits(TAG)
    assert TAG.fits(Validators())
    assert Validators(modified=SETTLED).fits(TAG)
    assert not TAG.fits(Validators('"b"'))


def test_a_page_is_kept_for_one_login() -> None:
    """Another login at the same URL may get another page."""
    place = Location.of("https://corp.example/")
    other = replace(place, user="eve", password="x")
    assert Key("corp", normalize("acme"), place) != Key("corp", normalize("acme"), other)
