"""How a name is decided: a machine without I/O, driven by whoever can fetch pages.

A `Lookup` says what it needs next (`Asks`: pages, to be fetched in any order; `Weigh`: whether one
of these offers fits the requirement), is told what came, and ends in a `Decision` that carries its
reasons as data. Pages are opaque to it. `Run` holds what one run remembers between lookups.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from repoprio.names import NormalizedName
from repoprio.policy import Format, Location, Mode, Policy, Redirects, Repository, Rule, tiers
from repoprio.routing import Blocked, Conflict, Route, RuledOut, route
from repoprio.urls import is_page_of, is_within, page_url, place, redacted, site

Page = TypeVar("Page")
MAX_REDIRECTS = 10
# Answers of a server that knows us, or does not want to: `skip-if-unavailable` never covers these.
_REFUSED_LOGIN = frozenset({401, 403, 407})


class What(str, enum.Enum):
    """What an `Ask` is for."""

    PAGE = "page"
    CANARY = "canary"
    LIST = "project list"
    FILES = "files"


@dataclass(frozen=True)
class Ask:
    """One thing to fetch, without following redirects: `location` is where, `name` whose.

    For `What.FILES` (a flat repository) `location` is the repository's own.
    """

    repository: Repository
    what: What
    name: NormalizedName
    location: Location
    hops: int = 0


@dataclass(frozen=True)
class Served(Generic[Page]):
    """Status 200 and a valid page; `files` is how many of the name it lists.

    `empty`: it is whole and lists nothing at all, so that it can be the answer for an unknown name.
    """

    page: Page
    files: int
    empty: bool = False


@dataclass(frozen=True)
class Listed:
    """Status 200 and a whole, valid project list."""

    names: frozenset[NormalizedName]


@dataclass(frozen=True)
class Status:
    """An HTTP status other than 200 that redirects nowhere; `detail` says more, such as the tries."""

    code: int
    detail: str = ""


@dataclass(frozen=True)
class Redirected:
    """An answer that sends the asker to `url`, which is absolute; it was not followed."""

    url: str


@dataclass(frozen=True)
class Missing:
    """The place is there and has no such project: a folder without it, or files none of which is its."""


@dataclass(frozen=True)
class Failed:
    """No usable answer, and why. `lasting`: the repository is down, not only this page is bad."""

    reason: str
    lasting: bool = False


Answer = Served[Page] | Listed | Status | Redirected | Missing | Failed


class State(str, enum.Enum):
    """What a repository turned out to be for a name."""

    SERVES = "serves"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"
    NOT_ASKED = "not-asked"
    RULED_OUT = "ruled-out"


@dataclass(frozen=True)
class Finding(Generic[Page]):
    """One repository's part in a decision.

    `reason` is a short text for ABSENT and UNAVAILABLE; `asked` the location that was asked last;
    `skipped` marks an unavailable one that `skip-if-unavailable` made count as absent.
    """

    repository: Repository
    state: State
    reason: str = ""
    page: Page | None = None
    files: int = 0
    asked: Location | None = None
    ruled_out: RuledOut | None = None
    skipped: bool = False
    login_refused: bool = False
    passed_over: bool = False
    lasting: bool = False


class Outcome(str, enum.Enum):
    """How a lookup ends; NO_MATCH only where a requirement was weighed."""

    SERVED = "served"
    NO_MATCH = "no-match"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"
    BLOCKED = "blocked"


class Code(str, enum.Enum):
    """Why, as a stable word: what messages end in and JSON carries."""

    OWNED = "owned"
    FITS = "fits"
    MERGED = "merged"
    NO_MATCH = "no-match"
    ABSENT = "absent"
    OWNED_ABSENT = "owned-absent"
    UNAVAILABLE = "unavailable"
    BLOCKED = "blocked"
    AMBIGUOUS = "ambiguous-pins"
    OWNER_RULED_OUT = "owner-ruled-out"
    UNLISTED = "unlisted"
    DIRECT_URL = "direct-url"


@dataclass(frozen=True)
class Decision(Generic[Page]):
    """The end of a lookup: `findings` has one entry for each repository, highest priority first.

    `owners` are the findings whose pages go on, in the order named; empty unless served.
    """

    name: NormalizedName
    outcome: Outcome
    code: Code
    route: Route | Blocked | Conflict
    findings: tuple[Finding[Page], ...]
    owners: tuple[Finding[Page], ...] = ()

    @property
    def route_rules(self) -> tuple[Rule, ...]:
        """The rules that routed the name; empty where it may come from anywhere."""
        return self.route.rules if isinstance(self.route, Route) else ()

    def of(self, *states: State) -> list[Finding[Page]]:
        """The findings in one of these states."""
        return [finding for finding in self.findings if finding.state in states]


@dataclass(frozen=True)
class Asks:
    """These answers are needed next, in this order."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Weigh(Generic[Page]):
    """Tell whether a candidate of these pages fits the requirement as merged (flexible mode)."""

    owners: tuple[Finding[Page], ...]


@dataclass
class Run(Generic[Page]):
    """What one run remembers: which canaries and project lists came, and who is down.

    Absence is remembered in no other way, and nothing outlives the run.
    """

    policy: Policy
    canaries: dict[str, str | None] = field(default_factory=dict)
    lists: dict[str, frozenset[NormalizedName] | None] = field(default_factory=dict)
    down: dict[str, Finding[Page]] = field(default_factory=dict)


Fetch = Callable[[Ask], Answer[Page]]
Fits = Callable[[tuple[Finding[Page], ...]], bool]
_Walk = Generator[Asks, list[Answer[Page]], Finding[Page]]


class Lookup(Generic[Page]):
    """The lookup of one name; `start` it, then `tell` it what it asked for until it has a `decision`."""

    def __init__(
        self,
        run: Run[Page],
        name: NormalizedName,
        *,
        no_index: bool = False,
        callers: tuple[Repository, ...] = (),
        below_owner: bool = False,
    ) -> None:
        """`below_owner` asks on below the owner (``explain --shadowed``); it never changes the owner."""
        self._run = run
        self._name = name
        self.route = route(run.policy, name, no_index=no_index, callers=callers)
        self._known = tuple(r for tier in tiers(run.policy.repositories + callers) for r in tier)
        self._below_owner = below_owner
        self._findings: dict[str, Finding[Page]] = {}
        self._owners: tuple[Finding[Page], ...] = ()
        self.decision: Decision[Page] | None = None
        self._steps = self._walk()

    @property
    def mode(self) -> Mode:
        """The mode that rules for this name."""
        return self.route.mode if isinstance(self.route, Route) else Mode.STRICT

    def start(self) -> Asks | Weigh[Page] | None:
        """The first step; None where the policy alone decides."""
        return self._advance(None)

    def tell(self, answers: list[Answer[Page]] | bool) -> Asks | Weigh[Page] | None:
        """Take the answers, in the order of the asks, or whether the offers fit; None at the end."""
        return self._advance(answers)

    def _advance(self, told: list[Answer[Page]] | bool | None) -> Asks | Weigh[Page] | None:
        try:
            return self._steps.send(told)
        except StopIteration as end:
            self.decision = end.value
            return None

    def _walk(
        self,
    ) -> Generator[Asks | Weigh[Page], list[Answer[Page]] | bool | None, Decision[Page]]:
        if isinstance(self.route, Blocked):
            return self._decide(Outcome.BLOCKED, Code.BLOCKED)
        if isinstance(self.route, Conflict):
            return self._decide(Outcome.BLOCKED, Code.AMBIGUOUS)
        if self.route.is_routed and not self.route.repositories:
            return self._decide(Outcome.BLOCKED, Code.OWNER_RULED_OUT)
        merged = self.route.mode is Mode.MERGE
        groups = [self.route.repositories] if merged else tiers(self.route.repositories)
        for tier in groups:
            if self._owners and not self._below_owner:
                break
            found = yield from self._ask_tier(tier)
            if self._owners:
                continue
            if any(f.state is State.UNAVAILABLE and not f.skipped for f in found):
                return self._decide(Outcome.UNAVAILABLE, Code.UNAVAILABLE)
            serving = tuple(f for f in found if f.state is State.SERVES)
            if serving and self.route.mode is Mode.FLEXIBLE and not (yield Weigh(serving)):
                self._pass_over(serving)
            elif serving:
                self._owners = serving
        return self._end()

    def _ask_tier(
        self, tier: tuple[Repository, ...]
    ) -> Generator[Asks, list[Answer[Page]] | bool | None, list[Finding[Page]]]:
        """Ask every repository of the tier, side by side, each through all that it takes."""
        walks = {r.name: _Inquiry(self._run, r, self._name, self._known) for r in tier}
        while asks := [ask for walk in walks.values() if (ask := walk.ask)]:
            answers = yield Asks(tuple(asks))
            assert isinstance(answers, list)
            for ask, answer in zip(asks, answers, strict=True):
                walks[ask.repository.name].tell(answer)
        found = [walk.finding for walk in walks.values()]
        self._findings.update((f.repository.name, f) for f in found)
        return found

    def _pass_over(self, serving: tuple[Finding[Page], ...]) -> None:
        for finding in serving:
            self._findings[finding.repository.name] = replace(finding, passed_over=True)

    def _end(self) -> Decision[Page]:
        assert isinstance(self.route, Route)
        if self._owners:
            codes = {Mode.MERGE: Code.MERGED, Mode.FLEXIBLE: Code.FITS}
            return self._decide(Outcome.SERVED, codes.get(self.route.mode, Code.OWNED))
        if any(finding.passed_over for finding in self._findings.values()):
            return self._decide(Outcome.NO_MATCH, Code.NO_MATCH)
        return self._decide(Outcome.ABSENT, Code.OWNED_ABSENT if self.route.is_routed else Code.ABSENT)

    def _decide(self, outcome: Outcome, code: Code) -> Decision[Page]:
        findings = tuple(self._finding(repository) for repository in self._known)
        return Decision(self._name, outcome, code, self.route, findings, self._owners)

    def _finding(self, repository: Repository) -> Finding[Page]:
        if found := self._findings.get(repository.name):
            return found
        ruled_out = self.route.ruled_out.get(repository.name) if isinstance(self.route, Route) else None
        return Finding(repository, State.RULED_OUT if ruled_out else State.NOT_ASKED, ruled_out=ruled_out)


def drive(lookup: Lookup[Page], fetch: Fetch[Page], fits: Fits[Page]) -> Decision[Page]:
    """Drive `lookup` to its end with two functions, one ask after the other."""
    step = lookup.start()
    while step is not None:
        if isinstance(step, Weigh):
            step = lookup.tell(fits(step.owners))
        else:
            step = lookup.tell([fetch(ask) for ask in step.asks])
    assert lookup.decision is not None
    return lookup.decision


class _Inquiry(Generic[Page]):
    """What one repository says of one name: its project list, its page, its mirrors, its canary."""

    def __init__(
        self, run: Run[Page], repository: Repository, name: NormalizedName, known: tuple[Repository, ...]
    ) -> None:
        self._run = run
        self._known = known
        self._repository = repository
        self._name = name
        self.ask: Ask | None = None
        self._steps = self._walk()
        self._advance(None)

    def tell(self, answer: Answer[Page]) -> None:
        """Take the answer to `ask`; afterwards `ask` is the next one, or None and `finding` is set."""
        self._advance(answer)

    def _advance(self, answer: Answer[Page] | None) -> None:
        try:
            self.ask = self._steps.send(answer)
        except StopIteration as end:
            self.ask, self.finding = None, end.value

    def _walk(self) -> Generator[Ask, Answer[Page] | None, Finding[Page]]:
        repository = self._repository
        finding = self._run.down.get(repository.name) or (yield from self._fail_over())
        if finding.state is State.ABSENT and repository.canary:
            finding = yield from self._believe(finding)
        if finding.state is State.UNAVAILABLE and repository.skip_if_unavailable and not finding.login_refused:
            finding = replace(finding, skipped=True)
        return finding

    def _fail_over(self) -> Generator[Ask, Answer[Page] | None, Finding[Page]]:
        """Ask the repository, then its mirrors while there is no usable answer.

        What a mirror serves counts; its "absent" does not, for it may lag behind.
        """
        repository = self._repository
        if repository.complete_listing and repository.format is Format.SIMPLE:
            listed = yield from self._listing()
            if listed is not None and self._name not in listed:
                return self._finding(State.ABSENT, "its project list, which is complete, does not name it")
        failures: list[Finding[Page]] = []
        for location in repository.locations:
            finding = yield from self._page(location, self._name, What.PAGE)
            if finding.state is State.SERVES or (not failures and finding.state is State.ABSENT):
                return finding
            failures.append(finding)
        # A mirror that refuses the login speaks for the repository: `skip-if-unavailable` must not hide it.
        refused = any(failure.login_refused for failure in failures)
        finding = replace(failures[0], login_refused=refused)
        if all(failure.lasting for failure in failures):
            self._run.down[repository.name] = finding
        return finding

    def _page(
        self, location: Location, name: NormalizedName, what: What
    ) -> Generator[Ask, Answer[Page] | None, Finding[Page]]:
        """Ask one location for one page, hop by hop, and judge what comes."""
        if location.unset:
            variables = ", ".join(f"${{{variable}}}" for variable in location.unset)
            return self._finding(State.UNAVAILABLE, f"{variables} is not set", location)
        flat = self._repository.format is Format.FLAT
        what = What.FILES if flat else what
        start = location if flat else location.page(name)
        at = start
        for hop in range(MAX_REDIRECTS + 1):
            answer = yield Ask(self._repository, what, name, at, hop)
            if not isinstance(answer, Redirected):
                return self._judge(answer, at, start, name)
            verdict = judge_redirect(self._known, self._repository, location, name, answer.url)
            if verdict.state is not None:
                return self._finding(verdict.state, verdict.reason, at)
            # A variable of the policy may have gone into the target: then it is not shown.
            at = Location(location.shown if "${" in location.shown else redacted(answer.url), answer.url)
        return self._finding(State.UNAVAILABLE, f"more than {MAX_REDIRECTS} redirects", at)

    def _judge(self, answer: Answer[Page] | None, at: Location, start: Location, name: NormalizedName) -> Finding[Page]:
        repository = self._repository
        flat = repository.format is Format.FLAT
        if isinstance(answer, Missing):
            return self._finding(State.ABSENT, "no file of it" if flat else "no folder of it", at)
        if isinstance(answer, Failed):
            return replace(self._finding(State.UNAVAILABLE, answer.reason, at), lasting=answer.lasting)
        moved = None if flat else _moved(at, start, name)
        if isinstance(answer, Status):
            # Only the repository itself can say that it has no such project.
            foreign = not site(start.url).is_own(site(at.url))
            return self._judge_status(answer, at, f"from another site, {site(at.url)}" if foreign else moved)
        assert isinstance(answer, Served)
        if moved:
            return self._finding(State.UNAVAILABLE, moved, at)
        if answer.empty and repository.empty_page_is_absent and not flat:
            return self._finding(State.ABSENT, "an empty page", at)
        return Finding(repository, State.SERVES, page=answer.page, files=answer.files, asked=at)

    def _judge_status(self, answer: Status, at: Location, moved: str | None) -> Finding[Page]:
        repository = self._repository
        if answer.code in repository.absent and repository.format is Format.SIMPLE:
            if moved is None:
                return self._finding(State.ABSENT, str(answer.code), at)
            return self._finding(State.UNAVAILABLE, f"{answer.code}, but {moved}", at)
        return replace(
            self._finding(State.UNAVAILABLE, f"{answer.code}{answer.detail}", at),
            login_refused=answer.code in _REFUSED_LOGIN,
            # Where that counts as absent, each page is asked: the next one might say 401.
            lasting=answer.code >= 500 and not repository.skip_if_unavailable,
        )

    def _believe(self, absent: Finding[Page]) -> Generator[Ask, Answer[Page] | None, Finding[Page]]:
        """Believe `absent` only once the canary was served in this run."""
        repository, canary = self._repository, self._repository.canary
        assert canary is not None
        if repository.name not in self._run.canaries:
            found = yield from self._page(repository.locations[0], canary, What.CANARY)
            if found.state is State.UNAVAILABLE:
                return replace(found, reason=f"its canary {canary} got no usable answer: {found.reason}")
            served = found.state is State.SERVES and found.files > 0
            problem = None if served else f"it does not serve its canary {canary} ({found.reason or 'no files'})"
            self._run.canaries[repository.name] = problem
        if problem := self._run.canaries[repository.name]:
            # A server that hides what it has behind a 404 refuses the login in all but the number.
            return replace(absent, state=State.UNAVAILABLE, reason=problem, login_refused=True)
        return absent

    def _listing(self) -> Generator[Ask, Answer[Page] | None, frozenset[NormalizedName] | None]:
        """The names on the project list, or None where it is not whole, not valid or not there."""
        repository = self._repository
        if repository.name not in self._run.lists:
            location = repository.locations[0]
            self._run.lists[repository.name] = None
            if not location.unset:
                answer = yield Ask(repository, What.LIST, self._name, location)
                self._run.lists[repository.name] = answer.names if isinstance(answer, Listed) else None
        return self._run.lists[repository.name]

    def _finding(self, state: State, reason: str, asked: Location | None = None) -> Finding[Page]:
        return Finding(self._repository, state, reason, asked=asked)


def _moved(at: Location, start: Location, name: NormalizedName) -> str | None:
    """What is wrong with where a chain of redirects ended, or None: still `name`'s page."""
    if at is start or is_page_of(at.url, name):
        return None
    return f"it was redirected to {at.shown}, which is not the page of {name}"


@dataclass(frozen=True)
class RedirectVerdict:
    """What a redirect means: `state` None to follow it, else ABSENT or UNAVAILABLE with a reason."""

    state: State | None
    reason: str = ""


def judge_redirect(
    known: tuple[Repository, ...], repository: Repository, location: Location, name: NormalizedName, target: str
) -> RedirectVerdict:
    """Judge one hop before it is followed.

    `known` are all repositories, those of callers too; `location` is the URL of the one that was
    asked, `target` an absolute URL.
    """
    try:
        there, here = site(target), site(location.url)
        other = _landlord(known, repository, target)
    except ValueError:
        return RedirectVerdict(State.UNAVAILABLE, "it redirects to something that is no URL")
    if other:
        if place(target) == place(page_url(other.locations[0].url, name)):
            return RedirectVerdict(State.ABSENT, f"it redirects to {other.name}")
        return RedirectVerdict(State.UNAVAILABLE, f"it redirects into {other.name}, to another page")
    if there.scheme not in ("http", "https"):
        return RedirectVerdict(State.UNAVAILABLE, f"it redirects to a {there.scheme or 'nameless'}: URL")
    if here.is_own(there):
        return RedirectVerdict(None)
    told = repository.redirects.get(there)
    if told is Redirects.ABSENT:
        return RedirectVerdict(State.ABSENT, f"it redirects to {there}")
    if told is Redirects.FOLLOW:
        return RedirectVerdict(None)
    return RedirectVerdict(State.UNAVAILABLE, f"it redirects to another site, {there}")


def _landlord(known: tuple[Repository, ...], repository: Repository, target: str) -> Repository | None:
    """The other repository in whose grounds `target` lies, however the URLs nest; None: in none.

    Grounds are the same over http and https: many a server answers at both.
    """
    homes = [
        (len(urlsplit(place(url)).path), r)
        for r in known
        for url in [*(home.url for home in r.locations if not home.unset), *r.aliases]
        if is_within(target, url)
    ]
    deepest = max((depth for depth, _ in homes), default=0)
    nearest = [r for depth, r in homes if depth == deepest]
    return None if repository in nearest or not nearest else nearest[0]
