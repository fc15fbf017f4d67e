"""The policy finder of each of pip's finders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from repoprio.pip_adapter import command
from repoprio.pip_adapter.registry import Registry

if TYPE_CHECKING:
    from repoprio.pip_adapter.finder.policy_finder import PolicyFinder
    from repoprio.pip_adapter.protocols.finder import BestCandidateResult, PackageFinder
    from repoprio.pip_adapter.protocols.links import Hashes, InstallationCandidate, Link, SpecifierSet
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


class CandidateSource(Protocol):
    """Where one of pip's finders gets its candidates from, in the place of pip's own search."""

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None, hashes: Hashes | None
    ) -> BestCandidateResult:
        """Pip's `BestCandidateResult`."""

    def candidates(self, project_name: str) -> list[InstallationCandidate]:
        """All of pip's candidates for a project."""

    def verify_locked(self, project_name: str, link: Link, hashes: Hashes | None) -> None:
        """Raise `LookupRefused` where a file of a pylock.toml may not be taken."""


_GUARDS: Registry[PolicyFinder | None] = Registry()
# What answers in the place of a guard.
_SOURCES: Registry[CandidateSource] = Registry()
# Of each InstallRequirement that was prepared: the guard of the finder that found its file.
_SUPPLIERS: Registry[PolicyFinder | None] = Registry()


def guard_of(finder: PackageFinder, *, always: bool = False) -> PolicyFinder | None:
    """The guard of a `PackageFinder`, None where no policy rules; `always`: where it only observes too."""

    def make() -> PolicyFinder | None:
        # The patches are loaded while pip itself is being imported, and this module with them.
        from repoprio.pip_adapter.finder.policy_finder import PolicyFinder

        policy = command.policy() if always else command.enforced()
        return PolicyFinder(finder, policy) if policy else None

    return _GUARDS.get_or_make(finder, make)


def guards() -> list[PolicyFinder]:
    """The guards of all of this process's finders."""
    return [guard for guard in _GUARDS.values() if guard is not None]


def source_of(finder: PackageFinder) -> CandidateSource | None:
    """Where a `PackageFinder` gets its candidates from: its guard, or what stands in its place; None: from pip."""
    return _SOURCES.get(finder) or guard_of(finder)


def put_guard(finder: PackageFinder, guard: PolicyFinder) -> None:
    """Have `guard` answer for `finder` from now on."""
    _GUARDS.put(finder, guard)


def put_source(finder: PackageFinder, source: CandidateSource) -> None:
    """Have `source` answer for `finder` from now on, which no guard rules then."""
    _GUARDS.put(finder, None)
    _SOURCES.put(finder, source)


def note_guard(req: InstallRequirement, guard: PolicyFinder | None) -> None:
    """Note whose finder found the file of an `InstallRequirement`: who installs it asks."""
    _SUPPLIERS.put(req, guard)


def guard_behind(req: InstallRequirement) -> PolicyFinder | None:
    """The guard of the finder that found the file of an `InstallRequirement`; None for one that no policy rules."""
    return _SUPPLIERS.get(req)
