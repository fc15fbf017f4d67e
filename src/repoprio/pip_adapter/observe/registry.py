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
    """The observer of a `PackageFinder`; None if the policy does not only observe."""
    policy = command.observed()
    if policy is None:
        return None
    # Imported late: the patches, and this module with them, are loaded while pip itself is being imported.
    from repoprio.pip_adapter.observe.observer import Observer

    return _OBSERVERS.get_or_make(finder, lambda: Observer(finder, policy))
