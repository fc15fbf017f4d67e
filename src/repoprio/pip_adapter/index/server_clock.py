"""Reads a server's clock from its responses to pip (RFC 9110, 6.6.1; RFC 9111, 5.1)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from repoprio.fetch.server_time import time_of
from repoprio.lookup.cooldown import Clocks
from repoprio.pip_adapter.registry import Registry

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import HttpResponse, PipSession

# For each cached response that a server confirmed: the server's time of that.
_CONFIRMED: Registry[datetime | None] = Registry()


def read(response: HttpResponse) -> Clocks:
    """The time of this machine and that of the server; the latter only if the server answered now."""
    here = datetime.now(timezone.utc)
    if getattr(response, "from_cache", False):
        return Clocks(here, _CONFIRMED.get(response.raw))
    return Clocks(here, time_of(response.headers))


def watch(session: PipSession) -> None:
    """Note when servers confirm responses in pip's cache: pip then answers with the old headers."""
    for adapter in session.adapters.values():
        controller = getattr(adapter, "controller", None)
        if controller is not None:
            controller.update_cached_response = _noting(controller.update_cached_response)


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update_cached_response(request: Any, response: Any) -> Any:
        confirmed = time_of(response.headers)
        cached = original(request, response)
        if cached is not response:
            _CONFIRMED.put(cached, confirmed)
        return cached

    return update_cached_response
