"""Says by a file's name which lock format it has. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from repoprio.audit.locks import pdm, pipfile, poetry, pylock, uv
from repoprio.audit.locks.model import Lock
from repoprio.audit.locks.reading import LockText


class Format(NamedTuple):
    """A format of locks: the usual file name, whether files are JSON and not TOML, and the reader of a document."""

    name: str
    is_json: bool
    read: Callable[[Mapping[str, Any], LockText], Lock]


PYLOCK = Format("pylock.toml", is_json=False, read=pylock.read)
_BY_NAME = (
    (re.compile(r"pylock(\.[^.]+)?\.toml"), PYLOCK),
    # The second is the lock of a script (uv lock --script).
    (re.compile(r"uv\.lock|.+\.py\.lock"), Format("uv.lock", is_json=False, read=uv.read)),
    (re.compile(r"poetry\.lock"), Format("poetry.lock", is_json=False, read=poetry.read)),
    (re.compile(r"pdm(\..+)?\.lock"), Format("pdm.lock", is_json=False, read=pdm.read)),
    (re.compile(r"Pipfile\.lock"), Format("Pipfile.lock", is_json=True, read=pipfile.read)),
)
NAMES = tuple(format_.name for _, format_ in _BY_NAME)


def format_of(name: str) -> Format | None:
    """The format of a file with this name; None if locks have no such name."""
    return next((format_ for pattern, format_ in _BY_NAME if pattern.fullmatch(name)), None)
