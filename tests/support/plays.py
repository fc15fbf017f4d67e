"""Generated policies and worlds, and one lookup in one of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from repoprio.lookup.drivers import drive
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    PageFound,
    RedirectReceived,
    StatusReceived,
)
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Decision, ProjectLookup
from repoprio.names import NormalizedName, normalize
from repoprio.policy.model import Format, Location, Mode, Pin, Policy, Repository, Unlisted
from repoprio.policy.patterns import Pattern

NAMES = [normalize(name) for name in ("acme", "acme-core", "other")]
PATTERNS = [Pattern.parse(text) for text in ("acme", "acme-*", "*", "acme*", "o?her")]
ANSWERS: list[FetchResult[str]] = [
    PageFound("page", 2),
    PageFound("page", 0, empty=True),
    StatusReceived(404),
    StatusReceived(401),
    StatusReceived(503),
    FetchFailed("reset"),
    RedirectReceived("https://elsewhere.example/"),
    NotFound(),
]
patterns = st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True).map(tuple)
World = dict[tuple[str, NormalizedName], FetchResult[str]]


@st.composite
def repositories(draw: st.DrawFn) -> tuple[Repository, ...]:
    """One to five repositories with every key that routes or judges."""
    count = draw(st.integers(1, 5))
    return tuple(
        Repository(
            f"r{number}",
            (Location.of(f"https://r{number}.example/simple/"),),
            priority=draw(st.sampled_from([10, 20, 30])),
            format=draw(st.sampled_from([Format.SIMPLE, Format.SIMPLE, Format.FLAT])),
            enabled=draw(st.sampled_from([True, True, True, False])),
            explicit=draw(st.sampled_from([False, False, False, True])),
            owns=draw(st.sampled_from([(), (), ()]) | patterns),
            namespaces=draw(st.sampled_from([(), (), ()]) | patterns),
            include=draw(st.sampled_from([(), (), ()]) | patterns),
            exclude=draw(st.sampled_from([(), (), ()]) | patterns),
            skip_if_unavailable=draw(st.sampled_from([False, False, True])),
            canary=draw(st.sampled_from([None, None, NAMES[2]])),
        )
        for number in range(count)
    )


@st.composite
def policies(draw: st.DrawFn, modes: tuple[Mode, ...] = (Mode.STRICT,)) -> Policy:
    """A policy with up to two pins."""
    found = draw(repositories())
    names = [repository.name for repository in found]
    pins = tuple(
        Pin(
            f"p{number}",
            (draw(st.sampled_from(PATTERNS)),),
            repositories=tuple(draw(st.lists(st.sampled_from(names), max_size=2, unique=True))),
            versions=draw(st.sampled_from([None, "<2"])),
            block=draw(st.sampled_from([None, None, None, "no"])),
            mode=draw(st.sampled_from([None, None, *modes])),
        )
        for number in range(draw(st.integers(0, 2)))
    )
    return Policy(found, pins, mode=draw(st.sampled_from(modes)), unlisted=Unlisted.REFUSE)


@st.composite
def worlds(draw: st.DrawFn, answers: Sequence[FetchResult[str]] = ANSWERS) -> World:
    """What each of five repositories answers for each name."""
    keys = [(f"r{number}", name) for number in range(5) for name in NAMES]
    return {key: draw(st.sampled_from(answers)) for key in keys}


# In most of these somebody serves the name.
serving_worlds = worlds([*ANSWERS, *ANSWERS[:2] * 4])


class Play:
    """One lookup in one world, and the requests that each repository got."""

    def __init__(self, policy: Policy, world: World, name: NormalizedName, *, fits: bool = True) -> None:
        self.asked: list[tuple[str, NormalizedName]] = []
        self._world = world
        self.decision: Decision[str] = drive(ProjectLookup(RunMemory(policy), name), self._fetch, lambda _: fits)
        self.owners = {finding.repository.name for finding in self.decision.owners}

    def _fetch(self, ask: FetchRequest) -> FetchResult[str]:
        self.asked.append((ask.repository.name, ask.name))
        return self._world[ask.repository.name, ask.name]

    def asked_for(self, name: NormalizedName) -> set[str]:
        """The repositories that were asked for `name`."""
        return {repository for repository, asked in self.asked if asked == name}

    @property
    def essence(self) -> tuple[object, ...]:
        """The parts of a result that an installation depends on."""
        return self.decision.outcome, self.decision.code, frozenset(self.owners)
