"""Project names. Pure."""

from __future__ import annotations

import re
from typing import NewType

NormalizedName = NewType("NormalizedName", str)

# This project itself: the repository that supplies it supplies the hook.
OWN_NAME = NormalizedName("repoprio")
_SEPARATORS = re.compile(r"[-_.]+")
_NAME = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE | re.ASCII)


def normalize(name: str) -> NormalizedName:
    """The normalized project name: in lower case, with one ``-`` for each run of ``-``, ``_`` and ``.`` (PEP 503)."""
    return NormalizedName(_SEPARATORS.sub("-", name).lower())


def is_project_name(name: str) -> bool:
    """Whether `name` is a valid project name (core metadata, field Name)."""
    return _NAME.fullmatch(name) is not None
