"""Drivers: they take a lookup to its decision with functions that fetch and weigh, here or in an event loop. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from repoprio.lookup.events import FetchRequest, FetchResult, Page, RepositoryResult
from repoprio.lookup.project import Decision, NeedMatch, NeedPages, ProjectLookup
from repoprio.lookup.repository import RepositoryLookup

Fetch = Callable[[FetchRequest], FetchResult[Page]]
FetchAll = Callable[[Sequence[FetchRequest]], Sequence[FetchResult[Page] | None]]
AsyncFetchAll = Callable[[Sequence[FetchRequest]], Awaitable[Sequence[FetchResult[Page]]]]
Fits = Callable[[tuple[RepositoryResult[Page], ...]], bool]


def drive(lookup: ProjectLookup[Page], fetch: Fetch[Page], fits: Fits[Page]) -> Decision[Page]:
    """The decision of `lookup`: `fetch` answers one ask after the other, `fits` says whether offers match.

    Several threads may each drive a lookup of their own on one memory, if that has a lock.
    """
    asks = _next_asks(lookup, lookup.start(), fits)
    while asks:
        asks = _next_asks(lookup, lookup.receive_pages([fetch(ask) for ask in asks]), fits)
    return _end(lookup)


async def adrive(lookup: ProjectLookup[Page], fetch_all: AsyncFetchAll[Page], fits: Fits[Page]) -> Decision[Page]:
    """The decision of `lookup`, as `drive` makes it; `fetch_all` may answer asks that it gets together at once."""
    asks = _next_asks(lookup, lookup.start(), fits)
    while asks:
        asks = _next_asks(lookup, lookup.receive_pages(await fetch_all(asks)), fits)
    return _end(lookup)


def drive_many(
    lookups: Sequence[tuple[ProjectLookup[Page], Fits[Page]]], fetch_all: FetchAll[Page]
) -> list[Decision[Page] | None]:
    """Drive lookups side by side: `fetch_all` gets the next asks of all of them at once.

    A lookup that gets None for an answer ends there, with None for its decision. Each needs a memory of its own: what
    is remembered, such as who is down, depends on the order of the lookups.
    """
    waiting = [(lookup, fits, _next_asks(lookup, lookup.start(), fits)) for lookup, fits in lookups]
    while waiting := [pending for pending in waiting if pending[2]]:
        results = iter(fetch_all([ask for _, _, asks in waiting for ask in asks]))
        answered = [(lookup, fits, [next(results) for _ in asks]) for lookup, fits, asks in waiting]
        waiting = [
            (lookup, fits, _next_asks(lookup, lookup.receive_pages(answers), fits))
            for lookup, fits, received in answered
            if len(answers := [answer for answer in received if answer is not None]) == len(received)
        ]
    return [lookup.decision for lookup, _ in lookups]


def drive_repository(lookup: RepositoryLookup[Page], fetch: Fetch[Page]) -> RepositoryResult[Page]:
    """What one repository says of one name, whoever owns it."""
    while lookup.ask is not None:
        lookup.receive(fetch(lookup.ask))
    return lookup.finding


def _next_asks(
    lookup: ProjectLookup[Page], need: NeedPages | NeedMatch[Page] | None, fits: Fits[Page]
) -> tuple[FetchRequest, ...]:
    """What `lookup` asks next, once all is weighed that comes before; nothing at its end."""
    while isinstance(need, NeedMatch):
        need = lookup.receive_match(fits(need.offers))
    return need.asks if need else ()


def _end(lookup: ProjectLookup[Page]) -> Decision[Page]:
    assert lookup.decision is not None
    return lookup.decision
