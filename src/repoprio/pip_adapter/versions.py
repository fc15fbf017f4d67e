"""Compares and spells versions, as texts, by PEP 440."""

from __future__ import annotations

import re

from repoprio.pip_adapter.compat import is_version

# Only after the hook is in place: callers have imported pip already.
from pip._vendor.packaging.utils import canonicalize_version  # isort: skip
from pip._vendor.packaging.version import Version  # isort: skip

_MARKS = re.compile(r"[-_.+]+")


def comparable(version: str) -> str:
    """`version` in a form in which equal versions are equal texts (PEP 440: zeros at the end do not count)."""
    return str(canonicalize_version(version)) if is_version(version) else version


def canonical(version: str) -> str:
    """`version` in the canonical spelling of PEP 440; unchanged if it is not a version."""
    return str(Version(version)) if is_version(version) else version


def is_escaped(written: str, version: str) -> bool:
    """Whether `written`, in the name of a file or folder, may mean `version`: old tools write _ for - and +."""
    if comparable(written) == comparable(version):
        return True
    folded = {_MARKS.sub("-", text.lower()) for text in (written, version)}
    return len(folded) == 1
