"""A finder and a session beside pip's own, for look-ups of which pip must not notice anything."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from repoprio.pip_adapter import compat
from repoprio.pip_adapter.index import credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.network import PipSession


# What a finder remembers of links that it passed over, for its messages.
_REMEMBERED = ("_logged_links", "_requires_python_skipped")


def finder_beside(finder: PackageFinder, session: PipSession) -> PackageFinder:
    """A finder that filters and ranks as `finder` does, looks where it looks, with `session` as its own."""
    twin = copy.copy(finder)
    twin._link_collector = copy.copy(finder._link_collector)
    twin._link_collector.session = session
    compat.note_no_index(twin._link_collector, compat.no_index(finder))
    for name in _REMEMBERED:
        if hasattr(twin, name):
            setattr(twin, name, set())
    return twin


def session_beside(session: PipSession) -> PipSession:
    """A session with the connections, the cache and the settings of `session`.

    Logins that it learns, and cookies, are its own; nobody is prompted.
    """
    twin = object.__new__(type(session))
    twin.__dict__.update(vars(session))
    twin.auth = copy.copy(session.auth)
    twin.auth.passwords = dict(session.auth.passwords)
    credentials.share_credential_policy(session.auth, twin.auth)
    twin.auth.prompting = False
    twin.cookies = type(session.cookies)()
    return twin
