"""The policy in uv's words, with what the folders of its flat repositories have that uv would not see."""

from __future__ import annotations

import os

from repoprio.export import Exported, uv
from repoprio.policy.model import Format, Policy
from repoprio.urls import path_of


def export(policy: Policy, *, project: bool) -> Exported:
    """The policy for uv; raises `CannotExport`."""
    flat = (repository for repository in policy.enabled() if repository.format is Format.FLAT)
    with_pages = frozenset(repository.name for repository in flat if _has_pages(repository.locations[0].url))
    return uv.export(policy, project=project, with_pages=with_pages)


def _has_pages(url: str) -> bool:
    """Whether this is a folder on disk with HTML files."""
    try:
        names = os.listdir(path_of(url)) if url.startswith("file:") else []
    except OSError:
        return False
    return any(name.lower().endswith((".html", ".htm")) for name in names)
