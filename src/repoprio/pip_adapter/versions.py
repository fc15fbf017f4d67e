"""Versions as texts, compared and spelled as PEP 440 says."""

from __future__ import annotations

import re

from repoprio.pip_adapter.compat import is_version

# Only a guarded pip may be imported: whoever uses this has opened one.
from pip._vendor.packaging.utils import canonicalize_version  # isort: skip
from pip._vendor.packaging.version import Version  # isort: skip

_MARKS = re.compile(r"[-_.+]+")


def comparable(version: str) -> str:
    """`version` so that equal texts are equal versions (PEP 440: zeros at a release's end do not count)."""
    return str(canonicalize_version(version)) if is_version(version) else version


def canonical(version: str) -> str:
    """`version` as PEP 440 spells it; as it is where it is none."""
    return str(Version(version)) if is_version(version) else version


def is_escaped(written: str, version: str) -> bool:
    """Whether the name of a file or folder that has `written` may mean `version`: old tools write - and + as _."""
    if comparable(written) == comparable(version):
        return True
    one, other = (_MARKS.sub("-", text.lower()) for text in (written, version))
    return one == other
