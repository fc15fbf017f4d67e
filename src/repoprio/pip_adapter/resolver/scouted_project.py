"""What the scout knows about one project, and the traces of its searches in pip's finder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repoprio.names import NormalizedName

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import PackageFinder

Bound = tuple[Any, frozenset[str]]


class ScoutedProject:
    """What is known about one project.

    `bounds` has the specifier and extras that each parent requires (None: the user). `choice` is the key of the
    candidate that pip would take, `version` its version, `needs` its dependencies, if known, and `expanded` the choice
    and extras for which they were read. `taken` is the version that the resolver has taken; `rejected` are the versions
    that it found impossible. `turns` counts choices since then. `is_direct`: it comes from a URL. `is_walking`: the
    resolver tries one version after the other. `metadata` has the distributions by the key of the candidate.
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
        # Versions whose metadata is unreadable or not for this Python: pip skips them.
        self.unusable: set[str] = set()
        self.metadata: dict[str, Any] = {}

    @property
    def extras(self) -> frozenset[str]:
        """The extras that any parent requires."""
        return frozenset().union(*(extras for _, extras in self.bounds.values()))


class SkippedLinks:
    """Keeps what pip's finder notes about skipped links during the scout's searches, until pip searches itself.

    If nothing fits, pip reports versions for another Python from these notes, for all projects that it looked at.
    """

    def __init__(self, finder: PackageFinder) -> None:
        self._finder = finder
        # New pips note only versions for another Python, older ones all skipped links.
        self._notes = [name for name in ("_requires_python_skipped", "_logged_links") if hasattr(finder, name)]
        self._kept: dict[tuple[NormalizedName, str], set[object]] = {}

    @contextlib.contextmanager
    def kept(self, name: NormalizedName) -> Iterator[None]:
        """A context in which the finder's notes are about `name`, and are set aside."""
        notes_of_pip = {note: getattr(self._finder, note) for note in self._notes}
        for note in notes_of_pip:
            setattr(self._finder, note, set())
        try:
            yield
        finally:
            for note, before in notes_of_pip.items():
                self._kept.setdefault((name, note), set()).update(getattr(self._finder, note) - before)
                setattr(self._finder, note, before)

    def hand_over(self, name: NormalizedName) -> None:
        """Give pip the notes about `name` that were set aside, because it searches now."""
        for note in self._notes:
            getattr(self._finder, note).update(self._kept.pop((name, note), ()))
