"""A scene in which the policy only observes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.fixtures import RepositoryFactory
from support.pips import Completed, PipEnv
from support.scene import Scene


class Observed(Scene):
    """corp above public, a policy that only observes, and a pip that asks both at once."""

    def __init__(self, repository: RepositoryFactory, folder: Path) -> None:
        super().__init__(repository, folder, acme=("1.0", "1.1"))
        self.log = folder / "changes.jsonl"
        self.public.add("needs-acme", {"version": "2.0", "requires": ["acme"]})

    def policy(self, extra: str = "", *, before: str = "", **more: Any) -> Path:
        """The policy, which observes."""
        return super().policy(extra, before=f'mode = "observe"\n{before}', **more)

    @property
    def indexes(self) -> list[str]:
        """Pip's own options for both repositories, without a cache."""
        return ["--no-cache-dir", *super().indexes]

    def run(
        self, env: PipEnv, command: str, /, *arguments: str, policy: Path | None = None, **options: Any
    ) -> Completed:
        """Run a command of pip that asks both, with the policy and the log; it must succeed."""
        environ = {"REPOPRIO_LOG": str(self.log), **options.pop("env", {})}
        found = policy or self.policy()
        done = env.run(command, *self.indexes, *arguments, policy=found, env=environ, **options)
        assert done.code == 0, done.stdout + done.stderr
        return done

    def records(self) -> list[dict[str, Any]]:
        """The records of the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


def observed(done: Completed) -> str:
    """The line that says what would change; there is exactly one, the last of stderr."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("repoprio: observe:")]
    assert len(lines) == 1, done.stderr
    return lines[0]
