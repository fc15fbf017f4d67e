"""Pauses Python's garbage collector while a large page is read."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collector: a page makes thousands of objects that all stay, and each collection visits all of them.

    If two threads are here at the same time, the first one to leave ends the pause for both.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if hasattr(gc, "freeze") and gc.get_freeze_count() == 0:
                # Move the new objects to the oldest generation; else the next collection would visit them all.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
