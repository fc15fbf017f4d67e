"""Asks a gateway about itself with pip's session, as a client would."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from repoprio.explain.gateway_checkup import Answer
from repoprio.lookup.ownership import Record
from repoprio.names import normalize
from repoprio.pip_adapter.finder.past_owners import records_at
from repoprio.pip_adapter.index import transport
from repoprio.pip_adapter.inspect.context import pip_context
from repoprio.simple_api.response import UnusableResponse
from repoprio.urls import page_url

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import PipSession

_MOST_BYTES = 2**20
_IT = "the gateway"
_STATE = "X-Repoprio-State"


def ask(url: str) -> Answer:
    """The gateway's answer about itself; `url` is its index, which is asked for a random name."""
    random_name = normalize(f"repoprio-{secrets.token_hex(8)}")
    # The index is /simple/, and the other pages are next to it.
    root = urljoin(f"{url.rstrip('/')}/", "../")
    with pip_context() as pip:
        try:
            page = transport.get(pip.session, page_url(url, random_name), whom=_IT, size_limit=_MOST_BYTES)
        except UnusableResponse as error:
            return Answer(str(error), cause=error.cause)
        state = page.headers.get(_STATE, "") if page.headers else ""
        if not state and page.status not in (200, 404):
            return Answer(str(page.status))
        ready = _is_ready(pip.session, f"{root}health/ready")
        repositories = _repositories(pip.session, f"{root}explain/{random_name}?format=json")
        return Answer("", ready, state or None, repositories)


def records(url: str, size_limit: int) -> tuple[Record, ...]:
    """The records that a gateway hands out at `url`, as pip reads them; raises `UnsoundMemory`."""
    with pip_context() as pip:
        return records_at(url, pip.session, size_limit, lambda get: get())


def _is_ready(session: PipSession, url: str) -> bool | None:
    """Whether the gateway is ready; None if that is not known."""
    try:
        status = transport.get(session, url, whom=_IT, size_limit=_MOST_BYTES).status
    except UnusableResponse:
        return None
    return {200: True, 503: False}.get(status)


def _repositories(session: PipSession, url: str) -> list[dict[str, Any]] | None:
    try:
        reply = transport.get(session, url, whom=_IT, size_limit=_MOST_BYTES)
        project = json.loads(reply.body)["projects"][0] if reply.status == 200 else {}
    except (UnusableResponse, ValueError, LookupError, TypeError):
        return None
    repositories = project.get("repositories") if isinstance(project, dict) else None
    return [table for table in repositories if isinstance(table, dict)] if isinstance(repositories, list) else None
