"""Keeps the policy's secrets out of what pip itself logs: URLs with a token in their path, above all."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

from repoprio.output import HIDDEN, keep_secret

Hide = Callable[[str], str]


def hider(secrets: Iterable[str]) -> Hide:
    """A function that takes the secrets out of a text, the longest first."""
    ordered = sorted(secrets, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in ordered:
            text = text.replace(secret, HIDDEN)
        return text

    return hide


class HushedFile:
    """A text stream that writes no secrets; all else is the stream's own."""

    def __init__(self, file: Any, hide: Hide) -> None:
        self._file = file
        self._hide = hide

    def write(self, text: str) -> int:
        """Write `text` without secrets."""
        written: int = self._file.write(self._hide(text))
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def install(secrets: Iterable[str]) -> None:
    """Hush every handler that pip has set up; it logs nowhere else.

    What is formatted, tracebacks included, is hushed in each; what rich renders of its own (pip's
    diagnostic errors) on the way to stderr.
    """
    known = frozenset(secrets)
    keep_secret(known)
    for handler in logging.getLogger().handlers if known else []:
        hide = hider(known)
        handler.format = _hushed(handler.format, hide)  # type: ignore[assignment, method-assign]
        console = getattr(handler, "console", None)
        # pip looks whether a console's file is stdout, to know of broken pipes.
        if console is not None and console.file is not sys.stdout:
            console.file = HushedFile(console.file, hide)


def _hushed(original: Callable[[logging.LogRecord], str], hide: Hide) -> Callable[[logging.LogRecord], str]:
    return lambda record: hide(original(record))
