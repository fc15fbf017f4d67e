"""Whether a pip is guarded: which policy its hook finds, and whether it obeys. Both from real runs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from repoprio.config.policy_files import ASKED
from repoprio.doctor import running
from repoprio.doctor.pips import Pip, Told
from repoprio.doctor.trial_repositories import OBEYS, Bench, Trial
from repoprio.environments import hook_installer
from repoprio.policy.model import Mode


class State(Enum):
    """What there is to say of a pip, worst news first."""

    OF_ANOTHER = "of-another-user"
    NO_PIP = "no-pip"
    NO_HOOK = "no-hook"
    DISOBEYED = "disobeyed"
    UNTOLD = "untold"
    NO_POLICY = "no-policy"
    FAULTY = "faulty-policy"
    OBSERVED = "observed"
    GUARDED = "guarded"


@dataclass(frozen=True)
class Examined:
    """One pip.

    `hook` is what the hook there tells (`policy_report.answer`), None where none answers. `trial` is what came of
    looking for acme. `launchers` are the scripts on PATH that start the same pip, `ran` the commands that were run.
    """

    told: Told
    launchers: Sequence[str] = ()
    hook: dict[str, Any] | None = None
    trial: Trial = field(default_factory=lambda: Trial(None))
    is_damaged: bool = False
    ran: tuple[tuple[str, ...], ...] = ()

    @property
    def policy(self) -> dict[str, Any] | None:
        """The policy that its hook finds."""
        found: dict[str, Any] | None = self.hook["policy"] if self.hook else None
        return found

    @property
    def state(self) -> State:
        """The verdict: guarded only where a sound policy reaches it, is enforced, and pip took what it says."""
        if self.told.stranger:
            return State.OF_ANOTHER
        if self.told.version is None:
            return State.NO_PIP
        if self.trial.took != OBEYS:
            return State.DISOBEYED if self.hook else State.NO_HOOK
        if self.hook is None:
            return State.UNTOLD
        if self.policy is None:
            return State.NO_POLICY
        if self.policy["faults"]:
            return State.FAULTY
        return State.OBSERVED if self.policy["mode"] == Mode.OBSERVE.value else State.GUARDED


def examine(told: Told, launchers: Sequence[str], bench: Bench) -> Examined:
    """Ask the hook of a pip, and try that pip."""
    version = (*told.pip.command, "--version")
    if told.stranger:
        return Examined(told, launchers)
    if told.version is None:
        return Examined(told, launchers, ran=(version,))
    hook = _ask_hook(told.pip, bench)
    trial = bench.try_pip(told.pip)
    ran = (version, (*told.pip.command, "help"), (*told.pip.command, "download", "acme"))
    is_damaged = trial.took != OBEYS and told.pip.python is not None and _is_damaged(told.pip.python)
    return Examined(told, launchers, hook, trial, is_damaged, ran)


def _ask_hook(pip: Pip, bench: Bench) -> dict[str, Any] | None:
    """What the hook says where a plain pip of this user is started, with its variables and files."""
    environ = {**running.as_the_user(os.environ), ASKED: "1"}
    said = running.run([*pip.command, "help"], environ, pip.folder(bench.empty())).stdout
    try:
        answer = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        # The help of a pip that knows nothing of us.
        return None
    return answer if isinstance(answer, dict) and "repoprio" in answer else None


def _is_damaged(python: str) -> bool:
    """Whether an environment has a repoprio of its own, and not all of it."""
    try:
        packages = hook_installer.interpreter(python).packages
    except hook_installer.CannotEnable:
        return False
    names = ("repoprio", "_repoprio_shim.py", "repoprio.pth")
    is_there = any(os.path.exists(os.path.join(packages, name)) for name in names)
    return is_there and not hook_installer.is_whole(packages)
