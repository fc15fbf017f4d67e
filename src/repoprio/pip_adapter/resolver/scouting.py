"""Lets a scout follow a resolution of pip.

Its errors never reach pip: after one, nothing more is fetched ahead.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from repoprio.pip_adapter.finder.look_ahead import ahead_of
from repoprio.pip_adapter.index.fetcher import Pages
from repoprio.pip_adapter.resolver.remembering import remembering
from repoprio.pip_adapter.resolver.scout import Scout

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def going_ahead(finder: Any, provider: Any, requirements: Iterable[Any]) -> Iterator[None]:
    """A context in which what the resolver with `provider` will need is fetched ahead, if the policy allows that."""
    source = ahead_of(finder)
    if source is None or not source.policy.fetch_ahead:
        yield
        return
    with remembering() as distributions:
        scout = Scout(source, provider, distributions)
        with _following(scout, provider, source.pages(), requirements):
            yield


@contextlib.contextmanager
def _following(scout: Scout, provider: Any, pages: Pages, requirements: Iterable[Any]) -> Iterator[None]:
    """A context in which `scout` hears what the resolver with `provider` does."""
    is_over = False

    def without_harm(step: Callable[..., None], *arguments: Any) -> None:
        nonlocal is_over
        try:
            if not is_over:
                step(*arguments)
        except Exception as error:  # noqa: BLE001 - after any error pip goes on without it
            is_over = True
            _log.debug("repoprio: nothing more is fetched ahead: %s", type(error).__name__)

    def noting_dependencies(candidate: Any) -> Any:
        without_harm(scout.note_taken, candidate)
        return get_dependencies(candidate)

    def noting_matches(identifier: str, requirements: Any, incompatibilities: Mapping[str, Any]) -> Any:
        without_harm(scout.note_search, identifier, incompatibilities[identifier])
        return find_matches(identifier, requirements, incompatibilities)

    outer, pages.ahead.meanwhile = pages.ahead.meanwhile, lambda: without_harm(scout.go_on)
    get_dependencies, find_matches = provider.get_dependencies, provider.find_matches
    provider.get_dependencies, provider.find_matches = noting_dependencies, noting_matches
    try:
        without_harm(scout.begin, requirements)
        yield
    finally:
        del provider.get_dependencies, provider.find_matches
        pages.ahead.meanwhile = outer
        pages.ahead.stop()
