"""Logs that others wrote, read line by line: of any size, compressed or not, and cut off anywhere."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator

# A record of repoprio's is at most some two kilobytes long.
LONGEST_LINE = 2**16
_GZIP = b"\x1f\x8b"


class CutOff(Exception):
    """The rest of the log cannot be read: it was cut off or damaged while it was compressed."""


def lines(file: str) -> Iterator[bytes | None]:
    """The lines of `file` ("-": stdin) without their end; None for one that is too long.

    Raises `OSError` if it cannot be opened, `CutOff` if the rest of it cannot be read.
    """
    with _opened(file) as raw:
        plain = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == _GZIP else raw
        try:
            while line := plain.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    _skip(plain)
                    yield None
                else:
                    yield line.rstrip(b"\r\n")
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise CutOff from None


def _opened(file: str) -> io.BufferedReader:
    if file == "-":
        return io.BufferedReader(open(sys.stdin.fileno(), "rb", buffering=0, closefd=False))
    return open(file, "rb")


def _skip(stream: gzip.GzipFile | io.BufferedReader) -> None:
    """Read to the end of a line of any length."""
    while part := stream.readline(LONGEST_LINE):
        if part.endswith(b"\n"):
            return
