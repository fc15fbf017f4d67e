"""The clock by which answers age: it goes on while the machine sleeps, and nobody sets it."""

from __future__ import annotations

import sys
import time


def steady_seconds() -> float:
    """Seconds since some moment. Linux and macOS stop `time.monotonic` while they sleep: then pages would not age."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def _clock() -> int | None:
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    return getattr(time, name, None)


_CLOCK = _clock()
