"""Makes a finder and a session next to pip's own, for lookups that pip must not notice."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from repoprio.pip_adapter import compat
from repoprio.pip_adapter.index import credentials

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.finder import PackageFinder
    from repoprio.pip_adapter.protocols.network import PipSession


# Attributes in which a finder remembers skipped links, for its messages.
_REMEMBERED = ("_logged_links", "_requires_python_skipped")


def finder_beside(finder: PackageFinder, session: PipSession) -> PackageFinder:
    """A finder like `finder`, with the same filters, ranking and indexes, but with its own `session`."""
    shadow = copy.copy(finder)
    shadow._link_collector = copy.copy(finder._link_collector)
    shadow._link_collector.session = session
    compat.note_no_index(shadow._link_collector, compat.no_index(finder))
    for name in _REMEMBERED:
        if hasattr(shadow, name):
            setattr(shadow, name, set())
    return shadow


def session_beside(session: PipSession) -> PipSession:
    """A session with the connections, cache and settings of `session`.

    It has its own cookies and learned logins, and never prompts the user.
    """
    shadow = object.__new__(type(session))
    shadow.__dict__.update(vars(session))
    shadow.auth = copy.copy(session.auth)
    shadow.auth.passwords = dict(session.auth.passwords)
    credentials.share_credential_policy(session.auth, shadow.auth)
    shadow.auth.prompting = False
    shadow.cookies = type(session.cookies)()
    return shadow
