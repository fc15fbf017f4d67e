"""The observer of each of pip's finders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.pip_adapter import command
from repoprio.pip_adapter.registry import Registry

if TYPE_CHECKING:
    from repoprio.pip_adapter.observe.observer import Observer
    from repoprio.pip_adapter.protocols.finder import PackageFinder

_OBSERVERS: Registry[Observer] = Registry()


def observer_of(finder: PackageFinder) -> Observer | None:
    """What watches a `PackageFinder` for a policy that only observes, None where none does."""
    found = command.observed()
    if found is None:
        return None
    # The patches are loaded while pip itself is being imported, and this module with them.
    from repoprio.pip_adapter.observe.observer import Observer

    return _OBSERVERS.get_or_make(finder, lambda: Observer(finder, found))
