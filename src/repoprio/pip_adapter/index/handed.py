"""Answers requests of pip's session with metadata that was fetched ahead.

This module is loaded while pip is being imported, so it imports nothing of pip at the top.
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
    """From now on answer requests of `session` with `metadata`, if it has the file."""
    _METADATA.put(session, metadata)


def request(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps `request` of pip's session: returns the response that was fetched ahead, if there is one."""

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
