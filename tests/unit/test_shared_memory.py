"""One memory for many lookups: sequential, in threads, in tasks, and for longer than a run."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from repoprio.fetch.async_page_cache import AsyncPageCache
from repoprio.fetch.page_cache import Key, PageCache
from repoprio.lookup.drivers import adrive, drive, drive_repository
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    PageFound,
    ProjectListFound,
    RepositoryResult,
    RepositoryState,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import ExpiringStore, Memory, RunMemory, RunStore
from repoprio.lookup.project import Decision, NeedPages, ProjectLookup
from repoprio.lookup.repository import RepositoryLookup
from repoprio.names import NormalizedName, normalize
from repoprio.policy.model import Location, Mode, Policy, Repository
from repoprio.serve import freshness

THREADS = 8
KNOWN = normalize("known")
NAMES = [normalize(f"{kind}-{number}") for number in range(15) for kind in ("corp", "team", "public", "nobody")]


def repository(name: str, priority: int, *, canary: bool = False, listing: bool = False) -> Repository:
    """A repository on a separate site."""
    location = Location.of(f"https://{name}.example/simple/")
    return Repository(name, (location,), priority, canary=KNOWN if canary else None, complete_listing=listing)


def has(ask: FetchRequest) -> bool:
    """Whether the repository has the name: it has those that begin with its own name."""
    return ask.name.startswith(ask.repository.name)


def answer_to(ask: FetchRequest) -> FetchResult[str]:
    """The answer without any faults."""
    if ask.kind is ResourceKind.CANARY:
        return PageFound("canary", 1)
    if ask.kind is ResourceKind.LIST:
        return ProjectListFound(frozenset(name for name in NAMES if name.startswith(ask.repository.name)))
    return PageFound(f"{ask.repository.name} {ask.name}", 1) if has(ask) else StatusReceived(404)


WORLDS: dict[str, Callable[[FetchRequest], FetchResult[str]]] = {
    "sound": answer_to,
    "corp is down": lambda ask: FetchFailed("reset", lasting=True) if ask.repository.name == "corp" else answer_to(ask),
    "corp hides what it has": lambda ask: StatusReceived(404) if ask.repository.name == "corp" else answer_to(ask),
    "team has no list": lambda ask: StatusReceived(404) if ask.kind is ResourceKind.LIST else answer_to(ask),
}
POLICIES: dict[Mode, Policy] = {
    mode: Policy(
        (repository("corp", 10, canary=True), repository("team", 20, listing=True), repository("public", 90)),
        mode=mode,
    )
    for mode in Mode
    if mode is not Mode.OBSERVE
}


def fits(offers: tuple[RepositoryResult[str], ...]) -> bool:
    """In flexible mode, every third name of a repository has no version that fits."""
    return not str(offers[0].page).endswith(("3", "6", "9"))


class Site:
    """Answers requests and counts them; `pause` lets others run while a request is in progress."""

    def __init__(
        self, answer: Callable[[FetchRequest], FetchResult[str]], pause: Callable[[], None] = lambda: None
    ) -> None:
        self.asked: Counter[tuple[str, ResourceKind, NormalizedName]] = Counter()
        self._answer = answer
        self._pause = pause
        self._lock = threading.Lock()

    def fetch(self, ask: FetchRequest) -> FetchResult[str]:
        """The answer."""
        with self._lock:
            self.asked[ask.repository.name, ask.kind, ask.name] += 1
        self._pause()
        return self._answer(ask)

    def of(self, what: ResourceKind) -> int:
        """The number of requests of this kind."""
        return sum(count for (_, asked, _), count in self.asked.items() if asked is what)


def essence(decisions: Iterable[Decision[str]]) -> list[object]:
    """The parts of a decision that installations and explanations depend on, without the name that found an outage."""
    return [
        (one.name, one.outcome, one.code, one.owners, [(f.repository.name, f.state, f.cause) for f in one.results])
        for one in decisions
    ]


def in_turn(policy: Policy, answer: Callable[[FetchRequest], FetchResult[str]]) -> list[object]:
    """The decisions on all names, one after the other."""
    memory = RunMemory[str](policy)
    return essence(drive(ProjectLookup(memory, name), answer, fits) for name in NAMES)


worlds = pytest.mark.parametrize("world", WORLDS)
modes = pytest.mark.parametrize("mode", POLICIES)


@modes
@worlds
def test_threads_decide_as_one_after_the_other(world: str, mode: Mode) -> None:
    """Eight threads with one memory decide like one, ask nothing twice, and ask no additional repository."""
    policy, answer = POLICIES[mode], WORLDS[world]
    together = threading.Barrier(THREADS)
    site, alone = Site(answer, lambda: time.sleep(0.001)), Site(answer)
    memory, cache = RunMemory[str](policy, threading.Lock()), PageCache[str]()

    def decide(names: Sequence[NormalizedName]) -> list[Decision[str]]:
        together.wait()
        fetch = site.fetch
        return [drive(ProjectLookup(memory, name), lambda ask: cache.get_or_fetch(ask, fetch), fits) for name in names]

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(decide, [NAMES[n::THREADS] for n in range(THREADS)]))
    by_name = {one.name: one for each in found for one in each}
    assert essence(by_name[name] for name in NAMES) == in_turn(policy, alone.fetch)
    assert set(site.asked.values()) == {1}
    assert [site.of(what) for what in (ResourceKind.LIST, ResourceKind.CANARY)] == [
        alone.of(what) for what in (ResourceKind.LIST, ResourceKind.CANARY)
    ]
    is_down = world == "corp is down"
    # Until one of them has found corp down, others ask it as well.
    extra = {asked for asked in set(site.asked) - set(alone.asked) if asked[1] is not ResourceKind.LIST}
    assert all(is_down and name == "corp" for name, _, _ in extra)


@modes
@worlds
def test_tasks_decide_as_one_after_the_other(world: str, mode: Mode) -> None:
    """Sixty tasks with one memory decide like one, and ask nothing twice."""
    policy, answer = POLICIES[mode], WORLDS[world]
    site = Site(answer)
    memory, cache = RunMemory[str](policy), AsyncPageCache[str]()

    async def fetch(ask: FetchRequest) -> FetchResult[str]:
        await asyncio.sleep(0)
        return site.fetch(ask)

    async def decide_all() -> list[Decision[str]]:
        async def fetch_all(asks: Sequence[FetchRequest]) -> Sequence[FetchResult[str]]:
            return await asyncio.gather(*(cache.get_or_fetch(ask, fetch) for ask in asks))

        return await asyncio.gather(*(adrive(ProjectLookup(memory, name), fetch_all, fits) for name in NAMES))

    assert essence(asyncio.run(decide_all())) == in_turn(policy, answer)
    assert set(site.asked.values()) == {1}


def test_a_list_under_way_spares_the_page_of_another_lookup() -> None:
    """While a project list is being fetched, another lookup waits for that list, and does not ask for its page."""
    policy = Policy((repository("corp", 10, listing=True),))
    memory = RunMemory[str](policy)
    lookups = [ProjectLookup(memory, normalize(name)) for name in ("a", "b")]
    needs = [lookup.start() for lookup in lookups]
    assert [need.asks[0].kind for need in needs if isinstance(need, NeedPages)] == [
        ResourceKind.LIST,
        ResourceKind.LIST,
    ]
    for lookup in lookups:
        assert lookup.receive_pages([ProjectListFound(frozenset())]) is None


def test_the_first_verdict_holds() -> None:
    """If two lookups ask for the canary at the same time, the first result counts for both."""
    memory = RunMemory[str](Policy((repository("corp", 10, canary=True),)))
    lookups = [ProjectLookup(memory, normalize(name)) for name in ("a", "b")]
    for lookup in lookups:
        lookup.start()
        lookup.receive_pages([StatusReceived(404)])
    lookups[0].receive_pages([StatusReceived(404)])
    lookups[1].receive_pages([PageFound("canary", 1)])
    assert [lookup.decision.outcome.value for lookup in lookups if lookup.decision] == ["unavailable"] * 2


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        """The current time."""
        return self.now


def gateway_memory(policy: Policy, clock: Clock) -> Callable[[], Memory[str]]:
    """A function that returns the gateway's memory for one more lookup."""
    memory = freshness.SharedMemory[str](policy, clock)
    return lambda: memory.view(freshness.Evidence(clock()))


def asked_over_time(
    memory: Callable[[], Memory[str]], clock: Clock, site: Site, times: Sequence[float], repository: Repository
) -> list[list[ResourceKind]]:
    """The requests that a lookup of a new name sends, at each of these times after the start."""
    start, seen = clock.now, []
    for number, at in enumerate(times):
        clock.now = start + at
        site.asked.clear()
        drive_repository(
            RepositoryLookup(memory(), repository, normalize(f"new-{number}"), (repository,), {repository.name}),
            site.fetch,
        )
        seen.append([what for _, what, _ in site.asked])
    return seen


@pytest.mark.parametrize("expires", [True, False])
@pytest.mark.parametrize(
    ("keys", "answer", "seconds", "first", "later"),
    [
        ({"canary": True}, answer_to, 10, [ResourceKind.PAGE, ResourceKind.CANARY], [ResourceKind.PAGE]),
        ({"listing": True}, answer_to, 10, [ResourceKind.LIST], []),
        ({}, lambda _: FetchFailed("reset", lasting=True), 5, [ResourceKind.PAGE], []),
    ],
    ids=["canary", "list", "outage"],
)
def test_what_expires(
    keys: dict[str, bool],
    answer: Callable[[FetchRequest], FetchResult[str]],
    seconds: float,
    first: list[ResourceKind],
    later: list[ResourceKind],
    expires: bool,
) -> None:
    """The gateway remembers a canary, a list and an outage for a limited time; a run does so until its end."""
    corp = repository("corp", 10, **keys)
    clock, policy = Clock(), Policy((corp,), absence_ttl=20)
    run = RunMemory[str](policy)
    memory = gateway_memory(policy, clock) if expires else lambda: run
    times = [0, 1, seconds - 0.1, seconds, seconds + 1, 2 * seconds, 1e9]
    again = first if expires else later
    assert asked_over_time(memory, clock, Site(answer), times, corp) == [
        first, later, later, again, later, again, again,
    ]  # fmt: skip


def test_a_lookup_continues_with_recalled_values() -> None:
    """Values that expire during a lookup still count for that lookup; it never asks twice."""
    corp, clock = repository("corp", 10, canary=True, listing=True), Clock()

    def slow(ask: FetchRequest) -> FetchResult[str]:
        clock.now += 1000
        return ProjectListFound(frozenset({normalize("new")})) if ask.kind is ResourceKind.LIST else answer_to(ask)

    site = Site(slow)
    memory = gateway_memory(Policy((corp,), absence_ttl=0), clock)()
    assert (
        drive_repository(RepositoryLookup(memory, corp, normalize("new"), (corp,), {"corp"}), site.fetch).state
        is RepositoryState.ABSENT
    )
    assert [what for _, what, _ in site.asked] == [ResourceKind.LIST, ResourceKind.PAGE, ResourceKind.CANARY]
    assert set(site.asked.values()) == {1}


def test_an_expiring_store_keeps_nothing_that_is_over() -> None:
    """A long-lived store does not grow because of values that nobody requests again."""
    clock = Clock()
    store = ExpiringStore[int, str](10, clock, threading.Lock())
    for number in range(1000):
        clock.now += 1
        assert store.keep(number, "value") == "value"
        assert store.keep(number, "another") == "value"
    assert [number for number in range(1000) if store.get(number)] == list(range(990, 1000))
    assert len(store._values) == 10
    clock.now += 10
    assert store.get(999) is None
    assert not store._values


ASK = FetchRequest(repository("corp", 10), ResourceKind.PAGE, KNOWN, Location.of("https://corp.example/simple/known/"))


def test_threads_fetch_a_page_once() -> None:
    """Threads wait for a page that another one fetches; if that fails, the next one fetches it."""
    cache, calls = PageCache[str](), list[FetchRequest]()
    under_way, may_end = threading.Event(), threading.Event()

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        calls.append(ask)
        if len(calls) == 1:
            under_way.set()
            may_end.wait(60)
            raise KeyboardInterrupt
        return PageFound(f"fetch {len(calls)}", 1)

    def interrupted() -> None:
        with pytest.raises(KeyboardInterrupt):
            cache.get_or_fetch(ASK, fetch)

    with ThreadPoolExecutor(THREADS) as pool:
        failed = pool.submit(interrupted)
        assert under_way.wait(60)
        others = [pool.submit(cache.get_or_fetch, ASK, fetch) for _ in range(THREADS - 1)]
        may_end.set()
        failed.result()
        assert {other.result() for other in others} == {PageFound("fetch 2", 1)}
    assert len(calls) == 2
    gc.collect()
    assert not cache._under_way


def test_tasks_fetch_a_page_again_once_it_expired() -> None:
    """An expired page is fetched again, once for all waiting tasks; a failure is not kept."""
    clock, calls = Clock(), []
    cache = AsyncPageCache[str](ExpiringStore[Key, FetchResult[str]](10, clock))

    async def fetch(ask: FetchRequest) -> FetchResult[str]:
        calls.append(ask)
        await asyncio.sleep(0)
        if len(calls) == 1:
            raise OSError
        return PageFound(f"fetch {len(calls)}", 1)

    async def ask_all() -> list[object]:
        return list(await asyncio.gather(*(cache.get_or_fetch(ASK, fetch) for _ in range(4)), return_exceptions=True))

    failed, *rest = asyncio.run(ask_all())
    assert isinstance(failed, OSError)
    assert rest == [PageFound("fetch 2", 1)] * 3
    assert asyncio.run(ask_all()) == [PageFound("fetch 2", 1)] * 4
    clock.now += 10
    assert asyncio.run(ask_all()) == [PageFound("fetch 3", 1)] * 4


def test_one_kept_value_for_all_threads() -> None:
    """All threads that keep a value for the same key get the same value."""
    store, together = RunStore[str, int](threading.Lock()), threading.Barrier(THREADS)

    def keep(number: int) -> set[int]:
        together.wait()
        return {store.keep(str(key), number) * 1000 + key for key in range(500)}

    with ThreadPoolExecutor(THREADS) as pool:
        first, *others = pool.map(keep, range(THREADS))
    assert all(other == first for other in others)


def test_a_store_forgets_what_is_stale() -> None:
    """`forget` drops exactly the values that its test is true for, and says whether there were any."""
    store = RunStore[str, int]()
    for number in range(4):
        store.keep(str(number), number)
    assert store.forget(lambda key, value: key == "1" or value > 2)
    assert [store.get(str(number)) for number in range(4)] == [0, None, 2, None]
    assert not store.forget(lambda _, value: value > 2)
