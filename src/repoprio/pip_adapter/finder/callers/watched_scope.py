"""Matches pip's search scope with the policy again whenever pip has replaced it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.config.pip.indexes import Origin
from repoprio.pip_adapter import log_redaction
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder.callers import search_scope
from repoprio.pip_adapter.index import credentials
from repoprio.policy.locations import spellings
from repoprio.policy.model import Policy
from repoprio.render import unlisted

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import SearchScope
    from repoprio.pip_adapter.protocols.network import SessionAuth


class WatchedScope:
    """The search scope of one finder of pip.

    `noted` says which line named which index. `callers` are the repositories that callers named, as of the last
    refresh.
    """

    def __init__(self, policy: Policy, noted: dict[str, Origin]) -> None:
        self.noted = noted
        self.callers = search_scope.ScopeMatch()
        self._policy = policy
        self._seen: object = None

    def refresh(self, scope: SearchScope, forgotten: int) -> bool:
        """Match `scope` with the policy if it has changed; returns whether it has.

        `forgotten` counts how often pip's caches were cleared; a higher count is a change, too.
        """
        current = (scope, tuple(scope.index_urls), tuple(scope.find_links), forgotten)
        if current == self._seen:
            return False
        self.callers = search_scope.match(self._policy, scope, self.noted)
        log_redaction.install(spellings(login.password or login.user for login in self.callers.logins.values()))
        self._seen = current
        return True

    def check(self, auth: SessionAuth) -> None:
        """Raise `LookupRefused` if the policy refuses an index, or if a login that does not count is the only one."""
        if self.callers.refused:
            raise LookupRefused(unlisted.refusal(self.callers.refused, self._policy))
        carried = credentials.credential_policy(auth).carried
        while carried:
            credentials.demand_login(auth, *carried[-1])
            carried.pop()
