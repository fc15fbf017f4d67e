"""The one way out: whatever repoprio writes for people or programs passes `shown`.

The policy's secrets become ****, and what could move a terminal's cursor becomes a ?: a file, a server or a
package may have written it. The commands' streams are wrapped in it as a whole; beside pip, `say` writes single lines.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable
from typing import Any

from repoprio.render.table import plain

HIDDEN = "****"
_COLOR = re.compile(r"(\x1b\[[0-9;]*m)")
_ANEW = "\r\x1b[K"
_secrets: list[str] = []


def keep_secret(secrets: Iterable[str]) -> None:
    """Show none of `secrets` from now on."""
    # The longest first: another one may be a part of it.
    _secrets[:] = sorted({*_secrets, *secrets}, key=len, reverse=True)


def without_secrets(text: str) -> str:
    """`text` with **** in place of each secret."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    return text


def shown(text: str, *, colored: bool = False) -> str:
    """`text` as it may be written; `colored` leaves colours as they are."""
    text = without_secrets(text)
    if text.isprintable():
        return text
    parts = _COLOR.split(text) if colored else [text]
    return "".join(part if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    return "\n".join("\t".join(map(plain, line.split("\t"))) for line in text.split("\n"))


def say(text: str) -> None:
    """One message on stderr, at once; nobody may listen."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{shown(text)}\n")
        sys.stderr.flush()


class Shown:
    """A text stream that writes what is `shown`; all else is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.colored: bool = stream.isatty()

    def write(self, text: str) -> int:
        """Write `text` as it may be shown; on a terminal one that begins so may stand in place of its last line."""
        begin = _ANEW if text.startswith(_ANEW) and self._stream.isatty() else ""
        self._stream.write(f"{begin}{shown(text[len(begin) :], colored=self.colored)}")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
