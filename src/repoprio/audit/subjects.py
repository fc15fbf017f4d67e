"""What an audit judges, what repositories have of it, and the commands that correct it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, NamedTuple

from repoprio import shell
from repoprio.audit.findings import Finding
from repoprio.dataclass import dataclass
from repoprio.names import OWN_NAME

# Without repoprio nothing guards the environment, and without pip nothing can repair it.
_NEEDED = (OWN_NAME, "pip")


@dataclass(frozen=True)
class Subject:
    """What is compared with the policy: an installed distribution, or a package of a lock.

    `verb` says what happened to it ("is installed"). `pip` is the guarded pip that a remedy runs: "" if no pip can
    help, None for a lock. `file` and `line` (from 1) say where a lock names it; `place` is the path of a distribution.
    `is_elsewhere` is true if it belongs to another Python, so that it is not known which files fit there.
    """

    project: str
    version: str | None
    verb: str
    pip: str | None = None
    file: str | None = None
    line: int | None = None
    place: str | None = None
    is_elsewhere: bool = False

    def __str__(self) -> str:
        return f"{self.project} {self.version}" if self.version else self.project


class ListedFile(NamedTuple):
    """One file that a repository lists.

    `version` is normalized (PEP 440), None if the file name has none; `hashes` are by algorithm; `yanked` is the
    reason, "" for none given, None if the file is not yanked.
    """

    name: str
    version: str | None
    hashes: Mapping[str, str]
    yanked: str | None = None


@dataclass(frozen=True)
class Offer:
    """What repositories have of one name; the keys of `files` and `versions` are names of repositories.

    `fits` returns the version that pip would install now, or None. Versions with the same `key` are equal (PEP 440:
    1.0 equals 1.0.0, but not 1.0+local).
    """

    files: Mapping[str, tuple[ListedFile, ...]] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fits: Callable[[], str | None] = lambda: None
    key: Callable[[str], str] = str

    def is_same(self, version: str | None, other: str | None) -> bool:
        """Whether two versions are equal; None equals nothing."""
        return version is not None and other is not None and self.key(version) == self.key(other)


def finding_on(subject: Subject, code: str, message: str, remedy: str, **more: Any) -> Finding:
    """A finding on `subject`; `more` are further fields of `Finding`."""
    return Finding(
        code,
        message,
        remedy,
        subject.project,
        subject.version,
        file=subject.file,
        line=subject.line,
        place=subject.place,
        **more,
    )


def install_again(subject: Subject, offer: Offer) -> tuple[str, str | None]:
    """What to do to get what the policy allows, and the command for it; None if there is no command."""
    if subject.pip is None:
        return "lock it again while the policy is in force", None
    if subject.is_elsewhere:
        return install_by_name(subject)
    fits = offer.fits()
    if fits is None:
        return uninstall(subject)
    return f"install {subject.project} {fits} instead", _reinstall(subject, fits)


def _reinstall(subject: Subject, version: str | None) -> str | None:
    """The command that installs only this project again."""
    wanted = f"{subject.project}=={version}" if version else subject.project
    return _pip_command(subject, "install", "--force-reinstall", "--no-deps", wanted)


def uninstall(subject: Subject) -> tuple[str, str | None]:
    """What to do to get rid of it, and the command for it; None if there is no command."""
    if subject.pip is None:
        return f"remove {subject.project} from the lock", None
    if subject.project in _NEEDED:
        return f"replace {subject.project} by one from a source that you trust", None
    return f"uninstall {subject.project}", _pip_command(subject, "uninstall", subject.project)


def _pip_command(subject: Subject, *words: str) -> str | None:
    """A command of the subject's pip; None if it has none. Names and versions may be any text, so they are quoted."""
    return f"{subject.pip} {shell.arguments(*words)}" if subject.pip else None


def install_by_name(subject: Subject) -> tuple[str, str | None]:
    """What to do to get it from its owner, and the command for it; None if there is no command."""
    return "install it by its name", _reinstall(subject, None)
