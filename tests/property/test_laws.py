"""The laws, checked by hypothesis on the pure core, with generated policies and repositories."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoprio.explain.explaining import explain
from repoprio.explain.explanation import Chosen
from repoprio.fetch.deciding_thread import NO_LIMIT
from repoprio.fetch.lookups_ahead import Ahead
from repoprio.fetch.page_cache import PageCache
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    RepositoryState,
)
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Outcome, ProjectLookup
from repoprio.names import NormalizedName, normalize
from repoprio.policy.model import Location, Mode, Policy, Repository
from repoprio.policy.patterns import Pattern
from repoprio.policy.routing import Blocked, Conflict, Route, route
from support.plays import ANSWERS, NAMES, Play, World, policies, serving_worlds, worlds
from support.premise import presuming, times

names = st.sampled_from(NAMES)
SETTINGS = settings(max_examples=times(400), deadline=None)
# Of a law that begins with "where" only those examples count in which that is so.
TIMES = times(150)
WHERE = settings(max_examples=TIMES, deadline=None)


def test_a_lower_repository_never_changes_a_strict_decision() -> None:
    """Ownership: a repository added below the owner changes nothing, and is not asked."""
    with presuming(TIMES) as where:

        @WHERE
        @given(policies(), serving_worlds, names, st.sampled_from(ANSWERS), st.sampled_from([40, 50]))
        def law(policy: Policy, world: World, name: NormalizedName, answer: FetchResult[str], priority: int) -> None:
            before = Play(policy, world, name)
            where(before.decision.outcome is Outcome.SERVED)
            low = Repository("low", (Location.of("https://low.example/"),), priority)
            wider = replace(policy, repositories=(low, *policy.repositories))
            after = Play(wider, {**world, ("low", name): answer}, name)
            assert after.essence == before.essence
            assert "low" not in after.asked_for(name)

        law()


def test_what_a_lower_repository_has_never_matters() -> None:
    """Ownership: changing every answer of every repository below the owner changes nothing."""
    with presuming(TIMES) as where:

        @WHERE
        @given(policies(), serving_worlds, worlds(), names)
        def law(policy: Policy, world: World, other: World, name: NormalizedName) -> None:
            before = Play(policy, world, name)
            where(before.decision.outcome is Outcome.SERVED)
            owning = min(r.priority for r in policy.repositories if r.name in before.owners)
            low = {r.name for r in policy.repositories if r.priority > owning}
            after = Play(policy, {key: (other if key[0] in low else world)[key] for key in world}, name)
            assert after.essence == before.essence

        law()


@SETTINGS
@given(policies(), worlds(), names)
def test_nobody_is_asked_below_the_owner_or_a_fault(policy: Policy, world: World, name: NormalizedName) -> None:
    """Silence and fail closed: no repository of lower priority than the owner, or than one down, is asked."""
    play = Play(policy, world, name)
    priority = {r.name: r.priority for r in policy.repositories}
    down = {f.repository.name for f in play.decision.of(RepositoryState.UNAVAILABLE) if not f.skipped}
    for stop in play.owners | down:
        assert all(priority[asked] <= priority[stop] for asked, _ in play.asked)


def test_an_unavailable_repository_never_makes_a_lower_one_the_owner() -> None:
    """Fail closed: if a repository without `skip-if-unavailable` gives no answer, no lower one serves."""
    with presuming(TIMES) as where:

        @WHERE
        @given(policies(), worlds(), names)
        def law(policy: Policy, world: World, name: NormalizedName) -> None:
            play = Play(policy, world, name)
            where(any(not finding.skipped for finding in play.decision.of(RepositoryState.UNAVAILABLE)))
            assert play.decision.outcome is Outcome.UNAVAILABLE
            assert not play.owners

        law()


def test_a_routed_name_is_asked_of_its_owners_only() -> None:
    """No other repository is asked for a name that `owns` or a pin routes, under any policy."""
    with presuming(TIMES) as where:

        @WHERE
        @given(policies(), worlds(), names)
        def law(policy: Policy, world: World, name: NormalizedName) -> None:
            routed = route(policy, name)
            where(isinstance(routed, Blocked | Conflict) or routed.is_routed)
            play = Play(policy, world, name)
            if isinstance(routed, Blocked | Conflict):
                assert not play.asked
            else:
                assert play.asked_for(name) <= {owner.name for owner in routed.owners}

        law()


@SETTINGS
@given(policies(), worlds(), names)
def test_disabled_blind_and_unrouted_repositories_are_never_asked(
    policy: Policy, world: World, name: NormalizedName
) -> None:
    """No name is asked of a repository that is disabled, excludes it, or is explicit and not routed to."""
    play = Play(policy, world, name)
    routed = route(policy, name)
    assert isinstance(routed, Route) or not play.asked
    for repository in policy.repositories:
        if not repository.enabled or not repository.may_serve(name):
            assert repository.name not in {asked for asked, _ in play.asked}


@SETTINGS
@given(policies(modes=(Mode.STRICT, Mode.FLEXIBLE)), worlds(), names, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_the_text_changes_nothing_but_ties(
    policy: Policy, world: World, name: NormalizedName, random: object, fits: bool
) -> None:
    """The order of repositories and pins in the text changes neither outcome nor code nor owners, except in ties."""
    shuffled, pins = list(policy.repositories), list(policy.pins)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(pins)  # type: ignore[attr-defined]
    permuted = replace(policy, repositories=tuple(shuffled), pins=tuple(pins))
    assert Play(permuted, world, name, fits=fits).essence == Play(policy, world, name, fits=fits).essence


@SETTINGS
@given(policies(modes=(Mode.STRICT, Mode.FLEXIBLE, Mode.MERGE)), worlds(), names, st.booleans())
def test_explanation_and_decision_agree(policy: Policy, world: World, name: NormalizedName, fits: bool) -> None:
    """`explain` reports what the lookup decided: outcome, owners, and who was not asked."""
    play = Play(policy, world, name, fits=fits)
    served = play.decision.outcome is Outcome.SERVED
    owner = play.decision.owners[0].repository.name if served else ""
    explanation = explain(policy, play.decision, name, {}, chosen=Chosen(owner, "1", "f") if served else None)
    assert explanation.outcome is play.decision.outcome
    assert {line.repository.name for line in explanation.lines} == {r.name for r in policy.repositories}
    assert {line.repository.name for line in explanation.lines if line.status == "served"} == play.owners
    assert play.asked_for(name) >= {line.repository.name for line in explanation.lines if line.asked and line.versions}
    for line in explanation.lines:
        if line.status in ("not-asked", "disabled", "excluded", "not-routed"):
            assert line.repository.name not in {asked for asked, _ in play.asked}


def test_asking_below_the_owner_changes_no_decision() -> None:
    """`--shadowed` asks more repositories, and decides the same."""
    with presuming(TIMES) as where:

        @WHERE
        @given(policies(modes=(Mode.STRICT, Mode.FLEXIBLE, Mode.MERGE)), serving_worlds, names)
        def law(policy: Policy, world: World, name: NormalizedName) -> None:
            plain = Play(policy, world, name)
            where(plain.decision.outcome is Outcome.SERVED)
            lookup: ProjectLookup[str] = ProjectLookup(RunMemory(policy), name, below_owner=True)
            deep = drive(lookup, lambda ask: world[ask.repository.name, ask.name], lambda _: True)
            assert (deep.outcome, deep.code) == (plain.decision.outcome, plain.decision.code)
            assert {finding.repository.name for finding in deep.owners} == plain.owners

        law()


@pytest.mark.parametrize("priorities", [(10, 90), (90, 10)])
def test_the_policy_is_frozen(priorities: tuple[int, int]) -> None:
    """A policy cannot be changed once it was read: no lookup can influence another through it."""
    found = Policy(tuple(Repository(f"r{p}", (Location.of("https://r.example"),), p) for p in priorities))
    with pytest.raises(AttributeError):
        found.mode = Mode.FLEXIBLE  # type: ignore[misc]
    assert isinstance(found.origins, MappingProxyType)


globs = st.text("ab-?*", min_size=1, max_size=6).map(lambda text: Pattern(normalize(text)))
short_names = st.text("ab-", min_size=1, max_size=5).map(normalize)


@settings(max_examples=times(1000))
@given(globs, globs, short_names)
def test_how_patterns_relate(one: Pattern, other: Pattern, name: NormalizedName) -> None:
    """A covering pattern matches all that the covered one matches; two patterns that match one name overlap."""
    if one.covers(other) and other.matches(name):
        assert one.matches(name)
    if one.matches(name) and other.matches(name):
        assert one.overlaps(other)
    assert one.overlaps(other) == other.overlaps(one)
    assert one.covers(one)
    assert one.overlaps(one)


@settings(max_examples=100, deadline=None)
@given(policies(modes=(Mode.STRICT, Mode.FLEXIBLE, Mode.MERGE)), worlds(), st.booleans())
def test_names_looked_up_ahead_are_decided_as_in_turn(policy: Policy, world: World, fits: bool) -> None:
    """In threads, each name sends the same requests in the same order as alone, and the decisions are the same."""
    plays = {name: Play(policy, world, name, fits=fits) for name in NAMES}
    asked: list[FetchRequest] = []

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        asked.append(ask)
        return world[ask.repository.name, ask.name]

    ahead = Ahead[str](PageCache(), fetch, lambda _: True)
    for name in NAMES:
        ahead.look_up(ProjectLookup(RunMemory(policy, Lock()), name))
    late = FetchFailed("late")
    for name in NAMES:
        lookup = ProjectLookup(RunMemory[str](policy), name)
        decision = drive(lookup, lambda ask: ahead.fetch(ask, fetch, NO_LIMIT, late), lambda _: fits)
        assert decision == plays[name].decision
    ahead.stop()
    # A canary is a page of another name: whose ask it is shows only where no repository has one.
    if not any(repository.canary for repository in policy.repositories):
        for name in NAMES:
            own = list(dict.fromkeys((ask.repository.name, ask.name) for ask in asked if ask.name == name))
            alone = list(dict.fromkeys(plays[name].asked))
            # Repositories of one priority are asked side by side, and under merge all of them.
            is_merged = plays[name].decision.is_merged
            priorities = {one.name: 0 if is_merged else one.priority for one in policy.repositories}
            assert [priorities[where] for where, _ in own] == [priorities[where] for where, _ in alone]
            assert set(own) == set(alone)
