"""The logins of the policy's repositories, and which of them pip gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from repoprio.lookup.events import FetchRequest
from repoprio.pip_adapter.index import credentials, login_sources
from repoprio.pip_adapter.index.credentials import Login, Pair
from repoprio.policy.locations import variable_of
from repoprio.policy.model import Location, Policy, Repository
from repoprio.urls import Site, site, with_credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import PipSession


class RepositoryLogins:
    """The logins of repositories in one of pip's sessions; `of_callers` are those of pip's options, by repository."""

    def __init__(self, session: PipSession, policy: Policy) -> None:
        self._session = session
        self._policy = policy
        self.of_callers: dict[str, Login] = {}
        # What `settle` gave pip, and for which logins; and for a repository and a site whether there is one login.
        self._settled: tuple[tuple[object, ...], dict[str, Login]] | None = None
        self._one_login: dict[tuple[str, Site], bool] = {}

    def of(self, repository: Repository, location: Location) -> Login | None:
        """The login for one location: the policy's, else a caller's for the same site; None if there is none."""
        if location.unset:
            return None
        here = site(location.url)
        if location.user is not None:
            return Login(here, location.user, location.password, self._origin(repository))
        known = self.of_callers.get(repository.name)
        return known if known and known.site == here else None

    def url_of(self, repository: Repository, location: Location) -> str:
        """The URL of one location, with its login if it has one."""
        login = self.of(repository, location)
        return with_credentials(location.url, login.user, login.password) if login else location.url

    def origin_of(self, ask: FetchRequest, sent: Pair) -> str:
        """Where the login `sent` came from: pip may send that of another repository on the same host."""
        here = self.of(ask.repository, ask.location)
        given = credentials.credential_policy(self._session.auth).given
        logins = [*([here] if here else []), *self._all(), *given]
        known = next((login.origin for login in logins if login.pair == sent), None)
        return known or login_sources.other_origin(self._session.auth, ask.location.url, sent)

    def is_one_at(self, ask: FetchRequest) -> bool:
        """Whether all repositories at this site have the same login, or none: pip keeps one login for a host."""
        key = ask.repository.name, site(ask.location.url)
        # Kept before it is filled: `settle` replaces it once there are other logins.
        known = self._one_login
        if key not in known:
            known[key] = self._find_whether_one(ask)
        return known[key]

    def settle(self) -> None:
        """Tell pip the policy's URLs with their logins, for files of the same site, and which logins may go where."""
        # pip replaces its URLs whenever a requirements file names an index.
        if not self._is_settled():
            auth = self._session.auth
            self._one_login = {}
            auth.index_urls = [self.url_of(*place) for place in self._places()]
            logins = credentials.keep(auth, self._policy)
            logins.logins = tuple(self._all())
            self._settled = (auth.index_urls, logins, logins.logins), dict(self.of_callers)

    def _origin(self, repository: Repository) -> str:
        rule = self._policy.rule(f"repositories.{repository.name}.url")
        prefix = variable_of(repository.name)
        variables = [name for name in (f"{prefix}_USERNAME", f"{prefix}_PASSWORD") if os.environ.get(name)]
        return " and ".join(variables) or str(rule)

    def _places(self) -> list[tuple[Repository, Location]]:
        return [(repository, location) for repository in self._policy.enabled() for location in repository.locations]

    def _all(self) -> Iterator[Login]:
        return (login for place in self._places() if (login := self.of(*place)))

    def _find_whether_one(self, ask: FetchRequest) -> bool:
        here = site(ask.location.url)
        others = [place for place in self._places() if not place[1].unset and site(place[1].url).shares_logins(here)]
        logins = [self.of(*place) for place in ((ask.repository, ask.location), *others)]
        return len({login.pair if login else None for login in logins}) == 1

    def _is_settled(self) -> bool:
        if self._settled is None:
            return False
        settled, of_callers = self._settled
        logins = credentials.credential_policy(self._session.auth)
        now = self._session.auth.index_urls, logins, logins.logins
        return of_callers == self.of_callers and all(
            before is after for before, after in zip(settled, now, strict=True)
        )
