"""`repoprio doctor`, without the pips of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repoprio.render import doctor as rendered

from .pips import PipEnv

# Programs on this machine's own PATH must not change a result.
NO_PIPS = "/no/such/folder"
POLICY = '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'
# A module that is loaded when Python starts, and takes the hook away.
NO_HOOK = """
import sys
ours = ("_repoprio_shim", "_repoprio_pointer")
sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__module__", "") not in ours]
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy whose repository is never asked."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    return file


def report(env: PipEnv, policy: Path | None, *arguments: str, path: str = NO_PIPS) -> tuple[int, dict[str, Any]]:
    """The exit status and the report as JSON."""
    done = env.tool("doctor", "--format", "json", *arguments, policy=policy, env={"PATH": path})
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)


def screen(found: dict[str, Any]) -> str:
    """A report as text: what the same run prints without `--format json`."""
    return "".join(f"{line}\n" for line in rendered.lines(found))
