"""What repositories offer, as pip's own candidates, filtered and ranked by pip's own rules."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pip._vendor.packaging.specifiers import SpecifierSet

from repoprio.answers import Finding
from repoprio.explanation import Chosen, Rejected
from repoprio.names import NormalizedName, version_in
from repoprio.pip_adapter.compat import is_pinned, is_version
from repoprio.pip_adapter.reading import PipPage
from repoprio.urls import filename

Offers = tuple[Finding[PipPage], ...]


class Weighed:
    """The offers of one tier for one name; `versions` is the specifier of a pin that narrows them."""

    def __init__(self, finder: Any, name: NormalizedName, offers: Offers, versions: str | None) -> None:
        self._finder = finder
        self._name = name
        self._offers = offers
        self._versions = SpecifierSet(versions) if versions else None

    @cached_property
    def candidates(self) -> list[Any]:
        """Pip's candidates.

        The same file name twice counts once: the repository that the policy names first. Of equals pip
        prefers the last, so the first-named repository stands last.
        """
        evaluator = self._finder.make_link_evaluator(self._name)
        seen: set[str] = set()
        groups = []
        for offer in self._offers:
            links = [link for link in offer.page.links if filename(link.url) not in seen] if offer.page else []
            seen |= {filename(link.url) for link in links}
            groups.append(self._finder.evaluate_links(evaluator, links))
        return [c for group in reversed(groups) for c in group if self._may_be(str(c.version))]

    def _may_be(self, version: str) -> bool:
        return self._versions is None or self._versions.contains(version, prereleases=True)

    def best(self, specifier: Any, hashes: Any = None) -> Any:
        """The candidate that pip's resolver would try first, or None.

        As in its factory: the last of the applicable ones; yanked ones only if all are and one
        version is asked for (PEP 592).
        """
        evaluator = self._finder.make_candidate_evaluator(self._name, specifier=specifier, hashes=hashes)
        applicable = evaluator.get_applicable_candidates(self.candidates)
        standing = [candidate for candidate in applicable if not candidate.link.is_yanked]
        if not standing and is_pinned(specifier):
            standing = applicable
        return standing[-1] if standing else None

    def chosen(self, candidate: Any) -> Chosen:
        """`candidate` as an explanation names it."""
        supplier = next(o for o in self._offers if o.page and candidate.link in o.page.links)
        return Chosen(supplier.repository.name, str(candidate.version), filename(candidate.link.url))

    def rejected(self) -> tuple[Rejected, ...]:
        """The files that are no candidates, and why, in pip's own words where it has any; yanked ones too."""
        taken = {candidate.link for candidate in self.candidates}
        found = []
        for page in (offer.page for offer in self._offers if offer.page):
            found += [self._rejection(link) for link in page.links if link not in taken]
            found += [Rejected(file, None, why) for file, why in page.dropped]
        yanked = [candidate for candidate in self.candidates if candidate.link.is_yanked]
        for candidate in yanked:
            why = f"yanked: {candidate.link.yanked_reason or 'no reason given'}"
            found.append(Rejected(filename(candidate.link.url), str(candidate.version), why))
        return tuple(found)

    def _rejection(self, link: Any) -> Rejected:
        file = filename(link.url)
        version = version_in(file, self._name, is_version)
        kind, detail = self._finder.make_link_evaluator(self._name).evaluate_link(link)
        # An enumeration since pip 22.3, a truth value before.
        if getattr(kind, "name", kind) not in ("candidate", True):
            return Rejected(file, version, detail)
        if version and not self._may_be(version):
            return Rejected(file, version, f"the policy wants {self._versions}")
        return Rejected(file, version, "the same file of a repository that is named first")
