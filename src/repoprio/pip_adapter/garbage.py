"""Spares Python's garbage collector work in vain: pip makes hundreds of thousands of objects, and nearly all stay."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import re
import sys
from collections.abc import Iterator

# Collect once there are so many new objects (700 by default), and the older ones after so many of these collections.
_SELDOM = (50_000, 20, 100)
# The names of programs that end once pip has: pip's scripts, its runner for child pips, and repoprio's.
_PIPS = re.compile(
    r"(?:pip[0-9.]*|repoprio|__pip-runner__|child_script)(?:-script\.pyw?|\.pyw?|\.pyz|\.exe)?", re.IGNORECASE
)


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Collect rarely during a resolution, and not when Python ends, which would visit all objects three times.

    The end takes a tenth of a second less; objects without cycles are still freed.
    """
    # Registered once, however often pip resolves.
    atexit.unregister(_leave_all)
    atexit.register(_leave_all)
    before = gc.get_threshold()
    # 0 means that somebody has switched it off.
    if before[0]:
        gc.set_threshold(*map(max, before, _SELDOM))
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _leave_all() -> None:
    # Another program that uses pip as a library may have objects that do something when they are freed.
    if hasattr(gc, "freeze") and _is_pips_process():
        gc.freeze()


def _is_pips_process() -> bool:
    folder, name = os.path.split(getattr(sys.modules.get("__main__"), "__file__", None) or "")
    # ``python -m pip``, pip as a zip file, and pip.exe.
    program = os.path.basename(folder) if name == "__main__.py" else name
    return _PIPS.fullmatch(program) is not None


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
