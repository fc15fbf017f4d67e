"""Listeners for the decisions of a `PolicyFinder`."""

from __future__ import annotations

from typing import Protocol

from repoprio.lookup.project import Decision
from repoprio.names import NormalizedName
from repoprio.pip_adapter.errors import warn
from repoprio.pip_adapter.index.links import PipPage
from repoprio.render.messages import notices


class DecisionListener(Protocol):
    """An object that is called once for each decision, in the thread that makes it."""

    def before_lookup(self, name: NormalizedName) -> None:
        """`name` is about to be looked up; in flexible mode once for each requirement."""

    def decided(self, decision: Decision[PipPage]) -> None:
        """The lookup ended with `decision`."""


class SkipWarnings:
    """Warns about each repository that was skipped."""

    def before_lookup(self, name: NormalizedName) -> None:
        """Do nothing."""

    def decided(self, decision: Decision[PipPage]) -> None:
        """Warn about repositories that were skipped for this name."""
        for result in decision.results:
            if result.skipped:
                warn(notices.skipped_warning(result.repository, decision.name, result.reason))


class Silence:
    """Prints nothing, for lookups that are not the user's own."""

    def before_lookup(self, name: NormalizedName) -> None:
        """Print nothing."""

    def decided(self, decision: Decision[PipPage]) -> None:
        """Print nothing."""
