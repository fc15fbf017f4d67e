"""What is said while pip tries again: one line for each repository, in place of urllib3's for each try."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from repoprio.pip_adapter.index.transport import ASKING

_LOGGER = "pip._vendor.urllib3.connectionpool"


class _Once(logging.Filter):
    """Lets no word of a retry through, and says once of whom an answer is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()
        # Several threads may ask at once.
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what urllib3 says of a retry."""
        from repoprio.pip_adapter.errors import warn

        if not str(record.msg).startswith("Retrying"):
            return True
        # urllib3 logs in the thread that asks.
        whom: str | None = getattr(ASKING, "whom", None)
        if whom is None:
            return False
        with self._lock:
            is_news = whom not in self._said
            self._said.add(whom)
        if is_news:
            warn(f"repoprio: {whom} does not answer; trying again")
        return False


@contextmanager
def announced_once() -> Iterator[None]:
    """Meanwhile retries are told in one line for each repository."""
    once, logger = _Once(), logging.getLogger(_LOGGER)
    logger.addFilter(once)
    try:
        yield
    finally:
        logger.removeFilter(once)
