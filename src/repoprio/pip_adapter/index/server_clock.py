"""What time it is to a server, by its answers (RFC 9110, 6.6.1; RFC 9111, 5.1)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from repoprio.lookup.cooldown import Clocks
from repoprio.pip_adapter.registry import Registry

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.network import HttpHeaders, HttpResponse, PipSession

# Of each cached answer that was found to be still good: when the server said so.
_CONFIRMED: Registry[datetime | None] = Registry()


def read(response: HttpResponse) -> Clocks:
    """What time it is to this machine, and to the server: to the latter by an answer that is not from pip's cache."""
    here = datetime.now(timezone.utc)
    if getattr(response, "from_cache", False):
        return Clocks(here, _CONFIRMED.get(response.raw))
    return Clocks(here, _time_of(response.headers))


def watch(session: PipSession) -> None:
    """Note when servers say that what pip's cache has is still good: pip then answers with the old headers."""
    for adapter in session.adapters.values():
        controller = getattr(adapter, "controller", None)
        if controller is not None:
            controller.update_cached_response = _noting(controller.update_cached_response)


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update_cached_response(request: Any, response: Any) -> Any:
        said = _time_of(response.headers)
        found = original(request, response)
        if found is not response:
            _CONFIRMED.put(found, said)
        return found

    return update_cached_response


def _time_of(headers: HttpHeaders) -> datetime | None:
    """When an answer left its last cache: `Date`, and the `Age` that it has since; None where it has no sound date."""
    age = headers.get("Age", "")
    seconds = int(age) if age.isascii() and age.isdigit() and len(age) <= 10 else 0
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
        return None if date.tzinfo is None else date.astimezone(timezone.utc) + timedelta(seconds=seconds)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
