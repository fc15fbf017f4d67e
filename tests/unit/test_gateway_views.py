"""The gateway's pages for people: the search field, explanations and refusals. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from repoprio.explain.explanation import Explanation, Tried
from repoprio.lookup.cooldown import Clocks
from repoprio.lookup.events import (
    FetchRequest,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.project import Code, Outcome
from repoprio.policy.model import Location, Policy
from repoprio.policy.patterns import Pattern
from repoprio.serve import freshness, problems
from repoprio.serve.freshness import Timing
from repoprio.serve.views import html
from repoprio.serve.views.explanations import ClientAnswer, Explained, explanation
from support.gateway_parts import (
    ACME,
    CORP,
    DOWN,
    POLICY,
    PUBLIC,
    VERSIONS,
    decide,
    page,
    repository,
    wheel,
)


def test_an_explanation_leaves_the_choice_to_the_client() -> None:
    """It has versions, rules and what waits; the page for people has the same, as text that cannot run."""
    now = datetime(2026, 11, 20, tzinfo=timezone.utc)
    policy = Policy((CORP, replace(PUBLIC, min_age=timedelta(days=7))), help="ask <us>")
    explained = explanation(policy, decide(policy, corp=page(wheel("1.0"), wheel("2.0"))), VERSIONS, shadowed=True)
    assert (explained.outcome, explained.chosen, explained.rejected) == (Outcome.SERVED, None, ())
    young = page(wheel("3.0", upload_time=now), wheel("1.0"), clocks=Clocks(now))
    waiting = explanation(policy, decide(policy, public=young), VERSIONS)
    assert (waiting.code, len(waiting.rejected)) == (Code.TOO_YOUNG, 2)
    both = page(wheel("3.0", upload_time=now), wheel("1.0", upload_time=now - timedelta(days=8)), clocks=Clocks(now))
    ripe = explanation(policy, decide(policy, public=both), VERSIONS)
    assert (ripe.outcome, [one.version for one in ripe.rejected]) == (Outcome.SERVED, ["3.0"])
    seen = shown(waiting, ClientAnswer(200, ("public",)))
    assert "Help: ask &lt;us&gt;" in seen
    assert "(2 files)" in seen
    assert "(1 file)" in shown(ripe, ClientAnswer(200, ("public",)))
    assert "owns acme" in shown(explained, ClientAnswer(200, ("corp",)))


NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def shown(e: Explanation, answer: ClientAnswer, timings: Mapping[tuple[str, str], Timing] | None = None) -> str:
    """The page of an explanation for people."""
    return html.explained(Explained(e, NOON, timings or {}, answer), 60, str).decode()


def test_a_refusal_for_people_has_a_way_out() -> None:
    """It has the URLs that gave no usable answer, and the repositories that were not asked."""
    decision = decide(POLICY, corp=DOWN)
    explained = explanation(POLICY, decision, VERSIONS)
    first = replace(explained.lines[0], failures=(Tried("https://mirror.example/", "500"),))
    seen = shown(
        replace(explained, lines=(first, *explained.lines[1:])), ClientAnswer(503, title="A repository is down")
    )
    assert "<dt>Tried</dt><dd>https://mirror.example/: 500</dd>" in seen
    assert "503, a repository is down" in seen
    assert '<span class="state">not asked</span>' in seen
    assert "<h2>What to do</h2>" in seen
    assert problems.of_decision(POLICY, decision).unavailable == ("corp",)


def test_the_search_field_says_what_is_no_name() -> None:
    """An invalid name is shown again, escaped."""
    assert b"&lt;b&gt; is not the name of a project" in html.no_name("<b>")
    assert b"is not the name" not in html.no_name("")


def test_why_there_is_no_explanation_is_a_page_too() -> None:
    """It has everything in the problem document, escaped."""
    seen = html.failed("acme", problems.unsound_memory("<gone>"), str).decode()
    assert "The ownership memory is unavailable." in seen
    assert "&lt;gone&gt;" in seen


def test_the_first_page_shows_the_repositories_in_their_order() -> None:
    """They are grouped by tier, with the names that each may serve; disabled ones are left out."""
    own = repository("own", 5, namespaces=(Pattern("acme-*"), Pattern("ledger")))
    torch = repository("torch", 90, explicit=True)
    text = html.start(Policy((PUBLIC, torch, own, repository("off", 1, enabled=False))), str).decode()
    assert re.findall("<h3>(.*?)</h3>|Priority ([0-9]+)", text) == [
        ("", "5"),
        ("own", ""),
        ("", "90"),
        ("public", ""),
        ("torch", ""),
    ]
    assert "<dt>namespaces</dt><dd>acme-* ledger</dd>" in text
    assert text.count("only names that are routed to it") == 1


def test_each_answer_of_a_repository_has_its_time() -> None:
    """It is the time of the named URL's answer; an answer that was known from an earlier lookup is marked as such."""
    decision = decide(POLICY, corp=DOWN)
    explained = explanation(POLICY, decision, VERSIONS)
    evidence = freshness.Evidence(0)
    evidence.note(
        FetchRequest(CORP, ResourceKind.PAGE, ACME, Location.of(str(explained.lines[0].asked))), Timing(NOON, 0.0384)
    )
    answer = ClientAnswer(503, title="x")
    assert "<dt>Answered</dt><dd>38 ms after 12:00:00 UTC" in shown(explained, answer, evidence.timings)
    assert "<dt>Answered</dt><dd>in an earlier lookup" in shown(explained, answer)
    policy = Policy((replace(CORP, exclude=(Pattern("acme"),)), PUBLIC))
    blind = explanation(policy, decide(policy, public=StatusReceived(503)), VERSIONS)
    seen = shown(blind, ClientAnswer(503, title="x"))
    assert "<dt>Rule</dt><dd>repositories.corp.exclude" in seen
    assert "<p>503</p>" not in seen, "it stands beside its time"


def test_a_page_that_is_kept_has_its_age() -> None:
    """It is the page that clients get, while it counts or as a stale one."""
    explained = explanation(POLICY, decide(POLICY, corp=page(wheel("1.0"))), VERSIONS)
    told = replace(explained, lines=(replace(explained.lines[0], versions=("1.1", "1.0")), *explained.lines[1:]))
    kept = shown(told, ClientAnswer(200, ("corp", "team"), age=12.3, left=47.7))
    assert "<dt>Has</dt><dd>1.1, 1.0</dd>" in kept
    assert "200, the page of corp and team: 12 s old, good for 48 s more" in kept
    assert "200, the page of corp: 312 s old, marked as stale" in shown(
        explained, ClientAnswer(200, ("corp",), age=312)
    )
