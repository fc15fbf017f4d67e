"""A long-lived process with a real, guarded pip session, which looks up projects on request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import wire
from .conversation import Conversation
from .paths import SUPPORT
from .pips import PipEnv
from .scene import policy_text


class Session:
    """A process with a real pip session, which looks up projects on request."""

    def __init__(self, env: PipEnv, policy: Path) -> None:
        # Whether pip is patched is looked at once, when it is imported.
        policy.write_text(policy_text({"corp": "https://corp.example/simple/"}))
        self._run = Conversation([str(env.python), str(SUPPORT / "lookups.py")], env.environment(policy))

    def look_up(self, options: list[str], env: dict[str, str]) -> dict[str, Any]:
        """The result of looking up acme."""
        return self._run.ask(wire.dumps({"project": "acme", "options": options, "env": env}))

    def close(self) -> None:
        """End the process."""
        self._run.close()


@pytest.fixture(scope="module")
def session(env_store: Any, repoprio_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One process for all cases of a worker."""
    env = env_store.env("26.3", repoprio_wheel).with_home(tmp_path_factory.mktemp("home"))
    running = Session(env, tmp_path_factory.mktemp("policy") / "policy.toml")
    yield running
    running.close()
