"""Checks whether a pip obeys the policy, and which policy its hook finds, with real runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from enum import Enum
from typing import Any, NamedTuple

from repoprio.dataclass import dataclass
from repoprio.doctor import base_check, obstacles
from repoprio.doctor.obstacles import Obstacle
from repoprio.doctor.pips import PipFacts
from repoprio.doctor.trial_repositories import OBEYS, Bench, Trial
from repoprio.environments import hook_installer, interpreters, repairs
from repoprio.environments.target import is_same
from repoprio.policy.model import Mode


class State(Enum):
    """The verdict on a pip, the worst first."""

    OF_ANOTHER = "of-another-user"
    SHADOWED = "shadowed"
    NO_PIP = "no-pip"
    GATEWAY = "gateway"
    UNFIT = "unfit-python"
    TOO_OLD = "too-old"
    BROKEN = "broken-pip"
    NO_HOOK = "no-hook"
    DISOBEYED = "disobeyed"
    UNTOLD = "untold"
    NO_POLICY = "no-policy"
    FAULTY = "faulty-policy"
    OBSERVED = "observed"
    GUARDED = "guarded"


class Beside(NamedTuple):
    """Why the gateway is not the only index of a pip without the hook: a stable code and an index, or why not known.

    `origin` is the setting that names the index; `fix` is what to do about it, "" if nothing is known to help.
    """

    code: str
    what: str
    origin: str | None
    fix: str


# The gateway guards these as well, if it is their only index.
WITHOUT_HOOK = (State.NO_HOOK, State.UNFIT, State.TOO_OLD, State.NO_POLICY)


@dataclass(frozen=True)
class Examined:
    """One pip, with the results of its runs.

    `trial` is the result of a search for acme. `launchers` are the scripts on PATH that start the same pip, `ran` the
    commands that were run. `unfit` is why no hook can work in its Python, "" if one can. `is_hooked`: its Python loads
    a hook; `has_own_hook`: from its own packages. `obstacles` are what keeps the hook from this pip. `beside`: the
    indexes of a pip without the hook besides the policy's gateway; None if there is no gateway, or no need for it.
    """

    facts: PipFacts
    launchers: Sequence[str] = ()
    trial: Trial = field(default_factory=lambda: Trial(None))
    is_damaged: bool = False
    is_hooked: bool = False
    has_own_hook: bool = False
    obstacles: tuple[Obstacle, ...] = ()
    unfit: str = ""
    ran: tuple[tuple[str, ...], ...] = ()
    beside: tuple[Beside, ...] | None = None

    @property
    def hook(self) -> dict[str, Any] | None:
        """The report of its hook (`policy_report.answer`); None if none answers."""
        return self.facts.hook

    @property
    def policy(self) -> dict[str, Any] | None:
        """The policy that its hook finds; None if there is none, or no hook."""
        policy: dict[str, Any] | None = self.hook["policy"] if self.hook else None
        return policy

    @property
    def was_tried(self) -> bool:
        """Whether this pip was started at all."""
        return not (self.facts.stranger or self.facts.shadow)

    @property
    def state(self) -> State:
        """The verdict: GUARDED only if a valid policy reaches it and is enforced, and pip chose as it says.

        GATEWAY: it has no hook that guards it, and the gateway is its only index.
        """
        state = self._own_state
        return State.GATEWAY if self.beside == () and state in WITHOUT_HOOK else state

    @property
    def _own_state(self) -> State:
        if not self.was_tried:
            return State.OF_ANOTHER if self.facts.stranger else State.SHADOWED
        if self.facts.version is None:
            return State.NO_PIP
        if self.trial.took != OBEYS:
            return self._why_open
        if self.hook is None:
            return State.UNTOLD
        if self.policy is None:
            return State.NO_POLICY
        if self.policy["errors"]:
            return State.FAULTY
        return State.OBSERVED if self.policy["mode"] == Mode.OBSERVE.value else State.GUARDED

    @property
    def _why_open(self) -> State:
        if self.unfit:
            return State.UNFIT
        if repairs.is_too_old(self.facts.version or ""):
            return State.TOO_OLD
        if self.facts.is_broken or self.trial.is_broken:
            return State.BROKEN
        return State.DISOBEYED if self.hook else State.NO_HOOK


def examine(facts: PipFacts, launchers: Sequence[str], bench: Bench) -> Examined:
    """The results for one pip: the report of its hook, and a trial."""
    version = (*facts.pip.command, "--version")
    if facts.stranger or facts.shadow:
        return Examined(facts, launchers)
    if facts.version is None:
        return Examined(facts, launchers, ran=(version,))
    trial = bench.try_pip(facts.pip)
    ran = (version, (*facts.pip.command, "download", "acme"))
    result = Examined(facts, launchers, trial, is_hooked=facts.hook is not None, ran=ran)
    return result if trial.took == OBEYS or facts.pip.python is None else _look_closer(result, facts.pip.python, bench)


def merged(examined: Iterable[Examined]) -> list[Examined]:
    """Each pip once: a launcher that also obeys is left out if the same pip is there with the same policy."""
    rows: list[Examined] = []
    for result in examined:
        same = next((n for n, row in enumerate(rows) if _is_as_guarded(result, row)), None)
        if same is None or not result.facts.pip.launcher:
            rows.append(result)
        else:
            launchers = (*rows[same].launchers, result.facts.pip.launcher, *result.launchers)
            rows[same] = replace(rows[same], launchers=launchers, ran=(*rows[same].ran, *result.ran))
    return rows


def _is_as_guarded(result: Examined, other: Examined) -> bool:
    are_guarded = result.state is other.state is State.GUARDED
    return are_guarded and result.hook == other.hook and result.facts.is_same(other.facts)


def _look_closer(result: Examined, python: str, bench: Bench) -> Examined:
    """The results for a pip that does not obey, with further facts from its Python."""
    result = replace(result, obstacles=obstacles.find(result.facts.pip, bench))
    try:
        packages = interpreters.interpreter(python).packages
        hooks = base_check.hooks(python, bench)
    except interpreters.CannotEnable as error:
        return replace(result, unfit=error.problem.rstrip("."))
    except ValueError:
        return result
    has_own_hook = any(is_same(os.path.dirname(file), packages) for file in hooks)
    is_hooked = result.is_hooked or bool(hooks)
    return replace(result, is_damaged=_is_damaged(packages), is_hooked=is_hooked, has_own_hook=has_own_hook)


def _is_damaged(packages: str) -> bool:
    """Whether a folder of packages has a repoprio of its own that is incomplete."""
    names = ("repoprio", "_repoprio_shim.py", "repoprio.pth")
    is_there = any(os.path.exists(os.path.join(packages, name)) for name in names)
    return is_there and not hook_installer.is_whole(packages)
