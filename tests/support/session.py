"""A long-lived process with a real, guarded pip session, which looks up what it is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import wire
from .paths import SUPPORT
from .pips import PipEnv
from .scene import policy_text


class Session:
    """A process with a real pip session, which looks up what it is told."""

    def __init__(self, env: PipEnv, policy: Path) -> None:
        # Whether pip is patched is looked at once, when it is imported.
        policy.write_text(policy_text({"corp": "https://corp.example/simple/"}))
        self._run = subprocess.Popen(
            [str(env.python), str(SUPPORT / "lookups.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=env.environment(policy),
        )  # fmt: skip

    def look_up(self, options: list[str], env: dict[str, str]) -> dict[str, Any]:
        """What comes of acme."""
        assert self._run.stdin
        assert self._run.stdout
        self._run.stdin.write(wire.dumps({"project": "acme", "options": options, "env": env}) + "\n")
        self._run.stdin.flush()
        found: dict[str, Any] = json.loads(self._run.stdout.readline())
        return found

    def close(self) -> None:
        """End the process."""
        assert self._run.stdin
        assert self._run.stdout
        self._run.stdin.close()
        self._run.wait(20)
        self._run.stdout.close()


@pytest.fixture(scope="module")
def session(env_store: Any, repoprio_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One process for all cases of a worker."""
    env = env_store.env("26.3", repoprio_wheel).with_home(tmp_path_factory.mktemp("home"))
    running = Session(env, tmp_path_factory.mktemp("policy") / "policy.toml")
    yield running
    running.close()
