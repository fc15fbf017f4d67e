"""A copy of pip's session without retries and warnings: pip's own session asks again if it needs the answer."""

from __future__ import annotations

from typing import Any

from pip._vendor.urllib3.util.retry import Retry


def quiet_session(session: Any) -> Any:
    """A session that shares settings, logins and connections with `session`, but does not retry requests."""
    quiet = object.__new__(session.__class__)
    quiet.__dict__.update(session.__dict__)
    adapters: dict[int, Any] = {}

    def get_adapter(url: str) -> Any:
        # The adapter of a host may change while requirements files are read.
        adapter = session.get_adapter(url)
        if id(adapter) not in adapters:
            adapters[id(adapter)] = _quiet(adapter)
        return adapters[id(adapter)]

    quiet.get_adapter = get_adapter
    return quiet


def _quiet(adapter: Any) -> Any:
    # copy.copy would make new connections (requests: `HTTPAdapter.__setstate__`).
    quiet = object.__new__(adapter.__class__)
    quiet.__dict__.update(adapter.__dict__, max_retries=Retry(0, read=False))
    return quiet
