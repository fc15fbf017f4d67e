"""What the finders of one session of pip share: the memory of the run, and its pages; and what a late login changes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TYPE_CHECKING

from repoprio.environments.child_script import IS_CHILD
from repoprio.lookup.events import RepositoryResult, RepositoryState
from repoprio.lookup.memory import Memory, RunMemory
from repoprio.lookup.project import Decision
from repoprio.names import NormalizedName
from repoprio.pip_adapter import progress
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.index import handed, login_sources
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.registry import Registry
from repoprio.policy.locations import variable_of
from repoprio.policy.model import Mode, Policy, Repository
from repoprio.policy.routing import Route
from repoprio.render.messages import notices

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import PipSession

DecisionKey = tuple[object, ...]
Again = Callable[[], Decision[PipPage]]
_MEMORIES: Registry[tuple[Memory[PipPage], Pages]] = Registry()


def of(session: PipSession, policy: Policy) -> tuple[Memory[PipPage], Pages]:
    """The memory and pages of `session`, made for `policy` when they are first needed.

    They belong to the session because they depend on its retries and logins.
    """

    def make() -> tuple[Memory[PipPage], Pages]:
        if policy.mode is not Mode.OBSERVE and not IS_CHILD:
            login_sources.warn_of_netrc()
        pages = Pages(weakref.proxy(session), policy)
        pages.ahead.progress = progress.line_of(session)
        if policy.fetch_ahead:
            handed.hand_out(session, pages.metadata)
        return RunMemory[PipPage](policy, Lock()), pages

    return _MEMORIES.get_or_make(session, make)


def drop_doubtful_answers(session: PipSession) -> int:
    """Drop answers from before their site asked for a login, or got one; returns how often there were any so far."""
    known = _MEMORIES.get(session)
    if known is None:
        return 0
    memory, pages = known
    before, now = pages.forgotten, pages.forget_doubtful()
    if now != before:
        # A project list or a canary may have been another one without a login.
        _MEMORIES.put(session, (RunMemory[PipPage](memory.policy, Lock()), pages))
    return now


class Decisions:
    """The decisions of one finder; and those from before a site asked for a login, which are made again.

    Such a site may have said "absent" because it hides what it has from those without a login, and pip may rely on it.
    """

    def __init__(self) -> None:
        self._made: dict[DecisionKey, tuple[Decision[PipPage], Again]] = {}
        self._doubtful: list[tuple[Decision[PipPage], Again]] = []
        self._times_dropped = 0
        self._is_busy = False

    def get(self, key: DecisionKey) -> Decision[PipPage] | None:
        """The decision of `key`; None if it was not made yet."""
        entry = self._made.get(key)
        return entry[0] if entry else None

    def keep(self, key: DecisionKey, decision: Decision[PipPage], again: Again) -> None:
        """Keep a decision; `again` makes it once more."""
        self._made[key] = decision, again

    def of(self, name: NormalizedName) -> Iterator[Decision[PipPage]]:
        """The decisions for a name."""
        return (decision for key, (decision, _) in self._made.items() if key[0] == name)

    def clear(self) -> None:
        """Forget them."""
        self._made.clear()

    def doubt(self, times_dropped: int) -> bool:
        """Doubt all decisions if answers were dropped since the last call; returns whether any were."""
        if times_dropped == self._times_dropped:
            return False
        self._times_dropped = times_dropped
        self._doubtful += self._made.values()
        self.clear()
        return True

    def confirm(self, help_text: str | None) -> None:
        """Make the doubtful ones again; raise `LookupRefused` if a repository now says something else."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._doubtful:
                # Further ones come behind it, if another site asks for a login meanwhile.
                before, again = self._doubtful[0]
                changed = _changed(before, again())
                if changed:
                    refused = notices.late_login(before.name, changed, variable_of(changed.name), help_text)
                    raise LookupRefused(refused)
                del self._doubtful[0]
        finally:
            self._is_busy = False


def _changed(before: Decision[PipPage], now: Decision[PipPage]) -> Repository | None:
    """The first repository that says something else now; None if there is none.

    A lower one that is not asked any more has said nothing else.
    """
    said = {result.repository.name: result for result in before.results}
    looks_at_versions = isinstance(now.route, Route) and now.route.mode.looks_at_versions
    for new in now.results:
        old = said.get(new.repository.name, new)
        if new.state is not RepositoryState.NOT_ASKED and _differ(old, new, looks_at_versions):
            return new.repository
    if _names(before.owners) != _names(now.owners):
        return (now.owners or before.owners)[0].repository
    return None


def _differ(old: RepositoryResult[PipPage], new: RepositoryResult[PipPage], looks_at_versions: bool) -> bool:
    if (old.state, old.passed_over) != (new.state, new.passed_over):
        return True
    return looks_at_versions and old.page is not new.page and _weighed(old.page) != _weighed(new.page)


def _weighed(page: PipPage | None) -> frozenset[tuple[object, ...]]:
    """What is weighed of a page's files. URLs are not: they may have a token that is another one in each answer."""
    files = page.files if page else ()
    return frozenset((file.filename, file.requires_python, file.yanked, file.upload_time) for file in files)


def _names(results: tuple[RepositoryResult[PipPage], ...]) -> list[str]:
    return [result.repository.name for result in results]
