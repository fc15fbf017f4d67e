"""What the terminal is like: its width, and whether it shows colour."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TextIO

from repoprio.render.table import plain

# Where nobody says how wide: what a ticket or a pager shows.
_COLUMNS = 80


def columns(stream: TextIO) -> int:
    """The columns of `stream`: COLUMNS, else the terminal's, else 80."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except (OSError, ValueError, AttributeError):
        return _COLUMNS


def shows_color(stream: TextIO, wish: str) -> bool:
    """Whether to write colour to `stream`; `wish` is what ``--color`` says.

    On its own: to a terminal that is not dumb, and not where NO_COLOR has any value.
    """
    if wish != "auto":
        return wish == "always"
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def complain(text: str) -> None:
    """An error on stderr, without control characters: names of files and what they say are anybody's."""
    print(f"ERROR: {chr(10).join(map(plain, text.splitlines()))}", file=sys.stderr)


def add_report(command: argparse.ArgumentParser, *more: str) -> None:
    """What every command takes that reports; `more` are further formats."""
    formats = "text for people, JSON for programs (keys are added, never changed)"
    command.add_argument("--format", choices=("text", "json", *more), default="text", help=formats)
    colors = "auto: on a terminal, unless NO_COLOR is set"
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto", help=colors)
