"""Values as TOML writes them. Pure; for the kinds of values that a policy has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def value(of: Any) -> str:
    """`of` on one line; what TOML cannot hold is written as a text."""
    if isinstance(of, bool):
        return str(of).lower()
    if isinstance(of, int | float):
        return str(of)
    if isinstance(of, list | tuple):
        return f"[{', '.join(map(value, of))}]"
    if isinstance(of, Mapping):
        pairs = ", ".join(f"{key(str(k))} = {value(v)}" for k, v in of.items())
        return f"{{{pairs}}}"
    return _text(str(of))


def key(name: str) -> str:
    """One part of a key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    if text.isprintable() and not {'"', "\\"} & set(text):
        return f'"{text}"'
    # A JSON string is a basic string of TOML, but for DEL, which TOML wants escaped.
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
