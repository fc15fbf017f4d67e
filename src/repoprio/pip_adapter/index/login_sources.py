"""Sources in which pip itself finds logins: netrc and keyring."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pip._vendor.requests.utils import get_netrc_auth

from repoprio.fetch import netrc_file
from repoprio.pip_adapter.errors import warn
from repoprio.pip_adapter.index.credentials import Pair, credential_policy
from repoprio.urls import Site, site

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import SessionAuth


def other_origin(auth: SessionAuth, url: str, sent: Pair) -> str:
    """Where a login came from, if not from the policy or a caller: pip asks netrc, keyring, then a person."""
    if credential_policy(auth).answer == sent:
        return "your answer"
    return os.environ.get("NETRC", "netrc") if get_netrc_auth(url) == sent else "keyring"


def warn_of_netrc() -> None:
    """Warn if there is a netrc file that cannot be read: pip goes on without its logins, and says nothing."""
    try:
        netrc_file.logins()
    except netrc_file.UnreadableLogins as error:
        warn(f"WARNING: repoprio: {error}")


class LoginSources:
    """Says whether one of pip's sessions may find a login; it looks at netrc and keyring once for each site."""

    def __init__(self, auth: SessionAuth) -> None:
        self._auth = auth
        self._by_site: dict[Site, bool] = {}

    def may_have_one(self, url: str) -> bool:
        """Whether pip may have a login for `url`, to send at once or after a 401; asking a person does not count."""
        here, logins = site(url), credential_policy(self._auth)
        known = (login.site.shares_logins(here) for login in (*logins.logins, *logins.given))
        if any(known) or urlsplit(url).netloc in self._auth.passwords:
            return True
        if here not in self._by_site:
            self._by_site[here] = get_netrc_auth(url) is not None or self._has_keyring()
        return self._by_site[here]

    def _has_keyring(self) -> bool:
        """Whether pip could ask keyring, as a module or as a command; which of them does not matter."""
        # Since pip 23.1 there is an option for it.
        if getattr(self._auth, "_keyring_provider", "auto") == "disabled":
            return False
        if not getattr(self._auth, "use_keyring", True):
            return False
        is_module = "keyring" in sys.modules or importlib.util.find_spec("keyring") is not None
        return is_module or shutil.which("keyring") is not None
