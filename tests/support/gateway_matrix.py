"""The fault matrix of the gateway: its axes, its rows, and the page of the manual that shows them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .fault_world import FAULTS
from .gateways import STALE, TTL
from .paths import DATA
from .wire import WireFault

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TIERS: Final = ("corp", "team", "public")
# How long ago the page was fetched.
AGES: Final = {"never": None, "fresh": TTL / 2, "expired": TTL + 0.5, "too-old": STALE + 1}
ABSENT: Final = WireFault("status-404", "it has no such project", "404", 404)
PAGES: Final = (*FAULTS, ABSENT)
# With these the owner does not answer, so that its last page may stand in; any other answer may mean something.
DOWN: Final = frozenset(
    {
        *("status-429", "status-500", "status-502", "status-503", "status-504", "status-599"),
        *("refused", "reset", "silence", "drip"),
    }
)
# By what follows the name of a file.
OBJECTS: Final = {"": "file", ".metadata": "metadata"}
# In which a repository may answer.
FORMS: Final = ("json", "html")
# Of the faults of pages those with which most clients took the public package when they asked the repositories.
WORST: Final = (
    *("status-401", "status-403", "status-429", "status-500", "status-503", "reset", "silence", "cut-chunked"),
    *("login-page", "json-files-null", "redirect-to-a-404", "redirect-to-another-site"),
)
CLIENTS: Final = ("pip", "uv", "poetry")


@dataclass(frozen=True)
class FileFault:
    """A row of block B."""

    id: str
    why: str
    outcome: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    sent: str | None = None


@dataclass(frozen=True)
class Content:
    """A row of block C."""

    id: str
    why: str
    files: Sequence[Mapping[str, Any]] = ()
    page: Mapping[str, Any] = field(default_factory=dict)
    html: str = ""
    charset: str = ""
    kept: Sequence[str] = ()
    direct: bool = False
    refused: Sequence[str] = ()
    only: str | None = None


@dataclass(frozen=True)
class Request:
    """A row of block D."""

    id: str
    why: str
    line: str
    status: Sequence[int]
    headers: Sequence[str] = ()
    body: str = ""
    location: str | None = None


@dataclass(frozen=True)
class State:
    """A row of block F."""

    id: str
    why: str
    result: str
    test: str


def _rows(block: str) -> list[dict[str, Any]]:
    """The rows of a block, as its file has them."""
    document = tomllib.loads((DATA / "gateway" / f"{block}.toml").read_text(encoding="utf-8"))
    (rows,) = document.values()
    return list(rows)


FILES: Final = [FileFault(**row) for row in _rows("files")]
CONTENTS: Final = [Content(**row) for row in _rows("contents")]
REQUESTS: Final = [Request(**row) for row in _rows("requests")]
STATES: Final = [State(**row) for row in _rows("state")]


def pages() -> list[tuple[WireFault, str, str]]:
    """The cases of block A: a fault, the tier that has it, and how old the page is."""
    return [
        (fault, tier, age)
        for fault in PAGES
        for tier in TIERS
        for age in AGES
        # A repository whose host is unknown has never answered; what its owner never had is another's.
        if (age == "never" or fault.how != "dns") and (fault, tier, age) != (ABSENT, "team", "never")
    ]


def files() -> list[tuple[FileFault, str, str, bool]]:
    """The cases of block B: a fault, the tier that has it, the suffix of the object, whether its page is there."""
    return [
        (fault, tier, suffix, is_warm)
        for fault in FILES
        for is_warm in (True, False)
        for tier in TIERS
        for suffix in OBJECTS
    ]


def contents() -> list[tuple[Content, str]]:
    """The cases of block C: a content, and the form in which the repository answers."""
    return [(content, form) for content in CONTENTS for form in FORMS if content.only in (None, form)]


def clients() -> list[tuple[WireFault, str]]:
    """The cases of block E: a fault of the owner, and a client of the gateway."""
    return [(fault, client) for fault in FAULTS if fault.id in WORST for client in CLIENTS]
