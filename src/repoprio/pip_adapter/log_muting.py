"""Mutes pip's log for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def muted() -> Iterator[None]:
    """Log nothing, and hide pip's handlers; everything is restored at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.manager.disable
    root.handlers = []
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
        root.handlers = handlers
