"""The keys of a policy and what each one takes.

Each parser is given the TOML value and returns it as the policy holds it; it raises `ValueError`
with the end of a sentence that begins with the value: ``0`` … ``is not between 1 and 999``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from repoprio.names import NormalizedName, Pattern, is_project_name, normalize
from repoprio.policy import HIGHEST, LOWEST, DirectUrls, Format, Mode, Redirects, Unlisted
from repoprio.urls import Site, hushed, site

Parser = Callable[[Any], Any]
Choice = TypeVar("Choice", bound=enum.Enum)

_ENTRY_NAME = re.compile(r"[a-z0-9-]+")
EMPTY_PAGE = "empty-page"


class NotExpected(ValueError):
    """A value of the wrong kind; its text is the rest of a sentence that begins with the value."""


def entry_name(text: str) -> str:
    """The name of a repository or a pin: pip folds keys to ``[a-z0-9-]+``."""
    if not _ENTRY_NAME.fullmatch(text):
        raise NotExpected("is not a name: use a-z, 0-9 and - only")
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise NotExpected("is not a text")
    if any(ord(character) < 32 for character in value):
        raise NotExpected("holds control characters")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotExpected("is not true or false")
    return value


def _one_of(choices: type[Choice], *without: Choice) -> Callable[[Any], Choice]:
    known = [choice for choice in choices if choice not in without]

    def parse(value: Any) -> Choice:
        for choice in known:
            if choice.value == value:
                return choice
        raise NotExpected(f"is not {_either([str(choice.value) for choice in known])}")

    return parse


def _either(words: list[str]) -> str:
    quoted = [f'"{word}"' for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise NotExpected('is not a list of texts, such as ["acme-*"]')
    return tuple(_text(item) for item in value)


def _patterns(value: Any) -> tuple[Pattern, ...]:
    try:
        return tuple(Pattern.parse(text) for text in _texts(value))
    except NotExpected:
        raise
    except ValueError as error:
        raise NotExpected(f"has a bad pattern: {error}") from None


def _project(value: Any) -> NormalizedName:
    if not is_project_name(_text(value)):
        raise NotExpected("is not a project name")
    return normalize(value)


def _priority(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not HIGHEST <= value <= LOWEST:
        quoted = "; write it without quotes" if isinstance(value, str) and value.isdigit() else ""
        raise NotExpected(f"is not between {HIGHEST} and {LOWEST} (1 is the highest priority){quoted}")
    return value


def _absent(value: Any) -> tuple[frozenset[int], bool]:
    items = value if isinstance(value, list) and value else [None]
    if not all(item == EMPTY_PAGE or (type(item) is int and 400 <= item <= 499) for item in items):
        raise NotExpected(f'is not a list of statuses from 400 to 499 and "{EMPTY_PAGE}", such as [404]')
    return frozenset(item for item in items if isinstance(item, int)), EMPTY_PAGE in items


def _redirects(value: Any) -> Mapping[Site, Redirects]:
    if not isinstance(value, dict):
        raise NotExpected('is not a table, such as {"https://files.example" = "follow"}')
    return MappingProxyType({_site(key): _one_of(Redirects)(means) for key, means in value.items()})


def _site(text: str) -> Site:
    try:
        parts, found = urlsplit(text), site(text)
    except ValueError:
        parts, found = urlsplit(""), Site("", "", None)
    if found.scheme not in ("http", "https") or not found.host or parts.path.strip("/") or "@" in parts.netloc:
        raise NotExpected(f"has {hushed(text)!r}, which is not a site such as https://files.example")
    return found


def _listing(value: Any) -> bool:
    if value not in ("partial", "complete"):
        raise NotExpected('is not "partial" or "complete"')
    return bool(value == "complete")


def _locked(value: Any) -> Any:
    if not isinstance(value, bool) and value != "extend":
        raise NotExpected('is not true, false or "extend"')
    return value


def _pylock(value: Any) -> Any:
    if value not in ("verify", "allow"):
        raise NotExpected('is not "verify" or "allow"')
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise NotExpected("is not a number of seconds from 0 to 3600")
    return float(value)


def _bytes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1024:
        raise NotExpected("is not a number of bytes, 1024 at least")
    return value


def _mode(value: Any) -> Mode:
    if value == Mode.OBSERVE.value:
        raise NotExpected('is not built yet; use "strict" or "flexible"')
    return _one_of(Mode, Mode.MERGE, Mode.OBSERVE)(value)


POLICY: Mapping[str, Parser] = {
    "mode": _mode,
    "unlisted": _one_of(Unlisted),
    "direct-urls": _one_of(DirectUrls),
    "pylock": _pylock,
    "locked": _locked,
    "help": _text,
    "page-timeout": _seconds,
    "page-size-limit": _bytes,
}
REPOSITORY: Mapping[str, Parser] = {
    "url": _text,
    "priority": _priority,
    "format": _one_of(Format),
    "enabled": _flag,
    "namespaces": _patterns,
    "owns": _patterns,
    "include": _patterns,
    "exclude": _patterns,
    "explicit": _flag,
    "absent": _absent,
    "canary": _project,
    "redirects": _redirects,
    "skip-if-unavailable": _flag,
    "mirrors": _texts,
    "aliases": _texts,
    "listing": _listing,
}
PIN: Mapping[str, Parser] = {
    "projects": _patterns,
    "repositories": _texts,
    "versions": _text,
    "block": _text,
    "mode": _one_of(Mode, Mode.OBSERVE),
}
TABLES = ("repositories", "pins")
