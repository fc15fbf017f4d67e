"""What would guard a pip: commands that work as they stand, in the order in which to run them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from repoprio import shell
from repoprio.config.errors import LOOK_AGAIN
from repoprio.config.policy_files import VARIABLE
from repoprio.doctor.pip_check import Examined, State
from repoprio.environments import as_user, hook_installer, repairs


def steps(one: Examined, *, policy: str | None, is_fused: bool) -> list[str]:
    """What to do about a pip, nothing where it is guarded or nobody knows.

    `policy`: the file to enable an environment with, None where it finds one by itself. `is_fused`: a pip without hook
    finds nothing.
    """
    if (told := one.told).stranger:
        return list(_of_another(one))
    if told.shadow:
        return ["cd / && repoprio doctor"]
    if told.pip.python is None:
        return []
    enable = shell.command("repoprio", "enable", *_place(told.pip.python), *(["--policy", policy] if policy else []))
    if one.state in (State.TOO_OLD, State.BROKEN):
        found = [_repair(one, told.pip.python), *([] if one.is_hooked else [enable])]
        # Where the fuse is in place, only a guarded pip can fetch another.
        return found[::-1] if is_fused else found
    return list(_of_state(one, told.pip.python, enable, policy or "FILE"))


def _repair(one: Examined, python: str) -> str:
    words = repairs.UPGRADE if one.state is State.TOO_OLD else repairs.REINSTALL
    try:
        found = hook_installer.interpreter(python)
    except hook_installer.CannotEnable:
        return repairs.repair(python, words, base="", stdlib="")
    return repairs.repair(python, words, base=found.base, stdlib=found.stdlib)


def _of_state(one: Examined, python: str, enable: str, policy: str) -> Iterator[str]:
    where = _place(python)
    if one.state is State.UNFIT:
        is_venv = where[0] == "--venv"
        other = "recreate this environment" if is_venv else "use another Python"
        yield f"{other}, with Python 3.10 or later; or make its pip find nothing: repoprio enable --fuse"
    elif one.state is State.NO_POLICY:
        named = shell.command("repoprio", "enable", *where, "--policy", policy)
        yield f"{named}, or {shell.command('export', f'{VARIABLE}={policy}')}"
    elif one.state is State.FAULTY:
        hints = one.policy["hints"] if one.policy and "hints" in one.policy else [LOOK_AGAIN]
        look = shell.command("repoprio", "config", "check", "--python", where[1])
        yield look if LOOK_AGAIN in hints else "; ".join(hints)
    elif one.state is State.OBSERVED:
        yield 'set mode = "strict" when the log shows what you want'
    elif one.state not in (State.GUARDED, State.NO_PIP):
        yield from repairs.anew(python) if one.is_damaged else [enable]


def _of_another(one: Examined) -> Iterator[str]:
    pip, stranger = one.told.pip, one.told.stranger
    if stranger is None:
        return
    if stranger.user is None:
        yield shell.command("chmod", "go-w", stranger.path)
    elif pip.python:
        yield as_user.command(stranger.user, ["doctor", *_place(pip.python)])
    else:
        # Which Python it starts only a start of it would tell: doctor tries it since it is on PATH.
        yield as_user.command(stranger.user, ["doctor"], path=True)


def _place(python: str) -> tuple[str, str]:
    """The environment of `python` as an option of enable's."""
    folder = os.path.dirname(os.path.dirname(python))
    return ("--venv", folder) if os.path.exists(os.path.join(folder, "pyvenv.cfg")) else ("--python", python)
