"""Reads the launchers that pip puts into ``Scripts`` on Windows: a program, a first line with a Python, and a zip."""

from __future__ import annotations

import zipfile

_MAIN = "__main__.py"


def script_in(file: str) -> str | None:
    """The script in the launcher `file` (as distlib makes it for pip), with its first line; None if it has none."""
    try:
        with zipfile.ZipFile(file) as archive:
            script = archive.read(_MAIN).decode("utf-8", "replace")
            begin = min(member.header_offset for member in archive.infolist())
        with open(file, "rb") as opened:
            before = opened.read(begin)
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError):
        return None
    _, mark, line = before.rpartition(b"#!")
    if not mark:
        return None
    return f"#!{line.decode('utf-8', 'replace').strip()}\n{script}"
