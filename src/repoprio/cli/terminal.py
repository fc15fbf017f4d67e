"""What the terminal is like: its width, and whether it shows colour."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from repoprio.output import SafeStream, say
from repoprio.redaction import printable

# Where nobody says how wide: what a ticket or a pager shows.
_COLUMNS = 80


def columns(stream: TextIO | None) -> int:
    """The columns of `stream`: COLUMNS, else the terminal's, else 80."""
    given = os.environ.get("COLUMNS", "")
    if is_number(given) and int(given):
        return int(given)
    try:
        return (os.get_terminal_size(stream.fileno()).columns if stream else 0) or _COLUMNS
    except (OSError, ValueError, AttributeError):
        return _COLUMNS


def is_number(text: str) -> bool:
    """Whether `text` can be a number of columns."""
    return text.isascii() and text.isdigit() and len(text) < 5


def complain(text: str) -> None:
    """An error on stderr, as all of repoprio's; what a file or a server says in it must not move the cursor."""
    say(f"ERROR: {text}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """What tells how far a command is: one line on a terminal's stderr, gone at the end; nothing elsewhere.

    An empty text takes the line away, before others are written.
    """
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
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
def counted(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Yields what to call for each of `total` steps that is done; shown as `progress` shows it."""
    done = 0
    with progress() as show:

        def step() -> None:
            nonlocal done
            done += 1
            show(f"{what}: {done} of {total}")

        show(f"{what}: 0 of {total}")
        yield step


def shows_color(stream: TextIO | None, wish: str) -> bool:
    """Whether to write colour to `stream`; `wish` is what ``--color`` says.

    On its own: to a terminal that is not dumb, and not where NO_COLOR has any value.
    """
    wants = stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
    shows = wish == "always" or (wish == "auto" and wants and os.environ.get("TERM") != "dumb")
    if isinstance(stream, SafeStream):
        stream.colored = shows
    return shows


def add_report(command: argparse.ArgumentParser, *more: str) -> None:
    """What every command takes that reports; `more` are further formats."""
    formats = "text for people, json for programs (keys are added, never changed)"
    formats += "; sarif for code-scanning pages" if "sarif" in more else ""
    command.add_argument("--format", choices=("text", "json", *more), default="text", help=formats)
    colors = "auto: on a terminal, unless NO_COLOR is set"
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto", help=colors)
