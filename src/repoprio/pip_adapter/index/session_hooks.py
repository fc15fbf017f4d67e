"""Wrappers around two methods of pip's session: they keep logins at their sites, and ignore trusted hosts of files.

This module is loaded while pip is being imported, so it imports nothing of pip at the top.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from repoprio.pip_adapter.index.credentials import basic, known_credential_policy
from repoprio.urls import without_credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import HttpRequest, HttpResponse, PipSession


def rebuild_auth(original: Callable[..., None]) -> Callable[..., None]:
    """Wraps `rebuild_auth`, which sets the login of a redirected request.

    The library requests uses a host's netrc login for all its ports, and replaces the login that was sent by it.
    """

    @functools.wraps(original)
    def rebuild_auth(self: PipSession, prepared_request: HttpRequest, response: HttpResponse) -> None:
        before = basic(prepared_request.headers.get("Authorization", ""))
        original(self, prepared_request, response)
        logins = known_credential_policy(self.auth)
        pair = basic(prepared_request.headers.get("Authorization", ""))
        if logins is None or pair is None:
            return
        url = without_credentials(prepared_request.url)
        if own := logins.own_login(url, before):
            prepared_request.prepare_auth(own)
        elif not logins.may_send(url, pair):
            del prepared_request.headers["Authorization"]

    return rebuild_auth


def add_trusted_host(original: Callable[..., None]) -> Callable[..., None]:
    """Wraps `add_trusted_host`: in a file, and only a file has a `source`, it cannot make hosts of the policy trusted.

    A host of the policy becomes trusted only by the command line, the environment or pip's configuration.
    """

    @functools.wraps(original)
    def add_trusted_host(
        self: PipSession, host: str, source: str | None = None, *args: object, **kwargs: object
    ) -> None:
        logins = known_credential_policy(self.auth)
        if source is None or logins is None or not logins.covers(host):
            return original(self, host, source, *args, **kwargs)
        from repoprio.pip_adapter.errors import warn

        hosts = (
            "this is a host of the policy"
            if "*" not in host and "/" not in host
            else "these may be hosts of the policy"
        )
        warn(f"repoprio: --trusted-host {host} in a file is ignored ({source}): {hosts}")
        return None

    return add_trusted_host
