"""The explanation of a requirement as data; every renderer starts from it. Pure."""

from __future__ import annotations

import enum

from repoprio.dataclass import dataclass
from repoprio.lookup.cooldown import Held
from repoprio.lookup.events import ServerProblem
from repoprio.lookup.project import Code, Outcome, Unknown
from repoprio.lookup.reasons import Cause, Rejection
from repoprio.policy.model import Repository, Rule
from repoprio.policy.routing import RuledOut


class LineStatus(str, enum.Enum):
    """The status of a repository for a requirement: the words of the JSON and of the screen."""

    SERVED = "served"
    SHADOWED = "shadowed"
    PASSED_OVER = "passed-over"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"
    EXCLUDED = "excluded"
    DISABLED = "disabled"
    NOT_ROUTED = "not-routed"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True)
class Chosen:
    """The file that would be installed; `repository` is the name of the one that lists it."""

    repository: str
    version: str
    file: str


@dataclass(frozen=True)
class Rejected:
    """A file that the owner lists and that is not chosen, with the reason as a code and in words.

    `is_for_here`: an sdist, or a wheel for this platform; one for another platform could never be installed here.
    `held`: it is too young, or has no upload time.
    """

    file: str
    version: str | None
    reason: str
    kind: Rejection = Rejection.OTHER
    is_for_here: bool = True
    held: Held | None = None


@dataclass(frozen=True)
class Tried:
    """One of a repository's URLs that gave no usable answer, and why."""

    url: str
    reason: str


@dataclass(frozen=True)
class Line:
    """One repository's line: `versions` is None if it was not asked, `asked` is the URL that was asked last.

    `code` says why it is absent, unavailable or ruled out; None if it serves, or was not asked. `http_status` is
    the status of its answer, if that is the reason. `rule` is the setting that rules it out, or makes it count as
    absent. `mirror` is the mirror that answered instead, `failures` are its other URLs that were tried.
    `redirected_into` is the other repository into which it redirects, if that is the reason. `problem` is what the
    server says about its status. `explained_at` is where the policy's gateway explains the name, if this is its index.
    """

    repository: Repository
    url: str
    status: LineStatus
    versions: tuple[str, ...] | None
    reason: str
    asked: str | None = None
    code: Cause | RuledOut | None = None
    http_status: int | None = None
    rule: Rule | None = None
    mirror: str | None = None
    failures: tuple[Tried, ...] = ()
    redirected_into: Repository | None = None
    problem: ServerProblem | None = None
    explained_at: str | None = None


@dataclass(frozen=True)
class Private:
    """A name that is kept from other repositories, so that it is unknown what plain pip would take.

    `word` is the setting that does so: "owns", "namespaces", "exclude", "pins.NAME". Otherwise `others` would be asked.
    """

    word: str
    others: tuple[Repository, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything to report about one requirement.

    `lines` are the repositories, highest priority first. `owners` are the repositories that own the name, or to which
    it is routed. `rules` decided; the first one is the most important. `required_by` is what needs it, None if the user
    asked for it. `version_priority` is what plain pip would take, if that is known; `private` says why it is unknown,
    if it was asked for. `constraint` is the specifier from constraints, "" for none; `specifier` includes it. `help` is
    the policy's own text on where to get help; `maintainer` is whom users ask for changes if they may not add to the
    policy; `gateway` is the one whose policy decides, if there is one. `is_observed`: nothing of this is enforced.
    `python` is the environment that commands about it must name, "" for none; `store` is the ownership memory that they
    must name, without a login. `unknown` is why nobody knows who served the name before, if that ended the lookup.
    """

    requirement: str
    project: str
    outcome: Outcome
    code: Code
    lines: tuple[Line, ...]
    owners: tuple[Repository, ...]
    rules: tuple[Rule, ...]
    chosen: Chosen | None = None
    rejected: tuple[Rejected, ...] = ()
    block: str | None = None
    conflict: str | None = None
    pin: Rule | None = None
    narrowed: Rule | None = None
    specifier: str = ""
    constraint: str = ""
    required_by: str | None = None
    version_priority: Chosen | None = None
    private: Private | None = None
    help: str | None = None
    maintainer: str | None = None
    gateway: str | None = None
    is_observed: bool = False
    python: str = ""
    store: str = ""
    unknown: Unknown | None = None

    @property
    def wanted(self) -> str:
        """The requirement, with its constraints if it has any."""
        return f"{self.requirement} (constraint {self.constraint})" if self.constraint else self.requirement

    @property
    def silenced(self) -> tuple[Line, ...]:
        """The repositories that ``--no-index`` rules out, and that could serve the name."""
        return tuple(line for line in self.lines if line.code is RuledOut.NO_INDEX)

    @property
    def withheld(self) -> tuple[Line, ...]:
        """The flat repositories that may not serve the name, because one of the `silenced` could own it."""
        return tuple(line for line in self.lines if line.code is RuledOut.BELOW_NO_INDEX)

    @property
    def telling(self) -> tuple[Rejected, ...]:
        """The rejected files whose reason is not just the requested version: this platform's first, then the newest."""
        beyond_specifier = [rejected for rejected in self.rejected if rejected.kind is not Rejection.SPECIFIER]
        return tuple(sorted(beyond_specifier, key=lambda rejected: not rejected.is_for_here))

    @property
    def faulty(self) -> tuple[Line, ...]:
        """The repositories that stopped the lookup because they are unavailable."""
        return tuple(line for line in self.lines if line.status is LineStatus.UNAVAILABLE)

    @property
    def asked(self) -> tuple[Repository, ...]:
        """The repositories that were asked."""
        return tuple(line.repository for line in self.lines if line.asked)

    def line(self, repository: Repository) -> Line:
        """The line of `repository`."""
        return next(line for line in self.lines if line.repository.name == repository.name)
