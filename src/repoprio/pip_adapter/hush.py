"""Keeps the policy's secrets out of what pip itself logs: URLs with a token in their path, above all."""

from __future__ import annotations

import logging
from collections.abc import Iterable

HIDDEN = "****"


class Hush(logging.Filter):
    """Replaces secrets in the text of a record."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = sorted(secrets, key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record if it holds a secret; let every record pass."""
        text = record.getMessage()
        hidden = self.hide(text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        return True

    def hide(self, text: str) -> str:
        """`text` without the secrets, the longest first."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def install(secrets: Iterable[str]) -> None:
    """Hush every handler that pip has set up; it logs nowhere else."""
    known = list(secrets)
    for handler in logging.getLogger().handlers if known else []:
        handler.addFilter(Hush(known))
