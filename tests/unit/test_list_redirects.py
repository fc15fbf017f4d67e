"""Redirects of project lists follow the rules for redirects of project pages."""

from __future__ import annotations

import pytest

from repoprio.lookup.events import RepositoryState
from repoprio.lookup.redirects import MAX_REDIRECTS, RedirectVerdict, next_hop
from repoprio.policy.model import Location, Redirects, Repository
from repoprio.urls import site

HERE = Location("https://corp.example/simple/", "https://corp.example/simple/", "bot", "s3cret")
CORP = Repository(
    "corp",
    (HERE,),
    10,
    redirects={site("https://cdn.example"): Redirects.FOLLOW, site("https://gone.example"): Redirects.ABSENT},
)
PUBLIC = Repository("public", (Location.of("https://public.example/simple/"),), 90)
KNOWN = (CORP, PUBLIC)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("https://corp.example/elsewhere/", None),
        ("https://cdn.example/list/", None),
        ("https://gone.example/list/", "it redirects to https://gone.example"),
        ("https://other.example/list/", "it redirects to another site, https://other.example/list/"),
        ("http://corp.example/simple/", "it redirects to another site, http://corp.example/simple/"),
        ("https://public.example/simple/", "it redirects into public"),
        ("https://public.example/simple/acme/", "it redirects into public"),
        ("ftp://corp.example/simple/", "it redirects to a ftp: URL"),
        ("https://corp.example:x/", "it redirects to something that is not a URL"),
    ],
)
def test_redirects_of_a_list(target: str, reason: str | None) -> None:
    """A list may redirect to the same sites as pages, but not into another repository.

    The next request has no earlier login.
    """
    to = next_hop(KNOWN, CORP, HERE, None, target, hops=0, asked=())
    if reason is None:
        assert to == Location.of(target)
    else:
        assert isinstance(to, RedirectVerdict)
        assert (to.state is None, to.reason) == (False, reason)


def test_a_list_may_move_to_https() -> None:
    """A redirect from http to https of the same host stays on the site."""
    plain = Repository("corp", (Location.of("http://corp.example/simple/"),), 10)
    target = "https://corp.example/simple/"
    assert next_hop((plain,), plain, plain.locations[0], None, target, hops=0, asked=()) == Location.of(target)


def test_how_many_redirects_are_followed() -> None:
    """Ten are followed; an eleventh is judged like the others, and then refused."""
    target = "https://corp.example/again/"
    assert next_hop(KNOWN, CORP, HERE, None, target, hops=MAX_REDIRECTS - 1, asked=()) == Location.of(target)
    refused = RedirectVerdict(RepositoryState.UNAVAILABLE, "more than 10 redirects")
    assert next_hop(KNOWN, CORP, HERE, None, target, hops=MAX_REDIRECTS, asked=()) == refused
