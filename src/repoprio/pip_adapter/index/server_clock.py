"""What time it is to a server, by its answers (RFC 9110, 6.6.1; RFC 9111, 5.1)."""

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

# Of each cached answer that was found to be still good: when the server said so.
_CONFIRMED: Registry[datetime | None] = Registry()


def read(response: HttpResponse) -> Clocks:
    """What time it is to this machine, and to the server: to the latter by an answer that is not from pip's cache."""
    here = datetime.now(timezone.utc)
    if getattr(response, "from_cache", False):
        return Clocks(here, _CONFIRMED.get(response.raw))
    return Clocks(here, time_of(response.headers))


def watch(session: PipSession) -> None:
    """Note when servers say that what pip's cache has is still good: pip then answers with the old headers."""
    for adapter in session.adapters.values():
        controller = getattr(adapter, "controller", None)
        if controller is not None:
            controller.update_cached_response = _noting(controller.update_cached_response)


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update_cached_response(request: Any, response: Any) -> Any:
        said = time_of(response.headers)
        found = original(request, response)
        if found is not response:
            _CONFIRMED.put(found, said)
        return found

    return update_cached_response
