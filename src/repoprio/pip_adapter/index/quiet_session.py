"""A session that asks once and says nothing: if pip comes to need what went wrong, its own session asks again."""

from __future__ import annotations

from typing import Any

from pip._vendor.urllib3.util.retry import Retry


def quiet_session(session: Any) -> Any:
    """A session with the settings, logins and connections of `session` whose requests are not tried again."""
    twin = object.__new__(session.__class__)
    twin.__dict__.update(session.__dict__)
    adapters: dict[int, Any] = {}

    def get_adapter(url: str) -> Any:
        # Which adapter a host has may change while requirements files are read.
        adapter = session.get_adapter(url)
        if id(adapter) not in adapters:
            adapters[id(adapter)] = _quiet(adapter)
        return adapters[id(adapter)]

    twin.get_adapter = get_adapter
    return twin


def _quiet(adapter: Any) -> Any:
    # A copy would make connections of its own (requests: `HTTPAdapter.__setstate__`).
    twin = object.__new__(adapter.__class__)
    twin.__dict__.update(adapter.__dict__, max_retries=Retry(0, read=False))
    return twin
