"""Logins: whose they are, and pip's own way to send them, kept to their sites and away from a missing terminal.

Loaded while pip itself is being imported: so nothing of pip is imported here at the top.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import ipaddress
import os
import re
import threading
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
from repoprio.render import messages
from repoprio.urls import Site, credentials, site, without_credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import HttpResponse, SessionAuth


Pair = tuple[str, str]
# None where nothing is known.
Found = tuple["str | None", "str | None"]
# What a person says: user, password, and whether keyring is to keep them.
Answer = tuple["str | None", "str | None", bool]
_THIS_THREAD = threading.local()


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
    """What one of pip's sessions may send where, and how long a person was asked for a login.

    `sites` are the policy's, each with a repository there; `logins` are the policy's and the callers', `given` those
    of all other URLs that the user wrote. What another URL carries is no login for a site of the policy.
    `refused` are the sites that answered a request with 401. `carried` are the URLs whose logins do not count, each
    with the line that named it: nothing is looked up until there is another for each.
    """

    def __init__(self) -> None:
        self.logins: tuple[Login, ...] = ()
        self.given: tuple[Login, ...] = ()
        self.sites: Mapping[Site, Repository] = {}
        self.help: str | None = None
        self.answer: Pair | None = None
        self.refused: set[Site] = set()
        self.carried: list[tuple[str, str]] = []
        # Ctrl-C reaches one thread: there the terminal is set right again after a prompt.
        self.in_deciding_thread: Callable[[Callable[[], Answer]], Answer] = lambda prompt: prompt()
        self._asking_since: float | None = None
        self._asked = 0.0

    def clock(self) -> float:
        """Seconds; it stands still while a person is asked."""
        return (self._asking_since or time.monotonic()) - self._asked

    def ask(self, prompt: Callable[[], Answer]) -> Answer:
        """Ask a person; raises `NoTerminal` where there is none."""
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
        """The policy's repository for which pip would keep a login for `url` as well."""
        try:
            here = site(url)
        except ValueError:
            return None
        return next(
            (repository for known_site, repository in self.sites.items() if known_site.shares_logins(here)), None
        )

    def bare(self, url: str) -> str:
        """`url` without its login, where that is for a site of the policy and neither policy nor user gave it."""
        pair = credentials(url)
        if pair is None or self.repository_at(url) is None or self._is_known(pair, site(url)):
            return url
        return without_credentials(url)

    def take_out(self, url: str, origin: str) -> str:
        """`url` of a file as `bare` has it; where that took a login out, another one is needed from now on."""
        bare = self.bare(url)
        if bare != url:
            self.carried.append((bare, origin))
        return bare

    def _is_known(self, pair: Pair, here: Site) -> bool:
        return any(login.pair == pair and login.site.is_own(here) for login in (*self.logins, *self.given))

    def own_login(self, url: str, sent: object) -> Pair | None:
        """The login that the policy or a caller has for the site of `url`: the one that was `sent`, if it is one."""
        here = site(url)
        known = [login.pair for login in self.logins if login.site.is_own(here)]
        return next((pair for pair in known if pair == sent), next(iter(known), None))

    def covers(self, host: str) -> bool:
        """Whether ``--trusted-host HOST`` would have pip trust a host of the policy, or may."""
        if "*" in host or "/" in host:
            # pip takes * for all hosts, and ADDRESS/BITS for a network.
            return True
        bracketed = f"[{host}]" if host.count(":") > 1 and "[" not in host else host
        try:
            name = urlsplit(f"//{bracketed}").hostname or ""
        except ValueError:
            return True
        return _one_spelling(name) in {_one_spelling(known_site.host) for known_site in self.sites}

    def refusal(self, url: str, origin: str | None = None) -> messages.Message:
        """Why `url` is not asked, which carries a login for a repository that has no other."""
        repository = self.repository_at(url)
        assert repository is not None
        return messages.foreign_login(redact_url(url), repository, variable_of(repository.name), origin, self.help)

    def may_send(self, url: str, pair: Found) -> bool:
        """Whether `pair` may go to `url`: pip looks at host and port as written, so http would get what is https's."""
        sent = (pair[0] or "", pair[1] or "")
        here = site(url)
        if sent == ("", "") or credentials(url) == sent:
            return True
        owners = {login.site for login in self.logins if login.pair == sent and login.site.host == here.host}
        # What netrc and keyring know is the host's: of a host of the policy, the sites that the policy names get it.
        known = owners or {known_site for known_site in self.sites if known_site.host == here.host}
        return not known or any(known_site.is_own(here) for known_site in known)


def _one_spelling(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


@contextlib.contextmanager
def asking_ahead() -> Iterator[None]:
    """Meanwhile a 401 stands in this thread: pip's way to a login, keyring and prompt included, is for one thread."""
    _THIS_THREAD.asks_ahead = True
    try:
        yield
    finally:
        _THIS_THREAD.asks_ahead = False


class NoTerminal(Exception):
    """Somebody should be asked for a login, and there is no terminal."""


_KEEPERS: Registry[CredentialPolicy] = Registry()


def credential_policy(auth: SessionAuth) -> CredentialPolicy:
    """The keeper of a session's `MultiDomainBasicAuth`; it gets one where it has none."""
    return _KEEPERS.get_or_make(auth, CredentialPolicy)


def share_credential_policy(auth: SessionAuth, other: SessionAuth) -> None:
    """Give `other` the keeper of `auth`, where that has one."""
    if shared := known_credential_policy(auth):
        _KEEPERS.put(other, shared)


def known_credential_policy(auth: SessionAuth) -> CredentialPolicy | None:
    """The keeper of a session's `MultiDomainBasicAuth`, None where no policy rules it."""
    return _KEEPERS.get(auth)


def keep(auth: SessionAuth, policy: Policy, given: Iterable[str] = ()) -> CredentialPolicy:
    """Tell the keeper of a session's `MultiDomainBasicAuth` of the policy; `given` are texts that the user wrote."""
    logins = credential_policy(auth)
    places = [(r, location) for r in policy.repositories for location in r.locations if not location.unset]
    logins.sites = {site(location.url): r for r, location in reversed(places)}
    logins.help = policy.help
    if not logins.logins:
        pairs = ((location, location.user) for _, location in places)
        logins.logins = tuple(
            Login(site(of.url), user, of.password, "the policy") for of, user in pairs if user is not None
        )
    written = tuple(_logins_in(given))
    logins.given = (*logins.given, *written)
    # pip 22.0 shows that of a direct URL.
    log_redaction.install(spellings(login.password or login.user for login in written))
    return logins


def _logins_in(texts: Iterable[str]) -> Iterator[Login]:
    for url in (url for text in texts for url in re.findall(r"(?i)\bhttps?://\S+", text)):
        with contextlib.suppress(ValueError):
            if pair := credentials(url):
                yield Login(site(url), *pair, "a URL that you gave")


def elsewhere(auth: SessionAuth, url: str) -> Pair | None:
    """A login for `url` that it need not carry: the policy's, the user's, netrc's or keyring's."""
    logins, here = credential_policy(auth), site(url)
    known = next((login.pair for login in (*logins.logins, *logins.given) if login.site.is_own(here)), None)
    if known:
        return known
    # pip asks keyring after a 401 alone; some servers say 404 to who has not logged in.
    uses_keyring = bool(getattr(auth, "use_keyring", auth.prompting))
    user, password = auth._get_new_credentials(url, allow_netrc=True, allow_keyring=uses_keyring)
    if user is None and password is None:
        return None
    auth.passwords[urlsplit(url).netloc] = found = (user or "", password or "")
    return found


def demand_login(auth: SessionAuth, url: str, origin: str) -> None:
    """Raise `LookupRefused` where the repository at `url`, whose login does not count, has no other login.

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
    """User name and password in an Authorization header; None where it has none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    user, _, password = base64.b64decode(encoded).decode("utf-8", "replace").partition(":")
    return user, password


def prompt_for_password(original: Callable[..., Answer]) -> Callable[..., Answer]:
    """Nobody is prompted without a terminal."""

    @functools.wraps(original)
    def _prompt_for_password(self: SessionAuth, netloc: str) -> Answer:
        logins = known_credential_policy(self)
        return logins.ask(lambda: original(self, netloc)) if logins else original(self, netloc)

    return _prompt_for_password


def handle_401(original: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Keyring is asked either way; where only a person could help and there is none, the 401 stands."""

    @functools.wraps(original)
    def handle_401(self: SessionAuth, resp: HttpResponse, **kwargs: object) -> HttpResponse:
        logins = known_credential_policy(self)
        if logins is not None and resp.status_code == 401:
            # pip would read the whole body before it asks again, however long it is.
            resp.raw.close()
            resp._content, resp._content_consumed = b"", True
            logins.refused.add(site(resp.url))
            if getattr(_THIS_THREAD, "asks_ahead", False):
                return resp
        try:
            return original(self, resp, **kwargs)
        except NoTerminal:
            return resp

    return handle_401


def get_new_credentials(original: Callable[..., Found]) -> Callable[..., Found]:
    """What the URL, the index URLs, netrc and keyring know, if it may go there."""

    @functools.wraps(original)
    def _get_new_credentials(self: SessionAuth, original_url: str, *args: object, **kwargs: object) -> Found:
        logins = known_credential_policy(self)
        if logins is None:
            return original(self, original_url, *args, **kwargs)
        url = logins.bare(original_url)
        login = original(self, url, *args, **kwargs)
        # pip 22.0 takes netrc's login for a file that lies beside the index and not below it.
        if credentials(url) is None and (own := logins.own_login(url, login)):
            return own
        return login if logins.may_send(url, login) else (None, None)

    return _get_new_credentials


def get_url_and_credentials(
    original: Callable[..., tuple[str, str | None, str | None]],
) -> Callable[..., tuple[str, str | None, str | None]]:
    """The same, with what was sent to that host before.

    Where the URL carries a login that does not count, nobody is asked without one.
    """

    @functools.wraps(original)
    def _get_url_and_credentials(self: SessionAuth, original_url: str) -> tuple[str, str | None, str | None]:
        logins = known_credential_policy(self)
        if logins is None:
            return original(self, original_url)
        asked = logins.bare(original_url)
        url, user, password = original(self, asked)
        if not logins.may_send(asked, (user, password)):
            user = password = None
        if user is None and asked != original_url:
            user, password = _from_elsewhere(self, asked)
        return url, user, password

    return _get_url_and_credentials


def _from_elsewhere(auth: SessionAuth, url: str) -> Pair:
    from repoprio.pip_adapter.errors import LookupRefused

    login = elsewhere(auth, url)
    if login is None:
        raise LookupRefused(credential_policy(auth).refusal(url))
    return login
