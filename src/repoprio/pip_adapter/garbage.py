"""Python's garbage collector, which rests while a large page is read."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No look for garbage meanwhile: thousands of records are made that all stay, and each look goes through all.

    Where two threads are here at once, the first that leaves ends the rest of both: it never lasts.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if hasattr(gc, "freeze") and gc.get_freeze_count() == 0:
                # What was made joins the oldest generation, unseen; else the next look would go through all of it.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
