"""The clock for the age of answers: it runs while the machine sleeps, and cannot be set."""

from __future__ import annotations

import sys
import time


def steady_seconds() -> float:
    """Seconds since some moment; on Linux and macOS `time.monotonic` stops during sleep, so pages would not age."""
    if sys.platform == "win32" or _CLOCK is None:
        return time.monotonic()
    return time.clock_gettime(_CLOCK)


def _clock() -> int | None:
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    return getattr(time, name, None)


_CLOCK = _clock()
