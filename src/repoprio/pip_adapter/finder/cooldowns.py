"""Says how old the files of an owner must be, and warns if clocks disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.environments.child_script import IS_CHILD
from repoprio.lookup.cooldown import Wait, wait_for
from repoprio.lookup.events import RepositoryResult
from repoprio.lookup.project import Decision
from repoprio.pip_adapter.errors import warn
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.registry import Registry
from repoprio.policy.model import Policy
from repoprio.render.messages import notices

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import PipSession

# For each session: the repositories for which the warning about their clock was printed.
_WARNED: Registry[set[str]] = Registry()


def waits(policy: Policy, decision: Decision[PipPage], session: PipSession) -> dict[str, Wait]:
    """How old files must be, by the repositories that offer them; warns once if a server's clock disagrees."""
    by_repository: dict[str, Wait] = {}
    for offer in decision.offers:
        if wait := wait_for(policy, decision.route, offer.repository):
            by_repository[offer.repository.name] = wait
            _compare_clocks(offer, session)
    return by_repository


def _compare_clocks(offer: RepositoryResult[PipPage], session: PipSession) -> None:
    clocks = offer.page.clocks if offer.page else None
    warned = _WARNED.get_or_make(session, set)
    if clocks and clocks.is_disagreement and offer.repository.name not in warned and not IS_CHILD:
        warned.add(offer.repository.name)
        warn(notices.clocks_warning(offer.repository, clocks))
