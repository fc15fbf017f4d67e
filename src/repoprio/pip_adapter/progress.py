"""Shows one progress line on a terminal while pages are fetched, because pip shows nothing then.

The line is cleared before anything else is written. This module is loaded while pip is being imported, so it imports
nothing of pip.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from repoprio.output import ANEW, understands_escapes
from repoprio.pip_adapter.registry import Registry

if TYPE_CHECKING:
    from optparse import Values

# In seconds: how long to wait before the line appears, and between two drawings.
_DELAY = 0.3
_PAUSE = 0.1
_COLUMNS = 80


class ProgressLine:
    """One line of `stream` that says how many projects were looked up, and how many are under way.

    It has no colours. Several threads may write; each must do so inside `out_of_the_way`.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._begun: float | None = None
        self._drawn = 0.0
        self._text = ""

    def show(self, done: int, under_way: int) -> None:
        """Draw the line, unless it all began very recently."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now
        if now - self._begun < _DELAY or (self._text and now - self._drawn < _PAUSE):
            return
        counts = [f"{done} done"] * bool(done) + [f"{under_way} under way"] * bool(under_way)
        self._draw(f"Looking up projects... {', '.join(counts)}"[: _columns(self._stream) - 1])
        self._drawn = now

    def hide(self) -> None:
        """Clear the line."""
        self._draw("")

    @contextlib.contextmanager
    def out_of_the_way(self) -> Iterator[None]:
        """A context in which something else may be written: the line is cleared."""
        with self._lock:
            self.hide()
            yield

    def _draw(self, text: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            if text != self._text:
                self._stream.write(f"{ANEW}{text}")
                self._stream.flush()
                self._text = text


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS


_LINES: Registry[ProgressLine] = Registry()


def show_for(session: object, options: Values) -> None:
    """Show a line while pages are fetched with `session`, if pip with these `options` shows progress bars.

    It does so on a terminal, without -q and --progress-bar off; and without -v, which prints every step.
    """
    if not _is_wanted(options):
        return
    line = ProgressLine(sys.stderr)
    _LINES.put(session, line)
    for handler in logging.getLogger().handlers:
        _keep_out_of_its_way(handler, line)


def line_of(session: object) -> ProgressLine | None:
    """The line for one of pip's sessions; None if there is none."""
    return _LINES.get(session)


def _is_wanted(options: Values) -> bool:
    streams = (sys.stdout, sys.stderr)
    return (
        all(map(understands_escapes, streams))
        # Some CI systems provide a terminal, but keep every drawing of the line in the log.
        and not os.environ.get("CI")
        and not options.quiet
        and not options.verbose
        and getattr(options, "progress_bar", "on") not in ("off", "raw")
    )


def _keep_out_of_its_way(handler: logging.Handler, line: ProgressLine) -> None:
    """Make `handler` clear the line before it writes: workers may log something at any time."""
    emit: Any = handler.emit

    def emit_alone(record: logging.LogRecord) -> None:
        with line.out_of_the_way():
            emit(record)

    handler.emit = emit_alone  # type: ignore[method-assign]
