"""Takes turns to fetch a page: one gateway fetches it, while the others wait for a limited time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from repoprio.names import NormalizedName
from repoprio.policy.model import Policy
from repoprio.serve.kept_pages import Page
from repoprio.serve.sharing.envelope import MOST_BYTES, Damaged, Label, SharedPage, seal, unseal
from repoprio.serve.sharing.fingerprint import fingerprint
from repoprio.serve.stores.model import NoAnswer, PageStore, StoredPage
from repoprio.serve.timing import clock

# How many seconds a gateway that ended in its turn, or has a slow repository, can delay the others.
TURN_SECONDS = 5.0
_POLL_SECONDS, _LONGEST_POLL = 0.02, 0.2
# Returns the page to use if a shared one is good enough; it was born at that time of the gateway's clock.
Accept = Callable[[SharedPage, float], Awaitable[Page | None]]


class Turn:
    """One lookup: `page` is what another gateway shared; if there is none, the result may be shared with `give`."""

    def __init__(self, name: NormalizedName) -> None:
        self.name = name
        self.token = secrets.token_hex(16)
        self.is_own = False
        self.page: Page | None = None
        # What the store had, and when.
        self.seen: tuple[StoredPage, float] | None = None
        self.given: tuple[Page, frozenset[str]] | None = None

    def give(self, page: Page, holders: frozenset[str]) -> None:
        """Share a page that was just made; `holders` are the repositories that own the name from now on."""
        self.given = page, holders


class Sharing:
    """The pages that gateways share; these have the same policy, and the same options (`more`).

    `watch` is called for each value: "used", "given", "damaged", "oversized"; "failed" if the store does not answer.
    """

    def __init__(self, store: PageStore | None, policy: Policy, *more: object, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._space = fingerprint(store.secret, policy, *more) if store else ""
        self._ending: set[asyncio.Task[None]] = set()
        self.watch: Callable[[str], None] = lambda _: None

    @property
    def is_on(self) -> bool:
        """Whether there is a store for pages."""
        return self._store is not None

    @asynccontextmanager
    async def turn(self, name: NormalizedName, accept: Accept) -> AsyncIterator[Turn]:
        """Find an accepted page, or take the turn to make one; after a while, make one without the turn."""
        turn = Turn(name)
        if self._store is not None:
            with suppress(NoAnswer):
                turn.is_own = await self._wait(self._store, turn, accept)
        try:
            yield turn
        finally:
            # Only other gateways wait for this.
            if self._store is not None and (turn.is_own or turn.given):
                task = asyncio.create_task(self._end(self._store, turn))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def settle(self) -> None:
        """Wait until all pages that were given are in the store."""
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _end(self, store: PageStore, turn: Turn) -> None:
        value, milliseconds = await self._sealed(store, turn)
        try:
            await asyncio.to_thread(store.end_turn, self._space, turn.name, turn.token, value, milliseconds)
        except NoAnswer:
            self.watch("failed")
        else:
            if value:
                self.watch("given")

    async def _wait(self, store: PageStore, turn: Turn, accept: Accept) -> bool:
        """Wait for the page or the turn; returns whether the turn came."""
        end, pause, has_waited = time.monotonic() + TURN_SECONDS, _POLL_SECONDS, False
        while True:
            turn.page = await self._look(store, turn, accept)
            assert turn.seen is not None
            is_taken = turn.seen[0].is_taken
            # The gateway with the turn has no page to share: all waiting ones continue.
            if turn.page is not None or (has_waited and not is_taken) or time.monotonic() >= end:
                return False
            milliseconds = int(TURN_SECONDS * 1000)
            if not is_taken and await asyncio.to_thread(
                store.take_turn, self._space, turn.name, turn.token, milliseconds
            ):
                return True
            has_waited = True
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL)

    async def _look(self, store: PageStore, turn: Turn, accept: Accept) -> Page | None:
        begun = self._clock()
        try:
            seen = await asyncio.to_thread(store.look, self._space, turn.name, MOST_BYTES)
        except NoAnswer:
            self.watch("failed")
            raise
        turn.seen = seen, clock.steady_seconds()
        if seen.value is None:
            return None
        if len(seen.value) > MOST_BYTES:
            await self._drop(store, turn.name, "oversized")
            return None
        try:
            shared = await asyncio.to_thread(self._unsealed, turn.name, seen.epoch, seen.value)
        except Damaged:
            await self._drop(store, turn.name, "damaged")
            return None
        age = (seen.now + 1 - shared.born) / 1000
        # The answer is not older than the request.
        page = await accept(shared, begun - age) if age >= 0 else None
        if page is not None:
            self.watch("used")
        return page

    def _unsealed(self, name: NormalizedName, epoch: str, value: bytes) -> SharedPage:
        assert self._store is not None
        return unseal(self._store.secret, Label(self._space, name, epoch), value, self._policy.repositories)

    async def _drop(self, store: PageStore, name: NormalizedName, result: str) -> None:
        self.watch(result)
        await asyncio.to_thread(store.drop, self._space, name)

    async def _sealed(self, store: PageStore, turn: Turn) -> tuple[bytes, int]:
        """The value for the store, and for how many milliseconds it counts; empty if there is nothing to share."""
        if turn.given is None or turn.seen is None:
            return b"", 0
        (page, holders), (seen, at) = turn.given, turn.seen
        now = clock.steady_seconds()
        age = self._clock() - page.born
        left = int((page.fresh_until - page.born - age) * 1000)
        if left <= 0:
            return b"", 0
        # The store's clock is at least at this time.
        born = int(seen.now + (now - at) * 1000 - age * 1000) - 1
        shared = SharedPage(page.owners, holders, born, page.forms, page.sources)
        label = Label(self._space, turn.name, seen.epoch)
        value = await asyncio.to_thread(seal, store.secret, label, shared)
        if len(value) > MOST_BYTES:
            self.watch("oversized")
            return b"", 0
        return value, left
