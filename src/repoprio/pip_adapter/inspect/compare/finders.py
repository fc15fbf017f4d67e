"""The two ways to look up projects that are compared: the policy's, and pip's own among the same repositories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from repoprio.errors import InspectionError
from repoprio.explain.comparison import Disclosure, Failure, FailureCode
from repoprio.explain.explanation import Explanation, privacy
from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.project import Code, Decision, Outcome
from repoprio.names import NormalizedName, normalize
from repoprio.pip_adapter import compat
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.candidates import CandidateSet, Offers, version_priority_offers
from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.inspect.compare.preparer import ProjectFailed, refused
from repoprio.policy.model import Format, Repository, Rule
from repoprio.policy.routing import Route, route
from repoprio.render import messages
from repoprio.render.compare import not_private

Pairs = set[tuple[str, NormalizedName]]
# Called before a name that nobody spoke of goes to these repositories.
Tell = Callable[[NormalizedName, Sequence[Repository]], None]
# Called before a name is looked up first, with how many there are then.
Step = Callable[[int, NormalizedName], None]


class RecordingFinder(PolicyFinder):
    """A guard that remembers its decisions, and says of a refused lookup whose it was; this one is the policy's."""

    def __init__(self, finder: Any, policy: Any, disclosed: frozenset[NormalizedName], step: Step) -> None:
        """`disclosed` are names that others are asked for where the policy keeps them private."""
        super().__init__(finder, policy)
        self.disclosed = disclosed
        self._step = step
        self.decisions: dict[NormalizedName, list[Decision[PipPage]]] = defaultdict(list)

    def candidates(self, project_name: str, specifier: Any = None, tier: int | None = None) -> list[Any]:
        """As the guard's, but for what cannot be looked up: `ProjectFailed`.

        A place that the policy does not list is no project's fault: `LookupRefused`, as ever.
        """
        self.refresh_search_scope()
        try:
            return self._found(project_name, specifier, tier)
        except LookupRefused as error:
            said = failure_of(error.explanation) if error.explanation else refused(error)
            raise ProjectFailed(normalize(project_name), said) from None

    def _found(self, project_name: str, specifier: Any, tier: int | None) -> list[Any]:
        return super().candidates(project_name, specifier, tier)

    def decide(self, name: NormalizedName, specifier: Any = None, **how: Any) -> Decision[PipPage]:
        """As the guard's, and remembered."""
        if name not in self.decisions:
            self._step(len(self.decisions) + 1, name)
        decision = super().decide(name, specifier, **how)
        if not any(known is decision for known in self.decisions[name]):
            self.decisions[name].append(decision)
        return decision

    def offers(self, decision: Decision[PipPage]) -> Offers:
        """What the side may choose from, whoever comes first supplies a file that several list."""
        return decision.offers

    def supplier(self, name: NormalizedName, link: Any) -> Repository | None:
        """The repository that lists `link`; None for a direct URL."""
        offers = (offer for decision in self.decisions.get(name, ()) for offer in self.offers(decision))
        return next((offer.repository for offer in offers if offer.page and offer.page.lists(link)), None)

    def narrowed(self, name: NormalizedName) -> Rule | None:
        """The rule that narrows what the owner offers."""
        routes = (decision.route for decision in self.decisions.get(name, ()))
        return next((found.versions[1] for found in routes if isinstance(found, Route) and found.versions), None)

    def why_not(self, name: NormalizedName, specifier: Any, hashes: Any) -> Failure | None:
        """Why no candidate fits; None where one does."""
        explanation = self.explanation(name, specifier, hashes=hashes)
        return None if explanation.outcome is Outcome.SERVED else failure_of(explanation)

    def asked(self) -> Pairs:
        """Who was asked for which name, those left out that learn nothing."""
        findings = (finding for found in self.decisions.items() for finding in _asked(*found))
        return set(findings)

    def further(self, names: Sequence[NormalizedName]) -> Pairs:
        """Who would be asked for these names as well, if their owners did not own them or they are disclosed."""
        disclosed = {
            (repository.name, name)
            for name in self.disclosed.intersection(names)
            for decision in self.decisions.get(name, ())
            for repository in self.kept(decision)
        }
        return disclosed | {
            (finding.repository.name, name)
            for name in names
            for decision in self.decisions.get(name, ())
            for finding in decision.of(RepositoryState.NOT_ASKED)
            if decision.outcome is Outcome.SERVED and learns(finding.repository)
        }

    @staticmethod
    def kept(decision: Decision[PipPage]) -> list[Repository]:
        """Who learns a name only if it is disclosed; nobody does while its owner is unavailable."""
        found = None if decision.outcome is Outcome.UNAVAILABLE else privacy(decision)
        return [repository for repository in found.others if learns(repository)] if found else []

    def can_be_disclosed(self) -> set[NormalizedName]:
        """The names that the policy keeps from others, or may keep: of one without an answer nobody knows."""
        return {name for name, found in self.decisions.items() if may_be_private(found[0])}

    def private(self) -> tuple[tuple[str, str], ...]:
        """The names that the policy keeps from others, and its word for it."""
        found = {name: privacy(ds[0]) for name, ds in self.decisions.items() if name not in self.disclosed}
        return tuple(sorted((name, private.word) for name, private in found.items() if private))


def may_be_private(decision: Decision[PipPage]) -> bool:
    """Whether the policy keeps the name from others, or may do so once its owner answers."""
    return decision.outcome is Outcome.UNAVAILABLE or privacy(decision) is not None


def check_disclosed(disclosed: Iterable[NormalizedName], private: Iterable[NormalizedName]) -> None:
    """Raise `InspectionError` where a name that the user discloses is none of those that are `private`."""
    known = sorted(private)
    for name in sorted(disclosed):
        if name not in known:
            raise InspectionError(not_private(name, known))


class VersionPriorityFinder(RecordingFinder):
    """Version priority among the repositories that routing leaves; `said` is who is known to be asked for what."""

    def __init__(self, before: RecordingFinder, tell: Tell, said: Pairs, step: Step) -> None:
        super().__init__(before._finder, before.policy, before.disclosed, step)
        # Who named which place, in lines of files that were read already.
        self._noted = before._noted
        self._before = before
        self._tell = tell
        self._said = said
        self._all: dict[NormalizedName, CandidateSet] = {}
        self._opened: dict[NormalizedName, Decision[PipPage]] = {}

    def decide(self, name: NormalizedName, specifier: Any = None, **_: Any) -> Decision[PipPage]:  # noqa: ARG002 - the guard's
        """The decision on `name` when all are asked that routing leaves, while those above are available."""
        self.refresh_search_scope()
        self._announce(name)
        decision = super().decide(name, None, below_owner=True)
        if name not in self.disclosed:
            return decision
        if name not in self._opened:
            self._opened[name] = self.disclose(decision)
            self.decisions[name] = [self._opened[name]]
        return self._opened[name]

    @property
    def is_flexible(self) -> bool:
        """Pip alone knows no modes."""
        return False

    def _announce(self, name: NormalizedName) -> None:
        new = [repository for repository in self._asked_for(name) if (repository.name, name) not in self._said]
        if new:
            self._said.update((repository.name, name) for repository in new)
            self._tell(name, new)

    def _asked_for(self, name: NormalizedName) -> Sequence[Repository]:
        """Who will be asked for `name` and learns it; of a new name nobody knows whether the higher ones answer."""
        if name in self._before.decisions:
            further = self._before.further([name])
            return [r for r in self.policy.repositories if (r.name, name) in further]
        if name in self.disclosed:
            return [r for r in self.policy.enabled() if learns(r) and not r.explicit]
        callers = tuple(self._callers.admitted)
        found = route(self.policy, name, no_index=compat.no_index(self._finder), callers=callers)
        return [r for r in found.repositories if learns(r)] if isinstance(found, Route) else []

    def _found(self, project_name: str, specifier: Any, tier: int | None) -> list[Any]:
        name = normalize(project_name)
        decision = self.decide(name)
        if decision.outcome in (Outcome.UNAVAILABLE, Outcome.BLOCKED):
            return super()._found(project_name, specifier, tier)
        return list(self._weigh(name, decision).candidates)

    def _weigh(self, name: NormalizedName, decision: Decision[PipPage]) -> CandidateSet:
        if name not in self._all:
            self._all[name] = CandidateSet(self._finder, name, self.offers(decision), None)
        return self._all[name]

    def offers(self, decision: Decision[PipPage]) -> Offers:
        """All that serve the name."""
        return version_priority_offers(decision)

    def narrowed(self, name: NormalizedName) -> Rule | None:  # noqa: ARG002 - as on the policy's side
        """Pip alone knows no pins."""
        return None

    def why_not(self, name: NormalizedName, specifier: Any, hashes: Any) -> Failure | None:
        """Why no candidate fits; None where one does."""
        decision = self.decide(name)
        if self._weigh(name, decision).best(specifier, hashes):
            return None
        serving = self.offers(decision)
        has = [f"{f.repository.name} has {messages.versions(f.page.versions)}" for f in serving if f.page]
        if not has:
            return Failure(FailureCode.ABSENT, f"no repository has {name}.", "no repository has it")
        return Failure(
            FailureCode.NO_MATCH, f"no version of {name} fits {name}{specifier}: {'; '.join(has)}.", "; ".join(has)
        )

    def doubt(self, name: NormalizedName) -> str | None:
        """Which repository gave no answer, so that what was found may not be all."""
        for decision in self.decisions.get(name, ()):
            for finding in decision.of(RepositoryState.UNAVAILABLE):
                if not finding.skipped:
                    return f"{finding.repository} is unavailable: {finding.reason}"
        return None

    def shares_files(self, name: NormalizedName, rival: Repository, owners: Sequence[Repository]) -> bool:
        """Whether `rival` lists any file that one of `owners` lists too, by its name: one project, as it seems."""
        files = {r.name: self._files(name, r) for r in (rival, *owners)}
        return any(files[rival.name] & files[owner.name] for owner in owners)

    def _files(self, name: NormalizedName, repository: Repository) -> set[str]:
        findings = (f for decision in self.decisions.get(name, ()) for f in decision.of(RepositoryState.SERVES))
        pages = (f.page for f in findings if f.repository.name == repository.name and f.page)
        return {file.filename for page in pages for file in page.files}

    def listing(self, name: NormalizedName, repository: Repository, file: str) -> Any:
        """The link to `file` on the page that `repository` has of `name`; None where it lists none."""
        findings = (f for decision in self.decisions.get(name, ()) for f in decision.of(RepositoryState.SERVES))
        pages = (f.page for f in findings if f.repository.name == repository.name and f.page)
        return next((page.link(found) for page in pages for found in page.files if found.filename == file), None)


def learns(repository: Repository) -> bool:
    """Whether a repository gets to know the names that it is asked for: it is on no disk, and is not read whole."""
    return repository.format is Format.SIMPLE and not repository.locations[0].url.startswith("file:")


def disclosure(pairs: Pairs, private: tuple[tuple[str, str], ...]) -> Disclosure:
    """Who asked whom, by repository."""
    asked: dict[str, list[str]] = defaultdict(list)
    for repository, name in sorted(pairs):
        asked[repository].append(name)
    return Disclosure({repository: tuple(names) for repository, names in asked.items()}, private)


def failure_of(e: Explanation) -> Failure:
    """What an explanation says of a requirement for which there is nothing to install."""
    reason = messages.sentence(e)
    lines = [e.line(owner) for owner in e.owners]
    has = "; ".join(f"{line.repository.name} has {messages.versions(line.versions)}" for line in lines)
    wanted = f"; {e.specifier} is wanted" if e.specifier else ""
    if e.code in (Code.ABSENT, Code.BLOCKED):
        return Failure(FailureCode(e.code.value), reason, f"blocked: {e.block}" if e.block else "no repository has it")
    is_unfit = e.outcome is Outcome.NO_MATCH and bool(has)
    why = f"{has}{wanted}" if is_unfit else reason.removesuffix(".")
    lists_nothing = is_unfit and any(line.versions == () for line in lines)
    return Failure(FailureCode(e.code.value), reason, why, e.owners, lists_nothing=lists_nothing)


def _asked(name: NormalizedName, decisions: Sequence[Decision[PipPage]]) -> Iterator[tuple[str, NormalizedName]]:
    findings: Iterator[RepositoryResult[PipPage]] = (f for decision in decisions for f in decision.findings)
    return ((f.repository.name, name) for f in findings if f.asked and learns(f.repository))
