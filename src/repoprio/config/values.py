"""Parsers for the values of a policy's keys.

Each parser takes a TOML value and returns the value for the policy; it raises `NotExpected`
with the rest of a sentence that begins with the value: ``0`` … ``is not between 1 and 999``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.policy.durations import LONGEST, TooLong, parse_duration
from repoprio.policy.model import HIGHEST, LOWEST, Redirects
from repoprio.policy.patterns import Pattern
from repoprio.redaction import redact_text
from repoprio.urls import Site, site

Parser = Callable[[Any], Any]
Choice = TypeVar("Choice", bound=enum.Enum)
Item = TypeVar("Item")

_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]")
_ENTRY_NAME = re.compile(r"[a-z0-9-]+")
EMPTY_PAGE, EMPTY_ROOT = "empty-page", "empty-root"
LARGEST = 2**40
LONGEST_STALE = 30 * 86_400
REQUIRED = ("required",)
LISTING = ("partial", "complete")


def is_pips(file: str) -> bool:
    """Whether a file is in pip's format, by its ending."""
    return file.endswith((".conf", ".ini"))


class NotExpected(ValueError):
    """The value is not valid; the text is the rest of a sentence that begins with the value."""


def entry_name(text: str) -> str:
    """The name of a repository or a pin; pip normalizes keys to ``[a-z0-9-]+``."""
    if not _ENTRY_NAME.fullmatch(text):
        raise NotExpected("is not a name: use a-z, 0-9 and - only")
    return text


def text(value: Any) -> str:
    """A text without control characters, and without white space around it, as in pip.conf."""
    if not isinstance(value, str):
        raise NotExpected("is not a string")
    if not value.strip():
        raise NotExpected("is empty")
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value.strip()):
        raise NotExpected("contains control characters")
    return value.strip()


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise NotExpected("is not true or false")
    return value


def one_of(choices: type[Choice], *without: Choice) -> Callable[[Any], Choice]:
    """A parser that accepts one of `choices`, except `without`."""
    known = [choice for choice in choices if choice not in without]

    def parse(value: Any) -> Choice:
        for choice in known:
            if choice.value == value:
                return choice
        raise NotExpected(f"is not {_either([str(choice.value) for choice in known])}")

    return parse


def _either(words: Sequence[str]) -> str:
    quoted = [f'"{word}"' for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts; it may be empty."""
    if not isinstance(value, list):
        raise NotExpected('is not a list of strings: write ["..."]')
    if not all(isinstance(item, str) for item in value):
        raise NotExpected("contains something that is not a string")
    return tuple(text(item) for item in value)


def names(value: Any) -> tuple[str, ...]:
    """A list of names of repositories."""
    return tuple(entry_name(item) for item in texts(value))


def some(parse: Callable[[Any], tuple[Item, ...]]) -> Callable[[Any], tuple[Item, ...]]:
    """A parser like `parse` that rejects an empty list."""

    def parse_some(value: Any) -> tuple[Item, ...]:
        items = parse(value)
        if not items:
            raise NotExpected("is an empty list: add at least one item, or remove the key")
        return items

    return parse_some


def patterns(value: Any) -> tuple[Pattern, ...]:
    """A list of patterns over project names."""
    return tuple(_pattern(item) for item in texts(value))


def _pattern(written: str) -> Pattern:
    try:
        return Pattern.parse(written)
    except ValueError:
        hint = "; separate them by spaces" if "," in written else ""
        raise NotExpected(
            f"has {redact_text(written)!r}, which is not a project name with * and ? as wildcards{hint}"
        ) from None


def project(value: Any) -> NormalizedName:
    """The name of one project, normalized."""
    if not is_project_name(text(value)):
        raise NotExpected("is not a project name")
    return normalize(value)


def priority(value: Any) -> int:
    """1 (the highest priority) to 999."""
    if isinstance(value, bool) or not isinstance(value, int):
        quoted = "; write it without quotes" if isinstance(value, str) and value.isdigit() else ""
        raise NotExpected(f"is not a whole number from {HIGHEST} to {LOWEST} (1 is the highest priority){quoted}")
    if not HIGHEST <= value <= LOWEST:
        raise NotExpected(f"is not between {HIGHEST} and {LOWEST} (1 is the highest priority)")
    return value


class Absences(NamedTuple):
    """The answers that mean "no such project": statuses, and whether an empty page or an empty root is one."""

    statuses: frozenset[int]
    empty_page: bool
    empty_root: bool


def absent(value: Any) -> Absences:
    """The answers that mean "no such project"."""
    items = value if isinstance(value, list) and value else [None]
    words = (EMPTY_PAGE, EMPTY_ROOT)
    if not all(item in words or (type(item) is int and 400 <= item <= 499) for item in items):
        allowed = f'statuses from 400 to 499, "{EMPTY_PAGE}" and "{EMPTY_ROOT}"'
        raise NotExpected(f"is not a list of {allowed}, such as [404]")
    statuses = frozenset(item for item in items if isinstance(item, int))
    return Absences(statuses, EMPTY_PAGE in items, EMPTY_ROOT in items)


def redirects(value: Any) -> Mapping[Site, Redirects]:
    """The meaning of redirects of pages to other sites, by site."""
    if not isinstance(value, dict):
        raise NotExpected('is not {"https://files.example" = "follow"} (in pip.conf: https://files.example = follow)')
    meanings: dict[Site, Redirects] = {}
    for key, means in value.items():
        place, meaning = _site(key), one_of(Redirects)(means)
        if meanings.setdefault(place, meaning) is not meaning:
            raise NotExpected(f"has {redact_text(key)!r} twice, with two meanings")
    return MappingProxyType(meanings)


def _site(text: str) -> Site:
    try:
        parts, where = urlsplit(text), site(text)
    except ValueError:
        parts, where = urlsplit(""), Site("", "", None)
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if where.scheme not in ("http", "https") or not where.host or more:
        raise NotExpected(f"has {redact_text(text)!r}, which is not a site such as https://files.example")
    return where


def gateway(value: Any) -> str:
    """The URL of an index over HTTP, without a login: it is handed out to every client."""
    written = text(value)
    try:
        where = site(written)
    except ValueError:
        where = Site("", "", None)
    if where.scheme not in ("http", "https") or not where.host or set(written) & set(" ?#@{}\\"):
        raise NotExpected("is not the URL of an index without a login, such as https://pypi.corp.example/simple/")
    return written


def ownership(value: Any) -> str:
    """The place of the ownership memory: an absolute path, or a URL over HTTP without a login."""
    written = text(value)
    if _ABSOLUTE.match(written):
        return written
    try:
        return gateway(written)
    except NotExpected:
        expected = "an absolute path, or a URL without a login, such as https://pypi.corp.example/ownership.json"
        raise NotExpected(f"is not {expected}") from None


def listing(value: Any) -> bool:
    """Whether the project list is complete."""
    if value not in LISTING:
        raise NotExpected(f"is not {_either(LISTING)}")
    return bool(value == "complete")


def locked(value: Any) -> Any:
    """The lock: True lets later layers set nothing, "extend" lets them add below, False is no lock."""
    if not isinstance(value, bool) and value != "extend":
        raise NotExpected('is not true, false or "extend"')
    return value


def required(value: Any) -> Any:
    """The word "required": a policy must exist."""
    if value not in REQUIRED:
        raise NotExpected(f"is not {_either(REQUIRED)}")
    return value


def seconds(value: Any) -> float:
    """A time-out in seconds, at most an hour."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise NotExpected("is not a number of seconds above 0, up to 3600")
    return float(value)


def duration(value: Any) -> timedelta:
    """A length of time, ten years at most; zero is one too."""
    written = "" if isinstance(value, int | float) and not isinstance(value, bool) else text(value)
    unit = "" if written.strip("0123456789.") else "; it needs a unit"
    try:
        return parse_duration(written)
    except TooLong:
        raise NotExpected(f"is longer than {LONGEST.days} days") from None
    except ValueError:
        raise NotExpected(f'is not a duration such as "7 days", "36 hours", "P7D" or "PT12H"{unit}') from None


def stale_seconds(value: Any) -> float:
    """For how many seconds an old page may be served; 0 for not at all, 30 days at most."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_STALE:
        raise NotExpected("is not a number of seconds from 0 to 2592000 (30 days)")
    return float(value)


def size(value: Any) -> int:
    """A size in bytes, at least a kibibyte."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1024 <= value <= LARGEST:
        raise NotExpected("is not a number of bytes from 1024 to 2**40")
    return value
