"""The terminal: its width, whether to use colour, and progress lines."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from repoprio.output import SafeStream, say, understands_escapes
from repoprio.redaction import printable

# The width if nothing states one: it suits tickets and pagers.
_COLUMNS = 80


def columns(stream: TextIO | None) -> int:
    """The columns of `stream`: COLUMNS, else the terminal's, else 80."""
    stated = os.environ.get("COLUMNS", "")
    if is_number(stated) and int(stated):
        return int(stated)
    try:
        return (os.get_terminal_size(stream.fileno()).columns if stream else 0) or _COLUMNS
    except (OSError, ValueError, AttributeError):
        return _COLUMNS


def is_number(text: str) -> bool:
    """Whether `text` is a valid number of columns."""
    return text.isascii() and text.isdigit() and len(text) < 5


def complain(text: str) -> None:
    """Print an error on stderr, made safe to print."""
    say(f"ERROR: {text}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A function that shows progress in one line on a terminal's stderr, removed at the end; elsewhere it does nothing.

    An empty text removes the line, before other text is written.
    """
    if not understands_escapes(sys.stderr):
        yield lambda _: None
        return
    width = columns(sys.stderr) - 1

    def tell(text: str) -> None:
        print(f"\r\x1b[K{printable(text)[:width]}", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        tell("")


@contextmanager
def counted(label: str, total: int) -> Iterator[Callable[[], None]]:
    """A function to call after each of `total` steps; the count is shown as in `progress`."""
    done = 0
    with progress() as show:

        def step() -> None:
            nonlocal done
            done += 1
            show(f"{label}: {done} of {total}")

        show(f"{label}: 0 of {total}")
        yield step


def shows_color(stream: TextIO | None, wish: str) -> bool:
    """Whether to write colour to `stream`; `wish` is the value of ``--color``.

    With "auto": to a terminal that is not dumb, unless NO_COLOR has a value.
    """
    shows = wish == "always" or (wish == "auto" and understands_escapes(stream) and not os.environ.get("NO_COLOR"))
    if isinstance(stream, SafeStream):
        stream.colored = shows
    return shows


def add_report(command: argparse.ArgumentParser, *more: str) -> None:
    """Add the options of commands that print a report; `more` are further formats."""
    formats = "text for people, json for programs (keys are added, never changed)"
    formats += "; sarif for code-scanning pages" if "sarif" in more else ""
    command.add_argument("--format", choices=("text", "json", *more), default="text", help=formats)
    colors = "auto: on a terminal, unless NO_COLOR is set"
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto", help=colors)
