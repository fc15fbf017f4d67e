"""How far a command has come, on a terminal: one line that is gone at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Yields what to call for each step that is done; nothing is written where stderr is no terminal."""
    stream, done = sys.stderr, 0
    is_shown = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"

    def show(text: str) -> None:
        if is_shown:
            stream.write(f"\r\x1b[K{text}")
            stream.flush()

    def step() -> None:
        nonlocal done
        done += 1
        show(f"{what}: {done} of {total}")

    show(f"{what}: 0 of {total}")
    try:
        yield step
    finally:
        show("")
