"""Turns the files of repositories into pip's candidates, filtered and ranked by pip's own rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from pip._vendor.packaging.specifiers import SpecifierSet

from repoprio.explain.explanation import Chosen, Rejected
from repoprio.lookup.cooldown import AgedFile, Held, Wait, held, held_back
from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.project import Decision
from repoprio.lookup.reasons import Rejection
from repoprio.names import NormalizedName
from repoprio.pip_adapter.compat import is_pinned, is_version
from repoprio.pip_adapter.finder import judge, rejections
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.versions import comparable
from repoprio.policy.model import Format, Repository
from repoprio.simple_api.filenames import version_in
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, Version


Offers = tuple[RepositoryResult[PipPage], ...]


def version_priority_offers(decision: Decision[PipPage]) -> Offers:
    """The offers of all repositories that serve the name, in the order for version priority, as in plain pip.

    Of equal files, plain pip takes that of the index named last, here the lowest-priority one. Within the owner's tier
    the order stays, and find-links count less than indexes.
    """
    owners = decision.owners
    top = max((owner.repository.priority for owner in owners), default=0)
    others = [result for result in decision.of(RepositoryState.SERVES) if result not in owners]
    winning = [f for f in others if f.repository.priority > top and f.repository.format is Format.SIMPLE]
    winning.sort(key=lambda result: -result.repository.priority)
    return (*winning, *owners, *(result for result in others if result not in winning))


class CandidateSet:
    """The candidates for one name; `versions` is the specifier of a pin that limits them.

    `merged`: the offers come from several tiers (a pin's merge), and a version that two of them have
    comes from the higher-priority one, even if the lower one has another file. `kept` is the installed version
    that must stay: no other one is offered. `waits` says, by repository, how old files must be.
    """

    def __init__(
        self,
        finder: PackageFinder,
        name: NormalizedName,
        offers: Offers,
        versions: str | None,
        *,
        merged: bool = False,
        installed: str | None = None,
        waits: Mapping[str, Wait] | None = None,
    ) -> None:
        self._finder = finder
        self._name = name
        self._offers = offers
        self._versions = SpecifierSet(versions) if versions else None
        self._merged = merged
        self._kept = installed
        self._waits = waits or {}
        self._outranked: dict[Link, Repository] = {}
        self._known: dict[tuple[object, ...], list[InstallationCandidate]] = {}
        self._held_by_hashes: dict[Hashes | None, dict[Link, Held]] = {}

    def candidates(self, hashes: Hashes | None = None) -> list[InstallationCandidate]:
        """Pip's candidates that are old enough; an sdist waits only for wheels that may have one of `hashes`.

        If a file that may have one of them waits, files that cannot have one are left out: pip would download one of
        them, and then blame its hash.
        """
        held = self._held(hashes)
        old_enough = self._without(held)
        if hashes and any(rejections.may_have(hashes, link) for link in held):
            return [candidate for candidate in old_enough if rejections.may_have(hashes, candidate.link)]
        return old_enough

    def waiting(self, version: str | None = None, hashes: Hashes | None = None) -> Held | None:
        """Why all candidates of `version` are too young; None if one is old enough. Without it: why any version is.

        If candidates may have one of `hashes`, the others do not count. Of several reasons, the one that ends first.
        """
        wanted = [c for c in self.of_any_age if version is None or comparable(str(c.version)) == comparable(version)]
        let_in = [candidate for candidate in wanted if rejections.may_have(hashes, candidate.link)]
        held = self._held(hashes if let_in else None)
        wanted = let_in or wanted
        reasons = [held[candidate.link] for candidate in wanted if candidate.link in held]
        if not reasons or (version is not None and len(reasons) < len(wanted)):
            return None
        return min(reasons, key=lambda why: (why.available_text is None, why.available_text or ""))

    def _without(self, held: Mapping[Link, Held]) -> list[InstallationCandidate]:
        return [c for c in self.of_any_age if c.link not in held] if held else self.of_any_age

    def _held(self, hashes: Hashes | None) -> dict[Link, Held]:
        """The candidates that are too young, each with the reason."""
        if not self._waits:
            return {}
        key = hashes or None
        if key not in self._held_by_hashes:
            reasons = held_back([self._aged(c, key) for c in self.of_any_age])
            pairs = zip(self.of_any_age, reasons, strict=True)
            self._held_by_hashes[key] = {candidate.link: why for candidate, why in pairs if why}
        return self._held_by_hashes[key]

    def _aged(self, candidate: InstallationCandidate, hashes: Hashes | None) -> AgedFile:
        link = candidate.link
        offer = self._offer_of(link)
        assert offer.page is not None, "it lists the file"
        file, wait = offer.page.file(link), self._waits.get(offer.repository.name)
        now = offer.page.clocks.now if offer.page.clocks else None
        why = held(wait, file.upload_time, now) if wait else None
        is_let_in = rejections.may_have(hashes, link)
        return AgedFile(candidate.version, file.filename, why, is_yanked=link.is_yanked, is_let_in=is_let_in)

    def _offer_of(self, link: Link) -> RepositoryResult[PipPage]:
        """The offer that lists a candidate's file."""
        return next(offer for offer in self._offers if offer.page and offer.page.lists(link))

    @cached_property
    def of_any_age(self) -> list[InstallationCandidate]:
        """The candidates for pip, lowest priority first, including those that are still too young.

        If two repositories have a file of the same name, the first repository counts. Of equal candidates pip
        prefers the last one, so the first repository comes last.
        """
        evaluator = self._finder.make_link_evaluator(self._name)
        seen: set[str] = set()
        holders: dict[Version, Repository] = {}
        groups = []
        for offer in self._offers:
            files = [file for file in offer.page.files if file.filename not in seen] if offer.page else []
            seen |= {file.filename for file in files}
            offered = judge.candidates(self._finder, evaluator, offer.page, files) if offer.page else []
            groups.append(self._not_outranked(offer.repository, offered, holders) if self._merged else offered)
        candidates = [candidate for group in reversed(groups) for candidate in group]
        # Skip this if nothing is limited: normalizing all versions of a large page takes long.
        takes_all = self._kept is None and self._versions is None
        return candidates if takes_all else [c for c in candidates if self._may_be(str(c.version))]

    def _not_outranked(
        self, repository: Repository, candidates: list[InstallationCandidate], holders: dict[Version, Repository]
    ) -> list[InstallationCandidate]:
        """The candidates whose version no higher-priority repository has; `holders` has the repository of each."""
        for candidate in candidates:
            holder = holders.setdefault(candidate.version, repository)
            if holder.priority < repository.priority:
                self._outranked[candidate.link] = holder
        return [candidate for candidate in candidates if candidate.link not in self._outranked]

    def _may_be(self, version: str) -> bool:
        stays = self._kept in (None, version)
        return stays and (self._versions is None or self._versions.contains(version, prereleases=True))

    def best(
        self, specifier: SpecifierSet | None, hashes: Hashes | None = None, *, of_any_age: bool = False
    ) -> InstallationCandidate | None:
        """The candidate that pip's resolver would try first, or None; `of_any_age`: as if nothing had to wait.

        As in its factory: the last applicable one; yanked ones only if all are yanked, and a single
        version is asked for (PEP 592).
        """
        applicable = self._applicable(specifier, hashes, {} if of_any_age else self._held(hashes))
        standing = [candidate for candidate in applicable if not candidate.link.is_yanked]
        if not standing and is_pinned(specifier):
            standing = applicable
        best = standing[-1] if standing else None
        # If no file has a requested hash, pip still chooses one, and then stops because of the hash.
        return best if best is None or rejections.may_have(hashes, best.link) else None

    def _applicable(
        self, specifier: SpecifierSet | None, hashes: Hashes | None, held: Mapping[Link, Held]
    ) -> list[InstallationCandidate]:
        """The candidates, without `held`, that fit the requirement, in pip's order; cached: pip sorts slowly."""
        # Empty hashes mean the same as no hashes, so they share a result.
        key = (specifier, hashes or None, frozenset(held))
        if key not in self._known:
            evaluator = judge.evaluator_of(self._finder, self._name, specifier, hashes)
            self._known[key] = evaluator.get_applicable_candidates(self._without(held))
        return self._known[key]

    def chosen(self, candidate: InstallationCandidate) -> Chosen:
        """`candidate` as an explanation names it."""
        supplier = self._offer_of(candidate.link)
        return Chosen(supplier.repository.name, str(candidate.version), filename(candidate.link.url))

    def rejected(self, specifier: SpecifierSet | None, hashes: Hashes | None = None) -> tuple[Rejected, ...]:
        """The rejected files with reasons, the newest first; files that fit, but are older, are not listed."""
        best = self.best(specifier, hashes)
        rejected = [*self._no_candidates(specifier, hashes), *self._passed_over(specifier, hashes)]
        not_best = [file for file in rejected if best is None or file.file != filename(best.link.url)]
        return tuple(sorted(not_best, key=rejections.newest_first, reverse=True))

    def _no_candidates(self, specifier: SpecifierSet | None, hashes: Hashes | None) -> Iterator[Rejected]:
        """The files that are no candidates: by repoprio's filters, by pip's, by age, or by the pin's `versions`.

        If a file does not fit the requirement, that is its reason; other problems of it do not matter.
        """
        held = self._held(hashes)
        candidate_links = {candidate.link for candidate in self._without(held)}
        evaluator = self._finder.make_link_evaluator(self._name)
        for page in (offer.page for offer in self._offers if offer.page):
            yield from (Rejected(file, None, why, Rejection.LINK, is_for_here=False) for file, why in page.dropped)
            for file in page.files:
                if (link := page.link(file)) not in candidate_links:
                    version = version_in(file.filename, self._name, is_version)
                    unfit = rejections.specifier_rejection(link, version, specifier) if version else None
                    why = unfit or rejections.link_rejection(evaluator, link, version)
                    yield why or rejections.age_rejection(link, version, held.get(link)) or self._by_us(link, version)

    def _by_us(self, link: Link, version: str | None) -> Rejected:
        if version and self._kept not in (None, version):
            return Rejected(filename(link.url), version, f"{self._kept} is installed, and stays", Rejection.KEPT)
        if version and not self._may_be(version):
            return Rejected(filename(link.url), version, f"the pin wants {self._versions}", Rejection.PIN)
        if holder := self._outranked.get(link):
            return Rejected(filename(link.url), version, f"{holder} has this version as well", Rejection.OUTRANKED)
        twice = "the same file from a repository that comes first"
        return Rejected(filename(link.url), version, twice, Rejection.TWICE)

    def _passed_over(self, specifier: SpecifierSet | None, hashes: Hashes | None) -> Iterator[Rejected]:
        """The candidates that the requirement excludes by its specifier, its hashes, or PEP 592."""
        held = self._held(hashes)
        let_in = {candidate.link for candidate in self._applicable(specifier, None, held)}
        with_hashes = {candidate.link for candidate in self._applicable(specifier, hashes, held)} if hashes else let_in
        for candidate in self._without(held):
            link = candidate.link
            why = rejections.candidate_rejection(
                candidate,
                specifier,
                is_let_in=link in let_in,
                has_hash=link in with_hashes and rejections.may_have(hashes, link),
            )
            if why is not None:
                yield why
