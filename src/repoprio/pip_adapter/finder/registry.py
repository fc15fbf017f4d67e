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
    """Supplies the candidates of one of pip's finders, instead of pip's own search."""

    def find_best_candidate(
        self, project_name: str, specifier: SpecifierSet | None, hashes: Hashes | None
    ) -> BestCandidateResult:
        """Pip's `BestCandidateResult`."""

    def candidates(self, project_name: str) -> list[InstallationCandidate]:
        """All of pip's candidates for a project."""

    def verify_locked(self, project_name: str, link: Link, hashes: Hashes | None) -> None:
        """Raise `LookupRefused` if a file of a pylock.toml may not be used."""


_GUARDS: Registry[PolicyFinder | None] = Registry()
# Sources that answer instead of a `PolicyFinder`.
_SOURCES: Registry[CandidateSource] = Registry()
# For each InstallRequirement that was prepared: the `PolicyFinder` that found its file.
_SUPPLIERS: Registry[PolicyFinder | None] = Registry()


def guard_of(finder: PackageFinder, *, always: bool = False) -> PolicyFinder | None:
    """The `PolicyFinder` of a `PackageFinder`, None without an enforced policy; `always`: also if it only observes."""

    def make() -> PolicyFinder | None:
        # Imported late: the patches, and this module with them, are loaded while pip itself is being imported.
        from repoprio.pip_adapter.finder.policy_finder import PolicyFinder

        policy = command.policy() if always else command.enforced()
        return PolicyFinder(finder, policy) if policy else None

    return _GUARDS.get_or_make(finder, make)


def guards() -> list[PolicyFinder]:
    """All `PolicyFinder` objects of this process."""
    return [guard for guard in _GUARDS.values() if guard is not None]


def source_of(finder: PackageFinder) -> CandidateSource | None:
    """The source of a `PackageFinder`'s candidates: its `PolicyFinder`, or a replacement; None for pip's own search."""
    return _SOURCES.get(finder) or guard_of(finder)


def put_guard(finder: PackageFinder, guard: PolicyFinder) -> None:
    """Make `guard` answer for `finder` from now on."""
    _GUARDS.put(finder, guard)


def put_source(finder: PackageFinder, source: CandidateSource) -> None:
    """Make `source` answer for `finder` from now on, without a `PolicyFinder`."""
    _GUARDS.put(finder, None)
    _SOURCES.put(finder, source)


def note_guard(req: InstallRequirement, guard: PolicyFinder | None) -> None:
    """Note which `PolicyFinder` found the file of an `InstallRequirement`; the check of wheels needs it."""
    _SUPPLIERS.put(req, guard)


def guard_behind(req: InstallRequirement) -> PolicyFinder | None:
    """The `PolicyFinder` that found the file of an `InstallRequirement`; None without a policy."""
    return _SUPPLIERS.get(req)
