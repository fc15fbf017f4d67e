"""The two sides of a comparison: the policy, and plain pip with the same repositories.

Each side has a `PolicyFinder`, which looks up projects for it, and a `Journal` of what that decided.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from repoprio.explain.comparison import Failure, FailureCode
from repoprio.explain.explanation import Explanation
from repoprio.lookup.events import RepositoryState
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Code, Decision, Outcome
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter.finder.callers import pylock
from repoprio.pip_adapter.finder.candidates import CandidateSet, Offers, version_priority_offers
from repoprio.pip_adapter.finder.listeners import Silence
from repoprio.pip_adapter.finder.look_ahead import PolicyAhead, look_ahead
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.inspect.compare.journal import Journal, Pairs, Step, learns
from repoprio.policy.model import Policy, Repository, Rule
from repoprio.policy.routing import Route
from repoprio.render.messages import sentences

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import BestCandidateResult, PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, SpecifierSet


# Called before repositories are asked for a name that was not announced yet.
Tell = Callable[[NormalizedName, Sequence[Repository]], None]


class Side(Protocol):
    """Answers questions about the projects of one side, without new lookups."""

    @property
    def is_alone(self) -> bool:
        """Whether this is plain pip, without a policy that refuses direct URLs."""

    def supplier(self, name: NormalizedName, link: Link) -> Repository | None:
        """The repository that lists `link`; None for a direct URL."""

    def narrowed(self, name: NormalizedName) -> Rule | None:
        """The rule that limits the versions, or None."""

    def why_not(self, name: NormalizedName, specifier: SpecifierSet | None, hashes: Hashes | None) -> Failure | None:
        """Why no candidate fits; None if one does."""


class PolicySide:
    """The policy's side; its `guard` is the one that an installation would use."""

    is_alone = False

    def __init__(self, finder: PackageFinder, policy: Policy, disclosed: frozenset[NormalizedName], step: Step) -> None:
        """`disclosed` are names that others are asked for where the policy keeps them private."""
        self.journal = Journal(disclosed, step)
        self.guard = PolicyFinder(finder, policy, self.journal)

    def ahead(self) -> PolicyAhead:
        """What is fetched ahead for this side; the journal of the side has only names that pip asks for."""
        return PolicyAhead(PolicyFinder(self.guard.finder, self.guard.policy, Silence(), self.guard.scope.noted))

    def supplier(self, name: NormalizedName, link: Link) -> Repository | None:
        """The owner that lists `link`; None for a direct URL."""
        return _supplier((decision.offers for decision in self.journal.of(name)), link)

    def narrowed(self, name: NormalizedName) -> Rule | None:
        """The rule that excludes versions of the owner: of a pin, or `min-age` if a file is too young."""
        for decision in self.journal.of(name):
            if isinstance(decision.route, Route) and decision.route.versions:
                return decision.route.versions[1]
            if decision.owners and (held := self.guard.weigh(decision).waiting()):
                return held.wait.rule
        return None

    def why_not(self, name: NormalizedName, specifier: SpecifierSet | None, hashes: Hashes | None) -> Failure | None:
        """Why no candidate of the owner fits; None if one does."""
        explanation = self.guard.explanation(name, specifier, hashes=hashes)
        return None if explanation.outcome is Outcome.SERVED else failure_of(explanation)


class VersionPriorityAhead:
    """What is fetched ahead for plain pip; each name is announced before a repository learns it."""

    def __init__(self, side: VersionPrioritySide) -> None:
        self.policy = side.guard.policy
        self._side = side
        self._disclosed_before = frozenset(self.pages().disclosed)
        self._names: set[NormalizedName] = set()
        self.find_best_candidate = side.find_best_candidate

    def pages(self) -> Pages:
        """The pages that are fetched for this side."""
        return self._side.guard.memory()[1]

    def look_ahead(self, names: Iterable[NormalizedName]) -> None:
        """Fetch the pages that this side will ask for."""
        for name in names:
            self._names.add(name)
            self._side.announce(name)
            look_ahead(self._side.guard, [name], below_owner=True)

    def disclosed(self) -> Pairs:
        """The repositories and the names that they were asked for, including names that pip did not need in the end."""
        return {pair for pair in self.pages().disclosed - self._disclosed_before if pair[1] in self._names}


class VersionPrioritySide:
    """Plain pip: version priority among the repositories that routing leaves, as a `CandidateSource`.

    It looks up names as `policy` does, but also asks repositories below the owner. `known` are the pairs of repository
    and name that are already disclosed; `tell` is called before any other one is.
    """

    is_alone = True

    def __init__(self, policy: PolicySide, tell: Tell, known: Pairs, step: Step) -> None:
        guard = policy.guard
        self.journal = Journal(policy.journal.disclosed, step)
        self.guard = PolicyFinder(guard.finder, guard.policy, self.journal, guard.scope.noted)
        self._before = policy.journal
        self._tell = tell
        self._known = known
        self._weighed: dict[NormalizedName, CandidateSet] = {}
        self._disclosed: dict[NormalizedName, Decision[PipPage]] = {}
        self._best: dict[tuple[object, ...], BestCandidateResult] = {}

    def ahead(self) -> VersionPriorityAhead:
        """What is fetched ahead for this side; the journal of the side has only names that pip asks for."""
        side = copy.copy(self)
        side.journal = Journal(self.journal.disclosed, lambda *_: None, Silence())
        side.guard = PolicyFinder(self.guard.finder, self.guard.policy, side.journal, self.guard.scope.noted)
        side._weighed, side._disclosed, side._best = {}, {}, {}
        return VersionPriorityAhead(side)

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None, hashes: Hashes | None
    ) -> BestCandidateResult:
        """Pip's `BestCandidateResult` among all candidates; `LookupRefused` if the name may not be looked up."""
        key = (project_name, specifier, hashes)
        if key not in self._best:
            evaluator = self.guard.finder.make_candidate_evaluator(project_name, specifier=specifier, hashes=hashes)
            self._best[key] = evaluator.compute_best_candidate(self.candidates(project_name, specifier))
        return self._best[key]

    def candidates(self, project_name: str, specifier: SpecifierSet | None = None) -> list[InstallationCandidate]:
        """All candidates for `project_name`; `LookupRefused` if it may not be looked up, `specifier` for its text."""
        decision = self.decide(normalize(project_name))
        if refused := self.guard.refusal(project_name, specifier, decision):
            raise refused
        return list(self._weigh(decision).candidates())

    def verify_locked(self, project_name: str, link: Link, hashes: Hashes | None) -> None:
        """Raise `LookupRefused` unless some repository lists the file at `link`, of a pylock.toml."""
        pylock.verify(self.guard.policy, project_name, link, hashes, self.candidates)

    def decide(self, name: NormalizedName) -> Decision[PipPage]:
        """The decision on `name`, with all repositories asked that routing leaves, until one is unavailable."""
        self.guard.refresh_search_scope()
        self.announce(name)
        decision = self.guard.decide(name, below_owner=True)
        if name not in self.journal.disclosed:
            return decision
        if name not in self._disclosed:
            self._disclosed[name] = self.guard.disclose(decision)
            self.journal.replace(self._disclosed[name])
        return self._disclosed[name]

    def announce(self, name: NormalizedName) -> None:
        """Call `tell` with the repositories that will learn `name`, once for each."""
        new = [repository for repository in self._asked_for(name) if (repository.name, name) not in self._known]
        if new:
            self._known.update((repository.name, name) for repository in new)
            self._tell(name, new)

    def _asked_for(self, name: NormalizedName) -> Sequence[Repository]:
        """The repositories that will learn `name`; for a new name, all that may be asked."""
        policy = self.guard.policy
        if self._before.of(name):
            further = self._before.further([name])
            return [r for r in policy.repositories if (r.name, name) in further]
        if name in self.journal.disclosed:
            return [r for r in policy.enabled() if learns(r) and not r.explicit]
        route = self.guard.lookup(RunMemory(policy), name).route
        return [r for r in route.repositories if learns(r)] if isinstance(route, Route) else []

    def _weigh(self, decision: Decision[PipPage]) -> CandidateSet:
        if decision.name not in self._weighed:
            self._weighed[decision.name] = self.guard.weigh_by_version(decision)
        return self._weighed[decision.name]

    def supplier(self, name: NormalizedName, link: Link) -> Repository | None:
        """The first repository that lists `link`; None for a direct URL."""
        return _supplier((version_priority_offers(decision) for decision in self.journal.of(name)), link)

    def narrowed(self, name: NormalizedName) -> Rule | None:  # noqa: ARG002 - as on the policy's side
        """None: pip alone knows no pins."""
        return None

    def why_not(self, name: NormalizedName, specifier: SpecifierSet | None, hashes: Hashes | None) -> Failure | None:
        """Why no candidate fits; None if one does."""
        decision = self.decide(name)
        if self._weigh(decision).best(specifier, hashes):
            return None
        serving = version_priority_offers(decision)
        has = [f"{f.repository.name} has {sentences.versions(f.page.versions)}" for f in serving if f.page]
        if not has:
            return Failure(FailureCode.ABSENT, f"no repository has {name}.", "no repository has it")
        return Failure(
            FailureCode.NO_MATCH, f"no version of {name} fits {name}{specifier}: {'; '.join(has)}.", "; ".join(has)
        )

    def unanswered(self, name: NormalizedName) -> str | None:
        """Which repository gave no answer, so that candidates may be missing; None if all answered."""
        for decision in self.journal.of(name):
            for result in decision.of(RepositoryState.UNAVAILABLE):
                if not result.skipped:
                    return f"{result.repository} is unavailable: {result.reason}"
        return None

    def shares_files(self, name: NormalizedName, rival: Repository, owners: Sequence[Repository]) -> bool:
        """Whether `rival` lists a file of the same name as one of `owners`: it is probably the same project."""
        files = {
            r.name: {file.filename for page in self._pages(r, name) for file in page.files} for r in (rival, *owners)
        }
        return any(files[rival.name] & files[owner.name] for owner in owners)

    def listing(self, repository: Repository, name: NormalizedName, file: str) -> Link | None:
        """The link to `file` on the page that `repository` has of `name`; None if the page does not list it."""
        pages = self._pages(repository, name)
        return next((page.link(entry) for page in pages for entry in page.files if entry.filename == file), None)

    def _pages(self, repository: Repository, name: NormalizedName) -> Iterator[PipPage]:
        """The pages that `repository` has of `name`."""
        results = (f for decision in self.journal.of(name) for f in decision.of(RepositoryState.SERVES))
        return (f.page for f in results if f.repository.name == repository.name and f.page)


def _supplier(several: Iterator[Offers], link: Link) -> Repository | None:
    supplying = (offer for offers in several for offer in offers)
    return next((offer.repository for offer in supplying if offer.page and offer.page.lists(link)), None)


def failure_of(e: Explanation) -> Failure:
    """The failure of a requirement for which there is nothing to install, from its explanation."""
    reason = sentences.sentence(e)
    lines = [e.line(owner) for owner in e.owners]
    has = "; ".join(f"{line.repository.name} has {sentences.versions(line.versions)}" for line in lines)
    wanted = f"; {e.specifier} is wanted" if e.specifier else ""
    if e.code in (Code.ABSENT, Code.BLOCKED):
        return Failure(FailureCode(e.code.value), reason, f"blocked: {e.block}" if e.block else "no repository has it")
    is_unfit = e.outcome is Outcome.NO_MATCH and bool(has)
    if e.code is Code.TOO_YOUNG:
        held = next(rejected for rejected in e.telling if rejected.held)
        return Failure(FailureCode.TOO_YOUNG, reason, f"too young: {held.version}", e.owners)
    why = f"{has}{wanted}" if is_unfit else reason.removesuffix(".")
    lists_nothing = is_unfit and any(line.versions == () for line in lines)
    return Failure(FailureCode(e.code.value), reason, why, e.owners, lists_nothing=lists_nothing)
