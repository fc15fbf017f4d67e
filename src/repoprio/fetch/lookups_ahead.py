"""Runs lookups ahead of the thread that decides, so that it finds their pages fetched or under way.

One thread decides, and asks for one page after the other. Meanwhile workers run the lookups that it will make, tier by
tier as `drive` does, so that no lower repository is asked before the higher one said "absent". Only sound answers are
kept. An answer that is not sound is dropped: the deciding thread asks again when it needs the page, and that counts.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Collection
from typing import Generic

from repoprio.fetch.deciding_thread import DecidingThread, TimeLimit
from repoprio.fetch.page_cache import Key, PageCache, key_of
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    Page,
    PageFound,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.project import NeedMatch, NeedPages, ProjectLookup
from repoprio.lookup.reasons import REFUSED_LOGIN, Cause
from repoprio.urls import Site, site

# Only the deciding thread may ask for a login, and fetching ahead may cause "too many requests".
NOT_AHEAD = REFUSED_LOGIN | {429}
Place = tuple[str, Site]
Need = NeedPages | NeedMatch[Page] | None
Fetch = Callable[[FetchRequest], FetchResult[Page]]
Then = Callable[[FetchResult[Page] | None], None]


class NotSound(Exception):
    """A worker cannot get this answer: the deciding thread has to ask."""


class _Flight(Generic[Page]):
    """One request: queued, running or done; `answer` is None if there is none yet, or a worker failed to get one."""

    def __init__(self, ask: FetchRequest) -> None:
        self.ask = ask
        self.is_running = False
        self.is_done = False
        self.answer: FetchResult[Page] | None = None
        self.then: list[Then[Page]] = []


class Ahead(DecidingThread, Generic[Page]):
    """Fetches for the deciding thread (`fetch`), and ahead of it (`look_up`, `run`).

    A site that may need a login is asked ahead only after it gave the deciding thread a sound answer: so only that
    thread sends new logins and prompts. After an answer that is not sound, a site is not asked ahead until that thread
    got another sound one.
    """

    def __init__(
        self,
        cache: PageCache[Page],
        fetch_ahead: Fetch[Page],
        may_ask: Callable[[FetchRequest], bool],
        may_begin: Callable[[FetchRequest], bool] = lambda _: False,
    ) -> None:
        """`fetch_ahead` is called in several threads. `may_ask` says whether it may be called for a request now.

        `may_begin` says whether it may be called before the deciding thread has asked that site.
        """
        super().__init__()
        self._cache = cache
        self._fetch_ahead = fetch_ahead
        self._may_ask = may_ask
        self._may_begin = may_begin
        self._flights: dict[Key, _Flight[Page]] = {}
        # Answers that were fetched ahead, until the deciding thread takes them.
        self._early: dict[Key, tuple[Site, FetchResult[Page]]] = {}
        self._is_sound: dict[Place, bool] = {}
        self._refused: set[Place] = set()
        self._parked: dict[Place, list[tuple[FetchRequest, Then[Page]]]] = {}
        self._ended: deque[ProjectLookup[Page]] = deque()
        # All names that were asked for.
        self._names: set[str] = set()
        self._done = 0

    def fetch(
        self, ask: FetchRequest, work: Fetch[Page], limit: TimeLimit, late: FetchResult[Page]
    ) -> FetchResult[Page]:
        """For the deciding thread: the answer to `ask`.

        It is one that was fetched already or is under way, else the result of `work`; `late` if that takes longer than
        `limit`.
        """
        while True:
            with self._changed:
                answer = self.at_hand(ask)
                if answer is not None:
                    self._early.pop(key_of(ask), None)
                    return self._cache.keep(ask, answer)
                self._names.add(ask.name)
                flight = self._flights.setdefault(key_of(ask), _Flight(ask))
                is_own, flight.is_running = not flight.is_running, True
            if is_own:
                return self._fetch_own(flight, work, limit, late)
            begin = limit.clock()
            if not self._join(flight, limit):
                self._note(_place(ask), is_sound=False, answer=late)
                return self._cache.keep(ask, late)
            # The limit is for the page as a whole.
            limit = limit._replace(seconds=limit.seconds - (limit.clock() - begin))

    def at_hand(self, ask: FetchRequest) -> FetchResult[Page] | None:
        """The answer, if it was fetched already; else None."""
        answer = self._cache.get(ask)
        if answer is None:
            _, answer = self._early.get(key_of(ask), (None, None))
        return answer

    def forget(self, refused: Collection[Site]) -> bool:
        """Forget answers of `refused` sites that were not taken yet; returns whether there were any.

        Such a site may have said "absent" because a login was missing; the deciding thread asks again with one.
        """
        with self._changed:
            stale = [key for key, (at, _) in self._early.items() if at in refused]
            for key in stale:
                del self._early[key]
        return bool(stale)

    def _join(self, flight: _Flight[Page], limit: TimeLimit) -> bool:
        """Wait for a request that is under way; False if it takes too long, and then it is abandoned."""
        is_in_time = self.wait_for(lambda: flight.is_done, limit)
        if not is_in_time:
            with self._changed:
                if self._flights.get(key_of(flight.ask)) is flight:
                    del self._flights[key_of(flight.ask)]
        return is_in_time

    def _fetch_own(
        self, flight: _Flight[Page], work: Fetch[Page], limit: TimeLimit, late: FetchResult[Page]
    ) -> FetchResult[Page]:
        def ask() -> FetchResult[Page]:
            try:
                return self.in_time(lambda: work(flight.ask), limit)
            except TimeoutError:
                return late

        try:
            answer = self.not_crowded(_place(flight.ask)[1], ask, lambda result: _is_sound(flight.ask, result))
        except BaseException:
            self._land(flight, None)
            raise
        answer = self._cache.keep(flight.ask, answer)
        if not isinstance(answer, FetchFailed):
            self.note_answer(_place(flight.ask)[1])
        self._note(_place(flight.ask), is_sound=_is_sound(flight.ask, answer), answer=answer)
        self._land(flight, answer)
        return answer

    def _close(self, at: Site) -> None:
        self._is_sound.update({place: False for place in self._is_sound if place[1] == at})

    def _show_progress(self) -> None:
        if self.progress:
            with self._changed:
                under_way = len({flight.ask.name for flight in self._flights.values()})
                total = len(self._names)
            # Between two tiers a name has no request under way.
            self._done = max(self._done, total - under_way)
            self.progress.show(self._done, total - self._done)

    def want(self, ask: FetchRequest) -> None:
        """Fetch the answer to `ask` ahead, for any lookup that needs it."""
        self._fly(ask, lambda _: None)

    def look_up(self, lookup: ProjectLookup[Page]) -> None:
        """Run `lookup` ahead until it ends or needs a match; the caller must not use it meanwhile."""
        self._go_on(lookup, lookup.start())

    def ended(self) -> list[ProjectLookup[Page]]:
        """The lookups that came to a decision since the last call."""
        lookups = []
        while self._ended:
            lookups.append(self._ended.popleft())
        return lookups

    def run(self, at: Site, work: Callable[[], None]) -> None:
        """Run `work`, which makes requests to the site `at`, in a worker; it must not raise."""

        def run() -> None:
            self._begin(at)
            try:
                work()
            finally:
                self._end(at)
                self._notify()

        self._pool.submit(at, run)

    def fetch_in_worker(self, ask: FetchRequest) -> FetchResult[Page]:
        """For `work` in `run`: the answer to `ask`; raises `NotSound` if the deciding thread has to ask."""
        answer = self._cache.get(ask)
        if answer is None and self._may_ask(ask):
            answer = self._fetch_ahead(ask)
        if answer is None or not _is_sound(ask, answer):
            raise NotSound
        return self._cache.keep(ask, answer)

    def stop(self) -> None:
        """Forget all requests that are not under way yet."""
        with self._changed:
            self._pool.drop()
            self._parked.clear()
            self._ended.clear()
            self._flights = {key: flight for key, flight in self._flights.items() if flight.is_running}

    def _go_on(self, lookup: ProjectLookup[Page], need: Need[Page]) -> None:
        while isinstance(need, NeedPages):
            answers = [self.at_hand(ask) for ask in need.asks]
            missing = [ask for ask, answer in zip(need.asks, answers, strict=True) if answer is None]
            if missing:
                self._fly_all(missing, lookup, need)
                return
            known = [answer for answer in answers if answer is not None]
            if not all(map(_is_sound, need.asks, known)):
                return
            need = lookup.receive_pages(known)
        if need is None:
            self._ended.append(lookup)
            self._notify()

    def _fly_all(self, asks: list[FetchRequest], lookup: ProjectLookup[Page], need: NeedPages) -> None:
        """Fetch the answers to `asks`, and go on with `lookup` when all are there."""
        left = len(asks)

        def then(answer: FetchResult[Page] | None) -> None:
            nonlocal left
            with self._changed:
                # If one failed, this never becomes 0.
                left -= answer is not None
                is_last = left == 0 and answer is not None
            if is_last:
                self._go_on(lookup, need)

        for ask in asks:
            self._fly(ask, then)

    def _fly(self, ask: FetchRequest, then: Then[Page]) -> None:
        place = _place(ask)
        with self._changed:
            answer = self.at_hand(ask)
            if answer is None:
                flight = self._flights.get(key_of(ask))
                if flight is None and not self._is_known(ask):
                    self._parked.setdefault(place, []).append((ask, then))
                    return
                if flight is None and self._is_open(ask):
                    self._names.add(ask.name)
                    flight = self._flights[key_of(ask)] = _Flight(ask)
                    self._pool.submit(place[1], lambda: self._run(_given(flight)))
                if flight is not None:
                    flight.then.append(then)
                    return
        then(answer)

    def _is_known(self, ask: FetchRequest) -> bool:
        place = _place(ask)
        return place in self._is_sound or place[1].scheme == "file" or self._may_begin(ask)

    def _is_open(self, ask: FetchRequest) -> bool:
        place = _place(ask)
        is_open = place[1].scheme == "file" or (self._is_sound.get(place, True) and not self.is_crowded(place[1]))
        return is_open and self._may_ask(ask)

    def _run(self, flight: _Flight[Page]) -> None:
        at = _place(flight.ask)[1]
        with self._changed:
            if flight.is_running:
                return
            flight.is_running = True
            is_open = self._is_open(flight.ask)
            # In the same step: `not_crowded` relies on it that no request begins after it closed the site.
            if is_open:
                self._begin(at)
        answer = None
        if is_open:
            # After any error the deciding thread asks again, and reports it.
            with contextlib.suppress(BaseException):
                answer = self._fetch_ahead(flight.ask)
            if answer is not None and not isinstance(answer, FetchFailed):
                self.note_answer(at)
            self._end(at)
        if answer is not None and not _is_sound(flight.ask, answer):
            self._note(_place(flight.ask), is_sound=False, answer=answer)
            answer = None
        self._land(flight, self._kept_early(flight.ask, answer))

    def _kept_early(self, ask: FetchRequest, answer: FetchResult[Page] | None) -> FetchResult[Page] | None:
        """`answer`, kept until it is taken; None if its site has refused another request meanwhile: see `forget`."""
        with self._changed:
            if answer is None or not self._may_ask(ask):
                return None
            self._early[key_of(ask)] = _place(ask)[1], answer
        return answer

    def _note(self, place: Place, is_sound: bool, answer: FetchResult[Page]) -> None:
        """Note whether a site's answer was sound, and start the requests that waited for that."""
        with self._changed:
            if isinstance(answer, StatusReceived) and answer.code in NOT_AHEAD:
                self._refused.add(place)
            self._is_sound[place] = is_sound and place not in self._refused
            parked = self._parked.pop(place, [])
        for ask, then in parked:
            self._fly(ask, then)

    def _land(self, flight: _Flight[Page], answer: FetchResult[Page] | None) -> None:
        with self._changed:
            flight.answer = answer
            flight.is_done = True
            if self._flights.get(key_of(flight.ask)) is flight:
                del self._flights[key_of(flight.ask)]
            waiting, flight.then = flight.then, []
            self._changed.notify_all()
        for then in waiting:
            then(answer)


def _given(flight: _Flight[Page] | None) -> _Flight[Page]:
    assert flight is not None
    return flight


def _place(ask: FetchRequest) -> Place:
    return ask.repository.name, site(ask.location.url)


def _is_sound(ask: FetchRequest, answer: FetchResult[Page]) -> bool:
    """Whether `answer` shows no problem of the site, or of too many requests to it."""
    if ask.kind is ResourceKind.FILES:
        return isinstance(answer, PageFound | NotFound)
    if ask.kind is ResourceKind.LIST and isinstance(answer, FetchFailed):
        # Without a usable list the lookup goes on.
        return answer.cause in (Cause.BROKEN, Cause.NOT_A_PAGE) and not answer.lasting and not answer.asks
    if isinstance(answer, StatusReceived):
        return answer.code < 500 and answer.code not in NOT_AHEAD
    return not isinstance(answer, FetchFailed)
