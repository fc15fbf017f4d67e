"""Who owns a name that a repository once served, and which records are made. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from repoprio.lookup import ownership
from repoprio.lookup.ownership import Record
from repoprio.lookup.project import Code, Outcome
from repoprio.policy.model import Location, Mode, Pin, Policy
from repoprio.policy.patterns import Pattern
from repoprio.serve import problems
from support.gateway_parts import (
    ACME,
    CORP,
    POLICY,
    PUBLIC,
    TEAM,
    decide,
    page,
    wheel,
)


def test_a_name_stays_with_the_one_that_served_it() -> None:
    """If it disappears there, no lower repository is asked.

    A higher one that serves it owns it, and pins come first.
    """
    public = {"public": page(wheel("99.0", "public"))}
    gone = decide(POLICY, "team", **public)
    assert (gone.outcome, gone.code, gone.remembered) == (Outcome.BLOCKED, Code.REMEMBERED, TEAM)
    document = json.loads(problems.of_decision(POLICY, gone).body)
    assert document["status"] == 410
    assert "repoprio ownership release acme" in document["detail"]
    assert [entry["status"] for entry in document["repositories"]] == ["absent", "absent", "not-asked"]
    assert decide(POLICY, "team", corp=page(wheel("1.0")), **public).owners[0].repository is CORP
    assert decide(POLICY, "team", "corp", **public).remembered is CORP
    assert decide(POLICY, "public").code is Code.REMEMBERED
    assert decide(POLICY, "elsewhere", **public).outcome is Outcome.SERVED
    assert decide(Policy((replace(TEAM, enabled=False), PUBLIC)), "team", **public).code is Code.REMEMBERED


@pytest.mark.parametrize(
    "policy",
    [
        Policy((TEAM, PUBLIC), (Pin("p", (Pattern("acme"),), repositories=("public",)),)),
        Policy((TEAM, PUBLIC), (Pin("p", (Pattern("acme"),), mode=Mode.MERGE),)),
        Policy((TEAM, replace(PUBLIC, owns=(Pattern("acme"),)))),
        Policy((replace(TEAM, exclude=(Pattern("acme"),)), PUBLIC)),
        Policy((replace(TEAM, explicit=True), PUBLIC)),
    ],
)
def test_pins_and_routes_come_before_what_is_remembered(policy: Policy) -> None:
    """A policy that routes a name elsewhere overrides the records."""
    assert decide(policy, "team", public=page(wheel("99.0", "public"))).outcome is Outcome.SERVED


def test_a_record_is_made_if_a_lower_repository_could_serve() -> None:
    """Only with a file, above another repository, and not under merge; it replaces records of lower repositories."""
    corp, team = (Record(ACME, name, f"https://{name}.example/simple/") for name in ("corp", "team"))
    assert ownership.records_of(decide(POLICY, corp=page(wheel("1.0")))) == (corp,)
    assert ownership.records_of(decide(POLICY, corp=page())) == ()
    assert ownership.records_of(decide(POLICY, public=page(wheel("1.0")))) == ()
    assert ownership.records_of(decide(POLICY)) == ()
    blocked = Policy((CORP,), (Pin("b", (Pattern("acme"),), block="no"),))
    assert ownership.records_of(decide(blocked)) == ()
    merged = Policy((CORP, PUBLIC), (Pin("p", (Pattern("acme"),), mode=Mode.MERGE),))
    assert ownership.records_of(decide(merged, corp=page(wheel("1.0")))) == ()
    assert ownership.superseded(POLICY, (corp, team), (corp,)) == (team,)
    assert ownership.superseded(POLICY, (corp,), (team,)) == ()
    assert ownership.superseded(POLICY, (corp,), ()) == ()


def test_a_record_means_a_repository_by_its_name_or_by_its_url() -> None:
    """A renamed repository is the same one; one that left the policy closes nothing."""
    renamed = Record(ACME, "old-corp", "https://corp.example/simple")
    gone = Record(ACME, "gone", "https://gone.example/simple/")
    odd = Record(ACME, "odd", "https://[")
    assert ownership.holder(POLICY, renamed) is CORP
    assert ownership.holders(POLICY, (renamed, gone, odd)) == {"corp"}
    both = (renamed, gone)
    assert ownership.matching(both, (Pattern("ac*"),), "gone") == (gone,)
    assert ownership.matching(both, (Pattern("other"),), None) == ()
    assert ownership.matching(both, (Pattern("acme"),), None) == both


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("https://corp.example/simple", "https://corp.example/simple"),
        ("https://corp.example/simple?t=1", "https://corp.example/simple/"),
        ("https://public.example/simple/", "https://public.example/simple/"),
        ("https://before.example/simple/", "https://before.example/simple/"),
        ("https://before.example/t0ken/", "https://before.example/****"),
        ("https://corp.example/${AREA}/simple/", "https://corp.example/${AREA}/simple/"),
        ("https://u:p@corp.example/${AREA}/?t=1", "https://corp.example/${AREA}/?****"),
        ("https://mirror.example/old/simple/", "https://mirror.example/${AREA}/simple/"),
        ("https://mirror.example/old/", "https://mirror.example/****"),
        ("https://[", "****"),
    ],
)
def test_of_a_record_only_what_the_policy_writes_is_shown(recorded: str, shown: str) -> None:
    """The value of a variable may be a token, a current or an old one; any other URL may contain one too."""
    mirror = Location("https://mirror.example/${AREA}/simple/", "https://mirror.example/new/simple/")
    aliases = ("https://before.example/simple/", "https://before.example/t0ken/")
    corp = replace(CORP, locations=(*CORP.locations, mirror), aliases=aliases)
    policy = Policy((corp, PUBLIC), secrets=frozenset({"t0ken"}))
    record = Record(ACME, "corp", recorded)
    assert [found.url for found in ownership.without_secrets(policy, [record])] == [shown]
    hidden = [found.url for found in ownership.without_secrets(None, [record])]
    assert "old" not in hidden[0]
    assert ownership.is_whole(record._replace(url=shown)) is ("****" not in shown)
