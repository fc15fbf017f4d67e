"""What an audit finds: codes, severities and remedies. Pure data."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.policy.model import Repository, Rule


class Severity(str, enum.Enum):
    """ERROR: the policy would not give this. WARNING: it may not, or cannot tell. NOTE: as the policy allows."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(NamedTuple):
    """What a code stands for: its usual severity, a title, and what it means and what to do, in sentences."""

    severity: Severity
    title: str
    help: str


_E, _W, _N = Severity

# The codes are stable: code-scanning pages know an alert by them.
KINDS = {
    "not-the-owners": Kind(
        _E,
        "A version that its owner does not have",
        "The repository that owns the name does not list this version, so it came from elsewhere: another "
        "repository, perhaps before there was a policy, or it was taken back since. See what it may have done, "
        "then install the owner's. audit --shadowed asks the others whether they have it.",
    ),
    "hijack": Kind(
        _E,
        "A version that only a lower-priority repository has",
        "The owner does not list this version, and a lower-priority repository does: dependency confusion that "
        "already happened? Take the machine for one that ran a stranger's code until you know better.",
    ),
    "not-the-owners-file": Kind(
        _E,
        "A file that its owner does not list",
        "A lock names a file by its hash, and the repository that owns the name lists no such file under it. Lock "
        "again while the policy is in force.",
    ),
    "passed-over": Kind(
        _W,
        "A version that flexible mode took from below",
        "A higher-priority repository has the name and not this version. Flexible mode lets a lower one in where a "
        "requirement asks for what the higher one does not have; it may also have come before there was a policy.",
    ),
    "blocked": Kind(
        _E,
        "A project that a pin blocks",
        "A pin of the policy blocks this name, and no pip under the policy would install it. Its text says why.",
    ),
    "pin-versions": Kind(
        _E,
        "A version that a pin leaves out",
        "A pin of the policy narrows the versions of this name, and this one is outside.",
    ),
    "ambiguous-pins": Kind(
        _E,
        "Two pins that disagree",
        "Two pins match the name equally well and set the same thing, so that nothing of it may be installed. Make "
        "one pattern more specific, or drop one.",
    ),
    "owner-ruled-out": Kind(
        _E,
        "A name whose owner may not be asked",
        "The name is routed to a repository that is disabled or blind to it, so that nothing of it may be installed.",
    ),
    "owned-absent": Kind(
        _E,
        "A project that its owner does not have",
        "The name is routed to a repository that has no such project. What is there came from elsewhere.",
    ),
    "unlisted": Kind(
        _E,
        "An index that the policy does not list",
        "A requirements file names an index or find-links that is not in the policy.",
    ),
    "trusted-host": Kind(
        _W,
        "A requirements file that trusts a host",
        "With --trusted-host pip takes whatever answers for that host, over http or with any certificate. An audit "
        "does not heed such a line; an installation does.",
    ),
    "unknown": Kind(
        _W,
        "A project that no repository has",
        "No repository of the policy has this name. It may have been installed from a folder or by another program.",
    ),
    "unavailable": Kind(
        _W,
        "An owner that gave no answer",
        "A repository that may own the name gave no usable answer, so that nothing can be said. Audit again.",
    ),
    "yanked": Kind(
        _W,
        "A version that its owner has yanked",
        "The owner has taken this version back (PEP 592). Its reason, where it gives one, stands in the message.",
    ),
    "direct-url": Kind(
        _N,
        "Something that no repository supplied",
        "It came from a URL, a version control system or a folder (PEP 610), so that no repository had a say; of what "
        'is installed, only a file of its own says so. It is an error where the policy says direct-urls = "refuse", '
        "and where the policy routes the name and nothing proves that the file is its owner's.",
    ),
    "two-sources": Kind(
        _E,
        "A package of a lock with more than one source",
        "A pylock.toml names one of vcs, directory, archive, or sdist and wheels (PEP 751). With two of them each "
        "installer takes which it will. The files are held against the policy all the same.",
    ),
    "no-hash": Kind(
        _W,
        "A file without a strong hash",
        "Without a hash (sha256 or stronger) a file of a lock cannot be held against what its owner lists.",
    ),
    "owner-states-no-hash": Kind(
        _W,
        "A file whose hash its owner does not state",
        "The owner lists the file, and not every hash that the lock gives for it. An installer takes a file that "
        "matches any one of them.",
    ),
    "not-pinned": Kind(
        _W,
        "A requirement that names no one version",
        "Which file it means is decided only when it is installed.",
    ),
    "not-a-name": Kind(
        _W,
        "A name that no project can have",
        "No repository can be asked for it.",
    ),
    "broken": Kind(
        _W,
        "A distribution whose metadata prove nothing",
        "They cannot be read, are there twice, or say something else than the name of their folder: it is installed in "
        "part, was damaged, or hides what it is. Install it again, or remove its folder. It is an error where the "
        "policy routes one of the names.",
    ),
    "merged": Kind(
        _E,
        "A name that several repositories of one tier list",
        "Their files are merged and the newest version wins, whoever published it. Give one of them the name with owns "
        "or a namespace, or another priority.",
    ),
    "shadowed": Kind(
        _W,
        "A name that a lower-priority repository lists too",
        "Under this policy the higher-priority repository owns the name for as long as it serves it, and by its "
        "priority alone. Other installers would take the newest. With owns it comes from its owner or not at all.",
    ),
    "protected": Kind(
        _N,
        "A name that several repositories list, and that the policy routes",
        "A pin, owns, namespaces, include, exclude or explicit leave one repository for it: nothing to do.",
    ),
    "mirror": Kind(
        _W,
        "A repository that looks like a mirror of another",
        "Most of what one lists the other lists too, so single names say little. Say which names are whose.",
    ),
    "no-list": Kind(
        _W,
        "A repository whose project list is not to be had",
        "Without its list nothing can be said of what it shares with others.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing that an audit found.

    `message` is one sentence, `remedy` what to do, with the `command` that does it where there is one; `file` and
    `line` (from 1) are where, if in a file, `file` as it was named. `place` is a path that stands for a thing that
    is in no file of a checkout. `detail` tells findings of one code, project and version apart. `stated` is a
    severity other than its code's own.
    """

    code: str
    message: str
    remedy: str
    project: str | None = None
    version: str | None = None
    repository: Repository | None = None
    rule: Rule | None = None
    file: str | None = None
    line: int | None = None
    place: str | None = None
    detail: str = ""
    stated: Severity | None = None
    command: str | None = None

    @property
    def full_remedy(self) -> str:
        """What to do, with the command, on one line."""
        return f"{self.remedy}: {self.command}" if self.command else self.remedy

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.stated or KINDS[self.code].severity


@dataclass(frozen=True)
class Audit:
    """All that one audit found, the worst first.

    `subject` is "environment", "files" or "collisions"; `unit` what it counts and `checked` how many of them it held
    against the policy. `remedy` is TOML for the policy that settles what a policy can settle, "" for nothing;
    `keeper` is whom to ask for it under a lock; `caution` is what to know before following any remedy. `read` are the
    folders of packages that were read, `is_elsewhere` that they were told by their layout, not by the Python that runs.
    """

    subject: str
    unit: str
    checked: int
    findings: tuple[Finding, ...]
    remedy: str = ""
    help: str | None = None
    keeper: str | None = None
    caution: str | None = None
    read: tuple[str, ...] = ()
    is_elsewhere: bool = False

    @property
    def fails(self) -> bool:
        """Whether there is a finding that is more than a note."""
        return any(finding.severity is not Severity.NOTE for finding in self.findings)

    @property
    def counts(self) -> dict[Severity, int]:
        """How many findings there are of each severity, zeros too."""
        return {severity: sum(f.severity is severity for f in self.findings) for severity in Severity}


def worst_first(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """`found` by severity; those of one severity stay in their order."""
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))
