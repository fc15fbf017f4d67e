"""What one command of pip knows: its policy, read once, and what it hands on to the pips that it starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import TYPE_CHECKING

import _repoprio_shim
from repoprio.config import handoff
from repoprio.config.errors import InvalidPolicy
from repoprio.config.policy_files import INHERITED
from repoprio.dataclass import dataclass
from repoprio.environments.child_script import CHILD, IS_CHILD, NO_INDEX, RUNNER
from repoprio.explain.observation import ObservationSummary
from repoprio.names import normalize
from repoprio.output import safe_text, say
from repoprio.pip_adapter import hint_target, log_redaction
from repoprio.policy.model import Mode, Policy

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


# Where what a policy would change is written while it only observes; and where children leave what they saw.
LOG = "REPOPRIO_LOG"
CHILD_REPORT = "_REPOPRIO_SEEN"


@dataclass
class PipCommand:
    """What one command knows: its policy, read once when pip first builds something that looks up projects.

    `roots` are the URLs that the user asks for, `asked` the names (None: no resolver runs); `builds` counts
    the in-process builds that are going on; `target` is where ``pip install --target`` moves things in the end,
    and `replaces` whether they replace what is there;
    `folder` is the working directory when the policy was read;
    `command` is pip's subcommand, `arguments` what it was given;
    `seen` what came of it under a policy that only observes, and `seen_file` where the pips that it starts
    leave word of that. `looks`: a command of repoprio that installs nothing; `named_files` are the
    requirements files that the user named, those that they name left out.
    """

    loaded: bool = False
    policy: Policy | None = None
    invalid_policy: InvalidPolicy | None = None
    packed: str = ""
    is_isolated: bool = False
    builds: int = 0
    roots: set[str] = field(default_factory=set)
    asked: set[str] | None = None
    target: str = ""
    replaces: bool = False
    folder: str = ""
    command: str = ""
    arguments: tuple[str, ...] = ()
    looks: bool = False
    named_files: set[str] = field(default_factory=set)
    seen: ObservationSummary = field(default_factory=ObservationSummary)
    seen_file: str = ""

    def load(self) -> None:
        """Read the policy."""
        # The patches are loaded while pip itself is being imported, and this module with them.
        from repoprio.pip_adapter import compat

        with contextlib.suppress(OSError):
            self.folder = os.getcwd()
        survey = compat.read_policy(isolated=self.is_isolated)
        # Children look up projects too, from another folder perhaps, or in another interpreter.
        # Where there is none, theirs is what their own files say.
        says = survey.merged.settings or survey.errors
        self.packed = handoff.pack(survey.merged, survey.errors) if says else ""
        try:
            self.policy = survey.sound()
        except InvalidPolicy as invalid:
            self.invalid_policy = invalid
        else:
            _PROCESS.preload(self.policy)
            if not self.is_observed:
                log_redaction.install(self.policy.secrets if self.policy else ())
            for lost in survey.lost:
                # As for an error, but the policy only observes: one warning, and pip goes on.
                say(f"WARNING: repoprio: {lost}\n  hint: {lost.remedy}    [policy]")
        self.loaded = True

    def note_asked(self, requirements: Iterable[InstallRequirement]) -> None:
        """Note the names that the user asks for, from what a resolver begins with; a constraint asks for nothing."""
        if not self.is_build:
            holding = (ireq for ireq in requirements if not ireq.constraint and ireq.match_markers())
            names = {normalize(ireq.name) for ireq in holding if ireq.name}
            self.asked = names | (self.asked or set())

    @property
    def is_observed(self) -> bool:
        """Whether there is a policy that only observes."""
        return self.policy is not None and self.policy.mode is Mode.OBSERVE

    @property
    def is_build(self) -> bool:
        """Whether what is asked for is wanted by a build, not by the user."""
        return IS_CHILD or self.builds > 0


@dataclass
class _ProcessState:
    """What holds for this process, whatever commands of pip's run in it.

    `unsupported_pip`: this pip is not known, the policy only observes, and so pip goes on without us. `is_own_command`:
    a command of repoprio's runs here, which speaks for itself. `preload` imports what a command under a policy may
    need.
    """

    command: PipCommand = field(default_factory=PipCommand)
    unsupported_pip: bool = False
    is_own_command: bool = False
    preload: Callable[[Policy | None], None] = lambda _: None


_PROCESS = _ProcessState()
HANDED_ON = (INHERITED, CHILD, RUNNER, NO_INDEX, LOG, CHILD_REPORT, hint_target.AIM)


def current() -> PipCommand:
    """The command of pip's that runs."""
    return _PROCESS.command


def process() -> _ProcessState:
    """What holds for the whole process."""
    return _PROCESS


def begin(*, isolated: bool, command: str = "", arguments: Iterable[str] = ()) -> None:
    """Begin a command: what an earlier one of this process knew is forgotten."""
    _PROCESS.command = PipCommand(is_isolated=isolated, command=command, arguments=tuple(arguments))


def policy() -> Policy | None:
    """The policy that there is, one that only observes too; a faulty one raises pip's `InstallationError` each time."""
    if _PROCESS.unsupported_pip:
        return None
    from pip._internal.exceptions import InstallationError

    command = current()
    if not command.loaded:
        try:
            command.load()
        except Exception as error:  # noqa: BLE001 - as for the shim: no pip may go on without us
            raise InstallationError(_repoprio_shim.damage(error)) from None
        hand_on(CHILD, "1")
        hand_on(hint_target.AIM, hint_target.python())
        hand_on_policy()
    if command.invalid_policy is not None:
        command.invalid_policy.python = hint_target.python()
        raise InstallationError(safe_text(f"repoprio: {command.invalid_policy}"))
    return command.policy


def enforced() -> Policy | None:
    """The policy that pip is held to: none where it only observes."""
    found = policy()
    return None if current().is_observed else found


def observed() -> Policy | None:
    """The policy that only observes, None where there is none or it is enforced."""
    found = policy()
    return found if current().is_observed else None


def hand_on_policy() -> None:
    """Give the policy to the pips that this one starts, and the log by a path that holds wherever they start."""
    hand_on(INHERITED, current().packed)
    if current().is_observed and os.environ.get(LOG):
        with contextlib.suppress(OSError):
            hand_on(LOG, os.path.abspath(os.environ[LOG]))


def hand_on(name: str, value: str) -> None:
    """Give a variable to the pips that this one starts; nothing where there is nothing to say."""
    if value:
        os.environ[name] = value
