"""The state of one pip command: its policy, read once, and what it passes to its child pips."""

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


# The file for the changes that a policy in observe mode would make; and the file in which child pips report.
LOG = "REPOPRIO_LOG"
CHILD_REPORT = "_REPOPRIO_SEEN"


@dataclass
class PipCommand:
    """The state of one pip command; its policy is read once, when pip first builds something that looks up projects.

    `roots` are the URLs that the user asks for, `asked` the names (None: no resolver runs). `builds` counts the
    in-process builds that are running. `target` is the folder to which ``pip install --target`` moves files in the
    end; `replaces`: they replace existing ones. `folder` is the working directory when the policy was read. `command`
    is pip's subcommand, `arguments` are its arguments. `seen` is the result under a policy that only observes,
    `seen_file` the file in which child pips report theirs. `looks`: a command of repoprio that installs nothing.
    `named_files` are the requirements files that the user named, without those that these files name.
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
        # Imported late: the patches, and this module with them, are loaded while pip itself is being imported.
        from repoprio.pip_adapter import policy_reading

        with contextlib.suppress(OSError):
            self.folder = os.getcwd()
        loaded = policy_reading.read_policy(isolated=self.is_isolated)
        # Child pips look up projects too, perhaps in another folder or interpreter. If there is no policy, they read
        # their own files.
        has_settings = loaded.merged.settings or loaded.errors
        self.packed = handoff.pack(loaded.merged, loaded.errors) if has_settings else ""
        try:
            self.policy = loaded.sound()
        except InvalidPolicy as invalid:
            self.invalid_policy = invalid
        else:
            _PROCESS.preload(self.policy)
            if not self.is_observed:
                log_redaction.install(self.policy.secrets if self.policy else ())
            for lost in loaded.lost:
                # Otherwise an error; but this policy only observes, so warn once, and let pip go on.
                say(f"WARNING: repoprio: {lost}\n  hint: {lost.remedy}    [policy]")
        self.loaded = True

    def note_asked(self, requirements: Iterable[InstallRequirement]) -> None:
        """Note the names that the user asks for, from the resolver's first requirements; constraints do not count."""
        if not self.is_build:
            holding = (ireq for ireq in requirements if not ireq.constraint and ireq.match_markers())
            names = {normalize(ireq.name) for ireq in holding if ireq.name}
            self.asked = names | (self.asked or set())

    @property
    def is_observed(self) -> bool:
        """Whether there is a policy in observe mode."""
        return self.policy is not None and self.policy.mode is Mode.OBSERVE

    @property
    def is_build(self) -> bool:
        """Whether the requirements are those of a build, not of the user."""
        return IS_CHILD or self.builds > 0


@dataclass
class _ProcessState:
    """The state of this process, for all pip commands that run in it.

    `unsupported_pip`: this pip is unknown, and since the policy only observes, pip goes on without repoprio.
    `is_own_command`: a command of repoprio runs here and prints its own messages. `preload` imports what a command
    under a policy may need.
    """

    command: PipCommand = field(default_factory=PipCommand)
    unsupported_pip: bool = False
    is_own_command: bool = False
    preload: Callable[[Policy | None], None] = lambda _: None


_PROCESS = _ProcessState()
HANDED_ON = (INHERITED, CHILD, RUNNER, NO_INDEX, LOG, CHILD_REPORT, hint_target.AIM)


def current() -> PipCommand:
    """The running pip command."""
    return _PROCESS.command


def process() -> _ProcessState:
    """The state of this process."""
    return _PROCESS


def begin(*, isolated: bool, command: str = "", arguments: Iterable[str] = ()) -> None:
    """Start a new command, with a new state."""
    _PROCESS.command = PipCommand(is_isolated=isolated, command=command, arguments=tuple(arguments))


def policy() -> Policy | None:
    """The policy, also one in observe mode, or None; raises pip's `InstallationError` if it is faulty."""
    if _PROCESS.unsupported_pip:
        return None
    from pip._internal.exceptions import InstallationError

    command = current()
    if not command.loaded:
        try:
            command.load()
        except Exception as error:  # noqa: BLE001 - as in the shim: pip must not go on without repoprio
            raise InstallationError(_repoprio_shim.damage(error)) from None
        hand_on(CHILD, "1")
        hand_on(hint_target.AIM, hint_target.python())
        hand_on_policy()
    if command.invalid_policy is not None:
        command.invalid_policy.python = hint_target.python()
        raise InstallationError(safe_text(f"repoprio: {command.invalid_policy}"))
    return command.policy


def enforced() -> Policy | None:
    """The policy that pip must obey; None if there is none, or if it only observes."""
    in_force = policy()
    return None if current().is_observed else in_force


def observed() -> Policy | None:
    """The policy in observe mode; None if there is none, or if it is enforced."""
    in_force = policy()
    return in_force if current().is_observed else None


def hand_on_policy() -> None:
    """Pass the policy to child pips, and the log as an absolute path."""
    hand_on(INHERITED, current().packed)
    if current().is_observed and os.environ.get(LOG):
        with contextlib.suppress(OSError):
            hand_on(LOG, os.path.abspath(os.environ[LOG]))


def hand_on(name: str, value: str) -> None:
    """Set a variable for child pips; an empty value changes nothing."""
    if value:
        os.environ[name] = value
