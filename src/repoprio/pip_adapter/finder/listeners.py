"""Who hears of the decisions that a `PolicyFinder` makes."""

from __future__ import annotations

from typing import Protocol

from repoprio.lookup.project import Decision
from repoprio.names import NormalizedName
from repoprio.pip_adapter.errors import warn
from repoprio.pip_adapter.index.links import PipPage
from repoprio.render import messages


class DecisionListener(Protocol):
    """Hears of each decision once, in the thread that makes it."""

    def before_lookup(self, name: NormalizedName) -> None:
        """`name` is about to be looked up; in flexible mode once for each requirement."""

    def decided(self, decision: Decision[PipPage]) -> None:
        """The lookup came to `decision`."""


class SkipWarnings:
    """Warns of each repository that was skipped."""

    def before_lookup(self, name: NormalizedName) -> None:
        """Nothing is known yet."""

    def decided(self, decision: Decision[PipPage]) -> None:
        """Warn of what was skipped for this name."""
        for finding in decision.findings:
            if finding.skipped:
                warn(messages.skipped_warning(finding.repository, decision.name, finding.reason))


class Silence:
    """Says nothing: pip asks in its own way, and skips nobody."""

    def before_lookup(self, name: NormalizedName) -> None:
        """Nothing is said."""

    def decided(self, decision: Decision[PipPage]) -> None:
        """Nothing is said."""
