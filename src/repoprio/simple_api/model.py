"""What pages of the simple repository API say, as frozen records. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName

_API_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)


class Versions(Protocol):
    """What there is to know of versions (PEP 440); pip's children may lack `packaging`, so the caller brings it."""

    def is_version(self, text: str, /) -> bool:
        """Whether `text` is a version."""

    def newest_first(self, texts: frozenset[str], /) -> tuple[str, ...]:
        """Versions in their order, the newest first."""


class File(NamedTuple):
    """One file that a page lists.

    `url` is absolute and quoted; `filename` its last segment, percent-decoded, which is what pip goes by, whatever a
    JSON page calls the file. `hashes` are by algorithm, that in the fragment of `url` too. `yanked` is the reason, ""
    where none is given, None for a file that is not yanked (PEP 592). `core_metadata` has the hashes of the metadata
    file; empty where none is stated, None where there is no such file (PEP 658, PEP 714). `size` is in bytes, and
    `upload_time` has its offset from UTC (PEP 700); `provenance` is a URL (PEP 740). `listed_on` is the page's
    own URL, None for a file that is on no page. A tuple, since a page has thousands: they are made much faster.
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
    """What has become of a project (PEP 792): "active", "archived", "quarantined", "deprecated"; and why."""

    status: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """All that one page lists, of whichever projects; `url` is where it came from.

    `api` is what it is written in, with its API version: "JSON 1.1". `stated_versions` are those that the page itself
    names (PEP 700), None where it names none.
    `is_empty`: it is whole and lists nothing at all. `asks`: it has a form, as login pages do. `has_end`: its end is
    there.
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
    """What a page is written in, as it may be shown: what it states can be anything behind the dot."""
    return f"{kind} {version if _API_VERSION.fullmatch(version) else '1'}"


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """What one repository offers of a project: `files` may be candidates, `dropped` may not, and why.

    `page_url` is where it is listed; `api` None for files that are on no page; `claimed_versions` those that the names
    of `files` claim.
    """

    name: NormalizedName
    page_url: str
    files: tuple[File, ...]
    claimed_versions: frozenset[str]
    dropped: tuple[tuple[str, str], ...] = ()
    api: str | None = None
    status: Status | None = None
    stated_versions: tuple[str, ...] | None = None

    def versions(self, versions: Versions) -> tuple[str, ...]:
        """All versions that its files have, the newest first."""
        return versions.newest_first(self.claimed_versions)
