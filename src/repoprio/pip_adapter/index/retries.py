"""Reports retries in one line for each repository, instead of urllib3's warning for each try."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from repoprio.pip_adapter.index.transport import ASKING

_LOGGER = "pip._vendor.urllib3.connectionpool"


class _Once(logging.Filter):
    """Drops urllib3's warnings of retries, and warns once for each repository that does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self._reported: set[str] = set()
        # Several threads may log at once.
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """False for urllib3's warnings of retries."""
        from repoprio.pip_adapter.errors import warn

        if not str(record.msg).startswith("Retrying"):
            return True
        # urllib3 logs in the thread that asks.
        whom: str | None = getattr(ASKING, "whom", None)
        if whom is None:
            return False
        with self._lock:
            is_first = whom not in self._reported
            self._reported.add(whom)
        if is_first:
            warn(f"repoprio: {whom} does not answer; trying again")
        return False


@contextmanager
def announced_once() -> Iterator[None]:
    """A context in which retries are reported in one line for each repository."""
    once, logger = _Once(), logging.getLogger(_LOGGER)
    logger.addFilter(once)
    try:
        yield
    finally:
        logger.removeFilter(once)
