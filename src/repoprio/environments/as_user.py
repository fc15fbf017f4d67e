"""Whole commands that do as another user what root refuses to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from repoprio import shell
from repoprio.config.policy_files import VARIABLE as POLICY
from repoprio.environments.target import VARIABLE as ACTIVATED
from repoprio.redaction import redact_text

# What decides about a command, and sudo takes away.
_CARRIED = (POLICY, "PIP_CONFIG_FILE", ACTIVATED)
_OURS = ("repoprio", "repoprio.exe")


def command(user: str, arguments: Sequence[str], *, path: bool = False) -> str:
    """The command that runs repoprio with `arguments` as `user`; `path`: with the PATH of who runs it."""
    variables = [shell.command(f"{name}={os.environ[name]}") for name in _CARRIED if name in os.environ]
    variables += ['PATH="$PATH"'] if path else []
    # sudo looks for programs in folders of its own.
    return " ".join(
        [
            shell.command("sudo", "-u", user),
            *(["env", *variables] if variables else []),
            shell.command(*_program(), *arguments),
        ]
    )


def again(user: str) -> str | None:
    """The command that does as `user` what this process was started to do; None where that is not repoprio."""
    program = sys.argv[0]
    is_ours = os.path.basename(program) in _OURS or program.endswith(os.path.join("repoprio", "__main__.py"))
    arguments = [redact_text(word) if "://" in word else word for word in sys.argv[1:]]
    return command(user, arguments) if is_ours else None


def _program() -> list[str]:
    script = os.path.join(os.path.dirname(sys.executable), "repoprio")
    return [script] if os.path.isfile(script) else [sys.executable, "-m", "repoprio"]
