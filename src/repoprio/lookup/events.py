"""What a lookup asks, what it can be told, and what it makes of one repository. Frozen data, no I/O."""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

from repoprio.dataclass import dataclass
from repoprio.lookup.reasons import Cause
from repoprio.names import NormalizedName
from repoprio.policy.model import Location, Repository
from repoprio.policy.routing import RuledOut

Page = TypeVar("Page")


class ResourceKind(str, enum.Enum):
    """What an `FetchRequest` is for."""

    PAGE = "page"
    CANARY = "canary"
    LIST = "project list"
    FILES = "files"


@dataclass(frozen=True)
class FetchRequest:
    """One thing to fetch, without following redirects: `location` is where, `name` whose.

    For `What.FILES` (a flat repository) `location` is the repository's own.
    """

    repository: Repository
    what: ResourceKind
    name: NormalizedName
    location: Location
    hops: int = 0


@dataclass(frozen=True)
class PageFound(Generic[Page]):
    """Status 200 and a valid page; `files` is how many of the name it lists.

    `empty`: it is whole and lists nothing at all, so that it can be the answer for an unknown name.
    """

    page: Page
    files: int
    empty: bool = False


@dataclass(frozen=True)
class ProjectListFound:
    """Status 200 and a whole, valid project list."""

    names: frozenset[NormalizedName]


@dataclass(frozen=True)
class StatusReceived:
    """An HTTP status other than 200 that redirects nowhere; `detail` says more, such as the tries."""

    code: int
    detail: str = ""


@dataclass(frozen=True)
class RedirectReceived:
    """An answer that sends the asker to `url`, which is absolute; it was not followed."""

    url: str


@dataclass(frozen=True)
class NotFound:
    """The place is there and has no such project: a folder without it, or files none of which is its.

    `in_empty_root`: it is a folder that has no project at all, as a disk leaves behind that is not mounted.
    """

    in_empty_root: bool = False


@dataclass(frozen=True)
class FetchFailed:
    """No usable answer, and why.

    `lasting`: the repository is down, not only this page is bad. `asks`: it wants somebody to log in.
    """

    reason: str
    cause: Cause = Cause.BROKEN
    lasting: bool = False
    asks: bool = False


FetchResult = PageFound[Page] | ProjectListFound | StatusReceived | RedirectReceived | NotFound | FetchFailed


class RepositoryState(str, enum.Enum):
    """What a repository turned out to be for a name."""

    SERVES = "serves"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"
    NOT_ASKED = "not-asked"
    RULED_OUT = "ruled-out"


@dataclass(frozen=True)
class Failure:
    """One of a repository's locations that gave no usable answer, and why."""

    location: Location
    reason: str


@dataclass(frozen=True)
class RepositoryResult(Generic[Page]):
    """One repository's part in a decision.

    `cause` and `reason`, a short text, are for ABSENT and UNAVAILABLE; `http_status` is the status that is the
    cause, where one is; `asked` is the location that was asked last; `mirror` the one of its mirrors that answered
    in its place; `failures` its other locations that were tried in vain; `asked_for` the name that a repository was
    down for.
    `skipped` marks an unavailable one that `skip-if-unavailable` made count as absent. `redirected_into` is the other
    repository into which an unavailable one redirects.
    """

    repository: Repository
    state: RepositoryState
    reason: str = ""
    cause: Cause | None = None
    http_status: int | None = None
    page: Page | None = None
    files: int = 0
    asked: Location | None = None
    mirror: Location | None = None
    failures: tuple[Failure, ...] = ()
    ruled_out: RuledOut | None = None
    skipped: bool = False
    login_refused: bool = False
    passed_over: bool = False
    lasting: bool = False
    asked_for: NormalizedName | None = None
    redirected_into: Repository | None = None
