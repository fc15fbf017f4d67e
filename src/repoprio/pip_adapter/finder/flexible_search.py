"""The state of a search in flexible mode: which tiers serve which projects, and how far down it may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.justification import Reach
from repoprio.lookup.project import Decision
from repoprio.names import NormalizedName
from repoprio.pip_adapter.compat import is_version
from repoprio.pip_adapter.finder.placeholder import PlaceholderDistribution
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.requirements import project_of
from repoprio.simple_api.filenames import version_in
from repoprio.urls import filename

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.links import Link
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


class Tiers:
    """The tiers, by priority, that were found to serve each project of flexible mode."""

    def __init__(self) -> None:
        self._serving: dict[NormalizedName, dict[int, dict[str, RepositoryResult[PipPage]]]] = {}

    def note(self, decision: Decision[PipPage]) -> None:
        """Note which tiers serve the project of a decision."""
        tiers = self._serving.setdefault(decision.name, {})
        for result in decision.of(RepositoryState.SERVES):
            tiers.setdefault(result.repository.priority, {})[result.repository.name] = result

    def top(self, name: NormalizedName) -> int | None:
        """The highest tier that serves `name`; None if it was not looked up in flexible mode, or no tier does."""
        return min(self._serving.get(name, {}), default=None)

    def of_link(self, name: NormalizedName, link: Link) -> int | None:
        """The highest tier that lists `link`; None for a direct URL, which no page lists."""
        for tier, results in sorted(self._serving.get(name, {}).items()):
            if any(result.page and result.page.lists(link) for result in results.values()):
                return tier
        return None

    def suppliers(self, name: NormalizedName, tier: int) -> str:
        """The repositories of a tier that serve `name`, as text for a message."""
        return " and ".join(str(result.repository) for result in self._serving[name][tier].values())

    def is_lower(self, name: NormalizedName, link: Link) -> bool:
        """Whether `link` comes from a lower tier than the highest one that serves `name`."""
        top, tier = self.top(name), self.of_link(name, link)
        return top is not None and tier is not None and tier > top


class Search:
    """One search for versions: how far down it may go, and which sdists of lower tiers may be built.

    Preparing an sdist runs its code. So an sdist of a lower tier counts as having no dependencies until a whole
    resolution with it is justified; only then is it built, and the search goes on with its real dependencies.
    """

    def __init__(self) -> None:
        self.reach = Reach()
        self.waiting: set[str] = set()
        self._permitted: set[str] = set()

    def opened_below(self, name: NormalizedName, tier: int) -> list[int]:
        """The tiers below `tier` that this search has opened for `name`, down to the lowest one that it allows."""
        opened = sorted(self.reach.opened.get(name, ()))
        return [lower for lower in opened if tier < lower <= self.reach.caps.get(name, lower)]

    def stand_in(self, req: InstallRequirement, tiers: Tiers) -> PlaceholderDistribution | None:
        """The placeholder for an sdist that may not be built yet; None for anything else that pip prepares."""
        link = req.link
        if req.original_link is not None or link is None or link.is_wheel or link.url in self._permitted:
            return None
        name = project_of(req)
        if not tiers.is_lower(name, link):
            return None
        self.waiting.add(link.url)
        return PlaceholderDistribution(name, version_in(filename(link.url), name, is_version))

    def permit(self, link: Link) -> bool:
        """Allow the sdist at `link` to be built; returns whether it was waiting for that."""
        is_waiting = link.url in self.waiting
        if is_waiting:
            self.waiting.discard(link.url)
            self._permitted.add(link.url)
        return is_waiting
