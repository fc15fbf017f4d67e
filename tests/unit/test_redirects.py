"""Which spellings of a URL lie in another repository, and when a redirect there counts as absent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoprio.explain.explaining import explain
from repoprio.explain.explanation import Explanation
from repoprio.explain.refusal_remedies import refusal_remedy
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import FetchRequest, FetchResult, PageFound, RedirectReceived, RepositoryState
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.lookup.redirects import judge_redirect
from repoprio.names import normalize
from repoprio.policy.model import Location, Policy, Repository

ACME = normalize("acme")
CORP = Repository("corp", (Location.of("https://h.example/corp/simple/"),), 10)
PUBLIC = Repository("public", (Location.of("https://h.example/public/simple/"),), 90)
GROUP = Repository("group", (Location.of("https://h.example/group%2Fteam/simple/"),), 90)
UNSET = Repository("unset", (Location("https://h.example:${P}/", "https://h.example:${P}/", unset=("P",)),), 90)
KNOWN = (CORP, PUBLIC, GROUP, UNSET)
FOLLOWED, ABSENT, REFUSED = None, RepositoryState.ABSENT, RepositoryState.UNAVAILABLE


def test_a_repository_with_a_mirror_is_itself() -> None:
    """A repository that is asked at only one of its URLs still owns all of them."""
    alone = replace(CORP, locations=CORP.locations[:1], skip_if_unavailable=True)
    assert judge_redirect(KNOWN, alone, alone.locations[0], ACME, f"{CORP.locations[0].url}x/acme/", asked=()) == (
        judge_redirect(KNOWN, CORP, CORP.locations[0], ACME, f"{CORP.locations[0].url}x/acme/", asked=())
    )


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("/public/simple/acme/", ABSENT),
        ("/public/simple/%61cme", ABSENT),
        ("/corp/../public/simple/./acme/", ABSENT),
        ("/group%2Fteam/simple/acme/", ABSENT),
        ("/group%2fteam/simple/acme/", ABSENT),
        ("/corp/simple//acme/", FOLLOWED),
        ("/corp/simple/acme;v=1/", FOLLOWED),
        ("/corp/simple%2Facme/", FOLLOWED),
        ("/other/simple%2Facme/", FOLLOWED),
        ("/public/simple%2facme/", REFUSED),
        ("/public%2Fsimple/acme/", REFUSED),
        ("/public%252Fsimple/acme/", REFUSED),
        ("/public/simple/acme%2f", REFUSED),
        ("/public/simple/acme;v=1/", REFUSED),
        ("/public;v=1/simple/acme/", REFUSED),
        ("/public/simple//acme/", REFUSED),
        ("//public/simple/acme/", REFUSED),
        ("/public//simple/acme/", REFUSED),
        ("/corp/%2e%2E/public/simple/acme/", REFUSED),
        ("/public/simple/%2e%2e/%2e%2e/corp/simple/acme/", REFUSED),
        ("/corp\\..\\public/simple/acme/", REFUSED),
        ("/corp/%5c..%5c..%5cpublic%5csimple/acme/", REFUSED),
        ("/public/simple/acme%00/", REFUSED),
        ("/Public/simple/acme/", REFUSED),
        ("/public/simple/Acme/", REFUSED),
        ("/group/team/simple/acme/", REFUSED),
    ],
)
def test_spellings_of_a_page(path: str, verdict: RepositoryState | None) -> None:
    """A URL that every server reads as another's page is that page; one that only some do is refused."""
    asked = {"corp", "public", "group"}
    found = judge_redirect(KNOWN, CORP, CORP.locations[0], ACME, f"https://h.example{path}", asked=asked)
    assert found.state is verdict, found


def explanation(policy: Policy, target: str) -> Explanation:
    """The explanation of acme if corp redirects to `target`; all others serve it."""

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        return RedirectReceived(target) if ask.repository.name == "corp" else PageFound("page", 1)

    decision = drive(ProjectLookup(RunMemory[str](policy), ACME), fetch, lambda _: True)
    return explain(policy, decision, "acme", {})


def test_the_rule_that_keeps_a_name_from_the_target_is_named() -> None:
    """A redirect to a repository that is not asked names the setting that keeps the name from it, and a way out."""
    disabled = replace(PUBLIC, enabled=False, priority=20)
    said = explanation(Policy((CORP, disabled, GROUP)), f"{PUBLIC.locations[0].url}acme/")
    assert [rule.key for rule in said.rules] == [
        "repositories.corp.url",
        "repositories.public.enabled",
        "repositories.corp.priority",
    ]
    assert (said.outcome.value, said.faulty[0].reason) == (
        "unavailable",
        "it redirects to public, which is not asked for acme",
    )
    remedy = refusal_remedy(said)
    assert remedy is not None
    assert remedy.code == "redirects-into"


def test_a_redirect_is_absence_if_nobody_else_is_asked() -> None:
    """If nobody else is asked, an owner that redirects unknown names is absent, regardless of the target."""
    alone = Policy((CORP, replace(PUBLIC, enabled=False)))
    assert explanation(alone, f"{PUBLIC.locations[0].url}acme/").outcome.value == "absent"


@pytest.mark.parametrize("own", ["h.example", "public.example"])
def test_a_host_that_is_read_in_two_ways(own: str) -> None:
    """The judged URL is the requested one: after a backslash urllib3 sees a path, and urlsplit a host."""
    target = f"https://evil.example\\@{own}/public/simple/acme/"
    verdict = judge_redirect(KNOWN, CORP, CORP.locations[0], ACME, target, asked={"corp", "public"})
    assert (verdict.state, verdict.reason) == (REFUSED, "it redirects to something that is not a URL")
