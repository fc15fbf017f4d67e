"""Commands that would make a pip obey the policy, in the order in which to run them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from repoprio import shell
from repoprio.config.errors import LOOK_AGAIN
from repoprio.config.policy_files import VARIABLE
from repoprio.doctor import obstacles
from repoprio.doctor.pip_check import Examined, State
from repoprio.environments import as_user, interpreters, repairs


def steps(pip: Examined, *, policy: str | None, is_fused: bool) -> list[str]:
    """The commands for a pip; empty if it obeys, or if nothing is known to help.

    `policy` is the file to name in `enable`, None if the environment finds a policy by itself. `is_fused`: a pip
    without the hook finds nothing.
    """
    if (facts := pip.facts).stranger:
        return list(_stranger_remedies(pip))
    if facts.shadow:
        return [shell.sequence("cd /", "repoprio doctor")]
    if facts.pip.python is None:
        return []
    proven = bool(pip.obstacles) and all(obstacle.is_proven for obstacle in pip.obstacles)
    enable = shell.command("repoprio", "enable", *_place(facts.pip.python), *(["--policy", policy] if policy else []))
    past = _past(pip, facts.pip.python, enable, is_fused=is_fused) if pip.obstacles else []
    if proven:
        return past
    if pip.state in (State.TOO_OLD, State.BROKEN):
        commands = [_repair(pip, facts.pip.python), *([] if pip.is_hooked else [enable])]
        # With the fuse in place, only a pip with the hook can fetch another.
        return [*(commands[::-1] if is_fused else commands), *past]
    return [*_state_remedies(pip, facts.pip.python, enable, policy or "FILE"), *past]


def _past(pip: Examined, python: str, enable: str, *, is_fused: bool) -> list[str]:
    """The ways around the obstacles of a pip: the one that was tried, and alternatives."""
    launcher = next((obstacle for obstacle in pip.obstacles if obstacle.launcher), None)
    ways = [*_settings(pip), *([f"run {shell.command(python, '-m', 'pip')} instead"] if launcher else [])]
    more = []
    if launcher and launcher.loads_nothing:
        more += [f"remove {' '.join(launcher.options)} from its first line"] if _is_ours(launcher.launcher) else []
        more += [] if is_fused else ["make it find nothing: repoprio enable --fuse"]
    elif not pip.has_own_hook:
        more = [enable]
    return [", or ".join(["; ".join(ways), *more])]


def _settings(pip: Examined) -> Iterator[str]:
    """The commands that remove the variables that are obstacles."""
    remaining = obstacles.without(pip.obstacles, os.environ)
    for name in dict.fromkeys(obstacle.variable for obstacle in pip.obstacles if obstacle.variable):
        yield shell.setting(name, remaining[name]) if name in remaining else shell.unsetting(name)


def _is_ours(launcher: str | None) -> bool:
    """Whether this user can change a script."""
    return launcher is not None and os.access(launcher, os.W_OK)


def _repair(pip: Examined, python: str) -> str:
    words = repairs.UPGRADE if pip.state is State.TOO_OLD else repairs.REINSTALL
    try:
        interpreter = interpreters.interpreter(python)
    except interpreters.CannotEnable:
        return repairs.repair(python, words, base="", stdlib="")
    return repairs.repair(python, words, base=interpreter.base, stdlib=interpreter.stdlib)


def _state_remedies(pip: Examined, python: str, enable: str, policy: str) -> Iterator[str]:
    where = _place(python)
    if pip.state is State.UNFIT:
        is_venv = where[0] == "--venv"
        instead = "recreate this environment" if is_venv else "use another Python"
        yield f"{instead}, with Python 3.10 or later; or make its pip find nothing: repoprio enable --fuse"
    elif pip.state is State.NO_POLICY:
        named = shell.command("repoprio", "enable", *where, "--policy", policy)
        yield f"{named}, or {shell.setting(VARIABLE, policy)}"
    elif pip.state is State.FAULTY:
        hints = pip.policy["hints"] if pip.policy and "hints" in pip.policy else [LOOK_AGAIN]
        look = shell.command("repoprio", "config", "check", "--python", where[1])
        yield look if LOOK_AGAIN in hints else "; ".join(hints)
    elif pip.state is State.OBSERVED:
        yield 'set mode = "strict" when the log shows what you want'
    elif pip.state not in (State.GUARDED, State.NO_PIP):
        yield from repairs.reinstall_commands(python) if pip.is_damaged else [enable]


def _stranger_remedies(examined: Examined) -> Iterator[str]:
    pip, stranger = examined.facts.pip, examined.facts.stranger
    if stranger is None:
        return
    if stranger.user is None:
        yield shell.command("chmod", "go-w", stranger.path)
    elif pip.python:
        yield as_user.command(stranger.user, ["doctor", *_place(pip.python)])
    else:
        # Only a start would show which Python it runs; doctor as that user starts it, since it is on PATH.
        yield as_user.command(stranger.user, ["doctor"], path=True)


def _place(python: str) -> tuple[str, str]:
    """The option of `enable` for the environment of `python`."""
    folder = os.path.dirname(os.path.dirname(python))
    return ("--venv", folder) if os.path.exists(os.path.join(folder, "pyvenv.cfg")) else ("--python", python)
