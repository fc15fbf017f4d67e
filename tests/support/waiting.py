"""Waits for what another thread or process does: until a condition is true, and never longer than some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

_PAUSE = 0.01


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Wait until `is_so`; fails with `what` if it does not become true in time."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(_PAUSE)
