"""One line on a terminal while pages are waited for, where pip shows nothing. It is gone before others write theirs.

Loaded while pip itself is being imported: so nothing of pip is imported here.
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

# Whoever has the answers sooner sees no line; and so often it is drawn at most, in seconds.
_DELAY = 0.3
_PAUSE = 0.1
_COLUMNS = 80


class ProgressLine:
    """How many projects were looked up, and how many are under way: one line of `stream`, drawn over itself.

    It has no colours. Several threads may write: whoever does holds `out_of_the_way`.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._begun: float | None = None
        self._drawn = 0.0
        self._text = ""

    def show(self, done: int, under_way: int) -> None:
        """Say how far it is, if that has taken a while."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now
        if now - self._begun < _DELAY or (self._text and now - self._drawn < _PAUSE):
            return
        counts = [f"{done} done"] * bool(done) + [f"{under_way} under way"] * bool(under_way)
        self._draw(f"Looking up projects... {', '.join(counts)}"[: _columns(self._stream) - 1])
        self._drawn = now

    def hide(self) -> None:
        """Take the line away."""
        self._draw("")

    @contextlib.contextmanager
    def out_of_the_way(self) -> Iterator[None]:
        """Meanwhile somebody else writes."""
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
    """Show a line while pages are fetched with one of pip's sessions, where pip with these `options` shows its bars.

    That is on a terminal, without -q and --progress-bar off; and without -v, which says all that is done.
    """
    if not _is_wanted(options):
        return
    line = ProgressLine(sys.stderr)
    _LINES.put(session, line)
    for handler in logging.getLogger().handlers:
        _keep_out_of_its_way(handler, line)


def line_of(session: object) -> ProgressLine | None:
    """The line for one of pip's sessions; None where none is shown."""
    return _LINES.get(session)


def _is_wanted(options: Values) -> bool:
    streams = (sys.stdout, sys.stderr)
    return (
        all(map(understands_escapes, streams))
        # What some of these run in looks like a terminal, and keeps each line that was there.
        and not os.environ.get("CI")
        and not options.quiet
        and not options.verbose
        and getattr(options, "progress_bar", "on") not in ("off", "raw")
    )


def _keep_out_of_its_way(handler: logging.Handler, line: ProgressLine) -> None:
    """Have `handler` write only while the line is gone: workers may log something at any time."""
    emit: Any = handler.emit

    def emit_alone(record: logging.LogRecord) -> None:
        with line.out_of_the_way():
            emit(record)

    handler.emit = emit_alone  # type: ignore[method-assign]
