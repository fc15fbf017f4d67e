"""Pages fetched side by side before look-ups need them; these then find them at hand, and decide in their own order.

Each name's own lookup says what to fetch, so that no lower repository is asked before the higher one said "absent".
Only what is sound is kept. All else is left to the look-ups, which ask for it one after the other, as ever.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from repoprio.fetch.page_cache import Key, key_of
from repoprio.lookup.drivers import drive_many
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    PageFound,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import RunMemory
from repoprio.names import NormalizedName
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.index.credentials import CredentialPolicy, credential_policy
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.index.links import PipPage
from repoprio.urls import Site, site

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import SpecifierSet


# pip's session keeps ten connections to a host.
AT_ONCE = 6
# A login is for one thread, and "too many requests" may be our doing.
_IN_TURN = frozenset({401, 403, 407, 429})
Tell = Callable[[str], None]


def fetch_ahead(
    guard: PolicyFinder,
    wanted: Iterable[tuple[NormalizedName, SpecifierSet | None]],
    tell: Tell,
    *,
    below_owner: bool = False,
) -> None:
    """Fetch what `guard.decide` will ask for on these names and specifiers; nothing is decided.

    `tell` is told how far it is.
    """
    guard.refresh_search_scope()
    _, pages = guard.memory()
    ahead = Ahead(pages, credential_policy(guard.session.auth), tell)
    lookups = [
        (lookup := guard.lookup(RunMemory(guard.policy), name, below_owner=below_owner), guard.fits(lookup, specifier))
        for name, specifier in wanted
    ]
    drive_many(lookups, ahead.fetch)


class Ahead:
    """Puts answers into `pages`, several at once.

    A repository's first request to a site goes alone; all go alone, one after the other, where the site answered 401,
    or where pip's one login for a host is not that of all its repositories. After an answer that is not sound no more
    is asked ahead.
    """

    def __init__(self, pages: Pages, kept: CredentialPolicy, tell: Tell) -> None:
        self._pages = pages
        self._kept = kept
        self._tell = tell
        self._fetched = 0
        self._is_sound: dict[tuple[str, Site], bool] = {}

    def fetch(self, asks: Sequence[FetchRequest]) -> list[FetchResult[PipPage] | None]:
        """The answers that can be at hand now; None for those that are left."""
        several: dict[Key, FetchRequest] = {}
        for ask in asks:
            if self._pages.at_hand(ask) is not None:
                continue
            if ask.location.url.startswith("file:"):
                self._pages.fetch(ask)
            elif self._is_sound.get(_place(ask), True):
                if self._goes_alone(ask):
                    self._fetch_alone(ask)
                else:
                    several[key_of(ask)] = ask
        self._fetch_side_by_side(list(several.values()))
        return [self._pages.at_hand(ask) for ask in asks]

    def _goes_alone(self, ask: FetchRequest) -> bool:
        """Whether no other request may be under way; a flat repository's page has the files of all names."""
        is_first, is_flat = _place(ask) not in self._is_sound, ask.what is ResourceKind.FILES
        return is_first or is_flat or self._wants_login(ask) or not self._pages.has_one_login(ask)

    def _wants_login(self, ask: FetchRequest) -> bool:
        return site(ask.location.url) in self._kept.refused

    def _fetch_alone(self, ask: FetchRequest) -> None:
        self._is_sound[_place(ask)] = _is_sound(ask, self._pages.fetch(ask))
        self._count()

    def _fetch_side_by_side(self, asks: Sequence[FetchRequest]) -> None:
        waiting = deque(asks)
        done: SimpleQueue[tuple[FetchRequest, FetchResult[PipPage] | None]] = SimpleQueue()

        def work() -> None:
            while ask := _taken(waiting):
                answer = None
                try:
                    if self._is_sound[_place(ask)] and not self._wants_login(ask):
                        answer = self._pages.fetch_anew(ask)
                finally:
                    done.put((ask, answer))

        self._kept.is_shared = True
        try:
            for _ in range(min(AT_ONCE, len(asks))):
                # Ctrl-C waits for no daemon; a pool's threads are waited for.
                threading.Thread(target=work, daemon=True).start()
            for _ in asks:
                self._take(*done.get())
        finally:
            waiting.clear()
        self._kept.is_shared = False

    def _take(self, ask: FetchRequest, answer: FetchResult[PipPage] | None) -> None:
        self._count()
        if answer is not None and _is_sound(ask, answer):
            self._pages.keep(ask, answer)
        else:
            self._is_sound[_place(ask)] = False

    def _count(self) -> None:
        self._fetched += 1
        self._tell(f"fetching pages: {self._fetched}")


def _taken(waiting: deque[FetchRequest]) -> FetchRequest | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _place(ask: FetchRequest) -> tuple[str, Site]:
    return ask.repository.name, site(ask.location.url)


def _is_sound(ask: FetchRequest, answer: FetchResult[PipPage]) -> bool:
    """Whether `answer` is no sign of trouble, with the site or with how many requests it gets."""
    if ask.what is ResourceKind.FILES:
        return isinstance(answer, PageFound | NotFound)
    if isinstance(answer, StatusReceived):
        return answer.code < 500 and answer.code not in _IN_TURN
    return not isinstance(answer, FetchFailed)
