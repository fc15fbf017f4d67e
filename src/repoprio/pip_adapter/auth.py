"""Logins: whose they are, and pip's own way to send them, kept to their sites and away from a missing terminal.

Loaded while pip itself is being imported: so nothing of pip is imported here at the top.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from repoprio.urls import Site, credentials, site

_ATTRIBUTE = "_repoprio_keeper"
Pair = tuple[str, str]


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


class Keeper:
    """What one of pip's sessions may send where, and how long a person was asked for a login."""

    def __init__(self) -> None:
        self.logins: tuple[Login, ...] = ()
        self.sites: frozenset[Site] = frozenset()
        self.answer: Pair | None = None
        self._asking_since: float | None = None
        self._asked = 0.0

    def clock(self) -> float:
        """Seconds; it stands still while a person is asked."""
        return (self._asking_since or time.monotonic()) - self._asked

    def ask(self, prompt: Callable[[], Any]) -> Any:
        """Ask a person; raises `NoTerminal` where there is none."""
        if not os.isatty(0):
            raise NoTerminal
        self._asking_since = time.monotonic()
        try:
            answer = prompt()
        finally:
            self._asked += time.monotonic() - self._asking_since
            self._asking_since = None
        self.answer = (answer[0], answer[1]) if answer[0] else None
        return answer

    def may_send(self, url: str, pair: Any) -> bool:
        """Whether `pair` may go to `url`: pip looks at host and port as written, so http would get what is https's."""
        sent = (pair[0] or "", pair[1] or "")
        here = site(url)
        if sent == ("", "") or credentials(url) == sent:
            return True
        owners = {login.site for login in self.logins if login.pair == sent and login.site.host == here.host}
        # What netrc and keyring know is the host's: of a host of the policy, the sites that the policy names get it.
        known = owners or {one for one in self.sites if one.host == here.host}
        return not known or any(one.is_own(here) for one in known)


class NoTerminal(Exception):
    """Somebody should be asked for a login, and there is no terminal."""


def keeper(auth: Any) -> Keeper:
    """The keeper of a session's `MultiDomainBasicAuth`; it gets one where it has none."""
    if _of(auth) is None:
        setattr(auth, _ATTRIBUTE, Keeper())
    found: Keeper = getattr(auth, _ATTRIBUTE)
    return found


def _of(auth: Any) -> Keeper | None:
    return getattr(auth, _ATTRIBUTE, None)


def other_origin(auth: Any, url: str, sent: Pair) -> str:
    """Where a login came from that neither policy nor caller has: pip asks netrc, keyring, then a person."""
    from pip._vendor.requests.utils import get_netrc_auth

    if keeper(auth).answer == sent:
        return "your answer"
    return os.environ.get("NETRC", "netrc") if get_netrc_auth(url) == sent else "keyring"


def prompt_for_password(original: Callable[..., Any]) -> Callable[..., Any]:
    """Nobody is prompted without a terminal."""

    @functools.wraps(original)
    def _prompt_for_password(self: Any, netloc: str) -> Any:
        kept = _of(self)
        return kept.ask(lambda: original(self, netloc)) if kept else original(self, netloc)

    return _prompt_for_password


def handle_401(original: Callable[..., Any]) -> Callable[..., Any]:
    """Keyring is asked either way; where only a person could help and there is none, the 401 stands."""

    @functools.wraps(original)
    def handle_401(self: Any, resp: Any, **kwargs: Any) -> Any:
        if _of(self) is not None and resp.status_code == 401:
            # pip would read the whole body before it asks again, however long it is.
            resp.raw.close()
            resp._content, resp._content_consumed = b"", True
        try:
            return original(self, resp, **kwargs)
        except NoTerminal:
            return resp

    return handle_401


def get_new_credentials(original: Callable[..., Any]) -> Callable[..., Any]:
    """What the URL, the index URLs, netrc and keyring know, if it may go there."""

    @functools.wraps(original)
    def _get_new_credentials(self: Any, original_url: str, *args: Any, **kwargs: Any) -> Any:
        found = original(self, original_url, *args, **kwargs)
        kept = _of(self)
        return found if kept is None or kept.may_send(original_url, found) else (None, None)

    return _get_new_credentials


def get_url_and_credentials(original: Callable[..., Any]) -> Callable[..., Any]:
    """The same, with what was sent to that host before."""

    @functools.wraps(original)
    def _get_url_and_credentials(self: Any, original_url: str) -> Any:
        url, user, password = original(self, original_url)
        kept = _of(self)
        allowed = kept is None or kept.may_send(original_url, (user, password))
        return (url, user, password) if allowed else (url, None, None)

    return _get_url_and_credentials
