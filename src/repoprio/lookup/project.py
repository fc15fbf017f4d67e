"""Decides which repository supplies a name, without I/O: a driver fetches the pages. Pure.

A `ProjectLookup` says what it needs next (`NeedPages`: answers, fetched in any order; `NeedMatch`: whether one
of these offers matches the requirement), receives it, and ends in a `Decision` that carries its
reasons as data. It never looks inside a page. `drivers` has functions that drive it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from typing import Generic

from repoprio.dataclass import dataclass
from repoprio.lookup.events import FetchRequest, FetchResult, Page, RepositoryResult, RepositoryState
from repoprio.lookup.memory import Memory
from repoprio.lookup.repository import RepositoryLookup
from repoprio.names import NormalizedName
from repoprio.policy.model import Mode, Repository, Rule, tiers
from repoprio.policy.routing import Blocked, Conflict, Route, RuledOut, asked_for, route


class Outcome(str, enum.Enum):
    """How a lookup ends; NO_MATCH is possible only if files were matched with a requirement."""

    SERVED = "served"
    NO_MATCH = "no-match"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"
    BLOCKED = "blocked"


class Code(str, enum.Enum):
    """Why a lookup ended so: the stable code at the end of messages and in JSON."""

    OWNED = "owned"
    FITS = "fits"
    MERGED = "merged"
    NO_MATCH = "no-match"
    TOO_YOUNG = "too-young"
    ABSENT = "absent"
    OWNED_ABSENT = "owned-absent"
    UNAVAILABLE = "unavailable"
    BLOCKED = "blocked"
    AMBIGUOUS = "ambiguous-pins"
    OWNER_RULED_OUT = "owner-ruled-out"
    REMEMBERED = "remembered"
    OWNERSHIP_MEMORY = "ownership-memory"
    UNLISTED = "unlisted"
    DIRECT_URL = "direct-url"
    PYLOCK = "pylock"


@dataclass(frozen=True)
class Unknown:
    """The ownership memory cannot be read: where it is, and why not; both are safe to print."""

    place: str
    reason: str


@dataclass(frozen=True)
class Decision(Generic[Page]):
    """The result of a lookup: `results` has one entry for each repository, highest priority first.

    `owners` are the results whose pages supply the candidates, highest priority first, then in the order
    named; empty unless the name is served. `remembered` is the repository that served the name before and does not
    have it now, if that is why no repository below it was asked. `unknown` is why nobody knows whether there is such a
    repository, if that ended the lookup.
    """

    name: NormalizedName
    outcome: Outcome
    code: Code
    route: Route | Blocked | Conflict
    results: tuple[RepositoryResult[Page], ...]
    owners: tuple[RepositoryResult[Page], ...] = ()
    remembered: Repository | None = None
    unknown: Unknown | None = None

    @property
    def offers(self) -> tuple[RepositoryResult[Page], ...]:
        """The results with candidates: the owners'; without an owner, those that flexible mode passed over."""
        return self.owners or tuple(result for result in self.results if result.passed_over)

    @property
    def is_merged(self) -> bool:
        """Whether the newest version wins among all offers, so that priority decides between equal versions."""
        return isinstance(self.route, Route) and self.route.mode is Mode.MERGE

    @property
    def route_rules(self) -> tuple[Rule, ...]:
        """The rules that routed the name; empty if it is not routed."""
        return self.route.rules if isinstance(self.route, Route) else ()

    def of(self, *states: RepositoryState) -> list[RepositoryResult[Page]]:
        """The results in one of these states."""
        return [result for result in self.results if result.state in states]


@dataclass(frozen=True)
class NeedPages:
    """The lookup needs the answers to the requests `asks`, in this order."""

    asks: tuple[FetchRequest, ...]


@dataclass(frozen=True)
class NeedMatch(Generic[Page]):
    """The lookup needs to know whether a candidate of `offers` matches the requirement as merged (flexible mode)."""

    offers: tuple[RepositoryResult[Page], ...]


Received = list[FetchResult[Page]] | bool | None


class ProjectLookup(Generic[Page]):
    """The lookup of one name: call `start`, then give it what it needs until it has a `decision`."""

    def __init__(
        self,
        memory: Memory[Page],
        name: NormalizedName,
        *,
        no_index: bool = False,
        callers: tuple[Repository, ...] = (),
        below_owner: bool = False,
        last: int | None = None,
        remembered: Collection[str] | Unknown = (),
    ) -> None:
        """Look `name` up; with `below_owner`, also ask repositories below the owner (``explain --shadowed``).

        That never changes the owner. `last` is the priority of the lowest tier that flexible mode may reach.
        `remembered` names the repositories that have served `name` before: where one of them does not have it now, none
        below is asked. `Unknown`: each of them may have served it.
        """
        self._memory = memory
        self.name = name
        self.route = route(memory.policy, name, no_index=no_index, callers=callers)
        self._known = tuple(r for tier in tiers(memory.policy.repositories + callers) for r in tier)
        self._below_owner = below_owner
        self._last = last
        self._unknown = remembered if isinstance(remembered, Unknown) else None
        before = self._known if isinstance(remembered, Unknown) else [r for r in self._known if r.name in remembered]
        self._keepers = tuple(r for r in before if self._may_keep(r))
        self._is_shut = False
        self._results: dict[str, RepositoryResult[Page]] = {}
        self._owners: tuple[RepositoryResult[Page], ...] = ()
        self.decision: Decision[Page] | None = None
        self._steps = self._walk()

    def _may_keep(self, repository: Repository) -> bool:
        """Whether the name stays the repository's own if it has served it.

        Pins and routes come first, but a disabled owner still owns.
        """
        if not isinstance(self.route, Route) or self.route.mode is Mode.MERGE:
            return False
        is_routed = repository in self.route.owners if self.route.is_routed else not repository.explicit
        return is_routed and repository.may_serve(self.name)

    @property
    def mode(self) -> Mode:
        """The mode in force for this name."""
        return self.route.mode if isinstance(self.route, Route) else Mode.STRICT

    @property
    def closed_below(self) -> int | None:
        """The priority of the repository that keeps the name because it has served it before; None if none does."""
        lost = self._lost()
        return lost.priority if lost else None

    def start(self) -> NeedPages | NeedMatch[Page] | None:
        """The first need; None if the policy alone decides."""
        return self._advance(None)

    def receive_pages(self, answers: Sequence[FetchResult[Page]]) -> NeedPages | NeedMatch[Page] | None:
        """The next need, after the answers to a `NeedPages`, in the order of its requests; None at the end."""
        return self._advance(list(answers))

    def receive_match(self, is_match: bool) -> NeedPages | NeedMatch[Page] | None:
        """The next need, after a `NeedMatch` and whether its offers match; None at the end."""
        return self._advance(is_match)

    def _advance(self, received: Received[Page]) -> NeedPages | NeedMatch[Page] | None:
        try:
            return self._steps.send(received)
        except StopIteration as end:
            self.decision = end.value
            return None

    def _walk(self) -> Generator[NeedPages | NeedMatch[Page], Received[Page], Decision[Page]]:
        if isinstance(self.route, Blocked):
            return self._decide(Outcome.BLOCKED, Code.BLOCKED)
        if isinstance(self.route, Conflict):
            return self._decide(Outcome.BLOCKED, Code.AMBIGUOUS)
        if self.route.is_routed and not self.route.repositories:
            return self._decide(Outcome.BLOCKED, Code.OWNER_RULED_OUT)
        merged = self.route.mode is Mode.MERGE
        ordered = tiers(self.route.repositories)
        groups = [tuple(r for tier in ordered for r in tier)] if merged else ordered
        for tier in groups:
            self._is_shut = self._is_closed(tier)
            if (self._owners and not self._below_owner) or self._is_past_last(tier) or self._is_shut:
                break
            results = yield from self._ask_tier(tier)
            if self._owners:
                continue
            if any(f.state is RepositoryState.UNAVAILABLE and not f.skipped for f in results):
                return self._decide(Outcome.UNAVAILABLE, Code.UNAVAILABLE)
            serving = tuple(f for f in results if f.state is RepositoryState.SERVES)
            if serving and self.route.mode is Mode.FLEXIBLE and not (yield from self._match(serving)):
                self._pass_over(serving)
            elif serving:
                self._owners = serving
        return self._end()

    def _is_closed(self, tier: tuple[Repository, ...]) -> bool:
        """Whether the name stays with a higher-priority repository that has served it before, and has it no more."""
        lost = self._lost()
        return not self._owners and lost is not None and tier[0].priority > lost.priority

    def _lost(self) -> Repository | None:
        """The highest repository that has served the name before, and does not have it now."""
        return next((keeper for keeper in self._keepers if not self._serves(keeper)), None)

    def _serves(self, repository: Repository) -> bool:
        result = self._results.get(repository.name)
        return result is not None and result.state is RepositoryState.SERVES

    def _is_past_last(self, tier: tuple[Repository, ...]) -> bool:
        is_flexible = self.mode is Mode.FLEXIBLE
        return is_flexible and self._last is not None and tier[0].priority > self._last

    def _ask_tier(
        self, tier: tuple[Repository, ...]
    ) -> Generator[NeedPages, Received[Page], list[RepositoryResult[Page]]]:
        """The result of every repository of the tier; the requests of all of them are made together."""
        asked = asked_for(self.route)
        walks = {r.name: RepositoryLookup(self._memory, r, self.name, self._known, asked) for r in tier}
        while asks := [ask for walk in walks.values() if (ask := walk.ask)]:
            answers = yield NeedPages(tuple(asks))
            assert isinstance(answers, list), "what a NeedPages receives"
            for ask, answer in zip(asks, answers, strict=True):
                walks[ask.repository.name].receive(answer)
        results = [walk.result for walk in walks.values()]
        self._results.update((f.repository.name, f) for f in results)
        return results

    @staticmethod
    def _match(offers: tuple[RepositoryResult[Page], ...]) -> Generator[NeedMatch[Page], Received[Page], bool]:
        is_match = yield NeedMatch(offers)
        assert isinstance(is_match, bool), "what a NeedMatch receives"
        return is_match

    def _pass_over(self, serving: tuple[RepositoryResult[Page], ...]) -> None:
        for result in serving:
            self._results[result.repository.name] = replace(result, passed_over=True)

    def _end(self) -> Decision[Page]:
        assert isinstance(self.route, Route)
        lost = self._lost()
        if self._owners:
            codes = {Mode.MERGE: Code.MERGED, Mode.FLEXIBLE: Code.FITS}
            return self._decide(Outcome.SERVED, codes.get(self.route.mode, Code.OWNED))
        if self._unknown and self._is_shut:
            return self._decide(Outcome.UNAVAILABLE, Code.OWNERSHIP_MEMORY)
        if any(result.passed_over for result in self._results.values()):
            return self._decide(Outcome.NO_MATCH, Code.NO_MATCH)
        if RuledOut.BELOW_NO_INDEX in self.route.ruled_out.values():
            # Even if one of these has the name, a repository that --no-index rules out may own it.
            return self._decide(Outcome.BLOCKED, Code.OWNER_RULED_OUT)
        if lost and not self._unknown:
            return self._decide(Outcome.BLOCKED, Code.REMEMBERED)
        return self._decide(Outcome.ABSENT, Code.OWNED_ABSENT if self.route.is_routed else Code.ABSENT)

    def _decide(self, outcome: Outcome, code: Code) -> Decision[Page]:
        results = tuple(self._result(repository) for repository in self._known)
        remembered = self._lost() if code is Code.REMEMBERED else None
        unknown = self._unknown if code is Code.OWNERSHIP_MEMORY else None
        return Decision(self.name, outcome, code, self.route, results, self._owners, remembered, unknown)

    def _result(self, repository: Repository) -> RepositoryResult[Page]:
        if result := self._results.get(repository.name):
            return result
        ruled_out = self.route.ruled_out.get(repository.name) if isinstance(self.route, Route) else None
        return RepositoryResult(
            repository, RepositoryState.RULED_OUT if ruled_out else RepositoryState.NOT_ASKED, ruled_out=ruled_out
        )
