"""What an audit finds: codes, severities and remedies. Pure data."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from repoprio.dataclass import dataclass
from repoprio.policy.model import Repository, Rule


class Severity(str, enum.Enum):
    """ERROR: the policy does not allow this. WARNING: it is unknown whether it does. NOTE: the policy allows it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(NamedTuple):
    """A kind of finding: its usual severity, a title, and `help`: sentences that say what it means and what to do."""

    severity: Severity
    title: str
    help: str


_E, _W, _N = Severity

# The codes are stable: code-scanning tools identify alerts by them.
KINDS = {
    "not-the-owners": Kind(
        _E,
        "A version that its owner does not have",
        "The repository that owns the name does not list this version. It came from another repository, "
        "perhaps before there was a policy, or the owner has removed it since. Check what it may have done, "
        "then install the owner's version. audit --shadowed asks the other repositories whether they have it.",
    ),
    "hijack": Kind(
        _E,
        "A version that only a lower-priority repository has",
        "The owner does not list this version, but a lower-priority repository does: this may be dependency "
        "confusion that already happened. Assume that this machine ran a stranger's code until you know "
        "otherwise.",
    ),
    "not-the-owners-file": Kind(
        _E,
        "A file that its owner does not list",
        "A lock names a file by its hash, and the repository that owns the name lists no file with that hash. "
        "Lock again while the policy is in force.",
    ),
    "passed-over": Kind(
        _W,
        "A version that flexible mode took from a lower-priority repository",
        "A higher-priority repository has the name but not this version. Flexible mode uses a lower-priority "
        "one if a requirement asks for what the higher one does not have. The version may also have been "
        "installed before there was a policy.",
    ),
    "blocked": Kind(
        _E,
        "A project that a pin blocks",
        "A pin of the policy blocks this name, so pip does not install it under the policy. The text of the "
        "pin says why.",
    ),
    "pin-versions": Kind(
        _E,
        "A version that a pin excludes",
        "A pin of the policy limits the versions of this name, and this one is not allowed.",
    ),
    "too-young": Kind(
        _W,
        "A version that is younger than min-age",
        "Every file of this version that fits this environment is too young for the policy: pip would not install "
        "it today. It was installed or locked without the policy, or before min-age was set.",
    ),
    "no-upload-time": Kind(
        _N,
        "A version of unknown age",
        "The policy sets min-age, and the owner states no upload times: pip does not install such files unless "
        'min-age-unknown = "allow".',
    ),
    "ambiguous-pins": Kind(
        _E,
        "Two pins that disagree",
        "Two pins match the name equally well and set the same thing, so it cannot be installed. Make one "
        "pattern more specific, or remove one.",
    ),
    "owner-ruled-out": Kind(
        _E,
        "A name whose owner may not be asked",
        "The name is routed to a repository that is disabled or excludes the name, so it cannot be installed.",
    ),
    "owned-absent": Kind(
        _E,
        "A project that its owner does not have",
        "The name is routed to a repository that has no such project. The installed or locked version came "
        "from elsewhere.",
    ),
    "unlisted": Kind(
        _E,
        "An index that the policy does not list",
        "A requirements file or a lock names an index or find-links that is not in the policy.",
    ),
    "trusted-host": Kind(
        _W,
        "A requirements file or a lock that trusts a host",
        "With --trusted-host, pip accepts any server that answers for that host, over http or with any "
        "certificate; so does pipenv with verify_ssl = false. audit ignores such a line; an installation does not.",
    ),
    "unknown": Kind(
        _W,
        "A project that no repository has",
        "No repository of the policy has this name. It may have been installed from a folder or by another program.",
    ),
    "unavailable": Kind(
        _W,
        "An owner that gave no answer",
        "A repository that may own the name gave no usable answer, so repoprio cannot judge the name. Run the "
        "audit again.",
    ),
    "yanked": Kind(
        _W,
        "A version that its owner has yanked",
        "The owner has yanked this version (PEP 592). The message shows the reason, if there is one.",
    ),
    "direct-url": Kind(
        _N,
        "Something that no repository supplied",
        "It came from a URL, a version control system or a folder (PEP 610), not from a repository; for "
        "an installed distribution, only its own metadata says so. It is an error if the policy says direct-urls = "
        '"refuse", or if the policy routes the name and nothing proves that the file is from its owner.',
    ),
    "other-source": Kind(
        _W,
        "A package of a lock that names another repository than its owner",
        "The lock says from which repository the package comes, and it is not the one that owns the name. The files "
        "are the owner's, by their hashes, but the installer asks the other repository for them. It is an error if no "
        "hash proves that the files are the owner's.",
    ),
    "two-sources": Kind(
        _E,
        "A package of a lock with more than one source",
        "A package in a pylock.toml has one of vcs, directory, archive, or sdist and wheels (PEP 751). With "
        "two of them, each installer chooses for itself. The files are still checked against the policy.",
    ),
    "no-hash": Kind(
        _W,
        "A file without a strong hash",
        "Without a hash (sha256 or stronger) a file of a lock cannot be compared with what its owner lists.",
    ),
    "owner-states-no-hash": Kind(
        _W,
        "A file whose hash its owner does not state",
        "The owner lists the file, but not every hash that the lock has for it. An installer accepts a file "
        "that matches any one of them.",
    ),
    "not-pinned": Kind(
        _W,
        "A requirement that does not pin one version",
        "Which file it means is decided only when it is installed.",
    ),
    "not-a-name": Kind(
        _W,
        "A name that no project can have",
        "No repository can be asked for it.",
    ),
    "broken": Kind(
        _W,
        "A distribution with unreliable metadata",
        "They cannot be read, exist twice, or do not match the name of their folder: the distribution is "
        "incomplete, was damaged, or hides what it is. Install it again, or remove its folder. It is an error "
        "if the policy routes one of the names.",
    ),
    "merged": Kind(
        _E,
        "A name that several repositories of one tier list",
        "Their files are merged and the newest version wins, no matter who published it. Give the name to one "
        "of them with owns or namespaces, or set different priorities.",
    ),
    "shadowed": Kind(
        _W,
        "A name that a lower-priority repository lists too",
        "Under this policy the higher-priority repository owns the name as long as it serves it, but only by "
        "its priority. Other installers would take the newest version. With owns, the name comes from its "
        "owner or not at all.",
    ),
    "protected": Kind(
        _N,
        "A name that several repositories list, and that the policy routes",
        "A pin, owns, namespaces, include, exclude or explicit leave one repository for it: nothing to do.",
    ),
    "mirror": Kind(
        _W,
        "A repository that looks like a mirror of another",
        "Most names that one of them lists, the other lists too. Say in the policy which names belong to which.",
    ),
    "no-list": Kind(
        _W,
        "A repository whose project list is not available",
        "Without its list, repoprio cannot tell which names it shares with others.",
    ),
}


class Shared(NamedTuple):
    """What a finding has in common with others of its code: the `cause` ("" for none) and one remedy for all of them.

    `effect` ends the sentence that reports them as one: "12 packages could not be judged".
    """

    cause: str
    remedy: str
    effect: str = "could not be judged"


@dataclass(frozen=True)
class Finding:
    """One thing that an audit found.

    `message` is one sentence; `remedy` says what to do, and `command`, if there is one, does it. `file`, as the user
    named it, and `line` (from 1) say where it is, if it is in a file; `place` is the path of something else, such as
    an installed distribution. `shared` is set if findings may be reported as one. `detail` distinguishes findings of
    the same code, project and version. `stated` is the severity if it is not that of the code.
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
    shared: Shared | None = None

    @property
    def full_remedy(self) -> str:
        """The remedy with its command, on one line."""
        return f"{self.remedy}: {self.command}" if self.command else self.remedy

    @property
    def severity(self) -> Severity:
        """The stated severity, else that of the code."""
        return self.stated or KINDS[self.code].severity


@dataclass(frozen=True)
class Audit:
    """All findings of one audit, the worst first.

    `subject` is "environment", "files" or "collisions". `unit` is the noun for what was checked, `checked` the number.
    `remedy` has settings that resolve findings, as TOML or for a pip.conf; "" if there are none. If the policy is
    locked, `maintainer` says whom to ask for them. `help` is the policy's help text. `caution` is what to know before
    following any remedy. `read` has the package folders that were read; `is_elsewhere` is true if they were found by
    their layout, not by the running Python.
    """

    subject: str
    unit: str
    checked: int
    findings: tuple[Finding, ...]
    remedy: str = ""
    help: str | None = None
    maintainer: str | None = None
    caution: str | None = None
    read: tuple[str, ...] = ()
    is_elsewhere: bool = False

    @property
    def fails(self) -> bool:
        """Whether a finding is more than a note."""
        return any(finding.severity is not Severity.NOTE for finding in self.findings)

    @property
    def counts(self) -> dict[Severity, int]:
        """The number of findings of each severity, zeros included."""
        return {severity: sum(f.severity is severity for f in self.findings) for severity in Severity}


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """`findings` sorted by severity; the order within a severity is kept."""
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
