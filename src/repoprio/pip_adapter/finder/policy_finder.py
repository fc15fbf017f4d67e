"""One finder of pip under a policy: its lookups, its candidates and explanations."""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from repoprio.config.pip.indexes import Origin
from repoprio.explain.explaining import privacy
from repoprio.explain.explanation import Explanation
from repoprio.lookup.drivers import Fetch, Fits, drive, drive_repository
from repoprio.lookup.events import RepositoryResult
from repoprio.lookup.memory import Memory, RunMemory
from repoprio.lookup.project import Decision, Outcome, ProjectLookup
from repoprio.lookup.repository import RepositoryLookup
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.pip_adapter import compat, policy_reading
from repoprio.pip_adapter.errors import LookupRefused, warn
from repoprio.pip_adapter.finder import cooldowns, explanations, judge, own_release, session_memory
from repoprio.pip_adapter.finder.callers import pylock, search_scope
from repoprio.pip_adapter.finder.callers.watched_scope import WatchedScope
from repoprio.pip_adapter.finder.candidates import CandidateSet, Offers, version_priority_offers
from repoprio.pip_adapter.finder.flexible_search import Search, Tiers
from repoprio.pip_adapter.finder.listeners import DecisionListener, SkipWarnings
from repoprio.pip_adapter.finder.past_owners import past_owners
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.requirements import project_of
from repoprio.policy.model import Mode, Policy, Pylock, Repository
from repoprio.policy.routing import asked_for, route, version_limit
from repoprio.render.messages import refusals
from repoprio.render.messages.model import message
from repoprio.render.policy import summary

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import BestCandidateResult, PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, SpecifierSet
    from repoprio.pip_adapter.protocols.network import PipSession
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


class PolicyFinder:
    """Answers the lookups of one `PackageFinder` under a policy.

    `listener` is called for each decision; by default it warns about skipped repositories. `scope` is pip's search
    scope; its `noted` says which line named which index, and grows as requirements files are read.

    `forgotten` counts how often the caches of pip's finders were cleared. `search` is the current search in flexible
    mode, and `tiers` the tiers that were found to serve its names.
    """

    forgotten = 0

    def __init__(
        self,
        finder: PackageFinder,
        policy: Policy,
        listener: DecisionListener | None = None,
        noted: dict[str, Origin] | None = None,
    ) -> None:
        self.policy = policy
        self._finder_of_pip = weakref.ref(finder)
        self.scope = WatchedScope(policy, {} if noted is None else noted)
        self._listener = SkipWarnings() if listener is None else listener
        self.search: Search | None = None
        self.tiers = Tiers()
        self._decisions = session_memory.Decisions()
        self._offers: dict[tuple[object, ...], CandidateSet] = {}
        self._best: dict[tuple[object, ...], BestCandidateResult] = {}

    @property
    def finder(self) -> PackageFinder:
        """Pip's `PackageFinder`."""
        finder = self._finder_of_pip()
        assert finder is not None, "it lives as long as pip's finder does"
        return finder

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None, hashes: Hashes | None
    ) -> BestCandidateResult:
        """Pip's `BestCandidateResult` for the owner's candidates; raises `LookupRefused` if the lookup is refused."""
        key = (project_name, specifier, hashes)
        self.refresh_search_scope()
        if key not in self._best:
            evaluator = judge.evaluator_of(self.finder, project_name, specifier, hashes)
            offers = (
                self.candidates(project_name, specifier, tier, hashes)
                for tier in self._tiers_to_offer(project_name, specifier)
            )
            self._best[key] = compat.in_turn([evaluator.compute_best_candidate(candidates) for candidates in offers])
        return self._best[key]

    def _tiers_to_offer(self, project_name: str, specifier: SpecifierSet | None) -> list[int | None]:
        """None, which means the owner's candidates, then the priorities of lower tiers that a search opened."""
        name = normalize(project_name)
        if not self.search or not self.search.reach.opened.get(name):
            return [None]
        owners = self.reached(name, specifier).owners
        return [None, *self.search.opened_below(name, owners[0].repository.priority if owners else 0)]

    @contextlib.contextmanager
    def searching(self) -> Iterator[None]:
        """Use a new `Search` while pip's resolver searches in flexible mode; a build inside it may search too."""
        outer, self.search = self.search, Search()
        try:
            yield
        finally:
            self.search = outer
            self.forget_best()

    def forget_best(self) -> None:
        """Forget the best candidates, because a search has changed its tiers."""
        self._best.clear()

    def candidates(
        self,
        project_name: str,
        specifier: SpecifierSet | None = None,
        tier: int | None = None,
        hashes: Hashes | None = None,
    ) -> list[InstallationCandidate]:
        """The owner's candidates for `project_name`; raises `LookupRefused` if the lookup is refused.

        `specifier` is the requirement as merged so far; only flexible mode uses it. `tier` asks for a lower tier's
        candidates instead. `hashes` are the requested ones.
        """
        weighed = self._weighed(project_name, specifier, tier)
        return list(weighed.candidates(hashes)) if weighed else []

    def _weighed(
        self, project_name: str, specifier: SpecifierSet | None = None, tier: int | None = None
    ) -> CandidateSet | None:
        """What the owner, or a lower `tier`, offers; `LookupRefused` if the name may not be looked up."""
        if not is_project_name(project_name):
            text = message(f"{project_name!r} is not a project name.", [], "not-a-name")
            raise LookupRefused(text, project=normalize(project_name))
        decision = self.reached(normalize(project_name), specifier, tier)
        if refused := self.refusal(project_name, specifier, decision):
            raise refused
        if tier is not None and not decision.owners:
            return None
        return self.weigh(decision)

    def refusal(
        self, project_name: str, specifier: SpecifierSet | None, decision: Decision[PipPage]
    ) -> LookupRefused | None:
        """The refusal that `decision` means; None if pip may choose, even if there are no candidates."""
        if decision.outcome not in (Outcome.UNAVAILABLE, Outcome.BLOCKED):
            return None
        explanation = self.explanation(project_name, specifier, decision=decision)
        return LookupRefused(refusals.refusal(explanation), explanation, decision.name)

    def reached(
        self, name: NormalizedName, specifier: SpecifierSet | None, tier: int | None = None
    ) -> Decision[PipPage]:
        """The decision for `name`, down to the lowest tier that the current search allows; `tier`: only that one."""
        if tier is not None:
            return self.decide(name, specifier, passed=tier - 1, last=tier)
        return self.decide(name, specifier, last=self.search.reach.caps.get(name) if self.search else None)

    def decide(
        self,
        name: NormalizedName,
        specifier: SpecifierSet | None = None,
        *,
        below_owner: bool = False,
        passed: int = 0,
        last: int | None = None,
    ) -> Decision[PipPage]:
        """The decision for `name`; each is made once, and only flexible mode uses the specifier.

        In flexible mode, tiers down to `passed` are always passed over, and none below `last` is asked.
        """
        self.refresh_search_scope()
        memory, pages = self.memory()
        lookup = self.lookup(memory, name, below_owner=below_owner, last=last)
        is_flexible = lookup.mode is Mode.FLEXIBLE
        key = (name, below_owner, *((str(specifier or ""), passed, last) if is_flexible else ()))
        decision = self._decisions.get(key)
        if decision is None:
            self._listener.before_lookup(name)
            decision = drive(lookup, pages.fetch, self.fits(lookup, specifier, passed))
            again = functools.partial(self.decide, name, specifier, below_owner=below_owner, passed=passed, last=last)
            self._decisions.keep(key, decision, again)
            self._listener.decided(decision)
            if is_flexible:
                self.tiers.note(decision)
            self.confirm()
        return decision

    def lookup(
        self, memory: Memory[PipPage], name: NormalizedName, *, below_owner: bool = False, last: int | None = None
    ) -> ProjectLookup[PipPage]:
        """The lookup of `name` that `decide` drives."""
        callers, no_index = tuple(self.scope.callers.admitted), compat.no_index(self.finder)
        past = past_owners(self.policy, self.session, self.memory()[1]).of(name)
        return ProjectLookup(
            memory, name, no_index=no_index, callers=callers, below_owner=below_owner, last=last, remembered=past
        )

    def fits(self, lookup: ProjectLookup[PipPage], specifier: SpecifierSet | None, passed: int = 0) -> Fits[PipPage]:
        """The function that says whether offers fit the specifier; offers of tiers down to `passed` never fit."""
        versions = version_limit(lookup.route)

        def fits(offers: Offers) -> bool:
            is_passed = offers[0].repository.priority <= passed
            return (
                not is_passed and CandidateSet(self.finder, lookup.name, offers, versions).best(specifier) is not None
            )

        return fits

    def inquire(
        self, repository: Repository, name: NormalizedName, fetch: Fetch[PipPage] | None = None
    ) -> RepositoryResult[PipPage]:
        """What one repository says about `name`, regardless of owner and callers; other threads pass their `fetch`."""
        if fetch is None:
            with contextlib.suppress(LookupRefused):
                self.refresh_search_scope()
            fetch = self.memory()[1].fetch
        memory, asked = RunMemory[PipPage](self.policy), asked_for(route(self.policy, name))
        lookup = RepositoryLookup(memory, repository, name, self.policy.repositories, asked)
        return drive_repository(lookup, fetch)

    def weigh(self, decision: Decision[PipPage]) -> CandidateSet:
        """The candidates of the owner in `decision`; cached, since filtering large pages is slow."""
        kept = own_release.kept_version(decision.name, decision.route)
        key = (decision.name, tuple(offer.repository.name for offer in decision.offers), kept)
        if key not in self._offers:
            versions = version_limit(decision.route)
            self._offers[key] = CandidateSet(
                self.finder,
                decision.name,
                decision.offers,
                versions,
                merged=decision.is_merged,
                installed=kept,
                waits=cooldowns.waits(self.policy, decision, self.session),
            )
        return self._offers[key]

    def weigh_by_version(self, decision: Decision[PipPage]) -> CandidateSet:
        """The candidates of all repositories that serve the name, for version priority, without owners and pins."""
        return CandidateSet(self.finder, decision.name, version_priority_offers(decision), None)

    def explanation(
        self,
        project_name: str,
        specifier: SpecifierSet | None = None,
        *,
        requirement: str | None = None,
        required_by: str | None = None,
        hashes: Hashes | None = None,
        constraint: str = "",
        shadowed: bool = False,
        disclosed: bool = False,
        decision: Decision[PipPage] | None = None,
    ) -> Explanation:
        """The explanation of a requirement, from the same lookup and candidates as in an installation.

        `shadowed`: also find what plain pip would take; `disclosed`: even for a name that the policy keeps private.
        """
        name = normalize(project_name)
        decision = decision or self.decide(name, specifier, below_owner=shadowed)
        decision = self.disclose(decision) if disclosed else decision
        return explanations.explanation(
            self.policy,
            decision,
            requirement or f"{project_name}{specifier or ''}",
            self.weigh(decision),
            self.weigh_by_version(decision) if shadowed and explanations.is_comparable(decision) else None,
            specifier=specifier,
            hashes=hashes,
            constraint=constraint,
            required_by=required_by,
            private=privacy(decision) if shadowed else None,
        )

    def disclose(self, decision: Decision[PipPage]) -> Decision[PipPage]:
        """`decision` with the answers of repositories from which the policy keeps the name: they learn it now."""
        private = None if decision.outcome is Outcome.UNAVAILABLE else privacy(decision)
        others = {repository.name for repository in private.others} if private else ()
        results = (
            self.inquire(result.repository, decision.name) if result.repository.name in others else result
            for result in decision.results
        )
        return replace(decision, results=tuple(results))

    def verify_locked(self, project_name: str, link: Link, hashes: Hashes | None) -> None:
        """Raise `LookupRefused` unless the file at `link`, of a pylock.toml, is one that its owner offers."""
        listed = pylock.verify(self.policy, project_name, link, hashes, self._of_any_age)
        if listed and listed not in self.candidates(project_name, hashes=hashes):
            explanation = self.explanation(project_name, compat.exactly(listed.version), hashes=hashes)
            raise LookupRefused(refusals.refusal(explanation), explanation, normalize(project_name))

    def _of_any_age(self, project_name: str) -> list[InstallationCandidate]:
        weighed = self._weighed(project_name)
        return weighed.of_any_age if weighed else []

    def has_looked_up(self, req: InstallRequirement) -> bool:
        """Whether the file of `req` is one that its owner lists; False for direct URLs and unverified locks."""
        locks = getattr(self.finder, "_locked_links", {})
        is_unproven = self.policy.pylock is Pylock.ALLOW and project_of(req) in locks
        return req.original_link is None and not is_unproven

    def owners_of(self, name: NormalizedName) -> tuple[Repository, ...]:
        """The repositories that supplied `name`; empty if it was not looked up. Asks no repository."""
        owners = (decision.owners for decision in self._decisions.of(name) if decision.owners)
        return tuple(owner.repository for owner in next(owners, ()))

    def memory(self) -> tuple[Memory[PipPage], Pages]:
        """The memory and pages of this run; they belong to pip's session, whose retries and logins they depend on."""
        memory, pages = session_memory.of(self.session, self.policy)
        pages.logins.of_callers.update(self.scope.callers.logins)
        pages.logins.settle()
        return memory, pages

    def refresh_search_scope(self) -> None:
        """Check pip's search scope against the policy, again whenever a requirements file has replaced it."""
        if self.scope.refresh(self.finder.search_scope, PolicyFinder.forgotten):
            self.tiers = Tiers()
            self._forget_decisions()
        self.scope.check(self.session.auth)
        self.confirm()

    def confirm(self) -> None:
        """Raise `LookupRefused` if a decision would be different now, since a site asked for a login after it."""
        if self._decisions.doubt(session_memory.drop_doubtful_answers(self.session)):
            self._forget_decisions()
        self._decisions.confirm(self.policy.help)

    def _forget_decisions(self) -> None:
        self._decisions.clear()
        self._offers.clear()
        self._best.clear()

    def note(self, origin: Origin, named: Iterable[str]) -> None:
        """Note which line of a requirements file named these indexes."""
        self.scope.noted.update(dict.fromkeys(named, origin))

    @property
    def session(self) -> PipSession:
        """Pip's session, with which all pages are fetched."""
        return self.finder._link_collector.session

    def announce(self) -> None:
        """Print the line about the policy, and how it treats the repositories that callers named."""
        if line := policy_reading.news():
            warn(line)
        warn(f"repoprio: {summary(self.policy)}")
        self.refresh_search_scope()
        for line in search_scope.announcement(self.scope.callers):
            warn(line)
