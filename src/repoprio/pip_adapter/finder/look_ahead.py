"""Lookups that a guard will make, driven ahead."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from threading import Lock

from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import ProjectLookup
from repoprio.names import NormalizedName
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.index.links import PipPage
from repoprio.policy.model import Mode, tiers
from repoprio.policy.routing import Route


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
