"""Pages of the simple repository API as frozen records. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from repoprio.dataclass import dataclass
from repoprio.lookup.cooldown import Clocks
from repoprio.names import NormalizedName

_API_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)


class Versions(Protocol):
    """Functions for versions (PEP 440); the caller passes them, since child pips may lack `packaging`."""

    def is_version(self, text: str, /) -> bool:
        """Whether `text` is a version."""

    def newest_first(self, texts: frozenset[str], /) -> tuple[str, ...]:
        """The versions in order, the newest first."""


class File(NamedTuple):
    """One file that a page lists.

    `url` is absolute and quoted. `filename` is its last segment, percent-decoded: pip uses that, not the name that a
    JSON page states. `hashes` are by algorithm, including one in the fragment of `url`. `yanked` is the reason, "" if
    none is given, None for a file that is not yanked (PEP 592). `core_metadata` has the hashes of the metadata
    file; empty if the page states no hash, None if there is no metadata file (PEP 658, PEP 714). `size` is in bytes,
    `upload_time` has its offset from UTC (PEP 700), `provenance` is a URL (PEP 740). `listed_on` is the page's
    own URL, None for a file that is on no page. A tuple, which is much faster to make: a page has thousands of files.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    requires_python: str | None = None
    yanked: str | None = None
    core_metadata: Mapping[str, str] | None = None
    size: int | None = None
    upload_time: datetime | None = None
    provenance: str | None = None
    listed_on: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a project (PEP 792): "active", "archived", "quarantined" or "deprecated"; and the reason."""

    status: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """All files that one page lists, of any project; `url` is where it came from.

    `api` is its format and API version, such as "JSON 1.1". `stated_versions` are the versions that the page itself
    lists (PEP 700), None if it lists none. `is_empty`: it is complete and lists nothing at all. `asks`: it has a form,
    like a login page. `has_end`: its end is present.
    """

    url: str
    api: str
    files: tuple[File, ...]
    status: Status | None = None
    stated_versions: tuple[str, ...] | None = None
    is_empty: bool = False
    asks: bool = False
    has_end: bool = True


def api_of(kind: str, version: str) -> str:
    """A page's format and API version, safe to print: a page may state any text after the dot."""
    return f"{kind} {version if _API_VERSION.fullmatch(version) else '1'}"


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """One repository's files of a project: `files` may be candidates; `dropped` may not, each with the reason.

    `page_url` is the page that lists them; `api` is None for files that are on no page; `claimed_versions` are the
    versions in the names of `files`. `clocks`: the time when the page came; None if unknown.
    """

    name: NormalizedName
    page_url: str
    files: tuple[File, ...]
    claimed_versions: frozenset[str]
    dropped: tuple[tuple[str, str], ...] = ()
    api: str | None = None
    status: Status | None = None
    stated_versions: tuple[str, ...] | None = None
    clocks: Clocks | None = None

    def versions(self, versions: Versions) -> tuple[str, ...]:
        """All versions of its files, the newest first."""
        return versions.newest_first(self.claimed_versions)
