"""What one command of pip knows: its policy, read once, and what it hands on to the pips that it starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import _repoprio_shim
from repoprio.config import handoff
from repoprio.config.errors import PolicyFaults
from repoprio.config.policy_files import INHERITED
from repoprio.environments.child_script import CHILD, IS_CHILD, NO_INDEX, RUNNER
from repoprio.explain.observation import Tally
from repoprio.names import normalize
from repoprio.output import say, shown
from repoprio.pip_adapter import hint_target
from repoprio.policy.model import Mode, Policy

# Where what a policy would change is written while it only observes; and where children leave what they saw.
LOG = "REPOPRIO_LOG"
SEEN = "_REPOPRIO_SEEN"


@dataclass
class Process:
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

    # Of the whole process: this pip is not known, the policy only observes, and so pip goes on without us.
    is_given_up: ClassVar[bool] = False
    # Of the whole process: it is a command of repoprio, which says itself why pip is refused.
    is_command: ClassVar[bool] = False

    loaded: bool = False
    policy: Policy | None = None
    faults: PolicyFaults | None = None
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
    seen: Tally = field(default_factory=Tally)
    seen_file: str = ""

    def begin(self, *, isolated: bool, command: str = "", arguments: Iterable[str] = ()) -> None:
        """Forget what an earlier command of this process knew."""
        self.__dict__.update(vars(Process(is_isolated=isolated, command=command, arguments=tuple(arguments))))

    def load(self) -> None:
        """Read the policy."""
        # pip 26.3 forbids imports once it installs: whatever may be needed is loaded here.
        from repoprio.pip_adapter import compat, log_redaction
        from repoprio.pip_adapter.finder.policy_finder import Guard  # noqa: F401
        from repoprio.pip_adapter.install import wheel_check

        wheel_check.settings_files()
        with contextlib.suppress(OSError):
            self.folder = os.getcwd()

        survey = compat.read_policy(isolated=self.is_isolated)
        # Children look up projects too, from another folder perhaps, or in another interpreter.
        # Where there is none, theirs is what their own files say.
        says = survey.merged.settings or survey.faults
        self.packed = handoff.pack(survey.merged, survey.faults) if says else ""
        try:
            self.policy = survey.sound()
        except PolicyFaults as faults:
            self.faults = faults
        else:
            self._prepare(log_redaction)
            for lost in survey.lost:
                # As for a fault, but the policy only observes: one warning, and pip goes on.
                say(f"WARNING: repoprio: {lost}\n  hint: {lost.hint}    [policy]")
        self.loaded = True

    def _prepare(self, hush: Any) -> None:
        if self.is_observed:
            # What pip says stays as it is, and nothing is imported later on.
            from repoprio.pip_adapter.observe import observer  # noqa: F401
        else:
            if self.policy and self.policy.is_flexible:
                from repoprio.pip_adapter.resolver import flexible  # noqa: F401
            hush.install(self.policy.secrets if self.policy else ())

    def note_asked(self, requirements: Iterable[Any]) -> None:
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


PROCESS = Process()
HANDED_ON = (INHERITED, CHILD, RUNNER, NO_INDEX, LOG, SEEN, hint_target.AIM)


def policy() -> Policy | None:
    """The policy that there is, one that only observes too; a faulty one raises pip's `InstallationError` each time."""
    if Process.is_given_up:
        return None
    from pip._internal.exceptions import InstallationError

    if not PROCESS.loaded:
        try:
            PROCESS.load()
        except Exception as error:  # noqa: BLE001 - as for the shim: no pip may go on without us
            raise InstallationError(_repoprio_shim.damage(error)) from None
        hand_on(CHILD, "1")
        hand_on(hint_target.AIM, hint_target.python())
        hand_on_policy()
    if PROCESS.faults is not None:
        raise InstallationError(shown(hint_target.aimed(f"repoprio: {PROCESS.faults}")))
    return PROCESS.policy


def enforced() -> Policy | None:
    """The policy that pip is held to: none where it only observes."""
    found = policy()
    return None if PROCESS.is_observed else found


def observed() -> Policy | None:
    """The policy that only observes, None where there is none or it is enforced."""
    found = policy()
    return found if PROCESS.is_observed else None


def hand_on_policy() -> None:
    """Give the policy to the pips that this one starts, and the log by a path that holds wherever they start."""
    hand_on(INHERITED, PROCESS.packed)
    if PROCESS.is_observed and os.environ.get(LOG):
        with contextlib.suppress(OSError):
            hand_on(LOG, os.path.abspath(os.environ[LOG]))


def hand_on(name: str, value: str) -> None:
    """Give a variable to the pips that this one starts; nothing where there is nothing to say."""
    if value:
        os.environ[name] = value


def guard_of(finder: Any, *, always: bool = False) -> Any:
    """The guard of a `PackageFinder`, None where no policy rules; `always`: where it only observes too."""
    from repoprio.pip_adapter.finder.policy_finder import Guard

    if "_repoprio_guard" not in finder.__dict__:
        found = policy() if always else enforced()
        finder._repoprio_guard = Guard(finder, found) if found else None
    return finder._repoprio_guard


def observer_of(finder: Any) -> Any:
    """What watches a `PackageFinder` for a policy that only observes, None where none does."""
    found = observed()
    if found is None:
        return None
    if "_repoprio_observer" not in finder.__dict__:
        from repoprio.pip_adapter.observe.observer import Observer

        finder._repoprio_observer = Observer(finder, found)
    return finder._repoprio_observer
