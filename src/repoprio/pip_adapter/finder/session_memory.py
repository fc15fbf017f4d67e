"""What the finders of one session of pip share: the memory of the run, and its pages."""

from __future__ import annotations

import weakref
from threading import Lock
from typing import TYPE_CHECKING

from repoprio.lookup.memory import Memory, RunMemory
from repoprio.pip_adapter import progress
from repoprio.pip_adapter.index import handed
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.index.links import PipPage
from repoprio.pip_adapter.registry import Registry
from repoprio.policy.model import Policy

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import PipSession

_MEMORIES: Registry[tuple[Memory[PipPage], Pages]] = Registry()


def of(session: PipSession, policy: Policy) -> tuple[Memory[PipPage], Pages]:
    """The memory and pages of `session`, made for `policy` when they are first needed.

    They belong to the session because they depend on its retries and logins.
    """

    def make() -> tuple[Memory[PipPage], Pages]:
        pages = Pages(weakref.proxy(session), policy)
        pages.ahead.progress = progress.line_of(session)
        if policy.fetch_ahead:
            handed.hand_out(session, pages.metadata)
        return RunMemory[PipPage](policy, Lock()), pages

    return _MEMORIES.get_or_make(session, make)


def drop_refused(session: PipSession) -> int:
    """Drop pages fetched ahead from sites that asked for a login since; returns how often pages were dropped."""
    known = _MEMORIES.get(session)
    return known[1].forget_refused() if known else 0
