"""Commands that run repoprio as another user, for what root refuses to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from repoprio import shell
from repoprio.config.policy_files import VARIABLE as POLICY
from repoprio.environments.target import VARIABLE as ACTIVATED
from repoprio.redaction import redact_text

# Variables that affect a command, and that sudo removes.
_CARRIED = (POLICY, "PIP_CONFIG_FILE", ACTIVATED)
_OURS = ("repoprio", "repoprio.exe")


def command(user: str, arguments: Sequence[str], *, path: bool = False) -> str:
    """The command that runs repoprio with `arguments` as `user`; with `path`, also with this process's PATH."""
    variables = [shell.arguments(f"{name}={os.environ[name]}") for name in _CARRIED if name in os.environ]
    variables += ['PATH="$PATH"'] if path else []
    # sudo searches for programs in its own list of folders.
    return " ".join(
        [
            shell.command("sudo", "-u", user),
            *(["env", *variables] if variables else []),
            shell.command(*_program(), *arguments),
        ]
    )


def again(user: str) -> str | None:
    """The command that repeats this process's command as `user`; None if this process is not repoprio's."""
    program = sys.argv[0]
    is_ours = os.path.basename(program) in _OURS or program.endswith(os.path.join("repoprio", "__main__.py"))
    arguments = [redact_text(word) if "://" in word else word for word in sys.argv[1:]]
    return command(user, arguments) if is_ours else None


def _program() -> list[str]:
    script = os.path.join(os.path.dirname(sys.executable), "repoprio")
    return [script] if os.path.isfile(script) else [sys.executable, "-m", "repoprio"]
