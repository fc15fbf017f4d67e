"""Wrappers around the methods of pip's `MultiDomainBasicAuth`, which finds logins and sends them.

This module is loaded while pip is being imported, so it imports nothing of pip at the top.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from repoprio.pip_adapter.index.credentials import (
    Answer,
    Found,
    NoTerminal,
    Pair,
    credential_policy,
    elsewhere,
    known_credential_policy,
)
from repoprio.urls import credentials, site

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import HttpResponse, SessionAuth

_THIS_THREAD = threading.local()


@contextlib.contextmanager
def asking_ahead() -> Iterator[None]:
    """A context in which this thread accepts a 401: only the deciding thread asks keyring or a person for a login."""
    _THIS_THREAD.asks_ahead = True
    try:
        yield
    finally:
        _THIS_THREAD.asks_ahead = False


def prompt_for_password(original: Callable[..., Answer]) -> Callable[..., Answer]:
    """Wraps pip's prompt, so that there is none without a terminal."""

    @functools.wraps(original)
    def _prompt_for_password(self: SessionAuth, netloc: str) -> Answer:
        logins = known_credential_policy(self)
        return logins.ask(lambda: original(self, netloc)) if logins else original(self, netloc)

    return _prompt_for_password


def handle_401(original: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wraps `handle_401`: keyring is always asked; if only a person could help and there is none, the 401 stays."""

    @functools.wraps(original)
    def handle_401(self: SessionAuth, resp: HttpResponse, **kwargs: object) -> HttpResponse:
        logins = known_credential_policy(self)
        if logins is None or resp.status_code != 401:
            return original(self, resp, **kwargs)
        # pip would read the whole body before it asks again.
        resp.raw.close()
        resp._content, resp._content_consumed = b"", True
        here = site(resp.url)
        logins.refused.add(here)
        if getattr(_THIS_THREAD, "asks_ahead", False):
            return resp
        try:
            answer = original(self, resp, **kwargs)
        except NoTerminal:
            return resp
        if answer is not resp and answer.status_code != 401:
            logins.late.add(here)
        return answer

    return handle_401


def get_new_credentials(original: Callable[..., Found]) -> Callable[..., Found]:
    """Wraps pip's search in the URL, index URLs, netrc and keyring; returns only a login that may go to that URL."""

    @functools.wraps(original)
    def _get_new_credentials(self: SessionAuth, original_url: str, *args: object, **kwargs: object) -> Found:
        logins = known_credential_policy(self)
        if logins is None:
            return original(self, original_url, *args, **kwargs)
        url = logins.bare(original_url)
        login = original(self, url, *args, **kwargs)
        # pip 22.0 uses netrc's login for a file that is next to the index and not below it.
        if credentials(url) is None and (own := logins.own_login(url, login)):
            return own
        return login if logins.may_send(url, login) else (None, None)

    return _get_new_credentials


def get_url_and_credentials(
    original: Callable[..., tuple[str, str | None, str | None]],
) -> Callable[..., tuple[str, str | None, str | None]]:
    """Wraps the same search including logins that pip sent to that host before.

    If the URL carries a login that does not count, there must be another one.
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
