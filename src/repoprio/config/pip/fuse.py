"""The fuse: a line in pip's global file that makes a pip without the hook find nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from repoprio.config.pip import policy_section
from repoprio.urls import FUSE as URL
from repoprio.urls import is_fuse

__all__ = ["URL", "NoPlace", "is_fuse", "put", "state", "take"]

_OLD_URL = "https://repoprio.invalid/unguarded/"
_NOTE = "# repoprio's fuse: a pip that repoprio does not guard finds nothing (repoprio disable --fuse)"


def _lines(url: str) -> str:
    return f"{_NOTE}\nindex-url = {url}\n"


def _section(url: str) -> str:
    """A new section with the fuse; the note stands above it, so that both are removed together."""
    return f"{_NOTE}\n[global]\nindex-url = {url}\n"


_HEADER = re.compile(r"^\[global\][^\n]*\n", re.MULTILINE)


class NoPlace(ValueError):
    """The fuse cannot be put into this file; the text says why."""


def state(text: str) -> str | None:
    """The index-url that pip reads in `text`; raises `NoPlace` if pip cannot read the text."""
    try:
        return policy_section.sections(text).get("global", {}).get("index-url")
    except ValueError as error:
        raise NoPlace(f"is not a pip.conf: {error}") from None


def put(text: str) -> str:
    """`text` with the fuse; raises `NoPlace` if it has an index-url already."""
    index_url = state(text)
    if index_url is not None and is_fuse(index_url):
        # The fuse of an earlier version works, but slowly.
        return text.replace(_section(_OLD_URL), _section(URL)).replace(_lines(_OLD_URL), _lines(URL))
    if index_url is not None:
        raise NoPlace("already has an index-url: list it in the policy and remove it there first")
    before = policy_section.sections(text)
    for section, keys in before.items():
        for key in keys.keys() & {"index-url", "extra-index-url", "find-links"}:
            raise NoPlace(f"has {section}.{key}, which pip would still use: list it in the policy and remove it there")
    whole = text if not text or text.endswith("\n") else f"{text}\n"
    header = _HEADER.search(whole)
    new = f"{whole[: header.end()]}{_lines(URL)}{whole[header.end() :]}" if header else whole + _section(URL)
    if not _says_the_same(new, before):
        raise NoPlace(f"has a layout into which no line can be inserted: add index-url = {URL} by hand")
    return new


def _says_the_same(new: str, before: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether pip reads the same settings in `new` as before, plus the fuse."""
    try:
        return policy_section.sections(new) == {**before, "global": {**before.get("global", {}), "index-url": URL}}
    except ValueError:
        return False


def take(text: str) -> str:
    """`text` without the fuse, and without the section that came with it if nothing else is in it."""
    for url in (URL, _OLD_URL):
        before, section, after = text.partition(_section(url))
        if not section:
            text = text.replace(_lines(url), "")
            continue
        is_alone = re.match(r"\s*(\[|\Z)", after) is not None
        text = before + after if is_alone else f"{before}[global]\n{after}"
    return text
