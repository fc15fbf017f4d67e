"""Lookups that a finder will make, driven ahead."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.names import NormalizedName
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.finder.registry import guard_of
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.registry import Registry
from repoprio.policy.model import Mode, Policy, tiers
from repoprio.policy.routing import Route

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import BestCandidateResult, PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, SpecifierSet


class AheadSource(Protocol):
    """What may be fetched ahead for one of pip's finders, and pip's choice among what is at hand."""

    policy: Policy

    def pages(self) -> Pages:
        """What fetches."""

    def look_ahead(self, names: Iterable[NormalizedName]) -> None:
        """Have the pages fetched side by side that lookups of these names will ask for."""

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None, hashes: Hashes | None
    ) -> BestCandidateResult:
        """Pip's `BestCandidateResult`; `LookupRefused` if the name may not be looked up."""


class PolicyAhead:
    """What is fetched ahead for a guard; it is asked for candidates, so its listener hears of that."""

    def __init__(self, guard: PolicyFinder) -> None:
        self.policy = guard.policy
        self._guard = guard
        self.find_best_candidate = guard.find_best_candidate

    def pages(self) -> Pages:
        """What fetches."""
        return self._guard.memory()[1]

    def look_ahead(self, names: Iterable[NormalizedName]) -> None:
        """Have the pages fetched that `guard.decide` will ask for."""
        look_ahead(self._guard, names)


_SOURCES: Registry[AheadSource] = Registry()


def put_ahead(finder: PackageFinder, source: AheadSource) -> None:
    """Have `source` say what is fetched ahead for a `PackageFinder`, in the place of its guard."""
    _SOURCES.put(finder, source)


def ahead_of(finder: PackageFinder) -> AheadSource | None:
    """What is fetched ahead for a `PackageFinder`; None where no policy rules it."""
    if source := _SOURCES.get(finder):
        return source
    guard = guard_of(finder)
    return PolicyAhead(guard) if guard else None


def look_ahead(guard: PolicyFinder, names: Iterable[NormalizedName], *, below_owner: bool = False) -> None:
    """Have the pages fetched side by side that `guard.decide` will ask for; nothing is decided.

    In flexible mode those of the first tier alone: the next one is asked only if no candidate fits.
    """
    if not guard.policy.fetch_ahead:
        return
    # The lookup itself will say what is wrong.
    with contextlib.suppress(LookupRefused):
        guard.refresh_search_scope()
        _, pages = guard.memory()
        for name in names:
            pages.ahead.look_up(_lookup(guard, name, below_owner=below_owner))


def _lookup(guard: PolicyFinder, name: NormalizedName, *, below_owner: bool) -> ProjectLookup[PipPage]:
    # What is remembered, such as who is down, is for the lookups that count.
    memory = RunMemory[PipPage](guard.policy, Lock())
    lookup = guard.lookup(memory, name, below_owner=below_owner)
    if lookup.mode is Mode.FLEXIBLE and isinstance(lookup.route, Route) and lookup.route.repositories:
        last = tiers(lookup.route.repositories)[0][0].priority
        return guard.lookup(memory, name, below_owner=below_owner, last=last)
    return lookup
