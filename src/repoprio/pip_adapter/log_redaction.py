"""Keeps secrets out of what pip itself logs, such as URLs with a token in their path."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from repoprio.output import hide_secrets, redact_secrets


class RedactedFile:
    """Wraps a text stream so that it writes no secrets; other attributes are those of the stream."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write `text` without secrets."""
        written: int = self._file.write(redact_secrets(text))
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class RedactedFormat:
    """Wraps the `format` of a handler so that its result has no secrets."""

    def __init__(self, original: Callable[[logging.LogRecord], str]) -> None:
        self._original = original

    def __call__(self, record: logging.LogRecord) -> str:
        """The record as text, without secrets."""
        return redact_secrets(self._original(record))


def install(secrets: Iterable[str]) -> None:
    """Hide `secrets` from now on in every handler that pip has set up; it logs nowhere else.

    Each handler is wrapped only once, and then redacts all secrets that are known at that time.
    """
    known = frozenset(secrets)
    hide_secrets(known)
    for handler in logging.getLogger().handlers if known else []:
        _redact(handler)


def _redact(handler: logging.Handler) -> None:
    """Redact what the handler formats, including tracebacks, and what rich renders (pip's diagnostic errors)."""
    if not isinstance(handler.format, RedactedFormat):
        handler.format = RedactedFormat(handler.format)  # type: ignore[method-assign]
    console = getattr(handler, "console", None)
    # Leave stdout alone: pip compares a console's file with it, to notice broken pipes.
    if console is not None and console.file is not sys.stdout and not isinstance(console.file, RedactedFile):
        console.file = RedactedFile(console.file)
