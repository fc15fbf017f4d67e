"""Where a policy that only observes looks on: what stands around pip's resolvers.

Loaded while pip itself is being imported: so nothing of pip is imported here at the top.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from repoprio.pip_adapter.process import PROCESS, observer_of


def observation() -> Any:
    """What observes; it is loaded together with the policy, for pip forbids imports once it installs."""
    from repoprio.pip_adapter import observe

    return observe


def resolve(original: Callable[..., Any]) -> Callable[..., Any]:
    """What is asked for is noted; what was chosen is held against a policy that only observes."""

    @functools.wraps(original)
    def resolve(self: Any, root_reqs: Any, *args: Any, **kwargs: Any) -> Any:
        PROCESS.note_asked(root_reqs)
        found = original(self, root_reqs, *args, **kwargs)
        if observer_of(self.factory._finder if hasattr(self, "factory") else self.finder) is not None:
            observation().resolved(self, found)
        return found

    return resolve
