"""Logins: keeps each at its site, and prompts only on a terminal.

This module is loaded while pip is being imported, so it imports nothing of pip at the top.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from repoprio.dataclass import dataclass
from repoprio.pip_adapter import log_redaction
from repoprio.pip_adapter.registry import Registry
from repoprio.policy.locations import spellings, variable_of
from repoprio.policy.model import Policy, Repository
from repoprio.redaction import redact_url
from repoprio.render.messages import notices
from repoprio.render.messages.model import Message
from repoprio.urls import Site, credentials, site, without_credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import SessionAuth


Pair = tuple[str, str]
# User and password; None for one that is not known.
Found = tuple["str | None", "str | None"]
# A person's answer: user, password, and whether keyring should keep them.
Answer = tuple["str | None", "str | None", bool]


@dataclass(frozen=True)
class Login:
    """Credentials for one repository's site, and where they came from."""

    site: Site
    user: str
    password: str = field(repr=False)
    origin: str

    @property
    def pair(self) -> Pair:
        """User name and password."""
        return self.user, self.password


class CredentialPolicy:
    """Which logins one of pip's sessions may send where, and how long a person was asked for one.

    `sites` are the sites of the policy, each with a repository there; `hosts` are all its hosts. `logins` are those of
    the policy and of callers; `given` those in all other URLs that the user wrote. A login in any other URL, such as
    one of a file, does not count for a site of the policy: `carried` has these URLs, each with the line that named it,
    and no name is looked up until there is another login for each. `refused` are the sites that answered a request
    with 401, `late` those of them that then got a login. `answer` is the login that a person entered last.
    """

    def __init__(self) -> None:
        self.logins: tuple[Login, ...] = ()
        self.given: tuple[Login, ...] = ()
        self.sites: Mapping[Site, Repository] = {}
        self.hosts: frozenset[str] = frozenset()
        self.help: str | None = None
        self.answer: Pair | None = None
        self.refused: set[Site] = set()
        self.late: set[Site] = set()
        self.carried: list[tuple[str, str]] = []
        # A prompt runs in the deciding thread: Ctrl-C reaches only that one, which then restores the terminal.
        self.in_deciding_thread: Callable[[Callable[[], Answer]], Answer] = lambda prompt: prompt()
        self._asking_since: float | None = None
        self._asked = 0.0

    def clock(self) -> float:
        """A clock in seconds, which stops while a person is asked."""
        return (self._asking_since or time.monotonic()) - self._asked

    def ask(self, prompt: Callable[[], Answer]) -> Answer:
        """A person's answer to `prompt`; raises `NoTerminal` if there is no terminal."""
        if not os.isatty(0):
            raise NoTerminal
        self._asking_since = time.monotonic()
        try:
            answer = self.in_deciding_thread(prompt)
        finally:
            self._asked += time.monotonic() - self._asking_since
            self._asking_since = None
        self.answer = (answer[0], answer[1] or "") if answer[0] else None
        return answer

    def repository_at(self, url: str) -> Repository | None:
        """The repository of the policy that shares its login with `url` in pip; None if there is none."""
        try:
            here = site(url)
        except ValueError:
            return None
        sharing = (repository for known_site, repository in self.sites.items() if known_site.shares_logins(here))
        return next(sharing, None)

    def bare(self, url: str) -> str:
        """`url`, without its login if that is for a site of the policy but not from the policy or the user."""
        pair = credentials(url)
        if pair is None or self.repository_at(url) is None or self._is_known(pair, site(url)):
            return url
        return without_credentials(url)

    def take_out(self, url: str, origin: str) -> str:
        """The result of `bare` for `url`, which `origin` names; if it lost its login, another one is required."""
        bare = self.bare(url)
        if bare != url:
            self.carried.append((bare, origin))
        return bare

    def _is_known(self, pair: Pair, here: Site) -> bool:
        return any(login.pair == pair and login.site.is_own(here) for login in (*self.logins, *self.given))

    def own_login(self, url: str, sent: object) -> Pair | None:
        """A login of the policy or a caller for the site of `url`, preferably `sent`; None if there is none."""
        here = site(url)
        known = [login.pair for login in self.logins if login.site.is_own(here)]
        return next((pair for pair in known if pair == sent), next(iter(known), None))

    def covers(self, host: str) -> bool:
        """Whether ``--trusted-host HOST`` makes pip trust a host of the policy, or may."""
        if "*" in host or "/" in host:
            # pip takes * for all hosts, and ADDRESS/BITS for a network.
            return True
        bracketed = f"[{host}]" if host.count(":") > 1 and "[" not in host else host
        try:
            name = urlsplit(f"//{bracketed}").hostname or ""
        except ValueError:
            return True
        return _one_spelling(name) in self.hosts

    def refusal(self, url: str, origin: str | None = None) -> Message:
        """The message that says why `url` is not asked: it carries the only login for a repository."""
        repository = self.repository_at(url)
        assert repository is not None
        return notices.foreign_login(redact_url(url), repository, variable_of(repository.name), origin, self.help)

    def may_send(self, url: str, pair: Found) -> bool:
        """Whether `pair` may go to `url`: pip compares only host and port, so http would get a login for https."""
        sent = (pair[0] or "", pair[1] or "")
        here = site(url)
        if sent == ("", "") or credentials(url) == sent:
            return True
        owners = {login.site for login in self.logins if login.pair == sent and login.site.host == here.host}
        # Logins of netrc and keyring belong to a host; if it is one of the policy's, only sites of the policy get them.
        known = owners or {known_site for known_site in self.sites if known_site.host == here.host}
        return not known or any(known_site.is_own(here) for known_site in known)


def _one_spelling(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


class NoTerminal(Exception):
    """A person should be asked for a login, but there is no terminal."""


_POLICIES: Registry[CredentialPolicy] = Registry()


def credential_policy(auth: SessionAuth) -> CredentialPolicy:
    """The credential policy of a session's `MultiDomainBasicAuth`; made if there is none."""
    return _POLICIES.get_or_make(auth, CredentialPolicy)


def share_credential_policy(auth: SessionAuth, other: SessionAuth) -> None:
    """Give `other` the credential policy of `auth`, if that has one."""
    if shared := known_credential_policy(auth):
        _POLICIES.put(other, shared)


def known_credential_policy(auth: SessionAuth) -> CredentialPolicy | None:
    """The credential policy of a session's `MultiDomainBasicAuth`; None if there is none."""
    return _POLICIES.get(auth)


def keep(auth: SessionAuth, policy: Policy, texts: Iterable[str] = ()) -> CredentialPolicy:
    """The credential policy of a session, filled in from `policy` and from `texts` that the user wrote."""
    logins = credential_policy(auth)
    places = [(r, location) for r in policy.repositories for location in r.locations if not location.unset]
    logins.sites = {site(location.url): r for r, location in reversed(places)}
    # The server of the ownership memory says which names are closed.
    memory = [site(policy.ownership)] if policy.ownership and "://" in policy.ownership else []
    logins.hosts = frozenset(_one_spelling(known_site.host) for known_site in (*logins.sites, *memory))
    logins.help = policy.help
    if not logins.logins:
        pairs = ((location, location.user) for _, location in places)
        logins.logins = tuple(
            Login(site(of.url), user, of.password, "the policy") for of, user in pairs if user is not None
        )
    written = tuple(_logins_in(texts))
    logins.given = (*logins.given, *written)
    # pip 22.0 prints the login of a direct URL.
    log_redaction.install(spellings(login.password or login.user for login in written))
    return logins


def _logins_in(texts: Iterable[str]) -> Iterator[Login]:
    for url in (url for text in texts for url in re.findall(r"(?i)\bhttps?://\S+", text)):
        with contextlib.suppress(ValueError):
            if pair := credentials(url):
                yield Login(site(url), *pair, "a URL that you gave")


def elsewhere(auth: SessionAuth, url: str) -> Pair | None:
    """A login for `url` from the policy, the user, netrc or keyring; None if there is none."""
    logins, here = credential_policy(auth), site(url)
    known = next((login.pair for login in (*logins.logins, *logins.given) if login.site.is_own(here)), None)
    if known:
        return known
    # pip asks keyring only after a 401, but some servers answer 404 without a login.
    uses_keyring = bool(getattr(auth, "use_keyring", auth.prompting))
    user, password = auth._get_new_credentials(url, allow_netrc=True, allow_keyring=uses_keyring)
    if user is None and password is None:
        return None
    login = (user or "", password or "")
    auth.passwords[urlsplit(url).netloc] = login
    return login


def demand_login(auth: SessionAuth, url: str, origin: str) -> None:
    """Raise `LookupRefused` if the repository at `url` has no login but that in `url`, which does not count.

    `origin` is the line that names `url`.
    """
    from repoprio.pip_adapter.errors import LookupRefused

    logins = credential_policy(auth)
    repository, here = logins.repository_at(url), site(url)
    urls = [location.url for location in repository.locations] if repository else []
    places = [place for place in urls if site(place).shares_logins(here)]
    if any(elsewhere(auth, place) is None for place in places):
        raise LookupRefused(logins.refusal(url, origin))


def basic(header: str) -> Pair | None:
    """User name and password in an Authorization header; None if it is not Basic."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    user, _, password = base64.b64decode(encoded).decode("utf-8", "replace").partition(":")
    return user, password
