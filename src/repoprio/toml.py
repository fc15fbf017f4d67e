"""Writes TOML, for the kinds of values that a policy has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def value(of: Any) -> str:
    """`of` as TOML, on one line; a value that TOML cannot express is written as a text."""
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
    """One part of a key, quoted if necessary."""
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """A basic string of TOML, with characters escaped that are not printable."""
    return f'"{"".join(map(_character, text))}"'


def _character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    if c.isprintable():
        return c
    return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
