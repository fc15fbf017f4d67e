"""What there is to say about a requirement, as one tree of data: what every renderer renders. Pure."""

from __future__ import annotations

import enum

from repoprio.dataclass import dataclass
from repoprio.lookup.project import Code, Outcome
from repoprio.lookup.reasons import Cause, Rejection
from repoprio.policy.model import Repository, Rule
from repoprio.policy.routing import RuledOut


class LineStatus(str, enum.Enum):
    """What a repository is for a requirement: the words of JSON and of the screen."""

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
    """A file that the owner lists and that is not taken: why, as a code and in words.

    `is_for_here`: an sdist, or a wheel whose platform is this one; another's says nothing of what would fit here.
    """

    file: str
    version: str | None
    reason: str
    kind: Rejection = Rejection.OTHER
    is_for_here: bool = True


@dataclass(frozen=True)
class Tried:
    """One of a repository's URLs that gave no usable answer, and why."""

    url: str
    reason: str


@dataclass(frozen=True)
class Line:
    """One repository's line: `versions` is None where it was not asked, `asked` the URL asked last.

    `code` says why it is absent, unavailable or ruled out; None where it serves or was not asked. `http_status` is
    the status of its answer, where that is why. `rule` is the setting that rules it out, or lets it count as absent.
    `mirror` is the mirror that answered in its place, `failures` its other URLs that were tried. `redirected_into` is
    the other repository into which it redirects, where that is why.
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


@dataclass(frozen=True)
class Private:
    """That a name is kept from others, and so what pip alone would take of it is not known.

    `word` is the policy's for why: "owns", "namespaces", "exclude", "pins.NAME"; `others` would be asked else.
    """

    word: str
    others: tuple[Repository, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything that is to say about one requirement.

    `lines` are the repositories, highest priority first. `owners` are those that own the name, or
    to which it is routed. `rules` decided; the first one is the one to name. `required_by` is who
    needs it, None for the user. `version_priority` is what pip alone would take, where that is known;
    `private` why it is not, where somebody wanted to know.
    `constraint` is what constraints leave of its versions, "" for none; `specifier` has it too.
    `help` is the policy's own word on where to turn; `keeper` whom users ask where they may not add to it;
    `is_observed` that nothing of this is enforced; `python` is what commands about it must name, "" for nothing.
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
    keeper: str | None = None
    is_observed: bool = False
    python: str = ""

    @property
    def wanted(self) -> str:
        """The requirement with what constraints make of it."""
        return f"{self.requirement} (constraint {self.constraint})" if self.constraint else self.requirement

    @property
    def silenced(self) -> tuple[Line, ...]:
        """The repositories that ``--no-index`` rules out, and that could serve the name."""
        return tuple(line for line in self.lines if line.code is RuledOut.NO_INDEX)

    @property
    def withheld(self) -> tuple[Line, ...]:
        """The flat repositories that may not serve the name, since one of the `silenced` could own it."""
        return tuple(line for line in self.lines if line.code is RuledOut.BELOW_NO_INDEX)

    @property
    def telling(self) -> tuple[Rejected, ...]:
        """The rejected files that tell why, the newest first, and before all others those for this platform.

        That others do not fit the requirement is known already.
        """
        beyond_specifier = [rejected for rejected in self.rejected if rejected.kind is not Rejection.SPECIFIER]
        return tuple(sorted(beyond_specifier, key=lambda rejected: not rejected.is_for_here))

    @property
    def faulty(self) -> tuple[Line, ...]:
        """The repositories that refused the lookup by being unavailable."""
        return tuple(line for line in self.lines if line.status is LineStatus.UNAVAILABLE)

    @property
    def asked(self) -> tuple[Repository, ...]:
        """The repositories that were asked."""
        return tuple(line.repository for line in self.lines if line.asked)

    def line(self, repository: Repository) -> Line:
        """The line of `repository`."""
        return next(line for line in self.lines if line.repository.name == repository.name)
