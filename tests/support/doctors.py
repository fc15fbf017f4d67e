"""`repoprio doctor`, asked of no pip of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .pips import PipEnv

# What is on this machine's own PATH must not change a result.
NO_PIPS = "/no/such/folder"
POLICY = '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'


def report(env: PipEnv, policy: Path | None, *arguments: str, path: str = NO_PIPS) -> tuple[int, dict[str, Any]]:
    """The exit status and the report as JSON."""
    done = env.tool("doctor", "--format", "json", *arguments, policy=policy, env={"PATH": path})
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)
