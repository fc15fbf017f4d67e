"""Keeps secrets out of what pip itself logs: URLs with a token in their path, above all."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from repoprio.output import hide_secrets, redact_secrets


class RedactedFile:
    """A text stream that writes no secrets; all else is the stream's own."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write `text` without secrets."""
        written: int = self._file.write(redact_secrets(text))
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class RedactedFormat:
    """A handler's `format` whose result holds no secrets."""

    def __init__(self, original: Callable[[logging.LogRecord], str]) -> None:
        self._original = original

    def __call__(self, record: logging.LogRecord) -> str:
        """The record as text, without secrets."""
        return redact_secrets(self._original(record))


def install(secrets: Iterable[str]) -> None:
    """Keep `secrets` from now on, and redact every handler that pip has set up; it logs nowhere else.

    Each handler is wrapped once, however often this is called: it redacts all secrets that are known by then.
    """
    known = frozenset(secrets)
    hide_secrets(known)
    for handler in logging.getLogger().handlers if known else []:
        _redact(handler)


def _redact(handler: logging.Handler) -> None:
    """What the handler formats, tracebacks included; and what rich renders of its own (pip's diagnostic errors)."""
    if not isinstance(handler.format, RedactedFormat):
        handler.format = RedactedFormat(handler.format)  # type: ignore[method-assign]
    console = getattr(handler, "console", None)
    # pip looks whether a console's file is stdout, to know of broken pipes.
    if console is not None and console.file is not sys.stdout and not isinstance(console.file, RedactedFile):
        console.file = RedactedFile(console.file)
