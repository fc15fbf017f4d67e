"""What is said while pip tries again: one line for each repository, in place of urllib3's for each try."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from repoprio.pip_adapter.transport import WAITING

_LOGGER = "pip._vendor.urllib3.connectionpool"


class _Once(logging.Filter):
    """Lets no word of a retry through, and says once of whom an answer is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what urllib3 says of a retry."""
        from repoprio.pip_adapter.guard import warn

        if not str(record.msg).startswith("Retrying"):
            return True
        whom = (record.threadName or "").removeprefix(WAITING)
        if whom not in self._said and whom != record.threadName:
            self._said.add(whom)
            warn(f"repoprio: {whom} does not answer; it is asked again")
        return False


@contextmanager
def said_once() -> Iterator[None]:
    """Meanwhile retries are told in one line for each repository."""
    once, logger = _Once(), logging.getLogger(_LOGGER)
    logger.addFilter(once)
    try:
        yield
    finally:
        logger.removeFilter(once)
