"""The gateway's decisions: keeps the pages of projects, and refreshes them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any

from repoprio import __version__
from repoprio.lookup import ownership
from repoprio.lookup.drivers import adrive
from repoprio.lookup.events import FetchFailed, FetchRequest, FetchResult, RepositoryState
from repoprio.lookup.memory import ExpiringStore
from repoprio.lookup.ownership import UnsoundMemory
from repoprio.lookup.project import Decision, Outcome, ProjectLookup
from repoprio.names import NormalizedName
from repoprio.policy.model import Policy
from repoprio.serve import freshness, problems
from repoprio.serve.bounded_store import BoundedStore
from repoprio.serve.client import VERSIONS, Client
from repoprio.serve.kept_pages import Page
from repoprio.serve.page_maker import PageMaker, has_few_entries
from repoprio.serve.pages.forms import Draft, Form, takes_gzip
from repoprio.serve.problems import Problem
from repoprio.serve.project_lists import ProjectLists
from repoprio.serve.sharing.envelope import SharedPage
from repoprio.serve.sharing.turns import Sharing
from repoprio.serve.stores.model import OwnershipStore
from repoprio.serve.timing.clock import steady_seconds
from repoprio.serve.timing.pauses import Pauses
from repoprio.serve.transport.room import Share
from repoprio.serve.views.explanations import ClientAnswer, Explained, explanation
from repoprio.simple_api.model import ProjectPage

_LOG = logging.getLogger("repoprio.serve")
# The limit for the pages of all projects, in all formats.
_MOST_BYTES = 256 * 2**20
# A lookup ends after this many seconds, even if requests are missing.
DEADLINE = 20.0
# A page that clients use is refreshed when this part of its lifetime is left.
_LAST_PART = 1 / 3
# For this many seconds an explanation is not made again.
_EXPLAINED = 1.0
# How often a name is decided again if its remembered owners change meanwhile.
_TRIES = 3


class _LookUp:
    """A lookup under way; it makes the given form first.

    `first` gets the page with that form, or None if there is no such moment; `task` has it with all forms. `hurry` is
    set once somebody waits for those.
    """

    def __init__(self, form: Form | None, look_up: Callable[[_LookUp], Coroutine[Any, Any, Page | Problem]]) -> None:
        self.form = form
        self.first: asyncio.Future[Page | None] = asyncio.get_running_loop().create_future()
        self.hurry = asyncio.Event()
        self.task = asyncio.create_task(look_up(self))

    async def whole(self) -> Page | Problem:
        """The page with all forms, soon; if the caller goes away, others still get it."""
        self.hurry.set()
        return await asyncio.shield(self.task)


class Gateway:
    """Decides each name under one policy, and keeps each decision as long as it counts.

    `is_outdated`: the policy files have changed, but the new policy cannot be served.
    """

    def __init__(
        self,
        policy: Policy,
        client: Client,
        store: OwnershipStore,
        *,
        public_url: str | None = None,
        shows_shadowed: bool = False,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        self.policy = policy
        self.is_outdated = False
        self._client = client
        self._store = store
        self._ttl = policy.absence_ttl
        self._maker = PageMaker(policy, VERSIONS, public_url)
        self._stale_seconds = policy.stale_if_error
        self.clock = clock
        self.lists = ProjectLists(policy, client, policy.absence_ttl, clock)
        self._memory = freshness.SharedMemory[ProjectPage](policy, clock)
        self._pages = BoundedStore[NormalizedName, Page](_MOST_BYTES, lambda page: page.size)
        self._shows_shadowed = shows_shadowed
        self.sharing = Sharing(store.pages(), policy, __version__, public_url, sorted(client.trusted), clock=clock)
        self._explaining = ExpiringStore[NormalizedName, asyncio.Task[Explained | Problem]](_EXPLAINED, clock)
        self._under_way: dict[NormalizedName, _LookUp] = {}
        self._pauses = Pauses()

    def warm(self, name: NormalizedName) -> Page | None:
        """The page of `name` that counts now; it is refreshed before it expires."""
        page = self._pages.get(name)
        if page is None:
            return None
        left = page.fresh_until - self.clock()
        if left <= 0:
            return None
        if left < self._ttl * _LAST_PART:
            self._refresh(name)
        return page

    async def page(self, name: NormalizedName, form: Form | None = None) -> Page | Problem:
        """The page of `name`, with that form at least, or why there is none; without a form it may have none yet."""
        while True:
            page = self.warm(name)
            if page is not None:
                return page
            look_up = self._refresh(name, form)
            if not look_up.first.done():
                # If a client goes away, others still get their answer.
                page = await asyncio.shield(look_up.first)
                is_enough = page is not None and (form is None or form in page.forms)
                return page if page and is_enough else await look_up.whole()
            # Its page may be older than this request, and then counts only for the clients that waited for it.
            look_up.hurry.set()
            await asyncio.wait({look_up.task})

    async def explanation(self, name: NormalizedName) -> Explained | Problem:
        """The explanation who owns `name` now, and why; nothing is recorded."""
        task = self._explaining.get(name)
        if task is None:
            task = self._explaining.keep(name, asyncio.create_task(self._explain(name)))
        return await asyncio.shield(task)

    async def _explain(self, name: NormalizedName) -> Explained | Problem:
        try:
            records = await asyncio.to_thread(self._store.of, name)
        except UnsoundMemory as error:
            return problems.unsound_memory(str(error))
        shadowed, evidence = self._shows_shadowed, freshness.Evidence(self.clock())
        holders = ownership.holders(self.policy, records)
        with self._client.room.share() as share:
            decision = await self._decide(name, holders, evidence, share, below_owner=shadowed)
            explained = await asyncio.to_thread(
                explanation, self.policy, decision, VERSIONS, shadowed=shadowed, store=self._store.place
            )
        return Explained(explained, datetime.now(timezone.utc), evidence.timings, self._answer(name, decision))

    def _answer(self, name: NormalizedName, decision: Decision[ProjectPage]) -> ClientAnswer:
        """What a client gets for `name`, which was decided just now."""
        page, now = self._pages.get(name), self.clock()
        if page and now < page.fresh_until:
            return ClientAnswer(200, page.owners, age=now - page.born, left=page.fresh_until - now)
        if decision.outcome is Outcome.SERVED:
            return ClientAnswer(200, tuple(owner.repository.name for owner in decision.owners))
        if page and self._stands_in(page, decision):
            return ClientAnswer(200, page.owners, age=now - page.born)
        problem = problems.of_decision(self.policy, decision, self._store.place)
        return ClientAnswer(problem.status, problem.owners, problem.title)

    def _stands_in(self, page: Page, decision: Decision[ProjectPage]) -> bool:
        """Whether the last page is served as stale, instead of the result of `decision`."""
        return self.clock() < page.stale_until and freshness.may_stand_in(decision, page.owners)

    async def records(self) -> Sequence[ownership.Record] | Problem:
        """All records of the ownership memory, as everybody may read them."""
        try:
            return await asyncio.to_thread(lambda: tuple(ownership.without_secrets(self.policy, self._store.all())))
        except ownership.UnsoundMemory as error:
            return problems.unsound_memory(str(error))

    async def trouble(self) -> Problem | None:
        """Why the gateway itself cannot answer; None if it can."""
        try:
            await asyncio.to_thread(self._store.of, NormalizedName("ready"))
        except UnsoundMemory as error:
            return problems.unsound_memory(str(error))
        return None

    def routed_alike(self, before: Gateway) -> list[NormalizedName]:
        """The names whose pages of the gateway `before` are the same under this one's policy."""
        survives = freshness.survives(before.policy, self.policy)
        return [name for name in before.kept_names() if survives(name)]

    def take_over(self, before: Gateway, names: Collection[NormalizedName]) -> None:
        """Take over the pages that the gateway `before` has of `names`."""
        self._pages.take_over(before._pages, names)

    def kept_names(self) -> tuple[NormalizedName, ...]:
        """The names with a kept page; may be called in any thread."""
        return self._pages.keys()

    async def finish(self) -> None:
        """Wait for the pages that clients have already, until they are kept in all their forms."""
        answered = [look_up for look_up in self._under_way.values() if look_up.first.done()]
        await asyncio.gather(*(look_up.whole() for look_up in answered), return_exceptions=True)

    async def settle(self) -> None:
        """Wait for the tasks that run in the background."""
        await asyncio.gather(*(look_up.whole() for look_up in self._under_way.values()), return_exceptions=True)
        await self.sharing.settle()

    def _refresh(self, name: NormalizedName, form: Form | None = None) -> _LookUp:
        """The one lookup of `name` that is under way; if it begins now, it makes the given form first."""
        look_up = self._under_way.get(name)
        if look_up is None:
            look_up = self._under_way[name] = _LookUp(form, lambda begun: self._look_up(name, begun))
            self._pauses.waits(look_up.first)
            look_up.task.add_done_callback(lambda task: self._landed(name, task))
        return look_up

    def _landed(self, name: NormalizedName, task: asyncio.Task[Page | Problem]) -> None:
        first = self._under_way.pop(name).first
        if not first.done():
            first.set_result(None)
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("the lookup of %s failed", name, exc_info=error)

    async def _look_up(self, name: NormalizedName, look_up: _LookUp) -> Page | Problem:
        with self._client.room.share() as share:
            return await self._looked_up(name, look_up, share)

    async def _looked_up(self, name: NormalizedName, look_up: _LookUp, share: Share) -> Page | Problem:
        try:
            async with self.sharing.turn(name, lambda shared, born: self._accept(name, shared, born)) as turn:
                if turn.page is not None:
                    self._pages.keep(name, turn.page)
                    return turn.page
                records, decision, evidence = await self._decide_by_records(name, share)
                if decision.outcome is Outcome.SERVED:
                    holders = ownership.holders(self.policy, await self._remember(records, decision))
                    page = await self._make_page(decision, evidence.born, look_up, share)
                    self._pages.keep(name, page)
                    turn.give(page, holders)
                    return page
        except UnsoundMemory as error:
            return problems.unsound_memory(str(error))
        last = self._pages.get(name)
        if decision.outcome is not Outcome.UNAVAILABLE:
            self._pages.forget(name)
        elif last and self._stands_in(last, decision):
            return replace(last, stands_in=True)
        return problems.of_decision(self.policy, decision, self._store.place)

    async def _accept(self, name: NormalizedName, shared: SharedPage, born: float) -> Page | None:
        """The page that another gateway shares, if it counts here, and is newer than the kept one by some time."""
        last = self._pages.get(name)
        is_warm = last is not None and last.fresh_until > self.clock()
        if born + self._ttl - self.clock() <= (self._ttl * _LAST_PART if is_warm else 0):
            return None
        # Read after the page: the gateway that made the page wrote its record before.
        records = await asyncio.to_thread(self._store.of, name)
        holders = ownership.holders(self.policy, records)
        if holders != shared.holders or not ownership.may_own(self.policy, name, shared.owners, holders):
            return None
        ends = born + self._ttl, born + self._stale_seconds
        return Page(shared.owners, shared.forms, born, *ends, shared.sources)

    async def _decide_by_records(
        self, name: NormalizedName, share: Share
    ) -> tuple[Sequence[ownership.Record], Decision[ProjectPage], freshness.Evidence]:
        """The records of `name`, the decision with them, and its evidence; `UnsoundMemory` if they keep changing.

        While this gateway hears that a repository lacks the name, another one may have served the name from there.
        """
        records = await asyncio.to_thread(self._store.of, name)
        for _ in range(_TRIES):
            evidence = freshness.Evidence(self.clock())
            decision = await self._decide(name, ownership.holders(self.policy, records), evidence, share)
            rests_on_others = decision.of(RepositoryState.ABSENT) or not freshness.is_certain(decision)
            if decision.outcome is not Outcome.SERVED or not rests_on_others:
                return records, decision, evidence
            before, records = records, await asyncio.to_thread(self._store.of, name)
            if records == before:
                return records, decision, evidence
        raise UnsoundMemory(f"others write what is remembered of {name} all the time")

    async def _decide(
        self,
        name: NormalizedName,
        holders: frozenset[str],
        evidence: freshness.Evidence,
        share: Share,
        *,
        below_owner: bool = False,
    ) -> Decision[ProjectPage]:
        lookup = ProjectLookup(self._memory.view(evidence), name, below_owner=below_owner, remembered=holders)
        end = self.clock() + DEADLINE

        async def fetch_all(asks: Sequence[FetchRequest]) -> list[FetchResult[ProjectPage]]:
            seconds = end - self.clock()
            return await asyncio.gather(*(self._fetch(ask, seconds, evidence, share) for ask in asks))

        return await adrive(lookup, fetch_all, lambda _: True)

    async def _fetch(
        self, ask: FetchRequest, seconds: float, evidence: freshness.Evidence, share: Share
    ) -> FetchResult[ProjectPage]:
        at, begun = datetime.now(timezone.utc), time.monotonic()
        result = await self._client.fetch(ask, seconds, share)
        if not (isinstance(result, FetchFailed) and result.lasting):
            self._memory.outages.end(ask.repository.name)
        evidence.note(ask, freshness.Timing(at, time.monotonic() - begun))
        return result

    async def _remember(
        self, known: Sequence[ownership.Record], decision: Decision[ProjectPage]
    ) -> tuple[ownership.Record, ...]:
        """Record who owns the name, before a client gets an answer; returns its records."""
        new = ownership.records_of(decision)
        removed = ownership.superseded(self.policy, known, new)
        if removed or not set(new) <= set(known):
            await asyncio.to_thread(self._store.replace, removed, new)
        return (*(record for record in known if record not in removed), *new)

    async def _make_page(self, decision: Decision[ProjectPage], born: float, look_up: _LookUp, share: Share) -> Page:
        """The page of a decision; those who wait for its first form get that before the others are made."""
        begin = partial(self._maker.begin, decision, born, look_up.form)
        # A thread takes longer to start than a small page takes to be written; compressing takes longer than both.
        is_small = has_few_entries(decision) and not share.is_large
        is_quick = is_small and look_up.form is not None and not takes_gzip(look_up.form)
        page, draft = begin() if is_quick else await asyncio.to_thread(begin)
        look_up.first.set_result(page)
        # Other gateways wait for what is shared; and a large page takes too much memory to wait.
        if self.sharing.is_on or not is_small:
            return await self._with_all_forms(decision.name, page, draft)
        async with self._pauses.turn(look_up.hurry):
            return await self._with_all_forms(decision.name, page, draft)

    async def _with_all_forms(self, name: NormalizedName, page: Page, draft: Draft) -> Page:
        last = self._pages.get(name)
        return replace(page, forms=await asyncio.to_thread(draft.forms, last.forms if last else None))
