"""Decisions from before a site asked for a login are confirmed, each of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pytest

from repoprio.lookup.drivers import drive
from repoprio.lookup.events import PageFound, StatusReceived
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.session_memory import Decisions
from repoprio.pip_adapter.index.links import PipPage
from repoprio.simple_api.model import File, ProjectPage
from support.policy_files import parsed_policy
from support.verdicts import PAGE, decide

POLICY = """
[repositories.corp]
url = "https://corp.example/simple/"
priority = 10
[repositories.public]
url = "https://public.example/simple/"
priority = 90
"""


def test_a_second_late_login_casts_doubt_on_what_was_confirmed_after_the_first() -> None:
    """If a worker gets a 401 from another site while decisions are confirmed, none of them is left out."""
    decisions, confirmed = Decisions(), list[NormalizedName]()

    def made(name: NormalizedName) -> Any:
        # With the second login, corp shows the name that was confirmed first.
        is_shown = len(confirmed) > 1 and name == confirmed[0]
        pages = {"public": PAGE, "corp": PAGE} if is_shown else {"public": PAGE}
        return decide(POLICY, pages, name)

    def again(name: NormalizedName) -> Any:
        confirmed.append(name)
        if len(confirmed) == 2:
            decisions.doubt(2)
        decision = made(name)
        decisions.keep((name,), decision, functools.partial(again, name))
        return decision

    for name in map(normalize, ("acme", "hidden")):
        decisions.keep((name,), made(name), functools.partial(again, name))
    assert decisions.doubt(1)
    with pytest.raises(LookupRefused) as refused:
        decisions.confirm(None)
    assert f"{confirmed[0]}: corp (priority 10) says something else" in str(refused.value)


def page(*files: str, at: str = "https://corp.example/") -> Any:
    """A page with these files."""
    listed = tuple(File(name, f"{at}{name}", {}) for name in files)
    return PageFound(PipPage(ProjectPage(normalize("acme"), f"{at}simple/acme/", listed, frozenset())), len(files))


ONE, TWO = page("acme-1.0-py3-none-any.whl"), page("acme-1.0-py3-none-any.whl", "acme-2.0-py3-none-any.whl")
MERGE = '[pins.acme]\nprojects = ["acme"]\nmode = "merge"'


@pytest.mark.parametrize(
    ("text", "before", "now"),
    [
        (POLICY, {"public": ONE}, {"corp": ONE, "public": ONE}),
        (f'mode = "flexible"{POLICY}', {"public": TWO}, {"corp": TWO, "public": TWO}),
        (f'mode = "flexible"{POLICY}', {"corp": ONE, "public": TWO}, {"corp": TWO, "public": TWO}),
        (f'mode = "flexible"{POLICY}', {"corp": ONE, "public": ONE}, {"corp": page(), "public": ONE}),
        (POLICY + MERGE, {"corp": ONE, "public": TWO}, {"corp": TWO, "public": TWO}),
    ],
    ids=["strict", "flexible-hidden", "flexible-passed-over", "flexible-other-files", "merge"],
)
def test_the_refusal_names_the_repository_that_the_login_changed(
    text: str, before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """It names corp, with the login to set, and never public, which is only not asked any more."""
    refused = confirmed(text, before, now)
    assert "acme: corp (priority 10) says something else" in refused
    assert "REPOPRIO_CORP_USERNAME" in refused


def test_files_at_other_urls_are_no_other_answer() -> None:
    """A server may sign the URL of each file anew with each page."""
    again = page("acme-1.0-py3-none-any.whl", at="https://corp.example/signed/")
    for text in (f'mode = "flexible"{POLICY}', POLICY + MERGE):
        assert not confirmed(text, {"corp": ONE, "public": TWO}, {"corp": again, "public": TWO})


def confirmed(text: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The refusal of a decision on acme from before a login, with what is said now; "" if it stays."""
    decisions, name = Decisions(), normalize("acme")

    def made(pages: Mapping[str, Any]) -> Any:
        lookup = ProjectLookup(RunMemory[Any](parsed_policy(text)), name)
        return drive(
            lookup,
            lambda ask: pages.get(ask.repository.name, StatusReceived(404)),
            lambda offers: any(offer.files > 1 for offer in offers),
        )

    decisions.keep((name,), made(before), lambda: made(now))
    decisions.doubt(1)
    try:
        decisions.confirm(None)
    except LookupRefused as refused:
        return str(refused)
    return ""
