"""Where pip's session meets what was fetched ahead.

Loaded while pip itself is being imported: so nothing of pip is imported here at the top.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from repoprio.pip_adapter.registry import Registry
from repoprio.urls import site

if TYPE_CHECKING:
    from repoprio.pip_adapter.index.metadata_ahead import MetadataAhead

_METADATA: Registry[MetadataAhead] = Registry()


def hand_out(session: Any, metadata: MetadataAhead) -> None:
    """Answer requests of `session` with `metadata` from now on, where it has what they ask for."""
    _METADATA.put(session, metadata)


def request(original: Callable[..., Any]) -> Callable[..., Any]:
    """A request of pip's session: the answer that was fetched ahead, or its own."""

    @functools.wraps(original)
    def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        metadata = _METADATA.get(self)
        if metadata is None:
            return original(self, method, url, *args, **kwargs)

        def ask() -> Any:
            response = original(self, method, url, *args, **kwargs)
            if response.status_code < 400:
                metadata.open(site(response.url))
            return response

        return metadata.answer(method, url, kwargs, ask)

    return request
