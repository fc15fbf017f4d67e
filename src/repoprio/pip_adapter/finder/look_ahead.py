"""Runs lookups that a finder will make ahead of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.lookup.repository import has_complete_list, list_request
from repoprio.names import NormalizedName
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.finder.registry import guard_of
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.registry import Registry
from repoprio.policy.model import Mode, Policy, Repository, tiers
from repoprio.policy.routing import Route

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import BestCandidateResult, PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, SpecifierSet


class AheadSource(Protocol):
    """Fetches ahead for one of pip's finders, and makes pip's choice among the fetched candidates."""

    policy: Policy

    def pages(self) -> Pages:
        """The pages that it fetches."""

    def look_ahead(self, names: Iterable[NormalizedName]) -> None:
        """Fetch the pages concurrently that lookups of these names will ask for."""

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None, hashes: Hashes | None
    ) -> BestCandidateResult:
        """Pip's `BestCandidateResult`; raises `LookupRefused` if the name may not be looked up."""


class PolicyAhead:
    """Fetches ahead for a `PolicyFinder`. Searches for candidates call the listener of that finder."""

    def __init__(self, guard: PolicyFinder) -> None:
        self.policy = guard.policy
        self._guard = guard
        self.find_best_candidate = guard.find_best_candidate

    def pages(self) -> Pages:
        """The pages that it fetches."""
        return self._guard.memory()[1]

    def look_ahead(self, names: Iterable[NormalizedName]) -> None:
        """Fetch the pages that `guard.decide` will ask for."""
        look_ahead(self._guard, names)


_SOURCES: Registry[AheadSource] = Registry()


def put_ahead(finder: PackageFinder, source: AheadSource) -> None:
    """Let `source` fetch ahead for a `PackageFinder`, instead of its `PolicyFinder`."""
    _SOURCES.put(finder, source)


def ahead_of(finder: PackageFinder) -> AheadSource | None:
    """The source that fetches ahead for a `PackageFinder`; None without a policy."""
    if source := _SOURCES.get(finder):
        return source
    guard = guard_of(finder)
    return PolicyAhead(guard) if guard else None


def look_ahead(guard: PolicyFinder, names: Iterable[NormalizedName], *, below_owner: bool = False) -> None:
    """Fetch the pages concurrently that `guard.decide` will ask for, without deciding anything.

    In flexible mode only those of the first tier: the next tier is asked only if no candidate fits.
    """
    if not guard.policy.fetch_ahead:
        return
    # The lookup itself will report the refusal.
    with contextlib.suppress(LookupRefused):
        guard.refresh_search_scope()
        _, pages = guard.memory()
        for name in names:
            lookup = _lookup(guard, name, below_owner=below_owner)
            for repository in _complete_upper(lookup):
                pages.ahead.want(list_request(repository, name))
            pages.ahead.look_up(lookup)


def _complete_upper(lookup: ProjectLookup[PipPage]) -> Iterator[Repository]:
    """The repositories above the lowest tier of a route whose project lists are complete: they are fetched together.

    A list is the same whatever name is looked up. In flexible mode a lower tier may never be needed.
    """
    if isinstance(lookup.route, Route) and lookup.mode is not Mode.FLEXIBLE:
        for tier in tiers(lookup.route.repositories)[:-1]:
            yield from (r for r in tier if has_complete_list(r) and not r.locations[0].unset)


def _lookup(guard: PolicyFinder, name: NormalizedName, *, below_owner: bool) -> ProjectLookup[PipPage]:
    # A separate memory: outages and the like count only if the real lookup notices them.
    memory = RunMemory[PipPage](guard.policy, Lock())
    lookup = guard.lookup(memory, name, below_owner=below_owner)
    if lookup.mode is Mode.FLEXIBLE and isinstance(lookup.route, Route) and lookup.route.repositories:
        last = tiers(lookup.route.repositories)[0][0].priority
        return guard.lookup(memory, name, below_owner=below_owner, last=last)
    return lookup
