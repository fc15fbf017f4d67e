"""What the scout knows of one project, and what its looks leave behind in pip's finder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repoprio.names import NormalizedName

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import PackageFinder

Bound = tuple[Any, frozenset[str]]


class ScoutedProject:
    """What is known of one project.

    `bounds` are by who has them; `choice` is the key of the candidate that pip would take, and `needs` what it depends
    on, as far as that is known; `rejected` are the versions that the resolver has found impossible.
    """

    def __init__(self) -> None:
        self.bounds: dict[NormalizedName | None, Bound] = {}
        self.is_asked = False
        self.is_served = False
        self.is_direct = False
        self.choice: str | None = None
        self.version: Any = None
        self.taken: Any = None
        self.turns = 0
        self.is_walking = False
        self.needs: tuple[NormalizedName, ...] = ()
        self.expanded: tuple[str, frozenset[str]] | None = None
        self.rejected: frozenset[str] = frozenset()
        # Versions whose metadata cannot be read, or is not for this Python: pip passes over these.
        self.unusable: set[str] = set()
        self.metadata: dict[str, Any] = {}

    @property
    def extras(self) -> frozenset[str]:
        """The extras that anybody wants of it."""
        return frozenset().union(*(extras for _, extras in self.bounds.values()))


class SkippedLinks:
    """What pip's finder notes of the links that it skips while the scout looks, kept from pip until it looks itself.

    Where nothing fits, pip tells which versions need another Python: of all projects that it has looked at.
    """

    def __init__(self, finder: PackageFinder) -> None:
        self._finder = finder
        # In the newest pips versions for another Python alone, in those before all links.
        self._notes = [name for name in ("_requires_python_skipped", "_logged_links") if hasattr(finder, name)]
        self._kept: dict[tuple[NormalizedName, str], set[object]] = {}

    @contextlib.contextmanager
    def kept(self, name: NormalizedName) -> Iterator[None]:
        """Meanwhile what the finder notes is of `name`, and set aside."""
        pips = {note: getattr(self._finder, note) for note in self._notes}
        for note in pips:
            setattr(self._finder, note, set())
        try:
            yield
        finally:
            for note, before in pips.items():
                self._kept.setdefault((name, note), set()).update(getattr(self._finder, note) - before)
                setattr(self._finder, note, before)

    def hand_over(self, name: NormalizedName) -> None:
        """Note for pip what was set aside of `name`: it looks by now."""
        for note in self._notes:
            getattr(self._finder, note).update(self._kept.pop((name, note), ()))
