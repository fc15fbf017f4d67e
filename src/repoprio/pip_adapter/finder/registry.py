"""The policy finder of each of pip's finders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repoprio.pip_adapter import command
from repoprio.pip_adapter.registry import Registry

if TYPE_CHECKING:
    from repoprio.pip_adapter.finder.policy_finder import PolicyFinder

_GUARDS: Registry[Any] = Registry()
# Of each InstallRequirement that was prepared: the guard of the finder that found its file.
_SUPPLIERS: Registry[Any] = Registry()


def guard_of(finder: Any, *, always: bool = False) -> PolicyFinder | None:
    """The guard of a `PackageFinder`, None where no policy rules; `always`: where it only observes too."""

    def make() -> PolicyFinder | None:
        # The patches are loaded while pip itself is being imported, and this module with them.
        from repoprio.pip_adapter.finder.policy_finder import PolicyFinder

        found = command.policy() if always else command.enforced()
        return PolicyFinder(finder, found) if found else None

    return _GUARDS.get_or_make(finder, make)  # type: ignore[no-any-return]  # a comparison puts its own in place


def put_guard(finder: Any, guard: Any) -> None:
    """Have `guard` answer for `finder` from now on."""
    _GUARDS.put(finder, guard)


def note_guard(req: Any, guard: PolicyFinder | None) -> None:
    """Note whose finder found the file of an `InstallRequirement`: who installs it asks."""
    _SUPPLIERS.put(req, guard)


def guard_behind(req: Any) -> PolicyFinder | None:
    """The guard of the finder that found the file of an `InstallRequirement`; None for one that no policy rules."""
    return _SUPPLIERS.get(req)
