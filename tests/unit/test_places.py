"""Which URLs of callers mean a repository of the policy, and which only resemble one."""

from __future__ import annotations

import pytest

from repoprio.policy.model import Location, Repository
from repoprio.urls import is_same_place, place, place_or_text, site

CORP = Repository("corp", (Location.of("https://corp.example/+simple/"),), aliases=("https://old.example/a%2Fb/",))
FLAT = Repository("flat", (Location.of("file://localhost/srv/wh%2Beels/"),))


@pytest.mark.parametrize(
    "url",
    [
        "https://CORP.example:443/+simple",
        "https://user:secret@corp.example/+simple/#fragment",
        "https://corp.example/+%73imple/",
        "https://corp.example/other/../+simple/",
        "https://corp.example/other/%2E%2e/+simple/",
        "https://corp%2Eexample/+simple/",
        "https://corp.example:/+simple/",
        "https://old.example/a%2fb/",
    ],
)
def test_one_place_in_several_spellings(url: str) -> None:
    """Spellings that RFC 3986 calls equivalent, and those that pip sends alike, mean the repository."""
    assert CORP.is_at(url)
    assert CORP.may_be_at(url)


@pytest.mark.parametrize(
    ("url", "may_be"),
    [
        ("https://corp.example/%2Bsimple/", True),
        ("https://corp.example//+simple/", True),
        ("https://corp.example/+simple//", True),
        ("https://corp.example/+simple;v=2/", True),
        ("https://corp.example/x%2F..%2F+simple/", True),
        ("https://corp.example/+Simple/", True),
        ("https://corp.example/x%252F%2E%252E%252F+simple/", True),
        ("http://corp.example/+simple/", True),
        ("https://old.example/a/b/", True),
        ("https://corp.example/+simple/?repository=other", True),
        ("https://corp.example/+simple/%FF", False),
        ("https://corp.example:8443/+simple/", False),
        ("https://corp.example./+simple/", True),
        ("https://corp.example@evil.example/+simple/", False),
        ("https://evil.example/+simple/", False),
        ("https://corp.example/+simple/more/", False),
        ("file:///+simple/", False),
    ],
)
def test_what_a_server_may_answer_otherwise(url: str, may_be: bool) -> None:
    """A URL that only some servers treat as the repository's does not match it, but resembles it."""
    assert (CORP.is_at(url), CORP.may_be_at(url)) == (False, may_be)


def test_a_text_that_is_no_url() -> None:
    """A text that is not a URL stays as it is, and is at no place, not even its own."""
    assert place_or_text("https://[corp/") == "https://[corp/"
    assert not is_same_place("https://[corp/", "https://[corp/")
    assert is_same_place("https://CORP.example:443/simple", "https://corp.example/simple/")


def test_bytes_that_are_no_text() -> None:
    """Two paths with different bytes are different places, on a disk and on a server."""
    assert place("https://h.example/%FF/") != place("https://h.example/%FE/")
    assert place("file:///srv/%FF/") != place("file:///srv/%FE/")


def test_files_of_this_machine() -> None:
    """In file: URLs all escapes are decoded, as in pip; localhost is this machine."""
    for url in ("file:///srv/wh+eels", "file:///srv/wh%2beels/", "file:///srv/x/..//wh+eels/"):
        assert FLAT.is_at(url)
    assert site("file://localhost/") == site("file:///")
    assert not FLAT.is_at("file:///srv/wh eels/")
    assert not FLAT.may_be_at("file:///srv/WH+eels/")
