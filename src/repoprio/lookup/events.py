"""The requests of a lookup, the possible answers, and its result for one repository. Frozen data. Pure."""

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
    """What a `FetchRequest` asks for."""

    PAGE = "page"
    CANARY = "canary"
    LIST = "project list"
    FILES = "files"


@dataclass(frozen=True)
class FetchRequest:
    """One thing to fetch from `location` for project `name`, without following redirects.

    For `ResourceKind.FILES` (a flat repository) `location` is the repository's own.
    """

    repository: Repository
    kind: ResourceKind
    name: NormalizedName
    location: Location
    hops: int = 0


@dataclass(frozen=True)
class PageFound(Generic[Page]):
    """Status 200 and a valid page; `files` is the number of the name's files on it.

    `empty`: it is complete and lists nothing at all, so that it can be the answer for an unknown name.
    """

    page: Page
    files: int
    empty: bool = False


@dataclass(frozen=True)
class ProjectListFound:
    """Status 200 and a complete, valid project list."""

    names: frozenset[NormalizedName]


@dataclass(frozen=True)
class ServerProblem:
    """What a server says about its own refusal (RFC 9457): short texts without logins, safe to print."""

    title: str
    detail: str = ""


@dataclass(frozen=True)
class StatusReceived:
    """An HTTP status other than 200 that is no redirect; `detail` adds facts, such as the number of tries.

    `problem` is what the server says about it; None if it says nothing that can be read.
    """

    code: int
    detail: str = ""
    problem: ServerProblem | None = None


@dataclass(frozen=True)
class RedirectReceived:
    """A redirect to `url`, which is absolute; it was not followed."""

    url: str


@dataclass(frozen=True)
class NotFound:
    """The place exists and does not have the project: a folder without it, or files of other projects only.

    `in_empty_root`: the folder has no project at all, as when a disk is not mounted there.
    """

    in_empty_root: bool = False


@dataclass(frozen=True)
class FetchFailed:
    """No usable answer, and why.

    `lasting`: the whole repository is down, not only this page is bad. `asks`: it asks for a login.
    """

    reason: str
    cause: Cause = Cause.BROKEN
    lasting: bool = False
    asks: bool = False


FetchResult = PageFound[Page] | ProjectListFound | StatusReceived | RedirectReceived | NotFound | FetchFailed


class RepositoryState(str, enum.Enum):
    """The state of a repository for a name, after it was asked."""

    SERVES = "serves"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"
    NOT_ASKED = "not-asked"
    RULED_OUT = "ruled-out"


@dataclass(frozen=True)
class Failure:
    """One location of a repository that gave no usable answer, and why."""

    location: Location
    reason: str


@dataclass(frozen=True)
class RepositoryResult(Generic[Page]):
    """One repository's part in a decision.

    `cause` and `reason`, a short text, are set for ABSENT and UNAVAILABLE; `http_status` is set if a status was the
    cause. `asked` is the location that was asked last, `mirror` the mirror that answered instead, and `failures` are
    the other locations that were tried without success. `asked_for` is the name for which the repository was found
    to be down. `skipped`: it is unavailable, and `skip-if-unavailable` makes it count as absent. `redirected_into`
    is the other repository to which an unavailable one redirects. `problem` is what the server says about its status.
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
    problem: ServerProblem | None = None
