"""Everything that repoprio prints goes through `safe_text`, since files, servers and packages wrote parts of it.

Secrets of the policy become ``****``, and characters that could move a terminal's cursor become ``?``. The commands
wrap their streams in a `SafeStream`; inside pip, `say` writes single messages.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from repoprio.redaction import HIDDEN, printable

_COLOR = re.compile(r"(\x1b\[[0-9;]*m)")
# On a terminal: replaces the last line.
ANEW = "\r\x1b[K"
_secrets: list[str] = []


def hide_secrets(secrets: Iterable[str]) -> None:
    """Replace `secrets` in all output from now on."""
    # The longest first: it may contain another one.
    _secrets[:] = sorted({*_secrets, *secrets}, key=len, reverse=True)


def understands_escapes(stream: TextIO | None) -> bool:
    """Whether `stream` is a terminal that obeys escape sequences; some consoles of Windows print them instead."""
    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" or not {"WT_SESSION", "TERM", "ANSICON"}.isdisjoint(os.environ)


def redact_secrets(text: str) -> str:
    """`text` with **** in place of each secret."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    return text


def safe_text(text: str, *, colored: bool = False) -> str:
    """`text` without secrets and control characters; `colored` keeps the escape sequences of colours."""
    text = redact_secrets(text)
    if text.isprintable():
        return text
    parts = _COLOR.split(text) if colored else [text]
    return "".join(part if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def say(text: str) -> None:
    """Write one message to stderr at once; a stderr that is closed is no error."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{safe_text(text)}\n")
        sys.stderr.flush()


class SafeStream:
    """Wraps a text stream so that all it writes is safe to print; other attributes are those of the stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.colored: bool = stream.isatty()

    def write(self, text: str) -> int:
        """Write `text` made safe; on a terminal it may begin with the sequence that replaces the last line."""
        begin = ANEW if text.startswith(ANEW) and self._stream.isatty() else ""
        self._stream.write(f"{begin}{safe_text(text[len(begin) :], colored=self.colored)}")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
