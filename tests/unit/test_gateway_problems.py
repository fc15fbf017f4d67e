"""The gateway's answers without a page: which problem, with which status; and when a stale page stands in. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from repoprio.lookup.drivers import drive
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    StatusReceived,
)
from repoprio.lookup.memory import CanaryVerdict, KnownNames, RunMemory
from repoprio.lookup.project import Code, Outcome, ProjectLookup
from repoprio.lookup.reasons import Cause
from repoprio.policy.model import Location, Pin, Policy
from repoprio.policy.patterns import Pattern
from repoprio.serve import freshness, problems
from repoprio.simple_api.model import ProjectPage
from support.gateway_parts import (
    ABSENT,
    ACME,
    CORP,
    DOWN,
    POLICY,
    PUBLIC,
    decide,
    page,
    wheel,
)


@pytest.mark.parametrize(
    ("status", "code", "policy", "answers"),
    [
        (404, Code.ABSENT, POLICY, {}),
        (503, Code.UNAVAILABLE, POLICY, {"team": DOWN}),
        (503, Code.ABSENT, Policy((replace(CORP, skip_if_unavailable=True), PUBLIC)), {"corp": DOWN}),
        (410, Code.ABSENT, Policy((replace(CORP, exclude=(Pattern("acme"),)),)), {}),
        (410, Code.OWNED_ABSENT, Policy((replace(CORP, owns=(Pattern("acme"),)), PUBLIC)), {}),
        (410, Code.OWNER_RULED_OUT, Policy((replace(CORP, owns=(Pattern("acme"),), enabled=False), PUBLIC)), {}),
        (410, Code.BLOCKED, Policy((CORP,), (Pin("b", (Pattern("acme"),), block="no"),)), {}),
        (
            410,
            Code.AMBIGUOUS,
            Policy((CORP,), tuple(Pin(name, (Pattern("acme"),), block="no") for name in ("a", "b"))),
            {},
        ),
    ],
)
def test_only_absence_everywhere_is_404(
    status: int, code: Code, policy: Policy, answers: dict[str, FetchResult[ProjectPage]]
) -> None:
    """A 404 lets a client's next index answer, so everything else is 410 (final) or 503 (later)."""
    problem = problems.of_decision(policy, decide(policy, **answers))
    assert (problem.status, problem.code) == (status, code.value)
    document = json.loads(problem.body)
    assert (document["status"], document["project"]) == (status, "acme")
    assert document["title"]
    assert "acme" in document["detail"]
    assert {entry["name"] for entry in document["repositories"]} == {r.name for r in policy.repositories}


def test_other_problems_say_what_to_do() -> None:
    """Each problem has its status and its code."""
    others = [problems.unknown_path(), problems.wrong_method(), problems.no_media(), problems.broken()]
    others += [problems.unsound_memory("gone"), problems.no_file(), problems.bad_file(CORP, "gone")]
    others.append(problems.no_list(CORP, "it answers 404"))
    assert [problem.status for problem in others] == [404, 405, 406, 503, 503, 404, 502, 502]
    assert len({problem.code for problem in others}) == len(others)
    assert "gone" in json.loads(problems.unsound_memory("gone").body)["detail"]


@pytest.mark.parametrize(
    ("stands_in", "owners", "answers"),
    [
        (True, ("corp",), {"corp": DOWN}),
        (True, ("corp",), {"corp": FetchFailed("no answer in time", Cause.TIME)}),
        (True, ("team",), {"team": StatusReceived(503)}),
        (True, ("public",), {"public": StatusReceived(429)}),
        # A higher-priority repository may own the name by now.
        (False, ("team",), {"corp": DOWN}),
        (False, ("public",), {"team": StatusReceived(500)}),
        # It says something else than before.
        *((False, ("corp",), {"corp": StatusReceived(status)}) for status in (401, 403, 407, 410, 451)),
        *(
            (False, ("corp",), {"corp": FetchFailed("?", cause)})
            for cause in (Cause.TLS, Cause.REDIRECT, Cause.NOT_A_PAGE, Cause.CUT_SHORT, Cause.BROKEN, Cause.LOGIN)
        ),
        (False, ("corp",), {"corp": ABSENT}),
        (False, ("corp",), {"corp": page(wheel("1.0"))}),
        (False, ("corp",), {"corp": NotFound(in_empty_root=True)}),
    ],
)
def test_only_an_owner_that_is_down_gets_a_stale_page(
    stands_in: bool, owners: tuple[str, ...], answers: dict[str, FetchResult[ProjectPage]]
) -> None:
    """Its last page may be served while it is down, and while every other repository is certain."""
    assert freshness.may_stand_in(decide(POLICY, **answers), owners) is stands_in


def test_a_login_that_a_mirror_refuses_counts() -> None:
    """The answer of a mirror counts: an owner whose login is refused is not just down."""
    locations = (*CORP.locations, Location.of("https://mirror.example/simple/"))
    policy = Policy((replace(CORP, locations=locations), PUBLIC))

    def fetch(ask: FetchRequest) -> FetchResult[ProjectPage]:
        return DOWN if "corp.example" in ask.location.url else StatusReceived(403)

    decision = drive(ProjectLookup(RunMemory[ProjectPage](policy), ACME), fetch, lambda _: True)
    assert decision.outcome is Outcome.UNAVAILABLE
    assert not freshness.may_stand_in(decision, ("corp",))


def test_what_was_skipped_makes_no_page_last() -> None:
    """A repository that counts as absent while it is down may own the name at any time."""
    policy = Policy((replace(CORP, skip_if_unavailable=True), PUBLIC))
    served = {"public": page(wheel("9.0"))}
    assert not freshness.is_certain(decide(policy, corp=DOWN, **served))
    assert freshness.is_certain(decide(policy, **served))
    assert not freshness.may_stand_in(decide(policy, corp=DOWN, public=DOWN), ("public",))


def test_a_lookup_is_as_old_as_its_oldest_answer() -> None:
    """A canary and a list from another lookup count from when that lookup began."""
    now = 100.0
    memory = freshness.SharedMemory[ProjectPage](POLICY, lambda: now)
    first = freshness.Evidence(now)
    view = memory.view(first)
    assert view.canaries.get("corp") is None
    kept = view.canaries.keep("corp", CanaryVerdict(None))
    now = 120.0
    second, third = freshness.Evidence(now), freshness.Evidence(now)
    assert memory.view(second).canaries.get("corp") is kept
    memory.view(third).lists.keep("corp", KnownNames(None))
    assert (first.born, second.born, third.born) == (100.0, 100.0, 120.0)
    now = 131.0
    assert memory.view(freshness.Evidence(now)).canaries.get("corp") is None
