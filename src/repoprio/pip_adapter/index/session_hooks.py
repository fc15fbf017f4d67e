"""What stands around two methods of pip's session: logins stay where they belong, and so does trust in hosts.

Loaded while pip itself is being imported: so nothing of pip is imported here at the top.
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
    """The login of a request that was redirected.

    Requests gives one host's netrc login to all its ports, and puts it in the place of the login that was sent.
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
    """``--trusted-host`` of a file, which alone has a `source`, does not count for a host of the policy."""

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
