"""The merged settings of a pip as one text, which the pips that it starts read instead of any file. Pure."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable

from repoprio.config.settings import Setting, table

# Linux takes 128 KiB for one variable; some 20,000 patterns fit in.
LIMIT = 120 * 1024


class TooLong(ValueError):
    """More settings than a variable of the environment can carry."""


def pack(settings: Iterable[Setting]) -> str:
    """`settings` as a text for the environment; raises `TooLong`."""
    rows = [[*([] if s.is_table else [s.value]), list(s.path), s.file] for s in settings]
    packed = base64.b64encode(zlib.compress(json.dumps(rows).encode())).decode()
    if len(packed) > LIMIT:
        raise TooLong(f"is {len(packed)} bytes long when packed for child processes, and {LIMIT} is the limit")
    return packed


def unpack(packed: str) -> list[Setting]:
    """What `pack` made a text of; raises `ValueError`."""
    try:
        rows = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
        return [_setting(*row) for row in rows]
    except (zlib.error, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _setting(*row: object) -> Setting:
    *value, path, file = row
    if not (isinstance(path, list) and isinstance(file, str) and 1 <= len(path) <= 3):
        raise ValueError("a setting has another shape")
    names = tuple(str(part) for part in path)
    return Setting(names, value[0], file) if value else table(names, file)
