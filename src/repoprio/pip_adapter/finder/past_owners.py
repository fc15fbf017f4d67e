"""Reads which repository served which name before, where the policy's `ownership` says; once for a session of pip."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from pip._internal.models.link import Link

from repoprio.lookup.ownership import Record, UnsoundMemory, from_document, holders_by_name
from repoprio.lookup.project import Unknown
from repoprio.names import NormalizedName
from repoprio.pip_adapter.index import transport
from repoprio.pip_adapter.registry import Registry
from repoprio.simple_api.response import UnusableResponse
from repoprio.storage import ownership_file
from repoprio.urls import site

if TYPE_CHECKING:
    from repoprio.pip_adapter.index.fetcher import Pages
    from repoprio.pip_adapter.index.transport import Reply
    from repoprio.pip_adapter.protocols.network import PipSession
    from repoprio.policy.model import Policy

_IT = "the ownership memory"


class PastOwners:
    """For each name, the repositories that have served it before; `unknown` is why that is not known."""

    def __init__(self, holders: Mapping[NormalizedName, Collection[str]], unknown: Unknown | None = None) -> None:
        self._holders = holders
        self._unknown = unknown

    def of(self, name: NormalizedName) -> Collection[str] | Unknown:
        """The names of the repositories that have served `name`."""
        return self._unknown or self._holders.get(name, ())


_NONE = PastOwners({})
_PAST: Registry[PastOwners] = Registry()


def past_owners(policy: Policy, session: PipSession, pages: Pages) -> PastOwners:
    """What is remembered; for the deciding thread, which reads it before it looks up a first name."""
    place = policy.ownership
    if place is None:
        return _NONE
    return _PAST.get_or_make(session, lambda: _read(policy, place, session, pages))


def _read(policy: Policy, place: str, session: PipSession, pages: Pages) -> PastOwners:
    try:
        records = _fetched(policy, place, session, pages) if "://" in place else ownership_file.read(place)
    except UnsoundMemory as error:
        return PastOwners({}, Unknown(place, str(error)))
    return PastOwners(holders_by_name(policy, records))


def _fetched(policy: Policy, url: str, session: PipSession, pages: Pages) -> tuple[Record, ...]:
    limit = pages.time_limit(policy.page_timeout)
    try:
        return records_at(url, session, policy.page_size_limit, lambda get: pages.ahead.in_time(get, limit))
    except TimeoutError:
        raise UnsoundMemory(f"it took more than {policy.page_timeout:g} s") from None


def records_at(
    url: str, session: PipSession, size_limit: int, run: Callable[[Callable[[], Reply]], Reply]
) -> tuple[Record, ...]:
    """All records of the gateway's ``/ownership.json`` at `url`, which `run` may fetch; raises `UnsoundMemory`."""
    if not session.is_secure_origin(Link(url)):
        raise UnsoundMemory(f"{site(url)} is neither https nor a trusted host of pip")
    try:
        reply = run(lambda: transport.get(session, url, whom=_IT, size_limit=size_limit))
        if reply.redirect or reply.status != 200:
            raise UnsoundMemory("it redirects elsewhere" if reply.redirect else str(reply.status))
        return from_document(json.loads(reply.body))
    except (UnusableResponse, ValueError) as error:
        raise UnsoundMemory(str(error)) from None
    except RecursionError:
        raise UnsoundMemory("it is nested too deeply") from None
