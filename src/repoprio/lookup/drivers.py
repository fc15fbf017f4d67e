"""Drivers run a lookup to its decision; the caller passes functions that fetch and match. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from repoprio.lookup.events import FetchRequest, FetchResult, Page, RepositoryResult
from repoprio.lookup.project import Decision, NeedMatch, NeedPages, ProjectLookup
from repoprio.lookup.repository import RepositoryLookup

Fetch = Callable[[FetchRequest], FetchResult[Page]]
AsyncFetchAll = Callable[[Sequence[FetchRequest]], Awaitable[Sequence[FetchResult[Page]]]]
Fits = Callable[[tuple[RepositoryResult[Page], ...]], bool]


def drive(lookup: ProjectLookup[Page], fetch: Fetch[Page], fits: Fits[Page]) -> Decision[Page]:
    """The decision of `lookup`: `fetch` answers its requests one by one, `fits` says whether offers match.

    Several threads may drive lookups that share a memory, if the memory has a lock.
    """
    asks = _next_asks(lookup, lookup.start(), fits)
    while asks:
        asks = _next_asks(lookup, lookup.receive_pages([fetch(ask) for ask in asks]), fits)
    return _end(lookup)


async def adrive(lookup: ProjectLookup[Page], fetch_all: AsyncFetchAll[Page], fits: Fits[Page]) -> Decision[Page]:
    """The decision of `lookup`, as in `drive`; `fetch_all` may answer all requests of a call concurrently."""
    asks = _next_asks(lookup, lookup.start(), fits)
    while asks:
        asks = _next_asks(lookup, lookup.receive_pages(await fetch_all(asks)), fits)
    return _end(lookup)


def drive_repository(lookup: RepositoryLookup[Page], fetch: Fetch[Page]) -> RepositoryResult[Page]:
    """What one repository says about one name, regardless of who owns it."""
    while lookup.ask is not None:
        lookup.receive(fetch(lookup.ask))
    return lookup.result


def _next_asks(
    lookup: ProjectLookup[Page], need: NeedPages | NeedMatch[Page] | None, fits: Fits[Page]
) -> tuple[FetchRequest, ...]:
    """The next requests of `lookup`, after it was told which offers match; empty at its end."""
    while isinstance(need, NeedMatch):
        need = lookup.receive_match(fits(need.offers))
    return need.asks if need else ()


def _end(lookup: ProjectLookup[Page]) -> Decision[Page]:
    assert lookup.decision is not None
    return lookup.decision
