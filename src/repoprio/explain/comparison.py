"""Two resolutions side by side, plain pip and pip under the policy, as data with a verdict per project. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field

from repoprio.dataclass import dataclass
from repoprio.policy.model import Repository, Rule


class Verdict(str, enum.Enum):
    """How the two sides of one project differ, the worst first; `mark` stands before its line."""

    TAKEOVER = "takeover"
    OTHER_FILE = "other-file"
    OTHER_VERSION = "other-version"
    OTHER_REPOSITORY = "other-repository"
    ONLY_PIP_ALONE = "only-pip-alone"
    ONLY_POLICY = "only-policy"
    ONLY_ONE_NEEDS = "only-one-needs"
    NOT_KNOWN = "not-known"
    NOT_COMPARED = "not-compared"
    SAME = "same"

    @property
    def mark(self) -> str:
        """One character: what to look at first, without colour."""
        return _MARKS[self]


_MARKS = {
    Verdict.SAME: " ",
    Verdict.TAKEOVER: "!",
    Verdict.OTHER_FILE: "!",
    Verdict.OTHER_VERSION: "~",
    Verdict.OTHER_REPOSITORY: "=",
    Verdict.ONLY_PIP_ALONE: "x",
    Verdict.ONLY_POLICY: "x",
    Verdict.ONLY_ONE_NEEDS: "+",
    Verdict.NOT_KNOWN: "?",
    Verdict.NOT_COMPARED: "-",
}


class FileMatch(str, enum.Enum):
    """Whether the repository from which plain pip takes a project lists the same file that the policy chose.

    OTHER: a file of that name with another sha256. NAMESAKE: a file of that name, without a sha256 to compare.
    """

    MISSING = "missing"
    OTHER = "other"
    NAMESAKE = "namesake"
    SAME = "same"


@dataclass(frozen=True)
class ResolvedFile:
    """The file that one side would install.

    `repository` is None for a direct URL; `version` is None if only a build would show it. `is_unread`:
    its dependencies are unknown, since reading them would mean running it, or following an untrusted URL.
    `needed_by` are the projects that require it, empty if only the user asked for it. `narrowed` is the rule
    that excludes versions.
    """

    version: str | None
    repository: Repository | None
    file: str
    is_unread: bool = False
    needed_by: tuple[str, ...] = ()
    narrowed: Rule | None = None

    @property
    def place(self) -> str:
        """Where it comes from, in a word."""
        return self.repository.name if self.repository else "URL"

    def is_same_file(self, other: ResolvedFile) -> bool:
        """Whether both are the same file at the same place."""
        return (self.place, self.file) == (other.place, other.file)


class FailureCode(str, enum.Enum):
    """Why one side has nothing to install, as a stable code; the first ones are the codes of lookups."""

    NO_MATCH = "no-match"
    TOO_YOUNG = "too-young"
    ABSENT = "absent"
    OWNED_ABSENT = "owned-absent"
    UNAVAILABLE = "unavailable"
    BLOCKED = "blocked"
    AMBIGUOUS = "ambiguous-pins"
    OWNER_RULED_OUT = "owner-ruled-out"
    REMEMBERED = "remembered"
    OWNERSHIP_MEMORY = "ownership-memory"
    NOT_A_NAME = "not-a-name"
    DIRECT_URL = "direct-url"
    CREDENTIALS = "credentials"
    REQUIRES_PYTHON = "requires-python"
    CONFLICT = "conflict"
    HASHES = "hashes"
    UNREADABLE = "unreadable"
    UNSUPPORTED = "unsupported"
    UNNAMED = "unnamed"
    GAVE_UP = "gave-up"


@dataclass(frozen=True)
class Failure:
    """Why one side has nothing to install for a project; `owners` are the repositories that could provide it.

    `why` is short, for a table; `needed_by` as for `ResolvedFile`. `lists_nothing`: the page of an owner has no file.
    """

    code: FailureCode
    reason: str
    why: str = ""
    owners: tuple[Repository, ...] = ()
    needed_by: tuple[str, ...] = ()
    lists_nothing: bool = False

    @property
    def is_an_answer(self) -> bool:
        """Whether this side certainly has nothing to install; False if that is unknown."""
        return self.code in _ANSWERS


_ANSWERS = frozenset(
    {
        FailureCode.NO_MATCH,
        FailureCode.TOO_YOUNG,
        FailureCode.ABSENT,
        FailureCode.OWNED_ABSENT,
        FailureCode.REMEMBERED,
        FailureCode.DIRECT_URL,
        FailureCode.REQUIRES_PYTHON,
    }
)
SideResult = ResolvedFile | Failure | None


@dataclass(frozen=True)
class Disclosure:
    """Which repository is asked for which additional names, and which names stay private, with the policy's reason.

    `asked` is by repository, without those that learn nothing from a request (on disk, flat).
    """

    asked: Mapping[str, tuple[str, ...]]
    private: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ProjectPair:
    """One project on both sides; a side is None if it does not need the project.

    `match` compares the file that the policy chose with the page from which plain pip takes the project. `unanswered`
    says which repository gave no answer, so that plain pip might choose differently; `private` is the policy's reason
    for not asking others for the name, so that `alone` is what plain pip would take from the owner.
    """

    project: str
    alone: SideResult
    policy: SideResult
    match: FileMatch = FileMatch.MISSING
    unanswered: str | None = None
    requirement: str | None = None
    private: str | None = None

    @property
    def is_probably_foreign(self) -> bool:
        """Whether nothing fits under the policy, and plain pip takes it from below the owner, which shares no file."""
        alone, policy = self.alone, self.policy
        if not isinstance(alone, ResolvedFile) or not isinstance(policy, Failure) or alone.repository is None:
            return False
        below = all(alone.repository.priority > owner.priority for owner in policy.owners)
        return bool(policy.owners) and below and self.match is FileMatch.MISSING

    @property
    def is_on_both_sides(self) -> bool:
        """Whether both sides would install something."""
        return isinstance(self.alone, ResolvedFile) and isinstance(self.policy, ResolvedFile)


@dataclass(frozen=True)
class ComparedProject:
    """A pair and its verdict: `why` is short, for a table, `reason` a sentence, `remedy` what to do or None."""

    pair: ProjectPair
    verdict: Verdict
    code: str
    why: str
    reason: str
    remedy: str | None = None

    @property
    def failure(self) -> Failure | None:
        """Why there is nothing to compare, the policy's side first."""
        return next((side for side in (self.pair.policy, self.pair.alone) if isinstance(side, Failure)), None)


@dataclass(frozen=True)
class Comparison:
    """All projects, the worst first, and which names were disclosed to find out."""

    projects: tuple[ComparedProject, ...]
    disclosure: Disclosure = field(default_factory=lambda: Disclosure({}))

    @property
    def differs(self) -> bool:
        """Whether any project differs, or is unknown; a private name is no difference."""
        return any(project.verdict not in (Verdict.SAME, Verdict.NOT_COMPARED) for project in self.projects)

    def count(self, verdict: Verdict) -> int:
        """The number of projects with this verdict."""
        return sum(project.verdict is verdict for project in self.projects)
