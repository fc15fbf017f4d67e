"""What one command of pip knows: its policy, read once, and what it hands on to the pips that it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import _repoprio_shim
from repoprio.config import carry
from repoprio.config.faults import PolicyFaults
from repoprio.config.places import INHERITED
from repoprio.pip_adapter.child import CHILD, IS_CHILD, RUNNER
from repoprio.policy import Policy


@dataclass
class Process:
    """What one command knows: its policy, read once when pip first builds something that looks up projects.

    `roots` are the URLs that the user asks for; `builds` counts the in-process builds that are going on.
    """

    loaded: bool = False
    policy: Policy | None = None
    faults: PolicyFaults | None = None
    packed: str = ""
    is_isolated: bool = False
    builds: int = 0
    roots: set[str] = field(default_factory=set)

    def begin(self, *, isolated: bool) -> None:
        """Forget what an earlier command of this process knew."""
        self.__dict__.update(vars(Process(is_isolated=isolated)))

    def load(self) -> None:
        """Read the policy."""
        # pip 26.3 forbids imports once it installs: whatever may be needed is loaded here.
        from repoprio.pip_adapter import compat, hush
        from repoprio.pip_adapter.guard import Guard  # noqa: F401

        survey = compat.read_policy(isolated=self.is_isolated)
        # Children look up projects too, from another folder perhaps, or in another interpreter.
        # Where there is none, theirs is what their own files say.
        says = survey.merged.settings or survey.faults
        self.packed = carry.pack(survey.merged, survey.faults) if says else ""
        try:
            self.policy = survey.sound()
        except PolicyFaults as faults:
            self.faults = faults
        else:
            hush.install(self.policy.secrets if self.policy else ())
        self.loaded = True

    @property
    def is_build(self) -> bool:
        """Whether what is asked for is wanted by a build, not by the user."""
        return IS_CHILD or self.builds > 0


PROCESS = Process()
HANDED_ON = (INHERITED, CHILD, RUNNER)


def policy() -> Policy | None:
    """The policy in force; a faulty one raises pip's `InstallationError` each time."""
    from pip._internal.exceptions import InstallationError

    if not PROCESS.loaded:
        try:
            PROCESS.load()
        except Exception as error:  # noqa: BLE001 - as for the shim: no pip may go on without us
            raise InstallationError(_repoprio_shim.damage(error)) from None
        hand_on(CHILD, "1")
        hand_on(INHERITED, PROCESS.packed)
    if PROCESS.faults is not None:
        raise InstallationError(f"repoprio: {PROCESS.faults}")
    return PROCESS.policy


def hand_on(name: str, value: str) -> None:
    """Give a variable to the pips that this one starts; nothing where there is nothing to say."""
    if value:
        os.environ[name] = value


def guard_of(finder: Any) -> Any:
    """The guard of a `PackageFinder`, None where no policy rules."""
    from repoprio.pip_adapter.guard import Guard

    if "_repoprio_guard" not in finder.__dict__:
        found = policy()
        finder._repoprio_guard = Guard(finder, found) if found else None
    return finder._repoprio_guard
