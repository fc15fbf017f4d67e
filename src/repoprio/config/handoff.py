"""Turns the merged settings of a pip into one text, which its child pips read instead of files. Pure."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from repoprio.config.errors import PolicyProblem
from repoprio.config.settings import CARRIED_LIMIT, Merged, Setting, table


class TooLong(ValueError):
    """The settings are too long for an environment variable."""


def pack(merged: Merged, errors: Sequence[PolicyProblem] = ()) -> str:
    """The settings, or their errors, as the value of an environment variable; raises `TooLong`."""
    settings = [] if errors else merged.settings.values()
    rows = [[list(s.path), s.file, *([] if s.is_table else [s.value])] for s in settings]
    document = {"settings": rows, "additions": sorted(merged.additions), "errors": [list(error) for error in errors]}
    packed = base64.b64encode(zlib.compress(json.dumps(document).encode())).decode()
    if len(packed) > CARRIED_LIMIT:
        raise TooLong(f"is {len(packed)} bytes long when packed for child processes, and {CARRIED_LIMIT} is the limit")
    return packed


def unpack(packed: str) -> tuple[Merged, list[PolicyProblem]]:
    """The settings and errors that `pack` wrote; raises `ValueError`."""
    try:
        document = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
        merged = Merged(additions=set(document["additions"]))
        merged.add(_setting(*row) for row in document["settings"])
        return merged, [PolicyProblem(*map(str, error)) for error in document["errors"]]
    except (zlib.error, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _setting(path: Any, file: Any, *value: Any) -> Setting:
    if not (isinstance(path, list) and isinstance(file, str) and 1 <= len(path) <= 3):
        raise ValueError("a setting has an unexpected shape")
    names = tuple(str(part) for part in path)
    return Setting(names, value[0], file) if value else table(names, file)
