"""The fuse: a line in pip's global file with which a pip that nothing guards finds nothing. Pure."""

from __future__ import annotations

import re

from repoprio.config import ini
from repoprio.urls import FUSE_HOST, is_fuse

__all__ = ["URL", "NoPlace", "is_fuse", "put", "state", "take"]

URL = f"https://{FUSE_HOST}/unguarded/"
_NOTE = "# repoprio's fuse: a pip that repoprio does not guard finds nothing (repoprio disable --fuse)"
_LINES = f"{_NOTE}\nindex-url = {URL}\n"
# Where there was no such section, the note stands above it: then it goes with the fuse.
_SECTION = f"{_NOTE}\n[global]\nindex-url = {URL}\n"
_HEADER = re.compile(r"^\[global\][^\n]*\n", re.MULTILINE)


class NoPlace(ValueError):
    """A file that the fuse cannot be put into; the text says why."""


def state(text: str) -> str | None:
    """The index-url that pip reads in `text`; raises `NoPlace` where pip could not read it."""
    try:
        return ini.sections(text).get("global", {}).get("index-url")
    except ValueError as error:
        raise NoPlace(f"is not a pip.conf: {error}") from None


def put(text: str) -> str:
    """`text` with the fuse; raises `NoPlace` where an index-url stands there already."""
    found = state(text)
    if found is not None and is_fuse(found):
        return text
    if found is not None:
        raise NoPlace("has an index-url already: list it in the policy and take it out there first")
    text = text if not text or text.endswith("\n") else f"{text}\n"
    header = _HEADER.search(text)
    return f"{text[: header.end()]}{_LINES}{text[header.end() :]}" if header else text + _SECTION


def take(text: str) -> str:
    """`text` without the fuse, and without the section that came with it, unless something else stands there now."""
    before, found, after = text.partition(_SECTION)
    if not found:
        return text.replace(_LINES, "")
    is_alone = re.match(r"\s*(\[|\Z)", after) is not None
    return before + after if is_alone else f"{before}[global]\n{after}"
